//! Ten thousand site-months of towers and bearers under the bundled Lodwar year: every figure against its bound, in
//! one table (`cargo test -p taa-models --test towers -- --nocapture`). Where each figure is from: `docs/towers.md`.

use taa_models::{
    cellular::{CellularParams, Down, DownWhy, Sky, Timelines, equipment},
    draw::{Draws, NodeKey, Purpose},
    spells::HOUR_MS,
    sun,
    weather::Series,
};

const SITES: u64 = 834;
const MONTHS: u64 = 12;
const MONTH_MS: u64 = 730 * HOUR_MS + HOUR_MS / 2;
const DAY_MS: u64 = 24 * HOUR_MS;
const YEAR_MS: u64 = MONTHS * MONTH_MS;
/// 2026-01-01 00:00 at UTC+3, as local seconds since 1970.
const START_LOCAL_S: i64 = 1_767_225_600;

/// Global irradiance of the bundled year, hour by hour.
fn lodwar() -> Vec<f32> {
    let text = include_str!("../../../scenarios/weather/lodwar_kenya_pvwatts_hourly.csv");
    let rows = text.lines().skip_while(|line| !line.starts_with("\"Month\"")).skip(1);
    let hours: Vec<f32> = (0_i64..)
        .zip(rows)
        .map_while(|(hour, row)| {
            let cells: Vec<f64> = row.split(',').filter_map(|c| c.trim_matches('"').parse().ok()).collect();
            let unix_s = START_LOCAL_S - 3 * 3600 + hour * 3600 + 1800;
            let cos = sun::position(unix_s as f64, 3.12, 35.62).cos_zenith.max(0.0);
            Some((cells.get(3)? * cos + cells.get(4)?) as f32)
        })
        .collect();
    assert_eq!(hours.len(), 8760);
    hours
}

fn sky(ghi: Vec<f32>, mean_of: Option<f64>) -> Sky {
    let flat = || vec![0.0; ghi.len()];
    let (a, b, c, d) = (flat(), flat(), flat(), flat());
    let mut series = Series::hourly(ghi, a, b, c, d).expect("equal columns");
    series.long_mean_ghi_w_per_m2 = mean_of.unwrap_or(series.long_mean_ghi_w_per_m2);
    Sky::new(&series, START_LOCAL_S, YEAR_MS)
}

fn draw_all(p: &CellularParams, sky: &Sky) -> Vec<Timelines> {
    (0..SITES).map(|seed| Timelines::draw(p, sky, seed, 0, YEAR_MS)).collect()
}

fn months(downs: &[Down]) -> [f64; MONTHS as usize] {
    let mut counts = [0.0; MONTHS as usize];
    for down in downs {
        counts[(down.start_ms / MONTH_MS) as usize] += 1.0;
    }
    counts
}

fn hours(down: &Down) -> f64 {
    (down.end_ms - down.start_ms) as f64 / HOUR_MS as f64
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn quantile(sorted: &[f64], p: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * p).round() as usize]
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut all: Vec<f64> = values.collect();
    all.sort_by(f64::total_cmp);
    all
}

/// Variance over mean.
fn fano(counts: &[f64]) -> f64 {
    let mean = counts.iter().sum::<f64>() / counts.len() as f64;
    counts.iter().map(|c| (c - mean) * (c - mean)).sum::<f64>() / counts.len() as f64 / mean
}

/// Odds ratio of an outage beginning on a day that follows dark ones, with the lower end of its 95 % interval.
fn odds_after_dark_days(lines: &[Timelines], sky: &Sky, which: impl Fn(DownWhy) -> bool) -> (f64, f64) {
    // [after dark days or not][an outage begins or not], site-days, half of one added against zeros.
    let mut table = [[0.5_f64; 2]; 2];
    for line in lines {
        let mut starts = vec![false; sky.days() + 1];
        for down in line.towers[0].iter().filter(|d| which(d.why)) {
            starts[(down.start_ms / DAY_MS) as usize] = true;
        }
        for day in 0..(YEAR_MS / DAY_MS) as usize {
            table[usize::from(sky.after_dark_days(day as i64))][usize::from(starts[day])] += 1.0;
        }
    }
    let [[quiet, hit], [dark_quiet, dark_hit]] = table;
    let log = libm::log(dark_hit * quiet / (dark_quiet * hit));
    let se = (1.0 / quiet + 1.0 / hit + 1.0 / dark_quiet + 1.0 / dark_hit).sqrt();
    (libm::exp(log), libm::exp(log - 1.96 * se))
}

