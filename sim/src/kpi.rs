//! From tables to figures: the KPIs of `summary.json`.
//!
//! Reliability follows IEEE Std 1366: sustained means longer than five minutes, shorter interruptions are counted by
//! MAIFI. An interruption still open at the end of the run counts with its length so far (our rule; the standard
//! leaves it to the reporter). The indices count unbroken spells of `supply_down`; the same formulas over all three
//! classes give the `b_` indices. Customers are those of the scenario: N_T does not shrink when somebody leaves.

use std::collections::BTreeMap;

use taa_dcu::{config::Tariff, outage::Detection};

use crate::{
    cause::{Cause, DownClass},
    records::{Downtime, ImageStep, PayOutcome, Records},
    result::Kpis,
};

/// Sustained interruptions are longer than this (IEEE 1366).
pub const SUSTAINED_MS: u64 = 5 * 60 * 1000;
/// A payment counts as credited in time within this.
pub const CREDIT_DEADLINE_MS: u64 = 5 * 60 * 1000;
const HOUR_MS: f64 = 3_600_000.0;
const YEAR_H: f64 = 8_760.0;

/// What the tables do not hold.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Length of the run, ms.
    pub horizon_ms: u64,
    /// Customer-time entitled to light or lit, ms.
    pub entitled_ms: u64,
    /// Messages handed to the mesh.
    pub mesh_sent: u64,
    /// Messages it delivered.
    pub mesh_delivered: u64,
    /// Join times after a power-up, seconds.
    pub joins_s: Vec<f64>,
    /// Energised meters without a route, node-ms.
    pub isolated_node_ms: u64,
    /// Equivalent full battery cycles.
    pub battery_cycles: f64,
    /// Price at which a lost connection is replaced, minor units.
    pub reconnection_minor: i64,
    /// What churned customers would still have spent until the end of the run, minor units, over all of them.
    pub churned_spend_minor: i64,
    /// What they would have spent over the churn horizon, minor units, over all of them.
    pub churned_horizon_minor: i64,
    /// What customers who stopped topping up for want of trust would have spent meanwhile, minor units.
    pub paused_spend_minor: i64,
    /// Firmware updates within the run: when they were wanted, ms of the run, and for how many meters.
    pub image_orders: Vec<(u64, u32)>,
    /// Names of the scripted faults.
    pub fault_ids: Vec<String>,
    /// Daily hours of light, evening hours, interruptions a week and power limit give the MTF tier of each customer.
    pub tiers: Vec<u8>,
    /// How good the DCU's tickets were.
    pub outages: Detection,
    /// What a kilowatt-hour cost each customer, minor units; who is missing pays the price of the tariff.
    pub prices_minor: Vec<f64>,
}

/// Unbroken spells `(customer, start, end)` of the classes that `keep` accepts, in order of customer and start.
#[must_use]
pub fn spells(downtime: &Downtime, keep: impl Fn(DownClass) -> bool) -> Vec<(u32, u64, u64)> {
    let mut rows: Vec<(u32, u64, u64)> = (0..downtime.len())
        .filter(|&i| keep(downtime.class[i]))
        .map(|i| (downtime.customer[i], downtime.start_ms[i], downtime.end_ms[i]))
        .collect();
    rows.sort_unstable();
    let mut out: Vec<(u32, u64, u64)> = Vec::with_capacity(rows.len());
    for row in rows {
        match out.last_mut() {
            Some(last) if last.0 == row.0 && last.2 == row.1 => last.2 = row.2,
            _ => out.push(row),
        }
    }
    out
}

/// SAIDI (h), SAIFI, CAIDI (h) and MAIFI over the run, per customer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Indices {
    /// Hours per customer.
    pub saidi_h: f64,
    /// Sustained interruptions per customer.
    pub saifi: f64,
    /// Hours per sustained interruption.
    pub caidi_h: Option<f64>,
    /// Momentary interruptions per customer.
    pub maifi: f64,
}

