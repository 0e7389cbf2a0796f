//! A small sound scenario that each case spoils in one way.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use miette::{Diagnostic, Severity};
use taa_scenarios::diagnostics::Problem;
use taa_scenarios::{Overrides, check, load};

/// Six houses in two rows, three poles, one feeder; feature n stands on line n + 2.
pub(crate) const VILLAGE: &str = r#"{"type":"FeatureCollection","name":"Kitongoji","features":[
{"type":"Feature","properties":{"kind":"building","id":"b1","connected":"yes","class":"household_low","placement":"wall","meter_id":"M1","pole":"p1","phase":1},"geometry":{"type":"Polygon","coordinates":[[[33.6121,-2.8500],[33.6122,-2.8500],[33.6122,-2.8499],[33.6121,-2.8499],[33.6121,-2.8500]]]}},
{"type":"Feature","properties":{"kind":"building","id":"b2","connected":"yes","class":"shop","placement":"indoor","meter_id":"M2","pole":"p2","phase":2},"geometry":{"type":"Polygon","coordinates":[[[33.6124,-2.8500],[33.6125,-2.8500],[33.6125,-2.8499],[33.6124,-2.8499],[33.6124,-2.8500]]]}},
{"type":"Feature","properties":{"kind":"building","id":"b3","connected":"yes","class":"household_low","placement":"pole","meter_id":"M3","pole":"p3","phase":3},"geometry":{"type":"Polygon","coordinates":[[[33.6127,-2.8500],[33.6128,-2.8500],[33.6128,-2.8499],[33.6127,-2.8499],[33.6127,-2.8500]]]}},
{"type":"Feature","properties":{"kind":"building","id":"b4","connected":"no"},"geometry":{"type":"Point","coordinates":[33.6124,-2.8503]}},
{"type":"Feature","properties":{"kind":"pole","id":"p1","power":"pole","feeder":"f1"},"geometry":{"type":"Point","coordinates":[33.61215,-2.85015]}},
{"type":"Feature","properties":{"kind":"pole","id":"p2","power":"pole","feeder":"f1"},"geometry":{"type":"Point","coordinates":[33.61245,-2.85015]}},
{"type":"Feature","properties":{"kind":"pole","id":"p3","power":"pole","feeder":"f1"},"geometry":{"type":"Point","coordinates":[33.61275,-2.85015]}},
{"type":"Feature","properties":{"kind":"line","id":"l1","power":"minor_line","from":"source","to":"p1"},"geometry":{"type":"LineString","coordinates":[[33.6119,-2.85015],[33.61215,-2.85015]]}},
{"type":"Feature","properties":{"kind":"line","id":"l2","power":"minor_line","from":"p1","to":"p2"},"geometry":{"type":"LineString","coordinates":[[33.61215,-2.85015],[33.61245,-2.85015]]}},
{"type":"Feature","properties":{"kind":"line","id":"l3","power":"minor_line","from":"p2","to":"p3"},"geometry":{"type":"LineString","coordinates":[[33.61245,-2.85015],[33.61275,-2.85015]]}},
{"type":"Feature","properties":{"kind":"generation","id":"generation","power":"generator","height_m":3},"geometry":{"type":"Point","coordinates":[33.6119,-2.85015]}},
{"type":"Feature","properties":{"kind":"dcu","id":"dcu","height_m":8},"geometry":{"type":"Point","coordinates":[33.6119,-2.85015]}}
]}
"#;

/// `scenario.toml`, its lines numbered by the cases below.
pub(crate) const SCENARIO: &str = r#"schema = 1
title = "Kitongoji"

[site]
lat_deg = -2.85
lon_deg = 33.612
utc_offset_h = 3

[weather]
file = "weather.csv"

[power]
pv_kwp = 2.5
battery_kwh = 12
inverter_kw = 2

[tariff]
currency = "TZS"
energy_price_per_kwh = 1800

[run]
start = "2026-01-01"
days = 10
seed = 7
architectures = ["cloud_sync", "edge_local"]
"#;

