//! One payment under several names, from every word that can be said of it to the site's book: credited once.

use proptest::prelude::*;
use taa_dcu::{
    billing::Book,
    config::Tariff,
    payment::{Currency, Payment, PaymentId, Provider},
};
use taa_intake::{
    HttpRequest, Relay,
    provider::{Money, daraja::Shortcode, sms::Template, statement::Shape},
    relay::{Accounts, Event, Operator, OrangeTokens, Output, PayRequest, Query, Record, RelayConfig, SiteConfig},
};
use taa_keys::{Secret, hash::hmac_sha256};

/// 2026-03-01 00:00 UTC.
const NOW: i64 = 1_772_323_200_000;
const AMOUNT: i64 = 5_000;
/// Ways of paying: a push at one short code, at another whose list is not read, MTN, Orange, a pay bill that nobody asked
/// for.
const PUSH: &str = "174379";

fn money() -> Money {
    Money { currency: Currency::new("KES").unwrap(), minor_per_unit: 100 }
}

fn template(provider: Provider) -> Template {
    let pattern = "{code} Confirmed. Paid {amount} for account {account} on {date} at {time}".to_owned();
    Template {
        provider,
        pattern: format!("{} {pattern}", provider.name()),
        money: money(),
        utc_offset_s: 0,
        payees: vec![],
    }
}

fn config() -> RelayConfig {
    let mut config = RelayConfig::new(Secret::new(b"hidden"));
    let accounts = Accounts::Prefix("A".into());
    config.sites.push(SiteConfig { id: "jija".into(), key: Secret::new(b"key"), money: money(), accounts });
    config.shortcodes.push(Shortcode { code: PUSH.into(), money: money(), utc_offset_s: 0, confirms: false });
    config.pulls.insert(PUSH.into());
    config.templates = [Provider::Daraja, Provider::MtnMomo, Provider::OrangeMoney].map(template).into();
    config.phones.insert("gateway".into(), Operator { key: Secret::new(b"signing"), money: money() });
    config.clerks.insert("grace".into(), Operator { key: Secret::new(b"signing"), money: money() });
    for (name, provider) in [("mtn", Provider::MtnMomo), ("orange", Provider::OrangeMoney)] {
        let shape = Shape { provider, completed: None, account: None, ..Shape::mpesa(money(), 0) };
        config.statements.insert(name.into(), shape);
    }
    config
}

/// The relay, and the book of its site, which takes what the relay gives.
struct Desk {
    relay: Relay,
    journal: Vec<Record>,
    book: Book,
    given: u64,
    /// The sabotage: second names are lost on the way to the site.
    nameless: bool,
    pull: Option<(i64, i64, u32)>,
    answers: Vec<(u16, String)>,
    events: Vec<Event>,
    now: i64,
}

impl Desk {
    fn new() -> Self {
        let tariff = Tariff { receipt_credit_minor: 1_000_000, receipt_h: 48, ..Tariff::flat("KES", 100, 0) };
        let mut desk = Self {
            relay: Relay::recover(config(), [], NOW, 7),
            journal: Vec::new(),
            book: Book::new(&tariff, [("A1", 0), ("A2", 0)]),
            given: 0,
            nameless: false,
            pull: None,
            answers: Vec::new(),
            events: Vec::new(),
            now: NOW + 60_000,
        };
        desk.drain();
        desk
    }

    fn drain(&mut self) {
        loop {
            match self.relay.poll_output() {
                Output::Append(record) => {
                    self.relay.handle_durable(record.number);
                    self.journal.push(record);
                }
                Output::Respond { response, .. } => self.answers.push((response.status, response.body)),
                Output::Event(event) => self.events.push(event),
                Output::Query(Query::Pull { from_unix_ms, to_unix_ms, offset, .. }) => {
                    self.pull = Some((from_unix_ms, to_unix_ms, offset));
                }
                Output::Query(_) | Output::Reply { .. } => {}
                Output::Timeout(_) => break,
            }
        }
        let inbox = self.relay.state().site("jija");
        let fresh = inbox.into_iter().flat_map(|inbox| inbox.items()).filter(|(number, _)| *number > self.given);
        for (number, payment) in fresh.map(|(number, payment)| (number, payment.clone())).collect::<Vec<_>>() {
            self.given = number;
            let payment = if self.nameless { Payment { receipt: None, ..payment } } else { payment };
            self.book.credit(&payment);
            assert_eq!(self.book.totals().missing(), 0);
        }
    }

