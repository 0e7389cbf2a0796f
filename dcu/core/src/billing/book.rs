//! All accounts of a site.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use super::{
    Account, AmendError, Amendment, Credit, Debit, Fees, Suspended, TariffRefusal, TariffStart, Totals, ahead::Receipt,
    amend::Amended, demand::DemandCharge, paid_at, tariffs::Schedules,
};
use crate::{
    config::{LocalTime, Tariff},
    payment::{Certainty, Payment, PaymentError, PaymentId},
};

/// Most days of fees charged at once. Arbitrary: a DCU may be off for a month; a clock that leaps further is wrong.
const FEE_DAYS_MAX: i64 = 31;

/// The accounts, what has been paid in, what lies in suspense.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    pub(super) tariffs: Schedules,
    pub(super) utc_offset_s: i32,
    pub(super) accounts: Vec<Account>,
    by_name: BTreeMap<String, u32>,
    pub(super) seen: BTreeMap<PaymentId, Seen>,
    pub(super) suspense: BTreeMap<PaymentId, Suspended>,
    pub(super) receipts: BTreeMap<PaymentId, Receipt>,
    /// Receipts that were taken back.
    pub(super) disbelieved: BTreeSet<PaymentId>,
    /// Second names of payments, and the first name of each ([`super::names`]).
    pub(super) names: BTreeMap<PaymentId, PaymentId>,
    pub(super) amended: BTreeMap<String, Amended>,
    /// Charged for power by the last day or reading.
    pub(super) demanded: Vec<DemandCharge>,
    /// Refused to the other end of the uplink, by id.
    pub(super) declined: BTreeMap<String, (Amendment, AmendError)>,
    fee_day: Option<i64>,
    /// When the register billed last was read, Unix ms.
    read_ms: Option<i64>,
    pub(super) totals: Totals,
}

/// What is remembered of a payment, to tell a repeat from a clash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) amount_minor: i64,
    /// `None`: went to suspense under an unknown name.
    pub(super) account: Option<u32>,
}

