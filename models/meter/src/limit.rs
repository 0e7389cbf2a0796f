//! A limit of power, set by a token of class 2: above it the relay opens, and closes again after a pause.

use taa_dlms::cosem::DisconnectControl;

use crate::RelayWhy;
use crate::state::State;

/// Time until the relay closes again after too much power (assumed).
const PAUSE_NS: u64 = 300_000_000_000;
const MW_PER_W: i64 = 1000;

/// The limit, and the pause after it was passed. Both outlive a power cut.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limit {
    watts: Option<u32>,
    until_ns: Option<u64>,
}

impl Limit {
    pub(crate) const fn watts(&self) -> Option<u32> {
        self.watts
    }

    pub(crate) const fn set(&mut self, watts: u32) {
        self.watts = Some(watts);
    }

    /// The relay is open because of it.
    pub(crate) const fn pauses(&self) -> bool {
        self.until_ns.is_some()
    }

    /// `u64::MAX` without a pause.
    pub(crate) const fn pause_ends_ns(&self) -> u64 {
        match self.until_ns {
            Some(at) => at,
            None => u64::MAX,
        }
    }

    fn is_passed_by(&self, load_mw: i64) -> bool {
        self.watts.is_some_and(|watts| load_mw > i64::from(watts) * MW_PER_W)
    }
}

impl State {
    /// Opens when more is drawn than allowed.
    pub(crate) fn mind_limit(&mut self, now: u64) {
        if self.lit() && self.limit.is_passed_by(self.load_mw) {
            self.limit.until_ns = Some(now.saturating_add(PAUSE_NS));
            self.move_relay(now, RelayWhy::Limit, |relay| _ = DisconnectControl::local_disconnect(relay));
        }
    }

    /// The pause is over: it closes, and opens at once if still too much is wanted.
    pub(crate) fn end_pause(&mut self, now: u64) {
        self.limit.until_ns = None;
        self.mind_credit(now);
        self.mind_limit(now);
    }

    /// When the pause ends, for a meter that can act then.
    pub(crate) fn limit_deadline(&self) -> Option<u64> {
        self.limit.until_ns.filter(|_| self.powered())
    }
}
