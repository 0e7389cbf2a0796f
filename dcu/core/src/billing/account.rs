//! One account.

use super::Debit;
use serde::{Deserialize, Serialize};

/// One thousandth of a minor unit: what a Wh is priced in when a kWh is priced in minor units.
const MILLI: i64 = 1000;

/// One account and the register it is billed by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// As payers type it.
    pub name: String,
    pub(super) balance_minor: i64,
    pub(super) carry_milli: i64,
    /// Everything ever credited, opening balance included.
    pub(super) credited_minor: i64,
    pub(super) credits: u32,
    pub(super) register: Option<Register>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Register {
    pub(super) sequence: u32,
    pub(super) wh: u64,
}

impl Account {
    pub(super) fn new(name: &str, opening_minor: i64) -> Self {
        Self {
            name: name.to_owned(),
            balance_minor: opening_minor,
            carry_milli: 0,
            credited_minor: opening_minor,
            credits: 0,
            register: None,
        }
    }

    /// Balance, minor units.
    #[must_use]
    pub const fn balance_minor(&self) -> i64 {
        self.balance_minor
    }

    /// Consumption not yet worth a whole minor unit, thousandths of one: 0 to 999.
    #[must_use]
    pub const fn carry_milli(&self) -> i64 {
        self.carry_milli
    }

    /// Everything ever credited, opening balance included, minor units.
    #[must_use]
    pub const fn credited_minor(&self) -> i64 {
        self.credited_minor
    }

    /// How many payments have been credited: the sequence of the last one, for whoever issues numbers for a keypad.
    #[must_use]
    pub const fn credits(&self) -> u32 {
        self.credits
    }

    /// Last billed register, Wh.
    #[must_use]
    pub fn register_wh(&self) -> Option<u64> {
        self.register.map(|r| r.wh)
    }

    pub(super) fn debit(&mut self, sequence: u32, wh: u64, price_per_kwh_minor: i64) -> Debit {
        let Some(last) = self.register else {
            self.register = Some(Register { sequence, wh });
            return Debit::First;
        };
        if sequence <= last.sequence {
            return Debit::Stale;
        }
        self.register = Some(Register { sequence, wh });
        let Some(delta) = wh.checked_sub(last.wh) else {
            return Debit::Backward { from_wh: last.wh, to_wh: wh };
        };
        let milli = i128::from(delta)
            .saturating_mul(i128::from(price_per_kwh_minor))
            .saturating_add(i128::from(self.carry_milli));
        let minor = i64::try_from(milli.div_euclid(i128::from(MILLI))).unwrap_or(i64::MAX);
        self.carry_milli = i64::try_from(milli.rem_euclid(i128::from(MILLI))).unwrap_or(0);
        self.balance_minor = self.balance_minor.saturating_sub(minor);
        Debit::Billed { wh: delta, minor }
    }

    pub(super) fn credit(&mut self, amount_minor: i64) {
        self.balance_minor = self.balance_minor.saturating_add(amount_minor);
        self.credited_minor = self.credited_minor.saturating_add(amount_minor);
        self.credits = self.credits.saturating_add(1);
    }

    pub(super) fn charge(&mut self, minor: i64) {
        self.balance_minor = self.balance_minor.saturating_sub(minor);
    }
}
