//! Stories about classes of customers: each under its own tariff, and a change of it is an entry.

use std::collections::BTreeMap;

use taa_dcu::{
    DcuEvent, MeterIx,
    billing::{ClassRefusal, TariffRefusal},
    config::{
        Classes, CreditAt, DcuConfig, Tariff,
        tariff::{Block, Demand},
    },
    uplink::{Down, DownFrame},
};

use crate::village::{HOUR, S, Village, tariff, traits};

/// Account A1 is a business, at a fifth of the price.
fn classes() -> Classes {
    let business =
        Tariff { class: "business".into(), id: "shops".into(), energy_price_per_kwh_minor: 2_000, ..tariff() };
    Classes { tariffs: vec![business], accounts: BTreeMap::from([("A1".to_owned(), "business".to_owned())]) }
}

fn village(credit_at: CreditAt, seed: u64) -> Village {
    let config = DcuConfig { classes: classes(), ..DcuConfig::new(traits(credit_at), tariff()) };
    Village::with(config, 3, 100_000, seed)
}

/// What entries of this kind say, by account.
fn leaves(village: &Village, what: &str) -> Vec<(Option<String>, String)> {
    let records = village.leaves.iter().filter_map(|leaf| taa_ledger::Record::from_bytes(&leaf.bytes).ok());
    records.filter(|record| record.what == what).map(|record| (record.account, record.rule)).collect()
}

#[test]
fn households_and_businesses_pay_by_their_own_tariffs_and_statements_name_them() {
    let mut village = village(CreditAt::Dcu, 81);
    village.run_until(30 * HOUR);
    let spent = |ix: u32| 100_000 - village.state().book().balance_minor(ix);
    assert!(spent(0) > 28_000 && (spent(0) - 5 * spent(1)).abs() <= 50, "{} and {}", spent(0), spent(1));
    assert_eq!(leaves(&village, "account.tariff_changed"), [(Some("A1".into()), "tariff/shops#prices".into())]);
    let statements = leaves(&village, "statement.day");
    assert!(statements.contains(&(Some("A1".into()), "tariff/shops#energy-and-fee".into())), "{statements:?}");
    let of_shops = statements.iter().filter(|(_, rule)| rule.starts_with("tariff/shops")).count();
    assert_eq!(of_shops * 3, statements.len());
    assert_eq!(&village.refold(), village.state());
}

#[test]
fn a_class_ordered_by_the_cloud_holds_after_a_cut_and_an_old_order_changes_nothing() {
    let mut village = village(CreditAt::Dcu, 82);
    village.run_until(6 * HOUR);
    assert_eq!(village.with_cloud(|cloud, now| cloud.classify(now, 0, "palace")), Err(ClassRefusal::Class));
    village.with_cloud(|cloud, now| cloud.classify(now, 0, "business")).unwrap();
    village.with_cloud(|cloud, now| cloud.classify(now, 1, "")).unwrap();
    village.run_for(60 * S);
    assert_eq!((village.state().book().class_of(0), village.state().book().class_of(1)), ("business", ""));
    village.cut();
    village.boot();
    village.run_for(60 * S);
    // The first order, once more, after a later one.
    village.with_cloud(|cloud, now| cloud.classify(now, 0, "")).unwrap();
    village.run_for(60 * S);
    let mut frame = Vec::new();
    let class = "business".to_owned();
    DownFrame { sequence: 777, body: Down::Classify { change: 1, account: 0, class } }.encode(&mut frame);
    village.with_dcu(|dcu, now| dcu.handle_uplink_receive(now, &frame));
    village.run_for(60 * S);
    assert_eq!(village.state().book().class_of(0), "");
    assert_eq!(village.count(|e| matches!(e, DcuEvent::Classed { .. })), 3);
    assert_eq!(leaves(&village, "account.tariff_changed").len(), 4);
    assert!(leaves(&village, "statement.part").len() >= 3, "what was used before is stated under the old prices");
    village.run_until(30 * HOUR);
    assert_eq!(&village.refold(), village.state());
}

