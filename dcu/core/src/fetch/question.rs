//! Questions of token servers' clients, which nobody can put to a DCU behind carrier NAT: they wait at the relay, come with
//! an answer of its list, and are answered with the next question for it.
//!
//! A question is known by its reference, and under one reference a token is vended once, for ever
//! ([`crate::vending::Source::Outside`]): so the relay repeats a question until it has the answer, and nothing of this is
//! in the journal but the sale. An answer leaves when the sale's token is durable.

use std::collections::BTreeMap;

use crate::{
    payment::{NAME_BYTES_MAX, PaymentId, Provider},
    uplink::{
        DecodeError,
        wire::{self, Reader},
    },
    vending::{Ask, TokenDigits, VendId},
};

/// Most questions in one answer of the relay, and most answers in one question of the DCU.
pub const QUESTIONS_MAX: usize = 8;
/// Most bytes that one question takes.
pub(super) const QUESTION_BYTES_MAX: usize = 2 * (NAME_BYTES_MAX + 1) + 2 + 10;

/// A token is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The purchase: the same again is the same token.
    pub reference: PaymentId,
    /// The meter's name, or its account's.
    pub meter: String,
    /// What.
    pub ask: Ask,
}

/// What was vended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vended {
    /// Its digits.
    pub token: TokenDigits,
    /// Energy that it is worth, Wh; `None` for anything but energy.
    pub energy_wh: Option<u64>,
}

/// Why nothing was vended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum NotVended {
    /// No such meter, or one that takes no tokens.
    UnknownMeter = 0,
    /// Not an amount that a token can carry.
    Amount = 1,
    /// Such a thing is not vended for this meter.
    Unfit = 2,
    /// Not now: without a lease, a clock, a module. It may be asked again.
    Later = 3,
}

/// What became of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which.
    pub reference: PaymentId,
    /// What.
    pub outcome: Result<Vended, NotVended>,
}

/// Questions under way at the DCU. Volatile: the relay repeats what was not answered.
#[derive(Debug, Default)]
pub(crate) struct Questions(BTreeMap<PaymentId, Asked>);

#[derive(Debug)]
struct Asked {
    state: State,
    /// The answer has left since the relay has asked last.
    sent: bool,
}

#[derive(Debug)]
enum State {
    /// Sold; the token is not seen yet.
    Sold(VendId),
    /// The answer, and the record that must be durable before it leaves.
    Answered(Result<Vended, NotVended>, u64),
}

impl Questions {
    /// What the relay asks now: all others it has heard the answer of, or has given up.
    pub(crate) fn keep(&mut self, asked: &[Question]) {
        self.0.retain(|reference, _| asked.iter().any(|question| question.reference == *reference));
        self.0.values_mut().for_each(|asked| asked.sent = false);
    }

    pub(crate) fn is_known(&self, reference: &PaymentId) -> bool {
        self.0.contains_key(reference)
    }

    pub(crate) fn sold(&mut self, reference: PaymentId, id: VendId) {
        self.0.insert(reference, Asked { state: State::Sold(id), sent: false });
    }

    pub(crate) fn refused(&mut self, reference: PaymentId, why: NotVended) {
        self.0.insert(reference, Asked { state: State::Answered(Err(why), 0), sent: false });
    }

    /// Sales whose token has not been seen.
    pub(crate) fn unseen(&self) -> Vec<(PaymentId, VendId)> {
        let unseen = self.0.iter().filter_map(|(reference, asked)| match asked.state {
            State::Sold(id) => Some((reference.clone(), id)),
            State::Answered(..) => None,
        });
        unseen.collect()
    }

    /// The token is there, in a record of at most this number.
    pub(crate) fn seen(&mut self, reference: &PaymentId, outcome: Result<Vended, NotVended>, record: u64) {
        if let Some(asked) = self.0.get_mut(reference) {
            asked.state = State::Answered(outcome, record);
        }
    }

