//! What no architecture can influence: lives of towers, provider, cloud and hardware, and the scripted faults.
//!
//! Built once per run from scenario and seed and shared by all architectures. Its digest (with the weather and
//! everybody's dispositions) is the run's `exogenous_digest`.

use sha2::{Digest as _, Sha256};
use taa_models::{
    assets::{self, AssetKind},
    draw::NodeKey,
    payments,
};
use taa_scenarios::model::{FaultKind, FaultTarget, Scenario};

use super::{
    Event, Village, money,
    parts::{PartId, Turn},
    towers,
};
use crate::{
    cause::Cause,
    kernel::{Phase, Queue, SimTime},
    records::Component,
    result::Digest,
};

/// One turn of one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    pub(crate) at_ms: u64,
    pub(crate) target: Target,
    pub(crate) turn: Turn,
}

/// What an edge turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    Part(PartId),
    /// The sky: the fault itself says how cloudy.
    Sky,
    /// The air: the fault itself says how noisy, and where.
    Air,
}

/// The edges in order.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    pub(crate) edges: Vec<Edge>,
    /// The digest of everything exogenous but people.
    pub(crate) digest: Digest,
}

impl Timeline {
    /// Draws the outside world of a run.
    pub(crate) fn draw(scenario: &Scenario, seed: (u64, u32), horizon_ms: u64) -> Self {
        let mut edges = Vec::new();
        natural(scenario, seed, horizon_ms, &mut edges);
        towers::draw(scenario, seed, horizon_ms, &mut edges);
        scripted(scenario, horizon_ms, &mut edges);
        edges.sort_unstable();
        let digest = digest(scenario, seed, horizon_ms, &edges);
        Self { edges, digest }
    }
}

pub(super) fn spell(edges: &mut Vec<Edge>, target: Target, from_ms: u64, until_ms: u64, turns: (Turn, Turn)) {
    if until_ms > from_ms {
        edges.push(Edge { at_ms: from_ms, target, turn: turns.0 });
        edges.push(Edge { at_ms: until_ms, target, turn: turns.1 });
    }
}

fn natural(scenario: &Scenario, seed: (u64, u32), horizon_ms: u64, edges: &mut Vec<Edge>) {
    let mut fail = |part: PartId, from_ms: u64, until_ms: u64, why: Option<Cause>| {
        spell(edges, Target::Part(part), from_ms, until_ms, (Turn::Fail(why), Turn::Mend));
    };
    let payments = &scenario.comms.payments;
    for down in payments::provider_timeline(payments, seed.0, seed.1, horizon_ms) {
        fail(PartId::Provider, down.start_ms, down.end_ms, None);
    }
    for down in payments::cloud_timeline(payments, seed.0, seed.1, horizon_ms) {
        fail(PartId::Cloud, down.start_ms, down.end_ms, None);
    }
    money::lives(scenario, seed, horizon_ms, |part, from_ms, until_ms| fail(part, from_ms, until_ms, None));
    let start_local_s = scenario.run.start_unix_s + i64::from(scenario.site.utc_offset_s);
    let mut wear = |part: PartId, kind: AssetKind, id: &str| {
        let key = NodeKey::of(id);
        for failure in assets::failures(&scenario.assets, kind, key, seed.0, seed.1, horizon_ms, start_local_s) {
            fail(part, failure.at_ms, failure.mended_ms, None);
        }
    };
    wear(PartId::Inverter, AssetKind::Inverter, &scenario.village.generation.id);
    wear(PartId::Dcu, AssetKind::Dcu, &scenario.village.dcu.id);
    for (i, feeder) in scenario.village.feeders.iter().enumerate() {
        wear(PartId::Feeder(i as u32), AssetKind::Feeder, &feeder.id);
    }
    for (i, customer) in scenario.village.customers.iter().enumerate() {
        wear(PartId::Meter(i as u32), AssetKind::Meter, &customer.meter_id);
    }
}

