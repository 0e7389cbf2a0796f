//! From a folder to a [`Scenario`]: read, check everything, resolve what was left out.
//!
//! Nothing stops at the first problem: a broken weather file does not hide a misspelt key. What depends on a broken
//! part is skipped in silence, so that one cause gives one finding.
//!
//! What is left out is filled in, and said in [`Scenario::notes`] where a reader should know: the plant from the
//! customers and the weather, the clock from the place, the grid from the buildings. A grid that is laid out on
//! loading comes from a fixed draw, not from the run's seed: a village does not change with the dice.

mod architectures;
mod band;
mod currency;
mod demand;
mod place;
mod plan;
mod power;
mod prices;
mod reference;
mod sts;
mod tariff;

use std::path::{Path, PathBuf};

use miette::{Diagnostic, Severity};
use taa_dcu::config::{Classes, Tariff};
use taa_models::{ParamError, demand::Class, mesh::MeshParams};

use crate::diagnostics::{Diagnostics, GridProblem, SettingProblem, Spot};
use crate::document::Document;
use crate::faults;
use crate::import::{SourceFormat, read_buildings_with, read_text};
use crate::layout::{self, Figures, LayoutProblem};
use crate::model::{Comms, Scenario, Site, Village, Weather};
use crate::schema::{SCHEMA, ScenarioFile};
use crate::village::{Source, from_drawn};
use crate::weather::{self, WeatherFile, distance_km};

pub(crate) use demand::own_classes;
pub(crate) use place::guess_utc_offset_s;
pub(crate) use power::sized;

/// Draw from which grids are laid out.
pub(crate) const LAYOUT_SEED: u64 = 1;

/// What the command line changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--seed`.
    pub seed: Option<u64>,
    /// `--start`, as typed.
    pub start: Option<String>,
    /// `--days`.
    pub days: Option<u32>,
    /// `--architecture`, in order; empty: as the scenario says.
    pub architectures: Vec<String>,
    /// `--trait name=value`, applied to every architecture in order.
    pub traits: Vec<(String, String)>,
    /// `--faults`, relative to where the user stands; replaces the scenario's own fault file.
    pub faults: Option<PathBuf>,
}

/// What [`check`] found.
#[derive(Clone, Debug)]
pub struct Report {
    /// Errors and remarks.
    pub problems: Diagnostics,
    /// What the scenario is, a few lines for people; empty when it cannot be resolved.
    pub summary: Vec<String>,
    /// The scenario, where it could be resolved.
    pub scenario: Option<Scenario>,
}

impl Report {
    /// The scenario can run.
    #[must_use]
    pub fn ok(&self) -> bool {
        !self.problems.has_errors()
    }
}

/// Reads, checks and resolves the scenario in `dir`.
///
/// # Errors
/// Everything that stops it from running.
pub fn load(dir: &Path, overrides: &Overrides) -> Result<Scenario, Diagnostics> {
    let mut found = Diagnostics::default();
    let scenario = resolve(dir, overrides, &mut found);
    let (errors, remarks) = found.split();
    match scenario {
        Some(mut scenario) if errors.is_empty() => {
            let warnings = remarks.problems.iter().filter(|remark| remark.severity() == Some(Severity::Warning));
            scenario.notes.extend(warnings.map(ToString::to_string));
            Ok(scenario)
        }
        _ => Err(errors),
    }
}

/// The village file that the scenario in `dir` names.
///
/// # Errors
/// What keeps the scenario from being read, or the name from leading to a file.
pub fn village_file(dir: &Path) -> Result<PathBuf, Diagnostics> {
    let (document, file) = open(dir)?;
    let mut found = Diagnostics::default();
    reference::existing(&document, "village.file", &file.village.file, &mut found).ok_or(found)
}

/// Everything that is wrong or odd about the scenario in `dir`.
#[must_use]
pub fn check(dir: &Path) -> Report {
    let mut problems = Diagnostics::default();
    let scenario = resolve(dir, &Overrides::default(), &mut problems);
    let summary = scenario.as_ref().map_or_else(Vec::new, summary);
    Report { problems, summary, scenario }
}

