use super::*;
use crate::testing::{jija, village};
use taa_scenarios::Overrides;

fn estimate(mean: f64, half: f64) -> Estimate {
    Estimate { n: 5, mean, low: mean - half, high: mean + half, p10: mean - half, p50: mean, p90: mean + half }
}

fn remedy(id: &str, saved_h: f64, price_usd: f64, monthly_usd: f64) -> Remedy {
    Remedy {
        id: id.to_owned(),
        words: String::new(),
        on: String::new(),
        price_usd,
        monthly_usd,
        price_source: String::new(),
        saved_h_per_year: estimate(saved_h, 1.0),
        saved_cost_per_year: estimate(0.0, 0.0),
        saved_dark_cost_per_year: estimate(0.0, 0.0),
        payback_months: None,
        certainty: String::new(),
        lives_years: 5.0,
    }
}

#[test]
fn hours_per_price_rank_and_what_does_not_help_comes_last() {
    let mut all = [
        remedy("useless", -10.0, 100.0, 0.0),
        remedy("dear", 1000.0, 20_000.0, 0.0),
        remedy("cheap", 200.0, 100.0, 0.0),
        remedy("fee", 200.0, 100.0, 10.0),
    ];
    all.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
    let order: Vec<&str> = all.iter().map(|r| r.id.as_str()).collect();
    assert_eq!(order, ["cheap", "fee", "dear", "useless"]);
}

#[test]
fn words_follow_the_interval() {
    let one = Estimate { n: 1, ..estimate(10.0, 0.0) };
    assert!(certainty(&estimate(0.0, 0.0)).starts_with("Changed nothing"));
    assert!(certainty(&one).starts_with("One draw"));
    assert!(certainty(&estimate(10.0, 2.0)).starts_with("Sure"));
    assert!(certainty(&estimate(10.0, 12.0)).starts_with("Not sure"));
    assert!(certainty(&estimate(-10.0, 2.0)).starts_with("It costs"));
}

/// The same world with and without: nothing can save more than was lost, and the whole package is the other architecture.
#[test]
fn a_plain_run_tries_purchases_in_the_world_that_it_shows() {
    use crate::{
        engine::Lent,
        plan::{Wanted, study},
    };
    let place = Place::of(village(30, 20, 1));
    let stop = std::sync::atomic::AtomicBool::new(false);
    let lent = Lent { threads: 2, stop: &stop, progress: &|_, _| {} };
    let found = study(&place, Wanted { replications: 0, remedies: true }, None, &lent).unwrap();
    let options = taa_sim::run::RunOptions { threads: 2, stop: &stop, progress: &|_, _| {} };
    let shown = taa_sim::run::run(&place.scenario, &options).unwrap();
    let years = 20.0 / 365.0;
    let lost = |arch: usize| shown.architectures[arch].kpis.downtime_h / 30.0 / years;
    assert!(found.remedies.iter().all(|r| r.saved_h_per_year.mean <= lost(0) + 1e-6));
    let whole = found.remedies.iter().find(|r| r.id == "edge_whole").unwrap();
    assert!((whole.saved_h_per_year.mean - (lost(0) - lost(1))).abs() < 1e-6, "{} {}", lost(0), lost(1));
}

#[test]
fn every_offer_can_be_applied_and_changes_something() {
    let mut place = Place::load(&jija(), &Overrides { days: Some(2), ..Overrides::default() }).unwrap();
    // Radios too weak for some of its meters.
    place.scenario.comms.radio.tx_power_dbm = -4.0;
    let all = offers(&place);
    let ids: Vec<&str> = all.iter().map(|o| o.id).collect();
    for id in ["dual_sim", "edge_dcu", "local_vending", "bigger_battery", "spares_on_site", "relays"] {
        assert!(ids.contains(&id), "{id} of {ids:?}");
    }
    assert_eq!(ids.contains(&"keypad"), place.keypad);
    let variants = variants(&place, &all).unwrap();
    assert_eq!(variants.len(), all.len());
    let plain = format!("{:?}", under(&place.scenario, "cloud_sync", place.scenario.run.architectures[0].1));
    for variant in &variants {
        assert_ne!(format!("{:?}", variant.scenario), plain, "{}", variant.name);
    }
    assert!(all.iter().all(|o| o.price_usd > 0.0 || o.monthly_usd > 0.0));
    // The relays are the planner's: nobody is left without a route who had none.
    let relays = all.iter().find(|offer| offer.id == "relays").unwrap();
    let mut with_relays = place.scenario.clone();
    (relays.apply)(&mut with_relays).unwrap();
    let stood = place.scenario.village.relays.len();
    let added = with_relays.village.relays.len() - stood;
    assert!(relays.words.contains(&with_relays.village.relays[stood].id), "{}", relays.words);
    let without = |scenario: &Scenario| taa_sim::reach::unreached_meters(scenario).len();
    let (before, after) = (without(&place.scenario), without(&with_relays));
    assert!(before >= 1 && after == 0 && added <= 2 * before, "{before}, with {added} relays {after}");
    assert!((relays.price_usd - 60.0 * added as f64).abs() < 1e-9);
    assert!(relays.words.contains(&format!("for {before} of {before} meters")), "{}", relays.words);
    // So weak that relays serve a part; so weak that they serve nobody.
    place.scenario.comms.radio.tx_power_dbm = -14.0;
    let some = offers(&place).into_iter().find(|offer| offer.id == "relays").unwrap();
    (some.apply)(&mut place.scenario).unwrap();
    let left = without(&place.scenario);
    assert!(left > 0 && !some.words.contains(&format!("for {left} of")), "{left} left: {}", some.words);
    place.scenario.comms.radio.tx_power_dbm = -60.0;
    assert!(offers(&place).iter().all(|offer| offer.id != "relays"));
}

/// What a village has already is not offered again.
#[test]
fn only_what_makes_sense_is_offered() {
    let mut scenario = village(30, 2, 1);
    scenario.run.architectures.remove(0);
    let ids: Vec<&str> = offers(&Place::of(scenario)).iter().map(|o| o.id).collect();
    for id in ["dual_sim", "edge_dcu", "edge_whole", "local_vending", "keypad"] {
        assert!(!ids.contains(&id), "{id} is part of edge_local");
    }
}

/// A month of a brittle village holds a year's breakage: wear keeps its shape.
#[test]
fn a_brittle_month_holds_a_years_breakage() {
    use taa_models::{
        assets::{AssetKind, Climate, failures},
        draw::NodeKey,
    };
    let place = Place::of(village(30, 2, 1));
    let often = brittle(&place.scenario).unwrap();
    let count = |scenario: &Scenario, days: u64| {
        let broken = |n| {
            failures(
                &scenario.assets,
                &Climate::even(366, 0.0),
                AssetKind::Meter,
                NodeKey(n),
                (1, 0),
                days * 86_400_000,
                &[],
            )
        };
        (0..20_000).map(|n| broken(n).len()).sum::<usize>() as f64
    };
    let (year, month) = (count(&place.scenario, 360), count(&often, 30));
    assert!(year > 80.0 && (month / year - 1.0).abs() < 0.2, "{month} in a brittle month, {year} in a year");
    // Sabotage: raised rates at the same ages break far more.
    let mut old = often;
    old.assets.oldest_years *= RARE_FACTOR;
    assert!(count(&old, 30) > 2.0 * year);
}
