//! The load profile: a ring of rows, and how the server sees it.

use std::collections::VecDeque;

use taa_dlms::axdr::{DateTime, put_date_time, put_u8, put_u64};
use taa_dlms::cosem::profile::ProfileSource;
use taa_dlms::cosem::{CaptureObject, data, register};
use taa_dlms::obis;

/// Bits of the status captured with each row.
pub mod status {
    /// Power was lost since the row before.
    pub const POWER_DOWN: u8 = 0x80;
    /// The clock was set since the row before.
    pub const CLOCK_ADJUSTED: u8 = 0x20;
}

pub(crate) const COLUMNS: [CaptureObject; 3] = [
    CaptureObject::CLOCK,
    CaptureObject::new(register::CLASS, obis::ACTIVE_ENERGY_IMPORT, register::VALUE),
    CaptureObject::new(data::CLASS, obis::PROFILE_STATUS, data::VALUE),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) unix_s: i64,
    pub(crate) energy_wh: u64,
    pub(crate) status: u8,
}

/// The newest rows, as many as fit.
#[derive(Clone, Debug)]
pub(crate) struct LoadProfile {
    rows: VecDeque<Row>,
    entries: usize,
    utc_offset_s: i32,
}

impl LoadProfile {
    pub(crate) const fn new(entries: u32, utc_offset_s: i32) -> Self {
        Self { rows: VecDeque::new(), entries: entries as usize, utc_offset_s }
    }

    pub(crate) fn push(&mut self, row: Row) {
        if self.rows.len() >= self.entries {
            self.rows.pop_front();
        }
        if self.entries > 0 {
            self.rows.push_back(row);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.rows.clear();
    }

    pub(crate) const fn entries(&self) -> usize {
        self.entries
    }
}

impl ProfileSource for LoadProfile {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn columns(&self) -> &[CaptureObject] {
        &COLUMNS
    }

    fn unix_s(&self, row: usize) -> i64 {
        self.rows[row].unix_s
    }

    fn put_cell(&self, row: usize, column: usize, out: &mut Vec<u8>) {
        let row = self.rows[row];
        match column {
            0 => put_date_time(out, &DateTime::from_unix_s(row.unix_s, self.utc_offset_s)),
            1 => put_u64(out, row.energy_wh),
            _ => put_u8(out, row.status),
        }
    }
}
