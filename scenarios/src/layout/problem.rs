//! What can be wrong with a layout, each with its own diagnosis.

use miette::Diagnostic;
use thiserror::Error;

/// All problems of one layout.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
#[error("{}", summary(self))]
#[diagnostic(code(taa::layout::failed))]
pub struct LayoutErrors {
    /// In no particular order.
    #[related]
    pub problems: Vec<LayoutProblem>,
}

fn summary(errors: &LayoutErrors) -> String {
    match errors.problems.as_slice() {
        [one] => one.to_string(),
        many => format!("{} problems in the layout", many.len()),
    }
}

impl From<LayoutProblem> for LayoutErrors {
    fn from(problem: LayoutProblem) -> Self {
        Self { problems: vec![problem] }
    }
}

/// One problem of a layout.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
#[non_exhaustive]
pub enum LayoutProblem {
    /// A parameter out of range.
    #[error("[layout] {field}: {value} is not allowed")]
    #[diagnostic(code(taa::layout::out_of_range), help("allowed: {allowed}"))]
    OutOfRange {
        /// The key under `[layout]`.
        field: &'static str,
        /// What stands there.
        value: String,
        /// The range.
        allowed: &'static str,
    },
    /// More connections than buildings.
    #[error("{wanted} connections are wanted, {available} buildings can be connected")]
    #[diagnostic(
        code(taa::layout::too_few_buildings),
        help("ask for at most {available}, or add buildings; those tagged connected = \"no\" do not count")
    )]
    TooFewBuildings {
        /// As asked.
        wanted: usize,
        /// As found.
        available: usize,
    },
    /// An id in the list that no building has.
    #[error("[layout] connections.list: no building has the id `{id}`{suggestion}")]
    #[diagnostic(code(taa::layout::unknown_building), help("ids are those of the buildings file; see village.geojson"))]
    UnknownBuilding {
        /// As listed.
        id: String,
        /// Did you mean.
        suggestion: String,
    },
    /// Nobody is connected.
    #[error("no building is connected")]
    #[diagnostic(
        code(taa::layout::no_customers),
        help("raise connections, lower min_footprint_m2, or tag buildings connected = \"yes\"")
    )]
    NoCustomers,
    /// A given site that is nowhere near.
    #[error("[layout] {field} is {far_km} km from the village")]
    #[diagnostic(code(taa::layout::site_far_away), help("at most 5 km; longitude stands first, then latitude"))]
    SiteFarAway {
        /// The key under `[layout]`.
        field: &'static str,
        /// How far, km.
        far_km: u64,
    },
}
