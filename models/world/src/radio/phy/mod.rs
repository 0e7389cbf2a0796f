//! The physical layers of IEEE 802.15.4g (SUN) as Wi-SUN uses them: rates, time on the air, packet errors, sensitivity.
//!
//! [`Phy`] is a mode; [`Phy::per`] is exact and slow (microseconds to tens of them), [`PerTable`] is what the inner
//! loop asks: one table per mode and fading, shared by all links, bilinear in signal and length. [`Receiver`] decides
//! which of overlapping frames is caught and what each part of it had against it.
//!
//! Signal-to-noise ratio is taken in [`Phy::noise_bandwidth_hz`]: for FSK the symbol rate (so it *is* E/N₀ of a channel
//! bit), for OFDM the active tones.

mod capture;
pub mod coding;
mod modes;
mod table;

pub use capture::{CaptureParams, Heard, Receiver, Segment};
pub use modes::{FskMode, Mcs, OfdmOption, Phy, oqpsk_ber};
pub use table::PerTable;
