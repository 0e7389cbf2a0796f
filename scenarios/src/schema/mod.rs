//! `scenario.toml` as a planner writes it: what can be left out is left out.
//!
//! Units stand in the names. Sections of parameters are the structs of `taa-models` and `taa-dcu` themselves, so a
//! field means what it means beside its model. `taa schema` prints [`json_schema`] for editors that complete and
//! check TOML (Even Better TOML, taplo).
//!
//! What trips people: in TOML, keys of the top level (`schema`, `title`, `faults`…) must stand above the first
//! `[table]`; below it they belong to the table.

mod sections;
mod tariff;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use taa_models::{assets::AssetParams, demand::DemandParams, people::PeopleParams};

pub use sections::{
    ArchitectureSection, CommsSection, DiskModel, EconomicsSection, InterfererSection, LastGaspParams, PowerSection,
    RunSection, SiteSection, VillageSection, WeatherSection,
};
pub use tariff::{
    BlockSection, CapacitySection, DemandSection, FriendlySection, LifelineSection, PeriodSection, TariffSection,
};

use crate::layout::LayoutParams;

/// Version of the schema that this crate reads and writes.
pub const SCHEMA: u32 = 1;

/// Longest run, days: ten years.
pub const DAYS_MAX: u32 = 3660;

/// Largest seed: 2^53 − 1, which every tool that reads JSON holds exactly.
pub const SEED_MAX: u64 = (1 << 53) - 1;

/// A scenario: one village, its weather, its plant, its prices, its people, and what to run.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioFile {
    /// Version of this format: 1.
    pub schema: u32,
    /// Name for people; left out: the folder's.
    pub title: Option<String>,
    /// A sentence or two about the place, for the report.
    pub description: Option<String>,
    /// Who must be named for the data, beyond what the files themselves tell.
    #[serde(default)]
    pub attribution: Vec<String>,
    /// A fault file, relative to this folder; left out: nothing is scripted.
    pub faults: Option<String>,
    /// Where the village is.
    #[serde(default)]
    pub site: SiteSection,
    /// Buildings and grid.
    #[serde(default)]
    pub village: VillageSection,
    /// How a grid is laid out over buildings; without effect on a grid that is drawn in the village file.
    #[serde(default)]
    pub layout: LayoutParams,
    /// Sun and temperature.
    pub weather: WeatherSection,
    /// Panels, battery, inverter.
    #[serde(default)]
    pub power: PowerSection,
    /// Prices.
    pub tariff: TariffSection,
    /// Prices of some classes of customers: `[[tariffs]]`, each with `customers` and everything that `[tariff]` has.
    #[serde(default)]
    pub tariffs: Vec<TariffSection>,
    /// Radio, mesh, wide-area link, payment provider.
    #[serde(default)]
    pub comms: CommsSection,
    /// What appliances people have.
    #[serde(default)]
    pub demand: DemandParams,
    /// What people do.
    #[serde(default)]
    pub people: PeopleParams,
    /// What breaks and how it is mended.
    #[serde(default)]
    pub assets: AssetParams,
    /// What lost customers and better hardware cost.
    #[serde(default)]
    pub economics: EconomicsSection,
    /// When, how long, which seed, which architectures.
    #[serde(default)]
    pub run: RunSection,
    /// Architectures of your own: a built-in one and the traits in which it differs.
    #[serde(default)]
    pub architecture: BTreeMap<String, ArchitectureSection>,
}

/// The JSON Schema of `scenario.toml`.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(ScenarioFile).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_schema_is_described() {
        let schema = json_schema();
        for (name, field) in schema["properties"].as_object().unwrap() {
            assert!(field.get("description").is_some(), "{name} has no description");
        }
    }

    #[test]
    fn own_architectures_offer_every_trait() {
        let traits = schemars::schema_for!(taa_dcu::config::Traits).to_value();
        let section = schemars::schema_for!(ArchitectureSection).to_value();
        for name in traits["properties"].as_object().unwrap().keys() {
            assert!(section["properties"].get(name).is_some(), "[architecture.NAME] lacks {name}");
        }
    }
}
