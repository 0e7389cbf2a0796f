//! Credit that comes by keypad: once, in any order, and only where there is a keypad and power.

mod common;

use common::*;
use taa_meter::{Keyed, MeterConfig, Number, RelayWhy};

fn number(sequence: u32, amount_minor: i64) -> Number {
    Number { vendor: 0, sequence, amount_minor }
}

fn keypad() -> MeterConfig {
    MeterConfig { keypad: true, ..prepaid() }
}

#[test]
fn a_number_brings_the_light_back_and_counts_once() {
    let mut meter = energised(MeterConfig { opening_credit_minor: 50, ..keypad() });
    meter.set_load(0, 1_000_000);
    meter.advance(H);
    assert!(!meter.lit());
    assert_eq!(meter.handle_keypad(2 * H, number(1, 100)), Keyed::Accepted);
    assert!(meter.lit());
    assert_eq!(relay_events(&mut meter), [(H / 2, false, RelayWhy::Credit), (2 * H, true, RelayWhy::Credit)]);
    assert_eq!((meter.credit_total_minor(), meter.credit_balance_minor()), (150, 100));
    // Typed again, and one that overtook another.
    assert_eq!(meter.handle_keypad(2 * H, number(1, 100)), Keyed::Replayed);
    assert_eq!(meter.handle_keypad(2 * H, number(3, 30)), Keyed::Accepted);
    assert_eq!(meter.handle_keypad(2 * H, number(2, 20)), Keyed::Accepted);
    assert_eq!(meter.handle_keypad(2 * H, number(2, 20)), Keyed::Replayed);
    assert_eq!(meter.credit_total_minor(), 200);
}

#[test]
fn without_keypad_power_or_sense_nothing_is_loaded() {
    let mut without = energised(prepaid());
    assert_eq!(without.handle_keypad(0, number(1, 100)), Keyed::NoKeypad);
    let mut cloud = energised(MeterConfig { keypad: true, credit_at_meter: false, ..config() });
    assert_eq!(cloud.handle_keypad(0, number(1, 100)), Keyed::NoKeypad);
    let mut meter = energised(keypad());
    meter.handle_power(S, false);
    assert_eq!(meter.handle_keypad(2 * S, number(1, 100)), Keyed::NoPower);
    meter.handle_power(3 * S, true);
    assert_eq!(meter.handle_keypad(4 * S, number(0, 100)), Keyed::Refused);
    assert_eq!(meter.handle_keypad(4 * S, number(1, -5)), Keyed::Refused);
    assert_eq!(meter.handle_keypad(4 * S, Number { vendor: 9, ..number(1, 5) }), Keyed::Refused);
    assert_eq!(meter.handle_keypad(4 * S, number(1, 100)), Keyed::Accepted, "a refusal uses nothing up");
    assert_eq!(meter.credit_total_minor(), 100);
}

#[test]
fn an_old_total_from_the_concentrator_takes_no_typed_credit_back() {
    let mut meter = energised(keypad());
    assert_eq!(meter.handle_keypad(0, number(1, 500)), Keyed::Accepted);
    let mut client = client_of(&mut meter, S);
    client.write(S, TOTAL, &taa_dlms::Value::I64(0)).unwrap();
    assert_eq!(run(&mut client, &mut meter, S), [Told::Done]);
    assert_eq!(meter.credit_total_minor(), 500);
}
