//! What the claims ask of a run beside its KPIs.

use taa_scenarios::model::Scenario;
use taa_sim::{
    cause::Cause,
    kpi::quantile,
    records::{Component, Downtime, Repairs},
    result::ArchResult,
};

use super::group::Group;

const HOUR_MS: f64 = 3_600_000.0;
const MONTH_MS: u64 = 2_629_800_000; // 730.5 h

/// Lost customer-hours in darknesses of four days and more.
pub(super) const LONG_H: &str = "claims.long_h";
/// Of these, hours rooted in panels, battery, inverter, charge controller.
pub(super) const LONG_GENERATION: &str = "claims.long_h_generation";
/// Hours rooted in panels and battery alone, want of sun included.
pub(super) const LONG_PANELS: &str = "claims.long_h_panels_batteries";
/// Hours rooted in feeders, breakers and meters.
pub(super) const LONG_GRID: &str = "claims.long_h_grid";
/// Hours rooted in control, communication and billing.
pub(super) const LONG_CONTROL: &str = "claims.long_h_control";
/// Share of months in which the first operator's tower went down.
pub(super) const TOWER_MONTHS: &str = "claims.tower_months";
/// 5 % and 95 % of tower outages, hours; hours a month.
pub(super) const TOWER_P05_H: &str = "claims.tower_p05_h";
pub(super) const TOWER_P95_H: &str = "claims.tower_p95_h";
pub(super) const TOWER_H_MONTH: &str = "claims.tower_h_per_month";
/// Losses of the site's link a month; hours a month.
pub(super) const LINK_A_MONTH: &str = "claims.link_losses_per_month";
pub(super) const LINK_H_MONTH: &str = "claims.link_h_per_month";
/// Provider outages a year; hours a year; customer-hours lost to them per customer and year.
pub(super) const PROVIDER_A_YEAR: &str = "claims.provider_outages_per_year";
pub(super) const PROVIDER_LOST_H: &str = "claims.provider_lost_h_per_customer_year";
/// Mean time from failure to mended where a crew travelled, days; share of those repairs that took four days or more.
pub(super) const REPAIR_DAYS: &str = "claims.repair_days";
pub(super) const REPAIR_LONG: &str = "claims.repair_long_share";
/// The same mean over all failures, what came back from afar, by the caretaker or by itself included, days.
pub(super) const MENDED_DAYS: &str = "claims.mended_days";
/// 1 where paid service was there for 99.9 % of the time, else 0.
pub(super) const THREE_NINES: &str = "claims.three_nines";
/// Energy per customer and day, kWh; revenue per customer and month, units of the currency.
pub(super) const KWH_A_DAY: &str = "claims.kwh_per_customer_day";
pub(super) const REVENUE_A_MONTH: &str = "claims.revenue_per_customer_month";
/// Customer-hours lost on days 10 to 14 of the run, as a share of all customers' time.
pub(super) const SHARE_OF_SPELL: &str = "claims.share_lost_in_spell";
/// Customers dark for four days on end, as a share of all.
pub(super) const DARK_96H_SHARE: &str = "claims.dark_96h_share";

/// When scripted outages of the claims begin, days.
pub(super) const SPELL_FROM_DAY: u64 = 10;
/// How long the four-day outages last, hours.
pub(super) const SPELL_H: u64 = 96;

