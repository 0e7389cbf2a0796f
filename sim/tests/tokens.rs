//! Tokens from the vendor's key to the meter's register: each step that holds one shows by name, and its hours go with it.

mod common;

use common::{DAY_MS, bundle, calm_money, fault, simulate, village};
use taa_dcu::config::Traits;
use taa_models::cellular::CellularParams;
use taa_scenarios::model::{FaultKind, FaultTarget, Scenario};
use taa_sim::{
    cause::Cause,
    records::{PaymentRow, Records, TokenBy},
    result::ArchResult,
};

/// Keypads, and nothing but the stated faults in the way.
fn quiet(days: u32) -> Scenario {
    let mut scenario = village(60, days, 7);
    scenario.power.pv.kwp *= 2.0;
    scenario.power.battery.capacity_kwh *= 1.3;
    scenario.comms.cellular = CellularParams::calm();
    scenario.assets = taa_models::assets::AssetParams::none();
    calm_money(&mut scenario);
    // Nobody gives up: who has left types nothing in.
    scenario.people.churn_mean_h = 1e6;
    scenario.people.phone_share = 1.0;
    scenario.people.topup_interval_median_days = 2.0;
    scenario.run.architectures = vec![bundle("sts_keypad")];
    scenario
}

fn keypad(scenario: &Scenario) -> ArchResult {
    simulate(scenario).architectures.remove(0)
}

fn scripted_h(arch: &ArchResult, id: &str) -> f64 {
    arch.kpis.downtime_h_by_cause.get(&format!("scripted:{id}")).copied().unwrap_or(0.0)
}

/// What is wrong between vendor, paper and meters; to the hundred-thousandth.
fn token_faults(records: &Records) -> Vec<String> {
    let books = &records.books.tokens;
    let taken = records.payments.applied_ms.iter().flatten().count();
    let pairs = [
        ("paid = issued + due", books.paid_u, books.issued_u + books.due_u),
        ("issued + chance = loaded + waiting", books.issued_u + books.chance_u, books.loaded_u + books.waiting_u),
        ("used = applied", i64::from(books.used), taken as i64),
    ];
    pairs.into_iter().filter(|(_, a, b)| a != b).map(|(what, a, b)| format!("{what}: {a} is not {b}")).collect()
}

#[test]
fn real_digits_are_typed_and_wrong_ones_refused() {
    let mut scenario = quiet(10);
    scenario.comms.payments.keypad.wrong_share = 0.3;
    let arch = keypad(&scenario);
    let books = &arch.records.books.tokens;
    assert_eq!(token_faults(&arch.records), Vec::<String>::new());
    assert!(books.used > 100 && books.chance_u == 0, "{books:?}");
    let wrong = f64::from(books.refused) / f64::from(books.used + books.refused);
    assert!((0.2..0.4).contains(&wrong), "{wrong}: the share of entries with a wrong digit");
    assert!(arch.kpis.downtime_h_by_cause.get("wrong_digits").is_some_and(|h| *h > 0.0));
    // Sabotage: what is lost, given away or typed twice is seen.
    let with = |change: &dyn Fn(&mut Records)| {
        let mut records = arch.records.clone();
        change(&mut records);
        token_faults(&records).len()
    };
    assert_eq!(with(&|r| r.books.tokens.loaded_u += 1), 1);
    assert_eq!(with(&|r| r.books.tokens.due_u -= 1), 1);
    assert_eq!(with(&|r| r.books.tokens.used += 1), 1);
}

#[test]
fn each_step_that_holds_a_token_is_a_root_cause_and_its_hours_go_with_it() {
    let some = || FaultTarget::Customers((0..30).collect());
    for (id, what, target, named) in [
        ("module", FaultKind::KeyModuleOut, FaultTarget::All, Cause::KeyModuleDown),
        ("leases", FaultKind::LeasesExhausted, FaultTarget::All, Cause::LeaseExhausted),
        ("revision", FaultKind::WrongKeyRevision, some(), Cause::WrongKey),
        ("rollover", FaultKind::RolloverMissed, some(), Cause::RolloverMissed),
    ] {
        let mut without = quiet(8);
        let mut with = without.clone();
        with.faults.push(fault(id, what, target, 0, 24 * 4));
        without.faults.clear();
        let (with, without) = (keypad(&with), keypad(&without));
        let booked = scripted_h(&with, id);
        assert!(booked > 10.0, "{id} books {booked} h: {:?}", with.kpis.downtime_h_by_cause);
        let (total, earlier) = (with.kpis.downtime_h, without.kpis.downtime_h);
        assert!(
            (total - booked - earlier).abs() <= 0.08 * total.max(100.0),
            "{id}: {total} - {booked} is not {earlier}"
        );
        let held = with.records.payments.held_by.iter().filter(|chain| chain.causes().any(|cause| cause == named));
        assert!(held.count() > 5, "{id} names no {named:?}");
        for arch in [&with, &without] {
            assert_eq!(token_faults(&arch.records), Vec::<String>::new(), "{id}");
        }
        // Once it is over, all of it arrives.
        let left = |pay: &PaymentRow| pay.accepted_ms.is_some_and(|at| at < 6 * DAY_MS) && pay.applied_ms.is_none();
        let left: Vec<PaymentRow> = with.records.payments.rows().filter(left).collect();
        assert!(left.is_empty(), "{id}: {left:?}");
    }
}

