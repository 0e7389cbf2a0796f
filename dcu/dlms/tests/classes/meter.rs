//! What the classes do, seen from a client.

use taa_dlms::apdu::ActionResult;
use taa_dlms::axdr::{BitString, Date, DateTime, Octets, Time};
use taa_dlms::cosem::model::{Effect, Hooks, TokenOutcome, prepayment_account};
use taa_dlms::cosem::*;
use taa_dlms::{AttributeRef, DataAccessResult, Obis, Value, obis};

use crate::wire::Wire;

const START: i64 = 1_772_348_400; // 2026-03-01 07:00 UTC, a Sunday
const SCRIPTS: Obis = Obis([0, 0, 10, 0, 106, 255]);
const RELAY: Obis = obis::DISCONNECT_CONTROL;
const POWER: Obis = obis::ACTIVE_POWER_IMPORT;

fn bits(text: &str) -> BitString {
    let mut bytes = vec![0_u8; text.len().div_ceil(8)];
    for (index, bit) in text.bytes().enumerate() {
        bytes[index / 8] |= u8::from(bit == b'1') << (7 - index % 8);
    }
    BitString::new(text.len(), &bytes).unwrap()
}

fn script(number: u16) -> ScriptRef {
    ScriptRef { script_logical_name: SCRIPTS, script_selector: number }
}

/// A meter with a clock, a power register, a relay, and scripts 1 (disconnect) and 2 (reconnect).
fn meter() -> Model {
    let mut model = Model::new();
    model.add(Clock::SPEC, obis::CLOCK);
    model.add(Register::SPEC, POWER);
    model.add(Disconnect::SPEC, RELAY);
    model.add(ScriptTable::SPEC, SCRIPTS);
    let order = |script_identifier: u16, index: i8| Script {
        script_identifier,
        actions: vec![ScriptAction {
            service_id: ServiceId::Execute,
            class_id: 70,
            logical_name: RELAY,
            index,
            parameter: Value::I8(0),
        }],
    };
    model.put_object(SCRIPTS, &ScriptTable { scripts: Some(vec![order(1, 1), order(2, 2)]) });
    model.set(POWER, 2, Value::I32(0));
    model.handle_time(START);
    model
}

fn output(wire: &mut Wire<Model>) -> bool {
    wire.object::<Disconnect>(RELAY).output_state.unwrap()
}

#[test]
fn the_relay_obeys_its_mode() {
    let mut wire = Wire::new(meter());
    wire.call(&Disconnect::remote_disconnect(RELAY, Zero)).unwrap();
    assert!(!output(&mut wire));
    assert_eq!(wire.model.poll_effect(), Some(Effect::Relay(RELAY, false)));
    assert_eq!(wire.write(AttributeRef::new(70, RELAY, 4), &Value::Enum(6)), Ok(()));
    wire.call(&Disconnect::remote_reconnect(RELAY, Zero)).unwrap();
    let state = wire.object::<Disconnect>(RELAY);
    assert_eq!(state.control_state, Some(ControlState::ReadyForReconnection), "the customer closes it in mode 6");
    wire.model.relay(RELAY).unwrap().manual_reconnect().unwrap();
    assert!(output(&mut wire));
    assert_eq!(wire.write(AttributeRef::new(70, RELAY, 4), &Value::Enum(9)), Err(DataAccessResult::OtherReason));
    assert_eq!(wire.write(AttributeRef::new(70, RELAY, 4), &Value::Enum(0)), Ok(()));
    assert_eq!(wire.call(&Disconnect::remote_disconnect(RELAY, Zero)), Err(ActionResult::OtherReason));
}

