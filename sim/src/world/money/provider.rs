//! What the simulated provider sends and answers, byte for byte as Daraja and MTN do (`docs/payments.md` has the fields).
//!
//! Pure: a payment in, an HTTP body out, and back from the key in a journal to the payment that it is of.
//!
//! | interface | who starts | word of it | lost callback |
//! |---|---|---|---|
//! | Daraja C2B | the payer | confirmation | read from the provider's statement, by hand |
//! | Daraja STK push | the operator's shop | callback with the receipt | the relay asks (`stkpushquery`) |
//! | MTN MoMo | the operator's shop | a callback that is not believed, then the status | the relay asks (`requesttopay`) |

use taa_dcu::payment::Provider;
use taa_intake::{HttpRequest, amount::decimal, provider::Money, relay::PayRequest};
use taa_models::payments::ProviderApi;

/// The relay's first path segment, which providers are given and nobody else.
pub(super) const PATH_SECRET: &str = "b1d7c0a9e2";
/// Our short code at Daraja, and one of the same operator's in another currency.
pub(super) const SHORTCODE: &str = "600638";
pub(super) const FOREIGN_SHORTCODE: &str = "600639";
/// Daraja writes local times of Nairobi.
pub(super) const NAIROBI_S: i32 = 3 * 3600;

const PUSH: &str = "ws_CO_";
const MOMO: &str = "7aa00000-0000-4000-8000-";

/// A payment as its provider knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) number: u32,
    /// The receipt (`TransID`, `MpesaReceiptNumber`).
    pub(super) receipt: String,
    /// As the payer typed it.
    pub(super) account: String,
    pub(super) amount_minor: i64,
    pub(super) money: Money,
    pub(super) accepted_unix_ms: i64,
    /// Paid to the short code of the other currency.
    pub(super) foreign: bool,
}

/// The name of a request: `CheckoutRequestID`, `X-Reference-Id`; nothing where the payer starts.
pub(super) fn request_id(api: ProviderApi, number: u32) -> Option<String> {
    match api {
        ProviderApi::DarajaC2b => None,
        ProviderApi::DarajaStk => Some(format!("{PUSH}{number:010}")),
        ProviderApi::MtnMomo => Some(format!("{MOMO}{number:012}")),
    }
}

/// The payment behind any key of these providers, or the village's own.
pub(crate) fn payment_number(key: &str) -> Option<u32> {
    let digits = [PUSH, MOMO, "T"].iter().find_map(|prefix| key.strip_prefix(prefix))?;
    digits.split_once(' ').map_or(digits, |(first, _)| first).parse().ok()
}

/// What the operator's shop asks the provider to ask of the payer, as the relay is told.
pub(super) fn request(api: ProviderApi, told: &Told) -> Option<PayRequest> {
    let (provider, shortcode) = match api {
        ProviderApi::DarajaC2b => return None,
        ProviderApi::DarajaStk => (Provider::Daraja, SHORTCODE.to_owned()),
        ProviderApi::MtnMomo => (Provider::MtnMomo, String::new()),
    };
    Some(PayRequest {
        provider,
        id: request_id(api, told.number)?,
        shortcode,
        account: told.account.clone(),
        amount_minor: told.amount_minor,
        money: told.money,
        asked_unix_ms: told.accepted_unix_ms,
        tokens: None,
    })
}

/// The provider's call to the relay.
pub(super) fn callback(api: ProviderApi, told: &Told) -> (Provider, HttpRequest) {
    match api {
        ProviderApi::DarajaC2b => (Provider::Daraja, post("daraja/c2b/confirmation", &confirmation(told))),
        ProviderApi::DarajaStk => (Provider::Daraja, post("daraja/stk", &push_result(told))),
        ProviderApi::MtnMomo => {
            let id = request_id(api, told.number).unwrap_or_default();
            (Provider::MtnMomo, post(&format!("momo/{id}"), &momo_status(told)))
        }
    }
}

