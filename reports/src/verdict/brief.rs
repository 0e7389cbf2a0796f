//! The first screen: what will go wrong in this village, what to buy, and how sure that is.

use taa_sim::cause::DownClass;
use taa_studies::study::{Estimate, Remedy, Study};

use crate::{
    data::{Architecture, CauseRow, DAY_MS, ReportData},
    numbers::{duration, number, percent},
    prose::capital,
    time,
};

use super::{parts, rank};

/// Causes named.
const WRONGS: usize = 3;
/// Purchases named.
const PURCHASES: usize = 4;
/// A cause with a smaller share of the lost hours is not named, unless it is the first.
const LEAST_SHARE: f64 = 0.03;

/// The first screen in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Brief {
    /// The figure behind the headline.
    pub figure: String,
    /// What each architecture is, in a few words.
    pub glosses: Vec<(String, String)>,
    /// The architecture that `wrongs` speaks of, where there are several.
    pub under: Option<String>,
    /// What goes wrong, largest first.
    pub wrongs: Vec<Wrong>,
    /// What to change first, best first.
    pub purchases: Vec<Purchase>,
    /// The architecture that all purchases were tried on, where there are several.
    pub purchases_on: Option<String>,
    /// What the purchases save: heading of the figures.
    pub saves_heading: String,
    /// What to say about the purchases, or in their place.
    pub purchases_note: String,
    /// How sure all this is.
    pub certainty: Certainty,
}

/// One cause on the first screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The cause.
    pub title: String,
    /// How many hours.
    pub hours: String,
    /// Who, when, how long, and what the other architecture makes of it.
    pub text: String,
}

/// Something to buy or to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// In words.
    pub words: String,
    /// Hours that it saves, per customer.
    pub saves: String,
    /// Their 95 % range; empty for one draw.
    pub range: String,
    /// Its interval includes zero.
    pub unsure: bool,
    /// What it costs.
    pub price: String,
    /// When it has paid for itself.
    pub pays_back: String,
}

/// How sure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certainty {
    /// `one draw`, `12 draws`.
    pub draws: String,
    /// The sentences.
    pub text: String,
}

/// The first screen of a run.
#[must_use]
pub fn brief(data: &ReportData) -> Brief {
    let archs: Vec<&Architecture> = data.architectures.iter().collect();
    let several = archs.len() > 1;
    let (wrongs, under, (purchases, purchases_note)) = match rank::best_and_worst(&archs) {
        Some((best, worst)) => {
            // Both halves of the screen speak of the architecture that the purchases were tried on.
            let on = purchases_on(data);
            let worst = on.and_then(|on| archs.iter().copied().find(|arch| arch.name == on)).unwrap_or(worst);
            let other = if std::ptr::eq(worst, best) {
                archs.iter().copied().rfind(|a| a.name != worst.name)
            } else {
                Some(best)
            };
            let wrongs = wrongs(data, worst, other.unwrap_or(best));
            (wrongs, several.then(|| worst.name.clone()), purchases(data, worst, best))
        }
        None => (Vec::new(), None, (Vec::new(), String::new())),
    };
    Brief {
        figure: figure(data),
        glosses: if several { archs.iter().map(|arch| (arch.name.clone(), gloss(arch))).collect() } else { Vec::new() },
        under,
        wrongs,
        purchases_on: purchases_on(data),
        saves_heading: if yearly(data) {
            "Saves per customer and year".to_owned()
        } else {
            format!("Saves per customer {}", period(data).1)
        },
        purchases,
        purchases_note,
        certainty: certainty(data),
    }
}

/// Factor from the run's hours to the hours told, and the words of the period: a year, or the run itself where scripted
/// faults make a yearly figure meaningless.
fn period(data: &ReportData) -> (f64, String) {
    let days = data.run.days().max(1e-9);
    if !yearly(data) {
        (1.0, format!("in these {} days", number(days, if (days - days.round()).abs() < 0.01 { 0 } else { 1 })))
    } else {
        (365.0 / days, "a year".to_owned())
    }
}

/// Hours of the run may be told as hours of a year.
pub(crate) fn yearly(data: &ReportData) -> bool {
    !data.run.annualised() || data.scenario.faults.is_empty()
}

/// Hours with as many digits as mean something.
fn told_h(h: f64) -> String {
    number(h, if h.abs() < 10.0 { 1 } else { 0 })
}

/// Hours and their range: `41 h`, `12 to 70 h`; no range for one draw.
fn hours_and_range(estimate: &Estimate, factor: f64) -> (String, String) {
    let told = |h: f64| told_h(h * factor);
    let range =
        if estimate.n < 2 { String::new() } else { format!("{} to {} h", told(estimate.low), told(estimate.high)) };
    (format!("{} h", told(estimate.mean)), range)
}

