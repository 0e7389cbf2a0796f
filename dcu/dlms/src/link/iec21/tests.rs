//! Reader and station over a line on which each hears only what was sent at its own speed and format.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::link::line::{Baud, LineSettings};

const DATA: &[u8] = b"0.0.0(00000042)\r\n1.8.0(000123.45*kWh)\r\n";

struct Line {
    reader: Reader,
    station: Station,
    reader_line: LineSettings,
    station_line: LineSettings,
    now: u64,
    /// Transmissions of the station that are lost, or damaged, by number.
    lose: Vec<usize>,
    damage: Vec<usize>,
    /// The port of the client cannot do more, whatever it is set to.
    deaf_above: u32,
    sent: usize,
    to_reader: VecDeque<Vec<u8>>,
    told: Vec<String>,
}

impl Line {
    fn new(goal: Goal, identification: &[u8]) -> Self {
        Self::with(ReaderConfig::new(goal), identification)
    }

    fn with(config: ReaderConfig, identification: &[u8]) -> Self {
        let opening = LineSettings::text(OPENING_BAUD);
        Self {
            reader: Reader::new(config),
            station: Station::new(StationConfig {
                identification: identification.to_vec(),
                address: b"42".to_vec(),
                data_set: DATA.to_vec(),
                inactivity_timeout_ns: 30_000_000_000,
            }),
            reader_line: LineSettings::binary(Baud(115_200)),
            station_line: opening,
            now: 0,
            lose: Vec::new(),
            damage: Vec::new(),
            deaf_above: 1_000_000,
            sent: 0,
            to_reader: VecDeque::new(),
            told: Vec::new(),
        }
    }

    fn drain_station(&mut self) {
        while let Some(output) = self.station.poll() {
            match output {
                StationOutput::Transmit(mut bytes) => {
                    let number = self.sent;
                    self.sent += 1;
                    if self.damage.contains(&number) {
                        let middle = bytes.len() / 2;
                        bytes[middle] ^= 1;
                    }
                    // Each byte by itself, and the client may hear it only at the same settings.
                    let heard = self.station_line.baud.0 <= self.deaf_above && !self.lose.contains(&number);
                    if heard {
                        self.to_reader.push_back(bytes);
                        self.to_reader.push_back(vec![]);
                    }
                }
                StationOutput::SetLine(line) => self.station_line = line,
                StationOutput::HandOver(baud) => self.told.push(format!("station: HDLC at {}", baud.0)),
                StationOutput::Command { command, data } => {
                    self.told.push(format!("{} {}", command.escape_ascii(), data.escape_ascii()));
                    match &command {
                        b"R1" => self.station.reply(StationReply::Data(b"(7)")),
                        b"P1" | b"W1" => self.station.reply(StationReply::Accepted),
                        _ => self.station.reply(StationReply::Refused),
                    }
                }
            }
        }
    }

    fn run(&mut self) {
        for _ in 0..1000 {
            while let Some(event) = self.reader.poll_event() {
                let told = match event {
                    ReaderEvent::Identified(who) => format!("{} {:?}", who.device.escape_ascii(), who.mode()),
                    ReaderEvent::HandOver(baud) => format!("HDLC at {}", baud.0),
                    ReaderEvent::Readout(data) => format!("{} sets", data_sets(data).count()),
                    ReaderEvent::Programming(operand) => format!("programming {}", operand.escape_ascii()),
                    ReaderEvent::Reply(data) => format!("reply {}", data.escape_ascii()),
                    ReaderEvent::Accepted => "accepted".into(),
                    ReaderEvent::Failed(fault) => format!("{fault:?}"),
                };
                self.told.push(told);
            }
            if let Some(line) = self.reader.poll_line() {
                self.reader_line = line;
            }
            if let Some(bytes) = self.reader.poll_transmit().map(<[u8]>::to_vec) {
                if self.reader_line == self.station_line {
                    self.station.handle_receive(self.now, &bytes);
                }
                self.drain_station();
                continue;
            }
            if self.to_reader.is_empty() || self.reader.is_idle() {
                self.to_reader.clear();
                let Some(deadline) = self.reader.deadline() else { return };
                self.now = deadline;
                self.reader.handle_timeout(deadline);
            } else if self.told_select() {
                // The meter waits its reaction time, in which our bytes leave and our port changes.
                self.reader.handle_transmitted(self.now);
                if let Some(line) = self.reader.poll_line() {
                    self.reader_line = line;
                }
                self.deliver();
            } else {
                self.deliver();
            }
        }
        panic!("never comes to rest");
    }

    fn told_select(&self) -> bool {
        self.reader.is_selecting()
    }

    fn deliver(&mut self) {
        if let Some(bytes) = self.to_reader.pop_front() {
            for byte in bytes {
                self.reader.handle_receive(self.now, &[byte]);
            }
        }
    }
}

#[test]
fn mode_e_hands_over_at_the_speed_offered() {
    let mut line = Line::new(Goal::Hdlc, b"/SIM5\\2METER1\r\n");
    line.reader.start(0);
    line.run();
    assert_eq!(line.told, ["METER1 E(Baud(9600))", "station: HDLC at 9600", "HDLC at 9600"]);
    assert_eq!((line.reader_line, line.station_line), (LineSettings::binary(Baud(9600)), line.reader_line));
}

#[test]
fn mode_e_without_the_echo_hands_over_as_well() {
    let mut line = Line::new(Goal::Hdlc, b"/SIM4\\2METER1\r\n");
    line.lose = vec![1];
    line.reader.start(0);
    line.run();
    assert_eq!(line.told, ["METER1 E(Baud(4800))", "station: HDLC at 4800", "HDLC at 4800"]);
}

