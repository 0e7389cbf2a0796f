//! What is in RAM and not yet on the disk.

use std::collections::VecDeque;

use taa_dcu::journal::{Entry, Record, bytes};

use crate::{config::StoreConfig, error::StoreError, health::Health, pack, stats::Stats};

/// Estimated bytes of a reading in RAM and, packed, on the disk together.
const SOFT_BYTES: usize = size_of::<Record>();

/// Something that was appended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    /// A record.
    Record(Record),
    /// A record that carries the whole state, packed.
    Snapshot(u64, Vec<u8>),
}

impl Item {
    fn may_go(&self) -> bool {
        matches!(self, Self::Record(record) if pack::may_go(&record.entry))
    }
}

/// What is in RAM, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Buffer {
    items: VecDeque<(Item, usize)>,
    /// Number of the last record appended.
    appended: u64,
    /// Ledger entries, each behind its length, from `leaf_first` on.
    leaves: Vec<Vec<u8>>,
    leaf_first: u64,
    /// Numbers given up, as ranges, oldest first.
    dropped: Vec<(u64, u64)>,
    bytes: usize,
    /// When the oldest item came.
    since_ms: Option<u64>,
    urgent: bool,
}

/// Who lets things into the buffer, and what it knows by then.
pub(crate) struct Door<'a> {
    pub(crate) now_ms: u64,
    pub(crate) ram_bytes_max: usize,
    pub(crate) health: &'a mut Health,
    pub(crate) stats: &'a mut Stats,
}

impl Buffer {
    /// Behind this record and before this ledger entry.
    pub(crate) fn new(appended: u64, leaf_first: u64) -> Self {
        Self { appended, leaf_first, ..Self::default() }
    }

    /// Takes the record with this number, if it is the next one and there is room. `item` makes of it what is kept.
    pub(crate) fn take_record(
        &mut self,
        door: &mut Door<'_>,
        (number, urgent): (u64, bool),
        item: impl FnOnce() -> Option<(Item, usize)>,
    ) -> Result<(), StoreError> {
        if let Health::Stopped(_) = door.health {
            return Err(StoreError::Stopped { record: number });
        }
        let expected = self.appended.saturating_add(1);
        if number != expected {
            return Err(StoreError::Order { expected, found: number });
        }
        let item = item().ok_or(StoreError::Unwritable(number))?;
        self.admit(door, number, item.1)?;
        self.push(door.now_ms, item, urgent);
        self.appended = expected;
        door.stats.records = door.stats.records.saturating_add(1);
        Ok(())
    }

    /// Takes the ledger entry with this index, if it is the next one and there is room.
    pub(crate) fn take_leaf(&mut self, door: &mut Door<'_>, index: u64, entry: &[u8]) -> Result<(), StoreError> {
        if let Health::Stopped(_) = door.health {
            return Err(StoreError::Stopped { record: self.appended });
        }
        let expected = self.leaf_next();
        if index != expected {
            return Err(StoreError::LeafOrder { expected, found: index });
        }
        self.admit(door, self.appended, entry.len())?;
        self.push_leaf(door.now_ms, entry);
        Ok(())
    }

    /// Sees to it that so many bytes have room; else the store stops.
    fn admit(&mut self, door: &mut Door<'_>, record: u64, bytes: usize) -> Result<(), StoreError> {
        // While the disk is well, a commit is due long before.
        let Health::Failing { trouble, .. } = *door.health else { return Ok(()) };
        let (gone, fits) = self.fit(bytes, door.ram_bytes_max);
        door.stats.dropped = door.stats.dropped.saturating_add(gone);
        if !fits {
            *door.health = Health::Stopped(trouble);
            return Err(StoreError::Stopped { record });
        }
        Ok(())
    }

    pub(crate) const fn appended(&self) -> u64 {
        self.appended
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.leaves.is_empty() && self.dropped.is_empty()
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) const fn is_urgent(&self) -> bool {
        self.urgent
    }

    pub(crate) fn items(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().map(|(item, _)| item)
    }

