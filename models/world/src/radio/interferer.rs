//! Others in the band: sensors on the fields, alarm radios, jammers; sources with a place, a channel and a duty cycle.
//!
//! Time is cut into the source's periods; in each it sends one burst, at a moment of its own. By frame the mesh's medium
//! draws these moments (`taa_mesh::net::Source`); by message each frame meets
//! a burst with the chance that it has ([`Disturbance`]).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    channels::ChannelPlan,
    village::{Mounted, Stood, VillageRadio},
};
use crate::param::{Checks, ParamError};

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
#[derive(Clone, Debug, PartialEq)]
pub struct InterfererParams {
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

impl InterfererParams {
    /// The assumed figures of a kind.
    #[must_use]
    pub const fn of(kind: SourceKind) -> Self {
        let sensor =
            Self { centre_mhz: 868.3, bandwidth_khz: 125.0, power_dbm: 14.0, burst_ms: 400.0, period_ms: 300_000.0 };
        match kind {
            SourceKind::AgriculturalSensor => sensor,
            SourceKind::SecurityRadio => {
                Self { bandwidth_khz: 50.0, power_dbm: 10.0, burst_ms: 150.0, period_ms: 30_000.0, ..sensor }
            }
            SourceKind::Jammer => {
                Self { bandwidth_khz: 2000.0, power_dbm: 27.0, burst_ms: 900.0, period_ms: 1000.0, ..sensor }
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
            .demand((1.0..=1e8).contains(&self.period_ms), "period_ms", self.period_ms, "1 to 100000000 ms")
            .demand((0.0..=self.period_ms).contains(&self.burst_ms), "burst_ms", self.burst_ms, "0 to `period_ms`")
            .done()
    }

    /// Share of time it sends.
    #[must_use]
    pub fn duty(&self) -> f64 {
        self.burst_ms / self.period_ms
    }

    /// The allowed channels of a plan that it falls into, and what share of its power falls into each.
    pub fn channels<'a>(&'a self, plan: &'a ChannelPlan) -> impl Iterator<Item = (u16, f64)> + 'a {
        let share = |channel| plan.overlap(channel, self.centre_mhz * 1e6, self.bandwidth_khz * 1e3);
        plan.channels().map(move |channel| (channel, share(channel))).filter(|(_, share)| *share > 0.0)
    }

    /// Chance that a frame of this length meets a burst, 0–1.
    #[must_use]
    pub fn meets(&self, frame_ms: f64) -> f64 {
        if self.burst_ms > 0.0 { ((self.burst_ms + frame_ms) / self.period_ms).min(1.0) } else { 0.0 }
    }
}

/// A source where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Interferer {
    /// Its name.
    pub name: String,
    /// What it sends.
    pub params: InterfererParams,
    /// Where.
    pub at: Mounted,
}

impl VillageRadio {
    /// How strong the whole of a source's power is at a radio while it sends, trees bare, dBm.
    #[must_use]
    pub fn heard_dbm(&self, source: &Interferer, to: &Stood) -> f64 {
        source.params.power_dbm - self.path_db(&self.stand(&source.at), to)
    }
}

/// What others do to the frames that a radio receives, if it hops evenly over the channels of a plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Disturbance {
    /// Share of frames, and how far the noise under them is raised, dB; what is left of 1 is undisturbed.
    parts: Vec<(f32, f32)>,
}

impl Disturbance {
    /// From each source's parameters and its whole power here, dBm; `noise_dbm` is what is always there, `frame_ms` the
    /// length of a frame.
    #[must_use]
    pub fn of(sources: &[(&InterfererParams, f64)], plan: &ChannelPlan, noise_dbm: f64, frame_ms: f64) -> Self {
        /// Raising the noise by less than half a decibel is nothing.
        const LEAST: f64 = 0.12;
        /// Of more on one channel the strongest count.
        const AT_ONCE: usize = 6;
        let mut by_channel: BTreeMap<u16, Vec<(f64, f64)>> = BTreeMap::new();
        for &(source, dbm) in sources {
            for (channel, share) in source.channels(plan) {
                let over_noise = share * libm::pow(10.0, (dbm - noise_dbm) / 10.0);
                if over_noise > LEAST {
                    by_channel.entry(channel).or_default().push((over_noise, source.meets(frame_ms)));
                }
            }
        }
        let count = plan.channels().count().max(1) as f64;
        // In halves of a decibel: channels alike fall together.
        let mut shares: BTreeMap<i32, f64> = BTreeMap::new();
        for mut heard in by_channel.into_values() {
            heard.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
            heard.truncate(AT_ONCE);
            for subset in 1..1_u32 << heard.len() {
                let on = |i: usize| subset >> i & 1 == 1;
                let chance: f64 =
                    heard.iter().enumerate().map(|(i, (_, p))| if on(i) { *p } else { 1.0 - p }).product();
                let sum: f64 = heard.iter().enumerate().filter(|(i, _)| on(*i)).map(|(_, (over, _))| over).sum();
                #[allow(clippy::cast_possible_truncation)]
                let halves = libm::round(20.0 * libm::log10(1.0 + sum)) as i32;
                *shares.entry(halves).or_default() += chance / count;
            }
        }
        #[allow(clippy::cast_possible_truncation)]
        let parts = shares.into_iter().map(|(halves, share)| (share as f32, 0.5 * halves as f32)).collect();
        Self { parts }
    }

