//! Notes, checkpoints, paths and exports, against published examples and against whoever would forge them.

use base64ct::{Base64, Encoding};
use taa_keys::Ed25519Private;
use taa_ledger::export::{csv, event_store, lines};
use taa_ledger::note::{self, Kind, Note, NoteError, Signer, Verifier};
use taa_ledger::range::RangeProof;
use taa_ledger::tile::{self, Resource, Tile};
use taa_ledger::{Checkpoint, Hash, Log, Money, Record, Stamp, Standing, Tree};

/// Keys, text and signature that Go's `sumdb/note` documents as its example.
const NEUMANN: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const NEUMANN_SEED: &str = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const NEUMANN_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn signer(name: &str, kind: Kind, seed: u8) -> Signer {
    Signer::new(name, kind, Ed25519Private::from_seed(&[seed; 32])).unwrap()
}

#[test]
fn the_published_note_opens_and_is_signed_alike() {
    let verifier = Verifier::from_text(NEUMANN).unwrap();
    assert_eq!(verifier.to_text(), NEUMANN);
    let note = Note::parse(NEUMANN_NOTE.as_bytes()).unwrap();
    let signed = note.verify(std::slice::from_ref(&verifier)).unwrap();
    assert_eq!((signed[0].name.as_str(), signed[0].time_s), ("PeterNeumann", None));
    let seed = Base64::decode_vec(NEUMANN_SEED).unwrap();
    let key = Ed25519Private::from_seed(seed[1..].try_into().unwrap());
    let signer = Signer::new("PeterNeumann", Kind::Ed25519, key).unwrap();
    assert_eq!(note::sign(note.text(), &[&signer], 0).unwrap(), NEUMANN_NOTE);
}

/// Checkpoints that the largest public log of this kind has signed, Go's checksum database, as published in the field.
#[test]
fn checkpoints_of_a_log_in_the_field_open() {
    let known = Verifier::from_text("sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8").unwrap();
    for (size, root, signature) in [
        (
            6_476_701,
            "mb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk=",
            "Az3grsLX85Gz+s1SiTbgkuqxgItqFq7gsMUEyVnrsa9LM7Us9S+1xbFIGu95949rj4nPRYfvimWEPWL+o3GeoWwOoAw=",
        ),
        (
            31_700_353,
            "qINS1GRFhWHwdkUeqLEoP4yEMkTBBzxBkGwGQlVlVcs=",
            "Az3grnmrIUEDFqHzAElIQCPNoRFRAAdFo47fooyWKMHb89k11GJh5zHIfNCOBmwn/C3YI8oW9/C8DJ87F61QqspBYwM=",
        ),
        (
            65_209_736,
            "5+uGFjx6xBZG8ip1+wi77v+grwbhhukIrxEUS8PXvRo=",
            "Az3grnbssgK7ubgFX36gVETtNv0U23qxyAhAMai2QUfeGa3nB/akvkMdlUErfcZz7l/R3cVtYspg3dxXABkGZZKdsQ8=",
        ),
    ] {
        let note = format!("go.sum database tree\n{size}\n{root}\n\n— sum.golang.org {signature}\n");
        let (checkpoint, by) = Checkpoint::open(note.as_bytes(), std::slice::from_ref(&known)).unwrap();
        assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("go.sum database tree", size));
        assert_eq!((checkpoint.root.to_base64().as_str(), by[0].name.as_str()), (root, "sum.golang.org"));
        let changed = note.replacen(&size.to_string(), &(size + 1).to_string(), 1);
        let refused = Checkpoint::open(changed.as_bytes(), std::slice::from_ref(&known));
        assert_eq!(refused, Err(NoteError::WrongSignature("sum.golang.org".into())));
    }
}

