//! Memory that the connections of one database share in WAL mode, and its eight locks. It is in no file: a cut takes
//! it away, as it takes `/dev/shm`.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::ffi;

const LOCKS: usize = ffi::SQLITE_SHM_NLOCK as usize;

/// The shared memory of one database.
#[derive(Debug, Default)]
pub(crate) struct Shm(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    regions: Vec<Region>,
    /// How many share each lock.
    shared: [u32; LOCKS],
    exclusive: [bool; LOCKS],
}

#[derive(Debug)]
struct Region {
    at: *mut u8,
    layout: Layout,
}

// SAFETY: a region is memory that nobody here reads or writes: only its address is passed on. What SQLite does with it on
// several threads, it guards by the locks below and by atomic accesses of its own.
unsafe impl Send for Region {}

impl Region {
    fn new(length: usize) -> Option<Self> {
        let layout = Layout::from_size_align(length, 8).ok().filter(|layout| layout.size() > 0)?;
        // SAFETY: the size is not zero.
        let at = unsafe { alloc_zeroed(layout) };
        (!at.is_null()).then_some(Self { at, layout })
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout, freed once; no handle is attached any more.
        unsafe { dealloc(self.at, self.layout) };
    }
}

impl Shm {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's share of it.
pub(super) struct Attached {
    shm: Arc<Shm>,
    shared: [bool; LOCKS],
    exclusive: [bool; LOCKS],
}

impl Attached {
    pub(super) const fn new(shm: Arc<Shm>) -> Self {
        Self { shm, shared: [false; LOCKS], exclusive: [false; LOCKS] }
    }

    /// A region's address; null where it is not there and not to be made.
    pub(super) fn region(&self, index: usize, length: usize, extend: bool) -> *mut u8 {
        let mut inner = self.shm.inner();
        while extend && inner.regions.len() <= index {
            let Some(region) = Region::new(length) else { break };
            inner.regions.push(region);
        }
        inner.regions.get(index).map_or(std::ptr::null_mut(), |region| region.at)
    }

    /// Takes locks, all or none.
    pub(super) fn acquire(&mut self, first: usize, count: usize, is_exclusive: bool) -> bool {
        let mut inner = self.shm.inner();
        let range = first.min(LOCKS)..first.saturating_add(count).min(LOCKS);
        let others_share = |at: usize| inner.shared[at] > u32::from(self.shared[at]);
        let others_own = |at: usize| inner.exclusive[at] && !self.exclusive[at];
        let busy = |at: usize| others_own(at) || is_exclusive && others_share(at);
        if range.clone().any(busy) {
            return false;
        }
        for at in range {
            if is_exclusive {
                inner.exclusive[at] = true;
                self.exclusive[at] = true;
            } else if !self.shared[at] {
                inner.shared[at] += 1;
                self.shared[at] = true;
            }
        }
        true
    }

    pub(super) fn release(&mut self, first: usize, count: usize, is_exclusive: bool) {
        let mut inner = self.shm.inner();
        for at in first.min(LOCKS)..first.saturating_add(count).min(LOCKS) {
            if is_exclusive && self.exclusive[at] {
                inner.exclusive[at] = false;
                self.exclusive[at] = false;
            } else if !is_exclusive && self.shared[at] {
                inner.shared[at] -= 1;
                self.shared[at] = false;
            }
        }
    }

    /// Leaves, with whatever is still held.
    pub(super) fn leave(mut self) {
        self.release(0, LOCKS, true);
        self.release(0, LOCKS, false);
    }
}