    /// Share of frames that meet somebody.
    #[must_use]
    pub fn share(&self) -> f32 {
        self.parts.iter().map(|(share, _)| share).sum()
    }

    /// Nobody is heard.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.parts.is_empty()
    }

    /// Share of frames that arrive, if so many would at each ratio of signal to noise.
    pub fn success(&self, snr_db: f32, of: impl Fn(f32) -> f32) -> f32 {
        (1.0 - self.share()).max(0.0) * of(snr_db)
            + self.parts.iter().map(|(share, rise_db)| share * of(snr_db - rise_db)).sum::<f32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::radio::channels::PlanName;

    #[test]
    fn kinds_are_sound_and_a_burst_is_no_longer_than_its_period() {
        for (kind, duty) in
            [(SourceKind::AgriculturalSensor, 0.001_333), (SourceKind::SecurityRadio, 0.005), (SourceKind::Jammer, 0.9)]
        {
            let source = InterfererParams::of(kind);
            assert_eq!(source.check(), []);
            assert!((source.duty() - duty).abs() < 1e-5);
        }
        let wrong = InterfererParams { burst_ms: 2.0, period_ms: 1.0, ..InterfererParams::of(SourceKind::Jammer) };
        assert_eq!(wrong.check().iter().map(|error| error.field).collect::<Vec<_>>(), ["burst_ms"]);
    }

    #[test]
    fn a_broad_jammer_loses_power_per_channel_and_a_narrow_radio_misses_most() {
        let plan = PlanName::Eu32.plan();
        let hit = |kind| InterfererParams::of(kind).channels(&plan).collect::<BTreeMap<_, _>>();
        // 868.3 MHz is channel 52; the jammer's 2 MHz lie over twenty channels, of which 55, 56 and 61, 62 are forbidden.
        let jammed = hit(SourceKind::Jammer);
        assert!((jammed[&52] - 0.05).abs() < 1e-9 && jammed.len() == 17, "{jammed:?}");
        assert_eq!(hit(SourceKind::SecurityRadio), BTreeMap::from([(52, 1.0)]));
    }

    #[test]
    fn frames_that_meet_a_burst_are_shared_out_exactly() {
        let plan = PlanName::Eu33.plan();
        let jammer = InterfererParams::of(SourceKind::Jammer);
        let step = |snr_db: f32| if snr_db > 10.0 { 1.0 } else { 0.0 };
        assert!(Disturbance::of(&[], &plan, -110.0, 50.0).is_none());
        assert!(Disturbance::of(&[(&jammer, -130.0)], &plan, -110.0, 50.0).is_none(), "far below the noise");
        // Heard 30 dB over the noise, a tenth of it (20 dB) in each channel of 200 kHz; 95 % of frames of 50 ms meet it.
        let one = Disturbance::of(&[(&jammer, -80.0)], &plan, -110.0, 50.0);
        assert_eq!(jammer.channels(&plan).count(), 7);
        let at = |snr_db| one.success(snr_db, step);
        assert!((at(20.0) - (1.0 - 7.0 / 29.0 * 0.95)).abs() < 0.002, "{}", at(20.0));
        assert!(at(40.0) > 0.999 && at(5.0) < 1e-6);
        // Two that are independent: clear only where both are silent.
        let two = Disturbance::of(&[(&jammer, -80.0), (&jammer, -80.0)], &plan, -110.0, 50.0);
        assert!((two.success(20.0, step) - (1.0 - 7.0 / 29.0 * (1.0 - 0.05 * 0.05))).abs() < 0.002);
    }
}
