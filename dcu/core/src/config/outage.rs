//! Where every meter hangs, and how outages are judged.

use serde::{Deserialize, Serialize};
use taa_gasp::Guid;
use taa_keys::Key;

use crate::MeterIx;

/// The network as the operator knows it, and the rules of correlation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutageConfig {
    /// All devices above the services, in any order.
    pub devices: Vec<Device>,
    /// What hangs on the same poles in several phases: a broken pole takes all of it along. May be empty.
    pub spans: Vec<Span>,
    /// The meters, by [`crate::MeterIx`]. One that is missing here sends nothing that is believed.
    pub meters: Vec<OutageMeter>,
    /// From the first sign of an outage to the judgement, ms (the documents: 2 s).
    pub window_ms: u32,
    /// Of the gasps of dark meters so many are expected to arrive, percent (1 to 99).
    pub delivered_percent: u8,
    /// A meter's clock may be off by so much before 0x092 is told, ms.
    pub clock_window_ms: u32,
    /// A packet whose time is off by more than this proves nothing by itself, s: somebody may have kept it back.
    pub stale_s: u32,
    /// A gasp so soon after an answer, or an answer so soon after a gasp, may have overtaken it, ms.
    pub race_ms: u32,
    /// Meters pinged at once.
    pub pings_max: usize,
    /// What belongs together is still brought together for so long after a ticket was opened or has changed, s.
    pub merge_s: u32,
    /// Of every open ticket one dark meter is pinged this often, s.
    pub recheck_s: u32,
    /// What an ammeter must show for current to flow, mA: below it is what instrument and leakage make (arbitrary).
    pub current_min_ma: u32,
}

impl OutageConfig {
    /// The rules as the documents have them; without a network.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            devices: Vec::new(),
            spans: Vec::new(),
            meters: Vec::new(),
            window_ms: 2000,
            delivered_percent: 50,
            clock_window_ms: 500,
            stale_s: 600,
            race_ms: 3000,
            pings_max: 4,
            merge_s: 300,
            recheck_s: 300,
            current_min_ma: 100,
        }
    }
}

impl Default for OutageConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// A device that takes everything behind it along when it fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name in the scenario, once.
    pub id: String,
    /// What it is.
    pub kind: DeviceKind,
    /// What feeds it; `None` for the first.
    pub parent: Option<String>,
}

/// What a device is, from the source down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// The site's inverter.
    Inverter,
    /// A feeder, with its breaker.
    Feeder,
    /// A transformer.
    Transformer,
    /// One phase of it.
    Phase,
    /// A stretch of line between poles.
    Section,
}

/// A stretch of line with the wires of several phases: what fails together, though no device feeds just that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its name in the scenario, once.
    pub id: String,
    /// The devices that fail with it, none behind another.
    pub devices: Vec<String>,
    /// The meters that are fed through it and lie behind none of these.
    pub meters: Vec<MeterIx>,
}

/// What must be known of a meter to believe its packets and to place it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutageMeter {
    /// As it stands on the meter.
    pub guid: Guid,
    /// Of this meter alone: [`taa_gasp::meter_key`].
    pub key: Key,
    /// Of its commissioning.
    pub epoch: u16,
    /// The device that feeds its service line, where anybody knows.
    pub parent: Option<String>,
}
