//! Appending the log to an event store: KurrentDB (EventStoreDB before), by its HTTP form; the gRPC form carries the
//! same five things (stream, expected revision, event id, type, data).
//!
//! ```text
//! POST /streams/<stream>
//! Content-Type: application/vnd.kurrent.events+json
//! Kurrent-ExpectedVersion: <revision of the last event, −1 where the stream must not exist yet>
//!
//! [{"eventId": "<UUID>", "eventType": "payment.credited", "data": {<the record>}, "metadata": {"index": "7", …}}, …]
//! ```
//!
//! The n-th entry of the log is revision n of the stream, so the expected revision is known beforehand. An append
//! without one would not be safe to repeat. Event ids come from the origin, index and content of an entry (UUID
//! version 8, RFC 9562): the same entry has the same id at every attempt.
//!
//! [`Exporter`] asks and is told: [`Exporter::request`], then [`Exporter::handle_reply`].

use serde_json::value::Value as Json;

use crate::{Hash, Record};

/// Media type of a request's body.
pub const CONTENT_TYPE: &str = "application/vnd.kurrent.events+json";
/// Header that names the expected revision.
pub const EXPECTED_HEADER: &str = "Kurrent-ExpectedVersion";

/// Which revision the stream's last event must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// There is no stream yet.
    NoStream,
    /// This one.
    Revision(u64),
}

/// One append, all or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// Name of the stream.
    pub stream: String,
    /// What must stand there.
    pub expected: Expected,
    /// Events, in order.
    pub events: Vec<Event>,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// A UUID, lower case with hyphens.
    pub id: String,
    /// [`Record::what`].
    pub kind: String,
    /// The record, byte for byte as in the log.
    pub data: String,
    /// Index and leaf hash, as text.
    pub metadata: [(&'static str, String); 2],
}

/// What the event store said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The events stand there (HTTP 201), now or since an earlier attempt.
    Appended,
    /// Another revision stands there (HTTP 400, `Kurrent-CurrentVersion`); none where there is no stream.
    WrongRevision {
        /// Of the last event.
        current: Option<u64>,
    },
    /// Nothing is known: no answer, or a fault of the server. The same request may be repeated.
    Unknown,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask for the next request, from this entry on.
    From(u64),
    /// Read this revision of the stream: if its event has the id that [`event_id`] gives for this entry, all is well
    /// and [`Exporter::resume_after`] it; if not, somebody else has written there, and a person must look.
    CheckLast {
        /// Revision, and index of the entry.
        revision: u64,
    },
    /// Repeat the request, later.
    Repeat,
}

/// The way from the log to a stream.
#[derive(Clone, Debug)]
pub struct Exporter {
    origin: String,
    stream: String,
    next: u64,
    asked: u64,
}

impl Exporter {
    /// For the log of this origin, into this stream, from the entry `next` on.
    #[must_use]
    pub fn new(origin: &str, stream: &str, next: u64) -> Self {
        Self { origin: origin.to_owned(), stream: stream.to_owned(), next, asked: 0 }
    }

    /// Index of the next entry to be appended: all before it are known to stand there.
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// A request for these entries, which start at [`Self::next`]; none if there are none, or one is no record.
    #[must_use]
    pub fn request(&mut self, entries: &[&[u8]]) -> Option<Append> {
        let events: Option<Vec<Event>> =
            (self.next..).zip(entries).map(|(index, entry)| event(&self.origin, index, entry)).collect();
        let events = events.filter(|events| !events.is_empty())?;
        self.asked = u64::try_from(events.len()).ok()?;
        let expected = self.next.checked_sub(1).map_or(Expected::NoStream, Expected::Revision);
        Some(Append { stream: self.stream.clone(), expected, events })
    }

    /// What came back.
    pub fn handle_reply(&mut self, reply: Reply) -> Next {
        match reply {
            Reply::Appended => {
                self.next = self.next.saturating_add(std::mem::take(&mut self.asked));
                Next::From(self.next)
            }
            Reply::Unknown => Next::Repeat,
            Reply::WrongRevision { current: None } => {
                self.next = 0;
                Next::From(0)
            }
            // An earlier attempt went further than we know, or the store has lost its end.
            Reply::WrongRevision { current: Some(revision) } => Next::CheckLast { revision },
        }
    }

    /// The event at this revision was seen to be ours.
    pub fn resume_after(&mut self, revision: u64) {
        self.next = revision.saturating_add(1);
    }
}

impl Append {
    /// Path below the server's address.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/streams/{}", self.stream)
    }

    /// Value of [`EXPECTED_HEADER`].
    #[must_use]
    pub fn expected_header(&self) -> String {
        match self.expected {
            Expected::NoStream => "-1".to_owned(),
            Expected::Revision(revision) => revision.to_string(),
        }
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> String {
        let events: Vec<String> = self.events.iter().map(Event::to_json).collect();
        format!("[{}]", events.join(","))
    }
}

impl Event {
    fn to_json(&self) -> String {
        let text = |text: &str| Json::from(text).to_string();
        let [(a, index), (b, leaf)] = &self.metadata;
        format!(
            "{{\"eventId\":{},\"eventType\":{},\"data\":{},\"metadata\":{{\"{a}\":{},\"{b}\":{}}}}}",
            text(&self.id),
            text(&self.kind),
            self.data,
            text(index),
            text(leaf),
        )
    }
}

fn event(origin: &str, index: u64, entry: &[u8]) -> Option<Event> {
    let record = Record::from_bytes(entry).ok()?;
    let leaf = Hash::of_leaf(entry);
    Some(Event {
        id: event_id(origin, index, &leaf),
        kind: record.what,
        data: std::str::from_utf8(entry).ok()?.to_owned(),
        metadata: [("index", index.to_string()), ("leaf", leaf.to_string())],
    })
}

/// The id of an entry's event: a UUID of version 8 from the SHA-256 of `taa-ledger-event`, origin, index and leaf hash,
/// each ended by a newline.
#[must_use]
pub fn event_id(origin: &str, index: u64, leaf: &Hash) -> String {
    let named = format!("taa-ledger-event\n{origin}\n{index}\n{leaf}\n");
    let digest = taa_keys::hash::sha256(&[named.as_bytes()]);
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest).for_each(|(byte, digest)| *byte = digest);
    let number = u128::from_be_bytes(bytes) & !(0xF << 76) & !(0x3 << 62) | 8 << 76 | 2 << 62;
    let hex = format!("{number:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}
