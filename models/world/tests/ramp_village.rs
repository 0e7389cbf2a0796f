//! The built-in classes against the RAMP village to which they were fitted.
//!
//! Reference: `ramp_village_stats_seed42.json`, made with rampdemand 0.5.2 from an archetype of the project's own; one
//! drawn year. Bounds are the project's: energy ±2 % (school, clinic, mill ±5 %), mean daily peak hour ±3 %, yearly peak
//! hour ±10 %, load factor and coincidence ±0.05.
//!
//! **One customer's year is one draw.** A clinic's yearly peak and its mean daily peak move by several per cent from
//! seed to seed, ours and RAMP's alike: classes of one or two users are compared by the mean of 24 years.
//!
//! **Coincidence** is the class's yearly peak over the sum of the customers' own peaks. The reference's own peaks of
//! school and clinic are 25 and 15 % below their peaks of the year: they come from a shorter run, about a month by the
//! hours in the CSV. So own peaks are taken by the month here. What whole years give is held to the same bound, but for
//! the classes in [`YEARLY_EXCEPT`].

#![allow(clippy::tests_outside_test_module)]

use taa_models::demand::{
    Class, Kit,
    measure::{Figures, Measured, measure},
    tables::kit,
};

/// Of a class or the village.
#[derive(Clone, Copy, Debug)]
struct Reference {
    users: u32,
    daily_wh: f64,
    daily_peak_w: f64,
    peak_w: f64,
    load_factor: f64,
    coincidence: f64,
    energy_bound: f64,
}

const fn reference(users: u32, kw: [f64; 3], shares: [f64; 2], energy_bound: f64) -> Reference {
    Reference {
        users,
        daily_wh: kw[0] * 1000.0,
        daily_peak_w: kw[1] * 1000.0,
        peak_w: kw[2] * 1000.0,
        load_factor: shares[0],
        coincidence: shares[1],
        energy_bound,
    }
}

const CLASSES: [(Class, Reference); 7] = [
    (Class::HouseholdLow, reference(100, [9.71673, 1.31961, 1.44848], [0.27951, 0.54576], 0.02)),
    (Class::HouseholdMiddle, reference(60, [29.18254, 4.15092, 4.88], [0.24917, 0.60630], 0.02)),
    (Class::HouseholdHigh, reference(20, [50.70222, 3.52936, 4.18986], [0.50422, 0.47052], 0.02)),
    (Class::Shop, reference(15, [34.73629, 2.13326, 2.3829], [0.60739, 0.8116], 0.02)),
    (Class::School, reference(1, [0.92018, 0.18271, 0.48733], [0.07867, 1.0], 0.05)),
    (Class::Clinic, reference(1, [3.97506, 0.74097, 1.71833], [0.09639, 1.0], 0.05)),
    (Class::Mill, reference(2, [38.09445, 10.00031, 15.00417], [0.10579, 0.99905], 0.05)),
];
const VILLAGE: Reference = reference(199, [167.32747, 15.54442, 21.42712], [0.32538, 0.54396], 0.02);

/// Classes whose coincidence misses its bound when own peaks are those of whole years, and by how much: a household with a
/// refrigerator has its own highest hour so seldom that over a year twenty of them hardly meet; the reference's month does
/// not show it.
const YEARLY_EXCEPT: [(&str, f64); 1] = [("household_high", -0.108)];

/// 1 January 2023, the first day of the reference, was a Sunday.
const SUNDAY: u8 = 6;

/// Coincidence with own peaks by the month; one customer alone is 1 by definition.
fn coincidence(year: &Measured) -> f64 {
    (year.figures().peak_w / year.single_month_peak_w.iter().sum::<f64>()).min(1.0)
}

fn mean(years: &[Measured]) -> (Figures, f64) {
    let n = years.len() as f64;
    let figures: Vec<Figures> = years.iter().map(Measured::figures).collect();
    let of = |get: fn(&Figures) -> f64| figures.iter().map(get).sum::<f64>() / n;
    let all = Figures {
        daily_wh: of(|f| f.daily_wh),
        daily_sd_wh: of(|f| f.daily_sd_wh),
        peak_w: of(|f| f.peak_w),
        daily_peak_w: of(|f| f.daily_peak_w),
        load_factor: of(|f| f.load_factor),
        coincidence: of(|f| f.coincidence),
    };
    (all, years.iter().map(coincidence).sum::<f64>() / n)
}

