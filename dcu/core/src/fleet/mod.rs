//! The meters as the DCU works with them: one session each, and a place on a shared link ([`link`]).
//!
//! What is shared out is **one frame exchange**: a request out, and its answer in or its time over. A meter's business
//! may take many of them (a month of profile comes in blocks); each waits for its turn in the queue of its [`Class`],
//! so relay orders and alarms go between two blocks of somebody else's bulk read. At the same meter better business
//! makes the lesser one give way between two blocks; what the lesser one has got by then is kept.
//!
//! A meter that fails backs off, so it cannot starve the others; suspects (meters that failed and were not heard
//! since) may together hold only half of a link's window, so that a dead branch with many meters cannot either.

mod layout;
pub(crate) mod link;
mod own;
pub(crate) mod session;
#[cfg(test)]
mod tests;

use std::{cmp::Reverse, collections::BinaryHeap};

pub(crate) use self::link::Grant;
use self::{
    link::{Flight, Link},
    session::Session,
};
use crate::{
    MeterIx,
    config::{DcuConfig, MeterEntry},
    gateway::TokenDigits,
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
    /// Rows of the load profile. By turns with [`Self::Image`].
    Backfill = 3,
    /// Blocks of an image. By turns with [`Self::Backfill`].
    Image = 4,
}

impl Class {
    pub(crate) const COUNT: usize = 5;
    pub(crate) const ALL: [Self; Self::COUNT] = [Self::Urgent, Self::Check, Self::Reading, Self::Backfill, Self::Image];

    const fn bit(self) -> u8 {
        1 << self as u8
    }

    /// Much to carry and no hurry.
    pub(crate) const fn is_bulk(self) -> bool {
        matches!(self, Self::Backfill | Self::Image)
    }
}

/// One exchange with a meter: one association check, one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exchange {
    /// Learn its objects, ask its name and what it has set for itself: once per boot, and when its firmware changes.
    Introduce,
    /// Register, output state, credit.
    Read,
    /// Order the relay, then read.
    Relay(Wanted),
    /// Write the cumulative credit, and the prices by which the meter counts it down.
    Credit { total_minor: i64, prices: Prices, write_prices: bool },
    /// Ask the load profile for these periods.
    Backfill { from: u32, to: u32 },
    /// Go on with the image.
    Image,
    /// Tell it that these alarm bits have been taken.
    Confirm { bits: u32 },
    /// Set its clock, and look whether its last-gasp logic is still armed.
    Upkeep { unix_ms: Option<i64>, gasp: bool },
    /// Enter a token through its gateway. `again`: an earlier attempt may have arrived, though no answer came.
    EnterToken { digits: TokenDigits, again: bool },
}

/// Prices as a meter that keeps its own credit knows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prices {
    pub(crate) per_kwh_minor: i64,
    pub(crate) fee_per_day_minor: i64,
    pub(crate) grace_minor: i64,
}

/// A token that waits to be entered through a meter's gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TokenDue {
    pub(crate) digits: TokenDigits,
    /// An earlier attempt may have arrived: also to be set for what a restarted DCU finds undelivered.
    pub(crate) again: bool,
    /// Number of the record that must be durable first.
    pub(crate) rests_on: u64,
}

/// What a meter's outage logic needs from us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Upkeep {
    /// Its clock is to be set.
    pub(crate) clock: bool,
    /// Whether it would send a last gasp is to be looked at: it is met anew, and may have another firmware.
    pub(crate) gasp: bool,
}

