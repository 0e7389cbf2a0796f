//! What a planner sees: a dozen findings as miette renders them.

use miette::{GraphicalReportHandler, GraphicalTheme};

use crate::fixture::Fixture;

/// The findings of a spoilt fixture, its folder's name taken out.
fn rendered(name: &str, spoil: impl Fn(&mut Fixture)) -> String {
    let mut fixture = Fixture::new(name);
    spoil(&mut fixture);
    let handler =
        GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(500).with_links(false);
    let mut text = String::new();
    // Wide enough that nothing wraps: the temporary folder has a name of varying length.
    for problem in fixture.findings() {
        let mut one = String::new();
        handler.render_report(&mut one, &problem).unwrap();
        text += &one.replace(&format!("{}/", fixture.dir.display()), "");
    }
    text
}

#[test]
fn settings() {
    let shown = [
        rendered("r_key", |f| f.toml("days = 10", "dayz = 10")),
        rendered("r_unit", |f| f.toml("pv_kwp = 2.5", "pv_w = 2500")),
        rendered("r_date", |f| f.toml("2026-01-01", "1/1/2026")),
        rendered("r_many", |f| {
            f.toml("battery_kwh = 12", "battery_kwh = -12");
            f.toml("\"TZS\"", "\"KSH\"");
            f.toml("edge_local", "edge");
        }),
        rendered("r_syntax", |f| f.toml("seed = 7", "seed = ")),
    ];
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn village_and_faults() {
    let shown = [
        rendered("r_meter", |f| f.map("\"meter_id\":\"M2\"", "\"meter_id\":\"M1\"")),
        rendered("r_pole", |f| f.map("\"to\":\"p3\"", "\"to\":\"p33\"")),
        rendered("r_what", |f| f.fault("what = \"towr_out\"\nfrom = \"day 2\"\nuntil = \"3 h\"")),
        rendered("r_until", |f| f.fault("what = \"tower_out\"\nfrom = \"day 5 06:00\"\nuntil = \"day 4 06:00\"")),
        rendered("r_sun", |f| f.sky("2026-01-01 10:00:00,920.0", "2026-01-01 10:00:00,bright")),
    ];
    insta::assert_snapshot!(shown.join("\n"));
}
