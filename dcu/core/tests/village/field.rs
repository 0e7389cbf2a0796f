//! Stories about meters: read on time, lost and found, opened and closed.

use taa_dcu::{
    DcuEvent, MeterIx,
    config::{BootRelay, CreditAt, DcuConfig, RetryPolicy},
    uplink::AlarmCode,
};

use crate::village::{FIRST_PERIOD, HOUR, S, START_UNIX_S, Village, tariff, traits};

#[test]
fn every_meter_is_read_once_an_hour_and_the_cloud_has_it_all() {
    let mut village = Village::new(traits(CreditAt::Dcu), 40, 1_000_000, 1);
    village.run_until(24 * HOUR);
    for period in FIRST_PERIOD..FIRST_PERIOD + 24 {
        assert_eq!(village.dcu.as_ref().unwrap().readings_complete(period), 40, "period {period}");
    }
    assert!(village.when(0, |e| matches!(e, DcuEvent::ReadingMissed { .. })).is_none());
    assert_eq!(village.dcu.as_ref().unwrap().outbox_len(), 0);
    assert_eq!(village.cloud.readings(), 40 * 24);
    assert!(village.meters.iter().all(|m| m.switched == 0), "no relay was touched");
}

#[test]
fn a_meter_that_boots_open_is_reconnected_when_it_is_heard() {
    for credit_at in [CreditAt::Dcu, CreditAt::Cloud] {
        let mut config = DcuConfig::new(traits(credit_at), tariff());
        config.traits.boot_relay = BootRelay::Open;
        let mut village = Village::with(config, 3, 1_000_000, 5);
        village.meters.iter_mut().for_each(|m| m.boots_open = true);
        village.run_until(2 * HOUR + HOUR * 3 / 4);
        village.power(0, false);
        village.run_for(60 * S);
        village.power(0, true);
        assert!(!village.lit(0));
        village.heard(0);
        // Association, two proofs, firmware, reading; where the cloud decides, its word; then the order.
        village.run_for(40 * S);
        assert!(village.lit(0), "{credit_at:?}");
        assert!(village.when(0, |e| matches!(e, DcuEvent::RelayFound { meter: MeterIx(0), .. })).is_some());
    }
}

#[test]
fn a_meter_that_boots_open_unheard_is_found_by_the_next_reading() {
    let mut village = Village::new(traits(CreditAt::Dcu), 3, 1_000_000, 6);
    village.meters[2].boots_open = true;
    village.run_until(2 * HOUR + HOUR * 3 / 4);
    village.power(2, false);
    village.power(2, true);
    village.run_for(HOUR);
    assert!(village.lit(2));
}

#[test]
fn a_dead_branch_does_not_starve_the_rest() {
    let mut village = Village::new(traits(CreditAt::Dcu), 200, 1_000_000, 7);
    (0..100).for_each(|m| village.power(m, false));
    village.run_until(6 * HOUR);
    for period in FIRST_PERIOD..FIRST_PERIOD + 6 {
        let complete = village.dcu.as_ref().unwrap().readings_complete(period);
        assert_eq!(complete, 100, "period {period}");
    }
    // And a living customer who pays is served at once in the middle of it.
    village.meters[150].closed = false;
    village.heard(150);
    village.run_for(90 * S);
    assert!(village.lit(150));
}

#[test]
fn living_meters_are_read_on_time_however_many_are_dead() {
    let mut config = DcuConfig::new(traits(CreditAt::Dcu), tariff());
    // Impatient: the dead alone would fill the window many times over.
    config.retry = RetryPolicy { first_s: 60, max_s: 120 };
    let mut village = Village::with(config, 200, 1_000_000, 20);
    (0..190).for_each(|m| village.power(m, false));
    village.run_until(12 * HOUR);
    let mut checked = 0;
    for (at, event) in &village.events {
        let DcuEvent::ReadingStored { meter: MeterIx(meter), period, backfilled: false } = event else { continue };
        let slot = u64::from(period - FIRST_PERIOD) * HOUR + u64::from(*meter) * HOUR / 2 / 200;
        // The first hour has every meter due at once and nobody known to be dead.
        if *period > FIRST_PERIOD {
            assert!(at - slot < 30 * S, "meter {meter}, period {period}: {} s late", (at - slot) / S);
            checked += 1;
        }
    }
    assert_eq!(checked, 10 * 11);
}

#[test]
fn a_meter_that_comes_back_is_asked_when_it_is_heard_and_not_at_every_frame() {
    let mut village = Village::new(traits(CreditAt::Dcu), 2, 1_000_000, 22);
    village.power(0, false);
    village.run_until(5 * HOUR + HOUR * 3 / 4);
    assert!(village.dcu.as_ref().unwrap().failures(MeterIx(0)) > 4, "it backs off for an hour by now");
    village.power(0, true);
    let frames = village.frames_to_meters;
    for _ in 0..20 {
        village.heard(0);
        village.run_for(2 * S);
    }
    let asked = village.frames_to_meters - frames;
    assert!(village.when(5 * HOUR + HOUR * 3 / 4, |e| matches!(e, DcuEvent::MeterAnswers { .. })).is_some());
    assert!(asked <= 6, "{asked} frames: name, reading, back-fill");
}

#[test]
fn who_pays_is_served_at_once_even_when_the_meter_was_given_up_for_a_while() {
    let mut village = Village::new(traits(CreditAt::Dcu), 2, 500, 23);
    village.run_until(3 * HOUR);
    assert!(!village.lit(0));
    village.meters[0].deaf = true;
    village.run_until(8 * HOUR + HOUR * 3 / 4);
    village.meters[0].deaf = false;
    village.pay_agent("R1", 0, 9_000);
    village.run_for(10 * S);
    assert!(village.lit(0));
}

