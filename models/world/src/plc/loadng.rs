//! Routes on demand: LOADng as G3-PLC uses it (ITU-T G.9903 annex D), one machine a modem, sans-I/O.
//!
//! A modem that wants a route floods a route request; each that hears it remembers the way back and passes it on, and
//! again when it comes by a cheaper way. Only the wanted modem answers (no answers from caches), along the way back,
//! and the answer leaves the route behind. A modem that finds its next hop gone tells the sender with a route error.
//!
//! Methods: getters ([`Loadng::route`]), `handle_*` for what happened, the command [`Loadng::discover`], and
//! [`Loadng::poll_output`] until it answers `None`. Costs are the link's airtime in microseconds or whatever grows with
//! badness: sums of `u32`. Left out: the weak-link count, G3's hop count in the low bits of the metric, and the
//! answer's wait for a better request (a second answer is sent instead).

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

/// A modem's short address.
pub type Address = u16;

/// Constants of the protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadngParams {
    /// Hops a request may travel (adpMaxHops). Assumed: 14.
    pub hops_max: u8,
    /// Wait for an answer before asking again, ms (twice adpNetTraversalTime). Assumed: 40 s.
    pub answer_ms: u64,
    /// Questions before giving up (1 and adpRREQRetries). Assumed: 3.
    pub tries: u8,
    /// How long an unused route is kept, ms (adpRoutingTableEntryTTL). Assumed: 360 min.
    pub route_ms: u64,
}

impl Default for LoadngParams {
    fn default() -> Self {
        Self { hops_max: 14, answer_ms: 40_000, tries: 3, route_ms: 360 * 60_000 }
    }
}

/// A request or an answer on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    /// Who began this message.
    pub originator: Address,
    /// Whom it is for.
    pub destination: Address,
    /// The originator's sequence number.
    pub sequence: u16,
    /// Cost so far.
    pub cost: u32,
    /// Hops so far.
    pub hops: u8,
}

/// Messages between neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// Route request, to all.
    Request(Search),
    /// Route reply, to one.
    Reply(Search),
    /// Route error: no way on to `unreachable`, for `destination`.
    Error {
        /// Who is to know.
        destination: Address,
        /// Who cannot be reached.
        unreachable: Address,
    },
}

/// What the machine wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send to all neighbours.
    Broadcast(Message),
    /// Send to one.
    Send(Address, Message),
    /// A route is there (again).
    Found(Address),
    /// Nobody answered.
    NotFound(Address),
}

/// A way to a modem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The neighbour to send to.
    pub next: Address,
    /// Cost of the whole way.
    pub cost: u32,
    /// Hops of the whole way.
    pub hops: u8,
    sequence: u16,
    until_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Question {
    tries: u8,
    deadline_ms: u64,
}

/// One modem's routing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loadng {
    params: LoadngParams,
    address: Address,
    sequence: u16,
    routes: BTreeMap<Address, Route>,
    questions: BTreeMap<Address, Question>,
    #[serde(skip)]
    out: VecDeque<Output>,
}

impl Loadng {
    /// A modem without routes.
    #[must_use]
    pub const fn new(params: LoadngParams, address: Address) -> Self {
        Self { params, address, sequence: 0, routes: BTreeMap::new(), questions: BTreeMap::new(), out: VecDeque::new() }
    }

    /// The way to a modem, if one is known and fresh.
    #[must_use]
    pub fn route(&self, now_ms: u64, to: Address) -> Option<&Route> {
        self.routes.get(&to).filter(|r| r.until_ms > now_ms)
    }

    /// The next moment at which [`Loadng::handle_timeout`] has something to do.
    #[must_use]
    pub fn deadline_ms(&self) -> Option<u64> {
        self.questions.values().map(|q| q.deadline_ms).min()
    }

    /// Asks for a route, unless a question is out already.
    pub fn discover(&mut self, now_ms: u64, to: Address) {
        if to != self.address && !self.questions.contains_key(&to) {
            self.ask(now_ms, to, 1);
        }
    }

    /// A data frame went to or through this modem's next hop: the route stays.
    pub fn handle_used(&mut self, now_ms: u64, to: Address) {
        let until_ms = now_ms.saturating_add(self.params.route_ms);
        if let Some(route) = self.routes.get_mut(&to).filter(|r| r.until_ms > now_ms) {
            route.until_ms = until_ms;
        }
    }

