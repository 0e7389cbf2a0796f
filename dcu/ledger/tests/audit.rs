//! A regulator's check of exported files: whatever single thing is changed in them is named, and the right one.

use std::collections::BTreeMap;

use proptest::prelude::*;
use taa_keys::Ed25519Private;
use taa_ledger::note::{Kind, NoteError, Signer};
use taa_ledger::tile::{Resource, Tile};
use taa_ledger::{Audit, Finding, Log, Verdict};

type Files = BTreeMap<Resource, Vec<u8>>;
/// What is changed, how, and what must be said of it.
type Case = (&'static str, fn(&mut Files), &'static [Finding]);

const NAME: &str = "jija.example/ledger";

fn signer(seed: u8) -> Signer {
    Signer::new(NAME, Kind::Ed25519, Ed25519Private::from_seed(&[seed; 32])).unwrap()
}

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

/// The files of a log of these entries, as of now and signed.
fn publish(entries: impl IntoIterator<Item = Vec<u8>>, by: &Signer) -> Files {
    let mut log = Log::new(NAME);
    entries.into_iter().for_each(|entry| drop(log.append(&entry)));
    log.publish(&[by], 0).unwrap().into_iter().collect()
}

fn files(size: u64) -> Files {
    publish((0..size).map(entry), &signer(1))
}

fn audit(files: &Files, older: &[&[u8]]) -> Verdict {
    let known = [signer(1).verifier().clone()];
    let mut audit = Audit::new(&files[&Resource::Checkpoint], &known, older).unwrap().of_any_entries();
    while let Some(place) = audit.wanted() {
        audit.handle_file(files.get(&place).map(Vec::as_slice));
    }
    audit.verdict()
}

fn bundle(index: u64, width: u16) -> Resource {
    Resource::Entries { index, width }
}

fn tile(level: u8, index: u64, width: u16) -> Resource {
    Resource::Tile(Tile { level, index, width })
}

/// A bundle with its entries changed.
fn edit(files: &mut Files, place: Resource, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let bundle = files.get_mut(&place).unwrap();
    let (entries, _) = taa_ledger::tile::entries(bundle);
    let mut entries: Vec<Vec<u8>> = entries.into_iter().map(<[u8]>::to_vec).collect();
    change(&mut entries);
    *bundle = entries
        .iter()
        .flat_map(|entry| [&u16::try_from(entry.len()).unwrap().to_be_bytes(), entry.as_slice()].concat())
        .collect();
}

#[test]
fn an_untouched_log_is_sound_at_any_size() {
    for size in [0, 1, 2, 255, 256, 257, 700, 66_000] {
        let verdict = audit(&files(size), &[]);
        assert!(verdict.is_sound(), "{size}: {verdict}");
        assert_eq!((verdict.checkpoint.size, verdict.signed_by.as_slice()), (size, [NAME.to_owned()].as_slice()));
    }
}

#[test]
fn older_checkpoints_hold_while_the_log_only_grows() {
    let older: Vec<Vec<u8>> =
        [0, 1, 200, 256, 300, 512, 700].map(|size| files(size)[&Resource::Checkpoint].clone()).into();
    let older: Vec<&[u8]> = older.iter().map(Vec::as_slice).collect();
    let verdict = audit(&files(700), &older);
    assert!(verdict.is_sound(), "{verdict}");
}

#[test]
fn a_partial_file_that_became_full_will_do() {
    let mut then = files(300);
    let mut now = files(700);
    now.insert(Resource::Checkpoint, then.remove(&Resource::Checkpoint).unwrap());
    now.insert(tile(1, 0, 1), then.remove(&tile(1, 0, 1)).unwrap());
    assert!(audit(&now, &[]).is_sound());
}

