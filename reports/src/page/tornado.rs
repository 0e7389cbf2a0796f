//! What the verdict hangs on: each weak assumption moved to the ends of its range.

use taa_studies::study::{Estimate, Sensitivity, SensitivityRow};

use crate::{data::ReportData, numbers::number, verdict::told};

use super::{
    chart::{SPAN, short},
    html::{esc, open, push},
};

pub(super) fn section(out: &mut String, data: &ReportData) {
    let Some(study) = &data.study else { return };
    let Some(sensitivity) = study.sensitivity.as_ref().filter(|s| !s.rows.is_empty()) else { return };
    let (first, last) = match data.architectures.as_slice() {
        [first, .., last] => (first.name.as_str(), last.name.as_str()),
        _ => ("the first architecture", "the last"),
    };
    open(
        out,
        "weak",
        "What the verdict hangs on",
        &format!(
            "The yearly cost of downtime that {} saves against {}, when one assumption is moved to the low and to the high \
             end of what is plausible. Left of zero, {} would be the better buy. {}",
            esc(last),
            esc(first),
            esc(first),
            esc(&told::assumptions(study))
        ),
    );
    let scale = Scale::of(sensitivity);
    let currency = esc(&data.scenario.currency);
    push!(
        out,
        "<p class=\"foot\">As assumed: {currency}\u{a0}{}{}. Thin end of a bar: low value; thick end: high value; line: \
         95 % range.</p>\n<div class=\"tornado\">\n",
        number(sensitivity.base.mean, 0),
        range(&sensitivity.base)
    );
    for row in &sensitivity.rows {
        bar(out, row, sensitivity, &scale, &currency);
    }
    out.push_str("</div>\n</section>\n");
}

fn range(estimate: &Estimate) -> String {
    if estimate.n < 2 {
        return String::new();
    }
    format!(" ({} to {})", number(estimate.low, 0), number(estimate.high, 0))
}

struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn of(sensitivity: &Sensitivity) -> Self {
        let rows = sensitivity.rows.iter().flat_map(|row| [&row.at_low, &row.at_high]).chain([&sensitivity.base]);
        let (mut low, mut high) = (0.0_f64, 0.0_f64);
        for estimate in rows {
            low = low.min(estimate.low).min(estimate.mean);
            high = high.max(estimate.high).max(estimate.mean);
        }
        let room = ((high - low) * 0.03).max(1e-9);
        Self { low: low - room, high: high + room }
    }

    fn x(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low) * SPAN
    }
}

fn bar(out: &mut String, row: &SensitivityRow, all: &Sensitivity, scale: &Scale, currency: &str) {
    let value = |v: f64| {
        number(
            v,
            if v.abs() >= 100.0 {
                0
            } else if v.abs() >= 1.0 {
                1
            } else {
                3
            },
        )
    };
    let [low, base, high] = row.values;
    let spoken = format!(
        "{} from {} (assumed {}) to {}: saves {} {} to {}{}",
        row.words,
        value(low),
        value(base),
        value(high),
        currency,
        number(row.at_low.mean, 0),
        number(row.at_high.mean, 0),
        if row.flips { "; turns the verdict round" } else { "" }
    );
    push!(
        out,
        "<div class=\"trow{}\"><p><b>{}</b><small>{} {} … {} … {}</small>{}",
        if row.flips { " flips" } else { "" },
        esc(&row.words),
        esc(&row.status),
        value(low),
        value(base),
        value(high),
        if row.flips { "<em>turns the verdict round</em>" } else { "" }
    );
    if !row.why.is_empty() {
        push!(out, "<small class=\"why\">Range: {}.</small>", esc(row.why.trim_end_matches('.')));
    }
    out.push_str("</p>");
    let (a, b) = (scale.x(row.at_low.mean), scale.x(row.at_high.mean));
    push!(
        out,
        "<svg viewBox=\"0 0 1000 40\" preserveAspectRatio=\"none\" role=\"img\"><title>{}</title>\
         <path class=\"zero\" d=\"M{z} 0V40\"/><path class=\"base\" d=\"M{m} 0V40\"/>\
         <path class=\"swing\" d=\"M{l} 8H{r}V32H{l}Z\"/>\
         <path class=\"err\" d=\"M{al} 20H{ah}M{bl} 26H{bh}\"/><path class=\"end low\" d=\"M{a} 8V32\"/><path class=\"end high\" d=\"M{b} 8V32\"/></svg>",
        esc(&spoken),
        z = short(scale.x(0.0)),
        m = short(scale.x(all.base.mean)),
        l = short(a.min(b)),
        r = short(a.max(b)),
        al = short(scale.x(row.at_low.low)),
        ah = short(scale.x(row.at_low.high)),
        bl = short(scale.x(row.at_high.low)),
        bh = short(scale.x(row.at_high.high)),
        a = short(a),
        b = short(b)
    );
    push!(out, "<p class=\"n\">{} … {}</p></div>\n", number(row.at_low.mean, 0), number(row.at_high.mean, 0));
}
