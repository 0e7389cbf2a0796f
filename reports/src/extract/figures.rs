//! Sums by cause, by customer, by payment.

use std::collections::BTreeMap;

use taa_scenarios::model::Scenario;
use taa_sim::{
    cause::{Cause, Chain},
    records::{Downtime, Kits, Outages, PayChannel, PayOutcome, Payments, Records, TokenBy},
};

use crate::{
    data::{CauseRow, CustomerFigures, DELAY_BOUNDS_S, Hit, KitFigures, OutageFigures, PaymentFigures},
    words,
};

use super::waits;

/// A payment held longer than this is late (the stated deadline of `billing_availability`).
const LATE_MS: u64 = 5 * 60 * 1000;

/// Lost time by root cause, most first, and for every downtime row the index of its cause.
pub(super) fn causes(scenario: &Scenario, downtime: &Downtime) -> (Vec<CauseRow>, Vec<u32>) {
    let mut rows: Vec<CauseRow> = Vec::new();
    let mut by_root: BTreeMap<Option<Cause>, usize> = BTreeMap::new();
    let mut chains: Vec<BTreeMap<Chain, u64>> = Vec::new();
    let mut row_of: Vec<usize> = Vec::with_capacity(downtime.len());
    for i in 0..downtime.len() {
        // An empty chain counts as unknown, in the same row as the cause of that name.
        let root = downtime.chain[i].root().unwrap_or(Cause::Unknown);
        let index = *by_root.entry(Some(root)).or_insert_with(|| {
            rows.push(CauseRow {
                key: words::cause_key(root, scenario),
                words: words::cause_words(root, scenario),
                kind: words::cause_kind(Some(root), scenario),
                ms: [0; 3],
                chain: Vec::new(),
                hit: Hit::default(),
            });
            chains.push(BTreeMap::new());
            rows.len() - 1
        });
        let ms = downtime.end_ms[i].saturating_sub(downtime.start_ms[i]);
        rows[index].ms[downtime.class[i] as usize] += ms;
        *chains[index].entry(downtime.chain[i]).or_insert(0) += ms;
        row_of.push(index);
    }
    for (row, chains) in rows.iter_mut().zip(&chains) {
        let typical = chains.iter().max_by_key(|&(chain, &ms)| (ms, std::cmp::Reverse(*chain)));
        row.chain = typical.map(|(chain, _)| words::chain_words(*chain, scenario)).unwrap_or_default();
    }
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|&a, &b| rows[b].total_ms().cmp(&rows[a].total_ms()).then_with(|| rows[a].key.cmp(&rows[b].key)));
    let mut rank = vec![0_u32; rows.len()];
    for (place, &old) in order.iter().enumerate() {
        rank[old] = place as u32;
    }
    let sorted = order.iter().map(|&i| rows[i].clone()).collect();
    (sorted, row_of.into_iter().map(|old| rank[old]).collect())
}

/// Totals per customer; lost time from the intervals themselves, the rest from the customers' table.
pub(super) fn customers(count: usize, records: &Records, causes: &[CauseRow], by_row: &[u32]) -> Vec<CustomerFigures> {
    let empty = CustomerFigures {
        lost_ms: [0; 3],
        longest_ms: 0,
        interruptions: 0,
        hops: 0,
        worst_cause: None,
        served_kwh: 0.0,
        churned: false,
    };
    let mut out = vec![empty; count];
    let mut by_cause = vec![0_u64; count * causes.len()];
    let downtime = &records.downtime;
    for (i, &cause) in by_row.iter().enumerate() {
        let customer = downtime.customer[i] as usize;
        let ms = downtime.end_ms[i].saturating_sub(downtime.start_ms[i]);
        out[customer].lost_ms[downtime.class[i] as usize] += ms;
        by_cause[customer * causes.len() + cause as usize] += ms;
    }
    if !causes.is_empty() {
        for (figures, sums) in out.iter_mut().zip(by_cause.chunks(causes.len())) {
            let worst = sums.iter().enumerate().max_by_key(|&(i, &ms)| (ms, std::cmp::Reverse(i)));
            figures.worst_cause = worst.filter(|(_, ms)| **ms > 0).map(|(i, _)| i as u32);
        }
    }
    let table = &records.customers;
    for i in 0..table.len() {
        let Some(figures) = out.get_mut(table.customer[i] as usize) else { continue };
        figures.longest_ms = table.longest_ms[i];
        figures.interruptions = table.interruptions[i];
        figures.hops = table.hops[i];
        figures.served_kwh = table.served_wh[i].round() / 1000.0;
        figures.churned = table.churned_ms[i].is_some();
    }
    out
}

