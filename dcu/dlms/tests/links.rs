//! Our client against our server over every link: HDLC, HDLC after mode E, streams; losses, damage, restarts, speeds.

mod common;

use std::collections::VecDeque;

use common::{Bench, ENERGY, LONG, NAME, PASSWORD, RELAY, Told, values};
use proptest::prelude::*;
use taa_dlms::client::{Associated, Auth, ClientConfig, HdlcLink, Link, ModeE, Output};
use taa_dlms::error::{Misuse, Refusal, TransportFault};
use taa_dlms::link::hdlc::{Address, Control, Decoder, Frame, Parameters, SecondaryConfig};
use taa_dlms::link::iec21::{DeviceAddress, StationConfig};
use taa_dlms::link::line::{Baud, LineSettings};
use taa_dlms::server::{Port, PortOutput, ServerConfig, ServerLink};
use taa_dlms::{AttributeRef, Value};

const OPENED: Told = Told::Associated(Associated::Opened);
const REOPENED: Told = Told::Associated(Associated::Reopened);
const ALL: [AttributeRef; 3] = [ENERGY, RELAY, NAME];
const S: u64 = 1_000_000_000;

/// A client and a meter at two ends of a serial line: who listens at another speed hears nothing.
struct Wire {
    bench: Bench,
    port: Port,
    client_line: LineSettings,
    meter_line: LineSettings,
    now: u64,
    /// Frames by number, both ways, that are lost or damaged.
    lose: Vec<usize>,
    damage: Vec<usize>,
    frames: usize,
    /// Speeds that do not work on this line.
    too_fast: Option<Baud>,
    transmitted: Vec<Vec<u8>>,
    /// Exchanges granted on a shared line.
    grants: usize,
}

fn address() -> Address {
    Address::server(1, Some(17)).unwrap()
}

fn hdlc(window: u8, information: u16) -> HdlcLink {
    HdlcLink {
        proposal: Parameters::symmetric(information, window),
        ..HdlcLink::serial(Address::client(1).unwrap(), address(), Baud(9600))
    }
}

fn mode_e() -> ModeE {
    ModeE { device: DeviceAddress::default(), baud_max: Baud(19_200), fallback: None }
}

fn station(identification: &[u8]) -> StationConfig {
    StationConfig {
        identification: identification.to_vec(),
        address: b"17".to_vec(),
        data_set: b"0.0.0(17)\r\n".to_vec(),
        inactivity_timeout_ns: 60 * S,
    }
}

impl Wire {
    fn new(link: Link, port: ServerLink) -> Self {
        let config = ClientConfig { link, ..ClientConfig::new(Auth::password(PASSWORD)) };
        let opening = matches!(port, ServerLink::HdlcAfterModeE(..));
        Self {
            bench: Bench::with(config, ServerConfig::default()),
            port: Port::new(port),
            client_line: LineSettings::binary(Baud(9600)),
            meter_line: if opening { LineSettings::text(Baud(300)) } else { LineSettings::binary(Baud(9600)) },
            now: 0,
            lose: Vec::new(),
            damage: Vec::new(),
            frames: 0,
            too_fast: None,
            transmitted: Vec::new(),
            grants: 0,
        }
    }

    fn hdlc(window: u8, information: u16) -> Self {
        let limits = Parameters::symmetric(information, window);
        Self::new(Link::Hdlc(hdlc(window, information)), ServerLink::Hdlc(SecondaryConfig::new(address(), limits)))
    }

    fn mode_e(identification: &[u8]) -> Self {
        let secondary = SecondaryConfig::new(address(), Parameters::symmetric(128, 1));
        Self::new(
            Link::HdlcAfterModeE(hdlc(1, 128), mode_e()),
            ServerLink::HdlcAfterModeE(secondary, station(identification)),
        )
    }

    fn heard(&self) -> bool {
        self.client_line == self.meter_line && self.too_fast != Some(self.client_line.baud)
    }