/// The provider's answer to a status query.
pub(super) fn status(api: ProviderApi, told: &Told) -> String {
    match api {
        ProviderApi::MtnMomo => momo_status(told),
        ProviderApi::DarajaC2b | ProviderApi::DarajaStk => {
            let id = request_id(api, told.number).unwrap_or_default();
            format!(
                r#"{{"ResponseCode":"0","ResponseDescription":"The service request has been accepted successfully","CheckoutRequestID":"{id}","ResultCode":"0","ResultDesc":"The service request is processed successfully."}}"#
            )
        }
    }
}

/// A bad call about this payment, of the kind that its number says. None of them may move money or keep the true one out.
pub(super) fn vandalism(api: ProviderApi, told: &Told, kind: u32) -> (Provider, HttpRequest) {
    let body = match api {
        ProviderApi::DarajaC2b => confirmation(told),
        ProviderApi::DarajaStk => push_result(told),
        ProviderApi::MtnMomo => momo_status(told),
    };
    let (provider, good) = callback(api, told);
    let money = amount(told);
    let bad = match kind % 10 {
        0 => body.replace(&money, &format!("-{money}")),
        1 => body.replace(&money, "0.00"),
        2 => body.replace(&money, "99999999999999999999"),
        3 => body.replace(&money, &format!("{money}5")),
        4 => body.replace('"', ""),
        5 => body.chars().take(body.len() / 2).collect(),
        6 => body + &" ".repeat(20_000),
        7 => body.replace(&format!("\"{}\"", told.receipt), "[1,2]").replace("SUCCESSFUL", "PAID"),
        8 => "[".repeat(9_000),
        _ => {
            // Right in every field, and from somebody who does not know the address.
            let path = good.path.replace(PATH_SECRET, "guess");
            return (provider, HttpRequest { path, ..good });
        }
    };
    (provider, HttpRequest { body: bad.into_bytes(), ..good })
}

fn post(path: &str, body: &str) -> HttpRequest {
    HttpRequest::post(format!("/{PATH_SECRET}/{path}"), body)
}

fn amount(told: &Told) -> String {
    decimal(told.amount_minor, told.money.minor_per_unit)
}

fn confirmation(told: &Told) -> String {
    let code = if told.foreign { FOREIGN_SHORTCODE } else { SHORTCODE };
    format!(
        r#"{{"TransactionType":"Pay Bill","TransID":"{}","TransTime":"{}","TransAmount":"{}","BusinessShortCode":"{code}","BillRefNumber":"{}","InvoiceNumber":"","OrgAccountBalance":"","ThirdPartyTransID":"","MSISDN":"2547*****{:03}","FirstName":"A"}}"#,
        told.receipt,
        compact(told.accepted_unix_ms),
        amount(told),
        told.account,
        told.number % 1000,
    )
}

fn push_result(told: &Told) -> String {
    let number = told.number;
    format!(
        r#"{{"Body":{{"stkCallback":{{"MerchantRequestID":"m-{number}","CheckoutRequestID":"{PUSH}{number:010}","ResultCode":0,"ResultDesc":"The service request is processed successfully.","CallbackMetadata":{{"Item":[{{"Name":"Amount","Value":{}}},{{"Name":"MpesaReceiptNumber","Value":"{}"}},{{"Name":"Balance"}},{{"Name":"TransactionDate","Value":{}}},{{"Name":"PhoneNumber","Value":254700000000}}]}}}}}}}}"#,
        amount(told),
        told.receipt,
        compact(told.accepted_unix_ms),
    )
}

fn momo_status(told: &Told) -> String {
    format!(
        r#"{{"amount":"{}","currency":"{}","financialTransactionId":"{}","externalId":"{}","payer":{{"partyIdType":"MSISDN","partyId":"256700000000"}},"status":"SUCCESSFUL"}}"#,
        amount(told),
        told.money.currency,
        told.number,
        told.account,
    )
}

