//! What is done after commits: copying SQLite's log into the database, pruning, keeping readings for queries.
//!
//! Nothing of it is urgent, and nobody waits for it: what it fails at, it tries again later, and the journal goes on.

use std::collections::BTreeMap;

use taa_dcu::{journal::Entry, reading::Reading};

use crate::{
    db,
    error::{StoreError, Trouble},
    health::Health,
    open::put_meta,
    pack,
    rows::Run,
    sealed::{self, Kind, Sealed},
    series::{self, DAY_S, PARTS_MAX},
    store::Store,
};

/// Snapshots kept: a damaged one is replaced by the one before it.
const SNAPSHOTS: usize = 2;

/// What is left to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Upkeep {
    /// Snapshots on the disk, by number.
    snapshots: Vec<u64>,
    /// Something is to be pruned, at this time.
    prune_at_ms: Option<u64>,
    failures: u32,
    /// Pages in the log when it was last looked at.
    frames: u32,
}

impl Upkeep {
    pub(crate) fn new(snapshots: Vec<u64>) -> Self {
        let mut upkeep = Self { snapshots, ..Self::default() };
        // A pruning that a power cut ended, is taken up at the next snapshot; too many snapshots, at once.
        upkeep.prune_at_ms = (upkeep.snapshots.len() > SNAPSHOTS).then_some(0);
        upkeep
    }

    pub(crate) const fn due_ms(&self) -> Option<u64> {
        self.prune_at_ms
    }

    pub(crate) fn newest_snapshot(&self) -> Option<u64> {
        self.snapshots.last().copied()
    }

    pub(crate) fn forget_snapshot(&mut self, number: u64) {
        self.snapshots.retain(|kept| *kept != number);
    }

    pub(crate) fn note_snapshot(&mut self, now_ms: u64, number: u64) {
        self.snapshots.push(number);
        if self.snapshots.len() >= SNAPSHOTS {
            self.prune_at_ms = Some(now_ms);
        }
    }
}

impl Store {
    /// Does what is due.
    pub(crate) fn look_after(&mut self, now_ms: u64) {
        let copied = self.copy_log();
        let due = self.upkeep.prune_at_ms.is_some_and(|at| at <= now_ms);
        let pruned = copied.and_then(|()| if due { self.prune() } else { Ok(()) });
        let done = pruned.and_then(|()| {
            if !self.health.is_good() {
                return Ok(());
            }
            self.replaced()?;
            self.patrol(now_ms)
        });
        match done {
            Ok(()) => {
                self.upkeep.failures = 0;
                if due {
                    self.upkeep.prune_at_ms = None;
                }
            }
            Err(error) => {
                self.upkeep.failures = self.upkeep.failures.saturating_add(1);
                self.is_log_suspect |= Trouble::from(&error) != Trouble::Full;
                if Trouble::from(&error) == Trouble::Damaged {
                    self.health = Health::Stopped(Trouble::Damaged);
                }
                if due {
                    self.upkeep.prune_at_ms = Some(now_ms.saturating_add(self.config.retry_ms_max));
                }
            }
        }
    }

    fn copy_log(&mut self) -> rusqlite::Result<()> {
        let (frames, _) = db::log_frames(&self.db)?;
        let add = |sum: &mut u64, more: u32| *sum = sum.saturating_add(u64::from(more));
        // The log starts anew after it was copied: less than before is all new.
        let new = frames.checked_sub(self.upkeep.frames).unwrap_or(frames);
        add(&mut self.stats.log_pages, new);
        self.upkeep.frames = frames;
        if frames >= self.config.log_pages_max {
            let (_, copied) = db::copy_log(&self.db)?;
            add(&mut self.stats.database_pages, copied);
        }
        Ok(())
    }

