//! Token servers' shapes at the relay: somebody else's system asks here for a token of a site that nobody can call.
//!
//! ```text
//!   MPM ──shape──▶ relay: question durable ──answer to a fetch──▶ DCU: one sale per reference, for ever
//!   MPM ◀─token─── relay ◀──────────────── next fetch ─────────── DCU: token durable
//! ```
//!
//! Whoever asks waits at most [`super::RelayConfig::token_wait_ms`] and is then told to ask again, in the shape's own words;
//! the question stays, the site is asked for a day, and who asks again gets the one token: also after that day, for then the
//! site is asked anew under the same reference, and an answer that comes late is kept. A site answers within its fetch's
//! period and two ways. SparkMeter's shape wants no token but credit: it is a payment, taken at once.

use std::collections::VecDeque;

use taa_dcu::{
    fetch::{Answer, QUESTIONS_MAX, Question},
    payment::{Channel, Payment, PaymentId, Provider},
};

use super::{Entry, Event, Output, Relay, RelayConfig, State};
use crate::{
    http::HttpRequest,
    provider::Paid,
    token_server::{self, Asked, Issued, NotIssued, TokenServer, What},
};

/// A site is asked for so long, ms.
const QUESTION_MS: i64 = 86_400_000;

/// The server behind the shapes, and who waits for it.
#[derive(Debug)]
pub(super) struct Desk {
    server: TokenServer,
    /// Its records, by the relay's.
    records: VecDeque<(u64, u64)>,
    /// Calls that wait, and until when, Unix ms.
    calls: VecDeque<(u64, i64)>,
}

impl Desk {
    pub(super) fn recover(config: &RelayConfig, state: &State) -> Option<Self> {
        let mut records: Vec<_> = state.tokens.values().flatten().cloned().collect();
        records.sort_by_key(|record| record.number);
        let server = TokenServer::recover(config.tokens.clone()?, records);
        Some(Self { server, records: VecDeque::new(), calls: VecDeque::new() })
    }
}

impl State {
    /// A record of the token server's, kept by purchase.
    pub(super) fn keep_token(&mut self, record: &token_server::Record) {
        use token_server::Entry::{Arrived, Asked, Failed, Issued, Told};
        match &record.entry {
            Asked(asked, _) => {
                self.tokens.insert(asked.reference.clone(), vec![record.clone()]);
            }
            Issued(reference, _) | Told(reference, _) | Arrived(reference, _) => {
                if let Some(kept) = self.tokens.get_mut(reference) {
                    kept.push(record.clone());
                }
            }
            Failed(reference) => {
                self.tokens.remove(reference);
            }
        }
    }

    pub(super) fn forget_tokens(&mut self, upto: i64) {
        self.tokens.retain(|_, records| {
            let asked = records.first().map(|record| &record.entry);
            !matches!(asked, Some(token_server::Entry::Asked(asked, _)) if asked.at_unix_ms <= upto)
        });
    }

    /// What was asked under a reference that has no answer, whether its site is still asked or not.
    fn unanswered(&self, reference: &PaymentId) -> Option<&Asked> {
        match self.tokens.get(reference)?.as_slice() {
            [token_server::Record { entry: token_server::Entry::Asked(asked, _), .. }] => Some(asked),
            _ => None,
        }
    }

    /// Questions that a site is being asked, oldest first.
    pub fn questions(&self, site: &str) -> impl Iterator<Item = &Asked> {
        let site = site.to_owned();
        self.questions.iter().filter(move |(of, _)| *of == site).map(|(_, asked)| asked)
    }
}

impl Relay {
    /// Somebody asks for a token in a shape that [`RelayConfig::tokens`] knows. The answer comes as [`Output::Respond`].
    pub fn handle_token_request(&mut self, now_unix_ms: i64, call: u64, request: &HttpRequest) {
        let until = now_unix_ms.saturating_add(self.config.token_wait_ms);
        let Some(desk) = &mut self.desk else {
            return self.respond(call, crate::http::HttpResponse::text(404, ""));
        };
        desk.calls.push_back((call, until));
        desk.server.handle_request(now_unix_ms, call, request);
        self.drain_desk(now_unix_ms);
    }

    fn drain_desk(&mut self, now_unix_ms: i64) {
        while let Some(desk) = &mut self.desk {
            match desk.server.poll_output() {
                token_server::Output::Append(record) => {
                    let number = record.number;
                    self.record(now_unix_ms, Entry::Tokens(record));
                    let mine = self.state.last_record();
                    if let Some(desk) = &mut self.desk {
                        desk.records.push_back((mine, number));
                    }
                }
                token_server::Output::Ask(asked) => self.put_question(now_unix_ms, &asked),
                token_server::Output::Respond { call, response } => {
                    let before = desk.calls.len();
                    desk.calls.retain(|(waiting, _)| *waiting != call);
                    if desk.calls.len() < before {
                        self.outputs.push_back(Output::Respond { call, response });
                    }
                }
                token_server::Output::Event(event) => self.event(Event::Tokens(event)),
                token_server::Output::Idle => return,
            }
        }
    }

