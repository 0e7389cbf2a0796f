//! Link budget of sub-GHz 2-FSK (Wi-SUN FAN mode 1b by default): path loss, shadowing, roofs and walls, packet errors.
//!
//! path loss = free space at 1 m + 10·n·log₁₀(d) + shadowing of the pair + what both antennas lose indoors. The
//! exponent n stands for clutter and low antennas together. Shadowing is drawn by the pair's keys, so it is the same
//! both ways and does not change when a third node appears.
//!
//! A 15–22 dB "iron roof" is not what goes through the sheet (that is opaque) but what leaks out under the eaves and
//! through walls and openings; so it depends on where the meter hangs: not at all on the pole, in part on the outer
//! wall, in full indoors.

pub mod aerial;
pub mod channels;
pub mod duty;
pub mod fading;
mod fsk;
pub mod interferer;
pub mod leakage;
pub mod noise;
pub mod phy;
pub mod propagation;
pub mod shadow;
pub mod village;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    draw::{Draws, NodeKey, Purpose},
    param::{Checks, ParamError},
};

pub(crate) use fsk::correlated_pair;
pub use fsk::{fsk_ber, fsk_ber_of_index, packet_error, per};

/// What stands between antennas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Clutter {
    /// Fields, few trees.
    Open,
    /// Houses with yards and trees.
    #[default]
    Village,
    /// Houses wall to wall, or thick vegetation.
    Dense,
}

/// Link budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RadioParams {
    /// Carrier, MHz. Assumed: 868 (the band to use is the regulator's word).
    pub frequency_mhz: f64,
    /// Transmit power, dBm. Published: 14, the limit of most of the 868 MHz band.
    pub tx_power_dbm: f64,
    /// Gain of each antenna, dBi. Assumed: 0 (a meter's internal antenna at its best).
    pub antenna_gain_dbi: f64,
    /// Receiver's noise figure, dB. Assumed: 7.
    pub noise_figure_db: f64,
    /// Receiver bandwidth, kHz. Published: 100, what 50 kb/s with modulation index 1 occupies (Carson).
    pub bandwidth_khz: f64,
    /// Data rate, kb/s. Published: 50 (Wi-SUN FAN 1.0 mode 1b).
    pub data_rate_kbps: f64,
    /// Loss of a real receiver against ideal non-coherent detection, dB. Assumed: 4; with it and the fading below,
    /// one frame in ten of 250 octets is lost at −102 dBm (field logs from Thailand: about −101).
    pub implementation_loss_db: f64,
    /// Below this no frame is received, dBm. Assumed: −108 (in the same logs hardly any frame was seen below).
    pub sensitivity_dbm: f64,
    /// Clutter; sets the path-loss exponent: open 2.7, village 3.2, dense 3.6 (assumed, usual measured range).
    pub clutter: Clutter,
    /// Standard deviation of shadowing between pairs, dB. Assumed: 7 (usual 6–10 for suburban paths).
    pub shadowing_sigma_db: f64,
    /// Standard deviation of fading from frame to frame, dB. Assumed: 2.5 (frequency hopping).
    pub fading_sigma_db: f64,
    /// Frames lost for other reasons (collisions, interference), 0–1. Measured: 0.005 (Thai logs at strong signals).
    pub frame_loss_floor: f64,
    /// Leakage loss of a house with an iron roof, meter indoors, dB. Assumed: 18 (brief: 15–22).
    pub iron_roof_db: f64,
    /// The same for roofs of other materials, dB. Assumed: 3.
    pub other_roof_db: f64,
    /// Share of the roof's leakage loss that a meter on the outer wall feels, 0–1. Assumed: 0.4.
    pub wall_mount_share: f64,
    /// Loss of a mud-brick wall, dB. Assumed: 4 (no sub-GHz measurement found).
    pub mud_wall_db: f64,
    /// Loss of a burnt-brick or block wall, dB. Assumed: 5.
    pub brick_wall_db: f64,
    /// Loss of a wooden wall, dB. Assumed: 2.
    pub wood_wall_db: f64,
}

