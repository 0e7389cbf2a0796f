//! Appliances of the built-in classes.
//!
//! **Where they come from.** Kinds and rough powers are ordinary ones (*Assumed*). Powers, windows, times and shares
//! were fitted (covariance matrix adaptation, one class at a time) so that a year of this generator has the energy, the
//! hourly shape and spread, the daily and yearly peaks and the customers' own peaks of a modelled village: RAMP 0.5.2,
//! seed 42, of which only the demand is at hand, not the appliances. So a row is one way to make that demand, not a
//! survey. `models/world/tests/ramp_village.rs` holds the figures against the village; `docs/demand.md` shows them.
//!
//! Starting currents are *Assumed*: compressors five times the running power for half a second, the mill twice for five
//! seconds (a soft starter; direct on line it would be five to seven).

use std::borrow::Cow;

use super::{
    Class, Kit,
    appliance::{Appliance, Days, Duty, Kind},
};

/// Row of a class in [`ROWS`].
pub(super) const fn row(class: Class) -> usize {
    match class {
        Class::HouseholdLow => 0,
        Class::HouseholdMiddle | Class::Own(_) => 1,
        Class::HouseholdHigh => 2,
        Class::Shop => 3,
        Class::School => 4,
        Class::Clinic => 5,
        Class::Mill => 6,
    }
}

/// Class, mean energy a day (Wh), part of the yearly one-minute peak (W).
pub(super) const ROWS: [(Class, f64, f64); 7] = [
    (Class::HouseholdLow, 97.17, 15.4),
    (Class::HouseholdMiddle, 486.38, 88.8),
    (Class::HouseholdHigh, 2535.1, 365.5),
    (Class::Shop, 2315.8, 206.1),
    (Class::School, 920.2, 645.0),
    (Class::Clinic, 3975.1, 1880.0),
    (Class::Mill, 19047.2, 7520.0),
];

/// The kit of a built-in class; a class of the scenario's own counts as a middle household here.
#[must_use]
pub fn kit(class: Class) -> Kit {
    Kit::of(match class {
        Class::HouseholdLow => household_low(),
        Class::HouseholdMiddle | Class::Own(_) => household_middle(),
        Class::HouseholdHigh => household_high(),
        Class::Shop => shop(),
        Class::School => school(),
        Class::Clinic => clinic(),
        Class::Mill => mill(),
    })
}

fn compressor() -> Appliance {
    Appliance { inrush_factor: 5.0, ..Appliance::plain("", Kind::Cooling, 1.0, &[[0.0, 24.0]], 1440.0) }
}

fn household_low() -> Vec<Appliance> {
    vec![
        Appliance {
            window_shift: 0.076,
            minutes_spread: 0.247,
            min_cycle_min: 43.0,
            ..Appliance::plain("light_outside", Kind::Light, 5.7, &[[0.0, 5.81], [18.12, 24.0]], 461.8)
        },
        Appliance {
            number: 2,
            window_shift: 0.257,
            minutes_spread: 0.143,
            min_cycle_min: 13.0,
            ..Appliance::plain("lamps", Kind::Light, 8.8, &[[4.86, 5.73], [17.65, 23.0]], 170.5)
        },
        Appliance {
            window_shift: 0.264,
            minutes_spread: 0.068,
            min_cycle_min: 32.0,
            share: 0.893,
            ..Appliance::plain("radio", Kind::Media, 5.0, &[[5.57, 10.15]], 167.6)
        },
        Appliance {
            window_shift: 0.2,
            minutes_spread: 0.2,
            min_cycle_min: 20.0,
            share: 0.689,
            ..Appliance::plain("phone", Kind::Charging, 5.7, &[[16.67, 23.5]], 65.0)
        },
    ]
}

