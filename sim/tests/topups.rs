//! A simulated village's top-ups against those measured in Ruhiira, Uganda (SharedSolar, 1208 top-ups of 46 circuits).

use std::{path::Path, sync::atomic::AtomicBool};

use taa_models::people::PeopleParams;
use taa_scenarios::{Overrides, model::Scenario};
use taa_sim::{
    records::Records,
    run::{RunOptions, run},
};

const DAY_MS: u64 = 86_400_000;

/// A bundled village without a failing part, `days` from 1 March: a lean month, two others, and harvest.
fn village(name: &str, days: u32, seed: u64) -> Scenario {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/villages").join(name);
    let overrides = Overrides {
        seed: Some(seed),
        start: Some("2026-03-01".to_owned()),
        days: Some(days),
        architectures: vec!["edge_local".to_owned()],
        ..Overrides::default()
    };
    let mut scenario = taa_scenarios::load(&dir, &overrides).expect("a bundled village loads");
    scenario.power.pv.kwp *= 2.0;
    scenario.power.battery.capacity_kwh *= 2.0;
    let never = &mut scenario.comms.cellular;
    never.tower_share_out_per_month = 0.0;
    never.bearer_drops_per_month = 0.0;
    scenario.comms.payments.provider_outages_per_year = 0.0;
    scenario.comms.payments.cloud_outages_per_year = 0.0;
    let assets = &mut scenario.assets;
    assets.inverter_failures_per_year = 0.0;
    assets.feeder_failures_per_year = 0.0;
    assets.meter_failures_per_year = 0.0;
    assets.dcu_failures_per_year = 0.0;
    scenario
}

fn simulate(scenario: &Scenario) -> Records {
    let stop = AtomicBool::new(false);
    let result = run(scenario, &RunOptions { threads: 1, stop: &stop, progress: &|_, _| {} }).expect("runs");
    result.architectures.into_iter().next().expect("one architecture").records
}

/// The top-ups of households after the first three weeks (the opening balances are ours, not the people's).
#[derive(Debug)]
struct Topups {
    sizes: Vec<f64>,
    intervals_days: Vec<f64>,
    balances: Vec<f64>,
    zero_share: f64,
    zero_hours_share: f64,
}

fn topups(records: &Records, days: u32) -> Topups {
    // Ruhiira's circuits use 41 to 667 Wh a day (5 % and 95 %): only customers like these compare.
    let household = |customer: u32| {
        let daily_wh = records.customers.served_wh[customer as usize] / f64::from(days);
        records.customers.class[customer as usize].starts_with("household") && (41.0..667.0).contains(&daily_wh)
    };
    let (mut sizes, mut intervals_days, mut balances) = (vec![], vec![], vec![]);
    let mut last = vec![None; records.customers.len()];
    for pay in records.payments.rows().filter(|p| household(p.customer)) {
        let Some(at_ms) = pay.accepted_ms else { continue };
        let before: Option<u64> = last[pay.customer as usize].replace(at_ms);
        if at_ms < 21 * DAY_MS {
            continue;
        }
        sizes.push(pay.amount_minor as f64);
        balances.push(pay.balance_before_minor as f64);
        intervals_days.extend(before.map(|b| (at_ms - b) as f64 / DAY_MS as f64));
    }
    let zero_share = balances.iter().filter(|&&b| b <= 0.0).count() as f64 / balances.len() as f64;
    let table = &records.customers;
    let households = || (0..table.len() as u32).filter(|&c| household(c));
    let zero_ms: u64 =
        households().map(|c| table.zero_credit_ms[c as usize] + table.payment_blocked_ms[c as usize]).sum();
    let zero_hours_share = zero_ms as f64 / (households().count() as u64 * u64::from(days) * DAY_MS) as f64;
    for column in [&mut sizes, &mut intervals_days, &mut balances] {
        column.sort_by(f64::total_cmp);
    }
    Topups { sizes, intervals_days, balances, zero_share, zero_hours_share }
}

fn at(sorted: &[f64], q: f64) -> f64 {
    sorted[((q * sorted.len() as f64) as usize).min(sorted.len() - 1)]
}

