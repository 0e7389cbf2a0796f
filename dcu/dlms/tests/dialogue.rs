//! Our client against our server: what is agreed, what is lost on the way, what restarts, what is refused.

mod common;

use common::{Bench, DISCONNECT, ENERGY, LONG, NAME, PASSWORD, RECONNECT, RELAY, Told, values};
use taa_dlms::apdu::{ActionResult, Conformance, DataAccessResult};
use taa_dlms::client::{Associated, Auth, ClientConfig, Link, Output};
use taa_dlms::cosem::association;
use taa_dlms::error::{Misuse, PeerFault, Refusal, SecurityFault, TransportFault};
use taa_dlms::server::ServerConfig;
use taa_dlms::{AttributeRef, MethodRef, Value, obis};

const OPENED: Told = Told::Associated(Associated::Opened);
const ALL: [AttributeRef; 3] = [ENERGY, RELAY, NAME];

#[test]
fn a_read_opens_the_association_and_the_next_one_uses_it() {
    let mut bench = Bench::new();
    bench.client.read(0, &ALL).unwrap();
    assert_eq!(bench.run(), [OPENED, values(123_456, true)]);
    bench.client.read(0, &ALL).unwrap();
    assert_eq!(bench.run(), [values(123_456, true)]);
    assert_eq!(bench.requests, 3);
}

#[test]
fn relay_orders_are_carried_out() {
    let mut bench = Bench::new();
    bench.client.invoke(0, DISCONNECT, Some(&Value::I8(0))).unwrap();
    assert_eq!(bench.run(), [OPENED, Told::Done]);
    assert!(!bench.device.relay.output());
    bench.client.invoke(0, RECONNECT, None).unwrap();
    assert_eq!(bench.run(), [Told::Done]);
    assert!(bench.device.relay.output());
}

#[test]
fn lost_frames_are_repeated_under_the_same_number() {
    let mut bench = Bench::new();
    // The association request once, its answer once, the GET once, its answer once.
    bench.lose_requests = vec![0, 3];
    bench.lose_answers = vec![0, 2];
    bench.client.read(0, &ALL).unwrap();
    assert_eq!(bench.run(), [OPENED, values(123_456, true)]);
    assert_eq!(bench.requests, 6);
}

#[test]
fn silence_ends_in_a_timeout_and_the_association_counts_as_lost() {
    let mut bench = Bench::new();
    bench.client.associate(0).unwrap();
    assert_eq!(bench.run(), [OPENED, Told::Done]);
    bench.lose_requests = (1..=4).collect();
    bench.client.read(0, &[ENERGY]).unwrap();
    assert_eq!(bench.run(), [Told::Failed(TransportFault::Timeout.into())]);
    assert_eq!(bench.now, 4 * 20_000_000_000, "one request and three repeats, 20 s each");
    assert!(!bench.client.is_associated());
    bench.client.read(bench.now, &[ENERGY]).unwrap();
    assert_eq!(bench.run(), [OPENED, Told::Values(vec![Ok(Value::U64(123_456))])]);
}

#[test]
fn duplicates_and_late_answers_are_ignored() {
    let mut bench = Bench::new();
    bench.duplicate = true;
    bench.client.read(0, &ALL).unwrap();
    assert_eq!(bench.run(), [OPENED, values(123_456, true)]);
    let stale = bench.last_answer.clone();
    bench.device.energy_wh = 200_000;
    bench.client.read(0, &[ENERGY]).unwrap();
    let ignored = bench.client.ignored();
    assert!(matches!(bench.client.poll_output(), Output::Transmit(_)));
    bench.client.handle_receive(0, &stale);
    assert_eq!(bench.client.ignored(), ignored + 1);
    assert!(matches!(bench.client.poll_output(), Output::Timeout(Some(_))));
    bench.client.handle_timeout(20_000_000_000);
    assert_eq!(bench.run(), [Told::Values(vec![Ok(Value::U64(200_000))])]);
}

#[test]
fn a_restarted_meter_is_associated_again_and_the_command_goes_on() {
    let mut bench = Bench::new();
    bench.client.read(0, &ALL).unwrap();
    bench.run();
    bench.server.handle_power_lost();
    bench.client.invoke(0, DISCONNECT, None).unwrap();
    assert_eq!(bench.run(), [Told::Associated(Associated::Reopened), Told::Done]);
    assert_eq!(bench.device.actions, 1);
}

