//! Towers, bearers, SIM cards and the dish as edges of the exogenous timeline.
//!
//! Towers and dish live under the weather of the village, scripted clouds included. What those clouds do to them is the
//! script's: the outages under the clear sky are drawn too, and the time lost under the clouds alone is a hold of the
//! clouding fault, so that taking the fault away takes it away (HOUSE.md, contract 5).

use taa_models::cellular::{Down, DownWhy, Sky, Timelines};
use taa_scenarios::model::{FaultKind, Scenario};

use super::{
    Village,
    parts::{PartId, Turn},
    timeline::{Edge, Target, spell},
};
use crate::cause::Cause;

/// Draws the wide-area world into the timeline.
pub(super) fn draw(scenario: &Scenario, seed: (u64, u32), horizon_ms: u64, edges: &mut Vec<Edge>) {
    let p = &scenario.comms.cellular;
    let series = &scenario.weather.series;
    let start_local_s = scenario.run.start_unix_s + i64::from(scenario.site.utc_offset_s);
    let clouds = clouds(scenario);
    let sky = Sky::new(series, start_local_s, horizon_ms);
    let lines = Timelines::draw(p, &sky, seed.0, seed.1, horizon_ms);
    let register_ms = (p.bearer.figures().registration_s * 1000.0) as u64;
    let mut all = vec![(PartId::Router, &lines.router, register_ms), (PartId::Core, &lines.core, register_ms)];
    for n in [0, 1] {
        let i = usize::from(n);
        all.push((PartId::Bearer(n), &lines.bearers[i], register_ms));
        all.push((PartId::Sim(n), &lines.sims[i], register_ms));
        all.push((PartId::Throttle(n), &lines.throttled[i], 0));
    }
    all.push((PartId::Fibre, &lines.fibre, 0));
    for (part, downs, register_ms) in all {
        natural(part, downs, register_ms, horizon_ms, edges);
    }
    let under_weather = |lines: &Timelines| {
        let [first, second] = lines.towers.clone();
        [(PartId::Tower(0), first), (PartId::Tower(1), second), (PartId::Vsat, lines.vsat.clone())]
    };
    let clear = under_weather(&lines);
    if clouds.is_empty() {
        clear.iter().for_each(|(part, downs)| natural(*part, downs, 0, horizon_ms, edges));
        return;
    }
    let shares: Vec<_> = clouds.iter().map(|c| (c.from_ms, c.until_ms, c.sun_share)).collect();
    let sky = Sky::clouded(series, start_local_s, horizon_ms, &shares);
    let clouded = under_weather(&Timelines::draw(p, &sky, seed.0, seed.1, horizon_ms));
    for ((part, clear), (_, clouded)) in clear.into_iter().zip(clouded) {
        natural(part, &both(&clear, &clouded), 0, horizon_ms, edges);
        for (from_ms, until_ms) in beyond(&clear, &clouded) {
            let turns = |n| (Turn::Hold(n), Turn::Release(n));
            // The clouds that had begun last; before any there is no difference.
            if let Some(cloud) = clouds.iter().rev().find(|c| c.from_ms <= from_ms) {
                spell(edges, Target::Part(part), from_ms, until_ms, turns(cloud.number));
            }
        }
    }
}

struct Cloud {
    number: u8,
    from_ms: u64,
    until_ms: u64,
    sun_share: f64,
}

/// The clouding faults, by start as the loader sorts them.
fn clouds(scenario: &Scenario) -> Vec<Cloud> {
    let mut clouds: Vec<Cloud> = (0_u8..)
        .zip(&scenario.faults)
        .filter_map(|(number, fault)| match fault.what {
            FaultKind::Cloudy { sun_share } => {
                Some(Cloud { number, from_ms: fault.from_ms, until_ms: fault.until_ms, sun_share })
            }
            _ => None,
        })
        .collect();
    clouds.sort_by_key(|c| (c.from_ms, c.number));
    clouds
}

fn natural(part: PartId, downs: &[Down], register_ms: u64, horizon_ms: u64, edges: &mut Vec<Edge>) {
    for (i, down) in downs.iter().enumerate() {
        let next_ms = downs.get(i + 1).map_or(horizon_ms, |next| next.start_ms);
        let end_ms = (down.end_ms + register_ms).min(next_ms);
        let turns = (Turn::Fail(cause(part, down.why)), Turn::Mend);
        spell(edges, Target::Part(part), down.start_ms, end_ms, turns);
    }
}

/// What stands behind the part's own name.
const fn cause(part: PartId, why: DownWhy) -> Option<Cause> {
    Some(match why {
        DownWhy::GridOut => Cause::TowerGridOut,
        DownWhy::DarkDays => Cause::DarkDays,
        DownWhy::BatteryWorn => Cause::TowerBatteryWorn,
        DownWhy::FuelStolen => Cause::FuelStolen,
        DownWhy::FuelLate => Cause::FuelLate,
        DownWhy::Generator => Cause::TowerGenerator,
        DownWhy::Equipment if matches!(part, PartId::Vsat) => Cause::DishFault,
        DownWhy::Equipment => Cause::TowerEquipment,
        DownWhy::CoreFault => Cause::CoreFault,
        DownWhy::Country => Cause::CountryOffline,
        DownWhy::Rain => Cause::RainFade,
        // The part's own name says it all.
        DownWhy::Bearer | DownWhy::Router | DownWhy::FibreCut | DownWhy::SimCredit | DownWhy::Throttled => return None,
    })
}

/// The time that is lost in both worlds, for the reason of the first.
fn both(clear: &[Down], clouded: &[Down]) -> Vec<Down> {
    let mut found = Vec::new();
    for a in clear {
        for b in clouded {
            let (start_ms, end_ms) = (a.start_ms.max(b.start_ms), a.end_ms.min(b.end_ms));
            if start_ms < end_ms {
                found.push(Down { start_ms, end_ms, why: a.why });
            }
        }
    }
    found
}

/// The time that is lost in the second world alone.
fn beyond(clear: &[Down], clouded: &[Down]) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    for b in clouded {
        let mut from_ms = b.start_ms;
        for a in clear.iter().filter(|a| a.start_ms < b.end_ms && a.end_ms > b.start_ms) {
            if a.start_ms > from_ms {
                found.push((from_ms, a.start_ms));
            }
            from_ms = from_ms.max(a.end_ms);
        }
        if from_ms < b.end_ms {
            found.push((from_ms, b.end_ms));
        }
    }
    found
}

impl Village<'_> {
    /// An operator began or ceased to put machines last.
    pub(crate) fn throttle_turned(&mut self, operator: u8, now_ms: u64) {
        let part = &self.wan.throttled[usize::from(operator & 1)];
        let text = if part.up() { "machine traffic passes again".to_owned() } else { self.say(part.chain()) };
        self.log(now_ms, "throttle", format!("operator {}", (operator & 1) + 1), text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down(start_ms: u64, end_ms: u64) -> Down {
        Down { start_ms, end_ms, why: DownWhy::GridOut }
    }

    #[test]
    fn what_the_clouds_add_is_what_the_clear_world_has_not() {
        let (clear, clouded) = ([down(10, 20), down(30, 40)], [down(5, 35), down(50, 60)]);
        assert_eq!(beyond(&clear, &clouded), [(5, 10), (20, 30), (50, 60)]);
        assert_eq!(both(&clear, &clouded), [down(10, 20), down(30, 35)]);
        assert_eq!(beyond(&clear, &clear), []);
    }
}
