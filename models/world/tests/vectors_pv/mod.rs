//! PV chains, column by column: each step is fed pvlib's own inputs, then the whole chain is run from weather and time.
//!
//! Tolerances. A single step: 1e-6 of the figure (the files carry nine decimals), 1e-5 where a small cosine
//! multiplies rounding. The sun: 0.02° (Grena3 claims 0.01°). The whole chain from our own sun: 0.5 % of the day's
//! largest power at each moment, 0.1 % of the energy.

use taa_models::{
    pv::{self, Array, Mounting, Plane, PvParams, Transposition},
    sun::{self, Sun},
    weather::Sample,
};
use taa_vectors::Json as Value;
use taa_vectors::{Failed, Trial};

use super::{close, number};

type Check = fn(&Case) -> Result<(), Failed>;

/// Each check and the column whose corruption must turn it red.
const CHECKS: [(&str, Check, &str); 9] = [
    ("sun", check_sun, "zenith"),
    ("extraterrestrial", check_extraterrestrial, "dni_extra"),
    ("erbs", check_erbs, "ghi"),
    ("transposition", check_transposition, "poa_sky_diffuse"),
    ("incidence", check_incidence, "iam"),
    ("cell_temperature", check_cell, "temp_cell"),
    ("dc_power", check_dc, "p_dc_w"),
    ("ac_power", check_ac, "p_ac_w"),
    ("whole_chain", check_whole, "p_dc_w"),
];

/// The cases of one file, and a sabotage of each: a column raised by one per cent must be noticed.
pub(crate) fn trials(file: &str, case: Value) -> Vec<Trial> {
    let case = std::sync::Arc::new(case);
    let mut trials = Vec::new();
    for (name, check, column) in CHECKS {
        let (as_given, spoilt) = (case.clone(), case.clone());
        trials.push(Trial::test(format!("pv::{file}::{name}"), move || check(&Case::read(&as_given)?)));
        // Clear-sky files do not hold Erbs' result: nothing to spoil.
        if name == "erbs" && case["inputs"]["clearness_seed"].is_null() {
            continue;
        }
        trials.push(Trial::test(format!("pv::{file}::sabotage_{name}"), move || {
            let mut case = Case::read(&spoilt)?;
            for value in case.columns[column].as_array_mut().ok_or("no column to spoil")? {
                *value = value.as_f64().map_or(Value::Null, |v| Value::from(v * 1.01));
            }
            match check(&case) {
                Err(_) => Ok(()),
                Ok(()) => Err(Failed::from(format!("`{column}` raised by 1 % went unnoticed"))),
            }
        }));
    }
    trials
}

struct Case {
    inputs: Value,
    decomposed: bool,
    unix_s: Vec<f64>,
    utc_offset_s: f64,
    columns: Value,
    params: PvParams,
    sandia: (f64, f64, f64),
}

impl Case {
    fn read(case: &Value) -> Result<Self, Failed> {
        let (inputs, models) = (&case["inputs"], &case["models"]);
        let times = case["time_utc"].as_array().ok_or("no `time_utc`")?;
        let unix_s = times.iter().map(|t| unix(t.as_str().unwrap_or_default())).collect::<Option<Vec<f64>>>();
        let sandia = &inputs["sapm_temp"];
        let transposition = match models["transposition"].as_str() {
            Some("haydavies") => Transposition::HayDavies,
            Some("isotropic") => Transposition::Isotropic,
            other => return Err(Failed::from(format!("transposition {other:?} is not modelled"))),
        };
        let unix_s = unix_s.ok_or("a time is not ISO 8601")?;
        let start = inputs["start"].as_str().and_then(|d| unix(&format!("{d}T00:00:00+00:00"))).ok_or("`start`")?;
        Ok(Self {
            decomposed: !inputs["clearness_seed"].is_null(),
            utc_offset_s: start - unix_s[0],
            unix_s,
            columns: case["columns"].clone(),
            params: PvParams {
                kwp: number(inputs, "pdc0_w")? / 1000.0,
                tilt_deg: number(inputs, "tilt_deg")?,
                azimuth_deg: number(inputs, "azimuth_deg")?,
                loss_share: 0.0,
                temp_coeff_per_c: number(inputs, "gamma_pdc")?,
                albedo: number(inputs, "albedo")?,
                mounting: Mounting::OpenRack,
                transposition,
            },
            sandia: (number(sandia, "a")?, number(sandia, "b")?, number(sandia, "deltaT")?),
            inputs: inputs.clone(),
        })
    }

    /// A column; `null` (below the horizon) is NaN.
    fn column(&self, name: &str) -> Result<Vec<f64>, Failed> {
        let column = self.columns[name].as_array().ok_or_else(|| format!("no column `{name}`"))?;
        if column.len() != self.unix_s.len() || column.is_empty() {
            return Err(Failed::from(format!("column `{name}` has {} rows", column.len())));
        }
        Ok(column.iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect())
    }

