//! The pending events, earliest first.
//!
//! A hierarchical timing wheel with a sorted front. Eleven levels of 64 slots split time by six bits each; an entry
//! lies at the level of the highest bit group in which its time differs from the wheel's base. Inserting costs a shift
//! and an append. When the front is used up, the first slot of the lowest occupied level becomes the new front: sorted
//! when it holds few entries, spread over finer slots when it holds many. So an entry is copied two or three times in
//! its life, always in bulk and in order, where a binary heap of 100 000 entries walks seventeen cold levels.
//!
//! Entries that fall due within the span of the current front go to a small heap beside it (`late`); a front that
//! attracts too many is spread again.

use std::collections::BinaryHeap;

/// Bits of time per level.
const BITS: u32 = 6;
/// Slots per level.
const SLOTS: usize = 1 << BITS;
/// Levels that cover 64 bits.
const LEVELS: usize = 64_usize.div_ceil(BITS as usize);
/// Entries per chunk of a slot.
const CHUNK: usize = 32;
/// A slot with at most this many entries is sorted at once instead of being spread.
const FRONT: usize = 64;
/// With more late entries than this, the front is spread over the wheel again.
const LATE: usize = 512;
/// No chunk.
const NONE: u32 = u32::MAX;

/// A pending event: `time`, then everything else that orders it packed into `rank`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<E> {
    pub(super) time: u64,
    pub(super) rank: u64,
    pub(super) event: E,
}

impl<E> Entry<E> {
    /// The whole order as one number.
    #[inline]
    pub(super) const fn key(&self) -> u128 {
        ((self.time as u128) << 64) | self.rank as u128
    }
}

/// Entries at one slot, as a chain of chunks; all but the first are full.
#[derive(Clone, Copy, Debug)]
struct Slot {
    chunk: u32,
    len: u32,
}

const EMPTY: Slot = Slot { chunk: NONE, len: 0 };

/// All pending entries; their times are at least 1, which leaves `base - 1` a meaning.
#[derive(Clone, Debug)]
pub(super) struct Wheel<E> {
    /// Ascending order from the end: the next entry is the last.
    front: Vec<Entry<E>>,
    /// Entries that came for the front's span after it was sorted.
    late: BinaryHeap<Late<E>>,
    /// The front is spread again when `late` outgrows this.
    late_max: usize,
    /// Start of the slot that became the front: levels are counted from here.
    base: u64,
    /// The last nanosecond of the front's span. Everything in `slots` is later.
    front_last: u64,
    slots: Box<[[Slot; SLOTS]; LEVELS]>,
    /// Bit n: slot n of the level is occupied.
    occupied: [u64; LEVELS],
    /// Bit n: level n has an occupied slot.
    levels: u32,
    /// Chunks of `CHUNK` entries; which of them are live is known by slot lengths alone.
    arena: Vec<Entry<E>>,
    /// The chunk after each chunk.
    next_chunk: Vec<u32>,
    free: Vec<u32>,
    len: usize,
}

impl<E: Copy> Wheel<E> {
    pub(super) fn new() -> Self {
        Self {
            front: Vec::with_capacity(FRONT),
            late: BinaryHeap::new(),
            late_max: LATE,
            base: 0,
            front_last: 0,
            slots: Box::new([[EMPTY; SLOTS]; LEVELS]),
            occupied: [0; LEVELS],
            levels: 0,
            arena: Vec::new(),
            next_chunk: Vec::new(),
            free: Vec::new(),
            len: 0,
        }
    }

