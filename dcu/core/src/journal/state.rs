//! The durable state and the fold that makes it.

use super::{Entry, Floor, Gaps, Lineage, Record, StoredMaps, counts::Counts};
use crate::{
    MeterIx,
    billing::{Amendable, Amendment, Answer, Asked, Book, Credit, Debit, Fees, Settling, Told},
    campaign::ImageCampaign,
    config::{CreditAt, DcuConfig, MeterEntry},
    fetch::Inbox,
    ledger::{Before, Cause, Leaf, Ledger},
    outage::{Ending, OutageNote, Outages, Place},
    reading::Reading,
    relay::{Basis, CloudOrder, Orders, Relay, RelayOrder},
    uplink::{AlarmCode, Outbox, Up},
    vending::{Desk, Note},
};
use serde::{Deserialize, Serialize};

/// A clock that steps back by more periods than this was wrong before: counting starts anew.
const CLOCK_STEP_PERIODS_MAX: u32 = 48;

/// What the DCU knows and must not forget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    credit_at: CreditAt,
    backfill_horizon_periods: u32,
    boot: u32,
    last_record: u64,
    book: Book,
    asked: Asked,
    meters: Vec<MeterState>,
    outbox: Outbox,
    counts: Counts,
    maps: StoredMaps,
    title: Option<[u8; 8]>,
    campaign: Option<ImageCampaign>,
    orders: Orders,
    ledger: Ledger,
    inbox: Inbox,
    desk: Desk,
    payments_late_s: u32,
    in_doubt: bool,
    outages: Outages,
    lineage: Lineage,
}

/// What is remembered of one meter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MeterState {
    /// Live readings so far.
    pub sequence: u32,
    /// Newest period with a live reading.
    pub last_period: Option<u32>,
    /// Periods without a reading.
    pub gaps: Gaps,
    /// The relay as last seen.
    pub relay_seen: Option<Relay>,
    /// The cloud's order that is not confirmed yet.
    pub order: Option<CloudOrder>,
    /// Highest order taken.
    pub order_last: u64,
    /// Cumulative credit that the meter is known to hold, minor units.
    pub credit_delivered_minor: i64,
    /// Invocation counters below this may have been used in messages to it.
    pub counter_bound: u32,
    /// Its messages before this are old ones sent again.
    pub floor: Option<Floor>,
    /// Alarm bits that it has told and does not know to have been taken.
    pub alarm_bits: u32,
}

/// What applying a record brought about: the caller turns it into events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Nothing to tell.
    Quiet,
    /// A reading was stored.
    Reading {
        /// The first live one of its period.
        first_of_period: bool,
        /// What was billed, where the DCU bills.
        debit: Option<Debit>,
        /// Periods before it that turned out missing, as a range.
        missed: Option<(u32, u32)>,
    },
    /// A payment was booked.
    Credit(Credit),
    /// A payment was recorded for the cloud to credit.
    Forwarded,
    /// Days were charged.
    Fees(Fees),
    /// A correction, a refund, a loan.
    Amended(Amendable),
    /// A receipt was settled.
    Settled(Settling),
}

impl MeterState {
    /// The order is newer than all before, or renews the one that stands.
    #[must_use]
    pub fn takes_order(&self, number: u64, relay: Relay, basis: Option<Basis>) -> bool {
        number > self.order_last || self.order.is_some_and(|standing| standing.is_renewed_by(number, relay, basis))
    }
}

impl State {
    /// Before the first record.
    #[must_use]
    pub fn new(config: &DcuConfig, meters: &[MeterEntry]) -> Self {
        let accounts = meters.iter().map(|m| (m.account.as_str(), m.opening_balance_minor));
        let devices = config.vending.as_ref().map_or(&[][..], |vending| &vending.devices);
        let accounts = accounts.chain(devices.iter().map(|device| (device.account.as_str(), 0)));
        Self {
            credit_at: config.traits.credit_at,
            backfill_horizon_periods: config.backfill_horizon_s.checked_div(config.reading_period_s).unwrap_or(0),
            boot: 0,
            last_record: 0,
            book: Book::new(&config.tariff, accounts).at_offset(config.utc_offset_s),
            asked: Asked::default(),
            meters: vec![MeterState::default(); meters.len()],
            outbox: Outbox::new(config.uplink.urgent_max, config.uplink.readings_max),
            counts: Counts::default(),
            campaign: None,
            maps: StoredMaps::default(),
            title: None,
            orders: Orders::new(meters.len()),
            ledger: Ledger::new(config.traits.credit_at, meters.iter().map(|m| m.id.as_str())),
            inbox: Inbox::default(),
            desk: Desk::new(config, meters),
            payments_late_s: 0,
            in_doubt: false,
            outages: Outages::default(),
            lineage: Lineage::default(),
        }
    }

