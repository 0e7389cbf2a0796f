//! What a token says, and the 64-bit block that says it (IEC 62055-41).
//!
//! ```text
//! class 0  subclass 4 | random 4            | TID 24 | amount 16 | checksum 16     credit in units
//! class 0  subclass 4 | sign and exponent 4 | TID 24 | amount 16 | checksum 16     credit in money (subclasses 4 to 7)
//! class 1  subclass 4 | control 36 | maker 8  | checksum 16                        subclass 1: control 28, maker 16
//! class 2  subclass 4 | random 4 | TID 24 | value 16 | checksum 16
//! class 2  subclass 4 | parts of a new key, see [`super::key_change`] | checksum 16
//! ```

use super::crc::checksum;
use super::key_change::Section;
use super::{Amount, Class, Money, Tid};

/// What is sold (subclass of class 0, modulo 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// In 0.1 kWh.
    Electricity,
    /// In 0.1 m³.
    Water,
    /// Unit: see [`Amount`].
    Gas,
    /// Connection time; unit: see [`Amount`].
    Time,
}

impl Service {
    const fn number(self) -> u64 {
        match self {
            Self::Electricity => 0,
            Self::Water => 1,
            Self::Gas => 2,
            Self::Time => 3,
        }
    }

    const fn from_bits(bits: u8) -> Self {
        match bits & 0b11 {
            0 => Self::Electricity,
            1 => Self::Water,
            2 => Self::Gas,
            _ => Self::Time,
        }
    }
}

/// Four random bits, so that two tokens of one minute and amount differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Random(u8);

impl Random {
    /// The lower four bits.
    #[must_use]
    pub const fn new(bits: u8) -> Self {
        Self(bits & 0x0F)
    }

    /// The number, 0 to 15.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// What a test or display token asks for (class 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// Subclass 0: 36 bits of control, a maker's code of two digits.
    Short {
        /// One bit per test; all ones start every test.
        control: u64,
        /// Maker's code; 0 addresses every make.
        maker: u8,
    },
    /// Subclass 1: 28 bits of control, a maker's code of four digits.
    Long {
        /// One bit per test; all ones start every test.
        control: u32,
        /// Maker's code; 0 addresses every make.
        maker: u16,
    },
}

/// An order to one meter (class 2, but for key changes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// 0: largest power, watts.
    MaxPower(Amount),
    /// 1: clears a register of credit; the field names it, FFFF all of them.
    ClearCredit(u16),
    /// 2: a tariff rate; its meaning is the maker's.
    TariffRate(u16),
    /// 5: clears the state after tampering; the field is padding.
    ClearTamper(u16),
    /// 6: largest difference between phases, watts.
    MaxUnbalance(Amount),
    /// 7: factor of a water meter.
    WaterFactor(u16),
}

/// What a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// Credit in the service's unit.
    Credit {
        /// Of what.
        service: Service,
        /// Random bits.
        random: Random,
        /// Minute of issue.
        tid: Tid,
        /// How much.
        amount: Amount,
    },
    /// Credit in money.
    Money {
        /// For what.
        service: Service,
        /// Minute of issue.
        tid: Tid,
        /// How much.
        money: Money,
    },
    /// A test, or a value to be shown.
    Test(Test),
    /// An order to this meter.
    Order {
        /// Random bits.
        random: Random,
        /// Minute of issue.
        tid: Tid,
        /// Which.
        order: Order,
    },
    /// A part of a new key.
    KeyChange(Section),
}

/// Why a block says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// The checksum is wrong: a mistyped digit, a token for another meter, or of another key. It cannot be told which.
    #[error("the checksum is wrong: mistyped, or under another key")]
    Checksum,
    /// A class or subclass that the standard reserves.
    #[error("subclass {subclass} of class {class} is reserved")]
    Reserved {
        /// Class.
        class: u8,
        /// Subclass.
        subclass: u8,
    },
}

