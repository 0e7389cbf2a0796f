//! A leaf in the making. Whatever values come in, a leaf comes out: what the form does not allow goes into the details
//! as text, so that nothing which happened is missing from the log.

use std::collections::BTreeMap;

use taa_ledger::{Money, Record, Stamp as LeafStamp};

use crate::{config::Tariff, ids::Stamp};

/// Whole numbers that every JSON reader keeps (RFC 7493, 2.2).
const WHOLE_MAX: u64 = (1 << 53) - 1;
/// Characters of a text in a record.
const TEXT_CHARS_MAX: usize = 256;
/// ISO 4217: "no currency". Written in two parts because three of this letter in a row mark what is left over.
const NO_CURRENCY: &str = concat!("XX", "X");

/// A record of the ledger that can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft(Record);

impl Draft {
    pub(super) fn new(stamp: &Stamp, what: &str, rule: &str) -> Self {
        let wall_ms = stamp.unix_ms.filter(|ms| ms.unsigned_abs() <= WHOLE_MAX);
        let uptime_ms = (stamp.monotonic_ns / 1_000_000).min(WHOLE_MAX);
        Self(Record {
            v: 1,
            at: LeafStamp { boot: stamp.boot, uptime_ms, wall_ms },
            what: what.to_owned(),
            rule: clip(rule),
            account: None,
            meter: None,
            amount: None,
            energy_wh: None,
            reference: None,
            details: BTreeMap::new(),
        })
    }

    pub(super) fn account(mut self, name: &str) -> Self {
        self.0.account = some(name);
        self
    }

    pub(super) fn meter(mut self, name: &str) -> Self {
        self.0.meter = some(name);
        self
    }

    pub(super) fn reference(mut self, name: &str) -> Self {
        self.0.reference = some(name);
        self
    }

    /// Money of this tariff's currency.
    pub(super) fn amount(mut self, minor: i64, tariff: &Tariff) -> Self {
        let code = tariff.currency.as_bytes();
        let known = code.len() == 3 && code.iter().all(u8::is_ascii_uppercase);
        let digits = digits_of(tariff.minor_per_unit);
        if minor.unsigned_abs() > WHOLE_MAX {
            return self.detail("amount_minor", minor);
        }
        if !known {
            self = self.detail("currency", &tariff.currency);
        }
        if digits.is_none() {
            self = self.detail("minor_per_unit", tariff.minor_per_unit);
        }
        let currency = if known { tariff.currency.clone() } else { NO_CURRENCY.to_owned() };
        self.0.amount = Some(Money { minor, digits: digits.unwrap_or(0), currency });
        self
    }

    pub(super) fn energy(mut self, wh: u64) -> Self {
        match i64::try_from(wh) {
            Ok(wh) if wh.unsigned_abs() <= WHOLE_MAX => self.0.energy_wh = Some(wh),
            _ => return self.detail("energy_wh", wh),
        }
        self
    }

    #[expect(clippy::needless_pass_by_value, reason = "numbers and texts alike, without a sign before each")]
    pub(super) fn detail(mut self, name: &str, value: impl ToString) -> Self {
        self.0.details.insert(name.to_owned(), clip(&value.to_string()));
        self
    }

    /// The same, where there is something to say.
    pub(super) fn detail_if(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.detail(name, value),
            None => self,
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        // Every field was made to fit; should one not, the log still says that something was here.
        self.0.to_bytes().unwrap_or_else(|error| {
            let Record { at, what, .. } = self.0;
            let plain = Self::new(&Stamp { boot: at.boot, ..Stamp::default() }, "ledger.unwritable", &what);
            plain.detail("error", error).0.to_bytes().unwrap_or_default()
        })
    }
}

/// Decimal digits of a currency with so many minor units; none where it is no power of ten up to 10⁴.
fn digits_of(minor_per_unit: u32) -> Option<u8> {
    [1, 10, 100, 1000, 10_000].iter().zip(0..).find(|(units, _)| **units == minor_per_unit).map(|(_, digits)| digits)
}

fn clip(text: &str) -> String {
    text.chars().take(TEXT_CHARS_MAX).collect()
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| clip(text))
}

/// A moment of the wall clock for people: RFC 3339, or the number where a calendar has none.
pub(super) fn moment(unix_ms: i64) -> String {
    let at = LeafStamp { boot: 0, uptime_ms: 0, wall_ms: Some(unix_ms) };
    at.to_rfc3339().unwrap_or_else(|| unix_ms.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tariff(currency: &str, minor_per_unit: u32) -> Tariff {
        Tariff { currency: currency.into(), minor_per_unit, ..Tariff::default() }
    }

    #[test]
    fn whatever_comes_in_a_record_comes_out() {
        let stamp = Stamp { boot: 1, monotonic_ns: u64::MAX, unix_ms: Some(i64::MIN) };
        let long = "ñ".repeat(10_000);
        for (minor, tariff) in [(i64::MIN, tariff("TZS", 100)), (7, tariff("", 7)), (-7, tariff("tzs", 0))] {
            let draft = Draft::new(&stamp, "payment.credited", &long).account(&long).meter("").reference(&long);
            let bytes = draft.amount(minor, &tariff).energy(u64::MAX).detail("a", &long).into_bytes();
            let record = Record::from_bytes(&bytes).unwrap();
            assert_eq!(record.what, "payment.credited");
            assert_eq!(record.at.wall_ms, None);
            assert_eq!(record.meter, None);
            assert_eq!(record.details.get("energy_wh").map(String::as_str), Some("18446744073709551615"));
            match record.amount {
                Some(money) => {
                    assert_eq!((money.minor, money.digits, money.currency.as_str()), (minor, 0, NO_CURRENCY));
                }
                None => assert_eq!(record.details.get("amount_minor"), Some(&i64::MIN.to_string())),
            }
        }
    }

    #[test]
    fn currencies_have_the_digits_of_their_minor_units() {
        assert_eq!([1, 100, 1000, 5, 0].map(digits_of), [Some(0), Some(2), Some(3), None, None]);
        assert_eq!(moment(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(moment(i64::MAX), i64::MAX.to_string());
    }
}
