//! From a village to a [`Study`]: what to run, how often, and how the parts are put together.
//!
//! **A plain run** gets remedies alone, tried in the very world that it shows, over the whole run where that fits into a
//! fixed amount of simulation ([`QUICK_CUSTOMER_DAYS`], some five seconds on two cores), else over its first days. One
//! draw has no interval, and the words say so; but what is saved then stands beside what is lost in the same run. (Several
//! shorter draws in the same time gave intervals wider than the losses.)
//!
//! **With replications** all parts run on whole runs: the spreads on every draw, the others on at most [`DEEP_DRAWS`].

use crate::{
    ablation,
    engine::{Lent, Outcomes, StudyError, Variant, Window, known, run},
    place::Place,
    remedies,
    sensitivity::{self, WEAKEST},
    stats::{estimate, stopping::Stopping},
    study::{Spread, Study},
};
use taa_sim::result::RunResult;

/// Simulation that the remedies of a plain run may cost, customer-days.
pub const QUICK_CUSTOMER_DAYS: u64 = 120_000;
/// Days over which remedies are tried in a plain run at least, however big the village.
const QUICK_DAYS: u32 = 14;
/// Draws on which ablation, remedies and sensitivity are run at most.
pub const DEEP_DRAWS: u32 = 20;

/// What a study should hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Draws for spreads, ablation and sensitivity; fewer than two: a plain run without them.
    pub replications: u32,
    /// What to change first.
    pub remedies: bool,
}

/// Studies a village. `shown`: the run of this scenario that is shown, if there is one; a plain study compares with it
/// instead of simulating it once more.
///
/// # Errors
/// [`StudyError`].
pub fn study(place: &Place, wanted: Wanted, shown: Option<&RunResult>, lent: &Lent<'_>) -> Result<Study, StudyError> {
    let plain = wanted.replications < 2;
    let offers = if wanted.remedies { remedies::offers(place) } else { Vec::new() };
    let scenario = &place.scenario;
    let mut base = scenario.clone();
    if plain {
        base.run.architectures.truncate(1);
    }
    let mut variants = vec![Variant::new("as it is", base)];
    let first_remedy = variants.len();
    if wanted.remedies {
        variants.extend(remedies::variants(place, &offers)?);
    }
    if plain {
        let window = Window::whole(quick(scenario.run.days, scenario.village.customers.len(), variants.len()));
        let known = shown.filter(|_| window.days == scenario.run.days).and_then(|shown| known(scenario, shown));
        let unknown = variants.get(usize::from(known.is_some())..).unwrap_or_default();
        let all = run(place, unknown, window, &Stopping::fixed(1), &|_, _| Vec::new(), &|_| Vec::new(), lent)?;
        let all = match known {
            Some(known) => all.behind(known),
            None => all,
        };
        return Ok(Study {
            draws: all.draws,
            days: window.days,
            remedies: remedies::table(place, &offers, &all, 0, first_remedy),
            remedies_basis: basis(&all, window, scenario.run.days),
            ..Study::default()
        });
    }
    let (first_ablation, found) = match (scenario.run.architectures.first(), scenario.run.architectures.last()) {
        (Some(a), Some(b)) => (variants.len(), ablation::differences(a.1, b.1)),
        _ => (variants.len(), Vec::new()),
    };
    variants.extend(ablation::variants(scenario, &found));
    let first_sensitivity = variants.len();
    let compared = scenario.run.architectures.len() > 1;
    if compared {
        variants.extend(sensitivity::variants(scenario, &WEAKEST)?);
    }
    let window = Window::whole(scenario.run.days);
    let deep = Stopping::fixed(wanted.replications.min(DEEP_DRAWS));
    let none = |_: &taa_scenarios::model::Scenario, _: &taa_sim::result::ArchResult| Vec::new();
    let all = run(place, &variants, window, &deep, &none, &|_| Vec::new(), lent)?;
    let spreads = if wanted.replications > DEEP_DRAWS {
        let alone = &variants[..1];
        run(place, alone, window, &Stopping::fixed(wanted.replications), &none, &|_| Vec::new(), lent)?
    } else {
        all.clone()
    };
    Ok(Study {
        draws: spreads.draws,
        days: scenario.run.days,
        spreads: (0..scenario.run.architectures.len()).filter_map(|a| spread(place, &spreads, a)).collect(),
        ablation: if compared { ablation::table(scenario, &found, &all, 0, first_ablation) } else { None },
        remedies: remedies::table(place, &offers, &all, 0, first_remedy),
        remedies_basis: if wanted.remedies { basis(&all, window, scenario.run.days) } else { String::new() },
        sensitivity: if compared {
            Some(sensitivity::table(scenario, &WEAKEST, &all, 0, first_sensitivity)?)
        } else {
            None
        },
    })
}

/// Days over which remedies are tried in a plain run.
fn quick(run_days: u32, customers: usize, variants: usize) -> u32 {
    let a_day = customers.max(1) as u64 * variants.max(1) as u64;
    let fits = u32::try_from(QUICK_CUSTOMER_DAYS / a_day).unwrap_or(u32::MAX);
    run_days.min(fits.max(QUICK_DAYS))
}

fn basis(all: &Outcomes, window: Window, run_days: u32) -> String {
    match all.draws {
        1 if window.days < run_days => {
            format!("Tried over the first {} days of the run shown, in the same world, with and without.", window.days)
        }
        1 => "Tried in the run shown, in the same world, with and without.".to_owned(),
        n => format!("Tried in {n} draws of {} days each, in the same worlds, with and without.", window.days),
    }
}

