//! Corrections, refunds, loans, receipts; and that money in is money somewhere.

use proptest::prelude::*;

use super::*;
use crate::config::{
    Classes,
    tariff::{Capacity, DebtRule, Demand},
};
use crate::payment::Certainty;

fn correction(id: &str, account: u32, amount_minor: i64) -> Amendment {
    Amendment::Correction(Correction { id: id.into(), account, amount_minor, of: None, why: "wrong meter".into() })
}

fn refund(id: &str, from: RefundFrom) -> Amendment {
    Amendment::Refund(Refund { id: id.into(), from, why: "moved away".into() })
}

fn loan(id: &str, account: u32, amount_minor: i64) -> Amendment {
    Amendment::Loan(Loan { id: id.into(), account, amount_minor, why: "connection".into() })
}

fn receipt(key: &str, account: &str, amount_minor: i64) -> Payment {
    Payment { certainty: Certainty::Provisional, ..payment(key, account, amount_minor) }
}

fn trusting() -> Book {
    let tariff = Tariff { receipt_credit_minor: 1000, receipt_h: 2, ..tariff(1000, 0, 0) };
    Book::new(&tariff, [("A1", 0), ("A2", 500)])
}

#[test]
fn an_amendment_counts_once_and_a_used_id_is_told() {
    let mut book = book();
    let done = |account, balance_minor, amount_minor| Amendable::Done { account, balance_minor, amount_minor };
    assert_eq!(book.amend(&correction("C1", 0, -300), None), done(Some(0), -300, -300));
    assert_eq!(book.amend(&correction("C1", 0, -300), None), Amendable::Duplicate);
    assert_eq!(book.amend(&correction("C1", 0, 300), None), Amendable::Refused(AmendError::Clash));
    assert_eq!(book.amend(&loan("C1", 0, 300), None), Amendable::Refused(AmendError::Clash));
    let give = |amount_minor| refund("R1", RefundFrom::Account { account: 1, amount_minor });
    assert_eq!(book.amend(&give(501), None), Amendable::Refused(AmendError::Exceeds { free_minor: 500 }));
    assert_eq!(book.amend(&give(500), None), done(Some(1), 0, -500));
    assert_eq!(book.amend(&give(500), None), Amendable::Duplicate, "though nothing is left");
    for (amendment, error) in [
        (correction("C2", 0, 0), AmendError::Amount),
        (correction("C2", 0, i64::MIN), AmendError::Amount),
        (loan("L1", 0, -5), AmendError::Amount),
        (correction("C2", 9, 5), AmendError::Account),
        (correction("", 0, 5), AmendError::Id),
        (correction(&"x".repeat(65), 0, 5), AmendError::Id),
        (refund("R2", RefundFrom::Suspense(id("T1"))), AmendError::NotInSuspense),
    ] {
        assert_eq!(book.amend(&amendment, None), Amendable::Refused(error), "{amendment:?}");
        assert_eq!(book.amend_error(&amendment), Some(error));
    }
    let totals = book.totals();
    assert_eq!((totals.corrected, totals.refunded, totals.missing()), (-300, 500, 0));
}

#[test]
fn money_in_suspense_can_be_handed_back_once() {
    let mut book = book();
    book.credit(&payment("T1", "nobody", 700));
    let back = refund("R1", RefundFrom::Suspense(id("T1")));
    let done = Amendable::Done { account: None, balance_minor: 0, amount_minor: -700 };
    assert_eq!(book.amend(&back, None), done);
    assert_eq!(book.amend(&back, None), Amendable::Duplicate);
    book.credit(&payment("T2", "nobody", 700));
    let other = refund("R1", RefundFrom::Suspense(id("T2")));
    assert_eq!(book.amend(&other, None), Amendable::Refused(AmendError::Clash), "the same id for another payment");
    assert!(matches!(book.resolve(&id("T2"), 1, None), Credit::Credited { .. }));
    assert_eq!(book.resolve(&id("T1"), 0, None), Credit::Refused, "it is gone");
    assert_eq!(book.credit(&payment("T1", "nobody", 700)), Credit::Duplicate);
    assert_eq!((book.totals().refunded_suspense, book.totals().suspended, book.totals().missing()), (700, 0, 0));
}

