//! What can go wrong while a report is written or read, and whose fault it is.

use std::path::{Path, PathBuf};

/// A report could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The file system refused: the folder is missing, full or read-only.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, for instance `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The folder holds no run.
    #[error("{} holds no run: {missing} is missing; give the folder that `taa run --out` wrote", dir.display())]
    NotARun {
        /// The folder.
        dir: PathBuf,
        /// The file that should be there.
        missing: &'static str,
    },
    /// The folder was written by another version of taa.
    #[error(
        "{} has report data of format {found}, this version reads format {expected}; run the scenario again",
        path.display()
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// The format found.
        found: u64,
        /// The format this version reads and writes.
        expected: u64,
    },
    /// A file of an earlier run was changed or cut.
    #[error("{} is damaged: {message}; run the scenario again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        message: String,
    },
    /// The result does not fit the scenario (our own fault).
    #[error("the result does not belong to the scenario: {0}")]
    Mismatch(String),
    /// A Parquet table could not be built (our own fault).
    #[error("table {table}: {message}")]
    Table {
        /// The table.
        table: &'static str,
        /// What polars said.
        message: String,
    },
    /// The recording could not be built (our own fault).
    #[error("run.mcap: {0}")]
    Recording(String),
}

impl ReportError {
    pub(crate) fn io<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> Self + 'a {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}
