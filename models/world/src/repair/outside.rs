//! What keeps a crew from a site and that no architecture can influence: other sites' work, the road, the times.

use super::{Calendar, RepairParams, calendar::DAY_MS};
use crate::{
    assets::Climate,
    draw::{Draws, NodeKey, Purpose},
};

const QUEUE: Purpose = Purpose::named("repair/queue");
const ROAD: Purpose = Purpose::named("repair/road");
const PEACE: Purpose = Purpose::named("repair/security");
const OTHER_VISIT_SIGMA: f64 = 0.5;

/// An interval in which something scripted holds a crew up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// From, ms of the run.
    pub from_ms: u64,
    /// Until, ms of the run.
    pub until_ms: u64,
    /// The scripted fault's number.
    pub number: u8,
}

/// Calendar, queue, road and security over a run and some weeks beyond it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outside {
    /// Working and waking hours.
    pub calendar: Calendar,
    /// Jobs of other sites: asked for, done; both rising.
    queue: Vec<(u64, u64)>,
    closed: Vec<bool>,
    insecure: Vec<bool>,
    /// Scripted closures of the road and absences of the crew.
    pub holds: Vec<Hold>,
}

/// Days beyond the run for which roads are drawn: repairs that end after it still have an end.
const BEYOND_DAYS: u64 = 60;

