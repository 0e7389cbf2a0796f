//! The map: roofs coloured by lost hours, poles, lines, radio links, generation and the data concentrator.
//!
//! Drawn here in metres (north up), so it is there without a script; `map.js` adds zoom, pan, the switch between
//! architectures and tooltips, and sets `data-ready="1"` when it has drawn. Strokes and symbols keep their size on
//! screen, so houses of a two-kilometre village do not vanish.

use crate::data::{ETX_BOUNDS, Geometry, Link, ReportData};

use super::{
    chart::short,
    html::{arch_switch, open, push},
    payload,
};

const LINK_WORDS: [&str; 4] = ["good radio route", "fair", "weak", "poor"];
/// Side of the square that stands for a building known only as a point, metres.
const POINT_SIDE_M: f64 = 7.0;

/// Metres of the site to drawing units: shifted, north up, a tenth of a metre exact.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    west: f64,
    north: f64,
    /// Metres from side to side, a margin included.
    pub width: f64,
    /// Metres from top to bottom.
    pub height: f64,
}

impl Frame {
    /// Holds all of these (metres east, north), with a margin.
    pub fn around(points: impl IntoIterator<Item = [f64; 2]>) -> Self {
        let points: Vec<[f64; 2]> = points.into_iter().filter(|p| p.iter().all(|v| v.is_finite())).collect();
        let bound = |axis: usize, init: f64, pick: fn(f64, f64) -> f64| points.iter().map(|p| p[axis]).fold(init, pick);
        let (west, east) = (bound(0, f64::INFINITY, f64::min), bound(0, f64::NEG_INFINITY, f64::max));
        let (south, north) = (bound(1, f64::INFINITY, f64::min), bound(1, f64::NEG_INFINITY, f64::max));
        let pad = ((east - west).max(north - south) * 0.04).max(20.0);
        Self { west: west - pad, north: north + pad, width: east - west + 2.0 * pad, height: north - south + 2.0 * pad }
    }

    pub(super) fn of(village: &Geometry) -> Self {
        let outlines = village.buildings.iter().flat_map(|roof| roof.outline_m.iter().chain([&roof.at_m]));
        let others = village.poles_m.iter().chain(&village.relays_m).chain([&village.dcu_m, &village.generation_m]);
        Self::around(outlines.chain(others).copied())
    }

    /// Drawing units from the left.
    #[must_use]
    pub fn x(&self, p: [f64; 2]) -> String {
        short(p[0] - self.west)
    }

    /// Drawing units from the top.
    #[must_use]
    pub fn y(&self, p: [f64; 2]) -> String {
        short(self.north - p[1])
    }

    /// Both, as a path has them.
    #[must_use]
    pub fn point(&self, p: [f64; 2]) -> String {
        format!("{} {}", self.x(p), self.y(p))
    }
}

pub(super) fn section(out: &mut String, data: &ReportData) {
    let village = &data.village;
    let frame = Frame::of(village);
    open(
        out,
        "village",
        "The village",
        "Roofs take the colour of the hours their customer lost; grey ones are not connected. Choose a roof for its story.",
    );
    out.push_str("<div class=\"bar\">");
    arch_switch(out, data, "map");
    out.push_str("<fieldset class=\"layers\"><legend>Show</legend>");
    for (layer, words, on) in
        [("lines", "lines", true), ("routes", "radio routes", true), ("links", "other radio links", false)]
    {
        push!(
            out,
            "<label><input type=\"checkbox\" data-layer=\"{layer}\"{}>{words}</label>",
            if on { " checked" } else { "" }
        );
    }
    out.push_str("</fieldset></div>\n");
    push!(
        out,
        "<div class=\"mapbox\"><svg id=\"map\" viewBox=\"0 0 {w} {h}\" data-w=\"{w}\" data-h=\"{h}\" style=\"aspect-ratio:{ratio:.2}\" tabindex=\"0\" \
         role=\"img\" aria-label=\"Map of the village: {n} roofs, {c} customers. The table below holds the same \
         figures.\">\n",
        w = short(frame.width),
        h = short(frame.height),
        ratio = frame.width / frame.height,
        n = village.buildings.len(),
        c = village.customers.len()
    );
    links(out, &frame, &village.links);
    lines(out, &frame, village);
    roofs(out, data, &frame);
    symbols(out, &frame, village);
    out.push_str(
        "</svg>\n<div class=\"north\" aria-hidden=\"true\">N</div>\
         <div class=\"scale\" aria-hidden=\"true\"><i></i><span></span></div>\
         <div class=\"zoom\"><button type=\"button\" data-zoom=\"in\" aria-label=\"Zoom in\">+</button>\
         <button type=\"button\" data-zoom=\"out\" aria-label=\"Zoom out\">−</button>\
         <button type=\"button\" data-zoom=\"all\" aria-label=\"Whole village\">⤢</button></div>\
         <p class=\"hint\" hidden>Hold Ctrl to zoom with the wheel</p><div class=\"tip\" hidden></div></div>\n",
    );
    legend(out, data);
    out.push_str("</section>\n");
}

