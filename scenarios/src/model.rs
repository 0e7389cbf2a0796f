//! A scenario as the simulator takes it: everything resolved, checked, in metres and SI units.
//!
//! The loader fills it from a folder; nothing here is optional any more. Coordinates are metres east and north of
//! [`Site`]'s origin (a local tangent plane, good to a centimetre over a village).

pub use crate::schema::{DiskModel, LastGaspParams};
use taa_dcu::config::{Backhaul, BootRelay, Classes, CreditAt, Tariff, Traits};
pub use taa_models::mesh::Fidelity;
use taa_models::{
    assets::AssetParams,
    cellular::CellularParams,
    demand::{Class, DemandParams},
    mesh::MeshParams,
    payments::PaymentParams,
    people::PeopleParams,
    plant::PlantParams,
    radio::{RadioParams, interferer::Interferer},
    weather::Series,
};

/// A resolved scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Short name: the folder's, used in file names.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// Where the village is.
    pub site: Site,
    /// Buildings, customers, poles, lines.
    pub village: Village,
    /// Sun and temperature.
    pub weather: Weather,
    /// PV, battery, inverter.
    pub power: PlantParams,
    /// Prices.
    pub tariff: Tariff,
    /// Prices of some classes of customers, and who has them.
    pub classes: Classes,
    /// Radio, mesh, wide-area link, payment provider.
    pub comms: Comms,
    /// What appliances people have.
    pub demand: DemandParams,
    /// What people do.
    pub people: PeopleParams,
    /// What breaks and how it is mended.
    pub assets: AssetParams,
    /// What lost customers and better hardware cost.
    pub economics: Economics,
    /// When, how long, which seed, which architectures.
    pub run: RunPlan,
    /// Scripted faults, by start.
    pub faults: Vec<Fault>,
    /// What the operator does meanwhile, by time.
    pub operations: Vec<Operation>,
    /// Calm remarks for the reader (where the weather comes from, what was assumed).
    pub notes: Vec<String>,
    /// Who must be named for the data.
    pub attributions: Vec<String>,
}

impl Scenario {
    /// The prices of a customer: of the class, or the site's own.
    #[must_use]
    pub fn tariff_of(&self, customer: usize) -> &Tariff {
        if self.classes.is_empty() {
            return &self.tariff;
        }
        self.village.customers.get(customer).map_or(&self.tariff, |one| self.classes.of(&self.tariff, &one.id))
    }

    /// All tariffs: the site's own, then those of classes.
    pub fn tariffs(&self) -> impl Iterator<Item = &Tariff> {
        std::iter::once(&self.tariff).chain(&self.classes.tariffs)
    }
}

/// The local frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Site {
    /// Latitude of the origin, degrees north.
    pub lat_deg: f64,
    /// Longitude of the origin, degrees east.
    pub lon_deg: f64,
    /// Offset of local civil time from UTC, seconds.
    pub utc_offset_s: i32,
}

/// The village as built.
#[derive(Clone, Debug, Default)]
pub struct Village {
    /// All buildings, connected or not.
    pub buildings: Vec<Building>,
    /// Those that are customers.
    pub customers: Vec<Customer>,
    /// Poles; the first of each feeder hangs on the generation site.
    pub poles: Vec<Pole>,
    /// Low-voltage lines between poles (a tree per feeder).
    pub lines: Vec<Line>,
    /// Feeders leaving the generation site.
    pub feeders: Vec<Feeder>,
    /// The data concentrator's antenna.
    pub dcu: Place,
    /// Panels, battery, inverter.
    pub generation: Place,
    /// Radio relays without a customer.
    pub relays: Vec<Place>,
}

/// A point with a stable id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// Scenario id.
    pub id: String,
    /// Metres east, north.
    pub at_m: [f64; 2],
    /// Antenna or structure height above ground, metres.
    pub height_m: f64,
}

/// Roof material: decides how much radio leaks out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Roof {
    /// Corrugated iron.
    Iron,
    /// Thatch or grass.
    Thatch,
    /// Tiles or concrete.
    Tile,
}

/// Wall material.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wall {
    /// Sun-dried mud brick.
    Mud,
    /// Burnt brick or block.
    Brick,
    /// Poles and boards.
    Wood,
    /// Sheet iron.
    Sheet,
}

/// Where the meter hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// On the pole, outdoors, about 4 m high.
    Pole,
    /// On the outer wall, about 1.8 m high.
    Wall,
    /// Indoors.
    Indoor,
}

