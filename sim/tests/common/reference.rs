//! The reference ledger: what must be true of money, from what can be seen outside.
//!
//! Money in = credit given + suspense + handed back + under way, to the minor unit; and where credit goes by tokens, each
//! token is the very amount that the standard's field can say of what is due, to the 1/100000 of the currency's unit.
//!
//! Who has paid is connected within the policy's bound once a path exists: by the site's own configuration
//! ([`ConnectBound`]), and by the relays of the meters as they stood.

use taa_dcu::{
    config::{CreditAt, Traits},
    relay::{ConnectBound, Surroundings},
};
use taa_scenarios::model::{Fault, FaultKind, Scenario};
use taa_sim::{
    records::{AccountRow, PayOutcome, PaymentRow, RelayRow, TokenBy},
    result::ArchResult,
    run::{Meddling, site_policy},
};

use super::{DAY_MS, HOUR_MS};

/// From the evening when people go to bed until the last of them is up, and has typed a number three times, ms.
const TYPED_MS: u64 = 11 * HOUR_MS;
/// From a call about a token that the meter has refused until the operator has it sold anew, ms: an hour, and what is left of it
/// until the site can be reached.
const ASKED_MS: u64 = 90 * 60_000;
/// A text that is lost is asked for again, ms (the operator's policy; of five in a row one arrives).
const TOLD_MS: u64 = 3 * HOUR_MS;

/// How soon a payment must have its effect once nothing stands in its way, ms.
pub(crate) struct Bound {
    /// From the provider's yes to the vendor: callbacks that are lost or late, and the query that finds them.
    provider_ms: u64,
    /// From there to the light.
    reach_ms: u64,
    /// From the credit on the account to the light; `None` where the meter keeps the account.
    lit_ms: Option<u64>,
}

impl Bound {
    /// What the policy of this site promises.
    pub(crate) fn of(scenario: &Scenario, traits: &Traits) -> Self {
        let payments = &scenario.comms.payments;
        // A token that was made under a wrong key is typed, refused, sold anew in the morning, and typed again.
        let refused = scenario.faults.iter().any(|fault| fault.what == FaultKind::WrongKeyRevision);
        let by_hand_ms = if refused { 2 * (TYPED_MS + TOLD_MS) + TYPED_MS + ASKED_MS } else { TYPED_MS + TOLD_MS };
        let around =
            Surroundings { ahead: scenario.village.customers.len() as u32, by_hand_ms, ..Surroundings::default() };
        let bound = ConnectBound::of(&site_policy(scenario, *traits), &around);
        // A status query finds what is late or lost; a callback's delay is lognormal, sigma 1, and longer on pay-days.
        let late_s = payments.reconcile_after_s + 100.0 * payments.callback_median_s;
        let provider_s = late_s + payments.intake.hop_median_s * 8.0;
        Self {
            provider_ms: (provider_s * 1000.0) as u64,
            reach_ms: bound.total_ms(),
            lit_ms: (traits.credit_at != CreditAt::Meter).then(|| bound.from_credit_ms(traits.credit_at)),
        }
    }

    /// By when a payment must have had its effect, where that is before the end.
    fn is_due(&self, scenario: &Scenario, pay: &PaymentRow) -> Option<u64> {
        let sent_ms = self.due_ms(scenario, pay.accepted_ms?, self.provider_ms);
        let at_vendor_ms = pay.at_vendor_ms.map_or(sent_ms, |at_ms| at_ms.min(sent_ms));
        let due_ms = self.due_ms(scenario, at_vendor_ms, self.reach_ms);
        Some(due_ms).filter(|due_ms| *due_ms < u64::from(scenario.run.days) * DAY_MS)
    }

    /// Until when, from an instant on: trouble that comes before it is over begins the wait anew. The next trouble may begin
    /// before the last one's wait is over: the end of the last one counts.
    fn due_ms(&self, scenario: &Scenario, from_ms: u64, reach_ms: u64) -> u64 {
        let mut due_ms = from_ms + reach_ms;
        for fault in &scenario.faults {
            if fault.from_ms <= due_ms && fault.until_ms + reach_ms > due_ms && fault.until_ms > from_ms {
                due_ms = fault.until_ms + reach_ms;
            }
        }
        due_ms
    }
}

