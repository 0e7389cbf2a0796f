//! What the comparison of the first architecture with the last hangs on, in words.

use taa_studies::study::{Estimate, SensitivityRow, Study};

use super::parts;

/// Whether the comparison is settled, and which assumptions turn it round or would settle it.
pub(crate) fn assumptions(study: &Study) -> String {
    let Some(sensitivity) = study.sensitivity.as_ref().filter(|s| !s.rows.is_empty()) else {
        return "Which assumption the verdict hangs on was not examined; many rates are only assumed.".to_owned();
    };
    let rows = &sensitivity.rows;
    let named = |wanted: &dyn Fn(&SensitivityRow) -> bool| -> Vec<&str> {
        rows.iter().filter(|row| wanted(row)).map(|row| row.words.as_str()).collect()
    };
    let (tried, flips) = (rows.len(), named(&|row| row.flips));
    let turns = |what: &str| {
        let verb = if flips.len() == 1 { "one alone turns" } else { "these can turn" };
        format!("Of the {tried} weakest assumptions {verb} {what} round: {}.", parts::list(&flips))
    };
    if leaves_out_zero(&sensitivity.base) {
        return if flips.is_empty() {
            format!(
                "None of the {tried} weakest assumptions, moved to the ends of its range, turns the comparison round."
            )
        } else {
            turns("the comparison")
        };
    }
    let open = "Which architecture costs less is not settled: the range of the difference includes zero.";
    if !flips.is_empty() {
        return format!("{open} {}", turns("it"));
    }
    let settling = named(&|row| leaves_out_zero(&row.at_low) || leaves_out_zero(&row.at_high));
    if settling.is_empty() {
        format!("{open} None of the {tried} weakest assumptions, moved to the ends of its range, settles it.")
    } else {
        let verb = if settling.len() == 1 { "one alone would" } else { "each of these would" };
        let names = parts::list(&settling);
        format!("{open} Of the {tried} weakest assumptions {verb} settle it at an end of its range: {names}.")
    }
}

fn leaves_out_zero(estimate: &Estimate) -> bool {
    estimate.low > 0.0 || estimate.high < 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use taa_studies::study::Sensitivity;

    fn about(mean: f64, half: f64) -> Estimate {
        Estimate { n: 12, mean, low: mean - half, high: mean + half, p10: mean, p50: mean, p90: mean }
    }

    fn said(base: Estimate, low: Estimate, high: Estimate, flips: bool) -> String {
        let row = SensitivityRow {
            key: "a.b".to_owned(),
            words: "some rate".to_owned(),
            status: "assumed".to_owned(),
            values: [1.0, 2.0, 3.0],
            at_low: low,
            at_high: high,
            flips,
            why: String::new(),
        };
        assumptions(&Study { sensitivity: Some(Sensitivity { base, rows: vec![row] }), ..Study::default() })
    }

    #[test]
    fn a_range_with_zero_in_it_settles_nothing() {
        let (sure, unsure, against) = (about(10.0, 2.0), about(1.0, 2.0), about(-9.0, 3.0));
        assert!(said(sure, sure, unsure, false).starts_with("None of the 1 weakest"));
        assert!(
            said(sure, sure, against, true).starts_with("Of the 1 weakest assumptions one alone turns the comparison")
        );
        let open = said(unsure, unsure, unsure, false);
        assert!(
            open.contains("not settled") && open.contains("None of the 1") && open.ends_with("settles it."),
            "{open}"
        );
        let open = said(unsure, unsure, sure, false);
        assert!(open.contains("not settled") && open.contains("one alone would settle it"), "{open}");
        let open = said(unsure, against, sure, true);
        assert!(open.contains("not settled") && open.contains("one alone turns it round: some rate."), "{open}");
    }
}
