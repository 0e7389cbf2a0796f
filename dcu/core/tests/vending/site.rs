//! A site that sells tokens: the DCU with its journal, the module with the vending keys, decoders as meters, customers who
//! type.

use taa_dcu::{
    Dcu, DcuEvent, MeterIx, Output,
    config::{CreditAt, DcuConfig, MeterAccess, MeterEntry, StsMeter, Tariff, Traits, VendingConfig, Way},
    gateway::TokenDigits,
    journal::{Record, State},
    payment::{Channel, Payment, Provider},
    vending::{Fate, KeyRefusal, LeaseNote, VendId},
};
use taa_keys::{KeyStore, Secret};
use taa_tokens::sts::{
    Algorithm, BaseDate, Content, KeyAttributes, KeyGeneration, KeyType, Krn, MeterPan, Service, Sgc, StaTables,
    TariffIndex, Token,
    meter::{Action, Application, Decoder, Reason, State as DecoderState, TidMemory},
    vend::{MeterKey, SoftwareModule},
};

pub(crate) const S: u64 = 1_000_000_000;
pub(crate) const MINUTE: u64 = 60 * S;
pub(crate) const HOUR: u64 = 3600 * S;
pub(crate) const DAY: u64 = 24 * HOUR;
/// 2026-03-01 00:00 UTC.
pub(crate) const START_UNIX_S: i64 = 1_772_323_200;
pub(crate) const START_MINUTE: i64 = START_UNIX_S / 60;
/// 1/100000 of the currency's unit in a minor unit.
pub(crate) const U: i64 = 1000;

pub(crate) fn tariff() -> Tariff {
    Tariff::flat("TZS", 100, 10_000)
}

pub(crate) fn traits() -> Traits {
    Traits { credit_at: CreditAt::Meter, keypad: true, local_vending: true, ..Traits::bundle("edge_local").unwrap() }
}

pub(crate) fn key(krn: u8, ken: u8, base_date: BaseDate) -> KeyAttributes {
    KeyAttributes {
        sgc: Sgc::new(123_456).unwrap(),
        krn: Krn::new(krn).unwrap(),
        key_type: KeyType::Unique,
        ti: TariffIndex::new(1).unwrap(),
        ken,
        base_date,
    }
}

/// Meter `n`: a keypad, a customer with a phone, credit in money.
pub(crate) fn entry(n: u32) -> MeterEntry {
    let sts = StsMeter {
        pan: MeterPan::new("600727", &format!("{n:011}")).unwrap(),
        key: key(1, 255, BaseDate::Y2014),
        generation: KeyGeneration::Dkga04,
        algorithm: Algorithm::Ea11,
        in_money: true,
        keypad: true,
        gateway: false,
        ble: false,
        phone: Some(format!("+25570000{n:04}")),
    };
    MeterEntry {
        id: format!("TAA{n:013}"),
        account: format!("A{n}"),
        access: MeterAccess::Open,
        opening_balance_minor: 700,
        sts: Some(sts),
    }
}

pub(crate) fn module() -> SoftwareModule {
    let mut keys = KeyStore::new();
    for krn in 1..=4 {
        let id = SoftwareModule::key_id(Sgc::new(123_456).unwrap(), Krn::new(krn).unwrap());
        keys.insert_secret(id, Secret::new(&[krn; 20]));
    }
    SoftwareModule::new(keys, StaTables::sample())
}

/// A meter with its decoder, and what it has credited.
pub(crate) struct Meter {
    pub(crate) decoder: Decoder,
    in_money: bool,
    /// Credit, 1/100000 of the currency's unit, or 0.1 kWh.
    pub(crate) credited: i64,
    /// Every refusal.
    pub(crate) refused: Vec<Reason>,
    /// What was accepted.
    pub(crate) taken: Vec<[u8; 20]>,
}

impl Meter {
    pub(crate) fn new(sts: &StsMeter) -> Self {
        let key = module().decoder_key(&sts.meter_key()).unwrap();
        let state = DecoderState {
            krn: sts.key.krn.number(),
            key_type: sts.key.key_type,
            ti: sts.key.ti.number(),
            ken: sts.key.ken,
            sgc: Some(sts.key.sgc.number()),
            base_date: sts.key.base_date,
        };
        let decoder = Decoder::new(key, state, TidMemory::default(), StaTables::sample());
        Self { decoder, in_money: sts.in_money, credited: 0, refused: Vec::new(), taken: Vec::new() }
    }

    pub(crate) fn enter(&mut self, digits: &[u8; 20]) -> Result<(), Reason> {
        let room =
            Application { service: Service::Electricity, in_money: self.in_money, room: u64::MAX >> 1, maker: 0 };
        match self.decoder.enter_text(std::str::from_utf8(digits).unwrap(), &room) {
            Ok(action) => {
                self.credited += match action {
                    Action::Credit { units, .. } => i64::from(units),
                    Action::Money { money, .. } => money.value() as i64,
                    _ => 0,
                };
                self.taken.push(*digits);
                Ok(())
            }
            Err(reason) => {
                self.refused.push(reason);
                Err(reason)
            }
        }
    }
}

