//! Where the data is from, what was assumed, how to read the figures, and how to get the same run again.

use crate::{catalogue::GROUPS, data::ReportData, numbers::number, words};

use super::html::{esc, open, push};

pub(super) fn section(out: &mut String, data: &ReportData) {
    let scenario = &data.scenario;
    open(out, "notes", "Notes", "");
    out.push_str("<div class=\"pair\">\n<div><h3>Inputs</h3>\n<ul>\n");
    // The scenario's remarks often tell source and distance themselves: once is enough.
    let source = &scenario.weather_source;
    let repeats = |note: &str| !source.is_empty() && note.contains(source.as_str());
    let remarks: Vec<&String> = scenario.notes.iter().filter(|note| !repeats(note)).collect();
    let km = format!("{} km", number(scenario.weather_distance_km, 0));
    let distance = if scenario.weather_distance_km < 1.0 || remarks.iter().any(|note| note.contains(&km)) {
        String::new()
    } else {
        format!(", {km} away")
    };
    push!(out, "<li>Weather: {}{distance}.</li>\n", esc(&scenario.weather_source));
    push!(
        out,
        "<li>Plant: {} kWp of panels, {} kWh of battery, {} kW of inverter, {} feeder{}.</li>\n",
        number(scenario.pv_kwp, 1),
        number(scenario.battery_kwh, 1),
        number(scenario.inverter_kw, 1),
        scenario.feeders,
        if scenario.feeders == 1 { "" } else { "s" }
    );
    let classes: Vec<String> =
        scenario.classes.iter().map(|(class, n)| format!("{n} {}", esc(&words::customer_class(class)))).collect();
    push!(
        out,
        "<li>{} buildings, {} customers: {}.</li>\n",
        data.village.buildings.len(),
        data.village.customers.len(),
        classes.join("; ")
    );
    push!(out, "<li>A kWh costs {} {}.</li>\n", esc(&scenario.currency), number(scenario.price_per_kwh, 0));
    for fault in &scenario.faults {
        push!(out, "<li>Scripted fault {}: {}.</li>\n", esc(&fault.id), esc(&fault.words));
    }
    out.push_str("</ul>\n");
    if !remarks.is_empty() {
        out.push_str("<h3>Assumptions and remarks</h3>\n<ul>\n");
        for note in remarks {
            push!(out, "<li>{}</li>\n", esc(note));
        }
        out.push_str("</ul>\n");
    }
    out.push_str("</div>\n<div><h3>This run</h3>\n<dl class=\"run\">\n");
    let run = &data.run;
    let mut facts = vec![
        ("Written by", data.generator.clone()),
        ("Scenario", scenario.name.clone()),
        ("Place", format!("{}°, {}°", number(scenario.lat_deg, 4), number(scenario.lon_deg, 4))),
        ("Seed", run.seed.to_string()),
        ("Simulated", format!("{} days of {}", number(run.days(), 2), run.days_asked)),
        ("Events", number(run.events as f64, 0)),
        ("Took", format!("{} s", number(run.wall_s, 1))),
        ("Digest", run.digest.clone()),
        ("World's digest", run.exogenous_digest.clone()),
    ];
    for arch in &data.architectures {
        facts.push((arch.name.as_str(), arch.digest.clone()));
    }
    for (name, value) in facts {
        push!(out, "<div><dt>{}</dt><dd>{}</dd></div>\n", esc(name), esc(&value));
    }
    out.push_str("</dl>\n<p class=\"foot\">The same scenario, seed and version give the same digests on every machine of one kind.</p>\n");
    if !scenario.attributions.is_empty() {
        out.push_str("<h3>Data</h3>\n<ul>\n");
        for attribution in &scenario.attributions {
            push!(out, "<li>{}</li>\n", esc(attribution));
        }
        out.push_str("</ul>\n");
    }
    out.push_str("</div>\n</div>\n");
    how_to_read(out);
    out.push_str("</section>\n");
}

fn how_to_read(out: &mut String) {
    out.push_str(
        "<details><summary>How to read the figures</summary>\n<p>A lost hour is an hour of one customer in one of three \
         classes: <b>no supply</b> (entitled, yet no power within limits), <b>credit stuck</b> (a payment was accepted \
         and has not taken effect), <b>payment blocked</b> (would have paid, and found no way to). Where two apply, the \
         first counts. Having no credit by choice or for want of money, being cut for fraud or for drawing too much, and \
         hours outside the tariff's service are not lost hours. Each interval carries the chain of causes that led to \
         it; sums by cause go by its root and add up to the total.</p>\n<dl class=\"read\">\n",
    );
    for figure in GROUPS.iter().flat_map(|(_, figures)| figures.iter()) {
        push!(out, "<div><dt>{}</dt><dd>{}</dd></div>\n", figure.label, esc(figure.meaning));
    }
    out.push_str("</dl>\n</details>\n");
}
