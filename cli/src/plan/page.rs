//! The plan on the map: as it stands and as planned, side by side, in one file that opens offline.

use std::fmt::Write as _;

use taa_models::mesh::plan::Figures;
use taa_reports::drawing::{Frame, esc, outline};

use super::{Told, lat_lon, table};

const CSS: &str = include_str!("page.css");

macro_rules! push {
    ($out:expr, $($arg:tt)*) => {{ let _ = write!($out, $($arg)*); }};
}

fn around(told: &Told<'_>) -> Frame {
    let village = &told.scenario.village;
    let houses = village.buildings.iter().map(|building| building.at_m);
    let poles = village.poles.iter().map(|pole| pole.at_m);
    let new = told.plan.relays.iter().map(|&place| told.places.relays[place].place.at_m);
    Frame::around(houses.chain(poles).chain(new).chain([village.dcu.at_m]))
}

/// Metres of a screen pixel, about.
fn pixel(frame: &Frame) -> f64 {
    (frame.width / 640.0).max(frame.height / 640.0)
}

pub(super) fn render(told: &Told<'_>) -> String {
    let mut out = String::with_capacity(512 * 1024);
    push!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n\
         <title>{title} · mesh plan</title>\n<style>\n{CSS}</style>\n</head>\n<body>\n<main>\n\
         <p class=\"brand\">taa · mesh plan</p>\n<h1>{title}: {verdict}</h1>\n<p class=\"lead\">{headline}.</p>\n",
        title = esc(&told.scenario.title),
        verdict = esc(&table::verdict(told)),
        headline = esc(&table::headline(told)),
    );
    if let Some(text) = table::left_over(told) {
        push!(out, "<p class=\"warn\">{}</p>\n", esc(&text));
    }
    let frame = around(told);
    push!(out, "<div class=\"pair\">\n");
    map(&mut out, &frame, told, ("now", "As it stands"), &told.before, 0, &[]);
    map(&mut out, &frame, told, ("then", "As planned"), &told.after, told.plan.root, &told.plan.relays);
    out.push_str("</div>\n");
    legend(&mut out, told);
    figures(&mut out, told);
    relays(&mut out, told);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn map(
    out: &mut String,
    frame: &Frame,
    told: &Told<'_>,
    (id, title): (&str, &str),
    figures: &[Figures],
    root: usize,
    relays: &[usize],
) {
    push!(
        out,
        "<figure><figcaption>{title}</figcaption>\n<svg id=\"{id}\" viewBox=\"0 0 {:.1} {:.1}\" role=\"img\" aria-label=\"Map of the mesh: {title}\">\n",
        frame.width,
        frame.height
    );
    push!(out, "<g style=\"--px:{:.3}px\">\n", pixel(frame));
    ground(out, frame, told);
    let Some(first) = figures.first() else { return };
    let root_node = told.places.meters + told.places.standing + told.places.relays.len() + root;
    links(out, frame, told, first);
    meters(out, frame, told, figures, first);
    let village = &told.scenario.village;
    for relay in &village.relays {
        symbol(out, frame, "old", relay.at_m, &format!("{} (stands already)", relay.id));
    }
    for &place in relays {
        let spot = &told.places.relays[place];
        symbol(
            out,
            frame,
            if spot.mast { "relay mast" } else { "relay" },
            spot.place.at_m,
            &format!("{} on {}", spot.place.id, spot.name),
        );
    }
    let at = told.places.nodes[root_node].at_m;
    push!(
        out,
        "<g transform=\"translate({} {}) scale({:.3})\"><title>Data concentrator, {}</title><circle class=\"dcu\" r=\"9\"/>\
         <path class=\"wave\" d=\"M0 6V-1M-3.5-2A4.5 4.5 0 0 1 3.5-2M-6-4.5A7.6 7.6 0 0 1 6-4.5\"/></g>\n",
        frame.x(at),
        frame.y(at),
        pixel(frame),
        esc(&told.places.roots[root].name)
    );
    scale_bar(out, frame);
    out.push_str("</g></svg></figure>\n");
}

fn ground(out: &mut String, frame: &Frame, told: &Told<'_>) {
    let village = &told.scenario.village;
    out.push_str("<path class=\"roof\" d=\"");
    for building in &village.buildings {
        out.push_str(&outline(frame, building.at_m, &building.outline_m));
    }
    out.push_str("\"/>\n<path class=\"lv\" d=\"");
    for line in &village.lines {
        let from = match line.from {
            taa_scenarios::model::LineEnd::Source => village.generation.at_m,
            taa_scenarios::model::LineEnd::Pole(pole) => village.poles[pole as usize].at_m,
        };
        let to = village.poles[line.to as usize].at_m;
        push!(out, "M{}L{}", frame.point(from), frame.point(to));
    }
    out.push_str("\"/>\n<path class=\"pole\" d=\"");
    for pole in &village.poles {
        push!(out, "M{}h0", frame.point(pole.at_m));
    }
    out.push_str("\"/>\n");
}