#[test]
fn a_clock_is_set_shifted_rounded_and_preset() {
    let mut wire = Wire::new(meter());
    let time = |wire: &mut Wire<Model>| wire.object::<Clock>(obis::CLOCK).time.unwrap().unix_s(0).unwrap();
    assert_eq!(time(&mut wire), START);
    wire.call(&Clock::shift_time(obis::CLOCK, -100)).unwrap();
    assert_eq!(time(&mut wire), START - 100);
    assert_eq!(wire.call(&Clock::shift_time(obis::CLOCK, 901)), Err(ActionResult::OtherReason));
    wire.call(&Clock::adjust_to_minute(obis::CLOCK, Zero)).unwrap();
    assert_eq!(time(&mut wire), START - 120);
    wire.call(&Clock::adjust_to_quarter(obis::CLOCK, Zero)).unwrap();
    assert_eq!(time(&mut wire), START);
    wire.model.handle_time(START + 10);
    assert_eq!(time(&mut wire), START + 10, "it runs");
    let stamp = |unix_s| DateTime::from_unix_s(unix_s, 0);
    let preset = PresetTime {
        preset_time: stamp(START + 5000),
        validity_interval_start: stamp(START),
        validity_interval_end: stamp(START + 60),
    };
    assert_eq!(wire.call(&Clock::adjust_to_preset_time(obis::CLOCK, Zero)), Err(ActionResult::OtherReason));
    wire.call(&Clock::preset_adjusting_time(obis::CLOCK, preset.clone())).unwrap();
    wire.call(&Clock::adjust_to_preset_time(obis::CLOCK, Zero)).unwrap();
    assert_eq!(time(&mut wire), START + 5000);
    wire.call(&Clock::preset_adjusting_time(obis::CLOCK, preset)).unwrap();
    assert_eq!(wire.call(&Clock::adjust_to_preset_time(obis::CLOCK, Zero)), Err(ActionResult::OtherReason), "too late");
    assert_eq!(wire.write(AttributeRef::new(8, obis::CLOCK, 2), &stamp(START).to_value()), Ok(()));
    assert_eq!(time(&mut wire), START);
    assert_eq!(
        wire.write(AttributeRef::new(8, obis::CLOCK, 2), &STAMP_UNSPECIFIED.to_value()),
        Err(DataAccessResult::OtherReason)
    );
}

#[test]
fn daylight_saving_moves_the_local_time_and_nothing_else() {
    let mut model = meter();
    let sunday = |month| DateTime {
        date: Date { year: 0xFFFF, month, day_of_month: 0xFE, day_of_week: 7 },
        time: Time { hour: if month == 3 { 2 } else { 3 }, minute: 0, second: 0, hundredths: 0 },
        deviation_min: DateTime::DEVIATION_UNSPECIFIED,
        status: 0,
    };
    let clock = Clock {
        time_zone: Some(-60),
        daylight_savings_begin: Some(sunday(3)),
        daylight_savings_end: Some(sunday(10)),
        daylight_savings_deviation: Some(60),
        daylight_savings_enabled: Some(true),
        ..Clock::default()
    };
    model.put_object(obis::CLOCK, &clock);
    let mut wire = Wire::new(model);
    // The change of 2026 in Central Europe: 29 March and 25 October, 01:00 UTC.
    for (unix_s, hour, deviation, saves) in [
        (1_774_745_999, 1, -60, false),
        (1_774_746_000, 3, -120, true),
        (1_792_889_999, 2, -120, true),
        (1_792_890_000, 2, -60, false),
    ] {
        wire.model.handle_time(unix_s);
        let time = wire.object::<Clock>(obis::CLOCK).time.unwrap();
        assert_eq!((time.time.hour, time.deviation_min, time.status & 0x80 != 0), (hour, deviation, saves), "{unix_s}");
        assert_eq!(time.unix_s(0), Some(unix_s));
    }
}

