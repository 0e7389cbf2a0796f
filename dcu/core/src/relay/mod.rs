//! Relays: what they should be, and why.
//!
//! Who decides follows [`CreditAt`](crate::config::CreditAt):
//!
//! | credit at | who decides | what the DCU does |
//! |---|---|---|
//! | DCU | its own [`Book`](crate::billing::Book) | orders whenever the relay seen differs from the one desired |
//! | cloud | the cloud | carries out each numbered order until the output state confirms it, then reports |
//! | meter | the meter | delivers credit; never touches the relay |
//!
//! With [`OnLinkLoss::Open`](crate::config::OnLinkLoss) and credit in the cloud, the DCU opens all relays once the
//! cloud has not been heard for the stale limit, and leaves closing them to the cloud. Where the DCU or the meter
//! keeps the credit the balance is at hand, and a lost link opens nothing.
//!
//! A decision is not yet an order: [`Orders::gate`] lets it leave, and [`RelayOrder`] is recorded, with what it rests on,
//! before it does.
//!
//! An order counts as done when the meter's output state says so, not when the meter says "success". Where the DCU
//! decides, a relay found in the wrong state later (a meter that booted open) is simply ordered again; where the
//! cloud decides, the DCU reports what it saw and the cloud decides again.

mod basis;
mod bound;
mod orders;

use serde::{Deserialize, Serialize};

pub use self::{
    basis::{Basis, CloudOrder, Refusal},
    bound::{ConnectBound, Surroundings},
    orders::{Held, Hold, Moment, Orders},
};
use crate::MeterIx;

/// State of a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Relay {
    /// The customer is disconnected.
    Open,
    /// The customer is supplied, if there is voltage.
    Closed,
}

impl Relay {
    /// From the output state (true = closed, IEC 62056-6-2 class 70).
    #[must_use]
    pub const fn from_output_state(closed: bool) -> Self {
        if closed { Self::Closed } else { Self::Open }
    }

    /// The customer is supplied.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Closed)
    }
}

/// Why a relay is ordered to a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Reason {
    /// The balance is used up.
    Debt = 0,
    /// The balance is sufficient, after a payment or after the relay was found open.
    Credit = 1,
    /// The cloud ordered it.
    Cloud = 2,
    /// The balance could not be confirmed within the stale limit.
    Stale = 3,
    /// The balance is used up; emergency credit is lent.
    Emergency = 4,
    /// Balance and emergency credit are used up; the grace is not.
    Grace = 5,
    /// Nothing is left, in hours in which nobody is disconnected.
    Friendly = 6,
}

/// An order that waits to be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The state to reach.
    pub relay: Relay,
    /// Why.
    pub reason: Reason,
    /// The cloud's number, where it is the cloud's.
    pub order: Option<u64>,
    /// What the cloud's order rests on, where it says.
    pub basis: Option<Basis>,
}

/// An order as it is recorded before it leaves: to whom, why, and on what it rests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayOrder {
    /// Which meter.
    pub meter: MeterIx,
    /// To this state.
    pub relay: Relay,
    /// Why.
    pub reason: Reason,
    /// The cloud's number, where it is the cloud's.
    pub order: Option<u64>,
    /// Number of the journal record that the decision rests on.
    pub rests_on: u64,
    /// Balance at the time, minor units (of no meaning where the cloud keeps it).
    pub balance_minor: i64,
    /// Age of the newest billing reading, s.
    pub reading_age_s: Option<u32>,
    /// Time since the newest word about payments, s: the relay, or where payments come over the cloud the cloud, was last
    /// heard then. `None`: not in that boot.
    pub payments_age_s: Option<u32>,
}

/// When an order may leave. `docs/relays.md` says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayRules {
    /// Nothing is opened on a reading, or a word of the cloud, that is older: neither by the DCU's own decision nor by an
    /// order of the cloud.
    pub evidence_age_max_s: u32,
    /// Clocks of site and cloud may differ by so much before that is doubt.
    pub clock_error_max_s: u32,
    /// Orders to open one meter's relay within an hour, at most 60.
    pub openings_per_meter_hour: u32,
    /// Orders within an hour, at most 60, to close one meter's relay that the DCU has not opened: wear of a contactor that
    /// opens of itself. A closing that follows an opening of the DCU, or a payment, is never held by it.
    pub closings_per_meter_hour: u32,
    /// No opening so soon after a closing of the same relay.
    pub open_after_close_s: u32,
    /// Openings within an hour that are no mass disconnection, however small the site.
    pub openings_per_hour_free: u32,
    /// The same as a share of all meters; the larger of both counts.
    pub openings_per_hour_percent: u8,
    /// How long openings stay stopped after a mass disconnection, unless somebody allows them.
    pub openings_hold_s: u32,
}

impl Default for RelayRules {
    /// Three hours (readings come hourly), two minutes, a dozen openings and thirty closings, five minutes, a third of the
    /// site, six hours. All arbitrary.
    fn default() -> Self {
        Self {
            evidence_age_max_s: 3 * 3600,
            clock_error_max_s: 120,
            openings_per_meter_hour: 12,
            closings_per_meter_hour: 30,
            open_after_close_s: 300,
            openings_per_hour_free: 20,
            openings_per_hour_percent: 33,
            openings_hold_s: 6 * 3600,
        }
    }
}
