//! A push to the customer's telephone (STK): paid, refused, asked about.

use super::*;

const ID: &str = "ws_CO_01032026030000";

fn callback(code: &str, items: &str) -> HttpRequest {
    let metadata =
        if items.is_empty() { String::new() } else { format!(r#","CallbackMetadata":{{"Item":[{items}]}}"#) };
    let body = format!(
        r#"{{"Body":{{"stkCallback":{{"MerchantRequestID":"1-2-3","CheckoutRequestID":"{ID}","ResultCode":{code},
        "ResultDesc":"x"{metadata}}}}}}}"#
    );
    HttpRequest::post(format!("/{SECRET}/daraja/stk"), body)
}

const PAID: &str = r#"{"Name":"Amount","Value":50.00},{"Name":"MpesaReceiptNumber","Value":"RKL4CL10OG"},
    {"Name":"Balance"},{"Name":"TransactionDate","Value":20260301025900},{"Name":"PhoneNumber","Value":254700000000}"#;

fn how(desk: &Desk) -> Option<Settlement> {
    desk.relay.state().request(Provider::Daraja, ID).unwrap().1.cloned()
}

#[test]
fn a_paid_push_is_a_payment_under_its_own_name_and_its_receipts() {
    let mut desk = Desk::new();
    desk.asked(Provider::Daraja, ID, "174379", None);
    assert_eq!(desk.call(Provider::Daraja, &callback("0", PAID)).0, 200);
    assert_eq!(desk.waiting()[0].key, ID);
    assert_eq!(desk.waiting()[0].receipt, Some(Receipt { number: "RKL4CL10OG".into(), certain: true }));
    assert_eq!((desk.waiting()[0].account.as_str(), desk.waiting()[0].amount_minor), ("A17", 5_000));
    assert_eq!(desk.waiting()[0].accepted_unix_ms, NOW - 60_000);
    assert_eq!(how(&desk), Some(Settlement::Paid { key: ID.into() }));
    // Again, and by the query as well; and the telephone's text about the same receipt.
    desk.call(Provider::Daraja, &callback("0", PAID));
    let answer = format!(r#"{{"ResponseCode":"0","CheckoutRequestID":"{ID}","ResultCode":"0","ResultDesc":"x"}}"#);
    desk.status(Provider::Daraja, ID, &answer);
    assert_eq!(desk.waiting().len(), 1);
    desk.later(86_400_000);
    assert_eq!(desk.queries.len(), 0, "nothing is left to ask");
}

#[test]
fn where_confirmations_come_they_alone_bring_the_money() {
    let mut desk = Desk::new();
    desk.asked(Provider::Daraja, ID, "600638", None);
    desk.call(Provider::Daraja, &callback("0", PAID));
    assert_eq!((desk.waiting().len(), how(&desk)), (0, Some(Settlement::Confirmed)));
    desk.c2b(&good("RKL4CL10OG"));
    assert_eq!(desk.waiting().len(), 1);
}

#[test]
fn result_codes_have_names() {
    for (code, why) in [
        ("1", NotPaid::Funds),
        ("1001", NotPaid::Busy),
        ("1019", NotPaid::Expired),
        ("1025", NotPaid::Unreachable),
        ("\"1032\"", NotPaid::Cancelled),
        ("2001", NotPaid::Pin),
        ("9999", NotPaid::Unreachable),
        ("17", NotPaid::Other),
    ] {
        let mut desk = Desk::new();
        desk.asked(Provider::Daraja, ID, "174379", None);
        assert_eq!(desk.call(Provider::Daraja, &callback(code, "")).0, 200);
        assert_eq!(how(&desk), Some(Settlement::NotPaid(why)), "{code}");
    }
}

#[test]
fn a_lost_callback_is_reconciled_by_a_status_query() {
    let mut desk = Desk::new();
    desk.asked(Provider::Daraja, ID, "174379", None);
    desk.later(59_000);
    assert_eq!(desk.queries.len(), 0);
    desk.later(1_000);
    assert_eq!(desk.queries.len(), 1);
    desk.status(Provider::Daraja, ID, r#"{"requestId":"1","errorCode":"500.001.1001","errorMessage":"processing"}"#);
    assert_eq!(how(&desk), None, "under way");
    desk.later(60_000);
    assert_eq!(desk.queries.len(), 2);
    // The relay restarts, and asks at once about what it does not know.
    desk.restart();
    desk.later(1);
    assert_eq!(desk.queries.len(), 3);
    let answer = format!(r#"{{"ResponseCode":"0","CheckoutRequestID":"{ID}","ResultCode":"0","ResultDesc":"x"}}"#);
    desk.status(Provider::Daraja, ID, &answer);
    assert_eq!(desk.waiting()[0].key, ID, "a query bears no receipt");
    desk.call(Provider::Daraja, &callback("0", PAID));
    // The callback that comes after all is the same payment, and the site hears its second name.
    assert_eq!(desk.waiting().iter().map(|payment| payment.key.as_str()).collect::<Vec<_>>(), [ID, ID]);
    assert_eq!(desk.waiting()[1].receipt, Some(Receipt { number: "RKL4CL10OG".into(), certain: true }));
    desk.call(Provider::Daraja, &callback("0", PAID));
    assert_eq!(desk.waiting().len(), 2, "once");
}

#[test]
fn success_without_a_receipt_and_silence_are_asked_about() {
    for code in ["0", "1037"] {
        let mut desk = Desk::new();
        desk.asked(Provider::Daraja, ID, "174379", None);
        desk.call(Provider::Daraja, &callback(code, ""));
        assert_eq!((desk.waiting().len(), desk.queries.len(), how(&desk)), (0, 1, None), "{code}");
    }
}

#[test]
fn pushes_that_nobody_made_and_undecided_ones_are_told() {
    let mut desk = Desk::new();
    assert_eq!(desk.call(Provider::Daraja, &callback("0", PAID)).0, 404);
    assert_eq!((desk.refused().as_str(), desk.relay.unread().count()), ("CheckoutRequestID: no such request", 1));
    desk.asked(Provider::Daraja, ID, "174379", None);
    for _ in 0..60 {
        desk.later(3_600_000);
    }
    assert!((45..60).contains(&desk.queries.len()), "{}", desk.queries.len());
    assert_eq!(how(&desk), Some(Settlement::GivenUp));
    // The provider speaks after all.
    desk.call(Provider::Daraja, &callback("0", PAID));
    assert_eq!(desk.waiting().len(), 1);
}
