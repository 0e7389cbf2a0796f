//! Our server read by clients that nobody here wrote: Gurux DLMS for Python and dlms-cosem, both from PyPI.
//!
//! Each trial is one cell of service × link × security, with a meter of its own; it asserts that what was read is what
//! the meter holds, and that the meter did what it was told. What the clients are known to do wrong stands in [`known`],
//! with evidence. The whole is printed after a run, and stands in `docs/dlms.md`.
//!
//! `TAA_DLMS_PYTHON` names an interpreter that has both packages; `cargo xtask test` makes one. Without it the cells are
//! reported as ignored.

mod cell;
mod cells;
mod known;
mod matrix;
mod meter;
mod process;
mod security;
mod service;
mod station;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::cell::Cell;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Half of the time is Python's, half the kernel's.
    arguments.test_threads = arguments.test_threads.or(Some(4));
    let cells = cells::all();
    let tested = cells.clone().into_iter().map(|cell| Trial::test(cell.name(), move || hold(&cell)));
    let known = known::KNOWN.iter().map(|known| Trial::test(known.trial(), || known.run()));
    let sabotage = Trial::test("sabotage", sabotaged);
    let here = process::python().is_some();
    // Some of the known defects are silence: they begin first.
    let mut trials: Vec<Trial> = known
        .chain(tested)
        .chain([sabotage])
        .map(|trial| if here { trial } else { trial.with_kind("needs TAA_DLMS_PYTHON").with_ignored_flag(true) })
        .collect();
    let (pages, names, all) = (cells.clone(), cells.clone(), cells.clone());
    trials.push(Trial::test("docs", move || matrix::documented(&pages)));
    trials.push(Trial::test("distinct", move || matrix::distinct(&names)));
    trials.push(Trial::test("sabotage_of_the_lists", move || lists_sabotaged(&cells)));
    let conclusion = libtest_mimic::run(&arguments, trials);
    if let Ok(mut idle) = process::IDLE.lock() {
        idle.clear();
    }
    if here && arguments.filter.is_none() && !arguments.list {
        println!("{}", matrix::printed(&all));
    }
    conclusion.exit_code()
}

fn hold(cell: &Cell) -> Result<(), Failed> {
    cell.run()?;
    matrix::HELD.lock().map_err(|_| "poisoned")?.push(cell.name());
    Ok(())
}

/// A server that answers with one bit changed turns a cell red.
fn sabotaged() -> Result<(), Failed> {
    let reads = |cell: &Cell| {
        cell.link == station::Link::Wrapper && cell.security == security::LOW && cell.service == service::Service::Get
    };
    for cell in cells::all().iter().filter(|cell| reads(cell)) {
        let flip: station::Tamper = |bytes| {
            if let Some(last) = bytes.last_mut() {
                *last ^= 1;
            }
        };
        match cell.run_tampered(Some(flip)) {
            Err(_) => {}
            Ok(()) => return Err(format!("{}: a wrong value went through", cell.name()).into()),
        }
    }
    Ok(())
}

/// A cell that stands twice, a page with a cell less, and a defect that is mended are noticed.
fn lists_sabotaged(cells: &[Cell]) -> Result<(), Failed> {
    let noticed = |what: &str, found: Result<(), Failed>| match found {
        Err(_) => Ok(()),
        Ok(()) => Err(Failed::from(format!("{what}: not noticed"))),
    };
    noticed("a cell twice", matrix::distinct(&[cells, &cells[..1]].concat()))?;
    noticed("few cells", matrix::distinct(&cells[..matrix::CELLS_MIN - 1]))?;
    let mended = known::Known { evidence: &["a fault"], show: || Ok("the right value".to_owned()), ..known::KNOWN[0] };
    noticed("a mended client", mended.run())?;
    if matrix::writes() { Ok(()) } else { noticed("a page with a cell less", matrix::documented(&cells[1..])) }
}
