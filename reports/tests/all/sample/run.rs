//! The result: plant, outages, darkness, payments, with KPIs from the simulator's own formulas.

use taa_scenarios::model::Scenario;
use taa_sim::{
    cause::{Cause, Chain, DownClass},
    kpi::{Totals, kpis},
    records::{
        Component, CustomerRow, DowntimeRow, LinkRow, LogRow, OutageRow, PayChannel, PayOutcome, PaymentRow, PlantRow,
        Records, TelemetryRow, TokenBy,
    },
    result::{ArchResult, Digest, RunResult},
};

use super::draw;

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;
const QUARTER: u64 = HOUR / 4;

/// A result for the sample scenario.
pub(crate) fn result(scenario: &Scenario) -> RunResult {
    let horizon_ms = u64::from(scenario.run.days) * DAY;
    let architectures = scenario.run.architectures.iter().enumerate().map(|(index, (name, traits))| {
        let mut records = Records::default();
        let night_cuts = plant(&mut records, horizon_ms, index);
        outages(&mut records, horizon_ms, &night_cuts);
        downtime(&mut records, scenario, horizon_ms, &night_cuts, index);
        payments(&mut records, scenario, horizon_ms, index);
        customers(&mut records, scenario);
        links(&mut records, scenario);
        log(&mut records, horizon_ms);
        let n = scenario.village.customers.len() as u64;
        let zero: u64 = records.customers.zero_credit_ms.iter().sum();
        let totals = Totals {
            horizon_ms,
            entitled_ms: n * horizon_ms - zero,
            mesh_sent: 160_000,
            mesh_delivered: 158_000 + 900 * index as u64,
            joins_s: (0..200_u64).map(|i| 20.0 + 90.0 * draw(i)).collect(),
            isolated_node_ms: 130 * HOUR,
            battery_cycles: 0.6 * f64::from(scenario.run.days),
            reconnection_minor: 5_000_000,
            churned_spend_minor: 0,
            churned_horizon_minor: 0,
            paused_spend_minor: 0,
            prices_minor: Vec::new(),
            image_orders: Vec::new(),
            fault_ids: scenario.faults.iter().map(|fault| fault.id.clone()).collect(),
            tiers: (0..n).map(|i| if draw(i) < 0.3 { 3 } else { 4 }).collect(),
            outages: taa_dcu::outage::Detection::default(),
        };
        ArchResult {
            name: name.clone(),
            traits: *traits,
            digest: Digest([0x11 * (index as u8 + 1); 32]),
            events: 1_234_567,
            kpis: kpis(&records, &totals, &scenario.tariff),
            records,
        }
    });
    RunResult {
        seed: scenario.run.seed,
        start_unix_s: scenario.run.start_unix_s,
        simulated_ms: horizon_ms,
        partial: false,
        wall_s: 1.25,
        events: 2_469_134,
        digest: Digest([0xab; 32]),
        exogenous_digest: Digest([0xcd; 32]),
        architectures: architectures.collect(),
    }
}

/// Fills the plant; returns when the battery left the village dark.
fn plant(records: &mut Records, horizon_ms: u64, arch: usize) -> Vec<(u64, u64)> {
    let mut soc: f64 = 0.7;
    let mut feeding = true;
    let mut cuts: Vec<(u64, u64)> = Vec::new();
    for time_ms in (1..=horizon_ms / QUARTER).map(|i| i * QUARTER) {
        let day = (time_ms - 1) / DAY;
        let h = ((time_ms - QUARTER / 2) % DAY) as f64 / HOUR as f64;
        let cloud = 0.52 + 0.48 * draw(day + 77);
        let shape = libm::sin((h - 6.3) / 12.0 * std::f64::consts::PI).max(0.0);
        let sun = if (6.3..18.3).contains(&h) { shape * cloud * (0.85 + 0.15 * draw(time_ms)) } else { 0.0 };
        let evening = libm::exp(-(h - 20.0) * (h - 20.0) / 4.5);
        let wanted = 2.2 + 7.8 * evening + 2.4 * libm::exp(-(h - 12.0) * (h - 12.0) / 14.0) + 0.8 * draw(time_ms + 3);
        let available = 34.0 * sun;
        let load = if feeding { wanted * (0.965 + 0.02 * arch as f64) } else { 0.0 };
        let used = available.min(load + (0.98 - soc).max(0.0) * 96.0 / 0.25);
        soc = (soc + (used * 0.96 - load) * 0.25 / 96.0).clamp(0.05, 1.0);
        if feeding && soc <= 0.1 {
            feeding = false;
            cuts.push((time_ms, horizon_ms));
        } else if !feeding && soc >= 0.3 {
            feeding = true;
            if let Some(cut) = cuts.last_mut() {
                cut.1 = time_ms;
            }
        }
        records.plant.push(PlantRow {
            time_ms,
            ghi_w_per_m2: (1000.0 * sun) as f32,
            pv_available_w: (available * 1000.0) as f32,
            pv_used_w: (used * 1000.0) as f32,
            load_w: (load * 1000.0) as f32,
            wanted_w: (wanted * 1000.0) as f32,
            battery_soc: soc as f32,
            supply_on: if feeding { 1.0 } else { 0.0 },
        });
    }
    cuts
}

