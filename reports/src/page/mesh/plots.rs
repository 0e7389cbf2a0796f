//! The plots of the mesh.

use crate::{
    data::{Architecture, MeshFigures, ReportData},
    numbers::{duration, number, percent},
};

use super::super::{
    chart::{Plot, SPAN, short, step_band, steps, time_axis, y_axis},
    html::{arch_name, push},
};

type Each<'a> = [(usize, &'a Architecture, &'a MeshFigures)];

/// Meters by where they stand, one on the other.
pub(super) fn tree(out: &mut String, data: &ReportData, mesh: &MeshFigures) {
    let curve = &mesh.curve;
    let (top, y_ticks) = y_axis(f64::from(mesh.meters), "");
    let mut low = vec![0.0; curve.in_tree.len()];
    let mut body = String::new();
    for (class, values) in
        [("m0", &curve.in_tree), ("m1", &curve.joining), ("m3", &curve.isolated), ("m2", &curve.dark)]
    {
        let high: Vec<f64> = low.iter().zip(values).map(|(low, v)| low + v / top).collect();
        if values.iter().any(|v| *v >= 0.005) {
            push!(body, "<path class=\"{class}\" d=\"{}\"/>", step_band(&low, &high));
        }
        low = high;
    }
    let least = curve.in_tree.iter().copied().fold(f64::INFINITY, f64::min);
    Plot {
        label: &format!(
            "Meters in the tree: at least {} of {} (mean over {})",
            number(least, 0),
            mesh.meters,
            duration(curve.step_ms)
        ),
        height_px: 130,
        y_ticks,
        x_ticks: time_axis(data),
        grid: true,
        view: (SPAN, SPAN),
        attributes: String::new(),
        body,
        overlay: String::new(),
    }
    .write(out);
}

/// Mean and most hops.
pub(super) fn depth(out: &mut String, data: &ReportData, each: &Each<'_>) {
    series(out, data, each, "Hops, mean (and most, thin)", |mesh| {
        let most = mesh.curve.hops_max.iter().map(|&hops| f64::from(hops)).collect();
        (mesh.curve.hops_mean.clone(), Some(most))
    });
}

/// Changes of parents.
pub(super) fn moves(out: &mut String, data: &ReportData, each: &Each<'_>) {
    let step = each.first().map_or(0, |(_, _, mesh)| mesh.curve.step_ms);
    series(out, data, each, &format!("Changes of parents in {}", duration(step)), |mesh| {
        (mesh.curve.moves.iter().map(|&n| f64::from(n)).collect(), None)
    });
}

/// One line an architecture, and a thin one where there is a second.
fn series(
    out: &mut String,
    data: &ReportData,
    each: &Each<'_>,
    title: &str,
    of: impl Fn(&MeshFigures) -> (Vec<f64>, Option<Vec<f64>>),
) {
    let lines: Vec<_> = each.iter().map(|(_, _, mesh)| of(mesh)).collect();
    let all = || lines.iter().flat_map(|(main, thin)| main.iter().chain(thin.iter().flatten()));
    let peak = all().copied().fold(0.0, f64::max);
    if peak <= 0.0 {
        return;
    }
    let (top, y_ticks) = y_axis(peak, "");
    let (mut body, mut names, mut spoken) = (String::new(), Vec::new(), Vec::new());
    for ((i, arch, _), (main, thin)) in each.iter().zip(&lines) {
        let draw = |values: &[f64]| steps(values.iter().map(|v| v / top).collect::<Vec<_>>().into_iter());
        if let Some(thin) = thin {
            push!(body, "<path class=\"tl t{}\" style=\"stroke-width:.7;opacity:.7\" d=\"{}\"/>", i % 4, draw(thin));
        }
        push!(body, "<path class=\"tl t{}\" d=\"{}\"/>", i % 4, draw(main));
        names.push(format!("<span><i class=\"ln tl t{}\"></i>{}</span>", i % 4, arch_name(data, *i)));
        let high = main.iter().copied().fold(0.0, f64::max);
        spoken.push(format!("{} up to {}", arch.name, number(high, 1)));
    }
    push!(out, "<figure><figcaption>{title}<span class=\"keys\">{}</span></figcaption>\n", names.join(" "));
    Plot {
        label: &format!("{title}: {}", spoken.join("; ")),
        height_px: 96,
        y_ticks,
        x_ticks: time_axis(data),
        grid: true,
        view: (SPAN, SPAN),
        attributes: String::new(),
        body,
        overlay: String::new(),
    }
    .write(out);
    out.push_str("</figure>\n");
}

