//! What the entries say: how many of each kind, money per kind, from when to when; and whether they agree.
//!
//! Three things follow from the entries alone, whoever signed them:
//! - an account's balance is the sum of its entries: every statement names the balance, and it must be that sum;
//! - a payment (its provider and key) is credited, or put in suspense, once;
//! - every price charged was announced: the tariff that a rule names stands in an entry before.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::{Money, Record};

/// Contradictions kept; all are counted.
const REMARKS_MAX: usize = 1000;

/// Kinds that name an account and move no money on it: it was credited before.
fn is_beside(what: &str) -> bool {
    ["credit.delivered", "debt.lent"].contains(&what) || what.starts_with("token.")
}

/// Entries of which time are summed up, Unix milliseconds; what has no time always is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// From this instant on.
    pub from_ms: Option<i64>,
    /// Before this instant.
    pub to_ms: Option<i64>,
}

impl Period {
    fn contains(self, wall_ms: Option<i64>) -> bool {
        let Some(at) = wall_ms else { return true };
        self.from_ms.is_none_or(|from| at >= from) && self.to_ms.is_none_or(|to| at < to)
    }
}

/// Entries of one kind in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub entries: u64,
    /// Their money, minor units.
    pub minor: i128,
    /// Their energy, Wh.
    pub energy_wh: i128,
}

/// A contradiction between entries.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remark {
    /// A statement names a balance that its account's entries do not make.
    Balance {
        /// The statement.
        index: u64,
        /// Whose.
        account: String,
        /// As the statement says, minor units.
        stated: i64,
        /// As the entries make it, minor units.
        summed: i64,
    },
    /// A payment was taken a second time.
    Repeated {
        /// The second time.
        index: u64,
        /// The first time.
        before: u64,
        /// Provider and key.
        payment: String,
    },
    /// An entry charges by prices that nobody has announced.
    Unannounced {
        /// Which.
        index: u64,
        /// The rule it names.
        rule: String,
    },
}

/// What the entries seen so far say.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    period: Period,
    entries: u64,
    first_ms: Option<i64>,
    last_ms: Option<i64>,
    /// By kind and (currency, digits).
    sums: BTreeMap<(String, Option<(String, u8)>), Sum>,
    balances: BTreeMap<String, i64>,
    payments: BTreeMap<String, u64>,
    tariffs: BTreeSet<String>,
    remarks: Vec<Remark>,
    total: u64,
    /// Entries before the first one are not known: nothing follows from their absence.
    is_part: bool,
}

impl Summary {
    /// Of nothing yet.
    #[must_use]
    pub fn new(period: Period) -> Self {
        Self {
            period,
            entries: 0,
            first_ms: None,
            last_ms: None,
            sums: BTreeMap::new(),
            balances: BTreeMap::new(),
            payments: BTreeMap::new(),
            tariffs: BTreeSet::new(),
            remarks: Vec::new(),
            total: 0,
            is_part: false,
        }
    }

    /// Of a stretch that does not begin with the log: what was before it is not known. A payment is found that is taken twice
    /// within it, and a balance is checked from the first that is stated for its account on; prices are not, for they may
    /// have been announced before.
    #[must_use]
    pub fn of_part(period: Period) -> Self {
        Self { is_part: true, ..Self::new(period) }
    }

    /// The next entry. One that is no record is the audit's business.
    pub fn take(&mut self, index: u64, entry: &[u8]) {
        if let Ok(record) = Record::from_bytes(entry) {
            self.take_record(index, &record);
        }
    }

    /// The same of a record that was read.
    pub(super) fn take_record(&mut self, index: u64, record: &Record) {
        self.check(index, record);
        if !self.period.contains(record.at.wall_ms) {
            return;
        }
        self.entries = self.entries.saturating_add(1);
        if let Some(at) = record.at.wall_ms {
            self.first_ms = Some(self.first_ms.map_or(at, |first| first.min(at)));
            self.last_ms = Some(self.last_ms.map_or(at, |last| last.max(at)));
        }
        let unit = record.amount.as_ref().map(|money| (money.currency.clone(), money.digits));
        let sum = self.sums.entry((record.what.clone(), unit)).or_default();
        sum.entries = sum.entries.saturating_add(1);
        sum.minor = sum.minor.saturating_add(record.amount.as_ref().map_or(0, |money| money.minor.into()));
        sum.energy_wh = sum.energy_wh.saturating_add(record.energy_wh.unwrap_or(0).into());
    }

