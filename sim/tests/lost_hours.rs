//! HOUSE.md's fifth contract: every lost hour has one class and one chain, sums are exact, and a fault that is taken
//! away takes its hours along. Each invariant has a sabotage that turns it red.

mod common;

use common::{DAY_MS, HOUR_MS, fault, simulate, village};
use proptest::prelude::*;
use taa_scenarios::model::{Fault, FaultKind, FaultTarget, Scenario};
use taa_sim::{
    cause::{Cause, DownClass},
    records::Records,
    result::{ArchResult, RunResult},
};

/// What is wrong with the lost intervals of a run; empty when nothing is.
fn faults_of(records: &Records, horizon_ms: u64) -> Vec<String> {
    let mut found = Vec::new();
    let table = &records.downtime;
    let mut rows: Vec<usize> = (0..table.len()).collect();
    rows.sort_by_key(|&i| (table.customer[i], table.start_ms[i]));
    for pair in rows.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        if table.customer[a] == table.customer[b] && table.start_ms[b] < table.end_ms[a] {
            found.push(format!("customer {} is lost twice at {} ms", table.customer[a], table.start_ms[b]));
        }
    }
    for &i in &rows {
        if table.end_ms[i] <= table.start_ms[i] || table.end_ms[i] > horizon_ms {
            found.push(format!("row {i} runs from {} to {} ms", table.start_ms[i], table.end_ms[i]));
        }
        if table.chain[i].is_empty() {
            found.push(format!("row {i} has no cause"));
        }
    }
    for (i, &customer) in records.customers.customer.iter().enumerate() {
        let of = |class: DownClass| {
            let mine = |r: &&usize| table.customer[**r] == customer && table.class[**r] == class;
            rows.iter().filter(mine).map(|&r| table.end_ms[r] - table.start_ms[r]).sum::<u64>()
        };
        let totals = &records.customers;
        for (class, total) in [
            (DownClass::SupplyDown, totals.supply_down_ms[i]),
            (DownClass::CreditStuck, totals.credit_stuck_ms[i]),
            (DownClass::PaymentBlocked, totals.payment_blocked_ms[i]),
        ] {
            if of(class) != total {
                found.push(format!("customer {customer}: {} sums to {} ms, not {total}", class.name(), of(class)));
            }
        }
    }
    found
}

fn unknown_share(arch: &ArchResult) -> f64 {
    let unknown = arch.kpis.downtime_h_by_cause.get("unknown").copied().unwrap_or(0.0);
    if arch.kpis.downtime_h > 0.0 { unknown / arch.kpis.downtime_h } else { 0.0 }
}

fn check(result: &RunResult) {
    for arch in &result.architectures {
        assert_eq!(faults_of(&arch.records, result.simulated_ms), Vec::<String>::new(), "{}", arch.name);
        let kpis = &arch.kpis;
        let by_class: f64 = kpis.downtime_h_by_class.values().sum();
        let by_cause: f64 = kpis.downtime_h_by_cause.values().sum();
        assert!((by_class - kpis.downtime_h).abs() < 1e-6, "{}: {by_class} {}", arch.name, kpis.downtime_h);
        assert!((by_cause - kpis.downtime_h).abs() < 1e-6, "{}: {by_cause} {}", arch.name, kpis.downtime_h);
        assert!(unknown_share(arch) <= 0.01, "{}: unknown {}", arch.name, unknown_share(arch));
        for share in [kpis.service_availability, kpis.paid_service_availability, kpis.asai] {
            assert!((0.0..=1.0).contains(&share), "{share}");
        }
    }
}