fn scripted(scenario: &Scenario, horizon_ms: u64, edges: &mut Vec<Edge>) {
    for (number, fault) in scenario.faults.iter().enumerate() {
        let number = number as u8;
        let until_ms = fault.until_ms.min(horizon_ms);
        let turns = (Turn::Hold(number), Turn::Release(number));
        let mut hold = |target: Target| spell(edges, target, fault.from_ms, until_ms, turns);
        match fault.what {
            FaultKind::TowerOut => match fault.target {
                FaultTarget::Tower(n) => hold(Target::Part(PartId::Tower(n & 1))),
                _ => (0..2).for_each(|n| hold(Target::Part(PartId::Tower(n)))),
            },
            FaultKind::BackhaulOut => {
                (0..2).for_each(|n| hold(Target::Part(PartId::Bearer(n))));
                hold(Target::Part(PartId::Vsat));
            }
            FaultKind::RouterHung => hold(Target::Part(PartId::Router)),
            FaultKind::SimCreditOut => match fault.target {
                FaultTarget::Tower(n) => hold(Target::Part(PartId::Sim(n & 1))),
                _ => (0..2).for_each(|n| hold(Target::Part(PartId::Sim(n)))),
            },
            FaultKind::M2mThrottled { .. } => (0..2).for_each(|n| hold(Target::Part(PartId::Throttle(n)))),
            FaultKind::ProviderOut => hold(Target::Part(PartId::Provider)),
            FaultKind::CloudOut => hold(Target::Part(PartId::Cloud)),
            FaultKind::Cloudy { .. } => hold(Target::Sky),
            FaultKind::RadioJammed { .. } | FaultKind::RoofLoss { .. } | FaultKind::RoutesCollapsed => {
                hold(Target::Air);
            }
            FaultKind::DcuPowerLost => hold(Target::Part(PartId::Dcu)),
            FaultKind::InverterOut => hold(Target::Part(PartId::Inverter)),
            FaultKind::AgentAway => hold(Target::Part(PartId::Agent)),
            FaultKind::AggregatorOut => {
                (0..scenario.comms.payments.aggregators.count).for_each(|n| hold(Target::Part(PartId::Aggregator(n))));
            }
            FaultKind::IntakeOut => hold(Target::Part(PartId::Intake)),
            FaultKind::SmsLost => hold(Target::Part(PartId::Sms)),
            FaultKind::UssdBroken => hold(Target::Part(PartId::Ussd)),
            FaultKind::MeterDead => match &fault.target {
                FaultTarget::Customers(list) => list.iter().for_each(|&c| hold(Target::Part(PartId::Meter(c)))),
                _ => (0..scenario.village.customers.len() as u32).for_each(|c| hold(Target::Part(PartId::Meter(c)))),
            },
            FaultKind::FeederOut => match fault.target {
                FaultTarget::Feeder(n) => hold(Target::Part(PartId::Feeder(n))),
                _ => (0..scenario.village.feeders.len() as u32).for_each(|n| hold(Target::Part(PartId::Feeder(n)))),
            },
        }
    }
}

fn digest(scenario: &Scenario, seed: (u64, u32), horizon_ms: u64, edges: &[Edge]) -> Digest {
    let mut hash = Sha256::new();
    for word in [seed.0, u64::from(seed.1), horizon_ms, scenario.run.start_unix_s as u64] {
        hash.update(word.to_le_bytes());
    }
    let series = &scenario.weather.series;
    let hours = (horizon_ms.div_ceil(3_600_000)) as usize;
    for column in
        [&series.ghi_w_per_m2, &series.dni_w_per_m2, &series.dhi_w_per_m2, &series.temp_c, &series.wind_m_per_s]
    {
        column.iter().take(hours).for_each(|v| hash.update(v.to_bits().to_le_bytes()));
    }
    for edge in edges {
        hash.update(format!("{} {:?} {:?}", edge.at_ms, edge.target, edge.turn).as_bytes());
    }
    Digest(hash.finalize().into())
}

