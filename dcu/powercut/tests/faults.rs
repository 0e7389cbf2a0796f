//! Errors, a full disk, a read-only disk, rot; time and chance; what is counted.

mod common;

use common::{WAL_FULL, WAL_FULL_SHARED, found, open, transact};
use rusqlite::ErrorCode;
use taa_powercut::{Config, Disk, Fault, FileKind, Operation};

fn disk(seed: u64) -> Disk {
    Disk::new(Config { seed, ..Config::default() })
}

fn code(result: rusqlite::Result<()>) -> Option<ErrorCode> {
    result.err().and_then(|error| error.sqlite_error_code())
}

#[test]
fn an_error_while_writing_fails_that_transaction_alone() {
    for operation in [Operation::Write, Operation::Sync] {
        for after in 0..6 {
            let disk = disk(after);
            let mut db = open(&disk, WAL_FULL).unwrap();
            (1..=5).for_each(|n| transact(&mut db, n).unwrap());
            disk.inject(Fault { operation, after, stays: false });
            let mut n = 5;
            let mut failed = 0;
            while n < 12 {
                match code(transact(&mut db, n + 1)) {
                    None => n += 1,
                    Some(ErrorCode::SystemIoFailure) => failed += 1,
                    other => panic!("{other:?}"),
                }
                assert!(failed < 3);
            }
            assert_eq!(found(&db), Ok(12), "{operation:?} {after}");
        }
    }
}

/// After a sync that failed, the system believes the pages clean and never writes them again. Who goes on with the same
/// connection is safe all the same, as long as it is SQLite that goes on: what was not acknowledged it writes anew.
#[test]
fn a_failed_sync_costs_nothing_that_was_acknowledged() {
    for (stays, seed) in (0..120).map(|seed| (seed % 2 == 0, seed)) {
        let disk = disk(seed);
        let mut db = open(&disk, WAL_FULL).unwrap();
        (1..=5).for_each(|n| transact(&mut db, n).unwrap());
        disk.inject(Fault { operation: Operation::Sync, after: seed % 7, stays });
        let mut n = 5;
        for _ in 0..15 {
            n += i64::from(transact(&mut db, n + 1).is_ok());
        }
        assert!(!stays || n < 15);
        disk.cut();
        drop(db);
        disk.heal();
        disk.power_on();
        let left = found(&open(&disk, WAL_FULL).unwrap()).unwrap();
        assert!(left == n || left == n + 1, "seed {seed}: {left} of {n}");
    }
}

#[test]
fn a_full_disk_refuses_and_keeps_what_it_has() {
    let disk = disk(1);
    let mut db = open(&disk, WAL_FULL).unwrap();
    (1..=5).for_each(|n| transact(&mut db, n).unwrap());
    let used: usize = disk.image().files.values().map(Vec::len).sum();
    disk.set_room(Some(used as u64 + 6000));
    let mut n = 5;
    let refused = loop {
        match code(transact(&mut db, n + 1)) {
            None => n += 1,
            refused => break refused,
        }
        assert!(n < 100);
    };
    assert_eq!(refused, Some(ErrorCode::DiskFull));
    assert_eq!(found(&db), Ok(n));
    disk.set_room(None);
    transact(&mut db, n + 1).unwrap();
    disk.cut();
    drop(db);
    disk.power_on();
    assert_eq!(found(&open(&disk, WAL_FULL).unwrap()), Ok(n + 1));
}

#[test]
fn a_read_only_disk_reads() {
    let disk = disk(1);
    let mut db = open(&disk, "pragma journal_mode = delete;").unwrap();
    transact(&mut db, 1).unwrap();
    disk.set_read_only(true);
    assert_eq!(found(&db), Ok(1));
    assert!(transact(&mut db, 2).is_err());
    drop(db);
    let db = disk.open("state.db").unwrap();
    assert_eq!(found(&db), Ok(1));
    assert_eq!(code(db.execute_batch("delete from total")), Some(ErrorCode::ReadOnly));
    assert!(disk.open("other.db").and_then(|db| db.execute_batch("create table a (b)")).is_err());
}

#[test]
fn a_rotten_page_is_found() {
    let disk = disk(1);
    let mut db = open(&disk, WAL_FULL).unwrap();
    (1..=200).for_each(|n| transact(&mut db, n).unwrap());
    db.execute_batch("pragma wal_checkpoint(truncate)").unwrap();
    drop(db);
    let pages = disk.image().files["state.db"].len() / 4096;
    let found: Vec<bool> = (1..pages)
        .map(|page| {
            assert!(disk.rot("state.db", page * 4096, 0xFF));
            let found = found(&disk.open("state.db").unwrap()).is_err();
            assert!(disk.rot("state.db", page * 4096, 0xFF));
            found
        })
        .collect();
    assert!(pages > 5 && found.iter().all(|found| *found), "a page's first byte says what it is: {found:?}");
    assert!(!disk.rot("state.db", usize::MAX, 1) && !disk.rot("none", 0, 1));
}

