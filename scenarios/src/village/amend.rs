//! Writing a plan back into `village.geojson` as somebody drew it: the concentrator's place and further relays change,
//! every other byte stays.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Kind;
use super::write::{point_feature, position};
use crate::import::line_column;
use crate::model::{Place, Site};

/// Why a file cannot take the changes; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AmendError {
    /// Not a GeoJSON feature collection.
    NotFeatures {
        /// The file.
        file: PathBuf,
        /// Line at which reading ended.
        line: usize,
    },
    /// The file draws no poles: the grid was laid out on loading, and a file with relays alone would be read as before.
    NoGrid {
        /// The file.
        file: PathBuf,
    },
    /// A feature of the same kind has this id already.
    TakenId {
        /// The file.
        file: PathBuf,
        /// Line of that feature.
        line: usize,
        /// The id.
        id: String,
    },
}

impl fmt::Display for AmendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFeatures { file, line } => {
                write!(
                    f,
                    "{}:{line}: `features` cannot be read from here on; a GeoJSON FeatureCollection is needed",
                    file.display()
                )
            }
            Self::NoGrid { file } => write!(
                f,
                "{}: no feature has `kind` \"pole\": the grid was laid out on loading. Make a folder with a drawn grid (`taa new`) \
                 and write the plan into that",
                file.display()
            ),
            Self::TakenId { file, line, id } => {
                write!(f, "{}:{line}: field `id`: a relay is called \"{id}\" already; rename it", file.display())
            }
        }
    }
}

impl std::error::Error for AmendError {}

/// The text of a village file with the concentrator at `dcu` (where it moves) and these relays beside those drawn.
///
/// # Errors
/// See [`AmendError`].
pub fn amend(
    file: &Path,
    text: &str,
    site: &Site,
    dcu: Option<&Place>,
    relays: &[Place],
) -> Result<String, AmendError> {
    let features = features(file, text)?;
    let word = |value: &Value, key: &str| {
        value.pointer(&format!("/properties/{key}")).and_then(Value::as_str).map(str::to_owned)
    };
    let is = |value: &Value, kind: Kind| word(value, "kind").is_some_and(|name| Kind::of(&name) == Some(kind));
    if !features.iter().any(|(_, value)| is(value, Kind::Pole)) {
        return Err(AmendError::NoGrid { file: file.to_owned() });
    }
    for relay in relays {
        let same =
            features.iter().find(|(_, value)| is(value, Kind::Relay) && word(value, "id").as_ref() == Some(&relay.id));
        if let Some((span, _)) = same {
            let line = line_column(text, span.start).0;
            return Err(AmendError::TakenId { file: file.to_owned(), line, id: relay.id.clone() });
        }
    }
    let mut added = String::new();
    let mut moved: Option<(Range<usize>, String)> = None;
    if let Some(dcu) = dcu {
        match features.iter().find(|(_, value)| is(value, Kind::Dcu)) {
            Some((span, value)) => {
                let inner = value_at(text.as_bytes(), span.start, &["geometry", "coordinates"]);
                let inner = inner.ok_or_else(|| not_features(file, text, span.start))?;
                let nested = value.pointer("/geometry/coordinates/0").is_some_and(Value::is_array);
                let place = position(site, dcu.at_m);
                moved = Some((inner, if nested { format!("[{place}]") } else { place }));
            }
            None => added.push_str(&format!(",\n{}", point_feature(site, Kind::Dcu, dcu))),
        }
    }
    for relay in relays {
        added.push_str(&format!(",\n{}", point_feature(site, Kind::Relay, relay)));
    }
    let end = features.last().map_or(text.len(), |(span, _)| span.end);
    let mut out = String::with_capacity(text.len() + added.len() + 32);
    let mut from = 0;
    if let Some((span, place)) = moved {
        out.push_str(&text[..span.start]);
        out.push_str(&place);
        from = span.end;
    }
    out.push_str(&text[from..end]);
    out.push_str(&added);
    out.push_str(&text[end..]);
    Ok(out)
}

fn not_features(file: &Path, text: &str, at: usize) -> AmendError {
    AmendError::NotFeatures { file: file.to_owned(), line: line_column(text, at.min(text.len())).0 }
}

/// The features with the bytes that each takes.
fn features(file: &Path, text: &str) -> Result<Vec<(Range<usize>, Value)>, AmendError> {
    let bytes = text.as_bytes();
    let start = skip_blank(bytes, 0);
    let list = value_at(bytes, start, &["features"]).ok_or_else(|| not_features(file, text, start))?;
    if bytes.get(list.start) != Some(&b'[') {
        return Err(not_features(file, text, list.start));
    }
    let mut found = Vec::new();
    let mut at = list.start + 1;
    loop {
        while bytes.get(at).is_some_and(|byte| *byte == b',' || byte.is_ascii_whitespace()) {
            at += 1;
        }
        if bytes.get(at) != Some(&b'{') {
            break;
        }
        let end = value_end(bytes, at).ok_or_else(|| not_features(file, text, at))?;
        let value = serde_json::from_str(&text[at..end]).map_err(|_| not_features(file, text, at))?;
        found.push((at..end, value));
        at = end;
    }
    if at + 1 == list.end { Ok(found) } else { Err(not_features(file, text, at)) }
}

