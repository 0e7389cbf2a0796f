//! `scenario.toml` and the command line.

use std::path::Path;

use taa_models::payments::TablesText;
use taa_scenarios::{Overrides, load};

use crate::fixture::Fixture;

/// Tables that are nobody's: each number once.
const TABLES: &str = "# made up\nsubstitution1 = 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0\n\
    substitution2 = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 0\n\
    permutation = 63 62 61 60 59 58 57 56 55 54 53 52 51 50 49 48 47 46 45 44 43 42 41 40 39 38 37 36 35 34 33 32 31 30 29 28 \
    27 26 25 24 23 22 21 20 19 18 17 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0\n";

fn with_tables(f: &mut Fixture, text: &str) {
    f.scenario += "\n[comms.payments.sts]\nea = 7\ntables = \"sta.txt\"\n";
    f.files.push(("sta.txt", text.as_bytes().to_vec()));
}

#[test]
fn tables_of_ones_own_are_read() {
    let mut fixture = Fixture::new("tables-sound");
    with_tables(&mut fixture, TABLES);
    assert_eq!(fixture.findings(), []);
    let scenario = load(&fixture.dir, &Overrides::default()).expect("sound");
    let read = scenario.comms.payments.sts.tables_read;
    assert_eq!(read, Some(TablesText(TABLES.to_owned())));
    assert_eq!(format!("{read:?}"), "Some(TablesText(..))", "not ours to show");
}

