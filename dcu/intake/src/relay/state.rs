//! The relay's durable state: a fold over its journal.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use taa_dcu::payment::{Certainty, Payment, PaymentId, Provider};

use super::{
    Entry, HeldWhy, Inbox, PayRequest, Place, Record, Settlement,
    names::{Covered, Unnamed},
};
use crate::{
    provider::cash_code::{Code, CodeRefusal, CodeTag},
    token_server::{self, Asked},
};

/// Bodies kept that could not be read; beyond it the oldest goes and is counted.
const UNREAD_MAX: usize = 1000;

/// What is remembered of a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    amount_minor: i64,
    account: String,
    certainty: Certainty,
    paid_unix_ms: i64,
    at_unix_ms: i64,
    /// To which site it was given, and for which account there.
    given: Option<(String, String)>,
    /// The short code whose list or confirmation told of it.
    list: Option<String>,
}

impl Seen {
    /// The payment says nothing new.
    #[must_use]
    pub fn covers(&self, payment: &Payment) -> bool {
        let settled = self.certainty == Certainty::Final || payment.certainty == Certainty::Provisional;
        // Once the provider has spoken, a text can say what it likes.
        let after_all = (self.certainty, payment.certainty) == (Certainty::Final, Certainty::Provisional);
        settled && (after_all || self.fits(&payment.account, payment.amount_minor))
    }

    /// The provider itself speaks where only a text did before: its word counts, whatever the text said.
    #[must_use]
    pub fn may_become(&self, payment: &Payment) -> bool {
        self.certainty == Certainty::Provisional && payment.certainty == Certainty::Final
    }

    /// Amount and account are these; a list without accounts names none.
    pub(super) fn fits(&self, account: &str, amount_minor: i64) -> bool {
        let same = account == self.account || account.is_empty() || self.account.is_empty();
        same && amount_minor == self.amount_minor
    }

    pub(super) fn account(&self) -> &str {
        &self.account
    }

    pub(super) const fn amount_minor(&self) -> i64 {
        self.amount_minor
    }

    /// When it was paid or taken, whichever is later.
    pub(super) fn last_ms(&self) -> i64 {
        self.paid_unix_ms.max(self.at_unix_ms)
    }

    pub(super) const fn certainty(&self) -> Certainty {
        self.certainty
    }

    pub(super) const fn paid_unix_ms(&self) -> i64 {
        self.paid_unix_ms
    }

    pub(super) const fn given(&self) -> Option<&(String, String)> {
        self.given.as_ref()
    }

    pub(super) fn list(&self) -> Option<&str> {
        self.list.as_deref()
    }
}

/// Money on hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The payment as it came.
    pub payment: Payment,
    /// Why.
    pub why: HeldWhy,
}

/// A body that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// When it came.
    pub at_unix_ms: i64,
    /// From whom.
    pub provider: Provider,
    /// Why not.
    pub why: String,
    /// Its beginning.
    pub body: Vec<u8>,
}

/// What the relay knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    last_record: u64,
    pub(super) epoch: u64,
    /// By the first name of each.
    pub(super) seen: BTreeMap<PaymentId, Seen>,
    /// Second names, and the first of each.
    pub(super) names: BTreeMap<PaymentId, PaymentId>,
    /// Not credited, as what fits was.
    pub(super) covered: BTreeMap<PaymentId, Covered>,
    /// Pushes whose receipt nobody has told.
    pub(super) unnamed: BTreeMap<PaymentId, Unnamed>,
    pub(super) held: BTreeMap<PaymentId, Held>,
    handed_back: BTreeMap<PaymentId, i64>,
    pub(super) sites: BTreeMap<String, Inbox>,
    pub(super) requests: BTreeMap<(Provider, String), (PayRequest, Option<Settlement>)>,
    pub(super) codes: BTreeMap<CodeTag, Code>,
    pub(super) unread: VecDeque<Unread>,
    unread_dropped: u64,
    /// The token server's records, by purchase.
    pub(super) tokens: BTreeMap<PaymentId, Vec<token_server::Record>>,
    /// What sites are asked, oldest first.
    pub(super) questions: VecDeque<(String, Asked)>,
    /// Lists of short codes are read up to here, Unix ms.
    pub(super) pulled: BTreeMap<String, i64>,
    pub(super) forgotten_upto_unix_ms: i64,
}

impl State {
    /// Number of the last record.
    #[must_use]
    pub const fn last_record(&self) -> u64 {
        self.last_record
    }

