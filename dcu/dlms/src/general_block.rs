//! General block transfer: cutting a message into numbered blocks and putting it together again, the same in both
//! roles (Green Book 9.4.4.9).
//!
//! ```text
//!   sender                     receiver, window 3
//!   1 streaming ─────────────▶
//!   2 streaming ────── lost ✗
//!   3           ─────────────▶ asked at the end of the window: "1 received in order"
//!               ◀───────────── acknowledged 1
//!   2 streaming ─────────────▶
//!   3 streaming ─────────────▶ (3 had come already and was dropped: only order is kept, not gaps)
//!   4 last      ─────────────▶ whole
//! ```
//!
//! Below it is the link, above it the protected message: what is cut here has been ciphered as a whole. Neither side
//! here waits or knows time; whoever waits repeats its last acknowledgement, and the sender goes on from there.

use crate::apdu::{GeneralBlock, WINDOW_MAX, general_block::HEAD_BYTES};
use crate::error::PeerFault;
use crate::wire::length_width;

/// A message on its way out.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    bytes: Vec<u8>,
    block_bytes: usize,
    /// Last block that the other side has in order, and last block sent since.
    acknowledged: u16,
    sent: u16,
    /// Last block ever sent.
    highest: u16,
    /// How many blocks may be sent in a row.
    window: u8,
}

impl Sender {
    /// A message for a peer that takes messages of `pdu_max` bytes. `None` when there would be more than 65,535 blocks.
    pub(crate) fn new(bytes: Vec<u8>, pdu_max: usize, window: u8) -> Option<Self> {
        let overhead = HEAD_BYTES.saturating_add(length_width(pdu_max));
        let block_bytes = pdu_max.saturating_sub(overhead).max(1);
        let blocks = bytes.len().div_ceil(block_bytes);
        (blocks <= usize::from(u16::MAX)).then_some(Self {
            bytes,
            block_bytes,
            acknowledged: 0,
            sent: 0,
            highest: 0,
            window: window.clamp(1, WINDOW_MAX),
        })
    }

    /// The peer has all blocks up to this one; what came after is to be sent again. `true` when it has them all.
    pub(crate) fn acknowledge(&mut self, number: u16, window: u8) -> bool {
        // Also backwards: a receiver that began anew says so by a lower number. A late one costs a repetition.
        self.acknowledged = number.min(self.highest);
        self.sent = self.acknowledged;
        self.window = window.clamp(1, WINDOW_MAX);
        self.is_sent()
    }

    /// The whole message has gone out at least once since the last acknowledgement.
    pub(crate) fn is_sent(&self) -> bool {
        usize::from(self.sent).saturating_mul(self.block_bytes) >= self.bytes.len()
    }

    /// The next block of the window; `None` when the other side is to speak. `own_window` and `received` tell it what
    /// we take and have.
    pub(crate) fn next(&mut self, own_window: u8, received: u16) -> Option<GeneralBlock<'_>> {
        if self.is_sent() || self.sent >= self.acknowledged.saturating_add(self.window.into()) {
            return None;
        }
        let from = usize::from(self.sent).saturating_mul(self.block_bytes);
        let rest = self.bytes.get(from..)?;
        let data = rest.get(..self.block_bytes).unwrap_or(rest);
        self.sent = self.sent.checked_add(1)?;
        self.highest = self.highest.max(self.sent);
        let last = data.len() == rest.len();
        let window_open = self.sent < self.acknowledged.saturating_add(self.window.into());
        Some(GeneralBlock {
            last,
            streaming: !last && window_open,
            window: own_window,
            number: self.sent,
            acknowledged: received,
            data,
        })
    }
}

/// A message on its way in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Receiver {
    bytes: Vec<u8>,
    /// Last block received in order.
    number: u16,
}

/// What a block has led to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// More follows unasked.
    Streaming,
    /// The sender waits for an acknowledgement.
    Acknowledge,
    /// The message is whole.
    Whole(Vec<u8>),
}