    /// Puts a question to whoever can answer it.
    fn put_question(&mut self, now_unix_ms: i64, asked: &Asked) {
        let site = self.config.site_of_meter(&asked.meter).map(|site| site.id.clone());
        let Some(site) = site else { return self.issued(now_unix_ms, &asked.reference, Err(NotIssued::UnknownMeter)) };
        if let (Provider::Spark, What::MoneyMinor(amount_minor)) = (asked.reference.provider, asked.what) {
            let outcome = self.take_sold(now_unix_ms, asked, amount_minor);
            return self.issued(now_unix_ms, &asked.reference, outcome.as_ref().map_err(|why| *why));
        }
        if !self.state.questions(&site).any(|open| open.reference == asked.reference) {
            // The site's day begins when it is asked, which may be long after the first question.
            let asked = Asked { at_unix_ms: now_unix_ms.max(asked.at_unix_ms), ..asked.clone() };
            self.record(now_unix_ms, Entry::Questioned { site, asked });
        }
    }

    /// Credit sold by somebody else's system: a payment under their number.
    fn take_sold(&mut self, now: i64, asked: &Asked, amount_minor: i64) -> Result<Issued, NotIssued> {
        let PaymentId { provider, key } = asked.reference.clone();
        let payment = Payment::new(provider, key, &asked.meter, amount_minor, Channel::Server, asked.at_unix_ms);
        let taken = self.take(now, &Paid { payment, doubt: None });
        taken.map(|()| Issued { token: None, energy_wh: None }).map_err(|_| NotIssued::Unfit)
    }

    fn issued(&mut self, now_unix_ms: i64, reference: &PaymentId, outcome: Result<&Issued, NotIssued>) {
        if let Some(desk) = &mut self.desk {
            desk.server.handle_issued(now_unix_ms, reference, outcome);
        }
    }

    /// A site's answers to its questions, also to those that it is asked no more: a token that was made is told to whoever
    /// asks again.
    pub(super) fn take_answers(&mut self, now_unix_ms: i64, site: &str, answers: &[Answer]) {
        for Answer { reference, outcome } in answers {
            let is_open = self.state.questions(site).any(|open| open.reference == *reference);
            let asked = self.state.unanswered(reference);
            let is_its = |asked: &Asked| self.config.site_of_meter(&asked.meter).is_some_and(|of| of.id == site);
            if !is_open && !asked.is_some_and(is_its) {
                continue;
            }
            if is_open {
                self.record(now_unix_ms, Entry::Answered { site: site.to_owned(), reference: reference.clone() });
            }
            let issued =
                outcome.as_ref().map(|vended| Issued { token: Some(vended.token), energy_wh: vended.energy_wh });
            self.issued(now_unix_ms, reference, issued.as_ref().map_err(|why| (**why).into()));
        }
        self.drain_desk(now_unix_ms);
    }

    /// What a site is asked with the next answer.
    pub(super) fn questions_for(&self, site: &str) -> Vec<Question> {
        let open = self.state.questions(site).take(QUESTIONS_MAX);
        let question = |asked: &Asked| Question {
            reference: asked.reference.clone(),
            meter: asked.meter.clone(),
            ask: asked.ask(),
        };
        open.map(question).collect()
    }

    /// Records of the token server that are durable with the relay's.
    pub(super) fn desk_durable(&mut self) {
        let durable = self.durable;
        let Some(desk) = &mut self.desk else { return };
        let mut upto = None;
        while let Some((_, number)) = desk.records.pop_front_if(|(mine, _)| *mine <= durable) {
            upto = Some(number);
        }
        if let Some(upto) = upto {
            desk.server.handle_durable(upto);
            // A question that is durable now is put to its site: at the time that it was asked.
            self.drain_desk(self.now_unix_ms);
        }
    }

    /// Calls that have waited too long are told to come again; questions of yesterday are dropped.
    pub(super) fn desk_due(&mut self, now_unix_ms: i64) {
        let Some(desk) = &mut self.desk else { return };
        let late: Vec<u64> =
            desk.calls.iter().filter(|(_, until)| *until <= now_unix_ms).map(|(call, _)| *call).collect();
        for call in late {
            let Some(desk) = &mut self.desk else { return };
            if let Some(response) = desk.server.handle_gone(call) {
                desk.calls.retain(|(waiting, _)| *waiting != call);
                self.outputs.push_back(Output::Respond { call, response });
            }
        }
        let old = self
            .state
            .questions
            .iter()
            .filter(|(_, asked)| now_unix_ms.saturating_sub(asked.at_unix_ms) >= QUESTION_MS);
        let old: Vec<_> = old.map(|(site, asked)| (site.clone(), asked.reference.clone())).collect();
        for (site, reference) in old {
            self.event(Event::Unanswered { site: site.clone(), reference: reference.clone() });
            self.record(now_unix_ms, Entry::Answered { site, reference });
        }
    }

    pub(super) fn desk_deadline(&self) -> Option<i64> {
        let calls = self.desk.as_ref()?.calls.iter().map(|(_, until)| *until);
        let questions = self.state.questions.iter().map(|(_, asked)| asked.at_unix_ms.saturating_add(QUESTION_MS));
        calls.chain(questions).min()
    }
}