#[test]
fn lines_by_others_are_passed_over_and_wrong_lines_by_known_keys_spoil_the_note() {
    let (log, witness, other) =
        (signer("log", Kind::Ed25519, 1), signer("witness", Kind::Cosignature, 2), signer("log", Kind::Ed25519, 3));
    let note = note::sign("text\n\nmore\n", &[&other, &log], 0).unwrap();
    let note = note::cosign(&note, &witness, 1_763_740_800).unwrap();
    let open = |note: &str, known: &[&Signer]| {
        let known: Vec<Verifier> = known.iter().map(|signer| signer.verifier().clone()).collect();
        let parsed = Note::parse(note.as_bytes())?;
        assert_eq!(parsed.text(), "text\n\nmore\n");
        parsed.verify(&known).map(|signed| signed.into_iter().map(|s| (s.name, s.time_s)).collect::<Vec<_>>())
    };
    let log_alone = vec![("log".to_owned(), None)];
    assert_eq!(open(&note, &[&log]), Ok(log_alone));
    assert_eq!(open(&note, &[&log, &witness]).unwrap()[1], ("witness".to_owned(), Some(1_763_740_800)));
    assert_eq!(open(&note, &[&signer("log", Kind::Ed25519, 9)]), Err(NoteError::Unsigned));
    // The witness's line with another time in it, and the log's with a changed bit.
    for (name, by) in [("witness", &witness), ("log", &log)] {
        let start = note.rfind(&format!("— {name} ")).unwrap() + format!("— {name} ").len();
        let end = start + note[start..].find('\n').unwrap();
        let mut bytes = Base64::decode_vec(&note[start..end]).unwrap();
        bytes[11] ^= 1;
        let forged = format!("{}{}{}", &note[..start], Base64::encode_string(&bytes), &note[end..]);
        assert_eq!(open(&forged, &[by]), Err(NoteError::WrongSignature(name.to_owned())));
        let third = if name == "log" { &witness } else { &log };
        assert!(open(&forged, &[third]).is_ok());
    }
}

#[test]
fn what_is_no_note_is_refused() {
    let note = |text: &str| Note::parse(text.as_bytes()).map(|note| note.text().to_owned());
    for malformed in [
        "",
        "text\n",
        "text\n\n",
        "text\n\n— a\n",
        "text\n\n— a b\n",
        "text\n\n- a AAAAAAE=\n",
        "text\n\n— a AAAAAAE=",
        "text\n\n— a AAAAAA==\n",
        "text\n\n— a AAAAAAE\n",
        "text\n\n— a+b AAAAAAE=\n",
        "te\rxt\n\n— a AAAAAAE=\n",
        "text\n— a AAAAAAE=\n",
    ] {
        assert_eq!(note(malformed), Err(NoteError::Malformed), "{malformed:?}");
    }
    assert_eq!(note("text\n\n— a AAAAAAE=\n").as_deref(), Ok("text\n"));
    assert_eq!(Note::parse(b"\xFF\n\n"), Err(NoteError::Malformed));
    let many = format!("text\n\n{}", "— a AAAAAAE=\n".repeat(101));
    assert_eq!(note(&many), Err(NoteError::TooLarge));
    assert_eq!(Note::parse(&vec![b'a'; note::NOTE_BYTES_MAX + 1]), Err(NoteError::TooLarge));
    for name in ["", "a b", "a+b", "a\u{2003}b"] {
        let key = Ed25519Private::from_seed(&[1; 32]);
        assert_eq!(Signer::new(name, Kind::Ed25519, key).unwrap_err(), NoteError::KeyName);
    }
    for key in [NEUMANN.replace("c74f", "c74e"), NEUMANN.replace("+AR", "+Ag"), NEUMANN[..60].to_owned()] {
        assert_eq!(Verifier::from_text(&key), Err(NoteError::VerifierKey), "{key}");
    }
}

/// The example of C2SP `tlog-checkpoint`.
#[test]
fn the_published_checkpoint_reads_and_writes() {
    let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let checkpoint = Checkpoint::from_text(text).unwrap();
    assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!(checkpoint.to_text(), text);
    for wrong in [
        text.replace("20852163", "020852163"),
        text.replace("20852163", "+20852163"),
        text.replace("20852163", "0"),
        text.replace("jxq2I=", "jxq2I"),
        text.trim_end().to_owned(),
        format!("{text}\n"),
        text.replacen("example.com/behind-the-sofa", "", 1),
    ] {
        assert_eq!(Checkpoint::from_text(&wrong), None, "{wrong:?}");
    }
    assert_eq!(Checkpoint::from_text(&format!("{text}more\n")).unwrap().extensions, ["more"]);
    let mut split = checkpoint;
    split.origin = "two\nlines".into();
    assert!(split.sign(&[&signer("a", Kind::Ed25519, 1)], 0).is_err());
}