/// One meter.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) session: Session,
    /// What is under way, and its class.
    pub(crate) job: Option<(Exchange, Class)>,
    /// When its answer must be here, ns; only while a frame of it is on the link.
    pub(crate) deadline: Option<u64>,
    /// A frame of it that waits for its turn, and the class in whose queue it does.
    pub(crate) waits: Option<(Vec<u8>, Class)>,
    /// The relay state to reach.
    pub(crate) wanted: Option<Wanted>,
    /// The last state decided, for telling changes.
    pub(crate) decided: Option<Relay>,
    /// Number of the record on which the decision rests.
    pub(crate) rests_on: u64,
    /// Cumulative credit to deliver.
    pub(crate) credit_due: Option<i64>,
    /// A token to enter through its gateway.
    pub(crate) token_due: Option<TokenDue>,
    /// The prices that the meter was given since this boot.
    pub(crate) prices_written: Option<Prices>,
    /// A reading is due, for this period.
    pub(crate) read_due: Option<u32>,
    /// The mesh heard it: the reading is due now, whatever the plan says.
    pub(crate) check_due: bool,
    /// What its outage logic needs.
    pub(crate) upkeep: Upkeep,
    /// The mesh heard it while an exchange was under way: if that fails, the next one follows at once.
    pub(crate) heard_meanwhile: bool,
    /// What the last alarm about its answers was, while it goes on.
    pub(crate) alarmed: Option<AlarmCode>,
    /// Its alarms have been taken and it does not know: number of the record that must be durable first.
    pub(crate) confirm: Option<u64>,
    /// When the running hour of alarms began, ns, and how many came in it.
    pub(crate) alarms_taken: (u64, u32),
    /// By another's object list it lacks something: its own is to be read.
    pub(crate) doubts_map: bool,
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
    /// Its link, by index.
    link: usize,
    queued: u8,
    /// A frame is on the link and its answer awaited.
    in_flight: bool,
    /// It was a suspect when its business under way was begun.
    begun_suspect: bool,
}

impl Unit {
    fn new(config: &DcuConfig, entry: &MeterEntry, state: Option<&MeterState>, link: usize) -> Self {
        Self {
            session: Session::new(config, entry, state),
            job: None,
            deadline: None,
            waits: None,
            wanted: None,
            decided: None,
            rests_on: 0,
            credit_due: None,
            token_due: None,
            prices_written: None,
            read_due: None,
            check_due: false,
            upkeep: Upkeep::default(),
            heard_meanwhile: false,
            confirm: None,
            doubts_map: false,
            alarms_taken: (0, 0),
            alarmed: None,
            unheeded: 0,
            failures: 0,
            suspect: false,
            blocked_until: None,
            heard_at: None,
            link,
            queued: 0,
            in_flight: false,
            begun_suspect: false,
        }
    }
}

impl Unit {
    /// A frame is on the link and its answer awaited.
    pub(crate) const fn in_flight(&self) -> bool {
        self.in_flight
    }
}

/// All meters.
#[derive(Debug)]
pub(crate) struct Fleet {
    units: Vec<Unit>,
    /// The mesh first, then the lines.
    links: Vec<Link>,
    retries: BinaryHeap<Reverse<(u64, u32)>>,
}

