//! Who is heard when all speak when they like (pure ALOHA) on a few channels, with capture.
//!
//! Two frames on one channel overlap when one begins within the other's length. Of one spreading factor, the stronger
//! by a decibel survives; of different ones, a frame survives what is not too much stronger (Croce et al., *Impact of
//! LoRa imperfect orthogonality*, IEEE Comm. Letters 22, 2018, measured thresholds).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::airtime::{FRAME_OVERHEAD_OCTETS, Lora, SpreadingFactor};
use crate::param::{Checks, ParamError};

/// A star of meters round a gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LorawanParams {
    /// Uplink channels of 125 kHz. Published: 3 (those every EU gateway has; more by configuration).
    pub channels: u16,
    /// Power of a meter, dBm. Published: 14 (most of 863–870 MHz).
    pub tx_power_dbm: f64,
    /// Noise figure of the gateway, dB. Assumed: 6.
    pub noise_figure_db: f64,
    /// Loss of a real receiver against the ideal, dB. Assumed: 1.5.
    pub implementation_loss_db: f64,
    /// Margin above the demodulator's floor that a spreading factor must have to be chosen, dB. Published: 10 (the
    /// usual installation margin of network servers' rate control).
    pub margin_db: f64,
    /// Transmissions of an uplink (NbTrans). Published: 1, LoRaWAN's default; up to 15.
    pub transmissions: u8,
    /// Gain of the gateway's antenna on the mast, dBi. Assumed: 3.
    pub gateway_gain_dbi: f64,
    /// Radiated power of the gateway in the second window's band, dBm. Published: 27 (CEPT 70-03, 869.4–869.65 MHz).
    pub gateway_power_dbm: f64,
    /// Share of an hour in which the gateway may send there, 0–1. Published: 0.1 (the same).
    pub gateway_duty: f64,
}

impl Default for LorawanParams {
    fn default() -> Self {
        Self {
            channels: 3,
            tx_power_dbm: 14.0,
            noise_figure_db: 6.0,
            implementation_loss_db: 1.5,
            margin_db: 10.0,
            transmissions: 1,
            gateway_gain_dbi: 3.0,
            gateway_power_dbm: 27.0,
            gateway_duty: 0.1,
        }
    }
}

impl LorawanParams {
    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        let decibels = |v: f64| (0.0..=30.0).contains(&v);
        Checks::default()
            .demand((1..=80).contains(&self.channels), "channels", self.channels, "1 to 80")
            .demand((-20.0..=36.0).contains(&self.tx_power_dbm), "tx_power_dbm", self.tx_power_dbm, "-20 to 36 dBm")
            .demand(decibels(self.noise_figure_db), "noise_figure_db", self.noise_figure_db, "0 to 30 dB")
            .demand(
                decibels(self.implementation_loss_db),
                "implementation_loss_db",
                self.implementation_loss_db,
                "0 to 30 dB",
            )
            .demand(decibels(self.margin_db), "margin_db", self.margin_db, "0 to 30 dB")
            .demand((1..=15).contains(&self.transmissions), "transmissions", self.transmissions, "1 to 15")
            .demand(
                (-20.0..=20.0).contains(&self.gateway_gain_dbi),
                "gateway_gain_dbi",
                self.gateway_gain_dbi,
                "-20 to 20 dBi",
            )
            .demand(
                (-20.0..=36.0).contains(&self.gateway_power_dbm),
                "gateway_power_dbm",
                self.gateway_power_dbm,
                "-20 to 36 dBm",
            )
            .demand((0.0..=1.0).contains(&self.gateway_duty), "gateway_duty", self.gateway_duty, "0 to 1")
            .done()
    }

    /// Signal-to-noise ratio at the gateway over this path loss, dB.
    #[must_use]
    pub fn snr_db(&self, path_loss_db: f64) -> f64 {
        let noise_dbm = crate::radio::noise_floor_dbm(125_000.0, self.noise_figure_db);
        self.tx_power_dbm + self.gateway_gain_dbi - path_loss_db - noise_dbm
    }

    /// The spreading factor that rate control settles on: the fastest with its margin, else the slowest.
    #[must_use]
    pub fn spreading_factor(&self, snr_db: f64) -> SpreadingFactor {
        let holds = |sf: &SpreadingFactor| snr_db >= sf.demodulator_floor_db() + self.margin_db;
        SpreadingFactor::ALL.into_iter().find(holds).unwrap_or(SpreadingFactor::ALL[5])
    }
}

