//! `taa audit`: the files of a ledger, read as a regulator, an office or a customer reads them. All judgement is in
//! [`taa_ledger::report`]; here files are opened and sentences printed.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use serde_json::json;
use taa_ledger::{
    audit::Verdict,
    note::Verifier,
    receipt::Receipt,
    report::{self, Format, Period, Summary, Unchecked},
    tile::Resource,
};

use crate::{
    Failure,
    args::{AuditCommand, ExportFormat, LedgerArgs},
    ledger::{put, time},
    show, site,
};

/// The file with the log's public key that a run leaves beside its ledger.
const VERIFIER: &str = "verifier";

pub(crate) fn audit(command: &AuditCommand) -> Result<(), Failure> {
    match command {
        AuditCommand::Verify { ledger, checkpoint, from, to, json } => {
            let period = Period { from_ms: *from, to_ms: *to };
            if ledger.folder.extension().is_some_and(|ending| ending == "jsonl") {
                return verify_lines(ledger, checkpoint, period, *json);
            }
            verify(ledger, checkpoint, period, *json)
        }
        AuditCommand::Export { ledger, out, format, first, end, checkpoint } => {
            let format = match format {
                ExportFormat::Lines => Format::Lines,
                ExportFormat::Csv => Format::Csv,
                ExportFormat::Events => Format::Events,
            };
            if site::is_database(&ledger.folder) {
                return site::export(&ledger.folder, checkpoint.as_deref(), out, format, (*first, *end));
            }
            export(ledger, out, format, (*first, *end))
        }
        AuditCommand::Receipt { ledger, reference, entry, check, entry_file } => match check {
            Some(receipt) => check_receipt(ledger, receipt, entry_file.as_deref()),
            None => receipt(ledger, reference.as_deref(), *entry, entry_file.as_deref()),
        },
    }
}

fn verify(ledger: &LedgerArgs, kept: &[PathBuf], period: Period, as_json: bool) -> Result<(), Failure> {
    let checkpoint = checkpoint(&ledger.folder)?;
    let (known, own_word) = keys(ledger)?;
    let kept: Vec<Vec<u8>> = kept.iter().map(|path| read(path)).collect::<Result<_, _>>()?;
    let older: Vec<&[u8]> = kept.iter().map(Vec::as_slice).collect();
    let found = report::verify(&checkpoint, &known, &older, period, files(&ledger.folder));
    let found = found.map_err(|error| input(&ledger.folder, &error))?;
    if as_json {
        let said = to_json((found.is_sound(), found.sentence()), &found.verdict, &found.summary);
        show::say(&said.to_string())?;
    } else {
        show::say(&found.to_string())?;
        show::say(&beside((older.len(), 0), own_word))?;
    }
    if found.is_sound() { Ok(()) } else { Err(Failure::Found(format!("{}: not sound", ledger.folder.display()))) }
}

/// What the verdict rests on, in words; of the older checkpoints `uncompared` end where nothing can be said.
fn beside((kept, uncompared): (usize, usize), own_word: bool) -> String {
    let whose = if own_word {
        "The key was taken from the folder itself: the files fit one another. Whose they are, only a key that you have from \
         elsewhere can say (--key)."
    } else {
        "The key was given from outside."
    };
    let rolled = match kept.saturating_sub(uncompared) {
        0 if kept > 0 => {
            "No older checkpoint could be compared: that nothing was taken back since, nobody can say.".to_owned()
        }
        0 => "No older checkpoint was given (--checkpoint): that nothing was taken back since, nobody can say."
            .to_owned(),
        1 => "One older checkpoint was compared.".to_owned(),
        n => format!("{n} older checkpoints were compared."),
    };
    format!("{whose}\n{rolled}")
}

