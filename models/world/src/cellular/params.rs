//! Parameters of the wide-area links, `[comms.cellular]` in a scenario.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    common_cause::CommonCauseParams,
    equipment::EquipmentParams,
    link::Bearer,
    sim_card::SimCardParams,
    site_power::{Crew, SitePowerParams},
    throttle::ThrottleParams,
    vsat::VsatParams,
};
use crate::param::{Checks, ParamError};

/// Share of sites with an outage in a month for which rates below are calibrated.
const CALIBRATED_SHARE: f64 = 0.35;

/// Wide-area links.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CellularParams {
    /// Radio generation of the site's modem: "gprs", "nb_iot" or "lte". Assumed: gprs.
    pub bearer: Bearer,
    /// Share of tower sites with at least one unplanned outage in a month that is aimed at, 0–1; 0: towers never fail.
    /// Assumed: 0.35 (0.30–0.40 in the project's brief, no primary source found). It scales every hazard of the site;
    /// what comes out follows from `site_power`, `equipment` and the weather, and meets the aim at 0.35 under the
    /// bundled Lodwar year.
    pub tower_share_out_per_month: f64,
    /// Shortest tower outage, hours. Assumed: 2 (the brief's range is 2–72 h).
    pub tower_outage_least_h: f64,
    /// Median time until the tower operator's crew has mended or refuelled, hours. Assumed: 11 (not published).
    pub tower_crew_median_h: f64,
    /// Longest tower outage, hours. Assumed: 72.
    pub tower_outage_most_h: f64,
    /// How much towers differ: spread of the logarithm of a factor on all hazards, drawn once per site. Assumed: 0.5.
    pub tower_frailty_sigma: f64,
    /// Power at towers. What share of outages is due to power comes out of it (published: 0.80, Idiapho and Odinikuku
    /// 2018, abstract).
    pub site_power: SitePowerParams,
    /// Equipment of towers.
    pub equipment: EquipmentParams,
    /// Drops of the path of one SIM a month, own, router's and common ones together, at an average site. Assumed: 8.3
    /// (brief; attributed to the World Bank, unverified; it may count tower outages too).
    pub bearer_drops_per_month: f64,
    /// How much sites differ in that rate: spread of the logarithm. Measured elsewhere: 0.85 (Brazilian campus links:
    /// mean 1.209 to median 0.845 a month).
    pub bearer_rate_sigma: f64,
    /// Median drop, minutes. Measured elsewhere: 80 (Brazilian campus links).
    pub bearer_drop_median_min: f64,
    /// 90 % quantile of drops, hours. Measured elsewhere: 15.25 (same).
    pub bearer_drop_p90_h: f64,
    /// Longest drop, hours. Assumed: 72 (longer ones were seen there, p99 75.6 h; here somebody drives out).
    pub bearer_drop_most_h: f64,
    /// Weibull shape of the gaps between drops: below 1 they cluster. Measured elsewhere: 0.766 (same).
    pub bearer_gap_shape: f64,
    /// Share of drops that are the site's own router hanging, which takes both SIMs and the dish, 0–1. Assumed: 0.2.
    pub router_share: f64,
    /// What takes several bearers at once.
    pub common_cause: CommonCauseParams,
    /// The SIM's prepaid bundle.
    pub sim_card: SimCardParams,
    /// Machine traffic put last.
    pub throttle: ThrottleParams,
    /// Probability that the second operator rents the first one's mast and its power, 0–1. Assumed: 0.4.
    pub second_sim_shares_fate: f64,
    /// The satellite link.
    pub vsat: VsatParams,
}

impl Default for CellularParams {
    fn default() -> Self {
        Self {
            bearer: Bearer::Gprs,
            tower_share_out_per_month: CALIBRATED_SHARE,
            tower_outage_least_h: 2.0,
            tower_crew_median_h: 11.0,
            tower_outage_most_h: 72.0,
            tower_frailty_sigma: 0.5,
            site_power: SitePowerParams::default(),
            equipment: EquipmentParams::default(),
            bearer_drops_per_month: 8.3,
            bearer_rate_sigma: 0.85,
            bearer_drop_median_min: 80.0,
            bearer_drop_p90_h: 15.25,
            bearer_drop_most_h: 72.0,
            bearer_gap_shape: 0.766,
            router_share: 0.2,
            common_cause: CommonCauseParams::default(),
            sim_card: SimCardParams::default(),
            throttle: ThrottleParams::default(),
            second_sim_shares_fate: 0.4,
            vsat: VsatParams::default(),
        }
    }
}

