//! A village as GeoJSON: one feature a line, so that edits show as readable differences.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Kind;
use crate::layout::to_geo;
use crate::model::{LineEnd, Place, Placement, Roof, Site, Village, Wall};

/// Decimals of a degree: 8 are about a millimetre.
const DECIMALS: usize = 8;

/// The village as the text of `village.geojson`. `attribution` is what the buildings' own file asks for.
#[must_use]
pub fn to_geojson(village: &Village, site: &Site, name: &str, attribution: Option<&str>) -> String {
    let mut features: Vec<String> = Vec::new();
    let place = |at: [f64; 2]| position(site, at);
    for building in &village.buildings {
        let customer = building.customer.and_then(|index| village.customers.get(index as usize));
        let mut properties: Vec<(&str, Value)> = vec![
            ("kind", Kind::Building.name().into()),
            ("id", building.id.as_str().into()),
            ("roof", roof_word(building.roof).into()),
            ("wall", wall_word(building.wall).into()),
            ("area_m2", json!((building.area_m2 * 10.0).round() / 10.0)),
            ("connected", if customer.is_some() { "yes" } else { "no" }.into()),
        ];
        if let Some(customer) = customer {
            properties.push(("class", customer.class.name().into()));
            properties.push(("placement", placement_word(customer.placement).into()));
            properties.push(("meter_id", customer.meter_id.as_str().into()));
            if let Some(pole) = village.poles.get(customer.pole as usize) {
                properties.push(("pole", pole.id.as_str().into()));
            }
            properties.push(("phase", json!(customer.phase + 1)));
        }
        let geometry = match building.outline_m.first() {
            None => format!("{{\"type\":\"Point\",\"coordinates\":{}}}", place(building.at_m)),
            Some(&first) => {
                let corners: Vec<String> =
                    building.outline_m.iter().chain([&first]).map(|&corner| place(corner)).collect();
                format!("{{\"type\":\"Polygon\",\"coordinates\":[[{}]]}}", corners.join(","))
            }
        };
        features.push(feature(&properties, &geometry));
    }
    let point = |kind: Kind, id: &str, at: [f64; 2], power: Option<&str>, extra: (&'static str, Value)| {
        let mut properties: Vec<(&str, Value)> = Vec::new();
        properties.push(("kind", kind.name().into()));
        properties.push(("id", id.into()));
        if let Some(power) = power {
            properties.push(("power", power.into()));
        }
        properties.push(extra);
        feature(&properties, &format!("{{\"type\":\"Point\",\"coordinates\":{}}}", place(at)))
    };
    for pole in &village.poles {
        let feeder = village.feeders.get(pole.feeder as usize).map_or("", |feeder| feeder.id.as_str());
        features.push(point(Kind::Pole, &pole.id, pole.at_m, Some("pole"), ("feeder", feeder.into())));
    }
    for line in &village.lines {
        let Some(to) = village.poles.get(line.to as usize) else { continue };
        let (from, from_at) = match line.from {
            LineEnd::Source => ("source", village.generation.at_m),
            LineEnd::Pole(index) => match village.poles.get(index as usize) {
                Some(pole) => (pole.id.as_str(), pole.at_m),
                None => continue,
            },
        };
        let mut properties: Vec<(&str, Value)> = Vec::new();
        for (key, value) in
            [("kind", "line"), ("id", &line.id), ("power", "minor_line"), ("from", from), ("to", &to.id)]
        {
            properties.push((key, value.into()));
        }
        let geometry = format!("{{\"type\":\"LineString\",\"coordinates\":[{},{}]}}", place(from_at), place(to.at_m));
        features.push(feature(&properties, &geometry));
    }
    let height = |height_m: f64| ("height_m", json!(height_m));
    let generation = &village.generation;
    features.push(point(
        Kind::Generation,
        &generation.id,
        generation.at_m,
        Some("generator"),
        height(generation.height_m),
    ));
    features.push(point(Kind::Dcu, &village.dcu.id, village.dcu.at_m, None, height(village.dcu.height_m)));
    for relay in &village.relays {
        features.push(point(Kind::Relay, &relay.id, relay.at_m, None, height(relay.height_m)));
    }
    let mut text = String::with_capacity(features.iter().map(|f| f.len() + 2).sum::<usize>() + 200);
    let _ = write!(text, "{{\"type\":\"FeatureCollection\",\"name\":{}", json!(name));
    if let Some(attribution) = attribution {
        let _ = write!(text, ",\"attribution\":{}", json!(attribution));
    }
    let _ = write!(text, ",\"features\":[\n{}\n]}}\n", features.join(",\n"));
    text
}

fn feature(properties: &[(&str, Value)], geometry: &str) -> String {
    let pairs: Vec<String> = properties.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{\"type\":\"Feature\",\"properties\":{{{}}},\"geometry\":{geometry}}}", pairs.join(","))
}

/// A point of the site or a relay, as one feature.
pub(super) fn point_feature(site: &Site, kind: Kind, place: &Place) -> String {
    let properties: [(&str, Value); 3] =
        [("kind", kind.name().into()), ("id", place.id.as_str().into()), ("height_m", json!(place.height_m))];
    feature(&properties, &format!("{{\"type\":\"Point\",\"coordinates\":{}}}", position(site, place.at_m)))
}

pub(super) fn position(site: &Site, at_m: [f64; 2]) -> String {
    let [lon, lat] = to_geo(site, at_m);
    format!("[{lon:.DECIMALS$},{lat:.DECIMALS$}]")
}

/// The roof's word in files.
pub(super) fn roof_word(roof: Roof) -> &'static str {
    match roof {
        Roof::Iron => "iron",
        Roof::Thatch => "thatch",
        Roof::Tile => "tile",
    }
}

/// The wall's word in files.
pub(super) fn wall_word(wall: Wall) -> &'static str {
    match wall {
        Wall::Mud => "mud",
        Wall::Brick => "brick",
        Wall::Wood => "wood",
        Wall::Sheet => "sheet",
    }
}

/// The placement's word in files.
pub(super) fn placement_word(placement: Placement) -> &'static str {
    match placement {
        Placement::Pole => "pole",
        Placement::Wall => "wall",
        Placement::Indoor => "indoor",
    }
}
