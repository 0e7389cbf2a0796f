//! How fast the frame-by-frame mesh runs.
//!
//! ```text
//! mesh_frame [nodes] [hours] [seconds between reads of a node] [up|read] [DAGMaxRankIncrease] [parents]
//! ```
//!
//! `read` (default): the root asks each node and is answered, 120 octets down, 180 up. `up`: each node sends 50 octets to
//! the root. Nodes stand on a grid of 65 m, the root in its middle. The last line is JSON. Times are of one thread.

use std::error::Error;
use std::time::Instant;

use taa_mesh::mac::engine::Priority;
use taa_mesh::net::{Config, Event, Link, Network, Use};
use taa_mesh::wisun::join::State;
use taa_mesh::wisun::params::Size;

const S: u64 = 1_000_000_000;

fn links(nodes: u32) -> Vec<Link> {
    let width = f64::from(nodes).sqrt().ceil() as u32;
    let middle = (nodes / width / 2) * width + width / 2;
    let place = |node: u32| {
        let at = (node + middle) % nodes;
        (f64::from(at % width) * 65.0, f64::from(at / width) * 65.0)
    };
    let mut links = Vec::new();
    for from in 0..nodes {
        for to in (0..nodes).filter(|&to| to != from) {
            let ((ax, ay), (bx, by)) = (place(from), place(to));
            let loss_db = (40.0 + 35.0 * libm::log10(libm::hypot(ax - bx, ay - by).max(1.0))) as f32;
            links.push(Link { from, to, loss_db });
        }
    }
    links
}

#[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, otherwise: u64| match arguments.get(at) {
        Some(text) => text.parse::<u64>().map_err(|problem| format!("{text}: {problem}")),
        None => Ok(otherwise),
    };
    let (nodes, hours, every_s) = (number(0, 200)? as u32, number(1, 24)?, number(2, 3_600)?);
    let up = arguments.get(3).is_some_and(|mode| mode == "up");
    let size = if nodes <= 100 {
        Size::Small
    } else if nodes <= 800 {
        Size::Medium
    } else {
        Size::Large
    };
    let mut config = Config::wisun(size, 1)?;
    config.dodag.max_rank_increase = number(4, 0)? as u16;
    config.parents = number(5, 1)? as u8;
    let mut network = Network::new(config, nodes, &links(nodes));
    (0..nodes).for_each(|node| network.power(node, true));
    let start = Instant::now();
    let (end_ns, gap_ns) = (hours * 3_600 * S, (every_s * S / u64::from(nodes.max(2) - 1)).max(1));
    let (mut next_ns, mut node) = (0, 0);
    let (mut answered, mut asked, mut dropped) = (0_u64, 0_u64, 0_u64);
    while network.now_ns() < end_ns {
        network.step(next_ns);
        next_ns += gap_ns;
        node = node % (nodes - 1) + 1;
        if network.standing(node).is_some_and(|of| of.state == State::Operational) {
            asked += 1;
            if up {
                network.send(node, 0, &[0; 50], Priority::Data);
            } else {
                network.send(0, node, &[0; 120], Priority::Data);
            }
        }
        // Answers go out before the next question: the root asks one node at a time, a few hundred milliseconds apart.
        while let Some(at_ns) = network.next_at().filter(|&at_ns| at_ns < next_ns) {
            network.step(at_ns);
            while let Some(event) = network.poll_event() {
                match event {
                    Event::Delivered { node: 0, payload, .. } => {
                        answered += 1;
                        network.take_back(payload);
                    }
                    Event::Delivered { node, payload, .. } => {
                        network.take_back(payload);
                        network.send(node, 0, &[0; 180], Priority::Data);
                    }
                    Event::Dropped { .. } => dropped += 1,
                    _ => {}
                }
            }
        }
    }
    let wall_s = start.elapsed().as_secs_f64();
    let totals = network.totals();
    let serving = (1..nodes).filter(|&node| network.standing(node).is_some_and(|of| of.state == State::Operational));
    let hops: Vec<u32> = (1..nodes).filter_map(|node| network.hops(node)).collect();
    println!("{nodes} nodes, {hours} h: {} serve, at most {} hops", serving.count(), hops.iter().max().unwrap_or(&0));
    for (of, (frames, air_ns)) in Use::ALL.iter().zip(totals.by_use) {
        println!("  {of:<16?} {frames:>12} frames {:>12.1} s on air", air_ns as f64 / 1e9);
    }
    println!("  tuned {} collided {} noise {}", totals.tuned, totals.collided, totals.noise);
    let changes: u64 = (1..nodes).filter_map(|node| network.routing(node)).map(|of| of.parent_changes).sum();
    println!(
        "  {changes} changes of parents, {} nodes in loops at the end",
        (1..nodes).filter(|&n| network.loops(n)).count()
    );
    println!("  asked {asked} answered {answered} dropped {dropped}");
    let (simulated_s, steps) = (end_ns as f64 / 1e9, totals.steps);
    println!(
        "  {steps} steps, {:.0} ns each; a year would take {:.0} s",
        wall_s * 1e9 / steps as f64,
        wall_s / simulated_s * 31_536_000.0
    );
    println!(
        "{{\"nodes\":{nodes},\"simulated_s\":{simulated_s},\"wall_s\":{wall_s},\"steps\":{steps},\"frames\":{},\"asked\":{asked},\"answered\":{answered},\"digest\":\"{:016x}\"}}",
        totals.frames(),
        network.digest_now()
    );
    Ok(())
}
