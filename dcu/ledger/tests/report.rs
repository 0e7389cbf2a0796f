//! What an office does with a folder: checked, summed up, exported, proven; and nothing false goes through.

use std::collections::BTreeMap;
use std::convert::Infallible;

use taa_keys::Ed25519Private;
use taa_ledger::audit::Finding;
use taa_ledger::export::{csv, lines};
use taa_ledger::note::{Kind, Signer, Verifier};
use taa_ledger::receipt::Receipt;
use taa_ledger::report::{self, Entries, FileError, Format, Period, Remark, Report, StreamError, Unchecked};
use taa_ledger::tile::Resource;
use taa_ledger::{Log, Money, Record, Stamp};

const DAY_MS: i64 = 86_400_000;

fn signer() -> Signer {
    Signer::new("jija.example/ledger", Kind::Ed25519, Ed25519Private::from_seed(&[5; 32])).unwrap()
}

fn entry(what: &str, rule: &str, at_ms: i64, account: Option<&str>, minor: Option<i64>) -> Record {
    Record {
        v: 1,
        at: Stamp { boot: 1, uptime_ms: 0, wall_ms: Some(at_ms) },
        what: what.into(),
        rule: rule.into(),
        account: account.map(str::to_owned),
        meter: None,
        amount: minor.map(|minor| Money { minor, digits: 2, currency: "TZS".into() }),
        energy_wh: None,
        reference: None,
        details: BTreeMap::new(),
    }
}

/// Ten customers for a month: a payment and a statement a day each.
fn records() -> Vec<Record> {
    let mut all = Vec::new();
    let mut tariff = entry("tariff.in_force", "tariff/a#prices", 0, None, None);
    tariff.reference = Some("a".into());
    for n in 0..10 {
        all.push(entry("account.opened", "policy/x#opened", 0, Some(&format!("A{n}")), Some(0)));
    }
    all.push(tariff);
    for day in 0..30 {
        for n in 0..10 {
            let account = format!("A{n}");
            let mut paid = entry("payment.credited", "policy/x#credit", day * DAY_MS, Some(&account), Some(500));
            paid.reference = Some(format!("T{day}-{n}"));
            paid.details.insert("provider".into(), "daraja".into());
            all.push(paid);
            let at = day * DAY_MS + DAY_MS / 2;
            let mut used = entry("statement.day", "tariff/a#energy-and-fee", at, Some(&account), Some(-480));
            used.energy_wh = Some(1200);
            used.details.insert("balance_minor".into(), ((day + 1) * 20).to_string());
            all.push(used);
        }
    }
    all
}

type Folder = BTreeMap<String, Vec<u8>>;

fn folder(records: &[Record]) -> Folder {
    let mut log = Log::new("jija.example/ledger");
    for record in records {
        log.append(&record.to_bytes().unwrap()).unwrap();
    }
    log.publish(&[&signer()], 0).unwrap().into_iter().map(|(place, bytes)| (place.to_string(), bytes)).collect()
}

fn read(folder: &Folder) -> impl FnMut(Resource) -> Result<Option<Vec<u8>>, Infallible> {
    |place| Ok(folder.get(&place.to_string()).cloned())
}

fn known() -> [Verifier; 1] {
    [signer().verifier().clone()]
}

fn verify(folder: &Folder, period: Period) -> Report {
    report::verify(&folder["checkpoint"], &known(), &[], period, read(folder)).unwrap()
}

#[test]
fn a_sound_log_is_summed_up_and_said_to_be_sound() {
    let folder = folder(&records());
    let report = verify(&folder, Period::default());
    assert!(report.is_sound(), "{report}");
    assert_eq!(report.summary.entries(), 611);
    let sum = |report: &Report, kind: &str| report.summary.sums().find(|(what, ..)| *what == kind).unwrap().2;
    assert_eq!(sum(&report, "payment.credited").minor, 300 * 500);
    assert_eq!(sum(&report, "statement.day").energy_wh, 300 * 1200);
    let text = report.to_string();
    assert!(text.contains("Sound: all 611 entries"), "{text}");
    assert!(text.contains("1500.00 TZS") && text.contains("360.000"), "{text}");
    // A period sums its own entries; the files are checked all the same.
    let week = Period { from_ms: Some(7 * DAY_MS), to_ms: Some(14 * DAY_MS) };
    let report = verify(&folder, week);
    assert!(report.is_sound());
    assert_eq!(sum(&report, "payment.credited").entries, 70);
    assert_eq!(report.summary.span_ms(), Some((7 * DAY_MS, 13 * DAY_MS + DAY_MS / 2)));
}