fn to_json((sound, sentence): (bool, String), verdict: &Verdict, summary: &Summary) -> serde_json::Value {
    let sums: Vec<_> = summary
        .sums()
        .map(|(what, unit, sum)| {
            json!({
                "what": what, "entries": sum.entries, "minor": sum.minor.to_string(), "energy_wh": sum.energy_wh.to_string(),
                "currency": unit.map(|(currency, _)| currency), "digits": unit.map(|(_, digits)| digits),
            })
        })
        .collect();
    let findings = verdict.findings.iter().map(ToString::to_string);
    let remarks = summary.remarks().iter().map(ToString::to_string);
    json!({
        "sound": sound,
        "sentence": sentence,
        "origin": verdict.checkpoint.origin,
        "entries": verdict.checkpoint.size,
        "root": verdict.checkpoint.root.to_base64(),
        "signed_by": verdict.signed_by,
        "from": summary.span_ms().map(|(first, _)| time(first)),
        "to": summary.span_ms().map(|(_, last)| time(last)),
        "sums": sums,
        "findings": findings.chain(remarks).collect::<Vec<_>>(),
    })
}

/// An export alone: exactly the entries of a stretch of the signed log, or not; and what the whole folder is checked for, as
/// far as it follows from the stretch.
fn verify_lines(ledger: &LedgerArgs, kept: &[PathBuf], period: Period, as_json: bool) -> Result<(), Failure> {
    let text = String::from_utf8(read(&ledger.folder)?);
    let text = text.map_err(|_| Failure::Input(format!("{}: not a text", ledger.folder.display())))?;
    if ledger.key.is_empty() {
        return Err(Failure::Input("an export has no key beside it: name the log's with --key".to_owned()));
    }
    let (known, own_word) = keys(ledger)?;
    let kept: Vec<Vec<u8>> = kept.iter().map(|path| read(path)).collect::<Result<_, _>>()?;
    let older: Vec<&[u8]> = kept.iter().map(Vec::as_slice).collect();
    let unsound = |why: &str| Failure::Found(format!("{}: not sound{why}", ledger.folder.display()));
    let found = match report::verify_lines(&text, &known, &older, period) {
        Ok(found) => found,
        Err(error) => {
            if as_json {
                let sentence = format!("Not sound: {error}.");
                show::say(
                    &json!({ "sound": false, "sentence": sentence, "findings": [error.to_string()] }).to_string(),
                )?;
            }
            return Err(unsound(&format!(": {error}")));
        }
    };
    if as_json {
        let mut said = to_json((found.is_sound(), found.sentence()), &found.verdict, &found.summary);
        said["first"] = found.first.into();
        said["end"] = found.end.into();
        said["unchecked"] = found.unchecked.iter().map(ToString::to_string).collect();
        show::say(&said.to_string())?;
    } else {
        show::say(&found.to_string())?;
        let beside_it = |unchecked: &&Unchecked| matches!(unchecked, Unchecked::Promise { .. });
        let uncompared = found.unchecked.iter().filter(beside_it).count();
        show::say(&beside((older.len(), uncompared), own_word))?;
    }
    if found.is_sound() { Ok(()) } else { Err(unsound("")) }
}

fn export(ledger: &LedgerArgs, out: &Path, format: Format, range: (u64, Option<u64>)) -> Result<(), Failure> {
    let checkpoint = checkpoint(&ledger.folder)?;
    show::folder(out)?;
    let made = report::export(&checkpoint, format, range, files(&ledger.folder));
    let made = made.map_err(|error| input(&ledger.folder, &error))?;
    for (name, content) in made {
        let path = out.join(name);
        put(&path, content.as_bytes())?;
        show::say(&path.display().to_string())?;
    }
    Ok(())
}

fn receipt(
    ledger: &LedgerArgs,
    reference: Option<&str>,
    entry: Option<u64>,
    entry_file: Option<&Path>,
) -> Result<(), Failure> {
    let checkpoint = checkpoint(&ledger.folder)?;
    let index = match (entry, reference) {
        (Some(index), _) => index,
        (None, Some(reference)) => {
            let found = report::find(&checkpoint, reference, files(&ledger.folder));
            match found.map_err(|error| input(&ledger.folder, &error))?[..] {
                [index] => index,
                [] => return Err(Failure::Input(format!("no entry has the reference {reference}"))),
                ref several => {
                    let list: Vec<String> = several.iter().map(u64::to_string).collect();
                    let list = list.join(", ");
                    return Err(Failure::Input(format!(
                        "several entries have the reference {reference}: --entry {list}"
                    )));
                }
            }
        }
        (None, None) => return Err(Failure::Input("which entry? --reference or --entry".to_owned())),
    };
    let made = report::receipt(&checkpoint, index, files(&ledger.folder));
    let (receipt, entry) = made.map_err(|error| input(&ledger.folder, &error))?;
    if let Some(path) = entry_file {
        put(path, &entry)?;
    }
    show::remark(&format!("Entry {index}: {}", String::from_utf8_lossy(&entry)));
    show::say(receipt.to_text().trim_end_matches('\n'))
}

