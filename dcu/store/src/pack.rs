//! A run of records as bytes, and what kind of records they are.

use taa_dcu::journal::{Entry, Record, Urgency, blocks};

/// Most records of a block: a block that is lost takes no more along.
pub(crate) const RECORDS_MAX: usize = 2048;

/// The run's bytes.
pub(crate) fn pack(records: &[Record]) -> Option<Vec<u8>> {
    blocks::pack(records).ok()
}

/// The run that these bytes are; `None` unless they are exactly one.
pub(crate) fn unpack(packed: &[u8]) -> Option<Vec<Record>> {
    blocks::unpack(packed).ok()
}

/// The record may be missing: meters, cloud or calendar will tell the same again, and no promise rests on it.
pub(crate) const fn is_soft(entry: &Entry) -> bool {
    matches!(entry.urgency(), Urgency::Soon)
}

/// The record may be given up where there is no room: the meters still have it, or the cloud tells it again.
pub(crate) const fn may_go(entry: &Entry) -> bool {
    matches!(entry, Entry::Reading(_) | Entry::Backfilled { .. } | Entry::Acked { .. })
}
