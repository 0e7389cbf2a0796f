//! The queue and a naive sorted list get the same orders and must fire the same events.
//!
//! Delays cover every level of the wheel, including ties, the past, bursts that overflow the sorted front, and looks
//! ahead that load a front before earlier events arrive.

use proptest::prelude::*;

use crate::kernel::{Fired, NodeId, NodeTable, Phase, Queue, SimTime, Wake};

const NODES: u32 = 5;

/// Makes of (node, sequence) what orders events of one instant and phase.
type Tie = fn(u32, u64) -> (u64, u64);

/// All pending events in a plain list, searched for the least on every pop.
struct Reference {
    now: u64,
    delta: u32,
    pending: Vec<(u64, u32, u8, u32, u64, u32)>,
    sequence: [u64; NODES as usize],
    /// How ties of time, delta and phase are broken; the sabotage test bends it.
    tie: Tie,
}

impl Reference {
    fn new(tie: Tie) -> Self {
        Self { now: 0, delta: 0, pending: Vec::new(), sequence: [0; NODES as usize], tie }
    }

    fn at(&mut self, time: u64, phase: Phase, node: NodeId, event: u32) {
        let (time, delta) = if time > self.now { (time, 0) } else { (self.now, self.delta + 1) };
        self.pending.push((time, delta, phase as u8, node.0, self.sequence[node.index()], event));
        self.sequence[node.index()] += 1;
    }

    fn pop_until(&mut self, until: u64) -> Option<Fired<u32>> {
        let tie = self.tie;
        let key = |&(time, delta, phase, node, sequence, _): &(u64, u32, u8, u32, u64, u32)| {
            (time, delta, phase, tie(node, sequence))
        };
        let first = (0..self.pending.len()).min_by_key(|&i| key(&self.pending[i]))?;
        if self.pending[first].0 > until {
            return None;
        }
        let (time, delta, phase, node, _, event) = self.pending.swap_remove(first);
        (self.now, self.delta) = (time, delta);
        let phase = Phase::ALL[usize::from(phase)];
        Some(Fired { time: SimTime(time), delta, phase, node: NodeId(node), event })
    }

    fn advance_to(&mut self, time: u64) {
        let next = self.pending.iter().map(|p| p.0).min().unwrap_or(u64::MAX);
        let time = time.min(next);
        if time > self.now {
            (self.now, self.delta) = (time, 0);
        }
    }
}

/// One order to both.
#[derive(Clone, Debug)]
enum Order {
    /// Schedule so much later than now (or, when false, so much earlier).
    Push { later: bool, delay_ns: u64, phase: u8, node: u32 },
    /// Schedule many at once, `step_ns` apart.
    Burst { count: u32, delay_ns: u64, step_ns: u64 },
    /// Arm a wake again; its old event must turn stale.
    Arm { delay_ns: u64 },
    /// Take events out.
    Pop { count: u32 },
    /// Take out everything within a stretch, then move the present to its end.
    RunFor { stretch_ns: u64 },
    /// Look ahead.
    Peek,
}

/// Delays over all magnitudes, with many small equal ones.
fn delay() -> impl Strategy<Value = u64> {
    prop_oneof![
        2 => 0_u64..4,
        4 => (0_u32..63, any::<u64>()).prop_map(|(bits, n)| n >> (63 - bits)),
        1 => (0_u32..63).prop_map(|bits| 1 << bits),
        1 => (1_u32..63).prop_map(|bits| (1 << bits) - 1),
        1 => Just(u64::MAX),
    ]
}

fn order() -> impl Strategy<Value = Order> {
    prop_oneof![
        6 => (prop::bool::weighted(0.95), delay(), 0_u8..7, 0..NODES)
            .prop_map(|(later, delay_ns, phase, node)| Order::Push { later, delay_ns, phase, node }),
        1 => (1_u32..900, delay(), (0_u32..40, any::<u64>()).prop_map(|(bits, n)| n >> (63 - bits)))
            .prop_map(|(count, delay_ns, step_ns)| Order::Burst { count, delay_ns, step_ns }),
        2 => delay().prop_map(|delay_ns| Order::Arm { delay_ns }),
        4 => (1_u32..40).prop_map(|count| Order::Pop { count }),
        1 => (100_u32..800).prop_map(|count| Order::Pop { count }),
        2 => delay().prop_map(|stretch_ns| Order::RunFor { stretch_ns }),
        2 => Just(Order::Peek),
    ]
}