    /// Throws away what the last two snapshots make needless; readings among it move to the series.
    fn prune(&mut self) -> rusqlite::Result<()> {
        let kept = self.upkeep.snapshots.len().saturating_sub(SNAPSHOTS);
        let Some(&oldest) = self.upkeep.snapshots.get(kept) else { return Ok(()) };
        if self.upkeep.snapshots.len() < SNAPSHOTS {
            return Ok(());
        }
        let commit = self.commit.saturating_add(1);
        let mut days: BTreeMap<u64, Vec<Reading>> = BTreeMap::new();
        let mut blocks = 0_u64;
        let mut history = Vec::new();
        db::each(&self.db, Kind::Block, 0, oldest, |_, bytes| {
            blocks = blocks.saturating_add(1);
            let records = sealed::open(bytes).and_then(Run::of).and_then(|run| pack::unpack(run.packed));
            history.extend(records.unwrap_or_default().into_iter().filter_map(|record| match record.entry {
                Entry::Reading(reading) => Some(vec![reading]),
                Entry::Backfilled { found, .. } => Some(found),
                _ => None,
            }));
        })?;
        for reading in history.into_iter().flatten() {
            days.entry(u64::from(reading.at_unix_s).checked_div(DAY_S).unwrap_or(0)).or_default().push(reading);
        }
        let newest_day = days.keys().next_back().copied();
        let meta = self.meta;
        let mut series_bytes = 0_usize;
        let transaction = db::begin(&mut self.db)?;
        for (day, readings) in &days {
            let first = day.saturating_mul(PARTS_MAX);
            let end = first.saturating_add(PARTS_MAX.saturating_sub(1));
            let mut id = first;
            let mut readings = readings.clone();
            let mut known = Vec::new();
            db::each(&transaction, Kind::Series, first, end, |at, bytes| {
                id = at.saturating_add(1);
                known.push(sealed::open(bytes).and_then(|row| series::unpack(row.body)));
            })?;
            if id > end {
                // All parts are taken: they are put together in the first. A broken one is lost here, and was told.
                readings.splice(0..0, known.into_iter().flatten().flatten());
                db::delete(&transaction, Kind::Series, first, end)?;
                id = first;
            }
            let body = series::pack(&mut readings);
            let row = Sealed { kind: Kind::Series, flags: 0, id, commit, body: &body };
            series_bytes = series_bytes.saturating_add(db::put(&transaction, row)?);
        }
        if let Some(day) = newest_day {
            let before = day.saturating_sub(u64::from(self.config.series_days));
            // A day that lies far ahead is a clock that was wrong: it must not take the past with it.
            let stored = db::last_id(&transaction, Kind::Series)?.map_or(day, |id| id / PARTS_MAX);
            let before = before.min(stored.saturating_sub(u64::from(self.config.series_days)));
            db::delete(&transaction, Kind::Series, 0, before.saturating_mul(PARTS_MAX).saturating_sub(1))?;
        }
        db::delete(&transaction, Kind::Block, 0, oldest)?;
        db::delete(&transaction, Kind::Hole, 0, oldest)?;
        let gone = db::delete(&transaction, Kind::Snapshot, 0, oldest.saturating_sub(1))?;
        put_meta(&transaction, meta, commit)?;
        transaction.commit()?;
        self.commit = commit;
        self.upkeep.snapshots.drain(..kept);
        self.stats.series_bytes = self.stats.series_bytes.saturating_add(series_bytes as u64);
        self.stats.blocks_pruned = self.stats.blocks_pruned.saturating_add(blocks);
        self.stats.snapshots_pruned = self.stats.snapshots_pruned.saturating_add(gone as u64);
        Ok(())
    }

    /// Readings of a meter with `from..=to` as their period, oldest first: of the journal, and of the days that were
    /// pruned from it. A reading that is still in RAM is not among them.
    ///
    /// # Errors
    /// [`StoreError::Disk`]. Rows whose seal is broken are left out; [`Self::scrub`] names them.
    pub fn readings(&self, meter: taa_dcu::MeterIx, from: u32, to: u32) -> Result<Vec<Reading>, StoreError> {
        let mut found: BTreeMap<u32, Reading> = BTreeMap::new();
        let mut take = |reading: Reading| {
            if reading.meter == meter && (from..=to).contains(&reading.period) {
                found.entry(reading.period).or_insert(reading);
            }
        };
        db::each(&self.db, Kind::Series, 0, u64::MAX, |_, bytes| {
            let readings = sealed::open(bytes).and_then(|row| series::unpack_of(row.body, meter));
            readings.unwrap_or_default().into_iter().for_each(&mut take);
        })?;
        db::each(&self.db, Kind::Block, 0, u64::MAX, |_, bytes| {
            let records = sealed::open(bytes).and_then(Run::of).and_then(|run| pack::unpack(run.packed));
            for record in records.unwrap_or_default() {
                match record.entry {
                    Entry::Reading(reading) => take(reading),
                    Entry::Backfilled { found, .. } => found.into_iter().for_each(&mut take),
                    _ => {}
                }
            }
        })?;
        Ok(found.into_values().collect())
    }