/// Figures out of their bounds, in words.
fn misses(name: &str, (found, by_month): (Figures, f64), wanted: &Reference) -> Vec<String> {
    println!(
        "{name:<18} energy {:+.3} daily peak {:+.3} peak {:+.3} lf {:+.3} cf {:+.3} (whole years {:+.3})",
        found.daily_wh / wanted.daily_wh - 1.0,
        found.daily_peak_w / wanted.daily_peak_w - 1.0,
        found.peak_w / wanted.peak_w - 1.0,
        found.load_factor - wanted.load_factor,
        by_month - wanted.coincidence,
        found.coincidence - wanted.coincidence,
    );
    let checks = [
        ("energy", found.daily_wh / wanted.daily_wh - 1.0, wanted.energy_bound),
        ("daily peak", found.daily_peak_w / wanted.daily_peak_w - 1.0, 0.03),
        ("peak", found.peak_w / wanted.peak_w - 1.0, 0.10),
        ("load factor", found.load_factor - wanted.load_factor, 0.05),
        ("coincidence", by_month - wanted.coincidence, 0.05),
    ];
    let yearly = found.coincidence - wanted.coincidence;
    let known = YEARLY_EXCEPT.iter().find(|(class, _)| *class == name).map(|(_, off)| *off);
    let (known, bound) = known.map_or((0.0, 0.05), |off| (off, 0.01));
    let checks = checks.into_iter().chain([("yearly coincidence beyond what is known", yearly - known, bound)]);
    let checks: Vec<(&str, f64, f64)> = checks.collect();
    let out = checks.iter().filter(|(_, off, bound)| off.abs() > *bound);
    out.map(|(what, off, bound)| format!("{name}: {what} off by {off:+.4}, bound {bound}")).collect()
}

fn years(kit: &Kit, users: u32) -> Vec<Measured> {
    let seeds = if users <= 2 { 24 } else { 1 };
    (1..=seeds).map(|seed| measure(kit, users, 365, SUNDAY, seed, |_| 1.0)).collect()
}

#[test]
fn every_class_and_the_village_meet_their_bounds() {
    let mut missed = Vec::new();
    let mut village = Vec::new();
    for (class, wanted) in CLASSES {
        let drawn = years(&kit(class), wanted.users);
        missed.extend(misses(class.name(), mean(&drawn), &wanted));
        village.push(drawn);
    }
    let together = |i: usize| {
        let classes: Vec<Measured> = village.iter().map(|years| years[i % years.len()].clone()).collect();
        Measured::together(&classes)
    };
    let villages: Vec<Measured> = (0..24).map(together).collect();
    missed.extend(misses("village", mean(&villages), &VILLAGE));
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn a_class_with_five_per_cent_more_power_is_noticed() {
    let (class, wanted) = CLASSES[1];
    let mut spoilt = kit(class);
    spoilt.appliances.iter_mut().for_each(|appliance| appliance.watts *= 1.05);
    let missed = misses("spoilt", mean(&years(&spoilt, wanted.users)), &wanted);
    assert!(missed.iter().any(|miss| miss.contains("energy")), "{missed:?}");
}

/// The exception is one: held to the common bound, and only in the yearly reading, it misses.
#[test]
fn the_exception_of_the_high_households_is_needed() {
    let (class, wanted) = CLASSES[2];
    let (found, by_month) = mean(&years(&kit(class), wanted.users));
    assert_eq!(class.name(), YEARLY_EXCEPT[0].0);
    assert!(found.coincidence - wanted.coincidence < -0.05);
    assert!((by_month - wanted.coincidence).abs() < 0.05);
}

#[test]
fn days_differ_as_much_as_in_the_reference() {
    // Standard deviation of the class's daily energy, kWh.
    let reference = [0.1033, 0.6907, 1.1148, 0.6780, 0.4170, 0.7579, 12.4499];
    for ((class, wanted), sd_kwh) in CLASSES.into_iter().zip(reference) {
        let (figures, _) = mean(&years(&kit(class), wanted.users));
        let ratio = figures.daily_sd_wh / 1000.0 / sd_kwh;
        assert!((0.75..1.3).contains(&ratio), "{}: {ratio}", class.name());
    }
}
