//! The modes and what each needs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::coding::{Code, HALF_K4, HALF_K7, THREE_QUARTERS_K7, tail};
use crate::radio::{fsk_ber_of_index, noise_floor_dbm, packet_error};

/// SUN FSK modes by their Wi-SUN FAN 1.0 names (rates and indices: wisun-br-linux `ws_regdb.c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum FskMode {
    /// 50 kb/s, index ½.
    #[serde(rename = "1a")]
    M1a,
    /// 50 kb/s, index 1.
    #[serde(rename = "1b")]
    M1b,
    /// 100 kb/s, index ½.
    #[serde(rename = "2a")]
    M2a,
    /// 100 kb/s, index 1.
    #[serde(rename = "2b")]
    M2b,
    /// 150 kb/s, index ½.
    #[serde(rename = "3")]
    M3,
    /// 200 kb/s, index ½.
    #[serde(rename = "4a")]
    M4a,
    /// 200 kb/s, index 1.
    #[serde(rename = "4b")]
    M4b,
    /// 300 kb/s, index ½.
    #[serde(rename = "5")]
    M5,
}

impl FskMode {
    /// All of them, slowest first.
    pub const ALL: [Self; 8] = [Self::M1a, Self::M1b, Self::M2a, Self::M2b, Self::M3, Self::M4a, Self::M4b, Self::M5];

    /// PhyModeId, kb/s, modulation index.
    const fn row(self) -> (u8, u32, f64) {
        match self {
            Self::M1a => (0x01, 50, 0.5),
            Self::M1b => (0x02, 50, 1.0),
            Self::M2a => (0x03, 100, 0.5),
            Self::M2b => (0x04, 100, 1.0),
            Self::M3 => (0x05, 150, 0.5),
            Self::M4a => (0x06, 200, 0.5),
            Self::M4b => (0x07, 200, 1.0),
            Self::M5 => (0x08, 300, 0.5),
        }
    }

    /// Modulation index.
    #[must_use]
    pub const fn modulation_index(self) -> f64 {
        self.row().2
    }

    /// Symbols a second.
    #[must_use]
    pub const fn symbol_rate_hz(self) -> u32 {
        self.row().1 * 1000
    }
}

/// SUN OFDM options 1–4: ever fewer tones of 10.4 kHz.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OfdmOption {
    /// 96 data tones, 1.09 MHz.
    Option1,
    /// 48 data tones, 552 kHz.
    Option2,
    /// 24 data tones, 281 kHz.
    Option3,
    /// 12 data tones, 156 kHz.
    Option4,
}

impl OfdmOption {
    /// All of them, widest first.
    pub const ALL: [Self; 4] = [Self::Option1, Self::Option2, Self::Option3, Self::Option4];

    /// PhyModeId base, data tones, active tones (data and pilots), symbols of the header.
    const fn row(self) -> (u8, u32, u32, u32) {
        match self {
            Self::Option1 => (0x20, 96, 104, 3),
            Self::Option2 => (0x30, 48, 52, 6),
            Self::Option3 => (0x40, 24, 26, 6),
            Self::Option4 => (0x50, 12, 14, 6),
        }
    }

    /// Which MCS Wi-SUN standardises (the note beside the facts): 2–6 with option 1, 3–6 with 2, 4–6 with 3 and 4.
    #[must_use]
    pub const fn wisun_mcs(self) -> core::ops::RangeInclusive<u8> {
        match self {
            Self::Option1 => 2..=6,
            Self::Option2 => 3..=6,
            Self::Option3 | Self::Option4 => 4..=6,
        }
    }
}

/// Modulation and coding scheme of OFDM, 0–7 (7 is no IEEE mode).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u8", into = "u8")]
pub struct Mcs(u8);

impl Mcs {
    /// The scheme of that number, 0–7.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number <= 7 { Some(Self(number)) } else { None }
    }

    /// Bits a tone, repetitions over tones, code, its rate times four.
    const fn row(self) -> (u32, u32, Code, u32) {
        match self.0 {
            0 => (1, 4, HALF_K7, 2),
            1 => (1, 2, HALF_K7, 2),
            2 => (2, 2, HALF_K7, 2),
            3 => (2, 1, HALF_K7, 2),
            4 => (2, 1, THREE_QUARTERS_K7, 3),
            5 => (4, 1, HALF_K7, 2),
            6 => (4, 1, THREE_QUARTERS_K7, 3),
            _ => (6, 1, THREE_QUARTERS_K7, 3),
        }
    }
}

