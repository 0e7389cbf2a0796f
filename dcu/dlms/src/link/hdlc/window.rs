//! Numbered frames in both directions, the same for either station (IEC 62056-46, 6.4.4.5): segmentation, numbers
//! modulo 8, windows, acknowledgement, sending again from the first frame that was not acknowledged.

use std::collections::VecDeque;

use super::address::Address;
use super::control::Control;
use super::frame::{Frame, FrameFault};
use super::parameters::Parameters;

/// Numbers and buffers of one link.
#[derive(Clone, Debug)]
pub(super) struct Window {
    limits: Parameters,
    /// Messages on their way, one behind the other, and where each ends.
    outgoing: Vec<u8>,
    ends: VecDeque<usize>,
    /// Bytes acknowledged; bytes sent.
    acknowledged: usize,
    sent: usize,
    /// Ends of the segments in flight.
    flying: [usize; 7],
    in_flight: u8,
    /// Number of the oldest frame in flight; of the frame expected next.
    oldest: u8,
    expected: u8,
    incoming: Vec<u8>,
    /// The message in `incoming` is whole and has been handed out.
    taken: bool,
    incoming_max: usize,
}

/// What became of a numbered frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accepted {
    /// In its place; more follows.
    Piece,
    /// In its place; the message is whole.
    Whole,
    /// Not the one due: a repeat, or one after a gap.
    OutOfSequence,
    /// The message passes the bound.
    TooLong,
}

/// Buffers above this are given back when they are empty.
const IDLE_BYTES: usize = 128;

impl Window {
    pub(super) const fn new(incoming_max: usize) -> Self {
        Self {
            limits: Parameters::DEFAULT,
            outgoing: Vec::new(),
            ends: VecDeque::new(),
            acknowledged: 0,
            sent: 0,
            flying: [0; 7],
            in_flight: 0,
            oldest: 0,
            expected: 0,
            incoming: Vec::new(),
            taken: false,
            incoming_max,
        }
    }

    /// The link has been opened: numbers from 0. What waits to be sent stays.
    pub(super) fn open(&mut self, limits: Parameters) {
        self.limits = limits;
        self.sent = self.acknowledged;
        self.in_flight = 0;
        self.oldest = 0;
        self.expected = 0;
        self.incoming.clear();
        self.taken = false;
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.incoming_max);
    }

    // Sending.

    /// Adds a message behind those on their way.
    pub(super) fn queue(&mut self, prefix: &[u8], message: &[u8]) {
        self.outgoing.extend_from_slice(prefix);
        self.outgoing.extend_from_slice(message);
        self.ends.push_back(self.outgoing.len());
    }

    /// Takes N(R). `false` when it acknowledges what was never sent.
    pub(super) fn acknowledge(&mut self, receive: u8) -> bool {
        let count = receive.wrapping_sub(self.oldest) & 7;
        if count > self.in_flight {
            return false;
        }
        if count > 0 {
            let last = usize::from(count).saturating_sub(1);
            self.acknowledged = self.flying.get(last).copied().unwrap_or(self.acknowledged);
            self.flying.rotate_left(usize::from(count));
            self.in_flight = self.in_flight.saturating_sub(count);
            self.oldest = receive & 7;
            while self.ends.front().is_some_and(|end| *end < self.acknowledged) {
                self.ends.pop_front();
            }
            if self.acknowledged >= self.outgoing.len() {
                // It may have held a password.
                self.outgoing.fill(0);
                self.outgoing.clear();
                self.ends.clear();
                self.acknowledged = 0;
                self.sent = 0;
                if self.outgoing.capacity() > IDLE_BYTES {
                    self.outgoing = Vec::new();
                }
            }
        }
        true
    }

    /// What was not acknowledged will be sent again.
    pub(super) const fn rewind(&mut self) {
        self.sent = self.acknowledged;
        self.in_flight = 0;
    }

    /// Number of the frame sent next.
    pub(super) const fn next_number(&self) -> u8 {
        self.oldest.wrapping_add(self.in_flight) & 7
    }

    pub(super) const fn in_flight(&self) -> u8 {
        self.in_flight
    }

    /// There is something that has not been sent (or is to be sent again).
    pub(super) fn has_more(&self) -> bool {
        self.sent < self.outgoing.len()
    }

    /// Appends the frames of one turn, as many as the window takes; the last one hands the word over.
    pub(super) fn put_turn(&mut self, to: Address, from: Address, out: &mut Vec<u8>) -> Result<(), FrameFault> {
        while self.in_flight < self.limits.transmit_window {
            let begin = self.sent;
            let Some(message_end) = self.ends.iter().copied().find(|end| *end > begin) else { break };
            let end = begin.saturating_add(usize::from(self.limits.transmit_bytes)).min(message_end);
            let flying = self.in_flight.saturating_add(1);
            let frame = Frame {
                destination: to,
                source: from,
                control: Control::Information { send: self.next_number(), receive: self.expected },
                poll: flying == self.limits.transmit_window || end == self.outgoing.len(),
                segmented: end < message_end,
                information: self.outgoing.get(begin..end).unwrap_or(&[]),
            };
            frame.encode(out)?;
            if let Some(slot) = self.flying.get_mut(usize::from(self.in_flight)) {
                *slot = end;
            }
            self.in_flight = flying;
            self.sent = end;
        }
        Ok(())
    }

    // Receiving.

    /// N(R) to be sent.
    pub(super) const fn expected(&self) -> u8 {
        self.expected
    }

    /// Takes a numbered frame.
    pub(super) fn accept(&mut self, send: u8, segmented: bool, information: &[u8]) -> Accepted {
        if send != self.expected {
            return Accepted::OutOfSequence;
        }
        self.discard_taken();
        if self.incoming.len().saturating_add(information.len()) > self.incoming_max {
            return Accepted::TooLong;
        }
        self.expected = self.expected.wrapping_add(1) & 7;
        self.incoming.extend_from_slice(information);
        if segmented {
            return Accepted::Piece;
        }
        self.taken = true;
        Accepted::Whole
    }

    /// Part of a message has been received and the rest is due.
    pub(super) fn is_partial(&self) -> bool {
        !self.taken && !self.incoming.is_empty()
    }

    /// The message that [`Self::accept`] called whole.
    pub(super) fn message(&self) -> &[u8] {
        &self.incoming
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.outgoing
            .capacity()
            .saturating_add(self.incoming.capacity())
            .saturating_add(self.ends.capacity().saturating_mul(size_of::<usize>()))
    }

    /// Gives back what a message that was handed out has held.
    pub(super) fn discard_taken(&mut self) {
        if self.taken {
            self.taken = false;
            self.incoming.clear();
            if self.incoming.capacity() > IDLE_BYTES {
                self.incoming = Vec::new();
            }
        }
    }
}
