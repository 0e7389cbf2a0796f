//! Times of a PHY that the MAC lives by: symbol, clear-channel assessment, turnaround, backoff, acknowledgement, air.
//!
//! | PHY | symbol | CCA | turnaround | unit backoff | wait for an acknowledgement | source |
//! |---|---|---|---|---|---|---|
//! | O-QPSK 2450 MHz | 16 µs | 8 symbols | 12 symbols | 20 symbols | 54 symbols | 802.15.4-2020, tables 11-1, 8-94, 12-1 |
//! | SUN FSK | 1 bit | 8 symbols | 1 ms | turnaround + CCA | 800 symbols | tables 11-1, 8-94; Pelion nanostack |
//! | SUN OFDM | 120 µs | 8 symbols | 1 ms | turnaround + CCA | 5 ms + an acknowledgement | the same |
//!
//! Whether a frame is heard is the radio model's; this only says how long things take.

use serde::{Deserialize, Serialize};

use super::fcs::Fcs;

/// The times of a PHY, nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phy {
    /// Bits a second of the payload.
    pub bits_per_s: u32,
    /// What goes before the first octet of a frame: preamble, delimiter, PHY header.
    pub header_ns: u64,
    /// One clear-channel assessment.
    pub cca_ns: u64,
    /// From receiving to sending, or back.
    pub turnaround_ns: u64,
    /// One unit of backoff.
    pub backoff_ns: u64,
    /// From the end of a frame until its acknowledgement must have been heard whole.
    pub ack_wait_ns: u64,
    /// The space after a frame of at most [`SIFS_OCTETS_MAX`].
    pub sifs_ns: u64,
    /// The space after a longer one.
    pub lifs_ns: u64,
    /// Its check sequence.
    pub fcs: Fcs,
}

/// The longest frame (with check sequence) after which the short space is enough: aMaxSifsFrameSize.
pub const SIFS_OCTETS_MAX: u32 = 18;

impl Phy {
    /// 2450 MHz O-QPSK at 250 kb/s: 62 500 symbols a second, four bits each.
    #[must_use]
    pub fn oqpsk_250k() -> Self {
        let symbol_ns = 16_000;
        Self {
            bits_per_s: 250_000,
            header_ns: 12 * symbol_ns,
            cca_ns: 8 * symbol_ns,
            turnaround_ns: 12 * symbol_ns,
            backoff_ns: 20 * symbol_ns,
            ack_wait_ns: 54 * symbol_ns,
            sifs_ns: 12 * symbol_ns,
            lifs_ns: 40 * symbol_ns,
            fcs: Fcs::Short,
        }
    }

    /// SUN FSK with two levels at a bit rate: 50, 100, 150, 200 or 300 kb/s in Wi-SUN.
    ///
    /// The preamble is 8 octets (phyFskPreambleLength may be 4–1000), the delimiter and PHY header two each. `fec` sends
    /// every bit after the delimiter twice (rate 1/2). Arbitrary: the spaces after a frame are one turnaround.
    #[must_use]
    pub fn sun_fsk(bits_per_s: u32, fec: bool) -> Self {
        let rate = u64::from(bits_per_s.max(1));
        let symbols = |count: u64| (count * 1_000_000_000).div_ceil(rate);
        let (cca_ns, turnaround_ns, spread) = (symbols(8), 1_000_000, if fec { 2 } else { 1 });
        Self {
            bits_per_s: bits_per_s / spread,
            header_ns: symbols(80 + 16 * u64::from(spread)),
            cca_ns,
            turnaround_ns,
            backoff_ns: turnaround_ns + cca_ns,
            ack_wait_ns: symbols(800 * u64::from(spread)),
            sifs_ns: turnaround_ns,
            lifs_ns: turnaround_ns,
            fcs: Fcs::Long,
        }
    }

    /// SUN OFDM at a bit rate (12.5 kb/s to 3.6 Mb/s by option and scheme); `phr_symbols` is 3 in option 1, else 6.
    ///
    /// Short and long training are four and two symbols of 120 µs.
    #[must_use]
    pub fn sun_ofdm(bits_per_s: u32, phr_symbols: u64) -> Self {
        let (symbol_ns, turnaround_ns) = (120_000, 1_000_000);
        let header_ns = (6 + phr_symbols) * symbol_ns;
        let mut phy = Self {
            bits_per_s,
            header_ns,
            cca_ns: 8 * symbol_ns,
            turnaround_ns,
            backoff_ns: turnaround_ns + 8 * symbol_ns,
            ack_wait_ns: 0,
            sifs_ns: turnaround_ns,
            lifs_ns: turnaround_ns,
            fcs: Fcs::Long,
        };
        phy.ack_wait_ns = 5_000_000 + phy.air_ns(60);
        phy
    }

    /// How long a frame of so many octets (with check sequence) is on air.
    #[must_use]
    pub fn air_ns(&self, octets: u32) -> u64 {
        self.header_ns + (u64::from(octets) * 8 * 1_000_000_000).div_ceil(u64::from(self.bits_per_s.max(1)))
    }

    /// The space that a sender leaves after a frame of so many octets.
    #[must_use]
    pub fn space_ns(&self, octets: u32) -> u64 {
        if octets <= SIFS_OCTETS_MAX { self.sifs_ns } else { self.lifs_ns }
    }
}

/// The bit error rate of 2450 MHz O-QPSK at a ratio of signal to noise and interference (802.15.4-2006, annex E.4.1.8):
/// sixteen quasi-orthogonal symbols.
#[must_use]
pub fn oqpsk_bit_error_rate(sinr: f64) -> f64 {
    let (mut sum, mut choose) = (0.0, 16.0);
    for k in 2..=16_u32 {
        let of = f64::from(k);
        choose *= f64::from(17 - k) / of;
        let sign = if k.is_multiple_of(2) { 1.0 } else { -1.0 };
        sum += sign * choose * libm::exp(20.0 * sinr * (1.0 / of - 1.0));
    }
    (8.0 / 15.0 / 16.0 * sum).clamp(0.0, 0.5)
}

/// The share of frames of so many bits that come through O-QPSK at this ratio.
#[must_use]
pub fn oqpsk_success(sinr: f64, bits: f64) -> f64 {
    libm::pow(1.0 - oqpsk_bit_error_rate(sinr), bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_the_standards() {
        let oqpsk = Phy::oqpsk_250k();
        assert_eq!((oqpsk.air_ns(61), oqpsk.air_ns(5)), (2_144_000, 352_000));
        let fsk = Phy::sun_fsk(50_000, false);
        assert_eq!((fsk.cca_ns, fsk.backoff_ns, fsk.ack_wait_ns), (160_000, 1_160_000, 16_000_000));
        assert_eq!(fsk.air_ns(100), 1_920_000 + 16_000_000, "12 octets before, 100 after, 160 µs each");
        assert_eq!(Phy::sun_fsk(50_000, true).air_ns(100), 2_240_000 + 32_000_000);
        assert_eq!(Phy::sun_ofdm(50_000, 6).air_ns(100), 1_440_000 + 16_000_000);
        assert_eq!((fsk.space_ns(18), oqpsk.space_ns(18), oqpsk.space_ns(19)), (1_000_000, 192_000, 640_000));
    }

    #[test]
    fn errors_fall_with_the_ratio() {
        assert!((oqpsk_bit_error_rate(0.0) - 0.5).abs() < 1e-6, "no signal: every second bit");
        let rates: Vec<f64> = (0..40).map(|step| oqpsk_bit_error_rate(f64::from(step) * 0.1)).collect();
        assert!(rates.windows(2).all(|pair| pair[1] < pair[0]));
    }
}
