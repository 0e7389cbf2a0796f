//! Salvage: what is whole in damaged files goes into a new one; the damaged ones are not touched.
//!
//! A file that was salvaged before may be damaged in its turn; its salvage may have been cut short; a disk may have lied about
//! it. So all files are searched, the newest first. What a newer one has counts, and the older ones fill in what stood before
//! its first own record. Beyond that nothing is taken from them: those numbers may have been given to others since.

use crate::{
    carve::{self, Rows},
    config::{Place, StoreConfig},
    db::{self, SCHEMA},
    error::{StoreError, Trouble},
    load::Loaded,
    open::{self, Opened},
    raw::{self, Role},
    rows::{Damage, Held, Meta, Run, damage_row},
    sealed::{self, Kind},
    upkeep::leaves_of,
};

/// Takes what is whole over into the next file. `why` says what is wrong with the newest; nothing, where that is an empty file
/// with which a salvage had begun: then it is taken over into that one.
pub(crate) fn salvage(
    place: &Place,
    generation: u32,
    config: &StoreConfig,
    log: &[u8],
    why: Option<String>,
) -> Result<Opened, StoreError> {
    let (mut rows, source) = found(place, generation, log)?;
    let (target, aside) = if why.is_some() { (generation.saturating_add(1), generation) } else { (generation, source) };
    carve::settle(&mut rows);
    let mut db = db::connect(place, target, config)?;
    db::prepare(&db, config)?;
    let mut loaded = Loaded::default();
    for (&(kind, id), row) in &rows {
        loaded.take(kind, id, &row.bytes, false);
    }
    let meta = loaded.meta.unwrap_or(Meta { schema: 0, journal: config.journal, lives: 0, salvaged_from: 0 });
    let meta = Meta { schema: u64::from(SCHEMA), salvaged_from: u64::from(source).saturating_add(1), ..meta };
    let commit = loaded.commit.saturating_add(1);
    let from = loaded.clone().assemble().last.saturating_add(1);
    // How far the journal went, nobody can say: what was lost at the end leaves no gap.
    let end = Damage { from, to: None, held: Held::Firm, accepted: false };
    let transaction = db::begin(&mut db)?;
    db::create(&transaction)?;
    for (&(kind, id), row) in &rows {
        db::put_bytes(&transaction, kind, id, &row.bytes)?;
    }
    let id = loaded.damages.keys().next_back().map_or(1, |last| last.saturating_add(1));
    db::put(&transaction, damage_row(id, commit, &end.to_body()))?;
    open::put_meta(&transaction, meta, commit)?;
    transaction.commit()?;
    loaded.commit = commit;
    let mut opened = open::welcome((db, target), meta, loaded, None, Some(place.file(aside)));
    opened.found.lost.push(end);
    opened.set_aside_why = Some(why.unwrap_or_else(|| "its salvage was cut short".to_owned()));
    Ok(opened)
}

/// All that can be found up to this file, and the newest file that has anything.
fn found(place: &Place, generation: u32, log: &[u8]) -> Result<(Rows, u32), StoreError> {
    let mut rows = carve::carve(&read(place, &place.file(generation), Role::Database)?, log);
    let mut source = (!rows.is_empty()).then_some(generation);
    for older in (0..generation).rev() {
        let file = place.file(older);
        let log = read(place, &format!("{file}-wal"), Role::Log)?;
        let before = carve::carve(&read(place, &file, Role::Database)?, &log);
        source = source.or((!before.is_empty()).then_some(older));
        rows = filled(rows, before);
    }
    Ok((rows, source.unwrap_or(generation)))
}

/// A file's bytes; none where there is no such file.
///
/// # Errors
/// It is there and cannot be read, tried twice: nobody can say what is in it.
pub(crate) fn read(place: &Place, file: &str, role: Role) -> Result<Vec<u8>, StoreError> {
    let bytes = || raw::read(place.vfs(), file, role);
    match bytes().or_else(bytes) {
        Some(bytes) => Ok(bytes),
        None if raw::exists(place.vfs(), file) => Err(StoreError::Disk(Trouble::Io)),
        None => Ok(Vec::new()),
    }
}

/// What a newer file has, and of an older one what stood before the first record (the first entry of the ledger) that the newer
/// one does not have from it.
fn filled(mut newer: Rows, before: Rows) -> Rows {
    let (mut first_record, mut first_leaf) = (u64::MAX, u64::MAX);
    for (&(kind, id), found) in newer.iter().filter(|(key, found)| before.get(key) != Some(*found)) {
        let Some(row) = sealed::open(&found.bytes) else { continue };
        match kind {
            Kind::Block | Kind::Hole => first_record = first_record.min(Run::of(row).map_or(id, |run| run.first)),
            Kind::Snapshot => first_record = first_record.min(id),
            Kind::Leaves => {
                let first = leaves_of(row).and_then(|leaves| leaves.first().map(|(index, _)| *index));
                first_leaf = first_leaf.min(first.unwrap_or(id));
            }
            // From here on numbers were given out anew.
            Kind::Damage => {
                if let Some(Damage { from, to: None, .. }) = Damage::of(row.body) {
                    first_record = first_record.min(from);
                }
            }
            Kind::Meta | Kind::Series | Kind::Quarantine => {}
        }
    }
    for ((kind, id), found) in before {
        let stands_before = match kind {
            Kind::Block | Kind::Hole | Kind::Snapshot => id < first_record,
            Kind::Leaves => id < first_leaf,
            Kind::Meta | Kind::Series | Kind::Quarantine | Kind::Damage => true,
        };
        if stands_before {
            newer.entry((kind, id)).or_insert(found);
        }
    }
    newer
}
