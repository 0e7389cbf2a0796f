//! Stories about orders: recorded before they leave, never on old evidence, never too many.

use taa_dcu::{
    DcuEvent, MeterIx,
    config::{CreditAt, DcuConfig, Tariff},
    journal::Entry,
    relay::{Held, Reason, Relay, RelayOrder},
    uplink::AlarmCode,
};

use crate::village::{HOUR, S, Village, tariff, traits};

const MINUTE: u64 = 60 * S;

fn orders(village: &Village) -> Vec<(u64, &RelayOrder)> {
    let told = village.journal().iter().filter_map(|record| match &record.entry {
        Entry::RelayOrdered(order) => Some((record.stamp.monotonic_ns, order)),
        _ => None,
    });
    told.collect()
}

fn held(why: Held) -> impl Fn(&DcuEvent) -> bool {
    move |event| matches!(event, DcuEvent::OrderHeld { why: told, .. } if *told == why)
}

#[test]
fn every_order_is_recorded_with_its_evidence_and_durable_before_it_leaves() {
    let mut village = Village::new(traits(CreditAt::Dcu), 3, 2_500, 31);
    village.sync_max = 3 * S;
    village.run_until(5 * HOUR);
    village.pay_agent("R1", 1, 5_000);
    village.run_for(MINUTE);
    assert!(village.lit(1) && !village.lit(0));
    let recorded = orders(&village);
    for (at, event) in &village.events {
        let DcuEvent::RelayOrdered { meter, relay, reason } = event else { continue };
        let order = recorded.iter().rev().find(|(recorded_at, order)| {
            recorded_at < at && (order.meter, order.relay, order.reason) == (*meter, *relay, *reason)
        });
        let (_, order) = order.unwrap_or_else(|| panic!("{event:?} left unrecorded"));
        assert!(order.rests_on > 0);
        if *relay == Relay::Open {
            assert!(order.balance_minor <= 0, "{order:?}");
            assert!(order.reading_age_s.is_some_and(|age| age <= 10_800), "{order:?}");
        }
    }
    assert_eq!(recorded.len(), 4, "three went dark, one came back: {recorded:?}");
}

#[test]
fn an_order_that_is_never_durable_never_leaves() {
    let mut village = Village::new(traits(CreditAt::Dcu), 2, 1_000_000, 32);
    village.run_until(2 * HOUR + HOUR * 3 / 4);
    village.meters[0].closed = false;
    village.sync_max = 100_000 * HOUR;
    village.heard(0);
    village.run_for(HOUR);
    assert_eq!(village.count(|e| matches!(e, DcuEvent::RelayOrdered { .. })), 0);
    assert!(!village.lit(0));
}

/// The fee of the day uses up the credit of a meter that has not been heard for hours; then it is heard.
fn dark_by_fee(evidence_age_max_s: u32) -> Village {
    let mut config = DcuConfig::new(traits(CreditAt::Dcu), tariff());
    config.tariff.daily_fee_minor = 40_000;
    config.relays.evidence_age_max_s = evidence_age_max_s;
    let mut village = Village::with(config, 2, 50_000, 33);
    village.run_until(14 * HOUR + HOUR * 3 / 4);
    village.meters[0].deaf = true;
    village.run_until(24 * HOUR + MINUTE);
    assert!(village.state().book().balance_minor(0) <= 0);
    village.meters[0].deaf = false;
    village.heard(0);
    village.run_for(2 * MINUTE);
    assert!(!village.lit(0), "in the end it owes");
    village
}

fn age_of_last_evidence(village: &Village) -> Option<u32> {
    orders(village).into_iter().rfind(|(_, order)| order.meter == MeterIx(0)).unwrap().1.reading_age_s
}

#[test]
fn nobody_is_cut_off_by_a_reading_of_this_morning() {
    let village = dark_by_fee(3 * 3600);
    // It was asked first, and only then opened.
    assert!(village.when(24 * HOUR, held(Held::Reading)).is_some());
    assert!(age_of_last_evidence(&village).is_some_and(|age| age < 60));
}

