//! What goes to the disk of the DCU, when, and what comes back at a boot.

use taa_dcu::{Dcu, DiskWord, LinkState, Output, Standby, config::CreditAt, journal::Record, ledger::Leaf};
use taa_scenarios::model::{FaultKind, Scenario};
use taa_store::{Found, FoundEnd, Held, Mode, Recovery};

use super::{
    Event, Village,
    disk::{Doing, SiteDisk, trouble, trouble_text},
    parts::Turn,
};
use crate::{
    cause::{Cause, Chain},
    kernel::{Phase, Queue, SimTime},
    run::Sabotage,
};

/// Readings wait this long for company on their way to the disk, ms: a power cut may take them, and the meters still have
/// them. Where the cloud bills by them they may not leave before, so the wait is short.
const HOLD_MS: [u64; 2] = [15 * 60_000, 60_000];

impl SiteDisk {
    /// The disk of a DCU whose balances are kept there.
    pub(crate) fn of(credit_at: CreditAt, seed: (u64, u32), scenario: &Scenario) -> Self {
        let [edge, cloud] = HOLD_MS;
        let hold_ms = if credit_at == CreditAt::Cloud { cloud } else { edge };
        Self::new(seed, hold_ms, scenario.has_disk_that_loses_bytes())
    }
}

/// Numbers of the records that are missing; without an end where nobody knows how far they went.
type Gap = (u64, Option<u64>);
/// The journal's name, its records, and what of it is in doubt.
type Opened<Records> = ([u8; 16], Records, Option<Gap>);

