//! What every parameter struct promises: defaults in range, gaps filled with defaults, unknown keys refused, a schema.

use schemars::{JsonSchema, schema_for};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use taa_models::{
    ParamError,
    assets::{AssetParams, EdgeParams, TamperParams},
    battery::BatteryParams,
    cellular::CellularParams,
    demand::DemandParams,
    mesh::MeshParams,
    payments::PaymentParams,
    people::{PeopleParams, income::IncomeParams, trust::TrustParams},
    plant::PlantParams,
    pv::PvParams,
    radio::RadioParams,
    repair::RepairParams,
};

fn keeps_its_promises<T>(check: impl Fn(&T) -> Vec<ParamError>)
where
    T: Default + PartialEq + std::fmt::Debug + Serialize + DeserializeOwned + JsonSchema,
{
    let name = std::any::type_name::<T>();
    let default = T::default();
    assert_eq!(check(&default), [], "{name}");
    assert_eq!(serde_json::from_value::<T>(json!({})).unwrap(), default, "{name}");
    let written = serde_json::to_value(&default).unwrap();
    assert_eq!(serde_json::from_value::<T>(written.clone()).unwrap(), default, "{name}");
    let refused = serde_json::from_value::<T>(json!({ "no_such_key": 1 })).unwrap_err().to_string();
    assert!(refused.contains("no_such_key"), "{name}: {refused}");

    let schema = serde_json::to_value(schema_for!(T)).unwrap();
    assert_eq!(schema["additionalProperties"], Value::Bool(false), "{name}");
    for (key, value) in written.as_object().unwrap() {
        let property = &schema["properties"][key];
        assert!(property["description"].is_string(), "{name}.{key} has no description in the schema");
        if !value.is_f64() {
            continue;
        }
        // No plain number may be absurd and pass: every one is checked.
        let mut wrong = written.clone();
        wrong[key] = json!(-1.0e9);
        let found = check(&serde_json::from_value::<T>(wrong).unwrap());
        assert!(found.iter().any(|e| e.field.ends_with(key.as_str())), "{name}.{key} = -1e9 passes: {found:?}");
    }
}

#[test]
fn all_structs() {
    keeps_its_promises(AssetParams::check);
    keeps_its_promises(EdgeParams::check);
    keeps_its_promises(TamperParams::check);
    keeps_its_promises(BatteryParams::check);
    keeps_its_promises(CellularParams::check);
    keeps_its_promises(DemandParams::check);
    keeps_its_promises(MeshParams::check);
    keeps_its_promises(PaymentParams::check);
    keeps_its_promises(PeopleParams::check);
    keeps_its_promises(IncomeParams::check);
    keeps_its_promises(TrustParams::check);
    keeps_its_promises(PlantParams::check);
    keeps_its_promises(PvParams::check);
    keeps_its_promises(RadioParams::check);
    keeps_its_promises(RepairParams::check);
}

#[test]
fn lead_acid_defaults_are_in_range() {
    assert_eq!(BatteryParams::lead_acid(48.0).check(), []);
}
