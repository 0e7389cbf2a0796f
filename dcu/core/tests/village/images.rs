//! An image for many meters: it comes whole, to everybody, and nobody else waits for it.

use std::sync::Arc;

use taa_dcu::{
    DcuEvent, ImageOrder, ImageOrderError, ImageState, MeterIx,
    config::{CreditAt, DcuConfig, RetryPolicy},
    journal::{Entry, Record},
};
use taa_dlms::{DataAccessResult, cosem::image::ImageError, obis};

use proptest::prelude::*;

use crate::{
    flash::BLOCK_BYTES,
    village::{Chance, FIRST_PERIOD, HOUR, S, Village, tariff, traits},
};

const NAME: &[u8] = b"MM-2.0";

fn image(bytes: u32) -> Arc<[u8]> {
    (0..bytes).map(|n| (n * 7 + n / 256 + n / 65_536) as u8).collect()
}

fn order(village: &mut Village, bytes: u32, meters: &[u32]) -> Result<(), ImageOrderError> {
    let meters = meters.iter().copied().map(MeterIx).collect();
    let order = ImageOrder { identifier: NAME.to_vec(), image: image(bytes), meters };
    let mut taken = Ok(());
    village.with_dcu(|dcu, now| taken = dcu.distribute_image(now, order));
    taken
}

fn state(village: &Village, meter: u32) -> ImageState {
    village.state().campaign().unwrap().meter(MeterIx(meter)).unwrap()
}

/// Every meter has activated exactly this image, and the DCU knows it.
fn all_run_it(village: &Village, bytes: u32) {
    for (ix, meter) in (0..).zip(&village.meters) {
        let activated = meter.flash.activated();
        assert!(!activated.is_empty(), "meter {ix} runs the image: {:?}", state(village, ix));
        for (name, got) in activated {
            assert!(name == NAME && got[..] == image(bytes)[..], "meter {ix} got something else");
        }
        assert_eq!(state(village, ix), ImageState::Activated, "meter {ix}");
    }
    assert!(!village.state().campaign().unwrap().is_under_way());
}

fn quick() -> DcuConfig {
    let mut config = DcuConfig::new(traits(CreditAt::Dcu), tariff());
    config.retry = RetryPolicy { first_s: 30, max_s: 120 };
    config
}

#[test]
fn two_hundred_meters_get_it_while_losses_restarts_and_blackouts_go_on() {
    const BYTES: u32 = 40_000;
    let mut village = Village::with(quick(), 200, 1_000_000, 41);
    village.loss = 3;
    village.run_until(HOUR + HOUR * 3 / 4);
    for meter in 0..200 {
        village.meters[meter].flash.keeps = meter % 3 != 0;
    }
    order(&mut village, BYTES, &[]).unwrap();
    village.run_for(HOUR / 4);
    let begun = (0..200).filter(|m| state(&village, *m) != ImageState::NotBegun).count();
    assert!((10..190).contains(&begun), "{begun} begun: a few at a time");
    // The DCU loses its supply twice, once with a checkpoint behind it.
    village.cut();
    village.run_for(60 * S);
    village.boot();
    village.run_for(HOUR / 4);
    village.compact();
    village.cut();
    village.run_for(60 * S);
    village.boot();
    // A branch loses its supply in the middle of its blocks.
    village.run_for(HOUR / 8);
    (20..60).for_each(|m| village.power(m, false));
    village.run_for(HOUR / 8);
    (20..60).for_each(|m| village.power(m, true));
    (20..60).for_each(|m| village.heard(m));
    village.run_until(10 * HOUR + HOUR * 3 / 4);
    all_run_it(&village, BYTES);
    assert_eq!(&village.refold(), village.state());
    // Nobody went unread in the hours without a blackout.
    for period in FIRST_PERIOD + 4..FIRST_PERIOD + 10 {
        assert_eq!(village.dcu.as_ref().unwrap().readings_complete(period), 200, "period {period}");
    }
}