#[test]
fn every_byte_that_is_changed_in_the_entries_is_found() {
    let sound = folder(&records());
    for place in sound.keys().filter(|place| *place != "checkpoint") {
        for step in [7, 1001, 40_001] {
            let mut changed = sound.clone();
            let file = changed.get_mut(place).unwrap();
            let at = step % file.len();
            file[at] ^= 1;
            assert!(!verify(&changed, Period::default()).is_sound(), "{place} at {at}");
        }
        let mut fewer = sound.clone();
        fewer.remove(place);
        assert!(!verify(&fewer, Period::default()).is_sound(), "{place} is gone");
    }
}

#[test]
fn entries_that_contradict_one_another_are_found_though_they_were_signed() {
    let sabotaged = |change: fn(&mut Vec<Record>)| {
        let mut records = records();
        change(&mut records);
        let report = verify(&folder(&records), Period::default());
        assert!(report.verdict.is_sound() && !report.is_sound());
        assert!(report.to_string().contains("contradict one another in 1 places"), "{report}");
        report.summary.remarks()[0].clone()
    };
    let lost = sabotaged(|all| drop(all.remove(11)));
    assert!(matches!(lost, Remark::Balance { stated: 20, summed: -480, .. }), "{lost}");
    let dear = sabotaged(|all| all[12].amount.as_mut().unwrap().minor -= 1);
    assert!(matches!(dear, Remark::Balance { stated: 20, summed: 19, .. }), "{dear}");
    let twice = sabotaged(|all| all[611 - 2].reference = Some("T0-0".into()));
    assert!(matches!(twice, Remark::Repeated { before: 11, index: 609, .. }), "{twice}");
    let unannounced = sabotaged(|all| all[12].rule = "tariff/b#energy-and-fee".into());
    assert!(matches!(unannounced, Remark::Unannounced { index: 12, .. }), "{unannounced}");
}

/// What contradicts itself in a folder does so in an export of all of it, and says so in the same words; a part says what
/// it leaves open, and finds what lies within it.
#[test]
fn an_export_is_checked_as_the_folder_is_and_a_part_says_what_it_cannot() {
    let export = |records: &[Record], range| {
        let folder = folder(records);
        let made = report::export(&folder["checkpoint"], Format::Lines, range, read(&folder)).unwrap();
        report::verify_lines(&made[0].1, &known(), &[], Period::default()).unwrap()
    };
    let sound = export(&records(), (0, None));
    assert!(sound.is_sound() && sound.is_whole() && sound.unchecked.is_empty(), "{sound}");
    assert!(sound.to_string().contains("Sound: all 611 entries are exactly those signed by jija.example/ledger"));
    assert_eq!(sound.summary, verify(&folder(&records()), Period::default()).summary);
    type Change = fn(&mut Vec<Record>);
    let lost: Change = |all| drop(all.remove(11));
    let dear: Change = |all| all[12].amount.as_mut().unwrap().minor -= 1;
    let twice: Change = |all| all[611 - 2].reference = Some("T0-0".into());
    let unannounced: Change = |all| all[12].rule = "tariff/b#energy-and-fee".into();
    for change in [lost, dear, twice, unannounced] {
        let mut records = records();
        change(&mut records);
        let in_folder = verify(&folder(&records), Period::default());
        let in_file = export(&records, (0, None));
        assert_eq!(in_file.summary.remarks(), in_folder.summary.remarks());
        assert!(!in_file.is_sound() && in_file.verdict.is_sound() && in_file.summary.total_remarks() == 1);
        assert!(in_file.to_string().contains("Not sound: all 6"), "{in_file}");
        assert!(in_file.to_string().contains("they contradict one another in 1 places"), "{in_file}");
    }
    // From the first entry on nothing is unknown that the checks rest on.
    let start = export(&records(), (0, Some(400)));
    assert!(start.is_sound() && !start.is_whole());
    assert_eq!(start.unchecked, [Unchecked::Behind { end: 400 }]);
    let part = export(&records(), (250, Some(400)));
    assert!(part.is_sound(), "{part}");
    assert_eq!(part.unchecked, [Unchecked::Before { first: 250 }, Unchecked::Behind { end: 400 }]);
    assert!(part.to_string().contains("Not checked: whether a payment was taken before entry 250 too"), "{part}");
    // A payment taken twice within the part, and a balance that does not follow from the one stated before it.
    let mut doubled = records();
    doubled[333].reference = doubled[311].reference.clone();
    assert!(matches!(
        export(&doubled, (250, Some(400))).summary.remarks(),
        [Remark::Repeated { before: 311, index: 333, .. }]
    ));
    assert!(export(&doubled, (320, Some(400))).is_sound(), "the first time is not in it");
    let mut wrong = records();
    wrong[332].amount.as_mut().unwrap().minor -= 1;
    assert!(matches!(export(&wrong, (250, Some(400))).summary.remarks(), [Remark::Balance { index: 332, .. }]));
}

