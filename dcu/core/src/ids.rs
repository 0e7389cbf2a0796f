//! Names of things and moments.

use serde::{Deserialize, Serialize};

/// A meter by its place in the list given to [`crate::Dcu::new`].
///
/// The list is part of the configuration: the cloud and the journal use the same numbers, and
/// [`fleet_digest`] tells both ends when their lists differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MeterIx(pub u32);

impl MeterIx {
    pub(crate) const fn at(self) -> usize {
        self.0 as usize
    }
}

/// When something was recorded, in all three clocks that a field device has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Number of the boot, from 1.
    pub boot: u32,
    /// Nanoseconds since that boot, whole milliseconds of them: never steps back within a boot.
    pub monotonic_ns: u64,
    /// Wall clock, Unix milliseconds; `None` before the clock was set.
    pub unix_ms: Option<i64>,
}

/// A number that two ends compare to learn whether they count the same meters in the same order (FNV-1a, 64 bits,
/// over the names with a terminator each). Not a security measure.
pub fn fleet_digest<'a>(names: impl IntoIterator<Item = &'a str>) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    names.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, name| step(name.bytes().fold(hash, step), 0xff))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_boundaries_count() {
        assert_eq!(fleet_digest(["a", "b"]), fleet_digest(["a", "b"]));
        assert_ne!(fleet_digest(["a", "b"]), fleet_digest(["b", "a"]));
        assert_ne!(fleet_digest(["ab"]), fleet_digest(["a", "b"]));
    }
}
