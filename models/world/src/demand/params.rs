//! How much people use, and how that reacts to price, season, growth and darkness.

use std::{borrow::Cow, collections::BTreeMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Class, ClassName, Profile,
    appliance::{Appliance, Kind},
    day::Today,
};
use crate::{
    draw::Draws,
    param::{Checks, ParamError},
};

/// How much people use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DemandParams {
    /// Multiplies every appliance's power. Assumed: 1, the model village.
    pub scale: f64,
    /// Spread of the logarithm of customers' factors within a class (mean 1). Assumed: 0.4; over all households
    /// of the Beninese villages together it is 0.9, most of which the classes carry.
    pub spread_sigma: f64,
    /// Growth of everybody's use a year, share. Assumed: 0; measured villages grow by 0 to 0.15 in the first years.
    pub growth_per_year: f64,
    /// Time of use of motors by month, January first, as a multiple of the year's mean. Assumed: 1 throughout;
    /// after a single maize harvest 1.6 to 2 in two or three months is usual.
    pub motor_season: [f64; 12],
    /// Holidays of schools as pairs of month and day, first and last day (`[[12, 1], [1, 10]]`). Assumed: none.
    pub school_holidays: Vec<[[u8; 2]; 2]>,
    /// Price elasticity of use: use follows (price / reference)^-elasticity. Assumed: 0.3.
    pub price_elasticity: f64,
    /// Price a kWh at which the appliances are used as listed, units of the tariff's currency; left out: the
    /// scenario's own tariff, so that there is nothing to react to.
    pub reference_price_per_kwh: Option<f64>,
    /// What becomes of use that falls into darkness.
    pub deferral: DeferralParams,
    /// A CSV file with the power of whole classes (time, then one column a class, W), in place of drawn demand;
    /// columns named as RAMP's village has them (`hh_low`, `hh_mid`, `hh_high`) or as the classes.
    pub profile: Option<String>,
    /// Customers that each column of the profile stands for; left out: as many as the village has.
    pub profile_users: BTreeMap<String, u32>,
    /// Classes of the scenario's own; one with the name of a built-in class replaces it.
    pub class: BTreeMap<String, OwnClass>,
    /// The profile file as read by the loader; never written.
    #[serde(skip)]
    #[schemars(skip)]
    pub profiles: BTreeMap<Class, Profile>,
}

impl Default for DemandParams {
    fn default() -> Self {
        Self {
            scale: 1.0,
            spread_sigma: 0.4,
            growth_per_year: 0.0,
            motor_season: [1.0; 12],
            school_holidays: Vec::new(),
            price_elasticity: 0.3,
            reference_price_per_kwh: None,
            deferral: DeferralParams::default(),
            profile: None,
            profile_users: BTreeMap::new(),
            class: BTreeMap::new(),
            profiles: BTreeMap::new(),
        }
    }
}

/// A class of the scenario's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnClass {
    /// What its customers own.
    pub appliance: Vec<Appliance>,
    /// What the connection may draw, W: the breaker that the operator fits. Assumed: 2300, 10 A at 230 V.
    #[serde(default = "ten_ampere")]
    pub limit_w: f64,
}

const fn ten_ampere() -> f64 {
    2300.0
}

/// What becomes of use that falls into darkness: the share, by kind of appliance, that is made up for when the light
/// is back; the rest is lost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeferralParams {
    /// Lamps. Assumed: 0.
    pub light: f64,
    /// Phones and batteries. Assumed: 0.9; a phone that is empty is charged as soon as it can be.
    pub charging: f64,
    /// Radio, television, computers. Assumed: 0.1.
    pub media: f64,
    /// Refrigerators. Assumed: 0.6: heat that leaked in is pumped out, less of it as the box warms up.
    pub cooling: f64,
    /// Mills and workshops. Assumed: 0.7: the grain still has to be ground.
    pub motor: f64,
    /// Irons, sterilisers. Assumed: 0.5.
    pub heat: f64,
    /// Everything else. Assumed: 0.
    pub other: f64,
    /// Only what was missed within this time before the light came back returns, hours. Assumed: 24.
    pub within_h: f64,
    /// Time over which it returns, hours. Assumed: 4.
    pub over_h: f64,
}

impl Default for DeferralParams {
    fn default() -> Self {
        Self {
            light: 0.0,
            charging: 0.9,
            media: 0.1,
            cooling: 0.6,
            motor: 0.7,
            heat: 0.5,
            other: 0.0,
            within_h: 24.0,
            over_h: 4.0,
        }
    }
}

impl DeferralParams {
    /// Shares in the order of [`Kind`].
    #[must_use]
    pub const fn shares(&self) -> [f64; 7] {
        [self.light, self.charging, self.media, self.cooling, self.motor, self.heat, self.other]
    }

    fn check(&self, checks: Checks) -> Checks {
        checks
            .share("deferral.light", self.light)
            .share("deferral.charging", self.charging)
            .share("deferral.media", self.media)
            .share("deferral.cooling", self.cooling)
            .share("deferral.motor", self.motor)
            .share("deferral.heat", self.heat)
            .share("deferral.other", self.other)
            .demand((1.0..=240.0).contains(&self.within_h), "deferral.within_h", self.within_h, "1 to 240 hours")
            .demand((0.1..=48.0).contains(&self.over_h), "deferral.over_h", self.over_h, "0.1 to 48 hours")
    }
}

const DAYS_OF_MONTH: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

