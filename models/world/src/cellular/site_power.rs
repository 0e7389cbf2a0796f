//! The tower's own supply: grid, generator, sun and a battery, hour by hour under the village's weather.
//!
//! ```text
//!   grid ──┐                      ┌─ load of 1 (energies are in hours of load)
//!   sun ───┼──▶ battery (hours) ──┤
//!   generator (fuel, thefts, late deliveries, failures) ──┘   empty ⇒ the tower is down
//! ```
//!
//! A site has one of four supplies, drawn once. An outage begins when the battery is empty and nothing feeds; it ends
//! when a source is back and has lifted the battery to the reconnection level, or when the crew comes with fuel or a
//! portable generator, and lasts as long as [`Crew`] allows at either end. So outages of solar sites come on the
//! second or third dark day, those of the grid after its long interruptions, those of generators when fuel is stolen
//! or its delivery is late (roads are closed after rain, which the same clouds bring).
//!
//! Arbitrary: the grain is an hour (the moment of emptiness is interpolated); a tower that is down takes no power.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DownWhy, Sky};
use crate::{
    draw::{Draws, NodeKey, Purpose},
    param::Checks,
    spells::{self, HOUR_MS, MONTH_H, Spell},
};

/// Power at towers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SitePowerParams {
    /// Weight of sites on panels and battery alone. Assumed: 0.30.
    pub solar_weight: f64,
    /// Weight of sites on panels, battery and a generator. Assumed: 0.20.
    pub hybrid_weight: f64,
    /// Weight of sites on a generator and a battery. Assumed: 0.25.
    pub diesel_weight: f64,
    /// Weight of sites on the grid and a battery. Assumed: 0.25 (rural ones).
    pub grid_weight: f64,
    /// Median yield of the panels on an average day of the weather file, in days of load. Assumed: 1.2; spread of the
    /// logarithm 0.1.
    pub solar_margin: f64,
    /// Median battery of a solar or hybrid site as it is now (aged), hours of load. Assumed: 22; spread 0.25.
    pub solar_battery_h: f64,
    /// Median battery of a site with a generator alone, hours of load. Assumed: 8; spread 0.25.
    pub diesel_battery_h: f64,
    /// Median battery of a site on the grid, hours of load. Assumed: 4.5; spread 0.25.
    pub grid_battery_h: f64,
    /// Grid interruptions a month at an average site. Published: 3.74 (Kenya, SAIFI 44.9 a year in 2022/23).
    pub grid_outages_per_month: f64,
    /// Median grid interruption, hours. Assumed: 1.3 with a spread of 1.2, so a mean of 2.7 (Kenya's CAIDI: 2.6,
    /// published; sources differ up to 4.9).
    pub grid_outage_median_h: f64,
    /// Days between planned fuel deliveries. Assumed: 14.
    pub fuel_every_days: f64,
    /// What the tank holds, days of the site's load from fuel alone. Assumed: 21.
    pub tank_days: f64,
    /// Median lateness of a delivery at an average site, days. Assumed: 1; spread of the logarithm 1. A delivery also
    /// waits while the road is closed.
    pub fuel_late_median_days: f64,
    /// Fuel thefts a year at an average site with a generator. Assumed: 2; each takes 50 to 100 % of what is there.
    pub fuel_thefts_per_year: f64,
    /// Mean running hours between failures of the generator at an average site. Assumed: 900 (Weibull, shape 1.5).
    pub generator_mean_run_h: f64,
}

impl Default for SitePowerParams {
    fn default() -> Self {
        Self {
            solar_weight: 0.30,
            hybrid_weight: 0.20,
            diesel_weight: 0.25,
            grid_weight: 0.25,
            solar_margin: 1.2,
            solar_battery_h: 22.0,
            diesel_battery_h: 8.0,
            grid_battery_h: 4.5,
            grid_outages_per_month: 3.74,
            grid_outage_median_h: 1.3,
            fuel_every_days: 14.0,
            tank_days: 21.0,
            fuel_late_median_days: 1.0,
            fuel_thefts_per_year: 2.0,
            generator_mean_run_h: 900.0,
        }
    }
}

impl SitePowerParams {
    fn weights(&self) -> [f64; 4] {
        [self.solar_weight, self.hybrid_weight, self.diesel_weight, self.grid_weight]
    }

