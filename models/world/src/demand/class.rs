//! Consumption classes: seven that are built in, and those of a scenario's own.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Consumption class of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Lamps and phones.
    HouseholdLow,
    /// Also a television and a radio.
    HouseholdMiddle,
    /// Also a refrigerator and fans.
    HouseholdHigh,
    /// A shop with a freezer.
    Shop,
    /// A school with computers; closed at weekends.
    School,
    /// A clinic with a vaccine refrigerator and a steriliser.
    Clinic,
    /// A maize mill.
    Mill,
    /// A class of the scenario's own (`[demand.class.NAME]`).
    Own(ClassName),
}

impl Class {
    /// The classes that are built in.
    pub const ALL: [Self; 7] = [
        Self::HouseholdLow,
        Self::HouseholdMiddle,
        Self::HouseholdHigh,
        Self::Shop,
        Self::School,
        Self::Clinic,
        Self::Mill,
    ];

    /// The name used in files.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::HouseholdLow => "household_low",
            Self::HouseholdMiddle => "household_middle",
            Self::HouseholdHigh => "household_high",
            Self::Shop => "shop",
            Self::School => "school",
            Self::Clinic => "clinic",
            Self::Mill => "mill",
            Self::Own(name) => name.as_str(),
        }
    }

    /// The class of that name: a built-in one, else one of the scenario's own, whether or not it is defined. `None`
    /// where the name is not allowed.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name).or_else(|| ClassName::new(name).map(Self::Own))
    }
}

impl Serialize for Class {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Class {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        Self::of(&name).ok_or_else(|| D::Error::custom(format!("`{name}` cannot name a class; {}", ClassName::ALLOWED)))
    }
}

impl JsonSchema for Class {
    fn schema_name() -> Cow<'static, str> {
        "Class".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<String> = Self::ALL.iter().map(|class| class.name().to_owned()).collect();
        json_schema!({
            "description": "A built-in class, or one defined under [demand.class.NAME].",
            "anyOf": [{ "enum": names }, { "type": "string", "pattern": "^[a-z][a-z0-9_]{0,22}$" }]
        })
    }
}

const LONGEST: usize = 23;

/// The name of a class of the scenario's own, held in place so that classes stay cheap to copy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClassName {
    bytes: [u8; LONGEST],
    length: u8,
}

impl ClassName {
    /// What a name may be, in words.
    pub const ALLOWED: &'static str = "1 to 23 small letters, digits and _, a letter first";

    /// This name, where it is allowed.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let letters = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let starts = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if !letters || !starts || name.len() > LONGEST {
            return None;
        }
        let mut bytes = [0; LONGEST];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        Some(Self { bytes, length: u8::try_from(name.len()).ok()? })
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII gets in.
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl std::fmt::Debug for ClassName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_through_files_and_come_back() {
        let own = Class::of("carpenter_2").unwrap();
        for class in Class::ALL.into_iter().chain([own]) {
            let json = serde_json::to_value(class).unwrap();
            assert_eq!(json, class.name());
            assert_eq!(serde_json::from_value::<Class>(json).unwrap(), class);
        }
    }

    #[test]
    fn bad_names_are_refused_with_the_rule() {
        for bad in ["", "Mill", "2nd", "a b", "käse", "a_name_that_is_much_too_long"] {
            assert_eq!(Class::of(bad), None, "{bad}");
        }
        let error = serde_json::from_value::<Class>("Bad Name".into()).unwrap_err().to_string();
        assert!(error.contains(ClassName::ALLOWED), "{error}");
    }
}
