//! Stories about terms: tariffs that change, credit on trust, friendly hours, corrections, receipts, payments that come
//! late.

use taa_dcu::{
    DcuEvent, MeterIx,
    billing::{AmendError, Amendable, Amendment, Correction, Refund, RefundFrom, Settled, TariffRefusal, TariffStart},
    cloud::CloudEvent,
    config::{
        CreditAt, DcuConfig, Tariff,
        tariff::{Block, FriendlyHours, Period, TimeOfDay},
    },
    payment::{Certainty, Payment, PaymentId, Provider},
    relay::{Reason, Relay},
    uplink::{Down, DownFrame},
};

use crate::village::{HOUR, S, START_UNIX_S, Village, tariff, traits};

fn time(text: &str) -> TimeOfDay {
    TimeOfDay::try_from(text.to_owned()).unwrap()
}

/// 100 W at 10,000 minor units per kWh: 1,000 an hour.
fn village(tariff: Tariff, meters: u32, opening: i64, seed: u64) -> Village {
    Village::with(DcuConfig::new(traits(CreditAt::Dcu), tariff), meters, opening, seed)
}

fn correction(id: &str, amount_minor: i64) -> Amendment {
    Amendment::Correction(Correction { id: id.into(), account: 0, amount_minor, of: None, why: "wrong meter".into() })
}

#[test]
fn an_announced_tariff_begins_at_its_instant_though_the_supply_failed_meanwhile() {
    let mut village = village(tariff(), 1, 1_000_000, 41);
    village.run_until(HOUR);
    let from_unix_ms = Some((START_UNIX_S + 6 * 3600) * 1000);
    village.change_prices(Tariff { from_unix_ms, energy_price_per_kwh_minor: 50_000, ..tariff() });
    village.run_for(60 * S);
    let later = |e: &DcuEvent| matches!(e, DcuEvent::TariffTaken { version: 1, start: TariffStart::Later(_) });
    assert_eq!(village.count(later), 1);
    assert_eq!(village.state().book().tariff().version, 0);
    village.run_until(5 * HOUR);
    village.cut();
    village.run_until(7 * HOUR);
    village.boot();
    village.run_for(60 * S);
    assert_eq!(village.state().book().tariff().version, 1);
    village.run_until(9 * HOUR);
    // About six hours at 1,000 and three at 5,000, though nobody read the meter at six.
    let spent = 1_000_000 - village.state().book().balance_minor(0);
    let expected =
        village.state().book().account(0).unwrap().read_unix_ms().unwrap() - START_UNIX_S * 1000 - 6 * 3_600_000;
    let expected = 6_000 + expected * 5_000 / 3_600_000;
    assert!((spent - expected).abs() < 60, "{spent} for {expected}");
    assert_eq!(&village.refold(), village.state());
}

