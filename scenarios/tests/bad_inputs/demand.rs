//! Section `[demand]`: ranges, classes of one's own, profile files.

use taa_models::demand::{Class, Source};
use taa_scenarios::{Overrides, load};

use crate::fixture::Fixture;

/// A day of hourly rows for two classes as RAMP's village has them.
fn profile(spoil: impl Fn(usize, &mut String)) -> String {
    let mut text = "time_local,hh_low,shop,village_total\n".to_owned();
    for hour in 0..24 {
        let mut row = format!("2023-01-01 {hour:02}:00:00,{}.0,50.5,{}", 2 * hour, 2 * hour + 50);
        spoil(hour, &mut row);
        text += &row;
        text.push('\n');
    }
    text
}

fn with_profile(f: &mut Fixture, text: String) {
    f.scenario += "\n[demand]\nprofile = \"load.csv\"\n";
    f.files.push(("load.csv", text.into_bytes()));
}

fn with_class(f: &mut Fixture, appliance: &str) {
    f.scenario += &format!("\n[[demand.class.carpenter.appliance]]\nname = \"saw\"\n{appliance}\n");
}

const SAW: &str = "kind = \"motor\"\nwatts = 900\nwindows_h = [[8, 12], [13, 17]]\nminutes = 90";

cases! {
    growth_in_percent: "taa::scenario::out_of_range" at "`demand.growth_per_year`" says ["10", "-0.5 to 1"] when |f| f.scenario += "\n[demand]\ngrowth_per_year = 10\n";
    negative_elasticity: "taa::scenario::negative" at "`demand.price_elasticity`" says ["-0.3", "0 to 3"] when |f| f.scenario += "\n[demand]\nprice_elasticity = -0.3\n";
    deferral_in_percent: "taa::scenario::share" at "`demand.deferral.charging`" says ["90 % is 0.9"] when |f| f.scenario += "\n[demand.deferral]\ncharging = 90\n";
    no_such_holiday: "taa::scenario::out_of_range" at "`demand.school_holidays`" says ["month"] when |f| f.scenario += "\n[demand]\nschool_holidays = [[[13, 1], [1, 10]]]\n";
    class_name: "taa::scenario::out_of_range" at "`demand.class.Carpenter`" says ["a letter first"] when |f| f.scenario += "\n[[demand.class.Carpenter.appliance]]\nname = \"saw\"\nwatts = 900\nwindows_h = [[8, 12]]\nminutes = 90\n";
    no_power: "taa::scenario::out_of_range" at "`demand.class.carpenter.appliance.0.watts`" says ["0.1 to 100000"] when |f| with_class(f, &SAW.replace("900", "0"));
    longer_than_its_window: "taa::scenario::out_of_range" at "`demand.class.carpenter.appliance.0.minutes`" says ["length of the windows"] when |f| with_class(f, &SAW.replace("minutes = 90", "minutes = 900"));
    window_backwards: "taa::scenario::out_of_range" at "`demand.class.carpenter.appliance.0.windows_h`" says ["not overlapping"] when |f| with_class(f, "watts = 900\nwindows_h = [[8, 12], [11, 17]]\nminutes = 90");
    unknown_appliance_key: "taa::scenario::unknown_key" at "scenario.toml" says ["`wats`", "did you mean `watts`"] when |f| with_class(f, &format!("{SAW}\nwats = 1"));
    unknown_kind: "taa::scenario::unknown_word" at "scenario.toml" says ["moter", "did you mean `motor`"] when |f| with_class(f, &SAW.replace("\"motor\"", "\"moter\""));
    class_of_nobody: "taa::import::bad_tag" at "village.geojson, line 3" says ["carpenter", "household_low"] when |f| f.map("\"class\":\"shop\"", "\"class\":\"carpenter\"");
    no_profile_file: "taa::scenario::missing_reference" at "`demand.profile`" says ["load.csv"] when |f| f.scenario += "\n[demand]\nprofile = \"load.csv\"\n";
    users_without_profile: "taa::demand::profile" at "`demand.profile_users.shop`" says ["no profile is named"] when |f| f.scenario += "\n[demand.profile_users]\nshop = 3\n";
    users_of_nothing: "taa::scenario::unknown_word" at "`demand.profile_users.shops`" says ["did you mean `shop`"] when |f| {
        with_profile(f, profile(|_, _| ()));
        f.scenario += "profile_users = { shops = 3 }\n";
    };
    no_users: "taa::scenario::out_of_range" at "`demand.profile_users.shop`" says ["1 or more"] when |f| {
        with_profile(f, profile(|_, _| ()));
        f.scenario += "profile_users = { shop = 0 }\n";
    };
    empty_profile: "taa::demand::profile" at "load.csv" says ["empty"] when |f| with_profile(f, String::new());
    unknown_column: "taa::scenario::unknown_word" at "load.csv, line 1, `hh_lo`" says ["did you mean `hh_low`"] when |f| with_profile(f, profile(|_, _| ()).replace("hh_low", "hh_lo"));
    column_twice: "taa::demand::profile" at "load.csv, line 1, `shop`" says ["a second column"] when |f| with_profile(f, profile(|_, _| ()).replace("hh_low", "shop"));
    no_power_in_profile: "taa::demand::profile" at "load.csv, line 7, `shop`" says ["`n/a`", "power in W"] when |f| with_profile(f, profile(|hour, row| if hour == 5 { *row = row.replace("50.5", "n/a") }));
    negative_power: "taa::demand::profile" at "load.csv, line 5, `shop`" says ["`-50.5`", "0 or more"] when |f| with_profile(f, profile(|hour, row| if hour == 3 { *row = row.replace("50.5", "-50.5") }));
    no_time: "taa::demand::profile" at "load.csv, line 4, `time`" says ["no time"] when |f| with_profile(f, profile(|hour, row| if hour == 2 { *row = row.replace(":00:00", "h") }));
    late_start: "taa::demand::profile" at "load.csv, line 2, `time`" says ["01:00:00", "must be at 00:00"] when |f| with_profile(f, profile(|_, _| ()).replace("2023-01-01 00:00:00,0.0,50.5,50\n", ""));
    gap: "taa::demand::profile" at "load.csv, line 6, `time`" says ["even step"] when |f| with_profile(f, profile(|_, _| ()).replace("2023-01-01 04:00:00,8.0,50.5,58\n", ""));
    half_a_day: "taa::demand::profile" at "load.csv" says ["12 rows", "24 rows a day"] when |f| {
        let text: String = profile(|_, _| ()).lines().take(13).map(|line| format!("{line}\n")).collect();
        with_profile(f, text);
    };
}