/// Every single change to a file of a log of 700 entries, and what must be said of it, and nothing else.
#[test]
fn sabotage_each_change_is_named() {
    let cases: [Case; 12] = [
        (
            "an entry in a full bundle",
            |files| edit(files, bundle(1, 256), |entries| entries[44] = b"entry 3oo".to_vec()),
            &[Finding::EntryAltered { index: 300 }],
        ),
        (
            "an entry in the last bundle",
            |files| edit(files, bundle(2, 188), |entries| entries[0] = b"x".to_vec()),
            &[Finding::EntryAltered { index: 512 }],
        ),
        (
            "two entries exchanged",
            |files| edit(files, bundle(0, 256), |entries| entries.swap(3, 5)),
            &[Finding::EntryAltered { index: 3 }, Finding::EntryAltered { index: 5 }],
        ),
        (
            "an entry taken out",
            |files| edit(files, bundle(0, 256), |entries| drop(entries.remove(77))),
            &[Finding::EntriesMissing { first: 77, last: 77 }],
        ),
        (
            "the last entries taken out",
            |files| edit(files, bundle(2, 188), |entries| entries.truncate(180)),
            &[Finding::EntriesMissing { first: 692, last: 699 }],
        ),
        (
            "an entry put in",
            |files| edit(files, bundle(1, 256), |entries| entries.insert(4, b"free energy".to_vec())),
            &[Finding::EntriesInserted { before: 260, count: 1 }],
        ),
        (
            "a bundle gone",
            |files| drop(files.remove(&bundle(1, 256))),
            &[Finding::EntriesMissing { first: 256, last: 511 }],
        ),
        (
            "a bundle and its tile gone",
            |files| {
                files.remove(&bundle(1, 256));
                files.remove(&tile(0, 1, 256));
            },
            &[
                Finding::EntriesMissing { first: 256, last: 511 },
                Finding::TileMissing { place: Resource::Tile(Tile { level: 0, index: 1, width: 256 }) },
            ],
        ),
        (
            "a hash in a tile of leaves",
            |files| files.get_mut(&tile(0, 1, 256)).unwrap()[32 * 9 + 1] ^= 4,
            &[Finding::TileAltered { place: Resource::Tile(Tile { level: 0, index: 1, width: 256 }), hash: Some(9) }],
        ),
        (
            "a hash in an upper tile",
            |files| files.get_mut(&tile(1, 0, 2)).unwrap()[32] ^= 4,
            &[Finding::TileAltered { place: Resource::Tile(Tile { level: 1, index: 0, width: 2 }), hash: Some(1) }],
        ),
        (
            "a tile cut short",
            |files| files.get_mut(&tile(0, 2, 188)).unwrap().truncate(100),
            &[Finding::TileMalformed { place: Resource::Tile(Tile { level: 0, index: 2, width: 188 }) }],
        ),
        (
            "an entry and its hash, but not the level above",
            |files| {
                edit(files, bundle(1, 256), |entries| entries[0] = b"mine".to_vec());
                files.get_mut(&tile(0, 1, 256)).unwrap()[..32]
                    .copy_from_slice(taa_ledger::Hash::of_leaf(b"mine").as_bytes());
            },
            &[
                Finding::EntriesUncertain { first: 256, last: 511 },
                Finding::TileAltered { place: Resource::Tile(Tile { level: 0, index: 1, width: 256 }), hash: None },
            ],
        ),
    ];
    for (what, change, expected) in cases {
        let mut files = files(700);
        change(&mut files);
        assert_eq!(audit(&files, &[]).findings, expected, "{what}");
    }
}

#[test]
fn sabotage_three_faults_in_three_places_are_told_apart() {
    let mut files = files(1000);
    edit(&mut files, bundle(0, 256), |entries| entries[9] = b"x".to_vec());
    files.get_mut(&tile(0, 1, 256)).unwrap()[0] ^= 1;
    files.get_mut(&tile(1, 0, 3)).unwrap()[64] ^= 1;
    let place = |level, index, width| Resource::Tile(Tile { level, index, width });
    assert_eq!(
        audit(&files, &[]).findings,
        [
            Finding::EntryAltered { index: 9 },
            Finding::TileAltered { place: place(0, 1, 256), hash: Some(0) },
            Finding::TileAltered { place: place(1, 0, 3), hash: Some(2) },
        ]
    );
}

