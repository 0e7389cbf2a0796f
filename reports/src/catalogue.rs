//! The key figures: their order, their words, their units, and which direction is better.

use crate::{
    data::Architecture,
    numbers::{duration, hours, number, percent},
};

/// How a figure is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share, 0–1, shown in percent.
    Share,
    /// Hours.
    Hours,
    /// A delay in seconds.
    Seconds,
    /// Energy, kWh.
    KWh,
    /// Money in the scenario's currency.
    Money,
    /// A count or index without a unit.
    Count(u8),
    /// Months.
    Months,
}

/// Which direction is better for the people in the village.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
    /// Neither.
    Neutral,
}

/// One key figure.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Key in `summary.json`.
    pub key: &'static str,
    /// Name for people.
    pub label: &'static str,
    /// Unit.
    pub unit: Unit,
    /// Direction.
    pub better: Better,
    /// How to read it.
    pub meaning: &'static str,
}

const fn figure(key: &'static str, label: &'static str, unit: Unit, better: Better, meaning: &'static str) -> Figure {
    Figure { key, label, unit, better, meaning }
}

use Better::{Higher, Lower, Neutral};
use Unit::{Count, Hours, KWh, Money, Months, Seconds, Share};

/// The figures in groups, in the order in which the page and the terminal show them.
pub const GROUPS: [(&str, &[Figure]); 4] = [
    (
        "Light",
        &[
            figure(
                "paid_service_availability",
                "Availability of paid service",
                Share,
                Higher,
                "Share of the time in which customers had light that they had paid for or would have paid for. All \
                 three classes of lost time count against it.",
            ),
            figure(
                "service_availability",
                "Availability of supply",
                Share,
                Higher,
                "The same for supply alone: one minus the share of entitled time without power within limits.",
            ),
            figure(
                "downtime_h",
                "Lost customer-hours",
                Hours,
                Lower,
                "Hours without light over all customers: no supply, credit stuck and payment blocked together, never \
                 counted twice.",
            ),
            figure(
                "longest_outage_h",
                "Longest darkness",
                Hours,
                Lower,
                "The longest unbroken time one customer spent in any of the three classes.",
            ),
            figure(
                "customers_dark_96h",
                "Customers dark for four days",
                Count(0),
                Lower,
                "Customers who were without light for 96 hours on end at least once.",
            ),
            figure(
                "asai",
                "ASAI",
                Share,
                Higher,
                "IEEE 1366: share of customer-hours with supply, interruptions of more than five minutes counted.",
            ),
            figure(
                "saidi_h_per_year",
                "SAIDI, hours a year",
                Hours,
                Lower,
                "IEEE 1366: hours of supply interruption of the average customer in a year.",
            ),
            figure(
                "saifi_per_year",
                "SAIFI, times a year",
                Count(1),
                Lower,
                "IEEE 1366: supply interruptions of the average customer in a year.",
            ),
            figure("caidi_h", "CAIDI", Hours, Lower, "IEEE 1366: length of the average supply interruption."),
            figure(
                "maifi_per_year",
                "MAIFI, times a year",
                Count(1),
                Lower,
                "Interruptions of up to five minutes of the average customer in a year.",
            ),
            figure(
                "b_saidi_h_per_year",
                "B-SAIDI, hours a year",
                Hours,
                Lower,
                "SAIDI's formula over all three classes: supply, stuck credit and blocked payment.",
            ),
            figure(
                "b_saifi_per_year",
                "B-SAIFI, times a year",
                Count(1),
                Lower,
                "SAIFI's formula over all three classes.",
            ),
            figure("b_caidi_h", "B-CAIDI", Hours, Lower, "CAIDI's formula over all three classes."),
        ],
    ),
    (
        "Paying",
        &[
            figure(
                "billing_availability",
                "Payments credited in time",
                Share,
                Higher,
                "Share of wishes to pay that took effect at the meter within five minutes.",
            ),
            figure(
                "token_delay_p50_s",
                "Delay of credit, median",
                Seconds,
                Lower,
                "From acceptance by provider or agent until the credit takes effect; half of the payments are faster.",
            ),
            figure(
                "token_delay_p95_s",
                "Delay of credit, 95 %",
                Seconds,
                Lower,
                "The same for the slowest payment in twenty.",
            ),
        ],
    ),
    (
        "Energy and money",
        &[
            figure("energy_served_kwh", "Energy served", KWh, Higher, "What customers got."),
            figure(
                "energy_unserved_kwh",
                "Energy not served",
                KWh,
                Lower,
                "What they would have used in their lost hours.",
            ),
            figure(
                "energy_unbilled_kwh",
                "Energy not billed",
                KWh,
                Lower,
                "Served beyond the balance, because nobody who decides could be reached.",
            ),
            figure(
                "energy_unpaid_kwh",
                "Energy never paid for",
                KWh,
                Lower,
                "Served and still not paid for at the end of the run.",
            ),
            figure(
                "energy_stolen_kwh",
                "Energy stolen",
                KWh,
                Lower,
                "Taken past the meter by customers who had lost their trust.",
            ),
            figure("revenue", "Revenue", Money, Higher, "Payments accepted."),
            figure(
                "revenue_lost",
                "Revenue lost",
                Money,
                Lower,
                "Energy not served or stolen at its price, and what customers who paused or left would have spent in the run.",
            ),
            figure("revenue_deferred", "Revenue deferred", Money, Lower, "Accepted more than five minutes late."),
            figure(
                "cost_of_downtime",
                "Cost of downtime",
                Money,
                Lower,
                "Energy not served or stolen, what customers who paused or left will not spend, and connections to be won \
                 again.",
            ),
            figure("customers_churned", "Customers who left", Count(0), Lower, "Gave up their connection."),
            figure(
                "payback_months",
                "Payback",
                Months,
                Lower,
                "Until what this architecture needs more than the first one has earned its price in dark hours saved, those who leave not counted.",
            ),
        ],
    ),
    (
        "Radio, data, battery",
        &[
            figure(
                "telemetry_completeness",
                "Telemetry completeness",
                Share,
                Higher,
                "Share of due readings that the cloud holds at the end.",
            ),
            figure(
                "image_activated_share",
                "Meters with the new image",
                Share,
                Higher,
                "Of the meters to be updated, the share that run the new image at the end.",
            ),
            figure(
                "image_p95_h",
                "Update, 95 %",
                Hours,
                Lower,
                "From the order until a meter runs the new image, slowest in twenty.",
            ),
            figure(
                "outage_detection_recall",
                "Outages found",
                Share,
                Higher,
                "Customers' outages that a ticket of the concentrator has found.",
            ),
            figure(
                "outage_detection_precision",
                "True outages told",
                Share,
                Higher,
                "Customers' outages told that there truly were.",
            ),
            figure(
                "outage_detection_latency_p95_s",
                "Outage told after, 95 %",
                Seconds,
                Lower,
                "From the loss of supply until it is told, slowest in twenty.",
            ),
            figure(
                "outage_saifi_error_share",
                "Interruptions told wrong",
                Share,
                Lower,
                "By how much the concentrator's tickets count too many or too few interruptions over five minutes.",
            ),
            figure(
                "outage_saidi_error_share",
                "Dark hours told wrong",
                Share,
                Lower,
                "By how much the concentrator's tickets count too many or too few hours of interruptions over five minutes.",
            ),
            figure("mesh_pdr", "Mesh delivery", Share, Higher, "Share of messages that the mesh delivered."),
            figure(
                "mesh_join_p95_s",
                "Mesh join, 95 %",
                Seconds,
                Lower,
                "Time to join after a power-up, slowest in twenty.",
            ),
            figure(
                "mesh_isolated_node_hours",
                "Meters without a route",
                Hours,
                Lower,
                "Hours, over all meters, with power and yet without a route to the data concentrator.",
            ),
            figure("battery_cycles", "Battery cycles", Count(1), Neutral, "Equivalent full cycles in the run."),
        ],
    ),
];

