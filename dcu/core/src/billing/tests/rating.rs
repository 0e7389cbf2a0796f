//! What energy costs, by hour, month and version.

use proptest::prelude::*;

use super::*;
use crate::config::tariff::{Block, Lifeline, LongGap, Period, TimeOfDay, Weekday};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Thursday 1 January 2026, local midnight at UTC+3.
pub(super) const NEW_YEAR_MS: i64 = 1_767_214_800_000;
pub(super) const OFFSET_S: i32 = 3 * 3600;

pub(super) fn time(text: &str) -> TimeOfDay {
    TimeOfDay::try_from(text.to_owned()).unwrap()
}

fn period(from: &str, to: &str, price: i64) -> Period {
    Period { name: from.into(), from: time(from), to: time(to), weekdays: Vec::new(), price_per_kwh_minor: price }
}

fn evening() -> Tariff {
    Tariff { periods: vec![period("18:00", "22:00", 3000)], ..tariff(1000, 0, 0) }
}

/// A book of one account whose register stood at 0 at that instant.
fn book_of(tariff: &Tariff, from_ms: i64) -> Book {
    let mut book = Book::new(tariff, [("A1", 0)]).at_offset(OFFSET_S);
    book.debit_at(0, 1, 0, Some(from_ms));
    book
}

/// Billionths of a minor unit spent.
fn spent(book: &Book) -> i128 {
    let account = book.account(0).unwrap();
    -i128::from(account.balance_minor()) * 1_000_000_000 + i128::from(account.carry_nano())
}

#[test]
fn energy_is_spread_over_the_hours_between_two_readings() {
    let mut book = book_of(&evening(), NEW_YEAR_MS + 17 * HOUR_MS);
    // 17:00 to 19:00: half before the peak, half in it.
    assert_eq!(book.debit_at(0, 2, 2000, Some(NEW_YEAR_MS + 19 * HOUR_MS)), Debit::Billed { wh: 2000, minor: 4000 });
    // 21:30 is all peak, 00:30 the next day has half an hour of it in three and a half... of which 30 minutes in 180.
    book.debit_at(0, 3, 2000, Some(NEW_YEAR_MS + 21 * HOUR_MS + HOUR_MS / 2));
    let billed = book.debit_at(0, 4, 2600, Some(NEW_YEAR_MS + 24 * HOUR_MS + HOUR_MS / 2));
    assert_eq!(billed, Debit::Billed { wh: 600, minor: 100 * 3 + 500 });
}

#[test]
fn lifeline_goes_before_the_hour_and_the_hour_before_the_block() {
    let tariff = Tariff {
        lifeline: Some(Lifeline { kwh: 1, price_per_kwh_minor: 10 }),
        blocks: vec![
            Block { up_to_kwh: 2, price_per_kwh_minor: 100 },
            Block { up_to_kwh: 5, price_per_kwh_minor: 500 },
        ],
        ..evening()
    };
    assert_eq!(tariff.check(), Vec::new());
    let mut book = book_of(&tariff, NEW_YEAR_MS + 8 * HOUR_MS);
    let mut bill = |sequence, wh, hours: i64| book.debit_at(0, sequence, wh, Some(NEW_YEAR_MS + hours * HOUR_MS));
    assert_eq!(bill(2, 1500, 9), Debit::Billed { wh: 1500, minor: 10 + 50 });
    assert_eq!(bill(3, 3500, 10), Debit::Billed { wh: 2000, minor: 50 + 750 });
    bill(4, 3500, 18);
    assert_eq!(bill(5, 4500, 19), Debit::Billed { wh: 1000, minor: 3000 }, "the hour's price");
    bill(6, 4500, 22);
    assert_eq!(bill(7, 6000, 23), Debit::Billed { wh: 1500, minor: 250 + 1000 }, "peak energy counts for the month");
}

