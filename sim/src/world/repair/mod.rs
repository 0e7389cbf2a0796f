//! Repair inside the reacting village: what is broken, who knows, what is being done about it.
//!
//! ```text
//!   timeline: failure ─▶ part down ─▶ looked for (detect) ─▶ course (steps) ─▶ part up, row in `repairs`
//!                                      ▲ sight of the site, calls, the caretaker
//! ```
//!
//! The failure is exogenous, all that follows is not: an operator who cannot see the site learns later and sends the
//! wrong part more often. One job at a time per part: a failure of what is broken already is skipped.

mod detect;
mod steps;

use std::collections::BTreeMap;

use taa_models::{
    assets::AssetKind,
    draw::{Draws, NodeKey, Purpose},
    repair::{Course, Job, Notice},
};

use super::{
    Event, Village,
    parts::{Part, PartId, Turn},
    timeline::asset_id,
};
use crate::{
    cause::Cause,
    kernel::{Phase, Queue, SimTime, Wake},
};
use taa_dcu::config::CreditAt;

const SELF_CLEARING: Purpose = Purpose::named("repair/self clearing");

/// How the operator came to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Telemetry,
    Gap,
    Caretaker,
    Call,
    /// A crew that came for something else found it.
    OnSite,
}

impl How {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Telemetry => "telemetry",
            Self::Gap => "telemetry_gap",
            Self::Caretaker => "caretaker",
            Self::Call => "call",
            Self::OnSite => "crew_on_site",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    /// It comes back by itself.
    Clearing,
    /// Nobody has seen a sign yet.
    Unseen,
    /// There is a sign; somebody acts on it then.
    Acting(How, u64),
    /// It is being mended.
    Course(Course),
    Mended,
}

/// A failure and what is done about it.
#[derive(Debug)]
struct Open {
    job: Job,
    part: PartId,
    index: u32,
    why: Option<Cause>,
    notice: Notice,
    caretaker_at_ms: Option<u64>,
    /// Since when the operator has not seen the site, as far as this job knows.
    unseen_since_ms: u64,
    how: Option<How>,
    seen: bool,
    stage: Stage,
    course: Option<Course>,
    mended_ms: Option<u64>,
    wake: Wake,
}

/// All jobs of the run, and the parts that are theirs alone.
pub(crate) struct Repairs {
    jobs: Vec<Open>,
    open: BTreeMap<PartId, u32>,
    pub(crate) charge_controller: Part,
    pub(crate) panels: Part,
    pub(crate) bms: Part,
    pub(crate) clock: Part,
    pub(crate) keys: Vec<Part>,
}

impl Repairs {
    pub(crate) fn new(customers: usize) -> Self {
        Self {
            jobs: Vec::new(),
            open: BTreeMap::new(),
            charge_controller: Part::new(Cause::ChargeControllerFailed),
            panels: Part::new(Cause::PanelsGone),
            bms: Part::new(Cause::BatteryOffline),
            clock: Part::new(Cause::ClockLost),
            keys: vec![Part::new(Cause::KeysLost); customers],
        }
    }
}

fn part_of(kind: AssetKind, index: u32) -> PartId {
    match kind {
        AssetKind::Inverter => PartId::Inverter,
        AssetKind::ChargeController => PartId::ChargeController,
        AssetKind::Panels => PartId::Panels,
        AssetKind::Bms => PartId::Bms,
        AssetKind::Breaker | AssetKind::Conductor => PartId::Feeder(index),
        AssetKind::Dcu | AssetKind::DcuHang => PartId::Dcu,
        AssetKind::Flash => PartId::Disk,
        AssetKind::Router => PartId::Router,
        AssetKind::Meter => PartId::Meter(index),
        AssetKind::Clock => PartId::Clock,
        AssetKind::Keys => PartId::Keys(index),
    }
}

impl Village<'_> {
    /// The site keeps accounts, clock and keys: it has the hazards of doing so.
    fn has_logic_at_edge(&self) -> bool {
        self.traits.credit_at == CreditAt::Dcu || self.traits.local_vending
    }

    /// Something breaks.
    pub(crate) fn asset_fails(
        &mut self,
        (kind, index): (AssetKind, u32),
        turn: Turn,
        now_ms: u64,
        queue: &mut Queue<Event>,
    ) {
        let Turn::Fail(why) = turn else { return };
        let of_the_edge = matches!(kind, AssetKind::Flash | AssetKind::Clock | AssetKind::Keys);
        let part = part_of(kind, index);
        if of_the_edge && !self.has_logic_at_edge() || self.repairs.open.contains_key(&part) {
            return;
        }
        let id = asset_id(self.scenario, kind, index);
        let job = Job { kind, key: NodeKey::of(id), failed_ms: now_ms, seed: self.seed };
        let params = &self.scenario.assets;
        let notice = Notice::draw(&params.repair, &job);
        let caretaker_at_ms = notice.caretaker_at(&self.timeline.outside.calendar, now_ms);
        let mut luck = Draws::keyed(self.seed.0, self.seed.1, job.key, SELF_CLEARING, now_ms);
        let clears = luck.chance(params.bms_self_clearing_share);
        let clears_ms = ((luck.exponential(params.bms_clears_after_h) * 3_600_000.0) as u64).saturating_add(1);
        let clearing = kind == AssetKind::Bms && clears;
        let number = self.repairs.jobs.len() as u32;
        self.repairs.open.insert(part, number);
        self.repairs.jobs.push(Open {
            job,
            part,
            index,
            why,
            notice,
            caretaker_at_ms,
            unseen_since_ms: now_ms,
            how: None,
            seen: false,
            stage: if clearing { Stage::Clearing } else { Stage::Unseen },
            course: None,
            mended_ms: None,
            wake: Wake::default(),
        });
        self.part_turned(part, Turn::Fail(why), now_ms, queue);
        let text = format!(
            "{} fails{}",
            kind.name(),
            why.map_or_else(String::new, |why| format!(": {}", self.say_cause(why)))
        );
        self.log(now_ms, "failure", id.to_owned(), text);
        self.arm_repair(number, if clearing { now_ms.saturating_add(clears_ms) } else { now_ms + 1 }, queue);
    }

    fn say_cause(&self, cause: Cause) -> String {
        self.say(crate::cause::Chain::of(cause))
    }

    fn arm_repair(&mut self, job: u32, at_ms: u64, queue: &mut Queue<Event>) {
        let wake = &mut self.repairs.jobs[job as usize].wake;
        queue.arm(wake, SimTime::from_ms(at_ms), Phase::Environment, self.ops.outside, |generation| Event::Repair {
            job,
            generation,
        });
    }

    /// The next step of a job is due.
    pub(crate) fn repair_step(&mut self, job: u32, generation: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let open = &self.repairs.jobs[job as usize];
        if !open.wake.is_current(generation) {
            return;
        }
        match open.stage {
            Stage::Clearing => self.mend(job, now_ms, queue),
            Stage::Unseen | Stage::Acting(..) => self.look(job, now_ms, queue),
            Stage::Course(course) => self.follow(job, course, now_ms, queue),
            Stage::Mended => {}
        }
    }
}

#[cfg(test)]
mod tests;
