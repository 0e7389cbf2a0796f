//! `taa run --capture`: where the mesh's frames go, found out before the run, written whole after it; and how to open them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use taa_sim::result::RunResult;

use crate::{Failure, show, study};

/// The files of these architectures: `mesh.pcapng`, and of several `mesh-NAME.pcapng`.
///
/// # Errors
/// One cannot be written: then nothing is run.
pub(crate) fn files(file: &Path, architectures: &[String]) -> Result<Vec<PathBuf>, Failure> {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let Some(stem) = stem else {
        return Err(Failure::Input(format!("--capture {}: name a file, as mesh.pcapng", file.display())));
    };
    if file.is_dir() {
        let said = file.display();
        let text = format!("--capture {said}: this is a folder. Name a file in it, as mesh.pcapng. Nothing was run.");
        return Err(Failure::Input(text));
    }
    let files: Vec<PathBuf> = match architectures {
        [_] => vec![file.to_owned()],
        several => several.iter().map(|name| file.with_file_name(format!("{stem}-{name}.pcapng"))).collect(),
    };
    files.iter().try_for_each(|file| can_be_written(file))?;
    Ok(files)
}

/// Makes its folder and tries that out, not the file: one of an earlier run stays until there is a new one.
fn can_be_written(file: &Path) -> Result<(), Failure> {
    let said = file.display();
    let refused = |why: String| Err(Failure::Input(format!("--capture {said}: {why} Nothing was run.")));
    if file.is_dir() {
        return refused("this is a folder. Name a file in it, as mesh.pcapng.".to_owned());
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    if let Err(error) = fs::create_dir_all(folder) {
        return refused(format!("the folder {} cannot be made ({error}).", folder.display()));
    }
    let probe = folder.join(format!(".taa-capture-{}", std::process::id()));
    let tried = fs::write(&probe, b"");
    drop(fs::remove_file(&probe));
    tried.or_else(|error| refused(format!("nothing can be written there ({error}).")))
}

/// Writes each whole or not at all, and tells unless `quiet` how tshark and Wireshark open what is sealed in it. After Ctrl-C
/// they hold what was sent until then.
pub(crate) fn write(files: &[PathBuf], result: &mut RunResult, quiet: bool) -> Result<(), Failure> {
    for (file, architecture) in files.iter().zip(&mut result.architectures) {
        let frames = std::mem::take(&mut architecture.records.mesh_capture);
        if frames.is_empty() {
            show::remark(&format!("{}: no frame was sent, so there is no capture.", file.display()));
            continue;
        }
        study::whole(file, &frames)?;
        if !quiet {
            let option = &architecture.records.mesh_capture_option;
            show::remark(&format!(
                "Frames are sealed. To see RPL and data: tshark -r {} -o '{option}'",
                file.display()
            ));
        }
    }
    Ok(())
}