/// The IEEE 1366 indices of some spells over `customers`.
#[must_use]
pub fn indices(spells: &[(u32, u64, u64)], customers: usize) -> Indices {
    let n = customers.max(1) as f64;
    let sustained = || spells.iter().filter(|s| s.2 - s.1 > SUSTAINED_MS);
    let hours = sustained().map(|s| s.2 - s.1).sum::<u64>() as f64 / HOUR_MS;
    let count = sustained().count();
    Indices {
        saidi_h: hours / n,
        saifi: count as f64 / n,
        caidi_h: (count > 0).then(|| hours / count as f64),
        maifi: (spells.len() - count) as f64 / n,
    }
}

/// The value at quantile `q` (nearest rank) of unsorted values.
#[must_use]
pub fn quantile(values: &mut [f64], q: f64) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let rank = libm::ceil(q * values.len() as f64) as usize;
    values.get(rank.saturating_sub(1).min(last)).copied()
}

/// Of the meters to be updated, the share that run the new image, and the 95 % of the time from the order until they did,
/// hours. Nothing without an order.
fn images(records: &Records, orders: &[(u64, u32)]) -> Option<(f64, Option<f64>)> {
    let meters: u32 = orders.iter().map(|order| order.1).sum();
    let activated = records.images.rows().filter(|row| row.step == ImageStep::Activated);
    let mut hours: Vec<f64> = activated
        .filter_map(|row| {
            let (ordered_ms, _) = orders.iter().rev().find(|order| order.0 <= row.time_ms)?;
            Some((row.time_ms - ordered_ms) as f64 / HOUR_MS)
        })
        .collect();
    let share = hours.len() as f64 / f64::from(meters.max(1));
    (meters > 0).then(|| (share, quantile(&mut hours, 0.95)))
}

