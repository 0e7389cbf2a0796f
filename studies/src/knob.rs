//! A scenario's numbers by their dotted names in `scenario.toml`, to read and to turn.
//!
//! `assets.repair.spares_mean_days`, `comms.cellular.bearer_drops_per_month`, `people.churn_mean_h`, and so on: a
//! parameter that a model gains can be turned without a line here. A name that does not exist is an error, not a
//! knob that silently does nothing; a test turns every name that the lists of this crate use.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use taa_scenarios::model::Scenario;

/// Why a knob cannot be turned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KnobError {
    /// No such number.
    #[error("the scenario has no number called `{0}`")]
    Unknown(String),
    /// The model does not take that value.
    #[error("`{key}` does not take {value}: {why}")]
    Refused {
        /// Dotted name.
        key: String,
        /// The value.
        value: String,
        /// What the model says.
        why: String,
    },
}

/// The number of that name.
///
/// # Errors
/// [`KnobError::Unknown`].
pub fn read(scenario: &Scenario, key: &str) -> Result<f64, KnobError> {
    let unknown = || KnobError::Unknown(key.to_owned());
    let (section, rest) = split(key).ok_or_else(unknown)?;
    let tree = section.tree(scenario).map_err(|_| unknown())?;
    tree.pointer(&pointer(rest)).and_then(Value::as_f64).ok_or_else(unknown)
}

/// Sets the number of that name.
///
/// # Errors
/// [`KnobError`].
pub fn turn(scenario: &mut Scenario, key: &str, value: f64) -> Result<(), KnobError> {
    let unknown = || KnobError::Unknown(key.to_owned());
    let (section, rest) = split(key).ok_or_else(unknown)?;
    let mut tree = section.tree(scenario).map_err(|_| unknown())?;
    let slot = tree.pointer_mut(&pointer(rest)).ok_or_else(unknown)?;
    let whole = slot.is_i64() || slot.is_u64();
    *slot = match slot {
        Value::Number(_) if whole => Value::from(libm::round(value) as i64),
        Value::Number(_) => Value::from(value),
        _ => return Err(unknown()),
    };
    section.put(scenario, tree).map_err(|why| KnobError::Refused {
        key: key.to_owned(),
        value: value.to_string(),
        why: why.to_string(),
    })
}

/// Multiplies every number below `section` whose name ends in `suffix`; says how many there were. What a `repair`
/// section says is left alone: how often the crew is elsewhere is no hazard of the village.
///
/// # Errors
/// [`KnobError`] where there is none, or a value is refused.
pub fn scale_all(scenario: &mut Scenario, section: &str, suffix: &str, factor: f64) -> Result<usize, KnobError> {
    let unknown = || KnobError::Unknown(format!("{section}.*{suffix}"));
    let (part, rest) = split(section).ok_or_else(unknown)?;
    let mut tree = part.tree(scenario).map_err(|_| unknown())?;
    let below = tree.pointer_mut(&pointer(rest)).ok_or_else(unknown)?;
    let count = scale_below(below, suffix, factor);
    if count == 0 {
        return Err(unknown());
    }
    part.put(scenario, tree).map_err(|why| KnobError::Refused {
        key: format!("{section}.*{suffix}"),
        value: format!("{factor} times its value"),
        why: why.to_string(),
    })?;
    Ok(count)
}

fn scale_below(tree: &mut Value, suffix: &str, factor: f64) -> usize {
    let Some(object) = tree.as_object_mut() else { return 0 };
    let mut count = 0;
    for (name, value) in object {
        if name == "repair" {
            continue;
        }
        if value.is_object() {
            count += scale_below(value, suffix, factor);
        } else if let Some(number) = value.as_f64().filter(|_| name.ends_with(suffix)) {
            *value = Value::from(number * factor);
            count += 1;
        }
    }
    count
}

fn pointer(rest: &str) -> String {
    if rest.is_empty() { String::new() } else { format!("/{}", rest.replace('.', "/")) }
}

#[derive(Clone, Copy)]
enum Section {
    Cellular,
    Payments,
    Radio,
    Mesh,
    Holdup,
    People,
    Assets,
    Demand,
    Plant,
    Economics,
}

/// Dotted prefixes and what they stand for.
const SECTIONS: [(&str, Section); 10] = [
    ("comms.cellular", Section::Cellular),
    ("comms.payments", Section::Payments),
    ("comms.radio", Section::Radio),
    ("comms.mesh", Section::Mesh),
    ("comms.dcu_holdup_h", Section::Holdup),
    ("people", Section::People),
    ("assets", Section::Assets),
    ("demand", Section::Demand),
    ("power.plant", Section::Plant),
    ("economics", Section::Economics),
];

fn split(key: &str) -> Option<(Section, &str)> {
    SECTIONS.iter().find_map(|(prefix, section)| {
        let rest = key.strip_prefix(prefix)?;
        (rest.is_empty() || rest.starts_with('.')).then(|| (*section, rest.trim_start_matches('.')))
    })
}

