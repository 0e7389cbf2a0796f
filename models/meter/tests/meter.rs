//! The meter as its two sides see it: as a load and a switch, and as bytes.

mod common;

use common::*;
use taa_dlms::client::{Associated, Auth, Client, ClientConfig, ReadResult};
use taa_dlms::cosem::{ProfileRange, ScalerUnit, Unit, clock, data, profile, register};
use taa_dlms::{AttributeRef, DataAccessResult, Error, Value, obis};
use taa_meter::{Meter, MeterConfig, RelayWhy, status};

#[test]
fn energy_counts_only_while_the_customer_has_power() {
    let mut meter = Meter::new(config());
    meter.set_load(0, 500_000);
    meter.handle_power(H, true); // dark until now
    meter.handle_power(3 * H, false);
    meter.handle_power(4 * H, true);
    let mut client = client_of(&mut meter, 5 * H);
    client.invoke(5 * H, OPEN, None).unwrap();
    run(&mut client, &mut meter, 5 * H);
    assert!(meter.energised() && !meter.lit() && meter.power_drawn_mw() == 0);
    client.invoke(7 * H, CLOSE, None).unwrap();
    run(&mut client, &mut meter, 7 * H);
    meter.handle_fault(8 * H, true);
    assert!(!meter.lit());
    meter.advance(10 * H);
    // 1–3 h, 4–5 h, 7–8 h at 500 W.
    assert_eq!(meter.energy_wh(), 2000);
    assert_eq!(relay_events(&mut meter), [(5 * H, false, RelayWhy::Remote), (7 * H, true, RelayWhy::Remote)]);
}

#[test]
fn registers_show_value_scaler_and_unit() {
    let mut meter = energised(config());
    meter.set_load(0, 1_234_567);
    meter.set_voltage(2287);
    let mut client = client_of(&mut meter, 0);
    let power = |id| AttributeRef::new(register::CLASS, obis::ACTIVE_POWER_IMPORT, id);
    let voltage = |id| AttributeRef::new(register::CLASS, obis::VOLTAGE_L1, id);
    let name = AttributeRef::new(data::CLASS, obis::LOGICAL_DEVICE_NAME, data::VALUE);
    let got = read(&mut client, &mut meter, 2 * H, &[ENERGY, RELAY, power(2), power(3), voltage(2), voltage(3), name]);
    let unit = |result: &ReadResult| ScalerUnit::from_value(result.as_ref().unwrap()).unwrap();
    assert_eq!(got[0], Ok(Value::U64(2469)));
    assert_eq!(got[1], Ok(Value::Bool(true)));
    assert_eq!((&got[2], unit(&got[3])), (&Ok(Value::U32(1234)), ScalerUnit::new(0, Unit::Watt)));
    assert_eq!((&got[4], unit(&got[5])), (&Ok(Value::U16(2287)), ScalerUnit::new(-1, Unit::Volt)));
    assert_eq!(got[6], Ok(Value::OctetString(b"TAA0000000000042"[..].into())));
}

#[test]
fn rows_fall_on_local_hours_and_are_missing_where_power_was() {
    // UTC+5:30: the first local hour mark is half an hour after the start.
    let mut meter = energised(MeterConfig { utc_offset_s: 19_800, ..config() });
    meter.set_load(0, 1_000_000);
    meter.handle_power(2 * H, false);
    meter.handle_power(4 * H, true);
    let mut client = client_of(&mut meter, 6 * H);
    let got = rows(&mut client, &mut meter, 6 * H, ProfileRange::All);
    let at = |half_hours: i64| Some(START_UNIX_S + half_hours * 1800);
    let row = |energy, status| vec![Value::U64(energy), Value::U8(status)];
    assert_eq!(
        got,
        [(at(1), row(500, 0)), (at(3), row(1500, 0)), (at(9), row(2500, status::POWER_DOWN)), (at(11), row(3500, 0)),]
    );
}

