//! When: one axis of time for everything, with scripted faults and the big outages marked through every panel.
//!
//! `when.js` adds a line under the pointer with the values there, and zoom by dragging. Without it the panels stand as
//! they are.

use crate::{
    data::{Architecture, HOUR_MS, OutageFigures, ReportData},
    numbers::{duration, number},
    time,
};

use super::{
    chart::{Plot, SPAN, short, step_band, steps, time_axis, x_labels, y_axis},
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

/// What darkens a panel when it is down for long.
const MARKED: [&str; 5] =
    ["Supply to the feeders", "Data concentrator", "Site to cloud", "Operator's cloud", "Payment provider"];
/// Shorter outages than this share of the run are not marked through the panels; the lanes have them all.
const MARK_SHARE: f64 = 1.0 / 250.0;

pub(super) fn section(out: &mut String, data: &ReportData) {
    open(
        out,
        "when",
        "When it was dark, and what was down",
        "One axis of time for all. Scripted faults run through every panel with dashed edges, long outages of plant, data \
         concentrator, link, cloud and provider as a grey ground. A lane without a name behind it is the same in every \
         architecture.",
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
    out.push_str(
        "<p class=\"bar zoomtime\"><button type=\"button\" data-when=\"in\">Zoom in</button><button type=\"button\" \
         data-when=\"out\">Zoom out</button><button type=\"button\" data-when=\"left\">Earlier</button><button \
         type=\"button\" data-when=\"right\">Later</button><button type=\"button\" data-when=\"all\">All</button><output \
         id=\"whenat\">Point at a panel for its values; drag over it to zoom.</output></p>\n",
    );
    if !data.scenario.faults.is_empty() {
        faults(out, data);
    }
    let peak = data.architectures.iter().map(peak).fold(1.0, f64::max);
    for (i, arch) in data.architectures.iter().enumerate() {
        push!(out, "<figure><figcaption>Customers in the dark, {}</figcaption>\n", arch_name(data, i));
        dark(out, data, arch, peak);
        out.push_str("</figure>\n");
    }
    series(out, data, "Battery, lowest charge", "%", 100.0, lowest_charge);
    series(out, data, "Payments waiting", "", 0.0, |arch| {
        let waits = &arch.payments.waits.series;
        waits.blocked.iter().zip(&waits.stuck).map(|(a, b)| a + b).collect()
    });
    lanes(out, data);
    out.push_str("</section>\n");
}

/// Scripted faults above everything, by name.
fn faults(out: &mut String, data: &ReportData) {
    out.push_str("<div class=\"lanes\">\n");
    for fault in &data.scenario.faults {
        let body = intervals(data, &[(fault.from_ms, fault.until_ms, fault.words.as_str())]);
        lane(out, &format!("<b>{}</b>", esc(&fault.id)), &body, "fault");
    }
    out.push_str("</div>\n");
}

/// Marks behind a panel: scripted faults, and the long outages of one architecture.
fn marks(data: &ReportData, arch: Option<&Architecture>) -> String {
    let total = data.run.simulated_ms.max(1);
    let x = |ms: u64| short(ms.min(total) as f64 / total as f64 * SPAN);
    let mut out = String::new();
    let long = |o: &&OutageFigures| {
        MARKED.contains(&o.component.as_str()) && (o.end_ms - o.start_ms) as f64 >= MARK_SHARE * total as f64
    };
    let mut down = String::new();
    for outage in arch.into_iter().flat_map(|arch| arch.outages.iter()).filter(long) {
        push!(down, "M{} 0H{}V1000H{0}Z", x(outage.start_ms), x(outage.end_ms));
    }
    if !down.is_empty() {
        push!(out, "<path class=\"cm\" d=\"{down}\"/>");
    }
    let mut scripted = String::new();
    for fault in data.scenario.faults.iter().filter(|fault| fault.from_ms < total) {
        push!(scripted, "M{} 0V1000H{}V0", x(fault.from_ms), x(fault.until_ms));
    }
    if !scripted.is_empty() {
        push!(out, "<path class=\"fm\" d=\"{scripted}\"/>");
    }
    out
}

/// Lowest state of charge in each bin of the timeline, percent.
fn lowest_charge(arch: &Architecture) -> Vec<f64> {
    let hours = usize::try_from(arch.dark.step_ms / HOUR_MS).unwrap_or(1).max(1);
    arch.soc_percent.chunks(hours).map(|bin| f64::from(bin.iter().copied().min().unwrap_or(0))).collect()
}

/// One line per architecture in a panel of their own.
fn series(
    out: &mut String,
    data: &ReportData,
    title: &str,
    unit: &str,
    top: f64,
    of: impl Fn(&Architecture) -> Vec<f64>,
) {
    let each: Vec<Vec<f64>> = data.architectures.iter().map(&of).collect();
    let peak = each.iter().flatten().copied().fold(top, f64::max);
    if peak <= 0.0 {
        return;
    }
    let (top, y_ticks) = y_axis(peak, unit);
    let mut body = marks(data, None);
    let mut spoken = Vec::new();
    for (i, values) in each.iter().enumerate() {
        push!(body, "<path class=\"tl t{}\" d=\"{}\"/>", i % 4, steps(values.iter().map(|v| v / top)));
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(0.0, f64::max);
        spoken.push(format!("{} from {} to {}", data.architectures[i].name, number(low, 0), number(high, 0)));
    }
    let names: Vec<String> = (0..each.len())
        .map(|i| format!("<span><i class=\"ln tl t{}\"></i>{}</span>", i % 4, arch_name(data, i)))
        .collect();
    push!(out, "<figure><figcaption>{title}<span class=\"keys\">{}</span></figcaption>\n", names.join(" "));
    Plot {
        label: &format!("{title}: {}", spoken.join("; ")),
        height_px: 96,
        y_ticks,
        x_ticks: time_axis(data),
        grid: true,
        view: (SPAN, SPAN),
        attributes: " data-t=\"1000\"".to_owned(),
        body,
        overlay: String::new(),
    }
    .write(out);
    out.push_str("</figure>\n");
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
    let mut body = marks(data, Some(arch));
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
        height_px: 110,
        y_ticks,
        x_ticks: time_axis(data),
        grid: true,
        view: (SPAN, SPAN),
        attributes: " data-t=\"1000\"".to_owned(),
        body,
        overlay: String::new(),
    }
    .write(out);
}

fn lanes(out: &mut String, data: &ReportData) {
    let mut lanes: Vec<(String, String, &str)> = Vec::new();
    // Components that this list does not know yet come after those it knows.
    let mut components: Vec<&str> = COMPONENTS.to_vec();
    for outage in data.architectures.iter().flat_map(|arch| &arch.outages) {
        if !components.contains(&outage.component.as_str()) {
            components.push(&outage.component);
        }
    }
    for component in components {
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
            lanes.push((esc(component).into_owned(), draw(&each[0]), "lane"));
        } else {
            for (i, list) in each.iter().enumerate() {
                lanes.push((format!("{} {}", esc(component), arch_name(data, i)), draw(list), "lane"));
            }
        }
    }
    if lanes.is_empty() {
        out.push_str("<p class=\"foot\">Nothing outside the meters was out of order.</p>\n");
        return;
    }
    out.push_str("<div class=\"lanes\">\n");
    for (name, body, class) in &lanes {
        lane(out, name, body, class);
    }
    out.push_str("<div class=\"lanerow axis\" aria-hidden=\"true\"><p></p><div class=\"px\">");
    x_labels(out, &time_axis(data));
    out.push_str("</div></div>\n</div>\n");
}

fn lane(out: &mut String, name: &str, body: &str, class: &str) {
    push!(
        out,
        "<div class=\"lanerow\"><p>{name}</p><div class=\"pa\"><svg viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"intervals\" class=\"{class}\" data-t=\"10\">{body}</svg></div></div>\n"
    );
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
