//! The store: append, commit, and what falls due.

use rusqlite::Connection;
use taa_dcu::journal::{Record, Urgency};

use crate::{
    buffer::{Buffer, Door, Item},
    config::{Place, Sabotage, StoreConfig},
    db,
    error::{StoreError, Trouble},
    health::Health,
    load::unsealed,
    open::{self, Opened, put_meta},
    pack,
    recovery::{Mode, Recovery, Witness},
    rows::{Kin, Meta, Run, SOFT, damage_row},
    sealed::{Kind, Sealed},
    stats::Stats,
    upkeep::Upkeep,
    varint,
};

/// The DCU's memory.
///
/// The order of calls: [`Self::open`]; the DCU is recovered from [`Recovery::take_records`]; every
/// [`taa_dcu::Output::Append`] goes to [`Self::append`]; when the DCU is drained and [`Self::due`] is not in the future,
/// [`Self::commit`], and its answer to [`taa_dcu::Dcu::handle_durable`]. When [`Self::wants_snapshot`],
/// [`taa_dcu::Dcu::checkpoint`]. Before a planned end, and when the supply is about to go, [`Self::commit`].
///
/// One process has the file. Time is the caller's, in milliseconds, and does not step back.
#[derive(Debug)]
pub struct Store {
    pub(crate) db: Connection,
    pub(crate) config: StoreConfig,
    pub(crate) meta: Meta,
    /// Number of the last commit.
    pub(crate) commit: u64,
    buffer: Buffer,
    durable: u64,
    /// What the last run on the disk was, and how many numbers it had.
    before: (Kin, u64),
    pub(crate) health: Health,
    pub(crate) stats: Stats,
    pub(crate) upkeep: Upkeep,
    /// A sync has failed since the log was begun: nothing is appended to it any more.
    pub(crate) is_log_suspect: bool,
    /// Since the last snapshot.
    tail_records: u64,
    tail_bytes: u64,
    snapshot_bytes: u64,
}

/// What one commit writes.
#[derive(Default)]
struct Batch {
    rows: Vec<(Kind, u64, Vec<u8>)>,
    before: (Kin, u64),
    block_bytes: u64,
    leaf_bytes: u64,
    /// Number and bytes of the last snapshot in it.
    snapshots: Vec<(u64, u64)>,
    records: u64,
}

impl Store {
    /// Opens the journal, or begins one.
    ///
    /// A damaged file is salvaged: see [`Recovery`], which must be looked at, because the DCU may have to start in
    /// [`Mode::Safe`].
    ///
    /// # Errors
    /// [`StoreError::Disk`] when the disk refuses: try again later, nothing was changed.
    /// [`StoreError::Newer`], [`StoreError::Foreign`]: another path, or another program.
    pub fn open(place: &Place, config: StoreConfig, witness: Option<Witness>) -> Result<(Self, Recovery), StoreError> {
        let Opened { db, meta, commit, leaves, mut found, set_aside, set_aside_why, migrated_from, trouble } =
            open::open(place, &config)?;
        if config.has(Sabotage::LosesLastBlock) {
            found.tail.pop();
            found.last = found.tail.last().and_then(|run| run.last()).map_or(0, |record| record.number);
        }
        let last = found.last;
        let health = trouble.map_or(Health::Good, |trouble| Health::Good.after(trouble, 0, &config));
        let store = Self {
            meta,
            commit,
            buffer: Buffer::new(last, leaves),
            durable: last,
            before: found.before,
            health,
            stats: Stats::default(),
            upkeep: Upkeep::new(found.snapshots.clone()),
            is_log_suspect: trouble.is_some(),
            tail_records: found.tail.iter().map(|run| run.len() as u64).fold(0, u64::saturating_add),
            tail_bytes: found.tail_bytes,
            snapshot_bytes: found.snapshot_bytes,
            db,
            config,
        };
        let mut recovery = Recovery::new(found, meta.journal, meta.lives);
        recovery.set_aside = set_aside;
        recovery.set_aside_why = set_aside_why;
        recovery.migrated_from = migrated_from;
        recovery.judge(witness, leaves);
        Ok((store, recovery))
    }

