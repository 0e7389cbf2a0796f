//! The decoder, token by token.

use super::*;
use crate::sts::key_change::sections;
use crate::sts::{Amount, KeyAttributes, Krn, Random, Sgc, TariffIndex};

const ROOM: Application = Application { service: Service::Electricity, in_money: false, room: 1_000_000, maker: 60 };

fn state(ken: u8, key_type: KeyType) -> State {
    State { krn: 1, key_type, ti: 1, ken, sgc: Some(123_456), base_date: BaseDate::Y1993 }
}

fn keys() -> [DecoderKey; 2] {
    [DecoderKey::ea07(&[0x5A; 8], &StaTables::sample()), DecoderKey::ea11(&[0xA5; 16])]
}

fn meter(key: &DecoderKey) -> Decoder {
    Decoder::new(key.clone(), state(255, KeyType::Unique), TidMemory::default(), StaTables::sample())
}

fn kwh(key: &DecoderKey, tid: u32, tenths: u32) -> Token {
    key.seal(&Content::Credit {
        service: Service::Electricity,
        random: Random::new(7),
        tid: Tid::from_field(tid),
        amount: Amount::at_least(tenths).unwrap(),
    })
}

fn reason(decoder: &mut Decoder, token: Token, application: &Application) -> Reason {
    decoder.enter(token, application).unwrap_err()
}

#[test]
fn credit_once_and_never_again() {
    for key in keys() {
        let mut meter = meter(&key);
        let token = kwh(&key, 5000, 120);
        assert!(matches!(meter.enter(token, &ROOM), Ok(Action::Credit { units: 120, .. })));
        assert_eq!(reason(&mut meter, token, &ROOM), Reason::Used { just_now: true });
        meter.enter(kwh(&key, 4000, 5), &ROOM).unwrap();
        assert_eq!(reason(&mut meter, token, &ROOM), Reason::Used { just_now: false });
    }
}

#[test]
fn refused_tokens_leave_no_trace() {
    let [key, other] = keys();
    let mut meter = meter(&key);
    let small = Application { room: 10, ..ROOM };
    let token = kwh(&key, 77, 500);
    assert_eq!(reason(&mut meter, token, &small), Reason::Overflow);
    assert_eq!(reason(&mut meter, token, &Application { service: Service::Water, ..ROOM }), Reason::Function);
    assert_eq!(reason(&mut meter, kwh(&other, 77, 500), &ROOM), Reason::Checksum);
    assert_eq!(meter.enter_text("1234", &ROOM).unwrap_err(), Reason::Format(crate::sts::FormatError::Length(4)));
    assert!(meter.memory().kept().is_empty());
    assert!(meter.enter(token, &ROOM).is_ok(), "once there is room it is still good");
}

#[test]
fn expired_keys_and_default_keys() {
    let [key, _] = keys();
    let tables = StaTables::sample();
    let mut meter = Decoder::new(key.clone(), state(44, KeyType::Unique), TidMemory::default(), tables.clone());
    assert!(meter.enter(kwh(&key, (45 << 16) - 1, 1), &ROOM).is_ok());
    assert_eq!(reason(&mut meter, kwh(&key, 45 << 16, 1), &ROOM), Reason::KeyExpired);
    let mut stock = Decoder::new(key.clone(), state(255, KeyType::Default), TidMemory::default(), tables);
    assert_eq!(reason(&mut stock, kwh(&key, 1, 1), &ROOM), Reason::DefaultKey);
    let order = Content::Order {
        random: Random::new(0),
        tid: Tid::from_field(9),
        order: Order::MaxPower(Amount::at_least(3000).unwrap()),
    };
    assert!(matches!(stock.enter(key.seal(&order), &ROOM), Ok(Action::MaxPower(3000))));
}

#[test]
fn tests_are_for_every_meter_or_for_one_maker() {
    for key in keys() {
        let mut meter = meter(&key);
        let test = |maker| crate::sts::key::plain(&Content::Test(Test::Short { control: 1, maker }));
        assert!(matches!(meter.enter(test(0), &ROOM), Ok(Action::Test(_))));
        assert!(matches!(meter.enter(test(60), &ROOM), Ok(Action::Test(_))));
        assert_eq!(reason(&mut meter, test(61), &ROOM), Reason::Maker);
        assert!(meter.enter(test(0), &ROOM).is_ok(), "a test token is good any number of times");
    }
}

fn to(ti: u8) -> KeyAttributes {
    KeyAttributes {
        sgc: Sgc::new(654_321).unwrap(),
        krn: Krn::new(2).unwrap(),
        key_type: KeyType::Unique,
        ti: TariffIndex::new(ti).unwrap(),
        ken: 170,
        base_date: BaseDate::Y2014,
    }
}

