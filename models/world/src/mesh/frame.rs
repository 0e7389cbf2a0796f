//! What only a mesh frame by frame has: `[comms.mesh.frame]`, the remedies and habits whose worth is measured against defaults.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::param::{Checks, ParamError};

/// What routing may choose. RFC 6550 knows no "deterministic mode"; these are what can be meant by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pinned {
    /// All of it, by the parameters that the root announces.
    #[default]
    Nothing,
    /// Its Rank may rise by four hops at most (`DAGMaxRankIncrease`, RFC 6550 6.7.6): who has no way down to there gives up.
    Parameters,
    /// Its parents: up to three that were fewer hops from the root when the mesh had settled, with power everywhere.
    Parents,
}

/// What the border router knows of its DODAG's version after a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RootVersion {
    /// It is in its flash, and the next one is used.
    #[default]
    Kept,
    /// Nothing: it begins with the first, which the mesh has too.
    Forgotten,
    /// Nothing, and the mesh has a later one, because the root had repaired it (global repair) before the run.
    Behind,
}

/// What only a mesh frame by frame has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FrameParams {
    /// What routing may not choose.
    pub pinned: Pinned,
    /// What the border router knows of its DODAG's version after a restart. Published: an open border router keeps it.
    pub root_version: RootVersion,
    /// Once all retries of a frame are gone, so often all of them again on the receiver's next channel. Published: 4 after 3
    /// retries in an open stack, none after 7 in an open radio co-processor.
    pub channel_retries: u8,
    /// The longest exchange of several frames with one neighbour in a row (EDFE), milliseconds; 0: none. Also none where time
    /// on the air is limited.
    pub exchange_ms: u16,
}

impl FrameParams {
    /// Whether nothing differs from what is left out: then a scenario need not say so.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        Checks::default()
            .demand(self.channel_retries <= 10, "channel_retries", self.channel_retries, "0 to 10")
            .demand(self.exchange_ms <= 5000, "exchange_ms", self.exchange_ms, "0 to 5000 ms")
            .done()
    }
}
