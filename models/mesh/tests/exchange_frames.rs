//! Several frames in a row for one neighbour (EDFE): what it saves, and that nothing is lost or doubled by it.

mod site;

use site::{HOUR, MINUTE, S, Site, config, ideal, line};
use taa_mesh::mac::engine::Priority;
use taa_mesh::net::{Config, Event, Success};
use taa_mesh::wisun::params::Size;

/// A firmware image or a long profile: so many blocks of 1000 octets for one meter, handed over at once. Seconds until the
/// last has arrived, how many arrived, and frames on the air.
fn blocks(set: Config, hops: u32, blocks: usize) -> (f64, usize, u64) {
    let mut site = Site::new(set, hops + 1, &line(hops + 1));
    site.until_all_serve(4 * HOUR).expect("all join");
    site.run(10 * MINUTE);
    site.events.clear();
    let (from_ns, before) = (site.network.now_ns(), site.network.totals().frames());
    let numbers: Vec<u64> = (0..blocks).map(|_| site.network.send(0, hops, &[7; 1_000], Priority::Data)).collect();
    site.run(5 * MINUTE);
    let mut arrived: Vec<(u64, u64)> = Vec::new();
    for (at_ns, event) in &site.events {
        if let Event::Delivered { id, payload, .. } = event {
            assert_eq!(payload, &[7; 1_000]);
            arrived.push((*id, *at_ns));
        }
    }
    let mut once: Vec<u64> = arrived.iter().map(|(id, _)| *id).collect();
    once.sort_unstable();
    once.dedup();
    assert!(once.len() == arrived.len() && once.iter().all(|id| numbers.contains(id)), "each once");
    let last_ns = arrived.iter().map(|(_, at_ns)| *at_ns).max().unwrap_or(from_ns);
    ((last_ns - from_ns) as f64 / S as f64, arrived.len(), site.network.totals().frames() - before)
}

#[test]
fn an_image_goes_faster_in_exchanges() {
    for (name, set) in [
        ("ideal", ideal(Size::Small, 2)),
        (
            "a fifth lost",
            Config { success: Success::tabulate(5, 5, &[u32::MAX], |_, _| 0.8), ..config(Size::Small, 2) },
        ),
    ] {
        for hops in [1, 2] {
            let (mut all_alone, mut all_row) = (0, 0);
            for frame_octets_max in [1_576, 305, 127] {
                let set = Config { frame_octets_max, queue_max: 1_000, ..set.clone() };
                let (alone_s, alone, _) = blocks(set.clone(), hops, 20);
                let (row_s, row, _) = blocks(Config { exchange_ms: 1_000, ..set }, hops, 20);
                println!(
                    "{name}, {frame_octets_max} octets, {hops} hops: {alone_s:.1} s ({alone} of 20), in a row {row_s:.1} s ({row})"
                );
                (all_alone, all_row) = (all_alone + alone, all_row + row);
                if hops == 1 {
                    assert!(row >= alone && row_s < alone_s, "{row_s} s for {row}, {alone_s} s for {alone}");
                }
            }
            // Over two hops a relay that advertises for most of a second costs either way some of one burst.
            assert!(all_row + 3 >= all_alone, "{all_row} {all_alone}");
        }
    }
}