#[test]
fn a_range_is_read_by_time_and_the_newest_by_count() {
    let mut meter = energised(config());
    meter.set_load(0, 1_000_000);
    let mut client = client_of(&mut meter, 0);
    let now = 10 * DAY + 1;
    let (from, to) = (START_UNIX_S + 86_400, START_UNIX_S + 86_400 + 5 * 3600);
    let got = rows(&mut client, &mut meter, now, ProfileRange::Between(from, to));
    let hours: Vec<i64> = got.iter().map(|(at, _)| (at.unwrap() - START_UNIX_S) / 3600).collect();
    assert_eq!(hours, [24, 25, 26, 27, 28, 29]);
    assert_eq!(got[0].1[0], Value::U64(24_000));
    let got = rows(&mut client, &mut meter, now, ProfileRange::Last(3));
    let hours: Vec<i64> = got.iter().map(|(at, _)| (at.unwrap() - START_UNIX_S) / 3600).collect();
    assert_eq!(hours, [238, 239, 240]);
    assert_eq!(rows(&mut client, &mut meter, now, ProfileRange::Between(0, 1)), []);
    assert_eq!(rows(&mut client, &mut meter, now, ProfileRange::Entries(2, 2)).len(), 1);
    // All 240 rows do not fit one message: they come in blocks.
    assert_eq!(rows(&mut client, &mut meter, now, ProfileRange::All).len(), 240);
}

#[test]
fn the_ring_keeps_the_newest_rows() {
    let mut meter = energised(MeterConfig { profile_entries: 5, ..config() });
    let mut client = client_of(&mut meter, 0);
    let attribute = |id| AttributeRef::new(profile::CLASS, obis::LOAD_PROFILE, id);
    let got = read(
        &mut client,
        &mut meter,
        20 * H,
        &[attribute(profile::ENTRIES_IN_USE), attribute(profile::PROFILE_ENTRIES), attribute(profile::CAPTURE_PERIOD)],
    );
    assert_eq!(got, [Ok(Value::U32(5)), Ok(Value::U32(5)), Ok(Value::U32(3600))]);
    let got = rows(&mut client, &mut meter, 20 * H, ProfileRange::All);
    assert_eq!(
        got.iter().map(|(at, _)| at.unwrap() - START_UNIX_S).collect::<Vec<_>>(),
        [16, 17, 18, 19, 20].map(|h| h * 3600)
    );
    let mut empty = energised(config());
    let mut client = client_of(&mut empty, 0);
    assert_eq!(rows(&mut client, &mut empty, 0, ProfileRange::Last(10)), []);
}

#[test]
fn the_clock_is_set_and_rows_follow_it() {
    let mut meter = energised(config());
    let mut client = client_of(&mut meter, 0);
    let time = AttributeRef::new(clock::CLASS, obis::CLOCK, clock::TIME);
    // Half an hour fast: the next mark comes half an hour early.
    client.write(600 * S, time, &clock::time_value(START_UNIX_S + 600 + 1800, 0)).unwrap();
    assert_eq!(run(&mut client, &mut meter, 600 * S), [Told::Done]);
    let shown = read(&mut client, &mut meter, 1200 * S, &[time]).remove(0).unwrap();
    assert_eq!(shown.date_time().unwrap().unix_s(0), Some(START_UNIX_S + 1200 + 1800));
    let got = rows(&mut client, &mut meter, 1800 * S, ProfileRange::All);
    assert_eq!(got, [(Some(START_UNIX_S + 3600), vec![Value::U64(0), Value::U8(status::CLOCK_ADJUSTED)])]);
    client.write(1800 * S, time, &Value::U8(1)).unwrap();
    let refused = run(&mut client, &mut meter, 1800 * S);
    assert_eq!(refused, [Told::Failed(taa_dlms::error::Refusal::Access(DataAccessResult::TypeUnmatched).into())]);
}

#[test]
fn power_loss_ends_the_association_and_boot_does_what_is_configured() {
    for boot_relay_open in [false, true] {
        let mut meter = energised(MeterConfig { boot_relay_open, ..config() });
        // The very first power-up is a boot as well.
        assert_eq!(meter.relay_closed(), !boot_relay_open);
        let mut client = client_of(&mut meter, 0);
        client.invoke(0, CLOSE, None).unwrap();
        run(&mut client, &mut meter, 0);
        assert!(meter.lit());
        relay_events(&mut meter);
        meter.handle_power(H, false);
        assert!(meter.relay_closed(), "the relay latches");
        client.read(H, &[ENERGY]).unwrap();
        assert!(matches!(run(&mut client, &mut meter, H)[..], [Told::Failed(Error::Transport(_))]));
        meter.handle_power(2 * H, true);
        assert_eq!(meter.lit(), !boot_relay_open);
        let expected: &[_] = if boot_relay_open { &[(2 * H, false, RelayWhy::Boot)] } else { &[] };
        assert_eq!(relay_events(&mut meter), expected);
    }
}

