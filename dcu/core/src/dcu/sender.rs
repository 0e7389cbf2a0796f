//! Sending the outbox: what is under way, when it is sent again. Volatile; after a restart everything that the cloud
//! has not acknowledged is simply sent again.

use std::collections::VecDeque;

use super::{NS_PER_MS, NS_PER_S, output::LinkState};
use crate::{
    config::{DcuConfig, UplinkConfig},
    journal::State,
    uplink::{Lane, Outbox},
};

/// Most doublings of the resend time.
const DOUBLINGS_MAX: u32 = 3;

/// A frame under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flight {
    pub(super) sequence: u64,
    pub(super) cargo: Cargo,
    due: u64,
    tries: u32,
}

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cargo {
    Hello,
    /// How far the journal goes, as it is when the frame leaves.
    Standing,
    Entries {
        lane: Lane,
        from: u64,
        to: u64,
    },
}

/// A frame to be encoded now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Acknowledge this frame of the cloud.
    Ack(u64),
    /// Send (again) this cargo under this number.
    Send { sequence: u64, cargo: Cargo },
}

/// The sender.
#[derive(Debug)]
pub(super) struct Sender {
    up: bool,
    sequence: u64,
    flights: Vec<Flight>,
    /// Next entry of each lane that is not under way yet.
    urgent_next: u64,
    readings_next: u64,
    hello_due: bool,
    pub(super) standing_due: bool,
    hello_at: Option<u64>,
    /// Since when readings have been waiting for company.
    gathering_since: Option<u64>,
    /// Frames of the cloud to acknowledge, and the record that must be durable first.
    acks: VecDeque<(u64, u64)>,
}

impl Sender {
    pub(super) fn new(state: &State) -> Self {
        Self {
            up: false,
            sequence: 0,
            flights: Vec::new(),
            urgent_next: state.outbox().first(Lane::Urgent),
            readings_next: state.outbox().first(Lane::Readings),
            hello_due: false,
            standing_due: false,
            hello_at: None,
            gathering_since: None,
            acks: VecDeque::new(),
        }
    }

    pub(super) fn handle_link(&mut self, now: u64, link: LinkState, state: &State) {
        let up = link == LinkState::Up;
        if up == self.up {
            return;
        }
        self.up = up;
        self.flights.clear();
        self.urgent_next = state.outbox().first(Lane::Urgent);
        self.readings_next = state.outbox().first(Lane::Readings);
        self.hello_due = up;
        self.gathering_since = Some(now);
    }

    /// Acknowledge this frame once that record is durable. Unacknowledged frames come again, so nothing is lost when
    /// the link goes down in between.
    pub(super) fn acknowledge(&mut self, record: u64, sequence: u64) {
        self.acks.push_back((record, sequence));
    }

    /// The cloud has this frame: what it carried.
    pub(super) fn arrived(&mut self, sequence: u64) -> Option<Cargo> {
        let at = self.flights.iter().position(|f| f.sequence == sequence)?;
        Some(self.flights.swap_remove(at).cargo)
    }

    /// A standing is to go or under way.
    pub(super) fn has_standing(&self) -> bool {
        self.standing_due || self.flights.iter().any(|flight| flight.cargo == Cargo::Standing)
    }

