//! "Credits as of the time paid": what that decides, and that it decides nothing else.

use super::{rating::NEW_YEAR_MS, *};
use crate::config::tariff::DebtRule;

const MINUTE_MS: i64 = 60_000;

fn lending() -> Book {
    let tariff =
        Tariff { emergency_credit_minor: 500, debt: Some(DebtRule { share_percent: 50 }), ..tariff(1000, 100, 0) };
    let mut book = Book::new(&tariff, [("A1", 100)]);
    book.amend(
        &Amendment::Loan(Loan { id: "L1".into(), account: 0, amount_minor: 10_000, why: "stove".into() }),
        Some(NEW_YEAR_MS),
    );
    book.debit_at(0, 1, 0, Some(NEW_YEAR_MS));
    // Used up at 02:00, with 300 of the emergency credit.
    book.debit_at(0, 2, 400, Some(NEW_YEAR_MS + 120 * MINUTE_MS));
    book
}

fn paid_at_minute(minute: i64, amount: i64) -> Payment {
    Payment { accepted_unix_ms: NEW_YEAR_MS + minute * MINUTE_MS, ..payment("T1", "A1", amount) }
}

const ARRIVES: Option<i64> = Some(NEW_YEAR_MS + 600 * MINUTE_MS);

#[test]
fn what_was_lent_before_the_payment_is_repaid_first() {
    let mut book = lending();
    assert_eq!((book.balance_minor(0), book.account(0).unwrap().emergencies()), (-300, 1));
    assert_eq!(book.account(0).unwrap().emergency_minor(book.tariff()), 300);
    book.credit_at(&paid_at_minute(180, 1000), ARRIVES);
    // 300 repaid, half of the rest to the stove.
    assert_eq!((book.balance_minor(0), book.account(0).unwrap().debt_minor()), (350, 9650));
    assert_eq!(book.account(0).unwrap().emergencies(), 1, "it was taken before the payment, and it counts");
    assert_eq!(book.account(0).unwrap().used_up_since_ms(), None);
}

#[test]
fn an_emergency_that_began_after_the_payment_takes_nothing_and_never_was() {
    let mut book = lending();
    book.credit_at(&paid_at_minute(60, 1000), ARRIVES);
    // As if the thousand had come at once: half of it to the stove, nothing to repay.
    assert_eq!((book.balance_minor(0), book.account(0).unwrap().debt_minor()), (200, 9500));
    assert_eq!(book.account(0).unwrap().emergencies(), 0);
    let mut at_once = {
        let mut book = Book::new(lending().tariff(), [("A1", 100)]);
        let stove = Loan { id: "L1".into(), account: 0, amount_minor: 10_000, why: "stove".into() };
        book.lend(stove, Some(NEW_YEAR_MS));
        book.debit_at(0, 1, 0, Some(NEW_YEAR_MS));
        book.credit_at(&paid_at_minute(60, 1000), Some(NEW_YEAR_MS + 60 * MINUTE_MS));
        book
    };
    at_once.debit_at(0, 2, 400, Some(NEW_YEAR_MS + 120 * MINUTE_MS));
    assert_eq!(book, at_once, "late or in time, the very same book");
}

#[test]
fn a_payment_that_covers_too_little_leaves_the_emergency_counted() {
    let mut book = lending();
    book.credit_at(&paid_at_minute(60, 200), ARRIVES);
    assert_eq!((book.balance_minor(0), book.account(0).unwrap().debt_minor()), (-200, 9900));
    assert_eq!(book.account(0).unwrap().emergencies(), 1);
}

#[test]
fn a_loan_that_is_younger_than_the_payment_takes_nothing_of_it() {
    let mut book = lending();
    book.credit_at(&paid_at_minute(-1, 1000), ARRIVES);
    assert_eq!((book.balance_minor(0), book.account(0).unwrap().debt_minor()), (700, 10_000));
}

#[test]
fn a_late_payment_charges_no_fee_twice() {
    let (mut late, mut in_time) = (lending(), lending());
    in_time.credit_at(&paid_at_minute(180, 1000), Some(NEW_YEAR_MS + 180 * MINUTE_MS));
    for book in [&mut late, &mut in_time] {
        book.charge_until(20_454);
        book.charge_until(20_456);
    }
    late.credit_at(&paid_at_minute(180, 1000), Some(NEW_YEAR_MS + 3 * 1440 * MINUTE_MS));
    late.charge_until(20_456);
    assert_eq!(late.totals().fees, 200);
    assert_eq!(late.totals().fees, in_time.totals().fees);
}

#[test]
fn money_out_of_suspense_counts_as_of_the_time_paid() {
    let mut book = lending();
    book.credit_at(&Payment { account: "typo".into(), ..paid_at_minute(60, 1000) }, ARRIVES);
    book.resolve(&id("T1"), 0, Some(NEW_YEAR_MS + 9000 * MINUTE_MS));
    assert_eq!((book.balance_minor(0), book.account(0).unwrap().emergencies()), (200, 0));
}

#[test]
fn clocks_that_cannot_be_right_are_replaced_by_the_arrival() {
    let arrived = Some(NEW_YEAR_MS);
    assert_eq!(paid_at(5, arrived), (NEW_YEAR_MS, Timing::NotSet));
    assert_eq!(paid_at(i64::MIN, arrived), (NEW_YEAR_MS, Timing::NotSet));
    assert_eq!(paid_at(4_070_908_800_000, arrived), (NEW_YEAR_MS, Timing::Ahead), "2099");
    assert_eq!(paid_at(NEW_YEAR_MS + 500_000, arrived), (NEW_YEAR_MS + 500_000, Timing::AsPaid), "clocks differ");
    assert_eq!(paid_at(NEW_YEAR_MS - 86_400_000, arrived), (NEW_YEAR_MS - 86_400_000, Timing::AsPaid));
    // A site whose own clock is not set believes the provider.
    assert_eq!(paid_at(NEW_YEAR_MS, Some(0)), (NEW_YEAR_MS, Timing::AsPaid));
    // Whatever it says, the money is credited.
    for accepted_unix_ms in [i64::MIN, -1, 0, 4_070_908_800_000, i64::MAX] {
        let mut book = lending();
        let odd = Payment { accepted_unix_ms, ..payment("T1", "A1", 1000) };
        assert!(matches!(book.credit_at(&odd, ARRIVES), Credit::Credited { balance_minor: 350, .. }));
    }
}
