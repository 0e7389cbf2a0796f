//! Tokens sold at the site, told as stories: with a real decoder as the meter, a module that may be slow or gone, power
//! that is cut, and a cloud that leases minutes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

mod bad_input;
mod cache;
mod cuts;
mod devices;
mod found;
mod keys;
mod leases;
mod money;
mod site;
mod ways;
