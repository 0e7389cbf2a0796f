//! The meters as the DCU works with them: one session each, four queues, a bounded window on the shared mesh.
//!
//! Strict priority: relay orders and credit, then looks at meters that came back, then readings, then back-fill
//! ([`Class`]). A meter that fails backs off, so it cannot starve the others; suspects (meters that failed and were
//! not heard since) may together hold only half of the window, so that a dead branch with many meters cannot either.

pub(crate) mod session;

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use self::session::Session;
use crate::{
    MeterIx,
    config::{DcuConfig, MeterEntry},
    journal::MeterState,
    relay::{Relay, Wanted},
    uplink::AlarmCode,
};

/// Priority of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Class {
    /// Relay orders and credit.
    Urgent = 0,
    /// A look at a meter that the mesh hears again: its relay may have started open.
    Check = 1,
    /// A reading by the plan.
    Reading = 2,
    /// Rows of the load profile.
    Backfill = 3,
}

impl Class {
    pub(crate) const ALL: [Self; 4] = [Self::Urgent, Self::Check, Self::Reading, Self::Backfill];

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// One exchange with a meter: one association check, one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exchange {
    /// Ask its name and the scaler of its register, once per boot.
    Introduce,
    /// Register, output state, credit.
    Read,
    /// Order the relay, then read.
    Relay(Wanted),
    /// Write the cumulative credit, and the prices by which the meter counts it down.
    Credit { total_minor: i64, prices: Prices, write_prices: bool },
    /// Ask the load profile for these periods.
    Backfill { from: u32, to: u32 },
}

/// Prices as a meter that keeps its own credit knows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prices {
    pub(crate) per_kwh_minor: i64,
    pub(crate) fee_per_day_minor: i64,
    pub(crate) grace_minor: i64,
}

/// One meter.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) session: Session,
    /// What is under way, and its class.
    pub(crate) job: Option<(Exchange, Class)>,
    /// Deadline of what is under way, ns.
    pub(crate) deadline: Option<u64>,
    /// The relay state to reach.
    pub(crate) wanted: Option<Wanted>,
    /// The last state decided, for telling changes.
    pub(crate) decided: Option<Relay>,
    /// Number of the record on which the decision rests.
    pub(crate) rests_on: u64,
    /// Cumulative credit to deliver.
    pub(crate) credit_due: Option<i64>,
    /// The prices that the meter was given since this boot.
    pub(crate) prices_written: Option<Prices>,
    /// A reading is due, for this period.
    pub(crate) read_due: Option<u32>,
    /// The mesh heard it: the reading is due now, whatever the plan says.
    pub(crate) check_due: bool,
    /// The mesh heard it while an exchange was under way: if that fails, the next one follows at once.
    pub(crate) heard_meanwhile: bool,
    /// Name checked and scaler known.
    pub(crate) introduced: bool,
    /// What the last alarm about its answers was, while it goes on.
    pub(crate) alarmed: Option<AlarmCode>,
    /// Orders in a row that the output state did not confirm.
    pub(crate) unheeded: u32,
    /// Exchanges in a row that failed.
    pub(crate) failures: u32,
    /// Its last exchange failed and nothing was heard of it since.
    pub(crate) suspect: bool,
    /// Not asked before this instant, ns.
    pub(crate) blocked_until: Option<u64>,
    /// When a hint from the mesh was last followed, ns.
    pub(crate) heard_at: Option<u64>,
    queued: u8,
    /// Counted among the suspects under way.
    counted: bool,
}

impl Unit {
    fn new(config: &DcuConfig, entry: &MeterEntry, state: Option<&MeterState>) -> Self {
        Self {
            session: Session::new(config, entry, state),
            job: None,
            deadline: None,
            wanted: None,
            decided: None,
            rests_on: 0,
            credit_due: None,
            prices_written: None,
            read_due: None,
            check_due: false,
            heard_meanwhile: false,
            introduced: false,
            alarmed: None,
            unheeded: 0,
            failures: 0,
            suspect: false,
            blocked_until: None,
            heard_at: None,
            queued: 0,
            counted: false,
        }
    }
}

/// All meters.
#[derive(Debug)]
pub(crate) struct Fleet {
    units: Vec<Unit>,
    queues: [VecDeque<u32>; 4],
    in_flight: Vec<u32>,
    suspects_in_flight: usize,
    window: usize,
    retries: BinaryHeap<Reverse<(u64, u32)>>,
}

impl Fleet {
    /// `known` is what the journal knows of the meters, by index.
    pub(crate) fn new(config: &DcuConfig, meters: &[MeterEntry], known: &[MeterState]) -> Self {
        let units = meters.iter().enumerate().map(|(ix, entry)| Unit::new(config, entry, known.get(ix)));
        Self {
            units: units.collect(),
            queues: Default::default(),
            in_flight: Vec::with_capacity(config.window),
            suspects_in_flight: 0,
            window: config.window.max(1),
            retries: BinaryHeap::new(),
        }
    }

    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.units.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn unit(&self, meter: MeterIx) -> Option<&Unit> {
        self.units.get(meter.at())
    }

