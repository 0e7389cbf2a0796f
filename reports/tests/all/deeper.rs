//! The first screen, stories, waits, and what many runs add: shown when there, and said when not.

use std::path::{Path, PathBuf};

use taa_reports::{
    WriteOptions,
    data::{CURVE_BOUNDS_S, ReportData},
    load, render_again, terminal_table_with,
    verdict::brief,
    write,
};
use taa_sim::result::RunResult;
use taa_studies::study::Study;

use crate::sample;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Writes a report of the sample with or without a study, after a change of the result; its page and data.
fn report(name: &str, study: Option<Study>, change: impl FnOnce(&mut RunResult)) -> (String, ReportData) {
    let scenario = sample::scenario(30);
    let mut result = sample::result(&scenario);
    change(&mut result);
    let dir = folder(name);
    write(&dir, &scenario, &result, &WriteOptions { study, ..WriteOptions::default() }).expect("a report");
    (std::fs::read_to_string(dir.join("report.html")).expect("the page"), load(&dir).expect("the data"))
}

/// The first section of the page: what a planner sees before scrolling.
fn first_screen(html: &str) -> &str {
    html.split("<section id=\"verdict\"")
        .nth(1)
        .and_then(|rest| rest.split("</section>").next())
        .expect("a first screen")
}

#[test]
fn the_first_screen_says_what_goes_wrong_and_what_to_buy() {
    let (html, data) = report("first-study", Some(sample::study()), |_| ());
    let first = first_screen(&html);
    for text in [
        "What goes wrong",
        "What to change first",
        "a data concentrator that keeps the balances at the site",
        "$250",
        "13 h<small>9.4 to 16 h</small>",
        "Saves per customer in these 30 days",
        "perhaps nothing",
        "12 draws",
        "How sure.",
        "how often the site&#39;s flash memory fails",
    ] {
        assert!(first.contains(text), "{text} is missing: {first}");
    }
    let brief = brief(&data);
    assert!((1..=3).contains(&brief.wrongs.len()));
    assert!(brief.purchases.iter().all(|row| !row.words.contains("relays")), "what does not help is not recommended");
}

#[test]
fn without_a_study_the_first_screen_says_so() {
    let (html, _) = report("first-plain", None, |_| ());
    let first = first_screen(&html);
    assert!(first.contains("No purchases were tried out in this run."), "{first}");
    assert!(first.contains("one draw") && first.contains("only assumed"), "{first}");
    assert!(first.contains("edge_local in place of cloud_sync"), "the change that was simulated is offered: {first}");
    for id in ["change", "spread", "weak"] {
        assert!(!html.contains(&format!("<section id=\"{id}\"")), "{id} has nothing to show");
    }
    let (html, _) = report("first-partial", None, |result| result.partial = true);
    assert!(first_screen(&html).contains("stopped before purchases were tried out"));
}

#[test]
fn the_study_stays_with_the_data_and_renders_again() {
    let (html, data) = report("study-again", Some(sample::study()), |_| ());
    let (kept, given) = (data.study.expect("the study"), sample::study());
    assert_eq!((kept.draws, kept.days, kept.spreads.len()), (given.draws, given.days, given.spreads.len()));
    for (kept, given) in kept.remedies.iter().zip(&given.remedies) {
        assert_eq!(kept.id, given.id);
        assert!((kept.saved_h_per_year.low - given.saved_h_per_year.low).abs() < 1e-9);
    }
    render_again(&folder("study-again")).expect("rendered again");
    let again = std::fs::read_to_string(folder("study-again").join("report.html")).unwrap();
    assert!(again == html, "the pages differ");
    for id in ["change", "stories", "spread", "weak"] {
        assert!(html.contains(&format!("<section id=\"{id}\"")), "{id} is missing");
    }
}