/// Maximum-likelihood shape of Weibull lives, by bisection.
fn weibull_shape(lives: &[f64]) -> f64 {
    let mean_log = lives.iter().map(|x| libm::log(*x)).sum::<f64>() / lives.len() as f64;
    let score = |k: f64| {
        let (mut up, mut down) = (0.0, 0.0);
        for x in lives {
            let power = libm::pow(*x, k);
            up += power * libm::log(*x);
            down += power;
        }
        up / down - 1.0 / k - mean_log
    };
    let (mut low, mut high) = (0.1, 10.0);
    for _ in 0..50 {
        let middle = (low + high) / 2.0;
        if score(middle) > 0.0 { high = middle } else { low = middle }
    }
    low
}

struct Table(Vec<(String, f64, f64, f64)>);

impl Table {
    fn row(&mut self, name: &str, value: f64, least: f64, most: f64) {
        self.0.push((name.to_owned(), value, least, most));
    }

    /// Prints the table; the rows out of their bounds.
    fn judge(&self) -> Vec<String> {
        let good = |r: &(String, f64, f64, f64)| (r.2..=r.3).contains(&r.1);
        for row in &self.0 {
            let mark = if good(row) { "" } else { "  <-- out" };
            println!("{:<58}{:>10.4}   {:>8.3} … {:<8.3}{mark}", row.0, row.1, row.2, row.3);
        }
        self.0.iter().filter(|r| !good(r)).map(|r| format!("{} is {}, not {} to {}", r.0, r.1, r.2, r.3)).collect()
    }
}

fn tower_rows(table: &mut Table, lines: &[Timelines], sky: &Sky) {
    let towers: Vec<&Vec<Down>> = lines.iter().map(|l| &l.towers[0]).collect();
    let counts: Vec<f64> = towers.iter().flat_map(|t| months(t)).collect();
    let second: Vec<f64> = lines.iter().flat_map(|l| months(&l.towers[1])).collect();
    let hit = |counts: &[f64]| share(counts.iter().filter(|c| **c > 0.0).count(), counts.len());
    let all: Vec<Down> = towers.iter().flat_map(|t| t.iter().copied()).collect();
    let whole = |d: &&Down| d.start_ms > 0 && d.end_ms < YEAR_MS;
    let lengths = sorted(all.iter().filter(whole).map(hours));
    let power: Vec<&Down> = all.iter().filter(|d| d.why.is_power()).collect();
    table.row("site-months drawn", counts.len() as f64, 10_000.0, 10_100.0);
    table.row("tower: share of site-months with an outage", hit(&counts), 0.30, 0.40);
    table.row("tower, second operator's: the same", hit(&second), 0.30, 0.40);
    table.row("tower: share of outages from power", share(power.len(), all.len()), 0.75, 0.85);
    let inside = lengths.iter().filter(|h| (1.999..=72.001).contains(*h)).count();
    table.row("tower: share of outages of 2 to 72 h", share(inside, lengths.len()), 0.99, 1.0);
    table.row("tower: outage p50, h", quantile(&lengths, 0.5), 5.0, 12.0);
    table.row("tower: outage p90, h", quantile(&lengths, 0.9), 14.0, 40.0);
    table.row("tower: Fano factor of monthly counts", fano(&counts), 1.3, 3.0);
    let yearly: Vec<f64> = towers.iter().map(|t| t.len() as f64).collect();
    table.row("tower: Fano factor of yearly counts", fano(&yearly), 4.0, 15.0);
    let lost: f64 = all.iter().map(hours).sum();
    table.row("tower: availability", 1.0 - lost * HOUR_MS as f64 / (SITES * YEAR_MS) as f64, 0.98, 0.998);
    let (odds, low) = odds_after_dark_days(lines, sky, DownWhy::is_power);
    table.row("tower: odds of a power outage after dark days", odds, 1.5, 100.0);
    table.row("tower: lower 95 % of those odds", low, 1.3, odds);
    let (odds, _) = odds_after_dark_days(lines, sky, |why| !why.is_power());
    table.row("tower: the same for equipment (no link)", odds, 0.5, 1.6);
    for (name, why, least, most) in [
        ("dark days", DownWhy::DarkDays, 0.05, 0.6),
        ("worn battery", DownWhy::BatteryWorn, 0.0, 0.15),
        ("grid", DownWhy::GridOut, 0.1, 0.5),
        ("stolen fuel", DownWhy::FuelStolen, 0.02, 0.3),
        ("late fuel", DownWhy::FuelLate, 0.0, 0.3),
        ("generator", DownWhy::Generator, 0.05, 0.5),
    ] {
        let part = power.iter().filter(|d| d.why == why).count();
        table.row(&format!("tower: share of power outages: {name}"), share(part, power.len()), least, most);
    }
}

