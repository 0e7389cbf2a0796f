//! Power cuts: nothing leaves that is not durable, no minute is used twice, no money is lost or doubled.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use taa_dcu::{
    Dcu, DcuEvent, MeterIx,
    vending::{Fate, VendRefusal},
};
use taa_tokens::sts::meter::Reason;

use crate::site::{DAY, HOUR, MINUTE, Question, Site, U};

#[test]
fn each_step_waits_for_the_disk() {
    let mut site = Site::new();
    site.syncs = false;
    site.pay("R1", 0, 40_000);
    assert_eq!(site.questions, [], "the minute is not durable");
    site.module_up = false;
    site.sync();
    assert_eq!(site.questions.len(), 1);
    site.answer_all();
    assert_eq!(site.left(), [], "the token is not durable");
    site.sync();
    assert_eq!(site.left().len(), 1);
}

/// Wherever the power goes, the customer gets one token for the money.
#[test]
fn a_cut_at_every_step_leaves_one_token() {
    for syncs in 0..6 {
        for module_up in [true, false] {
            let mut site = Site::new();
            site.syncs = false;
            site.module_up = module_up;
            site.pay("R1", 0, 40_000);
            for _ in 0..syncs {
                site.sync();
            }
            site.cut();
            site.syncs = true;
            site.module_up = true;
            site.boot();
            // The agent, who has no receipt, enters it again.
            site.pay("R1", 0, 40_000);
            site.run_for(HOUR);
            site.type_all();
            assert_eq!(site.meters[0].taken.len(), 1, "{syncs} {module_up}");
            assert_eq!(site.meters[0].credited + site.due_u(0), 40_000 * U);
            assert_eq!(site.state(), &site.refold());
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Pay { meter: u32, amount_minor: i64 },
    Module(bool),
    Syncs(bool),
    Sync,
    Cut,
    Clock(i64),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..2_u32, 1..3_000_000_i64).prop_map(|(meter, amount_minor)| Step::Pay { meter, amount_minor }),
        2 => any::<bool>().prop_map(Step::Module),
        2 => any::<bool>().prop_map(Step::Syncs),
        3 => Just(Step::Sync),
        2 => Just(Step::Cut),
        1 => (-90..90_i64).prop_map(Step::Clock),
        4 => (0..40_u64).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..60)
}

/// Runs a history, then heals everything and lets the customers type.
fn run(history: &[Step], lies: bool) -> Site {
    let mut site = Site::new();
    site.lies = lies;
    let mut receipts = Vec::new();
    for (number, step) in history.iter().enumerate() {
        match *step {
            Step::Pay { meter, amount_minor } => {
                receipts.push((format!("R{number}"), meter, amount_minor));
                site.pay(&format!("R{number}"), meter, amount_minor);
            }
            Step::Module(true) => site.answer_all(),
            Step::Module(false) => site.module_up = false,
            Step::Syncs(syncs) => site.syncs = syncs,
            Step::Sync => site.sync(),
            Step::Cut => {
                site.cut();
                site.entropy = site.entropy.wrapping_add(1);
                site.boot();
            }
            Step::Clock(minutes) => {
                site.clock_error_ms = minutes * 60_000;
                site.set_clock();
            }
            Step::Pass(minutes) => site.run_for(minutes * MINUTE),
        }
    }
    site.lies = false;
    site.syncs = true;
    site.sync();
    site.answer_all();
    site.clock_error_ms = 0;
    site.set_clock();
    for (key, meter, amount_minor) in receipts {
        site.pay(&key, meter, amount_minor);
    }
    site.run_for(2 * DAY);
    site.type_all();
    site
}

/// Contents asked of the module: one minute of one meter never says two things.
fn minutes_used_twice(site: &Site) -> bool {
    let mut seen = std::collections::BTreeMap::new();
    site.questions.iter().any(|question| {
        let Question::Token(_, key, content) = question else { return false };
        let minute = (key.meter, content.tid().map(|tid| tid.field()));
        *seen.entry(minute).or_insert(*content) != *content
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn money_in_is_credit_given(history in steps()) {
        let site = run(&history, false);
        prop_assert!(!minutes_used_twice(&site));
        for (ix, meter) in (0..).zip(&site.meters) {
            let used = |reason: &&Reason| !matches!(reason, Reason::Used { .. });
            prop_assert_eq!(meter.refused.iter().find(used), None, "only what was typed twice is refused");
            let credited = site.state().book().account(ix).unwrap().credited_minor() - 700;
            prop_assert_eq!(meter.credited + site.due_u(ix), credited * U);
            prop_assert!(site.due_u(ix) >= 0);
            let open = |fate: Fate| matches!(fate, Fate::Asked | Fate::Made);
            prop_assert!(!site.state().desk().sales_of(MeterIx(ix)).any(|sale| open(sale.fate)), "nothing is stuck");
        }
        prop_assert_eq!(site.state(), &site.refold());
    }
}

/// The sabotage: a driver that calls records durable when they are not. The same histories then use a minute twice.
#[test]
fn without_durability_a_minute_is_used_twice() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let seen = (0..300).any(|_| {
        let history = steps().new_tree(&mut runner).unwrap().current();
        minutes_used_twice(&run(&history, true))
    });
    assert!(seen);
}

#[test]
fn a_journal_with_a_gap_sells_nothing_until_an_operator_has_looked() {
    let refused =
        |site: &Site| site.count(|event| matches!(event, DcuEvent::VendRefused { refusal: VendRefusal::Doubt, .. }));
    let mut site = Site::new();
    site.with_dcu(|dcu, now| dcu.doubt_journal(now, 5, None));
    site.pay("R1", 0, 40_000);
    site.run_for(DAY);
    assert_eq!((site.left(), site.questions.len()), (Vec::new(), 0));
    assert_eq!(refused(&site), 1, "told once");
    assert_eq!(site.due_u(0), 40_000 * U, "the money is taken, and kept");
    site.with_dcu(Dcu::end_doubt);
    site.run_for(HOUR);
    assert_eq!(site.left().len(), 1);
    assert!(site.due_u(0) < 40_000 * U / 100, "what a token cannot carry exactly stays: {}", site.due_u(0));
}
