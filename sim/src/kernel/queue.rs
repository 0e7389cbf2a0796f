//! The event queue: what is due, in an order that depends on nothing but the events themselves.
//!
//! Events fire by (time, delta, phase, node, sequence of that node). What that buys:
//!
//! - Two runs that schedule the same events fire them alike, whatever else they schedule: there is no global insertion
//!   counter that a new customer could shift.
//! - An event for the present instant or for the past fires at the present instant, one *delta* later: after everything
//!   that is already due now, and before time moves on. Causes come before effects although no time passes.
//! - A model whose zero-delay events feed each other for ever is stopped after [`Queue::MAX_DELTAS`] rounds with a
//!   [`KernelError::ZeroDelayLoop`] that names the nodes ([`Queue::fault`]).

use super::node::NODE_BITS;
use super::wheel::{Entry, Wheel};
use super::{KernelError, NodeId, NodeTable, Phase, SimTime, Wake};

/// Bits of an event key that count a node's events.
const SEQUENCE_BITS: u32 = 40;
/// Zero-delay rounds whose nodes are remembered for the message.
const NAMED_ROUNDS: u32 = 8;
/// Zero-delay events waiting at one instant that are taken for a loop, whatever the number of rounds.
const MAX_WAITING: usize = 1 << 24;

const _: () = assert!(NODE_BITS + SEQUENCE_BITS <= 60, "three bits and a spare one are the phase's");

/// An event on its way to the handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fired<E> {
    /// When.
    pub time: SimTime,
    /// How many zero-delay rounds into the instant.
    pub delta: u32,
    /// In which phase.
    pub phase: Phase,
    /// For whom.
    pub node: NodeId,
    /// What.
    pub event: E,
}

/// Pending events and the present instant.
#[derive(Clone, Debug)]
pub struct Queue<E> {
    nodes: NodeTable,
    now: SimTime,
    delta: u32,
    /// Events after `now`, and those of `now` that were scheduled earlier (delta 0).
    timed: Wheel<E>,
    /// Events of this delta, the next one last.
    round: Vec<Entry<E>>,
    /// Events of the next delta, as they came.
    next_round: Vec<Entry<E>>,
    /// Number of the next event of each node.
    sequence: Vec<u64>,
    /// Nodes that opened the last rounds before the limit.
    suspects: Vec<NodeId>,
    fault: Option<KernelError>,
}

impl<E: Copy> Queue<E> {
    /// Rounds of zero-delay events allowed at one instant.
    pub const MAX_DELTAS: u32 = 10_000;

    /// An empty queue at [`SimTime::ZERO`].
    #[must_use]
    pub fn new(nodes: NodeTable) -> Self {
        Self {
            now: SimTime::ZERO,
            delta: 0,
            timed: Wheel::new(),
            round: Vec::new(),
            next_round: Vec::new(),
            sequence: vec![0; nodes.len()],
            suspects: Vec::new(),
            fault: None,
            nodes,
        }
    }

    /// The present instant.
    #[inline]
    #[must_use]
    pub const fn now(&self) -> SimTime {
        self.now
    }

    /// The nodes that events belong to.
    #[must_use]
    pub const fn nodes(&self) -> &NodeTable {
        &self.nodes
    }