fn summary(scenario: &Scenario) -> Vec<String> {
    let names: Vec<&str> = scenario.run.architectures.iter().map(|(name, _)| name.as_str()).collect();
    let mut lines = vec![
        format!(
            "{}: {} buildings, {}",
            scenario.title,
            scenario.village.buildings.len(),
            Figures::of(&scenario.village).sentence()
        ),
        format!(
            "panels {} kWp, battery {} kWh, inverter {} kW",
            scenario.power.pv.kwp, scenario.power.battery.capacity_kwh, scenario.power.inverter_kw
        ),
        format!("{} days under seed {}: {}", scenario.run.days, scenario.run.seed, names.join(", ")),
    ];
    if !scenario.faults.is_empty() {
        let ids: Vec<&str> = scenario.faults.iter().map(|fault| fault.id.as_str()).collect();
        lines.push(format!("scripted faults: {}", ids.join(", ")));
    }
    if !scenario.operations.is_empty() {
        let ids: Vec<&str> = scenario.operations.iter().map(|operation| operation.id.as_str()).collect();
        lines.push(format!("operations: {}", ids.join(", ")));
    }
    lines.extend(scenario.notes.iter().cloned());
    lines
}

fn resolve(dir: &Path, overrides: &Overrides, found: &mut Diagnostics) -> Option<Scenario> {
    let (document, file) = match open(dir) {
        Ok(opened) => opened,
        Err(problems) => {
            found.extend(problems);
            return None;
        }
    };
    let mut notes = Vec::new();
    let tariff = tariff::read(&document, &file.tariff, found);
    let economics = prices::economics(&document, &file.economics, &file.tariff.currency, found);
    let plan = plan::read(&document, &file, overrides, found);
    if let (Some(tariff), Some(plan)) = (&tariff, &plan) {
        tariff::fits(&document, ("tariff", tariff), plan.architectures(), found);
    }
    let own = own_classes(&file.demand);
    let known: Vec<&str> = Class::ALL.iter().chain(&own).map(Class::name).collect();
    let classes = tariff.as_ref().and_then(|site| tariff::classes(&document, &file.tariffs, (site, &known), found));
    if let (Some(classes), Some(plan)) = (&classes, &plan) {
        for (n, (_, tariff)) in classes.iter().enumerate() {
            tariff::fits(&document, (&format!("tariffs.{n}"), tariff), plan.architectures(), found);
        }
    }
    parameters(&document, &file, found);
    let layout_sound = layout_parameters(&document, &file, found);
    let source = village_source(&document, &file.village.file, &own_classes(&file.demand), found);
    let weather_file = weather_file(&document, &file.weather.file, found);
    let site = source.as_ref().and_then(|source| {
        place::site(&document, &file.site, &source.imported, weather_file.as_ref(), &mut notes, found)
    });
    let village = match (&source, &site) {
        (Some(source), Some(site)) if layout_sound => village(source, site, &file, found, &mut notes),
        _ => None,
    };
    let demand = village.as_ref().and_then(|village| demand::resolve(&document, &file, village, found));
    let power = match (&village, &weather_file, &site, &demand) {
        (Some(village), Some(weather), Some(site), Some(demand)) => {
            power::resolve(&document, &file, demand, village, weather, site, &mut notes, found)
        }
        _ => None,
    };
    let fault_file = overrides.faults.clone().or_else(|| {
        let name = file.faults.as_deref()?;
        reference::existing(&document, "faults", name, found)
    });
    let story = match (fault_file, &village, &plan) {
        (Some(path), Some(village), Some(plan)) => faults::read(&path, village, plan.span(), found),
        _ => faults::Story::default(),
    };
    let payments = sts::resolve(&document, &file.comms.payments, found);
    band::fits(&document, &file, &mut notes, found);
    let interferers = match (&site, &village) {
        (Some(site), Some(village)) => band::interferers(&document, &file, (site, village), &mut notes, found),
        _ => Vec::new(),
    };
    let (source, site, village, power) = (source?, site?, village?, power?);
    let payments = payments?;
    let (weather_file, tariff, economics, plan) = (weather_file?, tariff?, economics?, plan?);
    let classes = tariff::assign(classes?, &village);
    let run = plan.at(&site);
    let (series, remarks) = weather::for_run(&weather_file, &site, run.start_unix_s, run.days);
    let distance_km = distance_km(site.lat_deg, site.lon_deg, weather_file.lat_deg, weather_file.lon_deg);
    notes.insert(0, format!("Weather: {}.", weather_file.source));
    notes.extend(remarks);
    tariff_notes(&tariff, &classes, &mut notes);
    let name = folder_name(dir);
    Some(Scenario {
        title: file.title.clone().unwrap_or_else(|| name.clone()),
        name,
        site,
        village,
        weather: Weather { series, source: weather_file.source.clone(), distance_km },
        power,
        tariff,
        classes,
        comms: Comms {
            radio: file.comms.radio.clone(),
            mesh: MeshParams { fidelity: file.run.mesh, ..file.comms.mesh.clone() },
            cellular: file.comms.cellular.clone(),
            payments,
            dcu_holdup_h: file.comms.dcu_holdup_h,
            last_gasp: file.comms.last_gasp.clone(),
            interferers,
        },
        demand: demand?,
        people: file.people.clone(),
        assets: file.assets.clone(),
        economics,
        run,
        faults: story.faults,
        operations: story.operations,
        notes: file.description.clone().into_iter().chain(notes).collect(),
        attributions: attributions(&source, &weather_file, &file.attribution),
    })
}

