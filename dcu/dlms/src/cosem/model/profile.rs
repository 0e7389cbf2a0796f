//! Class 7.

use std::collections::VecDeque;

use super::{Extra, Instance, Model};
use crate::apdu::{ActionResult, DataAccessResult, Selection};
use crate::axdr::{Value, encode};
use crate::cosem::profile::{ProfileSource, put_buffer};
use crate::cosem::{CaptureObject, SortMethod};

/// Most rows that a profile holds, whatever its object says.
const ROWS_MAX: usize = 100_000;
/// Most captures that one call of `handle_time` makes up for.
const CATCH_UP_MAX: i64 = 10_000;

impl Model {
    pub(super) fn call_profile(&mut self, at: usize, method: i8) -> Result<(), ActionResult> {
        match method {
            1 => {
                if let Some(rows) = self.rows_mut(at) {
                    rows.clear();
                }
            }
            _ => self.capture(at),
        }
        Ok(())
    }

    /// Captures a row and puts it where the sort method wants it; one row falls out when the profile is full.
    pub(super) fn capture(&mut self, at: usize) {
        let columns: Vec<CaptureObject> = self.get(at, 3).unwrap_or_default();
        if columns.is_empty() {
            return;
        }
        let row: Vec<Value> = columns.iter().map(|column| self.captured_within(column)).collect();
        let entries = self.get::<u32>(at, 8).unwrap_or(0) as usize;
        let method = self.get::<SortMethod>(at, 5).unwrap_or(SortMethod::Fifo);
        let sort_column = self.sort_column(at, &columns);
        let Some(rows) = self.rows_mut(at) else { return };
        match method {
            SortMethod::Lifo => rows.push_front(row),
            SortMethod::Fifo | SortMethod::Other(_) => rows.push_back(row),
            sorted => {
                let key = |row: &[Value]| row.get(sort_column).and_then(Value::as_i64).unwrap_or(0);
                let new = key(&row);
                let place = rows.iter().position(|held| comes_before(sorted, new, key(held))).unwrap_or(rows.len());
                rows.insert(place, row);
            }
        }
        let entries = if entries == 0 { ROWS_MAX } else { entries.min(ROWS_MAX) };
        while rows.len() > entries {
            if matches!(method, SortMethod::Fifo | SortMethod::Other(_)) {
                rows.pop_front();
            } else {
                rows.pop_back();
            }
        }
    }

    fn sort_column(&self, at: usize, columns: &[CaptureObject]) -> usize {
        let object = self.get::<CaptureObject>(at, 6);
        columns.iter().position(|column| Some(*column) == object).unwrap_or(0)
    }

    /// All captures that fall due between two true times: at multiples of the period by the clock.
    pub(super) fn capture_due(&mut self, before: i64, now: i64) {
        let offset_s = self.clock_offset_s();
        for at in self.of_class(7) {
            let Some(period_s @ 1..) = self.get::<u32>(at, 4).map(i64::from) else { continue };
            let count = now
                .saturating_add(offset_s)
                .div_euclid(period_s)
                .saturating_sub(before.saturating_add(offset_s).div_euclid(period_s));
            let last = now.saturating_add(offset_s).div_euclid(period_s).saturating_mul(period_s);
            for back in (0..count.min(CATCH_UP_MAX)).rev() {
                self.now_unix_s = last.saturating_sub(back.saturating_mul(period_s)).saturating_sub(offset_s);
                self.capture(at);
            }
        }
        for at in self.of_class(5) {
            let Some(period_s @ 1..) = self.get::<u32>(at, 8).map(i64::from) else { continue };
            let end = now.saturating_add(offset_s).div_euclid(period_s).saturating_mul(period_s);
            if end > before.saturating_add(offset_s) {
                self.now_unix_s = end.saturating_sub(offset_s);
                self.next_period(at);
            }
        }
    }

    /// Another layout or order makes the old rows meaningless; fewer entries drop the oldest.
    pub(super) fn settle_profile(&mut self, at: usize, attribute: i8) {
        let entries = self.get::<u32>(at, 8).unwrap_or(0) as usize;
        let Some(rows) = self.rows_mut(at) else { return };
        match attribute {
            8 if entries > 0 && rows.len() > entries => {
                rows.drain(..rows.len().saturating_sub(entries));
            }
            3 | 5 | 6 => rows.clear(),
            _ => {}
        }
    }

    fn rows_mut(&mut self, at: usize) -> Option<&mut VecDeque<Vec<Value>>> {
        match self.instances.get_mut(at) {
            Some(Instance { extra: Extra::Rows(rows), .. }) => Some(rows),
            _ => None,
        }
    }

    pub(super) fn read_buffer(
        &self,
        at: usize,
        selection: Option<Selection<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        let Some(Instance { extra: Extra::Rows(rows), .. }) = self.instances.get(at) else {
            return Err(DataAccessResult::HardwareFault);
        };
        let columns: Vec<CaptureObject> = self.get(at, 3).unwrap_or_default();
        let utc_offset_s = self.utc_offset_s();
        put_buffer(&Rows { columns: &columns, rows, utc_offset_s }, selection, utc_offset_s, out)
    }
}

const fn comes_before(method: SortMethod, new: i64, held: i64) -> bool {
    match method {
        SortMethod::Largest => new > held,
        SortMethod::Smallest => new < held,
        SortMethod::NearestToZero => new.unsigned_abs() < held.unsigned_abs(),
        SortMethod::FarthestFromZero => new.unsigned_abs() > held.unsigned_abs(),
        _ => false,
    }
}

struct Rows<'a> {
    columns: &'a [CaptureObject],
    rows: &'a VecDeque<Vec<Value>>,
    utc_offset_s: i32,
}

impl ProfileSource for Rows<'_> {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn columns(&self) -> &[CaptureObject] {
        self.columns
    }

    fn unix_s(&self, row: usize) -> i64 {
        let stamp = self.rows.get(row).and_then(|row| row.iter().find_map(Value::date_time));
        stamp.and_then(|stamp| stamp.unix_s(self.utc_offset_s)).unwrap_or(i64::MIN)
    }

    fn put_cell(&self, row: usize, column: usize, out: &mut Vec<u8>) {
        encode(self.rows.get(row).and_then(|row| row.get(column)).unwrap_or(&Value::Null), out);
    }
}
