//! The shape of a tree over n leaves (RFC 6962, 2.1): where ranges split, and which complete subtrees cover them.

/// Leaves of a complete subtree of this height; the greatest number where there is no such.
pub(crate) fn leaves_below(level: u8) -> u64 {
    1_u64.checked_shl(level.into()).unwrap_or(u64::MAX)
}

/// Where a range of `width` ≥ 2 leaves splits: the largest power of two below it.
pub(crate) fn split(width: u64) -> u64 {
    let below = width.saturating_sub(1).max(1);
    leaves_below(floor_log2(below))
}

/// The height of the largest complete subtree that fits into `width` ≥ 1 leaves.
pub(crate) fn floor_log2(width: u64) -> u8 {
    u8::try_from(width.max(1).ilog2()).unwrap_or(0)
}

/// The complete subtrees that cover a range, left to right, each as (level, index within the level).
///
/// The range has to be one that occurs in a tree: starting at a multiple of the largest power of two that fits.
pub(crate) fn cover(first: u64, end: u64) -> impl Iterator<Item = (u8, u64)> {
    let mut at = first;
    std::iter::from_fn(move || {
        let left = end.checked_sub(at).filter(|left| *left > 0)?;
        let aligned = if at == 0 { 63 } else { u8::try_from(at.trailing_zeros()).unwrap_or(63) };
        let level = aligned.min(floor_log2(left));
        let node = (level, at.checked_shr(level.into()).unwrap_or(0));
        at = at.saturating_add(leaves_below(level));
        Some(node)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_at_the_power_of_two_below() {
        let splits: Vec<u64> = (2..=9).map(split).collect();
        assert_eq!(splits, [1, 2, 2, 4, 4, 4, 4, 8]);
        assert_eq!(split(u64::MAX), 1 << 63);
    }

    #[test]
    fn covers_a_range_with_complete_subtrees() {
        assert_eq!(cover(0, 7).collect::<Vec<_>>(), [(2, 0), (1, 2), (0, 6)]);
        assert_eq!(cover(4, 7).collect::<Vec<_>>(), [(1, 2), (0, 6)]);
        assert_eq!(cover(5, 16).collect::<Vec<_>>(), [(0, 5), (1, 3), (3, 1)]);
        assert_eq!(cover(3, 3).count(), 0);
    }
}
