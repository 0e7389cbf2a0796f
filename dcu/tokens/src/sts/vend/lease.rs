//! Minutes, leased: how cloud and site vend for the same meter without ever using the same TID.
//!
//! A meter takes a TID once. If two vendors sell in the same minute, the second token is refused as used, and somebody has
//! paid for nothing. Vendors that cannot reach each other must therefore own different minutes **beforehand**:
//!
//! - A [`Lessor`] hands out leases from its term. It never hands out a minute twice, and a term belongs to one lessor: one
//!   that is replaced without its book gets no new leases from the old term, the successor starts at the next.
//! - Every vendor, the cloud included, uses minutes of its own [`Lease`]s alone ([`Minutes`]). A lease is a run of minutes,
//!   whole or every n-th: "the odd minutes of the next 90 days" lets a site vend for as long as it is alone.
//! - A lease that was granted counts as used, even if the message got lost. There is no taking back.
//! - The use of a minute is recorded durably before the token is seen; recovery goes on behind it ([`Minutes::recover`]).
//!
//! Nothing of this needs a link at the time of sale. What it cannot prevent is one identity on two machines (a copied
//! disk): [`conflicts`] finds it when reports of both arrive.

use std::collections::BTreeMap;

use crate::sts::{MeterPan, is_special};

/// A run of minutes that one vendor owns: those in `from..to` with `minute mod every = phase`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lease {
    /// Number in the lessor's book.
    pub id: u64,
    /// First minute, counted from 1970-01-01 00:00 UTC.
    pub from: i64,
    /// First minute after it.
    pub to: i64,
    /// 1: all of them.
    pub every: u16,
    /// Which of the `every`.
    pub phase: u16,
}

impl Lease {
    /// Whether it holds this minute.
    #[must_use]
    pub fn holds(&self, minute: i64) -> bool {
        (self.from..self.to).contains(&minute)
            && minute.checked_rem_euclid(i64::from(self.every)) == Some(i64::from(self.phase))
    }

    /// Its first minute at or after that one.
    fn first_from(&self, minute: i64) -> Option<i64> {
        let start = minute.max(self.from);
        let rest = start.checked_rem_euclid(i64::from(self.every))?;
        let wait = i64::from(self.phase).saturating_sub(rest).checked_rem_euclid(i64::from(self.every))?;
        start.checked_add(wait).filter(|minute| self.holds(*minute))
    }

    /// Whether two leases share no minute, as far as is plain: other times, or other phases of the same step.
    fn apart(&self, other: &Self) -> bool {
        let other_times = self.to <= other.from || other.to <= self.from;
        other_times || (self.every == other.every && self.phase != other.phase)
    }
}

/// Why there is no minute or no lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LeaseError {
    /// No leased minute lies near enough.
    #[error("no leased minute lies within {ahead} minutes after {after}")]
    NoMinute {
        /// The minute asked for, from 1970-01-01.
        after: i64,
        /// How far ahead was looked.
        ahead: i64,
    },
    /// A lease that shares minutes with one in the book.
    #[error("it would share minutes with lease {0}")]
    Overlap(u64),
    /// A lease outside the lessor's term.
    #[error("it lies outside this lessor's term")]
    OutsideTerm,
    /// An empty lease, or a phase that does not exist.
    #[error("such a lease has no minutes")]
    Empty,
}

/// The one who hands out leases within its term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lessor {
    term: (i64, i64),
    next_id: u64,
    book: Vec<Lease>,
}

impl Lessor {
    /// One whose term is `from..to` (minutes since 1970-01-01). Terms of different lessors must not overlap; whoever
    /// appoints lessors sees to that.
    #[must_use]
    pub const fn new(from: i64, to: i64) -> Self {
        Self { term: (from, to), next_id: 1, book: Vec::new() }
    }

    /// One that still has its book.
    #[must_use]
    pub fn recover(from: i64, to: i64, book: Vec<Lease>) -> Self {
        let next_id = book.iter().map(|lease| lease.id).max().unwrap_or(0).saturating_add(1);
        Self { term: (from, to), next_id, book }
    }

    /// What has been granted. It must be durable before a lease leaves.
    #[must_use]
    pub fn book(&self) -> &[Lease] {
        &self.book
    }

    /// Forgets leases that ended before this minute, and grants nothing from before it any more.
    pub fn forget_before(&mut self, minute: i64) {
        let (start, _) = &mut self.term;
        *start = minute.max(*start);
        self.book.retain(|lease| lease.to > minute);
    }

