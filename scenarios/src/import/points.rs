//! CSV points: one building a row, with latitude and longitude columns under any of their usual names.
//!
//! Lines starting with `#` are comments (an attribution may stand there). A `geometry` column with WKT polygons (Open
//! Buildings exports) gives outlines.

use std::collections::BTreeMap;

use csv::{ReaderBuilder, StringRecord, Trim};

use taa_models::demand::Class;

use super::collect::{Collector, Feature, RawGeometry, RawPolygon};
use super::errors::ImportErrors;
use super::place::{Excerpt, Place};
use super::problem::ImportProblem;
use super::{Imported, SourceFormat, tags};

const LATITUDE: [&str; 6] = ["lat", "latitude", "lat_deg", "latitude_deg", "y_lat", "gps_latitude"];
const LONGITUDE: [&str; 8] = ["lon", "lng", "long", "longitude", "lon_deg", "longitude_deg", "x_lon", "gps_longitude"];
const AREA: [&str; 5] = ["footprint_m2", "area_m2", "area_in_meters", "footprint", "area"];

struct Columns {
    names: Vec<String>,
    latitude: usize,
    longitude: usize,
    area: Option<usize>,
    outline: Option<usize>,
}

/// Reads CSV points.
pub(super) fn read(place: &Place, text: &str, own: &[Class]) -> Result<Imported, ImportErrors> {
    let header = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#')).unwrap_or("");
    check_delimiter(place, text, header)?;
    let mut reader =
        ReaderBuilder::new().comment(Some(b'#')).flexible(true).trim(Trim::All).from_reader(text.as_bytes());
    let names: Vec<String> = match reader.headers() {
        Ok(names) => names.iter().map(|name| name.trim().to_ascii_lowercase()).collect(),
        Err(error) => {
            let what = format!("the header cannot be read: {error}");
            return Err(ImportProblem::BadPosition { place: place.clone(), what }.into());
        }
    };
    let columns = columns(place, names)?;
    let mut collector = Collector::new(place, own);
    for (index, record) in reader.records().enumerate() {
        match record {
            Ok(record) => match row(place, text, &columns, index, &record) {
                Ok(Some(feature)) => collector.feature(feature),
                Ok(None) => {}
                Err(problem) => collector.problem(problem),
            },
            Err(error) => {
                let what = error.to_string();
                collector.problem(ImportProblem::BadPosition { place: place.clone(), what });
            }
        }
    }
    let notice = text.lines().filter(|line| line.starts_with('#')).find(|line| {
        let line = line.to_ascii_lowercase();
        ["©", "(c)", "openstreetmap", "odbl"].iter().any(|mark| line.contains(mark))
    });
    let attribution = notice.map(|line| tags::attribution_of(line.trim_start_matches('#')));
    collector.finish(SourceFormat::CsvPoints, attribution, None)
}

/// Spreadsheets of half of the world part columns by semicolons and decimals by commas.
fn check_delimiter(place: &Place, text: &str, header: &str) -> Result<(), ImportProblem> {
    let line = text.lines().position(|l| l == header).map_or(1, |i| i + 1);
    let wrong = |what| Err(ImportProblem::CsvDelimiter { place: place.at_line(line), what });
    let commas = header.matches(',').count();
    if header.matches(';').count() > commas {
        return wrong("the columns are parted by semicolons");
    }
    if header.matches('\t').count() > commas {
        return wrong("the columns are parted by tabs");
    }
    Ok(())
}

fn columns(place: &Place, names: Vec<String>) -> Result<Columns, ImportProblem> {
    let find = |wanted: &[&str]| wanted.iter().find_map(|want| names.iter().position(|name| name == want));
    let (latitude, longitude) = (find(&LATITUDE), find(&LONGITUDE));
    let (area, outline) = (find(&AREA), find(&["geometry", "wkt"]));
    let (Some(latitude), Some(longitude)) = (latitude, longitude) else {
        let missing = match (latitude, longitude) {
            (None, None) => "latitude and no longitude",
            (None, _) => "latitude",
            _ => "longitude",
        };
        let place = place.at_line(1);
        return Err(ImportProblem::CsvColumns { place, missing, found: names.join(", ") });
    };
    Ok(Columns { names, latitude, longitude, area, outline })
}

