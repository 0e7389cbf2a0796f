//! The DCU's disk: the production store on a medium that loses power with the site.
//!
//! ```text
//!   Dcu ── Append ──▶ Store (RAM) ── commit, some ms ──▶ sectors in memory (taa_powercut), or records in RAM
//!    ▲                                  │                   │ the site's power goes: kept, dropped or torn
//!    └──────── handle_durable ◀─────────┘                   └──▶ Store::open at the next boot: what survived
//! ```
//!
//! A commit begins when the store says so, or at once when something in the DCU waits for it, and takes its time; what it
//! writes is durable at its end. When the power goes meanwhile, it goes somewhere in the middle of the writes. Content
//! alone decides what follows: the bytes of a WAL do not repeat from run to run, records do.

mod medium;

use taa_dcu::journal::Record;
use taa_models::draw::{Draws, NodeKey, Purpose};
use taa_scenarios::model::FaultKind;
use taa_store::{Found, Recovery, StoreConfig, StoreError, Trouble};

use self::medium::Medium;
use super::parts::Part;
use crate::{
    cause::{Cause, Chain},
    kernel::{SimTime, Wake},
};

const COMMIT: Purpose = Purpose::named("disk commit");
const CUT: Purpose = Purpose::named("disk cut");
const MEDIUM: Purpose = Purpose::named("disk medium");
const ROT: Purpose = Purpose::named("disk rot");
/// A commit on a card in good order, ms (assumed: two syncs of some ten milliseconds).
const COMMIT_MS: u64 = 30;
/// One commit in so many meets the card tidying up, and takes so many ms (assumed: stalls of seconds are reported of SD
/// cards under synced writes).
const STALL: (f64, u64) = (0.01, 1_000);
/// A worn card takes so many times as long, and fails one commit in so many (assumed).
const WORN: (u64, f64) = (10, 0.25);
/// Bytes that rot at once (assumed: one page of 4 KiB loses some of its cells).
const ROTTEN: usize = 16;

/// What the disk is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// Nothing before the wake, if it is armed.
    Waiting,
    /// Writing; durable when the wake fires.
    Committing,
}

/// Medium, store, and what is under way.
pub(crate) struct SiteDisk {
    medium: Medium,
    config: StoreConfig,
    key: NodeKey,
    seed: (u64, u32),
    pub(crate) doing: Doing,
    pub(crate) wake: Wake,
    pub(crate) armed_for: Option<SimTime>,
    cuts: u64,
    /// Its own wear and the scripted faults that keep it from taking anything.
    pub(crate) part: Part,
    held: Vec<FaultKind>,
    /// The highest record that the medium has claimed to hold: what the simulation knows and nobody in it does.
    claimed: u64,
    /// The medium refuses, as far as has been told.
    pub(crate) refusing: bool,
    /// What has made it lie or rot, as far as that was scripted: what a doubt about the journal goes back to.
    pub(crate) untrue: Chain,
    /// The store does not take the ledger's entries: told once.
    pub(crate) ledger_gap: bool,
}

impl SiteDisk {
    /// `loses_bytes`: a disk on which bytes lie, else records in RAM.
    pub(crate) fn new(seed: (u64, u32), hold_ms: u64, loses_bytes: bool) -> Self {
        let key = NodeKey::of("dcu disk");
        let mut draws = Draws::keyed(seed.0, seed.1, key, MEDIUM, 0);
        let of_medium = draws.u64();
        let mut journal = [0; 16];
        for chunk in journal.chunks_exact_mut(8) {
            chunk.copy_from_slice(&draws.u64().to_le_bytes());
        }
        let mut config = StoreConfig::new(journal);
        config.hold_ms = hold_ms;
        Self {
            medium: if loses_bytes { Medium::disk(of_medium) } else { Medium::memory(config.clone()) },
            config,
            key,
            seed,
            doing: Doing::Waiting,
            wake: Wake::default(),
            armed_for: None,
            cuts: 0,
            part: Part::new(Cause::FlashFailed),
            held: Vec::new(),
            claimed: 0,
            refusing: false,
            untrue: Chain::of(Cause::FlashFailed),
            ledger_gap: false,
        }
    }

    /// With a deliberate fault in the store.
    pub(crate) fn sabotage(&mut self, fault: taa_store::Sabotage) {
        self.config = self.config.clone().sabotaged(fault);
    }

    /// Opens what survived.
    pub(crate) fn open(&mut self) -> Result<Recovery, StoreError> {
        let recovery = self.medium.open(&self.config)?;
        self.doing = Doing::Waiting;
        self.armed_for = None;
        Ok(recovery)
    }

    /// Why it takes nothing, though it could be opened.
    pub(crate) fn refuses(&self) -> Option<Trouble> {
        self.medium.refuses()
    }

    /// What the store has found rotten while it ran.
    pub(crate) fn take_found(&mut self) -> Vec<Found> {
        self.medium.take_found()
    }

