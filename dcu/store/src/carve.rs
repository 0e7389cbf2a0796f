//! Finding sealed rows in the bytes of a damaged file.
//!
//! Nothing of SQLite's structure is trusted but the form of a cell (fileformat2, "B-tree Cell Format", table leaf): length
//! of the payload, rowid, a header that says "null, blob". Every byte of every page is tried as the start of one; what the
//! seal proves is a row. So a row survives whatever befell the page's header, its pointers, or the pages above it, as long as
//! its own bytes (and those of its overflow pages) are whole.
//!
//! The log is searched as well. Rows in it may stem from a commit that never ended: they are newer than what was promised,
//! never other than what was appended.

use std::collections::BTreeMap;

use crate::{
    rows::Run,
    sealed::{self, Kind},
};

const LOG_HEADER_BYTES: usize = 32;
const OWN_PAGE_BYTES: usize = crate::db::PAGE_BYTES as usize;
const FRAME_HEADER_BYTES: usize = 24;
/// No row is longer: a length beyond is no length.
const ROW_BYTES_MAX: usize = 1 << 28;

/// A row that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) commit: u64,
    pub(crate) bytes: Vec<u8>,
}

/// All rows found, the newest of each.
pub(crate) type Rows = BTreeMap<(Kind, u64), Found>;

/// A file and its log.
struct Files<'a> {
    database: &'a [u8],
    page_bytes: usize,
    /// The newest content of each page that the log has.
    logged: BTreeMap<u32, &'a [u8]>,
}

/// Bytes of a page, as the file says, or its log; else those that this program writes.
fn page_bytes(database: &[u8], log: &[u8]) -> usize {
    let sane = |size: usize| (512..=65_536).contains(&size) && size.is_power_of_two();
    let of_log = log.get(8..12).and_then(|four| <[u8; 4]>::try_from(four).ok());
    let of_log = of_log.and_then(|four| usize::try_from(u32::from_be_bytes(four)).ok()).filter(|size| sane(*size));
    let of_file = database.get(16..18).and_then(|two| <[u8; 2]>::try_from(two).ok());
    let of_file = of_file.map(u16::from_be_bytes).map(|size| if size == 1 { 65_536 } else { usize::from(size) });
    of_log.or(of_file.filter(|size| sane(*size))).unwrap_or(OWN_PAGE_BYTES)
}

/// The log's frames: page number and content, in order.
fn frames(log: &[u8], page_bytes: usize) -> impl Iterator<Item = (u32, &[u8])> {
    let frames = log.get(LOG_HEADER_BYTES..).unwrap_or_default();
    frames.chunks_exact(page_bytes.saturating_add(FRAME_HEADER_BYTES)).filter_map(|frame| {
        let (head, page) = frame.split_at_checked(FRAME_HEADER_BYTES)?;
        Some((u32::from_be_bytes(*head.first_chunk()?), page))
    })
}

/// Rows in the file and its log.
pub(crate) fn carve(database: &[u8], log: &[u8]) -> Rows {
    let page_bytes = page_bytes(database, log);
    // A file of one page size whose header says another is searched by both.
    let sizes = if page_bytes == OWN_PAGE_BYTES { vec![page_bytes] } else { vec![page_bytes, OWN_PAGE_BYTES] };
    let mut rows = Rows::new();
    for page_bytes in sizes {
        let files = Files { database, page_bytes, logged: frames(log, page_bytes).collect() };
        for page in database.chunks(page_bytes) {
            files.search(page, &mut rows);
        }
        for (_, page) in frames(log, page_bytes) {
            files.search(page, &mut rows);
        }
    }
    rows
}

/// Greatest commit number among rows in the log.
pub(crate) fn newest_commit(log: &[u8]) -> Option<u64> {
    let page_bytes = page_bytes(&[], log);
    let mut rows = Rows::new();
    let files = Files { database: &[], page_bytes, logged: frames(log, page_bytes).collect() };
    for (_, page) in frames(log, page_bytes) {
        files.search(page, &mut rows);
    }
    rows.values().map(|found| found.commit).max()
}

/// A varint of SQLite's: most significant bits first, the ninth byte whole.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for place in 0..9 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        if place == 8 {
            return Some((number << 8) | u64::from(byte));
        }
        number = (number << 7) | u64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// What the head of a cell says.
struct Head {
    payload_bytes: usize,
    header_bytes: usize,
    blob_bytes: usize,
    id: u64,
}