/// A question to the module.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Question {
    Token(VendId, MeterKey, Content),
    Change(VendId, MeterKey, MeterKey),
}

pub(crate) struct Site {
    pub(crate) now: u64,
    pub(crate) dcu: Option<Dcu>,
    pub(crate) meters: Vec<Meter>,
    pub(crate) journal: Vec<Record>,
    pub(crate) durable: u64,
    /// Records become durable at once.
    pub(crate) syncs: bool,
    /// Tells the DCU that records are durable although the disk has not got them: the sabotage.
    pub(crate) lies: bool,
    pub(crate) module: SoftwareModule,
    pub(crate) module_up: bool,
    /// Every question, answered or not.
    pub(crate) questions: Vec<Question>,
    unanswered: Vec<Question>,
    pub(crate) events: Vec<(u64, DcuEvent)>,
    /// Frames to the cloud.
    pub(crate) uplink: Vec<Vec<u8>>,
    /// Questions to the intake relay.
    pub(crate) fetches: Vec<Vec<u8>>,
    pub(crate) config: DcuConfig,
    pub(crate) entries: Vec<MeterEntry>,
    /// Milliseconds by which the site's clock is wrong.
    pub(crate) clock_error_ms: i64,
    /// Has the clock been set at boot?
    pub(crate) clock: bool,
    deadline: Option<u64>,
    boot_at: u64,
    pub(crate) entropy: u64,
}

impl Site {
    /// Two meters, half of all minutes of half a year.
    pub(crate) fn new() -> Self {
        let mut site = Self::with(VendingConfig::default(), vec![entry(0), entry(1)]);
        site.lease(START_MINUTE, START_MINUTE + 180 * 1440, 2, 1);
        site
    }

    pub(crate) fn with(vending: VendingConfig, entries: Vec<MeterEntry>) -> Self {
        let config = DcuConfig { vending: Some(vending), ..DcuConfig::new(traits(), tariff()) };
        let meters = entries.iter().filter_map(|entry| entry.sts.as_ref()).map(Meter::new).collect();
        let mut site = Self {
            now: 0,
            dcu: None,
            meters,
            journal: Vec::new(),
            durable: 0,
            syncs: true,
            lies: false,
            module: module(),
            module_up: true,
            questions: Vec::new(),
            unanswered: Vec::new(),
            events: Vec::new(),
            uplink: Vec::new(),
            fetches: Vec::new(),
            config,
            entries,
            clock_error_ms: 0,
            clock: true,
            deadline: None,
            boot_at: 0,
            entropy: 7,
        };
        site.boot();
        site
    }

    pub(crate) fn lease(&mut self, from: i64, to: i64, every: u16, phase: u16) {
        let holder = self.state().system_title().unwrap();
        let lease = LeaseNote { id: 1 + u64::from(phase), from, to, every, phase, holder };
        let mut frame = Vec::new();
        let body = taa_dcu::uplink::Down::Lease(lease);
        taa_dcu::uplink::DownFrame { sequence: 1, body }.encode(&mut frame);
        self.with_dcu(|dcu, now| dcu.handle_uplink_receive(now, &frame));
    }

    pub(crate) fn boot(&mut self) {
        self.boot_at = self.now;
        self.dcu = Some(Dcu::recover(self.config.clone(), self.entries.clone(), self.journal.clone()));
        self.drain();
        if self.clock {
            self.set_clock();
        }
        let mut entropy = [7; 32];
        entropy[..8].copy_from_slice(&self.entropy.to_be_bytes());
        self.with_dcu(|dcu, now| dcu.handle_entropy(now, &entropy));
    }

    pub(crate) fn set_clock(&mut self) {
        let unix_ms = START_UNIX_S * 1000 + (self.now / 1_000_000) as i64 + self.clock_error_ms;
        self.with_dcu(|dcu, now| dcu.handle_clock(now, unix_ms));
    }

    /// The supply goes; what was not durable is lost, and so are answers that were on their way.
    pub(crate) fn cut(&mut self) {
        self.dcu = None;
        self.deadline = None;
        self.journal.retain(|record| record.number <= self.durable);
        self.unanswered.clear();
    }

    pub(crate) fn payment(&self, key: &str, account: &str, amount_minor: i64) -> Payment {
        let (provider, at) = (Provider::Agent, START_UNIX_S * 1000);
        Payment::new(provider, key, account, amount_minor, Channel::Agent, at)
    }

    pub(crate) fn pay(&mut self, key: &str, meter: u32, amount_minor: i64) {
        let payment = self.payment(key, &format!("A{meter}"), amount_minor);
        self.with_dcu(|dcu, now| dcu.handle_payment(now, payment).unwrap());
    }

