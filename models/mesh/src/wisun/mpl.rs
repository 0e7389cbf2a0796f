//! Multicast over the mesh (MPL, RFC 7731): a seed numbers its messages, forwarders repeat them by Trickle and keep them
//! for those who missed them.
//!
//! | | |
//! |---|---|
//! | consistent | a message heard that we hold (the least sequence we hold included) |
//! | inconsistent | one that is new to us, or too old for us |
//! | buffered | until its Trickle has expired `expirations` times, or 32 newer ones have come |
//! | a seed is forgotten | 30 min after it was last heard (SEED_SET_ENTRY_LIFETIME) |
//!
//! Only data messages are here: Wi-SUN sends no MPL control messages.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::chance::Chance;
use crate::trickle::{Fired, Parameters, Trickle};

/// SEED_SET_ENTRY_LIFETIME, nanoseconds.
pub const SEED_LIFE_NS: u64 = 1_800_000_000_000;
/// How many messages of a seed are kept. Arbitrary.
const BUFFERED_MAX: usize = 32;

/// A message as it goes over the air: its seed, its number, and the driver's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Data<T> {
    /// Who sent it first.
    pub seed: u64,
    /// The seed's number for it; wraps.
    pub sequence: u8,
    /// Whether the sender holds no later one of this seed (the M flag).
    pub latest: bool,
    /// The driver's own.
    pub payload: T,
}

