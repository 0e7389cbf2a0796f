//! HDLC as IEC 62056-46 uses it: frames of format type 3, normal response mode, a client that speaks in turns with one
//! or several meters.
//!
//! ```text
//! client                       meter
//!   SNRM P ──────────────────▶        open, with limits proposed
//!          ◀────────────────── UA F   limits settled
//!   I00 P  ──────────────────▶        a message, in one or several segments
//!          ◀──── I01, I11, I21 F      the answer, up to a window of frames in a turn
//!   RR3 P  ──────────────────▶        the next ones
//!   DISC P ──────────────────▶
//!          ◀────────────────── UA F
//! ```
//!
//! One file an idea: [`Frame`] and its parts ([`Address`], [`Control`], [`check_sequence`]), the [`Decoder`] that finds
//! frames in a stream, [`Parameters`] of the opening, and the two stations: [`Primary`] and [`Secondary`].

mod address;
mod control;
mod decoder;
mod fcs;
mod frame;
pub mod llc;
mod parameters;
mod primary;
mod secondary;
#[cfg(test)]
mod tests;
mod window;

pub use address::{ALL_STATIONS, ALL_STATIONS_WIDE, Address, CALLING_DEVICE, CALLING_DEVICE_WIDE, MANAGEMENT_DEVICE};
pub use control::Control;
pub use decoder::Decoder;
pub use fcs::check_sequence;
pub use frame::{FLAG, Frame, FrameFault, INFORMATION_BYTES_MAX, LENGTH_MAX};
pub use parameters::Parameters;
pub(crate) use primary::Notice;
pub use primary::{LinkDown, LinkEvent, Primary, PrimaryConfig};
pub use secondary::{Secondary, SecondaryConfig, StationEvent};
