//! Where the store lies, and how it behaves.

/// Where the store lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file, by path. SQLite keeps its log beside it (`-wal`).
    File(String),
    /// A file on a VFS registered with SQLite: the power-cut disk of tests and of the simulator.
    Vfs {
        /// Name of the VFS.
        name: String,
        /// Path on it.
        path: String,
    },
}

impl Place {
    /// The VFS, where it is not SQLite's own.
    pub(crate) fn vfs(&self) -> Option<&str> {
        match self {
            Self::Vfs { name, .. } => Some(name),
            Self::File(_) => None,
        }
    }

    /// The file of this generation: a file that was damaged stays, and the next one bears the next number.
    pub(crate) fn file(&self, generation: u32) -> String {
        let (Self::File(path) | Self::Vfs { path, .. }) = self;
        if generation == 0 { path.clone() } else { format!("{path}.{generation}") }
    }
}

/// How the store behaves. Times are milliseconds of whatever clock the caller counts in, as long as it never steps back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    /// Names a new journal; from the system's generator. An old journal keeps its own.
    pub journal: [u8; 16],
    /// Longest time that a record which is not urgent waits in RAM, ms. What a power cut takes from RAM, the meters
    /// still have.
    pub hold_ms: u64,
    /// Bytes in RAM (estimated) at which a commit is due in any case.
    pub hold_bytes: usize,
    /// Bytes in RAM (estimated) while the disk takes nothing. Beyond, readings are given up; then the store stops.
    pub ram_bytes_max: usize,
    /// Pages in SQLite's log at which they are copied into the database.
    pub log_pages_max: u32,
    /// Records after the last snapshot at which another is asked for: bounds the time of a recovery.
    pub snapshot_records: u64,
    /// Bytes of journal after the last snapshot below which none is asked for. Above, one is asked for when the journal
    /// since the last one has grown to the size of that one, so that snapshots never write more than the journal does.
    pub snapshot_bytes: u64,
    /// Days for which readings can be asked for after their journal was pruned.
    pub series_days: u32,
    /// First wait after the disk has refused a commit, ms; doubled each time.
    pub retry_ms_min: u64,
    /// Longest wait, ms.
    pub retry_ms_max: u64,
    /// Time between two steps of the patrol, ms: [`Self::patrol_bytes`] of rows are read at each.
    pub patrol_ms: u64,
    /// Bytes of rows read in one step of the patrol (and the row that they end in).
    pub patrol_bytes: usize,
    /// Whether the whole file is looked through at opening, as well as the rows that are needed.
    pub full_check: bool,
    /// Bytes of a file that is looked through as a whole. Of a longer one the tables that a recovery needs are, so that the
    /// start does not wait; the rest is left to the patrol.
    pub full_check_bytes_max: u64,
    /// A deliberate fault, for tests of tests.
    pub(crate) sabotage: Option<Sabotage>,
}

/// Faults that a test must notice.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// `synchronous = normal`: a commit is not on the disk when it returns.
    SyncNormal,
    /// SQLite is told that sectors survive beside a write.
    PowersafeOverwrite,
    /// Rows are taken without a look at their seal.
    BlindSeals,
    /// The last commit before closing is forgotten.
    LosesLastBlock,
}

impl StoreConfig {
    /// The usual settings for a journal of this name.
    #[must_use]
    pub const fn new(journal: [u8; 16]) -> Self {
        Self {
            journal,
            hold_ms: 15 * 60_000,
            hold_bytes: 256 * 1024,
            ram_bytes_max: 8 * 1024 * 1024,
            log_pages_max: 512,
            snapshot_records: 200_000,
            snapshot_bytes: 128 * 1024,
            series_days: 400,
            retry_ms_min: 1_000,
            retry_ms_max: 60_000,
            patrol_ms: 3_600_000,
            patrol_bytes: 256 * 1024,
            full_check: true,
            full_check_bytes_max: 64 * 1024 * 1024,
            sabotage: None,
        }
    }

    /// With a deliberate fault.
    #[doc(hidden)]
    #[must_use]
    pub const fn sabotaged(mut self, fault: Sabotage) -> Self {
        self.sabotage = Some(fault);
        self
    }

    pub(crate) fn has(&self, fault: Sabotage) -> bool {
        self.sabotage == Some(fault)
    }
}
