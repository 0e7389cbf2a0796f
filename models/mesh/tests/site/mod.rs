//! Small networks for the tests of `net`: lines, grids, and what is asked of them.

#![allow(dead_code, reason = "each test target uses its own part")]

use taa_mesh::mac::engine::Priority;
use taa_mesh::net::{Config, Event, Link, Network, Success};
use taa_mesh::wisun::join::State;
use taa_mesh::wisun::params::Size;

pub(crate) const S: u64 = 1_000_000_000;
pub(crate) const MINUTE: u64 = 60 * S;
pub(crate) const HOUR: u64 = 3_600 * S;

pub(crate) fn config(size: Size, seed: u64) -> Config {
    Config::wisun(size, seed).unwrap()
}

/// The same with no losses: what is heard at all is read.
pub(crate) fn ideal(size: Size, seed: u64) -> Config {
    Config { success: Success::ideal(5), ..config(size, seed) }
}

fn both(links: &mut Vec<Link>, a: u32, b: u32, loss_db: f32) {
    links.push(Link { from: a, to: b, loss_db });
    links.push(Link { from: b, to: a, loss_db });
}

/// Nodes in a line, each hearing the next, the root at one end.
pub(crate) fn line(nodes: u32) -> Vec<Link> {
    let mut links = Vec::new();
    (1..nodes).for_each(|node| both(&mut links, node - 1, node, 80.0));
    links
}

/// These pairs, and no other.
pub(crate) fn pairs(of: &[(u32, u32)]) -> Vec<Link> {
    let mut links = Vec::new();
    of.iter().for_each(|&(a, b)| both(&mut links, a, b, 80.0));
    links
}

/// Nodes on a square grid of this pitch, the root in the middle; log-distance, 40 dB at 1 m, exponent 3.5.
pub(crate) fn grid(nodes: u32, pitch_m: f64) -> Vec<Link> {
    let width = f64::from(nodes).sqrt().ceil() as u32;
    let middle = (nodes / width / 2) * width + width / 2;
    let place = |node: u32| {
        let at = (node + middle) % nodes;
        (f64::from(at % width) * pitch_m, f64::from(at / width) * pitch_m)
    };
    let mut links = Vec::new();
    for a in 0..nodes {
        for b in 0..a {
            let ((ax, ay), (bx, by)) = (place(a), place(b));
            let distance = libm::hypot(ax - bx, ay - by).max(1.0);
            let loss_db = 40.0 + 35.0 * libm::log10(distance);
            if loss_db < 140.0 {
                both(&mut links, a, b, loss_db as f32);
            }
        }
    }
    links
}

/// So many nodes in rings around the root, numbered outward. A node hears those of its own ring and of the next ones
/// within this angle, degrees; the first ring hears the root.
pub(crate) fn rings(counts: &[u32], within_deg: f64) -> Vec<Link> {
    let mut places = Vec::new();
    for (ring, &count) in counts.iter().enumerate() {
        places.extend((0..count).map(|at| (ring, 360.0 * f64::from(at) / f64::from(count))));
    }
    let mut links = Vec::new();
    for (a, (ring, bearing)) in (1..).zip(&places) {
        if *ring == 0 {
            both(&mut links, 0, a, 80.0);
        }
        for (b, (other, theirs)) in (1..a).zip(&places) {
            let apart = (bearing - theirs).abs();
            if ring - other <= 1 && apart.min(360.0 - apart) <= within_deg {
                both(&mut links, b, a, 80.0);
            }
        }
    }
    links
}

/// Parents as a planner pins them: up to three of the neighbours over links that lose at most this much, nearer to the
/// root in hops, or as near and of a smaller number; so no loop can come of them.
pub(crate) fn pins(nodes: u32, links: &[Link], most_db: f32) -> Vec<(u32, Vec<u32>)> {
    let good: Vec<&Link> = links.iter().filter(|link| link.loss_db <= most_db).collect();
    let mut depths = vec![u32::MAX; nodes as usize];
    depths[0] = 0;
    for _ in 0..nodes {
        for link in &good {
            let by_it = depths[link.from as usize].saturating_add(1);
            depths[link.to as usize] = depths[link.to as usize].min(by_it);
        }
    }
    let up = |node: u32| {
        let place = |of: u32| (depths[of as usize], of);
        let mut up: Vec<&&Link> = good.iter().filter(|of| of.to == node && place(of.from) < place(node)).collect();
        up.sort_by(|a, b| (place(a.from).0, a.loss_db).partial_cmp(&(place(b.from).0, b.loss_db)).unwrap());
        up.into_iter().take(3).map(|link| link.from).collect()
    };
    (1..nodes).map(|node| (node, up(node))).collect()
}