    /// Epoch of the numbers given now.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The list of a site; `None` before there was anything for it.
    #[must_use]
    pub fn site(&self, id: &str) -> Option<&Inbox> {
        self.sites.get(id)
    }

    /// A request and how it ended.
    #[must_use]
    pub fn request(&self, provider: Provider, id: &str) -> Option<(&PayRequest, Option<&Settlement>)> {
        self.requests.get(&(provider, id.to_owned())).map(|(request, how)| (request, how.as_ref()))
    }

    /// What was handed back of the payment with this name, minor units of the money that it came in; `None` for anything else.
    #[must_use]
    pub fn handed_back(&self, id: &PaymentId) -> Option<i64> {
        let direct = self.handed_back.get(id);
        let found = direct.or_else(|| self.handed_back.get(&self.alias_among(id, self.handed_back.keys())?));
        found.copied()
    }

    /// The name under which this payment is on hold, whichever of its names is asked for.
    #[must_use]
    pub fn held_as(&self, id: &PaymentId) -> Option<PaymentId> {
        if self.held.contains_key(id) { Some(id.clone()) } else { self.alias_among(id, self.held.keys()) }
    }

    /// All that was handed back, minor units of the money that it came in.
    pub fn all_handed_back(&self) -> impl Iterator<Item = (&PaymentId, i64)> {
        self.handed_back.iter().map(|(id, amount_minor)| (id, *amount_minor))
    }

    /// Whether the payment was ever taken; of one that was, the provider's repeats change nothing.
    #[must_use]
    pub fn has_taken(&self, id: &PaymentId) -> bool {
        self.seen.contains_key(id) || self.names.contains_key(id) || self.covered.contains_key(id)
    }

    /// Those of a batch of codes that are not known yet.
    pub(super) fn new_codes(&self, codes: Vec<(CodeTag, Code)>) -> Result<Vec<(CodeTag, Code)>, CodeRefusal> {
        let given: BTreeSet<&str> = self.codes.values().map(|code| code.serial.as_str()).collect();
        let mut new: BTreeMap<CodeTag, Code> = BTreeMap::new();
        let mut serials = BTreeSet::new();
        for (tag, code) in codes {
            code.check()?;
            let serial = code.serial.clone();
            if !serials.insert(serial.clone()) {
                return Err(CodeRefusal::Twice(serial));
            }
            match self.codes.get(&tag).or_else(|| new.get(&tag)) {
                Some(known) if *known == code => continue,
                Some(known) => return Err(CodeRefusal::SameCode { serial, before: known.serial.clone() }),
                None => {}
            }
            let id = PaymentId { provider: Provider::CashCode, key: serial.clone() };
            if given.contains(serial.as_str()) || self.has_taken(&id) {
                return Err(CodeRefusal::Given(serial));
            }
            new.insert(tag, code);
        }
        Ok(new.into_iter().collect())
    }

    /// Payments remembered, and how many second names.
    #[must_use]
    pub fn remembered(&self) -> (usize, usize) {
        (self.seen.len(), self.names.len())
    }

    /// What was paid up to this instant may be forgotten: such a payment is held when it comes (again). Unix ms.
    #[must_use]
    pub const fn forgotten_upto_unix_ms(&self) -> i64 {
        self.forgotten_upto_unix_ms
    }

    /// The list of a short code has been read up to this instant, Unix ms.
    #[must_use]
    pub fn pulled_upto_unix_ms(&self, shortcode: &str) -> Option<i64> {
        self.pulled.get(shortcode).copied()
    }

    /// Bodies forgotten for want of room.
    #[must_use]
    pub const fn unread_dropped(&self) -> u64 {
        self.unread_dropped
    }