    /// The sun as pvlib has it: the apparent zenith is what transposition uses.
    fn given_sun(&self) -> Result<Vec<Sun>, Failed> {
        let (zenith, azimuth) = (self.column("apparent_zenith")?, self.column("azimuth")?);
        Ok(zenith.into_iter().zip(azimuth).map(|(z, a)| Sun::at(z, a)).collect())
    }

    fn skies(&self) -> Result<Vec<Sample>, Failed> {
        let (ghi, dni, dhi) = (self.column("ghi")?, self.column("dni")?, self.column("dhi")?);
        let (temp, wind) = (self.column("temp_air")?, self.column("wind_speed")?);
        Ok((0..ghi.len())
            .map(|i| Sample { ghi: ghi[i], dni: dni[i], dhi: dhi[i], temp_c: temp[i], wind: wind[i] })
            .collect())
    }

    fn local_day(&self, i: usize) -> u16 {
        sun::day_of_year((self.unix_s[i] + self.utc_offset_s) as i64)
    }
}

fn check_sun(case: &Case) -> Result<(), Failed> {
    let (zenith, azimuth) = (case.column("zenith")?, case.column("azimuth")?);
    let apparent = case.column("apparent_zenith")?;
    let (lat, lon) = (number(&case.inputs, "latitude")?, number(&case.inputs, "longitude")?);
    // ISA pressure at altitude, as pvlib's alt2pres.
    let altitude = number(&case.inputs, "altitude_m")?;
    let pressure_hpa = libm::pow((44_331.514 - altitude) / 11_880.516, 1.0 / 0.190_263_2);
    for (i, &t) in case.unix_s.iter().enumerate() {
        let found = sun::position(t, lat, lon);
        close("zenith", found.zenith_deg, zenith[i], 0.0, 0.02)?;
        let turn = (found.azimuth_deg - azimuth[i] + 540.0).rem_euclid(360.0) - 180.0;
        // Near the zenith a small error of position is a large one of azimuth.
        let sine = libm::sin(zenith[i].to_radians()).abs();
        close("azimuth × sin zenith", turn * sine, 0.0, 0.0, 0.02)?;
        if apparent[i] < 85.0 {
            close("apparent zenith", sun::refracted_zenith_deg(zenith[i], pressure_hpa), apparent[i], 0.0, 0.001)?;
        }
    }
    Ok(())
}

fn check_extraterrestrial(case: &Case) -> Result<(), Failed> {
    let wanted = case.column("dni_extra")?;
    for (i, &w) in wanted.iter().enumerate() {
        let local = sun::extraterrestrial(case.local_day(i));
        let utc = sun::extraterrestrial(sun::day_of_year(case.unix_s[i] as i64));
        let nearest = if (local - w).abs() < (utc - w).abs() { local } else { utc };
        close("dni_extra", nearest, w, 1e-8, 0.0)?;
    }
    Ok(())
}

fn check_erbs(case: &Case) -> Result<(), Failed> {
    if !case.decomposed {
        // Clear sky: beam and diffuse do not come from Erbs; its closure is what can be checked.
        for (i, zenith) in case.column("zenith")?.into_iter().enumerate() {
            let ghi = case.column("ghi")?[i];
            let (dni, dhi) = sun::erbs(ghi, zenith, case.local_day(i));
            close("closure", dni * libm::cos(zenith.to_radians()) + dhi, ghi, 1e-9, 1e-9)?;
        }
        return Ok(());
    }
    let (ghi, zenith) = (case.column("ghi")?, case.column("zenith")?);
    let (dni, dhi) = (case.column("dni")?, case.column("dhi")?);
    for i in 0..ghi.len() {
        // pvlib takes the day of the year from the time index; the file does not say in which zone.
        let split = |day| sun::erbs(ghi[i], zenith[i], day);
        let (local, utc) = (split(case.local_day(i)), split(sun::day_of_year(case.unix_s[i] as i64)));
        let found = if (local.1 - dhi[i]).abs() < (utc.1 - dhi[i]).abs() { local } else { utc };
        close("dhi", found.1, dhi[i], 1e-6, 1e-6)?;
        close("dni", found.0, dni[i], 1e-5, 1e-6)?;
    }
    Ok(())
}

