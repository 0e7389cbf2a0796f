//! SQLite's side: the only unsafe code of this crate. It turns SQLite's pointers into slices and names, and calls
//! [`crate::state`], which is safe code, for everything that matters.
//!
//! A registered VFS must outlive all connections that were opened on it, and nothing in Rust's types says so. So VFS
//! objects are never freed: a [`Disk`](crate::Disk) takes one from a pool and gives it back. A connection that outlives
//! its disk keeps its own files (each handle owns a share of them) and at worst asks another disk for the time.
#![allow(unsafe_code, reason = "SQLite calls its file system through C function pointers")]

mod file;
mod shm;

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::ffi;

use crate::disk::Shared;
use crate::fault::{DiskError, Operation};
use file::{Handle, Open};

pub(crate) use shm::Shm;

/// Milliseconds from the Julian epoch, which SQLite counts from, to 1970.
const JULIAN_1970_MS: i64 = 210_866_760_000_000;
const PATH_BYTES_MAX: c_int = 512;

/// One VFS of the pool.
struct Slot {
    name: CString,
    /// The disk that has it now.
    disk: Mutex<Option<Arc<Shared>>>,
}

impl Slot {
    fn disk(&self) -> Option<Arc<Shared>> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, disk: Option<Arc<Shared>>) {
        *self.disk.lock().unwrap_or_else(PoisonError::into_inner) = disk;
    }
}

