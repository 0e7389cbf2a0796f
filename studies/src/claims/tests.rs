use super::*;
use crate::testing::jija;
use std::sync::atomic::AtomicBool;

fn estimate(low: f64, high: f64) -> Estimate {
    let mean = f64::midpoint(low, high);
    Estimate { n: 9, mean, low, high, p10: low, p50: mean, p90: high }
}

#[test]
fn the_verdict_follows_the_figure_and_its_driver() {
    let stated = Range::new(10.0, 20.0, "10 to 20");
    let at = |low, high| vec![("there".to_owned(), estimate(low, high))];
    let verdict = |e: Estimate, moved: &[(String, Estimate)]| judge(&e, &stated, moved, "the weather");
    assert_eq!(verdict(estimate(12.0, 15.0), &at(11.0, 19.0)), Verdict::Reproduced);
    assert_eq!(verdict(estimate(2.0, 5.0), &at(1.0, 9.0)), Verdict::NotReproduced);
    assert_eq!(verdict(estimate(2.0, 5.0), &at(12.0, 13.0)), Verdict::DependsOn("the weather".to_owned()));
    assert_eq!(verdict(estimate(12.0, 15.0), &at(25.0, 26.0)), Verdict::DependsOn("the weather".to_owned()));
    assert_eq!(verdict(estimate(5.0, 15.0), &[]), Verdict::DependsOn("the draw of the world".to_owned()));
    let nothing = crate::stats::estimate(&[]);
    assert!(matches!(verdict(nothing, &[]), Verdict::DependsOn(_)), "no case to judge is no verdict");
    // Sabotage: a figure nudged over the bound changes the word.
    assert_eq!(verdict(estimate(9.0, 9.9), &[]), Verdict::NotReproduced);
    assert_eq!(verdict(estimate(10.0, 10.9), &[]), Verdict::Reproduced);
}

fn small() -> (Place, Effort) {
    let spells = Stopping::fixed(2);
    let effort = Effort { year_days: 20, years: Stopping::fixed(2), spells };
    let mut place = village(&jija(), &effort).unwrap();
    place.scenario = first_connections(&place.scenario, 8);
    (place, effort)
}

fn book(threads: usize) -> Book {
    let (place, effort) = small();
    let stop = AtomicBool::new(false);
    let lent = Lent { threads, stop: &stop, progress: &|_, _| {} };
    run(&place, &effort, &|_| {}, &lent).unwrap()
}

#[test]
fn a_quick_book_is_whole_and_the_same_again() {
    let one = book(2);
    assert!(one.claims.len() >= 22, "{}", one.claims.len());
    let mut ids: Vec<&str> = one.claims.iter().map(|c| c.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), one.claims.len());
    for id in ["three_nines", "four_days_revenue", "four_days_churn", "upgrade_three_months", "keypad_premium"] {
        assert!(ids.contains(&id), "{id}");
    }
    let page = markdown(&one);
    assert!(!page.contains(&format!("## {}:", one.claims[0].id)), "every claim has a heading in words");
    for claim in &one.claims {
        assert!(page.contains(&format!("#{})", claim.id)) && page.contains(claim.quote), "{}", claim.id);
        assert!(claim.figure.value.n == 0 || claim.figure.value.mean.is_finite(), "{}", claim.id);
        let stated = &claim.stated;
        let e = &claim.figure.value;
        if claim.verdict == Verdict::Reproduced {
            assert!(stated.low <= e.low && e.high <= stated.high, "{}", claim.id);
        } else if claim.verdict == Verdict::NotReproduced {
            assert!(e.high < stated.low || e.low > stated.high, "{}", claim.id);
        }
    }
    assert!(!page.contains("NaN") && !page.contains("inf "), "{page}");
    assert_eq!(book(1), one, "threads change nothing");
}
