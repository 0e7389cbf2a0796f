//! Many clients on one link: nobody speaks unasked, no time runs for those who wait, and rows of a month let an alarm
//! through after one exchange.

use taa_dlms::client::{Client, ClientConfig, ClientEvent, HdlcLink, Link, Output, Referencing};
use taa_dlms::cosem::{CaptureObject, Model, Object, ObjectModel, ProfileGeneric, ProfileRange, Register};
use taa_dlms::error::TransportFault;
use taa_dlms::link::hdlc::{Address, Parameters, SecondaryConfig};
use taa_dlms::server::{Port, PortOutput, Server, ServerConfig, ServerLink};
use taa_dlms::{AttributeRef, MethodRef, Value, obis};
use taa_keys::Secret;

use crate::wire::{PASSWORD, Told, Wire, config, values};

const VOLTAGE: AttributeRef = AttributeRef::new(3, obis::VOLTAGE_L1, 2);
const ROWS: u32 = 1000;

fn meter() -> Model {
    let mut model = Model::new();
    model.add(Register::SPEC, obis::VOLTAGE_L1);
    model.set(obis::VOLTAGE_L1, 2, Value::U16(231));
    let voltage = CaptureObject::new(3, obis::VOLTAGE_L1, 2);
    let profile = ProfileGeneric {
        capture_objects: Some(vec![voltage, voltage]),
        profile_entries: Some(ROWS),
        ..ProfileGeneric::default()
    };
    model.add(ProfileGeneric::SPEC, obis::LOAD_PROFILE);
    assert!(model.put_object(obis::LOAD_PROFILE, &profile));
    for _ in 0..ROWS {
        model.invoke(MethodRef::new(7, obis::LOAD_PROFILE, 2), None).unwrap();
    }
    model
}

fn gated() -> ClientConfig {
    ClientConfig { gated: true, pdu_max: 128, ..config() }
}

#[test]
fn nothing_goes_out_ungranted_and_no_time_runs() {
    let mut wire = Wire::new(gated(), meter());
    wire.client.read(0, &[VOLTAGE]).unwrap();
    assert!(wire.drain().is_none() && wire.client.wants_exchange() && !wire.client.is_exchanging());
    assert_eq!(wire.client.deadline(), None);
    // An hour later nothing has timed out.
    wire.now = 3_600_000_000_000;
    wire.client.handle_timeout(wire.now);
    assert!(wire.drain().is_none() && wire.told.is_empty());
    assert!(wire.client.grant_exchange(wire.now));
    assert!(!wire.client.wants_exchange());
    let frame = wire.drain().expect("it goes out");
    assert!(wire.client.is_exchanging() && !wire.client.grant_exchange(wire.now), "one at a time");
    assert_eq!(wire.client.deadline(), Some(wire.now + config().reply_timeout_ns), "time runs from the grant");
    wire.carry(&frame);
    // The answer is in: the next exchange waits.
    assert!(wire.drain().is_none() && wire.client.wants_exchange() && !wire.client.is_exchanging());
    assert_eq!(wire.run(), [Told::Associated, values(vec![Value::U16(231)])]);
    assert!(!wire.client.wants_exchange() && !wire.client.is_exchanging());
    // A lost answer: the repeat waits as well.
    wire.client.read(wire.now, &[VOLTAGE]).unwrap();
    for _ in 0..3 {
        wire.drain();
        assert!(wire.client.grant_exchange(wire.now) && wire.drain().is_some());
        wire.now = wire.client.deadline().unwrap();
        wire.client.handle_timeout(wire.now);
    }
    wire.drain();
    assert_eq!(wire.told, [Told::Failed(TransportFault::Timeout.into())]);
}

