//! Many runs: variants × draws on as many threads as are lent.
//!
//! A queue of (draw, variant, architecture), draw by draw, so that stopping early leaves whole draws. Each job is one
//! simulation of its own on one thread; what comes back is a handful of figures ([`Outcome`]), the tables are dropped.
//! Results are put in place by their number: which thread did what leaves no trace (tested by digest).

mod measure;

use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use taa_scenarios::model::Scenario;
use taa_sim::{
    result::{ArchResult, Digest, RunResult},
    run::{RunError, RunOptions},
};

use crate::{
    knob::KnobError,
    place::Place,
    stats::{estimate, stopping::Stopping},
    study::Estimate,
};
pub use measure::{COST_PER_YEAR, DARK_COST_PER_YEAR, LOST_H_PER_YEAR, Outcome};

/// What the caller lends, and hears.
pub struct Lent<'a> {
    /// Simulations at the same time. No result depends on it.
    pub threads: usize,
    /// Set it to stop: what was not simulated is missing from the results.
    pub stop: &'a AtomicBool,
    /// Called with (simulations done, simulations planned so far) after each simulation, from any thread.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
}

/// Why a study failed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StudyError {
    /// A simulation failed: our own fault.
    #[error("a simulation of the study failed: {0}")]
    Run(#[from] RunError),
    /// A list of this crate names a parameter that the models do not have: our own fault.
    #[error("the study turns a parameter that is not there: {0}")]
    Knob(#[from] KnobError),
    /// Stopped before a single draw was whole.
    #[error("the study was stopped before it had anything to say")]
    Stopped,
}

/// More figures from a run, beside its KPIs.
pub type Measure<'a> = &'a (dyn Fn(&Scenario, &ArchResult) -> Vec<(String, f64)> + Sync);

/// A village changed in some way.
#[derive(Clone, Debug)]
pub struct Variant {
    /// For people who read errors.
    pub name: String,
    /// The changed scenario with its architectures.
    pub scenario: Scenario,
}

impl Variant {
    /// A variant.
    #[must_use]
    pub fn new(name: impl Into<String>, scenario: Scenario) -> Self {
        Self { name: name.into(), scenario }
    }
}

/// Which days of the run each draw lives through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Days of a draw.
    pub days: u32,
    /// Draws are spread over the run: draw `i` starts at `i mod cycle` × (run − days) / (cycle − 1); 1: all at its start.
    pub cycle: u32,
}

impl Window {
    /// The whole run.
    #[must_use]
    pub const fn whole(days: u32) -> Self {
        Self { days, cycle: 1 }
    }

    fn first_day(self, draw: u32, run_days: u32) -> u32 {
        let room = run_days.saturating_sub(self.days);
        if self.cycle < 2 { 0 } else { room * (draw % self.cycle) / (self.cycle - 1) }
    }
}

/// What came of it: variant by variant, architecture by architecture, draw by draw.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcomes {
    /// `runs[variant][architecture][draw]`.
    runs: Vec<Vec<Vec<Outcome>>>,
    /// Whole draws.
    pub draws: u32,
}

impl Outcomes {
    /// All draws of one variant and architecture.
    #[must_use]
    pub fn of(&self, variant: usize, architecture: usize) -> &[Outcome] {
        self.runs.get(variant).and_then(|v| v.get(architecture)).map_or(&[], Vec::as_slice)
    }

    /// A figure of all draws; not a number where a draw has none.
    #[must_use]
    pub fn values(&self, variant: usize, architecture: usize, figure: &str) -> Vec<f64> {
        self.of(variant, architecture).iter().map(|o| o.figures.get(figure).copied().unwrap_or(f64::NAN)).collect()
    }

    /// A figure's estimate.
    #[must_use]
    pub fn estimate(&self, variant: usize, architecture: usize, figure: &str) -> Estimate {
        estimate(&self.values(variant, architecture, figure))
    }

    /// With one more variant before all others: of one architecture and one draw.
    #[must_use]
    pub(crate) fn behind(mut self, first: Outcome) -> Self {
        self.runs.insert(0, vec![vec![first]]);
        self
    }

    /// One digest over all, for tests and for those who compare two machines.
    #[must_use]
    pub fn digests(&self) -> Vec<Digest> {
        self.runs.iter().flatten().flatten().map(|o| o.digest).collect()
    }
}

/// What a run under the first draw says of its first architecture; nothing if it was ended early or is another run.
#[must_use]
pub(crate) fn known(scenario: &Scenario, shown: &RunResult) -> Option<Outcome> {
    let arch = shown.architectures.first()?;
    let same = scenario.run.architectures.first().is_some_and(|(name, _)| *name == arch.name)
        && (scenario.run.seed, scenario.run.replication, scenario.run.start_unix_s)
            == (shown.seed, 0, shown.start_unix_s);
    if shown.partial || !same {
        return None;
    }
    let mut outcome = measure::outcome(scenario, arch, shown.simulated_ms);
    outcome.exogenous_digest = shown.exogenous_digest;
    Some(outcome)
}

