//! The interface classes through real messages: our client, our server, the model of a meter behind it.
#![allow(unreachable_pub, reason = "modules of one test")]

mod faults;
mod image;
mod map;
mod meter;
mod profile;
mod robust;
mod tables;
mod wire;
