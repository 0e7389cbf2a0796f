//! What customers switch on and off over a day, by class.
//!
//! ```text
//!   tables / [demand.class.NAME] ──▶ Kit ──┐
//!                                          ├──▶ Catalogue ──▶ day_switches(customer, day) ──▶ switches
//!   demand.profile (CSV) ────────▶ Profile ┘
//! ```
//!
//! [`day_switches`] lists the changes of one customer's power from one local midnight on. A day is a function of its
//! draws, so the caller keys the draws by (customer, day) and can make days in any order.
//!
//! Power is wanted whether or not the lights are on. The caller decides what becomes of a session that falls into
//! darkness; [`Switch::deferrable_mw`] says which part of it is made up for later ([`DeferralParams`]).
//!
//! **How near to reality.** `docs/demand.md` compares the classes with the RAMP village to which they are fitted and
//! with what was measured in Benin and Uganda; `cargo run -p taa-models --example demand_report` prints its figures.

pub mod appliance;
mod class;
mod day;
mod kit;
pub mod measure;
mod params;
mod profile;
pub mod tables;

pub use class::{Class, ClassName};
pub use day::{Switch, Today, day_switches};
pub use kit::{Catalogue, Kit, Source, Usage, mean_daily_wh, peak_w};
pub use params::{DeferralParams, DemandParams, OwnClass, month_day};
pub use profile::Profile;

#[cfg(test)]
mod tests;
