//! JSON as the signatures of OpenPAYGO Metrics need it: fields keep their order, and a text is written back in one way
//! alone, that of the reference library (no spaces, ASCII only, floating-point numbers in their shortest form).
//!
//! What comes in is bounded: 64 KiB and 16 levels. `NaN` and `Infinity`, which are no JSON, are refused.

use std::fmt::Write;

/// Longest text that is read, bytes.
pub const TEXT_MAX: usize = 64 * 1024;
const DEPTH_MAX: usize = 16;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, in the form in which it is written.
    Number(Number),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Self>),
    /// Named values, in order.
    Object(Vec<(String, Self)>),
}

/// A number: a whole one of any length, or a floating-point one. Made by [`Json::whole`] and [`Json::float`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(String);

/// Why a text is no JSON that is read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// Something else was expected at this byte.
    #[error("not JSON from byte {0} on")]
    Syntax(usize),
    /// Longer than 64 KiB.
    #[error("longer than 64 KiB")]
    TooLong,
    /// More than 16 levels.
    #[error("nested deeper than 16 levels, at byte {0}")]
    TooDeep(usize),
}

impl Json {
    /// A whole number.
    #[must_use]
    pub fn whole(number: i64) -> Self {
        Self::Number(Number(number.to_string()))
    }

    /// A floating-point number; `None` for NaN and infinities.
    #[must_use]
    pub fn float(number: f64) -> Option<Self> {
        number.is_finite().then(|| Self::Number(Number(shortest(number))))
    }

    /// The value of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// As a text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// As a whole number; what stands behind a decimal point is cut off.
    #[must_use]
    pub fn number(&self) -> Option<i64> {
        let Self::Number(Number(text)) = self else { return None };
        let cut = |number: f64| (number.abs() < 9e15).then_some(number as i64);
        text.parse().ok().or_else(|| text.parse().ok().and_then(cut))
    }

    /// Whether the reference library would pass it over: absent, `null`, `false`, zero or empty.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Null | Self::Bool(false) => true,
            Self::Bool(true) => false,
            Self::Number(Number(text)) => text.parse::<f64>().is_ok_and(|number| number.abs() <= 0.0),
            Self::Text(text) => text.is_empty(),
            Self::List(list) => list.is_empty(),
            Self::Object(fields) => fields.is_empty(),
        }
    }

    /// Written in the one way.
    #[must_use]
    pub fn write(&self) -> String {
        let mut text = String::new();
        self.write_to(&mut text);
        text
    }

    fn write_to(&self, to: &mut String) {
        match self {
            Self::Null => to.push_str("null"),
            Self::Bool(true) => to.push_str("true"),
            Self::Bool(false) => to.push_str("false"),
            Self::Number(Number(text)) => to.push_str(text),
            Self::Text(text) => write_text(to, text),
            Self::List(list) => {
                to.push('[');
                for (at, value) in list.iter().enumerate() {
                    to.push_str(if at > 0 { "," } else { "" });
                    value.write_to(to);
                }
                to.push(']');
            }
            Self::Object(fields) => {
                to.push('{');
                for (at, (name, value)) in fields.iter().enumerate() {
                    to.push_str(if at > 0 { "," } else { "" });
                    write_text(to, name);
                    to.push(':');
                    value.write_to(to);
                }
                to.push('}');
            }
        }
    }

    /// Reads a text.
    ///
    /// # Errors
    /// [`JsonError`].
    pub fn parse(text: &str) -> Result<Self, JsonError> {
        if text.len() > TEXT_MAX {
            return Err(JsonError::TooLong);
        }
        let mut reader = Reader { text, at: 0 };
        let value = reader.value(0)?;
        reader.space();
        if reader.at == text.len() { Ok(value) } else { Err(JsonError::Syntax(reader.at)) }
    }
}

fn write_text(to: &mut String, text: &str) {
    to.push('"');
    for character in text.chars() {
        match character {
            '"' => to.push_str("\\\""),
            '\\' => to.push_str("\\\\"),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            '\t' => to.push_str("\\t"),
            '\u{8}' => to.push_str("\\b"),
            '\u{c}' => to.push_str("\\f"),
            ' '..='~' => to.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _ = write!(to, "\\u{unit:04x}");
                }
            }
        }
    }
    to.push('"');
}

