//! Plots that fit any width: the drawing stretches, the text does not.
//!
//! Axis labels are HTML placed in percent around an SVG of 1000 by 1000 units with `preserveAspectRatio="none"`;
//! strokes do not scale. So one figure serves 390 and 1280 pixels, prints sharp and needs no script.

use crate::{
    data::{DAY_MS, ReportData},
    numbers::number,
    time,
};

use super::html::{esc, push};

/// Units of the drawing along each axis.
pub(super) const SPAN: f64 = 1000.0;

/// A plot with its axes.
pub(super) struct Plot<'a> {
    /// What it shows, for those who cannot see it.
    pub(super) label: &'a str,
    pub(super) height_px: u32,
    /// Position 0–1 from the bottom, and text.
    pub(super) y_ticks: Vec<(f64, String)>,
    /// Position 0–1 from the left, and text.
    pub(super) x_ticks: Vec<(f64, String)>,
    /// Lines across at the y ticks.
    pub(super) grid: bool,
    /// Width and height of the drawing in its own units.
    pub(super) view: (f64, f64),
    /// Further attributes of the drawing.
    pub(super) attributes: String,
    /// SVG in [`SPAN`] units, y downwards.
    pub(super) body: String,
    /// HTML over the drawing, placed in percent: labels that must not stretch.
    pub(super) overlay: String,
}

impl Plot<'_> {
    pub(super) fn write(&self, out: &mut String) {
        push!(
            out,
            "<div class=\"plot\" style=\"--h:{}px\" role=\"img\" aria-label=\"{}\"><div class=\"py\" aria-hidden=\"true\">",
            self.height_px,
            esc(self.label)
        );
        for (at, text) in &self.y_ticks {
            push!(out, "<span style=\"bottom:{:.2}%\">{text}</span>", at * 100.0);
        }
        push!(
            out,
            "</div><div class=\"pa\"><svg viewBox=\"0 0 {} {}\" preserveAspectRatio=\"none\" aria-hidden=\"true\"{}>",
            self.view.0,
            self.view.1,
            self.attributes
        );
        if self.grid {
            out.push_str("<path class=\"g\" d=\"");
            for (at, _) in &self.y_ticks {
                push!(out, "M0 {:.1}H1000", (1.0 - at) * SPAN);
            }
            out.push_str("\"/>");
        }
        out.push_str(&self.body);
        out.push_str("</svg>");
        out.push_str(&self.overlay);
        out.push_str("</div><div class=\"px\" aria-hidden=\"true\">");
        x_labels(out, &self.x_ticks);
        out.push_str("</div></div>\n");
    }
}

/// Labels along the bottom; every second one is left out on narrow screens.
pub(super) fn x_labels(out: &mut String, ticks: &[(f64, String)]) {
    for (i, (at, text)) in ticks.iter().enumerate() {
        let class = match at {
            at if *at < 0.02 => "first",
            at if *at > 0.98 => "last",
            _ if i % 2 == 1 => "second",
            _ => "",
        };
        push!(out, "<span class=\"{class}\" style=\"left:{:.2}%\">{text}</span>", at * 100.0);
    }
}

/// A round upper end of an axis that holds `max`, and its ticks from zero.
pub(super) fn y_axis(max: f64, unit: &str) -> (f64, Vec<(f64, String)>) {
    let max = if max.is_finite() && max > 0.0 { max } else { 1.0 };
    let mut step = 1e-3;
    'found: loop {
        for factor in [1.0, 2.0, 2.5, 5.0] {
            if max / (step * factor) <= 4.0 {
                step *= factor;
                break 'found;
            }
        }
        step *= 10.0;
    }
    let count = (max / step).ceil().max(1.0);
    let decimals = if step < 0.1 {
        2
    } else if step < 1.0 || (step - 2.5).abs() < 1e-9 {
        1
    } else {
        0
    };
    let top = step * count;
    let ticks = (0..=count as u32).map(|i| {
        let value = f64::from(i) * step;
        let unit = if i == count as u32 && !unit.is_empty() { format!(" {unit}") } else { String::new() };
        (value / top, format!("{}{unit}", number(value, decimals)))
    });
    (top, ticks.collect())
}