/// Which of Ruhiira's statistics this village misses; empty when none. Amounts and balances are compared over the median
/// top-up: prices and currency differ. The bounds allow for two villages not being one: a third around the middle of a
/// distribution, more at its ends. The longest intervals come out short (22 to 25 days, measured 31): nobody here goes
/// away for a month.
fn misses(t: &Topups) -> Vec<String> {
    let median = at(&t.sizes, 0.5);
    let size = |q| at(&t.sizes, q) / median;
    let balance = |q| at(&t.balances, q) / median;
    let interval = |q| at(&t.intervals_days, q);
    let table = [
        ("interval p05, 0.79 days", interval(0.05), 0.5, 1.2),
        ("interval p25, 2.0 days", interval(0.25), 1.3, 2.7),
        ("interval p50, 4.21 days", interval(0.5), 3.2, 5.3),
        ("interval p75, 9.29 days", interval(0.75), 6.8, 12.0),
        ("interval p95, 31.06 days", interval(0.95), 17.0, 40.0),
        ("size p05, 0.43 medians", size(0.05), 0.2, 0.65),
        ("size p25, 0.52 medians", size(0.25), 0.35, 0.8),
        ("size p75, 1.32 medians", size(0.75), 1.0, 1.9),
        ("size p95, 2.64 medians", size(0.95), 1.7, 4.0),
        ("balance p05, 0.00 medians", balance(0.05), -0.05, 0.005),
        ("balance p25, 0.00 medians", balance(0.25), -0.05, 0.005),
        ("balance p50, 0.01 medians", balance(0.5), -0.01, 0.1),
        ("balance p75, 0.33 medians", balance(0.75), 0.2, 0.6),
        ("balance p95, 2.72 medians", balance(0.95), 1.2, 4.0),
        ("share of top-ups at zero, 0.25 or more", t.zero_share, 0.25, 0.55),
        ("share of hours at zero, 0.006", t.zero_hours_share, 0.003, 0.012),
    ];
    let out = table.into_iter().filter(|&(_, value, low, high)| !(low..=high).contains(&value));
    out.map(|(what, value, low, high)| format!("{what}: {value:.3}, not {low} to {high}")).collect()
}

#[test]
fn villages_top_up_like_ruhiira() {
    for (name, seed) in [("jija", 1), ("bupandagila", 3)] {
        let t = topups(&simulate(&village(name, 120, seed)), 120);
        assert!(t.sizes.len() > 1208, "{name}: fewer top-ups than were measured, {}", t.sizes.len());
        assert_eq!(misses(&t), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn sabotage_other_people_are_seen() {
    let of = |change: &dyn Fn(&mut PeopleParams)| {
        let mut scenario = village("jija", 70, 1);
        change(&mut scenario.people);
        misses(&topups(&simulate(&scenario), 70))
    };
    let seen = |found: &[String], what: &str| assert!(found.iter().any(|f| f.starts_with(what)), "{what}: {found:?}");
    seen(&of(&|p| p.pays_at_zero_share = 1.0), "balance p75");
    seen(&of(&|p| p.topup_interval_median_days = 2.0), "interval p50");
    seen(&of(&|p| p.topup_size_sigma = 0.05), "size p95");
    seen(&of(&|p| p.income.budget_ratio = 0.9), "share of hours at zero");
}

#[test]
fn the_lean_season_is_small_and_dark_and_the_market_day_is_busy() {
    let mut scenario = village("jija", 120, 1);
    // Poor enough to feel the seasons; 1 May, so that May is as other months and June to August harvest.
    scenario.people.income.budget_ratio = 1.2;
    scenario.people.income.kept_days = 10.0;
    scenario.people.income.harvest_factor = 2.0;
    let shift_days = 61;
    scenario.people.income.lean_months = vec![3, 4];
    let records = simulate(&scenario);
    let mean = |from: u64, until: u64| {
        let days = |p: &taa_sim::records::PaymentRow| p.wanted_ms / DAY_MS;
        let amounts: Vec<i64> =
            records.payments.rows().filter(|p| (from..until).contains(&days(p))).map(|p| p.amount_minor).collect();
        amounts.iter().sum::<i64>() as f64 / amounts.len() as f64
    };
    // March and April are lean here; June begins on day 92.
    let (lean, harvest) = (mean(21, shift_days), mean(95, 120));
    assert!(lean < 0.95 * harvest, "{lean} in the lean season, {harvest} after the harvest");
    let mut by_weekday = [0_u32; 7];
    for pay in records.payments.rows() {
        // 1 March 2026 was a Sunday.
        by_weekday[((pay.wanted_ms / DAY_MS + 6) % 7) as usize] += 1;
    }
    let others = (by_weekday.iter().sum::<u32>() - by_weekday[5]) / 6;
    assert!(by_weekday[5] > others, "market day {by_weekday:?}");
}
