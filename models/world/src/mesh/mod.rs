//! The mesh: who hears whom, the shortest route to the root, and whether a message arrives and when.
//!
//! - [`Topology::build`] draws the links once (positions and shadowing do not change in a run).
//! - [`Topology::routes`] finds routes over those nodes that are alive, through the air as it is now (noise, losses); call it when a
//!   node goes dark or comes back, and when leaves have grown. It is a shortest-path tree by ETX (expected transmissions), the metric of RPL with
//!   MRHOF (RFC 6719), without RPL's inertia: routes are those that a settled network would have.
//! - [`Topology::deliver`] sends one message along its route: frames, retries, delay, or where it was lost.
//!
//! [`plan`] answers the other question: where a root and relays should stand.
//!
//! Message fidelity: no frame collides with another; contention is in the delay's spread and in the loss floor.

mod deliver;
mod frame;
pub mod plan;
mod routes;
mod topology;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    draw::Draws,
    param::{Checks, ParamError},
    radio::channels::{ChannelPlan, PlanName},
};

pub use deliver::{Delivery, Powers};
pub use frame::{FrameParams, Pinned, RootVersion};
pub use routes::{Air, NoRoute, Routes};
pub use topology::{MeshLink, Topology};

/// How closely the mesh is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fidelity {
    /// One event per delivered message, drawn hop by hop from the links; routes are those of a settled network.
    #[default]
    Message,
    /// Every frame of joining, routing and carrying on one medium, collisions included.
    Frame,
}

/// Limits of time on the air.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rules {
    /// Nobody counts.
    #[default]
    None,
    /// Those of the channel plan's domain, channel by channel: in Europe shares of an hour by band (ERC/REC 70-03, annex 1),
    /// in America 0.4 s on a channel in 20 s, or in 10 s on fewer than fifty (47 CFR 15.247). Others are not known here.
    Region,
}

/// What radio relays live on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RelaySupply {
    /// A panel and a battery of their own: they are never dark.
    #[default]
    Own,
    /// The line at their pole: they are dark when all customers of the nearest pole that serves any are.
    Line,
}

impl RelaySupply {
    fn is_own(&self) -> bool {
        *self == Self::Own
    }
}

/// How the mesh behaves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MeshParams {
    /// Most hops to the root. Published: 24 (Wi-SUN FAN, as TI SWRA714A states it).
    pub hop_limit: u16,
    /// Retries of a frame after its first transmission. Published: 7 (wisun-br-linux RCP, API 2.16 on).
    pub retries: u8,
    /// Links that need more transmissions than this are not used. Published: 4 (MAX_LINK_METRIC 512/128, RFC 6719).
    pub max_etx: f64,
    /// Most neighbours a node keeps, the best ones. Assumed: 24.
    pub neighbours_max: u16,
    /// Largest payload of a frame, octets; longer messages travel in several frames. Assumed: 250.
    pub frame_octets: u16,
    /// Octets added to each frame (PHY, MAC, security, 6LoWPAN). Assumed: 55.
    pub overhead_octets: u16,
    /// Mean wait per transmission before the frame goes on the air (CSMA, unicast dwell, turnaround), milliseconds.
    /// Assumed: 45, near the 65 ms one way per hop of TI SWRA714A with 50 octets (373 ms at hop 1, 899 at hop 5).
    pub access_mean_ms: f64,
    /// Median time at both ends of a message (stack, queueing), milliseconds. Assumed: 90, from the same figures.
    pub ends_median_ms: f64,
    /// Median time for a node next to the root to join, seconds. Assumed: 180 (TI: 3–5 minutes with 2–3 nodes).
    pub join_base_s: f64,
    /// Added for each further hop, seconds. Assumed: 60. (TI saw 27–68 minutes in a cold start of 100 nodes at once;
    /// that is contention of all joining together, not this.)
    pub join_per_hop_s: f64,
    /// Spread of the logarithm of the time to join. Assumed: 0.5.
    pub join_sigma: f64,
    /// Channel plan that is hopped over, regulatory domain and number in Wi-SUN (`EU-33`, `NA-1`, …). Left out: `EU-33` with a
    /// carrier of 863 to 870 MHz, `NA-1` with one of 902 to 928 MHz.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<PlanName>,
    /// Whether radios hop over the channels of the plan; otherwise all stay on the one nearest to the carrier.
    #[serde(skip_serializing_if = "hops")]
    pub hopping: bool,
    /// Whether radios keep to their regulator's limits of time. Only frame by frame; by message nobody counts.
    pub rules: Rules,
    /// A limit of your own: share of any hour that each radio may be on the air, over all channels, percent. Only frame by
    /// frame. 100 (default): none. Europe lets networks send for 2.5 %, and 10 % for the root, in four channels of 865 to
    /// 868 MHz (ERC/REC 70-03, annex 2).
    #[serde(skip_serializing_if = "no_rule")]
    pub duty_percent: f64,
    /// What radio relays live on. Assumed: a supply of their own.
    #[serde(skip_serializing_if = "RelaySupply::is_own")]
    pub relay_supply: RelaySupply,
    /// What only a mesh frame by frame has; by message nothing comes of it.
    #[serde(skip_serializing_if = "FrameParams::is_default")]
    pub frame: FrameParams,
    /// How closely it is looked at; a scenario says so under `[run]`.
    #[serde(skip)]
    pub fidelity: Fidelity,
    /// Keep its frames as a capture; the command line says so.
    #[serde(skip)]
    pub capture: bool,
}

