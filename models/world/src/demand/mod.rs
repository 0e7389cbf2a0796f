//! What customers switch on and off over a day, by class.
//!
//! [`day_switches`] lists the changes of one customer's power from one local midnight on: appliances run in sessions,
//! each within its window of the day ([`appliances`]). A day is a function of its draws, so the caller keys the draws
//! by (customer, day) and can make days in any order. Sessions that begin before midnight may end after it:
//! `at_s` then passes 86 400, and the next day's list overlaps by those.
//!
//! Power is wanted whether or not the lights are on: the caller decides what becomes of a session that falls into
//! darkness (here it simply is not served; nothing is made up for later).
//!
//! **How near to reality.** The tables are fitted to a RAMP model village (180 households, shops, school, clinic, two
//! mills): daily energy per class within 5 %, hourly shape as tested. Measured households use less evenly: Gbowele
//! and Samionta (Benin, 131 households) have a median of 210 Wh a day and a mean of 362, Ruhiira (Uganda, 46
//! circuits) a median of 190 and a mean of 240; the three household classes here use 97, 486 and 2535 Wh, so a mix of
//! 60 / 32 / 8 % comes near the Beninese mean. `spread_sigma` spreads customers within a class.

pub mod appliances;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    draw::Draws,
    param::{Checks, ParamError},
};

/// Consumption class of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Lamps and phones.
    HouseholdLow,
    /// Also a television and a radio.
    HouseholdMiddle,
    /// Also a refrigerator and fans.
    HouseholdHigh,
    /// A shop with a freezer.
    Shop,
    /// A school with computers; closed at weekends.
    School,
    /// A clinic with a vaccine refrigerator and a steriliser.
    Clinic,
    /// A maize mill.
    Mill,
}

impl Class {
    /// All classes.
    pub const ALL: [Self; 7] = [
        Self::HouseholdLow,
        Self::HouseholdMiddle,
        Self::HouseholdHigh,
        Self::Shop,
        Self::School,
        Self::Clinic,
        Self::Mill,
    ];

    /// The name used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HouseholdLow => "household_low",
            Self::HouseholdMiddle => "household_middle",
            Self::HouseholdHigh => "household_high",
            Self::Shop => "shop",
            Self::School => "school",
            Self::Clinic => "clinic",
            Self::Mill => "mill",
        }
    }
}

/// How much people use.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DemandParams {
    /// Multiplies every appliance's power. Assumed: 1, the model village.
    pub scale: f64,
    /// Spread of the logarithm of customers' factors within a class (mean 1). Assumed: 0.4; over all households
    /// of the Beninese villages together it is 0.9, most of which the classes carry.
    pub spread_sigma: f64,
}

impl Default for DemandParams {
    fn default() -> Self {
        Self { scale: 1.0, spread_sigma: 0.4 }
    }
}

impl DemandParams {
    /// What is out of range.
    #[must_use]
    pub fn check(&self) -> Vec<ParamError> {
        Checks::default()
            .demand((0.01..=100.0).contains(&self.scale), "scale", self.scale, "0.01 to 100")
            .demand((0.0..=2.0).contains(&self.spread_sigma), "spread_sigma", self.spread_sigma, "0 to 2")
            .done()
    }

    /// The same for one customer, drawn once: some use more than others of their class (mean factor 1, at most 6).
    #[must_use]
    pub fn for_customer(&self, draws: &mut Draws) -> Self {
        let median = libm::exp(-0.5 * self.spread_sigma * self.spread_sigma);
        let factor = draws.lognormal(median, self.spread_sigma).min(6.0);
        Self { scale: self.scale * factor, spread_sigma: 0.0 }
    }
}

/// A change of a customer's power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Switch {
    /// Seconds after the day's local midnight; may pass 86 400.
    pub at_s: u32,
    /// Change of power, milliwatts.
    pub delta_mw: i64,
}

