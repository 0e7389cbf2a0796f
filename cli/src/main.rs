//! `taa`: parsing and wiring only. What it says and how it exits is here; what it does is in the crates below.

mod args;
mod audit;
mod capture;
mod claims;
mod fleet;
mod intake;
mod ledger;
mod mesh;
mod outage;
mod plan;
mod progress;
mod run;
mod show;
mod site;
mod study;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::args::{Cli, Command};

/// Why a command ended early; the number is the exit code.
#[derive(Debug)]
enum Failure {
    /// Bad input: 2.
    Input(String),
    /// What was to be tested does not hold: 1.
    Found(String),
    /// Our own fault, or the machine's: 3.
    Own(String),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => show::check(&args),
        Command::New(args) => show::new(&args),
        Command::Plan { what } => plan::plan(&what),
        Command::Claims(args) => claims::claims(&args),
        Command::Audit { what } => audit::audit(&what),
        Command::Fleet { what } => fleet::fleet(&what),
        Command::Intake { what } => intake::intake(&what),
        Command::Outage { what } => outage::outage(&what),
        Command::Mesh { what } => mesh::mesh(&what),
        Command::Schema => show::schema(),
        Command::Report(args) => show::report(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "taa", &mut script);
            show::say(&String::from_utf8_lossy(&script))
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Found(text)) => {
            show::remark(&text);
            ExitCode::from(1)
        }
        Err(Failure::Input(text)) => {
            show::remark(&text);
            ExitCode::from(2)
        }
        Err(Failure::Own(text)) => {
            show::remark(&format!("taa: {text}"));
            ExitCode::from(3)
        }
    }
}
