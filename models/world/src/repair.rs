//! From failure to mended: notice, dispatch, spares, road, work, all in working hours where people do them.
//!
//! Times are local seconds since 1970 (local midnight is a multiple of 86 400), so weekday and hour follow.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    draw::Draws,
    param::{Checks, ParamError},
    sun::weekday,
};

/// How repair is organised. The default gives a mean time to repair of about four days (assumed in the project's
/// brief; a study of 12 Indian operators saw up to 15 days, the longest waiting for people or spares).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RepairParams {
    /// Mean time until the operator knows, hours. Assumed: 5 (customers call; telemetry may be cut too).
    pub notice_mean_h: f64,
    /// Median working hours until somebody is free to go. Assumed: 7; spread of the logarithm 0.7.
    pub dispatch_median_h: f64,
    /// Distance by road, km. Assumed: 120.
    pub road_km: f64,
    /// Speed on that road, km/h. Assumed: 30.
    pub road_km_per_h: f64,
    /// Probability that the road is closed on a day (rain), 0–1. Assumed: 0.05.
    pub road_closed_share: f64,
    /// Median work on site, hours. Assumed: 2.5; spread of the logarithm 0.5.
    pub on_site_median_h: f64,
    /// Share of repairs that need a part not in stock, 0–1. Assumed: 0.3.
    pub spares_share: f64,
    /// Mean wait for such a part, days. Assumed: 6.
    pub spares_mean_days: f64,
    /// Working day starts, local hour. Assumed: 8.
    pub work_from_h: f64,
    /// Working day ends, local hour. Assumed: 17.
    pub work_until_h: f64,
    /// Working days a week from Monday. Assumed: 5.5 counts as 6.
    pub work_days: u8,
}

impl Default for RepairParams {
    fn default() -> Self {
        Self {
            notice_mean_h: 5.0,
            dispatch_median_h: 7.0,
            road_km: 120.0,
            road_km_per_h: 30.0,
            road_closed_share: 0.05,
            on_site_median_h: 2.5,
            spares_share: 0.3,
            spares_mean_days: 6.0,
            work_from_h: 8.0,
            work_until_h: 17.0,
            work_days: 6,
        }
    }
}

impl RepairParams {
    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        let long_enough = self.work_until_h <= 24.0 && self.work_until_h - self.work_from_h >= 1.0;
        Checks::default()
            .not_negative("repair.notice_mean_h", self.notice_mean_h)
            .not_negative("repair.dispatch_median_h", self.dispatch_median_h)
            .not_negative("repair.road_km", self.road_km)
            .demand(
                (1.0..=200.0).contains(&self.road_km_per_h),
                "repair.road_km_per_h",
                self.road_km_per_h,
                "1 to 200 km/h",
            )
            .demand(
                (0.0..=0.95).contains(&self.road_closed_share),
                "repair.road_closed_share",
                self.road_closed_share,
                "0 to 0.95",
            )
            .positive("repair.on_site_median_h", self.on_site_median_h)
            .share("repair.spares_share", self.spares_share)
            .not_negative("repair.spares_mean_days", self.spares_mean_days)
            .demand((0.0..=23.0).contains(&self.work_from_h), "repair.work_from_h", self.work_from_h, "0 to 23")
            .demand(
                long_enough,
                "repair.work_until_h",
                self.work_until_h,
                "an hour or more after `work_from_h`, up to 24",
            )
            .demand((1..=7).contains(&self.work_days), "repair.work_days", self.work_days, "1 to 7")
            .done()
    }
}

/// Where the time of a repair went, seconds. Waiting for the next working hour counts to the part it delays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RepairParts {
    /// Until the operator knew.
    pub notice_s: u64,
    /// Until somebody was free to go.
    pub dispatch_s: u64,
    /// Until the part was there.
    pub spares_s: u64,
    /// On the road.
    pub travel_s: u64,
    /// Working on site.
    pub on_site_s: u64,
}

