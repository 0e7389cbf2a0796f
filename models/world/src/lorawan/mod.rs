//! LoRaWAN: every meter speaks straight to a gateway on the mast, slowly, and is hardly spoken to.
//!
//! | file | answers |
//! |---|---|
//! | [`airtime`] | how long a frame takes, how weak it may be, whether it survives noise |
//! | [`star`] | who is heard when all speak when they like, capture between spreading factors included |
//! | [`downlink`] | when a device listens (class A and C) and how many orders an hour fit the gateway's duty cycle |
//!
//! Figures for EU 863–870 MHz. Not here: class B, relays (TS011), frequency-hopping LR-FHSS, joining.

pub mod airtime;
pub mod downlink;
pub mod star;

pub use airtime::{Lora, SpreadingFactor};
pub use downlink::{Class, Windows};
pub use star::{Hearing, LorawanParams, Uplink, uplink_success};
