//! The village as one kernel model: the state, and which room handles which event.
//!
//! ```text
//!   demand ─▶ power ─▶ meters ◀─bytes─▶ radio ◀─bytes─▶ site (Dcu) ◀─bytes─▶ cloud
//!     ▲         │                                                            ▲
//!   people ──── money ── provider ───────────────────────────────────────────┘
//!               classify: who is dark, in which class, along which chain
//! ```
//!
//! Each file is an `impl Village` block over its own part of the state. After every event [`Village::settle`] brings
//! the status of the customers it touched up to date; that is the only place where lost time is booked.

mod backhaul;
mod bypass;
mod calls;
mod classify;
mod demand;
mod disk;
mod event;
mod finish;
mod images;
mod keys;
mod late;
mod light;
mod mesh_frame;
mod message;
mod meter;
mod money;
mod mood;
mod outage;
mod outside;
mod parts;
mod person;
mod population;
mod power;
mod prices;
mod purse;
mod radio;
mod repair;
mod setup;
mod site;
mod sky;
mod storage;
mod tamper;
mod timeline;
mod towers;
mod wan;

use taa_dcu::config::Traits;
use taa_scenarios::model::Scenario;

pub(crate) use self::{
    event::Event,
    setup::{mesh_nodes, settled_hops, site_policy, unreached},
    timeline::Timeline,
};
use self::{
    message::Messages, money::Pay, parts::Part, population::Population, power::Power, radio::Mesh, site::Site, wan::Wan,
};
use crate::{
    cause::Chain,
    kernel::{Fired, Model, NodeId, Queue, RollingDigest},
    records::{LogRow, Records},
    run::Meddling,
};

/// Kernel nodes that are not customers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ops {
    plant: NodeId,
    dcu: NodeId,
    wan: NodeId,
    cloud: NodeId,
    outside: NodeId,
}

/// The village under one architecture.
pub(crate) struct Village<'s> {
    scenario: &'s Scenario,
    timeline: &'s Timeline,
    traits: Traits,
    meddling: Meddling,
    /// Seed and replication.
    seed: (u64, u32),
    ops: Ops,
    people: Population,
    power: Power,
    inverter: Part,
    feeders: Vec<Part>,
    meter_parts: Vec<Part>,
    /// The lines between feeder and customer, by customer.
    lines: Vec<Part>,
    mesh: Mesh,
    site: Site,
    wan: Wan,
    cloud: backhaul::CloudHost,
    cloud_part: Part,
    provider: Part,
    agent: Part,
    money: money::Money,
    repairs: repair::Repairs,
    tampers: tamper::Tampers,
    pays: Vec<Pay>,
    leaving: Vec<u32>,
    /// Customers whose darkness has just begun or ended.
    stirred: Vec<u32>,
    /// What the classes use.
    usage: taa_models::demand::Catalogue,
    /// Customers to whom missed use returns: their next switch is to be armed.
    rearm: Vec<u32>,
    outages: u32,
    outage: outage::Outages,
    touched: Vec<u32>,
    touched_all: bool,
    messages: Messages,
    records: Records,
    component_down: finish::ComponentLog,
    telemetry: finish::TelemetryCount,
    /// Digest of the bytes that arrived anywhere.
    payloads: RollingDigest,
}