fn row(
    file: &Place,
    text: &str,
    columns: &Columns,
    index: usize,
    record: &StringRecord,
) -> Result<Option<Feature>, ImportProblem> {
    if record.iter().all(str::is_empty) {
        return Ok(None);
    }
    let line = record.position().map(|at| usize::try_from(at.line()).unwrap_or(0));
    let mut place = Place { line, feature: Some(index), ..file.clone() };
    if record.len() != columns.names.len() {
        let (found, wanted) = (record.len(), columns.names.len());
        if has_decimal_commas(record, columns) {
            let what = "more columns than the header names: the numbers seem to have decimal commas";
            return Err(ImportProblem::CsvDelimiter { place, what });
        }
        return Err(ImportProblem::CsvRow { place, found, wanted });
    }
    let mut properties: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in columns.names.iter().zip(record) {
        if !value.is_empty() {
            properties.insert(name.clone(), value.to_owned());
        }
    }
    let id = tags::ID_KEYS.iter().find_map(|key| properties.get(*key).cloned());
    place.id.clone_from(&id);
    let cell = |column: usize| number(&place, text, &columns.names[column], record.get(column).unwrap_or(""));
    let at = [cell(columns.longitude)?, cell(columns.latitude)?];
    let area_m2 = match columns.area.map(|column| (column, record.get(column).unwrap_or(""))) {
        Some((column, words)) if !words.is_empty() => Some(cell(column)?),
        _ => None,
    };
    let outline = columns.outline.and_then(|column| record.get(column)).and_then(wkt_polygon);
    let geometry =
        outline.map_or(RawGeometry::Point(at), |outer| RawGeometry::Polygons(vec![RawPolygon { outer, holes: 0 }]));
    Ok(Some(Feature { index, line, id, properties, geometry, area_m2 }))
}

fn has_decimal_commas(record: &StringRecord, columns: &Columns) -> bool {
    record.len() > columns.names.len() && record.iter().filter(|cell| cell.parse::<i64>().is_ok()).count() >= 4
}

fn number(place: &Place, text: &str, name: &str, cell: &str) -> Result<f64, ImportProblem> {
    let place = place.at_field(name);
    match cell.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err(ImportProblem::NotFinite { place, text: cell.to_owned() }),
        Err(_) if cell.contains(',') && cell.replace(',', ".").parse::<f64>().is_ok() => {
            Err(ImportProblem::CsvDelimiter { place, what: "the number has a decimal comma" })
        }
        Err(_) => {
            let line = place.line.unwrap_or(1);
            let quoted = text.lines().nth(line.saturating_sub(1)).unwrap_or("");
            let part = quoted.find(cell).filter(|_| !cell.is_empty()).map(|start| start..start + cell.len());
            let excerpt = Excerpt::of(&place.file, text, line, part);
            let span = excerpt.as_ref().map(Excerpt::span);
            Err(ImportProblem::CsvNumber { place, text: cell.to_owned(), excerpt, span })
        }
    }
}

/// The outer ring of `POLYGON((lon lat, …))` or of the first part of a MULTIPOLYGON.
fn wkt_polygon(wkt: &str) -> Option<Vec<[f64; 2]>> {
    let upper = wkt.trim_start().get(..12).unwrap_or(wkt).to_ascii_uppercase();
    if !upper.starts_with("POLYGON") && !upper.starts_with("MULTIPOLYGON") {
        return None;
    }
    let ring = wkt.get(wkt.find('(')?..)?.trim_start_matches(['(', ' ']).split(')').next()?;
    ring.split(',')
        .map(|pair| {
            let mut numbers = pair.split_ascii_whitespace().map(str::parse::<f64>);
            Some([numbers.next()?.ok()?, numbers.next()?.ok()?])
        })
        .collect()
}
