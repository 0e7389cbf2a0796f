//! What each building is, by its tags, its footprint and its own draws.

use std::collections::{BTreeMap, BTreeSet};

use taa_models::demand::Class;
use taa_models::draw::{Draws, NodeKey, Purpose};

use super::params::{Connections, LayoutParams};
use super::problem::{LayoutErrors, LayoutProblem};
use crate::import::RawBuilding;
use crate::model::{Placement, Roof, Wall};

/// What was chosen for a building.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Choice {
    pub(super) connected: bool,
    pub(super) class: Class,
    pub(super) roof: Roof,
    pub(super) wall: Wall,
    pub(super) placement: Placement,
}

/// Values of `building=` that nobody lives or works in.
const UNINHABITED: [&str; 16] = [
    "construction",
    "ruins",
    "collapsed",
    "roof",
    "shed",
    "toilet",
    "toilets",
    "latrine",
    "storage_tank",
    "greenhouse",
    "barn",
    "stable",
    "cowshed",
    "farm_auxiliary",
    "garage",
    "carport",
];

/// Footprints by class: median, m², and spread of the logarithm. Assumed; small enough a part of the decision that
/// only clearly large buildings become schools.
const FOOTPRINTS: [(Class, f64, f64); 7] = [
    (Class::HouseholdLow, 24.0, 0.60),
    (Class::HouseholdMiddle, 40.0, 0.60),
    (Class::HouseholdHigh, 75.0, 0.90),
    (Class::Shop, 28.0, 0.70),
    (Class::School, 260.0, 0.45),
    (Class::Clinic, 160.0, 0.45),
    (Class::Mill, 40.0, 0.60),
];

/// Decides over all buildings.
pub(super) fn all(buildings: &[RawBuilding], params: &LayoutParams, seed: u64) -> Result<Vec<Choice>, LayoutErrors> {
    let mut choices: Vec<Choice> = buildings.iter().map(|building| attributes(building, params, seed)).collect();
    match &params.connections {
        Connections::Share(share) => {
            for (choice, building) in choices.iter_mut().zip(buildings) {
                choice.connected = match standing(building, params) {
                    Standing::Forced | Standing::Known => true,
                    Standing::Usual => draws(seed, building, "layout.connected").uniform() < *share,
                    Standing::Unlikely | Standing::Excluded => false,
                };
            }
        }
        Connections::Count(count) => by_count(buildings, params, seed, *count as usize, &mut choices)?,
        Connections::List(list) => by_list(buildings, list, &mut choices)?,
    }
    Ok(choices)
}

/// How likely a building is to be connected, before any draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    /// Tagged `connected = "yes"`.
    Forced,
    /// A school, clinic or shop by its tags.
    Known,
    Usual,
    /// Too small, or a shed.
    Unlikely,
    /// Tagged `connected = "no"`.
    Excluded,
}

fn standing(building: &RawBuilding, params: &LayoutParams) -> Standing {
    let tag = |key: &str| building.tags.get(key).map(String::as_str);
    match tag("connected") {
        Some("yes") => return Standing::Forced,
        Some("no") => return Standing::Excluded,
        _ => {}
    }
    if class_by_tag(&building.tags).is_some() {
        return Standing::Known;
    }
    let small = building.area_m2 > 0.0 && building.area_m2 < params.min_footprint_m2;
    if small || tag("building").is_some_and(|kind| UNINHABITED.contains(&kind)) {
        return Standing::Unlikely;
    }
    Standing::Usual
}

fn by_count(
    buildings: &[RawBuilding],
    params: &LayoutParams,
    seed: u64,
    count: usize,
    choices: &mut [Choice],
) -> Result<(), LayoutErrors> {
    let mut order: Vec<(Standing, f64, usize)> = buildings
        .iter()
        .enumerate()
        .map(|(i, building)| (standing(building, params), draws(seed, building, "layout.connected").uniform(), i))
        .filter(|(standing, ..)| *standing != Standing::Excluded)
        .collect();
    if order.len() < count {
        return Err(LayoutProblem::TooFewBuildings { wanted: count, available: order.len() }.into());
    }
    order.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)));
    for &(_, _, i) in order.iter().take(count) {
        choices[i].connected = true;
    }
    Ok(())
}

