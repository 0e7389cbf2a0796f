//! What the site remembers of its sales: leases, the minutes used, every token and what has become of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use taa_tokens::sts::{
    is_special,
    vend::{MeterKey, Minutes, Use},
};

use super::{
    Ask, Fate, KeyNote, LeaseNote, Note, PaygDesk, PaygIx, Reference, Said, Sale, Source, VendId, Void, worth,
};
use crate::{
    MeterIx,
    config::{DcuConfig, MeterEntry, StsMeter},
};

/// Sales remembered of one meter. What is older and settled is forgotten; so is what left and was never seen: a meter
/// remembers some fifty minutes and would refuse it as too old.
pub const KEPT_PER_METER: usize = 64;

/// What is remembered of one meter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeterDesk {
    /// The balance that the meter itself started with, never sold, u.
    opening_u: i64,
    /// Worth of all tokens that its account has paid, u.
    sold_u: i64,
    /// All credit of its account that is wholly sold, but for what a rounding left, minor units.
    covered_minor: i64,
    /// Last minute used, and last special one.
    last: Option<i64>,
    last_special: Option<i64>,
    /// The key that it holds; `None` for a meter without a decoder.
    key: Option<KeyNote>,
    /// A key change that it has not confirmed.
    changing: Option<VendId>,
    /// Its sales, oldest first.
    sales: Vec<VendId>,
    /// Tokens begun so far, stock included.
    begun: u32,
    /// The minute of the newest token that it was seen to take.
    last_entered: Option<i64>,
}

impl MeterDesk {
    /// Worth of all tokens that its account has paid, u.
    #[must_use]
    pub const fn sold_u(&self) -> i64 {
        self.sold_u
    }

    /// All credit of its account that is wholly sold, but for what a rounding left, minor units.
    #[must_use]
    pub const fn covered_minor(&self) -> i64 {
        self.covered_minor
    }

    /// The key that it holds as far as is known.
    #[must_use]
    pub const fn key(&self) -> Option<KeyNote> {
        self.key
    }

    /// A key change that it has not confirmed.
    #[must_use]
    pub const fn changing(&self) -> Option<VendId> {
        self.changing
    }

    /// Its sales, oldest first.
    #[must_use]
    pub fn sales(&self) -> &[VendId] {
        &self.sales
    }

    /// The minute of the newest token that it was seen to take, from 1970-01-01 00:00 UTC.
    #[must_use]
    pub const fn last_entered(&self) -> Option<i64> {
        self.last_entered
    }
}

/// Money that others keep and have tokens made for, u.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outside {
    /// All that they asked for.
    pub asked_u: i128,
    /// What tokens have promised.
    pub sold_u: i128,
}

/// The durable state of selling: a fold over [`Note`]s.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Desk {
    u_per_minor: i64,
    next: u64,
    leases: Vec<LeaseNote>,
    meters: Vec<MeterDesk>,
    sales: BTreeMap<VendId, Sale>,
    references: BTreeMap<Reference, (VendId, MeterIx, Ask)>,
    /// What was asked from outside and no token could carry yet, by meter, u.
    outside_due_u: BTreeMap<MeterIx, i64>,
    outside: Outside,
    payg: Vec<PaygDesk>,
}

impl Desk {
    /// Before the first record.
    #[must_use]
    pub fn new(config: &DcuConfig, meters: &[MeterEntry]) -> Self {
        let u_per_minor = worth::u_per_minor(config.tariff.minor_per_unit).unwrap_or(1);
        let devices = config.vending.as_ref().map_or(&[][..], |vending| &vending.devices);
        let desk = |entry: &MeterEntry| MeterDesk {
            opening_u: entry.opening_balance_minor.saturating_mul(u_per_minor),
            covered_minor: entry.opening_balance_minor,
            key: entry.sts.as_ref().map(|sts| KeyNote::from(&sts.key)),
            ..MeterDesk::default()
        };
        Self {
            u_per_minor,
            next: 1,
            leases: Vec::new(),
            meters: meters.iter().map(desk).collect(),
            sales: BTreeMap::new(),
            references: BTreeMap::new(),
            outside_due_u: BTreeMap::new(),
            outside: Outside::default(),
            payg: devices.iter().map(PaygDesk::new).collect(),
        }
    }

    /// 1/100000 of the currency's unit in a minor unit.
    #[must_use]
    pub const fn u_per_minor(&self) -> i64 {
        self.u_per_minor
    }

