//! What changes an account besides payments and consumption: corrections, refunds, loans. Entries, never edits.
//!
//! Each bears an id that somebody has given it; the same one twice changes nothing, the same id with other content is
//! told. What it corrects it names; the entry that was wrong stays.

use serde::{Deserialize, Serialize};

use super::Book;
use crate::payment::{AMOUNT_MINOR_MAX, PaymentId};

/// Longest id of an amendment and longest reason, bytes.
pub const ID_BYTES_MAX: usize = 64;
/// Longest reason, bytes.
pub const WHY_BYTES_MAX: usize = 256;

/// An amount put right on an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// Known by this, for ever.
    pub id: String,
    /// Index of the account.
    pub account: u32,
    /// Added to the balance; below zero it is taken from it. Minor units.
    pub amount_minor: i64,
    /// The payment that it corrects, where it is one.
    pub of: Option<PaymentId>,
    /// In somebody's words.
    pub why: String,
}

/// Where a refund comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefundFrom {
    /// An account's balance.
    Account {
        /// Its index.
        account: u32,
        /// So much, minor units.
        amount_minor: i64,
    },
    /// The whole of a payment in suspense, by any of its names.
    Suspense(PaymentId),
}

/// Money handed back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Known by this, for ever.
    pub id: String,
    /// Where it comes from.
    pub from: RefundFrom,
    /// In somebody's words.
    pub why: String,
}

/// Something given on credit: a connection, an appliance. It is paid off by a share of each payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loan {
    /// Known by this, for ever.
    pub id: String,
    /// Index of the account.
    pub account: u32,
    /// How much, minor units.
    pub amount_minor: i64,
    /// In somebody's words.
    pub why: String,
}

/// Any of the three.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Amendment {
    /// A correction.
    Correction(Correction),
    /// A refund.
    Refund(Refund),
    /// A loan.
    Loan(Loan),
}

/// What is remembered of one, to tell a repeat from a clash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Amended {
    kind: u8,
    account: Option<u32>,
    amount_minor: i64,
    /// The payment that it corrects or hands back.
    payment: Option<PaymentId>,
}

/// What became of an amendment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amendable {
    /// Done.
    Done {
        /// The account; `None` for money from suspense.
        account: Option<u32>,
        /// Its balance now, minor units; 0 for suspense.
        balance_minor: i64,
        /// What moved, minor units, with its sign.
        amount_minor: i64,
    },
    /// The very same was done before: nothing changed.
    Duplicate,
    /// The balance is kept at the other end of the uplink, which has been asked; what became of it is told later.
    Asked,
    /// Nothing changed.
    Refused(AmendError),
}

/// Why an amendment is refused. Whoever ordered it is at fault; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum AmendError {
    /// The id is empty or too long.
    #[error("the id must have 1 to {ID_BYTES_MAX} bytes")]
    Id,
    /// The reason is missing or too long.
    #[error("the reason must have 1 to {WHY_BYTES_MAX} bytes")]
    Why,
    /// Zero, too large, or below zero where that has no meaning.
    #[error("the amount is zero, below zero or beyond {AMOUNT_MINOR_MAX} minor units")]
    Amount,
    /// No such account.
    #[error("there is no such account")]
    Account,
    /// The id was used for something else.
    #[error("this id was used before for something else")]
    Clash,
    /// More than is there (credit on mere receipts is not there).
    #[error("there are {free_minor} minor units to hand back")]
    Exceeds {
        /// What could be handed back.
        free_minor: i64,
    },
    /// No such payment waits.
    #[error("no such payment is in suspense")]
    NotInSuspense,
    /// The balance is in the meter or in the cloud, not here.
    #[error("the balance is kept elsewhere")]
    KeptElsewhere,
}