    /// Entries within the period.
    #[must_use]
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// First and last time of an entry, Unix milliseconds.
    #[must_use]
    pub fn span_ms(&self) -> Option<(i64, i64)> {
        self.first_ms.zip(self.last_ms)
    }

    /// Sums by kind, and currency with its digits, where there is money.
    pub fn sums(&self) -> impl Iterator<Item = (&str, Option<(&str, u8)>, Sum)> {
        self.sums.iter().map(|((what, unit), sum)| {
            (what.as_str(), unit.as_ref().map(|(currency, digits)| (currency.as_str(), *digits)), *sum)
        })
    }

    /// What contradicts what; at most 1000 of them.
    #[must_use]
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// Contradictions in all.
    #[must_use]
    pub const fn total_remarks(&self) -> u64 {
        self.total
    }

    /// All of them are checked, whatever the period.
    fn check(&mut self, index: u64, record: &Record) {
        if record.what.starts_with("tariff.") {
            self.tariffs.extend(record.reference.clone());
        }
        let tariff = record.rule.strip_prefix("tariff/").and_then(|rule| rule.split('#').next());
        if tariff.is_some_and(|tariff| !self.is_part && !self.tariffs.contains(tariff)) {
            self.remark(Remark::Unannounced { index, rule: record.rule.clone() });
        }
        if matches!(record.what.as_str(), "payment.credited" | "payment.suspended") {
            let provider = record.details.get("provider").map_or("", String::as_str);
            let payment = format!("{provider} {}", record.reference.as_deref().unwrap_or_default());
            match self.payments.get(&payment) {
                Some(&before) => self.remark(Remark::Repeated { index, before, payment }),
                None => drop(self.payments.insert(payment, index)),
            }
        }
        let Some(account) = record.account.as_ref().filter(|_| !is_beside(&record.what)) else { return };
        let minor = record.amount.as_ref().map_or(0, |money| money.minor);
        let stated = || record.details.get("balance_minor").and_then(|text| text.parse::<i64>().ok());
        if self.is_part && !self.balances.contains_key(account) {
            let begins = if record.what == "account.opened" { Some(minor) } else { None };
            let known = begins.or_else(|| stated().filter(|_| record.what.starts_with("statement.")));
            if let Some(known) = known {
                self.balances.insert(account.clone(), known);
            }
            return;
        }
        let balance = self.balances.entry(account.clone()).or_default();
        *balance = balance.saturating_add(minor);
        let summed = *balance;
        if record.what.starts_with("statement.")
            && let Some(stated) = stated().filter(|stated| *stated != summed)
        {
            // From here on as stated: one mistake is one remark.
            self.balances.insert(account.clone(), stated);
            self.remark(Remark::Balance { index, account: account.clone(), stated, summed });
        }
    }

    fn remark(&mut self, remark: Remark) {
        self.total = self.total.saturating_add(1);
        if self.remarks.len() < REMARKS_MAX {
            self.remarks.push(remark);
        }
    }
}

/// A table: kind, entries, money, energy.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = |ms| crate::Stamp { boot: 0, uptime_ms: 0, wall_ms: Some(ms) }.to_rfc3339();
        if let Some((first, last)) = self.span_ms() {
            let or = |ms: i64| date(ms).unwrap_or_else(|| ms.to_string());
            writeln!(f, "Time      {} to {}", or(first), or(last))?;
        }
        writeln!(f, "\n{:<24} {:>8} {:>22} {:>14}", "What", "entries", "money", "energy kWh")?;
        for (what, unit, sum) in self.sums() {
            let money = match unit {
                Some((currency, digits)) => format!("{} {currency}", decimal(sum.minor, digits)),
                None => String::new(),
            };
            let energy = if sum.energy_wh == 0 { String::new() } else { decimal(sum.energy_wh, 3) };
            writeln!(f, "{what:<24} {:>8} {money:>22} {energy:>14}", sum.entries)?;
        }
        Ok(())
    }
}

fn decimal(minor: i128, digits: u8) -> String {
    match i64::try_from(minor) {
        Ok(minor) => Money { minor, digits, currency: String::new() }.to_decimal(),
        Err(_) => format!("{minor}e-{digits}"),
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Balance { index, account, stated, summed } => {
                write!(f, "entry {index}: account {account} has {stated} minor units, its entries make {summed}")
            }
            Self::Repeated { index, before, payment } => {
                write!(f, "entry {index}: payment {payment} was taken before, by entry {before}")
            }
            Self::Unannounced { index, rule } => {
                write!(f, "entry {index}: nobody has announced the prices of `{rule}`")
            }
        }
    }
}