    /// The number that the next sale gets.
    #[must_use]
    pub const fn next_id(&self) -> VendId {
        VendId(self.next)
    }

    /// One meter.
    #[must_use]
    pub fn meter(&self, meter: MeterIx) -> Option<&MeterDesk> {
        self.meters.get(meter.at())
    }

    /// One sale; `None` when there was none, or it is forgotten.
    #[must_use]
    pub fn sale(&self, id: VendId) -> Option<&Sale> {
        self.sales.get(&id)
    }

    /// All sales remembered, oldest first.
    pub fn sales(&self) -> impl Iterator<Item = &Sale> {
        self.sales.values()
    }

    /// The sales of a meter, oldest first.
    pub fn sales_of(&self, meter: MeterIx) -> impl DoubleEndedIterator<Item = &Sale> {
        let ids = self.meter(meter).map_or(&[][..], |desk| &desk.sales);
        ids.iter().filter_map(|id| self.sales.get(id))
    }

    /// Leases held.
    #[must_use]
    pub fn leases(&self) -> &[LeaseNote] {
        &self.leases
    }

    /// One device.
    #[must_use]
    pub fn device(&self, device: PaygIx) -> Option<&PaygDesk> {
        self.payg.get(device.at())
    }

    /// What others have had made.
    #[must_use]
    pub const fn outside(&self) -> Outside {
        self.outside
    }

    /// What was asked from outside for this meter and no token could carry yet, u.
    #[must_use]
    pub fn outside_due_u(&self, meter: MeterIx) -> i64 {
        self.outside_due_u.get(&meter).copied().unwrap_or(0)
    }

    /// The sale that a reference from outside led to.
    #[must_use]
    pub fn reference(&self, reference: &Reference) -> Option<(VendId, MeterIx, Ask)> {
        self.references.get(reference).copied()
    }

    /// What the account has paid and no token has promised yet, u: `granted_minor` is all that was ever granted to it.
    /// Below zero after a correction that took back what had been sold.
    #[must_use]
    pub fn due_u(&self, meter: MeterIx, granted_minor: i64) -> i64 {
        let Some(desk) = self.meter(meter) else { return 0 };
        granted_minor.saturating_mul(self.u_per_minor).saturating_sub(desk.opening_u).saturating_sub(desk.sold_u)
    }

    /// The key for a new token: the one that a key change leads to, once that has left.
    #[must_use]
    pub fn key(&self, meter: MeterIx) -> Option<KeyNote> {
        let desk = self.meter(meter)?;
        let changed = desk.changing.and_then(|id| self.sale(id)).filter(|sale| sale.has_left());
        match changed.map(|sale| sale.said) {
            Some(Said::KeyChange { to }) => Some(to),
            _ => desk.key,
        }
    }

    /// The same, as a module takes it.
    #[must_use]
    pub fn meter_key(&self, meter: MeterIx, sts: &StsMeter) -> Option<MeterKey> {
        Some(MeterKey { key: self.key(meter)?.attributes()?, ..sts.meter_key() })
    }

    /// The minutes that may be used for this meter.
    #[must_use]
    pub fn minutes(&self, meter: MeterIx, sts: &StsMeter, ahead: i64) -> Minutes {
        let desk = self.meter(meter);
        let uses = desk.map(|desk| [desk.last, desk.last_special]).into_iter().flatten().flatten();
        let leases = self.leases.iter().map(|lease| (*lease).into());
        Minutes::recover(ahead, leases, uses.map(|minute| Use { meter: sts.pan, minute }))
    }

