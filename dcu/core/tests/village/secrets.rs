//! Stories about keys: who may speak when, with which counter, and what happens when the keys do not fit.

use std::collections::BTreeSet;

use proptest::prelude::*;
use taa_dcu::{
    DcuEvent, MeterIx,
    config::{CreditAt, DcuConfig, MeterAccess, MeterEntry},
    journal::{Entry, Record},
    uplink::AlarmCode,
};
use taa_dlms::{
    apdu::{Aarq, ActionRequest, Apdu},
    axdr::decode_all,
    link::wrapper,
    security::{
        SystemTitle,
        layer::{self, Envelope, LayerKeys},
    },
};
use taa_keys::{KeyHandle, Secret};

use crate::village::{Chance, FIRST_PERIOD, HOUR, S, Village, keys_of, tariff, traits};

/// Invocation counters that a frame to meter `n` uses: of the message, and of a GMAC proof inside it. Opens it with the
/// meter's keys, so a frame that is not genuine fails the test.
fn counters(title: [u8; 8], n: u32, frame: &[u8]) -> Vec<u32> {
    let (_, message) = wrapper::open(frame).unwrap();
    let sealed = match message[0] {
        0x60 => {
            let Ok(Apdu::Aarq(Aarq { user_information: Some(sealed), .. })) = Apdu::decode(message) else { panic!() };
            sealed
        }
        _ => message,
    };
    let envelope = Envelope::parse(sealed).unwrap();
    let (control, outer) = layer::header(envelope.body).unwrap();
    assert!(control.protection.authenticated && control.protection.encrypted, "nothing leaves in clear");
    let keys = keys_of(n);
    let (cipher, authentication) = (KeyHandle::new(keys.encryption).cipher(), KeyHandle::new(keys.authentication));
    let keys = LayerKeys { cipher: &cipher, authentication: Some(&authentication) };
    let mut body = envelope.body.to_vec();
    let text = layer::open_body(&mut body, SystemTitle(title), keys, &[]).unwrap();
    let mut used = vec![outer];
    if let Ok(Apdu::ActionRequest(ActionRequest::Normal { method, parameter: Some(parameter), .. })) =
        Apdu::decode(text)
        && method.class == 15
    {
        let proof = decode_all(parameter).unwrap();
        used.push(u32::from_be_bytes(proof.as_bytes().unwrap()[1..5].try_into().unwrap()));
    }
    used
}

/// Power cuts, slow disks, lost frames: the title, and all that the DCU ever sent.
fn stormy(seed: u64, misread: fn(&mut Record)) -> ([u8; 8], Vec<(u32, Vec<u8>)>) {
    let mut chance = Chance(seed ^ 0xC0DE);
    let mut config = DcuConfig::new(traits(CreditAt::Dcu), tariff());
    config.counter_block = 8 + chance.below(24) as u32;
    let mut village = Village::with(config, 4, 1_000_000, seed);
    village.misread = misread;
    village.wire = Some(Vec::new());
    village.loss = chance.below(30);
    village.sync_max = chance.below(20) * S;
    for _ in 0..25 {
        village.run_for(chance.below(HOUR / 2));
        match chance.below(5) {
            0 | 1 => {
                village.cut();
                village.boot();
            }
            2 => village.compact(),
            _ => village.heard(chance.below(4) as u32),
        }
    }
    (village.state().system_title().unwrap(), village.wire.unwrap())
}

fn repeats((title, wire): &([u8; 8], Vec<(u32, Vec<u8>)>)) -> usize {
    let mut seen = BTreeSet::new();
    let used = wire.iter().flat_map(|(meter, frame)| counters(*title, *meter, frame).into_iter().map(|n| (*meter, n)));
    used.filter(|nonce| !seen.insert(*nonce)).count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// One title, one key per meter: of all frames of all boots no two share a counter, whatever the disk has lost.
    #[test]
    fn no_counter_is_ever_used_twice(seed: u64) {
        let sent = stormy(seed, |_| {});
        prop_assert!(sent.1.len() > 20);
        prop_assert_eq!(repeats(&sent), 0);
    }
}

/// Sabotage: a recovery that goes on at what was used last instead of at the bound.
#[test]
fn a_careless_recovery_is_noticed_by_this_test() {
    let careless = |record: &mut Record| {
        if let Entry::CounterReserved { bound, .. } = &mut record.entry {
            *bound -= 8;
        }
    };
    assert!((0..4).any(|seed| repeats(&stormy(seed, careless)) > 0));
}

/// The flash dies and a new one is put in: how many readings there are in the hours after, and how many alarms.
fn with_an_empty_journal(keep_title: bool) -> (u32, usize) {
    let mut village = Village::new(traits(CreditAt::Dcu), 4, 1_000_000, 6);
    village.run_until(4 * HOUR + HOUR * 3 / 4);
    let before = village.state().system_title().unwrap();
    village.cut();
    // Nobody tells the DCU what it has lost: it has to be safe without.
    village.cloud_is_old = true;
    village.lose_journal(|entry| keep_title && matches!(entry, Entry::TitleTaken { .. }));
    village.boot();
    village.run_until(8 * HOUR + HOUR * 3 / 4);
    assert_eq!(village.state().system_title() == Some(before), keep_title);
    let readings = (5..8).map(|hour| village.dcu.as_ref().unwrap().readings_complete(FIRST_PERIOD + hour)).sum();
    (readings, village.count(|e| matches!(e, DcuEvent::Alarm { code: AlarmCode::Security, .. })))
}