/// Tower outages, the same for all architectures.
fn tower(horizon_ms: u64) -> Vec<(u64, u64)> {
    let scripted = (12 * DAY + 12 * HOUR, 14 * DAY);
    [(4 * DAY + 17 * HOUR, 5 * DAY + 3 * HOUR), scripted, (22 * DAY + HOUR, 22 * DAY + 9 * HOUR)]
        .into_iter()
        .filter(|(_, end)| *end <= horizon_ms)
        .collect()
}

fn outages(records: &mut Records, horizon_ms: u64, cuts: &[(u64, u64)]) {
    for (i, &(start_ms, end_ms)) in tower(horizon_ms).iter().enumerate() {
        let root = if i == 1 { Cause::Scripted(0) } else { Cause::TowerPower };
        let chain = Chain::of(root);
        records.outages.push(OutageRow { component: Component::TowerA, start_ms, end_ms, chain });
        let chain = Chain::of(Cause::TowerDown).because(root);
        records.outages.push(OutageRow { component: Component::Backhaul, start_ms, end_ms, chain });
    }
    for day in (0..horizon_ms / DAY).step_by(3) {
        let start_ms = day * DAY + (draw(day) * DAY as f64) as u64;
        let end_ms = (start_ms + (draw(day + 1) * 2.0 * HOUR as f64) as u64).min(horizon_ms);
        let chain = Chain::of(Cause::BearerDown);
        records.outages.push(OutageRow { component: Component::Bearer, start_ms, end_ms, chain });
    }
    for &(start_ms, end_ms) in cuts {
        let chain = Chain::of(Cause::BatteryEmpty).because(Cause::LittleSun);
        records.outages.push(OutageRow { component: Component::Supply, start_ms, end_ms, chain });
    }
}

fn downtime(records: &mut Records, scenario: &Scenario, horizon_ms: u64, cuts: &[(u64, u64)], arch: usize) {
    let mut rows: Vec<DowntimeRow> = Vec::new();
    let mut outage = 0;
    for customer in 0..scenario.village.customers.len() as u32 {
        let mut spells: Vec<(u64, u64, DownClass, Chain)> = Vec::new();
        let dark = Chain::of(Cause::SupplyOff).because(Cause::BatteryEmpty).because(Cause::LittleSun);
        spells.extend(cuts.iter().map(|&(start, end)| (start, end, DownClass::SupplyDown, dark)));
        let at = scenario.village.customers[customer as usize].meter_at_m;
        if libm::hypot(at[0], at[1]) > 260.0 && customer % 3 == 0 {
            let start = (draw(u64::from(customer)) * (horizon_ms - 8 * HOUR) as f64) as u64;
            let chain = Chain::of(Cause::CreditUndelivered).because(Cause::MeshIsolated);
            spells.push((start, start + 6 * HOUR, DownClass::CreditStuck, chain));
        }
        for (i, &(start, end)) in tower(horizon_ms).iter().enumerate() {
            let share = draw(u64::from(customer) * 31 + i as u64);
            if arch == 0 && share < 0.45 {
                let root = if i == 1 { Cause::Scripted(0) } else { Cause::TowerPower };
                let undelivered = Chain::of(Cause::RelayOpen).because(Cause::CreditUndelivered);
                let chain = undelivered.because(Cause::BackhaulDown).because(Cause::TowerDown).because(root);
                let start = start + (share * 2.0 * (end - start) as f64) as u64;
                spells.push((start, end + HOUR / 3, DownClass::CreditStuck, chain));
            } else if share > 0.9 {
                let chain = Chain::of(Cause::PhoneNoSignal).because(Cause::TowerDown);
                spells.push((start, end, DownClass::PaymentBlocked, chain));
            }
        }
        spells.sort_by_key(|spell| spell.0);
        let mut free = 0;
        for (start, end, class, chain) in spells {
            let (start_ms, end_ms) = (start.max(free), end.min(horizon_ms));
            if start_ms < end_ms {
                rows.push(DowntimeRow {
                    customer,
                    class,
                    chain,
                    start_ms,
                    end_ms,
                    outage,
                    open_end: end_ms == horizon_ms,
                });
                outage += 1;
                free = end_ms;
            }
        }
    }
    rows.sort_by_key(|row| (row.start_ms, row.customer));
    rows.into_iter().for_each(|row| records.downtime.push(row));
}

