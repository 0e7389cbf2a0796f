//! Architectures by name, and traits by name.
//!
//! Which traits exist, and which values they take, is read from the JSON Schema of [`Traits`]: a trait that is added
//! there is known here.

use serde_json::Value;
use taa_dcu::config::Traits;

use crate::diagnostics::{Diagnostics, PlanProblem, Spot};
use crate::document::{Document, did_you_mean};
use crate::schema::{ArchitectureSection, ScenarioFile};

/// The architectures to run, with the command line's traits on top.
pub(super) fn chosen(
    document: &Document,
    file: &ScenarioFile,
    names: &[String],
    traits: &[(String, String)],
    from_command_line: bool,
    found: &mut Diagnostics,
) -> Vec<(String, Traits)> {
    let flag = |name: &str| Spot::file(std::path::Path::new("command line")).field(name);
    let own: Vec<(String, Traits)> = file
        .architecture
        .iter()
        .filter_map(|(name, section)| Some((name.clone(), define(document, name, section, found)?)))
        .collect();
    let known = || Traits::BUNDLES.iter().map(|(name, _)| *name).chain(file.architecture.keys().map(String::as_str));
    let all = || known().collect::<Vec<_>>().join(", ");
    let at = |index: usize| {
        if from_command_line { flag("--architecture") } else { document.at(&format!("run.architectures.{index}")) }
    };
    if names.is_empty() {
        let at = if from_command_line { flag("--architecture") } else { document.at("run.architectures") };
        found.push(PlanProblem::NoArchitecture { at, allowed: all() });
    }
    for (index, (key, value)) in traits.iter().enumerate() {
        if let Some((_, first)) = traits.iter().take(index).find(|(k, v)| k == key && v != value) {
            found.push(PlanProblem::TraitTwice {
                at: flag("--trait"),
                name: key.clone(),
                first: first.clone(),
                second: value.clone(),
            });
        }
    }
    let mut chosen: Vec<(String, Traits)> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let bundle =
            Traits::bundle(name).or_else(|| own.iter().find(|(known, _)| known == name).map(|(_, traits)| *traits));
        let Some(base) = bundle else {
            // An own one that is wrong has been reported where it is defined.
            if !file.architecture.contains_key(name) {
                let suggestion = did_you_mean(name, known());
                found.push(PlanProblem::UnknownArchitecture {
                    at: at(index),
                    name: name.clone(),
                    suggestion,
                    allowed: all(),
                });
            }
            continue;
        };
        if names.iter().take(index).any(|earlier| earlier == name) {
            found.push(PlanProblem::ArchitectureTwice { at: at(index), name: name.clone() });
            continue;
        }
        let mut changed = base;
        for (key, value) in traits {
            match set(changed, key, value, || flag("--trait")) {
                Ok(new) => changed = new,
                // The same for every architecture: said once.
                Err(problem) if index == 0 => found.push(problem),
                Err(_) => {}
            }
        }
        let name = if changed == base { name.clone() } else { format!("{name}_custom") };
        chosen.push((name, changed));
    }
    chosen
}

/// An architecture of the scenario's own.
fn define(document: &Document, name: &str, section: &ArchitectureSection, found: &mut Diagnostics) -> Option<Traits> {
    let path = format!("architecture.{name}");
    let bundles = || Traits::BUNDLES.iter().map(|(name, _)| *name);
    let allowed = bundles().collect::<Vec<_>>().join(", ");
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !plain || bundles().any(|bundle| bundle == name) {
        let at = document.at(&path);
        found.push(PlanProblem::BadArchitectureName { at, name: name.to_owned(), allowed });
        return None;
    }
    let Some(base) = Traits::bundle(&section.base) else {
        let at = document.at(&format!("{path}.base"));
        let suggestion = did_you_mean(&section.base, bundles());
        found.push(PlanProblem::UnknownArchitecture { at, name: section.base.clone(), suggestion, allowed });
        return None;
    };
    let traits = Traits {
        credit_at: section.credit_at.unwrap_or(base.credit_at),
        on_link_loss: section.on_link_loss.unwrap_or(base.on_link_loss),
        boot_relay: section.boot_relay.unwrap_or(base.boot_relay),
        keypad: section.keypad.unwrap_or(base.keypad),
        backhaul: section.backhaul.unwrap_or(base.backhaul),
        local_vending: section.local_vending.unwrap_or(base.local_vending),
    };
    Some(traits)
}

/// Sets one trait by name.
fn set(traits: Traits, name: &str, value: &str, at: impl Fn() -> Spot) -> Result<Traits, PlanProblem> {
    let vocabulary = vocabulary();
    let Some((_, words)) = vocabulary.iter().find(|(known, _)| known == name) else {
        let names = || vocabulary.iter().map(|(known, _)| known.as_str());
        return Err(PlanProblem::UnknownTrait {
            at: at(),
            name: name.to_owned(),
            suggestion: did_you_mean(name, names()),
            allowed: names().collect::<Vec<_>>().join(", "),
        });
    };
    let wrong = || PlanProblem::TraitValue {
        at: at(),
        name: name.to_owned(),
        value: value.to_owned(),
        suggestion: did_you_mean(value, words.iter().map(String::as_str)),
        allowed: words.join(", "),
    };
    if !words.iter().any(|word| word == value) {
        return Err(wrong());
    }
    let word = match value {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        word => Value::String(word.to_owned()),
    };
    let mut all = serde_json::to_value(traits).map_err(|_| wrong())?;
    if let Some(slot) = all.get_mut(name) {
        *slot = word;
    }
    serde_json::from_value(all).map_err(|_| wrong())
}

/// Every trait with the values it takes.
fn vocabulary() -> Vec<(String, Vec<String>)> {
    let schema = schemars::schema_for!(Traits).to_value();
    let resolve = |field: &Value| -> Value {
        let target = field.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
        target.and_then(|pointer| schema.pointer(pointer)).unwrap_or(field).clone()
    };
    let words = |field: &Value| -> Vec<String> {
        let field = resolve(field);
        if field.get("type").and_then(Value::as_str) == Some("boolean") {
            return vec!["true".to_owned(), "false".to_owned()];
        }
        let plain = field.get("enum").and_then(Value::as_array).into_iter().flatten();
        let described =
            field.get("oneOf").and_then(Value::as_array).into_iter().flatten().filter_map(|branch| branch.get("const"));
        plain.chain(described).filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().map(|(name, field)| (name.clone(), words(field))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use taa_dcu::config::{Backhaul, CreditAt};

    fn at() -> Spot {
        Spot::file(std::path::Path::new("test"))
    }

    #[test]
    fn every_trait_of_every_bundle_can_be_set_by_name() {
        let (_, edge) = Traits::BUNDLES[3];
        for (_, from) in Traits::BUNDLES {
            let mut traits = from;
            for (name, value) in serde_json::to_value(edge).unwrap().as_object().unwrap() {
                let word = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                traits = set(traits, name, &word, at).unwrap();
            }
            assert_eq!(traits, edge);
        }
    }

    #[test]
    fn one_trait_changes_nothing_else() {
        let (_, base) = Traits::BUNDLES[0];
        let changed = set(base, "credit_at", "meter", at).unwrap();
        assert_eq!(changed, Traits { credit_at: CreditAt::Meter, ..base });
        let changed = set(base, "backhaul", "vsat", at).unwrap();
        assert_eq!(changed, Traits { backhaul: Backhaul::Vsat, ..base });
    }
}
