//! What RPL does on a mesh: it forms, it carries, it loops when links change, it collapses when its root forgets, and
//! what each remedy buys. Figures are asserted; they are this harness's, with no collisions and no MAC.

mod air;

use air::{Air, MINUTE_NS, SECOND_NS, eui, global};
use taa_mesh::rpl::node::{Config, Purpose, Role};
use taa_mesh::rpl::objective::{INFINITE_RANK, Mrhof, Objective, Of0};
use taa_mesh::rpl::wire::{DodagConfig, Mode};

const fn plain(_: usize, _: &mut Config) {}

fn storing(_: usize, config: &mut Config) {
    config.mode = Mode::Storing;
}

/// A root that announces other parameters.
fn with_dodag(change: impl Fn(&mut DodagConfig)) -> impl Fn(usize, &mut Config) {
    move |_, config| {
        if let Role::Root(root) = &mut config.role {
            change(&mut root.dodag);
        }
    }
}

/// Runs until all are joined and announced; minutes it took.
fn form(air: &mut Air) -> u64 {
    air.start();
    let count = air.nodes.len();
    let took =
        air.run_until(10 * SECOND_NS, 180 * MINUTE_NS, |air| air.rooted() == count && air.announced() == count - 1);
    took.unwrap_or_else(|| panic!("{} joined, {} announced of {count}", air.joined(), air.announced())) / MINUTE_NS
}

#[test]
fn a_line_forms_hop_by_hop_and_carries_both_ways() {
    let mut air = Air::new(10, 1, plain).line();
    let minutes = form(&mut air);
    assert!((1..20).contains(&minutes), "{minutes} min");
    for index in 1..10 {
        assert_eq!(air.nodes[index].preferred_parent(), Some(eui(index - 1)));
        assert_eq!(usize::from(air.nodes[index].rank()), 128 * (index + 1));
        assert_eq!(air.nodes[0].parent_of(global(index)), Some(global(index - 1)));
    }
    assert_eq!(air.nodes[0].source_route(air.now_ns, global(9)).len(), 9);
    assert_eq!(air.round(), (9, 9));
}

#[test]
fn a_packet_between_two_nodes_turns_at_the_root_or_where_the_ways_meet() {
    for (mode, transmissions) in [(Mode::NonStoring, 4 + 4), (Mode::Storing, 1 + 1)] {
        // Root 0, then 1 with two arms: 2–3 and 4–5; 3 hears 5 not at all.
        let mut air = Air::new(6, 2, |_, config| config.mode = mode);
        for (a, b) in [(0, 1), (1, 2), (2, 3), (1, 4), (4, 5)] {
            air.link(a, b, 1.0);
        }
        form(&mut air);
        air.delivered.clear();
        let before = air.sent_of(Purpose::Data);
        // From 3 to 5: over the root in non-storing mode, over node 1 in storing mode.
        assert!(air.send(3, global(5), b"across"));
        assert!(mode != Mode::Storing || air.send(2, global(1), b"near"));
        air.run(10 * SECOND_NS);
        assert!(
            air.delivered.iter().any(|(to, from, payload)| (*to, *from, &payload[..]) == (5, global(3), b"across"))
        );
        let used = air.sent_of(Purpose::Data) - before;
        let expected = if mode == Mode::Storing { 4 + 1 } else { 3 + 3 };
        assert_eq!(used, expected, "{mode:?}, at most {transmissions}");
    }
}

#[test]
fn storing_and_non_storing_carry_alike_and_differ_in_memory_and_airtime() {
    let mut figures = Vec::new();
    for shape in [plain as fn(usize, &mut Config), storing] {
        let mut air = Air::new(36, 3, shape).grid(6, 1.0);
        form(&mut air);
        air.run(60 * MINUTE_NS);
        let (up, down) = air.round();
        assert!(up >= 34 && down >= 34, "{up} up, {down} down");
        let routers: usize = air.nodes[1..].iter().map(taa_mesh::rpl::node::Node::routes).sum();
        figures.push((air.nodes[0].routes(), routers, air.sent[&Purpose::Dao].0));
    }
    let [(root_a, routers_a, _), (root_b, routers_b, _)] = figures[..] else { panic!() };
    assert_eq!((root_a, root_b), (35, 35));
    assert_eq!(routers_a, 0, "only the root remembers in non-storing mode");
    assert!(routers_b > 60, "every router remembers its sub-DODAG: {routers_b}");
}

