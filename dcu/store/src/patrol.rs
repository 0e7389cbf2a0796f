//! The patrol: some rows an hour are read whether anybody needs them or not, so that rot is found while RAM still has what
//! it took.
//!
//! | broken | what is done |
//! |---|---|
//! | a row of the journal that a recovery needs | a snapshot is asked for: RAM has the whole state; the row goes when that is durable |
//! | one that no recovery needs | to `quarantine` |
//! | ledger entries, readings kept for queries | to `quarantine`, noted as lost |
//! | the journal's name | written anew |
//! | the structure of the file | [`Health::Stopped`]: to be opened anew, that salvages |
//!
//! It goes with [`Store::commit`], within [`Store::due`], and reads past SQLite's cache. One call reads
//! [`StoreConfig::patrol_bytes`](crate::StoreConfig) and no more, then takes away at most [`PRUNED_MAX`] rows of ledger
//! entries that others keep ([`Store::leaves_are_kept`]).

use rusqlite::Connection;

use crate::{
    db,
    error::Trouble,
    health::Health,
    open::{put_meta, tombstone},
    rows::{Damage, Held, damage_row},
    sealed::{Kind, Sealed},
    store::Store,
};

/// Rows of ledger entries taken away at once.
const PRUNED_MAX: u64 = 64;
/// Findings kept until somebody asks; later ones are counted alone.
const FOUND_MAX: usize = 256;

/// What the patrol has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The table.
    pub table: &'static str,
    /// Which row of it.
    pub row: u64,
    /// What became of it.
    pub end: FoundEnd,
}

/// What became of a broken row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FoundEnd {
    /// Nothing is lost: RAM has it, or nobody needs it any more.
    Mended,
    /// A snapshot is asked for that will replace it. If the power goes before that is durable, the next opening finds it.
    WaitsForSnapshot,
    /// Ledger entries or kept readings are lost.
    Lost,
    /// The medium does not give the page. The rest of this table is left out in this round.
    Unreadable,
}

/// Where the patrol is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Patrol {
    kind: usize,
    next: u64,
    due_ms: Option<u64>,
    /// Rows of the journal that the next snapshot replaces.
    waiting: Vec<(Kind, u64)>,
    found: Vec<Found>,
    /// Ledger entries before this one are kept elsewhere.
    kept_elsewhere: u64,
}

impl Patrol {
    pub(crate) const fn due_ms(&self) -> Option<u64> {
        self.due_ms
    }

    /// A row of the journal has rotted that only a snapshot can replace.
    pub(crate) fn wants_snapshot(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn tell(&mut self, kind: Kind, row: u64, end: FoundEnd) {
        if self.found.len() < FOUND_MAX {
            self.found.push(Found { table: kind.table(), row, end });
        }
    }
}

/// A broken row: which, and its bytes.
type Broken = (Kind, u64, Vec<u8>);

impl Store {
    /// What the patrol has found since this was asked last: to be told to whoever cares for the site.
    pub fn take_found(&mut self) -> Vec<Found> {
        std::mem::take(&mut self.patrol.found)
    }

    /// Somebody else keeps all ledger entries before `index` for good (an export that was checked, the cloud): the patrol
    /// takes them away by and by.
    pub fn leaves_are_kept(&mut self, index: u64) {
        self.patrol.kept_elsewhere = self.patrol.kept_elsewhere.max(index);
    }

    /// One step, if it is due.
    pub(crate) fn patrol(&mut self, now_ms: u64) -> rusqlite::Result<()> {
        let every_ms = self.config.patrol_ms;
        if *self.patrol.due_ms.get_or_insert(now_ms.saturating_add(every_ms)) > now_ms {
            return Ok(());
        }
        self.patrol.due_ms = Some(now_ms.saturating_add(every_ms));
        self.stats.patrols = self.stats.patrols.saturating_add(1);
        match self.look() {
            Ok(broken) => self.contain(broken)?,
            Err(error) if Trouble::from(&error) == Trouble::Io => {
                let kind = Kind::ALL.get(self.patrol.kind).copied().unwrap_or(Kind::Meta);
                self.patrol.tell(kind, self.patrol.next, FoundEnd::Unreadable);
                self.next_table();
            }
            Err(error) => return Err(error),
        }
        self.take_away_kept()
    }

    fn next_table(&mut self) {
        let next = self.patrol.kind.saturating_add(1);
        self.patrol.kind = if next < Kind::ALL.len() { next } else { 0 };
        self.patrol.next = 0;
    }

