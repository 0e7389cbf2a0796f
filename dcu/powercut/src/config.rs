//! How a disk behaves when the power fails.

/// A disk's character. The default is a common, honest one: un-synced sectors survive in any combination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Draws everything: what survives cuts, and SQLite's own random numbers.
    pub seed: u64,
    /// How many of 1000 un-synced sectors are kept by a cut.
    pub kept_per_mille: u16,
    /// How many of 1000 un-synced sectors are torn by a cut.
    pub torn_per_mille: u16,
    /// What a torn sector looks like.
    pub torn: Torn,
    /// Whether un-synced sectors reach the medium in the order of their writes.
    pub order: Order,
    /// What a sync does.
    pub sync: Sync,
    /// Milliseconds since 1970 that SQLite is told, until [`crate::Disk::set_clock`].
    pub clock_ms: i64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 0,
            kept_per_mille: 500,
            torn_per_mille: 100,
            torn: Torn::Mixed,
            order: Order::Any,
            sync: Sync::Honest,
            clock_ms: 0,
        }
    }
}

/// What a torn sector looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Torn {
    /// Old bytes on one side of some byte and new ones on the other: bytes that were not written stay as they were.
    Mixed,
    /// Any bytes, also where nothing was written: the whole sector is lost.
    Garbage,
    /// The whole page of 4 KiB around the sector is lost, durable sectors in it as well: cards that rewrite pages.
    GarbagePage,
}

/// In which order un-synced sectors reach the medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// In none: each fares for itself.
    Any,
    /// In that of the writes: a cut takes an end, and tears the write that it falls into.
    AsWritten,
}

/// What a sync does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// What it promises.
    Honest,
    /// Nothing, and says that all is well: cheap cards and some controllers. Nobody on this machine can tell; a
    /// promise kept elsewhere can.
    Lies,
}
