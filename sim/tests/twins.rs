//! Two machines with one identity: a copy of the site's card is started elsewhere, under the same keys, at the same relay.
//!
//! The one whose meters answer it is served, whoever asked first. The other is told, every time it asks, and so is the
//! operator; no payment is credited by both, and none is lost between them.

mod common;

use common::{bundle, calm_money, fault, schedule, simulate_meddled, village};
use taa_dcu::config::Traits;
use taa_scenarios::model::{FaultKind, FaultTarget, Scenario};
use taa_sim::{
    records::{Records, TwinRow},
    result::ArchResult,
    run::Meddling,
};

/// Phones alone, so that all money goes by the relay; the card is copied while the site is without power.
fn site(traits: Traits) -> Scenario {
    let mut scenario = village(20, 8, 11);
    scenario.power.pv.kwp *= 2.0;
    scenario.comms.cellular = taa_models::cellular::CellularParams::calm();
    scenario.assets = taa_models::assets::AssetParams::none();
    scenario.people.topup_interval_median_days = 0.7;
    scenario.people.phone_share = 1.0;
    scenario.comms.payments.cash_share = 0.0;
    scenario.run.architectures = vec![("site".to_owned(), traits)];
    scenario.comms.dcu_holdup_h = 0.05;
    calm_money(&mut scenario);
    scenario.faults.push(fault("power", FaultKind::DcuPowerLost, FaultTarget::All, 50, 51));
    scenario
}

/// The card is copied at this hour, and the copy started so many minutes after the site.
fn run(scenario: &Scenario, twin: Option<(u32, u32)>) -> ArchResult {
    let (twin_from_h, twin_after_min) = (twin.map(|twin| twin.0), twin.map_or(0, |twin| twin.1));
    let meddling = Meddling { twin_from_h, twin_after_min, ..Meddling::default() };
    simulate_meddled(scenario, meddling).architectures.remove(0)
}

fn said(records: &Records, kind: &str) -> usize {
    records.log.kind.iter().filter(|of| **of == kind).count()
}

/// What is wrong with the money of the two; empty when nothing is.
fn wrongs(records: &Records, twin: &TwinRow) -> Vec<String> {
    let mut found = Vec::new();
    if twin.credited_by_both > 0 {
        found.push(format!("{} payments credited by both", twin.credited_by_both));
    }
    let by_twin: i64 = twin.credited.iter().map(|row| records.payments.amount_minor[*row as usize]).sum();
    let books = &records.books;
    let somewhere = books.vendor_minor + books.held_minor + books.in_flight_minor;
    // What the copy has credited is under way as the site sees it: the relay says who has it.
    if books.accepted_minor != somewhere || by_twin > books.in_flight_minor {
        found.push(format!("{} accepted, {somewhere} found, {by_twin} of it by the copy", books.accepted_minor));
    }
    let untold = |row: &u32| records.payments.credited_ms[*row as usize].is_some();
    if twin.credited.iter().any(untold) {
        found.push("a receipt of the site for what the copy has".to_owned());
    }
    found
}

fn edge() -> Traits {
    bundle("edge_local").1
}

fn vending() -> Traits {
    Traits { local_vending: true, ..bundle("sts_keypad").1 }
}

#[test]
fn of_two_machines_with_one_identity_one_is_served_and_no_money_is_doubled() {
    // The bench has the faster line: started together, the copy asks first, and is served until a meter has answered the
    // site. Started later, it does not know what the site has called itself since.
    for (traits, sells, after_min) in
        [(edge(), false, 0), (vending(), true, 0), (edge(), false, 60), (vending(), true, 60)]
    {
        let arch = run(&site(traits), Some((50, after_min)));
        let records = &arch.records;
        let twin = records.twin.as_ref().expect("the card was copied");
        assert_eq!(said(records, "twin"), 1);
        assert_eq!(wrongs(records, twin), Vec::<String>::new());
        // The copy is told all the time, the site at most as long as it has not found its meters, and the operator once.
        assert!(twin.told > 20 && said(records, "identity_twice") > 0, "{}", twin.told);
        assert_eq!(twin.site_told > 0, after_min == 0, "{}", twin.site_told);
        assert!(twin.site_told < 20, "{}", twin.site_told);
        let after = |row: &usize| records.payments.credited_ms[*row].is_some_and(|at| at > 52 * common::HOUR_MS);
        let by_site = (0..records.payments.credited_ms.len()).filter(after).count();
        assert!(by_site > 20, "{by_site} {}", twin.credited.len());
        // Whoever pays once both have run for two minutes has light from the site (measured: 36 s at most).
        let from_ms = 51 * common::HOUR_MS + 120_000;
        let late = |row: &u32| records.payments.accepted_ms[*row as usize].is_some_and(|at| at > from_ms);
        assert_eq!(twin.credited.iter().filter(|row| late(row)).count(), 0, "{:?}", twin.credited);
        if sells {
            assert_eq!(twin.tokens > 0, !twin.credited.is_empty(), "the copy sells what it credits and nothing else");
        }
    }
}

