//! KML (OGC 12-007r2): Placemarks with a Polygon, a MultiGeometry of polygons, or a Point.
//!
//! Read as a stream of XML events, because only so do problems keep their line. Coordinates are `lon,lat[,alt]`
//! tuples parted by blanks. A Placemark's name serves as id where all names differ (drawing programs call everything
//! "Untitled Polygon"); data fields are read from `ExtendedData`, whose `id` and `osm_id` come first.

use std::collections::{BTreeMap, BTreeSet};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use taa_models::demand::Class;

use super::collect::{Collector, Feature, RawGeometry, RawPolygon};
use super::errors::ImportErrors;
use super::place::{Place, line_column};
use super::problem::ImportProblem;
use super::{Imported, SourceFormat, tags};

/// A Placemark being read.
#[derive(Default)]
struct Placemark {
    line: usize,
    xml_id: Option<String>,
    name: Option<String>,
    properties: BTreeMap<String, String>,
    polygons: Vec<RawPolygon>,
    points: Vec<[f64; 2]>,
    line_string: Option<Vec<[f64; 2]>>,
    other: Option<String>,
    problem: Option<ImportProblem>,
}

/// Reads a KML text.
pub(super) fn read(place: &Place, text: &str, own: &[Class]) -> Result<Imported, ImportErrors> {
    let document = parse(place, text)?;
    if document.placemarks.is_empty() {
        return Err(ImportProblem::KmlNoPlacemarks { place: place.clone() }.into());
    }
    let names: BTreeSet<&str> = document.placemarks.iter().filter_map(|p| p.name.as_deref()).collect();
    let names_are_ids = names.len() == document.placemarks.len();
    let mut collector = Collector::new(place, own);
    for (index, placemark) in document.placemarks.into_iter().enumerate() {
        if let Some(problem) = placemark.problem {
            collector.problem(problem);
            continue;
        }
        let by_key = tags::ID_KEYS.iter().find_map(|key| placemark.properties.get(*key).cloned());
        let id = by_key
            .or(if names_are_ids { placemark.name.clone() } else { placemark.xml_id })
            .filter(|id| !id.is_empty());
        let mut properties = placemark.properties;
        if let Some(name) = placemark.name.filter(|name| Some(name) != id.as_ref()) {
            properties.entry("name".to_owned()).or_insert(name);
        }
        let geometry = if !placemark.polygons.is_empty() {
            RawGeometry::Polygons(placemark.polygons)
        } else if let Some(&at) = placemark.points.first() {
            RawGeometry::Point(at)
        } else if let Some(line) = placemark.line_string {
            RawGeometry::Line(line)
        } else {
            placemark.other.map_or(RawGeometry::Missing, RawGeometry::Other)
        };
        collector.feature(Feature { index, line: Some(placemark.line), id, properties, geometry, area_m2: None });
    }
    collector.finish(SourceFormat::Kml, document.attribution, document.name)
}

#[derive(Default)]
struct Document {
    placemarks: Vec<Placemark>,
    name: Option<String>,
    attribution: Option<String>,
}

/// The walk's state: the open elements and the text of the innermost one.
struct Walk<'a> {
    place: &'a Place,
    text: &'a str,
    path: Vec<String>,
    words: String,
    data_name: Option<String>,
    open: Option<Placemark>,
    found: Document,
}

fn parse(place: &Place, text: &str) -> Result<Document, ImportProblem> {
    let mut reader = Reader::from_str(text);
    let mut walk = Walk {
        place,
        text,
        path: Vec::new(),
        words: String::new(),
        data_name: None,
        open: None,
        found: Document::default(),
    };
    let syntax = |offset: u64, reason: String| {
        let (line, _) = line_column(text, usize::try_from(offset).unwrap_or(usize::MAX));
        ImportProblem::KmlSyntax { place: place.at_line(line), reason }
    };
    loop {
        let offset = reader.buffer_position();
        match reader.read_event() {
            Ok(Event::Start(start)) => walk.start(&start, offset),
            Ok(Event::Empty(start)) => {
                walk.start(&start, offset);
                walk.end(offset);
            }
            Ok(Event::End(_)) => walk.end(offset),
            Ok(Event::Text(words)) => match words.decode() {
                Ok(words) => walk.words.push_str(&words),
                Err(error) => return Err(syntax(offset, error.to_string())),
            },
            Ok(Event::CData(words)) => walk.words.push_str(&String::from_utf8_lossy(&words)),
            Ok(Event::GeneralRef(entity)) => walk.words.push_str(&entity_text(&entity)),
            Ok(Event::Eof) if walk.path.is_empty() => return Ok(walk.found),
            Ok(Event::Eof) => {
                let reason = format!("the file ends inside <{}>: it is truncated", walk.path.join("><"));
                return Err(syntax(offset, reason));
            }
            Ok(_) => {}
            Err(error) => return Err(syntax(reader.error_position(), error.to_string())),
        }
    }
}

