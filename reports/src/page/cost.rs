//! What the darkness costs the operator, in parts.

use serde_json::Value;

use crate::{
    data::{Architecture, ReportData},
    numbers::{number, percent},
};

use super::html::{arch_name, esc, open, push};

/// Colours of the parts, repeated where there are more.
const COLOURS: [&str; 6] = ["d4", "d6", "d7", "d1", "d3", "d8"];

pub(super) fn section(out: &mut String, data: &ReportData) {
    let cost = |arch: &Architecture| arch.kpi("cost_of_downtime").unwrap_or(0.0);
    open(
        out,
        "cost",
        "What the darkness costs",
        "Money that the operator does not get, or has to spend, because customers were without light.",
    );
    let most = data.architectures.iter().map(cost).fold(0.0, f64::max);
    if most < 0.5 {
        out.push_str("<p>Nothing in the simulated time.</p>\n</section>\n");
        return;
    }
    let each: Vec<Vec<(String, f64)>> = data.architectures.iter().map(|arch| parts(data, arch)).collect();
    let mut names: Vec<&str> = Vec::new();
    for (words, _) in each.iter().flatten() {
        if !names.contains(&words.as_str()) {
            names.push(words);
        }
    }
    let colour = |words: &str| COLOURS[names.iter().position(|name| *name == words).unwrap_or(0) % COLOURS.len()];
    out.push_str("<ul class=\"legend\">");
    for words in &names {
        push!(out, "<li><i class=\"{}\"></i>{}</li>", colour(words), esc(words));
    }
    out.push_str("</ul>\n<div class=\"classes\">\n");
    let currency = esc(&data.scenario.currency);
    let money = |v: f64| format!("{currency}\u{a0}{}", number(v, 0));
    for (i, arch) in data.architectures.iter().enumerate() {
        let total = cost(arch);
        push!(
            out,
            "<div class=\"classrow\"><p>{}<b>{}{}</b></p><div class=\"track\">",
            arch_name(data, i),
            money(total),
            dollars(data, total)
        );
        for (words, amount) in each[i].iter().filter(|(_, amount)| *amount > 0.0) {
            push!(
                out,
                "<i class=\"{}\" style=\"width:{:.3}%\" title=\"{}: {}\"></i>",
                colour(words),
                amount / most * 100.0,
                esc(words),
                money(*amount)
            );
        }
        let spoken: Vec<String> = each[i]
            .iter()
            .map(|(words, amount)| {
                let share = if total > 0.0 { format!(" ({})", percent(amount / total)) } else { String::new() };
                format!("{} {}{share}", esc(words), money(*amount))
            })
            .collect();
        push!(out, "</div><p class=\"split\">{}</p></div>\n", spoken.join(" · "));
    }
    out.push_str("</div>\n</section>\n");
}

fn dollars(data: &ReportData, amount: f64) -> String {
    let rate = data.scenario.currency_per_usd;
    if rate > 0.0 && data.scenario.currency != "USD" {
        format!(", ${}", number(amount / rate, 0))
    } else {
        String::new()
    }
}

/// The parts in words and money; where the run does not state them, those that follow from its other figures.
fn parts(data: &ReportData, arch: &Architecture) -> Vec<(String, f64)> {
    if let Some(stated) = arch.kpis.get("cost_of_downtime_parts").and_then(Value::as_object) {
        let mut parts: Vec<(String, f64)> =
            stated.iter().filter_map(|(key, value)| Some((part_words(key), value.as_f64()?))).collect();
        parts.retain(|(_, amount)| amount.abs() >= 0.5);
        parts.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        return parts;
    }
    let of = |key: &str| arch.kpi(key).unwrap_or(0.0);
    let unserved = of("energy_unserved_kwh") * data.scenario.price_per_kwh;
    [
        ("energy not served, at its price", unserved),
        ("what customers who left would have spent", of("revenue_lost") - unserved),
        ("connections to be won again", of("cost_of_downtime") - of("revenue_lost")),
    ]
    .into_iter()
    .filter(|(_, amount)| amount.abs() >= 0.5)
    .map(|(words, amount)| (words.to_owned(), amount))
    .collect()
}

/// A part by its key in `cost_of_downtime_parts`; one that is new here shows its key's own words.
fn part_words(key: &str) -> String {
    match key {
        "unserved_energy" => "energy not served, at its price".to_owned(),
        "stolen_energy" => "energy taken past the meter".to_owned(),
        "paused_spend" => "what customers who stopped topping up would have spent".to_owned(),
        "churned_spend" => "what customers who left would have spent".to_owned(),
        "replaced_connections" => "connections to be won again".to_owned(),
        _ => key.replace('_', " "),
    }
}
