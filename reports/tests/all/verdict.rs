//! The verdict says something else when the figures do.

use std::path::Path;

use taa_reports::{
    WriteOptions,
    data::{Architecture, CauseKind, CauseRow, ReportData},
    load,
    verdict::{Level, Verdict, brief, verdict},
    write,
};

use crate::sample;

fn data(name: &str, days: u32) -> ReportData {
    let mut scenario = sample::scenario(days);
    scenario.faults.clear();
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    write(&dir, &scenario, &sample::result(&scenario), &WriteOptions::default()).expect("written");
    load(&dir).expect("loaded")
}

fn cause(kind: CauseKind, words: &str, hours: [u64; 3]) -> CauseRow {
    let chain = vec![words.to_owned()];
    let hit = taa_reports::data::Hit::default();
    CauseRow {
        key: words.replace(' ', "_"),
        words: words.to_owned(),
        kind,
        ms: hours.map(|h| h * 3_600_000),
        chain,
        hit,
    }
}

/// Gives an architecture these causes and the availability that belongs to them.
fn set(arch: &mut Architecture, paid: f64, causes: Vec<CauseRow>) {
    arch.causes = causes;
    arch.kpis.insert("paid_service_availability".to_owned(), paid.into());
}

fn text(verdict: &Verdict) -> String {
    verdict.paragraphs.iter().map(|(lead, text)| format!("{lead}: {text}\n")).collect()
}

#[test]
fn nobody_lost_an_hour() {
    let mut data = data("verdict-none", 3);
    data.architectures.iter_mut().for_each(|arch| set(arch, 1.0, vec![]));
    let verdict = verdict(&data);
    assert_eq!(verdict.headline, "Yes. In this draw nobody lost an hour.");
    assert_eq!(verdict.level, Level::Steady);
    assert_eq!(verdict.paragraphs.len(), 1, "nothing to explain: {}", text(&verdict));
}

#[test]
fn energy_is_not_blamed_on_communication() {
    let mut data = data("verdict-energy", 3);
    let dark = || vec![cause(CauseKind::Energy, "not enough sun", [900, 0, 0])];
    data.architectures.iter_mut().for_each(|arch| set(arch, 0.90, dark()));
    let verdict = verdict(&data);
    assert_eq!(verdict.headline, "Not reliably, whichever the architecture.");
    let text = text(&verdict);
    assert!(text.contains("every lost hour goes back to one cause: not enough sun."), "{text}");
    assert!(text.contains("Hardly anything"), "{text}");
    assert!(text.contains("a larger battery"), "{text}");
    assert!(text.contains("too small to mean anything"), "{text}");
}

#[test]
fn the_better_architecture_may_be_the_first_one() {
    let mut data = data("verdict-worse", 3);
    set(&mut data.architectures[0], 0.9995, vec![cause(CauseKind::Mesh, "no route in the mesh", [0, 20, 0])]);
    let worse = vec![
        cause(CauseKind::Repair, "data concentrator down", [0, 500, 0]),
        cause(CauseKind::Mesh, "no route in the mesh", [0, 20, 0]),
    ];
    set(&mut data.architectures[1], 0.97, worse);
    let verdict = verdict(&data);
    assert_eq!(verdict.headline, "Yes under cloud_sync; mostly under edge_local.");
    let text = text(&verdict);
    assert!(text.contains("Going from edge_local to cloud_sync"), "{text}");
    assert!(text.contains("data concentrator down (−500 h)"), "{text}");
    assert!(text.contains("Meters on poles"), "what remains is the mesh: {text}");
}

#[test]
fn one_architecture_is_not_compared() {
    let mut data = data("verdict-single", 3);
    data.architectures.truncate(1);
    let blocked = vec![
        cause(CauseKind::Backhaul, "tower without power", [0, 0, 60]),
        cause(CauseKind::Operator, "payment provider down", [0, 0, 40]),
    ];
    set(&mut data.architectures[0], 0.985, blocked);
    let verdict = verdict(&data);
    assert_eq!(verdict.headline, "Mostly.");
    let text = text(&verdict);
    assert!(!text.contains("architecture changes") && !text.contains("less with"), "{text}");
    assert!(text.contains("they wanted to pay and found no way to"), "{text}");
    assert!(text.contains("credit kept at the site"), "what it lacks is recommended: {text}");
}

#[test]
fn what_an_architecture_has_is_not_recommended_again() {
    let mut data = data("verdict-has", 3);
    data.architectures.remove(0);
    set(&mut data.architectures[0], 0.985, vec![cause(CauseKind::Backhaul, "tower down", [0, 0, 60])]);
    let text = text(&verdict(&data));
    assert!(!text.contains("a second operator") && !text.contains("credit kept at the site"), "{text}");
}

