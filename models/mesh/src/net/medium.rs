//! The air: what overlaps a frame, who was tuned to it, who reads it.
//!
//! A frame is one event: its end. Only those are asked whom it may concern (its receiver, or all in reach), and what they
//! were doing while it lasted is worked out then, from the frames that overlapped it: these are kept until nothing on the
//! air is older. Third parties are not asked; that a frame of theirs held a receiver is found when it matters.
//!
//! A receiver is held by the first frame that begins on the channel where it listens and can be made out; a stronger one
//! by the capture ratio takes over while the first one's preamble lasts. A frame is read when it stands above its rivals'
//! worst by that ratio, and then by the share that the table gives for signal to noise and rivals together, at its
//! length. Who transmits is deaf. An acknowledgement is sought on the channel of its frame.
//!
//! A frame for everywhere is a *train*: one entry for all its channels, a turnaround between two. Receivers are met where
//! their schedules cross it; what is read of it takes effect at its end, once, however often it was read. Approximations:
//! what held a receiver is followed one frame back; a receiver that waits for an acknowledgement is held by nothing.

use core::ops::Range;

use super::Network;
use super::event::{Event, Frame, Octets, Use};
use super::links::{Ear, decibels, halves};
use super::node::{NONE, eui};
use super::queue::Due;
use crate::chance::Chance;
use crate::mac::engine::Flow;

/// A frame on the air, or about to be, or just over.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct OnAir {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) channel: u16,
    pub(super) sequence: u8,
    pub(super) ack_request: bool,
    pub(super) acknowledges: bool,
    /// On all channels, one after the other.
    pub(super) train: bool,
    /// Its part in an exchange of several.
    pub(super) flow: Flow,
    pub(super) cargo: u32,
    pub(super) octets: u32,
    pub(super) start_ns: u64,
    pub(super) end_ns: u64,
    /// On one channel.
    pub(super) part_ns: u64,
    /// Which row of the table tells how much of its length is read.
    pub(super) row: u8,
    pub(super) life: u8,
    pub(super) over: bool,
}

/// A frame's part on one channel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shot {
    from: u32,
    channel: u16,
    row: u8,
    pub(super) start_ns: u64,
    end_ns: u64,
    acknowledges: bool,
}

/// Another frame at a receiver.
#[derive(Debug, Clone, Copy)]
struct Rival {
    start_ns: u64,
    end_ns: u64,
    mw: f32,
}

/// Frames by place; places are used again.
#[derive(Debug, Clone, Default)]
pub(super) struct Air {
    frames: Vec<OnAir>,
    free: Vec<u32>,
    /// On the air, about to be, or overlapped by one that is; by start.
    log: Vec<u32>,
    rivals: Vec<Rival>,
    /// Scratch: broadcast dwells during a train; when and on which channel it meets all who keep them, and a receiver.
    dwells: Vec<Range<u64>>,
    together: Vec<(u64, u16)>,
    met: Vec<(u64, u16)>,
}

impl Air {
    fn put(&mut self, frame: OnAir) -> u32 {
        let place = match self.free.pop() {
            Some(place) => {
                self.frames[place as usize] = frame;
                place
            }
            None => {
                self.frames.push(frame);
                (self.frames.len() - 1) as u32
            }
        };
        let later = self.log.iter().rev().take_while(|&&of| self.frames[of as usize].start_ns > frame.start_ns).count();
        self.log.insert(self.log.len() - later, place);
        place
    }

    /// A frame is over; those that nothing on the air overlaps any more are forgotten.
    fn retire(&mut self, place: u32) {
        let Self { frames, free, log, .. } = self;
        frames[place as usize].over = true;
        if log.len() == 1 {
            log.clear();
            free.push(place);
            return;
        }
        let oldest = log.iter().map(|&of| &frames[of as usize]).find(|of| !of.over).map(|of| of.start_ns);
        log.retain(|&of| {
            let frame = &frames[of as usize];
            let kept = !frame.over || oldest.is_some_and(|oldest_ns| frame.end_ns > oldest_ns);
            if !kept {
                free.push(of);
            }
            kept
        });
    }
}