    /// Number of the boot, from 1; 0 before any.
    #[must_use]
    pub const fn boot(&self) -> u32 {
        self.boot
    }

    /// Records may be missing that concern money, relays or keys, and no operator has set that right yet.
    #[must_use]
    pub const fn is_in_doubt(&self) -> bool {
        self.in_doubt
    }

    /// Whether this is the journal that the cloud knows.
    #[must_use]
    pub const fn lineage(&self) -> &Lineage {
        &self.lineage
    }

    /// Number of the last record.
    #[must_use]
    pub const fn last_record(&self) -> u64 {
        self.last_record
    }

    /// The accounts.
    #[must_use]
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// Amendments asked of the cloud, where that keeps the accounts.
    #[must_use]
    pub const fn asked(&self) -> &Asked {
        &self.asked
    }

    /// How late payments came when last noted, seconds; 0: in time.
    #[must_use]
    pub const fn payments_late_s(&self) -> u32 {
        self.payments_late_s
    }

    /// What waits for the cloud.
    #[must_use]
    pub const fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// One meter.
    #[must_use]
    pub fn meter(&self, meter: MeterIx) -> Option<&MeterState> {
        self.meters.get(meter.at())
    }

    /// All meters, by index.
    #[must_use]
    pub fn meters(&self) -> &[MeterState] {
        &self.meters
    }

    /// The system title to which the counters belong; `None` before there was any entropy.
    #[must_use]
    pub const fn system_title(&self) -> Option<[u8; 8]> {
        self.title
    }

    /// Tokens: leases, sales and their fate.
    #[must_use]
    pub const fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Outages: tickets and the sums for the indices.
    #[must_use]
    pub const fn outages(&self) -> &Outages {
        &self.outages
    }

    /// Object maps, by firmware.
    #[must_use]
    pub const fn maps(&self) -> &StoredMaps {
        &self.maps
    }

    /// The image campaign ordered last.
    #[must_use]
    pub const fn campaign(&self) -> Option<&ImageCampaign> {
        self.campaign.as_ref()
    }

    /// How far the fetching of payments has got.
    #[must_use]
    pub const fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// Meters with a reading (live or back-filled) for the period.
    #[must_use]
    pub fn readings_in(&self, period: u32) -> u32 {
        self.counts.of(period)
    }

    /// Orders of relays, and what they rest on.
    #[must_use]
    pub const fn orders(&self) -> &Orders {
        &self.orders
    }

    /// The ledger's edge and promises.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// As [`Self::apply`], for a record that nobody needs any more: a checkpoint is moved in, not copied.
    pub fn take(&mut self, record: Record) -> Applied {
        match record.entry {
            Entry::Checkpoint(state) if self.last_record != state.last_record => {
                *self = Self { last_record: record.number, ..*state };
                Applied::Quiet
            }
            _ => self.apply(&record),
        }
    }

    /// Takes one record. Records must come in order; a checkpoint may come first.
    pub fn apply(&mut self, record: &Record) -> Applied {
        self.apply_to(record, &mut Vec::new())
    }

    /// The same; the ledger's leaves that follow from the record are appended to `leaves`.
    pub fn apply_to(&mut self, record: &Record, leaves: &mut Vec<Leaf>) -> Applied {
        let before = self.before(&record.entry);
        let applied = self.fold(record);
        let cause = Cause { record, before, applied: &applied, book: &self.book, desk: &self.desk };
        self.ledger.take(&cause, leaves);
        applied
    }

    fn before(&self, entry: &Entry) -> Before {
        match entry {
            Entry::RelaySeen { meter, .. } | Entry::CreditDelivered { meter, .. } => {
                let seen = self.meters.get(meter.at());
                Before {
                    relay: seen.and_then(|m| m.relay_seen),
                    delivered_minor: seen.map_or(0, |m| m.credit_delivered_minor),
                    ..Before::default()
                }
            }
            Entry::RelayOrdered(RelayOrder { meter, .. }) | Entry::OrderRefused { meter, .. } => {
                let standing = self.meters.get(meter.at()).and_then(|m| m.order);
                Before { basis: standing.and_then(|order| order.basis), ..Before::default() }
            }
            Entry::Resolved { id, .. } => {
                let found = self.book.suspended(id);
                let totals = self.book.totals();
                Before { suspended_minor: found.map_or(0, |p| p.amount_minor), totals, ..Before::default() }
            }
            Entry::Payment { .. } => Before { totals: self.book.totals(), ..Before::default() },
            _ => Before::default(),
        }
    }

