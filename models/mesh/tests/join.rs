//! Joining over ideal or lossy air without a MAC: the times that discovery, keys and addresses take by themselves.
//!
//! Routing is a stand-in here: a node asks for a parent after 5 s (then doubling to 180 s, ±10 %), finds one when a
//! neighbour serves, and registers 3 s after it has an address: the delays of the open router that was recorded.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use taa_mesh::Eui64;
use taa_mesh::chance::Chance;
use taa_mesh::wisun::border::{Border, Config};
use taa_mesh::wisun::exchange::Exchange;
use taa_mesh::wisun::join::{Output, Router, State};
use taa_mesh::wisun::keys::{DAY_NS, Lives};
use taa_mesh::wisun::message::{Message, To};
use taa_mesh::wisun::params::{Params, Size};

const S: u64 = 1_000_000_000;
const NETWORK: u32 = 7;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Wake(usize),
    Arrive { node: usize, from: usize, relay: Option<usize>, number: usize },
    Parent(usize),
    Registered(usize),
    Refresh(usize),
}

/// A border router (0) and routers, who hear their neighbours.
struct Air {
    params: Params,
    border: Border,
    routers: Vec<Router>,
    hears: Vec<Vec<usize>>,
    parent: Vec<Option<usize>>,
    asked: Vec<u32>,
    losses: u64,
    queue: BinaryHeap<Reverse<(u64, usize, Event)>>,
    messages: Vec<Message>,
    now: u64,
    draws: Chance,
    joined: BTreeMap<usize, u64>,
    states: Vec<(u64, usize, State)>,
    exchanges: BTreeMap<Exchange, u32>,
    wake: Vec<u64>,
}

fn eui(node: usize) -> Eui64 {
    Eui64((node as u64).to_be_bytes())
}

fn node(of: Eui64) -> usize {
    u64::from_be_bytes(of.0) as usize
}

impl Air {
    fn new(size: Size, hears: Vec<Vec<usize>>, losses: u64, seed: u64, sessions_max: usize) -> Self {
        let params = Params::of(size);
        let config = Config { network: NETWORK, pan_id: 0xcb29, params, lives: Lives::default(), sessions_max };
        let all = hears.len();
        let mut air = Self {
            params,
            border: Border::start(0, eui(0), config, seed, None),
            routers: (0..all).map(|at| Router::new(eui(at), NETWORK, params, seed ^ (at as u64) << 40)).collect(),
            parent: vec![None; all],
            asked: vec![0; all],
            hears,
            losses,
            queue: BinaryHeap::new(),
            messages: Vec::new(),
            now: 0,
            draws: Chance::new(seed ^ 0xa1),
            joined: BTreeMap::new(),
            states: Vec::new(),
            exchanges: BTreeMap::new(),
            wake: vec![0; all],
        };
        for at in 1..all {
            air.routers[at].power_up(0, None);
            air.drain(at);
        }
        air.drain(0);
        air
    }

    fn at(&mut self, time: u64, event: Event) {
        let number = self.queue.len() + self.messages.len();
        self.queue.push(Reverse((time, number, event)));
    }

    fn run(&mut self, until: u64) {
        while let Some(&Reverse((time, _, event))) = self.queue.peek() {
            if time > until {
                break;
            }
            self.queue.pop();
            if matches!(event, Event::Wake(at) if self.wake[at] != time) {
                continue;
            }
            if let Event::Wake(at) = event {
                self.wake[at] = 0;
            }
            self.now = time;
            match event {
                Event::Wake(0) => self.border.handle_timeout(time),
                Event::Wake(at) => self.routers[at].handle_timeout(time),
                Event::Arrive { node: 0, relay, number, .. } => {
                    self.border.handle(time, relay.map(eui), self.messages[number]);
                }
                Event::Arrive { node, from, number, .. } => {
                    self.routers[node].handle(time, eui(from), -50, self.messages[number]);
                }
                Event::Parent(at) => self.look_for_parent(at),
                Event::Registered(at) => {
                    self.routers[at].handle_registered(time);
                    self.at(time + 1_200 * S, Event::Refresh(at));
                }
                // A route is announced anew every twenty minutes, and the root acknowledges it.
                Event::Refresh(at) => {
                    if self.routers[at].state() == State::Operational && self.has_way(at) {
                        self.routers[at].handle_root_heard(time);
                        self.at(time + 1_200 * S, Event::Refresh(at));
                    }
                }
            }
            match event {
                Event::Wake(at) | Event::Parent(at) | Event::Registered(at) | Event::Refresh(at) => self.drain(at),
                Event::Arrive { node, .. } => self.drain(node),
            }
        }
        self.now = until;
    }

