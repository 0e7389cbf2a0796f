//! The first screen: what will go wrong in this village, what to buy, how sure that is; and below it the same in more
//! words.

use crate::{
    catalogue::{self},
    data::ReportData,
    numbers::duration,
    verdict::{Brief, Level, Purchase, Verdict, brief, verdict},
};

use super::html::{arch_name, esc, open, push};

const TILES: [&str; 3] = ["paid_service_availability", "longest_outage_h", "cost_of_downtime"];

/// The answer: fits a screen of 1280 by 900.
pub(super) fn section(out: &mut String, data: &ReportData) {
    let verdict = verdict(data);
    let level = match verdict.level {
        Level::Poor | Level::Unreliable => "bad",
        Level::Mostly => "fair",
        Level::Good | Level::Steady => "good",
    };
    let brief = brief(data);
    push!(
        out,
        "<section id=\"verdict\" class=\"{level}\">\n<p class=\"question\">{} <span class=\"draw\">{}</span></p>\n\
         <h1>{} <span class=\"figure\">{}</span></h1>\n",
        esc(&verdict.question),
        esc(&brief.certainty.draws),
        esc(&verdict.headline),
        esc(&brief.figure)
    );
    if !brief.glosses.is_empty() {
        let each: Vec<String> = brief
            .glosses
            .iter()
            .enumerate()
            .map(|(i, (_, gloss))| format!("<span>{}: {}</span>", arch_name(data, i), esc(gloss)))
            .collect();
        push!(out, "<p class=\"gloss\">{}</p>\n", each.join(" "));
    }
    out.push_str("<div class=\"two\">\n");
    wrongs(out, data, &brief);
    purchases(out, data, &brief);
    out.push_str("</div>\n");
    push!(out, "<p class=\"sure\"><b>How sure.</b> {}</p>\n</section>\n", esc(&brief.certainty.text));
}

fn wrongs(out: &mut String, data: &ReportData, brief: &Brief) {
    let under = brief.under.as_ref().map(|name| format!(" <small>with {}</small>", esc(name))).unwrap_or_default();
    // Causes are told from the one run whose records the page has, figures with a range from all draws.
    let drawn = if data.many_draws().is_some() { " <small>in the run shown</small>" } else { "" };
    push!(out, "<div id=\"wrong\"><h2>What goes wrong{under}{drawn}</h2>\n");
    if brief.wrongs.is_empty() {
        out.push_str("<p>Nobody lost an hour.</p>\n");
    } else {
        out.push_str("<ol>\n");
        for wrong in &brief.wrongs {
            push!(out, "<li><b>{}:</b> {}. {}</li>\n", esc(&wrong.title), esc(&wrong.hours), esc(&wrong.text));
        }
        out.push_str("</ol>\n");
    }
    out.push_str("</div>\n");
}

fn purchases(out: &mut String, data: &ReportData, brief: &Brief) {
    let on = brief.purchases_on.as_ref().map(|name| format!(" <small>on {}</small>", esc(name))).unwrap_or_default();
    push!(out, "<div id=\"buy\"><h2>What to change first{on}</h2>\n");
    if !brief.purchases.is_empty() {
        // Where no payback can be told, there is no column for it.
        let pays = brief.purchases.iter().any(|row| row.pays_back != "–");
        push!(
            out,
            "<table><thead><tr><th scope=\"col\">Change</th><th scope=\"col\" class=\"n\">{}</th>\
             <th scope=\"col\" class=\"n\">Price</th>{}</tr></thead>\n<tbody>\n",
            esc(&brief.saves_heading),
            if pays { "<th scope=\"col\" class=\"n\">Pays back in</th>" } else { "" }
        );
        for row in &brief.purchases {
            push!(
                out,
                "<tr><th scope=\"row\">{}</th><td class=\"n\">{}{}</td><td class=\"n\">{}</td>",
                esc(&row.words),
                esc(&row.saves),
                small(row),
                esc(&row.price)
            );
            if pays {
                push!(out, "<td class=\"n\">{}</td>", esc(&row.pays_back));
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody></table>\n");
    }
    if !brief.purchases_note.is_empty() {
        push!(out, "<p class=\"foot\">{}</p>\n", esc(&brief.purchases_note));
    }
    if data.study.as_ref().is_some_and(|study| !study.remedies.is_empty()) {
        out.push_str(
            "<p class=\"foot\"><a href=\"#change\">All that was tried, with prices and their sources</a></p>\n",
        );
    }
    out.push_str("</div>\n");
}

/// The range under a saving, and a word where zero lies in it.
fn small(row: &Purchase) -> String {
    [row.range.as_str(), if row.unsure { "perhaps nothing" } else { "" }]
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(|part| format!("<small>{}</small>", esc(part)))
        .collect()
}

/// The verdict's paragraphs, and the figures behind them.
pub(super) fn words(out: &mut String, data: &ReportData) {
    let verdict: Verdict = verdict(data);
    open(out, "words", "In more words", "");
    out.push_str("<div class=\"answer\">\n<div class=\"words\">\n");
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