/// A rollover with the parts in every order: the memory is empty afterwards, the key and what belongs to it are new.
#[test]
fn a_key_change_in_any_order() {
    let tables = StaTables::sample();
    let new = [DecoderKey::ea07(&[0x11; 8], &tables), DecoderKey::ea11(&[0x22; 16])];
    for (old, new) in keys().into_iter().zip(new) {
        let parts = sections(&new, &to(7), true);
        assert_eq!(parts.len(), old.algorithm().key_change_tokens());
        for turn in 0..parts.len() {
            let mut meter = meter(&old);
            meter.enter(kwh(&old, 16_000_000, 100), &ROOM).unwrap();
            let mut turned = parts.clone();
            turned.rotate_left(turn);
            let (last, first) = turned.split_last().unwrap();
            for part in first {
                let outcome = meter.enter(old.seal(&Content::KeyChange(*part)), &ROOM);
                assert_eq!(verdict(&outcome).token, TokenResult::KctPart(part.number()));
                assert_eq!(verdict(&outcome).gateway_status(), 3);
                meter.enter(kwh(&old, 16_000_001 + u32::from(part.number()), 1), &ROOM).unwrap();
            }
            let changed = meter.enter(old.seal(&Content::KeyChange(*last)), &ROOM);
            assert!(matches!(changed, Ok(Action::KeyChanged(_))), "{changed:?}");
            assert!(meter.memory().kept().is_empty());
            let state = meter.state();
            assert_eq!((state.krn, state.ti, state.ken, state.base_date), (2, 7, 170, BaseDate::Y2014));
            assert_eq!(state.sgc, (old.algorithm() == Algorithm::Ea11).then_some(654_321));
            assert_eq!(reason(&mut meter, kwh(&old, 16_000_100, 1), &ROOM), Reason::Checksum);
            assert!(meter.enter(kwh(&new, 3, 1), &ROOM).is_ok(), "TIDs count from the new base date");
        }
    }
}

/// The sabotage: without the rollover bit the memory stays, and tokens that count from the new base date are old.
#[test]
fn without_the_rollover_bit_new_tokens_are_old() {
    let [_, old] = keys();
    let new = DecoderKey::ea11(&[0x22; 16]);
    let mut meter = meter(&old);
    for tid in 0..60 {
        meter.enter(kwh(&old, 16_000_000 + tid, 1), &ROOM).unwrap();
    }
    for part in sections(&new, &to(1), false) {
        meter.enter(old.seal(&Content::KeyChange(part)), &ROOM).unwrap();
    }
    assert_eq!(meter.state().base_date, BaseDate::Y1993);
    assert_eq!(reason(&mut meter, kwh(&new, 3, 1), &ROOM), Reason::Old);
}

#[test]
fn impossible_key_changes() {
    let [seven, eleven] = keys();
    let first = |third_follows, key_type| {
        Content::KeyChange(Section::First { ken_upper: 15, krn: 1, rollover: false, third_follows, key_type, key: 1 })
    };
    let third = Content::KeyChange(Section::Third { sgc_lower: 1, key: 1 });
    let mut meter_7 = meter(&seven);
    assert_eq!(reason(&mut meter_7, seven.seal(&first(true, KeyType::Unique)), &ROOM), Reason::ThirdToken);
    assert_eq!(reason(&mut meter_7, seven.seal(&first(false, KeyType::Initialization)), &ROOM), Reason::KeyType);
    assert_eq!(reason(&mut meter_7, seven.seal(&third), &ROOM), Reason::Function);
    let mut meter_11 = meter(&eleven);
    let mut parts = sections(&DecoderKey::ea11(&[1; 16]), &to(1), false);
    if let Some(Section::First { krn, .. }) = parts.first_mut() {
        *krn = 0;
    }
    let (last, others) = parts.split_last().unwrap();
    for part in others {
        meter_11.enter(eleven.seal(&Content::KeyChange(*part)), &ROOM).unwrap();
    }
    assert_eq!(reason(&mut meter_11, eleven.seal(&Content::KeyChange(*last)), &ROOM), Reason::Range);
    assert_eq!(meter_11.state().krn, 1, "the old key stays in force");
}

#[test]
fn results_in_the_standards_words() {
    let reject = TokenResult::Reject;
    for (reason, authentication, validation, token, status) in [
        (Reason::Checksum, Some(Authentication::CrcError), None, reject, 5),
        (Reason::Maker, Some(Authentication::MfrCodeError), None, reject, 5),
        (Reason::Old, Some(Authentication::Authentic), Some(Validation::OldError), reject, 6),
        (Reason::Overflow, Some(Authentication::Authentic), Some(Validation::Valid), TokenResult::OverflowError, 7),
        (Reason::Format(crate::sts::FormatError::TooLarge), None, None, TokenResult::FormatError, 4),
    ] {
        let verdict = verdict(&Err(reason));
        assert_eq!(verdict, Verdict { authentication, validation, token });
        assert_eq!(verdict.gateway_status(), status);
    }
}
