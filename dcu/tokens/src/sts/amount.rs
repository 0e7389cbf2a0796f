//! Amounts in tokens: sixteen bits with a decimal exponent (IEC 62055-41).
//!
//! A field with exponent *e* (the two upper bits) and mantissa *m* (the lower 14) means 10^e · m, plus what all smaller
//! exponents reach: 2^14 · (1 + 10 + … + 10^(e−1)). The step between two amounts therefore grows with the amount, and an
//! amount that falls between two is rounded **up**, in the customer's favour. Billing must book [`Amount::units`], what
//! the meter will credit, never what was asked for.

const MANTISSA_BITS: u32 = 14;
const MANTISSA_MAX: u128 = (1 << MANTISSA_BITS) - 1;
const AMOUNT_EXPONENT_MAX: u32 = 3;
const CURRENCY_EXPONENT_MAX: u32 = 31;

/// An amount above what the field can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than a token can carry")]
pub struct TooMuch;

/// Credit, or a limit of power, in the field's own unit: 0.1 kWh, 0.1 m³; for limits one watt.
///
/// The unit of gas and time changed with the standard's third edition ("finer resolution"); the sources at hand do not
/// state the new one, so the number is handed on as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u16);

impl Amount {
    /// The largest amount: 1820162.4 kWh.
    pub const MAX_UNITS: u32 = 18_201_624;

    /// The smallest amount that is not less than `units`.
    ///
    /// # Errors
    /// [`TooMuch`] above [`Self::MAX_UNITS`].
    pub fn at_least(units: u32) -> Result<Self, TooMuch> {
        let (exponent, mantissa) = compress(u128::from(units), AMOUNT_EXPONENT_MAX).ok_or(TooMuch)?;
        Ok(Self((exponent as u16 & 0b11) << MANTISSA_BITS | mantissa))
    }

    /// From the field.
    #[must_use]
    pub const fn from_field(field: u16) -> Self {
        Self(field)
    }

    /// The field.
    #[must_use]
    pub const fn field(self) -> u16 {
        self.0
    }

    /// What the meter makes of it.
    #[must_use]
    pub fn units(self) -> u32 {
        let exponent = u32::from(self.0 >> MANTISSA_BITS);
        u32::try_from(expand(exponent, self.0)).unwrap_or(u32::MAX)
    }
}

/// Credit in money, in 1/100000 of the currency's base unit, with a sign: the field of subclasses 4 to 7 and the four
/// bits before it (sign, and the upper three of five bits of exponent).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    sign_and_exponent: u8,
    field: u16,
}

impl Money {
    /// The amount whose magnitude is the smallest not less than that of `value`.
    ///
    /// # Errors
    /// [`TooMuch`].
    pub fn at_least(value: i128) -> Result<Self, TooMuch> {
        let (exponent, mantissa) = compress(value.unsigned_abs(), CURRENCY_EXPONENT_MAX).ok_or(TooMuch)?;
        let sign = if value < 0 { 0b1000 } else { 0 };
        let low = (exponent & 0b11) as u16;
        Ok(Self { sign_and_exponent: sign | (exponent >> 2 & 0b111) as u8, field: low << MANTISSA_BITS | mantissa })
    }

    /// From the two fields; of the first, the lower four bits.
    #[must_use]
    pub const fn from_fields(sign_and_exponent: u8, field: u16) -> Self {
        Self { sign_and_exponent: sign_and_exponent & 0b1111, field }
    }

    /// Sign (bit 3) and the upper three bits of the exponent.
    #[must_use]
    pub const fn sign_and_exponent(self) -> u8 {
        self.sign_and_exponent
    }

    /// The lower two bits of the exponent, and the mantissa.
    #[must_use]
    pub const fn field(self) -> u16 {
        self.field
    }

    /// What the meter makes of it, 1/100000 of the currency's base unit.
    #[must_use]
    pub fn value(self) -> i128 {
        let high = u32::from(self.sign_and_exponent & 0b111);
        let exponent = high << 2 | u32::from(self.field >> MANTISSA_BITS);
        let magnitude = i128::try_from(expand(exponent, self.field)).unwrap_or(i128::MAX);
        if self.sign_and_exponent & 0b1000 == 0 { magnitude } else { magnitude.saturating_neg() }
    }
}

/// What exponents below this one reach. At most 2^14 · (10^31 − 1) / 9, which 128 bits hold with ease.
fn reached_below(exponent: u32) -> u128 {
    (0..exponent).map(power).fold(0, |sum, power| power.saturating_mul(1 << MANTISSA_BITS).saturating_add(sum))
}

fn power(exponent: u32) -> u128 {
    10_u128.saturating_pow(exponent)
}

fn expand(exponent: u32, field: u16) -> u128 {
    let mantissa = u128::from(field) & MANTISSA_MAX;
    power(exponent).saturating_mul(mantissa).saturating_add(reached_below(exponent))
}

/// The smallest exponent that reaches so far, and the mantissa rounded up.
fn compress(value: u128, exponent_max: u32) -> Option<(u32, u16)> {
    let mut below = 0_u128;
    let mut power = 1_u128;
    for exponent in 0..=exponent_max {
        let mantissa = value.saturating_sub(below).div_ceil(power);
        if mantissa <= MANTISSA_MAX {
            return Some((exponent, (mantissa & MANTISSA_MAX) as u16));
        }
        below = power.saturating_mul(1 << MANTISSA_BITS).saturating_add(below);
        power = power.saturating_mul(10);
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn between_two_exponents() {
        assert_eq!(Amount::at_least(180_215).map(Amount::units), Ok(180_224));
        assert_eq!(Amount::at_least(Amount::MAX_UNITS).map(Amount::field), Ok(0xFFFF));
        assert_eq!(Amount::at_least(Amount::MAX_UNITS + 1), Err(TooMuch));
        assert_eq!(Money::at_least(i128::MAX), Err(TooMuch));
        assert_eq!(Money::at_least(-5_000_000_000).map(Money::sign_and_exponent), Ok(0b1001));
    }

    proptest! {
        #[test]
        fn every_field_comes_back(field: u16) {
            let amount = Amount::from_field(field);
            prop_assert_eq!(Amount::at_least(amount.units()), Ok(amount));
        }

        #[test]
        fn never_less_than_paid_and_never_a_step_more(units in 0..=Amount::MAX_UNITS) {
            let amount = Amount::at_least(units).unwrap();
            prop_assert!(amount.units() >= units);
            if let Some(field) = amount.field().checked_sub(1) {
                prop_assert!(Amount::from_field(field).units() < units || amount.units() == units);
            }
        }

        #[test]
        fn money_comes_back(sign_and_exponent in 0..16_u8, field: u16) {
            let money = Money::from_fields(sign_and_exponent, field);
            let again = Money::at_least(money.value()).unwrap();
            prop_assert_eq!(again.value(), money.value());
        }
    }
}
