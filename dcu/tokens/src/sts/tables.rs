//! The two substitution tables and the permutation of EA07, as input.
//!
//! The Standard Transfer Algorithm needs three tables. Those of production are licensed by the STS Association and not
//! here; the sample ones printed in the standard are ([`StaTables::sample`]), and tokens made with them open in no real
//! meter. Licensed ones are read from a text ([`StaTables::from_text`]), which the shell takes from a file.

use std::fmt;
use std::sync::Arc;

/// Inputs of a substitution.
const VALUES: usize = 16;
/// Bits of a block.
const BITS: usize = 64;

/// The tables of EA07, made ready for use. Copies share them.
#[derive(Clone)]
pub struct StaTables(Arc<Prepared>);

/// Per place of a nibble, and per key bit and value: the substituted nibble's bits where the permutation takes them.
type Forward = [[u64; 2 * VALUES]; VALUES];

struct Prepared {
    name: String,
    forward: Forward,
    /// Per place of a nibble and value: its bits where the inverse permutation takes them.
    unpermute: [[u64; VALUES]; VALUES],
    /// Per key bit and value: the inverse substitution.
    unsubstitute: [u8; 2 * VALUES],
}

/// Why a text holds no tables.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// A line that is neither empty, nor a comment, nor `name = numbers`.
    #[error("line {line}: expected `name = numbers`, a comment after # or nothing")]
    Line {
        /// From 1.
        line: usize,
    },
    /// A name other than the three, or one of them twice.
    #[error("line {line}: {name:?} is not expected here (substitution1, substitution2, permutation; each once)")]
    Name {
        /// From 1.
        line: usize,
        /// As found.
        name: String,
    },
    /// Something that is no number below the limit.
    #[error("line {line}: {text:?} is no number from 0 to {max}")]
    Number {
        /// From 1.
        line: usize,
        /// As found.
        text: String,
        /// Largest allowed.
        max: usize,
    },
    /// Too few or too many.
    #[error("line {line}: {table} has {found} numbers instead of {expected}")]
    Count {
        /// From 1.
        line: usize,
        /// Which table.
        table: &'static str,
        /// Numbers found.
        found: usize,
        /// Numbers needed.
        expected: usize,
    },
    /// A number twice: nothing could be decrypted.
    #[error("line {line}: {table} has {number} more than once")]
    Twice {
        /// From 1.
        line: usize,
        /// Which table.
        table: &'static str,
        /// The number.
        number: u8,
    },
    /// A table is not there.
    #[error("there is no {0}")]
    Missing(&'static str),
    /// Longer than any such file.
    #[error("the text is longer than 64 KiB")]
    TooLong,
}

impl TableError {
    /// The line that is wrong, from 1; none where it is the whole.
    #[must_use]
    pub const fn line(&self) -> Option<usize> {
        match self {
            Self::Line { line }
            | Self::Name { line, .. }
            | Self::Number { line, .. }
            | Self::Count { line, .. }
            | Self::Twice { line, .. } => Some(*line),
            Self::Missing(_) | Self::TooLong => None,
        }
    }
}

const NAMES: [&str; 3] = ["substitution1", "substitution2", "permutation"];
const TEXT_MAX: usize = 64 * 1024;

impl StaTables {
    /// The sample tables of the standard, for simulation and tests.
    #[must_use]
    pub fn sample() -> Self {
        Self::prepare("iec-sample", &SAMPLE_1, &SAMPLE_2, &SAMPLE_PERMUTATION)
    }