#[test]
fn rows_of_a_month_let_an_alarm_through_after_one_exchange() {
    let mut wire = Wire::new(gated(), meter());
    wire.client.read_profile(0, obis::LOAD_PROFILE, ProfileRange::Entries(1, ROWS)).unwrap();
    let mut interruptions = 0;
    let rows = loop {
        let until = wire.frames + 4;
        while wire.frames < until && wire.step() {}
        wire.drain();
        if wire.client.is_idle() {
            break wire.told.pop();
        }
        assert!(wire.client.suspend() && wire.client.is_idle(), "at the gate it is immediate");
        wire.told.clear();
        let before = wire.frames;
        wire.client.read(wire.now, &[VOLTAGE]).unwrap();
        assert_eq!(wire.run(), [values(vec![Value::U16(231)])]);
        assert_eq!(wire.frames, before + 1);
        wire.client.resume_profile(wire.now).unwrap();
        interruptions += 1;
        assert!(interruptions < 100, "no progress: {:?}", wire.client);
    };
    assert_eq!(rows, Some(Told::Rows(ROWS as usize)), "each row once, after {interruptions} interruptions");
    assert!(interruptions > 5);
}

/// Sabotage of the same: without the rows that were kept, an interruption would begin the reading anew.
#[test]
fn rows_put_aside_are_forgotten_with_another_profile() {
    let mut wire = Wire::new(gated(), meter());
    wire.client.read_profile(0, obis::LOAD_PROFILE, ProfileRange::Entries(1, ROWS)).unwrap();
    wire.run_frames(6);
    wire.drain();
    assert!(wire.client.suspend());
    assert!(wire.client.half_read_rows().is_some_and(|rows| rows > 10), "{:?}", wire.client.half_read_rows());
    wire.client.read_profile(0, obis::LOAD_PROFILE, ProfileRange::Entries(1, 2)).unwrap();
    assert_eq!(wire.client.half_read_rows(), None);
    assert_eq!(wire.run().last(), Some(&Told::Rows(2)));
}

/// Fifty meters are read out over one link; alarms come at any moment, of meters that are being read and of others. The
/// owner of the link grants what is urgent first: an alarm waits for the exchange under way, and then only for its own.
#[test]
fn an_alarm_waits_for_one_exchange_among_fifty_readouts() {
    let mut wires: Vec<_> = (0..50).map(|_| Wire::new(gated(), meter())).collect();
    for wire in &mut wires {
        wire.client.read_profile(0, obis::LOAD_PROFILE, ProfileRange::Entries(1, ROWS)).unwrap();
        wire.drain();
    }
    let exchange = |wire: &mut Wire<Model>| {
        assert!(wire.client.grant_exchange(0));
        let frame = wire.drain().expect("granted");
        wire.carry(&frame);
        wire.drain();
        assert!(!wire.client.is_exchanging());
    };
    let (mut turn, mut exchanges, mut longest, mut alarms, mut read_out) = (0_usize, 0, 0, 0, 0);
    loop {
        let waiting = (0..wires.len()).map(|step| (turn + step) % wires.len());
        let Some(at) = waiting.into_iter().find(|at| wires[*at].client.wants_exchange()) else { break };
        turn = at + 1;
        // The alarm of some meter comes just as this exchange has begun.
        let alarmed = (exchanges % 7 == 3).then_some((exchanges * 13) % wires.len());
        exchange(&mut wires[at]);
        exchanges += 1;
        read_out += usize::from(wires[at].told.last() == Some(&Told::Rows(ROWS as usize)));
        let Some(alarmed) = alarmed else { continue };
        let wire = &mut wires[alarmed];
        let is_reading = !wire.client.is_idle();
        assert!(wire.client.suspend(), "nothing is on the way of this client");
        let associated = wire.client.is_associated();
        wire.told.clear();
        wire.client.read(0, &[VOLTAGE]).unwrap();
        wire.drain();
        let mut delay = 1;
        while wire.told.last() != Some(&values(vec![Value::U16(231)])) {
            exchange(wire);
            delay += 1;
        }
        if associated {
            longest = longest.max(delay);
        }
        alarms += 1;
        if is_reading {
            wire.client.resume_profile(0).unwrap();
            wire.drain();
        }
    }
    assert_eq!(longest, 2, "the exchange under way, and its own");
    assert!(alarms > 50, "{alarms} alarms in {exchanges} exchanges");
    assert_eq!(read_out, 50, "each whole, and once");
}