#[test]
fn a_port_that_is_too_slow_stays_at_300_baud() {
    let config = ReaderConfig { baud_max: Baud(4800), ..ReaderConfig::new(Goal::Hdlc) };
    let mut line = Line::with(config, b"/SIM5\\2METER1\r\n");
    line.reader.start(0);
    line.run();
    assert_eq!(line.told.last().unwrap(), "HDLC at 300");
}

#[test]
fn a_meter_of_mode_c_offers_no_hdlc() {
    let mut line = Line::new(Goal::Hdlc, b"/SIM5METER1\r\n");
    line.reader.start(0);
    line.run();
    assert_eq!(line.told, ["NotOffered"]);
}

#[test]
fn lost_identifications_are_asked_for_again_and_silence_ends() {
    let mut line = Line::new(Goal::Readout, b"/SIM5METER1\r\n");
    line.lose = vec![0, 1];
    line.reader.start(0);
    line.run();
    assert_eq!(line.told, ["METER1 C(Baud(9600))", "2 sets"]);
    let mut line = Line::new(Goal::Readout, b"/SIM5METER1\r\n");
    line.lose = (0..9).collect();
    line.reader.start(0);
    line.run();
    assert_eq!((line.told, line.sent), (vec!["Silent".to_owned()], 3));
}

#[test]
fn another_device_stays_silent() {
    let device = DeviceAddress::new(b"43").unwrap();
    let mut line = Line::with(ReaderConfig { device, ..ReaderConfig::new(Goal::Readout) }, b"/SIM5METER1\r\n");
    line.reader.start(0);
    line.run();
    assert_eq!((line.told, line.sent), (vec!["Silent".to_owned()], 0));
}

#[test]
fn a_readout_that_cannot_be_heard_is_repeated_at_300_baud() {
    let mut line = Line::new(Goal::Readout, b"/SIM5METER1\r\n");
    line.deaf_above = 300;
    line.reader.start(0);
    line.run();
    assert_eq!(line.told, ["METER1 C(Baud(9600))", "METER1 C(Baud(9600))", "2 sets"]);
    assert_eq!(line.reader_line, LineSettings::text(Baud(300)));
}

#[test]
fn modes_a_b_and_d_send_of_themselves() {
    for (identification, listens, baud) in
        [(&b"/SIM:A\r\n"[..], false, 300), (b"/SIMEB\r\n", false, 9600), (b"/SIM3D\r\n", true, 2400)]
    {
        for framed in [true, false] {
            let mut reader = Reader::new(ReaderConfig::new(Goal::Readout));
            if listens {
                reader.listen(0);
            } else {
                reader.start(0);
            }
            let _ = reader.poll_transmit();
            reader.handle_receive(0, identification);
            assert!(matches!(reader.poll_event(), Some(ReaderEvent::Identified(_))));
            assert_eq!(reader.poll_line().unwrap_or(LineSettings::text(Baud(300))), LineSettings::text(Baud(baud)));
            let mut data = Vec::new();
            let text = [DATA, b"!\r\n"].concat();
            if framed {
                Block { command: None, data: &text, continued: false }.encode(&mut data);
            } else {
                data = [b"\r\n", text.as_slice()].concat();
            }
            reader.handle_receive(1, &data);
            let Some(ReaderEvent::Readout(got)) = reader.poll_event() else { panic!("no readout") };
            assert_eq!(data_sets(got).count(), 2);
            assert!(reader.is_idle());
        }
    }
}

#[test]
fn programming_mode_reads_and_writes() {
    let mut line = Line::new(Goal::Programming, b"/SIM5METER1\r\n");
    line.reader.start(0);
    line.run();
    for (command, data) in [(b"P1", &b"(secret)"[..]), (b"R1", b"1.8.0()"), (b"W1", b"0.9.1(101500)")] {
        assert!(line.reader.command(line.now, *command, data));
        line.run();
    }
    // An answer that is damaged is asked for again; a command not known is refused in the end.
    line.damage = vec![line.sent];
    assert!(line.reader.command(line.now, *b"R1", b"2.8.0()"));
    line.run();
    assert!(line.reader.command(line.now, *b"E1", b""));
    line.run();
    assert_eq!(
        line.told,
        [
            "METER1 C(Baud(9600))",
            "programming ()",
            "P1 (secret)",
            "accepted",
            "R1 1.8.0()",
            "reply (7)",
            "W1 0.9.1(101500)",
            "accepted",
            "R1 2.8.0()",
            "reply (7)",
            "E1 ",
            "E1 ",
            "E1 ",
            "Refused",
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_harm_neither_side(
        goal in prop_oneof![Just(Goal::Readout), Just(Goal::Programming), Just(Goal::Hdlc)],
        chunks in proptest::collection::vec(
            prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..100),
                Just(b"/SIM5\\2X\r\n".to_vec()),
                Just(b"\x06252\r\n".to_vec()),
                Just(b"\x06051\r\n".to_vec()),
                Just(b"/?!\r\n".to_vec()),
            ],
            0..12,
        ),
    ) {
        let mut line = Line::new(goal, b"/SIM5\\2METER1\r\n");
        line.reader.start(0);
        let mut now = 0;
        for chunk in &chunks {
            line.reader.handle_receive(now, chunk);
            line.station.handle_receive(now, chunk);
            while line.reader.poll_event().is_some() {}
            line.drain_station();
            if let Some(deadline) = line.reader.deadline() {
                now = deadline;
                line.reader.handle_timeout(now);
            }
            let _ = line.reader.poll_transmit();
        }
        // It ends, whatever it was.
        for _ in 0..50 {
            while line.reader.poll_event().is_some() {}
            let Some(deadline) = line.reader.deadline() else { break };
            line.reader.handle_timeout(deadline);
        }
        prop_assert_eq!(line.reader.deadline(), None);
    }
}