impl Amendment {
    /// What it is known by.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Correction(c) => &c.id,
            Self::Refund(r) => &r.id,
            Self::Loan(l) => &l.id,
        }
    }

    /// What is wrong with it whatever the accounts are.
    ///
    /// # Errors
    /// [`AmendError::Id`], [`AmendError::Why`], [`AmendError::Amount`].
    pub fn check(&self) -> Result<(), AmendError> {
        if self.id().is_empty() || self.id().len() > ID_BYTES_MAX {
            return Err(AmendError::Id);
        }
        if self.why().is_empty() || self.why().len() > WHY_BYTES_MAX {
            return Err(AmendError::Why);
        }
        let (least, amount_minor) = match self {
            Self::Correction(c) => (AMOUNT_MINOR_MAX.saturating_neg(), c.amount_minor),
            Self::Refund(Refund { from: RefundFrom::Account { amount_minor, .. }, .. }) => (1, *amount_minor),
            Self::Refund(_) => return Ok(()),
            Self::Loan(l) => (1, l.amount_minor),
        };
        let fits = amount_minor != 0 && (least..=AMOUNT_MINOR_MAX).contains(&amount_minor);
        if fits { Ok(()) } else { Err(AmendError::Amount) }
    }

    /// The account that it moves; none for money in suspense.
    #[must_use]
    pub const fn account(&self) -> Option<u32> {
        match self {
            Self::Correction(c) => Some(c.account),
            Self::Refund(Refund { from: RefundFrom::Account { account, .. }, .. }) => Some(*account),
            Self::Refund(_) => None,
            Self::Loan(l) => Some(l.account),
        }
    }

    /// The reason, in somebody's words.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::Correction(c) => &c.why,
            Self::Refund(r) => &r.why,
            Self::Loan(l) => &l.why,
        }
    }
}

impl Book {
    /// Puts an amount right.
    pub fn correct(&mut self, correction: Correction, at_ms: Option<i64>) -> Amendable {
        self.amend(&Amendment::Correction(correction), at_ms)
    }

    /// Hands money back.
    pub fn refund(&mut self, refund: Refund, at_ms: Option<i64>) -> Amendable {
        self.amend(&Amendment::Refund(refund), at_ms)
    }

    /// Lends something.
    pub fn lend(&mut self, loan: Loan, at_ms: Option<i64>) -> Amendable {
        self.amend(&Amendment::Loan(loan), at_ms)
    }

    /// What would become of an amendment; `Ok` with what would be remembered when it can be done.
    fn judge(&self, amendment: &Amendment) -> Result<Amended, Amendable> {
        let refuse = |error| Err(Amendable::Refused(error));
        let id = amendment.id();
        if id.is_empty() || id.len() > ID_BYTES_MAX {
            return refuse(AmendError::Id);
        }
        if amendment.why().is_empty() || amendment.why().len() > WHY_BYTES_MAX {
            return refuse(AmendError::Why);
        }
        let before = self.amended.get(id);
        if let Some((declined, error)) = self.declined.get(id).filter(|_| before.is_none()) {
            return refuse(if self.same(declined, amendment) { *error } else { AmendError::Clash });
        }
        let (kind, account, amount_minor, payment) = match amendment {
            Amendment::Correction(c) => (0, Some(c.account), c.amount_minor, c.of.as_ref()),
            Amendment::Refund(Refund { from: RefundFrom::Account { account, amount_minor }, .. }) => {
                (1, Some(*account), *amount_minor, None)
            }
            Amendment::Refund(Refund { from: RefundFrom::Suspense(payment), .. }) => {
                let waiting = self.suspended(payment).map(|p| p.amount_minor);
                match (waiting, before) {
                    (Some(amount_minor), _) => (2, None, amount_minor, Some(payment)),
                    (None, Some(before))
                        if before.kind == 2 && self.are_one(before.payment.as_ref(), Some(payment)) =>
                    {
                        return Err(Amendable::Duplicate);
                    }
                    (None, Some(_)) => return refuse(AmendError::Clash),
                    (None, None) => return refuse(AmendError::NotInSuspense),
                }
            }
            Amendment::Loan(l) => (3, Some(l.account), l.amount_minor, None),
        };
        let amended = Amended { kind, account, amount_minor, payment: payment.cloned() };
        if let Some(before) = before {
            // Names of a payment may have been learnt since.
            let one = self.are_one(before.payment.as_ref(), amended.payment.as_ref());
            let same = one && Amended { payment: before.payment.clone(), ..amended } == *before;
            return if same { Err(Amendable::Duplicate) } else { refuse(AmendError::Clash) };
        }
        let least = if kind == 0 { AMOUNT_MINOR_MAX.saturating_neg() } else { 1 };
        if amount_minor == 0 || !(least..=AMOUNT_MINOR_MAX).contains(&amount_minor) {
            return refuse(AmendError::Amount);
        }
        if let Some(ix) = account {
            let Some(found) = self.account(ix) else { return refuse(AmendError::Account) };
            let free_minor = found.balance_minor().saturating_sub(found.ahead_minor()).max(0);
            if kind == 1 && amount_minor > free_minor {
                return refuse(AmendError::Exceeds { free_minor });
            }
        }
        Ok(amended)
    }

