//! The shell around a client: an outside meter as a process, sockets, a terminal, the clock.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use serde_json::Value as Json;
use taa_dlms::Value;
use taa_dlms::client::{Client, ClientConfig, ClientEvent, Output, ReadResult};
use taa_dlms::error::Error;
use taa_dlms::link::line::LineSettings;

const PEER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/meter_peer.py");

/// The interpreter: `TAA_DLMS_PYTHON`, or whatever `python3` is.
fn python() -> String {
    std::env::var("TAA_DLMS_PYTHON").ok().filter(|path| !path.is_empty()).unwrap_or_else(|| "python3".to_owned())
}

/// The outside meter can be run here.
pub(crate) fn available() -> bool {
    let run = Command::new(python()).args(["-c", "import cryptography"]).stderr(Stdio::null()).status();
    run.is_ok_and(|status| status.success())
}

/// An outside meter, until it is dropped.
pub(crate) struct Peer {
    child: Child,
    ready: Json,
}

impl Peer {
    pub(crate) fn start(flags: &str) -> Result<Self, Failed> {
        let mut child = Command::new(python())
            .arg(PEER)
            .args(["--wrapper", "0", "--hdlc", "0", "--ctl", "0", "--rows", "40", "--now", "2026-03-01T00:00:00"])
            .args(flags.split_whitespace())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        Ok(Self { child, ready: serde_json::from_str(&line)? })
    }

    pub(crate) fn tcp(&self, port: &str) -> Result<TcpStream, Failed> {
        let port = self.ready[port].as_u64().ok_or("no such port")?;
        let stream = TcpStream::connect(("127.0.0.1", u16::try_from(port)?))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// One command to its control port, and the answer.
    pub(crate) fn control(&self, command: &Json) -> Result<Json, Failed> {
        let mut stream = self.tcp("ctl")?;
        writeln!(stream, "{command}")?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }

    pub(crate) fn terminal(&self) -> Result<String, Failed> {
        Ok(self.ready["pty"].as_str().ok_or("no terminal")?.to_owned())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What carries the bytes: a way out, what comes in, and perhaps a terminal whose speed can be set.
pub(crate) struct Channel {
    out: Box<dyn Write + Send>,
    input: Receiver<Vec<u8>>,
    terminal: Option<String>,
}

impl Channel {
    pub(crate) fn tcp(stream: TcpStream) -> Result<Self, Failed> {
        Ok(Self { input: pump(stream.try_clone()?), out: Box::new(stream), terminal: None })
    }

    pub(crate) fn terminal(path: String) -> Result<Self, Failed> {
        let file = std::fs::OpenOptions::new().read(true).write(true).open(&path)?;
        Ok(Self { input: pump(file.try_clone()?), out: Box::new(file), terminal: Some(path) })
    }

    fn set_line(&self, line: LineSettings) -> Result<(), Failed> {
        let Some(path) = &self.terminal else { return Ok(()) };
        // A pseudo-terminal knows speeds, but neither seven bits nor parity.
        let speed = line.baud.0.to_string();
        let set = Command::new("stty").args(["-F", path, "raw", "-echo", &speed]).status()?;
        if set.success() { Ok(()) } else { Err("the terminal refuses the speed".into()) }
    }
}

/// Reads in the background until the end.
fn pump(mut from: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        let mut bytes = [0; 1024];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            if send.send(bytes[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    receive
}

/// How a command ended.
#[derive(Debug, PartialEq)]
pub(crate) enum Ended {
    Values(Vec<ReadResult>),
    Rows(Vec<Vec<Value>>),
    Done,
    Failed(Error),
}

/// A client on a channel, and the clock.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) channel: Channel,
    begin: Instant,
}

impl Session {
    #[expect(clippy::disallowed_methods, reason = "a shell: it reads the clock for the logic")]
    pub(crate) fn new(config: ClientConfig, channel: Channel) -> Self {
        Self { client: Client::new(config), channel, begin: Instant::now() }
    }

    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Carries on until the command has ended and the line is quiet.
    pub(crate) fn run(&mut self) -> Result<Ended, Failed> {
        let mut ended = None;
        let limit = self.now().saturating_add(120_000_000_000);
        while self.now() < limit {
            match self.client.poll_output() {
                Output::Transmit(bytes) => {
                    let _ = self.channel.out.write_all(bytes).and_then(|()| self.channel.out.flush());
                    self.client.handle_transmitted(self.now());
                }
                Output::SetLine(line) => self.channel.set_line(line)?,
                // Nothing is ciphered here: no counter is ever asked for.
                Output::Event(ClientEvent::Associated(_) | ClientEvent::ReserveCounter(_)) => {}
                Output::Event(ClientEvent::Values(values)) => ended = Some(Ended::Values(values.to_vec())),
                Output::Event(ClientEvent::Profile(rows)) => {
                    ended = Some(Ended::Rows(rows.rows().map(<[Value]>::to_vec).collect()));
                }
                Output::Event(ClientEvent::Done(_)) => ended = Some(Ended::Done),
                Output::Event(ClientEvent::Failed(error)) => ended = Some(Ended::Failed(error)),
                Output::Timeout(deadline) => {
                    if let Some(ended) = ended.take() {
                        return Ok(ended);
                    }
                    let wait = deadline.ok_or("nothing to wait for, and no end")?.saturating_sub(self.now());
                    match self.channel.input.recv_timeout(Duration::from_nanos(wait)) {
                        Ok(bytes) => self.client.handle_receive(self.now(), &bytes),
                        Err(RecvTimeoutError::Timeout) => self.client.handle_timeout(self.now()),
                        Err(RecvTimeoutError::Disconnected) => self.client.handle_closed(self.now()),
                    }
                }
            }
        }
        Err("hangs".into())
    }
}
