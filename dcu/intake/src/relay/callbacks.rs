//! Calls of providers, agents and telephones.
//!
//! | path | who | proof |
//! |---|---|---|
//! | `/{secret}/daraja/c2b/confirmation`, `…/validation` | Daraja | the address |
//! | `/{secret}/daraja/stk` | Daraja | the address, and a push that was made |
//! | `/{secret}/momo/{X-Reference-Id}` | MTN | none needed: the status is asked for |
//! | `/{secret}/orange/{order_id}` | Orange | `notif_token`; the status is asked for |
//! | `/agent` | an agent | signature |
//! | `/sms` | a telephone that passes receipts on | signature; provisional |
//! | `/code` | whoever holds a code | the code |

use serde_json::json;
use taa_dcu::payment::{Channel, Payment, Provider};
use taa_keys::Secret;

use super::{Entry, Event, Relay, Settlement, taking::Heard};
use crate::{
    fields::Fields,
    http::{BODY_BYTES_MAX, HttpRequest, HttpResponse},
    provider::{Paid, Refusal, agent, cash_code, daraja::c2b, orange, sms},
};

/// Longest beginning of a body that is kept, bytes.
const UNREAD_BYTES_MAX: usize = 4096;

impl Relay {
    /// Somebody calls. The answer comes as [`super::Output::Respond`] with the same number, once it is safe.
    pub fn handle_callback(&mut self, now_unix_ms: i64, call: u64, provider: Provider, request: &HttpRequest) {
        let response = match self.callback(now_unix_ms, provider, request) {
            Ok(response) => response,
            Err(why) => {
                if why.is_worth_keeping() && self.is_from_friends(provider, request) {
                    self.keep(now_unix_ms, provider, why, &request.body);
                }
                self.event(Event::Refused { provider, why });
                HttpResponse::json(why.status(), &json!({ "ResultCode": 1, "ResultDesc": why.to_string() }))
            }
        };
        self.respond(call, response);
    }

    fn callback(
        &mut self,
        now_unix_ms: i64,
        provider: Provider,
        request: &HttpRequest,
    ) -> Result<HttpResponse, Refusal> {
        if request.body.len() > BODY_BYTES_MAX {
            return Err(crate::fields::FieldsError::TooLong.into());
        }
        if !matches!(request.method.as_str(), "POST" | "PUT") {
            return Err(Refusal::Method);
        }
        match provider {
            Provider::Daraja => self.daraja(now_unix_ms, request),
            Provider::MtnMomo | Provider::OrangeMoney => self.reference(now_unix_ms, provider, request),
            Provider::Agent => self.agent(now_unix_ms, request),
            Provider::Sms => self.sms(now_unix_ms, request),
            Provider::CashCode => self.code(now_unix_ms, request),
            Provider::Simulated | Provider::Spark | Provider::Calin | Provider::Stron => Err(Refusal::NotFound),
        }
    }

    fn daraja(&mut self, now_unix_ms: i64, request: &HttpRequest) -> Result<HttpResponse, Refusal> {
        self.check_path(request)?;
        let path: Vec<_> = request.segments().skip(1).collect();
        match path.as_slice() {
            ["daraja", "c2b", "confirmation"] => {
                let paid = c2b::payment(&request.body, &self.config.shortcodes, now_unix_ms)?;
                let list = Some(Fields::parse(&request.body)?.text_or_number("BusinessShortCode")?);
                self.take_as(now_unix_ms, &paid, &Heard { list, other_unix_ms: None })?;
            }
            ["daraja", "c2b", "validation"] => {
                let verdict = c2b::payment(&request.body, &self.config.shortcodes, now_unix_ms);
                let answer = match verdict {
                    Ok(paid) if self.config.site_of(&paid.payment.account).is_some() => c2b::Answer::Accepted,
                    Ok(_) => c2b::Answer::InvalidAccount,
                    Err(why) => c2b::Answer::of(why),
                };
                return Ok(answer.response());
            }
            ["daraja", "stk"] => self.take_push(now_unix_ms, &request.body)?,
            _ => return Err(Refusal::NotFound),
        }
        Ok(c2b::Answer::Accepted.response())
    }