#[test]
fn an_export_is_compared_with_older_checkpoints() {
    let all = records();
    let kept = |records: &[Record]| folder(records)["checkpoint"].clone();
    let of = |records: &[Record], range, older: &[Vec<u8>]| {
        let folder = folder(records);
        let made = report::export(&folder["checkpoint"], Format::Lines, range, read(&folder)).unwrap();
        let older: Vec<&[u8]> = older.iter().map(Vec::as_slice).collect();
        report::verify_lines(&made[0].1, &known(), &older, Period::default()).unwrap()
    };
    let promised = [kept(&all[..1]), kept(&all[..300]), kept(&all)];
    assert!(of(&all, (0, None), &promised).is_sound());
    // Rolled back, also where nothing but a part is at hand.
    for range in [(0, None), (250, Some(260))] {
        let back = of(&all[..500], range, &promised);
        assert_eq!(back.verdict.findings, [Finding::RolledBack { promised: 611, size: 500 }]);
        assert!(!back.is_sound() && back.to_string().contains("rolled back"), "{back}");
    }
    // Another history.
    let mut other = all.clone();
    other[7].account = Some("A77".into());
    assert_eq!(of(&other, (0, None), &promised[1..2]).verdict.findings, [Finding::Forked { size: 300 }]);
    assert_eq!(of(&other, (290, Some(310)), &promised[1..2]).verdict.findings, [Finding::Forked { size: 300 }]);
    // A promise that ends beside the stretch is not compared, and that is said.
    let beside = of(&all, (310, Some(320)), &promised[1..2]);
    assert!(beside.is_sound() && beside.unchecked.contains(&Unchecked::Promise { size: 300 }), "{beside}");
    let foreign = of(&all, (0, None), &[b"no checkpoint".to_vec()]);
    assert!(matches!(foreign.verdict.findings[..], [Finding::UnusablePin { number: 0, .. }]));
}

#[test]
fn exports_prove_themselves_and_receipts_hold() {
    let records = records();
    let folder = folder(&records);
    let checkpoint = &folder["checkpoint"];
    let export = |format, range| report::export(checkpoint, format, range, read(&folder)).unwrap();
    let some = export(Format::Lines, (250, Some(300)));
    let proven = lines::verify(&some[0].1, &known()).unwrap();
    assert_eq!((some[0].0.as_str(), proven.first), ("entries-000000250-000000300.jsonl", 250));
    assert_eq!(proven.records, records[250..300]);
    let table = export(Format::Csv, (0, None));
    assert!(csv::differences(&table[0].1, 0, &records).is_empty());
    let appends = export(Format::Events, (0, None));
    let names: Vec<&str> = appends.iter().map(|(name, _)| name.as_str()).collect();
    let expected = ["000000000-expected--1", "000000256-expected-255", "000000512-expected-511"];
    assert_eq!(names, expected.map(|name| format!("append-{name}.json")));

    assert_eq!(report::find(checkpoint, "T12-3", read(&folder)).unwrap(), [11 + 12 * 20 + 6]);
    let (receipt, entry) = report::receipt(checkpoint, 257, read(&folder)).unwrap();
    let kept = Receipt::from_text(&receipt.to_text()).unwrap();
    assert!(kept.verify(&entry, &known()).is_ok());
    assert!(kept.verify(&records[258].to_bytes().unwrap(), &known()).is_err());
}