#[test]
fn registers_are_reset_and_demands_roll_over() {
    let mut model = meter();
    let demand = Obis([1, 0, 1, 4, 0, 255]);
    let tariff = Obis([0, 0, 14, 0, 0, 255]);
    model.add(DemandRegister::SPEC, demand);
    model.add(RegisterActivation::SPEC, tariff);
    model.set(demand, 2, Value::U32(77));
    model.set(demand, 8, Value::U32(900));
    model.handle_time(START + 899);
    let mut wire = Wire::new(model);
    assert_eq!(wire.object::<DemandRegister>(demand).last_average_value, Some(Value::Null));
    wire.model.handle_time(START + 907);
    let state = wire.object::<DemandRegister>(demand);
    assert_eq!((state.current_average_value, state.last_average_value), (Some(Value::U32(0)), Some(Value::U32(77))));
    assert_eq!(state.capture_time.unwrap().unix_s(0), Some(START + 900));
    wire.call(&DemandRegister::reset(demand, Zero)).unwrap();
    assert_eq!(wire.object::<DemandRegister>(demand).last_average_value, Some(Value::U32(0)));

    let register = ObjectDefinition { class_id: 3, logical_name: obis::ACTIVE_ENERGY_IMPORT };
    let mask = |name: &str, index| RegisterMask { mask_name: Octets::from(name), index_list: vec![index] };
    wire.call(&RegisterActivation::add_register(tariff, register)).unwrap();
    wire.call(&RegisterActivation::add_mask(tariff, mask("day", 1))).unwrap();
    assert_eq!(wire.call(&RegisterActivation::add_mask(tariff, mask("night", 2))), Err(ActionResult::OtherReason));
    let active = AttributeRef::new(6, tariff, 4);
    assert_eq!(wire.write(active, &Value::OctetString("day".into())), Ok(()));
    assert_eq!(wire.write(active, &Value::OctetString("night".into())), Err(DataAccessResult::OtherReason));
    wire.call(&RegisterActivation::delete_mask(tariff, Octets::from("day"))).unwrap();
    assert_eq!(wire.object::<RegisterActivation>(tariff).mask_list, Some(vec![]));
}

#[test]
fn scripts_schedules_and_calendars_move_the_relay() {
    let single = Obis([0, 0, 15, 0, 0, 255]);
    let schedule = Obis([0, 0, 12, 0, 0, 255]);
    let mut model = meter();
    model.add(SingleActionSchedule::SPEC, single);
    model.add(Schedule::SPEC, schedule);
    let any = Date { year: 0xFFFF, month: 0xFF, day_of_month: 0xFF, day_of_week: 0xFF };
    let at = |hour| Time { hour, minute: 0, second: 0, hundredths: 0 };
    let object = SingleActionSchedule {
        executed_script: Some(script(1)),
        schedule_type: Some(ScheduleType::OneTime),
        execution_time: Some(vec![ExecutionTime { time: at(8), date: any }]),
    };
    model.put_object(single, &object);
    let mut wire = Wire::new(model);
    wire.call(&ScriptTable::execute(SCRIPTS, 1)).unwrap();
    assert!(!output(&mut wire));
    wire.call(&ScriptTable::execute(SCRIPTS, 2)).unwrap();
    assert!(output(&mut wire));
    assert_eq!(wire.call(&ScriptTable::execute(SCRIPTS, 3)), Err(ActionResult::OtherReason));
    wire.model.handle_time(START + 3599);
    assert!(output(&mut wire));
    wire.model.handle_time(START + 3600);
    assert!(!output(&mut wire), "08:00");

    let entry = ScheduleEntry {
        index: 1,
        enable: true,
        script_logical_name: SCRIPTS,
        script_selector: 2,
        switch_time: at(9),
        validity_window: 0xFFFF,
        exec_weekdays: bits("0000001"),
        exec_specdays: bits(""),
        begin_date: any,
        end_date: any,
    };
    wire.call(&Schedule::insert(schedule, entry)).unwrap();
    let off = ScheduleRanges { first_index_a: 1, last_index_a: 1, first_index_b: 0, last_index_b: 0 };
    let on = ScheduleRanges { first_index_a: 0, last_index_a: 0, first_index_b: 1, last_index_b: 9 };
    wire.call(&Schedule::enable_disable(schedule, off)).unwrap();
    assert!(!wire.object::<Schedule>(schedule).entries.unwrap()[0].enable);
    wire.model.handle_time(START + 7200);
    assert!(!output(&mut wire), "the entry is off at 09:00");
    wire.call(&Schedule::enable_disable(schedule, on)).unwrap();
    wire.model.handle_time(START + 86_400 + 7200);
    assert!(!output(&mut wire), "Monday is not Sunday");
    for day in 2..=6 {
        wire.model.handle_time(START + day * 86_400);
    }
    wire.call(&ScriptTable::execute(SCRIPTS, 2)).unwrap();
    wire.call(&Disconnect::remote_disconnect(RELAY, Zero)).unwrap();
    wire.model.handle_time(START + 7 * 86_400 + 7201);
    assert!(output(&mut wire), "Sunday again");
    wire.call(&Schedule::delete(schedule, ScheduleRange { first_index: 1, last_index: 1 })).unwrap();
    assert_eq!(wire.object::<Schedule>(schedule).entries, Some(vec![]));
}