    /// How many events are pending, stale wakes included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.timed.len() + self.round.len() + self.next_round.len()
    }

    /// Nothing is pending.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Why nothing more will fire, if something is wrong.
    #[must_use]
    pub const fn fault(&self) -> Option<&KernelError> {
        self.fault.as_ref()
    }

    /// Schedules an event at a time; at the present instant, one delta later, when that time is not ahead.
    ///
    /// # Panics
    /// When `node` is not one of [`Queue::nodes`].
    #[inline]
    pub fn at(&mut self, time: SimTime, phase: Phase, node: NodeId, event: E) {
        let sequence = &mut self.sequence[node.index()];
        let rank = ((phase as u64) << 60) | (u64::from(node.0) << SEQUENCE_BITS) | *sequence;
        *sequence += 1;
        if *sequence >> SEQUENCE_BITS != 0 {
            self.sequence_exhausted(node);
        }
        if time > self.now {
            self.timed.push(Entry { time: time.0, rank, event });
        } else {
            self.next_round.push(Entry { time: self.now.0, rank, event });
        }
    }

    /// Schedules an event some milliseconds from now.
    #[inline]
    pub fn after_ms(&mut self, delay_ms: u64, phase: Phase, node: NodeId, event: E) {
        self.at(self.now.plus_ms(delay_ms), phase, node, event);
    }

    /// Schedules an event some nanoseconds from now.
    #[inline]
    pub fn after_ns(&mut self, delay_ns: u64, phase: Phase, node: NodeId, event: E) {
        self.at(self.now + delay_ns, phase, node, event);
    }

    /// Schedules the one wake of a state machine; an earlier one that is still pending turns stale.
    #[inline]
    pub fn arm(&mut self, wake: &mut Wake, time: SimTime, phase: Phase, node: NodeId, event: impl FnOnce(u32) -> E) {
        wake.cancel();
        self.at(time, phase, node, event(wake.generation()));
    }

    /// The time of the next event.
    #[inline]
    #[must_use]
    pub fn peek_time(&mut self) -> Option<SimTime> {
        if self.zero_delay_waits() { Some(self.now) } else { self.timed.peek_time().map(SimTime) }
    }

    /// Takes the next event out and moves time to it; `None` when nothing is pending, or after a [`Queue::fault`].
    #[inline]
    pub fn pop(&mut self) -> Option<Fired<E>> {
        self.pop_until(SimTime::MAX)
    }

    /// [`Queue::pop`], leaving alone what lies after `until`.
    #[inline]
    pub fn pop_until(&mut self, until: SimTime) -> Option<Fired<E>> {
        if self.zero_delay_waits() {
            return self.pop_at_this_instant(until);
        }
        let entry = self.timed.pop_until(until.0)?;
        if entry.time > self.now.0 {
            self.now = SimTime(entry.time);
            self.delta = 0;
        }
        Some(self.fired(entry))
    }

    /// Moves the present to `time`, for a caller who waits outside: not backwards, and not past a pending event.
    pub fn advance_to(&mut self, time: SimTime) {
        let time = self.peek_time().map_or(time, |next| next.min(time));
        if time > self.now {
            self.now = time;
            self.delta = 0;
        }
    }

    #[inline]
    fn zero_delay_waits(&self) -> bool {
        !self.round.is_empty() | !self.next_round.is_empty() | self.fault.is_some()
    }

    #[cold]
    #[inline(never)]
    fn pop_at_this_instant(&mut self, until: SimTime) -> Option<Fired<E>> {
        if self.fault.is_some() || until < self.now {
            return None;
        }
        if self.round.is_empty() {
            // What was due at this instant beforehand comes before what the instant itself brought about.
            if let Some(entry) = self.timed.pop_until(self.now.0) {
                return Some(self.fired(entry));
            }
            self.open_round()?;
        }
        self.round.pop().map(|entry| self.fired(entry))
    }

    /// Turns the waiting zero-delay events into the next round.
    fn open_round(&mut self) -> Option<()> {
        self.delta += 1;
        std::mem::swap(&mut self.round, &mut self.next_round);
        self.round.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.rank));
        if self.delta + NAMED_ROUNDS == Self::MAX_DELTAS {
            self.suspects.clear();
        }
        if self.delta + NAMED_ROUNDS >= Self::MAX_DELTAS || self.round.len() > MAX_WAITING {
            self.suspects.extend(self.round.iter().rev().take(NAMED_ROUNDS as usize).map(|e| node_of(e.rank)));
        }
        if self.delta > Self::MAX_DELTAS || self.round.len() > MAX_WAITING {
            self.suspects.sort_unstable();
            self.suspects.dedup();
            let nodes = self.suspects.iter().map(|&node| self.nodes.name(node).to_owned()).collect();
            self.fault = Some(KernelError::ZeroDelayLoop { at: self.now, deltas: self.delta, nodes });
            return None;
        }
        Some(())
    }

    #[inline]
    const fn fired(&self, entry: Entry<E>) -> Fired<E> {
        Fired {
            time: self.now,
            delta: self.delta,
            phase: Phase::from_rank(entry.rank >> 60),
            node: node_of(entry.rank),
            event: entry.event,
        }
    }

    #[cold]
    #[inline(never)]
    fn sequence_exhausted(&mut self, node: NodeId) {
        self.fault = Some(KernelError::SequenceExhausted { node: self.nodes.name(node).to_owned() });
    }
}

#[inline]
const fn node_of(rank: u64) -> NodeId {
    NodeId((rank >> SEQUENCE_BITS) as u32 & ((1 << NODE_BITS) - 1))
}
