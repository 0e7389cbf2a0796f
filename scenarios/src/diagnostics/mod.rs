//! What can be wrong with a scenario: one diagnosis each, with file, line, field and what is allowed.
//!
//! A [`Problem`] is one finding; its parts live beside the input they speak of ([`setting`]: values in TOML; [`plan`]:
//! what is to be run; [`fault`]; [`grid`]: `village.geojson`; import, weather and layout: their own modules).
//! [`Diagnostics`] is a list, in the order in which a planner meets it, rendered by miette. A finding of severity
//! *warning* or *advice* does not stop a run.

pub mod fault;
pub mod grid;
pub mod making;
pub mod plan;
pub mod setting;
mod spot;

use miette::{Diagnostic, Severity};
use thiserror::Error;

pub use fault::FaultProblem;
pub use grid::GridProblem;
pub use making::MakingProblem;
pub use plan::PlanProblem;
pub use setting::SettingProblem;
pub use spot::Spot;

use crate::import::{FileProblem, ImportErrors, ImportProblem};
use crate::layout::{LayoutErrors, LayoutProblem};
use crate::weather::{WeatherErrors, WeatherProblem};

/// One finding.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
#[non_exhaustive]
pub enum Problem {
    /// A file could not be taken in.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileProblem),
    /// A value in `scenario.toml`, a fault file or the command line.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Setting(#[from] SettingProblem),
    /// What is to be run.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Plan(#[from] PlanProblem),
    /// The grid drawn in `village.geojson`.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Grid(#[from] GridProblem),
    /// A scripted fault.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Fault(#[from] FaultProblem),
    /// Buildings.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Import(#[from] ImportProblem),
    /// Weather.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Weather(#[from] WeatherProblem),
    /// Laying out a village.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Layout(#[from] LayoutProblem),
    /// Writing a new scenario.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Making(#[from] MakingProblem),
}

impl Problem {
    /// It stops a run.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity().is_none_or(|severity| severity == Severity::Error)
    }
}

/// Several findings. `Display` gives one line each; miette's handlers show them with source lines.
#[derive(Clone, Debug, Default, PartialEq, Error, Diagnostic)]
#[error("{}", summary(.problems, *.more))]
#[diagnostic(code(taa::scenario::problems))]
pub struct Diagnostics {
    /// In the order found.
    #[related]
    pub problems: Vec<Problem>,
    /// How many more there were of the same kinds.
    pub more: usize,
}

fn summary(problems: &[Problem], more: usize) -> String {
    let errors = problems.iter().filter(|p| p.is_error()).count() + more;
    let warnings = problems.len() + more - errors;
    match (errors, warnings) {
        (0, 0) => "no problem found".to_owned(),
        (errors, 0) => format!("{} in the scenario", counted(errors, "problem")),
        (0, warnings) => format!("{} about the scenario", counted(warnings, "remark")),
        (errors, warnings) => {
            format!("{} and {} about the scenario", counted(errors, "problem"), counted(warnings, "remark"))
        }
    }
}

fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

impl Diagnostics {
    /// Adds a finding.
    pub fn push(&mut self, problem: impl Into<Problem>) {
        self.problems.push(problem.into());
    }

    /// Adds all of another list.
    pub fn extend(&mut self, other: Self) {
        self.problems.extend(other.problems);
        self.more += other.more;
    }

    /// One of them stops a run.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.more > 0 || self.problems.iter().any(Problem::is_error)
    }

    /// Nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty() && self.more == 0
    }

    /// Those that stop a run, then the others, each in the order found.
    #[must_use]
    pub fn split(self) -> (Self, Self) {
        let (errors, remarks) = self.problems.into_iter().partition(Problem::is_error);
        (Self { problems: errors, more: self.more }, Self { problems: remarks, more: 0 })
    }
}

impl<P: Into<Problem>> From<P> for Diagnostics {
    fn from(problem: P) -> Self {
        Self { problems: vec![problem.into()], more: 0 }
    }
}

impl From<ImportErrors> for Diagnostics {
    fn from(errors: ImportErrors) -> Self {
        Self { problems: errors.problems.into_iter().map(Problem::Import).collect(), more: errors.more }
    }
}

impl From<WeatherErrors> for Diagnostics {
    fn from(errors: WeatherErrors) -> Self {
        Self { problems: errors.problems.into_iter().map(Problem::Weather).collect(), more: errors.more }
    }
}

impl From<LayoutErrors> for Diagnostics {
    fn from(errors: LayoutErrors) -> Self {
        Self { problems: errors.problems.into_iter().map(Problem::Layout).collect(), more: 0 }
    }
}