/// Runs the orders on both; says where they part.
fn compare(orders: &[Order], tie: Tie) -> Result<(), String> {
    let names: Vec<String> = (0..NODES).map(|n| format!("node {n}")).collect();
    let nodes = NodeTable::new(names.iter().map(String::as_str)).map_err(|e| e.to_string())?;
    let mut pair = Pair { queue: Queue::new(nodes), reference: Reference::new(tie), next: 0, wake: Wake::default() };
    for order in orders {
        pair.obey(order)?;
    }
    while pair.fire(u64::MAX)? {}
    if pair.queue.is_empty() { Ok(()) } else { Err(format!("{} events are left", pair.queue.len())) }
}

struct Pair {
    queue: Queue<u32>,
    reference: Reference,
    next: u32,
    wake: Wake,
}

impl Pair {
    fn push(&mut self, time: u64, phase: Phase, node: NodeId) {
        self.queue.at(SimTime(time), phase, node, self.next);
        self.reference.at(time, phase, node, self.next);
        self.next += 1;
    }

    fn fire(&mut self, until: u64) -> Result<bool, String> {
        let (got, expected) = (self.queue.pop_until(SimTime(until)), self.reference.pop_until(until));
        if got != expected {
            return Err(format!("fired {got:?} where {expected:?} was due"));
        }
        if self.queue.len() != self.reference.pending.len() || self.queue.now().0 != self.reference.now {
            return Err(format!("{} pending at {}", self.queue.len(), self.queue.now()));
        }
        Ok(got.is_some())
    }

    fn obey(&mut self, order: &Order) -> Result<(), String> {
        let now = self.queue.now().0;
        match *order {
            Order::Push { later, delay_ns, phase, node } => {
                let time = if later { now.saturating_add(delay_ns) } else { now.saturating_sub(delay_ns) };
                self.push(time, Phase::ALL[usize::from(phase)], NodeId(node));
            }
            Order::Burst { count, delay_ns, step_ns } => {
                for i in 0..count {
                    let time = now.saturating_add(delay_ns).saturating_add(step_ns.saturating_mul(u64::from(i)));
                    self.push(time, Phase::ALL[i as usize % 7], NodeId(i % NODES));
                }
            }
            Order::Arm { delay_ns } => {
                let stale = self.wake.generation();
                let time = now.saturating_add(delay_ns);
                let event = self.next;
                self.queue.arm(&mut self.wake, SimTime(time), Phase::Dcu, NodeId(0), |_| event);
                self.reference.at(time, Phase::Dcu, NodeId(0), event);
                self.next += 1;
                if self.wake.is_current(stale) || !self.wake.is_current(self.wake.generation()) {
                    return Err("a wake armed again is still at its old generation".to_owned());
                }
            }
            Order::Pop { count } => {
                for _ in 0..count {
                    self.fire(u64::MAX)?;
                }
            }
            Order::RunFor { stretch_ns } => {
                let until = now.saturating_add(stretch_ns);
                while self.fire(until)? {}
                self.queue.advance_to(SimTime(until));
                self.reference.advance_to(until);
            }
            Order::Peek => {
                let next = self.reference.pending.iter().map(|p| p.0).min();
                if self.queue.peek_time().map(|t| t.0) != next {
                    return Err(format!("sees {:?} ahead where {next:?} is due", self.queue.peek_time()));
                }
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_queue_fires_what_a_sorted_list_fires(orders in prop::collection::vec(order(), 1..60)) {
        compare(&orders, |node, sequence| (u64::from(node), sequence)).map_err(TestCaseError::fail)?;
    }
}

/// Ties in every way: same instant, same phase, several nodes.
fn ties() -> Vec<Order> {
    let push = |node| Order::Push { later: true, delay_ns: 10, phase: 3, node };
    vec![push(4), push(1), push(4), push(0), push(1), Order::Pop { count: 9 }]
}

#[test]
fn ties_fire_by_node_and_then_as_given() {
    assert_eq!(compare(&ties(), |node, sequence| (u64::from(node), sequence)), Ok(()));
}

#[test]
fn sabotage_a_tie_order_bent_in_any_way_is_noticed() {
    let bent: [Tie; 3] = [
        |node, sequence| (u64::from(NODES - node), sequence),
        |node, sequence| (u64::from(node), u64::MAX - sequence),
        |node, sequence| (sequence, u64::from(node)),
    ];
    for tie in bent {
        assert!(compare(&ties(), tie).is_err());
    }
}