impl Book {
    /// A book with these accounts (name, opening balance in minor units), in this order.
    ///
    /// Of two accounts with the same name the first is found by payments; the checker of scenarios refuses such a
    /// list.
    pub fn new<'a>(tariff: &Tariff, accounts: impl IntoIterator<Item = (&'a str, i64)>) -> Self {
        let accounts: Vec<_> = accounts.into_iter().map(|(name, opening)| Account::new(name, opening)).collect();
        let mut by_name = BTreeMap::new();
        for (ix, account) in (0..).zip(&accounts) {
            by_name.entry(account.name.clone()).or_insert(ix);
        }
        Self {
            tariffs: Schedules::new(tariff),
            utc_offset_s: 0,
            accounts,
            by_name,
            seen: BTreeMap::new(),
            suspense: BTreeMap::new(),
            receipts: BTreeMap::new(),
            disbelieved: BTreeSet::new(),
            names: BTreeMap::new(),
            amended: BTreeMap::new(),
            declined: BTreeMap::new(),
            demanded: Vec::new(),
            fee_day: None,
            read_ms: None,
            totals: Totals::default(),
        }
    }

    /// The same book where local civil time differs from UTC by this.
    #[must_use]
    pub fn at_offset(self, utc_offset_s: i32) -> Self {
        Self { utc_offset_s, ..self }
    }

    /// One account.
    #[must_use]
    pub fn account(&self, account: u32) -> Option<&Account> {
        self.accounts.get(account as usize)
    }

    /// Index of the account with this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    /// All accounts, by index.
    #[must_use]
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// Balance, minor units; zero for an account that does not exist.
    #[must_use]
    pub fn balance_minor(&self, account: u32) -> i64 {
        self.account(account).map_or(0, Account::balance_minor)
    }

    /// The site's own prices in force: of everybody who is in no class.
    #[must_use]
    pub fn tariff(&self) -> &Tariff {
        self.tariffs.now(0)
    }

    /// Payments that wait for somebody to find their account, by key.
    pub fn suspense(&self) -> impl Iterator<Item = &Payment> {
        self.suspense.values().map(|s| &s.payment)
    }

    /// The payment that goes by this name, or has it as its second one, if it waits for its account.
    #[must_use]
    pub fn suspended(&self, id: &PaymentId) -> Option<&Payment> {
        self.suspense.get(self.named(id)).map(|s| &s.payment)
    }

    /// Sums over the book.
    #[must_use]
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    /// Whether a payment can be taken.
    ///
    /// # Errors
    /// [`PaymentError`], naming the field; the currency is that of the prices in force.
    pub fn check(&self, payment: &Payment) -> Result<(), PaymentError> {
        payment.check()?;
        let foreign = payment.currency.is_some_and(|currency| currency.code() != self.tariff().currency);
        if foreign { Err(PaymentError::Currency) } else { Ok(()) }
    }

    /// Takes a payment, as of the time paid ([`Self::credit_at`], where nobody knows the time).
    pub fn credit(&mut self, payment: &Payment) -> Credit {
        self.credit_at(payment, None)
    }

    /// Takes a payment that arrives at this instant, as of the time paid.
    ///
    /// A balance is the same whenever a payment arrives. What the time paid decides: emergency credit and debt that began
    /// after it take nothing of it, and an emergency that it covers is not counted. A clock that cannot be right
    /// ([`paid_at`]) is replaced by the arrival.
    pub fn credit_at(&mut self, payment: &Payment, arrived_ms: Option<i64>) -> Credit {
        if self.check(payment).is_err() {
            return Credit::Refused;
        }
        let id = payment.id();
        if let Some(known) = self.known(payment) {
            return if self.agrees(&known, payment) {
                self.learn(&known, payment, arrived_ms)
            } else {
                Credit::Conflict
            };
        }
        if payment.certainty == Certainty::Provisional {
            return self.credit_ahead(payment, arrived_ms);
        }
        // The provider's word takes the place of its receipt, whichever of its names that goes by.
        let mut withdrawn: Vec<u32> = self.withdraw(&id).into_iter().map(|(account, _)| account).collect();
        withdrawn.extend(self.name(&id, payment));
        let account = self.find(&payment.account).filter(|ix| self.account(*ix).is_some());
        self.seen.insert(id.clone(), Seen { amount_minor: payment.amount_minor, account });
        self.totals.received = self.totals.received.saturating_add(i128::from(payment.amount_minor));
        let outcome = if let Some(ix) = account {
            self.put_in(ix, payment, arrived_ms)
        } else {
            self.suspense.insert(id, Suspended { payment: payment.clone() });
            self.totals.suspended = self.totals.suspended.saturating_add(i128::from(payment.amount_minor));
            Credit::Suspended
        };
        for ix in withdrawn.into_iter().filter(|ix| Some(*ix) != account) {
            self.settle(ix, arrived_ms);
        }
        outcome
    }

    /// Moves a payment, by any of its names, out of suspense to the account that an operator has found for it, as of the
    /// time paid.
    pub fn resolve(&mut self, id: &PaymentId, account: u32, now_ms: Option<i64>) -> Credit {
        if self.account(account).is_none() {
            return Credit::Refused;
        }
        let Some(entry) = self.suspense.remove(&self.named(id).clone()) else { return Credit::Refused };
        let amount = i128::from(entry.payment.amount_minor);
        self.totals.suspended = self.totals.suspended.saturating_sub(amount);
        self.put_in(account, &entry.payment, now_ms)
    }

    pub(super) fn settle(&mut self, account: u32, at_ms: Option<i64>) {
        if let Some(found) = self.accounts.get_mut(account as usize) {
            found.settle(at_ms, self.tariffs.now(found.way.class()));
        }
    }

    fn put_in(&mut self, account: u32, payment: &Payment, now_ms: Option<i64>) -> Credit {
        let Some(found) = self.accounts.get_mut(account as usize) else { return Credit::Refused };
        let tariff = self.tariffs.now(found.way.class());
        let (paid_ms, _) = paid_at(payment.accepted_unix_ms, now_ms);
        let to_debt = found.credit(payment.amount_minor, paid_ms, tariff.debt);
        found.settle(now_ms, tariff);
        self.totals.credited = self.totals.credited.saturating_add(i128::from(payment.amount_minor));
        self.totals.recovered = self.totals.recovered.saturating_add(i128::from(to_debt));
        Credit::Credited { account, balance_minor: found.balance_minor }
    }

    /// Bills a live reading of the account's register, where nobody knows the time: at the price of now.
    pub fn debit(&mut self, account: u32, sequence: u32, register_wh: u64) -> Debit {
        self.debit_at(account, sequence, register_wh, None)
    }

    /// Bills a live reading of the account's register, read at this instant (Unix ms). The energy since the reading
    /// before is spread evenly over the time between, and priced by the tariffs and hours then in force.
    pub fn debit_at(&mut self, account: u32, sequence: u32, register_wh: u64, at_ms: Option<i64>) -> Debit {
        let Some(found) = self.accounts.get_mut(account as usize) else { return Debit::Unknown };
        let outcome = found.debit((sequence, register_wh, at_ms), &self.tariffs, self.utc_offset_s);
        self.demanded.clear();
        if let Debit::Billed { minor, .. } = outcome {
            self.totals.energy_billed = self.totals.energy_billed.saturating_add(i128::from(minor));
        }
        if outcome != Debit::Stale {
            self.read_ms = at_ms;
        }
        self.charge_demand(account, i32::MIN, at_ms);
        outcome
    }

    /// Sets the watts that an account has subscribed; `None`: as the tariff says. False when there is no such account.
    pub fn subscribe(&mut self, account: u32, watts: Option<u32>) -> bool {
        let found = self.accounts.get_mut(account as usize);
        found.map(|account| account.subscribe(watts)).is_some()
    }

    /// The last day whose fee is settled (days since 1970, local).
    #[must_use]
    pub const fn fee_day(&self) -> Option<i64> {
        self.fee_day
    }

    /// Whether [`Self::charge_until`] would change anything.
    #[must_use]
    pub fn fee_is_due(&self, day: i64) -> bool {
        self.fee_day.is_none_or(|last| day > last)
    }

    /// Charges the daily fee for every day after the last one charged up to this one (days since 1970, local).
    ///
    /// A clock that steps back charges nothing twice; one that leaps ahead charges at most a month.
    pub fn charge_until(&mut self, day: i64) -> Fees {
        let Some(last) = self.fee_day else {
            self.fee_day = Some(day);
            return Fees::First;
        };
        let due = day.saturating_sub(last);
        if due <= 0 {
            return Fees::NotDue;
        }
        self.fee_day = Some(day);
        self.demanded.clear();
        let days = due.min(FEE_DAYS_MAX);
        for n in 1..=days {
            self.charge_day(last.saturating_add(n));
        }
        let charged = u32::try_from(days).unwrap_or(0);
        match u32::try_from(due.saturating_sub(days)).unwrap_or(u32::MAX) {
            0 => Fees::Charged { days: charged },
            forgone => Fees::ClockLeap { charged, forgone },
        }
    }

    /// Charges one day to everybody, by the tariff that each was under when it began; and the month, where it is over.
    fn charge_day(&mut self, day: i64) {
        let starts_ms = LocalTime::instant_ms(day, 0, self.utc_offset_s);
        let month = LocalTime { unix_ms: starts_ms, utc_offset_s: self.utc_offset_s }.month();
        for at in 0..u32::try_from(self.accounts.len()).unwrap_or(u32::MAX) {
            self.charge_demand(at, month, Some(starts_ms));
            let Some(account) = self.accounts.get_mut(at as usize) else { return };
            let (tariff, _) = account.way.line(&self.tariffs).at(starts_ms);
            let (fee, capacity) = (tariff.daily_fee_minor, tariff.capacity);
            if fee == 0 && capacity.is_none() {
                continue;
            }
            account.charge(fee);
            self.totals.fees = self.totals.fees.saturating_add(i128::from(fee));
            if let Some(capacity) = capacity {
                let watts = account.subscribed_w().unwrap_or(capacity.subscribed_w);
                // Minor units per kW times watts are thousandths; the accounts carry billionths.
                let nano = i128::from(capacity.price_per_kw_day_minor)
                    .saturating_mul(i128::from(watts))
                    .saturating_mul(1_000_000);
                let minor = account.charge_nano(nano);
                self.totals.capacity_fees = self.totals.capacity_fees.saturating_add(i128::from(minor));
            }
            account.settle(Some(starts_ms), self.tariffs.now(account.way.class()));
        }
    }

    /// New prices from now on, where nobody knows the time. Carried fractions stay.
    pub fn set_tariff(&mut self, tariff: Tariff) {
        self.set_tariff_at(tariff, None);
    }

    /// New prices from this instant on (Unix ms); energy not yet billed that was used before stays at the old ones. What
    /// has been billed stays billed.
    pub fn set_tariff_at(&mut self, tariff: Tariff, from_ms: Option<i64>) {
        // Without a clock: from the last reading on.
        let from_ms = from_ms.or(self.read_ms).unwrap_or(i64::MIN);
        self.tariffs.put(tariff, from_ms);
        self.settle_all(Some(from_ms));
    }

    /// Whether a tariff may be taken, and from when.
    ///
    /// # Errors
    /// [`TariffRefusal`]; a repeat is one of them.
    pub fn judge_tariff(&self, tariff: &Tariff, now_ms: Option<i64>) -> Result<TariffStart, TariffRefusal> {
        self.tariffs.judge(tariff, now_ms)
    }

    /// Takes a tariff that has been judged: in force at once (or from an instant that has passed), or announced.
    pub fn take_tariff(&mut self, tariff: Tariff, now_ms: Option<i64>) {
        match tariff.from_unix_ms {
            Some(from) if now_ms.is_none_or(|now| from > now) && self.tariffs.find(&tariff.class).is_some() => {
                self.tariffs.plan(from, tariff);
            }
            Some(from) => self.set_tariff_at(tariff, Some(from)),
            None => self.set_tariff_at(tariff, now_ms),
        }
    }

    /// When the next announced tariff comes into force, Unix ms.
    #[must_use]
    pub fn tariff_due_unix_ms(&self) -> Option<i64> {
        self.tariffs.due_ms()
    }

    /// Puts the next announced tariff in force, from the instant that was announced. False when there is none.
    pub fn start_tariff(&mut self) -> bool {
        let due = self.tariffs.due_ms();
        let started = self.tariffs.start_next();
        self.settle_all(due);
        started.is_some()
    }

    fn settle_all(&mut self, at_ms: Option<i64>) {
        for account in &mut self.accounts {
            account.settle(at_ms, self.tariffs.now(account.way.class()));
        }
    }
}
