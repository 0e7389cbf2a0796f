//! Which tariff was in force when.

use serde::{Deserialize, Serialize};

use crate::config::{Tariff, TariffFault};

/// Tariffs before the one in force that are remembered, for meters not read since. Of older ones the time goes to the
/// next.
const BEFORE_MAX: usize = 16;
/// Tariffs announced and not yet in force.
const PLANNED_MAX: usize = 8;

/// Tariffs in the order in which they came into force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Schedule {
    /// Each with the instant at which it ended, Unix ms.
    before: Vec<(Tariff, i64)>,
    now: Tariff,
    /// By the instant from which they are in force.
    planned: Vec<(i64, Tariff)>,
}

/// When a tariff that may be taken comes into force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TariffStart {
    /// At once (or from an instant that has passed: what has been billed by then stays billed).
    Now,
    /// At this instant, Unix ms.
    Later(i64),
}

/// Why a tariff is not taken. Whoever sent it is at fault, or it came twice; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TariffRefusal {
    /// This very version is known: it came twice.
    #[error("version {version} is known already")]
    Repeated {
        /// Its number.
        version: u32,
    },
    /// Another tariff bears this number. Send it again under a higher one.
    #[error("version {version} is known with other content; send it under a higher number")]
    Clash {
        /// Its number.
        version: u32,
    },
    /// A newer one is known.
    #[error("version {version} is older than version {newest}, which is known")]
    Older {
        /// Its number.
        version: u32,
        /// The newest one known.
        newest: u32,
    },
    /// The accounts are kept in another currency, or in other units of it.
    #[error("the accounts are kept in another currency")]
    Currency,
    /// It contradicts itself.
    #[error("{0}")]
    Contradiction(TariffFault),
    /// Too many are announced.
    #[error("{PLANNED_MAX} tariffs are announced and not yet in force")]
    TooManyPlanned,
    /// It is for a class that nobody knows, from an instant to come: a class begins with a tariff that is in force.
    #[error("the class is not known; its first tariff must be in force at once")]
    UnknownClass,
    /// Too many classes.
    #[error("the site has as many classes as it may have")]
    TooManyClasses,
    /// The meters count their credit down by themselves, at one price.
    #[error("meters that keep the credit need one price at all times")]
    NeedsFlatPrice,
}

impl Schedule {
    pub(super) fn new(tariff: &Tariff) -> Self {
        Self { before: Vec::new(), now: tariff.clone(), planned: Vec::new() }
    }

    pub(super) const fn now(&self) -> &Tariff {
        &self.now
    }

    /// One tariff is all that the energy since this instant can have been used under.
    pub(super) fn is_settled_since(&self, ms: i64) -> bool {
        self.before.last().is_none_or(|(_, end)| *end <= ms)
    }

    /// The tariff in force at this instant, and when it ended.
    pub(super) fn at(&self, ms: i64) -> (&Tariff, i64) {
        let past = self.before.iter().find(|(_, end)| ms < *end);
        past.map_or((&self.now, i64::MAX), |(tariff, end)| (tariff, *end))
    }

    /// Puts a tariff in force from this instant on.
    pub(super) fn put(&mut self, tariff: Tariff, from_ms: i64) {
        if tariff == self.now {
            return;
        }
        // A clock that was ahead and has been put right: what "began later" never began.
        for (_, end) in &mut self.before {
            *end = from_ms.min(*end);
        }
        self.before.push((std::mem::replace(&mut self.now, tariff), from_ms));
        if self.before.len() > BEFORE_MAX {
            self.before.remove(0);
        }
    }

    pub(super) fn plan(&mut self, from_ms: i64, tariff: Tariff) {
        self.planned.push((from_ms, tariff));
        self.planned.sort_by_key(|(from, tariff)| (*from, tariff.version));
    }

    /// When the next announced one comes into force, Unix ms.
    pub(super) fn due_ms(&self) -> Option<i64> {
        self.planned.first().map(|(from, _)| *from)
    }

    /// Puts the next announced one in force. One that is overtaken by a newer version that began before it is dropped.
    pub(super) fn start_next(&mut self) -> bool {
        if self.planned.is_empty() {
            return false;
        }
        let (from, tariff) = self.planned.remove(0);
        if tariff.version > self.now.version {
            self.put(tariff, from);
        }
        true
    }

    /// Whether a tariff that is sent may be taken, and from when.
    pub(super) fn judge(&self, sent: &Tariff, now_ms: Option<i64>) -> Result<TariffStart, TariffRefusal> {
        let version = sent.version;
        let known = || self.planned.iter().map(|(_, tariff)| tariff).chain([&self.now]);
        let newest = known().map(|tariff| tariff.version).max().unwrap_or(0);
        if known().any(|tariff| tariff == sent) {
            return Err(TariffRefusal::Repeated { version });
        }
        if version != 0 && known().any(|tariff| tariff.version == version) {
            return Err(TariffRefusal::Clash { version });
        }
        if version < newest {
            return Err(TariffRefusal::Older { version, newest });
        }
        self.judge_terms(sent)?;
        match sent.from_unix_ms.filter(|from| now_ms.is_none_or(|now| *from > now)) {
            Some(_) if self.planned.len() >= PLANNED_MAX => Err(TariffRefusal::TooManyPlanned),
            Some(from) => Ok(TariffStart::Later(from)),
            None => Ok(TariffStart::Now),
        }
    }

    /// Whether accounts of this schedule's currency could be kept under it.
    pub(super) fn judge_terms(&self, sent: &Tariff) -> Result<(), TariffRefusal> {
        if (sent.currency.as_str(), sent.minor_per_unit) != (self.now.currency.as_str(), self.now.minor_per_unit) {
            return Err(TariffRefusal::Currency);
        }
        sent.check().into_iter().next().map_or(Ok(()), |fault| Err(TariffRefusal::Contradiction(fault)))
    }
}
