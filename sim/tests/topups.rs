//! A simulated village's top-ups against those measured in Ruhiira, Uganda (SharedSolar, 1208 top-ups of 46 circuits).

use std::{path::Path, sync::atomic::AtomicBool};

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
    let household = |customer: u32| records.customers.class[customer as usize].starts_with("household");
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

#[test]
fn measure() {
    for (name, seed) in [("jija", 1), ("ipoloto", 1), ("bupandagila", 2)] {
        let mut v = village(name, 120, seed);
        for kv in std::env::var("PP").unwrap_or_default().split(',').filter(|s| !s.is_empty()) {
            let (k, x) = kv.split_once('=').unwrap();
            let x: f64 = x.parse().unwrap();
            let p = &mut v.people;
            match k {
                "med" => p.topup_interval_median_days = x,
                "sig" => p.topup_size_sigma = x,
                "beta" => p.size_follows_use = x,
                "zero" => p.pays_at_zero_share = x,
                "low" => p.low_balance_days = x,
                "lows" => p.low_balance_sigma = x,
                "notice" => p.notice_mean_min = x,
                "least" => p.least_topup_days = x,
                "budget" => p.income.budget_ratio = x,
                "buds" => p.income.budget_sigma = x,
                "keep" => p.income.kept_days = x,
                "between" => p.between_people_share = x,
                _ => panic!("{k}"),
            }
        }
        let r = simulate(&v);
        let t = topups(&r, 120);
        let m = at(&t.sizes, 0.5);
        let q = [0.05, 0.25, 0.5, 0.75, 0.95];
        println!("{name}: n {} intervals {:.2?}", t.sizes.len(), q.map(|q| at(&t.intervals_days, q)));
        println!("  measured 0.79/2.0/4.21/9.29/31.06");
        println!("  sizes/med {:.3?} measured .427/.518/1/1.32/2.64, median {m}", q.map(|q| at(&t.sizes, q) / m));
        println!("  bal/med {:.3?} measured -0/-0/0.0086/.333/2.72", q.map(|q| at(&t.balances, q) / m));
        println!("  zero topups {:.3} hours {:.4}", t.zero_share, t.zero_hours_share);
        let c = &r.customers;
        let sum = |v: &[u64]| v.iter().sum::<u64>() as f64 / 3.6e6;
        println!(
            "  zero h {} blocked h {} stuck h {} supply h {} paused h {} left {} calls {}",
            sum(&c.zero_credit_ms),
            sum(&c.payment_blocked_ms),
            sum(&c.credit_stuck_ms),
            sum(&c.supply_down_ms),
            sum(&c.paused_ms),
            c.churned_ms.iter().flatten().count(),
            c.calls.iter().sum::<u32>()
        );
    }
}
