//! Payments in brief: how many took effect, how fast, and what held the rest.

use crate::{
    catalogue,
    data::{Architecture, ReportData},
    numbers::{number, percent},
};

use super::html::{arch_name, esc, open, push};

/// Names of the delay bins; the last two are payments that never took effect.
const BINS: [&str; 9] = [
    "within 30 s",
    "5 min",
    "1 h",
    "6 h",
    "24 h",
    "3 days",
    "later",
    "accepted, not yet in effect at the end",
    "never accepted",
];
/// Causes named per architecture.
const HELD_MAX: usize = 4;

pub(super) fn section(out: &mut String, data: &ReportData) {
    open(
        out,
        "payments",
        "Payments",
        "From the wish to pay until light: how long it took, as a share of all wishes to pay.",
    );
    if data.architectures.iter().all(|arch| arch.payments.wanted == 0) {
        out.push_str("<p>Nobody wanted to pay in the simulated time.</p>\n</section>\n");
        return;
    }
    out.push_str("<ul class=\"legend\">");
    for (i, words) in BINS.iter().enumerate() {
        push!(out, "<li><i class=\"d{i}\"></i>{words}</li>");
    }
    out.push_str("</ul>\n<div class=\"classes\">\n");
    for (i, arch) in data.architectures.iter().enumerate() {
        bar(out, data, arch, i);
    }
    out.push_str("</div>\n</section>\n");
}

fn bar(out: &mut String, data: &ReportData, arch: &Architecture, index: usize) {
    let pay = &arch.payments;
    let all = f64::from(pay.wanted.max(1));
    push!(
        out,
        "<div class=\"classrow\"><p>{}<b>{} in time</b></p><div class=\"track\">",
        arch_name(data, index),
        catalogue::shown(arch, "billing_availability", &data.scenario.currency)
    );
    let counts = pay.by_delay.iter().copied().chain([pay.pending, pay.blocked]);
    for (bin, count) in counts.enumerate().filter(|(_, count)| *count > 0) {
        push!(
            out,
            "<i class=\"d{bin}\" style=\"width:{:.3}%\" title=\"{}: {count}\"></i>",
            f64::from(count) / all * 100.0,
            BINS.get(bin).unwrap_or(&"")
        );
    }
    let currency = &data.scenario.currency;
    push!(
        out,
        "</div><p class=\"split\">{} wishes to pay, {} by phone; {} took effect, {} were still on their way at the end, \
         {} found no way. Delay of credit: median {}, slowest in twenty {}.",
        number(f64::from(pay.wanted), 0),
        percent(f64::from(pay.by_phone) / all),
        number(f64::from(pay.applied), 0),
        number(f64::from(pay.pending), 0),
        number(f64::from(pay.blocked), 0),
        catalogue::shown(arch, "token_delay_p50_s", currency),
        catalogue::shown(arch, "token_delay_p95_s", currency)
    );
    if !pay.held_by.is_empty() {
        let held: Vec<String> =
            pay.held_by.iter().take(HELD_MAX).map(|(words, n)| format!("{} ({n})", esc(words))).collect();
        push!(out, " Late or never because of: {}.", held.join(", "));
    }
    out.push_str("</p></div>\n");
}
