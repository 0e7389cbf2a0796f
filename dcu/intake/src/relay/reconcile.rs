//! Payments that nobody here asked for and whose callback was lost: read from the provider's list, or from a statement.
//!
//! Daraja's list of a short code is read every [`super::RelayConfig::pull_every_ms`] from where it was read last, with an
//! overlap, as lines may come late; after a pause longer than the provider keeps its list, [`Event::ListGap`] says for
//! which time a statement is needed. A line is a payment like any other: known by its number, credited as of its time.

use serde_json::json;
use taa_dcu::payment::Provider;

use super::{
    Entry, Event, Output, Query, Relay,
    taking::{Heard, Taken},
};
use crate::{
    fields::Fields,
    http::{HttpRequest, HttpResponse},
    provider::{
        Refusal, agent,
        statement::{self, LIST_BYTES_MAX, Line, Refused},
    },
};

/// So far back Daraja's list goes, ms.
const KEPT_MS: i64 = 48 * 3_600_000;
/// Lines may come so late, ms. Arbitrary.
const OVERLAP_MS: i64 = 600_000;
/// An answer that does not come in this time is asked for again, ms. Arbitrary.
const ANSWER_MS: i64 = 120_000;
/// Refused lines named in the answer to a clerk.
const NAMED_MAX: usize = 20;

/// A short code's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pull {
    /// When to ask next, or again, Unix ms.
    at_unix_ms: i64,
    /// The page that was asked for: from, to, offset.
    page: Option<(i64, i64, u32)>,
    sum: Sum,
}

/// What lines came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    new: usize,
    known: usize,
    held: usize,
    refused: usize,
}

impl Relay {
    /// A page of a short code's list, in answer to [`Query::Pull`]; `None` when the provider did not answer.
    pub fn handle_pulled(&mut self, now_unix_ms: i64, shortcode: &str, offset: u32, answer: Option<&[u8]>) {
        let Some(pull) = self.pulls.get(shortcode).copied() else { return };
        let Some((from, to, asked)) = pull.page.filter(|(.., asked)| *asked == offset) else { return };
        let known = self.config.shortcodes.iter().find(|known| known.code == shortcode).cloned();
        let (Some(body), Some(known)) = (answer, known) else { return };
        let lines = match statement::pulled(body, &known, now_unix_ms) {
            Ok(lines) => lines,
            // Asked again when the answer is due.
            Err(why) => {
                return self.event(Event::Refused { provider: Provider::Daraja, why });
            }
        };
        let count = u32::try_from(lines.len()).unwrap_or(u32::MAX);
        let sum = self.take_lines(now_unix_ms, (Provider::Daraja, shortcode), lines, pull.sum).0;
        let shortcode = shortcode.to_owned();
        if count > 0 {
            let page = Some((from, to, asked.saturating_add(count)));
            self.pulls.insert(shortcode.clone(), Pull { at_unix_ms: now_unix_ms, page, sum });
            return self.pull_due(now_unix_ms);
        }
        let at_unix_ms = now_unix_ms.saturating_add(self.config.pull_every_ms);
        self.pulls.insert(shortcode.clone(), Pull { at_unix_ms, page: None, sum: Sum::default() });
        self.record(now_unix_ms, Entry::Pulled { shortcode: shortcode.clone(), upto_unix_ms: to });
        self.tell(shortcode, sum);
    }

    /// A statement that a clerk brings: `clerk`, `shape` (one of [`super::RelayConfig::statements`]), `shortcode` if it
    /// is of one, and `statement` (the text), signed like an agent's entry. The answer comes as [`Output::Respond`] and counts what the lines came to.
    pub fn handle_statement(&mut self, now_unix_ms: i64, call: u64, request: &HttpRequest) {
        let response = match self.statement(now_unix_ms, request) {
            Ok(response) => response,
            Err(why) => HttpResponse::json(why.status(), &json!({ "error": why.to_string() })),
        };
        self.respond(call, response);
    }