impl Receiver {
    /// Takes a block with data. `limit` bounds the whole message, bytes.
    ///
    /// # Errors
    /// [`PeerFault::TooLong`]: what was received is given up.
    pub(crate) fn take(&mut self, block: &GeneralBlock<'_>, limit: usize) -> Result<Received, PeerFault> {
        // The first block begins a message, whatever came before: the rest of another one must never complete it.
        if block.number == 1 && self.number > 1 {
            *self = Self::default();
        }
        let in_order = self.number.checked_add(1) == Some(block.number);
        if in_order {
            if self.bytes.len().saturating_add(block.data.len()) > limit {
                *self = Self::default();
                return Err(PeerFault::TooLong { limit });
            }
            self.bytes.extend_from_slice(block.data);
            self.number = block.number;
            if block.last {
                self.number = 0;
                return Ok(Received::Whole(std::mem::take(&mut self.bytes)));
            }
        }
        Ok(if block.streaming { Received::Streaming } else { Received::Acknowledge })
    }

    /// Last block received in order, 0 for none.
    pub(crate) const fn number(&self) -> u16 {
        self.number
    }

    pub(crate) const fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Carries a message over a channel that loses the blocks of these numbers (counted over all transmissions).
    fn carry(length: usize, window: u8, lost: &[usize]) -> Option<(Vec<u8>, usize)> {
        let message: Vec<u8> = (0..length).map(|n| n as u8).collect();
        let mut sender = Sender::new(message, 40, window).unwrap();
        let mut receiver = Receiver::default();
        let mut transmissions = 0;
        for _ in 0..1000 {
            while let Some(block) = sender.next(1, 0) {
                let message = block.data.len() + HEAD_BYTES + 1;
                assert!(message <= 40, "{message} bytes");
                let is_lost = lost.contains(&transmissions);
                transmissions += 1;
                if is_lost {
                    continue;
                }
                if let Received::Whole(whole) = receiver.take(&block, 100_000).unwrap() {
                    return Some((whole, transmissions));
                }
            }
            // At the end of each window, or after a while in vain, the receiver says how far it has got.
            sender.acknowledge(receiver.number(), window);
        }
        None
    }

    #[test]
    fn messages_arrive_whatever_is_lost() {
        let expected: Vec<u8> = (0..1000).map(|n| n as u8).collect();
        for window in [1, 3, 63] {
            let (whole, transmissions) = carry(1000, window, &[]).unwrap();
            assert_eq!((whole, transmissions), (expected.clone(), 1000_usize.div_ceil(33)));
            for lost in 0..40 {
                assert_eq!(carry(1000, window, &[lost, lost + 1, lost + 5]).unwrap().0, expected, "{window} {lost}");
            }
        }
    }

    /// Sabotage: a sender that does not go back after a loss never gets the message across.
    #[test]
    fn without_going_back_a_lost_block_stays_lost() {
        let mut sender = Sender::new(vec![1; 100], 40, 63).unwrap();
        let mut receiver = Receiver::default();
        let mut blocks = 0;
        let mut whole = false;
        while let Some(block) = sender.next(1, 0) {
            blocks += 1;
            whole |= blocks != 2 && matches!(receiver.take(&block, 1000), Ok(Received::Whole(_)));
        }
        assert!(!whole && receiver.number() == 1);
    }

    #[test]
    fn a_message_beyond_the_limit_is_given_up() {
        let block =
            |number, data| GeneralBlock { last: false, streaming: false, window: 1, number, acknowledged: 0, data };
        let mut receiver = Receiver::default();
        assert_eq!(receiver.take(&block(1, &[0; 60]), 100), Ok(Received::Acknowledge));
        assert_eq!(receiver.take(&block(2, &[0; 60]), 100), Err(PeerFault::TooLong { limit: 100 }));
        assert_eq!(receiver.heap_bytes(), 0);
        assert!(Sender::new(vec![0; 200_000], 10, 1).is_none());
    }
}
