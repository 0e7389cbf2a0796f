//! Fields of a JSON object by name: unknown ones are left alone, wrong ones are refused by name.
//!
//! Numbers are taken as they were written: an amount of 10.10 is the text "10.10" and passes through no float.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{
    amount::{AmountError, minor_units},
    http::BODY_BYTES_MAX,
};

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Wrong {
    /// It is not there (or null).
    #[error("missing")]
    Missing,
    /// Of another type.
    #[error("expected {0}")]
    Type(&'static str),
    /// Of the right type, with a value that cannot be.
    #[error("{0}")]
    Value(&'static str),
    /// No amount.
    #[error(transparent)]
    Amount(#[from] AmountError),
}

/// Why a body was not read. The sender is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldsError {
    /// The body is longer than anything that belongs here.
    #[error("the body is longer than {BODY_BYTES_MAX} bytes")]
    TooLong,
    /// The body is no JSON object.
    #[error("the body is no JSON object")]
    NotJson,
    /// A field is wrong.
    #[error("{0}: {1}")]
    Field(&'static str, Wrong),
}

/// An object. A field that is there twice has no value: whoever passed the body on may have read the other one.
#[derive(Clone, Debug)]
pub struct Fields<'a>(BTreeMap<String, Option<&'a RawValue>>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = BTreeMap<String, Option<&'de RawValue>>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    fields.entry(name).and_modify(|known| *known = None).or_insert(Some(value));
                }
                Ok(fields)
            }
        }
        from.deserialize_map(Object).map(Self)
    }
}

impl<'a> Fields<'a> {
    /// Reads a body. A field that is there twice is refused by its name where it is wanted.
    ///
    /// # Errors
    /// [`FieldsError::TooLong`], [`FieldsError::NotJson`].
    pub fn parse(body: &'a [u8]) -> Result<Self, FieldsError> {
        Self::parse_long(body, BODY_BYTES_MAX)
    }

