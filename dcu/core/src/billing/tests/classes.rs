//! More than one tariff a site, and power by measurement.

use std::collections::BTreeMap;

use super::{
    rating::{NEW_YEAR_MS, OFFSET_S},
    *,
};
use crate::config::{
    Classes, LocalTime,
    tariff::{Block, Demand},
};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

fn class(name: &str, tariff: Tariff) -> Tariff {
    Tariff { class: name.into(), ..tariff }
}

/// A1 has the site's tariff, A2 is a business: half the price, a fee, and blocks.
fn site() -> Book {
    let block = Block { up_to_kwh: 1, price_per_kwh_minor: 100 };
    let business = class("business", Tariff { blocks: vec![block], ..tariff(500, 70, 9) });
    let accounts = BTreeMap::from([("A2".to_owned(), "business".to_owned())]);
    let mut book = Book::new(&tariff(1000, 10, 0), [("A1", 0), ("A2", 0)]).at_offset(OFFSET_S);
    book.set_classes(&Classes { tariffs: vec![business], accounts }, None);
    book
}

#[test]
fn each_account_pays_by_its_own_tariff() {
    let mut book = site();
    for account in [0, 1] {
        book.debit_at(account, 1, 0, Some(NEW_YEAR_MS));
        book.debit_at(account, 2, 3000, Some(NEW_YEAR_MS + HOUR_MS));
    }
    assert_eq!((book.balance_minor(0), book.balance_minor(1)), (-3000, -100 - 1000));
    let day = LocalTime { unix_ms: NEW_YEAR_MS, utc_offset_s: OFFSET_S }.day();
    book.charge_until(day);
    book.charge_until(day + 2);
    assert_eq!((book.balance_minor(0), book.balance_minor(1)), (-3020, -1100 - 140));
    assert_eq!((book.class_of(0), book.class_of(1), book.tariff_of(1).grace_minor), ("", "business", 9));
    assert_eq!(book.tariffs().count(), 2);
}

#[test]
fn a_change_of_tariff_splits_what_was_used_before_and_after_it() {
    let mut book = site();
    book.debit_at(0, 1, 0, Some(NEW_YEAR_MS));
    assert_eq!(book.judge_class(0, "palace", false), Err(ClassRefusal::Class));
    assert_eq!(book.judge_class(7, "business", false), Err(ClassRefusal::Account));
    assert_eq!(book.judge_class(0, "business", true), Err(ClassRefusal::NeedsFlatPrice));
    assert_eq!(book.judge_class(0, "business", false), Ok(()));
    // A quarter of four hours under the old prices; 3 kWh under the new: one in the block.
    assert!(book.classify(0, "business", Some(NEW_YEAR_MS + HOUR_MS), 1));
    book.debit_at(0, 2, 4000, Some(NEW_YEAR_MS + 4 * HOUR_MS));
    // All energy counts towards the month: the block was full when the class changed.
    assert_eq!(book.balance_minor(0), -1000 - 3 * 500);
    // And back, twice between two readings.
    book.classify(0, "", Some(NEW_YEAR_MS + 5 * HOUR_MS), 2);
    book.classify(0, "business", Some(NEW_YEAR_MS + 6 * HOUR_MS), 3);
    book.debit_at(0, 3, 8000, Some(NEW_YEAR_MS + 8 * HOUR_MS));
    assert_eq!(book.balance_minor(0), -2500 - 1000 - 3 * 500);
    assert_eq!(book.account(0).unwrap().class_change(), 3);
}

#[test]
fn a_class_has_versions_of_its_own_and_begins_with_a_tariff_in_force() {
    let mut book = site();
    let dearer = class("business", Tariff { version: 2, ..tariff(900, 0, 0) });
    assert_eq!(book.judge_tariff(&dearer, Some(NEW_YEAR_MS)), Ok(TariffStart::Now));
    book.take_tariff(dearer.clone(), Some(NEW_YEAR_MS));
    assert_eq!((book.tariff().energy_price_per_kwh_minor, book.tariff_of(1).energy_price_per_kwh_minor), (1000, 900));
    assert!(matches!(book.judge_tariff(&dearer, None), Err(TariffRefusal::Repeated { .. })));
    let site_wide = Tariff { version: 1, ..tariff(1100, 0, 0) };
    assert_eq!(book.judge_tariff(&site_wide, None), Ok(TariffStart::Now), "versions count within a class");
    let school = class("school", Tariff { version: 3, ..tariff(300, 0, 0) });
    let later = Tariff { from_unix_ms: Some(NEW_YEAR_MS + DAY_MS), ..school.clone() };
    assert_eq!(book.judge_tariff(&later, Some(NEW_YEAR_MS)), Err(TariffRefusal::UnknownClass));
    let foreign = Tariff { currency: "KES".into(), ..school.clone() };
    assert_eq!(book.judge_tariff(&foreign, None), Err(TariffRefusal::Currency));
    book.take_tariff(school, Some(NEW_YEAR_MS));
    assert!(book.classify(1, "school", Some(NEW_YEAR_MS), 0));
    assert_eq!(book.tariff_of(1).energy_price_per_kwh_minor, 300);
    // An announced one of a class begins at its instant.
    let next = class("school", Tariff { version: 4, from_unix_ms: Some(NEW_YEAR_MS + DAY_MS), ..tariff(400, 0, 0) });
    book.take_tariff(next, Some(NEW_YEAR_MS));
    assert_eq!(book.tariff_due_unix_ms(), Some(NEW_YEAR_MS + DAY_MS));
    assert!(book.start_tariff() && !book.start_tariff());
    assert_eq!(book.tariff_of(1).energy_price_per_kwh_minor, 400);
}

