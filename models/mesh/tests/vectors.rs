//! Validation cases of the mesh, one trial per case (`family::file::case`).
//!
//! `TAA_VECTORS` points at another root of the same layout (`<root>/rpl/*.json`); without it the copies in
//! `tests/vectors` are walked. No case found is a failure.

use std::process::ExitCode;

mod channel;
mod vectors_radio;
mod vectors_rpl;

fn main() -> ExitCode {
    let folder = |family| taa_vectors::folder(env!("CARGO_MANIFEST_DIR"), family);
    taa_vectors::run(|| {
        let mut trials =
            taa_vectors::trials(&folder("rpl"), &mut |stem, file, trials| vectors_rpl::trials(stem, &file, trials))?;
        let mut radio = |stem: &str, file, found: &mut Vec<_>| vectors_radio::trials(stem, &file, found);
        trials.extend(taa_vectors::trials(&folder("radio"), &mut radio)?);
        Ok(trials)
    })
}