fn check_receipt(ledger: &LedgerArgs, receipt: &Path, entry_file: Option<&Path>) -> Result<(), Failure> {
    let entry = read(entry_file.ok_or_else(|| Failure::Input("--entry-file: the entry itself".to_owned()))?)?;
    let said = receipt.display();
    let text = String::from_utf8(read(receipt)?).ok();
    let kept = text.as_deref().and_then(Receipt::from_text);
    let kept = kept.ok_or_else(|| Failure::Input(format!("{said}: not a receipt (C2SP tlog-proof)")))?;
    let (known, _) = keys(ledger)?;
    match kept.verify(&entry, &known) {
        Ok((checkpoint, _)) => show::say(&format!(
            "Sound: this is entry {} of {}, as signed over {} entries.",
            kept.index, checkpoint.origin, checkpoint.size
        )),
        Err(error) => Err(Failure::Found(format!("{said}: proves nothing about this entry: {error}"))),
    }
}

// ---- files -------------------------------------------------------------------------------------------------------------

fn checkpoint(folder: &Path) -> Result<Vec<u8>, Failure> {
    let path = folder.join("checkpoint");
    match fs::read(&path) {
        Ok(content) => Ok(content),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let said = folder.display();
            let inside = ledgers_below(folder);
            Err(Failure::Input(match inside.as_slice() {
                [] => format!(
                    "{said}: no ledger (there is no file `checkpoint`). A run leaves one in <out>/ledger with --ledger."
                ),
                some => format!("{said}: not a ledger itself. There are some inside: {}", some.join(", ")),
            }))
        }
        Err(error) => Err(Failure::Input(format!("{}: {error}", path.display()))),
    }
}

/// Ledgers up to two folders below.
fn ledgers_below(folder: &Path) -> Vec<String> {
    let below = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
    };
    let mut first = below(folder);
    let second: Vec<PathBuf> = first.iter().flat_map(|path| below(path)).collect();
    first.extend(second);
    let mut found: Vec<String> =
        first.into_iter().filter(|path| path.join(VERIFIER).is_file()).map(|path| path.display().to_string()).collect();
    found.sort();
    found
}

/// The keys that may have signed, and whether they are only the ledger's own word.
fn keys(ledger: &LedgerArgs) -> Result<(Vec<Verifier>, bool), Failure> {
    if ledger.key.is_empty() {
        let path = ledger.folder.join(VERIFIER);
        let text = fs::read_to_string(&path).map_err(|error| {
            Failure::Input(format!("{}: {error}. Name the log's public key with --key.", path.display()))
        })?;
        return Ok((vec![key(text.trim(), &path.display().to_string())?], true));
    }
    let mut known = Vec::new();
    for given in &ledger.key {
        let path = Path::new(given);
        let text = if path.is_file() { fs::read_to_string(path).unwrap_or_default() } else { given.clone() };
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            known.push(key(line, given)?);
        }
    }
    Ok((known, false))
}

fn key(text: &str, place: &str) -> Result<Verifier, Failure> {
    Verifier::from_text(text).map_err(|error| {
        Failure::Input(format!(
            "{place}: {error}. Allowed: name+8 hexadecimal digits+base64, as C2SP signed-note has it."
        ))
    })
}

fn files(folder: &Path) -> impl FnMut(Resource) -> Result<Option<Vec<u8>>, std::io::Error> {
    let folder = folder.to_owned();
    move |place| match fs::read(folder.join(place.to_string())) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::Input(format!("{}: {error}", path.display())))
}

fn input(folder: &Path, error: &impl std::fmt::Display) -> Failure {
    Failure::Input(format!("{}: {error}", folder.display()))
}
