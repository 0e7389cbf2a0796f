//! Physics and behaviour of the village: pure functions and small state machines.
//!
//! Nothing here knows an event loop, a clock or a file. Time is an argument, chance comes from [`draw::Draws`], and a
//! parameter struct stands beside the model that uses it, with its unit, source and status in the field's doc:
//! *measured* (computed from raw data), *published* (read in a cited text), *assumed* (nobody has told us; change it).
//!
//! | module | answers |
//! |---|---|
//! | [`draw`] | one random number for (seed, replication, node, purpose, occasion) |
//! | [`sun`], [`weather`], [`pv`] | how much power the panels could give now |
//! | [`battery`], [`plant`] | whether the feeders have voltage |
//! | [`demand`] | when a customer switches what on and off |
//! | [`people`], [`payments`] | when and how they pay, and when they give up |
//! | [`cellular`] | when towers, bearers and the satellite link are down |
//! | [`assets`], [`repair`] | what breaks, and how long until it is mended |
//! | [`radio`], [`mesh`] | who hears whom, along which route, and whether a message arrives |
//! | [`plc`], [`lorawan`], [`medium`] | the same village over its own wires or a star of long range, and what each costs |
//!
//! Exogenous lives (`timeline`, `failures`) are functions of the seed alone, so two architectures under one seed meet
//! the same world.

pub mod assets;
pub mod battery;
pub mod cellular;
pub mod demand;
pub mod draw;
pub mod lorawan;
pub mod medium;
pub mod mesh;
pub mod param;
pub mod payments;
pub mod people;
pub mod plant;
pub mod plc;
pub mod pv;
pub mod radio;
pub mod repair;
pub mod spells;
pub mod sun;
pub mod weather;

pub use param::ParamError;
