//! Weather files: real ones land on the sun, bad ones are diagnosed one by one, runs get the hours that belong to them.

#![allow(clippy::float_cmp, reason = "values that are passed on must arrive unchanged")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use taa_models::sun;
use taa_models::weather::Series;
use taa_scenarios::model::Site;
use taa_scenarios::weather::{
    First, Format, WeatherErrors, WeatherFile, distance_km, for_run, read, yield_kwh_per_kwp_day,
};

const JIJA: Site = Site { lat_deg: -2.8498, lon_deg: 33.6121, utc_offset_s: 10_800 };
const LODWAR: Site = Site { lat_deg: 3.12, lon_deg: 35.62, utc_offset_s: 10_800 };
/// Unix seconds of 2026-01-01 00:00 UTC.
const Y2026: i64 = 1_767_225_600;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn read_text(test: &str, name: &str, content: &str) -> Result<WeatherFile, WeatherErrors> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("taa-weather-{}-{test}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    let result = read(&path);
    std::fs::remove_dir_all(&folder).unwrap();
    result
}

fn assert_one(result: Result<WeatherFile, WeatherErrors>, code: &str, words: &[&str]) {
    let errors = result.expect_err("a bad input was taken");
    assert_eq!(errors.problems.len(), 1, "{:?}", errors.problems);
    let problem = &errors.problems[0];
    assert_eq!(problem.code().unwrap().to_string(), code, "{problem}");
    let help = problem.help().map(|help| help.to_string()).unwrap_or_default();
    let all = format!("{problem} | {help}");
    for word in words {
        assert!(all.contains(word), "`{word}` is not in: {all}");
    }
}

/// The fixture's text with its line `line` (from 1) edited.
fn edited(name: &str, line: usize, edit: impl Fn(&str) -> String) -> String {
    let text = std::fs::read_to_string(data(name)).unwrap();
    text.lines().enumerate().map(|(i, l)| if i + 1 == line { edit(l) } else { l.to_owned() } + "\n").collect()
}

fn with_cell(line: &str, column: usize, value: &str) -> String {
    line.split(',').enumerate().map(|(i, cell)| if i == column { value } else { cell }).collect::<Vec<_>>().join(",")
}

/// Mean of |global − direct · cos Z − diffuse| over lit hours, with the simulator's own sun.
fn closure_w_per_m2(series: &Series, site: &Site, start_unix_s: i64) -> f64 {
    let (mut sum, mut count) = (0.0, 0);
    for (k, &ghi) in series.ghi_w_per_m2.iter().enumerate().filter(|(_, ghi)| **ghi > 0.0) {
        let begin = start_unix_s as f64 + 3600.0 * k as f64;
        let cos: f64 = (0..12)
            .map(|m| {
                sun::position(begin + f64::from(m) * 300.0 + 150.0, site.lat_deg, site.lon_deg).cos_zenith.max(0.0)
            })
            .sum::<f64>()
            / 12.0;
        sum += (f64::from(ghi) - f64::from(series.dni_w_per_m2[k]) * cos - f64::from(series.dhi_w_per_m2[k])).abs();
        count += 1;
    }
    sum / f64::from(count)
}

/// Energy-weighted local clock time of the light.
fn centroid_h(series: &Series) -> f64 {
    let light = || series.ghi_w_per_m2.iter().map(|&ghi| f64::from(ghi)).enumerate();
    light().map(|(k, ghi)| ghi * ((k % 24) as f64 + 0.5)).sum::<f64>() / light().map(|(_, ghi)| ghi).sum::<f64>()
}

fn noon_h(site: &Site) -> f64 {
    12.0 - site.lon_deg / 15.0 + f64::from(site.utc_offset_s) / 3600.0
}

fn daily_kwh_per_m2(series: &Series) -> f64 {
    let sum: f64 = series.ghi_w_per_m2.iter().map(|&ghi| f64::from(ghi)).sum();
    sum / 1000.0 / (series.ghi_w_per_m2.len() as f64 / 24.0)
}