    fn serves(&self, at: usize) -> bool {
        at == 0 || self.routers[at].state() == State::Operational
    }

    /// Whether every hop of its route to the root still hears.
    fn has_way(&self, at: usize) -> bool {
        let ups = std::iter::successors(Some(at), |&at| self.parent[at]);
        ups.into_iter().all(|at| self.serves(at) && !self.hears[at].is_empty())
    }

    /// Power goes, at a node or at the root too: nobody hears it, it hears nobody; the flash stays.
    fn switch_off(&mut self, nodes: &[usize]) -> Vec<Vec<usize>> {
        let heard = self.hears.clone();
        for (at, hears) in self.hears.iter_mut().enumerate() {
            hears.retain(|by| !nodes.contains(by) && !nodes.contains(&at));
        }
        nodes.iter().filter(|&&at| at != 0).for_each(|&at| {
            self.routers[at].power_down();
            (self.parent[at], self.wake[at]) = (None, u64::MAX);
        });
        self.joined.clear();
        self.exchanges.clear();
        heard
    }

    /// The border router starts again from its disk, routers from their flash.
    fn switch_on(&mut self, nodes: &[usize], hears: Vec<Vec<usize>>) {
        (self.hears, self.wake) = (hears, vec![0; self.wake.len()]);
        for &at in nodes {
            if at == 0 {
                let (config, stored) = (self.config(), self.border.stored());
                self.border = Border::start(self.now, eui(0), config, 99, Some(stored));
            } else {
                let stored = self.routers[at].stored();
                self.routers[at].power_up(self.now, Some(stored));
            }
        }
        (0..self.wake.len()).for_each(|at| self.drain(at));
    }

    fn config(&self) -> Config {
        Config { network: NETWORK, pan_id: 0xcb29, params: self.params, lives: Lives::default(), sessions_max: 100 }
    }

    fn depth(&self, at: usize) -> u64 {
        let mut hops = 0;
        let mut at = at;
        while let Some(up) = self.parent[at] {
            (hops, at) = (hops + 1, up);
        }
        hops
    }

    fn look_for_parent(&mut self, at: usize) {
        if self.routers[at].state() != State::Routing || self.parent[at].is_some() {
            return;
        }
        let best = self.hears[at].iter().copied().filter(|&by| self.serves(by)).min_by_key(|&by| self.depth(by));
        if let Some(parent) = best {
            self.parent[at] = Some(parent);
            let cost = 128 * self.depth(at) as u16;
            self.routers[at].handle_parent(self.now, cost);
        } else {
            self.asked[at] += 1;
            let wait = (5_u64 << self.asked[at].min(6)).min(180) * S;
            let wait = wait / 10 * 9 + self.draws.between(0, wait / 5);
            self.at(self.now + wait, Event::Parent(at));
        }
    }

    /// Passes a message on: a hop takes its time on air at 50 kb/s and 5 ms, and may lose it (each hop tries four times).
    fn carry(&mut self, from: usize, to: usize, hops: u64, message: Message, via: To, relay: Option<usize>) {
        let tries = if matches!(via, To::Everywhere) { 1 } else { 4 };
        for _ in 0..hops {
            if (0..tries).all(|_| self.draws.between(0, 1000) < self.losses) {
                return;
            }
        }
        let hop_ns = u64::from(message.octets(via)) * 160_000 + 5_000_000;
        self.messages.push(message);
        let number = self.messages.len() - 1;
        self.at(self.now + hops * hop_ns, Event::Arrive { node: to, from, relay, number });
    }

