//! The journal: everything that must not be forgotten, in order.
//!
//! State is a fold over the records ([`State::apply`]); recovery, audit and a mirror read the same journal and come to
//! the same state. The DCU itself changes its durable state through that fold alone, so recovery cannot drift away
//! from normal running.
//!
//! Records are numbered from 1 without gaps. [`crate::Output::Append`] hands one out; [`crate::Dcu::handle_durable`]
//! tells that all up to a number will survive a power loss. A record that was handed out and lost with the power is
//! as if it had never been: nothing that rests on it has left the DCU.
//!
//! [`Entry::Checkpoint`] carries the whole state; what lies before the last one may be thrown away.

pub mod blocks;
pub mod bytes;
mod counts;
pub mod crc;
#[cfg(test)]
mod drawn;
mod gaps;
mod lineage;
mod maps;
mod state;
mod urgency;

pub use gaps::Gaps;
pub use lineage::Lineage;
pub use maps::StoredMaps;
pub use state::{Applied, MeterState, State};
pub use urgency::Urgency;

use serde::{Deserialize, Serialize};
use std::sync::Arc;
use taa_ledger::Hash;

use crate::{
    MeterIx,
    billing::{AmendError, Amendment, Answer, Settled},
    campaign::{ImageOrder, ImageState},
    config::{Classes, Tariff},
    fetch::Fate,
    ids::Stamp,
    outage::OutageNote,
    payment::{Payment, PaymentId},
    reading::Reading,
    relay::{Basis, Refusal, Relay, RelayOrder},
    uplink::{AlarmCode, Lane},
    vending::Note,
};

/// One record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// From 1, without gaps.
    pub number: u64,
    /// When.
    pub stamp: Stamp,
    /// What.
    pub entry: Entry,
}

