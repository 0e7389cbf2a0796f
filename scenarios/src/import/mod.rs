//! Building footprints as planners have them: GeoJSON, KML and CSV points.
//!
//! [`read_buildings`] tells the format by extension and content, checks everything it can check without knowing the
//! rest of the scenario, and returns either all buildings or all problems (up to [`PROBLEMS_MAX`]). Positions stay in
//! degrees, longitude first; [`crate::layout`] turns them into a village.
//!
//! What trips people:
//! - GeoJSON and KML write **longitude first**. A file with both swapped may still lie on the planet; hold it against
//!   a place that is known (the site, or the weather's) with [`Imported::check_near`].
//! - An OpenStreetMap extract holds more than buildings. Lines, land use and stray nodes are left out, said in one
//!   warning; a tagged node inside an outline (`amenity=school`) gives its tags to that outline.
//! - A MultiPolygon is one building: its largest part is the outline, its area the sum.
//! - Ids come from `id`, `osm_id`, `@id`, `bid`, `building_id`, `fid` or the feature's own `id`, in this order; where
//!   none is, buildings are numbered `b1`, `b2`… in the order of the file, and adding one in the middle renames those
//!   behind it. Give ids if you want to edit.

#![allow(clippy::result_large_err, reason = "a problem ends the reading of a file; its size costs nothing")]

mod collect;
mod errors;
mod file;
mod geojson;
mod json_lines;
mod kml;
mod place;
mod points;
mod problem;
mod ring;
mod tags;

use std::collections::BTreeMap;
use std::path::Path;
use taa_models::demand::Class;

pub use errors::{ImportErrors, PROBLEMS_MAX};
pub use file::{BUILDINGS_BYTES_MAX, FileProblem, Megabytes, WEATHER_BYTES_MAX, read_text};
pub use place::{Excerpt, Place, line_column};
pub use problem::ImportProblem;

/// Most buildings of one village.
pub const BUILDINGS_MAX: usize = 10_000;

/// Format of a buildings file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceFormat {
    /// RFC 7946.
    GeoJson,
    /// OGC KML 2.2.
    Kml,
    /// Comma-separated points.
    CsvPoints,
}

impl SourceFormat {
    /// The name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::GeoJson => "GeoJSON",
            Self::Kml => "KML",
            Self::CsvPoints => "CSV points",
        }
    }
}

/// A building as it stood in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct RawBuilding {
    /// Unique within the file.
    pub id: String,
    /// Outer ring, `[longitude, latitude]`, first corner not repeated at the end; empty for a point.
    pub ring_deg: Vec<[f64; 2]>,
    /// `[longitude, latitude]` of the centroid.
    pub centre_deg: [f64; 2],
    /// Footprint, square metres; 0 when unknown.
    pub area_m2: f64,
    /// Properties kept: `building`, `roof`, `wall`, `name`, `amenity`, `shop`, `office`, `craft`, `class`, `connected`,
    /// `placement`, in lower case where they are words of a vocabulary.
    pub tags: BTreeMap<String, String>,
    /// Position in the file's list of features, from 0.
    pub feature: usize,
}

/// A buildings file, read and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// In the order of the file.
    pub buildings: Vec<RawBuilding>,
    /// Who must be named for the data, where the file tells.
    pub attribution: Option<String>,
    /// Name of the collection, where the file tells.
    pub name: Option<String>,
    /// How it was read.
    pub source_format: SourceFormat,
    /// What was made of oddities.
    pub warnings: Vec<ImportProblem>,
    /// The file, for messages.
    pub place: Place,
}

impl Imported {
    /// `[longitude, latitude]` of the middle of the buildings' extent: a good origin for the site.
    #[must_use]
    pub fn centre_deg(&self) -> [f64; 2] {
        let mut low = [f64::INFINITY; 2];
        let mut high = [f64::NEG_INFINITY; 2];
        for building in &self.buildings {
            for axis in 0..2 {
                low[axis] = low[axis].min(building.centre_deg[axis]);
                high[axis] = high[axis].max(building.centre_deg[axis]);
            }
        }
        [f64::midpoint(low[0], high[0]), f64::midpoint(low[1], high[1])]
    }

    /// Whether the buildings seem to have latitude and longitude swapped, seen from a place known to be near
    /// (`near` names it, e.g. "the weather file's site"): as read they are over 1500 km away, swapped at least five
    /// times nearer.
    #[must_use]
    pub fn check_near(&self, lat_deg: f64, lon_deg: f64, near: &str) -> Option<ImportProblem> {
        let [lon, lat] = self.centre_deg();
        let as_read_km = crate::weather::distance_km(lat, lon, lat_deg, lon_deg);
        if lon.abs() > 90.0 || as_read_km < 1500.0 {
            return None;
        }
        let swapped_km = crate::weather::distance_km(lon, lat, lat_deg, lon_deg);
        (swapped_km * 5.0 < as_read_km).then(|| ImportProblem::Swapped {
            place: self.place.clone(),
            why: format!(
                "as read, the buildings are {as_read_km:.0} km from {near} ({lat:.3}, {lon:.3}); swapped, {swapped_km:.0} km"
            ),
        })
    }
}

/// Reads a buildings file of any supported format.
///
/// # Errors
/// All problems found, in the order of the file.
pub fn read_buildings(path: &Path) -> Result<Imported, ImportErrors> {
    read_buildings_with(path, &[])
}

/// The same, where a scenario has classes of its own: buildings may name them.
pub(crate) fn read_buildings_with(path: &Path, own: &[Class]) -> Result<Imported, ImportErrors> {
    let text = read_text(path, BUILDINGS_BYTES_MAX)?;
    let place = Place::file(path);
    let format = sniff(path, &text).map_err(|what| ImportProblem::UnknownFormat { place: place.clone(), what })?;
    match format {
        SourceFormat::GeoJson => geojson::read(&place, &text, own),
        SourceFormat::Kml => kml::read(&place, &text, own),
        SourceFormat::CsvPoints => points::read(&place, &text, own),
    }
}

/// Content first, since browsers save GeoJSON as `.txt` and APIs as `.json`; the extension decides the rest.
fn sniff(path: &Path, text: &str) -> Result<SourceFormat, &'static str> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    let head = text.trim_start();
    match extension.as_str() {
        "geojson" | "json" => return Ok(SourceFormat::GeoJson),
        "kml" => return Ok(SourceFormat::Kml),
        _ => {}
    }
    if head.starts_with('{') || head.starts_with('[') {
        return Ok(SourceFormat::GeoJson);
    }
    if head.starts_with('<') {
        let start = &head[..floor(head, 2000)];
        if start.contains("<kml") || start.contains(":kml") {
            return Ok(SourceFormat::Kml);
        }
        if start.contains("<osm") {
            return Err("OpenStreetMap XML: export the buildings as GeoJSON (overpass-turbo: Export, GeoJSON)");
        }
        if start.to_ascii_lowercase().contains("<html") {
            return Err("a web page, not a data file: use the page's download or export button");
        }
        if start.contains("<gpx") {
            return Err("a GPX track, not buildings");
        }
        return Err("XML of an unknown kind");
    }
    if matches!(extension.as_str(), "csv" | "txt" | "tsv") || head.lines().next().is_some_and(|l| l.contains(',')) {
        return Ok(SourceFormat::CsvPoints);
    }
    Err("neither extension nor content tell what it is")
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0)
}
