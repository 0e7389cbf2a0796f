//! IEEE 802.15.4 as Wi-SUN uses it: frames as bytes, hopping, access to the channel.
//!
//! | file | one idea |
//! |---|---|
//! | [`channels`] | which channels a plan has and which of them are allowed |
//! | [`hop`] | DH1CF: the channel of a slot |
//! | [`schedule`] | unicast and broadcast slots in time, and what is known of a neighbour's |
//! | [`frame`] | a frame's header, its information elements and payload, as bytes |
//! | [`ie`] | information elements: header, payload, nested |
//! | [`fcs`] | frame check sequences of 16 and 32 bits |
//! | [`security`] | CCM* over a frame |
//! | [`phy`] | symbol, backoff, acknowledgement and air times by PHY |
//! | [`csma`] | the unslotted CSMA-CA algorithm |
//! | [`engine`] | one node's MAC: queue, access, acknowledgement, retries, duplicates |
//! | [`etx`] | a neighbour's expected transmissions, from acknowledgements |
//! | [`pcapng`] | frames as a capture that Wireshark opens |
//!
//! Time is nanoseconds since some start that the driver chooses; chance comes from a seed handed in.

pub mod channels;
pub mod csma;
pub mod engine;
pub mod etx;
pub mod fcs;
pub mod frame;
pub mod hop;
pub mod ie;
pub mod pcapng;
pub mod phy;
pub mod schedule;
pub mod security;

pub use crate::Eui64;

impl Eui64 {
    /// From the order of a frame: least significant byte first.
    #[must_use]
    pub fn from_wire(mut bytes: [u8; 8]) -> Self {
        bytes.reverse();
        Self(bytes)
    }

    /// In the order of a frame.
    #[must_use]
    pub fn to_wire(self) -> [u8; 8] {
        let mut bytes = self.0;
        bytes.reverse();
        bytes
    }
}

impl std::fmt::Display for Eui64 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
