//! Stories about tokens entered from afar: once, whatever is lost on the way.

use taa_dcu::{
    DcuEvent, MeterIx,
    config::CreditAt,
    gateway::{TokenDigits, TokenFate, TokenReply},
    reading::Lack,
};

use crate::{
    slot::{Slot, token},
    village::{HOUR, S, Village, traits},
};

fn village(change: impl FnOnce(&mut Slot)) -> Village {
    let mut village = Village::new(traits(CreditAt::Dcu), 2, 1_000_000, 4);
    let mut slot = Slot::new(0);
    change(&mut slot);
    village.meters[0].with_slot(slot);
    // Another firmware than the neighbour's, for it has another list.
    village.meters[0].firmware = b"MM-TG".to_vec();
    village.run_until(HOUR / 2);
    village
}

fn answers(village: &Village) -> Vec<Result<TokenReply, Lack>> {
    let answers = village.events.iter().filter_map(|(_, event)| match event {
        DcuEvent::TokenAnswered { answer, .. } => Some(*answer),
        _ => None,
    });
    answers.collect()
}

fn fates(village: &Village) -> Vec<TokenFate> {
    answers(village).iter().map(|answer| answer.unwrap().fate()).collect()
}

fn enter(village: &mut Village, digits: [u8; 20]) {
    village.with_dcu(|dcu, now| dcu.deliver_token(now, MeterIx(0), TokenDigits(digits)));
}

#[test]
fn a_token_is_entered_and_its_credit_told() {
    let mut village = village(|_| {});
    enter(&mut village, token(0, 6_500_000, 500));
    village.run_for(60 * S);
    let [Ok(reply)] = answers(&village)[..] else { panic!("{:?}", answers(&village)) };
    assert_eq!(
        (reply.fate(), reply.again, reply.loaded_u),
        (TokenFate::Accepted, false, Some(500_024)),
        "rounded up by the field"
    );
    // The same one again, and one with a wrong digit.
    enter(&mut village, token(0, 6_500_000, 500));
    village.run_for(60 * S);
    let mut wrong = token(0, 6_500_001, 500);
    wrong[19] = b'0' + (wrong[19] - b'0' + 1) % 10;
    enter(&mut village, wrong);
    village.run_for(60 * S);
    assert_eq!(fates(&village), [TokenFate::Accepted, TokenFate::Used, TokenFate::NotGenuine]);
    assert_eq!(village.meters[0].credit_total, 500);
}

#[test]
fn an_answer_that_is_lost_is_asked_for_and_the_token_counts_once() {
    let mut village = village(|_| {});
    village.loss = 40;
    for minute in 0..6 {
        enter(&mut village, token(0, 6_500_000 + minute, 100));
        let hours = (0..24 * 30).find(|_| {
            village.run_for(HOUR);
            answers(&village).len() > minute as usize
        });
        assert!(hours.is_some(), "a token is brought within days through a very bad mesh");
    }
    assert!(fates(&village).iter().all(|fate| matches!(fate, TokenFate::Accepted | TokenFate::Used)));
    assert!(answers(&village).iter().any(|answer| answer.unwrap().again), "one attempt at least was not answered");
    assert_eq!(village.meters[0].credit_total, 600);
}

/// The meter says nothing beyond "not valid", and between two attempts the customer has typed in another token.
#[test]
fn what_is_not_valid_after_an_unanswered_attempt_has_been_taken_by_it() {
    let (first, other) = (token(0, 6_500_000, 500), token(0, 6_500_001, 70));
    let told = |unanswered: bool| {
        let mut village = village(|slot| slot.mute = true);
        if unanswered {
            // It takes what it hears, and nobody hears it.
            village.meters[0].spoil = Some(|_, answer| answer.clear());
        }
        enter(&mut village, first);
        village.run_for(200 * S);
        village.meters[0].spoil = None;
        let slot = village.meters[0].slot.as_mut().unwrap();
        let taken = slot.calls > 0;
        let credit = slot.type_in(std::str::from_utf8(&first).unwrap()) + slot.enter(&other);
        village.meters[0].credit_total += credit;
        if !unanswered {
            enter(&mut village, first);
        }
        village.run_for(2 * HOUR);
        assert!(taken);
        assert_eq!(village.meters[0].credit_total, 570, "once, and the other");
        *fates(&village).last().unwrap()
    };
    assert_eq!(told(true), TokenFate::Used);
    // The sabotage: one that forgot the unanswered attempt could not tell.
    assert_eq!(told(false), TokenFate::Invalid);
}

#[test]
fn a_meter_that_takes_packed_digits_gets_them_so() {
    let mut village = village(|slot| slot.packed = true);
    enter(&mut village, token(0, 6_500_000, 500));
    village.run_for(60 * S);
    assert_eq!(fates(&village), [TokenFate::Accepted]);
    assert_eq!((village.meters[0].credit_total, village.meters[0].slot.as_ref().unwrap().calls), (500, 2));
}

#[test]
fn a_meter_without_a_gateway_says_so_and_is_read_as_before() {
    let mut village = village(|_| {});
    village.with_dcu(|dcu, now| dcu.deliver_token(now, MeterIx(1), TokenDigits(token(1, 6_500_000, 500))));
    village.run_until(3 * HOUR);
    assert_eq!(answers(&village), [Err(Lack::TokenGateway)]);
    let unsuitable = village.count(|event| matches!(event, DcuEvent::MeterUnsuitable { .. }));
    assert_eq!((unsuitable, village.state().meter(MeterIx(1)).unwrap().sequence > 1), (0, true));
}
