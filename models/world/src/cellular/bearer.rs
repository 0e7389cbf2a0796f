//! Drops of the bearer and the router: minutes to hours, often, in clusters, with a heavy tail.
//!
//! The rate is the brief's; every shape is *measured* on Brazilian campus links (`rsflood_campus_links_stats.json`,
//! 102 links, 180 days, 729 outages), which are fixed links of another country and no rural modem:
//! length p50 80 min and p90 915 min, lognormal (best by AIC); gaps Weibull of shape 0.766 (cv 1.33: they
//! cluster); links differ in rate by a lognormal of 0.85 (mean 1.209 to median 0.845 a month). The shortest drops are
//! from the 5-minute cycles (`rsflood_5min_stats.json`: p05 5 min).

use super::{CellularParams, DownWhy};
use crate::{
    draw::{Draws, NodeKey, Purpose, normal_quantile},
    spells::{self, MONTH_H, Spell},
};

const DROP: Purpose = Purpose::named("cellular/drop");
const DIFFERENCE: Purpose = Purpose::named("cellular/link-rate");
/// Shortest drop that counts, hours: a cycle of the measurement.
const LEAST_H: f64 = 5.0 / 60.0;
/// The law of gaps has settled after so long, milliseconds.
const WARM_UP_MS: u64 = 60 * 86_400_000;
/// Points at which the mean length is taken.
const POINTS: usize = 400;

/// How the drops of one site come, all kinds together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Law {
    /// Drops a month that a SIM's path at this site sees.
    per_month: f64,
    /// The lognormal whose part below `most_h` has the wanted quantiles.
    median_h: f64,
    sigma: f64,
    most_h: f64,
    mean_h: f64,
    gap_shape: f64,
    mean_per_scale: f64,
}

impl Law {
    /// The law at the site of this seed.
    pub(super) fn of(p: &CellularParams, seed: u64, rep: u32) -> Self {
        let mut draws = Draws::keyed(seed, rep, NodeKey::of("cellular/site"), DIFFERENCE, 0);
        let spread = p.bearer_rate_sigma;
        let factor = draws.lognormal(libm::exp(-spread * spread / 2.0), spread);
        let most_h = p.bearer_drop_most_h;
        let (median_h, sigma) = uncut(p.bearer_drop_median_min / 60.0, p.bearer_drop_p90_h, most_h);
        let mut law = Self {
            per_month: p.bearer_drops_per_month * factor,
            median_h,
            sigma,
            most_h,
            mean_h: 0.0,
            gap_shape: p.bearer_gap_shape,
            mean_per_scale: libm::tgamma(1.0 + 1.0 / p.bearer_gap_shape),
        };
        law.mean_h = law.mean();
        law
    }

    /// Mean length, hours, by the middles of equal shares.
    fn mean(&self) -> f64 {
        let at = |i: usize| (i as f64 + 0.5) / POINTS as f64;
        let hours = |u: f64| self.median_h * libm::exp(self.sigma * normal_quantile(u));
        let (sum, count) = (0..POINTS)
            .map(|i| hours(at(i)))
            .filter(|&h| h <= self.most_h)
            .fold((0.0, 0_u32), |(sum, count), h| (sum + h.max(LEAST_H), count + 1));
        sum / f64::from(count.max(1))
    }

    fn length_h(&self, draws: &mut Draws) -> f64 {
        // Shorter ones than a cycle of the measurement count as one; longer ones than the longest are drawn again.
        spells::bounded_lognormal(draws, self.median_h, self.sigma, 0.0, self.most_h).max(LEAST_H)
    }
}

/// Median and sigma of the lognormal which, cut off above `most`, has this median and this 90 % quantile.
fn uncut(median: f64, p90: f64, most: f64) -> (f64, f64) {
    let (mut m, mut sigma) = (median, libm::log(p90 / median) / normal_quantile(0.9));
    for _ in 0..30 {
        let below = 0.5 * libm::erfc(-libm::log(most / m) / (sigma * std::f64::consts::SQRT_2));
        let (middle, high) = (normal_quantile(0.5 * below), normal_quantile(0.9 * below));
        sigma = libm::log(p90 / median) / (high - middle);
        m = median * libm::exp(-sigma * middle);
    }
    (m, sigma)
}

/// A share of the site's drops as a process of its own, each with the reason that `why` draws.
pub(super) fn drops(
    law: &Law,
    key: NodeKey,
    share: f64,
    seed: u64,
    rep: u32,
    horizon_ms: u64,
    mut why: impl FnMut(&mut Draws) -> DownWhy,
) -> Vec<(Spell, DownWhy)> {
    let rate = law.per_month * share;
    if rate <= 0.0 {
        return Vec::new();
    }
    // From start to start a month over the rate; a tenth of it stays a gap however long the drops are.
    let cycle_h = MONTH_H / rate;
    let scale_h = (cycle_h - law.mean_h).max(cycle_h * 0.1) / law.mean_per_scale;
    let gap_h = |draws: &mut Draws| draws.weibull(law.gap_shape, scale_h);
    let length = |draws: &mut Draws, _: i64| Some((law.length_h(draws), why(draws)));
    spells::alternating(seed, rep, key, DROP, WARM_UP_MS, horizon_ms, gap_h, length)
}