#[test]
fn a_configuration_that_changes_later_prices_nothing_anew() {
    let mut village = village(CreditAt::Dcu, 83);
    village.run_until(6 * HOUR);
    village.cut();
    village.config.classes.tariffs[0].energy_price_per_kwh_minor = 9_999;
    village.config.classes.accounts.clear();
    village.boot();
    village.run_for(HOUR);
    assert_eq!(village.state().book().tariff_of(1).energy_price_per_kwh_minor, 2_000);
}

#[test]
fn meters_that_keep_the_credit_are_given_the_price_of_their_account() {
    let mut village = village(CreditAt::Meter, 84);
    village.run_until(2 * HOUR);
    village.pay_agent("K0", 0, 1_000);
    village.pay_agent("K1", 1, 1_000);
    village.run_for(HOUR);
    let block = Block { up_to_kwh: 5, price_per_kwh_minor: 1 };
    let stepped = Tariff { class: "school".into(), blocks: vec![block], ..tariff() };
    village.with_cloud(|cloud, now| cloud.handle_tariff(now, stepped));
    let told = |(_, e): &&(u64, taa_dcu::cloud::CloudEvent)| {
        *e == taa_dcu::cloud::CloudEvent::TariffRefused(TariffRefusal::NeedsFlatPrice)
    };
    assert_eq!(village.cloud_events.iter().filter(told).count(), 1);
    let prices = |village: &Village| village.state().book().tariff_of(1).energy_price_per_kwh_minor;
    assert_eq!(
        (prices(&village), village.meters[1].price_per_kwh, village.meters[0].price_per_kwh),
        (2_000, 2_000, 10_000)
    );
    village.with_dcu(|dcu, now| assert_eq!(dcu.classify(now, MeterIx(1), ""), Ok(())));
    assert_eq!(prices(&village), 10_000);
}

#[test]
fn the_months_power_is_an_entry_and_what_the_profile_tells_later_another() {
    let demand = Some(Demand { price_per_kw_month_minor: 500_000, window_min: 60 });
    let config = DcuConfig::new(traits(CreditAt::Dcu), Tariff { id: "power".into(), demand, ..tariff() });
    let mut village = Village::with(config, 2, 100_000_000, 85);
    village.run_until(3 * HOUR);
    // Nothing is heard of the meters for some hours, in one of which there is a load ten times as high.
    village.loss = 100;
    village.run_for(3 * HOUR);
    village.meters[0].advance(village.now);
    village.meters[0].load_w = 1_000;
    village.run_for(HOUR);
    village.meters[0].advance(village.now);
    village.meters[0].load_w = 100;
    village.run_for(3 * HOUR);
    village.loss = 0;
    village.run_for(3 * HOUR);
    let month = |village: &Village| {
        let at = taa_dcu::config::LocalTime::new(village.state().book().account(0).unwrap().read_unix_ms().unwrap(), 0);
        village.state().book().account(0).unwrap().peak(at.month()).unwrap()
    };
    let peak = month(&village);
    assert!(peak.mw > 700_000, "the profile's hours split the gap: {peak:?}");
    let other = village.state().book().account(1).unwrap().peak(peak.month).unwrap();
    assert!((99_000..=101_000).contains(&other.mw), "{other:?}");
    // The month ends (all of it passes without a word from the meters).
    village.meters.iter_mut().for_each(|meter| meter.load_w = 0);
    village.loss = 100;
    village.run_for(40 * 24 * HOUR);
    let charged = leaves(&village, "demand.charged");
    assert_eq!(charged.len(), 2, "{charged:?}");
    assert_eq!(charged[0], (Some("A0".into()), "tariff/power#demand".into()));
    assert_eq!(month_charge(&village, 0), peak.minor);
    assert_eq!(&village.refold(), village.state());
}

fn month_charge(village: &Village, account: u32) -> i64 {
    let name = format!("A{account}");
    let records = village.leaves.iter().filter_map(|leaf| taa_ledger::Record::from_bytes(&leaf.bytes).ok());
    let charges = records.filter(|r| r.what.starts_with("demand.") && r.account.as_ref() == Some(&name));
    charges.filter_map(|r| r.amount).map(|money| -money.minor).sum()
}
