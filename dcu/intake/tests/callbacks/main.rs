//! What providers, agents and telephones send, good and bad: each has a named outcome.

use proptest::prelude::*;
use taa_dcu::payment::{AMOUNT_MINOR_MAX, Certainty, Currency, Payment, PaymentError, PaymentId, Provider, Receipt};
use taa_intake::{
    HttpRequest, Relay,
    civil::Doubt,
    http::BODY_BYTES_MAX,
    provider::{
        Money, NotPaid, Refusal,
        cash_code::{Code, CodeRefusal, CodeTag},
        daraja::Shortcode,
        sms::{MPESA_KENYA, Template},
    },
    relay::{
        Accounts, Event, HeldWhy, Operator, OrangeTokens, Output, PayRequest, Query, Record, RelayConfig, Settlement,
        SiteConfig, decode, encode,
    },
};
use taa_keys::{Secret, hash::hmac_sha256};

/// 2026-03-01 00:00 UTC, 03:00 in Nairobi.
const NOW: i64 = 1_772_323_200_000;
const SECRET: &str = "a-path-that-nobody-guesses";

fn kes() -> Money {
    Money { currency: Currency::new("KES").unwrap(), minor_per_unit: 100 }
}

fn config() -> RelayConfig {
    let mut config = RelayConfig::new(Secret::new(SECRET.as_bytes()));
    let site = |id: &str, prefix: &str, money| SiteConfig {
        id: id.into(),
        key: Secret::new(b"a key"),
        money,
        accounts: Accounts::Prefix(prefix.into()),
    };
    let xof = Money { currency: Currency::new("XOF").unwrap(), minor_per_unit: 1 };
    config.sites = vec![site("jija", "A", kes()), site("bogo", "B", xof)];
    let shortcode =
        |code: &str, confirms| Shortcode { code: code.into(), money: kes(), utc_offset_s: 10_800, confirms };
    config.shortcodes = vec![shortcode("600638", true), shortcode("174379", false)];
    config.templates = MPESA_KENYA
        .iter()
        .map(|pattern| Template {
            provider: Provider::Daraja,
            pattern: (*pattern).to_owned(),
            money: kes(),
            utc_offset_s: 10_800,
            payees: vec!["JIJA POWER".into()],
        })
        .collect();
    let operator = || Operator { key: Secret::new(b"signing"), money: kes() };
    config.agents.insert("amina".into(), operator());
    config.phones.insert("gateway-1".into(), operator());
    config.codes = Some((Secret::new(b"tags"), kes()));
    config
}

/// A relay whose disk is as fast as it is honest.
struct Desk {
    relay: Relay,
    journal: Vec<Record>,
    events: Vec<Event>,
    queries: Vec<Query>,
    answers: Vec<(u64, u16, String)>,
    deadline: Option<i64>,
    now: i64,
}

impl Desk {
    fn new() -> Self {
        let relay = Relay::recover(config(), [], NOW, 7);
        let mut desk = Self {
            relay,
            journal: Vec::new(),
            events: Vec::new(),
            queries: Vec::new(),
            answers: Vec::new(),
            deadline: None,
            now: NOW,
        };
        desk.drain();
        desk
    }

    fn drain(&mut self) {
        loop {
            match self.relay.poll_output() {
                Output::Append(record) => {
                    let mut bytes = Vec::new();
                    encode(&record, &mut bytes).unwrap();
                    assert_eq!(decode(&bytes).as_ref(), Ok(&record));
                    self.relay.handle_durable(record.number);
                    self.journal.push(record);
                }
                Output::Respond { call, response } => self.answers.push((call, response.status, response.body)),
                Output::Query(query) => self.queries.push(query),
                Output::Event(event) => self.events.push(event),
                Output::Reply { .. } => {}
                Output::Timeout(deadline) => {
                    self.deadline = deadline;
                    return;
                }
            }
        }
    }

    /// Status and body of the answer.
    fn call(&mut self, provider: Provider, request: &HttpRequest) -> (u16, String) {
        self.relay.handle_callback(self.now, 1, provider, request);
        self.drain();
        let (_, status, body) = self.answers.pop().expect("everybody is answered");
        (status, body)
    }

    fn c2b(&mut self, body: &str) -> (u16, String) {
        self.call(Provider::Daraja, &HttpRequest::post(format!("/{SECRET}/daraja/c2b/confirmation"), body))
    }

    fn status(&mut self, provider: Provider, id: &str, body: &str) {
        self.relay.handle_status(self.now, provider, id, Some(body.as_bytes()));
        self.drain();
    }

