//! Convolutional codes by their distance spectra: union bounds on the bit error rate after Viterbi's decoder.
//!
//! The spectra are those of the codes themselves (a test enumerates the trellis and compares). A union bound is an
//! upper bound, loose where the channel is bad; there it is cut at one half.

/// A code: its free distance and the information weights of the first distances, one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// Smallest distance.
    pub free_distance: u32,
    /// Information weight at free distance, the next one, and so on.
    pub weights: &'static [u32],
    /// Information bits per period of the puncturing pattern (the weights count all starts within it).
    pub period: u32,
}

/// Rate ½, constraint length 4 (15, 17 octal): 802.15.4g's FSK.
pub const HALF_K4: Code = Code { free_distance: 6, weights: &[2, 7, 18, 49, 130, 333, 836, 2069], period: 1 };
/// Rate ½, constraint length 7 (133, 171): 802.15.4g's OFDM, G3-PLC.
pub const HALF_K7: Code = Code { free_distance: 10, weights: &[36, 0, 211, 0, 1404, 0, 11_633, 0, 77_433], period: 1 };
/// The same punctured to ¾.
pub const THREE_QUARTERS_K7: Code = Code { free_distance: 5, weights: &[42, 201, 1492, 10_469, 62_935], period: 3 };

impl Code {
    /// Bit error rate after hard decisions with this error rate of channel bits.
    #[must_use]
    pub fn hard(&self, channel_ber: f64) -> f64 {
        self.bound(|d| hard_pair(d, channel_ber.clamp(0.0, 0.5)))
    }

    /// Bit error rate after soft decisions; `per_distance` is the squared argument of Q that one bit of distance adds
    /// (2·E/N₀ for BPSK).
    #[must_use]
    pub fn soft(&self, per_distance: f64) -> f64 {
        self.bound(|d| tail(libm::sqrt(f64::from(d) * per_distance)))
    }

    fn bound(&self, pair: impl Fn(u32) -> f64) -> f64 {
        let terms = (self.free_distance..).zip(self.weights).filter(|(_, w)| **w > 0);
        let sum: f64 = terms.map(|(d, w)| f64::from(*w) * pair(d)).sum();
        (sum / f64::from(self.period)).min(0.5)
    }
}

/// Probability that a standard normal exceeds x.
#[must_use]
pub fn tail(x: f64) -> f64 {
    0.5 * libm::erfc(x * core::f64::consts::FRAC_1_SQRT_2)
}

/// Probability that more than half of `d` channel bits are wrong (a draw counts half).
fn hard_pair(d: u32, p: f64) -> f64 {
    let q = 1.0 - p;
    let mut term = libm::pow(q, f64::from(d));
    let mut sum = 0.0;
    if p <= 0.0 {
        return 0.0;
    }
    for k in 0..=d {
        if 2 * k > d {
            sum += term;
        } else if 2 * k == d {
            sum += 0.5 * term;
        }
        term *= f64::from(d - k) / f64::from(k + 1) * (p / q);
    }
    sum
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Information weights of all paths that leave the zero state and first come back, by distance.
    fn enumerate(constraint: u32, generators: [u32; 2], pattern: &[[bool; 2]], up_to: u32) -> BTreeMap<u32, u32> {
        let mut found = BTreeMap::new();
        let bit = |state: u32, input: u32, phase: usize| {
            let register = (input << (constraint - 1)) | state;
            let sent = |i: usize| pattern[phase][i] && (register & generators[i]).count_ones() % 2 == 1;
            (register >> 1, u32::from(sent(0)) + u32::from(sent(1)))
        };
        for first in 0..pattern.len() {
            let (state, distance) = bit(0, 1, first);
            // (state, distance) -> (paths, information weight of them all)
            let mut open = BTreeMap::from([((state, distance), (1_u32, 1_u32))]);
            let mut phase = (first + 1) % pattern.len();
            while !open.is_empty() {
                let mut next = BTreeMap::new();
                for ((state, distance), (paths, weight)) in open {
                    for input in [0, 1] {
                        let (to, added) = bit(state, input, phase);
                        let (d, w) = (distance + added, weight + input * paths);
                        if d > up_to {
                            continue;
                        }
                        if to == 0 {
                            *found.entry(d).or_insert(0) += w;
                        } else {
                            let slot = next.entry((to, d)).or_insert((0, 0));
                            *slot = (slot.0 + paths, slot.1 + w);
                        }
                    }
                }
                open = next;
                phase = (phase + 1) % pattern.len();
            }
        }
        found
    }

    #[test]
    fn the_spectra_are_those_of_the_codes() {
        let whole = [[true, true]];
        let punctured = [[true, true], [true, false], [false, true]];
        for (code, found) in [
            (HALF_K4, enumerate(4, [0o15, 0o17], &whole, 13)),
            (HALF_K7, enumerate(7, [0o133, 0o171], &whole, 18)),
            (THREE_QUARTERS_K7, enumerate(7, [0o133, 0o171], &punctured, 9)),
        ] {
            let wanted: BTreeMap<u32, u32> =
                (code.free_distance..).zip(code.weights.iter().copied()).filter(|(_, w)| *w > 0).collect();
            assert_eq!(found, wanted);
        }
    }

    #[test]
    fn coding_helps_and_soft_decisions_help_more() {
        let ebn0 = libm::pow(10.0, 0.5);
        let plain = tail(libm::sqrt(2.0 * ebn0));
        let soft = HALF_K7.soft(2.0 * 0.5 * ebn0);
        let hard = HALF_K7.hard(tail(libm::sqrt(ebn0)));
        assert!(soft < hard && hard < plain, "{soft} {hard} {plain}");
        assert!((hard_pair(3, 0.1) - (3.0 * 0.01 * 0.9 + 0.001)).abs() < 1e-15);
        assert!((HALF_K7.hard(0.5) - 0.5).abs() < 1e-12);
    }
}
