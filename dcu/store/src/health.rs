//! How the store is, and when it tries again.

use crate::{config::StoreConfig, error::Trouble};

/// How the store is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// Commits succeed.
    #[default]
    Good,
    /// The disk refuses. Everything appended stays in RAM, nothing is acknowledged; the store tries again at
    /// [`crate::Store::due`], with growing waits, for ever.
    Failing {
        /// Why it refused last.
        trouble: Trouble,
        /// Since when, ms.
        since_ms: u64,
        /// Commits refused in a row.
        attempts: u32,
        /// When it tries again, ms.
        retry_at_ms: u64,
    },
    /// The store takes nothing any more. Drop the DCU and open the store anew: what was not acknowledged is as if it had
    /// never been.
    Stopped(Trouble),
}

impl Health {
    /// After a commit that was refused.
    pub(crate) fn after(self, trouble: Trouble, now_ms: u64, config: &StoreConfig) -> Self {
        if trouble == Trouble::Damaged {
            return Self::Stopped(trouble);
        }
        let (since_ms, attempts) = match self {
            Self::Failing { since_ms, attempts, .. } => (since_ms, attempts.saturating_add(1)),
            Self::Good | Self::Stopped(_) => (now_ms, 1),
        };
        let doublings = attempts.saturating_sub(1).min(20);
        let wait = config.retry_ms_min.saturating_mul(1 << doublings).min(config.retry_ms_max);
        Self::Failing { trouble, since_ms, attempts, retry_at_ms: now_ms.saturating_add(wait) }
    }

    /// When a commit is due that the buffer wants at `wanted_ms`.
    pub(crate) fn due(self, wanted_ms: Option<u64>, now_ms: u64) -> Option<u64> {
        match self {
            Self::Good => wanted_ms.map(|at| at.max(now_ms)),
            Self::Failing { retry_at_ms, .. } => wanted_ms.map(|_| retry_at_ms.max(now_ms)),
            Self::Stopped(_) => None,
        }
    }
}
