//! The tree of the mesh replayed on the map: play, scrub, one moment after another.
//!
//! The lowest point of the first collapse is drawn here, so it is there without a script and on paper; `replay.js` adds
//! play, the slider and the strip under it, and sets `data-ready="1"` when it has drawn.

use serde_json::{Value, json};
use taa_sim::records::MeshStanding;

use crate::{
    data::{Chapter, Geometry, ReportData, TO_DCU, TO_NOBODY},
    numbers::number,
    time,
};

use super::{
    chart::short,
    html::{arch_switch, esc, legend, push},
    map::{Frame, outline},
};

/// Colours of hops: beyond the last all are alike.
const HOP_COLOURS: u32 = 6;

/// Some architecture has something to replay.
pub(super) fn there(data: &ReportData) -> bool {
    data.architectures.iter().any(|arch| arch.mesh.as_ref().is_some_and(|mesh| !mesh.chapters.is_empty()))
}

/// Meters, relays, last the data concentrator, in drawing units.
pub(super) fn places(data: &ReportData) -> Vec<[f64; 2]> {
    let frame = Frame::of(&data.village);
    let spot = |p: [f64; 2]| -> [f64; 2] {
        let text = frame.point(p);
        let mut parts = text.split(' ').map(|part| part.parse().unwrap_or(0.0));
        std::array::from_fn(|_| parts.next().unwrap_or(0.0))
    };
    nodes(&data.village).into_iter().map(spot).collect()
}

fn nodes(village: &Geometry) -> Vec<[f64; 2]> {
    let meters = village.customers.iter().map(|customer| customer.meter_m);
    meters.chain(village.relays_m.iter().copied()).chain([village.dcu_m]).collect()
}

/// A chapter as columns: times are steps in milliseconds, each from the one before.
pub(super) fn columns(chapter: &Chapter) -> Value {
    let mut last = chapter.from_ms;
    let steps = chapter.at_ms.iter().map(|&at| {
        let step = at.saturating_sub(last);
        last = at;
        step
    });
    json!({
        "title": chapter.title, "from": chapter.from_ms, "until": chapter.until_ms, "low": chapter.low_ms,
        "p": chapter.parents, "s": chapter.standings,
        "t": steps.collect::<Vec<u64>>(), "n": chapter.nodes, "to": chapter.to, "b": chapter.becomes,
    })
}

pub(super) fn figure(out: &mut String, data: &ReportData) {
    if !there(data) {
        return;
    }
    out.push_str(
        "<h3>The tree, replayed</h3>\n<p class=\"lead\">Every meter hangs on its parent; colours count the hops. Play it, or \
         move the slider (arrow keys, Page Up and Page Down); point at a meter for its word.</p>\n<div id=\"replay\">\n",
    );
    let Some((first, chapter)) = data.architectures.iter().enumerate().find_map(|(i, arch)| {
        let mesh = arch.mesh.as_ref()?;
        // The first fall says more than the whole.
        mesh.chapters.get(1).or(mesh.chapters.first()).map(|chapter| (i, chapter))
    }) else {
        return;
    };
    out.push_str("<div class=\"bar\">");
    arch_switch(out, data, "replay");
    out.push_str("<label class=\"moment\">Moment <select id=\"rchapter\">");
    if let Some(mesh) = &data.architectures[first].mesh {
        for (i, one) in mesh.chapters.iter().enumerate() {
            let chosen = if std::ptr::eq(one, chapter) { " selected" } else { "" };
            push!(out, "<option value=\"{i}\"{chosen}>{}</option>", esc(&title(data, one)));
        }
    }
    out.push_str("</select></label></div>\n");
    drawing(out, data, chapter);
    out.push_str(
        "<div class=\"rbar\"><button type=\"button\" id=\"rplay\" aria-pressed=\"false\">Play</button>\
         <input type=\"range\" id=\"rtime\" min=\"0\" max=\"1000\" step=\"1\" value=\"0\" aria-label=\"Time\">\
         <label>Speed <select id=\"rspeed\"><option value=\"40\">slow</option><option value=\"16\" selected>normal</option>\
         <option value=\"6\">fast</option></select></label></div>\n\
         <svg id=\"rstrip\" viewBox=\"0 0 1000 40\" preserveAspectRatio=\"none\" aria-hidden=\"true\"></svg>\n",
    );
    push!(out, "<p class=\"rsaid\"><output id=\"rat\">{}</output></p>\n", esc(&said(data, chapter)));
    out.push_str("<p class=\"foot\" id=\"rwho\"></p>\n");
    legend(out, &[("d0", "1 hop"), ("d1", "2"), ("d2", "3"), ("d3", "4"), ("d4", "5"), ("d5", "6 and more")]);
    legend(
        out,
        &[
            ("rnew", "parent has just changed"),
            ("m1", "joining"),
            ("m3", "cut off, or leads nowhere"),
            ("m2", "without power"),
        ],
    );
    out.push_str("</div>\n");
}

/// `3 Jan 14:05: collapse of …`.
pub(super) fn title(data: &ReportData, chapter: &Chapter) -> String {
    let at = time::moment(time::local(data.run.start_unix_s, data.scenario.utc_offset_s, chapter.low_ms));
    if chapter.from_ms == 0 && chapter.until_ms >= data.run.simulated_ms {
        return chapter.title.clone();
    }
    format!("{at}: {}", chapter.title)
}

