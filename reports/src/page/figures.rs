//! Architectures side by side: what they are, and every key figure with its difference.

use serde_json::Value;

use crate::{
    catalogue::{self, GROUPS, Verdict},
    data::{Architecture, ReportData},
    numbers::percent,
};

use super::html::{arch_name, esc, open, push};

pub(super) fn section(out: &mut String, data: &ReportData) {
    let several = data.architectures.len() > 1;
    let lead = if several {
        "All architectures faced the same sun, towers, breakages and people. Differences are against the first one."
    } else {
        "Hover or tap a name to read what it means; the notes at the end explain all of them."
    };
    open(out, "figures", if several { "Architectures side by side" } else { "Key figures" }, lead);
    traits(out, data);
    // Two tables side by side where they fit.
    push!(out, "<div class=\"{}\">\n", if data.architectures.len() < 3 { "pair kpipair" } else { "kpipair" });
    table(out, data, &GROUPS[..1], true);
    table(out, data, &GROUPS[1..], false);
    out.push_str("</div>\n");
    if data.run.annualised() {
        out.push_str("<p class=\"foot\">Figures “a year” are scaled up from the simulated time.</p>\n");
    }
    out.push_str("</section>\n");
}

fn table(out: &mut String, data: &ReportData, groups: &[(&str, &[catalogue::Figure])], with_tiers: bool) {
    out.push_str(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Key figures\"><table class=\"kpis\"><thead><tr>\
         <th scope=\"col\">Figure</th>",
    );
    for i in 0..data.architectures.len() {
        push!(out, "<th scope=\"col\" class=\"n\">{}</th>", arch_name(data, i));
        if i > 0 {
            out.push_str("<th scope=\"col\" class=\"n\">Difference</th>");
        }
    }
    out.push_str("</tr></thead>\n");
    let width = data.architectures.len() * 2;
    for (group, figures) in groups {
        push!(out, "<tbody><tr class=\"group\"><th scope=\"rowgroup\" colspan=\"{width}\">{group}</th></tr>\n");
        for figure in *figures {
            row(out, data, figure);
        }
        out.push_str("</tbody>\n");
    }
    if with_tiers {
        tiers(out, data, width);
    }
    out.push_str("</table></div>\n");
}

/// Customers by tier of the Multi-Tier Framework, tiers that somebody is in.
fn tiers(out: &mut String, data: &ReportData, width: usize) {
    let share = |arch: &Architecture, tier: u8| {
        arch.kpis
            .get("mtf_tier")
            .and_then(|tiers| tiers.get(format!("tier_{tier}")))
            .and_then(Value::as_f64)
            .unwrap_or(0.0)
    };
    push!(
        out,
        "<tbody><tr class=\"group\"><th scope=\"rowgroup\" colspan=\"{width}\">Customers by tier of access (ESMAP)</th></tr>\n"
    );
    for tier in 0..=5 {
        if data.architectures.iter().all(|arch| share(arch, tier) < 1e-9) {
            continue;
        }
        push!(out, "<tr><th scope=\"row\">Tier {tier}</th>");
        for (i, arch) in data.architectures.iter().enumerate() {
            push!(out, "<td class=\"n\">{}</td>{}", percent(share(arch, tier)), if i > 0 { "<td></td>" } else { "" });
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n");
}

fn row(out: &mut String, data: &ReportData, figure: &catalogue::Figure) {
    if data.architectures.iter().all(|arch| arch.kpi(figure.key).is_none()) {
        return;
    }
    push!(
        out,
        "<tr data-kpi=\"{}\"><th scope=\"row\" title=\"{}\">{}</th>",
        figure.key,
        esc(figure.meaning),
        esc(&catalogue::label_with_unit(figure, &data.scenario.currency))
    );
    let base = data.architectures.first().and_then(|arch| arch.kpi(figure.key));
    for (i, arch) in data.architectures.iter().enumerate() {
        let value = arch.kpi(figure.key);
        let raw = value.map(|v| v.to_string()).unwrap_or_default();
        push!(out, "<td class=\"n\" data-value=\"{raw}\">{}</td>", esc(&catalogue::show_bare(figure, value)));
        if i == 0 {
            continue;
        }
        match catalogue::difference(figure, base, value, "") {
            Some((_, Verdict::Same)) => out.push_str("<td class=\"n same\">same</td>"),
            Some((text, verdict)) => {
                let word = match verdict {
                    Verdict::Better => "better",
                    Verdict::Worse => "worse",
                    Verdict::Neutral | Verdict::Same => "",
                };
                push!(out, "<td class=\"n {word}\">{}<span class=\"sr\"> {word}</span></td>", esc(&text));
            }
            None => out.push_str("<td class=\"n same\">–</td>"),
        }
    }
    out.push_str("</tr>\n");
}

/// The traits in which the architectures differ, then those they share.
fn traits(out: &mut String, data: &ReportData) {
    let Some(first) = data.architectures.first() else { return };
    out.push_str("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Traits\"><table class=\"traits\"><thead><tr><th scope=\"col\">Trait</th>");
    for i in 0..data.architectures.len() {
        push!(out, "<th scope=\"col\">{}</th>", arch_name(data, i));
    }
    out.push_str("</tr></thead><tbody>\n");
    for (row, (name, value)) in first.traits.iter().enumerate() {
        let of = |i: usize| data.architectures[i].traits.get(row).map_or("–", |(_, value)| value.as_str());
        let differs = (0..data.architectures.len()).any(|i| of(i) != value);
        push!(out, "<tr{}><th scope=\"row\">{}</th>", if differs { "" } else { " class=\"shared\"" }, esc(name));
        for i in 0..data.architectures.len() {
            push!(out, "<td>{}</td>", esc(of(i)));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
}
