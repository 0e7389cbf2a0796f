//! How long money waits, from the payments' times.
//!
//! A stage is the time between two columns of the payments' table. The first two cover all of the way; those behind them
//! are parts of the second. A payment that went past a part (cash that the site itself vends meets no aggregator) does
//! not count in it.

use taa_scenarios::model::Scenario;
use taa_sim::{
    kpi::quantile,
    records::{PayChannel, PayOutcome, Payments, TokenBy},
};

use crate::{
    data::{CURVE_BOUNDS_S, Cell, DelayCurve, Listing, StageWait, WaitSeries, Waits},
    numbers::{duration, number},
    time, words,
};

use super::series;

/// When a payment entered and left a stage.
type Column = fn(&Payments, usize) -> Option<u64>;

/// A part of the way of the money.
#[derive(Clone, Copy)]
struct Stage {
    words: &'static str,
    entered: Column,
    left: Column,
    /// Payments that go this way at all.
    of: fn(&Payments, usize) -> bool,
}

/// The stages: the wait before acceptance, all the way after it, and that way in its parts.
const STAGES: [Stage; 9] = [
    Stage {
        words: "finding a way to pay, until the money is accepted",
        entered: |t, i| Some(t.wanted_ms[i]),
        left: |t, i| t.accepted_ms[i],
        of: |_, _| true,
    },
    Stage {
        words: "from acceptance until it works at the meter",
        entered: |t, i| t.accepted_ms[i],
        left: |t, i| t.applied_ms[i],
        of: |_, _| true,
    },
    Stage {
        words: "– of it at the provider, until an aggregator knows",
        entered: |t, i| t.accepted_ms[i],
        left: |t, i| t.at_aggregator_ms[i],
        of: |t, i| t.channel[i] == PayChannel::Phone,
    },
    Stage {
        words: "– of it at the aggregators, until the operator's intake knows",
        entered: |t, i| t.at_aggregator_ms[i],
        left: |t, i| t.at_intake_ms[i],
        of: |_, _| true,
    },
    Stage {
        words: "– of it at the intake, until the vendor (cloud or site) knows",
        entered: |t, i| t.at_intake_ms[i],
        left: |t, i| t.at_vendor_ms[i],
        of: |_, _| true,
    },
    Stage {
        words: "– of it at the vendor, until it is credited or a number is made",
        entered: |t, i| t.at_vendor_ms[i],
        left: |t, i| t.credited_ms[i],
        of: |_, _| true,
    },
    Stage {
        words: "– of it from the account to the relay",
        entered: |t, i| t.credited_ms[i],
        left: |t, i| t.applied_ms[i],
        of: |t, i| t.token_by[i] == TokenBy::None,
    },
    Stage {
        words: "– of it until the number is in the customer's hand",
        entered: |t, i| t.credited_ms[i],
        left: |t, i| t.in_hand_ms[i],
        of: |t, i| matches!(t.token_by[i], TokenBy::Text | TokenBy::Paper),
    },
    Stage {
        words: "– of it the way to the keypad and the typing (assumed times)",
        entered: |t, i| t.in_hand_ms[i],
        left: |t, i| t.applied_ms[i],
        of: |t, i| t.token_by[i] != TokenBy::None,
    },
];
/// Rows of the table of those who waited longest.
const SLOWEST: usize = 12;

/// All about waiting.
pub(super) fn waits(scenario: &Scenario, table: &Payments, simulated_ms: u64) -> Waits {
    Waits {
        curves: curves(table),
        stages: STAGES
            .iter()
            .map(|stage| self::stage(table, *stage, simulated_ms))
            .enumerate()
            .filter(|(i, stage)| *i < 2 || stage.passed + stage.inside > 0)
            .map(|(_, stage)| stage)
            .collect(),
        series: over_time(table, simulated_ms),
        slowest: slowest(scenario, table, simulated_ms),
    }
}

const fn channel_words(channel: PayChannel) -> &'static str {
    match channel {
        PayChannel::Phone => "by phone",
        PayChannel::Agent => "cash to the agent",
    }
}

fn curves(table: &Payments) -> Vec<DelayCurve> {
    let mut channels: Vec<PayChannel> = table.channel.clone();
    channels.sort_unstable();
    channels.dedup();
    let curve = |channel: PayChannel| {
        let of = || (0..table.len()).filter(move |&i| table.channel[i] == channel);
        let accepted = of().filter(|&i| table.accepted_ms[i].is_some()).count() as u32;
        let mut delays_s: Vec<f64> = of()
            .filter_map(|i| Some(table.applied_ms[i]?.saturating_sub(table.accepted_ms[i]?) as f64 / 1000.0))
            .collect();
        let within =
            CURVE_BOUNDS_S.iter().map(|&s| delays_s.iter().filter(|&&d| d <= s as f64).count() as u32).collect();
        DelayCurve {
            channel: channel_words(channel).to_owned(),
            accepted,
            within,
            p50_s: quantile(&mut delays_s, 0.5),
            p95_s: quantile(&mut delays_s, 0.95),
        }
    };
    channels.into_iter().map(curve).filter(|curve| curve.accepted > 0).collect()
}

