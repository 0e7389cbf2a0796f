//! Use that fell into darkness and comes back: what was missed, what returns, what of it was served in the end.
//!
//! ```text
//!   lost time: deferrable load ──▶ missed (this window and the one before) ──▶ light ──▶ returns over some hours ──▶ served
//!                                   older than that: given up                               dark again: missed again
//! ```
//!
//! Every sum is kept twice, in mW·ms: all lost time, and the part missed during `supply_down`. Money for the first is
//! not lost; money for the second is deferred by the plant (for the rest the customer's payment was late itself, and
//! counts there).

use crate::cause::DownClass;

/// A customer's late use; pairs are (all, missed during `supply_down`).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Late {
    /// Load of which the energy could be made up for, mW.
    deferrable_mw: i64,
    /// Load that is made up for right now, mW.
    pub(crate) rate_mw: [i64; 2],
    /// Missed in the half window that goes on, and in the one before it.
    missed: [[i128; 2]; 2],
    /// When the half window that goes on began, ms; 0 before anything was missed.
    began_ms: u64,
    /// Returned and served, mW·ms.
    pub(crate) served: [i128; 2],
    /// Half a window, ms.
    half_ms: u64,
}

/// Until the first return tells the scenario's own: half a day.
const HALF_MS: u64 = 12 * 3_600_000;

impl Late {
    /// Appliances switch.
    pub(crate) fn switch(&mut self, deferrable_mw: i64, late_mw: [i64; 2]) {
        self.deferrable_mw += deferrable_mw;
        self.rate_mw = [self.rate_mw[0] + late_mw[0], self.rate_mw[1] + late_mw[1]];
    }

    /// Lost time has passed.
    pub(crate) fn miss(&mut self, class: DownClass, now_ms: u64, elapsed_ms: u64) {
        let half_ms = if self.half_ms == 0 { HALF_MS } else { self.half_ms };
        if now_ms - self.began_ms >= half_ms {
            // A long quiet time leaves nothing of the half window before.
            self.missed[1] = if now_ms - self.began_ms < 2 * half_ms { self.missed[0] } else { [0; 2] };
            self.missed[0] = [0; 2];
            self.began_ms = now_ms;
        }
        let elapsed = i128::from(elapsed_ms);
        let fresh = i128::from(self.deferrable_mw) * elapsed;
        let supply = if class == DownClass::SupplyDown { fresh } else { 0 };
        self.missed[0][0] += fresh + i128::from(self.rate_mw[0]) * elapsed;
        self.missed[0][1] += supply + i128::from(self.rate_mw[1]) * elapsed;
    }

    /// Light has passed.
    pub(crate) fn serve(&mut self, elapsed_ms: u64) {
        for (served, rate) in self.served.iter_mut().zip(self.rate_mw) {
            *served += i128::from(rate) * i128::from(elapsed_ms);
        }
    }

    /// What was missed within the window, mW·ms; it is forgotten here.
    pub(crate) fn take(&mut self, now_ms: u64, within_h: f64) -> [i128; 2] {
        self.half_ms = (within_h * 1_800_000.0) as u64;
        let missed = std::mem::take(&mut self.missed);
        if now_ms - self.began_ms >= 2 * self.half_ms {
            return [0; 2];
        }
        [missed[0][0] + missed[1][0], missed[0][1] + missed[1][1]]
    }

    /// The customer has left.
    pub(crate) fn forget(&mut self) {
        *self = Self { served: self.served, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const H: u64 = 3_600_000;

    #[test]
    fn what_was_missed_comes_back_once_and_by_class() {
        let mut late = Late::default();
        late.switch(10, [0; 2]);
        late.miss(DownClass::SupplyDown, 100 * H, 2 * H);
        late.miss(DownClass::CreditStuck, 101 * H, H);
        assert_eq!(late.take(101 * H, 24.0), [30 * i128::from(H), 20 * i128::from(H)]);
        assert_eq!(late.take(101 * H, 24.0), [0; 2]);
        late.switch(0, [30, 20]);
        late.serve(H);
        assert_eq!(late.served, [30 * i128::from(H), 20 * i128::from(H)]);
    }

    #[test]
    fn what_returns_into_darkness_is_missed_again_but_old_misses_are_given_up() {
        let mut late = Late::default();
        late.switch(0, [30, 20]);
        late.miss(DownClass::PaymentBlocked, 100 * H, H);
        assert_eq!(late.take(100 * H, 24.0), [30 * i128::from(H), 20 * i128::from(H)]);
        late.miss(DownClass::SupplyDown, 110 * H, H);
        // Sabotage: had time not passed, it would still be there.
        assert_eq!(late.clone().take(111 * H, 24.0)[0], 30 * i128::from(H));
        assert_eq!(late.take(150 * H, 24.0), [0; 2]);
    }
}