    // ---- getters ---------------------------------------------------------------------------------------------------

    /// How it is.
    #[must_use]
    pub const fn health(&self) -> Health {
        self.health
    }

    /// All records up to this number are on the disk (or were given up, and that is on the disk).
    #[must_use]
    pub const fn durable(&self) -> u64 {
        self.durable
    }

    /// Number of the last record appended.
    #[must_use]
    pub const fn appended(&self) -> u64 {
        self.buffer.appended()
    }

    /// Bytes in RAM that are not on the disk (estimated).
    #[must_use]
    pub const fn held_bytes(&self) -> usize {
        self.buffer.bytes()
    }

    /// Index of the next ledger entry.
    #[must_use]
    pub fn leaf_next(&self) -> u64 {
        self.buffer.leaf_next()
    }

    /// What it has done since it was opened.
    #[must_use]
    pub const fn stats(&self) -> Stats {
        self.stats
    }

    /// The journal's name.
    #[must_use]
    pub const fn journal(&self) -> [u8; 16] {
        self.meta.journal
    }

    /// New money should wait: the disk refuses, and three quarters of the room in RAM are taken.
    #[must_use]
    pub const fn is_tight(&self) -> bool {
        match self.health {
            Health::Good => false,
            Health::Stopped(_) => true,
            Health::Failing { .. } => self.buffer.bytes() >= (self.config.ram_bytes_max / 4).saturating_mul(3),
        }
    }

    /// The journal since the last snapshot is so long that another one pays. Never while the disk refuses.
    #[must_use]
    pub fn wants_snapshot(&self) -> bool {
        let enough = self.config.snapshot_bytes.max(self.snapshot_bytes);
        self.health == Health::Good && (self.tail_records >= self.config.snapshot_records || self.tail_bytes >= enough)
    }

    /// When [`Self::commit`] is to be called, ms; `now_ms` where it is due; `None` while nothing waits.
    #[must_use]
    pub fn due(&self, now_ms: u64) -> Option<u64> {
        let wanted = self.buffer.due(now_ms, &self.config);
        let upkeep = self.upkeep.due_ms().filter(|_| self.health == Health::Good);
        self.health.due(wanted.into_iter().chain(upkeep).min(), now_ms)
    }

    // ---- what happens ----------------------------------------------------------------------------------------------

    /// Takes the next record. It is in RAM now; [`Self::commit`] makes it durable, at once when `urgency` says so.
    ///
    /// # Errors
    /// [`StoreError::Order`], [`StoreError::Unwritable`]: the record was not taken.
    /// [`StoreError::Stopped`]: nor will any later one be.
    pub fn append(&mut self, now_ms: u64, record: &Record, urgency: Urgency) -> Result<(), StoreError> {
        let (mut door, buffer) = self.door(now_ms);
        buffer.take_record(&mut door, (record.number, urgency == Urgency::Now), || Buffer::item(record))
    }

    /// Takes an entry of the ledger, which goes to the disk in the commit of the record appended last.
    ///
    /// # Errors
    /// [`StoreError::LeafOrder`], [`StoreError::Stopped`].
    pub fn append_leaf(&mut self, now_ms: u64, index: u64, entry: &[u8]) -> Result<(), StoreError> {
        let (mut door, buffer) = self.door(now_ms);
        buffer.take_leaf(&mut door, index, entry)
    }

    const fn door(&mut self, now_ms: u64) -> (Door<'_>, &mut Buffer) {
        let Self { config, health, stats, buffer, .. } = self;
        (Door { now_ms, ram_bytes_max: config.ram_bytes_max, health, stats }, buffer)
    }

