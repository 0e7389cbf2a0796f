//! Corrections, refunds and loans on the uplink, whole, and what became of them.

use super::wire::{self, DecodeError, Reader};
use crate::{
    billing::{AmendError, Amendment, Answer, Correction, Loan, Refund, RefundFrom, Told, WHY_BYTES_MAX},
    payment::{PaymentId, Provider},
};

const CORRECTION: u8 = 0;
const REFUND: u8 = 1;
const REFUND_SUSPENSE: u8 = 2;
const LOAN: u8 = 3;

pub(super) fn put(out: &mut Vec<u8>, amendment: &Amendment) {
    let (kind, why) = match amendment {
        Amendment::Correction(c) => (CORRECTION, &c.why),
        Amendment::Refund(Refund { from: RefundFrom::Account { .. }, why, .. }) => (REFUND, why),
        Amendment::Refund(Refund { why, .. }) => (REFUND_SUSPENSE, why),
        Amendment::Loan(l) => (LOAN, &l.why),
    };
    out.push(kind);
    wire::put_text(out, amendment.id());
    wire::put_long(out, why, WHY_BYTES_MAX);
    match amendment {
        Amendment::Correction(c) => {
            wire::put_u64(out, u64::from(c.account));
            wire::put_i64(out, c.amount_minor);
            out.push(u8::from(c.of.is_some()));
            if let Some(of) = &c.of {
                put_id(out, of);
            }
        }
        Amendment::Refund(Refund { from: RefundFrom::Account { account, amount_minor }, .. })
        | Amendment::Loan(Loan { account, amount_minor, .. }) => {
            wire::put_u64(out, u64::from(*account));
            wire::put_i64(out, *amount_minor);
        }
        Amendment::Refund(Refund { from: RefundFrom::Suspense(payment), .. }) => put_id(out, payment),
    }
}

pub(super) fn take(from: &mut Reader<'_>) -> Result<Amendment, DecodeError> {
    let kind = from.u8()?;
    let (id, why) = (from.text("id")?, from.text_of("why", WHY_BYTES_MAX)?);
    if kind == REFUND_SUSPENSE {
        return Ok(Amendment::Refund(Refund { id, from: RefundFrom::Suspense(take_id(from)?), why }));
    }
    let (account, amount_minor) = (from.u32("account")?, from.i64("amount")?);
    Ok(match kind {
        CORRECTION => {
            let of = if from.flag("of")? { Some(take_id(from)?) } else { None };
            Amendment::Correction(Correction { id, account, amount_minor, of, why })
        }
        REFUND => Amendment::Refund(Refund { id, from: RefundFrom::Account { account, amount_minor }, why }),
        LOAN => Amendment::Loan(Loan { id, account, amount_minor, why }),
        _ => return Err(DecodeError::Field("amendment")),
    })
}

fn put_id(out: &mut Vec<u8>, id: &PaymentId) {
    out.push(id.provider as u8);
    wire::put_text(out, &id.key);
}

fn take_id(from: &mut Reader<'_>) -> Result<PaymentId, DecodeError> {
    let provider = from.u8()?;
    let provider = Provider::ALL.into_iter().find(|known| *known as u8 == provider);
    Ok(PaymentId { provider: provider.ok_or(DecodeError::Field("provider"))?, key: from.text("key")? })
}

const DONE: u8 = 0;

pub(super) fn put_answer(out: &mut Vec<u8>, answer: &Answer) {
    put(out, &answer.amendment);
    match answer.told {
        Told::Done { amount_minor, balance_minor } => {
            out.push(DONE);
            wire::put_i64(out, amount_minor);
            wire::put_i64(out, balance_minor);
        }
        Told::Refused(error) => {
            out.push(error_code(error));
            if let AmendError::Exceeds { free_minor } = error {
                wire::put_i64(out, free_minor);
            }
        }
    }
}

pub(super) fn take_answer(from: &mut Reader<'_>) -> Result<Answer, DecodeError> {
    let amendment = take(from)?;
    let told = match from.u8()? {
        DONE => Told::Done { amount_minor: from.i64("amount")?, balance_minor: from.i64("balance")? },
        code => Told::Refused(match code {
            1 => AmendError::Id,
            2 => AmendError::Why,
            3 => AmendError::Amount,
            4 => AmendError::Account,
            5 => AmendError::Clash,
            6 => AmendError::Exceeds { free_minor: from.i64("free")? },
            7 => AmendError::NotInSuspense,
            8 => AmendError::KeptElsewhere,
            _ => return Err(DecodeError::Field("refusal")),
        }),
    };
    Ok(Answer { amendment, told })
}

const fn error_code(error: AmendError) -> u8 {
    match error {
        AmendError::Id => 1,
        AmendError::Why => 2,
        AmendError::Amount => 3,
        AmendError::Account => 4,
        AmendError::Clash => 5,
        AmendError::Exceeds { .. } => 6,
        AmendError::NotInSuspense => 7,
        AmendError::KeptElsewhere => 8,
    }
}
