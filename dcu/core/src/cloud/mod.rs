//! The far end of the uplink: what the operator's cloud does with a site.
//!
//! [`Cloud`] is the reference counterpart of the DCU's uplink and, where credit is kept in the cloud, the party that
//! decides: the same [`Book`] bills the readings that arrive and orders relays by number. Everywhere else it passes
//! payments on until the DCU has acknowledged them. Sans-I/O like the DCU: mutate once, drain
//! [`Cloud::poll_output`] until [`CloudOutput::Timeout`]. What it knows is assumed to survive (a database).
//!
//! What trips the user: an order counts as outstanding until the meter's output state confirms it; while one is
//! outstanding no other is given for the same meter, except when the decision changes. A relay that is found in the
//! wrong state with no order outstanding (a meter that booted open) gets a new order.

mod amends;
mod downlink;
mod leases;
mod orders;
mod output;
mod periods;
mod witness;

use std::collections::VecDeque;

use self::{downlink::Downlink, leases::Leases, orders::Given, periods::PeriodSet, witness::Witness};
pub use self::{
    leases::LeasePolicy,
    output::{CloudConfig, CloudEvent, CloudOutput},
};
use crate::{
    MeterIx,
    billing::{Asked, Book, ClassRefusal, Credit, Debit, Settled, TariffRefusal},
    config::{CreditAt, LocalTime, MeterEntry, Tariff, tariff::DAY_MS},
    dcu::{NS_PER_MS, output::LinkState},
    payment::Payment,
    reading::Reading,
    relay::Relay,
    uplink::{AlarmCode, Down, DownFrame, Up, UpFrame},
};

/// What the cloud knows of one meter.
#[derive(Clone, Debug, Default)]
struct Remote {
    periods: PeriodSet,
    /// Relay as last reported, and the number of the reading that goes with it.
    seen: Option<(u32, Relay)>,
    /// The newest live reading: its number, and when it was taken, Unix ms by the clock of the site.
    read: Option<(u32, i64)>,
    /// The order that is not confirmed yet.
    order: Option<Given>,
}

/// The cloud's side of one site.
#[derive(Debug)]
pub struct Cloud {
    config: CloudConfig,
    book: Book,
    asked: Asked,
    remotes: Vec<Remote>,
    orders: u64,
    downlink: Downlink,
    clock_offset_ms: Option<i64>,
    /// The instant of the last call, ns.
    now: u64,
    /// Highest version of a tariff taken.
    versions: u32,
    /// Changes of class ordered so far.
    class_changes: u64,
    /// When the clock next changes a decision, Unix ms.
    judge_at_ms: Option<i64>,
    readings: u64,
    witness: Witness,
    outputs: VecDeque<CloudOutput>,
    leases: Option<Leases>,
}

impl Cloud {
    /// A cloud that knows these meters, in the DCU's order.
    #[must_use]
    pub fn new(config: CloudConfig, meters: &[MeterEntry]) -> Self {
        let accounts = meters.iter().map(|m| (m.account.as_str(), m.opening_balance_minor));
        let mut book = Book::new(&config.tariff, accounts).at_offset(config.utc_offset_s);
        book.set_classes(&config.classes, None);
        let versions = config.classes.tariffs.iter().map(|tariff| tariff.version);
        Self {
            versions: versions.fold(config.tariff.version, u32::max),
            class_changes: 0,
            book,
            asked: Asked::default(),
            now: 0,
            judge_at_ms: None,
            remotes: vec![Remote::default(); meters.len()],
            orders: 0,
            downlink: Downlink::new(config.resend_ms, config.window),
            clock_offset_ms: None,
            readings: 0,
            witness: Witness::default(),
            outputs: VecDeque::new(),
            leases: config.leases.map(Leases::new),
            config,
        }
    }

    /// The accounts (of no meaning where credit is kept elsewhere).
    #[must_use]
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// Readings held, one per meter and period.
    #[must_use]
    pub const fn readings(&self) -> u64 {
        self.readings
    }

    /// A reading of this meter for this period has arrived.
    #[must_use]
    pub fn has_reading(&self, meter: MeterIx, period: u32) -> bool {
        self.remotes.get(meter.at()).is_some_and(|r| r.periods.contains(period))
    }

