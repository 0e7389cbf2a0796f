//! Section `[demand]`: ranges, classes of the scenario's own, and a profile file in place of drawn demand.
//!
//! The profile is a CSV as RAMP users write it: a column of local times at an even step from 00:00 on, then a column
//! for each class with the power of all its users together, W. A column `village_total` is passed over.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use taa_models::demand::{Class, DemandParams, Profile};

use super::{range_problem, reference};
use crate::diagnostics::{Diagnostics, SettingProblem, Spot};
use crate::document::{Document, did_you_mean};
use crate::model::Village;
use crate::schema::ScenarioFile;

/// After so many bad cells the rest of the file is not worth reading.
const PROBLEMS_MAX: usize = 8;
/// More than any village takes, W.
const POWER_MAX: f64 = 10_000_000.0;

/// Ranges of the section and of each class's appliances.
pub(super) fn ranges(document: &Document, file: &ScenarioFile, found: &mut Diagnostics) {
    for error in file.demand.check() {
        found.push(range_problem(document.at(&format!("demand.{}", error.field)), &error));
    }
    for (path, error) in file.demand.check_classes() {
        let path =
            if error.field == "class" { format!("demand.{path}") } else { format!("demand.{path}.{}", error.field) };
        found.push(range_problem(document.at(&path), &error));
    }
}

/// Classes beside the built-in ones: defined under `[demand.class]`, or counted for a column of the profile.
pub(crate) fn own_classes(demand: &DemandParams) -> Vec<Class> {
    let defined = demand.class.keys().filter_map(|name| Class::of(name));
    let counted = demand.profile_users.keys().filter_map(|column| DemandParams::class_of_column(column));
    let mut all: Vec<Class> = defined.chain(counted).filter(|class| matches!(class, Class::Own(_))).collect();
    all.sort();
    all.dedup();
    all
}

/// The demand with its profile read; `None` where the profile is unsound.
pub(super) fn resolve(
    document: &Document,
    file: &ScenarioFile,
    village: &Village,
    found: &mut Diagnostics,
) -> Option<DemandParams> {
    let mut demand = file.demand.clone();
    let Some(name) = &demand.profile else {
        if let Some(column) = demand.profile_users.keys().next() {
            found.push(SettingProblem::Profile {
                at: document.at(&format!("demand.profile_users.{column}")),
                what: "users are counted for a profile, and no profile is named".to_owned(),
                help: "add profile = \"FILE.csv\" under [demand], or leave profile_users out".to_owned(),
            });
            return None;
        }
        return Some(demand);
    };
    let path = reference::existing(document, "demand.profile", name, found)?;
    let columns = read(&path, &demand, found)?;
    for (column, &users) in &demand.profile_users {
        let at = || document.at(&format!("demand.profile_users.{column}"));
        if !columns.iter().any(|(title, ..)| title == column) {
            let titles: Vec<&str> = columns.iter().map(|(title, ..)| title.as_str()).collect();
            let suggestion = did_you_mean(column, titles.iter().copied());
            found.push(SettingProblem::UnknownWord {
                at: at(),
                value: column.clone(),
                suggestion,
                allowed: titles.join(", "),
            });
            return None;
        }
        if users == 0 {
            let error = taa_models::ParamError { field: "profile_users", value: "0".to_owned(), allowed: "1 or more" };
            found.push(range_problem(at(), &error));
            return None;
        }
    }
    for (column, class, step_s, sums) in columns {
        let here = village.customers.iter().filter(|customer| customer.class == class).count();
        let users = demand.profile_users.get(&column).copied().map_or(here as f64, f64::from);
        if users > 0.0 {
            let watts = sums.iter().map(|&sum| (sum / users) as f32).collect();
            demand.profiles.insert(class, Profile { step_s, watts });
        }
    }
    Some(demand)
}

/// A column: its title, class, step in seconds, and power summed over the class, W.
type Column = (String, Class, u32, Vec<f64>);