#[test]
fn sabotage_history_rewritten_and_signed_again_is_a_fork() {
    let older = [files(200), files(600)].map(|mut files| files.remove(&Resource::Checkpoint).unwrap());
    let older: Vec<&[u8]> = older.iter().map(Vec::as_slice).collect();
    let rewritten =
        publish((0..700).map(|index| if index == 300 { b"less".to_vec() } else { entry(index) }), &signer(1));
    assert_eq!(audit(&rewritten, &older).findings, [Finding::Forked { size: 600 }]);
    assert!(audit(&rewritten, &[]).is_sound(), "without an older checkpoint nobody can tell");

    // Who cannot sign can rewrite all files, but the checkpoint says otherwise.
    let mut unsigned = rewritten;
    unsigned.insert(Resource::Checkpoint, files(700).remove(&Resource::Checkpoint).unwrap());
    assert_eq!(
        audit(&unsigned, &older).findings,
        [Finding::Forked { size: 600 }, Finding::Rewritten { unchanged: Some(200) }]
    );
}

#[test]
fn sabotage_a_log_put_back_to_an_older_state_is_rolled_back() {
    let newest = files(700).remove(&Resource::Checkpoint).unwrap();
    let verdict = audit(&files(650), &[&newest]);
    assert_eq!(verdict.findings, [Finding::RolledBack { promised: 700, size: 650 }]);
    assert!(verdict.to_string().contains("rolled back: an older checkpoint promised 700 entries, now there are 650"));
    let two_stories =
        publish((0..700).map(|index| entry(index + 1)), &signer(1)).remove(&Resource::Checkpoint).unwrap();
    assert_eq!(audit(&files(700), &[&two_stories]).findings, [Finding::Forked { size: 700 }]);
}

#[test]
fn sabotage_a_checkpoint_by_another_key_or_changed_by_hand_is_no_checkpoint() {
    let strange = publish((0..5).map(entry), &signer(2));
    assert_eq!(audit(&strange, &[]).findings, [Finding::Signature(NoteError::Unsigned)]);
    let mut changed = files(5);
    let checkpoint = changed.get_mut(&Resource::Checkpoint).unwrap();
    let text = String::from_utf8(checkpoint.clone()).unwrap().replace("\n5\n", "\n4\n");
    *checkpoint = text.into_bytes();
    let findings = audit(&changed, &[]).findings;
    assert_eq!(findings[0], Finding::Signature(NoteError::WrongSignature(NAME.into())));
    let (pin, foreign) = (&strange[&Resource::Checkpoint], {
        let mut log = Log::new("other.example/ledger");
        log.append(b"a").unwrap();
        log.publish(&[&signer(1)], 0).unwrap().pop().unwrap().1
    });
    assert_eq!(
        audit(&files(9), &[pin, &foreign]).findings,
        [
            Finding::UnusablePin { number: 0, error: NoteError::Unsigned },
            Finding::ForeignPin { number: 1, origin: "other.example/ledger".into() },
        ]
    );
}

/// A witness says that it has seen a checkpoint; that is no word of the log, but enough to show a roll-back.
#[test]
fn a_witness_alone_does_not_speak_for_the_log() {
    let key = Ed25519Private::from_seed(&[8; 32]);
    let witness = Signer::new("witness.example", Kind::Cosignature, key).unwrap();
    let known = [signer(1).verifier().clone(), witness.verifier().clone()];
    let check = |files: &Files, older: &[&[u8]]| {
        let mut audit = Audit::new(&files[&Resource::Checkpoint], &known, older).unwrap().of_any_entries();
        while let Some(place) = audit.wanted() {
            audit.handle_file(files.get(&place).map(Vec::as_slice));
        }
        audit.verdict().findings
    };
    let seen = publish((0..9).map(entry), &witness);
    assert_eq!(check(&seen, &[]), [Finding::Signature(NoteError::Unsigned)]);
    let pin = seen[&Resource::Checkpoint].as_slice();
    assert_eq!(check(&files(12), &[pin]), []);
    assert_eq!(check(&files(7), &[pin]), [Finding::RolledBack { promised: 9, size: 7 }]);
}

