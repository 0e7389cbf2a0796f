//! Stories about what meters say of their own accord.

use taa_dcu::{
    DcuEvent, MeterIx,
    cloud::CloudEvent,
    config::{CreditAt, DcuConfig, MeterAccess, MeterEntry},
    journal::{Entry, Record},
};
use taa_dlms::{
    apdu::DataNotification,
    link::wrapper::{self, Addresses},
    obis::{self, alarm},
};

use crate::village::{Chance, HOUR, S, Village, tariff, traits};

fn heard(village: &Village, meter: u32) -> Vec<u32> {
    let heard = village.events.iter().filter_map(|(_, event)| match event {
        DcuEvent::MeterAlarm { meter: from, bits } if from.0 == meter => Some(*bits),
        _ => None,
    });
    heard.collect()
}

fn village() -> Village {
    let mut village = Village::new(traits(CreditAt::Dcu), 5, 1_000_000, 1);
    village.delay_max = S / 5;
    village.run_until(2 * HOUR + HOUR * 3 / 4);
    village
}

#[test]
fn an_alarm_reaches_the_cloud_and_the_meter_learns_that_it_did() {
    let mut village = village();
    let looks = village.state().meter(MeterIx(2)).unwrap().sequence;
    village.raise(2, alarm::TAMPERED);
    village.run_for(5 * S);
    assert_eq!(heard(&village, 2), [alarm::TAMPERED]);
    let told = CloudEvent::MeterAlarm { meter: MeterIx(2), bits: alarm::TAMPERED };
    assert!(village.cloud_events.iter().any(|(_, event)| *event == told));
    assert_eq!(village.meters[2].descriptor, 0, "confirmed");
    assert_eq!(village.state().meter(MeterIx(2)).unwrap().alarm_bits, 0);
    assert_eq!(village.state().meter(MeterIx(2)).unwrap().sequence, looks + 1, "and somebody looked");
}

#[test]
fn nothing_is_told_or_confirmed_before_the_record_is_durable() {
    let mut village = village();
    village.sync_max = u64::MAX / 4;
    village.raise(1, alarm::RELAY_MOVED);
    village.run_for(60 * S);
    assert_eq!((heard(&village, 1), village.meters[1].descriptor), (vec![], alarm::RELAY_MOVED));
    village.cut();
    village.sync_max = 0;
    village.boot();
    village.run_for(60 * S);
    // The record was lost with the power. The meter says it again, as it was never confirmed: at first to a DCU that
    // has not spoken to it yet, and does not know where in a push the alarm stands.
    for _ in 0..2 {
        let again = village.meters[1].push();
        village.deliver(1, again);
        village.run_for(60 * S);
    }
    assert_eq!((heard(&village, 1), village.meters[1].descriptor), (vec![alarm::RELAY_MOVED], 0));
}

/// An alarm is told, the DCU restarts, and somebody sends the old frame again: frames that this provokes, and alarms.
fn replayed_after_a_restart(misread: fn(&mut Record)) -> (u64, usize) {
    let mut village = village();
    let old = village.raise(3, alarm::TAMPERED);
    village.run_for(10 * S);
    village.misread = misread;
    village.cut();
    village.boot();
    village.run_for(10 * S);
    let frames = village.frames_to_meters;
    village.deliver(3, old);
    village.run_for(10 * S);
    (village.frames_to_meters - frames, heard(&village, 3).len())
}

#[test]
fn an_old_alarm_sent_again_by_somebody_else_is_refused() {
    let mut village = village();
    let first = village.raise(3, alarm::TAMPERED);
    village.run_for(10 * S);
    let unheard = village.meters[3].raise(alarm::CLOCK_RESET);
    let second = village.raise(3, alarm::CREDIT_EXHAUSTED);
    village.run_for(10 * S);
    assert_eq!(heard(&village, 3), [alarm::TAMPERED, alarm::CLOCK_RESET | alarm::CREDIT_EXHAUSTED]);
    for old in [first, unheard, second] {
        village.deliver(3, old);
        village.run_for(20 * S);
    }
    assert_eq!(heard(&village, 3).len(), 2);
    assert_eq!(replayed_after_a_restart(|_| {}), (0, 1), "nor does it make a restarted DCU move");
}

/// Sabotage: with the floors taken out of the journal the same frame is believed to be the meter.
#[test]
fn floors_that_are_forgotten_are_noticed_by_this_test() {
    let forget = |record: &mut Record| match &mut record.entry {
        Entry::MeterAlarm { floor, .. } | Entry::AlarmConfirmed { floor, .. } => *floor = None,
        _ => {}
    };
    assert!(replayed_after_a_restart(forget).0 > 0);
}

#[test]
fn alarms_of_one_meter_under_anothers_address_are_not_genuine() {
    let mut village = village();
    let frame = village.meters[0].raise(alarm::TAMPERED);
    village.deliver(4, frame);
    village.run_for(10 * S);
    assert_eq!((heard(&village, 0), heard(&village, 4)), (vec![], vec![]));
}

