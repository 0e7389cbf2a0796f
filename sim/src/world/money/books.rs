//! The payments as a table, and the sums that must agree at the end of a run.

use taa_dcu::{
    billing::{Account, Book},
    config::CreditAt,
};

use super::{Pay, Stage};
use crate::{
    cause::Chain,
    records::{AccountRow, Books, PayOutcome, PaymentRow, TokenBooks},
    world::Village,
};

impl Village<'_> {
    /// The payments as a table.
    pub(crate) fn payment_rows(&mut self, now_ms: u64) {
        for pay in &mut self.pays {
            pay.hold(Chain::EMPTY, now_ms);
            self.records.payments.push(PaymentRow {
                customer: pay.customer,
                wanted_ms: pay.wanted_ms,
                accepted_ms: pay.accepted_ms,
                at_aggregator_ms: pay.at_aggregator_ms,
                at_intake_ms: pay.at_intake_ms,
                at_vendor_ms: pay.at_vendor_ms,
                credited_ms: pay.credited_ms,
                in_hand_ms: pay.in_hand_ms,
                applied_ms: pay.applied_ms,
                amount_minor: pay.amount_minor,
                balance_before_minor: pay.balance_before_minor,
                channel: pay.channel,
                token_by: pay.token_by,
                outcome: match pay.stage {
                    Stage::Applied => PayOutcome::Applied,
                    Stage::Wanted => PayOutcome::Blocked,
                    _ => PayOutcome::Pending,
                },
                attempts: pay.attempts,
                callbacks: pay.callbacks,
                texts: pay.texts,
                entries: pay.entries,
                held_by: pay.held_longest.0,
            });
        }
    }

    /// What the vendor's Book and the meters hold, beside what people have paid.
    pub(crate) fn close_books(&mut self, now_ms: u64) {
        let sum = |of: &dyn Fn(&Pay) -> bool| -> i64 {
            self.pays.iter().filter(|pay| of(pay)).map(|pay| pay.amount_minor).sum()
        };
        let accepted_minor = sum(&|pay| pay.accepted_ms.is_some());
        let handed_back_minor = sum(&|pay| pay.handed_back > 0);
        let applied_minor = sum(&|pay| pay.stage == Stage::Applied);
        let at_cloud = match self.traits.credit_at {
            CreditAt::Cloud => true,
            CreditAt::Dcu => false,
            CreditAt::Meter => self.traits.keypad && !self.traits.local_vending,
        };
        let vendor =
            if at_cloud { self.cloud_book().totals() } else { self.site_book().map(Book::totals).unwrap_or_default() };
        let (mut written_minor, mut loaded_u) = (0, 0);
        for customer in 0..self.people.len() {
            let one = self.people.of(customer);
            written_minor += one.unit.meter.credit_written_minor();
            loaded_u += one.unit.meter.credit_tokens_u();
        }
        let opening_minor: i64 = if self.traits.credit_at == CreditAt::Meter { self.site.opening_minor() } else { 0 };
        let places = self.places();
        self.account_rows(at_cloud);
        self.records.tokens = std::mem::take(&mut self.money.tokens.rows);
        self.records.twin = self.twin_row(self.money.twice_told);
        self.records.kits = self.kit_rows(now_ms);
        let kits = self.records.kits.sums();
        self.records.books = Books {
            accepted_minor: accepted_minor + kits.paid_minor,
            in_flight_minor: places.in_flight_minor + kits.open_minor,
            held_minor: places.held_minor,
            untold_minor: places.untold_minor,
            handed_back_minor,
            refunded_minor: i64::try_from(vendor.refunded_suspense).unwrap_or(i64::MAX),
            in_doubt_minor: places.in_doubt_minor,
            suspense_in_doubt_minor: places.suspense_in_doubt_minor,
            audits: self.money.auditor.looks,
            suspended_minor: i64::try_from(vendor.suspended).unwrap_or(i64::MAX),
            vendor_minor: i64::try_from(vendor.received).unwrap_or(i64::MAX),
            applied_minor,
            meters_minor: written_minor - opening_minor + loaded_u.div_euclid(self.money.tokens.u_per_minor()),
            duplicates: self.money.duplicates,
            tokens: self.token_books(loaded_u),
            kits,
        };
    }

    fn token_books(&self, loaded_u: i64) -> TokenBooks {
        let (tokens, sums) = (&self.money.tokens, self.money.tokens.sums);
        let unused = self.pays.iter().filter(|pay| pay.stage != Stage::Applied);
        TokenBooks {
            u_per_minor: tokens.u_per_minor(),
            paid_u: sums.paid_u,
            issued_u: sums.issued_u,
            due_u: tokens.due_u(),
            loaded_u,
            waiting_u: unused.filter_map(|pay| Some(pay.token.as_ref()?.worth_u)).sum(),
            chance_u: sums.chance_u,
            used: sums.used,
            refused: sums.refused,
        }
    }

    /// Every account as the deciding Book and the meter have it.
    fn account_rows(&mut self, at_cloud: bool) {
        let opening = self.site.openings_minor();
        let accounts: Vec<Account> = if at_cloud {
            self.cloud_book().accounts().to_vec()
        } else {
            self.site_book().map(|book| book.accounts().to_vec()).unwrap_or_default()
        };
        // What steps of tokens have left due to a customer, but for tokens that no meter has taken yet.
        let u_per_minor = self.money.tokens.u_per_minor();
        let mut left_u: Vec<i64> = (0..self.people.len()).map(|customer| self.money.tokens.due_of(customer)).collect();
        for pay in self.pays.iter().filter(|pay| pay.stage != Stage::Applied) {
            if let Some(made) = &pay.token {
                left_u[pay.customer as usize] -= pay.amount_minor * u_per_minor - made.worth_u;
            }
        }
        let knows = |id: &str| self.deciding_book().is_some_and(|book| book.is_amended(id));
        let amended: Vec<i64> =
            (0..self.people.len()).map(|customer| self.money.clerk.done_minor(customer, knows)).collect();
        for ((customer, account), opening_minor) in (0..).zip(accounts).zip(opening) {
            let left_u = left_u.get(customer as usize).copied().unwrap_or(0);
            let meter = &self.people.of(customer).unit.meter;
            self.records.accounts.push(AccountRow {
                customer,
                opening_minor,
                balance_minor: account.balance_minor(),
                credited_minor: account.credited_minor(),
                billed_wh: account.register_wh(),
                meter_wh: meter.energy_wh(),
                loaded_minor: meter.credit_written_minor() + (meter.credit_tokens_u() + left_u).div_euclid(u_per_minor),
                tokens_u: meter.credit_tokens_u(),
                relay_closed: meter.relay_closed(),
                amended_minor: amended.get(customer as usize).copied().unwrap_or(0),
            });
        }
    }
}
