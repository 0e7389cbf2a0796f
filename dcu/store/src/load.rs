//! Reading a file at opening: newest whole snapshot, the records after it, what is missing.

use std::collections::BTreeMap;

use rusqlite::Connection;
use taa_dcu::journal::Record;

use crate::{
    db, pack,
    rows::{Damage, Held, Kin, META_ID, Meta, Run, SOFT},
    sealed::{self, Kind, Sealed},
};

/// A row whose seal is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) kind: Kind,
    pub(crate) id: u64,
    pub(crate) bytes: Vec<u8>,
}

/// A block of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) soft: bool,
    pub(crate) before: Kin,
    pub(crate) before_count: u64,
    pub(crate) packed: Vec<u8>,
}

/// First and last number of a stretch, and what it holds; nothing, if its numbers were given up or stand elsewhere.
type Link = (u64, u64, Option<(Block, Vec<Record>)>);

/// What a file holds, as far as recovery needs it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Loaded {
    pub(crate) meta: Option<Meta>,
    /// By number: body, or `None` where the seal is broken.
    pub(crate) snapshots: BTreeMap<u64, Option<Vec<u8>>>,
    pub(crate) blocks: Vec<Block>,
    /// First and last number given up.
    pub(crate) holes: Vec<(u64, u64)>,
    /// By id in their table.
    pub(crate) damages: BTreeMap<u64, Damage>,
    pub(crate) broken: Vec<Broken>,
    /// Greatest commit number seen in any row.
    pub(crate) commit: u64,
    /// One past the last ledger entry.
    pub(crate) leaves: u64,
}

impl Loaded {
    /// Reads the tables. An error is SQLite's.
    pub(crate) fn read(db: &Connection, blind: bool) -> rusqlite::Result<Self> {
        let mut loaded = Self::default();
        for kind in [Kind::Meta, Kind::Snapshot, Kind::Hole, Kind::Damage] {
            db::each(db, kind, 0, u64::MAX, |id, bytes| loaded.take(kind, id, bytes, blind))?;
        }
        // Blocks before the oldest snapshot that is whole are history.
        let oldest = loaded.snapshots.iter().find_map(|(number, body)| body.as_ref().map(|_| *number));
        db::each(db, Kind::Block, oldest.unwrap_or(0), u64::MAX, |id, bytes| {
            loaded.take(Kind::Block, id, bytes, blind);
        })?;
        for kind in [Kind::Leaves, Kind::Series, Kind::Quarantine] {
            if let Some(last) = db::last_id(db, kind)? {
                db::each(db, kind, last, last, |id, bytes| loaded.take(kind, id, bytes, blind))?;
            }
        }
        Ok(loaded)
    }

    /// The journal's name and schema alone.
    pub(crate) fn meta_of(db: &Connection) -> rusqlite::Result<Option<Meta>> {
        let mut loaded = Self::default();
        db::each(db, Kind::Meta, 0, u64::MAX, |id, bytes| loaded.take(Kind::Meta, id, bytes, false))?;
        Ok(loaded.meta)
    }

    /// Takes one row; `id` is the one of its table.
    pub(crate) fn take(&mut self, kind: Kind, id: u64, bytes: &[u8], blind: bool) {
        let row = sealed::open(bytes).filter(|row| (row.kind, row.id) == (kind, id));
        let row = if blind { row.or_else(|| unsealed(kind, id, bytes)) } else { row };
        let Some(row) = row.filter(|row| self.use_row(*row)) else {
            if kind == Kind::Snapshot {
                self.snapshots.insert(id, None);
            }
            if kind == Kind::Leaves {
                // What the entries were is gone; how many there were is not.
                self.leaves = self.leaves.max(id.saturating_add(1));
            }
            self.broken.push(Broken { kind, id, bytes: bytes.to_vec() });
            return;
        };
        self.commit = self.commit.max(row.commit);
    }

    /// False where the seal is whole and the content makes no sense: as good as broken.
    fn use_row(&mut self, row: Sealed<'_>) -> bool {
        match row.kind {
            Kind::Meta => {
                let meta = Meta::of(row.body).filter(|_| (META_ID..=META_ID + 1).contains(&row.id));
                // Both are written at once; of a damaged file the later one counts.
                if meta.is_some_and(|new| self.meta.is_none_or(|known| new.lives >= known.lives)) {
                    self.meta = meta;
                }
                meta.is_some()
            }
            Kind::Snapshot => {
                self.snapshots.insert(row.id, Some(row.body.to_vec()));
                true
            }
            Kind::Block => {
                let Some(run) = Run::of(row) else { return false };
                self.blocks.push(Block {
                    first: run.first,
                    last: run.last,
                    soft: row.flags & SOFT != 0,
                    before: Kin::of(row.flags),
                    before_count: run.before_count,
                    packed: run.packed.to_vec(),
                });
                true
            }
            Kind::Hole => {
                let Some(run) = Run::of(row) else { return false };
                self.holes.push((run.first, run.last));
                true
            }
            Kind::Damage => {
                let Some(damage) = Damage::of(row.body) else { return false };
                self.damages.insert(row.id, damage);
                true
            }
            Kind::Leaves => {
                self.leaves = self.leaves.max(row.id.saturating_add(1));
                true
            }
            Kind::Series | Kind::Quarantine => true,
        }
    }

