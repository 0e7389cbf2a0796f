//! Selling: from paid credit to a minute that is used up and a question to the module.
//!
//! What the desk ([`crate::vending::Desk`]) knows is durable; [`Vending`] is what is remembered within a boot, and is
//! made again from the desk by the next.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use taa_tokens::sts::{self, Amount, Money, Random, Service, vend::Vendor};

use super::{Dcu, NS_PER_S, keyreq::Question, output::DcuEvent, time::mix};
use crate::{
    MeterIx,
    config::{Contradiction, CreditAt, DcuConfig, MeterEntry, StsMeter, VendingConfig, Way},
    journal::{Entry, State},
    payment::NAME_BYTES_MAX,
    uplink::AlarmCode,
    vending::{Ask, Fate, KeyRefusal, Note, PaygIx, Said, Source, VendAsk, VendId, VendRefusal, worth},
};

const MS_PER_MINUTE: i64 = 60_000;
const MINUTES_PER_DAY: i64 = 1440;
/// The end of leased minutes is told again after this.
const LOW_AGAIN_S: u32 = 86_400;

/// What follows once a record is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The module is asked.
    Ask(VendId),
    /// The token goes the way that is recorded.
    Leave(VendId),
    /// The token of a device leaves.
    Payg(PaygIx, u32),
    /// What has become of the sale is told.
    Tell(VendId),
}

/// What is remembered of selling within a boot.
#[derive(Debug, Default)]
pub(super) struct Vending {
    /// Decoders, by meter.
    pub(super) sts: Vec<Option<StsMeter>>,
    /// What is wrong with the configuration.
    pub(super) wrong: Option<Contradiction>,
    /// What waits for its record.
    pub(super) next: VecDeque<(u64, Next)>,
    /// Questions that the module has not answered.
    pub(super) asked: BTreeMap<VendId, Question>,
    /// When the next way is tried, ns.
    pub(super) waits: Waits,
    /// Tokens that the gateway may be given.
    pub(super) ready: BTreeSet<VendId>,
    /// Ways that could not be gone when they were tried.
    pub(super) failed: BTreeSet<(VendId, Way)>,
    /// Tokens that the gateway was given, or may have been before this boot.
    pub(super) tried: BTreeSet<VendId>,
    /// Meters with paid credit that could not be sold, and what was told of it.
    pub(super) unsold: BTreeMap<MeterIx, Option<VendRefusal>>,
    /// When that is tried again, ns.
    pub(super) retry_at: Option<u64>,
    /// When meters last answered, ns.
    pub(super) answered: BTreeMap<MeterIx, u64>,
    /// Meters with a phone near.
    pub(super) near: BTreeSet<MeterIx>,
    /// The agent's printer is there.
    pub(super) printer: bool,
    /// Meters whose key the module refuses.
    pub(super) held: BTreeMap<MeterIx, KeyRefusal>,
    /// Register and credit at the last reading.
    pub(super) seen: BTreeMap<MeterIx, (u64, i64)>,
    /// When the end of leased minutes was told last, ns.
    pub(super) low_told: Option<u64>,
}

/// Instants by sale, found by the earliest: many tokens may be waiting to be typed in.
#[derive(Debug, Default)]
pub(super) struct Waits {
    by_id: BTreeMap<VendId, u64>,
    by_time: BTreeSet<(u64, VendId)>,
}

impl Waits {
    /// The sale waits until then, ns, and for nothing else.
    pub(super) fn insert(&mut self, id: VendId, at: u64) {
        self.remove(id);
        self.by_id.insert(id, at);
        self.by_time.insert((at, id));
    }

    pub(super) fn remove(&mut self, id: VendId) {
        if let Some(at) = self.by_id.remove(&id) {
            self.by_time.remove(&(at, id));
        }
    }

    /// The earliest, ns.
    pub(super) fn next(&self) -> Option<u64> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes all whose time has come.
    pub(super) fn take_over(&mut self, now: u64) -> Vec<VendId> {
        let later = self.by_time.split_off(&(now.saturating_add(1), VendId(0)));
        let over: Vec<VendId> = std::mem::replace(&mut self.by_time, later).into_iter().map(|(_, id)| id).collect();
        for id in &over {
            self.by_id.remove(id);
        }
        over
    }
}

