//! The small commands: check, new, schema, report; and how findings are shown.

use std::{
    io::{IsTerminal, Write},
    path::Path,
};

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, JSONReportHandler, Severity};
use taa_scenarios::{Diagnostics, NewArgs as Create};

use crate::{
    Failure,
    args::{CheckArgs, NewArgs, ReportArgs},
};

/// Prints on standard output. Whoever stops reading (`| head`) has read enough; a full disk is a failure.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Own(format!("cannot print: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints on standard error. It is for people: when nobody reads it any more (`2>&1 | head`), nothing is lost.
pub(crate) fn remark(text: &str) {
    let mut err = std::io::stderr().lock();
    let written = err.write_all(text.as_bytes());
    if written.is_ok() && !text.ends_with('\n') {
        drop(err.write_all(b"\n"));
    }
}

/// Findings as people read them: with the source lines, in colour on a terminal.
fn render(found: &Diagnostics) -> String {
    let theme =
        if std::io::stderr().is_terminal() { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(110);
    let mut text = String::new();
    for problem in &found.problems {
        if handler.render_report(&mut text, problem).is_err() {
            text.push_str(&problem.to_string());
        }
        text.push('\n');
    }
    if found.more > 0 {
        text.push_str(&format!("… and {} more of these kinds.\n", found.more));
    }
    text
}

/// Findings that stop nothing; none, no line.
fn remark_all(found: &Diagnostics) {
    let text = render(found);
    if !text.is_empty() {
        remark(&text);
    }
}

/// Makes the folder for results, before a long simulation rather than after it.
pub(crate) fn folder(out: &Path) -> Result<(), Failure> {
    let said = out.display();
    if let Some(file) = out.ancestors().find(|path| path.is_file()) {
        let file = file.display();
        return Err(Failure::Input(format!(
            "--out {said}: `{file}` is a file, not a folder. Name a folder; it is made if it does not exist."
        )));
    }
    std::fs::create_dir_all(out).map_err(|error| {
        Failure::Input(format!("--out {said}: the folder cannot be made ({error}). Name one that you may write to."))
    })
}

/// Bad input, with what is wrong and what would be right.
pub(crate) fn input(found: &Diagnostics) -> Failure {
    Failure::Input(format!("{}\n{found}: nothing was run and nothing was written.", render(found).trim_end()))
}

pub(crate) fn check(args: &CheckArgs) -> Result<(), Failure> {
    let report = taa_scenarios::check(&args.scenario);
    if args.json {
        say(&json(&report.problems))?;
    } else {
        for line in &report.summary {
            say(line)?;
        }
        if report.ok() {
            if let Some(remark) = report.scenario.as_ref().and_then(taa_sim::reach::remark) {
                say(&remark)?;
            }
            remark_all(&report.problems);
            say(&format!("{} is sound.", args.scenario.display()))?;
        }
    }
    if report.ok() {
        Ok(())
    } else if args.json {
        Err(Failure::Input(report.problems.to_string()))
    } else {
        Err(Failure::Input(format!("{}\n{}", render(&report.problems).trim_end(), report.problems)))
    }
}

/// One object per finding: message, severity, code, help, source, labels.
fn json(found: &Diagnostics) -> String {
    let handler = JSONReportHandler::new();
    let one = |problem: &dyn Diagnostic| {
        let mut text = String::new();
        match handler.render_report(&mut text, problem) {
            Ok(()) => text,
            Err(_) => serde_json::json!({ "message": problem.to_string() }).to_string(),
        }
    };
    let all: Vec<String> = found.problems.iter().map(|problem| one(problem)).collect();
    format!("[{}]", all.join(",\n "))
}

pub(crate) fn new(args: &NewArgs) -> Result<(), Failure> {
    let create = Create {
        dir: args.dir.clone(),
        buildings: args.buildings.clone(),
        weather: args.weather.clone(),
        connections: args.connections,
        name: args.name.clone(),
    };
    let created = taa_scenarios::create(&create).map_err(|found| input(&found))?;
    if created.remarks.problems.iter().any(|remark| remark.severity() == Some(Severity::Warning)) {
        remark_all(&created.remarks);
    }
    for line in &created.summary {
        say(line)?;
    }
    let dir = created.dir.display();
    say(&format!("\nMade {dir}. Look it over in any editor and in QGIS, then:\n  taa run {dir} --compare"))
}

pub(crate) fn schema() -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(&taa_scenarios::json_schema()).map_err(|e| Failure::Own(e.to_string()))?;
    say(&text)
}

pub(crate) fn report(args: &ReportArgs) -> Result<(), Failure> {
    let written = taa_reports::render_again(&args.dir).map_err(|error| report_failure(&error))?;
    for (file, _) in &written.files {
        say(&file.display().to_string())?;
    }
    Ok(())
}

/// Whose fault a failed report is: a folder that holds no run is bad input, a full disk and a bug are not.
pub(crate) fn report_failure(error: &taa_reports::ReportError) -> Failure {
    use taa_reports::ReportError;
    match error {
        ReportError::NotARun { .. } | ReportError::Format { .. } | ReportError::Damaged { .. } => {
            Failure::Input(error.to_string())
        }
        _ => Failure::Own(error.to_string()),
    }
}
