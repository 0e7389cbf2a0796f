//! Stories about money: who owes, who pays, who decides, and what is promised.

use taa_dcu::{
    DcuEvent, MeterIx,
    cloud::{Cloud, CloudConfig, CloudEvent},
    config::{CreditAt, DcuConfig, MeterAccess, MeterEntry, OnLinkLoss, Tariff},
    reading::Reading,
    relay::{Basis, Reason, Relay},
    uplink::{Down, DownFrame, Up},
};

use crate::village::{FIRST_PERIOD, HOUR, S, START_UNIX_S, Village, tariff, traits};

#[test]
fn a_used_up_balance_opens_the_relay_and_a_payment_closes_it_within_seconds() {
    // 100 W at 10,000 minor units per kWh: 1,000 an hour.
    let mut village = Village::new(traits(CreditAt::Dcu), 3, 2_500, 2);
    village.run_until(5 * HOUR);
    let ordered = |e: &DcuEvent| matches!(e, DcuEvent::RelayOrdered { reason: Reason::Debt, .. });
    let dark = village.when(0, ordered).unwrap();
    assert!((2 * HOUR + HOUR / 2..4 * HOUR).contains(&dark), "{dark}");
    assert!((0..3).all(|m| !village.lit(m)));

    village.pay_agent("R1", 1, 5_000);
    village.run_for(10 * S);
    assert!(village.lit(1) && !village.lit(0));
    assert!(
        village
            .when(5 * HOUR, |e| {
                matches!(
                    e,
                    DcuEvent::RelayConfirmed { meter: MeterIx(1), relay: Relay::Closed, reason: Reason::Credit }
                )
            })
            .is_some()
    );
    assert_eq!(village.receipts().get("R1"), Some(&1));
    assert_eq!(village.meters[1].switched, 2);
}

#[test]
fn a_payment_by_phone_waits_for_the_link_and_counts_once() {
    let mut village = Village::new(traits(CreditAt::Dcu), 2, 500, 3);
    village.run_until(3 * HOUR);
    village.link(false);
    village.pay_phone("T1", 0, 4_000);
    village.pay_phone("T1", 0, 4_000);
    village.run_for(5 * HOUR);
    assert!(!village.lit(0), "the money is in the cloud, the light is here");
    village.link(true);
    village.run_for(60 * S);
    assert!(village.lit(0));
    village.pay_phone("T1", 0, 4_000);
    village.run_for(60 * S);
    assert_eq!(village.receipts().get("T1"), Some(&1));
    assert_eq!(village.state().book().totals().credited, 4_000);
    assert_eq!(village.cloud.downlink_len(), 0);
    assert!(
        village.cloud_events.iter().any(|(_, e)| matches!(e, CloudEvent::CreditedAtDcu { key, .. } if key == "T1"))
    );
}

#[test]
fn the_cloud_decides_by_the_same_book_where_credit_is_kept_there() {
    let mut village = Village::new(traits(CreditAt::Cloud), 2, 1_500, 4);
    village.run_until(4 * HOUR);
    assert!(!village.lit(0) && !village.lit(1));
    village.pay_phone("T1", 0, 9_000);
    village.run_for(15 * S);
    assert!(village.lit(0) && !village.lit(1));
    assert_eq!(village.cloud.order(MeterIx(0)), None, "confirmed");
    // The link goes; consumption is not stopped, and no order comes.
    village.link(false);
    village.run_for(20 * HOUR);
    assert!(village.lit(0));
    village.link(true);
    village.run_for(2 * HOUR);
    assert!(!village.lit(0), "the cloud has caught up");
    assert!(village.cloud.book().balance_minor(0) < 0, "energy beyond the balance is owed");
}

#[test]
fn of_two_orders_the_higher_number_counts_whatever_comes_last() {
    let mut village = Village::new(traits(CreditAt::Cloud), 1, 1_000_000, 21);
    village.run_until(HOUR / 2);
    village.link(false);
    let unix_ms = START_UNIX_S * 1000 + 900_000;
    let basis = Some(Basis { data_unix_ms: unix_ms, decided_unix_ms: unix_ms });
    let mut order = |order, closed| {
        let mut frame = Vec::new();
        DownFrame { sequence: order, body: Down::RelayOrder { order, meter: MeterIx(0), closed, basis } }
            .encode(&mut frame);
        village.with_dcu(|dcu, now| dcu.handle_uplink_receive(now, &frame));
    };
    order(12, false);
    order(11, true);
    village.run_for(60 * S);
    assert!(!village.lit(0));
    assert_eq!(village.state().meter(MeterIx(0)).unwrap().order, None, "confirmed");
}

