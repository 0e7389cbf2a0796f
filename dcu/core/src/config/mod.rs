//! What a planner or operator sets: the traits of an architecture, the tariff, the DCU's own plan.
//!
//! These types are read from `scenario.toml` (by `taa-scenarios`) and from the daemon's configuration alike.

mod classes;
mod meter;
mod outage;
pub mod tariff;
mod vending;

pub use classes::{CLASSES_MAX, ClassFault, Classes};
pub use meter::{MeterAccess, MeterEntry};
pub use outage::{Device, DeviceKind, OutageConfig, OutageMeter, Span};
pub use tariff::{LocalTime, Tariff, TariffFault};
pub use vending::{By, CachePolicy, Contradiction, DeliveryPolicy, PaygDevice, Step, StsMeter, VendingConfig, Way};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{fetch::FetchConfig, relay::RelayRules};

/// Where the balance that decides over a customer's relay is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CreditAt {
    /// In the meter: it counts down by itself and opens its own relay.
    Meter,
    /// In the DCU at the site.
    Dcu,
    /// In the cloud: the DCU passes readings up and orders down.
    Cloud,
}

/// What happens to relays while the party that decides over them cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnLinkLoss {
    /// Nobody is cut off while the deciding party, or the payments it decides by, cannot be reached.
    Hold,
    /// Credit in the cloud: the DCU opens relays whose balance it cannot confirm within the stale limit. Credit in the
    /// DCU: it goes on cutting off by the balance it has, although payments may be waiting outside.
    Open,
}

/// What a meter's relay does when the meter starts after a power loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BootRelay {
    /// Returns to its last state.
    Last,
    /// Waits open for an order.
    Open,
}

/// The wide-area link of the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Backhaul {
    /// One cellular router, one operator.
    SingleSim,
    /// One router, two operators on two towers (they may share their fate).
    DualSim,
    /// A satellite terminal: no tower, rain fade instead.
    Vsat,
}

/// An architecture is a bundle of these; each is switchable with `--trait name=value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Traits {
    /// Where the deciding balance is kept.
    pub credit_at: CreditAt,
    /// What happens to relays while the deciding party is out of reach.
    pub on_link_loss: OnLinkLoss,
    /// What a relay does after its meter restarts.
    pub boot_relay: BootRelay,
    /// The meter has a keypad: with credit in the meter it comes by hand, as a number on a phone or on paper, and
    /// neither mesh nor DCU delivers it. Without credit in the meter there is nothing to type.
    pub keypad: bool,
    /// The wide-area link.
    pub backhaul: Backhaul,
    /// A cash agent in the village can sell credit at the DCU itself.
    pub local_vending: bool,
}

impl Traits {
    /// The bundles by name, in the order in which reports show them.
    pub const BUNDLES: [(&'static str, Self); 4] = [
        (
            "cloud_sync",
            Self {
                credit_at: CreditAt::Cloud,
                on_link_loss: OnLinkLoss::Hold,
                boot_relay: BootRelay::Open,
                keypad: false,
                backhaul: Backhaul::SingleSim,
                local_vending: false,
            },
        ),
        (
            "cloud_cached",
            Self {
                credit_at: CreditAt::Dcu,
                on_link_loss: OnLinkLoss::Hold,
                boot_relay: BootRelay::Last,
                keypad: false,
                backhaul: Backhaul::SingleSim,
                local_vending: false,
            },
        ),
        (
            "sts_keypad",
            Self {
                credit_at: CreditAt::Meter,
                on_link_loss: OnLinkLoss::Hold,
                boot_relay: BootRelay::Last,
                keypad: true,
                backhaul: Backhaul::SingleSim,
                local_vending: false,
            },
        ),
        (
            "edge_local",
            Self {
                credit_at: CreditAt::Dcu,
                on_link_loss: OnLinkLoss::Hold,
                boot_relay: BootRelay::Last,
                keypad: false,
                backhaul: Backhaul::DualSim,
                local_vending: true,
            },
        ),
    ];

    /// The bundle of that name.
    #[must_use]
    pub fn bundle(name: &str) -> Option<Self> {
        Self::BUNDLES.iter().find(|(n, _)| *n == name).map(|(_, t)| *t)
    }
}

/// What the operator sets for one DCU. Times are in the unit of the field's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DcuConfig {
    /// The architecture.
    pub traits: Traits,
    /// Prices.
    pub tariff: Tariff,
    /// Tariffs beside it, and who has them. A journal that knows any keeps its own.
    pub classes: Classes,
    /// Offset of local civil time from UTC, for the day on which the daily fee falls.
    pub utc_offset_s: i32,
    /// Every meter is read once in this time.
    pub reading_period_s: u32,
    /// The slots of all meters lie in this first part of the period; the rest is left for repeats and back-fill.
    pub reading_spread_s: u32,
    /// Frames outstanding at once on the shared mesh. Of several, the last place is kept for relay orders and credit.
    pub window: usize,
    /// Meters behind a wire of their own kind; all others are on the mesh.
    pub lines: Vec<LineConfig>,
    /// Of the frames outstanding on a link, at most so many belong to bulk: load profiles, images.
    pub bulk_window: usize,
    /// Meters whose load profile is being read at once, per link; and as many that are being sent an image.
    pub bulk_meters_max: usize,
    /// How long an answer may take.
    pub reply_timeout_ms: u32,
    /// How often the DLMS client repeats a request before the exchange counts as failed.
    pub reply_retries: u8,
    /// Waiting between failed exchanges of the ordinary kind.
    pub retry: RetryPolicy,
    /// The same for relay orders and credit.
    pub retry_urgent: RetryPolicy,
    /// With [`OnLinkLoss::Open`]: how long a balance counts as confirmed after the cloud was last heard.
    pub stale_limit_s: u32,
    /// With [`OnLinkLoss::Hold`] and balances at the DCU: silence of the cloud after which payments count as unseen.
    pub intake_silence_s: u32,
    /// From the first word of the cloud until balances count as complete again.
    pub intake_settling_s: u32,
    /// Payments that wait less than this in plain sight count as in time.
    pub lateness_from_s: u32,
    /// However late payments come, debt older than this counts.
    pub lateness_max_s: u32,
    /// At most one extra look per meter in this time when the mesh says it was heard.
    pub heard_interval_s: u32,
    /// Most profile rows asked for in one back-fill exchange.
    pub backfill_rows_max: u16,
    /// How often an image is tried with a meter that refuses or spoils it. One that is silent is waited for.
    pub image_attempts_max: u32,
    /// Missed periods older than this are given up.
    pub backfill_horizon_s: u32,
    /// This DCU's DLMS system title: three letters of the maker, five bytes that no other device shares. With a counter
    /// it makes the nonce. The last four bytes are replaced by random ones that each journal draws for itself
    /// ([`crate::journal::Entry::TitleTaken`]): a DCU whose journal is lost knows no counters, and would repeat nonces under
    /// its old title.
    pub system_title: [u8; 8],
    /// Invocation counters reserved per meter and journal record. A restart skips what is left of a block; there are
    /// 2³² of them per key.
    pub counter_block: u32,
    /// When an order of a relay may leave.
    pub relays: RelayRules,
    /// Name of this DCU's ledger in its checkpoints: no two share one (C2SP: like a URL without its scheme).
    pub ledger_origin: String,
    /// The public key that checkpoints of the ledger are signed with, as [`taa_ledger::note::Verifier`] reads it. Without
    /// one nothing is signed, and a witness is not believed.
    pub ledger_verifier: Option<String>,
    /// The uplink.
    pub uplink: UplinkConfig,
    /// How payments are fetched from the hosted intake relay; `None`: they come by the cloud, or by agents alone.
    pub fetch: Option<FetchConfig>,
    /// Tokens sold at the site; `None`: none are.
    pub vending: Option<VendingConfig>,
    /// The network, and how outages are judged; `None`: packets on the outage port are refused.
    pub outage: Option<OutageConfig>,
}