impl Network {
    /// A frame goes on the air.
    pub(super) fn put(&mut self, mut frame: OnAir) {
        let air_ns = self.config.phy.air_ns(frame.octets);
        (frame.part_ns, frame.row) = (air_ns, self.config.success.row(frame.octets));
        let last = if frame.train { self.config.channels.len().max(1) - 1 } else { 0 };
        frame.end_ns = frame.start_ns + u64::from(last) * (air_ns + self.config.phy.turnaround_ns) + air_ns;
        self.digest(
            frame.start_ns,
            u64::from(frame.from) << 32 | u64::from(frame.channel) << 16 | u64::from(frame.octets),
        );
        if frame.acknowledges {
            self.nodes[frame.to as usize].ack_ends_ns = frame.end_ns;
        }
        let place = self.air.put(frame);
        self.queue.push(frame.end_ns, frame.from, Due::End(place));
    }

    /// A frame's part of a number: of a train, the channel of that place in the list.
    fn shot(&self, frame: &OnAir, part: u64) -> Shot {
        let &OnAir { from, mut channel, row, mut start_ns, mut end_ns, acknowledges, .. } = frame;
        if frame.train {
            start_ns += part * (frame.part_ns + self.config.phy.turnaround_ns);
            end_ns = start_ns + frame.part_ns;
            channel = self.config.channels.at(part as u32);
        }
        Shot { from, channel, row, start_ns, end_ns, acknowledges }
    }

    /// A frame's part on a channel.
    fn shot_on(&self, frame: &OnAir, channel: u16) -> Option<Shot> {
        if !frame.train {
            return (frame.channel == channel).then(|| self.shot(frame, 0));
        }
        self.part_of(channel).map(|part| self.shot(frame, part))
    }

    /// A channel's place in a train.
    fn part_of(&self, channel: u16) -> Option<u64> {
        self.parts.get(usize::from(channel)).copied().filter(|&part| part != u16::MAX).map(u64::from)
    }

    /// A frame's part that is on the air at a time.
    fn shot_at(&self, frame: &OnAir, at_ns: u64) -> Option<Shot> {
        let into_ns = at_ns.checked_sub(frame.start_ns).filter(|_| at_ns < frame.end_ns)?;
        let part = if frame.train { into_ns / (frame.part_ns + self.config.phy.turnaround_ns) } else { 0 };
        Some(self.shot(frame, part)).filter(|shot| at_ns < shot.end_ns)
    }

    /// Whether a node listened where a frame's part was, and could make it out if it is strong enough.
    fn is_tuned(&self, node: u32, shot: &Shot) -> bool {
        let radio = &self.radios[node as usize];
        let listens = || self.listening(node, shot.start_ns, self.everyones.channel_in_dwell(shot.start_ns));
        !radio.fading && radio.since_ns <= shot.start_ns && listens() == shot.channel
    }

    /// Whether a signal is strong enough to be made out.
    fn is_strong(&self, ear: Ear) -> bool {
        ear.dbm >= self.config.noise_dbm + self.config.sync_db
    }

    /// Whether a node finds a channel busy at a time that may be just ahead: energy on it, or a frame that the node is
    /// receiving on whatever channel it listens to. A radio that has found a frame's start does not go away from it to
    /// send (so the driver of S2-LP in an open stack): without that, two neighbours that have something for each other
    /// talk past each other, each on the other's channel, until all retries are gone.
    pub(super) fn is_busy(&self, node: u32, channel: u16, at_ns: u64) -> bool {
        if self.air.log.is_empty() && self.others.is_empty() {
            return false;
        }
        let mut sum_mw = self.others.mw(node, channel, at_ns, at_ns + 1);
        for &place in &self.air.log {
            let frame = &self.air.frames[place as usize];
            if frame.from == node {
                continue;
            }
            let Some(shot) = self.shot_at(frame, at_ns) else { continue };
            let (tuned, same) = (self.is_tuned(node, &shot), shot.channel == channel);
            if !tuned && !same {
                continue;
            }
            let Some(ear) = self.links.between(frame.from, node) else { continue };
            if tuned && self.is_strong(ear) && (same || !self.was_sending(node, shot.start_ns)) {
                return true;
            }
            if same {
                sum_mw += ear.mw;
            }
        }
        sum_mw >= self.busy_mw
    }

