//! Requests to pay that we have made, and asking for their status when nobody tells.

use serde::{Deserialize, Serialize};
use taa_dcu::payment::{Channel, Payment, PaymentId, Provider};

use super::{Entry, Event, Output, Query, Relay};
use crate::{
    civil::accepted_at,
    provider::{Money, NotPaid, Paid, Refusal, Standing, daraja, momo, orange, with_receipt},
};

/// The longest wait between two status queries, ms.
const QUERY_MS_MAX: i64 = 3_600_000;
/// Requests that may be undecided at once.
const REQUESTS_MAX: usize = 100_000;
/// `ResultCode` of a push that nobody answered: the payer may have, with the answer lost.
const NO_ANSWER: i64 = 1037;

/// A payer was asked to pay: by STK push, `MoMo` request to pay or Orange web payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayRequest {
    /// Who was asked to ask.
    pub provider: Provider,
    /// `CheckoutRequestID`, `X-Reference-Id` or `order_id`.
    pub id: String,
    /// Daraja: the short code; empty elsewhere.
    pub shortcode: String,
    /// For which account.
    pub account: String,
    /// How much, minor units.
    pub amount_minor: i64,
    /// Of what.
    pub money: Money,
    /// When, Unix milliseconds.
    pub asked_unix_ms: i64,
    /// Orange's tokens.
    pub tokens: Option<OrangeTokens>,
}

/// What Orange has answered to a request. Whoever knows them can ask about it, or claim that it was paid.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrangeTokens {
    /// `pay_token`.
    pub pay: String,
    /// `notif_token`.
    pub notification: String,
}

impl std::fmt::Debug for OrangeTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OrangeTokens(..)")
    }
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Settlement {
    /// Paid; the payment goes under this key.
    Paid {
        /// The key.
        key: String,
    },
    /// Paid; the confirmation to the short code brings the money.
    Confirmed,
    /// Not paid.
    NotPaid(NotPaid),
    /// Undecided for too long.
    GivenUp,
}

impl Settlement {
    /// Nothing that is said later changes it.
    #[must_use]
    pub const fn is_paid(&self) -> bool {
        matches!(self, Self::Paid { .. } | Self::Confirmed)
    }
}

/// When to ask for a status. Volatile: after a restart all that is undecided is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Watch {
    at_unix_ms: i64,
    wait_ms: i64,
}

impl Relay {
    /// A payer has been asked to pay, by whoever sells for the operator. A callback that was faster than this is kept among
    /// what was not read; the status query settles the request all the same.
    ///
    /// # Errors
    /// [`Refusal`]; then nothing was recorded.
    pub fn handle_asked(&mut self, now_unix_ms: i64, request: PayRequest) -> Result<(), Refusal> {
        let check = Payment::new(
            request.provider,
            &request.id,
            &request.account,
            request.amount_minor,
            Channel::Phone,
            request.asked_unix_ms,
        );
        check.check()?;
        let key = (request.provider, request.id.clone());
        if let Some((known, _)) = self.state.requests.get(&key) {
            return if *known == request { Ok(()) } else { Err(Refusal::Mismatch("id")) };
        }
        if self.watches.len() >= REQUESTS_MAX {
            return Err(Refusal::Full);
        }
        let wait_ms = self.config.first_query_ms;
        self.watches.insert(key, Watch { at_unix_ms: now_unix_ms.saturating_add(wait_ms), wait_ms });
        self.record(now_unix_ms, Entry::Asked(request));
        Ok(())
    }

