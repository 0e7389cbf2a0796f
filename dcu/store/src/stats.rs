//! What the store has done since it was opened.

/// Counts since opening. Bytes are those of sealed rows; what SQLite and the flash make of them, docs/store.md tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Records appended.
    pub records: u64,
    /// Commits that succeeded.
    pub commits: u64,
    /// Of these, because something urgent waited.
    pub commits_urgent: u64,
    /// Commits that the disk refused.
    pub refused: u64,
    /// Bytes of journal blocks.
    pub block_bytes: u64,
    /// Bytes of snapshots.
    pub snapshot_bytes: u64,
    /// Bytes of ledger entries.
    pub leaf_bytes: u64,
    /// Bytes of readings kept for queries.
    pub series_bytes: u64,
    /// Pages written into SQLite's log.
    pub log_pages: u64,
    /// Pages copied from the log into the database.
    pub database_pages: u64,
    /// Readings and acknowledgements given up because RAM was full while the disk took nothing.
    pub dropped: u64,
    /// Steps of the patrol.
    pub patrols: u64,
    /// Rows that the patrol has looked at.
    pub rows_looked_at: u64,
    /// Snapshots pruned.
    pub snapshots_pruned: u64,
    /// Blocks pruned.
    pub blocks_pruned: u64,
}
