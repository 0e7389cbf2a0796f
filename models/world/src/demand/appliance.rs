//! One kind of appliance of a class: what it takes, when it may run, how long, in what rhythm.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::param::{Checks, ParamError};

/// What an appliance is for: decides what becomes of its use when there is no light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Lamps: light missed is not made up for.
    Light,
    /// Phones and batteries: charged later.
    Charging,
    /// Radio, television, computers.
    Media,
    /// Refrigerators and freezers: they run longer afterwards.
    Cooling,
    /// Mills and workshops: customers come again; follows the agricultural season.
    Motor,
    /// Irons, sterilisers, cookers: some of the work is done later.
    Heat,
    /// Fans and everything else.
    #[default]
    Other,
}

/// Days on which an appliance is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Days {
    /// Every day.
    #[default]
    All,
    /// Monday to Friday, outside the holidays where the class has any.
    Weekdays,
    /// Saturday and Sunday, and holidays.
    Weekends,
}

/// A rhythm of full and low power, as of a compressor.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Duty {
    /// Part of the day in which this rhythm holds, hours; where none fits, the last one listed does.
    #[serde(default = "whole_day")]
    pub window_h: [f64; 2],
    /// Minutes at full power.
    pub on_min: f64,
    /// Minutes at low power.
    pub off_min: f64,
    /// Low power, W each.
    #[serde(default)]
    pub low_watts: f64,
    /// Both lengths vary by up to this share, drawn once a day.
    #[serde(default)]
    pub spread: f64,
}

const fn whole_day() -> [f64; 2] {
    [0.0, 24.0]
}

/// One kind of appliance of a class.
///
/// The meaning of windows, times and shares is that of RAMP (Lombardi et al., *Energy* 177, 2019): on a day of use the
/// windows' edges move, a total time is drawn, and random sessions of at least `min_cycle_min` fill it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Appliance {
    /// Name.
    pub name: Cow<'static, str>,
    /// What it is for.
    #[serde(default)]
    pub kind: Kind,
    /// Power of one, W.
    pub watts: f64,
    /// How many the customer has.
    #[serde(default = "one")]
    pub number: u8,
    /// All of them go on and off together; otherwise each session draws how many.
    #[serde(default)]
    pub together: bool,
    /// One to three parts of the day in which it may run, hours from local midnight, at most 24.
    pub windows_h: Cow<'static, [[f64; 2]]>,
    /// Each edge of a window moves from day to day by up to this share of the window's length.
    #[serde(default)]
    pub window_shift: f64,
    /// Time of use on a day of use, minutes over all sessions.
    pub minutes: f64,
    /// The time of use varies by up to this share.
    #[serde(default)]
    pub minutes_spread: f64,
    /// Shortest session, minutes.
    #[serde(default = "one_minute")]
    pub min_cycle_min: f64,
    /// Share of days on which it is used, 0–1.
    #[serde(default = "always")]
    pub share: f64,
    /// Days on which it is used.
    #[serde(default)]
    pub days: Days,
    /// Rhythms of its power; none: full power throughout a session.
    #[serde(default)]
    pub duty: Cow<'static, [Duty]>,
    /// The power of a session varies by up to this share.
    #[serde(default)]
    pub power_spread: f64,
    /// Starting power as a multiple of the running power; 1: no inrush.
    #[serde(default = "always")]
    pub inrush_factor: f64,
}

const fn one() -> u8 {
    1
}

const fn one_minute() -> f64 {
    1.0
}

const fn always() -> f64 {
    1.0
}

impl Appliance {
    /// A single one that is always on in its windows: the start of every table row.
    #[must_use]
    pub const fn plain(
        name: &'static str,
        kind: Kind,
        watts: f64,
        windows_h: &'static [[f64; 2]],
        minutes: f64,
    ) -> Self {
        Self {
            name: Cow::Borrowed(name),
            kind,
            watts,
            number: 1,
            together: false,
            windows_h: Cow::Borrowed(windows_h),
            window_shift: 0.0,
            minutes,
            minutes_spread: 0.0,
            min_cycle_min: 1.0,
            share: 1.0,
            days: Days::All,
            duty: Cow::Borrowed(&[]),
            power_spread: 0.0,
            inrush_factor: 1.0,
        }
    }

    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        let windows = &self.windows_h;
        let room_min: f64 = windows.iter().map(|w| (w[1] - w[0]) * 60.0).sum();
        let in_day = |w: &[f64; 2]| 0.0 <= w[0] && w[0] < w[1] && w[1] <= 24.0;
        let ordered = windows.windows(2).all(|pair| pair[0][1] <= pair[1][0]);
        let mut checks = Checks::default()
            .demand((0.1..=100_000.0).contains(&self.watts), "watts", self.watts, "0.1 to 100000 W")
            .demand((1..=100).contains(&self.number), "number", self.number, "1 to 100")
            .demand((1..=3).contains(&windows.len()), "windows_h", windows.len(), "1 to 3 windows")
            .demand(
                windows.iter().all(in_day) && ordered,
                "windows_h",
                format!("{windows:?}"),
                "from before to, within 0 to 24 h, in order and not overlapping",
            )
            .demand((0.0..=1.0).contains(&self.window_shift), "window_shift", self.window_shift, "0 to 1")
            .demand(
                self.minutes >= 1.0 && self.minutes <= room_min,
                "minutes",
                self.minutes,
                "1 up to the length of the windows",
            )
            .demand((0.0..=1.0).contains(&self.minutes_spread), "minutes_spread", self.minutes_spread, "0 to 1")
            .demand(
                self.min_cycle_min >= 1.0 && self.min_cycle_min <= self.minutes,
                "min_cycle_min",
                self.min_cycle_min,
                "1 up to `minutes`",
            )
            .share("share", self.share)
            .demand((0.0..=0.9).contains(&self.power_spread), "power_spread", self.power_spread, "0 to 0.9")
            .demand((1.0..=12.0).contains(&self.inrush_factor), "inrush_factor", self.inrush_factor, "1 to 12")
            .demand(self.duty.len() <= 3, "duty", self.duty.len(), "at most 3 rhythms");
        for duty in self.duty.iter() {
            checks = checks
                .demand(in_day(&duty.window_h), "duty.window_h", format!("{:?}", duty.window_h), "within 0 to 24 h")
                .demand((1.0..=1440.0).contains(&duty.on_min), "duty.on_min", duty.on_min, "1 to 1440 minutes")
                .demand((1.0..=1440.0).contains(&duty.off_min), "duty.off_min", duty.off_min, "1 to 1440 minutes")
                .demand(
                    duty.low_watts >= 0.0 && duty.low_watts <= self.watts,
                    "duty.low_watts",
                    duty.low_watts,
                    "0 up to `watts`",
                )
                .demand((0.0..=0.9).contains(&duty.spread), "duty.spread", duty.spread, "0 to 0.9");
        }
        checks.done()
    }
}