    /// There is an answer that the relay has not been sent.
    pub(crate) fn has_news(&self, durable: u64) -> bool {
        self.0
            .values()
            .any(|asked| !asked.sent && matches!(asked.state, State::Answered(_, record) if record <= durable))
    }

    /// The answers that may leave; they are sent now.
    pub(crate) fn answers(&mut self, durable: u64) -> Vec<Answer> {
        let mut answers = Vec::new();
        for (reference, asked) in &mut self.0 {
            if let State::Answered(outcome, record) = &asked.state
                && *record <= durable
                && answers.len() < QUESTIONS_MAX
            {
                asked.sent = true;
                answers.push(Answer { reference: reference.clone(), outcome: outcome.clone() });
            }
        }
        answers
    }
}

pub(super) fn put_question(out: &mut Vec<u8>, question: &Question) {
    put_reference(out, &question.reference);
    wire::put_text(out, &question.meter);
    let (kind, value) = match question.ask {
        Ask::Money { amount_minor } => (0, u64::try_from(amount_minor).unwrap_or(0)),
        Ask::Energy { wh } => (1, u64::try_from(wh).unwrap_or(0)),
        Ask::ClearTamper => (2, 0),
        Ask::MaxPower { watts } => (3, u64::from(watts)),
    };
    out.push(kind);
    wire::put_u64(out, value);
}

pub(super) fn question(from: &mut Reader<'_>) -> Result<Question, DecodeError> {
    let (reference, meter, kind) = (reference(from)?, from.text("meter")?, from.u8()?);
    let value = from.u64("value")?;
    let signed = || i64::try_from(value).map_err(|_| DecodeError::Field("value"));
    let ask = match kind {
        0 => Ask::Money { amount_minor: signed()? },
        1 => Ask::Energy { wh: signed()? },
        2 => Ask::ClearTamper,
        3 => Ask::MaxPower { watts: u32::try_from(value).map_err(|_| DecodeError::Field("value"))? },
        _ => return Err(DecodeError::Field("ask")),
    };
    Ok(Question { reference, meter, ask })
}

pub(super) fn put_answer(out: &mut Vec<u8>, answer: &Answer) {
    put_reference(out, &answer.reference);
    match &answer.outcome {
        Ok(Vended { token, energy_wh }) => {
            out.push(if energy_wh.is_some() { 2 } else { 1 });
            out.extend_from_slice(&token.0);
            if let Some(wh) = energy_wh {
                wire::put_u64(out, *wh);
            }
        }
        Err(why) => out.extend_from_slice(&[0, *why as u8]),
    }
}

pub(super) fn answer(from: &mut Reader<'_>) -> Result<Answer, DecodeError> {
    let reference = reference(from)?;
    let outcome = match from.u8()? {
        0 => Err(match from.u8()? {
            0 => NotVended::UnknownMeter,
            1 => NotVended::Amount,
            2 => NotVended::Unfit,
            3 => NotVended::Later,
            _ => return Err(DecodeError::Field("why")),
        }),
        kind @ (1 | 2) => {
            let mut digits = [0; 20];
            for digit in &mut digits {
                *digit = from.u8()?;
            }
            if !digits.iter().all(u8::is_ascii_digit) {
                return Err(DecodeError::Field("token"));
            }
            let energy_wh = if kind == 2 { Some(from.u64("energy")?) } else { None };
            Ok(Vended { token: TokenDigits(digits), energy_wh })
        }
        _ => return Err(DecodeError::Field("outcome")),
    };
    Ok(Answer { reference, outcome })
}

fn put_reference(out: &mut Vec<u8>, reference: &PaymentId) {
    out.push(reference.provider as u8);
    wire::put_text(out, &reference.key);
}

fn reference(from: &mut Reader<'_>) -> Result<PaymentId, DecodeError> {
    let byte = from.u8()?;
    let provider = Provider::ALL.into_iter().find(|provider| *provider as u8 == byte);
    Ok(PaymentId { provider: provider.ok_or(DecodeError::Field("provider"))?, key: from.text("reference")? })
}
