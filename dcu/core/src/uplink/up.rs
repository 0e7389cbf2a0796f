//! What the DCU sends up.

use super::{
    Standing, amend, standing,
    wire::{self, DecodeError, Reader},
};
use crate::{
    MeterIx,
    billing::{Amendment, Answer},
    payment::Payment,
    reading::Reading,
    relay::Refusal,
};
use serde::{Deserialize, Serialize};

/// A message to the cloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Up {
    /// First after a boot, on a new link, and as a sign of life.
    Hello {
        /// Number of the boot.
        boot: u32,
        /// How many meters the DCU serves.
        meters: u32,
        /// [`crate::ids::fleet_digest`] over their names: relay orders by index are safe only when both ends agree.
        fleet_digest: u64,
        /// Readings and messages dropped for want of room since the journal began.
        dropped: u64,
    },
    /// Readings, live and back-filled.
    Readings(Vec<Reading>),
    /// A relay was seen in another state than before, or an order was confirmed.
    RelayState {
        /// Which meter.
        meter: MeterIx,
        /// Closed.
        closed: bool,
        /// The order that this confirms.
        order: Option<u64>,
        /// Live readings of this meter when it was seen: of two states the one with the higher number is newer.
        sequence: u32,
        /// When, Unix milliseconds (0: the clock was not set).
        unix_ms: i64,
    },
    /// A payment was credited to an account kept at the DCU.
    Credited {
        /// The provider's key.
        key: String,
        /// Index of the account (and its meter).
        account: u32,
        /// Amount, minor units.
        amount_minor: i64,
        /// Balance after it, minor units.
        balance_minor: i64,
        /// When, Unix milliseconds (0: the clock was not set).
        unix_ms: i64,
    },
    /// A payment taken at the DCU itself.
    PaymentSeen(Payment),
    /// A payment for an account that the DCU does not know.
    Suspended {
        /// The provider's key.
        key: String,
    },
    /// Somebody should look.
    Alarm {
        /// Which meter, where it concerns one.
        meter: Option<MeterIx>,
        /// What.
        code: AlarmCode,
        /// When, Unix milliseconds (0: the clock was not set).
        unix_ms: i64,
    },
    /// The frame with this number has arrived and is kept.
    Ack(u64),
    /// The meter holds all credit up to this cumulative amount.
    CreditDelivered {
        /// Which meter.
        meter: MeterIx,
        /// Cumulative credit, minor units.
        total_minor: i64,
    },
    /// A meter told of its own accord that something has happened.
    MeterAlarm {
        /// Which meter.
        meter: MeterIx,
        /// What, as bits of [`taa_dlms::obis::alarm`].
        bits: u32,
        /// When the DCU heard it, Unix milliseconds (0: the clock was not set).
        unix_ms: i64,
    },
    /// A signed checkpoint of the ledger, to be kept: it shows a log that is rolled back later.
    Promised {
        /// The note, at most [`super::NOTE_BYTES_MAX`] bytes.
        note: String,
    },
    /// The site's leased minutes end soon, or it has none.
    LeaseWanted {
        /// The system title of its journal: the lease is for this one alone.
        title: [u8; 8],
    },
    /// A minute was used up for a token: two reports of one minute that differ come from two machines.
    MinuteUsed {
        /// For which meter.
        meter: MeterIx,
        /// Minutes since 1970-01-01 00:00 UTC.
        minute: i64,
        /// [`crate::vending::use_digest`]: equal for the same report sent twice.
        digest: u64,
    },
    /// How far the journal goes. The cloud keeps the newest, and shows it to whoever asks.
    Standing {
        /// The DCU has started: what is known of its journal? Then this one is not to be kept.
        asks: bool,
        /// How far.
        standing: Standing,
    },
    /// Do this to an account that the cloud keeps. The same one again is harmless.
    Amend(Box<Amendment>),
    /// What became of an amendment at the DCU, which keeps the accounts: asked for by the cloud, or ordered at the site.
    Amended(Box<Answer>),
    /// The site does not open a relay on this order as it stands: it waits for one on newer data.
    OrderRefused {
        /// Which meter.
        meter: MeterIx,
        /// The cloud's number.
        order: u64,
        /// Why.
        why: Refusal,
        /// The time of the data on which the order rested, Unix ms.
        data_unix_ms: i64,
        /// When it was refused, Unix milliseconds (0: the clock was not set).
        unix_ms: i64,
    },
}

