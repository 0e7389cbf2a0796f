//! No input panics: real files with random damage are either read or diagnosed, and what is read can be laid out or
//! run through.

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use proptest::prelude::*;
use taa_scenarios::model::Site;
use taa_scenarios::{import, layout, weather};

/// One act of damage: where (as a share of the file), how many bytes go, what comes instead.
type Damage = (f64, usize, &'static str);

fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let words = prop::sample::select(vec![
        "",
        "\"",
        ",",
        ";",
        "\n",
        "\r\n",
        "{",
        "}",
        "[",
        "]",
        "<",
        ">",
        "</Polygon>",
        "&",
        "-",
        "0",
        "9999",
        "1e308",
        "1e999",
        "NaN",
        "null",
        "é",
        "\u{feff}",
        "#",
        ":",
        "20160229",
        "-0.0",
        "true",
    ]);
    prop::collection::vec((0.0..1.0_f64, 0..40_usize, words), 1..6)
}

fn hurt(text: &str, damages: &[Damage]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for &(share, gone, instead) in damages {
        let at = ((bytes.len() as f64) * share) as usize;
        let end = (at + gone).min(bytes.len());
        bytes.splice(at..end, instead.bytes());
    }
    bytes
}

/// The first `bytes` of a fixture, up to a line's end.
fn start_of(name: &str, bytes: usize) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let end = (bytes.min(text.len())..text.len()).find(|&i| text.as_bytes()[i] == b'\n').unwrap_or(text.len());
    text[..end].to_owned()
}

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("taa-damage-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

/// Whoever renders a problem asks for all of this.
fn shown(problem: &dyn Diagnostic) {
    assert!(problem.code().is_some() && !problem.to_string().is_empty());
    if let (Some(source), Some(labels)) = (problem.source_code(), problem.labels()) {
        for label in labels {
            assert!(source.read_span(label.inner(), 1, 1).is_ok(), "{problem}");
        }
    }
}

fn read_buildings_of(name: &str, bytes: &[u8]) {
    let path = scratch(name);
    std::fs::write(&path, bytes).unwrap();
    match import::read_buildings(&path) {
        Ok(read) => {
            let [lon_deg, lat_deg] = read.centre_deg();
            let site = Site { lat_deg, lon_deg, utc_offset_s: 0 };
            let params = layout::LayoutParams { min_footprint_m2: 0.0, ..layout::LayoutParams::default() };
            if let Ok(village) = layout::build(&read, &params, &site, 1) {
                assert!(village.lines.len() >= village.poles.len());
            }
        }
        Err(errors) => {
            assert!(!errors.problems.is_empty());
            errors.problems.iter().for_each(|problem| shown(problem));
        }
    }
}

fn read_weather_of(name: &str, bytes: &[u8]) {
    let path = scratch(name);
    std::fs::write(&path, bytes).unwrap();
    match weather::read(&path) {
        Ok(file) => {
            let site = Site { lat_deg: -2.85, lon_deg: 33.6, utc_offset_s: 10_800 };
            let (series, _) = weather::for_run(&file, &site, 1_767_214_800, 40);
            let all = [
                &series.ghi_w_per_m2,
                &series.dni_w_per_m2,
                &series.dhi_w_per_m2,
                &series.temp_c,
                &series.wind_m_per_s,
            ];
            assert!(all.iter().all(|values| values.len() == 960 && values.iter().all(|value| value.is_finite())));
        }
        Err(errors) => {
            assert!(!errors.problems.is_empty());
            errors.problems.iter().for_each(|problem| shown(problem));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_buildings_files_do_not_panic(damages in damage()) {
        read_buildings_of("a.geojson", &hurt(&start_of("nakiu.geojson", usize::MAX)[..20_000], &damages));
        // Few features, whole: damage that leaves the JSON valid.
        let small = r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"id":"1"},"geometry":{"type":"Polygon","coordinates":[[[33.6,-2.85],[33.6001,-2.85],[33.6001,-2.8499],[33.6,-2.85]]]}}]}"#;
        read_buildings_of("b.geojson", &hurt(small, &damages));
        read_buildings_of("a.kml", &hurt(&start_of("jija.kml", 8_000), &damages));
        read_buildings_of("c.kml", &hurt(&(start_of("jija.kml", 3_000) + "</Document></kml>"), &damages));
        read_buildings_of("a.csv", &hurt(&start_of("jija_points.csv", 3_000), &damages));
        read_buildings_of("a.txt", &hurt(&start_of("jija_points.csv", 500), &damages));
    }

    #[test]
    fn damaged_weather_files_do_not_panic(damages in damage()) {
        for name in ["lodwar_pvwatts_90d.csv", "pvgis_tmy_10d.csv", "samionta_ghi_2016.csv"] {
            read_weather_of("w.csv", &hurt(&start_of(name, 12_000), &damages));
        }
        read_weather_of("w.epw", &hurt(&start_of("lodwar_5d.epw", usize::MAX), &damages));
        read_weather_of("v.epw", &hurt(&start_of("pvgis_july_12d.epw", 30_000), &damages));
    }
}
