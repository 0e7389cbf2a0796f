//! A token server in the shapes that other systems know: `MicroPowerManager` and its like ask it as they would ask a meter
//! maker's own server.
//!
//! ```text
//!   MPM ──Calin · Stron · SparkMeter──▶ TokenServer ──Output::Ask──▶ whoever vends (`Dcu::handle_vend`)
//!   MPM ◀──token in that shape───────── TokenServer ◀──handle_issued──
//! ```
//!
//! What trips the user: Calin's and Stron's shapes have **no transaction number**, so a repeat after a lost answer looks
//! exactly like a second purchase. The same meter, amount and user within [`ServerConfig::window_ms`] of the first question
//! gets the first token again, counted from the question that was answered. Whoever was told "cannot vend now" has nothing
//! yet: as long as there is no answer the same question is the same purchase, however late it comes again, because the site
//! may have made its token all the same; and for a day ([`ServerConfig::untold_ms`]) after an answer that nobody waited for.
//! A meter takes a token once, so a repeat costs nobody anything. It is told as [`Event::Repeated`] every time, because
//! somebody who did buy twice has got one token only. SparkMeter's shape has a number (`external_id`), which is believed for
//! ever.
//!
//! What is asked for is durable before it is vended ([`Output::Append`], [`TokenServer::handle_durable`]), and a question
//! under the same reference is the same purchase to whoever vends: so a repeat after a restart gets the same token too.

mod calin;
mod kinds;
mod spark;
mod stron;

use std::collections::{BTreeMap, VecDeque};

use taa_dcu::payment::{PaymentId, Provider};
use taa_keys::{Secret, hash::sha256};

pub use kinds::{Asked, Entry, Event, Issued, NotIssued, Output, Print, Record, Shape, What};

use crate::{
    http::{HttpRequest, HttpResponse},
    provider::{Money, Refusal},
};

/// Who may ask, and how repeats are told from purchases.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Calin's shape: `user_id` and `password`; energy is asked for.
    pub calin: Option<(String, Secret)>,
    /// Calin's other interface.
    pub calin_pos: Option<CalinPos>,
    /// Stron's shape: `Company`, `Employee` and `ApiToken`; money is given.
    pub stron: Option<(String, String, Secret)>,
    /// SparkMeter's shape: `Authentication-Token`; money is given.
    pub spark: Option<Secret>,
    /// What money is counted in.
    pub money: Money,
    /// Within this time of the question that was answered the same meter, amount and user are one purchase, ms.
    pub window_ms: i64,
    /// While nobody has been told of it: within this time of the answer, ms.
    pub untold_ms: i64,
}

/// Who may ask at Calin's other interface.
#[derive(Clone, Debug)]
pub struct CalinPos {
    /// `company_name`.
    pub company: String,
    /// `user_name`.
    pub user: String,
    /// `password`.
    pub password: Secret,
    /// `password_vend`, for purchases.
    pub password_vend: Secret,
}

impl ServerConfig {
    /// Nobody may ask; a window of ten minutes, and of a day for what nobody was told of.
    #[must_use]
    pub const fn new(money: Money) -> Self {
        Self {
            calin: None,
            calin_pos: None,
            stron: None,
            spark: None,
            money,
            window_ms: 600_000,
            untold_ms: 86_400_000,
        }
    }
}

/// A question, read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Question {
    shape: Shape,
    meter: String,
    what: What,
    /// Who asks.
    user: String,
    /// The other side's number of the purchase.
    external_id: Option<String>,
}

#[derive(Clone, Debug)]
struct Purchase {
    asked: Asked,
    print: Print,
    issued: Option<Issued>,
    /// Calls that wait for it.
    calls: Vec<(u64, Shape)>,
    told_unix_ms: Option<i64>,
    /// The answer came then, and nobody waited for it.
    arrived_unix_ms: Option<i64>,
}

/// The server. Mutate once, drain [`Self::poll_output`] until [`Output::Idle`], mutate again.
#[derive(Debug)]
pub struct TokenServer {
    config: ServerConfig,
    purchases: BTreeMap<PaymentId, Purchase>,
    /// The latest purchase by what its questions have in common.
    latest: BTreeMap<Print, PaymentId>,
    last_record: u64,
    durable: u64,
    /// When it was asked last, Unix ms.
    asked_unix_ms: i64,
    outputs: VecDeque<Output>,
    waiting: VecDeque<(u64, Output)>,
}

