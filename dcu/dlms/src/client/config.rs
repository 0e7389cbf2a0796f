//! How a client is set up.

use std::fmt;

use taa_keys::Secret;

use crate::apdu::Conformance;
pub use crate::link::serial::{HdlcLink, ModeE};
use crate::security::Hls;

/// One client, one meter.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Our address at the wrapper: which client we are. 1 management, 16 public.
    pub client_sap: u16,
    /// The logical device behind the meter's address; 1 is the management logical device.
    pub server_sap: u16,
    /// Another address to which the meter sends its notifications, where it does not use ours (102 in many networks).
    /// In wrapper frames; on HDLC they come to the client's own address.
    pub push_sap: Option<u16>,
    /// How we prove who we are.
    pub auth: Auth,
    /// What carries the bytes.
    pub link: Link,
    /// How attributes and methods are named on the wire.
    pub referencing: Referencing,
    /// Services proposed; `None` proposes all that this crate does.
    pub services: Option<Conformance>,
    /// How many blocks of general block transfer may come in a row, 1–63.
    pub general_window: u8,
    /// Longest message we take, bytes; proposed in the association.
    pub pdu_max: u16,
    /// How long an answer may take, from the moment at which the request comes out of `poll_output`'s caller.
    pub reply_timeout_ns: u64,
    /// How often an unanswered request is repeated.
    pub retries: u8,
    /// Longest answer assembled from blocks, bytes. A meter that sends more has misbehaved.
    pub answer_bytes_max: usize,
    /// Offset of the meter's local time from UTC, for stamps whose deviation it leaves unspecified.
    pub utc_offset_s: i32,
    /// Each association begins by asking for the meter's firmware, and for its object list where that is not known
    /// ([`super::ClientEvent::MapWanted`]). Else only [`super::Client::discover`] does.
    pub discovers: bool,
    /// The link is shared: nothing goes out before [`super::Client::grant_exchange`], one exchange at a time.
    pub gated: bool,
}

impl ClientConfig {
    /// What is proposed in the association: what both roles do, and the notifications that only a client takes.
    #[must_use]
    pub fn proposal(&self) -> Conformance {
        match (self.services, self.referencing) {
            (Some(services), _) => services,
            (None, Referencing::LogicalNames) => Conformance::SUPPORTED | Conformance::EVENT_NOTIFICATION,
            (None, Referencing::ShortNames) => Conformance::SUPPORTED_SN | Conformance::INFORMATION_REPORT,
        }
    }

    /// Management client of the management logical device over datagrams: messages up to 1 KB, answers within 20 s,
    /// one repeat, at most 256 KB from blocks; a link of its own, and no discovery unasked.
    #[must_use]
    pub const fn new(auth: Auth) -> Self {
        Self {
            client_sap: 1,
            server_sap: 1,
            push_sap: None,
            auth,
            link: Link::Datagram,
            referencing: Referencing::LogicalNames,
            services: None,
            general_window: 4,
            pdu_max: 1024,
            reply_timeout_ns: 20_000_000_000,
            retries: 1,
            answer_bytes_max: 256 * 1024,
            utc_offset_s: 0,
            discovers: false,
            gated: false,
        }
    }
}

/// How a client proves who it is.
#[derive(Clone)]
pub enum Auth {
    /// Not at all (lowest).
    None,
    /// By a password that travels in clear (low). Derive it per meter: [`taa_keys::MeterKeys`].
    Lls(Secret),
    /// By answering a challenge (high). Needs [`super::Client::secured`].
    High(Hls),
}

impl Auth {
    /// Low-level security with this password; none when it is empty.
    #[must_use]
    pub fn password(password: &[u8]) -> Self {
        if password.is_empty() { Self::None } else { Self::Lls(Secret::new(password)) }
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Lls(_) => f.write_str("Lls(..)"),
            Self::High(hls) => write!(f, "{hls:?}"),
        }
    }
}

/// How attributes and methods are named on the wire. Commands name them by class and logical name either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Referencing {
    /// By class, logical name and number.
    #[default]
    LogicalNames,
    /// By 16-bit addresses, read from the meter first: older meters.
    ShortNames,
}

/// What carries the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Each call of `handle_receive` brings one whole wrapper frame (UDP, the mesh).
    Datagram,
    /// Calls bring bytes cut anywhere (TCP).
    Stream,
    /// HDLC, bytes cut anywhere (a serial line, TCP). It has its own addresses, and repeats frames by itself:
    /// `reply_timeout_ns` is how long nothing at all may move, and `retries` counts repeats of whole requests to a meter
    /// that hears but does not answer. Releasing closes the link.
    Hdlc(HdlcLink),
    /// HDLC behind an opening of IEC 62056-21, mode E.
    HdlcAfterModeE(HdlcLink, ModeE),
}
