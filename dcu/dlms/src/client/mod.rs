//! The client: one state machine per meter.
//!
//! Its methods come in four kinds. Getters; `handle_*`, for what happened (bytes, time, a closed connection, a durable
//! counter, a map); commands (`associate`, `discover`, `read`, `read_list`, `read_profile`, `resume_profile`, `write`,
//! `write_part`,
//! `write_unconfirmed`, `write_list`, `invoke`, `invoke_returning`, `invoke_list`, `access`, `transfer_image`, `resume_image`, `release`, `suspend`, `cancel`);
//! and `poll_output`, for what comes out.
//!
//! **The driving invariant:** call one method that changes the state, then drain [`Client::poll_output`] until it
//! answers [`Output::Timeout`]; only then change the state again. At that deadline, call [`Client::handle_timeout`].
//!
//! What trips people up:
//! - A command opens the association by itself when there is none, and opens it again when the meter answers that it
//!   knows of none (it restarted). [`Associated::Reopened`] tells; the command then goes on.
//! - Repeats carry the same invoke id, so an answer to any copy will do. Answers to earlier requests are ignored. A
//!   request that was carried out and whose answer was lost **is carried out again**: write absolute values.
//! - On HDLC ([`Link::Hdlc`]) the link opens, repeats, and opens again by itself; a lost link takes the association with
//!   it. On a serial line carry out [`Output::SetLine`] and [`Output::Transmit`] in the order in which they come, and
//!   tell by [`Client::handle_transmitted`] when the last byte has left.
//! - What nobody answers (`write_unconfirmed`) is done when it has left: whether it arrived nobody knows.
//! - After a timeout the association counts as lost, and the next command opens one first.
//!
//! # A shared link
//! With [`ClientConfig::gated`], nothing is transmitted before it is granted. The owner of the link asks its clients for
//! [`Client::wants_exchange`], grants one of them ([`Client::grant_exchange`], then drain), and no other before that
//! one's [`Client::is_exchanging`] has turned false. An exchange is one frame (or turn of HDLC) and its answer; no time
//! runs against a client that waits. `gate.rs` has the drawing.
//!
//! # What is urgent
//! Reading a profile, transferring an image and discovering are long. [`Client::suspend`] puts them aside between two
//! exchanges, at once while the client waits at the gate; then give the urgent command, and go on by
//! [`Client::resume_profile`] or [`Client::resume_image`]. Rows and blocks that have come are not asked for again. An
//! image and a profile may both be aside.
//!
//! # What the meter shows of itself
//! With [`ClientConfig::discovers`], or by [`Client::discover`], the client reads the meter's firmware id. When it is not
//! the one of [`Client::discovered`], it asks its owner by [`ClientEvent::MapWanted`] and waits for
//! [`Client::handle_map`]; told that nobody has the map, it reads the object list. [`ClientEvent::Discovered`] then
//! carries it: keep it in [`crate::cosem::map::Maps`] for the other meters, and its bytes in the journal
//! ([`crate::cosem::ObjectMap::to_bytes`], [`Client::set_discovered`]).
//!
//! # What the meter sends by itself
//! [`ClientEvent::Notification`] comes at any time, also from an idle client: hand over what arrives whether a command is
//! under way or not. For meters that push to an address of their own there is [`crate::link::push`].
//!
//! ```
//! use taa_dlms::client::{Auth, Client, ClientConfig, ClientEvent, Output};
//! use taa_dlms::{AttributeRef, cosem::register, obis};
//!
//! let mut client = Client::new(ClientConfig::new(Auth::password(b"12345678")));
//! client.read(0, &[AttributeRef::new(register::CLASS, obis::ACTIVE_ENERGY_IMPORT, register::VALUE)])?;
//! let mut deadline = None;
//! loop {
//!     match client.poll_output() {
//!         Output::Transmit(frame) => assert_eq!(frame[8], 0x60), // the association comes first
//!         Output::Event(ClientEvent::Values(values)) => println!("{values:?}"),
//!         Output::Event(event) => println!("{event:?}"),
//!         Output::SetLine(line) => println!("{line:?}"), // serial ports only
//!         Output::Timeout(at) => break deadline = at,
//!     }
//! }
//! assert_eq!(deadline, Some(20_000_000_000));
//! # Ok::<(), taa_dlms::Error>(())
//! ```

