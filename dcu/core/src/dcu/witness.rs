//! Is this the journal that the cloud knows? Asked at each start, before anything is promised; told as it grows.
//!
//! ```text
//!   link up ─▶ Up::Standing, asks ─▶ Down::Standing ─┬─ not past us: Witnessed ─▶ goes on, and tells how far it is
//!      │                                             └─ past us: JournalDoubted, Witnessed, event RolledBack: in doubt
//!      └─ no answer within WAIT: goes on as without a link, and asks on
//! ```
//!
//! While it waits, the DCU opens no relay for debt, sells no token and takes no entropy, so that it speaks to no meter
//! with keys: a journal that was put back has forgotten counters. So a driver that knows the link to be up says so
//! **before** [`Dcu::handle_entropy`]. Where the answer comes later (the link was down, the cloud silent), keys are in use
//! by then under a title that may be the lost journal's: the DCU speaks to no meter any more and asks to be started anew.

use zeroize::Zeroizing;

use super::{
    Dcu, NS_PER_S,
    output::{DcuEvent, LinkState, Output},
};
use crate::{
    journal::{Entry, Urgency},
    relay::Held,
    uplink::{Standing, Up},
};

/// How long the cloud's answer is waited for after the link has come up first (Arbitrary: three times the wait for one).
const WAIT_NS: u64 = 30 * NS_PER_S;
/// Until it is asked again; doubles up to [`ASK_NS_MAX`].
const ASK_NS: u64 = 10 * NS_PER_S;
const ASK_NS_MAX: u64 = 3600 * NS_PER_S;
/// The cloud is told at most so often (Arbitrary): what was promised since is what a roll-back hides.
const TELL_NS: u64 = 60 * NS_PER_S;

/// What is remembered of it within a boot.
#[derive(Debug, Default)]
pub(super) struct Witness {
    journal: [u8; 16],
    up: bool,
    heard: bool,
    /// When it is asked (again), and how long after that once more.
    ask: Option<(u64, u64)>,
    /// Once a boot: until when nothing is promised.
    wait: Wait,
    seed: Option<Zeroizing<[u8; 32]>>,
    /// The last record for which somebody waits.
    urgent: u64,
    /// A standing that will do once it is durable.
    candidate: Option<Standing>,
    /// The newest one that is durable.
    sure: Option<Standing>,
    /// The cloud has acknowledged this record.
    told: u64,
    tell_at: u64,
    /// Found rolled back with keys in use: nothing more is said to meters.
    muted: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Wait {
    #[default]
    NotYet,
    Until(u64),
    Over,
}

impl Dcu {
    /// The journal's name, as the store gives it: a journal of another name is never taken for this one. To be called right
    /// after [`Self::recover`].
    pub const fn name_journal(&mut self, journal: [u8; 16]) {
        self.witness.journal = journal;
    }

    /// The cloud has shown in this boot what it knows of the journal.
    #[must_use]
    pub const fn is_witnessed(&self) -> bool {
        self.witness.heard
    }

    /// Nothing is promised yet: the cloud may know that the journal was put back.
    #[must_use]
    pub fn awaits_witness(&self, now: u64) -> bool {
        self.witness_wait_ns(now).is_some()
    }

    /// How long at most.
    pub(super) fn witness_wait_ns(&self, now: u64) -> Option<u64> {
        match self.witness.wait {
            Wait::Until(at) => at.checked_sub(now).filter(|left| *left > 0),
            Wait::NotYet | Wait::Over => None,
        }
    }

    /// Nothing may be said to meters before the DCU was started anew.
    pub(super) const fn is_muted(&self) -> bool {
        self.witness.muted
    }

    pub(super) fn witness_link(&mut self, now: u64, link: LinkState) {
        let up = link == LinkState::Up;
        let witness = &mut self.witness;
        if std::mem::replace(&mut witness.up, up) == up {
            return;
        }
        if !up {
            witness.ask = None;
            if witness.wait != Wait::NotYet {
                self.end_wait(now);
            }
            return;
        }
        if witness.heard {
            self.sender.standing_due |= witness.sure.is_some_and(|sure| sure.record > witness.told);
        } else {
            witness.ask = Some((now, ASK_NS));
            if witness.wait == Wait::NotYet {
                witness.wait = Wait::Until(now.saturating_add(WAIT_NS));
            }
        }
    }

    /// Entropy may be taken now; else it is kept until it may.
    pub(super) fn may_take_entropy(&mut self, now: u64, seed: &[u8; 32]) -> bool {
        let waits = self.randomness.is_none() && self.awaits_witness(now);
        if waits {
            self.witness.seed = Some(Zeroizing::new(*seed));
        }
        !waits
    }

    /// A record was made.
    pub(super) fn witness_record(&mut self, number: u64, entry: &Entry) {
        if entry.urgency() == Urgency::Now {
            self.witness.urgent = number;
        }
    }

