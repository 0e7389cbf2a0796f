//! One meter: it stalls, answers late or somebody else, is another, sends garbage for hours.

use taa_dlms::Value;
use taa_dlms::client::{ClientConfig, Link};
use taa_dlms::error::{Error, PeerFault, SecurityFault, TransportFault};
use taa_dlms::link::wrapper::{self, Addresses};
use taa_dlms::security::SystemTitle;
use taa_keys::Drbg;

use crate::scene::{BOTH, METER, Safety, Scene, asks, client_config, model, server};

const TIMEOUT: Result<Value, Error> = Err(Error::Transport(TransportFault::Timeout));
const S: u64 = 1_000_000_000;

const fn volts(volts: u16) -> Result<Value, Error> {
    Ok(Value::U16(volts))
}

pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    wrapper::begin(&mut frame);
    frame.extend_from_slice(message);
    wrapper::finish(&mut frame, Addresses { source: 1, destination: 1 }).unwrap();
    frame
}

#[test]
fn a_meter_that_hears_and_says_nothing_costs_its_time_and_no_more() {
    for safety in BOTH {
        let mut scene = Scene::new(safety);
        assert_eq!(scene.read(), volts(231));
        let (begun, sent) = (scene.now, scene.sent);
        let stalled = scene.read_through(&mut |_, _| Vec::new());
        assert_eq!(stalled, TIMEOUT, "{safety:?}");
        assert_eq!(scene.sent - sent, 3, "once, and two repeats");
        assert_eq!(scene.now - begun, 60 * S);
        assert!(!scene.client.is_associated());
        assert_eq!(scene.read(), volts(231), "{safety:?}: recovered");
    }
}

#[test]
fn an_answer_to_an_earlier_request_is_none_to_this_one() {
    // Plain: the invoke id tells. The answer of the day before comes in place of today's.
    let mut scene = Scene::new(Safety::Plain);
    let mut old = Vec::new();
    scene
        .read_through(&mut |request, answer| {
            if asks(request) {
                old.clone_from(&answer);
            }
            vec![answer]
        })
        .unwrap();
    scene.model = model(110);
    let stale = scene.read_through(&mut |_, _| vec![old.clone()]);
    assert_eq!(stale, TIMEOUT);
    assert!(scene.client.ignored() >= 3);
    // The old one first, then the right one: the right one is told.
    assert_eq!(scene.read_through(&mut |_, answer| vec![old.clone(), answer]), volts(110));
    // Sabotage: without looking at the invoke id the old one would be taken.
    let invoke_at = 10;
    let forged = scene.read_through(&mut |request, answer| {
        let mut forged = old.clone();
        forged[invoke_at] = request[invoke_at];
        if asks(request) { vec![forged] } else { vec![answer] }
    });
    assert_eq!(forged, volts(231), "nothing else protects a plain association");

    // Ciphered: the counter tells, and the error says so.
    let mut scene = Scene::new(Safety::Ciphered);
    let mut old = Vec::new();
    scene
        .read_through(&mut |request, answer| {
            if asks(request) {
                old.clone_from(&answer);
            }
            vec![answer]
        })
        .unwrap();
    scene.model = model(110);
    let stale = scene.read_through(&mut |request, answer| vec![if asks(request) { old.clone() } else { answer }]);
    assert!(matches!(stale, Err(Error::Security(SecurityFault::Replay { .. }))), "{stale:?}");
    assert_eq!(scene.read(), volts(110));
}

#[test]
fn another_meters_answer_is_refused() {
    // Another meter of the same keys (a factory default) and another title; then one with keys of its own.
    for (title, key) in [(SystemTitle(*b"SIM\0\0\0\0\x02"), 1), (METER, 9)] {
        let mut scene = Scene::new(Safety::Ciphered);
        scene.read().unwrap();
        // It takes over within the association: the same counters, but not the same protection.
        let channel =
            taa_dlms::security::Channel::new(taa_dlms::security::Suite::Zero, title, Some(crate::scene::keys(key)));
        let mut counter = taa_dlms::security::SendCounter::volatile(1000);
        let mut random = taa_dlms::security::Random::given(&[0; 16]);
        let impostor = scene.read_through(&mut |request, answer| {
            if !asks(request) {
                return vec![answer];
            }
            let mut message = vec![0xC4, 1, 0xC0, 0, 0x12, 0, 99];
            let how = taa_dlms::security::How::global(taa_dlms::security::Protection::BOTH);
            channel.protect(&mut message, 0, how, &mut counter, &mut random, true).unwrap();
            vec![framed(&message)]
        });
        assert_eq!(impostor, Err(SecurityFault::NotGenuine.into()), "{title:?} {key}");
        assert_eq!(scene.read(), volts(231));
        // It answers the association.
        scene.client.release(scene.now).unwrap();
        scene.client.cancel();
        scene.client.handle_closed(scene.now);
        let right = std::mem::replace(&mut scene.server, server(Safety::Ciphered, title, key, 5000));
        let refused = scene.read();
        assert!(matches!(refused, Err(Error::Security(_))), "{refused:?}");
        scene.server = right;
        assert_eq!(scene.read(), volts(231));
    }
}

#[test]
fn frames_of_other_addresses_are_not_ours() {
    for safety in BOTH {
        let mut scene = Scene::new(safety);
        let elsewhere = scene.read_through(&mut |_, mut answer| {
            if answer.len() > 4 {
                answer[3] = 7; // another logical device
            }
            vec![answer]
        });
        assert_eq!(elsewhere, TIMEOUT);
        assert_eq!(scene.read(), volts(231));
    }
}