#[test]
fn a_calendar_switches_by_the_day_of_its_season() {
    let (calendar, special) = (Obis([0, 0, 13, 0, 0, 255]), Obis([0, 0, 11, 0, 0, 255]));
    let mut model = meter();
    model.add(ActivityCalendar::SPEC, calendar);
    model.add(SpecialDays::SPEC, special);
    let at = |hour| Time { hour, minute: 0, second: 0, hundredths: 0 };
    let action =
        |hour, selector| DayAction { start_time: at(hour), script_logical_name: SCRIPTS, script_selector: selector };
    let days = vec![
        DayProfile { day_id: 1, day_schedule: vec![action(8, 1), action(10, 2)] },
        DayProfile { day_id: 2, day_schedule: vec![action(9, 1)] },
    ];
    let week = Week {
        week_profile_name: Octets::from("w"),
        monday: 2,
        tuesday: 2,
        wednesday: 2,
        thursday: 2,
        friday: 2,
        saturday: 2,
        sunday: 1,
    };
    let begin = DateTime {
        date: Date { year: 0xFFFF, month: 1, day_of_month: 1, day_of_week: 0xFF },
        time: at(0),
        ..STAMP_UNSPECIFIED
    };
    let season = Season { season_profile_name: Octets::from("s"), season_start: begin, week_name: Octets::from("w") };
    let object = ActivityCalendar {
        calendar_name_passive: Some(Octets::from("2026")),
        season_profile_passive: Some(vec![season]),
        week_profile_table_passive: Some(vec![week]),
        day_profile_table_passive: Some(days),
        ..ActivityCalendar::default()
    };
    model.put_object(calendar, &object);
    model.handle_time(START + 3600);
    let mut wire = Wire::new(model);
    assert!(output(&mut wire), "nothing is active yet");
    wire.call(&ActivityCalendar::activate_passive_calendar(calendar, Zero)).unwrap();
    assert_eq!(wire.object::<ActivityCalendar>(calendar).calendar_name_active, Some(Octets::from("2026")));
    wire.model.handle_time(START + 2 * 3600);
    assert!(output(&mut wire), "Sunday's 08:00 is over, 09:00 is Monday's");
    wire.model.handle_time(START + 86_400 + 2 * 3600);
    assert!(!output(&mut wire), "Monday 09:00");
    wire.call(&Disconnect::remote_reconnect(RELAY, Zero)).unwrap();
    let day = SpecialDay {
        index: 1,
        specialday_date: Date { year: 2026, month: 3, day_of_month: 3, day_of_week: 0xFF },
        day_id: 1,
    };
    wire.call(&SpecialDays::insert(special, day)).unwrap();
    wire.model.handle_time(START + 2 * 86_400 + 3601);
    assert!(!output(&mut wire), "Tuesday 3 March is a special day: 08:00");
    wire.model.handle_time(START + 2 * 86_400 + 3 * 3600);
    assert!(output(&mut wire), "and 10:00");
    wire.call(&SpecialDays::delete(special, 1)).unwrap();
}

