//! Alarms: pushed under the meter's keys, repeated until confirmed, silent without power.

mod common;

use common::secured::*;
use common::*;
use taa_dlms::obis::alarm;
use taa_dlms::security::Channel;
use taa_dlms::{AttributeRef, MethodRef, Value, obis};
use taa_meter::{Meter, MeterConfig};

const DESCRIPTOR: AttributeRef = AttributeRef::new(1, obis::ALARM_DESCRIPTOR, 2);

/// Runs the meter to its next deadline and opens what it pushes: time, and the bits.
fn next_push(meter: &mut Meter, channel: &mut Channel) -> Option<(u64, u32)> {
    let due = meter.next_deadline()?;
    meter.handle_timeout(due);
    let frames = sent(meter);
    assert_eq!(frames.len(), 1);
    let values = opened(channel, &frames[0]).expect("the listener has the meter's keys");
    assert_eq!(values[0], Value::OctetString(obis::PUSH_ALARM.0.into()));
    assert_eq!(values[1], Value::OctetString(NAME.into()));
    let unix_s = values[2].date_time().unwrap().unix_s(0).unwrap();
    assert_eq!(unix_s - START_UNIX_S, (due / S) as i64);
    let Value::U32(bits) = values[3] else { panic!("{values:?}") };
    Some((due, bits))
}

fn confirm(meter: &mut Meter, now: u64, from: u32) {
    let mut client = client_with(&meter_keys(), from);
    client.write(now, DESCRIPTOR, &Value::U32(0)).unwrap();
    assert_eq!(run(&mut client, meter, now).pop(), Some(Told::Done));
}

#[test]
fn power_back_is_told_until_it_is_confirmed() {
    let mut meter = energised(MeterConfig { energised: true, ..keyed() });
    assert_eq!(meter.next_deadline(), None, "it ran already");
    meter.handle_power(H, false);
    assert_eq!(meter.next_deadline(), None, "without power nothing is told");
    meter.handle_power(2 * H, true);
    let mut channel = listener(&meter_keys());
    for repetition in 0..3 {
        assert_eq!(next_push(&mut meter, &mut channel), Some((2 * H + repetition * 600 * S, alarm::POWER_BACK)));
    }
    confirm(&mut meter, 3 * H, 1);
    assert_eq!((meter.alarms_pending(), meter.next_deadline()), (0, None));
}

#[test]
fn a_tampering_moves_the_relay_and_both_are_told_in_one_push() {
    let mut meter = energised(MeterConfig { energised: true, ..keyed() });
    meter.handle_tamper(S);
    let mut channel = listener(&meter_keys());
    assert_eq!(next_push(&mut meter, &mut channel), Some((S, alarm::TAMPERED | alarm::RELAY_MOVED)));
    // What happens between the push and its confirmation is not confirmed with it.
    meter.handle_clock(2 * S, 0);
    confirm(&mut meter, 2 * S, 1);
    assert_eq!(meter.alarms_pending(), alarm::CLOCK_RESET);
}

#[test]
fn credit_that_runs_out_is_told_and_an_order_from_afar_is_not() {
    let mut meter = energised(MeterConfig {
        energised: true,
        credit_at_meter: true,
        price_per_kwh_minor: 100,
        opening_credit_minor: 50,
        ..keyed()
    });
    meter.set_load(0, 1_000_000);
    meter.handle_timeout(H / 2);
    assert_eq!(meter.alarms_pending(), alarm::RELAY_MOVED | alarm::CREDIT_EXHAUSTED);
    let mut meter = energised(MeterConfig { energised: true, ..keyed() });
    let mut client = client_with(&meter_keys(), 1);
    client.invoke(0, OPEN, None).unwrap();
    run(&mut client, &mut meter, 0);
    assert!(!meter.relay_closed());
    assert_eq!(meter.alarms_pending(), 0);
}

#[test]
fn pushes_cannot_be_replayed_or_read_by_others() {
    let mut meter = energised(MeterConfig { energised: true, ..keyed() });
    meter.handle_tamper(S);
    meter.handle_timeout(S);
    let frame = sent(&mut meter).remove(0);
    let mut stranger = listener(&taa_keys::MeterKeys::derive(&site_master(), "another").unwrap());
    assert_eq!(opened(&mut stranger, &frame), None);
    let mut channel = listener(&meter_keys());
    assert!(opened(&mut channel, &frame).is_some());
    assert_eq!(opened(&mut channel, &frame), None, "the same push again");
}

#[test]
fn after_its_last_repetition_the_meter_waits_for_a_way() {
    let mut meter = energised(MeterConfig { energised: true, push_repeat_s: 1, ..keyed() });
    meter.handle_tamper(0);
    let mut pushes = 0;
    while let Some(due) = meter.next_deadline() {
        meter.handle_timeout(due);
        pushes += sent(&mut meter).len();
    }
    assert_eq!(pushes, 256, "the first and 255 repetitions");
    meter.handle_linked(H);
    assert_eq!(meter.next_deadline(), Some(H));
}

#[test]
fn filtered_alarms_are_not_told_and_a_script_pushes_when_asked() {
    let mut meter = energised(MeterConfig { energised: true, ..keyed() });
    let mut client = client_with(&meter_keys(), 1);
    let filter = AttributeRef::new(1, obis::ALARM_FILTER, 2);
    client.write(0, filter, &Value::U32(!alarm::RELAY_MOVED)).unwrap();
    run(&mut client, &mut meter, 0);
    meter.handle_tamper(S);
    assert_eq!(meter.alarms_pending(), alarm::TAMPERED);
    let register = AttributeRef::new(1, obis::ALARM_REGISTER, 2);
    assert_eq!(read(&mut client, &mut meter, S, &[register]), [Ok(Value::U32(alarm::TAMPERED))]);
    assert_eq!(next_push(&mut meter, &mut listener(&meter_keys())), Some((S, alarm::TAMPERED)));
    confirm(&mut meter, S, 1000);
    assert_eq!(meter.next_deadline(), None);
    let mut client = client_with(&meter_keys(), 2000);
    read(&mut client, &mut meter, 2 * S, &[ENERGY]);
    client.invoke(2 * S, MethodRef::new(9, obis::PUSH_SCRIPTS, 1), Some(&Value::U16(1))).unwrap();
    let mut frames = Vec::new();
    while let taa_dlms::client::Output::Transmit(frame) = client.poll_output() {
        meter.handle_receive(2 * S, frame);
        frames.extend(sent(&mut meter));
    }
    assert_eq!(frames.len(), 2, "the answer, and the push");
    assert_eq!(opened(&mut listener(&meter_keys()), &frames[1]).unwrap()[3], Value::U32(0));
}