/// Dates along the run, at most about six of them: days, or from a quarter of a year on the first of months.
pub(super) fn time_axis(data: &ReportData) -> Vec<(f64, String)> {
    let total = data.run.days().max(1e-9);
    let at = |day: f64| time::local(data.run.start_unix_s, data.scenario.utc_offset_s, (day * DAY_MS as f64) as u64);
    let step = [1.0, 2.0, 5.0, 7.0, 10.0, 14.0].into_iter().find(|step| total / step <= 6.5);
    // The last label needs room to its right.
    let room = total * 0.97;
    let ticks = |days: &mut dyn Iterator<Item = f64>| -> Vec<(f64, String)> {
        days.map(|day| (day / total, time::day(at(day)))).collect()
    };
    if let Some(step) = step {
        return ticks(&mut (0..7).map(|i| f64::from(i) * step).filter(|day| *day <= room));
    }
    let months = [1, 2, 3, 6, 12].into_iter().find(|months| total / 30.5 / f64::from(*months) <= 6.5).unwrap_or(24);
    let firsts = (0..=room as u32).map(f64::from).filter(|&day| {
        let date = at(day).date();
        date.day() == 1 && (i32::from(date.month()) - 1) % months == 0
    });
    ticks(&mut firsts.collect::<Vec<_>>().into_iter())
}

/// Hours of a day.
pub(super) fn day_axis() -> Vec<(f64, String)> {
    [0, 6, 12, 18, 24].map(|h| (f64::from(h) / 24.0, format!("{h}:00"))).to_vec()
}

/// Dates along `days` days from the start of the run, which may be more than the run has.
pub(super) fn days_axis(data: &ReportData, days: u32) -> Vec<(f64, String)> {
    let step = days.div_ceil(6).max(1);
    (0..days)
        .step_by(step as usize)
        .filter(|day| f64::from(*day) <= 0.97 * f64::from(days))
        .map(|day| {
            let at = time::local(data.run.start_unix_s, data.scenario.utc_offset_s, u64::from(day) * DAY_MS);
            (f64::from(day) / f64::from(days), time::day(at))
        })
        .collect()
}

/// A polyline through `values` (0–1 of the height), evenly spread over the width, as path data.
pub(super) fn line(values: impl ExactSizeIterator<Item = f64>) -> String {
    let last = values.len().saturating_sub(1).max(1) as f64;
    let mut d = String::with_capacity(values.len() * 10);
    for (i, v) in values.enumerate() {
        push!(d, "{}{} {}", if i == 0 { 'M' } else { 'L' }, short(i as f64 / last * SPAN), short(y(v)));
    }
    d
}

/// A step line: each value holds over its share of the width.
pub(super) fn steps(values: impl ExactSizeIterator<Item = f64>) -> String {
    let n = values.len().max(1) as f64;
    let mut d = String::with_capacity(values.len() * 10);
    for (i, v) in values.enumerate() {
        if i == 0 {
            push!(d, "M0 {}", short(y(v)));
        } else {
            push!(d, "V{}", short(y(v)));
        }
        push!(d, "H{}", short((i + 1) as f64 / n * SPAN));
    }
    d
}

/// The area between a lower and an upper step line.
pub(super) fn step_band(low: &[f64], high: &[f64]) -> String {
    let n = high.len().max(1) as f64;
    let mut d = steps(high.iter().copied());
    for (i, v) in low.iter().enumerate().rev() {
        push!(d, "V{}", short(y(*v)));
        push!(d, "H{}", short(i as f64 / n * SPAN));
    }
    d.push('Z');
    d
}

/// From 0–1 upwards to drawing units downwards.
pub(super) fn y(value: f64) -> f64 {
    (1.0 - value.clamp(0.0, 1.0)) * SPAN
}

/// One decimal, without a trailing zero.
pub(super) fn short(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_on_a_round_number_above_the_data() {
        for (max, top) in [(0.0, 1.0), (3.7, 4.0), (97.0, 100.0), (101.0, 150.0), (0.013, 0.015), (1234.0, 1500.0)] {
            let (got, ticks) = y_axis(max, "kW");
            assert!((got - top).abs() < 1e-9, "{max}: {got} instead of {top}");
            assert!(ticks.len() <= 5 && (ticks[ticks.len() - 1].0 - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn steps_and_bands_close() {
        assert_eq!(steps([0.0, 1.0].into_iter()), "M0 1000H500V0H1000");
        assert_eq!(step_band(&[0.0, 0.0], &[1.0, 0.5]), "M0 0H500V500H1000V1000H500V1000H0Z");
    }
}
