//! Scripted faults: what, where, from, until.
//!
//! ```toml
//! [[fault]]
//! what = "tower_out"
//! from = "day 8 14:00"
//! until = "36 h"          # a duration, "day 9 20:00", or a local date and time
//! ```
//!
//! Times are local civil time of the village; `day 1` is the run's first day. Targets are ids of `village.geojson`
//! (`meters = ["b17"]` takes a building's, a customer's or a meter's id); `meters_share` picks the customers nearest to
//! one another in a fixed order, so a fault file fits any village. What is left out means the whole village, or for
//! `meter_dead`, `line_out` and `feeder_out` the first customer and the first feeder. What the operator does meanwhile stands in the
//! same file: see [`operation`].

mod kinds;
mod operation;
mod when;

use std::path::Path;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;
use taa_models::draw::NodeKey;

use crate::diagnostics::{Diagnostics, FaultProblem, SettingProblem, Spot};
use crate::document::{Document, did_you_mean};
use crate::model::{Fault, FaultKind, FaultTarget, Operation, Village};

use kinds::{KINDS, Takes};
use operation::OperationEntry;
use when::When;

/// Faults that the chains of causes can tell apart.
pub(crate) const FAULTS_MAX: usize = 127;

/// A fault file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FaultFile {
    /// What the story is, for people.
    #[serde(default)]
    #[expect(dead_code, reason = "kept in the file for its readers")]
    title: Option<String>,
    /// The faults.
    #[serde(default)]
    fault: Vec<FaultEntry>,
    /// What the operator does meanwhile.
    #[serde(default)]
    operation: Vec<OperationEntry>,
}

/// What a fault file scripts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Story {
    /// By start.
    pub(crate) faults: Vec<Fault>,
    /// By time.
    pub(crate) operations: Vec<Operation>,
}

/// One fault.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FaultEntry {
    /// Name in reports; left out: the kind and a number.
    id: Option<String>,
    /// Kind of fault, such as "tower_out".
    what: String,
    /// Beginning, as "day 3 18:00" or "2026-01-03 18:00".
    from: String,
    /// End, as "36 h", "day 5 06:00" or "2026-01-05 06:00".
    until: String,
    /// Which tower, 1 or 2.
    tower: Option<u8>,
    /// What is left of the sun, 0 to 1.
    sun_share: Option<f64>,
    /// Median delay of a message while machine traffic is put last, seconds.
    delay_median_s: Option<f64>,
    /// Share of messages lost meanwhile, 0 to 1.
    loss_share: Option<f64>,
    /// Rise of the noise floor, dB.
    noise_rise_db: Option<f64>,
    /// Loss on every link of the meters, dB.
    loss_db: Option<f64>,
    /// Ids of buildings, customers or meters.
    meters: Option<Vec<String>>,
    /// Share of all customers, 0 to 1.
    meters_share: Option<f64>,
    /// Id of a feeder.
    feeder: Option<String>,
    /// Id of a line: all behind it.
    line: Option<String>,
    /// Of that line this phase alone, 1 to 3.
    phase: Option<u8>,
}

/// The run that faults fall into.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) start: Date,
    pub(crate) days: u32,
}

/// Reads a fault file for a village and a run. Remarks are added to `found`, errors too; what can be used is returned.
pub(crate) fn read(path: &Path, village: &Village, span: Span, found: &mut Diagnostics) -> Story {
    let document = match Document::read(path) {
        Ok(document) => document,
        Err(problems) => {
            found.extend(problems);
            return Story::default();
        }
    };
    let file: FaultFile = match document.typed() {
        Ok(file) => file,
        Err(problems) => {
            found.extend(problems);
            return Story::default();
        }
    };
    if file.fault.len() > FAULTS_MAX {
        found.push(FaultProblem::TooMany { at: document.at("fault"), found: file.fault.len(), max: FAULTS_MAX });
        return Story::default();
    }
    if file.fault.is_empty() && file.operation.is_empty() {
        found.push(FaultProblem::NoFaults { at: Spot::file(path) });
    }
    let mut reader = Reader { document: &document, village, span, found, faults: Vec::new() };
    for (index, entry) in file.fault.iter().enumerate() {
        reader.entry(index, entry);
    }
    let list = file.operation.iter().enumerate();
    let mut operations: Vec<Operation> = list.filter_map(|(index, entry)| reader.operation(index, entry)).collect();
    operations.sort_by(|a, b| (a.at_ms, &a.id).cmp(&(b.at_ms, &b.id)));
    let mut faults = reader.faults;
    faults.sort_by(|a, b| (a.from_ms, &a.id).cmp(&(b.from_ms, &b.id)));
    Story { faults, operations }
}

