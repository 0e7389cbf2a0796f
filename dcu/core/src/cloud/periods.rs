//! Which periods of a meter have a reading: one bit each.

/// Most words of 64 periods: 20 years of hours. What lies further off is a wrong clock and is not held.
const WORDS_MAX: u32 = 2800;

/// A set of periods around the first one inserted.
#[derive(Clone, Debug, Default)]
pub(super) struct PeriodSet {
    base_word: u32,
    words: Vec<u64>,
}

impl PeriodSet {
    pub(super) fn contains(&self, period: u32) -> bool {
        let word = (period / 64).checked_sub(self.base_word).and_then(|at| self.words.get(at as usize));
        word.is_some_and(|bits| bits & (1 << (period % 64)) != 0)
    }

    /// Adds the period; true when it is new.
    pub(super) fn insert(&mut self, period: u32) -> bool {
        let word = period / 64;
        if self.words.is_empty() {
            self.base_word = word;
        }
        if word < self.base_word {
            let missing = self.base_word.saturating_sub(word);
            if missing > WORDS_MAX {
                return false;
            }
            self.words.splice(0..0, std::iter::repeat_n(0, missing as usize));
            self.base_word = word;
        }
        let at = word.saturating_sub(self.base_word);
        if at > WORDS_MAX {
            return false;
        }
        let at = at as usize;
        if at >= self.words.len() {
            self.words.resize(at.saturating_add(1), 0);
        }
        let bit = 1 << (period % 64);
        let Some(bits) = self.words.get_mut(at).filter(|bits| **bits & bit == 0) else { return false };
        *bits |= bit;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_period_counts_once_in_any_order() {
        let mut set = PeriodSet::default();
        for period in [500_000, 500_001, 499_000, 500_000, 600_000] {
            assert_eq!(set.insert(period), !(period == 500_000 && set.contains(499_000)), "{period}");
        }
        assert!(set.contains(499_000) && set.contains(600_000) && !set.contains(499_001));
        assert!(!set.insert(4_000_000_000), "a clock that far off is wrong");
    }
}