/// A meter's uplink traffic as the gateway sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uplink {
    /// Signal-to-noise ratio at the gateway, dB.
    pub snr_db: f64,
    /// Spreading factor.
    pub sf: SpreadingFactor,
    /// Octets of application payload.
    pub octets: u32,
    /// Frames an hour, repetitions included.
    pub per_hour: f64,
}

impl Uplink {
    /// Time on the air of a frame, µs.
    #[must_use]
    pub fn airtime_us(&self) -> u64 {
        Lora::lorawan(self.sf).airtime_us(self.octets + FRAME_OVERHEAD_OCTETS)
    }
}

/// How frames are heard: the receiver, and what the air does to each frame by itself.
#[derive(Clone, Copy, Debug)]
pub struct Hearing<'a> {
    /// The star.
    pub params: &'a LorawanParams,
    /// Fading in equal shares of probability, dB; none: a steady path.
    pub fades_db: &'a [f64],
    /// Frames lost whatever the signal, 0–1.
    pub loss_floor: f64,
}

impl Hearing<'_> {
    /// Share of a meter's frames that noise and fading leave, each sent once, 0–1.
    #[must_use]
    pub fn heard(&self, mine: &Uplink) -> f64 {
        let lora = Lora::lorawan(mine.sf);
        let snr_db = mine.snr_db - self.params.implementation_loss_db;
        let at = |fade_db: f64| 1.0 - lora.per(snr_db + fade_db, mine.octets + FRAME_OVERHEAD_OCTETS);
        let heard = match self.fades_db {
            [] => at(0.0),
            fades_db => fades_db.iter().map(|fade_db| at(*fade_db)).sum::<f64>() / fades_db.len() as f64,
        };
        heard * (1.0 - self.loss_floor)
    }

    /// Share of each meter's uplinks that the gateway hears, 0–1: noise, and everybody else speaking at random.
    /// Repetitions count as independent. `deaf_share` is the share of time in which the gateway itself sends.
    #[must_use]
    pub fn success(&self, meters: &[Uplink], deaf_share: f64) -> Vec<f64> {
        const HOUR_US: f64 = 3.6e9;
        let channels = f64::from(self.params.channels.max(1));
        let airtimes: Vec<f64> = meters.iter().map(|m| m.airtime_us() as f64).collect();
        meters
            .iter()
            .enumerate()
            .map(|(i, mine)| {
                let fatal: f64 = meters
                    .iter()
                    .enumerate()
                    .filter(|&(j, other)| j != i && mine.snr_db - other.snr_db < survives_db(mine.sf, other.sf))
                    .map(|(j, other)| other.per_hour * (airtimes[i] + airtimes[j]) / (HOUR_US * channels))
                    .sum();
                let one = libm::exp(-fatal) * self.heard(mine) * (1.0 - deaf_share.clamp(0.0, 1.0));
                1.0 - libm::pow(1.0 - one, f64::from(self.params.transmissions.max(1)))
            })
            .collect()
    }
}

/// [`Hearing::success`] over steady paths.
#[must_use]
pub fn uplink_success(params: &LorawanParams, meters: &[Uplink], deaf_share: f64) -> Vec<f64> {
    Hearing { params, fades_db: &[], loss_floor: 0.0 }.success(meters, deaf_share)
}

