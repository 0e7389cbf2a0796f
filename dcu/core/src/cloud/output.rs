//! How the cloud's side is set up, and what comes out of it.

use super::LeasePolicy;
use crate::{
    MeterIx,
    billing::{Answer, TariffRefusal},
    config::{Classes, Tariff, Traits},
    relay::{Refusal, Relay},
    uplink::{AlarmCode, DecodeError},
};

/// What the operator sets for the cloud's side of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudConfig {
    /// The architecture.
    pub traits: Traits,
    /// Prices.
    pub tariff: Tariff,
    /// Tariffs beside it, and who has them.
    pub classes: Classes,
    /// Offset of local civil time from UTC, for the day on which the daily fee falls.
    pub utc_offset_s: i32,
    /// An unacknowledged frame is sent again after this; doubles per repeat up to eightfold.
    pub resend_ms: u32,
    /// Frames sent and not yet acknowledged.
    pub window: usize,
    /// Minutes leased to the site, which sells tokens; `None`: none.
    pub leases: Option<LeasePolicy>,
}

impl CloudConfig {
    /// A working configuration for these traits and prices.
    #[must_use]
    pub fn new(traits: Traits, tariff: Tariff) -> Self {
        let classes = Classes::default();
        Self { traits, tariff, classes, utc_offset_s: 0, resend_ms: 30_000, window: 8, leases: None }
    }
}

/// What [`Cloud::poll_output`] answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloudOutput {
    /// Send this frame to the DCU.
    Downlink(Vec<u8>),
    /// Something happened.
    Event(CloudEvent),
    /// Nothing more now. Call [`Cloud::handle_timeout`] at this instant (ns), if nothing else happens before.
    Timeout(Option<u64>),
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloudEvent {
    /// The first reading of this meter for this period has arrived.
    ReadingStored {
        /// Which meter.
        meter: MeterIx,
        /// The period.
        period: u32,
        /// It came from the load profile.
        backfilled: bool,
    },
    /// A payment was credited here (credit kept in the cloud, or vended here for a keypad).
    Credited {
        /// Index of the account and of its meter.
        meter: MeterIx,
        /// The provider's key.
        key: String,
        /// Amount, minor units.
        amount_minor: i64,
        /// Balance after it, minor units.
        balance_minor: i64,
    },
    /// The DCU has credited a payment and told so.
    CreditedAtDcu {
        /// Index of the account and of its meter.
        meter: MeterIx,
        /// The provider's key.
        key: String,
        /// Amount, minor units.
        amount_minor: i64,
        /// Balance after it, minor units.
        balance_minor: i64,
    },
    /// The meter holds all credit up to this cumulative amount, minor units.
    CreditDelivered {
        /// Which meter.
        meter: MeterIx,
        /// Cumulative credit.
        total_minor: i64,
    },
    /// The account is unknown, here or at the DCU.
    Suspended {
        /// The provider's key.
        key: String,
    },
    /// The payment was known already.
    Duplicate {
        /// The provider's key.
        key: String,
    },
    /// What became of a correction, a refund or a loan at the DCU, which keeps the accounts.
    Amended(Answer),
    /// A receipt alone is not enough: the provider's word is waited for.
    Unproven {
        /// The key on the receipt.
        key: String,
    },
    /// The operator's new prices were refused; nothing was sent.
    TariffRefused(TariffRefusal),
    /// The same key came with another amount or account.
    Conflict {
        /// The provider's key.
        key: String,
    },
    /// An order was given.
    RelayDecided {
        /// Which meter.
        meter: MeterIx,
        /// To this state.
        relay: Relay,
        /// Its number.
        order: u64,
    },
    /// The site does not open a relay on this order as it stands; on newer data it is renewed or taken back.
    OrderRefused {
        /// Which meter.
        meter: MeterIx,
        /// Its number.
        order: u64,
        /// Why.
        why: Refusal,
        /// The data on which it rested, Unix ms.
        data_unix_ms: i64,
    },
    /// The meter's output state confirms the order.
    RelayConfirmed {
        /// Which meter.
        meter: MeterIx,
        /// In this state.
        relay: Relay,
        /// Its number.
        order: u64,
    },
    /// A meter told of its own accord that something has happened.
    MeterAlarm {
        /// Which meter.
        meter: MeterIx,
        /// What, as bits of [`taa_dlms::obis::alarm`].
        bits: u32,
    },
    /// The DCU raised an alarm.
    Alarm {
        /// Which meter, where it concerns one.
        meter: Option<MeterIx>,
        /// What.
        code: AlarmCode,
    },
    /// A signed checkpoint of the site's ledger is kept here from now on.
    Promised {
        /// Number of leaves.
        size: u64,
    },
    /// The site has signed a checkpoint that contradicts the one kept here.
    PromiseBroken {
        /// Leaves in the one kept.
        kept: u64,
        /// Leaves in the new one.
        size: u64,
    },
    /// The site has found itself behind what was kept here of its journal, and begins anew from there: records of it are
    /// lost that were durable once. Somebody has to set right what hung on them.
    SiteRolledBack {
        /// The last record known of before.
        kept: u64,
        /// The last record that there is.
        record: u64,
    },
    /// The site tells of a journal that is older than what is kept here, or of another one, and does not know it: a copy
    /// of its disk is at work. What is kept stays.
    StandingBehind {
        /// The last record known of.
        kept: u64,
        /// The last record that it tells of.
        record: u64,
    },
    /// Minutes were granted to the site.
    LeaseGranted {
        /// The lease's number.
        id: u64,
    },
    /// No minutes are left to be granted: the term or the places among the minutes are used up.
    NoMinutesLeft,
    /// One minute was used twice for one meter: two machines have this site's identity (a copied disk). One of the two
    /// tokens will be refused by the meter; somebody has paid for nothing.
    TwoMachines {
        /// Which meter.
        meter: MeterIx,
        /// Minutes since 1970-01-01 00:00 UTC.
        minute: i64,
    },
    /// The site has used a minute that it does not own.
    MinuteNotLeased {
        /// Which meter.
        meter: MeterIx,
        /// Minutes since 1970-01-01 00:00 UTC.
        minute: i64,
    },
    /// A frame of the DCU was refused.
    BadFrame(DecodeError),
}
