//! A journal that was put back is found by what the cloud was told of it.

use taa_dcu::{DcuEvent, cloud::CloudEvent, config::Traits, journal::Entry, uplink::AlarmCode};

use crate::village::{HOUR, S, Village};

fn village(seed: u64) -> Village {
    let mut village = Village::new(Traits::bundle("edge_local").unwrap(), 3, 100_000, seed);
    village.run_for(2 * HOUR);
    village
}

const fn rolled_back(event: &DcuEvent) -> bool {
    matches!(event, DcuEvent::RolledBack { .. })
}

fn begins_anew(village: &Village) -> usize {
    village.cloud_events.iter().filter(|(_, e)| matches!(e, CloudEvent::SiteRolledBack { .. })).count()
}

/// Something is promised, and the cloud hears how far the journal goes.
fn promise(village: &mut Village, key: &str) {
    village.pay_agent(key, 0, 5_000);
    village.run_for(180 * S);
    assert!(village.cloud.standing().is_some());
}

fn restart(village: &mut Village) {
    village.cut();
    village.boot();
}

#[test]
fn the_cloud_knows_every_promise_a_minute_later_and_an_honest_restart_accuses_nobody() {
    let mut village = village(70);
    promise(&mut village, "R1");
    let paid = village.journal().iter().rfind(|record| matches!(record.entry, Entry::Payment { .. })).unwrap().number;
    let kept = village.cloud.standing().unwrap();
    assert!(kept.record >= paid && kept.leaves > 0 && kept.journal == [1; 16] && kept.epoch == 0);
    for n in 0..5 {
        restart(&mut village);
        village.run_for(HOUR);
        promise(&mut village, &format!("S{n}"));
        village.link(false);
        restart(&mut village);
        village.run_for(HOUR);
        village.link(true);
        village.run_for(HOUR);
    }
    assert_eq!((village.count(rolled_back), begins_anew(&village)), (0, 0));
    assert!(!village.state().is_in_doubt());
}

#[test]
fn a_journal_that_was_put_back_is_doubted_before_a_word_is_said_to_a_meter() {
    let mut village = village(71);
    let copy = village.journal().to_vec();
    let title = village.state().system_title();
    promise(&mut village, "R1");
    village.cut();
    village.put_back(copy);
    let frames = village.frames_to_meters;
    village.sync_max = S;
    village.boot();
    while village.count(rolled_back) == 0 {
        village.run_for(S / 10);
        let told = village.frames_to_meters == frames;
        assert!(told || village.count(rolled_back) > 0, "a meter was spoken to");
    }
    assert!(village.state().is_in_doubt());
    let (_, found) = village.events.iter().find(|(_, event)| rolled_back(event)).unwrap();
    assert!(matches!(found, DcuEvent::RolledBack { witnessed: Some(w), found, restart: false } if w > found));
    village.run_for(HOUR);
    assert_ne!(village.state().system_title(), title, "counters of the lost journal belong to the old one");
    assert!(village.frames_to_meters > frames, "readings go on");
    let alarm = |(_, e): &(u64, CloudEvent)| matches!(e, CloudEvent::Alarm { code: AlarmCode::JournalDamaged, .. });
    assert!(village.cloud_events.iter().any(alarm));
    promise(&mut village, "R2");
    assert_eq!(begins_anew(&village), 1);
    // Told once; what is promised from now on counts again.
    restart(&mut village);
    village.run_for(HOUR);
    assert_eq!((village.count(rolled_back), begins_anew(&village)), (1, 1));
    let copy = village.journal().to_vec();
    promise(&mut village, "R3");
    village.cut();
    village.put_back(copy);
    village.boot();
    village.run_for(HOUR);
    promise(&mut village, "R4");
    assert_eq!((village.count(rolled_back), begins_anew(&village)), (2, 2));
}

#[test]
fn a_journal_that_grew_anew_over_several_starts_without_a_link_is_found_as_well() {
    let mut village = village(72);
    let copy = village.journal().to_vec();
    promise(&mut village, "R1");
    village.cut();
    village.put_back(copy);
    village.link(false);
    for _ in 0..3 {
        village.boot();
        village.run_for(30 * HOUR);
        village.cut();
    }
    assert!(village.journal().last().unwrap().number > village.cloud.standing().unwrap().record);
    village.boot();
    village.run_for(HOUR);
    // Keys were in use by then: the DCU was started anew, and speaks under another title.
    village.link(true);
    village.run_for(HOUR);
    let anew = |event: &DcuEvent| matches!(event, DcuEvent::RolledBack { restart: true, .. });
    assert_eq!(village.count(anew), 1);
    assert!(village.state().is_in_doubt());
    let frames = village.frames_to_meters;
    village.run_for(2 * HOUR);
    assert!(village.frames_to_meters > frames);
    assert_eq!(village.count(rolled_back), 1, "told once");
}

#[test]
fn an_empty_card_in_place_of_the_journal_is_another_journal() {
    let mut village = village(73);
    promise(&mut village, "R1");
    village.cut();
    village.put_back(Vec::new());
    village.journal_name = [2; 16];
    village.boot();
    village.run_for(60 * S);
    assert_eq!(village.count(rolled_back), 1);
    assert!(village.state().is_in_doubt());
}

#[test]
fn a_cloud_of_an_earlier_version_holds_nothing_up_for_longer_than_half_a_minute() {
    let mut village = village(74);
    village.cloud_is_old = true;
    promise(&mut village, "R1");
    restart(&mut village);
    let frames = village.frames_to_meters;
    village.run_for(29 * S);
    assert_eq!(village.frames_to_meters, frames);
    village.run_for(2 * HOUR);
    assert!(village.frames_to_meters > frames);
    assert!(!village.state().is_in_doubt());
}

#[test]
fn sabotage_without_an_answer_the_same_roll_back_goes_unseen() {
    let mut village = village(71);
    let copy = village.journal().to_vec();
    promise(&mut village, "R1");
    village.cut();
    village.put_back(copy);
    village.cloud_is_old = true;
    village.boot();
    village.run_for(HOUR);
    assert_eq!(village.count(rolled_back), 0);
    assert!(!village.state().is_in_doubt());
}