#[test]
fn data_of_earlier_versions_still_renders() {
    report("earlier", Some(sample::study()), |_| ());
    let dir = folder("earlier");
    let path = dir.join("report-data.json");
    let mut data: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    data.as_object_mut().unwrap().remove("study");
    for arch in data["architectures"].as_array_mut().unwrap() {
        let arch = arch.as_object_mut().unwrap();
        ["stories", "hours", "repairs"].iter().for_each(|key| drop(arch.remove(*key)));
        arch["payments"].as_object_mut().unwrap().remove("waits");
        arch["causes"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .for_each(|row| drop(row.as_object_mut().unwrap().remove("hit")));
    }
    std::fs::write(&path, data.to_string()).unwrap();
    render_again(&dir).expect("rendered");
    let html = std::fs::read_to_string(dir.join("report.html")).unwrap();
    assert!(first_screen(&html).contains("No purchases were tried out"));
    assert!(!html.contains("<section id=\"stories\""));
}

#[test]
fn an_interval_with_zero_in_it_is_told_and_one_without_is_not() {
    let row = |html: &str, words: &str| {
        let table = html.split("id=\"remedies\"").nth(1).unwrap().split("</table>").next().unwrap();
        table.split("<tr>").find(|row| row.contains(words)).expect("the row").to_owned()
    };
    let (html, _) = report("zero", Some(sample::study()), |_| ());
    assert!(row(&html, "a spare inverter").contains("the range includes zero"));
    assert!(row(&html, "a second SIM").contains("<td>helps<small>"));
    let mut sabotaged = sample::study();
    sabotaged.remedies[1].saved_h_per_year = sample::about(52.0, 60.0);
    let (html, _) = report("zero-sabotaged", Some(sabotaged), |_| ());
    assert!(row(&html, "a second SIM").contains("the range includes zero"));
}

#[test]
fn what_turns_the_verdict_round_is_said_in_words() {
    let (html, _) = report("flips", Some(sample::study()), |_| ());
    assert_eq!(html.matches("<em>turns the verdict round</em>").count(), 1);
    let mut calm = sample::study();
    calm.sensitivity.as_mut().unwrap().rows.iter_mut().for_each(|row| row.flips = false);
    let (html, _) = report("flips-not", Some(calm), |_| ());
    assert!(!html.contains("<em>turns the verdict round</em>"));
    assert!(first_screen(&html).contains("None of the 3 weakest assumptions"));
}

#[test]
fn stories_are_the_longest_darknesses_with_their_chains() {
    let (html, data) = report("stories", None, |_| ());
    for arch in &data.architectures {
        assert!((1..=5).contains(&arch.stories.len()));
        let longest_h = arch.stories[0].longest_ms as f64 / 3_600_000.0;
        assert!(
            (longest_h - arch.kpi("longest_outage_h").unwrap()).abs() < 1e-6,
            "the first story is the longest darkness"
        );
        assert!(arch.stories.windows(2).all(|pair| pair[0].longest_ms >= pair[1].longest_ms), "longest first");
        let told: u64 = arch.stories.iter().map(|story| story.lost_ms).sum();
        assert!(told <= arch.lost_ms().iter().sum(), "no hour is told twice");
    }
    assert!(data.architectures[0].stories.iter().any(|story| story.customers > 10), "shared darkness is one story");
    assert!(html.contains("because the credit did not arrive, because"), "the chain is told");
    // Sabotage: without the longest row the first story is another one.
    let before = data.architectures[0].stories[0].clone();
    let (_, shorter) = report("stories-sabotaged", None, |result| {
        let table = &mut result.architectures[0].records.downtime;
        for i in 0..table.len() {
            if table.start_ms[i] >= before.from_ms && table.end_ms[i] <= before.until_ms {
                table.end_ms[i] = table.start_ms[i] + 60_000;
            }
        }
    });
    assert!(shorter.architectures[0].stories[0].longest_ms < before.longest_ms);
}

#[test]
fn causes_know_whom_they_hit() {
    let (_, data) = report("hits", None, |_| ());
    let customers = data.village.customers.len() as u32;
    for row in data.architectures.iter().flat_map(|arch| &arch.causes) {
        assert!((1..=customers).contains(&row.hit.customers), "{}", row.key);
        assert_eq!(row.hit.by_quarter_ms.iter().sum::<u64>(), row.total_ms(), "{}: the quarters add up", row.key);
        assert!(row.hit.longest_ms <= row.total_ms());
        assert!(row.hit.half_within_days[0] <= row.hit.half_within_days[1] && row.hit.half_within_days[1] < 30);
    }
}

#[test]
fn hours_of_all_connections_add_up_to_the_run() {
    let (html, data) = report("hours", None, |_| ());
    for arch in &data.architectures {
        let hours = arch.hours.expect("hours");
        assert_eq!(hours.total(), data.run.simulated_ms * data.village.customers.len() as u64);
        assert_eq!(hours.lost, arch.lost_ms(), "the same lost hours as by cause");
    }
    assert!(html.contains("h of paid light a year"));
}

#[test]
fn waiting_money_is_counted_once() {
    let (html, data) = report("waits", None, |_| ());
    for arch in &data.architectures {
        let waits = &arch.payments.waits;
        for curve in &waits.curves {
            assert_eq!(curve.within.len(), CURVE_BOUNDS_S.len());
            assert!(curve.within.windows(2).all(|pair| pair[0] <= pair[1]), "a curve never falls");
            assert!(curve.within.iter().all(|&n| n <= curve.accepted));
        }
        let accepted: u32 = waits.curves.iter().map(|curve| curve.accepted).sum();
        assert_eq!(accepted, arch.payments.wanted - arch.payments.blocked);
        assert_eq!(waits.stages[0].passed, accepted);
        assert_eq!(waits.stages[1].passed, arch.payments.applied);
        assert_eq!(waits.stages[1].inside, arch.payments.pending);
        assert_eq!(waits.series.blocked.len(), arch.dark.customers[0].len(), "one axis of time");
    }
    assert!(html.contains("Who waited longest"));
}

#[test]
fn faults_are_marked_through_every_panel() {
    let (html, data) = report("marks", None, |_| ());
    let when = html.split("<section id=\"when\"").nth(1).unwrap().split("</section>").next().unwrap();
    let panels = when.matches("data-t=\"1000\"").count();
    assert!(panels >= data.architectures.len() + 2, "darkness each, battery, payments: {panels}");
    assert_eq!(when.matches("class=\"fm\"").count(), panels, "each panel shows the scripted fault");
}

#[test]
fn the_cost_is_shown_in_parts_that_add_up() {
    let (html, data) = report("cost", None, |_| ());
    assert!(html.contains("energy not served, at its price"));
    for arch in &data.architectures {
        let cost = arch.kpi("cost_of_downtime").unwrap();
        let unserved = arch.kpi("energy_unserved_kwh").unwrap() * data.scenario.price_per_kwh;
        assert!(unserved <= cost + 1e-6, "a part is no more than the whole");
    }
}

#[test]
fn the_terminal_answers_in_nine_lines() {
    let scenario = sample::scenario(30);
    let result = sample::result(&scenario);
    let table = terminal_table_with(&scenario, &result, Some(&sample::study()), false);
    let answer: Vec<&str> =
        table.lines().skip_while(|line| !line.starts_with("Goes wrong")).take_while(|line| !line.is_empty()).collect();
    assert!((2..=9).contains(&answer.len()), "{answer:?}");
    assert!(answer.iter().any(|line| line.starts_with("Change first: a data concentrator")), "{answer:?}");
    assert!(table.lines().all(|line| line.chars().count() <= 80));
}