    /// What is left of a transmission at the other end.
    fn carry(&mut self, bytes: &[u8]) -> Vec<u8> {
        if !self.heard() {
            return Vec::new();
        }
        let mut decoder = Decoder::new();
        decoder.push(bytes);
        let mut pieces = Vec::new();
        while let Some(frame) = decoder.next_frame() {
            let mut piece = Vec::new();
            frame.encode(&mut piece).unwrap();
            pieces.push(piece);
        }
        if pieces.is_empty() {
            pieces.push(bytes.to_vec());
        }
        let mut arrived = Vec::new();
        for mut piece in pieces {
            let number = self.frames;
            self.frames += 1;
            if self.lose.contains(&number) {
                continue;
            }
            if self.damage.contains(&number) {
                let middle = piece.len() / 2;
                piece[middle] ^= 0x10;
            }
            arrived.extend_from_slice(&piece);
        }
        arrived
    }

    fn run(&mut self) -> Vec<Told> {
        let mut told = Vec::new();
        let mut to_client: VecDeque<Vec<u8>> = VecDeque::new();
        for _ in 0..20_000 {
            match self.bench.client.poll_output() {
                Output::SetLine(line) => self.client_line = line,
                Output::Event(event) => told.push(event.into()),
                Output::Transmit(bytes) => {
                    let bytes = bytes.to_vec();
                    let arrived = self.carry(&bytes);
                    self.transmitted.push(bytes);
                    if !arrived.is_empty() {
                        self.port.handle_receive(self.now, &mut self.bench.server, &mut self.bench.device, &arrived);
                    }
                    // The meter's last bytes leave before its port changes.
                    while let Some(output) = self.port.poll_output() {
                        match output {
                            PortOutput::Transmit(bytes) => {
                                let arrived = self.carry(&bytes);
                                // Cut in the middle.
                                let (a, b) = arrived.split_at(arrived.len() / 2);
                                to_client.extend([a.to_vec(), b.to_vec()]);
                            }
                            PortOutput::SetLine(line) => self.meter_line = line,
                        }
                    }
                }
                Output::Timeout(deadline) => {
                    if let Some(bytes) = to_client.pop_front() {
                        self.bench.client.handle_receive(self.now, &bytes);
                        continue;
                    }
                    if self.bench.client.wants_exchange() {
                        // Others have had the line for so long.
                        self.now += 9 * S;
                        assert!(self.bench.client.grant_exchange(self.now));
                        self.grants += 1;
                        continue;
                    }
                    let Some(deadline) = deadline else { return told };
                    assert!(deadline >= self.now, "time goes on");
                    self.now = deadline;
                    self.bench.client.handle_timeout(deadline);
                }
            }
        }
        panic!("never comes to rest");
    }

    fn read(&mut self, attributes: &[AttributeRef]) -> Vec<Told> {
        self.bench.client.read(self.now, attributes).unwrap();
        self.run()
    }
}

fn note(length: usize) -> Value {
    // 7E again and again.
    let bytes: Vec<u8> = (0..length).map(|n| if n % 3 == 0 { 0x7E } else { n as u8 }).collect();
    Value::OctetString(bytes.as_slice().into())
}

#[test]
fn reads_and_long_writes_go_through_every_window() {
    for window in 1..=7 {
        for information in [32, 128, 512] {
            let mut wire = Wire::hdlc(window, information);
            assert_eq!(wire.read(&ALL), [OPENED, values(123_456, true)]);
            let note = note(3000);
            wire.bench.client.write(wire.now, LONG, &note).unwrap();
            assert_eq!(wire.run(), [Told::Done]);
            assert_eq!(wire.read(&[LONG, ENERGY]), [Told::Values(vec![Ok(note), Ok(Value::U64(123_456))])]);
        }
    }
}

#[test]
fn protected_messages_pass_a_line_that_loses_frames() {
    for lose in [vec![], vec![4], vec![5], vec![8, 13, 21], vec![9, 30, 31]] {
        let mut wire = Wire::hdlc(1, 128);
        wire.bench = Bench::secured_over(Link::Hdlc(hdlc(1, 128)));
        wire.lose.clone_from(&lose);
        assert_eq!(wire.read(&ALL), [OPENED, values(123_456, true)], "{lose:?}");
        let note = note(3000);
        wire.bench.client.write(wire.now, LONG, &note).unwrap();
        assert_eq!(wire.run(), [Told::Done], "{lose:?}");
        assert_eq!(wire.bench.device.writes, 1);
        assert_eq!(wire.read(&[LONG]), [Told::Values(vec![Ok(note)])], "{lose:?}");
    }
}