#[test]
fn sabotage_with_endless_trust_in_old_readings_it_is_opened_unasked() {
    let village = dark_by_fee(u32::MAX);
    assert!(village.when(24 * HOUR, held(Held::Reading)).is_none());
    assert!(age_of_last_evidence(&village).is_some_and(|age| age > 8 * 3600));
}

#[test]
fn a_mass_disconnection_is_an_alarm_and_stops() {
    let mut village = Village::new(traits(CreditAt::Dcu), 90, 1_500, 34);
    village.run_until(3 * HOUR + HOUR * 3 / 4);
    let dark = |village: &Village| (0..90).filter(|m| !village.lit(*m)).count();
    assert_eq!(dark(&village), 30, "a third of them");
    assert_eq!(village.count(|e| *e == DcuEvent::OpeningsStopped), 1);
    let alarm = |e: &DcuEvent| matches!(e, DcuEvent::Alarm { code: AlarmCode::MassDisconnection, .. });
    assert_eq!(village.count(alarm), 1);
    // It outlives a restart.
    village.cut();
    village.boot();
    village.run_for(HOUR);
    assert_eq!(dark(&village), 30);
    // Who pays is served meanwhile, and somebody who has looked lets it go on.
    village.pay_agent("R1", 0, 90_000);
    let first_dark = (0..90).find(|m| !village.lit(*m)).unwrap();
    village.pay_agent("R2", first_dark, 90_000);
    village.run_for(MINUTE);
    assert!(village.lit(first_dark));
    village.with_dcu(|dcu, now| dcu.allow_openings(now));
    village.run_for(HOUR / 2);
    assert_eq!(dark(&village), 29 + 30, "the next third");
}

#[test]
fn sabotage_without_the_limit_all_go_dark_at_once() {
    let mut config = DcuConfig::new(traits(CreditAt::Dcu), tariff());
    config.relays.openings_per_hour_percent = 100;
    let mut village = Village::with(config, 90, 1_500, 34);
    village.run_until(3 * HOUR + HOUR * 3 / 4);
    assert!((0..90).all(|m| !village.lit(m)));
}

#[test]
fn prices_that_flap_do_not_wear_out_the_relay() {
    let mut village = Village::new(traits(CreditAt::Dcu), 1, 500, 35);
    village.run_until(3 * HOUR);
    assert!(!village.lit(0));
    for n in 0..40 {
        village.change_prices(Tariff { grace_minor: if n % 2 == 0 { 100_000 } else { 0 }, ..tariff() });
        village.run_for(2 * MINUTE);
    }
    let switched = village.meters[0].switched;
    assert!(switched <= 1 + 12 * 2, "{switched} times in eighty minutes");
    assert!(village.count(held(Held::Closed)) > 0);
    // What is left in the end is what is wanted.
    village.change_prices(Tariff { grace_minor: 100_000, ..tariff() });
    village.run_for(2 * HOUR);
    assert!(village.lit(0));
}

#[test]
fn a_cloud_that_is_silent_has_not_ordered_anything_lately() {
    let mut village = Village::new(traits(CreditAt::Cloud), 1, 1_500, 36);
    village.run_until(HOUR);
    village.meters[0].deaf = true;
    // The order to open is given, and does not arrive; then the link goes for half a day.
    village.cloud.handle_timeout(village.now);
    let frame = |closed| {
        let mut frame = Vec::new();
        let body = taa_dcu::uplink::Down::RelayOrder { order: 900, meter: MeterIx(0), closed };
        taa_dcu::uplink::DownFrame { sequence: 900, body }.encode(&mut frame);
        frame
    };
    village.with_dcu(|dcu, now| dcu.handle_uplink_receive(now, &frame(false)));
    village.link(false);
    village.run_for(12 * HOUR);
    village.meters[0].deaf = false;
    village.heard(0);
    village.run_for(HOUR);
    assert!(village.lit(0), "that word is half a day old");
    assert!(village.when(0, held(Held::Cloud)).is_some());
    let reason = |e: &DcuEvent| matches!(e, DcuEvent::RelayOrdered { reason: Reason::Cloud, relay: Relay::Open, .. });
    village.link(true);
    village.run_for(HOUR);
    assert!(village.when(0, reason).is_some(), "it is heard again, and has not taken it back");
}