#[test]
fn the_month_turns_at_local_midnight() {
    let tariff = Tariff { blocks: vec![Block { up_to_kwh: 1, price_per_kwh_minor: 100 }], ..tariff(1000, 0, 0) };
    let first_of_february = NEW_YEAR_MS + 31 * DAY_MS;
    let mut book = book_of(&tariff, first_of_february - 2 * HOUR_MS);
    // Two hours before midnight, one after: 3 kWh.
    assert_eq!(
        book.debit_at(0, 2, 3000, Some(first_of_february + HOUR_MS)),
        Debit::Billed { wh: 3000, minor: 100 + 1000 + 100 }
    );
    assert_eq!(book.account(0).unwrap().month().energy_micro_wh, 1_000_000_000);
    // The clock steps back a day: February does not begin anew.
    book.debit_at(0, 3, 3500, Some(first_of_february - 20 * HOUR_MS));
    assert_eq!(book.account(0).unwrap().month().energy_micro_wh, 1_500_000_000);
}

#[test]
fn a_tariff_that_changes_twice_in_a_minute_prices_each_second_by_its_own() {
    let mut book = book_of(&tariff(1_000_000, 0, 0), NEW_YEAR_MS);
    let version = |version, price| Tariff { version, ..tariff(price, 0, 0) };
    for (second, version) in [(20, version(1, 2_000_000)), (50, version(2, 3_000_000))] {
        let now = Some(NEW_YEAR_MS + second * 1000);
        assert_eq!(book.judge_tariff(&version, now), Ok(TariffStart::Now));
        book.take_tariff(version, now);
    }
    let billed = book.debit_at(0, 2, 60, Some(NEW_YEAR_MS + MINUTE_MS));
    assert_eq!(billed, Debit::Billed { wh: 60, minor: 20 * 1000 + 30 * 2000 + 10 * 3000 });
    // A version that repeats, clashes or goes back is told by name.
    let judge = |tariff: &Tariff| book.judge_tariff(tariff, Some(NEW_YEAR_MS + MINUTE_MS));
    assert_eq!(judge(&version(2, 3_000_000)), Err(TariffRefusal::Repeated { version: 2 }));
    assert_eq!(judge(&version(2, 5)), Err(TariffRefusal::Clash { version: 2 }));
    assert_eq!(judge(&version(1, 2_000_000)), Err(TariffRefusal::Older { version: 1, newest: 2 }));
    assert_eq!(judge(&Tariff { currency: "KES".into(), ..version(3, 5) }), Err(TariffRefusal::Currency));
    assert!(matches!(judge(&version(3, -5)), Err(TariffRefusal::Contradiction(_))));
}

#[test]
fn an_announced_tariff_begins_at_its_instant_and_an_overtaken_one_never() {
    let mut book = book_of(&tariff(1000, 0, 0), NEW_YEAR_MS);
    let announce = |version, hours: i64, price| Tariff {
        version,
        from_unix_ms: Some(NEW_YEAR_MS + hours * HOUR_MS),
        ..tariff(price, 0, 0)
    };
    for tariff in [announce(1, 2, 2000), announce(2, 1, 5000)] {
        assert!(matches!(book.judge_tariff(&tariff, Some(NEW_YEAR_MS)), Ok(TariffStart::Later(_))));
        book.take_tariff(tariff, Some(NEW_YEAR_MS));
    }
    assert_eq!((book.tariff().version, book.tariff_due_unix_ms()), (0, Some(NEW_YEAR_MS + HOUR_MS)));
    assert!(book.start_tariff());
    assert_eq!(book.tariff().version, 2);
    assert!(book.start_tariff(), "version 1 is older by then and is dropped");
    assert_eq!((book.tariff().version, book.tariff_due_unix_ms()), (2, None));
    assert_eq!(book.debit_at(0, 2, 2000, Some(NEW_YEAR_MS + 2 * HOUR_MS)), Debit::Billed { wh: 2000, minor: 6000 });
    // One that is dated back prices what has not been billed, and nothing else.
    book.take_tariff(announce(3, 1, 9000), Some(NEW_YEAR_MS + 3 * HOUR_MS));
    assert_eq!(book.account(0).unwrap().balance_minor(), -6000);
    assert_eq!(book.debit_at(0, 3, 3000, Some(NEW_YEAR_MS + 4 * HOUR_MS)), Debit::Billed { wh: 1000, minor: 9000 });
}