impl DemandParams {
    /// What is out of range; own classes apart ([`Self::check_classes`]).
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        let date = |&[month, day]: &[u8; 2]| {
            (1..=12).contains(&month) && (1..=DAYS_OF_MONTH[usize::from(month) - 1]).contains(&day)
        };
        let price = self.reference_price_per_kwh.unwrap_or(1.0);
        let checks = Checks::default()
            .demand((0.01..=100.0).contains(&self.scale), "scale", self.scale, "0.01 to 100")
            .demand((0.0..=2.0).contains(&self.spread_sigma), "spread_sigma", self.spread_sigma, "0 to 2")
            .demand((-0.5..=1.0).contains(&self.growth_per_year), "growth_per_year", self.growth_per_year, "-0.5 to 1")
            .demand(
                self.motor_season.iter().all(|f| (0.0..=6.0).contains(f)),
                "motor_season",
                format!("{:?}", self.motor_season),
                "twelve numbers from 0 to 6",
            )
            .demand(
                self.school_holidays.iter().flatten().all(date),
                "school_holidays",
                format!("{:?}", self.school_holidays),
                "pairs of [month, day]",
            )
            .demand((0.0..=3.0).contains(&self.price_elasticity), "price_elasticity", self.price_elasticity, "0 to 3")
            .positive("reference_price_per_kwh", price);
        self.deferral.check(checks).done()
    }

    /// What is wrong with the scenario's own classes: path below `demand`, and the error.
    #[must_use]
    pub fn check_classes(&self) -> Vec<(String, ParamError)> {
        let mut found = Vec::new();
        for (name, own) in &self.class {
            let path = format!("class.{name}");
            if Class::of(name).is_none() {
                let value = format!("`{name}`");
                found.push((path.clone(), ParamError { field: "class", value, allowed: ClassName::ALLOWED }));
            }
            let whole = Checks::default()
                .demand(!own.appliance.is_empty(), "appliance", "empty", "at least one appliance")
                .demand((1.0..=1e6).contains(&own.limit_w), "limit_w", own.limit_w, "1 to 1000000 W");
            found.extend(whole.done().into_iter().map(|error| (path.clone(), error)));
            for (i, appliance) in own.appliance.iter().enumerate() {
                found.extend(appliance.check().into_iter().map(|error| (format!("{path}.appliance.{i}"), error)));
            }
        }
        found
    }

    /// One customer's multiple of the class's power, drawn once: some use more than others of their class (mean
    /// factor 1, at most 6).
    #[must_use]
    pub fn factor(&self, draws: &mut Draws) -> f64 {
        let median = libm::exp(-0.5 * self.spread_sigma * self.spread_sigma);
        self.scale * draws.lognormal(median, self.spread_sigma).min(6.0)
    }

    /// How use reacts to this price a kWh, as a factor; bounded to 1/4 and 4.
    #[must_use]
    pub fn price_factor(&self, price_per_kwh: f64) -> f64 {
        match self.reference_price_per_kwh {
            Some(reference) if price_per_kwh > 0.0 => {
                libm::pow(price_per_kwh / reference, -self.price_elasticity).clamp(0.25, 4.0)
            }
            _ => 1.0,
        }
    }

    /// Growth since the run's first day, as a factor.
    #[must_use]
    pub fn growth_factor(&self, day: u64) -> f64 {
        if self.growth_per_year == 0.0 {
            return 1.0;
        }
        libm::pow(1.0 + self.growth_per_year, day as f64 / 365.0)
    }

    /// Schools are on holiday on this day of this month (1–12).
    #[must_use]
    pub fn on_holiday(&self, month: u8, day: u8) -> bool {
        let now = [month, day];
        self.school_holidays.iter().any(|[first, last]| {
            if first <= last { (*first..=*last).contains(&now) } else { now >= *first || now <= *last }
        })
    }

    /// What day `day` (days since 1 January 1970, local) asks of a customer of this class whose factor is `scale`.
    #[must_use]
    pub fn today(&self, class: &Class, local_day: i64, run_day: u64, scale: f64) -> Today {
        let (month, day) = month_day(local_day);
        Today {
            // 1 January 1970 was a Thursday.
            weekday: u8::try_from((local_day + 3).rem_euclid(7)).unwrap_or(0),
            holiday: *class == Class::School && self.on_holiday(month, day),
            scale: scale * self.growth_factor(run_day),
            season: self.motor_season[usize::from(month) - 1],
            deferrable: self.deferral.shares(),
        }
    }

    /// The class that a profile's column stands for: RAMP's village calls households `hh_low`, `hh_mid`, `hh_high`.
    #[must_use]
    pub fn class_of_column(column: &str) -> Option<Class> {
        let name = match column {
            "hh_low" => Cow::Borrowed("household_low"),
            "hh_mid" => Cow::Borrowed("household_middle"),
            "hh_high" => Cow::Borrowed("household_high"),
            other => Cow::Borrowed(other),
        };
        Class::of(&name)
    }

    /// The share of a profile's energy, which does not tell its appliances, that is made up for: the mean of all kinds.
    #[must_use]
    pub fn profile_deferrable(&self) -> f64 {
        let shares = self.deferral.shares();
        shares.iter().sum::<f64>() / shares.len() as f64
    }
}

/// Month (1–12) and day (1–31) of a day counted from 1 January 1970, in the Gregorian calendar.
#[must_use]
pub fn month_day(days: i64) -> (u8, u8) {
    // Years counted from March, so that the leap day is the last: 146097 days in 400 years.
    let of_era = (days + 719_468).rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (u8::try_from(month).unwrap_or(1), u8::try_from(day).unwrap_or(1))
}

const _: () = assert!(Kind::Other as usize == 6);
