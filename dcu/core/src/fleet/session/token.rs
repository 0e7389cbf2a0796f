//! Entering a token through a meter's gateway (class 115): call, then look at what became of it.
//!
//! ```text
//!   again? ── look: the same token, done? ──▶ end
//!     └────▶ enter ──▶ look ──▶ end            (format wrong as 20 digits: once more in 10 bytes)
//! ```
//!
//! The object is an octet string of any form. Public sources show 20 digits in ASCII and the same packed into ten bytes;
//! no attribute tells which a meter takes, so the digits come first and the packed form after a format failure, which
//! leaves no trace in the meter.

use taa_dlms::{
    AttributeRef, Client, ClientEvent, Error, MethodRef,
    axdr::Octets,
    client::ReadResult,
    cosem::{Cosem, TokenGateway, TokenStatus, TokenStatusCode},
    error::{Misuse, Refusal},
};

use super::{Exchange, Fault, Next, Outcome, view};
use crate::{
    fleet::layout::Layout,
    gateway::{TokenDigits, TokenReply},
};

/// Method: enter.
pub(crate) const ENTER: i8 = 1;
/// Attribute: the token taken last.
pub(crate) const TOKEN: i8 = 2;
/// Attribute: what became of it.
pub(crate) const STATUS: i8 = 6;

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Look whether an earlier attempt has arrived.
    Before,
    /// Call the method.
    Enter { packed: bool },
    /// Look what became of it.
    After { packed: bool },
}

impl Step {
    pub(super) const fn first(again: bool) -> Self {
        if again { Self::Before } else { Self::Enter { packed: false } }
    }
}

/// Gives the client the command of a step.
pub(super) fn ask(
    exchange: Option<Exchange>,
    layout: &Layout,
    step: Step,
    client: &mut Client,
    now: u64,
) -> Result<(), Error> {
    let (Some(Exchange::EnterToken { digits, .. }), Some(gateway)) = (exchange, layout.gateway) else {
        return Err(Misuse::Empty.into());
    };
    match step {
        Step::Enter { packed } => {
            let bytes = if packed { Octets::from(pack(&digits).as_slice()) } else { Octets::from(digits.0.as_slice()) };
            client.invoke(now, MethodRef::new(TokenGateway::CLASS, gateway, ENTER), Some(&bytes.to_value()))
        }
        Step::Before | Step::After { .. } => {
            let at = |attribute| AttributeRef::new(TokenGateway::CLASS, gateway, attribute);
            let asked: Vec<_> = [Some(at(TOKEN)), Some(at(STATUS)), layout.loaded].into_iter().flatten().collect();
            client.read(now, &asked)
        }
    }
}

/// What an event means to the step under way.
pub(super) fn judge(exchange: Option<Exchange>, layout: Option<&Layout>, step: Step, event: &ClientEvent<'_>) -> Next {
    let (Some(Exchange::EnterToken { digits, again }), Some(layout)) = (exchange, layout) else {
        return Next::End(Outcome::Failed(Fault::Misbehaved));
    };
    let then = |step| Next::Step(super::Step::Token(step));
    match (event, step) {
        (ClientEvent::Done(_), Step::Enter { packed }) => then(Step::After { packed }),
        // Some meters answer a token that they do not take with a refusal: what became of it stands in the object. One
        // that denies the object contradicts its map.
        (ClientEvent::Failed(error @ Error::Refused(Refusal::Action(_))), Step::Enter { packed }) => {
            match view::fault(*error) {
                Fault::Contradicted => Next::End(Outcome::Failed(Fault::Contradicted)),
                _ => then(Step::After { packed }),
            }
        }
        (ClientEvent::Failed(error), _) => Next::End(Outcome::Failed(view::fault(*error))),
        (ClientEvent::Values(values), Step::Before | Step::After { .. }) => {
            match reply(&digits, again, layout.loaded.is_some(), values) {
                Err(fault) => Next::End(Outcome::Failed(fault)),
                Ok(reply) => match step {
                    Step::Before if !reply.has_counted() => then(Step::Enter { packed: false }),
                    Step::After { packed: false } if failed_by_format(&reply) => then(Step::Enter { packed: true }),
                    _ => Next::End(Outcome::TokenEntered(Ok(reply))),
                },
            }
        }
        _ => Next::End(Outcome::Failed(Fault::Misbehaved)),
    }
}

fn failed_by_format(reply: &TokenReply) -> bool {
    reply.code == TokenStatusCode::FormatFailure.code()
}

/// The answers in the order in which they were asked for: token, status, credit.
fn reply(digits: &TokenDigits, again: bool, with_credit: bool, values: &[ReadResult]) -> Result<TokenReply, Fault> {
    let value = |at: usize| match values.get(at) {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => Err(view::denied(*error)),
        None => Err(Fault::Misbehaved),
    };
    let held = value(0)?.as_bytes().ok_or(Fault::Misbehaved)?;
    let status = TokenStatus::from_value(value(1)?).ok_or(Fault::Misbehaved)?;
    let loaded = if with_credit { value(2)?.as_i64() } else { None };
    let shown = held == digits.0 || held == pack(digits);
    Ok(TokenReply::new(&status, shown, again, loaded))
}

/// Two digits a byte.
fn pack(digits: &TokenDigits) -> [u8; 10] {
    let mut packed = [0; 10];
    for (to, pair) in packed.iter_mut().zip(digits.0.chunks_exact(2)) {
        *to = pair.iter().fold(0, |byte, digit| byte << 4 | (digit & 0x0F));
    }
    packed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digits_go_into_a_byte() {
        assert_eq!(
            pack(&TokenDigits(*b"04572225337837000077")),
            [0x04, 0x57, 0x22, 0x25, 0x33, 0x78, 0x37, 0x00, 0x00, 0x77]
        );
    }

    #[test]
    fn a_token_looked_for_first_after_an_unanswered_attempt() {
        assert_eq!(Step::first(true), Step::Before);
        assert_eq!(Step::first(false), Step::Enter { packed: false });
    }
}
