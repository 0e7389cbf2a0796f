//! Closing the books: open intervals, per-customer totals, telemetry, links, KPIs.

use taa_dcu::{
    billing::{Account, Book},
    config::{CreditAt, Tariff},
};
use taa_models::demand::{Class, DemandParams};
use taa_scenarios::model::{FaultTarget, Operation, OperationKind, Scenario};

use super::Village;
use crate::{
    cause::Chain,
    kpi::{self, Totals},
    records::{Component, CustomerRow, OutageRow, Records, TelemetryRow},
    result::Kpis,
};

/// Components that are down now, with their start and chain.
#[derive(Debug, Default)]
pub(crate) struct ComponentLog {
    open: Vec<(Component, u64, Chain)>,
}

impl ComponentLog {
    /// Component is down as of now for this reason; nothing when it is up.
    pub(crate) fn turn(
        &mut self,
        component: Component,
        down: Option<Chain>,
        now_ms: u64,
        records: &mut Records,
    ) -> bool {
        let at = self.open.iter().position(|o| o.0 == component);
        if at.map(|i| self.open[i].2) == down {
            return false;
        }
        if let Some(i) = at {
            let (_, start_ms, chain) = self.open.remove(i);
            if now_ms > start_ms {
                records.outages.push(OutageRow { component, start_ms, end_ms: now_ms, chain });
            }
        }
        if let Some(chain) = down {
            self.open.push((component, now_ms, chain));
        }
        true
    }

    fn finish(&mut self, now_ms: u64, records: &mut Records) {
        for (component, start_ms, chain) in self.open.drain(..) {
            if now_ms > start_ms {
                records.outages.push(OutageRow { component, start_ms, end_ms: now_ms, chain });
            }
        }
    }
}

/// Which hourly readings have reached whom, one bit per customer and hour.
#[derive(Debug)]
pub(crate) struct TelemetryCount {
    customers: usize,
    first_period: u32,
    at_dcu: BitTable,
    at_cloud: BitTable,
}

#[derive(Debug)]
struct BitTable {
    words: Vec<u64>,
    by_hour: Vec<u32>,
}

impl BitTable {
    fn new(hours: usize, customers: usize) -> Self {
        Self { words: vec![0; (hours * customers).div_ceil(64)], by_hour: vec![0; hours] }
    }

    fn set(&mut self, hour: usize, customer: usize, customers: usize) {
        let Some(count) = self.by_hour.get_mut(hour) else { return };
        let bit = hour * customers + customer;
        let mask = 1_u64 << (bit % 64);
        let word = &mut self.words[bit / 64];
        if *word & mask == 0 {
            *word |= mask;
            *count += 1;
        }
    }
}

impl TelemetryCount {
    pub(crate) fn new(customers: usize, hours: usize, first_period: u32) -> Self {
        let table = || BitTable::new(hours, customers);
        Self { customers, first_period, at_dcu: table(), at_cloud: table() }
    }

    pub(crate) fn stored(&mut self, customer: u32, period: u32) {
        let hour = period.wrapping_sub(self.first_period) as usize;
        self.at_dcu.set(hour, customer as usize, self.customers);
    }

    pub(crate) fn arrived(&mut self, customer: u32, period: u32) {
        let hour = period.wrapping_sub(self.first_period) as usize;
        self.at_cloud.set(hour, customer as usize, self.customers);
    }

    fn rows(&self, hours: u64, records: &mut Records) {
        for hour in 0..hours as usize {
            records.telemetry.push(TelemetryRow {
                time_ms: (hour as u64 + 1) * 3_600_000,
                due: self.customers as u32,
                at_dcu: self.at_dcu.by_hour[hour],
                at_cloud: self.at_cloud.by_hour[hour],
            });
        }
    }
}

