use super::*;
use crate::testing::village;

fn lent<'a>(threads: usize, stop: &'a AtomicBool) -> Lent<'a> {
    Lent { threads, stop, progress: &|_, _| {} }
}

fn go(threads: usize, stop: &AtomicBool, rule: &Stopping) -> Result<Outcomes, StudyError> {
    let place = Place::of(village(30, 4, 1));
    let mut no_faults = place.scenario.clone();
    no_faults.assets.meter_failures_per_year = 0.0;
    let variants = [Variant::new("as it is", place.scenario.clone()), Variant::new("no broken meters", no_faults)];
    let watch = |o: &Outcomes| vec![o.estimate(0, 0, LOST_H_PER_YEAR)];
    run(
        &place,
        &variants,
        Window::whole(4),
        rule,
        &|_, a| vec![("events".into(), a.events as f64)],
        &watch,
        &lent(threads, stop),
    )
}

#[test]
fn results_do_not_depend_on_threads() {
    let stop = AtomicBool::new(false);
    let rule = Stopping { min: 2, max: 5, batch: 2, relative: 0.0, absolute: 0.0 };
    let (one, three) = (go(1, &stop, &rule).unwrap(), go(3, &stop, &rule).unwrap());
    assert_eq!(one.draws, 5);
    assert_eq!(one.digests().len(), 2 * 2 * 5);
    assert_eq!(one, three);
    assert!(one.values(0, 0, "events").iter().all(|&e| e > 100.0));
    let digests = one.of(0, 0).iter().map(|o| o.digest).collect::<Vec<_>>();
    assert!(digests.windows(2).all(|w| w[0] != w[1]), "draws differ");
}

/// Pairing means that both sides meet the same world; a seed of its own for one of them would be noticed.
#[test]
fn both_architectures_of_a_draw_meet_the_same_world() {
    let stop = AtomicBool::new(false);
    let all = go(2, &stop, &Stopping::fixed(3)).unwrap();
    let worlds = |variant, arch| all.of(variant, arch).iter().map(|o: &Outcome| o.exogenous_digest).collect::<Vec<_>>();
    assert_eq!(worlds(0, 0), worlds(0, 1));
    assert!(worlds(0, 0).windows(2).all(|w| w[0] != w[1]), "another draw is another world");
    let shifted: Vec<Digest> = worlds(0, 0).into_iter().skip(1).collect();
    assert_ne!(shifted[..], worlds(0, 1)[..2], "sabotage: one draw off is not the same world");
}

#[test]
fn days_and_figures_are_whole() {
    let stop = AtomicBool::new(false);
    let all = go(2, &stop, &Stopping::fixed(2)).unwrap();
    for outcome in all.of(0, 0) {
        assert_eq!(outcome.lost_share_by_day.len(), 4);
        assert_eq!(outcome.soc_by_day.len(), 4);
        assert!(outcome.soc_by_day.iter().all(|s| (0.0..=1.0).contains(s)));
        let by_day: f64 = outcome.lost_share_by_day.iter().sum();
        let hours = outcome.figures["downtime_h"];
        assert!((by_day * 24.0 * 30.0 - hours).abs() < 1e-6, "{by_day} {hours}");
        assert!(outcome.figures.contains_key("downtime_h_by_class.supply_down"));
    }
}

#[test]
fn stopping_leaves_whole_draws_or_says_so() {
    let stop = AtomicBool::new(true);
    assert_eq!(go(2, &stop, &Stopping::fixed(2)), Err(StudyError::Stopped));
    let place = Place::of(village(20, 2, 1));
    let variants = [Variant::new("as it is", place.scenario.clone())];
    let stop = AtomicBool::new(false);
    let halt = |done: usize, _: usize| {
        if done == 5 {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let lent = Lent { threads: 1, stop: &stop, progress: &halt };
    let all =
        run(&place, &variants, Window::whole(2), &Stopping::fixed(10), &|_, _| Vec::new(), &|_| Vec::new(), &lent);
    assert_eq!(all.unwrap().draws, 2, "five of twenty simulations are two whole draws of two architectures");
}

#[test]
fn windows_are_spread_over_a_long_run() {
    let window = Window { days: 30, cycle: 3 };
    assert_eq!((0..4).map(|d| window.first_day(d, 365)).collect::<Vec<_>>(), [0, 167, 335, 0]);
    assert_eq!(Window::whole(30).first_day(5, 365), 0);
    assert_eq!(window.first_day(2, 20), 0);
}
