//! Against the reference village, and the laws every day obeys.

use super::*;
use crate::draw::{Draws, NodeKey, Purpose};
use proptest::prelude::*;
use std::collections::BTreeMap;

const DAY: Purpose = Purpose::named("demand/day");

/// Daily energy (Wh) and mean hourly profile (W) per customer in the RAMP reference, seed 42.
const REFERENCE: [(Class, f64, [f64; 24]); 7] = include!("reference.in");

fn day(class: Class, customer: u64, day: u64) -> Vec<Switch> {
    let mut out = Vec::new();
    let mut draws = Draws::keyed(1, 0, NodeKey(customer), DAY, day);
    day_switches(&tables::kit(class), &Today::plain((day % 7) as u8), &mut draws, &mut out);
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
fn classes_use_it_when_the_reference_does() {
    const DAYS: u64 = 1400;
    for (class, wanted_wh, profile) in REFERENCE {
        let mut mean = [0.0; 24];
        for d in 0..DAYS {
            for (m, h) in mean.iter_mut().zip(hourly_wh(&day(class, d / 28, d % 28))) {
                *m += h / DAYS as f64;
            }
        }
        let total: f64 = mean.iter().sum();
        assert!((mean_daily_wh(class) / total - 1.0).abs() < 0.04, "{}: {total}", class.name());
        let squares: f64 = mean.iter().zip(profile).map(|(m, p)| (m - p) * (m - p)).sum();
        let rms = libm::sqrt(squares / 24.0) / (wanted_wh / 24.0);
        assert!(rms < 0.16, "{}: hourly rms {rms} of the mean", class.name());
    }
}

#[test]
fn households_switch_a_few_times_a_day() {
    // A refrigerator alone goes on and off some twenty-five times.
    for (class, most) in [(Class::HouseholdLow, 40.0), (Class::HouseholdMiddle, 45.0), (Class::HouseholdHigh, 140.0)] {
        let total: usize = (0..400).map(|d| day(class, d, d).len()).sum();
        let mean = total as f64 / 400.0;
        assert!((6.0..=most).contains(&mean), "{}: {mean}", class.name());
    }
}

#[test]
fn schools_rest_at_weekends() {
    let wh = |d| hourly_wh(&day(Class::School, 1, d)).iter().sum::<f64>();
    let weekday: f64 = (0..70).filter(|d| d % 7 < 5).map(wh).sum::<f64>() / 50.0;
    let weekend: f64 = (0..70).filter(|d| d % 7 >= 5).map(wh).sum::<f64>() / 20.0;
    assert!(weekend < 0.4 * weekday, "{weekend} {weekday}");
}

#[test]
fn customers_differ_around_a_mean_of_one() {
    let base = DemandParams::default();
    let factor = |i| base.factor(&mut Draws::keyed(1, 0, NodeKey(i), DAY, 0));
    let all: Vec<f64> = (0..20_000).map(factor).collect();
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    assert!((mean - 1.0).abs() < 0.02, "{mean}");
    assert!(all.iter().any(|&f| f > 2.0) && all.iter().any(|&f| f < 0.4));
}

#[test]
fn tables_and_defaults_are_within_their_own_ranges() {
    for class in Class::ALL {
        for appliance in tables::kit(class).appliances {
            assert_eq!(appliance.check(), [], "{} {}", class.name(), appliance.name);
        }
    }
    assert_eq!(DemandParams::default().check(), []);
}

#[test]
fn prices_growth_and_seasons_move_use() {
    let params = DemandParams {
        reference_price_per_kwh: Some(1000.0),
        growth_per_year: 0.1,
        motor_season: [2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0],
        school_holidays: vec![[[12, 20], [1, 6]]],
        ..DemandParams::default()
    };
    assert!((params.price_factor(2000.0) - libm::pow(2.0, -0.3)).abs() < 1e-12);
    assert!((DemandParams::default().price_factor(2000.0) - 1.0).abs() < 1e-12);
    assert!((params.growth_factor(365) - 1.1).abs() < 1e-12);
    // 20089 days after 1 January 1970 it was 1 January 2025.
    let january = params.today(&Class::School, 20_089, 0, 1.0);
    assert!(january.holiday && january.season > 1.99 && january.weekday == 2);
    assert!(!params.today(&Class::Mill, 20_089, 0, 1.0).holiday);
    assert!(!params.today(&Class::School, 20_089 + 10, 0, 1.0).holiday);
    let mill = |today: &Today| {
        let mut sum = 0.0;
        for d in 0..400 {
            let mut out = Vec::new();
            day_switches(&tables::kit(Class::Mill), today, &mut Draws::keyed(1, 0, NodeKey(1), DAY, d), &mut out);
            sum += hourly_wh(&out).iter().sum::<f64>();
        }
        sum
    };
    let (plain, high) = (mill(&Today::plain(1)), mill(&Today { season: 1.3, ..Today::plain(1) }));
    assert!((1.2..1.4).contains(&(high / plain)), "{plain} {high}");
    assert!(mill(&Today { season: 0.0, ..Today::plain(1) }) < 0.01 * plain);
}

#[test]
fn compressors_and_the_mill_start_with_a_rush() {
    let most = |class| (0..50).flat_map(|d| day(class, 1, d)).map(|s| s.inrush_mw).max().unwrap_or(0);
    assert_eq!(most(Class::HouseholdLow), 0);
    assert!((100_000..2_000_000).contains(&most(Class::HouseholdHigh)));
    assert!(most(Class::Mill) >= 7_000_000);
}

#[test]
fn own_classes_draw_what_they_say() {
    let wh = |number: u8, together: bool| {
        let lamp = appliance::Appliance {
            number,
            together,
            ..appliance::Appliance::plain("saw", appliance::Kind::Motor, 500.0, &[[8.0, 17.0]], 120.0)
        };
        let class = BTreeMap::from([("carpenter".to_owned(), OwnClass { appliance: vec![lamp], limit_w: 2300.0 })]);
        let catalogue = Catalogue::new(&DemandParams { class, ..DemandParams::default() });
        catalogue.mean_daily_wh(&Class::of("carpenter").unwrap())
    };
    assert!((wh(1, false) - 1000.0).abs() < 20.0, "{}", wh(1, false));
    assert!((wh(3, true) - 3000.0).abs() < 60.0);
    // One to three at a time: more than one, less than all.
    assert!((1200.0..2400.0).contains(&wh(3, false)), "{}", wh(3, false));
}

#[test]
fn the_calendar_is_the_gregorian_one() {
    for (days, wanted) in
        [(0, (1, 1)), (58, (2, 28)), (59, (3, 1)), (789, (2, 29)), (11_016, (2, 29)), (20_453, (12, 31))]
    {
        assert_eq!(month_day(days), wanted, "{days}");
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
    let good = day(Class::HouseholdHigh, 3, 3);
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
        let today = Today { scale, ..Today::plain(weekday) };
        let mut out = vec![Switch { at_s: 9, delta_mw: 9, deferrable_mw: 0, inrush_mw: 0 }];
        day_switches(&tables::kit(class), &today, &mut Draws::keyed(seed, 0, NodeKey(1), DAY, 0), &mut out);
        prop_assert_eq!(lawful(&out), Ok(()));
    }
}
