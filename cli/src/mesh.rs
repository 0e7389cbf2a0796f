//! `taa mesh`: what the radio of a village can do, and what the mesh of a run did.

mod media;
mod shown;

use std::{fmt::Write as _, path::Path};

use serde_json::json;
use taa_studies::reach::{Limit, Question, Row, range_m, reach};

use crate::{Failure, args::MeshCommand, show};

pub(crate) fn mesh(command: &MeshCommand) -> Result<(), Failure> {
    match command {
        MeshCommand::Reach { scenario, draws, ranges, threads, json } => {
            let mut question = Question { draws: *draws, ..Question::default() };
            if !ranges.is_empty() {
                question.ranges_m.clone_from(ranges);
                question.ranges_m.sort_unstable_by(|a, b| b.total_cmp(a));
                question.ranges_m.dedup();
            }
            asked(scenario, &question, threads.unwrap_or_else(cores), *json)
        }
        MeshCommand::Show(args) => shown::shown(args),
        MeshCommand::Media(args) => media::compared(args),
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn asked(folder: &Path, question: &Question, threads: usize, as_json: bool) -> Result<(), Failure> {
    let scenario = taa_scenarios::load(folder, &taa_scenarios::Overrides::default());
    let scenario = scenario.map_err(|found| show::input(&found))?;
    let own_m = range_m(&scenario);
    let rows = reach(&scenario, question, threads);
    let meters = scenario.village.customers.len();
    let limit = scenario.comms.mesh.hop_limit;
    if as_json {
        let answer = json!({
            "scenario": scenario.name, "meters": meters, "hop_limit": limit, "range_m": own_m, "draws": question.draws,
            "rows": rows,
        });
        return show::say(&answer.to_string());
    }
    let mut out = format!(
        "{}: {meters} meters. Its radio reaches {own_m:.0} m between poles at {:.0} dBm. Means of {} draws of the shadows.\n\
         A cell: most hops of any meter · meters that are cut off or beyond {limit} hops.\n\n",
        scenario.title, scenario.comms.radio.tx_power_dbm, question.draws
    );
    table(&mut out, question, &rows, limit);
    show::say(out.trim_end())
}

fn table(out: &mut String, question: &Question, rows: &[Row], limit: u16) {
    let head: String = question.ranges_m.iter().map(|range_m| format!("{:>12}", format!("{range_m:.0} m"))).collect();
    let _ = writeln!(out, "{:<10}{:<15}{head}   gives way first", "root", "meters");
    for row in rows {
        let _ = write!(out, "{:<10}{:<15}", row.root.words(), row.hung.words());
        for at in &row.ranges {
            let lost = format!("{:.0} · {:.0} %", at.hops_max, (at.cut_off + at.too_far) * 100.0);
            let _ = write!(out, "{lost:>12}");
        }
        let _ = writeln!(out, "   {}", first(row.limit, limit));
    }
}

fn first(found: Limit, limit: u16) -> String {
    match found {
        Limit::Neither => "neither".to_owned(),
        Limit::Partition { range_m } => format!("falls apart at {range_m:.0} m"),
        Limit::HopLimit { range_m, cut_off } => {
            format!("over {limit} hops at {range_m:.0} m ({:.0} % cut off there)", cut_off * 100.0)
        }
    }
}