    fn fold(&mut self, record: &Record) -> Applied {
        let before = self.last_record;
        let number = record.number;
        self.last_record = number;
        let unix_ms = record.stamp.unix_ms.unwrap_or(0);
        match &record.entry {
            Entry::Boot { tariff } => {
                self.boot = record.stamp.boot;
                self.lineage.boot(number);
                self.book.set_tariff((**tariff).clone());
                Applied::Quiet
            }
            Entry::Reading(reading) => {
                self.orders.take_reading(reading.meter, (&record.stamp).into());
                self.apply_reading(number, unix_ms, *reading)
            }
            Entry::Backfilled { meter, from, to, found } => {
                if self.credit_at == CreditAt::Dcu {
                    let rows = found.iter().map(|row| (row.register_wh, i64::from(row.at_unix_s).saturating_mul(1000)));
                    self.book.late_rows(meter.0, rows);
                }
                if let Some(state) = self.meters.get_mut(meter.at()) {
                    for row in found.iter().filter(|row| state.gaps.contains(row.period)) {
                        self.counts.add(row.period);
                        self.outbox.push_reading(number, *row);
                    }
                    state.gaps.settle(*from, *to);
                }
                Applied::Quiet
            }
            Entry::Payment { .. } | Entry::Resolved { .. } | Entry::DayFee { .. } => self.apply_money(record, unix_ms),
            Entry::Ordered { .. }
            | Entry::OrderDated { .. }
            | Entry::OrderRefused { .. }
            | Entry::RelaySeen { .. }
            | Entry::CreditDelivered { .. } => {
                self.apply_done(number, unix_ms, &record.entry);
                Applied::Quiet
            }
            Entry::Acked { lane, from, to } => {
                self.outbox.ack(*lane, *from, *to);
                Applied::Quiet
            }
            Entry::RelayOrdered(_)
            | Entry::OpeningsAllowed
            | Entry::LedgerSigned { .. }
            | Entry::PromiseBroken { .. }
            | Entry::JournalDoubted { .. }
            | Entry::DoubtEnded
            | Entry::Witnessed { .. } => {
                self.apply_accounted(record, unix_ms);
                Applied::Quiet
            }
            Entry::TariffChanged(_)
            | Entry::TariffStarted
            | Entry::Amended(_)
            | Entry::AmendDeclined { .. }
            | Entry::AmendAsked(_)
            | Entry::AmendTold(_)
            | Entry::ClassesSet(_)
            | Entry::Classed { .. }
            | Entry::Subscribed { .. }
            | Entry::ReceiptSettled { .. }
            | Entry::PaymentsLate { .. } => self.apply_terms(number, record.stamp.unix_ms, &record.entry),
            Entry::Alarm { meter, code } => {
                if *code == AlarmCode::MassDisconnection {
                    self.orders.stop((&record.stamp).into());
                }
                if let (AlarmCode::LeaseLow, Some(title)) = (code, self.title) {
                    self.outbox.push_urgent(number, Up::LeaseWanted { title });
                }
                self.outbox.push_urgent(number, Up::Alarm { meter: *meter, code: *code, unix_ms });
                Applied::Quiet
            }
            Entry::CounterReserved { .. } | Entry::MeterAlarm { .. } | Entry::AlarmConfirmed { .. } => {
                self.apply_spoken(number, unix_ms, &record.entry);
                Applied::Quiet
            }
            Entry::TitleTaken { title } => {
                self.title = Some(*title);
                Applied::Quiet
            }
            Entry::MapLearned { .. } | Entry::ImageOrdered(_) | Entry::ImageAt { .. } | Entry::ImageCancelled => {
                self.apply_firmware(number, &record.entry);
                Applied::Quiet
            }
            Entry::FetchSession { .. } | Entry::FetchMoved { .. } => {
                self.inbox.apply(&record.entry);
                Applied::Quiet
            }
            Entry::Vending(note) => {
                self.apply_vending((number, unix_ms), note);
                Applied::Quiet
            }
            Entry::Outage(note) => {
                self.apply_outage(record, note);
                Applied::Quiet
            }
            Entry::Checkpoint(state) => {
                // The one that a journal begins with; later ones say what is known.
                if before != state.last_record {
                    *self = Self { last_record: number, ..(**state).clone() };
                }
                Applied::Quiet
            }
        }
    }

