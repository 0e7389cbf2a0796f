//! Safe mode: the store has said that records are missing which nobody can tell again, or that the journal was rolled back.
//!
//! Balances, relays and counters may then be older than what was promised. Until somebody has set right what hung on the
//! damage the DCU goes on reading, taking payments and closing relays for credit, and does nothing that could wrong a
//! customer or repeat a secret: it opens no relay, issues no token, and speaks to meters under another system title,
//! because invocation counters under the old one may have been used.

use super::Dcu;
use crate::uplink::AlarmCode;

impl Dcu {
    /// The journal that this DCU was recovered from is not to be trusted in full (`taa_store::Mode::Safe`). Call it at the
    /// start of every boot for which that holds, **before** [`Self::handle_entropy`]; the next boot without it goes on as
    /// always.
    pub fn handle_damage(&mut self, now: u64) {
        self.begin(now);
        if !self.doubt {
            self.doubt = true;
            self.alarm(now, None, AlarmCode::RecordsLost);
            // Orders for debt that have not left yet are taken back.
            self.reconsider_all(now);
        }
        self.send(now);
    }

    /// Records are missing: no relay is opened, no token issued.
    #[must_use]
    pub const fn is_in_doubt(&self) -> bool {
        self.doubt
    }
}
