//! The ledger's promises: a checkpoint is signed once a day and on demand, goes up to be kept, and is compared with what
//! the cloud has kept when the DCU starts.
//!
//! ```text
//!  new day, or an operator ─▶ all leaves durable ─▶ Output::Sign ─▶ handle_signed ─▶ LedgerSigned, durable ─▶ up
//!  boot: Hello ─▶ Down::Witnessed ─▶ not among our promises? ─▶ PromiseBroken: leaf, alarm, event; in doubt
//! ```
//!
//! Money that the lost records held is not made up: the event names how much of the log is gone, the intake delivers again
//! what was never acknowledged to it, and a person compares the rest with the checkpoint's files.

use std::collections::VecDeque;

use taa_ledger::{Checkpoint, note::Verifier};

use super::{
    Dcu,
    output::{DcuEvent, Output},
};
use crate::{
    journal::Entry,
    ledger::{Promised, Witnessed},
    uplink::{AlarmCode, NOTE_BYTES_MAX},
};

const DAY_MS: i64 = 86_400_000;
/// Checkpoints asked for and not answered; older ones are forgotten.
const ASKED_MAX: usize = 4;

/// What is under way.
#[derive(Debug, Default)]
pub(super) struct Signing {
    /// The local day in which a checkpoint was last wanted.
    day: Option<i64>,
    /// A checkpoint is wanted as soon as this record is durable.
    wanted: Option<u64>,
    asked: VecDeque<Checkpoint>,
}

/// Why a signed note was not taken. Nothing was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignedError {
    /// The configuration names no key of the ledger, or one that is none: the operator's fault.
    #[error("no key of the ledger is configured (`ledger_verifier`)")]
    NoKey,
    /// Not signed by the ledger's key, or no checkpoint, or too long to be sent: the signer's fault.
    #[error("not a checkpoint that the ledger's key has signed")]
    NotSigned,
    /// Nobody has asked for this one in this boot.
    #[error("a checkpoint that was not asked for")]
    NotAsked,
}

impl Dcu {
    /// A checkpoint of the ledger is wanted now: [`Output::Sign`] follows once all leaves are durable. Nothing where a key
    /// is not configured or nothing has been added since the last one.
    pub fn sign_ledger(&mut self, now: u64) {
        self.begin(now);
        self.want_signature();
        self.ask_to_sign();
    }

    /// The checkpoint of [`Output::Sign`], signed (a C2SP signed note).
    ///
    /// # Errors
    /// [`SignedError`].
    pub fn handle_signed(&mut self, now: u64, note: &[u8]) -> Result<(), SignedError> {
        self.begin(now);
        let verifier = self.ledger_key().ok_or(SignedError::NoKey)?;
        let (checkpoint, _) = Checkpoint::open(note, &[verifier]).map_err(|_| SignedError::NotSigned)?;
        let text = std::str::from_utf8(note).ok().filter(|text| text.len() <= NOTE_BYTES_MAX);
        let note = text.ok_or(SignedError::NotSigned)?.to_owned();
        let asked = self.signing.asked.iter().position(|asked| *asked == checkpoint);
        self.signing.asked.drain(..=asked.ok_or(SignedError::NotAsked)?);
        let Checkpoint { size, root, .. } = checkpoint;
        self.record(now, Entry::LedgerSigned { size, root, note });
        self.receipt(DcuEvent::LedgerSigned { size });
        self.send(now);
        Ok(())
    }

    fn ledger_key(&self) -> Option<Verifier> {
        Verifier::from_text(self.config.ledger_verifier.as_deref()?).ok()
    }

    fn want_signature(&mut self) {
        let ledger = self.state.ledger();
        let newest = ledger.promises().newest().map_or(0, |promised| promised.size);
        if self.config.ledger_verifier.is_some() && ledger.size() > newest {
            self.signing.wanted = Some(self.state.last_record());
        }
    }

    /// A new local day: what the day before has added is signed.
    pub(super) fn check_ledger(&mut self, now: u64) {
        let Some(day) = self.local_day(now).filter(|day| self.signing.day != Some(*day)) else { return };
        // The first day of a boot goes on; whoever starts every hour would else sign every hour.
        if self.signing.day.replace(day).is_some() {
            self.want_signature();
            self.ask_to_sign();
        }
    }

    /// When the local day ends, where that matters.
    pub(super) fn signing_at(&self) -> Option<u64> {
        let day = self.signing.day.filter(|_| self.config.ledger_verifier.is_some())?;
        let offset_ms = i64::from(self.config.utc_offset_s).saturating_mul(1000);
        self.instant_of(day.saturating_add(1).saturating_mul(DAY_MS).saturating_sub(offset_ms))
    }

    /// Hands a checkpoint out for signing, once all that it covers is durable.
    pub(super) fn ask_to_sign(&mut self) {
        if self.signing.wanted.is_none() || self.durable < self.state.last_record() {
            return;
        }
        self.signing.wanted = None;
        let checkpoint = self.state.ledger().checkpoint(&self.config.ledger_origin);
        if self.signing.asked.len() >= ASKED_MAX {
            self.signing.asked.pop_front();
        }
        self.signing.asked.push_back(checkpoint.clone());
        self.outputs.push_back(Output::Sign(checkpoint));
    }

    /// The cloud shows the newest checkpoint that it keeps. One that our key has not signed says nothing.
    pub(super) fn take_witness(&mut self, now: u64, note: &str) {
        let Some(verifier) = self.ledger_key() else { return };
        let Ok((witness, _)) = Checkpoint::open(note.as_bytes(), &[verifier]) else { return };
        let ledger = self.state.ledger();
        let promised = Promised { size: witness.size, root: witness.root };
        if witness.origin != self.config.ledger_origin || ledger.promises().is_told(promised) {
            return;
        }
        let size = ledger.size();
        let rolled_back = match ledger.promises().standing(size, ledger.root(), &witness) {
            Witnessed::Kept | Witnessed::Unknown => return,
            Witnessed::RolledBack => true,
            Witnessed::Forked => false,
        };
        let Promised { size: promised, root } = promised;
        self.record(now, Entry::PromiseBroken { size: promised, root, rolled_back });
        if !self.state.is_in_doubt() {
            self.distrust(now, (self.state.last_record(), None), None);
        }
        self.event(DcuEvent::Alarm { meter: None, code: AlarmCode::LedgerRolledBack });
        self.receipt(DcuEvent::PromiseBroken { promised, size, rolled_back });
    }
}
