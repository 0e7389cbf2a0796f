//! How far a village's mesh reaches: at which range, with the root where and how many meters indoors, the hop limit is
//! passed, and whether the mesh falls apart before that.
//!
//! **Range** is the distance at which two meters on poles, without shadow and leaves, need as many transmissions as a link
//! may ([`taa_models::mesh::MeshParams::max_etx`]); transmit power is set to meet it. Routes are settled shortest-ETX ones
//! with everything alive: a mesh that has just lost power does worse. Who is **cut off** has no way at all; who is **too
//! far** has one of more hops than the limit.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use serde::Serialize;
use taa_models::{
    draw::{Draws, NodeKey, Purpose},
    mesh::plan::air::least_snr_db,
    radio::{
        aerial::Pattern,
        village::{Mounted, VillageRadio},
    },
};
use taa_scenarios::model::{Placement, Scenario};
use taa_sim::reach::meter_hops;

/// Where the root stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RootAt {
    /// Where the scenario has it.
    Given,
    /// In the middle of the meters (median east, median north).
    Centre,
    /// At the meter farthest from that middle.
    Edge,
}

impl RootAt {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Given, Self::Centre, Self::Edge];

    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Given => "as given",
            Self::Centre => "centre",
            Self::Edge => "far edge",
        }
    }
}

/// Who hangs where.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Hung {
    /// As the scenario has it.
    Given,
    /// This share indoors (who it is, is drawn; a larger share has all of a smaller one), the others on the outer wall.
    Indoor(f64),
    /// All on poles.
    Poles,
}

impl Hung {
    /// In words.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Given => "as given".to_owned(),
            Self::Indoor(share) => format!("{:.0} % indoors", share * 100.0),
            Self::Poles => "all on poles".to_owned(),
        }
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Ranges, longest first, m.
    pub ranges_m: Vec<f64>,
    /// Places of the root.
    pub roots: Vec<RootAt>,
    /// Placements.
    pub hung: Vec<Hung>,
    /// Draws of shadows: the first of them is the scenario's seed.
    pub draws: u32,
}

impl Default for Question {
    fn default() -> Self {
        Self {
            ranges_m: vec![400.0, 300.0, 200.0, 150.0, 120.0, 100.0, 80.0, 65.0, 50.0],
            roots: RootAt::ALL.to_vec(),
            hung: vec![Hung::Given, Hung::Indoor(0.0), Hung::Indoor(0.5), Hung::Indoor(1.0), Hung::Poles],
            draws: 5,
        }
    }
}

/// One range, means over the draws.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AtRange {
    /// Range, m.
    pub range_m: f64,
    /// Transmit power that gives it, dBm.
    pub tx_power_dbm: f64,
    /// Share of meters without any way, 0–1.
    pub cut_off: f64,
    /// Share of meters whose way is longer than the hop limit, 0–1.
    pub too_far: f64,
    /// Most hops of a meter that has a way.
    pub hops_max: f64,
    /// Median hops of those that have one.
    pub hops_p50: f64,
}

/// What gives way first as the range shrinks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "first")]
pub enum Limit {
    /// Neither within the ranges asked.
    Neither,
    /// More than one meter in twenty is cut off at this range, and at no longer one the hop limit was passed by as many.
    Partition {
        /// Range, m.
        range_m: f64,
    },
    /// More than one in twenty is too far at this range, and at no longer one as many were cut off.
    HopLimit {
        /// Range, m.
        range_m: f64,
        /// Cut off there, 0–1.
        cut_off: f64,
    },
}

/// One place of the root and one placement over the ranges.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The root.
    pub root: RootAt,
    /// The meters.
    pub hung: Hung,
    /// By range, longest first.
    pub ranges: Vec<AtRange>,
    /// What gives way first.
    pub limit: Limit,
}

/// One in twenty: what counts as a mesh that does not reach.
const BOUND: f64 = 0.05;

/// Answers, on so many threads; rows by root, then by placement. The answer does not depend on the threads.
#[must_use]
pub fn reach(scenario: &Scenario, question: &Question, threads: usize) -> Vec<Row> {
    let link = LeastLink::of(scenario);
    let powers: Vec<f64> = question.ranges_m.iter().map(|range_m| link.tx_power_dbm(*range_m)).collect();
    let kinds: Vec<(RootAt, Hung)> =
        question.roots.iter().flat_map(|root| question.hung.iter().map(move |hung| (*root, *hung))).collect();
    let next = AtomicUsize::new(0);
    let found = Mutex::new(vec![None; kinds.len()]);
    let work = || loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let Some((root, hung)) = kinds.get(at) else { break };
        let row = row(scenario, question, &powers, *root, *hung);
        found.lock().unwrap_or_else(std::sync::PoisonError::into_inner)[at] = Some(row);
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.max(1) {
            scope.spawn(work);
        }
        work();
    });
    found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).into_iter().flatten().collect()
}