    pub(super) fn checked(&self, checks: Checks) -> Checks {
        let sum: f64 = self.weights().iter().sum();
        let margin = self.solar_margin;
        let (rate, thefts) = (self.grid_outages_per_month, self.fuel_thefts_per_year);
        checks
            .not_negative("site_power.solar_weight", self.solar_weight)
            .not_negative("site_power.hybrid_weight", self.hybrid_weight)
            .not_negative("site_power.diesel_weight", self.diesel_weight)
            .not_negative("site_power.grid_weight", self.grid_weight)
            .demand(sum > 0.0, "site_power.grid_weight", sum, "one of the four weights above 0")
            .demand((1.0..=20.0).contains(&margin), "site_power.solar_margin", margin, "1 to 20")
            .positive("site_power.solar_battery_h", self.solar_battery_h)
            .positive("site_power.diesel_battery_h", self.diesel_battery_h)
            .positive("site_power.grid_battery_h", self.grid_battery_h)
            .demand((0.0..=1000.0).contains(&rate), "site_power.grid_outages_per_month", rate, "0 to 1000 a month")
            .positive("site_power.grid_outage_median_h", self.grid_outage_median_h)
            .between("site_power.fuel_every_days", self.fuel_every_days)
            .positive("site_power.tank_days", self.tank_days)
            .not_negative("site_power.fuel_late_median_days", self.fuel_late_median_days)
            .demand((0.0..=365.0).contains(&thefts), "site_power.fuel_thefts_per_year", thefts, "0 to 365 a year")
            .between("site_power.generator_mean_run_h", self.generator_mean_run_h)
    }
}

/// How soon the tower operator's people are there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crew {
    pub(super) least_h: f64,
    pub(super) median_h: f64,
    pub(super) most_h: f64,
}

impl Crew {
    /// Hours from the outage to the repair, between least and most.
    pub(super) fn arrives_after_h(&self, draws: &mut Draws) -> f64 {
        spells::bounded_lognormal(draws, self.median_h, 0.8, self.least_h, self.most_h)
    }
}

const MAKE: Purpose = Purpose::named("cellular/site/make");
const GRID: Purpose = Purpose::named("cellular/site/grid");
const DELIVERY: Purpose = Purpose::named("cellular/site/delivery");
const THEFT: Purpose = Purpose::named("cellular/site/theft");
const GENERATOR: Purpose = Purpose::named("cellular/site/generator");
const CREW: Purpose = Purpose::named("cellular/site/crew");

/// Power of the generator in loads; it starts at this battery state and stops at that one.
const GENERATOR_LOADS: f64 = 2.5;
const START_STOP: (f64, f64) = (0.3, 0.9);
/// Power of the grid's rectifier beyond the load, in batteries an hour.
const RECTIFIER: f64 = 0.2;
/// State to which the battery must be lifted before the tower switches on again.
const RECONNECT: f64 = 0.4;
/// What a visit of the crew leaves: battery state, share of a tank.
const VISIT: (f64, f64) = (0.6, 0.3);

/// One site as built, and its state.
struct Site<'a> {
    p: &'a SitePowerParams,
    sky: &'a Sky,
    who: (u64, u32, NodeKey),
    trouble: f64,
    panels: f64,
    generator: Option<Generator>,
    on_grid: bool,
    battery_h: f64,
    charge_h: f64,
}

struct Generator {
    fuel_h: f64,
    tank_h: f64,
    running: bool,
    stolen: bool,
    run_left_h: f64,
    failures: u64,
    /// Repaired at this hour, when broken.
    repaired_at_h: Option<f64>,
    deliveries: u64,
    next_delivery_h: f64,
    thefts: u64,
    next_theft_h: f64,
}

/// When the tower of this (seed, replication, key) has no power. `trouble` is the site's own factor on everything that fails, 1 on average.
pub(super) fn outages(
    p: &SitePowerParams,
    crew: &Crew,
    trouble: f64,
    sky: &Sky,
    who: (u64, u32, NodeKey),
    horizon_ms: u64,
) -> Vec<(Spell, DownWhy)> {
    let mut site = Site::draw(p, trouble, sky, who);
    let grid = site.grid_spells(horizon_ms);
    let mut grid = grid.iter().peekable();
    let mut found = Vec::new();
    let mut down: Option<Outage> = None;
    let mut visit_h: Option<f64> = None;
    let hours = horizon_ms.div_ceil(HOUR_MS);
    for hour in 0..hours {
        let (start, end) = (hour * HOUR_MS, (hour + 1) * HOUR_MS);
        while grid.next_if(|spell| spell.end_ms <= start).is_some() {}
        let off_ms = grid.peek().map_or(0, |s| s.end_ms.min(end).saturating_sub(s.start_ms.max(start)));
        let grid_share = if site.on_grid { 1.0 - off_ms as f64 / HOUR_MS as f64 } else { 0.0 };
        let now_h = (hour + 1) as f64;
        match down {
            None => {
                if let Some(after_h) = site.hour_on(hour, grid_share, crew) {
                    let outage = Outage { start_h: hour as f64 + after_h, why: site.why(hour) };
                    let number = found.len() as u64;
                    visit_h.get_or_insert_with(|| outage.start_h + crew.arrives_after_h(&mut site.draws(CREW, number)));
                    down = Some(outage);
                }
                // Called out is called out: the crew leaves fuel though the tower is on again.
                if visit_h.is_some_and(|at| now_h >= at) {
                    site.visit();
                    visit_h = None;
                }
            }
            Some(outage) => {
                let fed = site.hour_off(hour, grid_share);
                let least_h = outage.start_h + crew.least_h;
                let visited = visit_h.filter(|at| now_h >= at.max(least_h));
                if visited.is_some() {
                    site.visit();
                    visit_h = None;
                }
                if visited.is_some() || (fed && now_h >= least_h) {
                    push(&mut found, outage, visited.map_or(now_h, |at| at.max(least_h)), horizon_ms);
                    down = None;
                }
            }
        }
    }
    if let Some(outage) = down {
        push(&mut found, outage, hours as f64, horizon_ms);
    }
    found
}

