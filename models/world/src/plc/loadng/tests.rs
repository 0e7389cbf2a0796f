//! LOADng over a lossless wire: every route found is the cheapest and free of loops.

use super::*;
use crate::draw::{Draws, NodeKey, Purpose};

struct Net {
    modems: Vec<Loadng>,
    links: BTreeMap<(Address, Address), u32>,
    found: Vec<(Address, Output)>,
    broadcasts: usize,
}

impl Net {
    fn random(seed: u64, n: u16) -> Self {
        let mut draws = Draws::keyed(seed, 0, NodeKey(1), Purpose::named("test/loadng"), 0);
        let mut links = BTreeMap::new();
        for b in 1..n {
            // A tree, and some links more.
            for _ in 0..2 {
                let a = u16::try_from(draws.below(u64::from(b))).unwrap();
                let cost = 1 + u32::try_from(draws.below(20)).unwrap();
                links.insert((a, b), cost);
                links.insert((b, a), cost);
            }
        }
        let modems = (0..n).map(|i| Loadng::new(LoadngParams::default(), i)).collect();
        Self { modems, links, found: Vec::new(), broadcasts: 0 }
    }

    fn settle(&mut self, now_ms: u64) {
        while let Some((i, out)) = (0..self.modems.len()).find_map(|i| self.modems[i].poll_output().map(|out| (i, out)))
        {
            let from = Address::try_from(i).unwrap();
            match out {
                Output::Broadcast(message) => {
                    self.broadcasts += 1;
                    let heard: Vec<(Address, u32)> =
                        self.links.range((from, 0)..=(from, u16::MAX)).map(|((_, to), c)| (*to, *c)).collect();
                    for (to, cost) in heard {
                        self.modems[usize::from(to)].handle_message(now_ms, from, cost, message);
                    }
                }
                Output::Send(to, message) => {
                    if let Some(cost) = self.links.get(&(from, to)) {
                        self.modems[usize::from(to)].handle_message(now_ms, from, *cost, message);
                    }
                }
                other => self.found.push((from, other)),
            }
        }
    }

    /// Cost of following next hops; `None` where the way ends or goes round.
    fn walk(&self, now_ms: u64, from: Address, to: Address) -> Option<u32> {
        let (mut at, mut cost) = (from, 0);
        for _ in 0..self.modems.len() {
            if at == to {
                return Some(cost);
            }
            let next = self.modems[usize::from(at)].route(now_ms, to)?.next;
            cost += self.links[&(at, next)];
            at = next;
        }
        None
    }

    fn cheapest(&self, from: Address) -> Vec<u32> {
        let mut best = vec![u32::MAX; self.modems.len()];
        best[usize::from(from)] = 0;
        for _ in 0..self.modems.len() {
            for (&(a, b), cost) in &self.links {
                let by = best[usize::from(a)].saturating_add(*cost);
                let there = &mut best[usize::from(b)];
                *there = (*there).min(by);
            }
        }
        best
    }

    fn cut(&mut self, a: Address, b: Address) {
        self.links.remove(&(a, b));
        self.links.remove(&(b, a));
    }
}

#[test]
fn routes_are_found_cheapest_and_without_loops() {
    for seed in 0..20 {
        let mut net = Net::random(seed, 24);
        let best = net.cheapest(0);
        for to in 1..24 {
            net.modems[0].discover(0, to);
            net.settle(0);
            assert_eq!(net.walk(0, 0, to), Some(best[usize::from(to)]), "seed {seed}, to {to}");
            assert_eq!(net.walk(0, to, 0), Some(best[usize::from(to)]), "seed {seed}, back from {to}");
        }
        assert_eq!(net.found.iter().filter(|f| matches!(f.1, Output::Found(_))).count(), 23);
        assert!(net.modems[0].deadline_ms().is_none());
    }
}

#[test]
fn a_broken_link_is_told_and_a_new_way_found() {
    let mut net = Net::random(3, 24);
    net.modems[0].discover(0, 20);
    net.settle(0);
    // Break the last link that has another way round it.
    let mut way = vec![0];
    while *way.last().unwrap() != 20 {
        let at = *way.last().unwrap();
        way.push(net.modems[usize::from(at)].route(0, 20).unwrap().next);
    }
    let pair = way.windows(2).rev().find(|w| {
        let mut without = Net { modems: net.modems.clone(), links: net.links.clone(), found: vec![], broadcasts: 0 };
        without.cut(w[0], w[1]);
        without.cheapest(0)[20] < u32::MAX
    });
    let (a, b) = pair.map(|w| (w[0], w[1])).unwrap();
    net.cut(a, b);
    net.modems[usize::from(a)].handle_link_failed(10, 0, 20);
    net.settle(10);
    assert_eq!(net.modems[0].route(10, 20), None, "the source knows");
    net.modems[0].discover(20, 20);
    net.settle(20);
    assert_eq!(net.walk(20, 0, 20), Some(net.cheapest(0)[20]));
}

#[test]
fn nobody_there_is_said_after_the_last_try_and_floods_end() {
    let mut net = Net::random(5, 24);
    let params = LoadngParams::default();
    net.modems[0].discover(0, 999);
    net.modems[0].discover(0, 999);
    net.settle(0);
    let mut now_ms = 0;
    for _ in 0..params.tries {
        assert!(net.found.is_empty());
        now_ms = net.modems[0].deadline_ms().unwrap();
        net.modems[0].handle_timeout(now_ms);
        net.settle(now_ms);
    }
    assert_eq!(net.found, [(0, Output::NotFound(999))]);
    // Three floods; a modem repeats one only when it came cheaper.
    assert!(net.broadcasts < 3 * 24 * 8, "{}", net.broadcasts);
    assert!(net.modems[3].route(now_ms, 0).is_some());
    let later = now_ms + params.route_ms;
    assert!(net.modems[3].route(later, 0).is_none(), "unused routes age");
}

/// The sabotage: were old requests believed, a stale route would come back.
#[test]
fn older_news_is_no_news() {
    let mut modem = Loadng::new(LoadngParams::default(), 1);
    let search = |sequence, cost| Message::Request(Search { originator: 9, destination: 5, sequence, cost, hops: 0 });
    modem.handle_message(0, 2, 1, search(10, 50));
    modem.handle_message(0, 3, 1, search(9, 1));
    assert_eq!(modem.route(0, 9).map(|r| (r.next, r.cost)), Some((2, 51)));
    modem.handle_message(0, 3, 1, search(10, 1));
    assert_eq!(modem.route(0, 9).map(|r| r.next), Some(3));
    // Round the end of the counter.
    modem.handle_message(0, 4, 1, search(0x8009, 90));
    modem.handle_message(0, 6, 1, search(3, 99));
    assert_eq!(modem.route(0, 9).map(|r| r.next), Some(6));
}
