//! What no architecture can influence: lives of towers, provider, cloud and hardware, and the scripted faults.
//!
//! Built once per run from scenario and seed and shared by all architectures. Its digest (with the weather and
//! everybody's dispositions) is the run's `exogenous_digest`.

mod wear;

use sha2::{Digest as _, Sha256};
use taa_models::{assets::AssetKind, payments, repair::Outside};
use taa_scenarios::model::{FaultKind, FaultTarget, Scenario};

pub(crate) use self::wear::{asset_id, climate};
use super::{
    Event, Village, money,
    parts::{Part, PartId, Turn},
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
    /// Hardware that is mended by repair.
    Asset(AssetKind, u32),
    /// The sky: the fault itself says how cloudy.
    Sky,
    /// The air: the fault itself says how noisy, and where.
    Air,
}

/// The edges in order.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    pub(crate) edges: Vec<Edge>,
    /// What keeps crews from the site.
    pub(crate) outside: Outside,
    /// The digest of everything exogenous but people.
    pub(crate) digest: Digest,
}

impl Timeline {
    /// Draws the outside world of a run.
    pub(crate) fn draw(scenario: &Scenario, seed: (u64, u32), horizon_ms: u64) -> Self {
        let mut edges = Vec::new();
        natural(scenario, seed, horizon_ms, &mut edges);
        towers::draw(scenario, seed, horizon_ms, &mut edges);
        let climate = climate(scenario, horizon_ms);
        wear::natural(scenario, &climate, seed, horizon_ms, &mut edges);
        let outside = wear::outside(scenario, &climate, seed, horizon_ms);
        scripted(scenario, horizon_ms, &mut edges);
        edges.sort_unstable();
        let digest = digest(scenario, seed, horizon_ms, &edges, &outside);
        Self { edges, outside, digest }
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
}

fn scripted(scenario: &Scenario, horizon_ms: u64, edges: &mut Vec<Edge>) {
    for (number, fault) in scenario.faults.iter().enumerate() {
        let number = number as u8;
        let until_ms = fault.until_ms.min(horizon_ms);
        let turns = (Turn::Hold(number), Turn::Release(number));
        if fault.what == FaultKind::Lightning {
            wear::lightning(number, &fault.target, fault.from_ms, edges);
            continue;
        }
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
            FaultKind::RouterHung => hold(Target::Part(PartId::RouterHang)),
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
            FaultKind::DiskFull
            | FaultKind::DiskReadOnly
            | FaultKind::FsyncLies
            | FaultKind::PageCorrupt
            | FaultKind::SdWear => hold(Target::Part(PartId::Disk)),
            FaultKind::InverterOut => hold(Target::Part(PartId::Inverter)),
            FaultKind::AgentAway => hold(Target::Part(PartId::Agent)),
            FaultKind::AggregatorOut => {
                (0..scenario.comms.payments.aggregators.count).for_each(|n| hold(Target::Part(PartId::Aggregator(n))));
            }
            FaultKind::IntakeOut => hold(Target::Part(PartId::Intake)),
            FaultKind::SmsLost => hold(Target::Part(PartId::Sms)),
            FaultKind::UssdBroken => hold(Target::Part(PartId::Ussd)),
            FaultKind::KeyModuleOut => hold(Target::Part(PartId::KeyModule)),
            FaultKind::LeasesExhausted => hold(Target::Part(PartId::Leases)),
            FaultKind::PaperOut => hold(Target::Part(PartId::Paper)),
            FaultKind::WrongKeyRevision => {
                aimed_at(scenario, &fault.target).for_each(|c| hold(Target::Part(PartId::WrongKey(c))));
            }
            FaultKind::GatewayRefused => {
                aimed_at(scenario, &fault.target).for_each(|c| hold(Target::Part(PartId::Gateway(c))));
            }
            FaultKind::RolloverMissed => {
                aimed_at(scenario, &fault.target).for_each(|c| hold(Target::Part(PartId::Rollover(c))));
            }
            FaultKind::ChargeControllerOut => hold(Target::Part(PartId::ChargeController)),
            FaultKind::MetersTampered => {
                aimed_at(scenario, &fault.target).for_each(|c| hold(Target::Part(PartId::Tamper(c))));
            }
            // The crew's calendar knows of them: see `wear::outside`.
            FaultKind::Lightning | FaultKind::RoadClosed | FaultKind::CrewAway => {}
            FaultKind::MeterDead => {
                aimed_at(scenario, &fault.target).for_each(|c| hold(Target::Part(PartId::Meter(c))));
            }
            FaultKind::LineOut => aimed_at(scenario, &fault.target).for_each(|c| hold(Target::Part(PartId::Line(c)))),
            FaultKind::FeederOut => match fault.target {
                FaultTarget::Feeder(n) => hold(Target::Part(PartId::Feeder(n))),
                _ => (0..scenario.village.feeders.len() as u32).for_each(|n| hold(Target::Part(PartId::Feeder(n)))),
            },
        }
    }
}