fn links(out: &mut String, frame: &Frame, links: &[Link]) {
    for (layer, in_tree) in [("links", false), ("routes", true)] {
        push!(out, "<g data-layer=\"{layer}\"{}>", if in_tree { "" } else { " hidden" });
        for quality in (0..LINK_WORDS.len()).rev() {
            let mut d = String::new();
            for link in links.iter().filter(|link| link.in_tree == in_tree && quality_of(link.etx) == quality) {
                push!(d, "M{}L{}", frame.point(link.from_m), frame.point(link.to_m));
            }
            if !d.is_empty() {
                push!(out, "<path class=\"lk l{quality}\" d=\"{d}\"/>");
            }
        }
        out.push_str("</g>\n");
    }
}

fn quality_of(etx: f64) -> usize {
    ETX_BOUNDS.iter().position(|&bound| etx < bound).unwrap_or(ETX_BOUNDS.len())
}

fn lines(out: &mut String, frame: &Frame, village: &Geometry) {
    out.push_str("<g data-layer=\"lines\"><path class=\"drop\" d=\"");
    for customer in &village.customers {
        push!(out, "M{}L{}", frame.point(customer.pole_m), frame.point(customer.meter_m));
    }
    out.push_str("\"/><path class=\"lv\" d=\"");
    for [from, to] in &village.lines_m {
        push!(out, "M{}L{}", frame.point(*from), frame.point(*to));
    }
    out.push_str("\"/><path class=\"pole\" d=\"");
    for pole in &village.poles_m {
        push!(out, "M{}h0", frame.point(*pole));
    }
    out.push_str("\"/></g>\n");
}

/// Unconnected roofs in one path, customers' roofs one by one: they are coloured and can be chosen.
fn roofs(out: &mut String, data: &ReportData, frame: &Frame) {
    let village = &data.village;
    out.push_str("<path class=\"bare\" d=\"");
    for roof in village.buildings.iter().filter(|roof| roof.customer.is_none()) {
        out.push_str(&outline(frame, roof.at_m, &roof.outline_m));
    }
    out.push_str("\"/>\n<g id=\"roofs\">");
    let edges = payload::bin_edges_h(data);
    for roof in &village.buildings {
        let Some(customer) = roof.customer else { continue };
        let figures = data.architectures.first().and_then(|arch| arch.customers.get(customer as usize));
        let lost_h = figures.map_or(0.0, |figures| figures.total_ms() as f64 / 3_600_000.0);
        push!(
            out,
            "<path class=\"q{}\" data-c=\"{customer}\" d=\"{}\"/>",
            payload::bin(&edges, lost_h),
            outline(frame, roof.at_m, &roof.outline_m)
        );
    }
    out.push_str("</g>\n");
}

