//! The least an event loop can be: `BinaryHeap<(time, seq, node)>` and nodes in a `Vec`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use crate::phold::{self, Measured, NODES, NodeState, UNTIL_NS};

pub fn run() -> Measured {
    let mut nodes: Vec<NodeState> = (0..NODES).map(NodeState::new).collect();
    let mut heap: BinaryHeap<Reverse<(u64, u64, u32)>> = BinaryHeap::with_capacity(phold::PENDING as usize + 1);
    let mut seq = 0;
    for (time, node) in phold::start() {
        heap.push(Reverse((time, seq, node)));
        seq += 1;
    }
    let started = Instant::now();
    while heap.peek().is_some_and(|next| next.0.0 <= UNTIL_NS) {
        let Some(Reverse((now, _, node))) = heap.pop() else { break };
        let (wait_ns, target) = nodes[node as usize].arrive();
        heap.push(Reverse((now + wait_ns, seq, target)));
        seq += 1;
    }
    Measured::of(started.elapsed(), nodes.into_iter())
}