#[test]
fn connections_share_a_database_in_wal_mode() {
    let disk = disk(1);
    let mut writer = open(&disk, WAL_FULL_SHARED).unwrap();
    let mut second = open(&disk, WAL_FULL_SHARED).unwrap();
    let reader = disk.open("state.db").unwrap();
    transact(&mut writer, 1).unwrap();
    reader.execute_batch("begin").unwrap();
    let count = |db: &rusqlite::Connection| db.query_row("select count from total", [], |row| row.get::<_, i64>(0));
    assert_eq!(count(&reader), Ok(1));
    transact(&mut second, 2).unwrap();
    assert_eq!((count(&reader), count(&writer)), (Ok(1), Ok(2)), "a reader keeps its view");
    reader.execute_batch("end").unwrap();
    assert_eq!(count(&reader), Ok(2));
    let held = writer.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    second.busy_timeout(std::time::Duration::ZERO).unwrap();
    assert_eq!(code(transact(&mut second, 3)), Some(ErrorCode::DatabaseBusy));
    drop(held);
    transact(&mut second, 3).unwrap();
    // Threads as well: every increment counts.
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let db = disk.open("state.db").unwrap();
                // The disk's sleep only yields, so patience is counted in attempts: whoever is refused asks again.
                let raise = || db.execute("update total set count = count + 1", []);
                let is_busy = |error: &rusqlite::Error| error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
                for _ in 0..20 {
                    let raised = std::iter::repeat_with(raise).find(|raised| !raised.as_ref().is_err_and(is_busy));
                    assert_eq!(raised, Some(Ok(1)));
                }
            });
        }
    });
    assert_eq!(count(&reader), Ok(63));
}

#[test]
fn time_is_what_the_owner_says() {
    let disk = Disk::new(Config { clock_ms: 1_763_740_800_000, ..Config::default() });
    let db = disk.open("state.db").unwrap();
    let now = || db.query_row("select datetime('now')", [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(now(), "2025-11-21 16:00:00");
    disk.set_clock(0);
    assert_eq!(now(), "1970-01-01 00:00:00");
}

#[test]
fn what_is_written_and_what_flash_must_program_are_counted_apart() {
    let disk = disk(1);
    let mut db = open(&disk, WAL_FULL).unwrap();
    let before = (disk.counters(FileKind::Wal), disk.counters(FileKind::Database));
    transact(&mut db, 1).unwrap();
    let wal = disk.counters(FileKind::Wal);
    assert_eq!(wal.syncs, before.0.syncs + 1, "one sync a commit");
    let written = wal.bytes_written - before.0.bytes_written;
    assert_eq!(written % (4096 + 24), 0, "frames of a page and 24 bytes: {written}");
    assert!((wal.sectors_synced - before.0.sectors_synced) * 512 >= written);
    assert!(wal.flash_bytes() - before.0.flash_bytes() >= written);
    assert_eq!(disk.counters(FileKind::Database), before.1, "nothing goes to the database before a checkpoint");
    db.execute_batch("pragma wal_checkpoint(full)").unwrap();
    assert!(disk.counters(FileKind::Database).bytes_written > before.1.bytes_written);
    let kinds = [FileKind::Database, FileKind::Wal, FileKind::Journal];
    assert_eq!(disk.total().syncs, kinds.map(|kind| disk.counters(kind).syncs).into_iter().sum::<u64>());
}

#[test]
fn a_connection_that_outlives_its_disk_harms_nobody() {
    let first = disk(1);
    let mut db = open(&first, WAL_FULL).unwrap();
    let name = first.vfs_name().to_owned();
    drop(first);
    // Its own files are still there; its name may be another disk's by now.
    transact(&mut db, 1).unwrap();
    let second = disk(2);
    let other = open(&second, WAL_FULL).unwrap();
    assert!(second.vfs_name().starts_with("powercut-") && name.starts_with("powercut-"));
    transact(&mut db, 2).unwrap();
    assert_eq!((found(&db), found(&other)), (Ok(2), Ok(0)));
}

#[test]
fn nothing_goes_through_a_dead_connection_when_the_power_is_back() {
    let disk = disk(3);
    let mut old = open(&disk, WAL_FULL).unwrap();
    transact(&mut old, 1).unwrap();
    disk.cut();
    disk.power_on();
    assert!(transact(&mut old, 2).is_err());
    let mut new = open(&disk, WAL_FULL).unwrap();
    assert_eq!(found(&new), Ok(1));
    transact(&mut new, 2).unwrap();
    drop(old);
    assert_eq!(found(&new), Ok(2));
}