#[test]
fn objective_functions_choose_differently() {
    // 1 is near over a bad link, 2 reaches the root over 3 by good ones.
    let mut ranks = Vec::new();
    for objective in [Objective::Mrhof(Mrhof::default()), Objective::Zero(Of0::default())] {
        let mut air = Air::new(4, 4, |_, config| {
            config.objective = objective;
            if let Role::Root(root) = &mut config.role {
                root.dodag.objective = objective.code_point();
            }
        });
        for (a, b, ratio) in [(0, 1, 0.72), (0, 3, 1.0), (3, 1, 1.0), (1, 2, 1.0)] {
            air.link(a, b, ratio);
        }
        form(&mut air);
        air.run(60 * MINUTE_NS);
        ranks.push((air.way_up(1).unwrap(), air.nodes[2].rank()));
    }
    assert_eq!(ranks[0].0, 1, "MRHOF stays with 1.9 transmissions rather than switch for less than the threshold");
    assert_eq!(ranks[1].0, 2, "OF0 counts the bad link as several steps");
}

#[test]
fn a_thousand_nodes_form() {
    let mut air = Air::new(1000, 5, plain).grid(32, 0.95);
    air.start();
    let took = air.run_until(MINUTE_NS, 120 * MINUTE_NS, |air| air.rooted() == 1000);
    let minutes = took.expect("all joined") / MINUTE_NS;
    let deepest = (0..1000).filter_map(|index| air.way_up(index)).max().unwrap();
    air.run(30 * MINUTE_NS);
    println!("1000 nodes joined in {minutes} min, {deepest} hops, {} announced 30 min later", air.announced());
    assert!(minutes < 60, "{minutes} min");
    assert!(air.announced() >= 980, "{}", air.announced());
    assert_eq!(air.looping(), 0);
}

#[test]
fn equal_seeds_give_equal_meshes() {
    let run = |seed| {
        let mut air = Air::new(25, seed, plain).grid(5, 0.8);
        air.start();
        air.run(60 * MINUTE_NS);
        (air.nodes.clone(), air.sent.clone())
    };
    assert!(run(6) == run(6));
    assert!(run(6) != run(7), "the seed must matter, else the test above says nothing");
}

/// Root 0 – 1 – 2 – 3; the link 0–1 is cut. Minutes until no node on it is in a loop or believes in a way up, whether
/// node 1 ever took its child 2 for a parent, the highest Rank seen, and DIOs sent meanwhile.
fn cut_above_a_line(shape: impl Fn(usize, &mut Config)) -> (Option<u64>, bool, u16, u64) {
    let mut air = Air::new(4, 8, shape).line();
    form(&mut air);
    air.run(30 * MINUTE_NS);
    air.link(0, 1, 0.0);
    let before = air.sent_of(Purpose::Dio);
    let (mut child, mut highest) = (false, 0);
    for step in 0..(48 * 60 * 6) {
        // Meters talk: that is how node 1 learns that its link is dead.
        if step % 6 == 0 {
            (1..4).for_each(|index| {
                air.send(index, global(0), b"reading");
            });
        }
        air.run(10 * SECOND_NS);
        child |= air.nodes[1].preferred_parent() == Some(eui(2));
        let finite = air.nodes[1..].iter().map(taa_mesh::rpl::node::Node::rank).filter(|rank| *rank != INFINITE_RANK);
        highest = highest.max(finite.max().unwrap_or(0));
        if air.joined() == 1 && step > 6 {
            return (Some(step / 6), child, highest, air.sent_of(Purpose::Dio) - before);
        }
    }
    (None, child, highest, air.sent_of(Purpose::Dio) - before)
}

#[test]
fn default_parameters_count_to_infinity_with_a_child_as_parent() {
    let (minutes, child, highest, dios) = cut_above_a_line(plain);
    println!("default: {minutes:?} min, child as parent {child}, highest Rank {highest}, {dios} DIOs");
    assert!(child, "nothing forbids it when DAGMaxRankIncrease is 0");
    assert!(highest > 16_384, "Ranks climb to the maximum path cost: {highest}");
    assert!(minutes.is_none_or(|minutes| minutes > 30), "{minutes:?}");
    // RFC 6550's own defaults (Imin 8 ms) have it over before the next look, in a burst of DIOs.
    let fast = |dodag: &mut DodagConfig| *dodag = DodagConfig { objective: 1, ..DodagConfig::RFC_6550 };
    let (minutes, _, _, dios) = cut_above_a_line(with_dodag(fast));
    println!("RFC 6550 defaults: {minutes:?} min, {dios} DIOs");
    assert!(minutes.is_some_and(|minutes| minutes < 5) && dios > 100, "{minutes:?} min, {dios} DIOs");
}

