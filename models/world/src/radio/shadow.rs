//! Shadowing as a field over the ground: two neighbours see the same hill.
//!
//! A [`Field`] is a sum of plane waves whose wave numbers follow the two-dimensional spectrum of Gudmundson's
//! exponential autocorrelation, exp(−d/δ) (*Correlation model for shadow fading in mobile radio systems*, Electronics
//! Letters 27, 1991). In two dimensions that spectrum integrates to 1 − 1/√(1+k²δ²), so a wave number is drawn in
//! closed form. The field is a function of place and seed: nothing is stored per node, and nobody's arrival changes
//! anybody's link.
//!
//! A link has three parts, mixed to the stated σ whatever its length: what stands around either **end** (shared by all
//! links of that house), what stands along the **path** (the line integral of the field, in closed form too; after
//! Agrawal and Patwari, *Correlated link shadow fading*, IEEE Trans. Wireless 8, 2009), and a rest of the **pair**
//! alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    draw::{Draws, NodeKey, Purpose},
    param::{Checks, ParamError},
};

/// How shadowing varies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ShadowParams {
    /// Standard deviation over links, dB. Assumed: 7 (usual 6–10 for suburban paths).
    pub sigma_db: f64,
    /// Distance over which the field's correlation falls to 1/e, m. Assumed: 30 (usual 20–50).
    pub correlation_m: f64,
    /// Weight of what stands around the ends. Assumed: 0.6.
    pub ends: f64,
    /// Weight of what stands along the path. Assumed: 0.6.
    pub path: f64,
    /// Weight of the pair's own rest. Assumed: 0.5.
    pub pair: f64,
}

impl Default for ShadowParams {
    fn default() -> Self {
        Self { sigma_db: 7.0, correlation_m: 30.0, ends: 0.6, path: 0.6, pair: 0.5 }
    }
}

impl ShadowParams {
    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        let any = self.ends + self.path + self.pair > 0.0;
        Checks::default()
            .demand((0.0..=20.0).contains(&self.sigma_db), "sigma_db", self.sigma_db, "0 to 20 dB")
            .demand((1.0..=10_000.0).contains(&self.correlation_m), "correlation_m", self.correlation_m, "1 to 10000 m")
            .share("ends", self.ends)
            .share("path", self.path)
            .share("pair", self.pair)
            .demand(any, "ends", self.ends, "`ends`, `path`, `pair`: at least one above 0")
            .done()
    }
}

/// A wave: radians a metre east and north, phase.
#[derive(Clone, Copy, Debug)]
struct Wave {
    east: f64,
    north: f64,
    phase: f64,
}

/// A place in a field, prepared: links between two of them are cheap.
#[derive(Clone, Debug)]
pub struct Standing {
    key: NodeKey,
    at_m: [f64; 2],
    /// The field here.
    here: f64,
    /// Sine and cosine of every wave here.
    waves: Vec<[f64; 2]>,
}

/// The field of one village under one seed; mean 0, variance 1.
#[derive(Clone, Debug)]
pub struct Field {
    params: ShadowParams,
    seed: u64,
    waves: Vec<Wave>,
}

impl Field {
    /// Waves of a field: enough that sums are normal; a value costs some 3 µs.
    const WAVES: u64 = 192;

    /// Draws the field.
    #[must_use]
    pub fn new(params: &ShadowParams, seed: u64) -> Self {
        const FIELD: Purpose = Purpose::named("radio/shadow_field");
        let turn = 2.0 * core::f64::consts::PI;
        let wave = |i| {
            let mut draws = Draws::keyed(seed, 0, NodeKey(0), FIELD, i);
            let left = 1.0 - draws.uniform();
            let number = libm::sqrt((1.0 / (left * left) - 1.0).max(0.0)) / params.correlation_m;
            let angle = turn * draws.uniform();
            let phase = turn * draws.uniform();
            Wave { east: number * libm::cos(angle), north: number * libm::sin(angle), phase }
        };
        Self { params: params.clone(), seed, waves: (0..Self::WAVES).map(wave).collect() }
    }