/// What the schedules have brought about, so that they can be seen to test something.
#[derive(Debug, Default)]
pub(crate) struct Reference {
    pub(crate) payments: u64,
    pub(crate) repeats: u64,
    pub(crate) boots: u64,
    pub(crate) refused: u64,
    pub(crate) suspended: u64,
    pub(crate) prices: u64,
    pub(crate) handed_back: u64,
    pub(crate) tokens: u64,
    /// Tokens that a gateway took, payments that the DCU wrote into the meter, refused tokens that were sold anew.
    pub(crate) by_gateway: u64,
    pub(crate) written: u64,
    pub(crate) replaced: u64,
    pub(crate) audits: u64,
    pub(crate) turned_away: u64,
    /// Credits of customers whose relay was open, and who owed nothing after them.
    pub(crate) dark_and_paid: u64,
    /// Payments that were due before the end: for all, and where numbers are typed.
    pub(crate) due: u64,
    pub(crate) due_by_hand: u64,
    /// Meters that keep their credit, and have some at the end.
    pub(crate) with_credit: u64,
}

impl Reference {
    pub(crate) fn add(&mut self, scenario: &Scenario, arch: &ArchResult, bound: &Bound) {
        let records = &arch.records;
        let due = records.payments.rows().filter(|pay| bound.is_due(scenario, pay).is_some()).count() as u64;
        self.due += due;
        self.due_by_hand += if arch.traits.keypad { due } else { 0 };
        if arch.traits.credit_at == CreditAt::Meter {
            self.with_credit +=
                records.accounts.iter().filter(|account| left_minor(scenario, account) > 0).count() as u64;
        }
        let count = |kind: &str| records.log.kind.iter().filter(|of| **of == kind).count() as u64;
        self.payments += records.payments.rows().filter(|pay| pay.accepted_ms.is_some()).count() as u64;
        self.repeats += u64::from(records.books.duplicates);
        self.boots += count("dcu_up");
        self.refused += count("disk_refuses");
        self.suspended += u64::from(records.books.suspended_minor > 0);
        self.prices += count("prices");
        self.handed_back += u64::from(records.books.handed_back_minor > 0);
        self.tokens += records.tokens.len() as u64;
        let applied = || records.payments.rows().filter(|pay| pay.applied_ms.is_some());
        if arch.traits.credit_at == CreditAt::Meter && arch.traits.local_vending {
            let by_gateway = applied().filter(|pay| arch.traits.keypad && pay.entries == 0).count() as u64;
            self.by_gateway += by_gateway;
            self.written += if arch.traits.keypad { 0 } else { applied().count() as u64 };
        }
        self.replaced += count("token_replaced");
        self.audits += records.books.audits;
        let refused = |(kind, text): &(&&str, &String)| **kind == "intake" && text.starts_with("Refused");
        let waits = |row: &RelayRow| !row.closed && row.owes == Some(false);
        self.dark_and_paid += records.relays.rows().filter(waits).count() as u64;
        self.turned_away += records.log.kind.iter().zip(&records.log.text).filter(refused).count() as u64;
    }
}

/// One customer's money, as the customer and the meter tell it.
#[derive(Clone, Copy, Debug, Default)]
struct Purse {
    /// Paid, and accepted by somebody.
    paid: i128,
    /// Of that, what its receipt says has been credited.
    credited: i128,
    /// Of that, what has had its effect.
    applied: i128,
    /// Of that, what was paid to an account that nobody has, and has reached the vendor.
    astray: i128,
}

/// The payer named an account that nobody has.
fn is_astray(row: usize, meddling: Meddling) -> bool {
    meddling.wrong_accounts && row % 7 == 3
}

/// The payer took the short code of another currency.
fn is_foreign(row: usize, arch: &ArchResult, meddling: Meddling) -> bool {
    meddling.foreign_money && arch.traits.local_vending && row % 11 == 5
}

