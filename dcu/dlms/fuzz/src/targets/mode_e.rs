//! IEC 62056-21: lines, blocks and data sets; a reader and a station that are answered anything at any time.

use taa_dlms::link::iec21::{
    Block, DeviceAddress, Found, Goal, Identification, OptionSelect, Reader, ReaderConfig, ReaderEvent, Station,
    StationConfig, StationOutput, StationReply, baud_of, baud_of_mode_b, data_sets, parse_request,
};

use super::Plan;

const DATA_MAX: usize = 1000;
const DEADLINES_MAX: u32 = 200;

/// What stands in any bytes.
fn parse(bytes: &[u8]) {
    let _ = parse_request(bytes).map(|address| address.as_bytes().len());
    if let Some(identification) = Identification::parse(bytes) {
        let mut again = Vec::new();
        identification.encode(&mut again);
        assert_eq!(Identification::parse(&again), Some(identification));
        let _ = (identification.mode(), baud_of(identification.speed), baud_of_mode_b(identification.speed));
    }
    if let Some(select) = OptionSelect::parse(bytes) {
        assert_eq!(OptionSelect::parse(&select.encode()), Some(select));
    }
    if let Found::Whole(block, length) = Block::find(bytes) {
        assert!(length <= bytes.len());
        let mut again = Vec::new();
        block.encode(&mut again);
        assert!(matches!(Block::find(&again), Found::Whole(same, _) if same == block));
    }
    for set in data_sets(bytes) {
        let _ = set.values().count();
    }
}

/// The next characters: as they come; a whole block around them; or a line of the right form.
fn next_bytes(plan: &mut Plan<'_>, kind: u8) -> Vec<u8> {
    let piece = plan.piece();
    let mut bytes = Vec::new();
    match kind & 7 {
        0 | 1 => bytes.extend_from_slice(piece),
        2 => Block { command: None, data: piece, continued: kind & 8 != 0 }.encode(&mut bytes),
        3 => Block { command: Some([b'P', b'0' + (kind >> 3 & 7)]), data: piece, continued: false }.encode(&mut bytes),
        4 => bytes = [b"/SIM5\\2", piece, b"\r\n"].concat(),
        5 => bytes = [b"/SIM", piece, b"\r\n"].concat(),
        6 => bytes = [&[0x06], piece, b"\r\n"].concat(),
        _ => bytes = [b"/?", piece, b"!\r\n"].concat(),
    }
    parse(&bytes);
    bytes
}

/// A client's end.
pub fn reader(data: &[u8]) {
    parse(data);
    let mut plan = Plan::new(data);
    let goal = [Goal::Readout, Goal::Programming, Goal::Hdlc][plan.below(3)];
    let device = DeviceAddress::new(plan.piece()).unwrap_or_default();
    let mut reader = Reader::new(ReaderConfig { data_max: DATA_MAX, device, ..ReaderConfig::new(goal) });
    let mut now = 0;
    reader.start(now);
    drain_reader(&mut reader);
    while let Some(kind) = plan.byte() {
        now += plan.pause_ns();
        match kind >> 4 {
            0 => reader.start(now),
            1 => reader.start_slow(now),
            2 => reader.listen(now),
            3 => drop(reader.command(now, *b"R1", plan.piece())),
            4 => reader.abandon(),
            5 => reader.stop(),
            6 | 7 => reader.handle_transmitted(now),
            8 | 9 => {
                now = now.max(reader.deadline().unwrap_or(now));
                reader.handle_timeout(now);
            }
            _ => {
                let bytes = next_bytes(&mut plan, kind);
                reader.handle_receive(now, &bytes);
            }
        }
        drain_reader(&mut reader);
    }
    let mut left = DEADLINES_MAX;
    while let Some(deadline) = reader.deadline() {
        left = left.checked_sub(1).expect("it comes to rest");
        now = now.max(deadline);
        reader.handle_timeout(now);
        drain_reader(&mut reader);
    }
}

fn drain_reader(reader: &mut Reader) {
    while let Some(event) = reader.poll_event() {
        if let ReaderEvent::Readout(data) | ReaderEvent::Reply(data) = event {
            // What had come in one go with the end of the data may lie beyond the bound by that much.
            let _ = data_sets(data).count();
        }
    }
    let _ = reader.poll_line();
    let _ = reader.poll_transmit().map(<[u8]>::len);
}

/// A meter's end.
pub fn station(data: &[u8]) {
    let mut plan = Plan::new(data);
    let identification = [&b"/SIM5\\2METER1\r\n"[..], b"/SIM5METER1\r\n", b"rubbish"][plan.below(3)];
    let mut station = Station::new(StationConfig {
        identification: identification.to_vec(),
        address: b"17".to_vec(),
        data_set: b"0.0.0(1)\r\n1.8.0(0001.2*kWh)\r\n".to_vec(),
        inactivity_timeout_ns: 120_000_000_000,
    });
    let mut now = 0;
    while let Some(kind) = plan.byte() {
        now += plan.pause_ns();
        match kind >> 4 {
            0 => station.restart(),
            1 => station.keep_alive(now),
            2 => station.handle_timeout(now),
            _ => {
                let bytes = next_bytes(&mut plan, kind);
                station.handle_receive(now, &bytes);
            }
        }
        while let Some(output) = station.poll() {
            if let StationOutput::Command { data, .. } = output {
                station
                    .reply([StationReply::Accepted, StationReply::Refused, StationReply::Data(&data)][plan.below(3)]);
            }
        }
    }
    if let Some(deadline) = station.deadline() {
        station.handle_timeout(now.max(deadline));
    }
    assert_eq!(station.deadline(), None);
}
