//! The sections of `scenario.toml` that are not a model's own parameters.

use crate::model::{Economics, PartPrices};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use taa_dcu::config::{Backhaul, BootRelay, CreditAt, OnLinkLoss};
use taa_models::{
    cellular::CellularParams,
    mesh::{Fidelity, MeshParams},
    param::ParamError,
    payments::PaymentParams,
    plant::PlantParams,
    radio::{RadioParams, interferer::SourceKind},
};

/// Where the village is.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SiteSection {
    /// Latitude of the map's origin, degrees north; left out: the middle of the buildings.
    pub lat_deg: Option<f64>,
    /// Longitude of the map's origin, degrees east; left out: the middle of the buildings.
    pub lon_deg: Option<f64>,
    /// Local civil time minus UTC, hours (Tanzania 3, Nigeria 1); left out: guessed from the place.
    pub utc_offset_h: Option<f64>,
}

/// Buildings and grid.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VillageSection {
    /// GeoJSON with buildings and, where drawn, poles, lines, concentrator and generation site; KML or CSV points
    /// serve for buildings alone. Relative to this folder.
    pub file: String,
}

impl Default for VillageSection {
    fn default() -> Self {
        Self { file: "village.geojson".to_owned() }
    }
}

/// Sun and temperature.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeatherSection {
    /// PVGIS TMY, EPW, PVWatts hourly or `timestamp,ghi_w_m2`, as downloaded. Relative to this folder.
    pub file: String,
}

/// Panels, battery, inverter. A size that is left out follows from the customers and the weather.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PowerSection {
    /// Panels, kilowatts peak.
    pub pv_kwp: Option<f64>,
    /// Battery, kilowatt-hours nominal.
    pub battery_kwh: Option<f64>,
    /// Inverter, kilowatts AC.
    pub inverter_kw: Option<f64>,
    /// Everything else about the plant. The three sizes above win over those in here.
    pub plant: PlantParams,
}

/// Radio, mesh, wide-area link, payment provider.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CommsSection {
    /// How long the concentrator and its router run on their own battery, hours. Assumed: 8.
    pub dcu_holdup_h: f64,
    /// Link budget.
    pub radio: RadioParams,
    /// Mesh behaviour.
    pub mesh: MeshParams,
    /// Tower, bearer, router, satellite.
    pub cellular: CellularParams,
    /// Payment provider, cash agent, cloud.
    pub payments: PaymentParams,
    /// How meters tell that their supply goes, and what the concentrator knows besides.
    pub last_gasp: LastGaspParams,
    /// Others in the mesh's band: `[[comms.interferers]]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interferers: Vec<InterfererSection>,
}

/// Somebody else in the mesh's band: a place, a channel, a duty cycle. What is left out follows from `kind`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InterfererSection {
    /// Its name, once in the scenario; its bursts are drawn by it.
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub kind: SourceKind,
    /// Where it stands: `[longitude, latitude]`.
    pub lon_lat_deg: [f64; 2],
    /// Height over ground, m. Assumed: 2.
    #[serde(default = "two_metres")]
    pub height_m: f64,
    /// Centre, MHz. Assumed: 868.3.
    pub centre_mhz: Option<f64>,
    /// Bandwidth, kHz. Assumed: sensor 125, security radio 50, jammer 2000.
    pub bandwidth_khz: Option<f64>,
    /// Radiated power (EIRP), dBm. Assumed: sensor 14, security radio 10, jammer 27.
    pub power_dbm: Option<f64>,
    /// Length of a burst, ms. Assumed: sensor 400, security radio 150, jammer 900.
    pub burst_ms: Option<f64>,
    /// One burst in each of these, at a moment drawn, ms. Assumed: sensor 300000, security radio 30000, jammer 1000.
    pub period_ms: Option<f64>,
}

const fn two_metres() -> f64 {
    2.0
}

impl Default for CommsSection {
    fn default() -> Self {
        Self {
            // Assumed: a 12 V 7 Ah battery carries a concentrator and a router of together 8 W for about a night.
            dcu_holdup_h: 8.0,
            radio: RadioParams::default(),
            mesh: MeshParams::default(),
            cellular: CellularParams::default(),
            payments: PaymentParams::default(),
            last_gasp: LastGaspParams::default(),
            interferers: Vec::new(),
        }
    }
}

/// How meters tell that their supply goes, and what the concentrator knows besides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LastGaspParams {
    /// Meters send a last gasp, and the concentrator makes outages of them. Without it nobody looks for outages.
    pub enabled: bool,
    /// How long a new capacitor holds a listening meter, seconds. Published: at least 0.25 (the specification of the meters).
    pub hold_up_s: f64,
    /// Years that the capacitors have hung at their temperature. Assumed: 0.
    pub capacitor_age_years: f64,
    /// That temperature, °C. Assumed: 45, under a roof in the tropics.
    pub capacitor_c: f64,
    /// How far meters' clocks run wrong at most, seconds a day. Published: 0.5.
    pub clock_drift_s_per_day: f64,
    /// The feeders' breakers are wired to the concentrator. Assumed: they are not.
    pub breaker_signals: bool,
    /// The feeders have ammeters, which the concentrator reads. Assumed: they have not.
    pub feeder_currents: bool,
}