impl Vending {
    /// Takes up what the desk knows to be unfinished.
    pub(super) fn recover(config: &DcuConfig, meters: &[MeterEntry], state: &State) -> Self {
        let Some(vending) = &config.vending else { return Self::default() };
        let mut wrong = vending.check_site(&config.traits, (&config.tariff, &config.classes), meters).into_iter();
        let mut made = Self {
            sts: meters.iter().map(|entry| entry.sts.clone()).collect(),
            wrong: wrong.next(),
            retry_at: Some(0),
            ..Self::default()
        };
        for sale in state.desk().sales() {
            match sale.fate {
                Fate::Asked => made.next.push_back((0, Next::Ask(sale.id))),
                Fate::Made if !sale.is_stock() => made.waits.insert(sale.id, 0),
                // It may have left or not: once more does no harm, for a meter counts it once.
                Fate::Out { way } if !sale.handed || way == Way::Gateway => {
                    made.tried.insert(sale.id);
                    made.next.push_back((0, Next::Leave(sale.id)));
                }
                Fate::Out { .. } => made.waits.insert(sale.id, wait_ns(vending.policy.again_s)),
                _ => {}
            }
        }
        made
    }
}

pub(super) fn wait_ns(seconds: u32) -> u64 {
    u64::from(seconds).saturating_mul(NS_PER_S)
}

impl Dcu {
    /// Somebody wants a token: an operator, or a client of a token server. It comes as
    /// [`DcuEvent::TokenIssued`], once it is made and durable. The same reference again leads to the same sale, for ever.
    ///
    /// Payments need no call: what is credited to an account whose meter takes tokens is sold at once.
    ///
    /// # Errors
    /// [`VendRefusal`]; nothing was recorded then.
    pub fn handle_vend(&mut self, now: u64, ask: VendAsk) -> Result<VendId, VendRefusal> {
        self.begin(now);
        let sold = self.vend(now, ask);
        self.run_vending(now);
        self.pump(now);
        self.send(now);
        sold
    }

