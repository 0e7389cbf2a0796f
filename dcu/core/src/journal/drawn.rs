//! Records of every kind for tests, found by reading drawn bytes: new kinds and fields come along by themselves.

use super::{Entry, State};
use crate::config::{DcuConfig, Tariff, Traits};

/// A DCU's state before anything has happened.
pub(super) fn empty_state() -> State {
    let tariff = r#"{"currency":"TZS","energy_price_per_kwh_minor":90000}"#;
    let tariff: Tariff = serde_json::from_str(tariff).unwrap();
    State::new(&DcuConfig::new(Traits::bundle("edge_local").unwrap(), tariff), &[])
}

/// How many kinds of entries there are.
pub(super) fn kinds() -> u8 {
    let last = postcard::to_stdvec(&Entry::Checkpoint(Box::new(empty_state()))).unwrap();
    assert!(last[0] < 0x80, "more kinds than one byte tells");
    last[0] + 1
}

/// An entry of this kind, if this seed's bytes are one.
pub(super) fn entry(kind: u8, seed: u64) -> Option<Entry> {
    let mut word = mix(seed ^ (u64::from(kind) << 48));
    // Few bytes beyond 0 and 1, or many: lengths, choices and texts all have to come out right.
    let wild = word % 100;
    let mut bytes = vec![kind];
    for _ in 0..600 {
        word = mix(word);
        let byte = (word >> 8) as u8;
        bytes.push(match word % 100 {
            n if n >= wild => 0,
            n if n % 3 == 0 => byte & 1,
            n if n % 3 == 1 => byte & 7,
            _ => b'0' + byte % 75,
        });
    }
    postcard::take_from_bytes(&bytes).ok().map(|(entry, _)| entry)
}

/// Any entry.
pub(super) fn any(kind: u8, seed: u64) -> Entry {
    let kind = kind % kinds();
    (0..20_000)
        .find_map(|n| entry(kind, seed.wrapping_add(n)))
        .unwrap_or_else(|| panic!("no bytes were found that make an entry of kind {kind}"))
}

/// The first word of what it shows of itself.
pub(super) fn name(entry: &Entry) -> String {
    format!("{entry:?}").chars().take_while(char::is_ascii_alphanumeric).collect()
}

fn mix(word: u64) -> u64 {
    let z = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The format of every kind of entry, as text: an entry and its bytes. Nobody changes it without noticing.
///
/// What is drawn says something of every field, so that two fields that change places show as well.
#[test]
fn the_bytes_of_every_kind_are_known() {
    let kinds = kinds();
    let mut shown = Vec::new();
    for kind in 0..kinds {
        // Of many, the one that says most in few words.
        let drawn = (0..4000).filter_map(|seed| entry(kind, seed));
        let telling = |entry: &Entry| {
            let bytes = postcard::to_stdvec(entry).unwrap();
            let distinct: std::collections::BTreeSet<u8> = bytes.iter().copied().collect();
            (bytes.len() <= 40, distinct.len(), std::cmp::Reverse(bytes.len()))
        };
        let found = drawn.max_by_key(telling).unwrap_or_else(|| panic!("nothing drawn is an entry of kind {kind}"));
        if kind + 1 == kinds {
            // What a state looks like follows from the program; only that it comes last is shown.
            assert_eq!(name(&found), "Checkpoint");
            shown.push(format!("{kind:2} Checkpoint(State)"));
            continue;
        }
        let bytes = postcard::to_stdvec(&found).unwrap();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        shown.push(format!("{found:?}\n   {hex}"));
    }
    insta::assert_snapshot!(shown.join("\n"));
}