/// What is wrong with the money of a run; empty when nothing is.
pub(crate) fn wrongs(scenario: &Scenario, arch: &ArchResult, meddling: Meddling, bound: &Bound) -> Vec<String> {
    let records = &arch.records;
    let mut purses = vec![Purse::default(); scenario.village.customers.len()];
    for (row, pay) in records.payments.rows().enumerate().filter(|(_, pay)| pay.accepted_ms.is_some()) {
        let purse = &mut purses[pay.customer as usize];
        let amount = i128::from(pay.amount_minor);
        purse.paid += amount;
        purse.credited += if pay.credited_ms.is_some() { amount } else { 0 };
        purse.applied += if pay.applied_ms.is_some() { amount } else { 0 };
        let arrived = is_astray(row, meddling) && pay.at_vendor_ms.is_some();
        purse.astray += if arrived && pay.credited_ms.is_none() { amount } else { 0 };
    }
    let log = &records.log;
    let audited = log.kind.iter().zip(&log.text).filter(|(kind, _)| **kind == "money_audit");
    let mut found: Vec<String> = audited.map(|(_, text)| format!("while it ran: {text}")).collect();
    let mut equal = |what: String, left: i128, right: i128| {
        if left != right {
            found.push(format!("{what}: {left} is not {right}"));
        }
    };
    // Money in is credit given, or in suspense, or still under way.
    let sum = |of: &dyn Fn(&Purse) -> i128| purses.iter().map(of).sum::<i128>();
    let books = &records.books;
    let suspended = i128::from(books.suspended_minor);
    let refunded = i128::from(books.refunded_minor);
    let untold = i128::from(books.untold_minor);
    let lies = |fault: &Fault| matches!(fault.what, FaultKind::FsyncLies | FaultKind::PageCorrupt);
    if !scenario.faults.iter().any(lies) {
        equal("credited and told to nobody".into(), untold, 0);
        equal("told and credited to nobody".into(), i128::from(books.in_doubt_minor), 0);
    }
    let forgotten = i128::from(books.suspense_in_doubt_minor);
    let takings = sum(&|purse| purse.credited) + suspended + forgotten + refunded + untold;
    equal("the vendor's takings".into(), i128::from(books.vendor_minor + books.in_doubt_minor), takings);
    let held = i128::from(books.held_minor);
    if suspended + forgotten > sum(&|purse| purse.astray) {
        equal("in suspense".into(), suspended + forgotten, sum(&|purse| purse.astray));
    }
    let elsewhere = i128::from(books.in_flight_minor + books.in_doubt_minor) + held;
    let handed_back = i128::from(books.handed_back_minor) - refunded;
    let accounted = i128::from(books.vendor_minor) + elsewhere + handed_back;
    equal("money in".into(), sum(&|purse| purse.paid), accounted);
    if books.in_doubt_minor + books.untold_minor > 0 {
        // Whose credit is missing the site cannot know; what it must do then is checked by whoever has made it forget.
        return found;
    }
    for (account, purse) in records.accounts.iter().zip(&purses) {
        let given = i128::from(account.credited_minor - account.opening_minor);
        equal(format!("account {}: credit given", account.customer), given, purse.credited);
        match arch.traits.credit_at {
            CreditAt::Meter => {
                let loaded = i128::from(account.loaded_minor - account.opening_minor);
                equal(format!("meter {}: credit loaded", account.customer), loaded, purse.applied);
                if left_minor(scenario, account) > 0 && !account.relay_closed {
                    equal(format!("meter {} has credit: relays closed", account.customer), 0, 1);
                }
            }
            CreditAt::Cloud | CreditAt::Dcu => found_use(scenario, account, (purse, meddling), &mut equal),
        }
    }
    if records.accounts.len() != purses.len() {
        equal("accounts".into(), records.accounts.len() as i128, purses.len() as i128);
    }
    found.extend(token_wrongs(arch));
    let two_tales = |(row, pay): (usize, PaymentRow)| {
        (pay.applied_ms.is_some() != (pay.outcome == PayOutcome::Applied))
            .then(|| format!("payment {row}, which took effect at {:?}, is {:?}", pay.applied_ms, pay.outcome))
    };
    found.extend(records.payments.rows().enumerate().filter_map(two_tales));
    let found_late = |(row, pay): (usize, PaymentRow)| {
        (!is_astray(row, meddling) && !is_foreign(row, arch, meddling))
            .then(|| late(scenario, row, &pay, bound))
            .flatten()
    };
    found.extend(records.payments.rows().enumerate().filter_map(found_late));
    found.extend(dark(scenario, arch, bound));
    found
}

