//! The whole mesh on one medium: joining, carrying, coming back, and what breaks it.

mod site;

use site::{HOUR, MINUTE, S, Site, config, grid, ideal, line};
use taa_mesh::mac::engine::Priority;
use taa_mesh::net::{Config, Event, Isolation, Link, Use, Why};
use taa_mesh::wisun::join::State;
use taa_mesh::wisun::keys::DAY_NS;
use taa_mesh::wisun::params::Size;

/// A real border router with three routers in a line, ideal air: joined at 146, 359 and 549 s and answered at 84, 196
/// and 273 ms (facts, one run). Bound: the same order in every run, the mean of eight within a factor of two of each.
#[test]
fn three_routers_in_a_line_join_and_answer_in_the_order_of_a_real_one() {
    let (real_s, real_ms) = ([146.0, 359.0, 549.0], [84.0, 196.0, 273.0]);
    let (mut joined, mut answered, mut whole) = ([0.0; 3], [0.0; 3], 0);
    for seed in 0..8 {
        let mut site = Site::new(ideal(Size::Small, seed), 4, &line(4));
        assert!(site.until_all_serve(HOUR).is_some(), "seed {seed}");
        let at: Vec<u64> = (1..4).map(|node| site.served_at(node).unwrap()).collect();
        assert!(at.is_sorted(), "seed {seed}: {at:?}");
        for node in 1..4 {
            joined[node as usize - 1] += at[node as usize - 1] as f64 / 8e9;
            let (mean_ms, count) = site.ping(node, 50, 10);
            whole += count;
            answered[node as usize - 1] += mean_ms / 8.0;
        }
    }
    println!("joined after {joined:.0?} s, answered in {answered:.0?} ms");
    // A relay that advertises on channel after channel is deaf for most of a second: longer than all retries.
    assert!(whole >= 235, "{whole} of 240 answered");
    assert!(answered.is_sorted(), "further is later");
    for (ours, real) in joined.iter().zip(real_s).chain(answered.iter().zip(real_ms)) {
        assert!(ours / real < 2.0 && real / ours < 2.0, "{ours} against {real}");
    }
}

/// One seed, one run; another seed, another one. A village's sum does not depend on how often it is looked at.
#[test]
fn a_run_is_its_seeds() {
    let run = |seed: u64, step_ns: u64| {
        let mut site = Site::new(config(Size::Small, seed), 16, &grid(16, 65.0));
        (0..20 * MINUTE / step_ns).for_each(|_| site.network.step(site.network.now_ns() + step_ns));
        (site.network.digest_now(), *site.network.totals())
    };
    let one = run(5, MINUTE);
    assert!(one.1.frames() > 1_000);
    assert_eq!(one, run(5, S));
    assert_ne!(one.0, run(6, MINUTE).0);
}

/// Packets carried as they are with the exact length, and as 6LoWPAN octets unpacked at every hop: the same run, frame
/// by frame. With frames of 127 octets all but the shortest go in fragments both ways.
#[test]
fn octets_at_every_hop_change_nothing() {
    for frame_octets_max in [1_576, 200] {
        let run = |bytes: bool| {
            let set = Config { bytes, frame_octets_max, ..config(Size::Small, 3) };
            let mut site = Site::new(set, 9, &grid(9, 65.0));
            site.run(HOUR);
            let serving = site.serving();
            for node in 1..9 {
                site.carry(0, node, &[node as u8; 300]);
                site.carry(node, 0, &[node as u8; 200]);
            }
            (serving, site.network.digest_now(), *site.network.totals())
        };
        let (octets, typed) = (run(true), run(false));
        assert_eq!(octets, typed);
        assert!(octets.0 == 8 && octets.2.messages[1] >= 14, "{octets:?}");
    }
}

