//! What a token is worth, exactly.
//!
//! Money is counted here in 1/100000 of the currency's unit, the unit of tokens in money ("u"). Amounts of accounts are
//! minor units; with 1, 10, 100 or 1000 of them to the unit they are whole numbers of u
//! ([`Contradiction::MinorUnits`](crate::config::Contradiction::MinorUnits) names any other currency).

use taa_tokens::sts::{Amount, Money};

use super::Said;

/// u in one unit of the currency.
const U_PER_UNIT: i64 = 100_000;
/// 0.1 kWh, the unit of tokens in energy, is a tenth of what prices are for.
const TENTHS_PER_KWH: i64 = 10;

/// u in one minor unit; `None` where they do not divide.
#[must_use]
pub const fn u_per_minor(minor_per_unit: u32) -> Option<i64> {
    match minor_per_unit {
        1 | 10 | 100 | 1000 => U_PER_UNIT.checked_div(minor_per_unit as i64),
        _ => None,
    }
}

/// A content and what it is worth, u: the most that `due_u` pays for; `None` where that is nothing.
#[must_use]
pub fn most_money(due_u: i64) -> Option<(Said, i64)> {
    let due = u64::try_from(due_u).ok().filter(|due| *due > 0)?;
    let money = Money::at_least(due.into()).ok()?;
    let money = if money.value() > i128::from(due) { money_before(money)? } else { money };
    let worth_u = i64::try_from(money.value()).ok().filter(|worth| *worth > 0)?;
    Some((Said::Money { sign_and_exponent: money.sign_and_exponent(), field: money.field() }, worth_u))
}

/// The same in energy, at this price.
#[must_use]
pub fn most_energy(due_u: i64, price_per_kwh_minor: i64, u_per_minor: i64) -> Option<(Said, i64)> {
    let price_u = tenth_price_u(price_per_kwh_minor, u_per_minor)?;
    let tenths = u32::try_from(due_u.checked_div(price_u)?).ok()?.min(Amount::MAX_UNITS);
    let amount = Amount::at_least(tenths).ok()?;
    let amount = if amount.units() > tenths { amount_before(amount)? } else { amount };
    let worth_u = i64::from(amount.units()).checked_mul(price_u).filter(|worth| *worth > 0)?;
    Some((Said::Energy { field: amount.field() }, worth_u))
}

/// Energy that somebody has paid for elsewhere: the most that does not exceed it, and what it is worth at this price, u.
#[must_use]
pub fn energy(wh: i64, price_per_kwh_minor: i64, u_per_minor: i64) -> Option<(Said, i64)> {
    let tenths = u32::try_from(wh.checked_div(100)?).ok().filter(|tenths| *tenths > 0)?;
    let amount = Amount::at_least(tenths).ok()?;
    let amount = if amount.units() > tenths { amount_before(amount)? } else { amount };
    let price_u = tenth_price_u(price_per_kwh_minor, u_per_minor).unwrap_or(0);
    Some((Said::Energy { field: amount.field() }, i64::from(amount.units()).checked_mul(price_u)?))
}

/// Price of 0.1 kWh, u. Exact for 1, 10, 100, 1000 minor units to the unit.
fn tenth_price_u(price_per_kwh_minor: i64, u_per_minor: i64) -> Option<i64> {
    price_per_kwh_minor.checked_mul(u_per_minor)?.checked_div(TENTHS_PER_KWH).filter(|price| *price > 0)
}

/// The next smaller amount that a token can carry: fields count up with the amount.
fn money_before(money: Money) -> Option<Money> {
    let number = u32::from(money.sign_and_exponent()) << 16 | u32::from(money.field());
    let [_, exponent, high, low] = number.checked_sub(1)?.to_be_bytes();
    Some(Money::from_fields(exponent, u16::from_be_bytes([high, low])))
}

fn amount_before(amount: Amount) -> Option<Amount> {
    amount.field().checked_sub(1).map(Amount::from_field)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn money_of(said: &Said) -> i128 {
        let Said::Money { sign_and_exponent, field } = *said else { panic!("{said:?}") };
        Money::from_fields(sign_and_exponent, field).value()
    }

    #[test]
    fn small_change() {
        assert_eq!(most_money(0), None);
        assert_eq!(most_money(-5), None);
        assert_eq!(most_money(7).map(|(_, worth)| worth), Some(7));
        // 0.1 kWh costs 1000 minor units.
        assert_eq!(most_energy(999_000, 10_000, 1000), None);
        assert_eq!(most_energy(1_999_000, 10_000, 1000).map(|(_, worth)| worth), Some(1_000_000));
        assert_eq!(most_energy(1, 0, 1000), None, "without a price nothing can be sold by money");
        assert_eq!(u_per_minor(100), Some(1000));
        assert_eq!(u_per_minor(7), None);
    }

    proptest! {
        /// Never more than is due; what is left is less than the step at that height (1/16384 of it, or one u).
        #[test]
        fn money_is_kept(due in 1..1_000_000_000_000_000_i64) {
            let (said, worth) = most_money(due).unwrap();
            prop_assert_eq!(money_of(&said), i128::from(worth));
            prop_assert!(worth <= due && (due - worth) <= due / 1600, "{} of {}", worth, due);
        }

        #[test]
        fn energy_is_kept(due in 1..1_000_000_000_000_i64, price in 1..1_000_000_i64) {
            if let Some((Said::Energy { field }, worth)) = most_energy(due, price, 1000) {
                let units = Amount::from_field(field).units();
                prop_assert_eq!(i64::from(units) * price * 100, worth);
                prop_assert!(worth <= due);
            }
        }
    }
}
