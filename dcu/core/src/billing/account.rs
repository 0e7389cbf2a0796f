//! One account.

use super::{
    Debit,
    demand::{Meterage, Peak},
    rating::{Month, NANO, Span, rate},
    tariffs::{Schedules, Way},
};
use crate::config::{Tariff, tariff::DebtRule};
use serde::{Deserialize, Serialize};

/// One account and the register it is billed by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// As payers type it.
    pub name: String,
    pub(super) balance_minor: i64,
    /// Consumption not yet worth a whole minor unit, billionths of one.
    carry_nano: i64,
    /// Everything ever credited, opening balance included.
    pub(super) credited_minor: i64,
    pub(super) credits: u32,
    register: Option<Register>,
    month: Month,
    debt: Debt,
    subscribed_w: Option<u32>,
    /// Credited on receipts that the provider has not confirmed.
    pub(super) ahead_minor: i64,
    /// Corrections less refunds.
    adjusted_minor: i64,
    used_up: Option<UsedUp>,
    emergencies: u32,
    /// Since when the balance is too low to be served, Unix ms.
    owing_since_ms: Option<i64>,
    pub(super) way: Way,
    pub(super) meterage: Meterage,
    /// Charged for measured power so far.
    pub(super) demand_minor: i64,
    /// Energy billed so far, and what it cost.
    billed_wh: u64,
    billed_minor: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Register {
    sequence: u32,
    wh: u64,
    at_ms: Option<i64>,
}

/// What an account owes beside its balance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Debt {
    open_minor: i64,
    recovered_minor: i64,
    /// The first of what is open was lent then, Unix ms.
    since_ms: i64,
}

/// The balance is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct UsedUp {
    since_ms: i64,
    /// An emergency credit was begun with it.
    lent: bool,
}

impl Account {
    pub(super) fn new(name: &str, opening_minor: i64) -> Self {
        Self {
            name: name.to_owned(),
            balance_minor: opening_minor,
            carry_nano: 0,
            credited_minor: opening_minor,
            credits: 0,
            register: None,
            month: Month::default(),
            debt: Debt::default(),
            subscribed_w: None,
            ahead_minor: 0,
            adjusted_minor: 0,
            used_up: None,
            emergencies: 0,
            owing_since_ms: None,
            way: Way::default(),
            meterage: Meterage::default(),
            demand_minor: 0,
            billed_wh: 0,
            billed_minor: 0,
        }
    }

    /// Balance, minor units.
    #[must_use]
    pub const fn balance_minor(&self) -> i64 {
        self.balance_minor
    }

    /// Consumption not yet worth a whole minor unit, thousandths of one: 0 to 999.
    #[must_use]
    pub const fn carry_milli(&self) -> i64 {
        self.carry_nano / (NANO / 1000)
    }

    /// The same, billionths: 0 to 999,999,999.
    #[must_use]
    pub const fn carry_nano(&self) -> i64 {
        self.carry_nano
    }

    /// Everything ever credited by payments, opening balance included, minor units; what went to debt is in it.
    #[must_use]
    pub const fn credited_minor(&self) -> i64 {
        self.credited_minor
    }

    /// All credit that a meter which keeps it should hold by now: credited, less what went to debt, corrections, receipts.
    #[must_use]
    pub const fn granted_minor(&self) -> i64 {
        self.credited_minor
            .saturating_sub(self.debt.recovered_minor)
            .saturating_add(self.adjusted_minor)
            .saturating_add(self.ahead_minor)
    }

    /// How many payments have been credited: the sequence of the last one, for whoever issues numbers for a keypad.
    #[must_use]
    pub const fn credits(&self) -> u32 {
        self.credits
    }

    /// Last billed register, Wh.
    #[must_use]
    pub fn register_wh(&self) -> Option<u64> {
        self.register.map(|r| r.wh)
    }

    /// When the register was read that is billed up to now, Unix ms.
    #[must_use]
    pub fn read_unix_ms(&self) -> Option<i64> {
        self.register.and_then(|r| r.at_ms)
    }

