//! Records as a table (RFC 4180, UTF-8, CRLF), for spreadsheets.
//!
//! | column | unit, form |
//! |---|---|
//! | `index` | place in the log, from 0 |
//! | `time_utc` | RFC 3339; empty while the clock was not set |
//! | `boot`, `uptime_ms` | which boot, milliseconds since |
//! | `what`, `rule` | what happened, by which rule |
//! | `account`, `meter` | |
//! | `amount`, `currency` | decimal number, ISO 4217 |
//! | `energy_wh` | watt-hours |
//! | `reference` | the other side's name for it |
//! | `details` | `name=value`, joined by `; ` |
//! | `leaf` | hash of the entry, hexadecimal |
//!
//! A text that a spreadsheet would take for a formula gets an apostrophe in front. The table proves nothing by itself:
//! [`differences`] compares it with records that were proven ([`super::lines::verify`], [`crate::Audit`]).

use crate::{Hash, Record};

/// The first line.
pub const HEAD: &str = "index,time_utc,boot,uptime_ms,what,rule,account,meter,amount,currency,energy_wh,reference,\
                        details,leaf\r\n";

/// The line of a record.
#[must_use]
pub fn line(index: u64, record: &Record) -> String {
    let text = |value: &Option<String>| value.as_deref().map_or_else(String::new, cell);
    let details: Vec<String> = record.details.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let leaf = record.to_bytes().map(|bytes| Hash::of_leaf(&bytes).to_string()).unwrap_or_default();
    let cells = [
        index.to_string(),
        record.at.to_rfc3339().unwrap_or_default(),
        record.at.boot.to_string(),
        record.at.uptime_ms.to_string(),
        record.what.clone(),
        cell(&record.rule),
        text(&record.account),
        text(&record.meter),
        record.amount.as_ref().map_or_else(String::new, |money| money.to_decimal()),
        record.amount.as_ref().map_or_else(String::new, |money| money.currency.clone()),
        record.energy_wh.map_or_else(String::new, |energy| energy.to_string()),
        text(&record.reference),
        cell(&details.join("; ")),
        leaf,
    ];
    cells.join(",") + "\r\n"
}

/// How a table differs from the records that it should show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The first line is not [`HEAD`].
    Head,
    /// The row of this entry says something else.
    Altered(u64),
    /// There is no row for this entry, and none after it.
    Missing(u64),
    /// There are this many rows too many at the end.
    Extra(u64),
}

/// All differences, at most 100 of them. Records start at index `first`.
#[must_use]
pub fn differences<'a>(table: &str, first: u64, records: impl IntoIterator<Item = &'a Record>) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut rest = match table.strip_prefix(HEAD) {
        Some(rest) => rest,
        None => {
            found.push(Difference::Head);
            take_row(table).1
        }
    };
    for (index, record) in (first..).zip(records) {
        if found.len() >= 100 {
            return found;
        }
        if rest.is_empty() {
            found.push(Difference::Missing(index));
            return found;
        }
        let (row, after) = take_row(rest);
        if row != line(index, record) {
            found.push(Difference::Altered(index));
        }
        rest = after;
    }
    let mut extra = 0_u64;
    while !rest.is_empty() {
        rest = take_row(rest).1;
        extra = extra.saturating_add(1);
    }
    found.extend((extra > 0).then_some(Difference::Extra(extra)));
    found
}

/// The first row with its end, and the rest; a line break between quotes belongs to the row.
fn take_row(table: &str) -> (&str, &str) {
    let mut quoted = false;
    let end = table.bytes().position(|byte| {
        quoted ^= byte == b'"';
        byte == b'\n' && !quoted
    });
    let end = end.map_or(table.len(), |end| end.saturating_add(1));
    table.split_at_checked(end).unwrap_or((table, ""))
}

fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}
