//! Numbers and durations as people read them, and rounding that adds up.

use crate::data::HOUR_MS;

/// Thousands are set apart by a narrow no-break space, as SI asks.
const GROUP: char = '\u{202f}';

/// A number with `decimals` digits after the point and grouped thousands.
pub(crate) fn number(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let plain = format!("{:.*}", decimals, value.abs());
    let (whole, rest) = plain.split_once('.').map_or((plain.as_str(), String::new()), |(w, r)| (w, format!(".{r}")));
    let mut grouped = String::with_capacity(plain.len() + 4);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) && whole.len() > 4 {
            grouped.push(GROUP);
        }
        grouped.push(digit);
    }
    let zero = plain.chars().all(|c| c == '0' || c == '.');
    let sign = if value < 0.0 && !zero { "−" } else { "" };
    format!("{sign}{grouped}{rest}")
}

/// Hours with as many decimals as carry meaning.
pub(crate) fn hours(h: f64) -> String {
    number(h, if h.abs() < 100.0 { 1 } else { 0 })
}

/// A length of time in its natural unit, rounded half up.
pub(crate) fn duration(ms: u64) -> String {
    let round = |unit_ms: u64| ms.saturating_add(unit_ms / 2) / unit_ms;
    let tenths = |unit_ms: u64| number(round(unit_ms / 10) as f64 / 10.0, 1);
    if ms < 500 {
        "0".to_owned()
    } else if ms < 120_000 {
        format!("{} s", round(1000))
    } else if ms < 2 * HOUR_MS {
        format!("{} min", round(60_000))
    } else if ms < 48 * HOUR_MS {
        format!("{} h", tenths(HOUR_MS))
    } else {
        format!("{} days", tenths(24 * HOUR_MS))
    }
}

/// A share, 0–1, in percent: more digits near the ends, where they matter, and never a rounded 0 or 100.
pub(crate) fn percent(share: f64) -> String {
    if !share.is_finite() {
        return "–".to_owned();
    }
    let p = share * 100.0;
    let from_end = p.abs().min((100.0 - p).abs());
    if from_end < 1e-9 {
        return format!("{} %", number(p, 0));
    }
    let decimals = if from_end < 0.095 {
        2
    } else if from_end < 9.95 {
        1
    } else {
        0
    };
    if from_end < 0.005 {
        return if p < 50.0 { "< 0.01 %".to_owned() } else { "> 99.99 %".to_owned() };
    }
    format!("{} %", number(p, decimals))
}

/// Rounds parts to `step`s so that they add up to the rounded total (largest remainders, ties by order).
///
/// Returns the parts and the total, all in steps. Used wherever a page shows a column and its sum.
pub(crate) fn apportion(parts_ms: &[u64], step_ms: u64) -> (Vec<u64>, u64) {
    let sum: u64 = parts_ms.iter().sum();
    let total = (sum + step_ms / 2) / step_ms;
    let mut steps: Vec<u64> = parts_ms.iter().map(|ms| ms / step_ms).collect();
    let floor: u64 = steps.iter().sum();
    let mut order: Vec<usize> = (0..parts_ms.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(parts_ms[i] % step_ms), i));
    for &i in order.iter().take(usize::try_from(total.saturating_sub(floor)).unwrap_or(0)) {
        steps[i] += 1;
    }
    (steps, total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_signed() {
        assert_eq!(number(1234.56, 1), "1234.6");
        assert_eq!(number(1_234_567.0, 0), "1\u{202f}234\u{202f}567");
        assert_eq!(number(-0.04, 1), "0.0");
        assert_eq!(number(-12.0, 0), "−12");
        assert_eq!(number(f64::NAN, 0), "–");
    }

    #[test]
    fn percents_never_round_to_a_promise() {
        let shown: Vec<String> = [0.0, 0.000_01, 0.004, 0.5, 0.996, 0.999_99, 1.0].map(percent).to_vec();
        assert_eq!(shown, ["0 %", "< 0.01 %", "0.4 %", "50 %", "99.6 %", "> 99.99 %", "100 %"]);
    }

    #[test]
    fn durations_take_their_natural_unit() {
        let shown = [0, 59_000, 1_800_000, 5 * HOUR_MS, 100 * HOUR_MS].map(duration);
        assert_eq!(shown, ["0", "59 s", "30 min", "5.0 h", "4.2 days"]);
    }

    #[test]
    fn durations_are_rounded_half_up_not_cut() {
        let shown = [73_500, 73_499, 499, 119_700, 150_000, 8_100_000, 180_000_000].map(duration);
        assert_eq!(shown, ["74 s", "73 s", "0", "120 s", "3 min", "2.3 h", "2.1 days"]);
    }

    #[test]
    fn apportioned_parts_add_up() {
        let (steps, total) = apportion(&[149, 149, 149, 3], 100);
        assert_eq!((steps.iter().sum::<u64>(), total), (5, 5));
        assert_eq!(steps, [2, 2, 1, 0], "equal remainders go to the first");
        assert_eq!(apportion(&[], 100), (vec![], 0));
    }
}
