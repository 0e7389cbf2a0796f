//! From the customer's phone to the meter's register, over random schedules: payments, callbacks that are lost, late and
//! doubled, wrong account names, outages of every part on the way, cuts of the DCU's power in the middle of its commits,
//! failing disks, prices that change twice a day, gateways that refuse, keys of which the vendor is wrong.
//!
//! A reference ledger of a few lines hears from outside alone: what people paid, what the meters' registers show, which
//! relays are closed. It knows no Book. Money in equals credit given plus suspense plus what was handed back plus what is
//! still under way; nothing takes effect twice; and who has paid is connected within the policy's bound once a path exists.
//! The auditor within the run counts all of it after every step.

mod common;

use std::ops::Range;

use common::{
    DAY_MS, HOUR_MS, all_bundles, fault,
    reference::{Bound, Reference, wrongs},
    schedule,
};
use taa_scenarios::model::{Fault, FaultKind, FaultTarget, Scenario};
use taa_sim::run::{Meddling, Sabotage};

/// Seeds of a plain test run; `TAA_MONEY_SEEDS` and `TAA_MONEY_FIRST_SEED` ask for others (`cargo xtask soak` does).
fn seeds() -> Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let first = number("TAA_MONEY_FIRST_SEED").unwrap_or(0);
    first..first + number("TAA_MONEY_SEEDS").unwrap_or(16)
}

#[test]
fn money_in_equals_credit_given_and_who_has_paid_is_connected() {
    let mut seen = Reference::default();
    for seed in seeds() {
        let scenario = schedule::draw(seed);
        let meddling = schedule::meddling(seed);
        let result = common::simulate_meddled(&scenario, meddling);
        for arch in &result.architectures {
            let bound = Bound::of(&scenario, &arch.traits);
            let found = wrongs(&scenario, arch, meddling, &bound);
            let story = || format!("{}\n{}", schedule::story(&scenario), schedule::told(arch));
            assert_eq!(found, Vec::<String>::new(), "seed {seed}, {}: {}", arch.name, story());
            seen.add(&scenario, arch, &bound);
        }
    }
    println!("{seen:?}");
    // A schedule that tests little is no test.
    let each = seeds().count() as u64;
    assert!(
        seen.payments > 40 * each
            && seen.repeats > 15 * each
            && seen.boots > 40 * each
            && 2 * seen.suspended > each
            && seen.prices > each
            && seen.handed_back > each
            && seen.tokens > 10 * each
            && seen.by_gateway > each
            && seen.written > 5 * each
            && 20 * seen.replaced > each
            && seen.audits > 100 * each
            && seen.turned_away > 5 * each
            && seen.dark_and_paid > 2 * each
            && 4 * seen.due > seen.payments
            && seen.due_by_hand > each
            && seen.with_credit > each,
        "{seen:?}"
    );
}

/// Whether some seed's run is found out.
fn is_red(sabotage: Sabotage, architecture: &str) -> bool {
    is_red_where(sabotage, architecture, |_| {})
}

/// The same with something more in the way, where the fault shows within milliseconds of a cut alone.
fn is_red_where(sabotage: Sabotage, architecture: &str, change: impl Fn(&mut Scenario)) -> bool {
    (0..40).any(|seed| {
        let mut scenario = schedule::draw(seed);
        change(&mut scenario);
        scenario.run.architectures.retain(|(name, _)| name == architecture);
        if scenario.run.architectures.is_empty() {
            // Its tariff is none for this architecture.
            return false;
        }
        let meddling = Meddling { sabotage: Some(sabotage), ..schedule::meddling(seed) };
        let result = common::simulate_meddled(&scenario, meddling);
        let arch = &result.architectures[0];
        !wrongs(&scenario, arch, meddling, &Bound::of(&scenario, &arch.traits)).is_empty()
    })
}

#[test]
fn sabotage_a_book_that_forgets_repeats_is_found_out() {
    for (name, _) in all_bundles() {
        assert!(is_red(Sabotage::ForgetsRepeats, &name), "{name}");
    }
}

#[test]
fn sabotage_a_limit_that_holds_paid_closings_is_found_out() {
    assert!(is_red(Sabotage::HoldsClosings, "edge_local"));
    assert!(is_red(Sabotage::HoldsClosings, "cloud_sync"));
}

#[test]
fn sabotage_an_order_that_is_lost_for_good_is_found_out() {
    assert!(is_red(Sabotage::LosesOrders, "cloud_sync"));
}

