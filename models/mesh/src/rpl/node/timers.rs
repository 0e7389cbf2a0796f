//! A node's timers, Trickle apart: a small table, one deadline for the driver.

use serde::{Deserialize, Serialize};

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// When to ask around for a DODAG.
    Dis,
    /// When to send the DAO that is due (DelayDAO).
    DaoDelay,
    /// When a change beside the preferred parent has lasted long enough to be told.
    Alternates,
    /// When a DAO-ACK is overdue.
    DaoAck,
    /// When routes must be told again before they expire.
    DaoRefresh,
    /// When poisoning has lasted long enough.
    PoisonEnd,
    /// When to look for silent neighbours and expired routes.
    Sweep,
}

impl Timer {
    pub(super) const ALL: [Self; 7] =
        [Self::Dis, Self::DaoDelay, Self::DaoAck, Self::DaoRefresh, Self::PoisonEnd, Self::Sweep, Self::Alternates];
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Timers([Option<u64>; 7]);

impl Timers {
    const fn slot(&mut self, timer: Timer) -> &mut Option<u64> {
        &mut self.0[timer as usize]
    }

    pub(super) const fn set(&mut self, timer: Timer, at_ns: u64) {
        *self.slot(timer) = Some(at_ns);
    }

    /// Sets the timer unless it already runs.
    pub(super) const fn arm(&mut self, timer: Timer, at_ns: u64) {
        let slot = self.slot(timer);
        if slot.is_none() {
            *slot = Some(at_ns);
        }
    }

    pub(super) const fn clear(&mut self, timer: Timer) {
        *self.slot(timer) = None;
    }

    pub(super) fn deadline_ns(&self) -> Option<u64> {
        self.0.iter().flatten().min().copied()
    }

    /// When a timer is due.
    pub(super) const fn at(&self, timer: Timer) -> Option<u64> {
        self.0[timer as usize]
    }

    /// Clears a timer that is due; true when it was.
    pub(super) fn take_due(&mut self, timer: Timer, now_ns: u64) -> bool {
        let slot = self.slot(timer);
        let due = slot.is_some_and(|at_ns| at_ns <= now_ns);
        if due {
            *slot = None;
        }
        due
    }
}
