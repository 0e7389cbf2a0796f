//! `taa run`: load, simulate with a progress bar, write, say.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use taa_reports::{Attachment, Record, WriteOptions};
use taa_scenarios::{
    Overrides,
    model::{Fidelity, Scenario},
};
use taa_sim::run::RunOptions;

use crate::{Failure, args, args::RunArgs, capture, ledger, progress::Bars, show, study};

static STOP: AtomicBool = AtomicBool::new(false);

pub(crate) fn run(args: &RunArgs) -> Result<(), Failure> {
    let started = now();
    let overrides = overrides(args)?;
    let mut scenario = taa_scenarios::load(&args.scenario, &overrides).map_err(|found| show::input(&found))?;
    scenario.notes.extend(taa_sim::reach::remark(&scenario));
    scenario.run.ledger = args.ledger;
    choose_mesh(args, &mut scenario)?;
    for note in scenario.notes.iter().filter(|_| !args.quiet && !args.json) {
        show::remark(note);
    }
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("runs").join(format!("{}-{}", scenario.name, scenario.run.seed)));

    let names: Vec<String> = scenario.run.architectures.iter().map(|a| a.0.clone()).collect();
    let captures = args.capture.as_ref().map(|file| capture::files(file, &names)).transpose()?;
    show::folder(&out)?;

    // The first Ctrl-C ends the run and leaves a report up to that moment; the second ends the program.
    let armed = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    if let Err(error) = armed {
        show::remark(&format!("taa: Ctrl-C will not leave a report: {error}"));
    }
    let bars = Bars::new(&names, scenario.run.days, args.quiet);
    let threads = args.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let progress = |index: usize, run_ms: u64| bars.at(index, run_ms / 3_600_000);
    let options = RunOptions { threads, stop: &STOP, progress: &progress };
    let simulated = taa_sim::run::run(&scenario, &options);
    bars.finish();
    let mut result = simulated.map_err(|error| Failure::Own(error.to_string()))?;
    result.wall_s = started.elapsed().as_secs_f64();
    scenario.run.ledger = false;
    scenario.comms.mesh.capture = false;
    // Before the studies, which take longer than the run: it is the run's, and it is large.
    if let Some(captures) = &captures {
        capture::write(captures, &mut result, args.quiet)?;
    }
    let study = study::of(args, &overrides, (&scenario, &result), threads, &STOP)?;

    let record = match args.record {
        args::Record::Off => Record::Off,
        args::Record::Summary => Record::Summary,
        args::Record::Full => Record::Full,
    };
    study::write(&out, study.as_ref())?;
    ledger::write(&out, &scenario, &result)?;
    let options =
        WriteOptions { record, attachments: attachments(args), study: study.clone(), ..WriteOptions::default() };
    let written = taa_reports::write(&out, &scenario, &result, &options).map_err(|e| show::report_failure(&e))?;
    if args.json {
        let summary = taa_reports::summary_json_with(&scenario, &result, study.as_ref());
        let summary = summary.map_err(|e| show::report_failure(&e))?;
        show::say(&summary)?;
    } else if !args.quiet {
        let coloured = std::io::IsTerminal::is_terminal(&std::io::stdout());
        show::say(&taa_reports::terminal_table_with(&scenario, &result, study.as_ref(), coloured))?;
        if let Some((report, _)) = written.files.first() {
            show::say(&format!("Report: {}", report.display()))?;
        }
    }
    Ok(())
}

fn overrides(args: &RunArgs) -> Result<Overrides, Failure> {
    let mut traits = Vec::new();
    for pair in &args.traits {
        let Some((key, value)) = pair.split_once('=') else {
            let text = format!("--trait {pair}: expected name=value, for instance --trait backhaul=dual_sim");
            return Err(Failure::Input(text));
        };
        traits.push((key.trim().to_owned(), value.trim().to_owned()));
    }
    let architectures =
        if args.compare { vec!["cloud_sync".to_owned(), "edge_local".to_owned()] } else { args.architecture.clone() };
    Ok(Overrides {
        seed: args.seed,
        start: args.start.clone(),
        days: args.days,
        architectures,
        traits,
        faults: args.faults.clone(),
    })
}

fn choose_mesh(args: &RunArgs, scenario: &mut Scenario) -> Result<(), Failure> {
    let mesh = &mut scenario.comms.mesh;
    match args.mesh {
        Some(args::Mesh::Message) => mesh.fidelity = Fidelity::Message,
        Some(args::Mesh::Frame) => mesh.fidelity = Fidelity::Frame,
        None => {}
    }
    if args.capture.is_some() {
        if args.mesh == Some(args::Mesh::Message) {
            let text = "--capture needs the mesh frame by frame: leave --mesh message out, or --capture";
            return Err(Failure::Input(text.to_owned()));
        }
        (mesh.fidelity, mesh.capture) = (Fidelity::Frame, true);
    }
    Ok(())
}

/// The scenario's own files, so that the recording can be run again. What cannot be read was reported by the loader.
fn attachments(args: &RunArgs) -> Vec<Attachment> {
    let own = ["scenario.toml", "village.geojson"].map(|name| args.scenario.join(name));
    own.into_iter()
        .chain(args.faults.clone())
        .filter_map(|path| {
            let data = std::fs::read(&path).ok()?;
            let name = path.file_name()?.to_string_lossy().into_owned();
            let json = path.extension().is_some_and(|e| e == "geojson");
            let media_type = if json { "application/geo+json" } else { "application/toml" };
            Some(Attachment { name, media_type: media_type.to_owned(), data })
        })
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "the command line is the shell: it may read the clock")]
fn now() -> Instant {
    Instant::now()
}
