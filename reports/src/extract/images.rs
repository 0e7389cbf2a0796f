//! Firmware updates: how far the fleet was when, and whether readings suffered meanwhile.

use std::collections::BTreeMap;

use taa_scenarios::model::{FaultTarget, Operation, OperationKind, Scenario};
use taa_sim::records::{ImageStep, Records};

use crate::data::{HOUR_MS, ImageFigures};

/// Points of a curve.
const POINTS: u64 = 120;

/// The updates of a run as one story, from the first order to the last word; nothing where there was none.
pub(super) fn figures(scenario: &Scenario, records: &Records, simulated_ms: u64) -> Option<ImageFigures> {
    let update = |operation: &&Operation| matches!(operation.what, OperationKind::FirmwareUpdate { .. });
    let in_run = scenario.operations.iter().filter(|operation| operation.at_ms < simulated_ms);
    let operations: Vec<_> = in_run.filter(update).collect();
    let from_ms = operations.first()?.at_ms;
    let OperationKind::FirmwareUpdate { identifier, image_kb, .. } = &operations.first()?.what else { return None };
    let meters = operations.iter().map(|operation| match operation.what.target() {
        FaultTarget::Customers(list) => list.len(),
        _ => scenario.village.customers.len(),
    });
    let meters = u32::try_from(meters.sum::<usize>()).unwrap_or(u32::MAX);
    let last_ms = records.images.time_ms.last().copied().unwrap_or(from_ms).max(from_ms + HOUR_MS);
    // A little beyond the end, in whole hours, so that the curve is seen to stand.
    let span_ms =
        (last_ms + (last_ms - from_ms) / 10).min(simulated_ms).saturating_sub(from_ms).next_multiple_of(HOUR_MS);
    let ended = |step| records.images.step.iter().filter(|found| **found == step).count();
    let (blocks, activated) = curves(records, meters, from_ms, span_ms);
    let hours = records.telemetry.rows().filter(|row| row.time_ms > from_ms && row.time_ms <= from_ms + span_ms);
    let readings = hours.map(|row| if row.due == 0 { 1.0 } else { f64::from(row.at_dcu) / f64::from(row.due) });
    Some(ImageFigures {
        identifier: identifier.clone(),
        image_kb: *image_kb,
        from_ms,
        span_ms,
        meters,
        activated: u32::try_from(ended(ImageStep::Activated)).unwrap_or(u32::MAX),
        failed: u32::try_from(ended(ImageStep::Failed)).unwrap_or(u32::MAX),
        blocks_sent: records.image_blocks,
        blocks,
        done: activated,
        readings: readings.map(rounded).collect(),
    })
}

/// Share of all blocks that have arrived, and of meters that run the image, at even steps through the span.
fn curves(records: &Records, meters: u32, from_ms: u64, span_ms: u64) -> (Vec<f64>, Vec<f64>) {
    let mut state: BTreeMap<u32, f64> = BTreeMap::new();
    let (mut blocks, mut done, mut activated) = (Vec::new(), Vec::new(), 0_u32);
    let mut rows = records.images.rows().peekable();
    for point in 0..=POINTS {
        let at_ms = from_ms + span_ms * point / POINTS;
        while let Some(row) = rows.next_if(|row| row.time_ms <= at_ms) {
            match row.step {
                ImageStep::Transferring => {
                    state.insert(row.customer, f64::from(row.blocks_done) / f64::from(row.blocks.max(1)));
                }
                ImageStep::Activated => {
                    state.insert(row.customer, 1.0);
                    activated += 1;
                }
                ImageStep::Failed => {}
            }
        }
        let of_all = f64::from(meters.max(1));
        blocks.push(rounded(state.values().fold(0.0, |sum, share| sum + share) / of_all));
        done.push(rounded(f64::from(activated) / of_all));
    }
    (blocks, done)
}

fn rounded(share: f64) -> f64 {
    (share * 10_000.0).round() / 10_000.0
}
