//! Receipts by text message, passed on by a telephone: the way that works where no callback does.
//!
//! A text can be typed by anybody, so such a payment is always [`Certainty::Provisional`]: the site credits it up to its
//! own limit, until the provider's own word, which knows it by the same number (as key or as receipt), confirms it. What a text looks like is data
//! ([`Template`]): providers change their wording without notice.
//!
//! A pattern is the text with `{code}`, `{amount}`, `{account}`, `{payee}`, `{date}`, `{time}` and `{*}` (anything) where
//! those stand; blanks and line ends are alike, capitals and small letters too.

use taa_dcu::payment::{Certainty, Channel, Payment, Provider};

use super::{Money, Paid, Refusal, account, receipt_number};
use crate::{
    amount::grouped_minor_units,
    civil::{Civil, accepted_at},
    fields::{FieldsError, Wrong},
};

/// Longest text read: four messages of 160 characters.
const TEXT_BYTES_MAX: usize = 1024;

/// What a receipt looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Whose receipt: the payment's key is one of this provider's.
    pub provider: Provider,
    /// The pattern.
    pub pattern: String,
    /// What it is paid in.
    pub money: Money,
    /// Its times are local: seconds ahead of UTC.
    pub utc_offset_s: i32,
    /// The names under which we are paid; a receipt with a `{payee}` that is none of them is not ours.
    pub payees: Vec<String>,
}

/// Patterns that were found in public collections of M-PESA texts (Kenya): the payer's own receipt for a pay bill, and
/// the payee's receipt for money sent to a telephone number, which bears no account.
pub const MPESA_KENYA: [&str; 3] = [
    "{code} Confirmed. Ksh{amount} sent to {payee} for account {account} on {date} at {time} New M-PESA balance{*}",
    "{code} Confirmed. You have paid Ksh{amount} to {payee} for account {account} on {date} at {time}. New{*}",
    "{code} Confirmed. You have received Ksh{amount} from {*} on {date} at {time} New M-PESA balance{*}",
];

/// What stands in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Found {
    code: String,
    amount: String,
    account: String,
    payee: Option<String>,
    date: String,
    time: String,
}

/// The payment that a text tells of: the first template that fits. `typed` is the account that whoever passed the text
/// on has added.
///
/// # Errors
/// [`Refusal::UnknownText`], [`Refusal::NotOurs`], [`Refusal::Fields`].
pub fn payment(text: &str, templates: &[Template], typed: &str, now_unix_ms: i64) -> Result<Paid, Refusal> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(FieldsError::TooLong.into());
    }
    let text = plain(text);
    let fits = templates.iter().find_map(|template| Some((template, find(&template.pattern, &text)?)));
    let (template, found) = fits.ok_or(Refusal::UnknownText)?;
    if found.payee.as_ref().is_some_and(|payee| !template.payees.iter().any(|ours| ours.eq_ignore_ascii_case(payee))) {
        return Err(Refusal::NotOurs("payee"));
    }
    // Orange's numbers have full stops in them.
    let is_code = found.code.len() >= 8 && found.code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
    let Some(key) = receipt_number(&found.code).filter(|_| is_code) else {
        return Err(FieldsError::Field("code", Wrong::Value("not a receipt number")).into());
    };
    let amount = grouped_minor_units(&found.amount, template.money.minor_per_unit);
    let amount_minor = amount.map_err(|error| FieldsError::Field("amount", Wrong::Amount(error)))?;
    let told = Civil::from_message(&found.date, &found.time).and_then(|civil| civil.unix_ms(template.utc_offset_s));
    let (accepted_unix_ms, doubt) = accepted_at(told, now_unix_ms);
    let typed = if found.account.is_empty() { typed } else { &found.account };
    let new = Payment::new(template.provider, key, account(typed), amount_minor, Channel::Phone, accepted_unix_ms);
    let payment = Payment { currency: Some(template.money.currency), certainty: Certainty::Provisional, ..new };
    Ok(Paid { payment, doubt })
}

/// Blanks and line ends as single blanks, and one after a full stop that a letter follows ("Confirmed.You").
fn plain(text: &str) -> String {
    let spaced = text.replace("Confirmed.", "Confirmed. ");
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Matches a pattern from front to back: a place takes everything up to the next literal.
fn find(pattern: &str, text: &str) -> Option<Found> {
    let mut found = Found::default();
    let (mut pattern, mut text) = (pattern, text);
    loop {
        let (literal, rest) = pattern.split_once('{').map_or((pattern, None), |(literal, rest)| (literal, Some(rest)));
        let head = text.get(..literal.len())?;
        if !head.eq_ignore_ascii_case(literal) {
            return None;
        }
        text = text.get(literal.len()..)?;
        let Some(rest) = rest else { return text.is_empty().then_some(found) };
        let (place, after) = rest.split_once('}')?;
        let next = after.split('{').next().unwrap_or("");
        // Two places side by side cannot be told apart; at the end a place takes all that is left.
        let end = if next.is_empty() { text.len() } else { position(text, next)? };
        let (value, left) = text.split_at_checked(end)?;
        let value = value.trim().to_owned();
        match place {
            "code" => found.code = value,
            "amount" => found.amount = value,
            "account" => found.account = value,
            "payee" => found.payee = Some(value),
            "date" => found.date = value,
            "time" => found.time = value,
            _ => {}
        }
        (pattern, text) = (after, left);
    }
}

/// Where a literal begins, capitals and small letters alike.
fn position(text: &str, literal: &str) -> Option<usize> {
    text.as_bytes().windows(literal.len()).position(|window| window.eq_ignore_ascii_case(literal.as_bytes()))
}