impl Village<'_> {
    /// Opens the DCU's disk, says what it found, and gives the records to start from and whether they are in doubt; nothing
    /// while the disk refuses.
    pub(super) fn open_disk(&mut self, now_ms: u64) -> Option<Opened<impl Iterator<Item = Record> + use<>>> {
        match self.site.disk.open() {
            Ok(mut recovery) => {
                self.tell_recovery(&recovery, now_ms);
                let lost = recovery.lost.iter().chain(&recovery.lost_before).find(|damage| damage.is_doubt());
                let gap = lost.map_or((recovery.last_record + 1, None), |damage| (damage.from, damage.to));
                if let Some(trouble) = self.site.disk.refuses()
                    && !std::mem::replace(&mut self.site.disk.refusing, true)
                {
                    self.log(now_ms, "disk_refuses", String::new(), trouble_text(trouble));
                }
                let in_doubt = recovery.mode == Mode::Safe;
                let journal = recovery.journal;
                Some((journal, recovery.take_records(), in_doubt.then_some(gap)))
            }
            Err(error) => {
                if !std::mem::replace(&mut self.site.disk.refusing, true) {
                    self.log(now_ms, "disk_refuses", String::new(), format!("no start: {}", trouble(&error)));
                }
                None
            }
        }
    }

    fn tell_recovery(&mut self, recovery: &Recovery, now_ms: u64) {
        for damage in &recovery.lost {
            let held = match damage.held {
                Held::Readings => "readings",
                Held::Snapshot => "a snapshot",
                Held::Leaves => "entries of the ledger",
                Held::Series => "readings kept for queries",
                _ => "records that may concern money, relays or keys",
            };
            let to = damage.to.map_or_else(|| "the end".to_owned(), |to| to.to_string());
            self.log(now_ms, "disk_damage", String::new(), format!("{held} lost: {} to {to}", damage.from));
        }
        if let Some(name) = &recovery.set_aside {
            let why = recovery.set_aside_why.as_deref().unwrap_or("it cannot be used");
            self.log(now_ms, "disk_damage", String::new(), format!("database set aside as {name}: {why}"));
        }
        if recovery.mode == Mode::Safe {
            self.tell_safe_mode(now_ms);
        }
    }

    /// The cloud has told the DCU of records that it does not have.
    pub(super) fn told_rolled_back(&mut self, witnessed: Option<u64>, found: u64, now_ms: u64) {
        let text = match witnessed {
            Some(witnessed) => format!("the cloud knows record {witnessed}, the disk ended with {found}"),
            None => "the ledger has promised entries that it does not hold".to_owned(),
        };
        self.log(now_ms, "disk_rolled_back", String::new(), text);
        self.tell_safe_mode(now_ms);
        self.audit_rolled_back(now_ms);
    }

    /// Once a boot.
    fn tell_safe_mode(&mut self, now_ms: u64) {
        if !std::mem::replace(&mut self.site.told_safe, true) {
            let text = "records are missing that nobody can tell again".to_owned();
            self.log(now_ms, "dcu_safe_mode", String::new(), text);
        }
    }

    /// The DCU's program ends and starts again: what is not on the disk is gone, its supply is not.
    pub(super) fn restart_dcu(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        self.stop_dcu(now_ms, "data concentrator starts anew".to_owned());
        self.site_turned(now_ms, queue);
    }

    /// The journal cannot be opened: the site stands by. Its relays stay, and it says so to the cloud.
    pub(super) fn stand_by(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        let mut standby = Standby::new();
        if self.wan.up() {
            standby.handle_link(0, LinkState::Up);
        }
        while let Output::Uplink(frame) = standby.poll_output() {
            self.send_up(&frame, now_ms, queue);
        }
    }

    /// What the store has found rotten while it ran.
    fn tell_rot(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        let found = self.site.disk.take_found();
        for Found { table, row, end } in &found {
            let end = match end {
                FoundEnd::Mended => "nothing is lost",
                FoundEnd::WaitsForSnapshot => "the state is written anew",
                FoundEnd::Lost => "what it held is lost",
                _ => "it cannot be read",
            };
            self.log(now_ms, "disk_rot", String::new(), format!("row {row} of {table} has rotted: {end}"));
        }
        if !found.is_empty() {
            self.with_dcu(now_ms, queue, |dcu, now| dcu.handle_disk(now, DiskWord::Rotten));
        }
    }

    /// A deliberate fault: the DCU is told that all is durable as soon as it has said it.
    pub(super) fn promises_early(&mut self, now_ms: u64) -> bool {
        let appended = self.site.disk.appended();
        if self.meddling.sabotage != Some(Sabotage::PromisesEarly) || self.site.claimed >= appended {
            return false;
        }
        self.site.claimed = appended;
        let now = self.site.monotonic(now_ms);
        if let Some(dcu) = &mut self.site.dcu {
            dcu.handle_durable(now, appended);
        }
        true
    }

    /// A record of the DCU goes into the store's RAM.
    pub(super) fn append(&mut self, record: Record, now_ms: u64) {
        if let Err(error) = self.site.disk.append(now_ms, record)
            && !std::mem::replace(&mut self.site.disk.refusing, true)
        {
            self.log(now_ms, "disk_refuses", String::new(), trouble(&error));
        }
    }

    /// An entry of the ledger: to the disk with its record, and kept where the run is asked to. One that was lost with the
    /// power comes again, or another in its place.
    pub(super) fn append_leaf(&mut self, leaf: Leaf, now_ms: u64) {
        let taken = self.site.disk.append_leaf(now_ms, leaf.index, &leaf.bytes);
        if taken.is_err() && !std::mem::replace(&mut self.site.disk.ledger_gap, true) {
            let text = "the ledger on the disk does not go on where the journal does".to_owned();
            self.log(now_ms, "ledger_gap", String::new(), text);
        }
        if self.scenario.run.ledger {
            self.records.ledger.truncate(usize::try_from(leaf.index).unwrap_or(usize::MAX));
            self.records.ledger.push(leaf.bytes);
        }
    }

    /// Sees to it that the disk does the next thing when it is due.
    pub(super) fn arm_disk(&mut self, now_ms: u64, queue: &mut Queue<Event>) {
        let site = &mut self.site;
        if site.disk.doing == Doing::Committing {
            return;
        }
        let waits = site.dcu_awaits_durable();
        let Some(due_ms) = site.disk.due_ms(now_ms, waits) else { return };
        let disk = &mut site.disk;
        let at_ms = if due_ms <= now_ms {
            disk.doing = Doing::Committing;
            now_ms + disk.commit_ms(now_ms)
        } else {
            due_ms
        };
        let at = SimTime::from_ms(at_ms);
        if disk.armed_for != Some(at) {
            disk.armed_for = Some(at);
            queue.arm(&mut disk.wake, at, Phase::Dcu, self.ops.dcu, |generation| Event::Disk { generation });
        }
    }

    /// A commit is due, or has come to its end.
    pub(crate) fn disk_wakes(&mut self, generation: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let disk = &mut self.site.disk;
        if !disk.wake.is_current(generation) {
            return;
        }
        disk.armed_for = None;
        if disk.doing == Doing::Waiting {
            return self.arm_disk(now_ms, queue);
        }
        let done = disk.commit(now_ms);
        let refused = done.is_err();
        let turned = std::mem::replace(&mut disk.refusing, refused) != refused;
        match done {
            Ok(durable) => {
                let snapshot = disk.wants_snapshot();
                if turned {
                    self.log(now_ms, "disk_takes", String::new(), "the disk takes records again".to_owned());
                }
                self.with_dcu(now_ms, queue, |dcu, now| dcu.handle_durable(now, durable));
                if snapshot {
                    self.with_dcu(now_ms, queue, Dcu::checkpoint);
                }
            }
            Err(error) => {
                if turned {
                    self.log(now_ms, "disk_refuses", String::new(), trouble(&error));
                }
                self.arm_disk(now_ms, queue);
            }
        }
        if turned {
            let word = if refused { DiskWord::Refuses } else { DiskWord::Takes };
            self.with_dcu(now_ms, queue, |dcu, now| dcu.handle_disk(now, word));
            self.touch_all();
        }
        self.tell_rot(now_ms, queue);
    }

    /// The disk failed or was mended, or a scripted fault took hold of it or let it go.
    pub(crate) fn disk_turned(&mut self, turn: Turn, now_ms: u64, queue: &mut Queue<Event>) {
        let kind = match turn {
            Turn::Hold(n) | Turn::Release(n) => self.scenario.faults.get(usize::from(n)).map(|fault| fault.what),
            Turn::Fail(_) | Turn::Mend => None,
        };
        let disk = &mut self.site.disk;
        match (kind, turn) {
            (Some(FaultKind::PageCorrupt), Turn::Hold(n)) => {
                disk.untrue = Chain::of(Cause::FlashFailed).because(Cause::Scripted(n));
                disk.rot(u64::from(n));
            }
            (Some(FaultKind::PageCorrupt), _) => {}
            // A lie is an obstacle to nobody until the power goes.
            (Some(kind @ FaultKind::FsyncLies), turn) => {
                if let Turn::Hold(n) = turn {
                    disk.untrue = Chain::of(Cause::FlashFailed).because(Cause::Scripted(n));
                }
                disk.hold(kind, matches!(turn, Turn::Hold(_)));
            }
            (kind, turn) => {
                disk.part.turn(turn);
                if let Some(kind) = kind {
                    disk.hold(kind, matches!(turn, Turn::Hold(_)));
                }
            }
        }
        disk.settle();
        // A disk that takes again is tried at once: the store would wait for its next attempt.
        self.with_dcu(now_ms, queue, |_, _| {});
    }
}
