//! What a planner may say about the village's grid; everything has a default.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem::LayoutProblem;

/// Which buildings are connected. Buildings tagged `connected = "yes"` or `"no"` are taken at their word in all cases,
/// and schools, clinics and shops known from their tags come first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Connections {
    /// About this share (0–1) of the buildings large enough to be lived in. Every building decides by a draw of its
    /// own, so adding one changes no other.
    Share(f64),
    /// Exactly this many; the lots decide which.
    Count(u32),
    /// Exactly these, by building id.
    List(Vec<String>),
}

/// Relative frequency of customer classes. Footprints and tags speak, too: a building tagged as a school is one, and
/// large footprints are more often schools than the shares alone would say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClassShares {
    /// Lights, phone, radio.
    pub household_low: f64,
    /// And a television, a fan.
    pub household_middle: f64,
    /// And a refrigerator.
    pub household_high: f64,
    /// Kiosk, bar, barber, workshop.
    pub shop: f64,
    /// School.
    pub school: f64,
    /// Health post.
    pub clinic: f64,
    /// Maize mill or similar machine.
    pub mill: f64,
}

impl Default for ClassShares {
    fn default() -> Self {
        // Assumed; the households' three parts and a tenth of businesses are what mini-grid surveys in East Africa
        // commonly find, schools and clinics one or two a village.
        Self {
            household_low: 0.585,
            household_middle: 0.24,
            household_high: 0.06,
            shop: 0.10,
            school: 0.0025,
            clinic: 0.0025,
            mill: 0.01,
        }
    }
}

impl ClassShares {
    pub(super) fn weights(&self) -> [f64; 7] {
        let s = self;
        [s.household_low, s.household_middle, s.household_high, s.shop, s.school, s.clinic, s.mill]
    }
}

/// Relative frequency of roof materials, where tags do not tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RoofShares {
    /// Corrugated iron.
    pub iron: f64,
    /// Thatch or grass.
    pub thatch: f64,
    /// Tiles or concrete.
    pub tile: f64,
}

impl Default for RoofShares {
    fn default() -> Self {
        // Assumed, rural Tanzania: four of five roofs are iron sheets.
        Self { iron: 0.80, thatch: 0.18, tile: 0.02 }
    }
}

/// Relative frequency of wall materials, where tags do not tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WallShares {
    /// Sun-dried mud brick, or mud on poles.
    pub mud: f64,
    /// Burnt brick or block.
    pub brick: f64,
    /// Poles and boards.
    pub wood: f64,
}

impl Default for WallShares {
    fn default() -> Self {
        // Assumed.
        Self { mud: 0.45, brick: 0.50, wood: 0.05 }
    }
}

/// Relative frequency of meter placements, where tags do not tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PlacementShares {
    /// On the pole.
    pub pole: f64,
    /// On the outer wall.
    pub wall: f64,
    /// Indoors.
    pub indoor: f64,
}

impl Default for PlacementShares {
    fn default() -> Self {
        // Assumed: most meters hang outdoors under the eaves.
        Self { pole: 0.15, wall: 0.65, indoor: 0.20 }
    }
}

/// How the village's grid is laid out: section `[layout]` of `scenario.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LayoutParams {
    /// Which buildings are connected.
    pub connections: Connections,
    /// Smallest footprint that is lived in, m²; smaller ones (kitchens, stores, latrines) stay unconnected unless
    /// tagged or counted for.
    pub min_footprint_m2: f64,
    /// Customer classes.
    pub class_shares: ClassShares,
    /// Roofs.
    pub roof_shares: RoofShares,
    /// Walls.
    pub wall_shares: WallShares,
    /// Meters.
    pub placement_shares: PlacementShares,
    /// Feeders leaving the generation site; left out: one per 120 customers, at most 6.
    pub feeders: Option<u32>,
    /// Longest span between two poles, metres.
    pub max_span_m: f64,
    /// Spacing aimed at where poles stand in a row, metres; at most `max_span_m`.
    pub pole_spacing_m: f64,
    /// Longest service drop from a pole to a house, metres.
    pub service_max_m: f64,
    /// Generation site, degrees `[longitude, latitude]`; left out: free ground at the load centre.
    pub generation_lon_lat_deg: Option<[f64; 2]>,
    /// The data concentrator's mast, degrees `[longitude, latitude]`; left out: at the generation site.
    pub dcu_lon_lat_deg: Option<[f64; 2]>,
    /// Height of the concentrator's antenna, metres.
    pub dcu_height_m: f64,
}

