//! Credit kept in the meter: a running total of money loaded, against which energy and daily fees are set.
//!
//! Money is integer minor units; what energy costs is kept as the exact product mW·ns·(minor units per kWh), so no
//! fraction is ever lost: one minor unit is 3.6 · 10¹⁸ of these.

const PRODUCT_PER_MINOR: i128 = 3_600_000_000_000_000_000;

/// The account in the meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credit {
    /// All money ever loaded.
    pub(crate) total_minor: i64,
    /// Price of a kWh.
    pub(crate) price_per_kwh_minor: i64,
    /// Deducted at every local midnight.
    pub(crate) fee_per_day_minor: i64,
    /// Served below zero.
    pub(crate) grace_minor: i64,
    fees_minor: i64,
    spent: i128,
    /// Credit that came by tokens, u.
    pub(crate) tokens_u: i64,
    product_per_u: i128,
}

impl Credit {
    pub(crate) const fn new(
        total_minor: i64,
        price_per_kwh_minor: i64,
        fee_per_day_minor: i64,
        grace_minor: i64,
    ) -> Self {
        Self {
            total_minor,
            price_per_kwh_minor,
            fee_per_day_minor,
            grace_minor,
            fees_minor: 0,
            spent: 0,
            tokens_u: 0,
            product_per_u: PRODUCT_PER_MINOR,
        }
    }

    /// Tokens count in so many u to the minor unit.
    pub(crate) fn with_tokens(self, u_per_minor: i64) -> Self {
        Self { product_per_u: PRODUCT_PER_MINOR / i128::from(u_per_minor.max(1)), ..self }
    }

    /// A token over so much, u.
    pub(crate) const fn load(&mut self, u: i64) {
        self.tokens_u = self.tokens_u.saturating_add(u);
    }

    /// All that was ever loaded, minor units rounded down.
    pub(crate) fn loaded_minor(&self) -> i64 {
        let all = i128::from(self.total_minor) * PRODUCT_PER_MINOR + i128::from(self.tokens_u) * self.product_per_u;
        i64::try_from(all.div_euclid(PRODUCT_PER_MINOR)).unwrap_or(i64::MAX)
    }

    /// Takes away what is left above zero; how much, minor units rounded down. A debt stays.
    pub(crate) fn clear(&mut self) -> i64 {
        let cleared = self.balance_minor().max(0);
        self.spent = self.spent.saturating_add(self.exact().max(0));
        cleared
    }

    /// The balance as a product.
    fn exact(&self) -> i128 {
        let money = i128::from(self.total_minor) - i128::from(self.fees_minor);
        money * PRODUCT_PER_MINOR + i128::from(self.tokens_u) * self.product_per_u - self.spent
    }

    /// Deducts for a power held for a time.
    pub(crate) fn spend(&mut self, power_mw: u64, for_ns: u64) {
        let energy = i128::from(power_mw) * i128::from(for_ns);
        self.spent = self.spent.saturating_add(energy.saturating_mul(self.price_per_kwh_minor.into()));
    }

    pub(crate) const fn deduct_fee(&mut self) {
        self.fees_minor = self.fees_minor.saturating_add(self.fee_per_day_minor);
    }

    /// Rounded down.
    pub(crate) fn balance_minor(&self) -> i64 {
        i64::try_from(self.exact().div_euclid(PRODUCT_PER_MINOR)).unwrap_or(i64::MIN)
    }

    /// Nothing left to serve, grace included.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.left() <= 0
    }

    /// How long this power can still be served, ns; `None` for ever.
    pub(crate) fn lasts_ns(&self, power_mw: u64) -> Option<u64> {
        let rate = i128::from(power_mw) * i128::from(self.price_per_kwh_minor);
        if rate <= 0 {
            return None;
        }
        let left = self.left().max(0);
        let ns = left / rate + i128::from(left % rate != 0);
        Some(u64::try_from(ns).unwrap_or(u64::MAX))
    }

    fn left(&self) -> i128 {
        self.exact() + i128::from(self.grace_minor) * PRODUCT_PER_MINOR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_NS: u64 = 3_600_000_000_000;

    #[test]
    fn a_kilowatt_hour_costs_its_price_exactly() {
        let mut credit = Credit::new(500, 100, 0, 0);
        for _ in 0..3 {
            credit.spend(1_000_000, HOUR_NS / 3);
        }
        assert_eq!(credit.balance_minor(), 400);
        assert_eq!(credit.lasts_ns(1_000_000), Some(4 * HOUR_NS));
        credit.spend(1_000_000, 4 * HOUR_NS - 1);
        assert!(!credit.is_exhausted());
        assert_eq!(credit.balance_minor(), 0);
        credit.spend(1_000_000, 1);
        assert!(credit.is_exhausted());
    }

    #[test]
    fn grace_is_served_below_zero() {
        let mut credit = Credit::new(0, 100, 0, 50);
        assert!(!credit.is_exhausted());
        credit.spend(1_000_000, HOUR_NS / 2);
        assert!(credit.is_exhausted());
        assert_eq!(credit.balance_minor(), -50);
    }
}
