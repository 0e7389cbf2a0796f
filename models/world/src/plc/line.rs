//! The wires as a channel.
//!
//! loss = cable · length + every tap and every branching line that draws signal off + coupling into the low impedances
//! of loads at both ends.
//! A tap of impedance Z_b across a line of impedance Z₀ takes 20·log(1 + Z₀/2Z_b) (a shunt between matched ends). Loads
//! switched on in the evening lower those impedances and raise the noise: a path that works at night fails at seven.
//!
//! Nothing in reach gave measured figures for village feeders; all levels here are assumed and stand for a plausible
//! low-voltage line. What the model says with care: which way things go by length, taps and hour.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::param::{Checks, ParamError};

/// The channel of a feeder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PlcParams {
    /// Level injected, dBµV. Assumed: 120 (EN 50065-1 allows 134 at 9 kHz falling to 120 at 95 kHz).
    pub tx_level_dbuv: f64,
    /// Cable, dB/km at 60 kHz. Assumed: 15 (aerial bundled conductor).
    pub cable_db_per_km: f64,
    /// Characteristic impedance of the line, Ω. Assumed: 85.
    pub line_ohm: f64,
    /// Impedance of a service drop with the loads of the night, Ω. Assumed: 400.
    pub tap_night_ohm: f64,
    /// With the loads of the evening, Ω. Assumed: 120.
    pub tap_evening_ohm: f64,
    /// Impedance of a modem's coupler, Ω. Assumed: 4.
    pub coupler_ohm: f64,
    /// Impedance at a meter's terminals at night, Ω. Assumed: 20.
    pub access_night_ohm: f64,
    /// In the evening, Ω. Assumed: 6.
    pub access_evening_ohm: f64,
    /// Noise in the band at night, dBµV. Assumed: 55.
    pub noise_night_dbuv: f64,
    /// By day, with inverter and chargers, dBµV. Assumed: 66.
    pub noise_day_dbuv: f64,
    /// In the evening, dBµV. Assumed: 72.
    pub noise_evening_dbuv: f64,
    /// Loss from one phase to another, dB. Assumed: 12.
    pub phase_change_db: f64,
    /// Loss of a real receiver against the ideal, dB. Assumed: 3.
    pub implementation_loss_db: f64,
}

impl Default for PlcParams {
    fn default() -> Self {
        Self {
            tx_level_dbuv: 120.0,
            cable_db_per_km: 15.0,
            line_ohm: 85.0,
            tap_night_ohm: 400.0,
            tap_evening_ohm: 120.0,
            coupler_ohm: 4.0,
            access_night_ohm: 20.0,
            access_evening_ohm: 6.0,
            noise_night_dbuv: 55.0,
            noise_day_dbuv: 66.0,
            noise_evening_dbuv: 72.0,
            phase_change_db: 12.0,
            implementation_loss_db: 3.0,
        }
    }
}

/// What is switched on along the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Load {
    /// 22–6 h: a few lamps.
    Night,
    /// 6–18 h: machines, the inverters at work.
    Day,
    /// 18–22 h: everything.
    Evening,
}

impl Load {
    /// By local hour, 0–23.
    #[must_use]
    pub const fn at_hour(hour: u8) -> Self {
        match hour {
            6..=17 => Self::Day,
            18..=21 => Self::Evening,
            _ => Self::Night,
        }
    }
}

/// A stretch of line between two modems.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Run {
    /// Cable between them, service drops included, m.
    pub cable_m: f64,
    /// Service drops tapped off in between.
    pub taps: u32,
    /// What lines that branch off in between take ([`PlcParams::branch_db`] of each), dB.
    pub branches_db: f64,
    /// Whether they sit on different phases.
    pub other_phase: bool,
}