#[test]
fn keys_of_two_providers_may_be_alike() {
    let mut book = book();
    book.credit(&payment("T1", "A1", 700));
    let other = Payment { provider: Provider::MtnMomo, ..payment("T1", "A1", 700) };
    assert!(matches!(book.credit(&other), Credit::Credited { balance_minor: 1400, .. }));
    assert_eq!(book.credit(&other), Credit::Duplicate);
}

#[test]
fn another_currency_is_refused_and_nothing_is_booked() {
    let mut book = book();
    let foreign = |code| Payment { currency: crate::payment::Currency::new(code), ..payment("T1", "A1", 700) };
    assert_eq!(book.check(&foreign("KES")), Err(crate::payment::PaymentError::Currency));
    assert_eq!(book.credit(&foreign("KES")), Credit::Refused);
    assert!(matches!(book.credit(&foreign("TZS")), Credit::Credited { .. }));
    for amount in [0, -1, i64::MIN, i64::MAX] {
        assert_eq!(book.credit(&payment("T2", "A1", amount)), Credit::Refused, "{amount}");
    }
    assert_eq!(book.totals().received, 700);
}

#[test]
fn the_word_of_the_provider_takes_the_place_of_the_receipt() {
    let mut book = trusting();
    assert_eq!(book.credit(&receipt("T1", "A1", 600)), Credit::Ahead { account: 0, balance_minor: 600 });
    assert_eq!(book.credit(&receipt("T1", "A1", 600)), Credit::Duplicate);
    assert_eq!(book.credit(&receipt("T1", "A2", 600)), Credit::Conflict);
    assert_eq!(book.credit(&receipt("T2", "A1", 401)), Credit::Unproven, "beyond the limit of 1000");
    assert_eq!(book.credit(&receipt("T2", "nobody", 4)), Credit::Unproven);
    assert_eq!((book.totals().received, book.totals().provisional), (0, 600));
    assert_eq!(book.credit(&payment("T1", "A1", 600)), Credit::Credited { account: 0, balance_minor: 600 });
    assert_eq!(book.credit(&receipt("T1", "A1", 600)), Credit::Duplicate);
    assert_eq!((book.totals().received, book.totals().provisional, book.totals().missing()), (600, 0, 0));
    // A receipt with the key of somebody else's payment.
    book.credit(&receipt("T3", "A1", 900));
    assert_eq!(book.credit(&payment("T3", "A2", 50)), Credit::Credited { account: 1, balance_minor: 550 });
    assert_eq!((book.balance_minor(0), book.account(0).unwrap().ahead_minor()), (600, 0));
    // Credit on a mere receipt cannot be handed back as cash.
    book.credit(&receipt("T4", "A1", 900));
    let cash = refund("R1", RefundFrom::Account { account: 0, amount_minor: 601 });
    assert_eq!(book.amend(&cash, None), Amendable::Refused(AmendError::Exceeds { free_minor: 600 }));
}

#[test]
fn a_receipt_that_nobody_confirms_is_taken_back_and_not_believed_again() {
    let mut book = trusting();
    book.credit_at(&receipt("T1", "A1", 600), Some(1_700_000_000_000));
    assert_eq!(book.receipt_due_unix_ms(), Some(1_700_007_200_000));
    assert_eq!(book.expired_receipt(1_700_007_199_999), None);
    assert_eq!(book.expired_receipt(1_700_007_200_000), Some(&id("T1")));
    let taken = Settling::TakenBack { account: 0, amount_minor: 600, balance_minor: 0 };
    assert_eq!(book.settle_receipt(&id("T1"), &Settled::Expired, Some(1)), taken);
    assert_eq!(book.revoke(&id("T1"), None), Settling::Unknown);
    assert_eq!(book.credit(&receipt("T1", "A1", 600)), Credit::Unproven);
    assert_eq!(book.credit(&payment("T1", "A1", 600)), Credit::Credited { account: 0, balance_minor: 600 });
    // Matched by hand with a payment under another key.
    assert!(matches!(book.provisional(&payment("SMS-9", "A1", 200)), Credit::Ahead { .. }));
    assert_eq!(book.confirm(&id("SMS-9"), &id("T9"), None), Settling::Unmatched);
    book.credit(&payment("T9", "A1", 200));
    assert!(matches!(book.confirm(&id("SMS-9"), &id("T9"), None), Settling::TakenBack { balance_minor: 800, .. }));
    assert_eq!(book.totals().provisional, 0);
}

