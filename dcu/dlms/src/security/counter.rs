//! Invocation counters: sent ones never repeat, also across a power cut; received ones never go back.
//!
//! A counter under one key and title that is used twice gives the key stream away. So counters are **reserved in
//! blocks**: [`SendCounter::wanted`] says up to where, the caller makes that durable, [`SendCounter::reserved`] lets them
//! be used. Nothing is sent beyond what is durable. After a restart the counter goes on at the reserved bound: what was
//! left of the block is skipped, never used.

use crate::error::SecurityFault;

/// Counters to send with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendCounter {
    /// The one to be used next.
    next: u64,
    /// Those below this are durably ours.
    bound: u64,
    /// The bound asked for last.
    asked: u64,
    /// How many are reserved at once.
    block: u32,
}

/// One past the last counter.
const END: u64 = 1 << 32;
/// How many must be at hand before an association is begun: the request, the proof and its message, and one more.
pub(crate) const FOR_ASSOCIATION: u32 = 4;

impl SendCounter {
    /// Goes on at the bound that was made durable last; 0, or what the meter expects, for a fresh key. The block is how
    /// many to reserve at once, at least 8: durable writes cost flash, skipped counters cost nothing (there are 2³²).
    #[must_use]
    pub const fn resume(bound: u32, block: u32) -> Self {
        let bound = bound as u64;
        Self { next: bound, bound, asked: bound, block: if block < 8 { 8 } else { block } }
    }

    /// Nothing needs to be reserved: for simulations and tools whose state is never restored.
    #[must_use]
    pub const fn volatile(from: u32) -> Self {
        Self { next: from as u64, bound: END, asked: END, block: u32::MAX }
    }

    /// The counter to be used next, if it is durably ours.
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// The bound to be made durable now, if half of a block or less is left and it has not been asked for yet. Handing
    /// it out counts as asking.
    pub fn wanted(&mut self) -> Option<u32> {
        let block = u64::from(self.block);
        if self.asked.saturating_sub(self.next) > block / 2 {
            return None;
        }
        // The very last counter is given up, so that a bound always fits 32 bits.
        let target = self.asked.saturating_add(block).min(END.saturating_sub(1));
        if target <= self.asked {
            return None;
        }
        self.asked = target;
        u32::try_from(target).ok()
    }

    /// That bound is durable: counters below it may be used. A bound that was never asked for is not believed.
    pub fn reserved(&mut self, bound: u32) {
        self.bound = self.bound.max(u64::from(bound).min(self.asked));
    }

    /// So many counters can be taken now.
    #[must_use]
    pub const fn has(&self, count: u32) -> bool {
        self.bound.saturating_sub(self.next) >= count as u64
    }

    /// Takes the next counter.
    ///
    /// # Errors
    /// [`SecurityFault::CounterNotReserved`], [`SecurityFault::CounterExhausted`].
    pub fn take(&mut self) -> Result<u32, SecurityFault> {
        if !self.has(1) {
            return Err(if self.next >= END.saturating_sub(1) {
                SecurityFault::CounterExhausted
            } else {
                SecurityFault::CounterNotReserved
            });
        }
        let taken = u32::try_from(self.next).map_err(|_| SecurityFault::CounterExhausted)?;
        self.next = self.next.saturating_add(1);
        Ok(taken)
    }
}

/// Counters received from one peer under one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiveCounter {
    /// Counters below this are refused.
    floor: u64,
    /// The floor before the message taken last.
    before: u64,
    last: Option<u32>,
}

impl ReceiveCounter {
    /// Refuses counters below this: what was received last before a restart, plus one.
    #[must_use]
    pub const fn above(floor: u32) -> Self {
        Self { floor: floor as u64, before: floor as u64, last: None }
    }

    /// The lowest counter that would be taken.
    #[must_use]
    pub const fn floor(&self) -> u64 {
        self.floor
    }

    /// The counter is not below the floor.
    ///
    /// # Errors
    /// [`SecurityFault::Replay`].
    pub fn check(&self, received: u32) -> Result<(), SecurityFault> {
        if u64::from(received) < self.floor {
            return Err(SecurityFault::Replay { received, expected: u32::try_from(self.floor).unwrap_or(u32::MAX) });
        }
        Ok(())
    }

    /// The message with that counter was genuine: neither it nor an earlier one is taken again.
    pub fn accept(&mut self, received: u32) {
        self.before = self.floor;
        self.floor = self.floor.max(u64::from(received).saturating_add(1));
        self.last = Some(received);
    }