/// Runs all variants under draws `first..`, in batches, until `rule` is satisfied for every figure that `watch` gives.
///
/// # Errors
/// [`StudyError`]; stopping early is one only when no draw was whole.
pub fn run(
    place: &Place,
    variants: &[Variant],
    window: Window,
    rule: &Stopping,
    measure: Measure<'_>,
    watch: &dyn Fn(&Outcomes) -> Vec<Estimate>,
    lent: &Lent<'_>,
) -> Result<Outcomes, StudyError> {
    let mut all = Outcomes {
        runs: variants.iter().map(|v| vec![Vec::new(); v.scenario.run.architectures.len()]).collect(),
        draws: 0,
    };
    let done = AtomicUsize::new(0);
    loop {
        let watched = if all.draws == 0 { Vec::new() } else { watch(&all) };
        let until = rule.next(all.draws, &watched);
        if until <= all.draws || lent.stop.load(Ordering::Relaxed) {
            break;
        }
        let whole = batch(place, variants, window, all.draws..until, measure, lent, &done, &mut all)?;
        all.draws += whole;
        if all.draws < until {
            break;
        }
    }
    if all.draws == 0 { Err(StudyError::Stopped) } else { Ok(all) }
}

struct Job {
    variant: usize,
    architecture: usize,
    draw: u32,
}

/// Runs some draws and files them; says how many of them are whole.
#[expect(clippy::too_many_arguments, reason = "one caller, which holds them all")]
fn batch(
    place: &Place,
    variants: &[Variant],
    window: Window,
    draws: std::ops::Range<u32>,
    measure: Measure<'_>,
    lent: &Lent<'_>,
    done: &AtomicUsize,
    all: &mut Outcomes,
) -> Result<u32, StudyError> {
    let mut jobs = Vec::new();
    for draw in draws.clone() {
        for (variant, v) in variants.iter().enumerate() {
            jobs.extend((0..v.scenario.run.architectures.len()).map(|architecture| Job {
                variant,
                architecture,
                draw,
            }));
        }
    }
    let planned = done.load(Ordering::Relaxed) + jobs.len();
    let next = AtomicUsize::new(0);
    let found: Mutex<Vec<Option<Result<Outcome, RunError>>>> = Mutex::new((0..jobs.len()).map(|_| None).collect());
    let work = || {
        while !lent.stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(number) else { return };
            let outcome = one(place, variants, window, job, measure, lent.stop);
            if let (Some(outcome), Ok(mut found)) = (outcome.transpose(), found.lock()) {
                found[number] = Some(outcome);
            }
            (lent.progress)(done.fetch_add(1, Ordering::Relaxed) + 1, planned);
        }
    };
    std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..lent.threads.clamp(1, jobs.len().max(1))).map(|_| scope.spawn(work)).collect();
        work();
        for helper in helpers {
            if let Err(panic) = helper.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
    let found = found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let per_draw = jobs.len() / draws.len().max(1);
    let mut whole = 0;
    let mut results = jobs.into_iter().zip(found);
    'draws: for _ in draws {
        let mut row = Vec::with_capacity(per_draw);
        for (job, outcome) in results.by_ref().take(per_draw) {
            match outcome {
                Some(outcome) => row.push((job, outcome?)),
                None => break 'draws,
            }
        }
        for (job, outcome) in row {
            all.runs[job.variant][job.architecture].push(outcome);
        }
        whole += 1;
    }
    Ok(whole)
}

/// One simulation; nothing when it was stopped on its way.
fn one(
    place: &Place,
    variants: &[Variant],
    window: Window,
    job: &Job,
    measure: Measure<'_>,
    stop: &AtomicBool,
) -> Result<Option<Outcome>, RunError> {
    let variant = &variants[job.variant].scenario;
    let from_day = window.first_day(job.draw, variant.run.days);
    let mut scenario = place.drawn(variant, job.draw, from_day, window.days.min(variant.run.days));
    let architecture = scenario.run.architectures.swap_remove(job.architecture);
    scenario.run.architectures = vec![architecture];
    let result = taa_sim::run::run(&scenario, &RunOptions { threads: 1, stop, progress: &|_, _| {} })?;
    if result.partial {
        return Ok(None);
    }
    let exogenous = result.exogenous_digest;
    let outcome = result.architectures.first().map(|arch| {
        let mut outcome = measure::outcome(&scenario, arch, result.simulated_ms);
        outcome.exogenous_digest = exogenous;
        outcome.figures.extend(measure(&scenario, arch));
        outcome
    });
    Ok(outcome)
}

#[cfg(test)]
mod tests;
