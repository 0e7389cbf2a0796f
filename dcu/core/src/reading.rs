//! What one look at a meter yields.

use crate::MeterIx;
use serde::{Deserialize, Serialize};

/// A reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Which meter.
    pub meter: MeterIx,
    /// Which reading period it stands for: Unix seconds of the period's start divided by the period.
    pub period: u32,
    /// When the DCU got it (live) or the instant of the profile row (back-filled), Unix seconds.
    pub at_unix_s: u32,
    /// Counts the live readings of this meter from 1; 0 marks a back-filled row, which is never billed.
    pub sequence: u32,
    /// Active energy import, Wh.
    pub register_wh: u64,
    /// The relay was closed; `None` in back-filled rows.
    pub relay_closed: Option<bool>,
    /// Credit left in the meter, minor units, where the meter keeps it.
    pub credit_minor: Option<i64>,
}

impl Reading {
    /// Read from the load profile after the fact.
    #[must_use]
    pub const fn is_backfilled(&self) -> bool {
        self.sequence == 0
    }
}

/// What a meter lacks that its architecture needs: it is neither billed nor switched, and
/// [`crate::uplink::AlarmCode::Unsuitable`] is raised once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lack {
    /// It has no readable logical device name (Data 0.0.42.0.0.255), so nobody can tell whose meter it is.
    Name,
    /// It has no readable register of energy imported (1.b.1.8.0.255) nor of absolute energy (1.b.15.8.0.255), with its
    /// scaler.
    Energy,
    /// Its energy register does not count in Wh, or does not tell, or by a scaler beyond reason.
    EnergyUnit,
    /// It has no disconnect control (class 70) with readable output state and both remote methods, and the DCU or the
    /// cloud is to switch it.
    Relay,
    /// It lacks one of the objects of the credit kept in it (0.0.19.10.0–2.255, 0.0.19.20.0–1.255).
    Credit,
    /// It has no token gateway (class 115) that may be called and asked, and a token was to be entered through it. The
    /// meter is read, billed and switched nevertheless.
    TokenGateway,
}