mod answer;
mod aside;
mod associate;
mod blocks;
mod commands;
mod config;
mod drive;
mod event;
mod gate;
mod general;
mod image;
mod mapping;
mod memory;
mod notify;
mod request;
mod resume;
mod secure;
mod settings;
mod short;

pub use commands::Item;
pub use config::{Auth, ClientConfig, HdlcLink, Link, ModeE, Referencing};
pub use event::{Associated, ClientEvent, Output, ReadResult};
pub use image::ImageOrder;
pub use notify::{Notification, NotificationKind};

use std::fmt;
use std::sync::Arc;

use crate::apdu::{AttributeRef, Conformance, InvokeId, MethodRef};
use crate::axdr::Value;
use crate::cosem::map::{Discovered, Discovery};
use crate::cosem::{ProfileRange, ProfileRows};
use crate::error::{Error, Misuse};
use crate::link::serial::Serial;
use crate::link::wrapper::Reassembler;
use crate::names::ShortNames;
use crate::obis::Obis;

use gate::Gate;
use general::General;
use resume::HalfRead;
use settings::Settings;

/// A client of one meter. See the [module](self) for how to drive it.
pub struct Client {
    config: Settings,
    security: Option<Box<secure::Secured>>,
    session: Option<Session>,
    phase: Phase,
    command: Command,
    /// Times the association was opened again within this command.
    reopened: u8,
    /// Times a transfer in blocks was begun anew within this command.
    restarted: u8,
    invoke: InvokeId,
    transfer: Transfer,
    /// The frame last sent, kept for repeats.
    frame: Vec<u8>,
    frame_due: bool,
    tries_left: u8,
    deadline: Option<u64>,
    /// What was wrong with something received in place of the answer; told if no answer comes.
    suspicion: Option<Error>,
    /// Attributes, or methods in the same form, of the command under way.
    attributes: Vec<AttributeRef>,
    /// Selections of a `read_list`, one for each attribute; empty when nothing is selected.
    selections: Box<[Selected]>,
    /// What short names the meter's objects have, once read.
    names: Option<Arc<ShortNames>>,
    general: General,
    /// The meter's objects, once known; and a discovery under way.
    known: Option<Box<Discovered>>,
    mapping: Option<Box<Discovery>>,
    news: Option<mapping::News>,
    image: Option<Box<image::ImageJob>>,
    notices: Option<Box<notify::Notices>>,
    gate: Gate,
    /// The command under way is to be put aside before its next request.
    suspending: bool,
    half: Option<Box<HalfRead>>,
    results: Vec<ReadResult>,
    rows: ProfileRows,
    returned: Option<Box<Value>>,
    associated: Option<Associated>,
    ended: Option<Result<Ending, Error>>,
    /// On streams.
    reassembler: Option<Box<Reassembler>>,
    /// HDLC, where that is the link.
    serial: Option<Box<Serial>>,
    ignored: u32,
}

/// Selector and encoded parameters of one attribute of a `read_list`, if a part of it is asked for.
type Selected = Option<(u8, Box<[u8]>)>;

/// What was agreed.
#[derive(Clone, Copy, Debug)]
struct Session {
    conformance: Conformance,
    /// References are short names.
    short: bool,
    /// Longest message that the meter takes.
    pdu_max: usize,
}

/// What is being waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Associating(Associated),
    /// Reading what the meter shows of itself: its firmware, its object list.
    Mapping,
    /// The owner is asked for a map.
    AwaitingMap,
    /// An image transfer lets time pass.
    Resting,
    /// The request goes out, and that is all.
    Telling,
    /// The association is granted; the proofs are being exchanged.
    Authenticating(Associated),
    Requesting,
    Releasing,
}

#[derive(Clone, Copy, Debug)]
enum Command {
    None,
    Associate,
    Discover,
    Read,
    CountRows {
        profile: Obis,
        last: u32,
    },
    ReadRows {
        profile: Obis,
        range: ProfileRange,
        keep_last: Option<u32>,
    },
    Write(AttributeRef),
    /// SET or Write without an answer.
    WriteUnconfirmed(AttributeRef),
    /// By short names a method that `returns` something is read, another is written.
    Invoke {
        method: MethodRef,
        with_parameter: bool,
        returns: bool,
    },
    WriteList,
    InvokeList,
    Access,
    Release,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Values,
    Profile,
    Done,
    Suspended,
}

