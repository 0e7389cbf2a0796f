//! nexosim: a node is a model; a token is an event that its holder schedules at the next node.
//!
//! Done the cheapest way its interface allows: one scheduled event per hop, straight at the target's input, on one
//! thread (more threads make it slower here). The documented way, to schedule at oneself and then send through a port,
//! costs two messages per hop.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use nexosim::model::Model;
use nexosim::ports::EventSource;
use nexosim::simulation::{EventId, Mailbox, Scheduler, SimInit};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};

use crate::phold::{self, Measured, NODES, NodeState, UNTIL_NS};

/// The scheduler and the inputs of all nodes, known once the simulation stands.
type Wiring = Arc<OnceLock<(Scheduler, Vec<EventId<u32>>)>>;

#[derive(Serialize, Deserialize)]
struct Node {
    state: NodeState,
    #[serde(skip)]
    wiring: Wiring,
    #[serde(skip)]
    last_seen: Arc<std::sync::Mutex<Vec<NodeState>>>,
    index: usize,
}

#[Model]
impl Node {
    fn arrive(&mut self, token: u32) {
        if token == REPORT {
            self.last_seen.lock().expect("no model panics")[self.index] = self.state;
            return;
        }
        let (wait_ns, target) = self.state.arrive();
        let (scheduler, inputs) = self.wiring.get().expect("wired before the first event");
        scheduler
            .schedule_event(Duration::from_nanos(wait_ns), &inputs[target as usize], token)
            .expect("waits are not zero");
    }
}

/// A token that asks a node for its state.
const REPORT: u32 = u32::MAX;

pub fn run() -> Result<Measured, String> {
    let wiring = Wiring::default();
    let states: Vec<NodeState> = (0..NODES).map(NodeState::new).collect();
    let last_seen = Arc::new(std::sync::Mutex::new(states.clone()));
    let mut bench = SimInit::with_num_threads(1);
    let mut inputs = Vec::new();
    for (index, state) in states.into_iter().enumerate() {
        let mailbox = Mailbox::new();
        inputs.push(EventSource::new().connect(Node::arrive, &mailbox).register(&mut bench));
        let node = Node { state, wiring: Arc::clone(&wiring), last_seen: Arc::clone(&last_seen), index };
        bench = bench.add_model(node, mailbox, &format!("node-{index}"));
    }
    let mut simulation = bench.init(MonotonicTime::EPOCH).map_err(|e| e.to_string())?;
    let scheduler = simulation.scheduler();
    for (token, (time, node)) in phold::start().enumerate() {
        scheduler
            .schedule_event(Duration::from_nanos(time), &inputs[node as usize], token as u32)
            .map_err(|e| e.to_string())?;
    }
    wiring.set((scheduler, inputs.clone())).map_err(|_| "wired twice".to_owned())?;
    let started = Instant::now();
    simulation.step_until(Duration::from_nanos(UNTIL_NS)).map_err(|e| e.to_string())?;
    let wall = started.elapsed();
    for input in &inputs {
        simulation.process_event(input, REPORT).map_err(|e| e.to_string())?;
    }
    let states = last_seen.lock().map_err(|e| e.to_string())?.clone();
    Ok(Measured::of(wall, states.into_iter()))
}
