//! Which key every meter holds, and who has to act before when: the first three steps of a rollover as a table.
//!
//! A key ends twice: when the upper byte of the minute exceeds its expiry number (KEN; 255 means never), and when the
//! 24 bits of minutes from its base date are used up (24 November 2024 for base 1993, 2045 for 2014, 2066 for 2035).
//! Before the earlier of the two the meter needs key-change tokens, and every token sold afterwards under the old key
//! would be refused by a meter that looks as sound as ever.

use taa_tokens::sts::{Algorithm, BaseDate, KeyAttributes, KeyType, Tid};

use super::{Desk, Fate, KeyNote, VendId};
use crate::{MeterIx, config::MeterEntry};

/// A KEN after which no minute comes.
const KEN_NEVER: u8 = 255;
/// Minutes of one step of the KEN.
const MINUTES_PER_KEN: i64 = 1 << 16;

/// Why a key ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// Its expiry number.
    Ken,
    /// The minutes from its base date.
    Rollover,
}

/// What is to be done with a meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing within the horizon asked for.
    Fine,
    /// Key-change tokens before its last minute.
    ActBefore,
    /// It is past: tokens of today are refused until the key is changed.
    Passed,
    /// A key change is made or on its way.
    Changing(VendId),
    /// It holds a maker's or a default key and takes no credit: it was never taken into service.
    NotInService,
    /// The key of the records is none (numbers out of range): ask the maker.
    Unknown,
    /// No decoder: nothing to do.
    NoDecoder,
}

/// A meter and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which.
    pub meter: MeterIx,
    /// Its name.
    pub id: String,
    /// Its primary account number, 18 digits.
    pub pan: Option<String>,
    /// Somebody can type into it; `None`: nobody has said.
    pub keypad: Option<bool>,
    /// Tokens can be entered over DLMS; `None`: nobody has said.
    pub gateway: Option<bool>,
    /// The key that it holds as far as is known: supply group, revision, kind, tariff index, expiry number, base date.
    pub key: Option<KeyNote>,
    /// EA07 or EA11.
    pub algorithm: Option<Algorithm>,
    /// Tokens of a key change: two or four; 0: not known.
    pub change_tokens: usize,
    /// The minute of the newest token that it was seen to take, from 1970-01-01 00:00 UTC.
    pub last_token_minute: Option<i64>,
    /// Tokens that have left and were never seen entered: they die with the key.
    pub outstanding: usize,
    /// The last minute that its key opens, from 1970-01-01 00:00 UTC, and why.
    pub ends: Option<(i64, Ends)>,
    /// What is to be done.
    pub verdict: Verdict,
    /// Nobody and nothing can enter a token at this meter: it has to be visited or changed.
    pub unreachable: bool,
}

/// The last minute that a key opens, from 1970-01-01 00:00 UTC, and why.
#[must_use]
pub fn key_ends(key: &KeyAttributes) -> (i64, Ends) {
    let last = key.base_date.last_unix_minute();
    if key.ken == KEN_NEVER {
        return (last, Ends::Rollover);
    }
    let steps = i64::from(key.ken).saturating_add(1).saturating_mul(MINUTES_PER_KEN);
    let expiry = key.base_date.unix_minutes().saturating_add(steps).saturating_sub(1);
    if expiry < last { (expiry, Ends::Ken) } else { (last, Ends::Rollover) }
}

/// The fleet at this minute (from 1970-01-01 00:00 UTC); keys that end within so many days are to be changed.
#[must_use]
pub fn fleet_audit(entries: &[MeterEntry], desk: &Desk, unix_minute: i64, horizon_days: u32) -> Vec<Row> {
    let row = |(meter, entry)| row(meter, entry, desk, unix_minute, horizon_days);
    (0..).map(MeterIx).zip(entries).map(row).collect()
}

/// The same from a DCU's journal alone: names and keys are in it, decoders and keypads are not.
#[must_use]
pub fn journal_audit<'a>(
    names: impl IntoIterator<Item = &'a str>,
    desk: &Desk,
    unix_minute: i64,
    horizon_days: u32,
) -> Vec<Row> {
    let row = |(meter, name): (MeterIx, &str)| {
        let has_decoder = desk.meter(meter).is_some_and(|known| known.key().is_some());
        known_row((meter, name), has_decoder, desk, unix_minute, horizon_days)
    };
    (0..).map(MeterIx).zip(names).map(row).collect()
}

