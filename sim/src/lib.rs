//! One event loop over a `bevy_ecs` World: a village's physics, people and towers around the production DCU.
//!
//! ```text
//!  Scenario + seed ─▶ exogenous timelines ─▶ kernel loop ─▶ records, KPIs, digests
//!                                            │
//!                     plant · feeders · meters · mesh · DCU · wide-area link · cloud · people
//! ```
//!
//! [`run::run`] is the whole of it for callers. One run simulates one or more architectures under one seed; each is a
//! world of its own, so they can run on threads without any effect on their digests.

pub mod cause;
pub mod drill;
pub mod kernel;
pub mod kpi;
pub mod reach;
pub mod records;
pub mod result;
pub mod run;
mod world;
