//! Every service in every form, our client against our server: lists, blocks both ways, ACCESS, general blocks, short
//! names. And what happens to each when frames are lost.

mod common;

use common::{Bench, Device, ENERGY, LONG, NAME, NOTE, PASSWORD, RELAY, Told};
use taa_dlms::apdu::{ActionResult, Conformance, DataAccessResult, Selection};
use taa_dlms::client::{Associated, Auth, ClientConfig, Item, Output, Referencing};
use taa_dlms::cosem::{AttributeAccess, MethodAccess, ObjectEntry, ObjectModel};
use taa_dlms::error::{Misuse, Refusal};
use taa_dlms::server::ServerConfig;
use taa_dlms::{AttributeRef, Error, MethodRef, Obis, Value};

const OPENED: Told = Told::Associated(Associated::Opened);
/// A method of the bench's extra object: returns its parameter.
const ECHO: MethodRef = MethodRef::new(9, Obis([0, 0, 10, 0, 0, 255]), 1);

const ECHO_ATTRIBUTES: &[AttributeAccess] = &[AttributeAccess::read_write(2)];

/// The common device with one more object, whose method returns what it is given.
struct Echoing {
    device: Device,
    objects: Vec<ObjectEntry>,
    echoed: u32,
}

impl Echoing {
    fn new(device: Device) -> Self {
        let mut objects = device.objects().to_vec();
        objects.push(ObjectEntry {
            class: ECHO.class,
            version: 0,
            obis: ECHO.obis,
            attributes: ECHO_ATTRIBUTES,
            methods: &[MethodAccess { id: 1 }],
        });
        Self { device, objects, echoed: 0 }
    }
}

impl ObjectModel for Echoing {
    fn objects(&self) -> &[ObjectEntry] {
        &self.objects
    }

    fn read(
        &mut self,
        attribute: AttributeRef,
        selection: Option<Selection<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        match selection {
            // A selected read gives back its parameters.
            Some(selection) => {
                out.extend_from_slice(selection.parameters);
                Ok(())
            }
            None => self.device.read(attribute, None, out),
        }
    }

    fn write(&mut self, attribute: AttributeRef, value: &Value) -> Result<(), DataAccessResult> {
        self.device.write(attribute, value)
    }

    fn invoke(&mut self, method: MethodRef, parameter: Option<&Value>) -> Result<(), ActionResult> {
        self.device.invoke(method, parameter)
    }

    fn invoke_returning(
        &mut self,
        method: MethodRef,
        parameter: Option<&Value>,
        out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        if method != ECHO {
            return self.invoke(method, parameter);
        }
        self.echoed += 1;
        taa_dlms::axdr::encode(parameter.ok_or(ActionResult::TypeUnmatched)?, out);
        Ok(())
    }
}

struct Wire {
    bench: Bench,
    model: Echoing,
    /// Frames either way that are to be lost, by number from 0.
    lose: Vec<usize>,
    frames: usize,
    longest: usize,
    returned: Option<Value>,
}

impl Wire {
    fn new(client: ClientConfig, server: ServerConfig) -> Self {
        let mut bench = Bench::with(client, server);
        let device = std::mem::replace(&mut bench.device, Bench::new().device);
        Self { bench, model: Echoing::new(device), lose: Vec::new(), frames: 0, longest: 0, returned: None }
    }

    fn lost(&mut self) -> bool {
        self.frames += 1;
        self.lose.contains(&(self.frames - 1))
    }

    /// As [`Bench::run`], with windows of general blocks.
    fn run(&mut self) -> Vec<Told> {
        let mut told = Vec::new();
        let mut reply = Vec::new();
        let mut transmissions = 0;
        loop {
            transmissions += 1;
            assert!(transmissions < 5000, "it never ends");
            let frame = match self.bench.client.poll_output() {
                Output::Transmit(frame) => frame.to_vec(),
                Output::Event(event) => {
                    if let taa_dlms::ClientEvent::Done(returned) = &event {
                        self.returned = returned.cloned();
                    }
                    told.push(event.into());
                    continue;
                }
                Output::SetLine(line) => panic!("no line to set: {line:?}"),
                Output::Timeout(None) => return told,
                Output::Timeout(Some(deadline)) => {
                    self.bench.now = deadline;
                    self.bench.client.handle_timeout(deadline);
                    continue;
                }
            };
            self.longest = self.longest.max(frame.len());
            if self.lost() {
                continue;
            }
            let mut answered = self.bench.server.handle_receive(&mut self.model, &frame, &mut reply);
            while answered {
                self.longest = self.longest.max(reply.len());
                if !self.lost() {
                    self.bench.client.handle_receive(self.bench.now, &reply);
                }
                answered = self.bench.server.next_frame(&mut reply);
            }
        }
    }
}

