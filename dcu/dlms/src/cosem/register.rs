//! Class 3, Register: a value with scaler and unit.

use std::fmt;

use crate::axdr::{Value, put_enum, put_i8, put_structure};

/// Class number.
pub const CLASS: u16 = 3;
/// The value, to be multiplied by 10^scaler.
pub const VALUE: i8 = 2;
/// [`ScalerUnit`].
pub const SCALER_UNIT: i8 = 3;
/// Method: back to the default value.
pub const RESET: i8 = 1;

/// Power of ten and physical unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScalerUnit {
    /// The true value is the register's value times ten to this power.
    pub scaler: i8,
    /// Its unit.
    pub unit: Unit,
}

macro_rules! units {
    ($( $variant:ident = $code:literal, $symbol:literal; )*) => {
        /// Physical units (Blue Book table "enumerated values for physical units"), those of this project.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Unit {
            $( #[doc = $symbol] $variant, )*
            /// Any other code.
            Other(u8),
        }

        impl Unit {
            /// The unit of that number.
            #[must_use]
            pub const fn from_code(code: u8) -> Self {
                match code { $( $code => Self::$variant, )* other => Self::Other(other) }
            }

            /// The number.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self { $( Self::$variant => $code, )* Self::Other(code) => code }
            }
        }

        impl fmt::Display for Unit {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $( Self::$variant => f.write_str($symbol), )*
                    Self::Other(code) => write!(f, "unit {code}"),
                }
            }
        }
    };
}

units! {
    Year = 1, "a";
    Month = 2, "mo";
    Week = 3, "wk";
    Day = 4, "d";
    Hour = 5, "h";
    Minute = 6, "min";
    Second = 7, "s";
    DegreeCelsius = 9, "°C";
    Currency = 10, "currency";
    Watt = 27, "W";
    VoltAmpere = 28, "VA";
    Var = 29, "var";
    WattHour = 30, "Wh";
    VoltAmpereHour = 31, "VAh";
    VarHour = 32, "varh";
    Ampere = 33, "A";
    Volt = 35, "V";
    Hertz = 44, "Hz";
    Percent = 56, "%";
}

impl ScalerUnit {
    /// Scaler and unit.
    #[must_use]
    pub const fn new(scaler: i8, unit: Unit) -> Self {
        Self { scaler, unit }
    }

    /// Appends the attribute: structure of integer and enum.
    pub fn encode(self, out: &mut Vec<u8>) {
        put_structure(out, 2);
        put_i8(out, self.scaler);
        put_enum(out, self.unit.code());
    }

    /// From the attribute's value.
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Self> {
        match value.elements()? {
            [Value::I8(scaler), Value::Enum(unit)] => Some(Self { scaler: *scaler, unit: Unit::from_code(*unit) }),
            _ => None,
        }
    }

    /// A register value in its unit.
    #[must_use]
    pub fn apply(self, raw: i64) -> f64 {
        // Exact powers of ten keep 2301 · 10⁻¹ at 230.1 where a multiplication by 0.1 would not.
        let power = (0..self.scaler.unsigned_abs()).fold(1.0, |power, _| power * 10.0);
        if self.scaler < 0 { raw as f64 / power } else { raw as f64 * power }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axdr::decode_all;

    #[test]
    fn scaler_and_unit_go_both_ways() {
        let tenth_volt = ScalerUnit::new(-1, Unit::Volt);
        let mut bytes = Vec::new();
        tenth_volt.encode(&mut bytes);
        assert_eq!(bytes, [0x02, 0x02, 0x0F, 0xFF, 0x16, 0x23]);
        assert_eq!(ScalerUnit::from_value(&decode_all(&bytes).unwrap()), Some(tenth_volt));
        assert!((tenth_volt.apply(2301) - 230.1).abs() < f64::EPSILON);
    }
}
