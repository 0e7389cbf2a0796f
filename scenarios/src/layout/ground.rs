//! The ground between the houses: where a pole may stand, and which lines would run over a roof.

use std::collections::BTreeMap;

use crate::model::Building;

/// Side of a bucket, metres.
const CELL_M: f64 = 25.0;
/// A generation site wants this much room around it, metres; a panel field of 50 kWp takes about 20 m × 20 m.
const SITE_CLEARANCE_M: f64 = 14.0;

/// Straight distance, metres.
pub(super) fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    let (dx, dy) = (a[0] - b[0], a[1] - b[1]);
    (dx * dx + dy * dy).sqrt()
}

/// Items by the square they lie in; asked by radius, answered in the order of their numbers within each square.
#[derive(Clone, Debug, Default)]
pub(super) struct Buckets {
    cells: BTreeMap<(i32, i32), Vec<u32>>,
}

impl Buckets {
    pub(super) fn insert(&mut self, at: [f64; 2], item: u32) {
        self.cells.entry(cell(at)).or_default().push(item);
    }

    /// All items whose square touches the circle; the caller looks at true distances.
    pub(super) fn near(&self, at: [f64; 2], radius_m: f64) -> impl Iterator<Item = u32> + '_ {
        let (low_x, low_y) = cell([at[0] - radius_m, at[1] - radius_m]);
        let (high_x, high_y) = cell([at[0] + radius_m, at[1] + radius_m]);
        (low_x..=high_x)
            .flat_map(move |x| self.cells.range((x, low_y)..=(x, high_y)))
            .flat_map(|(_, items)| items.iter().copied())
    }
}

fn cell(at: [f64; 2]) -> (i32, i32) {
    ((at[0] / CELL_M).floor() as i32, (at[1] / CELL_M).floor() as i32)
}

/// All footprints, findable by place.
pub(super) struct Ground {
    outlines: Vec<Vec<[f64; 2]>>,
    centres: Vec<[f64; 2]>,
    buckets: Buckets,
    /// Largest distance from a centre to its own corner, metres.
    reach_m: f64,
}

impl Ground {
    pub(super) fn new(buildings: &[Building]) -> Self {
        let mut buckets = Buckets::default();
        let mut reach_m: f64 = 2.0;
        for (i, building) in buildings.iter().enumerate() {
            buckets.insert(building.at_m, i as u32);
            // One compound of 300 m must not slow every question down.
            let reach = building.outline_m.iter().map(|&corner| distance(corner, building.at_m)).fold(0.0, f64::max);
            reach_m = reach_m.max(reach.min(60.0));
        }
        let centres = buildings.iter().map(|building| building.at_m).collect();
        Self { outlines: buildings.iter().map(|b| b.outline_m.clone()).collect(), centres, buckets, reach_m }
    }

    /// Distance to the nearest footprint, metres, no more than `limit_m`; 0 inside one.
    pub(super) fn clearance(&self, at: [f64; 2], limit_m: f64) -> f64 {
        let mut best = limit_m;
        for i in self.buckets.near(at, limit_m + self.reach_m) {
            let i = i as usize;
            if distance(at, self.centres[i]) > best + self.reach_m {
                continue;
            }
            best = best.min(distance_to_outline(&self.outlines[i], self.centres[i], at));
        }
        best
    }

    /// How many footprints a straight line runs across.
    pub(super) fn crossed(&self, a: [f64; 2], b: [f64; 2]) -> u32 {
        let middle = [f64::midpoint(a[0], b[0]), f64::midpoint(a[1], b[1])];
        let half = distance(a, b) / 2.0;
        let near = self.buckets.near(middle, half + self.reach_m).map(|i| i as usize);
        near.filter(|&i| distance(middle, self.centres[i]) <= half + self.reach_m)
            .filter(|&i| {
                let ring = &self.outlines[i];
                ring.iter().zip(ring.iter().cycle().skip(1)).any(|(&c, &d)| cross(a, b, c, d))
            })
            .count() as u32
    }