#[test]
fn missed_hours_come_from_the_load_profile() {
    let mut village = Village::new(traits(CreditAt::Dcu), 4, 1_000_000, 8);
    village.run_until(3 * HOUR + 100 * S);
    village.meters[1].deaf = true;
    village.power(2, false);
    village.run_until(40 * HOUR);
    village.meters[1].deaf = false;
    village.power(2, true);
    village.run_until(44 * HOUR);
    assert!(village.state().meter(MeterIx(1)).unwrap().gaps.is_empty());
    assert!(village.state().meter(MeterIx(2)).unwrap().gaps.is_empty());
    for period in FIRST_PERIOD..FIRST_PERIOD + 44 {
        assert!(village.cloud.has_reading(MeterIx(1), period), "period {period}");
    }
    assert!(!village.cloud.has_reading(MeterIx(2), FIRST_PERIOD + 20), "an hour without power has no row");
    let missed = village.events.iter().filter(|(_, e)| matches!(e, DcuEvent::ReadingMissed { meter: MeterIx(1), .. }));
    assert_eq!(missed.count(), 37, "hours 3 to 39");
}

#[test]
fn a_stranger_at_a_meters_address_is_neither_billed_nor_switched() {
    let mut village = Village::new(traits(CreditAt::Dcu), 2, 50, 11);
    village.meters[0].name = "SOMEBODY ELSE".into();
    village.run_until(5 * HOUR);
    assert_eq!(village.state().book().account(0).unwrap().register_wh(), None);
    assert!(village.lit(0) && !village.lit(1));
    let alarms = village
        .events
        .iter()
        .filter(|(_, e)| matches!(e, DcuEvent::Alarm { meter: Some(MeterIx(0)), code: AlarmCode::WrongMeter }));
    assert_eq!(alarms.count(), 1, "told once, not every hour");
}

#[test]
fn a_relay_that_does_not_follow_raises_an_alarm_and_is_tried_on() {
    let mut village = Village::new(traits(CreditAt::Dcu), 1, 50, 12);
    village.meters[0].stuck = true;
    village.run_until(8 * HOUR);
    assert!(village.when(0, |e| matches!(e, DcuEvent::Alarm { code: AlarmCode::RelayStuck, .. })).is_some());
    assert!(village.frames_to_meters < 200, "{} frames: it backs off", village.frames_to_meters);
    village.meters[0].stuck = false;
    village.run_for(HOUR);
    assert!(!village.lit(0));
}

#[test]
fn a_clock_that_was_wrong_and_is_put_right_does_not_stop_the_readings() {
    let mut village = Village::new(traits(CreditAt::Dcu), 2, 1_000_000, 18);
    village.run_until(2 * HOUR);
    let wrong = START_UNIX_S * 1000 + 5 * 365 * 86_400_000;
    village.with_dcu(|dcu, now| dcu.handle_clock(now, wrong));
    village.run_for(2 * HOUR);
    let right = START_UNIX_S * 1000 + 4 * 3_600_000;
    village.with_dcu(|dcu, now| dcu.handle_clock(now, right));
    village.run_for(3 * HOUR);
    for period in FIRST_PERIOD + 4..FIRST_PERIOD + 7 {
        assert!(village.cloud.has_reading(MeterIx(0), period), "period {period}");
    }
    let used = village.meters[0].register_wh() as i64;
    assert!(1_000_000 - village.state().book().balance_minor(0) >= (used - 100) * 10, "and billing went on");
}

#[test]
fn a_failing_supply_begins_nothing_new() {
    let mut village = Village::new(traits(CreditAt::Dcu), 5, 1_000_000, 19);
    village.run_until(HOUR + HOUR * 3 / 4);
    village.with_dcu(|dcu, now| dcu.handle_power_failing(now));
    let frames = village.frames_to_meters;
    village.run_for(3 * HOUR);
    assert_eq!(village.frames_to_meters, frames);
    village.with_dcu(|dcu, now| dcu.handle_power_good(now));
    village.run_for(60 * S);
    assert!(village.frames_to_meters > frames);
}

#[test]
fn a_meter_heard_while_an_old_question_is_open_is_asked_again_at_once() {
    let mut village = Village::new(traits(CreditAt::Dcu), 1, 1_000_000, 24);
    village.meters[0].boots_open = true;
    village.run_until(HOUR / 2);
    village.power(0, false);
    // The hourly question goes out to a meter without power; half a minute later the meter is back, relay open.
    village.run_until(HOUR + 30 * S);
    village.power(0, true);
    village.heard(0);
    village.run_for(40 * S);
    assert!(village.lit(0), "not after the back-off of two minutes");
}

#[test]
fn an_order_for_who_has_paid_overtakes_the_rush_after_a_blackout() {
    let mut village = Village::new(traits(CreditAt::Dcu), 300, 1_500_000, 25);
    village.meters[299].load_w = 100_000;
    village.run_until(2 * HOUR + HOUR * 3 / 4);
    assert!(!village.lit(299));
    (0..300).for_each(|m| village.power(m, false));
    village.run_for(HOUR / 8);
    (0..300).for_each(|m| village.power(m, true));
    (0..300).for_each(|m| village.heard(m));
    village.pay_agent("R1", 299, 90_000_000);
    village.run_for(15 * S);
    assert!(village.lit(299), "before most of the others have been looked at");
}
