//! Orders and alarms against bulk on one shared link: how long they wait while every meter's month of profile is being
//! read. Of an alarm it is the confirmation that waits: the DCU has taken it by then.
//!
//! The figures are a committed table: a change of the scheduler shows as a change of the table. Everything is secured
//! as by default (suite 0, authenticated and encrypted), and one frame in a hundred is lost. The worst waits are lost
//! frames: on the wire whichever was under way (3 s); on the mesh one of the very meter's own association, which is not
//! given up for an order, as the order needs it too (20 s).

#[path = "../village/flash.rs"]
#[allow(dead_code, reason = "the village uses more of it")]
mod flash;
mod link;
#[path = "../village/meter.rs"]
#[allow(dead_code, reason = "the village uses more of it")]
mod meter;
#[path = "../village/slot.rs"]
#[allow(dead_code, reason = "the village uses more of it")]
mod slot;

use std::fmt::Write;

use link::{Medium, Outcome, Run};

/// 9600 baud, 8N1, half duplex: one exchange at a time; a meter turns round in 20 to 60 ms.
const LINE: Medium = Medium {
    name: "RS-485, 9600 baud",
    byte_ns: 1_041_667,
    overhead_bytes: 0,
    turnaround_ms: (20, 60),
    window: 1,
    reply_timeout_ms: 3_000,
    loss_permille: 10,
    order_every_ms: (5_000, 15_000),
};

/// A shared radio channel of 50 kbit/s: 40 bytes of headers a frame, whoever is ready first sends first.
const MESH: Medium = Medium {
    name: "mesh, 50 kbit/s",
    byte_ns: 160_000,
    overhead_bytes: 40,
    turnaround_ms: (30, 150),
    window: 8,
    reply_timeout_ms: 20_000,
    loss_permille: 10,
    order_every_ms: (1_000, 3_000),
};

fn run(medium: Medium, meters: u32, orders: bool) -> Outcome {
    Run::month(medium, meters, 1).orders(orders).until_all_is_done()
}

/// Measures, and writes the line; whether an order ever waited for longer than for one exchange.
fn row(table: &mut String, medium: Medium, meters: u32) -> bool {
    let with = run(medium, meters, true);
    let without = run(medium, meters, false);
    let minutes = |outcome: &Outcome| outcome.bulk_ms as f64 / 60_000.0;
    let slower = 100.0 * (minutes(&with) / minutes(&without) - 1.0);
    writeln!(
        table,
        "{:<17} | {meters:>6} | {:>6} | {:>9} | {:>8} | {:>8} | {:>8} | {:>8} | {:>9.1} | {:>10.1} | {slower:>6.1}",
        medium.name,
        with.waits.len(),
        with.exchanges_worst(),
        with.wait_ms(50),
        with.wait_ms(99),
        with.wait_ms(100),
        with.exchange_ms_longest,
        minutes(&with),
        minutes(&without),
    )
    .unwrap();
    for outcome in [&with, &without] {
        let rows = u64::from(meters) * 720;
        assert_eq!((outcome.rows_settled, outcome.rows_found), (rows, rows), "each row once, none lost");
    }
    // The exchange under way may be a lost one: it takes the whole time-out.
    let longest_ms = with.exchange_ms_longest.max(medium.reply_timeout_ms.into());
    with.exchanges_worst() <= 1 && with.wait_ms(100) <= longest_ms && with.wait_ms(90) <= with.exchange_ms_longest
}

const HEAD: &str = "\
link              | meters | urgent | exchanges |        wait for the link, ms   | longest  | 95 % of rows here, min | slower
                  |        |        |    waited |   median |      p99 |    worst | answer   |      with |    without |    by
                  |        |        |  at worst |          |          |          |       ms |    orders |     orders |     %
";

#[test]
fn an_order_waits_for_one_frame_exchange_at_most() {
    let mut table = String::from(HEAD);
    let mut at_once = true;
    for medium in [LINE, MESH] {
        for meters in [50, 200, 500, 1000] {
            at_once &= row(&mut table, medium, meters);
        }
    }
    assert!(at_once, "an order waits for one frame exchange at most\n{table}");
    insta::assert_snapshot!("orders_against_bulk", table);
}

const HEAD_IMAGE: &str = "\
link              | meters | 95 % done alone, min | 95 % done together, m | urgent | exchanges | worst wait
                  |        |    month |    image |     month |     image |        |    waited |         ms
";

/// Everything at once: a month from every meter, an image of 32 KB to every meter, orders and alarms.
#[test]
fn an_image_and_a_month_for_everybody_share_the_link() {
    const BYTES: usize = 32 * 1024;
    let mut table = String::from(HEAD_IMAGE);
    let mut at_once = true;
    for (medium, meters) in [(LINE, 20), (LINE, 100), (MESH, 20), (MESH, 100), (MESH, 500)] {
        let month = run(medium, meters, false);
        let image = Run::idle(medium, meters, 1).image(BYTES).until_all_is_done();
        let both = Run::month(medium, meters, 1).image(BYTES).orders(true).until_all_is_done();
        let minutes = |ms: u64| ms as f64 / 60_000.0;
        writeln!(
            table,
            "{:<17} | {meters:>6} | {:>8.1} | {:>8.1} | {:>9.1} | {:>9.1} | {:>6} | {:>9} | {:>10}",
            medium.name,
            minutes(month.bulk_ms),
            minutes(image.image_ms),
            minutes(both.bulk_ms),
            minutes(both.image_ms),
            both.waits.len(),
            both.exchanges_worst(),
            both.wait_ms(100),
        )
        .unwrap();
        let (rows, all) = (u64::from(meters) * 720, meters as usize);
        assert_eq!((both.rows_found, both.activated, image.activated), (rows, all, all), "{table}");
        // Neither kind of bulk waits for the other to be over: together they take what both take.
        let sum = month.bulk_ms + image.image_ms;
        assert!(both.bulk_ms.max(both.image_ms) < sum + sum / 4, "{table}");
        assert!(both.bulk_ms < 3 * month.bulk_ms && both.image_ms < 3 * image.image_ms.max(month.bulk_ms), "{table}");
        at_once &= both.exchanges_worst() <= 1;
    }
    assert!(at_once, "an order waits for one frame exchange at most\n{table}");
    insta::assert_snapshot!("image_and_month", table);
}

/// Sabotage: on a link that gives whole reads the way, as a scheduler of whole exchanges would, orders wait for them.
#[test]
#[should_panic(expected = "one frame exchange at most")]
fn whole_reads_in_one_go_are_noticed_by_this_test() {
    let outcome = Run::month(MESH, 50, 1).orders(true).whole_reads().until_all_is_done();
    assert!(outcome.exchanges_worst() <= 1, "an order waits for one frame exchange at most");
}
