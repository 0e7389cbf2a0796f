//! One file on a disk that may lose power: what programs see, and per sector what may be found after a cut.

use std::collections::{BTreeMap, BTreeSet};

use crate::chance::Chance;
use crate::config::{Config, Order, Torn};

/// Bytes that a disk writes as one, if it does not tear them.
pub const SECTOR_BYTES: usize = 512;
/// Bytes of a page that some cards rewrite as a whole.
const PAGE_BYTES: usize = crate::counters::PAGE_BYTES as usize;
/// Versions of a sector that are remembered beside the durable one. More writes without a sync push out the oldest.
const VERSIONS_MAX: usize = 4;

type Sector = [u8; SECTOR_BYTES];

/// A sector written since the last sync.
#[derive(Clone, Debug)]
struct Dirty {
    /// What is durable.
    base: Sector,
    /// What was written since, oldest first, each with the number of its operation.
    versions: Vec<(u64, Sector)>,
    /// A sync failed over it: the system believes it clean, so no later sync writes it.
    forgotten: bool,
}

/// A file.
#[derive(Clone, Debug, Default)]
pub(crate) struct File {
    /// What programs see.
    live: Vec<u8>,
    dirty: BTreeMap<u64, Dirty>,
    durable_len: u64,
    /// Lengths set since the last sync, each with the number of its operation.
    lengths: Vec<(u64, u64)>,
    /// The name is in the directory for good.
    pub(crate) is_linked: bool,
}

/// What a sync wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flushed {
    pub(crate) sectors: u64,
    /// Pages of 4 KiB with at least one such sector.
    pub(crate) pages: u64,
}

impl File {
    pub(crate) fn of_image(content: Vec<u8>) -> Self {
        Self { durable_len: content.len() as u64, live: content, is_linked: true, ..Self::default() }
    }

    pub(crate) fn live(&self) -> &[u8] {
        &self.live
    }

    pub(crate) fn live_mut(&mut self) -> &mut [u8] {
        &mut self.live
    }

    /// Sectors and lengths that a cut may take.
    pub(crate) fn is_clean(&self) -> bool {
        self.dirty.is_empty() && self.lengths.is_empty()
    }

    pub(crate) fn write(&mut self, offset: usize, bytes: &[u8], operation: u64) {
        let end = offset + bytes.len();
        if bytes.is_empty() {
            return;
        }
        let sectors = offset / SECTOR_BYTES..end.div_ceil(SECTOR_BYTES);
        let before: Vec<Sector> = sectors.clone().map(|sector| self.sector(sector)).collect();
        if end > self.live.len() {
            self.live.resize(end, 0);
            self.lengths.push((operation, end as u64));
        }
        self.live[offset..end].copy_from_slice(bytes);
        for (sector, before) in sectors.zip(before) {
            self.note(sector, before, operation);
        }
    }

    pub(crate) fn truncate(&mut self, length: usize, operation: u64) {
        // What is cut off may come back, as long as this is not durable.
        let last = self.live.len().max(length).div_ceil(SECTOR_BYTES);
        let changed = self.live.len().min(length) / SECTOR_BYTES..last;
        let before: Vec<Sector> = changed.clone().map(|sector| self.sector(sector)).collect();
        self.live.resize(length, 0);
        self.lengths.push((operation, length as u64));
        for (sector, before) in changed.zip(before) {
            self.note(sector, before, operation);
        }
    }

    /// A sector as programs see it, zeros beyond the end.
    fn sector(&self, sector: usize) -> Sector {
        let mut content = [0; SECTOR_BYTES];
        let first = (sector * SECTOR_BYTES).min(self.live.len());
        let end = (first + SECTOR_BYTES).min(self.live.len());
        content[..end - first].copy_from_slice(&self.live[first..end]);
        content
    }

