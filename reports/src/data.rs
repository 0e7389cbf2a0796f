//! Everything the page needs, independent of the simulator: extracted once, kept on disk, rendered as often as wanted.
//!
//! `report-data.json` is this structure. `taa report DIR` reads it and writes the page anew, so a page can be improved
//! without running the simulation again; the Parquet tables stay the place for every other question. Times are
//! milliseconds since the start of the run, coordinates metres east and north of the site's origin.

mod hours;
mod images;
mod listing;
mod mesh;
mod story;
mod tickets;
mod waits;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use taa_studies::study::Study;

pub use self::{
    hours::HourSplit,
    images::ImageFigures,
    listing::{Cell, Heading, Listing},
    mesh::{AirUse, Chapter, ETX_BOUNDS, IsolatedRow, LINK_WORDS, MeshFigures, TO_DCU, TO_NOBODY, TreeCurve},
    story::{Hit, Phase, Story},
    tickets::TicketFigures,
    waits::{CURVE_BOUNDS_S, DelayCurve, StageWait, Tokens, WaitSeries, Waits},
};

/// Format of `report-data.json`; a change of a field's meaning changes it.
pub const FORMAT: u64 = 1;

/// One hour in milliseconds.
pub const HOUR_MS: u64 = 3_600_000;
/// One day in milliseconds.
pub const DAY_MS: u64 = 24 * HOUR_MS;

/// A run as the report sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportData {
    /// [`FORMAT`].
    pub format: u64,
    /// Program and version that ran the simulation.
    pub generator: String,
    /// What was simulated.
    pub scenario: ScenarioFacts,
    /// Where everything stands.
    pub village: Geometry,
    /// When, how long, which draw.
    pub run: RunFacts,
    /// One outcome each, the baseline first.
    pub architectures: Vec<Architecture>,
    /// What many runs of this village found, where they were made.
    #[serde(default)]
    pub study: Option<Study>,
}

/// What was simulated, in a few facts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScenarioFacts {
    /// Short name.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// Degrees north.
    pub lat_deg: f64,
    /// Degrees east.
    pub lon_deg: f64,
    /// Local civil time minus UTC, seconds.
    pub utc_offset_s: i32,
    /// Panels, kWp.
    pub pv_kwp: f64,
    /// Battery, kWh.
    pub battery_kwh: f64,
    /// Inverter, kW.
    pub inverter_kw: f64,
    /// ISO 4217 code.
    pub currency: String,
    /// Price of a kWh in the currency.
    pub price_per_kwh: f64,
    /// Units of the currency for one US dollar; 0 in data of earlier versions.
    #[serde(default)]
    pub currency_per_usd: f64,
    /// Customers by class, in the order of the scenario's classes.
    pub classes: Vec<(String, u32)>,
    /// Number of feeders.
    pub feeders: u32,
    /// Weather file and place.
    pub weather_source: String,
    /// From the weather's site to the village, km.
    pub weather_distance_km: f64,
    /// Scripted faults.
    pub faults: Vec<FaultFacts>,
    /// Remarks for the reader.
    pub notes: Vec<String>,
    /// Whom to name for the data.
    pub attributions: Vec<String>,
}

/// A scripted fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultFacts {
    /// Name.
    pub id: String,
    /// What and where, in words.
    pub words: String,
    /// From, ms.
    pub from_ms: u64,
    /// Until, ms.
    pub until_ms: u64,
}

/// The map.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Geometry {
    /// All buildings.
    pub buildings: Vec<Roof>,
    /// The customers among them, by index.
    pub customers: Vec<Connection>,
    /// Poles.
    pub poles_m: Vec<[f64; 2]>,
    /// Low-voltage spans.
    pub lines_m: Vec<[[f64; 2]; 2]>,
    /// The data concentrator.
    pub dcu_m: [f64; 2],
    /// The generation site.
    pub generation_m: [f64; 2],
    /// Radio relays without a customer.
    pub relays_m: Vec<[f64; 2]>,
    /// Radio links at the start.
    pub links: Vec<Link>,
}

/// A building on the map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Roof {
    /// Outer ring; empty for a point.
    pub outline_m: Vec<[f64; 2]>,
    /// Centre.
    pub at_m: [f64; 2],
    /// Customer index, where connected.
    pub customer: Option<u32>,
}

/// A customer's fixed facts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// Scenario id.
    pub id: String,
    /// Class name.
    pub class: String,
    /// Where the meter hangs.
    pub placement: String,
    /// The meter's position.
    pub meter_m: [f64; 2],
    /// The pole's position.
    pub pole_m: [f64; 2],
}

