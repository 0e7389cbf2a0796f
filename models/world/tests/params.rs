//! What every parameter struct promises: defaults in range, gaps filled with defaults, unknown keys refused, a schema.

use schemars::{JsonSchema, schema_for};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use taa_models::{
    ParamError,
    assets::{AssetParams, Climate, EdgeParams, TamperParams},
    battery::BatteryParams,
    cellular::CellularParams,
    demand::DemandParams,
    lorawan::LorawanParams,
    mesh::MeshParams,
    payments::PaymentParams,
    people::{PeopleParams, income::IncomeParams, trust::TrustParams},
    plant::PlantParams,
    plc::PlcParams,
    pv::PvParams,
    radio::{
        RadioParams, aerial::SpreadParams, fading::FadingParams, house::HouseParams, leakage::House,
        phy::CaptureParams, shadow::ShadowParams,
    },
    repair::{Outside, RepairParams},
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
    let mut passing = Vec::new();
    for (key, value) in written.as_object().unwrap() {
        let property = &schema["properties"][key];
        assert!(property["description"].is_string(), "{name}.{key} has no description in the schema");
        if !value.is_f64() {
            continue;
        }
        // No plain number may be absurd and pass: every one is checked.
        for absurd in [-1.0e9, 1.0e12] {
            let mut wrong = written.clone();
            wrong[key] = json!(absurd);
            let found = check(&serde_json::from_value::<T>(wrong).unwrap());
            let named = |e: &&ParamError| e.field.ends_with(key.as_str()) && e.value == absurd.to_string();
            let Some(said) = found.iter().find(named) else {
                passing.push(format!("{name}.{key} = {absurd}"));
                continue;
            };
            assert!(said.allowed.chars().any(|c| c.is_ascii_digit() || c == '`'), "{said} names no range");
        }
    }
    assert_eq!(passing, Vec::<String>::new(), "pass");
}

/// The crew's queue is as long as its three figures make it: at their upper ends it is long, but it ends.
#[test]
fn the_busiest_crew_there_may_be_is_drawn() {
    let busiest = RepairParams {
        other_sites: 1000.0,
        other_visits_per_year: 365.0,
        other_visit_median_h: 1000.0,
        ..RepairParams::default()
    };
    assert_eq!(busiest.check(), []);
    let outside = Outside::draw(&busiest, &Climate::even(365, 1.0), (1, 0), 365 * 86_400_000, 0, vec![]);
    assert!(outside.crew_free(365 * 86_400_000) > 3650 * 86_400_000, "years of work wait");
}

#[test]
fn seldom_is_allowed_and_every_moment_is_not() {
    let mut cellular = CellularParams::default();
    cellular.equipment.radio_mean_months = 12_000.0;
    assert_eq!(cellular.check(), []);
    cellular.site_power.fuel_every_days = 1e-9;
    assert_eq!(cellular.check()[0].to_string(), "`site_power.fuel_every_days` is 0.000000001; allowed: 0.01 to 4000");
    let nobody_leaves = PeopleParams { churn_mean_h: 1e9, ..PeopleParams::default() };
    assert_eq!(nobody_leaves.check(), []);
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
    keeps_its_promises(CaptureParams::check);
    keeps_its_promises(FadingParams::check);
    keeps_its_promises(House::check);
    keeps_its_promises(LorawanParams::check);
    keeps_its_promises(PlcParams::check);
    keeps_its_promises(ShadowParams::check);
    keeps_its_promises(SpreadParams::check);
    keeps_its_promises(HouseParams::check);
    keeps_its_promises(RepairParams::check);
}

#[test]
fn lead_acid_defaults_are_in_range() {
    assert_eq!(BatteryParams::lead_acid(48.0).check(), []);
}
