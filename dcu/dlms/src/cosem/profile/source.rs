//! The server side: which rows a selection means, and putting them into an answer.

use super::{CaptureObject, SELECTOR_ENTRY, SELECTOR_RANGE};
use crate::apdu::{DataAccessResult, Selection};
use crate::axdr::{Value, decode_all, put_array, put_structure};
use crate::cosem::clock;

/// Rows as a meter keeps them.
pub trait ProfileSource {
    /// How many rows.
    fn len(&self) -> usize;
    /// No rows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The columns.
    fn columns(&self) -> &[CaptureObject];
    /// Capture time of a row, seconds since 1970 UTC. Rows need not be in order of it: clocks are set.
    fn unix_s(&self, row: usize) -> i64;
    /// Appends one cell.
    fn put_cell(&self, row: usize, column: usize, out: &mut Vec<u8>);
}

/// Appends the buffer, or the part of it that is selected. `utc_offset_s` serves bounds whose deviation is unspecified.
///
/// # Errors
/// [`DataAccessResult::TypeUnmatched`] for parameters of another shape, [`DataAccessResult::OtherReason`] for a
/// restricting object that is neither a clock nor captured, or a column that is not captured.
pub fn put_buffer(
    source: &impl ProfileSource,
    selection: Option<Selection<'_>>,
    utc_offset_s: i32,
    out: &mut Vec<u8>,
) -> Result<(), DataAccessResult> {
    let all_columns: Vec<usize> = (0..source.columns().len()).collect();
    let Some(selection) = selection else {
        put_rows(source, 0..source.len(), source.len(), &all_columns, out);
        return Ok(());
    };
    let parameters = decode_all(selection.parameters).map_err(|_| DataAccessResult::TypeUnmatched)?;
    let fields = parameters.elements().ok_or(DataAccessResult::TypeUnmatched)?;
    match i8::try_from(selection.selector) {
        Ok(SELECTOR_RANGE) => {
            let [restricting, from, to, columns] = fields else { return Err(DataAccessResult::TypeUnmatched) };
            let restricting = CaptureObject::from_value(restricting).ok_or(DataAccessResult::TypeUnmatched)?;
            let columns = selected_columns(source, columns, all_columns)?;
            let rows = if restricting.class == clock::CLASS {
                let bound = |value: &Value| value.date_time().and_then(|stamp| stamp.unix_s(utc_offset_s));
                let (Some(from), Some(to)) = (bound(from), bound(to)) else {
                    return Err(DataAccessResult::TypeUnmatched);
                };
                rows_within(source.len(), from, to, |row| Some(source.unix_s(row)))
            } else {
                let column = source.columns().iter().position(|column| *column == restricting);
                let column = column.ok_or(DataAccessResult::OtherReason)?;
                let (Some(from), Some(to)) = (from.as_i64(), to.as_i64()) else {
                    return Err(DataAccessResult::TypeUnmatched);
                };
                rows_within(source.len(), from, to, |row| cell(source, row, column).as_i64())
            };
            put_rows(source, rows.iter().copied(), rows.len(), &columns, out);
        }
        Ok(SELECTOR_ENTRY) => {
            let [Value::U32(from), Value::U32(to), Value::U16(first), Value::U16(last)] = fields else {
                return Err(DataAccessResult::TypeUnmatched);
            };
            let rows = entries(*from, *to, source.len());
            let columns: Vec<usize> = entries((*first).into(), (*last).into(), source.columns().len()).collect();
            put_rows(source, rows.clone(), rows.len(), &columns, out);
        }
        _ => return Err(DataAccessResult::ScopeOfAccessViolated),
    }
    Ok(())
}

/// The rows whose key lies between the bounds, both included.
fn rows_within(count: usize, from: i64, to: i64, key: impl Fn(usize) -> Option<i64>) -> Vec<usize> {
    (0..count).filter(|row| key(*row).is_some_and(|key| (from..=to).contains(&key))).collect()
}

fn cell(source: &impl ProfileSource, row: usize, column: usize) -> Value {
    let mut bytes = Vec::new();
    source.put_cell(row, column, &mut bytes);
    decode_all(&bytes).unwrap_or(Value::Null)
}

/// Numbers from 1 with 0 for "to the end", as a range of indices.
fn entries(from: u32, to: u32, count: usize) -> std::ops::Range<usize> {
    let start = (from.max(1) as usize).saturating_sub(1).min(count);
    let end = if to == 0 { count } else { (to as usize).min(count) };
    start..end.max(start)
}

fn selected_columns(
    source: &impl ProfileSource,
    wanted: &Value,
    all: Vec<usize>,
) -> Result<Vec<usize>, DataAccessResult> {
    let wanted = wanted.elements().ok_or(DataAccessResult::TypeUnmatched)?;
    if wanted.is_empty() {
        return Ok(all);
    }
    wanted
        .iter()
        .map(|value| {
            let object = CaptureObject::from_value(value).ok_or(DataAccessResult::TypeUnmatched)?;
            source.columns().iter().position(|column| *column == object).ok_or(DataAccessResult::OtherReason)
        })
        .collect()
}

fn put_rows(
    source: &impl ProfileSource,
    rows: impl Iterator<Item = usize>,
    count: usize,
    columns: &[usize],
    out: &mut Vec<u8>,
) {
    put_array(out, count);
    for row in rows {
        put_structure(out, columns.len());
        for column in columns {
            source.put_cell(row, *column, out);
        }
    }
}
