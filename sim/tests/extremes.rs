//! Numbers that a scenario may hold and nobody lives by: the run still ends, and in order.

mod common;

use common::{calm_money, fault, simulate, village};
use taa_dcu::config::Traits;
use taa_scenarios::model::{FaultKind, FaultTarget, Scenario};
use taa_sim::result::ArchResult;

/// Some days of a village under each bundle, with this changed.
fn with(customers: u32, days: u32, change: impl FnOnce(&mut Scenario)) -> Vec<ArchResult> {
    let mut scenario = village(customers, days, 7);
    scenario.run.architectures = common::all_bundles();
    calm_money(&mut scenario);
    change(&mut scenario);
    simulate(&scenario).architectures
}

#[test]
fn waits_that_never_end_do_not_overflow() {
    for arch in with(20, 12, |scenario| {
        scenario.people.least_gap_h = 1e15;
        scenario.people.topup_interval_median_days = 1.0;
        scenario.people.shy_days = 1e300;
        scenario.comms.payments.agent.restock_h = 1e300;
    }) {
        assert!(arch.records.payments.len() > 5, "{}", arch.name);
    }
    for arch in with(20, 12, |scenario| {
        scenario.assets.bms_trips_per_year = 60.0;
        scenario.assets.bms_self_clearing_share = 1.0;
        scenario.assets.bms_clears_after_h = 1e15;
    }) {
        assert!(arch.records.repairs.mended_ms.iter().all(Option::is_none), "{}", arch.name);
        assert!(!arch.records.repairs.is_empty());
    }
}

#[test]
fn repairs_that_take_for_ever_are_laid_down_at_once() {
    for arch in with(20, 20, |scenario| {
        scenario.assets = taa_models::assets::AssetParams {
            inverter_failures_per_year: 60.0,
            ..taa_models::assets::AssetParams::none()
        };
        let repair = &mut scenario.assets.repair;
        repair.diagnosis_median_h = 1e12;
        repair.dispatch_median_h = 1e300;
        repair.on_site_median_h = 1e300;
        repair.order_mean_days = 1e300;
    }) {
        assert!(!arch.records.repairs.is_empty() && arch.records.repairs.mended_ms.iter().all(Option::is_none));
    }
}

#[test]
fn the_cost_of_customers_who_left_has_a_ceiling() {
    for arch in with(40, 30, |scenario| {
        scenario.people.churn_horizon_months = 1e300;
        scenario.faults.push(fault("line", FaultKind::FeederOut, FaultTarget::All, 48, 640));
    }) {
        assert!(arch.records.customers.churned_ms.iter().flatten().count() > 1, "{}", arch.name);
        assert!(arch.kpis.cost_of_downtime.is_finite() && arch.kpis.cost_of_downtime > 0.0);
    }
}

#[test]
fn who_tries_again_at_once_does_not_stop_time() {
    for arch in with(6, 4, |scenario| {
        scenario.people.retry_first_min = 1e-7;
        scenario.people.topup_interval_median_days = 0.5;
        scenario.faults.push(fault("provider", FaultKind::ProviderOut, FaultTarget::All, 20, 90));
        scenario.faults.push(fault("agent", FaultKind::AgentAway, FaultTarget::All, 20, 90));
    }) {
        assert!(arch.records.payments.attempts.iter().max().is_some_and(|most| *most > 10), "{}", arch.name);
    }
    let keypad = ("sts_keypad".to_owned(), Traits::bundle("sts_keypad").expect("a bundle"));
    let arch = with(6, 3, |scenario| {
        scenario.run.architectures = vec![keypad];
        scenario.people.topup_interval_median_days = 0.5;
        scenario.comms.payments.sms_loss_share = 1.0;
        scenario.comms.payments.sms.resend_after_min = 1e-6;
    });
    assert!(arch[0].records.payments.texts.iter().max().is_some_and(|most| *most > 1000));
}
