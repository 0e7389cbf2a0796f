//! The mesh: its tree over time, hops, links, who was cut off and why, what was on the air, and the replay.

mod plots;

use std::collections::BTreeMap;

use crate::{
    data::{Architecture, HOUR_MS, LINK_WORDS, MeshFigures, ReportData},
    numbers::{apportion, duration, number, percent},
};

use super::{
    html::{arch_name, esc, legend, open, push},
    replay,
};

/// Some architecture has kept its mesh.
pub(super) fn there(data: &ReportData) -> bool {
    data.architectures.iter().any(|arch| arch.mesh.is_some())
}

/// Architectures with a mesh, by index.
fn meshes(data: &ReportData) -> impl Iterator<Item = (usize, &Architecture, &MeshFigures)> {
    data.architectures.iter().enumerate().filter_map(|(i, arch)| arch.mesh.as_ref().map(|mesh| (i, arch, mesh)))
}

pub(super) fn section(out: &mut String, data: &ReportData) {
    let Some((_, _, first)) = meshes(data).next() else { return };
    let looked = if first.frame {
        "Looked at frame by frame: every frame, hop and collision."
    } else {
        "Looked at message by message: routes are those of a settled network, computed anew when somebody goes dark or comes \
         back. With <code>--mesh frame</code> the tree grows frame by frame, with its loops and its airtime."
    };
    open(out, "mesh", "The mesh", looked);
    summary(out, data);
    replay::figure(out, data);
    out.push_str("<h3>The tree over time</h3>\n");
    legend(out, &[("m0", "in the tree"), ("m1", "joining"), ("m3", "cut off"), ("m2", "without power")]);
    for (i, _, mesh) in meshes(data) {
        push!(out, "<figure><figcaption>{}</figcaption>\n", arch_name(data, i));
        plots::tree(out, data, mesh);
        out.push_str("</figure>\n");
    }
    plots::depth(out, data, &meshes(data).collect::<Vec<_>>());
    plots::moves(out, data, &meshes(data).collect::<Vec<_>>());
    out.push_str(
        "<h3>Hops</h3>\n<p class=\"foot\">Share of the time in which meters had a way.</p>\n<div class=\"pair\">\n",
    );
    for (i, arch, mesh) in meshes(data) {
        push!(out, "<figure><figcaption>{}</figcaption>\n", arch_name(data, i));
        plots::hops(out, &arch.name, mesh);
        out.push_str("</figure>\n");
    }
    out.push_str("</div>\n");
    isolated(out, data);
    links(out, first);
    air(out, data);
    out.push_str("</section>\n");
}

/// A cell of the summary.
type Cell<'a> = &'a dyn Fn(&Architecture, &MeshFigures) -> String;