    /// How many entries are pending.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    pub(super) fn push(&mut self, entry: Entry<E>) {
        self.len += 1;
        if entry.time > self.front_last {
            self.place(entry);
        } else {
            self.late.push(Late(entry));
        }
    }

    /// Time of the next entry.
    #[inline]
    pub(super) fn peek_time(&mut self) -> Option<u64> {
        if (self.front.is_empty() & self.late.is_empty()) | (self.late.len() > self.late_max) {
            self.refill();
        }
        match (self.front.last(), self.late.peek()) {
            (Some(front), None) => Some(front.time),
            (Some(front), Some(late)) => Some(front.time.min(late.0.time)),
            (None, late) => late.map(|late| late.0.time),
        }
    }

    /// Takes the next entry out if it is due at `until` or before.
    #[inline]
    pub(super) fn pop_until(&mut self, until: u64) -> Option<Entry<E>> {
        if (self.front.is_empty() & self.late.is_empty()) | (self.late.len() > self.late_max) {
            self.refill();
        }
        let from_late = match (self.front.last(), self.late.peek()) {
            (Some(front), None) => (front.time <= until).then_some(false),
            (Some(front), Some(late)) => {
                let first = late.0.key() < front.key();
                let time = if first { late.0.time } else { front.time };
                (time <= until).then_some(first)
            }
            (None, Some(late)) => (late.0.time <= until).then_some(true),
            (None, None) => None,
        }?;
        self.len -= 1;
        if from_late { self.late.pop().map(|late| late.0) } else { self.front.pop() }
    }

    /// Appends an entry to the slot its time calls for; only for times after the front.
    ///
    /// Inlined and written field by field: an entry handed over in memory is read back in wider words than it was
    /// written in, which costs a stall per event.
    #[inline(always)]
    fn place(&mut self, entry: Entry<E>) {
        let differs = (entry.time ^ self.base) | 1;
        let level = (differs.ilog2() / BITS) as usize;
        let index = (entry.time >> (level as u32 * BITS)) as usize % SLOTS;
        let slot = &mut self.slots[level][index];
        let within = slot.len as usize % CHUNK;
        if within == 0 {
            let chunk = match self.free.pop() {
                Some(chunk) => chunk,
                None => {
                    let chunk = self.next_chunk.len() as u32;
                    self.next_chunk.push(NONE);
                    self.arena.resize(self.arena.len() + CHUNK, entry);
                    chunk
                }
            };
            self.next_chunk[chunk as usize] = slot.chunk;
            slot.chunk = chunk;
            self.occupied[level] |= 1 << index;
            self.levels |= 1 << level;
        }
        slot.len += 1;
        let at = &mut self.arena[slot.chunk as usize * CHUNK + within];
        at.time = entry.time;
        at.rank = entry.rank;
        at.event = entry.event;
    }

    /// Makes the earliest slots the front, or spreads an overfull one.
    #[cold]
    #[inline(never)]
    fn refill(&mut self) {
        if self.late.len() > self.late_max {
            self.spread_front();
        }
        while self.front.is_empty() && self.late.is_empty() && self.levels != 0 {
            let level = self.levels.trailing_zeros() as usize;
            let index = self.occupied[level].trailing_zeros() as usize;
            let slot = self.slots[level][index];
            self.slots[level][index] = EMPTY;
            self.occupied[level] &= !(1 << index);
            if self.occupied[level] == 0 {
                self.levels &= !(1 << level);
            }
            let shift = level as u32 * BITS;
            let span = 1_u64.checked_shl(shift + BITS).map_or(u64::MAX, |above| above - 1);
            self.base = (self.base & !span) | ((index as u64) << shift);
            if level == 0 || slot.len as usize <= FRONT {
                self.front_last = self.base | ((1 << shift) - 1);
                self.late_max = if level == 0 { usize::MAX } else { LATE };
                self.drain(slot, |wheel, entry| wheel.front.push(entry));
                self.front.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.key()));
            } else {
                // Everything in this slot lies after this nanosecond or at it, so the span before it is empty.
                self.drain(slot, Self::place);
                self.front_last = self.base.saturating_sub(1);
            }
        }
    }

    /// Puts front and late entries back among the slots, counted from the earliest of them.
    fn spread_front(&mut self) {
        let mut entries: Vec<Entry<E>> = std::mem::take(&mut self.front);
        entries.extend(std::mem::take(&mut self.late).into_iter().map(|late| late.0));
        let earliest = entries.iter().map(|entry| entry.time).min().unwrap_or(self.base);
        // Still within the front's slot, so entries elsewhere keep their levels, and finer levels are empty.
        self.base = earliest.max(self.base);
        for entry in entries {
            if entry.time < self.base { self.late.push(Late(entry)) } else { self.place(entry) }
        }
        self.front_last = self.base.saturating_sub(1);
        self.late_max = LATE.max(2 * self.late.len());
    }

    /// Hands every entry of a slot on and frees its chunks.
    #[inline]
    fn drain(&mut self, slot: Slot, mut hand_on: impl FnMut(&mut Self, Entry<E>)) {
        let mut chunk = slot.chunk;
        let mut left = slot.len as usize;
        while left > 0 {
            let filled = (left - 1) % CHUNK + 1;
            let start = chunk as usize * CHUNK;
            for at in start..start + filled {
                let entry = self.arena[at];
                hand_on(self, entry);
            }
            left -= filled;
            self.free.push(chunk);
            chunk = self.next_chunk[chunk as usize];
        }
    }
}

/// An entry in a max-heap, the earliest on top.
#[derive(Clone, Copy, Debug)]
struct Late<E>(Entry<E>);

impl<E> PartialEq for Late<E> {
    fn eq(&self, other: &Self) -> bool {
        self.0.key() == other.0.key()
    }
}

impl<E> Eq for Late<E> {}

impl<E> PartialOrd for Late<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Late<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.0.key().cmp(&self.0.key())
    }
}