#[test]
fn pvwatts_finds_its_time_zone_and_makes_global() {
    let file = read(&data("lodwar_pvwatts_90d.csv")).unwrap();
    assert_eq!(file.format, Format::PvWatts);
    assert_eq!((file.lat_deg, file.lon_deg, file.elevation_m), (3.12, 35.62, Some(515.0)));
    assert_eq!(file.utc_offset_s, 10_800, "Lodwar keeps UTC+3, 0.6 h ahead of its sun");
    assert_eq!(file.first, First::TypicalYear { hour_of_year: 0, clock_minus_utc_s: 10_800 });
    assert_eq!(file.hours.len(), 2160);
    // 1 January, 12:00 to 13:00: DNI 736, DHI 295; the sun stands 63° high.
    let noon = file.hours[12];
    assert!((noon.dni_w_per_m2 - 736.0).abs() < 0.01 && (noon.dhi_w_per_m2 - 295.0).abs() < 0.01);
    assert!((noon.ghi_w_per_m2 - 955.0).abs() < 15.0, "{noon:?}");
    assert!(file.attribution.as_ref().unwrap().contains("NREL"));
    assert!(file.source.contains("LODWAR, KENYA"), "{}", file.source);
    let (series, notes) = for_run(&file, &LODWAR, Y2026 - 10_800, 90);
    assert!((centroid_h(&series) - noon_h(&LODWAR) - 0.13).abs() < 0.2, "{}", centroid_h(&series));
    assert!(closure_w_per_m2(&series, &LODWAR, Y2026 - 10_800) < 2.0);
    assert_eq!(notes, [] as [String; 0]);
}

/// The same sky labelled in other zones: the estimate follows the labels.
#[test]
fn the_time_zone_follows_the_labels() {
    let text = std::fs::read_to_string(data("lodwar_pvwatts_90d.csv")).unwrap();
    let header_lines = text.lines().position(|line| line.starts_with("\"Month\"")).unwrap() + 1;
    let rows: Vec<&str> = text.lines().skip(header_lines).collect();
    for shift in [-2_i64, -1, 1, 2] {
        let mut moved = text.lines().take(header_lines).collect::<Vec<_>>().join("\n") + "\n";
        for k in 24..rows.len() - 24 {
            let labels: Vec<&str> = rows[k].splitn(4, ',').take(3).collect();
            let values = rows[(k as i64 - shift) as usize].splitn(4, ',').nth(3).unwrap();
            writeln!(moved, "{},{values}", labels.join(",")).unwrap();
        }
        let file = read_text("zone", "pvwatts.csv", &moved).unwrap();
        assert_eq!(i64::from(file.utc_offset_s), 10_800 + 3600 * shift);
        assert_eq!(file.first, First::TypicalYear { hour_of_year: 24, clock_minus_utc_s: file.utc_offset_s });
    }
}

#[test]
fn older_pvwatts_headers_count_west_positive_and_end_with_totals() {
    let text = std::fs::read_to_string(data("lodwar_pvwatts_90d.csv")).unwrap();
    let text = text
        .replace("\"Latitude (DD)\"", "\"Lat (deg N):\"")
        .replace("\"Longitude (DD)\",\"35.62\"", "\"Long (deg W):\",\"-35.62\"");
    let file = read_text("oldpvwatts", "pvwatts.csv", &(text + "\"Totals\",\"\",\"\",\"1\"\n")).unwrap();
    assert_eq!((file.lon_deg, file.utc_offset_s, file.hours.len()), (35.62, 10_800, 2160));
}