#[test]
fn a_share_of_each_payment_goes_to_debt() {
    let tariff = Tariff { debt: Some(DebtRule { share_percent: 30 }), ..tariff(1000, 0, 0) };
    let mut book = Book::new(&tariff, [("A1", 0)]);
    book.amend(&loan("L1", 0, 100), None);
    assert_eq!(book.credit(&payment("T1", "A1", 99)), Credit::Credited { account: 0, balance_minor: 99 - 29 });
    assert_eq!(book.account(0).unwrap().debt_minor(), 71, "rounded down: what is over buys light");
    assert_eq!(book.credit(&payment("T2", "A1", 1000)), Credit::Credited { account: 0, balance_minor: 70 + 929 });
    assert_eq!(book.credit(&payment("T3", "A1", 1)), Credit::Credited { account: 0, balance_minor: 1000 });
    assert_eq!((book.totals().lent, book.totals().recovered, book.account(0).unwrap().debt_minor()), (100, 100, 0));
    assert_eq!(book.account(0).unwrap().granted_minor(), 1000);
}

#[test]
fn subscribed_power_costs_by_the_day_and_its_fraction_is_carried() {
    let capacity = Capacity { price_per_kw_day_minor: 25, subscribed_w: 500 };
    let mut book = Book::new(&Tariff { capacity: Some(capacity), ..tariff(0, 10, 0) }, [("A1", 100), ("A2", 100)]);
    assert!(book.subscribe(1, Some(2000)) && !book.subscribe(7, None));
    book.charge_until(1);
    assert_eq!(book.charge_until(3), Fees::Charged { days: 2 });
    // 12.5 a day, and 50.
    assert_eq!((book.balance_minor(0), book.balance_minor(1)), (100 - 20 - 25, 100 - 20 - 100));
    book.charge_until(4);
    assert_eq!((book.balance_minor(0), book.account(0).unwrap().carry_milli()), (100 - 30 - 37, 500));
    assert_eq!((book.totals().fees, book.totals().capacity_fees), (60, 37 + 150));
}

/// Everything that moves money.
#[derive(Clone, Debug)]
enum Move {
    Pay(u8, bool),
    Resolve(u8, u32),
    Revoke(u8),
    Correct(u8),
    Refund(u8),
    HandBack(u8),
    Lend(u8),
    Read(u8),
    Day(u8),
    Class(u8),
    Rows(u8),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let key = || 0_u8..24;
    let one = prop_oneof![
        (key(), any::<bool>()).prop_map(|(key, sure)| Move::Pay(key, sure)),
        (key(), 0_u32..3).prop_map(|(key, account)| Move::Resolve(key, account)),
        key().prop_map(Move::Revoke),
        key().prop_map(Move::Correct),
        key().prop_map(Move::Refund),
        key().prop_map(Move::HandBack),
        key().prop_map(Move::Lend),
        any::<u8>().prop_map(Move::Read),
        any::<u8>().prop_map(Move::Day),
        any::<u8>().prop_map(Move::Class),
        any::<u8>().prop_map(Move::Rows),
    ];
    proptest::collection::vec(one, 1..150)
}

