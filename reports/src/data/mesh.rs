//! The mesh as the page, the terminal and the replay see it.

use serde::{Deserialize, Serialize};

/// Parent of a node in a [`Chapter`]: the data concentrator.
pub const TO_DCU: i32 = -1;
/// Parent of a node in a [`Chapter`]: none.
pub const TO_NOBODY: i32 = -2;
/// Upper bounds of a link's expected transmissions: good, fair, weak; beyond is poor.
pub const ETX_BOUNDS: [f64; 3] = [1.25, 1.7, 2.5];
/// What the classes between [`ETX_BOUNDS`] are called.
pub const LINK_WORDS: [&str; 4] = ["good", "fair", "weak", "poor"];

/// One architecture's mesh.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MeshFigures {
    /// It was looked at frame by frame.
    pub frame: bool,
    /// Meters.
    pub meters: u32,
    /// Meter-milliseconds with a way, by hops: the first for one hop.
    pub hops_ms: Vec<u64>,
    /// Meter-milliseconds on the way into the mesh.
    pub joining_ms: u64,
    /// Meter-milliseconds without power.
    pub dark_ms: u64,
    /// Meter-milliseconds of meters that serve and whose parents lead in a circle, or to one that has none.
    pub astray_ms: u64,
    /// Who was cut off, by reason, most first.
    pub isolated: Vec<IsolatedRow>,
    /// The tree over time.
    pub curve: TreeCurve,
    /// Links of the tree at the start, by class of [`LINK_WORDS`].
    pub links_used: [u32; 4],
    /// The other links that could be used.
    pub links_spare: [u32; 4],
    /// Received power of the links of the tree: the weakest, the median, dBm.
    pub rssi_dbm: Option<[f64; 2]>,
    /// What was on the air, most first.
    pub air: Vec<AirUse>,
    /// By frames: each channel's share of the run's time on the air, 0–1.
    pub channels: Vec<(u16, f64)>,
    /// By frames: who sent longest, and its share of the run's time.
    pub busiest: Option<(String, f64)>,
    /// Moments to replay.
    pub chapters: Vec<Chapter>,
    /// The tree was written down until then only.
    pub until_ms: Option<u64>,
}

/// Meters cut off for one reason.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IsolatedRow {
    /// As in the tables.
    pub key: String,
    /// In words.
    pub words: String,
    /// Together, ms.
    pub node_ms: u64,
    /// How many meters.
    pub meters: u32,
    /// Longest of one meter without a break, ms.
    pub longest_ms: u64,
    /// Whose that was.
    pub whose: String,
}

/// The tree over time, in bins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TreeCurve {
    /// Length of a bin, ms.
    pub step_ms: u64,
    /// Meters with a way, mean over the bin.
    pub in_tree: Vec<f64>,
    /// On the way into the mesh.
    pub joining: Vec<f64>,
    /// Cut off.
    pub isolated: Vec<f64>,
    /// Without power.
    pub dark: Vec<f64>,
    /// Hops, mean over meters with a way.
    pub hops_mean: Vec<f64>,
    /// Most hops at any time in the bin.
    pub hops_max: Vec<u32>,
    /// Changes of a parent that led from one to another.
    pub moves: Vec<u32>,
}

/// Frames for one purpose.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AirUse {
    /// As in the tables.
    pub key: String,
    /// In words.
    pub words: String,
    /// How many.
    pub frames: u64,
    /// Time on the air, ms.
    pub airtime_ms: u64,
    /// Percent of one channel's time, by bin of the curve.
    pub percent: Vec<f64>,
}

/// A stretch of time to replay: how the tree stood, and what changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Chapter {
    /// In words.
    pub title: String,
    /// From, ms.
    pub from_ms: u64,
    /// Until, ms.
    pub until_ms: u64,
    /// The lowest point, ms.
    pub low_ms: u64,
    /// At its beginning, by node (meters, then relays): the parent.
    pub parents: Vec<i32>,
    /// Likewise where it stands, a number of `MeshStanding`.
    pub standings: Vec<u8>,
    /// Changes, in order of time: when, ms,
    pub at_ms: Vec<u64>,
    /// who,
    pub nodes: Vec<u32>,
    /// to which parent,
    pub to: Vec<i32>,
    /// and where it stands then.
    pub becomes: Vec<u8>,
}

impl MeshFigures {
    /// Meter-milliseconds cut off.
    #[must_use]
    pub fn isolated_ms(&self) -> u64 {
        self.isolated.iter().map(|row| row.node_ms).sum()
    }

    /// Meter-milliseconds with a way.
    #[must_use]
    pub fn in_tree_ms(&self) -> u64 {
        self.hops_ms.iter().sum()
    }
}
