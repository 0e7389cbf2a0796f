//! The air: who is tuned to a frame, what overlaps it, who reads it.
//!
//! A receiver locks on the first frame that begins on the channel where it listens and can be made out; a stronger one
//! by the capture ratio takes over while the first one's preamble lasts. A frame is read when it stands above its
//! rivals' worst by that ratio, and then by the share that the table gives for signal to noise and rivals together, at
//! its length. Who transmits is deaf. An acknowledgement is sought on the channel of its frame.

use super::Network;
use super::event::{Event, Frame, Use};
use super::links::decibels;
use super::node::{Lock, NONE, eui};
use super::queue::Due;
use crate::chance::Chance;

/// A frame on the air, or about to be.
#[derive(Debug, Clone, Default)]
pub(super) struct OnAir {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) channel: u16,
    pub(super) sequence: u8,
    pub(super) ack_request: bool,
    pub(super) acknowledges: bool,
    pub(super) cargo: u32,
    pub(super) octets: u32,
    pub(super) start_ns: u64,
    pub(super) life: u8,
    /// Who locked on it.
    pub(super) takers: Vec<u32>,
}

/// Frames by place; places are used again.
#[derive(Debug, Clone, Default)]
pub(super) struct Air {
    pub(super) frames: Vec<OnAir>,
    free: Vec<u32>,
    active: Vec<u32>,
}

impl Air {
    pub(super) fn put(&mut self, frame: OnAir) -> u32 {
        if let Some(place) = self.free.pop() {
            let old = &mut self.frames[place as usize];
            let takers = core::mem::take(&mut old.takers);
            *old = OnAir { takers, ..frame };
            return place;
        }
        self.frames.push(frame);
        (self.frames.len() - 1) as u32
    }
}

impl Network {
    /// What a node has beside wanted signals on a channel: noise and interferers, milliwatts.
    fn noise_mw(&self, node: u32, channel: u16) -> f32 {
        let extra = self.interferers.iter().filter(|of| of.node == node && of.channels.contains(&channel));
        self.noise_mw + extra.map(|of| of.mw).sum::<f32>()
    }

    /// The frames on a channel other than one, as heard by a node, milliwatts.
    fn rivals_mw(&self, node: u32, channel: u16, but: u32) -> f32 {
        let mut sum = 0.0;
        for &place in &self.air.active {
            let frame = &self.air.frames[place as usize];
            if place != but && frame.channel == channel {
                sum += self.links.between(frame.from, node).map_or(0.0, |ear| ear.mw);
            }
        }
        sum
    }

    /// Whether a node finds a channel busy.
    pub(super) fn is_busy(&self, node: u32, channel: u16) -> bool {
        let locked = self.radios[node as usize].lock.map(|lock| self.air.frames[lock.place as usize].channel);
        if locked == Some(channel) {
            return true;
        }
        if self.air.active.is_empty() && self.interferers.is_empty() {
            return false;
        }
        self.noise_mw(node, channel) - self.noise_mw + self.rivals_mw(node, channel, NONE) >= self.busy_mw
    }

    /// The channel on which a node listens now.
    fn listening(&mut self, node: u32) -> u16 {
        let radio = &mut self.radios[node as usize];
        if self.now_ns >= radio.until_ns {
            let Some(hopping) = self.nodes[node as usize].mac.hopping() else { return 0 };
            let dwell_ns = u64::from(hopping.own.dwell_ms) * 1_000_000;
            let into_ns = self.now_ns.saturating_sub(hopping.started_ns) % dwell_ns;
            let mut until_ns = self.now_ns + (dwell_ns - into_ns);
            if let Some(all) = &hopping.broadcast {
                let (_, into_ns) = all.slot_at(self.now_ns);
                let dwell_ns = u64::from(all.dwell_ms) * 1_000_000;
                let interval_ns = u64::from(all.interval_ms) * 1_000_000;
                let end_ns = if into_ns < dwell_ns { dwell_ns } else { interval_ns };
                let end_ns = self.now_ns + (end_ns - into_ns);
                until_ns = if into_ns < dwell_ns { end_ns } else { until_ns.min(end_ns) };
            }
            (radio.channel, radio.until_ns) = (hopping.listening(self.now_ns), until_ns);
        }
        radio.channel
    }

    /// The first bit of a frame is on the air.
    pub(super) fn begin(&mut self, place: u32) {
        let at = place as usize;
        let OnAir { from, to, channel, octets, acknowledges, life, .. } = self.air.frames[at];
        if !self.radios[from as usize].on || self.nodes[from as usize].life != life {
            self.air.free.push(place);
            return;
        }
        self.air.frames[at].start_ns = self.now_ns;
        self.digest(self.now_ns, u64::from(from) << 32 | u64::from(channel) << 16 | u64::from(octets));
        let sender = &mut self.radios[from as usize];
        (sender.sending, sender.lock) = (true, None);
        let alone = self.air.active.is_empty();
        let mut takers = core::mem::take(&mut self.air.frames[at].takers);
        takers.clear();
        for index in 0..self.links.of(from).len() {
            let Some(&ear) = self.links.of(from).get(index) else { break };
            let node = ear.node;
            let radio = self.radios[node as usize];
            if !radio.on || radio.sending {
                continue;
            }
            let strong = ear.dbm >= self.config.noise_dbm + self.config.sync_db;
            let tuned = strong && if acknowledges { to == node } else { self.listening(node) == channel };
            if let Some(mut lock) = radio.lock {
                let held = &self.air.frames[lock.place as usize];
                if held.channel != channel {
                    continue;
                }
                let preamble = self.now_ns < held.start_ns + self.config.phy.header_ns;
                if tuned && preamble && ear.dbm >= lock.dbm + self.config.capture_db {
                    self.totals.collided += 1;
                    let rivals_mw = lock.rivals_mw + lock.mw;
                    lock = Lock { place, dbm: ear.dbm, mw: ear.mw, rivals_mw, worst_mw: rivals_mw };
                    self.totals.tuned += 1;
                    takers.push(node);
                } else {
                    lock.rivals_mw += ear.mw;
                    lock.worst_mw = lock.worst_mw.max(lock.rivals_mw);
                }
                self.radios[node as usize].lock = Some(lock);
            } else if tuned {
                let rivals_mw = if alone { 0.0 } else { self.rivals_mw(node, channel, place) };
                self.totals.tuned += 1;
                let lock = Lock { place, dbm: ear.dbm, mw: ear.mw, rivals_mw, worst_mw: rivals_mw };
                self.radios[node as usize].lock = Some(lock);
                takers.push(node);
            }
        }
        self.air.frames[at].takers = takers;
        self.air.active.push(place);
        let end_ns = self.now_ns + self.config.phy.air_ns(octets);
        self.queue.push(end_ns, from, Due::End(place));
    }