#[derive(Clone, Copy)]
struct Outage {
    start_h: f64,
    why: DownWhy,
}

fn push(found: &mut Vec<(Spell, DownWhy)>, outage: Outage, end_h: f64, horizon_ms: u64) {
    let (start_ms, end_ms) = (spells::to_ms(outage.start_h), spells::to_ms(end_h).min(horizon_ms));
    if end_ms > start_ms {
        found.push((Spell { start_ms, end_ms }, outage.why));
    }
}

impl<'a> Site<'a> {
    fn draw(p: &'a SitePowerParams, trouble: f64, sky: &'a Sky, who: (u64, u32, NodeKey)) -> Self {
        let mut make = Draws::keyed(who.0, who.1, who.2, MAKE, 0);
        let supply = make.pick(&p.weights());
        let (has_panels, has_generator, on_grid) = (supply < 2, supply == 1 || supply == 2, supply == 3);
        let panels = make.lognormal(p.solar_margin, 0.1).max(1.02);
        let median_h = match supply {
            0 | 1 => p.solar_battery_h,
            2 => p.diesel_battery_h,
            _ => p.grid_battery_h,
        };
        // A troubled site has an older battery; it still carries a solar site through a clear night.
        let least_h = if has_panels { 16.0 } else { 1.0 };
        let battery_h = (make.lognormal(median_h, 0.25) / libm::sqrt(trouble)).max(least_h);
        let charge_h = battery_h * (0.6 + 0.4 * make.uniform());
        let tank_h = p.tank_days * 24.0;
        let mut site = Self {
            p,
            sky,
            who,
            trouble,
            panels: if has_panels { panels } else { 0.0 },
            generator: None,
            on_grid,
            battery_h,
            charge_h,
        };
        if has_generator {
            let phase_h = p.fuel_every_days * 24.0 * make.uniform();
            let mut generator = Generator {
                fuel_h: (tank_h - (p.fuel_every_days * 24.0 - phase_h)).max(0.3 * tank_h),
                tank_h,
                running: false,
                stolen: false,
                run_left_h: 0.0,
                failures: 0,
                repaired_at_h: None,
                deliveries: 0,
                next_delivery_h: phase_h,
                thefts: 0,
                next_theft_h: 0.0,
            };
            generator.run_left_h = site.run_life_h(0) * make.uniform();
            generator.next_theft_h = site.theft_gap_h(0);
            site.generator = Some(generator);
        }
        site
    }

    fn draws(&self, purpose: Purpose, occasion: u64) -> Draws {
        Draws::keyed(self.who.0, self.who.1, self.who.2, purpose, occasion)
    }

    fn run_life_h(&self, n: u64) -> f64 {
        super::equipment::life_h(1.5, self.p.generator_mean_run_h / self.trouble, &mut self.draws(GENERATOR, n * 2))
    }

    fn theft_gap_h(&self, n: u64) -> f64 {
        let mean_h = spells::YEAR_H / (self.p.fuel_thefts_per_year * self.trouble);
        self.draws(THEFT, n * 2).exponential(mean_h)
    }

    fn grid_spells(&self, horizon_ms: u64) -> Vec<Spell> {
        if !self.on_grid {
            return Vec::new();
        }
        let gap_h = MONTH_H / (self.p.grid_outages_per_month * self.trouble);
        let (seed, rep, key) = self.who;
        let median_h = self.p.grid_outage_median_h;
        let spells = spells::renewal(seed, rep, key, GRID, gap_h, horizon_ms, |draws| {
            (spells::bounded_lognormal(draws, median_h, 1.2, 0.02, 96.0), ())
        });
        spells.into_iter().map(|(spell, ())| spell).collect()
    }

