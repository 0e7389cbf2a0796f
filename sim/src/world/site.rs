//! The pole-mounted computer around the production [`Dcu`]: its supply, its boots, its ports.
//!
//! The DCU is driven as its contract says: one mutation, then [`Dcu::poll_output`] until it answers with its deadline.
//! What it appends goes to the store ([`super::disk`]); the DCU hears by `handle_durable` when that has written it, and
//! not before. What the power takes away was promised to nobody: word of payments that nobody got a receipt for comes
//! again, from the relay whose cursor has not moved, or from the agent who has no receipt to hand out.

use std::collections::BTreeSet;

use taa_dcu::{
    Dcu, DcuEvent, DiskWord, ImageCampaign, LinkState, MeterIx, Output,
    billing::{Account, Book},
    config::{CreditAt, DcuConfig, MeterEntry},
    fetch::FetchFault,
    journal::Record,
    payment::Payment,
    relay::{Reason, Relay},
};
use taa_dlms::obis::alarm;
use taa_keys::{Ed25519Private, hash::sha256};
use taa_ledger::{
    Checkpoint,
    note::{Kind, Signer},
};
use taa_models::draw::{Draws, NodeKey, Purpose};

use super::{
    Event, Village,
    disk::SiteDisk,
    money::{Take, handing_back_id, payment_number},
    parts::{Part, PartId, Turn, hardest_to_clear},
    population::Opened,
};
use crate::{
    cause::{Cause, Chain},
    kernel::{Phase, Queue, SimTime, Wake},
    records::Component,
    run::Sabotage,
};

/// How long the deliberate fault holds a closing, ms.
const SABOTAGE_HOLDS_MS: u64 = 12 * 3_600_000;
const ENTROPY: Purpose = Purpose::named("dcu entropy");
/// From power to a running DCU, ms (assumed: kernel, services, journal).
const BOOT_MS: u64 = 60_000;
/// The same after a disk that refused its start, ms (assumed: whoever starts it waits longer each time, up to this).
const BOOT_AGAIN_MS: u64 = 15 * 60_000;
/// The DCU's own battery charges this many times as fast as it drains (assumed).
const CHARGE_RATE: u64 = 4;

/// The computer and its state.
pub(crate) struct Site {
    config: DcuConfig,
    meters: Vec<MeterEntry>,
    pub(super) dcu: Option<Box<Dcu>>,
    pub(crate) disk: SiteDisk,
    /// Payments handed to the DCU of which it has said nothing yet, by number.
    unanswered: BTreeSet<u32>,
    booted_ms: u64,
    boots: u32,
    boot: Wake,
    booting: bool,
    wake: Wake,
    /// Scripted loss of its supply, and its own failures.
    pub(crate) part: Part,
    battery_full_ms: u64,
    battery_left_ms: u64,
    battery_since_ms: u64,
    on_battery: bool,
    battery_empty: bool,
    holdup: Wake,
    told_link: bool,
    /// Why it last went down: explains the minute in which it boots.
    last_down: Chain,
    armed_for: Option<SimTime>,
    /// A deliberate fault: up to where durability was claimed before it was there.
    pub(super) claimed: u64,
    /// Signs the ledger's checkpoints, in place of a module that the DCU's computer cannot read.
    signer: Option<Signer>,
    /// The DCU asks to be started anew.
    restart_wanted: bool,
    /// Entries under the checkpoint that was signed last.
    signed_leaves: u64,
    /// The operator knows of the doubt, and somebody will look.
    pub(super) doubt_told: bool,
    /// It has been said in this boot that the site is in doubt.
    pub(super) told_safe: bool,
}

impl Site {
    pub(crate) fn new(mut config: DcuConfig, meters: Vec<MeterEntry>, battery_full_ms: u64, disk: SiteDisk) -> Self {
        let key = Ed25519Private::from_seed(&sha256(&[b"taa simulated ledger", config.ledger_origin.as_bytes()]));
        let signer = Signer::new(&config.ledger_origin, Kind::Ed25519, key).ok();
        config.ledger_verifier = signer.as_ref().map(|signer| signer.verifier().to_text());
        Self {
            config,
            meters,
            dcu: None,
            disk,
            unanswered: BTreeSet::new(),
            booted_ms: 0,
            boots: 0,
            boot: Wake::default(),
            booting: false,
            wake: Wake::default(),
            part: Part::new(Cause::DcuDown),
            battery_full_ms,
            battery_left_ms: battery_full_ms,
            battery_since_ms: 0,
            on_battery: false,
            battery_empty: false,
            holdup: Wake::default(),
            told_link: false,
            last_down: Chain::of(Cause::DcuDown),
            armed_for: None,
            claimed: 0,
            signer,
            restart_wanted: false,
            doubt_told: false,
            told_safe: false,
            signed_leaves: 0,
        }
    }

