//! The compact table that `taa run` prints: 80 columns, plain text; colour only where asked for.

use taa_sim::cause::DownClass;

use crate::{
    catalogue::{self, Figure, Verdict},
    data::{Architecture, HOUR_MS, ReportData},
    numbers::{apportion, number},
    verdict, words,
};

/// Key figures worth a line in a terminal.
const KEYS: [&str; 14] = [
    "paid_service_availability",
    "service_availability",
    "saidi_h_per_year",
    "saifi_per_year",
    "b_saidi_h_per_year",
    "longest_outage_h",
    "customers_dark_96h",
    "billing_availability",
    "token_delay_p95_s",
    "energy_served_kwh",
    "energy_unserved_kwh",
    "revenue_lost",
    "telemetry_completeness",
    "mesh_pdr",
];
const LABEL: usize = 28;
const WIDTH: usize = 80;
/// Causes beyond these are summed as "other".
const CAUSES_MAX: usize = 8;

/// The whole table.
pub(crate) fn table(data: &ReportData, colour: bool) -> String {
    let names: Vec<&str> = data.architectures.iter().map(|arch| arch.name.as_str()).collect();
    let pair = data.architectures.len() == 2;
    let columns = data.architectures.len() + usize::from(pair);
    let layout = Layout { cell: ((WIDTH - LABEL) / columns.max(1)).min(18), colour };
    let mut out = String::new();
    let verdict = verdict::verdict(data);
    out.push_str(&layout.bold(&format!("{} {}", verdict.question, verdict.headline)));
    out.push('\n');
    out.push_str(&answer(data));
    out.push('\n');
    let mut head: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    if pair {
        head.push("difference".to_owned());
    }
    layout.row(&mut out, "", &head, None);
    for figure in KEYS.iter().filter_map(|key| catalogue::find(key)) {
        let (cells, verdict) = cells(data, figure, pair);
        // A narrow column would cut the money: the label carries the currency.
        let label = match figure.unit {
            catalogue::Unit::Money => catalogue::label_with_unit(figure, &data.scenario.currency),
            _ => figure.label.to_owned(),
        };
        layout.row(&mut out, &label, &cells, verdict);
    }
    out.push_str("\nLost customer-hours by class\n");
    let classes: Vec<(String, Vec<u64>)> = DownClass::ALL
        .iter()
        .map(|&class| {
            let ms = data.architectures.iter().map(|arch| arch.lost_ms()[class as usize]);
            (words::class_name(class).to_owned(), ms.collect())
        })
        .collect();
    layout.sums(&mut out, &classes, pair);
    out.push_str("\nLost customer-hours by root cause\n");
    layout.sums(&mut out, &causes(&data.architectures), pair);
    out.push('\n');
    for line in wrap(&verdict.caveat, WIDTH) {
        out.push_str(&line);
        out.push('\n');
    }
    out
}

/// What goes wrong and what to buy: nine lines at most, each cut at the width of the table.
fn answer(data: &ReportData) -> String {
    let brief = verdict::brief(data);
    let mut lines = Vec::new();
    if let Some(wrong) = brief.wrongs.first() {
        let under = brief.under.as_ref().map(|name| format!(" with {name}")).unwrap_or_default();
        lines.push(format!("Goes wrong{under}: {}", wrong.title));
        lines.push(format!("  {}", wrong.hours));
        let others: Vec<&str> = brief.wrongs.iter().skip(1).map(|wrong| wrong.title.as_str()).collect();
        if !others.is_empty() {
            lines.push(format!("  then: {}", others.join("; ")));
        }
    }
    for (i, row) in brief.purchases.iter().take(2).enumerate() {
        let sure = if row.unsure { ", perhaps nothing" } else { "" };
        let saves = if i == 0 { verdict::lower(&brief.saves_heading) + ":" } else { "saves".to_owned() };
        let head = if i == 0 { "Change first: " } else { "  then: " };
        let price = if row.price == "–" { String::new() } else { format!("{}; ", row.price) };
        lines.extend(wrap(&format!("{head}{}", row.words), WIDTH - 2).into_iter().take(2).enumerate().map(indented));
        lines.push(format!("  {price}{saves} {}{sure}", row.saves));
    }
    if brief.purchases.is_empty() {
        let note = brief.purchases_note.lines().next().unwrap_or("");
        lines.extend(wrap(note, WIDTH).into_iter().take(2));
    }
    lines.iter().take(9).map(|line| format!("{}\n", clip(line, WIDTH))).collect()
}

