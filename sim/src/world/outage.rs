//! Outages as the meters tell of them: gasps on the air, the DCU's tickets, and the truth to hold them against.
//!
//! ```text
//!  line dead ─▶ meter's logic ─ slot ─▶ on the air ─ a lit neighbour hears? ─▶ mesh ─▶ DCU ─▶ tickets ─▶ journal
//!      │             ▲                        │ no: a later slot, while the charge lasts                   │
//!      └▶ truth      └────────────────────────┘                                         recall, precision ◀┘
//! ```
//!
//! By message, gasps have draws of their own and count in no figure of the mesh: without them the mesh loses what it loses;
//! left out there are gasps that meet data frames on the air, and gasps that meet each other behind the first hop. Frame by
//! frame they are frames like others, urgent ones ([`taa_mesh::net::Network::gasp`]). What the DCU does of it all (pings,
//! above all) is traffic like any other.

use std::collections::BTreeMap;

use taa_dcu::{
    DcuEvent, MeterIx,
    config::{OutageConfig, OutageMeter},
    journal::{Entry, Record},
    outage::{Detection, OutageNote, Outages as Tickets, Place, TrueOutage, claims, detection},
};
use taa_gasp::{Guid, PACKET_BYTES, meter_key};
use taa_keys::Key;
use taa_meter::{GaspConfig, GaspOutput, supercap::SupercapSpec};
use taa_models::draw::{Draws, NodeKey, Purpose};
use taa_scenarios::{FaultTree, INVERTER, model::Scenario};

use super::{Event, Village, message::MessageId, radio::Cry};
use crate::{
    kernel::{Phase, Queue, SimTime},
    records::{OutageSums, OutageTicketRow, OutageTickets},
};

const CRYSTAL: Purpose = Purpose::named("meter crystal");
/// Turning round and acknowledging (assumed: a short frame at 50 kbit/s), ms.
const ACK_MS: f64 = 3.0;
/// What an ammeter shows is told so long after something has turned, ms.
const AMMETER_DELAY_MS: u64 = 1000;
/// A claim that misses an outage by no more than this is of it: what detecting and telling take, ms.
const SLACK_MS: i64 = 5000;

/// What is known of outages, by all sides.
pub(crate) struct Outages {
    on: bool,
    breaker_signals: bool,
    feeder_currents: bool,
    /// When they are read next, or were last.
    currents_due_ms: u64,
    airtime_ms: u64,
    /// The last two frames of each meter: from, to.
    on_air: Vec<[(u64, u64); 2]>,
    /// Frames of each meter so far, for draws.
    cries: Vec<u64>,
    /// Each meter's radio has a way, or had one when its supply went.
    linked: Vec<bool>,
    dark_since: Vec<Option<u64>>,
    truth: Vec<TrueOutage>,
    /// Notes of the DCU: number of the record, when, what.
    notes: Vec<(u64, i64, OutageNote)>,
    /// Packets that the DCU took, and that it refused.
    packets: (u64, u64),
}

impl Outages {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let meters = scenario.village.customers.len();
        let params = &scenario.comms.last_gasp;
        Self {
            on: params.enabled,
            breaker_signals: params.breaker_signals,
            feeder_currents: params.feeder_currents,
            currents_due_ms: 0,
            airtime_ms: airtime_ms(scenario),
            on_air: vec![[(0, 0); 2]; meters],
            cries: vec![0; meters],
            linked: vec![true; meters],
            dark_since: vec![None; meters],
            truth: Vec::new(),
            notes: Vec::new(),
            packets: (0, 0),
        }
    }

    /// On the air while this frame was.
    fn meets(&self, other: usize, (from_ms, to_ms): (u64, u64)) -> bool {
        self.on_air.get(other).is_some_and(|frames| frames.iter().any(|frame| frame.0 < to_ms && from_ms < frame.1))
    }
}

/// One packet and its acknowledgement, in whole milliseconds.
fn airtime_ms(scenario: &Scenario) -> u64 {
    let octets = PACKET_BYTES as u32 + u32::from(scenario.comms.mesh.overhead_octets);
    libm::ceil(scenario.comms.radio.phy.airtime_us(octets) as f64 / 1000.0 + ACK_MS) as u64
}

fn guid(scenario: &Scenario, customer: usize) -> Guid {
    Guid::of_name(&scenario.village.customers[customer].meter_id)
}

fn key(master: &Key, guid: Guid) -> Key {
    meter_key(master, guid).expect("this label and length are sound")
}