    /// Money that came, was found its account, or fell due.
    fn apply_money(&mut self, record: &Record, unix_ms: i64) -> Applied {
        let number = record.number;
        match &record.entry {
            Entry::Payment { payment, local } => {
                let arrived = record.stamp.unix_ms;
                let outcome = (self.credit_at != CreditAt::Cloud).then(|| self.book.credit_at(payment, arrived));
                let fresh = !matches!(outcome, Some(Credit::Duplicate | Credit::Refused));
                if *local && fresh {
                    self.outbox.push_urgent(number, Up::PaymentSeen(payment.clone()));
                }
                let Some(outcome) = outcome else {
                    if let Some(account) = self.book.find(&payment.account) {
                        self.orders.take_payment(MeterIx(account), Some(unix_ms).filter(|at| *at != 0));
                    }
                    return Applied::Forwarded;
                };
                self.tell_credit(number, unix_ms, &payment.key, payment.amount_minor, outcome);
                Applied::Credit(outcome)
            }
            Entry::Resolved { id, account } => {
                let amount = self.book.suspended(id).map_or(0, |p| p.amount_minor);
                let outcome = self.book.resolve(id, *account, record.stamp.unix_ms);
                self.tell_credit(number, unix_ms, &id.key, amount, outcome);
                Applied::Credit(outcome)
            }
            Entry::DayFee { day } => {
                let fees = self.book.charge_until(*day);
                if let Fees::ClockLeap { .. } = fees {
                    self.outbox.push_urgent(number, Up::Alarm { meter: None, code: AlarmCode::ClockLeap, unix_ms });
                }
                Applied::Fees(fees)
            }
            _ => Applied::Quiet,
        }
    }

    /// What is recorded for others to see.
    fn apply_accounted(&mut self, record: &Record, unix_ms: i64) {
        match &record.entry {
            Entry::RelayOrdered(order) => self.orders.take_order(order, (&record.stamp).into()),
            Entry::OpeningsAllowed => self.orders.allow(),
            Entry::LedgerSigned { note, .. } => {
                self.outbox.push_urgent(record.number, Up::Promised { note: note.clone() });
            }
            Entry::PromiseBroken { .. } => {
                let code = AlarmCode::LedgerRolledBack;
                self.outbox.push_urgent(record.number, Up::Alarm { meter: None, code, unix_ms });
            }
            Entry::JournalDoubted { .. } => {
                self.in_doubt = true;
                // Counters may have been used that nobody remembers: they belong to a title that is given up.
                self.title = None;
                let code = AlarmCode::JournalDamaged;
                self.outbox.push_urgent(record.number, Up::Alarm { meter: None, code, unix_ms });
            }
            Entry::DoubtEnded => self.in_doubt = false,
            Entry::Witnessed { epoch } => self.lineage.heard(*epoch),
            _ => {}
        }
    }

    /// Tokens. Every minute used is reported, so that one used twice is found.
    fn apply_vending(&mut self, at: (u64, i64), note: &Note) {
        self.desk.apply(note);
        if let Note::MinuteUsed { id, meter, minute, said, worth_u, random, .. } = note
            && *minute != 0
        {
            let digest = crate::vending::use_digest(*id, said, *worth_u, *random, at);
            self.outbox.push_urgent(at.0, Up::MinuteUsed { meter: *meter, minute: *minute, digest });
        }
    }

    /// Outages. A fault goes up once, however many meters are behind it; so does its end.
    fn apply_outage(&mut self, record: &Record, note: &OutageNote) {
        let unix_ms = record.stamp.unix_ms;
        let place = match note {
            OutageNote::Closed { ticket, .. } => self.outages.open().get(ticket).map(|ticket| ticket.place.clone()),
            _ => None,
        };
        self.outages.apply(record.number, unix_ms, note);
        let (code, place) = match (note, &place) {
            (OutageNote::Opened { place: Place::Unknown(_), .. }, _) => (AlarmCode::OutageUnplaced, None),
            (OutageNote::Opened { place, .. }, _) => (AlarmCode::OutageFound, Some(place)),
            (OutageNote::Closed { how: Ending::Restored | Ending::Withdrawn, .. }, place) => {
                (AlarmCode::OutageOver, place.as_ref())
            }
            _ => return,
        };
        let meter = place.and_then(|place| if let Place::Service(meter) = place { Some(*meter) } else { None });
        self.outbox.push_urgent(record.number, Up::Alarm { meter, code, unix_ms: unix_ms.unwrap_or(0) });
    }

