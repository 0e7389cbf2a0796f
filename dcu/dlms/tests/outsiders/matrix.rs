//! The matrix as it is printed after a run, and as it stands in `docs/dlms.md`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;

use libtest_mimic::Failed;

use crate::cell::Cell;
use crate::known::KNOWN;
use crate::process::Library;
use crate::station::{Link, PLAIN};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/dlms.md");
const BEGIN: &str = "<!-- outsiders: written by the test of that name -->\n";
const END: &str = "<!-- outsiders: end -->\n";

/// The "at least 90 distinct cells".
pub(crate) const CELLS_MIN: usize = 90;

/// Names of the cells that have held in this run.
pub(crate) static HELD: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A client, and a security or a set-up of HDLC, with its cells by link.
type Row<'a> = (Library, String, BTreeMap<Link, Vec<&'a Cell>>);

/// In order of appearance.
fn rows(cells: &[Cell]) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for cell in cells {
        let name = if cell.hdlc == PLAIN { cell.security.name.to_owned() } else { cell.hdlc.name() };
        let at = rows.iter().position(|(library, row, _)| *library == cell.library && *row == name);
        let at = at.unwrap_or_else(|| {
            rows.push((cell.library, name, BTreeMap::new()));
            rows.len() - 1
        });
        rows[at].2.entry(cell.link).or_default().push(cell);
    }
    rows
}

const LINKS: [Link; 5] = [Link::Wrapper, Link::WrapperUdp, Link::HdlcTcp, Link::HdlcPty, Link::ModeE];

/// What held of what there is.
pub(crate) fn printed(cells: &[Cell]) -> String {
    let held = HELD.lock().map(|held| held.clone()).unwrap_or_default();
    let mut text = String::new();
    let _ = write!(text, "{:<44}", "cells held / there");
    for link in LINKS {
        let _ = write!(text, "{:>13}", link.name());
    }
    let mut sum = 0;
    for (library, name, links) in rows(cells) {
        let _ = write!(text, "\n{:<44}", format!("{}, {name}", library.name()));
        for link in LINKS {
            let cells = links.get(&link).map_or(&[][..], Vec::as_slice);
            let fine = cells.iter().filter(|cell| held.contains(&cell.name())).count();
            sum += fine;
            let word = if cells.is_empty() { "-".to_owned() } else { format!("{fine}/{}", cells.len()) };
            let _ = write!(text, "{word:>13}");
        }
    }
    let _ = write!(text, "\n{sum} of {} cells held, {} known defects of the clients", cells.len(), KNOWN.len());
    text
}

/// The same for the page: numbers of services, and the services by name.
fn page(cells: &[Cell]) -> String {
    let mut text = String::new();
    let of = |library| cells.iter().filter(|cell| cell.library == library).count();
    let _ = writeln!(
        text,
        "{} cells: {} of gurux_dlms {}, {} of dlms-cosem {}. Each number counts the services that are done with that \
         security over that link.\n",
        cells.len(),
        of(Library::Gurux),
        Library::Gurux.version(),
        of(Library::Cosem),
        Library::Cosem.version()
    );
    let _ = writeln!(text, "| client | security or HDLC | {} |", LINKS.map(Link::name).join(" | "));
    text.push_str("| --- | --- | ---: | ---: | ---: | ---: | ---: |\n");
    for (library, name, links) in rows(cells) {
        let counts = LINKS.map(|link| links.get(&link).map_or_else(|| "-".to_owned(), |cells| cells.len().to_string()));
        let _ = writeln!(text, "| {} | {name} | {} |", library.name(), counts.join(" | "));
    }
    text.push_str("\n| service | gurux | cosem |\n| --- | ---: | ---: |\n");
    for service in crate::service::Service::ALL {
        let of = |library| cells.iter().filter(|cell| cell.library == library && cell.service == service).count();
        let _ = writeln!(text, "| {} | {} | {} |", service.name(), of(Library::Gurux), of(Library::Cosem));
    }
    text.push_str("\nKnown defects of the clients, each shown to stand at every run:\n\n");
    text.push_str("| client | defect | what it does | what shows it |\n| --- | --- | --- | --- |\n");
    for known in KNOWN {
        let evidence: Vec<String> = known.evidence.iter().map(|part| format!("`{part}`")).collect();
        let _ = writeln!(
            text,
            "| {} {} | {} | {} | {} |",
            known.library.name(),
            known.library.version(),
            known.name,
            known.what,
            evidence.join(", ")
        );
    }
    text
}

/// The page is to be written, not checked.
pub(crate) fn writes() -> bool {
    std::env::var_os("TAA_WRITE_DOCS").is_some()
}

/// The page says what the test does; `TAA_WRITE_DOCS` writes it.
pub(crate) fn documented(cells: &[Cell]) -> Result<(), Failed> {
    let text = std::fs::read_to_string(PAGE)?;
    let (before, rest) = text.split_once(BEGIN).ok_or("docs/dlms.md has no place for the matrix")?;
    let (stands, after) = rest.split_once(END).ok_or("docs/dlms.md does not end the matrix")?;
    let wanted = page(cells);
    if writes() {
        std::fs::write(PAGE, format!("{before}{BEGIN}{wanted}{END}{after}"))?;
    } else if stands != wanted {
        return Err("docs/dlms.md tells another matrix; TAA_WRITE_DOCS=1 writes this one".into());
    }
    Ok(())
}

/// There are enough cells, and no two are the same.
pub(crate) fn distinct(cells: &[Cell]) -> Result<(), Failed> {
    let mut names: Vec<String> = cells.iter().map(Cell::name).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    if names.len() == all && all >= CELLS_MIN { Ok(()) } else { Err(format!("{} of {all}", names.len()).into()) }
}
