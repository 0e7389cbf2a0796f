//! The connection: how it is opened, its tables, one row in and out.

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, config::DbConfig, params};

use crate::{
    config::{Place, Sabotage, StoreConfig},
    sealed::{Kind, Sealed},
};

/// Bytes of a page: what flash programs as one. A smaller page would make small commits cheaper, but where a card loses
/// the whole 4 KiB around a torn write, copying the log would endanger the pages beside those that it writes, of which the
/// log has no copy: with pages of 1 KiB one of 137 cuts on such a card lost acknowledged records.
pub(crate) const PAGE_BYTES: u32 = 4096;
/// `TAAj`: says whose file it is (`pragma application_id`).
const APPLICATION_ID: i32 = 0x5441_416A;
/// The schema that this program writes (`pragma user_version`).
pub(crate) const SCHEMA: u32 = 2;

/// Opens the file. Writes nothing yet: it may be somebody else's.
pub(crate) fn connect(place: &Place, generation: u32, config: &StoreConfig) -> rusqlite::Result<Connection> {
    let file = place.file(generation);
    let psow = u8::from(config.has(Sabotage::PowersafeOverwrite));
    let uri = format!("file:{}?psow={psow}", escaped(&file));
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = match place.vfs() {
        Some(vfs) => Connection::open_with_flags_and_vfs(uri, flags, vfs)?,
        None => Connection::open_with_flags(uri, flags)?,
    };
    // Closing copies nothing: opening must work after a cut in any case, so it works the same way after every end.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    db.execute_batch("pragma locking_mode = exclusive; pragma cell_size_check = on; pragma trusted_schema = off;")?;
    Ok(db)
}

/// Sets what durability rests on.
pub(crate) fn prepare(db: &Connection, config: &StoreConfig) -> rusqlite::Result<()> {
    let synchronous = if config.has(Sabotage::SyncNormal) { "normal" } else { "full" };
    db.execute_batch(&format!(
        "pragma page_size = {PAGE_BYTES}; pragma journal_mode = wal; pragma synchronous = {synchronous};
         pragma wal_autocheckpoint = 0; pragma temp_store = memory;"
    ))
}

/// What a path needs in a URI.
fn escaped(path: &str) -> String {
    path.replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}

/// The statement that makes a kind's table; SQLite keeps it word by word.
pub(crate) fn table_sql(kind: Kind) -> String {
    format!("CREATE TABLE {} (id integer primary key, bytes blob not null)", kind.table())
}

/// Makes the tables and the marks of the schema, within a transaction.
pub(crate) fn create(db: &Connection) -> rusqlite::Result<()> {
    for kind in Kind::ALL {
        db.execute_batch(&table_sql(kind))?;
    }
    mark(db)
}

pub(crate) fn mark(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(&format!("pragma application_id = {APPLICATION_ID}; pragma user_version = {SCHEMA};"))
}

/// What a file says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) is_ours: bool,
    pub(crate) schema: u32,
    /// It has no table at all.
    pub(crate) is_empty: bool,
}

pub(crate) fn marks(db: &Connection) -> rusqlite::Result<Marks> {
    let id: i32 = db.query_row("pragma application_id", [], |row| row.get(0))?;
    let schema: u32 = db.query_row("pragma user_version", [], |row| row.get(0))?;
    let tables: i64 = db.query_row("select count(*) from sqlite_schema", [], |row| row.get(0))?;
    Ok(Marks { is_ours: id == APPLICATION_ID, schema, is_empty: tables == 0 })
}

/// The tables are exactly ours.
pub(crate) fn schema_is_ours(db: &Connection) -> rusqlite::Result<bool> {
    let mut statement = db.prepare("select sql from sqlite_schema order by rowid")?;
    let found = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    let mut expected: Vec<String> = Kind::ALL.into_iter().map(table_sql).collect();
    let mut found = found;
    found.sort_unstable();
    expected.sort_unstable();
    Ok(found == expected)
}

/// SQLite's own look through the whole file: structure, not content.
pub(crate) fn structure_is_whole(db: &Connection) -> rusqlite::Result<bool> {
    let verdict: String = db.query_row("pragma integrity_check(1)", [], |row| row.get(0))?;
    Ok(verdict == "ok")
}

