//! Several frames in a row for one neighbour (EDFE): who answers stays on the channel of the first and does not go away to
//! send ([`crate::mac::engine::Flow`] has the rules). Off by default: nobody stays anywhere.
//!
//! A frame for everywhere is met where the receiver's schedule is, also while it stays elsewhere.

use super::Network;
use super::medium::OnAir;
use crate::mac::engine::{Flow, STAY_MAX_NS};

/// Around a frame: the response, two turnarounds, and some.
const MARGIN_NS: u64 = 30_000_000;

/// A node stays on a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stay {
    channel: u16,
    from_ns: u64,
    until_ns: u64,
}

impl Network {
    /// A node has heard a frame of an exchange: it stays for the next, or goes.
    pub(super) fn stay(&mut self, node: u32, frame: &OnAir) {
        if frame.flow == Flow::More {
            let for_ns = (2 * (frame.part_ns + MARGIN_NS)).min(STAY_MAX_NS);
            let stay = Stay { channel: frame.channel, from_ns: frame.start_ns, until_ns: self.now_ns + for_ns };
            self.stays.insert(node, stay);
        } else {
            self.stays.remove(&node);
        }
    }

    /// Where a node stays, if it does.
    pub(super) fn stays_on(&self, node: u32, at_ns: u64) -> Option<u16> {
        if self.stays.is_empty() {
            return None;
        }
        let stay = self.stays.get(&node)?;
        (stay.from_ns..stay.until_ns).contains(&at_ns).then_some(stay.channel)
    }

    /// A node is about to look at a channel for a frame of its own while it answers another: its MAC waits.
    pub(super) fn is_engaged(&mut self, node: u32) -> bool {
        let until_ns = self.stays.get(&node).map_or(0, |stay| stay.until_ns);
        if until_ns <= self.now_ns {
            return false;
        }
        self.nodes[node as usize].mac.handle_engaged(until_ns);
        true
    }
}
