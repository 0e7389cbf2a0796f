//! One village's links put together: law of distance, house, antenna, field, season, noise, and what differs between
//! the two ends.
//!
//! Work out [`VillageRadio::path_db`] and [`VillageRadio::one_way_db`] once a link (some 10 µs: the field is a sum of
//! waves) and season; in the inner loop ask [`VillageRadio::success`], which is a table.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Clutter,
    aerial::{End, Pattern, SpreadParams, one_way_db},
    fading::FadingParams,
    leakage::{House, Placement},
    log_distance_db,
    noise::Surroundings,
    phy::{PerTable, Phy},
    propagation::{
        p1411::NearGround,
        two_ray::{Ground, Pair, Polarisation},
    },
    shadow::{Field, ShadowParams},
};
use crate::{
    draw::NodeKey,
    param::{Checks, ParamError},
};

/// How loss grows with distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Law {
    /// Log-distance with an exponent by clutter: open 2.7, village 3.2, dense 3.6 (assumed, as today's villages).
    LogDistance(Clutter),
    /// Free space to the crossover, fourth power beyond; open country, heights count.
    PlaneEarth,
    /// Direct and reflected ray with all their nulls.
    TwoRay,
    /// ITU-R P.1411 §4.3.1, median of suburban places: antennas near the ground.
    NearGround,
}

impl Default for Law {
    fn default() -> Self {
        Self::LogDistance(Clutter::Village)
    }
}

/// Everything about the air of one village.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VillageRadioParams {
    /// Carrier, MHz. Assumed: 868.
    pub frequency_mhz: f64,
    /// Transmit power, dBm. Published: 14, the limit of most of the 868 MHz band.
    pub tx_power_dbm: f64,
    /// Receiver's noise figure, dB. Assumed: 7.
    pub noise_figure_db: f64,
    /// Loss of a real receiver, dB. Measured: 3 (field logs from Thailand: 2.6 and 2.8 of three sets).
    pub implementation_loss_db: f64,
    /// Frames lost whatever the signal, 0–1. Measured: 0.002 (the same logs above −88 dBm: 0, 0.0017, 0.0033).
    pub frame_loss_floor: f64,
    /// Mode of the physical layer: FSK 1b.
    pub phy: Phy,
    /// Law of distance.
    pub law: Law,
    /// Man-made noise.
    pub surroundings: Surroundings,
    /// Shadowing.
    pub shadow: ShadowParams,
    /// Leaves, passers-by.
    pub fading: FadingParams,
    /// Spread of radios.
    pub spread: SpreadParams,
}

impl Default for VillageRadioParams {
    fn default() -> Self {
        Self {
            frequency_mhz: 868.0,
            tx_power_dbm: 14.0,
            noise_figure_db: 7.0,
            implementation_loss_db: 3.0,
            frame_loss_floor: 0.002,
            phy: Phy::default(),
            law: Law::default(),
            surroundings: Surroundings::default(),
            shadow: ShadowParams::default(),
            fading: FadingParams::default(),
            spread: SpreadParams::default(),
        }
    }
}

impl VillageRadioParams {
    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        let band = (300.0..=3000.0).contains(&self.frequency_mhz);
        let own = Checks::default()
            .demand(band, "frequency_mhz", self.frequency_mhz, "300 to 3000 MHz")
            .demand((-20.0..=36.0).contains(&self.tx_power_dbm), "tx_power_dbm", self.tx_power_dbm, "-20 to 36 dBm")
            .demand((0.0..=30.0).contains(&self.noise_figure_db), "noise_figure_db", self.noise_figure_db, "0 to 30 dB")
            .demand(
                (0.0..=30.0).contains(&self.implementation_loss_db),
                "implementation_loss_db",
                self.implementation_loss_db,
                "0 to 30 dB",
            )
            .demand((0.0..=0.5).contains(&self.frame_loss_floor), "frame_loss_floor", self.frame_loss_floor, "0 to 0.5")
            .done();
        [own, self.shadow.check(), self.fading.check(), self.spread.check()].concat()
    }
}