/// A forged checkpoint may claim any size: the check ends all the same, soon and in little memory.
#[test]
fn a_checkpoint_of_a_log_that_is_not_there_ends_the_check_soon() {
    let claimed = taa_ledger::Checkpoint::new(NAME, u64::MAX, taa_ledger::Hash::of_leaf(b"")).sign(&[&signer(1)], 0);
    let files = Files::from([(Resource::Checkpoint, claimed.unwrap().into_bytes())]);
    let verdict = audit(&files, &[]);
    assert_eq!(verdict.findings[0], Finding::Incomplete);
    assert_eq!(verdict.findings.len(), 1000);
    assert!(verdict.total < 20_000);
}

#[test]
fn entries_of_a_billing_log_are_records() {
    let known = [signer(1).verifier().clone()];
    let files = files(2);
    let mut audit = Audit::new(&files[&Resource::Checkpoint], &known, &[]).unwrap();
    while let Some(place) = audit.wanted() {
        audit.handle_file(files.get(&place).map(Vec::as_slice));
    }
    assert_eq!(audit.verdict().findings, [Finding::NoRecord { index: 0 }, Finding::NoRecord { index: 1 }]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever byte is changed, cut off or added in whatever file: it is seen, and nothing panics.
    #[test]
    fn sabotage_no_change_of_any_file_goes_unseen(
        size in prop_oneof![1_u64..600, 255_u64..258, 511_u64..514],
        which: usize,
        at: usize,
        mask in 1_u8..,
        how in 0_u8..4,
    ) {
        let mut files = files(size);
        let place = *files.keys().nth(which % files.len()).unwrap();
        let content = files.get_mut(&place).unwrap();
        let at = at % content.len();
        match how {
            0 => content[at] ^= mask,
            1 => content.truncate(at),
            2 => content.insert(at, mask),
            _ => drop(content.remove(at)),
        }
        let known = [signer(1).verifier().clone()];
        let older = publish((0..size).map(entry), &signer(1)).remove(&Resource::Checkpoint).unwrap();
        let Ok(audit) = Audit::new(&files[&Resource::Checkpoint], &known, &[&older]) else { return Ok(()) };
        let mut audit = audit.of_any_entries();
        while let Some(place) = audit.wanted() {
            audit.handle_file(files.get(&place).map(Vec::as_slice));
        }
        let verdict = audit.verdict();
        prop_assert!(!verdict.is_sound(), "{place} {how} {at}");
        // What was not touched is not blamed.
        if let (Resource::Tile(_), true) = (place, size > 1) {
            let blamed = verdict.findings.iter().any(|finding| matches!(finding, Finding::EntryAltered { .. }));
            prop_assert!(!blamed, "{verdict}");
        }
    }

    /// Files that somebody made up.
    #[test]
    fn no_made_up_file_makes_it_panic(size: u64, contents in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..600), 1..6)) {
        let claimed = taa_ledger::Checkpoint::new(NAME, size % 2000 + 1, taa_ledger::Hash::of_leaf(b""));
        let checkpoint = claimed.sign(&[&signer(1)], 0).unwrap();
        let mut audit = Audit::new(checkpoint.as_bytes(), &[signer(1).verifier().clone()], &[]).unwrap();
        let mut turn = 0;
        while audit.wanted().is_some() {
            audit.handle_file(Some(&contents[turn % contents.len()]));
            turn += 1;
        }
        prop_assert!(!audit.verdict().is_sound());
        prop_assert!(Audit::new(&contents[0], &[], &[]).is_err());
        let text = String::from_utf8_lossy(&contents[0]);
        prop_assert!(taa_ledger::Record::from_bytes(&contents[0]).is_err());
        prop_assert!(taa_ledger::export::lines::verify(&text, &[]).is_err());
        prop_assert!(Resource::from_path(&text).is_none());
        prop_assert!(taa_ledger::receipt::Receipt::from_text(&text).is_none());
    }
}
