//! Stories about meters that differ: nothing is assumed, everything is asked, once per firmware.

use taa_dcu::{DcuEvent, MeterIx, config::CreditAt, journal::Entry, reading::Lack, uplink::AlarmCode};
use taa_dlms::{cosem::ObjectEntry, obis};

use crate::meter::CHANNEL_ONE;
use crate::village::{FIRST_PERIOD, HOUR, S, Village, traits};

fn lists_read(village: &Village) -> usize {
    village.count(|e| matches!(e, DcuEvent::MapRead { .. }))
}

#[test]
fn one_list_is_read_for_a_fleet_of_one_firmware_and_none_after_a_restart() {
    let mut village = Village::new(traits(CreditAt::Dcu), 30, 1_000_000, 1);
    village.run_until(3 * HOUR);
    let read = lists_read(&village);
    assert_eq!(read, 1, "those that come meanwhile wait for it");
    let learnt = village.journal().iter().filter(|r| matches!(r.entry, Entry::MapLearned { .. })).count();
    assert_eq!((learnt, village.state().maps().iter().len()), (1, 1));
    village.compact();
    village.cut();
    village.boot();
    village.run_for(3 * HOUR);
    assert_eq!(lists_read(&village), read, "the journal has it");
    assert_eq!(village.dcu.as_ref().unwrap().readings_complete(FIRST_PERIOD + 4), 30);
}

/// Sabotage: maps that were not kept, or cannot be read, are read from the meters again.
#[test]
fn maps_that_are_lost_from_the_journal_are_noticed_by_this_test() {
    let mut village = Village::new(traits(CreditAt::Dcu), 5, 1_000_000, 1);
    village.run_until(3 * HOUR);
    village.misread = |record| {
        if let Entry::MapLearned { map, .. } = &mut record.entry {
            *map = map[..map.len() / 2].into();
        }
    };
    village.cut();
    village.boot();
    village.run_for(3 * HOUR);
    assert_eq!(lists_read(&village), 2);
    assert_eq!(village.dcu.as_ref().unwrap().readings_complete(FIRST_PERIOD + 4), 5);
}

#[test]
fn a_new_firmware_is_noticed_at_the_next_association_and_its_list_read() {
    let mut village = Village::new(traits(CreditAt::Dcu), 3, 1_000_000, 2);
    village.run_until(3 * HOUR + HOUR * 3 / 4);
    let read = lists_read(&village);
    // The new one counts in kWh/10, and has its columns in another order.
    village.power(1, false);
    let meter = &mut village.meters[1];
    meter.firmware = b"MM-2.0".to_vec();
    meter.scaler = 2;
    meter.clock_last = true;
    meter.without(obis::CREDIT_GRACE);
    village.power(1, true);
    village.run_until(6 * HOUR + HOUR * 3 / 4);
    assert_eq!(lists_read(&village), read + 1);
    let billed = village.state().book().account(1).unwrap().register_wh().unwrap();
    assert_eq!(billed, village.meters[1].register_wh() / 100 * 100, "by its own scaler");
    assert_eq!(village.count(|e| matches!(e, DcuEvent::Alarm { .. })), 0, "no register went backward");
    // Back-fill finds clock and energy where they are now.
    village.meters[1].deaf = true;
    village.run_until(12 * HOUR + HOUR * 3 / 4);
    village.meters[1].deaf = false;
    village.run_until(14 * HOUR + HOUR * 3 / 4);
    for period in FIRST_PERIOD..FIRST_PERIOD + 14 {
        assert!(village.cloud.has_reading(MeterIx(1), period), "period {period}");
    }
}

#[test]
fn each_meter_is_billed_by_its_own_scaler_under_one_firmware() {
    let mut village = Village::new(traits(CreditAt::Dcu), 4, 1_000_000, 3);
    village.meters[2].scaler = 1;
    village.run_until(5 * HOUR + HOUR * 3 / 4);
    for meter in 0..4 {
        let billed = village.state().book().account(meter).unwrap().register_wh().unwrap();
        let shown = village.meters[meter as usize].register_wh();
        assert!(shown - billed < 110, "meter {meter}: {billed} of {shown} Wh");
    }
}

#[test]
fn a_meter_that_lacks_what_is_needed_is_told_of_once_and_neither_billed_nor_switched() {
    for (credit_at, missing, lacks) in [
        (CreditAt::Dcu, obis::DISCONNECT_CONTROL, Lack::Relay),
        (CreditAt::Cloud, obis::DISCONNECT_CONTROL, Lack::Relay),
        (CreditAt::Meter, obis::CREDIT_GRACE, Lack::Credit),
        (CreditAt::Dcu, obis::ACTIVE_ENERGY_IMPORT, Lack::Energy),
        (CreditAt::Dcu, obis::LOGICAL_DEVICE_NAME, Lack::Name),
    ] {
        let mut village = Village::new(traits(credit_at), 3, 50, 4);
        village.meters[0].without(missing);
        village.meters[0].firmware = b"cheap".to_vec();
        village.run_until(9 * HOUR);
        let told: Vec<_> =
            village.events.iter().filter(|(_, e)| matches!(e, DcuEvent::MeterUnsuitable { .. })).collect();
        let expected = DcuEvent::MeterUnsuitable { meter: MeterIx(0), lacks };
        assert!(matches!(&told[..], [(_, event)] if *event == expected), "{missing}: {told:?}");
        assert_eq!(village.count(|e| matches!(e, DcuEvent::Alarm { code: AlarmCode::Unsuitable, .. })), 1);
        assert!(village.lit(0) && village.meters[0].switched == 0, "{missing}");
        assert_eq!(village.state().meter(MeterIx(0)).unwrap().sequence, 0);
        assert!(village.state().meter(MeterIx(1)).unwrap().sequence >= 9, "the others are read");
    }
}