impl Model for Village<'_> {
    type Event = Event;

    fn handle(&mut self, fired: &Fired<Event>, queue: &mut Queue<Event>) {
        let now_ms = fired.time.as_ms();
        match fired.event {
            Event::Edge(number) => self.edge(number, now_ms, queue),
            Event::PlantTick { generation } => self.plant_tick(generation, now_ms, queue),
            Event::Sample => self.quarter_over(now_ms, queue),
            Event::Failover { generation } => self.fail_over(generation, now_ms, queue),
            Event::HoldupEmpty { generation } => self.holdup_empty(generation, now_ms, queue),
            Event::DcuBooted { generation } => self.dcu_booted(generation, now_ms, queue),
            Event::DcuWake { generation } => self.dcu_wakes(generation, now_ms, queue),
            Event::Disk { generation } => self.disk_wakes(generation, now_ms, queue),
            Event::AtMeter { customer, message } => {
                self.deliver(message, |to, bytes| to.at_meter(customer, bytes, now_ms, queue));
            }
            Event::AtDcu { customer, message } => {
                self.deliver(message, |to, bytes| to.at_dcu(customer, bytes, now_ms, queue));
            }
            Event::Cried { customer, message } => self.cried(customer, message, now_ms, queue),
            Event::GaspAtDcu { message } => self.deliver(message, |to, bytes| to.gasp_at_dcu(bytes, now_ms, queue)),
            Event::CurrentsRead => self.currents_read(now_ms, queue),
            Event::AtCloud { message } => self.deliver(message, |to, bytes| to.at_cloud(bytes, now_ms, queue)),
            Event::DownAtDcu { message } => self.deliver(message, |to, bytes| to.down_at_dcu(bytes, now_ms, queue)),
            Event::CloudWake { generation } => self.cloud_wakes(generation, now_ms, queue),
            Event::Joined { customer, generation } => {
                if self.people.of(customer).unit.join_wake.is_current(generation) {
                    self.joined(customer, now_ms, queue);
                }
            }
            Event::RelayJoined { relay, generation } => self.relay_joined(relay, generation),
            Event::MeshWake { generation } => self.mesh_wakes(generation, now_ms, queue),
            Event::MeterWake { customer, generation } => {
                if self.people.of(customer).unit.wake.is_current(generation) {
                    self.meter_wakes(customer, now_ms, queue);
                }
            }
            Event::Day { customer } => {
                if customer == 0 {
                    self.look_after_tokens(now_ms, queue);
                }
                self.day(customer, now_ms, queue);
            }
            Event::Switch { customer, generation } => {
                if self.people.of(customer).load.wake.is_current(generation) {
                    self.switch(customer, now_ms, queue);
                }
            }
            Event::Person { customer, generation } => {
                if self.people.of(customer).purse.wake.is_current(generation) {
                    self.person_wakes(customer, now_ms, queue);
                }
            }
            Event::Mood { customer, generation } => {
                if self.people.of(customer).purse.mood.wake.is_current(generation) {
                    self.mood_wakes(customer, now_ms, queue);
                }
            }
            Event::Repair { job, generation } => self.repair_step(job, generation, now_ms, queue),
            Event::Operation { number } => self.operation(number, now_ms, queue),
            Event::Tamper { customer, generation } => self.tamper_step(customer, generation, now_ms, queue),
            Event::Accepted { payment } => self.accepted(payment, now_ms, queue),
            Event::Callback { payment } => self.callback(payment, now_ms, queue),
            Event::Hop { payment, at } => self.hop(payment, at, now_ms, queue),
            Event::AtIntake { message } => self.question_arrives(message, now_ms, queue),
            Event::IntakeAtDcu { message } => self.reply_arrives(message, now_ms, queue),
            Event::IntakeCommit { generation } => self.intake_commits(generation, now_ms, queue),
            Event::IntakeWake { generation } => self.intake_wakes(generation, now_ms, queue),
            Event::Status { payment } => self.status_arrives(payment, now_ms, queue),
            Event::TwinAtIntake { message } => self.twin_question_arrives(message, now_ms, queue),
            Event::IntakeAtTwin { message } => self.reply_at_twin(message, now_ms, queue),
            Event::TwinWake { generation } => self.twin_wakes(generation, now_ms, queue),
            Event::TextArrives { payment } => self.text_arrives(payment, now_ms, queue),
            Event::TextAsked { payment } => self.text_asked(payment, now_ms, queue),
            Event::ChangeTexted { change } => self.change_texted(change, now_ms, queue),
            Event::ChangeTyped { change } => self.change_typed(change, now_ms, queue),
            Event::OrphanAsked { customer, sale } => self.orphan_asked(customer, sale, now_ms, queue),
            Event::RefusedAsked { customer, sale } => self.refused_asked(customer, sale, now_ms, queue),
            Event::DoubtLooked => self.doubt_looked(now_ms, queue),
            Event::KitMorning { kit } => self.kit_morning(kit, now_ms, queue),
            Event::KitBuys { kit } => self.kit_tries(kit, now_ms, queue),
            Event::KitPaid { kit } => self.kit_paid(kit, now_ms, queue),
            Event::KitTyped { kit } => self.kit_typed(kit, now_ms),
            Event::Keypad { payment } => self.keypad(payment, now_ms, queue),
        }
        self.audit(now_ms);
        self.settle(now_ms);
        while !self.stirred.is_empty() {
            self.stir(now_ms, queue);
            self.settle(now_ms);
        }
        while let Some(customer) = self.leaving.pop() {
            self.leave(customer, now_ms);
            self.touch(customer);
            self.settle(now_ms);
        }
        while let Some(customer) = self.rearm.pop() {
            self.arm_switch(customer, queue);
        }
    }

    fn digest_words(event: &Event) -> [u64; 2] {
        event.words()
    }
}

impl Village<'_> {
    /// Bytes arrive: they enter the digest, and their buffer is used again.
    fn deliver(&mut self, message: message::MessageId, to: impl FnOnce(&mut Self, &[u8])) {
        let bytes = self.messages.take(message);
        self.payloads.absorb_bytes(&bytes);
        to(self, &bytes);
        self.messages.recycle(message, bytes);
    }

    /// Local second of the day and weekday (0 = Monday).
    fn local(&self, now_ms: u64) -> (u32, u8) {
        let start_local_s = self.scenario.run.start_unix_s + i64::from(self.scenario.site.utc_offset_s);
        let local_s = start_local_s + (now_ms / 1000) as i64;
        let second = local_s.rem_euclid(86_400) as u32;
        // 1 January 1970 was a Thursday.
        let weekday = (local_s.div_euclid(86_400) + 3).rem_euclid(7) as u8;
        (second, weekday)
    }

    fn unix_ms(&self, now_ms: u64) -> i64 {
        self.scenario.run.start_unix_s * 1000 + now_ms as i64
    }

    fn log(&mut self, time_ms: u64, kind: &'static str, subject: String, text: String) {
        self.records.log.push(LogRow { time_ms, kind, subject, text });
    }

    /// A chain in words, nearest cause first.
    fn say(&self, chain: Chain) -> String {
        chain
            .causes()
            .map(|cause| match cause {
                crate::cause::Cause::Scripted(n) => match self.scenario.faults.get(usize::from(n)) {
                    Some(fault) => format!("scripted fault {}", fault.id),
                    None => cause.words().to_owned(),
                },
                _ => cause.words().to_owned(),
            })
            .collect::<Vec<_>>()
            .join(" because ")
    }
}
