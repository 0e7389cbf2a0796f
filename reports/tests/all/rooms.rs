//! What the simulator's rooms leave, shown: repairs, parts of the money's way, numbers for keypads, purchases of a plain
//! run.

use std::path::Path;

use taa_reports::{
    WriteOptions,
    data::{HOUR_MS, ReportData},
    load,
    verdict::brief,
    write,
};
use taa_scenarios::model::{FaultTarget, Operation, OperationKind};
use taa_sim::{
    cause::{Cause, Chain},
    records::{ImageRow, ImageStep, KitRow, PayChannel, RepairRow, TokenBy},
    result::RunResult,
};
use taa_studies::study::Study;

use crate::sample;

fn report(name: &str, study: Option<Study>, change: impl FnOnce(&mut RunResult)) -> (String, ReportData) {
    let scenario = sample::scenario(30);
    let mut result = sample::result(&scenario);
    change(&mut result);
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    write(&dir, &scenario, &result, &WriteOptions { study, ..WriteOptions::default() }).expect("a report");
    (std::fs::read_to_string(dir.join("report.html")).expect("the page"), load(&dir).expect("the data"))
}

/// An inverter burnt by lightning: five days, of them three for the part.
fn inverter() -> RepairRow {
    let at = |h: u64| Some((100 + h) * HOUR_MS);
    RepairRow {
        asset: "inverter",
        id: "plant".to_owned(),
        cause: Chain::of(Cause::Lightning),
        failed_ms: 100 * HOUR_MS,
        noticed_ms: at(4),
        noticed_by: "telemetry",
        site_seen: true,
        diagnosed_ms: at(10),
        returned_ms: None,
        dispatched_ms: at(30),
        spares: "ordered",
        spares_ms: at(102),
        left_ms: at(106),
        arrived_ms: at(110),
        mended_ms: at(120),
        mended_by: "crew",
        trips: 1,
    }
}

/// A concentrator that hung and nobody has seen it yet.
fn unseen() -> RepairRow {
    RepairRow {
        asset: "dcu_hang",
        cause: Chain::EMPTY,
        failed_ms: 700 * HOUR_MS,
        noticed_ms: None,
        noticed_by: "",
        site_seen: false,
        diagnosed_ms: None,
        dispatched_ms: None,
        spares: "not_needed",
        spares_ms: None,
        left_ms: None,
        arrived_ms: None,
        mended_ms: None,
        mended_by: "",
        trips: 0,
        ..inverter()
    }
}

#[test]
fn repairs_are_listed_longest_first_and_their_steps_add_up() {
    let (html, data) = report("repairs", None, |result| {
        let repairs = &mut result.architectures[0].records.repairs;
        repairs.push(unseen());
        repairs.push(inverter());
    });
    let listing = data.architectures[0].repairs.as_ref().expect("repairs");
    assert!(listing.summary.starts_with("2 failures, 1 not before the end; 1 (50 %) lasted longer than 96 hours."));
    assert!(listing.summary.contains("120.0 h") || listing.summary.contains("5.0 days"), "{}", listing.summary);
    assert!(listing.summary.contains("72.0 h until the part was in hand"), "{}", listing.summary);
    assert_eq!(listing.rows[0][0].text, "inverter plant", "the longest first");
    let steps: f64 = listing.rows[0][6..].iter().filter_map(|cell| cell.sort).filter(|ms| *ms > 0.0).sum();
    assert!((steps - 120.0 * HOUR_MS as f64).abs() < 1.0, "the steps are the whole: {steps}");
    assert_eq!(listing.rows[1][5].text, "nobody yet");
    assert!(html.contains("<section id=\"repairs\"") && html.contains("an alarm"));
    assert!(data.architectures[1].repairs.as_ref().is_some_and(|none| none.rows.is_empty()));
    assert!(html.contains("Nothing broke."));
    // Sabotage: a repair without its long wait for the part is not told as four days.
    let (_, data) = report("repairs-sabotaged", None, |result| {
        let quick = RepairRow { mended_ms: Some(140 * HOUR_MS), ..inverter() };
        result.architectures[0].records.repairs.push(quick);
    });
    assert!(data.architectures[0].repairs.as_ref().unwrap().summary.contains("; 0 (0 %) lasted longer"));
}

#[test]
fn the_parts_of_the_way_count_only_those_who_go_it() {
    let (html, data) = report("stages", None, |result| {
        let table = &mut result.architectures[0].records.payments;
        for i in 0..table.len() {
            if table.channel[i] == PayChannel::Agent {
                (table.at_aggregator_ms[i], table.at_intake_ms[i]) = (None, None);
            } else if table.applied_ms[i].is_some() {
                table.token_by[i] = TokenBy::Text;
                table.in_hand_ms[i] = table.applied_ms[i].map(|at| at - 1000);
                (table.texts[i], table.entries[i]) = (1, 2);
            }
        }
    });
    let pay = &data.architectures[0].payments;
    let stage = |part: &str| pay.waits.stages.iter().find(|stage| stage.words.contains(part)).expect("the stage");
    let provider = stage("at the provider");
    assert!(provider.passed > 0 && provider.passed < stage("from acceptance").passed, "cash meets no provider");
    let typed = stage("the way to the keypad");
    assert_eq!(typed.passed, pay.tokens.typed);
    assert!((typed.p50_s - 1.0).abs() < 1e-9);
    assert_eq!(pay.tokens.entries, 2 * pay.tokens.typed);
    assert!(html.contains("number by text message") && html.contains("to type is assumed"));
    // Sabotage: an architecture without keypads says nothing about numbers.
    let other = &data.architectures[1].payments;
    assert!(other.tokens.by.is_empty());
    assert!(other.waits.stages.iter().all(|stage| !stage.words.contains("keypad")));
}

