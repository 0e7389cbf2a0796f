//! The link to the cloud: what goes up, what comes down, and the outbox that forgets nothing.
//!
//! Every message is one frame:
//!
//! ```text
//!  byte 0   1     2  3            4…
//!  ┌───────┬─────┬──────────────┬──────────┬────────────┐
//!  │version│kind │length (BE)   │sequence  │fields      │   length counts the bytes after itself
//!  │   1   │     │              │varint    │            │
//!  └───────┴─────┴──────────────┴──────────┴────────────┘
//! ```
//!
//! Integers are little-endian base-128 varints, signed ones zigzag-coded; texts are a varint length and UTF-8 of at
//! most 64 bytes. A frame is refused whole unless its length, its version and every field are right and nothing is
//! left over. The format is ours (Arbitrary): it runs inside whatever the port gives (TLS, MQTT), which also
//! authenticates both ends.
//!
//! Sequence numbers start at 1 per boot; an [`Up::Ack`] or [`Down::Ack`] carries 0 for its own and is never
//! acknowledged. Delivery is at least once and may reorder; every message is harmless when repeated: readings are
//! known by (meter, period, sequence), payments by key, relay orders by number, amendments by id.
//!
//! [`Standing`] has kinds of its own (51 in both directions) rather than fields in the hello, so that either end may be of
//! an earlier version: the DCU asks with sequence 0, which nobody need acknowledge, and tells only whom it has heard answer.

mod amend;
mod down;
mod outbox;
mod standing;
mod tariff;
mod up;
pub(crate) mod wire;

pub use down::{Down, DownFrame};
pub use outbox::{Lane, Outbox, OutboxEntry};
pub use standing::Standing;
pub use up::{AlarmCode, Up, UpFrame};
pub use wire::DecodeError;

/// Version of the frame format.
pub const VERSION: u8 = 1;
/// Longest signed note taken: a checkpoint with one signature has about 250 bytes.
pub const NOTE_BYTES_MAX: usize = 800;

#[cfg(test)]
mod tests;