/// A scenario on its way to disk.
pub(crate) struct Fixture {
    pub(crate) dir: PathBuf,
    pub(crate) scenario: String,
    pub(crate) village: String,
    pub(crate) weather: String,
    pub(crate) faults: Option<String>,
    /// Further files, or replacements, by name.
    pub(crate) files: Vec<(&'static str, Vec<u8>)>,
    /// Files that are not written.
    pub(crate) missing: Vec<&'static str>,
    pub(crate) overrides: Overrides,
}

impl Fixture {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            dir: std::env::temp_dir().join(format!("taa-bad-{}-{name}", std::process::id())),
            scenario: SCENARIO.to_owned(),
            village: VILLAGE.to_owned(),
            weather: weather(),
            faults: None,
            files: Vec::new(),
            missing: Vec::new(),
            overrides: Overrides::default(),
        }
    }

    /// Replaces text of `scenario.toml`.
    pub(crate) fn toml(&mut self, from: &str, to: &str) {
        replace(&mut self.scenario, from, to);
    }

    /// Replaces text of `village.geojson`.
    pub(crate) fn map(&mut self, from: &str, to: &str) {
        replace(&mut self.village, from, to);
    }

    /// Replaces text of `weather.csv`.
    pub(crate) fn sky(&mut self, from: &str, to: &str) {
        replace(&mut self.weather, from, to);
    }

    /// Takes another buildings file.
    pub(crate) fn buildings(&mut self, name: &'static str, content: impl AsRef<[u8]>) {
        self.toml("[weather]", &format!("[village]\nfile = \"{name}\"\n\n[weather]"));
        self.files.push((name, content.as_ref().to_vec()));
    }

    /// Scripts one fault; `body` are the lines after `[[fault]]`, the first of them line 2.
    pub(crate) fn fault(&mut self, body: &str) {
        self.toml("title = \"Kitongoji\"", "title = \"Kitongoji\"\nfaults = \"faults.toml\"");
        self.faults = Some(format!("[[fault]]\n{body}\n"));
    }

    /// Scripts one operation; `body` are the lines after `[[operation]]`.
    pub(crate) fn operation(&mut self, body: &str) {
        self.toml("title = \"Kitongoji\"", "title = \"Kitongoji\"\nfaults = \"faults.toml\"");
        self.faults = Some(format!("[[operation]]\n{body}\n"));
    }

    /// Writes everything down.
    pub(crate) fn write(&self) {
        fs::create_dir_all(&self.dir).unwrap();
        let mut files = vec![
            ("scenario.toml", self.scenario.as_bytes()),
            ("village.geojson", self.village.as_bytes()),
            ("weather.csv", self.weather.as_bytes()),
        ];
        files.extend(self.faults.as_ref().map(|text| ("faults.toml", text.as_bytes())));
        files.extend(self.files.iter().map(|(name, content)| (*name, content.as_slice())));
        for (name, content) in files.into_iter().filter(|(name, _)| !self.missing.contains(name)) {
            fs::write(self.dir.join(name), content).unwrap();
        }
    }

    /// Everything found that is more than advice.
    pub(crate) fn findings(&self) -> Vec<Problem> {
        self.write();
        let found = if self.overrides == Overrides::default() {
            check(&self.dir).problems
        } else {
            load(&self.dir, &self.overrides).expect_err("a bad input was taken")
        };
        // The sound fixture's weather has neither temperature nor wind, and says so.
        let expected =
            |problem: &Problem| problem.code().is_some_and(|code| code.to_string() == "taa::weather::assumed");
        let more = |problem: &Problem| problem.severity() != Some(Severity::Advice) && !expected(problem);
        found.problems.into_iter().filter(more).collect()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Ten days of the ERA5 form, from line 3 on.
fn weather() -> String {
    let mut text =
        "# Kitongoji 2.85S 33.61E; GHI W/m2; labels are UTC, hour-beginning\ntimestamp,ghi_w_m2\n".to_owned();
    for hour in 0..240 {
        let high = [0.0, 90.0, 310.0, 560.0, 780.0, 900.0, 920.0, 850.0, 690.0, 470.0, 230.0, 50.0];
        let ghi = (hour % 24_usize).checked_sub(4).and_then(|h| high.get(h)).copied().unwrap_or(0.0);
        let _ = writeln!(text, "2026-01-{:02} {:02}:00:00,{ghi:.1}", hour / 24 + 1, hour % 24);
    }
    text
}

fn replace(text: &mut String, from: &str, to: &str) {
    assert!(text.contains(from), "`{from}` is not in the fixture");
    *text = text.replacen(from, to, 1);
}

/// One finding and no other: its code, where it stands, and the words of message and help.
pub(crate) fn assert_one(found: &[Problem], code: &str, place: &str, words: &[&str]) {
    let all: Vec<String> = found.iter().map(sentence).collect();
    assert_eq!(found.len(), 1, "{all:#?}");
    let got = found[0].code().map(|code| code.to_string()).unwrap_or_default();
    assert_eq!(got, code, "{all:#?}");
    for word in [place].iter().chain(words) {
        assert!(all[0].contains(word), "`{word}` is not in: {}", all[0]);
    }
}

fn sentence(problem: &Problem) -> String {
    let help = problem.help().map(|help| help.to_string()).unwrap_or_default();
    let code = problem.code().map(|code| code.to_string()).unwrap_or_default();
    format!("{problem} | {help} [{code}]")
}
