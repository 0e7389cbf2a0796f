//! Success of a frame by table: what the inner loop asks instead of exponentials.

use super::Phy;
use crate::radio::packet_error;

/// Success by signal and length for one mode under one fading, with a receiver's loss and its floor of errors.
#[derive(Clone, Debug, PartialEq)]
pub struct PerTable {
    success: Vec<f32>,
}

const FROM_DB: f64 = -15.0;
const STEPS_PER_DB: f64 = 4.0;
/// −15 to 50 dB.
const ROWS: usize = 261;
/// Lengths: octets; between them success is taken on a straight line.
const OCTETS: [u32; 17] = [4, 12, 24, 48, 80, 127, 190, 260, 320, 400, 520, 700, 900, 1150, 1450, 1750, 2047];

impl PerTable {
    /// Builds the table: fading in equal shares of probability, dB ([`crate::radio::fading::FadingParams::shares_db`];
    /// empty for none), loss of the receiver against ideal detection in dB, share of frames lost for other reasons.
    /// Takes some 10 ms.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn new(phy: Phy, fading_db: &[f64], implementation_loss_db: f64, floor: f64) -> Self {
        let still = [0.0];
        let fading_db = if fading_db.is_empty() { &still } else { fading_db };
        let mut success = Vec::with_capacity(ROWS * OCTETS.len());
        for row in 0..ROWS {
            let snr_db = FROM_DB + row as f64 / STEPS_PER_DB - implementation_loss_db;
            let bers: Vec<f64> = fading_db.iter().map(|fade| phy.ber(snr_db + fade)).collect();
            for octets in OCTETS {
                let lost: f64 = bers.iter().map(|ber| packet_error(*ber, octets as usize)).sum();
                success.push(((1.0 - lost / fading_db.len() as f64) * (1.0 - floor)) as f32);
            }
        }
        Self { success }
    }

    /// Share of frames of so many octets that arrive at this mean signal-to-noise ratio, 0–1.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn success(&self, snr_db: f32, octets: u32) -> f32 {
        let x = (f64::from(snr_db) - FROM_DB) * STEPS_PER_DB;
        if x.is_nan() || x < 0.0 {
            return 0.0;
        }
        let row = (x as usize).min(ROWS - 2);
        let part = (x - row as f64).min(1.0) as f32;
        let (column, share) = Self::column(octets);
        let at = |r: usize| {
            let first = r * OCTETS.len() + column;
            self.success[first] * (1.0 - share) + self.success[first + 1] * share
        };
        at(row) * (1.0 - part) + at(row + 1) * part
    }

    fn column(octets: u32) -> (usize, f32) {
        let octets = octets.clamp(OCTETS[0], OCTETS[OCTETS.len() - 1]);
        let column = OCTETS.partition_point(|o| *o <= octets).clamp(1, OCTETS.len() - 1) - 1;
        let (low, high) = (OCTETS[column], OCTETS[column + 1]);
        #[allow(clippy::cast_precision_loss)]
        let share = (octets - low) as f32 / (high - low) as f32;
        (column, share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::radio::fading::FadingParams;

    #[test]
    fn the_table_is_the_formula_to_two_percent() {
        let phy = Phy::default();
        let table = PerTable::new(phy, &[], 4.0, 0.0);
        for tenth in 0..300_u16 {
            let snr_db = f64::from(tenth) / 10.0;
            for octets in [12, 50, 250, 305, 1500] {
                #[allow(clippy::cast_possible_truncation)]
                let found = f64::from(table.success(snr_db as f32, octets));
                let wanted = 1.0 - phy.per(snr_db - 4.0, octets);
                assert!((found - wanted).abs() < 0.02, "{snr_db} dB, {octets} octets: {found} for {wanted}");
            }
        }
        assert!(table.success(-40.0, 10) < 1e-6 && table.success(90.0, 2047) > 0.999_99);
        assert!(table.success(f32::NAN, 10) < 1e-6);
    }

    #[test]
    fn fading_flattens_the_slope() {
        let (still, fading) = (
            PerTable::new(Phy::default(), &[], 0.0, 0.0),
            PerTable::new(Phy::default(), &FadingParams::default().shares_db(), 0.0, 0.0),
        );
        assert!(fading.success(8.0, 250) > still.success(8.0, 250));
        assert!(fading.success(14.0, 250) < still.success(14.0, 250));
    }
}