/// The same of the tables that a recovery rests on, in a file so long that looking through all of it would keep the site
/// waiting: ledger entries and old readings are left to the patrol.
pub(crate) fn journal_is_whole(db: &Connection) -> rusqlite::Result<bool> {
    for kind in [Kind::Meta, Kind::Block, Kind::Snapshot, Kind::Hole, Kind::Damage] {
        let sql = format!("pragma integrity_check({})", kind.table());
        let verdict: String = db.query_row(&sql, [], |row| row.get(0))?;
        if verdict != "ok" {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Bytes of the file, as the database counts them.
pub(crate) fn length(db: &Connection) -> rusqlite::Result<u64> {
    let pages: i64 = db.query_row("pragma page_count", [], |row| row.get(0))?;
    Ok(pages.cast_unsigned().saturating_mul(u64::from(PAGE_BYTES)))
}

pub(crate) fn begin(db: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    db.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// Writes a row, in place of one with the same id.
pub(crate) fn put(db: &Connection, row: Sealed<'_>) -> rusqlite::Result<usize> {
    let bytes = row.to_bytes();
    put_bytes(db, row.kind, row.id, &bytes)
}

pub(crate) fn put_bytes(db: &Connection, kind: Kind, id: u64, bytes: &[u8]) -> rusqlite::Result<usize> {
    let sql = format!("insert or replace into {} (id, bytes) values (?1, ?2)", kind.table());
    db.prepare(&sql)?.execute(params![key(id), bytes])?;
    Ok(bytes.len())
}

pub(crate) fn delete(db: &Connection, kind: Kind, from: u64, to: u64) -> rusqlite::Result<usize> {
    let sql = format!("delete from {} where id between ?1 and ?2", kind.table());
    db.execute(&sql, params![key(from), key(to)])
}

/// Calls with id and bytes of every row of the kind with `from..=to`, in order.
pub(crate) fn each(
    db: &Connection,
    kind: Kind,
    from: u64,
    to: u64,
    mut look: impl FnMut(u64, &[u8]),
) -> rusqlite::Result<()> {
    let sql = format!("select id, bytes from {} where id between ?1 and ?2 order by id", kind.table());
    let mut statement = db.prepare(&sql)?;
    let mut rows = statement.query(params![key(from), key(to)])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let bytes = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        look(id.cast_unsigned(), bytes);
    }
    Ok(())
}

/// As [`each`], from `from` on, until so many bytes are used up: where to go on, if there is more.
pub(crate) fn some(
    db: &Connection,
    kind: Kind,
    from: u64,
    bytes_left: &mut usize,
    mut look: impl FnMut(u64, &[u8]),
) -> rusqlite::Result<Option<u64>> {
    let sql = format!("select id, bytes from {} where id >= ?1 order by id", kind.table());
    let mut statement = db.prepare(&sql)?;
    let mut rows = statement.query(params![key(from)])?;
    while let Some(row) = rows.next()? {
        let id = row.get::<_, i64>(0)?.cast_unsigned();
        if *bytes_left == 0 {
            return Ok(Some(id));
        }
        let bytes = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        *bytes_left = bytes_left.saturating_sub(bytes.len());
        look(id, bytes);
    }
    Ok(None)
}

/// Pages in the cache are read anew when they are asked for: what is on the medium counts.
pub(crate) fn forget_pages(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch("pragma shrink_memory")
}

/// The id of the n-th row of the kind, or of the last one; `None` where there is no row.
pub(crate) fn nth_id(db: &Connection, kind: Kind, n: u64) -> rusqlite::Result<Option<u64>> {
    let sql = format!("select max(id) from (select id from {} order by id limit ?1)", kind.table());
    let id: Option<i64> = db.query_row(&sql, params![key(n)], |row| row.get(0))?;
    Ok(id.map(i64::cast_unsigned))
}

/// Greatest id of the kind.
pub(crate) fn last_id(db: &Connection, kind: Kind) -> rusqlite::Result<Option<u64>> {
    let sql = format!("select max(id) from {}", kind.table());
    let id: Option<i64> = db.query_row(&sql, [], |row| row.get(0))?;
    Ok(id.map(i64::cast_unsigned))
}

fn key(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

/// Frames in the log, and how many of them the database has.
pub(crate) fn log_frames(db: &Connection) -> rusqlite::Result<(u32, u32)> {
    checkpoint(db, "noop")
}

/// Copies the log into the database, as far as nobody hinders it.
pub(crate) fn copy_log(db: &Connection) -> rusqlite::Result<(u32, u32)> {
    checkpoint(db, "passive")
}

/// Copies all of the log, so that the next commit starts it anew.
///
/// With `psow=0` SQLite writes the end of a commit's padding after the commit's sync. A sync that fails later makes the
/// system forget these bytes; commits behind them would be cut off from the log at the next loss of power, although their
/// own syncs succeeded. The same bytes may be lost to a cut; SQLite then goes on in the midst of a sector. Nothing is
/// appended to such a log.
pub(crate) fn renew_log(db: &Connection) -> rusqlite::Result<()> {
    let (frames, copied) = copy_log(db)?;
    if copied < frames {
        return Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None));
    }
    Ok(())
}

fn checkpoint(db: &Connection, mode: &str) -> rusqlite::Result<(u32, u32)> {
    // A database in memory has no log and answers -1.
    let count = |number: i64| u32::try_from(number).unwrap_or(0);
    db.query_row(&format!("pragma wal_checkpoint({mode})"), [], |row| Ok((count(row.get(1)?), count(row.get(2)?))))
}
