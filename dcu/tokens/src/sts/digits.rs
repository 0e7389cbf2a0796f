//! The token as people see it: 20 decimal digits that stand for 66 bits (IEC 62055-41).
//!
//! The 64-bit block and the two bits of the token's class are woven together: the class is written over bits 28 and 27 of
//! the block, and the bits that stood there move to bits 65 and 64. The class is therefore readable without any key.

use std::fmt;
use std::str::FromStr;

/// Bits 65 and 64, as the value of the number's part above 64 bits.
const TOP_MAX: u128 = 0b11;
const CLASS_SHIFT: u32 = 27;
const CLASS_MASK: u64 = 0b11 << CLASS_SHIFT;
/// 10¹⁰: a token is written as two halves of ten digits.
const HALF: u64 = 10_000_000_000;
/// 2⁶⁴ = 1844674407 · 10¹⁰ + 3709551616.
const TWO_64: (u64, u64) = (1_844_674_407, 3_709_551_616);
/// Digits of a token.
pub const DIGITS: usize = 20;
/// What a keypad or a text message may reasonably hold: digits in groups, with a separator between any two.
const INPUT_MAX: usize = 2 * DIGITS;

/// A token's class (IEC 62055-41): what kind of thing it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// 0: transfers credit.
    Credit,
    /// 1: starts a test or shows a value; not encrypted, good for any meter.
    Test,
    /// 2: manages one meter.
    Manage,
    /// 3: reserved.
    Reserved,
}

impl Class {
    /// The number in the token.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Credit => 0,
            Self::Test => 1,
            Self::Manage => 2,
            Self::Reserved => 3,
        }
    }

    const fn from_bits(bits: u64) -> Self {
        match bits & 0b11 {
            0 => Self::Credit,
            1 => Self::Test,
            2 => Self::Manage,
            _ => Self::Reserved,
        }
    }
}

/// A token as it is printed, sent and typed in. It is no secret to the one who paid for it, and shows itself: whoever logs
/// one before it is used, gives it away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    /// Bits 65 and 64.
    top: u8,
    low: u64,
}

/// Why a row of characters is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// Not 20 digits.
    #[error("a token has 20 digits, not {0}")]
    Length(usize),
    /// Something else than digits (spaces and hyphens between them are passed over). Counted in bytes from 0.
    #[error("the character at place {0} is no digit")]
    NotADigit(usize),
    /// Above 2⁶⁶ − 1: no token has this number.
    #[error("the number is larger than any token's")]
    TooLarge,
}

impl Token {
    /// Weaves class and block together.
    #[must_use]
    pub const fn weave(class: Class, block: u64) -> Self {
        let top = (block >> CLASS_SHIFT & 0b11) as u8;
        let low = block & !CLASS_MASK | (class.number() as u64) << CLASS_SHIFT;
        Self { top, low }
    }

    /// The class, and the block as it stood before weaving: encrypted but for class 1.
    #[must_use]
    pub const fn unweave(self) -> (Class, u64) {
        let class = Class::from_bits(self.low >> CLASS_SHIFT);
        (class, self.low & !CLASS_MASK | (self.top as u64) << CLASS_SHIFT)
    }

    /// The number of 66 bits.
    #[must_use]
    pub const fn number(self) -> u128 {
        (self.top as u128) << 64 | self.low as u128
    }

    /// From the number.
    ///
    /// # Errors
    /// [`FormatError::TooLarge`].
    pub fn from_number(number: u128) -> Result<Self, FormatError> {
        let top = number >> 64;
        if top > TOP_MAX {
            return Err(FormatError::TooLarge);
        }
        Ok(Self { top: (top & TOP_MAX) as u8, low: (number & u128::from(u64::MAX)) as u64 })
    }

    /// The 20 digits, in ASCII.
    #[must_use]
    pub fn digits(self) -> [u8; DIGITS] {
        let top = u64::from(self.top);
        // At most 3 · 3709551616 + 10¹⁰: far from the limits of 64 bits.
        let low = (self.low % HALF).wrapping_add(top.wrapping_mul(TWO_64.1));
        let high = (self.low / HALF).wrapping_add(top.wrapping_mul(TWO_64.0)).wrapping_add(low / HALF);
        let mut digits = [b'0'; DIGITS];
        let (left, right) = digits.split_at_mut(DIGITS / 2);
        write_digits(left, high);
        write_digits(right, low % HALF);
        digits
    }

    /// Reads 20 digits; spaces and hyphens between them are passed over.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        if text.len() > INPUT_MAX {
            return Err(FormatError::Length(text.len()));
        }
        let mut number = 0_u128;
        let mut count = 0_usize;
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                // 40 digits at most: no overflow of 128 bits is possible, none is wrapped silently into a wrong token.
                b'0'..=b'9' => {
                    number = number.wrapping_mul(10).wrapping_add(u128::from(byte & 0x0F));
                    count = count.wrapping_add(1);
                }
                b' ' | b'-' if count > 0 => {}
                _ => return Err(FormatError::NotADigit(at)),
            }
        }
        if count != DIGITS {
            return Err(FormatError::Length(count));
        }
        Self::from_number(number)
    }
}

fn write_digits(to: &mut [u8], mut number: u64) {
    for digit in to.iter_mut().rev() {
        *digit = b'0' | (number % 10) as u8;
        number /= 10;
    }
}

impl FromStr for Token {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        Self::parse(text)
    }
}

impl fmt::Display for Token {
    /// Plain digits; with `{:#}` in groups of four, as printed on paper.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, digit) in self.digits().into_iter().enumerate() {
            if f.alternate() && at > 0 && at.is_multiple_of(4) {
                f.write_str(" ")?;
            }
            write!(f, "{}", char::from(digit))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Token {
    /// Its class alone, so that no log gives credit away by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({:?}, ..)", self.unweave().0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_token_is_said() {
        for (text, error) in [
            ("", FormatError::Length(0)),
            ("6014383256866737884", FormatError::Length(19)),
            ("601438325686673788470", FormatError::Length(21)),
            ("6014383256866737884A", FormatError::NotADigit(19)),
            (" 60143832568667378847", FormatError::NotADigit(0)),
            ("٦٠١٤٣٨٣٢٥٦٨٦٦٧٣٧٨٨٤٧", FormatError::NotADigit(0)),
            ("73786976294838206464", FormatError::TooLarge),
            ("99999999999999999999", FormatError::TooLarge),
            ("0000000000000000000000000000000000000000000000000000", FormatError::Length(52)),
        ] {
            assert_eq!(Token::parse(text), Err(error), "{text}");
        }
        let last = Token::parse("73786976294838206463").unwrap();
        assert_eq!(last.number(), (1 << 66) - 1);
        assert_eq!(last.unweave(), (Class::Reserved, u64::MAX));
    }

    #[test]
    fn shown_in_groups_and_hidden_in_debug() {
        let token = Token::parse("6014-3832-5686-6737-8847").unwrap();
        assert_eq!(format!("{token:#}"), "6014 3832 5686 6737 8847");
        assert_eq!(format!("{token}"), "60143832568667378847");
        assert_eq!(format!("{token:?}"), "Token(Credit, ..)");
    }

    proptest! {
        #[test]
        fn digits_there_and_back(top in 0..4_u8, low: u64) {
            let token = Token { top, low };
            let text = token.to_string();
            prop_assert_eq!(&text, &format!("{:020}", token.number()));
            prop_assert_eq!(Token::parse(&text), Ok(token));
            let (class, block) = token.unweave();
            prop_assert_eq!(Token::weave(class, block), token);
        }
    }
}