#[test]
fn nothing_is_made_from_files_that_are_not_what_was_signed() {
    let mut folder = folder(&records());
    let checkpoint = folder["checkpoint"].clone();
    let beyond = report::receipt(&checkpoint, 611, read(&folder));
    assert!(matches!(beyond, Err(FileError::Beyond { wanted: 611, size: 611 })));
    folder.get_mut("tile/entries/001").unwrap()[100] ^= 1;
    assert!(matches!(report::receipt(&checkpoint, 256, read(&folder)), Err(FileError::NotSigned)));
    assert!(matches!(report::export(&checkpoint, Format::Csv, (0, None), read(&folder)), Err(FileError::NotSigned)));
    folder.remove("tile/entries/001");
    let gone = report::export(&checkpoint, Format::Lines, (0, None), read(&folder));
    assert!(matches!(gone, Err(FileError::Missing(_))), "{gone:?}");
    assert!(report::verify(b"no checkpoint", &known(), &[], Period::default(), read(&folder)).is_err());
}

/// Entries that come one after another, with whatever gap.
struct Held(Vec<(u64, Vec<u8>)>);

impl Entries for Held {
    type Error = Infallible;

    fn each(&self, from: u64, look: &mut dyn FnMut(u64, &[u8])) -> Result<(), Infallible> {
        self.0.iter().filter(|(index, _)| *index >= from).for_each(|(index, entry)| look(*index, entry));
        Ok(())
    }
}

type Streamed = Result<(report::Streamed, BTreeMap<String, String>), StreamError<Infallible>>;

fn streamed(held: &Held, checkpoint: Option<&str>, format: Format, range: (u64, Option<u64>)) -> Streamed {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let made = report::export_stream(held, checkpoint, format, range, |name, text| {
        *files.entry(name.to_owned()).or_default() += text;
        Ok(())
    });
    made.map(|made| (made, files))
}

/// Byte for byte what is made from the files, whatever the stretch; and only from the entries that were signed.
#[test]
fn a_streamed_export_is_the_export_of_the_files() {
    let records = records();
    let folder = folder(&records);
    let checkpoint = &folder["checkpoint"];
    let note = std::str::from_utf8(checkpoint).unwrap();
    let bytes = |record: &Record| record.to_bytes().unwrap();
    let held = Held((0..).zip(records.iter().map(bytes)).collect());
    for range in
        [(0, None), (250, Some(300)), (0, Some(1)), (256, Some(512)), (611, None), (610, Some(611)), (5, Some(5))]
    {
        for format in [Format::Lines, Format::Csv, Format::Events] {
            let of_files = report::export(checkpoint, format, range, read(&folder)).unwrap();
            let (made, files) = streamed(&held, Some(note), format, range).unwrap();
            assert_eq!(files, of_files.into_iter().collect(), "{range:?} {format:?}");
            assert_eq!(made.held, 611);
        }
    }
    // What came after the checkpoint was signed by nobody yet: it stays out.
    let mut later = Held(held.0);
    later.0.push((611, bytes(&records[0])));
    let (made, files) = streamed(&later, Some(note), Format::Lines, (0, None)).unwrap();
    assert_eq!((made.end, made.held), (611, 612));
    assert_eq!(lines::verify(&files["entries-000000000-000000611.jsonl"], &known()).unwrap().records, records);
    // Without a checkpoint a table, and no lines.
    let (made, files) = streamed(&later, None, Format::Csv, (600, None)).unwrap();
    assert_eq!((made.signed, made.end, files.len()), (None, 612, 1));
    assert!(matches!(streamed(&later, None, Format::Lines, (0, None)), Err(StreamError::Unsigned)));
}

#[test]
fn nothing_is_streamed_that_was_not_signed() {
    let records = records();
    let folder = folder(&records);
    let note = std::str::from_utf8(&folder["checkpoint"]).unwrap();
    let held: Vec<(u64, Vec<u8>)> = (0..).zip(records.iter().map(|record| record.to_bytes().unwrap())).collect();
    let refused =
        |held: Vec<(u64, Vec<u8>)>| streamed(&Held(held), Some(note), Format::Csv, (300, Some(310))).unwrap_err();
    let mut gap = held.clone();
    gap.drain(20..25);
    assert!(matches!(refused(gap), StreamError::Missing(20)));
    let mut old = held.clone();
    old.truncate(600);
    assert!(matches!(refused(old), StreamError::RolledBack { signed: 611, held: 600 }));
    let mut changed = held.clone();
    changed[7].1 = records[8].to_bytes().unwrap();
    assert!(matches!(refused(changed), StreamError::NotSigned), "far from the stretch, and found");
    let beyond = streamed(&Held(held), Some(note), Format::Csv, (0, Some(612)));
    assert!(matches!(beyond, Err(StreamError::Beyond { wanted: 612, size: 611 })));
}