    /// What an amendment would be refused for; `None` also for a repeat, which is harmless.
    #[must_use]
    pub fn amend_error(&self, amendment: &Amendment) -> Option<AmendError> {
        match self.judge(amendment) {
            Err(Amendable::Refused(error)) => Some(error),
            _ => None,
        }
    }

    /// The other end of the uplink is told that this was refused: under this id it stays so.
    pub fn decline(&mut self, amendment: &Amendment, error: AmendError) {
        let id = amendment.id();
        if !self.amended.contains_key(id) && !self.declined.contains_key(id) {
            self.declined.insert(id.to_owned(), (amendment.clone(), error));
        }
    }

    /// The other end was told that this very amendment was refused.
    #[must_use]
    pub fn is_declined(&self, amendment: &Amendment) -> bool {
        self.declined.get(amendment.id()).is_some_and(|(declined, _)| self.same(declined, amendment))
    }

    /// The same names are meant.
    fn are_one(&self, one: Option<&PaymentId>, other: Option<&PaymentId>) -> bool {
        one.map(|id| self.named(id)) == other.map(|id| self.named(id))
    }

    /// The same order, whatever names it calls a payment by.
    fn same(&self, one: &Amendment, other: &Amendment) -> bool {
        self.by_first_names(one) == self.by_first_names(other)
    }

    /// An order that calls payments by their first names.
    #[must_use]
    pub fn by_first_names(&self, amendment: &Amendment) -> Amendment {
        let mut amendment = amendment.clone();
        match &mut amendment {
            Amendment::Correction(Correction { of: Some(id), .. })
            | Amendment::Refund(Refund { from: RefundFrom::Suspense(id), .. }) => *id = self.named(id).clone(),
            Amendment::Correction(_) | Amendment::Refund(_) | Amendment::Loan(_) => {}
        }
        amendment
    }

    /// An amendment of this id was done.
    #[must_use]
    pub fn is_amended(&self, id: &str) -> bool {
        self.amended.contains_key(id)
    }

    /// Does it, unless it was done before or cannot be.
    pub fn amend(&mut self, amendment: &Amendment, at_ms: Option<i64>) -> Amendable {
        let amended = match self.judge(amendment) {
            Ok(amended) => amended,
            Err(outcome) => return outcome,
        };
        let Amended { kind, account, amount_minor: amount, .. } = amended;
        self.amended.insert(amendment.id().to_owned(), amended);
        let wide = i128::from(amount);
        let totals = &mut self.totals;
        let moved = match kind {
            0 => {
                totals.corrected = totals.corrected.saturating_add(wide);
                amount
            }
            1 => {
                totals.refunded = totals.refunded.saturating_add(wide);
                amount.saturating_neg()
            }
            2 => {
                totals.refunded_suspense = totals.refunded_suspense.saturating_add(wide);
                totals.suspended = totals.suspended.saturating_sub(wide);
                amount.saturating_neg()
            }
            _ => {
                totals.lent = totals.lent.saturating_add(wide);
                amount
            }
        };
        if let Amendment::Refund(Refund { from: RefundFrom::Suspense(payment), .. }) = amendment {
            self.suspense.remove(&self.named(payment).clone());
        }
        let Some(ix) = account else {
            return Amendable::Done { account: None, balance_minor: 0, amount_minor: moved };
        };
        if let Some(found) = self.accounts.get_mut(ix as usize) {
            let tariff = self.tariffs.now(found.way.class());
            if kind == 3 {
                found.lend(amount, at_ms);
            } else {
                found.adjust(moved);
                found.settle(at_ms, tariff);
            }
        }
        Amendable::Done { account: Some(ix), balance_minor: self.balance_minor(ix), amount_minor: moved }
    }
}
