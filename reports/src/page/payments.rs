//! Payments: how many took effect, how fast, where the money waited, and whose waited longest.

use crate::{
    catalogue,
    data::{Architecture, CURVE_BOUNDS_S, Cell, Listing, PaymentFigures, ReportData},
    numbers::{duration, number, percent},
};

use super::{
    chart::{Plot, SPAN, line},
    html::{arch_name, esc, open, push},
    listing,
};

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
    out.push_str("</div>\n");
    curves(out, data);
    stages(out, data);
    slowest(out, data);
    out.push_str("</section>\n");
}

/// From acceptance to light: what share was there how soon, on a logarithmic axis of time.
fn curves(out: &mut String, data: &ReportData) {
    if data.architectures.iter().all(|arch| arch.payments.waits.curves.is_empty()) {
        return;
    }
    out.push_str("<h3>From accepted money to light, by way of paying</h3>\n<div class=\"pair\">\n");
    let bins = CURVE_BOUNDS_S.len();
    let x_ticks = [(1, "3 s"), (4, "1 min"), (7, "15 min"), (9, "1 h"), (12, "8 h"), (14, "1 day"), (16, "4 days")]
        .map(|(bin, text)| (f64::from(bin) / (bins - 1) as f64, text.to_owned()));
    for (i, arch) in data.architectures.iter().enumerate() {
        let curves = &arch.payments.waits.curves;
        push!(out, "<figure><figcaption>{}</figcaption>\n", arch_name(data, i));
        let mut body = String::new();
        let mut spoken = Vec::new();
        out.push_str("<ul class=\"legend\">");
        for (n, curve) in curves.iter().enumerate() {
            let shares = curve.within.iter().map(|&w| f64::from(w) / f64::from(curve.accepted.max(1)));
            let shares: Vec<f64> = shares.collect();
            push!(body, "<path class=\"way w{}\" d=\"{}\"/>", n % 4, line(shares.into_iter()));
            let half = length(curve.p50_s);
            let slow = length(curve.p95_s);
            let text = format!(
                "{}: {} accepted, half within {half}, all but one in twenty within {slow}",
                curve.channel,
                number(f64::from(curve.accepted), 0)
            );
            push!(out, "<li><i class=\"ln way w{}\"></i>{}</li>", n % 4, esc(&text));
            spoken.push(text);
        }
        out.push_str("</ul>\n");
        Plot {
            label: &format!(
                "Share of accepted payments in effect, by delay, with {}: {}",
                arch.name,
                spoken.join("; ")
            ),
            height_px: 170,
            y_ticks: [0.0, 0.25, 0.5, 0.75, 1.0].map(|v| (v, percent(v))).to_vec(),
            x_ticks: x_ticks.to_vec(),
            grid: true,
            view: (SPAN, SPAN),
            attributes: String::new(),
            body,
            overlay: String::new(),
        }
        .write(out);
        out.push_str("</figure>\n");
    }
    out.push_str("</div>\n");
}

/// Where the money waits.
fn stages(out: &mut String, data: &ReportData) {
    if data.architectures.iter().all(|arch| arch.payments.waits.stages.is_empty()) {
        return;
    }
    let mut listing = Listing::new(&[
        ("Where the money waits", false),
        ("Architecture", false),
        ("Mean", true),
        ("Half within", true),
        ("19 of 20 within", true),
        ("Longest", true),
        ("Still there at the end", true),
    ]);
    let length = |s: f64| Cell::number(duration((s * 1000.0) as u64), s);
    for arch in &data.architectures {
        for stage in &arch.payments.waits.stages {
            listing.rows.push(vec![
                Cell::text(&stage.words),
                Cell::text(&arch.name),
                length(stage.mean_s),
                length(stage.p50_s),
                length(stage.p95_s),
                length(stage.max_s),
                Cell::number(stage.inside.to_string(), f64::from(stage.inside)),
            ]);
        }
    }
    out.push_str("<h3>Where the money waits</h3>\n");
    listing::table(out, "Where the money waits", &listing);
}

/// Who waited longest.
fn slowest(out: &mut String, data: &ReportData) {
    for (i, arch) in data.architectures.iter().enumerate() {
        let slowest = &arch.payments.waits.slowest;
        if slowest.rows.is_empty() {
            continue;
        }
        push!(out, "<h3>Who waited longest, {}</h3>\n", arch_name(data, i));
        listing::table(out, &format!("Who waited longest with {}", arch.name), slowest);
    }
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
    tokens(out, pay);
    out.push_str("</p>\n");
    kits(out, data, arch);
    out.push_str("</div>\n");
}

/// How numbers for the keypad came, where there are keypads.
fn tokens(out: &mut String, pay: &PaymentFigures) {
    let tokens = &pay.tokens;
    if tokens.by.is_empty() {
        return;
    }
    let by: Vec<String> = tokens.by.iter().map(|(words, n)| format!("{} ({n})", esc(words))).collect();
    push!(
        out,
        " Numbers for the keypad: {}; {} text messages, {} entries for each number typed in. How long people take to walk \
         to the keypad and to type is assumed.",
        by.join(", "),
        number(f64::from(tokens.texts), 0),
        number(f64::from(tokens.entries) / f64::from(tokens.typed.max(1)), 2)
    );
}

/// Kits that are paid by the day, where the site sells to them.
fn kits(out: &mut String, data: &ReportData, arch: &Architecture) {
    let Some(kits) = &arch.kits else { return };
    let days = |ms: u64| number(ms as f64 / 86_400_000.0, 1);
    let money = |amount: f64| format!("{}\u{a0}{}", esc(&data.scenario.currency), number(amount, 0));
    let owed = if kits.open > 0.0 { format!(" ({} of it not credited yet)", money(kits.open)) } else { String::new() };
    let step = if kits.out_of_step == 0 {
        "every count agrees with the site's".to_owned()
    } else {
        format!("<b>the counts of {} do not agree with the site's</b>", kits.out_of_step)
    };
    push!(
        out,
        "<p class=\"split\">{} kits are paid by the day, {} report by themselves: {} paid{owed}, {} days sold, {} taken, {} \
         in tokens still to be typed; {} texts lost; {step}. A kit was off for {} days on average, {} at most.</p>\n",
        kits.kits,
        kits.linked,
        money(kits.paid),
        kits.sold_days,
        kits.added_days,
        kits.waiting_days,
        kits.texts_lost,
        days(kits.off_ms / u64::from(kits.kits.max(1))),
        days(kits.off_longest_ms),
    );
}

/// A delay in words; less than a second is at once.
fn length(seconds: Option<f64>) -> String {
    match seconds {
        None => "–".to_owned(),
        Some(s) if s < 1.0 => "a second".to_owned(),
        Some(s) => duration((s * 1000.0) as u64),
    }
}