/// What an alarm is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum AlarmCode {
    /// The energy register went backward.
    RegisterBackward = 1,
    /// The meter at this address bears another name.
    WrongMeter = 2,
    /// The meter refused the association or a request.
    Refused = 3,
    /// The meter accepts relay orders and does not follow them.
    RelayStuck = 4,
    /// A payment key came twice with different content.
    PaymentConflict = 5,
    /// The clock leapt; daily fees were limited.
    ClockLeap = 6,
    /// The DCU is about to lose its supply.
    PowerFailing = 7,
    /// Keys, password or counters do not fit: the meter does not know us, or somebody else answers in its place.
    Security = 8,
    /// The meter lacks something that its architecture needs ([`crate::reading::Lack`] in the DCU's own event).
    Unsuitable = 9,
    /// The leased minutes end soon: without new ones no token can be sold.
    LeaseLow = 40,
    /// Credit is paid and no token can be sold for it.
    VendingStopped = 41,
    /// A meter refuses a token for good.
    TokenRefused = 42,
    /// Too many openings within an hour: they have been stopped.
    MassDisconnection = 50,
    /// One meter was given as many orders as are allowed within an hour.
    TooManyOrders = 51,
    /// The ledger does not hold what it has promised: the disk lost what it had confirmed, or an old copy was put back.
    LedgerRolledBack = 52,
    /// The journal has lost records that may concern money, relays or keys: the DCU neither cuts off nor sells tokens.
    JournalDamaged = 53,
    /// A fault of the network was found; the meter, where it is one service line.
    OutageFound = 60,
    /// It is over: all its meters have answered.
    OutageOver = 61,
    /// Meters are dark that nobody has placed in the network.
    OutageUnplaced = 62,
}

impl AlarmCode {
    const ALL: [Self; 19] = [
        Self::RegisterBackward,
        Self::WrongMeter,
        Self::Refused,
        Self::RelayStuck,
        Self::PaymentConflict,
        Self::ClockLeap,
        Self::PowerFailing,
        Self::Security,
        Self::Unsuitable,
        Self::LeaseLow,
        Self::VendingStopped,
        Self::TokenRefused,
        Self::MassDisconnection,
        Self::TooManyOrders,
        Self::LedgerRolledBack,
        Self::JournalDamaged,
        Self::OutageFound,
        Self::OutageOver,
        Self::OutageUnplaced,
    ];
}

/// A numbered message to the cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpFrame {
    /// Its number; 0 for an acknowledgement.
    pub sequence: u64,
    /// What it says.
    pub body: Up,
}

const HELLO: u8 = 1;
const READINGS: u8 = 2;
const RELAY_STATE: u8 = 3;
const CREDITED: u8 = 4;
const PAYMENT_SEEN: u8 = 5;
const SUSPENDED: u8 = 6;
const ALARM: u8 = 7;
const ACK: u8 = 8;
const CREDIT_DELIVERED: u8 = 9;
const METER_ALARM: u8 = 10;
const MINUTE_USED: u8 = 40;
const LEASE_WANTED: u8 = 41;
const PROMISED: u8 = 50;
const STANDING: u8 = 51;
const AMEND: u8 = 60;
const AMENDED: u8 = 61;
const ORDER_REFUSED: u8 = 70;

impl Up {
    /// Appends a frame with this number and this message to `out`.
    pub fn encode(&self, sequence: u64, out: &mut Vec<u8>) {
        if let Self::Readings(readings) = self {
            encode_readings(sequence, readings.iter(), usize::MAX, out);
            return;
        }
        let start = wire::begin(out, self.kind(), sequence);
        match self {
            Self::Hello { boot, meters, fleet_digest, dropped } => {
                wire::put_u64(out, u64::from(*boot));
                wire::put_u64(out, u64::from(*meters));
                wire::put_u64(out, *fleet_digest);
                wire::put_u64(out, *dropped);
            }
            Self::Readings(_) => {}
            Self::RelayState { meter, closed, order, sequence, unix_ms } => {
                wire::put_u64(out, u64::from(meter.0));
                out.push(u8::from(*closed));
                wire::put_u64(out, order.unwrap_or(0));
                wire::put_u64(out, u64::from(*sequence));
                wire::put_i64(out, *unix_ms);
            }
            Self::Credited { key, account, amount_minor, balance_minor, unix_ms } => {
                wire::put_text(out, key);
                wire::put_u64(out, u64::from(*account));
                wire::put_i64(out, *amount_minor);
                wire::put_i64(out, *balance_minor);
                wire::put_i64(out, *unix_ms);
            }
            Self::PaymentSeen(payment) => wire::put_payment(out, payment),
            Self::Suspended { key } => wire::put_text(out, key),
            Self::Alarm { meter, code, unix_ms } => {
                wire::put_u64(out, meter.map_or(0, |m| u64::from(m.0).saturating_add(1)));
                out.push(*code as u8);
                wire::put_i64(out, *unix_ms);
            }
            Self::Ack(acknowledged) => wire::put_u64(out, *acknowledged),
            Self::CreditDelivered { meter, total_minor } => {
                wire::put_u64(out, u64::from(meter.0));
                wire::put_i64(out, *total_minor);
            }
            Self::LeaseWanted { title } => wire::put_u64(out, u64::from_be_bytes(*title)),
            Self::MinuteUsed { meter, minute, digest } => {
                wire::put_u64(out, u64::from(meter.0));
                wire::put_i64(out, *minute);
                wire::put_u64(out, *digest);
            }
            Self::MeterAlarm { meter, bits, unix_ms } => {
                wire::put_u64(out, u64::from(meter.0));
                wire::put_u64(out, u64::from(*bits));
                wire::put_i64(out, *unix_ms);
            }
            Self::Promised { note } => wire::put_note(out, note),
            Self::Standing { asks, standing } => {
                out.push(u8::from(*asks));
                standing::put(out, standing);
            }
            Self::Amend(amendment) => amend::put(out, amendment),
            Self::Amended(answer) => amend::put_answer(out, answer),
            Self::OrderRefused { meter, order, why, data_unix_ms, unix_ms } => {
                wire::put_u64(out, u64::from(meter.0));
                wire::put_u64(out, *order);
                out.push(*why as u8);
                wire::put_i64(out, *data_unix_ms);
                wire::put_i64(out, *unix_ms);
            }
        }
        wire::finish(out, start);
    }

