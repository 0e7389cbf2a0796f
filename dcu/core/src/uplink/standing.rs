//! How far a journal goes, for somebody else to keep: a disk cannot tell by itself that it was put back.

use serde::{Deserialize, Serialize};
use taa_ledger::Hash;

use super::wire::{self, DecodeError, Reader};

/// What was durable once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// How often this site has been found rolled back so far: a standing of a higher epoch replaces any of a lower one.
    pub epoch: u32,
    /// The journal's name; zeros where the driver gave none.
    pub journal: [u8; 16],
    /// Number of a record that was durable.
    pub record: u64,
    /// Entries of the ledger up to that record.
    pub leaves: u64,
    /// Root over them.
    pub root: Hash,
}

impl Standing {
    /// Both are of one journal, as far as their names say.
    #[must_use]
    pub fn is_of(&self, journal: [u8; 16]) -> bool {
        self.journal == journal || self.journal == [0; 16] || journal == [0; 16]
    }
}

pub(super) fn put(out: &mut Vec<u8>, standing: &Standing) {
    let Standing { epoch, journal, record, leaves, root } = standing;
    wire::put_u64(out, u64::from(*epoch));
    out.extend_from_slice(journal);
    wire::put_u64(out, *record);
    wire::put_u64(out, *leaves);
    out.extend_from_slice(root.as_bytes());
}

pub(super) fn take(from: &mut Reader<'_>) -> Result<Standing, DecodeError> {
    Ok(Standing {
        epoch: from.u32("epoch")?,
        journal: from.array()?,
        record: from.u64("record")?,
        leaves: from.u64("leaves")?,
        root: Hash::from_slice(&from.array::<32>()?).ok_or(DecodeError::Field("root"))?,
    })
}