#[test]
fn a_checkpoint_kept_elsewhere_tells_what_became_of_the_log() {
    let grow = |entries: &[&str]| {
        let mut tree = Tree::default();
        entries.iter().for_each(|entry| {
            tree.append(entry.as_bytes());
        });
        tree
    };
    let (now, then) = (grow(&["a", "b", "c"]), grow(&["a", "b"]));
    let promised = Checkpoint::new("log", 2, then.root());
    let standing = |tree: &Tree| promised.standing_of(tree, tree.size()).unwrap();
    assert_eq!(standing(&then), Standing::Same);
    assert_eq!(standing(&now), Standing::Grown);
    assert_eq!(standing(&grow(&["a"])), Standing::RolledBack);
    assert_eq!(standing(&grow(&["a", "x", "c"])), Standing::Forked);
}

/// Paths and the tree of 70,000 entries as C2SP `tlog-tiles` gives them.
#[test]
fn paths_are_those_of_the_layout() {
    let tile = |level, index, width| Resource::Tile(Tile { level, index, width });
    for (place, path) in [
        (tile(0, 1_234_067, 256), "tile/0/x001/x234/067"),
        (tile(3, 0, 8), "tile/3/000.p/8"),
        (tile(0, 999, 256), "tile/0/999"),
        (tile(0, 1000, 255), "tile/0/x001/000.p/255"),
        (Resource::Entries { index: 1_234_067, width: 8 }, "tile/entries/x001/x234/067.p/8"),
        (Resource::Checkpoint, "checkpoint"),
    ] {
        assert_eq!(place.to_string(), path);
        assert_eq!(Resource::from_path(path), Some(place));
    }
    for path in [
        "tile/0/67",
        "tile/0/x000/067",
        "tile/0/001/067",
        "tile/00/067",
        "tile/64/067",
        "tile/0/067.p/256",
        "tile/0/067.p/0",
        "tile/0/067.p/08",
        "tile/entries/-01",
        "tile/x/000",
        "tile/0/xx01/067",
    ] {
        assert_eq!(Resource::from_path(path), None, "{path}");
    }
    let of_level = |level| tile::tiles(70_000).filter(|tile| tile.level == level).collect::<Vec<_>>();
    assert_eq!((of_level(0).len(), of_level(0)[273].width), (274, 112));
    assert_eq!(of_level(1).iter().map(|tile| tile.width).collect::<Vec<_>>(), [256, 17]);
    assert_eq!(of_level(2).iter().map(|tile| tile.width).collect::<Vec<_>>(), [1]);
    assert_eq!(tile::tiles(256).map(|tile| (tile.level, tile.width)).collect::<Vec<_>>(), [(0, 256), (1, 1)]);
}

#[test]
fn an_entry_too_long_is_refused_and_changes_nothing() {
    let mut log = Log::new("log");
    assert!(log.append(&vec![0; tile::ENTRY_BYTES_MAX + 1]).is_err());
    assert_eq!((log.size(), log.root()), (0, Hash::of_empty_tree()));
    assert_eq!(log.append(&vec![0; tile::ENTRY_BYTES_MAX]), Ok(0));
}

fn records(count: u32) -> Vec<Record> {
    let record = |n: u32| Record {
        v: 1,
        at: Stamp { boot: 1, uptime_ms: u64::from(n), wall_ms: (n != 3).then_some(1_763_740_800_000 + i64::from(n)) },
        what: "payment.credited".into(),
        rule: format!("tariff/a#energy, block {n}"),
        account: Some("=A1+1".into()),
        meter: None,
        amount: Some(Money { minor: -i64::from(n), digits: 2, currency: "KES".into() }),
        energy_wh: None,
        reference: Some("say \"hi\"\nand go".into()),
        details: [("provider".to_owned(), "mpesa".to_owned())].into(),
    };
    (0..count).map(record).collect()
}

