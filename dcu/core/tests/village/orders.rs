//! Stories about orders: recorded before they leave, never on old evidence, never too many.

use taa_dcu::{
    DcuEvent, MeterIx,
    cloud::CloudEvent,
    config::{CreditAt, DcuConfig, OnLinkLoss, Tariff, Traits},
    fetch::FetchConfig,
    journal::{Entry, Record},
    relay::{Basis, Held, Reason, Refusal, Relay, RelayOrder},
    uplink::{AlarmCode, Down, DownFrame},
};

use taa_keys::Secret;

use crate::village::{HOUR, S, START_UNIX_S, Village, tariff, traits};

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
    order_open(&mut village, 900, Some(unix_ms(HOUR)));
    village.link(false);
    village.run_for(12 * HOUR);
    village.meters[0].deaf = false;
    village.heard(0);
    village.run_for(HOUR);
    assert!(village.lit(0), "that word is half a day old");
    assert!(village.when(0, held(Held::Cloud)).is_some());
    let reason = |e: &DcuEvent| matches!(e, DcuEvent::RelayOrdered { reason: Reason::Cloud, relay: Relay::Open, .. });
    let from = village.now;
    village.link(true);
    village.run_for(HOUR);
    assert!(village.when(from, reason).is_none(), "it is heard again, but its word rests on data of half a day ago");
    assert!(village.lit(0));
}

fn unix_ms(now: u64) -> i64 {
    START_UNIX_S * 1000 + (now / 1_000_000) as i64
}

/// A cloud (any cloud) orders meter 0 open, on data of then.
fn order_open(village: &mut Village, order: u64, data_unix_ms: Option<i64>) {
    let basis = data_unix_ms.map(|data_unix_ms| Basis { data_unix_ms, decided_unix_ms: unix_ms(village.now) });
    let mut frame = Vec::new();
    let body = Down::RelayOrder { order, meter: MeterIx(0), closed: false, basis };
    DownFrame { sequence: order, body }.encode(&mut frame);
    village.with_dcu(|dcu, now| dcu.handle_uplink_receive(now, &frame));
}

fn refused(why: Refusal) -> impl Fn(&DcuEvent) -> bool {
    move |event| matches!(event, DcuEvent::OrderRefused { why: told, .. } if *told == why)
}

fn opened_by_cloud(event: &DcuEvent) -> bool {
    matches!(event, DcuEvent::RelayOrdered { reason: Reason::Cloud, relay: Relay::Open, .. })
}

/// The link is up, the cloud is there, and its order has been under way for longer than its data may count.
fn late_order(evidence_age_max_s: u32) -> Village {
    let mut config = DcuConfig::new(traits(CreditAt::Cloud), tariff());
    config.relays.evidence_age_max_s = evidence_age_max_s;
    let mut village = Village::with(config, 1, 1_000_000, 37);
    village.run_until(6 * HOUR + HOUR / 2);
    order_open(&mut village, 900, Some(unix_ms(2 * HOUR)));
    village.run_for(10 * MINUTE);
    village
}

#[test]
fn an_order_on_old_data_opens_nothing_is_told_and_audited_and_the_meter_is_asked() {
    let mut village = late_order(3 * 3600);
    assert!(village.lit(0));
    assert_eq!(village.count(refused(Refusal::Data)), 1);
    let asked = village.journal().iter().filter(|record| matches!(record.entry, Entry::Reading(_))).count();
    let recorded = |record: &&Record| matches!(record.entry, Entry::OrderRefused { order: 900, .. });
    let at = village.journal().iter().position(|record| recorded(&record)).expect("it is on record");
    let read = village.journal()[at..].iter().find_map(|record| match record.entry {
        Entry::Reading(_) => Some(record.stamp.monotonic_ns),
        _ => None,
    });
    assert!(read.is_some_and(|read| read < 6 * HOUR + 35 * MINUTE), "{read:?} of {asked}");
    let told = |e: &CloudEvent| matches!(e, CloudEvent::OrderRefused { order: 900, why: Refusal::Data, .. });
    assert_eq!(village.cloud_events.iter().filter(|(_, event)| told(event)).count(), 1);
    // A restart tells it no second time.
    village.cut();
    village.boot();
    village.run_for(HOUR / 2);
    assert_eq!(village.journal().iter().filter(recorded).count(), 1);
    // The same order on newer data is carried out; on the same once more it changes nothing.
    order_open(&mut village, 900, Some(unix_ms(2 * HOUR)));
    village.run_for(MINUTE);
    assert!(village.lit(0));
    let data = unix_ms(village.now) - 3_600_000;
    order_open(&mut village, 900, Some(data));
    village.run_for(MINUTE);
    assert!(!village.lit(0));
}