/// A footprint.
#[derive(Clone, Debug)]
pub struct Building {
    /// Scenario id.
    pub id: String,
    /// Outer ring, metres; empty for a point.
    pub outline_m: Vec<[f64; 2]>,
    /// Centre, metres.
    pub at_m: [f64; 2],
    /// Footprint, square metres.
    pub area_m2: f64,
    /// Roof material.
    pub roof: Roof,
    /// Wall material.
    pub wall: Wall,
    /// Index into [`Village::customers`], where connected.
    pub customer: Option<u32>,
}

/// A connection.
#[derive(Clone, Debug)]
pub struct Customer {
    /// Scenario id, stable under changes elsewhere.
    pub id: String,
    /// Logical device name of the meter, unique.
    pub meter_id: String,
    /// Index into [`Village::buildings`].
    pub building: u32,
    /// Consumption class.
    pub class: Class,
    /// Where the meter hangs.
    pub placement: Placement,
    /// Index into [`Village::poles`].
    pub pole: u32,
    /// Index into [`Village::feeders`].
    pub feeder: u32,
    /// Phase, 0–2.
    pub phase: u8,
    /// Position of the meter, metres.
    pub meter_at_m: [f64; 2],
    /// Length of the service drop, metres.
    pub service_m: f64,
}

/// A pole.
#[derive(Clone, Debug)]
pub struct Pole {
    /// Scenario id.
    pub id: String,
    /// Position, metres.
    pub at_m: [f64; 2],
    /// Index into [`Village::feeders`].
    pub feeder: u32,
}

/// Where a line starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// At the generation site.
    Source,
    /// At a pole.
    Pole(u32),
}

/// A low-voltage span, from the side of the source outwards.
#[derive(Clone, Debug)]
pub struct Line {
    /// Scenario id.
    pub id: String,
    /// The end nearer to the source.
    pub from: LineEnd,
    /// The far pole.
    pub to: u32,
    /// Length, metres.
    pub length_m: f64,
}

/// A feeder.
#[derive(Clone, Debug)]
pub struct Feeder {
    /// Scenario id.
    pub id: String,
}

/// The weather of the run and where it is from.
#[derive(Clone, Debug)]
pub struct Weather {
    /// The series, hour by hour, UTC.
    pub series: Series,
    /// One line: file, format, place, years.
    pub source: String,
    /// Distance from the village to the weather's own site, km.
    pub distance_km: f64,
}

/// Everything that carries messages.
#[derive(Clone, Debug, Default)]
pub struct Comms {
    /// Link budget.
    pub radio: RadioParams,
    /// Mesh behaviour.
    pub mesh: MeshParams,
    /// Tower, bearer, router.
    pub cellular: CellularParams,
    /// Payment provider, agents, cloud.
    pub payments: PaymentParams,
    /// How long the DCU and its router run on their own battery, hours.
    pub dcu_holdup_h: f64,
    /// The meters' last gasp.
    pub last_gasp: LastGaspParams,
    /// Others in the mesh's band.
    pub interferers: Vec<Interferer>,
}

/// What lost customers and better hardware cost, for `cost_of_downtime` and `payback_months`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Economics {
    /// Units of the tariff's currency for one US dollar. Assumed: 2600 (Tanzanian shilling, 2024–2026).
    pub currency_per_usd: f64,
    /// Price of replacing a churned connection, US dollars. Published: 733 (AMDA 2020 via afsea.org).
    pub connection_usd: f64,
    /// Price of the edge computer that keeps the accounts at the site, US dollars. Assumed: 250 (220–280 in the project's
    /// brief, unverified).
    pub edge_upgrade_usd: f64,
    /// What else an architecture may need.
    pub parts: PartPrices,
}

impl Default for Economics {
    fn default() -> Self {
        Self { currency_per_usd: 2600.0, connection_usd: 733.0, edge_upgrade_usd: 250.0, parts: PartPrices::default() }
    }
}

/// Prices of what an architecture is made of, with installation, US dollars. Round figures for East Africa in the middle
/// of the 2020s, assumed where nothing else is said.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PartPrices {
    /// A router with a second SIM. Assumed: 120.
    pub second_sim_usd: f64,
    /// The second SIM's bundle a month. Assumed: 5.
    pub second_sim_monthly_usd: f64,
    /// A satellite terminal. Assumed: 450.
    pub satellite_usd: f64,
    /// Its subscription a month. Assumed: 45.
    pub satellite_monthly_usd: f64,
    /// A vending terminal for an agent in the village. Assumed: 150.
    pub vending_usd: f64,
    /// What the agent gets a month. Assumed: 20.
    pub vending_monthly_usd: f64,
    /// What a keypad adds to a meter. Published in the project's brief, unverified: 8 to 15; the middle, 11.5.
    pub keypad_usd_per_meter: f64,
    /// To set a meter's relay so that it keeps its state over a restart, on its own. Assumed: 1.
    pub relay_setting_usd_per_meter: f64,
}