fn household_middle() -> Vec<Appliance> {
    vec![
        Appliance {
            window_shift: 0.156,
            minutes_spread: 0.119,
            min_cycle_min: 51.0,
            ..Appliance::plain("light_outside", Kind::Light, 7.6, &[[0.0, 5.23], [18.75, 24.0]], 628.7)
        },
        Appliance {
            number: 4,
            window_shift: 0.28,
            minutes_spread: 0.15,
            min_cycle_min: 32.0,
            ..Appliance::plain("lamps", Kind::Light, 8.9, &[[4.98, 6.47], [17.86, 24.0]], 297.2)
        },
        Appliance {
            window_shift: 0.206,
            minutes_spread: 0.2,
            min_cycle_min: 22.0,
            share: 0.66,
            ..Appliance::plain("radio", Kind::Media, 4.5, &[[5.8, 8.5]], 120.7)
        },
        Appliance {
            window_shift: 0.583,
            minutes_spread: 0.116,
            min_cycle_min: 111.0,
            share: 0.91,
            ..Appliance::plain("television_noon", Kind::Media, 90.0, &[[12.39, 15.09]], 161.8)
        },
        Appliance {
            window_shift: 0.32,
            minutes_spread: 0.049,
            min_cycle_min: 79.0,
            ..Appliance::plain("television_evening", Kind::Media, 86.1, &[[17.97, 23.9]], 128.2)
        },
        Appliance {
            number: 2,
            window_shift: 0.2,
            minutes_spread: 0.2,
            min_cycle_min: 20.0,
            ..Appliance::plain("phones", Kind::Charging, 2.0, &[[17.5, 23.5]], 49.5)
        },
    ]
}

fn household_high() -> Vec<Appliance> {
    vec![
        Appliance {
            name: Cow::Borrowed("refrigerator"),
            watts: 154.3,
            minutes: 926.6,
            window_shift: 0.02,
            min_cycle_min: 22.0,
            duty: Cow::Borrowed(&[
                Duty { window_h: [9.101, 17.828], on_min: 18.054, off_min: 8.728, low_watts: 5.0, spread: 0.096 },
                Duty { window_h: [0.0, 24.0], on_min: 28.286, off_min: 20.815, low_watts: 5.0, spread: 0.096 },
            ]),
            ..compressor()
        },
        Appliance {
            number: 2,
            window_shift: 0.304,
            minutes_spread: 0.2,
            min_cycle_min: 30.0,
            ..Appliance::plain("light_outside", Kind::Light, 12.0, &[[0.0, 4.5], [20.0, 24.0]], 509.9)
        },
        Appliance {
            number: 6,
            minutes_spread: 0.2,
            min_cycle_min: 28.0,
            ..Appliance::plain("lamps", Kind::Light, 13.2, &[[5.24, 6.47], [17.76, 24.0]], 380.9)
        },
        Appliance {
            window_shift: 0.317,
            minutes_spread: 0.2,
            min_cycle_min: 14.0,
            share: 0.77,
            ..Appliance::plain("television_noon", Kind::Media, 107.0, &[[10.32, 15.18]], 180.8)
        },
        Appliance {
            window_shift: 0.2,
            minutes_spread: 0.2,
            min_cycle_min: 32.0,
            share: 0.588,
            ..Appliance::plain("television_evening", Kind::Media, 107.0, &[[19.58, 23.37]], 189.2)
        },
        Appliance {
            number: 2,
            window_shift: 0.156,
            minutes_spread: 0.2,
            min_cycle_min: 25.0,
            share: 0.661,
            ..Appliance::plain("fan", Kind::Other, 38.5, &[[8.99, 21.0]], 194.2)
        },
        Appliance {
            window_shift: 0.2,
            minutes_spread: 0.2,
            min_cycle_min: 5.0,
            share: 0.142,
            ..Appliance::plain("iron", Kind::Heat, 934.8, &[[6.63, 14.67]], 25.0)
        },
        Appliance {
            number: 3,
            window_shift: 0.1,
            minutes_spread: 0.2,
            min_cycle_min: 20.0,
            ..Appliance::plain("phones", Kind::Charging, 5.2, &[[4.0, 10.0], [17.5, 23.5]], 121.1)
        },
    ]
}

fn shop() -> Vec<Appliance> {
    vec![
        Appliance {
            name: Cow::Borrowed("freezer"),
            watts: 143.6,
            minutes: 1187.3,
            window_shift: 0.003,
            min_cycle_min: 20.0,
            duty: Cow::Borrowed(&[
                Duty { window_h: [8.352, 20.82], on_min: 15.079, off_min: 11.082, low_watts: 5.0, spread: 0.121 },
                Duty { window_h: [0.0, 24.0], on_min: 19.513, off_min: 32.036, low_watts: 5.0, spread: 0.121 },
            ]),
            ..compressor()
        },
        Appliance {
            number: 4,
            window_shift: 0.298,
            minutes_spread: 0.2,
            min_cycle_min: 34.0,
            ..Appliance::plain("lamps", Kind::Light, 6.5, &[[15.96, 22.36]], 371.1)
        },
        Appliance {
            window_shift: 0.054,
            minutes_spread: 0.2,
            min_cycle_min: 90.0,
            ..Appliance::plain("radio", Kind::Media, 55.3, &[[6.39, 20.53]], 649.9)
        },
        Appliance {
            number: 2,
            window_shift: 0.302,
            minutes_spread: 0.2,
            min_cycle_min: 42.0,
            share: 0.949,
            ..Appliance::plain("fan", Kind::Other, 15.0, &[[8.71, 16.88]], 411.0)
        },
    ]
}