    /// Takes one note.
    pub(crate) fn apply(&mut self, note: &Note) {
        match note {
            Note::LeaseGranted(lease) => {
                if !self.leases.contains(lease) {
                    self.leases.push(*lease);
                    self.leases.sort_by_key(|lease| (lease.from, lease.id));
                }
            }
            Note::MinuteUsed { id, meter, source, asked, said, minute, random, worth_u } => {
                let Some(key) = self.key(*meter) else { return };
                let sale = Sale {
                    id: *id,
                    meter: *meter,
                    source: source.clone(),
                    said: *said,
                    minute: *minute,
                    random: *random,
                    key,
                    worth_u: *worth_u,
                    tokens: Vec::new(),
                    entered: 0,
                    fate: Fate::Asked,
                    ways: 0,
                    handed: false,
                };
                self.begin(sale, *asked);
            }
            Note::TokenIssued { id, tokens } => {
                if let Some(sale) = self.sales.get_mut(id) {
                    sale.tokens.clone_from(tokens);
                    sale.fate = Fate::Made;
                }
            }
            Note::CacheSold { id, source } => {
                let Some(sale) = self.sales.get_mut(id) else { return };
                sale.source = source.clone();
                let (meter, worth_u) = (sale.meter, sale.worth_u);
                self.charge(meter, source, worth_u);
            }
            Note::KeyFound { meter, key } => {
                if let Some(desk) = self.meters.get_mut(meter.at()) {
                    desk.key = Some(*key);
                }
            }
            Note::PaygIssued(token) => self.payg_mut(token.device, |device| device.issued(token)),
            Note::PaygSettled { device, count } => self.payg_mut(*device, |device| device.settled(*count)),
            Note::PaygSeen { device, request_count, timestamp } => {
                self.payg_mut(*device, |device| device.seen(*request_count, *timestamp));
            }
            Note::TokenSent { .. }
            | Note::TokenHanded { .. }
            | Note::TokenEntered { .. }
            | Note::TokenRefused { .. }
            | Note::Voided { .. } => self.apply_fate(note),
        }
    }

    fn payg_mut(&mut self, device: PaygIx, act: impl FnOnce(&mut PaygDesk)) {
        if let Some(device) = self.payg.get_mut(device.at()) {
            act(device);
        }
    }

    fn begin(&mut self, sale: Sale, asked: Option<Ask>) {
        self.next = self.next.max(sale.id.0.saturating_add(1));
        let (id, meter, worth_u) = (sale.id, sale.meter, sale.worth_u);
        if let (Source::Outside(reference), Some(ask)) = (&sale.source, asked) {
            let asked_u = self.asked_u(ask, worth_u);
            if self.references.insert(reference.clone(), (id, meter, ask)).is_none() {
                self.outside.asked_u = self.outside.asked_u.saturating_add(asked_u.into());
                let due = self.outside_due_u.entry(meter).or_default();
                *due = due.saturating_add(asked_u);
            }
        }
        self.charge(meter, &sale.source, worth_u);
        let Some(desk) = self.meters.get_mut(meter.at()) else { return };
        if let Said::KeyChange { .. } = sale.said {
            desk.changing = Some(id);
        } else {
            let last = if is_special(sale.minute) { &mut desk.last_special } else { &mut desk.last };
            *last = Some(last.map_or(sale.minute, |before| before.max(sale.minute)));
        }
        desk.begun = desk.begun.saturating_add(1);
        desk.sales.push(id);
        self.sales.insert(id, sale);
        self.forget(meter);
    }

    /// What is paid for it outside, u.
    const fn asked_u(&self, ask: Ask, worth_u: i64) -> i64 {
        match ask {
            Ask::Money { amount_minor } => amount_minor.saturating_mul(self.u_per_minor),
            _ => worth_u,
        }
    }

    /// Nothing was made for a reference from outside: whoever asked was told "not now" and keeps the money, so nothing of it
    /// is owed to the meter, and the reference is as if it had never come. Where a token of the reference has left before
    /// (it is made anew after a key change), the money was taken, and stays owed.
    fn withdraw(&mut self, void: &Sale) {
        let Source::Outside(reference) = &void.source else { return };
        let mine = self.references.get(reference).filter(|(id, ..)| *id == void.id).map(|(_, _, ask)| *ask);
        let was_taken = |sale: &Sale| sale.id != void.id && sale.source == void.source && sale.has_left();
        let Some(ask) = mine.filter(|_| !self.sales_of(void.meter).any(was_taken)) else { return };
        let asked_u = self.asked_u(ask, void.worth_u);
        self.references.remove(reference);
        self.outside.asked_u = self.outside.asked_u.saturating_sub(asked_u.into());
        let due = self.outside_due_u.entry(void.meter).or_default();
        *due = due.saturating_sub(asked_u);
    }

    /// A token of this worth is paid for from there; below zero: it is given back.
    fn charge(&mut self, meter: MeterIx, source: &Source, worth_u: i64) {
        match source {
            Source::Account { granted_minor } => {
                if let Some(desk) = self.meters.get_mut(meter.at()) {
                    desk.sold_u = desk.sold_u.saturating_add(worth_u);
                    // What is given back is to be sold again.
                    desk.covered_minor = if worth_u < 0 { granted_minor.saturating_sub(1) } else { *granted_minor };
                }
            }
            Source::Outside(_) => {
                let due = self.outside_due_u.entry(meter).or_default();
                *due = due.saturating_sub(worth_u);
                self.outside.sold_u = self.outside.sold_u.saturating_add(worth_u.into());
            }
            Source::Operator | Source::Stock => {}
        }
    }