/// 5 minor units for each watt of the month's highest hour.
fn metered() -> Book {
    let demand = Some(Demand { price_per_kw_month_minor: 5000, window_min: 60 });
    let mut book = Book::new(&Tariff { demand, ..tariff(0, 0, 0) }, [("A1", 0), ("A2", 0)]).at_offset(OFFSET_S);
    let day = LocalTime { unix_ms: NEW_YEAR_MS, utc_offset_s: OFFSET_S }.day();
    book.charge_until(day);
    book
}

fn february() -> i64 {
    LocalTime { unix_ms: NEW_YEAR_MS, utc_offset_s: OFFSET_S }.day() + 31
}

#[test]
fn the_months_highest_hour_is_charged_when_the_month_is_over_and_only_once() {
    let mut book = metered();
    for (n, wh) in [0, 100, 700, 900].into_iter().enumerate() {
        book.debit_at(0, n as u32 + 1, wh, Some(NEW_YEAR_MS + n as i64 * HOUR_MS));
    }
    book.charge_until(february() - 1);
    assert_eq!((book.balance_minor(0), book.demanded().len()), (0, 0));
    book.charge_until(february());
    let charge = book.demanded()[0];
    assert_eq!((charge.account, charge.minor, charge.peak.mw, charge.corrects), (0, 3000, 600_000, false));
    assert_eq!((book.balance_minor(0), book.balance_minor(1)), (-3000, 0));
    book.charge_until(february() + 1);
    book.charge_until(february() + 40);
    assert_eq!((book.balance_minor(0), book.totals().capacity_fees), (-3000, 3000));
}

#[test]
fn a_row_that_comes_late_puts_a_charged_month_right_by_an_entry() {
    let mut book = metered();
    book.debit_at(0, 1, 0, Some(NEW_YEAR_MS));
    book.debit_at(0, 2, 1200, Some(NEW_YEAR_MS + 4 * HOUR_MS));
    book.charge_until(february());
    assert_eq!(book.balance_minor(0), -1500, "300 W over the gap");
    book.late_rows(0, [(100, NEW_YEAR_MS + HOUR_MS), (900, NEW_YEAR_MS + 2 * HOUR_MS)]);
    let charge = book.demanded()[0];
    assert_eq!((charge.minor, charge.peak.mw, charge.corrects, book.demanded().len()), (4000 - 1500, 800_000, true, 1));
    assert_eq!(book.balance_minor(0), -4000);
    // The same rows again, and others that tell of less.
    book.late_rows(
        0,
        [(100, NEW_YEAR_MS + HOUR_MS), (900, NEW_YEAR_MS + 2 * HOUR_MS), (1000, NEW_YEAR_MS + 3 * HOUR_MS)],
    );
    assert_eq!((book.demanded().len(), book.balance_minor(0)), (0, -4000));
}

/// The sabotage: without the rows the month stays too cheap.
#[test]
fn sabotage_without_the_late_rows_the_month_is_charged_by_its_mean() {
    let mut book = metered();
    book.debit_at(0, 1, 0, Some(NEW_YEAR_MS));
    book.debit_at(0, 2, 1200, Some(NEW_YEAR_MS + 4 * HOUR_MS));
    book.charge_until(february());
    book.late_rows(1, [(100, NEW_YEAR_MS + HOUR_MS)]);
    assert_eq!(book.balance_minor(0), -1500);
}

proptest! {
    /// In whatever order rows come, before or after the month was charged, the month costs what it would have cost with
    /// every hour read in time.
    #[test]
    fn late_rows_end_where_timely_readings_end(hours in proptest::collection::vec(0_u64..3000, 2..24), order: u64, charged: bool) {
        let registers: Vec<u64> =
            hours.iter().scan(0, |sum, wh| { *sum += wh; Some(*sum) }).collect();
        let at = |n: usize| NEW_YEAR_MS + (n as i64 + 1) * HOUR_MS;
        let mut timely = metered();
        timely.debit_at(0, 1, 0, Some(NEW_YEAR_MS));
        for (n, wh) in registers.iter().enumerate() {
            timely.debit_at(0, n as u32 + 2, *wh, Some(at(n)));
        }
        timely.charge_until(february());
        let mut late = metered();
        late.debit_at(0, 1, 0, Some(NEW_YEAR_MS));
        late.debit_at(0, 2, registers[registers.len() - 1], Some(at(registers.len() - 1)));
        if charged {
            late.charge_until(february());
        }
        let mut rows: Vec<(u64, i64)> = registers.iter().enumerate().map(|(n, wh)| (*wh, at(n))).collect();
        rows.pop();
        // An order drawn from one number.
        let mut left = order;
        while !rows.is_empty() {
            let row = rows.remove((left % rows.len() as u64) as usize);
            left = left.rotate_left(11).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            late.late_rows(0, [row]);
        }
        late.charge_until(february());
        prop_assert_eq!(late.balance_minor(0), timely.balance_minor(0));
        prop_assert_eq!(late.totals().capacity_fees, timely.totals().capacity_fees);
    }
}