/// The figures of one architecture.
#[must_use]
pub fn kpis(records: &Records, totals: &Totals, tariff: &Tariff) -> Kpis {
    let customers = records.customers.len();
    let run_h = totals.horizon_ms as f64 / HOUR_MS;
    let to_year = if run_h > 0.0 { YEAR_H / run_h } else { 0.0 };
    let supply = indices(&spells(&records.downtime, |c| c == DownClass::SupplyDown), customers);
    let all_spells = spells(&records.downtime, |_| true);
    let all = indices(&all_spells, customers);
    let longest_ms = all_spells.iter().map(|s| s.2 - s.1).max().unwrap_or(0);
    let mut dark_96h: Vec<u32> = all_spells.iter().filter(|s| s.2 - s.1 >= 96 * 3_600_000).map(|s| s.0).collect();
    dark_96h.dedup();

    let (by_class, by_cause) = by_class_and_cause(&records.downtime, &totals.fault_ids);
    let class_ms = |class: DownClass| by_class.get(class.name()).copied().unwrap_or(0) as f64;
    let supply_ms = class_ms(DownClass::SupplyDown);
    let lost_ms: f64 = by_class.values().map(|&ms| ms as f64).sum();
    let held_ms = lost_ms - supply_ms;
    let share = |lost: f64, of: f64| if of > 0.0 { 1.0 - lost / of } else { 1.0 };
    let entitled_ms = totals.entitled_ms as f64;

    let index_errors = records.outage_sums.and_then(|sums| sums.index_errors());
    let image = images(records, &totals.image_orders);
    let money = |minor: f64| minor / f64::from(tariff.minor_per_unit.max(1));
    let value = Valued::of(records, totals, tariff);
    let sum = |column: &[f64]| column.iter().sum::<f64>() / 1000.0;
    let unserved_kwh = sum(&records.customers.unserved_wh);
    let churned = records.customers.churned_ms.iter().flatten().count();
    let stolen_kwh = sum(&records.customers.stolen_wh);
    let paused = totals.paused_spend_minor as f64;
    let revenue_lost = value.lost_and_stolen_minor + paused + totals.churned_spend_minor as f64;
    let cost_of_downtime_parts: BTreeMap<String, f64> = [
        ("unserved_energy", value.lost_minor),
        ("stolen_energy", value.stolen_minor),
        ("paused_spend", paused),
        ("churned_spend", totals.churned_horizon_minor as f64),
        ("replaced_connections", churned as f64 * totals.reconnection_minor as f64),
    ]
    .into_iter()
    .map(|(part, minor)| (part.to_owned(), money(minor)))
    .collect();
    let pay = payments(records);
    let telemetry = &records.telemetry;
    let due: u64 = telemetry.due.iter().map(|&n| u64::from(n)).sum();
    let at_cloud: u64 = telemetry.at_cloud.iter().map(|&n| u64::from(n)).sum();

    Kpis {
        service_availability: share(supply_ms, entitled_ms),
        paid_service_availability: share(lost_ms, entitled_ms + held_ms),
        billing_availability: pay.in_time,
        telemetry_completeness: if due > 0 { at_cloud as f64 / due as f64 } else { 1.0 },
        asai: share(supply.saidi_h, run_h),
        saidi_h_per_year: supply.saidi_h * to_year,
        saifi_per_year: supply.saifi * to_year,
        caidi_h: supply.caidi_h,
        maifi_per_year: supply.maifi * to_year,
        b_saidi_h_per_year: all.saidi_h * to_year,
        b_saifi_per_year: all.saifi * to_year,
        b_caidi_h: all.caidi_h,
        longest_outage_h: longest_ms as f64 / HOUR_MS,
        customers_dark_96h: dark_96h.len() as u32,
        energy_served_kwh: sum(&records.customers.served_wh),
        energy_unserved_kwh: unserved_kwh,
        energy_unbilled_kwh: sum(&records.customers.unbilled_wh),
        energy_unpaid_kwh: sum(&records.customers.unpaid_wh),
        energy_stolen_kwh: stolen_kwh,
        currency: tariff.currency.clone(),
        revenue: money(pay.accepted_minor as f64),
        revenue_lost: money(revenue_lost),
        revenue_deferred: money(pay.deferred_minor as f64 + value.deferred_minor),
        customers_churned: churned as u32,
        token_delay_p50_s: pay.delay_p50_s,
        token_delay_p95_s: pay.delay_p95_s,
        image_activated_share: image.map(|(share, _)| share),
        image_p95_h: image.and_then(|(_, p95_h)| p95_h),
        mesh_pdr: (totals.mesh_sent > 0).then(|| totals.mesh_delivered as f64 / totals.mesh_sent as f64),
        mesh_join_p95_s: quantile(&mut totals.joins_s.clone(), 0.95),
        mesh_isolated_node_hours: totals.isolated_node_ms as f64 / HOUR_MS,
        outage_detection_recall: totals.outages.recall(),
        outage_detection_precision: totals.outages.precision(),
        outage_detection_latency_p95_s: totals.outages.latency_p95_s(),
        outage_saifi_error_share: index_errors.map(|(saifi, _)| saifi),
        outage_saidi_error_share: index_errors.map(|(_, saidi)| saidi),
        battery_cycles: totals.battery_cycles,
        downtime_h: lost_ms / HOUR_MS,
        downtime_h_by_class: by_class.into_iter().map(|(k, ms)| (k, ms as f64 / HOUR_MS)).collect(),
        downtime_h_by_cause: by_cause.into_iter().map(|(k, ms)| (k, ms as f64 / HOUR_MS)).collect(),
        cost_of_downtime: cost_of_downtime_parts.values().sum(),
        cost_of_downtime_parts,
        payback_months: None,
        mtf_tier: tiers(&totals.tiers),
    }
}

