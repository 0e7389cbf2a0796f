//! `report.html`: one self-contained page.
//!
//! Everything is in the file: style, script, figures as inline SVG. A content security policy in its head forbids
//! every request, so an accidental one would fail loudly in the browser test. Without JavaScript the page still reads
//! from top to bottom; scripts add zoom, the switch between architectures, sorting and tooltips. Colours are CSS
//! variables, so light, dark and print share the figures.

mod battery;
mod change;
mod chart;
mod cost;
mod downtime;
mod energy;
mod fans;
mod figures;
mod first;
mod hours;
mod html;
mod images;
mod listing;
mod map;
mod mesh;
mod notes;
mod payload;
mod payments;
mod replay;
mod stories;
mod suffered;
mod tickets;
mod timeline;
mod tornado;

use crate::{data::ReportData, numbers::number, time};
pub use html::esc;
pub use map::{Frame, outline};

const CSS: &str = concat!(include_str!("../../assets/page.css"), include_str!("../../assets/mesh.css"));
const SCRIPTS: [&str; 7] = [
    include_str!("../../assets/page.js"),
    include_str!("../../assets/map.js"),
    include_str!("../../assets/suffered.js"),
    include_str!("../../assets/heat.js"),
    include_str!("../../assets/when.js"),
    include_str!("../../assets/sort.js"),
    include_str!("../../assets/replay.js"),
];

/// Renders the page.
pub(crate) fn render(data: &ReportData) -> String {
    let mut out = String::with_capacity(512 * 1024);
    head(&mut out, data);
    first::section(&mut out, data);
    if !data.architectures.is_empty() {
        nav(&mut out, data);
        first::words(&mut out, data);
        change::section(&mut out, data);
        stories::section(&mut out, data);
        timeline::section(&mut out, data);
        downtime::section(&mut out, data);
        hours::section(&mut out, data);
        cost::section(&mut out, data);
        map::section(&mut out, data);
        suffered::section(&mut out, data);
        mesh::section(&mut out, data);
        tickets::section(&mut out, data);
        payments::section(&mut out, data);
        figures::section(&mut out, data);
        fans::section(&mut out, data);
        tornado::section(&mut out, data);
        battery::section(&mut out, data);
        energy::section(&mut out, data);
        images::section(&mut out, data);
        listing::repairs(&mut out, data);
    }
    notes::section(&mut out, data);
    tail(&mut out, data, &SCRIPTS);
    out
}

/// A page about the mesh alone.
pub(crate) fn render_mesh(data: &ReportData) -> String {
    let mut out = String::with_capacity(512 * 1024);
    head(&mut out, data);
    mesh::section(&mut out, data);
    tickets::section(&mut out, data);
    let [shared, .., sort, replay] = SCRIPTS;
    tail(&mut out, data, &[shared, sort, replay]);
    out
}

/// Data and scripts.
fn tail(out: &mut String, data: &ReportData, scripts: &[&str]) {
    out.push_str("</main>\n<script type=\"application/json\" id=\"taa-data\">");
    out.push_str(&payload::json(data));
    out.push_str("</script>\n<script>\n");
    for script in scripts {
        out.push_str(script);
    }
    out.push_str("</script>\n</body>\n</html>\n");
}

fn head(out: &mut String, data: &ReportData) {
    let scenario = &data.scenario;
    let start = time::local(data.run.start_unix_s, scenario.utc_offset_s, 0);
    let days = data.run.days();
    let customers = data.village.customers.len();
    let facts = format!(
        "{} days from {} · {} customers · {} kWp, {} kWh · seed {}{}",
        number(days, if (days - days.round()).abs() < 0.01 { 0 } else { 1 }),
        time::date(start),
        customers,
        number(scenario.pv_kwp, if scenario.pv_kwp < 100.0 { 1 } else { 0 }),
        number(scenario.battery_kwh, 0),
        data.run.seed,
        if data.run.partial { " · partial" } else { "" },
    );
    html::push!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'; img-src data:\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n\
         <title>{title} · taa report</title>\n<style>\n{CSS}</style>\n\
         <script>window.__taaErrors=[];addEventListener(\"error\",function(e)\
         {{window.__taaErrors.push(String(e.message||e.type))}},true);\
         document.documentElement.classList.add(\"js\");</script>\n\
         </head>\n<body>\n<header class=\"top\"><p class=\"brand\">taa</p><p class=\"facts\"><b>{title}</b> \
         <span>{facts}</span></p></header>\n<main>\n",
        title = esc(&scenario.title),
        facts = esc(&facts),
    );
}

/// Links to the sections that the page has.
fn nav(out: &mut String, data: &ReportData) {
    out.push_str("<nav class=\"toc\" aria-label=\"Sections\">");
    let study = data.study.as_ref();
    for (id, name, there) in [
        ("change", "Change", study.is_some_and(|s| !s.remedies.is_empty() || s.ablation.is_some())),
        ("stories", "Stories", data.architectures.iter().any(|arch| !arch.stories.is_empty())),
        ("when", "When", true),
        ("why", "Causes", true),
        ("cost", "Cost", true),
        ("village", "Map", true),
        ("who", "Who", true),
        ("mesh", "Mesh", mesh::there(data)),
        ("outages", "Outages", tickets::there(data)),
        ("payments", "Payments", true),
        ("figures", "Figures", true),
        ("spread", "Spread", data.many_draws().is_some()),
        ("weak", "Assumptions", study.is_some_and(|s| s.sensitivity.as_ref().is_some_and(|s| !s.rows.is_empty()))),
        ("battery", "Battery", true),
        ("energy", "Sun", true),
        ("update", "Update", images::there(data)),
        ("repairs", "Repairs", data.architectures.iter().any(|arch| arch.repairs.is_some())),
        ("notes", "Notes", true),
    ] {
        if there {
            html::push!(out, "<a href=\"#{id}\">{name}</a>");
        }
    }
    out.push_str("</nav>\n");
}