    /// The same for a body that may be longer: a list of payments.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_long(body: &'a [u8], bytes_max: usize) -> Result<Self, FieldsError> {
        if body.len() > bytes_max {
            return Err(FieldsError::TooLong);
        }
        serde_json::from_slice(body).map_err(|_| FieldsError::NotJson)
    }

    fn raw(&self, name: &'static str) -> Result<Option<&'a str>, FieldsError> {
        match self.0.get(name) {
            Some(None) => Err(FieldsError::Field(name, Wrong::Value("there twice"))),
            Some(Some(raw)) => Ok(Some(raw.get()).filter(|text| *text != "null")),
            None => Ok(None),
        }
    }

    fn need(&self, name: &'static str) -> Result<&'a str, FieldsError> {
        self.raw(name)?.ok_or(FieldsError::Field(name, Wrong::Missing))
    }

    /// A text.
    ///
    /// # Errors
    /// [`FieldsError::Field`].
    pub fn text(&self, name: &'static str) -> Result<String, FieldsError> {
        let raw = self.need(name)?;
        serde_json::from_str(raw).map_err(|_| FieldsError::Field(name, Wrong::Type("a text")))
    }

    /// A text, or nothing.
    ///
    /// # Errors
    /// [`FieldsError::Field`].
    pub fn text_if_any(&self, name: &'static str) -> Result<Option<String>, FieldsError> {
        if self.raw(name)?.is_none() { Ok(None) } else { self.text(name).map(Some) }
    }

    /// A text or a number, as text: providers write the same field either way.
    ///
    /// # Errors
    /// [`FieldsError::Field`].
    pub fn text_or_number(&self, name: &'static str) -> Result<String, FieldsError> {
        let raw = self.need(name)?;
        if raw.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            return Ok(raw.to_owned());
        }
        serde_json::from_str(raw).map_err(|_| FieldsError::Field(name, Wrong::Type("a text or a number")))
    }

    /// The same, or nothing.
    ///
    /// # Errors
    /// [`FieldsError::Field`].
    pub fn text_or_number_if_any(&self, name: &'static str) -> Result<Option<String>, FieldsError> {
        if self.raw(name)?.is_none() { Ok(None) } else { self.text_or_number(name).map(Some) }
    }

    /// A whole number, written as a number or as a text.
    ///
    /// # Errors
    /// [`FieldsError::Field`].
    pub fn whole(&self, name: &'static str) -> Result<i64, FieldsError> {
        let wrong = FieldsError::Field(name, Wrong::Type("a whole number"));
        self.need(name)?;
        self.text_or_number(name).map_err(|_| wrong)?.parse().map_err(|_| wrong)
    }

    /// An amount in minor units, written as a number or as a text.
    ///
    /// # Errors
    /// [`FieldsError::Field`].
    pub fn amount(&self, name: &'static str, minor_per_unit: u32) -> Result<i64, FieldsError> {
        let text = self.text_or_number(name)?;
        minor_units(text.trim(), minor_per_unit).map_err(|error| FieldsError::Field(name, error.into()))
    }

    /// True or false; nothing is false.
    ///
    /// # Errors
    /// [`FieldsError::Field`].
    pub fn flag(&self, name: &'static str) -> Result<bool, FieldsError> {
        match self.raw(name)? {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(FieldsError::Field(name, Wrong::Type("true or false"))),
        }
    }

    /// An object within.
    ///
    /// # Errors
    /// [`FieldsError::Field`].
    pub fn object(&self, name: &'static str) -> Result<Self, FieldsError> {
        let raw = self.need(name)?;
        serde_json::from_str(raw).map_err(|_| FieldsError::Field(name, Wrong::Type("an object")))
    }

    /// An object within, or nothing.
    ///
    /// # Errors
    /// [`FieldsError::Field`].
    pub fn object_if_any(&self, name: &'static str) -> Result<Option<Self>, FieldsError> {
        if self.raw(name)?.is_none() { Ok(None) } else { self.object(name).map(Some) }
    }

    /// The members of a list as they were written; of a list of lists the members of those. Nothing for a field that is
    /// not there.
    ///
    /// # Errors
    /// [`FieldsError::Field`].
    pub fn raw_members(&self, name: &'static str) -> Result<Vec<&'a str>, FieldsError> {
        let list = |raw: &'a str| {
            let members: Result<Vec<&'a RawValue>, _> = serde_json::from_str(raw);
            members.map_err(|_| FieldsError::Field(name, Wrong::Type("a list")))
        };
        let mut all = Vec::new();
        for member in self.raw(name)?.map_or(Ok(Vec::new()), list)? {
            match member.get() {
                inner if inner.starts_with('[') => all.extend(list(inner)?.into_iter().map(RawValue::get)),
                object => all.push(object),
            }
        }
        Ok(all)
    }

    /// A list of objects.
    ///
    /// # Errors
    /// [`FieldsError::Field`].
    pub fn objects(&self, name: &'static str) -> Result<Vec<Self>, FieldsError> {
        let raw = self.need(name)?;
        serde_json::from_str(raw).map_err(|_| FieldsError::Field(name, Wrong::Type("a list of objects")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn types_are_refused_by_the_name_of_the_field() {
        let fields =
            Fields::parse(br#"{"t":"x","n":10.10,"neg":-1,"b":true,"z":null,"o":{"i":"7"},"l":[{"i":1}],"e":1e2}"#)
                .unwrap();
        assert_eq!(fields.text("t").as_deref(), Ok("x"));
        assert_eq!(fields.text_or_number("n").as_deref(), Ok("10.10"), "as it was written");
        assert_eq!(fields.amount("n", 100), Ok(1010));
        assert_eq!(fields.object("o").unwrap().whole("i"), Ok(7));
        assert_eq!(fields.objects("l").unwrap().len(), 1);
        assert_eq!(fields.text_if_any("unknown"), Ok(None));
        let error = |error: FieldsError| error.to_string();
        assert_eq!(error(fields.text("n").unwrap_err()), "n: expected a text");
        assert_eq!(error(fields.text("z").unwrap_err()), "z: missing");
        assert_eq!(error(fields.amount("b", 100).unwrap_err()), "b: expected a text or a number");
        assert_eq!(error(fields.amount("neg", 100).unwrap_err()), "neg: below zero");
        assert_eq!(error(fields.amount("e", 100).unwrap_err()), "e: not a decimal number");
        assert_eq!(error(fields.whole("t").unwrap_err()), "t: expected a whole number");
        assert_eq!(error(fields.whole("zz").unwrap_err()), "zz: missing");
        assert_eq!(error(fields.object("t").unwrap_err()), "t: expected an object");
        assert_eq!(error(fields.objects("o").unwrap_err()), "o: expected a list of objects");
    }

    #[test]
    fn a_field_that_is_there_twice_is_refused() {
        let fields = Fields::parse(br#"{"a":"1","b":2,"a":"1000","u":1,"u":2,"o":{"i":1,"i":2}}"#).unwrap();
        let twice = |name| FieldsError::Field(name, Wrong::Value("there twice"));
        assert_eq!(fields.amount("a", 100), Err(twice("a")));
        assert_eq!(fields.text_if_any("a"), Err(twice("a")));
        assert_eq!(fields.flag("a"), Err(twice("a")));
        assert_eq!(fields.raw_members("a"), Err(twice("a")));
        assert_eq!(fields.object("o").unwrap().whole("i"), Err(twice("i")));
        assert_eq!(fields.amount("b", 100), Ok(200), "what nobody asks for does not matter");
    }

    #[test]
    fn bodies_that_are_huge_or_deep_are_refused() {
        let huge = format!("{{\"a\":\"{}\"}}", "x".repeat(BODY_BYTES_MAX));
        assert_eq!(Fields::parse(huge.as_bytes()).unwrap_err(), FieldsError::TooLong);
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
        assert!(Fields::parse(deep.as_bytes()).and_then(|fields| fields.objects("a")).is_err());
        for wrong in ["", "[]", "7", "{\"a\":1", "{} {}", "\u{feff}{}"] {
            assert_eq!(Fields::parse(wrong.as_bytes()).unwrap_err(), FieldsError::NotJson, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn noise_never_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(fields) = Fields::parse(&body) {
                let _ = (fields.text("a"), fields.whole("a"), fields.amount("a", 100), fields.objects("a").is_ok());
            }
        }
    }
}
