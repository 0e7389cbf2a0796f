//! Our client against an independent meter (`tests/peers/meter_peer.py`, in Python, sharing no code with ours): over
//! HDLC on TCP and on a terminal, after mode E, over the wrapper; windows, limits, addresses, faults; and its pushes.
//!
//! The trials appear as ignored where Python with `cryptography` is missing; `TAA_DLMS_PYTHON` names another interpreter.
//! Our server and outside clients: the target `outsiders`.

mod driver;

use std::io::Read;
use std::net::{TcpListener, UdpSocket};
use std::process::ExitCode;

use driver::{Channel, Ended, Peer, Session};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::json;
use taa_dlms::client::{Auth, ClientConfig, HdlcLink, Link, ModeE};
use taa_dlms::cosem::ProfileRange;
use taa_dlms::link::hdlc::{Address, Parameters};
use taa_dlms::link::iec21::DeviceAddress;
use taa_dlms::link::line::Baud;
use taa_dlms::link::push::{Listener, ListenerConfig, PushKind, open_datagram};
use taa_dlms::{AttributeRef, Obis, Value};

const NAME: AttributeRef = AttributeRef::new(1, Obis([0, 0, 42, 0, 0, 255]), 2);
const FREQUENCY: AttributeRef = AttributeRef::new(3, Obis([1, 0, 14, 7, 0, 255]), 2);
const NOTE: AttributeRef = AttributeRef::new(1, Obis([0, 0, 96, 1, 9, 255]), 2);
const PROFILE: Obis = Obis([1, 0, 99, 1, 0, 255]);

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each trial runs a meter of its own and waits most of the time.
    arguments.test_threads = arguments.test_threads.or(Some(4));
    let mut trials = vec![
        trial("wrapper", || whole("", Link::Stream, "wrapper")),
        trial("hdlc_default", || whole("", hdlc(1, 128), "hdlc")),
        trial("hdlc_ua_without_parameters", || whole("--ua-bare", hdlc(3, 512), "hdlc")),
        trial("hdlc_disc_answered_with_parameters", || whole("--disc-params", hdlc(1, 128), "hdlc")),
        trial("hdlc_byte_by_byte", || whole("--split 100", hdlc(1, 128), "hdlc")),
        trial("hdlc_slow_meter", || whole("--delay-ms 120", hdlc(1, 128), "hdlc")),
        trial("hdlc_address_1_byte", || addressed(Address::server(1, None))),
        trial("hdlc_address_2_bytes", || addressed(Address::server(1, Some(17)))),
        trial("hdlc_address_4_bytes", || addressed(Address::server_wide(1, 17))),
        trial("hdlc_another_address", another),
        trial("terminal_hdlc", || whole("--pty --baud 9600", hdlc(1, 128), "pty")),
        trial("terminal_mode_e_300_to_9600", || mode_e("--strict-baud", 9600)),
        trial("terminal_mode_e_300_to_19200", || mode_e("--strict-baud --baud 19200", 19_200)),
        trial("terminal_mode_e_at_line_speed", || mode_e("--strict-baud --pace", 9600)),
        trial("push_tcp", || pushed(false, false)),
        trial("push_udp", || pushed(true, false)),
        trial("push_hdlc", || pushed(false, true)),
    ];
    for window in 1..=7_u8 {
        // Every window once, the other sizes with the smallest and the largest.
        let sizes: &[u16] = if matches!(window, 1 | 7) { &[32, 64, 128, 512] } else { &[64] };
        for &information in sizes {
            trials.push(trial(&format!("hdlc_window_{window}_information_{information}"), move || {
                whole(&format!("--window {window} --max-info {information}"), hdlc(window, information), "hdlc")
            }));
        }
    }
    for fault in ["--drop-nth 5", "--corrupt-nth 4", "--noise-nth 3", "--drop-nth 7 --corrupt-nth 6 --noise-nth 2"] {
        for window in [1_u8, 3] {
            let flags = format!("--window {window} --max-info 64 {fault}");
            let name =
                format!("hdlc{}_window_{window}", fault.replace(" --", "_").replace("--", "_").replace(' ', "_"));
            trials.push(trial(&name, move || whole(&flags, impatient(window), "hdlc")));
        }
    }
    if !driver::available() {
        trials = trials
            .into_iter()
            .map(|trial| trial.with_kind("needs Python with cryptography").with_ignored_flag(true))
            .collect();
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(name: &str, run: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    Trial::test(format!("peer::{name}"), run)
}

fn link(window: u8, information: u16, server: Option<Address>) -> HdlcLink {
    let client = Address::client(1).expect("seven bits");
    HdlcLink {
        proposal: Parameters::symmetric(information, window),
        response_timeout_ns: 3_000_000_000,
        retries: 6,
        ..HdlcLink::stream(client, server.expect("an address"))
    }
}

fn hdlc(window: u8, information: u16) -> Link {
    Link::Hdlc(link(window, information, Address::server(1, None)))
}

/// For a meter that loses much: each loss costs a timeout.
fn impatient(window: u8) -> Link {
    let patient = link(window, 64, Address::server(1, None));
    Link::Hdlc(HdlcLink { response_timeout_ns: 400_000_000, retries: 20, ..patient })
}

fn session(peer: &Peer, link: Link, port: &str) -> Result<Session, Failed> {
    let channel = match port {
        "pty" => Channel::terminal(peer.terminal()?)?,
        port => Channel::tcp(peer.tcp(port)?)?,
    };
    let config =
        ClientConfig { link, reply_timeout_ns: 20_000_000_000, ..ClientConfig::new(Auth::password(b"12345678")) };
    Ok(Session::new(config, channel))
}

fn expect(what: &str, got: &Ended, expected: &Ended) -> Result<(), Failed> {
    if got == expected { Ok(()) } else { Err(format!("{what}: {got:?}, expected {expected:?}").into()) }
}

/// Reads, writes, reads a profile in many segments, releases, and begins again.
fn whole(flags: &str, link: Link, port: &str) -> Result<(), Failed> {
    let peer = Peer::start(flags)?;
    exercise(&mut session(&peer, link, port)?)
}

fn exercise(session: &mut Session) -> Result<(), Failed> {
    let name = Ok(Value::OctetString(b"SIM0000000000001"[..].into()));
    let values = Ended::Values(vec![name, Ok(Value::U16(4998))]);
    for round in 0..2 {
        session.client.read(session.now(), &[NAME, FREQUENCY])?;
        expect("values", &session.run()?, &values)?;
        let note = Value::VisibleString(format!("round {round} {}", "~".repeat(150)).as_str().into());
        session.client.write(session.now(), NOTE, &note)?;
        expect("write", &session.run()?, &Ended::Done)?;
        session.client.read(session.now(), &[NOTE])?;
        expect("what was written", &session.run()?, &Ended::Values(vec![Ok(note)]))?;
        session.client.read_profile(session.now(), PROFILE, ProfileRange::All)?;
        match session.run()? {
            Ended::Rows(rows) if rows.len() == 40 && sound(&rows) => {}
            other => return Err(format!("profile: {other:?}").into()),
        }
        session.client.release(session.now())?;
        expect("release", &session.run()?, &Ended::Done)?;
    }
    Ok(())
}

/// The meter's energy only ever grows, and it captures hourly.
fn sound(rows: &[Vec<Value>]) -> bool {
    let energy = |row: &Vec<Value>| row.get(1).and_then(Value::as_u64);
    rows.windows(2).all(|pair| energy(&pair[0]).is_some() && energy(&pair[0]) <= energy(&pair[1]))
}

fn addressed(server: Option<Address>) -> Result<(), Failed> {
    // The meter judges the lower half where there is one.
    let flags = if server.is_some_and(|server| server.width() == 4) { "" } else { "--server-addr 1" };
    whole(flags, Link::Hdlc(link(1, 128, server)), "hdlc")
}

fn another() -> Result<(), Failed> {
    let peer = Peer::start("--server-addr 5")?;
    let link = HdlcLink { retries: 1, response_timeout_ns: 400_000_000, ..link(1, 128, Address::server(1, None)) };
    let mut session = session(&peer, Link::Hdlc(link), "hdlc")?;
    session.client.read(session.now(), &[NAME])?;
    expect(
        "a meter of another address",
        &session.run()?,
        &Ended::Failed(taa_dlms::error::TransportFault::Timeout.into()),
    )
}

fn mode_e(flags: &str, baud_max: u32) -> Result<(), Failed> {
    let peer = Peer::start(&format!("--pty --mode-e --mode-e-timeout 600 {flags}"))?;
    let opening = ModeE { device: DeviceAddress::default(), baud_max: Baud(baud_max), fallback: None };
    let link = HdlcLink { response_timeout_ns: 1_500_000_000, ..link(1, 128, Address::server(1, None)) };
    // This meter stays in HDLC after DISC: the second round finds it by the fall-back to the last speed.
    exercise(&mut session(&peer, Link::HdlcAfterModeE(link, opening), "pty")?)
}

fn pushed(udp: bool, hdlc: bool) -> Result<(), Failed> {
    let peer = Peer::start("")?;
    for cipher in [false, true] {
        let command = |to: &str| json!({"cmd": "push", "to": to, "cipher": cipher, "udp": udp, "hdlc": hdlc});
        let check = |push: taa_dlms::link::push::Push<'_>| {
            let title = cipher.then_some(&b"SIM\0\0\0\0\x01"[..]);
            let kind = if cipher { PushKind::Protected } else { PushKind::DataNotification };
            if (push.kind, push.system_title, push.client, push.device) == (kind, title, 16, 1) {
                Ok(())
            } else {
                Err(Failed::from(format!("{push:?}")))
            }
        };
        let mut bytes = Vec::new();
        if udp {
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            peer.control(&command(&socket.local_addr()?.to_string()))?;
            bytes.resize(2048, 0);
            let count = socket.recv(&mut bytes)?;
            check(open_datagram(&bytes[..count])?)?;
            continue;
        }
        let listener = TcpListener::bind("127.0.0.1:0")?;
        peer.control(&command(&listener.local_addr()?.to_string()))?;
        let (mut stream, from) = listener.accept()?;
        stream.read_to_end(&mut bytes)?;
        let mut listener = Listener::new(ListenerConfig { streams_max: 4, message_max: 4096 });
        for piece in bytes.chunks(7) {
            listener.handle_receive(0, from.port(), piece);
        }
        let (sender, push) = listener.next_push().ok_or("no push")?;
        check(push)?;
        if sender != from.port() {
            return Err("another sender".into());
        }
    }
    Ok(())
}
