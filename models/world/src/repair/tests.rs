//! Four days come out of the parts: the time to repair decomposed, with and without sight of the site.

use super::*;
use crate::{
    assets::{AssetKind, Climate},
    draw::NodeKey,
};

const DAY_MS: u64 = 86_400_000;
const HOUR_MS: f64 = 3_600_000.0;
const MONDAY: i64 = 4 * 86_400;
const DAYS: u64 = 3000;
const PARTS: [&str; 8] = ["notice", "diagnosis", "wrong trip", "crew", "spares", "leaving", "road", "work"];

fn outside(params: &RepairParams) -> Outside {
    Outside::draw(params, &Climate::even(3100, 1.0), (3, 0), DAYS * DAY_MS, MONDAY, vec![])
}

/// Failure and course of `n` jobs of a kind, evenly over eight years, with the same sight throughout.
fn repairs(params: &RepairParams, kind: AssetKind, n: u64, sight: bool) -> Vec<(u64, Course)> {
    let outside = outside(params);
    (0..n)
        .map(|i| {
            let failed_ms = i * (DAYS * DAY_MS / n) + (i * 7_919 * 60_000) % DAY_MS;
            let job = Job { kind, key: NodeKey(i), failed_ms, seed: (3, 0) };
            let notice = Notice::draw(params, &job);
            let calendar = &outside.calendar;
            let sign_ms = match (sight, notice.shows_after_ms) {
                (true, Some(after)) => failed_ms + after,
                _ => failed_ms + notice.gap_after_ms,
            };
            let operator_ms = notice.acted_on(calendar, sign_ms);
            let noticed_ms = notice.caretaker_at(calendar, failed_ms).map_or(operator_ms, |at| at.min(operator_ms));
            (failed_ms, course(params, &outside, &job, noticed_ms, sight, 0))
        })
        .collect()
}

fn parts_h((failed_ms, c): &(u64, Course)) -> [f64; 8] {
    [
        c.noticed_ms - failed_ms,
        c.diagnosed_ms - c.noticed_ms,
        c.returned_ms - c.diagnosed_ms,
        c.dispatched_ms - c.returned_ms,
        c.spares_ms - c.dispatched_ms,
        c.left_ms - c.spares_ms,
        c.arrived_ms - c.left_ms,
        c.mended_ms - c.arrived_ms,
    ]
    .map(|ms| ms as f64 / HOUR_MS)
}

/// Mean of each part, mean, median, p90 of the whole, share over 96 h.
fn decompose(all: &[(u64, Course)]) -> ([f64; 8], f64, f64, f64, f64) {
    let n = all.len() as f64;
    let mut means = [0.0; 8];
    for repair in all {
        for (mean, part) in means.iter_mut().zip(parts_h(repair)) {
            *mean += part / n;
        }
    }
    let mut totals: Vec<f64> = all.iter().map(|(failed, c)| (c.mended_ms - failed) as f64 / HOUR_MS).collect();
    totals.sort_by(f64::total_cmp);
    let at = |share: f64| totals[(share * (n - 1.0)) as usize];
    let over = totals.iter().filter(|h| **h > 96.0).count() as f64 / n;
    (means, totals.iter().sum::<f64>() / n, at(0.5), at(0.9), over)
}

#[test]
fn four_days_come_out_of_the_parts() {
    let p = RepairParams::default();
    let mut found = Vec::new();
    for (kind, sight) in [
        (AssetKind::Inverter, true),
        (AssetKind::Inverter, false),
        (AssetKind::Meter, true),
        (AssetKind::Meter, false),
        (AssetKind::Dcu, false),
    ] {
        let (means, mean, p50, p90, over) = decompose(&repairs(&p, kind, 6000, sight));
        let seen = if sight { "seen" } else { "blind" };
        println!("{kind:?} {seen}: mean {mean:.0} h, p50 {p50:.0}, p90 {p90:.0}, over 96 h {over:.2}");
        for (name, part) in PARTS.iter().zip(means) {
            println!("    {name:10} {part:6.1} h");
        }
        // Nothing is left over: the parts are the whole.
        assert!((means.iter().sum::<f64>() - mean).abs() < 1e-6 * mean);
        found.push((mean, over, means));
    }
    // What 200 customers on three feeders call for in a year, by the default rates.
    let calls = [
        (AssetKind::Meter, 4.0),
        (AssetKind::Breaker, 3.0),
        (AssetKind::Conductor, 0.9),
        (AssetKind::DcuHang, 0.5),
        (AssetKind::Bms, 0.15),
        (AssetKind::Inverter, 0.1),
        (AssetKind::Dcu, 0.1),
        (AssetKind::Router, 0.05),
        (AssetKind::ChargeController, 0.05),
    ];
    let year = |sight: bool| {
        let of = |(kind, weight): (AssetKind, f64)| {
            let (_, mean, _, _, over) = decompose(&repairs(&p, kind, 2000, sight));
            [weight * mean, weight * over, weight]
        };
        let sums = calls.into_iter().map(of).fold([0.0; 3], |a, b| [a[0] + b[0], a[1] + b[1], a[2] + b[2]]);
        (sums[0] / sums[2] / 24.0, sums[1] / sums[2])
    };
    let (seen_year, blind_year) = (year(true), year(false));
    println!("a year's repairs: seen {seen_year:.2?} days and share over 96 h, blind {blind_year:.2?}");
    assert!((2.0..6.0).contains(&blind_year.0) && seen_year.0 < blind_year.0, "{seen_year:?} {blind_year:?}");
    let [seen, blind, ..] = &found[..] else { panic!("five decompositions") };
    assert!(seen.0 < blind.0, "sight shortens: {} {}", seen.0, blind.0);
    assert!((3.0..7.0).contains(&(blind.0 / 24.0)), "blind: {} days", blind.0 / 24.0);
    assert!((0.2..0.7).contains(&blind.1), "share over four days: {}", blind.1);
    // No single part makes the four days.
    assert!(blind.2.iter().all(|part| *part < 0.6 * blind.0), "{:?}", blind.2);
}

