//! A file's bytes through SQLite's own file layer, past its pager: for what the pager can no longer read.
//!
//! Works on every VFS. Only while no connection has the file open: closing a second handle would give up the first one's
//! locks on some systems.
#![allow(unsafe_code, reason = "SQLite's file layer is a table of C function pointers")]

use std::ffi::{CString, c_char, c_int};

use rusqlite::ffi;

/// Bytes asked for at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// A file longer than this is not read into memory.
const FILE_BYTES_MAX: usize = 1 << 30;

/// What a file is for: decides how SQLite's own VFS opens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Database,
    Log,
}

/// The file's bytes; `None` where there is no such file or it cannot be read at all. A chunk that cannot be read in
/// two tries gives zeros.
pub(crate) fn read(vfs: Option<&str>, path: &str, role: Role) -> Option<Vec<u8>> {
    let vfs = find(vfs)?;
    let name = full_name(vfs, path)?;
    // SAFETY: `vfs` is a registered VFS, which lives as long as the process (SQLite's own, or one that is never freed).
    let (open, size) = unsafe { ((*vfs).xOpen?, usize::try_from((*vfs).szOsFile).ok()?) };
    // A `sqlite3_file` of that VFS, aligned for pointers and zeroed.
    let mut storage = vec![0_u64; size.div_ceil(8).saturating_add(1)];
    let file: *mut ffi::sqlite3_file = storage.as_mut_ptr().cast();
    let kind = match role {
        Role::Database => ffi::SQLITE_OPEN_MAIN_DB,
        Role::Log => ffi::SQLITE_OPEN_WAL,
    };
    let mut granted: c_int = 0;
    // SAFETY: the name was made by `sqlite3_create_filename`, as VFSes demand; `file` has room for `szOsFile` bytes.
    let opened = unsafe { open(vfs, name.0, file, ffi::SQLITE_OPEN_READONLY | kind, &raw mut granted) };
    let mut bytes = None;
    // SAFETY: `xOpen` has set the methods, or left them null.
    if let Some(methods) = unsafe { (*file).pMethods.as_ref() } {
        if opened == ffi::SQLITE_OK {
            bytes = content(methods, file);
        }
        if let Some(close) = methods.xClose {
            // SAFETY: opened above, closed once.
            unsafe { close(file) };
        }
    }
    bytes
}

/// There is such a file, with something in it.
pub(crate) fn exists(vfs: Option<&str>, path: &str) -> bool {
    let Some((vfs, name)) = find(vfs).and_then(|vfs| Some((vfs, full_name(vfs, path)?))) else { return false };
    let mut found: c_int = 0;
    // SAFETY: a registered VFS, a name with its zero byte, a place for a number.
    let asked = unsafe {
        let Some(access) = (*vfs).xAccess else { return false };
        access(vfs, name.0, ffi::SQLITE_ACCESS_EXISTS, &raw mut found)
    };
    asked == ffi::SQLITE_OK && found != 0
}

fn content(methods: &ffi::sqlite3_io_methods, file: *mut ffi::sqlite3_file) -> Option<Vec<u8>> {
    let (file_size, read) = (methods.xFileSize?, methods.xRead?);
    let mut length: i64 = 0;
    // SAFETY: an open file, and a place for a number.
    if unsafe { file_size(file, &raw mut length) } != ffi::SQLITE_OK {
        return None;
    }
    let length = usize::try_from(length).ok().filter(|length| *length <= FILE_BYTES_MAX)?;
    let mut bytes = Vec::new();
    let mut chunk = vec![0_u8; CHUNK_BYTES];
    while bytes.len() < length {
        let count = length.saturating_sub(bytes.len()).min(CHUNK_BYTES);
        let at = i64::try_from(bytes.len()).ok()?;
        // One error of the medium may have been the last.
        for _ in 0..2 {
            chunk.fill(0);
            // SAFETY: an open file, and room for `count` bytes.
            let done = unsafe { read(file, chunk.as_mut_ptr().cast(), c_int::try_from(count).ok()?, at) };
            if done == ffi::SQLITE_OK {
                break;
            }
            chunk.fill(0);
        }
        bytes.extend_from_slice(chunk.get(..count)?);
    }
    Some(bytes)
}

fn find(name: Option<&str>) -> Option<*mut ffi::sqlite3_vfs> {
    let name = name.map(CString::new).transpose().ok()?;
    // SAFETY: null asks for the default VFS; else a name with its zero byte. The first call initialises SQLite.
    let vfs = unsafe {
        ffi::sqlite3_initialize();
        ffi::sqlite3_vfs_find(name.as_ref().map_or(std::ptr::null(), |name| name.as_ptr()))
    };
    (!vfs.is_null()).then_some(vfs)
}

/// A name as `sqlite3_create_filename` makes it.
struct Name(*const c_char);

impl Drop for Name {
    fn drop(&mut self) {
        // SAFETY: made by `sqlite3_create_filename`, freed once.
        unsafe { ffi::sqlite3_free_filename(self.0.cast_mut()) };
    }
}

fn full_name(vfs: *mut ffi::sqlite3_vfs, path: &str) -> Option<Name> {
    let path = CString::new(path).ok()?;
    // SAFETY: a registered VFS.
    let (full, room) = unsafe { ((*vfs).xFullPathname?, (*vfs).mxPathname) };
    let mut name = vec![0_u8; usize::try_from(room).ok()?.saturating_add(1)];
    // SAFETY: a name with its zero byte, and room for as many bytes as told.
    let done = unsafe { full(vfs, path.as_ptr(), room.saturating_add(1), name.as_mut_ptr().cast()) };
    // SQLITE_OK_SYMLINK is fine as well.
    if done & 0xFF != ffi::SQLITE_OK || !name.contains(&0) {
        return None;
    }
    let empty = c"".as_ptr();
    // SAFETY: three names with their zero bytes, no parameters; SQLite copies them.
    let made = unsafe { ffi::sqlite3_create_filename(name.as_ptr().cast(), empty, empty, 0, std::ptr::null_mut()) };
    (!made.is_null()).then_some(Name(made))
}