#[test]
fn pvgis_is_read_as_downloaded_and_fits_its_sun() {
    let file = read(&data("pvgis_tmy_10d.csv")).unwrap();
    assert_eq!(file.format, Format::PvgisTmy);
    assert_eq!((file.lat_deg, file.lon_deg, file.elevation_m), (45.0, 8.0, Some(250.0)));
    // Snapshots 0.1761 h after the label stand for the hour around them.
    assert_eq!(file.first, First::TypicalYear { hour_of_year: 0, clock_minus_utc_s: 1800 - 633 });
    assert!(file.source.contains("2006–2020"), "{}", file.source);
    assert!(file.warnings.is_empty(), "{:?}", file.warnings);
    let site = Site { lat_deg: 45.0, lon_deg: 8.0, utc_offset_s: 3600 };
    let (series, _) = for_run(&file, &site, Y2026 - 3600, 10);
    assert!(closure_w_per_m2(&series, &site, Y2026 - 3600) < 3.0);
    // Version 5.3 puts blank lines around its blocks, 5.1 has no offset line.
    let text = std::fs::read_to_string(data("pvgis_tmy_10d.csv")).unwrap().replace("\r\n", "\n");
    let spaced = text.replace("month,year", "\nmonth,year").replace("time(UTC)", "\ntime(UTC)");
    let spaced = read_text("pvgis53", "tmy.csv", &spaced).unwrap();
    assert_eq!((spaced.hours, spaced.first), (file.hours.clone(), file.first));
    let plain = text.replace("Irradiance Time Offset (h): 0.1761\n", "");
    let plain = read_text("pvgis51", "tmy.csv", &plain).unwrap();
    assert_eq!(plain.first, First::TypicalYear { hour_of_year: 0, clock_minus_utc_s: 1800 });
    assert_eq!(plain.hours.len(), 240);
}

#[test]
fn epw_hours_end_where_they_are_labelled() {
    let file = read(&data("lodwar_5d.epw")).unwrap();
    assert_eq!(file.format, Format::Epw);
    assert_eq!(file.utc_offset_s, 10_800);
    let pvwatts = read(&data("lodwar_pvwatts_90d.csv")).unwrap();
    for (k, (a, b)) in file.hours.iter().zip(&pvwatts.hours).enumerate() {
        assert!((a.ghi_w_per_m2 - b.ghi_w_per_m2).abs() < 3.0, "hour {k}: {a:?} {b:?}");
        assert_eq!((a.dni_w_per_m2, a.dhi_w_per_m2), (b.dni_w_per_m2, b.dhi_w_per_m2));
    }
    assert_eq!(file.warnings, []);
}

