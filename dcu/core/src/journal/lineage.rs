//! Whether this journal is the one that the cloud knows.
//!
//! ```text
//!   Boot ─▶ since: all before this boot  ── cloud heard ─▶ Witnessed ─▶ since: nothing; it may be told how far we are
//!    └── boots while nobody can be asked leave `since` where it is
//! ```
//!
//! The cloud is told of a record only after a [`super::Entry::Witnessed`] of the same boot, so at the latest with its own
//! number it knows that the journal had come past that record. Hence whatever the cloud knows of an honest disk lies at or
//! before `since`: what lies behind it was durable once, and is gone, however far the journal has grown anew meanwhile.

use serde::{Deserialize, Serialize};

/// What the journal remembers of its witness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    epoch: u32,
    since: Option<u64>,
}

impl Lineage {
    /// How often the site has been found rolled back.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Nobody has been heard since this record: the cloud knows of no later one, unless the journal was put back.
    #[must_use]
    pub const fn since(&self) -> Option<u64> {
        self.since
    }

    /// The record with this number begins a boot.
    pub(super) fn boot(&mut self, number: u64) {
        self.since.get_or_insert(number.saturating_sub(1));
    }

    pub(super) fn heard(&mut self, epoch: u32) {
        *self = Self { epoch, since: None };
    }
}
