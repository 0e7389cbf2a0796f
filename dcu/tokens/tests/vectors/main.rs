//! The validation cases of family `tokens`, made by running outside implementations (see the `source` or `note` of each).
//!
//! One trial per case, named `tokens::<file>::<id>`. `TAA_VECTORS` points at another root of the same layout. A case that
//! this crate cannot check appears as ignored, with the reason in brackets: above all the compliance tokens for EA07, which
//! need the licensed tables. Name a file with such tables in `TAA_STA_TABLES` and they run.
//!
//! Any list of any file is walked; a list whose name is not known yields ignored cases, never silence.

mod compliance;
mod devices;
mod metrics;
mod payg;
mod primitives;
mod sts;

use std::path::PathBuf;
use std::process::ExitCode;

use taa_tokens::sts::{Algorithm, DecoderKey, StaTables};
pub(crate) use taa_vectors::{Failed, Json, Trial, field, hex};

/// How a list's cases are run.
type Runner = fn(&Json, &Json) -> Result<(), Failed>;
/// Why a case cannot be checked.
type Waits = fn(&Json) -> Option<&'static str>;

fn main() -> ExitCode {
    let folder = taa_vectors::folder(env!("CARGO_MANIFEST_DIR"), "tokens");
    taa_vectors::run(|| {
        load_licensed()?;
        let mut read = Vec::new();
        let mut trials = taa_vectors::trials(&folder, &mut |stem, file, trials| {
            of_file(stem, &file, trials)?;
            read.push((stem.to_owned(), file));
            Ok(())
        })?;
        if !trials.is_empty() {
            trials.push(Trial::test("tokens::sabotage::changed_digits_fail", move || sabotage(&read)));
        }
        Ok(trials)
    })
}

fn of_file(stem: &str, file: &Json, trials: &mut Vec<Trial>) -> Result<(), String> {
    for (list, cases) in file.as_object().ok_or("no object")? {
        match cases {
            Json::Array(cases) => {
                let runner = runner(list, file);
                for (at, case) in cases.iter().enumerate() {
                    let id = case["id"].as_str().or(case["name"].as_str()).unwrap_or("");
                    let name = if id.is_empty() { format!("{list}-{at:03}") } else { format!("{list}-{id}") };
                    trials.push(trial(format!("tokens::{stem}::{name}"), runner, case.clone(), file));
                }
            }
            // Facts and single cases: the specification's own examples.
            Json::Object(_) => {
                let name = format!("tokens::{stem}::{list}");
                trials.push(trial(name, primitives::of(list), cases.clone(), file));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The sabotage: a case with one digit changed must fail, in every list that states a token or a key.
fn sabotage(files: &[(String, Json)]) -> Result<(), Failed> {
    let mut tried = 0;
    for (stem, file) in files {
        for (list, cases) in file.as_object().into_iter().flatten() {
            let Some((runner, waits)) = runner(list, file) else { continue };
            let Some(good) = cases.as_array().into_iter().flatten().find(|case| waits(case).is_none()) else {
                continue;
            };
            for name in ["token", "decoder_key"] {
                let Some(text) = good[name].as_str().filter(|_| !["negative", "jump_window"].contains(&list.as_str()))
                else {
                    continue;
                };
                let mut case = good.clone();
                let last = if text.ends_with('1') { '2' } else { '1' };
                case[name] = Json::String(format!("{}{last}", &text[..text.len() - 1]));
                runner(good, file)?;
                if runner(&case, file).is_ok() {
                    return Err(format!("{stem}, {list}: a changed {name} passes").into());
                }
                tried += 1;
            }
        }
    }
    if tried == 0 { Err("nothing was changed".into()) } else { Ok(()) }
}

fn trial(name: String, runner: Option<(Runner, Waits)>, case: Json, file: &Json) -> Trial {
    match runner {
        None => taa_vectors::ignored(name, "unknown kind of case"),
        Some((runner, waits)) => match waits(&case) {
            Some(reason) => taa_vectors::ignored(name, reason),
            None => {
                let file = file.clone();
                Trial::test(name, move || runner(&case, &file))
            }
        },
    }
}

/// What a list holds, by its name and, where one name serves two files, by its fields.
fn runner(list: &str, file: &Json) -> Option<(Runner, Waits)> {
    let has = |field: &str| file[list][0].get(field).is_some();
    let never: Waits = |_| None;
    Some(match list {
        "tokens" if has("block64") => (sts::token, sts::waits),
        "tokens" if has("block") => (compliance::token, compliance::waits),
        "keys" => (sts::key, sts::key_waits),
        "negative" => (sts::negative, never),
        "scenarios" => (sts::scenario, never),
        "encode" => (payg::encode, payg::waits),
        "published" => (payg::published, payg::waits),
        "device_scenarios" => (devices::scenario, never),
        "jump_window" => (devices::jump, never),
        "metrics" => (metrics::exchange, metrics::waits),
        "amount" => (primitives::amount, never),
        "crc" => (primitives::crc, never),
        _ => return None,
    })
}

/// Licensed tables, if somebody has them. A file that is named and cannot be read is an error, told before the first case.
fn licensed() -> Option<StaTables> {
    load_licensed().ok().flatten()
}

fn load_licensed() -> Result<Option<StaTables>, String> {
    let Some(path) = std::env::var_os("TAA_STA_TABLES").map(PathBuf::from) else { return Ok(None) };
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    StaTables::from_text("licensed", &text).map(Some).map_err(|error| format!("{}: {error}", path.display()))
}

fn decoder_key(ea: &str, hex_key: &str, tables: &StaTables) -> Result<DecoderKey, Failed> {
    let algorithm = match ea {
        "07" => Algorithm::Ea07,
        "11" => Algorithm::Ea11,
        other => return Err(format!("no algorithm {other}").into()),
    };
    DecoderKey::from_bytes(algorithm, &hex(hex_key)?, tables).ok_or_else(|| "the key has a wrong length".into())
}

fn block(text: &str) -> Result<u64, Failed> {
    u64::from_str_radix(text, 16).map_err(|_| format!("{text} is no block").into())
}

fn number(case: &Json, name: &str) -> Result<i64, Failed> {
    case[name].as_i64().ok_or_else(|| format!("no number {name}").into())
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: &T, expected: &T) -> Result<(), Failed> {
    if got == expected { Ok(()) } else { Err(format!("{what}\n     got {got:?}\nexpected {expected:?}").into()) }
}

/// A case with a field that nobody here looks at says more than is checked.
fn unknown_field(case: &Json, known: &[&str]) -> bool {
    case.as_object().is_some_and(|fields| fields.keys().any(|field| !known.contains(&field.as_str())))
}
