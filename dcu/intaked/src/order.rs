//! What an operator orders of a running relay: one JSON object, posted to the operator's address with its token.
//!
//! ```text
//! {"order":"held"}                                          money that waits for somebody to say whose it is
//! {"order":"unread"}                                        bodies that nobody could read
//! {"order":"sites"}                                         who is served, how much waits for it
//! {"order":"resolve","provider":"daraja","key":"RCPT1","site":"jija","account":"JJ-7"}
//! {"order":"hand_back","provider":"daraja","key":"RCPT1"}   money may be moved once this is answered with 200
//! {"order":"serve","site":"jija","session":7281}            of two machines with one identity this one is right
//! {"order":"rebind","site":"jija"}                          whoever of the site asks next is right
//! {"order":"codes","codes":[{"code":"1234 …","serial":"S1","amount_minor":100000}]}
//! {"order":"asked","provider":"daraja","id":"ws_CO_1",…}    a payer was asked to pay
//! ```

use std::{
    io::{Error, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taa_dcu::payment::{Currency, PaymentId};
use taa_intake::{
    HttpResponse, Relay,
    amount::{decimal, has_decimals},
    provider::{
        Money,
        cash_code::{Code, CodeTag},
    },
    relay::{OrangeTokens, PayRequest, RelayConfig},
};
use taa_keys::Secret;

use crate::config::provider;

/// Longest answer read, bytes.
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(30);

/// An order. It may hold codes and tokens: no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// Lists money on hold.
    Held,
    /// Lists what nobody could read.
    Unread,
    /// Lists the sites.
    Sites,
    /// [`Relay::resolve`].
    Resolve {
        /// Whose name of the payment.
        provider: String,
        /// Any of its names.
        key: String,
        /// The site.
        site: String,
        /// The account there.
        account: String,
    },
    /// [`Relay::hand_back`].
    HandBack {
        /// Whose name of the payment.
        provider: String,
        /// Any of its names.
        key: String,
    },
    /// [`Relay::serve`].
    Serve {
        /// The site.
        site: String,
        /// The session, as the event `IdentityTwice` named it.
        session: u64,
    },
    /// [`Relay::rebind`].
    Rebind {
        /// The site.
        site: String,
    },
    /// [`Relay::add_codes`].
    Codes {
        /// The codes as they are printed.
        codes: Vec<Printed>,
    },
    /// [`Relay::handle_asked`].
    Asked(Asked),
}

/// A code for cash as it is printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Printed {
    /// Sixteen digits.
    pub code: String,
    /// Beside it.
    pub serial: String,
    /// What it is worth.
    pub amount_minor: i64,
}

/// A payer was asked to pay.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Who was asked to ask.
    pub provider: String,
    /// `CheckoutRequestID`, `X-Reference-Id` or `order_id`.
    pub id: String,
    /// Daraja's short code.
    #[serde(default)]
    pub shortcode: String,
    /// For which account.
    pub account: String,
    /// How much.
    pub amount_minor: i64,
    /// Of which currency.
    pub currency: String,
    /// How finely that is counted.
    pub minor_per_unit: u32,
    /// When; without it: now.
    pub asked_unix_ms: Option<i64>,
    /// Orange: `pay_token` and `notif_token`.
    pub orange: Option<(String, String)>,
}

impl Order {
    /// Does it. The answer is for whoever ordered it, once everything recorded is durable.
    pub(crate) fn carry_out(self, relay: &mut Relay, config: &RelayConfig, now_unix_ms: i64) -> HttpResponse {
        match self {
            Self::Held => HttpResponse::json(200, &held(relay)),
            Self::Unread => HttpResponse::json(200, &unread(relay)),
            Self::Sites => HttpResponse::json(200, &sites(relay, config)),
            Self::Resolve { provider: by, key, site, account } => {
                let Some(id) = id(&by, key) else { return refused("provider: there is no such one") };
                done(relay.resolve(now_unix_ms, &id, &site, &account), "no such money on hold, or no such site")
            }
            Self::HandBack { provider: by, key } => {
                let Some(id) = id(&by, key) else { return refused("provider: there is no such one") };
                let ok = relay.hand_back(now_unix_ms, &id);
                match relay.state().handed_back(&id).filter(|_| ok) {
                    Some(amount_minor) => {
                        HttpResponse::json(200, &json!({ "done": true, "amount_minor": amount_minor }))
                    }
                    None => refused("no such money on hold"),
                }
            }
            Self::Serve { site, session } => done(relay.serve(now_unix_ms, &site, session), "there is no such site"),
            Self::Rebind { site } => {
                let known = config.site(&site).is_some();
                if known {
                    relay.rebind(now_unix_ms, &site);
                }
                done(known, "there is no such site")
            }
            Self::Codes { codes } => add_codes(relay, config, now_unix_ms, codes),
            Self::Asked(asked) => match asked.request(now_unix_ms) {
                Ok(request) => match relay.handle_asked(now_unix_ms, request) {
                    Ok(()) => done(true, ""),
                    Err(why) => refused(&why.to_string()),
                },
                Err(why) => refused(why),
            },
        }
    }
}