/// On a shared line every turn waits for its grant, also after losses; an opening is one exchange, because a meter in it
/// waits for nobody.
#[test]
fn a_shared_line_is_waited_for_in_every_state() {
    for (mode_e, lose) in [
        (false, vec![]),
        (false, vec![4]),
        (false, vec![5, 9]),
        (false, vec![8, 13, 21]),
        (true, vec![]),
        (true, vec![1]),
    ] {
        let mut wire = if mode_e { Wire::mode_e(b"/TAA5\\2METER\r\n") } else { Wire::hdlc(3, 64) };
        wire.bench.client.set_gated(true);
        wire.lose.clone_from(&lose);
        let told = wire.read(&ALL);
        assert_eq!(told, [OPENED, values(123_456, true)], "{mode_e} {lose:?}");
        let note = note(1000);
        wire.bench.client.write(wire.now, LONG, &note).unwrap();
        assert_eq!(wire.run(), [Told::Done], "{mode_e} {lose:?}");
        assert_eq!(wire.bench.device.writes, 1);
        assert_eq!(wire.read(&[LONG]), [Told::Values(vec![Ok(note)])], "{mode_e} {lose:?}");
        wire.bench.client.release(wire.now).unwrap();
        assert_eq!(wire.run(), [Told::Done]);
        // Sabotage: without the gate nobody is asked.
        assert!(wire.grants > 10, "{}", wire.grants);
        let before = wire.grants;
        wire.bench.client.set_gated(false);
        wire.read(&ALL);
        assert_eq!(wire.grants, before);
    }
}

#[test]
fn releasing_closes_the_link_and_the_next_command_opens_it() {
    let mut wire = Wire::hdlc(1, 128);
    wire.read(&ALL);
    wire.bench.client.release(wire.now).unwrap();
    assert!(!wire.bench.client.is_idle());
    assert_eq!(wire.bench.client.read(wire.now, &ALL), Err(Misuse::Busy.into()));
    assert_eq!(wire.run(), [Told::Done]);
    // DISC was the last word, and the server knows.
    assert_eq!(wire.transmitted.last().unwrap()[6], 0x53);
    assert!(!wire.bench.server.is_managed() && !wire.bench.client.is_associated());
    wire.bench.client.release(wire.now).unwrap();
    assert_eq!(wire.run(), [Told::Done]);
    assert_eq!(wire.read(&ALL), [OPENED, values(123_456, true)]);
}

#[test]
fn a_meter_that_restarted_is_opened_again_within_the_command() {
    let mut wire = Wire::hdlc(1, 128);
    wire.read(&ALL);
    wire.port.handle_closed(&mut wire.bench.server);
    assert_eq!(wire.read(&ALL), [REOPENED, values(123_456, true)]);
}

#[test]
fn a_silent_meter_ends_in_a_timeout_and_is_found_again() {
    let mut wire = Wire::hdlc(1, 128);
    wire.lose = (0..100).collect();
    assert_eq!(wire.read(&ALL), [Told::Failed(TransportFault::Timeout.into())]);
    wire.lose.clear();
    assert_eq!(wire.read(&ALL), [OPENED, values(123_456, true)]);
}

#[test]
fn a_cancelled_command_leaves_the_link_usable() {
    let mut wire = Wire::hdlc(1, 128);
    wire.read(&ALL);
    wire.bench.client.read(wire.now, &[ENERGY]).unwrap();
    assert!(matches!(wire.bench.client.poll_output(), Output::Transmit(_)));
    wire.bench.client.cancel();
    assert_eq!(wire.read(&ALL), [values(123_456, true)]);
}

#[test]
fn mode_e_opens_at_300_baud_and_reads_at_9600() {
    let mut wire = Wire::mode_e(b"/TAA5\\2METER\r\n");
    assert_eq!(wire.read(&ALL), [OPENED, values(123_456, true)]);
    assert_eq!(wire.transmitted[0], b"/?!\r\n");
    assert_eq!(wire.transmitted[1], b"\x06252\r\n");
    assert_eq!(wire.client_line, LineSettings::binary(Baud(9600)));
    // After DISC the meter listens at 300 baud again.
    wire.bench.client.release(wire.now).unwrap();
    assert_eq!(wire.run(), [Told::Done]);
    assert_eq!(wire.meter_line, LineSettings::text(Baud(300)));
    assert_eq!(wire.read(&ALL), [OPENED, values(123_456, true)]);
}

