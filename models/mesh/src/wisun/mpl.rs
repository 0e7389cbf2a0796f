//! Multicast over the mesh (MPL, RFC 7731): a seed numbers its messages, forwarders repeat them by Trickle and keep them
//! for those who missed them. Octets are in [`super::mpl_wire`].
//!
//! | | |
//! |---|---|
//! | consistent | a message heard that we hold |
//! | inconsistent | one that says it is the latest, where we hold later ones |
//! | buffered | until the seed is forgotten or 32 newer ones have come; repeated until its Trickle has expired `expirations` times |
//! | a seed is forgotten | 30 min after it was last heard (SEED_SET_ENTRY_LIFETIME) |
//! | control messages (§10) | what a node holds of whom, by a Trickle of its own; who hears that a neighbour lacks something says it again, who lacks something says so |
//!
//! Wi-SUN's open stacks send no control messages: [`Settings::control`] is none there.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::chance::Chance;
use crate::trickle::{Fired, Parameters, Trickle};

/// How a node forwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Trickle of messages.
    pub data: Parameters,
    /// After so many intervals a message is not repeated any more.
    pub expirations: u8,
    /// Trickle of control messages and after how many intervals without news they stop; none are sent without.
    pub control: Option<(Parameters, u8)>,
}

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

/// What a node holds of a seed, as its control message says it (§6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// Whose.
    pub seed: u64,
    /// The least number it still takes.
    pub least: u8,
    /// Bit n: it holds the one numbered `least` + n.
    pub held: u128,
}

impl Holding {
    fn holds(&self, sequence: u8) -> bool {
        let after = sequence.wrapping_sub(self.least);
        after < 128 && self.held >> after & 1 == 1
    }
}

/// What the driver is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Output<T> {
    /// Broadcast this to the neighbours.
    Send(Data<T>),
    /// Tell the neighbours what is held here.
    Control(Vec<Holding>),
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

impl<T> Buffered<T> {
    /// Says it again from the shortest interval on.
    fn again(&mut self, now_ns: u64, expirations: u8, chance: u64) {
        if self.left == 0 {
            self.trickle.start(now_ns, chance);
        } else {
            self.trickle.handle_inconsistent(now_ns, chance);
        }
        self.left = expirations;
    }
}

impl<T> Seed<T> {
    fn holding(&self, seed: u64) -> Holding {
        let after = self.messages.iter().map(|held| held.sequence.wrapping_sub(self.least));
        Holding { seed, least: self.least, held: after.filter(|&n| n < 128).fold(0, |bits, n| bits | 1 << n) }
    }
}

/// One node: seed and forwarder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mpl<T> {
    own: u64,
    settings: Settings,
    sequence: u8,
    seeds: BTreeMap<u64, Seed<T>>,
    control: Option<(Trickle, u8)>,
    draws: Chance,
    out: VecDeque<Output<T>>,
}

/// Whether `a` comes before `b` in serial arithmetic of eight bits (RFC 1982).
fn before(a: u8, b: u8) -> bool {
    a != b && b.wrapping_sub(a) < 128
}

impl<T: Clone> Mpl<T> {
    /// A node with this number, the driver's name for it, unique in the network. `sequence` is that of its next message:
    /// a node that restarts goes on where it was, or others take its messages for old ones.
    #[must_use]
    pub fn new(own: u64, settings: Settings, sequence: u8, seed: u64) -> Self {
        let control = settings.control.map(|(parameters, _)| (Trickle::new(parameters), 0));
        let (seeds, out) = (BTreeMap::new(), VecDeque::new());
        Self { own, settings, sequence, seeds, control, draws: Chance::new(seed), out }
    }