/// The same under keys, by short names, and without a gate, where the exchange under way is finished first.
#[test]
fn rows_give_way_under_keys_by_short_names_and_without_a_gate() {
    for kind in 0..3 {
        let config = match kind {
            1 => ClientConfig { referencing: Referencing::ShortNames, ..gated() },
            _ => ClientConfig { gated: false, ..gated() },
        };
        let mut wire = if kind == 0 {
            Wire::between(crate::push::client(1), crate::push::server(1), meter())
        } else {
            Wire::new(config, meter())
        };
        wire.client.read_profile(0, obis::LOAD_PROFILE, ProfileRange::Entries(1, ROWS)).unwrap();
        let mut interruptions = 0;
        let rows = loop {
            let until = wire.frames + 3;
            while wire.frames < until && wire.step() {}
            let frame = wire.drain();
            if wire.client.is_idle() && frame.is_none() {
                break wire.told.pop();
            }
            let at_once = wire.client.suspend();
            assert_eq!(at_once, kind == 1, "{kind}");
            if let Some(frame) = frame {
                wire.carry(&frame);
            }
            wire.drain();
            if let Some(done) = wire.told.pop_if(|told| matches!(told, Told::Rows(_))) {
                break Some(done);
            }
            assert!(at_once || wire.told.last() == Some(&Told::Suspended), "{kind}: {:?}", wire.told);
            wire.told.clear();
            wire.client.read(wire.now, &[VOLTAGE]).unwrap();
            assert_eq!(wire.run(), [values(vec![Value::U16(231)])], "{kind}");
            wire.client.resume_profile(wire.now).unwrap();
            interruptions += 1;
            assert!(interruptions < 200, "{kind}: no progress");
        };
        assert_eq!(rows, Some(Told::Rows(ROWS as usize)), "{kind}: after {interruptions} interruptions");
        assert!(interruptions > 1, "{kind}: {interruptions}");
    }
}

/// HDLC frames of one line: a client speaks only when granted, SNRM, segments and RR included.
#[test]
fn on_hdlc_every_turn_waits_for_its_grant() {
    let limits = Parameters::DEFAULT;
    let (ours, theirs) = (Address::client(1).unwrap(), Address::server(1, Some(17)).unwrap());
    let link = Link::Hdlc(HdlcLink { proposal: limits, ..HdlcLink::stream(ours, theirs) });
    let mut client = Client::new(ClientConfig { link, gated: true, ..config() });
    let server = ServerConfig { management_password: Some(Secret::new(PASSWORD)), ..ServerConfig::default() };
    let mut server = Server::new(server);
    let mut model = meter();
    let secondary = SecondaryConfig { inactivity_timeout_ns: None, ..SecondaryConfig::new(theirs, limits) };
    let mut port = Port::new(ServerLink::Hdlc(secondary));
    client.read_profile(0, obis::LOAD_PROFILE, ProfileRange::Entries(1, ROWS)).unwrap();
    let mut now = 0;
    let mut turns = 0;
    let mut rows = None;
    for _ in 0..10_000 {
        let mut sent = None;
        loop {
            match client.poll_output() {
                Output::Transmit(bytes) => {
                    assert!(sent.is_none(), "one turn a grant");
                    sent = Some(bytes.to_vec());
                }
                Output::Event(ClientEvent::Profile(read)) => rows = Some(read.len()),
                Output::Event(ClientEvent::Failed(error)) => panic!("{error}"),
                Output::Event(_) | Output::SetLine(_) => {}
                Output::Timeout(_) => break,
            }
        }
        if rows.is_some() {
            break;
        }
        if let Some(sent) = sent {
            assert!(client.is_exchanging() && !client.wants_exchange());
            turns += 1;
            port.handle_receive(now, &mut server, &mut model, &sent);
            let mut answer = Vec::new();
            while let Some(output) = port.poll_output() {
                if let PortOutput::Transmit(bytes) = output {
                    answer.extend_from_slice(&bytes);
                }
            }
            client.handle_receive(now, &answer);
        } else if client.wants_exchange() {
            // Others have the line for a minute: longer than any of the link's own timeouts.
            now += 60_000_000_000;
            client.handle_timeout(now);
            assert!(client.grant_exchange(now));
        } else {
            let deadline = client.deadline().expect("something to wait for");
            now = now.max(deadline);
            client.handle_timeout(now);
        }
    }
    assert_eq!(rows, Some(ROWS as usize));
    assert!(turns > 10, "{turns}");
}
