//! taa's kernel: nodes are entities of a `bevy_ecs` World, reached through one cached `QueryState`; the digest is on.

use std::time::Instant;

use bevy_ecs::prelude::*;
use taa_sim::kernel::{Control, Fired, Kernel, Model, NodeId, NodeTable, Outcome, Phase, Queue, SimTime};

use crate::phold::{self, Measured, NODES, NodeState, UNTIL_NS};

#[derive(Component)]
struct Node(NodeState);

struct Phold {
    world: World,
    nodes: QueryState<&'static mut Node>,
    entities: Vec<Entity>,
}

impl Model for Phold {
    type Event = u32;

    #[inline]
    fn handle(&mut self, fired: &Fired<u32>, queue: &mut Queue<u32>) {
        let entity = self.entities[fired.node.index()];
        if let Ok(mut node) = self.nodes.get_mut(&mut self.world, entity) {
            let (wait_ns, target) = node.0.arrive();
            queue.at(fired.time + wait_ns, Phase::Meter, NodeId(target), fired.event);
        }
    }

    #[inline]
    fn digest_words(event: &u32) -> [u64; 2] {
        [u64::from(*event), 0]
    }
}

pub fn run() -> Measured {
    let names: Vec<String> = (0..NODES).map(|n| format!("node-{n}")).collect();
    let table = NodeTable::new(names.iter().map(String::as_str)).expect("names differ");
    let mut world = World::new();
    let entities: Vec<Entity> = (0..NODES).map(|n| world.spawn(Node(NodeState::new(n))).id()).collect();
    let nodes = world.query::<&mut Node>();
    let mut queue = Queue::new(table);
    for (token, (time, node)) in phold::start().enumerate() {
        queue.at(SimTime(time), Phase::Meter, NodeId(node), token as u32);
    }
    let mut kernel = Kernel::new(Phold { world, nodes, entities }, queue);
    let started = Instant::now();
    let outcome = kernel.run_until(SimTime(UNTIL_NS), &mut |_| Control::Go);
    let digest = kernel.digest();
    let wall = started.elapsed();
    assert_eq!(outcome, Ok(Outcome::Reached));
    std::hint::black_box(digest);
    let Phold { world, entities, .. } = kernel.model;
    Measured::of(wall, entities.iter().filter_map(|&e| world.get::<Node>(e)).map(|node| node.0))
}