impl CellularParams {
    /// Links on which nothing ever fails by itself: for tests and for studies of one cause alone.
    #[must_use]
    pub fn calm() -> Self {
        let mut calm = Self { tower_share_out_per_month: 0.0, bearer_drops_per_month: 0.0, ..Self::default() };
        calm.common_cause.country_per_month = 0.0;
        calm.sim_card.forgotten_share = 0.0;
        calm.throttle.spells_per_month = 0.0;
        calm.vsat.fades_per_wet_day = 0.0;
        calm.vsat.faults_per_month = 0.0;
        calm
    }

    /// The factor on all hazards of towers: the aimed rate over the calibrated one.
    pub(super) fn tower_hazard(&self) -> f64 {
        libm::log(1.0 - self.tower_share_out_per_month) / libm::log(1.0 - CALIBRATED_SHARE)
    }

    pub(super) fn crew(&self) -> Crew {
        Crew {
            least_h: self.tower_outage_least_h,
            median_h: self.tower_crew_median_h,
            most_h: self.tower_outage_most_h,
        }
    }

    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        const RATE: &str = "0 to 1000 a month";
        let share = self.tower_share_out_per_month;
        let (least, median, most) = (self.tower_outage_least_h, self.tower_crew_median_h, self.tower_outage_most_h);
        let (drop_h, p90, longest) =
            (self.bearer_drop_median_min / 60.0, self.bearer_drop_p90_h, self.bearer_drop_most_h);
        let rate = self.bearer_drops_per_month;
        let spread = |s: f64| (0.0..=3.0).contains(&s);
        let router_most = 1.0 - self.common_cause.share_of_drops;
        let mut checks = Checks::default()
            .demand((0.0..0.95).contains(&share), "tower_share_out_per_month", share, "0 to less than 0.95")
            .demand(least > 0.0 && least <= 8766.0, "tower_outage_least_h", least, "more than 0, up to 8766 hours")
            .demand(
                median >= least && median <= 8766.0,
                "tower_crew_median_h",
                median,
                "`tower_outage_least_h` or more, up to 8766 hours",
            )
            .demand(
                most >= median && most <= 8766.0,
                "tower_outage_most_h",
                most,
                "`tower_crew_median_h` or more, up to 8766 hours",
            )
            .demand(spread(self.tower_frailty_sigma), "tower_frailty_sigma", self.tower_frailty_sigma, "0 to 3")
            .demand((0.0..=1000.0).contains(&rate), "bearer_drops_per_month", rate, RATE)
            .demand(spread(self.bearer_rate_sigma), "bearer_rate_sigma", self.bearer_rate_sigma, "0 to 3")
            .positive("bearer_drop_median_min", self.bearer_drop_median_min)
            .demand(
                p90 > drop_h && p90 <= 8766.0,
                "bearer_drop_p90_h",
                p90,
                "more than `bearer_drop_median_min`, up to 8766 hours",
            )
            .demand(
                longest > p90 && longest <= 8766.0,
                "bearer_drop_most_h",
                longest,
                "more than `bearer_drop_p90_h`, up to 8766 hours",
            )
            .demand((0.3..=3.0).contains(&self.bearer_gap_shape), "bearer_gap_shape", self.bearer_gap_shape, "0.3 to 3")
            .demand(
                self.router_share >= 0.0 && self.router_share <= router_most,
                "router_share",
                self.router_share,
                "0 to 1 less `common_cause.share_of_drops`",
            )
            .share("second_sim_shares_fate", self.second_sim_shares_fate);
        checks = self.site_power.checked(checks);
        checks = self.equipment.checked(checks);
        checks = self.common_cause.checked(checks);
        checks = self.sim_card.checked(checks);
        checks = self.throttle.checked(checks);
        self.vsat.checked(checks).done()
    }
}
