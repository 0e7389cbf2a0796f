//! G3-PLC's physical layer in CENELEC A: 36 carriers of 1.5625 kHz, symbols of 278 samples at 400 kHz.
//!
//! Errors are counted as they are mended: differential detection on each carrier, Viterbi with hard decisions (union
//! bound, K = 7), then Reed-Solomon over octets (8 wrong ones mended, 4 in ROBO). ROBO sends everything four times.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::radio::{
    correlated_pair,
    phy::coding::{HALF_K7, tail},
};

/// How a carrier is keyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Modulation {
    /// DBPSK, everything four times.
    Robo,
    /// One bit a carrier.
    Dbpsk,
    /// Two.
    Dqpsk,
    /// Three.
    D8psk,
}

const CARRIERS: u64 = 36;
/// 256 samples, a guard of 30, of which 8 overlap, at 400 kHz: 695 µs.
const SYMBOL_US: u64 = 695;
/// Nine and a half preamble symbols of 256 samples, µs.
const PREAMBLE_US: u64 = 6080;
/// Symbols of the frame control header.
const HEADER_SYMBOLS: u64 = 13;

impl Modulation {
    /// All of them, most robust first.
    pub const ALL: [Self; 4] = [Self::Robo, Self::Dbpsk, Self::Dqpsk, Self::D8psk];

    /// Time of an acknowledgement on the line, µs: preamble and header alone.
    pub const ACK_US: u64 = PREAMBLE_US + HEADER_SYMBOLS * SYMBOL_US;

    const fn bits(self) -> u64 {
        match self {
            Self::Robo | Self::Dbpsk => 1,
            Self::Dqpsk => 2,
            Self::D8psk => 3,
        }
    }

    const fn repeats(self) -> u64 {
        if matches!(self, Self::Robo) { 4 } else { 1 }
    }

    /// Octets of parity: twice those that are mended.
    const fn parity(self) -> u64 {
        if matches!(self, Self::Robo) { 8 } else { 16 }
    }

    /// Most octets of a frame: ROBO 133 (252 symbols), else 239 (a Reed-Solomon block of 255).
    #[must_use]
    pub const fn payload_max_octets(self) -> u32 {
        if matches!(self, Self::Robo) { 133 } else { 239 }
    }

    /// Symbols of a payload.
    #[must_use]
    pub const fn payload_symbols(self, octets: u32) -> u64 {
        // Six bits of tail, rate ½.
        let coded = ((octets as u64 + self.parity()) * 8 + 6) * 2 * self.repeats();
        coded.div_ceil(CARRIERS * self.bits())
    }

    /// Time on the line, µs.
    #[must_use]
    pub const fn airtime_us(self, octets: u32) -> u64 {
        PREAMBLE_US + (HEADER_SYMBOLS + self.payload_symbols(octets)) * SYMBOL_US
    }

    /// Payload rate of the longest frame, bit/s.
    #[must_use]
    pub fn rate_bps(self) -> f64 {
        f64::from(self.payload_max_octets()) * 8e6 / self.airtime_us(self.payload_max_octets()) as f64
    }

    /// Frame error rate at this signal-to-noise ratio of a carrier.
    #[must_use]
    pub fn per(self, snr_db: f64, octets: u32) -> f64 {
        let decoded = HALF_K7.hard(self.channel_ber(snr_db));
        let octet = -libm::expm1(8.0 * libm::log1p(-decoded.min(1.0 - 1e-12)));
        let body = more_than(self.parity() / 2, u64::from(octets) + self.parity(), octet);
        1.0 - (1.0 - body) * (1.0 - header_error(snr_db))
    }

    /// The fastest keying whose frames of this length are lost at most this often, if any (what the tone map request
    /// settles on).
    #[must_use]
    pub fn fastest(snr_db: f64, octets: u32, lost_at_most: f64) -> Option<Self> {
        Self::ALL.into_iter().rev().find(|m| m.per(snr_db, octets.min(m.payload_max_octets())) <= lost_at_most)
    }