/// All of the above.
pub(super) fn figures(scenario: &Scenario, arch: &ArchResult) -> Vec<(String, f64)> {
    let run_ms = u64::from(scenario.run.days) * 86_400_000;
    let customers = scenario.village.customers.len().max(1) as f64;
    let months = run_ms as f64 / MONTH_MS as f64;
    let years = months / 12.0;
    let mut out: Vec<(String, f64)> = Vec::new();
    let mut put = |name: &str, value: f64| out.push((name.to_owned(), value));

    long_darkness(&arch.records.downtime, &mut put);
    component(arch, Component::TowerA, run_ms, |spells| {
        let starts = spells.iter().map(|s| s.0 / MONTH_MS);
        let whole_months = (run_ms / MONTH_MS).max(1);
        let hit = (0..whole_months).filter(|m| starts.clone().any(|s| s == *m)).count();
        put(TOWER_MONTHS, hit as f64 / whole_months as f64);
        let mut hours: Vec<f64> = spells.iter().map(|s| (s.1 - s.0) as f64 / HOUR_MS).collect();
        put(TOWER_H_MONTH, hours.iter().sum::<f64>() / months);
        if let (Some(p05), Some(p95)) = (quantile(&mut hours, 0.05), quantile(&mut hours, 0.95)) {
            put(TOWER_P05_H, p05);
            put(TOWER_P95_H, p95);
        }
    });
    component(arch, Component::Backhaul, run_ms, |spells| {
        put(LINK_A_MONTH, spells.len() as f64 / months);
        put(LINK_H_MONTH, spells.iter().map(|s| (s.1 - s.0) as f64 / HOUR_MS).sum::<f64>() / months);
    });
    component(arch, Component::Provider, run_ms, |spells| put(PROVIDER_A_YEAR, spells.len() as f64 / years));
    let by_provider = arch.kpis.downtime_h_by_cause.get(&Cause::ProviderDown.name()).copied().unwrap_or(0.0);
    put(PROVIDER_LOST_H, by_provider / customers / years);
    put(THREE_NINES, if arch.kpis.paid_service_availability >= 0.999 { 1.0 } else { 0.0 });
    put(KWH_A_DAY, arch.kpis.energy_served_kwh / customers / f64::from(scenario.run.days.max(1)));
    put(REVENUE_A_MONTH, arch.kpis.revenue / customers / months);
    put(DARK_96H_SHARE, f64::from(arch.kpis.customers_dark_96h) / customers);
    put(SHARE_OF_SPELL, spell_share(&arch.records.downtime, customers));
    repairs(&arch.records.repairs, run_ms, &mut put);
    out
}

/// Unbroken spells of a component, a change of cause on the way notwithstanding.
fn component(arch: &ArchResult, of: Component, run_ms: u64, mut then: impl FnMut(&[(u64, u64)])) {
    let table = &arch.records.outages;
    let mut spells: Vec<(u64, u64)> = (0..table.len())
        .filter(|&i| table.component[i] == of)
        .map(|i| (table.start_ms[i], table.end_ms[i].min(run_ms)))
        .collect();
    spells.sort_unstable();
    let mut joined: Vec<(u64, u64)> = Vec::new();
    for spell in spells {
        match joined.last_mut() {
            Some(last) if spell.0 <= last.1 => last.1 = last.1.max(spell.1),
            _ => joined.push(spell),
        }
    }
    then(&joined);
}

fn long_darkness(table: &Downtime, put: &mut impl FnMut(&str, f64)) {
    let outages = table.outage.iter().max().map_or(0, |m| *m as usize + 1);
    let mut length_ms = vec![0_u64; outages];
    for i in 0..table.len() {
        length_ms[table.outage[i] as usize] += table.end_ms[i] - table.start_ms[i];
    }
    let mut sums = [0.0_f64; 4];
    for i in 0..table.len() {
        if length_ms[table.outage[i] as usize] < SPELL_H * 3_600_000 {
            continue;
        }
        sums[Group::of(table.chain[i]) as usize] += (table.end_ms[i] - table.start_ms[i]) as f64 / HOUR_MS;
    }
    let all: f64 = sums.iter().sum();
    put(LONG_H, all);
    put(LONG_PANELS, sums[Group::PanelsBatteries as usize]);
    put(LONG_GENERATION, sums[Group::PanelsBatteries as usize] + sums[Group::OtherGeneration as usize]);
    put(LONG_GRID, sums[Group::Grid as usize]);
    put(LONG_CONTROL, sums[Group::Control as usize]);
}

