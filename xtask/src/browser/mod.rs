//! The browser stage: a report made by `taa run` is opened in headless Chromium, wide and narrow.
//!
//! It must load without an error or a request, draw its map, fit its window and sort its table. Then the same page is
//! broken in known ways, and each must be noticed: a check that cannot fail checks nothing. Screenshots stay in
//! `target/browser/` for people to look at.

mod judge;
mod webdriver;

use std::path::Path;
use std::process::Command;

use crate::needs::{CHROMEDRIVER, CHROMIUM};
use crate::stages::Done;
use crate::{process, workspace};
use webdriver::Browser;

const PROBE: &str = include_str!("probe.js");
const VILLAGE: &str = "scenarios/villages/jija";

/// A window.
struct Window {
    width_px: u32,
    height_px: u32,
    mobile: bool,
}

const WINDOWS: [Window; 2] =
    [Window { width_px: 1280, height_px: 900, mobile: false }, Window { width_px: 390, height_px: 844, mobile: true }];

/// A way to break a page: what stands in it, what takes its place, and a word of the problem that must be noticed.
const SABOTAGES: [(&str, &str, &str); 7] = [
    ("</body>", "<script>throw new Error('sabotage')</script></body>", "errors in the page"),
    ("</body>", "<img src=\"https://127.0.0.1:1/tile.png\"></body>", "errors in the console"),
    ("</body>", "<div style=\"width:2000px\">wide</div></body>", "wider than"),
    ("id=\"map\"", "id=\"no-map\"", "there is no map"),
    ("id=\"replay\"", "id=\"no-replay\"", "there is no replay"),
    ("requestAnimationFrame(tick)", "requestAnimationFrame(() => 0)", "the replay does not play"),
    ("\"aria-sort\", down", "\"aria-unsorted\", down", "does not sort"),
];

/// The stage: makes a report of a small run, then [`judge_report`].
pub(crate) fn run() -> Result<Done, String> {
    let taa = workspace::build_taa()?;
    let out = workspace::target().join("browser").join("run");
    if out.exists() {
        std::fs::remove_dir_all(&out).map_err(|e| format!("cannot clear {}: {e}", out.display()))?;
    }
    let mut village = Command::new(taa);
    village.current_dir(workspace::root()).args(["run", VILLAGE, "--days", "3", "--compare", "--quiet", "--out"]);
    process::quietly(village.arg(&out))?;
    judge_report(&out.join("report.html"))
}

/// Opens a report in both windows; then breaks it in every known way.
pub(crate) fn judge_report(report: &Path) -> Result<Done, String> {
    let (Some(chromium), Some(driver)) = (CHROMIUM.find(), CHROMEDRIVER.find()) else {
        return Ok(Done::LeftOut(format!(
            "no Chromium here; `{} {}` brings it",
            CHROMIUM.remedy(),
            CHROMEDRIVER.package
        )));
    };
    let report = report.canonicalize().map_err(|e| format!("cannot find {}: {e}", report.display()))?;
    let folder = workspace::target().join("browser");
    std::fs::create_dir_all(&folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))?;
    let browser = Browser::start(&driver, &chromium)?;
    for window in &WINDOWS {
        let problems = look(&browser, &report, window)?;
        let picture = folder.join(format!("report-{}.png", window.width_px));
        std::fs::write(&picture, browser.screenshot()?)
            .map_err(|e| format!("cannot write {}: {e}", picture.display()))?;
        if !problems.is_empty() {
            return Err(format!("{} at {} px:\n  {}", report.display(), window.width_px, problems.join("\n  ")));
        }
    }
    let page = std::fs::read_to_string(&report).map_err(|e| format!("cannot read {}: {e}", report.display()))?;
    for (n, sabotage) in SABOTAGES.into_iter().enumerate() {
        // Each under a name of its own: of one that is open already the browser may show what it has.
        must_be_noticed(&browser, &page, &folder.join(format!("sabotage-{n}.html")), sabotage)?;
    }
    Ok(Done::Passed(format!("a report holds at 1280 and 390 px; {} broken ones are noticed", SABOTAGES.len())))
}

/// Opens a page in a window and says what is wrong with it.
fn look(browser: &Browser, page: &Path, window: &Window) -> Result<Vec<String>, String> {
    browser.resize(window.width_px, window.height_px, window.mobile)?;
    browser.console()?;
    browser.open(page)?;
    let facts = browser.ask(PROBE)?;
    Ok(judge::problems(&facts, &browser.console()?))
}

/// Breaks the page and demands that it is noticed.
fn must_be_noticed(
    browser: &Browser,
    page: &str,
    file: &Path,
    (stands, instead, noticed): (&str, &str, &str),
) -> Result<(), String> {
    if !page.contains(stands) {
        return Err(format!("the report has no `{stands}` to break; mend the sabotage in xtask/src/browser/mod.rs"));
    }
    std::fs::write(file, page.replace(stands, instead)).map_err(|e| format!("cannot write {}: {e}", file.display()))?;
    let problems = look(browser, file, &WINDOWS[1])?;
    if problems.iter().any(|problem| problem.contains(noticed)) {
        return Ok(());
    }
    Err(format!("a report with `{instead}` passed for sound ({})", problems.join("; ")))
}
