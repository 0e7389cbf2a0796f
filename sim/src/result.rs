//! What a run returns.

use std::collections::BTreeMap;

use taa_dcu::config::Traits;

use crate::records::Records;

/// The outcome of a run over one or more architectures.
#[derive(Clone, Debug)]
pub struct RunResult {
    /// Seed.
    pub seed: u64,
    /// Start, Unix seconds (UTC).
    pub start_unix_s: i64,
    /// Simulated time, ms (less than asked for when stopped early).
    pub simulated_ms: u64,
    /// Stopped before its end.
    pub partial: bool,
    /// Wall time, seconds (not part of any digest).
    pub wall_s: f64,
    /// Events handled, all architectures together.
    pub events: u64,
    /// Digest over all architectures.
    pub digest: Digest,
    /// Digest of what no architecture can influence.
    pub exogenous_digest: Digest,
    /// One outcome each, in the order asked for.
    pub architectures: Vec<ArchResult>,
}

/// The outcome of one architecture.
#[derive(Clone, Debug)]
pub struct ArchResult {
    /// Name of the bundle, or `custom`.
    pub name: String,
    /// Its traits.
    pub traits: Traits,
    /// Digest of every event payload and the final KPIs.
    pub digest: Digest,
    /// Events handled.
    pub events: u64,
    /// The figures.
    pub kpis: Kpis,
    /// The tables.
    pub records: Records,
}

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Digest(pub [u8; 32]);

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// The key performance indicators of one architecture; names, units and order are those of `summary.json`.
///
/// Fractions are 0–1, money is in units of [`Kpis::currency`] (not minor units), yearly figures from a shorter run
/// are annualised. `None` where the run had no case to judge (no payment made, no outage).
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
#[expect(missing_docs, reason = "the names are the documentation; docs/kpis.md explains each")]
pub struct Kpis {
    pub service_availability: f64,
    pub paid_service_availability: f64,
    pub billing_availability: Option<f64>,
    pub telemetry_completeness: f64,
    pub asai: f64,
    pub saidi_h_per_year: f64,
    pub saifi_per_year: f64,
    pub caidi_h: Option<f64>,
    pub maifi_per_year: f64,
    pub b_saidi_h_per_year: f64,
    pub b_saifi_per_year: f64,
    pub b_caidi_h: Option<f64>,
    pub longest_outage_h: f64,
    pub customers_dark_96h: u32,
    pub energy_served_kwh: f64,
    pub energy_unserved_kwh: f64,
    pub energy_unbilled_kwh: f64,
    /// Served and still not paid for at the end.
    pub energy_unpaid_kwh: f64,
    pub energy_stolen_kwh: f64,
    pub currency: String,
    pub revenue: f64,
    pub revenue_lost: f64,
    pub revenue_deferred: f64,
    pub customers_churned: u32,
    pub token_delay_p50_s: Option<f64>,
    pub token_delay_p95_s: Option<f64>,
    pub image_activated_share: Option<f64>,
    pub image_p95_h: Option<f64>,
    pub mesh_pdr: Option<f64>,
    pub mesh_join_p95_s: Option<f64>,
    pub mesh_isolated_node_hours: f64,
    /// Customers' outages that a ticket of the DCU has found, of all there were.
    pub outage_detection_recall: Option<f64>,
    /// Customers' outages that were true, of all that tickets claimed.
    pub outage_detection_precision: Option<f64>,
    pub outage_detection_latency_p95_s: Option<f64>,
    /// By what share of the true one SAIFI by the DCU's tickets is off, either way.
    pub outage_saifi_error_share: Option<f64>,
    pub outage_saidi_error_share: Option<f64>,
    pub battery_cycles: f64,
    pub downtime_h: f64,
    pub downtime_h_by_class: BTreeMap<String, f64>,
    /// By the root of the chain; scripted faults under `scripted:<id>`. Sums to `downtime_h`.
    pub downtime_h_by_cause: BTreeMap<String, f64>,
    pub cost_of_downtime: f64,
    /// Its parts, in the same currency. They sum to `cost_of_downtime` exactly.
    pub cost_of_downtime_parts: BTreeMap<String, f64>,
    pub payback_months: Option<f64>,
    /// Share of customers by ESMAP tier, `tier_0`…`tier_5`.
    pub mtf_tier: BTreeMap<String, f64>,
}

impl Kpis {
    /// `cost_of_downtime` without those who left: one departure outweighs a village's dark month, and a handful of them
    /// is chance.
    #[must_use]
    pub fn cost_of_dark_hours(&self) -> f64 {
        let left = |part: &str| part == "churned_spend" || part == "replaced_connections";
        self.cost_of_downtime_parts.iter().filter(|(part, _)| !left(part)).map(|(_, money)| money).sum()
    }
}
