//! Faults other than power: they are ordered beforehand and come at a counted operation.

/// An operation on a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Reading from a file.
    Read,
    /// Writing to a file, or changing its length.
    Write,
    /// Making a file durable.
    Sync,
    /// Removing a file.
    Delete,
    /// Opening or creating a file.
    Open,
}

/// An error of the disk (EIO).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What fails.
    pub operation: Operation,
    /// How many of these succeed before.
    pub after: u64,
    /// Whether all later ones fail as well, until [`crate::Disk::heal`].
    pub stays: bool,
}

/// Why an operation did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiskError {
    /// The power is off, or was since the file was opened.
    #[error("no power")]
    NoPower,
    /// An error of the medium.
    #[error("input/output error")]
    Io(Operation),
    /// No room left.
    #[error("no space left")]
    Full,
    /// The disk takes no writes.
    #[error("read-only")]
    ReadOnly,
    /// There is no such file.
    #[error("no such file")]
    NotFound,
    /// The file is there already.
    #[error("file exists")]
    Exists,
}
