//! Links between places by the village's radio, one draw of its air after another.
//!
//! A link's margin is how much more its weaker direction may lose, with all trees in full leaf, until expected
//! transmissions pass [`MeshParams::max_etx`], among the others in the band where there are any. Under the seed of a run the links are those of the run (which keeps the best
//! neighbours only, and sees leaves come and go); under other seeds the hills, and what each radio has of its own, are
//! drawn anew.

use crate::{
    mesh::MeshParams,
    radio::{
        RadioParams,
        channels::ChannelPlan,
        interferer::{Disturbance, Interferer},
        village::{Mounted, Stood, VillageRadio},
    },
};

use super::graph::LinkGraph;

/// Who else is in the band.
#[derive(Clone, Debug)]
pub struct Others<'a> {
    /// Those who send.
    pub sources: &'a [Interferer],
    /// The channels that the mesh hops over.
    pub band: ChannelPlan,
}

/// Pairs that may hear each other, with their loss but for shadows and leaves: the same in every draw.
#[derive(Clone, Debug)]
pub struct Pairs {
    near: Vec<(u32, u32, f64)>,
    mesh: MeshParams,
    least_db: f64,
}

impl Pairs {
    /// Looks at all pairs of these nodes. The last `roots` nodes are places of the root: there are no links among them,
    /// for only one is taken. Links that need more luck than 2.5 standard deviations are not counted on.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn new(radio: &RadioParams, mesh: &MeshParams, nodes: &[Mounted], roots: usize) -> Self {
        const LUCK: f64 = 2.5;
        let air = VillageRadio::new(radio, 0);
        let least_db = least_snr_db(&air, mesh);
        let luck_db = LUCK * libm::hypot(radio.shadow.sigma_db, 2.0 * radio.spread.power_sigma_db);
        let most_db = radio.tx_power_dbm - air.noise_dbm() - least_db + luck_db;
        let highest_m = nodes.iter().map(|node| node.height_m).fold(0.0, f64::max);
        let reach_m = air.reach_m(most_db, highest_m);
        let first_root = nodes.len().saturating_sub(roots);
        let mut near = Vec::new();
        for (b, there) in nodes.iter().enumerate() {
            for (a, here) in nodes[..b.min(first_root)].iter().enumerate() {
                let (east, north) = ((here.at_m[0] - there.at_m[0]).abs(), (here.at_m[1] - there.at_m[1]).abs());
                if east > reach_m || north > reach_m {
                    continue;
                }
                let clear_db = air.clear_db(here, there);
                if clear_db <= most_db {
                    near.push((a as u32, b as u32, clear_db));
                }
            }
        }
        Self { near, mesh: mesh.clone(), least_db }
    }

    /// All usable links (margin of 0 dB and more) between the nodes, the same as before, under this seed, among these others.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn draw(&self, radio: &RadioParams, nodes: &[Mounted], others: Option<&Others<'_>>, seed: u64) -> LinkGraph {
        let air = VillageRadio::new(radio, seed);
        let stood: Vec<Stood> = nodes.iter().map(|node| air.stand(node)).collect();
        let least_db: Vec<f64> = stood.iter().map(|node| self.least_db_at(&air, node, radio, others)).collect();
        let mut links = Vec::new();
        for &(a, b, clear_db) in &self.near {
            let (a_at, b_at) = (a as usize, b as usize);
            let link = air.link_over(clear_db, &stood[a_at], &stood[b_at]);
            let spare_db = (link.there_db - least_db[b_at]).min(link.back_db - least_db[a_at]);
            let margin_db = spare_db - link.leaves_db;
            if margin_db >= 0.0 {
                links.push((a, b, margin_db as f32));
            }
        }
        LinkGraph::new(nodes.len(), &links)
    }

    /// The weakest signal that a node can use.
    fn least_db_at(&self, air: &VillageRadio, at: &Stood, radio: &RadioParams, others: Option<&Others<'_>>) -> f64 {
        let Some(Others { sources, band }) = others else { return self.least_db };
        let heard: Vec<_> = sources.iter().map(|of| (&of.params, air.heard_dbm(of, at))).collect();
        let frame_ms = f64::from(octets(&self.mesh)) * 8000.0 / f64::from(radio.phy.data_rate_bps());
        let disturbance = Disturbance::of(&heard, band, air.noise_dbm(), frame_ms);
        if disturbance.is_none() { self.least_db } else { least_among_db(air, &self.mesh, &disturbance) }
    }
}

/// Of a full frame.
fn octets(mesh: &MeshParams) -> u32 {
    u32::from(mesh.frame_octets) + u32::from(mesh.overhead_octets)
}

/// The weakest signal, both ways, of a usable link, to a thousandth of a dB.
#[must_use]
pub fn least_snr_db(air: &VillageRadio, mesh: &MeshParams) -> f64 {
    least_among_db(air, mesh, &Disturbance::default())
}

/// The same where others disturb; infinite where no signal is strong enough.
#[allow(clippy::cast_possible_truncation)]
fn least_among_db(air: &VillageRadio, mesh: &MeshParams, others: &Disturbance) -> f64 {
    let octets = octets(mesh);
    let usable = |snr_db: f64| {
        let success = f64::from(others.success(snr_db as f32, |snr_db| air.success(snr_db, octets)));
        success * success * mesh.max_etx >= 1.0
    };
    let (mut bad, mut good) = (-20.0, 60.0);
    if !usable(good) {
        return f64::INFINITY;
    }
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

/// Places on a square grid within `reach_m` of one of `around` and at least `apart_m` from all of `taken`.
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