    /// Reads tables. A text looks like this, numbers separated by spaces or commas, the permutation saying where bit
    /// 0, 1, 2 … of the block goes (bit 0 is the least significant):
    ///
    /// ```text
    /// # whose tables these are
    /// substitution1 = 12 10 8 4 3 15 0 2 14 1 5 13 6 9 7 11
    /// substitution2 = …16 numbers from 0 to 15
    /// permutation = …64 numbers from 0 to 63
    /// ```
    ///
    /// `name` is what errors and reports call them.
    ///
    /// # Errors
    /// [`TableError`], with the line.
    pub fn from_text(name: &str, text: &str) -> Result<Self, TableError> {
        if text.len() > TEXT_MAX {
            return Err(TableError::TooLong);
        }
        let (mut one, mut two, mut permutation) = (None, None, None);
        for (line, content) in (1..).zip(text.lines()) {
            let content = content.split('#').next().unwrap_or("").trim();
            if content.is_empty() {
                continue;
            }
            let (key, numbers) = content.split_once('=').ok_or(TableError::Line { line })?;
            let key = key.trim();
            match key {
                "substitution1" if one.is_none() => one = Some(table::<VALUES>(NAMES[0], line, numbers)?),
                "substitution2" if two.is_none() => two = Some(table::<VALUES>(NAMES[1], line, numbers)?),
                "permutation" if permutation.is_none() => permutation = Some(table::<BITS>(NAMES[2], line, numbers)?),
                _ => return Err(TableError::Name { line, name: key.chars().take(40).collect() }),
            }
        }
        let [first, second, third] = NAMES;
        Ok(Self::prepare(
            name,
            &one.ok_or(TableError::Missing(first))?,
            &two.ok_or(TableError::Missing(second))?,
            &permutation.ok_or(TableError::Missing(third))?,
        ))
    }

    /// What they are called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Expects tables that have every number once.
    fn prepare(name: &str, one: &[u8; VALUES], two: &[u8; VALUES], permutation: &[u8; BITS]) -> Self {
        let mut forward: Forward = [[0; 2 * VALUES]; VALUES];
        let mut unpermute = [[0; VALUES]; VALUES];
        let mut unsubstitute = [0; 2 * VALUES];
        for (place, (forward, target)) in (0_u32..).zip(forward.iter_mut().zip(permutation.chunks_exact(4))) {
            for (entry, value) in forward.iter_mut().zip(one.iter().chain(two)) {
                *entry = scatter(*value, target);
            }
            let source: Vec<u8> = (0..4_u32)
                .map(|bit| {
                    let to = place.saturating_mul(4).saturating_add(bit);
                    (0_u8..).zip(permutation).find(|(_, target)| u32::from(**target) == to).map_or(0, |(from, _)| from)
                })
                .collect();
            if let Some(row) = unpermute.get_mut(place as usize) {
                for (value, entry) in (0_u8..).zip(row.iter_mut()) {
                    *entry = scatter(value, &source);
                }
            }
        }
        for (offset, table) in [(0, one), (VALUES, two)] {
            for (value, substitute) in (0_u8..).zip(table) {
                if let Some(place) = unsubstitute.get_mut(offset | usize::from(*substitute)) {
                    *place = value;
                }
            }
        }
        Self(Arc::new(Prepared { name: name.into(), forward, unpermute, unsubstitute }))
    }

    /// One round forward: substitution chosen by bit 3 of every nibble of the key, then the permutation.
    #[inline]
    pub(crate) fn round(&self, block: u64, key: u64) -> u64 {
        let mut sum = 0;
        for (place, row) in self.0.forward.iter().enumerate() {
            let at = place << 2;
            let index = (key >> (at | 3) & 1) << 4 | block >> at & 0x0F;
            sum |= row.get(index as usize).copied().unwrap_or_default();
        }
        sum
    }

    /// The inverse permutation, then the inverse substitution.
    #[inline]
    pub(crate) fn unround(&self, block: u64, key: u64) -> u64 {
        let mut moved = 0;
        for (place, row) in self.0.unpermute.iter().enumerate() {
            moved |= row.get((block >> (place << 2) & 0x0F) as usize).copied().unwrap_or_default();
        }
        let mut sum = 0;
        for place in 0..VALUES {
            let at = place << 2;
            let index = (key >> (at | 3) & 1) << 4 | moved >> at & 0x0F;
            sum |= u64::from(self.0.unsubstitute.get(index as usize).copied().unwrap_or_default()) << at;
        }
        sum
    }
}

impl fmt::Debug for StaTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StaTables({})", self.0.name)
    }
}