#[test]
fn a_profile_and_a_class_of_ones_own_are_taken() {
    let mut fixture = Fixture::new("demand-sound");
    with_profile(&mut fixture, profile(|_, _| ()));
    fixture.scenario += "profile_users = { shop = 2 }\n";
    with_class(&mut fixture, SAW);
    fixture.map("\"M3\"", "\"M3\",\"kind_of_work\":\"saw\"");
    fixture.map(
        "\"id\":\"b3\",\"connected\":\"yes\",\"class\":\"household_low\"",
        "\"id\":\"b3\",\"connected\":\"yes\",\"class\":\"carpenter\"",
    );
    assert_eq!(fixture.findings(), []);
    let scenario = load(&fixture.dir, &Overrides::default()).expect("sound");
    let own = scenario.village.customers[2].class;
    assert_eq!(own.name(), "carpenter");
    let catalogue = taa_models::demand::Catalogue::new(&scenario.demand);
    assert!((catalogue.mean_daily_wh(&own) - 1350.0).abs() < 40.0);
    let watts = |class: Class| match &catalogue.usage(&class).expect("a class").source {
        Source::Profile(profile) => profile.watts.clone(),
        Source::Kit(_) => Vec::new(),
    };
    // One low household is left in the village; two shops are counted for the column.
    assert!((watts(Class::HouseholdLow)[7] - 14.0).abs() < 1e-9);
    assert!((watts(Class::Shop)[0] - 25.25).abs() < 1e-9);
    assert!(watts(Class::Mill).is_empty());
}