fn stage(table: &Payments, stage: Stage, simulated_ms: u64) -> StageWait {
    let mut passed_s = Vec::new();
    let (mut inside, mut max_s) = (0, 0.0_f64);
    for i in 0..table.len() {
        let Some(from) = (stage.entered)(table, i).filter(|_| (stage.of)(table, i)) else { continue };
        let until = (stage.left)(table, i);
        // Past it: in effect although it never left, or out before it went in (paper is reported after it is typed in).
        if until.map_or(table.applied_ms[i].is_some(), |until| until < from) {
            continue;
        }
        let wait_s = until.unwrap_or(simulated_ms).saturating_sub(from) as f64 / 1000.0;
        max_s = max_s.max(wait_s);
        if until.is_some() {
            passed_s.push(wait_s);
        } else {
            inside += 1;
        }
    }
    let passed = passed_s.len() as u32;
    StageWait {
        words: stage.words.to_owned(),
        passed,
        inside,
        mean_s: tenth(passed_s.iter().sum::<f64>() / f64::from(passed.max(1))),
        p50_s: quantile(&mut passed_s, 0.5).unwrap_or(0.0),
        p95_s: quantile(&mut passed_s, 0.95).unwrap_or(0.0),
        max_s,
    }
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn over_time(table: &Payments, simulated_ms: u64) -> WaitSeries {
    let rows = || 0..table.len();
    let blocked = rows().map(|i| (table.wanted_ms[i], table.accepted_ms[i].unwrap_or(simulated_ms)));
    let stuck = rows().filter_map(|i| Some((table.accepted_ms[i]?, table.applied_ms[i].unwrap_or(simulated_ms))));
    let (step_ms, blocked) = series::mean_at_once(blocked, simulated_ms);
    let (_, stuck) = series::mean_at_once(stuck, simulated_ms);
    WaitSeries { step_ms, blocked, stuck }
}

fn slowest(scenario: &Scenario, table: &Payments, simulated_ms: u64) -> Listing {
    let waited = |i: usize| table.applied_ms[i].unwrap_or(simulated_ms).saturating_sub(table.wanted_ms[i]);
    let mut rows: Vec<usize> = (0..table.len()).filter(|&i| waited(i) > 5 * 60_000).collect();
    rows.sort_by_key(|&i| (std::cmp::Reverse(waited(i)), table.wanted_ms[i], table.customer[i]));
    let mut out = Listing::new(&[
        ("Customer", false),
        ("Wanted to pay", true),
        ("Waited", true),
        ("Amount", true),
        ("Way", false),
        ("Attempts", true),
        ("Outcome", false),
        ("Held longest by", false),
    ]);
    out.left_out = rows.len().saturating_sub(SLOWEST) as u32;
    let tariff = &scenario.tariff;
    for i in rows.into_iter().take(SLOWEST) {
        let id = scenario.village.customers.get(table.customer[i] as usize).map_or("", |customer| customer.id.as_str());
        let at = time::local(scenario.run.start_unix_s, scenario.site.utc_offset_s, table.wanted_ms[i]);
        let amount = table.amount_minor[i] as f64 / f64::from(tariff.minor_per_unit.max(1));
        let held = words::chain_words(table.held_by[i], scenario);
        out.rows.push(vec![
            Cell::text(id),
            Cell::number(time::moment(at), table.wanted_ms[i] as f64),
            Cell::number(duration(waited(i)), waited(i) as f64),
            Cell::number(format!("{}\u{a0}{}", tariff.currency, number(amount, 0)), amount),
            Cell::text(match table.token_by[i] {
                TokenBy::None => channel_words(table.channel[i]).to_owned(),
                by => format!("{}, {}", channel_words(table.channel[i]), words::token_by(by)),
            }),
            Cell::number(table.attempts[i].to_string(), f64::from(table.attempts[i])),
            Cell::text(match table.outcome[i] {
                PayOutcome::Applied => "took effect",
                PayOutcome::Pending => "on its way at the end",
                PayOutcome::Blocked => "never accepted",
            }),
            Cell::text(if held.is_empty() { "–".to_owned() } else { held.join(" ← ") }),
        ]);
    }
    out
}