#[test]
fn what_was_not_measured_can_be_left_at_the_lowest_price() {
    let spread = evening();
    let lowest = Tariff { long_gap: LongGap::LowestPrice, ..evening() };
    for (tariff, days, minor) in [(&spread, 3, 96_000), (&lowest, 3, 72_000), (&lowest, 2, 64_000)] {
        let mut book = book_of(tariff, NEW_YEAR_MS);
        let kwh = 24 * days as u64;
        let billed = book.debit_at(0, 2, kwh * 1000, Some(NEW_YEAR_MS + days * DAY_MS));
        assert_eq!(billed, Debit::Billed { wh: kwh * 1000, minor }, "{days} days");
    }
}

#[test]
fn a_clock_in_1970_or_2099_costs_nobody_more_than_the_lowest_price() {
    let mut book = book_of(&evening(), 0);
    assert_eq!(book.debit_at(0, 2, 1000, Some(NEW_YEAR_MS + 19 * HOUR_MS)), Debit::Billed { wh: 1000, minor: 1000 });
    let in_2099 = NEW_YEAR_MS + 73 * 365 * DAY_MS;
    assert_eq!(book.debit_at(0, 3, 2000, Some(in_2099)), Debit::Billed { wh: 1000, minor: 1000 });
    // Back again: at the price of the hour that it is now.
    assert_eq!(book.debit_at(0, 4, 3000, Some(NEW_YEAR_MS + 20 * HOUR_MS)), Debit::Billed { wh: 1000, minor: 3000 });
    assert_eq!(
        book.debit_at(0, 5, u64::MAX, Some(NEW_YEAR_MS + 21 * HOUR_MS)),
        Debit::Billed { wh: u64::MAX - 3000, minor: i64::MAX },
        "a register that leaps beyond reason saturates"
    );
}

/// The price of a minute, looked up the slow way.
fn price_of_minute(tariff: &Tariff, minute_ms: i64, used_micro_wh: u128) -> i64 {
    let local = minute_ms + i64::from(OFFSET_S) * 1000;
    let (day, minute) = (local.div_euclid(DAY_MS), local.rem_euclid(DAY_MS) / MINUTE_MS);
    let in_period = |p: &&Period| {
        let (from, to) = (i64::from(p.from.minutes()), i64::from(p.to.minutes()));
        let on = |day: i64| p.weekdays.is_empty() || p.weekdays.contains(&Weekday::of(day));
        if to > from {
            on(day) && (from..to).contains(&minute)
        } else {
            on(day) && minute >= from || on(day - 1) && minute < to
        }
    };
    let kwh = 1_000_000_000;
    match (tariff.lifeline, tariff.periods.iter().find(in_period)) {
        (Some(lifeline), _) if used_micro_wh < u128::from(lifeline.kwh) * kwh => lifeline.price_per_kwh_minor,
        (_, Some(period)) => period.price_per_kwh_minor,
        _ => {
            let block = tariff.blocks.iter().find(|b| used_micro_wh < u128::from(b.up_to_kwh) * kwh);
            block.map_or(tariff.energy_price_per_kwh_minor, |b| b.price_per_kwh_minor)
        }
    }
}

fn any_tariff() -> impl Strategy<Value = Tariff> {
    let price = || 0_i64..300_000;
    let periods = prop_oneof![
        Just(Vec::new()),
        (price(), price(), proptest::sample::subsequence(Weekday::ALL.to_vec(), 0..=7)).prop_map(|(a, b, days)| vec![
            Period { weekdays: days, ..period("21:30", "05:15", a) },
            period("06:00", "09:00", b),
        ]),
    ];
    let blocks = prop_oneof![
        Just(Vec::new()),
        (price(), price()).prop_map(|(a, b)| vec![
            Block { up_to_kwh: 3, price_per_kwh_minor: a },
            Block { up_to_kwh: 9, price_per_kwh_minor: b },
        ]),
    ];
    let lifeline = proptest::option::of(price().prop_map(|p| Lifeline { kwh: 2, price_per_kwh_minor: p }));
    (price(), periods, blocks, lifeline).prop_map(|(price, periods, blocks, lifeline)| Tariff {
        periods,
        blocks,
        lifeline,
        long_gap_h: 8760,
        ..tariff(price, 0, 0)
    })
}

