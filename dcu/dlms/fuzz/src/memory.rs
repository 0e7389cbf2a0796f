//! An allocator that counts what each thread holds: targets are held to a bound, and measurements tell what they need.
#![allow(unreachable_pub, reason = "part of programs and tests, where nothing is reachable")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counting.
pub struct Counting;

thread_local! {
    /// Bytes held now, and the most held since the last call of [`peak_of`]. Without destructors: an allocator may be
    /// called while a thread ends.
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    if bytes > 0 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
    }
    let _ = HELD.try_with(|held| {
        held.set(held.get().wrapping_add(bytes));
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
    });
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count(bytes.cast_signed().wrapping_sub(layout.size().cast_signed()));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, bytes) }
    }
}

/// Bytes that this thread holds.
#[allow(dead_code, reason = "not every user measures it")]
pub fn held() -> isize {
    HELD.get()
}

/// How often this thread has allocated, or asked for more.
#[allow(dead_code, reason = "not every user measures it")]
pub fn allocations() -> usize {
    ALLOCATIONS.get()
}

/// The most bytes that this thread held during the call, beyond what it held before.
#[allow(dead_code, reason = "not every user measures it")]
pub fn peak_of(act: impl FnOnce()) -> usize {
    let before = HELD.get();
    PEAK.set(before);
    act();
    usize::try_from(PEAK.get() - before).unwrap_or(0)
}
