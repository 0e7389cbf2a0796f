//! The disk's state behind all handles: files, power, faults, locks. Safe code alone; [`crate::vfs`] calls it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::chance::Chance;
use crate::config::{Config, Sync};
use crate::counters::{Counters, FileKind};
use crate::disk::Image;
use crate::fault::{DiskError, Fault, Operation};
use crate::lock::Locks;
use crate::sector::{File, Flushed};
use crate::vfs::Shm;

/// What purpose a stream of chance serves.
const SURVIVAL: u64 = 1;
const SQLITE: u64 = 2;

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) config: Config,
    pub(crate) clock_ms: i64,
    pub(crate) sqlite: Chance,
    files: BTreeMap<String, File>,
    /// Removed, but not yet for good.
    removed: BTreeMap<String, File>,
    is_on: bool,
    /// Cuts so far; a handle of an earlier life is dead.
    pub(crate) life: u64,
    /// Operations that change something.
    pub(crate) changes: u64,
    pub(crate) cut_at: Option<u64>,
    faults: Vec<(Fault, u64)>,
    pub(crate) room_bytes: Option<u64>,
    pub(crate) read_only: bool,
    counters: BTreeMap<FileKind, Counters>,
    temporary: u64,
    pub(crate) locks: BTreeMap<String, Locks>,
    shm: BTreeMap<String, Arc<Shm>>,
}

impl State {
    pub(crate) fn new(config: Config, image: Image) -> Self {
        let files = image.files.into_iter().map(|(name, content)| (name, File::of_image(content))).collect();
        Self {
            config,
            clock_ms: config.clock_ms,
            sqlite: Chance::new(config.seed, SQLITE),
            files,
            removed: BTreeMap::new(),
            is_on: true,
            life: 0,
            changes: 0,
            cut_at: None,
            faults: Vec::new(),
            room_bytes: None,
            read_only: false,
            counters: BTreeMap::new(),
            temporary: 0,
            locks: BTreeMap::new(),
            shm: BTreeMap::new(),
        }
    }

    pub(crate) const fn is_on(&self) -> bool {
        self.is_on
    }

    pub(crate) fn alive(&self, life: u64) -> Result<(), DiskError> {
        if self.is_on && self.life == life { Ok(()) } else { Err(DiskError::NoPower) }
    }

    // Power.

    /// What a cut now would leave, by one draw.
    pub(crate) fn after_cut(&self, draw: u64) -> Image {
        let mut chance = Chance::new(self.config.seed ^ draw.rotate_left(17), SURVIVAL.wrapping_add(self.life << 8));
        // For disks that keep the order: the power failed in one of the operations that are not yet durable.
        let kept_until = self.changes.saturating_sub(chance.below(64));
        let mut files = BTreeMap::new();
        for (name, file) in &self.removed {
            if chance.below(2) == 0 {
                files.insert(name.clone(), file.after_cut(&self.config, kept_until, &mut chance));
            }
        }
        for (name, file) in &self.files {
            if file.is_linked || chance.below(2) == 0 {
                files.insert(name.clone(), file.after_cut(&self.config, kept_until, &mut chance));
            }
        }
        Image { files }
    }

    pub(crate) fn cut(&mut self) {
        if self.is_on {
            let image = self.after_cut(self.changes);
            self.files = image.files.into_iter().map(|(name, content)| (name, File::of_image(content))).collect();
            self.removed.clear();
            self.is_on = false;
            self.life += 1;
            self.cut_at = None;
            self.locks.clear();
            self.shm.clear();
        }
    }

    pub(crate) const fn power_on(&mut self) {
        self.is_on = true;
    }

    /// What is durable, and what programs see.
    pub(crate) fn image(&self) -> Image {
        Image { files: self.files.iter().map(|(name, file)| (name.clone(), file.live().to_vec())).collect() }
    }

    pub(crate) fn unsynced_files(&self) -> usize {
        self.files.values().filter(|file| !file.is_clean() || !file.is_linked).count() + self.removed.len()
    }

    // Faults.

    pub(crate) fn inject(&mut self, fault: Fault) {
        self.faults.push((fault, 0));
    }

    pub(crate) fn heal(&mut self) {
        self.faults.clear();
    }

    fn fails(&mut self, operation: Operation) -> bool {
        let mut fails = false;
        for (fault, seen) in &mut self.faults {
            if fault.operation == operation {
                fails |= *seen == fault.after || fault.stays && *seen > fault.after;
                *seen += 1;
            }
        }
        fails
    }

    /// Counts an operation that changes something. The power fails in the one that was ordered: it takes effect like
    /// every other that is not durable, and nobody is told.
    fn change(&mut self, operation: Operation) -> Result<bool, DiskError> {
        self.changes += 1;
        if self.fails(operation) {
            return Err(DiskError::Io(operation));
        }
        Ok(self.cut_at.is_some_and(|at| self.changes >= at))
    }

    fn end_of_change(&mut self, is_cut: bool) -> Result<(), DiskError> {
        if is_cut {
            self.cut();
            return Err(DiskError::NoPower);
        }
        Ok(())
    }

    // Files.

    pub(crate) fn open(&mut self, name: &str, create: bool, exclusive: bool, write: bool) -> Result<bool, DiskError> {
        self.alive(self.life)?;
        if self.fails(Operation::Open) {
            return Err(DiskError::Io(Operation::Open));
        }
        match self.files.contains_key(name) {
            true if exclusive => Err(DiskError::Exists),
            true => Ok(write && !self.read_only),
            false if !create => Err(DiskError::NotFound),
            false if self.read_only => Err(DiskError::ReadOnly),
            false => {
                self.files.insert(name.to_owned(), File::default());
                Ok(true)
            }
        }
    }

