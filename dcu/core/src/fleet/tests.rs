//! Who gets the link, by the rules alone: no meter answers here, frames simply end.

use proptest::prelude::*;

use super::*;
use crate::config::{LineConfig, MeterAccess, Tariff, Traits};

fn config() -> DcuConfig {
    let tariff = Tariff {
        currency: "TZS".into(),
        minor_per_unit: 100,
        energy_price_per_kwh_minor: 1,
        daily_fee_minor: 0,
        grace_minor: 0,
        ..Tariff::default()
    };
    DcuConfig::new(Traits::bundle("edge_local").unwrap(), tariff)
}

fn fleet(config: &DcuConfig, meters: u32) -> Fleet {
    let entries: Vec<_> = (0..meters)
        .map(|n| MeterEntry {
            id: n.to_string(),
            account: n.to_string(),
            access: MeterAccess::Open,
            opening_balance_minor: 0,
            sts: None,
        })
        .collect();
    Fleet::new(config, &entries, &[])
}

/// Takes the next grant and does as the DCU would; whose frame went out, and of which class its business is.
fn grant(fleet: &mut Fleet) -> Option<(MeterIx, Class)> {
    let meter = match fleet.next_grant()? {
        Grant::Frame(meter) => {
            fleet.unit_mut(meter)?.waits = None;
            meter
        }
        Grant::Start(meter, class) => {
            fleet.end(meter);
            fleet.begin(meter, Exchange::Read, class);
            meter
        }
    };
    fleet.depart(meter);
    Some((meter, fleet.unit(meter)?.job?.1))
}

fn classes(fleet: &mut Fleet) -> Vec<Class> {
    std::iter::from_fn(|| grant(fleet)).map(|(_, class)| class).collect()
}

#[test]
fn the_last_place_of_a_window_is_kept_for_the_urgent() {
    let mut fleet = fleet(&config(), 40);
    (0..20).for_each(|m| fleet.enqueue(MeterIx(m), Class::Reading));
    assert_eq!(classes(&mut fleet), [Class::Reading; 7]);
    fleet.enqueue(MeterIx(30), Class::Urgent);
    fleet.enqueue(MeterIx(31), Class::Urgent);
    assert_eq!(classes(&mut fleet), [Class::Urgent], "one at once, the other with the next that ends");
    fleet.end(MeterIx(0));
    assert_eq!(classes(&mut fleet), [Class::Urgent]);
}

#[test]
fn bulk_has_its_own_window_and_its_two_kinds_take_turns() {
    let mut fleet = fleet(&config(), 40);
    (0..20).for_each(|m| fleet.enqueue(MeterIx(m), Class::Backfill));
    (20..40).for_each(|m| fleet.enqueue(MeterIx(m), Class::Image));
    let mut under_way: Vec<_> = std::iter::from_fn(|| grant(&mut fleet)).collect();
    assert_eq!(under_way.len(), 4);
    let mut sent = [0; Class::COUNT];
    for _ in 0..400 {
        let (meter, class) = under_way.remove(0);
        sent[class as usize] += 1;
        fleet.wait(meter, Vec::new(), class);
        under_way.extend(grant(&mut fleet));
    }
    assert_eq!((sent[Class::Backfill as usize], sent[Class::Image as usize]), (200, 200));
}

#[test]
fn within_bulk_the_meters_under_way_take_turns_and_are_only_so_many() {
    let config = DcuConfig { bulk_meters_max: 3, bulk_window: 1, ..config() };
    let mut fleet = fleet(&config, 10);
    (0..10).for_each(|m| fleet.enqueue(MeterIx(m), Class::Backfill));
    let mut sent = Vec::new();
    for _ in 0..9 {
        let (meter, class) = grant(&mut fleet).unwrap();
        sent.push(meter.0);
        fleet.wait(meter, Vec::new(), class);
    }
    assert_eq!(sent, [0, 1, 2, 0, 1, 2, 0, 1, 2]);
    fleet.end(MeterIx(0));
    assert_eq!(grant(&mut fleet).map(|(meter, _)| meter), Some(MeterIx(3)));
}

#[test]
fn suspects_hold_half_of_a_window_at_most() {
    let mut fleet = fleet(&config(), 20);
    (0..20).for_each(|m| fleet.enqueue(MeterIx(m), Class::Reading));
    (0..15).for_each(|m| fleet.unit_mut(MeterIx(m)).unwrap().suspect = true);
    let granted: Vec<_> = std::iter::from_fn(|| grant(&mut fleet)).map(|(meter, _)| meter.0).collect();
    assert_eq!(granted, [0, 1, 2, 3, 15, 16, 17]);
}