/// `YYYYMMDDhhmmss` in Nairobi. Days to a date by the calendar's cycle of 400 years, counted from 1 March.
fn compact(unix_ms: i64) -> String {
    let local_s = unix_ms.div_euclid(1000) + i64::from(NAIROBI_S);
    let (days, second) = (local_s.div_euclid(86_400) + 719_468, local_s.rem_euclid(86_400));
    let (cycle, of_cycle) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_cycle - of_cycle / 1460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = (cycle * 400 + year, if month < 10 { month + 3 } else { month - 9 });
    let year = year + i64::from(month <= 2);
    format!("{year:04}{month:02}{day:02}{:02}{:02}{:02}", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use taa_dcu::payment::Currency;
    use taa_intake::civil::Civil;

    fn told() -> Told {
        let money = Money { currency: Currency::new("KES").unwrap(), minor_per_unit: 100 };
        Told {
            number: 12,
            receipt: "T0000000012".into(),
            account: "c1".into(),
            amount_minor: 12_345,
            money,
            accepted_unix_ms: 1_772_323_200_000,
            foreign: false,
        }
    }

    #[test]
    fn dates_are_those_that_the_relay_reads() {
        assert_eq!(compact(1_772_323_200_000), "20260301030000");
        for step in 0..4000_i64 {
            let unix_ms = 1_420_070_400_000 + step * 40_000_007_000;
            let read = Civil::from_compact(&compact(unix_ms)).and_then(|civil| civil.unix_ms(NAIROBI_S));
            assert_eq!(read, Some(unix_ms), "{}", compact(unix_ms));
        }
    }

    #[test]
    fn every_key_leads_back_to_its_payment() {
        let keys = ["T0000000012", "T0000000012 3", "ws_CO_0000000012"];
        for key in keys.map(str::to_owned).into_iter().chain(request_id(ProviderApi::MtnMomo, 12)) {
            assert_eq!(payment_number(&key), Some(12), "{key}");
        }
        for key in ["", "12", "Tx", "7aa00000-0000-4000-8000-"] {
            assert_eq!(payment_number(key), None, "{key}");
        }
    }

    #[test]
    fn bodies_are_what_the_relay_reads() {
        use taa_intake::provider::{
            Paid, Standing,
            daraja::{Shortcode, c2b, stk},
            momo,
        };
        let told = told();
        let shortcode =
            Shortcode { code: SHORTCODE.into(), money: told.money, utc_offset_s: NAIROBI_S, confirms: false };
        let read = c2b::payment(confirmation(&told).as_bytes(), &[shortcode], told.accepted_unix_ms).unwrap();
        let (key, account) = (read.payment.key.as_str(), read.payment.account.as_str());
        assert_eq!((key, account, read.payment.amount_minor), ("T0000000012", "c1", 12_345));
        assert_eq!((read.payment.accepted_unix_ms, read.doubt), (told.accepted_unix_ms, None));
        let push = stk::callback(push_result(&told).as_bytes(), told.money, NAIROBI_S).unwrap();
        assert_eq!((push.receipt.as_deref(), push.amount_minor), (Some("T0000000012"), Some(12_345)));
        let asked = request(ProviderApi::DarajaStk, &told).unwrap();
        assert_eq!(push.checkout_request_id, asked.id);
        let answer = status(ProviderApi::DarajaStk, &told);
        assert_eq!(stk::query_answer(answer.as_bytes(), &asked.id), Ok(Some(0)));
        let asked = request(ProviderApi::MtnMomo, &told).unwrap();
        let standing = momo::standing(status(ProviderApi::MtnMomo, &told).as_bytes(), &asked, told.accepted_unix_ms);
        let Ok(Standing::Paid(Paid { payment, .. })) = standing else { panic!("{standing:?}") };
        assert_eq!((payment.amount_minor, payment.key), (12_345, asked.id));
    }
}