#[test]
fn monitors_and_limiters_act_on_what_they_watch() {
    let (limiter, monitor) = (Obis([0, 0, 17, 0, 0, 255]), Obis([0, 0, 16, 1, 0, 255]));
    let mut model = meter();
    model.add(Limiter::SPEC, limiter);
    let watched = MonitoredValue { class_id: 3, logical_name: POWER, attribute_index: 2 };
    let object = Limiter {
        monitored_value: Some(watched.clone()),
        threshold_normal: Some(Value::I32(5000)),
        threshold_emergency: Some(Value::I32(500)),
        min_over_threshold_duration: Some(60),
        min_under_threshold_duration: Some(30),
        emergency_profile: Some(EmergencyProfile {
            emergency_profile_id: 1,
            emergency_activation_time: DateTime::from_unix_s(START + 1000, 0),
            emergency_duration: 100,
        }),
        emergency_profile_group_id_list: Some(vec![1]),
        actions: Some(LimiterActions { action_over_threshold: script(1), action_under_threshold: script(2) }),
        ..Limiter::default()
    };
    model.put_object(limiter, &object);
    let mut wire = Wire::new(model);
    let mut go = |seconds: i64, watts: i32, expected: bool| {
        wire.model.set(POWER, 2, Value::I32(watts));
        wire.model.handle_time(START + seconds);
        assert_eq!(output(&mut wire), expected, "{seconds} s, {watts} W");
    };
    go(10, 6000, true);
    go(40, 4000, true);
    go(50, 6000, true);
    go(105, 6000, true);
    go(110, 6000, false);
    go(120, 0, false);
    go(149, 0, false);
    go(150, 0, true);
    go(1010, 600, true);
    go(1070, 600, false);
    let state = wire.object::<Limiter>(limiter);
    assert_eq!((state.emergency_profile_active, state.threshold_active), (Some(true), Some(Value::I32(500))));

    let mut model = meter();
    model.add(RegisterMonitor::SPEC, monitor);
    let object = RegisterMonitor {
        thresholds: Some(vec![Value::I32(100)]),
        monitored_value: Some(watched),
        actions: Some(vec![ActionSet { action_up: script(1), action_down: script(2) }]),
    };
    model.put_object(monitor, &object);
    let mut wire = Wire::new(model);
    for (seconds, watts, expected) in [(1, 200, true), (2, 100, true), (3, 101, false), (4, 300, false), (5, 99, true)]
    {
        wire.model.set(POWER, 2, Value::I32(watts));
        wire.model.handle_time(START + seconds);
        assert_eq!(output(&mut wire), expected, "{watts} W");
    }
}

#[test]
fn the_heaviest_wish_wins() {
    let arbitrator = Obis([0, 0, 96, 3, 20, 255]);
    let mut model = meter();
    model.add(Arbitrator::SPEC, arbitrator);
    let object = Arbitrator {
        actions: Some(vec![script(1), script(2)]),
        permissions_table: Some(vec![bits("11"), bits("10"), bits("01")]),
        weightings_table: Some(vec![vec![1, 10], vec![5, 0], vec![0, 5]]),
        ..Arbitrator::default()
    };
    model.put_object(arbitrator, &object);
    let mut wire = Wire::new(model);
    let ask = |wire: &mut Wire<Model>, actor, wish: &str| {
        let request = ActionRequested { request_actor: actor, request_action_list: bits(wish) };
        wire.call(&Arbitrator::request_action(arbitrator, request))
    };
    ask(&mut wire, 1, "10").unwrap();
    assert!(!output(&mut wire), "5 for disconnecting");
    ask(&mut wire, 2, "01").unwrap();
    assert!(!output(&mut wire), "5 to 5: nothing happens");
    ask(&mut wire, 0, "01").unwrap();
    assert!(output(&mut wire), "15 to 5 for reconnecting");
    assert_eq!(ask(&mut wire, 2, "10"), Err(ActionResult::OtherReason), "not permitted");
    assert_eq!(ask(&mut wire, 9, "10"), Err(ActionResult::OtherReason), "nobody");
    let state = wire.object::<Arbitrator>(arbitrator);
    assert_eq!(state.last_outcome, Some(2));
    assert_eq!(state.most_recent_requests_table, Some(vec![bits("01"), bits("10"), bits("01")]));
    wire.call(&Arbitrator::reset(arbitrator, Zero)).unwrap();
    assert_eq!(wire.object::<Arbitrator>(arbitrator).last_outcome, Some(0));
}

