//! A LoRa frame: its time on the air, exact, and whether it is heard.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::radio::{noise_floor_dbm, phy::coding::tail};

/// Spreading factor: bits a symbol, 7–12.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u8", into = "u8")]
pub struct SpreadingFactor(u8);

impl SpreadingFactor {
    /// All of them, fastest first.
    pub const ALL: [Self; 6] = [Self(7), Self(8), Self(9), Self(10), Self(11), Self(12)];

    /// The factor of that number, 7–12.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if 7 <= number && number <= 12 { Some(Self(number)) } else { None }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Signal-to-noise ratio at which a frame is just heard, dB: −7.5 for 7, 2.5 dB less for each more (Semtech SX1276
    /// data sheet, table of the demodulator).
    #[must_use]
    pub fn demodulator_floor_db(self) -> f64 {
        -7.5 - 2.5 * f64::from(self.0 - 7)
    }

    /// Most octets of application payload in EU 863–870 without repeaters (LoRaWAN regional parameters).
    #[must_use]
    pub const fn payload_max_octets(self) -> u32 {
        match self.0 {
            7 | 8 => 242,
            9 => 115,
            _ => 51,
        }
    }
}

impl TryFrom<u8> for SpreadingFactor {
    type Error = String;
    fn try_from(number: u8) -> Result<Self, String> {
        Self::new(number).ok_or_else(|| format!("no spreading factor {number}: 7 to 12"))
    }
}

impl From<SpreadingFactor> for u8 {
    fn from(sf: SpreadingFactor) -> Self {
        sf.0
    }
}

/// A LoRa modulation: explicit header, check sequence on, 8 symbols of preamble, as LoRaWAN uplinks have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lora {
    /// Spreading factor.
    pub sf: SpreadingFactor,
    /// Bandwidth, Hz: 125, 250 or 500 kHz.
    pub bandwidth_hz: u32,
    /// Code rate 4/(4 + this), 1–4.
    pub coding: u8,
}

/// LoRaWAN's octets around the application's: header, device address, control, counter, port, integrity code.
pub const FRAME_OVERHEAD_OCTETS: u32 = 13;

impl Lora {
    /// 125 kHz and code rate 4/5, as LoRaWAN has it.
    #[must_use]
    pub const fn lorawan(sf: SpreadingFactor) -> Self {
        Self { sf, bandwidth_hz: 125_000, coding: 1 }
    }

    /// Length of a symbol, µs: 2^SF/BW (whole in all bandwidths).
    #[must_use]
    pub const fn symbol_us(self) -> u64 {
        (1_000_000_u64 << self.sf.0) / self.bandwidth_hz as u64
    }

    /// Whether symbols longer than 16 ms ask for the low-data-rate mode (two bits a symbol less).
    #[must_use]
    pub const fn low_data_rate(self) -> bool {
        self.symbol_us() > 16_000
    }

    /// Symbols of a payload of so many octets (PHY payload), header included, preamble not.
    #[must_use]
    pub fn payload_symbols(self, octets: u32) -> u64 {
        let sf = i64::from(self.sf.0);
        let bits = 8 * i64::from(octets) - 4 * sf + 28 + 16;
        let per_block = 4 * (sf - if self.low_data_rate() { 2 } else { 0 });
        let blocks = u64::try_from(bits.max(0)).unwrap_or(0).div_ceil(per_block.unsigned_abs());
        8 + blocks * (4 + u64::from(self.coding))
    }

    /// Time on the air of a PHY payload of so many octets, µs (Semtech AN1200.13): preamble of 8 + 4¼ symbols and
    /// payload.
    #[must_use]
    pub fn airtime_us(self, octets: u32) -> u64 {
        (4 * 8 + 17 + 4 * self.payload_symbols(octets)) * self.symbol_us() / 4
    }

    /// Weakest signal, dBm.
    #[must_use]
    pub fn sensitivity_dbm(self, noise_figure_db: f64) -> f64 {
        noise_floor_dbm(f64::from(self.bandwidth_hz), noise_figure_db) + self.sf.demodulator_floor_db()
    }

    /// Frame error rate at this signal-to-noise ratio in the bandwidth, ideal receiver: symbols by the approximation of
    /// Elshabrawy and Robert (*Closed-form approximation of LoRa modulation BER performance*, IEEE Comm. Letters 22,
    /// 2018); the code 4/5 finds errors and mends none.
    #[must_use]
    pub fn per(self, snr_db: f64, octets: u32) -> f64 {
        let sf = f64::from(self.sf.0);
        let energy = libm::pow(10.0, snr_db / 10.0) * libm::pow(2.0, sf + 1.0);
        let symbol = tail(libm::sqrt(energy) - libm::sqrt(1.386 * sf + 1.154)).min(1.0 - 1e-12);
        -libm::expm1(self.payload_symbols(octets) as f64 * libm::log1p(-symbol))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(sf: u8) -> Lora {
        Lora::lorawan(SpreadingFactor::new(sf).unwrap())
    }

    /// Figure: 10 octets of application payload. Bound: exact to the tenth of a millisecond. Source: public airtime
    /// calculators (61.7 ms at SF7, 1482.8 ms at SF12).
    #[test]
    fn time_on_the_air() {
        assert_eq!(at(7).airtime_us(23), 61_696);
        assert_eq!(at(12).airtime_us(23), 1_482_752);
        assert!(at(11).low_data_rate() && at(12).low_data_rate() && !at(10).low_data_rate());
        let broad = Lora { bandwidth_hz: 500_000, ..at(12) };
        assert!(!broad.low_data_rate() && broad.symbol_us() == 8192);
        // So short that no block is needed beyond the first eight symbols.
        assert_eq!(at(12).payload_symbols(0), 8);
        assert_eq!(SpreadingFactor::new(6), None);
    }

    /// Figure: ratio at which nine frames of ten with 23 octets arrive. Bound: the data sheet's floor −3 to +0.5 dB (an
    /// ideal receiver is better). Source: SX1276 data sheet.
    #[test]
    fn the_waterfall_stands_at_the_data_sheets_floor() {
        for sf in SpreadingFactor::ALL {
            let lora = Lora::lorawan(sf);
            let edge = (-300..0).map(|t| f64::from(t) / 10.0).find(|snr| lora.per(*snr, 23) < 0.1).unwrap();
            let above = edge - sf.demodulator_floor_db();
            assert!((-3.0..0.5).contains(&above), "SF{}: {above} dB", sf.number());
        }
        // The data sheet: −123 to −136 dBm.
        let range = (at(7).sensitivity_dbm(6.0), at(12).sensitivity_dbm(6.0));
        assert!((range.0 + 123.0).abs() < 2.0 && (range.1 + 136.0).abs() < 2.0, "{range:?}");
    }
}