    /// Puts together what the DCU starts from.
    pub(crate) fn assemble(self) -> Assembled {
        let Self { snapshots, mut blocks, holes, damages, broken, .. } = self;
        let mut lost = Vec::new();
        let mut snapshot = None;
        let mut snapshot_bytes = 0;
        for (number, body) in snapshots.iter().rev() {
            let records = body.as_ref().and_then(|body| pack::unpack(body)).unwrap_or_default();
            let record = records.into_iter().next().filter(|record| record.number == *number);
            if let Some(record) = record {
                snapshot_bytes = body.as_ref().map_or(0, |body| body.len() as u64);
                snapshot = Some((*number, record));
                break;
            }
            lost.push(Damage { from: *number, to: Some(*number), held: Held::Snapshot, accepted: false });
        }
        let start = snapshot.as_ref().map_or(0, |(number, _)| *number);
        blocks.sort_by_key(|block| (block.first, block.last));
        let mut chain: Vec<Link> = Vec::new();
        for block in blocks.into_iter().filter(|block| block.last > start) {
            // Whole to the last record, or of no use.
            let records = pack::unpack(&block.packed).unwrap_or_default();
            if records.iter().map(|record| record.number).eq(block.first..=block.last) {
                chain.push((block.first, block.last, Some((block, records))));
            }
        }
        chain.extend(holes.iter().filter(|(_, last)| *last > start).map(|&(first, last)| (first, last, None)));
        let later = snapshots.keys().filter(|number| **number > start);
        chain.extend(later.map(|&number| (number, number, None)));
        chain.sort_by_key(|&(first, last, _)| (first, last));

        let mut tail = Vec::new();
        let mut tail_bytes = 0_u64;
        let mut expected = start.saturating_add(1);
        let mut last_seen = start;
        let mut before = if start > 0 { (Kin::Snapshot, 1) } else { (Kin::Unknown, 0) };
        for (first, last, run) in chain {
            if first > expected {
                // The run behind a gap knows what stood right before it: all of the gap, if that was one run.
                let gap = first.saturating_sub(expected);
                let kin = run.as_ref().filter(|(block, _)| block.before_count == gap).map(|(block, _)| block.before);
                let held = kin.map_or(Held::Firm, Kin::held);
                lost.push(Damage { from: expected, to: Some(first.saturating_sub(1)), held, accepted: false });
            }
            if first < expected {
                continue;
            }
            expected = last.saturating_add(1);
            if let Some((block, records)) = run {
                last_seen = last;
                before = (if block.soft { Kin::Soft } else { Kin::Firm }, records.len() as u64);
                tail_bytes = tail_bytes.saturating_add(block.packed.len() as u64);
                tail.push(records);
            }
        }
        // Beyond the last record that the fold will see, numbers come again.
        let last = last_seen;
        let beyond = broken.iter().filter(|row| matches!(row.kind, Kind::Block) && row.id > last);
        if let Some(to) = beyond.map(|row| row.id).max() {
            lost.push(Damage { from: last.saturating_add(1), to: Some(to), held: Held::Firm, accepted: false });
        }
        for row in &broken {
            let held = match row.kind {
                Kind::Leaves => Held::Leaves,
                Kind::Series => Held::Series,
                _ => continue,
            };
            lost.push(Damage { from: row.id, to: Some(row.id), held, accepted: false });
        }
        // What was told before is not told again.
        lost.retain(|new| !damages.values().any(|old| old.covers(new)));
        let snapshots = snapshots.into_iter().filter_map(|(number, body)| body.map(|_| number)).collect();
        Assembled { snapshot, tail, tail_bytes, before, snapshot_bytes, snapshots, last, lost, known: damages, broken }
    }
}

impl Assembled {
    /// What is to be written down of it.
    pub(crate) fn without_records(&self) -> Self {
        let (lost, known, broken) = (self.lost.clone(), self.known.clone(), self.broken.clone());
        Self { snapshot: None, tail: Vec::new(), snapshots: Vec::new(), lost, known, broken, ..*self }
    }
}

/// Sabotage: a row is believed as it stands.
pub(crate) fn unsealed(kind: Kind, id: u64, bytes: &[u8]) -> Option<Sealed<'_>> {
    let (content, _) = bytes.split_last_chunk::<4>()?;
    let (&[_, _, flags], mut rest) = content.split_first_chunk::<3>()?;
    crate::varint::take(&mut rest)?;
    let commit = crate::varint::take(&mut rest)?;
    Some(Sealed { kind, flags, id, commit, body: rest })
}

/// What the DCU starts from, and what is missing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Assembled {
    /// Number and packed record.
    pub(crate) snapshot: Option<(u64, Record)>,
    /// Run after run.
    pub(crate) tail: Vec<Vec<Record>>,
    /// Bytes of these runs.
    pub(crate) tail_bytes: u64,
    /// What the last run is, and how many numbers it has.
    pub(crate) before: (Kin, u64),
    /// Bytes of the snapshot.
    pub(crate) snapshot_bytes: u64,
    /// Snapshots that are whole, by number.
    pub(crate) snapshots: Vec<u64>,
    /// Number of the last record that the fold will see.
    pub(crate) last: u64,
    /// Found missing now.
    pub(crate) lost: Vec<Damage>,
    /// Found missing earlier, by id.
    pub(crate) known: BTreeMap<u64, Damage>,
    pub(crate) broken: Vec<Broken>,
}