#[test]
fn a_meter_that_runs_already_is_not_restarted_by_the_start() {
    let meter = Meter::new(MeterConfig { energised: true, boot_relay_open: true, ..config() });
    assert!(meter.lit());
}

#[test]
fn a_client_notices_the_restart() {
    let mut meter = energised(config());
    let mut client = client_of(&mut meter, 0);
    meter.handle_power(H, false);
    meter.handle_power(H + S, true);
    client.read(2 * H, &[RELAY]).unwrap();
    let told = run(&mut client, &mut meter, 2 * H);
    assert_eq!(told, [Told::Associated(Associated::Reopened), Told::Values(vec![Ok(Value::Bool(true))])]);
}

#[test]
fn a_dead_meter_neither_answers_nor_passes_power() {
    let mut meter = energised(config());
    meter.set_load(0, 1_000_000);
    meter.handle_fault(H, true);
    assert!(meter.energised() && meter.is_dead() && !meter.lit());
    let mut client = Client::new(ClientConfig::new(Auth::password(b"correct horse")));
    client.read(H, &[ENERGY]).unwrap();
    assert!(matches!(run(&mut client, &mut meter, H)[..], [Told::Failed(Error::Transport(_))]));
    meter.handle_fault(2 * H, false);
    assert!(meter.lit());
    meter.advance(3 * H);
    assert_eq!(meter.energy_wh(), 2000);
}

#[test]
fn every_attribute_of_the_object_list_can_be_read() {
    let mut meter = energised(prepaid());
    let mut client = client_of(&mut meter, 0);
    let list = AttributeRef::new(15, obis::ASSOCIATION_LN, 2);
    let objects = read(&mut client, &mut meter, 0, &[list]).remove(0).unwrap();
    let mut count = 0;
    for object in objects.elements().unwrap() {
        let [Value::U16(class), _, name, rights] = object.elements().unwrap() else { panic!("{object:?}") };
        let name = taa_dlms::Obis(name.as_bytes().unwrap().try_into().unwrap());
        for attribute in rights.elements().unwrap()[0].elements().unwrap() {
            let [Value::I8(id), Value::Enum(access), _] = attribute.elements().unwrap() else {
                panic!("{attribute:?}")
            };
            assert_ne!(*access, 0);
            let got = read(&mut client, &mut meter, 0, &[AttributeRef::new(*class, name, *id)]);
            assert!(got[0].is_ok(), "{class}/{name}/{id}: {got:?}");
            count += 1;
        }
    }
    assert_eq!(objects.elements().unwrap().len(), 20);
    assert!(count > 40);
}

#[test]
fn a_tampered_meter_opens_and_refuses_to_close_until_cleared() {
    let mut meter = energised(config());
    let mut client = client_of(&mut meter, S);
    assert!(meter.handle_tamper(2 * S));
    assert!(meter.is_tampered() && !meter.lit());
    client.invoke(3 * S, CLOSE, None).unwrap();
    assert!(
        matches!(run(&mut client, &mut meter, 3 * S).first(), Some(Told::Failed(_))),
        "a tampered meter does not close"
    );
    assert!(!meter.relay_closed());
    // The latch survives a loss of power.
    meter.handle_power(4 * S, false);
    meter.handle_power(5 * S, true);
    assert!(meter.is_tampered());
    assert!(!meter.clear_tamper(6 * S), "cleared, it waits for an order");
    let mut client = client_of(&mut meter, 7 * S);
    client.invoke(8 * S, CLOSE, None).unwrap();
    run(&mut client, &mut meter, 8 * S);
    assert!(meter.relay_closed());
}

#[test]
fn with_credit_in_the_meter_clearing_closes_it_and_credit_does_not_get_round_it() {
    let mut meter = energised(MeterConfig { opening_credit_minor: 1000, ..prepaid() });
    assert!(meter.handle_tamper(S));
    meter.handle_power(2 * S, false);
    assert!(!meter.handle_tamper(3 * S), "no power, no feeling");
    meter.handle_power(4 * S, true);
    assert!(!meter.relay_closed(), "credit does not get round the latch");
    assert!(meter.clear_tamper(5 * S));
    assert!(meter.lit());
}