/// One kind of appliance of a class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Appliance {
    /// Name.
    pub name: &'static str,
    /// Power of all of them together while on, W.
    pub watts: f64,
    /// Sessions a day, each in its own equal part of the window.
    pub sessions: u8,
    /// Probability that a session takes place, 0–1.
    pub share: f64,
    /// Window of the day, hours from local midnight; may pass 24.
    pub window_h: [f64; 2],
    /// Mean length of a session, minutes (uniform ± 20 %, cut to its part of the window).
    pub minutes: f64,
    /// Factor on the probability at weekends.
    pub weekend: f64,
}

impl Appliance {
    /// Mean energy on a day with this probability factor, Wh. Sessions long for their part of the window are cut.
    fn mean_wh(&self, factor: f64) -> f64 {
        let room_h = (self.window_h[1] - self.window_h[0]) / f64::from(self.sessions);
        let mean_h = self.minutes / 60.0;
        // Mean of a uniform length between 0.8 and 1.2 of the mean, cut at the room.
        let (low, high) = (0.8 * mean_h, 1.2 * mean_h);
        let cut_mean = if room_h >= high {
            mean_h
        } else if room_h <= low {
            room_h
        } else {
            (0.5 * (room_h * room_h - low * low) + room_h * (high - room_h)) / (high - low)
        };
        self.watts * f64::from(self.sessions) * (self.share * factor).min(1.0) * cut_mean
    }
}

/// The switches of one customer on one day, appended to an emptied `out`: sorted by time, summing to zero.
///
/// `weekday` 0 is Monday. Give the customer's own parameters ([`DemandParams::for_customer`]).
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn day_switches(class: Class, params: &DemandParams, draws: &mut Draws, weekday: u8, out: &mut Vec<Switch>) {
    out.clear();
    for appliance in appliances::of(class) {
        let share = if weekday >= 5 { appliance.share * appliance.weekend } else { appliance.share };
        let delta_mw = libm::round(appliance.watts * params.scale * 1000.0) as i64;
        let room_s = (appliance.window_h[1] - appliance.window_h[0]) * 3600.0 / f64::from(appliance.sessions);
        for session in 0..appliance.sessions {
            // Drawn in any case, so that a skipped session does not shift the draws of the next.
            let (take, length, place) = (draws.uniform(), draws.uniform(), draws.uniform());
            if take >= share || delta_mw == 0 {
                continue;
            }
            let length_s = (appliance.minutes * 60.0 * (0.8 + 0.4 * length)).min(room_s);
            let start_s = appliance.window_h[0] * 3600.0 + f64::from(session) * room_s + place * (room_s - length_s);
            let (on, off) = (start_s as u32, ((start_s + length_s) as u32).max(start_s as u32 + 1));
            out.push(Switch { at_s: on, delta_mw });
            out.push(Switch { at_s: off, delta_mw: -delta_mw });
        }
    }
    out.sort_unstable();
}

/// Mean energy a day over the week of a customer of this class at scale 1, Wh.
#[must_use]
pub fn mean_daily_wh(class: Class) -> f64 {
    appliances::of(class).iter().map(|a| (5.0 * a.mean_wh(1.0) + 2.0 * a.mean_wh(a.weekend)) / 7.0).sum()
}

/// What a customer of this class adds to the village's yearly one-minute peak, after coincidence within the class, W.
///
/// The class's peak in the model village divided by its customers; small classes (school, clinic, mill) count whole,
/// and the peaks of classes do not fall together: the village's is about three quarters of their sum.
#[must_use]
pub const fn peak_w(class: Class) -> f64 {
    match class {
        Class::HouseholdLow => 15.4,
        Class::HouseholdMiddle => 88.8,
        Class::HouseholdHigh => 365.5,
        Class::Shop => 206.1,
        Class::School => 645.0,
        Class::Clinic => 1880.0,
        Class::Mill => 7520.0,
    }
}

#[cfg(test)]
mod tests;