/// A cell of a table with columns (rowid, blob).
fn head(cell: &[u8]) -> Option<(Head, &[u8])> {
    let mut rest = cell;
    let payload_bytes = usize::try_from(varint(&mut rest)?).ok().filter(|length| *length <= ROW_BYTES_MAX)?;
    let id = varint(&mut rest)?;
    let payload = rest;
    let header_bytes = varint(&mut rest)?;
    let (null, blob) = (varint(&mut rest)?, varint(&mut rest)?);
    let consumed = payload.len().saturating_sub(rest.len());
    let blob_bytes = usize::try_from(blob).ok()?.checked_sub(12)?;
    let is_ours = null == 0
        && blob % 2 == 0
        && usize::try_from(header_bytes).ok()? == consumed
        && rest.first() == Some(&sealed::MAGIC)
        && consumed.checked_add(blob_bytes / 2)? == payload_bytes;
    is_ours.then_some((Head { payload_bytes, header_bytes: consumed, blob_bytes: blob_bytes / 2, id }, payload))
}

impl Files<'_> {
    fn search(&self, page: &[u8], rows: &mut Rows) {
        for at in 0..page.len() {
            let Some(cell) = page.get(at..) else { break };
            let Some((head, payload)) = head(cell) else { continue };
            for newest in [true, false] {
                let Some(bytes) = self.blob(&head, payload, newest) else { continue };
                let Some(row) = sealed::open(&bytes).filter(|row| row.id == head.id) else { continue };
                let (kind, id, commit) = (row.kind, row.id, row.commit);
                let found = Found { commit, bytes };
                match rows.get_mut(&(kind, id)) {
                    Some(known) if known.commit >= commit => {}
                    Some(known) => *known = found,
                    None => {
                        rows.insert((kind, id), found);
                    }
                }
                break;
            }
        }
    }

    /// The blob of a cell, with its overflow pages as the log has them, or as the file has them.
    fn blob(&self, head: &Head, payload: &[u8], newest: bool) -> Option<Vec<u8>> {
        let usable = self.page_bytes;
        let most = usable.checked_sub(35)?;
        if head.payload_bytes <= most {
            return Some(payload.get(head.header_bytes..head.payload_bytes)?.to_vec());
        }
        // fileformat2: M and K, the share of a payload that stays on its page.
        let least = usable.checked_sub(12)?.checked_mul(32)?.checked_div(255)?.checked_sub(23)?;
        let even = head.payload_bytes.checked_sub(least)?.checked_rem(usable.checked_sub(4)?)?;
        let local = Some(least.checked_add(even)?).filter(|local| *local <= most).unwrap_or(least);
        let mut blob = payload.get(head.header_bytes..local)?.to_vec();
        let mut next = u32::from_be_bytes(*payload.get(local..)?.first_chunk()?);
        while blob.len() < head.blob_bytes {
            let (after, content) = self.page(next, newest)?.split_first_chunk::<4>()?;
            let want = head.blob_bytes.saturating_sub(blob.len()).min(usable.saturating_sub(4));
            blob.extend_from_slice(content.get(..want)?);
            next = u32::from_be_bytes(*after);
        }
        Some(blob)
    }

    fn page(&self, number: u32, newest: bool) -> Option<&[u8]> {
        if newest && let Some(page) = self.logged.get(&number) {
            return Some(page);
        }
        let at = usize::try_from(number.checked_sub(1)?).ok()?.checked_mul(self.page_bytes)?;
        self.database.get(at..at.checked_add(self.page_bytes)?)
    }
}

/// Of rows that claim the same record numbers, the later commit's stand: the others were never acknowledged, or given up.
pub(crate) fn settle(rows: &mut Rows) {
    let mut runs: Vec<(u64, Kind, u64, u64)> = Vec::new();
    for (&(kind, id), found) in &*rows {
        let row = sealed::open(&found.bytes);
        let run = match kind {
            Kind::Block | Kind::Hole => row.and_then(Run::of).map(|run| (run.first, run.last)),
            Kind::Snapshot => Some((id, id)),
            _ => continue,
        };
        if let Some((first, last)) = run {
            runs.push((found.commit, kind, first, last));
        }
    }
    runs.sort_unstable_by_key(|run| std::cmp::Reverse(*run));
    // By first number: what is taken.
    let mut taken: BTreeMap<u64, u64> = BTreeMap::new();
    for (_, kind, first, last) in runs {
        let below = taken.range(..=last).next_back();
        if below.is_some_and(|(_, end)| *end >= first) {
            rows.remove(&(kind, last));
        } else {
            taken.insert(first, last);
        }
    }
}