#[test]
fn sabotage_a_dcu_that_promises_before_its_disk_has_written_is_found_out() {
    assert!(is_red(Sabotage::PromisesEarly, "edge_local"));
}

#[test]
fn sabotage_a_store_that_loses_its_last_commit_is_found_out() {
    assert!(is_red(Sabotage::LosesLastCommit, "edge_local"));
}

#[test]
fn sabotage_a_relay_that_answers_before_it_has_written_is_found_out() {
    let slow = |scenario: &mut Scenario| {
        scenario.comms.payments.intake.hop_median_s = 900.0;
        scenario.comms.payments.intake.fetch_period_s = 1800.0;
        for n in 0..8 {
            let from_h = 4 + 5 * n;
            scenario.faults.push(fault(
                &format!("relay-{n}"),
                FaultKind::IntakeOut,
                FaultTarget::All,
                from_h,
                from_h + 1,
            ));
        }
    };
    assert!(is_red_where(Sabotage::RelayAnswersEarly, "edge_local", slow));
    // The same relay that waits for its disk loses nothing by it.
    let mut honest = schedule::draw(1);
    slow(&mut honest);
    for arch in common::simulate_meddled(&honest, schedule::meddling(1)).architectures {
        let found = wrongs(&honest, &arch, schedule::meddling(1), &Bound::of(&honest, &arch.traits));
        assert_eq!(found, Vec::<String>::new(), "{}", arch.name);
    }
}

#[test]
fn sabotage_money_handed_back_before_it_is_written_down_is_found_out() {
    // The disk takes nothing for a day and a half, and the power goes again and again.
    let refusing = |scenario: &mut Scenario| {
        scenario.faults.push(fault("disk", FaultKind::DiskReadOnly, FaultTarget::All, 12, 44));
        for n in 0..10 {
            let from_ms = (15 + 3 * n) * HOUR_MS;
            let fault = fault(&format!("power-{n}"), FaultKind::DcuPowerLost, FaultTarget::All, 0, 0);
            scenario.faults.push(Fault { from_ms, until_ms: from_ms + 60_000, ..fault });
        }
    };
    assert!(is_red_where(Sabotage::RefundsEarly, "edge_local", refusing));
}

/// A disk that says it has written and has not, or that loses a page, and then the power goes. The site may forget receipts
/// then. Exactly this must hold: what it has forgotten is told (`in_doubt_minor`: nobody else's money is missing), the
/// provider and the relay know of every payment still, nothing is credited or handed back twice, and a site in doubt
/// opens nobody's relay for debt (the auditor within the run looks at every order).
#[test]
fn what_a_lying_disk_has_forgotten_is_known_elsewhere_and_nobody_is_cut_off_for_it() {
    let (mut in_doubt, mut safe) = (0, 0);
    for seed in seeds() {
        let scenario = schedule::with_a_lying_disk(seed);
        let meddling = Meddling { prices_change: false, prices_thrice: false, ..schedule::meddling(seed) };
        for arch in common::simulate_meddled(&scenario, meddling).architectures {
            let log = &arch.records.log;
            let books = &arch.records.books;
            // Where nothing was forgotten, all is as ever; but for time: a site in doubt waits for somebody.
            let doubts = log.kind.contains(&"dcu_safe_mode");
            let found = wrongs(&scenario, &arch, meddling, &Bound::of(&scenario, &arch.traits));
            let late = |wrong: &String| wrong.contains("was due ");
            let wrong: Vec<&String> = found.iter().filter(|wrong| !(doubts && late(wrong))).collect();
            assert_eq!(wrong, Vec::<&String>::new(), "seed {seed}, {}: {}", arch.name, schedule::told(&arch));
            in_doubt += u32::from(books.in_doubt_minor > 0);
            safe += u32::from(doubts);
        }
    }
    println!("Disks that lied: {safe} sites in doubt, {in_doubt} of them had forgotten a receipt");
    assert!(in_doubt > 0 && safe > in_doubt, "{in_doubt} {safe}: the disks have lied too little");
}

#[test]
fn the_same_seed_tells_the_same_story_whatever_the_bytes_of_the_log() {
    let scenario = schedule::draw(3);
    let (one, other) = (common::simulate_on(&scenario, 1), common::simulate_on(&scenario, 2));
    assert_eq!(one.digest, other.digest);
    assert!(scenario.faults.iter().all(|fault| fault.until_ms + DAY_MS <= u64::from(scenario.run.days) * DAY_MS));
    assert!(scenario.faults.iter().any(|fault| fault.until_ms - fault.from_ms < 2 * HOUR_MS));
}