    fn asked(&mut self, provider: Provider, id: &str, shortcode: &str, tokens: Option<OrangeTokens>) {
        let (id, shortcode, account) = (id.to_owned(), shortcode.to_owned(), "A17".to_owned());
        let request = PayRequest {
            provider,
            id,
            shortcode,
            account,
            amount_minor: 5_000,
            money: kes(),
            asked_unix_ms: NOW,
            tokens,
        };
        self.relay.handle_asked(self.now, request).unwrap();
        self.drain();
    }

    fn later(&mut self, span_ms: i64) {
        self.now += span_ms;
        self.relay.handle_timeout(self.now);
        self.drain();
    }

    fn waiting(&self) -> Vec<&Payment> {
        self.relay.state().site("jija").map_or(Vec::new(), |inbox| inbox.items().map(|(_, payment)| payment).collect())
    }

    fn refused(&self) -> String {
        self.events
            .iter()
            .rev()
            .find_map(|event| match event {
                Event::Refused { why, .. } => Some(why.to_string()),
                _ => None,
            })
            .unwrap_or_default()
    }

    /// The same, from its journal.
    fn restart(&mut self) {
        self.relay = Relay::recover(config(), self.journal.clone(), self.now, 8);
        self.drain();
    }
}

fn c2b(key: &str, amount: &str, account: &str, code: &str, time: &str) -> String {
    format!(
        r#"{{"TransactionType":"Pay Bill","TransID":{key},"TransTime":{time},"TransAmount":{amount},
        "BusinessShortCode":{code},"BillRefNumber":{account},"InvoiceNumber":"","OrgAccountBalance":"49197.00",
        "ThirdPartyTransID":"","MSISDN":"254708374149","FirstName":"John","Unknown":{{"x":[1,2]}}}}"#
    )
}

fn good(key: &str) -> String {
    c2b(&format!("\"{key}\""), "\"50.00\"", "\" A17 \"", "\"600638\"", "\"20260301025500\"")
}

fn signed(path: &str, body: &str) -> HttpRequest {
    let tag: String =
        hmac_sha256(&Secret::new(b"signing"), &[body.as_bytes()]).iter().map(|b| format!("{b:02x}")).collect();
    HttpRequest::post(path, body).with("x-signature", tag)
}

