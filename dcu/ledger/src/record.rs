//! What a leaf of the billing ledger says: what happened, when, by which rule.
//!
//! A record's bytes are one line of JSON with the fields in a fixed order, without spaces: a regulator reads an entry
//! bundle with any text editor, and hashing needs no conversion. There is one way to write a record; what is written
//! another way is no record ([`RecordError::NotCanonical`]), so that no two entries say the same in different bytes.
//!
//! ```json
//! {"v":1,"at":{"boot":12,"uptime_ms":86400000,"wall_ms":1763740800000},"what":"payment.credited",
//!  "rule":"tariff/jija-2026a#energy","account":"A-17","meter":"ELS0001","amount":{"minor":500,"digits":0,
//!  "currency":"XOF"},"energy_wh":2500,"reference":"QKJ41H7LZ2","details":{"provider":"momo"}}
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::tile::ENTRY_BYTES_MAX;

/// Whole numbers that every JSON reader keeps (RFC 7493, 2.2).
const WHOLE_MAX: u64 = (1 << 53) - 1;
/// Characters of a name, rule or reference.
const TEXT_CHARS_MAX: usize = 256;

/// An entry of the billing ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Version of this form: 1.
    pub v: u8,
    /// When.
    pub at: Stamp,
    /// What happened, as lower-case words joined by dots: `payment.credited`, `relay.opened`.
    pub what: String,
    /// By which rule: tariff or policy, its version, and the clause of it.
    pub rule: String,
    /// Whose account.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account: Option<String>,
    /// Which meter.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub meter: Option<String>,
    /// Money moved; credits to the customer are positive.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub amount: Option<Money>,
    /// Energy that the record is about, in watt-hours.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub energy_wh: Option<i64>,
    /// The other side's name for it: a provider's transaction, a token, a corrected entry's index.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reference: Option<String>,
    /// More, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub details: BTreeMap<String, String>,
}

/// A time that survives clocks which step: the boot counts, the uptime orders, the wall clock dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stamp {
    /// Which boot.
    pub boot: u32,
    /// Milliseconds since that boot.
    pub uptime_ms: u64,
    /// Milliseconds since 1970 UTC as the clock stood; none while it was not set.
    pub wall_ms: Option<i64>,
}

/// An amount of money, exact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// In the smallest unit.
    pub minor: i64,
    /// Decimal digits of that unit (ISO 4217): 0 for XOF, 2 for KES.
    pub digits: u8,
    /// ISO 4217 code.
    pub currency: String,
}

/// Why something is no record. The writer's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Not JSON, or not these fields.
    #[error("not a record")]
    Unreadable,
    /// The same could be written in other bytes: order, spaces, escapes, repeated fields.
    #[error("a record written in another than the one way")]
    NotCanonical,
    /// A field's value is not allowed.
    #[error("the field `{0}` has a value that is not allowed")]
    Field(&'static str),
    /// Longer than an entry may be.
    #[error("a record of {0} bytes is too long")]
    TooLong(usize),
}

impl Record {
    /// The entry's bytes.
    ///
    /// # Errors
    /// [`RecordError::Field`], [`RecordError::TooLong`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, RecordError> {
        self.check()?;
        let bytes = serde_json::to_vec(self).map_err(|_| RecordError::Unreadable)?;
        if bytes.len() > ENTRY_BYTES_MAX { Err(RecordError::TooLong(bytes.len())) } else { Ok(bytes) }
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        let record: Self = serde_json::from_slice(bytes).map_err(|_| RecordError::Unreadable)?;
        if record.to_bytes()? == bytes { Ok(record) } else { Err(RecordError::NotCanonical) }
    }

    fn check(&self) -> Result<(), RecordError> {
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let words = |text: &str| {
            text.chars().count() <= TEXT_CHARS_MAX
                && text.split('.').all(|part| !part.is_empty() && part.chars().all(word))
        };
        let text = |text: &str| !text.is_empty() && text.chars().count() <= TEXT_CHARS_MAX;
        let optional = |value: &Option<String>| value.as_deref().is_none_or(text);
        let whole = |value: i64| value.unsigned_abs() <= WHOLE_MAX;
        let money = |money: &Money| {
            let code = money.currency.as_bytes();
            code.len() == 3 && code.iter().all(u8::is_ascii_uppercase) && money.digits <= 4 && whole(money.minor)
        };
        let fine = [
            ("v", self.v == 1),
            ("at", self.at.uptime_ms <= WHOLE_MAX && self.at.wall_ms.is_none_or(whole)),
            ("what", words(&self.what)),
            ("rule", text(&self.rule)),
            ("account", optional(&self.account)),
            ("meter", optional(&self.meter)),
            ("amount", self.amount.as_ref().is_none_or(money)),
            ("energy_wh", self.energy_wh.is_none_or(whole)),
            ("reference", optional(&self.reference)),
            ("details", self.details.keys().all(|key| words(key))),
        ];
        fine.into_iter().find(|(_, fine)| !fine).map_or(Ok(()), |(field, _)| Err(RecordError::Field(field)))
    }
}

impl Money {
    /// As a decimal number: `-12.50`.
    #[must_use]
    pub fn to_decimal(&self) -> String {
        let sign = if self.minor < 0 { "-" } else { "" };
        let digits = usize::from(self.digits);
        let whole = digits.saturating_add(1);
        let number = format!("{:0>whole$}", self.minor.unsigned_abs());
        match number.split_at_checked(number.len().saturating_sub(digits)) {
            Some((units, parts)) if digits > 0 => format!("{sign}{units}.{parts}"),
            _ => format!("{sign}{number}"),
        }
    }
}