#[test]
fn epw_of_pvgis_is_put_back_under_the_sun() {
    let file = read(&data("pvgis_july_12d.epw")).unwrap();
    assert_eq!(file.warnings.len(), 1, "{:?}", file.warnings);
    assert_eq!(file.warnings[0].code().unwrap().to_string(), "taa::weather::labels_off");
    let site = Site { lat_deg: 45.0, lon_deg: 8.0, utc_offset_s: 3600 };
    let july = 1_782_864_000 - 3600;
    let (series, notes) = for_run(&file, &site, july, 12);
    assert!(closure_w_per_m2(&series, &site, july) < 4.0);
    assert!((centroid_h(&series) - noon_h(&site)).abs() < 0.25, "{}", centroid_h(&series));
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn epw_completes_what_is_missing() {
    // Global from the others, direct and diffuse by correlation, temperature from its neighbours.
    let noon = 8 + 13;
    let text = edited("lodwar_5d.epw", noon, |line| with_cell(line, 13, "9999"));
    let file = read_text("epwglobal", "a.epw", &text).unwrap();
    assert!((file.hours[12].ghi_w_per_m2 - 955.0).abs() < 15.0, "{:?}", file.hours[12]);
    let text = edited("lodwar_5d.epw", noon, |line| with_cell(&with_cell(line, 14, "9999"), 15, "9999"));
    let hour = read_text("epwsplit", "a.epw", &text).unwrap().hours[12];
    assert!(hour.dni_w_per_m2 > 500.0 && hour.dhi_w_per_m2 > 100.0, "{hour:?}");
    let text = edited("lodwar_5d.epw", noon, |line| with_cell(line, 6, "99.9"));
    let file = read_text("epwtemp", "a.epw", &text).unwrap();
    assert!((file.hours[12].temp_c - f32::midpoint(file.hours[11].temp_c, file.hours[13].temp_c)).abs() < 1e-4);
    assert_eq!(file.warnings[0].code().unwrap().to_string(), "taa::weather::filled");
    let text = edited("lodwar_5d.epw", noon, |line| with_cell(&with_cell(line, 13, "9999"), 15, "9999"));
    assert_one(read_text("epwgap", "a.epw", &text), "taa::weather::not_a_value", &["9999", "data row 13"]);
}

#[test]
fn the_ghi_series_is_dated_and_split() {
    let file = read(&data("samionta_ghi_2016.csv")).unwrap();
    assert_eq!(file.format, Format::GhiSeries);
    assert_eq!((file.lat_deg, file.lon_deg), (7.0955, 2.2446));
    assert_eq!(file.first, First::At { unix_s: 1_455_926_400 });
    assert_eq!(file.hours.len(), 20 * 24, "29 February 2016 is in it");
    assert!(file.attribution.as_ref().unwrap().contains("Copernicus"));
    let site = Site { lat_deg: 7.0955, lon_deg: 2.2446, utc_offset_s: 3600 };
    // 2016-02-28 00:00 local: by date, leap day included.
    let start = 1_456_614_000;
    let (series, notes) = for_run(&file, &site, start, 3);
    assert!(closure_w_per_m2(&series, &site, start) < 3.0);
    let from = ((start - 1_455_926_400) / 3600) as usize;
    assert_eq!(series.ghi_w_per_m2[..], file.hours[from..from + 72].iter().map(|h| h.ghi_w_per_m2).collect::<Vec<_>>());
    assert!(notes.is_empty(), "{notes:?}");
}

/// A dated series of two years whose global irradiance names its day (day of the year in tenths) at every hour.
fn counted_series(first_year: i64, years: i64) -> WeatherFile {
    let mut text = String::from("# 0.0N 36.0E UTC\ntimestamp,ghi_w_m2\n");
    for year in first_year..first_year + years {
        let leap = year % 4 == 0;
        let months = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        for (month, days) in months.iter().enumerate() {
            for day in 1..=*days {
                for hour in 0..24 {
                    let value = (month + 1) * 40 + day + (year % 10) as usize * 100 / 1000;
                    writeln!(text, "{year}-{:02}-{day:02} {hour:02}:00:00,{value}", month + 1).unwrap();
                }
            }
        }
    }
    read_text(&format!("counted{first_year}-{years}"), "s.csv", &text).unwrap()
}

#[test]
fn a_series_of_other_years_gives_the_same_calendar_days() {
    let site = Site { lat_deg: 0.0, lon_deg: 36.0, utc_offset_s: 0 };
    let file = counted_series(2017, 2);
    // 2028 is a leap year, 2017 and 2018 are not: 28 February stands in for the 29th.
    let start = 1_835_222_400; // 2028-02-27 00:00 UTC
    let (series, notes) = for_run(&file, &site, start, 5);
    let days: Vec<i64> = series.ghi_w_per_m2.iter().step_by(24).map(|&ghi| ghi as i64).collect();
    assert_eq!(days, [80 + 27, 80 + 28, 80 + 28, 120 + 1, 120 + 2]);
    assert!(notes.iter().any(|note| note.contains("2018")), "{notes:?}");
    assert!(notes.iter().any(|note| note.contains("29 February")), "{notes:?}");
    // A run over New Year needs the earlier year as its start.
    let (series, notes) = for_run(&file, &site, Y2026 - 86_400, 2);
    let days: Vec<i64> = series.ghi_w_per_m2.iter().step_by(24).map(|&ghi| ghi as i64).collect();
    assert_eq!(days, [480 + 31, 40 + 1]);
    assert!(notes.iter().any(|note| note.contains("2017")), "{notes:?}");
}

#[test]
fn a_short_series_repeats_with_a_warning() {
    let site = Site { lat_deg: 7.0955, lon_deg: 2.2446, utc_offset_s: 3600 };
    let file = read(&data("samionta_ghi_2016.csv")).unwrap();
    let start = 1_456_614_000;
    let (series, notes) = for_run(&file, &site, start, 45);
    assert_eq!(series.ghi_w_per_m2.len(), 45 * 24);
    assert_eq!(series.ghi_w_per_m2[24], series.ghi_w_per_m2[24 + 20 * 24]);
    assert!(notes.iter().any(|note| note.contains("20 days") && note.contains("repeat")), "{notes:?}");
    assert!((centroid_h(&series) - noon_h(&site)).abs() < 0.3, "hours of the day stay where they are");
    let epw = read(&data("lodwar_5d.epw")).unwrap();
    let (series, notes) = for_run(&epw, &LODWAR, Y2026 - 10_800 + 40 * 86_400, 7);
    assert_eq!(series.ghi_w_per_m2[12], epw.hours[12].ghi_w_per_m2);
    assert!(notes[0].contains("5 days") && notes[0].contains("run 7"), "{notes:?}");
}

#[test]
fn weather_from_elsewhere_peaks_at_the_villages_noon() {
    let file = read(&data("lodwar_pvwatts_90d.csv")).unwrap();
    let own = for_run(&file, &LODWAR, Y2026 - 10_800, 90).0;
    let (series, notes) = for_run(&file, &JIJA, Y2026 - 10_800, 90);
    assert!(notes[0].contains("700 km") && notes[0].contains("8 min later"), "{notes:?}");
    let moved = centroid_h(&series) - noon_h(&JIJA) - (centroid_h(&own) - noon_h(&LODWAR));
    assert!(moved.abs() < 0.01, "{moved}");
    assert!(closure_w_per_m2(&series, &JIJA, Y2026 - 10_800) < 1.0);
    // The same clearness under a sun that stands higher in the southern summer.
    let ratio = daily_kwh_per_m2(&series) / daily_kwh_per_m2(&own);
    assert!((1.0..1.12).contains(&ratio), "{ratio}");
    // Half a world away the days still follow the sun there.
    let fiji = Site { lat_deg: -17.0, lon_deg: 178.0, utc_offset_s: 43_200 };
    let (series, _) = for_run(&file, &fiji, Y2026 - 43_200, 80);
    assert!((centroid_h(&series) - noon_h(&fiji)).abs() < 0.4, "{}", centroid_h(&series));
    assert!(series.dni_w_per_m2.iter().all(|&dni| dni < 1100.0));
}

#[test]
fn distances_and_yields() {
    assert!((distance_km(0.0, 0.0, 0.0, 1.0) - 111.195).abs() < 0.01);
    assert!((distance_km(-2.8498, 33.6121, 3.12, 35.62) - 700.0).abs() < 1.0);
    assert!((distance_km(10.0, 179.5, 10.0, -179.5) - 109.5).abs() < 0.1);
    let file = read(&data("lodwar_pvwatts_90d.csv")).unwrap();
    let kwh = yield_kwh_per_kwp_day(&file);
    assert!((4.3..5.3).contains(&kwh), "PVWatts itself gives 4.76 over the year: {kwh}");
}

#[test]
fn bad_pvwatts() {
    let name = "lodwar_pvwatts_90d.csv";
    let line = 32 + 12; // 1 January, noon
    let one = |text: &str| read_text("pvwatts", "w.csv", text);
    let cell = |column: usize, value: &'static str| edited(name, line, move |l| with_cell(l, column, value));
    assert_one(one(&cell(3, "\"abc\"")), "taa::weather::bad_number", &["line 44", "Beam Irradiance", "abc"]);
    assert_one(one(&cell(3, "\"NaN\"")), "taa::weather::not_a_value", &["line 44", "NaN"]);
    assert_one(
        one(&cell(4, "\"-30\"")),
        "taa::weather::negative_irradiance",
        &["Diffuse Irradiance", "-30", "0 to 1500"],
    );
    assert_one(one(&cell(3, "\"2300\"")), "taa::weather::impossible_irradiance", &["2300", "0 to 1500"]);
    assert_one(one(&cell(5, "\"300\"")), "taa::weather::out_of_range", &["Ambient Temperature", "65 °C"]);
    assert_one(one(&cell(2, "\"25\"")), "taa::weather::bad_time", &["line 44", "hour 0–23"]);
    let gap: String = std::fs::read_to_string(data(name))
        .unwrap()
        .lines()
        .enumerate()
        .filter(|(i, _)| !(44..47).contains(i))
        .map(|(_, l)| format!("{l}\n"))
        .collect();
    assert_one(one(&gap), "taa::weather::gap", &["line 45", "3 hours", "day 1"]);
    let twice = edited(name, line, |l| format!("{l}\n{l}"));
    assert_one(one(&twice), "taa::weather::out_of_order", &["line 45"]);
    let short: String =
        std::fs::read_to_string(data(name)).unwrap().lines().take(32 + 20).map(|l| format!("{l}\n")).collect();
    assert_one(one(&short), "taa::weather::too_short", &["20 hours", "24"]);
    let nowhere = edited(name, 4, |_| "\"Latitude (DD)\",\"\"".to_owned());
    assert_one(one(&nowhere), "taa::weather::no_location", &["latitude"]);
    let cut = edited(name, line, |l| l.split(',').take(6).collect::<Vec<_>>().join(","));
    assert_one(one(&cut), "taa::weather::row_length", &["line 44", "6 columns", "12"]);
}

#[test]
fn bad_epw_pvgis_and_series() {
    let epw = |text: &str| read_text("epw", "w.epw", text);
    let cut = edited("lodwar_5d.epw", 20, |l| l.split(',').take(20).collect::<Vec<_>>().join(","));
    assert_one(epw(&cut), "taa::weather::epw_columns", &["line 20", "20 columns", "35"]);
    let hour = edited("lodwar_5d.epw", 20, |l| with_cell(l, 3, "0"));
    assert_one(epw(&hour), "taa::weather::bad_time", &["hour 1–24"]);
    let sub = edited("lodwar_5d.epw", 8, |l| with_cell(l, 2, "4"));
    assert_one(epw(&sub), "taa::weather::not_hourly", &["15 minutes"]);
    let zone = edited("lodwar_5d.epw", 1, |l| with_cell(l, 8, "30"));
    assert_one(epw(&zone), "taa::weather::out_of_range", &["time zone", "+14"]);
    let place = edited("lodwar_5d.epw", 1, |l| with_cell(l, 7, "?"));
    assert_one(epw(&place), "taa::weather::no_location", &["longitude"]);

    let pvgis = |text: &str| read_text("pvgis", "w.csv", text);
    let column = edited("pvgis_tmy_10d.csv", 18, |l| l.replace("Gd(h)", "Gx"));
    assert_one(pvgis(&column), "taa::weather::missing_column", &["Gd(h)", "Gx"]);
    let stamp = edited("pvgis_tmy_10d.csv", 40, |l| l.replacen("2018", "2018-", 1));
    assert_one(pvgis(&stamp), "taa::weather::bad_time", &["line 40", "yyyymmdd:HHMM"]);
    let place = edited("pvgis_tmy_10d.csv", 2, |_| String::new());
    assert_one(pvgis(&place), "taa::weather::no_location", &["longitude"]);

    let series = |text: &str| read_text("series", "w.csv", text);
    let place = edited("samionta_ghi_2016.csv", 1, |_| "# somewhere".to_owned());
    assert_one(series(&place), "taa::weather::no_location", &["latitude and longitude"]);
    let half = edited("samionta_ghi_2016.csv", 4, |l| l.replace(":00:00", ":30:00"));
    let errors = series(&half).unwrap_err();
    assert_eq!(errors.problems[0].code().unwrap().to_string(), "taa::weather::not_hourly");
    let time = edited("samionta_ghi_2016.csv", 4, |l| l.replace('-', "/").replacen("20", "x", 1));
    assert_eq!(series(&time).unwrap_err().problems[0].code().unwrap().to_string(), "taa::weather::bad_time");
    let swapped = edited("samionta_ghi_2016.csv", 1, |l| l.replace("2.2446E", "122.2446E"));
    let file = series(&swapped).unwrap();
    let codes: Vec<String> = file.warnings.iter().map(|w| w.code().unwrap().to_string()).collect();
    assert!(codes.iter().any(|code| code == "taa::weather::night_sun"), "{codes:?}");

    let unknown = |text: &str| read_text("unknown", "w.csv", text);
    assert_one(unknown("a,b\n1,2\n"), "taa::weather::unknown_format", &["PVGIS TMY", "EPW", "PVWatts", "`a,b`"]);
    assert_one(unknown("{\"inputs\":{}}"), "taa::weather::unknown_format", &["JSON", "CSV"]);
    assert_one(read(Path::new("/nowhere/w.epw")), "taa::file::missing", &["no such file"]);
}