    /// Somebody has set right what hung on lost records; false where the disk does not take that.
    pub(crate) fn accept_damage(&mut self) -> bool {
        self.medium.accept_damage()
    }

    /// Somebody else keeps the ledger's entries before this one.
    pub(crate) fn leaves_are_kept(&mut self, index: u64) {
        self.medium.leaves_are_kept(index);
    }

    /// The medium has lost what it had claimed to hold, now that it was opened. Said once.
    pub(crate) fn has_lied(&mut self) -> bool {
        let found = self.medium.numbers().0;
        std::mem::replace(&mut self.claimed, found) > found
    }

    /// Takes a record into RAM.
    pub(crate) fn append(&mut self, now_ms: u64, record: Record) -> Result<(), StoreError> {
        self.medium.append(now_ms, record)
    }

    /// Takes an entry of the ledger into RAM: it goes with the record appended last.
    pub(crate) fn append_leaf(&mut self, now_ms: u64, index: u64, entry: &[u8]) -> Result<(), StoreError> {
        self.medium.append_leaf(now_ms, index, entry)
    }

    /// Number of the last record appended.
    pub(crate) fn appended(&self) -> u64 {
        self.medium.numbers().0
    }

    /// When the disk is to do something; `waits`: the DCU has something that may not leave before.
    pub(crate) fn due_ms(&self, now_ms: u64, waits: bool) -> Option<u64> {
        let (due, well) = self.medium.due(now_ms)?;
        let (appended, durable) = self.medium.numbers();
        Some(if waits && well && appended > durable { now_ms } else { due })
    }

    /// How long the commit that begins now takes, ms.
    pub(crate) fn commit_ms(&self, now_ms: u64) -> u64 {
        let mut draws = Draws::keyed(self.seed.0, self.seed.1, self.key, COMMIT, now_ms);
        let (share, stall_ms) = STALL;
        let usual_ms = if draws.chance(share) { stall_ms } else { COMMIT_MS };
        if !self.held.contains(&FaultKind::SdWear) {
            return usual_ms;
        }
        let (times, failing) = WORN;
        if draws.chance(failing) {
            self.medium.fail_sync();
        }
        usual_ms * times
    }

    /// The end of a commit: up to which record all is durable.
    pub(crate) fn commit(&mut self, now_ms: u64) -> Result<u64, StoreError> {
        self.doing = Doing::Waiting;
        let done = self.medium.commit(now_ms)?;
        self.claimed = self.claimed.max(done);
        Ok(done)
    }

    /// The journal has grown: a snapshot pays.
    pub(crate) fn wants_snapshot(&self) -> bool {
        self.medium.wants_snapshot()
    }

    /// The power is gone: of what was under way the medium keeps what chance leaves.
    pub(crate) fn cut(&mut self, now_ms: u64) {
        self.cuts += 1;
        let committing = self.doing == Doing::Committing;
        let chance = committing.then(|| Draws::keyed(self.seed.0, self.seed.1, self.key, CUT, self.cuts).u64());
        self.medium.cut(now_ms, chance);
        self.doing = Doing::Waiting;
        self.wake.cancel();
        self.armed_for = None;
        self.refusing = false;
    }

    /// A scripted fault takes hold of the disk, or lets it go.
    pub(crate) fn hold(&mut self, kind: FaultKind, on: bool) {
        self.held.retain(|held| *held != kind);
        if on {
            self.held.push(kind);
        }
    }

    /// Makes the medium what wear and faults have made of it by now.
    pub(crate) fn settle(&mut self) {
        let has = |kind: FaultKind| self.held.contains(&kind);
        // A card that has reached its end turns read-only; what is on it can be copied to the next.
        let is_read_only = has(FaultKind::DiskReadOnly) || self.part.failed();
        let (is_full, lies) = (has(FaultKind::DiskFull), has(FaultKind::FsyncLies));
        self.medium.settle(is_read_only, is_full, lies);
    }

    /// Some bytes within one page of the database or of its log go bad; false where there is none yet.
    pub(crate) fn rot(&self, occasion: u64) -> bool {
        let mut draws = Draws::keyed(self.seed.0, self.seed.1, self.key, ROT, occasion);
        let page = draws.u64();
        self.medium.rot(page, (0..ROTTEN).map(|_| (draws.u64() % 4096, (draws.u64() % 255) as u8 + 1)))
    }
}

/// What refuses, in words for the log.
pub(crate) fn trouble(error: &StoreError) -> String {
    if let StoreError::Disk(trouble) = error { trouble_text(*trouble) } else { error.to_string() }
}

/// The same.
pub(crate) fn trouble_text(trouble: Trouble) -> String {
    if trouble == Trouble::Full { "the disk is full".to_owned() } else { StoreError::Disk(trouble).to_string() }
}