    /// Whether a node was on the air itself, and deaf, a while ago.
    fn was_sending(&self, node: u32, at_ns: u64) -> bool {
        let own = self.air.log.iter().map(|&place| &self.air.frames[place as usize]).filter(|frame| frame.from == node);
        own.into_iter().any(|frame| (frame.start_ns..frame.end_ns).contains(&at_ns))
    }

    /// The channel on which a node listens, or listened not long ago; `together`: that of all within a broadcast dwell.
    fn listening(&self, node: u32, at_ns: u64, together: Option<u16>) -> u16 {
        if let Some(channel) = self.stays_on(node, at_ns) {
            return channel;
        }
        let radio = &self.radios[node as usize];
        match together {
            Some(channel) if radio.follows => channel,
            _ => radio.own_channel(node, at_ns, &self.config),
        }
    }

    /// A frame's last bit has left the air.
    pub(super) fn end(&mut self, place: u32) {
        let frame = self.air.frames[place as usize];
        let OnAir { from, to, octets, .. } = frame;
        let of = self.cargo_use(frame.cargo);
        let parts = if frame.train { u64::from(self.config.channels.len()) } else { 1 };
        let counted = &mut self.totals.by_use[of as usize];
        let air_ns = frame.part_ns;
        counted.0 += parts;
        counted.1 += parts * air_ns;
        self.occupied.count(from, (!frame.train).then_some(frame.channel), (parts, air_ns));
        if self.config.trace {
            for part in 0..parts {
                let Shot { start_ns, channel, .. } = self.shot(&frame, part);
                let to = (to != NONE).then_some(to);
                self.events.push_back(Event::Frame(Frame { start_ns, from, to, channel, octets, of }));
            }
        }
        let alive = self.nodes[from as usize].life == frame.life && self.radios[from as usize].on;
        if self.config.capture && alive {
            for part in 0..parts {
                let shot = self.shot(&frame, part);
                if let Some(octets) = self.octets_of(&frame, &shot) {
                    let Shot { start_ns, channel, .. } = shot;
                    self.octets.push_back(Octets { start_ns, channel, octets });
                }
            }
        }
        if !alive {
            self.ack_is_over(&frame);
            return self.air.retire(place);
        }
        if frame.train {
            self.meet(&frame, place);
        } else if to == NONE {
            let shot = self.shot(&frame, 0);
            let together = self.everyones.channel_in_dwell(shot.start_ns);
            for index in 0.. {
                let Some(&ear) = self.links.near(from).get(index) else { break };
                let listens = self.listening(ear.node, shot.start_ns, together);
                if self.reads(ear, &shot, place, listens) {
                    self.links.note_read(from, index, shot.start_ns);
                    self.heard(ear, &frame);
                }
            }
        } else if let Some(ear) = self.links.between(from, to) {
            let shot = self.shot(&frame, 0);
            let together = self.everyones.channel_in_dwell(shot.start_ns);
            let listens = if shot.acknowledges { shot.channel } else { self.listening(to, shot.start_ns, together) };
            if self.reads(ear, &shot, place, listens) {
                self.learn_schedule(to, from, shot.start_ns);
                self.heard(ear, &frame);
            }
        }
        self.ack_is_over(&frame);
        self.air.retire(place);
        if frame.train {
            self.nodes[from as usize].mac.handle_train_sent(self.now_ns);
        } else {
            self.nodes[from as usize].mac.handle_sent(self.now_ns);
        }
        self.settle_mac(from);
    }

    /// Whoever has waited for this acknowledgement, and has not read it, waits on.
    fn ack_is_over(&mut self, frame: &OnAir) {
        let to = frame.to;
        let waits = frame.acknowledges && self.nodes[to as usize].mac.awaits_ack() && self.radios[to as usize].on;
        if waits {
            self.settle_mac(to);
        }
    }