fn row(scenario: &Scenario, question: &Question, powers: &[f64], root: RootAt, hung: Hung) -> Row {
    let mut village = placed(scenario, root, hung);
    let limit = village.comms.mesh.hop_limit;
    let mut ranges: Vec<AtRange> = Vec::with_capacity(powers.len());
    for (range_m, tx_power_dbm) in question.ranges_m.iter().zip(powers) {
        village.comms.radio.tx_power_dbm = *tx_power_dbm;
        let mut sum = AtRange {
            range_m: *range_m,
            tx_power_dbm: *tx_power_dbm,
            cut_off: 0.0,
            too_far: 0.0,
            hops_max: 0.0,
            hops_p50: 0.0,
        };
        for draw in 0..question.draws {
            village.run.seed = scenario.run.seed.wrapping_add(u64::from(draw));
            let hops = meter_hops(&village);
            let all = hops.len().max(1) as f64;
            let mut ways: Vec<u16> = hops.iter().flatten().copied().collect();
            ways.sort_unstable();
            sum.cut_off += (hops.len() - ways.len()) as f64 / all;
            sum.too_far += ways.iter().filter(|hops| **hops > limit).count() as f64 / all;
            sum.hops_max += f64::from(ways.last().copied().unwrap_or(0));
            sum.hops_p50 += f64::from(ways.get(ways.len() / 2).copied().unwrap_or(0));
        }
        let draws = f64::from(question.draws.max(1));
        for figure in [&mut sum.cut_off, &mut sum.too_far, &mut sum.hops_max, &mut sum.hops_p50] {
            *figure /= draws;
        }
        ranges.push(sum);
    }
    let first = ranges.iter().find(|at| at.cut_off > BOUND || at.too_far > BOUND);
    let limit = match first {
        None => Limit::Neither,
        Some(at) if at.cut_off > BOUND => Limit::Partition { range_m: at.range_m },
        Some(at) => Limit::HopLimit { range_m: at.range_m, cut_off: at.cut_off },
    };
    Row { root, hung, ranges, limit }
}

/// The village with root and meters moved.
fn placed(scenario: &Scenario, root: RootAt, hung: Hung) -> Scenario {
    const INDOOR: Purpose = Purpose::named("study/indoor");
    let mut village = scenario.clone();
    let layout = &mut village.village;
    let median = |axis: usize| {
        let mut along: Vec<f64> = layout.customers.iter().map(|customer| customer.meter_at_m[axis]).collect();
        along.sort_unstable_by(f64::total_cmp);
        along.get(along.len() / 2).copied().unwrap_or(0.0)
    };
    let centre_m = [median(0), median(1)];
    let away = |at: [f64; 2]| libm::hypot(at[0] - centre_m[0], at[1] - centre_m[1]);
    let edge_m =
        layout.customers.iter().map(|customer| customer.meter_at_m).max_by(|a, b| away(*a).total_cmp(&away(*b)));
    match root {
        RootAt::Given => {}
        RootAt::Centre => layout.dcu.at_m = centre_m,
        RootAt::Edge => layout.dcu.at_m = edge_m.unwrap_or(centre_m),
    }
    for customer in &mut layout.customers {
        customer.placement = match hung {
            Hung::Given => continue,
            Hung::Poles => Placement::Pole,
            Hung::Indoor(share) => {
                let drawn = Draws::keyed(scenario.run.seed, 0, NodeKey::of(&customer.id), INDOOR, 0).uniform();
                if drawn < share { Placement::Indoor } else { Placement::Wall }
            }
        };
    }
    village
}

/// Two meters on poles that just have a link.
struct LeastLink {
    air: VillageRadio,
    antenna: Pattern,
    least_snr_db: f64,
}

/// Height of a meter on a pole, m.
const POLE_M: f64 = 4.0;

impl LeastLink {
    fn of(scenario: &Scenario) -> Self {
        let radio = &scenario.comms.radio;
        let air = VillageRadio::new(radio, scenario.run.seed);
        let least_snr_db = least_snr_db(&air, &scenario.comms.mesh);
        Self { air, antenna: radio.meter_antenna, least_snr_db }
    }

