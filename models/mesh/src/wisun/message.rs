//! What nodes say to each other while a network forms, and how many octets that is.

use serde::{Deserialize, Serialize};

use super::exchange::{self, Exchange};
use super::ie::Pan;
use super::keys::Hashes;
use crate::mac::Eui64;

/// Where a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum To {
    /// All who listen anywhere: once on every channel.
    Everywhere,
    /// One neighbour, directly.
    Neighbour(Eui64),
    /// The border router, through the mesh.
    Root,
    /// A router, from the border router, through the mesh.
    Router(Eui64),
}

/// Which keys a joining node says it still has; the border router knows whether they are true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Holds {
    /// A pairwise master key.
    pub pmk: bool,
    /// A pairwise transient key.
    pub ptk: bool,
}

/// A message of authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Eapol {
    /// Who joins.
    pub supplicant: Eui64,
    /// Which exchange.
    pub exchange: Exchange,
    /// Which of its messages.
    pub step: u8,
    /// With the key request: what the node still has.
    pub holds: Holds,
    /// With the grant: the group keys.
    pub granted: Option<Hashes>,
}

/// A message of discovery or joining. `network` is the driver's number for a network name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// Who is there?
    Pas {
        /// The network sought.
        network: u32,
    },
    /// Here is a PAN.
    Pa {
        /// The network.
        network: u32,
        /// The PAN.
        pan_id: u16,
        /// What is told of it.
        pan: Pan,
    },
    /// How is the PAN configured?
    Pcs {
        /// The network.
        network: u32,
        /// The PAN.
        pan_id: u16,
    },
    /// So it is configured.
    Pc {
        /// The PAN.
        pan_id: u16,
        /// The version of the configuration.
        version: u16,
        /// The group keys.
        keys: Hashes,
    },
    /// Authentication.
    Eapol(Eapol),
    /// An address is asked for (DHCPv6 Solicit with rapid commit).
    AddressRequest {
        /// By whom.
        client: Eui64,
    },
    /// An address is given.
    AddressReply {
        /// To whom.
        client: Eui64,
    },
}

impl Message {
    /// Octets of the frame with check sequence, one hop, as recorded from real nodes (`tests/exchange.rs`): name of six
    /// letters, one plan, nothing excluded. Relayed messages grow with every hop's routing header, which is the driver's.
    #[must_use]
    pub fn octets(&self, to: To) -> u32 {
        match self {
            Self::Pas { .. } => 37 + 4,
            Self::Pa { .. } => 51 + 4,
            Self::Pcs { .. } => 39 + 4,
            Self::Pc { .. } => 127 + 4,
            Self::Eapol(eapol) => {
                let step = eapol.exchange.step(eapol.step);
                let around = match (to, step.is_some_and(|step| step.up)) {
                    (To::Root | To::Router(_), _) => exchange::AROUND_RELAYED,
                    (_, true) => exchange::AROUND_UP,
                    (_, false) => exchange::AROUND_DOWN,
                };
                step.map_or(0, |step| step.octets) + around
            }
            Self::AddressRequest { .. } => 124 + 4,
            Self::AddressReply { .. } => 162 + 4,
        }
    }
}