    fn channel_ber(self, snr_db: f64) -> f64 {
        let energy = libm::pow(10.0, snr_db / 10.0);
        match self {
            Self::Robo => 0.5 * libm::exp(-4.0 * energy),
            Self::Dbpsk => 0.5 * libm::exp(-energy),
            Self::Dqpsk => correlated_pair(energy, core::f64::consts::FRAC_1_SQRT_2),
            // Large alphabets: phase noise of two symbols, 3 dB against coherent keying; Gray-coded.
            Self::D8psk => {
                let edge = libm::sin(core::f64::consts::PI / (8.0 * core::f64::consts::SQRT_2));
                (2.0 / 3.0 * tail(libm::sqrt(2.0 * energy) * edge)).min(0.5)
            }
        }
    }
}

/// The header: 33 bits and a check of 5, six-fold repetition beside the code.
fn header_error(snr_db: f64) -> f64 {
    let energy = libm::pow(10.0, snr_db / 10.0);
    let ber = HALF_K7.hard(0.5 * libm::exp(-6.0 * energy));
    -libm::expm1(38.0 * libm::log1p(-ber.min(1.0 - 1e-12)))
}

/// Probability of more than `most` wrong among `n`, each wrong with probability `p`.
fn more_than(most: u64, n: u64, p: f64) -> f64 {
    if p <= 0.0 {
        return 0.0;
    }
    let odds = p / (1.0 - p);
    let mut term = libm::exp(n as f64 * libm::log1p(-p));
    let mut fine = 0.0;
    for k in 0..=most.min(n) {
        fine += term;
        term *= (n - k) as f64 / (k + 1) as f64 * odds;
    }
    // Where the remainder drowns in rounding, its first term says as much.
    let rest = 1.0 - fine;
    if rest > 1e-9 { rest } else { term.max(0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Figure: rate of the longest frame. Bound: half a per cent. Source: the G3 physical layer specification's figures
    /// for CENELEC A with 36 carriers (D8PSK 46,044 bit/s, robust 5,592; from memory); 252 symbols at most in ROBO.
    #[test]
    fn rates_are_the_published_ones() {
        assert!((Modulation::D8psk.rate_bps() / 46_044.0 - 1.0).abs() < 0.005, "{}", Modulation::D8psk.rate_bps());
        assert!((Modulation::Robo.rate_bps() / 5592.0 - 1.0).abs() < 0.005, "{}", Modulation::Robo.rate_bps());
        assert_eq!(Modulation::Robo.payload_symbols(133), 252);
        let rates: Vec<f64> = Modulation::ALL.into_iter().map(Modulation::rate_bps).collect();
        assert!(rates.windows(2).all(|w| w[0] < w[1]));
    }

    #[test]
    fn robust_modes_hold_where_fast_ones_fail() {
        let edge = |m: Modulation| (-100..300).map(|t| f64::from(t) / 10.0).find(|s| m.per(*s, 100) < 0.05).unwrap();
        let edges: Vec<f64> = Modulation::ALL.into_iter().map(edge).collect();
        assert!(edges.windows(2).all(|w| w[0] + 1.5 < w[1]), "{edges:?}");
        assert!((edges[1] - edges[0] - 6.0).abs() < 1.0, "four times the energy is 6 dB: {edges:?}");
        assert_eq!(Modulation::fastest(edges[0] - 3.0, 100, 0.05), None);
        assert_eq!(Modulation::fastest(edges[2] + 0.1, 100, 0.05), Some(Modulation::Dqpsk));
        assert_eq!(Modulation::fastest(40.0, 100, 0.05), Some(Modulation::D8psk));
    }

    #[test]
    fn errors_fall_all_the_way() {
        for m in Modulation::ALL {
            let mut last = 1.1;
            for t in -50..200 {
                let per = m.per(f64::from(t) / 10.0, 133);
                assert!((0.0..=1.0).contains(&per) && per <= last + 1e-9, "{m:?} at {t}: {per} after {last}");
                last = per;
            }
        }
        assert!((more_than(1, 3, 0.5) - 0.5).abs() < 1e-12);
    }
}