proptest! {
    /// Readings on whole minutes, against a model that prices every minute by itself: equal to the billionth.
    #[test]
    fn every_minute_is_priced_as_a_model_does(
        first in any_tariff(),
        second in any_tariff(),
        change in 0_i64..6000,
        from in 0_i64..60_000,
        steps in proptest::collection::vec((1_i64..2000, 0_u64..30), 1..6),
    ) {
        let from_ms = NEW_YEAR_MS + from * MINUTE_MS;
        let change_ms = from_ms + change * MINUTE_MS;
        let mut book = book_of(&first, from_ms);
        book.set_tariff_at(second.clone(), Some(change_ms));
        let (mut register, mut at_ms, mut model) = (0, from_ms, 0_i128);
        let (mut month, mut used) = (0, 0_u128);
        for (n, (minutes, wh)) in steps.iter().enumerate() {
            // A whole number of watt-hours a minute; steps of prices then fall on whole minutes or are priced within.
            let (to_ms, energy) = (at_ms + minutes * MINUTE_MS, wh * *minutes as u64);
            for minute_ms in (at_ms..to_ms).step_by(MINUTE_MS as usize) {
                let of = crate::config::LocalTime::new(minute_ms, OFFSET_S).month();
                if of != month {
                    (month, used) = (of, 0);
                }
                let tariff = if minute_ms < change_ms { &first } else { &second };
                // Watt-hour by watt-hour: limits lie on whole ones.
                for _ in 0..*wh {
                    model += i128::from(price_of_minute(tariff, minute_ms, used)) * 1_000_000;
                    used += 1_000_000;
                }
            }
            register += energy;
            at_ms = to_ms;
            book.debit_at(0, 2 + n as u32, register, Some(to_ms));
        }
        prop_assert_eq!(spent(&book), model);
    }

    /// However often a meter is read within a month, the same energy costs the same, where the hour does not count.
    #[test]
    fn splitting_energy_changes_nothing(tariff in any_tariff(), cuts in proptest::collection::vec(0_u64..20_000, 0..20)) {
        let tariff = Tariff { periods: Vec::new(), ..tariff };
        let mut whole = book_of(&tariff, NEW_YEAR_MS);
        whole.debit_at(0, 100, 20_000, Some(NEW_YEAR_MS + DAY_MS));
        let mut cuts = cuts;
        cuts.sort_unstable();
        let mut split = book_of(&tariff, NEW_YEAR_MS);
        for (n, wh) in cuts.iter().enumerate() {
            split.debit_at(0, 2 + n as u32, *wh, Some(NEW_YEAR_MS + 1 + n as i64));
        }
        split.debit_at(0, 100, 20_000, Some(NEW_YEAR_MS + DAY_MS));
        prop_assert_eq!((spent(&split), split.account(0).unwrap().month()), (spent(&whole), whole.account(0).unwrap().month()));
    }

    /// The short way for flat tariffs costs what the long way costs.
    #[test]
    fn the_short_way_is_the_long_way(price in 0_i64..1_000_000, steps in proptest::collection::vec((0_i64..10_000_000, 0_u64..9_999), 1..20)) {
        let flat = tariff(price, 0, 0);
        let long = Tariff { blocks: vec![Block { up_to_kwh: 1, price_per_kwh_minor: price }], ..flat.clone() };
        let (mut a, mut b) = (book_of(&flat, NEW_YEAR_MS), book_of(&long, NEW_YEAR_MS));
        let (mut at, mut register) = (NEW_YEAR_MS, 0);
        for (n, (ms, wh)) in steps.iter().enumerate() {
            at += ms;
            register += wh;
            for book in [&mut a, &mut b] {
                book.debit_at(0, 2 + n as u32, register, Some(at));
            }
        }
        prop_assert_eq!(a.accounts(), b.accounts());
    }
}

/// Sabotage: parts that are each rounded to whole watt-hours lose energy, which the tests above would see.
#[test]
fn parts_rounded_by_themselves_would_lose_energy() {
    let parts: u64 = [20, 30, 10].iter().map(|seconds| 7 * seconds / 60).sum();
    assert_ne!(parts, 7);
    let mut book = book_of(&evening(), NEW_YEAR_MS + 18 * HOUR_MS - 20_000);
    book.debit_at(0, 2, 7, Some(NEW_YEAR_MS + 18 * HOUR_MS + 40_000));
    // A third of 7 Wh, rounded down to a millionth, before the peak; the rest in it.
    assert_eq!(spent(&book), 2_333_333 * 1000 + (7_000_000 - 2_333_333) * 3000);
}
