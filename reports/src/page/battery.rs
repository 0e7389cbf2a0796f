//! The battery as a heat map: a column per day, a row per hour.

use crate::data::{Architecture, ReportData};

use super::{
    chart::{Plot, time_axis},
    html::{arch_name, open, push},
};

/// Upper bounds of the colours, percent.
const BOUNDS: [u8; 7] = [5, 10, 20, 40, 60, 80, 95];

pub(super) fn section(out: &mut String, data: &ReportData) {
    open(
        out,
        "battery",
        "Battery",
        "State of charge by day (across) and hour (down, midnight on top). A dark morning means that the evening \
         emptied it.",
    );
    out.push_str("<ul class=\"legend ramp\">");
    for (i, bound) in BOUNDS.iter().enumerate() {
        let low = if i == 0 { 0 } else { BOUNDS[i - 1] };
        push!(out, "<li><i class=\"b{i}\"></i>{low}–{bound} %</li>");
    }
    push!(out, "<li><i class=\"b{}\"></i>over {} %</li></ul>\n", BOUNDS.len(), BOUNDS[BOUNDS.len() - 1]);
    for (i, arch) in data.architectures.iter().enumerate() {
        push!(out, "<figure><figcaption>{}</figcaption>\n", arch_name(data, i));
        heat(out, data, arch, i);
        out.push_str("</figure>\n");
    }
    out.push_str("</section>\n");
}

fn heat(out: &mut String, data: &ReportData, arch: &Architecture, index: usize) {
    let hours = &arch.soc_percent;
    let days = hours.len().div_ceil(24).max(1);
    let lowest = hours.iter().min().copied().unwrap_or(0);
    let empty = hours.iter().filter(|&&soc| soc < BOUNDS[1]).count();
    Plot {
        label: &format!(
            "Battery state of charge with {}: lowest {lowest} percent, below {} percent in {empty} of {} hours",
            arch.name,
            BOUNDS[1],
            hours.len()
        ),
        height_px: 168,
        y_ticks: [(1.0, "0:00"), (0.75, "6:00"), (0.5, "12:00"), (0.25, "18:00"), (0.0, "24:00")]
            .map(|(at, text)| (at, text.to_owned()))
            .to_vec(),
        x_ticks: time_axis(data),
        grid: false,
        view: (days as f64, 24.0),
        attributes: format!(
            " class=\"heat\" data-heat=\"{index}\" data-days=\"{days}\" shape-rendering=\"crispEdges\""
        ),
        body: body(hours),
        overlay: String::new(),
    }
    .write(out);
}

/// One path per colour, in days and hours; runs of hours of a day share a rectangle.
fn body(hours: &[u8]) -> String {
    let mut paths = vec![String::new(); BOUNDS.len() + 1];
    let colour = |soc: u8| BOUNDS.iter().position(|&bound| soc < bound).unwrap_or(BOUNDS.len());
    for (day, day_hours) in hours.chunks(24).enumerate() {
        let mut start = 0;
        while start < day_hours.len() {
            let this = colour(day_hours[start]);
            let end = (start..day_hours.len()).find(|&h| colour(day_hours[h]) != this).unwrap_or(day_hours.len());
            push!(paths[this], "M{day} {start}h1v{}h-1z", end - start);
            start = end;
        }
    }
    let mut out = String::new();
    for (i, d) in paths.iter().enumerate().filter(|(_, d)| !d.is_empty()) {
        push!(out, "<path class=\"b{i}\" d=\"{d}\"/>");
    }
    out
}