    /// A train is over: who met it, and read it there?
    fn meet(&mut self, frame: &OnAir, place: u32) {
        let period_ns = frame.part_ns + self.config.phy.turnaround_ns;
        // The dwells in which those who keep the broadcast schedule listen together, and where the train meets them all.
        let (mut dwells, mut together) =
            (core::mem::take(&mut self.air.dwells), core::mem::take(&mut self.air.together));
        dwells.clear();
        together.clear();
        let mut at_ns = frame.start_ns;
        while at_ns < frame.end_ns {
            let (channel, until_ns) = self.everyones.stay(at_ns);
            if let Some(channel) = channel {
                let meets = self.part_of(channel).map(|part| (frame.start_ns + part * period_ns, channel));
                together.extend(meets.filter(|(start_ns, _)| (at_ns..until_ns).contains(start_ns)));
                dwells.push(at_ns..until_ns);
            }
            at_ns = until_ns;
        }
        let mut met = core::mem::take(&mut self.air.met);
        for index in 0.. {
            let Some(&ear) = self.links.near(frame.from).get(index) else { break };
            let radio = self.radios[ear.node as usize];
            if !radio.on {
                continue;
            }
            met.clear();
            let mut taken: &[Range<u64>] = &[];
            if radio.follows {
                met.extend_from_slice(&together);
                taken = &dwells;
            }
            radio.own_stays(ear.node, frame.start_ns, frame.end_ns, &self.config, |channel, from_ns, until_ns| {
                let Some(part) = self.part_of(channel) else { return };
                let start_ns = frame.start_ns + part * period_ns;
                let stays = (from_ns..until_ns).contains(&start_ns);
                if stays && !taken.iter().any(|dwell| dwell.contains(&start_ns)) {
                    met.push((start_ns, channel));
                }
            });
            met.sort_unstable();
            for &(start_ns, channel) in &met {
                let end_ns = start_ns + frame.part_ns;
                let shot = Shot { from: frame.from, channel, row: frame.row, start_ns, end_ns, acknowledges: false };
                if self.reads(ear, &shot, place, channel) {
                    self.links.note_read(frame.from, index, start_ns);
                    self.heard(ear, frame);
                    break;
                }
            }
        }
        (self.air.dwells, self.air.together, self.air.met) = (dwells, together, met);
    }

    /// Whether a node reads a frame's part. The draw is this link's for this frame.
    fn reads(&mut self, ear: Ear, shot: &Shot, place: u32, listens: u16) -> bool {
        let node = ear.node;
        let radio = &self.radios[node as usize];
        if !radio.on || radio.since_ns > shot.start_ns || !self.is_strong(ear) {
            return false;
        }
        if listens != shot.channel || radio.fading && !shot.acknowledges {
            return false;
        }
        let worst_mw = if self.air.log.len() > 1 {
            let Some(worst_mw) = self.contest(ear, shot, place) else { return false };
            worst_mw
        } else {
            0.0
        };
        self.totals.tuned += 1;
        let half_db = if worst_mw <= 0.0 && self.others.is_empty() {
            i32::from(ear.half_db)
        } else {
            if worst_mw > 0.0 && decibels(ear.mw / worst_mw) < self.config.capture_db {
                self.totals.collided += 1;
                return false;
            }
            let others_mw = self.others.mw(node, shot.channel, shot.start_ns, shot.end_ns);
            halves(decibels(ear.mw / (self.noise_mw + others_mw + worst_mw)))
        };
        let share = self.config.success.in_row(shot.row, half_db);
        let read = share >= 1.0 || {
            let pair = u64::from(shot.from) << 32 | u64::from(node);
            Chance::new(self.config.seed ^ pair.rotate_left(17)).fork(shot.start_ns).happens(f64::from(share))
        };
        self.totals.noise += u64::from(!read);
        read
    }

