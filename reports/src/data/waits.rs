//! How long money waits: by way of paying, by stage, over time.

use serde::{Deserialize, Serialize};

use super::Listing;

/// Upper bounds of the bins of a delay curve, seconds; evenly spread to the eye on a logarithmic axis.
pub const CURVE_BOUNDS_S: [u64; 18] = [
    1,
    3,
    10,
    30,
    60,
    120,
    300,
    900,
    1800,
    3600,
    2 * 3600,
    4 * 3600,
    8 * 3600,
    16 * 3600,
    24 * 3600,
    48 * 3600,
    96 * 3600,
    168 * 3600,
];

/// Payments of one way of paying, from acceptance to their effect at the meter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DelayCurve {
    /// The way, in words.
    pub channel: String,
    /// Accepted payments.
    pub accepted: u32,
    /// Of these, in effect within each of [`CURVE_BOUNDS_S`]: never falls.
    pub within: Vec<u32>,
    /// Half of those in effect were faster, s.
    pub p50_s: Option<f64>,
    /// All but one in twenty of those in effect were faster, s.
    pub p95_s: Option<f64>,
}

/// A part of the way of the money.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageWait {
    /// What is waited for, in words.
    pub words: String,
    /// Payments that passed it.
    pub passed: u32,
    /// Payments that were in it when the run ended.
    pub inside: u32,
    /// Mean wait of those that passed, s.
    pub mean_s: f64,
    /// Half of those that passed were faster, s.
    pub p50_s: f64,
    /// All but one in twenty of those that passed were faster, s.
    pub p95_s: f64,
    /// The longest wait, unfinished ones included, s.
    pub max_s: f64,
}

/// Mean number of payments waiting per bin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WaitSeries {
    /// Length of a bin, ms.
    pub step_ms: u64,
    /// Wished for and not accepted.
    pub blocked: Vec<f64>,
    /// Accepted and not in effect.
    pub stuck: Vec<f64>,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Waits {
    /// One per way of paying that was used.
    pub curves: Vec<DelayCurve>,
    /// The stages in order of the way.
    pub stages: Vec<StageWait>,
    /// Waiting payments over time.
    pub series: WaitSeries,
    /// Who waited longest.
    pub slowest: Listing,
}

/// Numbers for a keypad, over the payments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// How the number came, in words, and how many of them.
    pub by: Vec<(String, u32)>,
    /// Text messages sent with a number.
    pub texts: u32,
    /// Entries at keypads, wrong ones included.
    pub entries: u32,
    /// Payments whose number was typed in at least once.
    pub typed: u32,
}
