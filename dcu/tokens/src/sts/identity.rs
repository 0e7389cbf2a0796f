//! Who a meter is, and which key it holds: the numbers that its decoder key is derived from (IEC 62055-41).

use std::fmt;

use super::BaseDate;

/// Why a number of a meter or a key cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// Not digits only.
    #[error("{what} {text:?} does not consist of digits")]
    NotDigits {
        /// Which number.
        what: &'static str,
        /// As given.
        text: String,
    },
    /// A wrong number of digits.
    #[error("{what} {text:?} has a wrong number of digits")]
    Length {
        /// Which number.
        what: &'static str,
        /// As given.
        text: String,
    },
    /// Issuer and meter number do not fit: six digits with eleven, or four with thirteen.
    #[error("an issuer number of {iin} digits does not go with a meter number of {drn}")]
    Mismatch {
        /// Digits of the issuer's number.
        iin: usize,
        /// Digits of the meter's.
        drn: usize,
    },
    /// Above what the field holds.
    #[error("{what} {value} is out of range")]
    Range {
        /// Which number.
        what: &'static str,
        /// As given.
        value: u32,
    },
}

/// What a key is for (KT).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyType {
    /// 0, DITK: the maker's, before a meter is given to a utility.
    Initialization,
    /// 1, DDTK: a utility's meter in stock; it takes no credit.
    Default,
    /// 2, DUTK: of this one meter.
    Unique,
    /// 3, DCTK: of all meters of a group.
    Common,
}

impl KeyType {
    /// The number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Initialization => 0,
            Self::Default => 1,
            Self::Unique => 2,
            Self::Common => 3,
        }
    }

    /// From the number; of it, the lower two bits.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 0b11 {
            0 => Self::Initialization,
            1 => Self::Default,
            2 => Self::Unique,
            _ => Self::Common,
        }
    }
}

/// Supply group code: six digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sgc(u32);

impl Sgc {
    /// At most 999999.
    ///
    /// # Errors
    /// [`IdentityError::Range`].
    pub fn new(value: u32) -> Result<Self, IdentityError> {
        if value > 999_999 { Err(IdentityError::Range { what: "supply group code", value }) } else { Ok(Self(value)) }
    }

    /// From exactly six digits.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        digits("supply group code", text)?;
        let length = IdentityError::Length { what: "supply group code", text: text.into() };
        if text.len() != 6 {
            return Err(length);
        }
        text.parse().map_err(|_| length).and_then(Self::new)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Sgc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06}", self.0)
    }
}

/// Which key of the supply group, for which tariff, and what kind: the part of a meter's key that key-change tokens change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyAttributes {
    /// Supply group.
    pub sgc: Sgc,
    /// Key revision, 1 to 9.
    pub krn: Krn,
    /// Kind of key.
    pub key_type: KeyType,
    /// Tariff index.
    pub ti: TariffIndex,
    /// Expiry number: tokens whose TID has a greater upper byte are refused. 255 never expires.
    pub ken: u8,
    /// Where TIDs under this key count from.
    pub base_date: BaseDate,
}

/// Key revision number, 1 to 9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Krn(u8);

