//! Class 1, Data: one value of any type.

/// Class number.
pub const CLASS: u16 = 1;
/// The value.
pub const VALUE: i8 = 2;
