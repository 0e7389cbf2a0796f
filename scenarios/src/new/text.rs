//! The text of a new `scenario.toml`: every line that a planner is likely to touch, with its unit, and where the
//! value comes from.

use taa_models::plant::PlantParams;

use crate::layout::Figures;
use crate::model::{Site, Village};

/// What the text tells.
pub(super) struct Facts<'a> {
    pub(super) title: &'a str,
    pub(super) source: &'a str,
    pub(super) site: &'a Site,
    pub(super) village: &'a Village,
    pub(super) power: &'a PlantParams,
    pub(super) daily_kwh: f64,
    pub(super) weather_name: &'a str,
    pub(super) weather_km: f64,
    pub(super) max_span_m: f64,
    pub(super) service_max_m: f64,
}

/// The file's text.
pub(super) fn scenario(facts: &Facts<'_>) -> String {
    let Facts { site, village, power, .. } = facts;
    let title = quoted(facts.title);
    let weather = quoted(facts.weather_name);
    let offset_h = f64::from(site.utc_offset_s) / 3600.0;
    let figures = Figures::of(village).sentence();
    format!(
        r#"# A scenario for taa. Check it: taa check .    Run it: taa run .
# What is left out has a default; every key that there is: taa schema
schema = 1
title = {title}
# faults = "faults.toml"     # scripted faults; examples in scenarios/faults

[site]
# Origin of the map in metres; the middle of the buildings.
lat_deg = {lat}
lon_deg = {lon}
utc_offset_h = {offset_h:?}          # local time minus UTC, hours; guessed from the place: check it

[village]
# Buildings, poles, lines, concentrator (dcu) and generation site in WGS 84: edit it in QGIS or geojson.io.
# From {source}: {buildings} buildings, {figures}.
# To have the grid laid out anew, name the buildings file here instead.
file = "village.geojson"

[layout]
max_span_m = {max_span:?}           # longest span between poles, metres
service_max_m = {service_max:?}        # longest drop from a pole to a house, metres

[weather]
# As downloaded (PVGIS TMY, EPW, PVWatts hourly, or timestamp,ghi_w_m2), from a site {weather_km:.0} km away.
file = {weather}

[power]
# Sized by the usual rule for {daily_kwh:.0} kWh a day in the weakest month; leave a line out to have it sized again.
pv_kwp = {kwp}               # panels, kilowatts peak
battery_kwh = {battery}          # nominal, kilowatt-hours
inverter_kw = {inverter}          # AC, kilowatts

[tariff]
# Units of the currency (not cents). Assumed: a common level for mini-grids; set your own.
currency = "USD"
energy_price_per_kwh = 0.60
daily_fee = 0.0

[run]
start = 2026-01-01         # first day, local
days = 30                  # 1 to 3660
seed = 1                   # draws the whole world
architectures = ["cloud_sync", "edge_local"]   # also: cloud_cached, or your own:

# [architecture.my_site]
# base = "cloud_cached"
# backhaul = "dual_sim"
"#,
        lat = site.lat_deg,
        lon = site.lon_deg,
        source = facts.source.replace(['\n', '\r'], " "),
        buildings = village.buildings.len(),
        max_span = facts.max_span_m,
        service_max = facts.service_max_m,
        weather_km = facts.weather_km,
        daily_kwh = facts.daily_kwh,
        kwp = power.pv.kwp,
        battery = power.battery.capacity_kwh,
        inverter = power.inverter_kw,
    )
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_quoted_as_toml_wants_it() {
        for name in ["Jija", "Kijiji \"cha\" juu", "a\\b\nc", "Ng'ombe"] {
            let text = format!("title = {}", super::quoted(name));
            let table: toml::Table = text.parse().unwrap();
            assert_eq!(table["title"].as_str(), Some(name));
        }
    }
}
