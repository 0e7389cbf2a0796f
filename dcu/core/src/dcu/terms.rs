//! Tariffs, corrections, refunds, loans, receipts: what changes accounts besides payments and consumption.

use super::{Dcu, output::DcuEvent};
use crate::{
    MeterIx,
    billing::{
        Account, AmendError, Amendable, Amendment, Answer, Asking, ClassRefusal, RefundFrom, Settled, Settling,
        TariffRefusal, TariffStart, Told,
    },
    config::{CreditAt, Tariff},
    journal::{Applied, Entry},
    payment::PaymentId,
};

impl Dcu {
    /// A correction, a refund or a loan. The outcome comes as [`DcuEvent::Amended`] once it is durable; money may be
    /// handed back then and not before. The very same one again is harmless and told again. Where the cloud keeps the
    /// accounts it is asked ([`Amendable::Asked`]), and its answer comes the same way.
    ///
    /// # Errors
    /// [`AmendError`]; nothing was recorded.
    pub fn amend(&mut self, now: u64, amendment: Amendment) -> Result<(), AmendError> {
        self.begin(now);
        let from_account = matches!(&amendment, Amendment::Refund(r) if matches!(r.from, RefundFrom::Account { .. }));
        let kept_at = self.config.traits.credit_at;
        if kept_at == CreditAt::Cloud {
            return self.ask_amendment(now, amendment);
        }
        // What a meter has left only the meter knows.
        if kept_at == CreditAt::Meter && from_account {
            return Err(AmendError::KeptElsewhere);
        }
        if let Some(error) = self.state.book().amend_error(&amendment) {
            return Err(error);
        }
        let id = amendment.id().to_owned();
        let outcome = if self.state.book().is_amended(&id) {
            Applied::Amended(Amendable::Duplicate)
        } else {
            let amendment = self.state.book().by_first_names(&amendment);
            self.record(now, Entry::Amended(amendment))
        };
        if let Applied::Amended(outcome) = outcome {
            self.receipt(DcuEvent::Amended { id, outcome });
            if let Amendable::Done { account: Some(account), .. } = outcome {
                self.reconsider(now, MeterIx(account));
            }
        }
        self.pump(now);
        self.send(now);
        Ok(())
    }

    /// Asks the cloud, which keeps the accounts.
    fn ask_amendment(&mut self, now: u64, amendment: Amendment) -> Result<(), AmendError> {
        amendment.check()?;
        let id = amendment.id().to_owned();
        let outcome = match self.state.asked().standing(&amendment) {
            Asking::Clash => return Err(AmendError::Clash),
            Asking::Told(told) => outcome_of(&amendment, told),
            Asking::Waits => Amendable::Asked,
            Asking::Fresh => {
                self.record(now, Entry::AmendAsked(amendment));
                Amendable::Asked
            }
        };
        self.receipt(DcuEvent::Amended { id, outcome });
        self.send(now);
        Ok(())
    }

    /// The cloud asks for an amendment of an account that is kept here. Its answer is in the outbox with the record.
    pub(super) fn take_amendment(&mut self, now: u64, amendment: Amendment) {
        let book = self.state.book();
        let from_account = matches!(&amendment, Amendment::Refund(r) if matches!(r.from, RefundFrom::Account { .. }));
        let elsewhere = match self.config.traits.credit_at {
            CreditAt::Cloud => true,
            CreditAt::Meter => from_account,
            CreditAt::Dcu => false,
        };
        let error = if elsewhere { Some(AmendError::KeptElsewhere) } else { book.amend_error(&amendment) };
        let id = amendment.id().to_owned();
        match error {
            // A question that came again: the answer is on its way, or has arrived.
            Some(_) if book.is_declined(&amendment) => {}
            None if book.is_amended(&id) => {}
            Some(error) => {
                self.record(now, Entry::AmendDeclined { amendment, error });
                self.receipt(DcuEvent::Amended { id, outcome: Amendable::Refused(error) });
            }
            None => {
                if let Applied::Amended(outcome) = self.record(now, Entry::Amended(amendment)) {
                    self.receipt(DcuEvent::Amended { id, outcome });
                    if let Amendable::Done { account: Some(account), .. } = outcome {
                        self.reconsider(now, MeterIx(account));
                    }
                }
            }
        }
    }

    /// The cloud tells what became of an amendment of an account that it keeps.
    pub(super) fn take_answer(&mut self, now: u64, answer: Answer) {
        if self.config.traits.credit_at != CreditAt::Cloud || !self.state.asked().is_news(&answer) {
            return;
        }
        let (id, outcome) = (answer.amendment.id().to_owned(), outcome_of(&answer.amendment, answer.told));
        self.record(now, Entry::AmendTold(answer));
        self.receipt(DcuEvent::Amended { id, outcome });
    }

