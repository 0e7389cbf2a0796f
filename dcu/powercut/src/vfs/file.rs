//! An open file, as SQLite calls it.

use std::ffi::{c_int, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::ffi;

use super::shm::{self, Shm};
use super::{code, done};
use crate::counters::PAGE_BYTES;
use crate::disk::Shared;
use crate::fault::DiskError;
use crate::lock::Level;
use crate::state::State;

/// What SQLite keeps room for.
#[repr(C)]
pub(super) struct Handle {
    pub(super) base: ffi::sqlite3_file,
    pub(super) open: *mut Open,
}

/// What we keep for an open file.
pub(super) struct Open {
    shared: Arc<Shared>,
    name: String,
    /// The disk's life that it was opened in.
    life: u64,
    /// Its number among all handles: who holds a lock.
    number: u64,
    is_temporary: bool,
    /// SQLite may rely on bytes beside a write staying as they are, whenever the power fails.
    is_powersafe: bool,
    shm: Option<shm::Attached>,
}

static HANDLES: AtomicU64 = AtomicU64::new(0);

/// What SQLite calls.
pub(super) static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(is_reserved),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

impl Open {
    pub(super) fn new(shared: Arc<Shared>, name: String, life: u64, is_temporary: bool, is_powersafe: bool) -> Self {
        let number = HANDLES.fetch_add(1, Ordering::Relaxed);
        Self { shared, name, life, number, is_temporary, is_powersafe, shm: None }
    }

    /// Does something with the disk, if it still is the one that the file was opened on.
    fn with<T>(&self, act: impl FnOnce(&mut State, &str) -> Result<T, DiskError>) -> Result<T, DiskError> {
        let mut state = self.shared.state();
        state.alive(self.life)?;
        act(&mut state, &self.name)
    }

    fn detach(&mut self) {
        if let Some(attached) = self.shm.take() {
            attached.leave();
            self.shared.state().drop_unused_shm(&self.name);
        }
    }
}

/// # Safety
/// `file` was opened by us, is not closed yet, and SQLite uses it on one thread at a time.
unsafe fn of<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Open {
    // SAFETY: `open` was set to a box that lives until `close`.
    unsafe { &mut *(*file.cast::<Handle>()).open }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once and does not use it afterwards.
    let mut open = unsafe { Box::from_raw((*file.cast::<Handle>()).open) };
    open.detach();
    let mut state = open.shared.state();
    if state.life == open.life {
        state.locks.entry(open.name.clone()).or_default().lower(open.number, Level::None);
        if open.is_temporary && state.is_on() {
            // A temporary file that cannot be removed is nobody's loss.
            let _removed = state.delete(&open.name, false);
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, to: *mut c_void, count: c_int, offset: i64) -> c_int {
    // SAFETY: an open file of ours, and room for `count` bytes at `to`.
    let (open, into) = unsafe { (of(file), bytes_mut(to, count)) };
    into.fill(0);
    match open.with(|state, name| state.read(name, offset.cast_unsigned(), into)) {
        Ok(got) if got == into.len() => ffi::SQLITE_OK,
        Ok(_) => ffi::SQLITE_IOERR_SHORT_READ,
        Err(error) => code(error),
    }
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, from: *const c_void, count: c_int, offset: i64) -> c_int {
    let length = usize::try_from(count).unwrap_or(0);
    // SAFETY: an open file of ours, and `count` bytes at `from`.
    let (open, bytes) = unsafe { (of(file), std::slice::from_raw_parts(from.cast::<u8>(), length)) };
    done(open.with(|state, name| state.write(name, offset.cast_unsigned(), bytes)))
}

/// # Safety
/// There are `count` bytes at `at`, and nobody else looks at them meanwhile.
unsafe fn bytes_mut<'a>(at: *mut c_void, count: c_int) -> &'a mut [u8] {
    // SAFETY: as above.
    unsafe { std::slice::from_raw_parts_mut(at.cast::<u8>(), usize::try_from(count).unwrap_or(0)) }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, length: i64) -> c_int {
    // SAFETY: an open file of ours.
    let open = unsafe { of(file) };
    done(open.with(|state, name| state.truncate(name, length.cast_unsigned())))
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: an open file of ours.
    let open = unsafe { of(file) };
    done(open.with(State::sync))
}

unsafe extern "C" fn size(file: *mut ffi::sqlite3_file, out: *mut i64) -> c_int {
    // SAFETY: an open file of ours.
    let open = unsafe { of(file) };
    match open.with(|state, name| state.len(name)) {
        Ok(length) => {
            // SAFETY: a place for a number.
            unsafe { *out = length.cast_signed() };
            ffi::SQLITE_OK
        }
        Err(error) => code(error),
    }
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: an open file of ours.
    let open = unsafe { of(file) };
    let number = open.number;
    let raised =
        open.with(|state, name| Ok(state.locks.entry(name.to_owned()).or_default().raise(number, Level::of(level))));
    match raised {
        Ok(true) => ffi::SQLITE_OK,
        Ok(false) => ffi::SQLITE_BUSY,
        Err(error) => code(error),
    }
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: an open file of ours.
    let open = unsafe { of(file) };
    let mut state = open.shared.state();
    if state.life == open.life {
        state.locks.entry(open.name.clone()).or_default().lower(open.number, Level::of(level));
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn is_reserved(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: an open file of ours.
    let open = unsafe { of(file) };
    match open.with(|state, name| Ok(state.locks.get(name).is_some_and(crate::lock::Locks::is_reserved))) {
        Ok(reserved) => {
            // SAFETY: a place for a number.
            unsafe { *out = c_int::from(reserved) };
            ffi::SQLITE_OK
        }
        Err(error) => code(error),
    }
}

unsafe extern "C" fn control(_file: *mut ffi::sqlite3_file, _what: c_int, _argument: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_file: *mut ffi::sqlite3_file) -> c_int {
    // As SQLite's own VFS says of any disk.
    PAGE_BYTES as c_int
}

unsafe extern "C" fn characteristics(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: an open file of ours.
    let open = unsafe { of(file) };
    if open.is_powersafe { ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE } else { 0 }
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    region: c_int,
    length: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: an open file of ours, and a place for a pointer.
    let open = unsafe {
        *out = std::ptr::null_mut();
        of(file)
    };
    let shm: Arc<Shm> = match open.with(|state, name| Ok(state.shm(name))) {
        Ok(shm) => shm,
        Err(error) => return code(error),
    };
    let attached = open.shm.get_or_insert_with(|| shm::Attached::new(shm));
    let (Ok(region), Ok(length)) = (usize::try_from(region), usize::try_from(length)) else {
        return ffi::SQLITE_IOERR_SHMMAP;
    };
    // SAFETY: a place for a pointer. The region lives as long as the handle is attached, which SQLite ends by
    // `xShmUnmap` or `xClose`, after which it does not touch the region.
    unsafe { *out = attached.region(region, length, extend != 0).cast() };
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_lock(file: *mut ffi::sqlite3_file, first: c_int, count: c_int, flags: c_int) -> c_int {
    // SAFETY: an open file of ours.
    let open = unsafe { of(file) };
    let releases = flags & ffi::SQLITE_SHM_UNLOCK != 0;
    if !releases && let Err(error) = open.with(|_, _| Ok(())) {
        return code(error);
    }
    let (Some(attached), Ok(first), Ok(count)) = (&mut open.shm, usize::try_from(first), usize::try_from(count)) else {
        return ffi::SQLITE_IOERR_SHMLOCK;
    };
    let is_exclusive = flags & ffi::SQLITE_SHM_EXCLUSIVE != 0;
    if releases {
        attached.release(first, count, is_exclusive);
        return ffi::SQLITE_OK;
    }
    if attached.acquire(first, count, is_exclusive) { ffi::SQLITE_OK } else { ffi::SQLITE_BUSY }
}

unsafe extern "C" fn shm_barrier(_file: *mut ffi::sqlite3_file) {
    std::sync::atomic::fence(Ordering::SeqCst);
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, _delete: c_int) -> c_int {
    // SAFETY: an open file of ours.
    let open = unsafe { of(file) };
    open.detach();
    ffi::SQLITE_OK
}
