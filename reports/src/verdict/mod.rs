//! The verdict in plain words: will the light stay on, and if not, why.
//!
//! Written from the figures, branch by branch, so that it says something else when the figures do. The order is that
//! of a good site engineer's report: the answer, how much, why, what the architectures change, who bears it, what it
//! points to, and how far to trust it. The thresholds below are ours; each is named where it is used.

mod brief;
mod parts;
mod rank;
mod weak;

use taa_sim::cause::DownClass;

pub use self::brief::{Brief, Certainty, Purchase, Wrong, brief};
/// Small phrases about estimates that page and terminal share.
pub(crate) mod told {
    pub(crate) use super::{
        brief::{includes_zero, pays_back, price, tried, yearly},
        weak::assumptions,
    };
}
use crate::{
    data::{Architecture, HOUR_MS, ReportData},
    numbers::{number, percent},
    words,
};

/// How well people are served, by the availability of paid service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Below 80 %: more than four hours and a half a day are lost.
    Poor,
    /// Below 95 %: more than an hour and a quarter a day.
    Unreliable,
    /// More than 50 hours a year (below 99.43 %).
    Mostly,
    /// Below 99.9 %: nine to fifty hours a year.
    Good,
    /// 99.9 % or better: what a good grid gives.
    Steady,
}

impl Level {
    /// The level of an architecture.
    #[must_use]
    pub fn of(arch: &Architecture) -> Self {
        match arch.kpi("paid_service_availability").unwrap_or(1.0) {
            a if a < 0.80 => Self::Poor,
            a if a < 0.95 => Self::Unreliable,
            a if a < 1.0 - GAPS_H_PER_YEAR / 8766.0 => Self::Mostly,
            a if a < 0.999 => Self::Good,
            _ => Self::Steady,
        }
    }

    /// The answer in a word or two. Hours lost on the mean and the longest darkness of anybody are two things: gaps are
    /// short only where none lasts a day.
    const fn answer(self, a_day_dark: bool) -> &'static str {
        match (self, a_day_dark) {
            (Self::Poor, _) => "No",
            (Self::Unreliable, _) => "Not reliably",
            (Self::Mostly, _) => "Mostly",
            (Self::Good, false) => "Yes, with short gaps",
            (Self::Good, true) => "Yes, with some long gaps",
            (Self::Steady, false) => "Yes",
            (Self::Steady, true) => "Yes, with rare long gaps",
        }
    }
}

/// Hours lost a year from which gaps are no footnote any more: an hour a week.
const GAPS_H_PER_YEAR: f64 = 50.0;
/// A darkness of this length is a long one.
const LONG_GAP_H: f64 = 24.0;

fn answer(arch: &Architecture) -> &'static str {
    Level::of(arch).answer(arch.kpi("longest_outage_h").unwrap_or(0.0) >= LONG_GAP_H)
}

/// The verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The question that it answers.
    pub question: String,
    /// The answer in a line.
    pub headline: String,
    /// Level of the best architecture: colours the page.
    pub level: Level,
    /// Short paragraphs: a lead-in word or two, and the text.
    pub paragraphs: Vec<(&'static str, String)>,
    /// How far to trust it.
    pub caveat: String,
}

/// The verdict on a run.
#[must_use]
pub fn verdict(data: &ReportData) -> Verdict {
    let question = format!("Will the light stay on in {}?", data.scenario.title);
    let archs: Vec<&Architecture> = data.architectures.iter().collect();
    let Some(&baseline) = archs.first() else {
        return Verdict {
            question,
            headline: "Nothing was simulated.".to_owned(),
            level: Level::Poor,
            paragraphs: Vec::new(),
            caveat: String::new(),
        };
    };
    let (best, worst) = rank::best_and_worst(&archs).unwrap_or((baseline, baseline));
    let mut paragraphs = vec![("How much", parts::how_much(data, best, worst))];
    if worst.lost_h() > 0.0 {
        paragraphs.push(("Why", parts::why(data, worst)));
        if let Some(text) = parts::what_changes(worst, best) {
            paragraphs.push(("What the architecture changes", text));
        }
        if let Some(text) = parts::who(data, worst, best) {
            paragraphs.push(("Who bears it", text));
        }
        if let Some(text) = parts::against(&archs, best) {
            paragraphs.push(("What speaks against it", text));
        }
        paragraphs.push(("What it points to", parts::what_next(worst, best)));
    }
    Verdict {
        question,
        headline: with_the_long_dark(headline(&archs, best), data, best),
        level: Level::of(best),
        paragraphs,
        caveat: parts::caveat(data),
    }
}