/// A long value on its way, in either direction.
#[derive(Debug, Default)]
struct Transfer {
    /// What a request carries and may need blocks: encoded value, parameter, or list of them.
    bytes: Vec<u8>,
    /// Answer from blocks so far; or a Write by short names that goes in blocks, without its tag.
    answer: Vec<u8>,
    /// Number of the block received last, or sent last.
    block: u32,
    /// Bytes of the value already sent.
    sent: usize,
    /// Attributes in the request under way.
    batch: usize,
}

impl Client {
    /// Not associated, idle.
    #[must_use]
    pub fn new(config: ClientConfig) -> Self {
        Self {
            serial: drive::serial(&config),
            gate: if config.gated { Gate::Closed } else { Gate::Open },
            reassembler: drive::reassembler(&config),
            config: Settings::from(config),
            security: None,
            session: None,
            phase: Phase::Idle,
            command: Command::None,
            reopened: 0,
            restarted: 0,
            invoke: InvokeId::confirmed(0),
            transfer: Transfer::default(),
            frame: Vec::new(),
            frame_due: false,
            tries_left: 0,
            deadline: None,
            suspicion: None,
            attributes: Vec::new(),
            selections: Box::default(),
            names: None,
            general: General::default(),
            known: None,
            mapping: None,
            news: None,
            image: None,
            notices: None,
            suspending: false,
            half: None,
            results: Vec::new(),
            rows: ProfileRows::default(),
            returned: None,
            associated: None,
            ended: None,
            ignored: 0,
        }
    }

    // Getters.

    /// No command is under way.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.phase == Phase::Idle && !self.runs_image()
    }

    /// The short names read from the meter, to be shared with clients of other meters of the same firmware.
    #[must_use]
    pub const fn short_names(&self) -> Option<&Arc<ShortNames>> {
        self.names.as_ref()
    }

    /// As far as we know, the meter holds an association with us.
    #[must_use]
    pub const fn is_associated(&self) -> bool {
        self.session.is_some()
    }

    /// When [`Self::handle_timeout`] is due, monotonic ns.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        if self.is_held_at_gate() {
            return None;
        }
        drive::earlier(self.deadline, self.serial.as_ref().and_then(|serial| serial.deadline()))
    }

    /// Frames and messages received that answered nothing: late, duplicate, not for us, unreadable.
    #[must_use]
    pub fn ignored(&self) -> u64 {
        u64::from(self.ignored).saturating_add(self.serial.as_ref().map_or(0, |serial| serial.ignored()))
    }

    // Inside.

    fn begin(&mut self, command: Command) -> Result<(), Error> {
        if !self.is_idle() {
            return Err(Misuse::Busy.into());
        }
        self.suspending = false;
        self.reset_command(command);
        Ok(())
    }

    /// Nothing of the command before is left.
    fn reset_command(&mut self, command: Command) {
        self.command = command;
        self.reopened = 0;
        self.restarted = 0;
        self.suspicion = None;
        self.returned = None;
        self.transfer.bytes.clear();
        self.transfer.answer.clear();
        self.transfer.block = 0;
        self.transfer.sent = 0;
    }

    /// Sends whatever the command needs next: the association, a discovery, or its next request.
    fn go_on(&mut self, now: u64) {
        let sent = match self.session {
            None => self.send_association_request(now, Associated::Opened),
            Some(session) => self.send_mapping_request(now, session),
        };
        if let Err(error) = sent {
            self.end(Err(error));
        }
    }

    /// Something came that is no answer. It may be damage on the way: keep waiting, but remember.
    fn suspect(&mut self, error: Error) {
        self.ignored = self.ignored.saturating_add(1);
        if !self.is_idle() {
            self.suspicion = Some(error);
        }
    }

    fn end(&mut self, ending: Result<Ending, Error>) {
        if let Err(error) = ending {
            self.keep_half_read(error);
        }
        self.settle();
        // A step of an image transfer is not the end of the command.
        self.suspending &= self.runs_image();
        self.ended = Some(ending);
    }

    fn settle(&mut self) {
        self.phase = Phase::Idle;
        self.command = Command::None;
        self.frame_due = false;
        self.deadline = None;
        self.mapping = None;
        if let Some(security) = &mut self.security {
            security.held = false;
            // A challenge serves one attempt, also one that was put aside or given up.
            security.forget_exchange();
        }
        self.invoke = self.invoke.next();
    }
}

/// The frame last sent may hold a password: states are shown, bytes are not.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("phase", &self.phase)
            .field("command", &self.command)
            .field("session", &self.session)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
