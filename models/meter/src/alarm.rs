//! Alarms: what happens is noted in the alarm descriptor and pushed until a client confirms it.
//!
//! ```text
//!   event ─▶ filter ─▶ descriptor ≠ 0 ─▶ push ─▶ … repetition_delay … ─▶ push ─▶ … until written back, or
//!                                                                                 number_of_retries is used up
//! ```
//!
//! A repetition carries whatever stands in the descriptor by then. After the last one the meter is silent until something
//! new happens, the radio joins anew, power returns, or a client associates.
//!
//! The first push waits a little, differently in each meter, so that a whole feeder coming back does not speak at once
//! (class 40, randomisation_start_interval).

/// What is pending and when it is told.
#[derive(Clone, Debug)]
pub(crate) struct Alarms {
    pub(crate) filter: u32,
    descriptor: u32,
    /// Bits of the descriptor that a push or a reading has told of.
    told: u32,
    retries_left: u32,
    due_ns: u64,
    /// Pushes so far: numbers them, and spreads them.
    pushes: u32,
    /// Differs from meter to meter.
    salt: u64,
}

/// How class 40 says that pushes are made, times in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) spread_ns: u64,
    pub(crate) retries: u8,
    pub(crate) delay_ns: u64,
}

impl Alarms {
    pub(crate) const fn new(filter: u32, salt: u64) -> Self {
        Self { filter, descriptor: 0, told: 0, retries_left: 0, due_ns: u64::MAX, pushes: 0, salt }
    }

    pub(crate) const fn descriptor(&self) -> u32 {
        self.descriptor
    }

    /// When the next push is due; `u64::MAX` for none.
    pub(crate) const fn due_ns(&self) -> u64 {
        self.due_ns
    }

    /// Something has happened.
    pub(crate) fn raise(&mut self, bits: u32, now: u64, pace: Pace) {
        let new = bits & self.filter & !(self.descriptor & !self.told);
        if new != 0 {
            self.descriptor |= new;
            self.told &= !new;
            self.start(now, pace);
        }
    }

    /// What is pending is told anew from now on: a way to the client may have come back.
    pub(crate) fn start(&mut self, now: u64, pace: Pace) {
        if self.descriptor == 0 {
            return;
        }
        self.retries_left = u32::from(pace.retries) + 1;
        self.due_ns = now.saturating_add(mix(self.salt ^ u64::from(self.pushes)) % (pace.spread_ns + 1));
    }

    /// No power: nothing is told until it is back.
    pub(crate) const fn stop(&mut self) {
        self.due_ns = u64::MAX;
    }

    /// A push is sent at once, whatever is pending; its number.
    pub(crate) fn pushed(&mut self, now: u64, pace: Pace) -> u32 {
        self.pushes = self.pushes.wrapping_add(1);
        self.told = self.descriptor;
        self.retries_left = self.retries_left.saturating_sub(1);
        let more = self.descriptor != 0 && self.retries_left > 0;
        self.due_ns = if more { now.saturating_add(pace.delay_ns.max(1)) } else { u64::MAX };
        self.pushes
    }

    /// A client has read the descriptor.
    pub(crate) const fn read(&mut self) -> u32 {
        self.told = self.descriptor;
        self.descriptor
    }

    /// A client has written the descriptor: bits that are 0 there are confirmed, if they have been told.
    pub(crate) fn confirm(&mut self, written: u32) {
        self.descriptor &= written | !self.told;
        self.told &= self.descriptor;
        if self.descriptor == 0 {
            self.due_ns = u64::MAX;
        }
    }
}

/// SplitMix64's finaliser: spreads small numbers over all of 64 bits.
const fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { spread_ns: 0, retries: 2, delay_ns: 10 };

    #[test]
    fn a_push_is_repeated_until_confirmed_or_the_retries_are_used_up() {
        let mut alarms = Alarms::new(u32::MAX, 1);
        alarms.raise(1, 100, PACE);
        for at in [100, 110, 120] {
            assert_eq!(alarms.due_ns(), at);
            alarms.pushed(at, PACE);
        }
        assert_eq!((alarms.due_ns(), alarms.descriptor()), (u64::MAX, 1), "silent, and not forgotten");
        alarms.start(500, PACE);
        alarms.pushed(500, PACE);
        alarms.confirm(0);
        assert_eq!((alarms.due_ns(), alarms.descriptor()), (u64::MAX, 0));
    }

    #[test]
    fn what_nobody_was_told_cannot_be_confirmed() {
        let mut alarms = Alarms::new(!4, 1);
        alarms.raise(1, 0, PACE);
        alarms.pushed(0, PACE);
        alarms.raise(2, 5, PACE);
        alarms.confirm(0);
        assert_eq!((alarms.descriptor(), alarms.due_ns()), (2, 5), "the second came after the push");
        alarms.raise(4, 6, PACE);
        assert_eq!(alarms.read(), 2, "filtered");
        alarms.raise(2, 7, PACE);
        alarms.confirm(0);
        assert_eq!(alarms.descriptor(), 2, "it happened again after the reading");
        alarms.pushed(8, PACE);
        alarms.confirm(!1);
        assert_eq!(alarms.descriptor(), 2, "a confirmation of something else");
        alarms.confirm(!2);
        assert_eq!(alarms.descriptor(), 0);
    }

    #[test]
    fn meters_do_not_speak_at_once() {
        let pace = Pace { spread_ns: 1_000_000, ..PACE };
        let first = |salt| {
            let mut alarms = Alarms::new(1, salt);
            alarms.raise(1, 0, pace);
            alarms.due_ns()
        };
        let dues: std::collections::BTreeSet<u64> = (0..100).map(first).collect();
        assert!(dues.len() > 95 && dues.iter().all(|due| *due <= 1_000_000));
    }
}