#[test]
fn a_reading_that_was_overtaken_by_a_relay_state_does_not_bring_the_past_back() {
    let meters = [MeterEntry {
        id: "TAA1".into(),
        account: "A0".into(),
        access: MeterAccess::Open,
        opening_balance_minor: 1_000_000,
        sts: None,
    }];
    let mut cloud = Cloud::new(CloudConfig::new(traits(CreditAt::Cloud), tariff()), &meters);
    let mut send = |body: Up| {
        let mut frame = Vec::new();
        body.encode(1, &mut frame);
        cloud.handle_receive(0, &frame);
    };
    let meter = MeterIx(0);
    send(Up::RelayState { meter, closed: true, order: None, sequence: 9, unix_ms: 0 });
    let (period, at_unix_s, register_wh) = (FIRST_PERIOD, START_UNIX_S as u32, 0);
    let relay_closed = Some(false);
    send(Up::Readings(vec![Reading {
        meter,
        period,
        at_unix_s,
        sequence: 8,
        register_wh,
        relay_closed,
        credit_minor: None,
    }]));
    assert_eq!(cloud.relay_seen(meter), Some(Relay::Closed));
    assert_eq!(cloud.order(meter), None);
}

#[test]
fn balances_that_cannot_be_confirmed_open_relays_where_the_architecture_says_so() {
    let mut config = DcuConfig::new(traits(CreditAt::Cloud), tariff());
    config.traits.on_link_loss = OnLinkLoss::Open;
    config.stale_limit_s = 3 * 3600;
    let mut village = Village::with(config, 3, 1_000_000, 9);
    village.run_until(10 * HOUR);
    assert!((0..3).all(|m| village.lit(m)));
    village.link(false);
    village.run_for(2 * HOUR);
    assert!((0..3).all(|m| village.lit(m)));
    village.run_for(HOUR + HOUR / 2);
    assert!((0..3).all(|m| !village.lit(m)));
    assert!(village.dcu.as_ref().unwrap().is_stale());
    village.link(true);
    village.run_for(2 * 60 * S);
    assert!((0..3).all(|m| village.lit(m)), "the cloud wants them closed");
}

#[test]
fn credit_in_the_meter_is_written_as_a_total_so_lost_answers_do_not_double_it() {
    let mut village = Village::new(traits(CreditAt::Meter), 2, 1_000, 10);
    village.run_until(HOUR);
    assert_eq!(village.meters[0].credit_total, 1_000, "the opening balance");
    assert_eq!(village.meters[0].price_per_kwh, 10_000, "and the price by which it counts down");
    village.loss = 40;
    village.duplicates = 30;
    village.pay_agent("R1", 0, 700);
    village.pay_agent("R2", 0, 300);
    village.pay_agent("R1", 0, 700);
    // With 40 % lost each way, association, proofs and four writes take many attempts.
    village.run_for(4 * HOUR);
    assert_eq!(village.meters[0].credit_total, 2_000);
    assert!(village.meters.iter().all(|m| m.switched == 0), "the meter decides over its relay");
    let delivered = |e: &DcuEvent| matches!(e, DcuEvent::CreditDelivered { meter: MeterIx(0), total_minor: 2_000 });
    assert!(village.when(HOUR, delivered).is_some());
}

#[test]
fn nothing_is_promised_before_it_is_durable() {
    let mut village = Village::new(traits(CreditAt::Dcu), 2, 500, 13);
    village.run_until(HOUR / 2);
    village.sync_max = u64::MAX / 4;
    village.pay_phone("T1", 1, 5_000);
    let receipts = village.events.len();
    let frames = village.cloud_events.len();
    village.pay_agent("R1", 1, 5_000);
    village.run_until(6 * HOUR);
    let promise = |e: &DcuEvent| matches!(e, DcuEvent::Credited { .. } | DcuEvent::RelayOrdered { .. });
    assert!(!village.events[receipts..].iter().any(|(_, e)| promise(e)));
    assert_eq!(village.cloud_events.len(), frames, "no reading and no message rests on a record that may be lost");
    assert!(village.state().book().balance_minor(0) < 0, "though the DCU knows");
    assert!(village.lit(0));
    assert_eq!(village.cloud.downlink_len(), 1, "the cloud keeps its payment until the DCU has said that it has it");

    // The power goes: the payment was never promised, and the agent, without a receipt, tries again.
    village.cut();
    village.sync_max = 0;
    village.boot();
    village.run_for(60 * S);
    assert_eq!(village.state().book().totals().credited, 5_000, "the phone's, which the cloud brought again");
    village.pay_agent("R1", 1, 5_000);
    assert_eq!(village.receipts().get("R1"), Some(&1));
}

#[test]
fn recovery_is_the_fold_over_the_journal() {
    let mut village = Village::new(traits(CreditAt::Dcu), 10, 3_000, 14);
    village.loss = 20;
    village.duplicates = 10;
    for n in 0..10 {
        village.run_for(HOUR);
        village.pay_agent(&format!("R{n}"), n, 2_000);
        village.link(n % 3 != 0);
    }
    assert_eq!(&village.refold(), village.state());
    let before = village.state().clone();
    village.compact();
    assert_eq!(village.journal().len(), 1);
    assert_eq!(&village.refold(), village.state(), "a checkpoint is worth all before it");
    village.cut();
    // Nothing new happens before there is entropy.
    village.entropy = false;
    village.boot();
    assert_eq!(village.state().book(), before.book());
    assert_eq!(village.state().meters(), before.meters());
    assert_eq!(village.state().outbox(), before.outbox());
    assert_eq!(village.state().boot(), before.boot() + 1);
}