impl RepairParts {
    /// From failure to mended.
    #[must_use]
    pub const fn total_s(&self) -> u64 {
        self.notice_s + self.dispatch_s + self.spares_s + self.travel_s + self.on_site_s
    }
}

/// A repair of something that failed at `failed_local_s`.
#[must_use]
#[allow(clippy::cast_possible_wrap, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn mend(params: &RepairParams, failed_local_s: i64, draws: &mut Draws) -> RepairParts {
    let seconds = |h: f64| (h * 3600.0) as i64;
    let noticed = failed_local_s + seconds(draws.exponential(params.notice_mean_h));
    let dispatched = work(params, noticed, seconds(draws.lognormal(params.dispatch_median_h, 0.7)));
    let needs_part = draws.chance(params.spares_share);
    let part_wait = seconds(draws.exponential(params.spares_mean_days) * 24.0);
    let equipped = if needs_part { dispatched + part_wait } else { dispatched };
    // Travel starts in working hours, on a day when the road is open, and then goes through.
    let mut leaves = next_working(params, equipped);
    for _ in 0..60 {
        if !draws.chance(params.road_closed_share) {
            break;
        }
        leaves = next_working(params, leaves - leaves.rem_euclid(86_400) + 86_400);
    }
    let arrived = leaves + seconds(params.road_km / params.road_km_per_h);
    let mended = work(params, arrived, seconds(draws.lognormal(params.on_site_median_h, 0.5)));
    let span = |from: i64, to: i64| (to - from).max(0) as u64;
    RepairParts {
        notice_s: span(failed_local_s, noticed),
        dispatch_s: span(noticed, dispatched),
        spares_s: span(dispatched, equipped),
        travel_s: span(equipped, arrived),
        on_site_s: span(arrived, mended),
    }
}

/// The first moment at or after `at` that lies in working hours.
#[allow(clippy::cast_possible_truncation)]
fn next_working(params: &RepairParams, at: i64) -> i64 {
    let (from, until) = ((params.work_from_h * 3600.0) as i64, (params.work_until_h * 3600.0) as i64);
    let midnight = at - at.rem_euclid(86_400);
    for day in 0..8 {
        let start = midnight + day * 86_400;
        if weekday(start) < params.work_days && at < start + until {
            return at.max(start + from);
        }
    }
    at
}

/// The moment at which `left_s` seconds of work that starts at or after `at` are done.
#[allow(clippy::cast_possible_truncation)]
fn work(params: &RepairParams, at: i64, left_s: i64) -> i64 {
    let until = (params.work_until_h * 3600.0) as i64;
    let (mut now, mut left) = (at, left_s);
    loop {
        now = next_working(params, now);
        let today = now - now.rem_euclid(86_400) + until - now;
        if left <= today || today <= 0 {
            return now + left;
        }
        left -= today;
        now += today;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{NodeKey, Purpose};

    const MONDAY: i64 = 4 * 86_400; // 1970-01-05

    #[test]
    fn work_waits_for_the_working_day() {
        let p = RepairParams::default();
        let at = |day: i64, hour: i64| MONDAY + day * 86_400 + hour * 3600;
        assert_eq!(next_working(&p, at(0, 3)), at(0, 8));
        assert_eq!(next_working(&p, at(5, 18)), at(7, 8)); // Saturday evening → Monday
        assert_eq!(work(&p, at(0, 15), 4 * 3600), at(1, 10));
        assert_eq!(work(&p, at(6, 12), 3600), at(7, 9));
    }

    #[test]
    fn mean_repair_takes_about_four_days() {
        let p = RepairParams::default();
        let n = 4000;
        let total: u64 = (0..n)
            .map(|i| {
                let mut d = Draws::keyed(3, 0, NodeKey(i), Purpose::named("mend"), 0);
                mend(&p, MONDAY + (i as i64 * 7919) % 604_800, &mut d).total_s()
            })
            .sum();
        let days = total as f64 / n as f64 / 86_400.0;
        assert!((3.6..4.4).contains(&days), "{days}");
    }
}