impl Section {
    fn tree(self, s: &Scenario) -> serde_json::Result<Value> {
        let of = |part: &dyn ErasedPart| part.to_tree();
        match self {
            Self::Cellular => of(&s.comms.cellular),
            Self::Payments => of(&s.comms.payments),
            Self::Radio => of(&s.comms.radio),
            Self::Mesh => of(&s.comms.mesh),
            Self::Holdup => of(&s.comms.dcu_holdup_h),
            Self::People => of(&s.people),
            Self::Assets => of(&s.assets),
            Self::Demand => of(&s.demand),
            Self::Plant => of(&s.power),
            Self::Economics => of(&s.economics),
        }
    }

    fn put(self, s: &mut Scenario, tree: Value) -> serde_json::Result<()> {
        fn into<T: DeserializeOwned>(slot: &mut T, tree: Value) -> serde_json::Result<()> {
            *slot = serde_json::from_value(tree)?;
            Ok(())
        }
        match self {
            Self::Cellular => into(&mut s.comms.cellular, tree),
            Self::Payments => into(&mut s.comms.payments, tree),
            Self::Radio => into(&mut s.comms.radio, tree),
            Self::Mesh => into(&mut s.comms.mesh, tree),
            Self::Holdup => into(&mut s.comms.dcu_holdup_h, tree),
            Self::People => into(&mut s.people, tree),
            Self::Assets => into(&mut s.assets, tree),
            Self::Demand => {
                // Read from a file of its own, they are no part of the tree.
                let profiles = std::mem::take(&mut s.demand.profiles);
                let put = into(&mut s.demand, tree);
                s.demand.profiles = profiles;
                put
            }
            Self::Plant => into(&mut s.power, tree),
            Self::Economics => into(&mut s.economics, tree),
        }
    }
}

/// Whatever can be shown as a tree of values.
trait ErasedPart {
    fn to_tree(&self) -> serde_json::Result<Value>;
}

impl<T: Serialize> ErasedPart for T {
    fn to_tree(&self) -> serde_json::Result<Value> {
        serde_json::to_value(self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use taa_models::demand::{Class, Profile};

    use super::*;
    use crate::testing::village;

    #[test]
    fn a_number_is_read_and_turned_by_its_name() {
        let mut scenario = village(10, 2, 1);
        for key in ["people.churn_mean_h", "assets.repair.road_km", "comms.dcu_holdup_h", "economics.connection_usd"] {
            let before = read(&scenario, key).unwrap();
            turn(&mut scenario, key, before * 2.0).unwrap();
            assert!((read(&scenario, key).unwrap() - before * 2.0).abs() < 1e-9, "{key}");
        }
        assert!((scenario.assets.repair.road_km - 240.0).abs() < 1e-9);
        turn(&mut scenario, "comms.mesh.hop_limit", 6.0).unwrap();
        assert_eq!(scenario.comms.mesh.hop_limit, 6);
    }

    #[test]
    fn load_profiles_survive_a_turn() {
        let mut scenario = village(10, 2, 1);
        let profile = Profile { step_s: 3600, watts: vec![100.0; 24] };
        let profiles = BTreeMap::from([(Class::Shop, profile)]);
        scenario.demand.profiles.clone_from(&profiles);
        turn(&mut scenario, "demand.scale", 1.5).unwrap();
        assert_eq!((scenario.demand.scale, &scenario.demand.profiles), (1.5, &profiles));
        // A value that is refused takes nothing away either.
        assert!(put_nonsense(&mut scenario).is_err());
        assert_eq!((scenario.demand.scale, &scenario.demand.profiles), (1.5, &profiles));
    }

    fn put_nonsense(scenario: &mut Scenario) -> serde_json::Result<()> {
        Section::Demand.put(scenario, serde_json::json!({ "scale": "much" }))
    }

    #[test]
    fn a_name_that_does_not_exist_is_an_error() {
        let mut scenario = village(10, 2, 1);
        for key in ["people.churn", "peoples.churn_mean_h", "comms", "assets.repair", "people.churn_mean_h.x", ""] {
            assert!(matches!(turn(&mut scenario, key, 1.0), Err(KnobError::Unknown(_))), "{key}");
            assert!(read(&scenario, key).is_err(), "{key}");
        }
        assert!(matches!(turn(&mut scenario, "comms.mesh.hop_limit", -1.0), Err(KnobError::Refused { .. })));
    }

    #[test]
    fn all_hazards_are_scaled_at_once() {
        let mut scenario = village(10, 2, 1);
        let before = scenario.assets.clone();
        assert!(scale_all(&mut scenario, "assets", "_per_year", 10.0).unwrap() >= 4);
        assert!((scenario.assets.inverter_failures_per_year - 10.0 * before.inverter_failures_per_year).abs() < 1e-9);
        assert_eq!(scenario.assets.repair, before.repair);
        assert!(scale_all(&mut scenario, "people", "_per_year", 10.0).is_err());
    }
}
