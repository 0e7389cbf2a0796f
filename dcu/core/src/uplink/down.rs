//! What the cloud sends down.

use super::{
    Standing, amend, standing, tariff,
    wire::{self, DecodeError},
};
use crate::{
    MeterIx,
    billing::{Amendment, Answer},
    config::Tariff,
    payment::Payment,
    relay::Basis,
    vending::LeaseNote,
};

/// A message from the cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Down {
    /// The frame with this number has arrived and is kept.
    Ack(u64),
    /// A payment that the intake holds for this site.
    Payment(Payment),
    /// Bring a relay to this state. Of two orders for one meter the higher number counts; of two with one number the one
    /// on newer data.
    RelayOrder {
        /// The cloud's number, rising from 1.
        order: u64,
        /// Which meter.
        meter: MeterIx,
        /// To this state.
        closed: bool,
        /// On what it rests. Without it (a cloud of before) nothing is opened.
        basis: Option<Basis>,
    },
    /// New prices, whole: from the moment the DCU records them, or from the instant that they name.
    TariffChange(Box<Tariff>),
    /// The newest checkpoint of this site's ledger that the cloud keeps.
    Witnessed {
        /// The note, at most [`super::NOTE_BYTES_MAX`] bytes.
        note: String,
    },
    /// The newest standing of this site's journal that the cloud keeps, where it keeps one: the answer to a DCU that asks.
    Standing(Option<Standing>),
    /// Minutes that belong to this site from now on.
    Lease(LeaseNote),
    /// Do this to an account that the DCU keeps. The same one again is harmless.
    Amend(Box<Amendment>),
    /// This account is under the tariff of this class from now on. Of two orders for one account the higher number counts.
    Classify {
        /// The cloud's number, rising from 1.
        change: u64,
        /// Index of the account.
        account: u32,
        /// The class; empty: the site's own tariff.
        class: String,
    },
    /// What became of an amendment at the cloud, which keeps the accounts.
    Amended(Box<Answer>),
}

/// A numbered message from the cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownFrame {
    /// Its number; 0 for an acknowledgement.
    pub sequence: u64,
    /// What it says.
    pub body: Down,
}

const ACK: u8 = 1;
const PAYMENT: u8 = 2;
const RELAY_ORDER: u8 = 3;
const TARIFF_CHANGE: u8 = 4;
/// As [`RELAY_ORDER`], with what it rests on.
const DATED_ORDER: u8 = 5;
const WITNESSED: u8 = 50;
const STANDING: u8 = 51;
const LEASE: u8 = 40;
const AMEND: u8 = 60;
const AMENDED: u8 = 61;
const CLASSIFY: u8 = 62;

impl DownFrame {
    /// Appends the frame to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let kind = match self.body {
            Down::Ack(_) => ACK,
            Down::Payment(_) => PAYMENT,
            Down::RelayOrder { basis: None, .. } => RELAY_ORDER,
            Down::RelayOrder { basis: Some(_), .. } => DATED_ORDER,
            Down::TariffChange(_) => TARIFF_CHANGE,
            Down::Witnessed { .. } => WITNESSED,
            Down::Standing(_) => STANDING,
            Down::Lease(_) => LEASE,
            Down::Amend(_) => AMEND,
            Down::Amended(_) => AMENDED,
            Down::Classify { .. } => CLASSIFY,
        };
        let start = wire::begin(out, kind, self.sequence);
        match &self.body {
            Down::Ack(sequence) => wire::put_u64(out, *sequence),
            Down::Payment(payment) => wire::put_payment(out, payment),
            Down::RelayOrder { order, meter, closed, basis } => {
                wire::put_u64(out, *order);
                wire::put_u64(out, u64::from(meter.0));
                out.push(u8::from(*closed));
                if let Some(Basis { data_unix_ms, decided_unix_ms }) = basis {
                    wire::put_i64(out, *data_unix_ms);
                    wire::put_i64(out, *decided_unix_ms);
                }
            }
            Down::Lease(LeaseNote { id, from, to, every, phase, holder }) => {
                wire::put_u64(out, *id);
                wire::put_i64(out, *from);
                wire::put_i64(out, *to);
                wire::put_u64(out, u64::from(*every));
                wire::put_u64(out, u64::from(*phase));
                wire::put_u64(out, u64::from_be_bytes(*holder));
            }
            Down::TariffChange(tariff) => tariff::put(out, tariff),
            Down::Witnessed { note } => wire::put_note(out, note),
            Down::Standing(standing) => {
                out.push(u8::from(standing.is_some()));
                if let Some(standing) = standing {
                    standing::put(out, standing);
                }
            }
            Down::Amend(amendment) => amend::put(out, amendment),
            Down::Amended(answer) => amend::put_answer(out, answer),
            Down::Classify { change, account, class } => {
                wire::put_u64(out, *change);
                wire::put_u64(out, u64::from(*account));
                wire::put_text(out, class);
            }
        }
        wire::finish(out, start);
    }

    /// Reads one whole frame.
    ///
    /// # Errors
    /// [`DecodeError`] when anything about the frame is wrong.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let (kind, mut from) = wire::open(frame)?;
        let sequence = from.u64("sequence")?;
        let body = match kind {
            ACK => Down::Ack(from.u64("acknowledged")?),
            PAYMENT => Down::Payment(from.payment()?),
            RELAY_ORDER | DATED_ORDER => Down::RelayOrder {
                order: from.u64("order")?,
                meter: MeterIx(from.u32("meter")?),
                closed: from.flag("closed")?,
                basis: match kind {
                    DATED_ORDER => {
                        let (data_unix_ms, decided_unix_ms) = (from.i64("data")?, from.i64("decided")?);
                        Some(Basis { data_unix_ms, decided_unix_ms })
                    }
                    _ => None,
                },
            },
            TARIFF_CHANGE => Down::TariffChange(Box::new(tariff::take(&mut from)?)),
            AMEND => Down::Amend(Box::new(amend::take(&mut from)?)),
            CLASSIFY => Down::Classify {
                change: from.u64("change")?,
                account: from.u32("account")?,
                class: from.text("class")?,
            },
            AMENDED => Down::Amended(Box::new(amend::take_answer(&mut from)?)),
            WITNESSED => Down::Witnessed { note: from.note()? },
            STANDING => Down::Standing(if from.flag("known")? { Some(standing::take(&mut from)?) } else { None }),
            LEASE => Down::Lease(LeaseNote {
                id: from.u64("lease")?,
                from: from.i64("from")?,
                to: from.i64("to")?,
                every: u16::try_from(from.u64("every")?).map_err(|_| DecodeError::Field("every"))?,
                phase: u16::try_from(from.u64("phase")?).map_err(|_| DecodeError::Field("phase"))?,
                holder: from.u64("holder")?.to_be_bytes(),
            }),
            other => return Err(DecodeError::Kind(other)),
        };
        from.end()?;
        Ok(Self { sequence, body })
    }
}