    fn vend(&mut self, now: u64, VendAsk { meter, ask, source }: VendAsk) -> Result<VendId, VendRefusal> {
        if self.state.is_in_doubt() || self.awaits_witness(now) {
            return Err(VendRefusal::Doubt);
        }
        let (vending, sts) = self.vendable(meter)?;
        let max_minor = vending.token_max_minor;
        let in_money = sts.in_money;
        if let Source::Outside(reference) = &source {
            let bytes = reference.reference.len();
            if bytes == 0 || bytes > NAME_BYTES_MAX || reference.by.len() > NAME_BYTES_MAX {
                return Err(VendRefusal::Reference);
            }
            if let Some((id, known, before)) = self.state.desk().reference(reference) {
                if (known, before) != (meter, ask) {
                    return Err(VendRefusal::Conflict(id));
                }
                // A void sale is made anew; any other is the answer.
                if !self.state.desk().sale(id).is_some_and(|sale| matches!(sale.fate, Fate::Void { .. })) {
                    return Ok(id);
                }
            }
        }
        let desk = self.state.desk();
        let u_per_minor = desk.u_per_minor();
        let flat = self.state.book().tariff_of(meter.0).flat_price();
        let price = flat.unwrap_or(0);
        let asked_anew = matches!(&source, Source::Outside(reference) if desk.reference(reference).is_some());
        let (said, worth_u) = match ask {
            Ask::Money { amount_minor } if amount_minor <= 0 || amount_minor > max_minor => {
                return Err(VendRefusal::Amount { max_minor });
            }
            Ask::Money { amount_minor } => {
                let amount_u = amount_minor.saturating_mul(u_per_minor);
                let due_u = match &source {
                    Source::Account { .. } => {
                        let due_u = self.vend_due_u(meter);
                        if due_u < amount_u {
                            let due_minor = due_u.checked_div(u_per_minor).unwrap_or(0);
                            return Err(VendRefusal::NotPaid { due_minor });
                        }
                        amount_u
                    }
                    Source::Outside(_) if asked_anew => desk.outside_due_u(meter),
                    Source::Outside(_) => desk.outside_due_u(meter).saturating_add(amount_u),
                    Source::Operator | Source::Stock => amount_u,
                };
                self.content_for(in_money, due_u, price).ok_or(VendRefusal::TooLittle)?
            }
            Ask::Energy { .. } if in_money => return Err(VendRefusal::Unfit),
            Ask::Energy { wh } if wh <= 0 => return Err(VendRefusal::Amount { max_minor }),
            Ask::Energy { .. } if flat.is_none() => return Err(VendRefusal::PriceVaries),
            Ask::Energy { wh } => {
                let (said, worth_u) = worth::energy(wh, price, u_per_minor).ok_or(VendRefusal::TooLittle)?;
                let Said::Energy { field } = said else { return Err(VendRefusal::Unfit) };
                let nearest_wh = i64::from(Amount::from_field(field).units()).saturating_mul(100);
                if nearest_wh != wh {
                    return Err(VendRefusal::NotCarried { nearest_wh });
                }
                (said, worth_u)
            }
            Ask::ClearTamper => (Said::ClearTamper, 0),
            Ask::MaxPower { watts } => {
                let amount = Amount::at_least(watts).map_err(|_| VendRefusal::Amount { max_minor })?;
                (Said::MaxPower { field: amount.field() }, 0)
            }
        };
        let source = match source {
            // What nobody pays for is no stock that could be sold later.
            Source::Stock => return Err(VendRefusal::Unfit),
            Source::Account { .. } => {
                let granted_minor = desk.meter(meter).map_or(0, |desk| desk.covered_minor());
                Source::Account { granted_minor }
            }
            other => other,
        };
        let asked = matches!(source, Source::Outside(_)).then_some(ask);
        match self.begin_sale(now, meter, source.clone(), asked, (said, worth_u)) {
            // The first answer to a lack of minutes is the stock.
            Err(VendRefusal::Lease(error)) if matches!(source, Source::Outside(_)) => Err(VendRefusal::Lease(error)),
            sold => sold,
        }
    }

    /// The policy and the meter's decoder, if tokens are sold to it.
    pub(super) fn vendable(&self, meter: MeterIx) -> Result<(&VendingConfig, &StsMeter), VendRefusal> {
        let vending = self.config.vending.as_ref().ok_or(VendRefusal::NotVending)?;
        if let Some(wrong) = &self.vending.wrong {
            return Err(VendRefusal::Configuration(wrong.clone()));
        }
        let sts = self.vending.sts.get(meter.at()).ok_or(VendRefusal::UnknownMeter)?;
        Ok((vending, sts.as_ref().ok_or(VendRefusal::NoDecoder)?))
    }

    /// Credit of this meter goes by tokens, not over DLMS.
    pub(super) fn takes_tokens(&self, meter: MeterIx) -> bool {
        self.config.traits.credit_at == CreditAt::Meter && self.vendable(meter).is_ok()
    }

    /// Paid and not yet sold, u.
    pub(super) fn vend_due_u(&self, meter: MeterIx) -> i64 {
        self.state.desk().due_u(meter, granted_minor(&self.state, meter))
    }

    pub(super) fn content_for(&self, in_money: bool, due_u: i64, price_per_kwh_minor: i64) -> Option<(Said, i64)> {
        let u_per_minor = self.state.desk().u_per_minor();
        if in_money { worth::most_money(due_u) } else { worth::most_energy(due_u, price_per_kwh_minor, u_per_minor) }
    }