#[test]
fn without_a_profile_there_is_no_back_fill_and_nothing_else_is_missing() {
    let mut village = Village::new(traits(CreditAt::Dcu), 2, 1_000_000, 5);
    village.meters[0].without(obis::LOAD_PROFILE);
    village.run_until(3 * HOUR);
    village.meters[0].deaf = true;
    village.run_until(8 * HOUR);
    village.meters[0].deaf = false;
    village.run_until(12 * HOUR);
    assert!(village.state().meter(MeterIx(0)).unwrap().gaps.is_empty(), "given up, not asked for for ever");
    assert!(!village.cloud.has_reading(MeterIx(0), FIRST_PERIOD + 5));
    assert!(village.cloud.has_reading(MeterIx(0), FIRST_PERIOD + 10));
}

#[test]
fn a_meter_that_denies_what_it_lists_is_asked_anew_and_backs_off() {
    let mut village = Village::new(traits(CreditAt::Dcu), 4, 1_000_000, 6);
    village.run_until(2 * HOUR + HOUR * 3 / 4);
    let read = lists_read(&village);
    village.meters[3].denies = Some(obis::ACTIVE_ENERGY_IMPORT);
    village.run_until(8 * HOUR);
    assert!(lists_read(&village) > read, "the list is read again");
    assert!(lists_read(&village) < read + 40, "and not without end");
    village.meters[3].denies = None;
    village.run_until(11 * HOUR);
    for period in FIRST_PERIOD..FIRST_PERIOD + 10 {
        assert!((0..4).all(|m| village.cloud.has_reading(MeterIx(m), period)), "period {period}");
    }
    let billed = village.state().book().account(3).unwrap().register_wh().unwrap();
    assert!(village.meters[3].register_wh() - billed < 110);
}

/// One of many meters has a false list, and is asked first.
fn with_a_false_list(spoil: fn(&mut Village)) -> Village {
    let mut village = Village::new(traits(CreditAt::Dcu), 12, 1_000_000, 8);
    (1..12).for_each(|meter| village.meters[meter].deaf = true);
    spoil(&mut village);
    village.run_until(HOUR + HOUR * 3 / 4);
    assert_eq!(lists_read(&village), 1);
    (1..12).for_each(|meter| village.meters[meter].deaf = false);
    village.run_until(9 * HOUR + HOUR * 3 / 4);
    for period in FIRST_PERIOD + 2..FIRST_PERIOD + 9 {
        assert!((1..12).all(|meter| village.cloud.has_reading(MeterIx(meter), period)), "period {period}");
    }
    village
}

#[test]
fn a_meter_that_hides_an_object_does_not_speak_for_its_firmware() {
    let village = with_a_false_list(|village| village.meters[0].without(obis::DISCONNECT_CONTROL));
    assert_eq!(village.count(|e| matches!(e, DcuEvent::MeterUnsuitable { .. })), 1);
    assert!(lists_read(&village) <= 12);
}

#[test]
fn nor_does_one_that_invents_one() {
    // A register of channel 0 comes before the true one, which is channel 1.
    let village = with_a_false_list(|village| {
        for meter in &mut village.meters {
            meter.objects.iter_mut().filter(|o| o.class == 3).for_each(|o| o.obis = CHANNEL_ONE);
        }
        let invented = *village.meters[0].objects.iter().find(|o| o.class == 3).unwrap();
        village.meters[0].objects.push(ObjectEntry { obis: obis::ACTIVE_ENERGY_IMPORT, ..invented });
    });
    assert!(village.state().meter(MeterIx(0)).unwrap().sequence >= 8, "it does answer for what it invents");
}

#[test]
fn a_meter_that_never_ends_its_list_does_not_hold_up_the_others() {
    let mut village = Village::new(traits(CreditAt::Dcu), 10, 1_000_000, 9);
    // It is asked first; only what comes before the list is answered.
    village.meters[0].spoil = Some(|n, reply| {
        if n > 3 {
            reply.clear();
        }
    });
    village.run_until(HOUR - 10 * S);
    assert_eq!(village.dcu.as_ref().unwrap().readings_complete(FIRST_PERIOD), 9);
}

#[test]
fn a_register_in_other_units_is_not_money() {
    let mut village = Village::new(traits(CreditAt::Dcu), 2, 1_000_000, 7);
    village.meters[0].scaler = 20;
    village.run_for(HOUR + 10 * S);
    let lacks = Lack::EnergyUnit;
    assert!(village.when(0, |e| *e == DcuEvent::MeterUnsuitable { meter: MeterIx(0), lacks }).is_some());
    assert_eq!(village.state().book().account(0).unwrap().register_wh(), None);
}