/// Every bit of an answer flipped in turn: under protection nothing changed is ever told; without it the client at least
/// never hangs, and never tells anything but what arrived.
#[test]
fn damaged_answers_are_never_told_under_protection() {
    let mut scene = Scene::new(Safety::Ciphered);
    let mut length = 0;
    scene
        .read_through(&mut |_, answer| {
            length = answer.len();
            vec![answer]
        })
        .unwrap();
    for bit in 0..length * 8 {
        let mut damaged_once = false;
        let read = scene.read_through(&mut |request, mut answer| {
            if asks(request) && !damaged_once {
                damaged_once = true;
                answer[bit / 8] ^= 1 << (bit % 8);
            }
            vec![answer]
        });
        // The repeat brings the right one; where it does not, the error is typed.
        assert_eq!(read, volts(231), "bit {bit}");
    }
    let mut scene = Scene::new(Safety::Plain);
    for bit in 0..length * 8 {
        let _ = scene.read_through(&mut |_, mut answer| {
            if let Some(byte) = answer.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
            vec![answer]
        });
    }
    assert_eq!(scene.read(), volts(231));
}

#[test]
fn plain_answers_on_a_ciphered_association_are_refused_by_name() {
    let mut scene = Scene::new(Safety::Ciphered);
    scene.read().unwrap();
    let plain = scene.read_through(&mut |request, answer| {
        if asks(request) { vec![framed(&[0xC4, 1, 0xC1, 0, 0x12, 0, 99])] } else { vec![answer] }
    });
    assert_eq!(plain, Err(SecurityFault::Unprotected { tag: 0xC4 }.into()));
    assert_eq!(scene.read(), volts(231));
    // And the other way round.
    let mut scene = Scene::new(Safety::Plain);
    let protected = scene.read_through(&mut |request, answer| {
        if asks(request) { vec![framed(&[0xCC, 10, 0x30, 0, 0, 0, 1, 1, 2, 3, 4, 5])] } else { vec![answer] }
    });
    assert_eq!(protected, Err(SecurityFault::UnexpectedProtection { tag: 0xCC }.into()));
    assert_eq!(scene.read(), volts(231));
}

#[test]
fn a_meter_that_restarted_is_associated_with_again_within_the_command() {
    for safety in BOTH {
        let mut scene = Scene::new(safety);
        scene.read().unwrap();
        // It knows nobody any more; where it is ciphered it cannot even say so but by not deciphering.
        scene.server = server(safety, METER, 1, 1000);
        assert_eq!(scene.read(), volts(231), "{safety:?}");
    }
    // Sabotage: one that never deciphers is not asked for ever.
    let mut scene = Scene::new(Safety::Ciphered);
    let deaf = scene.read_through(&mut |request, answer| {
        if asks(request) { vec![framed(&[0xD8, 1, 5])] } else { vec![answer] }
    });
    assert_eq!(deaf, Err(SecurityFault::NotDeciphered.into()));
    assert_eq!(scene.sent, 6, "association, proof, request; and all of it once more");
}

#[test]
fn a_meter_that_forgets_at_once_is_given_up() {
    for safety in BOTH {
        let mut scene = Scene::new(safety);
        let forgetful = scene.read_through(&mut |request, answer| {
            if asks(request) { vec![framed(&[0xD8, 1, 1])] } else { vec![answer] }
        });
        assert_eq!(forgetful, Err(PeerFault::AssociationNotKept.into()), "{safety:?}");
        assert!(scene.sent < 20, "{}", scene.sent);
        assert_eq!(scene.read(), volts(231), "{safety:?}");
    }
}

/// Noise once a second for three hours, in frames that look right and in none, while the client goes on reading.
#[test]
fn garbage_for_hours_changes_nothing_but_the_time() {
    for (safety, link) in BOTH.into_iter().flat_map(|safety| [(safety, Link::Datagram), (safety, Link::Stream)]) {
        let config = ClientConfig { link, ..client_config(safety) };
        let mut scene = Scene::with(config, safety);
        assert_eq!(scene.read(), volts(231));
        let mut rng = Drbg::new(&[7; 32], &[], &[]);
        let mut noise = move |head: &[u8], framed_too: bool| {
            let mut bytes = vec![0; 201];
            rng.fill(&mut bytes).unwrap();
            bytes.truncate(bytes[200].into());
            let mut message = head.to_vec();
            message.append(&mut bytes);
            if framed_too { framed(&message) } else { message }
        };
        let (mut told, mut failed) = (0, 0);
        while scene.now < 3 * 3600 * S {
            let mut count = 0;
            let read = scene.read_through(&mut |request, answer| {
                count += 1;
                let own = if safety == Safety::Plain { 0xC4 } else { 0xCC };
                let mut arriving = vec![noise(&[], true), noise(&[own], true), noise(&[0xE0], true)];
                // On a stream, bytes that are no frame would cost the rest of it: they come alone.
                if link == Link::Datagram {
                    arriving.push(noise(&[], false));
                }
                // Now and then the meter gets a word in.
                if count == 3 || !asks(request) {
                    arriving.push(answer);
                }
                arriving
            });
            match read {
                Ok(value) => {
                    assert_eq!(value, Value::U16(231), "{safety:?}: nothing else is ever told");
                    told += 1;
                }
                Err(Error::PeerMisbehaved(_) | Error::Security(_) | Error::Transport(_)) => failed += 1,
                Err(other) => panic!("{other}"),
            }
            scene.now += S;
        }
        assert!(told + failed > 100 && told > failed, "{safety:?} {link:?}: {told} told, {failed} failed");
        let held = scene.client.memory_bytes();
        assert!(held < 4096, "{held} bytes after hours of noise");
        assert_eq!(scene.read(), volts(231), "{safety:?} {link:?}");
    }
}
