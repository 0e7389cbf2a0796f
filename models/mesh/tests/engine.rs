//! One node's MAC by what it orders and answers, and a small hopping network on ideal air.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use taa_mesh::Eui64;
use taa_mesh::chance::Chance;
use taa_mesh::mac::channels::Channels;
use taa_mesh::mac::csma::Csma;
use taa_mesh::mac::engine::{
    Config, Engine, FLOW_OCTETS, Flow, Hopping, Outcome, Output, Priority, Received, Request, To,
};
use taa_mesh::mac::phy::Phy;
use taa_mesh::mac::schedule::{Broadcast, Heard, Schedules, Unicast};

const MS: u64 = 1_000_000;

fn config() -> Config {
    let phy = Phy::sun_fsk(50_000, false);
    Config {
        phy,
        csma: Csma::wisun(),
        retries_max: 3,
        channel_retries: 0,
        urgent_channel_retries: 0,
        exchange_ns: 0,
        queue_max: 4,
        stranger_fails: false,
    }
}

fn eui(node: u64) -> Eui64 {
    Eui64(node.to_be_bytes())
}

fn request(to: To, payload: u32) -> Request<u32> {
    let acknowledged = matches!(to, To::One(_));
    Request { to, octets: 100, acknowledged, priority: Priority::Data, payload }
}

/// Drives an engine whose channel is always clear (or never) and whose frames are acknowledged from the `heard_at`-th
/// on; returns what became of the first request and when.
fn alone(engine: &mut Engine<u32>, clear: bool, heard_at: u32, mut now: u64) -> (Outcome, u32, u64) {
    let mut sent = 0;
    loop {
        match engine.poll_output() {
            Output::Look { .. } => {
                now += config().phy.cca_ns;
                engine.handle_cca(now, clear);
            }
            Output::Send { sequence, octets, acknowledged, .. } => {
                now += config().phy.turnaround_ns + config().phy.air_ns(octets);
                engine.handle_sent(now);
                sent += 1;
                if acknowledged && sent >= heard_at {
                    engine.handle_ack(now, Some(eui(2)), sequence);
                }
            }
            Output::Acknowledge { .. } => {
                now += config().phy.turnaround_ns + config().phy.air_ns(56);
                engine.handle_sent(now);
            }
            Output::Done { outcome, attempts, .. } => return (outcome, attempts, now),
            Output::Timeout(Some(until)) => {
                now = until;
                engine.handle_timeout(now);
            }
            Output::Timeout(None) => panic!("nothing to wait for"),
        }
    }
}

#[test]
fn a_frame_is_repeated_until_it_is_heard_or_given_up() {
    for (heard_at, expected) in [(1, (Outcome::Sent, 1)), (4, (Outcome::Sent, 4)), (9, (Outcome::NoAck, 4))] {
        let mut engine = Engine::new(config(), 1);
        engine.send(0, request(To::One(eui(2)), 7));
        let (outcome, attempts, now) = alone(&mut engine, true, heard_at, 0);
        assert_eq!((outcome, attempts), expected);
        assert!(now > u64::from(attempts) * config().phy.air_ns(100));
    }
    let mut engine = Engine::new(config(), 1);
    engine.send(0, request(To::One(eui(2)), 7));
    assert_eq!(alone(&mut engine, false, 1, 0).0, Outcome::ChannelBusy);
    assert!(engine.etx(eui(2)).is_none(), "a frame that never went out says nothing of the link");
}

#[test]
fn an_acknowledgement_of_another_frame_or_by_another_node_is_not_ours() {
    let mut engine = Engine::new(config(), 1);
    engine.send(0, request(To::One(eui(2)), 7));
    let mut now = 0;
    let sequence = loop {
        match engine.poll_output() {
            Output::Look { .. } => engine.handle_cca(now, true),
            Output::Send { sequence, .. } => break sequence,
            Output::Timeout(Some(until)) => {
                now = until;
                engine.handle_timeout(now);
            }
            other => panic!("{other:?}"),
        }
    };
    engine.handle_sent(now);
    engine.handle_ack(now, Some(eui(3)), sequence);
    engine.handle_ack(now, Some(eui(2)), sequence.wrapping_add(1));
    let waiting = Output::Timeout(Some(now + config().phy.ack_wait_ns));
    assert_eq!(engine.poll_output(), waiting, "still waiting");
    engine.handle_ack(now, Some(eui(2)), sequence);
    assert!(matches!(engine.poll_output(), Output::Done { outcome: Outcome::Sent, .. }));
}