#[test]
fn who_pays_is_served_at_once_in_the_middle_of_a_campaign() {
    let mut config = quick();
    // All of them within two hours would be a mass disconnection.
    config.relays.openings_per_hour_percent = 100;
    let mut village = Village::with(config, 60, 500, 42);
    village.run_until(8 * HOUR + HOUR * 3 / 4);
    assert!((0..60).all(|m| !village.lit(m)), "all credit is used up");
    order(&mut village, 60_000, &[]).unwrap();
    village.run_for(120 * S);
    let begun = |village: &Village| {
        let all = village.state().campaign().unwrap().meters();
        all.filter(|(_, state)| matches!(state, ImageState::Begun { .. })).map(|(meter, _)| meter.0).next()
    };
    for n in 0..20 {
        // One that is being sent blocks at this moment, and one that waits.
        let busy = begun(&village).unwrap();
        for meter in [busy, 59 - n] {
            let paid = village.now;
            village.pay_agent(&format!("P{n}-{meter}"), meter, 5_000);
            village.run_for(15 * S);
            assert!(village.lit(meter), "meter {meter}, paid at {} s", paid / S);
        }
        village.run_for(20 * S);
    }
    village.run_for(6 * HOUR);
    all_run_it(&village, 60_000);
}

#[test]
fn a_dead_branch_holds_up_nobody_and_gets_it_when_it_lives_again() {
    let mut village = Village::with(quick(), 60, 1_000_000, 52);
    village.run_until(HOUR * 3 / 4);
    (0..40).for_each(|m| village.power(m, false));
    order(&mut village, 20_000, &[]).unwrap();
    village.run_for(HOUR);
    for meter in 40..60 {
        assert_eq!(state(&village, meter), ImageState::Activated, "meter {meter} lives");
    }
    assert!((0..40).all(|m| state(&village, m) == ImageState::NotBegun));
    (0..40).for_each(|m| village.power(m, true));
    (0..40).for_each(|m| village.heard(m));
    village.run_for(HOUR);
    all_run_it(&village, 20_000);
}

#[test]
fn a_restart_goes_on_where_the_meter_is() {
    let mut village = Village::with(quick(), 1, 1_000_000, 43);
    village.run_until(HOUR * 3 / 4);
    let blocks = 200;
    order(&mut village, blocks * BLOCK_BYTES, &[]).unwrap();
    while village.meters[0].flash.blocks < 120 {
        village.run_for(S);
    }
    let known = state(&village, 0);
    assert!(matches!(known, ImageState::Begun { blocks_done: 75..=120, blocks: 200 }), "{known:?}");
    village.cut();
    village.run_for(S);
    village.boot();
    village.run_for(HOUR);
    all_run_it(&village, blocks * BLOCK_BYTES);
    let sent = village.meters[0].flash.blocks;
    assert!(sent <= blocks + 1, "{sent} blocks sent: what the meter has is not sent again");
}

#[test]
fn a_meter_that_forgets_is_begun_again() {
    let mut village = Village::with(quick(), 1, 1_000_000, 44);
    village.meters[0].flash.keeps = false;
    village.run_until(HOUR * 3 / 4);
    order(&mut village, 100 * BLOCK_BYTES, &[]).unwrap();
    while village.meters[0].flash.blocks < 60 {
        village.run_for(S);
    }
    village.power(0, false);
    village.run_for(60 * S);
    village.power(0, true);
    village.heard(0);
    village.run_for(HOUR);
    all_run_it(&village, 100 * BLOCK_BYTES);
    assert_eq!(village.meters[0].flash.activated().len(), 1, "activated once");
}