/// What the DCU is told of network and meters; nothing where nobody looks for outages.
pub(crate) fn dcu_config(scenario: &Scenario, master: &Key) -> Option<OutageConfig> {
    let tree = FaultTree::of(&scenario.village);
    let meters = tree.parents.into_iter().enumerate().map(|(customer, parent)| {
        let guid = guid(scenario, customer);
        OutageMeter { guid, key: key(master, guid), epoch: 1, parent }
    });
    let meters = meters.collect();
    scenario.comms.last_gasp.enabled.then(|| OutageConfig {
        devices: tree.devices,
        spans: tree.spans,
        meters,
        ..OutageConfig::new()
    })
}

/// The logic of one meter.
pub(crate) fn meter_config(scenario: &Scenario, seed: (u64, u32), customer: usize, master: &Key) -> Option<GaspConfig> {
    let params = &scenario.comms.last_gasp;
    let guid = guid(scenario, customer);
    let id = NodeKey::of(&scenario.village.customers[customer].id);
    let mut crystal = Draws::keyed(seed.0, seed.1, id, CRYSTAL, 0);
    let drift_s_per_day = params.clock_drift_s_per_day * (2.0 * crystal.uniform() - 1.0);
    let config = GaspConfig {
        frame_payload_bytes: usize::from(scenario.comms.mesh.frame_octets),
        supercap: SupercapSpec::for_hold_up(params.hold_up_s * 1000.0),
        unix_us_at_zero: u64::try_from(scenario.run.start_unix_s).unwrap_or(0).saturating_mul(1_000_000),
        drift_ppb: (drift_s_per_day / 86_400.0 * 1e9) as i32,
        ..GaspConfig::new(guid, key(master, guid))
    };
    params.enabled.then(|| config.on_link((airtime_ms(scenario) * 1000) as u32))
}