fn small() -> (ClientConfig, ServerConfig) {
    let client = ClientConfig { pdu_max: 96, retries: 3, ..ClientConfig::new(Auth::password(PASSWORD)) };
    (client, ServerConfig { pdu_max: 110, short_names: true, ..ServerConfig::default() })
}

fn text(length: u32) -> Value {
    let text: String = (0..length).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
    Value::VisibleString(text.as_str().into())
}

/// Runs a scenario undisturbed, then with each frame lost in turn, then pairs of them.
fn whatever_is_lost(config: impl Fn() -> (ClientConfig, ServerConfig), scenario: impl Fn(&mut Wire)) {
    let (client, server) = config();
    let longest = usize::from(client.pdu_max.max(server.pdu_max)) + 8;
    let mut wire = Wire::new(client, server);
    scenario(&mut wire);
    let frames = wire.frames;
    assert!(wire.longest <= longest, "{} bytes where {longest} are agreed", wire.longest);
    for lost in 0..frames {
        let (client, server) = config();
        let mut wire = Wire::new(client, server);
        wire.lose = vec![lost, lost + 3];
        scenario(&mut wire);
    }
}

#[test]
fn lists_are_written_in_one_request_or_in_blocks() {
    for length in [10, 700] {
        whatever_is_lost(small, |wire| {
            let note = text(length);
            wire.bench.client.write_list(0, &[(LONG, &note), (ENERGY, &Value::U64(1)), (LONG, &note)]).unwrap();
            let denied = Err(DataAccessResult::ReadWriteDenied);
            assert_eq!(wire.run(), [OPENED, Told::Values(vec![Ok(Value::Null), denied, Ok(Value::Null)])]);
            assert_eq!(wire.model.device.note, note);
            if length == 700 {
                assert_eq!(wire.model.device.writes, 2, "carried out once, whatever was lost");
            }
        });
    }
}

#[test]
fn methods_take_and_return_any_length() {
    for length in [10, 700] {
        whatever_is_lost(small, |wire| {
            let note = text(length);
            wire.bench.client.invoke(0, ECHO, Some(&note)).unwrap();
            assert_eq!(wire.run(), [OPENED, Told::Done]);
            assert_eq!(wire.returned.as_ref(), Some(&note));
            if length == 700 {
                assert_eq!(wire.model.echoed, 1, "carried out once, whatever was lost");
            }
        });
    }
}

#[test]
fn lists_of_methods_take_and_return_any_length() {
    for length in [3, 300] {
        whatever_is_lost(small, |wire| {
            let note = text(length);
            let unknown = MethodRef::new(9, ECHO.obis, 2);
            let list = [(ECHO, Some(&note)), (common::DISCONNECT, None), (unknown, None), (ECHO, Some(&note))];
            wire.bench.client.invoke_list(0, &list).unwrap();
            let denied = Err(DataAccessResult::ReadWriteDenied);
            let expected = Told::Values(vec![Ok(note.clone()), Ok(Value::Null), denied, Ok(note)]);
            assert_eq!(wire.run(), [OPENED, expected]);
        });
    }
}

#[test]
fn selected_parts_are_read_in_lists_cut_to_what_the_meter_takes() {
    for short in [false, true] {
        let config = || {
            let (mut client, server) = small();
            if short {
                client.referencing = Referencing::ShortNames;
            }
            (client, server)
        };
        let (client, server) = config();
        let mut wire = Wire::new(client, server);
        let part = text(30);
        wire.bench.client.read_list(0, &[(LONG, Some((1, &part))), (ENERGY, None), (LONG, Some((2, &part)))]).unwrap();
        let expected = vec![Ok(part.clone()), Ok(Value::U64(123_456)), Ok(part)];
        assert_eq!(wire.run(), [OPENED, Told::Values(expected)]);
    }
}

#[test]
fn access_does_everything_in_order() {
    for length in [10, 700] {
        whatever_is_lost(small, |wire| {
            let note = text(length);
            let items = [
                Item::Read(ENERGY),
                Item::Write(LONG, &note),
                Item::Read(LONG),
                Item::Invoke(ECHO, Some(&note)),
                Item::Invoke(common::DISCONNECT, None),
                Item::Write(ENERGY, &note),
                Item::ReadPart(LONG, 1, &Value::U8(3)),
                Item::WritePart(LONG, 1, &Value::U8(3), &note),
                Item::Read(RELAY),
            ];
            wire.bench.client.access(0, &items).unwrap();
            let expected = vec![
                Ok(Value::U64(123_456)),
                Ok(Value::Null),
                Ok(note.clone()),
                Ok(note.clone()),
                Ok(Value::Null),
                Err(DataAccessResult::ReadWriteDenied),
                Ok(Value::U8(3)),
                Err(DataAccessResult::ScopeOfAccessViolated),
                Ok(Value::Bool(false)),
            ];
            assert_eq!(wire.run(), [OPENED, Told::Values(expected)]);
        });
    }
}

