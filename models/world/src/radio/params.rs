//! What a scenario says about the air of its village.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Clutter,
    aerial::{Pattern, SpreadParams},
    fading::FadingParams,
    house::HouseParams,
    noise::Surroundings,
    phy::Phy,
    shadow::ShadowParams,
};
use crate::param::{Checks, ParamError};

/// How loss grows with distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Law {
    /// Log-distance with an exponent by clutter: open 2.7, village 3.2, dense 3.6 (assumed, usual measured range).
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
pub struct RadioParams {
    /// Carrier, MHz. Assumed: 868 (the band to use is the regulator's word).
    pub frequency_mhz: f64,
    /// Transmit power, dBm. Published: 14, the limit of most of the 868 MHz band.
    pub tx_power_dbm: f64,
    /// Receiver's noise figure, dB. Assumed: 7.
    pub noise_figure_db: f64,
    /// Loss of a real receiver against ideal detection, dB. Measured: 3 (field logs from Thailand: 2.6 and 2.8 of three
    /// sets).
    pub implementation_loss_db: f64,
    /// Frames lost whatever the signal, 0–1. Measured: 0.002 (the same logs above −88 dBm: 0, 0.0017, 0.0033).
    pub frame_loss_floor: f64,
    /// Mode of the physical layer. Published: FSK 1b, 50 kb/s (Wi-SUN FAN 1.0).
    pub phy: Phy,
    /// Law of distance.
    pub law: Law,
    /// Man-made noise.
    pub surroundings: Surroundings,
    /// Antenna of a meter. Assumed: the same in all directions, 0 dBi.
    pub meter_antenna: Pattern,
    /// Antenna of a relay and of the DCU. Assumed: an upright dipole.
    pub mast_antenna: Pattern,
    /// Houses: what stands between a meter and the others.
    pub house: HouseParams,
    /// Shadowing.
    pub shadow: ShadowParams,
    /// Leaves, passers-by.
    pub fading: FadingParams,
    /// Spread of radios.
    pub spread: SpreadParams,
}

impl Default for RadioParams {
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
            meter_antenna: Pattern::Isotropic,
            mast_antenna: Pattern::Dipole,
            house: HouseParams::default(),
            shadow: ShadowParams::default(),
            fading: FadingParams::default(),
            spread: SpreadParams::default(),
        }
    }
}

impl RadioParams {
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
        [own, self.house.check(), self.shadow.check(), self.fading.check(), self.spread.check()].concat()
    }

    /// Carrier, Hz.
    #[must_use]
    pub fn frequency_hz(&self) -> f64 {
        self.frequency_mhz * 1e6
    }

    /// Noise floor, dBm.
    #[must_use]
    pub fn noise_floor_dbm(&self) -> f64 {
        self.surroundings.floor_dbm(self.frequency_hz(), self.phy.noise_bandwidth_hz(), self.noise_figure_db)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_power_is_named() {
        let mut wrong = RadioParams { tx_power_dbm: 60.0, ..RadioParams::default() };
        wrong.house.eaves_gap_m = 5.0;
        wrong.shadow.sigma_db = -1.0;
        let named: Vec<_> = wrong.check().iter().map(|e| e.field).collect();
        assert_eq!(named, ["tx_power_dbm", "eaves_gap_m", "sigma_db"]);
        assert_eq!(RadioParams::default().check(), []);
    }
}