cases! {
    no_tables_file: "taa::scenario::missing_reference" at "`comms.payments.sts.tables`" says ["sta.txt"] when |f| f.scenario += "\n[comms.payments.sts]\nea = 7\ntables = \"sta.txt\"\n";
    tables_of_another_algorithm: "taa::scenario::out_of_range" at "`comms.payments.sts.tables`" says ["left out where ea is not 7"] when |f| {
        with_tables(f, TABLES);
        f.toml("ea = 7", "ea = 11");
    };
    table_with_a_number_twice: "taa::sts::tables" at "sta.txt, line 3" says ["substitution2 has 1 more than once"] when |f| with_tables(f, &TABLES.replace("15 0\n", "15 1\n"));
    table_too_short: "taa::sts::tables" at "sta.txt, line 2" says ["substitution1 has 15 numbers instead of 16"] when |f| with_tables(f, &TABLES.replace("2 1 0\nsub", "2 1\nsub"));
    table_of_words: "taa::sts::tables" at "sta.txt, line 1" says ["expected `name = numbers`"] when |f| with_tables(f, &TABLES.replace("# made", "made"));
    table_missing: "taa::sts::tables" at "sta.txt" says ["there is no permutation"] when |f| with_tables(f, TABLES.split("permutation").next().unwrap_or(""));

    no_scenario: "taa::scenario::no_scenario" at "no_scenario" says ["scenario.toml", "taa new"] when |f| f.missing.push("scenario.toml");
    toml_syntax: "taa::toml::syntax" at "scenario.toml, line 6" says ["not valid TOML", "name = value"] when |f| f.toml("lon_deg = 33.612", "lon_deg 33.612");
    unclosed_text: "taa::toml::syntax" at "scenario.toml, line 2" says ["double quotes"] when |f| f.toml("\"Kitongoji\"", "\"Kitongoji");
    unknown_key: "taa::scenario::unknown_key" at "scenario.toml, line 24, `run.dayz`" says ["did you mean `days`", "architectures"] when |f| f.toml("days = 10", "days = 10\ndayz = 3");
    unknown_section: "taa::scenario::unknown_key" at "scenario.toml, line 12" says ["`powr`", "did you mean `power`"] when |f| f.toml("[power]", "[powr]");
    latitude_in_full: "taa::scenario::unknown_key" at "`site.latitude`" says ["did you mean `lat_deg`"] when |f| f.toml("lat_deg = -2.85", "latitude = -2.85\nlat_deg = -2.85");
    wrong_unit: "taa::scenario::wrong_unit" at "scenario.toml, line 13, `power.pv_w`" says ["pv_kwp", "kilowatts peak"] when |f| f.toml("pv_kwp = 2.5", "pv_w = 2500");
    wrong_type: "taa::scenario::wrong_type" at "scenario.toml, line 23, `run.days`" says ["a whole number", "the text \"ten\""] when |f| f.toml("days = 10", "days = \"ten\"");
    quoted_number: "taa::scenario::wrong_type" at "line 13" says ["without quotes"] when |f| f.toml("pv_kwp = 2.5", "pv_kwp = \"2.5\"");
    fraction_of_a_day: "taa::scenario::wrong_type" at "`run.days`" says ["decimal number 1.5"] when |f| f.toml("days = 10", "days = 1.5");
    missing_price: "taa::scenario::missing_key" at "`tariff`" says ["`energy_price_per_kwh` is missing", "Price of a kilowatt-hour"] when |f| f.toml("energy_price_per_kwh = 1800\n", "");
    missing_rate: "taa::scenario::missing_key" at "`economics`" says ["currency_per_usd", "KWD"] when |f| f.toml("\"TZS\"", "\"KWD\"");
    schema_of_tomorrow: "taa::scenario::schema_version" at "scenario.toml, line 1" says ["schema 2", "schema = 1"] when |f| f.toml("schema = 1", "schema = 2");
    negative_size: "taa::scenario::negative" at "scenario.toml, line 14, `power.battery_kwh`" says ["-12", "more than 0"] when |f| f.toml("battery_kwh = 12", "battery_kwh = -12");
    negative_fee: "taa::scenario::negative" at "`tariff.daily_fee`" says ["-5", "0 or more"] when |f| f.toml("[run]", "daily_fee = -5\n\n[run]");
    out_of_range: "taa::scenario::out_of_range" at "`power.plant.pv.tilt_deg`" says ["120", "0 to 90 degrees"] when |f| f.toml("[tariff]", "[power.plant.pv]\ntilt_deg = 120\n\n[tariff]");
    share_in_percent: "taa::scenario::share" at "`power.plant.pv.albedo`" says ["0 to 1", "20 % is 0.2"] when |f| f.toml("[tariff]", "[power.plant.pv]\nalbedo = 20\n\n[tariff]");
    not_a_number: "taa::scenario::not_finite" at "scenario.toml, line 13, `power.pv_kwp`" says ["nan", "decimal number"] when |f| f.toml("pv_kwp = 2.5", "pv_kwp = nan");
    infinite: "taa::scenario::not_finite" at "`tariff.energy_price_per_kwh`" says ["inf"] when |f| f.toml("1800", "inf");
    odd_size: "taa::power::odd_size" at "scenario.toml, line 13, `power.pv_kwp`" says ["2500 kWp is very large", "3 customers"] when |f| f.toml("pv_kwp = 2.5", "pv_kwp = 2500");
    missing_weather_file: "taa::scenario::missing_reference" at "scenario.toml, line 10, `weather.file`" says ["there is no file `wether.csv`", "there is a weather.csv"] when |f| f.toml("weather.csv", "wether.csv");
    missing_fault_file: "taa::scenario::missing_reference" at "`faults`" says ["storm.toml", "relative to the folder"] when |f| f.toml("title", "faults = \"storm.toml\"\ntitle");
    folder_for_file: "taa::scenario::reference_is_folder" at "`weather.file`" says ["is a folder", "weather.csv"] when |f| f.toml("\"weather.csv\"", "\".\"");
    no_days: "taa::run::no_days" at "scenario.toml, line 23, `run.days`" says ["0 days", "1 to 3660"] when |f| f.toml("days = 10", "days = 0");
    minus_days: "taa::run::no_days" at "`run.days`" says ["-3 days"] when |f| f.toml("days = 10", "days = -3");
    too_many_days: "taa::run::too_many_days" at "`run.days`" says ["40000 days", "3660"] when |f| f.toml("days = 10", "days = 40000");
    negative_seed: "taa::run::seed" at "scenario.toml, line 24, `run.seed`" says ["-7", "9007199254740991"] when |f| f.toml("seed = 7", "seed = -7");
    endless_seed: "taa::run::seed" at "`run.seed`" says ["99999999999999999999"] when |f| f.toml("seed = 7", "seed = 99999999999999999999");
    bad_date: "taa::run::bad_date" at "scenario.toml, line 22, `run.start`" says ["31/12/2026", "year stands first"] when |f| f.toml("2026-01-01", "31/12/2026");
    no_such_day: "taa::run::bad_date" at "`run.start`" says ["2026-02-30", "no such day"] when |f| f.toml("2026-01-01", "2026-02-30");
    before_1970: "taa::run::date_range" at "`run.start`" says ["1969-12-31", "1970-01-02 to 2099-12-31"] when |f| f.toml("2026-01-01", "1969-12-31");
    no_architecture: "taa::run::no_architecture" at "`run.architectures`" says ["cloud_sync, cloud_cached"] when |f| f.toml("[\"cloud_sync\", \"edge_local\"]", "[]");
    unknown_architecture: "taa::architecture::unknown" at "scenario.toml, line 25, `run.architectures.1`" says ["edge-local", "did you mean `edge_local`"] when |f| f.toml("edge_local", "edge-local");
    architecture_twice: "taa::architecture::twice" at "`run.architectures.1`" says ["`cloud_sync` is named twice"] when |f| f.toml("edge_local", "cloud_sync");
    unknown_base: "taa::architecture::unknown" at "`architecture.mine.base`" says ["did you mean `cloud_sync`"] when |f| f.scenario += "[architecture.mine]\nbase = \"cloud_sink\"\n";
    name_taken: "taa::architecture::bad_name" at "`architecture.edge_local`" says ["built-in names"] when |f| f.scenario += "[architecture.edge_local]\nbase = \"cloud_sync\"\n";
    own_trait_unknown: "taa::architecture::unknown_trait" at "`architecture.mine.credits`" says ["did you mean `credit_at`"] when |f| f.scenario += "[architecture.mine]\nbase = \"cloud_sync\"\ncredits = \"dcu\"\n";
    own_trait_value: "taa::architecture::trait_value" at "`architecture.mine.backhaul`" says ["dualsim", "did you mean `dual_sim`"] when |f| f.scenario += "[architecture.mine]\nbase = \"cloud_sync\"\nbackhaul = \"dualsim\"\n";
    unknown_trait: "taa::architecture::unknown_trait" at "command line, `--trait`" says ["did you mean `backhaul`", "credit_at"] when |f| f.overrides.traits.push(("backhall".to_owned(), "vsat".to_owned()));
    trait_value: "taa::architecture::trait_value" at "command line, `--trait`" says ["did you mean `meter`", "meter, dcu, cloud"] when |f| f.overrides.traits.push(("credit_at".to_owned(), "metre".to_owned()));
    trait_twice: "taa::architecture::trait_twice" at "command line, `--trait`" says ["`keypad`", "`true`", "`false`", "remove one"] when |f| {
        f.overrides.traits = ["true", "false"].map(|value| ("keypad".to_owned(), value.to_owned())).to_vec();
    };
    seed_on_the_command_line: "taa::run::seed" at "command line, `--seed`" says ["18446744073709551615"] when |f| f.overrides.seed = Some(u64::MAX);
    days_on_the_command_line: "taa::run::no_days" at "command line, `--days`" says ["1 to 3660"] when |f| f.overrides.days = Some(0);
    start_on_the_command_line: "taa::run::bad_date" at "command line, `--start`" says ["tomorrow"] when |f| f.overrides.start = Some("tomorrow".to_owned());
    faults_on_the_command_line: "taa::file::missing" at "nowhere.toml" says ["no such file"] when |f| f.overrides.faults = Some(Path::new("nowhere.toml").to_owned());
    currency: "taa::tariff::currency" at "scenario.toml, line 18, `tariff.currency`" says ["`TSh`", "did you mean `TZS`", "ISO 4217"] when |f| f.toml("\"TZS\"", "\"TSh\"");
    free_energy: "taa::tariff::price" at "scenario.toml, line 19, `tariff.energy_price_per_kwh`" says ["0 TZS", "more than 0"] when |f| f.toml("1800", "0");
    fraction_of_a_cent: "taa::tariff::minor_unit" at "`tariff.energy_price_per_kwh`" says ["1800.005", "100 minor units"] when |f| f.toml("1800", "1800.005");
    no_time_of_day: "taa::tariff::time" at "`tariff.periods.0.from`" says ["`6 pm` is not a time", "06:30", "24:00"] when |f| f.toml("[run]", "[[tariff.periods]]\nname = \"peak\"\nfrom = \"6 pm\"\nto = \"22:00\"\nprice_per_kwh = 2400\n\n[run]");
    no_such_named_day: "taa::tariff::time" at "`tariff.friendly_hours.0.days.1`" says ["`02-30` is not a day"] when |f| f.toml("[run]", "[[tariff.friendly_hours]]\nfrom = \"17:00\"\nto = \"08:00\"\ndays = [\"12-25\", \"02-30\"]\n\n[run]");
    periods_overlap: "taa::tariff::contradiction" at "`tariff.periods.1.from`" says ["overlaps entry 0"] when |f| f.toml("[run]", "[[tariff.periods]]\nname = \"peak\"\nfrom = \"18:00\"\nto = \"22:00\"\nprice_per_kwh = 2400\n\n[[tariff.periods]]\nname = \"night\"\nfrom = \"21:00\"\nto = \"05:00\"\nprice_per_kwh = 900\n\n[run]");
    blocks_fall: "taa::tariff::contradiction" at "`tariff.blocks.1.up_to_kwh`" says ["above the block before"] when |f| f.toml("[run]", "[[tariff.blocks]]\nup_to_kwh = 30\nprice_per_kwh = 900\n\n[[tariff.blocks]]\nup_to_kwh = 10\nprice_per_kwh = 1200\n\n[run]");
    debt_share: "taa::tariff::contradiction" at "`tariff.debt`" says ["1 to 100 percent"] when |f| f.toml("[run]", "[tariff.debt]\nshare_percent = 0\n\n[run]");
    negative_period: "taa::scenario::negative" at "`tariff.periods.0.price_per_kwh`" says ["-1", "0 or more"] when |f| f.toml("[run]", "[[tariff.periods]]\nname = \"peak\"\nfrom = \"18:00\"\nto = \"22:00\"\nprice_per_kwh = -1\n\n[run]");
    no_weekday: "taa::scenario::unknown_word" at "`tariff.periods.0.weekdays.0`" says ["monday", "mon"] when |f| f.toml("[run]", "[[tariff.periods]]\nname = \"peak\"\nfrom = \"18:00\"\nto = \"22:00\"\nweekdays = [\"monday\"]\nprice_per_kwh = 1\n\n[run]");
    hours_in_a_meter: "taa::tariff::not_flat" at "`tariff.lifeline`" says ["`sts_keypad` keeps the credit in the meter", "one price"] when |f| {
        f.toml("edge_local", "sts_keypad");
        f.toml("[run]", "[tariff.lifeline]\nkwh = 5\nprice_per_kwh = 900\n\n[run]");
    };
    class_of_nobody: "taa::tariff::class" at "`tariffs.0.customers.1`" says ["no class of customers `shopp`", "did you mean `shop`"] when |f| f.toml("[run]", "[[tariffs]]\ncustomers = [\"mill\", \"shopp\"]\ncurrency = \"TZS\"\nenergy_price_per_kwh = 900\n\n[run]");
    class_twice: "taa::tariff::class" at "`tariffs.1.customers.0`" says ["`shop` has tariff 0", "each once"] when |f| f.toml("[run]", "[[tariffs]]\ncustomers = [\"shop\"]\ncurrency = \"TZS\"\nenergy_price_per_kwh = 900\n\n[[tariffs]]\ncustomers = [\"shop\"]\ncurrency = \"TZS\"\nenergy_price_per_kwh = 800\n\n[run]");
    class_without_customers: "taa::tariff::class" at "`tariffs.0`" says ["names no class of customers"] when |f| f.toml("[run]", "[[tariffs]]\ncurrency = \"TZS\"\nenergy_price_per_kwh = 900\n\n[run]");
    class_in_another_currency: "taa::tariff::class" at "`tariffs.0.currency`" says ["one currency", "TZS"] when |f| f.toml("[run]", "[[tariffs]]\ncustomers = [\"shop\"]\ncurrency = \"KES\"\nenergy_price_per_kwh = 9\n\n[run]");
    site_tariff_for_some: "taa::tariff::class" at "`tariff.customers`" says ["everybody who has no other"] when |f| f.toml("[run]", "customers = [\"shop\"]\n\n[run]");
    class_price_below_zero: "taa::tariff::price" at "`tariffs.0.energy_price_per_kwh`" says ["-9"] when |f| f.toml("[run]", "[[tariffs]]\ncustomers = [\"shop\"]\ncurrency = \"TZS\"\nenergy_price_per_kwh = -9\n\n[run]");
    odd_window: "taa::tariff::contradiction" at "`tariff.demand`" says ["15, 30 or 60 minutes"] when |f| f.toml("[run]", "[tariff.demand]\nprice_per_kw_month = 5000\nwindow_min = 20\n\n[run]");
    hours_in_the_meter_of_a_class: "taa::tariff::not_flat" at "`tariffs.0.blocks`" says ["`sts_keypad` keeps the credit in the meter"] when |f| {
        f.toml("edge_local", "sts_keypad");
        f.toml("[run]", "[[tariffs]]\ncustomers = [\"shop\"]\ncurrency = \"TZS\"\nenergy_price_per_kwh = 900\n[[tariffs.blocks]]\nup_to_kwh = 5\nprice_per_kwh = 1\n\n[run]");
    };
    off_the_planet: "taa::site::coordinates" at "scenario.toml, line 5, `site.lat_deg`" says ["-285", "-90 to 90"] when |f| f.toml("-2.85", "-285");
    swapped_site: "taa::site::far_from_buildings" at "`site.lat_deg`" says ["swapped", "leave them out"] when |f| {
        f.toml("lat_deg = -2.85", "lat_deg = 33.612");
        f.toml("lon_deg = 33.612", "lon_deg = -2.85");
    };
    utc_offset: "taa::site::utc_offset" at "scenario.toml, line 7, `site.utc_offset_h`" says ["180 h", "-12 to 14"] when |f| f.toml("utc_offset_h = 3", "utc_offset_h = 180");
    odd_noon: "taa::site::odd_noon" at "`site.utc_offset_h`" says ["04:46", "about 2 h"] when |f| f.toml("utc_offset_h = 3", "utc_offset_h = -5");
    unknown_word: "taa::scenario::unknown_word" at "`power.plant.battery.chemistry`" says ["lithium", "lead_acid"] when |f| f.toml("[tariff]", "[power.plant.battery]\nchemistry = \"lithium\"\n\n[tariff]");
}
