//! Tokens at the keypad: each counts once, in any order, and whatever is refused has its name.

mod common;

use common::vendor::*;
use common::*;
use taa_meter::{Counts, Done, Keyed, Meter, MeterConfig, RelayWhy};
use taa_tokens::sts::meter::Reason;
use taa_tokens::sts::{Amount, BaseDate, Content, FormatError, Money, Order, Service, Test, Tid};

const MONEY: Counts = Counts::Money { minor_per_unit: 100 };
/// u in a minor unit.
const U: i64 = 1000;

fn keypad() -> MeterConfig {
    MeterConfig { sts: Some(sts(MONEY)), ..prepaid() }
}

fn credited(minor: i64) -> Keyed {
    Keyed::Done(Done::Credited(minor * U))
}

#[test]
fn a_token_brings_the_light_back_and_counts_once() {
    let mut meter = energised(MeterConfig { opening_credit_minor: 50, ..keypad() });
    meter.set_load(0, 1_000_000);
    meter.advance(H);
    assert!(!meter.lit());
    // 12 minor units are held exactly by the field.
    assert_eq!(meter.handle_keypad_digits(2 * H, &money(1000, 12 * U)), credited(12));
    assert!(meter.lit());
    assert_eq!(relay_events(&mut meter), [(H / 2, false, RelayWhy::Credit), (2 * H, true, RelayWhy::Credit)]);
    assert_eq!((meter.credit_total_minor(), meter.credit_balance_minor()), (62, 12));
    // Typed again, with another one between; and one that overtook another.
    let again = |just_now| Keyed::Refused(Reason::Used { just_now });
    assert_eq!(meter.handle_keypad_digits(2 * H, &money(1000, 12 * U)), again(true));
    assert_eq!(meter.handle_keypad_digits(2 * H, &money(1002, 3 * U)), credited(3));
    assert_eq!(meter.handle_keypad_digits(2 * H, &money(1001, 2 * U)), credited(2));
    assert_eq!(meter.handle_keypad_digits(2 * H, &money(1000, 12 * U)), again(false));
    assert_eq!((meter.credit_balance_minor(), meter.credit_tokens_u()), (17, 17 * U));
}

#[test]
fn what_a_field_cannot_hold_is_kept_to_the_hundred_thousandth() {
    let mut meter = energised(keypad());
    for minute in 0..3 {
        meter.handle_keypad_digits(0, &money(1000 + minute, 50_000 * U));
    }
    let worth = i64::try_from(Money::at_least(50_000_000).unwrap().value()).unwrap();
    assert_eq!(worth, 50_002_624);
    assert_eq!((meter.credit_tokens_u(), meter.credit_total_minor()), (3 * worth, 3 * worth / U));
}

#[test]
fn whatever_is_refused_has_its_name_and_changes_nothing() {
    let mut meter = energised(keypad());
    let refused = |meter: &mut Meter, text: &str| match meter.handle_keypad_digits(0, text) {
        Keyed::Refused(reason) => reason,
        other => panic!("{other:?}"),
    };
    let good = money(1000, 12 * U);
    let mut wrong = good.clone();
    wrong.replace_range(19.., if good.ends_with('0') { "1" } else { "0" });
    assert_eq!(refused(&mut meter, &wrong), Reason::Checksum, "a digit mistyped");
    assert_eq!(refused(&mut meter, &good[..19]), Reason::Format(FormatError::Length(19)));
    assert_eq!(refused(&mut meter, "9".repeat(20).as_str()), Reason::Format(FormatError::TooLarge));
    let content = |minute| Content::Money {
        service: Service::Electricity,
        tid: Tid::from_field(minute),
        money: Money::at_least(12_000).unwrap(),
    };
    assert_eq!(refused(&mut meter, &sealed(&key(43, 1, BaseDate::Y1993), &content(1000))), Reason::Checksum);
    assert_eq!(refused(&mut meter, &sealed(&key(42, 2, BaseDate::Y1993), &content(1000))), Reason::Checksum);
    assert_eq!(refused(&mut meter, &sealed(&first(), &content(201 << 16))), Reason::KeyExpired);
    assert_eq!(refused(&mut meter, &energy(1000, 50)), Reason::Function, "it counts money");
    assert_eq!(refused(&mut meter, &money(1000, i64::from(i32::MAX) * U + 1)), Reason::Overflow);
    let water = Order::WaterFactor(3);
    assert_eq!(refused(&mut meter, &order(7, water)), Reason::Function);
    assert_eq!(meter.credit_tokens_u(), 0);
    assert_eq!(meter.handle_keypad_digits(0, &good), credited(12), "a refusal uses nothing up");
    // Fifty newer ones: what is older than all of them may have been used and forgotten.
    for minute in 2000..2050 {
        assert_eq!(meter.handle_keypad_digits(0, &money(minute, U)), credited(1));
    }
    assert_eq!(refused(&mut meter, &money(999, U)), Reason::Old);
}

#[test]
fn without_keypad_credit_or_power_there_is_nothing_to_type_on() {
    let token = money(1000, 12 * U);
    let mut without = energised(prepaid());
    assert_eq!(without.handle_keypad_digits(0, &token), Keyed::NoKeypad);
    let mut cloud = energised(MeterConfig { sts: Some(sts(MONEY)), ..config() });
    assert_eq!(cloud.handle_keypad_digits(0, &token), Keyed::NoKeypad);
    let mut gateway_only =
        energised(MeterConfig { sts: Some(taa_meter::StsConfig { keypad: false, ..sts(MONEY) }), ..prepaid() });
    assert_eq!(gateway_only.handle_keypad_digits(0, &token), Keyed::NoKeypad);
    let mut meter = energised(keypad());
    meter.handle_power(S, false);
    assert_eq!(meter.handle_keypad_digits(2 * S, &token), Keyed::NoPower);
    meter.handle_power(3 * S, true);
    assert_eq!(meter.handle_keypad_digits(4 * S, &token), credited(12));
    // The memory of what was taken outlives the next power cut.
    meter.handle_power(5 * S, false);
    meter.handle_power(6 * S, true);
    assert_eq!(meter.handle_keypad_digits(7 * S, &token), Keyed::Refused(Reason::Used { just_now: true }));
}