impl PlcParams {
    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        let level = |v: f64| (0.0..=160.0).contains(&v);
        let ohm = |v: f64| (0.1..=10_000.0).contains(&v);
        let levels = "0 to 160 dBµV";
        let ohms = "0.1 to 10000 Ω";
        let decibels = |v: f64| (0.0..=60.0).contains(&v);
        Checks::default()
            .demand(level(self.tx_level_dbuv), "tx_level_dbuv", self.tx_level_dbuv, levels)
            .demand(
                (0.0..=500.0).contains(&self.cable_db_per_km),
                "cable_db_per_km",
                self.cable_db_per_km,
                "0 to 500 dB/km",
            )
            .demand(ohm(self.line_ohm), "line_ohm", self.line_ohm, ohms)
            .demand(ohm(self.tap_night_ohm), "tap_night_ohm", self.tap_night_ohm, ohms)
            .demand(ohm(self.tap_evening_ohm), "tap_evening_ohm", self.tap_evening_ohm, ohms)
            .demand(ohm(self.coupler_ohm), "coupler_ohm", self.coupler_ohm, ohms)
            .demand(ohm(self.access_night_ohm), "access_night_ohm", self.access_night_ohm, ohms)
            .demand(ohm(self.access_evening_ohm), "access_evening_ohm", self.access_evening_ohm, ohms)
            .demand(level(self.noise_night_dbuv), "noise_night_dbuv", self.noise_night_dbuv, levels)
            .demand(level(self.noise_day_dbuv), "noise_day_dbuv", self.noise_day_dbuv, levels)
            .demand(level(self.noise_evening_dbuv), "noise_evening_dbuv", self.noise_evening_dbuv, levels)
            .demand(decibels(self.phase_change_db), "phase_change_db", self.phase_change_db, "0 to 60 dB")
            .demand(
                decibels(self.implementation_loss_db),
                "implementation_loss_db",
                self.implementation_loss_db,
                "0 to 60 dB",
            )
            .done()
    }

    /// What the run takes off a signal, dB.
    #[must_use]
    pub fn loss_db(&self, run: &Run, load: Load) -> f64 {
        let (tap_ohm, access_ohm) = self.impedances(load);
        let tap = self.shunt_db(tap_ohm);
        // A voltage divider at the sender; the receiver, of high impedance, sees the line's voltage as it is.
        let coupling = 20.0 * libm::log10(1.0 + self.coupler_ohm / access_ohm);
        let phase = if run.other_phase { self.phase_change_db } else { 0.0 };
        self.cable_db_per_km * run.cable_m / 1000.0 + tap * f64::from(run.taps) + run.branches_db + coupling + phase
    }

    /// What a line that branches off takes, with so many service drops on it, dB: it draws like its drops together (at
    /// 60 kHz some hundred metres are short against the wave's kilometres), but no more than a line without end.
    #[must_use]
    pub fn branch_db(&self, drops: u32, load: Load) -> f64 {
        if drops == 0 {
            return 0.0;
        }
        let (tap_ohm, _) = self.impedances(load);
        self.shunt_db((tap_ohm / f64::from(drops)).max(self.line_ohm))
    }

    /// What an impedance across the line takes, dB.
    fn shunt_db(&self, ohm: f64) -> f64 {
        20.0 * libm::log10(1.0 + 0.5 * self.line_ohm / ohm)
    }

    /// Noise in the band, dBµV.
    #[must_use]
    pub const fn noise_dbuv(&self, load: Load) -> f64 {
        match load {
            Load::Night => self.noise_night_dbuv,
            Load::Day => self.noise_day_dbuv,
            Load::Evening => self.noise_evening_dbuv,
        }
    }

    /// Mean signal-to-noise ratio of a carrier, the receiver's loss taken off, dB.
    #[must_use]
    pub fn snr_db(&self, run: &Run, load: Load) -> f64 {
        self.tx_level_dbuv - self.loss_db(run, load) - self.noise_dbuv(load) - self.implementation_loss_db
    }

    /// Taps and access: by day half of the evening's load hangs on the line.
    fn impedances(&self, load: Load) -> (f64, f64) {
        let both = |night: f64, evening: f64| 2.0 / (1.0 / night + 1.0 / evening);
        match load {
            Load::Night => (self.tap_night_ohm, self.access_night_ohm),
            Load::Evening => (self.tap_evening_ohm, self.access_evening_ohm),
            Load::Day => {
                (both(self.tap_night_ohm, self.tap_evening_ohm), both(self.access_night_ohm, self.access_evening_ohm))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: Run = Run { cable_m: 400.0, taps: 12, branches_db: 0.0, other_phase: false };

    #[test]
    fn evenings_are_worse_than_days_and_days_than_nights() {
        let p = PlcParams::default();
        let at = |load| p.snr_db(&RUN, load);
        assert!(at(Load::Night) > at(Load::Day) + 5.0 && at(Load::Day) > at(Load::Evening) + 5.0);
        assert_eq!([Load::at_hour(3), Load::at_hour(12), Load::at_hour(19)], [Load::Night, Load::Day, Load::Evening]);
        assert_eq!(p.check(), []);
    }

    #[test]
    fn length_taps_and_phases_add_up() {
        let p = PlcParams::default();
        let loss = |run| p.loss_db(&run, Load::Night);
        let longer = loss(Run { cable_m: 1400.0, ..RUN }) - loss(RUN);
        assert!((longer - 15.0).abs() < 1e-9);
        // A tap of the line's own impedance is the textbook's 3.52 dB.
        let matched = PlcParams { tap_night_ohm: 85.0, ..p.clone() };
        let one = matched.loss_db(&Run { taps: 13, ..RUN }, Load::Night) - matched.loss_db(&RUN, Load::Night);
        assert!((one - 3.5218).abs() < 1e-3, "{one}");
        assert!((loss(Run { other_phase: true, ..RUN }) - loss(RUN) - 12.0).abs() < 1e-9);
        assert!((loss(Run { branches_db: 2.5, ..RUN }) - loss(RUN) - 2.5).abs() < 1e-9);
    }

    #[test]
    fn a_branching_line_draws_like_its_drops_and_no_more_than_a_line_without_end() {
        let p = PlcParams::default();
        let db = |drops| p.branch_db(drops, Load::Night);
        assert!(db(0).abs() < 1e-12);
        let tap = p.loss_db(&Run { taps: 13, ..RUN }, Load::Night) - p.loss_db(&RUN, Load::Night);
        assert!((db(1) - tap).abs() < 1e-9);
        assert!(db(1) < db(2) && db(2) < db(4));
        assert!((db(50) - 3.5218).abs() < 1e-3 && (db(500) - db(50)).abs() < 1e-12);
        assert!(p.branch_db(2, Load::Evening) > db(2));
    }
}