/// One architecture over the draws.
fn spread(place: &Place, outcomes: &Outcomes, architecture: usize) -> Option<Spread> {
    let (name, _) = place.scenario.run.architectures.get(architecture)?;
    let draws = outcomes.of(0, architecture);
    let mut names: Vec<&String> = draws.iter().flat_map(|o| o.figures.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let kpis = names.into_iter().map(|figure| {
        let values: Vec<f64> = draws.iter().map(|o| value(o, figure)).collect();
        (figure.clone(), estimate(&values))
    });
    let by_day = |column: &dyn Fn(&crate::engine::Outcome) -> &Vec<f64>| {
        let days = draws.iter().map(|o| column(o).len()).max().unwrap_or(0);
        (0..days)
            .map(|day| {
                let values: Vec<f64> = draws.iter().filter_map(|o| column(o).get(day).copied()).collect();
                let e = estimate(&values);
                [e.p10, e.p50, e.p90]
            })
            .collect()
    };
    Some(Spread {
        architecture: name.clone(),
        kpis: kpis.collect(),
        lost_share_by_day: by_day(&|o| &o.lost_share_by_day),
        soc_by_day: by_day(&|o| &o.soc_by_day),
    })
}

/// A figure of a draw; a cause that lost no hour in this draw lost zero hours, every other missing figure is missing.
fn value(outcome: &crate::engine::Outcome, figure: &str) -> f64 {
    let missing = if figure.starts_with("downtime_h_by_") { 0.0 } else { f64::NAN };
    outcome.figures.get(figure).copied().unwrap_or(missing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::village;
    use std::sync::atomic::AtomicBool;

    fn go(days: u32, wanted: Wanted, threads: usize) -> Study {
        let stop = AtomicBool::new(false);
        let place = Place::of(village(25, days, 1));
        study(&place, wanted, None, &Lent { threads, stop: &stop, progress: &|_, _| {} }).unwrap()
    }

    #[test]
    fn a_plain_study_has_remedies_alone() {
        let found = go(3, Wanted { replications: 0, remedies: true }, 2);
        assert!(found.remedies.len() >= 8 && found.spreads.is_empty() && found.ablation.is_none());
        assert_eq!((found.draws, found.days), (1, 3));
        assert!(found.remedies.iter().all(|r| r.saved_h_per_year.n == 1));
        assert!(found.remedies.iter().all(|r| r.on == "cloud_sync" && !r.certainty.is_empty()));
        let text = serde_json::to_string(&found).unwrap();
        let again: Study = serde_json::from_str(&text).unwrap();
        let ids = |s: &Study| s.remedies.iter().map(|r| (r.id.clone(), r.certainty.clone())).collect::<Vec<_>>();
        assert_eq!(ids(&again), ids(&found), "a study survives its file");
    }

    #[test]
    fn what_is_shown_is_not_simulated_again() {
        let stop = AtomicBool::new(false);
        let place = Place::of(village(25, 3, 1));
        let wanted = Wanted { replications: 0, remedies: true };
        let options = taa_sim::run::RunOptions { threads: 1, stop: &stop, progress: &|_, _| {} };
        let mut shown = taa_sim::run::run(&place.scenario, &options).unwrap();
        let planned = std::sync::atomic::AtomicUsize::new(0);
        let count = |_: usize, all: usize| planned.store(all, std::sync::atomic::Ordering::Relaxed);
        let lent = Lent { threads: 1, stop: &stop, progress: &count };
        let alone = study(&place, wanted, None, &lent).unwrap();
        let runs = planned.load(std::sync::atomic::Ordering::Relaxed);
        assert_eq!(study(&place, wanted, Some(&shown), &lent).unwrap(), alone);
        assert_eq!(planned.load(std::sync::atomic::Ordering::Relaxed), runs - 1);
        // A run that was ended early is no measure for whole ones.
        shown.partial = true;
        study(&place, wanted, Some(&shown), &lent).unwrap();
        assert_eq!(planned.load(std::sync::atomic::Ordering::Relaxed), runs);
    }

    #[test]
    fn replications_bring_everything_and_threads_change_nothing() {
        let wanted = Wanted { replications: 3, remedies: true };
        let found = go(3, wanted, 2);
        assert_eq!(found, go(3, wanted, 1));
        assert_eq!(found.spreads.len(), 2);
        assert_eq!(found.spreads[0].kpis["paid_service_availability"].n, 3);
        assert_eq!(found.spreads[0].soc_by_day.len(), 3);
        let by_cause: f64 = found.spreads[0]
            .kpis
            .iter()
            .filter(|(k, _)| k.starts_with("downtime_h_by_cause."))
            .map(|(_, e)| e.mean)
            .sum();
        assert!((by_cause - found.spreads[0].kpis["downtime_h"].mean).abs() < 1e-6);
        let ablation = found.ablation.unwrap();
        assert_eq!((ablation.from.as_str(), ablation.to.as_str()), ("cloud_sync", "edge_local"));
        assert!(ablation.rows.len() >= 4);
        assert_eq!(found.sensitivity.unwrap().rows.len(), 10);
    }

    #[test]
    fn a_plain_study_stays_within_its_budget() {
        for (run_days, customers) in [(30, 234), (365, 234), (30, 731), (2, 20), (365, 20)] {
            let days = quick(run_days, customers, 15);
            let cost = u64::from(days) * customers as u64 * 15;
            assert!(days <= run_days && (cost <= QUICK_CUSTOMER_DAYS || days == QUICK_DAYS), "{days}");
        }
        assert_eq!(quick(30, 234, 15), 30, "a bundled village's month is tried whole");
    }
}