    /// The power that they need so far apart.
    fn tx_power_dbm(&self, range_m: f64) -> f64 {
        let pole = |east_m| Mounted::on_pole(NodeKey(0), [east_m, 0.0], POLE_M, self.antenna);
        self.air.clear_db(&pole(0.0), &pole(range_m)) + self.air.noise_dbm() + self.least_snr_db
    }
}

/// Where a question that is first answered with no is answered with yes.
fn edge(mut no: f64, mut yes: f64, within: f64, answer: impl Fn(f64) -> bool) -> f64 {
    while yes - no > within {
        let middle = 0.5 * (no + yes);
        *(if answer(middle) { &mut yes } else { &mut no }) = middle;
    }
    yes
}

/// The range of the radio as the scenario has it, m.
#[must_use]
pub fn range_m(scenario: &Scenario) -> f64 {
    let link = LeastLink::of(scenario);
    edge(1.0, 100_000.0, 0.5, |range_m| link.tx_power_dbm(range_m) > scenario.comms.radio.tx_power_dbm)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::testing;

    fn quick() -> Question {
        Question {
            ranges_m: vec![300.0, 100.0, 40.0],
            roots: vec![RootAt::Centre, RootAt::Edge],
            hung: vec![Hung::Poles, Hung::Indoor(0.5), Hung::Indoor(1.0)],
            draws: 2,
        }
    }

    #[test]
    fn shorter_ranges_cost_hops_and_meters_indoors_are_cut_off_first() {
        let scenario = testing::village(80, 2, 1);
        let rows = reach(&scenario, &quick(), 2);
        assert_eq!(rows, reach(&scenario, &quick(), 1));
        assert_eq!(rows.len(), 6);
        for row in &rows {
            let lost: Vec<f64> = row.ranges.iter().map(|at| at.cut_off).collect();
            assert!(lost.is_sorted(), "{row:?}");
            assert!(row.ranges[0].tx_power_dbm > row.ranges[2].tx_power_dbm);
        }
        for root in rows.chunks(3) {
            let lost = |i: usize| root[i].ranges.iter().map(|at| at.cut_off).sum::<f64>();
            assert!(lost(0) <= lost(1) && lost(1) < lost(2), "{root:?}");
        }
        // The sabotage: whoever asks at one range only cannot tell what gives way first.
        let far = reach(&scenario, &Question { ranges_m: vec![2000.0], ..quick() }, 1);
        assert!(far.iter().all(|row| row.limit == Limit::Neither), "{far:?}");
        assert!(rows.iter().any(|row| row.limit != Limit::Neither), "{rows:?}");
    }

    /// The documents' 24 hops in the longest of the villages: with the root in its middle it falls apart before one meter in
    /// twenty needs a 25th hop, with the root at its far end half of them need it then. Plain geometry says 15 hops at 100 m and
    /// 34 at 50 m.
    #[test]
    fn ipoloto_falls_apart_before_it_needs_twenty_five_hops_unless_its_root_stands_at_the_end() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/villages/ipoloto");
        let scenario =
            taa_scenarios::load(&dir, &taa_scenarios::Overrides::default()).expect("a bundled village loads");
        let question = Question {
            ranges_m: vec![100.0, 80.0, 65.0, 50.0],
            roots: vec![RootAt::Centre, RootAt::Edge],
            hung: vec![Hung::Poles],
            draws: 1,
        };
        let rows = reach(&scenario, &question, 2);
        let [centre, edge] = &rows[..] else { panic!("{rows:?}") };
        println!("{centre:?}\n{edge:?}");
        assert_eq!(centre.limit, Limit::Partition { range_m: 50.0 });
        let [far, near] = [edge, centre].map(|row| row.ranges[3].too_far);
        assert!(far > 0.3 && near < 0.05 && edge.ranges[2].hops_max >= 22.0, "{far} and {near}");
        let hops = |at: usize| centre.ranges[at].hops_max;
        assert!((11.0..=16.0).contains(&hops(0)) && (24.0..=34.0).contains(&hops(3)), "{} {}", hops(0), hops(3));
    }

    #[test]
    fn the_range_is_where_its_power_says() {
        let mut scenario = testing::village(80, 2, 1);
        scenario.comms.radio.tx_power_dbm = LeastLink::of(&scenario).tx_power_dbm(137.0);
        assert!((range_m(&scenario) - 137.0).abs() < 1.0, "{}", range_m(&scenario));
    }
}
