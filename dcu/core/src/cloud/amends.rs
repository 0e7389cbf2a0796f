//! Corrections, refunds and loans at the cloud's end: done here, or asked of the DCU.

use super::{Cloud, CloudEvent};
use crate::{
    MeterIx,
    billing::{AmendError, Amendable, Amendment, Answer, Asked, Asking, Told},
    config::CreditAt,
    uplink::Down,
};

impl Cloud {
    /// A correction, a refund or a loan. Where the accounts are kept here it is done, and the DCU is told; else the DCU is
    /// asked ([`Amendable::Asked`]), and what became of it comes as [`CloudEvent::Amended`]. The same one again is harmless.
    ///
    /// # Errors
    /// [`AmendError`]; nothing was changed. Under an id that the DCU has refused nothing will be done any more.
    pub fn amend(&mut self, now: u64, amendment: &Amendment) -> Result<Amendable, AmendError> {
        self.now = now;
        let outcome = if self.config.traits.credit_at == CreditAt::Cloud {
            self.do_amendment(amendment)
        } else {
            self.ask_amendment(amendment)
        };
        self.flush(now);
        match outcome {
            Amendable::Refused(error) => Err(error),
            outcome => Ok(outcome),
        }
    }

    /// What is known of amendments that the DCU carries out.
    #[must_use]
    pub const fn asked(&self) -> &Asked {
        &self.asked
    }

    fn do_amendment(&mut self, amendment: &Amendment) -> Amendable {
        let outcome = self.book.amend(amendment, self.unix_ms());
        if let Amendable::Done { account, amount_minor, balance_minor } = outcome {
            self.tell(amendment, Told::Done { amount_minor, balance_minor });
            if let Some(account) = account {
                self.reconsider(MeterIx(account));
            }
        }
        outcome
    }

    fn ask_amendment(&mut self, amendment: &Amendment) -> Amendable {
        if let Err(error) = amendment.check() {
            return Amendable::Refused(error);
        }
        if amendment.account().is_some_and(|account| self.book.account(account).is_none()) {
            return Amendable::Refused(AmendError::Account);
        }
        match self.asked.standing(amendment) {
            Asking::Clash => return Amendable::Refused(AmendError::Clash),
            Asking::Told(Told::Refused(error)) => return Amendable::Refused(error),
            Asking::Told(Told::Done { .. }) => return Amendable::Duplicate,
            Asking::Waits => {}
            Asking::Fresh => {
                self.asked.ask(amendment);
                self.downlink.push(Down::Amend(Box::new(amendment.clone())));
            }
        }
        Amendable::Asked
    }

    /// The DCU asks for an amendment of an account that is kept here: at once, what is refused stays refused.
    pub(super) fn take_amendment(&mut self, amendment: &Amendment) {
        let kept_here = self.config.traits.credit_at == CreditAt::Cloud;
        let outcome =
            if kept_here { self.do_amendment(amendment) } else { Amendable::Refused(AmendError::KeptElsewhere) };
        if let Amendable::Refused(error) = outcome {
            self.book.decline(amendment, error);
            self.tell(amendment, Told::Refused(error));
        }
    }

    fn tell(&mut self, amendment: &Amendment, told: Told) {
        let answer = Answer { amendment: amendment.clone(), told };
        self.downlink.push_once(Down::Amended(Box::new(answer)));
    }

    /// The DCU tells what became of an amendment.
    pub(super) fn take_answer(&mut self, answer: Answer) {
        if self.config.traits.credit_at != CreditAt::Cloud && self.asked.hear(&answer) {
            self.event(CloudEvent::Amended(answer));
        }
    }
}
