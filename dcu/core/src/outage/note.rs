//! What the journal says of outages.

use serde::{Deserialize, Serialize};

use crate::MeterIx;

use super::Unplaced;

/// What has failed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Place {
    /// A device, by its name in the network.
    Device(String),
    /// The service line of one meter, or what lies behind it.
    Service(MeterIx),
    /// It cannot be said.
    Unknown(Unplaced),
    /// A stretch of line with all its wires, by its name in the network: a pole is broken.
    Span(String),
}

impl Place {
    /// As people read it. `service` names the service of a meter.
    #[must_use]
    pub fn named(&self, service: impl FnOnce(MeterIx) -> String) -> String {
        match self {
            Self::Device(id) => id.clone(),
            Self::Service(meter) => service(*meter),
            Self::Unknown(why) => format!("unknown ({why})"),
            Self::Span(line) => format!("{line} (all wires)"),
        }
    }
}

/// What a judgement rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ground {
    /// At least one meter has said so itself.
    Gasps,
    /// A breaker has; no meter was heard.
    Feeder,
    /// Nothing but silence: it may be the radio.
    Silence,
}

impl Ground {
    /// In one word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gasps => "gasps",
            Self::Feeder => "feeder",
            Self::Silence => "silence",
        }
    }
}

/// A meter that counts as dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Which meter.
    pub meter: MeterIx,
    /// Number of its outage; 0 where it was not heard.
    pub event: u32,
    /// It was dark so long before the record, ms.
    pub ago_ms: u32,
}

impl Member {
    /// It has said so itself.
    #[must_use]
    pub const fn is_heard(&self) -> bool {
        self.event != 0
    }
}

/// How long a meter was dark, as is known once it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spell {
    /// Which meter.
    pub meter: MeterIx,
    /// Number of its outage; 0 where it has never told.
    pub event: u32,
    /// It went dark so long before the record, ms; `None`: as was said before.
    pub dark_ago_ms: Option<u32>,
    /// It was lit again so long before the record, ms.
    pub lit_ago_ms: u32,
}

/// How a ticket ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// All its meters are lit, each seen to be.
    Restored,
    /// An operator said that there was nothing.
    Cleared,
    /// All its meters answered: there was nothing.
    Withdrawn,
    /// Part of another one.
    Merged(u64),
}

impl Ending {
    /// In one word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Restored => "restored",
            Self::Cleared => "cleared",
            Self::Withdrawn => "withdrawn",
            Self::Merged(_) => "merged",
        }
    }
}

/// One step. A ticket's number is that of the record that opened it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum OutageNote {
    /// A fault was found: one notification, however many meters.
    Opened {
        /// Where.
        place: Place,
        /// How sure, per mille.
        confidence_pm: u16,
        /// On what ground.
        ground: Ground,
        /// Who is dark.
        members: Vec<Member>,
    },
    /// More meters of the same fault.
    Joined {
        /// Which ticket.
        ticket: u64,
        /// Who.
        members: Vec<Member>,
    },
    /// The fault lies elsewhere than was thought.
    Moved {
        /// Which ticket.
        ticket: u64,
        /// Where.
        place: Place,
        /// How sure, per mille.
        confidence_pm: u16,
        /// Who else is dark.
        members: Vec<Member>,
    },
    /// These answer and had never been heard to be dark: they were not.
    Withdrawn {
        /// Which ticket.
        ticket: u64,
        /// Who.
        meters: Vec<MeterIx>,
    },
    /// A meter is lit again, and has answered.
    Restored {
        /// Which ticket.
        ticket: u64,
        /// Which meter.
        meter: MeterIx,
        /// It was lit so long before the record, ms.
        ago_ms: u32,
    },
    /// The ticket is closed.
    Closed {
        /// Which one.
        ticket: u64,
        /// How it ended.
        how: Ending,
    },
    /// An outage that was over before it was judged, or of which only the end was heard.
    Brief {
        /// Which meter.
        meter: MeterIx,
        /// Number of its outage.
        event: u32,
    },
    /// What is known some minutes after members of a ticket came back, in place of what was said of them before. The ticket
    /// may be closed.
    Settled {
        /// Which ticket.
        ticket: u64,
        /// Who was dark, from when until when; also such as had been withdrawn.
        spells: Vec<Spell>,
        /// Who was lit all the time.
        never: Vec<MeterIx>,
        /// Who is a member of an older ticket as well for the same outage: it counts there.
        twice: Vec<MeterIx>,
    },
    /// An outage that no ticket knows of: only its end was heard. When it began is guessed: half way between the last
    /// answer and the first exchange that failed, or the end.
    Missed(Spell),
}

impl OutageNote {
    /// The ticket that it concerns, if it is that of record `number`; `number` itself where it concerns none.
    #[must_use]
    pub const fn ticket(&self, number: u64) -> u64 {
        match self {
            Self::Opened { .. } | Self::Brief { .. } | Self::Missed(_) => number,
            Self::Joined { ticket, .. }
            | Self::Moved { ticket, .. }
            | Self::Withdrawn { ticket, .. }
            | Self::Restored { ticket, .. }
            | Self::Closed { ticket, .. }
            | Self::Settled { ticket, .. } => *ticket,
        }
    }
}
