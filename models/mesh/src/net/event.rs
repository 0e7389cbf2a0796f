//! What comes out of the network, and what it counted.

use core::net::Ipv6Addr;

use serde::{Deserialize, Serialize};

use crate::mac::engine::Outcome;
use crate::wisun::join::State;

/// What a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Use {
    /// Payload of the layers above.
    Data,
    /// PAS, PA, PCS, PC.
    Discovery,
    /// Authentication, group keys, addresses.
    Joining,
    /// DIS and DIO.
    Dodag,
    /// DAO, DAO-ACK and routing errors.
    Routes,
    /// Measuring a link (neighbour solicitation and advertisement).
    Probe,
    /// Acknowledgements of the MAC.
    Acknowledgement,
    /// Messages for all, and what is said to repair them.
    Multicast,
}

impl Use {
    /// All of them, in the order of [`Totals::by_use`].
    pub const ALL: [Self; 8] = [
        Self::Data,
        Self::Discovery,
        Self::Joining,
        Self::Dodag,
        Self::Routes,
        Self::Probe,
        Self::Acknowledgement,
        Self::Multicast,
    ];
}

/// Why a message of the layers above went no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Why {
    /// The node is off, or lost power with the message in hand.
    PowerOff,
    /// No parent to send it to.
    NoParent,
    /// The root knows no route there.
    NoRoute,
    /// Never acknowledged, and there was no other way.
    NoAck,
    /// The channel was busy too often.
    ChannelBusy,
    /// Nothing known of where the next hop listens.
    NoSchedule,
    /// A full queue.
    QueueFull,
    /// Ranks out of order twice.
    Loop,
    /// Hop limit.
    HopLimit,
    /// Too long, or not for this mesh.
    Refused,
    /// A node on its way had no time on the air left.
    DutyCycle,
}

impl From<Outcome> for Why {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::ChannelBusy => Self::ChannelBusy,
            Outcome::NoSchedule => Self::NoSchedule,
            Outcome::Dropped => Self::QueueFull,
            Outcome::DutyCycle => Self::DutyCycle,
            Outcome::Sent | Outcome::NoAck => Self::NoAck,
        }
    }
}

/// Why a node that served does not any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Isolation {
    /// It lost power.
    PowerOff,
    /// Its last parent is gone.
    ParentLost,
    /// It heard nothing of the border router for the PAN timeout.
    PanTimeout,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A message is at its end.
    Delivered {
        /// The number that `send` gave.
        id: u64,
        /// Where.
        node: u32,
        /// Whose.
        source: Ipv6Addr,
        /// What.
        payload: Vec<u8>,
    },
    /// A message for all is at a node.
    Multicast {
        /// The number that `multicast` gave.
        id: u64,
        /// Where.
        node: u32,
        /// Whose.
        source: Ipv6Addr,
        /// What.
        payload: Vec<u8>,
    },
    /// A node has handed an urgent message to the next one.
    Handed {
        /// The number that `send` or `gasp` gave.
        id: u64,
        /// Who has.
        node: u32,
    },
    /// A message went no further.
    Dropped {
        /// The number that `send` gave.
        id: u64,
        /// Where.
        node: u32,
        /// Why.
        why: Why,
    },
    /// A node's join state.
    State {
        /// Which.
        node: u32,
        /// Its new state.
        state: State,
    },
    /// A node's preferred parent.
    Parent {
        /// Which.
        node: u32,
        /// Its new parent; none when it lost the last.
        parent: Option<u32>,
    },
    /// A node that served does not any more.
    Isolated {
        /// Which.
        node: u32,
        /// Why.
        why: Isolation,
    },
    /// A frame left the air. Only with `Config::trace`.
    Frame(Frame),
}

/// A frame that was on the air, as octets, whoever read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Octets {
    /// When its first bit was sent, nanoseconds.
    pub start_ns: u64,
    /// On which channel.
    pub channel: u16,
    /// The frame, check sequence included.
    pub octets: Vec<u8>,
}

/// A frame that was on the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// When its first bit was sent, nanoseconds.
    pub start_ns: u64,
    /// By whom.
    pub from: u32,
    /// For whom; none for all.
    pub to: Option<u32>,
    /// On which channel.
    pub channel: u16,
    /// How long, with check sequence.
    pub octets: u32,
    /// What for.
    pub of: Use,
}

/// What was counted since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Steps of the event loop.
    pub steps: u64,
    /// Frames and nanoseconds on the air by [`Use`].
    pub by_use: [(u64, u64); 8],
    /// Frames a receiver was tuned to.
    pub tuned: u64,
    /// Of these, lost to another frame.
    pub collided: u64,
    /// Of these, lost to noise.
    pub noise: u64,
    /// Messages of the layers above: handed in, delivered, dropped.
    pub messages: [u64; 3],
    /// By the rule of time on the air: how often a frame had to wait, was given up, an acknowledgement was not sent.
    pub duty: [u64; 3],
    /// Messages for all: handed in, and how often one reached a node.
    pub multicasts: [u64; 2],
    /// Packets that were cut to fragments, at every hop anew; of these, given up because one of them failed.
    pub cut: [u64; 2],
}

impl Totals {
    /// Frames on the air.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.by_use.iter().map(|(frames, _)| frames).sum()
    }
}