    fn send(&mut self, at: usize, to: To, message: Message) {
        match to {
            To::Everywhere => {
                for by in self.hears[at].clone() {
                    self.carry(at, by, 1, message, to, None);
                }
            }
            To::Neighbour(of) => self.carry(at, node(of), 1, message, to, None),
            To::Root => {
                let relay = matches!(message, Message::Eapol(_)).then_some(at);
                let hops = self.depth(at).max(1);
                self.carry(at, 0, hops, message, to, relay);
            }
            To::Router(of) => {
                let hops = self.depth(node(of)).max(1);
                self.carry(0, node(of), hops, message, to, None);
            }
        }
    }

    fn drain(&mut self, at: usize) {
        loop {
            let output = if at == 0 { self.border.poll_output() } else { self.routers[at].poll_output() };
            match output {
                Output::Send(to, message) => {
                    if let Message::Eapol(eapol) = message
                        && eapol.step == 1
                        && at == 0
                    {
                        *self.exchanges.entry(eapol.exchange).or_default() += 1;
                    }
                    self.send(at, to, message);
                }
                Output::State(state) => {
                    self.states.push((self.now, at, state));
                    if state == State::Operational {
                        self.joined.insert(at, self.now);
                    }
                }
                Output::StartRouting { .. } => {
                    (self.parent[at], self.asked[at]) = (None, 0);
                    let wait = 9 * S / 2 + self.draws.between(0, S);
                    self.at(self.now + wait, Event::Parent(at));
                }
                Output::StopRouting => self.parent[at] = None,
                Output::Register => {
                    let hops = self.depth(at).max(1);
                    self.at(self.now + 3 * S + hops * 60_000_000, Event::Registered(at));
                }
                Output::Listen | Output::Store(_) => {}
                Output::Timeout(until) => {
                    let until = until.map_or(u64::MAX, |until| until.max(self.now));
                    if until != u64::MAX && self.wake[at] != until {
                        self.at(until, Event::Wake(at));
                    }
                    self.wake[at] = until;
                    return;
                }
            }
        }
    }
}

fn line(all: usize) -> Vec<Vec<usize>> {
    (0..all).map(|at| [at.wrapping_sub(1), at + 1].into_iter().filter(|&to| to < all).collect()).collect()
}

/// Routers in rings around the root: each hears the ring below, its own and the ring above.
fn rings(sizes: &[usize]) -> Vec<Vec<usize>> {
    let mut ring = vec![0];
    sizes.iter().enumerate().for_each(|(at, &size)| ring.extend(std::iter::repeat_n(at + 1, size)));
    let near = |a: usize, b: usize| a != b && ring[a].abs_diff(ring[b]) <= 1;
    (0..ring.len()).map(|a| (0..ring.len()).filter(|&b| near(a, b)).collect()).collect()
}

/// A real border router with three real routers in a line: they served after 146, 359 and 549 s, one run (facts,
/// `radio.json`). Ours over 40 runs without losses: the same order in every run, and each mean within a quarter.
#[test]
fn three_in_a_line_join_as_real_ones_did() {
    let (mut sums, runs) = ([0; 3], 40);
    for seed in 0..runs {
        let mut air = Air::new(Size::Small, line(4), 0, seed, 100);
        air.run(3_600 * S);
        let times: Vec<u64> = (1..4).map(|at| air.joined[&at] / S).collect();
        assert!(times[0] < times[1] && times[1] < times[2], "seed {seed}: {times:?}");
        sums.iter_mut().zip(&times).for_each(|(sum, time)| *sum += time);
        assert_eq!(air.exchanges, BTreeMap::from([(Exchange::Full, 3)]));
    }
    let means = sums.map(|sum| sum / runs);
    println!("serving after {means:?} s");
    for (ours, real) in means.into_iter().zip([146_u64, 359, 549]) {
        assert!(ours.abs_diff(real) * 4 <= real, "{means:?} s");
    }
}

