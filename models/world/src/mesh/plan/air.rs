//! Links between places by the radio model, one draw of the shadows after another.
//!
//! The budget (power, law of distance, houses, noise) is the scenario's [`RadioParams`]; a link's margin is how much more
//! may be lost until its expected transmissions pass [`MeshParams::max_etx`]. Shadows come in two ways:
//!
//! - [`Shadow::Pair`]: each pair for itself by its keys, as [`Topology`] draws them for a run under this seed.
//! - [`Shadow::Field`]: as a field over the ground ([`Field`]), so that a relay beside a meter stands behind the same
//!   hill. The mean along the path is read off a raster of the field: a village has a million pairs.

use crate::{
    mesh::{MeshNode, MeshParams, Topology},
    radio::{
        self, Budget, RadioParams,
        shadow::{Field, ShadowParams},
    },
};

use super::graph::LinkGraph;

/// How shadows are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shadow {
    /// Each pair for itself, as in a run under this seed.
    Pair {
        /// Seed of the run.
        seed: u64,
    },
    /// As a field over the ground.
    Field {
        /// Seed of the field.
        seed: u64,
    },
}

/// All usable links (margin of 0 dB and more) between these nodes. The last `roots` nodes are places of the root: no links
/// among them, for only one is taken.
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub fn draw(radio: &RadioParams, mesh: &MeshParams, nodes: &[MeshNode], roots: usize, shadow: Shadow) -> LinkGraph {
    /// Luck in the shadows that is looked for, in standard deviations.
    const LUCK: f64 = 3.5;
    let least_db = least_snr_db(radio, mesh);
    let luck_db = LUCK * radio.shadowing_sigma_db;
    let budget = Budget::new(radio);
    let field = match shadow {
        Shadow::Pair { .. } => None,
        Shadow::Field { seed } => Some(Ground::new(radio, nodes, seed)),
    };
    let first_root = nodes.len().saturating_sub(roots);
    let mut links = Vec::new();
    for (b, there) in nodes.iter().enumerate() {
        for (a, here) in nodes[..b.min(first_root)].iter().enumerate() {
            let clear_db = budget.link(&here.antenna, &there.antenna, 0.0).snr_db - least_db;
            if clear_db + luck_db < 0.0 {
                continue;
            }
            let shadow_db = match (&field, shadow) {
                (Some(field), _) => field.link_db(nodes, a, b),
                (None, Shadow::Pair { seed } | Shadow::Field { seed }) => {
                    radio::shadow_db(radio, seed, here.key, there.key)
                }
            };
            let margin_db = clear_db - shadow_db;
            if margin_db >= 0.0 {
                links.push((a as u32, b as u32, margin_db as f32));
            }
        }
    }
    LinkGraph::new(nodes.len(), &links)
}