fn spell_share(table: &Downtime, customers: f64) -> f64 {
    let from = SPELL_FROM_DAY * 86_400_000;
    let until = from + SPELL_H * 3_600_000;
    let lost: u64 =
        (0..table.len()).map(|i| table.end_ms[i].min(until).saturating_sub(table.start_ms[i].max(from))).sum();
    lost as f64 / ((until - from) as f64 * customers)
}

/// Days from failure to mended. A repair that the end of the run cut short counts with its length so far: to leave out
/// the unfinished would leave out the long ones.
fn repairs(table: &Repairs, run_ms: u64, put: &mut impl FnMut(&str, f64)) {
    let days = |i: usize| (table.mended_ms[i].unwrap_or(run_ms) - table.failed_ms[i]) as f64 / (24.0 * HOUR_MS);
    let mean = |days: &[f64]| days.iter().sum::<f64>() / days.len() as f64;
    let all: Vec<f64> = (0..table.len()).map(days).collect();
    let travelled: Vec<f64> = (0..table.len()).filter(|&i| table.trips[i] > 0).map(days).collect();
    if !all.is_empty() {
        put(MENDED_DAYS, mean(&all));
    }
    if !travelled.is_empty() {
        put(REPAIR_DAYS, mean(&travelled));
        put(REPAIR_LONG, travelled.iter().filter(|d| **d >= 4.0).count() as f64 / travelled.len() as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taa_sim::{
        cause::{Chain, DownClass},
        records::{DowntimeRow, RepairRow},
    };

    fn row(outage: u32, cause: Cause, from_h: u64, until_h: u64) -> DowntimeRow {
        DowntimeRow {
            customer: outage,
            class: DownClass::SupplyDown,
            chain: Chain::of(Cause::SupplyOff).because(cause),
            start_ms: from_h * 3_600_000,
            end_ms: until_h * 3_600_000,
            outage,
            open_end: false,
        }
    }

    #[test]
    fn long_darkness_is_shared_out_by_root() {
        let mut table = Downtime::default();
        table.push(row(0, Cause::FeederOpen, 0, 60));
        table.push(row(0, Cause::TowerPower, 60, 100));
        table.push(row(1, Cause::LittleSun, 0, 95));
        let mut found = std::collections::BTreeMap::new();
        long_darkness(&table, &mut |name, value| {
            found.insert(name.to_owned(), value);
        });
        assert!((found[LONG_H] - 100.0).abs() < 1e-9, "95 hours are not four days");
        assert!((found[LONG_GRID] - 60.0).abs() < 1e-9 && (found[LONG_CONTROL] - 40.0).abs() < 1e-9);
        assert!(found[LONG_PANELS].abs() < 1e-9);
    }

    #[test]
    fn a_repair_counts_from_failure_to_mended_and_the_unfinished_count_so_far() {
        let mut table = Repairs::default();
        let mut failed = |mended_h: Option<u64>, trips: u32| {
            table.push(RepairRow {
                asset: "meter",
                id: String::new(),
                cause: Chain::EMPTY,
                failed_ms: 24 * 3_600_000,
                noticed_ms: None,
                noticed_by: "",
                site_seen: true,
                diagnosed_ms: None,
                returned_ms: None,
                dispatched_ms: None,
                spares: "",
                spares_ms: None,
                left_ms: None,
                arrived_ms: None,
                mended_ms: mended_h.map(|h| h * 3_600_000),
                mended_by: "",
                trips,
            });
        };
        failed(Some(24 + 48), 1);
        failed(None, 2);
        failed(Some(24 + 6), 0);
        let mut found = std::collections::BTreeMap::new();
        repairs(&table, 7 * 24 * 3_600_000, &mut |name, value| {
            found.insert(name.to_owned(), value);
        });
        assert!((found[REPAIR_DAYS] - 4.0).abs() < 1e-9 && (found[REPAIR_LONG] - 0.5).abs() < 1e-9);
        assert!((found[MENDED_DAYS] - 2.75).abs() < 1e-9);
    }
}