    /// Its last bit is.
    pub(super) fn end(&mut self, place: u32) {
        let at = place as usize;
        self.air.active.retain(|&other| other != place);
        let OnAir { from, to, channel, octets, cargo, start_ns, life, .. } = self.air.frames[at];
        self.ease(place);
        let of = self.cargo_use(cargo);
        let counted = &mut self.totals.by_use[of as usize];
        counted.0 += 1;
        counted.1 += self.now_ns - start_ns;
        if self.config.trace {
            let to = (to != NONE).then_some(to);
            self.events.push_back(Event::Frame(Frame { start_ns, from, to, channel, octets, of }));
        }
        let alive = self.nodes[from as usize].life == life;
        if alive {
            self.radios[from as usize].sending = false;
        }
        let takers = core::mem::take(&mut self.air.frames[at].takers);
        for &node in &takers {
            let radio = &mut self.radios[node as usize];
            let Some(lock) = radio.lock.take_if(|lock| lock.place == place) else { continue };
            if alive && self.reads(node, &lock, place) {
                self.heard(node, place);
            }
        }
        self.air.frames[at].takers = takers;
        if alive {
            self.nodes[from as usize].mac.handle_sent(self.now_ns);
            self.settle(from);
        }
        self.air.free.push(place);
    }

    /// Whoever had this frame for a rival has one less.
    fn ease(&mut self, place: u32) {
        if self.air.active.is_empty() {
            return;
        }
        let OnAir { from, channel, .. } = self.air.frames[place as usize];
        for index in 0..self.links.of(from).len() {
            let Some(&ear) = self.links.of(from).get(index) else { break };
            let Some(lock) = &mut self.radios[ear.node as usize].lock else { continue };
            if lock.place != place && self.air.frames[lock.place as usize].channel == channel {
                lock.rivals_mw = (lock.rivals_mw - ear.mw).max(0.0);
            }
        }
    }

    /// Whether a frame that a node was locked on is read. The draw is this link's for this frame.
    fn reads(&mut self, node: u32, lock: &Lock, place: u32) -> bool {
        let OnAir { from, channel, octets, start_ns, .. } = self.air.frames[place as usize];
        let quiet = lock.worst_mw <= 0.0 && self.interferers.is_empty();
        let (snr_db, clear) = if quiet {
            (lock.dbm - self.config.noise_dbm, true)
        } else {
            let noise_mw = self.noise_mw(node, channel);
            let clear = lock.worst_mw <= 0.0 || decibels(lock.mw / lock.worst_mw) >= self.config.capture_db;
            (decibels(lock.mw / (noise_mw + lock.worst_mw)), clear)
        };
        if !clear {
            self.totals.collided += 1;
            return false;
        }
        let share = self.config.success.share(snr_db, octets);
        let read = share >= 1.0 || {
            let pair = u64::from(from) << 32 | u64::from(node);
            Chance::new(self.config.seed ^ pair.rotate_left(17)).fork(start_ns).happens(f64::from(share))
        };
        self.totals.noise += u64::from(!read);
        read
    }

    /// A node has read a frame whole.
    fn heard(&mut self, node: u32, place: u32) {
        let OnAir { from, to, channel, sequence, ack_request, acknowledges, cargo, start_ns, .. } =
            self.air.frames[place as usize];
        if to == NONE || to == node {
            self.learn_schedule(node, from, start_ns);
        }
        if acknowledges {
            self.nodes[node as usize].mac.handle_ack(self.now_ns, Some(eui(from)), sequence);
            self.settle(node);
            return;
        }
        if to != NONE && to != node {
            return;
        }
        let own = &mut self.nodes[node as usize];
        own.ack_channel = channel;
        let number = ack_request.then_some(sequence);
        let received = own.mac.handle_receive(self.now_ns, eui(from), number, ack_request);
        if received == crate::mac::engine::Received::New {
            self.arrive(node, from, cargo);
        }
        self.settle(node);
    }

    /// Every frame says where its sender listens.
    fn learn_schedule(&mut self, node: u32, from: u32, at_ns: u64) {
        let Ok([own, other]) = self.nodes.get_disjoint_mut([node as usize, from as usize]) else { return };
        if let (Some(hopping), Some(of)) = (own.mac.hopping_mut(), other.mac.hopping()) {
            let ufsi = of.own.ufsi_at(at_ns.saturating_sub(of.started_ns));
            hopping.hear(&of.own, at_ns, ufsi);
        }
    }

    fn cargo_use(&self, cargo: u32) -> Use {
        self.cargoes.get(cargo as usize).map_or(Use::Acknowledgement, |cargo| cargo.tag.of)
    }
}