    /// Writes everything in RAM in one transaction, and tells up to which number all is durable.
    ///
    /// # Errors
    /// [`StoreError::Disk`]: nothing more is durable than before; all stays in RAM until it is tried again.
    pub fn commit(&mut self, now_ms: u64) -> Result<u64, StoreError> {
        if let Health::Stopped(trouble) = self.health {
            return Err(StoreError::Disk(trouble));
        }
        if !self.buffer.is_empty() {
            let batch = self.batch().ok_or(StoreError::Unwritable(self.durable.saturating_add(1)))?;
            if let Err(error) = self.write(&batch) {
                let trouble = Trouble::from(&error);
                self.is_log_suspect |= !matches!(trouble, Trouble::Full | Trouble::Busy);
                self.health = self.health.after(trouble, now_ms, &self.config);
                self.stats.refused = self.stats.refused.saturating_add(1);
                return Err(StoreError::Disk(trouble));
            }
            self.health = Health::Good;
            self.note(now_ms, &batch);
        }
        self.look_after(now_ms);
        Ok(self.durable)
    }

    fn write(&mut self, batch: &Batch) -> rusqlite::Result<()> {
        if let Health::Failing { trouble, .. } = self.health {
            // On a full disk the log starts anew as well, if it can: then it needs no room.
            let renewed = db::renew_log(&self.db);
            if trouble != Trouble::Full || self.is_log_suspect {
                renewed?;
            }
        } else if self.is_log_suspect {
            db::renew_log(&self.db)?;
        }
        self.is_log_suspect = false;
        let transaction = db::begin(&mut self.db)?;
        for (kind, id, bytes) in &batch.rows {
            db::put_bytes(&transaction, *kind, *id, bytes)?;
        }
        transaction.commit()
    }

    /// A commit has succeeded.
    fn note(&mut self, now_ms: u64, batch: &Batch) {
        let stats = &mut self.stats;
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        add(&mut stats.commits, 1);
        add(&mut stats.commits_urgent, u64::from(self.buffer.is_urgent()));
        add(&mut stats.block_bytes, batch.block_bytes);
        add(&mut stats.leaf_bytes, batch.leaf_bytes);
        add(&mut self.commit, 1);
        add(&mut self.tail_records, batch.records);
        add(&mut self.tail_bytes, batch.block_bytes);
        for &(number, bytes) in &batch.snapshots {
            add(&mut stats.snapshot_bytes, bytes);
            (self.tail_records, self.tail_bytes, self.snapshot_bytes) = (0, 0, bytes);
            self.upkeep.note_snapshot(now_ms, number);
        }
        self.before = batch.before;
        self.durable = self.buffer.appended();
        self.buffer.clear();
    }

    /// The rows of what is in RAM; `None` where a record cannot be written.
    fn batch(&self) -> Option<Batch> {
        let commit = self.commit.saturating_add(1);
        let mut batch = Batch { before: self.before, ..Batch::default() };
        let mut run: Vec<Record> = Vec::new();
        let mut holes = self.buffer.dropped().iter().copied().peekable();
        for item in self.buffer.items() {
            let number = match item {
                Item::Record(record) => record.number,
                Item::Snapshot(number, _) => *number,
            };
            let breaks = matches!(item, Item::Snapshot(..))
                || run.len() >= pack::RECORDS_MAX
                || run.last().is_some_and(|last| last.number.checked_add(1) != Some(number));
            if breaks {
                batch.put_run(commit, &mut run)?;
            }
            while let Some(hole) = holes.next_if(|(first, _)| *first < number) {
                batch.put_hole(commit, hole);
            }
            match item {
                Item::Record(record) => run.push(record.clone()),
                Item::Snapshot(number, packed) => batch.put_snapshot(commit, *number, packed),
            }
        }
        batch.put_run(commit, &mut run)?;
        holes.for_each(|hole| batch.put_hole(commit, hole));
        let (first, leaves) = self.buffer.leaves();
        batch.put_leaves(commit, first, leaves);
        Some(batch)
    }