#[test]
fn nobody_is_cut_off_while_payments_cannot_be_seen() {
    let mut village = Village::new(traits(CreditAt::Dcu), 2, 500, 21);
    village.link(false);
    village.run_until(5 * HOUR);
    assert!(village.lit(0) && village.lit(1), "their money may be waiting outside");
    assert!(village.state().book().balance_minor(0) < 0, "what they use on trust is counted");
    // One of them had paid; it arrives within the settling time, and only the other one is cut off.
    village.pay_phone("M1", 0, 9_000);
    village.link(true);
    village.run_for(HOUR);
    assert!(village.lit(0));
    assert!(!village.lit(1));
}

#[test]
fn sabotage_without_the_hold_both_are_cut_off() {
    let mut config = DcuConfig::new(traits(CreditAt::Dcu), tariff());
    config.traits.on_link_loss = OnLinkLoss::Open;
    let mut village = Village::with(config, 2, 500, 21);
    village.link(false);
    village.run_until(5 * HOUR);
    assert!(!village.lit(0) && !village.lit(1));
}

#[test]
fn the_site_takes_cash_with_the_tower_down_and_tells_the_cloud_later() {
    let mut village = Village::new(traits(CreditAt::Dcu), 2, 500, 15);
    village.run_until(3 * HOUR);
    assert!(!village.lit(0));
    village.link(false);
    village.run_for(HOUR);
    assert!(!village.lit(0), "who is cut off already stays so");
    village.pay_agent("CASH-1", 0, 3_000);
    village.run_for(15 * S);
    assert!(village.lit(0));
    village.link(true);
    village.run_for(60 * S);
    let told =
        |e: &CloudEvent| matches!(e, CloudEvent::CreditedAtDcu { key, amount_minor: 3_000, .. } if key == "CASH-1");
    assert!(village.cloud_events.iter().any(|(_, e)| told(e)));
}

#[test]
fn cash_at_the_site_is_credited_by_the_cloud_where_credit_is_kept_there() {
    let mut village = Village::new(traits(CreditAt::Cloud), 2, 500, 16);
    village.run_until(3 * HOUR);
    assert!(!village.lit(0));
    village.pay_agent("CASH-1", 0, 3_000);
    village.run_for(20 * S);
    assert!(village.lit(0));
    assert_eq!(village.cloud.book().totals().credited, 3_000);
}

#[test]
fn daily_fees_fall_at_local_midnight() {
    let mut config = DcuConfig::new(traits(CreditAt::Dcu), tariff());
    config.tariff.daily_fee_minor = 300;
    config.tariff.energy_price_per_kwh_minor = 0;
    config.utc_offset_s = 3 * 3600;
    let mut village = Village::with(config, 1, 1_000, 17);
    // Local midnight is 21:00 UTC; the run starts at 00:00 UTC.
    village.run_until(20 * HOUR);
    assert_eq!(village.state().book().balance_minor(0), 1_000);
    village.run_until(22 * HOUR);
    assert_eq!(village.state().book().balance_minor(0), 700);
    village.run_until(4 * 24 * HOUR);
    assert!(!village.lit(0), "1,000 last three days and a bit");
    assert_eq!(village.state().book().balance_minor(0), 1_000 - 4 * 300);
}

#[test]
fn new_prices_outlive_a_restart_and_never_reprice_the_past() {
    let mut village = Village::new(traits(CreditAt::Dcu), 1, 1_000_000, 26);
    village.run_until(4 * HOUR + HOUR * 3 / 4);
    let before = village.state().book().balance_minor(0);
    village.change_prices(Tariff { energy_price_per_kwh_minor: 20_000, ..tariff() });
    village.run_for(60 * S);
    assert_eq!(village.state().book().balance_minor(0), before);
    village.cut();
    village.boot();
    assert_eq!(village.state().book().tariff().energy_price_per_kwh_minor, 20_000, "the journal knows better");
    assert_eq!(village.state().book().balance_minor(0), before, "old energy at the old price");
    village.run_until(6 * HOUR + HOUR * 3 / 4);
    let spent = before - village.state().book().balance_minor(0);
    // The readings at about 4:00 and 6:00: three quarters of an hour at the old price, the rest at the new one.
    assert!((3_240..=3_260).contains(&spent), "{spent}");
}

#[test]
fn a_wider_grace_brings_the_light_back_at_once() {
    let mut village = Village::new(traits(CreditAt::Dcu), 1, 500, 27);
    village.run_until(3 * HOUR);
    assert!(!village.lit(0));
    village.change_prices(Tariff { grace_minor: 10_000, ..tariff() });
    village.run_for(30 * S);
    assert!(village.lit(0));
}

#[test]
fn meters_that_keep_the_credit_learn_new_prices() {
    let mut village = Village::new(traits(CreditAt::Meter), 3, 500, 28);
    village.run_until(HOUR);
    village.change_prices(Tariff { energy_price_per_kwh_minor: 12_345, ..tariff() });
    village.run_for(60 * S);
    assert!(village.meters.iter().all(|m| m.price_per_kwh == 12_345));
}
