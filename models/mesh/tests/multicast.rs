//! One message for all: who gets it, when, at which cost, and what repairs what was lost.

mod site;

use std::collections::BTreeMap;

use site::{HOUR, MINUTE, S, Site, config, grid, line, rings};
use taa_mesh::mac::engine::Priority;
use taa_mesh::net::{Config, Event, Link, Success, Use};
use taa_mesh::trickle::Parameters;
use taa_mesh::wisun::params::Size;

/// Routers by hop: five hops, as TI's network.
const RINGS: [u32; 5] = [32, 16, 12, 20, 16];
/// Control messages: RFC 7731 says 5 min at most, k 1, 10 intervals; the shortest is ten times the time of a slot.
const REPAIRS: (Parameters, u8) = (Parameters { interval_min_ns: 10 * S, doublings: 5, redundancy: 1 }, 10);

/// When a message came to each node.
fn reached(site: &Site, number: u64) -> BTreeMap<u32, Vec<u64>> {
    let mut reached: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    for (at_ns, event) in &site.events {
        if let Event::Multicast { id, node, payload, .. } = event
            && *id == number
        {
            assert_eq!(payload.len(), 100, "octets arrive as they were sent");
            reached.entry(*node).or_default().push(*at_ns);
        }
    }
    reached
}

/// Whether all of these got it, each once.
fn once_each(reached: &BTreeMap<u32, Vec<u64>>, nodes: impl IntoIterator<Item = u32>) -> Result<(), String> {
    for node in nodes {
        let times = reached.get(&node).map_or(0, Vec::len);
        if times != 1 {
            return Err(format!("node {node}: {times} times"));
        }
    }
    Ok(())
}

fn joined(set: Config, nodes: u32) -> Site {
    let mut site = Site::new(set, nodes, &grid(nodes, 45.0));
    site.until_all_serve(4 * HOUR).expect("all join");
    site.run(10 * MINUTE);
    site.events.clear();
    site
}

/// From the root and from a router, with one dark: all others get each message once.
#[test]
fn every_node_of_the_mesh_gets_a_message_once() {
    let mut site = joined(config(Size::Small, 3), 25);
    site.network.power(24, false);
    let numbers: Vec<u64> = [0, 0, 7]
        .map(|from| {
            let number = site.network.multicast(from, &[from as u8; 100], Priority::Data);
            site.run(30 * S);
            number
        })
        .into();
    for (from, number) in [0, 0, 7].into_iter().zip(numbers) {
        let reached = reached(&site, number);
        assert_eq!(once_each(&reached, (0..24).filter(|&node| node != from)), Ok(()), "from {from}");
        assert!(!reached.contains_key(&from) && !reached.contains_key(&24));
    }
    assert_eq!(site.network.totals().multicasts, [3, 69]);
    let told = site.network.multicast(24, &[1; 100], Priority::Data);
    site.drain();
    assert!(site.events.iter().any(|(_, event)| matches!(event, Event::Dropped { id, .. } if *id == told)));
}

/// Sabotage: one who missed it, or got it twice, is found.
#[test]
fn sabotage_a_missed_or_doubled_message_is_found() {
    let mut site = joined(config(Size::Small, 3), 9);
    let number = site.network.multicast(0, &[5; 100], Priority::Data);
    site.run(30 * S);
    let whole = reached(&site, number);
    assert_eq!(once_each(&whole, 1..9), Ok(()));
    let mut missed = whole.clone();
    missed.remove(&4);
    assert!(once_each(&missed, 1..9).is_err());
    let mut doubled = whole;
    doubled.entry(4).or_default().push(0);
    assert!(once_each(&doubled, 1..9).is_err());
}

/// Octets unpacked at every hop, whole and in fragments, give the same run as packets carried as they are.
#[test]
fn octets_at_every_hop_change_nothing() {
    for frame_octets_max in [1_576, 200] {
        let run = |bytes: bool| {
            let set = Config { bytes, frame_octets_max, multicast_control: Some(REPAIRS), ..config(Size::Small, 3) };
            let mut site = joined(set, 9);
            site.network.multicast(0, &[9; 100], Priority::Data);
            site.run(5 * MINUTE);
            (site.network.digest_now(), *site.network.totals())
        };
        let (octets, typed) = (run(true), run(false));
        assert_eq!(octets, typed);
        assert!(octets.1.multicasts[1] >= 7, "{octets:?}");
    }
}

