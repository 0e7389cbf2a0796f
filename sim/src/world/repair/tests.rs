//! Detection from inside: an alarm where the site is seen, a call where there is signal, nothing where there is neither.

use std::path::Path;

use taa_dcu::config::Traits;
use taa_models::assets::{AssetKind, AssetParams};
use taa_scenarios::{Overrides, load, model::Scenario};

use super::{How, Stage};
use crate::{
    kernel::Queue,
    world::{
        Event, Timeline, Village,
        parts::{PartId, Turn},
    },
};

const HOUR_MS: u64 = 3_600_000;

fn jija() -> Scenario {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/villages/jija");
    let mut scenario = load(&folder, &Overrides { days: Some(3), ..Overrides::default() }).expect("a bundled village");
    scenario.assets = AssetParams::none();
    scenario
}

/// A meter that has died at eight in the morning of the first day.
fn with_dead_meter(scenario: &Scenario, check: impl FnOnce(&mut Village<'_>, &mut Queue<Event>)) {
    let timeline = Timeline::draw(scenario, (1, 0), 3 * 24 * HOUR_MS);
    let traits = Traits::bundle("cloud_sync").expect("a bundle");
    let (mut village, mut queue) = Village::build(scenario, &timeline, traits).expect("it builds");
    village.asset_fails((AssetKind::Meter, 5), Turn::Fail(None), 8 * HOUR_MS, &mut queue);
    check(&mut village, &mut queue);
}

#[test]
fn telemetry_shows_a_silent_meter_after_a_day() {
    with_dead_meter(&jija(), |village, queue| {
        village.look(0, 31 * HOUR_MS, queue);
        assert_eq!(village.repairs.jobs[0].stage, Stage::Unseen);
        village.look(0, 33 * HOUR_MS, queue);
        assert!(matches!(village.repairs.jobs[0].stage, Stage::Acting(How::Telemetry, at) if at >= 33 * HOUR_MS));
    });
}

#[test]
fn a_call_tells_earlier_and_only_of_what_concerns_the_caller() {
    with_dead_meter(&jija(), |village, queue| {
        village.customer_calls(6, 9 * HOUR_MS, queue);
        assert_eq!(village.repairs.jobs[0].stage, Stage::Unseen, "the neighbour's meter works");
        village.customer_calls(5, 9 * HOUR_MS, queue);
        let Stage::Acting(How::Call, at) = village.repairs.jobs[0].stage else { panic!("nobody heard the call") };
        assert!((9 * HOUR_MS..32 * HOUR_MS).contains(&at), "{at}");
        village.look(0, at, queue);
        assert_eq!(village.repairs.jobs[0].how, Some(How::Call));
        assert!(matches!(village.repairs.jobs[0].stage, Stage::Course(_)));
    });
}

#[test]
fn without_signal_nobody_hears_and_a_gap_tells_in_the_end() {
    with_dead_meter(&jija(), |village, queue| {
        for tower in &mut village.wan.towers {
            tower.turn(Turn::Hold(0));
        }
        village.customer_calls(5, 9 * HOUR_MS, queue);
        assert_eq!(village.repairs.jobs[0].stage, Stage::Unseen);
        village.look(0, 31 * HOUR_MS, queue);
        assert_eq!(village.repairs.jobs[0].stage, Stage::Unseen);
        village.look(0, 33 * HOUR_MS, queue);
        assert!(matches!(village.repairs.jobs[0].stage, Stage::Acting(How::Gap, _)));
    });
}

#[test]
fn a_mended_clock_tells_the_dcu_the_time_without_a_link() {
    let scenario = jija();
    let timeline = Timeline::draw(&scenario, (1, 0), 3 * 24 * HOUR_MS);
    let traits = Traits::bundle("edge_local").expect("a bundle");
    let (mut village, mut queue) = Village::build(&scenario, &timeline, traits).expect("it builds");
    for operator in 0..2 {
        village.part_turned(PartId::Tower(operator), Turn::Hold(0), HOUR_MS, &mut queue);
    }
    village.asset_fails((AssetKind::Clock, 0), Turn::Fail(None), 8 * HOUR_MS, &mut queue);
    village.boot_dcu(9 * HOUR_MS, &mut queue);
    assert!(village.site_has_no_time(9 * HOUR_MS), "neither a clock nor a link");
    village.part_turned(PartId::Clock, Turn::Mend, 10 * HOUR_MS, &mut queue);
    assert!(!village.site_has_no_time(10 * HOUR_MS));
}
