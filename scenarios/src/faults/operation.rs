//! Operations: what the operator does to the site in the course of the story, beside what happens to it.
//!
//! ```toml
//! [[operation]]
//! what = "firmware_update"
//! at = "day 3 08:00"
//! image_kb = 128
//! identifier = "TAA-2.0.0"   # what the meters show afterwards
//! ```
//!
//! A firmware update of all meters, or of some (`meters`, `meters_share` as for faults), ordered at the site: the way of
//! the image from the operator to the site is not part of it.
//!
//! ```toml
//! [[operation]]
//! what = "key_change"
//! at = "day 3 08:00"
//! to = "next_revision"       # or "next_base_date": a rollover
//! ```
//!
//! Key-change tokens for all meters or some, where the site sells tokens itself.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Reader;
use crate::diagnostics::{FaultProblem, SettingProblem};
use crate::document::did_you_mean;
use crate::model::{FaultTarget, KeyChangeTo, Operation, OperationKind};

/// Largest image, kB: what a DCU keeps for its meters.
const IMAGE_KB_MAX: u32 = 2000;
/// Longest identifier, bytes.
const IDENTIFIER_BYTES_MAX: usize = 32;
const KINDS: [&str; 2] = ["firmware_update", "key_change"];
/// Where a key change leads.
const TO: [(&str, KeyChangeTo); 2] =
    [("next_revision", KeyChangeTo::NextRevision), ("next_base_date", KeyChangeTo::NextBaseDate)];

/// One operation.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OperationEntry {
    /// Name in reports; left out: the kind and a number.
    id: Option<String>,
    /// Kind of operation: "firmware_update", "key_change".
    what: String,
    /// When, as "day 3 08:00" or "2026-01-03 08:00".
    at: String,
    /// Size of the image of a firmware update, kB of 1000 bytes.
    image_kb: Option<u32>,
    /// Identifier of the image of a firmware update.
    identifier: Option<String>,
    /// Where a key change leads: "next_revision" (left out: this), "next_base_date".
    to: Option<String>,
    /// Ids of buildings, customers or meters; left out: all.
    meters: Option<Vec<String>>,
    /// Share of all customers, 0 to 1; left out: all.
    meters_share: Option<f64>,
}

impl Reader<'_> {
    pub(super) fn operation(&mut self, index: usize, entry: &OperationEntry) -> Option<Operation> {
        let path = format!("operation.{index}");
        let at = |key: &str| self.document.at(&format!("{path}.{key}"));
        if !KINDS.contains(&entry.what.as_str()) {
            self.found.push(FaultProblem::UnknownOperation {
                at: at("what"),
                what: entry.what.clone(),
                suggestion: did_you_mean(&entry.what, KINDS),
                allowed: KINDS.join(", "),
            });
            return None;
        }
        let id = entry.id.clone().unwrap_or_else(|| format!("{}_{}", entry.what, index + 1));
        let target = match (&entry.meters, entry.meters_share) {
            (None, None) => FaultTarget::All,
            (meters, share) => self.customers(meters.as_deref(), share, &path, &id)?,
        };
        let at_ms = self.beginning(&entry.at, &format!("{path}.at"), &id)?;
        let what = match entry.what.as_str() {
            "key_change" => self.key_change(&path, entry, target)?,
            _ => self.firmware_update(&path, entry, target)?,
        };
        Some(Operation { id, what, at_ms })
    }

    /// A key that this kind of operation does not take.
    fn stray(&mut self, path: &str, key: &str, value: Option<String>, kind: &str) -> Option<()> {
        let Some(value) = value else { return Some(()) };
        let (at, allowed) = (self.document.at(&format!("{path}.{key}")), format!("with {kind} alone"));
        self.found.push(SettingProblem::OutOfRange { at, value, allowed });
        None
    }

    fn key_change(&mut self, path: &str, entry: &OperationEntry, target: FaultTarget) -> Option<OperationKind> {
        self.stray(path, "image_kb", entry.image_kb.map(|kb| kb.to_string()), "firmware_update")?;
        self.stray(path, "identifier", entry.identifier.clone(), "firmware_update")?;
        let asked = entry.to.as_deref().unwrap_or(TO[0].0);
        let Some((_, to)) = TO.iter().find(|(name, _)| *name == asked) else {
            let (value, allowed) = (asked.to_owned(), TO.map(|(name, _)| name).join(", "));
            let at = self.document.at(&format!("{path}.to"));
            self.found.push(SettingProblem::OutOfRange { at, value, allowed });
            return None;
        };
        Some(OperationKind::KeyChange { to: *to, target })
    }

    fn firmware_update(&mut self, path: &str, entry: &OperationEntry, target: FaultTarget) -> Option<OperationKind> {
        self.stray(path, "to", entry.to.clone(), "key_change")?;
        let at = |key: &str| self.document.at(&format!("{path}.{key}"));
        let image_kb = entry.image_kb.unwrap_or(128);
        if !(1..=IMAGE_KB_MAX).contains(&image_kb) {
            let (value, allowed) = (image_kb.to_string(), format!("1 to {IMAGE_KB_MAX} kB"));
            self.found.push(SettingProblem::OutOfRange { at: at("image_kb"), value, allowed });
            return None;
        }
        let identifier = entry.identifier.clone().unwrap_or_else(|| "TAA-2.0.0".to_owned());
        if identifier.is_empty() || identifier.len() > IDENTIFIER_BYTES_MAX {
            let allowed = format!("a text of 1 to {IDENTIFIER_BYTES_MAX} bytes");
            self.found.push(SettingProblem::OutOfRange { at: at("identifier"), value: identifier, allowed });
            return None;
        }
        Some(OperationKind::FirmwareUpdate { identifier, image_kb, target })
    }
}