fn figure(data: &ReportData) -> String {
    let customers = data.village.customers.len().max(1) as f64;
    let (factor, period) = period(data);
    let lost = |arch: &Architecture| {
        let many = data.many_draws().and_then(|study| {
            let kpis = &study.spreads.iter().find(|spread| spread.architecture == arch.name)?.kpis;
            let days = if yearly(data) { 365.0 } else { data.run.days() };
            let scale = days / f64::from(study.days.max(1)) / customers;
            let e = kpis.get("downtime_h")?;
            Some(format!(
                "{} h ({} to {})",
                told_h(e.mean * scale),
                told_h((e.low * scale).max(0.0)),
                told_h(e.high * scale)
            ))
        });
        many.unwrap_or_else(|| format!("{} h", told_h(arch.lost_h() * factor / customers)))
    };
    let served = |arch: &Architecture| percent(arch.kpi("paid_service_availability").unwrap_or(1.0));
    match data.architectures.as_slice() {
        [] => String::new(),
        [one] => format!(
            "The average customer is without light that is paid for {} {period}; {} of the paid-for time is served.",
            lost(one),
            served(one)
        ),
        many => {
            let each: Vec<String> = many
                .iter()
                .map(|arch| format!("{} with {} ({} of the paid-for time served)", lost(arch), arch.name, served(arch)))
                .collect();
            let each: Vec<&str> = each.iter().map(String::as_str).collect();
            format!("Without light that is paid for, per customer {period}: {}.{}", parts::list(&each), despite(data))
        }
    }
}

/// Why the best one is not the one with the fewest lost hours, where that is so.
fn despite(data: &ReportData) -> String {
    let archs: Vec<&Architecture> = data.architectures.iter().collect();
    let Some((best, _)) = rank::best_and_worst(&archs) else { return String::new() };
    let Some(fewest) = rank::fewer_hours(&archs, best) else { return String::new() };
    format!(
        " Even so {} serves more energy that is paid for ({} against {} kWh): customers without credit lose no hours, but \
         have no light.",
        best.name,
        number(rank::paid_kwh(best), 0),
        number(rank::paid_kwh(fewest), 0)
    )
}

/// What an architecture is, for somebody who has never heard its name.
fn gloss(arch: &Architecture) -> String {
    let of = |name: &str| arch.traits.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value.as_str());
    let mut parts = vec![format!("balances {}", of("Balance kept")), of("Wide-area link").to_owned()];
    if of("Keypad for tokens") == "yes" {
        parts.push("tokens typed in".to_owned());
    }
    if of("Credit sold in the village") == "yes" {
        parts.push("credit sold in the village".to_owned());
    }
    if of("Relay after a restart").starts_with("waits") {
        parts.push("relays wait for an order after a restart".to_owned());
    }
    parts.join(", ")
}

fn wrongs(data: &ReportData, worst: &Architecture, best: &Architecture) -> Vec<Wrong> {
    let total = worst.causes.iter().map(CauseRow::total_ms).sum::<u64>().max(1) as f64;
    worst
        .causes
        .iter()
        .enumerate()
        .filter(|(i, row)| *i == 0 || row.total_ms() as f64 / total >= LEAST_SHARE)
        .take(WRONGS)
        .map(|(_, row)| wrong(data, worst, best, row, row.total_ms() as f64 / total))
        .collect()
}

fn wrong(data: &ReportData, worst: &Architecture, best: &Architecture, row: &CauseRow, share: f64) -> Wrong {
    let customers = data.village.customers.len();
    let (factor, period) = period(data);
    let hours = |ms: u64| format!("{} h", told_h(ms as f64 / 3_600_000.0 * factor / customers.max(1) as f64));
    let fault = data.scenario.faults.iter().find(|fault| row.key == format!("scripted:{}", fault.id));
    let title = fault.map_or_else(|| capital(&row.words), |f| format!("{} (scripted)", capital(&f.words)));
    let mut text = String::new();
    let hit = &row.hit;
    if hit.customers > 0 {
        let who = if hit.customers as usize == customers {
            format!("All {customers} customers")
        } else {
            format!("{} of {customers} customers", hit.customers)
        };
        let class = (0..3).max_by_key(|&class| (row.ms[class], std::cmp::Reverse(class))).unwrap_or(0);
        let what = match DownClass::ALL[class] {
            DownClass::SupplyDown => "had credit and no supply",
            DownClass::CreditStuck => "had paid and got no light",
            DownClass::PaymentBlocked => "could not pay",
        };
        text = format!("{who} {what}{}, up to {} on end.", when(data, row), duration(hit.longest_ms));
    }
    if !std::ptr::eq(worst, best) {
        let there = best.causes.iter().find(|other| other.key == row.key).map_or(0, CauseRow::total_ms);
        let change = there as f64 / row.total_ms().max(1) as f64;
        text.push_str(&if there == 0 {
            format!(" None of it with {}.", best.name)
        } else if (0.95..=1.05).contains(&change) {
            format!(" The same with {}.", best.name)
        } else {
            format!(" With {}: {}.", best.name, hours(there))
        });
    }
    Wrong {
        title,
        hours: format!("{} per customer {period}, {} of what is lost", hours(row.total_ms()), percent(share)),
        text: text.trim_start().to_owned(),
    }
}

