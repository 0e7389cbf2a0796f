//! All ways of paying at once, through one relay to one site, against a ledger of a few lines that knows what people paid
//! and nothing else. Callbacks are lost, doubled and late, the link loses frames, relay and DCU are cut; whoever has word
//! of a payment repeats it until it is answered, status queries and the provider's list are answered, forged texts come in
//! between. When all has healed and receipts without a payment have run out, every account holds what was paid for it.
//!
//! Tokens behind the relay have a test of their own (`questions.rs`), as the site there has decoders.

#[allow(dead_code)]
mod world;

use proptest::prelude::*;
use taa_dcu::payment::Provider;
use taa_intake::{
    HttpRequest,
    provider::{
        cash_code::{Code, CodeTag},
        sms::Template,
        statement::Shape,
    },
    relay::{Event, Operator, OrangeTokens, PayRequest, Query},
    token_server::ServerConfig,
};
use taa_keys::{Secret, hash::hmac_sha256};
use world::{S, World, kes};

const MINUTE: u64 = 60 * S;
/// The short codes: confirmations and a list of one, pushes at the other.
const PAYBILL: &str = "600638";
const PUSH: &str = "174379";

/// How somebody pays, and how often of a hundred.
const WAYS: [(Way, u64); 9] = [
    (Way::Paybill, 20),
    (Way::PaybillUntold, 12),
    (Way::Push, 12),
    (Way::PushBare, 8),
    (Way::Momo, 12),
    (Way::Orange, 12),
    (Way::Agent, 10),
    (Way::Code, 7),
    (Way::Sold, 7),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// A confirmation comes.
    Paybill,
    /// It never comes: the list has the line.
    PaybillUntold,
    /// The push's callback comes.
    Push,
    /// It never comes, the query bears no receipt, and the list has the line.
    PushBare,
    Momo,
    Orange,
    /// Cash to an agent, entered at the relay.
    Agent,
    /// A code bought for cash.
    Code,
    /// Sold by somebody else's system in SparkMeter's shape.
    Sold,
}

/// What the ledger knows.
#[derive(Clone, Debug)]
struct Paid {
    way: Way,
    account: String,
    amount_minor: i64,
    at: u64,
}

struct Story {
    world: World,
    paid: Vec<Paid>,
    /// Word that is repeated until it is answered, and the call of the last time.
    words: Vec<(Provider, HttpRequest, u64)>,
    asked: Vec<PayRequest>,
    calls: u64,
    /// The sabotage: receipts' numbers that providers tell are not believed.
    nameless: bool,
    statement: bool,
}

fn receipt(n: usize) -> String {
    format!("RCPT{n:06}")
}

fn signed(path: &str, body: String) -> HttpRequest {
    let tag = hmac_sha256(&Secret::new(b"signing"), &[body.as_bytes()]);
    let tag: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
    HttpRequest::post(path, body).with("X-Signature", tag)
}