    /// Energy of the month, as blocks and lifeline count it.
    #[must_use]
    pub const fn month(&self) -> Month {
        self.month
    }

    /// Debt still to be paid off by a share of each payment, minor units. It is not in the balance.
    #[must_use]
    pub const fn debt_minor(&self) -> i64 {
        self.debt.open_minor
    }

    /// Watts subscribed, where it differs from the tariff's.
    #[must_use]
    pub const fn subscribed_w(&self) -> Option<u32> {
        self.subscribed_w
    }

    /// The highest mean power of a month (months since January of the year 0), where the tariff charges by it.
    #[must_use]
    pub fn peak(&self, month: i32) -> Option<Peak> {
        self.meterage.peak(month)
    }

    /// Charged for measured power so far, minor units.
    #[must_use]
    pub const fn demand_minor(&self) -> i64 {
        self.demand_minor
    }

    /// Energy billed so far, Wh, and what it cost, minor units: the sum of its entries. Fees and power are not in it.
    #[must_use]
    pub const fn billed(&self) -> (u64, i64) {
        (self.billed_wh, self.billed_minor)
    }

    /// The cloud's number of the last change of its class.
    #[must_use]
    pub const fn class_change(&self) -> u64 {
        self.way.change()
    }

    /// Credited on receipts that the provider has not confirmed, minor units; the balance holds it.
    #[must_use]
    pub const fn ahead_minor(&self) -> i64 {
        self.ahead_minor
    }

    /// Since when the balance is used up (emergency credit or grace in use, or nothing left), Unix ms.
    #[must_use]
    pub fn used_up_since_ms(&self) -> Option<i64> {
        self.used_up.map(|u| u.since_ms)
    }

    /// Since when it is too low to be served, Unix ms.
    #[must_use]
    pub const fn owing_since_ms(&self) -> Option<i64> {
        self.owing_since_ms
    }

    /// How often emergency credit was taken. One that a payment made before it undoes is not counted.
    #[must_use]
    pub const fn emergencies(&self) -> u32 {
        self.emergencies
    }

    /// Emergency credit in use under this tariff, minor units.
    #[must_use]
    pub fn emergency_minor(&self, tariff: &Tariff) -> i64 {
        self.balance_minor.saturating_neg().clamp(0, tariff.emergency_credit_minor.max(0))
    }

    pub(super) fn debit(
        &mut self,
        (sequence, wh, at_ms): (u32, u64, Option<i64>),
        schedules: &Schedules,
        utc_offset_s: i32,
    ) -> Debit {
        let line = self.way.line(schedules);
        let Some(last) = self.register else {
            self.register = Some(Register { sequence, wh, at_ms });
            let demand = at_ms.and_then(|at| line.at(at).0.demand);
            self.meterage.read(demand, utc_offset_s, wh, at_ms);
            return Debit::First;
        };
        if sequence <= last.sequence {
            // Too late to be billed, and it may still tell of more power.
            let demand = at_ms.and_then(|at| Some((at, line.at(at.saturating_sub(1)).0.demand?)));
            if let Some((at_ms, demand)) = demand {
                self.meterage.fill(demand, utc_offset_s, wh, at_ms);
            }
            return Debit::Stale;
        }
        let demand = at_ms.and_then(|at| line.at(at.saturating_sub(1)).0.demand);
        self.meterage.read(demand, utc_offset_s, wh, at_ms);
        self.register = Some(Register { sequence, wh, at_ms });
        let Some(delta) = wh.checked_sub(last.wh) else {
            return Debit::Backward { from_wh: last.wh, to_wh: wh };
        };
        let span = Span { wh: delta, from_ms: last.at_ms, to_ms: at_ms };
        let mut month = self.month;
        let nano = rate(line, utc_offset_s, &mut month, span);
        self.month = month;
        let minor = self.charge_nano(nano);
        self.billed_wh = self.billed_wh.saturating_add(delta);
        self.billed_minor = self.billed_minor.saturating_add(minor);
        if let Some(at_ms) = at_ms {
            self.way.billed_until(at_ms);
        }
        self.settle(at_ms, schedules.now(self.way.class()));
        Debit::Billed { wh: delta, minor }
    }

