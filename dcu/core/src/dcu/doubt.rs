//! A journal with a gap: what the DCU leaves undone until somebody has looked.
//!
//! ```text
//!   store: records missing that nobody can tell again ─▶ doubt_journal ─▶ JournalDoubted ─┬─ no relay opens for debt
//!                                                                                         ├─ no token is sold
//!   operator: set right ─▶ end_doubt ─▶ DoubtEnded ─▶ all goes on                         └─ another system title
//! ```
//!
//! Readings and payments are taken meanwhile, and relays are closed. A token whose sale was lost would be sold again for the
//! same money; a customer whose payment was lost would be cut off for it; a counter used again gives a key stream away.

use super::Dcu;
use crate::{journal::Entry, relay::Held};

impl Dcu {
    /// The store has found that records `from..=to` are missing (`None`: nobody knows how far they went) and may concern
    /// money, relays or keys; or that the journal was rolled back. To be called right after [`Self::recover`], before
    /// [`Self::handle_entropy`]. In doubt already, nothing more is recorded.
    pub fn doubt_journal(&mut self, now: u64, from: u64, to: Option<u64>) {
        self.begin(now);
        if !self.state.is_in_doubt() {
            self.record(now, Entry::JournalDoubted { from, to });
        }
    }

    /// An operator has set right what hung on the missing records: relays and tokens go on.
    pub fn end_doubt(&mut self, now: u64) {
        self.begin(now);
        if self.state.is_in_doubt() {
            self.record(now, Entry::DoubtEnded);
            self.requeue_held(|why| why == Held::Doubt);
            self.vending.retry_at = Some(now);
        }
        self.run(now);
    }
}
