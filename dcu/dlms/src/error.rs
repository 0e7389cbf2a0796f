//! What can go wrong, sorted by whose fault it is, because that decides what to do next.
//!
//! - [`Error::PeerMisbehaved`]: the meter sent what the standard does not allow. Repeating rarely helps; log it with
//!   the meter's firmware.
//! - [`Error::Transport`]: nothing came, or the connection went. Try again later.
//! - [`Error::Security`]: keys or passwords do not fit. Do not repeat blindly: meters lock after some attempts.
//! - [`Error::Refused`]: the meter understood and said no. It is in order.
//! - [`Error::ApiMisuse`]: the caller asked for something that cannot be. Nothing was sent.
//!
//! No variant carries key bytes or attacker-chosen text, so all of them may be logged.

use crate::apdu::{ActionResult, AssociationRefusal, ConfirmedServiceError, DataAccessResult, ExceptionResponse};
use crate::cosem::image::ImageError;

/// How a command failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The peer's fault: it broke the protocol.
    #[error("the peer broke the protocol: {0}")]
    PeerMisbehaved(#[from] PeerFault),
    /// Nobody's fault, or the channel's.
    #[error("no answer: {0}")]
    Transport(#[from] TransportFault),
    /// Keys, passwords or protection do not fit.
    #[error("security: {0}")]
    Security(#[from] SecurityFault),
    /// A correct refusal.
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
    /// The caller's fault.
    #[error("wrong use: {0}")]
    ApiMisuse(#[from] Misuse),
}

impl Error {
    /// The same command may succeed later without anybody changing anything.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Transport(_) | Self::Refused(Refusal::Access(DataAccessResult::TemporaryFailure)))
    }
}

/// What the peer did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeerFault {
    /// Its message cannot be decoded.
    #[error("undecodable message ({0})")]
    Undecodable(#[from] DecodeError),
    /// It answered another service than the one asked for.
    #[error("answered with an unexpected message (tag {tag:#04x})")]
    UnexpectedApdu {
        /// First byte of the message.
        tag: u8,
    },
    /// A list answer has another number of results than the request had items.
    #[error("{got} results for {asked} items")]
    WrongCount {
        /// Items asked for.
        asked: usize,
        /// Results received.
        got: usize,
    },
    /// The block numbers do not follow each other.
    #[error("block {got} where {expected} was due")]
    BlockOutOfOrder {
        /// Number due.
        expected: u32,
        /// Number received.
        got: u32,
    },
    /// The blocks together pass the configured bound.
    #[error("answer longer than the limit of {limit} bytes")]
    TooLong {
        /// Configured bound.
        limit: usize,
    },
    /// The values have other types than the interface class prescribes.
    #[error("value of unexpected type: {what}")]
    WrongType {
        /// What was being read.
        what: &'static str,
    },
    /// On the link below the messages: unreadable parameters, no LLC header, or a message beyond the bound.
    #[error("broke the protocol of the link")]
    BrokenLink,
    /// It keeps forgetting the association as soon as it has granted it.
    #[error("association granted and forgotten at once")]
    AssociationNotKept,
}

/// What the channel did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportFault {
    /// No answer within the time, after all repeats.
    #[error("timed out")]
    Timeout,
    /// The connection was closed.
    #[error("connection closed")]
    Closed,
    /// The meter refused to open the link (HDLC: DM to SNRM): another client may hold it.
    #[error("link refused")]
    LinkRefused,
    /// The meter dropped the link again and again.
    #[error("link lost")]
    LinkLost,
}

/// What does not fit in matters of security.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecurityFault {
    /// The peer refused our password or mechanism.
    #[error("authentication refused by the peer")]
    AuthenticationRefused,
    /// A protected message on an association without protection.
    #[error("protected message on an unprotected association (tag {tag:#04x})")]
    UnexpectedProtection {
        /// First byte of the message.
        tag: u8,
    },
    /// The peer granted the association under a mechanism or context that was not proposed.
    #[error("association granted on other terms than proposed")]
    TermsChanged,
    /// The tag does not fit: another key, or changed on the way. Compare the keys before anything is repeated.
    #[error("message is not genuine under our keys")]
    NotGenuine,
    /// A counter at or below one that was already taken: an old message sent again, or a peer whose counter was reset.
    #[error("invocation counter {received} where at least {expected} was due")]
    Replay {
        /// What the message carries.
        received: u32,
        /// The lowest that would be taken.
        expected: u32,
    },
    /// The peer says that our counter is too low: our record of it was lost. Resume above the value it names.
    #[error("the peer expects an invocation counter of at least {expected}")]
    CounterTooLow {
        /// What the peer named.
        expected: u32,
    },
    /// No counter that is durably ours is at hand; make the bound that was asked for durable.
    #[error("no invocation counter has been reserved")]
    CounterNotReserved,
    /// The peer cannot open what we send: other keys, or another suite.
    #[error("the peer cannot decipher our messages")]
    NotDeciphered,
    /// All counters of this key have been used: the key must be replaced.
    #[error("invocation counters are used up; the key must be replaced")]
    CounterExhausted,
    /// A plain message where protection was agreed.
    #[error("plain message on a protected association (tag {tag:#04x})")]
    Unprotected {
        /// First byte of the message.
        tag: u8,
    },
    /// Less protection than the policy demands.
    #[error("less protection than the policy demands")]
    TooWeak,
    /// Another suite than agreed, or a form of protection that this crate does not open.
    #[error("another security suite or form than agreed")]
    WrongSuite,
    /// A key that the message needs is not there.
    #[error("no {0} at hand")]
    NoKey(&'static str),
    /// The system title is missing, or another than the peer's.
    #[error("system title missing or of somebody else")]
    WrongTitle,
    /// A challenge that is too short, too long, or our own sent back.
    #[error("unusable challenge")]
    BadChallenge,
    /// The peer granted the association and could not prove that it knows the secret. It may be an impostor.
    #[error("the peer could not prove who it is")]
    NotProven,
    /// The caller's supply of random bytes is used up.
    #[error("no random bytes left")]
    NoRandom,
}

/// What the peer refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// GET or SET: the access result.
    #[error("{0}")]
    Access(DataAccessResult),
    /// ACTION: the action result.
    #[error("{0}")]
    Action(ActionResult),
    /// The association.
    #[error("{0}")]
    Association(AssociationRefusal),
    /// An exception response other than "associate first".
    #[error("{0}")]
    Exception(ExceptionResponse),
    /// A confirmed service error, to a request by short names.
    #[error("service {} refused, error {}/{}", .0.service, .0.class, .0.value)]
    Service(ConfirmedServiceError),
    /// An image transfer was given up.
    #[error("image transfer: {0}")]
    Image(ImageError),
    /// A service that the negotiated conformance lacks.
    #[error("the peer does not offer {0}")]
    NotOffered(&'static str),
}

/// What the caller did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// A command is under way; one at a time.
    #[error("a command is under way")]
    Busy,
    /// An empty list of attributes.
    #[error("nothing asked for")]
    Empty,
    /// The request does not fit the peer's largest message, and the service has no blocks for it.
    #[error("request of {bytes} bytes does not fit the peer's limit of {limit}")]
    RequestTooLong {
        /// Encoded size.
        bytes: usize,
        /// Peer's limit.
        limit: usize,
    },
    /// High-level security on a client that was made without keys, counter and random bytes.
    #[error("high-level security without a security configuration")]
    NoSecurity,
    /// More attributes than one list may hold.
    #[error("more than 255 attributes in one list")]
    TooManyAttributes,
    /// An image longer than its 32-bit size can say.
    #[error("image of more than 4 GB")]
    ImageTooLong,
    /// The image that is sent has another size than was announced.
    #[error("the image is not the one that was announced")]
    AnotherImage,
    /// No profile or image transfer that was put aside or broke off.
    #[error("nothing to resume")]
    NothingToResume,
    /// The meter lists no object of that class and logical name, or the class no such member: without it there is no
    /// short name.
    #[error("no short name known for it")]
    NoShortName,
}

/// Why bytes are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end before the message does.
    #[error("ends too early")]
    Truncated,
    /// Bytes are left over.
    #[error("{0} bytes left over")]
    Trailing(usize),
    /// A tag or choice that the standard does not define, or this crate does not know.
    #[error("unknown {what} {tag:#04x}")]
    UnknownTag {
        /// What was being decoded.
        what: &'static str,
        /// The byte.
        tag: u8,
    },
    /// A length field of more than four bytes.
    #[error("length field of {0} bytes")]
    LengthTooWide(u8),
    /// Nested deeper than [`crate::axdr::DEPTH_MAX`].
    #[error("nested too deep")]
    TooDeep,
    /// More elements than the bytes can hold.
    #[error("more elements than the bytes can hold")]
    TooMany,
    /// A field has a value outside of its range.
    #[error("{0} out of range")]
    OutOfRange(&'static str),
    /// The wrapper's version is not 1.
    #[error("wrapper version {0}")]
    WrapperVersion(u16),
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::PeerMisbehaved(PeerFault::Undecodable(error))
    }
}
