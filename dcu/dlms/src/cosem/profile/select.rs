//! Which rows: what a client asks for, as selective access carries it (Blue Book 4.3.6.2.3).

use super::{SELECTOR_ENTRY, SELECTOR_RANGE};
use crate::axdr::{
    DateTime, Value, put_array, put_date_time, put_i8, put_octet_string, put_structure, put_u16, put_u32,
};
use crate::cosem::clock;
use crate::obis::{self, Obis};

/// Which rows of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileRange {
    /// All.
    All,
    /// The newest so many. The client asks the meter first how many there are.
    Last(u32),
    /// Captured between these instants, both included, seconds since 1970 UTC.
    Between(i64, i64),
    /// Entries from – to, counted from 1; 0 as "to" is the last one.
    Entries(u32, u32),
}

/// One column of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptureObject {
    /// Interface class of the object captured.
    pub class: u16,
    /// Its logical name.
    pub obis: Obis,
    /// Attribute captured.
    pub attribute: i8,
    /// Element within a structured attribute, from 1; 0 the whole.
    pub data_index: u16,
}

impl CaptureObject {
    /// The clock, first column of nearly every profile.
    pub const CLOCK: Self = Self { class: clock::CLASS, obis: obis::CLOCK, attribute: clock::TIME, data_index: 0 };

    /// The whole of an attribute.
    #[must_use]
    pub const fn new(class: u16, obis: Obis, attribute: i8) -> Self {
        Self { class, obis, attribute, data_index: 0 }
    }

    /// Appends it as the structure of the capture objects.
    pub fn encode(self, out: &mut Vec<u8>) {
        put_structure(out, 4);
        put_u16(out, self.class);
        put_octet_string(out, &self.obis.0);
        put_i8(out, self.attribute);
        put_u16(out, self.data_index);
    }

    /// From that structure.
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Self> {
        match value.elements()? {
            [Value::U16(class), Value::OctetString(obis), Value::I8(attribute), Value::U16(data_index)] => {
                let obis = Obis(obis.as_slice().try_into().ok()?);
                Some(Self { class: *class, obis, attribute: *attribute, data_index: *data_index })
            }
            _ => None,
        }
    }
}

/// Appends the parameters of a range and returns the selector; `None` for all rows, and for [`ProfileRange::Last`],
/// which becomes entries once the count is known.
pub(crate) fn put_selection(range: ProfileRange, utc_offset_s: i32, out: &mut Vec<u8>) -> Option<u8> {
    match range {
        ProfileRange::All | ProfileRange::Last(_) => None,
        ProfileRange::Between(from_unix_s, to_unix_s) => {
            put_structure(out, 4);
            CaptureObject::CLOCK.encode(out);
            // In the meter's own local time: many meters compare the fields and never look at the deviation.
            put_date_time(out, &DateTime::from_unix_s(from_unix_s, utc_offset_s));
            put_date_time(out, &DateTime::from_unix_s(to_unix_s, utc_offset_s));
            put_array(out, 0);
            Some(SELECTOR_RANGE as u8)
        }
        ProfileRange::Entries(from, to) => {
            put_structure(out, 4);
            put_u32(out, from);
            put_u32(out, to);
            put_u16(out, 1);
            put_u16(out, 0);
            Some(SELECTOR_ENTRY as u8)
        }
    }
}
