//! What can go wrong when a new scenario folder is written.

use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error;

/// One problem of `taa new`.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
#[non_exhaustive]
pub enum MakingProblem {
    /// Something is there already.
    #[error("{}: there is something already", .dir.display())]
    #[diagnostic(code(taa::new::exists), help("nothing is overwritten: give another folder, or move this one away"))]
    Exists {
        /// The folder asked for.
        dir: PathBuf,
    },
    /// The folder above is missing.
    #[error("{}: the folder above it does not exist", .dir.display())]
    #[diagnostic(code(taa::new::no_parent), help("make {} first", .dir.parent().unwrap_or(.dir).display()))]
    NoParent {
        /// The folder asked for.
        dir: PathBuf,
    },
    /// A folder without a name of its own.
    #[error("{}: the folder has no name", .dir.display())]
    #[diagnostic(
        code(taa::new::no_name),
        help("end the path in the new scenario's name, as in scenarios/villages/jija")
    )]
    NoName {
        /// The folder asked for.
        dir: PathBuf,
    },
    /// A plan cannot be thinned out by a number.
    #[error("{}: this file holds poles and lines already, so --connections {connections} cannot be met", .file.display())]
    #[diagnostic(
        code(taa::new::has_grid),
        help(
            "leave --connections away to keep the plan as drawn, or give a file of the buildings alone to have a grid \
             laid out for {connections} of them"
        )
    )]
    HasGrid {
        /// The buildings file.
        file: PathBuf,
        /// The number asked for.
        connections: u32,
    },
    /// The operating system refuses.
    #[error("{}: cannot be written: {reason}", .path.display())]
    #[diagnostic(code(taa::new::unwritable), help("check permissions and free space; nothing was left behind"))]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        reason: String,
    },
}
