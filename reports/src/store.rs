//! Files that appear whole or not at all, and the data that a page is rendered from.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    data::{FORMAT, ReportData},
    error::ReportError,
    files,
    options::Written,
};

/// Files under temporary names until all of them are finished.
pub(crate) struct Batch {
    dir: PathBuf,
    /// Temporary and final path.
    pending: Vec<(PathBuf, PathBuf)>,
}

impl Batch {
    pub(crate) fn begin(dir: &Path) -> Result<Self, ReportError> {
        fs::create_dir_all(dir).map_err(ReportError::io("create", dir))?;
        Ok(Self { dir: dir.to_owned(), pending: Vec::new() })
    }

    pub(crate) fn text(&mut self, name: &str, content: &str) -> Result<(), ReportError> {
        self.file(name, |path| fs::write(path, content).map_err(ReportError::io("write", path)))
    }

    pub(crate) fn file(
        &mut self,
        name: &str,
        write: impl FnOnce(&Path) -> Result<(), ReportError>,
    ) -> Result<(), ReportError> {
        let temporary = self.dir.join(format!(".{name}.writing"));
        // Noted first, so that a failure half-way leaves nothing behind.
        self.pending.push((temporary.clone(), self.dir.join(name)));
        write(&temporary)
    }

    /// Removes what an earlier run left under this name.
    pub(crate) fn remove(&self, name: &str) -> Result<(), ReportError> {
        let path = self.dir.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(ReportError::io("remove", &path)(error)),
            _ => Ok(()),
        }
    }

    /// Renames all files into place.
    pub(crate) fn commit(mut self) -> Result<Written, ReportError> {
        let mut written = Written { dir: self.dir.clone(), files: Vec::new() };
        // The page comes first in the list and last on disk: where it is new, everything else is.
        while let Some((temporary, path)) = self.pending.last().cloned() {
            let size = fs::metadata(&temporary).map_err(ReportError::io("read", &temporary))?.len();
            fs::rename(&temporary, &path).map_err(ReportError::io("rename to", &path))?;
            self.pending.pop();
            written.files.push((path, size));
        }
        written.files.reverse();
        Ok(written)
    }
}

impl Drop for Batch {
    /// Without [`Batch::commit`] the temporary files go; nothing can be done where even that fails.
    fn drop(&mut self) {
        for (temporary, _) in &self.pending {
            let _ = fs::remove_file(temporary);
        }
    }
}

pub(crate) fn to_json(data: &ReportData) -> Result<String, ReportError> {
    serde_json::to_string(data).map_err(|e| ReportError::Mismatch(e.to_string()))
}

pub(crate) fn load(dir: &Path) -> Result<ReportData, ReportError> {
    let path = dir.join(files::DATA);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Err(ReportError::NotARun { dir: dir.to_owned(), missing: files::DATA });
        }
        Err(e) => return Err(ReportError::io("read", &path)(e)),
    };
    let damaged = |e: serde_json::Error| ReportError::Damaged { path: path.clone(), message: e.to_string() };
    #[derive(serde::Deserialize)]
    struct Format {
        format: u64,
    }
    let found = serde_json::from_str::<Format>(&text).map_err(damaged)?.format;
    if found != FORMAT {
        return Err(ReportError::Format { path, found, expected: FORMAT });
    }
    serde_json::from_str(&text).map_err(damaged)
}
