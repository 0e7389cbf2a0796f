//! A small village made by hand, for tests of the simulator alone: no files, no importers.
#![allow(dead_code, reason = "each test target uses its own part of this")]

pub(crate) mod reference;
pub(crate) mod schedule;

use std::sync::atomic::AtomicBool;

use taa_dcu::config::{Tariff, Traits};
use taa_models::{demand::Class, weather::Series};
use taa_scenarios::model::{
    Building, Comms, Customer, Economics, Fault, FaultKind, FaultTarget, Feeder, Line, LineEnd, Place, Placement, Pole,
    Roof, RunPlan, Scenario, Site, Village, Wall, Weather,
};
use taa_sim::{
    result::RunResult,
    run::{Meddling, RunOptions, run, run_meddled},
};

pub(crate) const HOUR_MS: u64 = 3_600_000;
pub(crate) const DAY_MS: u64 = 24 * HOUR_MS;

/// A village of `customers` in rows 25 m apart, on two feeders, for `days` from Monday 5 January 2026.
pub(crate) fn village(customers: u32, days: u32, seed: u64) -> Scenario {
    let layout = layout(customers);
    let daily_kwh: f64 = layout.customers.iter().map(|c| taa_models::demand::mean_daily_wh(c.class) / 1000.0).sum();
    let peak_kw: f64 = layout.customers.iter().map(|c| taa_models::demand::peak_w(c.class) / 1000.0).sum();
    Scenario {
        name: "handmade".to_owned(),
        title: "Handmade".to_owned(),
        site: Site { lat_deg: -2.85, lon_deg: 33.61, utc_offset_s: 3 * 3600 },
        village: layout,
        weather: Weather { series: sun(days), source: "made up".to_owned(), distance_km: 0.0 },
        power: taa_models::plant::size_for(daily_kwh, peak_kw, 4.6),
        tariff: Tariff {
            currency: "TZS".to_owned(),
            minor_per_unit: 100,
            energy_price_per_kwh_minor: 200_000,
            daily_fee_minor: 0,
            grace_minor: 0,
            ..Tariff::default()
        },
        classes: taa_dcu::config::Classes::default(),
        comms: Comms { dcu_holdup_h: 8.0, ..Comms::default() },
        demand: taa_models::demand::DemandParams::default(),
        people: taa_models::people::PeopleParams::default(),
        assets: taa_models::assets::AssetParams::default(),
        economics: Economics::default(),
        run: RunPlan {
            // 5 January 2026, 00:00 at UTC+3.
            start_unix_s: 1_767_560_400,
            days,
            seed,
            replication: 0,
            ledger: false,
            disk: taa_scenarios::model::DiskModel::Auto,
            architectures: vec![bundle("cloud_sync"), bundle("edge_local")],
        },
        faults: Vec::new(),
        operations: Vec::new(),
        notes: Vec::new(),
        attributions: Vec::new(),
    }
}

pub(crate) fn bundle(name: &str) -> (String, Traits) {
    (name.to_owned(), Traits::bundle(name).expect("a bundle of that name"))
}

/// The four built-in architectures.
pub(crate) fn all_bundles() -> Vec<(String, Traits)> {
    Traits::BUNDLES.iter().map(|(name, traits)| ((*name).to_owned(), *traits)).collect()
}

/// No part of the money's way fails by itself, and no session breaks.
pub(crate) fn calm_money(scenario: &mut Scenario) {
    let payments = &mut scenario.comms.payments;
    payments.provider_outages_per_year = 0.0;
    payments.cloud_outages_per_year = 0.0;
    payments.aggregators.outages_per_year = 0.0;
    payments.intake.outages_per_year = 0.0;
    payments.agent.away_per_month = 0.0;
    payments.ussd.broken_share = 0.0;
}

pub(crate) fn fault(id: &str, what: FaultKind, target: FaultTarget, from_h: u64, until_h: u64) -> Fault {
    Fault { id: id.to_owned(), what, target, from_ms: from_h * HOUR_MS, until_ms: until_h * HOUR_MS }
}

pub(crate) fn simulate(scenario: &Scenario) -> RunResult {
    simulate_on(scenario, 2)
}

pub(crate) fn simulate_on(scenario: &Scenario, threads: usize) -> RunResult {
    let stop = AtomicBool::new(false);
    run(scenario, &RunOptions { threads, stop: &stop, progress: &|_, _| {} }).expect("the run goes through")
}

/// Meddled with by a test.
pub(crate) fn simulate_meddled(scenario: &Scenario, meddling: Meddling) -> RunResult {
    let stop = AtomicBool::new(false);
    let options = RunOptions { threads: 2, stop: &stop, progress: &|_, _| {} };
    run_meddled(scenario, &options, meddling).expect("the run goes through")
}

/// Clear days with a half-sine of sun from 6 to 18 h, every fifth day dull.
fn sun(days: u32) -> Series {
    let hours = days as usize * 24;
    let ghi = |h: usize| {
        let of_day = (h % 24) as f64 + 0.5;
        let clear = (800.0 * libm::sin((of_day - 6.0) / 12.0 * std::f64::consts::PI)).max(0.0);
        if (h / 24) % 5 == 4 { clear * 0.4 } else { clear }
    };
    let column = |f: &dyn Fn(usize) -> f64| (0..hours).map(|h| f(h) as f32).collect::<Vec<_>>();
    let diffuse = column(&|h| ghi(h) * 0.4);
    let beam = column(&|h| {
        let of_day = (h % 24) as f64 + 0.5;
        let height = libm::sin((of_day - 6.0) / 12.0 * std::f64::consts::PI).max(0.2);
        ghi(h) * 0.6 / height
    });
    Series::hourly(column(&ghi), beam, diffuse, vec![26.0; hours], vec![2.0; hours]).expect("equal columns")
}

fn layout(customers: u32) -> Village {
    let mut village = Village {
        feeders: vec![Feeder { id: "feeder-1".to_owned() }, Feeder { id: "feeder-2".to_owned() }],
        dcu: Place { id: "dcu".to_owned(), at_m: [0.0, 0.0], height_m: 8.0 },
        generation: Place { id: "plant".to_owned(), at_m: [5.0, 0.0], height_m: 3.0 },
        ..Village::default()
    };
    let columns = 10;
    for n in 0..customers {
        let (column, row) = (n % columns, n / columns);
        let at_m = [f64::from(column) * 25.0 - 112.0, f64::from(row) * 25.0 - 12.0 * f64::from(customers / columns)];
        let feeder = u32::from(column >= columns / 2);
        let class = match n % 20 {
            0..=9 => Class::HouseholdLow,
            10..=16 => Class::HouseholdMiddle,
            17 | 18 => Class::HouseholdHigh,
            _ => Class::Shop,
        };
        village.buildings.push(Building {
            id: format!("building-{n}"),
            outline_m: Vec::new(),
            at_m,
            area_m2: 40.0,
            roof: if n % 3 == 0 { Roof::Thatch } else { Roof::Iron },
            wall: Wall::Mud,
            customer: Some(n),
        });
        village.poles.push(Pole { id: format!("pole-{n}"), at_m, feeder });
        village.lines.push(Line { id: format!("line-{n}"), from: LineEnd::Source, to: n, length_m: 30.0 });
        village.customers.push(Customer {
            id: format!("customer-{n}"),
            meter_id: format!("TAA{n:08}"),
            building: n,
            class,
            placement: Placement::Wall,
            pole: n,
            feeder,
            phase: (n % 3) as u8,
            meter_at_m: at_m,
            service_m: 10.0,
        });
    }
    village
}