    /// What the DCU is started with besides its journal.
    pub(super) fn as_configured(&self) -> (DcuConfig, Vec<MeterEntry>) {
        (self.config.clone(), self.meters.clone())
    }

    /// The DCU runs.
    pub(crate) fn up(&self) -> bool {
        self.dcu.is_some()
    }

    /// It has power, so its router has as well.
    pub(crate) fn powered(&self) -> bool {
        self.part.up() && !self.battery_empty
    }

    /// Something in the DCU may not leave before its records are durable.
    pub(super) fn dcu_awaits_durable(&self) -> bool {
        self.dcu.as_ref().is_some_and(|dcu| dcu.awaits_durable())
    }

    /// Opening balances by customer, minor units.
    pub(crate) fn openings_minor(&self) -> Vec<i64> {
        self.meters.iter().map(|meter| meter.opening_balance_minor).collect()
    }

    /// All opening balances, minor units.
    pub(crate) fn opening_minor(&self) -> i64 {
        self.meters.iter().map(|meter| meter.opening_balance_minor).sum()
    }

    /// Monotonic time of this boot, ns.
    pub(super) fn monotonic(&self, now_ms: u64) -> u64 {
        (now_ms - self.booted_ms) * 1_000_000
    }
}

/// The village counts in milliseconds: a deadline in nanoseconds is met at the first whole one after it, never before.
pub(crate) fn whole_ms(ns: u64) -> SimTime {
    SimTime::from_ms(ns.div_ceil(1_000_000))
}

