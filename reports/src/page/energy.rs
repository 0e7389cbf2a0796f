//! Demand and sun: the mean day, and the whole period day by day.

use crate::{
    data::{Architecture, Power, ReportData},
    numbers::number,
};

use super::{
    chart::{Plot, SPAN, day_axis, line, steps, time_axis, y_axis},
    html::{arch_name, legend, open, push},
};

pub(super) fn section(out: &mut String, data: &ReportData) {
    open(
        out,
        "energy",
        "Demand and sun",
        "What the panels could give, what customers would have taken, and what they got.",
    );
    legend(
        out,
        &[
            ("sun", "sun: panels at their best"),
            ("used", "used of it"),
            ("ln wanted", "wanted"),
            ("ln served", "served"),
        ],
    );
    out.push_str("<h3>The mean day</h3>\n<div class=\"pair\">\n");
    let peak = data.architectures.iter().flat_map(|arch| &arch.mean_day).map(highest).fold(0.0, f64::max);
    for (i, arch) in data.architectures.iter().enumerate() {
        push!(out, "<figure><figcaption>{}</figcaption>\n", arch_name(data, i));
        mean_day(out, arch, peak);
        out.push_str("</figure>\n");
    }
    out.push_str("</div>\n<h3>Day by day</h3>\n<div class=\"pair\">\n");
    let peak = data.architectures.iter().flat_map(|arch| &arch.days).map(highest).fold(0.0, f64::max);
    for (i, arch) in data.architectures.iter().enumerate() {
        push!(out, "<figure><figcaption>{}</figcaption>\n", arch_name(data, i));
        by_day(out, data, arch, peak);
        out.push_str("</figure>\n");
    }
    out.push_str("</div>\n</section>\n");
}

fn highest(power: &Power) -> f64 {
    power.pv_available.max(power.wanted).max(power.served)
}

fn mean_day(out: &mut String, arch: &Architecture, peak: f64) {
    let (top, y_ticks) = y_axis(peak, "kW");
    // Midnight closes the day: the first quarter again.
    let closed = |pick: fn(&Power) -> f64| {
        let values: Vec<f64> = arch.mean_day.iter().chain(arch.mean_day.first()).map(|p| pick(p) / top).collect();
        line(values.into_iter())
    };
    let (sun, used) = (closed(|p| p.pv_available), closed(|p| p.pv_used));
    let evening = arch.mean_day.get(72..88).unwrap_or(&[]).iter().map(|p| p.wanted).fold(0.0, f64::max);
    Plot {
        label: &format!(
            "Mean day with {}: sun up to {} kW, demand up to {} kW in the evening",
            arch.name,
            number(arch.mean_day.iter().map(|p| p.pv_available).fold(0.0, f64::max), 1),
            number(evening, 1)
        ),
        height_px: 210,
        y_ticks,
        x_ticks: day_axis(),
        grid: true,
        view: (SPAN, SPAN),
        attributes: String::new(),
        body: format!(
            "<path class=\"sun\" d=\"{sun}L{SPAN} {SPAN}L0 {SPAN}Z\"/><path class=\"used\" d=\"{used}L{SPAN} {SPAN}L0 {SPAN}Z\"/>\
             <path class=\"wanted\" d=\"{}\"/><path class=\"served\" d=\"{}\"/>",
            closed(|p| p.wanted),
            closed(|p| p.served)
        ),
        overlay: String::new(),
    }
    .write(out);
}

fn by_day(out: &mut String, data: &ReportData, arch: &Architecture, peak: f64) {
    let (top, y_ticks) = y_axis(peak, "kWh");
    let of = |pick: fn(&Power) -> f64| steps(arch.days.iter().map(|p| pick(p) / top).collect::<Vec<_>>().into_iter());
    let sum = |pick: fn(&Power) -> f64| arch.days.iter().map(pick).sum::<f64>();
    let area = |d: String| if d.is_empty() { d } else { format!("{d}V{SPAN}H0Z") };
    Plot {
        label: &format!(
            "Energy by day with {}: sun {} kWh, wanted {} kWh, served {} kWh over the run",
            arch.name,
            number(sum(|p| p.pv_available), 0),
            number(sum(|p| p.wanted), 0),
            number(sum(|p| p.served), 0)
        ),
        height_px: 180,
        y_ticks,
        x_ticks: time_axis(data),
        grid: true,
        view: (SPAN, SPAN),
        attributes: String::new(),
        body: format!(
            "<path class=\"sun\" d=\"{}\"/><path class=\"used\" d=\"{}\"/><path class=\"wanted\" d=\"{}\"/><path class=\"served\" d=\"{}\"/>",
            area(of(|p| p.pv_available)),
            area(of(|p| p.pv_used)),
            of(|p| p.wanted),
            of(|p| p.served)
        ),
        overlay: String::new(),
    }
    .write(out);
}