    /// The relay as last reported.
    #[must_use]
    pub fn relay_seen(&self, meter: MeterIx) -> Option<Relay> {
        self.remotes.get(meter.at())?.seen.map(|(_, relay)| relay)
    }

    /// The order that is given and not confirmed.
    #[must_use]
    pub fn order(&self, meter: MeterIx) -> Option<(u64, Relay)> {
        self.remotes.get(meter.at())?.order.map(|given| (given.number, given.relay))
    }

    /// Frames that the DCU has not acknowledged.
    #[must_use]
    pub fn downlink_len(&self) -> usize {
        self.downlink.len()
    }

    /// The wall clock (the cloud's is right, so once is enough).
    pub fn handle_clock(&mut self, now: u64, unix_ms: i64) {
        self.now = now;
        let elapsed_ms = i64::try_from(now / NS_PER_MS).unwrap_or(i64::MAX);
        self.clock_offset_ms = Some(unix_ms.saturating_sub(elapsed_ms));
        self.run(now);
    }

    /// The link to the site went up or down.
    pub fn handle_link(&mut self, now: u64, link: LinkState) {
        self.downlink.handle_link(link == LinkState::Up);
        self.flush(now);
    }

    /// One frame from the DCU.
    pub fn handle_receive(&mut self, now: u64, frame: &[u8]) {
        self.now = now;
        match UpFrame::decode(frame) {
            Ok(UpFrame { sequence, body }) => {
                if let Up::Ack(acknowledged) = body {
                    self.downlink.arrived(acknowledged);
                } else {
                    self.take(now, body);
                    // What comes without a number wants no acknowledgement.
                    if sequence > 0 {
                        self.send_now(&DownFrame { sequence: 0, body: Down::Ack(sequence) });
                    }
                }
            }
            Err(error) => self.event(CloudEvent::BadFrame(error)),
        }
        self.flush(now);
    }

    /// The provider's callback, or an agent's receipt entered at the operator's.
    pub fn handle_payment(&mut self, now: u64, payment: Payment) {
        self.now = now;
        if self.vends_here() {
            self.credit(&payment);
        } else {
            self.downlink.push(Down::Payment(payment));
        }
        self.flush(now);
    }

    /// The operator changes prices: here and at the DCU. Version 0 gets the next number. What is refused is told by
    /// [`CloudEvent::TariffRefused`], and goes nowhere.
    pub fn handle_tariff(&mut self, now: u64, tariff: Tariff) {
        self.now = now;
        let version = if tariff.version == 0 { self.versions.saturating_add(1) } else { tariff.version };
        let tariff = Tariff { version, ..tariff };
        let unix_ms = self.unix_ms();
        let needs_flat = self.config.traits.credit_at == CreditAt::Meter && !tariff.suits_meters();
        let judged =
            if needs_flat { Err(TariffRefusal::NeedsFlatPrice) } else { self.book.judge_tariff(&tariff, unix_ms) };
        match judged {
            Ok(_) => {
                self.versions = version;
                self.book.take_tariff(tariff.clone(), unix_ms);
                self.downlink.push(Down::TariffChange(Box::new(tariff)));
                self.reconsider_all();
            }
            Err(refusal) => self.event(CloudEvent::TariffRefused(refusal)),
        }
        self.flush(now);
    }

    /// Puts an account under the tariff of a class (empty: the site's own) from now on: here and at the DCU.
    ///
    /// # Errors
    /// [`ClassRefusal`]; nothing was changed.
    pub fn classify(&mut self, now: u64, account: u32, class: &str) -> Result<(), ClassRefusal> {
        self.now = now;
        self.book.judge_class(account, class, self.config.traits.credit_at == CreditAt::Meter)?;
        self.class_changes = self.class_changes.saturating_add(1);
        self.book.classify(account, class, self.unix_ms(), self.class_changes);
        let class = class.to_owned();
        self.downlink.push(Down::Classify { change: self.class_changes, account, class });
        self.reconsider(MeterIx(account));
        self.flush(now);
        Ok(())
    }

    /// The deadline has come.
    pub fn handle_timeout(&mut self, now: u64) {
        self.run(now);
    }