/// The customers that a fault is aimed at: all, or those named.
pub(super) fn aimed_at(scenario: &Scenario, target: &FaultTarget) -> impl Iterator<Item = u32> {
    let (named, all) = match target {
        FaultTarget::Customers(list) => (list.clone(), 0),
        _ => (Vec::new(), scenario.village.customers.len() as u32),
    };
    named.into_iter().chain(0..all)
}

fn digest(scenario: &Scenario, seed: (u64, u32), horizon_ms: u64, edges: &[Edge], outside: &Outside) -> Digest {
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
    hash.update(format!("{outside:?}").as_bytes());
    // The edges say when a fault holds what; how hard it does is the fault's own.
    hash.update(format!("{:?}", scenario.faults).as_bytes());
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
            (Target::Asset(kind, index), _) => self.asset_fails((kind, index), turn, now_ms, queue),
            (Target::Sky, Some((n, fault, on))) => self.power.sky.turn(n, fault, on),
            (Target::Air, Some((n, fault, on))) => {
                self.mesh.turn(n, fault, on, &scenario.village, now_ms);
                self.mesh_stirred(now_ms, queue);
                self.touch_all();
            }
            (Target::Sky | Target::Air, None) => {}
        }
    }

    pub(crate) fn part_turned(&mut self, part: PartId, turn: Turn, now_ms: u64, queue: &mut Queue<Event>) {
        match part {
            PartId::Tower(n) => {
                self.wan.towers[usize::from(n & 1)].turn(turn);
                self.wan_turned(now_ms, queue);
            }
            PartId::Bearer(n) => {
                self.wan.bearers[usize::from(n & 1)].turn(turn);
                self.wan_turned(now_ms, queue);
            }
            PartId::Vsat | PartId::RouterHang | PartId::Fibre | PartId::Core | PartId::Sim(_) | PartId::Throttle(_) => {
                let wan = &mut self.wan;
                let (part, component) = match part {
                    PartId::RouterHang => (&mut wan.hang, None),
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
            PartId::Line(n) => self.line_turned(n, turn, now_ms, queue),
            PartId::Meter(n) => self.meter_part_turned(n, turn, now_ms, queue),
            PartId::Aggregator(_)
            | PartId::Intake
            | PartId::Sms
            | PartId::Ussd
            | PartId::KeyModule
            | PartId::Leases
            | PartId::Paper
            | PartId::WrongKey(_)
            | PartId::Gateway(_)
            | PartId::Rollover(_) => self.money_part_turned(part, turn, now_ms),
            PartId::ChargeController | PartId::Panels | PartId::Bms => self.charging_turned(part, turn, now_ms, queue),
            PartId::Router => {
                self.wan.router.turn(turn);
                self.wan_turned(now_ms, queue);
            }
            PartId::Clock | PartId::Keys(_) => self.edge_part_turned(part, turn, now_ms, queue),
            PartId::Tamper(n) => self.tamper_turned(n, turn, now_ms, queue),
            PartId::Disk => self.disk_turned(turn, now_ms, queue),
        }
        self.money_turned(now_ms, queue);
        self.touch_all();
    }

    /// The part that a repair mends.
    pub(crate) fn part_mut(&mut self, part: PartId) -> Option<&mut Part> {
        match part {
            PartId::Inverter => Some(&mut self.inverter),
            PartId::Dcu => Some(&mut self.site.part),
            PartId::Feeder(n) => self.feeders.get_mut(n as usize),
            PartId::Meter(n) => self.meter_parts.get_mut(n as usize),
            PartId::Line(n) => self.lines.get_mut(n as usize),
            PartId::ChargeController => Some(&mut self.repairs.charge_controller),
            PartId::Panels => Some(&mut self.repairs.panels),
            PartId::Bms => Some(&mut self.repairs.bms),
            PartId::Router => Some(&mut self.wan.router),
            PartId::Clock => Some(&mut self.repairs.clock),
            PartId::Keys(n) => self.repairs.keys.get_mut(n as usize),
            PartId::Disk => Some(&mut self.site.disk.part),
            _ => None,
        }
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use taa_scenarios::{Overrides, load, model::Fault};

    use super::*;

    #[test]
    fn the_digest_tells_faults_apart_by_what_they_do() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/villages/jija");
        let mut scenario =
            load(&folder, &Overrides { days: Some(2), ..Overrides::default() }).expect("a bundled village");
        let mut digest_at = |sun_share: f64| {
            let what = FaultKind::Cloudy { sun_share };
            scenario.faults =
                vec![Fault { id: "clouds".to_owned(), what, target: FaultTarget::All, from_ms: 1, until_ms: 9 }];
            Timeline::draw(&scenario, (1, 0), 86_400_000).digest
        };
        let dim = digest_at(0.2);
        assert_ne!(dim, digest_at(0.5));
        assert_eq!(dim, digest_at(0.2));
    }
}
