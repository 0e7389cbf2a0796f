//! How a mesh breaks by its own rules, frame by frame, and what pinning buys: an orphan and its child, a root that
//! restarts, relays that die, a whole village at once. Figures are of the runs below; `tests/rpl.rs` has the same
//! without collisions and joining.

mod site;

use core::ops::Range;
use std::collections::BTreeMap;

use site::{HOUR, MINUTE, S, Site, config, grid, ideal, line, pins, rings};
use taa_mesh::chance::Chance;
use taa_mesh::mac::engine::Priority;
use taa_mesh::net::{Config, Event, Isolation, Link, Success, Use};
use taa_mesh::rpl::wire::DodagConfig;
use taa_mesh::wisun::params::Size;

/// A change of a network's settings, and its name.
type Setting = (&'static str, fn(&mut Config));

const DEFAULTS: Setting = ("defaults", |_| ());
/// The remedy of RFC 6550 itself: the Rank may rise by four hops at most (DAGMaxRankIncrease, 512).
const PARAMETERS: Setting = ("pinned parameters", |set| {
    set.parameters = Some(DodagConfig { max_rank_increase: 512, ..set.dodag });
});

/// Root – 1 – 2 – 3 in ideal air; the link above 1 is cut while meters talk once a minute. What came of it in so many
/// villages.
#[derive(Debug, Default)]
struct Orphan {
    /// In how many of them 1 took its child 2 for a parent.
    child_as_parent: u32,
    /// Minutes in which somebody was in a loop of preferred parents.
    loop_min: u64,
    /// The highest Rank that was believed in.
    highest_rank: u16,
    /// Mean minutes until nobody believed in a way.
    over_min: f64,
    /// DIOs until then.
    dios: u64,
}

fn orphan(seeds: u64, (name, change): Setting) -> Orphan {
    let mut found = Orphan::default();
    for seed in 0..seeds {
        let mut set = ideal(Size::Small, seed);
        change(&mut set);
        let mut site = Site::new(set, 4, &line(4));
        site.until_all_serve(HOUR).expect("all join");
        site.run(30 * MINUTE);
        for (from, to) in [(0, 1), (1, 0)] {
            site.network.link_loss(Link { from, to, loss_db: 300.0 });
        }
        let (cut_ns, before) = (site.network.now_ns(), site.network.totals().by_use[Use::Dodag as usize].0);
        let (mut child, mut steps) = (false, 0);
        while (1..4)
            .any(|node| site.network.hops(node).is_some() || site.network.standing(node).unwrap().parent.is_some())
            && site.network.now_ns() < cut_ns + 12 * HOUR
        {
            if steps % 12 == 0 {
                for node in 1..4 {
                    site.network.send(node, 0, &[1; 50], Priority::Data);
                }
            }
            steps += 1;
            site.run(5 * S);
            child |= site.network.standing(1).unwrap().parent == Some(2);
            found.loop_min += u64::from((1..4).any(|node| site.network.loops(node)));
            let ranks = (1..4).map(|node| site.network.standing(node).unwrap()).filter(|of| of.parent.is_some());
            found.highest_rank = found.highest_rank.max(ranks.map(|of| of.rank).max().unwrap_or(0));
        }
        found.child_as_parent += u32::from(child);
        found.over_min += (site.network.now_ns() - cut_ns) as f64 / 60e9 / seeds as f64;
        found.dios += site.network.totals().by_use[Use::Dodag as usize].0 - before;
    }
    found.loop_min /= 12;
    println!("{name:<18} {found:?}");
    found
}

/// Under default parameters an orphan takes its child for a parent and both count up; RFC 6550's own timers do it to the
/// end, in a burst of DIOs. Pinned parameters end it within minutes, pinned parents do not let it happen. By `tests/rpl.rs`, without a MAC:
/// 108 min to a Rank of 32768; here the MAC's eight tries tell that a link is dead, and joining starts over.
#[test]
fn an_orphan_counts_to_infinity_under_default_parameters_only() {
    let default = orphan(6, DEFAULTS);
    assert!(default.child_as_parent >= 2 && default.highest_rank > 2_000, "{default:?}");
    let quick = orphan(
        3,
        ("RFC 6550's timers", |set| {
            set.dodag = DodagConfig { objective: 1, ..DodagConfig::RFC_6550 };
        }),
    );
    assert!(quick.child_as_parent == 3 && quick.highest_rank > 30_000 && quick.dios > 1_000, "{quick:?}");
    let limited = orphan(6, PARAMETERS);
    let pinned = orphan(6, ("pinned parents", |set| set.pinned = (1..4).map(|node| (node, vec![node - 1])).collect()));
    // A child may be taken for a moment: one or two of six in other draws. What the limit ends is the counting.
    assert!(limited.child_as_parent <= 2 && limited.loop_min * 50 <= default.loop_min, "{limited:?}");
    assert!(pinned.child_as_parent == 0 && pinned.loop_min == 0, "{pinned:?}");
    assert!(limited.highest_rank < 2_000 && pinned.highest_rank < 2_000, "{limited:?} {pinned:?}");
}

/// 36 nodes on a grid of 50 m; after an hour of service the root is off for five minutes.
const NODES: u32 = 36;
const PITCH_M: f64 = 50.0;
/// Links of a grid that lose so much have 8 dB left over the sensitivity.
const GOOD_DB: f32 = 110.0;

const PARENTS: Setting = ("pinned parents", |set| set.pinned = pins(NODES, &grid(NODES, PITCH_M), GOOD_DB));

/// The six hours after the root came back, every node asked every ten minutes; sums over the villages.
#[derive(Debug, Default)]
struct Restart {
    /// Node-hours in which a node did not answer.
    unreached_h: f64,
    /// Node-hours in loops of preferred parents.
    loops_h: f64,
    /// Until all but one answered: the later of the two, minutes; none if not in these hours.
    whole_min: Option<u64>,
    isolated: BTreeMap<Isolation, u32>,
}

fn restart(root: &str, forgets: bool, versions: u32, seeds: Range<u64>, (name, change): Setting) -> Restart {
    let mut found = Restart { whole_min: Some(0), ..Restart::default() };
    for seed in seeds {
        let mut set = Config { root_keeps_version: !forgets, ..config(Size::Small, seed) };
        change(&mut set);
        let mut site = Site::new(set, NODES, &grid(NODES, PITCH_M));
        site.until_all_serve(4 * HOUR).expect("all join");
        for _ in 0..versions {
            site.network.repair();
            site.run(20 * MINUTE);
        }
        site.run(HOUR);
        site.network.power(0, false);
        site.run(5 * MINUTE);
        site.network.power(0, true);
        site.events.clear();
        let mut whole = None;
        for round in 0..36 {
            let began_ns = site.network.now_ns();
            let answers = |site: &mut Site, node| {
                site.carry(0, node, &[1; 120]).is_some() && site.carry(node, 0, &[1; 180]).is_some()
            };
            let answered = (1..NODES).filter(|&node| answers(&mut site, node)).count();
            if answered + 2 >= NODES as usize {
                whole = whole.or(Some(10 * round));
            }
            found.unreached_h += (NODES as usize - 1 - answered) as f64 / 6.0;
            found.loops_h += (1..NODES).filter(|&node| site.network.loops(node)).count() as f64 / 6.0;
            for (_, event) in site.events.drain(..) {
                if let Event::Isolated { why, .. } = event {
                    *found.isolated.entry(why).or_default() += 1;
                }
            }
            site.run((began_ns + 10 * MINUTE).saturating_sub(site.network.now_ns()));
        }
        found.whole_min = found.whole_min.zip(whole).map(|(a, b)| a.max(b));
    }
    println!("{root:<28} {name:<18} {found:.0?}");
    found
}

/// A root that keeps its version is missed for half an hour, one that forgets it and its routes for an hour: until DAOs
/// are due. One that comes back behind the mesh's version (it made three in its life, and starts at 240 again) brings the
/// mesh down: under default parameters everything is in loops for hours. Pinned parameters help in some draws and in
/// others not at all; pinned parents have no loops, and hours without an answer: the old version is believed all the same.
#[test]
fn a_root_that_comes_back_behind_its_mesh_brings_it_down() {
    let kept = restart("version kept", false, 0, 0..2, DEFAULTS);
    let forgotten = restart("version and routes forgotten", true, 0, 0..2, DEFAULTS);
    assert!(kept.whole_min.is_some_and(|min| min <= 40) && kept.loops_h < 1.0, "{kept:?}");
    assert!(forgotten.whole_min.is_some_and(|min| (30..=80).contains(&min)), "{forgotten:?}");
    assert!(forgotten.unreached_h > kept.unreached_h);
    let collapsed = restart("behind the mesh", true, 3, 0..2, DEFAULTS);
    let limited = restart("behind the mesh", true, 3, 0..2, PARAMETERS);
    let pinned = restart("behind the mesh", true, 3, 0..2, PARENTS);
    assert!(collapsed.unreached_h > 100.0 && collapsed.loops_h > 100.0, "{collapsed:?}");
    assert!(limited.unreached_h < collapsed.unreached_h, "{limited:?}");
    assert!(pinned.loops_h < 0.01, "{pinned:?}");
    // The remedy that needs no pinning: pass the next version, which is what a root that kept it does.
    let passed = restart("ahead of the mesh", false, 3, 0..2, DEFAULTS);
    assert!(passed.whole_min.is_some_and(|min| min <= 30) && passed.loops_h < 0.01, "{passed:?}");
}

/// The same over twelve villages, two at a time: docs/mesh.md has the table.
#[test]
#[ignore = "two minutes; for docs/mesh.md"]
fn a_root_behind_its_mesh_over_twelve_villages() {
    for setting in [DEFAULTS, PARAMETERS, PARENTS] {
        let pairs = (0..6).map(|pair| restart("behind the mesh", true, 3, 10 * pair..10 * pair + 2, setting));
        let pairs: Vec<Restart> = pairs.collect();
        let hours = || pairs.iter().map(|pair| pair.unreached_h);
        let (least, most) = (hours().fold(f64::MAX, f64::min), hours().fold(0.0, f64::max));
        println!("{}: {:.0} node-hours ({least:.0}–{most:.0})", setting.0, hours().sum::<f64>() / 6.0);
        assert!(least < most && pairs.len() == 6);
    }
}

/// Eight hours in which one relay after the other is dead for ten of every fifteen minutes while every meter sends a
/// reading every five; sums over three villages.
#[derive(Debug, Default)]
struct Churn {
    loops_node_min: usize,
    no_way_node_min: usize,
    sent: u64,
    arrived: u64,
}

fn churn(pitch_m: f64, (name, change): Setting) -> Churn {
    let mut found = Churn::default();
    for seed in 0..3 {
        let mut set = config(Size::Small, seed);
        change(&mut set);
        let mut site = Site::new(set, NODES, &grid(NODES, pitch_m));
        site.until_all_serve(4 * HOUR).expect("all join");
        site.run(HOUR);
        let before = site.network.totals().messages[1];
        let (mut chance, mut victim) = (Chance::new(12), 0);
        for minute in 0..480 {
            if minute % 15 == 0 {
                victim = chance.between(1, u64::from(NODES)) as u32;
                site.network.power(victim, false);
            } else if minute % 15 == 10 {
                site.network.power(victim, true);
                victim = 0;
            }
            for node in (1..NODES).filter(|&node| (node + minute) % 5 == 0 && node != victim) {
                found.sent += 1;
                site.network.send(node, 0, &[1; 50], Priority::Data);
                site.run(S);
            }
            site.run(53 * S);
            found.loops_node_min += (1..NODES).filter(|&node| site.network.loops(node)).count();
            found.no_way_node_min += (1..NODES).filter(|&node| site.network.hops(node).is_none()).count();
        }
        found.arrived += site.network.totals().messages[1] - before;
    }
    println!("{pitch_m} m, {name:<18} {found:?}");
    found
}

/// Nodes with pinned parents wait for theirs: longer without a way, more readings lost, and the more the thinner the
/// mesh. The loops that they are spared are hardly there any more: two node-minutes of 50 400 in which a way may loop.
#[test]
fn relays_that_die_cost_pinned_nodes_more() {
    const SPARSE: Setting = ("pinned parents", |set| set.pinned = pins(NODES, &grid(NODES, 60.0), GOOD_DB));
    let share = |of: &Churn| of.arrived as f64 / of.sent as f64;
    churn(60.0, PARAMETERS);
    for (free, pinned) in
        [(churn(PITCH_M, DEFAULTS), churn(PITCH_M, PARENTS)), (churn(60.0, DEFAULTS), churn(60.0, SPARSE))]
    {
        assert!(share(&free) > 0.97 && free.loops_node_min < 60, "{free:?}");
        assert!(share(&pinned) > 0.94 && pinned.loops_node_min == 0, "{pinned:?}");
        assert!(pinned.no_way_node_min > free.no_way_node_min && pinned.arrived < free.arrived, "{free:?} {pinned:?}");
    }
}

/// The hundred nodes of `tests/measured.rs` lose power at one instant and get it back a minute later, at one instant. With
/// keys and PAN in flash they are back sooner than they first came; minutes until half, nine in ten and all serve.
#[test]
fn a_hundred_nodes_that_return_at_once_are_back_sooner_than_they_came() {
    let set = Config { success: Success::ideal(5), ..config(Size::Medium, 1) };
    let mut site = Site::new(set, 97, &rings(&[32, 16, 12, 20, 16], 60.0));
    let curve = |site: &mut Site| {
        let (from_ns, mut minutes) = (site.network.now_ns(), [None; 3]);
        while minutes[2].is_none() && site.network.now_ns() < from_ns + 6 * HOUR {
            site.run(MINUTE);
            for (minute, share) in minutes.iter_mut().zip([48, 87, 96]) {
                if site.serving() >= share {
                    *minute = minute.or(Some((site.network.now_ns() - from_ns) / MINUTE));
                }
            }
        }
        minutes.map(|minute| minute.expect("all serve"))
    };
    let first = curve(&mut site);
    site.run(HOUR);
    (0..97).for_each(|node| site.network.power(node, false));
    site.run(MINUTE);
    let before = *site.network.totals();
    (0..97).for_each(|node| site.network.power(node, true));
    let again = curve(&mut site);
    let after = *site.network.totals();
    println!("half, nine in ten, all after {first:?} min at first, {again:?} min again");
    println!("collided {} of {} tuned", after.collided - before.collided, after.tuned - before.tuned);
    assert!(again.iter().zip(first).all(|(again, first)| *again * 2 <= first), "{again:?} {first:?}");
    assert!(after.collided > before.collided, "all at once do collide");
}
