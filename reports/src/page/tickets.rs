//! Outages as the data concentrator told them, held against what was.

use crate::{
    data::{Architecture, HOUR_MS, ReportData, TicketFigures},
    numbers::{duration, number, percent},
};

use super::{
    html::{arch_name, open, push},
    listing,
};

/// Some architecture's meters have a last gasp.
pub(super) fn there(data: &ReportData) -> bool {
    data.architectures.iter().any(|arch| arch.tickets.is_some())
}

pub(super) fn section(out: &mut String, data: &ReportData) {
    if !there(data) {
        return;
    }
    open(
        out,
        "outages",
        "Outages as they were told",
        "Meters that lose power say so with their last charge, and the data concentrator makes tickets of it. Here they are \
         held against what really happened: what was found, what was true, how soon, and what the indices would say.",
    );
    against_truth(out, data);
    for (i, arch) in data.architectures.iter().enumerate() {
        let Some(tickets) = &arch.tickets else { continue };
        push!(out, "<h3>Tickets, {}</h3>\n", arch_name(data, i));
        if tickets.listing.rows.is_empty() {
            out.push_str("<p>No ticket was opened.</p>\n");
            continue;
        }
        let [gasps, feeder, silence] = tickets.grounds;
        push!(
            out,
            "<p>{} tickets: {gasps} on the ground of gasps, {feeder} of a feeder's state, {silence} of silence. Most meter-hours \
             first.</p>\n",
            tickets.tickets
        );
        listing::table(out, &format!("Tickets with {}", arch.name), &tickets.listing);
    }
    out.push_str("</section>\n");
}

/// A row of the comparison: heading, and its cell.
type Row = (&'static str, fn(&TicketFigures, f64) -> String);

fn against_truth(out: &mut String, data: &ReportData) {
    let rows: [Row; 7] = [
        ("Customers' outages, in truth", |t, _| number(t.outages as f64, 0)),
        ("Found by a ticket", |t, _| part(t.detected, t.outages)),
        ("Claimed by tickets, and true of these", |t, _| {
            format!("{}, {}", number(t.claimed as f64, 0), part(t.correct, t.claimed))
        }),
        ("Told within, 95 of 100", |t, _| t.latency_p95_ms.map_or_else(|| "–".to_owned(), duration)),
        ("SAIFI, interruptions a customer: by tickets, in truth", |t, customers| {
            both(t.told_sustained.0 as f64 / customers, t.true_sustained.0 as f64 / customers)
        }),
        ("SAIDI, hours a customer: by tickets, in truth", |t, customers| {
            let hours = |ms: u64| ms as f64 / HOUR_MS as f64 / customers;
            both(hours(t.told_sustained.1), hours(t.true_sustained.1))
        }),
        ("Packets of meters believed, refused", |t, _| {
            format!("{}, {}", number(t.packets.0 as f64, 0), number(t.packets.1 as f64, 0))
        }),
    ];
    let customers = data.village.customers.len().max(1) as f64;
    out.push_str("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Tickets against the truth\"><table id=\"tickets\"><thead><tr><th></th>");
    let each = || data.architectures.iter().enumerate().filter_map(|(i, arch)| arch.tickets.as_ref().map(|t| (i, t)));
    for (i, _) in each() {
        push!(out, "<th scope=\"col\" class=\"n\">{}</th>", arch_name(data, i));
    }
    out.push_str("</tr></thead><tbody>\n");
    for (words, cell) in rows {
        push!(out, "<tr><th scope=\"row\">{words}</th>");
        for (_, tickets) in each() {
            push!(out, "<td class=\"n\">{}</td>", cell(tickets, customers));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n<p class=\"foot\">Over the run, outages longer than five minutes of the supply to the meter.");
    let by_message = |arch: &Architecture| arch.tickets.is_some() && arch.mesh.as_ref().is_none_or(|mesh| !mesh.frame);
    if data.architectures.iter().any(by_message) {
        out.push_str(BY_MESSAGE);
    }
    out.push_str("</p>\n");
}

/// Measured: docs/outage.md, "Two hundred of four hundred".
const BY_MESSAGE: &str = " The mesh was looked at message by message, which is kind to last words: of two hundred of four \
                          hundred meters that went dark at once with five seconds of charge 93 % were heard, where frame \
                          by frame 58 % were, and the ticket came after 2 s, by frame after 42 s in the worst of three \
                          draws. With <code>--mesh frame</code> every cry takes its turn on the air.";

fn part(part: u64, whole: u64) -> String {
    if whole == 0 { "–".to_owned() } else { percent(part as f64 / whole as f64) }
}

/// What is told, what is true, and how far the one is from the other.
fn both(told: f64, truth: f64) -> String {
    let off = if truth > 0.0 {
        let off = (told / truth - 1.0) * 100.0;
        format!(" ({}{} %)", if off > 0.0 { "+" } else { "" }, number(off, 1))
    } else {
        String::new()
    };
    format!("{}, {}{off}", number(told, 2), number(truth, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_stands_beside_the_truth_with_its_error() {
        assert_eq!(both(1.1, 1.0), "1.10, 1.00 (+10.0 %)");
        assert_eq!(both(0.9, 1.0), "0.90, 1.00 (−10.0 %)");
        assert_eq!(both(0.0, 0.0), "0.00, 0.00");
        assert_eq!((part(1, 2), part(0, 0)), ("50 %".to_owned(), "–".to_owned()));
    }
}