#[test]
fn what_a_reset_mends_is_mended_from_afar_when_seen() {
    let p = RepairParams { remote_fix_share: 1.0, ..RepairParams::default() };
    for kind in [AssetKind::Bms, AssetKind::Breaker, AssetKind::DcuHang, AssetKind::Flash] {
        assert!(repairs(&p, kind, 50, true).iter().all(|(_, c)| c.way == Way::Remote && c.trips == 0));
        assert!(repairs(&p, kind, 50, false).iter().all(|(_, c)| c.way != Way::Remote));
    }
    assert!(repairs(&p, AssetKind::Inverter, 50, true).iter().all(|(_, c)| c.way == Way::Crew));
}

#[test]
fn a_wrong_part_costs_a_second_trip_and_sight_saves_it() {
    let p = RepairParams::default();
    let twice = |sight| {
        let all = repairs(&p, AssetKind::Inverter, 4000, sight);
        assert!(all.iter().all(|(_, c)| (c.trips == 2) == (c.returned_ms > c.diagnosed_ms)));
        all.iter().filter(|(_, c)| c.trips == 2).count() as f64 / 4000.0
    };
    let (seen, blind) = (twice(true), twice(false));
    assert!((0.07..0.13).contains(&seen) && (0.34..0.42).contains(&blind), "{seen} {blind}");
}

#[test]
fn the_same_notice_gets_the_same_repair() {
    let p = RepairParams::default();
    let outside = outside(&p);
    let job = Job { kind: AssetKind::Inverter, key: NodeKey(9), failed_ms: 1000, seed: (3, 0) };
    let once = course(&p, &outside, &job, 5_000_000, true, 0);
    assert_eq!(course(&p, &outside, &job, 5_000_000, true, 0), once);
    assert_ne!(course(&p, &outside, &Job { failed_ms: 1001, ..job }, 5_000_000, true, 0), once);
    assert!(course(&p, &outside, &job, 5_000_000, true, 40 * DAY_MS).left_ms >= 40 * DAY_MS);
}

#[test]
fn every_step_comes_after_the_one_before_it() {
    let p = RepairParams { road_closed_share: 0.3, insecure_share: 0.05, ..RepairParams::default() };
    for kind in AssetKind::ALL {
        for (failed_ms, c) in repairs(&p, kind, 300, failed_even(kind)) {
            let steps = [
                failed_ms,
                c.noticed_ms,
                c.diagnosed_ms,
                c.returned_ms,
                c.dispatched_ms,
                c.spares_ms,
                c.left_ms,
                c.arrived_ms,
                c.mended_ms,
            ];
            assert!(steps.is_sorted(), "{kind:?} {steps:?}");
        }
    }
}

fn failed_even(kind: AssetKind) -> bool {
    (kind as u8).is_multiple_of(2)
}

/// Sabotage: with every part but one made short, only that part is left; were a constant hidden, it would stay.
#[test]
fn sabotage_with_all_parts_short_nothing_is_left() {
    let quick = RepairParams {
        reaction_mean_h: 0.0,
        gap_patience_h: 0.0,
        caretaker_notice_mean_h: 0.0,
        diagnosis_median_h: 0.0,
        right_part_seen: 1.0,
        right_part_blind: 1.0,
        dispatch_median_h: 0.0,
        other_sites: 0.0,
        road_km: 0.0,
        road_closed_share: 0.0,
        insecure_share: 0.0,
        order_mean_days: 0.0,
        on_site_median_h: 1e-6,
        work_from_h: 0.0,
        work_until_h: 24.0,
        work_days: 7,
        ..RepairParams::default()
    };
    let (_, mean, ..) = decompose(&repairs(&quick, AssetKind::Inverter, 500, false));
    assert!(mean < 0.01, "{mean} h come from nowhere");
    let slow = RepairParams { order_mean_days: 8.0, large_part_on_site: 0.0, large_part_in_depot: 0.0, ..quick };
    let (means, mean, ..) = decompose(&repairs(&slow, AssetKind::Inverter, 4000, false));
    assert!((180.0..205.0).contains(&mean) && means[4] > 0.99 * mean, "{means:?}");
}
