//! A fleet on one shared link, some of whose meters misbehave: the others are read all the same.

use taa_dlms::client::{Client, ClientConfig, ClientEvent, Output};
use taa_dlms::error::{Error, TransportFault};
use taa_dlms::{Server, Value};

use crate::scene::{METER, Safety, VOLTAGE, client, client_config, model, server};

/// What a meter does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Answers,
    Stalls,
    Babbles,
}

struct Place {
    client: Client,
    server: Server,
    manner: Manner,
    ended: Vec<Result<(), Error>>,
}

#[test]
fn the_fleet_goes_on() {
    for safety in crate::scene::BOTH {
        let manners = [Manner::Answers, Manner::Stalls, Manner::Answers, Manner::Babbles, Manner::Answers];
        let mut places = manners.map(|manner| {
            let config =
                ClientConfig { gated: true, retries: 1, reply_timeout_ns: 5_000_000_000, ..client_config(safety) };
            Place { client: client(config, safety), server: server(safety, METER, 1, 0), manner, ended: Vec::new() }
        });
        let mut now = 0;
        let mut longest_wait = 0;
        for round in 0..3 {
            for place in &mut places {
                place.client.read(now, &[VOLTAGE]).unwrap();
            }
            let mut turn = 0;
            while places.iter().any(|place| place.ended.len() <= round) {
                let wanting = (0..places.len()).map(|step| (turn + step) % places.len());
                let Some(at) = wanting.into_iter().find(|at| places[*at].client.wants_exchange()) else {
                    for place in &mut places {
                        settle(place, now, safety);
                    }
                    assert!(places.iter().any(|p| p.client.wants_exchange() || p.ended.len() > round), "stuck");
                    continue;
                };
                turn = at + 1;
                let begun = now;
                exchange(&mut places[at], &mut now, safety);
                longest_wait = longest_wait.max(now - begun);
            }
        }
        for place in &places {
            let good = place.ended.iter().filter(|ended| ended.is_ok()).count();
            assert_eq!(
                good,
                if place.manner == Manner::Answers { 3 } else { 0 },
                "{:?} {:?}",
                place.manner,
                place.ended
            );
        }
        assert_eq!(places[1].ended[0], Err(TransportFault::Timeout.into()));
        assert!(
            matches!(places[3].ended[0], Err(Error::PeerMisbehaved(_) | Error::Security(_))),
            "{:?}",
            places[3].ended
        );
        assert!(longest_wait <= 5_000_000_000, "a bad meter holds the link for one answer's time: {longest_wait}");
    }
}

/// One exchange of one client: nobody else speaks meanwhile.
fn exchange(place: &mut Place, now: &mut u64, safety: Safety) {
    assert!(place.client.grant_exchange(*now));
    settle(place, *now, safety);
    if place.client.is_exchanging() {
        *now = place.client.deadline().expect("an answer is due");
        place.client.handle_timeout(*now);
        settle(place, *now, safety);
    }
    assert!(!place.client.is_exchanging());
}

fn settle(place: &mut Place, now: u64, safety: Safety) {
    let mut bound = None;
    loop {
        match place.client.poll_output() {
            Output::Transmit(frame) => {
                let mut reply = Vec::new();
                let mut meter = model(231);
                let answered = place.server.handle_receive(&mut meter, frame, &mut reply);
                assert!(matches!(place.client.poll_output(), Output::Timeout(_)));
                match place.manner {
                    Manner::Answers if answered => place.client.handle_receive(now, &reply),
                    Manner::Babbles => {
                        reply.truncate(8);
                        let body = [if safety == Safety::Plain { 0x61 } else { 0xCC }, 4, 0xFF, 0xFF, 0xFF, 0xFF];
                        reply[6..8].copy_from_slice(&[0, body.len() as u8]);
                        reply.extend(body);
                        place.client.handle_receive(now, &reply);
                    }
                    Manner::Answers | Manner::Stalls => {}
                }
            }
            Output::Event(ClientEvent::ReserveCounter(wanted)) => bound = Some(wanted),
            Output::Event(ClientEvent::Values(values)) => {
                assert_eq!(values, [Ok(Value::U16(231))]);
                place.ended.push(Ok(()));
            }
            Output::Event(ClientEvent::Failed(error)) => place.ended.push(Err(error)),
            Output::Event(_) | Output::SetLine(_) => {}
            Output::Timeout(_) => match bound.take() {
                Some(bound) => place.client.handle_counter_durable(now, bound),
                None => return,
            },
        }
    }
}