/// Ratio of signal to interference that a frame of `mine` needs against one of `other`, dB.
#[must_use]
pub fn survives_db(mine: SpreadingFactor, other: SpreadingFactor) -> f64 {
    const NEEDS: [[i8; 6]; 6] = [
        [1, -8, -9, -9, -9, -9],
        [-11, 1, -11, -12, -13, -13],
        [-15, -13, 1, -13, -14, -15],
        [-19, -18, -17, 1, -17, -18],
        [-22, -22, -21, -20, 1, -20],
        [-25, -25, -25, -24, -23, 1],
    ];
    f64::from(NEEDS[usize::from(mine.number() - 7)][usize::from(other.number() - 7)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{Draws, NodeKey, Purpose};

    fn meter(snr_db: f64, sf: u8, per_hour: f64) -> Uplink {
        Uplink { snr_db, sf: SpreadingFactor::new(sf).unwrap(), octets: 40, per_hour }
    }

    /// All of one strength and factor on one channel: no capture, so Abramson's exp(−2G).
    #[test]
    fn alike_meters_are_pure_aloha() {
        let params = LorawanParams { channels: 1, implementation_loss_db: 0.0, ..LorawanParams::default() };
        let meters = vec![meter(10.0, 7, 30.0); 101];
        let load = 100.0 * 30.0 * meters[0].airtime_us() as f64 / 3.6e9;
        let found = uplink_success(&params, &meters, 0.0)[0];
        assert!((found - libm::exp(-2.0 * load)).abs() < 1e-9, "{found}");
        let deaf = uplink_success(&params, &meters, 0.1)[0];
        assert!((deaf / found - 0.9).abs() < 1e-9);
        let twice = LorawanParams { transmissions: 2, ..params };
        assert!(uplink_success(&twice, &meters, 0.0)[0] > found);
    }

    /// The closed form against frames thrown at random, by frame: three standard errors.
    #[test]
    fn the_closed_form_is_what_random_frames_give() {
        const HOURS: f64 = 60.0;
        let params = LorawanParams { channels: 1, implementation_loss_db: 0.0, ..LorawanParams::default() };
        let meters: Vec<Uplink> =
            (0..24).map(|i| meter(f64::from(i) * 1.3, [7, 9, 12][usize::from(i as u8) % 3], 8.0)).collect();
        let mut frames = Vec::new();
        for (i, m) in meters.iter().enumerate() {
            let mut draws = Draws::keyed(5, 0, NodeKey(i as u64), Purpose::named("test/aloha"), 0);
            let mut at = draws.exponential(3.6e9 / m.per_hour);
            while at < HOURS * 3.6e9 {
                frames.push((at, at + m.airtime_us() as f64, i));
                at += draws.exponential(3.6e9 / m.per_hour);
            }
        }
        let wanted = uplink_success(&params, &meters, 0.0);
        for watched in [0, 10, 11, 23] {
            let mine: Vec<_> = frames.iter().filter(|f| f.2 == watched).collect();
            let survives = |f: &&&(f64, f64, usize)| {
                let kills = |o: &&(f64, f64, usize)| {
                    let (a, b) = (&meters[watched], &meters[o.2]);
                    o.2 != watched && o.0 < f.1 && f.0 < o.1 && a.snr_db - b.snr_db < survives_db(a.sf, b.sf)
                };
                frames.iter().find(kills).is_none()
            };
            let share = mine.iter().filter(survives).count() as f64 / mine.len() as f64;
            let w = wanted[watched];
            let slack = 3.0 * libm::sqrt(w * (1.0 - w) / mine.len() as f64) + 0.01;
            assert!((share - w).abs() < slack, "meter {watched}: {share} for {w} ± {slack}");
        }
    }

    #[test]
    fn rate_control_takes_the_fastest_with_margin() {
        let p = LorawanParams::default();
        let chosen = |snr| p.spreading_factor(snr).number();
        assert_eq!([chosen(5.0), chosen(2.4), chosen(-5.0), chosen(-30.0)], [7, 8, 10, 12]);
        assert_eq!(p.check(), []);
    }
}