    fn note(&mut self, sector: usize, before: Sector, operation: u64) {
        let now = self.sector(sector);
        let new = || Dirty { base: before, versions: Vec::new(), forgotten: false };
        let dirty = self.dirty.entry(sector as u64).or_insert_with(new);
        dirty.forgotten = false;
        dirty.versions.push((operation, now));
        if dirty.versions.len() > VERSIONS_MAX {
            dirty.versions.remove(0);
        }
    }

    /// Makes everything durable but what an earlier failed sync made the system forget.
    pub(crate) fn sync(&mut self) -> Flushed {
        let mut flushed = Flushed::default();
        let mut last_page = None;
        for (sector, _) in self.dirty.iter().filter(|(_, dirty)| !dirty.forgotten) {
            flushed.sectors += 1;
            let page = Some(sector / 8);
            flushed.pages += u64::from(page != last_page);
            last_page = page;
        }
        self.dirty.retain(|_, dirty| dirty.forgotten);
        self.durable_len = self.live.len() as u64;
        self.lengths.clear();
        flushed
    }

    /// A sync that fails: what was to be written is written or not, and will not be tried again.
    pub(crate) fn forget(&mut self) {
        self.dirty.values_mut().for_each(|dirty| dirty.forgotten = true);
    }

    /// What is found after a cut. `kept_until` numbers the operation that the power failed in, for disks that keep the
    /// order of writes.
    pub(crate) fn after_cut(&self, config: &Config, kept_until: u64, chance: &mut Chance) -> Vec<u8> {
        let lengths: Vec<u64> = std::iter::once(self.durable_len)
            .chain(self.lengths.iter().filter(|(at, _)| !in_order(config) || *at < kept_until).map(|(_, len)| *len))
            .collect();
        let length = match config.order {
            Order::Any => lengths[chance.index(lengths.len())],
            Order::AsWritten => lengths[lengths.len() - 1],
        };
        let longest = lengths.iter().copied().max().unwrap_or(0).max(self.live.len() as u64);
        let mut image = self.live.clone();
        image.resize(usize::try_from(longest).unwrap_or(0).next_multiple_of(SECTOR_BYTES), 0);
        let mut lost_pages = BTreeSet::new();
        for (sector, dirty) in &self.dirty {
            let first = usize::try_from(*sector).unwrap_or(0) * SECTOR_BYTES;
            let Some(place) = image.get_mut(first..first + SECTOR_BYTES) else { continue };
            let (content, is_torn) = dirty.fate(config, kept_until, chance);
            place.copy_from_slice(&content);
            if is_torn && config.torn == Torn::GarbagePage {
                lost_pages.insert(first / PAGE_BYTES * PAGE_BYTES);
            }
        }
        for first in lost_pages {
            let end = (first + PAGE_BYTES).min(image.len());
            chance.fill(&mut image[first..end]);
        }
        image.truncate(usize::try_from(length).unwrap_or(0));
        image
    }
}

fn in_order(config: &Config) -> bool {
    config.order == Order::AsWritten
}

impl Dirty {
    /// Kept, dropped or torn; whether it is torn.
    fn fate(&self, config: &Config, kept_until: u64, chance: &mut Chance) -> (Sector, bool) {
        let newest = |versions: &[(u64, Sector)]| versions.last().map_or(self.base, |(_, sector)| *sector);
        if config.order == Order::AsWritten {
            let kept = self.versions.partition_point(|(at, _)| *at < kept_until);
            let old = newest(&self.versions[..kept]);
            return match self.versions.get(kept) {
                Some((at, new)) if *at == kept_until => (mixed(old, *new, config.torn, chance), true),
                _ => (old, false),
            };
        }
        let torn = chance.below(1000) < u64::from(config.torn_per_mille);
        let kept = chance.below(1000) < u64::from(config.kept_per_mille);
        if torn {
            let newer = chance.index(self.versions.len());
            let old = newest(&self.versions[..newer]);
            return (mixed(old, self.versions[newer].1, config.torn, chance), true);
        }
        (if kept { self.versions[chance.index(self.versions.len())].1 } else { self.base }, false)
    }
}

