//! How long a frame takes over a bearer that is up: radio generation, rate, registration.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::draw::Draws;

/// Radio generation of the site's modem.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bearer {
    /// 2G packet data.
    #[default]
    Gprs,
    /// Narrowband internet of things.
    NbIot,
    /// 4G.
    Lte,
}

/// What a link does to a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinkFigures {
    /// Median one-way latency, milliseconds.
    pub latency_median_ms: f64,
    /// Standard deviation of the latency's logarithm.
    pub latency_sigma: f64,
    /// Usable rate, bits per second.
    pub rate_bit_per_s: f64,
    /// Time to attach and open a data context, seconds.
    pub registration_s: f64,
}

impl Bearer {
    /// The figures of this generation.
    ///
    /// *GPRS*: latency *published*: 300–1000 ms for 2G (Grigorik, High Performance Browser Networking, table 7-2);
    /// rate *published*: 30–80 kbit/s realistic in South Africa (Experimental Network Deployments, 1library.net), the
    /// lower end taken; registration *assumed*.
    /// *NB-IoT*: latency *measured*: lognormal fit of 1500 exchanges with MTN and Vodacom South Africa
    /// (`nbiot_za_txtime_stats.json`: μ = −3.8391 in ln minutes, σ = 1.678). It is radio-active time of one exchange in a test
    /// plant, so an upper figure for one direction, and it leaves the core network out. Rate and registration *assumed*.
    /// *LTE*: latency *published*: below 100 ms (same table); rate and registration *assumed*.
    #[must_use]
    pub const fn figures(self) -> LinkFigures {
        let (latency_median_ms, latency_sigma, rate_bit_per_s, registration_s) = match self {
            Self::Gprs => (400.0, 0.7, 30_000.0, 30.0),
            Self::NbIot => (1290.0, 1.678, 20_000.0, 60.0),
            Self::Lte => (60.0, 0.5, 2_000_000.0, 10.0),
        };
        LinkFigures { latency_median_ms, latency_sigma, rate_bit_per_s, registration_s }
    }
}

/// One-way time of a frame of this many bytes, milliseconds; at most ten minutes.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
pub fn latency_ms(figures: &LinkFigures, bytes: usize, draws: &mut Draws) -> u64 {
    let air_ms = bytes as f64 * 8000.0 / figures.rate_bit_per_s;
    let wait_ms = draws.lognormal(figures.latency_median_ms, figures.latency_sigma);
    ((wait_ms + air_ms) as u64).clamp(1, 600_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{NodeKey, Purpose};

    fn quantiles(bearer: Bearer, bytes: usize) -> [u64; 3] {
        let mut draws = Draws::keyed(3, 0, NodeKey(1), Purpose::named("t"), 0);
        let mut all: Vec<u64> = (0..40_000).map(|_| latency_ms(&bearer.figures(), bytes, &mut draws)).collect();
        all.sort_unstable();
        [all[20_000], all[36_000], all[38_000]]
    }

    #[test]
    fn nb_iot_is_as_measured() {
        // All 1500 exchanges: p50 966, p90 13 477, p95 22 604 ms; the fit passes between them.
        let [p50, p90, p95] = quantiles(Bearer::NbIot, 0);
        assert!((900..1500).contains(&p50), "{p50}");
        assert!((9_000..15_000).contains(&p90), "{p90}");
        assert!((16_000..25_000).contains(&p95), "{p95}");
    }

    #[test]
    fn slower_bearers_are_slower_and_long_frames_take_longer() {
        let [gprs, nb_iot, lte] = [Bearer::Gprs, Bearer::NbIot, Bearer::Lte].map(|b| quantiles(b, 200)[0]);
        assert!(lte < gprs && gprs < nb_iot, "{lte} {gprs} {nb_iot}");
        assert!(quantiles(Bearer::Gprs, 3000)[0] > gprs + 700);
    }
}
