//! From irradiance to direct current: the PVWatts chain, step by step as pvlib computes it.
//!
//! transposition (isotropic or Hay–Davies) → incidence-angle modifier of glass on the beam (Fresnel and absorption)
//! → cell temperature (Sandia) → PVWatts DC power with its temperature coefficient → fixed losses.
//!
//! Checked against pvlib 0.16.1 in `tests/vectors` column by column.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    param::{Checks, ParamError},
    sun::Sun,
    weather::Sample,
};

const DEG: f64 = core::f64::consts::PI / 180.0;

/// How diffuse light is carried onto the tilted plane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transposition {
    /// The whole sky is equally bright (Hottel and Woertz 1942).
    Isotropic,
    /// Part of the diffuse light comes from around the sun (Hay and Davies 1980).
    #[default]
    HayDavies,
}

/// How the modules are mounted: decides how warm they get (King et al., SAND2004-3535, table 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mounting {
    /// Glass and polymer modules on an open rack (the usual ground-mounted array).
    #[default]
    OpenRack,
    /// Glass and glass modules on an open rack.
    OpenRackGlass,
    /// Close to a roof (glass and glass).
    CloseRoof,
}

impl Mounting {
    /// Sandia coefficients (a, b in s/m, ΔT in °C).
    #[must_use]
    pub const fn sandia(self) -> (f64, f64, f64) {
        match self {
            Self::OpenRack => (-3.56, -0.075, 3.0),
            Self::OpenRackGlass => (-3.47, -0.0594, 3.0),
            Self::CloseRoof => (-2.98, -0.0471, 1.0),
        }
    }
}

/// The array.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PvParams {
    /// Nameplate power at standard test conditions, kWp. Assumed; `plant::size_for` computes it.
    pub kwp: f64,
    /// Tilt from the horizontal, degrees. Assumed: 10, about latitude and enough for rain to clean the glass.
    pub tilt_deg: f64,
    /// Direction the array faces, degrees from north, clockwise. Assumed: 0 (north) for sites south of the equator.
    pub azimuth_deg: f64,
    /// Soiling, wiring, mismatch, ageing, availability: share lost, 0–1. Published: 0.1408, PVWatts' default.
    pub loss_share: f64,
    /// Change of power per °C of cell temperature above 25, 1/°C. Published: −0.0037, usual for crystalline silicon.
    pub temp_coeff_per_c: f64,
    /// Share of light that the ground throws back, 0–1. Published: 0.2, the usual figure for grass and soil.
    pub albedo: f64,
    /// How the modules are mounted.
    pub mounting: Mounting,
    /// Sky model.
    pub transposition: Transposition,
}

impl Default for PvParams {
    fn default() -> Self {
        Self {
            kwp: 40.0,
            tilt_deg: 10.0,
            azimuth_deg: 0.0,
            loss_share: 0.1408,
            temp_coeff_per_c: -0.0037,
            albedo: 0.2,
            mounting: Mounting::default(),
            transposition: Transposition::default(),
        }
    }
}

impl PvParams {
    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        Checks::default()
            .demand(self.kwp > 0.0 && self.kwp <= 100_000.0, "pv.kwp", self.kwp, "more than 0, up to 100000 kWp")
            .demand((0.0..=90.0).contains(&self.tilt_deg), "pv.tilt_deg", self.tilt_deg, "0 to 90 degrees")
            .demand((0.0..=360.0).contains(&self.azimuth_deg), "pv.azimuth_deg", self.azimuth_deg, "0 to 360 degrees")
            .demand((0.0..1.0).contains(&self.loss_share), "pv.loss_share", self.loss_share, "0 to less than 1")
            .demand(
                (-0.02..=0.0).contains(&self.temp_coeff_per_c),
                "pv.temp_coeff_per_c",
                self.temp_coeff_per_c,
                "-0.02 to 0 per degree",
            )
            .share("pv.albedo", self.albedo)
            .done()
    }
}

