//! Packets that travel as fragments: whole at the other end, or given up once, with a reason and without their rest.

mod site;

use site::{HOUR, MINUTE, S, Site, config, grid, ideal, line};
use taa_mesh::mac::engine::Priority;
use taa_mesh::net::{Config, Event, Use, Why};
use taa_mesh::wisun::params::Size;

/// What came out of a network that lost a message in the middle: the message was dropped once, for this reason, and
/// nothing of it was on the air afterwards.
fn ended_once(events: &[(u64, Event)], number: u64, reason: Why) -> Result<(), String> {
    let dropped = |event: &Event| matches!(event, Event::Dropped { id, why, .. } if *id == number && *why == reason);
    let ends: Vec<usize> = (0..events.len()).filter(|&at| dropped(&events[at].1)).collect();
    let [end] = ends[..] else { return Err(format!("dropped {} times", ends.len())) };
    let late = events[end..].iter().filter(|(_, event)| matches!(event, Event::Frame(frame) if frame.of == Use::Data));
    match late.count() {
        0 => Ok(()),
        late => Err(format!("{late} frames after its end")),
    }
}

/// Two nodes, frames of 127 octets; the link is cut after so many frames of a message of 600 octets. Its number, and
/// what came out.
fn cut_after(frames: usize) -> (u64, Vec<(u64, Event)>) {
    let set = Config { trace: true, frame_octets_max: 127, ..ideal(Size::Small, 4) };
    let mut site = Site::new(set, 2, &line(2));
    site.until_all_serve(HOUR).expect("it joins");
    site.events.clear();
    let number = site.network.send(0, 1, &[7; 600], Priority::Data);
    let sent = |site: &Site| {
        let data = |event: &&(u64, Event)| matches!(event.1, Event::Frame(frame) if frame.of == Use::Data);
        site.events.iter().filter(data).count()
    };
    while sent(&site) < frames {
        let at_ns = site.network.next_at().unwrap();
        site.network.step(at_ns);
        site.drain();
    }
    let cut = |loss_db: f32| [(0, 1), (1, 0)].map(|(from, to)| taa_mesh::net::Link { from, to, loss_db });
    cut(300.0).into_iter().for_each(|link| site.network.link_loss(link));
    site.run(MINUTE);
    let [packets, given_up] = site.network.totals().cut;
    assert!(packets > 0 && given_up == 1, "{packets} cut, {given_up} given up");
    cut(80.0).into_iter().for_each(|link| site.network.link_loss(link));
    let events = std::mem::take(&mut site.events);
    assert!(site.carry(0, 1, &[8; 600]).is_some(), "the next one arrives whole");
    (number, events)
}

#[test]
fn a_lost_fragment_ends_its_packet_once() {
    for frames in [1, 3, 8] {
        let (number, events) = cut_after(frames);
        assert_eq!(ended_once(&events, number, Why::NoAck), Ok(()), "cut after {frames}");
    }
}

/// Sabotage: as it was before, the rest still sent and nobody told, or told of every fragment, is found.
#[test]
fn sabotage_rest_sent_or_told_otherwise_is_found() {
    let (number, events) = cut_after(3);
    let silent: Vec<(u64, Event)> =
        events.iter().filter(|(_, event)| !matches!(event, Event::Dropped { .. })).cloned().collect();
    assert!(ended_once(&silent, number, Why::NoAck).is_err());
    let told = events.iter().find(|(_, event)| matches!(event, Event::Dropped { .. })).cloned().unwrap();
    let frame =
        events.iter().find(|(_, event)| matches!(event, Event::Frame(of) if of.of == Use::Data)).cloned().unwrap();
    for more in [told, frame] {
        let mut doctored = events.clone();
        doctored.push(more);
        assert!(ended_once(&doctored, number, Why::NoAck).is_err());
    }
}

/// More fragments than the queue holds: the message is refused as a whole, for that reason, and the queue is free again.
#[test]
fn a_packet_too_long_for_the_queue_is_dropped_as_a_whole() {
    let set = Config { trace: true, queue_max: 6, frame_octets_max: 127, ..ideal(Size::Small, 4) };
    let mut site = Site::new(set, 2, &line(2));
    site.until_all_serve(HOUR).expect("it joins");
    site.events.clear();
    let number = site.network.send(0, 1, &[7; 600], Priority::Data);
    site.run(10 * S);
    let fates: Vec<&Event> =
        site.events.iter().map(|(_, event)| event).filter(|event| matches!(event, Event::Dropped { .. })).collect();
    assert_eq!(fates, [&Event::Dropped { id: number, node: 0, why: Why::QueueFull }]);
    let data = site.events.iter().filter(|(_, event)| matches!(event, Event::Frame(frame) if frame.of == Use::Data));
    assert!(data.count() <= 1, "nothing but what was on its way");
    // Unless node 1 just advertises on all channels, for most of a second.
    assert!((0..2).any(|_| site.carry(0, 1, &[8; 150]).is_some()));
}

/// 25 nodes whose frames are short hold together: 127 octets leave 58 for 6LoWPAN, less than the headers of a packet down
/// three hops. (Before those went on in later fragments, 14 of 24 served.)
#[test]
fn a_village_of_short_frames_holds_together() {
    for frame_octets_max in [127, 160, 200, 300, 1_576] {
        for pitch_m in [65.0, 45.0] {
            let set = Config { frame_octets_max, ..config(Size::Small, 1) };
            let mut site = Site::new(set, 25, &grid(25, pitch_m));
            let joined_ns = site.until_all_serve(8 * HOUR).expect("all join");
            let mut answered = 0;
            for node in (1..25).cycle().take(72) {
                let there = site.carry(0, node, &[1; 50]).is_some();
                answered += u32::from(there && site.carry(node, 0, &[2; 200]).is_some());
                site.run(10 * S);
            }
            let (joined_s, cut) = (joined_ns / S, site.network.totals().cut);
            println!("{frame_octets_max} octets, {pitch_m} m: all after {joined_s} s, {answered} of 72, cut {cut:?}");
            assert!(answered >= 66, "{answered} of 72");
        }
    }
}
