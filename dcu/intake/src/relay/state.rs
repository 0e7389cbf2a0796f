//! The relay's durable state: a fold over its journal.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use taa_dcu::payment::{Certainty, Payment, PaymentId, Provider};

use super::{Entry, HeldWhy, Inbox, PayRequest, Place, Record, Settlement};
use crate::provider::cash_code::{Code, CodeTag};

/// Bodies kept that could not be read; beyond it the oldest goes and is counted.
const UNREAD_MAX: usize = 1000;

/// What is remembered of a payment for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    amount_minor: i64,
    account: String,
    certainty: Certainty,
}

impl Seen {
    /// The payment says nothing new.
    #[must_use]
    pub fn covers(&self, payment: &Payment) -> bool {
        let same = self.amount_minor == payment.amount_minor && self.account == payment.account;
        let settled = self.certainty == Certainty::Final || payment.certainty == Certainty::Provisional;
        // Once the provider has spoken, a text can say what it likes.
        settled && (same || (self.certainty, payment.certainty) == (Certainty::Final, Certainty::Provisional))
    }

    /// The provider itself speaks where only a text did before: its word counts, whatever the text said.
    #[must_use]
    pub fn may_become(&self, payment: &Payment) -> bool {
        self.certainty == Certainty::Provisional && payment.certainty == Certainty::Final
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
    pub(super) seen: BTreeMap<PaymentId, Seen>,
    pub(super) held: BTreeMap<PaymentId, Held>,
    handed_back: BTreeMap<PaymentId, i64>,
    pub(super) sites: BTreeMap<String, Inbox>,
    pub(super) requests: BTreeMap<(Provider, String), (PayRequest, Option<Settlement>)>,
    pub(super) codes: BTreeMap<CodeTag, Code>,
    pub(super) unread: VecDeque<Unread>,
    unread_dropped: u64,
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

    /// What was handed back, minor units of the money that it came in; `None` for anything else.
    #[must_use]
    pub fn handed_back(&self, id: &PaymentId) -> Option<i64> {
        self.handed_back.get(id).copied()
    }

    /// All that was handed back, minor units of the money that it came in.
    pub fn all_handed_back(&self) -> impl Iterator<Item = (&PaymentId, i64)> {
        self.handed_back.iter().map(|(id, amount_minor)| (id, *amount_minor))
    }

    /// Whether the payment was ever taken; of one that was, the provider's repeats change nothing.
    #[must_use]
    pub fn has_taken(&self, id: &PaymentId) -> bool {
        self.seen.contains_key(id)
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
            Entry::Took { payment, place } => self.took(payment, place),
            Entry::Resolved { id, site, account } => {
                if let Some(Held { payment, .. }) = self.held.remove(id) {
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

    fn took(&mut self, payment: &Payment, place: &Place) {
        let seen =
            Seen { amount_minor: payment.amount_minor, account: payment.account.clone(), certainty: payment.certainty };
        self.seen.insert(payment.id(), seen);
        // A receipt that nobody could place, and now the provider's own word.
        self.held.remove(&payment.id());
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