/// `, mostly in the evening, half of it 5 to 14 Jan`: only what stands out.
fn when(data: &ReportData, row: &CauseRow) -> String {
    const QUARTERS: [&str; 4] = ["at night", "in the morning", "in the afternoon", "in the evening"];
    let quarters = &row.hit.by_quarter_ms;
    let total = quarters.iter().sum::<u64>().max(1) as f64;
    let mut out = String::new();
    if let Some(most) = (0..4).max_by_key(|&q| quarters[q])
        && quarters[most] as f64 / total > 0.45
    {
        out.push_str(&format!(", mostly {}", QUARTERS[most]));
    }
    let [first, last] = row.hit.half_within_days;
    let days = data.run.days();
    if f64::from(last - first + 1) <= 0.3 * days {
        let day =
            |d: u32| time::day(time::local(data.run.start_unix_s, data.scenario.utc_offset_s, u64::from(d) * DAY_MS));
        out.push_str(&if first == last {
            format!(", half of it on {}", day(first))
        } else {
            format!(", half of it {} to {}", day(first), day(last))
        });
    }
    out
}

/// Money in US dollars, at once and a month.
pub(crate) fn price(remedy: &Remedy) -> String {
    price_in_words(remedy.price_usd, remedy.monthly_usd)
}

fn price_in_words(price_usd: f64, monthly_usd: f64) -> String {
    let usd = |v: f64| format!("${}", number(v, 0));
    match (price_usd > 0.0, monthly_usd > 0.0) {
        (true, true) => format!("{} + {} a month", usd(price_usd), usd(monthly_usd)),
        (false, true) => format!("{} a month", usd(monthly_usd)),
        _ => usd(price_usd),
    }
}

/// Months in words.
pub(crate) fn pays_back(months: Option<f64>) -> String {
    match months {
        None => "never".to_owned(),
        Some(m) if m < 1.0 => "within a month".to_owned(),
        Some(m) if m < 1.5 => "a month".to_owned(),
        Some(m) if m < 24.0 => format!("{} months", number(m, 0)),
        Some(m) => format!("{} years", number(m / 12.0, usize::from(m < 120.0))),
    }
}

/// The interval of a saving includes zero: it may be chance. One draw has no interval.
pub(crate) const fn includes_zero(estimate: &Estimate) -> bool {
    estimate.n > 1 && estimate.low <= 0.0 && estimate.high >= 0.0
}

fn purchases(data: &ReportData, worst: &Architecture, best: &Architecture) -> (Vec<Purchase>, String) {
    let tried = data.study.as_ref().filter(|study| !study.remedies.is_empty());
    let Some(study) = tried else { return (switch(data, worst, best), without_study(data, worst, best)) };
    let helps: Vec<&Remedy> = study.remedies.iter().filter(|remedy| remedy.saved_h_per_year.mean > 0.0).collect();
    let each = purchases_on(data).is_none() && data.architectures.len() > 1;
    // With scripted faults a year of such months would be told otherwise.
    let factor = if yearly(data) { 1.0 } else { data.run.days() / 365.0 };
    let rows: Vec<Purchase> = helps
        .iter()
        .take(PURCHASES)
        .map(|remedy| {
            let (saves, range) = hours_and_range(&remedy.saved_h_per_year, factor);
            Purchase {
                words: if each { format!("{}, on {}", remedy.words, remedy.on) } else { remedy.words.clone() },
                saves,
                range,
                unsure: includes_zero(&remedy.saved_h_per_year),
                price: price(remedy),
                pays_back: if yearly(data) { pays_back(remedy.payback_months) } else { "–".to_owned() },
            }
        })
        .collect();
    let mut note = match (rows.is_empty(), rows.iter().filter(|row| row.unsure).count()) {
        (false, 0) if study.draws == 1 => {
            "What it would have saved in this very run. Savings overlap and do not add up; another draw gives other figures \
             (--replications 20)."
                .to_owned()
        }
        (true, _) => format!("Of {} purchases that were tried, none helped.", study.remedies.len()),
        (false, 0) => String::new(),
        (false, n) if n == rows.len() => format!(
            "None of them is sure: {} draw{} cannot tell the savings from chance. More draws can (--replications 20).",
            study.draws,
            plural(study.draws)
        ),
        _ => "Where the range includes zero, the saving may be chance.".to_owned(),
    };
    if yearly(data) && !rows.is_empty() && study.remedies.iter().all(|remedy| remedy.payback_months.is_none()) {
        note.insert_str(0, "For light, in this order; in money none of them pays for itself. ");
    }
    if !yearly(data) && !rows.is_empty() {
        note.push_str(" No payback is told: it would take the scripted faults for those of every month.");
    }
    (rows, note.trim_start().to_owned())
}