#[test]
fn sabotage_with_endless_trust_in_old_data_it_opens() {
    assert!(!late_order(u32::MAX).lit(0));
}

#[test]
fn an_order_that_says_nothing_of_its_data_opens_nothing() {
    let mut village = Village::new(traits(CreditAt::Cloud), 1, 1_000_000, 38);
    village.run_until(HOUR / 2);
    order_open(&mut village, 900, None);
    village.run_for(HOUR);
    assert!(village.lit(0) && village.count(refused(Refusal::Undated)) == 1);
}

#[test]
fn clocks_that_contradict_each_other_open_nothing_until_they_agree() {
    let mut village = Village::new(traits(CreditAt::Cloud), 1, 1_000_000, 39);
    village.run_until(HOUR / 2);
    // The site's clock has been set back by an hour: an order decided now lies ahead.
    let wrong = unix_ms(village.now) - 3_600_000;
    village.with_dcu(|dcu, now| dcu.handle_clock(now, wrong));
    order_open(&mut village, 900, Some(unix_ms(HOUR / 4)));
    village.run_for(5 * MINUTE);
    assert!(village.lit(0) && village.count(refused(Refusal::Clock)) == 1);
    let right = unix_ms(village.now);
    village.with_dcu(|dcu, now| dcu.handle_clock(now, right));
    village.run_for(5 * MINUTE);
    assert!(!village.lit(0));
}

#[test]
fn the_cloud_renews_an_order_that_waits_on_newer_readings_or_takes_it_back() {
    let mut config = DcuConfig::new(traits(CreditAt::Cloud), tariff());
    // Whatever a cloud says is too old until it rests on the very last reading.
    config.relays.evidence_age_max_s = 60;
    let mut village = Village::with(config, 2, 1_500, 40);
    village.run_until(3 * HOUR);
    village.link(false);
    village.run_until(5 * HOUR + HOUR / 2);
    village.link(true);
    // Both owe by now. One of them pays while its order is refused.
    village.run_for(MINUTE / 2);
    village.pay_phone("T1", 1, 90_000);
    village.run_for(HOUR / 2);
    let renewed = village.journal().iter().filter(|record| matches!(record.entry, Entry::OrderDated { .. })).count();
    assert!(!village.lit(0) && village.lit(1), "{renewed}");
    for (_, order) in orders(&village).into_iter().filter(|(_, order)| order.relay == Relay::Open) {
        assert!(order.reading_age_s.is_some_and(|age| age <= 60), "{order:?}");
    }
}

#[test]
fn a_payment_that_the_cloud_has_not_heard_of_keeps_the_light_on() {
    let traits = Traits { local_vending: true, ..traits(CreditAt::Cloud) };
    let mut village = Village::new(traits, 1, 1_000_000, 41);
    village.run_until(HOUR / 2);
    village.link(false);
    village.pay_agent("R1", 0, 50_000);
    village.run_for(MINUTE);
    // The cloud's order was on its way when the customer paid the agent.
    let decided_unix_ms = unix_ms(village.now) - 120_000;
    let basis = Some(Basis { data_unix_ms: decided_unix_ms, decided_unix_ms });
    let mut frame = Vec::new();
    let body = Down::RelayOrder { order: 900, meter: MeterIx(0), closed: false, basis };
    DownFrame { sequence: 900, body }.encode(&mut frame);
    village.with_dcu(|dcu, now| dcu.handle_uplink_receive(now, &frame));
    village.run_for(5 * MINUTE);
    assert!(village.lit(0) && village.count(opened_by_cloud) == 0);
    assert_eq!(village.count(refused(Refusal::Data)), 1);
}