/// From the start of a copy that asks first until the relay serves the site, ms; `None` where the copy was never served.
fn served_after_ms(traits: Traits, seed: u64) -> Option<u64> {
    let mut scenario = site(traits);
    (scenario.run.seed, scenario.run.days) = (seed, 3);
    let arch = run(&scenario, Some((50, 0)));
    let log = &arch.records.log;
    let at = |kind: &str, text: &str| {
        let row = (0..log.kind.len()).find(|row| log.kind[*row] == kind && log.text[*row].starts_with(text));
        row.map(|row| log.time_ms[row])
    };
    let copied = at("twin", "").expect("the card was copied");
    at("intake", "TakenOver").map(|served| served - copied)
}

#[test]
fn the_site_takes_its_place_back_within_minutes() {
    for seed in 1..=3 {
        for (traits, name) in [(edge(), "edge"), (vending(), "vending")] {
            let after_ms = served_after_ms(traits, seed);
            assert!(after_ms.is_some_and(|ms| ms < 120_000), "{name} {seed}: {after_ms:?}");
        }
    }
}

/// The table of docs/payments.md: `TAA_SEEDS=100 cargo test -p taa-sim --test twins delays -- --ignored --nocapture`.
#[test]
#[ignore = "measures over many seeds, by hand"]
fn delays_over_seeds() {
    let seeds = std::env::var("TAA_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(20_u64);
    for (traits, name) in [(edge(), "edge"), (vending(), "vending")] {
        let mut delays: Vec<_> = (1..=seeds).map(|seed| served_after_ms(traits, seed)).collect();
        delays.sort_unstable();
        let known: Vec<u64> = delays.iter().flatten().copied().collect();
        let of = |share: usize| known.get(known.len().saturating_sub(1) * share / 100).copied();
        println!(
            "{name}: {seeds} seeds, never served {}, s: least {:?}, half {:?}, 95 of 100 {:?}, most {:?}",
            delays.len() - known.len(),
            of(0).map(|ms| ms as f64 / 1000.0),
            of(50).map(|ms| ms as f64 / 1000.0),
            of(95).map(|ms| ms as f64 / 1000.0),
            of(100).map(|ms| ms as f64 / 1000.0)
        );
    }
}

#[test]
fn without_a_copy_nobody_is_accused() {
    let arch = run(&site(edge()), None);
    assert!(arch.records.twin.is_none());
    assert_eq!(said(&arch.records, "identity_twice"), 0);
    // Nor after many restarts.
    let scenario = schedule::draw(2);
    for arch in simulate_meddled(&scenario, schedule::meddling(2)).architectures {
        assert_eq!(said(&arch.records, "identity_twice"), 0, "{}", arch.name);
    }
}

#[test]
fn sabotage_a_payment_credited_by_both_is_found_out() {
    let arch = run(&site(edge()), Some((50, 60)));
    let mut records = arch.records;
    let mut twin = records.twin.clone().expect("the card was copied");
    let row = records.payments.credited_ms.iter().position(Option::is_some).expect("somebody paid");
    twin.credited.push(row as u32);
    twin.credited_by_both += 1;
    let found = wrongs(&records, &twin).join("; ");
    assert!(found.contains("credited by both") && found.contains("a receipt of the site"), "{found}");
    records.books.in_flight_minor -= 1;
    assert!(wrongs(&records, &twin).iter().any(|wrong| wrong.contains("accepted")));
}