#[test]
fn suspects_leave_half_of_bulk_to_the_living_though_their_time_is_long() {
    let mut fleet = fleet(&config(), 60);
    (0..60).for_each(|m| fleet.enqueue(MeterIx(m), Class::Image));
    (0..50).for_each(|m| fleet.unit_mut(MeterIx(m)).unwrap().suspect = true);
    let mut under_way = Vec::new();
    let mut sent = [0; 2];
    for round in 0..400 {
        while let Some((meter, _)) = grant(&mut fleet) {
            let suspect = fleet.unit(meter).unwrap().suspect;
            sent[usize::from(suspect)] += 1;
            // The living answer at once, suspects are waited for.
            under_way.push((round + if suspect { 20 } else { 1 }, meter));
        }
        under_way.sort_unstable();
        while under_way.first().is_some_and(|(until, _)| *until == round) {
            fleet.wait(under_way.remove(0).1, Vec::new(), Class::Image);
        }
    }
    assert!(sent[0] >= 390, "two of the four places, every other round: {sent:?}");
}

#[test]
fn a_line_carries_one_frame_and_does_not_wait_for_the_mesh() {
    let mut config = config();
    config.lines = vec![LineConfig { meters: vec![10, 11, 12], window: 1, reply_timeout_ms: 1000 }];
    let mut fleet = fleet(&config, 13);
    (0..13).for_each(|m| fleet.enqueue(MeterIx(m), Class::Check));
    let granted: Vec<_> = std::iter::from_fn(|| grant(&mut fleet)).map(|(meter, _)| meter.0).collect();
    assert_eq!(granted, [0, 1, 2, 3, 4, 5, 6, 10]);
    fleet.enqueue(MeterIx(12), Class::Urgent);
    assert_eq!(grant(&mut fleet), None, "it is one exchange that an order waits for on a line");
    fleet.wait(MeterIx(10), Vec::new(), Class::Check);
    assert_eq!(grant(&mut fleet), Some((MeterIx(12), Class::Urgent)), "between two frames of another meter");
}

#[test]
fn an_order_does_not_wait_for_an_answer_that_its_own_meter_owes_on_the_mesh() {
    let mut fleet = fleet(&config(), 2);
    fleet.enqueue(MeterIx(0), Class::Backfill);
    assert_eq!(classes(&mut fleet), [Class::Backfill]);
    fleet.enqueue(MeterIx(0), Class::Reading);
    assert_eq!(fleet.next_grant(), None, "a reading waits");
    fleet.enqueue(MeterIx(0), Class::Urgent);
    assert_eq!(fleet.next_grant(), Some(Grant::Start(MeterIx(0), Class::Urgent)));
}

proptest! {
    /// Whatever happens in whatever order: windows hold, nobody is forgotten, and a better class is never passed over.
    #[test]
    fn windows_hold_and_nobody_is_forgotten(
        story in proptest::collection::vec((0_u32..12, 0_usize..5, 0_u8..4), 1..300),
        bulk_window in 1_usize..6,
    ) {
        let config = DcuConfig { bulk_window, bulk_meters_max: 3, ..config() };
        let mut fleet = fleet(&config, 12);
        let mut wished = std::collections::BTreeSet::new();
        for (meter, class, act) in story {
            let (meter, class) = (MeterIx(meter), Class::ALL[class]);
            let job = fleet.unit(meter).and_then(|unit| unit.job);
            match (act, job) {
                (0, None) => {
                    fleet.enqueue(meter, class);
                    wished.insert((meter, class));
                }
                (1, Some((_, class))) if fleet.unit(meter).unwrap().in_flight => {
                    fleet.wait(meter, Vec::new(), class);
                }
                (2, Some(_)) => {
                    fleet.end(meter);
                    // The DCU queues again what is still due.
                    let still: Vec<_> = wished.iter().filter(|(m, _)| *m == meter).copied().collect();
                    still.iter().for_each(|(m, class)| fleet.enqueue(*m, *class));
                }
                _ => {}
            }
            while let Some((meter, class)) = grant(&mut fleet) {
                wished.remove(&(meter, class));
            }
            let flights: Vec<_> = fleet.units().iter().filter(|u| u.in_flight).collect();
            let bulk = flights.iter().filter(|u| u.job.unwrap().1.is_bulk()).count();
            let lesser = flights.iter().filter(|u| u.job.unwrap().1 != Class::Urgent).count();
            prop_assert!(flights.len() <= 8 && lesser <= 8 && bulk <= bulk_window);
        }
        // Everything ends: then everybody has been served.
        for _ in 0..1000 {
            let busy: Vec<_> = (0..12).map(MeterIx).filter(|m| fleet.unit(*m).unwrap().job.is_some()).collect();
            for meter in busy {
                fleet.end(meter);
                let still: Vec<_> = wished.iter().filter(|(m, _)| *m == meter).copied().collect();
                still.iter().for_each(|(m, class)| fleet.enqueue(*m, *class));
                while let Some((meter, class)) = grant(&mut fleet) {
                    wished.remove(&(meter, class));
                }
            }
        }
        prop_assert!(wished.is_empty(), "{wished:?}");
    }
}
