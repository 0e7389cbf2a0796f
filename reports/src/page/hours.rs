//! Where the hours of a connection go: light, losses, and the dark hours that no loss counts.

use crate::{
    data::ReportData,
    numbers::{number, percent},
};

use super::html::{arch_name, open, push};

/// Names of the parts, in the order of `HourSplit::parts`, with their colours.
const PARTS: [(&str, &str); 8] = [
    ("h0", "light that was paid for"),
    ("h1", "light on trust"),
    ("c0", "no supply"),
    ("c1", "credit stuck"),
    ("c2", "payment blocked"),
    ("h5", "no credit, by choice or for want of money"),
    ("h7", "dark by the meter, light taken past it"),
    ("h6", "after the customer had left"),
];

pub(super) fn section(out: &mut String, data: &ReportData) {
    if data.architectures.iter().any(|arch| arch.hours.is_none()) {
        return;
    }
    open(
        out,
        "hours",
        "Where the hours of a connection go",
        "Of the 8760 hours of a year, for the average connection, those of customers who left included. Lost hours alone \
         can fall because somebody leaves or has no credit: here those hours stay in sight.",
    );
    out.push_str("<ul class=\"legend\">");
    for (class, words) in PARTS {
        push!(out, "<li><i class=\"{class}\"></i>{words}</li>");
    }
    out.push_str("</ul>\n<div class=\"classes\">\n");
    for (i, hours) in data.architectures.iter().enumerate().filter_map(|(i, arch)| Some((i, arch.hours?))) {
        let total = hours.total().max(1) as f64;
        push!(
            out,
            "<div class=\"classrow\"><p>{}<b>{} h of paid light a year</b></p><div class=\"track\">",
            arch_name(data, i),
            number(hours.paid_light_h_per_year(), 0)
        );
        let mut spoken = Vec::new();
        for ((class, words), ms) in PARTS.into_iter().zip(hours.parts()).filter(|(_, ms)| *ms > 0) {
            let share = ms as f64 / total;
            let text = format!("{words} {} h ({})", number(8760.0 * share, 0), percent(share));
            push!(out, "<i class=\"{class}\" style=\"width:{:.3}%\" title=\"{text}\"></i>", share * 100.0);
            spoken.push(text);
        }
        push!(out, "</div><p class=\"split\">{}</p></div>\n", spoken.join(" · "));
    }
    out.push_str("</div>\n</section>\n");
}
