//! One payment under several names: in whatever order its words come, it is credited once.

use proptest::prelude::*;

use super::*;
use crate::payment::{Certainty, PaymentId, Receipt};

const AMOUNT: i64 = 700;

/// What can be said of one payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// The payer's text.
    Text,
    /// The provider, under our reference; no receipt.
    Bare,
    /// The provider, under our reference, with the receipt.
    Full,
    /// The provider's statement: a line under the receipt's number.
    Line,
    /// The provider under our reference; the receipt fits by amount and time alone.
    Likely,
}

fn say(word: Word, n: u32) -> Payment {
    let receipt = format!("RCPT{n:06}");
    let reference = payment(&format!("ref-{n}"), "A1", AMOUNT);
    match word {
        Word::Text => Payment { certainty: Certainty::Provisional, ..payment(&receipt, "A1", AMOUNT) },
        Word::Bare => reference,
        Word::Full => reference.with_receipt(receipt),
        Word::Line => payment(&receipt, "A1", AMOUNT),
        Word::Likely => Payment { receipt: Some(Receipt { number: receipt, certain: false }), ..reference },
    }
}

fn book_with_receipts() -> Book {
    let tariff = Tariff { receipt_credit_minor: 100_000, receipt_h: 24, ..Tariff::flat("TZS", 100_000, 0) };
    Book::new(&tariff, [("A1", 0), ("A2", 0)])
}

/// What the words of payments come to when `alike` says that the second names are believed.
fn told(words: &[(Word, u32)], believed: bool) -> Book {
    let mut book = book_with_receipts();
    for (word, n) in words {
        let mut said = say(*word, *n);
        if !believed {
            said.receipt = None;
        }
        book.credit(&said);
        assert_eq!(book.totals().missing(), 0);
        let sum: i128 = book.accounts().iter().map(|account| i128::from(account.balance_minor())).sum();
        assert_eq!(sum, book.totals().credited + book.totals().provisional);
    }
    book
}

