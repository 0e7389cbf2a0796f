//! The features of a village file that are more than buildings, with the line on which each stands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Kind;
use crate::diagnostics::{Diagnostics, GridProblem, Spot};
use crate::document::did_you_mean;
use crate::import::Place;

/// A feature other than a building.
pub(super) struct Item {
    pub(super) index: usize,
    pub(super) kind: Kind,
    /// `[longitude, latitude]` of its corners; one for a point.
    pub(super) at_deg: Vec<[f64; 2]>,
    pub(super) words: BTreeMap<String, String>,
    pub(super) id: String,
}

/// What is drawn in a file.
pub(super) struct Drawn {
    path: PathBuf,
    lines: Vec<usize>,
    /// Poles, lines, sites, relays.
    pub(super) items: Vec<Item>,
    /// Features with the tag `power`: the importer leaves them out, and counts them.
    pub(super) powered: usize,
    /// Every feature could be read.
    pub(super) sound: bool,
    /// Properties of buildings, by feature index.
    pub(super) buildings: BTreeMap<usize, BTreeMap<String, String>>,
}

impl Drawn {
    /// Reads the features of a GeoJSON text that has already passed the importer.
    pub(super) fn read(path: &Path, text: &str, found: &mut Diagnostics) -> Self {
        let mut drawn = Self {
            path: path.to_owned(),
            lines: Vec::new(),
            items: Vec::new(),
            powered: 0,
            sound: true,
            buildings: BTreeMap::new(),
        };
        let features = features(text);
        drawn.lines = features.iter().map(|(line, _)| *line).collect();
        let kind_of = |value: &Value| value.pointer("/properties/kind").and_then(Value::as_str).map(str::to_owned);
        let ours =
            features.iter().filter_map(|(_, value)| Kind::of(&kind_of(value)?)).any(|kind| kind != Kind::Building);
        for (index, (_, value)) in features.into_iter().enumerate() {
            let words = words(&value);
            drawn.powered += usize::from(words.contains_key("power"));
            // In a file without any grid, `kind` is somebody else's property.
            let kind = match kind_of(&value).filter(|_| ours) {
                None => Kind::Building,
                Some(name) => match Kind::of(&name) {
                    Some(kind) => kind,
                    None => {
                        drawn.sound = false;
                        let names = || Kind::ALL.iter().map(|(name, _)| *name);
                        found.push(GridProblem::UnknownKind {
                            at: drawn.spot(index, "").field("kind"),
                            suggestion: did_you_mean(&name, names()),
                            found: name,
                            allowed: names().collect::<Vec<_>>().join(", "),
                        });
                        continue;
                    }
                },
            };
            if kind == Kind::Building {
                drawn.buildings.insert(index, words);
            } else if let Some(item) = drawn.item(index, kind, words, &value, found) {
                drawn.items.push(item);
            } else {
                drawn.sound = false;
            }
        }
        drawn
    }

    fn item(
        &self,
        index: usize,
        kind: Kind,
        words: BTreeMap<String, String>,
        value: &Value,
        found: &mut Diagnostics,
    ) -> Option<Item> {
        let id = words.get("id").cloned().unwrap_or_else(|| format!("{}{}", kind.name(), index + 1));
        let drawn_as = value.pointer("/geometry/type").and_then(Value::as_str).unwrap_or("nothing");
        let wanted = if kind == Kind::Line { "LineString" } else { "Point" };
        let coordinates = value.pointer("/geometry/coordinates");
        // QGIS exports layers as Multi… types by default; one part is as good as none.
        let (drawn_as, coordinates) = match (drawn_as, coordinates.and_then(Value::as_array)) {
            ("MultiPoint", Some(parts)) if parts.len() == 1 => ("Point", parts.first()),
            ("MultiLineString", Some(parts)) if parts.len() == 1 => ("LineString", parts.first()),
            _ => (drawn_as, coordinates),
        };
        let at_deg = coordinates.and_then(|c| if kind == Kind::Line { corners(c) } else { Some(vec![position(c)?]) });
        match at_deg {
            Some(at_deg) if drawn_as == wanted && at_deg.len() >= if kind == Kind::Line { 2 } else { 1 } => {
                Some(Item { index, kind, at_deg, words, id })
            }
            _ => {
                let at = self.spot(index, &id);
                found.push(GridProblem::WrongGeometry { at, kind: kind.name(), found: drawn_as.to_owned(), wanted });
                None
            }
        }
    }

    /// Where a feature stands.
    pub(super) fn spot(&self, index: usize, id: &str) -> Spot {
        let place = Place { line: self.lines.get(index).copied(), ..Place::file(&self.path) };
        Spot::at(place).feature(index, id)
    }

    /// The file as a whole.
    pub(super) fn file(&self) -> Spot {
        Spot::file(&self.path)
    }
}

/// The elements of `features` with the line on which each begins.
fn features(text: &str) -> Vec<(usize, Value)> {
    let mut found = Vec::new();
    let Some(mut at) = text.find("\"features\"").and_then(|key| Some(key + text.get(key..)?.find('[')? + 1)) else {
        return found;
    };
    let (mut line, mut counted) = (1, 0);
    while let Some(rest) = text.get(at..) {
        let blank = rest.len() - rest.trim_start_matches(|c: char| c == ',' || c.is_ascii_whitespace()).len();
        at += blank;
        let Some(rest) = text.get(at..).filter(|rest| rest.starts_with('{')) else { break };
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let Some(Ok(value)) = stream.next() else { break };
        line += text.as_bytes().get(counted..at).unwrap_or_default().iter().filter(|&&byte| byte == b'\n').count();
        counted = at;
        found.push((line, value));
        at += stream.byte_offset();
    }
    found
}

fn words(feature: &Value) -> BTreeMap<String, String> {
    let properties = feature.get("properties").and_then(Value::as_object);
    let mut words = BTreeMap::new();
    for (key, value) in properties.into_iter().flatten() {
        let word = match value {
            Value::String(text) => text.trim().to_owned(),
            // QGIS writes whole numbers of a decimal column as 1.0.
            Value::Number(number) => number.to_string().trim_end_matches(".0").to_owned(),
            Value::Bool(yes) => (if *yes { "yes" } else { "no" }).to_owned(),
            _ => continue,
        };
        if !word.is_empty() {
            words.insert(key.clone(), word);
        }
    }
    words
}

fn corners(value: &Value) -> Option<Vec<[f64; 2]>> {
    value.as_array()?.iter().map(position).collect()
}

fn position(value: &Value) -> Option<[f64; 2]> {
    let numbers = value.as_array()?;
    let at = [numbers.first()?.as_f64()?, numbers.get(1)?.as_f64()?];
    (at[0].abs() <= 180.0 && at[1].abs() <= 90.0).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_know_their_lines() {
        let text = "{\"type\":\"FeatureCollection\",\n\"features\" : [\n{\"a\":1},\n\n{\"b\":[{}]}\n]}";
        let lines: Vec<usize> = features(text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [3, 5]);
    }
}