impl TokenServer {
    /// A server that continues from its journal. What was asked for and never vended is asked for again when it is asked
    /// again.
    #[must_use]
    pub fn recover(config: ServerConfig, journal: impl IntoIterator<Item = Record>) -> Self {
        let mut server = Self {
            config,
            purchases: BTreeMap::new(),
            latest: BTreeMap::new(),
            last_record: 0,
            durable: 0,
            asked_unix_ms: 0,
            outputs: VecDeque::new(),
            waiting: VecDeque::new(),
        };
        for record in journal {
            server.apply(&record);
        }
        server.durable = server.last_record;
        server
    }

    /// Somebody asks. The shape is told by the path: `/tokennew`, `/POS_Purchase`, `/Maintenance_…`,
    /// `/vending/`, `/transaction/`.
    pub fn handle_request(&mut self, now_unix_ms: i64, call: u64, request: &HttpRequest) {
        self.asked_unix_ms = now_unix_ms;
        let mut path = request.segments().rev();
        let (last, before) = (path.next().unwrap_or("").to_ascii_lowercase(), path.next().unwrap_or(""));
        let shape = match last.as_str() {
            "tokennew" => Shape::Calin,
            "pos_purchase" => Shape::CalinPos,
            order if order.starts_with("maintenance_") => Shape::CalinUpkeep,
            "vending" => Shape::Stron,
            "transaction" => Shape::Spark,
            _ if before.eq_ignore_ascii_case("transaction") => return self.status(call, request),
            _ => return self.send(Output::Respond { call, response: HttpResponse::text(404, "") }),
        };
        let question = match shape {
            Shape::Calin => calin::question(request, &self.config),
            Shape::CalinPos => calin::purchase(request, &self.config),
            Shape::CalinUpkeep => calin::upkeep(request, &last, &self.config),
            Shape::Stron => stron::question(request, &self.config),
            Shape::Spark => spark::question(request, &self.config),
        };
        match question {
            Ok(question) => self.take(now_unix_ms, call, question),
            Err(why) => {
                self.send(Output::Event(Event::Refused { shape, why }));
                self.send(Output::Respond { call, response: refused(shape, why) });
            }
        }
    }

    /// What became of an [`Output::Ask`], however late.
    pub fn handle_issued(&mut self, now_unix_ms: i64, reference: &PaymentId, outcome: Result<&Issued, NotIssued>) {
        let Some(purchase) = self.purchases.get_mut(reference).filter(|purchase| purchase.issued.is_none()) else {
            return;
        };
        let (calls, asked) = (std::mem::take(&mut purchase.calls), purchase.asked.clone());
        match outcome {
            Ok(issued) => self.record(Entry::Issued(reference.clone(), issued.clone())),
            // It may have been vended after all, with the answer lost: the same purchase is asked for again.
            Err(NotIssued::Later) => {}
            Err(_) => self.record(Entry::Failed(reference.clone())),
        }
        match outcome {
            Ok(_) if calls.is_empty() => self.record(Entry::Arrived(reference.clone(), now_unix_ms)),
            Ok(_) => self.record(Entry::Told(reference.clone(), self.asked_unix_ms)),
            Err(_) => {}
        }
        for (call, shape) in calls {
            let response = match outcome {
                Ok(issued) => answer(shape, &asked, issued),
                Err(why) => not_issued(shape, why),
            };
            self.later(Output::Respond { call, response });
        }
    }

    /// Whoever asked waits no longer: the answer that says so. `None` when the call has been answered.
    pub fn handle_gone(&mut self, call: u64) -> Option<HttpResponse> {
        let mut calls = self.purchases.values_mut().map(|purchase| &mut purchase.calls);
        let (calls, at) = calls.find_map(|calls| {
            let at = calls.iter().position(|(waiting, _)| *waiting == call)?;
            Some((calls, at))
        })?;
        let (_, shape) = calls.remove(at);
        Some(not_issued(shape, NotIssued::Later))
    }