fn read(path: &Path, demand: &DemandParams, found: &mut Diagnostics) -> Option<Vec<Column>> {
    let text = match fs::read(path).map(String::from_utf8) {
        Ok(Ok(text)) => text,
        Ok(Err(_)) => {
            found.push(problem(Spot::file(path), "not a text file in UTF-8".to_owned(), "save it as CSV, UTF-8"));
            return None;
        }
        Err(error) => {
            found.push(problem(Spot::file(path), format!("cannot be read: {error}"), "a CSV file belongs here"));
            return None;
        }
    };
    let reader = Csv { path, text: &text };
    let before = found.problems.len();
    let titles = reader.titles(demand, found)?;
    let columns = reader.rows(titles, found);
    (found.problems.len() == before).then_some(columns).flatten()
}

fn problem(at: Spot, what: String, help: &str) -> SettingProblem {
    SettingProblem::Profile { at, what, help: help.to_owned() }
}

struct Csv<'a> {
    path: &'a Path,
    text: &'a str,
}

impl<'a> Csv<'a> {
    /// Non-empty lines with the byte at which each starts.
    fn lines(&self) -> impl Iterator<Item = (usize, &'a str)> {
        let text = self.text;
        text.split_inclusive('\n')
            .scan(0, |at, line| {
                let start = *at;
                *at += line.len();
                Some((start, line.trim_end_matches(['\n', '\r'])))
            })
            .filter(|(_, line)| !line.trim().is_empty())
    }

    /// Where a cell stands.
    fn spot(&self, start: usize, line: &str, column: usize) -> Spot {
        let from = start + line.split(',').take(column).map(|cell| cell.len() + 1).sum::<usize>();
        let length = line.split(',').nth(column).map_or(1, str::len);
        let from = from.min(self.text.len().saturating_sub(1));
        Spot::span(self.path, self.text, from..(from + length).min(self.text.len()))
    }

    /// The class of each column that counts, by column number.
    fn titles(&self, demand: &DemandParams, found: &mut Diagnostics) -> Option<Vec<(usize, String, Class)>> {
        let Some((start, header)) = self.lines().next() else {
            found.push(problem(Spot::file(self.path), "the file is empty".to_owned(), "a header and rows belong here"));
            return None;
        };
        let own = own_classes(demand);
        let mut titles: Vec<(usize, String, Class)> = Vec::new();
        for (column, title) in header.trim_start_matches('\u{feff}').split(',').enumerate().skip(1) {
            let title = title.trim().trim_matches('"');
            if title == "village_total" {
                continue;
            }
            let at = || self.spot(start, header, column).field(title);
            let class = DemandParams::class_of_column(title);
            match class.filter(|class| Class::ALL.contains(class) || own.contains(class)) {
                Some(class) if titles.iter().any(|(.., other)| *other == class) => {
                    found.push(problem(at(), format!("a second column for `{}`", class.name()), "one column a class"));
                }
                Some(class) => titles.push((column, title.to_owned(), class)),
                None => {
                    let mut allowed: Vec<String> =
                        ["hh_low", "hh_mid", "hh_high", "village_total"].map(str::to_owned).to_vec();
                    allowed.extend(Class::ALL.iter().chain(&own).map(|class| class.name().to_owned()));
                    let suggestion = did_you_mean(title, allowed.iter().map(String::as_str));
                    found.push(SettingProblem::UnknownWord {
                        at: at(),
                        value: title.to_owned(),
                        suggestion,
                        allowed: allowed.join(", "),
                    });
                }
            }
        }
        if titles.is_empty() {
            let what = "no column stands for a class".to_owned();
            found.push(problem(self.spot(start, header, 0), what, "time first, then hh_low, shop, mill and so on"));
            return None;
        }
        Some(titles)
    }

