//! From schema 1 to schema 2, in one transaction: a cut at any point leaves the one or the other.
//!
//! Schema 1 had one row a record: `record (number integer primary key, bytes blob)`, the record as
//! [`taa_dcu::journal::bytes`] writes it, without a seal; and `about (id integer primary key, journal blob)`. Records were
//! never pruned.

use rusqlite::Connection;

use taa_dcu::journal::{Entry, Record, bytes};

use crate::{
    db::{self, SCHEMA},
    open::put_meta,
    pack,
    rows::{Kin, Meta, Run, SOFT},
    sealed::{Kind, Sealed},
};

/// The schema that is brought up to date.
pub(crate) const OLD_SCHEMA: u32 = 1;
/// Records of a block.
const BLOCK_RECORDS: usize = 512;

/// Brings the file up to date.
pub(crate) fn migrate(db: &mut Connection) -> rusqlite::Result<()> {
    let transaction = db::begin(db)?;
    let journal: [u8; 16] = transaction.query_row("select journal from about where id = 1", [], |row| row.get(0))?;
    for kind in Kind::ALL {
        transaction.execute_batch(&db::table_sql(kind))?;
    }
    {
        let mut statement = transaction.prepare("select number, bytes from record order by number")?;
        let mut rows = statement.query([])?;
        let mut run: Vec<Record> = Vec::new();
        let mut before = (Kin::Unknown, 0);
        while let Some(row) = rows.next()? {
            let number = row.get::<_, i64>(0)?.cast_unsigned();
            let blob = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
            // A record that cannot be read is a gap, and told as one at every opening.
            let Some(record) = bytes::decode(blob).ok().filter(|record| record.number == number) else { continue };
            let follows = run.last().is_none_or(|last| last.number.checked_add(1) == Some(number));
            let is_snapshot = matches!(record.entry, Entry::Checkpoint(_));
            if !follows || is_snapshot || run.len() >= BLOCK_RECORDS {
                put_run(&transaction, &mut run, &mut before)?;
            }
            if is_snapshot {
                put_snapshot(&transaction, &record, &mut before)?;
            } else {
                run.push(record);
            }
        }
        put_run(&transaction, &mut run, &mut before)?;
    }
    transaction.execute_batch("drop table record; drop table about;")?;
    let meta = Meta { schema: u64::from(SCHEMA), journal, lives: 0, salvaged_from: 0 };
    put_meta(&transaction, meta, 1)?;
    db::mark(&transaction)?;
    transaction.commit()
}

fn put_run(db: &Connection, run: &mut Vec<Record>, before: &mut (Kin, u64)) -> rusqlite::Result<()> {
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return Ok(()) };
    let soft = run.iter().all(|record| pack::is_soft(&record.entry));
    let packed = pack::pack(run).ok_or(rusqlite::Error::InvalidQuery)?;
    let body = Run { first: first.number, last: last.number, before_count: before.1, packed: &packed }.to_body();
    let flags = before.0 as u8 | if soft { SOFT } else { 0 };
    db::put(db, Sealed { kind: Kind::Block, flags, id: last.number, commit: 1, body: &body })?;
    *before = (if soft { Kin::Soft } else { Kin::Firm }, run.len() as u64);
    run.clear();
    Ok(())
}

fn put_snapshot(db: &Connection, record: &Record, before: &mut (Kin, u64)) -> rusqlite::Result<()> {
    let body = pack::pack(std::slice::from_ref(record)).ok_or(rusqlite::Error::InvalidQuery)?;
    db::put(db, Sealed { kind: Kind::Snapshot, flags: 0, id: record.number, commit: 1, body: &body })?;
    *before = (Kin::Snapshot, 1);
    Ok(())
}