#[test]
fn a_limit_on_sinking_and_pinned_parents_end_it() {
    let (minutes, _, highest, _) = cut_above_a_line(with_dodag(|dodag| dodag.max_rank_increase = 512));
    println!("DAGMaxRankIncrease 512: {minutes:?} min, highest Rank {highest}");
    assert!(highest <= 128 * 4 + 512, "{highest}");
    assert!(minutes.is_some_and(|minutes| minutes < 60), "{minutes:?}");
    let (minutes, child, highest, _) = cut_above_a_line(|index, config| {
        config.pinned.parents = index.checked_sub(1).map(eui).into_iter().collect();
    });
    println!("pinned parents: {minutes:?} min, highest Rank {highest}");
    // Ranks rise with the dying link alone: 512 is the most a link may count.
    assert!(!child && highest <= 128 * 4 + 512, "{highest}");
    assert!(minutes.is_some_and(|minutes| minutes < 10), "{minutes:?}");
}

#[test]
fn the_loop_count_sees_two_nodes_that_point_at_each_other() {
    // The sabotage of `Air::looping`: two nodes that have only each other once the root is gone.
    let mut air = Air::new(3, 9, plain).line();
    form(&mut air);
    air.run(30 * MINUTE_NS);
    assert_eq!(air.looping(), 0);
    air.link(0, 1, 0.0);
    let mut seen = 0;
    for _ in 0..600 {
        air.send(1, global(0), b"reading");
        air.run(10 * SECOND_NS);
        seen = seen.max(air.looping());
    }
    assert_eq!(seen, 2, "1 and 2 point at each other");
}

/// A grid whose root restarts with nothing but its configuration, after `repairs` versions: how far the mesh falls and
/// what comes back within two hours.
fn root_restart(repairs: usize, shape: impl Fn(&mut Role)) -> (Air, usize, Option<u64>, Option<u64>) {
    let mut air = Air::new(16, 10, plain).grid(4, 1.0);
    form(&mut air);
    for _ in 0..repairs {
        air.command(0, |root, now_ns| root.repair_globally(now_ns));
        air.run(30 * MINUTE_NS);
    }
    assert_eq!((air.rooted(), air.round()), (16, (15, 15)));
    air.switch_off(0);
    air.run(MINUTE_NS);
    air.restart(0, |config| shape(&mut config.role));
    let start_ns = air.now_ns;
    let (mut lowest, mut up_again, mut down_again) = (16, None, None);
    while air.now_ns - start_ns < 120 * MINUTE_NS {
        let (up, down) = air.round();
        lowest = lowest.min(air.rooted());
        let minutes = (air.now_ns - start_ns) / MINUTE_NS;
        up_again = if up >= 15 { up_again.or(Some(minutes)) } else { None };
        down_again = if down >= 15 { down_again.or(Some(minutes)) } else { None };
    }
    (air, lowest, up_again, down_again)
}

#[test]
fn a_root_that_forgets_its_routes_is_deaf_downward_until_daos_are_due() {
    let (_, lowest, up, down) = root_restart(0, |_| ());
    println!("same version: lowest {lowest}, up after {up:?} min, down after {down:?} min");
    assert!(up.is_some_and(|minutes| minutes <= 5), "upward hardly notices: {up:?}");
    assert!(down.is_none_or(|minutes| minutes >= 30), "downward waits for the refresh at half the lifetime: {down:?}");
}