    fn restart(&mut self) {
        self.relay = Relay::recover(config(), self.journal.clone(), self.now, 8);
        self.drain();
    }

    fn signed(&mut self, path: &str, body: &str) -> HttpRequest {
        let tag = hmac_sha256(&Secret::new(b"signing"), &[body.as_bytes()]);
        let tag: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
        HttpRequest::post(path, body).with("X-Signature", tag)
    }

    fn ask(&mut self, paid: &Made) {
        self.ask_for(paid, "A1");
    }

    fn ask_for(&mut self, paid: &Made, account: &str) {
        let (provider, id, account) = (paid.provider, paid.reference(), account.to_owned());
        let tokens = OrangeTokens { pay: "p".into(), notification: "n".into() };
        let request = PayRequest {
            provider,
            id,
            shortcode: if provider == Provider::Daraja { PUSH.into() } else { String::new() },
            account,
            amount_minor: AMOUNT,
            money: money(),
            asked_unix_ms: NOW,
            tokens: (provider == Provider::OrangeMoney).then_some(tokens),
        };
        self.relay.handle_asked(self.now, request).unwrap();
        self.drain();
    }

    fn say(&mut self, word: Word, paid: &Made) {
        let (reference, receipt) = (paid.reference(), paid.receipt());
        match (word, paid.provider) {
            (Word::Text, provider) => {
                let name = provider.name();
                let text = format!("{name} {receipt} Confirmed. Paid 50.00 for account A1 on 1/3/26 at 12:00 AM");
                let request = self.signed("/sms", &format!(r#"{{"phone":"gateway","text":"{text}"}}"#));
                self.relay.handle_callback(self.now, 1, Provider::Sms, &request);
            }
            (Word::Bare, Provider::Daraja) => {
                let body = format!(r#"{{"CheckoutRequestID":"{reference}","ResultCode":"0"}}"#);
                self.relay.handle_status(self.now, Provider::Daraja, &reference, Some(body.as_bytes()));
            }
            (Word::Full, Provider::Daraja) => {
                let body = format!(
                    r#"{{"Body":{{"stkCallback":{{"CheckoutRequestID":"{reference}","ResultCode":0,"CallbackMetadata":
                    {{"Item":[{{"Name":"Amount","Value":50.00}},{{"Name":"MpesaReceiptNumber","Value":"{receipt}"}},
                    {{"Name":"TransactionDate","Value":20260301000010}}]}}}}}}}}"#
                );
                let request = HttpRequest::post("/hidden/daraja/stk", body);
                self.relay.handle_callback(self.now, 1, Provider::Daraja, &request);
            }
            (Word::Line, Provider::Daraja) => self.pull(&[(receipt.as_str(), "50.00")]),
            (Word::Bare | Word::Full, Provider::MtnMomo) => {
                let named = match word {
                    Word::Full => format!(r#","financialTransactionId":"{}""#, receipt.to_lowercase()),
                    _ => String::new(),
                };
                let body = format!(r#"{{"status":"SUCCESSFUL","amount":"50.00","currency":"KES"{named}}}"#);
                self.relay.handle_status(self.now, Provider::MtnMomo, &reference, Some(body.as_bytes()));
            }
            (Word::Bare | Word::Full, provider) => {
                let named = if word == Word::Full { format!(r#","txnid":"{receipt}""#) } else { String::new() };
                let body = format!(r#"{{"status":"SUCCESS","order_id":"{reference}"{named}}}"#);
                self.relay.handle_status(self.now, provider, &reference, Some(body.as_bytes()));
            }
            (Word::Line, provider) => {
                let shape = if provider == Provider::MtnMomo { "mtn" } else { "orange" };
                let text = format!("Receipt No.,Completion Time,Paid In\\n{receipt},2026-03-01 00:00:10,50.00\\n");
                let body = format!(r#"{{"clerk":"grace","shape":"{shape}","statement":"{text}"}}"#);
                let request = self.signed("/statement", &body);
                self.relay.handle_statement(self.now, 2, &request);
            }
        }
        self.drain();
    }

    /// The provider's list has these lines, and no more.
    fn pull(&mut self, lines: &[(&str, &str)]) {
        let rows = lines.iter().map(|(receipt, amount)| {
            format!(r#"{{"transactionId":"{receipt}","trxDate":"2026-03-01 00:00:10","billreference":"A1","amount":"{amount}"}}"#)
        });
        let page = format!(r#"{{"ResponseCode":"1000","Response":[[{}]]}}"#, rows.collect::<Vec<_>>().join(","));
        self.now += config().pull_every_ms + 120_000;
        self.relay.handle_timeout(self.now);
        self.drain();
        let (.., offset) = self.pull.expect("the list is asked for");
        self.relay.handle_pulled(self.now, PUSH, offset, Some(page.as_bytes()));
        self.drain();
        let (.., offset) = self.pull.expect("and the page after it");
        self.relay.handle_pulled(self.now, PUSH, offset, Some(br#"{"ResponseCode":"1000","Response":[]}"#));
        self.drain();
    }

    fn received(&self) -> (i128, i128) {
        (self.book.totals().received, self.book.totals().provisional)
    }
}

/// A payment of A1, all alike.
#[derive(Clone, Copy, Debug)]
struct Made {
    provider: Provider,
    n: u32,
}

impl Made {
    fn reference(&self) -> String {
        format!("ref-{:04}", self.n)
    }

    fn receipt(&self) -> String {
        format!("RCPT{:06}", self.n)
    }
}

/// Who speaks of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// The payer's text, passed on by a telephone.
    Text,
    /// The provider, under our reference alone.
    Bare,
    /// The provider, under our reference, with the receipt.
    Full,
    /// The provider's list, or a clerk's statement, under the receipt.
    Line,
}

const WORDS: [Word; 4] = [Word::Text, Word::Bare, Word::Full, Word::Line];

/// One or two payments alike in everything, and what is said of them in any order, any number of times. Where the list is
/// read at all, it has a line for each; and of each our own provider tells one way or the other.
fn histories(provider: Provider) -> impl Strategy<Value = Vec<(Word, Made)>> {
    let of_one = move |n: u32, listed: bool| {
        let words = proptest::collection::vec(proptest::sample::select(WORDS.to_vec()), 0..4);
        let told = proptest::sample::select(vec![Word::Bare, Word::Full]);
        (words, told).prop_map(move |(words, told)| {
            let mut words: Vec<_> = words.into_iter().filter(|word| listed || *word != Word::Line).collect();
            words.push(told);
            words.extend(listed.then_some(Word::Line));
            words.into_iter().map(|word| (word, Made { provider, n })).collect::<Vec<_>>()
        })
    };
    (1..=2_u32, any::<bool>()).prop_flat_map(move |(count, listed)| {
        let all: Vec<_> = (1..=count).map(|n| of_one(n, listed)).collect();
        all.prop_flat_map(|words| Just(words.concat()).prop_shuffle())
    })
}

fn told(history: &[(Word, Made)], nameless: bool, restarts: u64) -> Desk {
    let mut desk = Desk::new();
    desk.nameless = nameless;
    let mut made: Vec<Made> = history.iter().map(|(_, made)| *made).collect();
    made.sort_by_key(|made| made.n);
    made.dedup_by_key(|made| made.n);
    made.iter().for_each(|made| desk.ask(made));
    for (at, (word, made)) in (0..).zip(history) {
        desk.say(*word, made);
        if restarts >> (at % 64) & 1 == 1 {
            desk.restart();
        }
    }
    desk
}

fn count(history: &[(Word, Made)]) -> i128 {
    i128::from(history.iter().map(|(_, made)| made.n).max().unwrap_or(0))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_is_said_of_payments_and_when_each_is_credited_once(
        history in prop_oneof![
            histories(Provider::Daraja), histories(Provider::MtnMomo), histories(Provider::OrangeMoney)
        ],
        restarts in any::<u64>(),
    ) {
        let desk = told(&history, false, restarts);
        let (received, provisional) = desk.received();
        prop_assert_eq!(received, count(&history) * i128::from(AMOUNT), "{:?}", desk.events);
        // A text counts at most until the provider has told of as many payments as there are texts.
        prop_assert_eq!(provisional, 0, "{:?}", desk.events);
        prop_assert_eq!(desk.relay.held().count(), 0);
    }
}

#[test]
fn sabotage_a_site_that_hears_no_second_names_counts_texts_twice() {
    for provider in [Provider::Daraja, Provider::MtnMomo, Provider::OrangeMoney] {
        let made = Made { provider, n: 1 };
        for words in [[Word::Text, Word::Full], [Word::Text, Word::Bare]] {
            let history = words.map(|word| (word, made));
            assert_eq!(told(&history, false, 0).received(), (i128::from(AMOUNT), 0), "{history:?}");
            assert_eq!(told(&history, true, 0).received(), (i128::from(AMOUNT), i128::from(AMOUNT)), "{history:?}");
        }
    }
}

#[test]
fn a_paybill_payment_whose_confirmation_was_lost_is_found_in_the_list() {
    let mut desk = Desk::new();
    desk.pull(&[("RCPT000001", "50.00"), ("RCPT000002", "0.00"), ("RCPT000003", "20.00")]);
    assert_eq!(desk.received(), (7_000, 0));
    assert!(desk.events.contains(&Event::Listed { of: PUSH.into(), new: 2, known: 0, held: 0, refused: 1 }));
    // The overlap brings the same lines again.
    desk.pull(&[("RCPT000001", "50.00"), ("RCPT000003", "20.00")]);
    desk.restart();
    desk.pull(&[("RCPT000001", "50.00")]);
    assert_eq!(desk.received(), (7_000, 0));
    assert_eq!(desk.relay.unread().count(), 1, "the line that is no payment is kept");
}

#[test]
fn a_list_that_does_not_reach_back_far_enough_is_told() {
    let mut desk = Desk::new();
    desk.pull(&[]);
    let upto = desk.relay.state().pulled_upto_unix_ms(PUSH).unwrap();
    let (from, to, _) = desk.pull.unwrap();
    assert_eq!((to, to - from), (upto, 48 * 3_600_000), "the first time all that is kept");
    desk.now += 72 * 3_600_000;
    desk.restart();
    desk.relay.handle_timeout(desk.now);
    desk.drain();
    let to_unix_ms = desk.now - 48 * 3_600_000;
    let gap = Event::ListGap { shortcode: PUSH.into(), from_unix_ms: upto, to_unix_ms };
    assert!(desk.events.contains(&gap), "{:?}", desk.events);
    assert_eq!(desk.pull.unwrap().0, to_unix_ms);
    // Nobody answers: it is asked again, from the same place.
    let asked = desk.pull.take();
    desk.now += 120_000;
    desk.relay.handle_timeout(desk.now);
    desk.drain();
    assert_eq!(desk.pull, asked);
    // An error of the provider is no empty list.
    let (.., offset) = asked.unwrap();
    desk.relay.handle_pulled(desk.now, PUSH, offset, Some(br#"{"errorCode":"500.003.1001","errorMessage":"x"}"#));
    desk.drain();
    assert_eq!(desk.relay.state().pulled_upto_unix_ms(PUSH), Some(upto));
}

#[test]
fn a_clerks_statement_brings_what_is_missing_and_says_what_it_did() {
    let mut desk = Desk::new();
    let mut shape = Shape::mpesa(money(), 10_800);
    shape.completed = Some(("Transaction Status".into(), "Completed".into()));
    let statement = "Account Holder,\"JIJA POWER, Ltd\"\\n\\n\
        Receipt No.,Completion Time,Details,Transaction Status,Paid In,Withdrawn,A/C No.\\n\
        RCPT000001,2026-03-01 03:00:10,\\\"Pay Bill, from A\\\",Completed,50.00,,A1\\n\
        RCPT000002,01-03-2026 03:00:10,Pay Bill,Completed,\\\"1,050.00\\\",,A2\\n\
        RCPT000003,2026-03-01 03:00:10,Pay Bill,Failed,50.00,,A1\\n\
        RCPT000004,2026-03-01 03:00:10,Withdrawal,Completed,,70.00,\\n\
        RCPT000005,2026-03-01 03:00:10,Pay Bill,Completed,5x,,A1\\n\
        RCPT000006,2026-03-01 03:00:10,Pay Bill,Completed,9.00,,B1\\n";
    let body = format!(r#"{{"clerk":"grace","shape":"mpesa","shortcode":"{PUSH}","statement":"{statement}"}}"#);
    let body = body.replace("Holder,\"JIJA POWER, Ltd\"", "Holder,JIJA POWER");
    let mut config = config();
    config.statements.insert("mpesa".into(), shape);
    desk.relay = Relay::recover(config, [], NOW, 9);
    desk.drain();
    let request = desk.signed("/statement", &body);
    for known in [false, true] {
        desk.relay.handle_statement(desk.now, 1, &request);
        desk.drain();
        let (status, answer) = desk.answers.pop().unwrap();
        assert_eq!(status, 200, "{answer}");
        let counts = if known { r#""held":0,"known":3"# } else { r#""held":1,"known":0"# };
        assert!(answer.contains(counts) && answer.contains(r#""refused":1"#), "{answer}");
        assert!(answer.contains("amount: not a decimal number"), "{answer}");
    }
    assert_eq!((desk.book.balance_minor(0), desk.book.balance_minor(1)), (5_000, 105_000));
    // A stranger's statement is none, and one without the column says which.
    let stranger = HttpRequest::post("/statement", body.replace("grace", "eve"));
    desk.relay.handle_statement(desk.now, 1, &stranger);
    let damaged = desk.signed("/statement", &body.replace("Paid In", "Paid"));
    desk.relay.handle_statement(desk.now, 1, &damaged);
    desk.drain();
    let told: Vec<_> = desk.answers.iter().map(|(status, body)| (*status, body.as_str())).collect();
    assert_eq!(told, [(401, r#"{"error":"not authorised"}"#), (422, r#"{"error":"amount: missing"}"#)]);
}

#[test]
fn what_is_too_old_to_be_remembered_is_held_and_never_credited_by_itself() {
    let mut desk = Desk::new();
    let line = [("RCPT000001", "50.00")];
    desk.pull(&line);
    assert_eq!(desk.relay.state().remembered(), (1, 0));
    // The site has it, and says so: else it is not forgotten.
    let acked = |desk: &mut Desk, upto: u64| {
        let entry = taa_intake::relay::Entry::Acked {
            site: "jija".into(),
            upto,
            fates: vec![(upto, taa_dcu::fetch::Fate::Credited)],
        };
        let number = desk.relay.state().last_record() + 1;
        desk.journal.push(Record { number, at_unix_ms: desk.now, entry });
        desk.restart();
    };
    acked(&mut desk, 1);
    desk.now += config().remember_ms + 86_400_000;
    desk.pull(&[("RCPT000009", "1.00")]);
    // Its clock is a year ago, so it is held; the first payment is forgotten, and held when it comes again.
    let forgotten = desk.relay.state().forgotten_upto_unix_ms();
    assert!(forgotten > NOW && !desk.relay.state().has_taken(&Made { provider: Provider::Daraja, n: 1 }.id()));
    desk.pull(&line);
    assert_eq!(desk.received(), (5_100, 0), "not again");
    let why: Vec<_> = desk.relay.held().map(|(id, held)| (id.key.as_str(), held.why)).collect();
    assert_eq!(why, [("RCPT000001", taa_intake::relay::HeldWhy::TooOld)]);
    // A text of that time is no money at all.
    desk.say(Word::Text, &Made { provider: Provider::Daraja, n: 7 });
    assert_eq!(desk.answers.pop().map(|(status, _)| status), Some(422));
    // Somebody resolves it to the account that it was for: the book remembers.
    let id = Made { provider: Provider::Daraja, n: 1 }.id();
    assert!(desk.relay.resolve(desk.now, &id, "jija", "A1"));
    desk.drain();
    assert_eq!(desk.received(), (5_100, 0));
}

impl Made {
    fn id(&self) -> taa_dcu::payment::PaymentId {
        taa_dcu::payment::PaymentId { provider: self.provider, key: self.receipt() }
    }
}

/// Money of an account that nobody has, under reference and receipt: found, resolved and handed back by either.
#[test]
fn held_money_is_found_by_any_of_its_names() {
    let paid = Made { provider: Provider::Daraja, n: 1 };
    let reference = PaymentId { provider: Provider::Daraja, key: paid.reference() };
    for name in [&reference, &paid.id()] {
        let mut desk = Desk::new();
        desk.ask_for(&paid, "nobody");
        desk.say(Word::Full, &paid);
        assert_eq!(desk.relay.held().count(), 1);
        assert!(desk.relay.state().held_as(name).is_some(), "{name:?}");
        let mut other = Desk { relay: Relay::recover(config(), desk.journal.clone(), desk.now, 8), ..Desk::new() };
        assert!(desk.relay.resolve(desk.now, name, "jija", "A1"));
        desk.drain();
        assert_eq!((desk.received(), desk.relay.held().count()), ((5_000, 0), 0));
        assert!(other.relay.hand_back(other.now, name));
        for again in [&reference, &paid.id()] {
            assert!(!desk.relay.resolve(desk.now, again, "jija", "A2") && !desk.relay.hand_back(desk.now, again));
            assert!(!other.relay.resolve(other.now, again, "jija", "A2"));
            assert_eq!(other.relay.state().handed_back(again), Some(AMOUNT));
            assert!(other.relay.hand_back(other.now, again), "told again");
        }
        assert_eq!(desk.received(), (5_000, 0));
    }
}
