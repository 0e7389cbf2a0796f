//! Exact integration of power over time.
//!
//! Power is constant between calls, so energy is a sum of products of integers: kept as whole mWh and a remainder in
//! mW·ns, it never drifts, however the time is cut. One mWh is 3.6 · 10¹² mW·ns; a `u64` of mWh holds 18 TWh.

const MW_NS_PER_MWH: u64 = 3_600_000_000_000;

/// Energy counted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Energy {
    mwh: u64,
    rest_mw_ns: u64,
}

impl Energy {
    /// Adds a power held for a time.
    pub(crate) fn add(&mut self, power_mw: u64, for_ns: u64) {
        let sum = u128::from(power_mw) * u128::from(for_ns) + u128::from(self.rest_mw_ns);
        // A division of 64 bits costs a fraction of one of 128, and nearly every step fits.
        match u64::try_from(sum) {
            Ok(sum) => {
                self.mwh += sum / MW_NS_PER_MWH;
                self.rest_mw_ns = sum % MW_NS_PER_MWH;
            }
            Err(_) => {
                let whole = u64::try_from(sum / u128::from(MW_NS_PER_MWH)).unwrap_or(u64::MAX);
                self.mwh = self.mwh.saturating_add(whole);
                self.rest_mw_ns = (sum % u128::from(MW_NS_PER_MWH)) as u64;
            }
        }
    }

    pub(crate) const fn mwh(&self) -> u64 {
        self.mwh
    }

    pub(crate) const fn wh(&self) -> u64 {
        self.mwh / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ten_years_at_full_load_do_not_overflow() {
        let mut energy = Energy::default();
        let ten_years_ns = 10 * 365 * 86_400 * 1_000_000_000_u64;
        energy.add(100_000_000, ten_years_ns);
        assert_eq!(energy.wh(), 100_000 * 10 * 365 * 24);
    }

    proptest! {
        #[test]
        fn cutting_time_changes_nothing(
            power_mw in 0_u64..20_000_000,
            cuts in proptest::collection::vec(0_u64..10_000_000_000_000, 1..20),
        ) {
            let mut cut = Energy::default();
            for ns in &cuts {
                cut.add(power_mw, *ns);
            }
            let mut whole = Energy::default();
            whole.add(power_mw, cuts.iter().sum());
            prop_assert_eq!(cut, whole);
        }
    }
}