/// Irradiance on the plane of the array, W/m².
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Plane {
    /// Straight from the sun.
    pub direct: f64,
    /// From the sky.
    pub sky: f64,
    /// From the ground.
    pub ground: f64,
    /// Cosine of the angle of incidence, negative behind the array.
    pub cos_incidence: f64,
}

impl Plane {
    /// All together.
    #[must_use]
    pub fn global(&self) -> f64 {
        self.direct + self.sky + self.ground
    }

    /// What gets through the glass: the beam loses by its angle, diffuse light is taken as it is (as PVWatts does).
    #[must_use]
    pub fn effective(&self) -> f64 {
        self.direct * incidence_modifier(self.cos_incidence) + self.sky + self.ground
    }
}

/// The array, ready to compute.
#[derive(Clone, Debug)]
pub struct Array {
    params: PvParams,
    sin_tilt: f64,
    cos_tilt: f64,
}

impl Array {
    /// Prepares the array.
    #[must_use]
    pub fn new(params: &PvParams) -> Self {
        let (sin_tilt, cos_tilt) = libm::sincos(params.tilt_deg * DEG);
        Self { params: params.clone(), sin_tilt, cos_tilt }
    }

    /// Light on the plane. `extraterrestrial` is [`crate::sun::extraterrestrial`] of the day (Hay–Davies needs it).
    #[must_use]
    pub fn plane(&self, sky: &Sample, sun: &Sun, extraterrestrial: f64) -> Plane {
        let sin_zenith = libm::sqrt((1.0 - sun.cos_zenith * sun.cos_zenith).max(0.0));
        let facing = libm::cos((sun.azimuth_deg - self.params.azimuth_deg) * DEG);
        let cos_incidence = (self.cos_tilt * sun.cos_zenith + self.sin_tilt * sin_zenith * facing).clamp(-1.0, 1.0);
        let seen = 0.5 * (1.0 + self.cos_tilt);
        let diffuse = match self.params.transposition {
            Transposition::Isotropic => sky.dhi * seen,
            Transposition::HayDavies => {
                let anisotropy = sky.dni / extraterrestrial;
                let ratio = cos_incidence.max(0.0) / sun.cos_zenith.max(0.017_45);
                sky.dhi * (anisotropy * ratio + (1.0 - anisotropy) * seen)
            }
        };
        Plane {
            direct: (sky.dni * cos_incidence).max(0.0),
            sky: diffuse.max(0.0),
            ground: sky.ghi * self.params.albedo * 0.5 * (1.0 - self.cos_tilt),
            cos_incidence,
        }
    }

    /// Power at the array's best operating point after losses, W.
    #[must_use]
    pub fn power_w(&self, sky: &Sample, sun: &Sun, extraterrestrial: f64) -> f64 {
        if sky.ghi <= 0.0 {
            return 0.0;
        }
        let plane = self.plane(sky, sun, extraterrestrial);
        let cell_c = cell_temp_c(plane.global(), sky.temp_c, sky.wind, self.params.mounting.sandia());
        let nameplate_w = self.params.kwp * 1000.0;
        dc_power_w(nameplate_w, plane.effective(), cell_c, self.params.temp_coeff_per_c)
            * (1.0 - self.params.loss_share)
    }
}

/// Share of the beam that passes the glass, relative to straight incidence (De Soto et al. 2006): index 1.526,
/// extinction 4 /m, 2 mm.
#[must_use]
pub fn incidence_modifier(cos_incidence: f64) -> f64 {
    const N: f64 = 1.526;
    const KL: f64 = 4.0 * 0.002;
    if cos_incidence <= 0.0 {
        return 0.0;
    }
    let inside = libm::sqrt(1.0 - (1.0 - cos_incidence * cos_incidence) / (N * N));
    let s = (cos_incidence - N * inside) / (cos_incidence + N * inside);
    let p = (inside - N * cos_incidence) / (inside + N * cos_incidence);
    let straight = (1.0 - N) / (1.0 + N);
    let through = (1.0 - 0.5 * (s * s + p * p)) * libm::exp(-KL / inside);
    through / ((1.0 - straight * straight) * libm::exp(-KL))
}