/// The four bits of a nibble, at those places.
fn scatter(nibble: u8, targets: &[u8]) -> u64 {
    (0_u32..).zip(targets).fold(0, |sum, (bit, target)| sum | u64::from(nibble >> (bit & 3) & 1) << (target & 63))
}

fn table<const N: usize>(table: &'static str, line: usize, text: &str) -> Result<[u8; N], TableError> {
    let mut numbers = [0_u8; N];
    let mut seen = 0_u64;
    let mut found = 0_usize;
    for word in text.split([' ', ',', '\t']).filter(|word| !word.is_empty()) {
        let number = word.parse::<u8>().ok().filter(|number| usize::from(*number) < N);
        let bad = || TableError::Number { line, text: word.chars().take(40).collect(), max: N.saturating_sub(1) };
        let number = number.ok_or_else(bad)?;
        if seen >> (number & 63) & 1 == 1 {
            return Err(TableError::Twice { line, table, number });
        }
        seen |= 1 << (number & 63);
        if let Some(place) = numbers.get_mut(found) {
            *place = number;
        }
        found = found.saturating_add(1);
    }
    if found != N {
        return Err(TableError::Count { line, table, found, expected: N });
    }
    Ok(numbers)
}

const SAMPLE_1: [u8; VALUES] = [12, 10, 8, 4, 3, 15, 0, 2, 14, 1, 5, 13, 6, 9, 7, 11];
const SAMPLE_2: [u8; VALUES] = [6, 9, 7, 4, 3, 10, 12, 14, 2, 13, 1, 15, 0, 11, 8, 5];
const SAMPLE_PERMUTATION: [u8; BITS] = [
    29, 27, 34, 9, 16, 62, 55, 2, 40, 49, 38, 25, 33, 61, 30, 23, 1, 41, 21, 57, 42, 15, 5, 58, 19, 53, 22, 17, 48, 28,
    24, 39, 3, 60, 36, 14, 11, 52, 54, 12, 31, 51, 10, 26, 0, 45, 37, 43, 44, 6, 59, 4, 7, 35, 56, 50, 13, 18, 32, 47,
    46, 63, 20, 8,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn text(one: &[u8], two: &[u8], permutation: &[u8]) -> String {
        let row = |numbers: &[u8]| numbers.iter().map(u8::to_string).collect::<Vec<_>>().join(" ");
        format!(
            "# sample\nsubstitution1 = {}\nsubstitution2 = {}\n\npermutation = {} # to\n",
            row(one),
            row(two),
            row(permutation)
        )
    }

    #[test]
    fn a_text_with_the_sample_is_the_sample() {
        let read = StaTables::from_text("file", &text(&SAMPLE_1, &SAMPLE_2, &SAMPLE_PERMUTATION)).unwrap();
        let sample = StaTables::sample();
        for block in [0, 1, u64::MAX, 0x0123_4567_89ab_cdef] {
            assert_eq!(read.round(block, 0xfedc_ba98_7654_3210), sample.round(block, 0xfedc_ba98_7654_3210));
            assert_eq!(sample.unround(sample.round(block, 77), 77), block);
        }
        assert_eq!(format!("{read:?}"), "StaTables(file)");
    }

    #[test]
    fn errors_name_the_line() {
        let mut twice = SAMPLE_1;
        twice[3] = 12;
        for (text, error) in [
            ("substitution1 12".to_string(), TableError::Line { line: 1 }),
            ("\nsbox = 1".to_string(), TableError::Name { line: 2, name: "sbox".into() }),
            (
                "substitution1 = 1 2".to_string(),
                TableError::Count { line: 1, table: "substitution1", found: 2, expected: 16 },
            ),
            ("substitution2 = 1 16".to_string(), TableError::Number { line: 1, text: "16".into(), max: 15 }),
            (
                text(&twice, &SAMPLE_2, &SAMPLE_PERMUTATION),
                TableError::Twice { line: 2, table: "substitution1", number: 12 },
            ),
            (String::new(), TableError::Missing("substitution1")),
            (" ".repeat(70_000), TableError::TooLong),
        ] {
            assert_eq!(StaTables::from_text("file", &text).err(), Some(error));
        }
    }
}
