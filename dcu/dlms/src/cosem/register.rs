//! Class 3, Register: a value with scaler and unit.

/// Class number.
pub const CLASS: u16 = 3;
/// The value, to be multiplied by 10^scaler.
pub const VALUE: i8 = 2;
/// [`super::ScalerUnit`].
pub const SCALER_UNIT: i8 = 3;
/// Method: back to the default value.
pub const RESET: i8 = 1;