    /// Reads the rows; times must follow each other from midnight at an even step, in whole days.
    fn rows(&self, titles: Vec<(usize, String, Class)>, found: &mut Diagnostics) -> Option<Vec<Column>> {
        let mut sums: Vec<Vec<f64>> = titles.iter().map(|_| Vec::new()).collect();
        let (mut last_s, mut step_s, mut bad) = (None, None, 0);
        for (start, line) in self.lines().skip(1) {
            let cells: Vec<&str> = line.split(',').map(|cell| cell.trim().trim_matches('"')).collect();
            let time = cells.first().copied().unwrap_or("");
            match (second_of_day(time), last_s, step_s) {
                (None, ..) => {
                    let help = "2026-01-31 13:00:00, local time";
                    found.push(problem(self.spot(start, line, 0).field("time"), format!("`{time}` is no time"), help));
                    return None;
                }
                (Some(0), None, _) => last_s = Some(0),
                (Some(_), None, _) => {
                    let what = format!("the first row is at {time}");
                    found.push(problem(self.spot(start, line, 0).field("time"), what, "it must be at 00:00"));
                    return None;
                }
                (Some(now), Some(last), None) if now > last && 86_400_u32.is_multiple_of(now - last) => {
                    step_s = Some(now - last);
                    last_s = Some(now);
                }
                (Some(now), Some(last), Some(step)) if now == (last + step) % 86_400 => last_s = Some(now),
                _ => {
                    let what = format!("`{time}` does not follow the row before at an even step");
                    let help = "rows must follow each other without a gap, at a step that divides a day";
                    found.push(problem(self.spot(start, line, 0).field("time"), what, help));
                    return None;
                }
            }
            for ((column, title, _), sum) in titles.iter().zip(&mut sums) {
                let cell = cells.get(*column).copied().unwrap_or("");
                match cell.parse::<f64>() {
                    Ok(watts) if (0.0..=POWER_MAX).contains(&watts) => sum.push(watts),
                    _ => {
                        let what = if cell.is_empty() { "a value is missing".to_owned() } else { format!("`{cell}`") };
                        let spot = self.spot(start, line, *column).field(title);
                        found.push(problem(spot, what, "a power in W, 0 or more, as 1234.5"));
                        bad += 1;
                    }
                }
            }
            if bad >= PROBLEMS_MAX {
                return None;
            }
        }
        let step_s = step_s.unwrap_or(3600);
        let (rows, per_day) = (sums.first().map_or(0, Vec::len), (86_400 / step_s) as usize);
        if bad == 0 && (rows == 0 || !rows.is_multiple_of(per_day)) {
            let what = format!("{rows} rows at a step of {step_s} s make no whole number of days");
            found.push(problem(Spot::file(self.path), what, &format!("{per_day} rows a day")));
            return None;
        }
        let columns = titles.into_iter().zip(sums);
        Some(columns.map(|((_, title, class), sum)| (title, class, step_s, sum)).collect())
    }
}

/// Seconds after midnight of `2026-01-31 13:00:00`; the date may be written otherwise, the time may lack seconds.
fn second_of_day(text: &str) -> Option<u32> {
    let time = text.rsplit([' ', 'T']).next()?;
    let mut parts = time.trim_end_matches('Z').split(':').map(str::parse::<u32>);
    let (hour, minute) = (parts.next()?.ok()?, parts.next()?.ok()?);
    let second = parts.next().transpose().ok()?.unwrap_or(0);
    (hour < 24 && minute < 60 && second < 60 && parts.next().is_none()).then_some(hour * 3600 + minute * 60 + second)
}

/// Classes by name, where the layout has given buildings one by their tags.
pub(super) fn classes_by_tag(
    tags: impl Iterator<Item = (usize, String)>,
    demand: &DemandParams,
    village: &mut Village,
) {
    let own: BTreeMap<String, Class> =
        own_classes(demand).into_iter().map(|class| (class.name().to_owned(), class)).collect();
    for (building, name) in tags {
        let customer = village.buildings.get(building).and_then(|building| building.customer);
        if let (Some(class), Some(customer)) = (own.get(&name), customer) {
            village.customers[customer as usize].class = *class;
        }
    }
}
