//! `taa mesh show`: the mesh of a finished run, or of a scenario that is run for it.

use std::sync::atomic::AtomicBool;

use taa_reports::{data::ReportData, files};
use taa_scenarios::{Overrides, model::Fidelity};
use taa_sim::run::RunOptions;

use crate::{
    Failure,
    args::{Mesh, MeshShowArgs},
    show, study,
};

pub(super) fn shown(args: &MeshShowArgs) -> Result<(), Failure> {
    let data = if args.folder.join(files::DATA).is_file() { finished(args)? } else { simulated(args)? };
    if data.architectures.iter().all(|arch| arch.mesh.is_none()) {
        return Err(Failure::Input(format!(
            "{}: this run has kept no mesh: it is of an earlier version. Run it again.",
            args.folder.display()
        )));
    }
    if let Some(file) = &args.html {
        study::whole(file, &taa_reports::mesh_page(&data))?;
    }
    if args.json {
        let text = taa_reports::mesh_json(&data).map_err(|error| show::report_failure(&error))?;
        return show::say(&text);
    }
    show::say(taa_reports::mesh_table(&data).trim_end())?;
    match &args.html {
        Some(file) => show::say(&format!("Page: {}", file.display())),
        None => Ok(()),
    }
}

fn finished(args: &MeshShowArgs) -> Result<ReportData, Failure> {
    let told = [(args.mesh.is_some(), "--mesh"), (args.seed.is_some(), "--seed"), (args.faults.is_some(), "--faults")];
    if let Some((_, name)) = told.iter().find(|(given, _)| *given) {
        let folder = args.folder.display();
        return Err(Failure::Input(format!(
            "{name}: {folder} is a finished run; name a scenario folder to run it anew"
        )));
    }
    taa_reports::load(&args.folder).map_err(|error| show::report_failure(&error))
}

/// Runs the first architecture of a scenario.
fn simulated(args: &MeshShowArgs) -> Result<ReportData, Failure> {
    let (seed, days, faults) = (args.seed, Some(args.days), args.faults.clone());
    let overrides = Overrides { seed, days, faults, ..Overrides::default() };
    let mut scenario = taa_scenarios::load(&args.folder, &overrides).map_err(|found| show::input(&found))?;
    scenario.run.architectures.truncate(1);
    match args.mesh {
        Some(Mesh::Message) => scenario.comms.mesh.fidelity = Fidelity::Message,
        Some(Mesh::Frame) => scenario.comms.mesh.fidelity = Fidelity::Frame,
        None => {}
    }
    let options = RunOptions { threads: 1, stop: &AtomicBool::new(false), progress: &|_, _| {} };
    let result = taa_sim::run::run(&scenario, &options).map_err(|error| Failure::Own(error.to_string()))?;
    taa_reports::data_of(&scenario, &result).map_err(|error| show::report_failure(&error))
}