impl Outside {
    /// Draws the outside of a run.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn draw(
        params: &RepairParams,
        climate: &Climate,
        seed: (u64, u32),
        horizon_ms: u64,
        start_local_s: i64,
        holds: Vec<Hold>,
    ) -> Self {
        let calendar = Calendar::new(params, start_local_s);
        let days = horizon_ms.div_ceil(DAY_MS) + BEYOND_DAYS;
        let (mut closed, mut insecure) = (Vec::new(), Vec::new());
        let (mut shut, mut unsafe_until) = (false, 0);
        for day in 0..days {
            let mut road = Draws::keyed(seed.0, seed.1, NodeKey::of("/road"), ROAD, day);
            let rain = if (day as usize) < climate.days() { climate.rain(day as usize) } else { 1.0 };
            let by_rain = road.chance((params.road_closed_share * rain).min(0.95));
            shut = road.chance(params.road_stays_closed_share) && shut || by_rain;
            closed.push(shut);
            let mut peace = Draws::keyed(seed.0, seed.1, NodeKey::of("/road"), PEACE, day);
            let begins = peace.chance(params.insecure_share);
            let lasts = 1 + peace.exponential(params.insecure_mean_days).min(365.0) as u64;
            if begins {
                unsafe_until = unsafe_until.max(day + lasts);
            }
            insecure.push(day < unsafe_until);
        }
        let queue = queue(params, &calendar, seed, horizon_ms + BEYOND_DAYS * DAY_MS);
        Self { calendar, queue, closed, insecure, holds }
    }

    /// When the crew has done what other sites asked for before this moment.
    #[must_use]
    pub fn crew_free(&self, at_ms: u64) -> u64 {
        let before = self.queue.partition_point(|job| job.0 <= at_ms);
        before.checked_sub(1).map_or(0, |last| self.queue[last].1)
    }

    /// Share of days on which the road was closed, or travel unsafe.
    #[must_use]
    pub fn shut_share(&self) -> f64 {
        let shut = self.closed.iter().zip(&self.insecure).filter(|(a, b)| **a || **b).count();
        shut as f64 / self.closed.len().max(1) as f64
    }

    fn shut(&self, day: usize) -> bool {
        let on = |days: &[bool]| days.get(day).copied().unwrap_or(false);
        on(&self.closed) || on(&self.insecure)
    }

    /// The first moment at or after `at_ms` at which a crew that is ready may leave, and the scripted hold that it had to
    /// wait for, cut to the wait.
    #[must_use]
    pub fn leave(&self, at_ms: u64) -> (u64, Option<Hold>) {
        let (mut now, mut waited) = (at_ms, None);
        loop {
            now = self.calendar.next_working(now);
            if self.shut(self.calendar.day(now)) {
                now = self.calendar.tomorrow(now);
                continue;
            }
            match self.holds.iter().find(|hold| (hold.from_ms..hold.until_ms).contains(&now)) {
                Some(hold) => {
                    let from_ms = waited.map_or(now, |w: Hold| w.from_ms);
                    waited = Some(Hold { from_ms, ..*hold });
                    now = hold.until_ms;
                }
                None => return (now, waited),
            }
        }
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn queue(params: &RepairParams, calendar: &Calendar, seed: (u64, u32), until_ms: u64) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    let per_ms = params.other_sites * params.other_visits_per_year / (8766.0 * 3_600_000.0);
    if per_ms <= 0.0 {
        return found;
    }
    let (mut asked, mut done) = (0_u64, 0_u64);
    for number in 0.. {
        let mut draws = Draws::keyed(seed.0, seed.1, NodeKey::of("/crew"), QUEUE, number);
        asked = asked.saturating_add((draws.exponential(1.0 / per_ms) as u64).max(1));
        if asked > until_ms {
            break;
        }
        let takes = draws.lognormal(params.other_visit_median_h, OTHER_VISIT_SIGMA) * 3_600_000.0;
        done = calendar.work(done.max(asked), takes as u64);
        found.push((asked, done));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(params: &RepairParams, rain: f64, holds: Vec<Hold>) -> Outside {
        Outside::draw(params, &Climate::even(4000, rain), (7, 0), 4000 * DAY_MS, 4 * 86_400, holds)
    }

    #[test]
    fn rain_closes_the_road() {
        let p = RepairParams { insecure_share: 0.0, ..RepairParams::default() };
        let (dry, mean, wet) = (
            draw(&p, 0.0, vec![]).shut_share(),
            draw(&p, 1.0, vec![]).shut_share(),
            draw(&p, 5.0, vec![]).shut_share(),
        );
        assert!(dry < 0.01 && (0.05..0.08).contains(&mean) && (0.25..0.35).contains(&wet), "{dry} {mean} {wet}");
    }

    #[test]
    fn nobody_travels_while_it_is_unsafe() {
        let calm = RepairParams { road_closed_share: 0.0, insecure_share: 0.0, ..RepairParams::default() };
        let tense = RepairParams { insecure_share: 0.05, ..calm };
        let (free, unsafe_days) = (draw(&calm, 1.0, vec![]), draw(&tense, 1.0, vec![]));
        assert!(free.shut_share() < 1e-12);
        let departures = |outside: &Outside| -> Vec<u64> {
            (0..3900_u64).map(|day| outside.leave(day * DAY_MS + 9 * 3_600_000).0).collect()
        };
        let (before, after) = (departures(&free), departures(&unsafe_days));
        for (&early, &late) in before.iter().zip(&after) {
            assert!(late >= early && !unsafe_days.insecure[unsafe_days.calendar.day(late)]);
            let held = unsafe_days.insecure[unsafe_days.calendar.day(early)];
            assert_eq!(late > early, held, "held up on an unsafe day and on no other");
        }
        // A spell begins on one day in twenty and lasts some three and a half: travel is unsafe one day in six.
        let share = unsafe_days.shut_share();
        let late_h = before.iter().zip(&after).map(|(a, b)| (b - a) as f64 / 3_600_000.0).sum::<f64>() / 3900.0;
        assert!((0.12..0.20).contains(&share) && late_h > 8.0, "{share} of days, {late_h} h late on the mean");
    }

    #[test]
    fn the_crew_is_busy_for_as_long_as_the_work_of_others_lasts() {
        let p = RepairParams::default();
        let outside = draw(&p, 1.0, vec![]);
        let waits: f64 =
            (0..4000_u64).map(|day| outside.crew_free(day * DAY_MS).saturating_sub(day * DAY_MS) as f64).sum();
        let mean_h = waits / 4000.0 / 3_600_000.0;
        assert!((4.0..24.0).contains(&mean_h), "{mean_h}");
        let alone = draw(&RepairParams { other_sites: 0.0, ..p }, 1.0, vec![]);
        assert_eq!(alone.crew_free(u64::MAX), 0);
    }

    #[test]
    fn a_scripted_closure_is_waited_for_and_named() {
        let p = RepairParams { road_closed_share: 0.0, insecure_share: 0.0, ..RepairParams::default() };
        let hold = Hold { from_ms: 0, until_ms: 3 * DAY_MS + 10 * 3_600_000, number: 4 };
        let outside = draw(&p, 0.0, vec![hold]);
        let (left, waited) = outside.leave(9 * 3_600_000);
        assert_eq!(left, hold.until_ms);
        assert_eq!(waited, Some(Hold { from_ms: 9 * 3_600_000, ..hold }));
        assert_eq!(outside.leave(hold.until_ms), (hold.until_ms, None));
    }
}
