//! What can be wrong with a scripted fault.

use miette::Diagnostic;
use thiserror::Error;

use super::Spot;

/// One problem of a fault file.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
#[non_exhaustive]
pub enum FaultProblem {
    /// A kind that does not exist.
    #[error("{at}: there is no fault `{what}`{suggestion}")]
    #[diagnostic(forward(at), code(taa::fault::unknown_kind), help("faults: {allowed}"))]
    UnknownKind {
        /// Where.
        at: Spot,
        /// What stands there.
        what: String,
        /// Did you mean.
        suggestion: String,
        /// All of them.
        allowed: String,
    },

    /// An operation that does not exist.
    #[error("{at}: there is no operation `{what}`{suggestion}")]
    #[diagnostic(forward(at), code(taa::fault::unknown_operation), help("operations: {allowed}"))]
    UnknownOperation {
        /// Where.
        at: Spot,
        /// What stands there.
        what: String,
        /// Did you mean.
        suggestion: String,
        /// All of them.
        allowed: String,
    },

    /// A time that cannot be read.
    #[error("{at}: `{text}` is not a time{detail}")]
    #[diagnostic(
        forward(at),
        code(taa::fault::bad_time),
        help("write \"day 3 18:00\" (day 1 is the first), a local date and time as \"2026-01-03 18:00\", or \"36 h\"")
    )]
    BadTime {
        /// Where.
        at: Spot,
        /// What stands there.
        text: String,
        /// What is wrong with it.
        detail: String,
    },

    /// An end that is no end.
    #[error("{at}: the fault `{id}` ends before it begins, or at once")]
    #[diagnostic(
        forward(at),
        code(taa::fault::ends_before_start),
        help("`until` must lie after `from` ({from}); a duration such as until = \"36 h\" counts from there")
    )]
    EndsBeforeStart {
        /// Where.
        at: Spot,
        /// The fault.
        id: String,
        /// Its start in words.
        from: String,
    },

    /// Before the run.
    #[error("{at}: `{id}` begins before the run")]
    #[diagnostic(
        forward(at),
        code(taa::fault::before_run),
        help("the run begins on {start}; the first moment is \"day 1 00:00\"")
    )]
    BeforeRun {
        /// Where.
        at: Spot,
        /// The fault.
        id: String,
        /// The run's first day.
        start: String,
    },

    /// A customer or feeder that the village does not have.
    #[error("{at}: `{id}` names the {kind} `{target}`, which the village does not have{suggestion}")]
    #[diagnostic(forward(at), code(taa::fault::unknown_target), help("{kind}s: {allowed}"))]
    UnknownTarget {
        /// Where.
        at: Spot,
        /// The fault.
        id: String,
        /// Meter or feeder.
        kind: &'static str,
        /// The name.
        target: String,
        /// Did you mean.
        suggestion: String,
        /// Some of those that exist.
        allowed: String,
    },

    /// A target or figure that this kind of fault does not take.
    #[error("{at}: a `{what}` fault takes no `{key}`")]
    #[diagnostic(forward(at), code(taa::fault::key_not_taken), help("`{what}` takes: {allowed}"))]
    KeyNotTaken {
        /// Where.
        at: Spot,
        /// The kind.
        what: &'static str,
        /// The key.
        key: &'static str,
        /// What it takes.
        allowed: String,
    },

    /// Two targets at once.
    #[error("{at}: `{id}` has more than one target")]
    #[diagnostic(forward(at), code(taa::fault::two_targets), help("give one of `meters`, `meters_share`, `feeder`"))]
    TwoTargets {
        /// Where.
        at: Spot,
        /// The fault.
        id: String,
    },

    /// One id, two faults.
    #[error("{at}: the fault id `{id}` stands twice")]
    #[diagnostic(forward(at), code(taa::fault::duplicate_id), help("ids name faults in the report: give each its own"))]
    DuplicateId {
        /// Where.
        at: Spot,
        /// The id.
        id: String,
    },

    /// More than can be told apart.
    #[error("{at}: {found} faults, the limit is {max}")]
    #[diagnostic(forward(at), code(taa::fault::too_many), help("split the story into several runs"))]
    TooMany {
        /// Where.
        at: Spot,
        /// How many.
        found: usize,
        /// The limit.
        max: usize,
    },

    /// Warning: a story without events.
    #[error("{at}: the file scripts no fault")]
    #[diagnostic(
        forward(at),
        code(taa::fault::none),
        severity(Warning),
        help("each fault begins with a line [[fault]], followed by what, from and until")
    )]
    NoFaults {
        /// The file.
        at: Spot,
    },

    /// Warning: after the run.
    #[error("{at}: `{id}` begins after the run has ended")]
    #[diagnostic(
        forward(at),
        code(taa::fault::after_run),
        severity(Warning),
        help("the run has {days} days; it is left out")
    )]
    AfterRun {
        /// Where.
        at: Spot,
        /// The fault.
        id: String,
        /// Days of the run.
        days: u32,
    },

    /// Warning: beyond the end.
    #[error("{at}: the fault `{id}` lasts beyond the end of the run")]
    #[diagnostic(
        forward(at),
        code(taa::fault::beyond_run),
        severity(Warning),
        help("the run has {days} days; the fault is cut off there")
    )]
    BeyondRun {
        /// Where.
        at: Spot,
        /// The fault.
        id: String,
        /// Days of the run.
        days: u32,
    },
}
