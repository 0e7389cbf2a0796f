//! Lists of payments: what a provider answers when it is asked for all of a short code, and statements that a clerk
//! downloads from its portal and brings.
//!
//! Daraja's Pull Transactions (`pulltransactions/v1/query`, the last 48 hours of a registered short code): asked with
//! `ShortCode`, `StartDate`, `EndDate`, `OffSetValue`; answered with a list, `Response` or `Transactions` in public
//! clients, of `transactionId`, `trxDate`, `billreference`, `amount`, beside others. Of `trxDate` nothing that could be
//! read says whether its `Z` means UTC or stands behind local time; both are taken for possible where lines are matched.
//! Sources: a public copy of Safaricom's page, public clients; the names of the members are from memory.
//!
//! A statement is text in columns (RFC 4180), and what its columns are called is data ([`Shape`]): portals change.

use taa_dcu::payment::{Channel, Payment, Provider};

use super::{Money, Paid, Refusal, account, daraja::Shortcode, receipt_number};
use crate::{
    amount::grouped_minor_units,
    civil::{Civil, accepted_at},
    fields::{Fields, FieldsError, Wrong},
};

/// Longest list read, bytes.
pub const LIST_BYTES_MAX: usize = 1024 * 1024;
/// Most lines read of one list.
const LINES_MAX: usize = 10_000;
/// Most columns of a statement.
const COLUMNS_MAX: usize = 64;

/// A line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it says.
    pub paid: Paid,
    /// What its time may mean as well, Unix ms.
    pub other_unix_ms: Option<i64>,
}

/// A line that was refused, and its beginning.
pub type Refused = (Refusal, String);

/// What a page of Daraja's list says: its lines, each read or refused by itself.
///
/// # Errors
/// [`Refusal::Fields`] for a page that is no list at all, or says that something went wrong.
pub fn pulled(body: &[u8], shortcode: &Shortcode, now_unix_ms: i64) -> Result<Vec<Result<Line, Refused>>, Refusal> {
    let page = Fields::parse_long(body, LIST_BYTES_MAX)?;
    if page.text_if_any("errorCode")?.is_some() {
        return Err(FieldsError::Field("errorCode", Wrong::Value("the provider did not answer the question")).into());
    }
    let mut lines = page.raw_members("Response")?;
    lines.extend(page.raw_members("Transactions")?);
    let read = |line: &&str| pulled_line(line, shortcode, now_unix_ms).map_err(|why| (why, (*line).to_owned()));
    Ok(lines.iter().take(LINES_MAX).map(read).collect())
}

fn pulled_line(line: &str, shortcode: &Shortcode, now_unix_ms: i64) -> Result<Line, Refusal> {
    let fields = Fields::parse(line.as_bytes())?;
    let told = fields.text("transactionId")?;
    let key = receipt_number(&told).ok_or(FieldsError::Field("transactionId", Wrong::Value("not a receipt number")))?;
    let amount = fields.amount("amount", shortcode.money.minor_per_unit)?;
    let reference = fields.text_or_number_if_any("billreference")?.unwrap_or_default();
    let time = fields.text_or_number_if_any("trxDate")?.unwrap_or_default();
    let told = Civil::from_statement(&time).or_else(|| Civil::from_compact(&time));
    let at = |offset_s| told.and_then(|civil| civil.unix_ms(offset_s));
    let (local, utc) = (at(shortcode.utc_offset_s), at(0));
    let (taken, other) = if time.ends_with('Z') { (utc, local) } else { (local, None) };
    // Local time behind a "Z" lies in the future.
    let (taken, other) = if taken > Some(now_unix_ms) { (other.or(taken), taken) } else { (taken, other) };
    let (accepted_unix_ms, doubt) = accepted_at(taken, now_unix_ms);
    let new = Payment::new(Provider::Daraja, key, account(&reference), amount, Channel::Phone, accepted_unix_ms);
    let payment = Payment { currency: Some(shortcode.money.currency), ..new };
    Ok(Line { paid: Paid { payment, doubt }, other_unix_ms: other })
}

/// What a statement looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Whose: the receipts' numbers are names of this provider's payments.
    pub provider: Provider,
    /// What it is counted in.
    pub money: Money,
    /// Its times are local: seconds ahead of UTC.
    pub utc_offset_s: i32,
    /// Between two columns.
    pub delimiter: char,
    /// The column of the receipt's number; the first line that has it names the columns.
    pub receipt: String,
    /// The column of the time: year, month and day with hyphens or strokes, either way round, then the time of day.
    pub time: String,
    /// The column of what was paid in; a line without it is no payment.
    pub amount: String,
    /// The column of the account, where there is one.
    pub account: Option<String>,
    /// A column, and what stands in it of payments that were completed.
    pub completed: Option<(String, String)>,
}