    /// Asks, tells, and ends the wait, as far as these are due.
    pub(super) fn run_witness(&mut self, now: u64) {
        if matches!(self.witness.wait, Wait::Until(at) if at <= now) {
            self.end_wait(now);
        }
        if let Some((at, again)) = self.witness.ask
            && at <= now
        {
            self.witness.ask = Some((now.saturating_add(again), again.saturating_mul(2).min(ASK_NS_MAX)));
            let mut frame = self.buffer();
            Up::Standing { asks: true, standing: self.standing() }.encode(0, &mut frame);
            self.outputs.push_back(Output::Uplink(frame));
        }
        self.tell_standing(now);
    }

    fn tell_standing(&mut self, now: u64) {
        let witness = &self.witness;
        if !self.wants_to_tell() || now < witness.tell_at {
            return;
        }
        let durable = self.durable;
        let whole = durable >= self.state.last_record();
        let sure = if whole { Some(self.standing()) } else { witness.candidate.filter(|one| one.record <= durable) };
        if sure.is_some() {
            self.witness.sure = sure;
            self.witness.candidate = None;
            self.witness.tell_at = now.saturating_add(TELL_NS);
            self.sender.standing_due = true;
        } else if witness.candidate.is_none() {
            self.witness.candidate = Some(self.standing());
        }
    }

    /// Somebody waited for a record of which the cloud has not been told.
    fn wants_to_tell(&self) -> bool {
        let witness = &self.witness;
        let newest = witness.sure.map_or(0, |sure| sure.record).max(witness.told);
        witness.up && witness.heard && witness.urgent > newest && !self.sender.has_standing()
    }

    /// How far the journal goes, durable or not.
    fn standing(&self) -> Standing {
        let ledger = self.state.ledger();
        Standing {
            epoch: self.state.lineage().epoch(),
            journal: self.witness.journal,
            record: self.state.last_record(),
            leaves: ledger.size(),
            root: ledger.root(),
        }
    }

    /// The frame for the cloud to keep.
    pub(super) fn standing_frame(&self) -> Option<Up> {
        self.witness.sure.map(|standing| Up::Standing { asks: false, standing })
    }

    pub(super) fn standing_arrived(&mut self) {
        self.witness.told = self.witness.sure.map_or(0, |sure| sure.record);
    }

    pub(super) fn witness_deadline(&self) -> Option<u64> {
        let witness = &self.witness;
        let wait = if let Wait::Until(at) = witness.wait { Some(at) } else { None };
        // What is not durable yet is looked at when it is.
        let ready = self.durable >= witness.candidate.map_or(self.state.last_record(), |one| one.record);
        let tell = (self.wants_to_tell() && ready).then_some(witness.tell_at);
        [wait, witness.ask.map(|(at, _)| at), tell].into_iter().flatten().min()
    }

    /// What the cloud keeps of this site's journal.
    pub(super) fn take_standing(&mut self, now: u64, kept: Option<Standing>) {
        let lineage = *self.state.lineage();
        let Some(since) = lineage.since().filter(|_| !self.witness.heard) else { return };
        let (size, root) = (self.state.ledger().size(), self.state.ledger().root());
        let past_us = |kept: &Standing| {
            kept.epoch > lineage.epoch()
                || !kept.is_of(self.witness.journal)
                || kept.record > since
                || kept.leaves > size
                || (kept.leaves == size && kept.root != root)
        };
        // What is of an earlier epoch was told of when that ended.
        let behind = kept.filter(|kept| kept.epoch >= lineage.epoch()).filter(past_us);
        let mut epoch = lineage.epoch();
        if let Some(kept) = behind {
            epoch = kept.epoch.saturating_add(1);
            let to = Some(kept.record).filter(|to| *to > since && kept.is_of(self.witness.journal));
            self.distrust(now, (since, to), Some(kept.record));
        }
        self.record(now, Entry::Witnessed { epoch });
        self.witness.heard = true;
        self.witness.ask = None;
        self.end_wait(now);
    }

    /// The journal lacks what was durable once: all behind record `found`, to `to` where that is known.
    pub(super) fn distrust(&mut self, now: u64, (found, to): (u64, Option<u64>), witnessed: Option<u64>) {
        // In doubt already or not: counters of the lost journal belong to its title, which is given up by this.
        self.record(now, Entry::JournalDoubted { from: found.saturating_add(1), to });
        let restart = self.randomness.is_some();
        self.witness.muted = restart;
        self.receipt(DcuEvent::RolledBack { witnessed, found, restart });
    }

    /// Promises may be made, or it is known why not.
    fn end_wait(&mut self, now: u64) {
        self.witness.wait = Wait::Over;
        if let Some(seed) = self.witness.seed.take() {
            self.take_entropy(now, &seed);
        }
        self.requeue_held(|why| why == Held::Doubt);
        self.sell_soon(now);
    }
}
