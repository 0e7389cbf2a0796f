//! Scaler, unit and physical quantities (Blue Book 4.3.2, table "enumerated values for physical units").

use std::fmt;

use super::{Cosem, Shape};
use crate::axdr::{Tag, Value, put_enum, put_i8, put_structure};

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
        /// Physical units.
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
    Degree = 8, "°";
    DegreeCelsius = 9, "°C";
    Currency = 10, "currency";
    Metre = 11, "m";
    MetrePerSecond = 12, "m/s";
    CubicMetre = 13, "m³";
    CubicMetreCorrected = 14, "m³ (corrected)";
    CubicMetrePerHour = 15, "m³/h";
    CubicMetrePerHourCorrected = 16, "m³/h (corrected)";
    CubicMetrePerDay = 17, "m³/d";
    CubicMetrePerDayCorrected = 18, "m³/d (corrected)";
    Litre = 19, "l";
    Kilogram = 20, "kg";
    Newton = 21, "N";
    NewtonMetre = 22, "Nm";
    Pascal = 23, "Pa";
    Bar = 24, "bar";
    Joule = 25, "J";
    JoulePerHour = 26, "J/h";
    Watt = 27, "W";
    VoltAmpere = 28, "VA";
    Var = 29, "var";
    WattHour = 30, "Wh";
    VoltAmpereHour = 31, "VAh";
    VarHour = 32, "varh";
    Ampere = 33, "A";
    Coulomb = 34, "C";
    Volt = 35, "V";
    VoltPerMetre = 36, "V/m";
    Farad = 37, "F";
    Ohm = 38, "Ω";
    OhmMetre = 39, "Ω·m²/m";
    Weber = 40, "Wb";
    Tesla = 41, "T";
    AmperePerMetre = 42, "A/m";
    Henry = 43, "H";
    Hertz = 44, "Hz";
    ImpulsePerWattHour = 45, "1/Wh";
    ImpulsePerVarHour = 46, "1/varh";
    ImpulsePerVoltAmpereHour = 47, "1/VAh";
    VoltSquaredHour = 48, "V²h";
    AmpereSquaredHour = 49, "A²h";
    KilogramPerSecond = 50, "kg/s";
    Siemens = 51, "S";
    Kelvin = 52, "K";
    ImpulsePerVoltSquaredHour = 53, "1/V²h";
    ImpulsePerAmpereSquaredHour = 54, "1/A²h";
    ImpulsePerCubicMetre = 55, "1/m³";
    Percent = 56, "%";
    AmpereHour = 57, "Ah";
    WattHourPerCubicMetre = 60, "Wh/m³";
    JoulePerCubicMetre = 61, "J/m³";
    MolePercent = 62, "mol %";
    GramPerCubicMetre = 63, "g/m³";
    PascalSecond = 64, "Pa·s";
    JoulePerKilogram = 65, "J/kg";
    GramPerSquareCentimetre = 66, "g/cm²";
    Atmosphere = 67, "atm";
    DecibelMilliwatt = 70, "dBm";
    DecibelMicrovolt = 71, "dBµV";
    Decibel = 72, "dB";
    Miscellaneous = 254, "other";
    Count = 255, "1";
}

/// A number with its unit, scaled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantity {
    /// In units of `unit`.
    pub value: f64,
    /// The unit.
    pub unit: Unit,
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unit {
            Unit::Count => write!(f, "{}", self.value),
            unit => write!(f, "{} {unit}", self.value),
        }
    }
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
        self.scale(raw as f64)
    }

    /// A register's value, of any numeric type, as a quantity; `None` when it is not a number.
    #[must_use]
    pub fn quantity(self, value: &Value) -> Option<Quantity> {
        let raw = match value {
            Value::F32(v) => f64::from(*v),
            Value::F64(v) => *v,
            Value::U64(v) => *v as f64,
            Value::Bcd(v) => f64::from((v >> 4).saturating_mul(10).saturating_add(v & 0x0F)),
            other => other.as_i64()? as f64,
        };
        Some(Quantity { value: self.scale(raw), unit: self.unit })
    }

    fn scale(self, raw: f64) -> f64 {
        // Exact powers of ten keep 2301 · 10⁻¹ at 230.1 where a multiplication by 0.1 would not.
        let power = (0..self.scaler.unsigned_abs()).fold(1.0, |power, _| power * 10.0);
        if self.scaler < 0 { raw / power } else { raw * power }
    }
}

impl Cosem for ScalerUnit {
    const SHAPE: Shape =
        Shape::Structure(&[("scaler", Shape::Simple(Tag::Integer)), ("unit", Shape::Simple(Tag::Enum))]);
    fn from_value(value: &Value) -> Option<Self> {
        Self::from_value(value)
    }
    fn to_value(&self) -> Value {
        Value::Structure(vec![Value::I8(self.scaler), Value::Enum(self.unit.code())])
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

    #[test]
    fn registers_of_any_width_become_quantities() {
        let wh = ScalerUnit::new(3, Unit::WattHour);
        for value in [Value::U8(7), Value::I16(7), Value::U32(7), Value::I64(7), Value::F32(7.0), Value::Bcd(7)] {
            assert_eq!(wh.quantity(&value).unwrap().to_string(), "7000 Wh", "{value:?}");
        }
        assert_eq!(wh.quantity(&Value::Null), None);
        for code in 0..=255 {
            assert_eq!(Unit::from_code(code).code(), code);
        }
    }
}
