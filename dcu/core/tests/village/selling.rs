//! Stories about tokens that are sold at the site and entered over the mesh: by the gateway while the meter listens, by
//! hand with the same digits when it does not.

use taa_dcu::{
    DcuEvent, MeterIx,
    config::{
        By, CreditAt, DcuConfig, DeliveryPolicy, MeterAccess, MeterEntry, Step, StsMeter, Tariff, VendingConfig, Way,
    },
    uplink::{Down, DownFrame},
    vending::{Fate, LeaseNote, Seen},
};
use taa_tokens::sts::TariffIndex;

use crate::{
    slot::{self, Slot},
    village::{HOUR, S, START_UNIX_S, Village, keys_of, tariff, traits},
};

const TEXT: Way = Way::Keypad { by: By::Text };

/// One meter with gateway and keypad that counts money; energy costs nothing, so that credit only rises.
fn village(mute: bool) -> Village {
    let key = slot::key(0);
    let sts = StsMeter {
        pan: key.meter,
        key: key.key,
        generation: key.generation,
        algorithm: key.algorithm,
        in_money: true,
        keypad: true,
        gateway: true,
        ble: false,
        phone: Some("+255".into()),
    };
    let entry = MeterEntry {
        id: format!("TAA{:013}", 0),
        account: "A0".into(),
        access: MeterAccess::Keys(keys_of(0)),
        opening_balance_minor: 0,
        sts: Some(sts),
    };
    let gateway = Step { reachable_s: Some(7200), ..Step::new(Way::Gateway, 300) };
    let policy = DeliveryPolicy { steps: vec![gateway, Step::new(TEXT, 1800)], again_s: 3600 };
    let prices = Tariff { energy_price_per_kwh_minor: 0, ..tariff() };
    let mut config = DcuConfig::new(traits(CreditAt::Meter), prices);
    config.traits.keypad = true;
    config.vending = Some(VendingConfig { policy, ..VendingConfig::default() });
    let mut village = Village::of(config, vec![entry], 9);
    let mut slot = Slot::new(0);
    slot.mute = mute;
    village.meters[0].with_slot(slot);
    village.run_until(HOUR);
    let holder = village.state().system_title().unwrap();
    let from = START_UNIX_S / 60;
    let lease = LeaseNote { id: 1, from, to: from + 90 * 1440, every: 2, phase: 1, holder };
    let mut frame = Vec::new();
    DownFrame { sequence: 1, body: Down::Lease(lease) }.encode(&mut frame);
    village.with_dcu(|dcu, now| dcu.handle_uplink_receive(now, &frame));
    village
}

fn texts(village: &Village) -> Vec<[u8; 20]> {
    let texts = village.events.iter().filter_map(|(_, event)| match event {
        DcuEvent::TokenIssued { token, .. } => Some(token.0),
        _ => None,
    });
    texts.collect()
}

fn settled(village: &Village) -> Vec<Fate> {
    let fates = village.events.iter().filter_map(|(_, event)| match event {
        DcuEvent::TokenSettled { fate, .. } => Some(*fate),
        _ => None,
    });
    fates.collect()
}

fn type_in(village: &mut Village, digits: &[u8; 20]) -> i64 {
    let slot = village.meters[0].slot.as_mut().unwrap();
    let credit = slot.type_in(std::str::from_utf8(digits).unwrap());
    village.meters[0].credit_total += credit;
    credit
}

#[test]
fn a_paid_token_goes_through_the_gateway_and_is_seen_to_count() {
    let mut village = village(false);
    village.pay_agent("R1", 0, 15);
    village.run_for(60 * S);
    assert_eq!(village.meters[0].slot.as_ref().unwrap().loaded_u, 15_000);
    assert_eq!(settled(&village), [Fate::Entered { seen: Seen::Gateway }]);
    assert_eq!(texts(&village).len(), 0, "nobody has to type");
}

/// The meter takes the token and its answer never comes; the customer gets the same digits by text, and types them too.
#[test]
fn the_same_digits_by_both_ways_count_once() {
    for mute in [false, true] {
        let mut village = village(mute);
        village.meters[0].spoil = Some(|_, answer| answer.clear());
        village.pay_agent("R1", 0, 15);
        village.run_for(HOUR);
        let [digits] = texts(&village)[..] else { panic!("{:?}", texts(&village).len()) };
        let taken = village.meters[0].slot.as_ref().unwrap().loaded_u;
        let typed = type_in(&mut village, &digits);
        assert_eq!(taken / 1000 + typed, 15);
        village.meters[0].spoil = None;
        village.run_for(6 * HOUR);
        assert_eq!(village.meters[0].slot.as_ref().unwrap().loaded_u, 15_000, "once");
        assert!(matches!(settled(&village)[..], [Fate::Entered { seen: Seen::UsedBefore | Seen::Gateway }]));
    }
}