/// The most that a token can say of what is due (IEC 62055-41: mantissa of 14 bits, exponent of 5, each exponent going on
/// where the one below it ends), u.
fn most_that_a_token_says(due_u: i128) -> i128 {
    let (mut begins, mut step, mut most) = (0, 1, 0);
    while begins <= due_u {
        most = begins + step * ((due_u - begins) / step).min(16_383);
        begins += step * 16_384;
        step *= 10;
    }
    most
}

/// Every token against what was due, and every meter against the tokens that it has taken; nothing is rounded here.
fn token_wrongs(arch: &ArchResult) -> Vec<String> {
    let records = &arch.records;
    let mut found = Vec::new();
    let u_per_minor = i128::from(records.books.tokens.u_per_minor);
    let pays: Vec<PaymentRow> = records.payments.rows().collect();
    let customers = records.accounts.len();
    let (mut due_u, mut loaded_u) = (vec![0_i128; customers], vec![0_i128; customers]);
    for (number, token) in records.tokens.iter().enumerate() {
        let of = token.customer as usize;
        let paid = token.payments.iter().map(|row| i128::from(pays[*row as usize].amount_minor));
        if token.worth_u < 0 {
            let worth_u = i128::from(token.worth_u);
            due_u[of] -= paid.sum::<i128>() * u_per_minor + worth_u;
            let applied = token.payments.iter().any(|row| pays[*row as usize].applied_ms.is_some());
            loaded_u[of] += if applied { worth_u } else { 0 };
            continue;
        }
        if token.payments.is_empty() {
            found.push(format!("token {number} of customer {of} is for nobody's payment"));
        }
        due_u[of] += paid.sum::<i128>() * u_per_minor;
        let worth_u = most_that_a_token_says(due_u[of]);
        if i128::from(token.worth_u) != worth_u {
            let told = token.worth_u;
            found.push(format!("token {number} of customer {of} says {told} of {} due, not {worth_u}", due_u[of]));
        }
        due_u[of] -= worth_u;
        let taken = token.payments.iter().filter(|row| pays[**row as usize].applied_ms.is_some()).count();
        match taken {
            0 => {}
            all if all == token.payments.len() => loaded_u[of] += worth_u,
            some => found.push(format!("token {number}: {some} of {} payments applied", token.payments.len())),
        }
    }
    for account in records.accounts.iter().filter(|_| arch.traits.keypad) {
        let loaded_u = loaded_u[account.customer as usize];
        if i128::from(account.tokens_u) != loaded_u {
            let shows = account.tokens_u;
            found.push(format!("meter {}: tokens of {shows} loaded, not {loaded_u}", account.customer));
        }
    }
    let carried_u = due_u.iter().sum::<i128>();
    if carried_u != i128::from(records.books.tokens.due_u) && arch.traits.keypad {
        found.push(format!("{} is carried over, not {carried_u}", records.books.tokens.due_u));
    }
    found
}

/// What a meter that keeps its credit has left of it at least, after the dearest use that its register allows.
fn left_minor(scenario: &Scenario, account: &AccountRow) -> i64 {
    let price = scenario.tariff.energy_price_per_kwh_minor;
    let fees = scenario.tariff.daily_fee_minor * i64::from(scenario.run.days + 1);
    let most = i64::try_from(account.meter_wh).unwrap_or(i64::MAX / 4_000_000) * (price + price / 4) / 1000 + fees;
    account.loaded_minor - most
}