    /// The field at a place (metres east, north).
    #[must_use]
    pub fn at(&self, [east, north]: [f64; 2]) -> f64 {
        let sum: f64 = self.waves.iter().map(|w| libm::cos(w.east * east + w.north * north + w.phase)).sum();
        sum * Self::scale()
    }

    /// Prepares a place.
    #[must_use]
    pub fn stand(&self, key: NodeKey, at_m: [f64; 2]) -> Standing {
        let wave = |w: &Wave| {
            let phase = w.east * at_m[0] + w.north * at_m[1] + w.phase;
            [libm::sin(phase), libm::cos(phase)]
        };
        let waves: Vec<[f64; 2]> = self.waves.iter().map(wave).collect();
        let here = waves.iter().map(|wave| wave[1]).sum::<f64>() * Self::scale();
        Standing { key, at_m, here, waves }
    }

    /// Shadowing of the link between two nodes, dB (positive is worse), the same both ways. For many links prepare the
    /// places and ask [`Field::between_db`].
    #[must_use]
    pub fn link_db(&self, a: (NodeKey, [f64; 2]), b: (NodeKey, [f64; 2])) -> f64 {
        self.between_db(&self.stand(a.0, a.1), &self.stand(b.0, b.1))
    }

    /// Shadowing of the link between two places, dB (positive is worse), the same both ways.
    #[must_use]
    pub fn between_db(&self, a: &Standing, b: &Standing) -> f64 {
        const PAIR: Purpose = Purpose::named("radio/shadow_pair");
        let (low, high) = if a.key <= b.key { (a, b) } else { (b, a) };
        let length_m = libm::hypot(high.at_m[0] - low.at_m[0], high.at_m[1] - low.at_m[1]);
        let p = &self.params;
        let moments = Moments::of(length_m / p.correlation_m);
        let ends = (low.here + high.here) / libm::sqrt(moments.ends);
        let path = self.mean_along(low, high) / libm::sqrt(moments.path);
        let pair = Draws::keyed(self.seed, 0, low.key, PAIR, high.key.0).normal(0.0, 1.0);
        let together = moments.both / libm::sqrt(moments.ends * moments.path);
        let variance = p.ends * p.ends + p.path * p.path + p.pair * p.pair + 2.0 * p.ends * p.path * together;
        p.sigma_db * (p.ends * ends + p.path * path + p.pair * pair) / libm::sqrt(variance)
    }

    /// Mean of the field along a straight line: the integral of a cosine is a difference of sines.
    fn mean_along(&self, a: &Standing, b: &Standing) -> f64 {
        let (east_m, north_m) = (b.at_m[0] - a.at_m[0], b.at_m[1] - a.at_m[1]);
        let mut along = [0.0; Self::WAVES as usize];
        let ends = a.waves.iter().zip(&b.waves);
        // All quotients first, then their sum in order: the former go several at a time.
        for ((mean, w), (from, to)) in along.iter_mut().zip(&self.waves).zip(ends) {
            let turn = w.east * east_m + w.north * north_m;
            let (turned, hardly) = ((to[0] - from[0]) / turn, 0.5 * (from[1] + to[1]));
            // A wave that hardly turns on the way: the mean of its ends is as good, to a hundred-millionth.
            *mean = if turn.abs() < 1e-4 { hardly } else { turned };
        }
        along.iter().sum::<f64>() * Self::scale()
    }

    fn scale() -> f64 {
        libm::sqrt(2.0 / Self::WAVES as f64)
    }
}

/// Second moments of a link's parts, from the exponential autocorrelation, for a length in units of δ.
struct Moments {
    /// Variance of the sum of the two ends.
    ends: f64,
    /// Variance of the mean along the path.
    path: f64,
    /// Covariance of the two.
    both: f64,
}

