//! Who suffered most: the same figures as the map, as a table that sorts.

use crate::{data::ReportData, numbers::hours, words};

use super::html::{arch_switch, esc, open, push};

/// Rows shown before "show all".
const TOP: usize = 20;
const COLUMNS: [(&str, &str, &str); 8] = [
    ("id", "Customer", ""),
    ("class", "Class", ""),
    ("lost", "Lost h", "n"),
    ("supply", "No supply", "n"),
    ("stuck", "Credit stuck", "n"),
    ("blocked", "Payment blocked", "n"),
    ("longest", "Longest h", "n"),
    ("hops", "Hops", "n"),
];

pub(super) fn section(out: &mut String, data: &ReportData) {
    let Some(arch) = data.architectures.first() else { return };
    open(
        out,
        "who",
        "Who suffered most",
        "Hours without light by customer. Choose a heading to sort, a row to find it on the map.",
    );
    out.push_str("<div class=\"bar\">");
    arch_switch(out, data, "who");
    out.push_str("<label class=\"find\">Find <input type=\"search\" id=\"find\" autocomplete=\"off\"></label></div>\n");
    out.push_str("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Customers\"><table id=\"suffered\"><thead><tr>");
    for (key, words, class) in COLUMNS {
        let sorted = if key == "lost" { " aria-sort=\"descending\"" } else { "" };
        push!(
            out,
            "<th scope=\"col\" class=\"{class}\" data-key=\"{key}\"{sorted}><button type=\"button\">{words}</button></th>"
        );
    }
    out.push_str("<th scope=\"col\" data-key=\"cause\"><button type=\"button\">Biggest cause</button></th></tr></thead>\n<tbody>\n");
    let mut order: Vec<usize> = (0..arch.customers.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(arch.customers[i].total_ms()), i));
    for &i in order.iter().take(TOP) {
        let figures = &arch.customers[i];
        let customer = &data.village.customers[i];
        let h = |ms: u64| hours(ms as f64 / 3_600_000.0);
        let cause = figures.worst_cause.and_then(|cause| arch.causes.get(cause as usize));
        push!(
            out,
            "<tr data-c=\"{i}\"><th scope=\"row\">{}</th><td>{}</td><td class=\"n\"><b>{}</b></td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td></tr>\n",
            esc(&customer.id),
            esc(&words::customer_class(&customer.class)),
            h(figures.total_ms()),
            h(figures.lost_ms[0]),
            h(figures.lost_ms[1]),
            h(figures.lost_ms[2]),
            h(figures.longest_ms),
            if figures.hops == 0 { "–".to_owned() } else { figures.hops.to_string() },
            esc(cause.map_or("–", |cause| cause.words.as_str()))
        );
    }
    push!(
        out,
        "</tbody></table></div>\n<p class=\"more\"><button type=\"button\" id=\"all\" hidden>Show all {}</button></p>\n</section>\n",
        arch.customers.len()
    );
}
