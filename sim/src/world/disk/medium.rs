//! What the site's store lies on: a disk that loses power, or RAM that outlives the DCU.
//!
//! The disk is the production store byte for byte, with all that can happen to bytes. It costs a quarter of a village's
//! simulation; so where nothing is scripted that only bytes can suffer, the journal stays in RAM, with the same pace of
//! commits and the same loss at a cut of what was not committed.

use taa_dcu::journal::{Entry, Record};
use taa_powercut::{Config, Disk, Fault, Operation, Sync};
use taa_store::{Found, Health, MemoryStore, Place, Recovery, Store, StoreConfig, StoreError, Trouble};

/// Name of the database on the medium.
const FILE: &str = "state.db";
/// Changes to the medium within one commit, at most: the power may go in any of them.
const CHANGES_MAX: u64 = 24;

/// The medium and the store on it.
pub(super) enum Medium {
    /// The production store on a simulated disk; closed while the site is off.
    Disk(Disk, Option<Store>),
    /// In RAM; closed while the site is off.
    Memory(MemoryStore, bool),
}

impl Medium {
    pub(super) fn disk(seed: u64) -> Self {
        Self::Disk(Disk::new(Config { seed, ..Config::default() }), None)
    }

    pub(super) fn memory(config: StoreConfig) -> Self {
        Self::Memory(MemoryStore::new(config), false)
    }

    /// Opens what survived.
    pub(super) fn open(&mut self, config: &StoreConfig) -> Result<Recovery, StoreError> {
        match self {
            Self::Disk(disk, store) => {
                // Whatever had it open is gone.
                *store = None;
                disk.power_on();
                let place = Place::Vfs { name: disk.vfs_name().to_owned(), path: FILE.to_owned() };
                let (opened, recovery) = Store::open(&place, config.clone(), None)?;
                if let Health::Stopped(trouble) = opened.health() {
                    return Err(StoreError::Disk(trouble));
                }
                *store = Some(opened);
                Ok(recovery)
            }
            Self::Memory(store, open) => {
                *open = false;
                let recovery = store.reopen(None)?;
                *open = true;
                Ok(recovery)
            }
        }
    }

    pub(super) fn append(&mut self, now_ms: u64, record: Record) -> Result<(), StoreError> {
        let urgency = Entry::urgency(&record.entry);
        match self {
            Self::Disk(_, Some(store)) => store.append(now_ms, &record, urgency),
            Self::Memory(store, true) => store.append(now_ms, record, urgency),
            Self::Disk(_, None) | Self::Memory(_, false) => Ok(()),
        }
    }

    pub(super) fn append_leaf(&mut self, now_ms: u64, index: u64, entry: &[u8]) -> Result<(), StoreError> {
        match self {
            Self::Disk(_, Some(store)) => store.append_leaf(now_ms, index, entry),
            Self::Memory(store, true) => store.append_leaf(now_ms, index),
            Self::Disk(_, None) | Self::Memory(_, false) => Ok(()),
        }
    }

    /// What the store has found rotten while it ran.
    pub(super) fn take_found(&mut self) -> Vec<Found> {
        if let Self::Disk(_, Some(store)) = self { store.take_found() } else { Vec::new() }
    }

    /// Somebody else keeps the ledger's entries before this one.
    pub(super) fn leaves_are_kept(&mut self, index: u64) {
        if let Self::Disk(_, Some(store)) = self {
            store.leaves_are_kept(index);
        }
    }

    /// Somebody has set right what hung on lost records; false where the disk does not take that.
    pub(super) fn accept_damage(&mut self) -> bool {
        match self {
            Self::Disk(_, Some(store)) => store.accept_damage().is_ok(),
            _ => true,
        }
    }

    /// The medium has refused what opening had to write: it is read, and takes nothing.
    pub(super) fn refuses(&self) -> Option<Trouble> {
        let health = match self {
            Self::Disk(_, store) => store.as_ref()?.health(),
            Self::Memory(store, _) => store.health(),
        };
        if let Health::Failing { trouble, .. } = health { Some(trouble) } else { None }
    }