#[test]
fn a_meter_still_in_hdlc_is_found_at_the_last_speed() {
    let mut wire = Wire::mode_e(b"/TAA5\\2METER\r\n");
    wire.read(&ALL);
    // Our side forgets; the meter does not.
    wire.bench.client.handle_closed(wire.now);
    assert_eq!(wire.read(&ALL), [OPENED, values(123_456, true)]);
    assert_eq!(wire.client_line, LineSettings::binary(Baud(9600)));
}

#[test]
fn a_speed_that_does_not_work_is_given_up_for_300_baud() {
    let mut wire = Wire::mode_e(b"/TAA5\\2METER\r\n");
    wire.too_fast = Some(Baud(9600));
    // The meter waits at the speed that nobody can hear, and holds the line there for a minute.
    assert_eq!(wire.read(&ALL), [Told::Failed(TransportFault::Timeout.into())]);
    wire.now += 61 * S;
    let lapsed = wire.port.deadline().unwrap();
    assert!(lapsed < wire.now);
    wire.port.handle_timeout(wire.now, &mut wire.bench.server, &mut wire.bench.device);
    while let Some(output) = wire.port.poll_output() {
        if let PortOutput::SetLine(line) = output {
            wire.meter_line = line;
        }
    }
    assert_eq!(wire.meter_line, LineSettings::text(Baud(300)));
    assert_eq!(wire.read(&ALL), [OPENED, values(123_456, true)]);
    assert_eq!(wire.client_line, LineSettings::binary(Baud(300)));
    // What is known of the line stays known.
    wire.bench.client.release(wire.now).unwrap();
    assert_eq!(wire.run(), [Told::Done]);
    let before = wire.now;
    assert_eq!(wire.read(&ALL), [OPENED, values(123_456, true)]);
    assert!(wire.now - before < 20 * S, "without trying the fast one again");
}

#[test]
fn a_meter_without_mode_e_says_so() {
    let mut wire = Wire::mode_e(b"/TAA5METER\r\n");
    assert_eq!(wire.read(&ALL), [Told::Failed(Refusal::NotOffered("HDLC (mode E)").into())]);
}

#[test]
fn a_push_between_two_answers_disturbs_nothing() {
    let mut wire = Wire::hdlc(1, 128);
    wire.read(&ALL);
    assert!(wire.port.push(&wire.bench.server, 1, &[0x0F, 0, 0, 0, 1, 0, 0x11, 7]));
    let Some(PortOutput::Transmit(push)) = wire.port.poll_output() else { panic!("no push") };
    wire.bench.client.handle_receive(wire.now, &push);
    let told = wire.read(&ALL);
    let [Told::Other(notification), answer] = told.as_slice() else { panic!("{told:?}") };
    assert!(notification.starts_with("Notification") && notification.contains("U8(7)"), "{notification}");
    assert_eq!(*answer, values(123_456, true));
}

#[test]
fn an_idle_client_on_hdlc_is_small() {
    let mut wire = Wire::hdlc(7, 512);
    wire.bench.device.note = note(60_000);
    assert!(matches!(wire.read(&[LONG]).last(), Some(Told::Values(_))));
    wire.read(&ALL);
    let idle = wire.bench.client.memory_bytes();
    assert!(idle <= 2048, "{idle} bytes");
    let mut wire = Wire::hdlc(1, 128);
    wire.bench = Bench::secured_over(Link::Hdlc(hdlc(1, 128)));
    wire.read(&ALL);
    let idle = wire.bench.client.memory_bytes();
    println!("idle client with suite 0 on HDLC: {idle} bytes");
    // Its link holds windows and frames of its own besides.
    assert!(idle <= 2560, "{idle} bytes");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    /// Whatever is lost or damaged: every command ends, values are right, a write is never carried out twice, and over a
    /// sound line the next command succeeds.
    #[test]
    fn losses_never_lead_astray(
        window in 1_u8..=7,
        lose in proptest::collection::vec(0_usize..120, 0..25),
        damage in proptest::collection::vec(0_usize..120, 0..25),
        restarts in proptest::collection::vec(any::<bool>(), 5),
    ) {
        let mut wire = Wire::hdlc(window, 64);
        (wire.lose, wire.damage) = (lose, damage);
        for (round, restart) in restarts.into_iter().enumerate() {
            if restart {
                wire.port.handle_closed(&mut wire.bench.server);
            }
            wire.bench.device.energy_wh += 1000;
            match wire.read(&ALL).last() {
                Some(told @ Told::Values(_)) => prop_assert_eq!(told, &values(wire.bench.device.energy_wh, true)),
                Some(Told::Failed(_)) => {}
                other => prop_assert!(false, "{:?}", other),
            }
            let note = note(200 + round);
            let writes = wire.bench.device.writes;
            wire.bench.client.write(wire.now, LONG, &note).unwrap();
            if let Some(Told::Done) = wire.run().last() {
                prop_assert_eq!(&wire.bench.device.note, &note);
                prop_assert_eq!(wire.bench.device.writes, writes + 1);
            }
        }
        wire.lose.clear();
        wire.damage.clear();
        let told = wire.read(&[ENERGY]);
        prop_assert_eq!(told.last(), Some(&Told::Values(vec![Ok(Value::U64(wire.bench.device.energy_wh))])));
    }
}

