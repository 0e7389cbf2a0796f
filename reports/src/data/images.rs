//! A firmware update as a story in figures.

use serde::{Deserialize, Serialize};

/// What became of an order for a new image.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ImageFigures {
    /// What the image is called.
    pub identifier: String,
    /// Its size, kB.
    pub image_kb: u32,
    /// When it was ordered.
    pub from_ms: u64,
    /// Length of the curves, whole hours.
    pub span_ms: u64,
    /// Meters that it was ordered for.
    pub meters: u32,
    /// Of them, those that run it at the end.
    pub activated: u32,
    /// Of them, those that the data concentrator has given up.
    pub failed: u32,
    /// Blocks that meters have taken, repeats included.
    pub blocks_sent: u64,
    /// Share of all blocks that had arrived, at even steps from the order on, 0–1.
    pub blocks: Vec<f64>,
    /// Share of the meters that ran the image, at the same steps.
    pub done: Vec<f64>,
    /// Share of the readings due in each hour that the data concentrator holds at the end of the run.
    pub readings: Vec<f64>,
}