/// One row a figure, one column an architecture.
fn summary(out: &mut String, data: &ReportData) {
    out.push_str("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"The mesh in figures\"><table><thead><tr><th></th>");
    for (i, _, _) in meshes(data) {
        push!(out, "<th scope=\"col\" class=\"n\">{}</th>", arch_name(data, i));
    }
    out.push_str("</tr></thead><tbody>\n");
    let dash = || "–".to_owned();
    let rows: [(&str, Cell<'_>); 7] = [
        ("Lit meters with a way, share of the time", &|_, mesh| {
            let lit = mesh.in_tree_ms() + mesh.joining_ms + mesh.isolated_ms() + mesh.astray_ms;
            if lit == 0 { dash() } else { percent(mesh.in_tree_ms() as f64 / lit as f64) }
        }),
        ("Hops, mean and most", &|_, mesh| {
            let all: u64 = mesh.hops_ms.iter().sum();
            let sum: f64 = (1..).zip(&mesh.hops_ms).map(|(hops, ms)| f64::from(hops) * *ms as f64).sum();
            if all == 0 { dash() } else { format!("{}, {}", number(sum / all as f64, 1), mesh.hops_ms.len()) }
        }),
        ("Cut off, meter-hours", &|_, mesh| number(mesh.isolated_ms() as f64 / HOUR_MS as f64, 1)),
        ("Joining, meter-hours", &|_, mesh| number(mesh.joining_ms as f64 / HOUR_MS as f64, 1)),
        ("Serving with parents that lead nowhere, meter-hours", &|_, mesh| {
            number(mesh.astray_ms as f64 / HOUR_MS as f64, 1)
        }),
        ("Messages that arrive", &|arch, _| arch.kpi("mesh_pdr").map_or_else(dash, percent)),
        ("Joined within, 95 of 100", &|arch, _| {
            arch.kpi("mesh_join_p95_s").map_or_else(dash, |s| duration((s * 1000.0) as u64))
        }),
    ];
    for (words, cell) in rows {
        push!(out, "<tr><th scope=\"row\">{words}</th>");
        for (_, arch, mesh) in meshes(data) {
            push!(out, "<td class=\"n\">{}</td>", cell(arch, mesh));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    for (_, arch, mesh) in meshes(data) {
        if let Some(until_ms) = mesh.until_ms {
            push!(
                out,
                "<p class=\"foot\">{}: the tree changed too often to keep all of it; figures of the tree end after {}.</p>\n",
                esc(&arch.name),
                duration(until_ms)
            );
        }
    }
}

/// Meter-hours cut off by reason; the tenths add up.
fn isolated(out: &mut String, data: &ReportData) {
    out.push_str("<h3>Cut off, and why</h3>\n");
    let mut reasons: BTreeMap<&str, (&str, u64)> = BTreeMap::new();
    for row in meshes(data).flat_map(|(_, _, mesh)| &mesh.isolated) {
        reasons.entry(&row.key).or_insert((&row.words, 0)).1 += row.node_ms;
    }
    if reasons.is_empty() {
        out.push_str("<p>No meter with power was without a way once it had joined.</p>\n");
        return;
    }
    let mut order: Vec<(&str, &str, u64)> = reasons.into_iter().map(|(key, (words, ms))| (key, words, ms)).collect();
    order.sort_by(|a, b| b.2.cmp(&a.2).then(a.0.cmp(b.0)));
    out.push_str(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Meters cut off, by reason\"><table id=\"isolated\"><thead><tr>\
         <th scope=\"col\">Reason</th>",
    );
    for (i, _, _) in meshes(data) {
        push!(
            out,
            "<th scope=\"col\" class=\"n\">{}, meter-hours</th><th scope=\"col\" class=\"n\">meters</th><th scope=\"col\" class=\"n\">longest</th>",
            arch_name(data, i)
        );
    }
    out.push_str("</tr></thead><tbody>\n");
    let shown: Vec<(Vec<u64>, u64)> = meshes(data)
        .map(|(_, _, mesh)| {
            let of = |key: &str| mesh.isolated.iter().find(|row| row.key == key).map_or(0, |row| row.node_ms);
            apportion(&order.iter().map(|(key, ..)| of(key)).collect::<Vec<_>>(), HOUR_MS / 10)
        })
        .collect();
    let tenths = |steps: u64| number(steps as f64 / 10.0, 1);
    for (at, (key, words, _)) in order.iter().enumerate() {
        push!(out, "<tr><th scope=\"row\">{}</th>", esc(words));
        for ((_, _, mesh), (steps, _)) in meshes(data).zip(&shown) {
            let row = mesh.isolated.iter().find(|row| row.key == *key);
            let (meters, longest) = row.map_or((0, String::new()), |row| {
                let whose =
                    if row.whose.is_empty() { String::new() } else { format!(" <small>{}</small>", esc(&row.whose)) };
                (row.meters, format!("{}{whose}", duration(row.longest_ms)))
            });
            push!(
                out,
                "<td class=\"n\">{}</td><td class=\"n\">{meters}</td><td class=\"n\">{longest}</td>",
                tenths(steps[at])
            );
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody><tfoot><tr><th scope=\"row\">together</th>");
    for (_, total) in &shown {
        push!(out, "<td class=\"n\">{}</td><td></td><td></td>", tenths(*total));
    }
    out.push_str("</tr></tfoot></table></div>\n");
}

fn links(out: &mut String, mesh: &MeshFigures) {
    out.push_str("<h3>Links at the start</h3>\n");
    let [used, spare] = [mesh.links_used, mesh.links_spare].map(|links| links.iter().sum::<u32>());
    out.push_str("<table id=\"links\"><thead><tr><th scope=\"col\">Quality</th><th scope=\"col\" class=\"n\">in the tree</th><th scope=\"col\" class=\"n\">could be used</th></tr></thead><tbody>\n");
    for (class, words) in LINK_WORDS.iter().enumerate() {
        let share = |n: u32, all: u32| if all == 0 { 0.0 } else { f64::from(n) / f64::from(all) };
        push!(
            out,
            "<tr><th scope=\"row\">{words}<small> {}</small></th><td class=\"n\">{} ({})</td><td class=\"n\">{} ({})</td></tr>\n",
            etx_words(class),
            mesh.links_used[class],
            percent(share(mesh.links_used[class], used)),
            mesh.links_spare[class],
            percent(share(mesh.links_spare[class], spare)),
        );
    }
    out.push_str("</tbody></table>\n");
    if let Some([least, median]) = mesh.rssi_dbm {
        push!(
            out,
            "<p class=\"foot\">Received power in the tree: {} dBm in the middle, {} dBm at the weakest link. Spare links with 2 \
             expected transmissions and more are not kept.</p>\n",
            number(median, 1),
            number(least, 1)
        );
    }
}

/// The bounds of a class in expected transmissions.
fn etx_words(class: usize) -> String {
    let bound = |class: usize| crate::data::ETX_BOUNDS.get(class).map(|bound| format!("{bound}"));
    match (class.checked_sub(1).and_then(bound), bound(class)) {
        (None, Some(upper)) => format!("under {upper} transmissions"),
        (Some(lower), Some(upper)) => format!("{lower}–{upper}"),
        (Some(lower), None) => format!("{lower} and more"),
        (None, None) => String::new(),
    }
}

fn air(out: &mut String, data: &ReportData) {
    if meshes(data).all(|(_, _, mesh)| mesh.air.is_empty()) {
        return;
    }
    out.push_str("<h3>On the air</h3>\n");
    let frame = meshes(data).any(|(_, _, mesh)| mesh.frame);
    if !frame {
        out.push_str(
            "<p class=\"foot\">By message only readings, orders and credit are known, retries included: not what the mesh itself \
             sends, nor the channels.</p>\n",
        );
    }
    for (i, arch, mesh) in meshes(data).filter(|(_, _, mesh)| !mesh.air.is_empty()) {
        push!(out, "<figure><figcaption>{}, percent of one channel's time</figcaption>\n", arch_name(data, i));
        plots::air(out, data, arch, mesh);
        out.push_str("</figure>\n");
        let all = mesh.air.iter().map(|of| of.airtime_ms).sum::<u64>().max(1) as f64;
        out.push_str("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Airtime by purpose\"><table class=\"airtime\"><thead><tr><th scope=\"col\">Purpose</th><th scope=\"col\" class=\"n\">frames</th><th scope=\"col\" class=\"n\">airtime</th><th scope=\"col\" class=\"n\">share</th></tr></thead><tbody>\n");
        for (at, of) in mesh.air.iter().enumerate() {
            push!(
                out,
                "<tr><th scope=\"row\"><i class=\"swatch k{at}\"></i>{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
                esc(&of.words),
                number(of.frames as f64, 0),
                duration(of.airtime_ms),
                percent(of.airtime_ms as f64 / all)
            );
        }
        out.push_str("</tbody></table></div>\n");
        if !mesh.channels.is_empty() {
            push!(
                out,
                "<figure><figcaption>Channels: share of the run's time with a frame of anybody, {}</figcaption>\n",
                arch_name(data, i)
            );
            plots::channels(out, &arch.name, mesh);
            out.push_str("</figure>\n");
            if let Some((who, share)) = &mesh.busiest {
                push!(
                    out,
                    "<p class=\"foot\">Longest on the air: {}, {} of the time. Frames that overlap far from each other count each.</p>\n",
                    esc(who),
                    percent(*share)
                );
            }
        }
    }
}
