//! The page: nothing from outside, everything that the browser test holds on to, and sums that add up.

use std::path::{Path, PathBuf};

use taa_reports::{Record, WriteOptions, load, render_again, write};

use crate::sample;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn page(name: &str, days: u32) -> String {
    let scenario = sample::scenario(days);
    let dir = folder(name);
    let options = WriteOptions { record: Record::Full, ..WriteOptions::default() };
    write(&dir, &scenario, &sample::result(&scenario), &options).expect("a report");
    std::fs::read_to_string(dir.join("report.html")).expect("the page")
}

/// What would make a browser ask for something.
fn requests(html: &str) -> Vec<&'static str> {
    const ASKING: [&str; 8] =
        ["http://", "https://", "url(", "@import", "<link rel=\"stylesheet\"", "src=", "fetch(", "XMLHttpRequest"];
    ASKING.into_iter().filter(|text| html.contains(text)).collect()
}

#[test]
fn the_page_asks_nothing_of_the_network() {
    let html = page("offline", 30);
    assert_eq!(requests(&html), Vec::<&str>::new());
    assert!(html.contains("default-src 'none'"), "the policy forbids every request");
    let sabotaged = html.replacen("<main>", "<main><img src=\"https://example.org/a.png\">", 1);
    assert_eq!(requests(&sabotaged), ["https://", "src="], "the test sees what it should see");
}

#[test]
fn the_page_has_the_hooks_of_the_browser_test() {
    let html = page("hooks", 30);
    for hook in ["<svg id=\"map\"", "<table id=\"suffered\">", "window.__taaErrors=[]", "aria-sort=\"descending\""] {
        assert!(html.contains(hook), "{hook} is missing");
    }
    assert!(html.contains("Will the light stay on in Jija?"));
    assert!(html.contains("OpenStreetMap contributors"));
}

/// Tenths of an hour as shown in the table of causes: sums of its rows, and its totals, by architecture.
fn shown_tenths(html: &str) -> (Vec<u64>, Vec<u64>) {
    let table = html.split("id=\"causes\"").nth(1).and_then(|rest| rest.split("</table>").next()).expect("the table");
    let (body, foot) = table.split_once("<tfoot>").expect("a total");
    let tenths = |text: &str| -> Vec<u64> {
        text.split("data-tenths=\"").skip(1).map(|t| t.split('"').next().unwrap().parse().unwrap()).collect()
    };
    let (rows, totals) = (tenths(body), tenths(foot));
    let sums = (0..totals.len()).map(|arch| rows.iter().skip(arch).step_by(totals.len()).sum());
    (sums.collect(), totals)
}

#[test]
fn causes_add_up_to_the_total_as_shown() {
    let html = page("sums", 30);
    let (sums, totals) = shown_tenths(&html);
    assert_eq!(totals.len(), 2);
    assert_eq!(sums, totals, "shown parts and shown total");
    let data = load(&folder("sums")).expect("the data");
    for (arch, total) in data.architectures.iter().zip(totals) {
        let kpi = arch.kpi("downtime_h").unwrap();
        assert!((kpi - total as f64 / 10.0).abs() <= 0.05, "{kpi} is shown as {total} tenths");
        let by_class: u64 = arch.lost_ms().iter().sum();
        assert!((by_class as f64 / 3_600_000.0 - kpi).abs() < 1e-6);
    }
    let (sums, totals) = shown_tenths(&html.replacen("data-tenths=\"", "data-tenths=\"1", 1));
    assert_ne!(sums, totals, "a changed row must show");
}

#[test]
fn rendering_again_gives_the_same_page() {
    let html = page("again", 30);
    let dir = folder("again");
    std::fs::remove_file(dir.join("report.html")).unwrap();
    let written = render_again(&dir).expect("rendered again");
    assert_eq!(written.files.len(), 1);
    assert!(std::fs::read_to_string(dir.join("report.html")).unwrap() == html, "the pages differ");
}

#[test]
fn names_cannot_break_out_of_the_page() {
    let mut scenario = sample::scenario(3);
    scenario.faults.clear();
    let nasty = "</script><script>alert(1)</script>\"'&<b>";
    scenario.title = nasty.to_owned();
    scenario.village.customers[0].id = nasty.to_owned();
    scenario.notes = vec![nasty.to_owned()];
    let dir = folder("nasty");
    write(&dir, &scenario, &sample::result(&scenario), &WriteOptions::default()).expect("a report");
    let html = std::fs::read_to_string(dir.join("report.html")).unwrap();
    assert!(!html.contains("<script>alert"), "a name became markup");
    assert!(html.contains("&lt;/script&gt;"));
}

#[test]
fn a_year_stays_small() {
    let html = page("year", 365);
    assert!(html.len() < 2_000_000, "{} bytes", html.len());
    assert!(html.contains("365 days from 1 Jan 2026"));
}

#[test]
fn a_large_village_over_a_year_stays_under_three_megabytes() {
    let scenario = sample::scenario_of(365, 4);
    assert!(scenario.village.buildings.len() > 1200);
    let dir = folder("large");
    write(&dir, &scenario, &sample::result(&scenario), &WriteOptions::default()).expect("a report");
    let size = std::fs::metadata(dir.join("report.html")).unwrap().len();
    assert!(size < 3_000_000, "{size} bytes");
}