/// Parents and standings at a time of a chapter.
fn state(chapter: &Chapter, at_ms: u64) -> (Vec<i32>, Vec<u8>) {
    let (mut parents, mut standings) = (chapter.parents.clone(), chapter.standings.clone());
    for row in 0..chapter.at_ms.iter().take_while(|at| **at <= at_ms).count() {
        let node = chapter.nodes[row] as usize;
        if let (Some(parent), Some(standing)) = (parents.get_mut(node), standings.get_mut(node)) {
            (*parent, *standing) = (chapter.to[row], chapter.becomes[row]);
        }
    }
    (parents, standings)
}

/// Hops along the parents; nothing in a circle or at a dead end.
fn hops(parents: &[i32], node: usize) -> Option<u32> {
    let mut at = node;
    for hops in 1..=u32::try_from(parents.len()).unwrap_or(u32::MAX) {
        match *parents.get(at)? {
            TO_DCU => return Some(hops),
            TO_NOBODY => return None,
            parent => at = usize::try_from(parent).ok()?,
        }
    }
    None
}

fn said(data: &ReportData, chapter: &Chapter) -> String {
    let (parents, standings) = state(chapter, chapter.low_ms);
    let meters = data.village.customers.len().min(standings.len());
    let serves = |node: &usize| standings[*node] == MeshStanding::InTree as u8 && hops(&parents, *node).is_some();
    let count = (0..meters).filter(serves).count();
    let at = time::moment(time::local(data.run.start_unix_s, data.scenario.utc_offset_s, chapter.low_ms));
    format!("{at} · {} of {} meters in the tree", number(count as f64, 0), number(meters as f64, 0))
}

fn drawing(out: &mut String, data: &ReportData, chapter: &Chapter) {
    let village = &data.village;
    let frame = Frame::of(village);
    push!(
        out,
        "<div class=\"mapbox\"><svg id=\"rmap\" viewBox=\"0 0 {w} {h}\" style=\"aspect-ratio:{ratio:.2}\" tabindex=\"0\" role=\"img\" \
         aria-label=\"The mesh's tree on the map of the village\">\n<path class=\"bare\" d=\"",
        w = short(frame.width),
        h = short(frame.height),
        ratio = frame.width / frame.height
    );
    for roof in &village.buildings {
        out.push_str(&outline(&frame, roof.at_m, &roof.outline_m));
    }
    out.push_str("\"/>\n");
    let (parents, standings) = state(chapter, chapter.low_ms);
    let places = nodes(village);
    let each: Vec<Option<u32>> = (0..parents.len()).map(|node| hops(&parents, node)).collect();
    out.push_str("<g id=\"redges\">");
    for colour in 0..HOP_COLOURS {
        push!(out, "<path class=\"re d{colour}\" d=\"");
        for (node, hops) in each.iter().enumerate() {
            let Some(hops) = hops.filter(|hops| hops.saturating_sub(1).min(HOP_COLOURS - 1) == colour) else {
                continue;
            };
            let parent = if hops == 1 { places.len() - 1 } else { usize::try_from(parents[node]).unwrap_or(0) };
            if let (Some(from), Some(to)) = (places.get(node), places.get(parent)) {
                push!(out, "M{}L{}", frame.point(*from), frame.point(*to));
            }
        }
        out.push_str("\"/>");
    }
    out.push_str("<path class=\"re rnew\" d=\"\"/></g>\n<g id=\"rnodes\">");
    let radius = short((frame.width / 260.0).max(frame.height / 160.0));
    for (node, place) in places.iter().take(parents.len()).enumerate() {
        let class = class_of(standings.get(node).copied().unwrap_or(0), each[node]);
        let at = frame.point(*place);
        let (x, y) = at.split_once(' ').unwrap_or(("0", "0"));
        push!(out, "<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"/>");
    }
    push!(
        out,
        "</g>\n<g class=\"sym dcu\" transform=\"translate({}) scale({})\"><circle r=\"10\"/>\
         <path class=\"wave\" d=\"M0 6V-1M-3.5-2A4.5 4.5 0 0 1 3.5-2M-6-4.5A7.6 7.6 0 0 1 6-4.5\"/></g>\n</svg></div>\n",
        frame.point(village.dcu_m),
        short((frame.width / 1100.0).max(frame.height / 560.0))
    );
}

/// As `replay.js` colours a node.
fn class_of(standing: u8, hops: Option<u32>) -> String {
    match (standing, hops) {
        (0, Some(hops)) => format!("d{}", hops.saturating_sub(1).min(HOP_COLOURS - 1)),
        (1, _) => "m1".to_owned(),
        (2, _) => "m2".to_owned(),
        _ => "m3".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_its_beginning_and_the_changes_up_to_then() {
        let chapter = Chapter {
            parents: vec![TO_DCU, 0, 1],
            standings: vec![0, 0, 0],
            at_ms: vec![10, 20],
            nodes: vec![1, 1],
            to: vec![2, TO_NOBODY],
            becomes: vec![0, 10],
            ..Chapter::default()
        };
        let at = |ms| {
            let (parents, standings) = state(&chapter, ms);
            let each: Vec<String> = (0..3).map(|node| class_of(standings[node], hops(&parents, node))).collect();
            each.join(" ")
        };
        assert_eq!(at(5), "d0 d1 d2");
        assert_eq!(at(10), "d0 m3 m3", "each the other's parent");
        assert_eq!(at(20), "d0 m3 m3");
        assert_eq!(columns(&chapter)["t"], json!([10, 10]));
    }
}
