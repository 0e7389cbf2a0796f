//! How the verdict depends on what is only assumed.
//!
//! The verdict is the money that the last architecture saves against the first: yearly `cost_of_downtime` of the one
//! less that of the other. Each assumption is moved to both ends of its range alone, in the same draws.

use taa_scenarios::model::Scenario;

use crate::{
    engine::{COST_PER_YEAR, Outcomes, StudyError, Variant},
    knob,
    stats::paired,
    study::{Estimate, Sensitivity, SensitivityRow},
};

/// An assumption and how far it may be off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Assumption {
    /// Dotted name.
    pub key: &'static str,
    /// In words.
    pub words: &'static str,
    /// `assumed`, `published` or `measured`, as the parameter's doc says.
    pub status: &'static str,
    /// Lowest plausible value.
    pub low: f64,
    /// Highest plausible value.
    pub high: f64,
    /// Why these ends.
    pub why: &'static str,
}

/// The ten weakest assumptions: no measurement behind them, a wide plausible range, and a way to the verdict.
pub const WEAKEST: [Assumption; 10] = [
    Assumption {
        key: "people.churn_mean_h",
        words: "hours of paid darkness until a customer leaves",
        status: "assumed",
        low: 270.0,
        high: 4900.0,
        why: "nobody has measured it; 5.4 % of household-months without use in two Beninese mini-grids, read as all newly \
              gone or as all gone for good, bound it, and the default is the geometric middle",
    },
    Assumption {
        key: "comms.cellular.tower_share_out_per_month",
        words: "share of towers with an outage in a month",
        status: "assumed",
        low: 0.10,
        high: 0.60,
        why: "30–40 % in the source documents without a primary source; urban Nigerian sites lose 90 minutes a day",
    },
    Assumption {
        key: "comms.cellular.tower_crew_median_h",
        words: "median hours until a tower's outage is mended",
        status: "assumed",
        low: 3.0,
        high: 24.0,
        why: "only the range of 2–72 hours is stated anywhere",
    },
    Assumption {
        key: "comms.cellular.bearer_drops_per_month",
        words: "drops of the site's internet link a month",
        status: "assumed",
        low: 2.0,
        high: 25.0,
        why: "8.3 in the source documents is attributed, not found; campus links elsewhere range over a decade",
    },
    Assumption {
        key: "comms.cellular.bearer_drop_median_min",
        words: "median length of such a drop",
        status: "assumed",
        low: 10.0,
        high: 180.0,
        why: "80 minutes measured on Brazilian campus links; a rural router that hangs waits for a visit",
    },
    Assumption {
        key: "comms.payments.provider_outages_per_year",
        words: "outages of the mobile-money provider a year",
        status: "assumed",
        low: 4.0,
        high: 40.0,
        why: "14 in the source documents is unverified; four incidents were found in the press",
    },
    Assumption {
        key: "comms.payments.cash_share",
        words: "share of customers who pay cash to the agent",
        status: "assumed",
        low: 0.05,
        high: 0.70,
        why: "differs from country to country; no figure for mini-grids was found",
    },
    Assumption {
        key: "assets.feeder_failures_per_year",
        words: "failures of one feeder a year",
        status: "assumed",
        low: 0.05,
        high: 1.5,
        why: "no record of a mini-grid's lines was found",
    },
    Assumption {
        key: "assets.repair.order_mean_days",
        words: "mean wait for a spare part",
        status: "assumed",
        low: 2.0,
        high: 15.0,
        why: "an Indian study of twelve operators saw up to 15 days, the longest for want of people or spares",
    },
    Assumption {
        key: "comms.dcu_holdup_h",
        words: "hours that concentrator and router run on their own battery",
        status: "assumed",
        low: 0.0,
        high: 48.0,
        why: "from no battery at all to a solar panel of its own",
    },
];

/// Two variants for each assumption: low end, high end.
pub(crate) fn variants(scenario: &Scenario, list: &[Assumption]) -> Result<Vec<Variant>, StudyError> {
    let ends = two_ends(scenario);
    let mut all = Vec::new();
    for assumption in list {
        let key = assumption.key;
        for value in [assumption.low, assumption.high] {
            let mut changed = ends.clone();
            knob::turn(&mut changed, key, value)?;
            all.push(Variant::new(format!("{key} = {value}"), changed));
        }
    }
    Ok(all)
}

