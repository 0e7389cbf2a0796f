//! Stories about credit that comes by hand: who counts the numbers, and that nothing is delivered over the mesh.

use taa_dcu::{
    MeterIx,
    cloud::{Cloud, CloudConfig, CloudEvent, CloudOutput},
    config::{CreditAt, MeterAccess, MeterEntry, Traits},
    payment::{Channel, Payment, Provider},
};

use crate::village::{HOUR, S, Village, tariff, traits};

fn entry(name: &str) -> MeterEntry {
    MeterEntry {
        id: format!("meter-{name}"),
        account: name.to_owned(),
        access: MeterAccess::Open,
        opening_balance_minor: 1_000,
        sts: None,
    }
}

fn payment(key: &str, account: &str, amount_minor: i64) -> Payment {
    Payment::new(Provider::Simulated, key, account, amount_minor, Channel::Phone, 0)
}

fn events(cloud: &mut Cloud) -> (Vec<CloudEvent>, usize) {
    let (mut events, mut frames) = (Vec::new(), 0);
    loop {
        match cloud.poll_output() {
            CloudOutput::Event(event) => events.push(event),
            CloudOutput::Downlink(_) => frames += 1,
            CloudOutput::Timeout(_) => return (events, frames),
        }
    }
}

#[test]
fn the_cloud_counts_the_numbers_of_each_meter_and_sends_nothing_down() {
    let keypad = Traits { keypad: true, ..traits(CreditAt::Meter) };
    let vends = Traits { local_vending: false, ..keypad };
    let mut cloud = Cloud::new(CloudConfig::new(vends, tariff()), &[entry("anna"), entry("ben")]);
    cloud.handle_link(0, taa_dcu::LinkState::Up);
    for (key, account, amount) in
        [("T1", "anna", 500), ("T2", "ben", 700), ("T3", "anna", 200), ("T1", "anna", 500), ("T3", "anna", 999)]
    {
        cloud.handle_payment(S, payment(key, account, amount));
    }
    let (events, frames) = events(&mut cloud);
    assert_eq!(frames, 0, "neither DCU nor mesh is on the way");
    let credited: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            CloudEvent::Credited { meter, key, amount_minor, .. } => Some((meter.0, key.as_str(), *amount_minor)),
            _ => None,
        })
        .collect();
    assert_eq!(credited, [(0, "T1", 500), (1, "T2", 700), (0, "T3", 200)]);
    assert!(events.contains(&CloudEvent::Duplicate { key: "T1".to_owned() }), "told twice, credited once");
    assert!(events.contains(&CloudEvent::Conflict { key: "T3".to_owned() }));
    let credits = |account| cloud.book().account(account).map(taa_dcu::billing::Account::credits);
    assert_eq!((credits(0), credits(1)), (Some(2), Some(1)), "the sequence of the last number");
}

#[test]
fn without_a_keypad_or_with_vending_at_the_site_the_cloud_passes_payments_on() {
    for traits in [
        Traits { keypad: false, ..traits(CreditAt::Meter) },
        Traits { keypad: true, local_vending: true, ..traits(CreditAt::Meter) },
    ] {
        let mut cloud = Cloud::new(CloudConfig::new(traits, tariff()), &[entry("anna")]);
        cloud.handle_link(0, taa_dcu::LinkState::Up);
        cloud.handle_payment(S, payment("T1", "anna", 500));
        let (events, frames) = events(&mut cloud);
        assert!(frames == 1 && events.is_empty(), "{traits:?}");
    }
}

#[test]
fn the_dcu_writes_prices_and_no_credit_into_a_meter_with_a_keypad() {
    let story = |keypad: bool| {
        let mut config = taa_dcu::config::DcuConfig::new(traits(CreditAt::Meter), tariff());
        config.traits.keypad = keypad;
        config.traits.local_vending = true;
        let mut village = Village::with(config, 2, 2_500, 3);
        village.run_until(2 * HOUR);
        village.pay_agent("R1", 0, 5_000);
        village.run_until(4 * HOUR);
        assert_eq!(village.state().book().account(0).map(taa_dcu::billing::Account::credits), Some(1));
        let delivered = village.state().meter(MeterIx(0)).map(|m| m.credit_delivered_minor);
        (village.meters[0].credit_total, village.meters[0].price_per_kwh, delivered)
    };
    let price = tariff().energy_price_per_kwh_minor;
    assert_eq!(story(false), (7_500, price, Some(7_500)));
    assert_eq!(story(true), (0, price, Some(0)), "it comes by hand");
}
