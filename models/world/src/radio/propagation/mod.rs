//! Path loss by the standards, one recommendation a file: what a link would lose with nothing but geometry known.
//!
//! | file | answers | source |
//! |---|---|---|
//! | [`two_ray`] | direct ray and one ground reflection | Fresnel; breakpoint 4π·h₁·h₂/λ |
//! | [`hata`] | a tall base station over a town, suburb or fields, 1–20 km | Okumura-Hata, COST 231-Hata |
//! | [`p1411`] | low antennas over tens to hundreds of metres | ITU-R P.1411 §4.1.1, §4.1 UHF LoS, §4.3.1 |
//! | [`over_roofs`] | a mast above the roofs, the other end between them | P.1411 §4.2.2 (COST 231 Walfisch-Ikegami) |
//! | [`diffraction`] | hills and houses as knife edges, one or several | ITU-R P.526 §4.1, §4.5 |
//! | [`slab`] | a wall or roof of a known material and thickness | ITU-R P.2040 table 3, single slab |
//! | [`entry`] | a building of which only the class is known | ITU-R P.2109 |
//!
//! Distances are 3-D and in metres unless a name says otherwise, frequencies in hertz, losses in positive decibels.
//! A recommendation's domain is a question of its own (`in_domain`): outside it the formula is still evaluated, because
//! villages (antennas at 2–6 m, links of 20–500 m) lie outside most of them; the caller decides what that is worth.

mod complex;
pub mod diffraction;
pub mod entry;
pub mod hata;
pub mod over_roofs;
pub mod p1411;
pub mod slab;
pub mod two_ray;

/// Speed of light, m/s.
pub const LIGHT_M_PER_S: f64 = 299_792_458.0;

/// Wavelength in metres.
#[must_use]
pub fn wavelength_m(frequency_hz: f64) -> f64 {
    LIGHT_M_PER_S / frequency_hz
}

/// Sum of powers given in decibels.
#[must_use]
pub fn power_sum_db(parts_db: impl IntoIterator<Item = f64>) -> f64 {
    10.0 * libm::log10(parts_db.into_iter().map(|db| libm::pow(10.0, db / 10.0)).sum())
}
