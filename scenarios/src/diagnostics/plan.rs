//! What can be wrong with what is to be run: dates, seeds, architectures and their traits.

use miette::Diagnostic;
use thiserror::Error;

use super::Spot;

/// One problem of the plan, in `scenario.toml` or on the command line.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
#[non_exhaustive]
pub enum PlanProblem {
    /// A run of no length.
    #[error("{at}: the run has {found} days")]
    #[diagnostic(forward(at), code(taa::run::no_days), help("allowed: 1 to {max} days"))]
    NoDays {
        /// Where.
        at: Spot,
        /// What stands there.
        found: i64,
        /// The most.
        max: u32,
    },

    /// A run that is too long.
    #[error("{at}: {found} days are too many")]
    #[diagnostic(
        forward(at),
        code(taa::run::too_many_days),
        help("allowed: 1 to {max} days (ten years); longer lives are better told by several seeds")
    )]
    TooManyDays {
        /// Where.
        at: Spot,
        /// What stands there.
        found: i64,
        /// The most.
        max: u32,
    },

    /// A seed that does not fit.
    #[error("{at}: the seed {found} is out of range")]
    #[diagnostic(
        forward(at),
        code(taa::run::seed),
        help("allowed: whole numbers from 0 to {max} (2^53 - 1, exact in every tool that reads summary.json)")
    )]
    Seed {
        /// Where.
        at: Spot,
        /// What stands there.
        found: String,
        /// The most.
        max: u64,
    },

    /// No date.
    #[error("{at}: `{found}` is not a date")]
    #[diagnostic(forward(at), code(taa::run::bad_date), help("write year-month-day, as in 2026-01-01{detail}"))]
    BadDate {
        /// Where.
        at: Spot,
        /// What stands there.
        found: String,
        /// What is wrong with it.
        detail: String,
    },

    /// A date that no weather and no clock covers.
    #[error("{at}: {found} lies outside the years that can be simulated")]
    #[diagnostic(forward(at), code(taa::run::date_range), help("allowed: 1970-01-02 to 2099-12-31"))]
    DateRange {
        /// Where.
        at: Spot,
        /// The date.
        found: String,
    },

    /// Nothing to run.
    #[error("{at}: no architecture is named")]
    #[diagnostic(forward(at), code(taa::run::no_architecture), help("name at least one of: {allowed}"))]
    NoArchitecture {
        /// Where.
        at: Spot,
        /// All names.
        allowed: String,
    },

    /// An architecture that does not exist.
    #[error("{at}: there is no architecture `{name}`{suggestion}")]
    #[diagnostic(
        forward(at),
        code(taa::architecture::unknown),
        help("architectures: {allowed}; your own: [architecture.NAME] in scenario.toml")
    )]
    UnknownArchitecture {
        /// Where.
        at: Spot,
        /// The name.
        name: String,
        /// Did you mean.
        suggestion: String,
        /// All names.
        allowed: String,
    },

    /// An architecture named twice.
    #[error("{at}: `{name}` is named twice")]
    #[diagnostic(
        forward(at),
        code(taa::architecture::twice),
        help("each architecture runs once; remove one of the two")
    )]
    ArchitectureTwice {
        /// Where.
        at: Spot,
        /// The name.
        name: String,
    },

    /// A name that cannot be used.
    #[error("{at}: `{name}` cannot be the name of your own architecture")]
    #[diagnostic(
        forward(at),
        code(taa::architecture::bad_name),
        help("use small letters, digits and `_`, and none of the built-in names ({allowed})")
    )]
    BadArchitectureName {
        /// Where.
        at: Spot,
        /// The name.
        name: String,
        /// Names taken.
        allowed: String,
    },

    /// A trait that does not exist.
    #[error("{at}: there is no trait `{name}`{suggestion}")]
    #[diagnostic(forward(at), code(taa::architecture::unknown_trait), help("traits: {allowed}"))]
    UnknownTrait {
        /// Where.
        at: Spot,
        /// The name.
        name: String,
        /// Did you mean.
        suggestion: String,
        /// All of them.
        allowed: String,
    },

    /// A trait with two values.
    #[error("{at}: the trait `{name}` is given twice, as `{first}` and as `{second}`")]
    #[diagnostic(
        forward(at),
        code(taa::architecture::trait_twice),
        help("a run changes a trait once; remove one of the two")
    )]
    TraitTwice {
        /// Where.
        at: Spot,
        /// The name.
        name: String,
        /// One value.
        first: String,
        /// The other.
        second: String,
    },

    /// A value that the trait does not have.
    #[error("{at}: the trait `{name}` cannot be `{value}`{suggestion}")]
    #[diagnostic(forward(at), code(taa::architecture::trait_value), help("`{name}` is one of: {allowed}"))]
    TraitValue {
        /// Where.
        at: Spot,
        /// The trait.
        name: String,
        /// What stands there.
        value: String,
        /// Did you mean.
        suggestion: String,
        /// All of them.
        allowed: String,
    },
}