/// Words of three payments in any order, each of them any number of times, the naming one at least once and before a bare
/// word and a line could both have been credited.
fn histories() -> impl Strategy<Value = Vec<(Word, u32)>> {
    let word = proptest::sample::select(vec![Word::Text, Word::Full, Word::Line]);
    let of_one = |n: u32| {
        let others = proptest::collection::vec(word.clone(), 0..6);
        let bare = proptest::bool::ANY;
        (others, bare).prop_map(move |(mut words, bare)| {
            words.push(Word::Full);
            // Without a name nothing makes a bare word and a line one payment: the relay does (its own test).
            if bare {
                words.iter_mut().filter(|word| **word == Word::Line).for_each(|word| *word = Word::Bare);
            }
            words.into_iter().map(|word| (word, n)).collect::<Vec<_>>()
        })
    };
    (of_one(1), of_one(2), of_one(3)).prop_flat_map(|(a, b, c)| {
        let all: Vec<_> = a.into_iter().chain(b).chain(c).collect();
        Just(all).prop_shuffle()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn every_payment_is_credited_once_whatever_is_said_of_it_and_when(history in histories()) {
        let book = told(&history, true);
        prop_assert_eq!(book.balance_minor(0), 3 * AMOUNT);
        prop_assert_eq!((book.totals().received, book.totals().provisional), (3 * i128::from(AMOUNT), 0));
        prop_assert_eq!(book.receipts().count(), 0);
    }
}

/// The sabotage: second names are not believed.
#[test]
fn without_names_a_text_or_a_line_doubles_the_payment() {
    let of = |words: &[Word]| told(&words.iter().map(|word| (*word, 1)).collect::<Vec<_>>(), false);
    assert_eq!(of(&[Word::Full, Word::Line]).totals().received, 2 * i128::from(AMOUNT));
    assert_eq!(of(&[Word::Text, Word::Full]).totals().provisional, i128::from(AMOUNT));
}

#[test]
fn each_order_of_two_words() {
    let cases = [
        (vec![Word::Text, Word::Full], Credit::Credited { account: 0, balance_minor: AMOUNT }),
        (vec![Word::Full, Word::Text], Credit::Duplicate),
        (vec![Word::Full, Word::Line], Credit::Duplicate),
        (vec![Word::Line, Word::Full], Credit::Duplicate),
        (vec![Word::Line, Word::Full, Word::Bare], Credit::Duplicate),
        (vec![Word::Bare, Word::Text, Word::Full], Credit::Duplicate),
        (vec![Word::Bare, Word::Full, Word::Line], Credit::Duplicate),
        (vec![Word::Text, Word::Likely], Credit::Credited { account: 0, balance_minor: AMOUNT }),
        (vec![Word::Likely, Word::Text], Credit::Unproven),
        // A name that only fits does not swallow what the provider tells of under it.
        (vec![Word::Likely, Word::Line], Credit::Credited { account: 0, balance_minor: 2 * AMOUNT }),
        // Credited twice before anybody said that they are one: somebody has to look.
        (vec![Word::Bare, Word::Line, Word::Full], Credit::Conflict),
    ];
    for (words, last) in cases {
        let mut book = book_with_receipts();
        let outcomes: Vec<_> = words.iter().map(|word| book.credit(&say(*word, 1))).collect();
        assert_eq!(outcomes.last(), Some(&last), "{words:?}");
        let repeats = words.iter().all(|word| {
            let said = say(*word, 1);
            book.would_be_duplicate(&said) || matches!(book.credit(&said), Credit::Conflict | Credit::Unproven)
        });
        assert!(repeats, "{words:?}: nothing changes when all is said again");
        assert_eq!(book.totals().missing(), 0);
    }
}

#[test]
fn a_receipt_of_another_account_is_taken_back_from_there() {
    let mut book = book_with_receipts();
    let text = Payment { account: "A2".into(), ..say(Word::Text, 1) };
    assert_eq!(book.credit(&text), Credit::Ahead { account: 1, balance_minor: AMOUNT });
    assert_eq!(book.on_receipts_of(&say(Word::Full, 1)).collect::<Vec<_>>(), [1]);
    book.credit(&say(Word::Full, 1));
    assert_eq!((book.balance_minor(0), book.balance_minor(1)), (AMOUNT, 0));
}

/// A payment in suspense is found, resolved and handed back by any of its names, also by one that was learnt later.
#[test]
fn suspense_is_found_resolved_and_handed_back_by_any_name() {
    let stray = |word| Payment { account: "nobody".into(), ..say(word, 1) };
    let (reference, receipt) = (say(Word::Bare, 1).id(), say(Word::Line, 1).id());
    for words in [[Word::Full, Word::Line], [Word::Line, Word::Full], [Word::Bare, Word::Full]] {
        for name in [&reference, &receipt] {
            let mut book = book_with_receipts();
            words.iter().for_each(|word| _ = book.credit(&stray(*word)));
            assert_eq!(book.suspended(name).map(|p| p.amount_minor), Some(AMOUNT), "{words:?} {name:?}");
            let back = |name: &PaymentId, id: &str| Refund {
                id: id.into(),
                from: RefundFrom::Suspense(name.clone()),
                why: "to nobody's account".into(),
            };
            let mut other = book.clone();
            assert!(matches!(book.resolve(name, 1, None), Credit::Credited { account: 1, balance_minor: AMOUNT }));
            assert!(book.suspense().next().is_none());
            for name in [&reference, &receipt] {
                assert_eq!(book.resolve(name, 0, None), Credit::Refused, "once");
                let refused = Amendable::Refused(AmendError::NotInSuspense);
                assert_eq!(book.refund(back(name, "R1"), None), refused, "it is somebody's credit");
            }
            assert!(matches!(other.refund(back(name, "R1"), None), Amendable::Done { amount_minor: -700, .. }));
            for name in [&reference, &receipt] {
                assert_eq!(other.refund(back(name, "R1"), None), Amendable::Duplicate, "the same payment by {name:?}");
                let refused = Amendable::Refused(AmendError::NotInSuspense);
                assert_eq!(other.refund(back(name, "R2"), None), refused);
                assert_eq!(other.resolve(name, 0, None), Credit::Refused);
            }
            assert_eq!((other.totals().suspended, other.totals().refunded_suspense), (0, i128::from(AMOUNT)));
            assert_eq!((book.totals().missing(), other.totals().missing()), (0, 0));
        }
    }
}

/// A name that only fits is no name: what lies in suspense is not found by it.
#[test]
fn a_likely_receipt_finds_nothing_in_suspense() {
    let mut book = book_with_receipts();
    book.credit(&Payment { account: "nobody".into(), ..say(Word::Likely, 1) });
    assert!(book.suspended(&say(Word::Bare, 1).id()).is_some());
    assert!(book.suspended(&say(Word::Line, 1).id()).is_none());
    assert_eq!(book.resolve(&say(Word::Line, 1).id(), 0, None), Credit::Refused);
}

/// The same order by a name that was learnt between is a repeat, and not a clash; so is what was declined.
#[test]
fn an_amendment_names_a_payment_by_any_name() {
    let mut book = book_with_receipts();
    book.credit(&say(Word::Bare, 1));
    let correct = |name: &PaymentId| {
        let (id, why) = ("C1".into(), "wrong amount".into());
        Amendment::Correction(Correction { id, account: 0, amount_minor: -100, of: Some(name.clone()), why })
    };
    let (reference, receipt) = (say(Word::Bare, 1).id(), say(Word::Line, 1).id());
    assert!(matches!(book.amend(&correct(&receipt), None), Amendable::Done { .. }), "a name that nobody knows yet");
    assert_eq!(book.amend(&correct(&reference), None), Amendable::Refused(AmendError::Clash), "not known to be one");
    book.credit(&say(Word::Full, 1));
    for name in [&reference, &receipt] {
        assert_eq!(book.amend(&correct(name), None), Amendable::Duplicate);
    }
    assert_eq!(book.by_first_names(&correct(&receipt)), correct(&reference));
    let mut cloud = book_with_receipts();
    cloud.credit(&say(Word::Full, 1));
    cloud.decline(&correct(&receipt), AmendError::Account);
    assert!(cloud.is_declined(&correct(&reference)));
    assert_eq!(cloud.amend(&correct(&reference), None), Amendable::Refused(AmendError::Account));
}
