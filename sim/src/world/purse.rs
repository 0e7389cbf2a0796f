//! A customer's money and energy as they truly are: what is applied, what it buys, what is served beyond it.

use taa_dcu::config::Tariff;
use taa_models::people::Disposition;

use super::population::Purse;
use crate::{cause::Chain, kernel::Wake};

impl Purse {
    /// With this credit to start with, and this mean spending a day.
    pub(crate) fn new(disposition: Disposition, opening_minor: i64, daily_spend_minor: f64) -> Self {
        Self {
            disposition,
            daily_spend_minor,
            applied_minor: opening_minor,
            mark_mwh: 0,
            unbilled_mwh: 0,
            paid_minor: 0,
            exhausted: false,
            liquid_at_ms: None,
            open: Vec::new(),
            wish: None,
            wake: Wake::default(),
            topups: 0,
            blocker: Chain::EMPTY,
            blocked_ms: 0,
            gone_ms: None,
            strain: 0.0,
        }
    }

    /// Energy that the money applied so far buys, mWh.
    pub(crate) fn limit_mwh(&self, tariff: &Tariff) -> i64 {
        let minor = i128::from(self.applied_minor + tariff.grace_minor);
        let mwh = minor * 1_000_000 / i128::from(tariff.energy_price_per_kwh_minor.max(1));
        i64::try_from(mwh).unwrap_or(i64::MAX)
    }

    /// The customer has credit left.
    pub(crate) fn entitled(&self, energy_mwh: u64, tariff: &Tariff) -> bool {
        !self.exhausted && self.limit_mwh(tariff) > i64::try_from(energy_mwh).unwrap_or(i64::MAX)
    }

    /// Balance in minor units.
    pub(crate) fn balance_minor(&self, energy_mwh: u64, tariff: &Tariff) -> i64 {
        let spent = i128::from(energy_mwh) * i128::from(tariff.energy_price_per_kwh_minor) / 1_000_000;
        self.applied_minor - i64::try_from(spent).unwrap_or(i64::MAX)
    }

    /// Counts energy served beyond the money up to now; call before the money changes and at the end.
    pub(crate) fn count_unbilled(&mut self, energy_mwh: u64, tariff: &Tariff) {
        let limit = u64::try_from(self.limit_mwh(tariff)).unwrap_or(0);
        self.unbilled_mwh += energy_mwh.saturating_sub(limit.max(self.mark_mwh));
        self.mark_mwh = self.mark_mwh.max(energy_mwh);
    }
}