impl Default for PartPrices {
    fn default() -> Self {
        Self {
            second_sim_usd: 120.0,
            second_sim_monthly_usd: 5.0,
            satellite_usd: 450.0,
            satellite_monthly_usd: 45.0,
            vending_usd: 150.0,
            vending_monthly_usd: 20.0,
            keypad_usd_per_meter: 11.5,
            relay_setting_usd_per_meter: 1.0,
        }
    }
}

impl Economics {
    /// What it costs to turn one architecture into another for so many meters, US dollars: at once, and a month. What is
    /// left out again saves nothing.
    #[must_use]
    pub fn upgrade_usd(&self, from: Traits, to: Traits, meters: usize) -> (f64, f64) {
        let parts = &self.parts;
        let meters = meters as f64;
        let edge = to.credit_at == CreditAt::Dcu && from.credit_at != CreditAt::Dcu;
        let keypad = to.keypad && !from.keypad;
        let setting = to.boot_relay == BootRelay::Last && from.boot_relay != BootRelay::Last && !edge && !keypad;
        let backhaul = (to.backhaul != from.backhaul).then_some(to.backhaul);
        let prices = [
            (edge, self.edge_upgrade_usd, 0.0),
            (keypad, parts.keypad_usd_per_meter * meters, 0.0),
            (setting, parts.relay_setting_usd_per_meter * meters, 0.0),
            (backhaul == Some(Backhaul::DualSim), parts.second_sim_usd, parts.second_sim_monthly_usd),
            (backhaul == Some(Backhaul::Vsat), parts.satellite_usd, parts.satellite_monthly_usd),
            (to.local_vending && !from.local_vending, parts.vending_usd, parts.vending_monthly_usd),
        ];
        prices.iter().filter(|row| row.0).fold((0.0, 0.0), |sum, row| (sum.0 + row.1, sum.1 + row.2))
    }
}

/// What to run.
#[derive(Clone, Debug)]
pub struct RunPlan {
    /// Local midnight at which the run starts, as Unix seconds (UTC).
    pub start_unix_s: i64,
    /// Days to simulate.
    pub days: u32,
    /// Seed that draws the whole world.
    pub seed: u64,
    /// Which of the seed's worlds: 0 for a single run, counted up by studies over many.
    pub replication: u32,
    /// The site's ledger is kept: some 350 bytes per customer and day.
    pub ledger: bool,
    /// What the journal of the data concentrator lies on.
    pub disk: DiskModel,
    /// Architectures by name.
    pub architectures: Vec<(String, Traits)>,
}

impl Scenario {
    /// The journal lies on a disk that loses sectors with the power; else in RAM.
    #[must_use]
    pub fn has_disk_that_loses_bytes(&self) -> bool {
        match self.run.disk {
            DiskModel::Auto => self.faults.iter().any(|fault| fault.what.is_of_the_disk()),
            DiskModel::Memory => false,
            DiskModel::PowerCut => true,
        }
    }
}