impl Fleet {
    /// `known` is what the journal knows of the meters, by index.
    pub(crate) fn new(config: &DcuConfig, meters: &[MeterEntry], known: &[MeterState]) -> Self {
        let unit = |(ix, entry)| Unit::new(config, entry, known.get(ix), 0);
        let mut units: Vec<Unit> = meters.iter().enumerate().map(unit).collect();
        let mut links = vec![Link::new(config.window, config.bulk_window, config.bulk_meters_max)];
        for line in &config.lines {
            let on_line = DcuConfig { reply_timeout_ms: line.reply_timeout_ms, ..config.clone() };
            for ix in &line.meters {
                if let (Some(unit), Some(entry)) = (units.get_mut(*ix as usize), meters.get(*ix as usize)) {
                    *unit = Unit::new(&on_line, entry, known.get(*ix as usize), links.len());
                }
            }
            links.push(Link::new(line.window, config.bulk_window, config.bulk_meters_max));
        }
        Self { units, links, retries: BinaryHeap::new() }
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

    fn on_link(&mut self, meter: MeterIx) -> Option<(&mut Link, &mut Unit)> {
        let unit = self.units.get_mut(meter.at())?;
        Some((self.links.get_mut(unit.link)?, unit))
    }

    /// Puts the meter's wish to begin something of this class into the queue, once.
    pub(crate) fn enqueue(&mut self, meter: MeterIx, class: Class) {
        if let Some((link, unit)) = self.on_link(meter)
            && unit.queued & class.bit() == 0
        {
            unit.queued |= class.bit();
            link.wish_to_start(meter, class);
        }
    }

    /// The same, before others of its class: it has begun already.
    pub(crate) fn enqueue_first(&mut self, meter: MeterIx, class: Class) {
        if let Some((link, unit)) = self.on_link(meter)
            && unit.queued & class.bit() == 0
        {
            unit.queued |= class.bit();
            link.wish_to_go_on(meter, class);
        }
    }

    /// The next frame that may go, or the next meter that may begin something; the caller decides what, and comes
    /// again until there is nothing more.
    ///
    /// Meters that are busy or backing off leave the queue: they are queued again when they become free.
    pub(crate) fn next_grant(&mut self) -> Option<Grant> {
        self.links.iter_mut().find_map(|link| link.next_grant(&mut self.units))
    }

    /// An exchange starts.
    pub(crate) fn begin(&mut self, meter: MeterIx, exchange: Exchange, class: Class) {
        let Some((link, unit)) = self.on_link(meter) else { return };
        unit.job = Some((exchange, class));
        unit.begun_suspect = unit.suspect;
        link.opened(class, unit.begun_suspect);
    }

    /// The exchange goes on with this frame when its turn comes in that class's queue.
    pub(crate) fn wait(&mut self, meter: MeterIx, frame: Vec<u8>, class: Class) {
        self.landed(meter);
        let Some((link, unit)) = self.on_link(meter) else { return };
        unit.waits = Some((frame, class));
        link.wish_to_send(meter, class);
    }

    /// The waiting frame is wanted for better business: it waits in that class's queue from now on.
    pub(crate) fn hurry(&mut self, meter: MeterIx, class: Class) {
        if let Some((frame, _)) = self.unit_mut(meter).and_then(|unit| unit.waits.take()) {
            self.wait(meter, frame, class);
        }
    }

    /// A frame of this meter goes out now.
    pub(crate) fn depart(&mut self, meter: MeterIx) {
        let Some((link, unit)) = self.on_link(meter) else { return };
        if !std::mem::replace(&mut unit.in_flight, true) {
            let bulk = unit.job.is_some_and(|(_, class)| class.is_bulk());
            link.departed(Flight { meter, suspect: unit.suspect, bulk });
        }
    }

    /// The frame on the link was answered, or its time is over.
    pub(crate) fn landed(&mut self, meter: MeterIx) {
        let Some((link, unit)) = self.on_link(meter) else { return };
        unit.deadline = None;
        if std::mem::take(&mut unit.in_flight) {
            link.landed(meter);
        }
    }

    /// The exchange has ended.
    pub(crate) fn end(&mut self, meter: MeterIx) -> Option<(Exchange, Class)> {
        self.landed(meter);
        let (link, unit) = self.on_link(meter)?;
        unit.waits = None;
        let job = unit.job.take()?;
        link.closed(job.1, unit.begun_suspect);
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

    /// A meter whose answer is past its deadline.
    pub(crate) fn overdue(&self, now: u64) -> Option<MeterIx> {
        self.in_flight().find(|ix| self.deadline_of(*ix).is_some_and(|at| at <= now))
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
        self.in_flight().filter_map(|ix| self.deadline_of(ix)).chain(retry).min()
    }

    fn in_flight(&self) -> impl Iterator<Item = MeterIx> {
        self.links.iter().flat_map(Link::in_flight)
    }

    fn deadline_of(&self, meter: MeterIx) -> Option<u64> {
        self.units.get(meter.at()).and_then(|u| u.deadline)
    }
}
