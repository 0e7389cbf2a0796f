//! Means with intervals, percentiles, paired differences, and when to stop drawing.
//!
//! Student's t at 95 %, two-sided; percentiles by nearest rank (as `taa_sim::kpi::quantile`). The interval is one of
//! the *mean over draws of the world*: it says nothing of what all draws have in common (the models, their assumed
//! parameters), which the sensitivity table shows.

pub mod stopping;

use taa_sim::kpi::quantile;

use crate::study::Estimate;

/// The estimate from these values, one per draw; what is not finite is left out. No value: all zero with `n` 0.
#[must_use]
pub fn estimate(values: &[f64]) -> Estimate {
    let mut kept: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    if kept.is_empty() {
        return Estimate { n: 0, mean: 0.0, low: 0.0, high: 0.0, p10: 0.0, p50: 0.0, p90: 0.0 };
    }
    let n = kept.len() as f64;
    let mean = kept.iter().sum::<f64>() / n;
    let half = half_width(&kept, mean);
    let mut at = |q: f64| quantile(&mut kept, q).unwrap_or(mean);
    let (p10, p50, p90) = (at(0.1), at(0.5), at(0.9));
    Estimate {
        n: values.iter().filter(|v| v.is_finite()).count() as u32,
        mean,
        low: mean - half,
        high: mean + half,
        p10,
        p50,
        p90,
    }
}

/// The estimate of `b − a`, draw by draw; draws that lack one of the two are left out.
#[must_use]
pub fn paired(a: &[f64], b: &[f64]) -> Estimate {
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| b - a).collect();
    estimate(&differences)
}

/// The share that `part` has of `whole`, both summed over the draws: a draw counts by how much happened in it. The
/// interval is the jackknife's, kept within 0 and 1. Nothing where nothing happened.
#[must_use]
pub fn share(part: &[f64], whole: &[f64]) -> Estimate {
    let pairs: Vec<(f64, f64)> =
        part.iter().copied().zip(whole.iter().copied()).filter(|(p, w)| p.is_finite() && w.is_finite()).collect();
    let (parts, wholes) = pairs.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
    if wholes <= 0.0 {
        return Estimate::default();
    }
    let n = pairs.len() as f64;
    let all = parts / wholes;
    let without = |pair: &(f64, f64)| if wholes > pair.1 { (parts - pair.0) / (wholes - pair.1) } else { all };
    let pseudo: Vec<f64> = pairs.iter().map(|pair| n * all - (n - 1.0) * without(pair)).collect();
    let e = estimate(&pseudo);
    let half = (e.high - e.low) / 2.0;
    let within = |v: f64| v.clamp(0.0, 1.0);
    Estimate {
        n: e.n,
        mean: all,
        low: within(all - half),
        high: within(all + half),
        p10: within(e.p10),
        p50: within(e.p50),
        p90: within(e.p90),
    }
}

/// An estimate times a factor: a change of unit. A negative factor swaps the ends.
#[must_use]
pub fn scaled(e: Estimate, factor: f64) -> Estimate {
    let swap = factor < 0.0;
    let pair = |low: f64, high: f64| if swap { (high * factor, low * factor) } else { (low * factor, high * factor) };
    let ((low, high), (p10, p90)) = (pair(e.low, e.high), pair(e.p10, e.p90));
    Estimate { n: e.n, mean: e.mean * factor, low, high, p10, p50: e.p50 * factor, p90 }
}

/// Half the width of the 95 % interval of the mean; 0 for one value.
fn half_width(values: &[f64], mean: f64) -> f64 {
    let n = values.len();
    if n < 2 {
        return 0.0;
    }
    let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1) as f64;
    t_975(n as u32 - 1) * libm::sqrt(variance / n as f64)
}

