use super::*;
use crate::{
    fetch::{NotVended, Vended},
    payment::{Certainty, Channel, PaymentId, Provider},
    vending::{Ask, TokenDigits},
};
use proptest::prelude::*;

fn key() -> Secret {
    Secret::new(b"the key of the site")
}

fn request() -> FetchRequest {
    FetchRequest {
        site: "jija".into(),
        session: u64::MAX,
        number: 3,
        before: vec![1, 2],
        epoch: 9,
        cursor: 41,
        currency: Currency::new("TZS").unwrap(),
        minor_per_unit: 100,
        reply_bytes_max: 1400,
        fates: vec![(40, Fate::Credited), (41, Fate::Suspended)],
        reach: Some(12),
        answers: Vec::new(),
    }
}

fn reply(items: u64) -> FetchReply {
    let payment = |n: u64| Payment {
        currency: Currency::new("TZS"),
        certainty: Certainty::Provisional,
        ..Payment::new(Provider::Daraja, format!("RKTQDM7W{n}"), "A17", 5_000, Channel::Phone, 1_772_323_200_000)
    };
    FetchReply {
        site: "jija".into(),
        session: 5,
        number: 3,
        verdict: Verdict::Served,
        epoch: 9,
        floor: 41,
        fates_known: 40,
        more: false,
        items: (42..42 + items).map(|number| Item { number, payment: payment(number) }).collect(),
        questions: Vec::new(),
    }
}

#[test]
fn frames_survive() {
    assert_eq!(FetchRequest::decode(&request().encode(&key()), &key()), Ok(request()));
    assert_eq!(FetchRequest::site_of(&request().encode(&key())).as_deref(), Ok("jija"));
    // A DCU of before says nothing of its reach.
    let before = FetchRequest { reach: None, ..request() };
    assert_eq!(FetchRequest::decode(&before.encode(&key()), &key()), Ok(before.clone()));
    assert_eq!(FetchRequest::site_of(&before.encode(&key())).as_deref(), Ok("jija"));
    for items in [0, 1, 20] {
        assert_eq!(FetchReply::decode(&reply(items).encode(&key(), FETCH_BYTES_MAX), &key()), Ok(reply(items)));
    }
}

#[test]
fn questions_and_their_answers_survive_and_take_what_room_is_left() {
    let reference = |n: u8| PaymentId { provider: Provider::Calin, key: format!("{n:060}") };
    let asks = [
        Ask::Money { amount_minor: 5_000 },
        Ask::Energy { wh: 12_300 },
        Ask::ClearTamper,
        Ask::MaxPower { watts: 5_000 },
    ];
    let questions = (0..8).zip(asks.into_iter().cycle()).map(|(n, ask)| Question {
        reference: reference(n),
        meter: "M".repeat(60),
        ask,
    });
    let whole = FetchReply { questions: questions.collect(), ..reply(2) };
    assert_eq!(FetchReply::decode(&whole.encode(&key(), FETCH_BYTES_MAX), &key()), Ok(whole.clone()));
    let frame = whole.encode(&key(), 700);
    let part = FetchReply::decode(&frame, &key()).unwrap();
    assert!(frame.len() <= 700 && (1..8).contains(&part.questions.len()) && part.items.len() == 2);
    let outcomes = [
        Ok(Vended { token: TokenDigits(*b"12345678901234567890"), energy_wh: Some(12_300) }),
        Ok(Vended { token: TokenDigits(*b"00000000000000000000"), energy_wh: None }),
        Err(NotVended::UnknownMeter),
        Err(NotVended::Amount),
        Err(NotVended::Unfit),
        Err(NotVended::Later),
    ];
    let answers = (0..).zip(outcomes).map(|(n, outcome)| Answer { reference: reference(n), outcome }).collect();
    let asked = FetchRequest { answers, ..request() };
    assert_eq!(FetchRequest::decode(&asked.encode(&key()), &key()), Ok(asked));
}

#[test]
fn an_answer_takes_what_has_room_and_says_that_there_is_more() {
    let whole = reply(60);
    let frame = whole.encode(&key(), 700);
    assert!(frame.len() <= 700);
    let part = FetchReply::decode(&frame, &key()).unwrap();
    assert!(part.more && (8..30).contains(&part.items.len()), "{}", part.items.len());
    assert_eq!(part.items, whole.items[..part.items.len()]);
    assert!(FetchReply::decode(&whole.encode(&key(), FetchReply::bytes_for(60)), &key()).unwrap().items.len() == 60);
}

#[test]
fn a_question_is_no_answer_and_another_key_opens_nothing() {
    let frame = request().encode(&key());
    assert_eq!(FetchReply::decode(&frame, &key()), Err(DecodeError::Kind(REACHING).into()));
    assert_eq!(FetchRequest::decode(&frame, &Secret::new(b"another")), Err(FrameError::Tag));
    assert_eq!(FetchRequest::decode(&vec![0; FETCH_BYTES_MAX + 1], &key()), Err(FrameError::TooLong));
}

#[test]
fn numbers_that_repeat_or_jump_are_refused() {
    for wrong in [41, 42, 44] {
        let mut reply = reply(2);
        reply.items[1].number = wrong;
        let frame = reply.encode(&key(), FETCH_BYTES_MAX);
        assert_eq!(FetchReply::decode(&frame, &key()), Err(DecodeError::Field("number").into()));
    }
}

proptest! {
    #[test]
    fn any_changed_byte_is_noticed(at in 0_usize..400, flip in 1_u8..) {
        for frame in [request().encode(&key()), reply(4).encode(&key(), FETCH_BYTES_MAX)] {
            let mut frame = frame;
            let at = at % frame.len();
            frame[at] ^= flip;
            prop_assert!(FetchRequest::decode(&frame, &key()).is_err());
            prop_assert!(FetchReply::decode(&frame, &key()).is_err());
        }
    }

    /// Under a right tag too: whoever holds the key can still not make the DCU panic or take room without end.
    #[test]
    fn noise_under_the_right_key_never_panics(body in proptest::collection::vec(any::<u8>(), 0..300), kind in 1_u8..=2) {
        let mut frame = begin(kind);
        frame.extend_from_slice(&body);
        let frame = seal(frame, &key());
        let _ = FetchRequest::decode(&frame, &key());
        let _ = FetchReply::decode(&frame, &key());
        let _ = FetchRequest::site_of(&frame);
    }
}
