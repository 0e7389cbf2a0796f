//! Three media on one real village: the radio mesh it has, G3-PLC along its own lines, a LoRaWAN star from its mast.
//!
//! Radios, houses, leaves and shadows are those of the scenario; each draw of the air is met by the mesh and the star
//! alike (the wires draw nothing but delays). How each medium is reckoned, and what is the same for all, says
//! [`taa_models::medium`]. All of it are upper bounds: settled, alive, no joining.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use serde::Serialize;
use taa_models::{
    lorawan::{Class, LorawanParams},
    medium::{Bound, Figures, Medium, Place, Relay, Site, Span, Traffic, compare},
    plc::{Load, PlcParams},
};
use taa_scenarios::model::{LineEnd, Scenario, Village};
use taa_sim::reach::{LAST_GASP_OCTETS, mesh_nodes};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Question {
    /// Octets of a reading (application).
    pub reading_octets: u32,
    /// Readings a meter sends an hour.
    pub readings_per_hour: f64,
    /// Octets of an order (a relay to open).
    pub order_octets: u32,
    /// Draws of the air: the first of them is the scenario's seed.
    pub draws: u32,
}

impl Default for Question {
    fn default() -> Self {
        Self { reading_octets: 120, readings_per_hour: 1.0, order_octets: 40, draws: 5 }
    }
}

/// A medium of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The Wi-SUN mesh.
    Mesh,
    /// G3-PLC at night…
    PlcNight,
    /// …by day…
    PlcDay,
    /// …and in the evening.
    PlcEvening,
    /// LoRaWAN, devices that listen after they have spoken.
    LorawanA,
    /// LoRaWAN, devices that always listen.
    LorawanC,
}

impl Kind {
    /// All of them, in the table's order.
    pub const ALL: [Self; 6] =
        [Self::Mesh, Self::PlcNight, Self::PlcDay, Self::PlcEvening, Self::LorawanA, Self::LorawanC];

    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Mesh => "mesh",
            Self::PlcNight => "PLC night",
            Self::PlcDay => "PLC day",
            Self::PlcEvening => "PLC evening",
            Self::LorawanA => "LoRaWAN A",
            Self::LorawanC => "LoRaWAN C",
        }
    }

    /// As the village would have it.
    fn of(self, scenario: &Scenario) -> Medium {
        let radio = || scenario.comms.radio.clone();
        let wires = |load| Medium::Plc(PlcParams::default(), load);
        // The same power as the mesh has.
        let star = LorawanParams { tx_power_dbm: scenario.comms.radio.tx_power_dbm, ..LorawanParams::default() };
        match self {
            Self::Mesh => Medium::Mesh(radio()),
            Self::PlcNight => wires(Load::Night),
            Self::PlcDay => wires(Load::Day),
            Self::PlcEvening => wires(Load::Evening),
            Self::LorawanA => Medium::Lorawan(radio(), star, Class::A),
            Self::LorawanC => Medium::Lorawan(radio(), star, Class::C),
        }
    }
}

/// A figure over the draws.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Range {
    /// Mean.
    pub mean: f64,
    /// Least.
    pub least: f64,
    /// Most.
    pub most: f64,
}

impl Range {
    fn of(all: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut range = Self { mean: 0.0, least: f64::INFINITY, most: f64::NEG_INFINITY };
        let mut count = 0_u32;
        for one in all {
            range.mean += one;
            range.least = range.least.min(one);
            range.most = range.most.max(one);
            count += 1;
        }
        (count > 0).then(|| Self { mean: range.mean / f64::from(count), ..range })
    }
}