#[test]
fn long_values_go_in_blocks_both_ways_even_when_blocks_are_lost() {
    let text: String = (0..900).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
    let note = Value::VisibleString(text.as_str().into());
    for lost in 0..12 {
        let config = ClientConfig { pdu_max: 100, retries: 2, ..ClientConfig::new(Auth::password(PASSWORD)) };
        let mut bench = Bench::with(config, ServerConfig { pdu_max: 128, ..ServerConfig::default() });
        bench.lose_answers = vec![1 + lost];
        bench.client.write(0, LONG, &note).unwrap();
        assert_eq!(bench.run(), [OPENED, Told::Done]);
        assert_eq!(bench.device.note, note);
        assert_eq!(bench.device.writes, 1, "written once, whichever acknowledgement was lost");
        bench.lose_answers = vec![bench.answers + lost];
        bench.client.read(bench.now, &[LONG]).unwrap();
        assert_eq!(bench.run(), [Told::Values(vec![Ok(note.clone())])]);
        // A list in blocks as well.
        bench.client.read(bench.now, &[ENERGY, LONG]).unwrap();
        assert_eq!(bench.run(), [Told::Values(vec![Ok(Value::U64(123_456)), Ok(note.clone())])]);
    }
}

#[test]
fn an_answer_beyond_the_bound_is_refused() {
    let config = ClientConfig { pdu_max: 100, answer_bytes_max: 500, ..ClientConfig::new(Auth::password(PASSWORD)) };
    let mut bench = Bench::with(config, ServerConfig::default());
    bench.device.note = Value::OctetString([7_u8; 600].as_slice().into());
    bench.client.read(0, &[LONG]).unwrap();
    assert_eq!(bench.run(), [OPENED, Told::Failed(PeerFault::TooLong { limit: 500 }.into())]);
}

#[test]
fn long_lists_are_cut_to_what_the_meter_takes() {
    let mut bench = Bench::with(
        ClientConfig::new(Auth::password(PASSWORD)),
        ServerConfig { pdu_max: 64, ..ServerConfig::default() },
    );
    bench.client.read(0, &[ENERGY; 17]).unwrap();
    assert_eq!(bench.run(), [OPENED, Told::Values(vec![Ok(Value::U64(123_456)); 17])]);
    assert_eq!(bench.requests, 1 + 17_usize.div_ceil(5));
}

#[test]
fn a_wrong_password_is_a_security_error() {
    let mut bench = Bench::with(ClientConfig::new(Auth::password(b"87654321")), ServerConfig::default());
    bench.client.read(0, &[ENERGY]).unwrap();
    assert_eq!(bench.run(), [Told::Failed(SecurityFault::AuthenticationRefused.into())]);
    let mut bench = Bench::with(ClientConfig::new(Auth::None), ServerConfig::default());
    bench.client.read(0, &[ENERGY]).unwrap();
    assert_eq!(bench.run(), [Told::Failed(SecurityFault::AuthenticationRefused.into())]);
}