/// Prices flap, so that the relay opens and closes as often as it may; then the customer pays.
fn paid_after_flapping(config: DcuConfig) -> u64 {
    let mut village = Village::with(config, 1, 500, 35);
    village.run_until(3 * HOUR);
    assert!(!village.lit(0));
    for n in 0..24 {
        village.change_prices(Tariff { grace_minor: if n % 2 == 0 { 100_000 } else { 0 }, ..tariff() });
        village.run_for(6 * MINUTE);
        if n > 12 && !village.lit(0) {
            break;
        }
    }
    assert!(!village.lit(0));
    let paid = village.now;
    village.pay_agent("R1", 0, 500_000);
    village.run_for(MINUTE);
    while !village.lit(0) {
        village.run_for(MINUTE);
    }
    (village.now - paid) / MINUTE
}

#[test]
fn a_closing_that_is_paid_for_waits_for_no_limit() {
    let mut config = DcuConfig::new(traits(CreditAt::Dcu), tariff());
    config.relays.openings_per_meter_hour = 4;
    config.relays.closings_per_meter_hour = 1;
    assert_eq!(paid_after_flapping(config), 1);
}

#[test]
fn a_contactor_that_opens_of_itself_has_rest_and_somebody_is_told() {
    let mut config = DcuConfig::new(traits(CreditAt::Dcu), tariff());
    config.relays.closings_per_meter_hour = 5;
    let mut village = Village::with(config, 1, 1_000_000, 42);
    village.run_until(HOUR / 2);
    for _ in 0..40 {
        village.meters[0].closed = false;
        village.heard(0);
        village.run_for(MINUTE);
    }
    let closings = orders(&village).iter().filter(|(_, order)| order.relay == Relay::Closed).count();
    assert!((6..=7).contains(&closings), "{closings} closings in forty minutes");
    let alarm = |e: &DcuEvent| matches!(e, DcuEvent::Alarm { code: AlarmCode::TooManyOrders, .. });
    assert!(village.count(alarm) > 0 && village.count(held(Held::Reclosed)) > 0);
    // Who pays gets light all the same.
    assert!(!village.lit(0));
    village.pay_agent("R1", 0, 5_000);
    village.run_for(MINUTE);
    assert!(village.lit(0));
}

#[test]
fn a_journal_with_a_gap_cuts_nobody_off_until_an_operator_has_looked() {
    let titles = |village: &Village| -> Vec<[u8; 8]> {
        let taken = village.journal().iter().filter_map(|record| match record.entry {
            Entry::TitleTaken { title } => Some(title),
            _ => None,
        });
        taken.collect()
    };
    let mut village = Village::new(traits(CreditAt::Dcu), 3, 2_500, 31);
    village.with_dcu(|dcu, now| dcu.doubt_journal(now, 2, Some(7)));
    // The driver says so at every boot, as long as the store does; it counts once.
    village.with_dcu(|dcu, now| dcu.doubt_journal(now, 2, Some(7)));
    village.run_until(HOUR);
    village.cut();
    village.boot();
    village.run_until(5 * HOUR);
    assert!((0..3).all(|meter| village.lit(meter)), "they owe, as far as the DCU knows");
    assert!(village.when(0, held(Held::Doubt)).is_some());
    let doubted = village.journal().iter().filter(|record| matches!(record.entry, Entry::JournalDoubted { .. }));
    assert_eq!(doubted.count(), 1);
    let titles = titles(&village);
    assert!(titles.len() == 2 && titles[0] != titles[1], "counters may have been used: {titles:?}");
    village.with_dcu(taa_dcu::Dcu::end_doubt);
    village.run_for(HOUR);
    assert!((0..3).all(|meter| !village.lit(meter)));
}