/// Only general blocks are agreed: everything long goes through them, in windows of any width.
#[test]
fn general_blocks_carry_everything() {
    for window in [1, 3, 63] {
        let config = || {
            let (mut client, mut server) = small();
            client.services = Some(
                Conformance::GENERAL_BLOCK_TRANSFER
                    | Conformance::GET
                    | Conformance::SET
                    | Conformance::ACTION
                    | Conformance::MULTIPLE_REFERENCES,
            );
            client.general_window = window;
            server.general_window = window;
            (client, server)
        };
        whatever_is_lost(config, |wire| {
            let note = text(500);
            wire.bench.client.write(0, LONG, &note).unwrap();
            assert_eq!(wire.run(), [OPENED, Told::Done]);
            assert_eq!(wire.model.device.note, note);
            assert_eq!(wire.model.device.writes, 1, "carried out once, whatever was lost");
            wire.bench.client.read(wire.bench.now, &[ENERGY, LONG]).unwrap();
            assert_eq!(wire.run(), [Told::Values(vec![Ok(Value::U64(123_456)), Ok(note.clone())])]);
            wire.bench.client.invoke(wire.bench.now, ECHO, Some(&note)).unwrap();
            assert_eq!(wire.run(), [Told::Done]);
            assert_eq!(wire.returned, Some(note));
        });
    }
}

#[test]
fn by_short_names_everything_has_its_way() {
    for length in [10, 700] {
        let config = || {
            let (mut client, server) = small();
            client.referencing = Referencing::ShortNames;
            (client, server)
        };
        whatever_is_lost(config, |wire| {
            let note = text(length);
            wire.bench.client.read(0, &[ENERGY, RELAY, NAME]).unwrap();
            assert_eq!(wire.run(), [OPENED, common::values(123_456, true)]);
            assert_eq!(wire.bench.client.short_names().map(|names| names.len()), Some(5));
            wire.bench.client.write(wire.bench.now, LONG, &note).unwrap();
            assert_eq!(wire.run(), [Told::Done]);
            wire.bench.client.read(wire.bench.now, &[LONG]).unwrap();
            assert_eq!(wire.run(), [Told::Values(vec![Ok(note.clone())])]);
            wire.bench.client.write_list(wire.bench.now, &[(LONG, &note), (ENERGY, &note)]).unwrap();
            let denied = Err(DataAccessResult::ReadWriteDenied);
            assert_eq!(wire.run(), [Told::Values(vec![Ok(Value::Null), denied])]);
            wire.bench.client.invoke(wire.bench.now, common::DISCONNECT, None).unwrap();
            assert_eq!(wire.run(), [Told::Done]);
            assert!(!wire.model.device.relay.output());
        });
    }
}

#[test]
fn names_are_read_once_and_can_be_shared() {
    let (mut client, server) = small();
    client.referencing = Referencing::ShortNames;
    let mut first = Wire::new(client.clone(), server.clone());
    first.bench.client.read(0, &[ENERGY]).unwrap();
    first.run();
    let names = first.bench.client.short_names().cloned();
    let mut second = Wire::new(client, server);
    second.bench.client.set_short_names(names);
    second.bench.client.read(0, &[ENERGY]).unwrap();
    assert_eq!(second.run(), [OPENED, Told::Values(vec![Ok(Value::U64(123_456))])]);
    assert_eq!(second.frames, 4, "association and one read");
    second.bench.client.read(0, &[AttributeRef::new(1, Obis([9; 6]), 2)]).unwrap();
    assert_eq!(second.run(), [Told::Failed(Misuse::NoShortName.into())]);
}

#[test]
fn what_was_not_agreed_is_not_asked_for() {
    let services = Conformance::GET | Conformance::SET;
    let (client, server) = small();
    let mut wire = Wire::new(ClientConfig { services: Some(services), ..client }, server);
    let refused = |what| Told::Failed(Refusal::NotOffered(what).into());
    wire.bench.client.access(0, &[Item::Read(ENERGY)]).unwrap();
    assert_eq!(wire.run(), [OPENED, refused("access")]);
    wire.bench.client.write_list(0, &[(LONG, &Value::Null)]).unwrap();
    assert_eq!(wire.run(), [refused("multiple references")]);
    wire.bench.client.read_list(0, &[(LONG, Some((1, &Value::Null)))]).unwrap();
    assert_eq!(wire.run(), [refused("selective access")]);
    wire.bench.client.write(0, LONG, &text(700)).unwrap();
    assert_eq!(wire.run(), [refused("block transfer with set")]);
    wire.bench.client.invoke(0, ECHO, None).unwrap();
    assert_eq!(wire.run(), [refused("action")]);
    assert_eq!(wire.frames, 2, "only the association");
    assert_eq!(wire.bench.client.access(0, &[]), Err(Misuse::Empty.into()));
    let many = [Item::Read(ENERGY); 256];
    assert_eq!(wire.bench.client.access(0, &many), Err(Misuse::TooManyAttributes.into()));
    assert_eq!(NOTE, LONG.obis);
}