/// A sector that the power failed in.
fn mixed(old: Sector, new: Sector, torn: Torn, chance: &mut Chance) -> Sector {
    let mut sector = old;
    match torn {
        Torn::Mixed => {
            let at = 1 + chance.index(SECTOR_BYTES - 1);
            if chance.below(2) == 0 {
                sector[..at].copy_from_slice(&new[..at]);
            } else {
                sector[at..].copy_from_slice(&new[at..]);
            }
        }
        Torn::Garbage | Torn::GarbagePage => chance.fill(&mut sector),
    }
    sector
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(file: &File, config: &Config) -> Vec<Vec<u8>> {
        (0..200).map(|seed| file.after_cut(config, u64::MAX, &mut Chance::new(seed, 0))).collect()
    }

    #[test]
    fn what_was_synced_is_found_and_what_was_not_may_be_kept_dropped_or_torn() {
        let mut file = File::default();
        file.write(0, &[1; 1024], 1);
        file.sync();
        assert!(images(&file, &Config::default()).iter().all(|image| *image == [1; 1024]));
        file.write(512, &[2; 512], 2);
        let seconds: Vec<Vec<u8>> =
            images(&file, &Config::default()).into_iter().map(|image| image[512..].to_vec()).collect();
        let count = |is: &dyn Fn(&[u8]) -> bool| seconds.iter().filter(|sector| is(sector)).count();
        let (kept, dropped) = (count(&|s| s == [2; 512]), count(&|s| s == [1; 512]));
        let torn = count(&|s| s.contains(&1) && s.contains(&2));
        assert!(kept > 30 && dropped > 30 && torn > 5, "{kept} {dropped} {torn}");
        assert_eq!(kept + dropped + torn, 200);
        let garbage = Config { torn: Torn::Garbage, torn_per_mille: 1000, ..Config::default() };
        assert!(images(&file, &garbage).iter().all(|image| image[..512] == [1; 512] && image[512..600] != [1; 88]));
        let page = Config { torn: Torn::GarbagePage, ..garbage };
        assert!(images(&file, &page).iter().all(|image| image[..512] != [1; 512]), "durable sectors of the page too");
    }

    #[test]
    fn lengths_and_what_was_cut_off_may_come_back() {
        let mut file = File::default();
        file.write(0, &[7; 2000], 1);
        file.sync();
        file.truncate(0, 2);
        file.write(0, &[8; 100], 3);
        let images = images(&file, &Config::default());
        assert!(images.iter().any(|image| image.len() == 2000 && image[1500..] == [7; 500]));
        assert!(images.iter().any(|image| image.is_empty()));
        assert!(images.iter().any(|image| image[..] == [8; 100]));
        assert_eq!(file.live(), [8; 100]);
    }

    #[test]
    fn a_disk_that_keeps_the_order_loses_only_an_end() {
        let mut file = File::default();
        let config = Config { order: Order::AsWritten, ..Config::default() };
        for operation in 0..8_u8 {
            file.write(usize::from(operation) * 512, &[operation + 1; 512], u64::from(operation));
        }
        for until in 0..8 {
            let image = file.after_cut(&config, until, &mut Chance::new(until, 1));
            let whole = usize::try_from(until).unwrap();
            assert_eq!(image.len(), whole * 512);
            assert!((0..whole).all(|sector| image[sector * 512] == u8::try_from(sector + 1).unwrap()));
        }
    }

    #[test]
    fn a_failed_sync_is_not_made_good_by_the_next() {
        let mut file = File::default();
        file.write(0, &[1; 512], 1);
        file.sync();
        file.write(0, &[2; 512], 2);
        file.forget();
        assert_eq!(file.sync(), Flushed::default());
        assert!(images(&file, &Config::default()).iter().any(|image| image[0] == 1));
        file.write(0, &[3; 512], 3);
        assert_eq!(file.sync(), Flushed { sectors: 1, pages: 1 });
        assert!(file.is_clean());
    }
}
