//! What waits for the cloud's acknowledgement. Part of the durable state: a fold over the journal.
//!
//! Two lanes. [`Lane::Urgent`] (relay confirmations, credits, alarms) is always sent first; [`Lane::Readings`] fills
//! what is left. Each lane is bounded; at the bound the oldest entry goes and is counted, because a site that is cut
//! off for a year must not lose its present for its past. Entries have absolute numbers, so acknowledgements and
//! losses never shift them.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

use super::{Up, up};
use crate::reading::Reading;

/// Which lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Lane {
    /// Relay states, credits, alarms.
    Urgent,
    /// Readings.
    Readings,
}

/// An entry and the record it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxEntry<T> {
    /// Number of the journal record: the entry leaves only when that is durable.
    pub record: u64,
    /// What to send.
    pub item: T,
    acked: bool,
}

/// Both lanes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbox {
    urgent: Queue<Up>,
    readings: Queue<Reading>,
}

impl Outbox {
    /// Empty, with these bounds.
    #[must_use]
    pub fn new(urgent_max: usize, readings_max: usize) -> Self {
        Self { urgent: Queue::new(urgent_max), readings: Queue::new(readings_max) }
    }

    /// Entries that wait, both lanes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.urgent.waiting.saturating_add(self.readings.waiting)
    }

    /// Nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Readings that wait.
    #[must_use]
    pub fn readings_len(&self) -> usize {
        self.readings.waiting
    }

    /// Entries dropped at the bounds.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.urgent.dropped.saturating_add(self.readings.dropped)
    }

    pub(crate) fn push_urgent(&mut self, record: u64, item: Up) {
        self.urgent.push(record, item);
    }

    pub(crate) fn push_reading(&mut self, record: u64, item: Reading) {
        self.readings.push(record, item);
    }

    /// Entries `from..to` of the lane have arrived.
    pub(crate) fn ack(&mut self, lane: Lane, from: u64, to: u64) {
        match lane {
            Lane::Urgent => self.urgent.ack(from, to),
            Lane::Readings => self.readings.ack(from, to),
        }
    }

    /// Number of the lane's first entry that may still wait.
    pub(crate) fn first(&self, lane: Lane) -> u64 {
        match lane {
            Lane::Urgent => self.urgent.base,
            Lane::Readings => self.readings.base,
        }
    }

    /// Number that the lane's next entry will get.
    pub(crate) fn end(&self, lane: Lane) -> u64 {
        match lane {
            Lane::Urgent => self.urgent.end(),
            Lane::Readings => self.readings.end(),
        }
    }

    /// Whether entry `id` may leave, given what is durable.
    pub(crate) fn may_leave(&self, lane: Lane, id: u64, durable: u64) -> bool {
        match lane {
            Lane::Urgent => self.urgent.get(id).is_some_and(|e| e.record <= durable),
            Lane::Readings => self.readings.get(id).is_some_and(|e| e.record <= durable),
        }
    }

    /// Appends a frame with entries from `from` on (before `to`) that rest on durable records; the number after the
    /// last one, or `None` when there was nothing to send.
    pub(crate) fn encode(
        &self,
        lane: Lane,
        (from, to): (u64, u64),
        durable: u64,
        sequence: u64,
        bytes_max: usize,
        out: &mut Vec<u8>,
    ) -> Option<u64> {
        match lane {
            Lane::Urgent => {
                let entry = self.urgent.get(from).filter(|e| e.record <= durable)?;
                entry.item.encode(sequence, out);
                Some(from.saturating_add(1))
            }
            Lane::Readings => {
                let from = from.max(self.readings.base);
                let skip = usize::try_from(from.saturating_sub(self.readings.base)).ok()?;
                let take = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
                let mut entries =
                    self.readings.items.iter().skip(skip).take(take).take_while(|e| e.record <= durable).peekable();
                entries.peek()?;
                let count = up::encode_readings(sequence, entries.map(|e| &e.item), bytes_max, out);
                Some(from.saturating_add(count as u64))
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Queue<T> {
    /// Number of the front entry.
    base: u64,
    items: VecDeque<OutboxEntry<T>>,
    /// Entries not acknowledged yet.
    waiting: usize,
    max: usize,
    dropped: u64,
}

impl<T> Queue<T> {
    fn new(max: usize) -> Self {
        Self { base: 0, items: VecDeque::new(), waiting: 0, max: max.max(1), dropped: 0 }
    }

    fn end(&self) -> u64 {
        self.base.saturating_add(self.items.len() as u64)
    }

    fn get(&self, id: u64) -> Option<&OutboxEntry<T>> {
        self.items.get(usize::try_from(id.checked_sub(self.base)?).ok()?)
    }

    fn push(&mut self, record: u64, item: T) {
        if self.items.len() >= self.max
            && let Some(oldest) = self.items.pop_front()
        {
            self.base = self.base.saturating_add(1);
            if !oldest.acked {
                self.waiting = self.waiting.saturating_sub(1);
                self.dropped = self.dropped.saturating_add(1);
            }
        }
        self.items.push_back(OutboxEntry { record, item, acked: false });
        self.waiting = self.waiting.saturating_add(1);
    }

    fn ack(&mut self, from: u64, to: u64) {
        for id in from.max(self.base)..to.min(self.end()) {
            let slot = usize::try_from(id.saturating_sub(self.base)).unwrap_or(usize::MAX);
            if let Some(entry) = self.items.get_mut(slot).filter(|e| !e.acked) {
                entry.acked = true;
                self.waiting = self.waiting.saturating_sub(1);
            }
        }
        while self.items.front().is_some_and(|e| e.acked) {
            self.items.pop_front();
            self.base = self.base.saturating_add(1);
        }
    }
}