/// A site that keeps the accounts and fetches its payments; `unread`: its relay has been silent for so long when the reading
/// comes that uses up the credit.
fn fetching(on_link_loss: OnLinkLoss, silence: u64) -> Village {
    let traits = Traits { on_link_loss, ..traits(CreditAt::Dcu) };
    let mut config = DcuConfig::new(traits, tariff());
    config.fetch = Some(FetchConfig::new("site", Secret::new(b"a site's key of 32 bytes or more.")));
    config.intake_silence_s = 100 * 3600;
    let mut village = Village::with(config, 1, 2_500, 43);
    village.run_until(4 * HOUR - silence);
    village.relay_answers = false;
    village.run_until(6 * HOUR);
    village
}

#[test]
fn the_age_of_the_last_word_on_payments_is_the_relays_where_the_site_fetches() {
    for on_link_loss in [OnLinkLoss::Hold, OnLinkLoss::Open] {
        let village = fetching(on_link_loss, 80 * MINUTE);
        let opened = orders(&village).into_iter().find(|(_, order)| order.relay == Relay::Open);
        let (at, order) = opened.expect("it owes");
        let heard_s = (at - (4 * HOUR - 80 * MINUTE)) / S;
        let age_s = u64::from(order.payments_age_s.expect("the relay was heard"));
        assert!((heard_s..heard_s + 310).contains(&age_s), "{age_s} s, not {heard_s} s and up to a question more");
    }
}

#[test]
fn a_boot_is_no_word_on_payments() {
    // The relay is never heard after the restart; nothing that this DCU could see tells of payments.
    let mut village = fetching(OnLinkLoss::Open, 80 * MINUTE);
    assert!(!village.lit(0));
    village.cut();
    village.boot();
    village.pay_agent("R1", 0, 3_000);
    village.run_for(4 * HOUR);
    let after = orders(&village).into_iter().skip(1).map(|(_, order)| (order.relay, order.payments_age_s));
    assert_eq!(after.collect::<Vec<_>>(), [(Relay::Closed, None), (Relay::Open, None)]);
}

/// An order of the cloud that a site had when it was restarted, and then no link: the restart itself tells nothing new.
#[test]
fn a_restart_is_no_word_of_the_cloud() {
    let mut village = Village::new(traits(CreditAt::Cloud), 1, 1_000_000, 44);
    village.run_until(HOUR / 2);
    village.meters[0].deaf = true;
    let data = unix_ms(village.now);
    order_open(&mut village, 900, Some(data));
    village.run_for(MINUTE);
    village.cut();
    village.link(false);
    village.boot();
    village.meters[0].deaf = false;
    village.heard(0);
    village.run_for(HOUR);
    assert!(village.lit(0) && village.when(HOUR / 2, held(Held::Cloud)).is_some(), "not heard in this boot");
    // As soon as it is heard, its order is carried out.
    village.link(true);
    village.run_for(5 * MINUTE);
    assert!(!village.lit(0));
}

/// Where a lost link opens all relays, patience begins anew with a boot: no restart by itself cuts anybody off.
#[test]
fn a_restart_opens_nobodys_relay_for_a_silence_that_it_has_not_lived_through() {
    let traits = Traits { on_link_loss: OnLinkLoss::Open, ..traits(CreditAt::Cloud) };
    let mut config = DcuConfig::new(traits, tariff());
    config.stale_limit_s = 3600;
    let mut village = Village::with(config, 1, 1_000_000, 45);
    village.run_until(HOUR / 2);
    village.link(false);
    village.run_for(HOUR / 2);
    village.cut();
    village.boot();
    let booted = village.now;
    village.run_for(HOUR - 5 * MINUTE);
    assert!(village.lit(0));
    village.run_for(15 * MINUTE);
    assert!(!village.lit(0));
    assert!(village.when(booted + HOUR, |e| *e == DcuEvent::LinkStale(true)).is_some());
}