    pub(crate) fn with_dcu<T>(&mut self, act: impl FnOnce(&mut Dcu, u64) -> T) -> Option<T> {
        let now = self.now - self.boot_at;
        let result = self.dcu.as_mut().map(|dcu| act(dcu, now));
        self.drain();
        result
    }

    pub(crate) fn state(&self) -> &State {
        self.dcu.as_ref().unwrap().state()
    }

    pub(crate) fn run_for(&mut self, ns: u64) {
        let end = self.now + ns;
        while let Some(at) = self.deadline.map(|at| (at + self.boot_at).max(self.now)).filter(|at| *at <= end) {
            self.now = at;
            self.with_dcu(Dcu::handle_timeout);
        }
        self.now = end;
    }

    /// All records so far are on the disk.
    pub(crate) fn sync(&mut self) {
        let Some(number) = self.journal.last().map(|record| record.number) else { return };
        self.durable = number;
        self.with_dcu(|dcu, now| dcu.handle_durable(now, number));
    }

    fn drain(&mut self) {
        let mut last = None;
        while let Some(dcu) = &mut self.dcu {
            match dcu.poll_output() {
                Output::Append(record) => {
                    last = Some(record.number);
                    self.journal.push(record);
                }
                Output::KeyRequest { id, meter_key, content } => {
                    self.questions.push(Question::Token(id, meter_key, content));
                    self.unanswered.push(Question::Token(id, meter_key, content));
                }
                Output::KeyChangeRequest { id, from, to } => {
                    self.questions.push(Question::Change(id, from, to));
                    self.unanswered.push(Question::Change(id, from, to));
                }
                Output::Event(event) => self.events.push((self.now, event)),
                Output::Uplink(bytes) => self.uplink.push(bytes),
                Output::Fetch(bytes) => self.fetches.push(bytes),
                Output::Transmit { .. } | Output::Leaf(_) | Output::Sign(_) => {}
                Output::Timeout(deadline) => {
                    self.deadline = deadline;
                    if let Some(number) = last.take().filter(|_| self.syncs || self.lies) {
                        if self.syncs {
                            self.durable = number;
                        }
                        let now = self.now - self.boot_at;
                        dcu.handle_durable(now, number);
                    } else if self.module_up && !self.unanswered.is_empty() {
                        let question = self.unanswered.remove(0);
                        self.answer(&question);
                    } else {
                        break;
                    }
                }
            }
        }
    }

    /// The module answers.
    fn answer(&mut self, question: &Question) {
        let now = self.now - self.boot_at;
        let Some(dcu) = &mut self.dcu else { return };
        match question {
            Question::Token(id, key, content) => {
                let sealed = self.module.seal(key, content).map_err(|_| KeyRefusal::NoKey);
                dcu.handle_key(now, *id, sealed);
            }
            Question::Change(id, from, to) => {
                let made = self.module.key_change(from, to);
                let made: Result<&[Token], KeyRefusal> = made.as_deref().map_err(|_| KeyRefusal::NoKey);
                dcu.handle_key_change(now, *id, made);
            }
        }
    }

    /// What the module makes of a question about a token.
    pub(crate) fn made(&self, question: &Question) -> Option<[u8; 20]> {
        let Question::Token(_, key, content) = question else { return None };
        self.module.seal(key, content).ok().map(|token| token.digits())
    }

    /// The module is there again and answers what it was asked last.
    pub(crate) fn answer_all(&mut self) {
        self.module_up = true;
        self.drain();
    }

    /// Tokens that have left, in order: sale, meter, what is to be entered first, the token, the way.
    pub(crate) fn left(&self) -> Vec<(VendId, u32, Vec<TokenDigits>, TokenDigits, Way)> {
        let left = self.events.iter().filter_map(|(_, event)| match event {
            DcuEvent::TokenIssued { meter, id, token, first, way, .. } => {
                Some((*id, meter.0, first.clone(), *token, *way))
            }
            _ => None,
        });
        left.collect()
    }

    /// Customers type all that they were told, each thing once more than needed.
    pub(crate) fn type_all(&mut self) {
        for (_, meter, first, token, _) in self.left() {
            for digits in first.iter().chain([&token, &token]) {
                let _ = self.meters[meter as usize].enter(&digits.0);
            }
        }
    }

    pub(crate) fn fate(&self, id: u64) -> Fate {
        self.state().desk().sale(VendId(id)).unwrap().fate
    }

    /// What the account has paid and no token has promised, u.
    pub(crate) fn due_u(&self, meter: u32) -> i64 {
        let credited = self.state().book().account(meter).unwrap().credited_minor();
        self.state().desk().due_u(MeterIx(meter), credited)
    }

    pub(crate) fn count(&self, wanted: impl Fn(&DcuEvent) -> bool) -> usize {
        self.events.iter().filter(|(_, event)| wanted(event)).count()
    }

    /// The state is what its journal makes of it.
    pub(crate) fn refold(&self) -> State {
        let mut state = State::new(&self.config, &self.entries);
        for record in &self.journal {
            state.apply(record);
        }
        state
    }
}
