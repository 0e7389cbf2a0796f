//! Many runs of one village under chosen changes, and what they say with which certainty.
//!
//! ```text
//!  Scenario ─▶ draws 0…N ─┬▶ the architectures            ─▶ spreads (p10 / p50 / p90) and intervals
//!                         ├▶ one trait changed at a time  ─▶ ablation
//!                         ├▶ one purchase at a time       ─▶ remedies: gain and price
//!                         └▶ one assumption at a time     ─▶ sensitivity of the verdict
//! ```
//!
//! Every comparison is paired: both sides meet the same world, draw by draw. Nothing here draws a figure or writes a
//! file; `reports` shows a [`study::Study`].

pub mod ablation;
pub mod claims;
pub mod engine;
pub mod knob;
pub mod media;
pub mod place;
pub mod plan;
pub mod planning;
pub mod reach;
pub mod remedies;
pub mod sensitivity;
pub mod stats;
pub mod study;
pub mod weather;

#[cfg(test)]
mod testing;