fn bearer_rows(table: &mut Table, lines: &[Timelines]) {
    let path = |l: &Timelines| -> Vec<Down> {
        let common = l.core.iter().filter(|d| d.why != DownWhy::Country);
        let mut all: Vec<Down> = l.bearers[0].iter().chain(&l.router).chain(&l.fibre).chain(common).copied().collect();
        all.sort_by_key(|d| d.start_ms);
        all
    };
    let paths: Vec<Vec<Down>> = lines.iter().map(path).collect();
    let total: usize = paths.iter().map(Vec::len).sum();
    let of = |why: fn(DownWhy) -> bool| paths.iter().flatten().filter(|d| why(d.why)).count();
    let site_months = (SITES * MONTHS) as f64;
    table.row("bearer: drops a site-month", total as f64 / site_months, 7.9, 8.7);
    let second: usize = lines.iter().map(|l| l.bearers[1].len()).sum();
    let first: usize = lines.iter().map(|l| l.bearers[0].len()).sum();
    table.row("bearer: second operator's own drops to the first's", share(second, first), 0.93, 1.07);
    let lengths = sorted(paths.iter().flatten().filter(|d| d.end_ms < YEAR_MS).map(|d| hours(d) * 60.0));
    table.row("bearer: drop p50, min", quantile(&lengths, 0.5), 76.0, 84.0);
    table.row("bearer: drop p90, min", quantile(&lengths, 0.9), 860.0, 970.0);
    table.row("bearer: drop p99, min", quantile(&lengths, 0.99), 2500.0, 4536.0);
    let common = of(|w| matches!(w, DownWhy::FibreCut | DownWhy::CoreFault));
    table.row("bearer: share with a common cause", share(common, total), 0.2785 - 0.01, 0.2785 + 0.01);
    table.row("bearer: share from the router", share(of(|w| w == DownWhy::Router), total), 0.19, 0.21);
    // From start to start, each site's gaps over the site's own mean: what is left is clustering, not difference.
    let mut scaled: Vec<f64> = Vec::new();
    for path in &paths {
        let gaps: Vec<f64> = path.windows(2).map(|w| (w[1].start_ms - w[0].start_ms) as f64).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len().max(1) as f64;
        if gaps.len() >= 30 {
            scaled.extend(gaps.iter().map(|g| g / mean));
        }
    }
    let cv = (scaled.iter().map(|g| (g - 1.0) * (g - 1.0)).sum::<f64>() / scaled.len() as f64).sqrt();
    table.row("bearer: burstiness (cv-1)/(cv+1) within a site", (cv - 1.0) / (cv + 1.0), 0.05, 0.20);
    let yearly = sorted(paths.iter().map(|p| p.len() as f64 / 12.0));
    table.row("bearer: sites' rates, p90 to p10", quantile(&yearly, 0.9) / quantile(&yearly, 0.1), 5.0, 14.0);
    let counts: Vec<f64> = paths.iter().flat_map(|p| months(p)).collect();
    table.row("bearer: Fano factor of monthly counts", fano(&counts), 2.0, 15.0);
    let country: Vec<Down> =
        lines.iter().flat_map(|l| l.core.iter().copied()).filter(|d| d.why == DownWhy::Country).collect();
    table.row("country: outages a month", country.len() as f64 / site_months, 0.125, 0.155);
    let lengths = sorted(country.iter().map(|d| hours(d) * 60.0));
    table.row("country: p50, min", quantile(&lengths, 0.5), 120.0, 165.0);
    table.row("country: p90, min", quantile(&lengths, 0.9), 580.0, 860.0);
}