    /// Grants minutes.
    ///
    /// # Errors
    /// [`LeaseError`].
    pub fn grant(&mut self, from: i64, to: i64, every: u16, phase: u16) -> Result<Lease, LeaseError> {
        let lease = Lease { id: self.next_id, from, to, every, phase };
        if every == 0 || phase >= every || lease.first_from(from).is_none() {
            return Err(LeaseError::Empty);
        }
        let (start, end) = self.term;
        if from < start || to > end {
            return Err(LeaseError::OutsideTerm);
        }
        if let Some(other) = self.book.iter().find(|other| !lease.apart(other)) {
            return Err(LeaseError::Overlap(other.id));
        }
        self.next_id = self.next_id.saturating_add(1);
        self.book.push(lease);
        Ok(lease)
    }
}

/// A minute used up for one meter: the record that must be durable before the token is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// For which meter.
    pub meter: MeterPan,
    /// Minutes since 1970-01-01 00:00 UTC.
    pub minute: i64,
}

/// The minutes of one vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Minutes {
    leases: Vec<Lease>,
    last: BTreeMap<MeterPan, i64>,
    last_special: BTreeMap<MeterPan, i64>,
    ahead: i64,
}

impl Minutes {
    /// None yet. A token's minute lies at most `ahead` minutes after the sale.
    #[must_use]
    pub const fn new(ahead: i64) -> Self {
        Self { leases: Vec::new(), last: BTreeMap::new(), last_special: BTreeMap::new(), ahead }
    }

    /// After a restart: leases and uses as recorded, in any order.
    #[must_use]
    pub fn recover(ahead: i64, leases: impl IntoIterator<Item = Lease>, uses: impl IntoIterator<Item = Use>) -> Self {
        let mut minutes = Self::new(ahead);
        for lease in leases {
            minutes.add(lease);
        }
        for used in uses {
            minutes.remember(&used);
        }
        minutes
    }

    /// Takes a lease into use; the same one again changes nothing.
    pub fn add(&mut self, lease: Lease) {
        if !self.leases.contains(&lease) {
            self.leases.push(lease);
            self.leases.sort_by_key(|lease| (lease.from, lease.id));
        }
    }

    /// Forgets leases that ended before this minute.
    pub fn forget_before(&mut self, minute: i64) {
        self.leases.retain(|lease| lease.to > minute);
    }

    /// The last use of every meter, and the last special one: all that [`Minutes::recover`] needs of the past.
    pub fn last_uses(&self) -> impl Iterator<Item = Use> + '_ {
        self.last.iter().chain(&self.last_special).map(|(meter, minute)| Use { meter: *meter, minute: *minute })
    }

    /// Leases in use.
    #[must_use]
    pub fn leases(&self) -> &[Lease] {
        &self.leases
    }

    /// The next minute for this meter. An ordinary one is never 00:01, a special one always.
    ///
    /// # Errors
    /// [`LeaseError::NoMinute`].
    pub fn next(&self, meter: &MeterPan, now: i64, special: bool) -> Result<i64, LeaseError> {
        let last = if special { &self.last_special } else { &self.last };
        let floor = last.get(meter).map_or(now, |last| last.saturating_add(1).max(now));
        let none = LeaseError::NoMinute { after: now, ahead: self.ahead };
        let found = self.leases.iter().filter_map(|lease| first(lease, floor, special)).min().ok_or(none)?;
        if found > now.saturating_add(self.ahead) { Err(none) } else { Ok(found) }
    }

    /// Uses a minute up.
    pub fn take(&mut self, meter: &MeterPan, minute: i64) -> Use {
        let used = Use { meter: *meter, minute };
        self.remember(&used);
        used
    }

    fn remember(&mut self, used: &Use) {
        let last = if is_special(used.minute) { &mut self.last_special } else { &mut self.last };
        let entry = last.entry(used.meter).or_insert(used.minute);
        *entry = (*entry).max(used.minute);
    }
}

/// The first minute of a lease that is special, or is not.
fn first(lease: &Lease, floor: i64, special: bool) -> Option<i64> {
    if !special {
        let minute = lease.first_from(floor)?;
        return if is_special(minute) { lease.first_from(minute.checked_add(1)?) } else { Some(minute) };
    }
    const DAY: i64 = 24 * 60;
    let start = floor.max(lease.from);
    let wait = 1_i64.saturating_sub(start.rem_euclid(DAY)).rem_euclid(DAY);
    // The reserved minute falls on other phases from day to day, and again on the same after at most `every` days.
    (0..=i64::from(lease.every))
        .filter_map(|days| start.checked_add(wait)?.checked_add(days.checked_mul(DAY)?))
        .find(|minute| lease.holds(*minute))
}

