//! Repairs and refusals, one mechanism at a time, on a handful of nodes.

mod air;

use air::{Air, MINUTE_NS, SECOND_NS, eui, global};
use taa_mesh::rpl::node::{Config, NextHop, Node, Output, Purpose, Role, Sender};
use taa_mesh::rpl::objective::{INFINITE_RANK, Mrhof, Objective};
use taa_mesh::rpl::wire::{Dio, DodagConfig, Message, Mode, RplOption};

const fn plain(_: usize, _: &mut Config) {}

fn formed(count: usize, seed: u64, shape: impl Fn(usize, &mut Config)) -> Air {
    let mut air = Air::new(count, seed, shape).line();
    air.start();
    let took = air.run_until(10 * SECOND_NS, 60 * MINUTE_NS, |air| air.announced() == count - 1);
    assert!(took.is_some(), "{} announced", air.announced());
    air.run(10 * MINUTE_NS);
    air
}

/// Readings from everyone, every ten seconds: dead links show by them.
fn talk(air: &mut Air, for_ns: u64) {
    let until_ns = air.now_ns + for_ns;
    while air.now_ns < until_ns {
        for index in 1..air.nodes.len() {
            air.send(index, global(0), b"reading");
        }
        air.run(10 * SECOND_NS);
    }
}

#[test]
fn a_cut_off_island_floats_as_one_and_comes_home() {
    let floating = |_: usize, config: &mut Config| {
        config.objective = Objective::Mrhof(Mrhof { allow_floating_root: true, ..Mrhof::default() });
        if let Role::Root(root) = &mut config.role {
            root.dodag.max_rank_increase = 128;
        }
    };
    let mut air = formed(4, 21, floating);
    air.link(0, 1, 0.0);
    talk(&mut air, 30 * MINUTE_NS);
    let roots: Vec<usize> = (1..4).filter(|&index| air.nodes[index].is_root()).collect();
    assert_eq!(roots, [1], "the lower DODAGID gathers the island");
    assert!((1..4).all(|index| !air.nodes[index].is_grounded() && air.nodes[index].rank() != INFINITE_RANK));
    assert!((2..4).all(|index| air.nodes[index].dodag() == air.nodes[1].dodag()));
    air.link(0, 1, 1.0);
    air.run(60 * MINUTE_NS);
    assert_eq!(air.rooted(), 4);
    assert!((1..4).all(|index| air.nodes[index].is_grounded()));
}

#[test]
fn without_floating_the_island_has_no_dodag() {
    // The sabotage of the test above: the option off.
    let mut air = formed(4, 21, |_, config| {
        if let Role::Root(root) = &mut config.role {
            root.dodag.max_rank_increase = 128;
        }
    });
    air.link(0, 1, 0.0);
    talk(&mut air, 30 * MINUTE_NS);
    assert_eq!(air.joined(), 1);
}

#[test]
fn local_repair_poisons_and_rejoins() {
    let mut air = formed(4, 22, plain);
    air.command(1, |node, now_ns| node.repair_locally(now_ns));
    assert_eq!(air.nodes[1].rank(), INFINITE_RANK);
    air.run(SECOND_NS);
    assert_ne!(air.nodes[2].preferred_parent(), Some(eui(1)), "the poison reaches the child");
    let took = air.run_until(10 * SECOND_NS, 30 * MINUTE_NS, |air| air.rooted() == 4 && air.announced() == 3);
    assert!(took.is_some_and(|ns| ns < 15 * MINUTE_NS), "{took:?}");
}

#[test]
fn a_newer_dtsn_brings_every_dao_back() {
    let mut air = formed(5, 23, plain);
    let run = |air: &mut Air, dtsn: u8| {
        air.switch_off(0);
        air.restart(0, |config| {
            if let Role::Root(root) = &mut config.role {
                root.dtsn = dtsn;
            }
        });
        air.run(20 * MINUTE_NS);
        air.nodes[0].routes()
    };
    assert_eq!(run(&mut air, 240), 0, "an equal DTSN asks nobody");
    assert_eq!(run(&mut air, 241), 4);
    air.command(0, |node, now_ns| node.request_announcements(now_ns));
    let before = air.sent_of(Purpose::Dao);
    air.run(20 * MINUTE_NS);
    assert!(air.sent_of(Purpose::Dao) - before >= 4);
}