fn decimal(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

/// `hh:mm` in Nairobi, and the same with seconds, on 1 March 2026 or the day after.
fn local(at: u64) -> (u64, String, String) {
    let seconds = 3 * 3600 + at / S;
    let (day, second) = (1 + seconds / 86_400, seconds % 86_400);
    let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
    (day, format!("{h:02}:{m:02}"), format!("{h:02}:{m:02}:{s:02}"))
}

impl Story {
    fn new(seed: u64) -> Self {
        let mut world = World::new(seed);
        let mut config = world::with_receipts(world.relay_config.clone());
        let operator = || Operator { key: Secret::new(b"signing"), money: kes() };
        config.agents.insert("amina".into(), operator());
        config.clerks.insert("grace".into(), operator());
        config.statements.insert("mpesa".into(), Shape { completed: None, ..Shape::mpesa(kes(), 10_800) });
        config.codes = Some((Secret::new(b"tags"), kes()));
        let template = config.templates[0].clone();
        for provider in [Provider::MtnMomo, Provider::OrangeMoney] {
            let pattern = format!("{} {}", provider.name(), template.pattern);
            config.templates.push(Template { provider, pattern, ..template.clone() });
        }
        let mut push = config.shortcodes[0].clone();
        push.code = PUSH.into();
        config.shortcodes.push(push);
        config.pulls = [PAYBILL, PUSH].map(str::to_owned).into();
        let mut tokens = ServerConfig::new(kes());
        tokens.spark = Some(Secret::new(b"spark"));
        config.tokens = Some(tokens);
        world.cut_relay();
        world.relay_config = config;
        world.start_relay();
        let codes = (0..200).map(|n| {
            let tag = CodeTag::new(&format!("{n:016}"), &Secret::new(b"tags")).unwrap();
            (tag, Code { serial: format!("S{n:04}"), amount_minor: 100 * (1 + n) })
        });
        let codes = codes.collect();
        world.with_relay(|relay, wall| relay.add_codes(wall, codes).unwrap());
        world.run_for(10 * S);
        let (words, asked, paid) = (Vec::new(), Vec::new(), Vec::new());
        Self { world, paid, words, asked, calls: 1_000_000, nameless: false, statement: seed.is_multiple_of(3) }
    }

    fn pay(&mut self) {
        let mut drawn = self.world.chance.below(100);
        let way = WAYS.into_iter().find(|(_, weight)| {
            let hit = drawn < *weight;
            drawn = drawn.saturating_sub(*weight);
            hit
        });
        let (way, n) = (way.map_or(Way::Paybill, |(way, _)| way), self.paid.len());
        let account = format!("A{}", self.world.chance.below(3));
        let amount_minor = match way {
            Way::Code => 100 * (1 + n as i64),
            _ => 100 + 100 * self.world.chance.below(30) as i64,
        };
        let amount = decimal(amount_minor);
        let (day, _, clock) = local(self.world.now);
        let (id, key) = (format!("ref-{n:06}"), receipt(n));
        let time = format!("202603{day:02}{}", clock.replace(':', ""));
        let mut word = |provider, request| self.words.push((provider, request, 0));
        match way {
            Way::Paybill => word(
                Provider::Daraja,
                HttpRequest::post(
                    "/hidden/daraja/c2b/confirmation",
                    format!(
                        r#"{{"TransID":"{key}","TransTime":"{time}","TransAmount":"{amount}","BusinessShortCode":"{PAYBILL}","BillRefNumber":"{account}"}}"#
                    ),
                ),
            ),
            Way::Push => word(
                Provider::Daraja,
                HttpRequest::post(
                    "/hidden/daraja/stk",
                    format!(
                        r#"{{"Body":{{"stkCallback":{{"CheckoutRequestID":"{id}","ResultCode":0,"CallbackMetadata":{{"Item":[
                {{"Name":"Amount","Value":{amount}}},{{"Name":"MpesaReceiptNumber","Value":"{key}"}},
                {{"Name":"TransactionDate","Value":{time}}}]}}}}}}}}"#
                    ),
                ),
            ),
            Way::Agent => word(
                Provider::Agent,
                signed(
                    "/agent",
                    format!(r#"{{"agent":"amina","receipt":"{n}","account":"{account}","amount":"{amount}"}}"#),
                ),
            ),
            Way::Code => word(
                Provider::CashCode,
                HttpRequest::post("/code", format!(r#"{{"account":"{account}","caller":"c{n}","code":"{n:016}"}}"#)),
            ),
            Way::Sold => word(
                Provider::Spark,
                HttpRequest::post(
                    "/transaction/",
                    format!(
                        r#"{{"customer_id":"{account}","amount":"{amount}","source":"cash","external_id":"X{n}"}}"#
                    ),
                )
                .with("Authentication-Token", "spark"),
            ),
            Way::PaybillUntold | Way::PushBare | Way::Momo | Way::Orange => {}
        }
        let provider = match way {
            Way::Push | Way::PushBare => Some(Provider::Daraja),
            Way::Momo => Some(Provider::MtnMomo),
            Way::Orange => Some(Provider::OrangeMoney),
            _ => None,
        };
        let tokens = OrangeTokens { pay: "p".into(), notification: "n".into() };
        self.asked.extend(provider.map(|provider| PayRequest {
            provider,
            id,
            shortcode: if provider == Provider::Daraja { PUSH.into() } else { String::new() },
            account: account.clone(),
            amount_minor,
            money: kes(),
            asked_unix_ms: self.world.wall(),
            tokens: (provider == Provider::OrangeMoney).then_some(tokens),
        }));
        self.paid.push(Paid { way, account, amount_minor, at: self.world.now });
        if self.world.chance.below(2) == 0 {
            self.text(n, false);
        }
    }

    /// The payer's text about a payment, or one that somebody has made up.
    fn text(&mut self, n: usize, forged: bool) {
        let Paid { way, account, amount_minor, at } = self.paid[n].clone();
        let prefix = match way {
            Way::Momo => "mtn-momo ",
            Way::Orange => "orange-money ",
            Way::Agent | Way::Code | Way::Sold if !forged => return,
            _ => "",
        };
        let (day, clock, _) = local(at);
        let key = if forged { format!("FORGED{n:06}") } else { receipt(n) };
        let amount = decimal(amount_minor);
        let text = format!(
            "{prefix}{key} Confirmed. Ksh{amount} sent to JIJA POWER for account {account} on {day}/3/26 at {clock} New M-PESA balance"
        );
        self.words.push((Provider::Sms, signed("/sms", format!(r#"{{"phone":"gateway","text":"{text}"}}"#)), 0));
    }

    /// Everybody says again what was not answered, and the provider answers what it is asked, as far as nothing is lost.
    fn speak(&mut self) {
        for request in self.asked.clone() {
            self.world.with_relay(|relay, wall| _ = relay.handle_asked(wall, request));
        }
        let answered: std::collections::BTreeSet<u64> = self.world.responses.iter().map(|(call, _)| *call).collect();
        for (provider, request, call) in &mut self.words {
            let again = self.world.chance.below(20) == 0;
            if answered.contains(call) && !again || self.world.chance.below(100) < self.world.loss {
                continue;
            }
            self.calls += 1;
            *call = self.calls;
            let (provider, call, request) = (*provider, *call, request.clone());
            self.world.with_relay(|relay, wall| match provider {
                Provider::Spark => relay.handle_token_request(wall, call, &request),
                _ => relay.handle_callback(wall, call, provider, &request),
            });
        }
        for query in std::mem::take(&mut self.world.queries) {
            if self.world.chance.below(100) >= self.world.loss {
                self.answer(&query);
            }
        }
    }

    fn answer(&mut self, query: &Query) {
        if let Query::Pull { shortcode, from_unix_ms, to_unix_ms, offset } = query {
            let page = self.page(shortcode, (*from_unix_ms, *to_unix_ms), *offset as usize);
            return self.world.with_relay(|relay, wall| {
                relay.handle_pulled(wall, shortcode, *offset, Some(page.as_bytes()));
            });
        }
        let (provider, id) = query.request();
        let n: usize = id.trim_start_matches("ref-").parse().unwrap();
        let (amount, receipt) = (decimal(self.paid[n].amount_minor), receipt(n));
        let named = |field: &str| if self.nameless { String::new() } else { format!(r#","{field}":"{receipt}""#) };
        let body = match provider {
            Provider::Daraja => format!(r#"{{"CheckoutRequestID":"{id}","ResultCode":"0"}}"#),
            Provider::MtnMomo => {
                let named = named("financialTransactionId");
                format!(r#"{{"status":"SUCCESSFUL","amount":"{amount}","currency":"KES"{named}}}"#)
            }
            _ => format!(r#"{{"status":"SUCCESS","order_id":"{id}"{}}}"#, named("txnid")),
        };
        let id = id.to_owned();
        self.world.with_relay(|relay, wall| relay.handle_status(wall, provider, &id, Some(body.as_bytes())));
    }

    /// The provider's list: every payment of the short code in that time, three to a page.
    fn page(&self, shortcode: &str, (from, to): (i64, i64), offset: usize) -> String {
        let of = |way: Way| match way {
            Way::Paybill | Way::PaybillUntold => Some(PAYBILL),
            Way::Push | Way::PushBare => Some(PUSH),
            _ => None,
        };
        let lines = self.paid.iter().enumerate().filter(|(_, paid)| {
            let at = world::START_UNIX_MS + (paid.at / 1_000_000) as i64;
            of(paid.way) == Some(shortcode) && (from..=to).contains(&at)
        });
        let lines = lines.skip(offset).take(3).map(|(n, paid)| {
            let (day, _, clock) = local(paid.at);
            let (receipt, amount) = (receipt(n), decimal(paid.amount_minor));
            format!(
                r#"{{"transactionId":"{receipt}","trxDate":"2026-03-{day:02} {clock}","billreference":"{}","amount":"{amount}"}}"#,
                paid.account
            )
        });
        format!(r#"{{"ResponseCode":"1000","Response":[[{}]]}}"#, lines.collect::<Vec<_>>().join(","))
    }

    /// A clerk brings the whole statement of the pay bill.
    fn bring_statement(&mut self) {
        let lines = self.paid.iter().enumerate().filter(|(_, p)| matches!(p.way, Way::Paybill | Way::PaybillUntold));
        let lines = lines.map(|(n, paid)| {
            let (day, _, clock) = local(paid.at);
            format!("{},2026-03-{day:02} {clock},{},{}\\n", receipt(n), decimal(paid.amount_minor), paid.account)
        });
        let statement = format!("Receipt No.,Completion Time,Paid In,A/C No.\\n{}", lines.collect::<String>());
        let body = format!(r#"{{"clerk":"grace","shape":"mpesa","shortcode":"{PAYBILL}","statement":"{statement}"}}"#);
        let request = signed("/statement", body);
        self.world.with_relay(|relay, wall| relay.handle_statement(wall, 2, &request));
    }

    /// What is wrong at the end.
    fn wrongs(&self) -> Vec<String> {
        let book = self.world.sites[0].dcu.as_ref().unwrap().state().book();
        let mut found = Vec::new();
        for n in 0..world::ACCOUNTS {
            let name = format!("A{n}");
            let paid: i64 = self.paid.iter().filter(|paid| paid.account == name).map(|paid| paid.amount_minor).sum();
            if book.balance_minor(n) != paid {
                found.push(format!("{name} has {} of {paid}", book.balance_minor(n)));
            }
        }
        let totals = book.totals();
        if (totals.missing(), totals.provisional) != (0, 0) {
            found.push(format!("{} missing, {} provisional", totals.missing(), totals.provisional));
        }
        let relay = self.world.relay.as_ref().unwrap();
        if relay.held().count() > 0 {
            found.push(format!("{} held", relay.held().count()));
        }
        found
    }
}

fn story(seed: u64, change: impl FnOnce(&mut Story)) -> Story {
    let mut story = Story::new(seed);
    story.world.loss = story.world.chance.below(40);
    story.world.doubles = story.world.chance.below(40);
    story.world.delay_max = 1 + story.world.chance.below(20) * S;
    story.world.sync_max = 1 + story.world.chance.below(4) * S;
    change(&mut story);
    for _ in 0..30 {
        let span = 1 + story.world.chance.below(240) * S;
        story.world.run_for(span);
        match story.world.chance.below(10) {
            0 => story.world.cut(0),
            1 => story.world.cut_relay(),
            2 if !story.paid.is_empty() => {
                let n = story.world.chance.below(story.paid.len() as u64) as usize;
                story.text(n, true);
            }
            _ => story.pay(),
        }
        story.speak();
        if story.world.sites[0].dcu.is_none() && story.world.chance.below(2) == 0 {
            story.world.boot(0);
        }
        if story.world.relay.is_none() && story.world.chance.below(2) == 0 {
            story.world.start_relay();
        }
    }
    story.world.heal();
    for _ in 0..90 {
        story.world.run_for(MINUTE);
        story.speak();
    }
    if story.statement {
        story.bring_statement();
    }
    // Receipts for which nobody has paid run out.
    let hours = u64::from(world::dcu_config().tariff.receipt_h) + 2;
    for _ in 0..hours {
        story.world.run_for(60 * MINUTE);
        story.speak();
    }
    story
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn by_whatever_way_it_was_paid_each_account_holds_what_was_paid_for_it(seed in any::<u64>()) {
        let story = story(seed, |_| {});
        prop_assert_eq!(story.wrongs(), Vec::<String>::new(), "{:?}", story.paid);
        let told = |of: &dyn Fn(&Event) -> bool| story.world.relay_events.iter().any(of);
        // An agent who enters two payments alike is told of it; nobody else is to be looked after.
        let odd = told(&|event| match event {
            Event::Conflict { .. } => true,
            Event::LooksDoubled { id, .. } => id.provider != Provider::Agent,
            _ => false,
        });
        prop_assert!(!odd);
    }
}

#[test]
fn the_stories_go_all_ways_and_meet_what_they_should() {
    let mut seen = std::collections::BTreeSet::new();
    let (mut matched, mut ahead) = (0, 0);
    for seed in 0..12 {
        let story = story(seed, |_| {});
        assert_eq!(story.wrongs(), Vec::<String>::new(), "{seed}");
        seen.extend(story.paid.iter().map(|paid| paid.way as u8));
        matched += story.world.relay_events.iter().filter(|event| matches!(event, Event::Matched { .. })).count();
        let of = |event: &&taa_dcu::DcuEvent| matches!(event, taa_dcu::DcuEvent::CreditedAhead { .. });
        ahead += story.world.sites[0].events.iter().filter(of).count();
    }
    assert_eq!(seen.len(), WAYS.len());
    assert!(matched > 3 && ahead > 12, "{matched} {ahead}");
}

/// A list that is cut off after its first page loses what confirmations have not told.
#[test]
fn sabotage_a_list_that_nobody_reads_leaves_payments_out() {
    let blind = |story: &mut Story| {
        story.world.relay_config.pulls.clear();
        story.statement = false;
        story.world.cut_relay();
        story.world.start_relay();
    };
    assert!((0..6).any(|seed| !story(seed, blind).wrongs().is_empty()));
}