/// What a scripted fault does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FaultKind {
    /// The cellular tower is off (with dual SIM, both towers unless the target names one).
    TowerOut,
    /// The site's bearer is down; the tower stands.
    BackhaulOut,
    /// The site's router hangs: both SIMs and the dish.
    RouterHung,
    /// The prepaid bundle has lapsed (with dual SIM, both unless the target names one).
    SimCreditOut,
    /// The operators put machine traffic last: slow and lossy, not down.
    M2mThrottled {
        /// Median delay of a message, seconds.
        delay_median_s: f64,
        /// Share of messages lost, 0–1.
        loss_share: f64,
    },
    /// The mobile-money provider answers nobody.
    ProviderOut,
    /// The operator's cloud is down.
    CloudOut,
    /// Sun reduced to this share of what the weather file says.
    Cloudy {
        /// Factor on global irradiance, 0–1 (what is left turns diffuse).
        sun_share: f64,
    },
    /// Noise raised by this many dB at the target and 150 m around (or everywhere).
    RadioJammed {
        /// Rise of the noise floor, dB.
        noise_rise_db: f64,
    },
    /// Roofs and walls around the target's meters take this many dB more of every signal (a fault that lasts the whole
    /// run is a village built of iron sheet).
    RoofLoss {
        /// Loss on every link of the meter, dB.
        loss_db: f64,
    },
    /// The target's meters have lost their routes and forward for nobody until they are restarted.
    RoutesCollapsed,
    /// The DCU and its router have no supply.
    DcuPowerLost,
    /// Meters are dead until mended.
    MeterDead,
    /// A feeder is open.
    FeederOut,
    /// The line of the target's customers is broken.
    LineOut,
    /// The inverter is off.
    InverterOut,
    /// No cash agent is to be found.
    AgentAway,
    /// The aggregators between provider and operator pass nothing on.
    AggregatorOut,
    /// The operator's hosted intake relay is down.
    IntakeOut,
    /// Every text message is lost.
    SmsLost,
    /// Every USSD session breaks off.
    UssdBroken,
    /// The module with the vending keys answers nobody: no token can be made.
    KeyModuleOut,
    /// The vendor has used up the minutes leased to it: no token can be made.
    LeasesExhausted,
    /// The agent's tokens on paper are used up, and none are delivered.
    PaperOut,
    /// The vendor believes in another key revision than the target's meters hold: they refuse its tokens.
    WrongKeyRevision,
    /// The token gateways of the target's meters refuse every call; keypads go on.
    GatewayRefused,
    /// The target's meters still count from 1993, and their key-change tokens are entered at the end of this alone.
    RolloverMissed,
    /// The charge controller is off: no sun comes in.
    ChargeControllerOut,
    /// A stroke at the beginning breaks inverter, concentrator and the meters aimed at; all wait for repair.
    Lightning,
    /// Meters open at the beginning, feeling tampered with, and cannot be cleared before the end.
    MetersTampered,
    /// No crew gets to the site.
    RoadClosed,
    /// The operator's crew is not to be had.
    CrewAway,
    /// The data concentrator's disk has no room left.
    DiskFull,
    /// The data concentrator's disk takes no writes.
    DiskReadOnly,
    /// The disk says that everything is safe, and a power cut shows that it was not.
    FsyncLies,
    /// A page of the data concentrator's database rots at the beginning; found when it is read next.
    PageCorrupt,
    /// The card is worn: slow, and now and then a sync fails.
    SdWear,
}

impl FaultKind {
    /// It concerns the data concentrator's disk, or takes the power from it in the midst of its work.
    #[must_use]
    pub const fn is_of_the_disk(self) -> bool {
        matches!(
            self,
            Self::DiskFull
                | Self::DiskReadOnly
                | Self::FsyncLies
                | Self::PageCorrupt
                | Self::SdWear
                | Self::DcuPowerLost
        )
    }
}

/// Where a fault bites.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultTarget {
    /// The whole village or the one such thing there is.
    All,
    /// These customers (indices).
    Customers(Vec<u32>),
    /// One feeder (index).
    Feeder(u32),
    /// One tower: 0 the first operator's, 1 the second's.
    Tower(u8),
}

/// What an operator does to the site in the course of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Name shown in the log.
    pub id: String,
    /// What.
    pub what: OperationKind,
    /// When, milliseconds of the run.
    pub at_ms: u64,
}

/// The kinds of operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationKind {
    /// Meters are given a new image.
    FirmwareUpdate {
        /// What they show afterwards.
        identifier: String,
        /// Size of the image, kB of 1000 bytes.
        image_kb: u32,
        /// All meters, or these customers'.
        target: FaultTarget,
    },
    /// Meters are brought to another key by key-change tokens, where the site sells tokens itself.
    KeyChange {
        /// Which key.
        to: KeyChangeTo,
        /// All meters, or these customers'.
        target: FaultTarget,
    },
}

impl OperationKind {
    /// Whose meters it is about.
    #[must_use]
    pub const fn target(&self) -> &FaultTarget {
        match self {
            Self::FirmwareUpdate { target, .. } | Self::KeyChange { target, .. } => target,
        }
    }
}

/// Where a key change leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChangeTo {
    /// The next revision of the supply group's key.
    NextRevision,
    /// The next revision, counting minutes from the next base date: a rollover.
    NextBaseDate,
}

/// A scripted fault.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Name shown in causes.
    pub id: String,
    /// What.
    pub what: FaultKind,
    /// Where.
    pub target: FaultTarget,
    /// From, milliseconds of the run.
    pub from_ms: u64,
    /// Until, milliseconds of the run.
    pub until_ms: u64,
}