    /// The free spot nearest to `wanted` with room for the generation site.
    pub(super) fn free_spot(&self, wanted: [f64; 2]) -> [f64; 2] {
        let mut best = (self.clearance(wanted, SITE_CLEARANCE_M), wanted);
        for ring in 0..40 {
            if best.0 >= SITE_CLEARANCE_M {
                break;
            }
            let radius = 6.0 * f64::from(ring);
            let steps = (6 * ring).max(1);
            for step in 0..steps {
                let angle = std::f64::consts::TAU * f64::from(step) / f64::from(steps);
                let at = [wanted[0] + radius * libm::cos(angle), wanted[1] + radius * libm::sin(angle)];
                let room = self.clearance(at, SITE_CLEARANCE_M);
                if room > best.0 {
                    best = (room, at);
                }
            }
        }
        best.1
    }

    /// A place for a pole near `at`, moved sideways (across the direction `a` to `b`) off houses, if that is possible
    /// with both spans at most `span_max_m`.
    pub(super) fn beside(&self, at: [f64; 2], a: [f64; 2], b: [f64; 2], span_max_m: f64) -> [f64; 2] {
        let length = distance(a, b).max(1e-9);
        let across = [-(b[1] - a[1]) / length, (b[0] - a[0]) / length];
        let mut best = (self.clearance(at, POLE_CLEARANCE_M), at);
        for step in [2.0, -2.0, 4.0, -4.0, 6.0, -6.0, 9.0, -9.0, 12.0, -12.0] {
            if best.0 >= POLE_CLEARANCE_M {
                break;
            }
            let moved = [at[0] + across[0] * step, at[1] + across[1] * step];
            let room = self.clearance(moved, POLE_CLEARANCE_M);
            if room > best.0 && distance(moved, a) <= span_max_m && distance(moved, b) <= span_max_m {
                best = (room, moved);
            }
        }
        best.1
    }
}

/// A pole keeps this far from walls where it can, metres.
pub(super) const POLE_CLEARANCE_M: f64 = 1.5;

/// Distance from a point to a building's outline, metres; 0 inside it.
pub(super) fn service_distance(building: &Building, at: [f64; 2]) -> f64 {
    distance_to_outline(&building.outline_m, building.at_m, at)
}

/// The spot on a building's outline where a service drop from `at` ends; its centre when only a point is known.
pub(super) fn nearest_on_outline(building: &Building, at: [f64; 2]) -> [f64; 2] {
    let ring = &building.outline_m;
    let on_edges = ring.iter().zip(ring.iter().cycle().skip(1)).map(|(&a, &b)| nearest_on_segment(a, b, at));
    let mut best = (f64::INFINITY, building.at_m);
    for spot in on_edges {
        let away = distance(spot, at);
        if away < best.0 {
            best = (away, spot);
        }
    }
    best.1
}

fn distance_to_outline(ring: &[[f64; 2]], centre: [f64; 2], at: [f64; 2]) -> f64 {
    if ring.is_empty() {
        return distance(centre, at);
    }
    let mut inside = false;
    let mut best = f64::INFINITY;
    for (&a, &b) in ring.iter().zip(ring.iter().cycle().skip(1)) {
        best = best.min(distance(nearest_on_segment(a, b, at), at));
        if (a[1] > at[1]) != (b[1] > at[1]) && at[0] < a[0] + (at[1] - a[1]) / (b[1] - a[1]) * (b[0] - a[0]) {
            inside = !inside;
        }
    }
    if inside { 0.0 } else { best }
}

fn nearest_on_segment(a: [f64; 2], b: [f64; 2], at: [f64; 2]) -> [f64; 2] {
    let along = [b[0] - a[0], b[1] - a[1]];
    let length2 = along[0] * along[0] + along[1] * along[1];
    if length2 <= 0.0 {
        return a;
    }
    let t = (((at[0] - a[0]) * along[0] + (at[1] - a[1]) * along[1]) / length2).clamp(0.0, 1.0);
    [a[0] + t * along[0], a[1] + t * along[1]]
}

fn cross(a: [f64; 2], b: [f64; 2], c: [f64; 2], d: [f64; 2]) -> bool {
    let side = |p: [f64; 2], q: [f64; 2], r: [f64; 2]| (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
    (side(a, b, c) > 0.0) != (side(a, b, d) > 0.0) && (side(c, d, a) > 0.0) != (side(c, d, b) > 0.0)
}