    /// Ledger entries `from..to`, in order; ends before the first one that is missing.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn leaves(&self, from: u64, to: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut found = Vec::new();
        let mut next = from;
        db::each(&self.db, Kind::Leaves, from, u64::MAX, |id, bytes| {
            for (index, leaf) in self.row(Kind::Leaves, id, bytes).and_then(leaves_of).unwrap_or_default() {
                if index == next && index < to {
                    found.push(leaf);
                    next = next.saturating_add(1);
                }
            }
        })?;
        Ok(found)
    }

    /// Calls with index and bytes of every ledger entry in the file from `from` on, in order, without holding them. What
    /// lies in a row whose seal is broken does not come: the index of the next one jumps.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn each_leaf(&self, from: u64, mut look: impl FnMut(u64, &[u8])) -> Result<(), StoreError> {
        db::each(&self.db, Kind::Leaves, from, u64::MAX, |id, bytes| {
            for (index, leaf) in self.row(Kind::Leaves, id, bytes).and_then(leaves_of).unwrap_or_default() {
                if index >= from {
                    look(index, &leaf);
                }
            }
        })?;
        Ok(())
    }

    /// Throws away ledger entries before `index`, once somebody else keeps them (the cloud, an export): rows that hold later
    /// ones as well stay. The log itself goes on; its root needs no entries. All at once: [`Self::leaves_are_kept`] takes
    /// them away by and by.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn prune_leaves(&mut self, index: u64) -> Result<(), StoreError> {
        let Some(last) = index.checked_sub(1) else { return Ok(()) };
        Ok(self.drop_leaves(last)?)
    }

    pub(crate) fn drop_leaves(&mut self, last: u64) -> rusqlite::Result<()> {
        // The newest row stays: it says how many entries there are.
        let newest = db::last_id(&self.db, Kind::Leaves)?.and_then(|newest| newest.checked_sub(1));
        let oldest = db::nth_id(&self.db, Kind::Leaves, 1)?;
        let Some(last) = newest.map(|newest| newest.min(last)).filter(|last| oldest.is_some_and(|old| old <= *last))
        else {
            return Ok(());
        };
        let (commit, meta) = (self.commit.saturating_add(1), self.meta);
        let transaction = db::begin(&mut self.db)?;
        db::delete(&transaction, Kind::Leaves, 0, last)?;
        put_meta(&transaction, meta, commit)?;
        transaction.commit()?;
        self.commit = commit;
        Ok(())
    }

    /// Looks through the whole file: SQLite's structure and every seal. Takes as long as reading it takes. Answers with
    /// kind of table and id of every broken row.
    ///
    /// # Errors
    /// [`StoreError::Disk`] with [`Trouble::Damaged`] where the structure is damaged: open the store anew.
    pub fn scrub(&mut self) -> Result<Vec<(&'static str, u64)>, StoreError> {
        if !db::structure_is_whole(&self.db)? {
            self.health = Health::Stopped(Trouble::Damaged);
            return Err(StoreError::Disk(Trouble::Damaged));
        }
        let mut broken = Vec::new();
        for kind in Kind::ALL {
            db::each(&self.db, kind, 0, u64::MAX, |id, bytes| {
                if sealed::open(bytes).is_none_or(|row| (row.kind, row.id) != (kind, id)) {
                    broken.push((kind.table(), id));
                }
            })?;
        }
        Ok(broken)
    }
}

/// Ledger entries of a row, with their indices.
pub(crate) fn leaves_of(row: Sealed<'_>) -> Option<Vec<(u64, Vec<u8>)>> {
    let mut rest = row.body;
    let before = crate::varint::take(&mut rest)?;
    let mut index = row.id.checked_sub(before)?;
    let mut leaves = Vec::new();
    while !rest.is_empty() {
        let length = usize::try_from(crate::varint::take(&mut rest)?).ok()?;
        let (leaf, after) = rest.split_at_checked(length)?;
        leaves.push((index, leaf.to_vec()));
        index = index.checked_add(1)?;
        rest = after;
    }
    Some(leaves)
}