    /// An operator has set right what hung on the damage found so far: the next opening starts as always.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn accept_damage(&mut self) -> Result<(), StoreError> {
        let commit = self.commit.saturating_add(1);
        let meta = self.meta;
        let mut found = Vec::new();
        db::each(&self.db, Kind::Damage, 0, u64::MAX, |id, bytes| {
            let damage = crate::sealed::open(bytes).and_then(|row| crate::rows::Damage::of(row.body));
            found.extend(damage.map(|damage| (id, damage)));
        })?;
        let transaction = db::begin(&mut self.db)?;
        for (id, mut damage) in found {
            damage.accepted = true;
            db::put(&transaction, damage_row(id, commit, &damage.to_body()))?;
        }
        put_meta(&transaction, meta, commit)?;
        transaction.commit()?;
        self.commit = commit;
        Ok(())
    }

    /// The row, if its seal is whole.
    pub(crate) fn row<'a>(&self, kind: Kind, id: u64, bytes: &'a [u8]) -> Option<Sealed<'a>> {
        let row = crate::sealed::open(bytes).filter(|row| (row.kind, row.id) == (kind, id));
        if self.config.has(Sabotage::BlindSeals) { row.or_else(|| unsealed(kind, id, bytes)) } else { row }
    }

    /// What opening decides on the damage known by now.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn mode(&self) -> Result<Mode, StoreError> {
        let mut mode = Mode::Normal;
        db::each(&self.db, Kind::Damage, 0, u64::MAX, |_, bytes| {
            let damage = crate::sealed::open(bytes).and_then(|row| crate::rows::Damage::of(row.body));
            if damage.is_none_or(|damage| damage.is_doubt()) {
                mode = Mode::Safe;
            }
        })?;
        Ok(mode)
    }
}

impl Batch {
    fn put_run(&mut self, commit: u64, run: &mut Vec<Record>) -> Option<()> {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { return Some(()) };
        let soft = run.iter().all(|record| pack::is_soft(&record.entry));
        let packed = pack::pack(run)?;
        let (kin, before_count) = self.before;
        let body = Run { first: first.number, last: last.number, before_count, packed: &packed }.to_body();
        let flags = kin as u8 | if soft { SOFT } else { 0 };
        let id = last.number;
        let bytes = Sealed { kind: Kind::Block, flags, id, commit, body: &body }.to_bytes();
        self.block_bytes = self.block_bytes.saturating_add(bytes.len() as u64);
        self.rows.push((Kind::Block, id, bytes));
        self.records = self.records.saturating_add(run.len() as u64);
        self.before = (if soft { Kin::Soft } else { Kin::Firm }, run.len() as u64);
        run.clear();
        Some(())
    }

    fn put_hole(&mut self, commit: u64, (first, last): (u64, u64)) {
        let (_, before_count) = self.before;
        let body = Run { first, last, before_count, packed: &[] }.to_body();
        let bytes = Sealed { kind: Kind::Hole, flags: 0, id: last, commit, body: &body }.to_bytes();
        self.rows.push((Kind::Hole, last, bytes));
        self.before = (Kin::Hole, last.saturating_sub(first).saturating_add(1));
    }

    fn put_snapshot(&mut self, commit: u64, number: u64, packed: &[u8]) {
        let bytes = Sealed { kind: Kind::Snapshot, flags: 0, id: number, commit, body: packed }.to_bytes();
        self.snapshots.push((number, bytes.len() as u64));
        self.rows.push((Kind::Snapshot, number, bytes));
        self.before = (Kin::Snapshot, 1);
    }

    fn put_leaves(&mut self, commit: u64, first: u64, leaves: &[Vec<u8>]) {
        let Some(before) = (leaves.len() as u64).checked_sub(1) else { return };
        let id = first.saturating_add(before);
        let mut body = Vec::new();
        varint::put(before, &mut body);
        for leaf in leaves {
            varint::put(leaf.len() as u64, &mut body);
            body.extend_from_slice(leaf);
        }
        let bytes = Sealed { kind: Kind::Leaves, flags: 0, id, commit, body: &body }.to_bytes();
        self.leaf_bytes = bytes.len() as u64;
        self.rows.push((Kind::Leaves, id, bytes));
    }
}
