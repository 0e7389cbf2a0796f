//! A DCU's own database (`state.db`) as evidence: read from a copy, so that what was brought in from the pole stays as it
//! is, whatever its state.

use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use taa_dcu::{journal::Record, ledger::newest_note};
use taa_ledger::report::{Entries, Format, StreamError, export_stream};
use taa_store::{Place, Recovery, Store, StoreConfig, StoreError};

use crate::{Failure, show};

/// Whether this is such a database: SQLite's files begin with these bytes.
pub(crate) fn is_database(path: &Path) -> bool {
    let mut head = [0; 16];
    let read = fs::File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut head));
    read.is_ok() && &head == b"SQLite format 3\0"
}

/// The journal that the database holds.
pub(crate) fn records(file: &Path) -> Result<Vec<Record>, Failure> {
    let copy = Copy::of(file)?;
    let place = Place::File(copy.database().display().to_string());
    let opened = Store::open(&place, StoreConfig::new([0; 16]), None);
    let (_, mut recovery) = opened.map_err(|error| Failure::Input(format!("{}: {error}", file.display())))?;
    tell_damage(&recovery);
    Ok(recovery.take_records().collect())
}

/// Exports what the database holds. `checkpoint` is a signed one from elsewhere; else the newest one in the database.
pub(crate) fn export(
    file: &Path,
    checkpoint: Option<&Path>,
    out: &Path,
    format: Format,
    range: (u64, Option<u64>),
) -> Result<(), Failure> {
    let copy = Copy::of(file)?;
    let said = file.display();
    let place = Place::File(copy.database().display().to_string());
    // The name matters to a new journal alone.
    let opened = Store::open(&place, StoreConfig::new([0; 16]), None);
    let (store, mut recovery) = opened.map_err(|error| Failure::Input(format!("{said}: {error}")))?;
    tell_damage(&recovery);
    let records: Vec<_> = recovery.take_records().collect();
    let note = match checkpoint {
        Some(path) => {
            let text = fs::read_to_string(path);
            Some(text.map_err(|error| Failure::Input(format!("{}: {error}", path.display())))?)
        }
        None => newest_note(&records),
    };
    drop(records);
    show::folder(out)?;
    let mut sheets = Sheets { folder: out, open: None };
    let made = export_stream(&Leaves(&store), note.as_deref(), format, range, |name, text| sheets.append(name, text));
    let made = made.map_err(|error| match error {
        StreamError::Medium(Medium::Target(error)) => Failure::Own(error),
        error => Failure::Input(format!("{said}: {error}")),
    })?;
    sheets.close().map_err(|error| Failure::Own(error.to_string()))?;
    match &made.signed {
        None => show::remark("Nothing was signed: this table rests on the database alone."),
        Some(signed) if made.held > signed.size => show::remark(&format!(
            "{} entries that came after the checkpoint were signed by nobody yet and are left out.",
            made.held.saturating_sub(signed.size)
        )),
        Some(_) => {}
    }
    Ok(())
}

/// What is wrong with the database, on standard error: an export of it may still be whole.
fn tell_damage(recovery: &Recovery) {
    if let Some(why) = &recovery.set_aside_why {
        show::remark(&format!("The database is damaged ({why}); what is whole in it was taken."));
    }
    for lost in recovery.lost.iter().chain(&recovery.lost_before) {
        let to = lost.to.map_or_else(|| "an unknown end".to_owned(), |to| to.to_string());
        show::remark(&format!("Missing in the database: {:?}, {} to {to}.", lost.held, lost.from));
    }
}

/// A copy in a folder of its own, which goes with it.
pub(crate) struct Copy {
    folder: PathBuf,
}

impl Copy {
    /// Copies the file and SQLite's log beside it. What changes meanwhile belongs to a DCU that runs: then there is none.
    pub(crate) fn of(file: &Path) -> Result<Self, Failure> {
        let failed = |path: &Path, error: &std::io::Error| Failure::Input(format!("{}: {error}", path.display()));
        let log = PathBuf::from(format!("{}-wal", file.display()));
        let folder = std::env::temp_dir().join(format!("taa-audit-{}", std::process::id()));
        let copy = Self { folder };
        fs::create_dir_all(&copy.folder).map_err(|error| failed(&copy.folder, &error))?;
        let before = [marks(file), marks(&log)];
        fs::copy(file, copy.database()).map_err(|error| failed(file, &error))?;
        match fs::copy(&log, copy.folder.join("state.db-wal")) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(&log, &error)),
            _ => {}
        }
        if before != [marks(file), marks(&log)] {
            return Err(Failure::Input(format!(
                "{}: it is being written to; stop the DCU, or take the file from a copy of its disk",
                file.display()
            )));
        }
        for path in [copy.database(), copy.folder.join("state.db-wal")] {
            make_writable(&path).map_err(|error| failed(&path, &error))?;
        }
        Ok(copy)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.join("state.db")
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Length and time of the last change; nothing where there is no such file.
fn marks(path: &Path) -> Option<(u64, Option<SystemTime>)> {
    fs::metadata(path).ok().map(|found| (found.len(), found.modified().ok()))
}

/// A copy of a write-protected file is one.
#[expect(clippy::permissions_set_readonly_false, reason = "our own copy, in a folder of its own")]
fn make_writable(path: &Path) -> std::io::Result<()> {
    let Ok(found) = fs::metadata(path) else { return Ok(()) };
    let mut permissions = found.permissions();
    if permissions.readonly() {
        permissions.set_readonly(false);
        fs::set_permissions(path, permissions)?;
    }
    Ok(())
}

/// The database or the folder of the export refuses.
#[derive(Debug)]
enum Medium {
    Source(StoreError),
    Target(String),
}

impl std::fmt::Display for Medium {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Source(error) => error.fmt(f),
            Self::Target(error) => f.write_str(error),
        }
    }
}

struct Leaves<'a>(&'a Store);

impl Entries for Leaves<'_> {
    type Error = Medium;

    fn each(&self, from: u64, look: &mut dyn FnMut(u64, &[u8])) -> Result<(), Medium> {
        self.0.each_leaf(from, look).map_err(Medium::Source)
    }
}

/// The files of an export, one after another.
struct Sheets<'a> {
    folder: &'a Path,
    open: Option<(String, std::io::BufWriter<fs::File>)>,
}

impl Sheets<'_> {
    fn append(&mut self, name: &str, text: &str) -> Result<(), Medium> {
        let path = self.folder.join(name);
        let failed = |error: std::io::Error| Medium::Target(format!("cannot write {}: {error}", path.display()));
        if self.open.as_ref().is_none_or(|(open, _)| open != name) {
            self.close()?;
            let file = fs::File::create(&path).map_err(failed)?;
            show::say(&path.display().to_string()).map_err(|_| Medium::Target("cannot print".to_owned()))?;
            self.open = Some((name.to_owned(), std::io::BufWriter::new(file)));
        }
        self.open.as_mut().map_or(Ok(()), |(_, file)| file.write_all(text.as_bytes())).map_err(failed)
    }

    fn close(&mut self) -> Result<(), Medium> {
        let Some((name, mut file)) = self.open.take() else { return Ok(()) };
        let failed = |error: std::io::Error| Medium::Target(format!("cannot write {name}: {error}"));
        file.flush().map_err(failed)
    }
}