impl Asked {
    fn request(self, now_unix_ms: i64) -> Result<PayRequest, &'static str> {
        let provider = provider(&self.provider).ok_or("provider: there is no such one")?;
        let currency = Currency::new(&self.currency).ok_or("currency: not three capital letters")?;
        if !has_decimals(self.minor_per_unit) {
            return Err("minor_per_unit: not a decimal part of the unit");
        }
        Ok(PayRequest {
            provider,
            id: self.id,
            shortcode: self.shortcode,
            account: self.account,
            amount_minor: self.amount_minor,
            money: Money { currency, minor_per_unit: self.minor_per_unit },
            asked_unix_ms: self.asked_unix_ms.unwrap_or(now_unix_ms),
            tokens: self.orange.map(|(pay, notification)| OrangeTokens { pay, notification }),
        })
    }
}

fn add_codes(relay: &mut Relay, config: &RelayConfig, now_unix_ms: i64, printed: Vec<Printed>) -> HttpResponse {
    let Some((key, _)) = &config.codes else { return refused("codes are not set up") };
    let mut codes = Vec::with_capacity(printed.len());
    for Printed { code, serial, amount_minor } in printed {
        match CodeTag::new(&code, key) {
            Some(tag) => codes.push((tag, Code { serial, amount_minor })),
            None => return refused(&format!("code {serial:?}: a code has sixteen digits")),
        }
    }
    let count = codes.len();
    match relay.add_codes(now_unix_ms, codes) {
        Ok(()) => HttpResponse::json(200, &json!({ "done": true, "codes": count })),
        Err(why) => refused(&why.to_string()),
    }
}

fn id(by: &str, key: String) -> Option<PaymentId> {
    provider(by).map(|provider| PaymentId { provider, key })
}

fn done(done: bool, else_why: &str) -> HttpResponse {
    if done { HttpResponse::json(200, &json!({ "done": true })) } else { refused(else_why) }
}

fn refused(why: &str) -> HttpResponse {
    HttpResponse::json(422, &json!({ "error": why }))
}

fn held(relay: &Relay) -> Value {
    let held = relay.held().map(|(id, held)| {
        json!({
            "provider": id.provider.name(), "key": id.key, "account": held.payment.account,
            "amount_minor": held.payment.amount_minor, "currency": held.payment.currency.map(|c| c.code().to_owned()),
            "paid_unix_ms": held.payment.accepted_unix_ms, "why": format!("{:?}", held.why),
        })
    });
    held.collect()
}

fn unread(relay: &Relay) -> Value {
    let unread = relay.unread().map(|unread| {
        json!({
            "at_unix_ms": unread.at_unix_ms, "provider": unread.provider.name(), "why": unread.why,
            "body": String::from_utf8_lossy(&unread.body),
        })
    });
    unread.collect()
}

fn sites(relay: &Relay, config: &RelayConfig) -> Value {
    let sites = config.sites.iter().map(|site| {
        let inbox = relay.state().site(&site.id);
        let waiting = inbox.map_or(0, |inbox| inbox.items().count());
        let minor: i128 =
            inbox.map_or(0, |inbox| inbox.items().map(|(_, payment)| i128::from(payment.amount_minor)).sum());
        let minor = i64::try_from(minor).unwrap_or(i64::MAX);
        json!({
            "site": site.id, "session": inbox.and_then(|inbox| inbox.bound()), "waiting": waiting,
            "waiting_amount": decimal(minor, site.money.minor_per_unit), "currency": site.money.currency.code(),
            "questions": relay.state().questions(&site.id).count(),
        })
    });
    sites.collect()
}

/// Gives an order to the relay that listens there: the status, and the body of its answer.
///
/// # Errors
/// Nobody listens, or what answers is no relay.
pub fn order(to: SocketAddr, token: &Secret, order: &Order) -> std::io::Result<(u16, String)> {
    let body = serde_json::to_string(order).map_err(Error::other)?;
    let token = std::str::from_utf8(token.expose()).map_err(|_| Error::other("the operator's token is no text"))?;
    let mut stream = TcpStream::connect_timeout(&to, ANSWER)?;
    stream.set_read_timeout(Some(ANSWER))?;
    stream.set_write_timeout(Some(ANSWER))?;
    let head = format!(
        "POST /order HTTP/1.1\r\nHost: {to}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    let odd = || Error::new(ErrorKind::InvalidData, "what answers is no relay");
    let answer = String::from_utf8(answer).map_err(|_| odd())?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(odd)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(odd)?;
    Ok((status, body.to_owned()))
}