/// A network and what came out of it.
pub(crate) struct Site {
    pub(crate) network: Network,
    pub(crate) nodes: u32,
    pub(crate) events: Vec<(u64, Event)>,
}

impl Site {
    /// All on at once.
    pub(crate) fn new(config: Config, nodes: u32, links: &[Link]) -> Self {
        let mut site = Self { network: Network::new(config, nodes, links), nodes, events: Vec::new() };
        (0..nodes).for_each(|node| site.network.power(node, true));
        site
    }

    /// Event by event, so that each event's time is known.
    pub(crate) fn run(&mut self, for_ns: u64) {
        let until_ns = self.network.now_ns() + for_ns;
        while let Some(at_ns) = self.network.next_at().filter(|&at_ns| at_ns <= until_ns) {
            self.network.step(at_ns);
            self.drain();
        }
        self.network.step(until_ns);
    }

    pub(crate) fn drain(&mut self) {
        while let Some(event) = self.network.poll_event() {
            self.events.push((self.network.now_ns(), event));
        }
    }

    pub(crate) fn serving(&self) -> u32 {
        let serves = |node: &u32| self.network.standing(*node).is_some_and(|of| of.state == State::Operational);
        (1..self.nodes).filter(serves).count() as u32
    }

    /// Until all routers serve; how long that took.
    pub(crate) fn until_all_serve(&mut self, limit_ns: u64) -> Option<u64> {
        let from_ns = self.network.now_ns();
        while self.network.now_ns() < from_ns + limit_ns {
            if self.serving() == self.nodes - 1 {
                return Some(self.network.now_ns() - from_ns);
            }
            self.run(S);
        }
        None
    }

    /// When a router first served.
    pub(crate) fn served_at(&self, of: u32) -> Option<u64> {
        let first = self
            .events
            .iter()
            .find(|(_, event)| matches!(event, Event::State { node, state: State::Operational } if *node == of));
        first.map(|(at_ns, _)| *at_ns)
    }

    /// One message and whether it arrived; its time on the way.
    pub(crate) fn carry(&mut self, from: u32, to: u32, payload: &[u8]) -> Option<u64> {
        let sent_ns = self.network.now_ns();
        let number = self.network.send(from, to, payload, Priority::Data);
        self.drain();
        loop {
            for (at_ns, event) in self.events.iter().rev() {
                match event {
                    _ if *at_ns < sent_ns => break,
                    Event::Delivered { id, payload: came, .. } if *id == number => {
                        assert_eq!(came, payload, "octets arrive as they were sent");
                        return Some(at_ns - sent_ns);
                    }
                    Event::Dropped { id, .. } if *id == number => return None,
                    _ => {}
                }
            }
            if self.network.now_ns() > sent_ns + MINUTE {
                return None;
            }
            let at_ns = self.network.next_at()?;
            self.network.step(at_ns);
            self.drain();
        }
    }

    /// There and back; the mean of so many in milliseconds, and how many were answered.
    pub(crate) fn ping(&mut self, node: u32, octets: usize, times: u64) -> (f64, u64) {
        let (mut sum, mut answered) = (0, 0);
        for at in 0..times {
            // Anywhere in the broadcast interval, not always at its start.
            self.run(7 * S + at * 37_000_000);
            let payload = vec![at as u8; octets];
            if let Some(there) = self.carry(0, node, &payload)
                && let Some(back) = self.carry(node, 0, &payload)
            {
                sum += there + back;
                answered += 1;
            }
            self.events.retain(|(_, event)| !matches!(event, Event::Delivered { .. }));
        }
        (sum as f64 / answered.max(1) as f64 / 1e6, answered)
    }
}
