//! `summary.json`: its shape is a promise to other programs, so it is a golden file; and the files beside it.

use std::path::{Path, PathBuf};

use serde_json::Value;
use taa_reports::{ReportError, WriteOptions, load, summary_json, terminal_table, write};

use crate::sample;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Keys by name, values by type.
fn shape(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(map) => {
            let sorted: std::collections::BTreeMap<_, _> = map.iter().collect();
            for (key, value) in sorted {
                out.push_str(&"  ".repeat(depth));
                out.push_str(key);
                out.push_str(match value {
                    Value::Object(_) => ":\n",
                    Value::Array(_) => ": array\n",
                    Value::String(_) => ": text\n",
                    Value::Number(_) => ": number\n",
                    Value::Bool(_) => ": bool\n",
                    Value::Null => ": null\n",
                });
                shape(value, depth + 1, out);
            }
        }
        Value::Array(list) => list.iter().for_each(|item| shape(item, depth + 1, out)),
        _ => {}
    }
}

#[test]
fn the_summary_keeps_its_shape() {
    let scenario = sample::scenario(30);
    let text = summary_json(&scenario, &sample::result(&scenario)).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    let mut out = String::new();
    shape(&value, 0, &mut out);
    insta::assert_snapshot!("summary_shape", out);
}

#[test]
fn the_summary_says_what_the_house_promises() {
    let scenario = sample::scenario(30);
    let text = summary_json(&scenario, &sample::result(&scenario)).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["schema"], 1);
    assert_eq!(value["start"], "2026-01-01T00:00:00+03:00");
    assert_eq!(value["simulated_s"], 2_592_000.0);
    assert_eq!(value["partial"], false);
    assert_eq!(value["comparison"]["one_draw"], true);
    assert!(text.find("\"cloud_sync\"").unwrap() < text.find("\"edge_local\"").unwrap(), "in the order asked for");
    let first = text.find("\"service_availability\"").unwrap();
    assert!(first < text.find("\"asai\"").unwrap(), "figures keep their own order, not the alphabet's");
    for name in ["cloud_sync", "edge_local"] {
        let arch = &value["architectures"][name];
        assert_eq!(arch["annualised"], true);
        let sum = |key: &str| arch[key].as_object().unwrap().values().map(|v| v.as_f64().unwrap()).sum::<f64>();
        let total = arch["downtime_h"].as_f64().unwrap();
        assert!((sum("downtime_h_by_class") - total).abs() < 1e-6);
        assert!((sum("downtime_h_by_cause") - total).abs() < 1e-6);
        assert_eq!(arch["digest"].as_str().unwrap().len(), 64);
    }
}

#[test]
fn a_year_is_not_annualised() {
    let scenario = sample::scenario(365);
    let text = summary_json(&scenario, &sample::result(&scenario)).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["architectures"]["edge_local"]["annualised"], false);
}

#[test]
fn the_terminal_table_fits_eighty_columns() {
    let scenario = sample::scenario(30);
    let table = terminal_table(&scenario, &sample::result(&scenario));
    for line in table.lines() {
        assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
    }
    assert!(!table.contains('\u{1b}'), "no colour codes unless asked for");
    insta::assert_snapshot!("terminal", table);
}

#[test]
fn nothing_half_written_stays() {
    let scenario = sample::scenario(3);
    let mut result = sample::result(&scenario);
    result.architectures[0].records.downtime.customer[0] = 9999;
    let dir = folder("mismatch");
    let _ = std::fs::remove_dir_all(&dir);
    let error = write(&dir, &scenario, &result, &WriteOptions::default()).unwrap_err();
    assert!(matches!(error, ReportError::Mismatch(_)), "{error}");
    assert!(!dir.exists() || std::fs::read_dir(&dir).unwrap().next().is_none());
}

#[test]
fn loading_tells_what_is_wrong() {
    let dir = folder("no-run");
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    assert!(matches!(load(&dir).unwrap_err(), ReportError::NotARun { .. }));
    let data = dir.join("report-data.json");
    std::fs::write(&data, "{\"format\": 99}").unwrap();
    assert!(matches!(load(&dir).unwrap_err(), ReportError::Format { found: 99, .. }));
    std::fs::write(&data, "{\"format\": 1, \"gener").unwrap();
    assert!(matches!(load(&dir).unwrap_err(), ReportError::Damaged { .. }));
}