/// The first and the last architecture alone.
fn two_ends(scenario: &Scenario) -> Scenario {
    let mut ends = scenario.clone();
    let last = ends.run.architectures.len().saturating_sub(1);
    if last > 1 {
        ends.run.architectures.drain(1..last);
    }
    ends
}

/// The table, widest swing first; `base` holds all architectures, variants from `first` on are those of [`variants`].
pub(crate) fn table(
    scenario: &Scenario,
    list: &[Assumption],
    outcomes: &Outcomes,
    base: usize,
    first: usize,
) -> Result<Sensitivity, StudyError> {
    let last = scenario.run.architectures.len().saturating_sub(1);
    let saving = |variant: usize, last: usize| {
        paired(&outcomes.values(variant, last, COST_PER_YEAR), &outcomes.values(variant, 0, COST_PER_YEAR))
    };
    let base = saving(base, last);
    let mut rows = Vec::new();
    for (i, assumption) in list.iter().enumerate() {
        let (at_low, at_high) = (saving(first + 2 * i, 1), saving(first + 2 * i + 1, 1));
        let key = assumption.key;
        rows.push(SensitivityRow {
            key: key.to_owned(),
            words: assumption.words.to_owned(),
            status: assumption.status.to_owned(),
            values: [assumption.low, knob::read(scenario, key)?, assumption.high],
            at_low,
            at_high,
            flips: flips([&at_low, &base, &at_high]),
            why: assumption.why.to_owned(),
        });
    }
    let swing = |row: &SensitivityRow| {
        let ends = [row.at_low.mean, base.mean, row.at_high.mean];
        ends.iter().copied().fold(f64::MIN, f64::max) - ends.iter().copied().fold(f64::MAX, f64::min)
    };
    rows.sort_by(|a, b| swing(b).total_cmp(&swing(a)));
    Ok(Sensitivity { base, rows })
}

/// Somewhere in the range the figure is surely above zero, and somewhere surely below it: whole intervals lie on either
/// side. A mean that crosses zero within its own interval turns nothing round.
fn flips(of: [&Estimate; 3]) -> bool {
    of.iter().any(|e| e.low > 0.0) && of.iter().any(|e| e.high < 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(mean: f64, half: f64) -> Estimate {
        Estimate { n: 12, mean, low: mean - half, high: mean + half, p10: mean, p50: mean, p90: mean }
    }

    #[test]
    fn only_whole_intervals_turn_a_comparison_round() {
        let (sure, unsure, against) = (about(10.0, 2.0), about(-1.0, 2.0), about(-9.0, 3.0));
        assert!(flips([&sure, &sure, &against]) && flips([&against, &sure, &sure]));
        assert!(!flips([&unsure, &sure, &sure]), "the mean has another sign, the interval has not");
        assert!(!flips([&sure, &unsure, &sure]), "where nothing is settled, one side is no turn");
        assert!(flips([&against, &unsure, &sure]), "settled either way by the assumption alone");
    }

    use crate::testing::village;

    #[test]
    fn every_assumption_exists_is_moved_and_holds_its_default() {
        let scenario = village(20, 2, 1);
        let all = variants(&scenario, &WEAKEST).unwrap();
        assert_eq!(all.len(), 20);
        let churn = WEAKEST[0];
        let middle = libm::sqrt(churn.low * churn.high);
        assert!((knob::read(&scenario, churn.key).unwrap() / middle - 1.0).abs() < 0.01, "{middle} is the middle");
        for a in WEAKEST {
            let base = knob::read(&scenario, a.key).unwrap();
            assert!(a.low < base && base < a.high, "{:?}: {base} is not within {}–{}", a.key, a.low, a.high);
        }
        let misspelt = Assumption { key: "people.churn_means_h", ..WEAKEST[0] };
        assert!(variants(&scenario, &[misspelt]).is_err());
    }
}