fn export(records: &[Record], first: usize, end: usize, signer: &Signer) -> String {
    let mut tree = Tree::default();
    let entries: Vec<Vec<u8>> = records.iter().map(|record| record.to_bytes().unwrap()).collect();
    entries.iter().for_each(|entry| {
        tree.append(entry);
    });
    let checkpoint = Checkpoint::new("log", tree.size(), tree.root()).sign(&[signer], 0).unwrap();
    let proof = RangeProof::make(&tree, first as u64, end as u64, tree.size()).unwrap();
    let mut text = lines::head(first as u64, (end - first) as u64, &proof, &checkpoint);
    for (index, entry) in (first as u64..).zip(&entries[first..end]) {
        text += &lines::line(index, entry).unwrap();
    }
    text
}

#[test]
fn an_export_proves_itself() {
    let (signer, records) = (signer("log", Kind::Ed25519, 1), records(11));
    let known = [signer.verifier().clone()];
    for (first, end) in [(0, 11), (0, 4), (3, 9), (5, 5), (10, 11)] {
        let proven = lines::verify(&export(&records, first, end, &signer), &known).unwrap();
        assert_eq!((proven.first, proven.records), (first as u64, records[first..end].to_vec()));
    }
}

#[test]
fn sabotage_a_changed_export_is_refused_by_name() {
    use taa_ledger::export::lines::ExportError;
    let (ours, records) = (signer("log", Kind::Ed25519, 1), records(11));
    let known = [ours.verifier().clone()];
    let text = export(&records, 3, 9, &ours);
    let refused = |text: &str| lines::verify(text, &known).unwrap_err();
    let without_line = |number: usize| {
        text.lines()
            .enumerate()
            .filter(|(at, _)| *at != number)
            .map(|(_, line)| format!("{line}\n"))
            .collect::<String>()
    };
    assert_eq!(refused(&text.replace("block 5", "block 6")), ExportError::Altered { index: 5 });
    assert_eq!(refused(&without_line(3)), ExportError::Missing { line: 4, expected: 5 });
    assert_eq!(refused(&without_line(6)), ExportError::Count { expected: 6, got: 5 });
    assert_eq!(refused(&without_line(6).replace("\"count\":6", "\"count\":5")), ExportError::Root);
    assert_eq!(refused(&without_line(0)), ExportError::Head);
    assert_eq!(refused(&text.replace("{\"index\":7,", "{\"index\": 7,")), ExportError::Line { line: 6 });
    // An entry of one's own, with its hash recomputed.
    let own = lines::line(5, &Record { energy_wh: Some(1), ..records[5].clone() }.to_bytes().unwrap()).unwrap();
    let old = lines::line(5, &records[5].to_bytes().unwrap()).unwrap();
    assert_eq!(refused(&text.replace(&old, &own)), ExportError::Root);
    let stranger = export(&records, 3, 9, &signer("log", Kind::Ed25519, 2));
    assert_eq!(refused(&stranger), ExportError::Checkpoint(NoteError::Unsigned));
    let forged = text.replace("log\\n11\\n", "log\\n10\\n");
    assert_eq!(refused(&forged), ExportError::Checkpoint(NoteError::WrongSignature("log".into())));
}

#[test]
fn a_receipt_proves_one_entry_without_the_log() {
    use taa_ledger::receipt::{Receipt, ReceiptError};
    let (log, witness) = (signer("log", Kind::Ed25519, 1), signer("witness", Kind::Cosignature, 2));
    let mut tree = Tree::default();
    for entry in 0..100_u8 {
        tree.append(&[entry]);
    }
    let checkpoint = Checkpoint::new("log", 100, tree.root()).sign(&[&log, &witness], 7).unwrap();
    let path = tree.inclusion(42, 100).unwrap();
    let text = Receipt { index: 42, path, checkpoint, extra: b"A-17".to_vec() }.to_text();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra QS0xNw==\nindex 42\n"), "{text}");
    let known = [log.verifier().clone(), witness.verifier().clone()];
    let receipt = Receipt::from_text(&text).unwrap();
    let (checkpoint, by) = receipt.verify(&[42], &known).unwrap();
    assert_eq!((checkpoint.size, by.len(), receipt.extra.as_slice()), (100, 2, b"A-17".as_slice()));
    assert_eq!(receipt.to_text(), text);

    assert!(matches!(receipt.verify(&[43], &known), Err(ReceiptError::Proof(_))));
    let stranger = [signer("log", Kind::Ed25519, 5).verifier().clone()];
    assert_eq!(receipt.verify(&[42], &stranger).unwrap_err(), ReceiptError::Note(NoteError::Unsigned));
    for (from, to) in [("@v1", "@v2"), ("index 42", "index 042"), ("index 42\n", ""), ("QS0xNw==", "QS0xNw")] {
        assert_eq!(Receipt::from_text(&text.replacen(from, to, 1)), None, "{from}");
    }
    let moved = Receipt::from_text(&text.replacen("index 42", "index 43", 1)).unwrap();
    assert!(matches!(moved.verify(&[42], &known), Err(ReceiptError::Proof(_))));
}