impl TryFrom<u8> for Mcs {
    type Error = String;
    fn try_from(number: u8) -> Result<Self, String> {
        Self::new(number).ok_or_else(|| format!("no MCS {number}: 0 to 7"))
    }
}

impl From<Mcs> for u8 {
    fn from(mcs: Mcs) -> Self {
        mcs.0
    }
}

/// A mode of the physical layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Phy {
    /// SUN FSK.
    Fsk {
        /// Mode.
        mode: FskMode,
        /// Coded (rate ½, constraint length 4): half the data rate at the same symbol rate.
        fec: bool,
    },
    /// SUN OFDM.
    Ofdm {
        /// Option.
        option: OfdmOption,
        /// Scheme.
        mcs: Mcs,
    },
}

impl Default for Phy {
    /// Mode 1b without coding: what the village uses today.
    fn default() -> Self {
        Self::Fsk { mode: FskMode::M1b, fec: false }
    }
}

/// Length of an OFDM symbol, µs: 96 and a guard of a quarter.
const OFDM_SYMBOL_US: u64 = 120;
/// Distance of its tones, Hz.
const TONE_HZ: f64 = 31_250.0 / 3.0;
/// Octets of an FSK preamble. Assumed: 8 (802.15.4g lets 4–1000 be set; Wi-SUN stacks use 8 and more).
const PREAMBLE_OCTETS: u64 = 8;

impl Phy {
    /// Wi-SUN's PhyModeId (coded FSK: 0x10 more).
    #[must_use]
    pub const fn mode_id(self) -> u8 {
        match self {
            Self::Fsk { mode, fec } => mode.row().0 + if fec { 0x10 } else { 0 },
            Self::Ofdm { option, mcs } => option.row().0 + mcs.0,
        }
    }

    /// Payload rate, bit/s.
    #[must_use]
    pub const fn data_rate_bps(self) -> u32 {
        match self {
            Self::Fsk { mode, fec } => mode.symbol_rate_hz() / if fec { 2 } else { 1 },
            // Data tones × bits × code rate / repetitions per 120 µs; in twelfths of a kilobit this is whole.
            Self::Ofdm { .. } => self.quarter_bits_per_symbol() * 6_250 / 3,
        }
    }

    /// Bandwidth that noise is taken in, Hz.
    #[must_use]
    pub fn noise_bandwidth_hz(self) -> f64 {
        match self {
            Self::Fsk { mode, .. } => f64::from(mode.symbol_rate_hz()),
            Self::Ofdm { option, .. } => f64::from(option.row().2) * TONE_HZ,
        }
    }

    /// Bandwidth on the air, Hz: Carson's for FSK, the active tones for OFDM.
    #[must_use]
    pub fn occupied_hz(self) -> f64 {
        match self {
            Self::Fsk { mode, .. } => f64::from(mode.symbol_rate_hz()) * (1.0 + mode.modulation_index()),
            Self::Ofdm { .. } => self.noise_bandwidth_hz(),
        }
    }

    /// Distance of channels it needs, Hz: the next of 100, 200, 400, 800, 1200 kHz above what it occupies (this is
    /// 802.15.4g's table where that has the mode).
    #[must_use]
    pub fn channel_spacing_hz(self) -> u32 {
        let steps = [100_000, 200_000, 400_000, 800_000];
        steps.into_iter().find(|s| f64::from(*s) > self.occupied_hz()).unwrap_or(1_200_000)
    }

    /// From the start of a frame until its length is known (preamble, start of frame, header), µs.
    #[must_use]
    pub fn preamble_us(self) -> u64 {
        match self {
            // Preamble, 2 octets start of frame; then 2 octets of header, coded or not.
            Self::Fsk { mode, fec } => {
                let octets = PREAMBLE_OCTETS + 2 + if fec { 4 } else { 2 };
                octets * 8_000_000 / u64::from(mode.symbol_rate_hz())
            }
            // Four symbols of the short training field, two of the long one, the header.
            Self::Ofdm { option, .. } => (6 + u64::from(option.row().3)) * OFDM_SYMBOL_US,
        }
    }

