//! The houses of a village by roof and wall: sizes and sheets that they have in common, and their losses in tables.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    leakage::{House, Placement},
    propagation::slab::{Material, Slab},
};
use crate::param::{Checks, ParamError};

/// Roof, as far as radio cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoofKind {
    /// Corrugated iron.
    Iron,
    /// Thatch.
    Thatch,
    /// Tiles.
    Tile,
}

/// Wall, as far as radio cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WallKind {
    /// Mud brick.
    Mud,
    /// Burnt brick or block.
    Brick,
    /// Wood.
    Wood,
    /// Sheet iron.
    Sheet,
}

/// Where the meter hangs, and on what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mount {
    /// On a pole.
    Pole,
    /// On the outer wall of such a house.
    Wall(RoofKind, WallKind),
    /// In such a house.
    Indoor(RoofKind, WallKind),
}

/// What the village's houses have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HouseParams {
    /// Length, m. Assumed: 6.
    pub length_m: f64,
    /// Width, m. Assumed: 5.
    pub width_m: f64,
    /// Height of the walls, m. Assumed: 2.6.
    pub wall_height_m: f64,
    /// Clear height of the gap between wall and roof, m. Assumed: 0.03.
    pub eaves_gap_m: f64,
    /// Windows with wooden shutters or none, and what does not close of the door, m². Assumed: 0.3.
    pub openings_m2: f64,
    /// Share of power that floor, furniture and stores swallow, 0–1 of what meets the floor. Assumed: 0.6.
    pub floor_absorbs: f64,
    /// People at home on the mean. Assumed: 2.
    pub people: f64,
    /// Loss of an antenna close to the wall or inside the meter's box, dB. Assumed: 3.
    pub close_to_wall_db: f64,
    /// Mud walls. Assumed: 30 cm of very dry ground (nobody has published mud brick below 1 GHz).
    pub mud: Slab,
    /// Burnt brick or block. Assumed: 23 cm of brick.
    pub brick: Slab,
    /// Wooden walls. Assumed: 2 cm of wood.
    pub wood: Slab,
    /// Walls of sheet iron. Assumed: 0.4 mm of metal.
    pub sheet: Slab,
    /// Iron roofs. Assumed: 0.4 mm of metal.
    pub iron: Slab,
    /// Thatch. Assumed: 10 cm of very dry ground's permittivity (no figure for thatch was found).
    pub thatch: Slab,
    /// Tiles. Assumed: 2 cm of brick.
    pub tile: Slab,
}

impl Default for HouseParams {
    fn default() -> Self {
        let of = |material, thickness_m| Slab { material, thickness_m };
        let sheet = of(Material::Metal, 0.0004);
        let house = House::default();
        Self {
            length_m: house.length_m,
            width_m: house.width_m,
            wall_height_m: house.wall_height_m,
            eaves_gap_m: house.eaves_gap_m,
            openings_m2: house.openings_m2,
            floor_absorbs: house.floor_absorbs,
            people: house.people,
            close_to_wall_db: house.close_to_wall_db,
            mud: of(Material::VeryDryGround, 0.3),
            brick: of(Material::Brick, 0.23),
            wood: of(Material::Wood, 0.02),
            sheet,
            iron: sheet,
            thatch: of(Material::VeryDryGround, 0.1),
            tile: of(Material::Brick, 0.02),
        }
    }
}

impl HouseParams {
    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        let thick = |slab: Slab| (0.000_01..=2.0).contains(&slab.thickness_m);
        let slabs = [
            ("mud.thickness_m", self.mud),
            ("brick.thickness_m", self.brick),
            ("wood.thickness_m", self.wood),
            ("sheet.thickness_m", self.sheet),
            ("iron.thickness_m", self.iron),
            ("thatch.thickness_m", self.thatch),
            ("tile.thickness_m", self.tile),
        ];
        let mut own = self.built(RoofKind::Iron, WallKind::Sheet).check();
        // The two that the house calls otherwise are named below.
        own.retain(|error| !error.field.ends_with("thickness_m"));
        let checks = slabs.into_iter().fold(Checks::default(), |checks, (name, slab)| {
            checks.demand(thick(slab), name, slab.thickness_m, "0.00001 to 2 m")
        });
        own.extend(checks.done());
        own
    }

    /// A house of this kind.
    #[must_use]
    pub fn built(&self, roof: RoofKind, wall: WallKind) -> House {
        House {
            length_m: self.length_m,
            width_m: self.width_m,
            wall_height_m: self.wall_height_m,
            eaves_gap_m: self.eaves_gap_m,
            openings_m2: self.openings_m2,
            walls: match wall {
                WallKind::Mud => self.mud,
                WallKind::Brick => self.brick,
                WallKind::Wood => self.wood,
                WallKind::Sheet => self.sheet,
            },
            roof: match roof {
                RoofKind::Iron => self.iron,
                RoofKind::Thatch => self.thatch,
                RoofKind::Tile => self.tile,
            },
            floor_absorbs: self.floor_absorbs,
            people: self.people,
            close_to_wall_db: self.close_to_wall_db,
        }
    }
}