/// The architecture that all purchases were tried on, where several are compared.
fn purchases_on(data: &ReportData) -> Option<String> {
    let remedies = &data.study.as_ref().filter(|_| data.architectures.len() > 1)?.remedies;
    let on = &remedies.first()?.on;
    remedies.iter().all(|remedy| remedy.on == *on).then(|| on.clone())
}

/// Without a study the one purchase that was simulated is the change of architecture.
fn switch(data: &ReportData, worst: &Architecture, best: &Architecture) -> Vec<Purchase> {
    let customers = data.village.customers.len().max(1) as f64;
    let (factor, _) = period(data);
    let saved_h = (worst.lost_h() - best.lost_h()) * factor / customers;
    if std::ptr::eq(worst, best) || saved_h <= 0.02 * worst.lost_h() * factor / customers {
        return Vec::new();
    }
    // Prices are those of turning the first architecture into another.
    let first = data.architectures.first().is_some_and(|first| std::ptr::eq(first, worst));
    let (price_usd, monthly_usd) = best.upgrade_usd;
    let priced = first && price_usd > 0.0;
    let payback = best.kpi("payback_months").filter(|_| priced);
    vec![Purchase {
        words: format!("{} in place of {}", best.name, worst.name),
        saves: format!("{} h, one draw", told_h(saved_h)),
        range: String::new(),
        unsure: false,
        price: if priced { price_in_words(price_usd, monthly_usd) } else { "–".to_owned() },
        pays_back: payback.map_or_else(|| "–".to_owned(), |months| pays_back(Some(months))),
    }]
}

fn without_study(data: &ReportData, worst: &Architecture, best: &Architecture) -> String {
    let stopped = if data.run.partial {
        "The run was stopped before purchases were tried out."
    } else {
        "No purchases were tried out in this run."
    };
    format!("{stopped} {}", parts::what_next(worst, best))
}

fn certainty(data: &ReportData) -> Certainty {
    let run = &data.run;
    let days = number(run.days(), if (run.days() - run.days().round()).abs() < 0.01 { 0 } else { 1 });
    let Some(study) = data.many_draws() else {
        let scaled = if run.annualised() { ", too short to know the other seasons" } else { "" };
        let tried = match &data.study {
            Some(study) if !study.remedies.is_empty() => format!(" Purchases: {}", super::lower(&tried(study))),
            _ => String::new(),
        };
        return Certainty {
            draws: "one draw".to_owned(),
            text: format!(
                "One draw (seed {}) of {days} days{scaled}: another draw of weather, towers and breakages gives other \
                 figures, and many rates behind it are only assumed.{tried}{}",
                run.seed,
                if run.partial { " It was stopped early." } else { "" }
            ),
        };
    };
    Certainty {
        draws: format!("{} draws", study.draws),
        text: format!(
            "{} draws of {} days; what stands in brackets is the 95 % range of the mean.{} {}",
            study.draws,
            study.days,
            if study.remedies.is_empty() {
                String::new()
            } else {
                format!(" Purchases: {}", super::lower(&tried(study)))
            },
            super::weak::assumptions(study)
        ),
    }
}

/// How the purchases were looked at, ending in a full stop.
pub(crate) fn tried(study: &Study) -> String {
    if study.remedies_basis.is_empty() {
        format!("Tried in {} draw{} of {} days.", study.draws, plural(study.draws), study.days)
    } else {
        format!("{}.", study.remedies_basis.trim_end_matches('.'))
    }
}

const fn plural(n: u32) -> &'static str {
    if n == 1 { "" } else { "s" }
}
