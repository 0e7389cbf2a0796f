//! The tickets of the data concentrator, a row each, and how far they are from the truth.

use taa_scenarios::model::Scenario;
use taa_sim::records::{OutageTickets, Records};

use crate::{
    data::{Cell, Listing, TicketFigures},
    numbers::{duration, number},
    time,
};

/// Rows on the page.
const ROWS: usize = 60;
/// Grounds of a ticket, in the order of [`TicketFigures::grounds`].
const GROUNDS: [(&str, &str); 3] = [("gasps", "gasps"), ("feeder", "the feeder's state"), ("silence", "silence")];

/// Tickets and their truth; nothing where nobody looks for outages.
pub(super) fn figures(scenario: &Scenario, records: &Records, simulated_ms: u64) -> Option<TicketFigures> {
    let sums = records.outage_sums?;
    let table = &records.outage_tickets;
    let of = |ground: &str| table.ground.iter().filter(|found| **found == ground).count();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Some(TicketFigures {
        listing: listing(scenario, table, simulated_ms),
        tickets: count(table.len()),
        grounds: GROUNDS.map(|(key, _)| count(of(key))),
        outages: sums.outages,
        detected: sums.detected,
        claimed: sums.claimed,
        correct: sums.correct,
        latency_p95_ms: sums.latency_p95_ms,
        told_sustained: sums.told_sustained,
        true_sustained: sums.true_sustained,
        packets: sums.packets,
    })
}

/// Those with most meters and hours first.
fn listing(scenario: &Scenario, table: &OutageTickets, simulated_ms: u64) -> Listing {
    let mut out = Listing::new(&[
        ("Where", false),
        ("Opened", true),
        ("For", true),
        ("On the ground of", false),
        ("Meters", true),
        ("Heard", true),
        ("Sure", true),
        ("Lit again", true),
        ("Never dark", true),
        ("How it ended", false),
    ]);
    let length_ms = |i: usize| table.closed_ms[i].unwrap_or(simulated_ms).saturating_sub(table.opened_ms[i]);
    let mut rows: Vec<usize> = (0..table.len()).collect();
    let weight = |i: usize| u128::from(table.members[i]) * u128::from(length_ms(i));
    rows.sort_by_key(|&i| (std::cmp::Reverse(weight(i)), table.opened_ms[i], i));
    out.left_out = u32::try_from(rows.len().saturating_sub(ROWS)).unwrap_or(u32::MAX);
    for i in rows.into_iter().take(ROWS) {
        let at = time::local(scenario.run.start_unix_s, scenario.site.utc_offset_s, table.opened_ms[i]);
        let ground =
            GROUNDS.iter().find(|(key, _)| *key == table.ground[i]).map_or(table.ground[i], |(_, words)| words);
        let open = if table.closed_ms[i].is_none() { " so far" } else { "" };
        let counted = |n: u32| Cell::number(n.to_string(), f64::from(n));
        let sure = f64::from(table.confidence_pm[i]) / 10.0;
        out.rows.push(vec![
            Cell::text(table.place[i].clone()),
            Cell::number(time::moment(at), table.opened_ms[i] as f64),
            Cell::number(format!("{}{open}", duration(length_ms(i))), length_ms(i) as f64),
            Cell::text(ground),
            counted(table.members[i]),
            counted(table.heard[i]),
            Cell::number(format!("{} %", number(sure, 1)), sure),
            counted(table.restored[i]),
            counted(table.withdrawn[i]),
            Cell::text(table.ending[i]),
        ]);
    }
    out
}