/// A figure as written for people, without its name.
#[must_use]
pub fn show(figure: &Figure, value: Option<f64>, currency: &str) -> String {
    let Some(v) = value else { return "–".to_owned() };
    match figure.unit {
        Share => percent(v),
        Hours => format!("{} h", hours(v)),
        Seconds => duration((v.max(0.0) * 1000.0) as u64),
        KWh => format!("{} kWh", number(v, if v.abs() < 100.0 { 1 } else { 0 })),
        Money => {
            let minus = if v <= -0.5 { "−" } else { "" };
            format!("{minus}{currency}\u{a0}{}", number(v.abs(), 0))
        }
        Count(decimals) => number(v, usize::from(decimals)),
        Months => format!("{} months", number(v, 1)),
    }
}

/// A figure for a table whose label carries the unit: see [`label_with_unit`].
#[must_use]
pub fn show_bare(figure: &Figure, value: Option<f64>) -> String {
    match (figure.unit, value) {
        (Money, Some(v)) => number(v, 0),
        (KWh, Some(v)) => number(v, if v.abs() < 100.0 { 1 } else { 0 }),
        _ => show(figure, value, ""),
    }
}

/// The name with the unit that [`show_bare`] leaves out.
#[must_use]
pub fn label_with_unit(figure: &Figure, currency: &str) -> String {
    match figure.unit {
        Money => format!("{}, {currency}", figure.label),
        KWh => format!("{}, kWh", figure.label),
        _ => figure.label.to_owned(),
    }
}

