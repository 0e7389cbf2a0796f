//! What to change first: every purchase that was tried, gain against price, and what each trait is worth.

use taa_studies::study::{Ablation, Estimate, Remedy, Study};

use crate::{data::ReportData, numbers::number, verdict::told};

use super::{
    chart::{Plot, SPAN, short, y_axis},
    html::{esc, open, push},
};

pub(super) fn section(out: &mut String, data: &ReportData) {
    let Some(study) = &data.study else { return };
    if study.remedies.is_empty() && study.ablation.is_none() {
        return;
    }
    open(
        out,
        "change",
        "What to change first",
        "Each purchase was simulated in the same worlds with and without it. Most hours per dollar first; gains are hours \
         with light, per customer and year, against the village as it is.",
    );
    if !study.remedies.is_empty() {
        picture(out, study);
        table(out, data, study);
    }
    if let Some(ablation) = &study.ablation {
        traits(out, data, ablation);
    }
    out.push_str("</section>\n");
}

/// Price of the first year, US dollars: what stands on the axis.
fn first_year_usd(remedy: &Remedy) -> f64 {
    remedy.price_usd + 12.0 * remedy.monthly_usd
}

/// Gain over price, with the interval of the gain.
fn picture(out: &mut String, study: &Study) {
    let high = study.remedies.iter().map(|r| r.saved_h_per_year.high).fold(0.0, f64::max);
    let low = study.remedies.iter().map(|r| r.saved_h_per_year.low).fold(0.0, f64::min);
    let (x_top, x_ticks) = y_axis(study.remedies.iter().map(first_year_usd).fold(0.0, f64::max), "");
    let (step_top, ticks) = y_axis(high.max(-low), "h");
    // Zero stands where the losses need it to; the same step below as above.
    let step = step_top / (ticks.len() - 1).max(1) as f64;
    let (above, below) = ((high / step).ceil().max(1.0), (-low / step).ceil().max(0.0));
    let (top, bottom) = (above * step, -below * step);
    let y = |v: f64| (1.0 - (v.clamp(bottom, top) - bottom) / (top - bottom)) * SPAN;
    let decimals = usize::from(step < 1.0);
    let y_ticks = (0..=(above + below) as u32).map(|i| {
        let value = bottom + f64::from(i) * step;
        (f64::from(i) / (above + below), format!("{} h", number(value, decimals)))
    });
    let mut body = String::new();
    push!(body, "<path class=\"zero\" d=\"M0 {0}H1000\"/>", short(y(0.0)));
    let mut overlay = String::new();
    for (i, remedy) in study.remedies.iter().enumerate() {
        let x = first_year_usd(remedy) / x_top * SPAN;
        let saved = &remedy.saved_h_per_year;
        let class = if told::includes_zero(saved) { "maybe" } else { "sure" };
        push!(
            body,
            "<path class=\"err {class}\" d=\"M{0} {1}V{2}\"/><path class=\"dot {class}\" d=\"M{0} {3}h.01\"/>",
            short(x),
            short(y(saved.low)),
            short(y(saved.high)),
            short(y(saved.mean))
        );
        push!(
            overlay,
            "<span class=\"tag\" style=\"left:{:.2}%;top:{:.2}%\">{}</span>",
            x / SPAN * 100.0,
            y(saved.mean) / SPAN * 100.0,
            i + 1
        );
    }
    let best = study.remedies.first().map_or("", |remedy| remedy.words.as_str());
    out.push_str("<figure><figcaption>Hours with light gained per customer and year (up), against the price of the first \
                  year (right). Numbers are those of the table; bars are 95 % ranges, dashed where they include zero.</figcaption>\n");
    Plot {
        label: &format!(
            "Gain against price of {} purchases; the best gain per price has: {best}",
            study.remedies.len()
        ),
        height_px: 260,
        y_ticks: y_ticks.collect(),
        x_ticks: x_ticks.into_iter().map(|(at, text)| (at, format!("${text}"))).collect(),
        grid: true,
        view: (SPAN, SPAN),
        attributes: String::new(),
        body,
        overlay,
    }
    .write(out);
    out.push_str("</figure>\n");
}

/// A range in a cell, and its words where zero lies in it.
fn range(out: &mut String, estimate: &Estimate, digits: impl Fn(f64) -> String) {
    push!(out, "<td class=\"n\" data-v=\"{}\">{}", estimate.mean, digits(estimate.mean));
    if estimate.n > 1 {
        push!(out, "<small>{} to {}</small>", digits(estimate.low), digits(estimate.high));
    }
    out.push_str("</td>");
}

fn hours(v: f64) -> String {
    number(v, usize::from(v.abs() < 10.0))
}

/// Money: millions where the digits would say more than is known.
fn whole(v: f64) -> String {
    if v.abs() < 1e6 { number(v, 0) } else { format!("{}\u{a0}million", number(v / 1e6, usize::from(v.abs() < 1e8))) }
}

