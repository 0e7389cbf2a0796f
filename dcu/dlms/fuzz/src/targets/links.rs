//! Both stations of HDLC, fed frames that are right in form and wrong in everything else, and plain rubbish.

use taa_dlms::link::hdlc::{
    Address, LinkEvent, Parameters, Primary, PrimaryConfig, Secondary, SecondaryConfig, StationEvent,
};
use taa_dlms::link::line::Baud;

use super::Plan;
use super::streams::put_frame;

const MESSAGE_MAX: usize = 2000;
/// Whatever has come: left alone, a station comes to rest within so many deadlines.
const DEADLINES_MAX: u32 = 400;

/// The meter's address, in the form that the plan chooses.
fn server(form: usize) -> (Address, &'static [u8]) {
    match form {
        0 => (Address::server(1, None).expect("in range"), &[0x03]),
        1 => (Address::server(1, Some(17)).expect("in range"), &[0x02, 0x23]),
        _ => (Address::server(1, Some(17)).expect("in range"), &[0x00, 0x02, 0x00, 0x23]),
    }
}

/// The next bytes on the line: a frame, or a piece as it comes. The other half of a frame may be damaged.
fn next_bytes(plan: &mut Plan<'_>, kind: u8, from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    if kind & 1 == 0 {
        bytes.extend_from_slice(plan.piece());
        return bytes;
    }
    let control = plan.byte().unwrap_or(0);
    put_frame(&mut bytes, kind & 2 != 0, &[to, from], control, plan.piece());
    if kind & 0x0C == 0x0C {
        let at = plan.below(bytes.len());
        bytes[at] ^= 1 << plan.below(8);
    }
    bytes
}

/// A client's end.
pub fn primary(data: &[u8]) {
    let mut plan = Plan::new(data);
    let (server, on_line) = server(plan.below(3));
    let mut station = Primary::new(PrimaryConfig {
        client: Address::client(1).expect("in range"),
        server,
        proposal: Parameters::symmetric(128, 1 + plan.below(7) as u8),
        response_timeout_ns: 2_000_000_000,
        inter_octet_timeout_ns: 500_000_000,
        retries: 2,
        busy_pause_ns: 1_000_000_000,
        message_max: MESSAGE_MAX,
        baud: [None, Some(Baud(9600))][plan.below(2)],
    });
    let mut now = 0;
    while let Some(kind) = plan.byte() {
        now += plan.pause_ns();
        match kind >> 4 {
            0 => station.open(now),
            1 | 2 => station.send(now, plan.piece()),
            3 => station.send_unnumbered(now, plan.piece()),
            4 => station.stop_asking(),
            5 => station.close(now),
            6 => station.abandon(),
            7 => station.handle_transmitted(now),
            8 => station.handle_timeout(now),
            _ => {
                let bytes = next_bytes(&mut plan, kind, on_line, &[0x03]);
                station.handle_receive(now, &bytes);
            }
        }
        drain_primary(&mut station);
    }
    station.stop_asking();
    let mut left = DEADLINES_MAX;
    while let Some(deadline) = station.deadline() {
        left = left.checked_sub(1).expect("it comes to rest");
        now = now.max(deadline);
        station.handle_timeout(now);
        drain_primary(&mut station);
    }
}

fn drain_primary(station: &mut Primary) {
    while let Some(event) = station.poll_event() {
        if let LinkEvent::Message(message) | LinkEvent::Unnumbered(message) = event {
            assert!(message.len() <= MESSAGE_MAX);
        }
    }
    let _ = station.poll_transmit().map(<[u8]>::len);
}

/// A meter's end.
pub fn secondary(data: &[u8]) {
    let mut plan = Plan::new(data);
    let (address, on_line) = server(plan.below(3));
    let limits = Parameters::symmetric(128, 1 + plan.below(7) as u8);
    let config = SecondaryConfig { message_max: MESSAGE_MAX, ..SecondaryConfig::new(address, limits) };
    let mut station = Secondary::new(config);
    let mut now = 0;
    while let Some(kind) = plan.byte() {
        now += plan.pause_ns();
        match kind >> 4 {
            0 => station.handle_power_lost(),
            1 => station.set_busy(kind & 1 != 0),
            2 => station.handle_timeout(now),
            3 => station.send(plan.piece()),
            _ => {
                let client = [0x03, 0x05, 0x21][usize::from(kind >> 6) % 3];
                let bytes = next_bytes(&mut plan, kind, &[client], on_line);
                station.handle_receive(now, &bytes);
            }
        }
        let mut answers = 0;
        while let Some(event) = station.poll_event() {
            let answer = match event {
                StationEvent::Message { message, unnumbered, .. } => {
                    assert!(message.len() <= MESSAGE_MAX);
                    (!unnumbered && answers < 4).then(|| message.to_vec())
                }
                StationEvent::Up { .. } | StationEvent::Down { .. } => None,
            };
            if let Some(answer) = answer {
                answers += 1;
                station.send(&answer);
            }
        }
        let _ = station.poll_transmit().map(<[u8]>::len);
    }
    if let Some(deadline) = station.deadline() {
        station.handle_timeout(now.max(deadline));
    }
    assert_eq!(station.deadline(), None);
}
