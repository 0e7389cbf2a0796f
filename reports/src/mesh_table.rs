//! `taa mesh show` in the terminal: one block an architecture.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::{
    data::{Architecture, HOUR_MS, LINK_WORDS, MeshFigures, ReportData},
    error::ReportError,
    numbers::{duration, number, percent},
    time,
};

/// Width of the longest bar.
const BAR: f64 = 32.0;

pub(crate) fn table(data: &ReportData) -> String {
    let days = number(data.run.days(), 1);
    let mut out = format!(
        "{}: {} meters, {} relays, {days} days, seed {}\n",
        data.scenario.title,
        data.village.customers.len(),
        data.village.relays_m.len(),
        data.run.seed
    );
    for arch in &data.architectures {
        if let Some(mesh) = &arch.mesh {
            block(&mut out, data, arch, mesh);
        }
    }
    if let Some(mesh) = data.architectures.iter().find_map(|arch| arch.mesh.as_ref()) {
        links(&mut out, mesh);
    }
    out
}

/// Figures by architecture; the replay is left out, for it is long.
pub(crate) fn json(data: &ReportData) -> Result<String, ReportError> {
    let failed = |error: serde_json::Error| ReportError::Mismatch(error.to_string());
    let mut all = Map::new();
    for arch in &data.architectures {
        let Some(mesh) = &arch.mesh else { continue };
        let mut value = serde_json::to_value(mesh).map_err(failed)?;
        if let Some(object) = value.as_object_mut() {
            object.remove("chapters");
            for key in ["mesh_pdr", "mesh_join_p95_s", "mesh_isolated_node_hours"] {
                object.insert(key.to_owned(), arch.kpis.get(key).cloned().unwrap_or(Value::Null));
            }
        }
        all.insert(arch.name.clone(), value);
    }
    let value = serde_json::json!({
        "schema": 1, "scenario": data.scenario.name, "seed": data.run.seed, "simulated_ms": data.run.simulated_ms,
        "meters": data.village.customers.len(), "architectures": all,
    });
    serde_json::to_string_pretty(&value).map_err(failed)
}

fn block(out: &mut String, data: &ReportData, arch: &Architecture, mesh: &MeshFigures) {
    let looked = if mesh.frame { "frame by frame" } else { "message by message" };
    let share = arch.kpi("mesh_pdr").map_or_else(|| "–".to_owned(), percent);
    let _ = writeln!(out, "\n{}, {looked}: {share} of the messages arrive", arch.name);
    let hours = |ms: u64| number(ms as f64 / HOUR_MS as f64, 1);
    let all: u64 = mesh.in_tree_ms();
    let _ = writeln!(out, "\n  hops      meter-hours   share");
    let most = mesh.hops_ms.iter().copied().max().unwrap_or(0).max(1);
    for (hops, &ms) in (1..).zip(&mesh.hops_ms) {
        let bar = "█".repeat((ms as f64 / most as f64 * BAR).round() as usize);
        let part = percent(ms as f64 / all.max(1) as f64);
        let _ = writeln!(out, "  {hops:>4}  {:>15}  {part:>6}  {bar}", hours(ms));
    }
    for (words, ms) in [("joining", mesh.joining_ms), ("dark", mesh.dark_ms), ("astray", mesh.astray_ms)] {
        if ms > 0 {
            let _ = writeln!(out, "  {words:<7} {:>13}", hours(ms));
        }
    }
    if mesh.isolated.is_empty() {
        out.push_str("\n  nobody with power was cut off\n");
    } else {
        let _ = writeln!(out, "\n  cut off because                 meter-hours  meters  longest");
        for row in &mesh.isolated {
            let longest = if row.longest_ms > 0 {
                format!("{} ({})", duration(row.longest_ms), row.whose)
            } else {
                String::new()
            };
            let _ = writeln!(out, "  {:<30}  {:>11}  {:>6}  {longest}", row.words, hours(row.node_ms), row.meters);
        }
        let _ = writeln!(out, "  {:<30}  {:>11}", "together", hours(mesh.isolated_ms()));
    }
    if !mesh.air.is_empty() {
        let _ = writeln!(out, "\n  on the air                           frames     airtime");
        for of in &mesh.air {
            let _ = writeln!(
                out,
                "  {:<30}  {:>11}  {:>10}",
                of.words,
                number(of.frames as f64, 0),
                duration(of.airtime_ms)
            );
        }
    }
    if let Some((channel, share)) = mesh.channels.iter().max_by(|a, b| a.1.total_cmp(&b.1)) {
        let mean = mesh.channels.iter().map(|(_, share)| share).sum::<f64>() / mesh.channels.len() as f64;
        let _ = writeln!(
            out,
            "  {} channels: {} of the time in the mean, {} on channel {channel}",
            mesh.channels.len(),
            percent(mean),
            percent(*share)
        );
    }
    if let Some((who, share)) = &mesh.busiest {
        let _ = writeln!(out, "  longest on the air: {who}, {} of the time", percent(*share));
    }
    for chapter in mesh.chapters.iter().filter(|chapter| chapter.until_ms - chapter.from_ms < data.run.simulated_ms) {
        let at = time::moment(time::local(data.run.start_unix_s, data.scenario.utc_offset_s, chapter.low_ms));
        let _ = writeln!(out, "  {at}: {}", chapter.title);
    }
}

fn links(out: &mut String, mesh: &MeshFigures) {
    let _ = writeln!(out, "\nlinks at the start    in the tree   could be used");
    for (class, words) in LINK_WORDS.iter().enumerate() {
        let _ = writeln!(out, "  {words:<18}  {:>11}  {:>14}", mesh.links_used[class], mesh.links_spare[class]);
    }
    if let Some([least, median]) = mesh.rssi_dbm {
        let _ = writeln!(
            out,
            "  {} dBm in the middle, {} dBm at the weakest link of the tree",
            number(median, 1),
            number(least, 1)
        );
    }
}