    /// Sells what the account has paid: one token, or several where it is more than one may carry.
    pub(super) fn sell_due(&mut self, now: u64, meter: MeterIx) {
        let granted_minor = granted_minor(&self.state, meter);
        let covered_minor = self.state.desk().meter(meter).map_or(0, |desk| desk.covered_minor());
        if !self.takes_tokens(meter) || granted_minor <= covered_minor {
            self.vending.unsold.remove(&meter);
            return;
        }
        if self.awaits_witness(now) {
            // It is tried again as soon as that is over.
            return;
        }
        if self.state.is_in_doubt() {
            return self.cannot_sell(now, meter, &VendRefusal::Doubt);
        }
        let Ok((vending, sts)) = self.vendable(meter) else { return };
        let max_u = vending.token_max_minor.saturating_mul(self.state.desk().u_per_minor());
        let in_money = sts.in_money;
        let flat = self.state.book().tariff_of(meter.0).flat_price();
        let price = flat.unwrap_or(0);
        if flat.is_none() && !in_money {
            return self.cannot_sell(now, meter, &VendRefusal::PriceVaries);
        }
        let mut left_u = self.vend_due_u(meter);
        while left_u > 0 {
            let part_u = left_u.min(max_u);
            left_u = left_u.saturating_sub(part_u);
            let Some(content) = self.content_for(in_money, part_u, price) else { break };
            let source = Source::Account { granted_minor: if left_u > 0 { covered_minor } else { granted_minor } };
            if let Err(refusal) = self.begin_sale(now, meter, source, None, content) {
                if matches!(refusal, VendRefusal::Lease(_)) && self.sell_stock(now, meter) {
                    left_u = self.vend_due_u(meter);
                    continue;
                }
                return self.cannot_sell(now, meter, &refusal);
            }
        }
        self.vending.unsold.remove(&meter);
    }

    /// Paid credit that cannot be sold is told once, and tried again later.
    fn cannot_sell(&mut self, now: u64, meter: MeterIx, refusal: &VendRefusal) {
        let told = self.vending.unsold.insert(meter, Some(refusal.clone())).flatten();
        if told.as_ref().map(std::mem::discriminant) != Some(std::mem::discriminant(refusal)) {
            self.event(DcuEvent::VendRefused { meter, refusal: refusal.clone() });
            if !matches!(refusal, VendRefusal::NoClock | VendRefusal::KeyChangeUnderWay(_)) {
                self.alarm(now, Some(meter), AlarmCode::VendingStopped);
            }
        }
        self.vending.retry_at.get_or_insert(now.saturating_add(wait_ns(self.again_s())));
    }

    pub(super) fn again_s(&self) -> u32 {
        self.config.vending.as_ref().map_or(3600, |vending| vending.policy.again_s)
    }

    /// Uses a minute up for this content, and asks the module once that is durable.
    pub(super) fn begin_sale(
        &mut self,
        now: u64,
        meter: MeterIx,
        source: Source,
        asked: Option<Ask>,
        (said, worth_u): (Said, i64),
    ) -> Result<VendId, VendRefusal> {
        let unix_minute = self.unix_ms(now).ok_or(VendRefusal::NoClock)?.div_euclid(MS_PER_MINUTE);
        let (vending, sts) = self.vendable(meter)?;
        let desk = self.state.desk();
        let changing = desk.meter(meter).and_then(|desk| desk.changing());
        if let Some(id) = changing.filter(|id| desk.sale(*id).is_some_and(|sale| !sale.has_left())) {
            return Err(VendRefusal::KeyChangeUnderWay(id));
        }
        let key = desk.meter_key(meter, sts).ok_or(VendRefusal::NoDecoder)?;
        let minutes = desk.minutes(meter, sts, vending.minutes_ahead_max.into());
        let (id, ask) = (desk.next_id(), ask_of(&said).ok_or(VendRefusal::Unfit)?);
        self.jitter = mix(self.jitter);
        let random = (self.jitter & 0x0F) as u8;
        let (_, used) = Vendor::new(minutes).prepare(&key, ask, unix_minute, Random::new(random), false)?;
        let minute = used.minute;
        self.note(now, Note::MinuteUsed { id, meter, source, asked, said, minute, random, worth_u });
        self.then(Next::Ask(id));
        Ok(id)
    }

    /// Records a note.
    pub(super) fn note(&mut self, now: u64, note: Note) {
        self.record(now, Entry::Vending(Box::new(note)));
    }

    /// Does this once everything recorded so far is durable.
    pub(super) fn then(&mut self, next: Next) {
        self.vending.next.push_back((self.state.last_record(), next));
    }