/// The hop histogram: share of the time with a way.
pub(super) fn hops(out: &mut String, name: &str, mesh: &MeshFigures) {
    let all = mesh.in_tree_ms().max(1) as f64;
    let shares: Vec<f64> = mesh.hops_ms.iter().map(|&ms| ms as f64 / all).collect();
    let labels: Vec<String> = (1..=shares.len()).map(|hops| hops.to_string()).collect();
    let spoken: Vec<String> =
        shares.iter().zip(&labels).map(|(share, hops)| format!("{hops}: {}", percent(*share))).collect();
    bars(out, &format!("Hops with {name}: {}", spoken.join(", ")), &shares, &labels, "%");
}

/// Each channel's share of the run's time.
pub(super) fn channels(out: &mut String, name: &str, mesh: &MeshFigures) {
    let shares: Vec<f64> = mesh.channels.iter().map(|(_, share)| *share).collect();
    let labels: Vec<String> = mesh.channels.iter().map(|(channel, _)| channel.to_string()).collect();
    let most = mesh.channels.iter().max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
    let spoken = most.map_or_else(String::new, |(channel, share)| format!("; most on {channel}: {}", percent(*share)));
    bars(out, &format!("{} channels with {name}{spoken}", shares.len()), &shares, &labels, "%");
}

/// Bars of shares, shown in percent.
fn bars(out: &mut String, label: &str, shares: &[f64], labels: &[String], unit: &str) {
    let peak = shares.iter().copied().fold(0.0, f64::max) * 100.0;
    let (top, y_ticks) = y_axis(peak, unit);
    let n = shares.len().max(1) as f64;
    let wide = SPAN / n;
    let mut body = String::from("<g class=\"bars\">");
    for (i, share) in shares.iter().enumerate() {
        let high = share * 100.0 / top * SPAN;
        push!(
            body,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
            short((i as f64 + 0.12) * wide),
            short(SPAN - high),
            short(wide * 0.76),
            short(high)
        );
    }
    body.push_str("</g>");
    // No more labels than there is room for.
    let every = labels.len().div_ceil(16).max(1);
    let tick = |(i, text): (usize, &String)| (((i as f64 + 0.5) / n).clamp(0.021, 0.979), text.clone());
    Plot {
        label,
        height_px: 130,
        y_ticks,
        x_ticks: labels.iter().enumerate().step_by(every).map(tick).collect(),
        grid: true,
        view: (SPAN, SPAN),
        attributes: String::new(),
        body,
        overlay: String::new(),
    }
    .write(out);
}

/// Airtime by purpose, one on the other.
pub(super) fn air(out: &mut String, data: &ReportData, arch: &Architecture, mesh: &MeshFigures) {
    let bins = mesh.air.first().map_or(0, |of| of.percent.len());
    let sums: Vec<f64> = (0..bins).map(|bin| mesh.air.iter().map(|of| of.percent[bin]).sum()).collect();
    let peak = sums.iter().copied().fold(0.0, f64::max);
    let (top, y_ticks) = y_axis(peak, "%");
    let mut low = vec![0.0; bins];
    let mut body = String::new();
    for (at, of) in mesh.air.iter().enumerate() {
        let high: Vec<f64> = low.iter().zip(&of.percent).map(|(low, v)| low + v / top).collect();
        push!(body, "<path class=\"k{at}\" d=\"{}\"/>", step_band(&low, &high));
        low = high;
    }
    Plot {
        label: &format!(
            "Airtime with {}: up to {} % of one channel's time (mean over {})",
            arch.name,
            number(peak, 2),
            duration(mesh.curve.step_ms)
        ),
        height_px: 110,
        y_ticks,
        x_ticks: time_axis(data),
        grid: true,
        view: (SPAN, SPAN),
        attributes: String::new(),
        body,
        overlay: String::new(),
    }
    .write(out);
}