fn by_list(buildings: &[RawBuilding], list: &[String], choices: &mut [Choice]) -> Result<(), LayoutErrors> {
    let by_id: BTreeMap<&str, usize> = buildings.iter().enumerate().map(|(i, b)| (b.id.as_str(), i)).collect();
    let mut problems = Vec::new();
    for id in list.iter().collect::<BTreeSet<_>>() {
        if let Some(&i) = by_id.get(id.as_str()) {
            choices[i].connected = true;
        } else if problems.len() < 20 {
            let nearest = by_id
                .keys()
                .map(|known| (strsim::jaro_winkler(id, known), known))
                .filter(|(likeness, _)| *likeness > 0.8)
                .max_by(|a, b| a.0.total_cmp(&b.0));
            let suggestion = nearest.map_or_else(String::new, |(_, known)| format!("; did you mean `{known}`?"));
            problems.push(LayoutProblem::UnknownBuilding { id: id.clone(), suggestion });
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(LayoutErrors { problems }) }
}

fn draws(seed: u64, building: &RawBuilding, purpose: &'static str) -> Draws {
    Draws::keyed(seed, 0, NodeKey::of(&building.id), Purpose::named(purpose), 0)
}

fn attributes(building: &RawBuilding, params: &LayoutParams, seed: u64) -> Choice {
    let tag = |key: &str| building.tags.get(key).map_or("", String::as_str);
    let (roofs, walls, places) = (&params.roof_shares, &params.wall_shares, &params.placement_shares);
    let roof = roof_by_tag(tag("roof")).unwrap_or_else(|| {
        let pick = draws(seed, building, "layout.roof").pick(&[roofs.iron, roofs.thatch, roofs.tile]);
        [Roof::Iron, Roof::Thatch, Roof::Tile][pick.min(2)]
    });
    let wall = wall_by_tag(tag("wall")).unwrap_or_else(|| {
        let pick = draws(seed, building, "layout.wall").pick(&[walls.mud, walls.brick, walls.wood]);
        [Wall::Mud, Wall::Brick, Wall::Wood][pick.min(2)]
    });
    let placement = match tag("placement") {
        "pole" => Placement::Pole,
        "wall" => Placement::Wall,
        "indoor" => Placement::Indoor,
        _ => {
            let pick = draws(seed, building, "layout.placement").pick(&[places.pole, places.wall, places.indoor]);
            [Placement::Pole, Placement::Wall, Placement::Indoor][pick.min(2)]
        }
    };
    let class = class_by_tag(&building.tags).unwrap_or_else(|| class_by_size(building, params, seed));
    Choice { connected: false, class, roof, wall, placement }
}

/// The shares, weighed by how usual the footprint is for each class (Bayes' rule).
fn class_by_size(building: &RawBuilding, params: &LayoutParams, seed: u64) -> Class {
    let mut weights = params.class_shares.weights();
    if building.area_m2 > 0.0 {
        for (weight, (_, median_m2, sigma)) in weights.iter_mut().zip(FOOTPRINTS) {
            let z = libm::log(building.area_m2 / median_m2) / sigma;
            *weight *= libm::exp(-0.5 * z * z) / sigma;
        }
    }
    // So far out in all tails that nothing is left: the shares alone.
    if weights.iter().sum::<f64>() < 1e-12 {
        weights = params.class_shares.weights();
    }
    let pick = draws(seed, building, "layout.class").pick(&weights);
    FOOTPRINTS[pick.min(FOOTPRINTS.len() - 1)].0
}

fn class_by_tag(tags: &BTreeMap<String, String>) -> Option<Class> {
    let tag = |key: &str| tags.get(key).map_or("", String::as_str);
    if let Some(class) = Class::ALL.into_iter().find(|class| class.name() == tag("class")) {
        return Some(class);
    }
    if tag("craft").contains("mill") || matches!(tag("building"), "mill" | "industrial") {
        return Some(Class::Mill);
    }
    match tag("amenity") {
        "school" | "kindergarten" | "college" | "library" => return Some(Class::School),
        "clinic" | "hospital" | "doctors" | "health_post" | "dispensary" => return Some(Class::Clinic),
        "bar" | "pub" | "restaurant" | "cafe" | "fast_food" | "fuel" | "marketplace" | "bank" | "pharmacy"
        | "place_of_worship" | "community_centre" | "townhall" | "police" | "post_office" | "mobile_money_agent" => {
            return Some(Class::Shop);
        }
        _ => {}
    }
    match tag("building") {
        "school" | "kindergarten" => return Some(Class::School),
        "clinic" | "hospital" => return Some(Class::Clinic),
        "shop" | "retail" | "commercial" | "kiosk" | "supermarket" | "church" | "mosque" | "office" => {
            return Some(Class::Shop);
        }
        _ => {}
    }
    if !tag("healthcare").is_empty() {
        return Some(Class::Clinic);
    }
    let works = ["shop", "office", "craft"].iter().any(|key| !matches!(tag(key), "" | "no" | "vacant"));
    works.then_some(Class::Shop)
}

fn roof_by_tag(word: &str) -> Option<Roof> {
    match word {
        "iron" | "metal" | "metal_sheet" | "corrugated" | "corrugated_iron" | "zinc" | "tin" | "steel"
        | "aluminium" => Some(Roof::Iron),
        "thatch" | "grass" | "reed" | "straw" | "palm_leaves" | "makuti" => Some(Roof::Thatch),
        "tile" | "tiles" | "roof_tiles" | "concrete" | "slate" | "asbestos" | "eternit" => Some(Roof::Tile),
        _ => None,
    }
}

fn wall_by_tag(word: &str) -> Option<Wall> {
    match word {
        "mud" | "clay" | "adobe" | "mud_brick" | "mudbrick" | "loam" | "wattle_and_daub" => Some(Wall::Mud),
        "brick" | "bricks" | "block" | "cement_block" | "concrete" | "stone" | "cement" | "burnt_brick" => {
            Some(Wall::Brick)
        }
        "wood" | "timber" | "bamboo" | "timber_framing" | "plank" | "planks" => Some(Wall::Wood),
        "sheet" | "iron" | "metal" | "metal_sheet" | "corrugated" | "corrugated_iron" | "zinc" | "tin" | "steel"
        | "aluminium" => Some(Wall::Sheet),
        _ => None,
    }
}