/// One minute used twice for one meter: two machines with one identity, or a lessor's term given to two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Which meter.
    pub meter: MeterPan,
    /// Minutes since 1970-01-01 00:00 UTC.
    pub minute: i64,
    /// How many used it.
    pub times: usize,
}

/// Finds minutes used more than once, in reports of all vendors together. Each vendor must report a use once.
#[must_use]
pub fn conflicts(uses: impl IntoIterator<Item = Use>) -> Vec<Conflict> {
    let mut times: BTreeMap<Use, usize> = BTreeMap::new();
    for used in uses {
        let count = times.entry(used).or_default();
        *count = count.saturating_add(1);
    }
    let twice = times.into_iter().filter(|(_, times)| *times > 1);
    twice.map(|(used, times)| Conflict { meter: used.meter, minute: used.minute, times }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 60;

    fn meter() -> MeterPan {
        MeterPan::new("600727", "12345678903").unwrap()
    }

    #[test]
    fn odd_minutes_for_one_and_even_for_the_other() {
        let mut lessor = Lessor::new(0, 100 * DAY);
        let even = lessor.grant(0, 90 * DAY, 2, 0).unwrap();
        let odd = lessor.grant(0, 90 * DAY, 2, 1).unwrap();
        assert_eq!(lessor.grant(80 * DAY, 95 * DAY, 1, 0), Err(LeaseError::Overlap(1)));
        assert_eq!(lessor.grant(0, 90 * DAY, 3, 0), Err(LeaseError::Overlap(1)));
        assert_eq!(lessor.grant(90 * DAY, 101 * DAY, 1, 0), Err(LeaseError::OutsideTerm));
        assert_eq!(lessor.grant(90 * DAY, 90 * DAY, 1, 0), Err(LeaseError::Empty));
        let (mut cloud, mut site) = (Minutes::new(DAY), Minutes::new(DAY));
        cloud.add(even);
        site.add(odd);
        let now = 5 * DAY + 100;
        assert_eq!(cloud.next(&meter(), now, false), Ok(now));
        assert_eq!(site.next(&meter(), now, false), Ok(now + 1));
        site.take(&meter(), now + 1);
        assert_eq!(site.next(&meter(), now, false), Ok(now + 3), "even with the clock set back");
        assert_eq!(site.next(&meter(), now - 50, false), Ok(now + 3));
        lessor.forget_before(95 * DAY);
        assert!(lessor.book().is_empty());
        assert_eq!(
            lessor.grant(80 * DAY, 90 * DAY, 2, 0),
            Err(LeaseError::OutsideTerm),
            "what was leased stays leased"
        );
    }

    #[test]
    fn the_reserved_minute() {
        let mut lessor = Lessor::new(0, 100 * DAY);
        let mut site = Minutes::new(2 * DAY);
        site.add(lessor.grant(0, 50 * DAY, 1, 0).unwrap());
        assert_eq!(site.next(&meter(), 3 * DAY + 1, false), Ok(3 * DAY + 2), "ordinary tokens leave it out");
        assert_eq!(site.next(&meter(), 3 * DAY + 2, true), Ok(4 * DAY + 1));
        let used = site.take(&meter(), 4 * DAY + 1);
        assert_eq!(site.next(&meter(), 3 * DAY + 5, false), Ok(3 * DAY + 5), "special ones do not hold up others");
        assert_eq!(site.next(&meter(), 3 * DAY + 5, true), Ok(5 * DAY + 1));
        let recovered = Minutes::recover(2 * DAY, site.leases().to_vec(), site.last_uses());
        assert_eq!(recovered, site);
        assert_eq!(conflicts([used, used]), [Conflict { meter: meter(), minute: 4 * DAY + 1, times: 2 }]);
    }

    #[test]
    fn no_minute_is_said() {
        let site = Minutes::new(DAY);
        assert_eq!(site.next(&meter(), 7, false), Err(LeaseError::NoMinute { after: 7, ahead: DAY }));
        let mut lessor = Lessor::new(i64::MIN, i64::MAX);
        let mut far = Minutes::new(DAY);
        far.add(lessor.grant(100 * DAY, i64::MAX, 1, 0).unwrap());
        assert_eq!(far.next(&meter(), 7, false), Err(LeaseError::NoMinute { after: 7, ahead: DAY }));
        assert_eq!(far.next(&meter(), i64::MAX, false), Err(LeaseError::NoMinute { after: i64::MAX, ahead: DAY }));
    }
}