    pub(crate) fn unit_mut(&mut self, meter: MeterIx) -> Option<&mut Unit> {
        self.units.get_mut(meter.at())
    }

    pub(crate) fn units(&self) -> &[Unit] {
        &self.units
    }

    /// Puts the meter into the queue of this class, once.
    pub(crate) fn enqueue(&mut self, meter: MeterIx, class: Class) {
        let Some(unit) = self.units.get_mut(meter.at()) else { return };
        if unit.queued & class.bit() == 0 {
            unit.queued |= class.bit();
            if let Some(queue) = self.queues.get_mut(class as usize) {
                queue.push_back(meter.0);
            }
        }
    }

    /// Takes the next meter that is free to be asked, best class first; the caller decides what to ask it.
    ///
    /// Meters that are busy or backing off leave the queue: they are queued again when they become free.
    pub(crate) fn next_free(&mut self) -> Option<(MeterIx, Class)> {
        if self.in_flight.len() >= self.window {
            return None;
        }
        let suspects_may = self.suspects_in_flight < self.window.div_ceil(2);
        for class in Class::ALL {
            let Some(queue) = self.queues.get_mut(class as usize) else { continue };
            for _ in 0..queue.len() {
                let Some(ix) = queue.pop_front() else { break };
                let Some(unit) = self.units.get_mut(ix as usize) else { continue };
                if unit.job.is_none() && unit.blocked_until.is_none() && unit.suspect && !suspects_may {
                    queue.push_back(ix);
                    continue;
                }
                unit.queued &= !class.bit();
                if unit.job.is_none() && unit.blocked_until.is_none() {
                    return Some((MeterIx(ix), class));
                }
            }
        }
        None
    }

    /// An exchange starts.
    pub(crate) fn begin(&mut self, meter: MeterIx, exchange: Exchange, class: Class) {
        let Some(unit) = self.units.get_mut(meter.at()) else { return };
        unit.job = Some((exchange, class));
        unit.counted = unit.suspect;
        if unit.counted {
            self.suspects_in_flight = self.suspects_in_flight.saturating_add(1);
        }
        self.in_flight.push(meter.0);
    }

    /// The exchange has ended.
    pub(crate) fn end(&mut self, meter: MeterIx) -> Option<(Exchange, Class)> {
        let unit = self.units.get_mut(meter.at())?;
        let job = unit.job.take()?;
        unit.deadline = None;
        if std::mem::take(&mut unit.counted) {
            self.suspects_in_flight = self.suspects_in_flight.saturating_sub(1);
        }
        if let Some(at) = self.in_flight.iter().position(|ix| *ix == meter.0) {
            self.in_flight.swap_remove(at);
        }
        Some(job)
    }

    /// The meter is left alone until then.
    pub(crate) fn block(&mut self, meter: MeterIx, until: u64) {
        if let Some(unit) = self.units.get_mut(meter.at()) {
            unit.blocked_until = Some(until);
            self.retries.push(Reverse((until, meter.0)));
        }
    }

    /// Takes a meter whose waiting is over.
    pub(crate) fn take_unblocked(&mut self, now: u64) -> Option<MeterIx> {
        while let Some(&Reverse((at, ix))) = self.retries.peek() {
            if at > now {
                return None;
            }
            self.retries.pop();
            if let Some(unit) = self.units.get_mut(ix as usize).filter(|u| u.blocked_until == Some(at)) {
                unit.blocked_until = None;
                return Some(MeterIx(ix));
            }
        }
        None
    }

    /// A meter whose exchange is past its deadline.
    pub(crate) fn overdue(&self, now: u64) -> Option<MeterIx> {
        self.in_flight.iter().copied().map(MeterIx).find(|ix| self.deadline_of(*ix).is_some_and(|at| at <= now))
    }

    /// The next instant at which something is due here, ns.
    pub(crate) fn deadline(&mut self) -> Option<u64> {
        while let Some(&Reverse((at, ix))) = self.retries.peek() {
            if self.units.get(ix as usize).is_some_and(|u| u.blocked_until == Some(at)) {
                break;
            }
            self.retries.pop();
        }
        let retry = self.retries.peek().map(|Reverse((at, _))| *at);
        self.in_flight.iter().filter_map(|ix| self.deadline_of(MeterIx(*ix))).chain(retry).min()
    }

    fn deadline_of(&self, meter: MeterIx) -> Option<u64> {
        self.units.get(meter.at()).and_then(|u| u.deadline)
    }
}
