//! What comes out of the DCU.

use taa_dlms::cosem::image::ImageError;
use taa_ledger::Checkpoint;
use taa_tokens::sts::{Content, vend::MeterKey};

use crate::{
    MeterIx,
    billing::{Amendable, ClassRefusal, Settled, TariffRefusal, TariffStart, Timing},
    config::Way,
    fetch::FetchFault,
    gateway::{TokenDigits, TokenReply},
    journal::Record,
    ledger::Leaf,
    outage::{Ending, Place},
    payment::{PaymentError, PaymentId},
    reading::Lack,
    relay::{Held, Reason, Refusal, Relay},
    uplink::AlarmCode,
    vending::{Fate, KeyRefusal, PaygIx, PaygRefusal, PaygToken, VendId, VendRefusal},
};

/// What [`crate::Dcu::poll_output`] answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send these bytes (one wrapper frame) to the meter. [`crate::Dcu::recycle`] takes the buffer back.
    Transmit {
        /// Which meter.
        meter: MeterIx,
        /// The frame.
        bytes: Vec<u8>,
    },
    /// Send this frame to the cloud. [`crate::Dcu::recycle`] takes the buffer back.
    Uplink(Vec<u8>),
    /// Send this question to the hosted intake relay.
    Fetch(Vec<u8>),
    /// Append this record to the journal, then call [`crate::Dcu::handle_durable`].
    Append(Record),
    /// Store this leaf of the ledger, in the same transaction as the record before it.
    Leaf(Leaf),
    /// Sign this checkpoint with the ledger's key, then call [`crate::Dcu::handle_signed`]. All its leaves are durable.
    Sign(Checkpoint),
    /// Have this sealed by the module that holds the vending keys, and answer by [`crate::Dcu::handle_key`]. Asked again
    /// with the same content when no answer comes.
    KeyRequest {
        /// The sale.
        id: VendId,
        /// The meter's key.
        meter_key: MeterKey,
        /// What the token is to say.
        content: Content,
    },
    /// Have the tokens of this key change made, and answer by [`crate::Dcu::handle_key_change`].
    KeyChangeRequest {
        /// The sale.
        id: VendId,
        /// The key that the meter holds.
        from: MeterKey,
        /// The key that it is to hold.
        to: MeterKey,
    },
    /// Something for the operator's log, the agent's receipt, the simulator.
    Event(DcuEvent),
    /// Nothing more now. Call [`crate::Dcu::handle_timeout`] at this instant (ns), if nothing else happens before.
    Timeout(Option<u64>),
}

/// State of the wide-area link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkState {
    /// Frames pass.
    Up,
    /// Frames do not pass.
    Down,
}