    const fn kind(&self) -> u8 {
        match self {
            Self::Hello { .. } => HELLO,
            Self::Readings(_) => READINGS,
            Self::RelayState { .. } => RELAY_STATE,
            Self::Credited { .. } => CREDITED,
            Self::PaymentSeen(_) => PAYMENT_SEEN,
            Self::Suspended { .. } => SUSPENDED,
            Self::Alarm { .. } => ALARM,
            Self::Ack(_) => ACK,
            Self::CreditDelivered { .. } => CREDIT_DELIVERED,
            Self::MeterAlarm { .. } => METER_ALARM,
            Self::MinuteUsed { .. } => MINUTE_USED,
            Self::LeaseWanted { .. } => LEASE_WANTED,
            Self::Promised { .. } => PROMISED,
            Self::Standing { .. } => STANDING,
            Self::Amend(_) => AMEND,
            Self::Amended(_) => AMENDED,
            Self::OrderRefused { .. } => ORDER_REFUSED,
        }
    }
}

impl UpFrame {
    /// Appends the frame to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.body.encode(self.sequence, out);
    }

    /// Reads one whole frame.
    ///
    /// # Errors
    /// [`DecodeError`] when anything about the frame is wrong.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let (kind, mut from) = wire::open(frame)?;
        let sequence = from.u64("sequence")?;
        let body = match kind {
            HELLO => Up::Hello {
                boot: from.u32("boot")?,
                meters: from.u32("meters")?,
                fleet_digest: from.u64("fleet_digest")?,
                dropped: from.u64("dropped")?,
            },
            READINGS => Up::Readings(decode_readings(&mut from)?),
            RELAY_STATE => Up::RelayState {
                meter: MeterIx(from.u32("meter")?),
                closed: from.flag("closed")?,
                order: Some(from.u64("order")?).filter(|order| *order > 0),
                sequence: from.u32("reading")?,
                unix_ms: from.i64("time")?,
            },
            CREDITED => Up::Credited {
                key: from.text("key")?,
                account: from.u32("account")?,
                amount_minor: from.i64("amount")?,
                balance_minor: from.i64("balance")?,
                unix_ms: from.i64("time")?,
            },
            PAYMENT_SEEN => Up::PaymentSeen(from.payment()?),
            SUSPENDED => Up::Suspended { key: from.text("key")? },
            ALARM => Up::Alarm {
                meter: from.u32("meter")?.checked_sub(1).map(MeterIx),
                code: alarm_code(from.u8()?)?,
                unix_ms: from.i64("time")?,
            },
            ACK => Up::Ack(from.u64("acknowledged")?),
            CREDIT_DELIVERED => {
                Up::CreditDelivered { meter: MeterIx(from.u32("meter")?), total_minor: from.i64("total")? }
            }
            METER_ALARM => Up::MeterAlarm {
                meter: MeterIx(from.u32("meter")?),
                bits: from.u32("bits")?,
                unix_ms: from.i64("time")?,
            },
            LEASE_WANTED => Up::LeaseWanted { title: from.u64("title")?.to_be_bytes() },
            MINUTE_USED => Up::MinuteUsed {
                meter: MeterIx(from.u32("meter")?),
                minute: from.i64("minute")?,
                digest: from.u64("digest")?,
            },
            AMEND => Up::Amend(Box::new(amend::take(&mut from)?)),
            AMENDED => Up::Amended(Box::new(amend::take_answer(&mut from)?)),
            PROMISED => Up::Promised { note: from.note()? },
            STANDING => Up::Standing { asks: from.flag("asks")?, standing: standing::take(&mut from)? },
            ORDER_REFUSED => Up::OrderRefused {
                meter: MeterIx(from.u32("meter")?),
                order: from.u64("order")?,
                why: refusal(from.u8()?)?,
                data_unix_ms: from.i64("data")?,
                unix_ms: from.i64("time")?,
            },
            other => return Err(DecodeError::Kind(other)),
        };
        from.end()?;
        Ok(Self { sequence, body })
    }
}