#[test]
fn a_meter_that_spoils_the_image_is_tried_again_and_at_last_given_up() {
    let mut village = Village::with(quick(), 3, 1_000_000, 45);
    village.run_until(HOUR * 3 / 4);
    village.meters[1].flash.spoil(2);
    village.meters[2].flash.spoil(1_000);
    order(&mut village, 5_000, &[]).unwrap();
    village.run_for(6 * HOUR);
    assert_eq!((state(&village, 0), state(&village, 1)), (ImageState::Activated, ImageState::Activated));
    let ImageState::Failed(error) = state(&village, 2) else { panic!("{:?}", state(&village, 2)) };
    assert!(village.when(0, |e| *e == DcuEvent::ImageFailed { meter: MeterIx(2), error }).is_some());
    assert!(matches!(error, ImageError::VerificationFailed | ImageError::Forgotten), "{error}");
    assert!(village.meters[2].flash.activated().is_empty());
    assert!(!village.state().campaign().unwrap().is_under_way());
    let tries = village.meters[2].flash.blocks / 10;
    assert_eq!(tries, 4, "whole images sent");
}

#[test]
fn nothing_is_sent_before_the_order_is_durable_and_only_to_whom_it_names() {
    let mut village = Village::with(quick(), 4, 1_000_000, 46);
    village.run_until(HOUR * 3 / 4);
    village.sync_max = 1_000 * S;
    order(&mut village, 5_000, &[1, 3]).unwrap();
    assert_eq!(order(&mut village, 5_000, &[]), Err(ImageOrderError::UnderWay));
    village.run_for(S / 2);
    assert!(village.meters.iter().all(|m| m.flash.blocks == 0));
    // The record is lost with the supply: as if it had never been ordered.
    village.cut();
    village.sync_max = 0;
    village.boot();
    assert_eq!(village.state().campaign(), None);
    order(&mut village, 5_000, &[1, 3]).unwrap();
    village.run_for(HOUR / 4);
    let got: Vec<_> = village.meters.iter().map(|m| m.flash.activated().len()).collect();
    assert_eq!(got, [0, 1, 0, 1]);
    let events = village.events.iter().filter(|(_, e)| matches!(e, DcuEvent::ImageActivated { .. }));
    assert_eq!(events.count(), 2);
}

#[test]
fn a_campaign_that_is_cancelled_sends_nothing_more_and_lets_the_bytes_go() {
    let mut village = Village::with(quick(), 20, 1_000_000, 47);
    village.run_until(HOUR * 3 / 4);
    order(&mut village, 50_000, &[]).unwrap();
    village.run_for(120 * S);
    let mut cancelled = false;
    village.with_dcu(|dcu, now| cancelled = dcu.cancel_image(now));
    assert!(cancelled);
    // What is on the air still arrives.
    village.run_for(5 * S);
    let sent: u32 = village.meters.iter().map(|m| m.flash.blocks).sum();
    village.run_for(HOUR);
    assert_eq!(sent, village.meters.iter().map(|m| m.flash.blocks).sum::<u32>());
    let campaign = village.state().campaign().unwrap();
    assert!(campaign.is_cancelled() && !campaign.is_under_way());
    village.compact();
    let images = |record: &Record| matches!(&record.entry, Entry::ImageOrdered(_));
    assert!(!village.journal().iter().any(images));
    assert_eq!(village.dcu.as_ref().unwrap().readings_complete(FIRST_PERIOD + 1), 20, "and readings go on");
    order(&mut village, 5_000, &[]).unwrap();
    village.run_for(HOUR);
    all_run_it(&village, 5_000);
}

#[test]
fn a_meter_that_takes_its_time_holds_up_nobody() {
    let mut village = Village::with(quick(), 2, 1_000_000, 50);
    village.run_until(HOUR * 3 / 4);
    village.meters[0].flash.slow(30);
    order(&mut village, 5_000, &[]).unwrap();
    village.run_for(120 * S);
    assert_eq!(state(&village, 1), ImageState::Activated);
    assert!(matches!(state(&village, 0), ImageState::Begun { .. }));
    // It is asked every ten seconds; in between it serves as ever.
    village.meters[0].closed = false;
    village.heard(0);
    village.run_for(15 * S);
    assert!(village.lit(0));
    village.run_for(10 * 60 * S);
    all_run_it(&village, 5_000);
}