struct Purse;

impl Hooks for Purse {
    fn token(&mut self, token: &[u8]) -> TokenOutcome {
        let known = token == b"12345678901234567890";
        TokenOutcome {
            status: if known { TokenStatusCode::ExecutionOk } else { TokenStatusCode::AuthenticationFailure },
            data: bits("1"),
            description: vec![],
            credit: known.then_some(1000),
        }
    }
}

#[test]
fn tokens_credits_and_charges_keep_one_account() {
    let (account, paid, emergency, charge, gateway) = (
        Obis([0, 0, 19, 0, 0, 255]),
        Obis([0, 0, 19, 10, 0, 255]),
        Obis([0, 0, 19, 10, 1, 255]),
        Obis([0, 0, 19, 20, 0, 255]),
        Obis([0, 0, 19, 40, 0, 255]),
    );
    let mut model = Model::with_hooks(Box::new(Purse));
    model.add(Clock::SPEC, obis::CLOCK);
    model.add(Credit::SPEC, paid);
    model.add(Credit::SPEC, emergency);
    model.add(Charge::SPEC, charge);
    model.add(TokenGateway::SPEC, gateway);
    model.add(Account::SPEC, account);
    model.handle_time(START);
    model.put_object(paid, &Credit { priority: Some(1), warning_threshold: Some(100), ..Credit::default() });
    let spare = Credit {
        credit_type: Some(CreditType::Emergency),
        priority: Some(2),
        preset_credit_amount: Some(50),
        credit_status: Some(CreditStatus::Selectable),
        ..Credit::default()
    };
    model.put_object(emergency, &spare);
    let price = |charge_per_unit| UnitCharge {
        charge_per_unit_scaling: ChargeScaling { commodity_scale: 0, price_scale: -2 },
        commodity_reference: MonitoredValue {
            class_id: 3,
            logical_name: obis::ACTIVE_ENERGY_IMPORT,
            attribute_index: 2,
        },
        charge_table: vec![ChargeTableElement { index: Octets::from("1"), charge_per_unit }],
    };
    model.put_object(
        charge,
        &Charge {
            unit_charge_active: Some(price(400)),
            unit_charge_passive: Some(price(450)),
            total_amount_remaining: Some(1000),
            ..Charge::default()
        },
    );
    model.put_object(account, &prepayment_account(&[paid, emergency], &[charge], DateTime::from_unix_s(START, 0)));
    let mut wire = Wire::new(model);
    let state = |wire: &mut Wire<Model>| wire.object::<Account>(account);
    assert_eq!(state(&mut wire).available_credit, Some(0));
    assert_eq!(state(&mut wire).current_credit_status, Some(bits("00000010")), "out of credit");
    assert_eq!(state(&mut wire).aggregated_debt, Some(1000));

    wire.call(&TokenGateway::enter(gateway, Octets::from("12345678901234567890"))).unwrap();
    let status = wire.object::<TokenGateway>(gateway).token_status.unwrap();
    assert_eq!(status.status_code, TokenStatusCode::ExecutionOk);
    assert_eq!(state(&mut wire).available_credit, Some(1000));
    assert_eq!(state(&mut wire).current_credit_status, Some(bits("10000000")));
    wire.call(&TokenGateway::enter(gateway, Octets::from("00000000000000000000"))).unwrap();
    assert_eq!(state(&mut wire).available_credit, Some(1000), "a token that is not authentic brings nothing");

    for (taken, remaining) in [(400, 600), (400, 200), (200, 0)] {
        wire.call(&Charge::collect(charge, Zero)).unwrap();
        let now = wire.object::<Charge>(charge);
        assert_eq!((now.last_collection_amount, now.total_amount_remaining), (Some(taken), Some(remaining)));
    }
    assert_eq!(wire.call(&Charge::collect(charge, Zero)), Err(ActionResult::OtherReason), "no credit is left");
    assert_eq!(wire.object::<Charge>(charge).total_amount_paid, Some(1000));
    assert_eq!(wire.object::<Credit>(paid).current_credit_amount, Some(0));
    assert_eq!(wire.object::<Credit>(paid).credit_status, Some(CreditStatus::Consumed));

    wire.call(&Credit::invoke_credit(emergency, Zero)).unwrap();
    assert_eq!(state(&mut wire).current_credit_in_use, Some(1));
    assert_eq!(state(&mut wire).available_credit, Some(50));
    assert_eq!(wire.call(&Credit::invoke_credit(emergency, Zero)), Err(ActionResult::OtherReason), "only once");
    wire.call(&Credit::update_amount(paid, 30)).unwrap();
    wire.call(&Credit::update_amount(paid, -10)).unwrap();
    assert_eq!(wire.call(&Credit::update_amount(paid, i32::MIN)), Ok(None));
    assert_eq!(wire.call(&Credit::update_amount(paid, i32::MIN)), Err(ActionResult::OtherReason), "overflow");
    wire.call(&Credit::set_amount_to_value(paid, 70)).unwrap();
    assert_eq!(state(&mut wire).current_credit_status, Some(bits("11000000")), "in credit, and low");

    wire.call(&Charge::activate_passive_unit_charge(charge, Zero)).unwrap();
    assert_eq!(wire.object::<Charge>(charge).unit_charge_active, Some(price(450)));
    wire.call(&Charge::update_unit_charge(charge, price(500).charge_table)).unwrap();
    assert_eq!(wire.object::<Charge>(charge).unit_charge_passive, Some(price(500)));
    wire.call(&Charge::set_total_amount_remaining(charge, 20)).unwrap();
    wire.call(&Charge::update_total_amount_remaining(charge, 5)).unwrap();
    assert_eq!(state(&mut wire).aggregated_debt, Some(25));

    assert_eq!(wire.call(&Account::reset_account(account, Zero)), Err(ActionResult::OtherReason), "not closed");
    wire.call(&Account::close_account(account, Zero)).unwrap();
    wire.call(&Account::reset_account(account, Zero)).unwrap();
    let held = state(&mut wire);
    assert_eq!(held.account_mode_and_status.unwrap().account_status, AccountStatus::New);
    assert_eq!((held.available_credit, held.aggregated_debt), (Some(0), Some(0)));
}

