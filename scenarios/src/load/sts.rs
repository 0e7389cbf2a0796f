//! Section `[comms.payments.sts]`: the tables of EA07 that a scenario brings along.

use taa_models::payments::{PaymentParams, TablesText};
use taa_tokens::sts::StaTables;

use super::reference;
use crate::diagnostics::{Diagnostics, SettingProblem, Spot};
use crate::document::Document;
use crate::import::read_text;

const FIELD: &str = "comms.payments.sts.tables";
/// More than any such file has, bytes.
const BYTES_MAX: u64 = 64 * 1024;

/// The payments' parameters with the tables read, where there are some; `None` where the file is unsound.
pub(super) fn resolve(document: &Document, payments: &PaymentParams, found: &mut Diagnostics) -> Option<PaymentParams> {
    let mut payments = payments.clone();
    let Some(name) = &payments.sts.tables else { return Some(payments) };
    let path = reference::existing(document, FIELD, name, found)?;
    let text = match read_text(&path, BYTES_MAX) {
        Ok(text) => text,
        Err(problem) => {
            found.push(problem);
            return None;
        }
    };
    if let Err(error) = StaTables::from_text(name, &text) {
        let whole = error.to_string();
        // The place says the line already.
        let what = match error.line() {
            Some(line) => whole.strip_prefix(&format!("line {line}: ")).unwrap_or(&whole).to_owned(),
            None => whole,
        };
        let at = match error.line() {
            Some(line) => {
                let start = text.split_inclusive('\n').take(line - 1).map(str::len).sum::<usize>();
                let length = text.lines().nth(line - 1).map_or(0, str::len);
                Spot::span(&path, &text, start..start + length)
            }
            None => Spot::file(&path),
        };
        found.push(SettingProblem::Tables { at, what });
        return None;
    }
    payments.sts.tables_read = Some(TablesText(text));
    Some(payments)
}
