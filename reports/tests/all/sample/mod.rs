//! A synthetic run on real footprints: Jija's 318 roofs (© OpenStreetMap contributors, ODbL 1.0), invented hours.
//!
//! Not a simulation: enough physics that the figures look like a village, and every table filled, so that the report
//! can be tested and looked at without running one.

mod run;
mod study;
mod village;

pub(crate) use run::result;
pub(crate) use study::{about, study};
pub(crate) use village::{scenario, scenario_of};

/// A small counter-based generator: the sample must not change between runs.
pub(crate) fn draw(key: u64) -> f64 {
    let mut x = key.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0xD1B5_4A32_D192_ED03);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}