    /// The number of its next message.
    #[must_use]
    pub fn next_sequence(&self) -> u8 {
        self.sequence
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
                held.trickle.handle_consistent(now_ns);
            }
            // Who thinks that an old one is the latest missed the later ones: say them soon.
            for later in known.messages.iter_mut().filter(|held| latest && before(sequence, held.sequence)) {
                later.again(now_ns, self.settings.expirations, self.draws.word());
            }
            let old = before(sequence, known.least);
            if old || known.messages.iter().any(|held| held.sequence == sequence) {
                return;
            }
        }
        if seed == self.own {
            return;
        }
        self.out.push_back(Output::Deliver(data.clone()));
        self.keep(now_ns, seed, sequence, data.payload);
    }

    /// A neighbour said what it holds (§10.3).
    pub fn handle_control(&mut self, now_ns: u64, holdings: &[Holding]) {
        let theirs = |seed: u64| holdings.iter().find(|of| of.seed == seed);
        let mut news = holdings.iter().any(|of| match self.seeds.get(&of.seed) {
            // Arbitrary: a seed of which nothing is held any more is no news.
            None => of.held != 0 && of.seed != self.own,
            Some(known) => {
                let own = known.holding(of.seed);
                let lacks = |n: u8| of.held >> n & 1 == 1 && !own.holds(of.least.wrapping_add(n));
                (0..128).any(|n| lacks(n) && !before(of.least.wrapping_add(n), known.least))
            }
        });
        for (&id, seed) in &mut self.seeds {
            let theirs = theirs(id);
            for held in &mut seed.messages {
                let wanted = theirs.is_none_or(|of| !before(held.sequence, of.least) && !of.holds(held.sequence));
                if wanted {
                    news = true;
                    held.again(now_ns, self.settings.expirations, self.draws.word());
                }
            }
        }
        if news {
            self.tell(now_ns);
        } else if let Some((trickle, _)) = &mut self.control {
            trickle.handle_consistent(now_ns);
        }
    }

    /// A time that [`Output::Timeout`] named has come.
    pub fn handle_timeout(&mut self, now_ns: u64) {
        self.seeds.retain(|_, seed| now_ns.saturating_sub(seed.heard_ns) < SEED_LIFE_NS);
        for (&id, seed) in &mut self.seeds {
            let newest = seed.messages.iter().map(|held| held.sequence).reduce(|a, b| if before(a, b) { b } else { a });
            for held in &mut seed.messages {
                let Buffered { sequence, ref payload, .. } = *held;
                let due = expire(now_ns, &mut held.trickle, &mut held.left, &mut self.draws);
                let say = |_| {
                    Output::Send(Data {
                        seed: id,
                        sequence,
                        latest: newest == Some(sequence),
                        payload: payload.clone(),
                    })
                };
                self.out.extend((0..due).map(say));
            }
        }
        if let Some((trickle, left)) = &mut self.control {
            let due = expire(now_ns, trickle, left, &mut self.draws);
            let say = |_| Output::Control(self.seeds.iter().map(|(&id, seed)| seed.holding(id)).collect());
            self.out.extend((0..due).map(say));
        }
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Output<T> {
        self.out.pop_front().unwrap_or_else(|| {
            let messages = self.seeds.values().flat_map(|seed| &seed.messages);
            let trickles = messages.map(|held| &held.trickle).chain(self.control.as_ref().map(|(trickle, _)| trickle));
            Output::Timeout(trickles.filter_map(Trickle::deadline_ns).min())
        })
    }

    /// There is news: what is held here is said from the shortest interval on.
    fn tell(&mut self, now_ns: u64) {
        let (Some((trickle, left)), Some((_, expirations))) = (&mut self.control, self.settings.control) else {
            return;
        };
        let chance = self.draws.word();
        if trickle.is_running() {
            trickle.handle_inconsistent(now_ns, chance);
        } else {
            trickle.start(now_ns, chance);
        }
        *left = expirations;
    }

    fn keep(&mut self, now_ns: u64, seed: u64, sequence: u8, payload: T) {
        let mut trickle = Trickle::new(self.settings.data);
        trickle.start(now_ns, self.draws.word());
        let known =
            self.seeds.entry(seed).or_insert_with(|| Seed { least: sequence, heard_ns: now_ns, messages: Vec::new() });
        known.heard_ns = now_ns;
        known.messages.push(Buffered { sequence, payload, trickle, left: self.settings.expirations });
        if known.messages.len() > BUFFERED_MAX {
            let oldest = (0..known.messages.len()).reduce(|a, b| {
                let of = |at: usize| known.messages.get(at).map_or(0, |held| held.sequence);
                if before(of(b), of(a)) { b } else { a }
            });
            if let Some(oldest) = oldest {
                known.least = known.messages.swap_remove(oldest).sequence.wrapping_add(1);
            }
        }
        self.tell(now_ns);
    }
}

