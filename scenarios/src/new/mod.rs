//! A new scenario from footprints and a weather file: `taa new`.
//!
//! The folder is written beside its place under another name and moved there when complete, so a run that is broken
//! off leaves nothing that looks like a scenario. Nothing is overwritten.

mod text;

use std::fs;
use std::path::{Path, PathBuf};

use crate::diagnostics::{Diagnostics, MakingProblem};
use crate::layout::{self, Connections, Figures, LayoutParams};
use crate::load::{self, LAYOUT_SEED};
use crate::model::{Site, Village};
use crate::village::{from_drawn, to_geojson};
use crate::weather::{self, distance_km};
use taa_models::demand::DemandParams;

/// What `taa new` is told.
#[derive(Clone, Debug)]
pub struct NewArgs {
    /// The folder to make; it must not exist, or be empty.
    pub dir: PathBuf,
    /// Footprints: GeoJSON, KML or CSV points.
    pub buildings: PathBuf,
    /// Weather, as downloaded; copied as it is.
    pub weather: PathBuf,
    /// How many buildings to connect; left out: a share of them.
    pub connections: Option<u32>,
    /// Name for people; left out: the file's own, or the folder's.
    pub name: Option<String>,
}

/// What was made.
#[derive(Clone, Debug)]
pub struct Created {
    /// The folder.
    pub dir: PathBuf,
    /// What is in it, a few lines for people.
    pub summary: Vec<String>,
    /// Remarks on the input.
    pub remarks: Diagnostics,
}

/// Makes a scenario folder.
///
/// # Errors
/// Everything that is wrong with the input, or what the operating system refuses. Nothing is left behind then.
pub fn create(args: &NewArgs) -> Result<Created, Diagnostics> {
    check_target(&args.dir)?;
    let mut found = Diagnostics::default();
    let source = load::source_at(&args.buildings, &[], &mut found);
    let weather_file = match weather::read(&args.weather) {
        Ok(file) => {
            file.warnings.iter().for_each(|warning| found.push(warning.clone()));
            Some(file)
        }
        Err(errors) => {
            found.extend(errors.into());
            None
        }
    };
    let (Some(source), Some(weather_file)) = (source, weather_file) else { return Err(found.split().0) };
    if let Some(problem) =
        source.imported.check_near(weather_file.lat_deg, weather_file.lon_deg, "the weather file's site")
    {
        return Err(problem.into());
    }
    let [lon_deg, lat_deg] = source.imported.centre_deg();
    // Five decimals are a metre: an origin that can be read out.
    let round = |degrees: f64| (degrees * 1e5).round() / 1e5;
    let (lat_deg, lon_deg) = (round(lat_deg), round(lon_deg));
    let utc_offset_s = load::guess_utc_offset_s(lat_deg, lon_deg, Some(&weather_file));
    let site = Site { lat_deg, lon_deg, utc_offset_s };
    let mut params = LayoutParams::default();
    if let Some(connections) = args.connections {
        if source.has_grid() {
            return Err(MakingProblem::HasGrid { file: args.buildings.clone(), connections }.into());
        }
        params.connections = Connections::Count(connections);
    }
    let village = if source.has_grid() {
        from_drawn(&source, &site, &params, &[], &mut found)
    } else {
        match layout::build(&source.imported, &params, &site, LAYOUT_SEED) {
            Ok(village) => Some(village),
            Err(errors) => {
                found.extend(errors.into());
                None
            }
        }
    };
    let Some(village) = village else { return Err(found.split().0) };
    let title = title(args, source.imported.name.as_deref());
    let (power, daily_kwh) = load::sized(&village, &DemandParams::default(), &weather_file, &site);
    let weather_name =
        args.weather.file_name().map_or_else(|| "weather.csv".to_owned(), |name| name.to_string_lossy().into_owned());
    let facts = text::Facts {
        title: &title,
        source: &file_name(&args.buildings),
        site: &site,
        village: &village,
        power: &power,
        daily_kwh,
        weather_name: &weather_name,
        weather_km: distance_km(lat_deg, lon_deg, weather_file.lat_deg, weather_file.lon_deg),
        max_span_m: params.max_span_m,
        service_max_m: params.service_max_m,
    };
    let files = [
        ("scenario.toml", text::scenario(&facts)),
        ("village.geojson", to_geojson(&village, &site, &title, source.imported.attribution.as_deref())),
    ];
    write(args, &files, &weather_name)?;
    let summary = summary(&village, &facts);
    Ok(Created { dir: args.dir.clone(), summary, remarks: found })
}

fn summary(village: &Village, facts: &text::Facts<'_>) -> Vec<String> {
    vec![
        format!("{}: {} buildings, {}", facts.title, village.buildings.len(), Figures::of(village).sentence()),
        format!(
            "sized for {:.0} kWh a day: panels {} kWp, battery {} kWh, inverter {} kW",
            facts.daily_kwh, facts.power.pv.kwp, facts.power.battery.capacity_kwh, facts.power.inverter_kw
        ),
    ]
}

fn check_target(dir: &Path) -> Result<(), MakingProblem> {
    if dir.file_name().is_none() {
        return Err(MakingProblem::NoName { dir: dir.to_owned() });
    }
    let empty = || fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none());
    if fs::symlink_metadata(dir).is_ok() && !empty() {
        return Err(MakingProblem::Exists { dir: dir.to_owned() });
    }
    if !parent(dir).is_dir() {
        return Err(MakingProblem::NoParent { dir: dir.to_owned() });
    }
    Ok(())
}

fn parent(dir: &Path) -> &Path {
    dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes all files into a folder beside the target, then moves it there.
fn write(args: &NewArgs, files: &[(&str, String)], weather_name: &str) -> Result<(), MakingProblem> {
    let refused = |path: &Path, error: &std::io::Error| MakingProblem::Unwritable {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let draft = parent(&args.dir).join(format!(".{}.new-{}", file_name(&args.dir), std::process::id()));
    fs::create_dir(&draft).map_err(|error| refused(&draft, &error))?;
    let fill = || -> Result<(), MakingProblem> {
        for (name, text) in files {
            let path = draft.join(name);
            fs::write(&path, text).map_err(|error| refused(&path, &error))?;
        }
        let path = draft.join(weather_name);
        // Bytes, not permissions: a copy of a read-only download can be edited.
        fs::read(&args.weather).and_then(|bytes| fs::write(&path, bytes)).map_err(|error| refused(&path, &error))?;
        if args.dir.is_dir() {
            fs::remove_dir(&args.dir).map_err(|error| refused(&args.dir, &error))?;
        }
        fs::rename(&draft, &args.dir).map_err(|error| refused(&args.dir, &error))
    };
    fill().inspect_err(|_| {
        // Best effort: the draft's name says what it is.
        let _ = fs::remove_dir_all(&draft);
    })
}

fn title(args: &NewArgs, from_file: Option<&str>) -> String {
    let given = args.name.as_deref().or(from_file).map(str::trim).filter(|name| !name.is_empty());
    given.map_or_else(|| capitalised(&file_name(&args.dir)), str::to_owned)
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