    /// An hour with the tower on; answers the part of the hour after which the battery was empty, if it was.
    fn hour_on(&mut self, hour: u64, grid_share: f64, crew: &Crew) -> Option<f64> {
        self.fuel_moves(hour);
        let sun = self.panels * self.sky.hour(hour as usize);
        let mut net = sun - 1.0 + grid_share * (1.0 + RECTIFIER * self.battery_h);
        let state = self.charge_h / self.battery_h;
        let mut broke = false;
        if let Some(generator) = &mut self.generator {
            if state < START_STOP.0 {
                generator.running = true;
            } else if state > START_STOP.1 {
                generator.running = false;
            }
            if generator.running && generator.repaired_at_h.is_none() && generator.fuel_h > 0.0 {
                net += GENERATOR_LOADS;
                generator.fuel_h = (generator.fuel_h - GENERATOR_LOADS).max(0.0);
                generator.run_left_h -= 1.0;
                broke = generator.run_left_h <= 0.0;
            }
        }
        if broke {
            self.generator_breaks(hour, crew);
        }
        let before = self.charge_h;
        self.charge_h = (before + net).clamp(0.0, self.battery_h);
        (before + net <= 0.0 && net < 0.0).then(|| (before / -net).clamp(0.0, 1.0))
    }

    /// An hour with the tower off; whether a source could carry it at the end of the hour.
    fn hour_off(&mut self, hour: u64, grid_share: f64) -> bool {
        self.fuel_moves(hour);
        let sun = self.panels * self.sky.hour(hour as usize);
        let net = sun + grid_share * (1.0 + RECTIFIER * self.battery_h);
        self.charge_h = (self.charge_h + net).min(self.battery_h);
        let generator = self.generator.as_ref().is_some_and(|g| g.repaired_at_h.is_none() && g.fuel_h > 0.0);
        generator || grid_share >= 1.0 || self.charge_h >= RECONNECT * self.battery_h
    }

    fn generator_breaks(&mut self, hour: u64, crew: &Crew) {
        let Some(n) = self.generator.as_ref().map(|g| g.failures + 1) else { return };
        let life_h = self.run_life_h(n);
        let repair_h = crew.arrives_after_h(&mut self.draws(GENERATOR, n * 2 + 1));
        if let Some(generator) = &mut self.generator {
            generator.failures = n;
            generator.run_left_h = life_h;
            generator.repaired_at_h = Some(hour as f64 + repair_h);
        }
    }

    /// Repairs, deliveries and thefts that are due by this hour.
    fn fuel_moves(&mut self, hour: u64) {
        let Some(mut generator) = self.generator.take() else { return };
        let now_h = hour as f64;
        if generator.repaired_at_h.is_some_and(|at| now_h >= at) {
            generator.repaired_at_h = None;
        }
        if now_h >= generator.next_theft_h {
            let left = 0.5 * self.draws(THEFT, generator.thefts * 2 + 1).uniform();
            generator.fuel_h *= left;
            generator.stolen = true;
            generator.thefts += 1;
            generator.next_theft_h = now_h + self.theft_gap_h(generator.thefts);
        }
        if now_h >= generator.next_delivery_h {
            if self.sky.road_closed((hour / 24) as i64) {
                // The lorry tries again the next day.
                generator.next_delivery_h += 24.0;
            } else {
                generator.fuel_h = generator.tank_h;
                generator.stolen = false;
                generator.deliveries += 1;
                let late = self.draws(DELIVERY, generator.deliveries);
                generator.next_delivery_h = now_h + self.next_delivery_after_h(late);
            }
        }
        self.generator = Some(generator);
    }

    fn next_delivery_after_h(&self, mut draws: Draws) -> f64 {
        let late_days = draws.lognormal(self.p.fuel_late_median_days.max(1e-6), 1.0) * self.trouble;
        (self.p.fuel_every_days + late_days.min(30.0)) * 24.0
    }

    /// The crew's visit: the generator runs, there is some fuel, the battery has some charge.
    fn visit(&mut self) {
        self.charge_h = self.charge_h.max(VISIT.0 * self.battery_h);
        if let Some(generator) = &mut self.generator {
            generator.repaired_at_h = None;
            generator.fuel_h = generator.fuel_h.max(VISIT.1 * generator.tank_h);
        }
    }

    /// Why the battery is empty now.
    fn why(&self, hour: u64) -> DownWhy {
        let day = (hour / 24) as i64;
        match &self.generator {
            Some(generator) if generator.repaired_at_h.is_some() => DownWhy::Generator,
            Some(generator) if generator.stolen => DownWhy::FuelStolen,
            Some(_) => DownWhy::FuelLate,
            None if self.on_grid => DownWhy::GridOut,
            None if self.sky.recently_dark(day) => DownWhy::DarkDays,
            None => DownWhy::BatteryWorn,
        }
    }
}