/// A radio where it hangs.
#[derive(Clone, Debug, PartialEq)]
pub struct Mounted {
    /// Its key.
    pub key: NodeKey,
    /// Metres east, north.
    pub at_m: [f64; 2],
    /// Height over ground, m.
    pub height_m: f64,
    /// Its antenna.
    pub pattern: Pattern,
    /// What it faces, radians from east towards north.
    pub facing_rad: f64,
    /// The house, and whether the meter hangs inside; none on a pole.
    pub house: Option<(House, bool)>,
}

impl Mounted {
    /// A radio on a pole.
    #[must_use]
    pub const fn on_pole(key: NodeKey, at_m: [f64; 2], height_m: f64) -> Self {
        Self { key, at_m, height_m, pattern: Pattern::Dipole, facing_rad: 0.0, house: None }
    }

    /// What house and antenna leave of a signal from or to another place, dB (negative: lost).
    #[must_use]
    pub fn gain_db(&self, frequency_hz: f64, other: &Self) -> f64 {
        let (east, north) = (other.at_m[0] - self.at_m[0], other.at_m[1] - self.at_m[1]);
        let ground_m = libm::hypot(east, north);
        let elevation = libm::atan2(other.height_m - self.height_m, ground_m.max(1.0));
        let turned = libm::atan2(north, east) - self.facing_rad;
        let off_front_rad = libm::acos(libm::cos(turned).clamp(-1.0, 1.0));
        let house_db = self.house.as_ref().map_or(0.0, |(house, indoor)| {
            let placement = if *indoor { Placement::Indoor } else { Placement::Wall { off_front_rad } };
            house.loss_db(frequency_hz, placement)
        });
        self.pattern.gain_dbi(elevation, off_front_rad) - house_db
    }
}

/// The air of one village under one seed.
#[derive(Clone, Debug)]
pub struct VillageRadio {
    params: VillageRadioParams,
    seed: u64,
    field: Field,
    table: PerTable,
    noise_dbm: f64,
}

impl VillageRadio {
    /// Draws the field and builds the table (tens of milliseconds).
    #[must_use]
    pub fn new(params: &VillageRadioParams, seed: u64) -> Self {
        let frequency_hz = params.frequency_mhz * 1e6;
        let bandwidth_hz = params.phy.noise_bandwidth_hz();
        Self {
            params: params.clone(),
            seed,
            field: Field::new(&params.shadow, seed),
            table: PerTable::new(
                params.phy,
                &params.fading.shares_db(),
                params.implementation_loss_db,
                params.frame_loss_floor,
            ),
            noise_dbm: params.surroundings.floor_dbm(frequency_hz, bandwidth_hz, params.noise_figure_db),
        }
    }

    /// Noise floor, dBm.
    #[must_use]
    pub const fn noise_dbm(&self) -> f64 {
        self.noise_dbm
    }

    /// Loss from terminal to terminal, antennas, houses and shadow included, dry-season leaves not, dB; the same both
    /// ways.
    #[must_use]
    pub fn path_db(&self, a: &Mounted, b: &Mounted) -> f64 {
        let frequency_hz = self.params.frequency_mhz * 1e6;
        let ground_m = libm::hypot(a.at_m[0] - b.at_m[0], a.at_m[1] - b.at_m[1]).max(1.0);
        let pair = Pair { frequency_hz, height_a_m: a.height_m, height_b_m: b.height_m, ground_m };
        let median = match self.params.law {
            Law::LogDistance(clutter) => {
                let exponent = match clutter {
                    Clutter::Open => 2.7,
                    Clutter::Village => 3.2,
                    Clutter::Dense => 3.6,
                };
                log_distance_db(frequency_hz, exponent, pair.direct_m())
            }
            Law::PlaneEarth => pair.plane_earth_db(),
            Law::TwoRay => pair.exact_db(Ground::AVERAGE, Polarisation::Vertical),
            Law::NearGround => NearGround::Suburban.loss_db(frequency_hz, pair.direct_m(), 0.5),
        };
        let shadow = self.field.link_db((a.key, a.at_m), (b.key, b.at_m));
        median + shadow - a.gain_db(frequency_hz, b) - b.gain_db(frequency_hz, a)
    }

