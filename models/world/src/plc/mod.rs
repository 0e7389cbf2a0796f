//! Narrow-band power line: G3-PLC (ITU-T G.9903) in CENELEC band A, 35.9–90.6 kHz, over the village's own wires.
//!
//! | file | answers |
//! |---|---|
//! | [`line`] | what cable, taps and low impedances take off a signal, by hour of the day; what noise it meets |
//! | [`phy`] | ROBO, DBPSK, DQPSK, D8PSK: time on the line, packet errors |
//! | [`loadng`] | routes found on demand by flooding (LOADng, G.9903 annex D) |
//!
//! It needs no licence and no antenna, and it dies with the feeder: a meter behind an open breaker or a broken wire is
//! silent, so a last gasp over it is worth little. **PRIME (ITU-T G.9904) is not modelled.**

pub mod line;
pub mod loadng;
pub mod phy;

pub use line::{Load, PlcParams, Run};
pub use phy::Modulation;