    /// All records up to this number will survive.
    pub fn handle_durable(&mut self, upto: u64) {
        self.durable = self.durable.max(upto.min(self.last_record));
        while let Some((_, output)) = self.waiting.pop_front_if(|(record, _)| *record <= self.durable) {
            self.outputs.push_back(output);
        }
    }

    /// The next output. Drain until [`Output::Idle`].
    pub fn poll_output(&mut self) -> Output {
        self.outputs.pop_front().unwrap_or(Output::Idle)
    }

    // ---- below: helpers ------------------------------------------------------------------------------------------

    fn take(&mut self, now_unix_ms: i64, call: u64, question: Question) {
        let print = question.print();
        let shape = question.shape;
        if let Some(reference) = self.known(now_unix_ms, &question, print) {
            return self.repeat(now_unix_ms, call, &reference, &question, print);
        }
        let key = question.external_id.unwrap_or_else(|| {
            let seed = sha256(&[&print.0, &now_unix_ms.to_be_bytes(), &self.last_record.to_be_bytes()]);
            seed.iter().take(12).map(|byte| format!("{byte:02x}")).collect()
        });
        let reference = PaymentId { provider: shape.provider(), key };
        let asked = Asked { meter: question.meter, what: question.what, reference, at_unix_ms: now_unix_ms };
        self.record(Entry::Asked(asked.clone(), print));
        if let Some(purchase) = self.purchases.get_mut(&asked.reference) {
            purchase.calls.push((call, shape));
        }
        self.later(Output::Ask(asked));
    }

    /// The purchase that a question belongs to.
    fn known(&self, now_unix_ms: i64, question: &Question, print: Print) -> Option<PaymentId> {
        if let Some(key) = &question.external_id {
            let reference = PaymentId { provider: question.shape.provider(), key: key.clone() };
            return self.purchases.contains_key(&reference).then_some(reference);
        }
        let reference = self.latest.get(&print)?;
        let purchase = self.purchases.get(reference)?;
        let (since, limit) = match (purchase.told_unix_ms, purchase.arrived_unix_ms) {
            (Some(told), _) => (told, self.config.window_ms),
            // Nobody has got anything for it, and whoever vends may have made it: another one would be a second token.
            _ if purchase.issued.is_none() => return Some(reference.clone()),
            (None, arrived) => {
                let since = arrived.unwrap_or(purchase.asked.at_unix_ms);
                (since, self.config.untold_ms.max(self.config.window_ms))
            }
        };
        // A clock that was put back shows negative ages: within the window too.
        (now_unix_ms.saturating_sub(since) < limit).then(|| reference.clone())
    }

    fn repeat(&mut self, now_unix_ms: i64, call: u64, reference: &PaymentId, question: &Question, print: Print) {
        let Some(purchase) = self.purchases.get_mut(reference) else { return };
        if purchase.print != print {
            self.send(Output::Event(Event::Conflict { reference: reference.clone() }));
            let why = Refusal::Mismatch("external_id");
            return self.send(Output::Respond { call, response: refused(question.shape, why) });
        }
        let asked = purchase.asked.clone();
        let issued = purchase.issued.clone();
        if issued.is_none() {
            purchase.calls.push((call, question.shape));
        }
        let after_ms = now_unix_ms.saturating_sub(asked.at_unix_ms);
        let certain = question.external_id.is_some();
        self.send(Output::Event(Event::Repeated { reference: reference.clone(), after_ms, certain }));
        let is_first = purchase_is_untold(self.purchases.get(reference));
        if issued.is_some() && is_first {
            self.record(Entry::Told(reference.clone(), now_unix_ms));
        }
        match issued {
            Some(issued) => self.later(Output::Respond { call, response: answer(question.shape, &asked, &issued) }),
            // The question may have been lost on the way to whoever vends: under one reference it is one purchase.
            None => self.later(Output::Ask(asked)),
        }
    }

    /// `GET /transaction/{id}`.
    fn status(&mut self, call: u64, request: &HttpRequest) {
        let id = request.segments().next_back().unwrap_or("");
        let found = self.purchases.values().find(|purchase| {
            purchase.asked.reference.provider == Provider::Spark && spark::transaction_id(&purchase.asked) == id
        });
        let response = match spark::authorised(request, &self.config) {
            Ok(()) => spark::status(found.map(|purchase| (&purchase.asked, purchase.issued.is_some()))),
            Err(why) => refused(Shape::Spark, why),
        };
        self.send(Output::Respond { call, response });
    }

