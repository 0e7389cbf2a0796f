//! How long an order takes: draws over meters, tries and waits.

use super::{
    Site, Traffic,
    tree::{Net, Tree},
};
use crate::{
    draw::{Draws, NodeKey, Purpose},
    mesh::MeshParams,
};

/// Orders that are drawn for each meter.
const ORDERS: u64 = 32;

/// Mean of delays and what 95 of 100 stay under, s; nought for none.
pub(super) fn mean_and_p95_s(mut delays_s: Vec<f64>) -> (f64, f64) {
    if delays_s.is_empty() {
        return (0.0, 0.0);
    }
    delays_s.sort_unstable_by(f64::total_cmp);
    let at = (delays_s.len() * 95).div_ceil(100).saturating_sub(1);
    (delays_s.iter().sum::<f64>() / delays_s.len() as f64, delays_s[at])
}

/// Draws orders to a meter; `one` draws the way of one order, `None` when it is lost, s.
pub(super) fn drawn(
    mesh: &MeshParams,
    key: NodeKey,
    seed: u64,
    one: impl Fn(&mut Draws) -> Option<f64>,
) -> impl Iterator<Item = f64> {
    const ORDER: Purpose = Purpose::named("medium/order");
    let ends_ms = mesh.ends_median_ms;
    (0..ORDERS).filter_map(move |occasion| {
        let mut draws = Draws::keyed(seed, 0, key, ORDER, occasion);
        // The spread that messages of a run have.
        let ends_s = draws.lognormal(ends_ms, 0.4) / 1000.0;
        one(&mut draws).map(|way_s| ends_s + way_s)
    })
}

/// Tries until one succeeds; `None` when all are used up.
pub(super) fn tries(traffic: &Traffic, each: f64, draws: &mut Draws) -> Option<u32> {
    (1..=u32::from(traffic.mesh.retries) + 1).find(|_| draws.chance(each))
}

/// Delays of orders down the tree.
pub(super) fn down(net: &Net, tree: &Tree, site: &Site, traffic: &Traffic, seed: u64) -> Vec<f64> {
    let mut all = Vec::new();
    for (meter, place) in site.meters.iter().enumerate().take(net.meters) {
        if tree.ways[meter].is_none() {
            continue;
        }
        let way = |draws: &mut Draws| {
            let mut sum_s = 0.0;
            for (_, way) in tree.up(meter) {
                for _ in 0..tries(traffic, way.hop.both, draws)? {
                    // From a third to five thirds of the mean, as messages of a run wait.
                    let access_ms = traffic.mesh.access_mean_ms * (1.0 / 3.0 + 4.0 / 3.0 * draws.uniform());
                    sum_s += way.hop.order_us as f64 / 1e6 + access_ms / 1000.0;
                }
            }
            Some(sum_s)
        };
        all.extend(drawn(&traffic.mesh, place.radio.key, seed, way));
    }
    all
}
