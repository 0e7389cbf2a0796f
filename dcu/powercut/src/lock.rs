//! SQLite's file locks (its `os.h`): shared by many, reserved by one who will write, pending while the others leave,
//! exclusive.

use std::collections::BTreeSet;

/// Levels, as SQLite numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    None,
    Shared,
    Reserved,
    Pending,
    Exclusive,
}

impl Level {
    pub(crate) const fn of(number: i32) -> Self {
        match number {
            i32::MIN..=0 => Self::None,
            1 => Self::Shared,
            2 => Self::Reserved,
            3 => Self::Pending,
            _ => Self::Exclusive,
        }
    }
}

/// Who holds what of one file; handles go by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Locks {
    shared: BTreeSet<u64>,
    reserved: Option<u64>,
    pending: Option<u64>,
    exclusive: Option<u64>,
}

impl Locks {
    /// Raises a handle's lock; false while others are in the way.
    pub(crate) fn raise(&mut self, handle: u64, to: Level) -> bool {
        let others = |holder: Option<u64>| holder.is_some_and(|holder| holder != handle);
        match to {
            Level::None => true,
            Level::Shared => {
                let free = !others(self.pending) && !others(self.exclusive);
                if free {
                    self.shared.insert(handle);
                }
                free
            }
            Level::Reserved => {
                let free = !others(self.reserved) && !others(self.pending);
                if free {
                    self.reserved = Some(handle);
                }
                free
            }
            Level::Pending | Level::Exclusive => {
                if others(self.reserved) || others(self.pending) {
                    return false;
                }
                self.pending = Some(handle);
                let alone = self.shared.iter().all(|holder| *holder == handle);
                if alone && to == Level::Exclusive {
                    self.exclusive = Some(handle);
                }
                alone || to == Level::Pending
            }
        }
    }

    /// Lowers a handle's lock to shared or none.
    pub(crate) fn lower(&mut self, handle: u64, to: Level) {
        for holder in [&mut self.reserved, &mut self.pending, &mut self.exclusive] {
            if *holder == Some(handle) {
                *holder = None;
            }
        }
        if to == Level::None {
            self.shared.remove(&handle);
        }
    }

    pub(crate) const fn is_reserved(&self) -> bool {
        self.reserved.is_some() || self.pending.is_some() || self.exclusive.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_writes_when_the_readers_have_left() {
        let mut locks = Locks::default();
        assert!(locks.raise(1, Level::Shared) && locks.raise(2, Level::Shared));
        assert!(locks.raise(1, Level::Reserved) && locks.is_reserved());
        assert!(!locks.raise(2, Level::Reserved));
        assert!(!locks.raise(1, Level::Exclusive), "2 still reads");
        assert!(!locks.raise(3, Level::Shared), "1 waits: nobody comes in");
        locks.lower(2, Level::None);
        assert!(locks.raise(1, Level::Exclusive));
        assert!(!locks.raise(2, Level::Shared));
        locks.lower(1, Level::Shared);
        assert!(locks.raise(2, Level::Shared) && !locks.is_reserved());
    }
}