/// Cell temperature, °C (King et al. 2004, eq. 11 and 12). `sandia` is (a, b, ΔT).
#[must_use]
pub fn cell_temp_c(plane_w_per_m2: f64, air_c: f64, wind_m_per_s: f64, sandia: (f64, f64, f64)) -> f64 {
    let (a, b, delta) = sandia;
    plane_w_per_m2 * libm::exp(a + b * wind_m_per_s) + air_c + plane_w_per_m2 / 1000.0 * delta
}

/// PVWatts version 5, DC (Dobos 2014, eq. 8): linear in light, linear in temperature, W.
#[must_use]
pub fn dc_power_w(nameplate_w: f64, effective_w_per_m2: f64, cell_c: f64, temp_coeff_per_c: f64) -> f64 {
    (nameplate_w * effective_w_per_m2 / 1000.0 * (1.0 + temp_coeff_per_c * (cell_c - 25.0))).max(0.0)
}

/// PVWatts version 5, inverter (Dobos 2014, eq. 11–13): AC watts of `dc_w` into an inverter that takes `dc_limit_w`.
#[must_use]
pub fn pvwatts_ac_w(dc_w: f64, dc_limit_w: f64) -> f64 {
    const NOMINAL: f64 = 0.96;
    const REFERENCE: f64 = 0.9637;
    if dc_w <= 0.0 {
        return 0.0;
    }
    let load = dc_w / dc_limit_w;
    let efficiency = NOMINAL / REFERENCE * (-0.0162 * load - 0.0059 / load + 0.9858);
    (efficiency * dc_w).clamp(0.0, NOMINAL * dc_limit_w)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_array_sees_the_horizontal() {
        let flat = Array::new(&PvParams { tilt_deg: 0.0, ..PvParams::default() });
        let sun = Sun::at(40.0, 80.0);
        let sky = Sample { ghi: 600.0 * sun.cos_zenith + 120.0, dni: 600.0, dhi: 120.0, temp_c: 25.0, wind: 2.0 };
        let plane = flat.plane(&sky, &sun, 1367.0);
        assert!((plane.global() - sky.ghi).abs() < 1e-9);
        assert!(plane.ground.abs() < 1e-12);
    }

    #[test]
    fn glass_passes_all_in_front_and_none_edge_on() {
        assert!((incidence_modifier(1.0) - 1.0).abs() < 1e-12);
        assert!(incidence_modifier(0.0).abs() < 1e-12 && incidence_modifier(-0.5).abs() < 1e-12);
        let falling = (0..100).map(|i| incidence_modifier(1.0 - f64::from(i) / 100.0)).collect::<Vec<_>>();
        assert!(falling.windows(2).all(|w| w[0] >= w[1]));
    }

    #[test]
    fn heat_costs_power_and_night_gives_none() {
        assert!(dc_power_w(1000.0, 1000.0, 60.0, -0.004) < dc_power_w(1000.0, 1000.0, 25.0, -0.004));
        let array = Array::new(&PvParams::default());
        assert!(array.power_w(&Sample::default(), &Sun::at(120.0, 0.0), 1367.0).abs() < 1e-12);
    }

    #[test]
    fn wrong_tilt_is_named() {
        let wrong = PvParams { tilt_deg: 120.0, kwp: -4.0, ..PvParams::default() };
        let fields: Vec<_> = wrong.check().into_iter().map(|e| e.field).collect();
        assert_eq!(fields, ["pv.kwp", "pv.tilt_deg"]);
        assert!(PvParams::default().check().is_empty());
    }
}