/// Join states come in order and none is left out.
#[test]
fn states_come_in_order() {
    let mut air = Air::new(Size::Small, line(3), 0, 3, 100);
    air.run(1_800 * S);
    let of: Vec<State> = air.states.iter().filter(|(_, at, _)| *at == 2).map(|(.., state)| *state).collect();
    use State::{Authenticate, Configure, Discovery, Operational, Routing};
    assert_eq!(of, [Discovery, Authenticate, Configure, Routing, Operational]);
}

/// Mean minutes until serving by hop, over ten runs, for 96 routers on five hops; one frame in ten is lost.
fn by_hop(size: Size) -> (Vec<f64>, f64) {
    let sizes = [32, 16, 12, 20, 16];
    let mut sums = [0.0; 5];
    for seed in 0..10 {
        let mut air = Air::new(size, rings(&sizes), 100, seed, 100);
        air.run(12 * 3_600 * S);
        assert_eq!(air.joined.len(), 96, "all join");
        let mut first = 1;
        for (sum, of) in sums.iter_mut().zip(sizes) {
            *sum += (first..first + of).map(|at| air.joined[&at] as f64 / 60e9).sum::<f64>() / of as f64;
            first += of;
        }
    }
    let means: Vec<f64> = sums.iter().map(|sum| sum / 10.0).collect();
    let all = means.iter().zip(sizes).map(|(mean, of)| mean * of as f64).sum::<f64>() / 96.0;
    println!("{size:?}, by hop: {means:.1?} min, all {all:.1} min");
    (means, all)
}

/// TI SWRA714A: 96 routers on five hops (32, 16, 12, 20, 16) joined after 37, 27, 59, 61 and 68 min by hop, 48 on average.
///
/// Which timers that network ran is not told. Ours with the large set are earlier by up to 3 at every hop and by 1.8 on
/// average, with the medium set by up to 3.5 and by 2.1: contention (all of TI's nodes heard each other) and processors
/// that take seconds for a certificate, neither of which is here, make real ones later, most of all at the first hop.
#[test]
fn a_hundred_nodes_on_five_hops_take_tens_of_minutes() {
    let published = [37.3, 27.2, 58.8, 60.5, 68.0];
    for (size, every, average) in [(Size::Large, 3.0, 1.9), (Size::Medium, 3.5, 2.2)] {
        let (means, all) = by_hop(size);
        assert!(means.iter().zip(published).all(|(ours, real)| ours < &real && real / ours < every), "{means:?}");
        assert!(48.3 / all < average, "{all} min on average");
        assert!(means.is_sorted(), "further is later");
    }
}

/// A power cut: all come back at once, with keys in flash. Nobody authenticates anew, and the village serves again in
/// less than half the time of its first join.
#[test]
fn a_village_returns_faster_with_its_keys() {
    let hears = rings(&[8, 8, 8]);
    let mut air = Air::new(Size::Small, hears, 20, 5, 100);
    air.run(4 * 3_600 * S);
    assert_eq!(air.joined.len(), 24);
    let first = air.joined.values().max().copied().unwrap();
    air.exchanges.clear();
    let cut = air.now;
    air.queue.clear();
    let config =
        Config { network: NETWORK, pan_id: 0xcb29, params: air.params, lives: Lives::default(), sessions_max: 100 };
    air.border = Border::start(cut, eui(0), config, 99, Some(air.border.stored()));
    air.drain(0);
    air.joined.clear();
    for at in 1..25 {
        let stored = air.routers[at].stored();
        air.parent[at] = None;
        air.routers[at].power_down();
        air.routers[at].power_up(cut, Some(stored));
        air.drain(at);
    }
    air.run(cut + 4 * 3_600 * S);
    let again = air.joined.values().max().copied().unwrap() - cut;
    println!("first {} s, again {} s, exchanges {:?}", first / S, again / S, air.exchanges);
    assert_eq!((air.joined.len(), air.exchanges.len()), (24, 0), "no key is asked for");
    assert!(again * 2 < first, "{} s, then {} s", first / S, again / S);
}

