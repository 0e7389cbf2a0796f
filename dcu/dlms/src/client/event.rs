//! What comes out of a client.

use super::Notification;
use crate::apdu::DataAccessResult;
use crate::axdr::Value;
use crate::cosem::ProfileRows;
use crate::cosem::map::{Discovered, FirmwareId};
use crate::error::Error;
use crate::link::line::LineSettings;

/// One thing that comes out of [`super::Client::poll_output`].
#[derive(Debug, PartialEq)]
pub enum Output<'a> {
    /// Send this: one whole frame, or one turn of HDLC.
    Transmit(&'a [u8]),
    /// Set the serial port, before the transmissions that follow. Only on serial links.
    SetLine(LineSettings),
    /// This happened.
    Event(ClientEvent<'a>),
    /// Nothing more until then (monotonic ns), or until something arrives. Always the last of a drain.
    Timeout(Option<u64>),
}

/// What a client has to tell. Every command ends with exactly one of `Values`, `Profile`, `Done`, `Failed`, `Suspended`;
/// the others may come before, `Notification` and `ReserveCounter` at any time.
#[derive(Debug, PartialEq)]
pub enum ClientEvent<'a> {
    /// An association has just been granted.
    Associated(Associated),
    /// Make this bound of invocation counters durable, then call [`super::Client::handle_counter_durable`]. Comes at any
    /// time, well before the counters at hand are used up; without an answer the client falls silent when they are.
    ReserveCounter(u32),
    /// The meter has sent something of its own accord.
    Notification(&'a Notification),
    /// The meter has this firmware, whose map this client has not: answer by [`super::Client::handle_map`]. The client
    /// waits for it.
    MapWanted(&'a FirmwareId),
    /// The meter's objects are known now, or others than before: keep them under its firmware if `was_read`.
    Discovered(&'a Discovered),
    /// The meter did not show its objects when the association opened, or not in a form that can be read; the command
    /// goes on without.
    NotDiscovered(Error),
    /// An image transfer has got so far.
    ImageProgress {
        /// Blocks that the meter has confirmed, or has according to its bitmap.
        done: u32,
        /// All blocks.
        total: u32,
    },
    /// The command was put aside as [`super::Client::suspend`] asked; another may be given.
    Suspended,
    /// Results of `read`, in the order asked for.
    Values(&'a [ReadResult]),
    /// Rows of `read_profile`.
    Profile(&'a ProfileRows),
    /// `associate`, `discover`, `write`, `invoke`, `transfer_image` or `release` succeeded. What a method returned, if
    /// anything.
    Done(Option<&'a Value>),
    /// The command failed.
    Failed(Error),
}

/// Value of one attribute, or why the meter did not give it.
pub type ReadResult = Result<Value, DataAccessResult>;

/// Why an association was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Associated {
    /// There was none on our side.
    Opened,
    /// The meter answered that it knows of none, although we had one: it restarted, or let it lapse.
    Reopened,
}
