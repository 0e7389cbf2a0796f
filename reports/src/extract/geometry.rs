//! The map's shapes, rounded to a decimetre so that the page stays small.

use taa_scenarios::model::{LineEnd, Placement, Scenario};
use taa_sim::{records::Links, result::RunResult};

use crate::data::{Connection, Geometry, Link, Roof};

pub(super) fn geometry(scenario: &Scenario, result: &RunResult) -> Geometry {
    let village = &scenario.village;
    let pole = |index: u32| village.poles.get(index as usize).map_or(village.generation.at_m, |pole| pole.at_m);
    let buildings = village.buildings.iter().map(|building| Roof {
        outline_m: building.outline_m.iter().map(|&p| round(p)).collect(),
        at_m: round(building.at_m),
        customer: building.customer,
    });
    let customers = village.customers.iter().map(|customer| Connection {
        id: customer.id.clone(),
        class: customer.class.name().to_owned(),
        placement: match customer.placement {
            Placement::Pole => "pole",
            Placement::Wall => "wall",
            Placement::Indoor => "indoors",
        }
        .to_owned(),
        meter_m: round(customer.meter_at_m),
        pole_m: round(pole(customer.pole)),
    });
    let lines = village.lines.iter().map(|line| {
        let from = match line.from {
            LineEnd::Source => village.generation.at_m,
            LineEnd::Pole(index) => pole(index),
        };
        [round(from), round(pole(line.to))]
    });
    Geometry {
        buildings: buildings.collect(),
        customers: customers.collect(),
        poles_m: village.poles.iter().map(|pole| round(pole.at_m)).collect(),
        lines_m: lines.collect(),
        dcu_m: round(village.dcu.at_m),
        generation_m: round(village.generation.at_m),
        relays_m: village.relays.iter().map(|relay| round(relay.at_m)).collect(),
        links: result.architectures.first().map(|arch| links(scenario, &arch.records.links)).unwrap_or_default(),
    }
}

/// Links start equal in all architectures, so those of the first one serve.
fn links(scenario: &Scenario, table: &Links) -> Vec<Link> {
    let village = &scenario.village;
    let place = |node: u32| {
        if node == u32::MAX {
            return Some(village.dcu.at_m);
        }
        let index = node as usize;
        match village.customers.get(index) {
            Some(customer) => Some(customer.meter_at_m),
            None => village.relays.get(index - village.customers.len()).map(|relay| relay.at_m),
        }
    };
    (0..table.len())
        .filter_map(|i| {
            Some(Link {
                from_m: round(place(table.from[i])?),
                to_m: round(place(table.to[i])?),
                etx: hundredth(f64::from(table.etx[i])),
                rssi_dbm: hundredth(f64::from(table.rssi_dbm[i])),
                in_tree: table.in_tree[i],
            })
        })
        .collect()
}

fn round(point: [f64; 2]) -> [f64; 2] {
    point.map(|v| (v * 10.0).round() / 10.0)
}

fn hundredth(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