/// A root that comes back goes on with the number after its last: all hear it. (Sabotage in `wisun::mpl`: one that begins
/// anew is taken for one that repeats itself.)
#[test]
fn a_root_that_restarts_is_heard_again() {
    let mut site = joined(config(Size::Small, 3), 9);
    for _ in 0..3 {
        site.network.multicast(0, &[1; 100], Priority::Data);
        site.run(30 * S);
    }
    site.network.power(0, false);
    site.run(10 * S);
    site.network.power(0, true);
    site.run(10 * MINUTE);
    let number = site.network.multicast(0, &[2; 100], Priority::Data);
    site.run(MINUTE);
    assert_eq!(once_each(&reached(&site, number), 1..9), Ok(()));
}

/// What a message for all cost and brought.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    reached: f64,
    last_s: f64,
    frames: f64,
    air_s: f64,
}

/// So many messages into a village, 20 min apart, after a first one that all learn the seed by: means.
fn spread(set: Config, nodes: u32, links: &[Link], messages: u32) -> (Found, Site) {
    let mut site = Site::new(set, nodes, links);
    site.until_all_serve(12 * HOUR).expect("all join");
    site.run(HOUR);
    site.network.multicast(0, &[3; 100], Priority::Data);
    site.run(20 * MINUTE);
    let mut found = Found::default();
    for _ in 0..messages {
        site.events.clear();
        let (from_ns, before) = (site.network.now_ns(), site.network.totals().by_use[Use::Multicast as usize]);
        let number = site.network.multicast(0, &[3; 100], Priority::Data);
        site.run(20 * MINUTE);
        let reached = reached(&site, number);
        let now = site.network.totals().by_use[Use::Multicast as usize];
        let last_ns = reached.values().flatten().max().copied().unwrap_or(from_ns) - from_ns;
        found.reached += reached.len() as f64 / f64::from(nodes - 1) / f64::from(messages);
        found.last_s += last_ns as f64 / 1e9 / f64::from(messages);
        found.frames += (now.0 - before.0) as f64 / f64::from(messages);
        found.air_s += (now.1 - before.1) as f64 / 1e9 / f64::from(messages);
    }
    (found, site)
}

/// Data frames and acknowledgements, and seconds until the last had it, of the same message sent to each node by itself.
fn by_itself(site: &mut Site) -> (u64, f64, u32) {
    let count = |site: &Site| {
        let by_use = site.network.totals().by_use;
        by_use[Use::Data as usize].0 + by_use[Use::Acknowledgement as usize].0
    };
    let (before, from_ns, mut arrived) = (count(site), site.network.now_ns(), 0);
    for node in 1..site.nodes {
        arrived += u32::from(site.carry(0, node, &[3; 100]).is_some());
        site.events.clear();
    }
    (count(site) - before, (site.network.now_ns() - from_ns) as f64 / 1e9, arrived)
}

/// A hundred nodes in five hops: all get it, for far fewer frames than by unicasts; also when one frame of five is lost,
/// for each hears it of several.
#[test]
fn a_hundred_nodes_in_five_hops() {
    let (nodes, links) = (RINGS.iter().sum::<u32>() + 1, rings(&RINGS, 45.0));
    for share in [1.0, 0.8] {
        let success = Success::tabulate(5, 5, &[u32::MAX], |_, _| share);
        let set = Config { success, ..config(Size::Medium, 1) };
        let (with, _) = spread(Config { multicast_control: Some(REPAIRS), ..set.clone() }, nodes, &links, 5);
        let (found, mut site) = spread(set, nodes, &links, 5);
        let (frames, took_s, arrived) = by_itself(&mut site);
        println!("{share} read: multicast {found:.3?}");
        println!("  with control messages {with:.3?}; by unicasts {frames} frames, {took_s:.0} s, {arrived} of 96");
        assert!(found.reached > 0.99 && with.reached > 0.99, "{found:?} {with:?}");
        assert!(found.last_s < 60.0, "{found:?}");
        assert!(found.frames * 2.0 < frames as f64, "{found:?} against {frames}");
    }
}

/// Twelve nodes in a line, one frame of five lost: repetition by Trickle leaves the far ones without in every third case,
/// control messages bring it to all. (Without them is the sabotage.)
#[test]
fn control_messages_repair_what_a_lossy_air_took() {
    let success = Success::tabulate(5, 5, &[u32::MAX], |_, _| 0.8);
    let lossy = Config { success, ..config(Size::Medium, 1) };
    let (without, _) = spread(lossy.clone(), 12, &line(12), 20);
    let (with, _) = spread(Config { multicast_control: Some(REPAIRS), ..lossy }, 12, &line(12), 20);
    println!("without {without:.3?}\nwith {with:.3?}");
    assert!(with.reached > 0.999, "{with:?}");
    assert!(without.reached < 0.95, "{without:?}");
}