    /// The next thing to send, if anything is due.
    pub(super) fn next(
        &mut self,
        now: u64,
        config: &DcuConfig,
        outbox: &Outbox,
        durable: u64,
        contact: Option<u64>,
    ) -> Option<Due> {
        if let Some(&(record, sequence)) = self.acks.front()
            && record <= durable
        {
            self.acks.pop_front();
            if self.up {
                return Some(Due::Ack(sequence));
            }
        }
        if !self.up {
            return None;
        }
        let uplink = &config.uplink;
        if let Some(flight) = self.flights.iter_mut().find(|f| f.due <= now) {
            flight.tries = flight.tries.saturating_add(1);
            flight.due = now.saturating_add(resend_ns(uplink, flight.tries));
            return Some(Due::Send { sequence: flight.sequence, cargo: flight.cargo });
        }
        if self.flights.len() >= uplink.window.max(1) {
            return None;
        }
        if self.hello_due || self.keepalive_at(uplink, contact).is_some_and(|at| at <= now) {
            self.hello_due = false;
            self.hello_at = Some(now);
            return Some(self.launch(now, uplink, Cargo::Hello));
        }
        if std::mem::take(&mut self.standing_due) {
            return Some(self.launch(now, uplink, Cargo::Standing));
        }
        self.urgent_next = self.urgent_next.max(outbox.first(Lane::Urgent));
        if outbox.may_leave(Lane::Urgent, self.urgent_next, durable) {
            let from = self.urgent_next;
            return Some(self.launch(
                now,
                uplink,
                Cargo::Entries { lane: Lane::Urgent, from, to: from.saturating_add(1) },
            ));
        }
        self.readings_next = self.readings_next.max(outbox.first(Lane::Readings));
        if outbox.may_leave(Lane::Readings, self.readings_next, durable) {
            let since = *self.gathering_since.get_or_insert(now);
            let ripe = since.saturating_add(u64::from(uplink.flush_ms).saturating_mul(NS_PER_MS)) <= now;
            if ripe || self.full_frame_waits(uplink, outbox) {
                let (from, to) = (self.readings_next, outbox.end(Lane::Readings));
                return Some(self.launch(now, uplink, Cargo::Entries { lane: Lane::Readings, from, to }));
            }
        } else {
            self.gathering_since = None;
        }
        None
    }

    /// A launched frame of entries took those up to `to`.
    pub(super) fn took(&mut self, sequence: u64, to: u64) {
        let Some(flight) = self.flights.iter_mut().find(|f| f.sequence == sequence) else { return };
        let Cargo::Entries { lane, to: end, .. } = &mut flight.cargo else { return };
        *end = to;
        match lane {
            Lane::Urgent => self.urgent_next = self.urgent_next.max(to),
            Lane::Readings => self.readings_next = self.readings_next.max(to),
        }
    }

    /// A frame had nothing left to carry (its entries were dropped at the bound).
    pub(super) fn cancel(&mut self, sequence: u64) {
        self.flights.retain(|f| f.sequence != sequence);
    }

    pub(super) fn deadline(
        &self,
        config: &DcuConfig,
        state: &State,
        durable: u64,
        contact: Option<u64>,
    ) -> Option<u64> {
        if !self.up {
            return None;
        }
        let uplink = &config.uplink;
        let resend = self.flights.iter().map(|f| f.due).min();
        let room = self.flights.len() < uplink.window.max(1);
        let keepalive = self.keepalive_at(uplink, contact).filter(|_| room);
        let next = self.readings_next.max(state.outbox().first(Lane::Readings));
        let flush = self
            .gathering_since
            .filter(|_| room && state.outbox().may_leave(Lane::Readings, next, durable))
            .map(|since| since.saturating_add(u64::from(uplink.flush_ms).saturating_mul(NS_PER_MS)));
        [resend, keepalive, flush].into_iter().flatten().min()
    }

    fn launch(&mut self, now: u64, uplink: &UplinkConfig, cargo: Cargo) -> Due {
        self.sequence = self.sequence.saturating_add(1);
        let sequence = self.sequence;
        self.flights.push(Flight { sequence, cargo, due: now.saturating_add(resend_ns(uplink, 0)), tries: 0 });
        Due::Send { sequence, cargo }
    }

    /// Enough readings wait to fill a frame (a reading takes about 12 bytes).
    fn full_frame_waits(&self, uplink: &UplinkConfig, outbox: &Outbox) -> bool {
        let waiting = outbox.end(Lane::Readings).saturating_sub(self.readings_next);
        waiting.saturating_mul(12) >= uplink.frame_bytes_max as u64
    }

    fn keepalive_at(&self, uplink: &UplinkConfig, contact: Option<u64>) -> Option<u64> {
        let quiet_since = contact.max(self.hello_at)?;
        Some(quiet_since.saturating_add(u64::from(uplink.keepalive_s).saturating_mul(NS_PER_S)))
    }
}

fn resend_ns(uplink: &UplinkConfig, tries: u32) -> u64 {
    u64::from(uplink.resend_ms).saturating_mul(NS_PER_MS) << tries.min(DOUBLINGS_MAX)
}