    pub(crate) fn temporary_name(&mut self) -> String {
        self.temporary += 1;
        format!("temporary-{}", self.temporary)
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    pub(crate) fn len(&self, name: &str) -> Result<u64, DiskError> {
        self.files.get(name).map(|file| file.live().len() as u64).ok_or(DiskError::NotFound)
    }

    /// Bytes read; fewer than asked for at the end of the file.
    pub(crate) fn read(&mut self, name: &str, offset: u64, into: &mut [u8]) -> Result<usize, DiskError> {
        if self.fails(Operation::Read) {
            return Err(DiskError::Io(Operation::Read));
        }
        let file = self.files.get(name).ok_or(DiskError::NotFound)?;
        let rest = usize::try_from(offset).ok().and_then(|offset| file.live().get(offset..)).unwrap_or_default();
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        let counters = self.counters.entry(FileKind::of(name)).or_default();
        counters.reads += 1;
        counters.bytes_read += count as u64;
        Ok(count)
    }

    pub(crate) fn write(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        if self.read_only {
            return Err(DiskError::ReadOnly);
        }
        let offset = usize::try_from(offset).map_err(|_| DiskError::Full)?;
        let is_cut = self.change(Operation::Write)?;
        self.has_room(name, offset.checked_add(bytes.len()).ok_or(DiskError::Full)?)?;
        let changes = self.changes;
        self.files.get_mut(name).ok_or(DiskError::NotFound)?.write(offset, bytes, changes);
        let counters = self.counters.entry(FileKind::of(name)).or_default();
        counters.writes += 1;
        counters.bytes_written += bytes.len() as u64;
        self.end_of_change(is_cut)
    }

    fn has_room(&self, name: &str, end: usize) -> Result<(), DiskError> {
        let Some(room) = self.room_bytes else { return Ok(()) };
        let used: usize = self.files.values().map(|file| file.live().len()).sum();
        let grows = end.saturating_sub(self.files.get(name).map_or(0, |file| file.live().len()));
        if grows > 0 && (used + grows) as u64 > room { Err(DiskError::Full) } else { Ok(()) }
    }

    pub(crate) fn truncate(&mut self, name: &str, length: u64) -> Result<(), DiskError> {
        if self.read_only {
            return Err(DiskError::ReadOnly);
        }
        let length = usize::try_from(length).map_err(|_| DiskError::Full)?;
        let is_cut = self.change(Operation::Write)?;
        self.has_room(name, length)?;
        let changes = self.changes;
        self.files.get_mut(name).ok_or(DiskError::NotFound)?.truncate(length, changes);
        self.counters.entry(FileKind::of(name)).or_default().truncates += 1;
        self.end_of_change(is_cut)
    }

    /// Makes a file durable, and with it the directory that names it, as usual file systems do.
    pub(crate) fn sync(&mut self, name: &str) -> Result<(), DiskError> {
        let is_cut = match self.change(Operation::Sync) {
            Ok(is_cut) => is_cut,
            Err(error) => {
                self.files.get_mut(name).ok_or(DiskError::NotFound)?.forget();
                return Err(error);
            }
        };
        // The power fails before the sync has an effect: what it would have written is kept, dropped or torn.
        self.end_of_change(is_cut)?;
        let file = self.files.get_mut(name).ok_or(DiskError::NotFound)?;
        let mut flushed = Flushed::default();
        if self.config.sync == Sync::Honest {
            flushed = file.sync();
            if !file.is_linked {
                file.is_linked = true;
                self.removed.clear();
            }
        }
        let counters = self.counters.entry(FileKind::of(name)).or_default();
        counters.syncs += 1;
        counters.sectors_synced += flushed.sectors;
        counters.pages_synced += flushed.pages;
        Ok(())
    }

    pub(crate) fn delete(&mut self, name: &str, for_good: bool) -> Result<(), DiskError> {
        self.alive(self.life)?;
        if self.read_only {
            return Err(DiskError::ReadOnly);
        }
        if !self.files.contains_key(name) {
            return Err(DiskError::NotFound);
        }
        let is_cut = self.change(Operation::Delete)?;
        if let Some(file) = self.files.remove(name)
            && file.is_linked
        {
            self.removed.insert(name.to_owned(), file);
        }
        self.counters.entry(FileKind::of(name)).or_default().deletes += 1;
        self.end_of_change(is_cut)?;
        if for_good && self.config.sync == Sync::Honest {
            self.removed.clear();
        }
        Ok(())
    }

    /// Changes bytes on the medium behind everybody's back; false beyond the end of the file.
    pub(crate) fn rot(&mut self, name: &str, offset: usize, mask: u8) -> bool {
        let byte = self.files.get_mut(name).and_then(|file| file.live_mut().get_mut(offset));
        byte.map(|byte| *byte ^= mask).is_some()
    }

    pub(crate) fn counters(&self, kind: FileKind) -> Counters {
        self.counters.get(&kind).copied().unwrap_or_default()
    }

    /// Memory that the connections of a database share; a new one after each cut.
    pub(crate) fn shm(&mut self, name: &str) -> Arc<Shm> {
        Arc::clone(self.shm.entry(name.to_owned()).or_default())
    }

    /// The last connection has left: the next one starts with fresh memory.
    pub(crate) fn drop_unused_shm(&mut self, name: &str) {
        if self.shm.get(name).is_some_and(|shm| Arc::strong_count(shm) == 1) {
            self.shm.remove(name);
        }
    }
}
