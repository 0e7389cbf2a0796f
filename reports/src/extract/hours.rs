//! Where the hours of all connections went.

use taa_sim::records::Customers;

use crate::data::HourSplit;

/// Light, three kinds of loss, darkness without credit, time past the meter, and the time after a customer had left:
/// together the run.
pub(super) fn split(table: &Customers, simulated_ms: u64) -> HourSplit {
    let mut out = HourSplit::default();
    for i in 0..table.len() {
        let here_ms = table.churned_ms[i].unwrap_or(simulated_ms).min(simulated_ms);
        let lost = [table.supply_down_ms[i], table.credit_stuck_ms[i], table.payment_blocked_ms[i]];
        let dark_ms = lost.iter().sum::<u64>() + table.zero_credit_ms[i];
        let lit_ms = here_ms.saturating_sub(dark_ms + table.bypassed_ms[i]);
        // The records know the energy served on trust, not its hours: its share stands for theirs.
        let served_wh = table.served_wh[i];
        let trust = if served_wh > 0.0 { (table.unbilled_wh[i] / served_wh).clamp(0.0, 1.0) } else { 0.0 };
        let unpaid_ms = (lit_ms as f64 * trust).round() as u64;
        out.paid_light += lit_ms - unpaid_ms.min(lit_ms);
        out.unpaid_light += unpaid_ms.min(lit_ms);
        for (sum, ms) in out.lost.iter_mut().zip(lost) {
            *sum += ms;
        }
        out.no_credit += table.zero_credit_ms[i];
        out.bypassed += table.bypassed_ms[i];
        out.left += simulated_ms - here_ms;
    }
    out
}

#[cfg(test)]
mod tests {
    use taa_sim::records::Customers;

    use super::split;

    /// One customer with every kind of hour.
    fn one(churned_ms: Option<u64>) -> Customers {
        Customers {
            id: vec!["c1".to_owned()],
            served_wh: vec![100.0],
            unbilled_wh: vec![25.0],
            unpaid_wh: vec![0.0],
            supply_down_ms: vec![100],
            credit_stuck_ms: vec![50],
            payment_blocked_ms: vec![30],
            zero_credit_ms: vec![20],
            bypassed_ms: vec![0],
            churned_ms: vec![churned_ms],
            ..Customers::default()
        }
    }

    #[test]
    fn the_parts_add_up_to_the_run() {
        let (stays, left) = (split(&one(None), 1000), split(&one(Some(600)), 1000));
        assert_eq!((stays.total(), left.total()), (1000, 1000));
        assert_eq!((stays.paid_light, stays.unpaid_light, stays.left), (600, 200, 0));
        assert_eq!((left.paid_light, left.unpaid_light, left.left), (300, 100, 400));
        assert!((stays.paid_light_h_per_year() - 8760.0 * 0.6).abs() < 1e-9);
    }

    #[test]
    fn hours_past_the_meter_are_no_light_that_was_paid_for() {
        let past = split(&Customers { bypassed_ms: vec![80], ..one(None) }, 1000);
        assert_eq!((past.total(), past.bypassed, past.paid_light, past.unpaid_light), (1000, 80, 540, 180));
    }

    #[test]
    fn leaving_never_looks_like_light() {
        assert!(split(&one(Some(500)), 1000).paid_light < split(&one(None), 1000).paid_light);
    }
}
