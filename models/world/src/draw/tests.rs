//! Moments, uniformity, and independence between neighbouring keys.

use super::*;

const N: usize = 200_000;
const DEMAND: Purpose = Purpose::named("demand");

fn stream(occasion: u64) -> Draws {
    Draws::keyed(7, 0, NodeKey::of("house-1"), DEMAND, occasion)
}

fn moments(mut next: impl FnMut() -> f64) -> (f64, f64) {
    let (mut sum, mut squares) = (0.0, 0.0);
    for _ in 0..N {
        let x = next();
        sum += x;
        squares += x * x;
    }
    let mean = sum / N as f64;
    (mean, squares / N as f64 - mean * mean)
}

fn close(found: f64, wanted: f64, relative: f64) {
    assert!((found - wanted).abs() <= relative * wanted.abs(), "found {found}, wanted {wanted}");
}

#[test]
fn keys_do_not_change() {
    assert_eq!(NodeKey::of("").0, mix(0xcbf2_9ce4_8422_2325));
    assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
    let mut d = stream(3);
    let first = d.u64();
    assert_eq!(first, stream(3).u64());
    assert_ne!(first, stream(4).u64());
}

#[test]
fn quantile_inverts_the_normal_distribution() {
    for p in [1e-300, 1e-12, 1e-4, 0.02, 0.074, 0.2, 0.5, 0.77, 0.93, 0.999_99] {
        let x = normal_quantile(p);
        close(0.5 * libm::erfc(-x / std::f64::consts::SQRT_2), p, 1e-9);
    }
    assert_eq!(normal_quantile(0.5).to_bits(), 0.0_f64.to_bits());
}

#[test]
fn moments_are_right() {
    let mut d = stream(0);
    let (mean, var) = moments(|| d.uniform());
    close(mean, 0.5, 0.01);
    close(var, 1.0 / 12.0, 0.01);
    let (mean, var) = moments(|| d.exponential(4.0));
    close(mean, 4.0, 0.015);
    close(var, 16.0, 0.04);
    let (mean, var) = moments(|| d.normal(10.0, 3.0));
    close(mean, 10.0, 0.005);
    close(var, 9.0, 0.02);
    let (mean, _) = moments(|| d.lognormal(2.0, 0.8));
    close(mean, 2.0 * libm::exp(0.32), 0.02);
    let (mean, _) = moments(|| d.weibull(2.0, 3.0));
    close(mean, 3.0 * libm::tgamma(1.5), 0.01);
    for wanted in [0.3, 7.0, 95.0] {
        let (mean, var) = moments(|| d.poisson(wanted) as f64);
        close(mean, wanted, 0.01);
        close(var, wanted, 0.02);
    }
}

/// Chi-squared over 64 cells; 63 degrees of freedom: mean 63, sd 11.2. Six sigma is a fault, not bad luck.
fn chi_squared_64(mut cell: impl FnMut() -> usize) -> f64 {
    let mut count = [0_u32; 64];
    for _ in 0..N {
        count[cell()] += 1;
    }
    let wanted = N as f64 / 64.0;
    count.iter().map(|&c| (f64::from(c) - wanted).powi(2) / wanted).sum()
}

#[test]
fn neighbouring_keys_are_independent() {
    let pairs = |a: u64, b: u64| ((a >> 61) * 8 + (b >> 61)) as usize;
    let node = NodeKey::of("n");
    for shift in [1_u64, 2, 3600, 1 << 32] {
        let mut i = 0;
        let chi = chi_squared_64(|| {
            i += 1;
            pairs(stream(i).u64(), stream(i + shift).u64())
        });
        assert!(chi < 63.0 + 6.0 * 11.3, "occasion + {shift}: {chi}");
    }
    let mut i = 0;
    let mut chi = |make: &dyn Fn(u64) -> (u64, u64)| {
        chi_squared_64(|| {
            i += 1;
            let (a, b) = make(i);
            pairs(a, b)
        })
    };
    let by_node = chi(&|i| {
        let one = |k| Draws::keyed(1, 0, NodeKey(k), DEMAND, 5).u64();
        (one(i), one(i + 1))
    });
    let by_seed = chi(&|i| {
        let one = |s| Draws::keyed(s, 0, node, DEMAND, 5).u64();
        (one(i), one(i + 1))
    });
    let by_replication = chi(&|i| {
        let one = |r| Draws::keyed(1, r, node, DEMAND, i).u64();
        (one(0), one(1))
    });
    let by_purpose = chi(&|i| {
        let one = |p| Draws::keyed(1, 0, node, p, i).u64();
        (one(DEMAND), one(Purpose::named("people")))
    });
    let within = chi(&|i| {
        let mut d = stream(i);
        (d.u64(), d.u64())
    });
    for (name, value) in [
        ("node", by_node),
        ("seed", by_seed),
        ("replication", by_replication),
        ("purpose", by_purpose),
        ("within", within),
    ] {
        assert!(value < 63.0 + 6.0 * 11.3, "{name}: {value}");
    }
}

#[test]
fn below_and_pick_follow_their_weights() {
    let mut d = stream(1);
    assert_eq!(d.below(0), 0);
    let chi = chi_squared_64(|| d.below(64) as usize);
    assert!(chi < 63.0 + 6.0 * 11.3, "{chi}");
    let mut hits = [0_u32; 4];
    for _ in 0..N {
        hits[d.pick(&[1.0, 0.0, 3.0, 0.0])] += 1;
    }
    assert_eq!((hits[1], hits[3]), (0, 0));
    close(f64::from(hits[2]), 0.75 * N as f64, 0.01);
    assert_eq!(d.pick(&[]), 0);
}