fn check_transposition(case: &Case) -> Result<(), Failed> {
    let (suns, skies, extra) = (case.given_sun()?, case.skies()?, case.column("dni_extra")?);
    let array = Array::new(&case.params);
    let (direct, sky) = (case.column("poa_direct")?, case.column("poa_sky_diffuse")?);
    let (ground, aoi) = (case.column("poa_ground_diffuse")?, case.column("aoi")?);
    for i in 0..suns.len() {
        let plane = array.plane(&skies[i], &suns[i], extra[i]);
        close("aoi", libm::acos(plane.cos_incidence).to_degrees(), aoi[i], 0.0, 1e-5)?;
        close("poa_direct", plane.direct, direct[i], 1e-6, 1e-6)?;
        close("poa_sky_diffuse", plane.sky, sky[i], 1e-6, 1e-6)?;
        close("poa_ground_diffuse", plane.ground, ground[i], 1e-6, 1e-6)?;
    }
    Ok(())
}

fn check_incidence(case: &Case) -> Result<(), Failed> {
    let (aoi, iam, effective) = (case.column("aoi")?, case.column("iam")?, case.column("effective_irradiance")?);
    let (direct, sky, ground) =
        (case.column("poa_direct")?, case.column("poa_sky_diffuse")?, case.column("poa_ground_diffuse")?);
    for i in 0..aoi.len() {
        let cos_incidence = libm::cos(aoi[i].to_radians());
        close("iam", pv::incidence_modifier(cos_incidence), iam[i], 1e-6, 1e-6)?;
        let plane = Plane { direct: direct[i], sky: sky[i], ground: ground[i], cos_incidence };
        close("effective_irradiance", plane.effective(), effective[i], 1e-6, 1e-6)?;
    }
    Ok(())
}

fn check_cell(case: &Case) -> Result<(), Failed> {
    let (global, wanted) = (case.column("poa_global")?, case.column("temp_cell")?);
    for (i, sky) in case.skies()?.iter().enumerate() {
        close("temp_cell", pv::cell_temp_c(global[i], sky.temp_c, sky.wind, case.sandia), wanted[i], 1e-6, 1e-6)?;
    }
    Ok(())
}

fn check_dc(case: &Case) -> Result<(), Failed> {
    let (effective, cell, wanted) =
        (case.column("effective_irradiance")?, case.column("temp_cell")?, case.column("p_dc_w")?);
    for i in 0..wanted.len() {
        let nameplate_w = case.params.kwp * 1000.0;
        let found = pv::dc_power_w(nameplate_w, effective[i], cell[i], case.params.temp_coeff_per_c);
        close("p_dc_w", found, wanted[i], 1e-6, 1e-5)?;
    }
    Ok(())
}

fn check_ac(case: &Case) -> Result<(), Failed> {
    let (dc, wanted) = (case.column("p_dc_w")?, case.column("p_ac_w")?);
    let limit_w = case.params.kwp * 1000.0 / 1.2 / 0.96;
    for i in 0..wanted.len() {
        // The PVWatts curve falls below zero at a few watts; pvlib leaves that as it is, an inverter draws nothing.
        close("p_ac_w", pv::pvwatts_ac_w(dc[i], limit_w), wanted[i].max(0.0), 1e-6, 1e-5)?;
    }
    Ok(())
}

fn check_whole(case: &Case) -> Result<(), Failed> {
    let (skies, wanted) = (case.skies()?, case.column("p_dc_w")?);
    let (lat, lon) = (number(&case.inputs, "latitude")?, number(&case.inputs, "longitude")?);
    let mounted = [Mounting::OpenRack, Mounting::OpenRackGlass, Mounting::CloseRoof];
    let mounting = mounted.into_iter().find(|m| m.sandia() == case.sandia).ok_or("no such mounting")?;
    let array = Array::new(&PvParams { mounting, ..case.params.clone() });
    let largest = wanted.iter().copied().fold(0.0, f64::max);
    let (mut sum, mut wanted_sum) = (0.0, 0.0);
    for (i, sky) in skies.iter().enumerate() {
        let sun = sun::position(case.unix_s[i], lat, lon);
        let found = array.power_w(sky, &sun, sun::extraterrestrial(case.local_day(i)));
        close(&format!("p_dc_w at row {i}"), found, wanted[i], 0.0, 0.005 * largest)?;
        sum += found;
        wanted_sum += wanted[i];
    }
    close("energy", sum, wanted_sum, 0.001, 0.0)
}

/// Seconds since 1970 of `YYYY-MM-DDTHH:MM:SS+00:00`.
fn unix(text: &str) -> Option<f64> {
    let field = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (field(0..4)?, field(5..7)?, field(8..10)?);
    let (hour, minute, second) = (field(11..13)?, field(14..16)?, field(17..19)?);
    let from_march = (month + 9) % 12;
    let year = year - i64::from(month <= 2);
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (from_march * 306 + 5) / 10 + day - 719_469;
    Some((days * 86_400 + hour * 3600 + minute * 60 + second) as f64)
}
