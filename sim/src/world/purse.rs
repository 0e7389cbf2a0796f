//! A customer's money and energy as they truly are: what is applied, what it buys, what is served beyond it.

use taa_dcu::{
    billing::{Account, Book},
    config::{CreditAt, LocalTime, Tariff},
};
use taa_models::people::{Disposition, PeopleParams, income::MoneyBox};

use super::{Village, money::Pay, mood::Mood, population::Purse};
use crate::{cause::Chain, kernel::Wake, records::PayChannel};

/// What energy truly costs where its price moves: rated as the accounts rate it, but at every look and not only when
/// a meter was read, and never late.
#[derive(Debug)]
pub(crate) struct Rated {
    book: Book,
    looks: u32,
    start_unix_ms: i64,
    utc_offset_s: i32,
    energy_mwh: u64,
    /// The price of the next kWh, minor units: near enough for what is left to be used.
    price_minor: i64,
    /// Spent before prices began to move, minor units.
    before_minor: i64,
}

impl Rated {
    /// For a tariff that has no single price; `None` where it has.
    pub(crate) fn new(tariff: &Tariff, start_unix_s: i64, utc_offset_s: i32) -> Option<Box<Self>> {
        if tariff.flat_price().is_some() {
            return None;
        }
        let book = Book::new(tariff, [("", 0)]).at_offset(utc_offset_s);
        let price_minor = tariff.energy_price_per_kwh_minor;
        let start_unix_ms = start_unix_s * 1000;
        let mut rated =
            Self { book, looks: 0, start_unix_ms, utc_offset_s, energy_mwh: 0, price_minor, before_minor: 0 };
        rated.look(0, 0);
        Some(Box::new(rated))
    }

    fn look(&mut self, energy_mwh: u64, now_ms: u64) {
        let unix_ms = self.start_unix_ms + now_ms as i64;
        self.looks += 1;
        self.book.debit_at(0, self.looks, energy_mwh / 1000, Some(unix_ms));
        self.energy_mwh = energy_mwh;
        let (tariff, at) = (self.book.tariff(), LocalTime::new(unix_ms, self.utc_offset_s));
        let period = tariff.period_at(at).map(|period| period.price_per_kwh_minor);
        self.price_minor = period.unwrap_or(tariff.energy_price_per_kwh_minor).max(1);
    }

    fn spent_minor(&self) -> i64 {
        self.before_minor - self.book.balance_minor(0)
    }
}

impl Village<'_> {
    /// What the accounts were charged for power since the last look: by the registers that were read, so the account's word
    /// is the truth of it.
    pub(crate) fn take_demand(&mut self) {
        if self.scenario.tariffs().all(|tariff| tariff.demand.is_none()) {
            return;
        }
        for customer in 0..self.people.len() {
            let book = match self.traits.credit_at {
                CreditAt::Cloud => Some(self.cloud_book()),
                _ => self.site.dcu.as_ref().map(|dcu| dcu.state().book()),
            };
            let charged_minor = book.and_then(|book| book.account(customer)).map(Account::demand_minor);
            let Some(charged_minor) = charged_minor else { continue };
            let one = self.people.of(customer);
            let due_minor = charged_minor - one.purse.demand_minor;
            if due_minor != 0 {
                one.purse.demand_minor = charged_minor;
                one.purse.applied_minor -= due_minor;
                self.touched.push(customer);
            }
        }
    }

    /// Every quarter of an hour, on whose edges periods begin: what was used before an edge is rated before it.
    pub(crate) fn look_at_meters(&mut self, now_ms: u64) {
        self.take_demand();
        if self.scenario.tariffs().all(|tariff| tariff.flat_price().is_some()) {
            return;
        }
        for customer in 0..self.people.len() {
            let one = self.people.of(customer);
            let energy_mwh = one.unit.energy_mwh(now_ms);
            one.purse.look(energy_mwh, now_ms);
        }
    }
}

impl Purse {
    /// Looks at the meter, where the price of energy moves. Called before anything below is asked.
    pub(crate) fn look(&mut self, energy_mwh: u64, now_ms: u64) {
        if let Some(rated) = &mut self.rated {
            rated.look(energy_mwh, now_ms);
        }
    }

    /// Prices change now: what was used before stays at the old ones.
    pub(crate) fn reprice(
        &mut self,
        (old, new): (&Tariff, &Tariff),
        energy_mwh: u64,
        now_ms: u64,
        (start_unix_s, utc_offset_s): (i64, i32),
    ) {
        let before_minor = self.applied_minor - self.balance_minor(energy_mwh, old);
        let start_unix_ms = start_unix_s * 1000;
        let rated = self.rated.get_or_insert_with(|| {
            let book = Book::new(old, [("", 0)]).at_offset(utc_offset_s);
            let price_minor = old.energy_price_per_kwh_minor;
            Box::new(Rated { book, looks: 0, start_unix_ms, utc_offset_s, energy_mwh, price_minor, before_minor })
        });
        rated.look(energy_mwh, now_ms);
        rated.book.take_tariff(new.clone(), Some(start_unix_ms + now_ms as i64));
        rated.look(energy_mwh, now_ms);
    }