#[test]
fn a_plain_run_stays_one_draw_although_purchases_had_several() {
    let plain = Study { spreads: Vec::new(), ablation: None, sensitivity: None, draws: 3, ..sample::study() };
    let (html, data) = report("plain-study", Some(plain), |_| ());
    let brief = brief(&data);
    assert_eq!(brief.certainty.draws, "one draw");
    assert!(brief.certainty.text.contains("Purchases: tried in 12 draws of 90 days each."), "the basis is told");
    assert!(html.contains("Sure: the interval leaves out zero."), "each purchase says how sure it is");
    assert!(html.contains("lasts 5 years"));
    assert!(!html.contains("<section id=\"spread\""));
}

#[test]
fn savings_are_told_by_the_year_only_where_no_fault_is_scripted() {
    let scripted = report("savings-scripted", Some(sample::study()), |_| ()).1;
    let mut free = scripted.clone();
    free.scenario.faults.clear();
    let (scripted, free) = (brief(&scripted), brief(&free));
    assert_eq!(free.saves_heading, "Saves per customer and year");
    let row = &free.purchases[0];
    assert_eq!((row.saves.as_str(), row.range.as_str(), row.pays_back.as_str()), ("155 h", "114 to 196 h", "a month"));
    let row = &scripted.purchases[0];
    assert_eq!((row.saves.as_str(), row.pays_back.as_str()), ("13 h", "–"), "155 h in 365 days are 13 h in 30");
    assert!(scripted.purchases_note.contains("No payback is told"));
    assert!(free.figure.contains("per customer a year: 252 h"), "{}", free.figure);
    assert!(scripted.figure.contains("per customer in these 30 days: 21 h"), "{}", scripted.figure);
}

#[test]
fn an_assumption_says_where_its_ends_come_from() {
    let (html, _) = report("why", Some(sample::study()), |_| ());
    assert!(html.contains("Range: from a guess to twice that guess."));
    let mut silent = sample::study();
    silent.sensitivity.as_mut().unwrap().rows.iter_mut().for_each(|row| row.why.clear());
    let (html, _) = report("why-not", Some(silent), |_| ());
    assert!(!html.contains("Range: "));
}

#[test]
fn a_firmware_update_has_its_curve_and_a_run_without_one_no_word_of_it() {
    let (plain, data) = report("no-update", None, |_| {});
    assert!(data.architectures.iter().all(|arch| arch.images.is_none()) && !plain.contains("id=\"update\""));
    let mut scenario = sample::scenario(30);
    let meters = scenario.village.customers.len() as u32;
    scenario.operations.push(Operation {
        id: "update".to_owned(),
        what: OperationKind::FirmwareUpdate {
            identifier: "TAA-2 <new>".to_owned(),
            image_kb: 64,
            target: FaultTarget::All,
        },
        at_ms: 100 * HOUR_MS,
    });
    let mut result = sample::result(&scenario);
    let row = |hour: u64, customer, step, blocks_done| ImageRow {
        time_ms: hour * HOUR_MS,
        customer,
        step,
        blocks_done,
        blocks: 126,
    };
    let images = &mut result.architectures[0].records.images;
    images.push(row(101, 0, ImageStep::Transferring, 63));
    images.push(row(102, 0, ImageStep::Activated, 0));
    images.push(row(110, 1, ImageStep::Failed, 0));
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("update");
    write(&dir, &scenario, &result, &WriteOptions::default()).expect("a report");
    let data = load(&dir).expect("the data");
    let figures = data.architectures[0].images.as_ref().expect("an update");
    assert_eq!((figures.meters, figures.activated, figures.failed, figures.from_ms), (meters, 1, 1, 100 * HOUR_MS));
    assert_eq!(figures.span_ms, 11 * HOUR_MS);
    let one = 1.0 / f64::from(meters);
    assert!((figures.done.last().unwrap() - one).abs() < 1e-3 && figures.done[0] == 0.0);
    assert!(figures.blocks.iter().any(|share| (share - one / 2.0).abs() < 1e-3), "half of one meter's blocks");
    assert_eq!(figures.readings.len(), 11);
    let page = std::fs::read_to_string(dir.join("report.html")).expect("the page");
    assert!(page.contains("id=\"update\"") && page.contains("TAA-2 &lt;new&gt;") && page.contains("1 given up"));
}

#[test]
fn kits_have_their_line_and_a_village_without_them_no_word_of_it() {
    let (plain, data) = report("no-kits", None, |_| {});
    assert!(data.architectures.iter().all(|arch| arch.kits.is_none()) && !plain.contains("paid by the day"));
    let scenario = sample::scenario(30);
    let mut result = sample::result(&scenario);
    let row = |customer, open_minor, off_ms, in_step| KitRow {
        customer,
        linked: customer == 0,
        paid_minor: 420_000,
        open_minor,
        sold_days: 14,
        added_days: 7,
        waiting_days: 7,
        texts_lost: 2,
        refused: 0,
        off_ms,
        in_step,
    };
    let kits = &mut result.architectures[0].records.kits;
    kits.push(row(0, 0, 0, true));
    kits.push(row(3, 210_000, 4 * 24 * HOUR_MS, false));
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kits");
    write(&dir, &scenario, &result, &WriteOptions::default()).expect("a report");
    let page = std::fs::read_to_string(dir.join("report.html")).expect("the page");
    for words in ["2 kits are paid by the day, 1 report by themselves", "28 days sold, 14 taken, 14", "4 texts lost"] {
        assert!(page.contains(words), "{words}");
    }
    assert!(page.contains("the counts of 1 do not agree") && page.contains("off for 2.0 days on average, 4.0 at most"));
    assert_eq!(page.matches("paid by the day").count(), 1, "the other architecture sells to none");
}