    /// The next output. Drain until [`CloudOutput::Timeout`].
    pub fn poll_output(&mut self) -> CloudOutput {
        self.outputs.pop_front().unwrap_or_else(|| CloudOutput::Timeout(self.deadline()))
    }

    fn run(&mut self, now: u64) {
        self.now = now;
        self.check_terms();
        if self.config.traits.credit_at == CreditAt::Cloud
            && let Some(day) = self.local().map(LocalTime::day)
            && self.book.fee_is_due(day)
        {
            self.book.charge_until(day);
            self.reconsider_all();
        }
        self.flush(now);
    }

    fn deadline(&self) -> Option<u64> {
        let offset_ms = i64::from(self.config.utc_offset_s).saturating_mul(1000);
        let fee = self.book.fee_day().zip(self.clock_offset_ms).map(|(day, clock)| {
            let unix_ms = day.saturating_add(1).saturating_mul(DAY_MS).saturating_sub(offset_ms);
            u64::try_from(unix_ms.saturating_sub(clock)).unwrap_or(0).saturating_mul(NS_PER_MS)
        });
        [fee, self.terms_due(), self.downlink.deadline()].into_iter().flatten().min()
    }

    /// When an announced tariff begins, a receipt runs out, or the clock may change a decision, ns.
    fn terms_due(&self) -> Option<u64> {
        let terms = [self.book.tariff_due_unix_ms(), self.book.receipt_due_unix_ms(), self.judge_at_ms];
        let due_ms = terms.into_iter().flatten().min()?.saturating_sub(self.clock_offset_ms?);
        Some(u64::try_from(due_ms).unwrap_or(0).saturating_mul(NS_PER_MS))
    }

    fn check_terms(&mut self) {
        let Some(unix_ms) = self.unix_ms() else { return };
        while self.book.tariff_due_unix_ms().is_some_and(|due| due <= unix_ms) {
            self.book.start_tariff();
            self.reconsider_all();
        }
        while let Some(id) = self.book.expired_receipt(unix_ms).cloned() {
            self.book.settle_receipt(&id, &Settled::Expired, Some(unix_ms));
            self.reconsider_all();
        }
        if self.judge_at_ms.is_some_and(|at| at <= unix_ms) {
            self.judge_at_ms = None;
            self.reconsider_all();
        }
    }

    fn unix_ms(&self) -> Option<i64> {
        let elapsed_ms = i64::try_from(self.now / NS_PER_MS).unwrap_or(i64::MAX);
        Some(self.clock_offset_ms?.saturating_add(elapsed_ms))
    }

    fn local(&self) -> Option<LocalTime> {
        Some(LocalTime::new(self.unix_ms()?, self.config.utc_offset_s))
    }

    fn take(&mut self, now: u64, message: Up) {
        match message {
            Up::Hello { .. } => {
                self.downlink.handle_link(true);
                self.repeat_orders();
                self.show_promise();
            }
            Up::Readings(readings) => readings.into_iter().for_each(|reading| self.take_reading(reading)),
            Up::RelayState { meter, closed, order, sequence, unix_ms: _ } => {
                self.see(meter, sequence, Relay::from_output_state(closed), order);
            }
            Up::Credited { key, account, amount_minor, balance_minor, unix_ms: _ } => {
                let meter = MeterIx(account);
                self.event(CloudEvent::CreditedAtDcu { meter, key, amount_minor, balance_minor });
            }
            Up::PaymentSeen(payment) => {
                if self.vends_here() {
                    self.credit(&payment);
                }
            }
            Up::Suspended { key } => self.event(CloudEvent::Suspended { key }),
            Up::Alarm { meter, code, unix_ms: _ } => self.event(CloudEvent::Alarm { meter, code }),
            Up::LeaseWanted { title } => self.lease_wanted(now, title),
            Up::MinuteUsed { meter, minute, digest } => self.minute_used(meter, minute, digest),
            Up::MeterAlarm { meter, bits, unix_ms: _ } => self.event(CloudEvent::MeterAlarm { meter, bits }),
            Up::Ack(_) => {}
            Up::Promised { note } => self.witness(&note),
            Up::Standing { asks: true, .. } => self.show_standing(),
            Up::Standing { asks: false, standing } => self.keep_standing(standing),
            Up::Amend(amendment) => self.take_amendment(&amendment),
            Up::Amended(answer) => self.take_answer(*answer),
            Up::OrderRefused { meter, order, why, data_unix_ms, unix_ms: _ } => {
                self.event(CloudEvent::OrderRefused { meter, order, why, data_unix_ms });
                self.reconsider(meter);
            }
            Up::CreditDelivered { meter, total_minor } => {
                self.event(CloudEvent::CreditDelivered { meter, total_minor });
            }
        }
    }

