//! GeoJSON (RFC 7946): FeatureCollection, Feature or a bare geometry.
//!
//! Read through `serde_json` values rather than typed structs, so that one malformed feature yields one problem with
//! its index and line and the others are still looked at.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use taa_models::demand::Class;

use super::collect::{Collector, Feature, RawGeometry, RawPolygon};
use super::errors::ImportErrors;
use super::json_lines::feature_lines;
use super::place::{Excerpt, Place};
use super::problem::ImportProblem;
use super::{Imported, SourceFormat, tags};

/// Reads a GeoJSON text.
pub(super) fn read(place: &Place, text: &str, own: &[Class]) -> Result<Imported, ImportErrors> {
    let root: Value = serde_json::from_str(text).map_err(|error| syntax(place, text, &error))?;
    let Value::Object(root) = root else {
        return Err(not_geojson(place, "its top level is not an object".to_owned()).into());
    };
    check_crs(place, &root)?;
    let kind = root.get("type").and_then(Value::as_str);
    let mut collector = Collector::new(place, own);
    match kind {
        Some("FeatureCollection") => {
            let Some(Value::Array(features)) = root.get("features") else {
                return Err(not_geojson(place, "a FeatureCollection without a `features` array".to_owned()).into());
            };
            let lines = feature_lines(text);
            for (index, value) in features.iter().enumerate() {
                take(&mut collector, place, index, lines.get(index).copied(), value);
            }
        }
        Some("Feature") => take(&mut collector, place, 0, None, &Value::Object(root.clone())),
        Some(_) if root.contains_key("coordinates") => {
            let geometry = geometry(place, &root);
            bare(&mut collector, geometry);
        }
        Some("Topology") => return Err(not_geojson(place, "it is TopoJSON".to_owned()).into()),
        Some(other) => return Err(not_geojson(place, format!("its `type` is `{other}`")).into()),
        None if root.contains_key("elements") => {
            let what = "it is Overpass API output; in overpass-turbo choose Export, GeoJSON".to_owned();
            return Err(not_geojson(place, what).into());
        }
        None => return Err(not_geojson(place, "it has no `type`".to_owned()).into()),
    }
    let name = root.get("name").and_then(Value::as_str).map(str::to_owned);
    collector.finish(SourceFormat::GeoJson, attribution(&root), name)
}

fn not_geojson(place: &Place, what: String) -> ImportProblem {
    ImportProblem::NotGeoJson { place: place.clone(), what }
}

/// Tells truncation and NaN from other slips of the pen: they have other remedies.
fn syntax(place: &Place, text: &str, error: &serde_json::Error) -> ImportProblem {
    let place = place.at_line(error.line());
    if error.is_eof() {
        return ImportProblem::JsonTruncated { place };
    }
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or("");
    let start = error.column().saturating_sub(1).min(line.len());
    if let Some(text) = not_finite_near(line, start) {
        return ImportProblem::NotFinite { place, text };
    }
    let reason = error.to_string();
    let reason = reason.split(" at line ").next().unwrap_or(&reason).to_owned();
    let excerpt = Excerpt::of(&place.file, text, error.line(), Some(start..start + 1));
    let span = excerpt.as_ref().map(Excerpt::span);
    ImportProblem::JsonSyntax { place, reason, excerpt, span }
}

/// The word around the error, when it is NaN or an infinity, or a number too large for a double.
fn not_finite_near(line: &str, column: usize) -> Option<String> {
    let bytes = line.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
    let mut start = column.min(bytes.len());
    while start > 0 && is_word(bytes[start - 1]) {
        start -= 1;
    }
    let end = (start..bytes.len()).find(|&i| !is_word(bytes[i])).unwrap_or(bytes.len());
    let word = line.get(start..end)?;
    let is_name = ["nan", "-nan", "inf", "-inf", "infinity", "-infinity"].contains(&word.to_ascii_lowercase().as_str());
    let is_huge = word.parse::<f64>().is_ok_and(f64::is_infinite);
    (is_name || is_huge).then(|| word.to_owned())
}

/// RFC 7946 §4 knows WGS 84 only; older files name their system in a `crs` member, and its name decides.
fn check_crs(place: &Place, root: &Map<String, Value>) -> Result<(), ImportProblem> {
    let Some(crs) = root.get("crs").filter(|crs| !crs.is_null()) else { return Ok(()) };
    let name = crs.pointer("/properties/name").and_then(Value::as_str).unwrap_or("unnamed");
    let is_wgs84 = name.contains("CRS84") || name.ends_with("4326") || name.eq_ignore_ascii_case("WGS 84");
    if is_wgs84 {
        return Ok(());
    }
    Err(ImportProblem::Projected { place: place.at_field("crs"), what: name.to_owned() })
}

fn attribution(root: &Map<String, Value>) -> Option<String> {
    let keys = ["attribution", "copyright", "licence", "license"];
    keys.iter().find_map(|key| root.get(*key).and_then(Value::as_str)).map(tags::attribution_of).or_else(|| {
        let from_osm = root.get("features").and_then(Value::as_array).is_some_and(|features| {
            features.iter().take(5).any(|feature| {
                let id = |pointer: &str| feature.pointer(pointer).and_then(Value::as_str).unwrap_or("");
                ["/properties/osm_id", "/properties/@id", "/id"]
                    .iter()
                    .any(|at| ["way/", "node/", "relation/"].iter().any(|kind| id(at).starts_with(kind)))
            })
        });
        from_osm.then(|| tags::attribution_of("OpenStreetMap"))
    })
}