    fn apply_fate(&mut self, note: &Note) {
        let (Note::TokenSent { id, .. }
        | Note::TokenHanded { id }
        | Note::TokenEntered { id, .. }
        | Note::TokenRefused { id, .. }
        | Note::Voided { id, .. }) = note
        else {
            return;
        };
        // A token that is not genuine to its meter may be replaced after that was said.
        let replaces = matches!(note, Note::Voided { why: Void::NotGenuine | Void::KeyChanged, .. });
        let may = |fate: Fate| !fate.is_settled() || replaces && fate.is_foreign();
        let Some(sale) = self.sales.get_mut(id).filter(|sale| may(sale.fate)) else { return };
        match *note {
            Note::TokenSent { way, .. } => {
                sale.fate = Fate::Out { way };
                sale.ways |= way.bit();
                sale.handed = false;
            }
            Note::TokenHanded { .. } => sale.handed = true,
            Note::TokenEntered { seen, whole, .. } => {
                sale.entered = sale.entered.saturating_add(1);
                if !whole && usize::from(sale.entered) < sale.tokens.len() {
                    return;
                }
                sale.fate = Fate::Entered { seen };
                let (meter, said, minute) = (sale.meter, sale.said, sale.minute);
                if let Some(desk) = self.meters.get_mut(meter.at()) {
                    if let Said::KeyChange { to } = said {
                        desk.key = Some(to);
                        desk.changing = None;
                    } else {
                        desk.last_entered = desk.last_entered.max(Some(minute));
                    }
                }
            }
            Note::TokenRefused { status, .. } => sale.fate = Fate::Refused { status },
            Note::Voided { why, .. } => {
                sale.fate = Fate::Void { why };
                let void = sale.clone();
                let meter = void.meter;
                self.charge(meter, &void.source, void.worth_u.saturating_neg());
                if void.tokens.is_empty() {
                    self.withdraw(&void);
                }
                if let Some(desk) = self.meters.get_mut(meter.at()).filter(|desk| desk.changing == Some(*id)) {
                    desk.changing = None;
                }
            }
            _ => {}
        }
        if let Some(sale) = self.sales.get(id).filter(|sale| matches!(sale.fate, Fate::Refused { .. })) {
            let meter = sale.meter;
            if let Some(desk) = self.meters.get_mut(meter.at()).filter(|desk| desk.changing == Some(*id)) {
                desk.changing = None;
            }
        }
    }

    /// Of too many sales of a meter, the oldest goes of which nothing more is to be done.
    fn forget(&mut self, meter: MeterIx) {
        let Some(desk) = self.meters.get_mut(meter.at()).filter(|desk| desk.sales.len() > KEPT_PER_METER) else {
            return;
        };
        let may_go = |id: &VendId| {
            let fate = self.sales.get(id).map(|sale| sale.fate);
            desk.changing != Some(*id) && fate.is_none_or(|fate| fate.is_settled() || matches!(fate, Fate::Out { .. }))
        };
        if let Some(at) = desk.sales.iter().position(may_go) {
            let id = desk.sales.remove(at);
            self.sales.remove(&id);
        }
    }

    /// Tokens under this key have left for this meter and were replaced: under it they would count beside what replaced them.
    pub(crate) fn has_replaced(&self, meter: MeterIx, key: &KeyNote) -> bool {
        let replaced = |fate| matches!(fate, Fate::Void { why: Void::NotGenuine | Void::KeyChanged });
        self.sales_of(meter).any(|sale| replaced(sale.fate) && sale.has_left() && sale.key.opens_like(key))
    }

    /// The meter has confirmed a key change of ours from this key to the one that it holds.
    pub(crate) fn has_changed_from(&self, meter: MeterIx, key: &KeyNote) -> bool {
        let holds = self.meter(meter).and_then(MeterDesk::key);
        let confirmed = |sale: &Sale| {
            let to_it = matches!(sale.said, Said::KeyChange { to } if Some(to) == holds);
            to_it && sale.key == *key && matches!(sale.fate, Fate::Entered { .. })
        };
        self.sales_of(meter).any(confirmed)
    }

    /// How many tokens newer than this one were begun for its meter.
    pub(crate) fn newer_than(&self, sale: &Sale) -> usize {
        self.sales_of(sale.meter).filter(|other| other.minute > sale.minute).count()
    }
}