/// Sabotage of the claim above: without what is in flash, the return is a first join again, sixteen messages each.
#[test]
fn sabotage_without_flash_the_return_is_a_first_join() {
    let mut air = Air::new(Size::Small, rings(&[4]), 0, 5, 100);
    air.run(3_600 * S);
    air.exchanges.clear();
    for at in 1..5 {
        air.routers[at].power_down();
        let now = air.now;
        air.routers[at].power_up(now, None);
        air.drain(at);
    }
    air.run(2 * 3_600 * S);
    assert_eq!(air.exchanges, BTreeMap::from([(Exchange::Full, 4)]));
}

/// Few sessions: nobody is lost, they come later.
#[test]
fn with_two_sessions_at_once_all_still_join() {
    let mut air = Air::new(Size::Small, rings(&[20]), 0, 11, 1);
    air.run(6 * 3_600 * S);
    assert_eq!(air.joined.len(), 20);
    assert!(air.border.refused() > 0, "the bound was felt");
}

/// Group keys rotate on days 24, 54 and 84: nodes hear of a new one by a new configuration and ask for it, each once, with the
/// shortest exchange that their pairwise keys allow (a PTK lives for 60 days). Nobody stops serving meanwhile, nor while old
/// keys end. Where routers passed on what they held instead of what they were told, each answer that arrived set its
/// neighbours back, who asked again, and from day 30 on some were always shut out.
#[test]
fn new_group_keys_reach_everyone_once_by_the_short_exchange() {
    let mut air = Air::new(Size::Medium, rings(&[2, 3, 3]), 20, 2, 100);
    air.run(6 * 3_600 * S);
    assert_eq!(air.joined.len(), 8);
    air.exchanges.clear();
    let joined = air.states.len();
    air.run(95 * DAY_NS);
    assert_eq!(air.exchanges, BTreeMap::from([(Exchange::Group, 16), (Exchange::FourWay, 8)]));
    assert_eq!(air.states[joined..], [], "nobody stops serving");
    for router in &air.routers[1..] {
        assert_eq!(router.stored().keys, air.border.hashes());
    }
}

/// The border router falls silent: after the PAN timeout a node looks for its PAN again.
#[test]
fn a_lost_border_router_is_noticed_after_the_pan_timeout() {
    let mut air = Air::new(Size::Small, line(2), 0, 4, 100);
    air.run(1_800 * S);
    assert_eq!(air.routers[1].state(), State::Operational);
    let at = air.joined[&1];
    air.hears = vec![vec![], vec![]];
    air.run(at + 2 * air.params.pan_timeout_ns);
    assert_eq!(air.routers[1].state(), State::Reconnect);
    let lost = air.states.iter().find(|(_, _, state)| *state == State::Reconnect).unwrap().0;
    assert!(lost >= at + air.params.pan_timeout_ns && lost <= at + 2 * air.params.pan_timeout_ns);
}