/// The shortest digits that read back as the same number, written as Python does: with an exponent below 10⁻⁴ and from
/// 10¹⁶ on, else plain and with at least one digit behind the point.
fn shortest(number: f64) -> String {
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{number}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn wrong<T>(&self) -> Result<T, JsonError> {
        Err(JsonError::Syntax(self.at))
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.step();
        }
    }

    /// Takes this byte if it is the next one behind spaces.
    fn take(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        if found {
            self.step();
        }
        found
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, JsonError> {
        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return self.wrong();
        }
        self.at = self.at.saturating_add(word.len());
        Ok(value)
    }

    fn value(&mut self, depth: usize) -> Result<Json, JsonError> {
        self.space();
        let deeper = depth.saturating_add(1);
        if deeper > DEPTH_MAX {
            return Err(JsonError::TooDeep(self.at));
        }
        match self.peek() {
            Some(b'n') => self.word("null", Json::Null),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'"') => self.string().map(Json::Text),
            Some(b'[') => self.list(deeper),
            Some(b'{') => self.object(deeper),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.wrong(),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Json, JsonError> {
        self.step();
        let mut list = Vec::new();
        if self.take(b']') {
            return Ok(Json::List(list));
        }
        loop {
            list.push(self.value(depth)?);
            if self.take(b']') {
                return Ok(Json::List(list));
            }
            if !self.take(b',') {
                return self.wrong();
            }
        }
    }

    /// A name that comes twice keeps its first place and its last value, as in the reference library.
    fn object(&mut self, depth: usize) -> Result<Json, JsonError> {
        self.step();
        let mut fields: Vec<(String, Json)> = Vec::new();
        if self.take(b'}') {
            return Ok(Json::Object(fields));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return self.wrong();
            }
            let name = self.string()?;
            if !self.take(b':') {
                return self.wrong();
            }
            let value = self.value(depth)?;
            match fields.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = value,
                None => fields.push((name, value)),
            }
            if self.take(b'}') {
                return Ok(Json::Object(fields));
            }
            if !self.take(b',') {
                return self.wrong();
            }
        }
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return self.wrong();
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.step();
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Json, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.step();
        }
        if self.peek() == Some(b'0') {
            self.step();
        } else {
            self.digits()?;
        }
        let whole = self.at;
        if self.peek() == Some(b'.') {
            self.step();
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.step();
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.step();
            }
            self.digits()?;
        }
        let text = self.text.get(start..self.at).unwrap_or("");
        if self.at == whole {
            let text = if text == "-0" { "0" } else { text };
            return Ok(Json::Number(Number(text.into())));
        }
        text.parse().ok().and_then(Json::float).ok_or(JsonError::Syntax(start))
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.step();
        let mut text = String::new();
        loop {
            let start = self.at;
            while self.peek().is_some_and(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
                self.step();
            }
            text.push_str(self.text.get(start..self.at).unwrap_or(""));
            match self.peek() {
                Some(b'"') => {
                    self.step();
                    return Ok(text);
                }
                Some(b'\\') => {
                    self.step();
                    text.push(self.escape()?);
                }
                _ => return self.wrong(),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let plain = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'u') => {
                self.step();
                let first = self.unit()?;
                let mut units = vec![first];
                if (0xD800..0xDC00).contains(&first) {
                    self.word("\\u", Json::Null)?;
                    units.push(self.unit()?);
                }
                let mut characters = char::decode_utf16(units);
                return match (characters.next(), characters.next()) {
                    (Some(Ok(character)), None) => Ok(character),
                    _ => self.wrong(),
                };
            }
            _ => return self.wrong(),
        };
        self.step();
        Ok(plain)
    }

    fn unit(&mut self) -> Result<u16, JsonError> {
        let end = self.at.saturating_add(4);
        let digits = self.text.get(self.at..end).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok()).ok_or(JsonError::Syntax(self.at))?;
        self.at = end;
        Ok(unit)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Left: as received; right: as Python's `json.dumps(json.loads(..), separators=(",", ":"))` writes it.
    #[test]
    fn written_as_python_does() {
        for (text, written) in [
            ("{ \"a\" : [1, 2.50, -0, -0.0, 1e3, true, null] }", "{\"a\":[1,2.5,0,-0.0,1000.0,true,null]}"),
            (
                "[1e16, 1e15, 1.5e-5, 0.0001, 123456789012345678901234567890]",
                "[1e+16,1000000000000000.0,1.5e-05,0.0001,123456789012345678901234567890]",
            ),
            ("{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}"),
            ("\"\\u00e9é😀\\ud83d\\ude00\\/\\u007f\"", "\"\\u00e9\\u00e9\\ud83d\\ude00\\ud83d\\ude00/\\u007f\""),
            ("[1.7976931348623157e308, 5e-324, 0.1, 100.0]", "[1.7976931348623157e+308,5e-324,0.1,100.0]"),
        ] {
            assert_eq!(Json::parse(text).unwrap().write(), written);
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "{\"a\":}",
            "01",
            "1.",
            "nul",
            "NaN",
            "1e999",
            "\"\\ud800\"",
            "\"\u{1}\"",
            "[] []",
            "{1:2}",
            "-",
            "\"\\x\"",
        ] {
            assert!(matches!(Json::parse(text), Err(JsonError::Syntax(_))), "{text}");
        }
        assert!(matches!(Json::parse(&"[".repeat(1000)), Err(JsonError::TooDeep(_))));
        assert_eq!(Json::parse(&" ".repeat(TEXT_MAX + 1)), Err(JsonError::TooLong));
    }

    proptest! {
        #[test]
        fn numbers_there_and_back(number: f64) {
            if let Some(json) = Json::float(number) {
                let again = Json::parse(&json.write()).unwrap();
                prop_assert_eq!(again.write(), json.write());
                prop_assert_eq!(json.write().parse::<f64>().unwrap().to_bits(), number.to_bits());
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}|[\\[\\]{}\",:0-9eE.+\\-\\\\u ]{0,60}") {
            if let Ok(json) = Json::parse(&text) {
                let written = json.write();
                prop_assert_eq!(Json::parse(&written).unwrap().write(), written);
            }
        }
    }
}
