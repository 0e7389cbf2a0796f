//! Section `[run]` and what the command line changes in it.

use std::path::Path;

use jiff::civil::Date;
use taa_dcu::config::Traits;

use super::{Overrides, architectures};
use crate::diagnostics::{Diagnostics, PlanProblem, Spot};
use crate::document::Document;
use crate::faults;
use crate::model::{RunPlan, Site};
use crate::schema::{DAYS_MAX, DiskModel, SEED_MAX, ScenarioFile};

/// A run, before its clock is known.
pub(super) struct Plan {
    start: Date,
    days: u32,
    seed: u64,
    disk: DiskModel,
    architectures: Vec<(String, Traits)>,
}

impl Plan {
    pub(super) fn span(&self) -> faults::Span {
        faults::Span { start: self.start, days: self.days }
    }

    pub(super) fn architectures(&self) -> &[(String, Traits)] {
        &self.architectures
    }

    /// The run at a site's local midnight.
    pub(super) fn at(self, site: &Site) -> RunPlan {
        let epoch = Date::constant(1970, 1, 1);
        let days = self.start.duration_since(epoch).as_secs() / 86_400;
        RunPlan {
            start_unix_s: days * 86_400 - i64::from(site.utc_offset_s),
            days: self.days,
            seed: self.seed,
            replication: 0,
            ledger: false,
            disk: self.disk,
            architectures: self.architectures,
        }
    }
}

/// Reads the plan, or says what is wrong with it.
pub(super) fn read(
    document: &Document,
    file: &ScenarioFile,
    overrides: &Overrides,
    found: &mut Diagnostics,
) -> Option<Plan> {
    let flag = |name: &str| Spot::file(Path::new("command line")).field(name);
    let start = match &overrides.start {
        Some(text) => date(text, flag("--start"), found),
        None => date(&file.run.start, document.at("run.start"), found),
    };
    let days = match overrides.days {
        Some(days) => length(i64::from(days), flag("--days"), found),
        None => length(file.run.days, document.at("run.days"), found),
    };
    let seed = match overrides.seed {
        Some(seed) => seed_of(i128::from(seed), flag("--seed"), found),
        None => seed_of(i128::from(file.run.seed), document.at("run.seed"), found),
    };
    let from_command_line = !overrides.architectures.is_empty();
    let names = if from_command_line { &overrides.architectures } else { &file.run.architectures };
    let architectures = architectures::chosen(document, file, names, &overrides.traits, from_command_line, found);
    Some(Plan { start: start?, days: days?, seed: seed?, disk: file.run.disk, architectures })
}

fn seed_of(seed: i128, at: Spot, found: &mut Diagnostics) -> Option<u64> {
    let fits = u64::try_from(seed).ok().filter(|seed| *seed <= SEED_MAX);
    if fits.is_none() {
        found.push(PlanProblem::Seed { at, found: seed.to_string(), max: SEED_MAX });
    }
    fits
}

fn length(days: i64, at: Spot, found: &mut Diagnostics) -> Option<u32> {
    if days < 1 {
        found.push(PlanProblem::NoDays { at, found: days, max: DAYS_MAX });
        return None;
    }
    let fits = u32::try_from(days).ok().filter(|days| *days <= DAYS_MAX);
    if fits.is_none() {
        found.push(PlanProblem::TooManyDays { at, found: days, max: DAYS_MAX });
    }
    fits
}

fn date(text: &str, at: Spot, found: &mut Diagnostics) -> Option<Date> {
    let trimmed = text.trim();
    let date = match trimmed.parse::<Date>() {
        Ok(date) if trimmed.len() == 10 => date,
        _ => {
            let parts: Vec<&str> = trimmed.split(['-', '/', '.']).collect();
            let numbers = parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok());
            let detail = match parts.first() {
                Some(year) if numbers && year.len() == 4 && !trimmed.contains(['/', '.']) => "; there is no such day",
                Some(day) if numbers && day.len() < 4 => "; the year stands first",
                _ if numbers => "; with hyphens",
                _ => "",
            };
            found.push(PlanProblem::BadDate { at, found: text.to_owned(), detail: detail.to_owned() });
            return None;
        }
    };
    if date < Date::constant(1970, 1, 2) || date > Date::constant(2099, 12, 31) {
        found.push(PlanProblem::DateRange { at, found: date.to_string() });
        return None;
    }
    Some(date)
}