impl Default for RadioParams {
    fn default() -> Self {
        Self {
            frequency_mhz: 868.0,
            tx_power_dbm: 14.0,
            antenna_gain_dbi: 0.0,
            noise_figure_db: 7.0,
            bandwidth_khz: 100.0,
            data_rate_kbps: 50.0,
            implementation_loss_db: 4.0,
            sensitivity_dbm: -108.0,
            clutter: Clutter::Village,
            shadowing_sigma_db: 7.0,
            fading_sigma_db: 2.5,
            frame_loss_floor: 0.005,
            iron_roof_db: 18.0,
            other_roof_db: 3.0,
            wall_mount_share: 0.4,
            mud_wall_db: 4.0,
            brick_wall_db: 5.0,
            wood_wall_db: 2.0,
        }
    }
}

impl RadioParams {
    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        let db = |v: f64| (0.0..=60.0).contains(&v);
        let loss = "0 to 60 dB";
        Checks::default()
            .demand(
                (100.0..=6000.0).contains(&self.frequency_mhz),
                "frequency_mhz",
                self.frequency_mhz,
                "100 to 6000 MHz",
            )
            .demand((-20.0..=36.0).contains(&self.tx_power_dbm), "tx_power_dbm", self.tx_power_dbm, "-20 to 36 dBm")
            .demand(
                (-20.0..=20.0).contains(&self.antenna_gain_dbi),
                "antenna_gain_dbi",
                self.antenna_gain_dbi,
                "-20 to 20 dBi",
            )
            .demand((0.0..=30.0).contains(&self.noise_figure_db), "noise_figure_db", self.noise_figure_db, "0 to 30 dB")
            .positive("bandwidth_khz", self.bandwidth_khz)
            .demand(
                (0.1..=10_000.0).contains(&self.data_rate_kbps),
                "data_rate_kbps",
                self.data_rate_kbps,
                "0.1 to 10000 kb/s",
            )
            .demand(db(self.implementation_loss_db), "implementation_loss_db", self.implementation_loss_db, loss)
            .demand(
                (-150.0..=-30.0).contains(&self.sensitivity_dbm),
                "sensitivity_dbm",
                self.sensitivity_dbm,
                "-150 to -30 dBm",
            )
            .demand(
                (0.0..=20.0).contains(&self.shadowing_sigma_db),
                "shadowing_sigma_db",
                self.shadowing_sigma_db,
                "0 to 20 dB",
            )
            .demand((0.0..=10.0).contains(&self.fading_sigma_db), "fading_sigma_db", self.fading_sigma_db, "0 to 10 dB")
            .demand((0.0..=0.5).contains(&self.frame_loss_floor), "frame_loss_floor", self.frame_loss_floor, "0 to 0.5")
            .demand(db(self.iron_roof_db), "iron_roof_db", self.iron_roof_db, loss)
            .demand(db(self.other_roof_db), "other_roof_db", self.other_roof_db, loss)
            .share("wall_mount_share", self.wall_mount_share)
            .demand(db(self.mud_wall_db), "mud_wall_db", self.mud_wall_db, loss)
            .demand(db(self.brick_wall_db), "brick_wall_db", self.brick_wall_db, loss)
            .demand(db(self.wood_wall_db), "wood_wall_db", self.wood_wall_db, loss)
            .done()
    }

    /// Exponent of the log-distance law.
    #[must_use]
    pub const fn exponent(&self) -> f64 {
        match self.clutter {
            Clutter::Open => 2.7,
            Clutter::Village => 3.2,
            Clutter::Dense => 3.6,
        }
    }

    /// Noise in the receiver, dBm.
    #[must_use]
    pub fn noise_floor_dbm(&self) -> f64 {
        noise_floor_dbm(self.bandwidth_khz * 1000.0, self.noise_figure_db)
    }
}

/// Roof, as far as radio cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoofKind {
    /// Corrugated iron.
    Iron,
    /// Anything else.
    Other,
}

/// Wall, as far as radio cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WallKind {
    /// Mud brick.
    Mud,
    /// Burnt brick or block.
    Brick,
    /// Wood.
    Wood,
}

/// Where the meter hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MountKind {
    /// On the pole.
    Pole,
    /// On the outer wall.
    Wall,
    /// Indoors.
    Indoor,
}

