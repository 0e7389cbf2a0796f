//! What the scripts read: compact columns, hours with two decimals.

use serde_json::{Value, json};

use taa_sim::records::MeshStanding;

use crate::{
    data::{Architecture, CustomerFigures, ReportData},
    words,
};

/// The data as JSON that is safe inside a `<script>` element.
pub(super) fn json(data: &ReportData) -> String {
    let customers = &data.village.customers;
    let edges = bin_edges_h(data);
    let value = json!({
        "title": data.scenario.title,
        "start_ms": data.run.start_unix_s.saturating_add(i64::from(data.scenario.utc_offset_s)).saturating_mul(1000),
        "edges": edges,
        "run_ms": data.run.simulated_ms,
        "step_ms": data.architectures.first().map_or(0, |arch| arch.dark.step_ms),
        "id": customers.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(),
        "class": customers.iter().map(|c| words::customer_class(&c.class)).collect::<Vec<_>>(),
        "placement": customers.iter().map(|c| c.placement.as_str()).collect::<Vec<_>>(),
        "archs": data.architectures.iter().map(arch).collect::<Vec<_>>(),
        "nodes": super::replay::places(data),
        "relays": data.village.relays_m.len(),
        "standings": MeshStanding::ALL.map(words::mesh_standing),
    });
    // Only "</" and "<!--" could end the element early; "<" is never needed outside strings.
    value.to_string().replace('<', "\\u003c")
}

fn arch(arch: &Architecture) -> Value {
    let hours = |ms: u64| (ms as f64 / 36_000.0).round() / 100.0;
    let column = |pick: &dyn Fn(&CustomerFigures) -> u64| -> Vec<f64> {
        arch.customers.iter().map(|customer| hours(pick(customer))).collect()
    };
    let waits = &arch.payments.waits.series;
    let tenth = |v: f64| (v * 10.0).round() / 10.0;
    json!({
        "name": arch.name,
        "causes": arch.causes.iter().map(|cause| cause.words.as_str()).collect::<Vec<_>>(),
        "lost": column(&CustomerFigures::total_ms),
        "supply": column(&|c| c.lost_ms[0]),
        "stuck": column(&|c| c.lost_ms[1]),
        "blocked": column(&|c| c.lost_ms[2]),
        "longest": column(&|c| c.longest_ms),
        "hops": arch.customers.iter().map(|c| c.hops).collect::<Vec<_>>(),
        "cause": arch.customers.iter().map(|c| c.worst_cause.map_or(-1, i64::from)).collect::<Vec<_>>(),
        "left": arch.customers.iter().enumerate().filter(|(_, c)| c.churned).map(|(i, _)| i).collect::<Vec<_>>(),
        "soc": arch.soc_percent,
        "replay": arch.mesh.as_ref().map(|mesh| mesh.chapters.iter().map(super::replay::columns).collect::<Vec<_>>()),
        "dark": (0..arch.dark.customers[0].len()).map(|bin| tenth((0..3).map(|c| arch.dark.customers[c][bin]).sum())).collect::<Vec<_>>(),
        "wait": waits.blocked.iter().zip(&waits.stuck).map(|(a, b)| tenth(a + b)).collect::<Vec<_>>(),
    })
}

/// Round bounds, hours.
const EDGES_H: [f64; 16] =
    [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 24.0, 48.0, 96.0, 168.0, 336.0, 720.0, 1440.0, 2880.0, 5760.0];

/// Bounds of the colours: five minutes, then four round numbers that fit the worst architecture's customers.
pub(super) fn bin_edges_h(data: &ReportData) -> Vec<f64> {
    let mut lost: Vec<u64> =
        data.architectures.iter().flat_map(|arch| arch.customers.iter().map(CustomerFigures::total_ms)).collect();
    lost.sort_unstable();
    let high = lost.get(lost.len() * 19 / 20).or(lost.last()).map_or(0.0, |&ms| ms as f64 / 3_600_000.0);
    // The last bound lies below the hours of the worst-hit twentieth, so the strongest colour is used.
    let last = EDGES_H.iter().rposition(|&edge| edge <= high).unwrap_or(0).max(3);
    std::iter::once(1.0 / 12.0).chain(EDGES_H[last - 3..=last].iter().copied()).collect()
}

/// Colour of so many lost hours: 0 below the first bound.
pub(super) fn bin(edges: &[f64], lost_h: f64) -> usize {
    edges.iter().take_while(|&&edge| lost_h >= edge).count()
}

/// A bound in words.
pub(super) fn edge(h: f64) -> String {
    if h < 0.2 {
        "0".to_owned()
    } else if h < 1.0 {
        format!("{h}")
    } else {
        crate::numbers::number(h, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_follow_the_bounds() {
        let edges = [1.0 / 12.0, 1.0, 2.0, 4.0, 8.0];
        assert_eq!([0.0, 0.5, 1.0, 7.9, 8.0, 900.0].map(|h| bin(&edges, h)), [0, 1, 2, 4, 5, 5]);
    }
}