    /// Numbers of the last record appended and of the last durable one.
    pub(super) fn numbers(&self) -> (u64, u64) {
        match self {
            Self::Disk(_, store) => store.as_ref().map_or((0, 0), |store| (store.appended(), store.durable())),
            Self::Memory(store, true) => (store.appended(), store.durable()),
            Self::Memory(_, false) => (0, 0),
        }
    }

    /// When the store wants to commit, and whether it is well; nothing where it is closed.
    pub(super) fn due(&self, now_ms: u64) -> Option<(u64, bool)> {
        let (due, health) = match self {
            Self::Disk(_, store) => store.as_ref().map(|store| (store.due(now_ms), store.health()))?,
            Self::Memory(store, true) => (store.due(now_ms), store.health()),
            Self::Memory(_, false) => return None,
        };
        due.map(|at| (at, health == Health::Good))
    }

    pub(super) fn commit(&mut self, now_ms: u64) -> Result<u64, StoreError> {
        match self {
            Self::Disk(disk, Some(store)) => {
                let done = store.commit(now_ms);
                // A sync that was to fail has failed, or was not needed.
                disk.heal();
                done
            }
            Self::Memory(store, true) => store.commit(now_ms),
            Self::Disk(_, None) | Self::Memory(_, false) => Ok(0),
        }
    }

    pub(super) fn wants_snapshot(&self) -> bool {
        match self {
            Self::Disk(_, store) => store.as_ref().is_some_and(Store::wants_snapshot),
            Self::Memory(store, open) => *open && store.wants_snapshot(),
        }
    }

    /// The next sync fails, once. RAM has none.
    pub(super) fn fail_sync(&self) {
        if let Self::Disk(disk, _) = self {
            disk.inject(Fault { operation: Operation::Sync, after: 0, stays: false });
        }
    }

    /// The power is gone. `committing`: in the middle of a commit, and what chance says about it.
    pub(super) fn cut(&mut self, now_ms: u64, committing: Option<u64>) {
        match self {
            Self::Disk(disk, store) => {
                if let Some(chance) = committing {
                    disk.cut_after(1 + chance % CHANGES_MAX);
                    // Nobody hears of it any more, whether it succeeds or not.
                    let _unheard = store.as_mut().map(|store| store.commit(now_ms));
                }
                disk.cut();
                *store = None;
            }
            Self::Memory(store, open) => {
                if committing.is_some_and(|chance| chance % 2 == 0) {
                    let _unheard = store.commit(now_ms);
                }
                store.cut();
                *open = false;
            }
        }
    }

    /// What wear and faults have made of it by now.
    pub(super) fn settle(&mut self, is_read_only: bool, is_full: bool, lies: bool) {
        match self {
            Self::Disk(disk, _) => {
                disk.set_read_only(is_read_only);
                let used: usize = disk.image().files.values().map(Vec::len).sum();
                disk.set_room(is_full.then_some(used as u64));
                disk.set_sync(if lies { Sync::Lies } else { Sync::Honest });
            }
            Self::Memory(store, _) => {
                let full = is_full.then_some(Trouble::Full);
                store.refuse(if is_read_only { Some(Trouble::ReadOnly) } else { full });
            }
        }
    }

    /// Bytes go bad within one page of the database or of its log: at these places, with these masks. False where there
    /// is nothing yet, and in RAM.
    pub(super) fn rot(&self, page: u64, places: impl Iterator<Item = (u64, u8)>) -> bool {
        let Self::Disk(disk, _) = self else { return false };
        let files = disk.image().files;
        let pages: Vec<(&String, usize)> = files
            .iter()
            .flat_map(|(name, bytes)| (0..bytes.len() / 4096).map(move |page| (name, page * 4096)))
            .collect();
        if pages.is_empty() {
            return false;
        }
        let (name, start) = pages[(page % pages.len() as u64) as usize];
        places.fold(false, |any, (at, mask)| disk.rot(name, start + at as usize, mask) || any)
    }
}
