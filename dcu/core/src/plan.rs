//! When each meter is read.
//!
//! Period `p` starts at Unix second `p × reading_period_s`. The meters' slots are spread evenly over the first part of
//! the period, in the order of the meter list, so that a shared mesh carries one exchange after another instead of
//! a burst on the hour. The plan needs the wall clock; before it is set nothing is due.

/// Milliseconds in a second.
const MS: i64 = 1000;

/// The reading plan.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    period_s: u32,
    spread_s: u32,
    meters: u32,
    /// The next slot: period, and meter in it.
    next: Option<(u32, u32)>,
}

impl Plan {
    pub(crate) fn new(period_s: u32, spread_s: u32, meters: u32) -> Self {
        let period_s = period_s.max(1);
        Self { period_s, spread_s: spread_s.min(period_s), meters, next: None }
    }

    /// The period in which this instant lies.
    pub(crate) fn period_of(&self, unix_ms: i64) -> u32 {
        let seconds = unix_ms.div_euclid(MS);
        u32::try_from(seconds.div_euclid(i64::from(self.period_s))).unwrap_or(0)
    }

    /// Unix seconds at which the period starts.
    pub(crate) fn start_unix_s(&self, period: u32) -> i64 {
        i64::from(period).saturating_mul(i64::from(self.period_s))
    }

    /// The period that starts at exactly this second.
    pub(crate) fn period_starting_at(&self, unix_s: i64) -> Option<u32> {
        let period = i64::from(self.period_s);
        (unix_s.rem_euclid(period) == 0).then(|| u32::try_from(unix_s.div_euclid(period)).ok()).flatten()
    }

    /// The clock was set or stepped: every slot of the running period counts again; what has been read is skipped by
    /// the caller.
    pub(crate) fn restart(&mut self, unix_ms: i64) {
        self.next = (self.meters > 0).then(|| (self.period_of(unix_ms), 0));
    }

    /// When the next slot is due, Unix milliseconds.
    pub(crate) fn due_unix_ms(&self) -> Option<i64> {
        let (period, meter) = self.next?;
        let offset_ms = i64::from(self.spread_s)
            .saturating_mul(MS)
            .saturating_mul(i64::from(meter))
            .checked_div(i64::from(self.meters))?;
        Some(self.start_unix_s(period).saturating_mul(MS).saturating_add(offset_ms))
    }

    /// Takes the next slot if it is due: (period, meter).
    pub(crate) fn take(&mut self, unix_ms: i64) -> Option<(u32, u32)> {
        let slot = self.next?;
        if self.due_unix_ms()? > unix_ms {
            return None;
        }
        let following = slot.1.saturating_add(1);
        self.next = Some(if following < self.meters { (slot.0, following) } else { (slot.0.saturating_add(1), 0) });
        Some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_spread_over_the_first_part() {
        let mut plan = Plan::new(3600, 1800, 4);
        plan.restart(7_200_000 + 500_000);
        assert_eq!(plan.take(7_700_000), Some((2, 0)));
        assert_eq!(plan.take(7_700_000), Some((2, 1)));
        assert_eq!(plan.take(7_700_000), None);
        assert_eq!(plan.due_unix_ms(), Some(7_200_000 + 900_000));
        assert_eq!(plan.take(10_799_000), Some((2, 2)));
        assert_eq!(plan.take(10_799_000), Some((2, 3)));
        assert_eq!(plan.due_unix_ms(), Some(10_800_000));
    }

    #[test]
    fn no_meters_no_plan() {
        let mut plan = Plan::new(3600, 1800, 0);
        plan.restart(1);
        assert_eq!(plan.due_unix_ms(), None);
    }

    #[test]
    fn only_full_periods_have_rows() {
        let plan = Plan::new(3600, 1800, 1);
        assert_eq!(plan.period_starting_at(7200), Some(2));
        assert_eq!(plan.period_starting_at(7201), None);
    }
}