/// One medium over the draws. Shares are 0–1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Which.
    pub medium: Kind,
    /// Share of meters with a usable way.
    pub reached: Range,
    /// Share of readings that arrive, over all meters.
    pub delivered: Range,
    /// Most hops.
    pub hops_max: Range,
    /// Mean hops.
    pub hops_mean: Range,
    /// Airtime of one reading from every reached meter, s.
    pub round_s: Range,
    /// Readings a meter and hour at most.
    pub readings_per_hour_max: Range,
    /// What bounds them in the first draw.
    pub bound: Bound,
    /// Mean time of an order, s.
    pub order_mean_s: Range,
    /// 95 of 100 orders take less, s.
    pub order_p95_s: Range,
    /// Orders an hour at most.
    pub orders_per_hour: Range,
    /// The largest feeder's breaker opens: share of the lit meters that lose their way; nothing where none is lit.
    pub lit_without_way: Option<Range>,
    /// Share of the dark meters whose last gasp arrives when all cry at once.
    pub gasps_heard: Range,
    /// The same when each cries alone.
    pub gasps_heard_alone: Range,
    /// The worst router is lost: share of the other meters without any way.
    pub without_router: Range,
    /// Most meters behind one router, as a share of the others.
    pub behind_router: Range,
}

/// The comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// Meters.
    pub meters: usize,
    /// Poles and feeders.
    pub poles: usize,
    /// Feeders.
    pub feeders: usize,
    /// The feeder with most meters, and the share that it has.
    pub largest_feeder: String,
    /// 0–1.
    pub largest_feeder_share: f64,
    /// Cable from the busbar to the farthest meter, drop included, m.
    pub farthest_m: f64,
    /// Time left for a last gasp once it is found out, s.
    pub gasp_s: f64,
    /// By medium.
    pub rows: Vec<Row>,
}

/// What a village lacks for the comparison.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// Nobody to reach.
    #[error("the village has no connected building: nobody to reach. Set \"connected\":\"yes\" in village.geojson.")]
    NoMeters,
    /// There is no way over the wires.
    #[error(
        "no line feeds pole {pole}, which customer {customer} is fed by: the wires cannot be compared without the \
         feeders. Draw the lines from the generation site to it in village.geojson, or leave all poles and lines out to \
         have them laid out."
    )]
    NoLine {
        /// The customer.
        customer: String,
        /// The pole; empty where the customer has none.
        pole: String,
    },
}

/// Compares, on so many threads. The answer does not depend on the threads.
///
/// # Errors
/// When the village has no meters, or a meter has no line to the generation site.
pub fn media(scenario: &Scenario, question: &Question, threads: usize) -> Result<Answer, MediaError> {
    let site = site(scenario)?;
    let traffic = traffic(scenario, question);
    let draws = question.draws.max(1);
    let asked: Vec<(Kind, u32)> = (0..draws).flat_map(|draw| Kind::ALL.map(|kind| (kind, draw))).collect();
    let next = AtomicUsize::new(0);
    let found: Mutex<Vec<Option<Figures>>> = Mutex::new(vec![None; asked.len()]);
    let work = || loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let Some((kind, draw)) = asked.get(at) else { break };
        let seed = scenario.run.seed.wrapping_add(u64::from(*draw));
        let mut drawn = site.clone();
        turn(&mut drawn, scenario, seed);
        let figures = compare(&kind.of(scenario), &drawn, &traffic, seed);
        found.lock().unwrap_or_else(PoisonError::into_inner)[at] = Some(figures);
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.max(1) {
            scope.spawn(work);
        }
        work();
    });
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let of =
        |kind: Kind| asked.iter().zip(&found).filter(move |(one, _)| one.0 == kind).filter_map(|(_, one)| one.as_ref());
    let rows = Kind::ALL.into_iter().filter_map(|kind| row(kind, &of(kind).collect::<Vec<_>>())).collect();
    let village = &scenario.village;
    let (largest, count) = site.largest_feeder().ok_or(MediaError::NoMeters)?;
    Ok(Answer {
        meters: site.meters.len(),
        poles: village.poles.len(),
        feeders: village.feeders.len(),
        largest_feeder: village.feeders.get(largest as usize).map_or_else(String::new, |feeder| feeder.id.clone()),
        largest_feeder_share: count as f64 / site.meters.len().max(1) as f64,
        farthest_m: farthest_m(&site),
        gasp_s: traffic.gasp_s,
        rows,
    })
}