#[test]
fn a_meter_changed_over_late_counts_from_2014_and_keeps_what_was_paid() {
    let mut scenario = quiet(6);
    scenario.faults.push(fault("rollover", FaultKind::RolloverMissed, FaultTarget::Customers(vec![1, 2]), 0, 48));
    let arch = keypad(&scenario);
    let changed = arch.records.log.kind.iter().filter(|kind| **kind == "key_changed").count();
    assert_eq!(changed, 2);
    assert_eq!(token_faults(&arch.records), Vec::<String>::new());
}

#[test]
fn without_paper_the_agent_sells_nothing_while_the_tower_is_down() {
    let mut without = quiet(7);
    // Nobody has a phone: cash and paper alone.
    without.people.phone_share = 0.0;
    without.comms.payments.cash_share = 1.0;
    without.comms.payments.agent.paper_tokens = 500;
    without.faults.push(fault("tower", FaultKind::TowerOut, FaultTarget::All, 24, 24 * 4));
    let mut with = without.clone();
    with.faults.push(fault("paper", FaultKind::PaperOut, FaultTarget::All, 24, 24 * 4));
    let (with, without) = (keypad(&with), keypad(&without));
    let stock = |arch: &ArchResult| arch.records.payments.token_by.iter().filter(|by| **by == TokenBy::Stock).count();
    assert!(stock(&without) > 20 && stock(&with) == 0, "{} {}", stock(&without), stock(&with));
    let booked = scripted_h(&with, "paper");
    let (total, earlier) = (with.kpis.downtime_h, without.kpis.downtime_h);
    assert!(booked > 10.0, "{:?}", with.kpis.downtime_h_by_cause);
    assert!((total - booked - earlier).abs() <= 0.1 * total.max(100.0), "{total} - {booked} is not {earlier}");
    for arch in [&with, &without] {
        assert_eq!(token_faults(&arch.records), Vec::<String>::new());
    }
}

/// The DCU fetches payments and sells the tokens itself; half of the meters have a gateway.
fn site_vends(days: u32) -> Scenario {
    let mut scenario = quiet(days);
    let (_, traits) = bundle("sts_keypad");
    scenario.run.architectures = vec![("vending".to_owned(), Traits { local_vending: true, ..traits })];
    scenario.comms.payments.sts.gateway_share = 0.5;
    scenario
}

#[test]
fn a_dcu_sells_tokens_over_gateways_and_by_text_and_every_one_counts_once() {
    let arch = keypad(&site_vends(8));
    let payments = &arch.records.payments;
    let applied = payments.applied_ms.iter().flatten().count();
    assert!(applied > 100, "{applied}");
    let typed = payments.rows().filter(|pay| pay.applied_ms.is_some() && pay.entries > 0).count();
    let by_gateway = payments.rows().filter(|pay| pay.applied_ms.is_some() && pay.entries == 0).count();
    assert!(typed > 20 && by_gateway > 20, "{typed} typed, {by_gateway} by gateway");
    let books = &arch.records.books.tokens;
    assert_eq!(books.paid_u, books.issued_u + books.due_u);
    assert_eq!(books.issued_u, books.loaded_u + books.waiting_u, "{books:?}");
    let late = |pay: &PaymentRow| pay.accepted_ms.is_some_and(|at| at < 6 * DAY_MS) && pay.applied_ms.is_none();
    assert_eq!(payments.rows().filter(late).count(), 0);
}

#[test]
fn a_key_module_that_a_site_cannot_reach_holds_the_money_and_is_named() {
    let without = keypad(&site_vends(8));
    let mut with = site_vends(8);
    with.faults.push(fault("module", FaultKind::KeyModuleOut, FaultTarget::All, 24, 24 * 4));
    let with = keypad(&with);
    let booked = scripted_h(&with, "module");
    assert!(booked > 10.0, "{:?}", with.kpis.downtime_h_by_cause);
    let (total, earlier) = (with.kpis.downtime_h, without.kpis.downtime_h);
    let causes = &with.kpis.downtime_h_by_cause;
    assert!(
        (total - booked - earlier).abs() <= 0.1 * total.max(100.0),
        "{total} - {booked} is not {earlier}: {causes:?}"
    );
    let books = &with.records.books.tokens;
    assert_eq!(books.issued_u, books.loaded_u + books.waiting_u, "{books:?}");
}
