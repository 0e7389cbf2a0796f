//! One village's links put together: law of distance, houses, antennas, field, leaves, noise, and what differs between
//! the two ends.
//!
//! [`VillageRadio::stand`] prepares a radio at its place (some microseconds: the field is a sum of waves);
//! [`VillageRadio::link`] then takes half a microsecond a pair. In the inner loop ask [`VillageRadio::success`], which is
//! a table.

use super::{
    Clutter,
    aerial::{End, Pattern, one_way_db},
    house::{HouseLosses, Mount},
    log_distance_db,
    params::{Law, RadioParams},
    phy::PerTable,
    propagation::{
        p1411::NearGround,
        two_ray::{Ground, Pair, Polarisation},
    },
    shadow::{Field, Standing},
};
use crate::draw::{Draws, NodeKey, Purpose};

/// A radio where it hangs.
#[derive(Clone, Copy, Debug, PartialEq)]
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
    /// The pole or the house.
    pub mount: Mount,
}

impl Mounted {
    /// A radio with this antenna on a pole.
    #[must_use]
    pub const fn on_pole(key: NodeKey, at_m: [f64; 2], height_m: f64, pattern: Pattern) -> Self {
        Self { key, at_m, height_m, pattern, facing_rad: 0.0, mount: Mount::Pole }
    }

    /// A meter that faces wherever its wall does: drawn by its key.
    #[must_use]
    pub fn meter(key: NodeKey, at_m: [f64; 2], height_m: f64, pattern: Pattern, mount: Mount, seed: u64) -> Self {
        const FACING: Purpose = Purpose::named("radio/facing");
        let facing_rad = core::f64::consts::TAU * Draws::keyed(seed, 0, key, FACING, 0).uniform();
        Self { key, at_m, height_m, pattern, facing_rad, mount }
    }
}

/// A radio at its place in the field, with what it has of its own.
#[derive(Clone, Debug)]
pub struct Stood {
    radio: Mounted,
    end: End,
    field: Standing,
}

/// A link: ratios of signal to noise in the dry season's bare air, and what leaves take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinkDb {
    /// At the second end, of what the first sends.
    pub there_db: f64,
    /// At the first end, of what the second sends.
    pub back_db: f64,
    /// What the path's trees take in full leaf ([`super::fading::FadingParams::leaf_share`] scales it).
    pub leaves_db: f64,
}

/// The air of one village under one seed.
#[derive(Clone, Debug)]
pub struct VillageRadio {
    params: RadioParams,
    seed: u64,
    field: Field,
    houses: HouseLosses,
    table: PerTable,
    noise_dbm: f64,
}

impl VillageRadio {
    /// Draws the field and builds the tables (tens of milliseconds).
    #[must_use]
    pub fn new(params: &RadioParams, seed: u64) -> Self {
        Self {
            params: params.clone(),
            seed,
            field: Field::new(&params.shadow, seed),
            houses: HouseLosses::new(&params.house, params.frequency_hz()),
            table: PerTable::new(
                params.phy,
                &params.fading.shares_db(),
                params.implementation_loss_db,
                params.frame_loss_floor,
            ),
            noise_dbm: params.noise_floor_dbm(),
        }
    }

    /// What it was made from.
    #[must_use]
    pub const fn params(&self) -> &RadioParams {
        &self.params
    }

    /// Noise floor, dBm.
    #[must_use]
    pub const fn noise_dbm(&self) -> f64 {
        self.noise_dbm
    }

    /// A radio at its place.
    #[must_use]
    pub fn stand(&self, radio: &Mounted) -> Stood {
        Stood {
            radio: *radio,
            end: self.params.spread.of(self.seed, radio.key),
            field: self.field.stand(radio.key, radio.at_m),
        }
    }

    /// Loss from terminal to terminal without shadow and leaves, antennas and houses included, dB; the same both ways.
    #[must_use]
    pub fn clear_db(&self, a: &Mounted, b: &Mounted) -> f64 {
        let ground_m = libm::hypot(a.at_m[0] - b.at_m[0], a.at_m[1] - b.at_m[1]).max(1.0);
        self.median_db(ground_m, [a.height_m, b.height_m]) - self.gain_db(a, b) - self.gain_db(b, a)
    }