/// The 97.5 % quantile of Student's t with `df` degrees of freedom: a table up to 10, beyond it the Cornish–Fisher
/// expansion about the normal quantile (Abramowitz and Stegun 26.7.5), good to 0.001 there.
#[must_use]
pub fn t_975(df: u32) -> f64 {
    const TABLE: [f64; 10] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];
    if df == 0 {
        return f64::INFINITY;
    }
    if let Some(&t) = TABLE.get(df as usize - 1) {
        return t;
    }
    let (z, v) = (1.959_963_985, f64::from(df));
    let (z3, z5, z7) = (z * z * z, z * z * z * z * z, z * z * z * z * z * z * z);
    let first = (z3 + z) / 4.0;
    let second = (5.0 * z5 + 16.0 * z3 + 3.0 * z) / 96.0;
    let third = (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / 384.0;
    z + first / v + second / (v * v) + third / (v * v * v)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_sample_gives_its_known_interval() {
        // Mean 5, sample standard deviation 2.138…, t(7) = 2.365: half width 1.788.
        let e = estimate(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert!((e.mean - 5.0).abs() < 1e-12 && e.n == 8);
        assert!((e.high - e.mean - 1.7877).abs() < 1e-3, "{e:?}");
        assert!((e.p10 - 2.0).abs() < 1e-12 && (e.p50 - 4.0).abs() < 1e-12 && (e.p90 - 9.0).abs() < 1e-12);
    }

    #[test]
    fn t_follows_the_printed_table() {
        for (df, t) in [(1, 12.706), (4, 2.776), (10, 2.228), (11, 2.201), (15, 2.131), (30, 2.042), (120, 1.980)] {
            assert!((t_975(df) - t).abs() < 1.5e-3, "{df}: {}", t_975(df));
        }
    }

    #[test]
    fn pairing_takes_out_what_both_share() {
        let a = [10.0, 50.0, 90.0, 30.0];
        let b: Vec<f64> = a.iter().map(|v| v + 1.0).collect();
        let difference = paired(&a, &b);
        assert!((difference.mean - 1.0).abs() < 1e-12 && difference.high - difference.low < 1e-9);
        let alone = estimate(&b);
        assert!(alone.high - alone.low > 50.0, "unpaired, the world's own spread would hide it");
        let turned = scaled(difference, -2.0);
        assert!(turned.low <= turned.mean && turned.mean <= turned.high && (turned.mean + 2.0).abs() < 1e-12);
    }

    #[test]
    fn a_share_is_one_of_sums() {
        let (part, whole) = ([10.0, 0.0, 0.0, 0.0], [10.0, 1000.0, 0.0, 990.0]);
        let e = share(&part, &whole);
        assert!((e.mean - 0.005).abs() < 1e-12 && e.n == 4, "{e:?}");
        assert!(e.low >= 0.0 && e.low <= e.mean && e.mean <= e.high && e.high < 0.05, "{e:?}");
        // Sabotage: the mean of the draws' own shares says a third.
        let of_shares = estimate(&[1.0, 0.0, f64::NAN, 0.0]);
        assert!(of_shares.mean > 0.3);
        assert_eq!(share(&[0.0], &[0.0]).n, 0);
    }

    #[test]
    fn one_draw_has_no_interval_and_gaps_are_left_out() {
        let one = estimate(&[3.0]);
        assert!((one.low - 3.0).abs() < 1e-12 && (one.high - 3.0).abs() < 1e-12 && one.n == 1);
        assert_eq!(estimate(&[f64::NAN, 3.0]).n, 1);
        assert_eq!(paired(&[1.0, f64::NAN], &[2.0, 5.0]).n, 1);
        assert_eq!(estimate(&[]).n, 0);
    }

    /// About 95 of 100 intervals hold the true mean; a t that forgot its degrees of freedom would hold it too rarely.
    #[test]
    fn intervals_cover_what_they_promise() {
        use taa_models::draw::{Draws, NodeKey, Purpose};
        let cover = |t: &dyn Fn(&Estimate) -> f64| {
            let hits = (0..4000).filter(|&i| {
                let mut draws = Draws::keyed(7, i, NodeKey(1), Purpose::named("cover"), 0);
                let values: Vec<f64> = (0..5).map(|_| draws.normal(2.0, 1.0)).collect();
                let e = estimate(&values);
                (e.mean - 2.0).abs() <= t(&e)
            });
            hits.count() as f64 / 4000.0
        };
        let honest = cover(&|e| e.high - e.mean);
        assert!((0.94..0.96).contains(&honest), "{honest}");
        let normal = cover(&|e| (e.high - e.mean) * 1.96 / t_975(4));
        assert!(normal < 0.90, "{normal}");
    }
}