fn entity_text(entity: &quick_xml::events::BytesRef<'_>) -> String {
    if let Ok(Some(character)) = entity.resolve_char_ref() {
        return character.to_string();
    }
    match entity.decode().as_deref() {
        Ok("amp") => "&".to_owned(),
        Ok("lt") => "<".to_owned(),
        Ok("gt") => ">".to_owned(),
        Ok("quot") => "\"".to_owned(),
        Ok("apos") => "'".to_owned(),
        _ => String::new(),
    }
}

impl Walk<'_> {
    fn start(&mut self, start: &BytesStart<'_>, offset: u64) {
        let name = String::from_utf8_lossy(start.local_name().as_ref()).into_owned();
        self.words.clear();
        match name.as_str() {
            "Placemark" => {
                let (line, _) = line_column(self.text, self.content_offset(offset));
                let xml_id = attribute(start, "id");
                self.open = Some(Placemark { line, xml_id, ..Placemark::default() });
            }
            "Data" | "SimpleData" => self.data_name = attribute(start, "name"),
            "Polygon" => {
                if let Some(open) = &mut self.open {
                    open.polygons.push(RawPolygon::default());
                }
            }
            "Model" | "Track" | "MultiTrack" | "LinearRing" if !self.path.iter().any(|p| p == "Polygon") => {
                if let Some(open) = &mut self.open {
                    open.other = Some(name.clone());
                }
            }
            _ => {}
        }
        self.path.push(name);
    }

    /// The event starts behind the blanks before it; those belong to the text event in front.
    fn content_offset(&self, offset: u64) -> usize {
        usize::try_from(offset).unwrap_or(self.text.len())
    }

    fn end(&mut self, offset: u64) {
        let Some(name) = self.path.pop() else { return };
        let words = std::mem::take(&mut self.words);
        let words = words.trim();
        let parent = self.path.last().map_or("", String::as_str);
        if self.open.is_none() {
            self.document_field(&name, words);
            return;
        }
        match (name.as_str(), parent) {
            ("Placemark", _) => self.found.placemarks.extend(self.open.take()),
            ("name", "Placemark") if !words.is_empty() => {
                if let Some(open) = &mut self.open {
                    open.name = Some(words.to_owned());
                }
            }
            ("value", "Data") | ("SimpleData", _) => {
                if let (Some(open), Some(key)) = (&mut self.open, self.data_name.take()) {
                    open.properties.insert(key, words.to_owned());
                }
            }
            ("coordinates", _) => self.coordinates(words, offset),
            _ => {}
        }
    }

    fn document_field(&mut self, name: &str, words: &str) {
        if words.is_empty() || !matches!(name, "name" | "description" | "author") {
            return;
        }
        let lower = words.to_ascii_lowercase();
        let is_notice = ["(c)", "©", "openstreetmap", "odbl", "licen"].iter().any(|mark| lower.contains(mark));
        if is_notice && self.found.attribution.is_none() {
            self.found.attribution = Some(tags::attribution_of(words));
        }
        if name == "name" && self.found.name.is_none() {
            self.found.name =
                words.split(['(', '©']).next().map(|name| name.trim().to_owned()).filter(|n| !n.is_empty());
        }
    }

    fn coordinates(&mut self, words: &str, offset: u64) {
        let inner = self.path.iter().any(|p| p == "innerBoundaryIs");
        let in_polygon = self.path.iter().any(|p| p == "Polygon");
        let parent = self.path.last().cloned().unwrap_or_default();
        let (line, _) = line_column(self.text, usize::try_from(offset).unwrap_or(0));
        let Some(open) = &mut self.open else { return };
        let place = Place {
            line: Some(line),
            feature: Some(self.found.placemarks.len()),
            id: open.name.clone(),
            ..self.place.clone()
        };
        let corners = match tuples(&place, words) {
            Ok(corners) => corners,
            Err(problem) => {
                open.problem.get_or_insert(problem);
                return;
            }
        };
        match (parent.as_str(), in_polygon, open.polygons.last_mut()) {
            (_, true, Some(polygon)) if inner => polygon.holes += 1,
            (_, true, Some(polygon)) => polygon.outer = corners,
            ("Point", ..) => open.points.extend(corners.first()),
            ("LineString", ..) => open.line_string = Some(corners),
            _ => {}
        }
    }
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = start.try_get_attribute(name).ok().flatten()?;
    Some(String::from_utf8_lossy(&found.value).into_owned())
}

fn tuples(place: &Place, words: &str) -> Result<Vec<[f64; 2]>, ImportProblem> {
    words.split_ascii_whitespace().map(|tuple| pair(place, tuple)).collect()
}

fn pair(place: &Place, tuple: &str) -> Result<[f64; 2], ImportProblem> {
    let mut parts = tuple.split(',');
    let mut number = || {
        let text = parts.next().unwrap_or("");
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) => Err(ImportProblem::NotFinite { place: place.clone(), text: text.to_owned() }),
            Err(_) => {
                Err(ImportProblem::BadPosition { place: place.clone(), what: format!("`{tuple}` is not lon,lat") })
            }
        }
    };
    Ok([number()?, number()?])
}
