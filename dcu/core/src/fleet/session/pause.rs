//! Business that gives way between two frames.

use super::{Gate, Session};

impl Session {
    /// The frame polled last leaves only now: the time for its answer begins.
    pub(crate) fn transmitted(&mut self, now: u64) {
        self.now = now;
        if let Gate::Open(client) = &mut self.gate {
            client.handle_transmitted(now);
        }
    }

    /// What is under way can be dropped at no cost. While an association is being opened it is better finished:
    /// whatever comes next needs it too.
    pub(crate) fn can_give_way(&self) -> bool {
        matches!(&self.gate, Gate::Open(client) if client.is_associated())
    }

    /// Drops what is under way, or tells after a failure: rows of the load profile that have come (Unix second, Wh).
    /// None unless they are in the order of time: only then is it certain what is missing.
    pub(crate) fn give_up(&mut self) -> Vec<(i64, u64)> {
        self.exchange = None;
        self.next = None;
        self.outcome = None;
        self.interrupt_image();
        let Gate::Open(client) = &mut self.gate else { return Vec::new() };
        let Some(rows) = client.interrupt() else { return Vec::new() };
        let rows = self.view.own.as_ref().and_then(|own| own.rows(&rows)).unwrap_or_default();
        if rows.is_sorted_by(|(a, _), (b, _)| a < b) { rows } else { Vec::new() }
    }
}