impl Village<'_> {
    /// Schedules edge `number`, if there is one.
    pub(crate) fn arm_edge(&self, number: u32, queue: &mut Queue<Event>) {
        if let Some(edge) = self.timeline.edges.get(number as usize) {
            queue.at(SimTime::from_ms(edge.at_ms), Phase::Environment, self.ops.outside, Event::Edge(number));
        }
    }

    /// An edge of the timeline.
    pub(crate) fn edge(&mut self, number: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let Edge { target, turn, .. } = self.timeline.edges[number as usize];
        self.arm_edge(number + 1, queue);
        let scenario = self.scenario;
        let scripted = match turn {
            Turn::Hold(n) => scenario.faults.get(usize::from(n)).map(|fault| (n, fault, true)),
            Turn::Release(n) => scenario.faults.get(usize::from(n)).map(|fault| (n, fault, false)),
            Turn::Fail(_) | Turn::Mend => None,
        };
        // What scripted clouds do to towers begins and ends when it will, and says so by the tower's own record.
        if let Some((_, fault, on)) = scripted
            && !matches!((target, fault.what), (Target::Part(_), FaultKind::Cloudy { .. }))
        {
            let text = if on { "scripted fault begins" } else { "scripted fault ends" };
            self.log(now_ms, "scripted", fault.id.clone(), text.to_owned());
        }
        match (target, scripted) {
            (Target::Part(part), _) => self.part_turned(part, turn, now_ms, queue),
            (Target::Sky, Some((n, fault, on))) => self.power.sky.turn(n, fault, on),
            (Target::Air, Some((n, fault, on))) => {
                self.mesh.turn(n, fault, on, &scenario.village);
                self.touch_all();
            }
            (Target::Sky | Target::Air, None) => {}
        }
    }

    fn part_turned(&mut self, part: PartId, turn: Turn, now_ms: u64, queue: &mut Queue<Event>) {
        match part {
            PartId::Tower(n) => {
                self.wan.towers[usize::from(n & 1)].turn(turn);
                self.wan_turned(now_ms, queue);
            }
            PartId::Bearer(n) => {
                self.wan.bearers[usize::from(n & 1)].turn(turn);
                self.wan_turned(now_ms, queue);
            }
            PartId::Vsat | PartId::Router | PartId::Fibre | PartId::Core | PartId::Sim(_) | PartId::Throttle(_) => {
                let wan = &mut self.wan;
                let (part, component) = match part {
                    PartId::Router => (&mut wan.router, None),
                    PartId::Fibre => (&mut wan.fibre, None),
                    PartId::Core => (&mut wan.core, None),
                    PartId::Sim(n) => (&mut wan.sims[usize::from(n & 1)], None),
                    PartId::Throttle(n) => (&mut wan.throttled[usize::from(n & 1)], Some(n)),
                    _ => (&mut wan.vsat, None),
                };
                part.turn(turn);
                match component {
                    // Slow is not down: nobody is told.
                    Some(operator) => self.throttle_turned(operator, now_ms),
                    None => self.wan_turned(now_ms, queue),
                }
            }
            PartId::Provider => {
                self.provider.turn(turn);
                self.component(Component::Provider, now_ms);
            }
            PartId::Agent => {
                self.agent.turn(turn);
                self.component(Component::Agent, now_ms);
            }
            PartId::Cloud => {
                self.cloud_part.turn(turn);
                self.component(Component::Cloud, now_ms);
                self.cloud_turned(now_ms, queue);
            }
            PartId::Inverter => {
                self.inverter.turn(turn);
                self.inverter_turned(now_ms, queue);
            }
            PartId::Dcu => {
                self.site.part.turn(turn);
                self.site_turned(now_ms, queue);
            }
            PartId::Feeder(n) => {
                if self.feeders[n as usize].turn(turn) {
                    self.feeder_turned(n, now_ms, queue);
                }
            }
            PartId::Meter(n) => self.meter_part_turned(n, turn, now_ms, queue),
            PartId::Aggregator(_) | PartId::Intake | PartId::Sms | PartId::Ussd => {
                self.money_part_turned(part, turn, now_ms);
            }
        }
        self.money_turned(now_ms, queue);
        self.touch_all();
    }

    /// Brings the record of a component up to date.
    pub(crate) fn component(&mut self, component: Component, now_ms: u64) {
        let part = match component {
            Component::TowerA => &self.wan.towers[0],
            Component::TowerB => &self.wan.towers[1],
            Component::Provider => &self.provider,
            Component::Cloud => &self.cloud_part,
            Component::Agent => &self.agent,
            Component::Bearer => {
                let down = self.wan.bearer_chain(0);
                self.component_log(component, down, now_ms);
                return;
            }
            Component::Aggregator => self.money.components()[0],
            Component::Intake => self.money.components()[1],
            Component::Backhaul | Component::Supply | Component::Dcu => return,
        };
        let down = (!part.up()).then(|| part.chain());
        self.component_log(component, down, now_ms);
    }
}