impl Village<'_> {
    /// Ends the run at this time: what it leaves.
    pub(crate) fn finish(mut self, now_ms: u64) -> (Records, Kpis) {
        let prices_minor = self.billed_prices();
        self.take_demand();
        let site_tariff = &self.scenario.tariff;
        self.component_down.finish(now_ms, &mut self.records);
        self.mesh.integrate(now_ms);
        let mut totals = totals(self.scenario, now_ms);
        let days = now_ms as f64 / 86_400_000.0;
        for customer in 0..self.people.len() {
            let layout = &self.scenario.village.customers[customer as usize];
            if self.mesh.is_frame() {
                self.people.of(customer).unit.hops = self.mesh.hops_of(customer as usize).unwrap_or(0);
            }
            let tariff = self.scenario.tariff_of(customer as usize);
            let connected = self.people.of(customer).load.connected;
            self.bypass_turned(customer, connected, now_ms);
            let one = self.people.of(customer);
            one.load.integrate(now_ms, one.light.status());
            one.light.finish(customer, now_ms, &mut self.records.downtime);
            let energy_mwh = one.unit.energy_mwh(now_ms);
            one.purse.look(energy_mwh, now_ms);
            one.purse.count_unbilled(energy_mwh, tariff);
            self.records.image_blocks += one.unit.meter.image_blocks();
            let [supply_down_ms, credit_stuck_ms, payment_blocked_ms] = one.light.lost_ms;
            totals.entitled_ms += one.light.lit_ms + supply_down_ms;
            let price_minor = prices_minor.get(customer as usize).copied();
            let daily_minor = usual_spend_minor(one.purse.daily_spend_minor, tariff, price_minor);
            if let Some(gone_ms) = one.purse.gone_ms {
                let days_left = (now_ms - gone_ms) as f64 / 86_400_000.0;
                let spend_minor = (daily_minor * days_left) as i64;
                totals.churned_spend_minor = totals.churned_spend_minor.saturating_add(spend_minor);
                let horizon_days = self.scenario.people.churn_horizon_months * 365.25 / 12.0;
                let horizon_minor = (daily_minor * horizon_days) as i64;
                totals.churned_horizon_minor = totals.churned_horizon_minor.saturating_add(horizon_minor);
            }
            let trust_end = one.purse.mood.pass(&self.scenario.people.trust, now_ms).value();
            let paused_ms = one.purse.mood.paused_ms;
            totals.paused_spend_minor += (daily_minor * paused_ms as f64 / 86_400_000.0) as i64;
            let hour_ms = 3_600_000.0;
            totals.tiers.push(kpi::mtf_tier(
                one.light.lit_ms as f64 / hour_ms / days,
                one.light.lit_evening_ms as f64 / hour_ms / days,
                f64::from(one.light.interruptions) / days * 7.0,
                connection_limit_w(one.identity.class, &self.scenario.demand),
            ));
            self.records.customers.push(CustomerRow {
                id: layout.id.clone(),
                class: layout.class.name().to_owned(),
                customer,
                served_wh: energy_mwh as f64 / 1000.0,
                unserved_wh: one.load.unserved_energy as f64 / 3.6e9,
                deferred_wh: one.load.late.served[0] as f64 / 3.6e9,
                deferred_supply_wh: one.load.late.served[1] as f64 / 3.6e9,
                unbilled_wh: one.purse.unbilled_mwh as f64 / 1000.0,
                unpaid_wh: one.purse.unpaid_mwh(energy_mwh, tariff) as f64 / 1000.0,
                paid_minor: one.purse.paid_minor,
                supply_down_ms,
                credit_stuck_ms,
                payment_blocked_ms,
                zero_credit_ms: one.light.no_credit_ms,
                bypassed_ms: one.light.bypassed_ms,
                longest_ms: one.light.longest_ms,
                interruptions: one.light.interruptions,
                hops: u32::from(one.unit.hops),
                path_etx: one.unit.path_etx,
                churned_ms: one.purse.gone_ms,
                calls: one.purse.mood.calls,
                stolen_wh: one.purse.mood.bypass.stolen_wh(),
                trust_end,
                paused_ms,
            });
        }
        self.payment_rows(now_ms);
        self.close_books(now_ms);
        self.repair_rows(now_ms);
        self.telemetry.rows(now_ms / 3_600_000, &mut self.records);
        (self.records.dodag, self.records.mesh_air, self.records.mesh) = self.mesh.tree_records(now_ms);
        if let Some(frames) = self.mesh.frames.take() {
            (self.records.mesh_capture, self.records.mesh_capture_option) = frames.into_capture();
        }
        totals.mesh_sent = self.mesh.sent;
        totals.mesh_delivered = self.mesh.delivered;
        totals.joins_s = std::mem::take(&mut self.mesh.joins_s);
        totals.isolated_node_ms = self.mesh.isolated_node_ms;
        totals.battery_cycles = self.power.plant.equivalent_cycles();
        totals.prices_minor = prices_minor;
        totals.outages = self.close_outages(now_ms).unwrap_or_default();
        let kpis = kpi::kpis(&self.records, &totals, site_tariff);
        (self.records, kpis)
    }
}

