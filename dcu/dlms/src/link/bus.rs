//! Several meters on one pair of wires (RS-485): who may speak.
//!
//! A [`Bus`] grants the line to one conversation at a time. A conversation is what its owner makes of it: one command of
//! a client, or several. Ask by [`Bus::request`], begin when [`Bus::poll`] names you, hand received bytes to
//! [`Bus::holder`] alone, and end by [`Bus::release`].
//!
//! - Who asks with the higher priority comes first; among equals, who asked first. Whoever has waited for `patience_ns`
//!   comes before all others, so nobody starves.
//! - Between two conversations the line stays quiet for `gap_ns`: transceivers turn round, and a late answer to the one
//!   before falls into the gap, not into the next one. (It would be ignored there as well, by its address.)
//! - A conversation that lasts longer than `hold_max_ns` is named by [`BusOutput::Overdue`]: its owner is to cancel it
//!   and release the line.

use std::collections::VecDeque;

/// How a bus is set up; all in ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusConfig {
    /// Quiet between two conversations.
    pub gap_ns: u64,
    /// Longest conversation.
    pub hold_max_ns: u64,
    /// Who has waited so long goes first.
    pub patience_ns: u64,
}

/// What a bus has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusOutput<Id> {
    /// The line is yours.
    Granted(Id),
    /// You have had it for too long: cancel, and release it.
    Overdue(Id),
    /// Nothing until then.
    Timeout(Option<u64>),
}

/// Grants a line to one conversation at a time. `Id` names a meter, or its client.
#[derive(Clone, Debug)]
pub struct Bus<Id> {
    config: BusConfig,
    holder: Option<Holder<Id>>,
    waiting: VecDeque<Waiting<Id>>,
    quiet_until: u64,
}

#[derive(Clone, Copy, Debug)]
struct Holder<Id> {
    id: Id,
    until: u64,
    warned: bool,
}

#[derive(Clone, Copy, Debug)]
struct Waiting<Id> {
    id: Id,
    priority: u8,
    since: u64,
}

impl<Id: Copy + PartialEq> Bus<Id> {
    /// Free.
    #[must_use]
    pub const fn new(config: BusConfig) -> Self {
        Self { config, holder: None, waiting: VecDeque::new(), quiet_until: 0 }
    }

    /// Who may speak, and hears what comes.
    #[must_use]
    pub fn holder(&self) -> Option<Id> {
        self.holder.map(|holder| holder.id)
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Asks for the line; higher priorities come first. Who waits already keeps its place, with the higher priority.
    pub fn request(&mut self, now: u64, id: Id, priority: u8) {
        match self.waiting.iter_mut().find(|waiting| waiting.id == id) {
            Some(waiting) => waiting.priority = waiting.priority.max(priority),
            None => self.waiting.push_back(Waiting { id, priority, since: now }),
        }
    }

    /// Ends a conversation, or takes a request back.
    pub fn release(&mut self, now: u64, id: Id) {
        self.waiting.retain(|waiting| waiting.id != id);
        if self.holder() == Some(id) {
            self.holder = None;
            self.quiet_until = now.saturating_add(self.config.gap_ns);
        }
    }

    /// What is to be done now; drain until [`BusOutput::Timeout`], and call again then.
    pub fn poll(&mut self, now: u64) -> BusOutput<Id> {
        if let Some(holder) = &mut self.holder {
            if now < holder.until || holder.warned {
                return BusOutput::Timeout((!holder.warned).then_some(holder.until));
            }
            holder.warned = true;
            return BusOutput::Overdue(holder.id);
        }
        if now < self.quiet_until && !self.waiting.is_empty() {
            return BusOutput::Timeout(Some(self.quiet_until));
        }
        let patience = self.config.patience_ns;
        let rank = |waiting: &Waiting<Id>| {
            let impatient = now.saturating_sub(waiting.since) >= patience;
            if impatient { u16::MAX } else { u16::from(waiting.priority) }
        };
        // The first of the highest rank.
        let best = self.waiting.iter().map(rank).max();
        let Some(at) = self.waiting.iter().position(|waiting| Some(rank(waiting)) == best) else {
            return BusOutput::Timeout(None);
        };
        match self.waiting.remove(at) {
            Some(Waiting { id, .. }) => {
                self.holder = Some(Holder { id, until: now.saturating_add(self.config.hold_max_ns), warned: false });
                BusOutput::Granted(id)
            }
            None => BusOutput::Timeout(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bus() -> Bus<u32> {
        Bus::new(BusConfig { gap_ns: 10, hold_max_ns: 1000, patience_ns: 5000 })
    }

    #[test]
    fn one_speaks_at_a_time_with_a_gap_between() {
        let mut bus = bus();
        bus.request(0, 1, 0);
        bus.request(0, 2, 0);
        assert_eq!(bus.poll(0), BusOutput::Granted(1));
        assert_eq!(bus.poll(0), BusOutput::Timeout(Some(1000)));
        bus.release(500, 1);
        assert_eq!((bus.poll(500), bus.holder()), (BusOutput::Timeout(Some(510)), None));
        assert_eq!(bus.poll(510), BusOutput::Granted(2));
        bus.release(600, 2);
        assert_eq!(bus.poll(600), BusOutput::Timeout(None));
    }

    #[test]
    fn the_urgent_come_first_but_nobody_starves() {
        let mut bus = bus();
        bus.request(0, 1, 0);
        let mut order = Vec::new();
        let mut now = 0;
        while order.last() != Some(&1) {
            bus.request(now, 2, 9);
            bus.request(now, 3, 9);
            let BusOutput::Granted(id) = bus.poll(now) else { panic!("not granted") };
            order.push(id);
            bus.release(now, id);
            now += 700;
        }
        assert_eq!(order, [2, 3, 2, 3, 2, 3, 2, 3, 1]);
    }

    #[test]
    fn who_holds_it_too_long_is_told_once() {
        let mut bus = bus();
        bus.request(0, 1, 0);
        assert_eq!(bus.poll(0), BusOutput::Granted(1));
        assert_eq!(bus.poll(1000), BusOutput::Overdue(1));
        assert_eq!(bus.poll(1001), BusOutput::Timeout(None));
        bus.request(1001, 2, 0);
        bus.release(1002, 1);
        assert_eq!(bus.poll(1012), BusOutput::Granted(2));
    }

    #[test]
    fn a_request_may_be_taken_back() {
        let mut bus = bus();
        bus.request(0, 1, 0);
        bus.release(0, 1);
        assert_eq!((bus.poll(0), bus.waiting()), (BusOutput::Timeout(None), 0));
    }
}
