//! Exports: what happened, when, by which rule, for offices and machines.
//!
//! No published form of a regulator (Nigeria's NERC, members of AFUR) was found for single transactions; what their
//! mini-grid rules ask for is that charges can be traced to the approved tariff. So the form is ours, with that in it:
//! each line names the rule, and each line can be proven.
//!
//! - [`lines`]: JSON lines with hashes and a proof that they are exactly the entries of a stretch of the signed log.
//! - [`csv`]: the same as a table for people; compared with the lines, not proven by itself.
//! - [`event_store`]: appends to an event store (KurrentDB), safe to repeat.

pub mod csv;
pub mod event_store;
pub mod lines;