/// A meter that opens the link, hears everything, and never has anything to say.
fn speechless(request: &[u8]) -> Vec<u8> {
    let mut answers = Vec::new();
    let mut decoder = Decoder::new();
    decoder.push(request);
    while let Some(frame) = decoder.next_frame() {
        let control = match frame.control {
            Control::SetNormalResponseMode => Control::UnnumberedAcknowledge,
            Control::Information { send, .. } => Control::ReceiveReady { receive: (send + 1) & 7 },
            Control::ReceiveReady { .. } => Control::ReceiveReady { receive: 1 },
            _ => Control::DisconnectedMode,
        };
        let (destination, source) = (frame.source, frame.destination);
        let answer = Frame { destination, source, control, poll: true, segmented: false, information: &[] };
        answer.encode(&mut answers).unwrap();
    }
    answers
}

/// Drives a client against something that is no sound meter; how its command ended, and when.
fn endure(mut meter: impl FnMut(&[u8]) -> Vec<u8>, babble: Option<&[u8]>) -> (Option<Told>, u64) {
    let mut wire = Wire::hdlc(1, 128);
    wire.bench.client.read(0, &ALL).unwrap();
    let mut told = None;
    let mut now = 0;
    for _ in 0..2_000_000 {
        match wire.bench.client.poll_output() {
            Output::SetLine(_) => {}
            Output::Event(event) => told = Some(event.into()),
            Output::Transmit(bytes) => {
                let answer = meter(bytes);
                wire.bench.client.handle_receive(now, &answer);
            }
            Output::Timeout(None) => return (told, now),
            Output::Timeout(Some(deadline)) => match babble {
                // A piece of rubbish each 10 ms, for as long as it takes.
                Some(rubbish) if deadline > now + S / 100 => {
                    now += S / 100;
                    wire.bench.client.handle_receive(now, rubbish);
                }
                _ => {
                    now = deadline;
                    wire.bench.client.handle_timeout(deadline);
                }
            },
        }
    }
    panic!("endless");
}

#[test]
fn a_meter_that_hears_but_never_answers_is_given_up() {
    let (told, now) = endure(speechless, None);
    assert_eq!(told, Some(Told::Failed(TransportFault::Timeout.into())));
    assert!(now <= 45 * S, "two requests of 20 s: {now}");
}

#[test]
fn rubbish_without_end_does_not_hold_a_command() {
    for rubbish in [&b"\x7E"[..], b"\x7E\xA0", b"\x7E\xA7\xFF\x03", b"/SIM5\\2x", &[0x55; 40]] {
        let (told, now) = endure(|_| Vec::new(), Some(rubbish));
        assert_eq!(told, Some(Told::Failed(TransportFault::Timeout.into())));
        assert!(now <= 45 * S, "{now} with {rubbish:02x?}");
        // The same after the link has opened: the meter goes mad instead of dead.
        let (told, now) = endure(speechless, Some(rubbish));
        assert_eq!(told, Some(Told::Failed(TransportFault::Timeout.into())));
        assert!(now <= 60 * S, "{now} with {rubbish:02x?}");
    }
}
