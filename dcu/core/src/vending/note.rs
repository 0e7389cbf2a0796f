//! What the journal says of sales.

use serde::{Deserialize, Serialize};
use taa_tokens::sts::vend::Lease;

use super::{Ask, KeyNote, PaygIx, PaygToken, Said, Seen, Source, VendId, Void};
use crate::{
    MeterIx,
    config::Way,
    gateway::{TokenDigits, TokenFate},
};

/// A lease, as the journal and the uplink know it: plain numbers of [`Lease`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LeaseNote {
    /// Number in the lessor's book.
    pub id: u64,
    /// First minute, from 1970-01-01 00:00 UTC.
    pub from: i64,
    /// First minute after it.
    pub to: i64,
    /// Every how-manieth.
    pub every: u16,
    /// Which of them.
    pub phase: u16,
    /// The journal that it was granted to, by the system title that it has drawn. A site whose journal is lost does not
    /// know which minutes it has used; it draws another title, and takes none of its old leases.
    pub holder: [u8; 8],
}

impl LeaseNote {
    /// Granted to this journal.
    #[must_use]
    pub const fn new(Lease { id, from, to, every, phase }: Lease, holder: [u8; 8]) -> Self {
        Self { id, from, to, every, phase, holder }
    }
}

impl From<LeaseNote> for Lease {
    fn from(LeaseNote { id, from, to, every, phase, .. }: LeaseNote) -> Self {
        Self { id, from, to, every, phase }
    }
}

/// An entry of the journal about sales ([`crate::journal::Entry::Vending`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Note {
    /// These minutes belong to this site.
    LeaseGranted(LeaseNote),
    /// A sale has begun: the minute is used up for this meter, and the worth is taken from what is due. The module is
    /// asked once this is durable.
    MinuteUsed {
        /// Its number.
        id: VendId,
        /// For which meter.
        meter: MeterIx,
        /// Who pays.
        source: Source,
        /// What was asked for, where somebody outside did.
        asked: Option<Ask>,
        /// What its token says.
        said: Said,
        /// Minute of issue; 0 for a key change.
        minute: i64,
        /// Random bits.
        random: u8,
        /// What it is worth, 1/100000 of the currency's unit.
        worth_u: i64,
    },
    /// The module has made the token, or the set of a key change. It leaves once this is durable.
    TokenIssued {
        /// Which sale.
        id: VendId,
        /// The token; of a key change, all in order.
        tokens: Vec<TokenDigits>,
    },
    /// It goes this way now.
    TokenSent {
        /// Which sale.
        id: VendId,
        /// The way.
        way: Way,
    },
    /// The port that carries it has taken it.
    TokenHanded {
        /// Which sale.
        id: VendId,
    },
    /// The meter has taken the token, or the next one of a key change.
    TokenEntered {
        /// Which sale.
        id: VendId,
        /// How that is known.
        seen: Seen,
        /// The whole set, where the sale is one.
        whole: bool,
    },
    /// The meter refuses it for good.
    TokenRefused {
        /// Which sale.
        id: VendId,
        /// What it said.
        status: TokenFate,
    },
    /// No token of it can count: its worth is due again.
    Voided {
        /// Which sale.
        id: VendId,
        /// Why.
        why: Void,
    },
    /// A token of the cache was sold.
    CacheSold {
        /// Which.
        id: VendId,
        /// Who pays.
        source: Source,
    },
    /// A token for an OpenPAYGO device; its count is used up.
    PaygIssued(PaygToken),
    /// It has gone this way, or was seen to be entered.
    PaygSettled {
        /// Which device.
        device: PaygIx,
        /// Counts up to this are settled.
        count: u32,
    },
    /// A signed report of a device was taken: older ones are replays.
    PaygSeen {
        /// Which device.
        device: PaygIx,
        /// Its number.
        request_count: Option<i64>,
        /// Its time, Unix seconds.
        timestamp: Option<i64>,
    },
    /// The key that the meter holds, found otherwise than by a key change of ours.
    KeyFound {
        /// Which meter.
        meter: MeterIx,
        /// Which key.
        key: KeyNote,
    },
}
