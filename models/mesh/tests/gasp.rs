//! Nodes whose supply is gone: what they still say gets through by whoever is lit, ahead of what waits there, and by nobody
//! who is dark.

mod site;

use site::{HOUR, MINUTE, S, Site, ideal, pairs};
use taa_mesh::mac::engine::Priority;
use taa_mesh::net::{Event, Why};
use taa_mesh::wisun::{join::State, params::Size};

/// Root 0 is heard by 1 and 2, both of them by 3, and 3 by 4.
fn diamond() -> Site {
    let mut site = Site::new(ideal(Size::Small, 3), 5, &pairs(&[(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)]));
    site.until_all_serve(4 * HOUR).expect("all join");
    site.run(30 * MINUTE);
    site.events.clear();
    site
}

/// Whether a neighbour took it, and when it was at the root.
fn fate(site: &Site, gasp: u64, of: u32) -> (Option<Result<(), Why>>, Option<u64>) {
    let said = site.events.iter().find_map(|(_, event)| match event {
        Event::Handed { id, node } if (*id, *node) == (gasp, of) => Some(Ok(())),
        Event::Dropped { id, node, why } if (*id, *node) == (gasp, of) => Some(Err(*why)),
        _ => None,
    });
    let there = site.events.iter().find_map(|(at_ns, event)| match event {
        Event::Delivered { id, node: 0, payload, .. } if *id == gasp => {
            assert_eq!(payload, b"dark");
            Some(*at_ns)
        }
        _ => None,
    });
    (said, there)
}

#[test]
fn a_dark_node_is_heard_by_a_lit_neighbour_and_taken_on() {
    let mut site = diamond();
    site.network.fade(3);
    assert_eq!(site.network.standing(3).map(|of| of.state), Some(State::Off));
    let asked_ns = site.network.now_ns();
    let gasp = site.network.gasp(3, b"dark");
    site.run(S * 3 / 2);
    let (said, there_ns) = fate(&site, gasp, 3);
    assert_eq!(said, Some(Ok(())));
    // Two frames, two turns of others to listen, and at most one broadcast dwell.
    assert!(there_ns.is_some_and(|at_ns| at_ns - asked_ns < S), "{there_ns:?} after {asked_ns}");
}

#[test]
fn who_is_dark_relays_nothing_and_the_next_try_goes_to_another() {
    let mut site = diamond();
    let parent = site.network.standing(3).and_then(|of| of.parent).expect("3 has a parent");
    [parent, 3, 4].into_iter().for_each(|node| site.network.fade(node));
    let below = site.network.gasp(4, b"dark");
    let first = site.network.gasp(3, b"dark");
    site.run(2 * S);
    assert_eq!(fate(&site, below, 4), (Some(Err(Why::NoAck)), None), "its only neighbour is dark");
    assert_eq!(fate(&site, first, 3), (Some(Err(Why::NoAck)), None), "the best neighbour is dark");
    let second = site.network.gasp(3, b"dark");
    site.run(2 * S);
    let (said, there_ns) = fate(&site, second, 3);
    assert!(said == Some(Ok(())) && there_ns.is_some(), "{said:?} {there_ns:?}");
}

#[test]
fn without_a_supply_nothing_else_is_said_and_with_one_it_starts_anew() {
    let mut site = diamond();
    let waits = site.network.send(3, 0, &[1; 400], Priority::Data);
    site.network.fade(3);
    let refused = site.network.send(3, 0, &[2; 40], Priority::Data);
    site.run(MINUTE);
    for id in [waits, refused] {
        let lost = |event: &Event| matches!(event, Event::Dropped { id: of, node: 3, why: Why::PowerOff } if *of == id);
        assert!(site.events.iter().any(|(_, event)| lost(event)), "{id}");
    }
    let of_three = |site: &Site| site.network.airtime_by_node()[3];
    let before = of_three(&site);
    site.run(HOUR);
    assert_eq!(of_three(&site), before, "a fading node is silent");
    site.network.power(3, true);
    site.until_all_serve(4 * HOUR).expect("3 and 4 join again");
    site.network.fade(3);
    site.network.power(3, false);
    let gasp = site.network.gasp(3, b"dark");
    site.run(MINUTE);
    assert_eq!(fate(&site, gasp, 3), (Some(Err(Why::PowerOff)), None), "nothing is left to say it with");
}

/// A relay with fifteen packets of data in hand sends a gasp that comes last before most of them.
#[test]
fn a_gasp_overtakes_data() {
    let mut site = diamond();
    let parent = site.network.standing(3).and_then(|of| of.parent).expect("3 has a parent");
    let data: Vec<u64> = (0..15).map(|_| site.network.send(parent, 0, &[3; 200], Priority::Data)).collect();
    site.network.fade(3);
    let gasp = site.network.gasp(3, b"dark");
    site.run(MINUTE);
    let there_ns = fate(&site, gasp, 3).1.expect("at the root");
    let later = |event: &(u64, Event)| matches!(event, (at_ns, Event::Delivered { id, .. }) if *at_ns > there_ns && data.contains(id));
    let overtaken = site.events.iter().filter(|event| later(event)).count();
    assert!(overtaken >= 5, "{overtaken}");
}