impl Default for MeshParams {
    fn default() -> Self {
        Self {
            hop_limit: 24,
            retries: 7,
            max_etx: 4.0,
            neighbours_max: 24,
            frame_octets: 250,
            overhead_octets: 55,
            access_mean_ms: 45.0,
            ends_median_ms: 90.0,
            join_base_s: 180.0,
            join_per_hop_s: 60.0,
            join_sigma: 0.5,
            channels: None,
            hopping: true,
            rules: Rules::None,
            duty_percent: 100.0,
            relay_supply: RelaySupply::Own,
            frame: FrameParams::default(),
            fidelity: Fidelity::Message,
            capture: false,
        }
    }
}

impl MeshParams {
    /// The channel plan with this carrier; none where nobody named one and the carrier is in no band of ours.
    #[must_use]
    pub fn plan(&self, carrier_hz: f64) -> Option<PlanName> {
        self.channels.or_else(|| PlanName::around(carrier_hz))
    }

    /// The channels that this mesh uses, with this carrier.
    #[must_use]
    pub fn band(&self, carrier_hz: f64) -> Option<ChannelPlan> {
        let plan = self.plan(carrier_hz)?.plan();
        Some(if self.hopping { plan } else { plan.without_hopping(carrier_hz) })
    }

    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        Checks::default()
            .demand((1..=255).contains(&self.hop_limit), "hop_limit", self.hop_limit, "1 to 255")
            .demand(self.retries <= 50, "retries", self.retries, "0 to 50")
            .demand((1.1..=100.0).contains(&self.max_etx), "max_etx", self.max_etx, "1.1 to 100")
            .demand((1..=1000).contains(&self.neighbours_max), "neighbours_max", self.neighbours_max, "1 to 1000")
            .demand((16..=2047).contains(&self.frame_octets), "frame_octets", self.frame_octets, "16 to 2047 octets")
            .demand(self.overhead_octets <= 500, "overhead_octets", self.overhead_octets, "0 to 500 octets")
            .not_negative("access_mean_ms", self.access_mean_ms)
            .not_negative("ends_median_ms", self.ends_median_ms)
            .not_negative("join_base_s", self.join_base_s)
            .not_negative("join_per_hop_s", self.join_per_hop_s)
            .demand((0.0..=3.0).contains(&self.join_sigma), "join_sigma", self.join_sigma, "0 to 3")
            .demand((0.01..=100.0).contains(&self.duty_percent), "duty_percent", self.duty_percent, "0.01 to 100 %")
            .demand(
                self.rules == Rules::None || self.duty_percent >= 100.0,
                "duty_percent",
                self.duty_percent,
                "100 where `rules` is \"region\": its limits go by channel",
            )
            .done()
    }
}

/// Whether radios hop, as they do where nothing is said.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn hops(hopping: &bool) -> bool {
    *hopping
}

/// Whether any share of an hour may be used: then a scenario need not say so.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn no_rule(percent: &f64) -> bool {
    *percent >= 100.0
}

/// Seconds for a node `hops` from the root to join after it has got power; at least a second.
#[must_use]
pub fn join_delay_s(params: &MeshParams, hops: u16, draws: &mut Draws) -> f64 {
    let median = params.join_base_s + params.join_per_hop_s * f64::from(hops.saturating_sub(1));
    draws.lognormal(median, params.join_sigma).max(1.0)
}

#[cfg(test)]
mod tests;
