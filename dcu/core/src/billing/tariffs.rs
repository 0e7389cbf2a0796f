//! The tariffs of a site by class of customer, and an account's way through them.

use serde::{Deserialize, Serialize};

use super::schedule::{Schedule, TariffRefusal, TariffStart};
use crate::config::{CLASSES_MAX, Tariff};

/// Changes of class that are remembered for a meter that has not been read since. Of older ones the time goes to the next.
const MOVES_MAX: usize = 16;

/// The site's own tariffs and those of its classes. A class is never taken away, so that its number stays its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Schedules {
    site: Schedule,
    /// By number less one.
    classes: Vec<(String, Schedule)>,
}

impl Schedules {
    pub(super) fn new(site: &Tariff) -> Self {
        Self { site: Schedule::new(site), classes: Vec::new() }
    }

    /// Of this class; the site's for a number that none has.
    pub(super) fn of(&self, class: u16) -> &Schedule {
        let at = usize::from(class).checked_sub(1);
        at.and_then(|at| self.classes.get(at)).map_or(&self.site, |(_, schedule)| schedule)
    }

    /// In force for this class.
    pub(super) fn now(&self, class: u16) -> &Tariff {
        self.of(class).now()
    }

    /// The number of a class; 0 is the site's own, which has no name.
    pub(super) fn find(&self, class: &str) -> Option<u16> {
        if class.is_empty() {
            return Some(0);
        }
        let at = self.classes.iter().position(|(name, _)| name == class)?;
        u16::try_from(at.saturating_add(1)).ok()
    }

    pub(super) fn name(&self, class: u16) -> &str {
        let at = usize::from(class).checked_sub(1);
        at.and_then(|at| self.classes.get(at)).map_or("", |(name, _)| name.as_str())
    }

    /// All numbers, the site's own first.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u16> + use<> {
        0..=u16::try_from(self.classes.len()).unwrap_or(u16::MAX)
    }

    fn of_mut(&mut self, class: &str) -> Option<&mut Schedule> {
        if class.is_empty() {
            return Some(&mut self.site);
        }
        self.classes.iter_mut().find(|(name, _)| name == class).map(|(_, schedule)| schedule)
    }

    /// Puts a tariff in force for its class from this instant on; a class that nobody knew begins with it.
    pub(super) fn put(&mut self, tariff: Tariff, from_ms: i64) {
        if let Some(known) = self.of_mut(&tariff.class) {
            known.put(tariff, from_ms);
        } else if self.classes.len() < CLASSES_MAX {
            self.classes.push((tariff.class.clone(), Schedule::new(&tariff)));
        }
    }

    /// Announces a tariff for a class that is known.
    pub(super) fn plan(&mut self, from_ms: i64, tariff: Tariff) {
        if let Some(known) = self.of_mut(&tariff.class) {
            known.plan(from_ms, tariff);
        }
    }

    /// The class whose announced tariff is due next, and when, Unix ms.
    fn next(&self) -> Option<(i64, u16)> {
        self.numbers().filter_map(|class| Some((self.of(class).due_ms()?, class))).min()
    }

    pub(super) fn due_ms(&self) -> Option<i64> {
        self.next().map(|(due, _)| due)
    }

    /// Puts the next announced one in force; the number of its class.
    pub(super) fn start_next(&mut self) -> Option<u16> {
        let (_, class) = self.next()?;
        let name = self.name(class).to_owned();
        self.of_mut(&name)?.start_next().then_some(class)
    }

    pub(super) fn judge(&self, sent: &Tariff, now_ms: Option<i64>) -> Result<TariffStart, TariffRefusal> {
        if let Some(class) = self.find(&sent.class) {
            return self.of(class).judge(sent, now_ms);
        }
        if sent.from_unix_ms.is_some_and(|from| now_ms.is_none_or(|now| from > now)) {
            return Err(TariffRefusal::UnknownClass);
        }
        if self.classes.len() >= CLASSES_MAX {
            return Err(TariffRefusal::TooManyClasses);
        }
        self.site.judge_terms(sent)?;
        Ok(TariffStart::Now)
    }
}

/// The class of an account, and those that it was in since its meter was last read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Way {
    class: u16,
    /// Each with the instant at which it ended, Unix ms.
    before: Vec<(u16, i64)>,
    /// The cloud's number of the last change.
    change: u64,
}

impl Way {
    pub(super) const fn class(&self) -> u16 {
        self.class
    }

    pub(super) const fn change(&self) -> u64 {
        self.change
    }

    /// Into another class from this instant on.
    pub(super) fn turn(&mut self, class: u16, from_ms: i64, change: u64) {
        self.change = self.change.max(change);
        if class == self.class {
            return;
        }
        for (_, end) in &mut self.before {
            *end = from_ms.min(*end);
        }
        self.before.push((std::mem::replace(&mut self.class, class), from_ms));
        if self.before.len() > MOVES_MAX {
            self.before.remove(0);
        }
    }

    /// What was used before this instant is billed.
    pub(super) fn billed_until(&mut self, ms: i64) {
        self.before.retain(|(_, end)| *end > ms);
    }

    pub(super) fn line<'a>(&'a self, schedules: &'a Schedules) -> Line<'a> {
        Line { schedules, way: self }
    }
}

/// Which tariff an account was under, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    schedules: &'a Schedules,
    way: &'a Way,
}

impl<'a> Line<'a> {
    pub(super) fn now(&self) -> &'a Tariff {
        self.schedules.now(self.way.class)
    }

    /// One tariff is all that the account can have been under since this instant.
    pub(super) fn is_settled_since(&self, ms: i64) -> bool {
        self.way.before.iter().all(|(_, end)| *end <= ms) && self.schedules.of(self.way.class).is_settled_since(ms)
    }

    /// The tariff at this instant, and when it ended for the account.
    pub(super) fn at(&self, ms: i64) -> (&'a Tariff, i64) {
        let past = self.way.before.iter().find(|(_, end)| ms < *end);
        let (class, until) = past.map_or((self.way.class, i64::MAX), |(class, end)| (*class, *end));
        let (tariff, end) = self.schedules.of(class).at(ms);
        (tariff, end.min(until))
    }
}
