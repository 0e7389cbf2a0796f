//! A run: one or more architectures under one seed, each a world of its own, on as many threads as are lent.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sha2::{Digest as _, Sha256};
use taa_dcu::config::{DcuConfig, Traits};
use taa_scenarios::model::Scenario;

use crate::{
    kernel::{Control, Kernel, KernelError, Outcome, Queue, SimTime},
    result::{ArchResult, Digest, Kpis, RunResult},
    world::{Event, Timeline, Village},
};

/// What the caller decides, and hears.
pub struct RunOptions<'a> {
    /// Architectures simulated at the same time. The results do not depend on it.
    pub threads: usize,
    /// Set it to stop early: the result covers the time simulated so far and is marked partial.
    pub stop: &'a AtomicBool,
    /// Called with (architecture, ms of the run) about once a simulated day, from the thread that simulates it.
    pub progress: &'a (dyn Fn(usize, u64) + Sync),
}

/// Why a run failed. All of these are our own fault: bad input ends in the loader.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The kernel refused to go on.
    #[error("the event kernel stopped: {0}")]
    Kernel(#[from] KernelError),
    /// Two architectures did not meet the same outside world.
    #[error("architectures {0} and {1} met different outside worlds; the comparison would mean nothing")]
    Exogenous(String, String),
}

/// Deliberate faults of our own parts: what watches over money must notice them.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// A payment that comes twice is taken twice.
    ForgetsRepeats,
    /// The DCU is told that its records are durable before they are.
    PromisesEarly,
    /// The store forgets its last commit when it is opened.
    LosesLastCommit,
    /// The hosted relay is told that its records are durable before they are.
    RelayAnswersEarly,
    /// Money is handed back before the record of it is durable.
    RefundsEarly,
    /// A meter whose customer has paid is spoken to again only hours later, as if a limit held the order to close.
    HoldsClosings,
    /// The cloud's orders to close are lost on their way, all of them.
    LosesOrders,
}

/// What a test does to a run that no scenario can say.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meddling {
    /// One of our own parts is faulty.
    pub sabotage: Option<Sabotage>,
    /// Every seventh payer names an account that nobody has.
    pub wrong_accounts: bool,
    /// The operator changes prices twice a day, up by a quarter and down again.
    pub prices_change: bool,
    /// Every eleventh payer takes the operator's short code of another currency, where the hosted relay runs.
    pub foreign_money: bool,
    /// The operator changes prices three times within a minute instead of once.
    pub prices_thrice: bool,
    /// Somebody looks through suspense from time to time: to the right account, or back; and puts balances right.
    pub clerk: bool,
    /// Before every callback somebody posts a bad one to the hosted relay: forged, damaged, out of all measure.
    pub vandals: bool,
    /// The money is counted after every step; what is wrong goes into the log as `money_audit`.
    pub audited: bool,
    /// At the site's first start from this hour on, a copy of its card starts too.
    pub twin_from_h: Option<u32>,
    /// The copy starts so many minutes after the site.
    pub twin_after_min: u32,
}

/// The policy of the DCU in this scenario, as far as money and relays go: what is promised to customers follows from it.
#[doc(hidden)]
#[must_use]
pub fn site_policy(scenario: &Scenario, traits: Traits) -> DcuConfig {
    crate::world::site_policy(scenario, traits)
}

/// Simulates the scenario under all its architectures.
///
/// `wall_s` of the result is 0: the caller has the clock.
///
/// # Errors
/// [`RunError`], all of them our own fault.
pub fn run(scenario: &Scenario, options: &RunOptions<'_>) -> Result<RunResult, RunError> {
    run_meddled(scenario, options, Meddling::default())
}

