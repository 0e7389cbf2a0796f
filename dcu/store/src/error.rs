//! What goes wrong, whose fault it is and what now.

use rusqlite::ErrorCode;

/// Why the disk refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trouble {
    /// No room left (ENOSPC, a quota).
    Full,
    /// It takes no writes, as a file system that was remounted after errors.
    ReadOnly,
    /// An error of the medium (EIO).
    Io,
    /// Somebody else has the file open.
    Busy,
    /// The file is damaged: open the store anew, that salvages what is left.
    Damaged,
    /// SQLite said something else; its extended code.
    Other(i32),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Full => f.write_str("no room left on the disk"),
            Self::ReadOnly => f.write_str("the disk takes no writes"),
            Self::Io => f.write_str("the disk reports an error"),
            Self::Busy => f.write_str("another process has the file open"),
            Self::Damaged => f.write_str("the file is damaged"),
            Self::Other(code) => write!(f, "SQLite error {code}"),
        }
    }
}

impl From<&rusqlite::Error> for Trouble {
    fn from(error: &rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => Self::Io,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged,
            _ => Self::Other(error.sqlite_error().map_or(0, |error| error.extended_code)),
        }
    }
}

/// What the store refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The disk's fault: nothing was promised, what was appended is still in RAM. Try again at
    /// [`crate::Store::due`].
    #[error("{0}; nothing is lost as long as the power stays")]
    Disk(Trouble),
    /// RAM is full of what must not be dropped. The caller stops taking money, drops its DCU and opens the store anew
    /// when the disk is well: nothing from the refused record on was promised to anybody.
    #[error("record {record} found no room in RAM while the disk takes nothing")]
    Stopped {
        /// The first record refused.
        record: u64,
    },
    /// The caller's fault: records come in order, each once.
    #[error("record {found} came where {expected} was due")]
    Order {
        /// The number due.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// The caller's fault: ledger entries come in order, each once.
    #[error("ledger entry {found} came where {expected} was due")]
    LeafOrder {
        /// The index due.
        expected: u64,
        /// The index that came.
        found: u64,
    },
    /// The record cannot be written: longer than any record may be.
    #[error("record {0} cannot be written")]
    Unwritable(u64),
    /// The file was written by a newer program; it is left as it is.
    #[error("schema version {found}; this program knows {known}")]
    Newer {
        /// In the file.
        found: u64,
        /// Known here.
        known: u64,
    },
    /// The file is a database of somebody else; it is left as it is. Give another path.
    #[error("the file is another program's database")]
    Foreign,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Disk(Trouble::from(&error))
    }
}
