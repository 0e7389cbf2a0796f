//! Energy accounts, trips, and the sizing rule.

use super::*;
use proptest::prelude::*;

fn small() -> PlantParams {
    PlantParams {
        battery: BatteryParams { capacity_kwh: 10.0, ..BatteryParams::default() },
        inverter_kw: 5.0,
        ..PlantParams::default()
    }
}

#[test]
fn an_empty_battery_stops_supply_until_it_has_recovered() {
    let mut plant = Plant::new(&small());
    let mut hours = 0;
    let stop = loop {
        let step = plant.step(3600.0, 0.0, 2000.0, false);
        hours += 1;
        if step.trip.is_some() {
            break step;
        }
    };
    assert_eq!((stop.trip, stop.feeding, hours), (Some(Trip::BatteryEmpty), false, 3));
    assert!(stop.fed_s > 0.0 && stop.fed_s < 3600.0);
    assert!((stop.load_served_w - 2000.0 * stop.fed_s / 3600.0).abs() < 1e-9);
    assert_eq!(plant.tripped(), Some(Trip::BatteryEmpty));
    let mut minutes = 0;
    while !plant.step(60.0, 3000.0, 2000.0, false).feeding {
        minutes += 1;
    }
    // From 10 % to 25 % of 10 kWh at 3 kW: about half an hour.
    assert!((28..36).contains(&minutes), "{minutes}");
}

#[test]
fn overloads_back_off_and_are_forgiven() {
    let mut plant = Plant::new(&small());
    let mut waits = vec![];
    for _ in 0..3 {
        assert_eq!(plant.step(1.0, 0.0, 9000.0, false).trip, Some(Trip::Overload));
        let wait = plant.restart_in_s().unwrap();
        waits.push(wait as u32);
        assert!(plant.step(wait, 0.0, 9000.0, false).feeding);
    }
    assert_eq!(waits, [60, 120, 240]);
    plant.step(1800.0, 4000.0, 100.0, false);
    plant.step(1.0, 0.0, 9000.0, false);
    assert_eq!(plant.restart_in_s(), Some(60.0));
}

#[test]
fn forced_off_serves_nobody_and_still_charges() {
    let mut plant = Plant::new(&small());
    let before = plant.battery().soc();
    let step = plant.step(3600.0, 1000.0, 500.0, true);
    assert!(!step.feeding && step.load_served_w.abs() < 1e-12 && step.trip.is_none());
    assert!(step.battery_soc > before);
    assert!(plant.step(60.0, 0.0, 500.0, false).feeding);
}

#[test]
fn the_sizing_rule_carries_a_night_and_a_dull_day() {
    let plant = size_for(160.0, 20.0, 4.2);
    assert!(plant.check().is_empty());
    assert!((50.0..70.0).contains(&plant.pv.kwp), "{}", plant.pv.kwp);
    assert!((190.0..230.0).contains(&plant.battery.capacity_kwh), "{}", plant.battery.capacity_kwh);
    assert!((26.0..=26.5).contains(&plant.inverter_kw));
    // A village of two lamps still gets a valid plant.
    assert!(size_for(0.1, 0.02, 4.0).check().is_empty());
}

#[test]
fn wrong_figures_are_named_with_their_section() {
    let wrong = PlantParams {
        inverter_kw: 0.0,
        battery: BatteryParams { reconnect_soc: 0.05, ..BatteryParams::default() },
        ..PlantParams::default()
    };
    let fields: Vec<_> = wrong.check().into_iter().map(|e| e.field).collect();
    assert_eq!(fields, ["inverter_kw", "battery.reconnect_soc"]);
}

type Minutes = Vec<(f64, f64, f64, bool)>;

/// Runs the plant and returns the energy that the accounts, kept with this standby power, cannot explain, Wh.
fn unexplained_wh(params: &PlantParams, steps: &Minutes, standby_w: f64) -> f64 {
    let mut plant = Plant::new(params);
    let start = plant.battery().stored_wh();
    let (mut pv, mut load) = (0.0, 0.0);
    for &(dt, sun, wanted, off) in steps {
        let step = plant.step(dt, sun, wanted, off);
        pv += step.pv_used_w * dt / 3600.0;
        load += (step.load_served_w / params.inverter_efficiency * dt + standby_w * step.fed_s) / 3600.0;
    }
    let stored = plant.battery().stored_wh() - start;
    pv - load - stored - plant.battery().lost_wh()
}

fn standby_w(params: &PlantParams) -> f64 {
    params.standby_share * params.inverter_kw * 1000.0
}

#[test]
fn a_leak_of_a_watt_is_noticed() {
    let params = small();
    let steps: Minutes = (0..1440).map(|m| (60.0, f64::from(m % 700) * 4.0, 900.0, false)).collect();
    assert!(unexplained_wh(&params, &steps, standby_w(&params)).abs() < 1e-3);
    assert!(unexplained_wh(&params, &steps, standby_w(&params) + 1.0).abs() > 10.0);
}

proptest! {
    #[test]
    fn energy_is_conserved(
        steps in prop::collection::vec(
            (1.0_f64..3600.0, 0.0_f64..8000.0, 0.0_f64..7000.0, prop::bool::weighted(0.1)), 1..300,
        ),
    ) {
        let params = small();
        prop_assert!(unexplained_wh(&params, &steps, standby_w(&params)).abs() < 1e-3);
        let mut plant = Plant::new(&params);
        for (dt, sun, wanted, off) in steps {
            let step = plant.step(dt, sun, wanted, off);
            prop_assert!(step.pv_used_w <= sun + 1e-6 && step.pv_used_w >= -1e-9);
            prop_assert!(step.load_served_w <= wanted + 1e-9);
            prop_assert!((-1e-9..=1.0 + 1e-9).contains(&step.battery_soc));
            prop_assert!(step.fed_s >= 0.0 && step.fed_s <= dt);
            if let Some(trip) = step.trip {
                prop_assert!(!step.feeding && plant.tripped() == Some(trip));
            }
        }
    }
}

#[test]
fn without_its_battery_the_sun_alone_carries_what_it_can() {
    let params = size_for(50.0, 5.0, 4.6);
    let mut plant = Plant::new(&params);
    let soc = plant.battery().soc();
    plant.set_battery_online(false);
    let noon = plant.step(300.0, 8000.0, 3000.0, false);
    assert!(noon.feeding && noon.battery_w.abs() < 1e-9 && noon.load_served_w > 2999.0);
    let dusk = plant.step(300.0, 1000.0, 3000.0, false);
    assert_eq!((dusk.feeding, dusk.trip), (false, Some(Trip::BatteryOffline)));
    for _ in 0..20 {
        assert!(!plant.step(300.0, 0.0, 3000.0, false).feeding, "no bouncing in the dark");
    }
    assert!(plant.step(300.0, 8000.0, 3000.0, false).feeding, "the sun is back");
    assert!(plant.load_changed(1000.0, 3000.0));
    plant.set_battery_online(true);
    assert!(plant.step(300.0, 0.0, 3000.0, false).feeding, "the battery is back");
    assert!(plant.battery().soc() <= soc);
}