    /// Sets the watts that an account has subscribed; `None`: as the tariff says. False when there is no such account.
    pub fn subscribe(&mut self, now: u64, account: MeterIx, watts: Option<u32>) -> bool {
        self.begin(now);
        let Some(found) = self.state.book().account(account.0) else { return false };
        if found.subscribed_w() != watts {
            self.record(now, Entry::Subscribed { account: account.0, watts });
        }
        true
    }

    /// Puts an account under the tariff of a class (empty: the site's own) from now on. It is told by
    /// [`DcuEvent::Classed`] once it is durable.
    ///
    /// # Errors
    /// [`ClassRefusal`]; nothing was recorded.
    pub fn classify(&mut self, now: u64, account: MeterIx, class: &str) -> Result<(), ClassRefusal> {
        self.begin(now);
        self.take_class(now, account.0, class, 0)
    }

    /// The cloud's order comes at least once, and not in order: of two the higher number counts.
    pub(super) fn take_class(&mut self, now: u64, account: u32, class: &str, change: u64) -> Result<(), ClassRefusal> {
        let book = self.state.book();
        let known = book.account(account).map_or(0, Account::class_change);
        if change != 0 && change <= known {
            return Ok(());
        }
        book.judge_class(account, class, self.config.traits.credit_at == CreditAt::Meter)?;
        if book.class_of(account) != class || change > known {
            self.record(now, Entry::Classed { account, class: class.to_owned(), change });
            self.receipt(DcuEvent::Classed { account: MeterIx(account), class: class.to_owned() });
            self.reconsider(now, MeterIx(account));
            self.pump(now);
            self.send(now);
        }
        Ok(())
    }

    /// Ends a receipt that counts without the provider's word: it was found forged, or matched by hand. False when no
    /// such receipt counts, or the payment that is said to match it is not known.
    pub fn settle_receipt(&mut self, now: u64, id: &PaymentId, how: Settled) -> bool {
        self.begin(now);
        let book = self.state.book();
        let matched = !matches!(&how, Settled::Matched(by) if !book.has_seen(by));
        if !matched || !book.receipts().any(|known| known == id) {
            return false;
        }
        self.take_back(now, id, how);
        self.pump(now);
        self.send(now);
        true
    }

    fn take_back(&mut self, now: u64, id: &PaymentId, how: Settled) {
        let applied = self.record(now, Entry::ReceiptSettled { id: id.clone(), how: how.clone() });
        if let Applied::Settled(Settling::TakenBack { account, amount_minor, .. }) = applied {
            let meter = MeterIx(account);
            self.receipt(DcuEvent::TakenBack { meter, id: id.clone(), amount_minor, how });
            self.reconsider(now, meter);
        }
    }

    /// A tariff from the cloud.
    pub(super) fn take_tariff(&mut self, now: u64, tariff: Tariff) {
        let needs_flat = self.config.traits.credit_at == CreditAt::Meter;
        let judged = if needs_flat && !tariff.suits_meters() {
            Err(TariffRefusal::NeedsFlatPrice)
        } else {
            self.state.book().judge_tariff(&tariff, self.unix_ms(now))
        };
        match judged {
            Ok(start) => {
                let version = tariff.version;
                self.record(now, Entry::TariffChanged(Box::new(tariff)));
                self.event(DcuEvent::TariffTaken { version, start });
                if start == TariffStart::Now {
                    self.reconsider_all(now);
                }
            }
            Err(refusal) => self.event(DcuEvent::TariffRefused(refusal)),
        }
    }

    /// When an announced tariff begins, a receipt runs out, or the clock changes a decision, Unix ms.
    pub(super) fn terms_due_unix_ms(&self) -> Option<i64> {
        let book = self.state.book();
        let judgement = self.judgements.first().map(|(at, _)| *at);
        [book.tariff_due_unix_ms(), book.receipt_due_unix_ms(), judgement].into_iter().flatten().min()
    }

    /// Announced tariffs that begin, receipts that have run out.
    pub(super) fn check_terms(&mut self, now: u64) {
        let Some(unix_ms) = self.unix_ms(now) else { return };
        while self.state.book().tariff_due_unix_ms().is_some_and(|due| due <= unix_ms) {
            self.record(now, Entry::TariffStarted);
            let version = self.state.book().tariffs().map(|tariff| tariff.version).max().unwrap_or(0);
            self.event(DcuEvent::TariffStarted { version });
            self.reconsider_all(now);
        }
        while let Some(id) = self.state.book().expired_receipt(unix_ms).cloned() {
            self.take_back(now, &id, Settled::Expired);
        }
    }
}

const fn outcome_of(amendment: &Amendment, told: Told) -> Amendable {
    match told {
        Told::Done { amount_minor, balance_minor } => {
            Amendable::Done { account: amendment.account(), balance_minor, amount_minor }
        }
        Told::Refused(error) => Amendable::Refused(error),
    }
}
