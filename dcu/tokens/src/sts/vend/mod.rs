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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sts::{BaseDate, KeyType, Krn, Sgc, TariffIndex};

    const DAY: i64 = 24 * 60;

    fn meter(ken: u8, base_date: BaseDate) -> MeterKey {
        MeterKey {
            meter: MeterPan::new("600727", "12345678903").unwrap(),
            key: KeyAttributes {
                sgc: Sgc::new(1).unwrap(),
                krn: Krn::new(1).unwrap(),
                key_type: KeyType::Unique,
                ti: TariffIndex::new(1).unwrap(),
                ken,
                base_date,
            },
            generation: KeyGeneration::Dkga04,
            algorithm: Algorithm::Ea11,
        }
    }

    fn vendor() -> Vendor {
        let mut lessor = Lessor::new(0, 60_000 * DAY);
        let mut minutes = Minutes::new(DAY);
        minutes.add(lessor.grant(0, 60_000 * DAY, 1, 0).unwrap());
        Vendor::new(minutes)
    }

    /// A clock in 1970 or in 2099 vends nothing, and uses nothing up.
    #[test]
    fn clocks_that_are_wrong_vend_nothing() {
        let meter = meter(255, BaseDate::Y2014);
        let ask = Ask::Credit(Service::Electricity, Amount::from_field(1));
        let mut vendor = vendor();
        let mut at = |minute| vendor.prepare(&meter, ask, minute, Random::new(1), false);
        assert_eq!(at(5), Err(VendError::Time(TimeError::BeforeBase(2014))));
        assert_eq!(at(47_200 * DAY), Err(VendError::Time(TimeError::AfterBase(2014))));
        let (content, used) = at(20_000 * DAY).unwrap();
        assert_eq!(used.minute, 20_000 * DAY);
        assert_eq!(content.tid(), Tid::at(BaseDate::Y2014, used.minute).ok());
        assert_eq!(at(20_000 * DAY).unwrap().1.minute, used.minute + 2, "00:01 is reserved");
    }

    #[test]
    fn an_expired_key_is_said_before_the_customer_pays_for_nothing() {
        let ask = Ask::Order(Order::ClearTamper(0));
        let last = BaseDate::Y2014.unix_minutes() + (45 << 16) - 1;
        let mut vendor = vendor();
        let key = meter(44, BaseDate::Y2014);
        assert!(vendor.prepare(&key, ask, last, Random::new(1), false).is_ok());
        let expired = vendor.prepare(&key, ask, last + 1, Random::new(1), false);
        assert_eq!(expired, Err(VendError::KeyExpired(44)));
    }
}