/// A roof as a closed path; one that is known as a point alone, as a small square.
#[must_use]
pub fn outline(frame: &Frame, at_m: [f64; 2], outline_m: &[[f64; 2]]) -> String {
    let half = POINT_SIDE_M / 2.0;
    let [x, y] = at_m;
    let square = [[x - half, y - half], [x + half, y - half], [x + half, y + half], [x - half, y + half]];
    let ring: &[[f64; 2]] = if outline_m.len() < 3 { &square } else { outline_m };
    // A closed ring repeats its first point; `Z` says the same.
    let ring = match ring {
        [first, middle @ .., last] if same(*first, *last) && middle.len() >= 2 => &ring[..ring.len() - 1],
        _ => ring,
    };
    let mut d = String::new();
    for (i, &point) in ring.iter().enumerate() {
        push!(d, "{}{}", if i == 0 { 'M' } else { 'L' }, frame.point(point));
    }
    d.push('Z');
    d
}

/// Within the rounding of the coordinates.
fn same(a: [f64; 2], b: [f64; 2]) -> bool {
    (a[0] - b[0]).abs() < 0.05 && (a[1] - b[1]).abs() < 0.05
}

fn symbols(out: &mut String, frame: &Frame, village: &Geometry) {
    // Side by side where they share a place.
    let distance =
        (village.dcu_m[0] - village.generation_m[0]).abs() + (village.dcu_m[1] - village.generation_m[1]).abs();
    let aside = if distance < frame.width / 60.0 { 11 } else { 0 };
    let scale = short((frame.width / 1100.0).max(frame.height / 560.0));
    out.push_str("<g id=\"symbols\">");
    for relay in &village.relays_m {
        push!(
            out,
            "<g class=\"sym relay\" data-at=\"{at}\" transform=\"translate({at}) scale({scale})\"><circle r=\"5\"/></g>",
            at = frame.point(*relay)
        );
    }
    push!(
        out,
        "<g class=\"sym gen\" data-at=\"{at}\" transform=\"translate({at}) scale({scale})\"><g transform=\"translate(-{aside})\">\
         <title>Generation: panels, battery, inverter</title><rect x=\"-10\" y=\"-10\" width=\"20\" height=\"20\" rx=\"4\"/>\
         <path d=\"M2-7L-5 2H0L-2 7 5-2H0Z\"/></g></g>",
        at = frame.point(village.generation_m)
    );
    push!(
        out,
        "<g class=\"sym dcu\" data-at=\"{at}\" transform=\"translate({at}) scale({scale})\"><g transform=\"translate({aside})\">\
         <title>Data concentrator</title><circle r=\"10\"/><path class=\"wave\" d=\"M0 6V-1M-3.5-2A4.5 4.5 0 0 1 3.5-2M-6-4.5A7.6 7.6 0 0 1 6-4.5\"/></g></g>",
        at = frame.point(village.dcu_m)
    );
    out.push_str("<circle id=\"mark\" r=\"1\" hidden/></g>\n");
}

fn legend(out: &mut String, data: &ReportData) {
    let edges = payload::bin_edges_h(data);
    out.push_str("<ul class=\"legend\"><li><i class=\"q0\"></i>under 5 min lost</li>");
    for (i, pair) in edges.windows(2).enumerate() {
        push!(out, "<li><i class=\"q{}\"></i>{}–{} h</li>", i + 1, payload::edge(pair[0]), payload::edge(pair[1]));
    }
    let last = edges.last().copied().unwrap_or(0.0);
    push!(out, "<li><i class=\"q{}\"></i>over {} h</li>", edges.len(), payload::edge(last));
    out.push_str("<li><i class=\"bare\"></i>not connected</li></ul>\n<ul class=\"legend\">");
    for (i, words) in LINK_WORDS.iter().enumerate() {
        push!(out, "<li><i class=\"ln l{i}\"></i>{words}</li>");
    }
    out.push_str(
        "<li><i class=\"ln lv\"></i>low-voltage line</li><li><i class=\"sq gen\"></i>generation</li>\
         <li><i class=\"sq dcu\"></i>data concentrator</li></ul>\n",
    );
}