fn payments(records: &mut Records, scenario: &Scenario, horizon_ms: u64, arch: usize) {
    let down = tower(horizon_ms);
    for wanted_ms in (0..horizon_ms / DAY).flat_map(|day| (0..48).map(move |n| day * DAY + 7 * HOUR + n * QUARTER)) {
        let key = wanted_ms / QUARTER;
        let held = down.iter().find(|(start, end)| (*start..*end).contains(&wanted_ms));
        let lag = (4000.0 + 20_000.0 * draw(key)) as u64;
        let (accepted_ms, applied_ms, outcome) = match held {
            Some(_) if arch == 0 && draw(key) < 0.3 => (None, None, PayOutcome::Blocked),
            Some((_, end)) if arch == 0 => (Some(wanted_ms + lag), Some(end + HOUR / 3), PayOutcome::Applied),
            _ if wanted_ms + lag > horizon_ms => (Some(wanted_ms), None, PayOutcome::Pending),
            _ => (Some(wanted_ms + lag / 2), Some(wanted_ms + lag), PayOutcome::Applied),
        };
        records.payments.push(PaymentRow {
            customer: (draw(key + 9) * scenario.village.customers.len() as f64) as u32,
            wanted_ms,
            accepted_ms,
            at_aggregator_ms: accepted_ms,
            at_intake_ms: accepted_ms,
            at_vendor_ms: accepted_ms,
            credited_ms: accepted_ms,
            in_hand_ms: None,
            applied_ms,
            amount_minor: 200_000,
            balance_before_minor: 3_000,
            channel: if draw(key + 1) < 0.7 { PayChannel::Phone } else { PayChannel::Agent },
            token_by: TokenBy::None,
            outcome,
            attempts: 1,
            callbacks: 1,
            texts: 0,
            entries: 0,
            held_by: if held.is_some() { Chain::of(Cause::TowerDown) } else { Chain::EMPTY },
        });
    }
    for time_ms in (1..=horizon_ms / HOUR).map(|h| h * HOUR) {
        let due = scenario.village.customers.len() as u32;
        records.telemetry.push(TelemetryRow { time_ms, due, at_dcu: due - 3, at_cloud: due - 4 });
    }
}

fn customers(records: &mut Records, scenario: &Scenario) {
    for (index, customer) in scenario.village.customers.iter().enumerate() {
        let mut ms = [0; 3];
        let mut longest_ms = 0;
        let mut interruptions = 0;
        let table = &records.downtime;
        for i in (0..table.len()).filter(|&i| table.customer[i] as usize == index) {
            let length = table.end_ms[i] - table.start_ms[i];
            ms[table.class[i] as usize] += length;
            longest_ms = longest_ms.max(length);
            interruptions += u32::from(table.class[i] == DownClass::SupplyDown);
        }
        let distance = libm::hypot(customer.meter_at_m[0], customer.meter_at_m[1]);
        records.customers.push(CustomerRow {
            id: customer.id.clone(),
            class: customer.class.name().to_owned(),
            customer: index as u32,
            served_wh: 9000.0 + 15_000.0 * draw(index as u64),
            unserved_wh: ms.iter().sum::<u64>() as f64 / HOUR as f64 * 18.0,
            deferred_wh: 0.0,
            deferred_supply_wh: 0.0,
            unbilled_wh: 0.0,
            unpaid_wh: 0.0,
            paid_minor: 1_200_000,
            supply_down_ms: ms[0],
            credit_stuck_ms: ms[1],
            payment_blocked_ms: ms[2],
            zero_credit_ms: 20 * HOUR,
            bypassed_ms: 0,
            longest_ms,
            interruptions,
            hops: 1 + (distance / 90.0) as u32,
            path_etx: 1.2,
            churned_ms: (draw(index as u64 + 7000) < 0.01).then_some(9 * DAY),
            calls: u32::from(longest_ms > 20 * HOUR),
            stolen_wh: 0.0,
            trust_end: 1.0,
            paused_ms: 0,
        });
    }
}

/// Every customer's route goes to the nearest one that is nearer to the concentrator.
fn links(records: &mut Records, scenario: &Scenario) {
    let places: Vec<[f64; 2]> = scenario.village.customers.iter().map(|c| c.meter_at_m).collect();
    for (from, at) in places.iter().enumerate() {
        let own = libm::hypot(at[0], at[1]);
        let mut near: Vec<(f64, usize)> = places
            .iter()
            .enumerate()
            .filter(|(_, p)| libm::hypot(p[0], p[1]) < own * 0.8)
            .map(|(i, p)| (libm::hypot(p[0] - at[0], p[1] - at[1]), i))
            .collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        let parents: Vec<(f64, u32)> = if own < 90.0 {
            vec![(own, u32::MAX)]
        } else {
            near.iter().take(3).map(|(d, i)| (*d, *i as u32)).collect()
        };
        for (i, (distance, to)) in parents.into_iter().enumerate() {
            let etx = 1.0 + distance / 110.0 * (0.5 + draw(from as u64 * 7 + i as u64));
            records.links.push(LinkRow {
                from: from as u32,
                to,
                rssi_dbm: (-60.0 - distance / 3.0) as f32,
                per: (1.0 - 1.0 / etx) as f32,
                etx: etx as f32,
                in_tree: i == 0,
            });
        }
    }
}

fn log(records: &mut Records, horizon_ms: u64) {
    for (start, end) in tower(horizon_ms) {
        for (time_ms, kind, text) in [(start, "tower_down", "tower lost its power"), (end, "tower_up", "tower is back")]
        {
            let (subject, text) = ("tower_a".to_owned(), text.to_owned());
            records.log.push(LogRow { time_ms, kind, subject, text });
        }
    }
}