/// Steps of a half turn.
const BEARINGS: usize = 36;

/// Losses of one kind of house at one frequency.
#[derive(Clone, Debug, PartialEq)]
struct Table {
    indoor_db: f64,
    /// On the outer wall, from straight in front to straight behind.
    wall_db: [f64; BEARINGS + 1],
}

/// Losses of all kinds of houses at one frequency, by table.
#[derive(Clone, Debug, PartialEq)]
pub struct HouseLosses(Vec<Table>);

const ROOFS: [RoofKind; 3] = [RoofKind::Iron, RoofKind::Thatch, RoofKind::Tile];
const WALLS: [WallKind; 4] = [WallKind::Mud, WallKind::Brick, WallKind::Wood, WallKind::Sheet];

impl HouseLosses {
    /// Works them out.
    #[must_use]
    pub fn new(params: &HouseParams, frequency_hz: f64) -> Self {
        let kinds = ROOFS.iter().flat_map(|roof| WALLS.iter().map(move |wall| (*roof, *wall)));
        let tables = kinds.map(|(roof, wall)| {
            let house = params.built(roof, wall);
            let at = |step: usize| {
                let off_front_rad = core::f64::consts::PI * step as f64 / BEARINGS as f64;
                house.loss_db(frequency_hz, Placement::Wall { off_front_rad })
            };
            Table { indoor_db: house.loss_db(frequency_hz, Placement::Indoor), wall_db: core::array::from_fn(at) }
        });
        Self(tables.collect())
    }

    /// What the house takes, with the other end at this angle off what the wall faces (0 to π), dB.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn loss_db(&self, mount: Mount, off_front_rad: f64) -> f64 {
        let table = |roof: RoofKind, wall: WallKind| &self.0[roof as usize * WALLS.len() + wall as usize];
        match mount {
            Mount::Pole => 0.0,
            Mount::Indoor(roof, wall) => table(roof, wall).indoor_db,
            Mount::Wall(roof, wall) => {
                let steps = (off_front_rad / core::f64::consts::PI).clamp(0.0, 1.0) * BEARINGS as f64;
                let step = (steps as usize).min(BEARINGS - 1);
                let part = steps - step as f64;
                let row = &table(roof, wall).wall_db;
                row[step] * (1.0 - part) + row[step + 1] * part
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_the_house() {
        let params = HouseParams::default();
        let losses = HouseLosses::new(&params, 868e6);
        for (roof, wall) in [(RoofKind::Iron, WallKind::Sheet), (RoofKind::Thatch, WallKind::Mud)] {
            let house = params.built(roof, wall);
            let indoor = house.loss_db(868e6, Placement::Indoor);
            assert!((losses.loss_db(Mount::Indoor(roof, wall), 1.0) - indoor).abs() < 1e-12);
            for off_front_rad in [0.0, 0.3, 1.4, 2.0, 3.1, core::f64::consts::PI] {
                let exact = house.loss_db(868e6, Placement::Wall { off_front_rad });
                let found = losses.loss_db(Mount::Wall(roof, wall), off_front_rad);
                assert!((found - exact).abs() < 0.6, "{off_front_rad}: {found} for {exact}");
            }
        }
        assert!(losses.loss_db(Mount::Pole, 1.0).abs() < 1e-12);
    }

    /// The documents' 15 to 22 dB of an iron house, and what an iron roof on mud walls costs.
    #[test]
    fn sheet_iron_all_round_is_the_documents_figure() {
        let losses = HouseLosses::new(&HouseParams::default(), 868e6);
        let indoor = |wall| losses.loss_db(Mount::Indoor(RoofKind::Iron, wall), 0.0);
        assert!((15.0..=22.0).contains(&indoor(WallKind::Sheet)), "{}", indoor(WallKind::Sheet));
        assert!((3.0..=9.0).contains(&indoor(WallKind::Mud)), "{}", indoor(WallKind::Mud));
    }
}
