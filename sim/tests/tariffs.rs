//! Tariffs with hours, months and trust, in a running village.

mod common;

use common::{bundle, simulate, village};
use taa_dcu::config::{
    Tariff,
    tariff::{Block, FriendlyHours, Lifeline, Period, TimeOfDay},
};
use taa_scenarios::model::Scenario;

fn time(text: &str) -> TimeOfDay {
    TimeOfDay::try_from(text.to_owned()).unwrap()
}

fn with(change: impl Fn(&mut Tariff)) -> Scenario {
    let mut scenario = village(24, 20, 7);
    scenario.run.architectures = vec![bundle("cloud_cached"), bundle("edge_local")];
    change(&mut scenario.tariff);
    assert_eq!(scenario.tariff.check(), Vec::new());
    scenario
}

fn evening(price: i64) -> Vec<Period> {
    let (from, to) = (time("18:00"), time("22:00"));
    vec![Period { name: "peak".into(), from, to, weekdays: Vec::new(), price_per_kwh_minor: price }]
}

#[test]
fn hours_at_the_same_price_change_nothing_that_people_feel() {
    let flat = simulate(&with(|_| {}));
    let hours = simulate(&with(|tariff| tariff.periods = evening(tariff.energy_price_per_kwh_minor)));
    for (flat, hours) in flat.architectures.iter().zip(&hours.architectures) {
        let (flat, hours) = (&flat.kpis, &hours.kpis);
        // Truth is rated in whole watt-hours at every look instead of by the milliwatt-hour: nearly, not exactly, the same.
        let apart = (flat.energy_served_kwh - hours.energy_served_kwh).abs() / flat.energy_served_kwh;
        assert!(apart < 0.01, "{} {}", flat.energy_served_kwh, hours.energy_served_kwh);
        let apart = (flat.service_availability - hours.service_availability).abs();
        assert!(apart < 0.005, "{} {}", flat.service_availability, hours.service_availability);
    }
}

#[test]
fn a_village_lives_with_hours_blocks_and_a_lifeline() {
    let scenario = with(|tariff| {
        tariff.periods = evening(300_000);
        tariff.lifeline = Some(Lifeline { kwh: 2, price_per_kwh_minor: 90_000 });
        tariff.blocks = vec![Block { up_to_kwh: 10, price_per_kwh_minor: 150_000 }];
        tariff.emergency_credit_minor = 100_000;
        let (from, to) = (time("18:00"), time("07:00"));
        tariff.friendly_hours = vec![FriendlyHours { from, to, ..FriendlyHours::default() }];
    });
    let result = simulate(&scenario);
    let flat = simulate(&with(|_| {}));
    for (arch, flat) in result.architectures.iter().zip(&flat.architectures) {
        let kpis = &arch.kpis;
        assert!(kpis.energy_served_kwh > 0.0 && kpis.paid_service_availability > 0.9, "{kpis:?}");
        // Nobody goes dark for want of credit between six and seven: zero credit is rarer than with a flat price alone.
        // No light is out although it is paid for, beyond the flat village's own mishaps: site and truth agree on the price.
        let apart = flat.kpis.service_availability - kpis.service_availability;
        assert!(apart < 0.005, "{apart}: {:?}", kpis.downtime_h_by_cause);
    }
    assert_eq!(simulate(&scenario).digest, result.digest, "and it repeats to the bit");
}
