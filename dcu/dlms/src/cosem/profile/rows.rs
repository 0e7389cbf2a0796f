//! Rows as a client gets them: one flat table, so that a year of rows is one allocation.

use crate::axdr::{self, DateTime, Octets, Tag, Value};
use crate::error::PeerFault;
use crate::wire::Reader;

/// Rows of a profile.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProfileRows {
    columns: usize,
    values: Vec<Value>,
    utc_offset_s: i32,
}

impl ProfileRows {
    /// Reads a whole buffer: an array of structures, or a compact array of them. What was held before is dropped, its
    /// memory used again. `utc_offset_s` serves stamps whose deviation is unspecified.
    ///
    /// # Errors
    /// [`PeerFault::Undecodable`], or [`PeerFault::WrongType`] for what is no list of rows of one width.
    pub fn decode(&mut self, encoded: &[u8], utc_offset_s: i32) -> Result<(), PeerFault> {
        self.clear(utc_offset_s);
        self.read(encoded)
    }

    /// Columns of each row.
    #[must_use]
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len().checked_div(self.columns).unwrap_or(0)
    }

    /// No rows.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The rows, in the meter's order: oldest first.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[Value]> {
        self.values.chunks_exact(self.columns.max(1))
    }

    /// Capture time of a row (its first date-time), seconds since 1970 UTC.
    #[must_use]
    pub fn unix_s(&self, row: &[Value]) -> Option<i64> {
        row.iter().find_map(Value::date_time)?.unix_s(self.utc_offset_s)
    }

    /// Replaces each null by the value above it; a null in a column of times by the time above plus the capture
    /// period; and each delta (delta value encoding) by the value above plus that difference. Nulls and deltas of the
    /// first row stay, and so does a delta that leads out of its type.
    pub fn expand_nulls(&mut self, capture_period_s: u32) {
        let offset_s = self.utc_offset_s;
        for index in self.columns..self.values.len() {
            let delta = match self.values.get(index) {
                Some(Value::Null) => None,
                Some(value) => match value.delta() {
                    Some(delta) => Some(delta),
                    None => continue,
                },
                None => continue,
            };
            let Some(above) = index.checked_sub(self.columns).and_then(|above| self.values.get(above)) else {
                continue;
            };
            let value = match delta {
                Some(delta) => above.plus(delta),
                None => Some(later(above, capture_period_s, offset_s).unwrap_or_else(|| above.clone())),
            };
            if let (Some(value), Some(slot)) = (value, self.values.get_mut(index)) {
                *slot = value;
            }
        }
    }

    /// Keeps the newest `count` rows.
    pub(crate) fn keep_last(&mut self, count: u32) {
        let excess = self.len().saturating_sub(count as usize).saturating_mul(self.columns);
        self.values.drain(..excess);
    }

    pub(crate) fn clear(&mut self, utc_offset_s: i32) {
        self.values.clear();
        self.columns = 0;
        self.utc_offset_s = utc_offset_s;
    }

    pub(crate) const fn heap_bytes(&self) -> usize {
        self.values.capacity().saturating_mul(size_of::<Value>())
    }

    pub(crate) fn shrink(&mut self) {
        self.values = Vec::new();
    }

    /// Takes the whole rows at the beginning of a buffer that ends early: an array of structures. Nothing of another
    /// form, as it cannot be told where it ends.
    pub(crate) fn read_begun(&mut self, encoded: &[u8]) {
        let mut reader = Reader::new(encoded);
        if reader.u8() != Ok(Tag::Array as u8) || reader.length().is_err() {
            return;
        }
        while let Ok(row) = axdr::decode(&mut reader) {
            let Value::Structure(cells) = row else { return };
            if self.begin_row(cells.len()).is_err() {
                return;
            }
            self.values.extend(cells);
        }
    }

    /// Capture time of the last row, when it carries one.
    pub(crate) fn last_unix_s(&self) -> Option<i64> {
        self.rows().nth(self.len().checked_sub(1)?).and_then(|row| self.unix_s(row))
    }

    /// Drops rows at the end that carry no time of their own (null: as the row before, one period later).
    pub(crate) fn drop_untimed_tail(&mut self) {
        while !self.is_empty() && self.last_unix_s().is_none() {
            self.values.truncate(self.values.len().saturating_sub(self.columns));
        }
    }

    /// Drops rows from `from` on that are not later than the row before it: they have been asked for twice.
    pub(crate) fn drop_repeats(&mut self, from: usize) {
        let time = |rows: &Self, at: usize| {
            rows.rows().nth(at).and_then(|row| row.iter().find_map(Value::date_time)).and_then(|t| t.unix_s(0))
        };
        let Some(last) = from.checked_sub(1).and_then(|at| time(self, at)) else { return };
        let mut repeats = from;
        while time(self, repeats).is_some_and(|unix_s| unix_s <= last) {
            repeats = repeats.saturating_add(1);
        }
        self.values.drain(from.saturating_mul(self.columns)..repeats.saturating_mul(self.columns));
    }

    /// Takes a buffer: an array of structures, or a compact array of them.
    pub(crate) fn read(&mut self, encoded: &[u8]) -> Result<(), PeerFault> {
        const NOT_ROWS: PeerFault = PeerFault::WrongType { what: "rows of a profile" };
        let mut reader = Reader::new(encoded);
        match reader.peek() {
            Some(tag) if tag == Tag::Array as u8 => {
                reader.u8()?;
                let count = reader.length()?;
                for row in 0..count {
                    if reader.u8()? != Tag::Structure as u8 {
                        return Err(NOT_ROWS);
                    }
                    let columns = reader.length()?;
                    self.begin_row(columns)?;
                    if row == 0 {
                        // Every cell takes at least a byte: no more than the bytes at hand can hold.
                        self.values.reserve(count.saturating_mul(columns).min(reader.len()));
                    }
                    for _ in 0..columns {
                        self.values.push(cell(&mut reader)?);
                    }
                }
            }
            _ => {
                let Value::CompactArray(array) = axdr::decode(&mut reader)? else { return Err(NOT_ROWS) };
                for row in array.elements() {
                    let Value::Structure(cells) = row else { return Err(NOT_ROWS) };
                    self.begin_row(cells.len())?;
                    self.values.extend_from_slice(cells);
                }
            }
        }
        reader.finish()?;
        Ok(())
    }

    const fn begin_row(&mut self, columns: usize) -> Result<(), PeerFault> {
        if columns == 0 {
            return Err(PeerFault::WrongType { what: "row without columns" });
        }
        if self.values.is_empty() {
            self.columns = columns;
        }
        if self.columns == columns { Ok(()) } else { Err(PeerFault::WrongType { what: "rows of unequal length" }) }
    }
}