/// What a meter's antenna loses by where it hangs, dB.
#[must_use]
pub fn leakage_db(params: &RadioParams, roof: RoofKind, wall: WallKind, mount: MountKind) -> f64 {
    let roof_db = match roof {
        RoofKind::Iron => params.iron_roof_db,
        RoofKind::Other => params.other_roof_db,
    };
    let wall_db = match wall {
        WallKind::Mud => params.mud_wall_db,
        WallKind::Brick => params.brick_wall_db,
        WallKind::Wood => params.wood_wall_db,
    };
    match mount {
        MountKind::Pole => 0.0,
        // Half of the neighbours are behind the house.
        MountKind::Wall => params.wall_mount_share * roof_db + 0.5 * wall_db,
        MountKind::Indoor => roof_db + wall_db,
    }
}

/// An antenna.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Antenna {
    /// Metres east, north.
    pub at_m: [f64; 2],
    /// Height above ground, metres.
    pub height_m: f64,
    /// What it loses by where it hangs, dB ([`leakage_db`]).
    pub indoor_loss_db: f64,
}

/// A link's budget, the same both ways.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// Path loss, shadowing and indoor losses included, dB.
    pub path_loss_db: f64,
    /// Received power, dBm.
    pub rssi_dbm: f64,
    /// Above the noise floor, dB.
    pub snr_db: f64,
}

/// What all links of a village have in common, worked out once.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Received power at a metre, dBm.
    at_one_metre_dbm: f64,
    tx_and_gains_dbm: f64,
    exponent: f64,
    noise_floor_dbm: f64,
}

impl Budget {
    /// Prepares the budget.
    #[must_use]
    pub fn new(params: &RadioParams) -> Self {
        let tx_and_gains_dbm = params.tx_power_dbm + 2.0 * params.antenna_gain_dbi;
        Self {
            at_one_metre_dbm: tx_and_gains_dbm - free_space_db(params.frequency_mhz * 1e6, 1.0),
            tx_and_gains_dbm,
            exponent: params.exponent(),
            noise_floor_dbm: params.noise_floor_dbm(),
        }
    }

    /// The link between two antennas with this shadowing (positive is worse).
    #[must_use]
    pub fn link(&self, a: &Antenna, b: &Antenna, shadow_db: f64) -> Link {
        let (east, north) = (a.at_m[0] - b.at_m[0], a.at_m[1] - b.at_m[1]);
        let up = a.height_m - b.height_m;
        let squared_m2 = (east * east + north * north + up * up).max(1.0);
        let losses_db = shadow_db + a.indoor_loss_db + b.indoor_loss_db;
        let rssi_dbm = self.at_one_metre_dbm - 5.0 * self.exponent * libm::log10(squared_m2) - losses_db;
        Link { path_loss_db: self.tx_and_gains_dbm - rssi_dbm, rssi_dbm, snr_db: rssi_dbm - self.noise_floor_dbm }
    }

    /// The distance at which a link without indoor losses falls to this signal-to-noise ratio, metres.
    #[must_use]
    pub fn reach_m(&self, snr_db: f64) -> f64 {
        let path_db = self.at_one_metre_dbm - self.noise_floor_dbm - snr_db;
        libm::pow(10.0, (path_db / (10.0 * self.exponent)).clamp(0.0, 5.0))
    }
}

/// The budget between two antennas with this shadowing (positive is worse). For many links prepare a [`Budget`].
#[must_use]
pub fn link(params: &RadioParams, a: &Antenna, b: &Antenna, shadow_db: f64) -> Link {
    Budget::new(params).link(a, b, shadow_db)
}

/// Shadowing of a pair, dB: symmetric, drawn from the two keys.
#[must_use]
pub fn shadow_db(params: &RadioParams, seed: u64, a: NodeKey, b: NodeKey) -> f64 {
    const SHADOW: Purpose = Purpose::named("radio/shadow");
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    Draws::keyed(seed, 0, low, SHADOW, high.0).normal(0.0, params.shadowing_sigma_db)
}

/// Free-space loss (Friis), dB.
#[must_use]
pub fn free_space_db(frequency_hz: f64, distance_m: f64) -> f64 {
    20.0 * libm::log10(4.0 * core::f64::consts::PI * distance_m * frequency_hz / 299_792_458.0)
}

