//! Prints the figures of `docs/demand.md`: `cargo run -p taa-models --example demand_report`.
//!
//! ```text
//! class             users  Wh/day  daily peak W  yearly peak W  load factor  coincidence
//! ```
//!
//! With `--bench SECONDS` it draws 100 users × 365 days into minutes instead and prints the time of one such year in
//! seconds; `cargo xtask bench demand` sets that beside RAMP.

use taa_models::{
    demand::{
        Class, DemandParams, Today, day_switches,
        measure::{Measured, measure},
        tables::kit,
    },
    draw::{Draws, NodeKey, Purpose},
};

/// Users a class in the RAMP village.
const VILLAGE: [u32; 7] = [100, 60, 20, 15, 1, 1, 2];
/// Shares of the household classes for the comparison with measured villages, and in a village of mostly lamps.
const MIX: [u32; 3] = [60, 32, 8];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => report(),
        ["--bench", years] => bench(years.parse().unwrap_or(1)),
        _ => eprintln!("usage: demand_report [--bench YEARS]"),
    }
}

fn report() {
    println!(
        "{:<18}{:>6}{:>10}{:>9}{:>9}{:>9}{:>7}{:>7}",
        "class", "users", "Wh/day", "sd", "daily W", "year W", "lf", "cf"
    );
    let mut all = Vec::new();
    for (class, users) in Class::ALL.into_iter().zip(VILLAGE) {
        // The reference year begins on a Sunday.
        let year = measure(&kit(class), users, 365, 6, 1, |_| 1.0);
        line(class.name(), users, &year);
        all.push(year);
    }
    line("village", 199, &Measured::together(&all));
    households();
}

fn line(name: &str, users: u32, year: &Measured) {
    let f = year.figures();
    let months: f64 = year.single_month_peak_w.iter().sum();
    println!(
        "{name:<18}{users:>6}{:>10.0}{:>9.0}{:>9.0}{:>9.0}{:>7.3}{:>7.3}  (own peaks by month: {:.3})",
        f.daily_wh,
        f.daily_sd_wh,
        f.daily_peak_w,
        f.peak_w,
        f.load_factor,
        f.coincidence,
        (f.peak_w / months).min(1.0)
    );
}

/// A hundred households of the mixed classes with their spread, as the villages of Benin and Uganda were measured.
fn households() {
    let params = DemandParams::default();
    let factor = |class: usize| {
        let params = params.clone();
        move |user: u32| {
            let key = NodeKey(u64::from(user) + 1000 * class as u64);
            params.factor(&mut Draws::keyed(1, 0, key, Purpose::named("demand/report"), 0))
        }
    };
    let years: Vec<Measured> = Class::ALL[..3]
        .iter()
        .zip(MIX)
        .enumerate()
        .map(|(i, (class, users))| measure(&kit(*class), users, 365, 0, 1, factor(i)))
        .collect();
    let all = Measured::together(&years);
    let mut daily = all.daily_wh.clone();
    daily.sort_by(f64::total_cmp);
    let at = |q: f64| daily[((daily.len() - 1) as f64 * q) as usize];
    let mean = daily.iter().sum::<f64>() / daily.len() as f64;
    println!("\n100 households (60 low, 32 middle, 8 high): mean {mean:.0} Wh a day");
    println!("p05 {:.0}  p25 {:.0}  p50 {:.0}  p75 {:.0}  p95 {:.0}", at(0.05), at(0.25), at(0.5), at(0.75), at(0.95));
    let mut own: Vec<f64> =
        all.daily_wh.iter().zip(&all.single_month_peak_w).map(|(wh, peak)| wh / 24.0 / peak).collect();
    own.sort_by(f64::total_cmp);
    let at = |q: f64| own[((own.len() - 1) as f64 * q) as usize];
    println!("load factor of single households: p25 {:.3}  p50 {:.3}  p75 {:.3}", at(0.25), at(0.5), at(0.75));
    let f = all.figures();
    println!("load factor of all {:.3}, coincidence {:.3}", f.load_factor, f.coincidence);
}

/// Seconds for a year of 100 users in minutes, the mix of the village's classes.
#[allow(clippy::disallowed_methods)]
fn bench(years: u32) {
    let kits: Vec<_> = Class::ALL.iter().map(|class| kit(*class)).collect();
    let (mut switches, mut minutes) = (Vec::new(), vec![0_i64; 1442]);
    let mut energy = 0_i64;
    let start = std::time::Instant::now();
    for year in 0..years {
        for day in 0..365_u32 {
            minutes.fill(0);
            for user in 0..100_u32 {
                let class = match user {
                    0..=49 => 0,
                    50..=79 => 1,
                    80..=89 => 2,
                    90..=96 => 3,
                    other => other as usize - 93,
                };
                let key = NodeKey(u64::from(user));
                let mut draws = Draws::keyed(u64::from(year), 0, key, Purpose::named("bench"), u64::from(day));
                day_switches(&kits[class], &Today::plain((day % 7) as u8), &mut draws, &mut switches);
                for switch in &switches {
                    minutes[switch.at_s as usize / 60] += switch.delta_mw;
                }
            }
            let mut power = 0;
            for minute in &minutes {
                power += minute;
                energy += power;
            }
        }
    }
    let wall_s = start.elapsed().as_secs_f64() / f64::from(years.max(1));
    println!("{{\"wall_s\": {wall_s:.6}, \"kwh_day\": {:.3}}}", energy as f64 / 60e6 / 365.0 / f64::from(years.max(1)));
}