impl Village<'_> {
    /// Why the DCU does not run.
    pub(crate) fn site_chain(&self) -> Chain {
        let lost = (!self.site.part.up()).then(|| self.site.part.chain());
        let empty = Chain::of(Cause::DcuDown).because(Cause::DcuBatteryEmpty).then(self.power.off);
        hardest_to_clear([lost, self.site.battery_empty.then_some(empty)]).unwrap_or(self.site.last_down)
    }

    /// The plant feeds the site again, or no longer.
    pub(crate) fn site_power_turned(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        let site = &mut self.site;
        let elapsed = now_ms - site.battery_since_ms;
        site.battery_since_ms = now_ms;
        site.battery_left_ms = if site.on_battery {
            site.battery_left_ms.saturating_sub(elapsed)
        } else {
            (site.battery_left_ms + elapsed * CHARGE_RATE).min(site.battery_full_ms)
        };
        site.on_battery = !self.power.feeding;
        if site.on_battery {
            let at = SimTime::from_ms(now_ms + site.battery_left_ms);
            queue.arm(&mut site.holdup, at, Phase::Power, self.ops.dcu, |generation| Event::HoldupEmpty { generation });
        } else {
            site.holdup.cancel();
            site.battery_empty = false;
        }
        self.site_turned(now_ms, queue);
    }

    /// The DCU's own battery is empty.
    pub(crate) fn holdup_empty(&mut self, generation: u32, now_ms: u64, queue: &mut Queue<Event>) {
        if self.site.holdup.is_current(generation) {
            self.site.battery_empty = true;
            self.site_turned(now_ms, queue);
        }
    }

    /// Power at the DCU may have come or gone.
    pub(crate) fn site_turned(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        if self.site.powered() {
            if self.site.dcu.is_none() && !self.site.booting {
                self.site.booting = true;
                let wait_ms = if self.site.disk.refusing { BOOT_AGAIN_MS } else { BOOT_MS };
                let at = SimTime::from_ms(now_ms + wait_ms);
                let boot = &mut self.site.boot;
                queue.arm(boot, at, Phase::Dcu, self.ops.dcu, |generation| Event::DcuBooted { generation });
            }
        } else {
            self.site.boot.cancel();
            self.site.booting = false;
            self.site.last_down = self.site_chain();
            let text = self.say(self.site.last_down);
            self.stop_dcu(now_ms, text);
        }
        let down = (!self.site.up()).then(|| self.site_chain());
        self.component_down.turn(Component::Dcu, down, now_ms, &mut self.records);
        self.mesh.root_turned(self.site.up(), now_ms);
        self.mesh_stirred(now_ms, queue);
        self.link_turned(now_ms, queue);
        self.cloud_link_turned(now_ms, queue);
        self.touch_all();
    }

    /// The DCU ends here, in the midst of whatever it does.
    pub(super) fn stop_dcu(&mut self, now_ms: u64, why: String) {
        self.site.wake.cancel();
        self.site.armed_for = None;
        self.site.restart_wanted = false;
        self.site.told_safe = false;
        if self.site.dcu.take().is_some() {
            self.site.disk.cut(now_ms);
            self.log(now_ms, "dcu_down", String::new(), why);
        }
    }

    /// The DCU starts: from its configuration the first time, from its journal afterwards.
    pub(crate) fn dcu_booted(&mut self, generation: u32, now_ms: u64, queue: &mut Queue<Event>) {
        if !self.site.boot.is_current(generation) {
            return;
        }
        self.site.booting = false;
        if !self.boot_dcu(now_ms, queue) {
            // Its disk refuses: it starts anew until it does not.
            self.site_turned(now_ms, queue);
            return;
        }
        self.supply_told(true, now_ms, queue);
        self.log(now_ms, "dcu_up", String::new(), "data concentrator running".to_owned());
        self.component_down.turn(Component::Dcu, None, now_ms, &mut self.records);
        self.mesh.root_turned(true, now_ms);
        self.mesh_stirred(now_ms, queue);
        self.touch_all();
    }

    /// Builds and starts the DCU from what its disk has; false where the disk refuses.
    pub(crate) fn boot_dcu(&mut self, now_ms: u64, queue: &mut Queue<Event>) -> bool {
        let Some((name, journal, gap)) = self.open_disk(now_ms) else {
            self.stand_by(now_ms, queue);
            return false;
        };
        let journal: Vec<Record> = journal.collect();
        self.copied(&journal, now_ms, queue);
        let site = &mut self.site;
        site.booted_ms = now_ms;
        site.boots += 1;
        site.told_link = false;
        let mut dcu = Dcu::recover(site.config.clone(), site.meters.clone(), journal);
        dcu.name_journal(name);
        let mut draws = Draws::keyed(self.seed.0, self.seed.1, NodeKey::of("dcu"), ENTROPY, u64::from(site.boots));
        let mut entropy = [0; 32];
        for chunk in entropy.chunks_exact_mut(8) {
            chunk.copy_from_slice(&draws.u64().to_le_bytes());
        }
        if let Some((from, to)) = gap {
            dcu.doubt_journal(0, from, to);
        }
        site.dcu = Some(Box::new(dcu));
        self.audit_start(now_ms);
        self.drain(now_ms, queue);
        if self.site.disk.refuses().is_some() {
            self.with_dcu(now_ms, queue, |dcu, now| dcu.handle_disk(now, DiskWord::Refuses));
        }
        if self.repairs.clock.up() {
            self.tell_time(now_ms, queue);
        }
        // The link before the entropy: where it is up, the cloud is asked first what it knows of the journal.
        self.link_turned(now_ms, queue);
        self.with_dcu(now_ms, queue, |dcu, now| dcu.handle_entropy(now, &entropy));
        for payment in std::mem::take(&mut self.site.unanswered) {
            self.payment_again(payment, now_ms, queue);
        }
        self.seek_lost_orders(now_ms, queue);
        self.seek_refused(now_ms, queue);
        self.seek_doubt(now_ms, queue);
        true
    }

    /// The DCU hears the wall clock: from its own battery-backed one at the start, else over the link.
    fn tell_time(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        let unix_ms = self.unix_ms(now_ms);
        self.with_dcu(now_ms, queue, |dcu, now| dcu.handle_clock(now, unix_ms));
    }

    /// Clock or keys of the site failed or were mended: with the clock the time is back, with a key its meter.
    pub(crate) fn edge_part_turned(&mut self, id: PartId, turn: Turn, now_ms: u64, queue: &mut Queue<Event>) {
        let mended = self.part_mut(id).is_some_and(|part| part.turn(turn) && part.up());
        match id {
            PartId::Clock if mended => self.tell_time(now_ms, queue),
            PartId::Keys(customer) if mended => self.site_meter_heard(customer, now_ms, queue),
            _ => {}
        }
    }

    /// The DCU's image campaign, where it runs.
    pub(crate) fn site_campaign(&self) -> Option<&ImageCampaign> {
        self.site.dcu.as_ref()?.image_campaign()
    }

    /// The DCU runs and does not know the time.
    pub(crate) fn site_has_no_time(&self, now_ms: u64) -> bool {
        let now = self.site.monotonic(now_ms);
        self.site.dcu.as_ref().is_some_and(|dcu| dcu.unix_ms(now).is_none())
    }

    /// One mutation of the DCU, then everything that comes of it.
    pub(crate) fn with_dcu(&mut self, now_ms: u64, queue: &mut Queue<Event>, mutate: impl FnOnce(&mut Dcu, u64)) {
        let now = self.site.monotonic(now_ms);
        if let Some(dcu) = &mut self.site.dcu {
            mutate(dcu, now);
            self.drain(now_ms, queue);
        }
    }

    /// Drains the DCU to its deadline.
    pub(super) fn drain(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        let mut to_sign = Vec::new();
        loop {
            let Some(dcu) = &mut self.site.dcu else { return };
            match dcu.poll_output() {
                Output::Transmit { meter, bytes } => {
                    if !self.holds_closing(meter.0, now_ms) {
                        self.send_down(meter.0, &bytes, now_ms, queue);
                    }
                    self.recycle(bytes);
                }
                Output::Uplink(bytes) => {
                    self.send_up(&bytes, now_ms, queue);
                    self.recycle(bytes);
                }
                Output::Leaf(leaf) => self.append_leaf(leaf, now_ms),
                Output::Sign(checkpoint) => to_sign.push(checkpoint),
                Output::Fetch(bytes) => {
                    self.send_question(&bytes, now_ms, queue);
                    self.recycle(bytes);
                }
                Output::Append(record) => {
                    self.outage_noted(&record, now_ms);
                    self.append(record, now_ms);
                }
                Output::KeyRequest { id, meter_key, content } => {
                    self.key_wanted(id, &meter_key, &content, now_ms, queue);
                }
                Output::KeyChangeRequest { id, from, to } => self.key_change_wanted(id, (&from, &to), now_ms, queue),
                Output::Event(event) => self.dcu_event(event, now_ms, queue),
                Output::Timeout(_) if self.promises_early(now_ms) => {}
                Output::Timeout(_) if self.sign(to_sign.pop(), now_ms) => {}
                Output::Timeout(_) if std::mem::take(&mut self.site.restart_wanted) => {
                    return self.restart_dcu(now_ms, queue);
                }
                Output::Timeout(deadline) => {
                    self.arm_dcu(deadline, queue);
                    self.arm_disk(now_ms, queue);
                    return;
                }
            }
        }
    }

    /// The site's module signs a checkpoint of the ledger, at once. False where there was none.
    fn sign(&mut self, checkpoint: Option<Checkpoint>, now_ms: u64) -> bool {
        let Some(checkpoint) = checkpoint else { return false };
        let now = self.site.monotonic(now_ms);
        let note = self.site.signer.as_ref().and_then(|signer| checkpoint.sign(&[signer], 0).ok());
        if let (Some(dcu), Some(note)) = (&mut self.site.dcu, note)
            && let Err(error) = dcu.handle_signed(now, note.as_bytes())
        {
            self.log(now_ms, "ledger_unsigned", String::new(), error.to_string());
        }
        // Where the run keeps the ledger outside, entries behind the promise before this one may leave the disk.
        let before = std::mem::replace(&mut self.site.signed_leaves, checkpoint.size);
        if self.scenario.run.ledger {
            self.site.disk.leaves_are_kept(before);
        }
        true
    }

    fn recycle(&mut self, bytes: Vec<u8>) {
        if let Some(dcu) = &mut self.site.dcu {
            dcu.recycle(bytes);
        }
    }

    fn arm_dcu(&mut self, deadline: Option<u64>, queue: &mut Queue<Event>) {
        let site = &mut self.site;
        match deadline {
            Some(ns) => {
                let at = whole_ms(site.booted_ms * 1_000_000 + ns);
                if site.armed_for != Some(at) {
                    site.armed_for = Some(at);
                    queue.arm(&mut site.wake, at, Phase::Dcu, self.ops.dcu, |generation| Event::DcuWake { generation });
                }
            }
            None => {
                site.armed_for = None;
                site.wake.cancel();
            }
        }
    }

    /// The DCU's deadline.
    pub(crate) fn dcu_wakes(&mut self, generation: u32, now_ms: u64, queue: &mut Queue<Event>) {
        if self.site.wake.is_current(generation) {
            self.site.armed_for = None;
            self.with_dcu(now_ms, queue, |dcu, now| dcu.handle_timeout(now));
        }
    }

    /// Bytes of a meter reach the DCU.
    pub(crate) fn at_dcu(&mut self, customer: u32, bytes: &[u8], now_ms: u64, queue: &mut Queue<Event>) {
        self.with_dcu(now_ms, queue, |dcu, now| dcu.handle_meter_receive(now, MeterIx(customer), bytes));
    }

    /// Bytes of the cloud reach the DCU.
    pub(crate) fn down_at_dcu(&mut self, bytes: &[u8], now_ms: u64, queue: &mut Queue<Event>) {
        if self.wan.up() && self.site.powered() {
            self.with_dcu(now_ms, queue, |dcu, now| dcu.handle_uplink_receive(now, bytes));
        }
    }

    /// The mesh has heard a meter join.
    pub(crate) fn site_meter_heard(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        self.with_dcu(now_ms, queue, |dcu, now| dcu.handle_meter_heard(now, MeterIx(customer)));
    }

    /// A payment is entered at the DCU by a cash agent.
    pub(crate) fn site_payment(&mut self, payment: Payment, now_ms: u64, queue: &mut Queue<Event>) {
        self.site.unanswered.extend(payment_number(&payment.key));
        let mut refused = None;
        self.with_dcu(now_ms, queue, |dcu, now| refused = dcu.handle_payment(now, payment).err());
        if let Some(error) = refused {
            self.log(now_ms, "payment_refused", String::new(), error.to_string());
        }
    }

    /// The wide-area link may have come or gone, as the DCU sees it.
    pub(crate) fn link_turned(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        let up = self.wan.up();
        if self.site.up() && self.site.told_link != up {
            self.site.told_link = up;
            let state = if up { LinkState::Up } else { LinkState::Down };
            self.with_dcu(now_ms, queue, |dcu, now| dcu.handle_link(now, state));
            if up && self.site_has_no_time(now_ms) {
                self.tell_time(now_ms, queue);
            }
        }
        self.money_turned(now_ms, queue);
    }

    /// The DCU as it is at the end of a run: recovered from its disk where it is off.
    pub(crate) fn site_book(&mut self) -> Option<&Book> {
        if self.site.dcu.is_none() {
            let mut recovery = self.site.disk.open().ok()?;
            let (config, meters) = (self.site.config.clone(), self.site.meters.clone());
            self.site.dcu = Some(Box::new(Dcu::recover(config, meters, recovery.take_records())));
        }
        self.site.dcu.as_ref().map(|dcu| dcu.state().book())
    }

    fn dcu_event(&mut self, event: DcuEvent, now_ms: u64, queue: &mut Queue<Event>) {
        if let DcuEvent::Credited { key, .. }
        | DcuEvent::Suspended { key }
        | DcuEvent::Duplicate { key }
        | DcuEvent::Conflict { key }
        | DcuEvent::Forwarded { key } = &event
            && let Some(payment) = payment_number(key)
        {
            self.site.unanswered.remove(&payment);
        }
        if self.kit_event(&event, now_ms, queue) {
            return;
        }
        match event {
            DcuEvent::ReadingStored { meter, period, .. } => self.telemetry.stored(meter.0, period),
            DcuEvent::Credited { key, .. } => {
                if let Some(payment) = payment_number(&key) {
                    self.was_credited(payment, now_ms, queue);
                }
            }
            DcuEvent::Suspended { key } => self.payment_suspended(&key),
            DcuEvent::Duplicate { key } => {
                self.payment_repeated();
                // The DCU had it on its disk when its power went, and nobody had been told: this is the answer.
                let book = self.site.dcu.as_ref().map(|dcu| dcu.state().book());
                if book.is_some_and(|book| book.suspense().any(|waiting| waiting.key == key)) {
                    self.payment_suspended(&key);
                } else if let Some(payment) = payment_number(&key) {
                    self.was_credited(payment, now_ms, queue);
                }
            }
            DcuEvent::CreditDelivered { meter, total_minor } => {
                self.apply(meter.0, Take::UpTo(total_minor), now_ms, queue);
                self.meter_deadline(meter.0, now_ms, queue);
            }
            DcuEvent::MeterAlarm { meter, bits } if bits & alarm::TAMPERED != 0 => {
                self.tamper_told(meter.0, now_ms, queue);
            }
            DcuEvent::GaspArmed { meter }
            | DcuEvent::OutageTested { meter }
            | DcuEvent::MeterClockOff { meter, .. } => {
                self.meter_outage_event(meter.0, &event, now_ms);
            }
            DcuEvent::ImageProgress { .. } | DcuEvent::ImageActivated { .. } | DcuEvent::ImageFailed { .. } => {
                self.image_event(&event, now_ms);
            }
            DcuEvent::TokenIssued { .. }
            | DcuEvent::KeyChangeIssued { .. }
            | DcuEvent::TokensOrphaned { .. }
            | DcuEvent::TokenSettled { .. }
            | DcuEvent::VendRefused { .. } => {
                self.vending_event(&event, now_ms, queue);
            }
            DcuEvent::RolledBack { witnessed, found, restart } => {
                self.site.restart_wanted |= restart;
                self.told_rolled_back(witnessed, found, now_ms);
                self.seek_doubt(now_ms, queue);
            }
            DcuEvent::Fetched { .. } => self.dcu_fetched(now_ms),
            DcuEvent::FetchFailed(FetchFault::IdentityTwice) => self.identity_twice(now_ms),
            DcuEvent::Amended { .. } => self.amendment_told(&event, now_ms),
            DcuEvent::RelayOrdered { meter, reason, relay } => {
                self.audit_order(meter.0, relay == Relay::Open && reason == Reason::Debt, now_ms);
                self.people.of(meter.0).unit.ordered = Some(reason);
            }
            _ => {}
        }
    }

    /// The DCU has told that a payment is in its Book, for good. A repeat of one that it has handed back out of suspense is
    /// known there too, and nobody's credit.
    pub(crate) fn was_credited(&mut self, payment: u32, now_ms: u64, queue: &mut Queue<Event>) {
        if self.site_book().is_some_and(|book| book.is_amended(&handing_back_id(payment))) {
            return;
        }
        let customer = self.pays[payment as usize].customer;
        let account = self.site.dcu.as_ref().and_then(|dcu| dcu.state().book().account(customer));
        let Some(balance_minor) = account.map(Account::balance_minor) else { return };
        let in_debt = balance_minor + self.scenario.tariff_of(customer as usize).trust_minor() <= 0;
        self.credited(payment, in_debt, now_ms, queue);
    }

    /// A deliberate fault: nothing reaches a dark meter in the first hours after its customer has paid.
    fn holds_closing(&mut self, customer: u32, now_ms: u64) -> bool {
        if self.meddling.sabotage != Some(Sabotage::HoldsClosings) {
            return false;
        }
        let one = self.people.of(customer);
        let last_pay = one.purse.last_pay.map(|(payment, _)| payment);
        let dark = !one.unit.meter.relay_closed();
        let paid_ms = last_pay.and_then(|payment| self.pays[payment as usize].credited_ms);
        dark && paid_ms.is_some_and(|at| now_ms < at + SABOTAGE_HOLDS_MS)
    }

    /// A relay has turned.
    pub(crate) fn relay_turned(&mut self, customer: u32, closed: bool, now_ms: u64, queue: &mut Queue<Event>) {
        let one = self.people.of(customer);
        if closed {
            one.unit.opened = Opened::No;
            one.purse.exhausted = false;
            if self.traits.credit_at != CreditAt::Meter {
                self.apply(customer, Take::Credited, now_ms, queue);
            }
        } else {
            let energy_mwh = one.unit.energy_mwh(now_ms);
            one.purse.look(energy_mwh, now_ms);
            let left_mwh =
                one.purse.limit_mwh(self.scenario.tariff_of(customer as usize)).saturating_sub_unsigned(energy_mwh);
            // Registers count whole Wh: up to that, truth and account may differ, and where the price moves with the hour,
            // by what is used between two readings. More left means an old decision.
            let slack_mwh = if one.purse.rated.is_some() { 1_000_000 } else { 2_000 };
            let stale = one.unit.ordered == Some(Reason::Stale) || left_mwh > slack_mwh;
            if stale && !one.purse.exhausted && left_mwh > 0 {
                one.unit.opened = Opened::Stale;
            } else {
                one.unit.opened = Opened::ForDebt;
                one.purse.exhausted = true;
            }
            self.notice_dark(customer, now_ms, queue);
        }
        self.connection_turned(customer, now_ms, queue);
    }
}
