//! Who notices what is broken: an alarm or a gap at the operator's, the caretaker, a customer's call.

use taa_models::repair::{self, Course};

use super::{How, Stage};
use crate::{
    kernel::Queue,
    world::{Event, Village, parts::PartId},
};

/// How often a job that nobody knows of is looked at again, ms.
const LOOK_MS: u64 = 900_000;

impl Village<'_> {
    /// The operator sees what the site reports.
    pub(crate) fn site_in_sight(&self) -> bool {
        self.wan.up() && self.site.up() && self.cloud_part.up()
    }

    /// Somebody in the village can telephone, with either operator.
    fn village_can_call(&self) -> bool {
        (0..2).any(|operator| self.wan.phone_signal(operator).is_ok())
    }

    /// A job of which the operator does not know yet.
    pub(super) fn look(&mut self, number: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let sight = self.site_in_sight();
        let (cloud_up, can_call) = (self.cloud_part.up(), self.village_can_call());
        let calendar = &self.timeline.outside.calendar;
        let open = &mut self.repairs.jobs[number as usize];
        if sight {
            open.unseen_since_ms = now_ms;
        }
        if open.stage == Stage::Unseen {
            let shows = open.notice.shows_after_ms.is_some_and(|after| now_ms >= open.job.failed_ms + after);
            let gap = cloud_up && !sight && now_ms >= open.unseen_since_ms + open.notice.gap_after_ms;
            let sign = if sight && shows { Some(How::Telemetry) } else { gap.then_some(How::Gap) };
            if let Some(how) = sign {
                open.stage = Stage::Acting(how, open.notice.acted_on(calendar, now_ms));
            }
        }
        let by_caretaker = can_call && open.caretaker_at_ms.is_some_and(|at| at <= now_ms);
        match open.stage {
            Stage::Acting(how, at) if at <= now_ms => self.notice(number, how, now_ms, queue),
            _ if by_caretaker => self.notice(number, How::Caretaker, now_ms, queue),
            Stage::Acting(_, at) => self.arm_repair(number, at.min(now_ms + LOOK_MS), queue),
            _ => self.arm_repair(number, now_ms + LOOK_MS, queue),
        }
    }

    /// The operator knows: what follows is laid down.
    fn notice(&mut self, number: u32, how: How, now_ms: u64, queue: &mut Queue<Event>) {
        let sight = self.site_in_sight();
        let course = self.plan(number, now_ms, sight);
        let open = &mut self.repairs.jobs[number as usize];
        (open.how, open.seen, open.course) = (Some(how), sight, Some(course));
        open.stage = Stage::Course(course);
        let text = format!(
            "the operator knows of it by {} and {} the site; mended by {}",
            how.name().replace('_', " "),
            if sight { "sees" } else { "does not see" },
            course.way.name()
        );
        self.repair_log(number, "noticed", now_ms, &text);
        self.follow(number, course, now_ms, queue);
    }

    /// The course of a job that fits between the visits for which this site's other jobs have the crew already.
    fn plan(&self, number: u32, now_ms: u64, sight: bool) -> Course {
        let params = &self.scenario.assets.repair;
        let job = &self.repairs.jobs[number as usize].job;
        let visit = |course: &Course| (course.trips > 0).then(|| (course.left_ms, course.crew_back_ms(params)));
        let under_way = |&open: &u32| match self.repairs.jobs[open as usize].stage {
            Stage::Course(course) => visit(&course),
            _ => None,
        };
        let mut taken: Vec<(u64, u64)> = self.repairs.open.values().filter_map(under_way).collect();
        taken.sort_unstable();
        let mut free_ms = 0;
        loop {
            let course = repair::course(params, &self.timeline.outside, job, now_ms, sight, free_ms);
            let clash = visit(&course)
                .and_then(|(left, back)| taken.iter().find(|(from, until)| left < *until && *from < back));
            // Each round frees the crew later, past a visit that is left behind, so there are at most as many rounds.
            match clash {
                Some(&(_, until)) if until > free_ms => free_ms = until,
                _ => return course,
            }
        }
    }

    /// A customer has rung up: the operator learns of everything that could explain this customer's dark.
    pub(crate) fn called(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let feeder = self.people.of(customer).identity.feeder;
        let (dark, unlinked) = (!self.power.feeding, !self.site.up() || !self.wan.up());
        let calendar = &self.timeline.outside.calendar;
        let mut sooner = Vec::new();
        for &number in self.repairs.open.values() {
            let open = &mut self.repairs.jobs[number as usize];
            let concerned = match open.part {
                PartId::Meter(n) | PartId::Keys(n) => n == customer,
                PartId::Feeder(n) => n == feeder,
                PartId::Inverter | PartId::ChargeController | PartId::Panels | PartId::Bms => dark,
                PartId::Dcu | PartId::Router => unlinked,
                _ => false,
            };
            let acted_ms = open.notice.acted_on(calendar, now_ms);
            let later = match open.stage {
                Stage::Unseen => true,
                Stage::Acting(_, at) => acted_ms < at,
                Stage::Clearing | Stage::Course(_) | Stage::Mended => false,
            };
            if concerned && later {
                open.stage = Stage::Acting(How::Call, acted_ms);
                sooner.push((number, acted_ms));
            }
        }
        for (number, at_ms) in sooner {
            self.arm_repair(number, at_ms.max(now_ms + 1).min(now_ms + LOOK_MS), queue);
        }
    }
}
