//! What the customers of a class own, ready for drawing days; and what that comes to.

use std::collections::BTreeMap;

use super::{
    Class, DemandParams,
    appliance::Appliance,
    measure::{Figures, measure},
    profile::Profile,
    tables,
};

/// The appliances of a class.
#[derive(Clone, Debug, PartialEq)]
pub struct Kit {
    /// The appliances.
    pub appliances: Vec<Appliance>,
    /// The class's busy time, minutes of the day: sessions that touch it run half of their kind.
    pub busy_min: [i32; 2],
}

/// The busy time reaches this many hours to both sides of the middle of the hours at which most could be on. Assumed:
/// 2.2, about the mean of RAMP's random one at its default `peak_enlarge` of 0.15 (0.12 of 18 to 20 h).
const BUSY_H: f64 = 2.2;

impl Kit {
    /// Finds the busy time: around the minutes at which the windows of the most power overlap.
    #[must_use]
    pub fn of(appliances: Vec<Appliance>) -> Self {
        let possible = |minute: i32| -> f64 {
            let hour = f64::from(minute) / 60.0;
            let open = |a: &&Appliance| a.windows_h.iter().any(|w| w[0] <= hour && hour < w[1]);
            appliances.iter().filter(open).map(|a| a.watts * f64::from(a.number)).sum()
        };
        let most = (0..1440).map(possible).fold(0.0, f64::max);
        let (mut sum, mut count) = (0, 0);
        for minute in (0..1440).filter(|&m| possible(m) >= most - 1e-9) {
            sum += minute;
            count += 1;
        }
        let middle = f64::from(sum) / f64::from(count.max(1));
        #[allow(clippy::cast_possible_truncation)]
        let busy_min = [middle - BUSY_H * 60.0, middle + BUSY_H * 60.0].map(|m| m as i32);
        Self { appliances, busy_min }
    }

    /// Figures of a village of `users` such customers over `days` days that begin on a Monday.
    #[must_use]
    pub fn figures(&self, users: u32, days: u32) -> Figures {
        measure(self, users, days, 0, 1, |_| 1.0).figures()
    }
}

/// How the customers of a class come by their demand.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// Drawn day by day from appliances.
    Kit(Kit),
    /// Read from a profile, everybody alike but for their own factors.
    Profile(Profile),
}

/// A class as a scenario has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Usage {
    /// Where its demand comes from.
    pub source: Source,
    /// Mean energy a day of one customer at scale 1, Wh.
    pub mean_daily_wh: f64,
    /// What one customer adds to the class's yearly peak, W.
    pub peak_w: f64,
}

/// All classes of a scenario.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Catalogue {
    usages: BTreeMap<Class, Usage>,
}

impl Catalogue {
    /// Built-in classes, those of the scenario's own, and profiles in place of either.
    ///
    /// The energy of own classes is measured over 40 customers and 28 days.
    #[must_use]
    pub fn new(params: &DemandParams) -> Self {
        let mut usages = BTreeMap::new();
        for class in Class::ALL {
            let source = Source::Kit(tables::kit(class));
            usages.insert(class, Usage { source, mean_daily_wh: mean_daily_wh(class), peak_w: peak_w(class) });
        }
        for (name, own) in &params.class {
            let kit = Kit::of(own.appliance.clone());
            let figures = kit.figures(40, 28);
            let usage = Usage {
                source: Source::Kit(kit),
                mean_daily_wh: figures.daily_wh / 40.0,
                peak_w: figures.peak_w / 40.0,
            };
            if let Some(class) = Class::of(name) {
                usages.insert(class, usage);
            }
        }
        for (class, profile) in &params.profiles {
            let usage = Usage {
                source: Source::Profile(profile.clone()),
                mean_daily_wh: profile.mean_daily_wh(),
                peak_w: profile.peak_w(),
            };
            usages.insert(*class, usage);
        }
        Self { usages }
    }

    /// A class; one that is not defined has nothing.
    #[must_use]
    pub fn usage(&self, class: &Class) -> Option<&Usage> {
        self.usages.get(class)
    }

    /// Mean energy a day of one customer at scale 1, Wh.
    #[must_use]
    pub fn mean_daily_wh(&self, class: &Class) -> f64 {
        self.usage(class).map_or(0.0, |usage| usage.mean_daily_wh)
    }

    /// What one customer adds to the class's yearly peak, W.
    #[must_use]
    pub fn peak_w(&self, class: &Class) -> f64 {
        self.usage(class).map_or(0.0, |usage| usage.peak_w)
    }
}

/// Mean energy a day over the week of a customer of a built-in class at scale 1, Wh; a class of the scenario's own
/// counts as a middle household here ([`Catalogue::mean_daily_wh`] knows better).
#[must_use]
pub const fn mean_daily_wh(class: Class) -> f64 {
    tables::ROWS[tables::row(class)].1
}

/// What a customer of this class adds to the village's yearly peak, after coincidence within the class, W.
///
/// The class's one-minute peak in the model village divided by its customers; small classes (school, clinic, mill)
/// count whole, and the peaks of classes do not fall together: the village's is about three quarters of their sum.
#[must_use]
pub const fn peak_w(class: Class) -> f64 {
    tables::ROWS[tables::row(class)].2
}