/// Log-distance loss from a free-space metre on, dB; nearer than a metre counts as a metre.
#[must_use]
pub fn log_distance_db(frequency_hz: f64, exponent: f64, distance_m: f64) -> f64 {
    free_space_db(frequency_hz, 1.0) + 10.0 * exponent * libm::log10(distance_m.max(1.0))
}

/// Thermal noise at 290 K in this bandwidth plus the noise figure, dBm.
#[must_use]
pub fn noise_floor_dbm(bandwidth_hz: f64, noise_figure_db: f64) -> f64 {
    // k·T in milliwatts per hertz.
    10.0 * libm::log10(1.380_649e-23 * 290.0 * 1000.0 * bandwidth_hz) + noise_figure_db
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x: f64, y: f64, loss: f64) -> Antenna {
        Antenna { at_m: [x, y], height_m: 3.0, indoor_loss_db: loss }
    }

    #[test]
    fn links_are_symmetric_and_fall_with_distance() {
        let p = RadioParams::default();
        let (a, b) = (at(0.0, 0.0, 5.0), at(120.0, 90.0, 12.0));
        assert_eq!(link(&p, &a, &b, 3.0), link(&p, &b, &a, 3.0));
        let near = link(&p, &a, &at(50.0, 0.0, 12.0), 3.0);
        assert!(near.rssi_dbm > link(&p, &a, &b, 3.0).rssi_dbm);
        let (k, l) = (NodeKey::of("k"), NodeKey::of("l"));
        assert_eq!(shadow_db(&p, 1, k, l).to_bits(), shadow_db(&p, 1, l, k).to_bits());
        assert_ne!(shadow_db(&p, 1, k, l).to_bits(), shadow_db(&p, 2, k, l).to_bits());
    }

    #[test]
    fn the_budget_is_the_log_distance_law() {
        let p = RadioParams::default();
        let found = link(&p, &at(0.0, 0.0, 5.0), &at(300.0, 400.0, 12.0), 3.0);
        let wanted = log_distance_db(868e6, 3.2, 500.0) + 20.0;
        assert!((found.path_loss_db - wanted).abs() < 1e-9);
        assert!((found.rssi_dbm - (14.0 - wanted)).abs() < 1e-9);
        let edge = Budget::new(&p).reach_m(found.snr_db + 20.0);
        assert!((edge - 500.0).abs() < 1e-6, "{edge}");
    }

    #[test]
    fn iron_roofs_hurt_indoors_most_and_poles_not_at_all() {
        let p = RadioParams::default();
        let iron = |mount| leakage_db(&p, RoofKind::Iron, WallKind::Mud, mount);
        assert!(iron(MountKind::Pole).abs() < 1e-12);
        assert!(iron(MountKind::Wall) < iron(MountKind::Indoor));
        assert!((15.0..=26.0).contains(&iron(MountKind::Indoor)));
        assert!(leakage_db(&p, RoofKind::Other, WallKind::Wood, MountKind::Indoor) < iron(MountKind::Indoor));
    }

    #[test]
    fn packet_errors_fall_with_signal_and_grow_with_length() {
        let p = RadioParams::default();
        let at_rssi = |rssi: f64, bytes| per(&p, rssi - p.noise_floor_dbm(), bytes);
        let rising: Vec<f64> = (-110..-60).map(|r| at_rssi(f64::from(r), 250)).collect();
        assert!(rising.windows(2).all(|w| w[0] >= w[1]));
        assert!(at_rssi(-100.0, 20) < at_rssi(-100.0, 250));
        assert!((at_rssi(-70.0, 250) - 0.005).abs() < 1e-6);
        assert!((at_rssi(-109.0, 20) - 1.0).abs() < 1e-12);
        // Where field logs lose one frame in ten.
        assert!((0.03..0.4).contains(&at_rssi(-102.0, 250)), "{}", at_rssi(-102.0, 250));
    }

    #[test]
    fn wrong_power_is_named() {
        let wrong = RadioParams { tx_power_dbm: 60.0, wall_mount_share: 1.5, ..RadioParams::default() };
        assert_eq!(wrong.check().iter().map(|e| e.field).collect::<Vec<_>>(), ["tx_power_dbm", "wall_mount_share"]);
    }
}
