//! One meter's outage logic tried out in the village: through its own gasp bytes, the mesh and the DCU's judgement, while
//! the customer's supply stays as it is.

use taa_scenarios::{FaultTree, model::Scenario};

use crate::{
    kernel::{Control, Kernel, Progress, SimTime},
    run::RunError,
    world::{Timeline, Village},
};

/// The village has settled by then, ms.
const BEGIN_MS: u64 = 10 * 60_000;
/// Nothing more comes after so long, ms.
const WAIT_MS: u64 = 2 * 60_000;

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drill {
    /// The meter's logic is armed and took the command.
    pub begun: bool,
    /// Frames that the meter sent.
    pub frames: u64,
    /// From the command until the DCU had the packet, opened it and knew it for a test; nothing where it never came.
    pub arrived_after_ms: Option<u64>,
    /// Tickets that the DCU has opened meanwhile: none, for a test tells nobody.
    pub tickets: usize,
    /// Voltage and relay of the meter, before and after: energised, closed.
    pub supply: [(bool, bool); 2],
    /// What the meter's own log tells, newest first.
    pub log: Vec<&'static str>,
    /// What feeds it, from the section up to the inverter.
    pub fed_by: Vec<String>,
}

/// Tries out the meter of a customer, ten minutes into a day under the first architecture of the scenario.
///
/// # Errors
/// [`RunError`], our own fault.
pub fn outage_drill(scenario: &Scenario, customer: u32) -> Result<Drill, RunError> {
    let seed = (scenario.run.seed, scenario.run.replication);
    let end_ms = BEGIN_MS + WAIT_MS;
    let timeline = Timeline::draw(scenario, seed, end_ms);
    let Some((_, traits)) = scenario.run.architectures.first() else { return Ok(Drill::default()) };
    let (village, queue) = Village::build(scenario, &timeline, *traits)?;
    let mut kernel = Kernel::new(village, queue);
    let go = &mut |_: Progress| Control::Go;
    kernel.run_until(SimTime::from_ms(BEGIN_MS), go)?;
    let before = kernel.model.supply_of(customer);
    let begun = kernel.model.try_gasp(customer, BEGIN_MS, &mut kernel.queue);
    kernel.run_until(SimTime::from_ms(end_ms), go)?;
    let after = kernel.model.supply_of(customer);
    let (frames, arrived_ms) = kernel.model.gasp_tried(customer);
    let log = kernel.model.gasp_log(customer);
    let (records, _) = kernel.model.finish(end_ms);
    Ok(Drill {
        begun,
        frames,
        arrived_after_ms: arrived_ms.map(|at_ms| at_ms - BEGIN_MS),
        tickets: records.outage_tickets.len(),
        supply: [before, after],
        log,
        fed_by: fed_by(scenario, customer),
    })
}

fn fed_by(scenario: &Scenario, customer: u32) -> Vec<String> {
    let tree = FaultTree::of(&scenario.village);
    let above = |id: &String| tree.devices.iter().find(|device| device.id == *id)?.parent.clone();
    let first = tree.parents.get(customer as usize).cloned().flatten();
    std::iter::successors(first, above).take(tree.devices.len()).collect()
}