    /// Loss from terminal to terminal, shadow included, leaves not, dB; the same both ways.
    #[must_use]
    pub fn path_db(&self, a: &Stood, b: &Stood) -> f64 {
        self.clear_db(&a.radio, &b.radio) + self.field.between_db(&a.field, &b.field)
    }

    /// The link between two radios.
    #[must_use]
    pub fn link(&self, a: &Stood, b: &Stood) -> LinkDb {
        self.link_over(self.clear_db(&a.radio, &b.radio), a, b)
    }

    /// The same for who has [`VillageRadio::clear_db`] at hand: that part is the same under every seed.
    #[must_use]
    pub fn link_over(&self, clear_db: f64, a: &Stood, b: &Stood) -> LinkDb {
        let path_db = clear_db + self.field.between_db(&a.field, &b.field);
        let length_m = libm::hypot(a.radio.at_m[0] - b.radio.at_m[0], a.radio.at_m[1] - b.radio.at_m[1]);
        LinkDb {
            there_db: self.one_way_db(path_db, a.end, b.end),
            back_db: self.one_way_db(path_db, b.end, a.end),
            leaves_db: self.params.fading.leaves_db(self.params.frequency_hz(), length_m),
        }
    }

    /// Signal-to-noise ratio at `to` of what `from` sends over this loss, dB.
    #[must_use]
    pub fn one_way_db(&self, path_db: f64, from: End, to: End) -> f64 {
        one_way_db(self.params.tx_power_dbm - path_db - self.noise_dbm, from, to)
    }

    /// The longest distance at which two radios this high, in the best of houses, lose no more than this, m.
    #[must_use]
    pub fn reach_m(&self, loss_db: f64, height_m: f64) -> f64 {
        /// Steps a decade, from 1 m to 1000 km.
        const STEPS: i32 = 40;
        let at = |step: i32| libm::pow(10.0, f64::from(step) / f64::from(STEPS));
        let gain_db = self.params.meter_antenna.most_dbi().max(self.params.mast_antenna.most_dbi());
        let within = |step: &i32| self.median_db(at(*step), [height_m; 2]) - 2.0 * gain_db <= loss_db;
        (0..=6 * STEPS).rev().find(within).map_or(1.0, |step| at(step + 1))
    }

    /// Share of frames of so many octets that arrive at this ratio, 0–1; a table.
    #[must_use]
    pub fn success(&self, snr_db: f32, octets: u32) -> f32 {
        self.table.success(snr_db, octets)
    }

    fn median_db(&self, ground_m: f64, [height_a_m, height_b_m]: [f64; 2]) -> f64 {
        let frequency_hz = self.params.frequency_hz();
        let pair = Pair { frequency_hz, height_a_m, height_b_m, ground_m };
        match self.params.law {
            Law::LogDistance(clutter) => log_distance_db(frequency_hz, clutter.exponent(), pair.direct_m()),
            Law::PlaneEarth => pair.plane_earth_db(),
            Law::TwoRay => pair.exact_db(Ground::AVERAGE, Polarisation::Vertical),
            Law::NearGround => NearGround::Suburban.loss_db(frequency_hz, pair.direct_m(), 0.5),
        }
    }

    /// What house and antenna leave of a signal from or to another place, dB (negative: lost).
    fn gain_db(&self, here: &Mounted, there: &Mounted) -> f64 {
        let (east, north) = (there.at_m[0] - here.at_m[0], there.at_m[1] - here.at_m[1]);
        let ground_m = libm::hypot(east, north);
        let elevation = libm::atan2(there.height_m - here.height_m, ground_m.max(1.0));
        let turned = libm::atan2(north, east) - here.facing_rad;
        let off_front_rad = libm::acos(libm::cos(turned).clamp(-1.0, 1.0));
        here.pattern.gain_dbi(elevation, off_front_rad) - self.houses.loss_db(here.mount, off_front_rad)
    }
}