#[test]
fn a_root_that_forgets_its_version_loses_the_mesh() {
    let (mut air, lowest, up, down) = root_restart(3, |_| ());
    println!("version 243 → 240: lowest {lowest}, up {up:?}, down {down:?}, {:?} rooted now", air.rooted());
    assert!(air.nodes[0].counters().versions_unknown > 0);
    assert_eq!(up, None, "the mesh does not come back within two hours");
    assert_eq!(down, None);
    // Left alone, it counts to infinity first.
    let mut alone = air.clone();
    let took = alone.run_until(MINUTE_NS, 48 * 60 * MINUTE_NS, |air| air.rooted() == 16);
    println!("left alone: all rooted after {:?} min more", took.map(|ns| ns / MINUTE_NS));
    // Global repair heals, once the version is beyond what the mesh remembers.
    for _ in 0..4 {
        air.command(0, |root, now_ns| root.repair_globally(now_ns));
    }
    let took = air.run_until(MINUTE_NS, 120 * MINUTE_NS, |air| air.rooted() == 16 && air.announced() == 15);
    println!("healed after {:?} min", took.map(|ns| ns / MINUTE_NS));
    assert!(took.is_some_and(|ns| ns < 60 * MINUTE_NS), "{took:?}");
    assert_eq!(air.round(), (15, 15));
}

#[test]
fn a_root_that_keeps_its_version_or_outbids_it_comes_back() {
    let (_, _, up, down) = root_restart(3, |role| {
        if let Role::Root(root) = role {
            root.version = 244;
        }
    });
    println!("version kept and passed on: up {up:?}, down {down:?}");
    assert!(up.is_some_and(|minutes| minutes <= 30) && down.is_some_and(|minutes| minutes <= 30), "{up:?} {down:?}");
    let (_, _, up, down) = root_restart(3, |role| {
        if let Role::Root(root) = role {
            root.outbids_versions = true;
        }
    });
    println!("outbid: up {up:?}, down {down:?}");
    assert!(up.is_some_and(|minutes| minutes <= 30) && down.is_some_and(|minutes| minutes <= 30), "{up:?} {down:?}");
}

/// Relays of a grid die and come back for twelve hours, one at a time, ten minutes off, while meters talk. Node-minutes
/// in loops, node-minutes without a way up, packets dropped by the loop check, share of readings that arrived.
fn churn(shape: impl Fn(usize, &mut Config), pin: bool) -> (usize, usize, u64, f64) {
    let mut air = Air::new(36, 11, shape).grid(6, 0.97);
    form(&mut air);
    air.run(60 * MINUTE_NS);
    if pin {
        // As an operator would: everyone keeps the parents it has found.
        let parents: Vec<_> = air.nodes.iter().map(|node| node.parents().to_vec()).collect();
        for (index, parents) in parents.into_iter().enumerate().skip(1) {
            air.restart(index, |config| config.pinned.parents = parents);
        }
        air.run(60 * MINUTE_NS);
    }
    let before = air.total(|c| c.dropped_loop);
    air.delivered.clear();
    let (mut looping, mut lost, mut sent) = (0, 0, 0);
    let mut chance = taa_mesh::chance::Chance::new(12);
    for minute in 0..720 {
        if minute % 15 == 0 {
            let victim = usize::try_from(chance.between(1, 36)).unwrap();
            air.switch_off(victim);
        }
        if minute % 15 == 10 {
            (1..36).filter(|index| air.is_off(*index)).collect::<Vec<_>>().into_iter().for_each(|index| {
                air.restart(index, |_| ());
            });
        }
        for index in 1..36 {
            if !air.is_off(index) {
                sent += 1;
                air.send(index, global(0), b"reading");
            }
        }
        air.run(MINUTE_NS);
        looping += air.looping();
        lost += 36 - air.rooted();
    }
    let arrived = air.delivered.iter().filter(|(to, ..)| *to == 0).count();
    #[expect(clippy::cast_precision_loss, reason = "thousands")]
    let share = arrived as f64 / f64::from(sent);
    (looping, lost, air.total(|c| c.dropped_loop) - before, share)
}

#[test]
fn relays_that_die_leave_loops_behind_under_default_parameters() {
    let default = churn(plain, false);
    let limited = churn(with_dodag(|dodag| dodag.max_rank_increase = 512), false);
    let pinned = churn(plain, true);
    for (name, (looping, lost, dropped, share)) in [("default", default), ("limit 512", limited), ("pinned", pinned)] {
        println!(
            "{name}: {looping} node-minutes in loops, {lost} without a way up, {dropped} dropped, {share:.4} arrived"
        );
    }
    assert!(default.0 > 0, "loops under default parameters");
    assert!(limited.0 <= default.0);
    assert_eq!(pinned.0, 0, "pinned parents that form no loop never will");
}