/// What a record says. Its bytes are a format ([`bytes`]): new variants go to the end, right before
/// [`Entry::Checkpoint`], which stays the last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Entry {
    /// The DCU started. The tariff is the one in force: the configured one in a new journal, later the journal's own,
    /// so a changed configuration file never reprices the past.
    Boot {
        /// Prices in force.
        tariff: Box<Tariff>,
    },
    /// A meter was read.
    Reading(Reading),
    /// The load profile was asked for periods `from..=to`; `found` are the rows it had (hours without power have
    /// none). The periods are settled either way.
    Backfilled {
        /// Which meter.
        meter: MeterIx,
        /// First period asked for.
        from: u32,
        /// Last period asked for.
        to: u32,
        /// The rows found.
        found: Vec<Reading>,
    },
    /// A payment came.
    Payment {
        /// The payment.
        payment: Payment,
        /// Taken at the DCU itself, so the cloud does not know it yet.
        local: bool,
    },
    /// An operator moved a payment out of suspense.
    Resolved {
        /// Provider and key of the payment.
        id: PaymentId,
        /// Index of the account.
        account: u32,
    },
    /// The fee is due up to this local day (days since 1970).
    DayFee {
        /// The day.
        day: i64,
    },
    /// The cloud ordered a relay.
    Ordered {
        /// The cloud's number.
        order: u64,
        /// Which meter.
        meter: MeterIx,
        /// To this state.
        relay: Relay,
    },
    /// A relay was seen in another state than recorded, or an order of the cloud was confirmed.
    RelaySeen {
        /// Which meter.
        meter: MeterIx,
        /// In this state.
        relay: Relay,
        /// The order that this confirms.
        order: Option<u64>,
    },
    /// The meter holds all credit up to this cumulative amount, minor units.
    CreditDelivered {
        /// Which meter.
        meter: MeterIx,
        /// Cumulative credit.
        total_minor: i64,
    },
    /// The cloud has these outbox entries.
    Acked {
        /// Which lane.
        lane: Lane,
        /// First entry.
        from: u64,
        /// The entry after the last.
        to: u64,
    },
    /// New prices: from now on, or announced for [`Tariff::from_unix_ms`].
    TariffChanged(Box<Tariff>),
    /// The tariff announced next is in force, from the instant that was announced.
    TariffStarted,
    /// A correction, a refund or a loan.
    Amended(Amendment),
    /// An account has subscribed so many watts; `None`: what the tariff says.
    Subscribed {
        /// Index of the account.
        account: u32,
        /// Watts.
        watts: Option<u32>,
    },
    /// A receipt ended without the provider's word under its own key: what it had added is taken back.
    ReceiptSettled {
        /// Provider and key on the receipt.
        id: PaymentId,
        /// How.
        how: Settled,
    },
    /// Payments are learnt to arrive so late, seconds; told when it changes by half or to the double.
    PaymentsLate {
        /// How late.
        late_s: u32,
    },
    /// Somebody should look.
    Alarm {
        /// Which meter, where it concerns one.
        meter: Option<MeterIx>,
        /// What.
        code: AlarmCode,
    },
    /// The system title under which this DCU speaks to meters with keys, as long as there is this journal: its counters
    /// belong to it.
    TitleTaken {
        /// The title.
        title: [u8; 8],
    },
    /// Invocation counters below the bound are ours for messages to this meter. Nothing is sent with one before this
    /// is durable; after a restart the first one used is the bound.
    CounterReserved {
        /// Which meter.
        meter: MeterIx,
        /// One past the last counter reserved.
        bound: u32,
    },
    /// The object list of a meter was read: what meters of this firmware show to the DCU.
    MapLearned {
        /// The active firmware id, as the meter tells it.
        firmware: Box<[u8]>,
        /// Compact form of the map.
        map: Arc<[u8]>,
    },
    /// A meter told of its own accord that something has happened.
    MeterAlarm {
        /// Which meter.
        meter: MeterIx,
        /// What, as bits of [`taa_dlms::obis::alarm`].
        bits: u32,
        /// Its messages before this are refused, also after a restart.
        floor: Option<Floor>,
    },
    /// The meter knows that these bits have been taken.
    AlarmConfirmed {
        /// Which meter.
        meter: MeterIx,
        /// Which bits.
        bits: u32,
        /// Its messages before this are refused, also after a restart.
        floor: Option<Floor>,
    },
    /// An image is to be brought to these meters: sorted, each once, never empty. The record carries the image itself.
    ImageOrdered(ImageOrder),
    /// A meter has got so far with the image.
    ImageAt {
        /// Which meter.
        meter: MeterIx,
        /// How far.
        state: ImageState,
    },
    /// The rest of the campaign was called off.
    ImageCancelled,
    /// This boot will ask the intake relay under this number.
    FetchSession {
        /// Random, never used before.
        session: u64,
    },
    /// Payments of the intake relay have been dealt with; each has a record of its own before this one.
    FetchMoved {
        /// Epoch of the relay that gave the numbers.
        epoch: u64,
        /// All payments up to this number.
        cursor: u64,
        /// The relay knows what became of those up to this number.
        told: u64,
        /// What became of them, by number.
        fates: Vec<(u64, Fate)>,
    },
    /// Tokens: leases, minutes used, what was made and what has become of it.
    Vending(Box<Note>),
    /// An order to a relay is about to leave: durable before it does.
    RelayOrdered(RelayOrder),
    /// An operator has looked at a mass disconnection, and lets it go on.
    OpeningsAllowed,
    /// A checkpoint of the ledger was signed: a promise, durable before anybody sees it.
    LedgerSigned {
        /// Number of leaves.
        size: u64,
        /// Root over them.
        root: Hash,
        /// The signed note.
        note: String,
    },
    /// Somebody has shown a checkpoint that this ledger has signed and does not know: records were lost that had been
    /// confirmed as durable, or an old copy of the disk was put back.
    PromiseBroken {
        /// Leaves that were promised.
        size: u64,
        /// Root over them.
        root: Hash,
        /// There are fewer leaves than promised; else the log has grown anew past them.
        rolled_back: bool,
    },
    /// Records may be missing that concern money, relays or keys: [`crate::Dcu::doubt_journal`].
    JournalDoubted {
        /// First number in doubt.
        from: u64,
        /// Last one, where anybody can say.
        to: Option<u64>,
    },
    /// An operator has set right what hung on the missing records.
    DoubtEnded,
    /// An amendment for which the cloud has asked was refused: the same answer for ever.
    AmendDeclined {
        /// What was asked for.
        amendment: Amendment,
        /// Why it was refused.
        error: AmendError,
    },
    /// An amendment was ordered here of an account that the cloud keeps.
    AmendAsked(Amendment),
    /// The cloud, which keeps the accounts, has told what became of an amendment.
    AmendTold(Answer),
    /// The tariffs of classes and who has them, as configured where the journal knew of none.
    ClassesSet(Box<Classes>),
    /// An account is under the tariff of this class from now on.
    Classed {
        /// Index of the account.
        account: u32,
        /// The class; empty: the site's own tariff.
        class: String,
        /// The cloud's number of this change; 0: ordered at the site.
        change: u64,
    },
    /// Outages: what has failed, who is dark, who is lit again.
    Outage(Box<OutageNote>),
    /// The cloud has shown in this boot what it knew of the journal. From here on it may be told how far it goes.
    Witnessed {
        /// How often the site has been found rolled back; higher than before where it just was.
        epoch: u32,
    },
    /// The cloud ordered a relay, and said on what that rests; or it renews an order on newer data.
    OrderDated {
        /// The cloud's number.
        order: u64,
        /// Which meter.
        meter: MeterIx,
        /// To this state.
        relay: Relay,
        /// What it rests on.
        basis: Basis,
    },
    /// The cloud's order to open was refused, as it stands: the cloud is told, and decides anew on newer data.
    OrderRefused {
        /// The cloud's number.
        order: u64,
        /// Which meter.
        meter: MeterIx,
        /// Why.
        why: Refusal,
    },
    /// The whole state after the record before this one.
    Checkpoint(Box<State>),
}

/// The lowest invocation counter that will be taken of a meter under its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Floor {
    /// The meter's system title.
    pub title: [u8; 8],
    /// The counter.
    pub counter: u32,
}