    fn take_reading(&mut self, reading: Reading) {
        let Reading { meter, period, .. } = reading;
        let Some(remote) = self.remotes.get_mut(meter.at()) else { return };
        if remote.periods.insert(period) {
            self.readings = self.readings.saturating_add(1);
            let backfilled = reading.is_backfilled();
            self.event(CloudEvent::ReadingStored { meter, period, backfilled });
        }
        if self.config.traits.credit_at != CreditAt::Cloud {
            return;
        }
        let at_ms = i64::from(reading.at_unix_s).saturating_mul(1000);
        if reading.is_backfilled() {
            self.book.late_rows(meter.0, [(reading.register_wh, at_ms)]);
            return;
        }
        if let Some(remote) = self.remotes.get_mut(meter.at()) {
            remote.take_read(reading.sequence, at_ms);
        }
        let debit = self.book.debit_at(meter.0, reading.sequence, reading.register_wh, Some(at_ms));
        if let Debit::Backward { .. } = debit {
            self.event(CloudEvent::Alarm { meter: Some(meter), code: AlarmCode::RegisterBackward });
        }
        if let Some(closed) = reading.relay_closed {
            self.see(meter, reading.sequence, Relay::from_output_state(closed), None);
        }
    }

    fn see(&mut self, meter: MeterIx, sequence: u32, relay: Relay, order: Option<u64>) {
        let Some(remote) = self.remotes.get_mut(meter.at()) else { return };
        if remote.seen.is_none_or(|(newest, _)| sequence >= newest) {
            remote.seen = Some((sequence, relay));
        }
        if let Some(Given { number, relay, .. }) = remote.order.filter(|given| order == Some(given.number)) {
            remote.order = None;
            self.event(CloudEvent::RelayConfirmed { meter, relay, order: number });
        }
        self.reconsider(meter);
    }

    /// Accounts are credited here: balances are kept here, or numbers for a keypad are issued here.
    const fn vends_here(&self) -> bool {
        let traits = &self.config.traits;
        let issues_numbers = traits.keypad && matches!(traits.credit_at, CreditAt::Meter) && !traits.local_vending;
        issues_numbers || matches!(traits.credit_at, CreditAt::Cloud)
    }

    fn credit(&mut self, payment: &Payment) {
        let key = payment.key.clone();
        match self.book.credit_at(payment, self.unix_ms()) {
            Credit::Credited { account, balance_minor } | Credit::Ahead { account, balance_minor } => {
                let meter = MeterIx(account);
                let amount_minor = payment.amount_minor;
                self.event(CloudEvent::Credited { meter, key, amount_minor, balance_minor });
                self.reconsider(meter);
            }
            Credit::Suspended => self.event(CloudEvent::Suspended { key }),
            Credit::Duplicate => self.event(CloudEvent::Duplicate { key }),
            Credit::Unproven => self.event(CloudEvent::Unproven { key }),
            Credit::Conflict | Credit::Refused => self.event(CloudEvent::Conflict { key }),
        }
    }

    fn meters(&self) -> impl Iterator<Item = MeterIx> + use<> {
        (0..u32::try_from(self.remotes.len()).unwrap_or(u32::MAX)).map(MeterIx)
    }

    fn flush(&mut self, now: u64) {
        while let Some(frame) = self.downlink.next(now) {
            self.send_now(&frame);
        }
    }

    fn send_now(&mut self, frame: &DownFrame) {
        let mut bytes = Vec::with_capacity(32);
        frame.encode(&mut bytes);
        self.outputs.push_back(CloudOutput::Downlink(bytes));
    }

    fn event(&mut self, event: CloudEvent) {
        self.outputs.push_back(CloudOutput::Event(event));
    }
}
