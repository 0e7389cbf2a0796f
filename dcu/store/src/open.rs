//! Opening: a file that is whole, one of an earlier schema, one that is damaged.

use rusqlite::Connection;

use crate::{
    carve,
    config::{Place, Sabotage, StoreConfig},
    db::{self, SCHEMA},
    error::{StoreError, Trouble},
    load::{Assembled, Loaded},
    migrate,
    raw::{self, Role},
    rows::{META_ID, Meta, damage_row},
    salvage::{self, salvage},
    sealed::{Kind, Sealed},
};

/// A file that is open, and what is in it.
pub(crate) struct Opened {
    pub(crate) db: Connection,
    pub(crate) meta: Meta,
    pub(crate) commit: u64,
    pub(crate) leaves: u64,
    pub(crate) found: Assembled,
    pub(crate) set_aside: Option<String>,
    pub(crate) set_aside_why: Option<String>,
    pub(crate) migrated_from: Option<u32>,
    /// Why what was found could not be written down, if it could not.
    pub(crate) trouble: Option<Trouble>,
    /// Which file of the place it is.
    pub(crate) generation: u32,
}

/// Why a file cannot be used as it is.
enum Unusable {
    /// How it shows.
    Damaged(String),
    /// A salvage began it and was cut short: there is nothing in it.
    Blank,
    Error(StoreError),
}

impl From<rusqlite::Error> for Unusable {
    fn from(error: rusqlite::Error) -> Self {
        match Trouble::from(&error) {
            // What SQLite cannot make sense of is damage, whatever it calls it.
            Trouble::Damaged | Trouble::Other(_) => Self::Damaged(format!("SQLite: {error}")),
            trouble => Self::Error(StoreError::Disk(trouble)),
        }
    }
}

/// Somebody may have taken old files away: the newest one is looked for this far beyond the last that is there.
const GAP_MAX: u32 = 64;

/// The newest generation that there is.
fn newest(place: &Place) -> u32 {
    let (mut newest, mut next) = (0_u32, 1_u32);
    while next <= newest.saturating_add(GAP_MAX) {
        if raw::exists(place.vfs(), &place.file(next)) {
            newest = next;
        }
        next = next.saturating_add(1);
    }
    newest
}

/// Opens the newest generation; salvages a damaged one into the next.
pub(crate) fn open(place: &Place, config: &StoreConfig) -> Result<Opened, StoreError> {
    let generation = newest(place);
    let log = salvage::read(place, &format!("{}-wal", place.file(generation)), Role::Log)?;
    let opened = match usable(place, generation, config, &log) {
        // One error of the medium may have been the last, and SQLite's look through the file calls it damage. Of a second
        // one, what can be read is taken.
        Err(Unusable::Damaged(_) | Unusable::Error(StoreError::Disk(Trouble::Io))) => {
            match usable(place, generation, config, &log) {
                Err(Unusable::Error(StoreError::Disk(Trouble::Io))) if is_readable(place, generation) => {
                    Err(Unusable::Damaged("the disk cannot read all of it".to_owned()))
                }
                second => second,
            }
        }
        first => first,
    };
    match opened {
        Ok(opened) => Ok(opened),
        Err(Unusable::Error(error)) => Err(error),
        // What a salvage was cut short of, it does now.
        Err(Unusable::Blank) => salvage(place, generation, config, &log, None),
        Err(Unusable::Damaged(why)) => salvage(place, generation, config, &log, Some(why)),
    }
}

fn read_database(place: &Place, generation: u32) -> Vec<u8> {
    raw::read(place.vfs(), &place.file(generation), Role::Database).unwrap_or_default()
}

fn is_readable(place: &Place, generation: u32) -> bool {
    !read_database(place, generation).is_empty()
}

fn usable(place: &Place, generation: u32, config: &StoreConfig, log: &[u8]) -> Result<Opened, Unusable> {
    let mut db = db::connect(place, generation, config)?;
    let marks = db::marks(&db)?;
    if !marks.is_ours && !marks.is_empty {
        drop(db);
        // Nobody else has a file beside ours with the next number.
        let is_ours = generation > 0 || !carve::carve(&read_database(place, generation), log).is_empty();
        return Err(if is_ours {
            Unusable::Damaged("its marks are changed".to_owned())
        } else {
            Unusable::Error(StoreError::Foreign)
        });
    }
    let mut migrated_from = None;
    if marks.is_empty {
        // A first commit that never ended leaves a trace of itself, and no more.
        let rows = carve::carve(&read_idle(&db, place, generation)?, log);
        if generation > 0 && rows.is_empty() && db::structure_is_whole(&db)? {
            return Err(Unusable::Blank);
        }
        if rows.values().any(|row| row.commit > 1) || generation > 0 {
            return Err(Unusable::Damaged("its tables are gone".to_owned()));
        }
        db::prepare(&db, config)?;
        return Ok(new(db, config, generation)?);
    }
    db::prepare(&db, config)?;
    let is_long = db::length(&db)? > config.full_check_bytes_max;
    let is_whole = if is_long && marks.schema == SCHEMA { db::journal_is_whole } else { db::structure_is_whole };
    if config.full_check && !is_whole(&db)? {
        return Err(Unusable::Damaged("its pages do not fit together".to_owned()));
    }
    if marks.schema == migrate::OLD_SCHEMA {
        migrate::migrate(&mut db)?;
        migrated_from = Some(marks.schema);
    } else if marks.schema > SCHEMA {
        let (found, known) = (u64::from(marks.schema), u64::from(SCHEMA));
        let says_so = Loaded::meta_of(&db)?.is_some_and(|meta| meta.schema == found);
        return Err(if says_so {
            Unusable::Error(StoreError::Newer { found, known })
        } else {
            Unusable::Damaged("its marks are changed".to_owned())
        });
    }
    if !db::schema_is_ours(&db)? {
        return Err(Unusable::Damaged("its tables are others".to_owned()));
    }
    let loaded = Loaded::read(&db, config.has(Sabotage::BlindSeals))?;
    let Some(meta) = loaded.meta else { return Err(Unusable::Damaged("it has lost its name".to_owned())) };
    // A commit begins only when the one before is durable. So a trace in the log of the next but one, of which SQLite
    // shows nothing, says that the log has lost a commit that was acknowledged.
    if carve::newest_commit(log).is_some_and(|newest| newest > loaded.commit.saturating_add(1)) {
        return Err(Unusable::Damaged("its log has lost commits".to_owned()));
    }
    Ok(welcome((db, generation), meta, loaded, migrated_from, None))
}

