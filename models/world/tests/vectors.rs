//! Validation cases: pvlib's PV chains and public radio formulas, one trial per case (`family::file::case`).
//!
//! `TAA_VECTORS` points at another root of the same layout (`<root>/pv/*.json`, `<root>/radio/*.json`); without it
//! the copies in `tests/vectors` are walked. No case found is a failure. Sections of a radio file that no model here
//! covers yet are listed by the trial `radio::<file>::not_covered`, which passes and says so in its name.

use std::process::ExitCode;

use taa_vectors::{Failed, Json as Value, Trial};

mod vectors_pv;
mod vectors_radio;

fn main() -> ExitCode {
    let folder = |family| taa_vectors::folder(env!("CARGO_MANIFEST_DIR"), family);
    taa_vectors::run(|| {
        let mut all = taa_vectors::trials(&folder("pv"), &mut |stem, file, trials: &mut Vec<Trial>| {
            trials.extend(vectors_pv::trials(stem, file));
            Ok(())
        })?;
        all.extend(taa_vectors::trials(&folder("radio"), &mut |stem, file, trials: &mut Vec<Trial>| {
            trials.extend(vectors_radio::trials(stem, &file));
            Ok(())
        })?);
        Ok(all)
    })
}

/// Fails when two figures differ by more than `relative` of the wanted one plus `absolute`.
fn close(what: &str, found: f64, wanted: f64, relative: f64, absolute: f64) -> Result<(), Failed> {
    if (found - wanted).abs() <= relative * wanted.abs() + absolute {
        return Ok(());
    }
    Err(Failed::from(format!("{what}: found {found}, wanted {wanted} (tolerance {relative} of it + {absolute})")))
}

/// A number of a JSON object, or a failure that names it.
fn number(row: &Value, key: &str) -> Result<f64, Failed> {
    row[key].as_f64().ok_or_else(|| Failed::from(format!("`{key}` is missing or not a number in {row}")))
}
