//! What is due: small numbers in a heap, ordered by time, then node, then kind, never by when they were put in.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Something of a node that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// When a frame's last bit has left the air (a place on the medium).
    End(u32),
    /// When its MAC asked to be woken.
    Mac,
    /// When its joining did.
    Join,
    /// When its routing did.
    Rpl,
    /// When its multicast did.
    Mpl,
    /// When it is chosen whose link is measured next (its life).
    Probe(u8),
    /// When its parents' links are looked through for old measurements (its life).
    Refresh(u8),
}

/// What is due within so long of when it was put in goes into the small heap.
const SOON_NS: u64 = 2_000_000_000;

/// Two heaps, so that the many short waits of the air do not sift through the few long ones of all nodes.
#[derive(Debug, Clone, Default)]
pub(super) struct Queue {
    soon: BinaryHeap<Reverse<u128>>,
    later: BinaryHeap<Reverse<u128>>,
    now_ns: u64,
}

impl Queue {
    pub(super) fn push(&mut self, at_ns: u64, node: u32, due: Due) {
        let (kind, detail) = match due {
            Due::End(place) => (0, place),
            Due::Mac => (3, 0),
            Due::Join => (4, 0),
            Due::Rpl => (5, 0),
            Due::Probe(life) => (6, u32::from(life)),
            Due::Refresh(life) => (7, u32::from(life)),
            Due::Mpl => (8, 0),
        };
        // 64 bits of time, 24 of node, 4 of kind, 32 of detail.
        let key = u128::from(at_ns) << 64 | u128::from(node) << 40 | kind << 32 | u128::from(detail);
        let heap = if at_ns < self.now_ns.saturating_add(SOON_NS) { &mut self.soon } else { &mut self.later };
        heap.push(Reverse(key));
    }

    fn next(&self) -> Option<(u128, bool)> {
        match (self.soon.peek(), self.later.peek()) {
            (Some(Reverse(soon)), Some(Reverse(later))) => Some((*soon.min(later), soon <= later)),
            (Some(Reverse(soon)), None) => Some((*soon, true)),
            (None, Some(Reverse(later))) => Some((*later, false)),
            (None, None) => None,
        }
    }

    pub(super) fn next_ns(&self) -> Option<u64> {
        self.next().map(|(key, _)| (key >> 64) as u64)
    }

    pub(super) fn pop(&mut self) -> Option<(u64, u32, Due)> {
        let (key, soon) = self.next()?;
        let _ = if soon { self.soon.pop() } else { self.later.pop() };
        self.now_ns = (key >> 64) as u64;
        let detail = key as u32;
        let due = match (key >> 32) & 0xF {
            0 => Due::End(detail),
            3 => Due::Mac,
            4 => Due::Join,
            5 => Due::Rpl,
            6 => Due::Probe(detail as u8),
            8 => Due::Mpl,
            _ => Due::Refresh(detail as u8),
        };
        Some(((key >> 64) as u64, (key >> 40) as u32 & 0xFF_FFFF, due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_time_then_node_whatever_the_order_of_pushing() {
        let all = [
            (9, 1, Due::Mac),
            (5, 700_000, Due::Probe(u8::MAX)),
            (5, 3, Due::Refresh(255)),
            (5, 3, Due::End(7)),
            (u64::MAX, 0, Due::Refresh(200)),
        ];
        let drain = |mut queue: Queue| std::iter::from_fn(move || queue.pop()).collect::<Vec<_>>();
        let (mut one, mut two) = (Queue::default(), Queue::default());
        all.iter().for_each(|&(at, node, due)| one.push(at, node, due));
        all.iter().rev().for_each(|&(at, node, due)| two.push(at, node, due));
        assert_eq!(one.next_ns(), Some(5));
        let drained = drain(one);
        assert_eq!(drained, drain(two));
        assert_eq!(drained, [all[3], all[2], all[1], all[0], all[4]]);
    }
}