impl DcuConfig {
    /// A working configuration for these traits and prices: hourly readings, eight outstanding exchanges.
    #[must_use]
    pub fn new(traits: Traits, tariff: Tariff) -> Self {
        Self {
            traits,
            tariff,
            classes: Classes::default(),
            utc_offset_s: 0,
            reading_period_s: 3600,
            reading_spread_s: 1800,
            window: 8,
            lines: Vec::new(),
            bulk_window: 4,
            bulk_meters_max: 16,
            reply_timeout_ms: 20_000,
            reply_retries: 1,
            retry: RetryPolicy { first_s: 120, max_s: 3600 },
            retry_urgent: RetryPolicy { first_s: 30, max_s: 600 },
            stale_limit_s: 6 * 3600,
            intake_silence_s: 5400,
            intake_settling_s: 120,
            lateness_from_s: 300,
            lateness_max_s: 86_400,
            heard_interval_s: 60,
            backfill_rows_max: 744,
            image_attempts_max: 4,
            backfill_horizon_s: 60 * 86_400,
            system_title: *b"TAA\xDC\x00\x00\x00\x01",
            counter_block: 256,
            relays: RelayRules::default(),
            ledger_origin: "dcu.invalid/ledger".to_owned(),
            ledger_verifier: None,
            uplink: UplinkConfig::for_credit_at(traits.credit_at),
            fetch: None,
            vending: None,
            outage: None,
        }
    }
}

/// A shared wire with several meters, for instance an RS-485 pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineConfig {
    /// The meters on it, by index. A meter named by several lines is on the last.
    pub meters: Vec<u32>,
    /// Frames outstanding at once: 1 where requests and answers share the wire.
    pub window: usize,
    /// How long an answer may take.
    pub reply_timeout_ms: u32,
}

/// Waiting that doubles from `first_s` to `max_s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// After the first failure.
    pub first_s: u32,
    /// Never longer.
    pub max_s: u32,
}

impl RetryPolicy {
    /// The wait after this many failures in a row (1 for the first).
    #[must_use]
    pub fn wait_s(self, failures: u32) -> u32 {
        let doublings = failures.saturating_sub(1).min(16);
        self.first_s.saturating_mul(1 << doublings).min(self.max_s).max(1)
    }
}

/// How the outbox behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UplinkConfig {
    /// Readings wait up to this long for company in a frame.
    pub flush_ms: u32,
    /// An unacknowledged frame is sent again after this; doubles per repeat up to eightfold.
    pub resend_ms: u32,
    /// Frames sent and not yet acknowledged.
    pub window: usize,
    /// Most bytes in a frame.
    pub frame_bytes_max: usize,
    /// Most readings kept; beyond it the oldest is dropped and counted.
    pub readings_max: usize,
    /// Most urgent messages kept; beyond it the oldest is dropped and counted.
    pub urgent_max: usize,
    /// A sign of life goes up when the cloud has not been heard for this long.
    pub keepalive_s: u32,
}

impl UplinkConfig {
    /// Readings go up within two seconds where the cloud bills by them, else within a minute.
    #[must_use]
    pub fn for_credit_at(credit_at: CreditAt) -> Self {
        Self {
            flush_ms: if credit_at == CreditAt::Cloud { 2_000 } else { 60_000 },
            resend_ms: 30_000,
            window: 4,
            frame_bytes_max: 1024,
            readings_max: 500_000,
            urgent_max: 20_000,
            keepalive_s: 3600,
        }
    }
}