fn alarm_code(byte: u8) -> Result<AlarmCode, DecodeError> {
    AlarmCode::ALL.into_iter().find(|code| *code as u8 == byte).ok_or(DecodeError::Field("code"))
}

fn refusal(byte: u8) -> Result<Refusal, DecodeError> {
    Refusal::ALL.into_iter().find(|why| *why as u8 == byte).ok_or(DecodeError::Field("why"))
}

const RELAY_KNOWN: u8 = 1;
const RELAY_CLOSED: u8 = 2;
const CREDIT_KNOWN: u8 = 4;
/// Most bytes that one reading takes.
const READING_BYTES_MAX: usize = 46;
/// Fewest bytes that one reading takes.
const READING_BYTES_MIN: usize = 6;

/// Appends a frame of readings of at most `bytes_max` bytes; says how many found room (at least one, if there is one).
///
/// Period and time are written as differences from the reading before, so a batch of one hour costs about 11 bytes
/// each.
pub(super) fn encode_readings<'a>(
    sequence: u64,
    readings: impl Iterator<Item = &'a Reading>,
    bytes_max: usize,
    out: &mut Vec<u8>,
) -> usize {
    // The length field of the frame has 16 bits.
    let room = bytes_max.min(usize::from(u16::MAX)).saturating_sub(READING_BYTES_MAX);
    let start = wire::begin(out, READINGS, sequence);
    let mut count = 0_usize;
    let (mut period, mut at) = (0_i64, 0_i64);
    for reading in readings {
        let flags = match reading.relay_closed {
            None => 0,
            Some(false) => RELAY_KNOWN,
            Some(true) => RELAY_KNOWN | RELAY_CLOSED,
        } | if reading.credit_minor.is_some() { CREDIT_KNOWN } else { 0 };
        let (new_period, new_at) = (i64::from(reading.period), i64::from(reading.at_unix_s));
        wire::put_u64(out, u64::from(reading.meter.0));
        out.push(flags);
        wire::put_i64(out, new_period.saturating_sub(period));
        wire::put_i64(out, new_at.saturating_sub(at));
        wire::put_u64(out, u64::from(reading.sequence));
        wire::put_u64(out, reading.register_wh);
        if let Some(credit) = reading.credit_minor {
            wire::put_i64(out, credit);
        }
        (period, at) = (new_period, new_at);
        count = count.saturating_add(1);
        if out.len().saturating_sub(start) > room {
            break;
        }
    }
    wire::finish(out, start);
    count
}

fn decode_readings(from: &mut Reader<'_>) -> Result<Vec<Reading>, DecodeError> {
    let mut readings = Vec::with_capacity(from.left().div_euclid(READING_BYTES_MIN));
    let (mut period, mut at) = (0_i64, 0_i64);
    while from.left() > 0 {
        let meter = MeterIx(from.u32("meter")?);
        let flags = from.u8()?;
        if flags > (RELAY_KNOWN | RELAY_CLOSED | CREDIT_KNOWN) {
            return Err(DecodeError::Field("flags"));
        }
        period = period.checked_add(from.i64("period")?).ok_or(DecodeError::Field("period"))?;
        at = at.checked_add(from.i64("time")?).ok_or(DecodeError::Field("time"))?;
        readings.push(Reading {
            meter,
            period: u32::try_from(period).map_err(|_| DecodeError::Field("period"))?,
            at_unix_s: u32::try_from(at).map_err(|_| DecodeError::Field("time"))?,
            sequence: from.u32("sequence")?,
            register_wh: from.u64("register")?,
            relay_closed: (flags & RELAY_KNOWN != 0).then_some(flags & RELAY_CLOSED != 0),
            credit_minor: if flags & CREDIT_KNOWN != 0 { Some(from.i64("credit")?) } else { None },
        });
    }
    Ok(readings)
}