/// A frame to acknowledge comes while ours waits for the channel: it is acknowledged first, a repetition of it too, and
/// ours goes out afterwards.
#[test]
fn acknowledging_goes_before_sending_and_repetitions_are_known() {
    let mut engine: Engine<u32> = Engine::new(config(), 1);
    engine.send(0, request(To::One(eui(2)), 7));
    assert_eq!(engine.handle_receive(1, eui(5), Some(9), true), Received::New);
    assert_eq!(engine.poll_output(), Output::Acknowledge { to: eui(5), sequence: 9 });
    assert_eq!(engine.handle_receive(2, eui(5), Some(10), true), Received::Deaf, "while it sends it hears nothing");
    engine.handle_sent(10 * MS);
    assert_eq!(engine.handle_receive(11 * MS, eui(5), Some(9), true), Received::Again);
    assert_eq!(alone(&mut engine, true, 1, 11 * MS).0, Outcome::Sent);
    assert_eq!(engine.handle_receive(40_000 * MS, eui(5), Some(9), false), Received::New, "a number comes round");
}

#[test]
fn the_urgent_goes_first_and_a_full_queue_drops_the_least_urgent() {
    let mut engine = Engine::new(config(), 1);
    for payload in 0..5 {
        engine.send(0, request(To::Broadcast, payload));
    }
    engine.send(0, Request { priority: Priority::Urgent, ..request(To::Broadcast, 99) });
    let dropped = engine.poll_output();
    assert!(matches!(dropped, Output::Done { outcome: Outcome::Dropped, payload: 4, .. }), "{dropped:?}");
    let (mut order, mut now) = (Vec::new(), 0);
    while order.len() < 5 {
        match engine.poll_output() {
            Output::Look { .. } => engine.handle_cca(now, true),
            Output::Send { .. } => engine.handle_sent(now),
            Output::Done { payload, .. } => order.push(payload),
            Output::Timeout(until) => {
                now = until.unwrap();
                engine.handle_timeout(now);
            }
            Output::Acknowledge { .. } => panic!("nothing came in"),
        }
    }
    assert_eq!(order, [0, 99, 1, 2, 3], "the one in hand is not taken back");
}

/// One frame of a hopping network in the air.
type Heap = BinaryHeap<Reverse<(u64, u64, u64, u8)>>;

/// What came of a hopping network: unicasts that met their receiver's channel, those that did not, broadcasts heard.
#[derive(Debug, Default, PartialEq, Eq)]
struct Met {
    met: u32,
    missed: u32,
    in_dwell: u32,
    broadcasts: u32,
    listeners: u32,
}

