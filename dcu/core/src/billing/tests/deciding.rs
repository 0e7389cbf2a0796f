//! Whether a light may be on, and until when.

use super::{
    rating::{NEW_YEAR_MS, OFFSET_S, time},
    *,
};
use crate::config::{
    LocalTime,
    tariff::{FriendlyHours, Weekday},
};

const HOUR_MS: i64 = 3_600_000;

fn at(hours: i64) -> LocalTime {
    LocalTime::new(NEW_YEAR_MS + hours * HOUR_MS, OFFSET_S)
}

/// An account with this balance since `hours` after the new year.
fn owing(tariff: &Tariff, balance: i64, hours: i64) -> Book {
    let mut book = Book::new(tariff, [("A1", 0)]).at_offset(OFFSET_S);
    let amount = Correction { id: "C".into(), account: 0, amount_minor: balance, of: None, why: "test".into() };
    book.correct(amount, Some(at(hours).unix_ms));
    book
}

#[test]
fn emergency_credit_comes_before_the_grace() {
    let tariff = Tariff { emergency_credit_minor: 100, ..tariff(1000, 0, 20) };
    for (balance, relay, why) in [
        (1, Relay::Closed, Why::Credit),
        (-99, Relay::Closed, Why::Emergency),
        (-100, Relay::Closed, Why::Grace),
        (-119, Relay::Closed, Why::Grace),
        (-120, Relay::Open, Why::Debt),
    ] {
        let decision = owing(&tariff, balance, 0).desired_relay(0, at(1));
        assert_eq!((decision.relay, decision.why, decision.until_unix_ms), (relay, why, None), "{balance}");
    }
}

fn nights() -> Tariff {
    let night = FriendlyHours { from: time("17:00"), to: time("08:00"), ..FriendlyHours::default() };
    let sunday = FriendlyHours {
        from: time("00:00"),
        to: time("24:00"),
        weekdays: vec![Weekday::Sun],
        ..FriendlyHours::default()
    };
    Tariff { friendly_hours: vec![night, sunday], ..tariff(1000, 0, 0) }
}

#[test]
fn nobody_is_disconnected_in_friendly_hours_and_the_light_goes_when_they_end() {
    // In debt since Thursday, 19:00.
    let book = owing(&nights(), -5, 19);
    let decision = book.desired_relay(0, at(22));
    assert_eq!((decision.order(), decision.why), (Some(Relay::Closed), Why::Friendly));
    assert_eq!(decision.until_unix_ms, Some(at(32).unix_ms), "Friday, 08:00");
    let after = book.desired_relay(0, at(32));
    assert_eq!((after.order(), after.why), (Some(Relay::Open), Why::Debt));
    assert_eq!(after.until_unix_ms, Some(at(41).unix_ms), "when it may not be carried out any more");
}

#[test]
fn friendly_hours_bring_no_light_back_and_stop_an_order_that_has_not_left() {
    // In debt since Thursday, 12:00; the evening comes.
    let book = owing(&nights(), -5, 12);
    let decision = book.desired_relay(0, at(18));
    assert_eq!((decision.relay, decision.why, decision.order()), (Relay::Open, Why::Friendly, None));
    // Saturday's evening runs through Sunday to Monday morning.
    let saturday = book.desired_relay(0, at(48 + 20));
    assert_eq!(saturday.until_unix_ms, Some(at(4 * 24 + 8).unix_ms));
}

#[test]
fn without_a_clock_these_may_be_friendly_hours() {
    assert_eq!(owing(&nights(), -5, 12).desired_relay(0, None).order(), None);
    assert_eq!(owing(&tariff(1, 0, 0), -5, 12).desired_relay(0, None).order(), Some(Relay::Open));
}