/// What a reader of the report must know of the prices.
fn tariff_notes(tariff: &Tariff, classes: &Classes, notes: &mut Vec<String>) {
    let all = || std::iter::once(tariff).chain(&classes.tariffs);
    if all().any(|tariff| tariff.flat_price().is_none()) {
        notes.push(
            "Where the price of energy moves, lost and deferred income values a customer's energy at what that customer was \
             billed for a kilowatt-hour on average."
                .to_owned(),
        );
    }
    for tariff in &classes.tariffs {
        let count = classes.accounts.values().filter(|class| **class == tariff.class).count();
        let price = tariff.energy_price_per_kwh_minor as f64 / f64::from(tariff.minor_per_unit.max(1));
        let (class, currency) = (&tariff.class, &tariff.currency);
        notes.push(format!(
            "{count} customers have the tariff for {class}: {price} {currency} a kWh, before hours and blocks."
        ));
    }
    if all().any(|tariff| tariff.demand.is_some_and(|demand| demand.window_min < 60)) {
        notes.push("Readings come hourly: windows of power are an hour long, whatever window_min says.".to_owned());
    }
}

fn open(dir: &Path) -> Result<(Document, ScenarioFile), Diagnostics> {
    let path = dir.join("scenario.toml");
    if !path.is_file() {
        let detail = if dir.is_file() {
            "; it is a file, a folder is wanted".to_owned()
        } else if !dir.is_dir() {
            "; there is no such folder".to_owned()
        } else {
            reference::nearby(dir, "scenario.toml").map_or_else(String::new, |name| format!("; there is a {name}"))
        };
        return Err(SettingProblem::NoScenario { at: Spot::file(dir), detail }.into());
    }
    let document = Document::read(&path)?;
    if let Some(found) = document.integer("schema").filter(|&found| found != i64::from(SCHEMA)) {
        return Err(SettingProblem::SchemaVersion { at: document.at("schema"), found }.into());
    }
    let file = document.typed()?;
    Ok((document, file))
}

/// Ranges of the models' own parameters.
fn parameters(document: &Document, file: &ScenarioFile, found: &mut Diagnostics) {
    let comms = &file.comms;
    for (section, errors) in [
        ("comms.radio", comms.radio.check()),
        ("comms.mesh", comms.mesh.check()),
        ("comms.mesh.frame", comms.mesh.frame.check()),
        ("comms.cellular", comms.cellular.check()),
        ("comms.payments", comms.payments.check()),
        ("comms.last_gasp", comms.last_gasp.check()),
        ("people", file.people.check()),
        ("assets", file.assets.check()),
    ] {
        for error in errors {
            found.push(range_problem(document.at(&document.within(section, error.field)), &error));
        }
    }
    demand::ranges(document, file, found);
    if !(0.0..=8760.0).contains(&comms.dcu_holdup_h) {
        let error =
            ParamError { field: "dcu_holdup_h", value: comms.dcu_holdup_h.to_string(), allowed: "0 to 8760 hours" };
        found.push(range_problem(document.at("comms.dcu_holdup_h"), &error));
    }
}

/// A range error as the diagnosis that fits it best.
pub(crate) fn range_problem(at: Spot, error: &ParamError) -> SettingProblem {
    let value = error.value.clone();
    let number: Option<f64> = value.parse().ok();
    match number {
        Some(share) if error.allowed == "0 to 1" => share_problem(at, share),
        Some(number) if number < 0.0 && !error.allowed.starts_with('-') => {
            SettingProblem::Negative { at, value, allowed: error.allowed.to_owned() }
        }
        _ => SettingProblem::OutOfRange { at, value, allowed: error.allowed.to_owned() },
    }
}