/// Slots that no disk has now, and how many there are.
static POOL: Mutex<(Vec<&'static Slot>, usize)> = Mutex::new((Vec::new(), 0));

/// A VFS that a disk has, until it is dropped.
pub(crate) struct Registration(&'static Slot);

impl std::fmt::Debug for Registration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Registration {
    pub(crate) fn new(disk: Arc<Shared>) -> Self {
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = pool.0.pop().unwrap_or_else(|| {
            pool.1 += 1;
            register(pool.1)
        });
        slot.set(Some(disk));
        Self(slot)
    }

    pub(crate) fn name(&self) -> &str {
        self.0.name.to_str().unwrap_or_default()
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.0.set(None);
        POOL.lock().unwrap_or_else(PoisonError::into_inner).0.push(self.0);
    }
}

/// Makes a VFS and tells SQLite about it. Neither is ever taken back.
fn register(number: usize) -> &'static Slot {
    let name = CString::new(format!("powercut-{number}")).unwrap_or_default();
    let slot: &'static Slot = Box::leak(Box::new(Slot { name, disk: Mutex::new(None) }));
    let vfs = ffi::sqlite3_vfs {
        iVersion: 2,
        szOsFile: c_int::try_from(size_of::<Handle>()).unwrap_or(0),
        mxPathname: PATH_BYTES_MAX,
        pNext: std::ptr::null_mut(),
        zName: slot.name.as_ptr(),
        pAppData: std::ptr::from_ref(slot).cast_mut().cast(),
        xOpen: Some(open),
        xDelete: Some(delete),
        xAccess: Some(access),
        xFullPathname: Some(full_path_name),
        xDlOpen: Some(no_library),
        xDlError: None,
        xDlSym: None,
        xDlClose: None,
        xRandomness: Some(randomness),
        xSleep: Some(sleep),
        xCurrentTime: Some(current_time),
        xGetLastError: Some(last_error),
        xCurrentTimeInt64: Some(current_time_ms),
        xSetSystemCall: None,
        xGetSystemCall: None,
        xNextSystemCall: None,
    };
    // SAFETY: the object lives for ever, its name and data as well, and all functions are of the types that SQLite asks
    // for. Registering is guarded by SQLite's own mutex. It fails only without memory; opening then finds no such VFS.
    unsafe { ffi::sqlite3_vfs_register(Box::leak(Box::new(vfs)), 0) };
    slot
}

/// # Safety
/// `vfs` is one of ours.
unsafe fn disk_of(vfs: *mut ffi::sqlite3_vfs) -> Option<Arc<Shared>> {
    // SAFETY: `pAppData` was set to a slot that lives for ever.
    let slot = unsafe { &*(*vfs).pAppData.cast::<Slot>() };
    slot.disk()
}

/// # Safety
/// `name` ends in a zero byte.
unsafe fn text(name: *const c_char) -> String {
    // SAFETY: as above.
    unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
}

/// SQLite's number for an error.
fn code(error: DiskError) -> c_int {
    match error {
        DiskError::Io(Operation::Read) => ffi::SQLITE_IOERR_READ,
        DiskError::Io(Operation::Write) | DiskError::ReadOnly => ffi::SQLITE_IOERR_WRITE,
        DiskError::Io(Operation::Sync) => ffi::SQLITE_IOERR_FSYNC,
        DiskError::Io(Operation::Delete) => ffi::SQLITE_IOERR_DELETE,
        DiskError::Io(Operation::Open) | DiskError::NotFound | DiskError::Exists => ffi::SQLITE_CANTOPEN,
        DiskError::Full => ffi::SQLITE_FULL,
        DiskError::NoPower => ffi::SQLITE_IOERR,
    }
}

fn done(result: Result<(), DiskError>) -> c_int {
    result.map_or_else(code, |()| ffi::SQLITE_OK)
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let handle = file.cast::<Handle>();
    // SAFETY: SQLite gives `szOsFile` bytes at `file`; without methods it will not close it after an error.
    unsafe { (*handle).base.pMethods = std::ptr::null() };
    // SAFETY: SQLite calls this with the VFS that it was registered with.
    let Some(shared) = (unsafe { disk_of(vfs) }) else { return ffi::SQLITE_CANTOPEN };
    let has = |flag: c_int| flags & flag != 0;
    let mut state = shared.state();
    let raw_name = name;
    let (name, is_temporary) = if name.is_null() {
        (state.temporary_name(), true)
    } else {
        // SAFETY: a name that is there ends in a zero byte.
        (unsafe { text(name) }, has(ffi::SQLITE_OPEN_DELETEONCLOSE))
    };
    // As SQLite's own VFS: "powersafe overwrite" is claimed of every disk, unless the URI says `psow=0`.
    let has_uri = !is_temporary && has(ffi::SQLITE_OPEN_URI);
    let is_powersafe = !has_uri || {
        // SAFETY: a name that SQLite gives to `xOpen` for a database carries its URI's parameters.
        unsafe { ffi::sqlite3_uri_boolean(raw_name, c"psow".as_ptr(), 1) != 0 }
    };
    let create = is_temporary || has(ffi::SQLITE_OPEN_CREATE);
    let is_writable = match state.open(&name, create, has(ffi::SQLITE_OPEN_EXCLUSIVE), has(ffi::SQLITE_OPEN_READWRITE))
    {
        Ok(is_writable) => is_writable || is_temporary,
        Err(error) => return code(error).max(ffi::SQLITE_CANTOPEN),
    };
    let life = state.life;
    drop(state);
    if !out_flags.is_null() {
        let access = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_READONLY;
        let granted = if is_writable { ffi::SQLITE_OPEN_READWRITE } else { ffi::SQLITE_OPEN_READONLY };
        // SAFETY: not null, so a place for a number.
        unsafe { *out_flags = flags & !access | granted };
    }
    let open = Box::new(Open::new(shared, name, life, is_temporary, is_powersafe));
    // SAFETY: as above; the box is freed in `close`, which SQLite calls exactly once from now on.
    unsafe {
        (*handle).open = Box::into_raw(open);
        (*handle).base.pMethods = &raw const file::METHODS;
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(vfs: *mut ffi::sqlite3_vfs, name: *const c_char, sync_directory: c_int) -> c_int {
    // SAFETY: our VFS, and a name that ends in a zero byte.
    let (disk, name) = unsafe { (disk_of(vfs), text(name)) };
    let Some(disk) = disk else { return ffi::SQLITE_IOERR_DELETE };
    match disk.state().delete(&name, sync_directory != 0) {
        Err(DiskError::NotFound) => ffi::SQLITE_IOERR_DELETE_NOENT,
        result => done(result),
    }
}

unsafe extern "C" fn access(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    result: *mut c_int,
) -> c_int {
    // SAFETY: our VFS, and a name that ends in a zero byte.
    let (disk, name) = unsafe { (disk_of(vfs), text(name)) };
    let Some(disk) = disk else { return ffi::SQLITE_IOERR_ACCESS };
    let state = disk.state();
    if !state.is_on() {
        return ffi::SQLITE_IOERR_ACCESS;
    }
    let writable = flags != ffi::SQLITE_ACCESS_READWRITE || !state.read_only;
    // SQLite takes an empty file for none here, as its own VFS does.
    let has_content = flags != ffi::SQLITE_ACCESS_EXISTS || state.len(&name).is_ok_and(|length| length > 0);
    // SAFETY: a place for a number.
    unsafe { *result = c_int::from(state.exists(&name) && writable && has_content) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_path_name(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: the name ends in a zero byte.
    let bytes = unsafe { CStr::from_ptr(name) }.to_bytes_with_nul();
    if usize::try_from(room).map_or(true, |room| bytes.len() > room) {
        return ffi::SQLITE_CANTOPEN;
    }
    // SAFETY: there is room for so many bytes at `out`, which SQLite has allocated apart from the name.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr().cast(), out, bytes.len()) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn no_library(_vfs: *mut ffi::sqlite3_vfs, _name: *const c_char) -> *mut c_void {
    std::ptr::null_mut()
}

unsafe extern "C" fn randomness(vfs: *mut ffi::sqlite3_vfs, count: c_int, out: *mut c_char) -> c_int {
    let length = usize::try_from(count).unwrap_or(0);
    // SAFETY: there is room for `count` bytes at `out`.
    let bytes = unsafe { std::slice::from_raw_parts_mut(out.cast::<u8>(), length) };
    bytes.fill(0);
    // SAFETY: our VFS.
    if let Some(disk) = unsafe { disk_of(vfs) } {
        disk.state().sqlite.fill(bytes);
    }
    count
}

/// Nobody waits in simulated time: whoever holds a lock is on the same thread, or will be served meanwhile.
unsafe extern "C" fn sleep(_vfs: *mut ffi::sqlite3_vfs, microseconds: c_int) -> c_int {
    std::thread::yield_now();
    microseconds
}

unsafe extern "C" fn current_time_ms(vfs: *mut ffi::sqlite3_vfs, out: *mut i64) -> c_int {
    // SAFETY: our VFS.
    let unix_ms = unsafe { disk_of(vfs) }.map_or(0, |disk| disk.state().clock_ms);
    // SAFETY: a place for a number.
    unsafe { *out = JULIAN_1970_MS.saturating_add(unix_ms) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn current_time(vfs: *mut ffi::sqlite3_vfs, out: *mut f64) -> c_int {
    let mut ms = 0;
    // SAFETY: our VFS, and places for numbers.
    unsafe {
        current_time_ms(vfs, &raw mut ms);
        *out = ms as f64 / 86_400_000.0;
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn last_error(_vfs: *mut ffi::sqlite3_vfs, _room: c_int, _out: *mut c_char) -> c_int {
    0
}
