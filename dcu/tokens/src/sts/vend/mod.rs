//! The vendor's side: minutes that nobody else uses, sets of tokens, and the module that seals them.
//!
//! ```text
//!   Vendor (leases, last minute of every meter) ──▶ Content + Use ──▶ journal, durable ──▶ module seals ──▶ token leaves
//! ```
//!
//! [`Vendor`] decides what a token says and which minute it takes; a module holds the vending keys and seals it. In
//! simulation that is [`SoftwareModule`]. **Software keys are for simulation.** Production means a secure module that
//! the STS Association has certified, fed by key-load files from a key management centre: the same [`Content`] goes to it,
//! with the same [`MeterKey`], and the token comes back; the vending key is never outside.

mod lease;
mod module;

pub use lease::{Conflict, Lease, LeaseError, Lessor, Minutes, Use, conflicts};
pub use module::{ModuleError, SoftwareModule, seal_batch};

use super::{
    Algorithm, Amount, Content, KeyAttributes, KeyGeneration, MeterPan, Money, Order, Random, Service, Tid, TimeError,
};

/// What a vendor knows of a meter's key: enough to derive it, for whoever has the vending key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeterKey {
    /// Which meter.
    pub meter: MeterPan,
    /// Which key.
    pub key: KeyAttributes,
    /// How it is derived.
    pub generation: KeyGeneration,
    /// What it encrypts with.
    pub algorithm: Algorithm,
}

/// What a token is to say, before it has its minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ask {
    /// Credit in units.
    Credit(Service, Amount),
    /// Credit in money.
    Money(Service, Money),
    /// An order.
    Order(Order),
}

/// Why nothing is vended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VendError {
    /// No minute may be used.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// The clock, or the meter's base date.
    #[error(transparent)]
    Time(#[from] TimeError),
    /// The meter's key opens no token of this minute any more: a key change is needed first.
    #[error("the meter's key has expired: its KEN is {0}")]
    KeyExpired(u8),
}

/// One vendor: the cloud, or a site.
#[derive(Clone, Debug)]
pub struct Vendor {
    minutes: Minutes,
}

impl Vendor {
    /// One that may use these minutes.
    #[must_use]
    pub const fn new(minutes: Minutes) -> Self {
        Self { minutes }
    }

    /// Its minutes.
    #[must_use]
    pub const fn minutes(&self) -> &Minutes {
        &self.minutes
    }

    /// Its minutes, to add a lease.
    pub const fn minutes_mut(&mut self) -> &mut Minutes {
        &mut self.minutes
    }

    /// What the next token for this meter says, and the minute that it uses up. The use must be durable before the token is
    /// seen outside; it stays used if the token never is. `special` takes the reserved minute of the day (a replacement,
    /// a free issue). `now` in minutes since 1970-01-01 00:00 UTC; `random` from the caller's generator.
    ///
    /// # Errors
    /// [`VendError`]; no minute is used up then.
    pub fn prepare(
        &mut self,
        meter: &MeterKey,
        ask: Ask,
        now: i64,
        random: Random,
        special: bool,
    ) -> Result<(Content, Use), VendError> {
        // A clock outside the key's reach is told apart from a lack of minutes.
        Tid::at(meter.key.base_date, now)?;
        let minute = self.minutes.next(&meter.meter, now, special)?;
        let tid = Tid::at(meter.key.base_date, minute)?;
        if tid.upper_byte() > meter.key.ken {
            return Err(VendError::KeyExpired(meter.key.ken));
        }
        let used = self.minutes.take(&meter.meter, minute);
        let content = match ask {
            Ask::Credit(service, amount) => Content::Credit { service, random, tid, amount },
            Ask::Money(service, money) => Content::Money { service, tid, money },
            Ask::Order(order) => Content::Order { random, tid, order },
        };
        Ok((content, used))
    }
}
