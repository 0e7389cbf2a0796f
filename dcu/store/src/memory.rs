//! The store without a disk: the same calls, the same pace, the same promises, and nothing written anywhere.
//!
//! For runs in which the disk itself is not the question: sweeps simulate thousands of years of sites. Records stay as
//! they are in RAM, nothing is packed and no SQLite runs. [`MemoryStore::cut`] takes away what was not committed, as a
//! loss of power does, and [`MemoryStore::reopen`] starts from the rest. What only bytes can suffer (rot, torn sectors,
//! a sync that lies) it cannot; that takes [`crate::Store`] on a disk that loses power.

use taa_dcu::journal::{Entry, Record, Urgency};

use crate::{
    buffer::{Buffer, Door, Item},
    config::StoreConfig,
    error::{StoreError, Trouble},
    health::Health,
    load::Assembled,
    recovery::{Recovery, Witness},
    rows::Kin,
    stats::Stats,
};

/// Records after the last snapshot at which another is asked for: they stay in RAM one by one.
const SNAPSHOT_RECORDS: u64 = 50_000;

/// A journal in RAM that outlives the DCU, not the process.
#[derive(Debug)]
pub struct MemoryStore {
    config: StoreConfig,
    buffer: Buffer,
    durable: u64,
    /// Ledger entries that are durable.
    leaves: u64,
    /// The last snapshot.
    start: Option<Record>,
    /// Everything durable after it.
    tail: Vec<Record>,
    lives: u64,
    /// Why it takes nothing, if it does not.
    refuses: Option<Trouble>,
    health: Health,
    stats: Stats,
}

impl MemoryStore {
    /// A new journal.
    #[must_use]
    pub fn new(config: StoreConfig) -> Self {
        Self {
            config,
            buffer: Buffer::default(),
            durable: 0,
            leaves: 0,
            start: None,
            tail: Vec::new(),
            lives: 0,
            refuses: None,
            health: Health::Good,
            stats: Stats::default(),
        }
    }

    /// Starts from what was durable, after the end of the DCU before.
    ///
    /// # Errors
    /// [`StoreError::Disk`] while it refuses ([`Self::refuse`]).
    pub fn reopen(&mut self, witness: Option<Witness>) -> Result<Recovery, StoreError> {
        self.cut();
        if let Some(trouble) = self.refuses {
            return Err(StoreError::Disk(trouble));
        }
        self.lives = self.lives.saturating_add(1);
        let found = Assembled {
            snapshot: self.start.clone().map(|record| (record.number, record)),
            tail: vec![self.tail.clone()],
            tail_bytes: 0,
            before: (Kin::Unknown, 0),
            snapshot_bytes: 0,
            snapshots: Vec::new(),
            last: self.durable,
            lost: Vec::new(),
            known: std::collections::BTreeMap::new(),
            broken: Vec::new(),
        };
        let mut recovery = Recovery::new(found, self.config.journal, self.lives);
        recovery.judge(witness, self.leaves);
        Ok(recovery)
    }

    /// The power goes: what was not committed is gone.
    pub fn cut(&mut self) {
        self.buffer = Buffer::new(self.durable, self.leaves);
        self.health = Health::Good;
    }

    /// From now on it takes nothing, for this reason; `None`: it takes again.
    pub const fn refuse(&mut self, why: Option<Trouble>) {
        self.refuses = why;
    }

    /// How it is.
    #[must_use]
    pub const fn health(&self) -> Health {
        self.health
    }

    /// All records up to this number outlive a loss of power.
    #[must_use]
    pub const fn durable(&self) -> u64 {
        self.durable
    }

    /// Number of the last record appended.
    #[must_use]
    pub const fn appended(&self) -> u64 {
        self.buffer.appended()
    }

    /// What it has done; bytes and pages are not counted.
    #[must_use]
    pub const fn stats(&self) -> Stats {
        self.stats
    }

    /// See [`crate::Store::wants_snapshot`].
    #[must_use]
    pub fn wants_snapshot(&self) -> bool {
        let most = self.config.snapshot_records.min(SNAPSHOT_RECORDS);
        self.health == Health::Good && self.tail.len() as u64 >= most
    }

    /// See [`crate::Store::due`].
    #[must_use]
    pub fn due(&self, now_ms: u64) -> Option<u64> {
        self.health.due(self.buffer.due(now_ms, &self.config), now_ms)
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// As [`crate::Store::append`].
    pub fn append(&mut self, now_ms: u64, record: Record, urgency: Urgency) -> Result<(), StoreError> {
        let (mut door, buffer) = self.door(now_ms);
        let (number, urgent) = (record.number, urgency == Urgency::Now);
        buffer.take_record(&mut door, (number, urgent), || Some((Item::Record(record), size_of::<Record>())))
    }

    /// Takes an entry of the ledger: counted, not kept.
    ///
    /// # Errors
    /// As [`crate::Store::append_leaf`].
    pub fn append_leaf(&mut self, now_ms: u64, index: u64) -> Result<(), StoreError> {
        let (mut door, buffer) = self.door(now_ms);
        buffer.take_leaf(&mut door, index, &[])
    }

    const fn door(&mut self, now_ms: u64) -> (Door<'_>, &mut Buffer) {
        let Self { config, health, stats, buffer, .. } = self;
        (Door { now_ms, ram_bytes_max: config.ram_bytes_max, health, stats }, buffer)
    }

    /// Makes everything in RAM durable, and tells up to which number all is.
    ///
    /// # Errors
    /// As [`crate::Store::commit`].
    pub fn commit(&mut self, now_ms: u64) -> Result<u64, StoreError> {
        if let Health::Stopped(trouble) = self.health {
            return Err(StoreError::Disk(trouble));
        }
        if self.buffer.is_empty() {
            return Ok(self.durable);
        }
        if let Some(trouble) = self.refuses {
            self.health = self.health.after(trouble, now_ms, &self.config);
            self.stats.refused = self.stats.refused.saturating_add(1);
            return Err(StoreError::Disk(trouble));
        }
        self.health = Health::Good;
        self.stats.commits = self.stats.commits.saturating_add(1);
        self.stats.commits_urgent = self.stats.commits_urgent.saturating_add(u64::from(self.buffer.is_urgent()));
        for item in self.buffer.take() {
            let Item::Record(record) = item else { continue };
            if let Entry::Checkpoint(_) = record.entry {
                self.tail.clear();
                self.start = Some(record);
            } else {
                self.tail.push(record);
            }
        }
        self.leaves = self.buffer.leaf_next();
        self.durable = self.buffer.appended();
        Ok(self.durable)
    }
}