#[test]
fn the_public_client_reads_the_name_and_nothing_else() {
    let config = ClientConfig { client_sap: 16, ..ClientConfig::new(Auth::None) };
    let mut bench = Bench::with(config, ServerConfig::default());
    bench.client.read(0, &ALL).unwrap();
    let denied = Err(DataAccessResult::ReadWriteDenied);
    let name = Ok(Value::OctetString(b"TAA0000000000001"[..].into()));
    assert_eq!(bench.run(), [OPENED, Told::Values(vec![denied.clone(), denied, name])]);
    bench.client.invoke(0, DISCONNECT, None).unwrap();
    let refused = Refusal::Action(ActionResult::ReadWriteDenied);
    assert_eq!(bench.run(), [Told::Failed(refused.into())]);
    bench.client.write(0, LONG, &Value::Null).unwrap();
    assert_eq!(bench.run(), [Told::Failed(Refusal::Access(DataAccessResult::ReadWriteDenied).into())]);
    assert_eq!((bench.device.writes, bench.device.actions), (0, 0));
    // Nor does it see the others in the object list.
    let list = AttributeRef::new(association::CLASS, obis::ASSOCIATION_LN, association::OBJECT_LIST);
    bench.client.read(0, &[list]).unwrap();
    let told = bench.run();
    let [Told::Values(values)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(values[0].as_ref().unwrap().elements().unwrap().len(), 1);
}

#[test]
fn wrong_references_are_named() {
    let mut bench = Bench::new();
    let wrong_class = AttributeRef::new(1, obis::ACTIVE_ENERGY_IMPORT, 2);
    let missing = AttributeRef::new(3, obis::VOLTAGE_L1, 2);
    let own_name = AttributeRef::new(3, obis::ACTIVE_ENERGY_IMPORT, 1);
    bench.client.read(0, &[wrong_class, missing, own_name]).unwrap();
    assert_eq!(
        bench.run(),
        [
            OPENED,
            Told::Values(vec![
                Err(DataAccessResult::ObjectClassInconsistent),
                Err(DataAccessResult::ObjectUndefined),
                Ok(Value::OctetString(obis::ACTIVE_ENERGY_IMPORT.0.into())),
            ])
        ]
    );
    bench.client.invoke(0, MethodRef::new(70, obis::VOLTAGE_L1, 1), None).unwrap();
    assert_eq!(bench.run(), [Told::Failed(Refusal::Action(ActionResult::ObjectUndefined).into())]);
}

#[test]
fn the_association_shows_its_objects_and_terms() {
    let mut bench = Bench::new();
    let attribute = |id| AttributeRef::new(association::CLASS, obis::ASSOCIATION_LN, id);
    bench.client.read(0, &[attribute(2), attribute(5), attribute(8)]).unwrap();
    let told = bench.run();
    let [_, Told::Values(values)] = told.as_slice() else { panic!("{told:?}") };
    let objects = values[0].as_ref().unwrap().elements().unwrap();
    assert_eq!(objects.len(), 4);
    let [class, version, name, rights] = objects[0].elements().unwrap() else { panic!("{objects:?}") };
    assert_eq!((class, version), (&Value::U16(3), &Value::U8(0)));
    assert_eq!(name.as_bytes(), Some(&obis::ACTIVE_ENERGY_IMPORT.0[..]));
    let attributes = rights.elements().unwrap()[0].elements().unwrap();
    assert_eq!(attributes.len(), 2, "the logical name and the value");
    let context = values[1].as_ref().unwrap().elements().unwrap();
    assert_eq!(context[1], Value::U16(1024));
    assert_eq!(values[2], Ok(Value::Enum(2)));
}

#[test]
fn one_command_at_a_time_and_none_empty() {
    let mut bench = Bench::new();
    assert_eq!(bench.client.read(0, &[]), Err(Misuse::Empty.into()));
    bench.client.associate(0).unwrap();
    assert_eq!(bench.client.read(0, &[ENERGY]), Err(Misuse::Busy.into()));
    bench.client.cancel();
    assert_eq!(bench.run(), []);
    bench.client.release(0).unwrap();
    assert_eq!(bench.run(), [Told::Done], "nothing to release, nothing sent");
    assert_eq!(bench.requests, 0);
}

#[test]
fn a_parameter_too_long_without_blocks_is_not_offered() {
    let config = ClientConfig {
        services: Some(Conformance::GET | Conformance::ACTION),
        ..ClientConfig::new(Auth::password(PASSWORD))
    };
    let mut bench = Bench::with(config, ServerConfig::default());
    let long = Value::OctetString([0_u8; 2000].as_slice().into());
    bench.client.invoke(0, DISCONNECT, Some(&long)).unwrap();
    assert_eq!(bench.run(), [OPENED, Told::Failed(Refusal::NotOffered("block transfer with action").into())]);
}

#[test]
fn a_closed_connection_takes_the_association_and_the_command() {
    let mut bench = Bench::new();
    bench.client.associate(0).unwrap();
    bench.run();
    bench.client.read(0, &[ENERGY]).unwrap();
    bench.client.handle_closed(0);
    assert_eq!(bench.run(), [Told::Failed(TransportFault::Closed.into())]);
    assert!(!bench.client.is_associated());
}

#[test]
fn release_and_associate_again() {
    let mut bench = Bench::new();
    bench.client.associate(0).unwrap();
    bench.run();
    bench.client.release(0).unwrap();
    assert_eq!(bench.run(), [Told::Done]);
    assert!(!bench.client.is_associated() && !bench.server.is_managed());
    bench.client.read(0, &[ENERGY]).unwrap();
    assert_eq!(bench.run()[0], OPENED);
}

#[test]
fn a_stream_may_be_cut_anywhere() {
    let mut whole = Bench::new();
    whole.client.read(0, &ALL).unwrap();
    let expected = whole.run();
    for piece in 1..40 {
        let config = ClientConfig { link: Link::Stream, ..ClientConfig::new(Auth::password(PASSWORD)) };
        let mut bench = Bench::with(config, ServerConfig::default());
        let mut told = Vec::new();
        let mut reply = Vec::new();
        bench.client.read(0, &ALL).unwrap();
        loop {
            match bench.client.poll_output() {
                Output::Transmit(frame) => {
                    assert!(bench.server.handle_receive(&mut bench.device, frame, &mut reply));
                    for bytes in reply.chunks(piece) {
                        bench.client.handle_receive(0, bytes);
                    }
                }
                Output::Event(event) => told.push(Told::from(event)),
                Output::SetLine(_) | Output::Timeout(_) => break,
            }
        }
        assert_eq!(told, expected, "pieces of {piece}");
    }
}

#[test]
fn an_idle_client_is_small() {
    let config = ClientConfig { pdu_max: 100, ..ClientConfig::new(Auth::password(PASSWORD)) };
    let mut bench = Bench::with(config, ServerConfig::default());
    bench.device.note = Value::OctetString([7_u8; 60_000].as_slice().into());
    bench.client.read(0, &[LONG, ENERGY, RELAY]).unwrap();
    assert!(matches!(bench.run().last(), Some(Told::Values(values)) if values.len() == 3));
    let long = bench.client.memory_bytes();
    assert!(long <= 2048, "{long} bytes after a long answer");
    bench.client.read(0, &ALL).unwrap();
    bench.run();
    let idle = bench.client.memory_bytes();
    assert!(idle <= 2048, "{idle} bytes");
}