fn row(medium: Kind, all: &[&Figures]) -> Option<Row> {
    let range = |of: fn(&Figures) -> f64| Range::of(all.iter().map(|one| of(one)));
    Some(Row {
        medium,
        reached: range(|f| f.reached)?,
        delivered: range(|f| f.delivered)?,
        hops_max: range(|f| f64::from(f.hops_max))?,
        hops_mean: range(|f| f.hops_mean)?,
        round_s: range(|f| f.round_s)?,
        readings_per_hour_max: range(|f| f.readings_per_hour_max)?,
        bound: all.first()?.bound,
        order_mean_s: range(|f| f.order_mean_s)?,
        order_p95_s: range(|f| f.order_p95_s)?,
        orders_per_hour: range(|f| f.orders_per_hour)?,
        lit_without_way: Range::of(all.iter().filter_map(|f| f.lost.lit_without_way)),
        gasps_heard: range(|f| f.lost.gasps_heard)?,
        gasps_heard_alone: range(|f| f.lost.gasps_heard_alone)?,
        without_router: range(|f| f.lost.without_router)?,
        behind_router: range(|f| f.lost.behind_router)?,
    })
}

fn traffic(scenario: &Scenario, question: &Question) -> Traffic {
    /// Three cycles of 50 Hz until a meter knows that its supply is gone, s.
    const DETECTED_S: f64 = 0.06;
    Traffic {
        reading_octets: question.reading_octets,
        readings_per_hour: question.readings_per_hour,
        order_octets: question.order_octets,
        gasp_octets: LAST_GASP_OCTETS,
        gasp_s: (scenario.comms.last_gasp.hold_up_s - DETECTED_S).max(0.0),
        mesh: scenario.comms.mesh.clone(),
    }
}

/// The village as the media see it under the scenario's own seed.
fn site(scenario: &Scenario) -> Result<Site, MediaError> {
    let village = &scenario.village;
    let mut nodes = mesh_nodes(scenario);
    let Some(root) = nodes.pop().filter(|_| !village.customers.is_empty()) else { return Err(MediaError::NoMeters) };
    let spans = spans(village)?;
    let radios = nodes.split_off(village.customers.len());
    let meters = village.customers.iter().zip(nodes);
    let meters = meters.map(|(customer, radio)| Place {
        radio,
        pole: customer.pole,
        drop_m: customer.service_m,
        phase: customer.phase,
    });
    let relays = radios.into_iter().map(|radio| Relay { feeder: nearest_feeder(village, radio.at_m), radio });
    Ok(Site { meters: meters.collect(), relays: relays.collect(), root, spans })
}

/// Meters face another way in each draw, as in a run under that seed.
fn turn(site: &mut Site, scenario: &Scenario, seed: u64) {
    let mut drawn = scenario.clone();
    drawn.run.seed = seed;
    for (place, radio) in site.meters.iter_mut().zip(mesh_nodes(&drawn)) {
        place.radio = radio;
    }
}

/// Every pole with its line.
fn spans(village: &Village) -> Result<Vec<Span>, MediaError> {
    let mut fed: Vec<Option<Span>> = vec![None; village.poles.len()];
    for line in &village.lines {
        let before = match line.from {
            LineEnd::Source => None,
            LineEnd::Pole(pole) => Some(pole),
        };
        let feeder = village.poles.get(line.to as usize).map_or(0, |pole| pole.feeder);
        if let Some(slot) = fed.get_mut(line.to as usize) {
            *slot = Some(Span { before, feeder, length_m: line.length_m });
        }
    }
    for customer in &village.customers {
        // Up to the busbar, in at most as many steps as there are poles.
        let (mut at, mut steps) = (Some(customer.pole), 0);
        while let Some(pole) = at {
            let span = fed.get(pole as usize).copied().flatten().filter(|_| steps < village.poles.len());
            let Some(span) = span else {
                let pole = village.poles.get(pole as usize).map_or_else(String::new, |pole| pole.id.clone());
                return Err(MediaError::NoLine { customer: customer.id.clone(), pole });
            };
            (at, steps) = (span.before, steps + 1);
        }
    }
    // Poles that nobody hangs on may stand alone; nothing is asked of them.
    Ok(fed.into_iter().map(|span| span.unwrap_or(Span { before: None, feeder: 0, length_m: 0.0 })).collect())
}

