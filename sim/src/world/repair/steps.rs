//! From *noticed* to *mended*: the milestones of a course, what a crew does beside its errand, and the record.

use taa_models::repair::{Course, Part as Spare, Way};

use super::{How, Stage};
use crate::{
    cause::Chain,
    kernel::Queue,
    records::RepairRow,
    world::{Event, Village, parts::Turn, timeline::asset_id},
};

impl Village<'_> {
    /// A milestone of the course has come: does what is due, and waits for the next.
    pub(super) fn follow(&mut self, number: u32, course: Course, now_ms: u64, queue: &mut Queue<Event>) {
        if now_ms >= course.mended_ms {
            self.mend(number, now_ms, queue);
            return;
        }
        if let Some(hold) = course.held {
            let kept = (hold.from_ms..hold.until_ms).contains(&now_ms).then_some(hold.number);
            self.keep(number, kept);
        }
        let crew = course.way == Way::Crew;
        if crew && now_ms == course.left_ms {
            self.repair_log(number, "crew_left", now_ms, &format!("the crew leaves, trip {}", course.trips));
        }
        if crew && now_ms == course.arrived_ms {
            self.repair_log(number, "crew_arrived", now_ms, "the crew arrives");
            self.while_on_site(number, course, queue);
        }
        let holds = course.held.map_or([u64::MAX; 2], |hold| [hold.from_ms, hold.until_ms]);
        let steps = [holds[0], holds[1], course.left_ms, course.arrived_ms, course.mended_ms];
        let next_ms = steps.into_iter().filter(|at| *at > now_ms).min().unwrap_or(course.mended_ms);
        self.arm_repair(number, next_ms, queue);
    }

    /// What else is broken and can be mended with what is at hand is mended in the same visit, one after the other.
    fn while_on_site(&mut self, errand: u32, visit: Course, queue: &mut Queue<Event>) {
        let params = &self.scenario.assets.repair;
        let calendar = &self.timeline.outside.calendar;
        let mut free_ms = visit.mended_ms;
        let mut joined = Vec::new();
        for &number in self.repairs.open.values() {
            if number == errand {
                continue;
            }
            let open = &mut self.repairs.jobs[number as usize];
            let part = open.job.part(params);
            let at_hand = match (part, open.course) {
                (Spare::NotNeeded | Spare::OnSite, _) => true,
                (Spare::InDepot, Some(course)) => course.diagnosed_ms <= visit.left_ms,
                (Spare::Ordered, Some(course)) => course.trips == 1 && course.spares_ms <= visit.left_ms,
                (Spare::InDepot | Spare::Ordered, None) => false,
            };
            let mended_ms = calendar.work(free_ms, Course::work_ms(params, &open.job));
            let sooner = match open.stage {
                Stage::Course(course) => mended_ms < course.mended_ms,
                Stage::Unseen | Stage::Acting(..) => true,
                Stage::Clearing | Stage::Mended => false,
            };
            if !at_hand || !sooner {
                continue;
            }
            free_ms = mended_ms;
            open.how.get_or_insert(How::OnSite);
            let noticed_ms = open.course.map_or(visit.arrived_ms, |course| course.noticed_ms);
            let diagnosed_ms = open.course.map_or(visit.arrived_ms, |course| course.diagnosed_ms.min(visit.arrived_ms));
            // Each step is clamped so that none comes before the one that it follows.
            let after = |at_ms: u64| at_ms.max(diagnosed_ms);
            let course = Course {
                way: Way::Crew,
                noticed_ms,
                diagnosed_ms,
                returned_ms: diagnosed_ms,
                dispatched_ms: after(visit.dispatched_ms),
                spares_ms: after(visit.spares_ms),
                left_ms: after(visit.left_ms),
                arrived_ms: visit.arrived_ms,
                mended_ms,
                trips: 1,
                part,
                held: None,
            };
            open.course = Some(course);
            open.stage = Stage::Course(course);
            joined.push((number, mended_ms));
        }
        for (number, mended_ms) in joined {
            self.keep(number, None);
            self.arm_repair(number, mended_ms, queue);
        }
    }

    /// A scripted fault keeps the repair of a part waiting, or no longer: the chain says so.
    fn keep(&mut self, number: u32, by: Option<u8>) {
        let part = self.repairs.jobs[number as usize].part;
        if let Some(part) = self.part_mut(part) {
            part.keep(by);
        }
        self.touch_all();
    }

    /// It works again.
    pub(super) fn mend(&mut self, number: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let open = &mut self.repairs.jobs[number as usize];
        open.stage = Stage::Mended;
        open.mended_ms = Some(now_ms);
        open.wake.cancel();
        let part = open.part;
        self.repairs.open.remove(&part);
        self.repair_log(number, "mended", now_ms, "works again");
        self.part_turned(part, Turn::Mend, now_ms, queue);
    }

    pub(super) fn repair_log(&mut self, number: u32, kind: &'static str, now_ms: u64, text: &str) {
        let open = &self.repairs.jobs[number as usize];
        let id = asset_id(self.scenario, open.job.kind, open.index).to_owned();
        let text = format!("{}: {text}", open.job.kind.name().replace('_', " "));
        self.log(now_ms, kind, id, text);
    }

    /// One row for each failure, by time of failure; what lies beyond the end of the run is left empty.
    pub(crate) fn repair_rows(&mut self, now_ms: u64) {
        let params = &self.scenario.assets.repair;
        for open in &self.repairs.jobs {
            let by_now = |at_ms: Option<u64>| at_ms.filter(|at| *at <= now_ms);
            let course = open.course;
            let visit = course.filter(|course| course.trips > 0);
            let by = match (course, open.mended_ms) {
                (Some(course), _) => course.way.name(),
                (None, Some(_)) => "itself",
                (None, None) => "",
            };
            self.records.repairs.push(RepairRow {
                asset: open.job.kind.name(),
                id: asset_id(self.scenario, open.job.kind, open.index).to_owned(),
                cause: open.why.map_or(Chain::EMPTY, Chain::of),
                failed_ms: open.job.failed_ms,
                noticed_ms: by_now(course.map(|c| c.noticed_ms)),
                noticed_by: open.how.map_or("", How::name),
                site_seen: open.seen,
                diagnosed_ms: by_now(course.map(|c| c.diagnosed_ms)),
                returned_ms: by_now(visit.filter(|c| c.trips > 1).map(|c| c.returned_ms)),
                dispatched_ms: by_now(visit.map(|c| c.dispatched_ms)),
                spares: open.job.part(params).name(),
                spares_ms: by_now(visit.map(|c| c.spares_ms)),
                left_ms: by_now(visit.map(|c| c.left_ms)),
                arrived_ms: by_now(visit.map(|c| c.arrived_ms)),
                mended_ms: open.mended_ms,
                mended_by: by,
                trips: visit.map_or(0, |c| u32::from(c.trips)),
            });
        }
    }
}