/// Energy as money, minor units: each customer's at what a kilowatt-hour cost that customer.
#[derive(Debug, Default)]
struct Valued {
    lost_minor: f64,
    stolen_minor: f64,
    lost_and_stolen_minor: f64,
    deferred_minor: f64,
}

impl Valued {
    /// Customers of one price are summed before they are valued, so that a village with one price has the figures that one
    /// price gives, to the digit.
    fn of(records: &Records, totals: &Totals, tariff: &Tariff) -> Self {
        let table = &records.customers;
        let base = tariff.energy_price_per_kwh_minor as f64;
        let mut groups: BTreeMap<u64, [f64; 4]> = BTreeMap::new();
        for at in 0..table.len() {
            let price = totals.prices_minor.get(at).copied().unwrap_or(base);
            let row = [table.unserved_wh[at], table.deferred_wh[at], table.deferred_supply_wh[at], table.stolen_wh[at]];
            let sums = groups.entry(price.to_bits()).or_default();
            sums.iter_mut().zip(row).for_each(|(sum, wh)| *sum += wh);
        }
        let mut value = Self::default();
        for (price, sums) in groups {
            let price = f64::from_bits(price);
            let [unserved_kwh, deferred_kwh, deferred_supply_kwh, stolen_kwh] = sums.map(|wh| wh / 1000.0);
            // What was used later was paid for later.
            let lost_kwh = (unserved_kwh - deferred_kwh).max(0.0);
            value.lost_minor += lost_kwh * price;
            value.stolen_minor += stolen_kwh * price;
            value.lost_and_stolen_minor += (lost_kwh + stolen_kwh) * price;
            value.deferred_minor += deferred_supply_kwh * price;
        }
        value
    }
}

/// Lost milliseconds by class and by root cause; both sum to the same total.
#[must_use]
pub fn by_class_and_cause(downtime: &Downtime, fault_ids: &[String]) -> (BTreeMap<String, u64>, BTreeMap<String, u64>) {
    let mut by_class: BTreeMap<String, u64> = DownClass::ALL.iter().map(|c| (c.name().to_owned(), 0)).collect();
    let mut by_cause = BTreeMap::new();
    for i in 0..downtime.len() {
        let ms = downtime.end_ms[i] - downtime.start_ms[i];
        *by_class.entry(downtime.class[i].name().to_owned()).or_insert(0) += ms;
        let cause = match downtime.chain[i].root() {
            Some(Cause::Scripted(n)) => {
                fault_ids.get(usize::from(n)).map_or_else(|| format!("scripted_{n}"), |id| format!("scripted:{id}"))
            }
            Some(cause) => cause.name(),
            None => Cause::Unknown.name(),
        };
        *by_cause.entry(cause).or_insert(0) += ms;
    }
    (by_class, by_cause)
}

struct PaySums {
    in_time: Option<f64>,
    accepted_minor: i64,
    deferred_minor: i64,
    delay_p50_s: Option<f64>,
    delay_p95_s: Option<f64>,
}

/// A payment counts from the wish to pay: one that finds no path is late as well, not invisible.
fn payments(records: &Records) -> PaySums {
    let table = &records.payments;
    let (mut judged, mut in_time, mut accepted_minor, mut deferred_minor) = (0_u64, 0_u64, 0, 0);
    let mut delays = Vec::new();
    for i in 0..table.len() {
        judged += 1;
        if let Some(accepted) = table.accepted_ms[i] {
            accepted_minor += table.amount_minor[i];
            if accepted - table.wanted_ms[i] > CREDIT_DEADLINE_MS {
                deferred_minor += table.amount_minor[i];
            }
            if let Some(applied) = table.applied_ms[i] {
                delays.push((applied - accepted) as f64 / 1000.0);
            }
        }
        if table.outcome[i] == PayOutcome::Applied
            && table.applied_ms[i].is_some_and(|applied| applied - table.wanted_ms[i] <= CREDIT_DEADLINE_MS)
        {
            in_time += 1;
        }
    }
    PaySums {
        in_time: (judged > 0).then(|| in_time as f64 / judged as f64),
        accepted_minor,
        deferred_minor,
        delay_p50_s: quantile(&mut delays, 0.5),
        delay_p95_s: quantile(&mut delays, 0.95),
    }
}