fn nearest_feeder(village: &Village, at_m: [f64; 2]) -> u32 {
    let away = |pole: &[f64; 2]| libm::hypot(pole[0] - at_m[0], pole[1] - at_m[1]);
    let nearest = village.poles.iter().min_by(|a, b| away(&a.at_m).total_cmp(&away(&b.at_m)));
    nearest.map_or(0, |pole| pole.feeder)
}

fn farthest_m(site: &Site) -> f64 {
    let along = |pole: u32| {
        let lines = std::iter::successors(site.spans.get(pole as usize), |span| site.spans.get(span.before? as usize));
        lines.take(site.spans.len()).map(|span| span.length_m).sum::<f64>()
    };
    site.meters.iter().map(|meter| meter.drop_m + along(meter.pole)).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn quick() -> Question {
        Question { draws: 2, ..Question::default() }
    }

    fn row_of(answer: &Answer, kind: Kind) -> &Row {
        answer.rows.iter().find(|row| row.medium == kind).expect("all kinds")
    }

    #[test]
    fn a_village_is_compared_the_same_on_any_number_of_threads() {
        let scenario = testing::village(80, 2, 1);
        let answer = media(&scenario, &quick(), 2).expect("lines and meters");
        assert_eq!(Ok(&answer), media(&scenario, &quick(), 1).as_ref());
        assert_eq!((answer.meters, answer.rows.len()), (80, 6));
        assert!(answer.farthest_m > 100.0 && answer.farthest_m < 3000.0, "{}", answer.farthest_m);
        for row in &answer.rows {
            assert!(row.delivered.most <= row.reached.most + 1e-9 && row.reached.least <= row.reached.mean, "{row:?}");
        }
        let [mesh, night, evening, class_a, class_c] =
            [Kind::Mesh, Kind::PlcNight, Kind::PlcEvening, Kind::LorawanA, Kind::LorawanC]
                .map(|kind| row_of(&answer, kind));
        // The wires are the same in every draw, and no better when everything is switched on.
        assert!((night.reached.most - night.reached.least).abs() < 1e-12);
        assert!(evening.reached.mean <= night.reached.mean + 1e-12);
        // What a wire says ends at the open breaker, what a radio says does not.
        assert!(night.gasps_heard_alone.most < 1e-12 && mesh.gasps_heard_alone.mean > 0.0);
        assert_eq!(class_a.reached, class_c.reached);
        assert!(class_a.order_mean_s.mean > 100.0 * class_c.order_mean_s.mean);
        assert!(class_c.without_router.most < 1e-12 && mesh.behind_router.most > 0.0);
    }

    #[test]
    fn meters_indoors_cost_the_radios_and_not_the_wires() {
        let mut scenario = testing::village(80, 2, 1);
        // So little that the star needs more than its fastest factor.
        scenario.comms.radio.tx_power_dbm = -6.0;
        let mut indoors = scenario.clone();
        for customer in &mut indoors.village.customers {
            customer.placement = taa_scenarios::model::Placement::Indoor;
        }
        let outdoors = media(&scenario, &quick(), 2).expect("lines");
        let indoors = media(&indoors, &quick(), 2).expect("lines");
        assert_eq!(row_of(&outdoors, Kind::PlcDay).round_s, row_of(&indoors, Kind::PlcDay).round_s);
        let slower = |kind| row_of(&indoors, kind).round_s.mean > row_of(&outdoors, kind).round_s.mean;
        assert!(slower(Kind::LorawanA));
    }

    /// The sabotage: a line is cut out of the map, and the comparison says which pole has none instead of reckoning on.
    #[test]
    fn what_is_missing_is_named() {
        let mut scenario = testing::village(80, 2, 1);
        let pole = scenario.village.customers[3].pole;
        scenario.village.lines.retain(|line| line.to != pole);
        let said = media(&scenario, &quick(), 1).expect_err("a pole without a line").to_string();
        assert!(said.contains(&scenario.village.poles[pole as usize].id) && said.contains("Draw the lines"), "{said}");
        scenario.village.customers.clear();
        assert_eq!(media(&scenario, &quick(), 1), Err(MediaError::NoMeters));
    }
}
