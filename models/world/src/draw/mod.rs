//! Counter-based randomness: every draw is a function of what it is for, never of what was drawn before.
//!
//! [`Draws::keyed`] takes (seed, replication, node, purpose, occasion) and opens a short stream of its own. Adding a
//! customer, asking in another order or skipping a draw changes nothing for anybody else; and two architectures that
//! ask the same question get the same answer.
//!
//! The stream is SplitMix (Steele, Lea, Flood, *Fast splittable pseudorandom number generators*, OOPSLA 2014) with a
//! start and an odd step per key, both hashed from all five words by 64×64→128-bit multiplications folded onto
//! themselves. Opening a stream and drawing once costs a few nanoseconds, so streams are made where they are needed
//! and not kept.
//!
//! The samplers are ours and use `libm` alone: `rand_distr` switches from libm to the platform's functions as soon as
//! any crate in the build enables `num-traits/std`, and then digests differ between machines.

mod quantile;

pub use quantile::normal_quantile;

/// A node's name as a number: stable under everything that happens elsewhere in the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeKey(pub u64);

impl NodeKey {
    /// The key of a scenario id: FNV-1a (64 bit) over its UTF-8 bytes, then the finaliser of SplitMix64.
    ///
    /// Part of the file format in effect: changing it changes every result.
    #[must_use]
    pub const fn of(id: &str) -> Self {
        Self(mix(fnv1a(id.as_bytes())))
    }
}

/// What a draw is for; streams of different purposes are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Purpose(pub u64);

impl Purpose {
    /// The purpose of that name. Make it a `const`: the hash is then taken at compile time.
    #[must_use]
    pub const fn named(name: &str) -> Self {
        Self(mix(fnv1a(name.as_bytes()) ^ 0x7075_7270_6f73_6521))
    }
}

/// A stream of draws for one occasion.
#[derive(Clone, Debug)]
pub struct Draws {
    state: u64,
    step: u64,
}

impl Draws {
    /// Opens the stream of this occasion.
    #[inline]
    #[must_use]
    pub const fn keyed(seed: u64, replication: u32, node: NodeKey, purpose: Purpose, occasion: u64) -> Self {
        let who = fold(seed ^ 0x9e37_79b9_7f4a_7c15, node.0 ^ 0xd1b5_4a32_d192_ed03) ^ node.0.rotate_left(32);
        let when = fold(
            purpose.0 ^ 0x8cb9_2ba7_2f3d_8dd7,
            occasion.wrapping_mul(0xa24b_aed4_963e_e407) ^ (replication as u64).wrapping_add(1).rotate_left(40),
        ) ^ occasion.rotate_left(17);
        let both = fold(who ^ 0xa076_1d64_78bd_642f, when ^ 0xe703_7ed1_a0b4_28db);
        let state = mix(both ^ who);
        let step = odd_step(both.wrapping_add(when));
        Self { state, step }
    }

    /// A stream of its own, opened by one word of this one: however much is drawn from it, this one goes on unshifted.
    #[inline]
    #[must_use]
    pub const fn branch(&mut self) -> Self {
        let word = self.u64();
        Self { state: mix(word ^ 0x6272_616e_6368_2121), step: odd_step(word) }
    }

    /// 64 random bits.
    #[inline]
    pub const fn u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(self.step);
        mix(self.state)
    }

    /// Uniform in [0, 1), 53 bits.
    #[inline]
    #[allow(clippy::cast_precision_loss)]
    pub fn uniform(&mut self) -> f64 {
        (self.u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Uniform in (0, 1): for logarithms.
    #[inline]
    #[allow(clippy::cast_precision_loss)]
    fn open(&mut self) -> f64 {
        ((self.u64() >> 12) as f64 + 0.5) * (1.0 / 4_503_599_627_370_496.0)
    }

    /// Uniform in 0..n; 0 where n is 0. The bias of at most n/2⁶⁴ is left in.
    #[inline]
    pub const fn below(&mut self, n: u64) -> u64 {
        ((self.u64() as u128 * n as u128) >> 64) as u64
    }

    /// True with probability `p`.
    #[inline]
    pub fn chance(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    /// Exponential with this mean.
    #[inline]
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(self.open())
    }

    /// Normal, by inversion (one uniform per normal, so a shift of the mean keeps the order of outcomes).
    #[inline]
    pub fn normal(&mut self, mean: f64, sd: f64) -> f64 {
        mean + sd * normal_quantile(self.open())
    }

    /// Lognormal with this median; `sigma` is the standard deviation of the logarithm.
    #[inline]
    pub fn lognormal(&mut self, median: f64, sigma: f64) -> f64 {
        median * libm::exp(sigma * normal_quantile(self.open()))
    }

    /// Weibull; shape 1 is the exponential with mean `scale`.
    #[inline]
    pub fn weibull(&mut self, shape: f64, scale: f64) -> f64 {
        scale * libm::pow(-libm::log(self.open()), 1.0 / shape)
    }

    /// Poisson. Exact for any mean: large ones are split into sums (time grows with the mean). An infinite mean gives 0.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        let mut left = if mean.is_finite() { mean } else { 0.0 };
        let mut total = 0;
        while left > 0.0 {
            let part = left.min(30.0);
            left -= part;
            let limit = libm::exp(-part);
            let mut product = self.uniform();
            while product > limit {
                total += 1;
                product *= self.uniform();
            }
        }
        total
    }

    /// An index, each with probability proportional to its weight; the last index with a positive weight catches
    /// rounding. An empty or all-zero slice gives 0.
    pub fn pick(&mut self, weights: &[f64]) -> usize {
        let mut left = self.uniform() * weights.iter().sum::<f64>();
        let mut last = 0;
        for (i, &w) in weights.iter().enumerate() {
            if w > 0.0 {
                last = i;
                if left < w {
                    return i;
                }
                left -= w;
            }
        }
        last
    }
}

#[inline]
const fn fold(a: u64, b: u64) -> u64 {
    let wide = a as u128 * b as u128;
    (wide as u64) ^ ((wide >> 64) as u64)
}

/// SplitMix64's finaliser (Stafford's variant 13).
#[inline]
const fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// An odd step with enough bit transitions, as SplittableRandom makes it: steps with long runs of equal bits give
/// weak streams.
#[inline]
const fn odd_step(z: u64) -> u64 {
    let z = (z ^ (z >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd) | 1;
    if (z ^ (z >> 1)).count_ones() < 24 { z ^ 0xaaaa_aaaa_aaaa_aaaa } else { z }
}

const fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        i += 1;
    }
    hash
}

#[cfg(test)]
mod tests;