/// The weakest signal of a usable link, to a thousandth of a dB.
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub fn least_snr_db(radio: &RadioParams, mesh: &MeshParams) -> f64 {
    let topology = Topology::without_links(radio, mesh);
    let usable = |snr_db: f64| {
        let success = topology.success(snr_db as f32);
        topology.cost(success, success) != u32::MAX
    };
    let (mut bad, mut good) = (-20.0, 60.0);
    while good - bad > 0.001 {
        let middle = 0.5 * (bad + good);
        if usable(middle) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    good
}

/// A field with its values at all nodes and on a raster.
struct Ground {
    field: Field,
    at_nodes: Vec<f64>,
    west_south_m: [f64; 2],
    step_m: f64,
    columns: usize,
    raster: Vec<f64>,
}

impl Ground {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn new(radio: &RadioParams, nodes: &[MeshNode], seed: u64) -> Self {
        /// Points of the raster: some tenths of a second.
        const POINTS: f64 = 60_000.0;
        let params = ShadowParams { sigma_db: radio.shadowing_sigma_db, ..ShadowParams::default() };
        let field = Field::new(&params, seed);
        let bound = |axis: usize, start: f64, pick: fn(f64, f64) -> f64| {
            nodes.iter().map(|node| node.antenna.at_m[axis]).fold(start, pick)
        };
        let low = [bound(0, f64::INFINITY, f64::min), bound(1, f64::INFINITY, f64::min)];
        let high = [bound(0, f64::NEG_INFINITY, f64::max), bound(1, f64::NEG_INFINITY, f64::max)];
        let size_m = [0, 1].map(|axis| (high[axis] - low[axis]).clamp(1.0, 1e6));
        let step_m = libm::sqrt(size_m[0] * size_m[1] / POINTS).max(params.correlation_m / 4.0);
        let [columns, rows] = size_m.map(|size_m| (size_m / step_m) as usize + 2);
        let raster = (0..rows * columns).map(|i| {
            let (row, column) = ((i / columns) as f64, (i % columns) as f64);
            field.at([low[0] + column * step_m, low[1] + row * step_m])
        });
        Self {
            raster: raster.collect(),
            at_nodes: nodes.iter().map(|node| field.at(node.antenna.at_m)).collect(),
            field,
            west_south_m: low,
            step_m,
            columns,
        }
    }

    fn link_db(&self, nodes: &[MeshNode], a: usize, b: usize) -> f64 {
        let (x, y) = (&nodes[a], &nodes[b]);
        let ends = self.at_nodes[a] + self.at_nodes[b];
        let path = self.mean_along(x.antenna.at_m, y.antenna.at_m, ends);
        self.field.mixed_db((x.key, x.antenna.at_m), (y.key, y.antenna.at_m), ends, path)
    }

    /// Mean of the field along a line: trapezes over the ends and points between, a raster step apart.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn mean_along(&self, a: [f64; 2], b: [f64; 2], ends: f64) -> f64 {
        let length_m = libm::hypot(b[0] - a[0], b[1] - a[1]);
        let parts = (length_m / self.step_m) as usize + 1;
        let mut sum = 0.5 * ends;
        for part in 1..parts {
            let share = part as f64 / parts as f64;
            sum += self.between([a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])]);
        }
        sum / parts as f64
    }

    /// The raster between its points.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn between(&self, at_m: [f64; 2]) -> f64 {
        let [x, y] = [0, 1].map(|axis| ((at_m[axis] - self.west_south_m[axis]) / self.step_m).max(0.0));
        let (column, row) = (x as usize, y as usize);
        let (u, v) = (x - column as f64, y - row as f64);
        let value = |row: usize, column: usize| {
            self.raster.get(row * self.columns + column.min(self.columns - 1)).copied().unwrap_or(0.0)
        };
        let low = value(row, column) * (1.0 - u) + value(row, column + 1) * u;
        let high = value(row + 1, column) * (1.0 - u) + value(row + 1, column + 1) * u;
        low * (1.0 - v) + high * v
    }
}

/// Places on a square grid from which something within `reach_m` of one of `around` could be heard, at least `apart_m`
/// from all of `taken`.
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub fn grid(around: &[[f64; 2]], taken: &[[f64; 2]], step_m: f64, reach_m: f64, apart_m: f64) -> Vec<[f64; 2]> {
    let near = |a: [f64; 2], b: [f64; 2], within_m: f64| libm::hypot(a[0] - b[0], a[1] - b[1]) <= within_m;
    let mut cells = std::collections::BTreeSet::new();
    let reach = (reach_m / step_m) as i64 + 1;
    for at in around {
        let cell = [0, 1].map(|axis| libm::round(at[axis] / step_m) as i64);
        for north in -reach..=reach {
            for east in -reach..=reach {
                cells.insert((cell[0] + east, cell[1] + north));
            }
        }
    }
    let place = |(east, north): (i64, i64)| [east as f64 * step_m, north as f64 * step_m];
    cells
        .into_iter()
        .map(place)
        .filter(|&p| around.iter().any(|&a| near(p, a, reach_m)) && !taken.iter().any(|&t| near(p, t, apart_m)))
        .collect()
}
