//! The Trickle timer (RFC 6206 §4.2): talk seldom while all agree, at once when someone does not.
//!
//! Getters: [`Trickle::interval_ns`], [`Trickle::deadline_ns`]. `handle_*`: consistent and inconsistent receptions,
//! and time. The caller hands in chance (64 random bits) wherever an interval starts. Time is nanoseconds.

use serde::{Deserialize, Serialize};

/// Parameters (§4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters {
    /// The shortest interval.
    pub interval_min_ns: u64,
    /// The longest is the shortest doubled this often.
    pub doublings: u8,
    /// k: so many consistent receptions silence a node for the interval; 0 never does.
    pub redundancy: u32,
}

impl Parameters {
    /// From the fields of a DODAG configuration (RFC 6550 §6.7.6): Imin = 2^`interval_min` ms.
    #[must_use]
    pub fn of_dodag(interval_min: u8, doublings: u8, redundancy: u8) -> Self {
        // 2^44 ms are 557 years: enough, and short of an overflow in nanoseconds.
        let interval_min_ns = 1_000_000_u64.saturating_mul(1 << interval_min.min(43));
        Self { interval_min_ns, doublings, redundancy: u32::from(redundancy) }
    }

    /// The longest interval.
    #[must_use]
    pub const fn interval_max_ns(&self) -> u64 {
        match 1_u64.checked_shl(self.doublings as u32) {
            Some(factor) => self.interval_min_ns.saturating_mul(factor),
            None => u64::MAX,
        }
    }
}

/// What a timeout asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fired {
    /// Nothing, yet.
    Nothing,
    /// Transmit now.
    Transmit,
    /// The moment to transmit came, and others had said it often enough.
    Suppressed,
}

/// The timer. It does not run before [`Self::start`]. What is looked at whenever somebody says the same stands first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(C)]
pub struct Trickle {
    start_ns: u64,
    heard: u32,
    running: bool,
    interval_ns: u64,
    /// t of this interval; `None` once it has passed.
    transmit_ns: Option<u64>,
    /// The interval before, while it still runs ([`Self::look_ahead`]).
    before_ns: u64,
    parameters: Parameters,
}

impl Trickle {
    /// A timer that stands still.
    #[must_use]
    pub const fn new(parameters: Parameters) -> Self {
        let interval_ns = parameters.interval_min_ns;
        Self { parameters, running: false, start_ns: 0, interval_ns, transmit_ns: None, heard: 0, before_ns: 0 }
    }

    /// I.
    #[must_use]
    pub const fn interval_ns(&self) -> u64 {
        self.interval_ns
    }

    /// When the current interval started.
    #[must_use]
    pub const fn interval_start_ns(&self) -> u64 {
        self.start_ns
    }

    /// c: consistent receptions in this interval so far.
    #[must_use]
    pub const fn heard(&self) -> u32 {
        self.heard
    }