fn table(out: &mut String, data: &ReportData, study: &Study) {
    // Where all were tried on the same architecture, a sentence says so once.
    let on = study.remedies.first().map_or("", |remedy| remedy.on.as_str());
    let apart = study.remedies.iter().any(|remedy| remedy.on != on);
    push!(
        out,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Purchases\"><table class=\"list\" id=\"remedies\" data-sort><thead><tr>\
         <th scope=\"col\" class=\"n\">No.</th><th scope=\"col\">Change</th>{}\
         <th scope=\"col\" class=\"n\">Saves, h</th><th scope=\"col\" class=\"n\">Saves, {} a year</th>\
         <th scope=\"col\" class=\"n\">With those who leave</th>\
         <th scope=\"col\" class=\"n\">Price</th><th scope=\"col\" class=\"n\">Pays back in</th><th scope=\"col\">What that means</th></tr></thead>\n<tbody>\n",
        if apart { "<th scope=\"col\">On</th>" } else { "" },
        esc(&data.scenario.currency)
    );
    for (i, remedy) in study.remedies.iter().enumerate() {
        push!(out, "<tr><td class=\"n\" data-v=\"{0}\">{0}</td><th scope=\"row\">{1}</th>", i + 1, esc(&remedy.words));
        if apart {
            push!(out, "<td>{}</td>", esc(&remedy.on));
        }
        range(out, &remedy.saved_h_per_year, hours);
        range(out, &remedy.saved_dark_cost_per_year, whole);
        range(out, &remedy.saved_cost_per_year, whole);
        push!(
            out,
            "<td class=\"n\" data-v=\"{}\">{}<small>{}</small></td><td class=\"n\" data-v=\"{}\">{}</td><td>{}</td></tr>\n",
            first_year_usd(remedy),
            esc(&told::price(remedy)),
            esc(&source(remedy)),
            remedy.payback_months.unwrap_or(1e9),
            if told::yearly(data) { told::pays_back(remedy.payback_months) } else { "–".to_owned() },
            certainty(remedy)
        );
    }
    out.push_str("</tbody></table></div>\n");
    push!(
        out,
        "<p class=\"foot\">{}{} In order of hours saved per dollar and year of the purchase's life. Paybacks count dark hours alone: of \
         customers who leave there are so few that one of them decides. Rare failures need many draws before what is \
         bought against them shows its worth.{}</p>\n",
        if apart { String::new() } else { format!("All on {}. ", esc(on)) },
        esc(&told::tried(study)),
        if told::yearly(data) {
            ""
        } else {
            " Figures are of a year in which the scripted faults come as often as in this run: for a plan, try the \
             purchases without scripted faults."
        }
    );
}

/// Where the price is from, and over how many years it is spread.
fn source(remedy: &Remedy) -> String {
    if remedy.lives_years > 0.0 && remedy.price_usd > 0.0 {
        let years = number(remedy.lives_years, usize::from(remedy.lives_years.fract() > 0.05));
        format!("{}; lasts {years} years", remedy.price_source)
    } else {
        remedy.price_source.clone()
    }
}

/// What the saved hours mean, and under it how sure that is.
fn certainty(remedy: &Remedy) -> String {
    let meaning = meaning(&remedy.saved_h_per_year);
    // Of one draw there is no more to say than that it is one.
    if remedy.certainty.is_empty() || remedy.saved_h_per_year.n < 2 {
        return meaning.to_owned();
    }
    format!("{meaning}<small>{}</small>", esc(&remedy.certainty))
}

fn meaning(saved: &Estimate) -> &'static str {
    match (saved.n < 2, saved.low > 0.0, saved.high < 0.0) {
        (true, ..) if saved.mean > 0.0 => "helped in the one draw",
        (true, ..) if saved.mean < 0.0 => "made it worse in the one draw",
        (true, ..) => "changed nothing in the one draw",
        (_, true, _) => "helps",
        (_, _, true) => "makes it worse",
        _ if saved.mean == 0.0 => "changes nothing",
        _ => "may help or not: the range includes zero",
    }
}

fn traits(out: &mut String, data: &ReportData, ablation: &Ablation) {
    push!(
        out,
        "<h3>What each trait costs or buys, from {} to {}</h3>\n<p class=\"lead\">“Alone”: only this trait of {} changed. \
         “Missed”: only this trait of {} set back. Lost hours per customer and year; less is better.</p>\n",
        esc(&ablation.from),
        esc(&ablation.to),
        esc(&ablation.from),
        esc(&ablation.to)
    );
    push!(
        out,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Traits one by one\"><table class=\"list\" id=\"ablation\" data-sort><thead><tr>\
         <th scope=\"col\">Trait</th><th scope=\"col\">From → to</th><th scope=\"col\" class=\"n\">Alone, h</th>\
         <th scope=\"col\" class=\"n\">Missed, h</th><th scope=\"col\" class=\"n\">Alone, {} a year</th><th scope=\"col\">What that means</th></tr></thead>\n<tbody>\n",
        esc(&data.scenario.currency)
    );
    for row in &ablation.rows {
        push!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{} → {}</td>",
            esc(&row.name.replace('_', " ")),
            esc(&row.from),
            esc(&row.to)
        );
        range(out, &row.alone_h_per_year, hours);
        range(out, &row.missed_h_per_year, hours);
        range(out, &row.alone_cost_per_year, whole);
        let (alone, missed) = (&row.alone_h_per_year, &row.missed_h_per_year);
        let words = match (alone.high < 0.0, alone.low > 0.0, missed.low > 0.0) {
            (true, _, true) => "saves hours by itself, and is missed",
            (true, ..) => "saves hours by itself; others can stand in for it",
            (_, true, _) => "costs hours by itself",
            (.., true) => "works only together with others",
            _ => "no effect beyond chance",
        };
        push!(out, "<td>{words}</td></tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
}