    /// What a provider has answered to an [`Output::Query`]; `None` when it did not.
    pub fn handle_status(&mut self, now_unix_ms: i64, provider: Provider, id: &str, answer: Option<&[u8]>) {
        let Some(body) = answer else { return };
        let Some((request, how)) = self.state.request(provider, id) else { return };
        if how.is_some_and(Settlement::is_paid) {
            return;
        }
        let request = request.clone();
        let standing = match provider {
            Provider::Daraja => self.push_standing(body, &request, now_unix_ms),
            Provider::MtnMomo => momo::standing(body, &request, now_unix_ms).map(Some),
            Provider::OrangeMoney => orange::standing(body, &request, now_unix_ms).map(Some),
            _ => return,
        };
        match standing {
            Ok(Some(standing)) => self.settle(now_unix_ms, &request, standing),
            Ok(None) => self.close(now_unix_ms, &request, Settlement::Confirmed),
            Err(why) => {
                self.keep(now_unix_ms, provider, why, body);
                self.event(Event::Refused { provider, why });
            }
        }
    }

    /// `None`: paid, and the confirmation brings it.
    fn push_standing(&self, body: &[u8], request: &PayRequest, now_unix_ms: i64) -> Result<Option<Standing>, Refusal> {
        match daraja::stk::query_answer(body, &request.id)? {
            None => Ok(Some(Standing::Pending)),
            Some(0) if self.confirms(&request.shortcode) => Ok(None),
            // A query bears no receipt: what else is told of the payment is matched (`super::names`).
            Some(0) => Ok(Some(Standing::Paid(paid(request, None, now_unix_ms)))),
            Some(code) => Ok(Some(Standing::NotPaid(daraja::not_paid(code)))),
        }
    }

    /// The callback of a push.
    pub(super) fn take_push(&mut self, now_unix_ms: i64, body: &[u8]) -> Result<(), Refusal> {
        let id = daraja::stk::push_of(body)?;
        let (request, how) =
            self.state.request(Provider::Daraja, &id).ok_or(Refusal::NoSuchRequest("CheckoutRequestID"))?;
        let (request, is_paid) = (request.clone(), how.is_some_and(Settlement::is_paid));
        let offset_s = self.config.shortcodes.iter().find(|code| code.code == request.shortcode);
        let offset_s = offset_s.map_or(0, |code| code.utc_offset_s);
        let told = daraja::stk::callback(body, request.money, offset_s)?;
        if is_paid {
            // What a query has settled has no receipt yet.
            let is_ours = told.result_code == 0 && !self.confirms(&request.shortcode);
            return if is_ours && told.receipt.is_some() {
                self.take(now_unix_ms, &paid(&request, Some(&told), now_unix_ms))
            } else {
                self.event(Event::Duplicate { id: PaymentId { provider: Provider::Daraja, key: id } });
                Ok(())
            };
        }
        match (told.result_code, &told.receipt) {
            (0, _) if self.confirms(&request.shortcode) => self.close(now_unix_ms, &request, Settlement::Confirmed),
            (0, Some(_)) => {
                let paid = paid(&request, Some(&told), now_unix_ms);
                self.settle(now_unix_ms, &request, Standing::Paid(paid));
            }
            // Paid without a receipt, or nobody knows: the status query tells.
            (0 | NO_ANSWER, _) => self.hasten(now_unix_ms, Provider::Daraja, &id),
            (code, _) => self.settle(now_unix_ms, &request, Standing::NotPaid(daraja::not_paid(code))),
        }
        Ok(())
    }

    /// A callback that is not believed: the status is asked for at once.
    pub(super) fn hasten(&mut self, now_unix_ms: i64, provider: Provider, id: &str) {
        let watch = Watch { at_unix_ms: now_unix_ms, wait_ms: self.config.first_query_ms };
        self.watches.insert((provider, id.to_owned()), watch);
        self.ask_due(now_unix_ms);
    }

    /// Everything undecided is asked for, as nobody knows what was missed.
    pub(super) fn watch_all(&mut self, now_unix_ms: i64) {
        let wait_ms = self.config.first_query_ms;
        let undecided = self.state.requests.iter().filter(|(_, (_, how))| how.is_none());
        self.watches = undecided.map(|(key, _)| (key.clone(), Watch { at_unix_ms: now_unix_ms, wait_ms })).collect();
    }