struct Reader<'a> {
    document: &'a Document,
    village: &'a Village,
    span: Span,
    found: &'a mut Diagnostics,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn entry(&mut self, index: usize, entry: &FaultEntry) {
        let path = format!("fault.{index}");
        let at = |key: &str| self.document.at(&format!("{path}.{key}"));
        let Some(&(name, kind, takes)) = KINDS.iter().find(|(name, ..)| *name == entry.what) else {
            let names = || KINDS.iter().map(|&(name, ..)| name);
            self.found.push(FaultProblem::UnknownKind {
                at: at("what"),
                what: entry.what.clone(),
                suggestion: did_you_mean(&entry.what, names()),
                allowed: names().collect::<Vec<_>>().join(", "),
            });
            return;
        };
        let id = entry.id.clone().unwrap_or_else(|| self.free_id(name));
        if self.faults.iter().any(|fault| fault.id == id) {
            return self.found.push(FaultProblem::DuplicateId { at: at("id"), id });
        }
        for (key, given) in entry.given() {
            if given && !takes.key(key) {
                self.found.push(FaultProblem::KeyNotTaken {
                    at: at(key),
                    what: name,
                    key,
                    allowed: takes.words().to_owned(),
                });
            }
        }
        let Some(what) = self.what(kind, entry, &path) else { return };
        let Some(target) = self.target(takes, entry, &path, &id) else { return };
        let Some((from_ms, until_ms)) = self.times(entry, &path, &id) else { return };
        self.faults.push(Fault { id, what, target, from_ms, until_ms });
    }

    fn free_id(&self, name: &str) -> String {
        let taken = |id: &str| self.faults.iter().any(|fault| fault.id == id);
        if !taken(name) {
            return name.to_owned();
        }
        (2..).map(|n| format!("{name}_{n}")).find(|id| !taken(id)).unwrap_or_default()
    }

    fn what(&mut self, kind: FaultKind, entry: &FaultEntry, path: &str) -> Option<FaultKind> {
        match kind {
            FaultKind::Cloudy { sun_share } => {
                let sun_share = entry.sun_share.unwrap_or(sun_share);
                self.share(sun_share, &format!("{path}.sun_share"))?;
                Some(FaultKind::Cloudy { sun_share })
            }
            FaultKind::M2mThrottled { delay_median_s, loss_share } => {
                let delay_median_s = entry.delay_median_s.unwrap_or(delay_median_s);
                let loss_share = entry.loss_share.unwrap_or(loss_share);
                if !(delay_median_s > 0.0 && delay_median_s <= 86_400.0) {
                    self.found.push(SettingProblem::OutOfRange {
                        at: self.document.at(&format!("{path}.delay_median_s")),
                        value: delay_median_s.to_string(),
                        allowed: "more than 0, up to 86400 s".to_owned(),
                    });
                    return None;
                }
                self.share(loss_share, &format!("{path}.loss_share"))?;
                Some(FaultKind::M2mThrottled { delay_median_s, loss_share })
            }
            FaultKind::RadioJammed { noise_rise_db } => {
                let noise_rise_db = entry.noise_rise_db.unwrap_or(noise_rise_db);
                self.decibels(noise_rise_db, &format!("{path}.noise_rise_db"))?;
                Some(FaultKind::RadioJammed { noise_rise_db })
            }
            FaultKind::RoofLoss { loss_db } => {
                let loss_db = entry.loss_db.unwrap_or(loss_db);
                self.decibels(loss_db, &format!("{path}.loss_db"))?;
                Some(FaultKind::RoofLoss { loss_db })
            }
            other => Some(other),
        }
    }

    fn decibels(&mut self, db: f64, path: &str) -> Option<()> {
        if (0.0..=100.0).contains(&db) {
            return Some(());
        }
        let at = self.document.at(path);
        let allowed = "0 to 100 dB".to_owned();
        self.found.push(SettingProblem::OutOfRange { at, value: db.to_string(), allowed });
        None
    }

    fn share(&mut self, share: f64, path: &str) -> Option<()> {
        if (0.0..=1.0).contains(&share) {
            return Some(());
        }
        self.found.push(crate::load::share_problem(self.document.at(path), share));
        None
    }

    /// Customers by name or by share, one of which is given.
    fn customers(
        &mut self,
        meters: Option<&[String]>,
        share: Option<f64>,
        path: &str,
        id: &str,
    ) -> Option<FaultTarget> {
        if meters.is_some() && share.is_some() {
            self.found.push(FaultProblem::TwoTargets { at: self.document.at(path), id: id.to_owned() });
            return None;
        }
        if let Some(share) = share {
            self.share(share, &format!("{path}.meters_share"))?;
            return Some(FaultTarget::Customers(self.cluster(share)));
        }
        let meters = meters.unwrap_or_default();
        let customers: Vec<u32> = meters
            .iter()
            .enumerate()
            .filter_map(|(i, meter)| self.customer(meter, &format!("{path}.meters.{i}"), id))
            .collect();
        (customers.len() == meters.len()).then(|| FaultTarget::Customers(sorted(customers)))
    }

    fn target(&mut self, takes: Takes, entry: &FaultEntry, path: &str, id: &str) -> Option<FaultTarget> {
        if entry.meters.is_some() || entry.meters_share.is_some() {
            return self.customers(entry.meters.as_deref(), entry.meters_share, path, id);
        }
        match takes {
            Takes::Line if entry.line.is_some() => self.line(entry, path, id),
            Takes::Meters | Takes::Line => Some(FaultTarget::Customers(self.cluster(0.0))),
            Takes::Feeder => self.feeder(entry.feeder.as_deref(), path, id),
            Takes::Tower => match entry.tower {
                None => Some(FaultTarget::All),
                Some(tower @ (1 | 2)) => Some(FaultTarget::Tower(tower - 1)),
                Some(tower) => {
                    let at = self.document.at(&format!("{path}.tower"));
                    let allowed = "1 (the first operator's) or 2 (the second's)".to_owned();
                    self.found.push(SettingProblem::OutOfRange { at, value: tower.to_string(), allowed });
                    None
                }
            },
            Takes::Nothing | Takes::SunShare | Takes::Throttle | Takes::NoiseAndMeters | Takes::LossAndMeters => {
                Some(FaultTarget::All)
            }
        }
    }

    /// A customer by its own id, its building's, or its meter's.
    fn customer(&mut self, name: &str, path: &str, id: &str) -> Option<u32> {
        let village = self.village;
        let named = |c: &crate::model::Customer| {
            c.id == name
                || c.meter_id == name
                || village.buildings.get(c.building as usize).is_some_and(|b| b.id == name)
        };
        if let Some(index) = village.customers.iter().position(named) {
            return u32::try_from(index).ok();
        }
        let meters = || village.customers.iter().map(|c| c.meter_id.as_str());
        let ids =
            || village.customers.iter().filter_map(|c| Some(village.buildings.get(c.building as usize)?.id.as_str()));
        let some: Vec<&str> = ids().take(6).collect();
        self.found.push(FaultProblem::UnknownTarget {
            at: self.document.at(path),
            id: id.to_owned(),
            kind: "meter",
            target: name.to_owned(),
            suggestion: did_you_mean(name, ids().chain(meters())),
            allowed: format!("{}, … ({} connected buildings)", some.join(", "), village.customers.len()),
        });
        None
    }

    fn feeder(&mut self, name: Option<&str>, path: &str, id: &str) -> Option<FaultTarget> {
        let ids = || self.village.feeders.iter().map(|feeder| feeder.id.as_str());
        let index = match name {
            None => (!self.village.feeders.is_empty()).then_some(0),
            Some(name) => ids().position(|known| known == name),
        };
        if let Some(index) = index.and_then(|index| u32::try_from(index).ok()) {
            return Some(FaultTarget::Feeder(index));
        }
        let name = name.unwrap_or_default();
        let problem = FaultProblem::UnknownTarget {
            at: self.document.at(&format!("{path}.feeder")),
            id: id.to_owned(),
            kind: "feeder",
            target: name.to_owned(),
            suggestion: did_you_mean(name, ids()),
            allowed: ids().collect::<Vec<_>>().join(", "),
        };
        self.found.push(problem);
        None
    }

    /// Everybody behind a line, on one phase or on all.
    fn line(&mut self, entry: &FaultEntry, path: &str, id: &str) -> Option<FaultTarget> {
        let name = entry.line.as_deref().unwrap_or_default();
        let ids = || self.village.lines.iter().map(|line| line.id.as_str());
        let Some(line) = ids().position(|known| known == name) else {
            let some: Vec<&str> = ids().take(6).collect();
            let problem = FaultProblem::UnknownTarget {
                at: self.document.at(&format!("{path}.line")),
                id: id.to_owned(),
                kind: "line",
                target: name.to_owned(),
                suggestion: did_you_mean(name, ids()),
                allowed: format!("{}, … ({} lines)", some.join(", "), self.village.lines.len()),
            };
            self.found.push(problem);
            return None;
        };
        if let Some(phase) = entry.phase.filter(|phase| !(1..=3).contains(phase)) {
            let at = self.document.at(&format!("{path}.phase"));
            let allowed = "1, 2 or 3".to_owned();
            self.found.push(SettingProblem::OutOfRange { at, value: phase.to_string(), allowed });
            return None;
        }
        let phase = entry.phase.map(|phase| phase - 1);
        Some(FaultTarget::Customers(crate::fault_tree::behind(self.village, line, phase)))
    }

    /// At least one customer, and this share of them: the neighbours of the customer whose id hashes lowest.
    fn cluster(&self, share: f64) -> Vec<u32> {
        let customers = &self.village.customers;
        let Some(heart) = customers.iter().min_by_key(|c| NodeKey::of(&c.id).0) else { return Vec::new() };
        let wanted = ((customers.len() as f64 * share).round() as usize).clamp(1, customers.len());
        let far = |at: [f64; 2]| (at[0] - heart.meter_at_m[0]).hypot(at[1] - heart.meter_at_m[1]);
        let mut order: Vec<(f64, u32)> = (0_u32..).zip(customers).map(|(i, c)| (far(c.meter_at_m), i)).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        sorted(order.into_iter().take(wanted).map(|(_, i)| i).collect())
    }

    /// When something begins, milliseconds of the run.
    fn beginning(&mut self, text: &str, path: &str, id: &str) -> Option<u64> {
        let at = self.document.at(path);
        let from_ms = match when::read(text, self.span.start) {
            Ok(When::Run(ms)) => ms,
            Ok(When::For(_)) => {
                let detail = ": a duration is no beginning".to_owned();
                self.found.push(FaultProblem::BadTime { at, text: text.to_owned(), detail });
                return None;
            }
            Err(detail) => {
                self.found.push(FaultProblem::BadTime { at, text: text.to_owned(), detail });
                return None;
            }
        };
        if from_ms >= self.end_ms() {
            self.found.push(FaultProblem::AfterRun { at, id: id.to_owned(), days: self.span.days });
            return None;
        }
        let known = u64::try_from(from_ms).ok();
        if known.is_none() {
            let start = self.span.start.to_string();
            self.found.push(FaultProblem::BeforeRun { at, id: id.to_owned(), start });
        }
        known
    }

    fn end_ms(&self) -> i64 {
        i64::from(self.span.days) * 86_400_000
    }

    fn times(&mut self, entry: &FaultEntry, path: &str, id: &str) -> Option<(u64, u64)> {
        let until_at = self.document.at(&format!("{path}.until"));
        let from_path = format!("{path}.from");
        let until = when::read(&entry.until, self.span.start);
        let from = match when::read(&entry.from, self.span.start) {
            Ok(When::Run(ms)) => Some(ms),
            _ => None,
        };
        let until_ms = match (&until, from) {
            (Ok(When::Run(ms)), _) => Some(*ms),
            (Ok(When::For(ms)), Some(from_ms)) => Some(from_ms.saturating_add(*ms)),
            _ => None,
        };
        if from.zip(until_ms).is_some_and(|(from_ms, until_ms)| until_ms <= from_ms) {
            let (id, from) = (id.to_owned(), entry.from.clone());
            self.found.push(FaultProblem::EndsBeforeStart { at: until_at, id, from });
            return None;
        }
        let from_ms = self.beginning(&entry.from, &from_path, id);
        if let Err(detail) = until {
            self.found.push(FaultProblem::BadTime { at: until_at.clone(), text: entry.until.clone(), detail });
        }
        let (from_ms, until_ms) = (from_ms?, until_ms?);
        let end_ms = self.end_ms();
        if until_ms > end_ms {
            self.found.push(FaultProblem::BeyondRun { at: until_at, id: id.to_owned(), days: self.span.days });
        }
        Some((from_ms, u64::try_from(until_ms.min(end_ms)).ok()?))
    }
}

impl FaultEntry {
    /// Keys that only some kinds take, and whether they stand here.
    fn given(&self) -> Vec<(&'static str, bool)> {
        vec![
            ("tower", self.tower.is_some()),
            ("sun_share", self.sun_share.is_some()),
            ("delay_median_s", self.delay_median_s.is_some()),
            ("loss_share", self.loss_share.is_some()),
            ("noise_rise_db", self.noise_rise_db.is_some()),
            ("loss_db", self.loss_db.is_some()),
            ("meters", self.meters.is_some()),
            ("meters_share", self.meters_share.is_some()),
            ("feeder", self.feeder.is_some()),
            ("line", self.line.is_some()),
            ("phase", self.phase.is_some()),
        ]
    }
}

fn sorted(mut customers: Vec<u32>) -> Vec<u32> {
    customers.sort_unstable();
    customers.dedup();
    customers
}
