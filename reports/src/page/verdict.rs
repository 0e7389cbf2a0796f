//! The first screen: the answer, in words, and the four figures behind it.

use crate::{
    catalogue::{self},
    data::ReportData,
    numbers::duration,
    verdict::{Level, verdict},
};

use super::html::{arch_name, esc, push};

const TILES: [&str; 3] = ["paid_service_availability", "longest_outage_h", "cost_of_downtime"];

pub(super) fn section(out: &mut String, data: &ReportData) {
    let verdict = verdict(data);
    let level = match verdict.level {
        Level::Poor | Level::Unreliable => "bad",
        Level::Mostly => "fair",
        Level::Good | Level::Steady => "good",
    };
    push!(
        out,
        "<section id=\"verdict\" class=\"{level}\">\n<p class=\"question\">{} <span class=\"draw\">one draw</span></p>\n<h1>{}</h1>\n<div class=\"answer\">\n<div class=\"words\">\n",
        esc(&verdict.question),
        esc(&verdict.headline)
    );
    for (lead_in, text) in &verdict.paragraphs {
        push!(out, "<h3>{lead_in}</h3>\n<p>{}</p>\n", esc(text));
    }
    push!(out, "<p class=\"caveat\">{}</p>\n</div>\n", esc(&verdict.caveat));
    if !data.architectures.is_empty() {
        out.push_str("<div class=\"tiles\">\n");
        tile(out, data, "Lost, average customer", |i| {
            let arch = &data.architectures[i];
            duration((arch.lost_h() / data.village.customers.len().max(1) as f64 * 3_600_000.0) as u64)
        });
        for figure in TILES.iter().filter_map(|key| catalogue::find(key)) {
            tile(out, data, figure.label, |i| {
                catalogue::show(figure, data.architectures[i].kpi(figure.key), &data.scenario.currency)
            });
        }
        out.push_str("</div>\n");
    }
    out.push_str("</div>\n</section>\n");
}

fn tile(out: &mut String, data: &ReportData, label: &str, value: impl Fn(usize) -> String) {
    push!(out, "<div class=\"tile\"><p>{label}</p><dl>");
    for i in 0..data.architectures.len() {
        push!(out, "<div><dt>{}</dt><dd>{}</dd></div>", arch_name(data, i), esc(&value(i)));
    }
    out.push_str("</dl></div>\n");
}