    /// Takes a counter that travels inside the message taken last: the proof of HLS 5, whose counter was drawn before
    /// that of the message around it.
    ///
    /// # Errors
    /// [`SecurityFault::Replay`].
    pub fn take_inner(&mut self, received: u32) -> Result<(), SecurityFault> {
        if u64::from(received) < self.before || self.last == Some(received) {
            return Err(SecurityFault::Replay { received, expected: u32::try_from(self.before).unwrap_or(u32::MAX) });
        }
        self.before = self.floor;
        self.floor = self.floor.max(u64::from(received).saturating_add(1));
        Ok(())
    }

    /// The message was not protected: there is no message around the next proof.
    pub const fn no_outer(&mut self) {
        self.before = self.floor;
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever happens in whatever order, with power cuts between: no counter is ever used twice. The sabotage
        /// resumes at the counter used last instead of the bound, as a careless reader of its own state would.
        #[test]
        fn counters_never_repeat(steps in proptest::collection::vec(0_u8..8, 1..400), from in 0_u32..1000) {
            for sabotage in [false, true] {
                let mut durable = from;
                let mut pending = None;
                let mut counter = SendCounter::resume(durable, 8);
                let mut used = std::collections::BTreeSet::new();
                let mut repeated = false;
                let mut seen_at_snapshot = from;
                for step in &steps {
                    match step {
                        0 => pending = counter.wanted().or(pending),
                        1 => if let Some(bound) = pending.take() {
                            durable = bound;
                            counter.reserved(bound);
                        },
                        // The power goes: what was asked for and not yet durable is lost.
                        2 => {
                            pending = None;
                            counter = SendCounter::resume(if sabotage { seen_at_snapshot } else { durable }, 8);
                            if sabotage {
                                _ = counter.wanted();
                                counter.reserved(u32::MAX);
                            }
                        }
                        3 => seen_at_snapshot = u32::try_from(counter.next()).unwrap(),
                        _ => if let Ok(taken) = counter.take() {
                            repeated |= !used.insert(taken);
                            prop_assert!(sabotage || taken < durable);
                        },
                    }
                }
                prop_assert!(sabotage || !repeated);
            }
        }
    }

    #[test]
    fn the_sabotage_is_seen() {
        let mut counter = SendCounter::resume(0, 8);
        let bound = counter.wanted().unwrap();
        counter.reserved(bound);
        let first = counter.take().unwrap();
        // Restored from the state of before instead of the bound: the same counter again.
        let mut careless = SendCounter::resume(0, 8);
        _ = careless.wanted();
        careless.reserved(bound);
        assert_eq!(careless.take(), Ok(first));
        let mut careful = SendCounter::resume(bound, 8);
        assert_eq!(careful.take(), Err(SecurityFault::CounterNotReserved));
        assert_eq!(careful.wanted(), Some(16));
        careful.reserved(1_000_000);
        assert_eq!(careful.take(), Ok(8));
        assert!(!careful.has(8), "a bound that was not asked for is not believed");
    }

    #[test]
    fn the_end_is_an_error_not_a_wrap() {
        let mut counter = SendCounter::resume(u32::MAX - 3, 8);
        assert_eq!(counter.wanted(), Some(u32::MAX));
        counter.reserved(u32::MAX);
        for expected in [u32::MAX - 3, u32::MAX - 2, u32::MAX - 1] {
            assert_eq!(counter.take(), Ok(expected));
        }
        assert_eq!(counter.take(), Err(SecurityFault::CounterExhausted));
        assert_eq!(counter.wanted(), None);
    }

    #[test]
    fn replays_are_refused() {
        let mut counter = ReceiveCounter::above(5);
        assert_eq!(counter.check(4), Err(SecurityFault::Replay { received: 4, expected: 5 }));
        assert_eq!(counter.check(7), Ok(()));
        counter.accept(7);
        assert!(counter.check(7).is_err());
        // A proof drawn before the message around it.
        assert_eq!(counter.take_inner(7), Err(SecurityFault::Replay { received: 7, expected: 5 }));
        assert_eq!(counter.take_inner(6), Ok(()));
        assert!(counter.take_inner(6).is_err());
        counter.accept(u32::MAX);
        assert!(counter.check(u32::MAX).is_err());
    }
}