fn other_rows(table: &mut Table, p: &CellularParams, lines: &[Timelines]) {
    for (name, shape, mean_months) in p.equipment.parts() {
        let mut draws = Draws::keyed(1, 0, NodeKey::of(name), Purpose::named("lives"), 0);
        let lives: Vec<f64> = (0..8000).map(|_| equipment::life_h(shape, mean_months, &mut draws)).collect();
        let found = weibull_shape(&lives);
        table.row(&format!("{name}: Weibull shape less the stated {shape}"), found - shape, -0.06, 0.06);
        table.row(&format!("{name}: Weibull shape, published range"), found, 1.0, 3.0);
    }
    let site_months = (SITES * MONTHS) as f64;
    let throttled: Vec<Down> = lines.iter().flat_map(|l| l.throttled[0].iter().copied()).collect();
    table.row("throttle: spells a month", throttled.len() as f64 / site_months, 1.85, 2.15);
    let lengths = sorted(throttled.iter().map(hours));
    table.row("throttle: p50, h (hours …)", quantile(&lengths, 0.5), 5.0, 7.0);
    table.row("throttle: p95, h (… to days)", quantile(&lengths, 0.95), 24.0, 72.0);
    let lapses: usize = lines.iter().map(|l| l.sims[0].len()).sum();
    table.row("SIM: bundles lapsed a month", lapses as f64 / site_months, 0.04, 0.06);
    let fades = lines.iter().flat_map(|l| &l.vsat).filter(|d| d.why == DownWhy::Rain).count();
    table.row("VSAT: rain fades a month (a dry year)", fades as f64 / site_months, 1.0, 12.0);
}

#[test]
fn ten_thousand_site_months_against_their_bounds() {
    let (sky, p) = (sky(lodwar(), None), CellularParams::default());
    let lines = draw_all(&p, &sky);
    let mut table = Table(Vec::new());
    tower_rows(&mut table, &lines, &sky);
    bearer_rows(&mut table, &lines);
    other_rows(&mut table, &p, &lines);
    assert_eq!(table.judge(), Vec::<String>::new());
}

/// The rows that are out of their bounds when this is done to parameters and sky.
fn red(p: &CellularParams, drawn_under: &Sky, judged_by: &Sky) -> String {
    let lines = draw_all(p, drawn_under);
    let mut table = Table(Vec::new());
    tower_rows(&mut table, &lines, judged_by);
    bearer_rows(&mut table, &lines);
    table.judge().join("; ")
}

#[test]
fn sabotage_turns_its_own_row_red() {
    let good = sky(lodwar(), None);
    let default = CellularParams::default;

    // The tower lives under another year's weather than the village.
    let mut other = lodwar();
    other.rotate_left(24 * 151);
    let found = red(&default(), &sky(other, None), &good);
    assert!(found.contains("odds of a power outage after dark days"), "{found}");

    // All sites alike, with equipment alone: no more scatter than chance.
    let mut alike = default();
    alike.tower_frailty_sigma = 0.0;
    alike.site_power.solar_margin = 20.0;
    alike.site_power.solar_battery_h = 500.0;
    (alike.site_power.hybrid_weight, alike.site_power.diesel_weight, alike.site_power.grid_weight) = (0.0, 0.0, 0.0);
    let found = red(&alike, &good, &good);
    assert!(found.contains("Fano factor of monthly counts is") && found.contains("share of outages from power"));

    // Operators that share nothing; drops that come by a Poisson process.
    let mut apart = default();
    apart.common_cause.share_of_drops = 0.0;
    apart.bearer_gap_shape = 1.2;
    let found = red(&apart, &good, &good);
    assert!(found.contains("share with a common cause") && found.contains("burstiness"), "{found}");
}

#[test]
fn the_aim_moves_what_comes_out_and_so_does_the_weather() {
    let ghi = lodwar();
    let mean = f64::from(ghi.iter().sum::<f32>()) / 8760.0;
    let share_at = |aim: f64, sky: &Sky| {
        let p = CellularParams { tower_share_out_per_month: aim, ..CellularParams::default() };
        let counts: Vec<f64> = draw_all(&p, sky).iter().flat_map(|l| months(&l.towers[0])).collect();
        share(counts.iter().filter(|c| **c > 0.0).count(), counts.len())
    };
    let average = sky(ghi.clone(), None);
    let duller = sky(ghi.iter().map(|w| w * 0.9).collect(), Some(mean));
    let [low, high] = [0.15, 0.55].map(|aim| share_at(aim, &average));
    let dull = share_at(0.35, &duller);
    println!("aim 0.15: {low:.3}   aim 0.55: {high:.3}   aim 0.35 in a year 10 % duller than planned: {dull:.3}");
    assert!((0.10..0.23).contains(&low) && (0.42..0.60).contains(&high), "{low} {high}");
    assert!(dull > 0.37, "{dull}");
}