    /// Time on the air of a frame of so many octets (PSDU, check sequence included), µs.
    #[must_use]
    pub fn airtime_us(self, octets: u32) -> u64 {
        let bits = 8 * u64::from(octets);
        let body = match self {
            Self::Fsk { mode, fec } => {
                // Coded: three bits of tail and the padding to whole interleaver blocks of two octets.
                let sent = if fec { 2 * (bits + 3).div_ceil(16) * 16 } else { bits };
                (sent * 1_000_000).div_ceil(u64::from(mode.symbol_rate_hz()))
            }
            // Six bits of tail.
            Self::Ofdm { .. } => (4 * (bits + 6)).div_ceil(u64::from(self.quarter_bits_per_symbol())) * OFDM_SYMBOL_US,
        };
        self.preamble_us() + body
    }

    /// Packet error rate at this signal-to-noise ratio in [`Phy::noise_bandwidth_hz`], no fading, ideal receiver.
    #[must_use]
    pub fn per(self, snr_db: f64, octets: u32) -> f64 {
        packet_error(self.ber(snr_db), octets as usize)
    }

    /// Bit error rate of the payload, likewise.
    #[must_use]
    pub fn ber(self, snr_db: f64) -> f64 {
        match self {
            Self::Fsk { mode, fec } => {
                let channel = fsk_ber_of_index(mode.modulation_index(), snr_db);
                if fec { HALF_K4.hard(channel) } else { channel }
            }
            Self::Ofdm { mcs, .. } => {
                let (bits, repeats, code, _) = mcs.row();
                let tone = libm::pow(10.0, snr_db / 10.0) * f64::from(repeats);
                // Distance between neighbouring points against the mean power of a tone: 4, 2, 2/5, 2/21 (per 2 N₀).
                match bits {
                    1 => code.soft(2.0 * tone),
                    2 => code.soft(tone),
                    4 => (0.75 * code.soft(tone / 5.0)).min(0.5),
                    _ => (7.0 / 12.0 * code.soft(tone / 21.0)).min(0.5),
                }
            }
        }
    }

    /// Weakest signal at which nine frames of ten with 250 octets arrive, with this noise figure and this loss of a
    /// real receiver, dBm.
    #[must_use]
    pub fn sensitivity_dbm(self, noise_figure_db: f64, implementation_loss_db: f64) -> f64 {
        let (mut low, mut high) = (-20.0, 60.0);
        for _ in 0..40 {
            let middle = f64::midpoint(low, high);
            if self.per(middle, 250) > 0.1 { low = middle } else { high = middle }
        }
        high + noise_floor_dbm(self.noise_bandwidth_hz(), noise_figure_db) + implementation_loss_db
    }

    /// What 802.15.4g demands of an FSK receiver (−91 dBm at 50 kb/s, 6 dB better when coded, falling with the rate);
    /// from memory of the standard, not re-read. OFDM: no figure at hand.
    #[must_use]
    pub fn demanded_sensitivity_dbm(self) -> Option<f64> {
        match self {
            Self::Fsk { mode, fec } => {
                let base = if fec { -97.0 } else { -91.0 };
                Some(base + 10.0 * libm::log10(f64::from(mode.symbol_rate_hz()) / 50_000.0))
            }
            Self::Ofdm { .. } => None,
        }
    }

    /// Payload bits of an OFDM symbol, times four (12.5 kb/s is 1.5 bits a symbol).
    const fn quarter_bits_per_symbol(self) -> u32 {
        match self {
            Self::Ofdm { option, mcs } => {
                let (bits, repeats, _, rate) = mcs.row();
                option.row().1 * bits * rate / repeats
            }
            Self::Fsk { .. } => 4,
        }
    }
}