impl Content {
    /// The class that it travels in.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Credit { .. } | Self::Money { .. } => Class::Credit,
            Self::Test(_) => Class::Test,
            Self::Order { .. } | Self::KeyChange(_) => Class::Manage,
        }
    }

    /// Minute of issue, for what has one.
    #[must_use]
    pub const fn tid(&self) -> Option<Tid> {
        match self {
            Self::Credit { tid, .. } | Self::Money { tid, .. } | Self::Order { tid, .. } => Some(*tid),
            Self::Test(_) | Self::KeyChange(_) => None,
        }
    }

    /// The block, checksum included, not yet encrypted.
    #[must_use]
    pub fn block(&self) -> u64 {
        let data = match *self {
            Self::Credit { service, random, tid, amount } => {
                timed(service.number(), random.number(), tid, amount.field())
            }
            Self::Money { service, tid, money } => {
                timed(service.number() | 0b0100, money.sign_and_exponent(), tid, money.field())
            }
            Self::Test(Test::Short { control, maker }) => (control & 0xF_FFFF_FFFF) << 24 | u64::from(maker) << 16,
            Self::Test(Test::Long { control, maker }) => {
                1 << 60 | u64::from(control & 0xFFF_FFFF) << 32 | u64::from(maker) << 16
            }
            Self::Order { random, tid, order } => {
                let (subclass, value) = order.fields();
                timed(subclass, random.number(), tid, value)
            }
            Self::KeyChange(section) => section.data(),
        };
        data | u64::from(checksum(self.class(), data))
    }

    /// Reads a block that has been decrypted.
    ///
    /// # Errors
    /// [`ContentError`]. The checksum comes first: what a wrong key makes of a token is not interpreted.
    pub fn from_block(class: Class, block: u64) -> Result<Self, ContentError> {
        if checksum(class, block) != (block & 0xFFFF) as u16 {
            return Err(ContentError::Checksum);
        }
        let subclass = (block >> 60) as u8;
        let four = (block >> 56 & 0x0F) as u8;
        let tid = Tid::from_field((block >> 32 & 0xFF_FFFF) as u32);
        let value = (block >> 16 & 0xFFFF) as u16;
        let service = Service::from_bits(subclass);
        let order = |order| Self::Order { random: Random::new(four), tid, order };
        Ok(match (class, subclass) {
            (Class::Credit, 0..=3) => {
                Self::Credit { service, random: Random::new(four), tid, amount: Amount::from_field(value) }
            }
            (Class::Credit, 4..=7) => Self::Money { service, tid, money: Money::from_fields(four, value) },
            (Class::Test, 0) => {
                Self::Test(Test::Short { control: block >> 24 & 0xF_FFFF_FFFF, maker: (block >> 16 & 0xFF) as u8 })
            }
            (Class::Test, 1) => Self::Test(Test::Long { control: (block >> 32 & 0xFFF_FFFF) as u32, maker: value }),
            (Class::Manage, 0) => order(Order::MaxPower(Amount::from_field(value))),
            (Class::Manage, 1) => order(Order::ClearCredit(value)),
            (Class::Manage, 2) => order(Order::TariffRate(value)),
            (Class::Manage, 5) => order(Order::ClearTamper(value)),
            (Class::Manage, 6) => order(Order::MaxUnbalance(Amount::from_field(value))),
            (Class::Manage, 7) => order(Order::WaterFactor(value)),
            (Class::Manage, _) => {
                let section = Section::from_data(block);
                Self::KeyChange(section.ok_or(ContentError::Reserved { class: class.number(), subclass })?)
            }
            _ => return Err(ContentError::Reserved { class: class.number(), subclass }),
        })
    }
}

impl Order {
    const fn fields(self) -> (u64, u16) {
        match self {
            Self::MaxPower(watts) => (0, watts.field()),
            Self::ClearCredit(register) => (1, register),
            Self::TariffRate(rate) => (2, rate),
            Self::ClearTamper(padding) => (5, padding),
            Self::MaxUnbalance(watts) => (6, watts.field()),
            Self::WaterFactor(factor) => (7, factor),
        }
    }
}

fn timed(subclass: u64, four: u8, tid: Tid, value: u16) -> u64 {
    subclass << 60 | u64::from(four) << 56 | u64::from(tid.field()) << 32 | u64::from(value) << 16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever reads is written back to the same bits: nothing of a block is lost or invented.
        #[test]
        fn blocks_there_and_back(class in 0..4_u8, data: u64) {
            let class = [Class::Credit, Class::Test, Class::Manage, Class::Reserved][usize::from(class)];
            let data = data & !0xFFFF;
            let block = data | u64::from(checksum(class, data));
            match Content::from_block(class, block) {
                Ok(content) => {
                    prop_assert_eq!(content.class(), class);
                    prop_assert_eq!(content.block(), block);
                }
                Err(error) => prop_assert!(matches!(error, ContentError::Reserved { .. }), "{:?}", error),
            }
            prop_assert_eq!(Content::from_block(class, block ^ 1), Err(ContentError::Checksum));
        }
    }
}
