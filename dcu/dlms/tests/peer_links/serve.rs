//! Our server for outside clients: a small meter at the end of a connection or a terminal.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Instant;

use libtest_mimic::Failed;
use taa_dlms::client::{Auth, ClientConfig};
use taa_dlms::link::hdlc::{Address, Parameters, SecondaryConfig};
use taa_dlms::link::iec21::StationConfig;
use taa_dlms::server::{Port, PortOutput, ServerConfig, ServerLink};

use crate::common::{Bench, PASSWORD};

const READER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/read_server.py");

/// The interpreter that has the outside clients: `TAA_DLMS_PYTHON`, or whatever `python3` is.
fn python() -> String {
    std::env::var("TAA_DLMS_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// That client can be run here.
pub(crate) fn has(module: &str) -> bool {
    let run = Command::new(python()).args(["-c", &format!("import {module}")]).stderr(Stdio::null()).status();
    run.is_ok_and(|status| status.success())
}

/// Lets an outside client read our server; what it says against it, if anything.
pub(crate) fn read_by(client: &str, link: &str, terminal: bool, bytes: u16, width: usize) -> Result<(), Failed> {
    let secondary =
        SecondaryConfig::new(Address::server(1, Some(17)).ok_or("no such address")?, Parameters::symmetric(bytes, 1));
    let port = Port::new(match link {
        "wrapper" => ServerLink::Stream,
        "hdlc" => ServerLink::Hdlc(secondary),
        _ => ServerLink::HdlcAfterModeE(
            secondary,
            StationConfig {
                identification: b"/TAA5\\2METER\r\n".to_vec(),
                address: b"17".to_vec(),
                data_set: b"0.0.0(17)\r\n".to_vec(),
                inactivity_timeout_ns: 30_000_000_000,
            },
        ),
    });
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let place = if terminal { "pty".to_owned() } else { listener.local_addr()?.port().to_string() };
    let mut child = Command::new(python())
        .arg(READER)
        .args([client, link, &place, &bytes.to_string(), &width.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut said = BufReader::new(child.stdout.take().ok_or("no output")?);
    if terminal {
        let mut path = String::new();
        said.read_line(&mut path)?;
        let file = std::fs::OpenOptions::new().read(true).write(true).open(path.trim())?;
        let input = file.try_clone()?;
        std::thread::spawn(move || serve(port, input, file));
        writeln!(child.stdin.take().ok_or("no input")?)?;
    } else {
        std::thread::spawn(move || {
            let (stream, _) = listener.accept()?;
            stream.set_nodelay(true)?;
            serve(port, stream.try_clone()?, stream)
        });
    }
    let mut rest = String::new();
    said.read_to_string(&mut rest)?;
    let ended = child.wait_with_output()?;
    // One of the clients tells its whole life before.
    if rest.trim().lines().last() == Some("ok") && ended.status.success() {
        return Ok(());
    }
    Err(format!("{rest}{}", String::from_utf8_lossy(&ended.stderr)).into())
}

#[expect(clippy::disallowed_methods, reason = "a shell: it reads the clock for the logic")]
fn serve(mut port: Port, mut from: impl Read, mut to: impl Write) -> std::io::Result<()> {
    let begin = Instant::now();
    let mut bench = Bench::with(ClientConfig::new(Auth::password(PASSWORD)), ServerConfig::default());
    let mut bytes = [0; 2048];
    loop {
        let count = from.read(&mut bytes)?;
        if count == 0 {
            return Ok(());
        }
        let now = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        port.handle_receive(now, &mut bench.server, &mut bench.device, &bytes[..count]);
        while let Some(output) = port.poll_output() {
            // The speed of a pseudo-terminal changes nothing.
            if let PortOutput::Transmit(bytes) = output {
                to.write_all(&bytes)?;
            }
        }
    }
}