/// A radio link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Position of one end.
    pub from_m: [f64; 2],
    /// Position of the other.
    pub to_m: [f64; 2],
    /// Expected transmissions.
    pub etx: f64,
    /// Received power, dBm.
    pub rssi_dbm: f64,
    /// Part of the routes at the start.
    pub in_tree: bool,
}

/// The draw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunFacts {
    /// Seed.
    pub seed: u64,
    /// Start, Unix seconds.
    pub start_unix_s: i64,
    /// Simulated time, ms.
    pub simulated_ms: u64,
    /// Days asked for.
    pub days_asked: u32,
    /// Stopped before its end.
    pub partial: bool,
    /// Wall time, seconds.
    pub wall_s: f64,
    /// Events.
    pub events: u64,
    /// Digest over all architectures.
    pub digest: String,
    /// Digest of what no architecture can influence.
    pub exogenous_digest: String,
}

/// One architecture's outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Architecture {
    /// Name of the bundle.
    pub name: String,
    /// Traits, name and value.
    pub traits: Vec<(String, String)>,
    /// What it costs to turn the first architecture into this one, US dollars: at once, and a month.
    #[serde(default)]
    pub upgrade_usd: (f64, f64),
    /// Digest.
    pub digest: String,
    /// Key figures as in `summary.json`.
    pub kpis: BTreeMap<String, Value>,
    /// Lost time by root cause and class, most first.
    pub causes: Vec<CauseRow>,
    /// By customer index.
    pub customers: Vec<CustomerFigures>,
    /// State of charge at the end of each hour, percent.
    pub soc_percent: Vec<u8>,
    /// The mean day by the quarter of an hour, kW.
    pub mean_day: Vec<Power>,
    /// Each day's energy, kWh.
    pub days: Vec<Power>,
    /// Customers without light over time.
    pub dark: DarkSeries,
    /// Components down.
    pub outages: Vec<OutageFigures>,
    /// Payments.
    pub payments: PaymentFigures,
    /// The longest darknesses, longest first.
    #[serde(default)]
    pub stories: Vec<Story>,
    /// Where the hours went; nothing in data of earlier versions.
    #[serde(default)]
    pub hours: Option<HourSplit>,
    /// Repairs, one row each, where the run keeps records of them.
    #[serde(default)]
    pub repairs: Option<Listing>,
    /// Kits that are paid by the day, where the site sells to them.
    #[serde(default)]
    pub kits: Option<KitFigures>,
    /// Firmware updates, where one was ordered.
    #[serde(default)]
    pub images: Option<ImageFigures>,
    /// The mesh, where the run has kept its tree.
    #[serde(default)]
    pub mesh: Option<MeshFigures>,
    /// What the data concentrator took for outages, where its meters have a last gasp.
    #[serde(default)]
    pub tickets: Option<TicketFigures>,
}

/// Kits that are paid by the day with OpenPAYGO tokens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KitFigures {
    /// How many.
    pub kits: u32,
    /// Of them, those that report over their owner's phone.
    pub linked: u32,
    /// Paid by their owners, in the currency.
    pub paid: f64,
    /// Of that, what the site has not credited yet.
    pub open: f64,
    /// Days in tokens that were issued.
    pub sold_days: u32,
    /// Days that kits have taken.
    pub added_days: u32,
    /// Days in tokens that no kit has taken yet.
    pub waiting_days: u32,
    /// Texts with tokens that never came.
    pub texts_lost: u32,
    /// Time in which kits were off, ms.
    pub off_ms: u64,
    /// The most of one kit.
    pub off_longest_ms: u64,
    /// Kits whose count is neither the site's nor has a token still to come.
    pub out_of_step: u32,
}

/// Lost time that goes back to one root cause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CauseRow {
    /// Key as in `downtime_h_by_cause`.
    pub key: String,
    /// In words.
    pub words: String,
    /// What kind of cause: decides what the verdict advises.
    pub kind: CauseKind,
    /// Lost ms by class, in the order of `DownClass::ALL`.
    pub ms: [u64; 3],
    /// The chain that cost most hours, nearest cause first, in words.
    pub chain: Vec<String>,
    /// Whom it hits and when.
    #[serde(default)]
    pub hit: Hit,
}

impl CauseRow {
    /// Lost ms over the classes.
    #[must_use]
    pub fn total_ms(&self) -> u64 {
        self.ms.iter().sum()
    }
}