#[test]
fn a_table_reads_in_a_spreadsheet_and_is_held_against_the_records() {
    let records = records(5);
    let mut table = csv::HEAD.to_owned();
    (20..).zip(&records).for_each(|(index, record)| table += &csv::line(index, record));
    let leaf = Hash::of_leaf(&records[2].to_bytes().unwrap());
    let row = format!(
        "22,2025-11-21T16:00:00.002Z,1,2,payment.credited,\"tariff/a#energy, block 2\",'=A1+1,,-0.02,KES,,\
         \"say \"\"hi\"\"\nand go\",provider=mpesa,{leaf}\r\n"
    );
    assert!(table.contains(&row), "{table}");
    assert!(table.contains("\r\n23,,1,3,"), "no clock, no date: {table}");
    let differs = |table: &str| csv::differences(table, 20, &records);
    assert_eq!(differs(&table), []);
    assert_eq!(differs(&table.replace("-0.02", "-0.03")), [csv::Difference::Altered(22)]);
    assert_eq!(differs(&format!("{table}{row}")), [csv::Difference::Extra(1)]);
    assert_eq!(differs(&table[..table.find("\r\n24,").unwrap() + 2]), [csv::Difference::Missing(24)]);
    assert_eq!(differs(&table.replace("index,time", "index,date")), [csv::Difference::Head]);
}

#[test]
fn an_append_to_an_event_store_is_safe_to_repeat() {
    use event_store::{Expected, Exporter, Next, Reply};
    let entries: Vec<Vec<u8>> = records(6).iter().map(|record| record.to_bytes().unwrap()).collect();
    let slices: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
    let mut exporter = Exporter::new("log", "taa-ledger-jija", 0);
    let first = exporter.request(&slices[..2]).unwrap();
    assert_eq!((first.expected, first.expected_header().as_str()), (Expected::NoStream, "-1"));
    assert_eq!(exporter.handle_reply(Reply::Unknown), Next::Repeat);
    assert_eq!(exporter.request(&slices[..2]).unwrap(), first, "same ids, same revision");
    assert_eq!(exporter.handle_reply(Reply::Appended), Next::From(2));
    let second = exporter.request(&slices[2..5]).unwrap();
    assert_eq!(second.expected, Expected::Revision(1));
    // The answer to an earlier attempt was lost.
    assert_eq!(exporter.handle_reply(Reply::WrongRevision { current: Some(4) }), Next::CheckLast { revision: 4 });
    assert_eq!(event_store::event_id("log", 4, &Hash::of_leaf(slices[4])), second.events[2].id);
    exporter.resume_after(4);
    assert_eq!(exporter.request(&slices[5..]).unwrap().expected_header(), "4");

    let body: serde_json::Value = serde_json::from_str(&second.body()).unwrap();
    assert_eq!(body[0]["eventType"], "payment.credited");
    assert_eq!(body[0]["metadata"]["index"], "2");
    assert_eq!(body[0]["data"]["rule"], "tariff/a#energy, block 2");
    assert!(second.body().contains(std::str::from_utf8(slices[3]).unwrap()), "the record, byte for byte");
    let id = body[0]["eventId"].as_str().unwrap();
    assert_eq!((id.len(), &id[14..15], "89ab".contains(&id[19..20])), (36, "8", true), "{id}");
    assert_ne!(id, body[1]["eventId"].as_str().unwrap());
    assert!(exporter.request(&[b"no record"]).is_none());
}
