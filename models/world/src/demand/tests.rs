//! Against the reference village, and the laws every day obeys.

use super::*;
use crate::draw::{NodeKey, Purpose};
use proptest::prelude::*;

const DAY: Purpose = Purpose::named("demand/day");

/// Daily energy (Wh) and mean hourly profile (W) per customer in the RAMP reference, seed 42.
const REFERENCE: [(Class, f64, [f64; 24]); 7] = include!("reference.in");

fn day(class: Class, customer: u64, day: u64, params: &DemandParams) -> Vec<Switch> {
    let mut out = Vec::new();
    let mut draws = Draws::keyed(1, 0, NodeKey(customer), DAY, day);
    day_switches(class, params, &mut draws, (day % 7) as u8, &mut out);
    out
}

/// Energy in each hour of the day, folded at midnight, Wh.
fn hourly_wh(switches: &[Switch]) -> [f64; 24] {
    let mut hours = [0.0; 24];
    let mut power_w = 0.0;
    let mut now = 0;
    for s in switches {
        while now < s.at_s {
            let next = ((now / 3600 + 1) * 3600).min(s.at_s);
            hours[(now / 3600 % 24) as usize] += power_w * f64::from(next - now) / 3600.0;
            now = next;
        }
        power_w += s.delta_mw as f64 / 1000.0;
    }
    hours
}

#[test]
fn classes_use_what_the_reference_uses_when_it_does() {
    const DAYS: u64 = 2800;
    for (class, wanted_wh, profile) in REFERENCE {
        let mut mean = [0.0; 24];
        for d in 0..DAYS {
            let hours = hourly_wh(&day(class, d / 28, d % 28, &DemandParams::default()));
            for (m, h) in mean.iter_mut().zip(hours) {
                *m += h / DAYS as f64;
            }
        }
        let total: f64 = mean.iter().sum();
        let by_table = mean_daily_wh(class);
        assert!((total / wanted_wh - 1.0).abs() < 0.05, "{}: {total} Wh for {wanted_wh}", class.name());
        assert!((by_table / total - 1.0).abs() < 0.03, "{}: table {by_table}, drawn {total}", class.name());
        let squares: f64 = mean.iter().zip(profile).map(|(m, p)| (m - p) * (m - p)).sum();
        let rms = libm::sqrt(squares / 24.0) / (wanted_wh / 24.0);
        assert!(rms < 0.12, "{}: hourly rms {rms} of the mean", class.name());
    }
}

#[test]
fn peaks_in_the_reference_village_are_near_the_stated_ones() {
    let counts = [100, 60, 20, 15, 1, 1, 2];
    for (class, n) in Class::ALL.into_iter().zip(counts) {
        let mut peak_w = 0.0_f64;
        for d in 0..90 {
            let mut minutes = vec![0.0; 28 * 60];
            for c in 0..n {
                for s in day(class, c, d, &DemandParams::default()) {
                    minutes[(s.at_s / 60) as usize] += s.delta_mw as f64 / 1000.0;
                }
            }
            let mut power_w = 0.0;
            for m in minutes {
                power_w += m;
                peak_w = peak_w.max(power_w);
            }
        }
        let ratio = peak_w / n as f64 / super::peak_w(class);
        assert!((0.7..1.3).contains(&ratio), "{}: {ratio}", class.name());
    }
}

#[test]
fn households_switch_a_few_times_a_day() {
    for class in [Class::HouseholdLow, Class::HouseholdMiddle, Class::HouseholdHigh] {
        let total: usize = (0..400).map(|d| day(class, d, d, &DemandParams::default()).len()).sum();
        let mean = total as f64 / 400.0;
        assert!((6.0..=30.0).contains(&mean), "{}: {mean}", class.name());
    }
}

#[test]
fn schools_rest_at_weekends() {
    let wh = |d| hourly_wh(&day(Class::School, 1, d, &DemandParams::default())).iter().sum::<f64>();
    let weekday: f64 = (0..70).filter(|d| d % 7 < 5).map(wh).sum::<f64>() / 50.0;
    let weekend: f64 = (0..70).filter(|d| d % 7 >= 5).map(wh).sum::<f64>() / 20.0;
    assert!(weekend < 0.4 * weekday, "{weekend} {weekday}");
}

#[test]
fn customers_differ_around_a_mean_of_one() {
    let base = DemandParams::default();
    let factor = |i| base.for_customer(&mut Draws::keyed(1, 0, NodeKey(i), DAY, 0)).scale;
    let all: Vec<f64> = (0..20_000).map(factor).collect();
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    assert!((mean - 1.0).abs() < 0.02, "{mean}");
    assert!(all.iter().any(|&f| f > 2.0) && all.iter().any(|&f| f < 0.4));
}

#[test]
fn names_are_those_of_serde() {
    for class in Class::ALL {
        assert_eq!(serde_json::to_value(class).unwrap(), class.name());
    }
}

/// Sorted, never below zero, back to zero at the end, over in good time.
fn lawful(day: &[Switch]) -> Result<(), &'static str> {
    if !day.is_sorted_by_key(|s| s.at_s) {
        return Err("not sorted");
    }
    let (mut power_mw, mut now) = (0, 0);
    for s in day {
        if s.at_s > now && power_mw < 0 {
            return Err("below zero");
        }
        now = s.at_s;
        power_mw += s.delta_mw;
    }
    match (power_mw, now <= 28 * 3600) {
        (0, true) => Ok(()),
        (0, false) => Err("too late"),
        _ => Err("does not sum to zero"),
    }
}

#[test]
fn sabotaged_days_are_noticed() {
    let good = day(Class::HouseholdHigh, 3, 3, &DemandParams::default());
    assert_eq!(lawful(&good), Ok(()));
    assert_eq!(lawful(&good[..good.len() - 1]), Err("does not sum to zero"));
    let mut swapped = good.clone();
    swapped.swap(0, good.len() - 1);
    assert_eq!(lawful(&swapped), Err("not sorted"));
    let mut negated = good;
    negated.iter_mut().for_each(|s| s.delta_mw = -s.delta_mw);
    assert_eq!(lawful(&negated), Err("below zero"));
}

proptest! {
    #[test]
    fn switches_are_sorted_sum_to_zero_and_never_go_below(
        class in prop::sample::select(&Class::ALL[..]), seed in any::<u64>(), weekday in 0_u8..7, scale in 0.01_f64..20.0,
    ) {
        let params = DemandParams { scale, ..DemandParams::default() };
        let mut out = vec![Switch { at_s: 9, delta_mw: 9 }];
        day_switches(class, &params, &mut Draws::keyed(seed, 0, NodeKey(1), DAY, 0), weekday, &mut out);
        prop_assert_eq!(lawful(&out), Ok(()));
    }
}