/// Families of causes that call for the same remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CauseKind {
    /// Too little energy.
    Energy,
    /// Too much load at once.
    Overload,
    /// Something broke and waited for repair.
    Repair,
    /// The wide-area link.
    Backhaul,
    /// Provider or cloud.
    Operator,
    /// The radio mesh.
    Mesh,
    /// The cash agent.
    Agent,
    /// How credit and orders are handled.
    Handling,
    /// A scripted fault of no other family.
    Scripted,
    /// Not known.
    Unknown,
}

/// One customer under one architecture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomerFigures {
    /// Lost ms by class.
    pub lost_ms: [u64; 3],
    /// Longest unbroken darkness, ms.
    pub longest_ms: u64,
    /// Sustained interruptions.
    pub interruptions: u32,
    /// Hops to the DCU, 0 for no route.
    pub hops: u32,
    /// Index into [`Architecture::causes`] of what cost most.
    pub worst_cause: Option<u32>,
    /// Energy served, kWh.
    pub served_kwh: f64,
    /// Left the operator.
    pub churned: bool,
}

impl CustomerFigures {
    /// Lost ms over the classes.
    #[must_use]
    pub fn total_ms(&self) -> u64 {
        self.lost_ms.iter().sum()
    }
}

/// Power (kW) or energy (kWh) side by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Power {
    /// What the panels could give.
    pub pv_available: f64,
    /// What was used of it.
    pub pv_used: f64,
    /// What customers got.
    pub served: f64,
    /// What they would have taken had nobody been dark.
    pub wanted: f64,
}

/// Mean number of customers without light per bin, by class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DarkSeries {
    /// Length of a bin, ms.
    pub step_ms: u64,
    /// Customers by class (order of `DownClass::ALL`), bin by bin.
    pub customers: [Vec<f64>; 3],
}

/// An interval in which a component was down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutageFigures {
    /// Component in words.
    pub component: String,
    /// Start, ms.
    pub start_ms: u64,
    /// End, ms.
    pub end_ms: u64,
    /// Why, in words, nearest cause first.
    pub why: String,
}

/// Payments in brief.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PaymentFigures {
    /// Wishes to pay.
    pub wanted: u32,
    /// Of these by phone.
    pub by_phone: u32,
    /// Effective at the meter.
    pub applied: u32,
    /// Accepted and not effective at the end of the run.
    pub pending: u32,
    /// Never accepted.
    pub blocked: u32,
    /// Applied payments by delay since the wish to pay: the bounds are [`DELAY_BOUNDS_S`], the last bin is open.
    pub by_delay: Vec<u32>,
    /// What held payments for more than five minutes, most first: words and number.
    pub held_by: Vec<(String, u32)>,
    /// How long money waits.
    #[serde(default)]
    pub waits: Waits,
    /// Numbers for a keypad, where there are keypads.
    #[serde(default)]
    pub tokens: Tokens,
}

/// Upper bounds of the delay bins, seconds.
pub const DELAY_BOUNDS_S: [u64; 6] = [30, 300, 3600, 6 * 3600, 24 * 3600, 72 * 3600];

impl ReportData {
    /// The study, where its figures over several draws describe the whole run: a plain run's study holds only purchases,
    /// tried in draws of their own.
    #[must_use]
    pub fn many_draws(&self) -> Option<&Study> {
        self.study.as_ref().filter(|study| study.draws > 1 && !study.spreads.is_empty())
    }
}

impl RunFacts {
    /// Simulated time in days.
    #[must_use]
    pub fn days(&self) -> f64 {
        self.simulated_ms as f64 / DAY_MS as f64
    }

    /// Yearly figures are scaled up from less than a year.
    #[must_use]
    pub const fn annualised(&self) -> bool {
        self.simulated_ms < 365 * DAY_MS
    }
}

impl Architecture {
    /// A key figure, where the run has it.
    #[must_use]
    pub fn kpi(&self, key: &str) -> Option<f64> {
        self.kpis.get(key).and_then(Value::as_f64)
    }

    /// Lost ms over all customers, by class.
    #[must_use]
    pub fn lost_ms(&self) -> [u64; 3] {
        self.causes.iter().fold([0; 3], |sum, row| std::array::from_fn(|i| sum[i] + row.ms[i]))
    }

    /// Lost hours over all customers.
    #[must_use]
    pub fn lost_h(&self) -> f64 {
        self.lost_ms().iter().sum::<u64>() as f64 / HOUR_MS as f64
    }
}
