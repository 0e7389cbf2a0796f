//! Rates over thousands of asset-years, heat, the common cause.

use super::*;

const YEAR_MS: u64 = 8766 * HOUR_MS;

fn years(n: usize) -> Climate {
    Climate::even(n * 366, 1.0)
}

fn count(p: &AssetParams, climate: &Climate, kind: AssetKind, assets: u64, years: u64) -> Vec<Failure> {
    let seed = (5, 0);
    let struck = strikes(p, climate, seed, years * YEAR_MS);
    (0..assets).flat_map(|n| failures(p, climate, kind, NodeKey(n), seed, years * YEAR_MS, &struck)).collect()
}

#[test]
fn things_fail_at_their_rate() {
    // 2000 assets over 20 years, aged 0 to 6 years at the start; constant hazards to 3 %, wear to 6 % (it comes late).
    let p = AssetParams { lightning_strikes_per_year: 0.0, ..AssetParams::default() };
    let climate = years(20);
    for (kind, rate, within) in [
        (AssetKind::Inverter, 0.1, 0.06),
        (AssetKind::Conductor, 0.33, 0.06),
        (AssetKind::Breaker, 1.0, 0.03),
        (AssetKind::Bms, 0.5, 0.03),
        (AssetKind::DcuHang, 0.5, 0.03),
        (AssetKind::Panels, 0.03, 0.1),
    ] {
        let found = count(&p, &climate, kind, 2000, 20).len() as f64 / 40_000.0;
        assert!((found / rate - 1.0).abs() < within, "{kind:?}: {found} a year, {rate} wanted");
    }
}

#[test]
fn wear_comes_with_age_and_chance_does_not() {
    let new = AssetParams { oldest_years: 0.0, lightning_strikes_per_year: 0.0, ..AssetParams::default() };
    let old = AssetParams { oldest_years: 40.0, ..new.clone() };
    let climate = years(1);
    let of = |p: &AssetParams, kind| count(p, &climate, kind, 4000, 1).len() as f64;
    assert!(of(&old, AssetKind::Inverter) > 2.0 * of(&new, AssetKind::Inverter));
    assert!((of(&old, AssetKind::Breaker) / of(&new, AssetKind::Breaker) - 1.0).abs() < 0.01);
}

#[test]
fn heat_takes_inverters_and_says_so() {
    let p = AssetParams { wear_shape: 1.0, lightning_strikes_per_year: 0.0, ..AssetParams::default() };
    let days = 366;
    let zero = vec![0.0; days * 24];
    let sky = |temp_c: f32| {
        let series = crate::weather::Series::hourly(
            zero.clone(),
            zero.clone(),
            zero.clone(),
            vec![temp_c; days * 24],
            zero.clone(),
        );
        Climate::of(&series.unwrap(), &crate::weather::SunContext::new(0, 0.0, 0.0), days, p.heat_doubling_k)
    };
    let hot = count(&p, &sky(35.0), AssetKind::Inverter, 10_000, 1);
    let mild = count(&p, &sky(25.0), AssetKind::Inverter, 10_000, 1);
    let ratio = hot.len() as f64 / mild.len() as f64;
    assert!((1.85..2.15).contains(&ratio), "{ratio}");
    let by_heat = hot.iter().filter(|f| f.why == Why::Heat).count() as f64 / hot.len() as f64;
    assert!((0.45..0.55).contains(&by_heat), "{by_heat}");
    assert!(mild.iter().all(|f| f.why == Why::Worn));
    let meters = |t| count(&p, &sky(t), AssetKind::Meter, 5000, 1);
    assert_eq!(meters(35.0), meters(25.0));
}

#[test]
fn lightning_strikes_several_things_at_one_moment_on_wet_days_only() {
    let p = AssetParams { lightning_strikes_per_year: 2.0, ..AssetParams::none() };
    let struck = strikes(&p, &years(50), (1, 0), 50 * YEAR_MS);
    assert!((80..=120).contains(&struck.len()), "{}", struck.len());
    assert_eq!(strikes(&p, &Climate::even(50 * 366, 0.0), (1, 0), 50 * YEAR_MS), Vec::<u64>::new());
    let climate = years(50);
    let of = |kind, key| {
        let all = failures(&p, &climate, kind, NodeKey::of(key), (1, 0), 50 * YEAR_MS, &struck);
        assert!(all.iter().all(|f| f.why == Why::Lightning && struck.contains(&f.at_ms)));
        all.iter().map(|f| f.at_ms).collect::<Vec<_>>()
    };
    let (inverter, dcu) = (of(AssetKind::Inverter, "plant"), of(AssetKind::Dcu, "dcu"));
    let both = inverter.iter().filter(|at| dcu.contains(at)).count();
    // A quarter each, alone: a sixteenth together; without the common cause two such moments never meet.
    assert!((2..=14).contains(&both), "{both} of {}", struck.len());
}

#[test]
fn one_asset_does_not_follow_another_and_none_is_none() {
    let p = AssetParams { feeder_failures_per_year: 5.0, ..AssetParams::none() };
    let climate = years(1);
    let of = |key, kind| failures(&p, &climate, kind, NodeKey::of(key), (5, 0), YEAR_MS, &[]);
    assert_ne!(of("f1", AssetKind::Conductor), of("f2", AssetKind::Conductor));
    assert_eq!(of("f1", AssetKind::Conductor), of("f1", AssetKind::Conductor));
    for kind in AssetKind::ALL {
        let none = AssetParams::none();
        assert_eq!(failures(&none, &climate, kind, NodeKey(1), (1, 0), u64::MAX, &[]), [], "{kind:?}");
    }
    assert_eq!(tamper_trips(&AssetParams::none().tamper, NodeKey(1), (1, 0), u64::MAX), Vec::<u64>::new());
}

#[test]
fn meters_feel_tampered_with_at_their_rate() {
    let p = TamperParams { trips_per_meter_year: 0.5, ..TamperParams::default() };
    let all: usize = (0..2000).map(|n| tamper_trips(&p, NodeKey(n), (3, 0), YEAR_MS).len()).sum();
    assert!((900..=1100).contains(&all), "{all}");
}
