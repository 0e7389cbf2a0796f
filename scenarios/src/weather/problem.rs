//! What can be wrong with a weather file, each with its own diagnosis.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use crate::import::{Excerpt, FileProblem, Place};

/// Problems kept per file; what goes beyond is only counted.
pub const PROBLEMS_MAX: usize = 20;

/// All problems of one weather file.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
#[error("{}", summary(self))]
#[diagnostic(code(taa::weather::failed))]
pub struct WeatherErrors {
    /// The first [`PROBLEMS_MAX`], in the order of the file.
    #[related]
    pub problems: Vec<WeatherProblem>,
    /// How many more there were.
    pub more: usize,
}

fn summary(errors: &WeatherErrors) -> String {
    match (errors.problems.as_slice(), errors.more) {
        ([one], 0) => one.to_string(),
        (many, more) => format!("{} problems in the weather file", many.len() + more),
    }
}

impl From<WeatherProblem> for WeatherErrors {
    fn from(problem: WeatherProblem) -> Self {
        Self { problems: vec![problem], more: 0 }
    }
}

/// One problem of a weather file.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
#[non_exhaustive]
pub enum WeatherProblem {
    /// The file could not be taken in.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileProblem),

    /// None of the formats.
    #[error("{place}: the weather format is not known: {what}")]
    #[diagnostic(
        code(taa::weather::unknown_format),
        help(
            "allowed: PVGIS TMY as CSV, EPW, PVWatts hourly CSV, or a CSV with the columns `timestamp,ghi_w_m2` and a `# … 7.1N 2.2E` line; see https://re.jrc.ec.europa.eu/pvg_tools/ (TMY, CSV)"
        )
    )]
    UnknownFormat {
        /// Where.
        place: Place,
        /// What was found.
        what: String,
    },

    /// A column that has to be there.
    #[error("{place}: the column `{column}` is missing")]
    #[diagnostic(code(taa::weather::missing_column), help("the columns found: {found}"))]
    MissingColumn {
        /// Where.
        place: Place,
        /// Which.
        column: &'static str,
        /// The header as read.
        found: String,
    },

    /// The file does not say where it is from.
    #[error("{place}: the {what} of the weather's site is not in the header")]
    #[diagnostic(
        code(taa::weather::no_location),
        help("download the file with its header lines; latitude is -90 to 90, longitude -180 to 180 degrees")
    )]
    NoLocation {
        /// Where.
        place: Place,
        /// Latitude or longitude.
        what: &'static str,
    },

    /// A cell that is no number.
    #[error("{place}: `{text}` is not a number")]
    #[diagnostic(code(taa::weather::bad_number), help("every hour needs decimal numbers with a point"))]
    BadNumber {
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

    /// NaN or empty.
    #[error("{place}: no value (`{text}`)")]
    #[diagnostic(
        code(taa::weather::not_a_value),
        help("irradiance must be known in every hour; fill the gap from another year or another source")
    )]
    NotAValue {
        /// Where.
        place: Place,
        /// What stands there.
        text: String,
    },

    /// A time stamp that cannot be read.
    #[error("{place}: `{text}` is not a time stamp of this format")]
    #[diagnostic(code(taa::weather::bad_time), help("expected {wanted}"))]
    BadTime {
        /// Where.
        place: Place,
        /// What stands there.
        text: String,
        /// The form it has to have.
        wanted: &'static str,
    },

    /// Hours are missing.
    #[error("{place}: {hours} hours are missing before this line (expected {expected})")]
    #[diagnostic(
        code(taa::weather::gap),
        help("the hours must follow each other without a gap; download the file again, or fill the gap")
    )]
    Gap {
        /// Where.
        place: Place,
        /// How many.
        hours: u64,
        /// The hour that was expected.
        expected: String,
    },

    /// An hour stands twice, or out of order.
    #[error("{place}: the time goes back (expected {expected})")]
    #[diagnostic(
        code(taa::weather::out_of_order),
        help("each hour once, in order; remove the repeated line (a change to summer time repeats an hour)")
    )]
    OutOfOrder {
        /// Where.
        place: Place,
        /// The hour that was expected.
        expected: String,
    },

    /// Not hourly.
    #[error("{place}: steps of {minutes} minutes, hourly values are wanted")]
    #[diagnostic(code(taa::weather::not_hourly), help("average the file to full hours"))]
    NotHourly {
        /// Where.
        place: Place,
        /// Its step.
        minutes: u32,
    },

    /// Less than a day.
    #[error("{place}: {hours} hours of weather, at least 24 are needed")]
    #[diagnostic(
        code(taa::weather::too_short),
        help("a full year shows the dull weeks that decide; a day is the least")
    )]
    TooShort {
        /// Where.
        place: Place,
        /// How many.
        hours: usize,
    },

    /// Light that is drawn from the ground.
    #[error("{place}: irradiance of {value} W/m² is negative")]
    #[diagnostic(
        code(taa::weather::negative_irradiance),
        help("irradiance is 0 to 1500 W/m²; a constant offset of the sensor must be taken out first")
    )]
    Negative {
        /// Where.
        place: Place,
        /// The value.
        value: f64,
    },

    /// More than the sun gives.
    #[error("{place}: irradiance of {value} W/m² is impossible")]
    #[diagnostic(
        code(taa::weather::impossible_irradiance),
        help("an hour's mean is 0 to 1500 W/m²; is the column in kJ/m² or Wh/m² per day?")
    )]
    Impossible {
        /// Where.
        place: Place,
        /// The value.
        value: f64,
    },

    /// A temperature or wind out of this world.
    #[error("{place}: {value} is out of range")]
    #[diagnostic(code(taa::weather::out_of_range), help("allowed: {allowed}"))]
    OutOfRange {
        /// Where.
        place: Place,
        /// The value.
        value: f64,
        /// The range.
        allowed: &'static str,
    },

    /// An EPW row that is no EPW row.
    #[error("{place}: {found} columns, an EPW row has {wanted}")]
    #[diagnostic(code(taa::weather::epw_columns), help("the file was edited or cut; download it again"))]
    EpwColumns {
        /// Where.
        place: Place,
        /// Columns in the row.
        found: usize,
        /// Columns of the format.
        wanted: usize,
    },

    /// A row of the wrong length.
    #[error("{place}: {found} columns, the header has {wanted}")]
    #[diagnostic(code(taa::weather::row_length), help("the row was edited or cut; download the file again"))]
    RowLength {
        /// Where.
        place: Place,
        /// Columns in the row.
        found: usize,
        /// Columns in the header.
        wanted: usize,
    },

    /// Warning: values filled in.
    #[error("{place}: {count} missing values of `{column}` were filled from their neighbours")]
    #[diagnostic(code(taa::weather::filled), severity(Warning))]
    Filled {
        /// The file.
        place: Place,
        /// How many.
        count: usize,
        /// Which column.
        column: &'static str,
    },

    /// Warning: a column assumed.
    #[error("{place}: no {column} in the file; {assumed} is assumed")]
    #[diagnostic(code(taa::weather::assumed), severity(Warning))]
    Assumed {
        /// The file.
        place: Place,
        /// Which column.
        column: &'static str,
        /// What instead.
        assumed: &'static str,
    },

    /// Warning: the sun shines at night.
    #[error(
        "{place}: {percent:.0} % of the light falls while the sun is below the horizon of {lat_deg:.2}, {lon_deg:.2}"
    )]
    #[diagnostic(
        code(taa::weather::night_sun),
        severity(Warning),
        help("the file's position or time zone seems wrong; check its header")
    )]
    NightSun {
        /// The file.
        place: Place,
        /// Share of the energy, percent.
        percent: f64,
        /// Latitude as read.
        lat_deg: f64,
        /// Longitude as read.
        lon_deg: f64,
    },

    /// Warning: labels that disagree with the sun.
    #[error("{place}: the irradiance fits the sun {minutes} minutes from where its labels put it; it is taken there")]
    #[diagnostic(
        code(taa::weather::labels_off),
        severity(Warning),
        help("PVGIS' EPW export is known for this; the PVGIS TMY CSV is not affected")
    )]
    LabelsOff {
        /// The file.
        place: Place,
        /// How much later than labelled, minutes; negative: earlier.
        minutes: i64,
    },

    /// Note: what the time zone was found to be.
    #[error("{place}: the file does not name its time zone; UTC{offset} fits its sunrises and sunsets")]
    #[diagnostic(code(taa::weather::time_zone_found), severity(Advice))]
    TimeZoneFound {
        /// The file.
        place: Place,
        /// As in `+3:00`.
        offset: String,
    },
}