#[test]
fn a_meter_that_restarts_before_it_answers_is_not_told_twice() {
    for keeps in [true, false] {
        let mut village = Village::with(quick(), 2, 1_000_000, 51);
        village.run_until(HOUR * 3 / 4);
        village.meters[0].flash.hasty = true;
        // Its status may be gone too: then the firmware that it runs is the proof.
        village.meters[0].flash.keeps = keeps;
        order(&mut village, 5_000, &[]).unwrap();
        village.run_for(HOUR / 2);
        all_run_it(&village, 5_000);
        assert_eq!(village.meters[0].flash.activated().len(), 1, "keeps its status: {keeps}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever goes wrong on the way: once it has healed, every meter runs the image, and was told so once.
    #[test]
    fn after_any_story_everybody_runs_it(seed: u64) {
        const METERS: u64 = 5;
        let mut chance = Chance(seed);
        let mut village = Village::with(quick(), METERS as u32, 1_000_000, seed);
        for meter in &mut village.meters {
            meter.flash.keeps = chance.percent(60);
            meter.flash.hasty = chance.percent(40);
            meter.flash.slow(chance.below(3) as u32);
            meter.flash.spoil(chance.below(2) as u32);
        }
        village.run_until(HOUR / 2);
        order(&mut village, 20_000, &[]).unwrap();
        village.loss = chance.below(30);
        village.duplicates = chance.below(20);
        village.delay_max = (1 + chance.below(8)) * S;
        village.sync_max = chance.below(3) * S;
        for _ in 0..30 {
            village.run_for(chance.below(120) * S);
            let meter = chance.below(METERS) as u32;
            match chance.below(6) {
                0 | 1 => village.power(meter, false),
                2 | 3 => {
                    village.power(meter, true);
                    village.heard(meter);
                }
                4 => {
                    village.cut();
                    village.run_for(chance.below(300) * S);
                    village.boot();
                }
                _ => village.compact(),
            }
        }
        (village.loss, village.duplicates, village.delay_max, village.sync_max) = (0, 0, S, 0);
        (0..METERS as u32).for_each(|m| village.power(m, true));
        village.run_for(60 * S);
        if village.state().campaign().is_none() {
            // The order was lost with the supply before it was durable.
            order(&mut village, 20_000, &[]).unwrap();
        }
        village.run_for(5 * HOUR);
        all_run_it(&village, 20_000);
        prop_assert!(village.meters.iter().all(|meter| meter.flash.activated().len() == 1));
        prop_assert_eq!(&village.refold(), village.state());
    }
}

#[test]
fn a_meter_that_takes_no_images_is_told_of_at_once() {
    let mut village = Village::with(quick(), 2, 1_000_000, 49);
    village.meters[0].without(obis::IMAGE_TRANSFER);
    // Another firmware than the other's, as their objects differ.
    village.meters[0].firmware = b"OLD-1".to_vec();
    village.run_until(HOUR * 3 / 4);
    order(&mut village, 5_000, &[]).unwrap();
    village.run_for(HOUR / 4);
    let error = ImageError::Access(DataAccessResult::ObjectUndefined);
    assert_eq!((state(&village, 0), state(&village, 1)), (ImageState::Failed(error), ImageState::Activated));
}

/// Sabotage: one wrong byte in one meter must turn the comparison red.
#[test]
#[should_panic(expected = "meter 1 got something else")]
fn a_wrong_byte_is_noticed_by_this_test() {
    let mut village = Village::with(quick(), 2, 1_000_000, 48);
    village.run_until(HOUR * 3 / 4);
    order(&mut village, 5_000, &[]).unwrap();
    village.run_for(HOUR / 2);
    all_run_it(&village, 5_000);
    let mut other = village.meters[1].flash.activated();
    other[0].1[77] ^= 1;
    village.meters[1].flash.pretend(other);
    all_run_it(&village, 5_000);
}
