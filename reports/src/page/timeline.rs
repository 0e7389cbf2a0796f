//! When: customers without light over time, and below it what was down.

use crate::{
    data::{Architecture, OutageFigures, ReportData},
    numbers::{duration, number},
    time,
};

use super::{
    chart::{Plot, SPAN, short, step_band, time_axis, x_labels, y_axis},
    html::{arch_name, esc, legend, open, push},
};

/// Order of the lanes.
const COMPONENTS: [&str; 11] = [
    "Supply to the feeders",
    "Data concentrator",
    "Tower, first operator",
    "Tower, second operator",
    "Bearer and router",
    "Site to cloud",
    "Operator's cloud",
    "Payment provider",
    "Payment aggregator",
    "Payment intake relay",
    "Cash agent",
];
/// Lanes with more intervals than this lose their tooltips: they would be too small to point at.
const TITLES_MAX: usize = 400;

pub(super) fn section(out: &mut String, data: &ReportData) {
    open(
        out,
        "when",
        "When it was dark, and what was down",
        "Above, customers without light; below, on the same days, everything that was out of order. A lane without a \
         name behind it is the same in every architecture.",
    );
    legend(
        out,
        &[
            ("c0", "no supply"),
            ("c1", "credit stuck"),
            ("c2", "payment blocked"),
            ("lane", "component down"),
            ("fault", "scripted fault"),
        ],
    );
    let peak = data.architectures.iter().map(peak).fold(1.0, f64::max);
    for (i, arch) in data.architectures.iter().enumerate() {
        push!(out, "<figure><figcaption>{}</figcaption>\n", arch_name(data, i));
        dark(out, data, arch, peak);
        out.push_str("</figure>\n");
    }
    lanes(out, data);
    out.push_str("</section>\n");
}

fn stacked(arch: &Architecture, upto: usize) -> Vec<f64> {
    let bins = arch.dark.customers[0].len();
    (0..bins).map(|bin| (0..upto).map(|class| arch.dark.customers[class][bin]).sum()).collect()
}

fn peak(arch: &Architecture) -> f64 {
    stacked(arch, 3).into_iter().fold(0.0, f64::max)
}

fn dark(out: &mut String, data: &ReportData, arch: &Architecture, peak_of_all: f64) {
    let (top, y_ticks) = y_axis(peak_of_all, "");
    let mut body = String::new();
    for class in 0..3 {
        if arch.dark.customers[class].iter().all(|&n| n < 0.005) {
            continue;
        }
        let share = |upto: usize| stacked(arch, upto).into_iter().map(|n| n / top).collect::<Vec<_>>();
        push!(body, "<path class=\"c{class}\" d=\"{}\"/>", step_band(&share(class), &share(class + 1)));
    }
    let step = duration(arch.dark.step_ms);
    Plot {
        label: &format!(
            "Customers without light with {}: at most {} at once (mean over {step})",
            arch.name,
            number(peak(arch), 0)
        ),
        height_px: 120,
        y_ticks,
        x_ticks: time_axis(data),
        grid: true,
        view: (SPAN, SPAN),
        attributes: String::new(),
        body,
    }
    .write(out);
}

fn lanes(out: &mut String, data: &ReportData) {
    let mut lanes: Vec<(String, String, &str)> = Vec::new();
    for fault in &data.scenario.faults {
        let interval = [(fault.from_ms, fault.until_ms, fault.words.as_str())];
        lanes.push((format!("<b>{}</b>", esc(&fault.id)), intervals(data, &interval), "fault"));
    }
    for component in COMPONENTS {
        let of = |arch: &Architecture| -> Vec<OutageFigures> {
            arch.outages.iter().filter(|outage| outage.component == component).cloned().collect()
        };
        let each: Vec<Vec<OutageFigures>> = data.architectures.iter().map(of).collect();
        if each.iter().all(Vec::is_empty) {
            continue;
        }
        let draw = |list: &[OutageFigures]| {
            let list: Vec<(u64, u64, &str)> = list.iter().map(|o| (o.start_ms, o.end_ms, o.why.as_str())).collect();
            intervals(data, &list)
        };
        if each.windows(2).all(|pair| pair[0] == pair[1]) {
            lanes.push((component.to_owned(), draw(&each[0]), "lane"));
        } else {
            for (i, list) in each.iter().enumerate() {
                lanes.push((format!("{component} {}", arch_name(data, i)), draw(list), "lane"));
            }
        }
    }
    if lanes.is_empty() {
        out.push_str("<p class=\"foot\">Nothing outside the meters was out of order.</p>\n");
        return;
    }
    out.push_str("<div class=\"lanes\">\n");
    for (name, body, class) in &lanes {
        push!(
            out,
            "<div class=\"lanerow\"><p>{name}</p><svg viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"intervals\" class=\"{class}\">{body}</svg></div>\n"
        );
    }
    out.push_str("<div class=\"lanerow axis\" aria-hidden=\"true\"><p></p><div class=\"px\">");
    x_labels(out, &time_axis(data));
    out.push_str("</div></div>\n</div>\n");
}

fn intervals(data: &ReportData, list: &[(u64, u64, &str)]) -> String {
    let total = data.run.simulated_ms.max(1);
    let x = |ms: u64| ms.min(total) as f64 / total as f64 * SPAN;
    let mut out = String::new();
    let visible = || list.iter().filter(|(start, end, _)| start < end && *start < total);
    if visible().count() > TITLES_MAX {
        out.push_str("<path d=\"");
        for (start, end, _) in visible() {
            push!(out, "M{} 0H{}V10H{}Z", short(x(*start)), short(x(*end)), short(x(*start)));
        }
        out.push_str("\"/>");
        return out;
    }
    for (start, end, why) in visible() {
        let at = time::moment(time::local(data.run.start_unix_s, data.scenario.utc_offset_s, *start));
        push!(
            out,
            "<path d=\"M{} 0H{}V10H{}Z\"><title>{at}, {}{}{}</title></path>",
            short(x(*start)),
            short(x(*end)),
            short(x(*start)),
            duration(end - start),
            if why.is_empty() { "" } else { ": " },
            esc(why)
        );
    }
    out
}
