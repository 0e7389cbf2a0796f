//! From a village to a [`Study`]: what to run, how often, and how the parts are put together.
//!
//! **A plain run** gets remedies alone, within a fixed amount of simulation ([`QUICK_CUSTOMER_DAYS`], about five seconds
//! on two cores): some draws of at most a month each, spread over the run's days, at least three so that there is an
//! interval at all. More and shorter draws beat fewer and longer ones here: what decides is whether a tower or a provider
//! failed at a bad hour, and a month holds several of those; rare breakage is looked at where it is frequent
//! ([`crate::remedies`]). Three draws still say little; the words beside each remedy say so.
//!
//! **With replications** all parts run on whole runs: the spreads on every draw, the others on at most [`DEEP_DRAWS`].

use crate::{
    ablation,
    engine::{Lent, Outcomes, StudyError, Variant, Window, run},
    place::Place,
    remedies,
    sensitivity::{self, WEAKEST},
    stats::{estimate, stopping::Stopping},
    study::{Spread, Study},
};

/// Simulation that the remedies of a plain run may cost, customer-days.
pub const QUICK_CUSTOMER_DAYS: u64 = 110_000;
/// Days of a draw in a plain run, at most.
const QUICK_DAYS: u32 = 30;
/// Draws in a plain run.
const QUICK_DRAWS: (u32, u32) = (3, 6);
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

/// Studies a village.
///
/// # Errors
/// [`StudyError`].
pub fn study(place: &Place, wanted: Wanted, lent: &Lent<'_>) -> Result<Study, StudyError> {
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
        let (window, draws) = quick(scenario.run.days, scenario.village.customers.len(), variants.len());
        let all = run(place, &variants, window, &Stopping::fixed(draws), &|_, _| Vec::new(), &|_| Vec::new(), lent)?;
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

/// Days and draws of a plain run for this many variants.
fn quick(run_days: u32, customers: usize, variants: usize) -> (Window, u32) {
    let days = run_days.min(QUICK_DAYS);
    let a_draw = |days: u32| u64::from(days) * customers.max(1) as u64 * variants.max(1) as u64;
    let draws = (QUICK_CUSTOMER_DAYS / a_draw(days).max(1)).clamp(u64::from(QUICK_DRAWS.0), u64::from(QUICK_DRAWS.1));
    let draws = draws as u32;
    // A big village: shorter draws, but a week at least.
    let fits = (QUICK_CUSTOMER_DAYS / u64::from(draws) / a_draw(1).max(1)) as u32;
    let days = days.min(fits.max(7));
    (Window { days, cycle: if run_days > days { draws } else { 1 } }, draws)
}

fn basis(all: &Outcomes, window: Window, run_days: u32) -> String {
    let spread = if window.days < run_days { ", spread over the run" } else { "" };
    format!(
        "{} draws of {} days each{spread}, the same worlds with and without; rare breakage at {} times its rate, scaled \
         back.",
        all.draws,
        window.days,
        remedies::RARE_FACTOR
    )
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
        study(&place, wanted, &Lent { threads, stop: &stop, progress: &|_, _| {} }).unwrap()
    }

    #[test]
    fn a_plain_study_has_remedies_alone() {
        let found = go(3, Wanted { replications: 0, remedies: true }, 2);
        assert!(found.remedies.len() >= 8 && found.spreads.is_empty() && found.ablation.is_none());
        assert_eq!((found.draws, found.days), (6, 3));
        assert!(found.remedies.iter().all(|r| r.on == "cloud_sync" && !r.certainty.is_empty()));
        let text = serde_json::to_string(&found).unwrap();
        let again: Study = serde_json::from_str(&text).unwrap();
        let ids = |s: &Study| s.remedies.iter().map(|r| (r.id.clone(), r.certainty.clone())).collect::<Vec<_>>();
        assert_eq!(ids(&again), ids(&found), "a study survives its file");
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
            let (window, draws) = quick(run_days, customers, 14);
            let cost = u64::from(window.days) * u64::from(draws) * customers as u64 * 14;
            assert!(cost <= QUICK_CUSTOMER_DAYS || window.days == 7 || draws == QUICK_DRAWS.0, "{window:?} {draws}");
            assert!(draws >= 3 && window.days <= run_days, "{window:?} {draws}");
        }
    }
}