    fn record(&mut self, entry: Entry) {
        let record = Record { number: self.last_record.saturating_add(1), entry };
        self.apply(&record);
        self.send(Output::Append(record));
    }

    fn apply(&mut self, record: &Record) {
        self.last_record = record.number;
        match &record.entry {
            Entry::Asked(asked, print) => {
                self.latest.insert(*print, asked.reference.clone());
                let purchase = Purchase {
                    asked: asked.clone(),
                    print: *print,
                    issued: None,
                    calls: Vec::new(),
                    told_unix_ms: None,
                    arrived_unix_ms: None,
                };
                self.purchases.insert(asked.reference.clone(), purchase);
            }
            Entry::Issued(reference, issued) => {
                if let Some(purchase) = self.purchases.get_mut(reference) {
                    purchase.issued = Some(issued.clone());
                }
            }
            Entry::Told(reference, at_unix_ms) => {
                if let Some(purchase) = self.purchases.get_mut(reference) {
                    purchase.told_unix_ms.get_or_insert(*at_unix_ms);
                }
            }
            Entry::Arrived(reference, at_unix_ms) => {
                if let Some(purchase) = self.purchases.get_mut(reference) {
                    purchase.arrived_unix_ms.get_or_insert(*at_unix_ms);
                }
            }
            Entry::Failed(reference) => {
                if let Some(purchase) = self.purchases.remove(reference) {
                    self.latest.remove(&purchase.print);
                }
            }
        }
    }

    fn send(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    /// When everything recorded so far is durable.
    fn later(&mut self, output: Output) {
        if self.last_record <= self.durable {
            self.send(output);
        } else {
            self.waiting.push_back((self.last_record, output));
        }
    }
}

impl Question {
    fn print(&self) -> Print {
        let what = match self.what {
            What::EnergyWh(wh) => format!("wh {wh}"),
            What::MoneyMinor(minor) => format!("minor {minor}"),
            What::ClearTamper => "clear tamper".to_owned(),
            What::MaxPowerW(watts) => format!("max {watts} w"),
        };
        let external = self.external_id.as_deref().unwrap_or("");
        let text = format!("{}\n{}\n{}\n{what}\n{external}", self.shape.provider().name(), self.user, self.meter);
        Print(sha256(&[text.as_bytes()]).first_chunk().copied().unwrap_or_default())
    }
}

fn purchase_is_untold(purchase: Option<&Purchase>) -> bool {
    purchase.is_some_and(|purchase| purchase.told_unix_ms.is_none())
}

fn answer(shape: Shape, asked: &Asked, issued: &Issued) -> HttpResponse {
    match shape {
        Shape::Calin | Shape::CalinUpkeep => calin::answer(issued),
        Shape::CalinPos => calin::purchased(issued),
        Shape::Stron => stron::answer(issued),
        Shape::Spark => spark::answer(asked),
    }
}

fn refused(shape: Shape, why: Refusal) -> HttpResponse {
    error(shape, why.status(), &why.to_string())
}

fn not_issued(shape: Shape, why: NotIssued) -> HttpResponse {
    let status = match why {
        NotIssued::UnknownMeter => 404,
        NotIssued::Amount | NotIssued::Unfit => 422,
        NotIssued::Later => 503,
    };
    error(shape, status, &why.to_string())
}

fn error(shape: Shape, status: u16, why: &str) -> HttpResponse {
    match shape {
        Shape::Calin | Shape::CalinPos | Shape::CalinUpkeep => calin::error(status, why),
        Shape::Stron => stron::error(status, why),
        Shape::Spark => spark::error(status, why),
    }
}

/// What `MicroPowerManager` keeps of a purchase: the answer of its `chargeDevice`, `{token, token_type, token_unit,
/// token_amount}`, with energy in kWh. The words "energy" and "kWh" are from memory of its source, not checked.
#[must_use]
pub fn charge_device(issued: &Issued) -> serde_json::Value {
    let kwh = issued.energy_wh.map(|wh| format!("{}.{:03}", wh / 1000, wh % 1000));
    serde_json::json!({ "token": issued.digits(), "token_type": "energy", "token_unit": "kWh", "token_amount": kwh })
}
