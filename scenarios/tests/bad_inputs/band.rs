//! The mesh's band: channel plan, regulator, interferers.

use taa_models::radio::channels::PlanName;
use taa_scenarios::{Overrides, load};

use crate::fixture::Fixture;

const ALARM: &str =
    "\n[[comms.interferers]]\nname = \"alarm\"\nkind = \"security_radio\"\nlon_lat_deg = [33.6130, -2.8500]\n";

#[test]
fn others_in_the_band_are_resolved() {
    let mut fixture = Fixture::new("band-sound");
    fixture.scenario += "\n[comms.mesh]\nchannels = \"EU-32\"\nrules = \"region\"\n";
    fixture.scenario += ALARM;
    fixture.scenario += "burst_ms = 200\nheight_m = 3\n";
    fixture.scenario += &ALARM.replace("\"alarm\"", "\"pump\"").replace("33.6130", "33.6110");
    assert_eq!(fixture.findings(), []);
    let scenario = load(&fixture.dir, &Overrides::default()).expect("sound");
    assert_eq!(scenario.comms.mesh.channels, Some(PlanName::Eu32));
    let [alarm, pump] = &scenario.comms.interferers[..] else { panic!("{:?}", scenario.comms.interferers) };
    let east_m = alarm.at.at_m[0] - pump.at.at_m[0];
    assert!((east_m - 222.4).abs() < 1.0, "two thousandths of a degree: {east_m}");
    assert!((alarm.params.burst_ms - 200.0).abs() < 1e-9 && (alarm.at.height_m - 3.0).abs() < 1e-9);
    assert!((pump.params.burst_ms - 150.0).abs() < 1e-9 && (pump.params.bandwidth_khz - 50.0).abs() < 1e-9);
    assert!(pump.at.key != alarm.at.key);
    assert!(scenario.notes.iter().all(|note| !note.contains("interferer")), "{:?}", scenario.notes);
}

#[test]
fn who_misses_the_mesh_is_told() {
    let mut fixture = Fixture::new("band-missed");
    fixture.scenario += ALARM;
    fixture.scenario += "centre_mhz = 433.9\n";
    assert_eq!(fixture.findings(), []);
    let scenario = load(&fixture.dir, &Overrides::default()).expect("sound");
    let told = scenario.notes.iter().find(|note| note.contains("`alarm`")).expect("a note");
    assert!(told.contains("433.9 MHz falls into no channel of EU-33"), "{told}");
}

cases! {
    plan_of_nowhere: "taa::scenario::unknown_word" at "`comms.mesh.channels`" says ["EU-99", "EU-33", "NA-1"] when |f| f.scenario += "\n[comms.mesh]\nchannels = \"EU-99\"\n";
    carrier_beside_its_plan: "taa::scenario::out_of_range" at "`comms.radio.frequency_mhz`" says ["915", "863 to 870 MHz", "EU-33"] when |f| f.scenario += "\n[comms.mesh]\nchannels = \"EU-33\"\n\n[comms.radio]\nfrequency_mhz = 915\n";
    carrier_without_plan_by_frame: "taa::scenario::out_of_range" at "`comms.radio.frequency_mhz`" says ["433", "902 to 928 MHz", "IN-40"] when |f| {
        f.toml("days = 10", "days = 10\nmesh = \"frame\"");
        f.scenario += "\n[comms.radio]\nfrequency_mhz = 433\n";
    };
    rules_of_nobody: "taa::scenario::out_of_range" at "`comms.mesh.rules`" says ["BZ-1", "EU-33", "duty_percent"] when |f| f.scenario += "\n[comms.mesh]\nchannels = \"BZ-1\"\nrules = \"region\"\n\n[comms.radio]\nfrequency_mhz = 915\n";
    louder_than_the_rule: "taa::scenario::out_of_range" at "`comms.radio.tx_power_dbm`" says ["20", "14 dBm at most", "EU-33"] when |f| f.scenario += "\n[comms.mesh]\nrules = \"region\"\n\n[comms.radio]\ntx_power_dbm = 20\n";
    tries_by_frame: "taa::scenario::out_of_range" at "`comms.mesh.frame.channel_retries`" says ["40", "0 to 10"] when |f| f.scenario += "\n[comms.mesh.frame]\nchannel_retries = 40\n";
    no_such_pinning: "taa::scenario::unknown_word" at "`comms.mesh.frame.pinned`" says ["everything", "parents"] when |f| f.scenario += "\n[comms.mesh.frame]\npinned = \"everything\"\n";
    two_limits: "taa::scenario::out_of_range" at "`comms.mesh.duty_percent`" says ["2.5", "100 where `rules`"] when |f| f.scenario += "\n[comms.mesh]\nrules = \"region\"\nduty_percent = 2.5\n";
    rain_that_does_not_fall: "taa::scenario::out_of_range" at "`comms.radio.fading.shower_mm_per_h`" says ["0.1 to 500"] when |f| f.scenario += "\n[comms.radio.fading]\nshower_mm_per_h = 0\n";
    interferer_without_place: "taa::scenario::missing_key" at "`comms.interferers" says ["`lon_lat_deg` is missing"] when |f| f.scenario += &ALARM.replace("lon_lat_deg = [33.6130, -2.8500]\n", "");
    interferer_of_no_kind: "taa::scenario::unknown_word" at "`comms.interferers" says ["security_radio", "jammer"] when |f| f.scenario += &ALARM.replace("security_radio", "microwave");
    interferer_far_away: "taa::scenario::out_of_range" at "`comms.interferers.0.lon_lat_deg`" says ["within 50 km"] when |f| f.scenario += &ALARM.replace("33.6130", "34.6130");
    interferer_swapped: "taa::scenario::out_of_range" at "`comms.interferers.0.lon_lat_deg`" says ["the two are swapped"] when |f| f.scenario += &ALARM.replace("33.6130, -2.8500", "-2.8500, 33.6130");
    interferer_twice: "taa::scenario::out_of_range" at "`comms.interferers.1.name`" says ["`alarm`", "no other interferer"] when |f| { f.scenario += ALARM; f.scenario += ALARM; };
    burst_longer_than_its_period: "taa::scenario::out_of_range" at "`comms.interferers.0.burst_ms`" says ["40000", "0 to `period_ms`"] when |f| { f.scenario += ALARM; f.scenario += "burst_ms = 40000\n"; };
    interferer_in_the_sky: "taa::scenario::out_of_range" at "`comms.interferers.0.height_m`" says ["900", "0 to 100 m"] when |f| { f.scenario += ALARM; f.scenario += "height_m = 900\n"; };
}