/// The difference from `base` to `other` in the figure's unit, and whether it is for the better.
///
/// Without a currency the text goes with [`label_with_unit`].
#[must_use]
pub fn difference(figure: &Figure, base: Option<f64>, other: Option<f64>, currency: &str) -> Option<(String, Verdict)> {
    let (base, other) = (base?, other?);
    let diff = other - base;
    let sign = if diff > 0.0 { "+" } else { "" };
    let text = match figure.unit {
        Share => format!("{sign}{} pp", number(diff * 100.0, if diff.abs() < 0.01 { 2 } else { 1 })),
        Seconds => format!("{}{}", if diff < 0.0 { "−" } else { sign }, duration((diff.abs() * 1000.0) as u64)),
        _ if currency.is_empty() => format!("{sign}{}", show_bare(figure, Some(diff))),
        _ => format!("{sign}{}", show(figure, Some(diff), currency)),
    };
    // A difference that the shown digits do not carry is none.
    if !text.contains(|c: char| c.is_ascii_digit() && c != '0') {
        return Some(("same".to_owned(), Verdict::Same));
    }
    let verdict = match figure.better {
        Higher if diff > 0.0 => Verdict::Better,
        Lower if diff < 0.0 => Verdict::Better,
        Neutral => Verdict::Neutral,
        _ => Verdict::Worse,
    };
    Some((text, verdict))
}

/// Whether a difference is for the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Better for the village.
    Better,
    /// Worse for the village.
    Worse,
    /// Different, and neither better nor worse.
    Neutral,
    /// No difference that the shown digits carry.
    Same,
}

/// The figure of that key.
#[must_use]
pub fn find(key: &str) -> Option<&'static Figure> {
    GROUPS.iter().flat_map(|(_, figures)| figures.iter()).find(|figure| figure.key == key)
}

/// A figure of an architecture as written for people.
#[must_use]
pub fn shown(arch: &Architecture, key: &str, currency: &str) -> String {
    find(key).map_or_else(|| "–".to_owned(), |figure| show(figure, arch.kpi(key), currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_know_their_direction() {
        let lost = find("downtime_h").unwrap();
        assert_eq!(difference(lost, Some(10.0), Some(4.0), "TZS"), Some(("−6.0 h".to_owned(), Verdict::Better)));
        let share = find("asai").unwrap();
        assert_eq!(difference(share, Some(0.99), Some(0.97), "TZS"), Some(("−2.0 pp".to_owned(), Verdict::Worse)));
        assert_eq!(difference(share, Some(0.5), Some(0.5), "TZS"), Some(("same".to_owned(), Verdict::Same)));
        assert_eq!(difference(share, None, Some(0.5), "TZS"), None);
    }

    #[test]
    fn keys_are_unique() {
        let mut keys: Vec<_> = GROUPS.iter().flat_map(|(_, figures)| figures.iter().map(|f| f.key)).collect();
        let before = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), before);
    }
}