fn row(meter: MeterIx, entry: &MeterEntry, desk: &Desk, unix_minute: i64, horizon_days: u32) -> Row {
    let sts = entry.sts.as_ref();
    Row {
        pan: sts.map(|sts| sts.pan.to_string()),
        keypad: Some(sts.is_some_and(|sts| sts.keypad)),
        gateway: Some(sts.is_some_and(|sts| sts.gateway)),
        algorithm: sts.map(|sts| sts.algorithm),
        change_tokens: sts.map_or(0, |sts| sts.algorithm.key_change_tokens()),
        unreachable: sts.is_some_and(|sts| !sts.keypad && !sts.gateway && !sts.ble),
        ..known_row((meter, &entry.id), sts.is_some(), desk, unix_minute, horizon_days)
    }
}

/// What the desk knows of a meter.
fn known_row((meter, id): (MeterIx, &str), has_decoder: bool, desk: &Desk, unix_minute: i64, horizon_days: u32) -> Row {
    let known = desk.meter(meter);
    let key = known.and_then(|known| known.key());
    let attributes = key.and_then(|key| key.attributes());
    let ends = attributes.as_ref().map(key_ends);
    let horizon = unix_minute.saturating_add(i64::from(horizon_days).saturating_mul(1440));
    let changing = known.and_then(|known| known.changing());
    let verdict = match (has_decoder, attributes, ends, changing) {
        (false, ..) => Verdict::NoDecoder,
        (_, _, _, Some(id)) => Verdict::Changing(id),
        (_, Some(key), ..) if matches!(key.key_type, KeyType::Initialization | KeyType::Default) => {
            Verdict::NotInService
        }
        (_, Some(_), Some((last, _)), _) if last < unix_minute => Verdict::Passed,
        (_, Some(_), Some((last, _)), _) if last < horizon => Verdict::ActBefore,
        (_, Some(_), Some(_), _) => Verdict::Fine,
        _ => Verdict::Unknown,
    };
    Row {
        meter,
        id: id.to_owned(),
        pan: None,
        keypad: None,
        gateway: None,
        key,
        algorithm: None,
        change_tokens: 0,
        last_token_minute: known.and_then(|known| known.last_entered()),
        outstanding: desk.sales_of(meter).filter(|sale| matches!(sale.fate, Fate::Out { .. })).count(),
        ends,
        verdict,
        unreachable: false,
    }
}

/// The key that follows at a rollover: the next base date, and a revision that is not the old one's. `None` after 2035,
/// where no base date is defined.
#[must_use]
pub fn after_rollover(key: &KeyAttributes, krn: taa_tokens::sts::Krn) -> Option<KeyAttributes> {
    let base_date: BaseDate = key.base_date.next()?;
    Some(KeyAttributes { krn, base_date, ken: KEN_NEVER, ..*key })
}

/// Whether a token of this minute is within what the key opens.
#[must_use]
pub fn opens(key: &KeyAttributes, unix_minute: i64) -> bool {
    Tid::at(key.base_date, unix_minute).is_ok_and(|tid| tid.upper_byte() <= key.ken)
}

#[cfg(test)]
mod tests {
    use taa_tokens::sts::{Krn, Sgc, TariffIndex};

    use super::*;

    fn key(ken: u8, base_date: BaseDate) -> KeyAttributes {
        KeyAttributes {
            sgc: Sgc::new(1).unwrap(),
            krn: Krn::new(1).unwrap(),
            key_type: KeyType::Unique,
            ti: TariffIndex::new(1).unwrap(),
            ken,
            base_date,
        }
    }

    /// The last minute is the one at which the tokens' own rule turns, for every key.
    #[test]
    fn ends_where_tokens_end() {
        for base in [BaseDate::Y1993, BaseDate::Y2014, BaseDate::Y2035] {
            for ken in [0, 1, 44, 254, 255] {
                let key = key(ken, base);
                let (last, why) = key_ends(&key);
                assert!(opens(&key, last) && !opens(&key, last + 1), "{base:?} {ken}");
                assert_eq!(why == Ends::Rollover, ken == 255, "{base:?} {ken}");
            }
        }
        // 24 November 2024, 20:15: 20051 days from 1970.
        assert_eq!(key_ends(&key(255, BaseDate::Y1993)).0, 20_051 * 1440 + 20 * 60 + 15);
        let next = after_rollover(&key(255, BaseDate::Y1993), Krn::new(2).unwrap()).unwrap();
        assert_eq!((next.base_date, next.krn.number()), (BaseDate::Y2014, 2));
        assert_eq!(after_rollover(&key(255, BaseDate::Y2035), Krn::new(2).unwrap()), None);
    }
}