#[test]
fn a_confirmation_becomes_a_payment_under_its_trans_id() {
    let mut desk = Desk::new();
    let (status, body) = desk.c2b(&good("RKTQDM7W6S"));
    assert_eq!((status, body.as_str()), (200, r#"{"ResultCode":"0","ResultDesc":"Accepted"}"#));
    let [payment] = desk.waiting()[..] else { panic!("one payment") };
    assert_eq!((payment.provider, payment.key.as_str()), (Provider::Daraja, "RKTQDM7W6S"));
    assert_eq!((payment.account.as_str(), payment.amount_minor), ("A17", 5_000));
    assert_eq!(payment.accepted_unix_ms, NOW - 300_000, "Nairobi's time");
    assert_eq!((payment.certainty, payment.currency), (Certainty::Final, Currency::new("KES")));
    for _ in 0..3 {
        assert_eq!(desk.c2b(&good("RKTQDM7W6S")).0, 200, "a repeat is accepted");
        desk.restart();
    }
    assert_eq!(desk.waiting().len(), 1);
}

#[test]
fn a_receipt_in_small_letters_is_the_same_payment() {
    let mut desk = Desk::new();
    for id in ["RKTQDM7W6S", " rktqdm7w6s ", "RkTqDm7W6s"] {
        assert_eq!(desk.c2b(&good(id)).0, 200);
    }
    assert_eq!(desk.waiting().len(), 1);
}

#[test]
fn a_body_that_says_two_amounts_is_refused_and_kept() {
    let mut desk = Desk::new();
    let (status, body) = desk.c2b(&good("RKTQDM7W6S").replacen('{', r#"{"TransAmount":"1.00","#, 1));
    assert_eq!(status, 422);
    assert!(body.contains("TransAmount: there twice"), "{body}");
    assert_eq!((desk.waiting().len(), desk.relay.unread().count()), (0, 1));
}

#[test]
fn nobody_is_answered_before_the_record_is_durable() {
    let mut relay = Relay::recover(config(), [], NOW, 7);
    relay.handle_durable(1);
    let request = HttpRequest::post(format!("/{SECRET}/daraja/c2b/confirmation"), good("RKTQDM7W6S"));
    relay.handle_callback(NOW, 42, Provider::Daraja, &request);
    let mut last = 0;
    loop {
        match relay.poll_output() {
            Output::Append(record) => last = record.number,
            Output::Respond { .. } => panic!("too early"),
            Output::Timeout(_) => break,
            _ => {}
        }
    }
    relay.handle_durable(last - 1);
    assert!(matches!(relay.poll_output(), Output::Timeout(_)));
    relay.handle_durable(last);
    assert!(matches!(relay.poll_output(), Output::Respond { call: 42, .. }));
}

#[test]
fn bad_confirmations_are_refused_by_the_name_of_the_field_and_kept_for_somebody_to_read() {
    let (key, amount, account, code, time) = ("\"R1\"", "\"50.00\"", "\"A17\"", "\"600638\"", "\"20260301025500\"");
    let mut desk = Desk::new();
    for (n, (body, why)) in [
        (c2b("7", amount, account, code, time), "TransID: expected a text"),
        (c2b("\" \"", amount, account, code, time), "TransID: empty"),
        (c2b(key, "true", account, code, time), "TransAmount: expected a text or a number"),
        (c2b(key, "{}", account, code, time), "TransAmount: expected a text or a number"),
        (c2b(key, "null", account, code, time), "TransAmount: missing"),
        (c2b(key, "\"-50.00\"", account, code, time), "TransAmount: below zero"),
        (c2b(key, "-50", account, code, time), "TransAmount: below zero"),
        (c2b(key, "\"0.00\"", account, code, time), "TransAmount: zero"),
        (c2b(key, "\"50.005\"", account, code, time), "TransAmount: more digits than the currency has"),
        (c2b(key, "\"fifty\"", account, code, time), "TransAmount: not a decimal number"),
        (c2b(key, "1e9", account, code, time), "TransAmount: not a decimal number"),
        (
            c2b(key, "\"99999999999999999\"", account, code, time),
            &format!("TransAmount: larger than {AMOUNT_MINOR_MAX} minor units"),
        ),
        (c2b(key, amount, "[\"A17\"]", code, time), "BillRefNumber: expected a text or a number"),
        (c2b(key, amount, account, "\"999999\"", time), "BusinessShortCode: not ours"),
        (
            c2b(&format!("\"{}\"", "R".repeat(65)), amount, account, code, time),
            "the payment key must have 1 to 64 bytes",
        ),
        ("{".to_owned(), "the body is no JSON object"),
        ("[]".to_owned(), "the body is no JSON object"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(desk.c2b(&body).0, 422, "{why}");
        assert_eq!(desk.refused(), why);
        assert_eq!(desk.relay.unread().count(), n + 1, "{why}");
        desk.c2b(&body);
        assert_eq!(desk.relay.unread().count(), n + 1, "kept once");
    }
    assert_eq!(desk.waiting().len(), 0);
    desk.restart();
    assert_eq!(desk.relay.unread().count(), 17);
    let huge = format!("{{\"TransID\":\"{}\"}}", "x".repeat(BODY_BYTES_MAX));
    assert_eq!(desk.c2b(&huge).0, 413);
    let stranger = HttpRequest::post("/guess/daraja/c2b/confirmation", good("R2"));
    assert_eq!(desk.call(Provider::Daraja, &stranger).0, 401);
    let get = HttpRequest { method: "GET".into(), ..stranger };
    assert_eq!(desk.call(Provider::Daraja, &get).0, 405);
    let elsewhere = HttpRequest::post(format!("/{SECRET}/daraja/b2c"), good("R2"));
    assert_eq!(desk.call(Provider::Daraja, &elsewhere).0, 404);
    assert_eq!(desk.relay.unread().count(), 17, "strangers fill no list");
}

#[test]
fn clocks_in_1970_and_2099_move_the_time_and_not_the_money() {
    let mut desk = Desk::new();
    for (n, (time, doubt)) in [
        ("\"19700101030000\"", Doubt::Past),
        ("\"20991231235959\"", Doubt::Ahead),
        ("\"soon\"", Doubt::Absent),
        ("\"20260230000000\"", Doubt::Absent),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(desk.c2b(&c2b(&format!("\"R{n}\""), "\"50\"", "\"A17\"", "\"600638\"", time)).0, 200);
        let id = PaymentId { provider: Provider::Daraja, key: format!("R{n}") };
        assert!(desk.events.contains(&Event::TimeReplaced { id, doubt }), "{time}");
        assert_eq!(desk.waiting()[n].accepted_unix_ms, NOW);
    }
}

#[test]
fn money_that_nobody_expects_is_held_and_listed() {
    let mut desk = Desk::new();
    for (key, account) in [("R1", "\"Z9\""), ("R2", "\"\""), ("R3", "null"), ("R4", "\"B1\"")] {
        assert_eq!(desk.c2b(&c2b(&format!("\"{key}\""), "50.00", account, "600638", "20260301025500")).0, 200);
    }
    let held: Vec<_> = desk.relay.held().map(|(id, held)| (id.key.as_str(), held.why)).collect();
    let nobody = HeldWhy::NoSuchAccount;
    assert_eq!(held, [("R1", nobody), ("R2", nobody), ("R3", nobody), ("R4", HeldWhy::WrongCurrency)]);
    desk.restart();
    assert_eq!(desk.relay.held().count(), 4);
    let id = PaymentId { provider: Provider::Daraja, key: "R1".into() };
    assert!(!desk.relay.resolve(NOW, &id, "nowhere", "A17"));
    assert!(desk.relay.resolve(NOW, &id, "jija", "A17"));
    assert!(!desk.relay.resolve(NOW, &id, "jija", "A18"), "once");
    desk.drain();
    assert_eq!(desk.waiting()[0].account, "A17");
    assert_eq!(desk.c2b(&c2b("\"R1\"", "50.00", "\"Z9\"", "600638", "20260301025500")).0, 200);
    assert_eq!((desk.waiting().len(), desk.relay.held().count()), (1, 3), "and a repeat is one still");
}

#[test]
fn held_money_goes_back_once_and_only_when_that_is_durable() {
    let mut desk = Desk::new();
    desk.c2b(&c2b("\"R1\"", "50.00", "\"Z9\"", "600638", "20260301025500"));
    let id = PaymentId { provider: Provider::Daraja, key: "R1".into() };
    let other = PaymentId { key: "R2".into(), ..id.clone() };
    assert!(!desk.relay.hand_back(NOW, &other), "nobody hands back what never came");
    assert!(desk.relay.hand_back(NOW, &id));
    let told = Event::HandBack { id: id.clone(), amount_minor: 5_000 };
    let Output::Append(record) = desk.relay.poll_output() else { panic!("the record comes first") };
    assert!(matches!(desk.relay.poll_output(), Output::Timeout(_)), "and until it is durable nothing else");
    desk.relay.handle_durable(record.number);
    desk.journal.push(record);
    desk.drain();
    assert_eq!(desk.events.iter().filter(|event| **event == told).count(), 1);
    // It is nobody's any more: not to be resolved, not taken again when the provider repeats itself, also after a restart.
    desk.restart();
    assert!(!desk.relay.resolve(NOW, &id, "jija", "A17"));
    assert_eq!(desk.c2b(&c2b("\"R1\"", "50.00", "\"Z9\"", "600638", "20260301025500")).0, 200);
    assert_eq!((desk.waiting().len(), desk.relay.held().count()), (0, 0));
    assert_eq!(desk.relay.state().handed_back(&id), Some(5_000));
    assert!(desk.relay.hand_back(NOW, &id), "the same again is told again");
    desk.drain();
    assert_eq!(desk.events.iter().filter(|event| **event == told).count(), 2);
}

#[test]
fn one_key_with_two_contents_is_a_conflict() {
    let mut desk = Desk::new();
    desk.c2b(&good("R1"));
    let other = c2b("\"R1\"", "\"9999.00\"", "\"A17\"", "\"600638\"", "\"20260301025500\"");
    assert_eq!(desk.c2b(&other).0, 422);
    let id = PaymentId { provider: Provider::Daraja, key: "R1".into() };
    assert!(desk.events.contains(&Event::Conflict { id }));
    assert_eq!((desk.waiting().len(), desk.relay.unread().count()), (1, 1));
}

#[test]
fn validation_says_no_before_the_money_moves() {
    let mut desk = Desk::new();
    let path = format!("/{SECRET}/daraja/c2b/validation");
    let mut ask = |body: String| desk.call(Provider::Daraja, &HttpRequest::post(path.as_str(), body)).1;
    assert!(ask(good("R1")).contains(r#""ResultCode":"0""#));
    assert!(ask(c2b("\"R1\"", "\"50\"", "\"Z9\"", "600638", "0")).contains("C2B00012"));
    assert!(ask(c2b("\"R1\"", "\"0\"", "\"A17\"", "600638", "0")).contains("C2B00013"));
    assert!(ask(c2b("\"R1\"", "\"50\"", "\"A17\"", "1", "0")).contains("C2B00015"));
    assert!(ask("nonsense".into()).contains("C2B00016"));
    assert_eq!(desk.waiting().len(), 0);
}

mod push;

#[test]
fn momo_is_believed_only_when_asked() {
    let mut desk = Desk::new();
    let id = "c72025f5-5cd1-4630-99e4-8ba4722fad56";
    desk.asked(Provider::MtnMomo, id, "", None);
    let paid = r#"{"amount":"50","currency":"KES","externalId":"947354","financialTransactionId":"23503452",
        "payer":{"partyIdType":"MSISDN","partyId":"4656473839"},"status":"SUCCESSFUL"}"#;
    let path = format!("/{SECRET}/momo/{id}");
    assert_eq!(desk.call(Provider::MtnMomo, &HttpRequest::post(path, paid)).0, 200);
    assert_eq!((desk.waiting().len(), desk.queries.len()), (0, 1), "anybody could have sent that");
    desk.status(Provider::MtnMomo, id, r#"{"status":"PENDING"}"#);
    for (body, why) in [
        (paid.replace("KES", "EUR"), "currency: another currency than agreed"),
        (paid.replace("\"50\"", "\"5000\""), "amount: not what was asked for"),
        (paid.replace("SUCCESSFUL", "DONE"), "status: not PENDING, SUCCESSFUL or FAILED"),
        (paid.replace("\"SUCCESSFUL\"", "1"), "status: expected a text"),
    ] {
        desk.status(Provider::MtnMomo, id, &body);
        assert_eq!(desk.refused(), why);
    }
    assert_eq!((desk.waiting().len(), desk.relay.unread().count()), (0, 4));
    desk.status(Provider::MtnMomo, id, paid);
    desk.status(Provider::MtnMomo, id, paid);
    assert_eq!(desk.waiting().len(), 1);
    assert_eq!((desk.waiting()[0].provider, desk.waiting()[0].key.as_str()), (Provider::MtnMomo, id));
    let unknown = HttpRequest::post(format!("/{SECRET}/momo/another"), paid);
    assert_eq!(desk.call(Provider::MtnMomo, &unknown).0, 404);
    // One externalId, two requests: two payments.
    let other = "00000000-0000-4000-8000-000000000000";
    desk.asked(Provider::MtnMomo, other, "", None);
    desk.status(Provider::MtnMomo, other, paid);
    assert_eq!(desk.waiting().len(), 2);
}

#[test]
fn momo_says_why_not() {
    for (reason, why) in [
        (r#""NOT_ENOUGH_FUNDS""#, NotPaid::Funds),
        (r#"{"code":"APPROVAL_REJECTED","message":"x"}"#, NotPaid::Cancelled),
        (r#""EXPIRED""#, NotPaid::Expired),
        ("7", NotPaid::Other),
    ] {
        let mut desk = Desk::new();
        desk.asked(Provider::MtnMomo, "id", "", None);
        desk.status(Provider::MtnMomo, "id", &format!(r#"{{"status":"FAILED","reason":{reason}}}"#));
        assert!(
            desk.events.contains(&Event::NotPaid { provider: Provider::MtnMomo, id: "id".into(), why }),
            "{reason}"
        );
    }
}

#[test]
fn orange_needs_its_token_and_is_asked_all_the_same() {
    let mut desk = Desk::new();
    let tokens = OrangeTokens { pay: "pay-token".into(), notification: "dd497bda".into() };
    assert!(!format!("{tokens:?}").contains("dd497bda"));
    desk.asked(Provider::OrangeMoney, "order-1", "", Some(tokens));
    let path = format!("/{SECRET}/orange/order-1");
    let notification = |token: &str| format!(r#"{{"status":"SUCCESS","notif_token":"{token}","txnid":"MP1"}}"#);
    let forged = HttpRequest::post(path.as_str(), notification("guess"));
    assert_eq!((desk.call(Provider::OrangeMoney, &forged).0, desk.queries.len()), (401, 0));
    let genuine = HttpRequest::post(path.as_str(), notification("dd497bda"));
    assert_eq!((desk.call(Provider::OrangeMoney, &genuine).0, desk.queries.len(), desk.waiting().len()), (200, 1, 0));
    assert!(!format!("{:?}", desk.queries).contains("pay-token"));
    desk.status(Provider::OrangeMoney, "order-1", r#"{"status":"SUCCESS","order_id":"order-2","txnid":"MP1"}"#);
    assert_eq!(desk.refused(), "order_id: not what was asked for");
    desk.status(Provider::OrangeMoney, "order-1", r#"{"status":"SUCCESS","order_id":"order-1","txnid":"MP1"}"#);
    assert_eq!(desk.waiting()[0].key, "order-1");
}

#[test]
fn a_text_is_provisional_until_the_provider_speaks() {
    let mut desk = Desk::new();
    let text = |text: &str| signed("/sms", &format!(r#"{{"phone":"gateway-1","text":"{text}"}}"#));
    let receipt = "RKTQDM7W6S Confirmed. Ksh1,050.00 sent to JIJA POWER for account A17 on 1/3/26 at 2:55 AM New M-PESA \
                   balance is Ksh3,000.00. Transaction cost, Ksh0.00.";
    assert_eq!(desk.call(Provider::Sms, &text(receipt)).0, 200);
    assert_eq!(desk.call(Provider::Sms, &text(receipt)).0, 200);
    let [payment] = desk.waiting()[..] else { panic!("one payment") };
    assert_eq!((payment.key.as_str(), payment.amount_minor), ("RKTQDM7W6S", 105_000));
    assert_eq!((payment.provider, payment.certainty), (Provider::Daraja, Certainty::Provisional));
    assert_eq!(payment.accepted_unix_ms, NOW - 300_000);
    // The confirmation follows, under the same key; after it a text says nothing new, true or forged.
    desk.c2b(&c2b("\"RKTQDM7W6S\"", "\"1050.00\"", "\"A17\"", "600638", "20260301025500"));
    assert_eq!(desk.waiting().len(), 2, "the site is told that it is certain");
    assert_eq!(desk.waiting()[1].id(), desk.waiting()[0].id());
    assert_eq!(desk.waiting()[1].certainty, Certainty::Final);
    desk.call(Provider::Sms, &text(&receipt.replace("1,050", "9,050")));
    assert_eq!(desk.waiting().len(), 2);
}

#[test]
fn texts_that_are_no_receipt_of_ours_are_refused() {
    let mut desk = Desk::new();
    let body = |text: &str| format!(r#"{{"phone":"gateway-1","text":"{text}"}}"#);
    let receipt =
        "RKTQDM7W6S Confirmed. Ksh50.00 sent to JIJA POWER for account A17 on 1/3/26 at 2:55 AM New M-PESA balance";
    for (text, why) in [
        (receipt.replace("JIJA POWER", "SOMEBODY"), "payee: not ours"),
        (receipt.replace("RKTQDM7W6S", "hi"), "code: not a receipt number"),
        (receipt.replace("50.00", "5O"), "amount: not a decimal number"),
        (receipt.replace("50.00", "-50"), "amount: below zero"),
        ("You have won!".to_owned(), "the text is no receipt that is known here"),
        ("x".repeat(2000), "the body is longer than 16384 bytes"),
    ] {
        desk.call(Provider::Sms, &signed("/sms", &body(&text)));
        assert_eq!(desk.refused(), why);
    }
    let unsigned = HttpRequest::post("/sms", body(receipt));
    assert_eq!(desk.call(Provider::Sms, &unsigned).0, 401);
    let stranger = signed("/sms", &body(receipt).replace("gateway-1", "gateway-2"));
    assert_eq!(desk.call(Provider::Sms, &stranger).0, 401);
    assert_eq!(desk.waiting().len(), 0);
    // Money sent to a number bears no account: whoever passes the text on may add one.
    let received = "UBR7L7TLNN Confirmed.You have received Ksh10,000.00 from EMMA W 0723000000 on 27/2/26 at 8:46 AM New \
                    M-PESA balance is Ksh12,000.00";
    let named = body(received).replace('}', r#","account":"A3"}"#);
    assert_eq!(desk.call(Provider::Sms, &signed("/sms", &named)).0, 200);
    assert_eq!((desk.waiting()[0].account.as_str(), desk.waiting()[0].amount_minor), ("A3", 1_000_000));
}

#[test]
fn an_agent_signs_and_what_looks_entered_twice_is_told() {
    let mut desk = Desk::new();
    let body = |receipt: &str, amount: &str| {
        format!(
            r#"{{"agent":"amina","receipt":{receipt},"account":"A17","amount":"{amount}","currency":"KES","taken_at":1772323000}}"#
        )
    };
    assert_eq!(desk.call(Provider::Agent, &signed("/agent", &body("\"12\"", "50.00"))).0, 200);
    assert_eq!(desk.call(Provider::Agent, &signed("/agent", &body("\"12\"", "50.00"))).0, 200);
    assert_eq!((desk.waiting().len(), desk.waiting()[0].key.as_str()), (1, "amina/12"));
    assert_eq!(desk.waiting()[0].accepted_unix_ms, 1_772_323_000_000);
    assert_eq!(desk.call(Provider::Agent, &signed("/agent", &body("13", "50.00"))).0, 200);
    assert_eq!(desk.waiting().len(), 2, "another receipt is another payment");
    let key = |key: &str| PaymentId { provider: Provider::Agent, key: key.into() };
    assert!(desk.events.contains(&Event::LooksDoubled { id: key("amina/13"), before: key("amina/12") }));
    for (body, why) in [
        (body("14", "50.00").replace("KES", "USD"), "currency: another currency than agreed"),
        (body("14", "-1"), "amount: below zero"),
        (body("\"\"", "1"), "receipt: empty"),
        (body("14", "1").replace("1772323000", "\"noon\""), "taken_at: expected a whole number"),
    ] {
        desk.call(Provider::Agent, &signed("/agent", &body));
        assert_eq!(desk.refused(), why);
    }
    let tampered = HttpRequest { body: body("15", "5000.00").into_bytes(), ..signed("/agent", &body("15", "50.00")) };
    assert_eq!(desk.call(Provider::Agent, &tampered).0, 401);
    assert_eq!(desk.waiting().len(), 2);
}

#[test]
fn a_code_is_worth_its_amount_once() {
    let mut desk = Desk::new();
    let tag = CodeTag::new("1234 5678 9012 3456", &Secret::new(b"tags")).unwrap();
    desk.relay.add_codes(NOW, vec![(tag, Code { serial: "S-001".into(), amount_minor: 20_000 })]).unwrap();
    desk.drain();
    let body = |code: &str, account: &str, caller: &str| {
        HttpRequest::post("/code", format!(r#"{{"code":"{code}","account":"{account}","caller":"{caller}"}}"#))
    };
    let code = "1234-5678-9012-3456";
    assert_eq!(desk.call(Provider::CashCode, &body(code, "Z17", "07")).0, 422, "a slip does not use it up");
    assert_eq!(desk.call(Provider::CashCode, &body(code, "A17", "07")), (200, r#"{"amount":"200.00"}"#.into()));
    assert_eq!(desk.call(Provider::CashCode, &body(code, "A17", "07")).0, 200);
    assert_eq!(desk.call(Provider::CashCode, &body(code, "A18", "07")).0, 422, "used");
    assert_eq!((desk.waiting().len(), desk.waiting()[0].key.as_str()), (1, "S-001"));
    for _ in 0..5 {
        assert_eq!(desk.call(Provider::CashCode, &body("1111222233334444", "A17", "08")).0, 404);
    }
    assert_eq!(desk.call(Provider::CashCode, &body(code, "A17", "08")).0, 429, "who guesses waits");
    assert_eq!(desk.call(Provider::CashCode, &body(code, "A17", "07")).0, 200, "others do not");
    desk.later(3_600_000);
    assert_eq!(desk.call(Provider::CashCode, &body(code, "A17", "08")).0, 200);
    assert_eq!(desk.waiting().len(), 1);
}

/// A code that nobody could redeem, or that would be taken for a repeat of another, is refused before it is sold.
#[test]
fn codes_under_a_serial_number_that_was_given_or_cannot_be_are_refused_as_a_batch() {
    let mut desk = Desk::new();
    let code = |n: u32, serial: &str, amount_minor| {
        let tag = CodeTag::new(&format!("{n:016}"), &Secret::new(b"tags")).unwrap();
        (tag, Code { serial: serial.into(), amount_minor })
    };
    let unusable = |serial: &str, why| CodeRefusal::Unusable { serial: serial.into(), why };
    let first = vec![code(1, "1", 20_000), code(2, "2", 20_000)];
    assert_eq!(desk.relay.add_codes(NOW, first.clone()), Ok(()));
    desk.drain();
    let records = desk.journal.len();
    // The order again, as its answer was lost: nothing new.
    assert_eq!(desk.relay.add_codes(NOW, first), Ok(()));
    desk.drain();
    assert_eq!(desk.journal.len(), records);
    // The next batch begins at 1 again. The first code of it stays unsold, and so do those behind it.
    let long = "S".repeat(65);
    let most = AMOUNT_MINOR_MAX;
    for (batch, why) in [
        (vec![code(3, "3", 500), code(4, "1", 20_000)], CodeRefusal::Given("1".into())),
        (vec![code(3, "3", 500), code(4, "3", 500)], CodeRefusal::Twice("3".into())),
        (vec![code(1, "9", 20_000)], CodeRefusal::SameCode { serial: "9".into(), before: "1".into() }),
        (vec![code(1, "1", 30_000)], CodeRefusal::SameCode { serial: "1".into(), before: "1".into() }),
        (vec![code(5, "5", 500), code(5, "6", 500)], CodeRefusal::SameCode { serial: "6".into(), before: "5".into() }),
        (vec![code(3, "", 500)], unusable("", PaymentError::Key)),
        (vec![code(3, &long, 500)], unusable(&long, PaymentError::Key)),
        (vec![code(3, "3", 0)], unusable("3", PaymentError::AmountNotPositive)),
        (vec![code(3, "3", most + 1)], unusable("3", PaymentError::AmountTooLarge)),
    ] {
        assert_eq!(desk.relay.add_codes(NOW, batch), Err(why));
    }
    desk.drain();
    assert_eq!(desk.journal.len(), records);
    // Redeemed: its number is given all the same, also after a restart.
    let typed = |n: u32, account: &str| {
        let text = format!(r#"{{"code":"{n:016}","account":"{account}","caller":"07"}}"#);
        HttpRequest::post("/code", text)
    };
    assert_eq!(desk.call(Provider::CashCode, &typed(1, "A17")).0, 200);
    assert_eq!(desk.call(Provider::CashCode, &typed(3, "A18")).0, 404, "of a refused batch nothing is known");
    desk.restart();
    assert_eq!(desk.relay.add_codes(NOW, vec![code(4, "1", 20_000)]), Err(CodeRefusal::Given("1".into())));
    assert_eq!(desk.relay.add_codes(NOW, vec![code(4, &"S".repeat(64), most)]), Ok(()));
    desk.drain();
    assert_eq!(desk.call(Provider::CashCode, &typed(4, "A18")).0, 200);
    assert_eq!(desk.waiting().len(), 2);
}

#[test]
fn a_snapshot_is_the_whole_journal() {
    let mut desk = Desk::new();
    desk.c2b(&good("R1"));
    desk.asked(Provider::MtnMomo, "id", "", None);
    desk.relay.snapshot(NOW);
    desk.drain();
    let state = desk.relay.state().clone();
    desk.journal.drain(..desk.journal.len() - 1);
    desk.restart();
    assert_eq!(desk.waiting().len(), 1);
    assert_eq!(desk.relay.state().last_record(), state.last_record() + 1);
    assert_eq!(desk.c2b(&good("R1")).0, 200);
    assert_eq!(desk.waiting().len(), 1);
    assert_eq!(decode(&[9, 1]), Err(taa_intake::relay::BytesError::Version(9)));
    assert_eq!(Refusal::NotFound.status(), 404);
}

proptest! {
    /// Whatever is changed in a genuine callback: everybody is answered, nothing panics, and no payment comes of it that
    /// the text does not tell of.
    #[test]
    fn a_damaged_callback_is_refused_or_says_what_it_says(
        flips in proptest::collection::vec((0_usize..400, any::<u8>()), 1..6),
        which in 0_usize..5,
    ) {
        let mut desk = Desk::new();
        desk.asked(Provider::Daraja, "ws_CO_1", "174379", None);
        desk.asked(Provider::MtnMomo, "id", "", None);
        let (provider, path, body) = match which {
            0 => (Provider::Daraja, format!("/{SECRET}/daraja/c2b/confirmation"), good("RKTQDM7W6S")),
            1 => (
                Provider::Daraja,
                format!("/{SECRET}/daraja/stk"),
                r#"{"Body":{"stkCallback":{"CheckoutRequestID":"ws_CO_1","ResultCode":0,"CallbackMetadata":{"Item":[
                    {"Name":"Amount","Value":50.00},{"Name":"MpesaReceiptNumber","Value":"RKL4CL10OG"}]}}}}"#.to_owned(),
            ),
            2 => (Provider::MtnMomo, format!("/{SECRET}/momo/id"), r#"{"status":"SUCCESSFUL"}"#.to_owned()),
            3 => (Provider::Agent, "/agent".to_owned(), r#"{"agent":"amina","receipt":"1"}"#.to_owned()),
            _ => (Provider::CashCode, "/code".to_owned(), r#"{"code":"1","account":"A1","caller":"0"}"#.to_owned()),
        };
        let mut body = body.into_bytes();
        for (at, byte) in flips {
            let at = at % body.len();
            body[at] = byte;
        }
        desk.call(provider, &HttpRequest::post(path, body.clone()));
        for payment in desk.waiting() {
            prop_assert!(which < 2 && payment.check().is_ok());
            let text = String::from_utf8_lossy(&body);
            prop_assert!(text.contains(payment.amount_minor.to_string().trim_end_matches('0')) || text.contains("50"));
        }
    }
}