/// A router is off from day 10 to day 40: both group keys in its flash have ended, PMK and PTK live (120 and 60 days). Nobody's
/// configuration can be read; after PCS_MAX solicitations it gives the keys up and asks for the new ones. So does the router
/// behind it, which heard nobody in all that time.
#[test]
fn a_router_whose_group_keys_have_ended_asks_for_new_ones() {
    for size in [Size::Small, Size::Medium] {
        let mut air = Air::new(size, line(3), 0, 6, 100);
        air.run(10 * DAY_NS);
        assert_eq!(air.joined.len(), 2);
        let hears = air.switch_off(&[1]);
        air.run(40 * DAY_NS);
        assert_eq!((air.routers[1].state(), air.routers[2].state()), (State::Off, State::Reconnect));
        let held = air.routers[1].stored().keys;
        assert!(!air.border.hashes().shares(&held), "none of its keys is left");
        air.switch_on(&[1], hears);
        air.run(40 * DAY_NS + 6 * 3_600 * S);
        let after: Vec<u64> = air.joined.values().map(|at| (at - 40 * DAY_NS) / 60_000_000_000).collect();
        println!("{size:?}: serving {after:?} min after the return, exchanges {:?}", air.exchanges);
        assert_eq!(air.joined.len(), 2, "{size:?}: {:?}", air.states.last());
        assert_eq!(air.exchanges, BTreeMap::from([(Exchange::Group, 2)]), "its PTK lives: the shortest exchange");
    }
}

/// The whole site is off, the root too: a PTK that has ended costs the four-way handshake, a PMK that has a certificate.
/// After a year all group keys of the border router have ended too, and it makes new ones.
#[test]
fn a_site_that_was_off_for_long_joins_again() {
    for (off_days, exchange) in [(30, Exchange::Group), (70, Exchange::FourWay), (400, Exchange::Full)] {
        let mut air = Air::new(Size::Small, line(3), 0, 7, 100);
        air.run(10 * DAY_NS);
        let hears = air.switch_off(&[0, 1, 2]);
        air.queue.clear();
        air.now = (10 + off_days) * DAY_NS;
        air.switch_on(&[0, 1, 2], hears);
        let back = air.now;
        air.run(back + 6 * 3_600 * S);
        assert_eq!(air.joined.len(), 2, "off for {off_days} days: {:?}", air.states.last());
        assert_eq!(air.exchanges, BTreeMap::from([(exchange, 2)]), "off for {off_days} days");
        air.run(back + 60 * DAY_NS);
        for at in [1, 2] {
            assert_eq!(air.routers[at].state(), State::Operational);
            assert!(!air.border.hashes().exceeds(&air.routers[at].stored().keys), "keys go on rotating");
        }
    }
}

/// Requests for a new group key that nobody answers end after four. The next configuration that tells of it starts anew,
/// so that the key comes as soon as the border router has room for it.
#[test]
fn a_round_of_key_requests_without_answer_is_not_the_last() {
    let mut air = Air::new(Size::Small, line(2), 0, 8, 100);
    let of = (eui(0), Message::Pc { pan_id: 0xcb29, version: 0, keys: air.border.hashes() });
    air.run(3_600 * S);
    let Message::Pc { pan_id, keys, .. } = of.1 else { unreachable!() };
    let mut told = keys;
    told.0[1] = told.0[0] + 1;
    // Alone with the router from here on: no answer to anything.
    let (mut router, mut now, mut asked) = (air.routers[1].clone(), air.now, Vec::new());
    assert_eq!(router.state(), State::Operational);
    for round in 1..=3_u16 {
        for version in 0..12 {
            router.handle(now, of.0, -50, Message::Pc { pan_id, version: 1_000 * round + version, keys: told });
            now += 1_800 * S;
            loop {
                match router.poll_output() {
                    Output::Send(_, Message::Eapol(eapol)) if eapol.step == 0 => asked.push((round, eapol.holds)),
                    Output::Timeout(Some(due)) if due <= now => router.handle_timeout(due),
                    Output::Timeout(_) => break,
                    _ => {}
                }
            }
        }
        assert_eq!(router.state(), State::Operational, "configurations keep it in the PAN");
    }
    let requests = |round| asked.iter().filter(|(of, _)| *of == round).count();
    println!("requests by round of six hours: {:?}", [1, 2, 3].map(requests));
    assert!([1, 2, 3].map(requests).iter().all(|&count| count >= 3), "{asked:?}");
}