impl Krn {
    /// 1 to 9.
    ///
    /// # Errors
    /// [`IdentityError::Range`].
    pub fn new(value: u8) -> Result<Self, IdentityError> {
        if (1..=9).contains(&value) {
            Ok(Self(value))
        } else {
            Err(IdentityError::Range { what: "key revision number", value: value.into() })
        }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// Tariff index, 0 to 99.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TariffIndex(u8);

impl TariffIndex {
    /// 0 to 99.
    ///
    /// # Errors
    /// [`IdentityError::Range`].
    pub fn new(value: u8) -> Result<Self, IdentityError> {
        if value <= 99 {
            Ok(Self(value))
        } else {
            Err(IdentityError::Range { what: "tariff index", value: value.into() })
        }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Its two digits in ASCII.
    #[must_use]
    pub const fn digits(self) -> [u8; 2] {
        [b'0' | (self.0 / 10), b'0' | (self.0 % 10)]
    }
}

/// A meter's primary account number: issuer's number (IIN), the meter's own (DRN) and a check digit, together 18.
///
/// The DRN's own last digit is a check digit too. It is not enforced: meters whose number breaks the rule are in the
/// field, and refusing them would leave them without tokens; [`MeterPan::drn_check_digit_is_right`] tells.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeterPan {
    digits: [u8; 18],
    iin_digits: u8,
}

impl MeterPan {
    /// From the issuer's and the meter's number: 6 and 11 digits, or 4 and 13.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn new(iin: &str, drn: &str) -> Result<Self, IdentityError> {
        digits("issuer number", iin)?;
        digits("meter number", drn)?;
        let iin_digits = match (iin.len(), drn.len()) {
            (6, 11) => 6,
            (4, 13) => 4,
            (iin, drn) => return Err(IdentityError::Mismatch { iin, drn }),
        };
        let mut all = [b'0'; 18];
        for (to, from) in all.iter_mut().zip(iin.bytes().chain(drn.bytes())) {
            *to = from;
        }
        let (body, check) = all.split_at_mut(17);
        if let [check] = check {
            *check = b'0' | luhn(body);
        }
        Ok(Self { digits: all, iin_digits })
    }

    /// All 18 digits in ASCII.
    #[must_use]
    pub const fn digits(&self) -> &[u8; 18] {
        &self.digits
    }

    /// The meter's number.
    #[must_use]
    pub fn drn(&self) -> &str {
        self.digits.get(usize::from(self.iin_digits)..17).and_then(|drn| std::str::from_utf8(drn).ok()).unwrap_or("")
    }

    /// Whether the meter's number ends in the digit that it should.
    #[must_use]
    pub fn drn_check_digit_is_right(&self) -> bool {
        self.drn().as_bytes().split_last().is_some_and(|(check, body)| *check == b'0' | luhn(body))
    }

    /// The 16 digits, each in four bits, that DKGA02 and DKGA03 take: the last digits of the issuer's number and all of
    /// the meter's; with a common key, zeros for the meter's.
    #[must_use]
    pub(crate) fn pan_block(&self, key_type: KeyType) -> u64 {
        let from_iin = usize::from(self.iin_digits);
        self.digits.iter().take(17).enumerate().skip(1).fold(0, |block, (at, digit)| {
            let digit = if key_type == KeyType::Common && at >= from_iin { 0 } else { digit & 0x0F };
            block << 4 | u64::from(digit)
        })
    }
}

impl fmt::Display for MeterPan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.digits).unwrap_or(""))
    }
}

impl fmt::Debug for MeterPan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MeterPan({self})")
    }
}

fn digits(what: &'static str, text: &str) -> Result<(), IdentityError> {
    if text.len() > 32 {
        return Err(IdentityError::Length { what, text: text.chars().take(32).collect() });
    }
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(IdentityError::NotDigits { what, text: text.into() });
    }
    Ok(())
}

/// The check digit of ISO/IEC 7812-1, annex B, over digits in ASCII.
fn luhn(body: &[u8]) -> u8 {
    let sum = body.iter().rev().enumerate().fold(0_u32, |sum, (at, digit)| {
        let digit = u32::from(digit & 0x0F);
        let value = if !at.is_multiple_of(2) {
            digit
        } else if digit > 4 {
            digit.saturating_mul(2).saturating_sub(9)
        } else {
            digit.saturating_mul(2)
        };
        sum.saturating_add(value)
    });
    (10_u32.saturating_sub(sum % 10) % 10) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_numbers() {
        for (iin, drn, pan, block) in [
            ("600727", "11920588818", "600727119205888180", 0x0072_7119_2058_8818_u64),
            ("600727", "00000000000", "600727000000000009", 0x0072_7000_0000_0000),
            ("0000", "0100000000008", "000001000000000082", 0x0000_1000_0000_0008),
        ] {
            let meter = MeterPan::new(iin, drn).unwrap();
            assert_eq!(meter.to_string(), pan);
            assert_eq!(meter.pan_block(KeyType::Unique), block, "{block:016x}");
            assert_eq!(meter.drn(), drn);
        }
        assert!(MeterPan::new("0000", "0100000000008").unwrap().drn_check_digit_is_right());
        assert!(!MeterPan::new("0000", "0100000000009").unwrap().drn_check_digit_is_right());
        let common = MeterPan::new("600727", "11920588818").unwrap().pan_block(KeyType::Common);
        assert_eq!(common, 0x0072_7000_0000_0000);
    }

    #[test]
    fn wrong_numbers_are_named() {
        assert_eq!(MeterPan::new("600727", "123"), Err(IdentityError::Mismatch { iin: 6, drn: 3 }));
        assert!(matches!(MeterPan::new("60072x", "11920588818"), Err(IdentityError::NotDigits { .. })));
        assert!(Sgc::parse("12345").is_err());
        assert!(Sgc::parse("1234567890").is_err(), "a source document's ten digits are wrong");
        assert_eq!(Sgc::parse("000123").unwrap().to_string(), "000123");
        assert!(Krn::new(0).is_err());
        assert!(TariffIndex::new(100).is_err());
    }
}
