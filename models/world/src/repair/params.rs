//! How repair is organised.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::param::{Checks, ParamError};

/// From failure to mended. All figures are assumed (no field study of single steps was found; a study of 12 Indian
/// operators saw outages of up to 15 days, the longest waiting for people or spares; the project's brief speaks of four
/// days). They are stated step by step, so that an operator can put in what is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RepairParams {
    /// Mean working hours until somebody acts on an alarm or a gap. Assumed: 2.
    pub reaction_mean_h: f64,
    /// Time without readings after which a silent meter is an alarm, hours. Assumed: 24.
    pub meter_silence_h: f64,
    /// Time without readings after which a silent feeder is an alarm, hours. Assumed: 2 (two hourly readings).
    pub feeder_silence_h: f64,
    /// Time for which a site may be out of sight before somebody asks why, hours. Assumed: 24, as links drop often.
    pub gap_patience_h: f64,
    /// There is a caretaker in the village who sees a dark plant and a dark street, and can reset a breaker.
    pub caretaker: bool,
    /// Mean waking time until the caretaker has seen it and tried to call, hours. Assumed: 3.
    pub caretaker_notice_mean_h: f64,
    /// Probability that the caretaker can clear a tripped breaker or a hung concentrator, 0–1. Assumed: 0.7.
    pub caretaker_fix_share: f64,
    /// Mean waking time in which that is done, hours. Assumed: 2.
    pub caretaker_fix_mean_h: f64,
    /// Probability that a tripped BMS, breaker, a hung concentrator or its flash is brought back from afar, where the
    /// site can be seen, 0–1. Assumed: 0.6.
    pub remote_fix_share: f64,
    /// Median working hours of diagnosis, from afar or by telephone. Assumed: 1.5; spread of the logarithm 0.7.
    pub diagnosis_median_h: f64,
    /// Probability that the right part is taken along when the site can be seen, 0–1. Assumed: 0.9.
    pub right_part_seen: f64,
    /// Probability that the right part is taken along on a description by telephone, 0–1. Assumed: 0.6.
    pub right_part_blind: f64,
    /// Median working hours until people, vehicle, fuel and money are together. Assumed: 4; spread of the logarithm 0.7.
    pub dispatch_median_h: f64,
    /// Other sites that the crew looks after. Assumed: 10.
    pub other_sites: f64,
    /// Visits that each of them needs a year. Assumed: 6.
    pub other_visits_per_year: f64,
    /// Median working hours of such a visit, the road included. Assumed: 11; spread of the logarithm 0.5.
    pub other_visit_median_h: f64,
    /// Distance by road, km. Assumed: 120.
    pub road_km: f64,
    /// Speed on that road, km/h. Assumed: 30.
    pub road_km_per_h: f64,
    /// Probability that a mean day's rain closes the road, 0–1; grows with rain. Assumed: 0.04.
    pub road_closed_share: f64,
    /// Probability that a closed road is still closed the next day, 0–1. Assumed: 0.4.
    pub road_stays_closed_share: f64,
    /// Probability that on a day a spell begins in which nobody travels for want of security, 0–1. Assumed: 0.003.
    pub insecure_share: f64,
    /// Mean length of such a spell, days. Assumed: 3.
    pub insecure_mean_days: f64,
    /// Probability that a small part (meter, breaker, cable, router) is on site, 0–1. Assumed: 0.3.
    pub small_part_on_site: f64,
    /// Probability that a small part that is not on site is in the operator's depot, 0–1. Assumed: 0.9.
    pub small_part_in_depot: f64,
    /// Probability that a large part (inverter, charge controller, panels, concentrator) is on site, 0–1. Assumed: 0.05.
    pub large_part_on_site: f64,
    /// Probability that a large part that is not on site is in the depot, 0–1. Assumed: 0.55.
    pub large_part_in_depot: f64,
    /// Mean wait for a part that is ordered, days. Assumed: 8.
    pub order_mean_days: f64,
    /// Median work on site, hours. Assumed: 2.5; spread of the logarithm 0.5.
    pub on_site_median_h: f64,
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
            reaction_mean_h: 2.0,
            meter_silence_h: 24.0,
            feeder_silence_h: 2.0,
            gap_patience_h: 24.0,
            caretaker: true,
            caretaker_notice_mean_h: 3.0,
            caretaker_fix_share: 0.7,
            caretaker_fix_mean_h: 2.0,
            remote_fix_share: 0.6,
            diagnosis_median_h: 1.5,
            right_part_seen: 0.9,
            right_part_blind: 0.6,
            dispatch_median_h: 4.0,
            other_sites: 10.0,
            other_visits_per_year: 6.0,
            other_visit_median_h: 11.0,
            road_km: 120.0,
            road_km_per_h: 30.0,
            road_closed_share: 0.04,
            road_stays_closed_share: 0.4,
            insecure_share: 0.003,
            insecure_mean_days: 3.0,
            small_part_on_site: 0.3,
            small_part_in_depot: 0.9,
            large_part_on_site: 0.05,
            large_part_in_depot: 0.55,
            order_mean_days: 8.0,
            on_site_median_h: 2.5,
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
        // Together these are the length of the queue that a run draws.
        let sites = (0.0..=1000.0).contains(&self.other_sites);
        let visits = (0.0..=365.0).contains(&self.other_visits_per_year);
        let visit_h = (0.01..=1000.0).contains(&self.other_visit_median_h);
        let mut found = Checks::default()
            .not_negative("repair.reaction_mean_h", self.reaction_mean_h)
            .not_negative("repair.meter_silence_h", self.meter_silence_h)
            .not_negative("repair.feeder_silence_h", self.feeder_silence_h)
            .not_negative("repair.gap_patience_h", self.gap_patience_h)
            .not_negative("repair.caretaker_notice_mean_h", self.caretaker_notice_mean_h)
            .share("repair.caretaker_fix_share", self.caretaker_fix_share)
            .not_negative("repair.caretaker_fix_mean_h", self.caretaker_fix_mean_h)
            .share("repair.remote_fix_share", self.remote_fix_share)
            .not_negative("repair.diagnosis_median_h", self.diagnosis_median_h)
            .share("repair.right_part_seen", self.right_part_seen)
            .share("repair.right_part_blind", self.right_part_blind)
            .not_negative("repair.dispatch_median_h", self.dispatch_median_h)
            .demand(sites, "repair.other_sites", self.other_sites, "0 to 1000")
            .demand(visits, "repair.other_visits_per_year", self.other_visits_per_year, "0 to 365 a year")
            .demand(visit_h, "repair.other_visit_median_h", self.other_visit_median_h, "0.01 to 1000 h")
            .not_negative("repair.road_km", self.road_km)
            .demand(
                (1.0..=200.0).contains(&self.road_km_per_h),
                "repair.road_km_per_h",
                self.road_km_per_h,
                "1 to 200 km/h",
            )
            .done();
        let below_one = |v: f64| (0.0..=0.95).contains(&v);
        let allowed = "0 to 0.95";
        let more = Checks::default()
            .demand(below_one(self.road_closed_share), "repair.road_closed_share", self.road_closed_share, allowed)
            .demand(
                below_one(self.road_stays_closed_share),
                "repair.road_stays_closed_share",
                self.road_stays_closed_share,
                allowed,
            )
            .demand(
                (0.0..=0.2).contains(&self.insecure_share),
                "repair.insecure_share",
                self.insecure_share,
                "0 to 0.2",
            )
            .not_negative("repair.insecure_mean_days", self.insecure_mean_days)
            .share("repair.small_part_on_site", self.small_part_on_site)
            .share("repair.small_part_in_depot", self.small_part_in_depot)
            .share("repair.large_part_on_site", self.large_part_on_site)
            .share("repair.large_part_in_depot", self.large_part_in_depot)
            .not_negative("repair.order_mean_days", self.order_mean_days)
            .positive("repair.on_site_median_h", self.on_site_median_h)
            .demand((0.0..=23.0).contains(&self.work_from_h), "repair.work_from_h", self.work_from_h, "0 to 23")
            .demand(
                long_enough,
                "repair.work_until_h",
                self.work_until_h,
                "an hour or more after `work_from_h`, up to 24",
            )
            .demand((1..=7).contains(&self.work_days), "repair.work_days", self.work_days, "1 to 7")
            .done();
        found.extend(more);
        found
    }
}