/// What the driver is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Output<T> {
    /// Broadcast this to the neighbours.
    Send(Data<T>),
    /// Hand this to the upper layer: it is new.
    Deliver(Data<T>),
    /// Nothing more until then, nanoseconds.
    Timeout(Option<u64>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Buffered<T> {
    sequence: u8,
    payload: T,
    trickle: Trickle,
    left: u8,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Seed<T> {
    least: u8,
    heard_ns: u64,
    messages: Vec<Buffered<T>>,
}

/// One node: seed and forwarder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mpl<T> {
    own: u64,
    parameters: Parameters,
    expirations: u8,
    sequence: u8,
    seeds: BTreeMap<u64, Seed<T>>,
    draws: Chance,
    out: VecDeque<Output<T>>,
}

/// Whether `a` comes before `b` in serial arithmetic of eight bits (RFC 1982).
fn before(a: u8, b: u8) -> bool {
    a != b && b.wrapping_sub(a) < 128
}

impl<T: Clone> Mpl<T> {
    /// A node with this number; the driver's name for it, unique in the network.
    #[must_use]
    pub fn new(own: u64, parameters: Parameters, expirations: u8, seed: u64) -> Self {
        let (seeds, out) = (BTreeMap::new(), VecDeque::new());
        Self { own, parameters, expirations, sequence: 0, seeds, draws: Chance::new(seed), out }
    }

    /// Sends a message to all: it goes out at once and is then repeated.
    pub fn send(&mut self, now_ns: u64, payload: T) {
        let sequence = self.sequence;
        self.sequence = self.sequence.wrapping_add(1);
        self.out.push_back(Output::Send(Data { seed: self.own, sequence, latest: true, payload: payload.clone() }));
        self.keep(now_ns, self.own, sequence, payload);
    }

    /// A message was heard from a neighbour.
    pub fn handle(&mut self, now_ns: u64, data: Data<T>) {
        let Data { seed, sequence, latest, .. } = data;
        if let Some(known) = self.seeds.get_mut(&seed) {
            known.heard_ns = now_ns;
            if let Some(held) = known.messages.iter_mut().find(|held| held.sequence == sequence) {
                held.trickle.handle_consistent();
            } else if before(sequence, known.least) {
                return;
            }
            // Who thinks that an old one is the latest missed the later ones: say them soon.
            for later in known.messages.iter_mut().filter(|held| latest && before(sequence, held.sequence)) {
                let chance = self.draws.word();
                if later.left > 0 {
                    later.trickle.handle_inconsistent(now_ns, chance);
                } else {
                    later.left = 1;
                    later.trickle.start(now_ns, chance);
                }
            }
            if known.messages.iter().any(|held| held.sequence == sequence) {
                return;
            }
        }
        if seed == self.own {
            return;
        }
        self.out.push_back(Output::Deliver(data.clone()));
        self.keep(now_ns, seed, sequence, data.payload);
    }

    /// A time that [`Output::Timeout`] named has come.
    pub fn handle_timeout(&mut self, now_ns: u64) {
        self.seeds.retain(|_, seed| now_ns.saturating_sub(seed.heard_ns) < SEED_LIFE_NS);
        for (&id, seed) in &mut self.seeds {
            let newest = seed.messages.iter().map(|held| held.sequence).reduce(|a, b| if before(a, b) { b } else { a });
            for held in &mut seed.messages {
                while held.trickle.deadline_ns().is_some_and(|due| due <= now_ns) {
                    let chance = self.draws.word();
                    let began = held.trickle.interval_start_ns();
                    if held.trickle.handle_timeout(now_ns, chance) == Fired::Transmit {
                        let (sequence, payload) = (held.sequence, held.payload.clone());
                        let latest = newest == Some(sequence);
                        self.out.push_back(Output::Send(Data { seed: id, sequence, latest, payload }));
                    }
                    if held.trickle.interval_start_ns() != began {
                        held.left = held.left.saturating_sub(1);
                        if held.left == 0 {
                            held.trickle.stop();
                        }
                    }
                }
            }
        }
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Output<T> {
        self.out.pop_front().unwrap_or_else(|| {
            let messages = self.seeds.values().flat_map(|seed| &seed.messages);
            Output::Timeout(messages.filter_map(|held| held.trickle.deadline_ns()).min())
        })
    }

    fn keep(&mut self, now_ns: u64, seed: u64, sequence: u8, payload: T) {
        let mut trickle = Trickle::new(self.parameters);
        trickle.start(now_ns, self.draws.word());
        let known =
            self.seeds.entry(seed).or_insert_with(|| Seed { least: sequence, heard_ns: now_ns, messages: Vec::new() });
        known.heard_ns = now_ns;
        known.messages.push(Buffered { sequence, payload, trickle, left: self.expirations });
        if known.messages.len() > BUFFERED_MAX {
            let oldest = (0..known.messages.len()).reduce(|a, b| {
                let of = |at: usize| known.messages.get(at).map_or(0, |held| held.sequence);
                if before(of(b), of(a)) { b } else { a }
            });
            if let Some(oldest) = oldest {
                known.least = known.messages.swap_remove(oldest).sequence.wrapping_add(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    /// A line of nodes; each hears its two neighbours with this many losses in a thousand. Returns how many nodes each
    /// message reached, and how many frames that took.
    fn line(nodes: usize, losses: u64, messages: u8, redundancy: u32) -> (Vec<usize>, usize) {
        let parameters = Parameters { interval_min_ns: S, doublings: 5, redundancy };
        let mut all: Vec<Mpl<u8>> = (0..nodes).map(|at| Mpl::new(at as u64, parameters, 2, at as u64 + 7)).collect();
        let (mut draws, mut reached, mut frames) = (Chance::new(5), vec![0; usize::from(messages)], 0);
        for second in 0..u64::from(messages) * 40 + 400 {
            let now = second * S / 4;
            if second % 40 == 0 && second / 40 < u64::from(messages) {
                all[0].send(now, (second / 40) as u8);
            }
            for at in 0..nodes {
                all[at].handle_timeout(now);
                loop {
                    match all[at].poll_output() {
                        Output::Send(data) => {
                            frames += 1;
                            for to in [at.wrapping_sub(1), at + 1] {
                                if to < nodes && draws.between(0, 1000) >= losses {
                                    all[to].handle(now, data);
                                }
                            }
                        }
                        Output::Deliver(data) => reached[usize::from(data.payload)] += 1,
                        Output::Timeout(_) => break,
                    }
                }
            }
        }
        (reached, frames)
    }

    #[test]
    fn every_message_reaches_every_node_once() {
        assert_eq!(line(10, 0, 3, 8).0, [9, 9, 9]);
    }

    /// Three of ten frames are lost and each hop says a message twice: 91 % a hop, on average 76 % over five hops (36 % if
    /// each said it once). Sabotage: with almost everything lost nothing helps, so what is counted is the air's doing.
    #[test]
    fn repetition_makes_up_for_losses() {
        let share = |losses| {
            let (reached, frames) = line(6, losses, 60, 8);
            assert!(frames > 60);
            reached.iter().sum::<usize>() * 100 / 300
        };
        assert!((66..=90).contains(&share(300)), "{} %", share(300));
        assert!(share(950) < 10);
    }

    #[test]
    fn numbers_wrap() {
        assert!(before(255, 0) && before(0, 127) && !before(127, 0) && !before(3, 3));
    }
}
