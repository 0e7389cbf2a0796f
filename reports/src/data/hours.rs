//! Where the hours of a connection go: they add up to the length of the run.
//!
//! Lost hours alone hide something: a customer who has left, or who sits in the dark without credit, loses none. Every
//! connection of the scenario counts here for the whole run, those whose customers have left too.

use serde::{Deserialize, Serialize};

/// Customer-ms over all connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourSplit {
    /// Light that was paid for: lit time, less the share of the customer's energy that was served beyond the balance.
    pub paid_light: u64,
    /// Light on trust: the rest of the lit time.
    pub unpaid_light: u64,
    /// Lost, by class in the order of `DownClass::ALL`.
    pub lost: [u64; 3],
    /// Dark by choice or for want of money.
    pub no_credit: u64,
    /// After the customer had left.
    pub left: u64,
    /// Dark by the meter, with light taken past it.
    #[serde(default)]
    pub bypassed: u64,
}

impl HourSplit {
    /// All parts together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.parts().iter().sum()
    }

    /// The parts in the order in which they are drawn.
    #[must_use]
    pub const fn parts(&self) -> [u64; 8] {
        let [supply, stuck, blocked] = self.lost;
        [self.paid_light, self.unpaid_light, supply, stuck, blocked, self.no_credit, self.bypassed, self.left]
    }

    /// Hours a year with light that was paid for, of the average connection.
    #[must_use]
    pub fn paid_light_h_per_year(&self) -> f64 {
        8_760.0 * self.paid_light as f64 / self.total().max(1) as f64
    }
}