    /// With this money at hand and credit to start with, and this mean spending a day.
    pub(crate) fn new(
        disposition: Disposition,
        money: MoneyBox,
        opening_minor: i64,
        daily_spend_minor: f64,
        rated: Option<Box<Rated>>,
    ) -> Self {
        Self {
            rated,
            disposition,
            daily_spend_minor,
            applied_minor: opening_minor,
            demand_minor: 0,
            mark_mwh: 0,
            unbilled_mwh: 0,
            paid_minor: 0,
            exhausted: false,
            money,
            last_pay: None,
            shy_of: None,
            mood: Mood::new(),
            open: Vec::new(),
            wish: None,
            wake: Wake::default(),
            topups: 0,
            blocker: Chain::EMPTY,
            blocked_ms: 0,
            gone_ms: None,
            strain: 0.0,
        }
    }

    /// The way of the next payment: by habit, unless money got stuck there lately.
    pub(crate) fn channel(&mut self, pays: &[Pay], params: &PeopleParams, now_ms: u64) -> PayChannel {
        if let Some((way, waited_ms)) = self.last_pay.map(|(last, _)| pays[last as usize].waited(now_ms))
            && waited_ms as f64 > params.stuck_after_h * 3_600_000.0
        {
            self.shy_of = Some((way, now_ms.saturating_add((params.shy_days * 86_400_000.0) as u64)));
        }
        let habit = if self.disposition.pays_cash { PayChannel::Agent } else { PayChannel::Phone };
        match self.shy_of {
            Some((PayChannel::Phone, until_ms)) if until_ms > now_ms => PayChannel::Agent,
            Some((PayChannel::Agent, until_ms)) if until_ms > now_ms && self.disposition.has_phone => PayChannel::Phone,
            _ => habit,
        }
    }

    /// Energy that the money applied so far buys, mWh.
    pub(crate) fn limit_mwh(&self, tariff: &Tariff) -> i64 {
        let minor = i128::from(self.applied_minor + tariff.trust_minor());
        if let Some(rated) = &self.rated {
            let left = (minor - i128::from(rated.spent_minor())) * 1_000_000 / i128::from(rated.price_minor);
            return i64::try_from(i128::from(rated.energy_mwh) + left).unwrap_or(i64::MAX);
        }
        let mwh = minor * 1_000_000 / i128::from(tariff.energy_price_per_kwh_minor.max(1));
        i64::try_from(mwh).unwrap_or(i64::MAX)
    }

    /// The customer has credit left.
    pub(crate) fn entitled(&self, energy_mwh: u64, tariff: &Tariff) -> bool {
        !self.exhausted && self.limit_mwh(tariff) > i64::try_from(energy_mwh).unwrap_or(i64::MAX)
    }

    /// Balance in minor units.
    pub(crate) fn balance_minor(&self, energy_mwh: u64, tariff: &Tariff) -> i64 {
        if let Some(rated) = &self.rated {
            return self.applied_minor - rated.spent_minor();
        }
        let spent = i128::from(energy_mwh) * i128::from(tariff.energy_price_per_kwh_minor) / 1_000_000;
        self.applied_minor - i64::try_from(spent).unwrap_or(i64::MAX)
    }

    /// Energy served and not paid for by now, mWh.
    pub(crate) fn unpaid_mwh(&self, energy_mwh: u64, tariff: &Tariff) -> u64 {
        if let Some(rated) = &self.rated {
            let spent = i128::from(rated.spent_minor().max(1));
            let owed = (spent - i128::from(self.applied_minor.max(0))).max(0);
            return u64::try_from(i128::from(energy_mwh) * owed / spent).unwrap_or(u64::MAX);
        }
        let paid =
            i128::from(self.applied_minor.max(0)) * 1_000_000 / i128::from(tariff.energy_price_per_kwh_minor.max(1));
        energy_mwh.saturating_sub(u64::try_from(paid).unwrap_or(u64::MAX))
    }

    /// Counts energy served beyond the money up to now; call before the money changes and at the end.
    pub(crate) fn count_unbilled(&mut self, energy_mwh: u64, tariff: &Tariff) {
        let limit = u64::try_from(self.limit_mwh(tariff)).unwrap_or(0);
        self.unbilled_mwh += energy_mwh.saturating_sub(limit.max(self.mark_mwh));
        self.mark_mwh = self.mark_mwh.max(energy_mwh);
    }
}