/// Seconds until all 24 routers serve: first, and after the whole village lost power and got it back at one instant,
/// with keys in flash; and node-seconds in loops of preferred parents while it came back. Sums over four villages.
fn return_at_once(max_rank_increase: u16) -> [u64; 3] {
    let mut sums = [0; 3];
    for seed in 0..4 {
        let mut set = config(Size::Small, seed);
        set.dodag.max_rank_increase = max_rank_increase;
        let mut site = Site::new(set, 25, &grid(25, 65.0));
        sums[0] += site.until_all_serve(4 * HOUR).expect("all join") / S;
        (0..25).for_each(|node| site.network.power(node, false));
        site.drain();
        let dark = |event: &&(u64, Event)| matches!(event.1, Event::Isolated { why: Isolation::PowerOff, .. });
        assert_eq!(site.events.iter().filter(dark).count(), 25);
        site.run(MINUTE);
        (0..25).for_each(|node| site.network.power(node, true));
        let from_ns = site.network.now_ns();
        while site.serving() < 24 && site.network.now_ns() < from_ns + 4 * HOUR {
            site.run(S);
            sums[2] += (1..25).filter(|&node| site.network.loops(node)).count() as u64;
        }
        assert_eq!(site.serving(), 24, "all come back");
        sums[1] += (site.network.now_ns() - from_ns) / S;
    }
    println!("first {} s, again {} s, {} node-seconds in loops", sums[0] / 4, sums[1] / 4, sums[2]);
    sums
}

/// All return at once: they collide and measure good links badly, and some may take their children for parents; all
/// serve again, sooner than they first joined. Loops are counted, so that they do not pass unnoticed: at most a minute
/// a node on average.
#[test]
fn a_village_that_returns_at_once_serves_again() {
    for limit in [0, 1_024] {
        let [first, again, loops] = return_at_once(limit);
        assert!(again < first, "{again} s, then {first} s");
        assert!(loops < 4 * 24 * 60, "{loops} node-seconds in loops");
    }
}

/// A root that forgot its DODAG version after a restart, and one that kept it: how long until a message reaches every
/// node again.
#[test]
fn a_root_that_remembers_its_version_is_whole_sooner() {
    let whole_again = |root_keeps_version: bool| {
        let mut site = Site::new(Config { root_keeps_version, ..config(Size::Small, 2) }, 16, &grid(16, 65.0));
        site.until_all_serve(4 * HOUR).expect("all join");
        site.network.power(0, false);
        site.run(MINUTE);
        site.network.power(0, true);
        let from = site.network.now_ns();
        while site.network.now_ns() < from + 12 * HOUR {
            let reached = (1..16).filter(|&node| site.carry(0, node, &[1; 50]).is_some()).count();
            if reached == 15 {
                return site.network.now_ns() - from;
            }
            site.run(MINUTE);
        }
        12 * HOUR
    };
    let (kept, forgot) = (whole_again(true), whole_again(false));
    println!("whole again after {} s with the version kept, {} s forgotten", kept / S, forgot / S);
    assert!(kept < HOUR && kept <= forgot);
}

/// A relay that dies takes those behind it along; the event says so, and a message to them has a reason and a place.
#[test]
fn a_dead_relay_is_told_with_reason_and_place() {
    let mut site = Site::new(ideal(Size::Small, 1), 4, &line(4));
    site.until_all_serve(HOUR).expect("all join");
    site.network.power(2, false);
    let lost = site.network.send(0, 3, &[9; 80], Priority::Data);
    site.run(30 * MINUTE);
    let fate = site.events.iter().find_map(|(_, event)| match event {
        Event::Dropped { id, node, why } if *id == lost => Some((*node, *why)),
        _ => None,
    });
    assert_eq!(fate, Some((1, Why::NoAck)), "the relay's neighbour gave it up");
    // Node 3 finds out when it has something to say.
    site.network.send(3, 0, &[1; 80], Priority::Data);
    site.run(4 * HOUR);
    let isolated =
        |of: u32| site.events.iter().any(|(_, event)| matches!(event, Event::Isolated { node, .. } if *node == of));
    assert!(isolated(2) && isolated(3) && !isolated(1));
    assert_ne!(site.network.standing(3).unwrap().state, State::Operational);
}

