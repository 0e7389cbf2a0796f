//! MPM's view of the token server, with the DCU behind it: three shapes, repeats, strangers, restarts.

#[allow(dead_code)]
#[path = "../../core/tests/vending/site.rs"]
mod site;

use site::Site;
use taa_dcu::{
    MeterIx,
    config::VendingConfig,
    payment::{Currency, PaymentId, Provider},
    vending::VendId,
};
use taa_intake::{
    HttpRequest,
    provider::Money,
    token_server::{Asked, Event, Issued, NotIssued, Output, Record, ServerConfig, TokenServer, charge_device},
};
use taa_keys::Secret;

const NOW: i64 = site::START_UNIX_S * 1000;
const MINUTE_MS: i64 = 60_000;

fn config() -> ServerConfig {
    let mut config = ServerConfig::new(Money { currency: Currency::new("TZS").unwrap(), minor_per_unit: 100 });
    config.calin = Some(("mpm".into(), Secret::new(b"calin-password")));
    config.stron = Some(("Jija".into(), "mpm".into(), Secret::new(b"stron-token")));
    config.spark = Some(Secret::new(b"spark-token"));
    config
}

/// The server, and the DCU that vends for it: the driver that a daemon has.
struct Desk {
    server: TokenServer,
    site: Site,
    journal: Vec<Record>,
    events: Vec<Event>,
    answers: Vec<(u16, String)>,
    asked: Vec<Asked>,
    now: i64,
    /// Questions are lost on their way to the DCU.
    deaf: bool,
}

impl Desk {
    fn new() -> Self {
        Self {
            server: TokenServer::recover(config(), []),
            site: {
                // Meter 0 counts money, meter 1 energy.
                let mut entries = vec![site::entry(0), site::entry(1)];
                entries[1].sts.as_mut().unwrap().in_money = false;
                let mut site = Site::with(VendingConfig::default(), entries);
                site.lease(site::START_MINUTE, site::START_MINUTE + 180 * 1440, 1, 0);
                site
            },
            journal: Vec::new(),
            events: Vec::new(),
            answers: Vec::new(),
            asked: Vec::new(),
            now: NOW,
            deaf: false,
        }
    }

    fn drain(&mut self) {
        loop {
            match self.server.poll_output() {
                Output::Append(record) => {
                    self.server.handle_durable(record.number);
                    self.journal.push(record);
                }
                Output::Ask(asked) => {
                    self.asked.push(asked.clone());
                    if !self.deaf {
                        self.vend(&asked);
                    }
                }
                Output::Respond { response, .. } => self.answers.push((response.status, response.body)),
                Output::Event(event) => self.events.push(event),
                Output::Idle => return,
            }
        }
    }

    fn vend(&mut self, asked: &Asked) {
        let known = (0..2).find(|n| asked.meter == format!("TAA{n:013}") || asked.meter == format!("A{n}"));
        let Some(meter) = known else {
            return self.server.handle_issued(self.now, &asked.reference, Err(NotIssued::UnknownMeter));
        };
        let sold = self.site.with_dcu(|dcu, now| dcu.handle_vend(now, asked.for_dcu(MeterIx(meter)))).unwrap();
        let id = match sold {
            Ok(id) => id,
            Err(refusal) => return self.server.handle_issued(self.now, &asked.reference, Err((&refusal).into())),
        };
        let token = self.token(id);
        let issued = Issued { token: Some(token), energy_wh: Some(12_300) };
        self.server.handle_issued(self.now, &asked.reference, Ok(&issued));
    }

    fn token(&self, id: VendId) -> taa_dcu::vending::TokenDigits {
        self.site.left().into_iter().find(|(left, ..)| *left == id).expect("it has left").3
    }

    fn call(&mut self, request: &HttpRequest) -> (u16, String) {
        self.server.handle_request(self.now, 1, request);
        self.drain();
        self.answers.pop().expect("an answer")
    }

    fn restart(&mut self) {
        self.server = TokenServer::recover(config(), self.journal.clone());
    }
}

fn calin(meter: u32, amount: &str) -> HttpRequest {
    let body = format!(
        r#"{{"user_id":"mpm","password":"calin-password","meter_id":"TAA{meter:013}","token_type":"CreditToken","amount":{amount}}}"#
    );
    HttpRequest::post("/api/tokennew", body)
}

fn stron(meter: u32, amount: &str) -> HttpRequest {
    let body = format!(
        r#"{{"CustomerId":"7","MeterId":"TAA{meter:013}","Price":"100","Rate":"1","Amount":{amount},"AmountTmp":"TZS",
        "Company":"Jija","Employee":"mpm","ApiToken":"stron-token"}}"#
    );
    HttpRequest::post("/vending/", body)
}

