//! Who is under which tariff, and what power was charged by it: accounts of a site with more than one tariff.

use super::{Account, Book, DemandCharge};
use crate::config::{Classes, Tariff};

/// Why an account is not put into a class. Whoever ordered it is at fault; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClassRefusal {
    /// No such account.
    #[error("there is no such account")]
    Account,
    /// No tariff for such a class.
    #[error("there is no tariff for this class; send one first")]
    Class,
    /// The meter keeps the credit, and cannot count it down by the tariff of the class.
    #[error("the meter keeps the credit and needs one price at all times")]
    NeedsFlatPrice,
}

impl Book {
    /// The prices in force for this account; the site's own where there is no such account.
    #[must_use]
    pub fn tariff_of(&self, account: u32) -> &Tariff {
        self.tariffs.now(self.class_number(account))
    }

    /// The class of an account; empty: none, it has the site's own tariff.
    #[must_use]
    pub fn class_of(&self, account: u32) -> &str {
        self.tariffs.name(self.class_number(account))
    }

    /// The number of an account's class; 0 for the site's own tariff. Numbers stay as long as there is this book.
    #[must_use]
    pub fn class_number(&self, account: u32) -> u16 {
        self.account(account).map_or(0, |found| found.way.class())
    }

    /// Prices in force by class, in the order of their numbers: first the site's own.
    pub fn tariffs(&self) -> impl Iterator<Item = &Tariff> {
        self.tariffs.numbers().map(|class| self.tariffs.now(class))
    }

    /// The tariff in force for a class; none where nobody knows it.
    #[must_use]
    pub fn tariff_for(&self, class: &str) -> Option<&Tariff> {
        self.tariffs.find(class).map(|class| self.tariffs.now(class))
    }

    /// There are classes beside the site's own tariff.
    #[must_use]
    pub fn has_classes(&self) -> bool {
        self.tariffs.numbers().count() > 1
    }

    /// Takes the classes of a site that had none: what was used since the last reading is priced as before.
    pub fn set_classes(&mut self, classes: &Classes, at_ms: Option<i64>) {
        for tariff in classes.tariffs.iter().filter(|tariff| !tariff.class.is_empty()) {
            self.set_tariff_at(tariff.clone(), at_ms);
        }
        for (name, class) in &classes.accounts {
            if let Some(account) = self.find(name) {
                self.classify(account, class, at_ms, 0);
            }
        }
    }

    /// Whether an account may be put into a class.
    ///
    /// # Errors
    /// [`ClassRefusal`].
    pub fn judge_class(&self, account: u32, class: &str, in_meters: bool) -> Result<(), ClassRefusal> {
        if self.account(account).is_none() {
            return Err(ClassRefusal::Account);
        }
        let tariff = self.tariff_for(class).ok_or(ClassRefusal::Class)?;
        if in_meters && !tariff.suits_meters() { Err(ClassRefusal::NeedsFlatPrice) } else { Ok(()) }
    }

    /// Puts an account into a class from this instant on (Unix ms; without a clock from its last reading on). What was used
    /// before and is not billed yet stays at the prices of before; what was billed stays billed. `change` is the cloud's
    /// number of this change; 0 for one that was ordered at the site.
    pub fn classify(&mut self, account: u32, class: &str, at_ms: Option<i64>, change: u64) -> bool {
        let Some(number) = self.tariffs.find(class) else { return false };
        let Some(found) = self.accounts.get_mut(account as usize) else { return false };
        let from_ms = at_ms.or_else(|| found.read_unix_ms()).unwrap_or(i64::MIN);
        found.way.turn(number, from_ms, change);
        found.settle(at_ms, self.tariffs.now(number));
        true
    }

    /// What the last day or reading has charged for power, or corrected.
    #[must_use]
    pub fn demanded(&self) -> &[DemandCharge] {
        &self.demanded
    }

    /// Rows of the account's load profile that came late: register (Wh) and instant (Unix ms) of each. They are never billed
    /// as energy, which the register has counted; they may tell of more power.
    pub fn late_rows(&mut self, account: u32, rows: impl IntoIterator<Item = (u64, i64)>) {
        self.demanded.clear();
        let Some(found) = self.accounts.get_mut(account as usize) else { return };
        for (wh, at_ms) in rows {
            let demand = found.way.line(&self.tariffs).at(at_ms.saturating_sub(1)).0.demand;
            if let Some(demand) = demand {
                found.meterage.fill(demand, self.utc_offset_s, wh, at_ms);
            }
        }
        let read_ms = found.read_unix_ms();
        self.charge_demand(account, i32::MIN, read_ms);
    }

    /// Charges an account for the power of months before this one, and for what charged months lacked.
    pub(super) fn charge_demand(&mut self, account: u32, month: i32, at_ms: Option<i64>) {
        let Some(found) = self.accounts.get_mut(account as usize).filter(|found| found.is_metered()) else { return };
        while let Some(charge) = found.meterage.due(month) {
            if charge.minor == 0 {
                continue;
            }
            found.charge(charge.minor);
            found.demand_minor = found.demand_minor.saturating_add(charge.minor);
            self.totals.capacity_fees = self.totals.capacity_fees.saturating_add(i128::from(charge.minor));
            self.demanded.push(DemandCharge { account, ..charge });
            found.settle(at_ms, self.tariffs.now(found.way.class()));
        }
    }
}

impl Account {
    /// Its power was measured.
    fn is_metered(&self) -> bool {
        !self.meterage.peaks().is_empty()
    }
}
