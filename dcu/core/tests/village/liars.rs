//! Stories about meters that misbehave under protection: the others' readings stay complete, nothing wrong is billed,
//! and somebody is told.

use taa_dcu::{
    DcuEvent, MeterIx,
    config::{CreditAt, MeterAccess},
    uplink::AlarmCode,
};

use crate::{
    meter::Spoil,
    village::{FIRST_PERIOD, HOUR, S, Village, keys_of, traits},
};

const METERS: u32 = 20;
const LIAR: usize = 7;

/// A day with one meter whose answers are spoilt from the third hour to the twentieth.
fn day(spoil: Spoil) -> Village {
    let mut village = Village::new(traits(CreditAt::Dcu), METERS, 1_000_000, 9);
    village.run_until(3 * HOUR);
    village.meters[LIAR].spoil = Some(spoil);
    village.run_until(20 * HOUR);
    village.meters[LIAR].spoil = None;
    village.run_until(25 * HOUR);
    village
}

/// What holds whatever the liar does.
fn others_are_complete_and_the_liar_recovers(village: &Village) {
    for period in FIRST_PERIOD..FIRST_PERIOD + 25 {
        for meter in (0..METERS).filter(|m| *m as usize != LIAR) {
            assert!(village.cloud.has_reading(MeterIx(meter), period), "meter {meter}, period {period}");
        }
    }
    for meter in 0..METERS {
        let billed = village.state().book().account(meter).unwrap().register_wh().unwrap();
        let shown = village.meters[meter as usize].register_wh();
        assert!(billed <= shown && shown - billed < 110, "meter {meter}: {billed} of {shown} Wh");
        assert!(village.lit(meter));
    }
    let liar = MeterIx(LIAR as u32);
    assert!(village.state().meter(liar).unwrap().gaps.is_empty(), "its missed hours came from the profile");
    let bound = 25 * u64::from(METERS) * 3 + 1_000;
    assert!(village.frames_to_meters < bound, "{} frames: it backs off", village.frames_to_meters);
}

#[test]
fn a_meter_that_sends_garbage_for_hours() {
    let village = day(|n, reply| {
        let seed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        reply.iter_mut().enumerate().for_each(|(at, byte)| *byte ^= (seed >> (at % 57)) as u8);
    });
    others_are_complete_and_the_liar_recovers(&village);
}

#[test]
fn a_meter_whose_bits_flip_inside_the_ciphertext() {
    let village = day(|n, reply| {
        let at = reply.len() - 1 - (n as usize % 12);
        reply[at] ^= 0x10;
    });
    others_are_complete_and_the_liar_recovers(&village);
    let liar = MeterIx(LIAR as u32);
    let alarm = |e: &DcuEvent| matches!(e, DcuEvent::Alarm { meter: Some(m), code: AlarmCode::Security } if *m == liar);
    assert_eq!(village.count(alarm), 1, "told once");
}

#[test]
fn a_meter_that_stalls_in_the_middle() {
    let village = day(|n, reply| {
        if n % 3 != 0 {
            reply.clear();
        }
    });
    others_are_complete_and_the_liar_recovers(&village);
}

#[test]
fn a_meter_that_sends_its_first_answer_for_ever() {
    // Genuine, under the right keys, and old: its counter gives it away.
    let village = day(|_, reply| {
        use std::cell::RefCell;
        thread_local!(static FIRST: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
        FIRST.with_borrow_mut(|first| {
            if first.is_empty() {
                first.clone_from(reply);
            } else {
                reply.clone_from(first);
            }
        });
    });
    others_are_complete_and_the_liar_recovers(&village);
}

#[test]
fn a_meter_that_answers_everything_by_an_exception() {
    // Not associated, whatever is asked, in clear as such messages are.
    let village = day(|_, reply| {
        reply.truncate(8);
        reply.extend_from_slice(&[0xD8, 1, 1]);
        reply[6..8].copy_from_slice(&[0, 3]);
    });
    others_are_complete_and_the_liar_recovers(&village);
}

#[test]
fn a_meter_that_claims_an_impossible_length() {
    let village = day(|_, reply| {
        reply.truncate(8);
        reply.extend_from_slice(&[0xCC, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0x30, 0, 0, 0, 1]);
        reply[6..8].copy_from_slice(&[0, 11]);
    });
    others_are_complete_and_the_liar_recovers(&village);
}

#[test]
fn a_meter_that_answers_with_anothers_answers() {
    let mut village = Village::new(traits(CreditAt::Dcu), 3, 1_000_000, 10);
    village.run_until(2 * HOUR + HOUR * 3 / 4);
    // Everything that meter 0 would say comes from meter 1's address, and the other way round.
    village.meters.swap(0, 1);
    village.run_until(6 * HOUR);
    let alarms = village.count(|e| matches!(e, DcuEvent::Alarm { code: AlarmCode::Security, .. }));
    assert_eq!(alarms, 2, "one for each");
    let sequences: Vec<_> = (0..3).map(|m| village.state().meter(MeterIx(m)).unwrap().sequence).collect();
    assert!(sequences[0] <= 4 && sequences[1] <= 4 && sequences[2] >= 6, "{sequences:?}");
    village.meters.swap(0, 1);
    village.run_until(9 * HOUR);
    for period in FIRST_PERIOD..FIRST_PERIOD + 8 {
        assert!((0..3).all(|m| village.cloud.has_reading(MeterIx(m), period)), "period {period}");
    }
}

#[test]
fn a_meter_whose_counter_starts_again_is_heard_only_when_it_is_above_what_was_seen() {
    let mut village = Village::new(traits(CreditAt::Dcu), 3, 1_000_000, 11);
    village.run_until(5 * HOUR + HOUR * 3 / 4);
    // It forgets its counter: its messages look like old ones.
    village.meters[1].set_access(&MeterAccess::Keys(keys_of(1)));
    village.run_for(2 * HOUR);
    let told = village.count(|e| matches!(e, DcuEvent::Alarm { meter: Some(MeterIx(1)), code: AlarmCode::Security }));
    assert_eq!(told, 1);
    village.run_for(30 * HOUR);
    let recovered = village.when(6 * HOUR, |e| matches!(e, DcuEvent::MeterAnswers { meter: MeterIx(1) }));
    assert!(recovered.is_some(), "once its counter has passed what was seen, it is heard again");
    village.run_for(10 * S);
    assert!([0, 2].into_iter().all(|m| village.state().meter(MeterIx(m)).unwrap().gaps.is_empty()));
}

#[test]
fn a_register_that_goes_backward_under_the_right_keys_is_not_billed() {
    let mut village = Village::new(traits(CreditAt::Dcu), 2, 1_000_000, 12);
    village.run_until(4 * HOUR);
    let before = village.state().book().balance_minor(0);
    village.meters[0].scaler = 1;
    village.run_for(2 * HOUR);
    assert!(
        village.when(4 * HOUR, |e| matches!(e, DcuEvent::Alarm { code: AlarmCode::RegisterBackward, .. })).is_some()
    );
    assert!(village.state().book().balance_minor(0) <= before);
}
