//! A small workload that knows what it was promised, and a census over many power cuts.

#![allow(dead_code, reason = "each test target uses its own share")]

use rusqlite::Connection;
use taa_powercut::{Config, Disk};

/// How a database is used.
#[derive(Clone, Copy)]
pub(crate) struct Mode {
    /// Sent on every opening.
    pub(crate) pragmas: &'static str,
    /// Name or URI of the database.
    pub(crate) name: &'static str,
    /// What the disk is like.
    pub(crate) disk: Config,
}

impl Mode {
    pub(crate) fn new(pragmas: &'static str) -> Self {
        Self { pragmas, name: PLAIN, disk: Config::default() }
    }
}

pub(crate) const PLAIN: &str = "state.db";
/// SQLite is not to rely on bytes beside its writes.
pub(crate) const NO_PSOW: &str = "file:state.db?psow=0";

pub(crate) const WAL_FULL: &str = "pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = full; \
                            pragma wal_autocheckpoint = 20;";
pub(crate) const WAL_FULL_SHARED: &str =
    "pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 20;";
pub(crate) const WAL_NORMAL: &str = "pragma locking_mode = exclusive; pragma journal_mode = wal; \
                              pragma synchronous = normal; pragma wal_autocheckpoint = 20;";
pub(crate) const WAL_OFF: &str = "pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = off; \
                           pragma wal_autocheckpoint = 20;";
pub(crate) const DELETE_FULL: &str = "pragma journal_mode = delete; pragma synchronous = full;";
pub(crate) const DELETE_EXTRA: &str = "pragma journal_mode = delete; pragma synchronous = extra;";

/// What many cuts did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    pub(crate) cuts: u32,
    pub(crate) corrupt: u32,
    /// Cuts after which something was missing that had been acknowledged.
    pub(crate) lost: u32,
    /// Cuts after which a transaction was there in part.
    pub(crate) torn: u32,
}

impl std::ops::AddAssign for Census {
    fn add_assign(&mut self, other: Self) {
        self.cuts += other.cuts;
        self.corrupt += other.corrupt;
        self.lost += other.lost;
        self.torn += other.torn;
    }
}

pub(crate) fn open(disk: &Disk, pragmas: &str) -> rusqlite::Result<Connection> {
    open_as(disk, PLAIN, pragmas)
}

pub(crate) fn open_as(disk: &Disk, name: &str, pragmas: &str) -> rusqlite::Result<Connection> {
    let db = disk.open(name)?;
    db.execute_batch(pragmas)?;
    db.execute_batch(
        "create table if not exists entry (number integer primary key, part integer, body blob);
         create table if not exists total (id integer primary key, count integer);
         insert or ignore into total values (1, 0);",
    )?;
    Ok(db)
}

/// Transaction n has three rows, raises the total to n, and changes a row of earlier.
pub(crate) fn transact(db: &mut Connection, n: i64) -> rusqlite::Result<()> {
    let transaction = db.transaction()?;
    {
        let mut insert = transaction.prepare("insert into entry values (?1, ?2, ?3)")?;
        for part in 0..3 {
            let body = vec![u8::try_from(n % 251).expect("a byte"); usize::try_from(40 + n % 7 * 60).expect("small")];
            insert.execute((n * 3 + part, n, body))?;
        }
        transaction.execute("update total set count = ?1 where id = 1", [n])?;
        transaction.execute("update entry set body = zeroblob(70) where number = ?1", [n * 3 / 2])?;
    }
    transaction.commit()
}

/// What is there after a cut: the last whole transaction, or what is wrong.
pub(crate) fn found(db: &Connection) -> Result<i64, &'static str> {
    let check = db.query_row("pragma integrity_check", [], |row| row.get::<_, String>(0));
    if check.as_deref() != Ok("ok") {
        return Err("corrupt");
    }
    let count: i64 = db.query_row("select count from total", [], |row| row.get(0)).map_err(|_| "corrupt")?;
    let rows: (i64, i64) = db
        .query_row("select count(*), coalesce(max(part), 0) from entry", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(|_| "corrupt")?;
    if rows == (count * 3, count) { Ok(count) } else { Err("torn") }
}

/// One disk's life: several times it works until the power fails, and looks at what is left.
pub(crate) fn lives(mode: Mode, seed: u64, cuts: u32) -> Census {
    let disk = Disk::new(Config { seed, ..mode.disk });
    let mut census = Census::default();
    let mut acknowledged = 0;
    for life in 0..cuts {
        // Somewhere among the changes of some ten transactions, or in the opening itself.
        disk.cut_after(1 + (seed.wrapping_mul(0x9E37_79B9) ^ u64::from(life).wrapping_mul(0x85EB_CA6B)) % 150);
        if let Ok(mut db) = open_as(&disk, mode.name, mode.pragmas) {
            let mut n = acknowledged;
            while transact(&mut db, n + 1).is_ok() {
                n += 1;
                acknowledged = n;
            }
        }
        assert!(!disk.is_on(), "the workload ends by the cut alone");
        disk.power_on();
        census.cuts += 1;
        match open_as(&disk, mode.name, mode.pragmas).map(|db| found(&db)) {
            // A commit that was not acknowledged may be there.
            Ok(Ok(count)) if count == acknowledged || count == acknowledged + 1 => acknowledged = count,
            Ok(Ok(_)) => {
                census.lost += 1;
                return census;
            }
            Ok(Err("torn")) => {
                census.torn += 1;
                return census;
            }
            _ => {
                census.corrupt += 1;
                return census;
            }
        }
    }
    census
}

/// Cuts over many seeds.
pub(crate) fn census(mode: Mode, seeds: std::ops::Range<u64>, cuts: u32) -> Census {
    let mut census = Census::default();
    for seed in seeds {
        census += lives(mode, seed, cuts);
    }
    census
}
