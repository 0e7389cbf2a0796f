//! The chain against PVWatts itself: a month of its hourly export, from its own beam and diffuse irradiance.
//!
//! PVWatts splits and models further than we do (its own transposition and cell temperature), so hours may differ;
//! energy must agree within 1 % and the hourly root mean square within 1.5 % of nameplate.

use taa_models::{
    pv::{Array, PvParams},
    sun,
    weather::Sample,
};

/// 2026-04-01 00:00 in Lodwar (UTC+3), seconds since 1970.
const START_UNIX_S: i64 = 1_774_990_800;

/// (energy ours, energy PVWatts, root mean square of hours), for an array turned to this azimuth; W and Wh for 1 kWp.
fn compare(azimuth_deg: f64) -> (f64, f64, f64) {
    let rows: Vec<Vec<f64>> = include_str!("data/pvwatts_lodwar_april.csv")
        .lines()
        .filter_map(|line| line.split(',').map(|x| x.parse().ok()).collect())
        .collect();
    assert_eq!(rows.len(), 720);
    let params = PvParams { kwp: 1.0, tilt_deg: 10.0, azimuth_deg, ..PvParams::default() };
    let (mut ours, mut theirs, mut squares) = (0.0, 0.0, 0.0);
    for (hour, row) in (0..).zip(&rows) {
        let [_, _, beam, diffuse, temp_c, wind, albedo, wanted_w] = row[..] else { panic!("eight columns") };
        let unix_s = START_UNIX_S + hour * 3600 + 1800;
        let sun = sun::position(unix_s as f64, 3.12, 35.62);
        let ghi = beam * sun.cos_zenith.max(0.0) + diffuse;
        let array = Array::new(&PvParams { albedo, ..params.clone() });
        let sky = Sample { ghi, dni: beam, dhi: diffuse, temp_c, wind };
        let found_w = array.power_w(&sky, &sun, sun::extraterrestrial(sun::day_of_year(unix_s)));
        ours += found_w;
        theirs += wanted_w;
        squares += (found_w - wanted_w) * (found_w - wanted_w);
    }
    (ours, theirs, libm::sqrt(squares / rows.len() as f64))
}

#[test]
fn a_month_agrees_with_pvwatts() {
    let (ours, theirs, rms_w) = compare(180.0);
    assert!((ours / theirs - 1.0).abs() < 0.01, "{ours} Wh for {theirs}");
    assert!(rms_w < 15.0, "{rms_w} W of 1000");
}

#[test]
fn an_array_turned_west_is_noticed() {
    assert!(compare(270.0).2 > 15.0);
}
