//! Many draws: how far the figures spread from one draw of the world to the next.

use taa_studies::study::{Estimate, Spread};

use crate::{
    catalogue::{self, GROUPS},
    data::ReportData,
    numbers::percent,
};

use super::{
    chart::{Plot, SPAN, days_axis, line, short, y, y_axis},
    html::{arch_name, esc, legend, open, push},
};

pub(super) fn section(out: &mut String, data: &ReportData) {
    let Some(study) = data.many_draws() else { return };
    open(
        out,
        "spread",
        "From draw to draw",
        &format!(
            "{} draws of weather, towers, breakages and people, {} days each. The line is the middle draw; eight of ten \
             draws lie within the band.",
            study.draws, study.days
        ),
    );
    legend(out, &[("fan", "p10 to p90"), ("ln served", "p50")]);
    let peak = study.spreads.iter().flat_map(|s| &s.lost_share_by_day).map(|d| d[2]).fold(0.0, f64::max);
    for (title, of, top_share) in [
        ("Customer-time lost, by day", lost as fn(&Spread) -> &[[f64; 3]], peak),
        ("Battery at six in the morning", soc, 1.0),
    ] {
        if study.spreads.iter().all(|spread| of(spread).is_empty()) {
            continue;
        }
        push!(out, "<h3>{title}</h3>\n<div class=\"pair\">\n");
        for spread in &study.spreads {
            push!(out, "<figure><figcaption>{}</figcaption>\n", name(data, spread));
            fan(out, data, title, spread, of(spread), top_share);
            out.push_str("</figure>\n");
        }
        out.push_str("</div>\n");
    }
    table(out, data, &study.spreads);
    out.push_str("</section>\n");
}

fn lost(spread: &Spread) -> &[[f64; 3]] {
    &spread.lost_share_by_day
}

fn soc(spread: &Spread) -> &[[f64; 3]] {
    &spread.soc_by_day
}

fn name(data: &ReportData, spread: &Spread) -> String {
    match data.architectures.iter().position(|arch| arch.name == spread.architecture) {
        Some(index) => arch_name(data, index),
        None => esc(&spread.architecture).into_owned(),
    }
}

fn fan(out: &mut String, data: &ReportData, title: &str, spread: &Spread, days: &[[f64; 3]], peak: f64) {
    let (top, y_ticks) = y_axis((peak * 100.0).min(100.0), "%");
    let at = |q: usize| days.iter().map(move |day| day[q] * 100.0 / top).collect::<Vec<f64>>();
    let mut band = line(at(2).into_iter());
    let last = days.len().saturating_sub(1).max(1) as f64;
    for (i, low) in at(0).into_iter().enumerate().rev() {
        push!(band, "L{} {}", short(i as f64 / last * SPAN), short(y(low)));
    }
    let mean = days.iter().map(|day| day[1]).sum::<f64>() / days.len().max(1) as f64;
    Plot {
        label: &format!("{title} with {}: the middle draw is at {} on average", spread.architecture, percent(mean)),
        height_px: 170,
        y_ticks,
        x_ticks: days_axis(data, days.len() as u32),
        grid: true,
        view: (SPAN, SPAN),
        attributes: String::new(),
        body: format!("<path class=\"fan\" d=\"{band}Z\"/><path class=\"served\" d=\"{}\"/>", line(at(1).into_iter())),
        overlay: String::new(),
    }
    .write(out);
}

fn table(out: &mut String, data: &ReportData, spreads: &[Spread]) {
    out.push_str(
        "<h3>Key figures over the draws</h3>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Key figures over the draws\">\
         <table class=\"list\" id=\"intervals\"><thead><tr><th scope=\"col\">Figure</th>",
    );
    for spread in spreads {
        push!(
            out,
            "<th scope=\"col\" class=\"n\">{} mean</th><th scope=\"col\" class=\"n\">p10 to p90</th>",
            name(data, spread)
        );
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for figure in GROUPS.iter().flat_map(|(_, figures)| figures.iter()) {
        if spreads.iter().all(|spread| !spread.kpis.contains_key(figure.key)) {
            continue;
        }
        push!(
            out,
            "<tr><th scope=\"row\" title=\"{}\">{}</th>",
            esc(figure.meaning),
            esc(&catalogue::label_with_unit(figure, &data.scenario.currency))
        );
        let show = |v: f64| esc(&catalogue::show_bare(figure, Some(v))).into_owned();
        for spread in spreads {
            match spread.kpis.get(figure.key) {
                Some(Estimate { mean, low, high, p10, p90, .. }) => push!(
                    out,
                    "<td class=\"n\" data-value=\"{mean}\">{}<small>{} to {}</small></td><td class=\"n\">{} to {}</td>",
                    show(*mean),
                    show(*low),
                    show(*high),
                    show(*p10),
                    show(*p90)
                ),
                None => out.push_str("<td class=\"n\">–</td><td class=\"n\">–</td>"),
            }
        }
        out.push_str("</tr>\n");
    }
    out.push_str(
        "</tbody></table></div>\n<p class=\"foot\">Under the mean stands its 95 % range; p10 to p90 is the spread of the \
         draws themselves.</p>\n",
    );
}