fn bare(collector: &mut Collector, geometry: Result<RawGeometry, ImportProblem>) {
    match geometry {
        Ok(geometry) => collector.feature(Feature {
            index: 0,
            line: None,
            id: None,
            properties: BTreeMap::new(),
            geometry,
            area_m2: None,
        }),
        Err(problem) => collector.problem(problem),
    }
}

fn take(collector: &mut Collector, file: &Place, index: usize, line: Option<usize>, value: &Value) {
    let mut place = Place { feature: Some(index), line, ..file.clone() };
    let Some(object) = value.as_object() else {
        return collector.problem(not_geojson(&place, "the feature is not an object".to_owned()));
    };
    if object.get("type").and_then(Value::as_str) != Some("Feature") {
        return collector
            .problem(not_geojson(&place, "an element of `features` whose `type` is not Feature".to_owned()));
    }
    let empty = Map::new();
    let properties = object.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let mut words = BTreeMap::new();
    flatten(properties, &mut words);
    let id = tags::ID_KEYS
        .iter()
        .find_map(|key| words.get(*key).cloned())
        .or_else(|| object.get("id").and_then(word))
        .map(|id| id.trim().to_owned())
        .filter(|id| !id.is_empty());
    place.id.clone_from(&id);
    let geometry = match object.get("geometry") {
        None | Some(Value::Null) => Ok(RawGeometry::Missing),
        Some(Value::Object(found)) => geometry(&place, found),
        Some(_) => Err(not_geojson(&place, "the geometry is not an object".to_owned())),
    };
    match geometry {
        Ok(geometry) => {
            collector.feature(Feature { index, line, id, properties: words, geometry, area_m2: None });
        }
        Err(problem) => collector.problem(problem),
    }
}

/// Properties as words; a nested `tags` object (osmtogeojson writes one) is lifted up.
fn flatten(properties: &Map<String, Value>, words: &mut BTreeMap<String, String>) {
    for (key, value) in properties {
        if key == "tags"
            && let Some(nested) = value.as_object()
        {
            flatten(nested, words);
        } else if let Some(text) = word(value) {
            words.insert(key.clone(), text);
        }
    }
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        _ => None,
    }
}

fn geometry(place: &Place, geometry: &Map<String, Value>) -> Result<RawGeometry, ImportProblem> {
    let kind = geometry.get("type").and_then(Value::as_str).unwrap_or("nothing");
    let null = Value::Null;
    let coordinates = geometry.get("coordinates").unwrap_or(&null);
    match kind {
        "Point" => Ok(RawGeometry::Point(position(place, coordinates)?)),
        "Polygon" => Ok(RawGeometry::Polygons(vec![polygon(place, coordinates)?])),
        "MultiPolygon" => {
            let parts = list(place, coordinates, "a MultiPolygon's coordinates are a list of polygons")?;
            Ok(RawGeometry::Polygons(parts.iter().map(|part| polygon(place, part)).collect::<Result<_, _>>()?))
        }
        "LineString" => Ok(RawGeometry::Line(ring(place, coordinates)?)),
        other => Ok(RawGeometry::Other(other.to_owned())),
    }
}

fn polygon(place: &Place, value: &Value) -> Result<RawPolygon, ImportProblem> {
    let rings = list(place, value, "a Polygon's coordinates are a list of rings")?;
    let outer = rings.first().map(|first| ring(place, first)).transpose()?.unwrap_or_default();
    Ok(RawPolygon { outer, holes: rings.len().saturating_sub(1) })
}

fn ring(place: &Place, value: &Value) -> Result<Vec<[f64; 2]>, ImportProblem> {
    list(place, value, "a ring is a list of positions")?.iter().map(|at| position(place, at)).collect()
}

fn position(place: &Place, value: &Value) -> Result<[f64; 2], ImportProblem> {
    let numbers = list(place, value, "a position is a list of two numbers")?;
    let mut found = [0.0; 2];
    for (axis, slot) in found.iter_mut().enumerate() {
        match numbers.get(axis) {
            Some(Value::Number(number)) => *slot = number.as_f64().unwrap_or(f64::NAN),
            Some(Value::String(text)) if text.parse::<f64>().is_ok_and(|n| !n.is_finite()) => {
                return Err(ImportProblem::NotFinite { place: place.clone(), text: text.clone() });
            }
            Some(Value::Null) => {
                return Err(ImportProblem::NotFinite { place: place.clone(), text: "null".to_owned() });
            }
            Some(other) => {
                let what = format!("`{other}` stands where a number belongs");
                return Err(ImportProblem::BadPosition { place: place.clone(), what });
            }
            None => {
                let what = format!("a position with {} numbers", numbers.len());
                return Err(ImportProblem::BadPosition { place: place.clone(), what });
            }
        }
    }
    Ok(found)
}

fn list<'a>(place: &Place, value: &'a Value, wanted: &str) -> Result<&'a Vec<Value>, ImportProblem> {
    value.as_array().ok_or_else(|| {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "a truth value",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Object(_) => "an object",
            Value::Array(_) => "a list",
        };
        ImportProblem::BadPosition { place: place.clone(), what: format!("{wanted}, found {kind}") }
    })
}