impl Shape {
    /// The statement of a short code as M-PESA's portal for organisations gives it; the columns' names are from memory.
    #[must_use]
    pub fn mpesa(money: Money, utc_offset_s: i32) -> Self {
        Self {
            provider: Provider::Daraja,
            money,
            utc_offset_s,
            delimiter: ',',
            receipt: "Receipt No.".into(),
            time: "Completion Time".into(),
            amount: "Paid In".into(),
            account: Some("A/C No.".into()),
            completed: Some(("Transaction Status".into(), "Completed".into())),
        }
    }
}

/// Places of the columns.
struct Columns {
    receipt: usize,
    time: usize,
    amount: usize,
    account: Option<usize>,
    completed: Option<(usize, String)>,
}

/// The payments of a statement, each read or refused by itself; lines of money that went out, or has not come, are left
/// out.
///
/// # Errors
/// [`Refusal::Fields`], naming the column that is missing, or for a text longer than any statement.
pub fn lines(text: &str, shape: &Shape, now_unix_ms: i64) -> Result<Vec<Result<Line, Refused>>, Refusal> {
    if text.len() > LIST_BYTES_MAX {
        return Err(FieldsError::TooLong.into());
    }
    let mut rows = text.lines().filter(|row| !row.trim().is_empty()).take(LINES_MAX);
    let missing = |column| Refusal::Fields(FieldsError::Field(column, Wrong::Missing));
    let named =
        rows.by_ref().map(|row| cells(row, shape.delimiter)).find(|cells| place(cells, &shape.receipt).is_some());
    let named = named.ok_or(missing("receipt"))?;
    let columns = Columns {
        receipt: place(&named, &shape.receipt).ok_or(missing("receipt"))?,
        time: place(&named, &shape.time).ok_or(missing("time"))?,
        amount: place(&named, &shape.amount).ok_or(missing("amount"))?,
        account: match &shape.account {
            Some(name) => Some(place(&named, name).ok_or(missing("account"))?),
            None => None,
        },
        completed: match &shape.completed {
            Some((name, word)) => Some((place(&named, name).ok_or(missing("completed"))?, word.clone())),
            None => None,
        },
    };
    let read = |row: &str| {
        let line = statement_line(&cells(row, shape.delimiter), &columns, shape, now_unix_ms);
        line.map_err(|why| (why, row.to_owned())).transpose()
    };
    Ok(rows.filter_map(read).collect())
}

fn statement_line(cells: &[String], columns: &Columns, shape: &Shape, now: i64) -> Result<Option<Line>, Refusal> {
    let cell = |at: usize| cells.get(at).map_or("", String::as_str).trim();
    let pending = columns.completed.as_ref().is_some_and(|(at, word)| !cell(*at).eq_ignore_ascii_case(word));
    let amount = cell(columns.amount);
    let nothing = amount.is_empty() || amount.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    if pending || nothing {
        return Ok(None);
    }
    let key = receipt_number(cell(columns.receipt));
    let key = key.ok_or(FieldsError::Field("receipt", Wrong::Value("not a receipt number")))?;
    let amount = grouped_minor_units(amount, shape.money.minor_per_unit);
    let amount_minor = amount.map_err(|error| FieldsError::Field("amount", Wrong::Amount(error)))?;
    let told = Civil::from_statement(cell(columns.time)).and_then(|civil| civil.unix_ms(shape.utc_offset_s));
    let (accepted_unix_ms, doubt) = accepted_at(told, now);
    let typed = account(columns.account.map_or("", cell));
    let new = Payment::new(shape.provider, key, typed, amount_minor, Channel::Phone, accepted_unix_ms);
    let payment = Payment { currency: Some(shape.money.currency), ..new };
    Ok(Some(Line { paid: Paid { payment, doubt }, other_unix_ms: None }))
}

fn place(cells: &[String], name: &str) -> Option<usize> {
    cells.iter().position(|cell| cell.trim().eq_ignore_ascii_case(name))
}

/// The cells of a row: between quotation marks a delimiter is none, and two marks are one. A cell does not go over a line's
/// end.
fn cells(row: &str, delimiter: char) -> Vec<String> {
    let mut all = vec![String::new()];
    let (mut quoted, mut rest) = (false, row.trim_start_matches('\u{feff}').chars().peekable());
    while let Some(sign) = rest.next() {
        if sign == '"' {
            let doubled = quoted && rest.next_if_eq(&'"').is_some();
            if !doubled {
                quoted = !quoted;
                continue;
            }
        } else if sign == delimiter && !quoted {
            if all.len() >= COLUMNS_MAX {
                break;
            }
            all.push(String::new());
            continue;
        }
        if let Some(cell) = all.last_mut() {
            cell.push(sign);
        }
    }
    all
}
