//! Appliances by class.
//!
//! Kinds and powers are ordinary ones; windows, lengths and shares were fitted so that the class's mean hour by hour
//! follows the RAMP model village (`ramp_village_stats_seed42.json`, modelled, seed 42). One row may stand for several
//! devices that go on and off together.

use super::{Appliance, Class};

/// The appliances of a class.
#[must_use]
pub const fn of(class: Class) -> &'static [Appliance] {
    match class {
        Class::HouseholdLow => HOUSEHOLD_LOW,
        Class::HouseholdMiddle => HOUSEHOLD_MIDDLE,
        Class::HouseholdHigh => HOUSEHOLD_HIGH,
        Class::Shop => SHOP,
        Class::School => SCHOOL,
        Class::Clinic => CLINIC,
        Class::Mill => MILL,
    }
}

const fn one(name: &'static str, watts: f64, share: f64, window_h: [f64; 2], minutes: f64) -> Appliance {
    Appliance { name, watts, sessions: 1, share, window_h, minutes, weekend: 1.0 }
}

const fn many(name: &'static str, watts: f64, sessions: u8, share: f64, window_h: [f64; 2], minutes: f64) -> Appliance {
    Appliance { name, watts, sessions, share, window_h, minutes, weekend: 1.0 }
}

const fn not_at_weekends(appliance: Appliance) -> Appliance {
    Appliance { weekend: 0.0, ..appliance }
}

const HOUSEHOLD_LOW: &[Appliance] = &[
    one("lamps_evening", 14.7, 0.94, [17.02, 24.19], 258.0),
    one("lamp_morning", 4.6, 0.56, [5.01, 6.33], 47.5),
    one("light_outside", 4.1, 0.89, [0.0, 9.68], 484.0),
    one("phone", 4.0, 1.0, [0.0, 11.62], 93.0),
];

const HOUSEHOLD_MIDDLE: &[Appliance] = &[
    one("lamps_evening", 38.6, 1.0, [17.01, 24.3], 286.0),
    one("lamps_morning", 25.0, 0.7, [4.97, 6.75], 39.3),
    one("light_outside", 6.9, 1.0, [0.29, 6.09], 290.0),
    one("television_noon", 51.4, 0.92, [11.26, 16.28], 155.0),
    one("television_evening", 47.4, 0.88, [18.36, 24.44], 167.0),
    one("phones", 8.2, 0.88, [0.0, 11.6], 114.0),
    one("radio", 5.7, 0.54, [5.14, 10.36], 114.5),
];

const HOUSEHOLD_HIGH: &[Appliance] = &[
    one("lamps_evening", 83.6, 1.0, [16.91, 24.41], 232.0),
    one("lamps_morning", 49.2, 0.9, [4.19, 6.39], 110.0),
    one("radio", 10.1, 0.65, [3.66, 14.12], 338.0),
    many("refrigerator", 73.5, 5, 0.95, [0.0, 25.23], 172.0),
    one("television_noon", 78.5, 0.8, [9.26, 16.95], 230.0),
    one("television_evening", 88.8, 1.0, [17.29, 23.41], 193.0),
    many("fan", 50.0, 2, 0.91, [8.89, 17.18], 202.5),
    one("iron", 1000.0, 0.3, [8.0, 16.0], 15.0),
    many("small_appliances", 53.5, 2, 0.55, [7.18, 16.94], 113.3),
    one("phones", 20.9, 1.0, [2.97, 7.08], 205.0),
];

const SHOP: &[Appliance] = &[
    many("freezer", 86.4, 5, 0.77, [0.58, 26.64], 147.2),
    many("drinks_cooler", 67.8, 4, 0.77, [4.09, 23.67], 179.8),
    one("lights_evening", 65.8, 1.0, [15.46, 22.79], 252.0),
    one("lights_morning", 23.4, 0.93, [3.41, 6.64], 161.0),
    one("radio", 38.0, 1.0, [6.56, 20.33], 404.0),
    many("fan", 42.6, 2, 0.91, [8.26, 17.26], 224.5),
];

const SCHOOL: &[Appliance] = &[
    one("light_outside", 34.6, 0.91, [0.01, 6.25], 312.0),
    one("lights_evening", 50.3, 0.72, [18.25, 23.92], 284.0),
    not_at_weekends(one("computers", 270.0, 0.85, [7.2, 15.8], 119.0)),
    not_at_weekends(one("copier", 250.0, 0.6, [8.5, 15.0], 20.0)),
    not_at_weekends(one("office", 102.4, 1.0, [7.95, 16.54], 185.0)),
];

const CLINIC: &[Appliance] = &[
    many("refrigerator", 100.9, 6, 0.92, [0.0, 24.08], 200.7),
    one("lights_evening", 90.3, 0.99, [18.29, 21.9], 156.0),
    one("night_duty", 55.7, 0.74, [3.15, 4.98], 80.6),
    one("steriliser", 1500.0, 0.51, [6.88, 14.86], 50.1),
    many("laboratory", 139.1, 2, 0.98, [7.83, 18.41], 105.9),
    one("computers", 125.5, 1.0, [8.36, 17.75], 330.0),
];

const MILL: &[Appliance] = &[
    one("mill_morning", 7500.0, 0.58, [8.36, 13.95], 143.0),
    one("mill_afternoon", 7500.0, 0.68, [13.61, 18.18], 103.3),
];