    /// What changes accounts besides payments and consumption.
    fn apply_terms(&mut self, number: u64, at_ms: Option<i64>, entry: &Entry) -> Applied {
        match entry {
            Entry::TariffChanged(tariff) => self.book.take_tariff((**tariff).clone(), at_ms),
            Entry::TariffStarted => {
                self.book.start_tariff();
            }
            Entry::Amended(amendment) => {
                let outcome = self.book.amend(amendment, at_ms);
                if let Amendable::Done { amount_minor, balance_minor, .. } = outcome {
                    self.tell_amended(number, amendment, Told::Done { amount_minor, balance_minor });
                }
                return Applied::Amended(outcome);
            }
            Entry::AmendDeclined { amendment, error } => {
                self.book.decline(amendment, *error);
                self.tell_amended(number, amendment, Told::Refused(*error));
            }
            Entry::AmendAsked(amendment) => {
                self.asked.ask(amendment);
                self.outbox.push_urgent(number, Up::Amend(Box::new(amendment.clone())));
            }
            Entry::ClassesSet(classes) => self.book.set_classes(classes, at_ms),
            Entry::Classed { account, class, change } => {
                self.book.classify(*account, class, at_ms, *change);
            }
            Entry::AmendTold(answer) => {
                self.asked.hear(answer);
            }
            Entry::Subscribed { account, watts } => {
                self.book.subscribe(*account, *watts);
            }
            Entry::ReceiptSettled { id, how } => return Applied::Settled(self.book.settle_receipt(id, how, at_ms)),
            Entry::PaymentsLate { late_s } => self.payments_late_s = *late_s,
            _ => {}
        }
        Applied::Quiet
    }

    fn tell_amended(&mut self, number: u64, amendment: &Amendment, told: Told) {
        let answer = Answer { amendment: amendment.clone(), told };
        self.outbox.push_urgent(number, Up::Amended(Box::new(answer)));
    }

    /// What was ordered of a meter, and what it has done.
    fn apply_done(&mut self, number: u64, unix_ms: i64, entry: &Entry) {
        match entry {
            Entry::Ordered { order, meter, relay } => self.take_cloud_order(*meter, *order, *relay, None),
            Entry::OrderDated { order, meter, relay, basis } => {
                self.take_cloud_order(*meter, *order, *relay, Some(*basis));
            }
            Entry::OrderRefused { order, meter, why } => {
                let standing = self.meters.get_mut(meter.at()).and_then(|m| m.order.as_mut());
                let Some(standing) = standing.filter(|standing| standing.number == *order) else { return };
                standing.refused = Some(*why);
                // A cloud that does not date its orders does not know this message either.
                if let Some(Basis { data_unix_ms, .. }) = standing.basis {
                    let (meter, order, why) = (*meter, *order, *why);
                    self.outbox.push_urgent(number, Up::OrderRefused { meter, order, why, data_unix_ms, unix_ms });
                }
            }
            Entry::RelaySeen { meter, relay, order } => {
                self.orders.take_seen(*meter, *relay);
                if let Some(state) = self.meters.get_mut(meter.at()) {
                    state.relay_seen = Some(*relay);
                    if order.is_some() && state.order.map(|standing| standing.number) == *order {
                        state.order = None;
                    }
                    let (closed, sequence) = (relay.is_closed(), state.sequence);
                    let message = Up::RelayState { meter: *meter, closed, order: *order, sequence, unix_ms };
                    self.outbox.push_urgent(number, message);
                }
            }
            Entry::CreditDelivered { meter, total_minor } => {
                if let Some(state) = self.meters.get_mut(meter.at()) {
                    state.credit_delivered_minor = *total_minor;
                    let message = Up::CreditDelivered { meter: *meter, total_minor: *total_minor };
                    self.outbox.push_urgent(number, message);
                }
            }
            _ => {}
        }
    }