#[test]
fn a_number_does_not_close_a_meter_that_was_tampered_with() {
    let mut meter = energised(keypad());
    assert!(!meter.lit());
    meter.handle_tamper(0);
    assert!(meter.handle_keypad_digits(0, &money(1000, 500 * U)).is_done());
    assert!(!meter.lit());
    assert_eq!(meter.handle_keypad_digits(0, &order(1001, Order::ClearTamper(0))), Keyed::Done(Done::TamperCleared));
    assert!(meter.lit() && !meter.is_tampered());
}

#[test]
fn a_limit_opens_the_relay_for_a_pause() {
    let mut meter = energised(MeterConfig { opening_credit_minor: 100_000, ..keypad() });
    let limit = Amount::at_least(500).unwrap();
    assert_eq!(
        meter.handle_keypad_digits(0, &order(1000, Order::MaxPower(limit))),
        Keyed::Done(Done::PowerLimited(500))
    );
    meter.set_load(S, 500_000);
    assert!(meter.lit());
    meter.set_load(2 * S, 500_001);
    assert!(!meter.lit());
    assert_eq!(meter.next_deadline(), Some(302 * S));
    meter.set_load(3 * S, 100_000);
    meter.handle_timeout(302 * S);
    assert!(meter.lit());
    let moves = relay_events(&mut meter);
    assert_eq!(moves[0], (2 * S, false, RelayWhy::Limit));
    // Still too much after a pause: it opens again.
    meter.set_load(400 * S, 600_000);
    meter.advance(5000 * S);
    assert!(!meter.lit());
}

#[test]
fn credit_is_cleared_by_a_token_and_a_debt_is_not() {
    let mut meter = energised(MeterConfig { opening_credit_minor: 70, ..keypad() });
    meter.handle_keypad_digits(0, &money(1000, 12 * U));
    assert_eq!(meter.handle_keypad_digits(0, &order(1001, Order::ClearCredit(7))), Keyed::Refused(Reason::Function));
    let all = order(1002, Order::ClearCredit(0xFFFF));
    assert_eq!(meter.handle_keypad_digits(0, &all), Keyed::Done(Done::CreditCleared(82)));
    assert_eq!((meter.credit_balance_minor(), meter.lit(), meter.credit_total_minor()), (0, false, 82));
    let mut owing = energised(MeterConfig { grace_minor: 50, ..keypad() });
    owing.set_load(0, 1_000_000);
    owing.advance(H / 4);
    assert_eq!(owing.handle_keypad_digits(H / 4, &all), Keyed::Done(Done::CreditCleared(0)));
    assert_eq!(owing.credit_balance_minor(), -25);
}

#[test]
fn a_test_token_is_shown_and_can_be_repeated() {
    let mut meter = energised(keypad());
    let test = Test::Short { control: 1, maker: 0 };
    let token = sealed(&first(), &Content::Test(test));
    for _ in 0..2 {
        assert_eq!(meter.handle_keypad_digits(0, &token), Keyed::Done(Done::Shown(test)));
    }
}

#[test]
fn a_rollover_forgets_tids_keeps_the_balance_and_outlives_power_cuts() {
    let mut meter = energised(keypad());
    let old = money(1000, 12 * U);
    assert_eq!(meter.handle_keypad_digits(0, &old), credited(12));
    let to = key(42, 2, BaseDate::Y2014);
    let set = module().key_change(&first(), &to).unwrap();
    for (n, token) in set.iter().enumerate() {
        // In the midst of it the supply fails.
        meter.handle_power(H, false);
        meter.handle_power(H, true);
        let keyed = meter.handle_keypad_digits(H, &token.to_string());
        let last = Keyed::Done(Done::KeyChanged { rollover: true });
        let part = u8::try_from(n + 1).unwrap();
        assert_eq!(keyed, if part == 4 { last } else { Keyed::Done(Done::KeyPart(part, part)) });
    }
    let state = meter.sts_state().unwrap();
    assert_eq!((state.krn, state.base_date, meter.tids_remembered()), (2, BaseDate::Y2014, 0));
    assert_eq!(meter.credit_balance_minor(), 12);
    assert_eq!(meter.handle_keypad_digits(H, &old), Keyed::Refused(Reason::Checksum), "the old key opens nothing");
    let content = Content::Money {
        service: Service::Electricity,
        tid: Tid::from_field(1000),
        money: Money::at_least(5_000).unwrap(),
    };
    assert_eq!(meter.handle_keypad_digits(H, &sealed(&to, &content)), credited(5), "the same minute of a new count");
}

#[test]
fn a_meter_that_counts_energy_takes_energy() {
    let mut meter = energised(MeterConfig { sts: Some(sts(Counts::Energy)), ..prepaid() });
    assert_eq!(meter.handle_keypad_digits(0, &energy(1000, 5)), Keyed::Done(Done::Credited(500)), "half a kWh");
    assert_eq!(meter.handle_keypad_digits(0, &money(1001, 12 * U)), Keyed::Refused(Reason::Function));
    meter.set_load(0, 1_000_000);
    meter.advance(H / 2 - 1);
    assert!(meter.lit());
    meter.advance(H / 2);
    assert!(!meter.lit());
    assert_eq!(meter.energy_wh(), 500);
}