    /// Asks for what is due, and gives up what is too old.
    pub(super) fn ask_due(&mut self, now_unix_ms: i64) {
        let due: Vec<_> = self
            .watches
            .iter()
            .filter(|(_, watch)| watch.at_unix_ms <= now_unix_ms)
            .map(|(key, _)| key.clone())
            .collect();
        for key in due {
            let Some((request, _)) = self.state.requests.get(&key) else {
                self.watches.remove(&key);
                continue;
            };
            if now_unix_ms.saturating_sub(request.asked_unix_ms) >= self.config.give_up_ms {
                let request = request.clone();
                self.event(Event::GivenUp { provider: key.0, id: key.1.clone() });
                self.close(now_unix_ms, &request, Settlement::GivenUp);
                continue;
            }
            let query = query(request);
            if let Some(watch) = self.watches.get_mut(&key) {
                watch.at_unix_ms = now_unix_ms.saturating_add(watch.wait_ms);
                watch.wait_ms = watch.wait_ms.saturating_mul(2).clamp(1000, QUERY_MS_MAX);
            }
            self.outputs.extend(query.map(Output::Query));
        }
    }

    /// When something is due next, Unix ms.
    pub(super) fn deadline(&self) -> Option<i64> {
        let watches = self.watches.values().map(|watch| watch.at_unix_ms).min();
        [watches, self.pull_deadline()].into_iter().flatten().min()
    }

    fn confirms(&self, shortcode: &str) -> bool {
        self.config.shortcodes.iter().any(|known| known.code == shortcode && known.confirms)
    }

    fn settle(&mut self, now_unix_ms: i64, request: &PayRequest, standing: Standing) {
        match standing {
            Standing::Pending => {}
            Standing::NotPaid(why) => {
                self.event(Event::NotPaid { provider: request.provider, id: request.id.clone(), why });
                self.close(now_unix_ms, request, Settlement::NotPaid(why));
            }
            Standing::Paid(paid) => {
                if let Err(why) = self.take(now_unix_ms, &paid) {
                    let provider = request.provider;
                    self.keep(now_unix_ms, provider, why, format!("{:?}", paid.payment).as_bytes());
                    self.event(Event::Refused { provider, why });
                }
                self.close(now_unix_ms, request, Settlement::Paid { key: paid.payment.key });
            }
        }
    }

    fn close(&mut self, now_unix_ms: i64, request: &PayRequest, how: Settlement) {
        let (provider, id) = (request.provider, request.id.clone());
        self.watches.remove(&(provider, id.clone()));
        self.record(now_unix_ms, Entry::Settled { provider, id, how });
    }
}

fn query(request: &PayRequest) -> Option<Query> {
    let id = request.id.clone();
    match request.provider {
        Provider::Daraja => Some(Query::Push { shortcode: request.shortcode.clone(), checkout_request_id: id }),
        Provider::MtnMomo => Some(Query::Momo { reference_id: id }),
        Provider::OrangeMoney => {
            let pay_token = request.tokens.as_ref()?.pay.clone();
            Some(Query::Orange { order_id: id, amount_minor: request.amount_minor, pay_token })
        }
        _ => None,
    }
}

/// The payment of a push: it goes by the push's own name, and by the receipt where the provider tells it. What the
/// provider says was paid counts, whatever was asked for.
pub(super) fn paid(request: &PayRequest, told: Option<&daraja::stk::Callback>, now_unix_ms: i64) -> Paid {
    let paid_unix_ms = told.and_then(|told| told.paid_unix_ms);
    let (accepted_unix_ms, doubt) = accepted_at(paid_unix_ms.or(Some(request.asked_unix_ms)), now_unix_ms);
    let amount_minor = told.and_then(|told| told.amount_minor).unwrap_or(request.amount_minor);
    let (provider, account) = (request.provider, request.account.trim());
    let new = Payment::new(provider, &request.id, account, amount_minor, Channel::Phone, accepted_unix_ms);
    let payment = Payment { currency: Some(request.money.currency), ..new };
    let receipt = told.and_then(|told| told.receipt.as_deref());
    Paid { payment: with_receipt(payment, receipt), doubt }
}
