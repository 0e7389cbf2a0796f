//! The disk as its owner sees it: power, faults, counters, images.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OpenFlags};

use crate::config::{Config, Sync};
use crate::counters::{Counters, FileKind};
use crate::fault::Fault;
use crate::state::State;
use crate::vfs::Registration;

/// A disk in memory that SQLite opens databases on, and that loses power.
///
/// Its life: [`Self::open`] a database and use it, [`Self::cut_after`] so many changes or [`Self::cut`] at once; from
/// then on every operation fails; drop the connections; [`Self::power_on`] and open again what survived.
///
/// ```
/// use taa_powercut::{Config, Disk};
/// let disk = Disk::new(Config { seed: 7, ..Config::default() });
/// let db = disk.open("state.db")?;
/// db.execute_batch("pragma journal_mode = wal; pragma synchronous = full; create table paid (who, amount);")?;
/// db.execute("insert into paid values ('A-17', 500)", [])?;
/// disk.cut();
/// assert!(db.execute("insert into paid values ('A-18', 200)", []).is_err());
/// drop(db);
/// disk.power_on();
/// let db = disk.open("state.db")?;
/// assert_eq!(db.query_row("select sum(amount) from paid", [], |row| row.get::<_, i64>(0))?, 500);
/// # Ok::<(), rusqlite::Error>(())
/// ```
#[derive(Debug)]
pub struct Disk {
    shared: Arc<Shared>,
    vfs: Registration,
}

/// What handles share with the disk.
#[derive(Debug)]
pub(crate) struct Shared(Mutex<State>);

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // State is whole between any two operations, whoever panicked in between.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The files of a disk and their content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// By name.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Disk {
    /// An empty disk.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self::from_image(config, Image::default())
    }

    /// A disk with these files on it, durable.
    #[must_use]
    pub fn from_image(config: Config, image: Image) -> Self {
        let shared = Arc::new(Shared(Mutex::new(State::new(config, image))));
        let vfs = Registration::new(Arc::clone(&shared));
        Self { shared, vfs }
    }

    /// Name under which SQLite knows this disk, for `Connection::open_with_flags_and_vfs`.
    #[must_use]
    pub fn vfs_name(&self) -> &str {
        self.vfs.name()
    }

    /// Opens a database, or creates it: a name, or a URI (`file:state.db?psow=0`).
    ///
    /// # Errors
    /// Those of SQLite, for one while the power is off.
    pub fn open(&self, name: &str) -> rusqlite::Result<Connection> {
        Connection::open_with_flags_and_vfs(name, OpenFlags::default(), self.vfs_name())
    }

    /// Cuts the power at once. What was not synced is kept, dropped or torn.
    pub fn cut(&self) {
        self.shared.state().cut();
    }

    /// Cuts the power in the n-th change (write, truncate, sync, delete) from now; 1 is the next.
    pub fn cut_after(&self, changes: u64) {
        let mut state = self.shared.state();
        state.cut_at = Some(state.changes + changes.max(1));
    }

    /// Power is back. Connections of before stay dead.
    pub fn power_on(&self) {
        self.shared.state().power_on();
    }

    /// Whether there is power.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.shared.state().is_on()
    }

    /// Changes so far.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.shared.state().changes
    }

    /// What a cut now would leave, by one of many draws. The disk itself goes on.
    #[must_use]
    pub fn after_cut(&self, draw: u64) -> Image {
        self.shared.state().after_cut(draw)
    }

    /// The files as programs see them now; right after a cut, what survived it.
    #[must_use]
    pub fn image(&self) -> Image {
        self.shared.state().image()
    }

    /// Files of which a cut now might lose something.
    #[must_use]
    pub fn unsynced_files(&self) -> usize {
        self.shared.state().unsynced_files()
    }

    /// Lets operations fail.
    pub fn inject(&self, fault: Fault) {
        self.shared.state().inject(fault);
    }

    /// Takes all injected faults back.
    pub fn heal(&self) {
        self.shared.state().heal();
    }

    /// Room in bytes, for all files together; none is no limit.
    pub fn set_room(&self, bytes: Option<u64>) {
        self.shared.state().room_bytes = bytes;
    }

    /// From now on its syncs are honest, or lies. What was lied about stays un-synced until an honest sync of the file.
    pub fn set_sync(&self, sync: Sync) {
        self.shared.state().config.sync = sync;
    }

    /// Takes no writes, as a file system that was remounted after errors.
    pub fn set_read_only(&self, read_only: bool) {
        self.shared.state().read_only = read_only;
    }

    /// What SQLite takes for the time, in milliseconds since 1970.
    pub fn set_clock(&self, unix_ms: i64) {
        self.shared.state().clock_ms = unix_ms;
    }

    /// Flips bits of a byte on the medium, behind everybody's back; false where there is no such byte.
    pub fn rot(&self, name: &str, offset: usize, mask: u8) -> bool {
        self.shared.state().rot(name, offset, mask)
    }

    /// What was done to files of a kind.
    #[must_use]
    pub fn counters(&self, kind: FileKind) -> Counters {
        self.shared.state().counters(kind)
    }

    /// What was done to all files.
    #[must_use]
    pub fn total(&self) -> Counters {
        let kinds = [FileKind::Database, FileKind::Wal, FileKind::Journal];
        kinds.into_iter().fold(Counters::default(), |sum, kind| sum.plus(self.counters(kind)))
    }
}