/// One cell. What profiles consist of is read here and now, the rest by the general decoder.
#[inline]
fn cell(reader: &mut Reader<'_>) -> Result<Value, PeerFault> {
    let (value, used) = match *reader.rest() {
        [OCTET_STRING, 12, a, b, c, d, e, f, g, h, i, j, k, l, ..] => {
            (Value::OctetString(Octets::from([a, b, c, d, e, f, g, h, i, j, k, l])), 14)
        }
        [U32, a, b, c, d, ..] => (Value::U32(u32::from_be_bytes([a, b, c, d])), 5),
        [U16, a, b, ..] => (Value::U16(u16::from_be_bytes([a, b])), 3),
        [U8, a, ..] => (Value::U8(a), 2),
        [0, ..] => (Value::Null, 1),
        _ => return Ok(axdr::decode(reader)?),
    };
    reader.take(used)?;
    Ok(value)
}

const OCTET_STRING: u8 = Tag::OctetString as u8;
const U32: u8 = Tag::DoubleLongUnsigned as u8;
const U16: u8 = Tag::LongUnsigned as u8;
const U8: u8 = Tag::Unsigned as u8;

fn later(value: &Value, period_s: u32, utc_offset_s: i32) -> Option<Value> {
    let stamp = value.date_time()?;
    let offset_s = match stamp.deviation_min {
        DateTime::DEVIATION_UNSPECIFIED => utc_offset_s,
        minutes => i32::from(minutes).saturating_mul(-60),
    };
    let mut next = DateTime::from_unix_s(stamp.unix_s(offset_s)?.saturating_add(i64::from(period_s)), offset_s);
    next.deviation_min = stamp.deviation_min;
    next.status = stamp.status;
    Some(Value::OctetString(next.to_octets().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_and_deltas_are_undone() {
        let mut rows = ProfileRows::default();
        // Two columns: u32 1000, then +5, then null, then −2; u8 250 with deltas +3 and +9, which leaves the type.
        let buffer = [1, 4, 2, 2, 6, 0, 0, 3, 0xE8, 17, 250, 2, 2, 31, 5, 28, 3, 2, 2, 0, 28, 9, 2, 2, 28, 0xFE, 17, 7];
        rows.read(&buffer).unwrap();
        rows.expand_nulls(3600);
        let first: Vec<_> = rows.rows().map(|row| row[0].clone()).collect();
        assert_eq!(first, [1000, 1005, 1005, 1003].map(Value::U32));
        let second: Vec<_> = rows.rows().map(|row| row[1].clone()).collect();
        assert_eq!(second, [Value::U8(250), Value::U8(253), Value::DeltaI8(9), Value::U8(7)]);
    }
}
