//! What a disk had to do: for the wear of flash and the price of each promise.

/// Bytes of a page that flash programs as one.
pub const PAGE_BYTES: u64 = 4096;

/// Counts of one kind of file, or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Reads.
    pub reads: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Writes.
    pub writes: u64,
    /// Bytes that programs wrote.
    pub bytes_written: u64,
    /// Syncs that succeeded (or said so).
    pub syncs: u64,
    /// Sectors of 512 bytes that syncs brought to the medium.
    pub sectors_synced: u64,
    /// Pages of 4 KiB with at least one such sector: what flash has to program, without what its controller adds.
    pub pages_synced: u64,
    /// Files shortened or lengthened.
    pub truncates: u64,
    /// Files removed.
    pub deletes: u64,
}

/// What a file is for, by the end of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// The database itself, or whatever is none of the others.
    Database,
    /// `-wal`.
    Wal,
    /// `-journal`.
    Journal,
}

impl FileKind {
    /// By name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        if name.ends_with("-wal") {
            Self::Wal
        } else if name.ends_with("-journal") {
            Self::Journal
        } else {
            Self::Database
        }
    }
}

impl Counters {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            reads: self.reads + other.reads,
            bytes_read: self.bytes_read + other.bytes_read,
            writes: self.writes + other.writes,
            bytes_written: self.bytes_written + other.bytes_written,
            syncs: self.syncs + other.syncs,
            sectors_synced: self.sectors_synced + other.sectors_synced,
            pages_synced: self.pages_synced + other.pages_synced,
            truncates: self.truncates + other.truncates,
            deletes: self.deletes + other.deletes,
        }
    }

    /// Bytes that flash had to program for what was synced.
    #[must_use]
    pub const fn flash_bytes(&self) -> u64 {
        self.pages_synced * PAGE_BYTES
    }
}