fn school() -> Vec<Appliance> {
    vec![
        Appliance {
            number: 4,
            window_shift: 0.147,
            minutes_spread: 0.2,
            min_cycle_min: 24.0,
            ..Appliance::plain("light_outside", Kind::Light, 15.0, &[[0.0, 6.04], [18.49, 24.0]], 597.0)
        },
        Appliance {
            number: 6,
            window_shift: 0.283,
            minutes_spread: 0.2,
            min_cycle_min: 28.0,
            days: Days::Weekdays,
            ..Appliance::plain("lamps_evening", Kind::Light, 14.6, &[[19.37, 20.32]], 28.9)
        },
        Appliance {
            number: 4,
            window_shift: 0.486,
            minutes_spread: 0.2,
            min_cycle_min: 21.0,
            share: 0.725,
            days: Days::Weekdays,
            ..Appliance::plain("computers", Kind::Media, 40.0, &[[10.5, 16.65]], 249.3)
        },
        Appliance {
            number: 8,
            minutes_spread: 0.2,
            min_cycle_min: 60.0,
            days: Days::Weekdays,
            ..Appliance::plain("lamps_day", Kind::Light, 21.1, &[[8.11, 14.05]], 219.5)
        },
        Appliance {
            window_shift: 0.1,
            minutes_spread: 0.2,
            min_cycle_min: 5.0,
            share: 0.869,
            days: Days::Weekdays,
            ..Appliance::plain("copier", Kind::Other, 400.0, &[[8.5, 15.0]], 37.4)
        },
    ]
}

fn clinic() -> Vec<Appliance> {
    vec![
        Appliance {
            name: Cow::Borrowed("refrigerator"),
            watts: 229.3,
            minutes: 966.1,
            window_shift: 0.029,
            min_cycle_min: 73.0,
            duty: Cow::Borrowed(&[
                Duty { window_h: [7.239, 17.0], on_min: 40.0, off_min: 13.983, low_watts: 5.0, spread: 0.098 },
                Duty { window_h: [0.0, 24.0], on_min: 33.353, off_min: 24.819, low_watts: 5.0, spread: 0.098 },
            ]),
            ..compressor()
        },
        Appliance {
            number: 6,
            window_shift: 0.286,
            minutes_spread: 0.2,
            min_cycle_min: 16.0,
            ..Appliance::plain("lamps", Kind::Light, 12.0, &[[0.0, 5.0], [18.65, 24.0]], 308.7)
        },
        Appliance {
            window_shift: 0.145,
            minutes_spread: 0.2,
            min_cycle_min: 27.0,
            share: 0.61,
            ..Appliance::plain("steriliser", Kind::Heat, 1458.6, &[[8.04, 16.15]], 62.3)
        },
        Appliance {
            number: 2,
            window_shift: 0.103,
            minutes_spread: 0.2,
            min_cycle_min: 18.0,
            ..Appliance::plain("computers", Kind::Media, 73.5, &[[7.2, 15.76]], 160.4)
        },
        Appliance {
            window_shift: 0.1,
            minutes_spread: 0.2,
            min_cycle_min: 15.0,
            ..Appliance::plain("laboratory", Kind::Other, 24.4, &[[8.0, 16.5]], 133.2)
        },
    ]
}

fn mill() -> Vec<Appliance> {
    vec![
        Appliance {
            window_shift: 0.338,
            minutes_spread: 0.047,
            min_cycle_min: 16.0,
            share: 0.834,
            inrush_factor: 2.0,
            ..Appliance::plain("mill", Kind::Motor, 7500.0, &[[9.17, 12.92], [14.05, 17.48]], 183.5)
        },
        Appliance {
            number: 2,
            window_shift: 0.2,
            minutes_spread: 0.2,
            min_cycle_min: 10.0,
            ..Appliance::plain("lamps", Kind::Light, 10.0, &[[16.6, 18.6]], 60.0)
        },
    ]
}