    /// A callback that names its request in the path, and is believed only as far as to ask for the status.
    fn reference(
        &mut self,
        now_unix_ms: i64,
        provider: Provider,
        request: &HttpRequest,
    ) -> Result<HttpResponse, Refusal> {
        self.check_path(request)?;
        let id = request.segments().nth(2).ok_or(Refusal::NotFound)?;
        let (known, how) = self.state.request(provider, id).ok_or(Refusal::NoSuchRequest("path"))?;
        if provider == Provider::OrangeMoney {
            let token = known.tokens.as_ref().map(|tokens| Secret::new(tokens.notification.as_bytes()));
            let token = token.ok_or(Refusal::NoSuchRequest("path"))?;
            if !orange::is_token_of(&request.body, &token)? {
                return Err(Refusal::NotAuthorised);
            }
        } else {
            Fields::parse(&request.body)?.text("status")?;
        }
        if !how.is_some_and(Settlement::is_paid) {
            self.hasten(now_unix_ms, provider, id);
        }
        Ok(HttpResponse::json(200, &json!({})))
    }

    fn agent(&mut self, now_unix_ms: i64, request: &HttpRequest) -> Result<HttpResponse, Refusal> {
        let name = agent::sender(&request.body, "agent")?;
        let operator = self.config.agents.get(&name).ok_or(Refusal::NotAuthorised)?;
        agent::verify(request, &operator.key)?;
        let paid = agent::payment(&request.body, operator.money, now_unix_ms)?;
        self.take(now_unix_ms, &paid)?;
        Ok(HttpResponse::json(200, &json!({ "receipt": paid.payment.key })))
    }

    fn sms(&mut self, now_unix_ms: i64, request: &HttpRequest) -> Result<HttpResponse, Refusal> {
        let name = agent::sender(&request.body, "phone")?;
        let phone = self.config.phones.get(&name).ok_or(Refusal::NotAuthorised)?;
        agent::verify(request, &phone.key)?;
        let fields = Fields::parse(&request.body)?;
        let typed = fields.text_or_number_if_any("account")?.unwrap_or_default();
        let paid = sms::payment(&fields.text("text")?, &self.config.templates, &typed, now_unix_ms)?;
        self.take(now_unix_ms, &paid)?;
        Ok(HttpResponse::json(200, &json!({ "receipt": paid.payment.key, "provisional": true })))
    }

    fn code(&mut self, now_unix_ms: i64, request: &HttpRequest) -> Result<HttpResponse, Refusal> {
        let (key, money) = self.config.codes.as_ref().ok_or(Refusal::NotFound)?;
        let money = *money;
        let typed = cash_code::typed(&request.body, key)?;
        if !self.guesses.may_try(&typed.caller, now_unix_ms) {
            return Err(Refusal::TooManyGuesses);
        }
        let Some(code) = typed.tag.and_then(|tag| self.state.codes.get(&tag)).cloned() else {
            self.guesses.wrong(&typed.caller, now_unix_ms);
            return Err(Refusal::NoSuchCode);
        };
        // A slip of the finger must not use the code up.
        if self.config.site_of(&typed.account).is_none() {
            return Err(Refusal::Mismatch("account"));
        }
        let (serial, amount, at) = (code.serial, code.amount_minor, now_unix_ms);
        let new = Payment::new(Provider::CashCode, serial, typed.account, amount, Channel::Code, at);
        let payment = Payment { currency: Some(money.currency), ..new };
        self.take(now_unix_ms, &Paid { payment, doubt: None })?;
        Ok(HttpResponse::json(200, &json!({ "amount": crate::amount::decimal(amount, money.minor_per_unit) })))
    }

    fn check_path(&self, request: &HttpRequest) -> Result<(), Refusal> {
        let claimed = request.segments().next().unwrap_or("");
        if self.config.path_secret.matches(claimed.as_bytes()) { Ok(()) } else { Err(Refusal::NotAuthorised) }
    }

    /// Whoever sent this has shown that they are no stranger: strangers must not fill the list.
    fn is_from_friends(&self, provider: Provider, request: &HttpRequest) -> bool {
        let signed = |field, known: &std::collections::BTreeMap<String, super::Operator>| {
            let operator = agent::sender(&request.body, field).ok().and_then(|name| known.get(&name));
            operator.is_some_and(|operator| agent::verify(request, &operator.key).is_ok())
        };
        match provider {
            Provider::Agent => signed("agent", &self.config.agents),
            Provider::Sms => signed("phone", &self.config.phones),
            Provider::CashCode => false,
            _ => self.check_path(request).is_ok(),
        }
    }

    /// Keeps the beginning of a body for somebody to read; the same one twice is kept once.
    pub(super) fn keep(&mut self, now_unix_ms: i64, provider: Provider, why: Refusal, body: &[u8]) {
        let body = body.get(..UNREAD_BYTES_MAX).unwrap_or(body).to_vec();
        if self.state.unread.iter().any(|kept| kept.provider == provider && kept.body == body) {
            return;
        }
        self.record(now_unix_ms, Entry::Unread { provider, why: why.to_string(), body });
    }
}