#[test]
fn a_version_that_goes_back_or_contradicts_itself_is_refused_by_name() {
    let mut village = village(tariff(), 1, 1_000_000, 42);
    village.run_until(HOUR);
    village.change_prices(Tariff { energy_price_per_kwh_minor: 20_000, ..tariff() });
    village.run_for(60 * S);
    village.change_prices(Tariff { energy_price_per_kwh_minor: 30_000, ..tariff() });
    village.run_for(60 * S);
    assert_eq!(village.state().book().tariff().version, 2, "the cloud numbers what bears no number");
    // The cloud tells its operator; nothing leaves.
    village.change_prices(Tariff { version: 1, ..tariff() });
    let older = TariffRefusal::Older { version: 1, newest: 2 };
    let told = |(_, e): &(u64, CloudEvent)| *e == CloudEvent::TariffRefused(older.clone());
    assert!(village.cloud_events.iter().any(told));
    assert_eq!(village.cloud.downlink_len(), 0);
    // And the DCU does not rely on that.
    let mut send = |sequence, tariff: Tariff| {
        let mut frame = Vec::new();
        DownFrame { sequence, body: Down::TariffChange(Box::new(tariff)) }.encode(&mut frame);
        village.with_dcu(|dcu, now| dcu.handle_uplink_receive(now, &frame));
    };
    send(101, Tariff { version: 1, ..tariff() });
    send(102, Tariff { version: 2, ..tariff() });
    send(103, Tariff { version: 3, currency: "KES".into(), ..tariff() });
    let block = Block { up_to_kwh: 0, price_per_kwh_minor: 1 };
    send(104, Tariff { version: 3, blocks: vec![block], ..tariff() });
    let refused: Vec<_> = village
        .events
        .iter()
        .filter_map(|(_, e)| match e {
            DcuEvent::TariffRefused(refusal) => Some(refusal.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(
        refused,
        [
            "version 1 is older than version 2, which is known",
            "version 2 is known with other content; send it under a higher number",
            "the accounts are kept in another currency",
            "blocks[0].up_to_kwh: must be above the block before it",
        ]
    );
    assert_eq!(village.state().book().tariff().energy_price_per_kwh_minor, 30_000);
}

#[test]
fn meters_that_count_by_themselves_are_given_no_hours() {
    let mut village = Village::new(traits(CreditAt::Meter), 1, 500, 43);
    village.run_until(HOUR);
    let mut frame = Vec::new();
    let peak = Period {
        name: "peak".into(),
        from: time("18:00"),
        to: time("22:00"),
        weekdays: Vec::new(),
        price_per_kwh_minor: 1,
    };
    let tariff = Tariff { version: 1, periods: vec![peak], ..tariff() };
    DownFrame { sequence: 1, body: Down::TariffChange(Box::new(tariff)) }.encode(&mut frame);
    village.with_dcu(|dcu, now| dcu.handle_uplink_receive(now, &frame));
    assert_eq!(village.count(|e| *e == DcuEvent::TariffRefused(TariffRefusal::NeedsFlatPrice)), 1);
}

#[test]
fn emergency_credit_carries_on_and_is_repaid_first() {
    let mut village = village(Tariff { emergency_credit_minor: 2_000, ..tariff() }, 1, 1_500, 44);
    village.run_until(3 * HOUR);
    assert!(village.lit(0));
    village.run_until(6 * HOUR);
    assert!(!village.lit(0), "1,500 and 2,000 last three and a half hours");
    village.pay_agent("R1", 0, 1_000);
    village.run_for(60 * S);
    assert!(village.lit(0), "some of the emergency credit is free again");
    let on_trust =
        |e: &DcuEvent| matches!(e, DcuEvent::RelayConfirmed { relay: Relay::Closed, reason: Reason::Emergency, .. });
    assert_eq!(village.count(on_trust), 1);
}

fn evenings() -> Tariff {
    let evening = FriendlyHours { from: time("02:00"), to: time("06:00"), ..FriendlyHours::default() };
    Tariff { friendly_hours: vec![evening], ..tariff() }
}

#[test]
fn who_runs_out_in_friendly_hours_keeps_the_light_until_they_end() {
    let mut village = village(evenings(), 1, 2_500, 45);
    village.run_until(6 * HOUR - 10 * S);
    assert!(village.lit(0) && village.state().book().balance_minor(0) < 0);
    assert_eq!(village.count(|e| matches!(e, DcuEvent::RelayOrdered { .. })), 0);
    // Not at the next reading: at the hour.
    village.run_until(6 * HOUR + 30 * S);
    assert!(!village.lit(0));
}

#[test]
fn who_ran_out_before_stays_dark_in_friendly_hours() {
    let mut village = village(evenings(), 1, 500, 46);
    village.run_until(2 * HOUR - 60 * S);
    assert!(!village.lit(0));
    village.run_until(5 * HOUR);
    assert!(!village.lit(0));
}

#[test]
fn sabotage_without_friendly_hours_the_light_goes_in_the_night() {
    let mut village = village(tariff(), 1, 2_500, 45);
    village.run_until(6 * HOUR - 10 * S);
    assert!(!village.lit(0));
}

#[test]
fn a_correction_brings_light_and_a_refund_is_told_when_it_is_durable() {
    let mut village = village(tariff(), 2, 500, 47);
    village.run_until(3 * HOUR);
    assert!(!village.lit(0));
    village.with_dcu(|dcu, now| dcu.amend(now, correction("C1", 5_000)).unwrap());
    village.with_dcu(|dcu, now| dcu.amend(now, correction("C1", 5_000)).unwrap());
    village.run_for(30 * S);
    assert!(village.lit(0) && !village.lit(1));
    assert_eq!(village.state().book().totals().corrected, 5_000);
    let give = |amount_minor| {
        let from = RefundFrom::Account { account: 0, amount_minor };
        Amendment::Refund(Refund { id: "R1".into(), from, why: "moved away".into() })
    };
    village.with_dcu(|dcu, now| assert!(matches!(dcu.amend(now, give(9_000)), Err(AmendError::Exceeds { .. }))));
    village.sync_max = u64::MAX / 4;
    village.with_dcu(|dcu, now| dcu.amend(now, give(2_000)).unwrap());
    village.run_for(HOUR / 100);
    let told = |e: &DcuEvent| matches!(e, DcuEvent::Amended { id, outcome: Amendable::Done { .. } } if id == "R1");
    assert_eq!(village.count(told), 0, "no cash leaves before the record is safe");
    assert_eq!(&village.refold(), village.state());
}

fn receipt(village: &Village, key: &str, amount: i64) -> Payment {
    Payment { certainty: Certainty::Provisional, ..village.payment(key, 0, amount) }
}

#[test]
fn a_receipt_brings_light_until_it_runs_out_unconfirmed() {
    let mut village = village(Tariff { receipt_credit_minor: 90_000, receipt_h: 5, ..tariff() }, 1, 500, 48);
    village.run_until(3 * HOUR);
    assert!(!village.lit(0));
    let paper = receipt(&village, "SMS-1", 90_000);
    village.with_dcu(|dcu, now| dcu.handle_payment(now, paper).unwrap());
    village.run_for(30 * S);
    assert!(village.lit(0));
    assert_eq!(village.count(|e| matches!(e, DcuEvent::CreditedAhead { .. })), 1);
    let more = receipt(&village, "SMS-2", 1);
    village.with_dcu(|dcu, now| dcu.handle_payment(now, more).unwrap());
    assert_eq!(village.count(|e| matches!(e, DcuEvent::Unproven { .. })), 1);
    village.run_for(4 * HOUR);
    village.cut();
    village.boot();
    village.run_for(2 * HOUR);
    assert!(!village.lit(0), "taken back, though the DCU restarted meanwhile");
    let back = |e: &DcuEvent| matches!(e, DcuEvent::TakenBack { how: Settled::Expired, amount_minor: 90_000, .. });
    assert_eq!(village.count(back), 1);
    // The provider's own word, a day later, counts.
    village.pay_phone("SMS-1", 0, 90_000);
    village.run_for(60 * S);
    assert!(village.lit(0));
    assert_eq!(village.state().book().totals().missing(), 0);
    let id = PaymentId { provider: Provider::Simulated, key: "SMS-1".into() };
    assert!(!village.dcu.as_mut().unwrap().settle_receipt(0, &id, Settled::Forged), "nothing counts on it any more");
}

/// The link is up, the cloud is heard, and all that comes down waits for three quarters of an
/// hour. Four people pay when they are in the
/// dark; a fifth, who has more, pays shortly before the money is used up.
fn throttled(lateness_from_s: u32, restart: bool) -> Village {
    let mut config = DcuConfig::new(traits(CreditAt::Dcu), tariff());
    config.lateness_from_s = lateness_from_s;
    let mut village = Village::with(config, 5, 500, 49);
    village.pay_phone("P0", 4, 7_500);
    village.run_until(HOUR);
    village.down_delay = HOUR * 3 / 4;
    for meter in 0..4 {
        village.pay_phone(&format!("P{}", meter + 1), meter, 50_000);
    }
    village.run_until(6 * HOUR);
    assert!((0..5).all(|meter| village.lit(meter)), "what was paid has arrived by now");
    if restart {
        village.cut();
        village.boot();
    }
    // Used up at eight, as the next reading tells; paid before, arrives after.
    village.run_until(8 * HOUR - HOUR / 6);
    village.pay_phone("P9", 4, 50_000);
    village
}

#[test]
fn nobody_is_cut_off_for_debt_younger_than_payments_are_late() {
    for restart in [false, true] {
        let mut village = throttled(300, restart);
        let late = |e: &DcuEvent| matches!(e, DcuEvent::PaymentsLate { late_s: 2_600..=2_800 });
        assert!(village.count(late) >= 1);
        village.run_until(10 * HOUR);
        assert!(village.lit(4));
        let dark = |e: &DcuEvent| matches!(e, DcuEvent::RelayOrdered { meter: MeterIx(4), relay: Relay::Open, .. });
        assert_eq!(village.count(dark), 0, "restart: {restart}");
        assert!(village.state().book().balance_minor(4) > 0);
        // Debt that is older than any payment under way does count: about 48 hours later nobody has paid.
        village.run_until(62 * HOUR);
        assert!(!village.lit(0));
    }
}

#[test]
fn sabotage_a_site_that_does_not_learn_cuts_off_who_has_paid() {
    let mut village = throttled(u32::MAX, false);
    village.run_until(10 * HOUR);
    let dark = |e: &DcuEvent| matches!(e, DcuEvent::RelayOrdered { meter: MeterIx(4), relay: Relay::Open, .. });
    assert_eq!(village.count(dark), 1);
}

#[test]
fn what_an_outage_has_held_up_does_not_make_the_link_slow() {
    let mut village = village(tariff(), 6, 500, 50);
    village.run_until(HOUR);
    village.link(false);
    for meter in 0..5 {
        village.pay_phone(&format!("P{meter}"), meter, 90_000);
    }
    village.run_for(10 * HOUR);
    village.link(true);
    village.run_for(HOUR);
    assert_eq!(village.state().payments_late_s(), 0);
    assert!(village.lit(0) && !village.lit(5), "the one who has not paid is cut off");
}
