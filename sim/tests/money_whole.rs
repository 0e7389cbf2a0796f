//! From the customer's phone to the meter's register, over random schedules: payments, callbacks that are lost, late and
//! doubled, wrong account names, outages of every part on the way, cuts of the DCU's power in the middle of its commits,
//! failing disks, prices that change twice a day.
//!
//! A reference ledger of a few lines hears from outside alone: what people paid, what the meters' registers show, which
//! relays are closed. It knows no Book. Money in equals credit given plus suspense plus what is still under way; nothing
//! takes effect twice; and who has paid is connected within the policy's bound once a path exists.

mod common;

use common::{
    DAY_MS, HOUR_MS, all_bundles,
    reference::{Bound, Reference, wrongs},
    schedule,
};
use taa_sim::run::{Meddling, Sabotage};

/// Seeds of a plain test run; `TAA_MONEY_SEEDS` asks for more (`cargo xtask soak` does).
fn seeds() -> u64 {
    std::env::var("TAA_MONEY_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(16)
}

#[test]
fn money_in_equals_credit_given_and_who_has_paid_is_connected() {
    let first: u64 = std::env::var("TAA_MONEY_FIRST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut seen = Reference::default();
    for seed in first..first + seeds() {
        let scenario = schedule::draw(seed);
        let meddling = schedule::meddling(seed);
        let result = common::simulate_meddled(&scenario, meddling);
        for arch in &result.architectures {
            let found = wrongs(&scenario, arch, meddling, &Bound::of(&arch.traits));
            let story = || format!("{}\n{}", schedule::story(&scenario), schedule::told(arch));
            assert_eq!(found, Vec::<String>::new(), "seed {seed}, {}: {}", arch.name, story());
            seen.add(arch);
        }
    }
    println!("{seen:?}");
    // A schedule that tests little is no test.
    let each = seeds();
    assert!(
        seen.payments > 40 * each
            && seen.repeats > 15 * each
            && seen.boots > 40 * each
            && seen.suspended > each
            && seen.prices > each,
        "{seen:?}"
    );
}

/// Whether some seed's run is found out.
fn is_red(sabotage: Sabotage, architecture: &str) -> bool {
    (0..12).any(|seed| {
        let mut scenario = schedule::draw(seed);
        scenario.run.architectures.retain(|(name, _)| name == architecture);
        let meddling = Meddling { sabotage: Some(sabotage), ..schedule::meddling(seed) };
        let result = common::simulate_meddled(&scenario, meddling);
        let arch = &result.architectures[0];
        !wrongs(&scenario, arch, meddling, &Bound::of(&arch.traits)).is_empty()
    })
}

#[test]
fn sabotage_a_book_that_forgets_repeats_is_found_out() {
    for (name, _) in all_bundles() {
        assert!(is_red(Sabotage::ForgetsRepeats, &name), "{name}");
    }
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
fn the_same_seed_tells_the_same_story_whatever_the_bytes_of_the_log() {
    let scenario = schedule::draw(3);
    let (one, other) = (common::simulate_on(&scenario, 1), common::simulate_on(&scenario, 2));
    assert_eq!(one.digest, other.digest);
    assert!(scenario.faults.iter().all(|fault| fault.until_ms + DAY_MS <= u64::from(scenario.run.days) * DAY_MS));
    assert!(scenario.faults.iter().any(|fault| fault.until_ms - fault.from_ms < 2 * HOUR_MS));
}
