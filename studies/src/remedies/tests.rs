use super::*;
use crate::testing::{jija, village};
use taa_scenarios::Overrides;

fn estimate(mean: f64, half: f64) -> Estimate {
    Estimate { n: 5, mean, low: mean - half, high: mean + half, p10: mean - half, p50: mean, p90: mean + half }
}

fn remedy(id: &str, saved: f64, price_usd: f64, monthly_usd: f64) -> Remedy {
    Remedy {
        id: id.to_owned(),
        words: String::new(),
        on: String::new(),
        price_usd,
        monthly_usd,
        price_source: String::new(),
        saved_h_per_year: estimate(0.0, 0.0),
        saved_cost_per_year: estimate(saved, 1.0),
        payback_months: None,
        certainty: String::new(),
        lives_years: 5.0,
    }
}

#[test]
fn gain_per_price_ranks_and_what_does_not_help_comes_last() {
    let mut all = [
        remedy("useless", -10.0, 100.0, 0.0),
        remedy("dear", 1000.0, 20_000.0, 0.0),
        remedy("cheap", 200.0, 100.0, 0.0),
        remedy("fee", 200.0, 100.0, 10.0),
    ];
    all.sort_by(|a, b| rank(b, 1.0).total_cmp(&rank(a, 1.0)));
    let order: Vec<&str> = all.iter().map(|r| r.id.as_str()).collect();
    assert_eq!(order, ["cheap", "fee", "dear", "useless"]);
}

#[test]
fn words_follow_the_interval() {
    let zero = estimate(0.0, 0.0);
    assert!(certainty(&zero, &zero, false).starts_with("Changed nothing"));
    assert!(certainty(&estimate(10.0, 2.0), &zero, false).starts_with("Sure"));
    assert!(certainty(&estimate(10.0, 12.0), &zero, true).starts_with("Not sure"));
    assert!(certainty(&estimate(-10.0, 2.0), &zero, false).starts_with("It costs"));
    assert!(certainty(&estimate(1.0, 2.0), &zero, true).contains("twelve times"));
}

#[test]
fn every_offer_can_be_applied_and_changes_something() {
    let place = Place::load(&jija(), &Overrides { days: Some(2), ..Overrides::default() }).unwrap();
    let all = offers(&place);
    let ids: Vec<&str> = all.iter().map(|o| o.id).collect();
    for id in ["dual_sim", "edge_dcu", "local_vending", "bigger_battery", "spares_on_site", "relays"] {
        assert!(ids.contains(&id), "{id} of {ids:?}");
    }
    assert_eq!(ids.contains(&"keypad"), place.keypad);
    let variants = variants(&place, &all).unwrap();
    assert_eq!(variants.len(), all.len() + 1);
    let plain = format!("{:?}", under(&place.scenario, "cloud_sync", place.scenario.run.architectures[0].1));
    for variant in &variants {
        assert_ne!(format!("{:?}", variant.scenario), plain, "{}", variant.name);
    }
    assert!(all.iter().all(|o| o.price_usd > 0.0 || o.monthly_usd > 0.0));
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

/// The scaling back of rare failures: hours by breakage grow with its rate, so that two rates, each scaled back, agree.
#[test]
fn hours_by_breakage_grow_with_its_rate() {
    use crate::engine::{Lent, Window, run};
    use crate::stats::stopping::Stopping;
    let mut scenario = village(20, 40, 1);
    scenario.run.architectures.truncate(1);
    // Who leaves has no more hours to lose: here all are patient, and only the supply is counted.
    scenario.people.churn_mean_h = 1e9;
    scenario.people.trust.fall_h = 1e9;
    let place = Place::of(scenario);
    let at_rate = |factor: f64| {
        let mut changed = place.scenario.clone();
        knob::scale_all(&mut changed, "assets", "_per_year", factor).unwrap();
        Variant::new(format!("{factor} times"), changed)
    };
    let variants =
        [at_rate(0.0), at_rate(RARE_FACTOR / 2.0), Variant::new("brittle", brittle(&place.scenario).unwrap())];
    let stop = std::sync::atomic::AtomicBool::new(false);
    let lent = Lent { threads: 2, stop: &stop, progress: &|_, _| {} };
    let rule = Stopping::fixed(80);
    let all = run(&place, &variants, Window::whole(40), &rule, &|_, _| Vec::new(), &|_| Vec::new(), &lent).unwrap();
    let extra = |variant| paired(&all.values(0, 0, "saidi_h_per_year"), &all.values(variant, 0, "saidi_h_per_year"));
    let (half, whole) = (scaled(extra(1), 2.0 / RARE_FACTOR), scaled(extra(2), 1.0 / RARE_FACTOR));
    assert!(whole.mean > 0.0 && half.mean > 0.0, "{half:?} {whole:?}");
    assert!(whole.low < half.high && half.low < whole.high, "{half:?} {whole:?}");
    let relative = |e: &Estimate| (e.high - e.low) / e.mean;
    assert!(relative(&whole) < relative(&half), "more failures, a narrower interval: {half:?} {whole:?}");
    assert!(extra(2).low > whole.high, "sabotage: without scaling back they would not agree");
}
