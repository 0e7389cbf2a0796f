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

use schemars::JsonSchema;
use serde::Deserialize;

use super::Reader;
use crate::diagnostics::{FaultProblem, SettingProblem};
use crate::document::did_you_mean;
use crate::model::{FaultTarget, Operation, OperationKind};

/// Largest image, kB: what a DCU keeps for its meters.
const IMAGE_KB_MAX: u32 = 2000;
/// Longest identifier, bytes.
const IDENTIFIER_BYTES_MAX: usize = 32;
const KINDS: [&str; 1] = ["firmware_update"];

/// One operation.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OperationEntry {
    /// Name in reports; left out: the kind and a number.
    id: Option<String>,
    /// Kind of operation: "firmware_update".
    what: String,
    /// When, as "day 3 08:00" or "2026-01-03 08:00".
    at: String,
    /// Size of the image, kB of 1000 bytes.
    image_kb: Option<u32>,
    /// Identifier of the image.
    identifier: Option<String>,
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
        let id = entry.id.clone().unwrap_or_else(|| format!("{}_{}", entry.what, index + 1));
        let target = match (&entry.meters, entry.meters_share) {
            (None, None) => FaultTarget::All,
            (meters, share) => self.customers(meters.as_deref(), share, &path, &id)?,
        };
        let at_ms = self.beginning(&entry.at, &format!("{path}.at"), &id)?;
        Some(Operation { id, what: OperationKind::FirmwareUpdate { identifier, image_kb, target }, at_ms })
    }
}