    /// Takes billionths of a minor unit; gives the whole minor units taken now, and carries the rest.
    pub(super) fn charge_nano(&mut self, nano: i128) -> i64 {
        let sum = nano.saturating_add(i128::from(self.carry_nano));
        let minor = i64::try_from(sum.div_euclid(i128::from(NANO))).unwrap_or(i64::MAX);
        self.carry_nano = i64::try_from(sum.rem_euclid(i128::from(NANO))).unwrap_or(0);
        self.charge(minor);
        minor
    }

    pub(super) fn charge(&mut self, minor: i64) {
        self.balance_minor = self.balance_minor.saturating_sub(minor);
    }

    /// Credits a payment as of the time paid; gives what of it went to debt.
    ///
    /// What is used on trust is repaid first, then the debt has its share. A spell on trust or a debt that began after
    /// the payment was made takes nothing of it: it would not have been there.
    pub(super) fn credit(&mut self, amount_minor: i64, paid_ms: i64, rule: Option<DebtRule>) -> i64 {
        let on_trust = self.used_up.is_some_and(|spell| spell.since_ms <= paid_ms);
        let owed = if on_trust { self.balance_minor.saturating_neg().max(0) } else { 0 };
        let share = rule.map_or(0, |rule| i128::from(rule.share_percent.min(100)));
        let free = i128::from(amount_minor.saturating_sub(owed).max(0));
        let due = i64::try_from(free.saturating_mul(share) / 100).unwrap_or(0);
        let to_debt = if self.debt.since_ms <= paid_ms { due.min(self.debt.open_minor).max(0) } else { 0 };
        self.debt.open_minor = self.debt.open_minor.saturating_sub(to_debt);
        self.debt.recovered_minor = self.debt.recovered_minor.saturating_add(to_debt);
        self.balance_minor = self.balance_minor.saturating_add(amount_minor).saturating_sub(to_debt);
        self.credited_minor = self.credited_minor.saturating_add(amount_minor);
        self.credits = self.credits.saturating_add(1);
        if self.balance_minor > 0
            && let Some(spell) = self.used_up.filter(|spell| spell.lent && spell.since_ms > paid_ms)
        {
            self.emergencies = self.emergencies.saturating_sub(u32::from(spell.lent));
        }
        to_debt
    }

    /// Adds (or with a negative amount takes) what a receipt alone has promised.
    pub(super) fn ahead(&mut self, amount_minor: i64) {
        self.ahead_minor = self.ahead_minor.saturating_add(amount_minor);
        self.balance_minor = self.balance_minor.saturating_add(amount_minor);
    }

    pub(super) fn adjust(&mut self, amount_minor: i64) {
        self.adjusted_minor = self.adjusted_minor.saturating_add(amount_minor);
        self.balance_minor = self.balance_minor.saturating_add(amount_minor);
    }

    pub(super) fn lend(&mut self, amount_minor: i64, at_ms: Option<i64>) {
        if self.debt.open_minor == 0 {
            self.debt.since_ms = at_ms.unwrap_or(0);
        }
        self.debt.open_minor = self.debt.open_minor.saturating_add(amount_minor);
    }

    pub(super) fn subscribe(&mut self, watts: Option<u32>) {
        self.subscribed_w = watts;
    }

    /// Notes since when the balance is used up, or too low to be served. Called after everything that moves either.
    pub(super) fn settle(&mut self, at_ms: Option<i64>, tariff: &Tariff) {
        let at_ms = at_ms.unwrap_or(0);
        if self.balance_minor > 0 {
            self.used_up = None;
        } else if self.used_up.is_none() {
            let lent = tariff.emergency_credit_minor > 0;
            self.used_up = Some(UsedUp { since_ms: at_ms, lent });
            self.emergencies = self.emergencies.saturating_add(u32::from(lent));
        }
        if self.balance_minor > tariff.trust_minor().saturating_neg() {
            self.owing_since_ms = None;
        } else if self.owing_since_ms.is_none() {
            self.owing_since_ms = Some(at_ms);
        }
    }
}
