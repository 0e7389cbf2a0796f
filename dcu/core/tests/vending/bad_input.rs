//! What is wrong from outside: clocks, modules, leases, settings, tokens. Each has a name, and no money is lost by it.

use taa_dcu::{
    DcuEvent, MeterIx,
    config::{Contradiction, VendingConfig},
    vending::{Ask, Fate, KeyRefusal, LeaseNote, Source, VendAsk, VendId, VendRefusal, Void},
};
use taa_tokens::sts::{FormatError, TimeError, meter::Reason};

use crate::site::{HOUR, START_MINUTE, START_UNIX_S, Site, U, entry};

fn refusals(site: &Site) -> Vec<VendRefusal> {
    let refusals = site.events.iter().filter_map(|(_, event)| match event {
        DcuEvent::VendRefused { refusal, .. } => Some(refusal.clone()),
        _ => None,
    });
    refusals.collect()
}

#[test]
fn a_clock_in_1970_or_2099_sells_nothing_and_uses_nothing_up() {
    let seconds_2099 = 4_070_908_800_i64;
    for (unix_s, error) in [(60, TimeError::BeforeBase(2014)), (seconds_2099, TimeError::AfterBase(2014))] {
        let mut site = Site::new();
        site.clock_error_ms = (unix_s - START_UNIX_S) * 1000;
        site.set_clock();
        site.pay("R1", 0, 10_000);
        assert_eq!(refusals(&site), [VendRefusal::Time(error)]);
        assert_eq!((site.questions.len(), site.due_u(0)), (0, 10_000 * U));
        site.clock_error_ms = 0;
        site.set_clock();
        site.run_for(2 * HOUR);
        site.type_all();
        assert_eq!(site.meters[0].credited + site.due_u(0), 10_000 * U);
    }
}

#[test]
fn without_a_clock_or_a_minute_the_money_waits() {
    let mut site = Site::with(VendingConfig::default(), vec![entry(0)]);
    site.pay("R1", 0, 10_000);
    assert!(matches!(refusals(&site)[..], [VendRefusal::Lease(_)]));
    site.lease(START_MINUTE, START_MINUTE + 1440, 2, 1);
    assert_eq!(site.left().len(), 1, "as soon as there are minutes");
    site.cut();
    site.clock = false;
    site.boot();
    site.pay("R2", 0, 10_000);
    assert_eq!(refusals(&site).last(), Some(&VendRefusal::NoClock));
    site.set_clock();
    site.run_for(2 * HOUR);
    site.type_all();
    assert_eq!(site.meters[0].credited + site.due_u(0), 20_000 * U);
}

#[test]
fn minutes_for_another_journal_are_not_taken() {
    let mut site = Site::with(VendingConfig::default(), vec![entry(0)]);
    let lease =
        LeaseNote { id: 9, from: START_MINUTE, to: START_MINUTE + 1440, every: 1, phase: 0, holder: *b"TAA\xDCelse" };
    let mut frame = Vec::new();
    let body = taa_dcu::uplink::Down::Lease(lease);
    taa_dcu::uplink::DownFrame { sequence: 1, body }.encode(&mut frame);
    site.with_dcu(|dcu, now| dcu.handle_uplink_receive(now, &frame));
    assert_eq!(site.count(|e| matches!(e, DcuEvent::LeaseRefused { id: 9 })), 1);
    assert_eq!(site.state().desk().leases(), []);
}

#[test]
fn a_module_that_answers_nonsense_is_not_believed() {
    let mut site = Site::new();
    site.module_up = false;
    site.pay("R1", 0, 10_000);
    // A token of another class: no credit, whatever it is.
    let set = site.module.key_change(
        &entry(0).sts.unwrap().meter_key(),
        &taa_tokens::sts::vend::MeterKey {
            key: crate::site::key(2, 255, taa_tokens::sts::BaseDate::Y2014),
            ..entry(0).sts.unwrap().meter_key()
        },
    );
    let wrong = set.unwrap()[0];
    site.with_dcu(|dcu, now| dcu.handle_key(now, VendId(1), Ok(wrong)));
    assert_eq!(site.fate(1), Fate::Void { why: Void::Key(KeyRefusal::Refused) });
    assert_eq!((site.left().len(), site.due_u(0)), (0, 10_000 * U));
    // Answers to questions that nobody asked.
    site.with_dcu(|dcu, now| dcu.handle_key(now, VendId(77), Ok(wrong)));
    site.with_dcu(|dcu, now| dcu.handle_key(now, VendId(1), Ok(wrong)));
    site.answer_all();
    site.run_for(2 * HOUR);
    site.type_all();
    assert_eq!(site.meters[0].credited + site.due_u(0), 10_000 * U);
}

#[test]
fn settings_that_contradict_themselves_sell_nothing() {
    let mut entries = vec![entry(0), entry(0)];
    entries[1].account = "A1".into();
    let mut site = Site::with(VendingConfig::default(), entries);
    let ask = VendAsk { meter: MeterIx(0), ask: Ask::ClearTamper, source: Source::Operator };
    let wrong = Contradiction::SamePan(MeterIx(0), MeterIx(1));
    let refused = site.with_dcu(|dcu, now| dcu.handle_vend(now, ask.clone())).unwrap();
    assert_eq!(refused, Err(VendRefusal::Configuration(wrong)));
    let mut site = Site::new();
    let elsewhere = VendAsk { meter: MeterIx(7), ..ask };
    assert_eq!(site.with_dcu(|dcu, now| dcu.handle_vend(now, elsewhere)).unwrap(), Err(VendRefusal::UnknownMeter));
}

/// Forged, replayed, truncated, another meter's.
#[test]
fn tokens_that_are_none_are_named_by_the_meter() {
    let mut site = Site::new();
    site.pay("R1", 0, 10_000);
    let token = site.left()[0].3.0;
    let mut forged = token;
    forged[7] = b'0' + (forged[7] - b'0' + 1) % 10;
    assert_eq!(site.meters[0].enter(&forged), Err(Reason::Checksum));
    assert_eq!(site.meters[1].enter(&token), Err(Reason::Checksum));
    assert_eq!(site.meters[0].enter(&token), Ok(()));
    assert_eq!(site.meters[0].enter(&token), Err(Reason::Used { just_now: true }));
    let short = std::str::from_utf8(&token[..19]).unwrap();
    assert_eq!(taa_tokens::sts::Token::parse(short), Err(FormatError::Length(19)));
}

/// No digit of a token shows in what is logged.
#[test]
fn logs_give_nothing_away() {
    let mut site = Site::new();
    site.pay("R1", 0, 10_000);
    let token = site.left()[0].3.0;
    let digits = std::str::from_utf8(&token).unwrap();
    let logged = format!("{:?} {:?} {:?}", site.events, site.journal, site.state());
    assert!(!logged.contains(&digits[..16]));
}