fn short() -> (ClientConfig, ServerConfig) {
    let (client, server) = small();
    (ClientConfig { referencing: Referencing::ShortNames, ..client }, server)
}

/// By short names a method that returns something is read: its parameter goes there, and what it returns comes back, in
/// blocks of the Read service where they are long.
#[test]
fn by_short_names_methods_return_too() {
    for length in [10, 700] {
        whatever_is_lost(short, |wire| {
            let note = text(length);
            wire.bench.client.invoke_returning(0, ECHO, Some(&note)).unwrap();
            assert_eq!(wire.run(), [OPENED, Told::Done]);
            assert_eq!(wire.returned.as_ref(), Some(&note));
        });
    }
    let (client, server) = short();
    let mut wire = Wire::new(client, server);
    wire.bench.client.invoke_returning(0, common::DISCONNECT, None).unwrap();
    assert_eq!(wire.run(), [OPENED, Told::Done]);
    assert_eq!((wire.returned.take(), wire.model.device.actions), (None, 1), "one that returns nothing");
    // Sabotage: written, as a method without return is, it is run and nothing comes back.
    wire.bench.client.invoke(0, ECHO, Some(&text(700))).unwrap();
    assert_eq!(wire.run(), [Told::Done]);
    assert_eq!((wire.returned.take(), wire.model.echoed), (None, 1));
}

#[test]
fn a_selection_longer_than_a_message_goes_in_blocks_by_short_names() {
    whatever_is_lost(short, |wire| {
        let part = text(400);
        wire.bench.client.read_list(0, &[(ENERGY, None), (LONG, Some((1, &part)))]).unwrap();
        assert_eq!(wire.run(), [OPENED, Told::Values(vec![Ok(Value::U64(123_456)), Ok(part)])]);
    });
}

#[test]
fn what_is_written_without_a_wish_for_an_answer_is_done_when_it_has_left() {
    for config in [small, short] {
        let (client, server) = config();
        let mut wire = Wire::new(client, server);
        wire.bench.client.write_unconfirmed(0, LONG, &text(5)).unwrap();
        assert_eq!(wire.run(), [OPENED, Told::Done]);
        assert_eq!((&wire.model.device.note, wire.model.device.writes), (&text(5), 1));
        assert!(wire.bench.client.is_associated() && wire.bench.client.is_idle());
        let before = wire.frames;
        wire.bench.client.write_unconfirmed(0, LONG, &text(6)).unwrap();
        assert_eq!(wire.run(), [Told::Done]);
        assert_eq!((wire.frames, &wire.model.device.note), (before + 1, &text(6)), "one frame, no answer");
        // Lost, and nobody notices: that is its price.
        wire.lose = vec![wire.frames];
        wire.bench.client.write_unconfirmed(0, LONG, &text(7)).unwrap();
        assert_eq!(wire.run(), [Told::Done]);
        assert_eq!(wire.model.device.note, text(6));
        // What does not fit is not sent at all.
        wire.bench.client.write_unconfirmed(0, LONG, &text(700)).unwrap();
        let told = wire.run();
        assert!(matches!(told.as_slice(), [Told::Failed(Error::ApiMisuse(Misuse::RequestTooLong { .. }))]), "{told:?}");
        wire.bench.client.read(0, &[ENERGY]).unwrap();
        assert_eq!(wire.run(), [Told::Values(vec![Ok(Value::U64(123_456))])]);
    }
}

#[test]
fn a_part_is_written_by_its_selection_whole_or_in_blocks() {
    let refused = Refusal::Access(DataAccessResult::ScopeOfAccessViolated).into();
    for config in [small, short] {
        let (client, server) = config();
        let mut wire = Wire::new(client, server);
        wire.bench.client.write_part(0, LONG, (2, &Value::U8(7)), &text(5)).unwrap();
        assert_eq!(wire.run(), [OPENED, Told::Failed(refused)]);
        assert_eq!(wire.model.device.writes, 0, "no class here takes a part");
        // Afterwards a whole one is a whole one again.
        wire.bench.client.write(0, LONG, &text(300)).unwrap();
        assert_eq!(wire.run(), [Told::Done]);
        assert_eq!(wire.model.device.note, text(300));
    }
}