/// Six nodes that started at different times know where the others were ten seconds ago and send to each other.
fn hopping_network(drift_known: bool) -> Met {
    let all = 6_u64;
    let channels = Channels::all(129).unwrap();
    let started = |node: u64| node * 37 * MS;
    let own = |node: u64| Unicast { of: eui(node), dwell_ms: 255, channels: channels.clone() };
    let broadcast = Broadcast { bsi: 9, interval_ms: 1020, dwell_ms: 255, channels: channels.clone(), epoch_ns: 0 };
    let at_ns = 10_000 * MS;
    let mut engines: Vec<Engine<u32>> = (0..all)
        .map(|node| {
            let mut engine = Engine::new(Config { queue_max: 100, ..config() }, node + 1);
            let heard = (0..all).filter(|&of| of != node).map(|of| {
                let wrong = if drift_known { 0 } else { 400 };
                let ufsi = own(of).ufsi_at(at_ns - started(of) + wrong * MS);
                Heard { schedule: own(of), at_ns, ufsi }
            });
            *engine.hopping_mut() = Some(Hopping {
                own: own(node),
                everywhere: channels.clone(),
                started_ns: started(node),
                broadcast: Some(broadcast.clone()),
                heard: heard.collect(),
                drift_ppm: 20,
            });
            engine
        })
        .collect();
    let (mut draws, mut heap, mut met, mut number) = (Chance::new(3), Heap::new(), Met::default(), 0);
    // 0: a request, 1: a wake, 2: a look has ended, 3: a frame has ended.
    for turn in 0..600 {
        heap.push(Reverse((at_ns + turn * 40 * MS, turn, turn % all, 0)));
    }
    while let Some(Reverse((now, _, node, kind))) = heap.pop() {
        let engine = &mut engines[node as usize];
        match kind {
            0 => {
                let to = (node + 1 + draws.between(0, all - 1)) % all;
                let to = if draws.between(0, 5) == 0 { To::Broadcast } else { To::One(eui(to)) };
                engine.send(now, Request { acknowledged: false, ..request(to, 0) });
            }
            1 => engine.handle_timeout(now),
            2 => engine.handle_cca(now, true),
            _ => engine.handle_sent(now),
        }
        loop {
            number += 1;
            let order = engines[node as usize].poll_output();
            let (after, kind) = match order {
                Output::Look { .. } => (config().phy.cca_ns, 2),
                Output::Send { channel, to, octets, .. } => {
                    let start = now + config().phy.turnaround_ns;
                    let listening = |of: u64| engines[of as usize].hopping().unwrap().listening(start);
                    match to {
                        To::One(of) => {
                            met.in_dwell += u32::from(broadcast.is_dwell(start));
                            let of = u64::from_be_bytes(of.0);
                            *(if listening(of) == channel { &mut met.met } else { &mut met.missed }) += 1;
                        }
                        _ => {
                            met.broadcasts += 1;
                            met.listeners +=
                                (0..all).filter(|&of| of != node && listening(of) == channel).count() as u32;
                        }
                    }
                    (config().phy.turnaround_ns + config().phy.air_ns(octets), 3)
                }
                Output::Timeout(Some(until)) => {
                    heap.push(Reverse((until.max(now), number, node, 1)));
                    break;
                }
                Output::Timeout(None) => break,
                _ => continue,
            };
            heap.push(Reverse((now + after, number, node, kind)));
        }
    }
    met
}

#[test]
fn unicasts_meet_their_receivers_and_broadcasts_everyone() {
    let met = hopping_network(true);
    assert!(met.met + met.missed > 400 && met.broadcasts > 80, "{met:?}");
    assert_eq!((met.missed, met.in_dwell), (0, 0), "{met:?}");
    assert_eq!(met.listeners, met.broadcasts * 5, "{met:?}");
}

/// Sabotage: who believes a neighbour 400 ms ahead of where it is sends almost everything past it.
#[test]
fn sabotage_a_wrong_time_misses_the_channel() {
    let met = hopping_network(false);
    assert!(met.missed > 20 * met.met.max(1), "{met:?}");
}

/// Four tries on each of five channels, as an open stack makes Wi-SUN's twenty; a channel that is always busy is left for
/// the next one, too. Without hopping there is no other channel.
#[test]
fn tries_go_on_in_the_receivers_next_stays() {
    let hopping = |of: u64| {
        let channels = Channels::all(29).unwrap();
        let own = Unicast { of: eui(of), dwell_ms: 255, channels: channels.clone() };
        Hopping {
            own,
            everywhere: channels,
            started_ns: 0,
            broadcast: None,
            heard: Schedules::default(),
            drift_ppm: 20,
        }
    };
    let (all, urgent) = (Config { channel_retries: 4, ..config() }, Config { urgent_channel_retries: 4, ..config() });
    for (config, priority, hops, clear, expected) in [
        (all, Priority::Data, true, true, (Outcome::NoAck, 20)),
        (all, Priority::Data, true, false, (Outcome::ChannelBusy, 0)),
        (all, Priority::Data, false, true, (Outcome::NoAck, 4)),
        (urgent, Priority::Urgent, true, true, (Outcome::NoAck, 20)),
        (urgent, Priority::Control, true, true, (Outcome::NoAck, 4)),
    ] {
        let mut engine = Engine::new(config, 1);
        if hops {
            let mut own = hopping(1);
            own.hear(&hopping(2).own, 0, 0);
            *engine.hopping_mut() = Some(own);
        }
        engine.send(0, Request { priority, ..request(To::One(eui(2)), 7) });
        let (outcome, attempts, now) = alone(&mut engine, clear, u32::MAX, 0);
        assert_eq!((outcome, attempts), expected);
        assert_eq!(now > 4 * 255 * MS, expected.1 != 4, "{now}");
    }
}

