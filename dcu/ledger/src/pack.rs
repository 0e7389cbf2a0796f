//! Entries in few bytes, for a disk that wears: statements of one day differ in little but names and numbers.
//!
//! Each entry is written as what it takes over from the entry before it and what it says anew; all numbers are base-128
//! varints:
//!
//! ```text
//! entry  := length, stretch, stretch, …      until so many bytes are made
//! stretch := anew, that many bytes, and unless the entry is complete with them: taken, from
//!            `taken` bytes of the entry before, from its place `from` on
//! ```
//!
//! An exact inverse for any bytes, records or not; nothing but what [`pack`] writes is read. Hashes are over the entries
//! themselves, so what was packed proves as much.

use crate::tile::ENTRY_BYTES_MAX;

/// A shorter stretch is not worth taking over.
const TAKEN_MIN: usize = 4;
/// Places of the entry before that are remembered, by a hash of the bytes there.
const PLACES: usize = 1024;
/// Most bytes that are unpacked at once: few packed ones could ask for many.
const UNPACKED_MAX: usize = 64 << 20;

/// The entries in few bytes.
#[must_use]
pub fn pack<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut before: &[u8] = &[];
    for entry in entries {
        put_number(entry.len(), &mut out);
        put_stretches(before, entry, &mut out);
        before = entry;
    }
    out
}

/// The entries again; none if these are not exactly what [`pack`] wrote (of at most 64 MiB).
#[must_use]
pub fn unpack(packed: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut entries: Vec<Vec<u8>> = Vec::new();
    let (mut rest, mut all) = (packed, 0_usize);
    while !rest.is_empty() {
        let length = take_number(&mut rest)?;
        all = all.checked_add(length)?;
        if length > ENTRY_BYTES_MAX || all > UNPACKED_MAX {
            return None;
        }
        let before = entries.last().map_or(&[][..], Vec::as_slice);
        let entry = take_entry(before, length, &mut rest)?;
        entries.push(entry);
    }
    // There is one way to write it.
    (pack(entries.iter().map(Vec::as_slice)) == packed).then_some(entries)
}

fn take_entry(before: &[u8], length: usize, rest: &mut &[u8]) -> Option<Vec<u8>> {
    let mut entry = Vec::new();
    loop {
        let anew = take_number(rest)?;
        let (bytes, after) = rest.split_at_checked(anew)?;
        *rest = after;
        entry.extend_from_slice(bytes);
        if entry.len() >= length {
            return (entry.len() == length).then_some(entry);
        }
        let taken = take_number(rest)?;
        let from = take_number(rest)?;
        let stretch = before.get(from..from.checked_add(taken)?)?;
        // Nothing taken is no step forward.
        entry.extend_from_slice(stretch.get(..1).and(Some(stretch))?);
        if entry.len() > length {
            return None;
        }
    }
}

fn put_stretches(before: &[u8], entry: &[u8], out: &mut Vec<u8>) {
    let places = places(before);
    let (mut anew, mut at, mut beside) = (0_usize, 0_usize, 0_usize);
    while at < entry.len() {
        let tail = entry.get(at..).unwrap_or_default();
        // Behind a number that has changed the text goes on as before: one place is the natural one, another the table's.
        let found =
            [beside, place_of(&places, tail)].map(|from| (common(before.get(from..).unwrap_or_default(), tail), from));
        let (taken, from) = found.into_iter().max_by_key(|(taken, _)| *taken).unwrap_or_default();
        if taken < TAKEN_MIN {
            at = at.saturating_add(1);
            beside = beside.saturating_add(1);
            continue;
        }
        put_anew(entry, anew, at, out);
        put_number(taken, out);
        put_number(from, out);
        at = at.saturating_add(taken);
        (anew, beside) = (at, from.saturating_add(taken));
    }
    put_anew(entry, anew, at, out);
}

fn put_anew(entry: &[u8], from: usize, to: usize, out: &mut Vec<u8>) {
    let bytes = entry.get(from..to).unwrap_or_default();
    put_number(bytes.len(), out);
    out.extend_from_slice(bytes);
}

fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// The last place of each four bytes, by their hash.
fn places(entry: &[u8]) -> Vec<usize> {
    let mut places = vec![usize::MAX; PLACES];
    for (at, bytes) in entry.windows(TAKEN_MIN).enumerate() {
        if let Some(place) = places.get_mut(hash(bytes)) {
            *place = at;
        }
    }
    places
}

fn place_of(places: &[usize], tail: &[u8]) -> usize {
    let place = tail.get(..TAKEN_MIN).and_then(|bytes| places.get(hash(bytes)));
    place.copied().unwrap_or(usize::MAX)
}

fn hash(bytes: &[u8]) -> usize {
    let word = bytes.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
    (word.wrapping_mul(0x9E37_79B1) >> 22) as usize
}

fn put_number(number: usize, out: &mut Vec<u8>) {
    let mut rest = number;
    while rest >= 0x80 {
        out.push((rest as u8) | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn take_number(rest: &mut &[u8]) -> Option<usize> {
    let mut number = 0_usize;
    // Four of them hold every number that is written here.
    for shift in [0, 7, 14, 21] {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        number |= usize::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn statement(account: u32, minor: i64) -> Vec<u8> {
        format!(
            r#"{{"v":1,"at":{{"boot":1,"uptime_ms":75600000,"wall_ms":1767301200000}},"what":"statement.day","rule":"tariff/jija-2026a#energy-and-fee","account":"c-{account:03}","meter":"TAA{:013}","amount":{{"minor":{minor},"digits":2,"currency":"TZS"}},"energy_wh":{},"details":{{"balance_minor":"{}","energy_minor":"{}","from_wh":"{}","readings":"24","to_wh":"{}","until":"2026-01-02"}}}}"#,
            u64::from(account) * 104_729 % 9_999_999_999_999,
            -minor / 18,
            977_593 - minor * i64::from(account),
            -minor,
            account * 977,
            account * 977 + 431,
        )
        .into_bytes()
    }

    #[test]
    fn a_days_statements_are_a_fraction_of_themselves() {
        let day: Vec<Vec<u8>> = (0..500).map(|n| statement(n, -4_000 - i64::from(n) * 37)).collect();
        let plain: usize = day.iter().map(Vec::len).sum();
        let packed = pack(day.iter().map(Vec::as_slice));
        assert!(packed.len() * 3 < plain, "{} of {plain}", packed.len());
        assert_eq!(unpack(&packed), Some(day));
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(entries in proptest::collection::vec(proptest::collection::vec(0_u8..4, 0..60), 0..20)) {
            let packed = pack(entries.iter().map(Vec::as_slice));
            prop_assert_eq!(unpack(&packed), Some(entries));
        }

        #[test]
        fn nothing_else_is_read(entries in proptest::collection::vec(proptest::collection::vec(0_u8..4, 1..60), 1..9), at: usize, flip in 1_u8..) {
            let mut packed = pack(entries.iter().map(Vec::as_slice));
            let at = at % packed.len();
            packed[at] ^= flip;
            // Other bytes are another list, or none; never the same one, and never a panic.
            prop_assert_ne!(unpack(&packed), Some(entries));
            packed.truncate(at);
            drop(unpack(&packed));
        }

        #[test]
        fn noise_is_no_list(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(entries) = unpack(&bytes) {
                prop_assert_eq!(pack(entries.iter().map(Vec::as_slice)), bytes);
            }
        }
    }

    #[test]
    fn few_bytes_do_not_become_endless_ones() {
        // An entry of the greatest length, and then as many copies of it as there are bytes.
        let long = vec![7_u8; ENTRY_BYTES_MAX];
        let many: Vec<&[u8]> = (0..1200).map(|_| long.as_slice()).collect();
        let packed = pack(many);
        assert!(packed.len() < 80_000);
        assert_eq!(unpack(&packed), None, "78 MB");
    }
}
