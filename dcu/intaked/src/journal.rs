//! The relay's journal on disk: one table of records, each as [`taa_intake::relay::encode`] writes it.
//!
//! WAL, `synchronous=FULL`, one writer, one transaction for all records of a batch: when [`Journal::append`] has returned,
//! they survive a power cut. A snapshot takes the place of all records before it, in the same transaction.

use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt, path::Path, time::Duration};

use rusqlite::{Connection, ErrorCode, params};
use taa_intake::relay::{BytesError, Entry, Record, decode, encode};

/// `application_id` of the file: "taaI".
const APPLICATION_ID: i64 = 0x7461_6149;
/// Version of the table.
const SCHEMA: i64 = 1;

/// Why the journal cannot be used. Nothing was answered on the strength of what it did not keep.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Another process has it.
    #[error("the journal is in use by another process")]
    InUse,
    /// Some other program's file.
    #[error("the file is no journal of an intake relay (application id {0:#x}, schema {1})")]
    Foreign(i64, i64),
    /// Damaged: restore it from a copy; sites and providers' lists bring back what came since.
    #[error("the journal is damaged: {0}")]
    Damaged(String),
    /// A record cannot be read.
    #[error("record {number} of the journal: {why}")]
    Record {
        /// Which.
        number: i64,
        /// Why not.
        why: BytesError,
    },
    /// The disk.
    #[error("the journal's disk: {0}")]
    Disk(#[from] rusqlite::Error),
    /// The file cannot be made.
    #[error("the journal's file: {0}")]
    File(#[from] std::io::Error),
}

/// The open journal.
#[derive(Debug)]
pub struct Journal {
    db: Connection,
    last: u64,
    /// Records since the last snapshot.
    since_snapshot: usize,
}

impl Journal {
    /// Opens the journal, or begins one that its owner alone can read; gives what is in it.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn open(path: &Path) -> Result<(Self, Vec<Record>), JournalError> {
        OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        // SQLite is not to rely on the bytes beside a write: cheap cards garble them (docs/powercut.md).
        let name: String = path.to_string_lossy().chars().map(escaped).collect();
        Self::on(Connection::open(format!("file:{name}?psow=0"))?)
    }

    /// The same on a connection that is open already: tests have disks of their own.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn on(db: Connection) -> Result<(Self, Vec<Record>), JournalError> {
        db.busy_timeout(Duration::ZERO)?;
        let told = (|| {
            db.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
            db.pragma_update(None, "journal_mode", "WAL")?;
            db.pragma_update(None, "synchronous", "FULL")?;
            db.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
        })();
        match told.map_err(known)? {
            fine if fine == "ok" => {}
            found => return Err(JournalError::Damaged(found)),
        }
        let number = |name: &str| db.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
        let (application, schema) = (number("application_id")?, number("user_version")?);
        let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        match (application, schema) {
            (0, 0) if tables == 0 => db
                .execute_batch(&format!(
                    "BEGIN IMMEDIATE; CREATE TABLE record (number INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
                     PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA}; COMMIT;"
                ))
                .map_err(known)?,
            (APPLICATION_ID, SCHEMA) => {}
            (application, schema) => return Err(JournalError::Foreign(application, schema)),
        }
        let records = read(&db)?;
        let last = records.last().map_or(0, |record| record.number);
        let since = records.iter().rev().take_while(|record| !matches!(record.entry, Entry::Snapshot(_))).count();
        Ok((Self { db, last, since_snapshot: since }, records))
    }

    /// Keeps these records. Afterwards they are durable; after an error nobody may be told anything.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn append(&mut self, records: &[Record]) -> Result<(), JournalError> {
        let change = self.db.transaction()?;
        for record in records {
            if record.number != self.last.saturating_add(1) {
                return Err(JournalError::Damaged(format!("record {} after {}", record.number, self.last)));
            }
            let mut bytes = Vec::new();
            let number = i64::try_from(record.number).unwrap_or(i64::MAX);
            encode(record, &mut bytes).map_err(|why| JournalError::Record { number, why })?;
            change.prepare("INSERT INTO record VALUES (?1, ?2)")?.execute(params![number, bytes])?;
            self.since_snapshot = self.since_snapshot.saturating_add(1);
            if matches!(record.entry, Entry::Snapshot(_)) {
                change.execute("DELETE FROM record WHERE number < ?1", [number])?;
                self.since_snapshot = 0;
            }
            self.last = record.number;
        }
        Ok(change.commit()?)
    }

    /// Records that a start would have to read, besides the last snapshot.
    #[must_use]
    pub const fn since_snapshot(&self) -> usize {
        self.since_snapshot
    }
}