    /// A receiver's rivals at their worst while a frame's part lasts, milliwatts; none when the receiver transmitted, or
    /// another frame held it.
    fn contest(&mut self, ear: Ear, shot: &Shot, place: u32) -> Option<f32> {
        let node = ear.node;
        let mut rivals = core::mem::take(&mut self.air.rivals);
        rivals.clear();
        let mut deaf = false;
        for &other in &self.air.log {
            let frame = &self.air.frames[other as usize];
            if other == place || frame.end_ns <= shot.start_ns || frame.start_ns >= shot.end_ns {
                continue;
            }
            if frame.from == node {
                deaf = true;
                break;
            }
            let over = |rival: &Shot| rival.start_ns < shot.end_ns && rival.end_ns > shot.start_ns;
            let rival = self.shot_on(frame, shot.channel).filter(over);
            // Held by a frame that began before, on whatever channel it listened to then.
            let held = if shot.acknowledges { None } else { self.shot_at(frame, shot.start_ns) };
            let held = held.filter(|held| self.is_tuned(node, held));
            // What the links say is looked up last: it is not in a core's cache.
            if rival.is_none() && held.is_none() {
                continue;
            }
            let Some(theirs) = self.links.between(frame.from, node) else { continue };
            if let Some(held) = held.filter(|_| self.is_strong(theirs)) {
                let preamble = shot.start_ns < held.start_ns + self.config.phy.header_ns;
                // A receiver that reads below its rivals holds on to what came first.
                let capture_db = self.config.capture_db;
                let takes_over = capture_db > 0.0 && ear.dbm >= theirs.dbm + capture_db;
                if !preamble || held.channel != shot.channel || !takes_over {
                    deaf = true;
                    break;
                }
            }
            if let Some(rival) = rival {
                rivals.push(Rival { start_ns: rival.start_ns, end_ns: rival.end_ns, mw: theirs.mw });
            }
        }
        let at = |at_ns: u64| -> f32 {
            rivals.iter().filter(|of| (of.start_ns..of.end_ns).contains(&at_ns)).map(|of| of.mw).sum()
        };
        let worst_mw = rivals.iter().map(|of| at(of.start_ns.max(shot.start_ns))).fold(0.0_f32, f32::max);
        self.air.rivals = rivals;
        (!deaf).then_some(worst_mw)
    }

    /// A node has read a frame whole.
    fn heard(&mut self, ear: Ear, frame: &OnAir) {
        let node = ear.node;
        let own = &mut self.nodes[node as usize];
        if frame.acknowledges {
            own.mac.handle_ack(self.now_ns, Some(eui(frame.from)), frame.sequence);
            return self.settle_mac(node);
        }
        let number = frame.ack_request.then_some(frame.sequence);
        if number.is_some() {
            (own.ack_channel, own.responds) = (frame.channel, frame.flow != Flow::None);
            if own.responds {
                self.stay(node, frame);
            }
        }
        let own = &mut self.nodes[node as usize];
        let received = own.mac.handle_receive(self.now_ns, eui(frame.from), number, frame.ack_request);
        if received == crate::mac::engine::Received::New && self.arrive(ear, frame.from, frame.cargo) {
            self.settle(node);
        } else if frame.ack_request {
            self.settle_mac(node);
        }
    }

    /// Every frame says where its sender listens.
    fn learn_schedule(&mut self, node: u32, from: u32, at_ns: u64) {
        let Ok([own, other]) = self.nodes.get_disjoint_mut([node as usize, from as usize]) else { return };
        if let (Some(hopping), Some(of)) = (own.mac.hopping_mut(), other.mac.hopping())
            && hopping.heard_of(of.own.of).is_none_or(|heard| heard.at_ns < at_ns)
        {
            let ufsi = of.own.ufsi_at(at_ns.saturating_sub(of.started_ns));
            hopping.hear(&of.own, at_ns, ufsi);
        }
    }

    /// What a frame for all said of where its sender listens is only noted when it is read, and learned when it is
    /// wanted: before something is sent there.
    pub(super) fn recall(&mut self, node: u32, of: u32) {
        if let Some(at_ns) = self.links.take_read(of, node) {
            self.learn_schedule(node, of, at_ns);
        }
    }

    /// A node loses power: others learn what they noted of it while it still counts, and what it noted is gone.
    pub(super) fn forget_reads(&mut self, node: u32) {
        for index in 0.. {
            let Some(&ear) = self.links.near(node).get(index) else { break };
            self.recall(ear.node, node);
        }
        for other in 0..self.nodes.len() as u32 {
            self.links.take_read(other, node);
        }
    }

    fn cargo_use(&self, cargo: u32) -> Use {
        self.cargoes.get(cargo as usize).map_or(Use::Acknowledgement, |cargo| cargo.tag.of)
    }
}
