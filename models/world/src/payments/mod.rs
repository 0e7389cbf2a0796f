//! The way of the money outside the site, part by part, each with its own faults.
//!
//! ```text
//!   phone ─USSD─▶ provider ─▶ aggregators ─▶ intake relay ─▶ cloud ─▶ backhaul ─▶ DCU
//!     ▲   agent ──▲                                  └─▶ a DCU that vends fetches ─▲
//!     └─────────── SMS with a number for the keypad ◀── whoever vends
//! ```
//!
//! Here are the parameters of each part, its outages as exogenous timelines, and the draws of one payment's luck. What
//! waits where, and why, is the simulator's business. A part that fails loses nothing that it has accepted: that
//! callbacks and text messages do get lost on the way is stated as shares.

mod agent;
mod aggregator;
mod intake;
mod keypad;
mod kits;
mod params;
mod peaks;
mod provider;
mod sms;
mod sts;
mod ussd;

pub use agent::{AgentParams, agent_open, agent_opens_in_s};
pub use aggregator::{AGGREGATORS_MAX, AggregatorParams};
pub use intake::IntakeParams;
pub use keypad::KeypadParams;
pub use kits::KitParams;
pub use params::PaymentParams;
pub use peaks::PeakParams;
pub use provider::{Callbacks, ProviderApi, accept_latency_ms, callbacks, cloud_timeline, provider_timeline};
pub use sms::SmsParams;
pub use sts::{StsParams, TablesText};
pub use ussd::{Dialled, UssdParams};

use crate::{
    draw::{NodeKey, Purpose},
    spells::{self, Spell},
};

const OUTAGE: Purpose = Purpose::named("payments/outage");

/// Between five minutes (shorter ones are retried unnoticed) and three days.
fn outages(node: NodeKey, gap_h: f64, median_h: f64, sigma: f64, seed: u64, rep: u32, horizon_ms: u64) -> Vec<Spell> {
    spells::renewal(seed, rep, node, OUTAGE, gap_h, horizon_ms, |draws| {
        (spells::bounded_lognormal(draws, median_h, sigma, 1.0 / 12.0, 72.0), ())
    })
    .into_iter()
    .map(|(spell, ())| spell)
    .collect()
}
