//! Shapes that hold for every seed. Figures against their bounds are in `tests/towers.rs`.

use super::*;
use crate::{spells::HOUR_MS, weather::Series};

const YEAR_MS: u64 = 8766 * HOUR_MS;

/// A year in which every tenth day and the one after are dull.
pub(super) fn sky() -> Sky {
    let ghi = |h: usize| {
        let clear = (1.0 - ((h % 24) as f32 - 12.0).abs() / 6.0).max(0.0) * 900.0;
        if (h / 24) % 10 < 2 { clear * 0.5 } else { clear }
    };
    let hours: Vec<f32> = (0..8784).map(ghi).collect();
    let flat = || vec![0.0; 8784];
    Sky::new(&Series::hourly(hours, flat(), flat(), flat(), flat()).unwrap(), 1_767_225_600, YEAR_MS)
}

fn all_lists(lines: &Timelines) -> Vec<&Vec<Down>> {
    let pairs = [&lines.towers, &lines.bearers, &lines.sims, &lines.throttled];
    let singles = [&lines.router, &lines.fibre, &lines.core, &lines.vsat];
    pairs.into_iter().flatten().chain(singles).collect()
}

#[test]
fn intervals_never_overlap_and_end_in_time() {
    let sky = sky();
    for seed in 0..150 {
        let lines = Timelines::draw(&CellularParams::default(), &sky, seed, 0, YEAR_MS);
        for list in all_lists(&lines) {
            assert!(list.iter().all(|d| d.start_ms < d.end_ms && d.end_ms <= YEAR_MS));
            assert!(list.windows(2).all(|w| w[0].end_ms < w[1].start_ms), "{seed}");
        }
    }
}

#[test]
fn calm_is_calm_and_each_switch_moves_its_own_part_alone() {
    let sky = sky();
    let draw = |p: &CellularParams| Timelines::draw(p, &sky, 5, 0, YEAR_MS);
    assert_eq!(draw(&CellularParams::calm()), Timelines::default());
    let all = draw(&CellularParams::default());
    let mut p = CellularParams::default();
    p.throttle.spells_per_month = 0.0;
    p.site_power.fuel_thefts_per_year = 0.0;
    let some = draw(&p);
    assert_eq!(some.throttled, [Vec::new(), Vec::new()]);
    assert_eq!((&some.bearers, &some.fibre, &some.vsat), (&all.bearers, &all.fibre, &all.vsat));
    assert!(some.towers.iter().flatten().all(|d| d.why != DownWhy::FuelStolen));
}

#[test]
fn a_shared_mast_takes_both_towers_down() {
    let sky = sky();
    let both = |fate| {
        let p = CellularParams { second_sim_shares_fate: fate, ..CellularParams::default() };
        let mut together = 0_u64;
        for seed in 0..200 {
            let [a, b] = Timelines::draw_towers(&p, &sky, seed, 0, YEAR_MS);
            for x in &a {
                let overlap = |y: &Down| x.end_ms.min(y.end_ms).saturating_sub(x.start_ms.max(y.start_ms));
                together += b.iter().map(overlap).sum::<u64>();
            }
        }
        together / HOUR_MS
    };
    let (none, some, all) = (both(0.0), both(0.4), both(1.0));
    assert!(none * 2 < some && some * 3 < all * 2, "{none} {some} {all}");
    // Towers apart still see the same weather.
    assert!(none > 0);
}

#[test]
fn only_the_weather_makes_dark_days() {
    let p = CellularParams::default();
    let count = |sky: &Sky| -> usize {
        let of = |seed| Timelines::draw_towers(&p, sky, seed, 0, YEAR_MS);
        (0..100).map(|s| of(s).iter().flatten().filter(|d| d.why == DownWhy::DarkDays).count()).sum()
    };
    let hours: Vec<f32> = (0..24).map(|h| (1.0 - (h as f32 - 12.0).abs() / 6.0).max(0.0) * 900.0).collect();
    let flat = || vec![0.0; 24];
    let clear = Series::hourly(hours, flat(), flat(), flat(), flat()).unwrap();
    assert_eq!(count(&Sky::new(&clear, 0, YEAR_MS)), 0);
    let dull = count(&sky());
    assert!(dull > 100, "{dull}");
    // Scripted clouds act as the sky's own.
    let clouds = [(10 * 24 * HOUR_MS, 16 * 24 * HOUR_MS, 0.2)];
    assert!(count(&Sky::clouded(&clear, 0, YEAR_MS, &clouds)) > 20);
}

#[test]
fn a_longer_horizon_changes_nothing_before_it() {
    let (sky, p) = (sky(), CellularParams::default());
    let half = YEAR_MS / 2;
    for seed in 0..20 {
        let (long, short) = (Timelines::draw(&p, &sky, seed, 0, YEAR_MS), Timelines::draw(&p, &sky, seed, 0, half));
        for (l, s) in all_lists(&long).into_iter().zip(all_lists(&short)) {
            let cut = |list: &Vec<Down>| list.iter().filter(|d| d.end_ms < half).copied().collect::<Vec<_>>();
            assert_eq!(cut(l), cut(s), "{seed}");
        }
    }
}

#[test]
fn throttling_prefers_evenings_and_month_ends() {
    let (sky, p) = (sky(), CellularParams::default());
    let (mut evening, mut month_end, mut all) = (0.0, 0.0, 0.0);
    for seed in 0..400 {
        for down in &Timelines::draw(&p, &sky, seed, 0, YEAR_MS).throttled[0] {
            let (second, _, day) = sky.local(down.start_ms as i64);
            all += 1.0;
            evening += f64::from(u8::from((64_800..79_200).contains(&second)));
            month_end += f64::from(u8::from(day >= 28 || day <= 2));
        }
    }
    assert!((all / 4800.0 - 2.0_f64).abs() < 0.15, "{}", all / 4800.0);
    // 4·4/(4·4 + 20) and 3·5/(3·5 + 25.4).
    assert!((evening / all - 0.444_f64).abs() < 0.03, "{}", evening / all);
    assert!((month_end / all - 0.371_f64).abs() < 0.03, "{}", month_end / all);
}

#[test]
fn a_lapsed_bundle_waits_for_the_office() {
    let (sky, mut p) = (sky(), CellularParams::calm());
    p.sim_card.forgotten_share = 0.5;
    let mut seen = 0;
    for seed in 0..100 {
        for down in &Timelines::draw(&p, &sky, seed, 0, YEAR_MS).sims[0] {
            if down.end_ms < YEAR_MS {
                let (second, weekday, _) = sky.local(down.end_ms as i64);
                assert!(weekday < 5 && (8 * 3600..=17 * 3600).contains(&second), "{weekday} {second}");
                seen += 1;
            }
        }
    }
    assert!((400..800).contains(&seen), "{seen}");
}

#[test]
fn rain_fades_follow_the_weather() {
    let (sky, p) = (sky(), CellularParams::default());
    let (mut wet, mut dry) = (0, 0);
    for seed in 0..200 {
        for down in &Timelines::draw(&p, &sky, seed, 0, YEAR_MS).vsat {
            if down.why == DownWhy::Rain {
                let day = (down.start_ms / 86_400_000) as i64;
                if sky.wetness(day) > 0.5 { wet += 1 } else { dry += 1 }
            }
        }
    }
    assert!(wet > 1000 && dry == 0, "{wet} {dry}");
}