/// Pinned parents are the only ones: two equal relays, one pinned; when it dies the node waits for it.
#[test]
fn a_pinned_node_waits_for_its_parent() {
    let mut links = Vec::new();
    for (a, b) in [(0, 1), (0, 2), (1, 3), (2, 3)] {
        links.push(Link { from: a, to: b, loss_db: 80.0 });
        links.push(Link { from: b, to: a, loss_db: 80.0 });
    }
    let run = |pinned: Vec<(u32, Vec<u32>)>| {
        let mut site = Site::new(Config { pinned, ..ideal(Size::Small, 4) }, 4, &links);
        site.until_all_serve(HOUR).expect("all join");
        let parent = site.network.standing(3).unwrap().parent.unwrap();
        site.network.power(parent, false);
        // Something must be sent for the loss to show.
        for _ in 0..60 {
            site.network.send(3, 0, &[1; 40], Priority::Data);
            site.run(MINUTE);
        }
        (parent, site.network.standing(3).unwrap().parent)
    };
    let (first, then) = run(Vec::new());
    assert_eq!(then, Some(3 - first), "free, it takes the other relay");
    assert_eq!(run(vec![(3, vec![2])]).0, 2);
    assert_ne!(run(vec![(3, vec![2])]).1, Some(1), "pinned, it does not");
}

/// Noise on every channel at one node silences it; without the noise it comes back by itself.
#[test]
fn a_jammed_node_falls_out_and_returns() {
    let mut site = Site::new(ideal(Size::Small, 8), 3, &line(3));
    site.until_all_serve(HOUR).expect("all join");
    site.network.interfere(2, 0..=200, Some(-60.0));
    assert!(site.carry(0, 2, &[3; 60]).is_none(), "it hears nothing above the jammer");
    site.network.interfere(2, 0..=200, None);
    site.run(5 * MINUTE);
    assert!(site.carry(0, 2, &[3; 60]).is_some());
}

/// Nodes that do not hear each other collide at those between them, and it is counted. Sabotage: a pair has no third
/// party; were anything but rivals counted, it would show there.
#[test]
fn hidden_neighbours_collide_and_a_pair_never_does() {
    let run = |nodes: u32| {
        let mut site = Site::new(config(Size::Small, 6), nodes, &grid(nodes, 65.0));
        site.run(40 * MINUTE);
        (site.network.totals().tuned, site.network.totals().collided)
    };
    assert!(run(9).1 > 0);
    let (tuned, collided) = run(2);
    assert!(tuned > 100 && collided == 0);
}

/// Two that do not hear each other say their last words to the root at the same instant, and only once: of how many of a
/// hundred such instants does it read the stronger's, and of how many the weaker's?
fn read_of_a_hundred(weaker_db: f32, capture_db: f32) -> [usize; 2] {
    let pair = |of, loss_db| [Link { from: of, to: 0, loss_db }, Link { from: 0, to: of, loss_db }];
    let links = [pair(1, 80.0), pair(2, 80.0 + weaker_db)].concat();
    let mut read = [0; 2];
    for seed in 0..100 {
        let mut site = Site::new(Config { capture_db, ..ideal(Size::Small, seed) }, 3, &links);
        site.until_all_serve(HOUR).expect("both serve");
        let network = &mut site.network;
        (1..3).for_each(|node| network.fade(node));
        for (from, payload) in [(1, [0; 60]), (2, [1; 60])] {
            network.gasp(from, &payload);
        }
        site.events.clear();
        site.run(2 * S);
        for (_, event) in &site.events {
            if let Event::Delivered { payload, .. } = event {
                read[usize::from(payload[0])] += 1;
            }
        }
    }
    read
}

/// Of two frames that overlap at a receiver, the one that began first is read if it is stronger by the capture ratio, and one
/// that is so much stronger takes over while the other's preamble lasts; else neither. So capture saves only the stronger.
#[test]
fn the_stronger_is_read_by_the_capture_ratio() {
    let [alike, below, above, never] =
        [(0.0, 6.0), (5.0, 6.0), (7.0, 6.0), (7.0, 90.0)].map(|(weaker_db, at_db)| read_of_a_hundred(weaker_db, at_db));
    println!("alike {alike:?}, 5 dB {below:?}, 7 dB {above:?}, 7 dB without capture {never:?}");
    assert!(alike[0] < 60 && alike[1] < 60, "{alike:?}: most overlap");
    assert_eq!(below, alike, "5 dB are not enough for 6");
    assert_eq!(never, alike, "7 dB are not enough for 90");
    assert!(above[0] >= alike[0] + 20 && above[1] == alike[1], "{above:?}");
}