impl Default for LastGaspParams {
    fn default() -> Self {
        Self {
            enabled: true,
            hold_up_s: 0.25,
            capacitor_age_years: 0.0,
            capacitor_c: 45.0,
            clock_drift_s_per_day: 0.5,
            breaker_signals: false,
            feeder_currents: false,
        }
    }
}

impl LastGaspParams {
    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        let fields = [
            ("hold_up_s", self.hold_up_s, 0.05..=3600.0, "0.05 to 3600 s"),
            ("capacitor_age_years", self.capacitor_age_years, 0.0..=50.0, "0 to 50 years"),
            ("capacitor_c", self.capacitor_c, -40.0..=85.0, "-40 to 85 °C"),
            ("clock_drift_s_per_day", self.clock_drift_s_per_day, 0.0..=60.0, "0 to 60 s"),
        ];
        let wrong = fields.into_iter().filter(|(_, value, range, _)| !range.contains(value));
        wrong.map(|(field, value, _, allowed)| ParamError { field, value: value.to_string(), allowed }).collect()
    }
}

/// What lost customers and better hardware cost.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EconomicsSection {
    /// Units of the tariff's currency for one US dollar; left out: a round figure for the currency, where one is known.
    pub currency_per_usd: Option<f64>,
    /// Price of replacing a churned connection, US dollars. Published: 733 (AMDA 2020 via afsea.org).
    pub connection_usd: f64,
    /// Price of the edge computer that keeps the accounts at the site, US dollars. Assumed: 250.
    pub edge_upgrade_usd: f64,
    /// Prices of what else an architecture may need.
    pub parts: PartPrices,
}

impl Default for EconomicsSection {
    fn default() -> Self {
        let Economics { connection_usd, edge_upgrade_usd, parts, .. } = Economics::default();
        Self { currency_per_usd: None, connection_usd, edge_upgrade_usd, parts }
    }
}

/// When, how long, which seed, which architectures.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RunSection {
    /// First day, local date as year-month-day. Default 2026-01-01: a Thursday, in no season's middle.
    #[serde(deserialize_with = "date_text")]
    pub start: String,
    /// Days, 1 to 3660.
    pub days: i64,
    /// Draws the whole world, 0 to 2^53 − 1.
    pub seed: i64,
    /// Which to run: cloud_sync, cloud_cached, sts_keypad, edge_local, or your own from [architecture.NAME].
    pub architectures: Vec<String>,
    /// What the journal of the data concentrator lies on.
    pub disk: DiskModel,
    /// How closely the mesh is looked at: message or frame.
    pub mesh: Fidelity,
}

/// What the journal of the data concentrator lies on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiskModel {
    /// A disk that loses power where a fault of the disk or of the concentrator's supply is scripted, else memory.
    #[default]
    Auto,
    /// RAM that outlives the concentrator: what was committed stays, the rest goes with the power. A quarter faster.
    Memory,
    /// The production store on sectors that are kept, dropped or torn when the power goes.
    PowerCut,
}

impl Default for RunSection {
    fn default() -> Self {
        Self {
            start: "2026-01-01".to_owned(),
            days: 30,
            seed: 1,
            architectures: vec!["cloud_sync".to_owned(), "edge_local".to_owned()],
            disk: DiskModel::Auto,
            mesh: Fidelity::Message,
        }
    }
}

/// A built-in architecture with some traits changed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArchitectureSection {
    /// The built-in one from which the other traits are taken.
    pub base: String,
    /// Where the deciding balance is kept.
    pub credit_at: Option<CreditAt>,
    /// What happens to relays while the deciding party is out of reach.
    pub on_link_loss: Option<OnLinkLoss>,
    /// What a relay does after its meter restarts.
    pub boot_relay: Option<BootRelay>,
    /// The meter has a keypad for tokens.
    pub keypad: Option<bool>,
    /// The wide-area link.
    pub backhaul: Option<Backhaul>,
    /// A cash agent in the village can sell credit at the DCU itself.
    pub local_vending: Option<bool>,
}

/// A date in quotes, or as TOML's own local date.
fn date_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    struct DateText;
    impl<'de> serde::de::Visitor<'de> for DateText {
        type Value = String;

        fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            out.write_str("a date")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<String, A::Error> {
            let entry: Option<(String, String)> = map.next_entry()?;
            entry.map(|(_, date)| date).ok_or_else(|| serde::de::Error::custom("an empty date"))
        }
    }
    deserializer.deserialize_any(DateText)
}
