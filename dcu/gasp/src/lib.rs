//! The outage packet: Power Down ("last gasp") and Power Up, one unfragmented frame, sealed with the meter's own key.
//!
//! A crate of its own, because the meter that sends it and the concentrator that judges it must agree on every bit, and
//! neither may know the other; `keys` knows no formats and `dlms` only those of DLMS/COSEM.
//!
//! ```text
//!   0        1             17      19        23      27           33      35    36     37          49
//!   ┌────────┬─────────────┬───────┬─────────┬───────┬────────────┬───────┬─────┬──────┬───────────┐
//!   │ver,kind│    GUID     │ epoch │ counter │ event │ time 32.16 │ V cap │ rms │flags │ GCM tag   │
//!   └────────┴─────────────┴───────┴─────────┴───────┴────────────┴───────┴─────┴──────┴───────────┘
//!    authenticated, in clear                  encrypted and authenticated                12 bytes
//! ```
//!
//! - The **key** is of this meter alone: SP 800-108 counter mode over AES-CMAC from a master key, with [`LABEL`] and the
//!   GUID as context ([`meter_key`]). A GUID is no secret: it stands on the meter, and in clear in the packet.
//! - The **event** number counts the outages of this meter within an epoch. It stays the same while the supply comes and
//!   goes without settling, so a reboot loop is one event.
//! - The **counter** differs in every packet ever sent under the key within an epoch: it makes the nonce. A meter reserves
//!   counters in its non-volatile memory before it uses them.
//! - The **epoch** is set when the meter is commissioned, and anew when either end has lost what it remembers.
//!
//! Arbitrary: no standard gives this format.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::arithmetic_side_effects
    )
)]

mod guid;
mod packet;
mod seal;

pub use guid::Guid;
pub use packet::{Header, Kind, PACKET_BYTES, Packet, PacketError, back_for};
pub use seal::{LABEL, Seal, meter_key};