/// Bit error rate of 802.15.4's O-QPSK at 2.4 GHz (16 quasi-orthogonal symbols of 32 chips), by the standard's annex on
/// coexistence: 8/15 · 1/16 · Σ (−1)^k·C(16,k)·exp(20·SNR·(1/k − 1)). For comparison with ns-3 only.
#[must_use]
pub fn oqpsk_ber(snr_db: f64) -> f64 {
    let snr = libm::pow(10.0, snr_db / 10.0);
    let mut choose = 1.0;
    let mut sum = 0.0;
    for k in 1..=16_u32 {
        choose *= f64::from(17 - k) / f64::from(k);
        if k >= 2 {
            let sign = if k % 2 == 0 { 1.0 } else { -1.0 };
            sum += sign * choose * libm::exp(20.0 * snr * (1.0 / f64::from(k) - 1.0));
        }
    }
    (8.0 / 15.0 / 16.0 * sum).clamp(tail(40.0), 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rates as the facts' table has them (wisun-br-linux).
    #[test]
    fn ofdm_rates_are_the_table() {
        let option1 = [100, 200, 400, 800, 1200, 1600, 2400, 3600];
        for (i, option) in OfdmOption::ALL.into_iter().enumerate() {
            for (number, kbps) in (0..8).zip(option1) {
                let phy = Phy::Ofdm { option, mcs: Mcs::new(number).unwrap() };
                assert_eq!(phy.data_rate_bps(), (kbps * 1000) >> i, "{phy:?}");
                assert_eq!(phy.mode_id(), 0x20 + 0x10 * u8::try_from(i).unwrap() + number);
            }
        }
        assert_eq!(Mcs::new(8), None);
        assert_eq!(OfdmOption::Option2.wisun_mcs(), 3..=6);
    }

    #[test]
    fn fsk_modes_are_the_table_and_fit_the_standards_channels() {
        let found: Vec<_> = FskMode::ALL
            .into_iter()
            .map(|mode| Phy::Fsk { mode, fec: false })
            .map(|p| (p.mode_id(), p.data_rate_bps() / 1000, p.channel_spacing_hz() / 1000))
            .collect();
        let wanted = [
            (1, 50, 100),
            (2, 50, 200),
            (3, 100, 200),
            (4, 100, 400),
            (5, 150, 400),
            (6, 200, 400),
            (7, 200, 800),
            (8, 300, 800),
        ];
        assert_eq!(found, wanted);
        let coded = Phy::Fsk { mode: FskMode::M2a, fec: true };
        assert_eq!((coded.mode_id(), coded.data_rate_bps()), (0x13, 50_000));
    }

    #[test]
    fn time_on_the_air() {
        // 8 + 2 + 2 + 250 octets at 50 kb/s.
        assert_eq!(Phy::default().airtime_us(250), 262 * 160);
        let fast = Phy::Ofdm { option: OfdmOption::Option1, mcs: Mcs::new(3).unwrap() };
        // 2006 bits in symbols of 96: 21 of them, and 9 in front.
        assert_eq!(fast.airtime_us(250), (21 + 9) * 120);
        let coded = Phy::Fsk { mode: FskMode::M1b, fec: true };
        assert!(coded.airtime_us(250) > 2 * 250 * 160);
    }

    /// Figure: sensitivity with a noise figure of 7 dB and 4 dB of implementation loss. Bound: not worse than what the
    /// standard demands, at most 20 dB better. Source: 802.15.4g as the facts have it.
    #[test]
    fn sensitivity_meets_the_standard_and_coding_buys_decibels() {
        for mode in FskMode::ALL {
            let plain = Phy::Fsk { mode, fec: false };
            let coded = Phy::Fsk { mode, fec: true };
            let (found, demanded) = (plain.sensitivity_dbm(7.0, 4.0), plain.demanded_sensitivity_dbm().unwrap());
            assert!(found < demanded && found > demanded - 20.0, "{mode:?}: {found} {demanded}");
            let gain = found - coded.sensitivity_dbm(7.0, 4.0);
            assert!((3.0..7.0).contains(&gain), "{mode:?}: coding buys {gain} dB");
        }
        let by_mcs: Vec<f64> = (0..8)
            .map(|n| Phy::Ofdm { option: OfdmOption::Option4, mcs: Mcs::new(n).unwrap() }.sensitivity_dbm(7.0, 4.0))
            .collect();
        assert!(by_mcs.windows(2).all(|w| w[0] < w[1]), "{by_mcs:?}");
    }

    #[test]
    fn oqpsk_meets_ns3() {
        // ns-3's error model, 160 bits at −1 dB: 0.1680115174; 0 dB: 0.02551519967.
        for (snr_db, per) in [(-1.0, 0.168_011_517_4), (0.0, 0.025_515_199_67)] {
            let found = packet_error(oqpsk_ber(snr_db), 20);
            assert!((found - per).abs() < 1e-8, "{found} {per}");
        }
    }
}