#[test]
fn compact_data_and_pushes_carry_what_they_list() {
    let (compact, push) = (Obis([0, 0, 66, 0, 1, 255]), Obis([0, 0, 25, 9, 0, 255]));
    let mut model = meter();
    model.add(CompactData::SPEC, compact);
    model.add(PushSetup::SPEC, push);
    model.set(POWER, 2, Value::I32(1234));
    model.set(POWER, 3, ScalerUnit::new(0, Unit::Watt).to_value());
    let listed = vec![
        CaptureObject::new(62, compact, 4),
        CaptureObject::CLOCK,
        CaptureObject::new(3, POWER, 2),
        CaptureObject::new(3, POWER, 3),
        CaptureObject { data_index: 2, ..CaptureObject::new(3, POWER, 3) },
    ];
    let object = CompactData {
        capture_objects: Some(listed.clone()),
        template_id: Some(66),
        capture_method: Some(CaptureMethod::Implicit),
        ..CompactData::default()
    };
    model.put_object(compact, &object);
    model.put_object(push, &PushSetup { push_object_list: Some(listed), ..PushSetup::default() });
    let mut wire = Wire::new(model);
    let values = wire.object::<CompactData>(compact).values().unwrap();
    let expected = vec![
        Value::U8(66),
        DateTime::from_unix_s(START, 0).to_value(),
        Value::I32(1234),
        ScalerUnit::new(0, Unit::Watt).to_value(),
        Value::Enum(27),
    ];
    assert_eq!(values, expected);
    wire.call(&PushSetup::push(push, Zero)).unwrap();
    assert_eq!(wire.model.poll_effect(), Some(Effect::Push(push)));
    assert_eq!(wire.model.push_body(push), Some(Value::Structure(expected)));
    wire.call(&CompactData::reset(compact, Zero)).unwrap();
    let mut held = wire.object::<CompactData>(compact);
    held.compact_buffer = Some(Octets::from([1_u8, 2].as_slice()));
    assert!(held.values().is_err(), "a buffer that does not fit its template");
}