/// A share that is none; percent are recognised.
pub(crate) fn share_problem(at: Spot, share: f64) -> SettingProblem {
    let percent =
        if share > 1.0 && share <= 100.0 { format!("; {share} % is {}", share / 100.0) } else { String::new() };
    SettingProblem::Share { at, value: share.to_string(), percent }
}

fn layout_parameters(document: &Document, file: &ScenarioFile, found: &mut Diagnostics) -> bool {
    let problems = file.layout.check();
    let sound = problems.is_empty();
    for problem in problems {
        match problem {
            LayoutProblem::OutOfRange { field, value, allowed } => {
                let at = document.at(&format!("layout.{field}"));
                let share = value.parse::<f64>().ok().filter(|_| field.ends_with("share"));
                found.push(match share {
                    Some(share) => share_problem(at, share),
                    None => range_problem(at, &ParamError { field, value, allowed }),
                });
            }
            other => found.push(other),
        }
    }
    sound
}

fn village_source(document: &Document, name: &str, own: &[Class], found: &mut Diagnostics) -> Option<Source> {
    let path = reference::existing(document, "village.file", name, found)?;
    source_at(&path, own, found)
}

/// Reads a buildings or village file.
pub(crate) fn source_at(path: &Path, own: &[Class], found: &mut Diagnostics) -> Option<Source> {
    let imported = match read_buildings_with(path, own) {
        Ok(imported) => imported,
        Err(errors) => {
            found.extend(errors.into());
            return None;
        }
    };
    let text = if imported.source_format == SourceFormat::GeoJson {
        match read_text(path, crate::import::BUILDINGS_BYTES_MAX) {
            Ok(text) => Some(text),
            Err(problem) => {
                found.push(problem);
                return None;
            }
        }
    } else {
        None
    };
    let source = Source::part(imported, text.as_deref(), found);
    for warning in &source.imported.warnings {
        found.push(warning.clone());
    }
    if source.imported.buildings.is_empty() {
        found.push(GridProblem::NoCustomers { at: Spot::file(path) });
        return None;
    }
    Some(source)
}

fn weather_file(document: &Document, name: &str, found: &mut Diagnostics) -> Option<WeatherFile> {
    let path = reference::existing(document, "weather.file", name, found)?;
    match weather::read(&path) {
        Ok(file) => {
            for warning in &file.warnings {
                found.push(warning.clone());
            }
            Some(file)
        }
        Err(errors) => {
            found.extend(errors.into());
            None
        }
    }
}

fn village(
    source: &Source,
    site: &Site,
    file: &ScenarioFile,
    found: &mut Diagnostics,
    notes: &mut Vec<String>,
) -> Option<Village> {
    if source.has_grid() {
        return from_drawn(source, site, &file.layout, &own_classes(&file.demand), found);
    }
    let mut params = file.layout.clone();
    let [generation, dcu] = source.sites();
    params.generation_lon_lat_deg = generation.or(params.generation_lon_lat_deg);
    params.dcu_lon_lat_deg = dcu.or(params.dcu_lon_lat_deg);
    match layout::build(&source.imported, &params, site, LAYOUT_SEED) {
        Ok(mut village) => {
            let named = source.imported.buildings.iter().map(|raw| raw.tags.get("class").cloned().unwrap_or_default());
            demand::classes_by_tag(named.enumerate(), &file.demand, &mut village);
            notes.push("No grid is drawn in the village file; poles and lines were laid out on loading.".to_owned());
            Some(village)
        }
        Err(errors) => {
            found.extend(errors.into());
            None
        }
    }
}

/// Names once each: the buildings', the weather's, the scenario's own.
pub(crate) fn attributions(source: &Source, weather: &WeatherFile, own: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for one in source.imported.attribution.iter().chain(&weather.attribution).chain(own) {
        if !all.contains(one) {
            all.push(one.clone());
        }
    }
    all
}

/// The folder's own name, also for `.`.
pub(crate) fn folder_name(dir: &Path) -> String {
    let full = std::fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    full.file_name().map_or_else(|| "scenario".to_owned(), |name| name.to_string_lossy().into_owned())
}