impl Clutter {
    /// Exponent of the log-distance law.
    #[must_use]
    pub const fn exponent(self) -> f64 {
        match self {
            Self::Open => 2.7,
            Self::Village => 3.2,
            Self::Dense => 3.6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::radio::house::{RoofKind, WallKind};

    fn pole(id: &str, at_m: [f64; 2]) -> Mounted {
        Mounted::on_pole(NodeKey::of(id), at_m, 5.0, Pattern::Dipole)
    }

    #[test]
    fn the_path_is_the_same_both_ways_and_the_link_is_not() {
        let air = VillageRadio::new(&RadioParams::default(), 4);
        let (a, b) = (air.stand(&pole("a", [0.0, 0.0])), air.stand(&pole("b", [120.0, 40.0])));
        assert!((air.path_db(&a, &b) - air.path_db(&b, &a)).abs() < 1e-9);
        let (there, back) = (air.link(&a, &b), air.link(&b, &a));
        assert!((there.there_db - there.back_db).abs() > 1e-6);
        assert!((there.there_db - back.back_db).abs() < 1e-9 && (there.leaves_db - back.leaves_db).abs() < 1e-12);
    }

    #[test]
    fn hanging_it_outdoors_buys_decibels_and_frames() {
        let air = VillageRadio::new(&RadioParams::default(), 4);
        let root = air.stand(&pole("root", [0.0, 0.0]));
        let iron = (RoofKind::Iron, WallKind::Sheet);
        let at = |mount, facing_rad| air.stand(&Mounted { mount, facing_rad, ..pole("meter", [300.0, 0.0]) });
        let path = |mount, facing_rad| air.path_db(&root, &at(mount, facing_rad));
        let pole_db = path(Mount::Pole, 0.0);
        let facing_db = path(Mount::Wall(iron.0, iron.1), core::f64::consts::PI);
        let away_db = path(Mount::Wall(iron.0, iron.1), 0.0);
        let indoor_db = path(Mount::Indoor(iron.0, iron.1), 0.0);
        assert!((facing_db - pole_db).abs() < 1e-9, "nothing in the way: {facing_db} {pole_db}");
        assert!(away_db > pole_db + 3.0, "a house of iron in the way: {away_db} {pole_db}");
        assert!((15.0..=22.0).contains(&(indoor_db - pole_db)));
        let success = |mount| air.success(air.link(&root, &at(mount, 0.0)).there_db as f32, 250);
        assert!(success(Mount::Pole) > success(Mount::Indoor(iron.0, iron.1)));
    }

    #[test]
    fn laws_lie_in_order() {
        let by = |law| {
            let air = VillageRadio::new(&RadioParams { law, ..RadioParams::default() }, 1);
            air.clear_db(&pole("a", [0.0, 0.0]), &pole("b", [400.0, 0.0]))
        };
        assert!(by(Law::PlaneEarth) < by(Law::LogDistance(Clutter::Open)));
        assert!(by(Law::LogDistance(Clutter::Open)) < by(Law::LogDistance(Clutter::Village)));
        assert!(by(Law::LogDistance(Clutter::Village)) < by(Law::LogDistance(Clutter::Dense)));
        assert!(by(Law::NearGround) > by(Law::PlaneEarth) && by(Law::TwoRay).is_finite());
    }

    #[test]
    fn nothing_is_heard_beyond_the_reach() {
        for law in [Law::default(), Law::PlaneEarth, Law::TwoRay, Law::NearGround] {
            let air = VillageRadio::new(&RadioParams { law, ..RadioParams::default() }, 1);
            let reach_m = air.reach_m(120.0, 5.0);
            let beyond =
                (1..400).map(|i| air.clear_db(&pole("a", [0.0; 2]), &pole("b", [reach_m + 7.0 * f64::from(i), 0.0])));
            assert!(beyond.into_iter().all(|db| db > 120.0), "{law:?} {reach_m}");
            assert!(reach_m > 100.0, "{law:?} {reach_m}");
        }
    }
}
