//! What can be wrong with a buildings file, each with its own diagnosis.
//!
//! The last variants are warnings or advice (`severity`): the file is taken, and the reader is told what was made of it.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::file::FileProblem;
use super::place::{Excerpt, Place};

/// One problem of a buildings file.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
#[non_exhaustive]
pub enum ImportProblem {
    /// The file could not be taken in.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(FileProblem),

    /// Neither extension nor content tell.
    #[error("{place}: {what}")]
    #[diagnostic(
        code(taa::import::unknown_format),
        help("buildings come as GeoJSON (.geojson, .json), KML (.kml) or CSV points (.csv with lat and lon columns)")
    )]
    UnknownFormat {
        /// Where.
        place: Place,
        /// What it looks like.
        what: &'static str,
    },

    /// Broken JSON.
    #[error("{place}: not valid JSON: {reason}")]
    #[diagnostic(code(taa::import::json_syntax), help("export the file again, or mend this line in a text editor"))]
    JsonSyntax {
        /// Where.
        place: Place,
        /// What the parser expected.
        reason: String,
        /// The line.
        #[source_code]
        excerpt: Option<Excerpt>,
        /// The spot.
        #[label("here")]
        span: Option<SourceSpan>,
    },

    /// JSON that stops in the middle.
    #[error("{place}: the JSON ends in the middle: the file is truncated")]
    #[diagnostic(code(taa::import::json_truncated), help("the download or copy was cut off: fetch the file again"))]
    JsonTruncated {
        /// Where it ends.
        place: Place,
    },

    /// NaN, Infinity or a number beyond all range.
    #[error("{place}: `{text}` is not a finite number")]
    #[diagnostic(
        code(taa::import::not_finite),
        help("coordinates and areas are finite decimal numbers; JSON knows neither NaN nor Infinity")
    )]
    NotFinite {
        /// Where.
        place: Place,
        /// What stands there.
        text: String,
    },

    /// JSON of another kind.
    #[error("{place}: JSON, but not GeoJSON: {what}")]
    #[diagnostic(
        code(taa::import::not_geojson),
        help("a GeoJSON file is an object whose `type` is FeatureCollection, Feature, Polygon, MultiPolygon or Point")
    )]
    NotGeoJson {
        /// Where.
        place: Place,
        /// What was found.
        what: String,
    },

    /// Geometry that is no building.
    #[error("{place}: a {kind} is not a building")]
    #[diagnostic(
        code(taa::import::wrong_geometry),
        help("buildings are Polygon, MultiPolygon or Point; convert lines to polygons, or remove the feature")
    )]
    WrongGeometry {
        /// Where.
        place: Place,
        /// The geometry's type.
        kind: String,
    },

    /// Coordinates that are no `[lon, lat]`.
    #[error("{place}: coordinates are malformed: {what}")]
    #[diagnostic(
        code(taa::import::bad_position),
        help("a position is [longitude, latitude] in decimal degrees; a ring is a list of at least four of them")
    )]
    BadPosition {
        /// Where.
        place: Place,
        /// What was found.
        what: String,
    },

    /// A coordinate system in metres.
    #[error("{place}: the coordinates are not degrees of WGS 84 but {what}")]
    #[diagnostic(
        code(taa::import::projected),
        help("export with the coordinate system EPSG:4326 (WGS 84); in QGIS: Export, Save Features As, CRS")
    )]
    Projected {
        /// Where.
        place: Place,
        /// Which system, or which values.
        what: String,
    },

    /// Degrees beyond ±180, ±90.
    #[error("{place}: longitude {lon_deg}, latitude {lat_deg} is not on this planet")]
    #[diagnostic(
        code(taa::import::out_of_range),
        help("longitude is allowed from -180 to 180 degrees, latitude from -90 to 90")
    )]
    OutOfRange {
        /// Where.
        place: Place,
        /// Longitude as read.
        lon_deg: f64,
        /// Latitude as read.
        lat_deg: f64,
    },

    /// Latitude and longitude in each other's place.
    #[error("{place}: latitude and longitude are swapped: {why}")]
    #[diagnostic(
        code(taa::import::swapped),
        help("GeoJSON, KML and WKT write longitude first, then latitude; in CSV the column names decide")
    )]
    Swapped {
        /// Where.
        place: Place,
        /// What shows it.
        why: String,
    },

    /// A building in the Gulf of Guinea.
    #[error("{place}: the building stands at latitude 0, longitude 0")]
    #[diagnostic(
        code(taa::import::null_island),
        help("a missing position was written as 0,0: give the true position, or remove the row")
    )]
    NullIsland {
        /// Where.
        place: Place,
    },

    /// Two villages in one file.
    #[error(
        "{place}: {count} of {of} buildings lie more than {limit_km} km from the others (the farthest {far_km:.0} km)"
    )]
    #[diagnostic(
        code(taa::import::far_apart),
        help("one scenario is one village: keep one of them in the file, and make another scenario of the other")
    )]
    FarApart {
        /// The farthest one.
        place: Place,
        /// How many stand apart.
        count: usize,
        /// Of how many.
        of: usize,
        /// The limit, km.
        limit_km: f64,
        /// The farthest, km.
        far_km: f64,
    },

    /// Nothing to build a village from.
    #[error("{place}: no buildings in it{detail}")]
    #[diagnostic(
        code(taa::import::no_buildings),
        help("at least one Polygon, MultiPolygon or Point is needed; check the export's filter and area")
    )]
    NoBuildings {
        /// Where.
        place: Place,
        /// What was found instead.
        detail: String,
    },

    /// A whole region.
    #[error("{place}: {count} buildings, the limit is {limit}")]
    #[diagnostic(
        code(taa::import::too_many),
        help("cut one village out of the file first (in QGIS: select by polygon, then export the selection)")
    )]
    TooMany {
        /// Where.
        place: Place,
        /// How many.
        count: usize,
        /// The limit.
        limit: usize,
    },

    /// A ring that crosses itself.
    #[error(
        "{place}: the outline crosses itself near {lat_deg:.6}, {lon_deg:.6} (edges {first_edge} and {second_edge})"
    )]
    #[diagnostic(
        code(taa::import::self_intersecting),
        help("put the corners in order around the building (in QGIS: Fix geometries)")
    )]
    SelfIntersecting {
        /// Where.
        place: Place,
        /// Latitude of the crossing.
        lat_deg: f64,
        /// Longitude of the crossing.
        lon_deg: f64,
        /// Index of one edge.
        first_edge: usize,
        /// Index of the other.
        second_edge: usize,
    },

    /// A ring without area.
    #[error("{place}: the outline is degenerate: {what}")]
    #[diagnostic(
        code(taa::import::degenerate),
        help("an outline needs at least three different corners and at least 0.1 m² of area; give a Point instead")
    )]
    Degenerate {
        /// Where.
        place: Place,
        /// How.
        what: String,
    },

    /// Holes without anything around them.
    #[error("{place}: the polygon has holes but no outline")]
    #[diagnostic(
        code(taa::import::hole_only),
        help("the first ring of a Polygon is its outline (KML: outerBoundaryIs); holes come after it")
    )]
    HoleOnly {
        /// Where.
        place: Place,
    },

    /// One id, two buildings.
    #[error("{place}: the id is already used by feature {first}")]
    #[diagnostic(
        code(taa::import::duplicate_id),
        help("ids must be unique; rename one, or remove the id property to have them numbered")
    )]
    DuplicateId {
        /// The later one.
        place: Place,
        /// The earlier one.
        first: usize,
    },

    /// A tag whose value is unknown.
    #[error("{place}: `{value}` is not known{suggestion}")]
    #[diagnostic(code(taa::import::bad_tag), help("allowed: {allowed}"))]
    BadTag {
        /// Where.
        place: Place,
        /// What stands there.
        value: String,
        /// Did you mean.
        suggestion: String,
        /// What may stand there.
        allowed: String,
    },

    /// Broken XML.
    #[error("{place}: not valid KML: {reason}")]
    #[diagnostic(code(taa::import::kml_syntax), help("export the file again, or mend this line in a text editor"))]
    KmlSyntax {
        /// Where.
        place: Place,
        /// What the parser said.
        reason: String,
    },

    /// KML without any placemark.
    #[error("{place}: the KML has no Placemark")]
    #[diagnostic(
        code(taa::import::kml_no_placemarks),
        help("buildings are Placemarks with a Polygon or Point; a network link or overlay alone holds none")
    )]
    KmlNoPlacemarks {
        /// Where.
        place: Place,
    },

    /// CSV without the columns that count.
    #[error("{place}: no {missing} column; the header has: {found}")]
    #[diagnostic(
        code(taa::import::csv_columns),
        help("name the columns lat (or latitude) and lon (or lng, longitude); order and case do not matter")
    )]
    CsvColumns {
        /// Where.
        place: Place,
        /// Which one is missing.
        missing: &'static str,
        /// The header as read.
        found: String,
    },

    /// A cell that is no number.
    #[error("{place}: `{text}` is not a number")]
    #[diagnostic(code(taa::import::csv_number), help("write decimal degrees with a point, as in -2.84852"))]
    CsvNumber {
        /// Where.
        place: Place,
        /// What stands there.
        text: String,
        /// The line.
        #[source_code]
        excerpt: Option<Excerpt>,
        /// The cell.
        #[label("expected a number")]
        span: Option<SourceSpan>,
    },

    /// Semicolons, tabs or decimal commas.
    #[error("{place}: {what}")]
    #[diagnostic(
        code(taa::import::csv_delimiter),
        help("save with commas between columns and points in numbers (spreadsheets: choose an English locale)")
    )]
    CsvDelimiter {
        /// Where.
        place: Place,
        /// What it looks like.
        what: &'static str,
    },

    /// A row that is too short or too long.
    #[error("{place}: {found} columns, the header has {wanted}")]
    #[diagnostic(code(taa::import::csv_row), help("every row needs as many columns as the header"))]
    CsvRow {
        /// Where.
        place: Place,
        /// Columns in the row.
        found: usize,
        /// Columns in the header.
        wanted: usize,
    },

    /// Warning: the same building twice.
    #[error("{place}: the same outline as feature {first}; taken once")]
    #[diagnostic(code(taa::import::duplicate_outline), severity(Warning), help("remove one of the two"))]
    DuplicateOutline {
        /// The later one.
        place: Place,
        /// The earlier one.
        first: usize,
    },

    /// Warning: features that are no buildings.
    #[error("{place}: {count} features are not buildings and were left out: {kinds}")]
    #[diagnostic(
        code(taa::import::skipped),
        severity(Warning),
        help("roads, areas and single map points are expected in an OpenStreetMap extract; nothing is to be done")
    )]
    Skipped {
        /// The file.
        place: Place,
        /// How many.
        count: usize,
        /// Which.
        kinds: String,
    },

    /// Warning: too large for a house.
    #[error("{place}: a footprint of {area_m2:.0} m² is large for a building")]
    #[diagnostic(
        code(taa::import::very_large),
        severity(Warning),
        help("a boundary or compound drawn as a building? remove it, or set `connected` to \"no\"")
    )]
    VeryLarge {
        /// Where.
        place: Place,
        /// Its area.
        area_m2: f64,
    },
}
