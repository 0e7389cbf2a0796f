//! The village under study: its scenario, the weather it may have, and what its folder allows.

use std::path::Path;

use taa_dcu::config::Traits;
use taa_scenarios::{Diagnostics, Overrides, model::Scenario};

use crate::weather::Pool;

/// A village with all that a study needs to know about it.
#[derive(Clone, Debug)]
pub struct Place {
    /// As loaded: the run that a reader asked for.
    pub scenario: Scenario,
    /// Its weather, wider than the run.
    pub pool: Pool,
    /// Keypad meters are on offer; not for a scenario without a folder.
    pub keypad: bool,
}

impl Place {
    /// The village of a folder, with weather from around the run's days.
    ///
    /// # Errors
    /// What the loader says.
    pub fn load(dir: &Path, overrides: &Overrides) -> Result<Self, Diagnostics> {
        let scenario = taa_scenarios::load(dir, overrides)?;
        Self::around(dir, overrides, scenario)
    }

    /// The same for a scenario that has been loaded from that folder already.
    ///
    /// # Errors
    /// What the loader says.
    pub fn around(dir: &Path, overrides: &Overrides, scenario: Scenario) -> Result<Self, Diagnostics> {
        let pool = Pool::around(dir, overrides, &scenario)?;
        Ok(Self { scenario, pool, keypad: true })
    }

    /// A scenario without a folder: weather from its own days alone.
    #[must_use]
    pub fn of(scenario: Scenario) -> Self {
        let pool = Pool::of_run(&scenario);
        Self { scenario, pool, keypad: false }
    }

    /// What the scenario would be under draw `draw` in the window of `days` days that starts `from_day` days into the
    /// run: start, weather and scripted faults moved accordingly.
    #[must_use]
    pub fn drawn(&self, variant: &Scenario, draw: u32, from_day: u32, days: u32) -> Scenario {
        let mut scenario = variant.clone();
        let (from_ms, length_ms) = (u64::from(from_day) * 86_400_000, u64::from(days) * 86_400_000);
        scenario.run.replication = draw;
        scenario.run.days = days;
        scenario.run.start_unix_s += i64::from(from_day) * 86_400;
        scenario.weather.series = self.pool.draw(scenario.run.seed, draw, from_day, days);
        for fault in &mut scenario.faults {
            fault.from_ms = fault.from_ms.saturating_sub(from_ms).min(length_ms);
            fault.until_ms = fault.until_ms.saturating_sub(from_ms).min(length_ms);
        }
        scenario
    }
}

/// The village with its first `connections` customers alone; panels, battery and inverter shrink with it.
///
/// Poles, lines and buildings stay: what is not connected is scenery. With as many customers or fewer, nothing changes.
#[must_use]
pub fn first_connections(scenario: &Scenario, connections: u32) -> Scenario {
    let mut small = scenario.clone();
    let all = small.village.customers.len();
    let kept = connections as usize;
    if kept >= all {
        return small;
    }
    small.village.customers.truncate(kept);
    for building in &mut small.village.buildings {
        building.customer = building.customer.filter(|&c| (c as usize) < kept);
    }
    let share = kept as f64 / all as f64;
    small.power.pv.kwp *= share;
    small.power.battery.capacity_kwh *= share;
    small.power.inverter_kw *= share;
    small
}

/// The scenario with this one architecture.
#[must_use]
pub fn under(scenario: &Scenario, name: &str, traits: Traits) -> Scenario {
    let mut one = scenario.clone();
    one.run.architectures = vec![(name.to_owned(), traits)];
    one
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{jija, village};
    use taa_scenarios::model::{Fault, FaultKind, FaultTarget};

    #[test]
    fn a_smaller_village_keeps_its_shape() {
        let small = village(60, 3, 1);
        assert_eq!(small.village.customers.len(), 60);
        assert!(small.village.buildings.iter().filter_map(|b| b.customer).all(|c| c < 60));
        let whole = village(10_000, 3, 1);
        let per_head = |s: &Scenario| s.power.battery.capacity_kwh / s.village.customers.len() as f64;
        assert!((per_head(&small) - per_head(&whole)).abs() < 1e-9);
    }

    #[test]
    fn a_window_takes_start_weather_and_faults_along() {
        let mut scenario = village(20, 40, 1);
        let fault = |from_h: u64, until_h: u64| Fault {
            id: "x".to_owned(),
            what: FaultKind::InverterOut,
            target: FaultTarget::All,
            from_ms: from_h * 3_600_000,
            until_ms: until_h * 3_600_000,
        };
        scenario.faults = vec![fault(24, 48), fault(10 * 24, 11 * 24)];
        let place = Place::of(scenario);
        let window = place.drawn(&place.scenario, 0, 10, 5);
        assert_eq!(window.run.start_unix_s - place.scenario.run.start_unix_s, 864_000);
        assert_eq!(window.weather.series.len(), 120);
        let own = &place.scenario.weather.series.ghi_w_per_m2;
        assert_eq!(window.weather.series.ghi_w_per_m2, own[240..360]);
        let faults: Vec<(u64, u64)> = window.faults.iter().map(|f| (f.from_ms, f.until_ms)).collect();
        assert_eq!(faults, [(0, 0), (0, 86_400_000)]);
    }

    #[test]
    fn a_folder_gives_weather_from_both_sides_of_the_run() {
        let overrides = Overrides { days: Some(3), ..Overrides::default() };
        let place = Place::load(&jija(), &overrides).unwrap();
        assert_eq!(place.pool.draw(1, 0, 0, 3), place.scenario.weather.series, "draw 0 is the file itself");
        assert_ne!(place.pool.draw(1, 5, 0, 3), place.scenario.weather.series);
    }
}