    /// What leaves take off on this day under this rain, dB.
    #[must_use]
    pub fn season_db(&self, a: &Mounted, b: &Mounted, day_of_year: f64, rain_mm_per_h: f64) -> f64 {
        let length_m = libm::hypot(a.at_m[0] - b.at_m[0], a.at_m[1] - b.at_m[1]);
        self.params.fading.slow_db(self.params.frequency_mhz * 1e6, length_m, day_of_year, rain_mm_per_h)
    }

    /// What a radio has of its own, for [`VillageRadio::one_way_db`].
    #[must_use]
    pub fn end(&self, node: NodeKey) -> End {
        self.params.spread.of(self.seed, node)
    }

    /// Signal-to-noise ratio at `to` of what `from` sends over this loss, dB.
    #[must_use]
    pub fn one_way_db(&self, path_db: f64, from: End, to: End) -> f64 {
        one_way_db(self.params.tx_power_dbm - path_db - self.noise_dbm, from, to)
    }

    /// Share of frames of so many octets that arrive at this ratio, 0–1; a table.
    #[must_use]
    pub fn success(&self, snr_db: f64, octets: u32) -> f64 {
        #[allow(clippy::cast_possible_truncation)]
        let snr = snr_db as f32;
        f64::from(self.table.success(snr, octets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pole(id: &str, at_m: [f64; 2]) -> Mounted {
        Mounted::on_pole(NodeKey::of(id), at_m, 5.0)
    }

    #[test]
    fn the_path_is_the_same_both_ways_and_the_link_is_not() {
        let air = VillageRadio::new(&VillageRadioParams::default(), 4);
        let (a, b) = (pole("a", [0.0, 0.0]), pole("b", [120.0, 40.0]));
        let there = air.path_db(&a, &b);
        assert!((there - air.path_db(&b, &a)).abs() < 1e-9);
        let (ea, eb) = (air.end(a.key), air.end(b.key));
        assert!((air.one_way_db(there, ea, eb) - air.one_way_db(there, eb, ea)).abs() > 1e-6);
    }

    #[test]
    fn hanging_it_outdoors_buys_decibels_and_frames() {
        let air = VillageRadio::new(&VillageRadioParams::default(), 4);
        let root = pole("root", [0.0, 0.0]);
        let at = |house: Option<(House, bool)>| Mounted { house, ..pole("meter", [300.0, 0.0]) };
        let on_wall = |facing_rad| Mounted { facing_rad, ..at(Some((House::default(), false))) };
        let pole_db = air.path_db(&root, &at(None));
        let facing_db = air.path_db(&root, &on_wall(core::f64::consts::PI));
        let away_db = air.path_db(&root, &on_wall(0.0));
        let indoor_db = air.path_db(&root, &at(Some((House::default(), true))));
        assert!((facing_db - pole_db).abs() < 1e-9, "nothing in the way: {facing_db} {pole_db}");
        assert!(away_db > pole_db + 3.0, "a house of iron in the way: {away_db} {pole_db}");
        assert!((15.0..=22.0).contains(&(indoor_db - pole_db)));
        let success = |path| air.success(air.one_way_db(path, air.end(root.key), air.end(root.key)), 250);
        assert!(success(pole_db) > success(indoor_db));
    }

    #[test]
    fn laws_lie_in_order_and_the_parameters_are_in_range() {
        let by = |law| {
            let air = VillageRadio::new(&VillageRadioParams { law, ..VillageRadioParams::default() }, 1);
            air.path_db(&pole("a", [0.0, 0.0]), &pole("b", [400.0, 0.0]))
        };
        assert!(by(Law::PlaneEarth) < by(Law::LogDistance(Clutter::Open)));
        assert!(by(Law::LogDistance(Clutter::Open)) < by(Law::LogDistance(Clutter::Village)));
        assert!(by(Law::LogDistance(Clutter::Village)) < by(Law::LogDistance(Clutter::Dense)));
        assert!(by(Law::NearGround) > by(Law::PlaneEarth) && by(Law::TwoRay).is_finite());
        assert_eq!(VillageRadioParams::default().check(), []);
    }
}
