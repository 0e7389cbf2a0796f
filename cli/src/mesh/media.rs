//! `taa mesh media`: three media side by side on one village.

use std::fmt::Write as _;

use serde_json::json;
use taa_models::medium::Bound;
use taa_scenarios::{Overrides, model::Scenario};
use taa_studies::media::{Answer, Question, Range, Row, media};

use super::cores;
use crate::{Failure, args::MeshMediaArgs, show};

pub(super) fn compared(args: &MeshMediaArgs) -> Result<(), Failure> {
    let scenario = taa_scenarios::load(&args.scenario, &Overrides::default()).map_err(|found| show::input(&found))?;
    let question = Question {
        reading_octets: args.octets,
        readings_per_hour: args.per_hour,
        draws: args.draws,
        ..Question::default()
    };
    let answer = media(&scenario, &question, args.threads.unwrap_or_else(cores))
        .map_err(|error| Failure::Input(format!("{}: {error}", args.scenario.display())))?;
    if args.json {
        let told = json!({ "scenario": scenario.name, "question": question, "answer": answer });
        return show::say(&told.to_string());
    }
    let mut out = head(&scenario, &question, &answer);
    table(&mut out, &answer);
    out.push_str(NOTES);
    show::say(out.trim_end())
}

/// What a reader must know to compare.
const NOTES: &str = "
Upper bounds, all three: settled, everything alive, nobody joining, trees in full leaf, the busbar's inverter left out.
The concentrator (border router, PLC modem at the busbar, gateway) is the one thing without which nobody is reached.
LoRaWAN's network server is taken to run at the site: where it is in the cloud, orders and readings end with the tower.
Levels on the wires are assumed (docs/radio.md): read PLC as which way it goes, not as how far.
";

fn head(scenario: &Scenario, question: &Question, answer: &Answer) -> String {
    let last_gasp = answer.gasp_s * 1000.0;
    format!(
        "{}: {} meters, {} poles on {} feeders, {:.0} m of cable to the farthest.\n\
         {} octets from each meter, readings an hour: {}. {} draws of the air: mean (least–most where they differ).\n\
         Feeder {} has {:.0} % of the meters; a last gasp has {last_gasp:.0} ms left.\n\n",
        scenario.title,
        answer.meters,
        answer.poles,
        answer.feeders,
        answer.farthest_m,
        question.reading_octets,
        question.readings_per_hour,
        question.draws,
        answer.largest_feeder,
        answer.largest_feeder_share * 100.0,
    )
}

/// One line of the table: what it says, of which figure, and how it is written.
type Line = (&'static str, fn(&Row) -> Option<Range>, fn(f64) -> String);

const LINES: [Line; 14] = [
    ("meters reached, %", |row| Some(row.reached), percent),
    ("readings that arrive, %", |row| Some(row.delivered), percent),
    ("hops, most", |row| Some(row.hops_max), few),
    ("hops, mean", |row| Some(row.hops_mean), few),
    ("a round of readings on the medium, s", |row| Some(row.round_s), few),
    ("readings a meter and hour, at most", |row| Some(row.readings_per_hour_max), few),
    ("an order, mean, s", |row| Some(row.order_mean_s), few),
    ("an order, 95 % within, s", |row| Some(row.order_p95_s), few),
    ("orders an hour, at most", |row| Some(row.orders_per_hour), few),
    ("feeder opens: lit meters cut off, %", |row| row.lit_without_way, percent),
    ("feeder opens: last gasps heard, %", |row| Some(row.gasps_heard), percent),
    ("  each crying alone, %", |row| Some(row.gasps_heard_alone), percent),
    ("worst router lost: meters cut off, %", |row| Some(row.without_router), percent),
    ("most meters behind one router, %", |row| Some(row.behind_router), percent),
];

fn table(out: &mut String, answer: &Answer) {
    let mut lines: Vec<(&str, Vec<String>)> =
        vec![("", answer.rows.iter().map(|row| row.medium.words().to_owned()).collect())];
    for (says, of, written) in LINES {
        let cells = answer.rows.iter().map(|row| of(row).map_or_else(|| "–".to_owned(), |range| cell(range, written)));
        lines.push((says, cells.collect()));
        if says.starts_with("readings a meter") {
            lines.push(("  bounded by", answer.rows.iter().map(|row| bound(row.bound).to_owned()).collect()));
        }
    }
    let width =
        |column: usize| lines.iter().filter_map(|(_, cells)| cells.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..answer.rows.len()).map(|column| width(column).unwrap_or(0) + 2).collect();
    let says = lines.iter().map(|(says, _)| says.chars().count()).max().unwrap_or(0);
    for (what, cells) in &lines {
        let _ = write!(out, "{what:<says$}");
        for (cell, width) in cells.iter().zip(&widths) {
            let _ = write!(out, "{cell:>width$}");
        }
        out.push('\n');
    }
}

fn cell(range: Range, written: fn(f64) -> String) -> String {
    let [mean, least, most] = [range.mean, range.least, range.most].map(written);
    if least == most { mean } else { format!("{mean} ({least}–{most})") }
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    // What is nearly all is not all.
    if percent > 99.5 && share < 1.0 - 1e-9 { format!("{:.1}", percent.min(99.9)) } else { format!("{percent:.0}") }
}

fn few(value: f64) -> String {
    match value {
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}").trim_end_matches(".0").to_owned(),
        v => {
            let text = format!("{v:.2}");
            text.strip_suffix(".00").map_or(text.clone(), ToOwned::to_owned)
        }
    }
}

const fn bound(bound: Bound) -> &'static str {
    match bound {
        Bound::Nobody => "nobody reached",
        Bound::Busy => "time",
        Bound::Duty => "duty cycle",
        Bound::Collisions => "collisions",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_short_and_nearly_all_is_not_all() {
        assert_eq!([0.0, 0.456, 3.0, 12.34, 40.0, 1234.5].map(few), ["0", "0.46", "3", "12.3", "40", "1234"]);
        assert_eq!([1.0, 0.9999, 0.996, 0.5, 0.0].map(percent), ["100", "99.9", "99.6", "50", "0"]);
        let range = Range { mean: 2.0, least: 1.0, most: 3.0 };
        assert_eq!(cell(range, few), "2 (1–3)");
        assert_eq!(cell(Range { least: 2.0, most: 2.0, ..range }, few), "2");
    }
}
