//! Family `rpl`: the wire, the rules, Trickle.

mod rules;
mod trickle;
mod wire;

use taa_vectors::{Failed, Json, Trial};

/// The trials of one file, by the sections it has.
///
/// # Errors
/// When the file has no section that is known.
pub(crate) fn trials(stem: &str, file: &Json, trials: &mut Vec<Trial>) -> Result<(), String> {
    let before = trials.len();
    for (section, of_section) in SECTIONS {
        if !file[section].is_null() {
            of_section(stem, file, trials);
        }
    }
    if trials.len() == before { Err("no section of the family rpl".to_owned()) } else { Ok(()) }
}

type OfSection = fn(&str, &Json, &mut Vec<Trial>);

const SECTIONS: [(&str, OfSection); 7] = [
    ("packets", wire::packets),
    ("real_capture", wire::frames),
    ("mrhof", rules::mrhof),
    ("etx", rules::etx),
    ("lollipop_a_vs_b", rules::lollipop),
    ("rpi", rules::packet_information),
    ("cases", trickle::cases),
];

/// One trial for each entry of an array.
fn each(
    (stem, section): (&str, &str),
    list: &Json,
    trials: &mut Vec<Trial>,
    check: impl Fn(&Json) -> Result<(), Failed> + Clone + Send + 'static,
) {
    for (index, case) in list.as_array().into_iter().flatten().enumerate() {
        let label = case["name"].as_str().map_or_else(|| format!("{section}_{index}"), ToOwned::to_owned);
        let (case, check) = (case.clone(), check.clone());
        trials.push(Trial::test(format!("rpl::{stem}::{label}"), move || check(&case)));
    }
}

fn number(case: &Json, key: &str) -> Result<u64, Failed> {
    case[key].as_u64().ok_or_else(|| format!("no whole number `{key}` in {case}").into())
}

fn fraction(case: &Json, key: &str) -> Result<f64, Failed> {
    case[key].as_f64().ok_or_else(|| format!("no number `{key}` in {case}").into())
}

/// Fails when two things differ.
fn same<T: PartialEq + core::fmt::Debug>(what: &str, found: &T, wanted: &T) -> Result<(), Failed> {
    if found == wanted { Ok(()) } else { Err(format!("{what}: found {found:?}, wanted {wanted:?}").into()) }
}