impl Village<'_> {
    /// The capacitors have hung there for years, and somebody has set the clocks when the meters were mounted.
    pub(crate) fn age_capacitors(&mut self) {
        let params = &self.scenario.comms.last_gasp;
        let unix_us = u64::try_from(self.scenario.run.start_unix_s).unwrap_or(0).saturating_mul(1_000_000);
        for customer in 0..self.people.len() {
            let Some(gasp) = self.people.of(customer).unit.meter.gasp_mut() else { continue };
            gasp.handle_clock(0, unix_us);
            gasp.capacitor_mut().set_temperature(params.capacitor_c);
            gasp.capacitor_mut().age(params.capacitor_age_years * 8766.0);
        }
    }

    /// The voltage on a customer's line has come or gone; call it before the mesh hears of it.
    pub(crate) fn outage_turned(&mut self, customer: u32, energised: bool, now_ms: u64) {
        let at = customer as usize;
        let outages = &mut self.outage;
        if energised {
            outages.linked[at] = false;
            if let Some(since_ms) = outages.dark_since[at].take() {
                let (from_ms, to_ms) = (since_ms as i64, now_ms as i64);
                outages.truth.push(TrueOutage { meter: MeterIx(customer), from_ms, to_ms });
            }
        } else {
            outages.linked[at] = self.mesh.is_joined(customer);
            outages.dark_since[at] = Some(now_ms);
            self.parent_heard(customer);
        }
    }

    /// How strong the meter has heard its parent last. What it sends for an outage it sends over that link, or a worse one.
    pub(crate) fn parent_heard(&mut self, customer: u32) {
        let Some(dbm) = self.mesh.parent_dbm(customer) else { return };
        if let Some(gasp) = self.people.of(customer).unit.meter.gasp_mut() {
            gasp.handle_signal(libm::round(dbm) as i16);
        }
    }

    /// The meter's radio has found a way.
    pub(crate) fn outage_linked(&mut self, customer: u32) {
        self.outage.linked[customer as usize] = true;
    }

    /// A breaker has turned, and is wired to the DCU.
    pub(crate) fn breaker_told(&mut self, feeder: u32, now_ms: u64, queue: &mut Queue<Event>) {
        if self.outage.on && self.outage.breaker_signals {
            let closed = self.feeders[feeder as usize].up();
            let id = &self.scenario.village.feeders[feeder as usize].id;
            self.with_dcu(now_ms, queue, |dcu, now| dcu.handle_feeder_sign(now, id, closed));
        }
    }

    /// The feeders' ammeters, where there are some, are read on the plant's grid of five minutes, and a second after something
    /// on the lines has turned, as one that is read every second would show it. What appliances do in between is left out.
    pub(crate) fn read_currents_soon(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        let at_ms = now_ms + AMMETER_DELAY_MS;
        let outage = &mut self.outage;
        // However much turns at once: they are read once.
        if outage.on && outage.feeder_currents && std::mem::replace(&mut outage.currents_due_ms, at_ms) != at_ms {
            queue.at(SimTime::from_ms(at_ms), Phase::Dcu, self.ops.dcu, Event::CurrentsRead);
        }
    }

    /// The feeders' ammeters are read.
    pub(crate) fn currents_read(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        let mut load_mw = vec![0_i64; self.feeders.len()];
        if self.power.feeding {
            for customer in 0..self.people.len() {
                let one = self.people.of(customer);
                let metered_mw = if one.load.connected { one.load.wanted_mw } else { 0 };
                load_mw[one.identity.feeder as usize] += metered_mw + one.purse.mood.bypass.extra_mw();
            }
        }
        for (feeder, load_mw) in load_mw.into_iter().enumerate() {
            let id = &self.scenario.village.feeders[feeder].id;
            // Lines of 230 V, all of it real power.
            let current_ma = u32::try_from(load_mw / 230).unwrap_or(0);
            self.with_dcu(now_ms, queue, |dcu, now| dcu.handle_feeder_current(now, id, current_ma));
        }
    }

    /// The DCU hangs beside the inverter: whether that feeds it sees by its own supply, also when it starts.
    pub(crate) fn supply_told(&mut self, starts: bool, now_ms: u64, queue: &mut Queue<Event>) {
        let feeding = self.power.feeding;
        // At a start all is well unless it is told otherwise.
        if self.outage.on && !(starts && feeding) {
            self.with_dcu(now_ms, queue, |dcu, now| dcu.handle_feeder_sign(now, INVERTER, feeding));
        }
    }

    /// Puts on the air what the meter's logic has to say.
    pub(crate) fn cry(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let one = self.people.of(customer);
        let node = one.identity.node;
        let Some(gasp) = one.unit.meter.gasp_mut() else { return };
        let Some(GaspOutput::Transmit { packet, .. }) = gasp.poll_output() else { return };
        self.outage.cries[customer as usize] += 1;
        if let Some(frames) = &mut self.mesh.frames {
            frames.gasp(customer, &packet, now_ms);
            return self.mesh_stirred(now_ms, queue);
        }
        let message = self.messages.put(&packet);
        let outages = &mut self.outage;
        let until_ms = now_ms + outages.airtime_ms;
        let frames = &mut outages.on_air[customer as usize];
        *frames = [(now_ms, until_ms), frames[0]];
        queue.at(SimTime::from_ms(until_ms), Phase::Radio, node, Event::Cried { customer, message });
    }

    /// The frame is off the air: who has heard it?
    pub(crate) fn cried(&mut self, customer: u32, message: MessageId, now_ms: u64, queue: &mut Queue<Event>) {
        let at = customer as usize;
        let outages = &self.outage;
        let occasion = outages.cries[at];
        let frame = (now_ms - outages.airtime_ms, now_ms);
        let cry = if self.outage.linked[at] {
            let outages = &self.outage;
            let loudest = |mesh: &super::Mesh, node: usize| {
                let others = mesh.heard_at(node).filter(|(other, _)| *other != at && outages.meets(*other, frame));
                others.map(|(_, snr_db)| snr_db).max_by(f64::total_cmp)
            };
            self.mesh.cry(self.seed, (customer, occasion), PACKET_BYTES, loudest, now_ms)
        } else {
            Cry::Unheard
        };
        if let Cry::Arrives { delay_ms } = cry {
            let at = SimTime::from_ms(now_ms + delay_ms);
            queue.at(at, Phase::Dcu, self.ops.dcu, Event::GaspAtDcu { message });
        } else {
            let bytes = self.messages.take(message);
            self.messages.recycle(message, bytes);
        }
        self.gasp_sent(customer, cry != Cry::Unheard, now_ms, queue);
    }

    /// The frame is off the air, and a neighbour has acknowledged it, or none has.
    pub(crate) fn gasp_sent(&mut self, customer: u32, heard: bool, now_ms: u64, queue: &mut Queue<Event>) {
        if let Some(gasp) = self.people.of(customer).unit.meter.gasp_mut() {
            gasp.handle_sent(now_ms * 1_000_000, heard);
        }
        self.meter_deadline(customer, now_ms, queue);
    }

    /// A packet has reached the DCU.
    pub(crate) fn gasp_at_dcu(&mut self, bytes: &[u8], now_ms: u64, queue: &mut Queue<Event>) {
        let mut heard = None;
        self.with_dcu(now_ms, queue, |dcu, now| heard = Some(dcu.handle_outage_packet(now, bytes)));
        let (believed, refused) = &mut self.outage.packets;
        match heard {
            Some(Ok(_)) => *believed += 1,
            Some(Err(why)) => {
                *refused += 1;
                self.log(now_ms, "gasp_refused", String::new(), why.to_string());
            }
            None => {}
        }
    }

    /// The DCU writes something down.
    pub(crate) fn outage_noted(&mut self, record: &Record, now_ms: u64) {
        let Entry::Outage(note) = &record.entry else { return };
        let said = match note.as_ref() {
            OutageNote::Opened { place, confidence_pm, members, .. } => {
                let heard = members.iter().filter(|member| member.is_heard()).count();
                let text = format!("{} meters dark, {heard} heard, {confidence_pm} ‰ sure", members.len());
                Some(("outage_found", self.place_name(place), text))
            }
            OutageNote::Moved { place, .. } => {
                Some(("outage_moved", self.place_name(place), "the fault lies here".to_owned()))
            }
            OutageNote::Closed { ticket, how } => {
                Some(("outage_closed", String::new(), format!("ticket {ticket}: {}", how.name())))
            }
            _ => None,
        };
        if let Some((kind, subject, text)) = said {
            self.log(now_ms, kind, subject, text);
        }
        self.outage.notes.push((record.number, now_ms as i64, note.as_ref().clone()));
    }

    /// Tries out the logic of one meter, whose supply is not touched. False where it would not gasp either.
    pub(crate) fn try_gasp(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) -> bool {
        self.parent_heard(customer);
        let gasp = self.people.of(customer).unit.meter.gasp_mut();
        let begun = gasp.is_some_and(|gasp| gasp.simulate(now_ms * 1_000_000));
        self.meter_deadline(customer, now_ms, queue);
        begun
    }

    /// What the meter's log shows of it at the optical port, newest first.
    pub(crate) fn gasp_log(&mut self, customer: u32) -> Vec<&'static str> {
        let gasp = self.people.of(customer).unit.meter.gasp_mut();
        gasp.map_or_else(Vec::new, |gasp| gasp.log().entries().map(|(_, code)| code.name()).collect())
    }

    /// Frames that the meter has sent, and when its test arrived.
    pub(crate) fn gasp_tried(&self, customer: u32) -> (u64, Option<u64>) {
        let name = self.customer_name(customer);
        let mut log = self.records.log.rows();
        let arrived = log.find(|row| row.kind == "outage_tested" && row.subject == name);
        (self.outage.cries.get(customer as usize).copied().unwrap_or(0), arrived.map(|row| row.time_ms))
    }

    /// The meter's line is energised; its relay is closed.
    pub(crate) fn supply_of(&mut self, customer: u32) -> (bool, bool) {
        let meter = &self.people.of(customer).unit.meter;
        (meter.energised(), meter.relay_closed())
    }

    /// What the DCU tells of one meter's outage logic.
    pub(crate) fn meter_outage_event(&mut self, customer: u32, event: &DcuEvent, now_ms: u64) {
        let (kind, text) = match event {
            DcuEvent::GaspArmed { .. } => ("gasp_armed", "its last gasp was off, and is on again".to_owned()),
            DcuEvent::OutageTested { .. } => ("outage_tested", "its packet has arrived".to_owned()),
            DcuEvent::MeterClockOff { off_ms, .. } => ("meter_clock_off", format!("0x092: {off_ms} ms off")),
            _ => return,
        };
        let name = self.customer_name(customer);
        self.log(now_ms, kind, name, text);
    }

    fn place_name(&self, place: &Place) -> String {
        place.named(|meter| self.customer_name(meter.0))
    }

    fn customer_name(&self, customer: u32) -> String {
        self.scenario.village.customers.get(customer as usize).map(|one| one.id.clone()).unwrap_or_default()
    }

    /// At the end of the run: how good the tickets were, and one row for each.
    pub(crate) fn close_outages(&mut self, now_ms: u64) -> Option<Detection> {
        let outages = &mut self.outage;
        if !outages.on {
            return None;
        }
        for (customer, since) in (0_u32..).zip(&mut outages.dark_since) {
            if let Some(since_ms) = since.take() {
                let (from_ms, to_ms) = (since_ms as i64, now_ms as i64);
                outages.truth.push(TrueOutage { meter: MeterIx(customer), from_ms, to_ms });
            }
        }
        let notes = || outages.notes.iter().map(|(number, at_ms, note)| (*number, *at_ms, note));
        let found = claims(notes());
        let indices = Tickets::of_notes(notes()).indices_at(now_ms as i64);
        let detection = detection(&outages.truth, &found, SLACK_MS);
        self.records.outage_sums = Some(OutageSums {
            outages: detection.outages,
            detected: detection.detected,
            claimed: detection.claimed,
            correct: detection.correct,
            latency_p95_ms: detection.latency_p95_ms,
            told_sustained: (indices.sustained, indices.sustained_ms),
            true_sustained: sustained(outages.truth.iter().map(|outage| (outage.from_ms, outage.to_ms))),
            packets: outages.packets,
        });
        self.records.outage_tickets = self.ticket_rows();
        Some(detection)
    }

    fn ticket_rows(&self) -> OutageTickets {
        let mut rows: BTreeMap<u64, (OutageTicketRow, BTreeMap<MeterIx, Standing>)> = BTreeMap::new();
        for (number, at_ms, note) in &self.outage.notes {
            let at_ms = u64::try_from(*at_ms).unwrap_or(0);
            if let OutageNote::Opened { place, confidence_pm, ground, .. } = note {
                let row = OutageTicketRow {
                    ticket: *number,
                    opened_ms: at_ms,
                    closed_ms: None,
                    place: self.place_name(place),
                    confidence_pm: *confidence_pm,
                    ground: ground.name(),
                    members: 0,
                    heard: 0,
                    restored: 0,
                    withdrawn: 0,
                    ending: "open",
                };
                rows.insert(*number, (row, BTreeMap::new()));
            }
            let Some((row, members)) = rows.get_mut(&note.ticket(*number)) else { continue };
            take(members, note);
            if let OutageNote::Closed { how, .. } = note {
                (row.closed_ms, row.ending) = (Some(at_ms), how.name());
            }
            // What is left of a fault while it is mended is not where it was.
            if let OutageNote::Moved { place, confidence_pm, .. } = note
                && !members.values().any(|one| one.restored)
            {
                (row.place, row.confidence_pm) = (self.place_name(place), *confidence_pm);
            }
        }
        let mut table = OutageTickets::default();
        for (row, members) in rows.into_values() {
            let count = |of: &dyn Fn(&Standing) -> bool| {
                u32::try_from(members.values().filter(|one| of(one)).count()).unwrap_or(u32::MAX)
            };
            table.push(OutageTicketRow {
                members: count(&|_| true),
                heard: count(&|one| one.heard),
                restored: count(&|one| one.restored),
                withdrawn: count(&|one| one.withdrawn),
                ..row
            });
        }
        table
    }
}

