//! Tokens on their way through a meter's gateway: which may go, and what is heard of them.

use super::{Dcu, output::DcuEvent};
use crate::{
    MeterIx,
    fleet::{Class, Exchange, TokenDue},
    gateway::{TokenDigits, TokenFate, TokenReply},
    reading::Lack,
};

impl Dcu {
    /// An operator's command: enters a token that was made elsewhere (a test, a key change, a replacement) through the
    /// meter's gateway. The answer comes as [`DcuEvent::TokenAnswered`]. Nothing of it is remembered over a restart: ask
    /// again then, with the same digits.
    pub fn deliver_token(&mut self, now: u64, meter: MeterIx, digits: TokenDigits) {
        self.begin(now);
        self.enter_token(meter, digits, false, 0);
        self.pump(now);
        self.send(now);
    }

    /// Has a token entered through the meter's gateway as soon as the record of that number is durable and the meter can
    /// be asked. The answer comes to [`Self::take_token_answer`]; until then it is tried again, with the same digits.
    /// `again`: it may have been entered before this boot. One token a meter at a time: a second one replaces the first.
    pub(super) fn enter_token(&mut self, meter: MeterIx, digits: TokenDigits, again: bool, rests_on: u64) {
        let Some(unit) = self.fleet.unit_mut(meter) else { return };
        // The same one again: what is known of it stays true.
        let again = again || unit.token_due.is_some_and(|due| due.digits == digits && due.again);
        unit.token_due = Some(TokenDue { digits, again, rests_on });
        if rests_on <= self.durable {
            self.fleet.enqueue(meter, Class::Urgent);
        } else {
            self.waiting.push(meter);
        }
    }

    /// An attempt ended without an answer: it may have arrived.
    pub(super) fn token_unanswered(&mut self, meter: MeterIx, exchange: Exchange) {
        if let (Exchange::EnterToken { digits, .. }, Some(unit)) = (exchange, self.fleet.unit_mut(meter))
            && let Some(due) = unit.token_due.as_mut().filter(|due| due.digits == digits)
        {
            due.again = true;
        }
    }

    /// The meter has said what became of the token, or has no gateway.
    pub(super) fn take_token_answer(
        &mut self,
        now: u64,
        meter: MeterIx,
        exchange: Exchange,
        answer: Result<TokenReply, Lack>,
    ) {
        let Exchange::EnterToken { digits, .. } = exchange else { return };
        if let Some(unit) = self.fleet.unit_mut(meter)
            && unit.token_due.is_some_and(|due| due.digits == digits)
        {
            unit.token_due = None;
        }
        self.event(DcuEvent::TokenAnswered { meter, answer });
        let fate = answer.map_or(TokenFate::Refused, |reply| reply.fate());
        self.gateway_said(now, meter, digits, fate);
    }
}