impl Village<'_> {
    /// What each customer's kilowatt-hour cost, minor units: the price, where there was one; else the average of what was
    /// billed. Who was billed nothing is valued by the price that is everybody's where nothing else sets one.
    fn billed_prices(&mut self) -> Vec<f64> {
        let repriced = self.cloud_book().tariffs().any(|tariff| tariff.version > 0);
        let moves = repriced || self.scenario.tariffs().any(|tariff| tariff.flat_price().is_none());
        let of = |book: &Book| book.accounts().iter().map(Account::billed).collect::<Vec<_>>();
        let billed = match self.traits.credit_at {
            _ if !moves => Vec::new(),
            CreditAt::Cloud => of(self.cloud_book()),
            CreditAt::Dcu | CreditAt::Meter => self.site_book().map(of).unwrap_or_default(),
        };
        let price = |customer: usize| {
            let tariff = self.scenario.tariff_of(customer);
            let base = tariff.energy_price_per_kwh_minor as f64;
            match billed.get(customer) {
                Some(&(wh, minor)) if wh > 0 && (repriced || tariff.flat_price().is_none()) => {
                    minor as f64 * 1000.0 / wh as f64
                }
                _ => base,
            }
        };
        (0..self.scenario.village.customers.len()).map(price).collect()
    }
}

/// What somebody usually spends a day, where a kilowatt-hour cost this instead of the tariff's base price.
fn usual_spend_minor(daily_minor: f64, tariff: &Tariff, price_minor: Option<f64>) -> f64 {
    let base = tariff.energy_price_per_kwh_minor as f64;
    match price_minor {
        Some(price) if price.to_bits() != base.to_bits() && base > 0.0 => {
            let fee = tariff.daily_fee_minor as f64;
            (daily_minor - fee) * price / base + fee
        }
        _ => daily_minor,
    }
}

fn image_orders(scenario: &Scenario, horizon_ms: u64) -> Vec<(u64, u32)> {
    let update = |operation: &&Operation| matches!(operation.what, OperationKind::FirmwareUpdate { .. });
    let in_run = scenario.operations.iter().filter(|operation| operation.at_ms < horizon_ms).filter(update);
    let count = |operation: &Operation| match operation.what.target() {
        FaultTarget::Customers(list) => list.len() as u32,
        _ => scenario.village.customers.len() as u32,
    };
    in_run.map(|operation| (operation.at_ms, count(operation))).collect()
}

fn totals(scenario: &Scenario, horizon_ms: u64) -> Totals {
    let economics = &scenario.economics;
    let minor = f64::from(scenario.tariff.minor_per_unit);
    Totals {
        horizon_ms,
        reconnection_minor: (economics.connection_usd * economics.currency_per_usd * minor) as i64,
        image_orders: image_orders(scenario, horizon_ms),
        fault_ids: scenario.faults.iter().map(|fault| fault.id.clone()).collect(),
        ..Totals::default()
    }
}

/// What a connection of this class may draw, W: the breaker that mini-grid operators fit (assumed: 2 A, 5 A, 10 A at
/// 230 V for households and shops, three-phase supply for the mill).
fn connection_limit_w(class: Class, demand: &DemandParams) -> f64 {
    match class {
        Class::HouseholdLow => 460.0,
        Class::HouseholdMiddle | Class::Shop => 1150.0,
        Class::HouseholdHigh | Class::School | Class::Clinic => 2300.0,
        Class::Mill => 10_000.0,
        Class::Own(name) => demand.class.get(name.as_str()).map_or(2300.0, |own| own.limit_w),
    }
}
