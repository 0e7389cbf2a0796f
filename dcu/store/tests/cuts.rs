//! Power cuts at random points: nothing acknowledged is lost, nothing is corrupt, what is found is what was appended.

mod common;

use common::{Plan, census};
use taa_powercut::{Config, Order, Torn};
use taa_store::Sabotage;

const CUTS: u32 = 2_000;

fn garbled() -> Config {
    Config { torn: Torn::GarbagePage, torn_per_mille: 300, ..Config::default() }
}

#[test]
fn two_thousand_cuts_lose_nothing() {
    let census = census(&Plan::new(), CUTS, |_| {});
    assert!(census.cuts >= CUTS, "{census:?}");
    assert_eq!(census.faults(), 0, "{census:?}");
}

#[test]
fn nor_on_cards_that_garble_pages_or_keep_the_order() {
    for disk in [garbled(), Config { order: Order::AsWritten, ..Config::default() }] {
        let census = census(&Plan { disk, ..Plan::new() }, 500, |_| {});
        assert_eq!(census.faults(), 0, "{disk:?}: {census:?}");
    }
}

#[test]
fn sabotage_a_commit_that_is_not_synced_is_noticed() {
    let mut plan = Plan::new();
    plan.store = plan.store.sabotaged(Sabotage::SyncNormal);
    assert!(census(&plan, CUTS, |_| {}).lost > 0);
}

#[test]
fn sabotage_a_promise_before_the_commit_is_noticed() {
    let plan = Plan { early: true, ..Plan::new() };
    assert!(census(&plan, CUTS, |_| {}).lost > 0);
}

#[test]
fn sabotage_trust_in_bytes_beside_a_write_is_noticed() {
    let mut plan = Plan { disk: garbled(), ..Plan::new() };
    plan.store = plan.store.sabotaged(Sabotage::PowersafeOverwrite);
    assert!(census(&plan, CUTS, |_| {}).faults() > 0);
}

#[test]
fn sabotage_a_store_that_forgets_its_last_block_is_noticed() {
    let mut plan = Plan::new();
    plan.store = plan.store.sabotaged(Sabotage::LosesLastBlock);
    assert!(census(&plan, CUTS, |_| {}).faults() > 0);
}