fn spark(customer: &str, amount: &str, external_id: &str) -> HttpRequest {
    let body =
        format!(r#"{{"customer_id":"{customer}","amount":"{amount}","source":"cash","external_id":"{external_id}"}}"#);
    HttpRequest::post("/transaction/", body).with("authentication-token", "spark-token")
}

/// The token in an answer of Stron's shape: the first item.
fn first(body: &str) -> &str {
    body.split(',').next().unwrap()
}

#[test]
fn stron_gets_a_token_that_the_meter_takes() {
    let mut desk = Desk::new();
    let (status, body) = desk.call(&stron(0, "5000"));
    assert_eq!((status, first(&body).len()), (200, 20));
    desk.site.type_all();
    // A token carries 14 bits of mantissa: the largest that it can that is not more.
    let (credited, paid) = (desk.site.meters[0].credited, 500_000 * site::U);
    assert!((paid - paid / 1000..=paid).contains(&credited), "{credited}");
    assert_eq!(desk.asked[0].reference.provider, Provider::Stron);
}

#[test]
fn calin_asks_for_energy_and_reads_result() {
    let mut desk = Desk::new();
    let (status, body) = desk.call(&calin(1, "12.3"));
    assert_eq!(status, 200);
    assert!(body.contains(r#""result_code":0"#), "{body}");
    let token = std::str::from_utf8(&desk.site.left()[0].3.0).unwrap().to_owned();
    assert!(body.contains(&token));
    let issued = Issued { token: Some(desk.site.left()[0].3), energy_wh: Some(12_300) };
    let answer = charge_device(&issued);
    assert_eq!((answer["token"].as_str(), answer["token_amount"].as_str()), (Some(token.as_str()), Some("12.300")));
    assert!(!format!("{issued:?} {:?}", desk.journal).contains(&token), "no digits in logs");
    assert!(!format!("{:?}", calin(1, "1")).contains("calin-password"));
}

#[test]
fn where_there_is_no_number_a_repeat_within_the_window_is_the_same_purchase() {
    let mut desk = Desk::new();
    let token = desk.call(&stron(0, "5000")).1;
    desk.now += 9 * MINUTE_MS;
    desk.restart();
    assert_eq!(desk.call(&stron(0, "5000")).1, token);
    let reference = desk.asked[0].reference.clone();
    assert_eq!(desk.events, [Event::Repeated { reference, after_ms: 9 * MINUTE_MS, certain: false }]);
    // Another meter, another amount, another shape: others.
    for other in [stron(1, "5000"), stron(0, "5100"), calin(1, "50")] {
        assert_ne!(first(&desk.call(&other).1), first(&token));
    }
    // And after the window.
    desk.now += 2 * MINUTE_MS;
    let next = desk.call(&stron(0, "5000")).1;
    assert_ne!(first(&next), first(&token));
    desk.site.type_all();
    assert_eq!(desk.site.left().len(), 5);
}

/// Sabotage: without a window every repeat is a purchase.
#[test]
fn without_a_window_repeats_are_purchases() {
    let mut desk = Desk::new();
    desk.server = TokenServer::recover(ServerConfig { window_ms: 0, ..config() }, []);
    let token = desk.call(&stron(0, "5000")).1;
    assert_ne!(desk.call(&stron(0, "5000")).1, token);
}

#[test]
fn a_numbered_transaction_is_one_for_ever() {
    let mut desk = Desk::new();
    let (status, body) = desk.call(&spark("A0", "5000", "77"));
    assert_eq!(status, 200);
    assert!(body.contains(r#""error":null"#), "{body}");
    desk.now += 400 * 24 * 60 * MINUTE_MS;
    desk.restart();
    assert_eq!(desk.call(&spark("A0", "5000", "77")).1, body);
    assert!(matches!(desk.events[..], [Event::Repeated { certain: true, .. }]));
    assert_eq!(desk.site.left().len(), 1);
    assert_eq!(desk.call(&spark("A0", "6000", "77")).0, 422);
    let reference = PaymentId { provider: Provider::Spark, key: "77".into() };
    assert!(desk.events.contains(&Event::Conflict { reference }));
    // What the client asks next.
    let id = body.split(r#""transaction_id":""#).nth(1).unwrap().split('"').next().unwrap();
    let ask = HttpRequest { method: "GET".into(), path: format!("/transaction/{id}"), ..HttpRequest::default() };
    let told = desk.call(&ask.clone().with("Authentication-Token", "spark-token"));
    assert!(told.1.contains(r#""external_id":"77""#) && told.1.contains("processed"), "{}", told.1);
    assert_eq!(desk.call(&ask).0, 401);
    assert!(desk.call(&HttpRequest::default()).0 == 404);
}

#[test]
fn a_lost_question_is_asked_again_under_the_same_reference() {
    let mut desk = Desk::new();
    desk.deaf = true;
    desk.server.handle_request(NOW, 1, &stron(0, "5000"));
    desk.drain();
    assert_eq!((desk.answers.len(), desk.asked.len()), (0, 1));
    desk.restart();
    desk.deaf = false;
    desk.now += MINUTE_MS;
    assert_eq!(desk.call(&stron(0, "5000")).0, 200);
    assert_eq!(desk.asked[0].reference, desk.asked[1].reference);
    assert_eq!(desk.site.left().len(), 1);
}

/// Nobody was told of it, so nobody has it: the question is the first purchase as long as there is no answer, and for a day
/// after an answer that came too late.
#[test]
fn what_has_no_answer_stays_one_purchase_and_a_late_answer_keeps_for_a_day() {
    const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
    let mut desk = Desk::new();
    desk.deaf = true;
    for _ in 0..3 {
        desk.server.handle_request(desk.now, 1, &stron(0, "5000"));
        desk.drain();
        assert!(desk.server.handle_gone(1).is_some(), "cannot vend now");
        desk.now += 3 * DAY_MS;
        desk.restart();
    }
    assert!(desk.asked.iter().all(|asked| asked.reference == desk.asked[0].reference));
    desk.vend(&desk.asked[0].clone());
    desk.drain();
    let made = desk.site.left()[0].3;
    desk.now += DAY_MS - 1;
    desk.restart();
    assert_eq!(first(&desk.call(&stron(0, "5000")).1).as_bytes(), made.0);
    // Told now: from here on the window counts.
    desk.now += 11 * MINUTE_MS;
    desk.deaf = false;
    assert_ne!(first(&desk.call(&stron(0, "5000")).1).as_bytes(), made.0);
}

#[test]
fn nothing_is_vended_before_the_purchase_is_durable() {
    let mut server = TokenServer::recover(config(), []);
    server.handle_request(NOW, 1, &stron(0, "5000"));
    assert!(matches!(server.poll_output(), Output::Append(_)));
    assert_eq!(server.poll_output(), Output::Idle);
    server.handle_durable(1);
    assert!(matches!(server.poll_output(), Output::Ask(_)));
}

#[test]
fn strangers_and_bad_bodies_are_refused_in_the_shape() {
    let mut desk = Desk::new();
    let with = |request: HttpRequest, from: &str, to: &str| {
        let body = String::from_utf8(request.body.clone()).unwrap();
        assert!(body.contains(from));
        HttpRequest { body: body.replace(from, to).into_bytes(), ..request }
    };
    for (request, status, text) in [
        (with(calin(0, "1"), "calin-password", "guess"), 401, "not authorised"),
        (with(calin(0, "1"), "\"mpm\"", "\"other\""), 401, "not authorised"),
        (with(calin(0, "1"), "CreditToken", "ClearTamper"), 200, "token_type"),
        (calin(0, "-1"), 200, "amount: below zero"),
        (calin(0, "0"), 200, "amount: zero"),
        (calin(0, "0.0001"), 200, "amount: more digits"),
        (calin(0, "true"), 200, "amount: expected"),
        (calin(9, "1"), 200, "unknown meter"),
        (calin(0, "1"), 200, "not vended for this meter"),
        (with(stron(0, "1"), "stron-token", "x"), 401, "not authorised"),
        (with(stron(0, "1"), "TZS", "USD"), 422, "AmountTmp: another currency"),
        (stron(0, "\"1e3\""), 422, "Amount: not a decimal"),
        (stron(9, "1000"), 404, "unknown meter"),
        (stron(0, "99999999999"), 422, "cannot be vended"),
        (spark("A0", "-5", "1"), 422, "amount: below zero"),
        (spark("A0", "5", ""), 422, "external_id: empty"),
        (HttpRequest::post("/transaction/", "{}"), 401, "not authorised"),
        (HttpRequest::post("/vending/", "[]"), 422, "no JSON object"),
        (HttpRequest::post("/vending/", vec![b' '; 20_000]), 413, "longer than"),
    ] {
        let (got, body) = desk.call(&request);
        assert!(got == status && body.contains(text), "{got} {body} instead of {status} {text}");
    }
    assert_eq!(desk.site.left().len(), 0);
    let body = desk.call(&calin(0, "-1")).1;
    assert!(body.contains(r#""result_code":1"#) && body.contains("reason"), "{body}");
    let body = desk.call(&spark("A0", "-5", "1")).1;
    assert!(body.contains(r#""error":"#) && body.contains("failure"), "{body}");
    // A stranger learns nothing about meters, and a shape that is not configured is not there.
    let mut closed = TokenServer::recover(ServerConfig::new(config().money), []);
    closed.handle_request(NOW, 1, &stron(0, "5000"));
    let refused = std::iter::from_fn(|| Some(closed.poll_output()).filter(|output| *output != Output::Idle));
    assert!(
        refused.into_iter().any(|output| matches!(output, Output::Respond { response, .. } if response.status == 404))
    );
}
