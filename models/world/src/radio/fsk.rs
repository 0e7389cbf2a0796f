//! Bit and packet errors of 2-FSK.

/// Bit error rate of non-coherent orthogonal 2-FSK (modulation index 1), ½·exp(−Eb/2N₀) (Proakis, 5-4-47).
#[must_use]
pub fn fsk_ber(ebn0_db: f64) -> f64 {
    0.5 * libm::exp(-0.5 * libm::pow(10.0, ebn0_db / 10.0))
}

/// Bit error rate of 2-FSK of this modulation index, detected symbol by symbol without phase: two signals of
/// correlation
/// |ρ| = |sin πh / πh| (Proakis, 5-4-53), Q₁(a, b) − ½·exp(−(a²+b²)/2)·I₀(ab) with a, b = √(½·Eb/N₀·(1 ∓ √(1−ρ²))).
/// A whole index is [`fsk_ber`]. For an index of ½ real receivers do better, since they follow the phase over several
/// symbols: an upper bound there.
#[must_use]
pub fn fsk_ber_of_index(modulation_index: f64, ebn0_db: f64) -> f64 {
    let turn = core::f64::consts::PI * modulation_index;
    let rho = if turn.abs() < 1e-12 { 1.0 } else { (libm::sin(turn) / turn).abs() };
    if rho < 1e-9 {
        return fsk_ber(ebn0_db);
    }
    let energy = libm::pow(10.0, ebn0_db / 10.0);
    correlated_pair(0.5 * energy, libm::sqrt((1.0 - rho * rho).max(0.0)))
}

/// Q₁(a, b) − ½·exp(−(a²+b²)/2)·I₀(ab) with a, b = √(energy·(1 ∓ apart)): the error rate of telling two correlated
/// signals apart without phase, and of differential four-phase keying.
pub(crate) fn correlated_pair(energy: f64, apart: f64) -> f64 {
    let (a, b) = (libm::sqrt(energy * (1.0 - apart)), libm::sqrt(energy * (1.0 + apart)));
    // Q₁ = exp(−(a²+b²)/2)·Σ_{k≥0} (a/b)^k·I_k(ab); scaled by e^(−ab), what is left outside is exp(−(b−a)²/2).
    let bessel = scaled_bessel(a * b);
    let ratio = a / b;
    let sum = bessel.iter().skip(1).fold((0.5 * bessel[0], 1.0), |(sum, power), i_k| {
        let power = power * ratio;
        (sum + power * i_k, power)
    });
    sum.0 * libm::exp(-0.5 * (b - a) * (b - a))
}

/// e^(−x)·I_k(x) for k from 0 until it no longer matters (Miller's backward recurrence, normalised by
/// I₀ + 2·ΣI_k = e^x; every term is positive, so nothing cancels).
fn scaled_bessel(x: f64) -> Vec<f64> {
    const HUGE: f64 = 1e200;
    if x < 1e-12 {
        return vec![1.0];
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let most = (10.0 * libm::sqrt(x.min(1e6))) as usize + 80;
    let mut terms = vec![0.0; most + 2];
    terms[most] = 1e-290;
    for k in (1..=most).rev() {
        terms[k - 1] = terms[k + 1] + 2.0 * k as f64 / x * terms[k];
        if terms[k - 1] > HUGE {
            terms[k - 1..].iter_mut().for_each(|t| *t /= HUGE);
        }
    }
    let sum = terms[0] + 2.0 * terms[1..].iter().sum::<f64>();
    terms.iter_mut().for_each(|t| *t /= sum);
    terms
}

/// Packet error rate of `octets` at this bit error rate, independent bits.
#[must_use]
pub fn packet_error(ber: f64, octets: usize) -> f64 {
    -libm::expm1(8.0 * octets as f64 * libm::log1p(-ber.min(1.0 - 1e-15)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_index_is_orthogonal_and_less_of_it_costs() {
        for ebn0_db in [0.0, 8.0, 14.0, 25.0] {
            for whole in [1.0, 2.0] {
                let found = fsk_ber_of_index(whole, ebn0_db);
                assert!((found - fsk_ber(ebn0_db)).abs() <= 1e-9 * fsk_ber(ebn0_db), "{found}");
            }
            let (half, third) = (fsk_ber_of_index(0.5, ebn0_db), fsk_ber_of_index(0.33, ebn0_db));
            assert!(fsk_ber(ebn0_db) < half && half < third && third <= 0.5, "{half} {third}");
        }
        assert!((fsk_ber_of_index(0.0, 10.0) - 0.5).abs() < 1e-9, "two equal signals are a coin");
    }

    #[test]
    fn the_bessel_terms_are_the_known_ones() {
        // Abramowitz and Stegun, table 9.8: e^(−x)·I₀ and e^(−x)·I₁.
        for (x, zero, one) in [(1.0, 0.465_759_61, 0.207_910_42), (10.0, 0.127_833_34, 0.121_262_68)] {
            let found = scaled_bessel(x);
            assert!((found[0] - zero).abs() < 1e-8 && (found[1] - one).abs() < 1e-8, "{x}: {} {}", found[0], found[1]);
        }
    }
}