/// As a path is written in a URI.
fn escaped(of: char) -> String {
    match of {
        '%' => "%25".to_owned(),
        '?' => "%3f".to_owned(),
        '#' => "%23".to_owned(),
        other => other.to_string(),
    }
}

/// All records, in order and without gaps; the first is number 1 or a snapshot.
fn read(db: &Connection) -> Result<Vec<Record>, JournalError> {
    let mut rows = db.prepare("SELECT number, bytes FROM record ORDER BY number")?;
    let rows = rows.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
    let mut records: Vec<Record> = Vec::new();
    for row in rows {
        let (number, bytes) = row.map_err(known)?;
        let record = decode(&bytes).map_err(|why| JournalError::Record { number, why })?;
        let follows = match records.last() {
            Some(last) => record.number == last.number.saturating_add(1),
            None => record.number == 1 || matches!(record.entry, Entry::Snapshot(_)),
        };
        if !follows || u64::try_from(number) != Ok(record.number) {
            return Err(JournalError::Damaged(format!("record {number} does not follow the one before it")));
        }
        records.push(record);
    }
    Ok(records)
}

fn known(error: rusqlite::Error) -> JournalError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => JournalError::InUse,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => JournalError::Damaged(error.to_string()),
        _ => JournalError::Disk(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("taa-intaked-{}-{name} 100%#1?.db", std::process::id()));
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", path.display()));
        }
        path
    }

    fn record(number: u64) -> Record {
        Record { number, at_unix_ms: 5, entry: Entry::Started { epoch: number } }
    }

    #[test]
    fn what_was_appended_is_there_again_and_a_snapshot_takes_the_place_of_what_lies_before() {
        let path = place("again");
        let (mut journal, found) = Journal::open(&path).unwrap();
        assert!(found.is_empty());
        journal.append(&[record(1), record(2)]).unwrap();
        assert!(matches!(Journal::open(&path), Err(JournalError::InUse)), "one process");
        drop(journal);
        let (mut journal, found) = Journal::open(&path).unwrap();
        assert_eq!(found, [record(1), record(2)]);
        let snapshot = Record { number: 3, at_unix_ms: 6, entry: Entry::Snapshot(Box::default()) };
        journal.append(&[snapshot.clone(), record(4)]).unwrap();
        assert_eq!(journal.since_snapshot(), 1);
        drop(journal);
        let (mut journal, found) = Journal::open(&path).unwrap();
        assert_eq!(found, [snapshot, record(4)]);
        // A gap is an error and nothing of the batch is kept.
        assert!(matches!(journal.append(&[record(5), record(7)]), Err(JournalError::Damaged(_))));
        drop(journal);
        assert_eq!(Journal::open(&path).unwrap().1.len(), 2);
    }

    #[test]
    fn what_is_no_journal_is_named() {
        let path = place("foreign");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE other (n)").unwrap();
        assert!(matches!(Journal::open(&path), Err(JournalError::Foreign(0, 0))));
        let path = place("damaged");
        std::fs::write(&path, [7; 9000]).unwrap();
        assert!(matches!(Journal::open(&path), Err(JournalError::Damaged(_))));
        let path = place("record");
        let (mut journal, _) = Journal::open(&path).unwrap();
        journal.append(&[record(1)]).unwrap();
        journal.db.execute("UPDATE record SET bytes = x'63'", []).unwrap();
        drop(journal);
        assert!(matches!(
            Journal::open(&path),
            Err(JournalError::Record { number: 1, why: BytesError::Version(0x63) })
        ));
    }
}