impl Moments {
    fn of(length: f64) -> Self {
        let x = length.max(1e-4);
        let gone = -libm::expm1(-x);
        Self { ends: 2.0 * (2.0 - gone), path: 2.0 * (x - gone) / (x * x), both: 2.0 * gone / x }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEDS: u64 = 600;

    fn correlation(of: impl Fn(u64) -> (f64, f64)) -> (f64, f64) {
        let pairs: Vec<(f64, f64)> = (0..SEEDS).map(of).collect();
        let mean = |f: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(f).sum::<f64>() / SEEDS as f64;
        let (ma, mb) = (mean(&|p| p.0), mean(&|p| p.1));
        let (va, vb) = (mean(&|p| (p.0 - ma) * (p.0 - ma)), mean(&|p| (p.1 - mb) * (p.1 - mb)));
        (mean(&|p| (p.0 - ma) * (p.1 - mb)) / libm::sqrt(va * vb), libm::sqrt(va))
    }

    fn node(id: &str, at: [f64; 2]) -> (NodeKey, [f64; 2]) {
        (NodeKey::of(id), at)
    }

    /// Figure: autocorrelation at 0.1–3 δ. Bound: exp(−d/δ) ± 0.1 (four standard errors of 600 seeds at the worst).
    /// Source: Gudmundson 1991.
    #[test]
    fn the_field_has_gudmundsons_autocorrelation() {
        let params = ShadowParams::default();
        for (d, angle) in [(3.0, 0.0), (10.0, 0.7), (30.0, 1.5), (60.0, 2.2), (90.0, 3.0)] {
            let to = [100.0 + d * libm::cos(angle), 40.0 + d * libm::sin(angle)];
            let (found, sigma) = correlation(|seed| {
                let field = Field::new(&params, seed);
                (field.at([100.0, 40.0]), field.at(to))
            });
            let wanted = libm::exp(-d / params.correlation_m);
            assert!((found - wanted).abs() < 0.1, "{d} m: {found} for {wanted}");
            assert!((sigma - 1.0).abs() < 0.1, "{sigma}");
        }
    }

    #[test]
    fn neighbours_see_the_same_hill_and_the_far_side_of_the_village_another() {
        let params = ShadowParams::default();
        let links = |near: [f64; 2]| {
            correlation(|seed| {
                let field = Field::new(&params, seed);
                let root = node("root", [0.0, 0.0]);
                (field.link_db(root, node("a", [200.0, 0.0])), field.link_db(root, node("b", near)))
            })
        };
        let (beside, sigma) = links([200.0, 6.0]);
        let (away, _) = links([-150.0, 120.0]);
        assert!((sigma - 7.0).abs() < 0.7, "the stated sigma: {sigma}");
        assert!(beside > 0.55 && away < 0.4 && away < beside - 0.25, "{beside} {away}");
        // The sabotage: shadowing drawn by the pair's keys alone knows no neighbours.
        let alone = ShadowParams { ends: 0.0, path: 0.0, pair: 1.0, ..ShadowParams::default() };
        let (alone, _) = correlation(|seed| {
            let field = Field::new(&alone, seed);
            let of = |id| field.link_db(node("root", [0.0, 0.0]), node(id, [200.0, 0.0]));
            (of("a"), of("b"))
        });
        assert!(alone.abs() < 0.2, "{alone}");
    }

    #[test]
    fn links_are_symmetric_and_of_the_same_sigma_at_any_length() {
        let params = ShadowParams::default();
        for length_m in [1.0, 30.0, 1000.0] {
            let (_, sigma) = correlation(|seed| {
                let field = Field::new(&params, seed);
                let (a, b) = (node("k", [5.0, 5.0]), node("l", [5.0 + length_m, 5.0]));
                assert_eq!(field.link_db(a, b).to_bits(), field.link_db(b, a).to_bits());
                (field.link_db(a, b), 0.0)
            });
            assert!((sigma - 7.0).abs() < 0.8, "{length_m} m: {sigma}");
        }
        assert_eq!(params.check(), []);
    }
}