    fn take_cloud_order(&mut self, meter: MeterIx, number: u64, relay: Relay, basis: Option<Basis>) {
        let Some(state) = self.meters.get_mut(meter.at()) else { return };
        if state.takes_order(number, relay, basis) {
            state.order_last = number.max(state.order_last);
            state.order = Some(CloudOrder { number, relay, basis, refused: None });
        }
    }

    /// What meters run, and are to run.
    fn apply_firmware(&mut self, number: u64, entry: &Entry) {
        match (entry, &mut self.campaign) {
            (Entry::MapLearned { firmware, map }, _) => self.maps.learn(firmware, map),
            (Entry::ImageOrdered(order), campaign) => *campaign = Some(ImageCampaign::new(number, order)),
            (Entry::ImageAt { meter, state }, Some(campaign)) => campaign.put(*meter, *state),
            (Entry::ImageCancelled, Some(campaign)) => campaign.cancel(),
            _ => {}
        }
    }

    /// What the DCU and a meter have said to each other.
    fn apply_spoken(&mut self, number: u64, unix_ms: i64, entry: &Entry) {
        let meters = &mut self.meters;
        match *entry {
            Entry::CounterReserved { meter, bound } => {
                if let Some(state) = meters.get_mut(meter.at()) {
                    // Whatever the order of records, a bound never goes back.
                    state.counter_bound = state.counter_bound.max(bound);
                }
            }
            Entry::MeterAlarm { meter, bits, floor } => {
                if let Some(state) = meters.get_mut(meter.at()) {
                    state.alarm_bits |= bits;
                    state.floor = floor.or(state.floor);
                    self.outbox.push_urgent(number, Up::MeterAlarm { meter, bits, unix_ms });
                }
            }
            Entry::AlarmConfirmed { meter, bits, floor } => {
                if let Some(state) = meters.get_mut(meter.at()) {
                    state.alarm_bits &= !bits;
                    state.floor = floor.or(state.floor);
                }
            }
            _ => {}
        }
    }

    fn apply_reading(&mut self, number: u64, unix_ms: i64, reading: Reading) -> Applied {
        let Some(state) = self.meters.get_mut(reading.meter.at()) else { return Applied::Quiet };
        // A newest period that lies days ahead is the trace of a clock that was wrong and has been put right.
        let newest = state.last_period.filter(|last| last.saturating_sub(reading.period) <= CLOCK_STEP_PERIODS_MAX);
        let first_of_period = newest.is_none_or(|last| reading.period > last);
        let mut missed = None;
        if first_of_period {
            if let Some(last) = newest {
                let (from, to) = (last.saturating_add(1), reading.period.saturating_sub(1));
                missed = (from <= to).then_some((from, to));
                state.gaps.push(from, to);
                state.gaps.forget_before(reading.period.saturating_sub(self.backfill_horizon_periods));
            }
            state.last_period = Some(reading.period);
            self.counts.add(reading.period);
        }
        state.sequence = reading.sequence;
        self.outbox.push_reading(number, reading);
        let debit = match self.credit_at {
            CreditAt::Dcu => {
                let at_ms = i64::from(reading.at_unix_s).saturating_mul(1000);
                Some(self.book.debit_at(reading.meter.0, reading.sequence, reading.register_wh, Some(at_ms)))
            }
            CreditAt::Cloud | CreditAt::Meter => None,
        };
        if let Some(Debit::Backward { .. }) = debit {
            let code = AlarmCode::RegisterBackward;
            self.outbox.push_urgent(number, Up::Alarm { meter: Some(reading.meter), code, unix_ms });
        }
        Applied::Reading { first_of_period, debit, missed }
    }

    fn tell_credit(&mut self, number: u64, unix_ms: i64, key: &str, amount_minor: i64, outcome: Credit) {
        let message = match outcome {
            Credit::Credited { account, balance_minor } | Credit::Ahead { account, balance_minor } => {
                self.orders.take_payment(MeterIx(account), None);
                Up::Credited { key: key.to_owned(), account, amount_minor, balance_minor, unix_ms }
            }
            Credit::Suspended => Up::Suspended { key: key.to_owned() },
            Credit::Conflict => Up::Alarm { meter: None, code: AlarmCode::PaymentConflict, unix_ms },
            Credit::Duplicate | Credit::Unproven | Credit::Refused => return,
        };
        self.outbox.push_urgent(number, message);
    }
}
