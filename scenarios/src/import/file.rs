//! Reading an input file into memory, with the refusals that come before any parsing.

use std::fs;
use std::io::Read;
use std::path::Path;

use miette::Diagnostic;
use thiserror::Error;

use super::place::Place;

/// Largest buildings file that is read, bytes: about 100 000 footprints.
pub const BUILDINGS_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Largest weather file that is read, bytes: about 80 years of hours.
pub const WEATHER_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Why a file could not be taken in at all.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
#[non_exhaustive]
pub enum FileProblem {
    /// Nothing there.
    #[error("{place}: there is no such file")]
    #[diagnostic(code(taa::file::missing), help("check the path; it is taken relative to the folder you are in"))]
    Missing {
        /// Where.
        place: Place,
    },
    /// A folder.
    #[error("{place}: this is a folder, a file is wanted")]
    #[diagnostic(code(taa::file::is_directory), help("name the file inside it"))]
    IsDirectory {
        /// Where.
        place: Place,
    },
    /// The operating system refuses.
    #[error("{place}: cannot be read: {reason}")]
    #[diagnostic(code(taa::file::unreadable), help("check the permissions of the file"))]
    Unreadable {
        /// Where.
        place: Place,
        /// What the operating system said.
        reason: String,
    },
    /// Too large; refused before reading.
    #[error("{place}: {size_mb} MB, the limit is {limit_mb} MB")]
    #[diagnostic(
        code(taa::file::too_big),
        help("cut the village out of the larger file first (in QGIS: select by polygon, then export the selection)")
    )]
    TooBig {
        /// Where.
        place: Place,
        /// Its size, tenths of a megabyte kept.
        size_mb: Megabytes,
        /// The limit, megabytes.
        limit_mb: u64,
    },
    /// Zero bytes, or nothing but blanks.
    #[error("{place}: the file is empty")]
    #[diagnostic(code(taa::file::empty), help("the download or export may have failed: fetch the file again"))]
    Empty {
        /// Where.
        place: Place,
    },
    /// Bytes that are no UTF-8 text.
    #[error("{place}: not UTF-8 text{detail}")]
    #[diagnostic(code(taa::file::not_utf8), help("save or export the file again with the encoding UTF-8"))]
    NotUtf8 {
        /// Where.
        place: Place,
        /// What it looks like instead.
        detail: &'static str,
    },
}

/// A size, comparable because it is kept in tenths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Megabytes {
    tenths: u64,
}

impl std::fmt::Display for Megabytes {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}.{}", self.tenths / 10, self.tenths % 10)
    }
}

/// Reads `path` as UTF-8 text of at most `bytes_max` bytes; a byte order mark is dropped.
///
/// # Errors
/// A [`FileProblem`] when the file is missing, a folder, unreadable, too large, empty or not UTF-8.
pub fn read_text(path: &Path, bytes_max: u64) -> Result<String, FileProblem> {
    let place = Place::file(path);
    let unreadable =
        |place: Place, error: &std::io::Error| FileProblem::Unreadable { place, reason: error.to_string() };
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(FileProblem::Missing { place }),
        Err(error) => return Err(unreadable(place, &error)),
    };
    if meta.is_dir() {
        return Err(FileProblem::IsDirectory { place });
    }
    let too_big = |place: Place, bytes: u64| FileProblem::TooBig {
        place,
        size_mb: Megabytes { tenths: bytes.saturating_mul(10) >> 20 },
        limit_mb: bytes_max >> 20,
    };
    if meta.len() > bytes_max {
        return Err(too_big(place, meta.len()));
    }
    // A pipe or device has no length of its own: the bound holds while reading, too.
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0) + 1);
    let read = fs::File::open(path).and_then(|file| file.take(bytes_max + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        return Err(unreadable(place, &error));
    }
    if bytes.len() as u64 > bytes_max {
        return Err(too_big(place, bytes.len() as u64));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(FileProblem::NotUtf8 { place, detail: " (it looks like UTF-16)" });
    }
    if bytes.starts_with(b"PK\x03\x04") {
        let detail = ": it is a zip archive (KMZ, XLSX and zipped shapefiles are): unpack or export it first";
        return Err(FileProblem::NotUtf8 { place, detail });
    }
    if bytes.starts_with(&[0, 0, 0x27, 0x0a]) {
        return Err(FileProblem::NotUtf8 { place, detail: ": it is a shapefile; export it as GeoJSON" });
    }
    if bytes.starts_with(b"SQLite format 3") {
        return Err(FileProblem::NotUtf8 { place, detail: ": it is a GeoPackage or database; export it as GeoJSON" });
    }
    match String::from_utf8(bytes) {
        Ok(text) => {
            let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
            if text.trim().is_empty() { Err(FileProblem::Empty { place }) } else { Ok(text) }
        }
        Err(error) => {
            let good = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..good].iter().filter(|&&byte| byte == b'\n').count() + 1;
            Err(FileProblem::NotUtf8 { place: place.at_line(line), detail: "" })
        }
    }
}