    /// A message came from a neighbour over a link of this cost.
    pub fn handle_message(&mut self, now_ms: u64, from: Address, link_cost: u32, message: Message) {
        match message {
            Message::Request(search) => self.handle_request(now_ms, from, arrived(search, link_cost)),
            Message::Reply(search) => self.handle_reply(now_ms, from, arrived(search, link_cost)),
            Message::Error { destination, unreachable } => {
                // Only the neighbour we send through can break our route.
                if self.routes.get(&unreachable).is_some_and(|r| r.next == from) {
                    self.routes.remove(&unreachable);
                }
                if destination != self.address {
                    self.pass_on(now_ms, destination, message);
                }
            }
        }
    }

    /// The next hop of data from `source` to `to` did not answer.
    pub fn handle_link_failed(&mut self, now_ms: u64, source: Address, to: Address) {
        let Some(broken) = self.routes.get(&to).copied() else { return };
        self.routes.retain(|_, r| r.next != broken.next);
        if source == self.address {
            self.discover(now_ms, to);
        } else {
            self.pass_on(now_ms, source, Message::Error { destination: source, unreachable: to });
        }
    }

    /// A deadline has passed: ask again, or give up.
    pub fn handle_timeout(&mut self, now_ms: u64) {
        let late: Vec<(Address, u8)> =
            self.questions.iter().filter(|(_, q)| q.deadline_ms <= now_ms).map(|(to, q)| (*to, q.tries)).collect();
        for (to, tries) in late {
            if tries < self.params.tries {
                self.ask(now_ms, to, tries + 1);
            } else {
                self.questions.remove(&to);
                self.out.push_back(Output::NotFound(to));
            }
        }
        self.routes.retain(|_, r| r.until_ms > now_ms);
    }

    /// What comes out, until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    fn ask(&mut self, now_ms: u64, to: Address, tries: u8) {
        self.questions.insert(to, Question { tries, deadline_ms: now_ms.saturating_add(self.params.answer_ms) });
        let request = Message::Request(self.search_to(to));
        self.out.push_back(Output::Broadcast(request));
    }

    fn search_to(&mut self, destination: Address) -> Search {
        self.sequence = self.sequence.wrapping_add(1);
        Search { originator: self.address, destination, sequence: self.sequence, cost: 0, hops: 0 }
    }

    fn handle_request(&mut self, now_ms: u64, from: Address, search: Search) {
        if search.originator == self.address || !self.learn(now_ms, from, &search) {
            return;
        }
        if search.destination == self.address {
            let reply = Message::Reply(self.search_to(search.originator));
            self.out.push_back(Output::Send(from, reply));
        } else if search.hops < self.params.hops_max {
            self.out.push_back(Output::Broadcast(Message::Request(search)));
        }
    }

    fn handle_reply(&mut self, now_ms: u64, from: Address, search: Search) {
        if search.originator == self.address || !self.learn(now_ms, from, &search) {
            return;
        }
        if search.destination != self.address {
            if search.hops < self.params.hops_max {
                self.pass_on(now_ms, search.destination, Message::Reply(search));
            }
        } else if self.questions.remove(&search.originator).is_some() {
            self.out.push_back(Output::Found(search.originator));
        }
    }

    /// Remembers the way back to a message's originator; false when it is older or no cheaper than what is known.
    fn learn(&mut self, now_ms: u64, from: Address, search: &Search) -> bool {
        let known = self.routes.get(&search.originator).filter(|r| r.until_ms > now_ms);
        let news = known.is_none_or(|r| match newer(search.sequence, r.sequence) {
            core::cmp::Ordering::Greater => true,
            core::cmp::Ordering::Equal => (search.cost, search.hops) < (r.cost, r.hops),
            core::cmp::Ordering::Less => false,
        });
        if news {
            let until_ms = now_ms.saturating_add(self.params.route_ms);
            let Search { cost, hops, sequence, .. } = *search;
            self.routes.insert(search.originator, Route { next: from, cost, hops, sequence, until_ms });
        }
        news
    }

    fn pass_on(&mut self, now_ms: u64, to: Address, message: Message) {
        if let Some(next) = self.route(now_ms, to).map(|r| r.next) {
            self.out.push_back(Output::Send(next, message));
        }
    }
}

const fn arrived(search: Search, link_cost: u32) -> Search {
    Search { cost: search.cost.saturating_add(link_cost), hops: search.hops.saturating_add(1), ..search }
}

/// Which of two sequence numbers is younger, round the clock of 16 bits.
fn newer(a: u16, b: u16) -> core::cmp::Ordering {
    match a.wrapping_sub(b) {
        0 => core::cmp::Ordering::Equal,
        1..=0x7fff => core::cmp::Ordering::Greater,
        _ => core::cmp::Ordering::Less,
    }
}

#[cfg(test)]
mod tests;