#[test]
fn the_caveat_is_honest() {
    let mut data = data("verdict-caveat", 3);
    data.run.partial = true;
    data.run.days_asked = 30;
    let lost =
        vec![cause(CauseKind::Unknown, "not known", [5, 0, 0]), cause(CauseKind::Energy, "battery empty", [95, 0, 0])];
    set(&mut data.architectures[0], 0.99, lost);
    let caveat = verdict(&data).caveat;
    assert!(caveat.starts_with("This is one draw (seed 42)."), "{caveat}");
    assert!(caveat.contains("stopped early, after 3.0 of 30 days"), "{caveat}");
    assert!(caveat.contains("scaled up from 3.0 days"), "{caveat}");
    assert!(caveat.contains("5.0 % of the lost hours have no known cause"), "{caveat}");
}

#[test]
fn with_many_draws_the_caveat_says_which_figures_are_one_draw() {
    let mut data = data("verdict-caveat-many", 30);
    let mut study = sample::study();
    data.study = Some(study.clone());
    let caveat = verdict(&data).caveat;
    assert!(!caveat.contains("This is one draw"), "{caveat}");
    assert!(caveat.contains("one run, that of seed 42") && caveat.contains("Ranges come from 12 draws"), "{caveat}");
    // Sabotage: a study of purchases alone gives the run no ranges.
    study.spreads.clear();
    data.study = Some(study);
    assert!(verdict(&data).caveat.starts_with("This is one draw (seed 42)."));
}

#[test]
fn gaps_are_short_only_where_none_lasts_a_day() {
    let mut data = data("verdict-gaps", 30);
    let dark = || vec![cause(CauseKind::Energy, "battery empty", [90, 0, 0])];
    let mut said = |paid: f64, longest_h: f64| {
        for arch in &mut data.architectures {
            set(arch, paid, dark());
            arch.kpis.insert("longest_outage_h".to_owned(), longest_h.into());
        }
        verdict(&data).headline
    };
    assert_eq!(said(0.996, 9.0), "Yes, with short gaps, whichever the architecture.");
    assert_eq!(said(0.996, 24.0), "Yes, with some long gaps, whichever the architecture.");
    assert_eq!(said(0.9995, 3.0), "Yes, whichever the architecture.");
    assert_eq!(said(0.9995, 30.0), "Yes, with rare long gaps, whichever the architecture.");
    assert_eq!(said(0.994, 9.0), "Mostly, whichever the architecture.", "more than fifty hours a year");
    // The same hours, spread otherwise, are two answers.
    data.architectures[1].kpis.insert("longest_outage_h".to_owned(), 30.0.into());
    data.architectures
        .iter_mut()
        .for_each(|arch| drop(arch.kpis.insert("paid_service_availability".to_owned(), 0.996.into())));
    let headline = verdict(&data).headline;
    assert_eq!(headline, "Yes, with short gaps, under cloud_sync; yes, with some long gaps, under edge_local.");
}

#[test]
fn many_in_the_dark_for_days_are_more_of_the_same_after_a_no() {
    let mut data = data("verdict-and", 30);
    let dark = || vec![cause(CauseKind::Energy, "battery empty", [90, 0, 0])];
    let mut said = |paid: f64| {
        for arch in &mut data.architectures {
            set(arch, paid, dark());
            arch.kpis.insert("customers_dark_96h".to_owned(), 200.0.into());
        }
        verdict(&data).headline
    };
    assert!(said(0.7).starts_with("No, whichever the architecture. And 200 of "));
    assert!(said(0.97).starts_with("Mostly, whichever the architecture. But 200 of "));
}

#[test]
fn paid_energy_decides_where_lost_hours_mislead() {
    let mut data = data("verdict-paid", 3);
    let dark = |h| vec![cause(CauseKind::Energy, "battery empty", [h, 0, 0])];
    set(&mut data.architectures[0], 0.90, dark(700));
    set(&mut data.architectures[1], 0.88, dark(900));
    let sold = |arch: &mut Architecture, kwh: f64| {
        arch.kpis.insert("energy_served_kwh".to_owned(), kwh.into());
        arch.kpis.insert("energy_unpaid_kwh".to_owned(), 0.0.into());
    };
    sold(&mut data.architectures[0], 500.0);
    sold(&mut data.architectures[1], 540.0);
    let found = verdict(&data);
    assert!(
        found.headline.contains("best under edge_local") || found.headline.contains("edge_local"),
        "{}",
        found.headline
    );
    assert!(text(&found).contains("Cloud_sync has fewer lost hours, and yet serves less"), "{}", text(&found));
    assert!(brief(&data).figure.contains("Even so edge_local serves more energy"), "{}", brief(&data).figure);
    // Sabotage: energy given away is no argument.
    data.architectures[1].kpis.insert("energy_unpaid_kwh".to_owned(), 60.0.into());
    assert!(!text(&verdict(&data)).contains("fewer lost hours, and yet"));
}
