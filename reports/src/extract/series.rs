//! Time series, binned: battery by the hour, the mean day by the quarter, energy by the day, darkness by a fitting bin.

use taa_sim::records::{Downtime, Plant};

use crate::data::{DAY_MS, DarkSeries, HOUR_MS, Power};

const QUARTER_MS: u64 = HOUR_MS / 4;
/// No more bins than a wide screen can show.
const DARK_BINS_MAX: u64 = 720;
/// Bins that people can name, hours.
const DARK_STEPS_H: [u64; 8] = [1, 2, 3, 6, 12, 24, 48, 168];

/// State of charge at the end of each whole hour, percent.
pub(super) fn soc_percent(plant: &Plant, simulated_ms: u64) -> Vec<u8> {
    let hours = usize::try_from(simulated_ms.div_ceil(HOUR_MS)).unwrap_or(0);
    let mut out = vec![0; hours];
    for i in 0..plant.len() {
        let hour = usize::try_from(plant.time_ms[i].saturating_sub(1) / HOUR_MS).unwrap_or(usize::MAX);
        if let Some(cell) = out.get_mut(hour) {
            *cell = (f64::from(plant.battery_soc[i]) * 100.0).round().clamp(0.0, 100.0) as u8;
        }
    }
    out
}

/// Mean power over all days by the quarter of the local day, kW.
pub(super) fn mean_day(plant: &Plant) -> Vec<Power> {
    let mut sums = vec![(Power::default(), 0_u32); 96];
    for i in 0..plant.len() {
        let quarter = (plant.time_ms[i].saturating_sub(1) % DAY_MS / QUARTER_MS) as usize;
        let (sum, count) = &mut sums[quarter];
        add(sum, plant, i, 1e-3);
        *count += 1;
    }
    sums.into_iter().map(|(sum, count)| scaled(sum, 1.0 / f64::from(count.max(1)))).collect()
}

/// Energy by the day, kWh.
pub(super) fn days(plant: &Plant, simulated_ms: u64) -> Vec<Power> {
    let count = usize::try_from(simulated_ms.div_ceil(DAY_MS)).unwrap_or(0);
    let mut out = vec![Power::default(); count];
    for i in 0..plant.len() {
        let day = usize::try_from(plant.time_ms[i].saturating_sub(1) / DAY_MS).unwrap_or(usize::MAX);
        if let Some(sum) = out.get_mut(day) {
            add(sum, plant, i, 0.25e-3);
        }
    }
    out.into_iter().map(|sum| scaled(sum, 1.0)).collect()
}

/// Mean number of customers without light per bin, by class.
pub(super) fn dark(downtime: &Downtime, simulated_ms: u64) -> DarkSeries {
    let step_ms = step_ms(simulated_ms);
    let customers = std::array::from_fn(|class| {
        let of_class = (0..downtime.len()).filter(|&i| downtime.class[i] as usize == class);
        mean_at_once(of_class.map(|i| (downtime.start_ms[i], downtime.end_ms[i])), simulated_ms).1
    });
    DarkSeries { step_ms, customers }
}

/// Length of a bin that people can name and a screen can show.
pub(super) fn step_ms(simulated_ms: u64) -> u64 {
    let fits = |h: &&u64| simulated_ms.div_ceil(**h * HOUR_MS) <= DARK_BINS_MAX;
    DARK_STEPS_H.iter().find(fits).unwrap_or(&DARK_STEPS_H[7]) * HOUR_MS
}

/// How many of these intervals hold at once, as the mean over each bin; the length of a bin before it.
pub(super) fn mean_at_once(intervals: impl Iterator<Item = (u64, u64)>, simulated_ms: u64) -> (u64, Vec<f64>) {
    let step_ms = step_ms(simulated_ms);
    let mut column = vec![0.0; usize::try_from(simulated_ms.div_ceil(step_ms)).unwrap_or(0)];
    for (start, end) in intervals {
        let end = end.min(simulated_ms);
        let mut at = start;
        while at < end {
            let bin = at / step_ms;
            let until = end.min((bin + 1) * step_ms);
            let bin_end = ((bin + 1) * step_ms).min(simulated_ms);
            column[bin as usize] += (until - at) as f64 / (bin_end - bin * step_ms) as f64;
            at = until;
        }
    }
    column.iter_mut().for_each(|v| *v = (*v * 100.0).round() / 100.0);
    (step_ms, column)
}

fn add(sum: &mut Power, plant: &Plant, row: usize, factor: f64) {
    sum.pv_available += f64::from(plant.pv_available_w[row]) * factor;
    sum.pv_used += f64::from(plant.pv_used_w[row]) * factor;
    sum.served += f64::from(plant.load_w[row]) * factor;
    sum.wanted += f64::from(plant.wanted_w[row]) * factor;
}

fn scaled(sum: Power, factor: f64) -> Power {
    let round = |v: f64| (v * factor * 1000.0).round() / 1000.0;
    Power {
        pv_available: round(sum.pv_available),
        pv_used: round(sum.pv_used),
        served: round(sum.served),
        wanted: round(sum.wanted),
    }
}
