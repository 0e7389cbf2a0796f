//! From a run to what a planner reads: `report.html`, `summary.json`, Parquet tables and `run.mcap`.
//!
//! ```text
//! RunResult + Scenario ─▶ ReportData ─┬▶ report.html        (verdict, map, figures: opens offline)
//!                        │            ├▶ report-data.json   (all the page needs: `taa report DIR` renders it again)
//!                        │            └▶ the table in the terminal
//!                        ├─▶ summary.json                   (figures for other programs)
//!                        ├─▶ *.parquet                      (every record, one file per table)
//!                        └─▶ run.mcap                       (what happened when: opens in Foxglove)
//! ```
//!
//! [`write()`] writes every file under a temporary name and renames them at the end, so a folder holds either the old
//! run or the new one, file by file, and never half a file. Nothing in a page depends on the wall clock: the same run
//! gives the same bytes, except for the wall time that it states.

pub mod catalogue;
pub mod data;
mod error;
mod extract;
mod frames;
mod mesh_table;
mod numbers;
mod options;
mod page;
mod prose;
mod recording;
mod store;
mod summary;
mod terminal;
mod time;
pub mod verdict;
mod words;

/// What other pages with a map of a village share with the report's.
pub mod drawing {
    pub use crate::page::{Frame, esc, outline};
}

use std::path::Path;

use taa_scenarios::model::Scenario;
use taa_sim::result::RunResult;
use taa_studies::study::Study;

use crate::{data::ReportData, store::Batch};
pub use crate::{
    error::ReportError,
    options::{Attachment, Record, WriteOptions, Written},
};

/// File names inside the output folder.
pub mod files {
    /// The page.
    pub const REPORT: &str = "report.html";
    /// The figures.
    pub const SUMMARY: &str = "summary.json";
    /// What the page is rendered from.
    pub const DATA: &str = "report-data.json";
    /// The recording.
    pub const RECORDING: &str = "run.mcap";
}

/// Writes everything a run leaves into `out`, which is created where it is missing.
///
/// # Errors
/// When the folder cannot be written, or (our own fault) the result does not fit the scenario.
pub fn write(
    out: &Path,
    scenario: &Scenario,
    result: &RunResult,
    options: &WriteOptions,
) -> Result<Written, ReportError> {
    let data = extract::extract(scenario, result, options.study.as_ref())?;
    let mut batch = Batch::begin(out)?;
    batch.text(files::REPORT, &page::render(&data))?;
    batch.text(files::SUMMARY, &summary::summary(scenario, result, &data)?)?;
    batch.text(files::DATA, &store::to_json(&data)?)?;
    let context = frames::Context::new(scenario);
    for table in frames::TABLES {
        batch.file(&format!("{}.parquet", table.0), |path| frames::write(path, table, &context, result))?;
    }
    if options.record == Record::Off {
        // A recording of an earlier run would pass for one of this run.
        batch.remove(files::RECORDING)?;
    } else {
        batch.file(files::RECORDING, |path| recording::write(path, scenario, result, &data, options))?;
    }
    batch.commit()
}

/// Reads what [`write()`] left for the page.
///
/// # Errors
/// When `dir` holds no run, or one of another format, or a damaged one.
pub fn load(dir: &Path) -> Result<ReportData, ReportError> {
    store::load(dir)
}

/// What the page is rendered from, of a run that was not written.
///
/// # Errors
/// [`ReportError::Mismatch`] when the result does not fit the scenario (our own fault).
pub fn data_of(scenario: &Scenario, result: &RunResult) -> Result<ReportData, ReportError> {
    extract::extract(scenario, result, None)
}

/// The mesh in tables for the terminal: 80 columns, no colour codes.
#[must_use]
pub fn mesh_table(data: &ReportData) -> String {
    mesh_table::table(data)
}

/// The mesh's figures by architecture, without the replay.
///
/// # Errors
/// [`ReportError::Mismatch`]: our own fault.
pub fn mesh_json(data: &ReportData) -> Result<String, ReportError> {
    mesh_table::json(data)
}

/// A page about the mesh alone; like the report it is self-contained.
#[must_use]
pub fn mesh_page(data: &ReportData) -> String {
    page::render_mesh(data)
}

/// Renders the page of a finished run anew.
///
/// # Errors
/// As [`load`], and when the page cannot be written.
pub fn render_again(dir: &Path) -> Result<Written, ReportError> {
    let data = store::load(dir)?;
    let mut batch = Batch::begin(dir)?;
    batch.text(files::REPORT, &page::render(&data))?;
    batch.commit()
}

/// The summary as `taa run --json` prints it: the text of `summary.json`.
///
/// # Errors
/// [`ReportError::Mismatch`] when the result does not fit the scenario (our own fault).
pub fn summary_json(scenario: &Scenario, result: &RunResult) -> Result<String, ReportError> {
    summary_json_with(scenario, result, None)
}

/// The same beside what many runs found: its figures stay those of the one run, and its caveat says so.
///
/// # Errors
/// As [`summary_json`].
pub fn summary_json_with(
    scenario: &Scenario,
    result: &RunResult,
    study: Option<&Study>,
) -> Result<String, ReportError> {
    summary::summary(scenario, result, &extract::extract(scenario, result, study)?)
}

/// The compact table of a run for the terminal: 80 columns, no colour codes.
#[must_use]
pub fn terminal_table(scenario: &Scenario, result: &RunResult) -> String {
    terminal_table_with(scenario, result, None, false)
}

/// [`terminal_table`] with ANSI colours, for a terminal that shows them.
#[must_use]
pub fn terminal_table_coloured(scenario: &Scenario, result: &RunResult) -> String {
    terminal_table_with(scenario, result, None, true)
}

/// The same with what many runs found, where they were made: what to buy, and figures over several draws.
#[must_use]
pub fn terminal_table_with(scenario: &Scenario, result: &RunResult, study: Option<&Study>, colour: bool) -> String {
    match extract::extract(scenario, result, study) {
        Ok(data) => terminal::table(&data, colour),
        Err(error) => format!("{error}\n"),
    }
}
