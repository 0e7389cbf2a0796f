//! Others in the band: sensors on the fields, alarm radios, jammers; sources with a place, a channel and a duty cycle.
//!
//! Time is cut into the source's periods; in each it sends one burst, starting at a moment drawn for that period alone.
//! So whether a source is on at a time costs one draw and needs no history.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::channels::ChannelPlan;
use crate::{
    draw::{Draws, NodeKey, Purpose},
    param::{Checks, ParamError},
};

/// What kind of source; each has defaults of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Soil and water sensors: short frames every few minutes at 14 dBm.
    #[default]
    AgriculturalSensor,
    /// Alarm and gate radios: a burst of repeats every half a minute, 10 dBm.
    SecurityRadio,
    /// On purpose or broken: most of the time, broad, 27 dBm.
    Jammer,
}

/// A source of interference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InterfererParams {
    /// What it is (says where the other figures come from).
    pub kind: SourceKind,
    /// Centre, MHz. Assumed: 868.3.
    pub centre_mhz: f64,
    /// Bandwidth, kHz. Assumed: 125 (LoRa-like sensors).
    pub bandwidth_khz: f64,
    /// Radiated power, dBm. Assumed: 14.
    pub power_dbm: f64,
    /// Length of a burst, ms. Assumed: 400 (a sensor's frame at a high spreading factor).
    pub burst_ms: f64,
    /// One burst in each of these, ms. Assumed: 300000 (five minutes).
    pub period_ms: f64,
}

impl Default for InterfererParams {
    fn default() -> Self {
        Self {
            kind: SourceKind::AgriculturalSensor,
            centre_mhz: 868.3,
            bandwidth_khz: 125.0,
            power_dbm: 14.0,
            burst_ms: 400.0,
            period_ms: 300_000.0,
        }
    }
}

impl InterfererParams {
    /// The assumed figures of a kind.
    #[must_use]
    pub fn of(kind: SourceKind) -> Self {
        let base = Self { kind, ..Self::default() };
        match kind {
            SourceKind::AgriculturalSensor => base,
            SourceKind::SecurityRadio => {
                Self { bandwidth_khz: 50.0, power_dbm: 10.0, burst_ms: 150.0, period_ms: 30_000.0, ..base }
            }
            SourceKind::Jammer => {
                Self { bandwidth_khz: 2000.0, power_dbm: 27.0, burst_ms: 900.0, period_ms: 1000.0, ..base }
            }
        }
    }

    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        let band = (100.0..=6000.0).contains(&self.centre_mhz);
        Checks::default()
            .demand(band, "centre_mhz", self.centre_mhz, "100 to 6000 MHz")
            .demand(
                (1.0..=100_000.0).contains(&self.bandwidth_khz),
                "bandwidth_khz",
                self.bandwidth_khz,
                "1 to 100000 kHz",
            )
            .demand((-30.0..=50.0).contains(&self.power_dbm), "power_dbm", self.power_dbm, "-30 to 50 dBm")
            .demand((0.0..=1e7).contains(&self.burst_ms), "burst_ms", self.burst_ms, "0 to `period_ms`")
            .demand((1.0..=1e8).contains(&self.period_ms), "period_ms", self.period_ms, "1 to 100000000 ms")
            .demand(self.burst_ms <= self.period_ms, "burst_ms", self.burst_ms, "0 to `period_ms`")
            .done()
    }

    /// Share of time it sends.
    #[must_use]
    pub fn duty(&self) -> f64 {
        self.burst_ms / self.period_ms
    }

    /// What of its power falls into a channel, dBm; `None` when it misses it.
    #[must_use]
    pub fn in_channel_dbm(&self, plan: &ChannelPlan, channel: u16) -> Option<f64> {
        let share = plan.overlap(channel, self.centre_mhz * 1e6, self.bandwidth_khz * 1e3);
        (share > 0.0).then(|| self.power_dbm + 10.0 * libm::log10(share))
    }

    /// Whether it sends at some moment of `from_ms`..`to_ms`.
    #[must_use]
    pub fn sends_within(&self, seed: u64, source: NodeKey, from_ms: i64, to_ms: i64) -> bool {
        let burst_ms = self.burst_ms;
        // The burst of a period ends in it, so only the periods that the window touches matter.
        let (first, last) = (self.period(from_ms), self.period(to_ms));
        (first..=last).any(|period| {
            let start = self.burst_start_ms(seed, source, period);
            start <= to_ms as f64 && start + burst_ms > from_ms as f64
        })
    }

    /// When the burst of the period with this number begins, ms.
    #[must_use]
    pub fn burst_start_ms(&self, seed: u64, source: NodeKey, period: i64) -> f64 {
        const BURST: Purpose = Purpose::named("radio/interferer_burst");
        let mut draws = Draws::keyed(seed, 0, source, BURST, period.cast_unsigned());
        period as f64 * self.period_ms + draws.uniform() * (self.period_ms - self.burst_ms)
    }

    #[allow(clippy::cast_possible_truncation)]
    fn period(&self, at_ms: i64) -> i64 {
        libm::floor(at_ms as f64 / self.period_ms) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_sends_its_share_of_time() {
        for kind in [SourceKind::AgriculturalSensor, SourceKind::SecurityRadio, SourceKind::Jammer] {
            let source = InterfererParams::of(kind);
            assert_eq!(source.check(), []);
            let node = NodeKey::of("alarm");
            let step_ms = 97;
            let on = (0..400_000).filter(|i| source.sends_within(3, node, i * step_ms, i * step_ms)).count();
            let share = on as f64 / 400_000.0;
            assert!((share / source.duty() - 1.0).abs() < 0.15, "{kind:?}: {share} for {}", source.duty());
        }
    }

    #[test]
    fn a_window_sees_what_its_moments_see() {
        let source = InterfererParams::of(SourceKind::SecurityRadio);
        let node = NodeKey::of("alarm");
        for start in (0..600_000).step_by(10_007) {
            let moments = (start..=start + 2000).any(|t| source.sends_within(3, node, t, t));
            assert_eq!(source.sends_within(3, node, start, start + 2000), moments, "{start}");
        }
    }

    #[test]
    fn a_broad_jammer_loses_power_per_channel_and_a_narrow_radio_misses_most() {
        let plan = ChannelPlan::named("EU", 32).unwrap();
        let hit = |kind, channel| InterfererParams::of(kind).in_channel_dbm(&plan, channel);
        // 868.3 MHz is channel 52.
        let jammed = hit(SourceKind::Jammer, 52).unwrap();
        assert!((jammed - (27.0 - 13.01)).abs() < 0.1, "{jammed}");
        assert!((hit(SourceKind::SecurityRadio, 52).unwrap() - 10.0).abs() < 1e-9);
        assert_eq!(hit(SourceKind::SecurityRadio, 40), None);
    }
}