fn any_fault() -> impl Strategy<Value = (FaultKind, FaultTarget)> {
    prop_oneof![
        Just((FaultKind::TowerOut, FaultTarget::All)),
        Just((FaultKind::TowerOut, FaultTarget::Tower(0))),
        Just((FaultKind::BackhaulOut, FaultTarget::All)),
        Just((FaultKind::RouterHung, FaultTarget::All)),
        Just((FaultKind::SimCreditOut, FaultTarget::Tower(0))),
        Just((FaultKind::M2mThrottled { delay_median_s: 900.0, loss_share: 0.4 }, FaultTarget::All)),
        Just((FaultKind::ProviderOut, FaultTarget::All)),
        Just((FaultKind::CloudOut, FaultTarget::All)),
        Just((FaultKind::Cloudy { sun_share: 0.2 }, FaultTarget::All)),
        Just((FaultKind::RadioJammed { noise_rise_db: 40.0 }, FaultTarget::All)),
        Just((FaultKind::RadioJammed { noise_rise_db: 30.0 }, FaultTarget::Customers(vec![3, 7]))),
        Just((FaultKind::RoofLoss { loss_db: 40.0 }, FaultTarget::All)),
        Just((FaultKind::RoutesCollapsed, FaultTarget::Customers(vec![2, 3, 4, 5]))),
        Just((FaultKind::DcuPowerLost, FaultTarget::All)),
        Just((FaultKind::MeterDead, FaultTarget::Customers(vec![0, 5, 11]))),
        Just((FaultKind::FeederOut, FaultTarget::Feeder(1))),
        Just((FaultKind::InverterOut, FaultTarget::All)),
        Just((FaultKind::AgentAway, FaultTarget::All)),
        Just((FaultKind::AggregatorOut, FaultTarget::All)),
        Just((FaultKind::IntakeOut, FaultTarget::All)),
        Just((FaultKind::SmsLost, FaultTarget::All)),
        Just((FaultKind::UssdBroken, FaultTarget::All)),
        Just((FaultKind::ChargeControllerOut, FaultTarget::All)),
        Just((FaultKind::Lightning, FaultTarget::Customers(vec![2, 4]))),
        Just((FaultKind::MetersTampered, FaultTarget::Customers(vec![1, 6]))),
        Just((FaultKind::RoadClosed, FaultTarget::All)),
        Just((FaultKind::CrewAway, FaultTarget::All)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn lost_hours_never_overlap_and_sum_exactly(
        seed in 0_u64..1_000_000,
        customers in 5_u32..60,
        days in 2_u32..9,
        faults in proptest::collection::vec((any_fault(), 0_u64..120, 1_u64..72), 0..4),
        pv in 0.3_f64..1.5,
    ) {
        let mut scenario = village(customers.max(12), days, seed);
        scenario.run.architectures = common::all_bundles();
        scenario.power.pv.kwp *= pv;
        let horizon_h = u64::from(days) * 24;
        scenario.faults = faults
            .into_iter()
            .enumerate()
            .map(|(n, ((what, target), from_h, length_h))| {
                let from_h = from_h.min(horizon_h - 1);
                fault(&format!("fault-{n}"), what, target, from_h, from_h + length_h)
            })
            .collect();
        check(&simulate(&scenario));
    }
}

/// Hours that a run books under the scripted fault.
fn scripted_h(result: &RunResult, arch: usize, id: &str) -> f64 {
    result.architectures[arch].kpis.downtime_h_by_cause.get(&format!("scripted:{id}")).copied().unwrap_or(0.0)
}

/// A village in which nothing fails by itself, the sun included.
fn quiet(days: u32) -> Scenario {
    let mut scenario = village(120, days, 7);
    scenario.power.pv.kwp *= 2.0;
    scenario.power.battery.capacity_kwh *= 1.3;
    scenario.comms.cellular = taa_models::cellular::CellularParams::calm();
    common::calm_money(&mut scenario);
    // Everybody can pay by night as well: one customer's night before a closed agent is more than the bounds allow for.
    scenario.people.phone_share = 1.0;
    scenario.assets = taa_models::assets::AssetParams::none();
    scenario
}

#[test]
fn taking_a_fault_away_takes_its_hours_away() {
    let faults: &[(&str, FaultKind, FaultTarget)] = &[
        ("tower", FaultKind::TowerOut, FaultTarget::All),
        ("backhaul", FaultKind::BackhaulOut, FaultTarget::All),
        ("router", FaultKind::RouterHung, FaultTarget::All),
        ("sim", FaultKind::SimCreditOut, FaultTarget::All),
        ("slow", FaultKind::M2mThrottled { delay_median_s: 1800.0, loss_share: 0.5 }, FaultTarget::All),
        ("provider", FaultKind::ProviderOut, FaultTarget::All),
        ("cloud", FaultKind::CloudOut, FaultTarget::All),
        ("feeder", FaultKind::FeederOut, FaultTarget::Feeder(0)),
        ("inverter", FaultKind::InverterOut, FaultTarget::All),
        ("meter", FaultKind::MeterDead, FaultTarget::Customers(vec![1, 2, 3])),
        ("clouds", FaultKind::Cloudy { sun_share: 0.1 }, FaultTarget::All),
        ("roofs", FaultKind::RoofLoss { loss_db: 40.0 }, FaultTarget::All),
        ("routes", FaultKind::RoutesCollapsed, FaultTarget::All),
    ];
    let without = simulate(&quiet(10));
    check(&without);
    for &(id, what, ref target) in faults {
        let mut scenario = quiet(10);
        scenario.faults.push(fault(id, what, target.clone(), 49, 49 + 60));
        let with = simulate(&scenario);
        check(&with);
        for arch in 0..2 {
            let total_with = with.architectures[arch].kpis.downtime_h;
            let total_without = without.architectures[arch].kpis.downtime_h;
            let booked = scripted_h(&with, arch, id);
            assert!(scripted_h(&without, arch, id) < 1e-9);
            // What the fault does to people afterwards (they pay at other times) is theirs, not the fault's.
            let rest = total_with - booked - total_without;
            let name = &with.architectures[arch].name;
            assert!(
                rest.abs() <= 0.05 * total_with.max(100.0),
                "{id} {name}: {total_with} - {booked} ≠ {total_without}"
            );
        }
        let worst = scripted_h(&with, 0, id);
        assert!(worst > 0.0, "{id} costs cloud_sync nothing in 60 hours");
    }
}

#[test]
fn a_dark_feeder_is_supply_down_for_its_customers_alone() {
    let mut scenario = quiet(4);
    scenario.faults.push(fault("line", FaultKind::FeederOut, FaultTarget::Feeder(1), 30, 36));
    let result = simulate(&scenario);
    let table = &result.architectures[1].records.downtime;
    let expected = 6 * HOUR_MS;
    let (mut booked, mut members) = (0, 0);
    for (index, customer) in scenario.village.customers.iter().enumerate() {
        let lost: u64 = (0..table.len())
            .filter(|&i| table.customer[i] == index as u32 && table.chain[i].root() == Some(Cause::Scripted(0)))
            .map(|i| table.end_ms[i] - table.start_ms[i])
            .sum();
        if customer.feeder == 1 {
            assert!(lost <= expected, "{}: {lost}", customer.id);
            booked += lost;
            members += 1;
        } else {
            assert_eq!(lost, 0, "{}", customer.id);
        }
    }
    // Those whose money is used up meanwhile are not entitled, so not every hour counts.
    assert!(booked > members * expected * 7 / 10, "{booked} of {}", members * expected);
}

#[test]
fn a_fault_hidden_behind_another_books_no_hours() {
    let mut scenario = quiet(4);
    let hold = |id: &str, from, until| fault(id, FaultKind::FeederOut, FaultTarget::Feeder(0), from, until);
    let faults: Vec<Fault> = vec![hold("outer", 24, 48), hold("inner", 30, 40)];
    scenario.faults = faults;
    let result = simulate(&scenario);
    assert!(scripted_h(&result, 1, "outer") > 0.0);
    assert!(scripted_h(&result, 1, "inner") < 1e-9);
}

#[test]
fn sabotage_an_overlap_a_wrong_sum_and_a_missing_cause_are_seen() {
    let mut scenario = quiet(4);
    scenario.faults.push(fault("line", FaultKind::FeederOut, FaultTarget::Feeder(1), 30, 36));
    let result = simulate(&scenario);
    let good = &result.architectures[1].records;
    assert_eq!(faults_of(good, 4 * DAY_MS), Vec::<String>::new());

    let mut overlap = good.clone();
    let doubled = overlap.downtime.rows().next().expect("the feeder was out");
    overlap.downtime.push(doubled);
    assert!(faults_of(&overlap, 4 * DAY_MS).iter().any(|f| f.contains("lost twice")));

    let mut short = good.clone();
    short.downtime.end_ms[0] -= 1;
    assert!(faults_of(&short, 4 * DAY_MS).iter().any(|f| f.contains("sums to")));

    let mut causeless = good.clone();
    causeless.downtime.chain[0] = taa_sim::cause::Chain::EMPTY;
    assert!(faults_of(&causeless, 4 * DAY_MS).iter().any(|f| f.contains("no cause")));
}

#[test]
fn meters_count_what_the_plant_gives() {
    let mut scenario = village(40, 6, 3);
    scenario.power.inverter_kw *= 0.4;
    scenario.power.pv.kwp *= 0.6;
    let result = simulate(&scenario);
    for arch in &result.architectures {
        let plant = &arch.records.plant;
        let given_kwh: f64 = plant.load_w.iter().map(|w| f64::from(*w) * 0.25 / 1000.0).sum();
        let counted_kwh = arch.kpis.energy_served_kwh;
        assert!(arch.kpis.saifi_per_year > 10.0, "the inverter was meant to be too small");
        let off = (counted_kwh - given_kwh).abs() / given_kwh;
        assert!(off < 0.005, "{}: plant {given_kwh} kWh, meters {counted_kwh} kWh", arch.name);
    }
}
