//! What one look at a meter yields.

use crate::MeterIx;

/// A reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