    /// Takes one record. Records must come in order; a snapshot may come first.
    pub fn apply(&mut self, record: &Record) {
        let before = self.last_record;
        self.last_record = record.number;
        match &record.entry {
            Entry::Started { epoch } => {
                let ended = self.epoch;
                self.sites.values_mut().for_each(|inbox| inbox.end_epoch(ended));
                self.epoch = *epoch;
            }
            Entry::Asked(request) => {
                self.requests.insert((request.provider, request.id.clone()), (request.clone(), None));
            }
            Entry::Settled { provider, id, how } => {
                if let Some((_, settled)) = self.requests.get_mut(&(*provider, id.clone())) {
                    *settled = Some(how.clone());
                }
            }
            Entry::Took { payment, place, list } => self.took(record.at_unix_ms, payment, place, list.as_ref()),
            Entry::Named { known, payment, site } => {
                self.name(known, payment);
                if let Some(site) = site {
                    self.inbox(site).push(payment.clone());
                }
            }
            Entry::Guessed { push, text } => self.guess(push, text),
            Entry::Covered(covered) => self.cover(covered),
            Entry::Uncovered { id } => self.uncover(id),
            Entry::Tokens(record) => self.keep_token(record),
            Entry::Questioned { site, asked } => self.questions.push_back((site.clone(), asked.clone())),
            Entry::Answered { site, reference } => {
                self.questions.retain(|(of, asked)| of != site || asked.reference != *reference);
            }
            Entry::Pulled { shortcode, upto_unix_ms } => {
                self.pulled.insert(shortcode.clone(), *upto_unix_ms);
            }
            Entry::Forgot { upto_unix_ms } => self.forget(*upto_unix_ms),
            Entry::Resolved { id, site, account } => {
                if let Some(Held { payment, .. }) = self.held.remove(id) {
                    let first = if self.seen.contains_key(id) { Some(id) } else { self.names.get(id) };
                    if let Some(seen) = first.and_then(|first| self.seen.get_mut(first)) {
                        seen.given = Some((site.clone(), account.clone()));
                    }
                    self.inbox(site).push(Payment { account: account.clone(), ..payment });
                }
            }
            Entry::HandedBack { id } => {
                if let Some(Held { payment, .. }) = self.held.remove(id) {
                    self.handed_back.insert(id.clone(), payment.amount_minor);
                }
            }
            Entry::CodesAdded { codes } => self.codes.extend(codes.iter().cloned()),
            Entry::Bound { site, session, before } => {
                self.inbox(site).bind(Some(*session));
                self.inbox(site).remember(before);
            }
            Entry::Unbound { site } => self.inbox(site).bind(None),
            Entry::TakenOver { site, session, offered } => {
                let inbox = self.inbox(site);
                inbox.bind(Some(*session));
                for payment in inbox.withdraw(*offered).into_iter().filter(|p| p.certainty == Certainty::Final) {
                    self.hold(payment, HeldWhy::OfferedBefore);
                }
            }
            Entry::Renumbered { site, start } => self.inbox(site).renumber(*start),
            Entry::Acked { site, upto, fates } => {
                self.inbox(site).ack(*upto);
                for (number, fate) in fates {
                    if let Some(payment) = self.inbox(site).fate(*number, *fate) {
                        self.hold(payment, HeldWhy::SiteRefused(*fate));
                    }
                }
            }
            Entry::Unread { provider, why, body } => {
                if self.unread.len() >= UNREAD_MAX {
                    self.unread.pop_front();
                    self.unread_dropped = self.unread_dropped.saturating_add(1);
                }
                let (provider, why, body) = (*provider, why.clone(), body.clone());
                self.unread.push_back(Unread { at_unix_ms: record.at_unix_ms, provider, why, body });
            }
            Entry::Snapshot(state) => {
                if before != state.last_record {
                    *self = Self { last_record: record.number, ..(**state).clone() };
                }
            }
        }
    }

    fn took(&mut self, at_unix_ms: i64, payment: &Payment, place: &Place, list: Option<&String>) {
        let id = payment.id();
        let given = match place {
            Place::Site(site) => Some((site.clone(), payment.account.clone())),
            Place::Held(_) => None,
        };
        let seen = Seen {
            amount_minor: payment.amount_minor,
            account: payment.account.clone(),
            certainty: payment.certainty,
            paid_unix_ms: payment.accepted_unix_ms,
            at_unix_ms,
            given,
            list: list.cloned(),
        };
        self.seen.insert(id.clone(), seen);
        // A receipt that nobody could place, and now the provider's own word.
        self.held.remove(&id);
        self.name(&id, payment);
        self.expect_name(payment);
        match place {
            Place::Site(site) => self.inbox(site).push(payment.clone()),
            Place::Held(why) => self.hold(payment.clone(), *why),
        }
    }

    fn hold(&mut self, payment: Payment, why: HeldWhy) {
        self.held.insert(payment.id(), Held { payment, why });
    }

    fn inbox(&mut self, site: &str) -> &mut Inbox {
        self.sites.entry(site.to_owned()).or_default()
    }
}
