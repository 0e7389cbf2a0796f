//! What is remembered within a boot: beliefs, the window, pings. It proposes; the caller records.

use std::collections::{BTreeMap, VecDeque};

use taa_gasp::{Kind, Packet};

use crate::{MeterIx, config::OutageConfig};

use super::{
    Ending, Ground, Heard, Member, Network, OutageNote, Outages, Place, Refusals, Refused, Ticket,
    belief::{Belief, Gasp, Sign},
    currents::Currents,
    gate::{Gate, Opened},
    judge::{Fault, Scene, cost_of},
    match_up::Match,
    missed::{Ended, Missed},
    network::Part,
    pings::Pings,
    settle::Stories,
};

const NS_PER_MS: u64 = 1_000_000;
const NS_PER_S: u64 = 1_000_000_000;
/// After a judgement the next one waits a little: answers to pings come in heaps.
const AGAIN_NS: u64 = 250 * NS_PER_MS;

/// What the caller is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Write this down: [`crate::journal::Entry::Outage`].
    Record(OutageNote),
    /// Ask this meter anything, and tell by [`Engine::handle_answer`] or [`Engine::handle_silence`].
    Ping(MeterIx),
    /// 0x092: the meter's clock is off by so much; its packet was taken all the same.
    ClockOff {
        /// Which meter.
        meter: MeterIx,
        /// How much, ms.
        off_ms: u64,
    },
    /// A packet marked as a test arrived: the way from that meter to here works.
    Tested {
        /// Which meter.
        meter: MeterIx,
    },
}

/// The correlation engine. Times are monotonic ns of this boot.
#[derive(Debug)]
pub struct Engine {
    config: OutageConfig,
    network: Network,
    gate: Gate,
    beliefs: Vec<Belief>,
    signs: Vec<Option<Sign>>,
    currents: Currents,
    refusals: Refusals,
    pings: Pings,
    /// When the next judgement is due.
    judge_at: Option<u64>,
    /// When a ticket was opened, or has changed.
    touched: BTreeMap<u64, u64>,
    /// When a dark meter of a ticket is asked next.
    recheck: BTreeMap<u64, u64>,
    /// How often that was done in vain: after two hours ever more rarely, for a meter may be broken.
    rechecks: BTreeMap<u64, u32>,
    stories: Stories,
    missed: Missed,
    acts: VecDeque<Act>,
}

impl Engine {
    /// With what the journal knows: meters of open tickets are dark, and are asked.
    #[must_use]
    pub fn new(config: OutageConfig, outages: &Outages) -> Self {
        let network = Network::new(&config);
        let mut engine = Self {
            gate: Gate::new(&config),
            beliefs: vec![Belief::default(); network.meters()],
            signs: vec![None; network.len()],
            currents: Currents::default(),
            refusals: Refusals::default(),
            pings: Pings::new(config.pings_max),
            judge_at: None,
            touched: BTreeMap::new(),
            recheck: BTreeMap::new(),
            rechecks: BTreeMap::new(),
            stories: Stories::default(),
            missed: Missed::default(),
            acts: VecDeque::new(),
            network,
            config,
        };
        for (number, ticket) in outages.open() {
            ticket.dark().for_each(|meter| engine.pings.want(meter));
            let event = |meter: MeterIx| ticket.members.get(&meter).map_or(0, |member| member.event);
            engine.stories.resume(*number, ticket.dark().map(|meter| (meter, event(meter))));
        }
        engine.recheck.extend(outages.open().keys().map(|number| (*number, 0)));
        engine
    }