    /// Reads on from where the last step ended; the rows whose seal is broken. Ends at the last table: the next step begins
    /// a new round.
    fn look(&mut self) -> rusqlite::Result<Vec<Broken>> {
        db::forget_pages(&self.db)?;
        let mut left = self.config.patrol_bytes;
        let mut broken = Vec::new();
        while left > 0 {
            let Some(&kind) = Kind::ALL.get(self.patrol.kind) else { break };
            let (blind, mut rows) = (self.blind(), 0_u64);
            let next = db::some(&self.db, kind, self.patrol.next, &mut left, |id, bytes| {
                rows = rows.saturating_add(1);
                if !blind && crate::sealed::open(bytes).is_none_or(|row| (row.kind, row.id) != (kind, id)) {
                    broken.push((kind, id, bytes.to_vec()));
                }
            })?;
            self.stats.rows_looked_at = self.stats.rows_looked_at.saturating_add(rows);
            if let Some(next) = next {
                self.patrol.next = next;
            } else {
                self.next_table();
                if self.patrol.kind == 0 {
                    break;
                }
            }
        }
        Ok(broken)
    }

    fn contain(&mut self, broken: Vec<Broken>) -> rusqlite::Result<()> {
        if broken.is_empty() {
            return Ok(());
        }
        let newest = self.upkeep.newest_snapshot();
        let (waits, now): (Vec<Broken>, Vec<Broken>) = broken.into_iter().partition(|(kind, id, _)| match kind {
            Kind::Snapshot => newest == Some(*id),
            Kind::Block | Kind::Hole => newest.is_none_or(|newest| *id > newest),
            _ => false,
        });
        for (kind, id, _) in waits {
            if !self.patrol.waiting.contains(&(kind, id)) {
                self.patrol.waiting.push((kind, id));
                self.patrol.tell(kind, id, FoundEnd::WaitsForSnapshot);
            }
        }
        if now.is_empty() {
            return Ok(());
        }
        let (commit, meta) = (self.commit.saturating_add(1), self.meta);
        let transaction = db::begin(&mut self.db)?;
        for (kind, id, bytes) in &now {
            set_aside(&transaction, (*kind, *id), bytes, commit)?;
        }
        put_meta(&transaction, meta, commit)?;
        transaction.commit()?;
        self.commit = commit;
        for (kind, id, _) in &now {
            let lost = matches!(kind, Kind::Leaves | Kind::Series);
            self.patrol.tell(*kind, *id, if lost { FoundEnd::Lost } else { FoundEnd::Mended });
            if *kind == Kind::Snapshot {
                self.upkeep.forget_snapshot(*id);
            }
        }
        Ok(())
    }

    /// A snapshot is durable: what it replaces goes.
    pub(crate) fn replaced(&mut self) -> rusqlite::Result<()> {
        let Some(newest) = self.upkeep.newest_snapshot() else { return Ok(()) };
        if self.patrol.waiting.is_empty() || self.patrol.waiting.iter().any(|(_, id)| *id >= newest) {
            return Ok(());
        }
        let mut broken = Vec::new();
        for &(kind, id) in &self.patrol.waiting {
            db::each(&self.db, kind, id, id, |id, bytes| broken.push((kind, id, bytes.to_vec())))?;
        }
        self.patrol.waiting.clear();
        self.contain(broken)
    }

    fn take_away_kept(&mut self) -> rusqlite::Result<()> {
        let Some(last) = self.patrol.kept_elsewhere.checked_sub(1) else { return Ok(()) };
        let Some(upto) = db::nth_id(&self.db, Kind::Leaves, PRUNED_MAX)? else { return Ok(()) };
        self.drop_leaves(last.min(upto))
    }
}

/// Puts a broken row into quarantine, with a note of what was lost with it.
fn set_aside(db: &Connection, (kind, id): (Kind, u64), bytes: &[u8], commit: u64) -> rusqlite::Result<()> {
    let aside = db::last_id(db, Kind::Quarantine)?.unwrap_or(0).saturating_add(1);
    let body = [&[kind as u8][..], &id.to_le_bytes(), bytes].concat();
    match kind {
        // Rewritten by whoever calls.
        Kind::Meta => return Ok(()),
        Kind::Leaves => db::put(db, tombstone(id, commit))?,
        _ => db::delete(db, kind, id, id)?,
    };
    if kind != Kind::Quarantine {
        db::put(db, Sealed { kind: Kind::Quarantine, flags: 0, id: aside, commit, body: &body })?;
    }
    let lost = match kind {
        Kind::Leaves => Damage { from: id, to: Some(id), held: Held::Leaves, accepted: false },
        Kind::Series => Damage { from: id, to: Some(id), held: Held::Series, accepted: false },
        // What was noted there nobody knows any more: an operator has to look.
        Kind::Damage => Damage { from: 1, to: None, held: Held::Firm, accepted: false },
        _ => return Ok(()),
    };
    let note = db::last_id(db, Kind::Damage)?.unwrap_or(0).saturating_add(1);
    db::put(db, damage_row(note, commit, &lost.to_body()))?;
    Ok(())
}

impl Health {
    /// The patrol may go.
    pub(crate) const fn is_good(self) -> bool {
        matches!(self, Self::Good)
    }
}