fn headline(archs: &[&Architecture], best: &Architecture) -> String {
    if archs.iter().all(|arch| arch.lost_h() < 1e-9) {
        return "Yes. In this draw nobody lost an hour.".to_owned();
    }
    if archs.len() == 1 {
        return format!("{}.", answer(best));
    }
    if archs.iter().all(|arch| answer(arch) == answer(best)) {
        let least = archs.iter().map(|arch| arch.lost_h()).fold(f64::INFINITY, f64::min);
        let most = archs.iter().map(|arch| arch.lost_h()).fold(0.0, f64::max);
        let answer = answer(best);
        return if least > 0.9 * most {
            format!("{answer}, whichever the architecture.")
        } else {
            match parts::cheapest(archs, best) {
                Some(other) => format!(
                    "{answer} under each architecture: most paid energy under {}, least cost under {}.",
                    best.name, other.name
                ),
                None => format!("{answer} under each architecture, and best under {}.", best.name),
            }
        };
    }
    // Best first, ties by the order asked for; equal answers share a sentence.
    let mut order: Vec<&&Architecture> = archs.iter().collect();
    order.sort_by_key(|arch| std::cmp::Reverse(Level::of(arch)));
    let mut sentences: Vec<(&str, Vec<&str>)> = Vec::new();
    for arch in order {
        match sentences.iter_mut().find(|(said, _)| *said == answer(arch)) {
            Some((_, names)) => names.push(&arch.name),
            None => sentences.push((answer(arch), vec![&arch.name])),
        }
    }
    let say = |(answer, names): &(&str, Vec<&str>)| {
        format!("{answer}{} under {}", if answer.contains(',') { "," } else { "" }, parts::list(names))
    };
    let all: Vec<String> = sentences.iter().map(say).collect();
    let all: Vec<String> = all.iter().enumerate().map(|(i, s)| if i == 0 { s.clone() } else { lower(s) }).collect();
    format!("{}.", all.join("; "))
}

/// Availability hides those who sit in the dark for days while the others have light: from a twentieth of the customers
/// on, the headline names them.
fn with_the_long_dark(headline: String, data: &ReportData, best: &Architecture) -> String {
    let customers = data.village.customers.len();
    let dark = best.kpi("customers_dark_96h").unwrap_or(0.0);
    if dark < 0.05 * customers as f64 || dark < 1.0 {
        return headline;
    }
    let under = if data.architectures.len() > 1 { format!(" even under {}", best.name) } else { String::new() };
    let dark = number(dark, 0);
    // After a "no" this is more of the same, after a "yes" it is not.
    let and = if Level::of(best) <= Level::Unreliable { "And" } else { "But" };
    format!("{} {and} {dark} of {customers} customers were dark for four days on end{under}.", headline.trim_end())
}

pub(crate) fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// Mean lost hours of a customer over the run.
fn per_customer_h(data: &ReportData, arch: &Architecture) -> f64 {
    arch.lost_h() / data.village.customers.len().max(1) as f64
}

/// The class that holds most of the lost time, and its share.
fn biggest_class(arch: &Architecture) -> (DownClass, f64) {
    let lost = arch.lost_ms();
    let total: u64 = lost.iter().sum();
    let class = DownClass::ALL.into_iter().rev().max_by_key(|&c| lost[c as usize]).unwrap_or(DownClass::SupplyDown);
    (class, lost[class as usize] as f64 / total.max(1) as f64)
}

fn class_sentence(arch: &Architecture) -> String {
    let (class, share) = biggest_class(arch);
    if share > 0.999 {
        format!("In all of these hours {}.", words::class_meaning(class))
    } else if share >= 0.5 {
        format!("In {} of the hours {}.", percent(share), words::class_meaning(class))
    } else {
        let lost = arch.lost_ms();
        let total: u64 = lost.iter().sum();
        let part = |class: DownClass| {
            format!("{} {}", percent(lost[class as usize] as f64 / total.max(1) as f64), words::class_name(class))
        };
        format!("No class holds half of it: {}.", DownClass::ALL.map(part).join(", "))
    }
}

fn hours_of(ms: u64) -> String {
    let h = ms as f64 / HOUR_MS as f64;
    number(h, if h < 10.0 { 1 } else { 0 })
}