/// Intervals of components; the agent's ordinary closing hours are no outage.
pub(super) fn outages(scenario: &Scenario, table: &Outages) -> Vec<OutageFigures> {
    (0..table.len())
        .filter(|&i| table.chain[i].root() != Some(Cause::AgentClosed))
        .map(|i| OutageFigures {
            component: words::component(table.component[i]).to_owned(),
            start_ms: table.start_ms[i],
            end_ms: table.end_ms[i],
            why: words::chain_words(table.chain[i], scenario).join(" ← "),
        })
        .collect()
}

/// Payments by outcome and delay since the wish to pay.
pub(super) fn payments(scenario: &Scenario, table: &Payments, simulated_ms: u64) -> PaymentFigures {
    let mut out = PaymentFigures {
        by_delay: vec![0; DELAY_BOUNDS_S.len() + 1],
        waits: waits::waits(scenario, table, simulated_ms),
        ..PaymentFigures::default()
    };
    let mut held: BTreeMap<Cause, u32> = BTreeMap::new();
    let mut tokens: BTreeMap<&str, u32> = BTreeMap::new();
    for i in 0..table.len() {
        out.wanted += 1;
        out.by_phone += u32::from(table.channel[i] == PayChannel::Phone);
        match table.outcome[i] {
            PayOutcome::Applied => out.applied += 1,
            PayOutcome::Pending => out.pending += 1,
            PayOutcome::Blocked => out.blocked += 1,
        }
        if table.token_by[i] != TokenBy::None {
            *tokens.entry(words::token_by(table.token_by[i])).or_insert(0) += 1;
            out.tokens.texts += table.texts[i];
            out.tokens.entries += table.entries[i];
            out.tokens.typed += u32::from(table.entries[i] > 0);
        }
        let delay_ms = table.applied_ms[i].map(|applied| applied.saturating_sub(table.wanted_ms[i]));
        if let Some(ms) = delay_ms {
            let bin = DELAY_BOUNDS_S.iter().position(|&s| ms <= s * 1000).unwrap_or(DELAY_BOUNDS_S.len());
            out.by_delay[bin] += 1;
        }
        if delay_ms.is_none_or(|ms| ms > LATE_MS) {
            let cause = table.held_by[i].root().unwrap_or(Cause::Unknown);
            *held.entry(cause).or_insert(0) += 1;
        }
    }
    out.tokens.by = tokens.into_iter().map(|(words, n)| (words.to_owned(), n)).collect();
    out.tokens.by.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    out.held_by = held.into_iter().map(|(cause, n)| (words::cause_words(cause, scenario), n)).collect();
    out.held_by.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    out
}

/// Kits that are paid by the day; nothing where the site sells to none.
pub(super) fn kits(scenario: &Scenario, kits: &Kits) -> Option<KitFigures> {
    let sums = kits.sums();
    let money = |minor: i64| minor as f64 / f64::from(scenario.tariff.minor_per_unit.max(1));
    (sums.kits > 0).then(|| KitFigures {
        kits: sums.kits,
        linked: kits.linked.iter().map(|linked| u32::from(*linked)).sum(),
        paid: money(sums.paid_minor),
        open: money(sums.open_minor),
        sold_days: sums.sold_days,
        added_days: sums.added_days,
        waiting_days: sums.waiting_days,
        texts_lost: sums.texts_lost,
        off_ms: sums.off_ms,
        off_longest_ms: kits.off_ms.iter().copied().max().unwrap_or(0),
        out_of_step: sums.kits.saturating_sub(sums.in_step),
    })
}
