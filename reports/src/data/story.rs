//! Darkness told: the longest spells with the chain that led to each, and whom a cause hits and when.

use serde::{Deserialize, Serialize};

/// One darkness that several customers shared: same main chain, overlapping in time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Story {
    /// When the first of them lost the light, ms of the run.
    pub from_ms: u64,
    /// When the last of them had it back, ms of the run.
    pub until_ms: u64,
    /// The longest of their spells, ms.
    pub longest_ms: u64,
    /// The middle one of their spells, ms.
    pub median_ms: u64,
    /// How many of them.
    pub customers: u32,
    /// The customer's id, where it is only one.
    pub name: Option<String>,
    /// The feeder, where all of them hang on one of several.
    pub feeder: Option<String>,
    /// Lost time over all of them, customer-ms.
    pub lost_ms: u64,
    /// What the longest spell was made of, in order of time; the longest parts only.
    pub phases: Vec<Phase>,
    /// The run ended before the longest spell did.
    pub open_end: bool,
}

/// A part of a darkness with one class and one chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Length, ms.
    pub ms: u64,
    /// Class, as in the order of `DownClass::ALL`.
    pub class: u8,
    /// The chain as clauses, nearest cause first: `the relay was open`, `the backhaul was down`.
    pub because: Vec<String>,
}

/// Whom a root cause hits, and when.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// Customers that lost time to it.
    pub customers: u32,
    /// The longest unbroken spell with this root, ms.
    pub longest_ms: u64,
    /// Lost ms by the quarter of the local day: night (0–6 h), morning, afternoon, evening (18–24 h).
    pub by_quarter_ms: [u64; 4],
    /// First and last day (of the run, from 0) of the shortest stretch of days that holds half of it.
    pub half_within_days: [u32; 2],
}