#[test]
fn a_stored_route_that_leads_nowhere_is_cleaned_up() {
    let mut air = formed(4, 24, |_, config| config.mode = Mode::Storing);
    assert_eq!((air.nodes[0].routes(), air.nodes[1].routes(), air.nodes[2].routes()), (3, 2, 1));
    // Node 2 comes back without its table; its child will not tell it again for a while.
    air.restart(2, |_| ());
    air.run_until(SECOND_NS, 10 * MINUTE_NS, |air| air.nodes[2].is_announced());
    assert_eq!(air.nodes[2].routes(), 0);
    air.send(0, global(3), b"down");
    air.run(10 * SECOND_NS);
    assert!(air.nodes[1].counters().forwarding_errors >= 1, "the packet came back with F");
    assert!(air.nodes[0].counters().forwarding_errors >= 1, "and went on to the root");
    assert_eq!(air.nodes[0].routes(), 2);
    assert!(!air.send(0, global(3), b"down"));
    air.run(70 * MINUTE_NS);
    assert_eq!(air.nodes[0].routes(), 3, "the next DAO heals it");
}

#[test]
fn a_broken_hop_of_a_source_route_is_reported_and_the_other_parent_used() {
    // 3 hears 1 and 2; both hear the root.
    let mut air = Air::new(4, 25, plain);
    for (a, b) in [(0, 1), (0, 2), (1, 3), (2, 3)] {
        air.link(a, b, 1.0);
    }
    air.start();
    air.run(30 * MINUTE_NS);
    assert_eq!(air.nodes[3].parents().len(), 2);
    let preferred = air.nodes[0].source_route(air.now_ns, global(3))[0];
    let broken = if preferred == global(1) { 1 } else { 2 };
    air.link(broken, 3, 0.0);
    air.delivered.clear();
    air.send(0, global(3), b"lost");
    air.run(SECOND_NS * 5);
    assert_eq!(air.nodes[0].counters().forwarding_errors, 1);
    air.send(0, global(3), b"found");
    air.run(SECOND_NS * 5);
    assert!(air.delivered.iter().any(|(to, _, payload)| *to == 3 && payload == b"found"));
}

#[test]
fn a_leaf_joins_and_carries_nobody() {
    let mut air = Air::new(3, 26, |index, config| {
        if index == 1 {
            config.role = Role::Leaf;
        }
    })
    .line();
    air.start();
    air.run(60 * MINUTE_NS);
    assert_eq!(air.nodes[1].preferred_parent(), Some(eui(0)));
    assert_eq!(air.nodes[2].rank(), INFINITE_RANK);
}

#[test]
fn the_hop_limit_ends_a_long_way() {
    let mut air = Air::new(5, 27, |_, config| config.hop_limit = 3).line();
    air.start();
    air.run_until(10 * SECOND_NS, 60 * MINUTE_NS, |air| air.rooted() == 5);
    air.run(10 * MINUTE_NS);
    air.delivered.clear();
    let before = air.total(|c| c.dropped_hop_limit);
    assert!(before > 0, "the DAO of node 4 needs one hop more");
    assert!(air.send(3, global(0), b"three") && air.send(4, global(0), b"four"));
    air.run(2 * SECOND_NS);
    assert_eq!(air.delivered.len(), 1);
    assert_eq!(air.total(|c| c.dropped_hop_limit), before + 1);
}

/// A DIO of node 9's DODAG.
fn dio(rank: u16) -> Dio {
    Dio {
        instance: 0,
        version: 240,
        rank,
        grounded: true,
        mode: Mode::NonStoring,
        preference: 0,
        dtsn: 240,
        dodag: global(9),
        options: vec![RplOption::Config(DodagConfig::WISUN_SMALL)],
    }
}