fn skip_blank(bytes: &[u8], mut at: usize) -> usize {
    // A byte order mark counts as blank.
    while bytes.get(at).is_some_and(|byte| byte.is_ascii_whitespace() || [0xef, 0xbb, 0xbf].contains(byte)) {
        at += 1;
    }
    at
}

/// The bytes of the value at this path of keys inside the object that begins at `at`.
fn value_at(bytes: &[u8], at: usize, path: &[&str]) -> Option<Range<usize>> {
    let (key, rest) = path.split_first()?;
    if bytes.get(at) != Some(&b'{') {
        return None;
    }
    let mut at = at + 1;
    loop {
        at = skip_blank(bytes, at);
        if bytes.get(at) == Some(&b',') {
            at += 1;
            continue;
        }
        if bytes.get(at) != Some(&b'"') {
            return None;
        }
        let name_end = value_end(bytes, at)?;
        let name: String = serde_json::from_slice(bytes.get(at..name_end)?).ok()?;
        at = skip_blank(bytes, name_end);
        if bytes.get(at) != Some(&b':') {
            return None;
        }
        at = skip_blank(bytes, at + 1);
        let end = value_end(bytes, at)?;
        if name == *key {
            return if rest.is_empty() { Some(at..end) } else { value_at(bytes, at, rest) };
        }
        at = end;
    }
}

/// Where the JSON value that begins at `at` ends.
fn value_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut i = at;
    loop {
        match *bytes.get(i)? {
            b'"' => {
                i += 1;
                while *bytes.get(i)? != b'"' {
                    i += if bytes[i] == b'\\' { 2 } else { 1 };
                }
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        i += 1;
        // A bare word ends where something else begins.
        let bare = |byte: &u8| !matches!(byte, b',' | b'}' | b']' | b':') && !byte.is_ascii_whitespace();
        if depth == 0 && (matches!(bytes[i - 1], b'"' | b'}' | b']') || !bytes.get(i).is_some_and(bare)) {
            return Some(i);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: Site = Site { lat_deg: -2.0, lon_deg: 33.0, utc_offset_s: 0 };
    const TEXT: &str = "\u{feff}{ \"name\" : \"a \\\"features\\\":[\", \"features\":[\r\n  {\"type\":\"Feature\",\"properties\":{\"kind\":\"pole\",\
        \"id\":\"p1\",\"coordinates\":\"geometry\"},\"geometry\":{\"type\":\"Point\",\"coordinates\":[33.0, -2.0]}},\n\
        {\"geometry\":{\"coordinates\" : [ 33.0,\n -2.0 ],\"type\":\"Point\"},\"properties\":{\"kind\":\"dcu\",\"height_m\":8.0}}\r\n ] , \"crs\":null}\n";

    fn place(id: &str, at_m: [f64; 2]) -> Place {
        Place { id: id.to_owned(), at_m, height_m: 6.0 }
    }

    #[test]
    fn only_the_place_and_the_new_features_change() {
        let file = Path::new("village.geojson");
        let dcu = place("dcu", [100.0, 0.0]);
        let out = amend(file, TEXT, &SITE, Some(&dcu), &[place("relay-p1", [0.0, 50.0])]).unwrap();
        let there = position(&SITE, [100.0, 0.0]);
        let relay = point_feature(&SITE, Kind::Relay, &place("relay-p1", [0.0, 50.0]));
        // Taking both away again gives the old bytes.
        let back = out.replace(&there, "[ 33.0,\n -2.0 ]").replace(&format!(",\n{relay}"), "");
        assert_eq!(back, TEXT);
        let read: Value = serde_json::from_str(out.trim_start_matches('\u{feff}')).unwrap();
        assert_eq!(read["features"].as_array().unwrap().len(), 3);
        assert_eq!(read["features"][2]["properties"]["id"], "relay-p1");
        assert_eq!(amend(file, TEXT, &SITE, None, &[]).unwrap(), TEXT);
    }

    #[test]
    fn what_cannot_be_amended_is_said_with_its_line() {
        let file = Path::new("village.geojson");
        let with = amend(file, TEXT, &SITE, None, &[place("r", [1.0, 1.0])]).unwrap();
        let again = amend(file, &with, &SITE, None, &[place("r", [2.0, 2.0])]).unwrap_err();
        assert_eq!(again.to_string(), "village.geojson:5: field `id`: a relay is called \"r\" already; rename it");
        let bare = amend(file, "{\"features\":[{\"properties\":{}}]}", &SITE, None, &[]).unwrap_err();
        assert!(matches!(bare, AmendError::NoGrid { .. }));
        for broken in ["", "[]", "{\"features\":[{\"a\":1}", "{\"features\":[1]}", "{\"features\":{}}", "{\"features\""]
        {
            assert!(matches!(amend(file, broken, &SITE, None, &[]), Err(AmendError::NotFeatures { .. })), "{broken}");
        }
    }
}