#[test]
fn a_frame_for_everywhere_is_sent_once_on_every_channel() {
    let channels = Channels::parse("0-26,29,34", 35).unwrap();
    let mut engine = Engine::new(config(), 1);
    *engine.hopping_mut() = Some(Hopping {
        own: Unicast { of: eui(1), dwell_ms: 255, channels: channels.clone() },
        everywhere: channels.clone(),
        started_ns: 0,
        broadcast: None,
        heard: Schedules::default(),
        drift_ppm: 20,
    });
    engine.send(0, request(To::Everywhere, 1));
    let (mut seen, mut now) = (Vec::new(), 0);
    loop {
        match engine.poll_output() {
            Output::Look { .. } => engine.handle_cca(now, true),
            Output::Send { channel, .. } => {
                seen.push(channel);
                engine.handle_sent(now);
            }
            Output::Done { outcome, attempts, .. } => {
                assert_eq!((outcome, attempts), (Outcome::Sent, 1));
                break;
            }
            Output::Timeout(until) => {
                now = until.unwrap();
                engine.handle_timeout(now);
            }
            Output::Acknowledge { .. } => panic!("nothing came in"),
        }
    }
    assert_eq!(seen, channels.as_slice());
    engine.send(now, request(To::One(eui(8)), 2));
    assert_eq!(alone(&mut engine, true, 1, now).0, Outcome::NoSchedule, "nobody knows where node 8 listens");
}

/// What an engine with frames for neighbours 2, 2, 2 and 3 does on ideal air: looks (L) and the parts of its frames.
fn in_a_row(exchange_ns: u64) -> String {
    let mut engine: Engine<u32> = Engine::new(Config { exchange_ns, ..config() }, 5);
    let (mut now, mut seen) = (0, String::new());
    for (payload, to) in [2, 2, 2, 3].into_iter().enumerate() {
        engine.send(now, request(To::One(eui(to)), payload as u32));
    }
    let mut ended = 0;
    while ended < 4 {
        match engine.poll_output() {
            Output::Look { .. } => {
                seen.push('L');
                engine.handle_cca(now, true);
            }
            Output::Send { sequence, to, flow, octets, .. } => {
                seen.push_str(match flow {
                    Flow::None => "-",
                    Flow::More => "m",
                    Flow::Last => "l",
                });
                assert_eq!(octets, if flow == Flow::None { 100 } else { 100 + FLOW_OCTETS });
                now += 20 * MS;
                engine.handle_sent(now);
                let To::One(by) = to else { panic!("only to one") };
                engine.handle_ack(now + 10 * MS, Some(by), sequence);
                now += 10 * MS;
            }
            Output::Done { outcome, .. } => {
                assert_eq!(outcome, Outcome::Sent);
                ended += 1;
            }
            Output::Timeout(until) => {
                now = until.unwrap();
                engine.handle_timeout(now);
            }
            Output::Acknowledge { .. } => panic!("nobody sends to it"),
        }
    }
    seen
}

/// Frames for one neighbour follow each other without a look at the channel, and the last one says so; a frame for another
/// begins anew. Time ends an exchange. Sabotage: without exchanges each frame looks first.
#[test]
fn frames_for_one_neighbour_follow_in_a_row() {
    assert_eq!(in_a_row(1_000 * MS), "LmmlL-");
    assert_eq!(in_a_row(20 * MS), "LmlL-L-");
    assert_eq!(in_a_row(0), "L-L-L-L-", "sabotage");
}