/// What a ticket says of one meter.
#[derive(Default)]
struct Standing {
    heard: bool,
    restored: bool,
    withdrawn: bool,
}

fn take(members: &mut BTreeMap<MeterIx, Standing>, note: &OutageNote) {
    let mut turn = |meter: MeterIx, restored: bool| {
        let one = members.entry(meter).or_default();
        (one.restored, one.withdrawn) = (restored, !restored);
    };
    match note {
        OutageNote::Opened { members: all, .. }
        | OutageNote::Joined { members: all, .. }
        | OutageNote::Moved { members: all, .. } => {
            all.iter().for_each(|one| members.entry(one.meter).or_default().heard |= one.is_heard());
        }
        OutageNote::Withdrawn { meters, .. } => meters.iter().for_each(|meter| turn(*meter, false)),
        OutageNote::Restored { meter, .. } => turn(*meter, true),
        // Afterwards it is known better.
        OutageNote::Settled { spells, never, twice, .. } => {
            spells.iter().for_each(|spell| turn(spell.meter, true));
            never.iter().for_each(|meter| turn(*meter, false));
            twice.iter().for_each(|meter| _ = members.remove(meter));
        }
        _ => {}
    }
}

/// How many of these are longer than five minutes (IEEE 1366), and how long they are together, ms.
fn sustained(spells: impl Iterator<Item = (i64, i64)>) -> (u64, u64) {
    let lengths = spells.map(|(from_ms, to_ms)| u64::try_from(to_ms.saturating_sub(from_ms)).unwrap_or(0));
    lengths.filter(|ms| *ms > 300_000).fold((0, 0), |(count, sum), ms| (count + 1, sum + ms))
}