fn links(out: &mut String, frame: &Frame, told: &Told<'_>, first: &Figures) {
    out.push_str("<path class=\"link\" d=\"");
    for &(a, b) in &first.used {
        let [a, b] = [a, b].map(|node| told.places.nodes[node as usize].at_m);
        push!(out, "M{}L{}", frame.point(a), frame.point(b));
    }
    out.push_str("\"/>\n");
}

fn meters(out: &mut String, frame: &Frame, told: &Told<'_>, figures: &[Figures], first: &Figures) {
    for (node, cut) in &first.cuts {
        let at = told.places.nodes[*node].at_m;
        push!(
            out,
            "<circle class=\"cut\" cx=\"{}\" cy=\"{}\" r=\"{:.2}\"><title>Its loss cuts {cut} meters off</title></circle>\n",
            frame.x(at),
            frame.y(at),
            pixel(frame) * 6.5
        );
    }
    for (meter, customer) in told.scenario.village.customers.iter().enumerate() {
        let ways = Told::worst_ways(figures, meter);
        let class = match ways {
            0 => "w0",
            few if few < told.args.paths => "w1",
            _ => "w2",
        };
        let hops =
            first.hops.get(meter).copied().flatten().map_or_else(|| "no way".to_owned(), |hops| format!("{hops} hops"));
        push!(
            out,
            "<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"{:.2}\"><title>{}: {ways} disjoint ways, {hops}</title></circle>\n",
            frame.x(customer.meter_at_m),
            frame.y(customer.meter_at_m),
            pixel(frame) * if class == "w2" { 2.4 } else { 3.6 },
            esc(&customer.id)
        );
    }
}

fn symbol(out: &mut String, frame: &Frame, class: &str, at_m: [f64; 2], title: &str) {
    push!(
        out,
        "<g transform=\"translate({} {}) scale({:.3})\"><title>{}</title><path class=\"{class}\" d=\"M0-8L7 5H-7Z\"/></g>\n",
        frame.x(at_m),
        frame.y(at_m),
        pixel(frame),
        esc(title)
    );
}

fn scale_bar(out: &mut String, frame: &Frame) {
    let target = frame.width * 0.2;
    let steps = [10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0];
    let length = steps.into_iter().rfind(|&step| step <= target).unwrap_or(10.0);
    let (x, y) = (pixel(frame) * 12.0, frame.height - pixel(frame) * 12.0);
    push!(
        out,
        "<path class=\"scale\" d=\"M{x:.1} {y:.1}h{length}\"/><text x=\"{:.1}\" y=\"{:.1}\" font-size=\"{:.1}\">{length} m</text>\n",
        x + length + pixel(frame) * 5.0,
        y + pixel(frame) * 4.0,
        pixel(frame) * 12.0
    );
}

fn legend(out: &mut String, told: &Told<'_>) {
    let paths = told.args.paths;
    out.push_str("<ul class=\"legend\">");
    push!(out, "<li><i class=\"d w2\"></i>meter with {paths} disjoint ways or more in every draw</li>");
    if paths > 1 {
        out.push_str("<li><i class=\"d w1\"></i>with fewer in some draw</li>");
    }
    out.push_str(
        "<li><i class=\"d w0\"></i>without a way in some draw</li><li><i class=\"d ring\"></i>its loss cuts meters off</li>\
         <li><i class=\"t relay\">▲</i>new relay</li><li><i class=\"t old\">△</i>relay that stands</li>\
         <li><i class=\"d dcu\"></i>data concentrator</li><li><i class=\"ln\"></i>links of the ways (first draw)</li></ul>\n",
    );
}

fn figures(out: &mut String, told: &Told<'_>) {
    out.push_str("<table><thead><tr><th>Worst of the draws</th><th class=\"n\">now</th><th class=\"n\">planned</th></tr></thead><tbody>\n");
    for (what, now, then) in table::rows(told) {
        push!(
            out,
            "<tr><th>{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
            esc(&what),
            esc(&now),
            esc(&then)
        );
    }
    out.push_str("</tbody></table>\n");
}

fn relays(out: &mut String, told: &Told<'_>) {
    if told.plan.relays.is_empty() {
        return;
    }
    out.push_str(
        "<table><thead><tr><th>New relay</th><th>Where</th><th>Latitude, longitude</th><th class=\"n\">Height, m</th>\
         <th class=\"n\">Meters that need it</th></tr></thead><tbody>\n",
    );
    for (&place, holds) in told.plan.relays.iter().zip(&told.plan.holds) {
        let spot = &told.places.relays[place];
        push!(
            out,
            "<tr><th>{}</th><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{holds}</td></tr>\n",
            esc(&spot.place.id),
            esc(&spot.name),
            lat_lon(told.scenario, spot.place.at_m),
            spot.place.height_m
        );
    }
    out.push_str("</tbody></table>\n");
}
