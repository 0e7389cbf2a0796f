//! Bit and packet errors of 2-FSK, with and without fading.

use super::RadioParams;
use crate::draw::normal_quantile;

/// Bit error rate of non-coherent orthogonal 2-FSK (modulation index 1), ½·exp(−Eb/2N₀) (Proakis, 5-4-47).
#[must_use]
pub fn fsk_ber(ebn0_db: f64) -> f64 {
    0.5 * libm::exp(-0.5 * libm::pow(10.0, ebn0_db / 10.0))
}

/// Packet error rate of `octets` at this bit error rate, independent bits.
#[must_use]
pub fn packet_error(ber: f64, octets: usize) -> f64 {
    -libm::expm1(8.0 * octets as f64 * libm::log1p(-ber.min(1.0 - 1e-15)))
}

/// Packet error rate of a frame of `bytes` at this mean signal-to-noise ratio, 0–1: FSK averaged over fading (the
/// middles of 32 equal shares of the normal distribution), with the receiver's implementation loss, sensitivity and
/// the loss floor. Costs about 2 µs: tabulate it on hot paths, as [`crate::mesh::Topology`] does.
#[must_use]
pub fn per(params: &RadioParams, snr_db: f64, bytes: usize) -> f64 {
    const SHARES: u32 = 32;
    if snr_db + params.noise_floor_dbm() < params.sensitivity_dbm {
        return 1.0;
    }
    let spread_db = 10.0 * libm::log10(params.bandwidth_khz / params.data_rate_kbps);
    let ebn0_db = snr_db + spread_db - params.implementation_loss_db;
    let faded: f64 = (0..SHARES)
        .map(|i| normal_quantile((f64::from(i) + 0.5) / f64::from(SHARES)) * params.fading_sigma_db)
        .map(|fade_db| packet_error(fsk_ber(ebn0_db + fade_db), bytes))
        .sum();
    1.0 - (1.0 - faded / f64::from(SHARES)) * (1.0 - params.frame_loss_floor)
}