fn cells(data: &ReportData, figure: &Figure, pair: bool) -> (Vec<String>, Option<Verdict>) {
    let money = figure.unit == catalogue::Unit::Money;
    let currency = if money { "" } else { &data.scenario.currency };
    let show = |value: Option<f64>| {
        if money { catalogue::show_bare(figure, value) } else { catalogue::show(figure, value, currency) }
    };
    let mut cells: Vec<String> = data.architectures.iter().map(|arch| show(arch.kpi(figure.key))).collect();
    let [base, other] = data.architectures.as_slice() else { return (cells, None) };
    if !pair {
        return (cells, None);
    }
    match catalogue::difference(figure, base.kpi(figure.key), other.kpi(figure.key), currency) {
        Some((text, verdict)) => {
            cells.push(text);
            (cells, Some(verdict))
        }
        None => {
            cells.push("–".to_owned());
            (cells, None)
        }
    }
}

fn causes(architectures: &[Architecture]) -> Vec<(String, Vec<u64>)> {
    let mut rows: Vec<(&str, &str, Vec<u64>)> = Vec::new();
    for (i, arch) in architectures.iter().enumerate() {
        for cause in &arch.causes {
            let at = rows.iter().position(|row| row.0 == cause.key).unwrap_or_else(|| {
                rows.push((&cause.key, &cause.words, vec![0; architectures.len()]));
                rows.len() - 1
            });
            rows[at].2[i] = cause.total_ms();
        }
    }
    rows.sort_by(|a, b| b.2.iter().sum::<u64>().cmp(&a.2.iter().sum()).then_with(|| a.0.cmp(b.0)));
    let mut out: Vec<(String, Vec<u64>)> =
        rows.iter().take(CAUSES_MAX).map(|(_, words, ms)| ((*words).to_owned(), ms.clone())).collect();
    if rows.len() > CAUSES_MAX {
        let rest = |i: usize| rows.iter().skip(CAUSES_MAX).map(|row| row.2[i]).sum();
        out.push((format!("{} other causes", rows.len() - CAUSES_MAX), (0..architectures.len()).map(rest).collect()));
    }
    out
}

struct Layout {
    cell: usize,
    colour: bool,
}

impl Layout {
    fn row(&self, out: &mut String, label: &str, cells: &[String], verdict: Option<Verdict>) {
        let mut line = pad_right(&clip(label, LABEL), LABEL);
        for (i, cell) in cells.iter().enumerate() {
            let text = format!("{:>width$}", clip(cell, self.cell - 1), width = self.cell);
            let last = i + 1 == cells.len();
            line.push_str(&match verdict {
                Some(Verdict::Better) if last && self.colour => format!("\u{1b}[32m{text}\u{1b}[0m"),
                Some(Verdict::Worse) if last && self.colour => format!("\u{1b}[31m{text}\u{1b}[0m"),
                _ => text,
            });
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }

    /// Rows and their total in tenths of an hour, rounded so that every column adds up.
    fn sums(&self, out: &mut String, rows: &[(String, Vec<u64>)], pair: bool) {
        let columns = rows.first().map_or(0, |row| row.1.len());
        let mut shown: Vec<(Vec<u64>, u64)> = Vec::with_capacity(columns);
        for i in 0..columns {
            shown.push(apportion(&rows.iter().map(|row| row.1[i]).collect::<Vec<_>>(), HOUR_MS / 10));
        }
        let tenth = |steps: u64| number(steps as f64 / 10.0, 1);
        let line = |out: &mut String, label: &str, steps: &[u64]| {
            let mut cells: Vec<String> = steps.iter().map(|&s| tenth(s)).collect();
            if let (true, [base, other]) = (pair, steps) {
                let diff = *other as f64 - *base as f64;
                cells.push(format!("{}{}", if diff > 0.0 { "+" } else { "" }, number(diff / 10.0, 1)));
            }
            self.row(out, label, &cells, None);
        };
        for (r, (label, _)) in rows.iter().enumerate() {
            line(out, &format!("  {label}"), &shown.iter().map(|(steps, _)| steps[r]).collect::<Vec<_>>());
        }
        line(out, "  together", &shown.iter().map(|(_, total)| *total).collect::<Vec<_>>());
    }

    fn bold(&self, text: &str) -> String {
        let text = wrap(text, WIDTH).join("\n");
        if self.colour { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text }
    }
}

/// The first line as it is, the others set in.
fn indented((i, line): (usize, String)) -> String {
    if i == 0 { line } else { format!("  {line}") }
}

fn clip(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

fn pad_right(text: &str, width: usize) -> String {
    format!("{text:<width$}")
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("never empty");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
