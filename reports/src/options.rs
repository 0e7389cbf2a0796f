//! What the caller may choose, and what it gets back.

use std::path::PathBuf;

/// How much goes into `run.mcap`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Record {
    /// No recording.
    Off,
    /// Component state changes, the plant by the hour, the log's warnings, the key figures.
    #[default]
    Summary,
    /// Also every log line, every lost-hours interval, every payment, and the plant by the quarter of an hour.
    Full,
}

/// A file that travels inside `run.mcap`, for instance the scenario as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Name inside the recording, for instance `scenario.toml`.
    pub name: String,
    /// Media type, for instance `application/toml`.
    pub media_type: String,
    /// Content.
    pub data: Vec<u8>,
}

/// How to write.
#[derive(Clone, Debug)]
pub struct WriteOptions {
    /// How much to record.
    pub record: Record,
    /// Upper bound of `run.mcap`, megabytes (10⁶ bytes). What does not fit is left out and counted in its metadata.
    pub record_max_mb: u32,
    /// The scenario's own files, attached to the recording so that it can be run again.
    pub attachments: Vec<Attachment>,
    /// What many runs of the same village found: intervals, remedies, sensitivity.
    pub study: Option<taa_studies::study::Study>,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { record: Record::default(), record_max_mb: 50, attachments: Vec::new(), study: None }
    }
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The folder.
    pub dir: PathBuf,
    /// Each file with its size in bytes, the report first.
    pub files: Vec<(PathBuf, u64)>,
}