fn make(book: &mut Book, step: &Move, at: i64) {
    let at = Some(at);
    match *step {
        Move::Pay(key, sure) => {
            let paid = payment(&format!("K{key}"), &format!("A{}", key % 4), i64::from(key) * 37 + 1);
            let certainty = if sure { Certainty::Final } else { Certainty::Provisional };
            book.credit_at(&Payment { certainty, ..paid }, at);
        }
        Move::Resolve(key, account) => {
            book.resolve(&id(&format!("K{key}")), account, at);
        }
        Move::Revoke(key) => {
            book.revoke(&id(&format!("K{key}")), at);
        }
        Move::Correct(n) => {
            book.amend(&correction(&format!("C{n}"), u32::from(n % 3), i64::from(n) * 11 - 90), at);
        }
        Move::Refund(n) => {
            let from = RefundFrom::Account { account: u32::from(n % 3), amount_minor: i64::from(n) * 5 };
            book.amend(&refund(&format!("R{n}"), from), at);
        }
        Move::HandBack(n) => {
            book.amend(&refund(&format!("S{n}"), RefundFrom::Suspense(id(&format!("K{n}")))), at);
        }
        Move::Lend(n) => {
            book.amend(&loan(&format!("L{n}"), u32::from(n % 3), i64::from(n) * 20), at);
        }
        Move::Read(n) => {
            book.debit_at(u32::from(n % 3), u32::from(n), u64::from(n) * 9, at);
        }
        Move::Class(n) => {
            book.classify(u32::from(n % 3), if n % 2 == 0 { "shop" } else { "" }, at, 0);
        }
        Move::Rows(n) => book.late_rows(u32::from(n % 3), at.map(|at| (u64::from(n) * 9, at - i64::from(n) * 900_000))),
        Move::Day(day) => {
            book.charge_until(i64::from(day));
        }
    }
}

fn everything() -> Book {
    let tariff = Tariff {
        debt: Some(DebtRule { share_percent: 37 }),
        emergency_credit_minor: 50,
        receipt_credit_minor: 900,
        capacity: Some(Capacity { price_per_kw_day_minor: 13, subscribed_w: 300 }),
        ..tariff(777, 3, 20)
    };
    let mut book = Book::new(&tariff, [("A0", 5), ("A1", 0), ("A2", 70)]);
    let demand = Some(Demand { price_per_kw_month_minor: 90_000, window_min: 15 });
    let shop = Tariff { class: "shop".into(), demand, ..tariff };
    book.set_classes(&Classes { tariffs: vec![shop], ..Classes::default() }, None);
    book
}

/// What [`Totals`] promises.
fn sums_hold(book: &Book) -> Result<(), TestCaseError> {
    let t = book.totals();
    prop_assert_eq!(t.missing(), 0);
    let sum = |of: fn(&Account) -> i64| book.accounts().iter().map(|a| i128::from(of(a))).sum::<i128>();
    let outgoing = t.energy_billed + t.fees + t.capacity_fees + t.refunded + t.recovered;
    prop_assert_eq!(sum(Account::balance_minor), 75 + t.credited + t.provisional + t.corrected - outgoing);
    prop_assert_eq!(sum(Account::debt_minor), t.lent - t.recovered);
    prop_assert_eq!(sum(Account::ahead_minor), t.provisional);
    let suspended: i128 = book.suspense().map(|p| i128::from(p.amount_minor)).sum();
    prop_assert_eq!(suspended, t.suspended);
    Ok(())
}

proptest! {
    /// Money in is credit given plus suspense plus what was handed back, whatever happens.
    #[test]
    fn money_in_is_money_somewhere(moves in moves()) {
        let mut book = everything();
        for (n, step) in moves.iter().enumerate() {
            make(&mut book, step, 1_700_000_000_000 + n as i64 * 1000);
            sums_hold(&book)?;
        }
    }

    /// Done twice is done once.
    #[test]
    fn what_is_told_twice_counts_once(moves in moves()) {
        let (mut once, mut twice) = (everything(), everything());
        for step in &moves {
            make(&mut once, step, 1_700_000_000_000);
            make(&mut twice, step, 1_700_000_000_000);
            make(&mut twice, step, 1_700_000_000_000);
        }
        prop_assert_eq!(once, twice);
    }
}

/// Sabotage: a correction made by an edit of the balance, without an entry, turns the sums red.
#[test]
fn an_edit_in_place_of_an_entry_is_seen() {
    let mut book = everything();
    book.credit(&payment("T1", "A1", 700));
    assert!(sums_hold(&book).is_ok());
    if let Some(account) = book.accounts.get_mut(0) {
        account.balance_minor += 1;
    }
    assert!(sums_hold(&book).is_err());
    // And one that forgets a payment in suspense.
    let mut book = everything();
    book.credit(&payment("T1", "nobody", 700));
    book.suspense.clear();
    assert!(sums_hold(&book).is_err());
}