    /// The tree.
    #[must_use]
    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// What was refused in this boot.
    #[must_use]
    pub const fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// When it wants to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        let recheck = self.recheck.values().min().copied();
        let settled = [self.stories.deadline(), self.missed.deadline()];
        [self.judge_at, recheck, self.pings.deadline()].into_iter().chain(settled).flatten().min()
    }

    /// A datagram arrived on the outage port.
    ///
    /// # Errors
    /// [`Refused`]; it was counted, and changes nothing.
    pub fn handle_packet(
        &mut self,
        now: u64,
        unix_ms: Option<i64>,
        bytes: &[u8],
        outages: &Outages,
    ) -> Result<Heard, Refused> {
        let heard = self.take_packet(now, unix_ms, bytes, outages);
        match heard {
            Err(why) => self.refusals.count(why),
            Ok(Heard::Repeated) => self.refusals.repeated = self.refusals.repeated.saturating_add(1),
            Ok(_) => {}
        }
        heard
    }

    /// The meter has answered in a secured exchange: there is voltage on its line.
    pub fn handle_answer(&mut self, now: u64, meter: MeterIx, outages: &Outages) {
        let race_ns = u64::from(self.config.race_ms).saturating_mul(NS_PER_MS);
        let Some(belief) = self.beliefs.get_mut(meter.at()) else { return };
        let asked = self.pings.done(meter);
        let silent_before = belief.unanswered > 0;
        if !belief.take_answer(now, race_ns) {
            if asked {
                self.pings.want(meter);
            }
            return;
        }
        let up_at = belief.up_at.take();
        if asked {
            self.currents.answered(self.network.above(meter));
        }
        if let Some(number) = outages.ticket_of(meter) {
            self.restore(now, (number, meter), up_at, silent_before, outages);
        }
    }

    /// An exchange with the meter has failed. True where others are to be asked because of that.
    pub fn handle_silence(&mut self, now: u64, meter: MeterIx) -> bool {
        let asked = self.pings.done(meter);
        let next = if asked { self.currents.silent(self.network.above(meter)) } else { Vec::new() };
        next.iter().for_each(|meter| self.pings.want(*meter));
        self.stories.silent(meter);
        if self.beliefs.get_mut(meter.at()).is_some_and(|belief| belief.take_silence(now)) {
            self.judge_soon(now, self.window_ns());
        }
        !next.is_empty()
    }

    /// A breaker tells whether this device is energised. Nothing where there is no such device.
    pub fn handle_sign(&mut self, now: u64, device: &str, energised: bool) {
        let Some(sign) = self.network.number(device).and_then(|number| self.signs.get_mut(number)) else { return };
        *sign = Some(Sign::then(*sign, now, energised));
        self.judge_soon(now, self.window_ns());
    }

    /// A device's ammeter was read. Nothing where there is no such device.
    pub fn handle_current(&mut self, now: u64, device: &str, current_ma: u32) {
        let Some(number) = self.network.number(device) else { return };
        if current_ma >= self.config.current_min_ma {
            self.currents.flows(number);
            match self.signs.get_mut(number) {
                // Nothing new, but that it is so still.
                Some(Some(sign)) if sign.energised => sign.at = now,
                _ => self.handle_sign(now, device, true),
            }
        } else if self.currents.stops(number) {
            // What flowed before speaks against nothing that may have happened since.
            if let Some(Some(sign)) = self.signs.get_mut(number)
                && sign.energised
            {
                sign.at = 0;
            }
            let all = self.beliefs.iter().zip(0_u32..).map(|(_, at)| MeterIx(at));
            let is_behind = |meter: &MeterIx| self.network.is_behind(Part::Device(number), *meter);
            let behind: Vec<MeterIx> = all.filter(|meter| is_behind(meter) && !self.is_cut(*meter)).collect();
            let ask = self.currents.suspect(number, &behind, self.config.pings_max);
            ask.into_iter().for_each(|meter| self.pings.want(meter));
        }
    }

    /// [`Self::deadline`] has come.
    pub fn handle_timeout(&mut self, now: u64, outages: &Outages) {
        if self.judge_at.is_some_and(|at| at <= now) {
            self.judge_at = None;
            self.judge(now, outages);
        }
        self.check_tickets(now, outages);
        let mut stories = std::mem::take(&mut self.stories);
        let settled = stories.settle(now, &self.network, |meter| self.revived_at(meter));
        self.stories = stories;
        let missed = self.missed.settle(now, |from, to| self.stories.gasped_of(from, to));
        self.acts.extend(settled.into_iter().chain(missed).map(Act::Record));
    }

    /// A note was recorded: the caller tells which ticket it concerns, with the number that it bears.
    pub fn handle_recorded(&mut self, now: u64, number: u64, note: &OutageNote, outages: &Outages) {
        let beliefs = &self.beliefs;
        self.stories.take(now, number, note, |meter, since| {
            let silent = beliefs.get(meter.at()).filter(|belief| belief.silent_at.is_some_and(|at| at >= since));
            silent.map_or(0, |belief| u32::from(belief.unanswered))
        });
        let ticket = match note {
            OutageNote::Opened { .. } => number,
            OutageNote::Closed { ticket, .. } => {
                self.touched.remove(ticket);
                self.recheck.remove(ticket);
                self.rechecks.remove(ticket);
                return;
            }
            // What is settled afterwards changes nothing of what is done.
            OutageNote::Brief { .. } | OutageNote::Settled { .. } | OutageNote::Missed(_) => return,
            OutageNote::Moved { ticket, .. } | OutageNote::Joined { ticket, .. } => *ticket,
            OutageNote::Withdrawn { ticket, .. } | OutageNote::Restored { ticket, .. } => *ticket,
        };
        self.touched.insert(ticket, now);
        self.rechecks.remove(&ticket);
        let recheck = now.saturating_add(self.recheck_ns());
        self.recheck.entry(ticket).or_insert(recheck);
        if let OutageNote::Opened { members, .. }
        | OutageNote::Joined { members, .. }
        | OutageNote::Moved { members, .. } = note
        {
            // Where a breaker has spoken there is nothing to ask.
            for member in members.iter().filter(|member| !member.is_heard()) {
                if !self.is_cut(member.meter) {
                    self.pings.want(member.meter);
                }
            }
        }
        // When one is back the others are asked.
        if let (OutageNote::Restored { .. }, Some(ticket)) = (note, outages.open().get(&ticket)) {
            ticket.dark().for_each(|meter| self.pings.want_again(now, meter));
        }
    }

    /// An operator says that there was nothing: the ticket is closed and its meters are asked. False without such a ticket.
    pub fn clear(&mut self, number: u64, outages: &Outages) -> bool {
        let Some(ticket) = outages.open().get(&number) else { return false };
        for meter in ticket.dark() {
            if let Some(belief) = self.beliefs.get_mut(meter.at()) {
                belief.over = belief.over.max(belief.gasp.take().map_or(0, |gasp| gasp.event));
                (belief.up_at, belief.unanswered, belief.silent_at) = (None, 0, None);
            }
            self.pings.want(meter);
        }
        self.acts.push_back(Act::Record(OutageNote::Closed { ticket: number, how: Ending::Cleared }));
        true
    }

    /// What is to be done, in order. Record notes as they come, each before the next call.
    pub fn poll(&mut self, now: u64) -> Option<Act> {
        self.acts.pop_front().or_else(|| self.pings.next(now).map(Act::Ping))
    }

    // ---- below: helpers ------------------------------------------------------------------------------------------

    fn take_packet(
        &mut self,
        now: u64,
        unix_ms: Option<i64>,
        bytes: &[u8],
        outages: &Outages,
    ) -> Result<Heard, Refused> {
        let opened = self.gate.open(now, unix_ms, bytes)?;
        let Opened { meter, packet, off_ms, .. } = opened;
        let belief = self.beliefs.get(meter.at()).copied().unwrap_or_default();
        let judged = self.gate.judge(&opened, &belief, outages);
        if judged == Err(Refused::Stale) && !packet.test {
            // Somebody may have kept it back, or the meter's clock is wrong by hours: it will tell itself.
            self.pings.want(meter);
        }
        let heard = judged?;
        if let Some(belief) = self.beliefs.get_mut(meter.at()) {
            belief.counter = belief.counter.max(packet.header.counter);
        }
        if let Some(off_ms) = off_ms.filter(|off| *off > u64::from(self.config.clock_window_ms)) {
            self.acts.push_back(Act::ClockOff { meter, off_ms });
        }
        match heard {
            Heard::Down => self.take_down(now, meter, &packet),
            Heard::Up => self.take_up(now, meter, &packet, outages),
            Heard::Test => self.acts.push_back(Act::Tested { meter }),
            Heard::Repeated if packet.header.kind == Kind::PowerUp => {
                // It has answered before this came: when it was lit again is news all the same.
                self.stories.back(now, meter, packet.event, back_at(now, &packet));
            }
            Heard::Repeated => {}
        }
        Ok(heard)
    }

    fn take_down(&mut self, now: u64, meter: MeterIx, packet: &Packet) {
        let race_ns = u64::from(self.config.race_ms).saturating_mul(NS_PER_MS);
        let Some(belief) = self.beliefs.get_mut(meter.at()) else { return };
        let doubtful = belief.lit_at.is_some_and(|lit| now.saturating_sub(lit) < race_ns);
        belief.gasp = Some(Gasp { at: now, event: packet.event, doubtful });
        belief.up_at = None;
        if doubtful {
            self.pings.want(meter);
        }
        self.judge_soon(now, self.window_ns());
    }

    fn take_up(&mut self, now: u64, meter: MeterIx, packet: &Packet, outages: &Outages) {
        let back_at = back_at(now, packet);
        let told = self.stories.back(now, meter, packet.event, back_at);
        let Some(belief) = self.beliefs.get_mut(meter.at()) else { return };
        let ticketed = outages.ticket_of(meter).is_some();
        belief.over = belief.over.max(packet.event);
        let gasp = belief.gasp.take_if(|gasp| gasp.event <= packet.event);
        if ticketed {
            // Not believed alone: one that answers is lit.
            belief.up_at = Some(back_at.max(gasp.map_or(0, |gasp| gasp.at)));
            self.pings.want(meter);
            return;
        }
        let began = belief.began(back_at).filter(|_| gasp.is_none());
        belief.lit_at = Some(now);
        if told {
            return;
        }
        if let Some((lit_at, gone_at)) = began {
            self.missed.take(now, Ended { meter, event: packet.event, lit_at, gone_at, back_at });
        } else {
            self.acts.push_back(Act::Record(OutageNote::Brief { meter, event: packet.event }));
        }
    }

    fn restore(
        &mut self,
        now: u64,
        (number, meter): (u64, MeterIx),
        up_at: Option<u64>,
        silent_before: bool,
        outages: &Outages,
    ) {
        let Some(ticket) = outages.open().get(&number) else { return };
        let heard = ticket.members.get(&meter).is_some_and(|member| member.event != 0);
        // Nobody behind the fault is back yet, and this one had only been taken for dark: it never was.
        let note = if heard || silent_before || up_at.is_some() || ticket.is_returning() {
            let since = up_at.into_iter().chain(self.revived_at(meter)).min();
            let ago_ms = ms(now.saturating_sub(since.unwrap_or(now)));
            OutageNote::Restored { ticket: number, meter, ago_ms }
        } else {
            OutageNote::Withdrawn { ticket: number, meters: vec![meter] }
        };
        self.acts.push_back(Act::Record(note));
        self.judge_soon(now, AGAIN_NS);
    }

    fn judge(&mut self, now: u64, outages: &Outages) {
        let quiet = |belief: &Belief| belief.gasp.is_none() && belief.unanswered == 0;
        if self.beliefs.iter().all(quiet) && self.signs.iter().flatten().all(|sign| sign.energised) {
            return;
        }
        let recent = |number: u64| self.is_recent(now, number, outages);
        // Asked for each device above each meter: answered once.
        let all = self.beliefs.iter().zip(0_u32..).map(|(_, at)| MeterIx(at));
        let known: Vec<bool> =
            all.map(|meter| outages.ticket_of(meter).is_some_and(|number| !recent(number))).collect();
        let explained = |meter: MeterIx| known.get(meter.at()).copied().unwrap_or(false);
        let scene = Scene {
            network: &self.network,
            beliefs: &self.beliefs,
            explained: &explained,
            signs: &self.signs,
            heard: cost_of(self.config.delivered_percent),
            unheard: cost_of(100_u8.saturating_sub(self.config.delivered_percent)),
            race_ns: u64::from(self.config.race_ms).saturating_mul(NS_PER_MS),
        };
        let faults = scene.faults();
        let ask = scene.worth_asking(self.config.pings_max);
        let member = |meter: MeterIx, since: u64| {
            let belief = self.beliefs.get(meter.at()).copied().unwrap_or_default();
            // One that has not told went with the others.
            let from = belief.gasp.map_or(since.max(belief.lit_at.unwrap_or(0)), |gasp| gasp.at);
            let ago_ms = ms(now.saturating_sub(from));
            Member { meter, event: belief.gasp.map_or(0, |gasp| gasp.event), ago_ms }
        };
        let ground = |fault: &Fault| self.ground(fault);
        let notes =
            Match { network: &self.network, outages, recent: &recent, member: &member, ground: &ground }.notes(&faults);
        self.acts.extend(notes.into_iter().map(Act::Record));
        for meter in ask {
            if !self.is_cut(meter) {
                self.pings.want(meter);
            }
        }
    }

    /// A breaker says that nothing comes as far as this meter.
    fn is_cut(&self, meter: MeterIx) -> bool {
        self.signs_above(meter).any(|sign| !sign.energised)
    }

    /// When the last device above it was energised again, where a breaker tells.
    fn revived_at(&self, meter: MeterIx) -> Option<u64> {
        self.signs_above(meter).filter_map(|sign| sign.revived_at).max()
    }

    fn signs_above(&self, meter: MeterIx) -> impl Iterator<Item = Sign> + '_ {
        self.network.above(meter).filter_map(|device| self.signs.get(device).copied().flatten())
    }

    fn ground(&self, fault: &Fault) -> Ground {
        let gasped = |meter: &MeterIx| self.beliefs.get(meter.at()).is_some_and(|belief| belief.gasp.is_some());
        if fault.dark.iter().any(gasped) {
            return Ground::Gasps;
        }
        let Place::Device(id) = &fault.place else { return Ground::Silence };
        let at = self.network.number(id);
        let dead = |(n, sign): (usize, &Option<Sign>)| {
            sign.is_some_and(|sign| !sign.energised) && at.is_some_and(|at| self.network.way_up(n).any(|up| up == at))
        };
        if self.signs.iter().enumerate().any(dead) { Ground::Feeder } else { Ground::Silence }
    }

    /// Tickets whose meters are all accounted for are closed; of the others one meter is asked now and then.
    fn check_tickets(&mut self, now: u64, outages: &Outages) {
        for (number, ticket) in outages.open() {
            if ticket.dark().next().is_none() {
                let how = if ticket.members.is_empty() { Ending::Withdrawn } else { Ending::Restored };
                self.acts.push_back(Act::Record(OutageNote::Closed { ticket: *number, how }));
            }
        }
        let due: Vec<u64> = self.recheck.iter().filter(|(_, at)| **at <= now).map(|(number, _)| *number).collect();
        for number in due {
            let Some(ticket) = outages.open().get(&number) else {
                self.recheck.remove(&number);
                continue;
            };
            // Another one each time: the first may be broken.
            let dark: Vec<MeterIx> = ticket.dark().collect();
            let turn = usize::try_from(now.div_euclid(self.recheck_ns().max(1))).unwrap_or(0);
            if let Some(meter) = turn.checked_rem(dark.len()).and_then(|turn| dark.get(turn))
                && !self.is_cut(*meter)
            {
                self.pings.want(*meter);
            }
            let next = now.saturating_add(self.recheck_after(number));
            self.recheck.insert(number, next);
            self.narrow(number, ticket, &dark);
        }
    }

    /// Part of it is back: what is left lies behind something smaller.
    fn narrow(&mut self, number: u64, ticket: &Ticket, dark: &[MeterIx]) {
        let place = match dark {
            [] => return,
            [meter] => Place::Service(*meter),
            [first, ..] => {
                let common =
                    |device: &usize| dark.iter().all(|meter| self.network.above(*meter).any(|up| up == *device));
                let Some(id) = self.network.above(*first).find(common).and_then(|device| self.network.id(device))
                else {
                    return;
                };
                Place::Device(id.to_owned())
            }
        };
        if ticket.is_returning() && place != ticket.place && self.network.covers(&ticket.place, &place) {
            let confidence_pm = ticket.confidence_pm;
            self.acts.push_back(Act::Record(OutageNote::Moved {
                ticket: number,
                place,
                confidence_pm,
                members: vec![],
            }));
        }
    }

    /// It may still be moved and merged. One whose meters come back is not judged anew: what is lit again is no sign that
    /// it was lit.
    fn is_recent(&self, now: u64, number: u64, outages: &Outages) -> bool {
        let merge_ns = u64::from(self.config.merge_s).saturating_mul(NS_PER_S);
        if outages.open().get(&number).is_none_or(Ticket::is_returning) {
            return false;
        }
        self.touched.get(&number).is_some_and(|at| now.saturating_sub(*at) <= merge_ns)
    }

    fn judge_soon(&mut self, now: u64, after_ns: u64) {
        let at = now.saturating_add(after_ns);
        self.judge_at = Some(self.judge_at.map_or(at, |before| before.min(at)));
    }

    fn window_ns(&self) -> u64 {
        u64::from(self.config.window_ms).saturating_mul(NS_PER_MS)
    }

    /// Until a ticket is looked at again: evenly for two hours of the usual interval, then each time twice as long, up to
    /// some hours.
    fn recheck_after(&mut self, ticket: u64) -> u64 {
        const EVENLY: u32 = 24;
        const DOUBLINGS_MAX: u32 = 6;
        let done = self.rechecks.entry(ticket).or_default();
        *done = done.saturating_add(1);
        let doublings = done.saturating_sub(EVENLY).min(DOUBLINGS_MAX);
        self.recheck_ns().saturating_mul(1_u64.checked_shl(doublings).unwrap_or(1))
    }

    fn recheck_ns(&self) -> u64 {
        u64::from(self.config.recheck_s).saturating_mul(NS_PER_S)
    }
}

fn ms(ns: u64) -> u32 {
    u32::try_from(ns.div_euclid(NS_PER_MS)).unwrap_or(u32::MAX)
}

/// When the supply came back, as a Power Up tells; when it arrived where that does not.
fn back_at(now: u64, packet: &Packet) -> u64 {
    now.saturating_sub(u64::from(packet.back_for_s().unwrap_or(0)).saturating_mul(NS_PER_S))
}
