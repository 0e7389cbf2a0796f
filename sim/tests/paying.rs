//! Who can pay by what, and that one wish is one payment.

mod common;

use common::{all_bundles, calm_money, fault, simulate, village};
use taa_dcu::config::{CreditAt, Traits};
use taa_scenarios::model::{FaultKind, FaultTarget, Scenario};
use taa_sim::records::{PayChannel, Records, TokenBy};

fn paying(days: u32) -> Scenario {
    let mut scenario = village(40, days, 7);
    scenario.people.topup_interval_median_days = 2.0;
    calm_money(&mut scenario);
    scenario
}

fn by_phone(records: &Records) -> usize {
    records.payments.channel.iter().filter(|channel| **channel == PayChannel::Phone).count()
}

#[test]
fn nobody_pays_by_a_phone_that_does_not_exist() {
    let mut scenario = paying(12);
    scenario.run.architectures = all_bundles();
    // The agent is away: who has a phone pays by it, who has none waits.
    scenario.faults.push(fault("agent", FaultKind::AgentAway, FaultTarget::All, 48, 96));
    scenario.comms.payments.cash_share = 1.0;
    for phone_share in [0.0, 1.0] {
        scenario.people.phone_share = phone_share;
        for arch in simulate(&scenario).architectures {
            assert_eq!(by_phone(&arch.records) > 0, phone_share > 0.0, "{} {phone_share}", arch.name);
            let waits = arch.kpis.downtime_h_by_cause.get("scripted:agent").copied().unwrap_or(0.0);
            assert_eq!(waits > 10.0, phone_share < 1.0, "{} {phone_share}: {waits}", arch.name);
        }
    }
}

#[test]
fn a_slow_answer_does_not_make_two_payments_of_one() {
    let mut scenario = paying(20);
    scenario.run.architectures = all_bundles();
    let payments = &mut scenario.comms.payments;
    payments.accept_median_s = 5400.0;
    payments.callback_lost_share = 0.3;
    payments.reconcile_after_s = 20_000.0;
    scenario.people.low_balance_days = 6.0;
    scenario.people.least_gap_h = 2.0;
    for arch in simulate(&scenario).architectures {
        let mut paid = vec![0; arch.records.customers.len()];
        for pay in arch.records.payments.rows() {
            assert!(pay.applied_ms.is_none_or(|applied| pay.accepted_ms.is_some_and(|accepted| accepted <= applied)));
            paid[pay.customer as usize] += if pay.accepted_ms.is_some() { pay.amount_minor } else { 0 };
        }
        assert_eq!(paid, arch.records.customers.paid_minor, "{}", arch.name);
    }
}

#[test]
fn a_keypad_without_credit_in_the_meter_takes_no_numbers() {
    let keypad = |name: &str, credit_at| {
        let traits = Traits { keypad: true, credit_at, ..Traits::bundle(name).expect("a bundle") };
        let mut scenario = paying(6);
        scenario.run.architectures = vec![(name.to_owned(), traits)];
        simulate(&scenario).architectures.remove(0).records.payments.token_by
    };
    for (name, credit_at) in [("edge_local", CreditAt::Dcu), ("cloud_sync", CreditAt::Cloud)] {
        let told = keypad(name, credit_at);
        assert!(told.len() > 20 && told.iter().all(|by| *by == TokenBy::None), "{name}: {told:?}");
    }
    assert!(keypad("sts_keypad", CreditAt::Meter).contains(&TokenBy::Text));
}