    /// Whether it runs.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        self.running
    }

    /// The next moment [`Self::handle_timeout`] wants to be called.
    #[must_use]
    pub fn deadline_ns(&self) -> Option<u64> {
        self.running.then(|| self.transmit_ns.unwrap_or_else(|| self.start_ns.saturating_add(self.interval_ns)))
    }

    /// Takes new parameters; they count from the next interval on.
    pub const fn configure(&mut self, parameters: Parameters) {
        self.parameters = parameters;
    }

    /// Starts with the shortest interval (step 1; RFC 6550 §8.3 starts there too).
    pub fn start(&mut self, now_ns: u64, chance: u64) {
        self.running = true;
        self.begin(now_ns, self.parameters.interval_min_ns, chance);
    }

    /// Stands still.
    pub const fn stop(&mut self) {
        self.running = false;
    }

    /// Someone said the same (step 3).
    pub const fn handle_consistent(&mut self, now_ns: u64) {
        if now_ns >= self.start_ns {
            self.heard = self.heard.saturating_add(1);
        }
    }

    /// Someone disagrees (step 6): back to the shortest interval, unless that is running. True when it was not.
    pub fn handle_inconsistent(&mut self, now_ns: u64, chance: u64) -> bool {
        let interval_ns = if now_ns < self.start_ns { self.before_ns } else { self.interval_ns };
        let reset = self.running && interval_ns > self.parameters.interval_min_ns;
        if reset {
            self.begin(now_ns, self.parameters.interval_min_ns, chance);
        }
        reset
    }

    /// Time passed (steps 4 and 5). Call until the deadline lies ahead.
    pub fn handle_timeout(&mut self, now_ns: u64, chance: u64) -> Fired {
        match self.deadline_ns() {
            Some(deadline) if deadline <= now_ns => {}
            _ => return Fired::Nothing,
        }
        if self.transmit_ns.take().is_some() {
            let silent = self.parameters.redundancy != 0 && self.heard >= self.parameters.redundancy;
            return if silent { Fired::Suppressed } else { Fired::Transmit };
        }
        self.next(chance);
        Fired::Nothing
    }

    /// After t nothing happens in an interval but its end, so the next one can be drawn at once: the deadline then is its
    /// t, and nobody is woken in between. To be called when [`Self::handle_timeout`] said that t had come; what is heard
    /// before the next interval begins is not counted, and an inconsistency is judged by the interval that still runs.
    pub fn look_ahead(&mut self, chance: u64) {
        if self.running && self.transmit_ns.is_none() {
            self.before_ns = self.interval_ns;
            self.next(chance);
        }
    }

    /// Step 5: the interval after this one, twice as long up to the longest.
    fn next(&mut self, chance: u64) {
        let end_ns = self.start_ns.saturating_add(self.interval_ns);
        let interval_ns = self.interval_ns.saturating_mul(2).min(self.parameters.interval_max_ns());
        self.begin(end_ns, interval_ns, chance);
    }

    /// Step 2: c = 0, and t anywhere in the second half.
    fn begin(&mut self, start_ns: u64, interval_ns: u64, chance: u64) {
        let half_ns = interval_ns / 2;
        let later = (u128::from(chance) * u128::from(interval_ns - half_ns)) >> 64;
        self.start_ns = start_ns;
        self.interval_ns = interval_ns;
        let later_ns = u64::try_from(later).unwrap_or(0);
        self.transmit_ns = Some(start_ns.saturating_add(half_ns).saturating_add(later_ns));
        self.heard = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMETERS: Parameters = Parameters { interval_min_ns: 1_000, doublings: 2, redundancy: 1 };

    #[test]
    fn intervals_double_to_the_longest_and_suppression_counts() {
        let mut trickle = Trickle::new(PARAMETERS);
        assert_eq!(trickle.deadline_ns(), None);
        trickle.start(0, 0);
        assert_eq!(trickle.deadline_ns(), Some(500));
        assert_eq!(trickle.handle_timeout(499, 0), Fired::Nothing);
        assert_eq!(trickle.handle_timeout(500, 0), Fired::Transmit);
        assert_eq!(trickle.handle_timeout(1_000, u64::MAX), Fired::Nothing);
        assert_eq!((trickle.interval_ns(), trickle.deadline_ns()), (2_000, Some(2_999)));
        trickle.handle_consistent(2_500);
        assert_eq!(trickle.handle_timeout(2_999, 0), Fired::Suppressed);
        trickle.handle_timeout(3_000, 0);
        trickle.handle_timeout(5_000, 0);
        trickle.handle_timeout(7_000, 0);
        assert_eq!(trickle.interval_ns(), 4_000);
        assert!(trickle.handle_inconsistent(7_500, 0));
        assert_eq!((trickle.interval_ns(), trickle.deadline_ns()), (1_000, Some(8_000)));
        assert!(!trickle.handle_inconsistent(7_600, 0));
    }

    /// Two timers with the same chances hear the same at the same times; one is woken at t alone. They say the same at the
    /// same times, over a hundred thousand seconds of agreement and disagreement.
    #[test]
    fn who_looks_ahead_says_the_same() {
        let chance = |interval: u64| interval.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(17);
        let run = |ahead: bool, often: u64| {
            let (mut trickle, mut said, mut wakes) = (Trickle::new(PARAMETERS), Vec::new(), 0);
            trickle.start(0, chance(0));
            let mut draws = crate::chance::Chance::new(often);
            let mut now = 0;
            while now < 100_000 {
                now += 1 + draws.between(0, often);
                while let Some(due) = trickle.deadline_ns().filter(|&due| due <= now) {
                    wakes += 1;
                    // The chance is that of the interval which it begins.
                    let at = chance(trickle.interval_start_ns() + trickle.interval_ns());
                    match trickle.handle_timeout(due, at) {
                        Fired::Nothing => {}
                        fired => {
                            said.push((due, fired));
                            if ahead {
                                trickle.look_ahead(at);
                            }
                        }
                    }
                }
                if draws.between(0, 20) == 0 {
                    trickle.handle_inconsistent(now, chance(now));
                } else {
                    trickle.handle_consistent(now);
                }
            }
            (said, wakes)
        };
        for often in [150, 900, 3_000] {
            let ((both, twice), (ahead, once)) = (run(false, often), run(true, often));
            assert_eq!(both, ahead);
            assert!(both.len() > 20 && once * 3 < twice * 2, "{} said, {once} wakes for {twice}", both.len());
        }
    }

    #[test]
    fn extreme_parameters_do_not_overflow() {
        let parameters = Parameters::of_dodag(255, 255, 0);
        let mut trickle = Trickle::new(parameters);
        trickle.start(u64::MAX - 1, u64::MAX);
        trickle.handle_timeout(u64::MAX, 1);
        trickle.handle_timeout(u64::MAX, 1);
        assert_eq!(Parameters::of_dodag(15, 2, 0).interval_max_ns(), 131_072_000_000);
    }
}
