//! Failures and their repairs: a row each, and where the time went in words.

use taa_scenarios::model::Scenario;
use taa_sim::records::Repairs;

use crate::{
    data::{Cell, HOUR_MS, Listing},
    numbers::{duration, number, percent},
    time, words,
};

/// Rows on the page.
const ROWS: usize = 60;
/// Four days: the darkness that the source documents speak of.
const LONG_MS: u64 = 96 * HOUR_MS;

/// The steps of a repair as columns: heading, and in the summary.
const STEPS: [(&str, &str); 7] = [
    ("Noticed after", "until it was noticed"),
    ("Diagnosis", "for the diagnosis"),
    ("Trip in vain", "for trips with the wrong part"),
    ("Crew", "until a crew was free"),
    ("Part", "until the part was in hand"),
    ("Road", "for working hours, rain on the road, and travel"),
    ("Work", "for the work itself"),
];

/// All repairs of one architecture, longest first.
pub(super) fn listing(scenario: &Scenario, table: &Repairs, simulated_ms: u64) -> Listing {
    // A step that no repair here took needs no column.
    let taken: [bool; STEPS.len()] =
        std::array::from_fn(|step| (0..table.len()).any(|i| steps(table, i)[step].is_some()));
    let columns: Vec<(&str, bool)> = [
        ("What broke", false),
        ("Why", false),
        ("Failed", true),
        ("In all", true),
        ("Mended by", false),
        ("Noticed by", false),
    ]
    .into_iter()
    .chain(STEPS.iter().zip(taken).filter(|(_, taken)| *taken).map(|((heading, _), _)| (*heading, true)))
    .collect();
    let mut out = Listing::new(&columns);
    let total_ms = |i: usize| table.mended_ms[i].unwrap_or(simulated_ms).saturating_sub(table.failed_ms[i]);
    let mut rows: Vec<usize> = (0..table.len()).collect();
    rows.sort_by_key(|&i| (std::cmp::Reverse(total_ms(i)), table.failed_ms[i], i));
    out.summary = summary(table, simulated_ms);
    out.left_out = rows.len().saturating_sub(ROWS) as u32;
    for i in rows.into_iter().take(ROWS) {
        let at = time::local(scenario.run.start_unix_s, scenario.site.utc_offset_s, table.failed_ms[i]);
        let why = words::chain_words(table.cause[i], scenario);
        let open = if table.mended_ms[i].is_none() { " so far" } else { "" };
        let mut row = vec![
            Cell::text(if table.id[i].is_empty() {
                asset(table.asset[i])
            } else {
                format!("{} {}", asset(table.asset[i]), table.id[i])
            }),
            Cell::text(if why.is_empty() { "wear".to_owned() } else { why.join(" ← ") }),
            Cell::number(time::moment(at), table.failed_ms[i] as f64),
            Cell::number(format!("{}{open}", duration(total_ms(i))), total_ms(i) as f64),
            Cell::text(mended(table, i)),
            Cell::text(noticed(table, i)),
        ];
        row.extend(steps(table, i).into_iter().zip(taken).filter(|(_, taken)| *taken).map(|(step, _)| match step {
            Some(ms) => Cell::number(duration(ms), ms as f64),
            None => Cell::number("–", -1.0),
        }));
        out.rows.push(row);
    }
    out
}

/// How long each step took; nothing for a step that there was none of, or that had not ended.
fn steps(table: &Repairs, i: usize) -> [Option<u64>; STEPS.len()] {
    let between = |from: Option<u64>, until: Option<u64>| Some(until?.saturating_sub(from?));
    let diagnosed = table.diagnosed_ms[i];
    let ready = table.returned_ms[i].or(diagnosed);
    let work_from = if table.trips[i] > 0 { table.arrived_ms[i] } else { diagnosed };
    [
        between(Some(table.failed_ms[i]), table.noticed_ms[i]),
        between(table.noticed_ms[i], diagnosed),
        between(diagnosed, table.returned_ms[i]),
        between(ready, table.dispatched_ms[i]),
        between(table.dispatched_ms[i], table.spares_ms[i]),
        between(table.spares_ms[i], table.arrived_ms[i]),
        between(work_from, table.mended_ms[i]),
    ]
}

/// How many, how long, and which steps the time went into.
fn summary(table: &Repairs, simulated_ms: u64) -> String {
    let all = table.len();
    if all == 0 {
        return String::new();
    }
    let mended: Vec<usize> = (0..all).filter(|&i| table.mended_ms[i].is_some()).collect();
    let long = (0..all)
        .filter(|&i| table.mended_ms[i].unwrap_or(simulated_ms).saturating_sub(table.failed_ms[i]) > LONG_MS)
        .count();
    let still =
        if mended.len() == all { String::new() } else { format!(", {} not before the end", all - mended.len()) };
    let mut text = format!(
        "{all} failure{}{still}; {long} ({}) lasted longer than 96 hours.",
        if all == 1 { "" } else { "s" },
        percent(long as f64 / all as f64)
    );
    let by_crew: Vec<usize> = mended.into_iter().filter(|&i| table.trips[i] > 0).collect();
    if by_crew.is_empty() {
        return text + " No crew had to travel.";
    }
    let sum: u64 = by_crew.iter().filter_map(|&i| Some(table.mended_ms[i]?.saturating_sub(table.failed_ms[i]))).sum();
    let n = by_crew.len() as f64;
    text.push_str(&format!(
        " The {} that a crew mended took {} in the mean:",
        by_crew.len(),
        duration((sum as f64 / n) as u64)
    ));
    let parts = STEPS.iter().enumerate().filter_map(|(step, (_, words))| {
        let h = by_crew.iter().filter_map(|&i| steps(table, i)[step]).sum::<u64>() as f64 / n / HOUR_MS as f64;
        (h >= 0.05).then(|| format!(" {} h {words}", number(h, 1)))
    });
    text.push_str(&parts.collect::<Vec<_>>().join(","));
    text.push('.');
    text
}

fn asset(key: &str) -> String {
    match key {
        "bms" => "battery management".to_owned(),
        "conductor" => "line".to_owned(),
        "dcu" => "data concentrator".to_owned(),
        "dcu_hang" => "data concentrator (hangs)".to_owned(),
        "flash" => "flash memory".to_owned(),
        "keys" => "key of meter".to_owned(),
        _ => key.replace('_', " "),
    }
}

fn noticed(table: &Repairs, i: usize) -> String {
    match table.noticed_by[i] {
        "" if table.mended_ms[i].is_some() => "nobody",
        "" => "nobody yet",
        "telemetry" => "an alarm",
        "telemetry_gap" => "missing readings",
        "caretaker" => "the caretaker",
        "call" => "a customer's call",
        "crew_on_site" => "a crew that was there",
        other => other,
    }
    .to_owned()
}

fn mended(table: &Repairs, i: usize) -> String {
    let trips = table.trips[i];
    let by = match table.mended_by[i] {
        "crew" if trips > 1 => return format!("crew, {trips} trips"),
        "" => "–",
        "remote" => "from afar",
        "itself" => "came back by itself",
        other => other,
    };
    if table.mended_ms[i].is_none() && by != "–" { format!("{by}, under way") } else { by.to_owned() }
}