/// A DIO from node 9, as the wire carries it, and what the node did with it.
fn hear(node: &mut Node, change: impl FnOnce(&mut Dio)) -> Vec<Output> {
    let mut dio = dio(128);
    change(&mut dio);
    let packet = Message::Dio(dio).packet(eui(9).link_local(), taa_mesh::rpl::wire::ALL_RPL_NODES, 1);
    node.handle_receive(SECOND_NS, eui(9), packet);
    node.handle_link(SECOND_NS, eui(9), Some(128));
    core::iter::from_fn(|| match node.poll_output() {
        Output::Timeout(_) => None,
        output => Some(output),
    })
    .collect()
}

#[test]
fn a_dio_without_parameters_is_asked_about_unless_they_are_pinned() {
    let mut node = Node::new(Config::router(eui(1), 1));
    let asked = hear(&mut node, |dio| dio.options.clear());
    let unicast = |output: &Output| matches!(output, Output::Transmit { to: NextHop::Neighbour(to), purpose: Purpose::Dis, .. } if *to == eui(9));
    assert!(asked.iter().any(unicast), "{asked:?}");
    assert_eq!(node.dodag(), None);
    let mut config = Config::router(eui(1), 1);
    config.pinned.parameters = Some(DodagConfig { interval_min: 17, ..DodagConfig::WISUN_SMALL });
    let mut node = Node::new(config);
    hear(&mut node, |_| ());
    assert_eq!(node.preferred_parent(), Some(eui(9)));
    assert_eq!(node.trickle_interval_ns(), 131_072_000_000, "the pinned Imin, not the announced one");
}

#[test]
fn foreign_dodags_are_left_alone() {
    for change in [
        (|dio: &mut Dio| dio.instance = 7) as fn(&mut Dio),
        |dio| dio.mode = Mode::Storing,
        |dio| dio.options = vec![RplOption::Config(DodagConfig::RFC_6550)],
    ] {
        let mut node = Node::new(Config::router(eui(1), 1));
        hear(&mut node, change);
        assert_eq!((node.dodag(), node.counters().foreign), (None, 1));
    }
    let mut node = Node::new(Config::router(eui(1), 1));
    hear(&mut node, |dio| dio.rank = INFINITE_RANK);
    assert_eq!(node.rank(), INFINITE_RANK);
    // The sabotage: the same DIO unchanged is joined.
    hear(&mut node, |_| ());
    assert_eq!(node.rank(), 256);
}

/// Two hundred routers of one Rank, of whose links three tries each are expected, and are measured later: the first 64 are remembered, and the table does not turn over afterwards. A near one of lesser Rank is taken in place of one,
/// and so is whoever is pinned.
#[test]
fn a_full_table_keeps_whom_it_knows() {
    let mut config = Config::router(eui(1), 1);
    config.pinned.parents = vec![eui(252)];
    let mut node = Node::new(config);
    let known = |node: &Node| node.links().map(|(of, ..)| of).collect::<Vec<_>>();
    let hear = |node: &mut Node, of, rank, expected_etx128| {
        node.handle_dio(SECOND_NS, Sender { eui: eui(of), expected_etx128 }, &dio(rank));
        while !matches!(node.poll_output(), Output::Timeout(_)) {}
        known(node)
    };
    let crowd = |node: &mut Node, measured: bool| {
        for of in 10..210 {
            hear(node, of, 512, 384);
            if measured {
                node.handle_link(SECOND_NS, eui(of), Some(384));
            }
        }
        known(node)
    };
    let first = crowd(&mut node, false);
    assert_eq!(first.len(), 64);
    assert!(crowd(&mut node, false) == first && crowd(&mut node, true) == first && crowd(&mut node, true) == first);
    assert!(hear(&mut node, 250, 511, 384) == first, "not cheaper by the threshold");
    let mut fresh = node.clone();
    let after = hear(&mut node, 251, 256, 140);
    assert!(after.contains(&eui(251)) && after.len() == 64);
    let after = hear(&mut node, 252, 2_000, 900);
    assert!(after.contains(&eui(252)) && after.len() == 64, "pinned");
    assert!(hear(&mut node, 253, 128, 130).contains(&eui(252)), "and kept");
    // Nobody measured: they cost what is expected of them, not what perfect links would.
    (10..210).for_each(|of| fresh.handle_link(SECOND_NS, eui(of), None));
    assert!(hear(&mut fresh, 254, 400, 200).contains(&eui(254)));
}