impl Stamp {
    /// The wall clock as RFC 3339 has it, in UTC with milliseconds; none while it was not set, or outside of the years
    /// 0 to 9999.
    #[must_use]
    pub fn to_rfc3339(&self) -> Option<String> {
        const DAY_MS: i64 = 86_400_000;
        let wall = self.wall_ms?;
        let (day, ms) = (wall.div_euclid(DAY_MS), wall.rem_euclid(DAY_MS));
        let (year, month, day) = civil(day)?;
        let (h, m, s, ms) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
        Some(format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.{ms:03}Z"))
    }
}

/// Year, month and day of a day counted from 1970-01-01 (proleptic Gregorian): years that begin in March put the leap
/// day last, and 400 of them have 146,097 days.
fn civil(day: i64) -> Option<(i64, i64, i64)> {
    let from_march_0 = day.checked_add(719_468)?;
    let (era, in_era) = (from_march_0.div_euclid(146_097), from_march_0.rem_euclid(146_097));
    let leap_days = (in_era / 1460).saturating_sub(in_era / 36_524).saturating_add(in_era / 146_096);
    let year_in_era = in_era.saturating_sub(leap_days) / 365;
    let year_start = year_in_era.saturating_mul(365).saturating_add(year_in_era / 4).saturating_sub(year_in_era / 100);
    let in_year = in_era.saturating_sub(year_start);
    let from_march = in_year.saturating_mul(5).saturating_add(2) / 153;
    let month_start = from_march.saturating_mul(153).saturating_add(2) / 5;
    let day = in_year.saturating_sub(month_start).saturating_add(1);
    let month = if from_march < 10 { from_march.saturating_add(3) } else { from_march.saturating_sub(9) };
    let year = era.checked_mul(400)?.checked_add(year_in_era)?.checked_add(i64::from(month <= 2))?;
    (0..=9999).contains(&year).then_some((year, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn record() -> Record {
        Record {
            v: 1,
            at: Stamp { boot: 12, uptime_ms: 86_400_000, wall_ms: Some(1_763_740_800_123) },
            what: "payment.credited".into(),
            rule: "tariff/jija-2026a#energy".into(),
            account: Some("A-17".into()),
            meter: None,
            amount: Some(Money { minor: 500, digits: 0, currency: "XOF".into() }),
            energy_wh: Some(2500),
            reference: Some("QKJ41H7LZ2".into()),
            details: BTreeMap::from([("provider".into(), "momo \"é\"".into())]),
        }
    }

    #[test]
    fn bytes_go_both_ways_and_there_is_one_way_to_write_them() {
        let bytes = record().to_bytes().unwrap();
        assert_eq!(Record::from_bytes(&bytes), Ok(record()));
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with(r#"{"v":1,"at":{"boot":12,"uptime_ms":86400000,"wall_ms":1763740800123},"what":"#));
        for other in [
            text.replace(":1,", ": 1,"),
            text.replace("é", "\\u00e9"),
            text.replace(r#""account":"A-17","#, r#""account":null,"account":"A-17","#),
            text.replace(
                r#""energy_wh":2500,"reference":"QKJ41H7LZ2","#,
                r#""reference":"QKJ41H7LZ2","energy_wh":2500,"#,
            ),
        ] {
            let refused = Record::from_bytes(other.as_bytes());
            assert!(matches!(refused, Err(RecordError::NotCanonical | RecordError::Unreadable)), "{other}");
        }
        assert_eq!(Record::from_bytes(b"{}"), Err(RecordError::Unreadable));
        assert_eq!(
            Record::from_bytes(text.replace("500,\"digits", "5e2,\"digits").as_bytes()),
            Err(RecordError::Unreadable)
        );
    }

    #[test]
    fn values_that_readers_would_take_differently_are_refused() {
        let refused = |change: fn(&mut Record)| {
            let mut record = record();
            change(&mut record);
            record.to_bytes().unwrap_err()
        };
        assert_eq!(refused(|r| r.energy_wh = Some(1 << 53)), RecordError::Field("energy_wh"));
        assert_eq!(refused(|r| r.what = "Payment Credited".into()), RecordError::Field("what"));
        assert_eq!(refused(|r| r.rule.clear()), RecordError::Field("rule"));
        assert_eq!(
            refused(|r| r.amount = Some(Money { minor: 1, digits: 0, currency: "xof".into() })),
            RecordError::Field("amount")
        );
        assert!(matches!(
            refused(|r| drop(r.details.insert("a".into(), "x".repeat(70_000)))),
            RecordError::TooLong(bytes) if bytes > 70_000
        ));
    }

    #[test]
    fn money_and_time_read_as_people_write_them() {
        let money = |minor, digits| Money { minor, digits, currency: "KES".into() }.to_decimal();
        assert_eq!([money(5, 2), money(-1250, 2), money(500, 0), money(-7, 3)], ["0.05", "-12.50", "500", "-0.007"]);
        let at = |wall_ms| Stamp { boot: 0, uptime_ms: 0, wall_ms }.to_rfc3339();
        assert_eq!(at(Some(0)).unwrap(), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(Some(951_782_400_000)).unwrap(), "2000-02-29T00:00:00.000Z");
        assert_eq!(at(Some(-1)).unwrap(), "1969-12-31T23:59:59.999Z");
        assert_eq!(at(Some(4_107_542_399_999)).unwrap(), "2100-02-28T23:59:59.999Z");
        assert_eq!(at(Some(4_107_542_400_000)).unwrap(), "2100-03-01T00:00:00.000Z");
        assert_eq!(at(Some(1_763_740_800_123)).unwrap(), "2025-11-21T16:00:00.123Z");
        assert_eq!([at(None), at(Some(i64::MAX)), at(Some(i64::MIN))], [None, None, None]);
    }
}