/// [`run`], meddled with by a test.
///
/// # Errors
/// [`RunError`].
#[doc(hidden)]
pub fn run_meddled(scenario: &Scenario, options: &RunOptions<'_>, meddling: Meddling) -> Result<RunResult, RunError> {
    let seed = (scenario.run.seed, scenario.run.replication);
    let horizon_ms = u64::from(scenario.run.days) * 86_400_000;
    let timeline = Timeline::draw(scenario, seed, horizon_ms);
    let architectures = &scenario.run.architectures;
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some((name, traits)) = architectures.get(index) else { return done };
            let outcome = Village::build(scenario, &timeline, *traits).map_err(RunError::from).and_then(|built| {
                one(built, *traits, horizon_ms, &|ms| (options.progress)(index, ms), options.stop, meddling)
            });
            done.push((index, name.clone(), *traits, outcome));
        }
    };
    let threads = options.threads.clamp(1, architectures.len().max(1));
    let mut outcomes: Vec<_> = std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for helper in helpers {
            match helper.join() {
                Ok(done) => all.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    outcomes.sort_by_key(|o| o.0);

    let mut results = Vec::with_capacity(outcomes.len());
    let mut exogenous: Option<(String, Digest)> = None;
    let (mut simulated_ms, mut events) = (horizon_ms, 0);
    let (mut reached, mut same_length) = (None, true);
    for (_, name, traits, outcome) in outcomes {
        let One { result, exogenous_digest, reached_ms } = outcome?;
        match &exogenous {
            Some((first, digest)) if *digest != exogenous_digest => {
                return Err(RunError::Exogenous(first.clone(), name));
            }
            Some(_) => {}
            None => exogenous = Some((name.clone(), exogenous_digest)),
        }
        same_length &= reached.is_none_or(|first| first == reached_ms);
        reached = Some(reached_ms);
        simulated_ms = simulated_ms.min(reached_ms);
        events += result.events;
        results.push(ArchResult { name, traits, ..result });
    }
    // Architectures stopped at different times lived through different weeks: nothing to compare then.
    if same_length {
        payback(scenario, simulated_ms, &mut results);
    }
    let mut hash = Sha256::new();
    for result in &results {
        hash.update(result.digest.0);
    }
    Ok(RunResult {
        seed: seed.0,
        start_unix_s: scenario.run.start_unix_s,
        simulated_ms,
        partial: simulated_ms < horizon_ms,
        wall_s: 0.0,
        events,
        digest: Digest(hash.finalize().into()),
        exogenous_digest: exogenous.map_or_else(Digest::default, |e| e.1),
        architectures: results,
    })
}

/// Months until what turns the first architecture into another has paid for itself in light alone: who leaves is not
/// counted, as one or two departures would decide it. Nothing where it never does.
///
/// A comparison of outcomes, not part of any architecture's own digest.
fn payback(scenario: &Scenario, simulated_ms: u64, results: &mut [ArchResult]) {
    let economics = &scenario.economics;
    let months = simulated_ms as f64 / 3_600_000.0 / (8_760.0 / 12.0);
    let meters = scenario.village.customers.len();
    if let [first, others @ ..] = results {
        for other in others {
            let (once_usd, monthly_usd) = economics.upgrade_usd(first.traits, other.traits, meters);
            let saved = first.kpis.cost_of_dark_hours() - other.kpis.cost_of_dark_hours();
            let saved_a_month = saved / months - monthly_usd * economics.currency_per_usd;
            other.kpis.payback_months =
                (saved_a_month > 0.0).then(|| once_usd * economics.currency_per_usd / saved_a_month);
        }
    }
}

struct One {
    result: ArchResult,
    exogenous_digest: Digest,
    reached_ms: u64,
}

fn one(
    (mut village, mut queue): (Village<'_>, Queue<Event>),
    traits: Traits,
    horizon_ms: u64,
    progress: &dyn Fn(u64),
    stop: &AtomicBool,
    meddling: Meddling,
) -> Result<One, RunError> {
    village.meddle(meddling, horizon_ms, &mut queue);
    let exogenous_digest = village.exogenous_digest();
    let mut kernel = Kernel::new(village, queue);
    let outcome = kernel.run_until(SimTime::from_ms(horizon_ms), &mut |at| {
        progress(at.now.as_ms());
        if stop.load(Ordering::Relaxed) { Control::Stop } else { Control::Go }
    })?;
    let reached_ms = match outcome {
        Outcome::Reached => horizon_ms,
        Outcome::Stopped => kernel.queue.now().as_ms(),
    };
    let events = kernel.events();
    let mut hash = Sha256::new();
    hash.update(kernel.digest().0);
    hash.update(kernel.model.payload_digest().0);
    let (records, kpis) = kernel.model.finish(reached_ms);
    absorb_kpis(&mut hash, &kpis);
    let digest = Digest(hash.finalize().into());
    let result = ArchResult { name: String::new(), traits, digest, events, kpis, records };
    Ok(One { result, exogenous_digest, reached_ms })
}

/// Final figures enter the digest as their shortest exact text, which is the same for the same bits.
fn absorb_kpis(hash: &mut Sha256, kpis: &Kpis) {
    hash.update(format!("{kpis:?}").as_bytes());
}