#[test]
fn alarms_in_clear_are_nothing_from_a_meter_with_keys_and_taken_from_one_without() {
    let clear = |bits: u32| {
        let mut body = vec![2, 2, 9, 6];
        body.extend_from_slice(&obis::PUSH_ALARM.0);
        body.push(6);
        body.extend_from_slice(&bits.to_be_bytes());
        let mut frame = Vec::new();
        wrapper::begin(&mut frame);
        DataNotification { long_invoke_id: 1, date_time: None, body: &body }.encode(&mut frame);
        wrapper::finish(&mut frame, Addresses { source: 1, destination: 1 }).unwrap();
        frame
    };
    let mut village = village();
    for restarted in [false, true] {
        if restarted {
            village.cut();
            village.boot();
            village.run_for(10 * S);
        }
        let frames = village.frames_to_meters;
        village.deliver(1, clear(alarm::TAMPERED));
        village.run_for(20 * S);
        assert_eq!((heard(&village, 1), village.frames_to_meters - frames), (vec![], 0), "restarted: {restarted}");
    }
    let entry = MeterEntry {
        id: "TAA0000000000000".into(),
        account: "A0".into(),
        access: MeterAccess::Open,
        opening_balance_minor: 1_000_000,
        sts: None,
    };
    let mut village = Village::of(DcuConfig::new(traits(CreditAt::Dcu), tariff()), vec![entry], 3);
    village.run_until(HOUR);
    village.meters[0].descriptor = alarm::TAMPERED;
    village.deliver(0, clear(alarm::TAMPERED));
    village.run_for(20 * S);
    assert_eq!((heard(&village, 0), village.meters[0].descriptor), (vec![alarm::TAMPERED], 0));
}

#[test]
fn what_happens_between_push_and_confirmation_is_not_lost() {
    let mut village = village();
    village.raise(2, alarm::TAMPERED);
    // Its push is lost on the air; the descriptor has it.
    village.meters[2].raise(alarm::RELAY_MOVED);
    village.run_for(10 * S);
    let all = heard(&village, 2).into_iter().fold(0, |all, bits| all | bits);
    assert_eq!(all, alarm::TAMPERED | alarm::RELAY_MOVED);
    assert_eq!(village.meters[2].descriptor, 0);
}

#[test]
fn a_meter_that_cries_without_end_does_not_fill_the_journal() {
    let mut village = village();
    let before = village.journal().len();
    for n in 0..2_000_u32 {
        village.raise(0, 1 << (n % 20));
        village.run_for(2 * S);
    }
    let alarms = village.journal().iter().filter(|r| matches!(r.entry, Entry::MeterAlarm { .. })).count();
    assert!(alarms <= 36, "{alarms} alarms in 67 minutes");
    assert!(village.journal().len() - before < 400, "{} records", village.journal().len() - before);
    village.run_for(2 * HOUR);
    assert!((1..5).all(|m| village.state().meter(MeterIx(m)).unwrap().gaps.is_empty()));
}

#[test]
fn in_a_storm_every_alarm_arrives_once_or_more_and_is_confirmed_in_the_end() {
    for seed in 0..12 {
        let mut chance = Chance(seed);
        let mut village = Village::new(traits(CreditAt::Dcu), 3, 1_000_000, seed);
        village.loss = chance.below(40);
        village.duplicates = chance.below(30);
        village.sync_max = chance.below(3) * S;
        village.run_until(HOUR);
        let mut raised = [0_u32; 3];
        for _ in 0..30 {
            village.run_for(chance.below(600) * S);
            let meter = chance.below(3) as u32;
            match chance.below(6) {
                0 => {
                    village.cut();
                    village.boot();
                }
                1 => village.power(meter, false),
                2 => village.power(meter, true),
                _ => {
                    let bits = 1 << chance.below(6);
                    if village.meters[meter as usize].powered {
                        raised[meter as usize] |= bits;
                        village.raise(meter, bits);
                    }
                }
            }
        }
        village.loss = 0;
        village.sync_max = 0;
        for meter in 0..3 {
            village.power(meter, true);
        }
        for _ in 0..8 {
            village.run_for(HOUR / 2);
            for meter in 0..3 {
                if village.meters[meter].descriptor != 0 {
                    let frame = village.meters[meter].push();
                    village.deliver(meter as u32, frame);
                }
            }
        }
        village.run_for(HOUR);
        for meter in 0..3 {
            let told = heard(&village, meter).into_iter().fold(0, |all, bits| all | bits);
            assert_eq!(told, raised[meter as usize], "seed {seed}, meter {meter}");
            assert_eq!(village.meters[meter as usize].descriptor, 0, "seed {seed}, meter {meter}");
        }
        assert_eq!(&village.refold(), village.state());
    }
}
