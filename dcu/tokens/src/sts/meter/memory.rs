//! The meter's memory of the tokens that it has taken (IEC 62055-41).

use crate::sts::Tid;

/// "At least 50" are kept.
pub const MEMORY_MIN: usize = 50;

/// The newest TIDs taken.
///
/// A TID that is in the memory is used; one that is older than the oldest kept, once the memory is full, is old: it may
/// have been used and forgotten. Anything else is new, in whatever order it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TidMemory {
    /// From the oldest to the newest.
    kept: Vec<Tid>,
    capacity: usize,
}

/// How a TID stands to the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Not seen.
    New,
    /// Taken before.
    Used,
    /// Older than everything kept.
    Old,
}

impl Default for TidMemory {
    fn default() -> Self {
        Self::new(MEMORY_MIN)
    }
}

impl TidMemory {
    /// Empty; fewer than 50 places are not allowed and become 50.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { kept: Vec::new(), capacity: capacity.max(MEMORY_MIN) }
    }

    /// As it was stored: in any order.
    #[must_use]
    pub fn restore(capacity: usize, kept: impl IntoIterator<Item = Tid>) -> Self {
        let mut memory = Self::new(capacity);
        for tid in kept {
            memory.keep(tid);
        }
        memory
    }

    /// What is kept, from the oldest to the newest.
    #[must_use]
    pub fn kept(&self) -> &[Tid] {
        &self.kept
    }

    /// How this TID stands.
    #[must_use]
    pub fn look_up(&self, tid: Tid) -> Known {
        match self.kept.binary_search(&tid) {
            Ok(_) => Known::Used,
            Err(0) if self.kept.len() >= self.capacity => Known::Old,
            Err(_) => Known::New,
        }
    }

    /// Keeps a TID that was accepted; the oldest is forgotten when the memory is full.
    pub fn keep(&mut self, tid: Tid) {
        if let Err(at) = self.kept.binary_search(&tid) {
            self.kept.insert(at, tid);
            if self.kept.len() > self.capacity {
                self.kept.remove(0);
            }
        }
    }

    /// Forgets all: a key change with the rollover bit.
    pub fn clear(&mut self) {
        self.kept.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Nothing is ever taken twice, however tokens come; against a memory that forgets nothing.
        #[test]
        fn nothing_is_taken_twice(tids in prop::collection::vec(0..200_u32, 0..400)) {
            let mut memory = TidMemory::default();
            let mut taken = BTreeSet::new();
            for tid in tids {
                let new = memory.look_up(Tid::from_field(tid)) == Known::New;
                prop_assert!(!(new && taken.contains(&tid)));
                if new {
                    memory.keep(Tid::from_field(tid));
                    taken.insert(tid);
                }
                prop_assert!(memory.kept().len() <= MEMORY_MIN);
            }
        }
    }

    /// The sabotage: a memory that took what is older than all it keeps would take a token twice.
    #[test]
    fn without_the_rule_for_old_ones_a_token_counts_twice() {
        let mut memory = TidMemory::default();
        for tid in 0..=50 {
            memory.keep(Tid::from_field(tid));
        }
        assert_eq!(memory.look_up(Tid::from_field(0)), Known::Old);
        let careless = memory.kept().binary_search(&Tid::from_field(0)).is_err();
        assert!(careless, "looking for equal TIDs alone would have taken it again");
    }
}
