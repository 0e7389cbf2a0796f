//! How fast a profile of a month comes out of its bytes: 720 hourly rows of date-time and register, decoded again and
//! again. Prints rows per second, best of a thousand short rounds, in one thread; the last line is JSON.
//!
//! `cargo run --release -p taa-dlms --example profile_rows`; with `--hex` the buffer itself, for others to decode.
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use std::time::Instant;

use taa_dlms::DateTime;
use taa_dlms::axdr::{put_array, put_date_time, put_structure, put_u32};
use taa_dlms::cosem::ProfileRows;

const ROWS: usize = 720;
const DECODES: u32 = 20;

fn main() {
    let mut buffer = Vec::new();
    put_array(&mut buffer, ROWS);
    for row in 0..ROWS {
        put_structure(&mut buffer, 2);
        put_date_time(&mut buffer, &DateTime::from_unix_s(1_772_150_400 + 3600 * row as i64, 3 * 3600));
        put_u32(&mut buffer, 1_000_000 + 37 * row as u32);
    }
    if std::env::args().any(|argument| argument == "--hex") {
        println!("{}", buffer.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        return;
    }
    let mut rows = ProfileRows::default();
    let mut best = 0.0_f64;
    for _ in 0..1000 {
        let start = Instant::now();
        for _ in 0..DECODES {
            rows.decode(std::hint::black_box(&buffer), 0).expect("rows");
            assert_eq!(rows.len(), ROWS);
        }
        let rows_per_s = f64::from(DECODES) * ROWS as f64 / start.elapsed().as_secs_f64();
        best = best.max(rows_per_s);
    }
    println!("{ROWS} rows, {} bytes: {:.1} M rows/s", buffer.len(), best / 1e6);
    println!("{{\"rows_per_s\": {best:.0}}}");
}
