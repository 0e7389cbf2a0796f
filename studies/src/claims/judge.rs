//! From a figure to a verdict.

use std::fmt;

use serde::Serialize;

use super::Claim;
use crate::study::Estimate;

/// What a document states of a figure: between these, ends included.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Range {
    /// At least.
    pub low: f64,
    /// At most.
    pub high: f64,
    /// In words, with what makes the bounds ours where the document gives none.
    pub words: String,
}

impl Range {
    pub(super) fn new(low: f64, high: f64, words: impl Into<String>) -> Self {
        Self { low, high, words: words.into() }
    }
}

/// What the simulation says of a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The whole interval lies within what is stated.
    Reproduced,
    /// None of it does.
    NotReproduced,
    /// It hangs on this.
    DependsOn(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reproduced => f.write_str("reproduced"),
            Self::NotReproduced => f.write_str("not reproduced"),
            Self::DependsOn(on) => write!(f, "depends on {on}"),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Within,
    Outside,
    Astride,
}

fn side(e: &Estimate, stated: &Range) -> Side {
    if e.n == 0 {
        Side::Astride
    } else if e.low >= stated.low && e.high <= stated.high {
        Side::Within
    } else if e.high < stated.low || e.low > stated.high {
        Side::Outside
    } else {
        Side::Astride
    }
}

/// What a model was set to cannot be confirmed by it.
pub(super) fn circular() -> Verdict {
    Verdict::DependsOn("the claim itself, to which the model was set".to_owned())
}

/// The figures of these claims, moved ones included, that more draws could still put on the other side of what is stated:
/// a bound lies less than two half widths of the interval away.
pub(super) fn unsettled(claims: &[Claim]) -> Vec<Estimate> {
    let near = |e: &Estimate, stated: &Range| {
        let reach = e.high - e.low;
        e.n < 2 || [stated.low, stated.high].iter().any(|bound| (e.mean - bound).abs() < reach)
    };
    let judged = |claim: &&Claim| claim.verdict != circular();
    let figures = claims.iter().filter(judged).flat_map(|claim| {
        let moved = claim.driver.moved.iter().map(|(_, e)| *e);
        std::iter::once(claim.figure.value).chain(moved).filter(|e| near(e, &claim.stated))
    });
    figures.collect()
}

/// The verdict on a figure, given the same figure at the ends of the assumption that drives it.
#[must_use]
pub fn judge(figure: &Estimate, stated: &Range, moved: &[(String, Estimate)], driver: &str) -> Verdict {
    let here = side(figure, stated);
    let elsewhere = moved.iter().all(|(_, e)| side(e, stated) == here);
    match here {
        Side::Within if elsewhere => Verdict::Reproduced,
        Side::Outside if elsewhere => Verdict::NotReproduced,
        Side::Astride if elsewhere || moved.is_empty() => Verdict::DependsOn("the draw of the world".to_owned()),
        _ => Verdict::DependsOn(driver.to_owned()),
    }
}