impl Default for LayoutParams {
    fn default() -> Self {
        Self {
            connections: Connections::Share(0.75),
            min_footprint_m2: 10.0,
            class_shares: ClassShares::default(),
            roof_shares: RoofShares::default(),
            wall_shares: WallShares::default(),
            placement_shares: PlacementShares::default(),
            feeders: None,
            max_span_m: 50.0,
            pole_spacing_m: 40.0,
            service_max_m: 40.0,
            generation_lon_lat_deg: None,
            dcu_lon_lat_deg: None,
            dcu_height_m: 8.0,
        }
    }
}

impl LayoutParams {
    /// Everything that is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<LayoutProblem> {
        let mut problems = Vec::new();
        let mut bound = |field: &'static str, value: f64, low: f64, high: f64, allowed: &'static str| {
            if !(low..=high).contains(&value) {
                problems.push(LayoutProblem::OutOfRange { field, value: value.to_string(), allowed });
            }
        };
        match &self.connections {
            Connections::Share(share) => bound("connections.share", *share, f64::MIN_POSITIVE, 1.0, "above 0, up to 1"),
            Connections::Count(count) => bound("connections.count", f64::from(*count), 1.0, 10_000.0, "1 to 10000"),
            Connections::List(list) => bound("connections.list", list.len() as f64, 1.0, 10_000.0, "1 to 10000 ids"),
        }
        bound("min_footprint_m2", self.min_footprint_m2, 0.0, 500.0, "0 to 500 m²");
        bound("max_span_m", self.max_span_m, 10.0, 150.0, "10 to 150 m");
        bound("pole_spacing_m", self.pole_spacing_m, 10.0, self.max_span_m.max(10.0), "10 m to max_span_m");
        bound("service_max_m", self.service_max_m, 5.0, 100.0, "5 to 100 m");
        bound("dcu_height_m", self.dcu_height_m, 1.0, 60.0, "1 to 60 m");
        bound("feeders", f64::from(self.feeders.unwrap_or(1)), 1.0, 16.0, "1 to 16");
        for (field, at) in
            [("generation_lon_lat_deg", self.generation_lon_lat_deg), ("dcu_lon_lat_deg", self.dcu_lon_lat_deg)]
        {
            let [lon, lat] = at.unwrap_or_default();
            bound(field, lon, -180.0, 180.0, "longitude -180 to 180 first");
            bound(field, lat, -90.0, 90.0, "then latitude -90 to 90");
        }
        for (field, weights) in self.share_tables() {
            let sum: f64 = weights.iter().sum();
            let all_allowed = weights.iter().all(|w| (0.0..=1.0).contains(w));
            if !all_allowed || !(0.98..=1.02).contains(&sum) {
                let value = format!("{weights:?}, sum {sum:.3}");
                problems.push(LayoutProblem::OutOfRange { field, value, allowed: "shares of 0 to 1 that sum to 1" });
            }
        }
        problems
    }

    fn share_tables(&self) -> [(&'static str, Vec<f64>); 4] {
        let Self { roof_shares: roof, wall_shares: wall, placement_shares: place, .. } = self;
        [
            ("class_shares", self.class_shares.weights().to_vec()),
            ("roof_shares", vec![roof.iron, roof.thatch, roof.tile]),
            ("wall_shares", vec![wall.mud, wall.brick, wall.wood]),
            ("placement_shares", vec![place.pole, place.wall, place.indoor]),
        ]
    }
}