#[test]
fn a_dcu_that_has_lost_its_journal_takes_another_title_and_is_heard() {
    assert_eq!(with_an_empty_journal(false), (12, 0));
}

/// Sabotage: under its old title it would use counters again, and the meters notice.
#[test]
fn an_old_title_without_its_counters_is_noticed_by_this_test() {
    assert_eq!(with_an_empty_journal(true), (0, 4));
}

#[test]
fn nothing_is_said_with_keys_before_there_is_entropy() {
    let mut village = Village::new(traits(CreditAt::Dcu), 3, 1_000_000, 1);
    village.cut();
    village.entropy = false;
    village.boot();
    village.wire = Some(Vec::new());
    village.run_for(3 * HOUR);
    village.heard(1);
    village.run_for(60 * S);
    assert_eq!(village.wire.as_ref().unwrap().len(), 0);
    village.give_entropy();
    village.run_for(60 * S);
    assert_eq!(village.dcu.as_ref().unwrap().readings_complete(FIRST_PERIOD + 3), 3, "what was due is done at once");
}

#[test]
fn a_disk_that_never_answers_keeps_secured_meters_unspoken_to() {
    let mut village = Village::new(traits(CreditAt::Dcu), 2, 1_000_000, 2);
    village.cut();
    village.sync_max = u64::MAX / 4;
    village.boot();
    village.wire = Some(Vec::new());
    village.run_for(5 * HOUR);
    assert_eq!(village.wire.as_ref().unwrap().len(), 0, "no counter is ours before its record is durable");
}

#[test]
fn meters_with_keys_a_password_and_nothing_live_side_by_side() {
    let entry = |n: u32, access: MeterAccess| MeterEntry {
        id: format!("TAA{n:013}"),
        account: format!("A{n}"),
        access,
        opening_balance_minor: 4_500,
        sts: None,
    };
    let entries = vec![
        entry(0, MeterAccess::Keys(keys_of(0))),
        entry(1, MeterAccess::Password(Secret::new(b"12345678"))),
        entry(2, MeterAccess::Open),
    ];
    let mut village = Village::of(DcuConfig::new(traits(CreditAt::Dcu), tariff()), entries, 3);
    village.run_until(4 * HOUR);
    for period in FIRST_PERIOD..FIRST_PERIOD + 4 {
        assert_eq!(village.dcu.as_ref().unwrap().readings_complete(period), 3, "period {period}");
    }
    assert!((0..3).all(|meter| village.lit(meter)));
    village.run_until(10 * HOUR);
    assert!((0..3).all(|meter| !village.lit(meter)), "the credit is used up, whatever the access");
}

#[test]
fn a_meter_with_other_keys_is_told_of_once_and_the_fleet_goes_on() {
    let mut village = Village::new(traits(CreditAt::Dcu), 12, 1_000_000, 4);
    village.meters[5].set_access(&MeterAccess::Keys(keys_of(99)));
    village.run_until(8 * HOUR);
    let alarms: Vec<_> = village.events.iter().filter(|(_, e)| matches!(e, DcuEvent::Alarm { .. })).collect();
    assert!(
        matches!(alarms[..], [(_, DcuEvent::Alarm { meter: Some(MeterIx(5)), code: AlarmCode::Security })]),
        "{alarms:?}"
    );
    for period in FIRST_PERIOD..FIRST_PERIOD + 8 {
        assert_eq!(village.dcu.as_ref().unwrap().readings_complete(period), 11, "period {period}");
    }
    let frames = village.frames_to_meters;
    assert!(frames < 11 * 8 * 3 + 120, "{frames} frames: it backs off");
    // Somebody puts the right keys in.
    village.meters[5].set_access(&MeterAccess::Keys(keys_of(5)));
    village.run_for(2 * HOUR);
    assert!(village.when(8 * HOUR, |e| matches!(e, DcuEvent::MeterAnswers { meter: MeterIx(5) })).is_some());
}

#[test]
fn a_meter_that_never_learnt_our_password_is_a_matter_of_security_too() {
    let access = |password: &[u8]| MeterAccess::Password(Secret::new(password));
    let entry = MeterEntry {
        id: "TAA0000000000000".into(),
        account: "A0".into(),
        access: access(b"12345678"),
        opening_balance_minor: 800,
        sts: None,
    };
    let mut village = Village::of(DcuConfig::new(traits(CreditAt::Dcu), tariff()), vec![entry], 5);
    village.meters[0].set_access(&access(b"87654321"));
    village.run_until(3 * HOUR);
    let alarmed = |e: &DcuEvent| matches!(e, DcuEvent::Alarm { code: AlarmCode::Security, .. });
    assert!(village.when(0, alarmed).is_some());
    assert!(village.lit(0));
}
