//! The load of `cargo xtask bench mesh` on the frame-by-frame mesh: every node hands over 50 octets every 10 s, for the
//! root.
//!
//! ```text
//! mesh_load [nodes] [simulated seconds under load] [grid | wisun]
//! ```
//!
//! `grid` (default) is the radio of `benches/lrwpan.cc`: a grid of 30 m, 46.7 dB at 1 m and exponent 3, 0 dBm, O-QPSK at
//! 250 kb/s; on it the whole stack: hopping, joining, keys, RPL, 6LoWPAN. `wisun` is the radio of `mesh_frame`:
//! 50 kb/s, 65 m. The network is settled first; only what comes after is timed, in processor time of the one thread. The
//! last line is JSON.

use std::error::Error;

use taa_mesh::mac::csma::Csma;
use taa_mesh::mac::engine::Priority;
use taa_mesh::mac::phy::{Phy, oqpsk_success};
use taa_mesh::net::{Config, Event, Link, Network, Success, Use};
use taa_mesh::wisun::join::State;
use taa_mesh::wisun::params::{Params, Size};

const S: u64 = 1_000_000_000;
/// Between two messages of a node.
const EVERY_NS: u64 = 10 * S;
/// Longest time to settle.
const SETTLE_NS: u64 = 6 * 3_600 * S;

/// Losses on a square grid, the root in its middle.
fn links(nodes: u32, pitch_m: f64, loss_db: impl Fn(f64) -> f64) -> Vec<Link> {
    let width = f64::from(nodes).sqrt().ceil() as u32;
    let middle = (nodes / width / 2) * width + width / 2;
    let place = |node: u32| {
        let at = (node + middle) % nodes;
        (f64::from(at % width) * pitch_m, f64::from(at / width) * pitch_m)
    };
    let mut links = Vec::new();
    for from in 0..nodes {
        for to in (0..nodes).filter(|&to| to != from) {
            let ((ax, ay), (bx, by)) = (place(from), place(to));
            let loss_db = loss_db(libm::hypot(ax - bx, ay - by)) as f32;
            links.push(Link { from, to, loss_db });
        }
    }
    links
}

/// Bound by what the same radio in the other simulator does: noise over 2 MHz, its receiver's sensitivity.
fn oqpsk(config: Config) -> Config {
    let lengths = [5, 20, 40, 60, 80, 100, 125, 150, 200, 250, 350, 500, 800, 1300, 2047];
    let success = Success::tabulate(-6, 12, &lengths, |snr_db, octets| {
        oqpsk_success(libm::pow(10.0, snr_db / 10.0), 8.0 * f64::from(octets))
    });
    Config {
        // Long enough for the acknowledgements of Wi-SUN, of 56 octets.
        phy: Phy { ack_wait_ns: 4_000_000, ..Phy::oqpsk_250k() },
        csma: Csma::standard(),
        tx_dbm: 0.0,
        noise_dbm: -111.0,
        busy_dbm: -96.6,
        sync_db: 4.4,
        capture_db: 3.0,
        success,
        join: Params { sensitivity_dbm: -106, ..config.join },
        ..config
    }
}

/// Processor time of this process so far, seconds.
fn cpu_s() -> Result<f64, Box<dyn Error>> {
    // user and system time in ticks of 10 ms stand as the 12th and 13th word after the name.
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let words: Vec<&str> = stat.rsplit_once(')').ok_or("no name")?.1.split_whitespace().collect();
    let ticks = |at: usize| words.get(at).and_then(|word| word.parse::<f64>().ok()).ok_or("no times");
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, otherwise: u64| match arguments.get(at) {
        Some(text) => text.parse::<u64>().map_err(|problem| format!("{text}: {problem}")),
        None => Ok(otherwise),
    };
    let (nodes, loaded_s) = (number(0, 200)?.max(2) as u32, number(1, 600)?);
    let size = match nodes {
        0..=100 => Size::Small,
        101..=800 => Size::Medium,
        _ => Size::Large,
    };
    // The twenty tries that Wi-SUN demands, as an open stack makes them: four on each of five channels.
    let config = Config { retries_max: 3, channel_retries: 4, ..Config::wisun(size, 1)? };
    let (config, links) = if arguments.get(2).is_some_and(|radio| radio == "wisun") {
        (config, links(nodes, 65.0, |m| 40.0 + 35.0 * libm::log10(m)))
    } else {
        (oqpsk(config), links(nodes, 30.0, |m| 46.6776 + 30.0 * libm::log10(m)))
    };
    let mut network = Network::new(config, nodes, &links);
    let serves = |network: &Network, node| network.standing(node).is_some_and(|of| of.state == State::Operational);
    (0..nodes).for_each(|node| network.power(node, true));
    while network.now_ns() < SETTLE_NS && !(1..nodes).all(|node| serves(&network, node)) {
        network.step(network.now_ns() + 60 * S);
        while network.poll_event().is_some() {}
    }
    let (settled_ns, settling_s) = (network.now_ns(), cpu_s()?);
    let before = *network.totals();
    let end_ns = settled_ns + loaded_s * S;
    let (gap_ns, mut node) = (EVERY_NS / u64::from(nodes - 1), 0);
    let (mut next_ns, mut offered, mut delivered) = (settled_ns, 0_u64, 0_u64);
    while next_ns < end_ns {
        network.step(next_ns);
        while let Some(event) = network.poll_event() {
            if let Event::Delivered { payload, .. } = event {
                delivered += 1;
                network.take_back(payload);
            }
        }
        node = node % (nodes - 1) + 1;
        network.send(node, 0, &[0; 50], Priority::Data);
        offered += 1;
        next_ns += gap_ns;
    }
    network.step(end_ns);
    let spent_s = cpu_s()? - settling_s;
    let totals = network.totals();
    let serving = (1..nodes).filter(|&node| serves(&network, node)).count();
    let hops: Vec<u32> = (1..nodes).filter_map(|node| network.hops(node)).collect();
    println!("settled after {} min; {serving} of {} serve at the end", settled_ns / 60 / S, nodes - 1);
    for ((of, now), before) in Use::ALL.iter().zip(totals.by_use).zip(before.by_use) {
        println!("  {of:<16?} {:>9} frames {:>9.1} s on air", now.0 - before.0, (now.1 - before.1) as f64 / 1e9);
    }
    let hops_mean = f64::from(hops.iter().sum::<u32>()) / hops.len().max(1) as f64;
    println!(
        "{{\"nodes\":{nodes},\"simulated_s\":{loaded_s},\"cpu_s\":{spent_s},\"frames\":{},\"offered\":{offered},\"delivered\":{delivered},\"hops\":{:.0}}}",
        totals.frames() - before.frames(),
        delivered as f64 * hops_mean,
    );
    Ok(())
}
