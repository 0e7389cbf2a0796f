//! Section `[power]`: the plant as given, sized where it is not.

use taa_models::demand::{Catalogue, DemandParams};
use taa_models::plant::{PlantParams, size_for};

use super::range_problem;
use crate::diagnostics::{Diagnostics, SettingProblem};
use crate::document::Document;
use crate::model::{Site, Village};
use crate::schema::ScenarioFile;
use crate::weather::{self, PERFORMANCE_RATIO, WeatherFile};

/// A plant this many times the usual size, or this part of it, is pointed out.
const ODD_FACTOR: f64 = 4.0;

/// The village's peak as a part of its classes' peaks: they do not fall together (`taa_models::demand::peak_w`).
const COINCIDENCE: f64 = 0.75;

/// Mean daily energy of all customers, kWh, and their coincident peak, kW.
fn usual_demand(village: &Village, usage: &Catalogue) -> (f64, f64) {
    let customers = || village.customers.iter().map(|customer| &customer.class);
    let daily_kwh = customers().map(|class| usage.mean_daily_wh(class)).sum::<f64>() / 1000.0;
    let peak_kw = customers().map(|class| usage.peak_w(class)).sum::<f64>() / 1000.0;
    let largest_w = customers().map(|class| usage.peak_w(class)).fold(0.0, f64::max);
    // One mill alone may be more than three quarters of a small village.
    (daily_kwh, (COINCIDENCE * peak_kw).max(largest_w / 1000.0))
}

/// The usual plant for a village under a weather, and the daily energy it is for, kWh.
pub(crate) fn sized(
    village: &Village,
    params: &DemandParams,
    weather: &WeatherFile,
    site: &Site,
) -> (PlantParams, f64) {
    let (daily_kwh, peak_kw) = usual_demand(village, &Catalogue::new(params));
    let (daily_kwh, peak_kw) = (daily_kwh * params.scale, peak_kw * params.scale);
    (size_for(daily_kwh, peak_kw, design_yield(weather, site)), daily_kwh)
}

/// What a kilowatt-peak gives a day in the weakest thirty days of a year at the site, kWh.
///
/// From the weather as the village would live through it, not as it stands in the file: a file from another latitude
/// has another sun.
fn design_yield(weather: &WeatherFile, site: &Site) -> f64 {
    const MONTH_D: usize = 30;
    // 2026, a year without 29 February.
    let year_unix_s = 1_767_225_600 - i64::from(site.utc_offset_s);
    let (series, _) = weather::for_run(weather, site, year_unix_s, 365);
    let daily_kwh: Vec<f64> =
        series.ghi_w_per_m2.chunks(24).map(|day| day.iter().map(|&ghi| f64::from(ghi)).sum::<f64>() / 1000.0).collect();
    let mean = |days: &[f64]| days.iter().sum::<f64>() / days.len() as f64;
    PERFORMANCE_RATIO * daily_kwh.windows(MONTH_D).map(mean).fold(f64::INFINITY, f64::min)
}

/// The plant, or what is wrong with it.
#[allow(clippy::too_many_arguments)]
pub(super) fn resolve(
    document: &Document,
    file: &ScenarioFile,
    demand: &DemandParams,
    village: &Village,
    weather: &WeatherFile,
    site: &Site,
    notes: &mut Vec<String>,
    found: &mut Diagnostics,
) -> Option<PlantParams> {
    let section = &file.power;
    let (usual, daily_kwh) = sized(village, demand, weather, site);
    let mut plant = section.plant.clone();
    let mut chosen = Vec::new();
    // A size stands on top, or among the plant's own parameters, or follows from the usual sizing.
    let mut size = |name: &str, inner: &str, given: Option<f64>, slot: &mut f64, usual: f64, unit: &str| {
        let (path, value) = match given {
            Some(value) => (format!("power.{name}"), Some(value)),
            None => (format!("power.plant.{inner}"), document.get(&format!("power.plant.{inner}")).map(|_| *slot)),
        };
        match value {
            None => {
                *slot = usual;
                chosen.push(format!("{usual} {unit}"));
            }
            Some(value) => {
                *slot = value;
                if value > 0.0 && !(usual / ODD_FACTOR..=usual * ODD_FACTOR).contains(&value) {
                    found.push(SettingProblem::OddSize {
                        at: document.at(&path),
                        found: format!("{value} {unit}"),
                        word: if value > usual { "very large" } else { "very small" },
                        customers: village.customers.len(),
                        daily_kwh,
                        usual: format!("{usual} {unit}"),
                    });
                }
            }
        }
    };
    size("pv_kwp", "pv.kwp", section.pv_kwp, &mut plant.pv.kwp, usual.pv.kwp, "kWp");
    let battery_kwh = usual.battery.capacity_kwh;
    size(
        "battery_kwh",
        "battery.capacity_kwh",
        section.battery_kwh,
        &mut plant.battery.capacity_kwh,
        battery_kwh,
        "kWh",
    );
    size("inverter_kw", "inverter_kw", section.inverter_kw, &mut plant.inverter_kw, usual.inverter_kw, "kW");
    if !chosen.is_empty() {
        notes.push(format!("Sized from {daily_kwh:.0} kWh a day of demand: {}.", chosen.join(", ")));
    }
    let errors = plant.check();
    for error in &errors {
        let top = match error.field {
            "pv.kwp" => section.pv_kwp.map(|_| "power.pv_kwp"),
            "battery.capacity_kwh" => section.battery_kwh.map(|_| "power.battery_kwh"),
            "inverter_kw" => section.inverter_kw.map(|_| "power.inverter_kw"),
            _ => None,
        };
        let at = match top {
            Some(path) => document.at(path),
            None => document.at(&format!("power.plant.{}", error.field)),
        };
        found.push(range_problem(at, error));
    }
    errors.is_empty().then_some(plant)
}
