//! Amounts as providers write them, exactly: decimal text to minor units.

use taa_dcu::payment::AMOUNT_MINOR_MAX;

/// Longest text read. Sixteen digits, a point, and room for zeros.
const TEXT_BYTES_MAX: usize = 32;

/// Why a text is no amount. Whoever wrote it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AmountError {
    /// Not digits with at most one point between them.
    #[error("not a decimal number")]
    NotANumber,
    /// Below zero.
    #[error("below zero")]
    Negative,
    /// Zero.
    #[error("zero")]
    Zero,
    /// It has digits that the currency does not have.
    #[error("more digits than the currency has")]
    TooPrecise,
    /// Larger than any account may hold.
    #[error("larger than {AMOUNT_MINOR_MAX} minor units")]
    TooLarge,
    /// The currency's minor unit is no decimal number.
    #[error("the configured minor unit is no decimal part of the currency's")]
    MinorUnit,
}

/// Minor units of a decimal text: "10", "10.0" and "10.00" are the same. Zeros beyond the currency's digits change
/// nothing and pass ("1000.00" of a currency without minor unit); any other digit there is refused, never rounded.
///
/// # Errors
/// [`AmountError`].
pub fn minor_units(text: &str, minor_per_unit: u32) -> Result<i64, AmountError> {
    if !has_decimals(minor_per_unit) {
        return Err(AmountError::MinorUnit);
    }
    if text.len() > TEXT_BYTES_MAX {
        return Err(AmountError::TooLarge);
    }
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return Err(AmountError::NotANumber);
    }
    let zero = |part: &str| part.bytes().all(|byte| byte == b'0');
    if zero(whole) && zero(fraction) {
        return Err(AmountError::Zero);
    }
    if negative {
        return Err(AmountError::Negative);
    }
    let fraction = fraction.trim_end_matches('0');
    let mut units = 0_i128;
    for byte in whole.bytes().chain(fraction.bytes()) {
        // 32 digits at most.
        units = units.saturating_mul(10).saturating_add(i128::from(byte.wrapping_sub(b'0')));
    }
    let parts =
        10_i128.checked_pow(u32::try_from(fraction.len()).unwrap_or(u32::MAX)).ok_or(AmountError::TooPrecise)?;
    let minor = units.checked_mul(i128::from(minor_per_unit)).ok_or(AmountError::TooLarge)?;
    if minor.checked_rem(parts) != Some(0) {
        return Err(AmountError::TooPrecise);
    }
    let minor = minor.checked_div(parts).and_then(|minor| i64::try_from(minor).ok()).ok_or(AmountError::TooLarge)?;
    if minor > AMOUNT_MINOR_MAX { Err(AmountError::TooLarge) } else { Ok(minor) }
}

/// Every sum of such minor units is a decimal number: nothing but twos and fives divides the unit.
#[must_use]
pub fn has_decimals(minor_per_unit: u32) -> bool {
    let mut left = minor_per_unit;
    for factor in [2, 5] {
        while left > 1 && left.checked_rem(factor) == Some(0) {
            left = left.checked_div(factor).unwrap_or(0);
        }
    }
    left == 1
}

/// The same with commas between groups of three digits, as text messages have them ("1,250.00").
///
/// # Errors
/// [`AmountError`].
pub fn grouped_minor_units(text: &str, minor_per_unit: u32) -> Result<i64, AmountError> {
    let whole = text.split('.').next().unwrap_or(text);
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or("").len();
    let mut rest = groups.peekable();
    let grouped = rest.peek().is_some();
    if !rest.all(|group| group.len() == 3) || (grouped && !(1..=3).contains(&first)) {
        return Err(AmountError::NotANumber);
    }
    minor_units(&text.replace(',', ""), minor_per_unit)
}

/// Minor units as a decimal text with all digits of the currency.
#[must_use]
pub fn decimal(minor: i64, minor_per_unit: u32) -> String {
    let per_unit = i64::from(minor_per_unit.max(1));
    // A unit of 5 or 20 parts has decimals of its own: 0.2, 0.05.
    let digits = (0_u32..).take(10).find(|digits| 10_i64.saturating_pow(*digits).checked_rem(per_unit) == Some(0));
    let digits = digits.unwrap_or(0);
    let scale = 10_i64.saturating_pow(digits).checked_div(per_unit).unwrap_or(1);
    let (whole, rest) = (minor.checked_div(per_unit).unwrap_or(0), minor.checked_rem(per_unit).unwrap_or(0));
    let (rest, width) = (rest.saturating_mul(scale), digits as usize);
    if width == 0 { format!("{whole}") } else { format!("{whole}.{rest:0width$}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_an_amount_and_what_is_not() {
        for (text, minor) in
            [("10", 1000), ("10.0", 1000), ("10.00", 1000), ("10.000", 1000), ("0.01", 1), ("007.5", 750)]
        {
            assert_eq!(minor_units(text, 100), Ok(minor), "{text}");
        }
        assert_eq!(minor_units("1000.00", 1), Ok(1000));
        assert_eq!(minor_units("1.234", 1000), Ok(1234));
        for (text, error) in [
            ("", AmountError::NotANumber),
            (".5", AmountError::NotANumber),
            ("5.", AmountError::NotANumber),
            ("1e3", AmountError::NotANumber),
            ("+1", AmountError::NotANumber),
            ("1,000", AmountError::NotANumber),
            ("٣", AmountError::NotANumber),
            ("1.5.2", AmountError::NotANumber),
            ("-5", AmountError::Negative),
            ("-0.00", AmountError::Zero),
            ("0", AmountError::Zero),
            ("1.005", AmountError::TooPrecise),
            ("90071992547409.92", AmountError::TooLarge),
            ("99999999999999999999", AmountError::TooLarge),
        ] {
            assert_eq!(minor_units(text, 100), Err(error), "{text}");
        }
        assert_eq!(minor_units("1.5", 1), Err(AmountError::TooPrecise));
        for odd in [0, 3, 60, 999] {
            assert_eq!(minor_units("1", odd), Err(AmountError::MinorUnit));
        }
        assert_eq!((minor_units("1.2", 5), minor_units("0.1", 5)), (Ok(6), Err(AmountError::TooPrecise)));
        assert_eq!((decimal(6, 5), decimal(1, 20), decimal(7, 8)), ("1.2".into(), "0.05".into(), "0.875".into()));
        assert_eq!(grouped_minor_units("1,250.00", 100), Ok(125_000));
        assert_eq!(grouped_minor_units("1250", 100), Ok(125_000));
        for wrong in ["12,50.00", "1,2500", ",250", "1250,000"] {
            assert_eq!(grouped_minor_units(wrong, 100), Err(AmountError::NotANumber), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn decimals_survive(minor in 1..=AMOUNT_MINOR_MAX, at in 0_usize..9) {
            // 5: the ouguiya and the ariary.
            let per_unit = [1, 10, 100, 1000, 5, 20, 2, 8, 500][at];
            prop_assert_eq!(minor_units(&decimal(minor, per_unit), per_unit), Ok(minor));
        }
    }
}