    fn statement(&mut self, now_unix_ms: i64, request: &HttpRequest) -> Result<HttpResponse, Refusal> {
        let fields = Fields::parse_long(&request.body, LIST_BYTES_MAX)?;
        let clerk = fields.text("clerk")?;
        let operator = self.config.clerks.get(&clerk).ok_or(Refusal::NotAuthorised)?;
        agent::verify(request, &operator.key)?;
        let shape = self.config.statements.get(&fields.text("shape")?).cloned().ok_or(Refusal::UnknownText)?;
        let shortcode = fields.text_or_number_if_any("shortcode")?.unwrap_or_default();
        let lines = statement::lines(&fields.text("statement")?, &shape, now_unix_ms)?;
        let (sum, named) = self.take_lines(now_unix_ms, (shape.provider, &shortcode), lines, Sum::default());
        self.tell(clerk, sum);
        let named: Vec<_> = named.iter().map(|(why, line)| json!({ "why": why.to_string(), "line": line })).collect();
        let Sum { new, known, held, refused } = sum;
        let body = json!({ "new": new, "known": known, "held": held, "refused": refused, "lines": named });
        Ok(HttpResponse::json(200, &body))
    }

    fn take_lines(
        &mut self,
        now_unix_ms: i64,
        (provider, list): (Provider, &str),
        lines: Vec<Result<Line, Refused>>,
        mut sum: Sum,
    ) -> (Sum, Vec<Refused>) {
        let mut named = Vec::new();
        for line in lines {
            let outcome = line.and_then(|line| {
                let heard = Heard { list: Some(list.to_owned()), other_unix_ms: line.other_unix_ms };
                let taken = self.take_as(now_unix_ms, &line.paid, &heard);
                taken.map_err(|why| (why, line.paid.payment.key.clone()))
            });
            match outcome {
                Ok(Taken::New) => sum.new = sum.new.saturating_add(1),
                Ok(Taken::Known) => sum.known = sum.known.saturating_add(1),
                Ok(Taken::Held) => sum.held = sum.held.saturating_add(1),
                Err((why, line)) => {
                    sum.refused = sum.refused.saturating_add(1);
                    if why.is_worth_keeping() {
                        self.keep(now_unix_ms, provider, why, line.as_bytes());
                    }
                    if named.len() < NAMED_MAX {
                        named.push((why, line));
                    }
                }
            }
        }
        (sum, named)
    }

    fn tell(&mut self, of: String, sum: Sum) {
        let Sum { new, known, held, refused } = sum;
        self.event(Event::Listed { of, new, known, held, refused });
    }

    /// All lists are read at once when the relay starts: nobody knows what was missed.
    pub(super) fn pull_all(&mut self, now_unix_ms: i64) {
        let pull = Pull { at_unix_ms: now_unix_ms, page: None, sum: Sum::default() };
        self.pulls = self.config.pulls.iter().map(|code| (code.clone(), pull)).collect();
    }

    pub(super) fn pull_deadline(&self) -> Option<i64> {
        self.pulls.values().map(|pull| pull.at_unix_ms).min()
    }

    /// Asks for the pages that are due.
    pub(super) fn pull_due(&mut self, now_unix_ms: i64) {
        let due: Vec<_> = self.pulls.iter().filter(|(_, pull)| pull.at_unix_ms <= now_unix_ms).collect();
        let due: Vec<(String, Pull)> = due.into_iter().map(|(code, pull)| (code.clone(), *pull)).collect();
        for (shortcode, pull) in due {
            let page = pull.page.unwrap_or_else(|| (self.pull_from(now_unix_ms, &shortcode), now_unix_ms, 0));
            let (from_unix_ms, to_unix_ms, offset) = page;
            let at_unix_ms = now_unix_ms.saturating_add(ANSWER_MS);
            self.pulls.insert(shortcode.clone(), Pull { at_unix_ms, page: Some(page), ..pull });
            self.outputs.push_back(Output::Query(Query::Pull { shortcode, from_unix_ms, to_unix_ms, offset }));
        }
    }

    fn pull_from(&mut self, now_unix_ms: i64, shortcode: &str) -> i64 {
        let oldest = now_unix_ms.saturating_sub(KEPT_MS);
        let Some(upto) = self.state.pulled_upto_unix_ms(shortcode) else { return oldest };
        if upto < oldest {
            let (from_unix_ms, to_unix_ms) = (upto, oldest);
            self.event(Event::ListGap { shortcode: shortcode.to_owned(), from_unix_ms, to_unix_ms });
        }
        upto.saturating_sub(OVERLAP_MS).max(oldest)
    }
}
