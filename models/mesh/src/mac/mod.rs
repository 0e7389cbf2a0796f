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

use serde::{Deserialize, Serialize};

/// An EUI-64 as it is written and read by people: most significant byte first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Eui64(pub [u8; 8]);

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

/// A stream of random words that is a function of its seed and of how many were drawn: it repeats to the bit.
///
/// Give every (node, purpose) a seed of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draws {
    seed: u64,
    drawn: u64,
}

impl Draws {
    /// A stream from its seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// The next word (the finaliser of SplitMix64 over seed and counter).
    pub fn word(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(1);
        let mut z = self.seed.wrapping_add(self.drawn.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A whole number below `bound`, evenly; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.word()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }
}
