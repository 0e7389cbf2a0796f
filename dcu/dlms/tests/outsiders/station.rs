//! Our server at the end of a connection or a terminal, with its meter open to the tests.

use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use taa_dlms::cosem::Model;
use taa_dlms::link::hdlc::{Address, Parameters, SecondaryConfig};
use taa_dlms::link::iec21::StationConfig;
use taa_dlms::server::{Port, PortOutput, Server, ServerLink};

use crate::meter::meter;

/// What carries the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Link {
    /// Wrapper frames over TCP.
    Wrapper,
    /// Wrapper frames over UDP.
    WrapperUdp,
    /// HDLC over TCP.
    HdlcTcp,
    /// HDLC on a pseudo-terminal.
    HdlcPty,
    /// Opened by IEC 62056-21 mode E on a pseudo-terminal.
    ModeE,
}

impl Link {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Wrapper => "wrapper/TCP",
            Self::WrapperUdp => "wrapper/UDP",
            Self::HdlcTcp => "HDLC/TCP",
            Self::HdlcPty => "HDLC/pty",
            Self::ModeE => "mode E/pty",
        }
    }

    /// As the clients call it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Wrapper | Self::WrapperUdp => "wrapper",
            Self::HdlcTcp | Self::HdlcPty => "hdlc",
            Self::ModeE => "mode-e",
        }
    }

    /// What it runs over, as the clients call it.
    pub(crate) const fn line(self) -> &'static str {
        match self {
            Self::Wrapper | Self::HdlcTcp => "tcp",
            Self::WrapperUdp => "udp",
            Self::HdlcPty | Self::ModeE => "pty",
        }
    }
}

/// How an HDLC link is set up on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hdlc {
    /// Bytes of the server's address.
    pub(crate) width: u8,
    /// Bytes of the information field.
    pub(crate) information: u16,
    pub(crate) window: u8,
}

impl Hdlc {
    /// What differs from the plain set-up.
    pub(crate) fn name(self) -> String {
        let Self { width, information, window } = self;
        format!("{width} B address, {information} B frames, window {window}")
    }
}

/// What the standard gives without negotiation, and the meter's full address.
pub(crate) const PLAIN: Hdlc = Hdlc { width: 2, information: 128, window: 1 };

/// Changes what the server sends: a fault as a decorator.
pub(crate) type Tamper = fn(&mut Vec<u8>);

/// The server's side, while a client talks to it.
pub(crate) struct Inside {
    pub(crate) port: Port,
    pub(crate) server: Server,
    pub(crate) model: Model,
    out: Option<Box<dyn Write + Send>>,
    pub(crate) tamper: Option<Tamper>,
    /// Everything sent, for evidence.
    pub(crate) sent: Vec<u8>,
    /// Everything received.
    pub(crate) got: Vec<u8>,
}

impl Inside {
    /// Sends what the port has to send.
    pub(crate) fn drain(&mut self) -> std::io::Result<()> {
        while let Some(output) = self.port.poll_output() {
            // The speed of a pseudo-terminal changes nothing.
            if let (PortOutput::Transmit(mut bytes), Some(out)) = (output, &mut self.out) {
                if let Some(tamper) = self.tamper {
                    tamper(&mut bytes);
                }
                self.sent.extend_from_slice(&bytes);
                out.write_all(&bytes)?;
            }
        }
        Ok(())
    }
}

/// A datagram for each reading and writing.
struct Datagrams(UdpSocket);

impl Read for Datagrams {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        self.0.recv(bytes)
    }
}

impl Write for Datagrams {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.send(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A station to be read. Its thread ends with the line.
#[derive(Clone)]
pub(crate) struct Station {
    inside: Arc<Mutex<Inside>>,
    /// The image activated last.
    pub(crate) flash: Arc<Mutex<Vec<u8>>>,
}

impl Station {
    pub(crate) fn new(link: Link, hdlc: Hdlc, server: Server) -> Result<Self, Failed> {
        let address = Address::server(1, Some(17)).ok_or("no such address")?;
        let secondary = SecondaryConfig::new(address, Parameters::symmetric(hdlc.information, hdlc.window));
        let port = Port::new(match link {
            Link::Wrapper => ServerLink::Stream,
            Link::WrapperUdp => ServerLink::Datagram,
            Link::HdlcTcp | Link::HdlcPty => ServerLink::Hdlc(secondary),
            Link::ModeE => ServerLink::HdlcAfterModeE(
                secondary,
                StationConfig {
                    identification: b"/TAA5\\2METER\r\n".to_vec(),
                    address: b"17".to_vec(),
                    data_set: b"0.0.0(17)\r\n".to_vec(),
                    inactivity_timeout_ns: 30_000_000_000,
                },
            ),
        });
        let flash = Arc::default();
        let inside =
            Inside { port, server, model: meter(&flash), out: None, tamper: None, sent: Vec::new(), got: Vec::new() };
        Ok(Self { inside: Arc::new(Mutex::new(inside)), flash })
    }

    pub(crate) fn inside(&self) -> Result<MutexGuard<'_, Inside>, Failed> {
        self.inside.lock().map_err(|_| "the server has panicked".into())
    }

    /// Waits until the client's line has reached the server's thread.
    #[expect(clippy::disallowed_methods, reason = "a shell: another thread accepts the connection")]
    pub(crate) fn await_line(&self) -> Result<(), Failed> {
        for _ in 0..2000 {
            if self.inside()?.out.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Err("nobody came".into())
    }

    /// Waits for datagrams; answers the port.
    pub(crate) fn bind(&self) -> Result<u16, Failed> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        let port = socket.local_addr()?.port();
        let station = self.clone();
        std::thread::spawn(move || {
            let (_, client) = socket.peek_from(&mut [0])?;
            socket.connect(client)?;
            station.serve(Datagrams(socket.try_clone()?), Datagrams(socket))
        });
        Ok(port)
    }

    /// Waits on a socket; answers its port.
    pub(crate) fn listen(&self) -> Result<u16, Failed> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let station = self.clone();
        std::thread::spawn(move || {
            let (stream, _) = listener.accept()?;
            stream.set_nodelay(true)?;
            station.serve(stream.try_clone()?, stream)
        });
        Ok(port)
    }

    /// Opens the terminal of that path.
    pub(crate) fn attach(&self, path: &str) -> Result<(), Failed> {
        let file = std::fs::OpenOptions::new().read(true).write(true).open(path)?;
        let input = file.try_clone()?;
        let station = self.clone();
        std::thread::spawn(move || station.serve(input, file));
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "a shell: it reads the clock for the logic")]
    fn serve(&self, mut from: impl Read, to: impl Write + Send + 'static) -> std::io::Result<()> {
        let begin = Instant::now();
        let lock = || self.inside.lock().map_err(|_| std::io::Error::other("panicked"));
        lock()?.out = Some(Box::new(to));
        let mut bytes = [0; 2048];
        loop {
            let count = from.read(&mut bytes)?;
            let now = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
            let mut inside = lock()?;
            let Inside { port, server, model, got, .. } = &mut *inside;
            got.extend_from_slice(&bytes[..count]);
            if count == 0 {
                port.handle_closed(server);
                return Ok(());
            }
            port.handle_receive(now, server, model, &bytes[..count]);
            inside.drain()?;
        }
    }
}
