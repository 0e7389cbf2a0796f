//! Class 7, Profile generic: which rows, the rows as the client gets them, the buffer as the server gives it.
//!
//! What trips people up:
//! - Entries of entry access count from 1, and 0 as "to" means the last one.
//! - Range access compares with the restricting object, nearly always the clock; both ends belong to the range.
//! - A null in a row means "as in the row above"; a null clock means "one capture period later".
//!   [`ProfileRows::expand_nulls`] undoes it.
//! - Hours without power leave no row. Compare the times, never count rows.

mod rows;
mod select;
mod source;

pub use rows::ProfileRows;
pub(crate) use select::put_selection;
pub use select::{CaptureObject, ProfileRange};
pub use source::{ProfileSource, put_buffer};

/// Class number.
pub const CLASS: u16 = 7;
/// The rows.
pub const BUFFER: i8 = 2;
/// The columns.
pub const CAPTURE_OBJECTS: i8 = 3;
/// Seconds between rows.
pub const CAPTURE_PERIOD: i8 = 4;
/// 1 first in, first out.
pub const SORT_METHOD: i8 = 5;
/// The object by which rows are sorted.
pub const SORT_OBJECT: i8 = 6;
/// Rows held.
pub const ENTRIES_IN_USE: i8 = 7;
/// Rows that fit.
pub const PROFILE_ENTRIES: i8 = 8;
/// Method: forget all rows.
pub const RESET: i8 = 1;
/// Method: capture a row now.
pub const CAPTURE: i8 = 2;
/// Selector: rows between two values of a restricting object.
pub const SELECTOR_RANGE: i8 = 1;
/// Selector: rows by their number.
pub const SELECTOR_ENTRY: i8 = 2;
