//! A run of records as bytes, and what kind of records they are.

use taa_dcu::journal::{Entry, Record, bytes};

use crate::varint;

/// The run's bytes: how many, then each behind its length.
pub(crate) fn pack(records: &[Record]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    varint::put(records.len() as u64, &mut out);
    for record in records {
        let mut one = Vec::new();
        bytes::encode(record, &mut one).ok()?;
        varint::put(one.len() as u64, &mut out);
        out.extend_from_slice(&one);
    }
    Some(out)
}

/// The run that these bytes are; `None` unless they are exactly one.
pub(crate) fn unpack(mut packed: &[u8]) -> Option<Vec<Record>> {
    let count = varint::take(&mut packed)?;
    let mut records = Vec::new();
    for _ in 0..count {
        let length = usize::try_from(varint::take(&mut packed)?).ok()?;
        let (one, rest) = packed.split_at_checked(length)?;
        records.push(bytes::decode(one).ok()?);
        packed = rest;
    }
    packed.is_empty().then_some(records)
}

/// The record may be missing: the meters or the cloud will tell the same again, and no money hangs on it alone.
pub(crate) const fn is_soft(entry: &Entry) -> bool {
    matches!(entry, Entry::Reading(_) | Entry::Backfilled { .. } | Entry::Acked { .. })
}