/// Lets a timer's deadlines up to now pass; how often it said to transmit. Stops it with the last interval.
fn expire(now_ns: u64, trickle: &mut Trickle, left: &mut u8, draws: &mut Chance) -> usize {
    let mut times = 0;
    while trickle.deadline_ns().is_some_and(|due| due <= now_ns) {
        let began = trickle.interval_start_ns();
        times += usize::from(trickle.handle_timeout(now_ns, draws.word()) == Fired::Transmit);
        if trickle.interval_start_ns() != began {
            *left = left.saturating_sub(1);
            if *left == 0 {
                trickle.stop();
            }
        }
    }
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    /// What Wi-SUN's open border router uses in networks of several hundred; control messages as RFC 7731 has them.
    fn settings(redundancy: u32, repairs: bool) -> Settings {
        let data = Parameters { interval_min_ns: S, doublings: 5, redundancy };
        let control = Parameters { interval_min_ns: S, doublings: 8, redundancy: 1 };
        Settings { data, expirations: 2, control: repairs.then_some((control, 10)) }
    }

    /// A line of nodes; each hears its two neighbours with this many losses in a thousand. Returns how many nodes each
    /// message reached, and how many frames that took.
    fn line(nodes: usize, losses: u64, messages: u8, settings: Settings) -> (Vec<usize>, usize) {
        let mut all: Vec<Mpl<u8>> = (0..nodes).map(|at| Mpl::new(at as u64, settings, 250, at as u64 + 7)).collect();
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
                        Output::Control(holdings) => {
                            frames += 1;
                            for to in [at.wrapping_sub(1), at + 1] {
                                if to < nodes && draws.between(0, 1000) >= losses {
                                    all[to].handle_control(now, &holdings);
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
        assert_eq!(line(10, 0, 3, settings(8, false)).0, [9, 9, 9]);
        assert_eq!(line(10, 0, 3, settings(8, true)).0, [9, 9, 9]);
    }

    /// Three of ten frames are lost and each hop says a message twice: 91 % a hop, on average 76 % over five hops (36 % if
    /// each said it once). Sabotage: with almost everything lost nothing helps, so what is counted is the air's doing.
    #[test]
    fn repetition_makes_up_for_losses() {
        let share = |losses| {
            let (reached, frames) = line(6, losses, 60, settings(8, false));
            assert!(frames > 60);
            reached.iter().sum::<usize>() * 100 / 300
        };
        assert!((66..=90).contains(&share(300)), "{} %", share(300));
        assert!(share(950) < 10);
    }

    /// With control messages whoever missed one gets it, once: at three losses of ten, and at six. But for those before
    /// the first that it heard of the seed: they are too old to it.
    #[test]
    fn control_messages_repair_what_repetition_does_not() {
        for losses in [300, 600] {
            let (reached, frames) = line(6, losses, 30, settings(8, true));
            assert_eq!(reached[1..], [5; 29], "{losses}");
            assert!(frames < 30 * 6 * 20, "{frames} frames");
            assert!(
                line(6, losses, 30, settings(8, false)).0.iter().sum::<usize>() < 150,
                "sabotage: without them not"
            );
        }
    }

    /// Two who hold the same fall silent; a newcomer is told all that is still held, in the order of need.
    #[test]
    fn who_holds_the_same_falls_silent_and_a_newcomer_is_told() {
        let mut seed: Mpl<u8> = Mpl::new(0, settings(8, true), 7, 1);
        let mut other: Mpl<u8> = Mpl::new(1, settings(8, true), 0, 2);
        let drain = |node: &mut Mpl<u8>| {
            std::iter::from_fn(|| Some(node.poll_output()).filter(|out| !matches!(out, Output::Timeout(_))))
                .collect::<Vec<_>>()
        };
        seed.send(0, 42);
        drain(&mut seed);
        (0..3_600).for_each(|s| seed.handle_timeout(s * S / 2));
        drain(&mut seed);
        assert_eq!(seed.poll_output(), Output::Timeout(None), "nothing is said for ever");
        seed.send(2_000 * S, 43);
        drain(&mut seed);
        seed.handle_control(2_001 * S, &[]);
        seed.handle_timeout(2_002 * S);
        let said = drain(&mut seed);
        let says = |number| said.iter().any(|out| matches!(out, Output::Send(of) if of.sequence == number));
        assert!(says(7) && says(8), "{said:?}");
        other.handle_control(0, &[Holding { seed: 0, least: 7, held: 0b11 }]);
        assert!(matches!(other.poll_output(), Output::Timeout(Some(_))), "who lacks something says so");
    }

    /// Sabotage of a driver that forgets the number over a restart: what it says next is old to all who heard it before.
    #[test]
    fn sabotage_a_seed_that_begins_anew_is_not_heard() {
        let mut hears: Mpl<u8> = Mpl::new(1, settings(8, false), 0, 2);
        let mut delivered = |sequence| {
            hears.handle(0, Data { seed: 0, sequence, latest: true, payload: 0 });
            matches!(hears.poll_output(), Output::Deliver(_))
        };
        assert!(delivered(20) && delivered(21), "it goes on");
        assert!(!delivered(0) && !delivered(1), "it begins anew");
        assert!(delivered(22));
    }

    #[test]
    fn numbers_wrap() {
        assert!(before(255, 0) && before(0, 127) && !before(127, 0) && !before(3, 3));
    }
}