/// The digits go by text at once, and the gateway is asked again once an hour, not again and again.
#[test]
fn a_gateway_that_refuses_is_left_for_the_text_and_asked_now_and_then() {
    let mut village = village(false);
    village.meters[0].slot.as_mut().unwrap().broken = true;
    village.pay_agent("R1", 0, 15);
    village.run_for(12 * HOUR);
    let [digits] = texts(&village)[..] else { panic!("{:?}", texts(&village).len()) };
    let calls = village.meters[0].slot.as_ref().unwrap().calls;
    assert!((2..=20).contains(&calls), "{calls} calls");
    assert!(settled(&village).is_empty());
    // Repaired: the first call that is taken carries the token, typed or not, once.
    village.meters[0].slot.as_mut().unwrap().broken = false;
    let typed = type_in(&mut village, &digits);
    village.run_for(3 * HOUR);
    assert_eq!((typed, village.meters[0].slot.as_ref().unwrap().loaded_u), (15, 15_000));
    assert_eq!(settled(&village).len(), 1);
}

#[test]
fn a_token_that_was_typed_in_is_seen_by_the_credit_it_brought() {
    let mut village = village(false);
    // Not on the mesh for hours: by text.
    village.power(0, false);
    village.run_for(4 * HOUR);
    village.pay_agent("R1", 0, 15);
    village.run_for(60 * S);
    let [digits] = texts(&village)[..] else { panic!("{:?}", settled(&village)) };
    village.power(0, true);
    village.heard(0);
    // The first reading is the base; the token comes in after it, by hand.
    village.run_for(2 * HOUR);
    if settled(&village).is_empty() {
        type_in(&mut village, &digits);
        village.run_for(2 * HOUR);
    }
    let [Fate::Entered { seen }] = settled(&village)[..] else { panic!("{:?}", settled(&village)) };
    assert!(matches!(seen, Seen::Credit | Seen::UsedBefore | Seen::Gateway), "{seen:?}");
    assert_eq!(village.meters[0].slot.as_ref().unwrap().loaded_u, 15_000);
}

#[test]
fn a_key_change_goes_before_the_tokens_under_its_key() {
    let mut village = village(false);
    village.run_for(2 * HOUR);
    let mut to = slot::key(0).key;
    to.ti = TariffIndex::new(2).unwrap();
    village.with_dcu(|dcu, now| assert!(dcu.key_change(now, MeterIx(0), &to).is_ok()));
    village.pay_agent("R1", 0, 9);
    village.run_for(HOUR);
    assert_eq!(village.meters[0].slot.as_ref().unwrap().loaded_u, 9_000);
    let desk = village.state().desk().meter(MeterIx(0)).unwrap();
    assert_eq!((desk.key().unwrap().ti, desk.changing()), (2, None));
    assert_eq!(settled(&village).len(), 2);
}

/// Meters without a decoder whose credit goes over DLMS, under this policy.
fn by_credit(steps: Vec<Step>) -> Village {
    let mut config = DcuConfig::new(traits(CreditAt::Meter), tariff());
    config.vending =
        Some(VendingConfig { policy: DeliveryPolicy { steps, again_s: 3600 }, ..VendingConfig::default() });
    let mut village = Village::with(config, 1, 0, 51);
    village.run_until(HOUR / 2);
    village.pay_agent("R1", 0, 9_000);
    village.run_for(120 * S);
    village
}

#[test]
fn credit_over_dlms_goes_as_the_policy_says() {
    assert_eq!(by_credit(vec![Step::new(Way::Dlms, 0)]).meters[0].credit_total, 9_000);
    // No step of that way: nothing of it is written, and nothing is lost.
    let village = by_credit(vec![Step::new(TEXT, 0)]);
    assert_eq!(village.meters[0].credit_total, 0);
    assert_eq!(village.state().book().balance_minor(0), 9_000);
    // So much at once and no more.
    let village = by_credit(vec![Step { amount_max_minor: Some(4_000), ..Step::new(Way::Dlms, 0) }]);
    assert_eq!(village.meters[0].credit_total, 9_000);
    let written = |e: &DcuEvent| match e {
        DcuEvent::CreditDelivered { total_minor, .. } => Some(*total_minor),
        _ => None,
    };
    let totals: Vec<i64> = village.events.iter().filter_map(|(_, event)| written(event)).collect();
    assert_eq!(totals, [4_000, 8_000, 9_000]);
}

#[test]
fn credit_waits_for_a_meter_that_has_to_answer_first() {
    let mut config = DcuConfig::new(traits(CreditAt::Meter), tariff());
    let steps = vec![Step { reachable_s: Some(600), ..Step::new(Way::Dlms, 0) }];
    config.vending =
        Some(VendingConfig { policy: DeliveryPolicy { steps, again_s: 3600 }, ..VendingConfig::default() });
    let mut village = Village::with(config, 1, 0, 52);
    village.run_until(HOUR / 2);
    village.meters[0].deaf = true;
    village.run_for(HOUR);
    village.pay_agent("R1", 0, 9_000);
    village.run_for(120 * S);
    assert_eq!(village.meters[0].credit_total, 0);
    village.meters[0].deaf = false;
    village.heard(0);
    village.run_for(120 * S);
    assert_eq!(village.meters[0].credit_total, 9_000);
}