    pub(crate) fn dropped(&self) -> &[(u64, u64)] {
        &self.dropped
    }

    /// Index of the first ledger entry that waits, and the entries.
    pub(crate) fn leaves(&self) -> (u64, &[Vec<u8>]) {
        (self.leaf_first, &self.leaves)
    }

    /// Index of the next ledger entry.
    pub(crate) fn leaf_next(&self) -> u64 {
        self.leaf_first.saturating_add(self.leaves.len() as u64)
    }

    /// What the record takes in RAM; `None` where it cannot be written.
    pub(crate) fn item(record: &Record) -> Option<(Item, usize)> {
        if let Entry::Checkpoint(_) = record.entry {
            let packed = pack::pack(std::slice::from_ref(record))?;
            let length = packed.len();
            return Some((Item::Snapshot(record.number, packed), length));
        }
        let more = if let Entry::Reading(_) = record.entry {
            0
        } else {
            let mut bytes = Vec::new();
            bytes::encode(record, &mut bytes).ok()?;
            bytes.len()
        };
        Some((Item::Record(record.clone()), SOFT_BYTES.saturating_add(more)))
    }

    fn push(&mut self, now_ms: u64, (item, bytes): (Item, usize), urgent: bool) {
        self.items.push_back((item, bytes));
        self.bytes = self.bytes.saturating_add(bytes);
        self.since_ms.get_or_insert(now_ms);
        self.urgent |= urgent;
    }

    fn push_leaf(&mut self, now_ms: u64, entry: &[u8]) {
        self.leaves.push(entry.to_vec());
        self.bytes = self.bytes.saturating_add(entry.len());
        self.since_ms.get_or_insert(now_ms);
    }

    /// When it is to be written: at once if something urgent is in it, or much, else when it has been held long enough;
    /// `None` while it is empty.
    pub(crate) fn due(&self, now_ms: u64, config: &StoreConfig) -> Option<u64> {
        self.since_ms.map(|since| {
            let full = self.bytes >= config.hold_bytes;
            if self.urgent || full { now_ms } else { since.saturating_add(config.hold_ms) }
        })
    }

    /// Gives things up so that `bytes` fit below `max`: how many records went, and whether that was enough.
    fn fit(&mut self, bytes: usize, max: usize) -> (u64, bool) {
        let gone = self.make_room(bytes, max);
        (gone, self.bytes.saturating_add(bytes) <= max)
    }

    /// Gives up the oldest readings and acknowledgements until `bytes` fit below `max`; how many records went.
    fn make_room(&mut self, bytes: usize, max: usize) -> u64 {
        let mut excess = self.bytes.saturating_add(bytes).saturating_sub(max);
        if excess == 0 {
            return 0;
        }
        // A tenth more than needed, so that not every record afterwards goes through the whole buffer.
        excess = excess.saturating_add(max / 10);
        let mut gone = 0_u64;
        let mut kept = VecDeque::with_capacity(self.items.len());
        for (item, size) in self.items.drain(..) {
            match &item {
                Item::Record(record) if excess > 0 && item.may_go() => {
                    excess = excess.saturating_sub(size);
                    self.bytes = self.bytes.saturating_sub(size);
                    gone = gone.saturating_add(1);
                    give_up(&mut self.dropped, record.number);
                }
                _ => kept.push_back((item, size)),
            }
        }
        self.items = kept;
        gone
    }

    /// Everything is on the disk.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.appended, self.leaf_next());
    }

    /// Hands everything out, in order.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Item> + use<> {
        let next = Self::new(self.appended, self.leaf_next());
        std::mem::replace(self, next).items.into_iter().map(|(item, _)| item)
    }
}

/// Adds a number to ranges in order; numbers may come behind those of an earlier round.
fn give_up(ranges: &mut Vec<(u64, u64)>, number: u64) {
    let at = ranges.partition_point(|&(_, last)| last < number);
    if let Some(before) = at.checked_sub(1).and_then(|at| ranges.get_mut(at))
        && before.1.saturating_add(1) == number
    {
        before.1 = number;
        return;
    }
    ranges.insert(at, (number, number));
}