/// What was taken off the balance is the price of what the register shows: not less than from the end of the first hour
/// on, in which the first reading is made, and not more than from the start.
fn found_use(
    scenario: &Scenario,
    account: &AccountRow,
    (purse, meddling): (&Purse, Meddling),
    equal: &mut impl FnMut(String, i128, i128),
) {
    let tariff = &scenario.tariff;
    let prices = [tariff.energy_price_per_kwh_minor].into_iter();
    let prices = prices.chain(tariff.periods.iter().map(|period| period.price_per_kwh_minor));
    let prices = prices.chain(tariff.blocks.iter().map(|block| block.price_per_kwh_minor));
    let prices = prices.chain(tariff.lifeline.map(|lifeline| lifeline.price_per_kwh_minor));
    let (lowest, price) = prices.fold((i64::MAX, 0), |(low, high), price| (low.min(price), high.max(price)));
    let (lowest, price) = (i128::from(lowest), i128::from(price));
    let fees = i128::from(tariff.daily_fee_minor) * i128::from(scenario.run.days + 1);
    let billed_wh = i128::from(account.billed_wh.unwrap_or(0));
    let put_in = i128::from(account.opening_minor + account.amended_minor) + purse.credited;
    let taken = put_in - i128::from(account.balance_minor);
    let highest = if meddling.prices_change { price + price / 4 } else { price };
    let most = billed_wh * highest / 1000 + fees;
    // A household draws a few hundred watts at most in the half hour before its first reading.
    let least = (billed_wh - 500).max(0) * lowest / 1000 - 1;
    if !(least..=most).contains(&taken) {
        equal(format!("account {}: taken for {billed_wh} Wh", account.customer), taken, most);
    }
    if billed_wh > i128::from(account.meter_wh) {
        equal(format!("meter {}: register", account.customer), i128::from(account.meter_wh), billed_wh);
    }
}

/// The payment has had its effect within the bound, once nothing stood in its way.
fn late(scenario: &Scenario, row: usize, pay: &PaymentRow, bound: &Bound) -> Option<String> {
    let (accepted_ms, due_ms) = (pay.accepted_ms?, bound.is_due(scenario, pay)?);
    let by_paper = pay.token_by == TokenBy::Stock;
    let done_ms = if by_paper { pay.credited_ms.max(pay.applied_ms) } else { pay.applied_ms };
    done_ms.is_none_or(|done_ms| done_ms > due_ms).then(|| {
        let customer = pay.customer;
        let held = pay.held_by.names();
        format!(
            "payment {row} of customer {customer}, accepted at {accepted_ms}, was due by {due_ms} and took effect at \
             {done_ms:?}; credited at {:?}, at the vendor's at {:?}; {held}",
            pay.credited_ms, pay.at_vendor_ms
        )
    })
}

/// Customers whose account owed nothing any more, and whose relay was not closed in time for all that.
fn dark(scenario: &Scenario, arch: &ArchResult, bound: &Bound) -> Vec<String> {
    let Some(lit_ms) = bound.lit_ms else { return Vec::new() };
    let relays = &arch.records.relays;
    let end_ms = u64::from(scenario.run.days) * DAY_MS;
    let mut waits = vec![None; scenario.village.customers.len()];
    let mut found = Vec::new();
    let mut late = |customer: usize, wait: Option<(u64, u64)>, lit_ms: Option<u64>| {
        let Some((paid_ms, due_ms)) = wait.filter(|(_, due_ms)| lit_ms.unwrap_or(end_ms) > *due_ms) else { return };
        let lit = lit_ms.map_or_else(|| "never".to_owned(), |at_ms| at_ms.to_string());
        found.push(format!("customer {customer} owed nothing from {paid_ms} on, was due light by {due_ms}: {lit}"));
    };
    for row in relays.rows() {
        let wait: &mut Option<(u64, u64)> = &mut waits[row.customer as usize];
        if row.closed {
            late(row.customer as usize, wait.take(), Some(row.time_ms));
        } else if row.owes == Some(false) && wait.is_none() {
            *wait = Some((row.time_ms, bound.due_ms(scenario, row.time_ms, lit_ms)));
        }
    }
    waits.into_iter().enumerate().for_each(|(customer, wait)| late(customer, wait, None));
    found
}