/// Two neighbours that have something for each other at the same instant, each to be sent on the other's channel: the one
/// that begins to receive waits with its own. Before it did, 206 of 400 such messages
/// were lost.
#[test]
fn neighbours_do_not_talk_past_each_other() {
    let mut site = Site::new(ideal(Size::Small, 3), 2, &line(2));
    site.until_all_serve(HOUR).expect("both serve");
    let before = *site.network.totals();
    for at in 0..200 {
        site.network.send(0, 1, &[1; 120], Priority::Data);
        site.network.send(1, 0, &[2; 180], Priority::Data);
        site.run(10 * S + at * 37_000_000);
    }
    let delivered = site.network.totals().messages[1] - before.messages[1];
    println!("{delivered} of 400");
    assert!(delivered >= 396, "{delivered} of 400");
}

/// Every frame is told when that is asked for, and airtime by use adds up to it.
#[test]
fn frames_told_add_up_to_the_totals() {
    let set = Config { trace: true, ..ideal(Size::Small, 2) };
    let air_ns = |octets: u32| set.phy.air_ns(octets);
    let mut site = Site::new(set.clone(), 4, &line(4));
    // Links that joining has measured are measured again when they are half an hour old.
    site.run(4 * HOUR);
    let totals = *site.network.totals();
    let mut by_use = [(0, 0); Use::ALL.len()];
    for (_, event) in &site.events {
        if let Event::Frame(frame) = event {
            by_use[frame.of as usize].0 += 1;
            by_use[frame.of as usize].1 += air_ns(frame.octets);
        }
    }
    assert_eq!(by_use, totals.by_use);
    let own = |of: &&Use| !matches!(of, Use::Data | Use::Multicast);
    assert!(Use::ALL.iter().filter(own).all(|of| by_use[*of as usize].0 > 0), "{by_use:?}");
}

/// A hop limit of so many hops: routers further away never serve, nearer ones do, up and down; 64 as the default.
#[test]
fn the_hop_limit_bounds_the_mesh() {
    assert_eq!(ideal(Size::Small, 1).hop_limit, 64);
    for (hop_limit, serve) in [(1, 1), (2, 2), (64, 4)] {
        let mut site = Site::new(Config { hop_limit, ..ideal(Size::Small, 5) }, 5, &line(5));
        site.run(2 * HOUR);
        let serving: Vec<u32> = (1..5).filter(|&node| site.network.hops(node).is_some()).collect();
        let carried = (1..5).filter(|&node| site.carry(0, node, &[1; 50]).is_some()).count();
        assert_eq!((site.serving(), carried), (serve, serve as usize), "{hop_limit}: {serving:?} have a way");
        let up = (1..5).filter(|&node| site.carry(node, 0, &[1; 50]).is_some()).count();
        assert_eq!(up, serve as usize, "{hop_limit}");
    }
}

/// Two rotations of group keys, which live for five days here, in a mesh with its MAC and its losses: all serve on every
/// day, and each asks twice, a request and three frames. Where routers passed on what they held instead of what they were
/// told, all asked again every quarter of an hour, and once the first key had ended some were always shut out.
#[test]
fn group_keys_rotate_and_nobody_stops_serving() {
    let mut set = config(Size::Small, 4);
    set.lives.gtk_ns = 5 * DAY_NS;
    let mut site = Site::new(set, 16, &grid(16, 65.0));
    site.run(DAY_NS);
    let joining = |site: &Site| site.network.totals().by_use[Use::Joining as usize].0;
    let first = joining(&site);
    for day in 1..12 {
        assert_eq!(site.serving(), 15, "day {day}");
        site.run(DAY_NS);
    }
    let later = joining(&site) - first;
    println!("joining: {first} frames on the first day, {later} on eleven others");
    assert!((2 * 15 * 4..2 * 15 * 4 * 2).contains(&later), "{later} frames");
}