    /// Everything about selling that is due: by its record, by the clock.
    pub(super) fn run_vending(&mut self, now: u64) {
        if self.config.vending.is_none() || self.failing {
            return;
        }
        while let Some((_, next)) = self.vending.next.pop_front_if(|(record, _)| *record <= self.durable) {
            match next {
                Next::Ask(id) => self.ask_module(now, id),
                Next::Leave(id) => self.leave(id),
                Next::Payg(device, count) => self.payg_leave(device, count),
                Next::Tell(id) => self.tell_sale(id),
            }
        }
        self.check_questions(now);
        self.check_waits(now);
        if self.vending.retry_at.is_some_and(|at| at <= now) && self.clock_offset_ms.is_some() {
            // Also what a correction has granted without a payment.
            self.vending.retry_at = Some(now.saturating_add(wait_ns(self.again_s())));
            for meter in (0..self.fleet.len()).map(MeterIx) {
                self.sell_due(now, meter);
            }
            self.sell_days(now);
            self.fill_cache(now);
        }
        self.check_leases(now);
    }

    /// Something has changed that sales may have waited for.
    pub(super) fn sell_soon(&mut self, now: u64) {
        self.vending.retry_at = self.vending.retry_at.map(|at| at.min(now));
    }

    pub(super) fn vending_deadline(&self) -> Option<u64> {
        self.config.vending.as_ref()?;
        let asked = self.vending.asked.values().map(|question| question.until).min();
        let waits = self.vending.waits.next();
        let retry = self.vending.retry_at.filter(|_| self.clock_offset_ms.is_some());
        [asked, waits, retry].into_iter().flatten().min()
    }

    /// Minutes granted by the lessor. Acknowledged once they are durable.
    pub(super) fn take_lease(&mut self, now: u64, lease: crate::vending::LeaseNote) {
        if Some(lease.holder) != self.state.system_title() {
            return self.event(DcuEvent::LeaseRefused { id: lease.id });
        }
        if !self.state.desk().leases().contains(&lease) {
            self.note(now, Note::LeaseGranted(lease));
        }
        self.vending.low_told = None;
        self.vending.retry_at = Some(now);
        self.run_vending(now);
    }

    /// Tells when the leased minutes end soon, and again every day while nothing comes of it.
    fn check_leases(&mut self, now: u64) {
        let (Some(vending), Some(unix_ms)) = (&self.config.vending, self.unix_ms(now)) else { return };
        let days = i64::from(vending.lease_low_days);
        let nobody_asks = self.vending.sts.iter().all(Option::is_none) || self.state.system_title().is_none();
        let told = self.vending.low_told.is_some_and(|at| now.saturating_sub(at) < wait_ns(LOW_AGAIN_S));
        if told || nobody_asks {
            return;
        }
        let horizon = unix_ms.div_euclid(MS_PER_MINUTE).saturating_add(days.saturating_mul(MINUTES_PER_DAY));
        if self.state.desk().leases().iter().all(|lease| lease.to < horizon) {
            self.vending.low_told = Some(now);
            self.alarm(now, None, AlarmCode::LeaseLow);
        }
    }

    fn tell_sale(&mut self, id: VendId) {
        if let Some(sale) = self.state.desk().sale(id) {
            let (meter, fate) = (sale.meter, sale.fate);
            self.event(DcuEvent::TokenSettled { meter, id, fate });
        }
    }
}

/// All credit that a meter should have been given by now, minor units.
pub(super) fn granted_minor(state: &State, meter: MeterIx) -> i64 {
    state.book().account(meter.0).map_or(0, |account| account.granted_minor())
}

/// As the vendor is asked.
fn ask_of(said: &Said) -> Option<sts::vend::Ask> {
    let service = Service::Electricity;
    Some(match *said {
        Said::Money { sign_and_exponent, field } => {
            sts::vend::Ask::Money(service, Money::from_fields(sign_and_exponent, field))
        }
        Said::Energy { field } => sts::vend::Ask::Credit(service, Amount::from_field(field)),
        Said::ClearTamper => sts::vend::Ask::Order(sts::Order::ClearTamper(0)),
        Said::MaxPower { field } => sts::vend::Ask::Order(sts::Order::MaxPower(Amount::from_field(field))),
        Said::KeyChange { .. } => return None,
    })
}