#[test]
fn policies_functions_devices_and_diagnostics() {
    let (security, functions, saps, ntp, rpl) = (
        Obis([0, 0, 43, 0, 0, 255]),
        Obis([0, 0, 44, 1, 0, 255]),
        Obis([0, 0, 41, 0, 0, 255]),
        Obis([0, 0, 25, 10, 0, 255]),
        Obis([0, 0, 33, 1, 0, 255]),
    );
    let mut model = meter();
    for (spec, name) in [
        (SecuritySetup::SPEC, security),
        (FunctionControl::SPEC, functions),
        (SapAssignment::SPEC, saps),
        (NtpSetup::SPEC, ntp),
        (RplDiagnostic::SPEC, rpl),
    ] {
        assert!(model.add(spec, name));
    }
    model.set(rpl, 4, Value::I16(-2));
    let mut wire = Wire::new(model);
    wire.call(&SecuritySetup::security_activate(security, Code(0x0C))).unwrap();
    let weaker = SecuritySetup::security_activate(security, Code(0x04));
    assert_eq!(wire.call(&weaker), Err(ActionResult::OtherReason), "only stronger");
    let keys = vec![WrappedKey { key_id: KeyId::UnicastEncryption, key_wrapped: Hidden(Octets::from([0; 24])) }];
    let transfer = SecuritySetup::key_transfer(security, keys);
    assert_eq!(wire.call(&transfer), Err(ActionResult::OtherReason), "a meter without hooks has no keys");

    let block = FunctionBlock { function_name: Octets::from("relay"), objects: vec![] };
    wire.call(&FunctionControl::add_function(functions, block)).unwrap();
    let on = |name: &str| vec![FunctionStatus { function_name: Octets::from(name), function_status: true }];
    wire.call(&FunctionControl::set_function_status(functions, on("relay"))).unwrap();
    let unknown = FunctionControl::set_function_status(functions, on("radio"));
    assert_eq!(wire.call(&unknown), Err(ActionResult::OtherReason));
    assert_eq!(wire.object::<FunctionControl>(functions).activation_status, Some(on("relay")));
    wire.call(&FunctionControl::remove_function(functions, Octets::from("relay"))).unwrap();
    assert_eq!(wire.object::<FunctionControl>(functions).activation_status, Some(vec![]));

    let device = |name: &str| Sap { sap: 3, logical_device_name: Octets::from(name) };
    wire.call(&SapAssignment::connect_logical_device(saps, device("TAA3"))).unwrap();
    assert_eq!(wire.object::<SapAssignment>(saps).sap_assignment_list, Some(vec![device("TAA3")]));
    wire.call(&SapAssignment::connect_logical_device(saps, device(""))).unwrap();
    assert_eq!(wire.object::<SapAssignment>(saps).sap_assignment_list, Some(vec![]));

    wire.call(&NtpSetup::synchronize(ntp, Zero)).unwrap();
    assert_eq!(wire.model.poll_effect(), Some(Effect::Synchronise(ntp)));
    let key = NtpKey { key_id: 9, key: Hidden(Octets::from("secret")) };
    wire.call(&NtpSetup::add_authentication_key(ntp, key)).unwrap();
    assert_eq!(wire.model.value(ntp, 6).and_then(Value::elements).map(<[Value]>::len), Some(1));
    wire.call(&NtpSetup::delete_authentication_key(ntp, 9)).unwrap();
    assert_eq!(wire.model.value(ntp, 6).and_then(Value::elements).map(<[Value]>::len), Some(0));

    assert_eq!(wire.object::<RplDiagnostic>(rpl).rank(), Some(0xFFFE));
    wire.call(&RplDiagnostic::reset(rpl, Zero)).unwrap();
    assert_eq!(wire.object::<RplDiagnostic>(rpl).rank(), Some(0));
}