/// What happened, for people and for the simulator.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DcuEvent {
    /// A reading was stored.
    ReadingStored {
        /// Which meter.
        meter: MeterIx,
        /// Its period.
        period: u32,
        /// It came from the load profile.
        backfilled: bool,
    },
    /// The period ended without a reading; back-fill will be tried.
    ReadingMissed {
        /// Which meter.
        meter: MeterIx,
        /// The period.
        period: u32,
    },
    /// A receipt: the payment is credited and the record of it is durable.
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
    /// Credited on a receipt alone, which the provider has not confirmed: it may be taken back.
    CreditedAhead {
        /// Index of the account and of its meter.
        meter: MeterIx,
        /// The key on the receipt.
        key: String,
        /// Amount, minor units.
        amount_minor: i64,
        /// Balance after it, minor units.
        balance_minor: i64,
    },
    /// A receipt alone is not enough here: nothing was credited, the provider's word is waited for.
    Unproven {
        /// The key on the receipt.
        key: String,
    },
    /// What a receipt had added was taken back.
    TakenBack {
        /// Index of the account and of its meter.
        meter: MeterIx,
        /// The receipt.
        id: PaymentId,
        /// So much, minor units.
        amount_minor: i64,
        /// Why.
        how: Settled,
    },
    /// The provider's clock cannot be right: the payment counts as of its arrival.
    PaymentClock {
        /// The provider's key.
        key: String,
        /// What is wrong with it.
        timing: Timing,
    },
    /// What became of a correction, a refund or a loan, here or at the cloud that keeps the accounts.
    Amended {
        /// Its id.
        id: String,
        /// What became of it.
        outcome: Amendable,
    },
    /// An account is under the tariff of this class; empty: the site's own.
    Classed {
        /// Index of the account.
        account: MeterIx,
        /// Its class.
        class: String,
    },
    /// The cloud has ordered a class for an account that cannot have it.
    ClassRefused {
        /// Index of the account.
        account: MeterIx,
        /// Why.
        refusal: ClassRefusal,
    },
    /// New prices are taken.
    TariffTaken {
        /// Their version.
        version: u32,
        /// From when they are in force.
        start: TariffStart,
    },
    /// Prices announced before are in force.
    TariffStarted {
        /// Their version.
        version: u32,
    },
    /// New prices were refused; the old ones stay.
    TariffRefused(TariffRefusal),
    /// Payments are learnt to arrive so late, seconds: nobody is cut off for debt younger than that. 0: in time again.
    PaymentsLate {
        /// How late.
        late_s: u32,
    },
    /// The payment is recorded for the cloud to credit (credit is kept there).
    Forwarded {
        /// The provider's key.
        key: String,
    },
    /// The account is unknown; the money is in suspense.
    Suspended {
        /// The provider's key.
        key: String,
    },
    /// The payment was known already.
    Duplicate {
        /// The provider's key.
        key: String,
    },
    /// The same key came with another amount or account.
    Conflict {
        /// The provider's key.
        key: String,
    },
    /// A payment from the cloud was not one.
    PaymentRefused {
        /// The provider's key.
        key: String,
        /// Why.
        error: PaymentError,
    },
    /// The meter holds all credit up to this cumulative amount (credit kept in the meter).
    CreditDelivered {
        /// Which meter.
        meter: MeterIx,
        /// Cumulative credit, minor units.
        total_minor: i64,
    },
    /// The party that decides wants another relay state than before.
    RelayDecided {
        /// Which meter.
        meter: MeterIx,
        /// To this state.
        relay: Relay,
        /// Why.
        reason: Reason,
    },
    /// An order was sent to the meter (once per attempt).
    RelayOrdered {
        /// Which meter.
        meter: MeterIx,
        /// To this state.
        relay: Relay,
        /// Why.
        reason: Reason,
    },
    /// The output state confirms the order.
    RelayConfirmed {
        /// Which meter.
        meter: MeterIx,
        /// In this state.
        relay: Relay,
        /// Why it was ordered.
        reason: Reason,
    },
    /// An order waits: it may not leave now. Told once per reason.
    OrderHeld {
        /// Which meter.
        meter: MeterIx,
        /// To this state.
        relay: Relay,
        /// Why it waits.
        why: Held,
    },
    /// The cloud's order to open was refused as it stands, and the record of that is durable: it is told.
    OrderRefused {
        /// Which meter.
        meter: MeterIx,
        /// The cloud's number.
        order: u64,
        /// Why.
        why: Refusal,
    },
    /// Too many openings within an hour: openings have stopped.
    OpeningsStopped,
    /// A checkpoint of the ledger is signed, and the record of it is durable.
    LedgerSigned {
        /// Number of leaves.
        size: u64,
    },
    /// The ledger does not hold what it has promised; the record of this is durable.
    PromiseBroken {
        /// Leaves that were promised.
        promised: u64,
        /// Leaves that there are.
        size: u64,
        /// There are fewer than promised; else the log has grown anew past them.
        rolled_back: bool,
    },
    /// The cloud knows of records that the journal does not hold: the disk has lost what it had confirmed, or an old copy
    /// was put back. The DCU is in doubt from now on, and the record of that is durable.
    RolledBack {
        /// The last record that the cloud knows of; `None` where only a promise of the ledger shows it.
        witnessed: Option<u64>,
        /// The last one that there was when the cloud had last been heard, or at the start after.
        found: u64,
        /// Counters of the lost journal may be in use: **drop this DCU and recover it anew**. No meter is spoken to until
        /// then.
        restart: bool,
    },
    /// The relay was seen in another state than recorded, without an order of ours.
    RelayFound {
        /// Which meter.
        meter: MeterIx,
        /// In this state.
        relay: Relay,
    },
    /// The meter did not answer, or answered with an error.
    ExchangeFailed {
        /// Which meter.
        meter: MeterIx,
        /// Failures in a row.
        failures: u32,
    },
    /// The meter answers again after failures.
    MeterAnswers {
        /// Which meter.
        meter: MeterIx,
    },
    /// Back-fill settled these periods.
    Backfilled {
        /// Which meter.
        meter: MeterIx,
        /// First period.
        from: u32,
        /// Last period.
        to: u32,
        /// Rows found.
        found: u32,
    },
    /// A meter has got so far with the image; told in coarse steps.
    ImageProgress {
        /// Which meter.
        meter: MeterIx,
        /// Blocks in the meter.
        blocks_done: u32,
        /// All blocks.
        blocks: u32,
    },
    /// The meter has activated the image, and the record of it is durable.
    ImageActivated {
        /// Which meter.
        meter: MeterIx,
    },
    /// The image was given up for this meter.
    ImageFailed {
        /// Which meter.
        meter: MeterIx,
        /// Why, at the last attempt.
        error: ImageError,
    },
    /// Balances can no longer be confirmed (true), or can again (false).
    LinkStale(bool),
    /// Somebody should look.
    Alarm {
        /// Which meter, where it concerns one.
        meter: Option<MeterIx>,
        /// What.
        code: AlarmCode,
    },
    /// A meter told of its own accord that something has happened; the record of it is durable.
    MeterAlarm {
        /// Which meter.
        meter: MeterIx,
        /// What, as bits of [`taa_dlms::obis::alarm`].
        bits: u32,
    },
    /// The meter lacks something that the architecture needs; told with the alarm.
    MeterUnsuitable {
        /// Which meter.
        meter: MeterIx,
        /// What it lacks.
        lacks: Lack,
    },
    /// The object list of a meter was read, because nobody of its firmware was known.
    MapRead {
        /// Which meter.
        meter: MeterIx,
        /// How many objects.
        objects: u32,
    },
    /// A token leaves, its record is durable: by text, on paper, to the phone by the meter. The port that carries it tells by
    /// [`crate::Dcu::handle_delivery`] what became of it. After a restart it may be told again: same digits, counted once.
    TokenIssued {
        /// Which meter.
        meter: MeterIx,
        /// The sale.
        id: VendId,
        /// The digits.
        token: TokenDigits,
        /// Tokens of a key change, to be entered before it in this order.
        first: Vec<TokenDigits>,
        /// What the meter will credit, minor units (rounded down).
        worth_minor: i64,
        /// The way.
        way: Way,
    },
    /// The tokens of a key change leave, to be entered in this order, after all older tokens.
    KeyChangeIssued {
        /// Which meter.
        meter: MeterIx,
        /// The sale.
        id: VendId,
        /// The set.
        tokens: Vec<TokenDigits>,
        /// The way.
        way: Way,
    },
    /// A sale has come to its end.
    TokenSettled {
        /// Which meter.
        meter: MeterIx,
        /// The sale.
        id: VendId,
        /// How.
        fate: Fate,
    },
    /// After a key change these tokens cannot be entered any more; nobody has seen whether they were before.
    TokensOrphaned {
        /// Which meter.
        meter: MeterIx,
        /// The sales.
        ids: Vec<VendId>,
    },
    /// Credit is paid and cannot be sold; it stays in the account and is tried again.
    VendRefused {
        /// Which meter.
        meter: MeterIx,
        /// Why.
        refusal: VendRefusal,
    },
    /// The module made no token.
    KeyRefused {
        /// Which meter.
        meter: MeterIx,
        /// The sale, void now.
        id: VendId,
        /// Why.
        refusal: KeyRefusal,
    },
    /// A token for an OpenPAYGO device leaves; its count is durable.
    PaygIssued {
        /// Which device.
        device: PaygIx,
        /// The token.
        token: PaygToken,
        /// The way.
        way: Way,
    },
    /// A device is at a count that it had already left behind: used tokens may count again there (a sync typed twice, a
    /// device put back). Somebody should look.
    PaygFellBack {
        /// Which device.
        device: PaygIx,
        /// Where it is.
        count: u32,
        /// The count of the last token that was made for it.
        vendor_count: u32,
    },
    /// Minutes came that were granted to another journal (this site's, before its disk was lost, or a stranger's): they are
    /// not used.
    LeaseRefused {
        /// The lease's number.
        id: u64,
    },
    /// A device gets no token for what was paid.
    PaygRefused {
        /// Which device.
        device: PaygIx,
        /// Why.
        error: PaygRefusal,
    },
    /// The meter has said what became of a token entered through its gateway, or it has none.
    TokenAnswered {
        /// Which meter.
        meter: MeterIx,
        /// Its answer.
        answer: Result<TokenReply, Lack>,
    },
    /// A fault of the network was found, and its record is durable: one notification for all meters behind it.
    OutageFound {
        /// Number of the ticket.
        ticket: u64,
        /// Where.
        place: Place,
        /// How sure, per mille.
        confidence_pm: u16,
        /// Meters that count as dark.
        members: u32,
        /// Of these, heard to say so.
        heard: u32,
    },
    /// The fault lies elsewhere than was told.
    OutageMoved {
        /// Number of the ticket.
        ticket: u64,
        /// Where.
        place: Place,
        /// How sure, per mille.
        confidence_pm: u16,
    },
    /// A meter of a ticket is lit again, and has answered.
    OutageRestored {
        /// Number of the ticket.
        ticket: u64,
        /// Which meter.
        meter: MeterIx,
    },
    /// A ticket was closed.
    OutageClosed {
        /// Its number.
        ticket: u64,
        /// How it ended.
        how: Ending,
    },
    /// 0x092: the clock of a meter that reported an outage is outside the window; its report counts all the same.
    MeterClockOff {
        /// Which meter.
        meter: MeterIx,
        /// By how much, ms.
        off_ms: u64,
    },
    /// The last gasp of a meter was found switched off (a firmware update does that) and is switched on again.
    GaspArmed {
        /// Which meter.
        meter: MeterIx,
    },
    /// The outage logic of a meter was tried out, and its packet has arrived.
    OutageTested {
        /// Which meter.
        meter: MeterIx,
    },
    /// A frame from the cloud was refused.
    BadFrame,
    /// The intake relay has answered.
    Fetched {
        /// Payments that were new; each has an event of its own.
        payments: u32,
        /// It holds more.
        more: bool,
    },
    /// A question to the intake relay brought nothing.
    FetchFailed(FetchFault),
}