fn tiers(tiers: &[u8]) -> BTreeMap<String, f64> {
    let n = tiers.len().max(1) as f64;
    (0..=5_u8).map(|tier| (format!("tier_{tier}"), tiers.iter().filter(|&&t| t == tier).count() as f64 / n)).collect()
}

/// ESMAP Multi-Tier Framework tier from hours of light a day, in the evening (18–22 h), interruptions a week and the
/// connection's power limit: the lowest of the attributes (Beyond Connections, ESMAP 2015, table ES.1).
#[must_use]
pub fn mtf_tier(day_h: f64, evening_h: f64, interruptions_per_week: f64, power_limit_w: f64) -> u8 {
    let reach = |value: f64, steps: [f64; 5]| steps.iter().filter(|&&s| value >= s).count() as u8;
    let capacity = reach(power_limit_w, [3.0, 50.0, 200.0, 800.0, 2000.0]);
    let day = reach(day_h, [4.0, 4.0, 8.0, 16.0, 23.0]);
    let evening = reach(evening_h, [1.0, 2.0, 3.0, 4.0, 4.0]);
    let reliability = if interruptions_per_week <= 3.0 {
        5
    } else if interruptions_per_week <= 14.0 {
        4
    } else {
        3
    };
    capacity.min(day).min(evening).min(reliability)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cause::Chain, records::DowntimeRow};

    fn row(customer: u32, class: DownClass, start_min: u64, end_min: u64) -> DowntimeRow {
        DowntimeRow {
            customer,
            class,
            chain: Chain::of(Cause::BatteryEmpty),
            start_ms: start_min * 60_000,
            end_ms: end_min * 60_000,
            outage: 0,
            open_end: false,
        }
    }

    #[test]
    fn adjoining_rows_are_one_spell_and_five_minutes_are_momentary() {
        let mut table = Downtime::default();
        table.push(row(0, DownClass::SupplyDown, 0, 4));
        table.push(row(0, DownClass::SupplyDown, 4, 8));
        table.push(row(0, DownClass::CreditStuck, 8, 20));
        table.push(row(1, DownClass::SupplyDown, 0, 5));
        let supply = indices(&spells(&table, |c| c == DownClass::SupplyDown), 2);
        assert!((supply.saidi_h - 8.0 / 60.0 / 2.0).abs() < 1e-12);
        assert!((supply.saifi - 0.5).abs() < 1e-12 && (supply.maifi - 0.5).abs() < 1e-12);
        let billing = spells(&table, |_| true);
        assert_eq!(billing, vec![(0, 0, 20 * 60_000), (1, 0, 5 * 60_000)]);
    }

    #[test]
    fn quantiles_are_nearest_rank() {
        let mut values = [5.0, 1.0, 3.0, 2.0, 4.0];
        assert_eq!(quantile(&mut values, 0.5), Some(3.0));
        assert_eq!(quantile(&mut values, 0.95), Some(5.0));
        assert_eq!(quantile(&mut [], 0.5), None);
    }

    #[test]
    fn tiers_take_the_weakest_attribute() {
        assert_eq!(mtf_tier(24.0, 4.0, 0.0, 3000.0), 5);
        assert_eq!(mtf_tier(24.0, 4.0, 0.0, 500.0), 3);
        assert_eq!(mtf_tier(20.0, 3.5, 0.0, 3000.0), 3);
        assert_eq!(mtf_tier(24.0, 4.0, 20.0, 3000.0), 3);
        assert_eq!(mtf_tier(2.0, 4.0, 0.0, 3000.0), 0);
    }
}
