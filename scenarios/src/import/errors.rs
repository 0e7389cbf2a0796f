//! All problems of a buildings file together: a planner mends a file once, not twenty times.

use miette::Diagnostic;
use thiserror::Error;

use super::file::FileProblem;
use super::problem::ImportProblem;

/// Problems kept per file; what goes beyond is only counted.
pub const PROBLEMS_MAX: usize = 20;

/// All problems of one buildings file.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
#[error("{}", summary(self))]
#[diagnostic(code(taa::import::failed))]
pub struct ImportErrors {
    /// The first [`PROBLEMS_MAX`], in the order of the file.
    #[related]
    pub problems: Vec<ImportProblem>,
    /// How many more there were.
    pub more: usize,
}

fn summary(errors: &ImportErrors) -> String {
    match (errors.problems.as_slice(), errors.more) {
        ([one], 0) => one.to_string(),
        (many, more) => format!("{} problems in the buildings file", many.len() + more),
    }
}

impl From<ImportProblem> for ImportErrors {
    fn from(problem: ImportProblem) -> Self {
        Self { problems: vec![problem], more: 0 }
    }
}

impl From<FileProblem> for ImportErrors {
    fn from(problem: FileProblem) -> Self {
        ImportProblem::File(problem).into()
    }
}