/// The database's bytes, read past the pager. The connection is idle: nothing of it is pending.
fn read_idle(_idle: &Connection, place: &Place, generation: u32) -> Result<Vec<u8>, Unusable> {
    salvage::read(place, &place.file(generation), Role::Database).map_err(Unusable::Error)
}

fn new(mut db: Connection, config: &StoreConfig, generation: u32) -> rusqlite::Result<Opened> {
    let meta = Meta { schema: u64::from(SCHEMA), journal: config.journal, lives: 1, salvaged_from: 0 };
    let transaction = db::begin(&mut db)?;
    db::create(&transaction)?;
    put_meta(&transaction, meta, 1)?;
    transaction.commit()?;
    let found = Loaded::default().assemble();
    Ok(Opened {
        db,
        meta,
        commit: 1,
        leaves: 0,
        found,
        set_aside: None,
        set_aside_why: None,
        migrated_from: None,
        trouble: None,
        generation,
    })
}

/// The name of the journal is written twice: it would be a pity to lose it to one bit.
pub(crate) fn put_meta(db: &Connection, meta: Meta, commit: u64) -> rusqlite::Result<usize> {
    let body = meta.to_body();
    let row = Sealed { kind: Kind::Meta, flags: 0, id: META_ID, commit, body: &body };
    let second = Sealed { id: META_ID + 1, ..row };
    Ok(db::put(db, row)?.saturating_add(db::put(db, second)?))
}

/// Counts the opening, and writes down what was found wrong.
pub(crate) fn welcome(
    (mut db, generation): (Connection, u32),
    mut meta: Meta,
    loaded: Loaded,
    migrated_from: Option<u32>,
    set_aside: Option<String>,
) -> Opened {
    let (mut commit, leaves) = (loaded.commit, loaded.leaves);
    // SQLite appends to what it has found of the log, which may end within a sector that holds an acknowledged commit.
    // So all of it goes into the database first, and the log starts anew (docs/store.md).
    let fresh = db::renew_log(&db);
    let found = loaded.assemble();
    meta.lives = meta.lives.saturating_add(1);
    let next = commit.saturating_add(1);
    let trouble = match fresh.and_then(|()| write_down(&mut db, meta, next, &found)) {
        Ok(()) => {
            commit = next;
            None
        }
        Err(error) => Some(Trouble::from(&error)),
    };
    Opened { db, meta, commit, leaves, found, set_aside, set_aside_why: None, migrated_from, trouble, generation }
}

/// In place of ledger entries that are lost: there were some up to this one. (A count of none before it, and no entry.)
pub(crate) const fn tombstone(id: u64, commit: u64) -> Sealed<'static> {
    Sealed { kind: Kind::Leaves, flags: 0, id, commit, body: &[0] }
}

pub(crate) fn write_down(db: &mut Connection, meta: Meta, commit: u64, found: &Assembled) -> rusqlite::Result<()> {
    let transaction = db::begin(db)?;
    let mut id = db::last_id(&transaction, Kind::Quarantine)?.unwrap_or(0);
    for row in &found.broken {
        id = id.saturating_add(1);
        let body = [&[row.kind as u8][..], &row.id.to_le_bytes(), &row.bytes].concat();
        db::put(&transaction, Sealed { kind: Kind::Quarantine, flags: 0, id, commit, body: &body })?;
        if row.kind == Kind::Leaves {
            db::put(&transaction, tombstone(row.id, commit))?;
        } else {
            db::delete(&transaction, row.kind, row.id, row.id)?;
        }
    }
    let mut id = db::last_id(&transaction, Kind::Damage)?.unwrap_or(0);
    for damage in &found.lost {
        id = id.saturating_add(1);
        db::put(&transaction, damage_row(id, commit, &damage.to_body()))?;
    }
    // Numbers beyond the last record come again, for other records.
    for kind in [Kind::Hole, Kind::Snapshot, Kind::Block] {
        db::delete(&transaction, kind, found.last.saturating_add(1), u64::MAX)?;
    }
    put_meta(&transaction, meta, commit)?;
    transaction.commit()
}

/// The same file once more.
pub(crate) fn again(place: &Place, generation: u32, config: &StoreConfig) -> rusqlite::Result<Connection> {
    let db = db::connect(place, generation, config)?;
    db::prepare(&db, config)?;
    Ok(db)
}
