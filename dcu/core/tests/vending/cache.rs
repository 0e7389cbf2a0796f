//! Tokens made beforehand: stock until sold, sold when no module or no minute is there, thrown away in time.

use taa_dcu::{
    MeterIx,
    config::{CachePolicy, VendingConfig},
    journal::bytes::encode,
    vending::{Fate, Sale, Void},
};
use taa_keys::{Key, KeyHandle};
use taa_tokens::sts::meter::Reason;

use crate::site::{DAY, HOUR, MINUTE, START_MINUTE, Site, U, entry};

fn site(newer_max: u32) -> Site {
    sealed_site(newer_max, None)
}

fn sealed_site(newer_max: u32, stock_key: Option<KeyHandle>) -> Site {
    let denominations = vec![(100_000, 2), (20_000, 3)];
    let cache = CachePolicy { denominations, meter_max_minor: 300_000, newer_max };
    let mut site = Site::with(
        VendingConfig { cache: Some(cache), stock_key, ..VendingConfig::default() },
        vec![entry(0), entry(1)],
    );
    site.lease(START_MINUTE, START_MINUTE + 180 * 1440, 2, 1);
    site.run_for(2 * HOUR);
    site
}

fn stock(site: &Site, meter: u32) -> usize {
    site.state().desk().sales_of(MeterIx(meter)).filter(|sale| sale.is_stock()).count()
}

#[test]
fn the_stock_is_made_while_the_module_answers_and_is_no_credit() {
    let site = site(30);
    assert_eq!((stock(&site, 0), stock(&site, 1)), (5, 5));
    assert_eq!(site.left(), []);
    assert_eq!((site.due_u(0), site.state().desk().meter(MeterIx(0)).unwrap().sold_u()), (0, 0));
    let worth: i64 = site.state().desk().sales_of(MeterIx(0)).map(|sale: &Sale| sale.worth_u).sum();
    assert!(worth <= 260_000 * U && worth > 259_000 * U, "{worth}");
}

#[test]
fn without_the_module_the_stock_is_sold_and_the_rest_waits() {
    let mut site = site(30);
    site.module_up = false;
    site.pay("R1", 0, 135_000);
    site.run_for(10 * MINUTE);
    assert_eq!(site.left().len(), 2, "1,000 and 200");
    site.type_all();
    assert_eq!(site.meters[0].credited + site.due_u(0), 135_000 * U);
    assert_eq!(site.fate(11), Fate::Void { why: Void::CacheSold });
    // The module's late answer to the void sale makes no token; the rest is sold anew, and the stock is filled up.
    site.answer_all();
    site.run_for(3 * HOUR);
    site.type_all();
    assert_eq!(site.meters[0].credited + site.due_u(0), 135_000 * U);
    assert!(site.due_u(0) < 100 * U, "{}", site.due_u(0));
    assert_eq!(stock(&site, 0), 5);
    assert_eq!(site.state(), &site.refold());
}

#[test]
fn without_minutes_the_stock_is_sold_at_once() {
    let mut site = site(30);
    // The lease is over.
    site.clock_error_ms = 200 * 86_400_000;
    site.set_clock();
    site.pay("R1", 1, 22_000);
    assert_eq!(site.left().len(), 1);
    site.type_all();
    assert_eq!(site.meters[1].credited + site.due_u(1), 22_000 * U);
}

/// The sabotage beside the rule: a token that was kept while many newer ones went in is refused as too old.
#[test]
fn a_token_is_not_kept_until_the_meter_would_find_it_too_old() {
    for newer_max in [30, 1_000] {
        let mut site = site(newer_max);
        let old = site.state().desk().sales_of(MeterIx(0)).next().unwrap().tokens[0];
        for n in 0..70 {
            site.pay(&format!("R{n}"), 0, 1_000);
            site.run_for(HOUR);
        }
        site.run_for(DAY);
        site.type_all();
        let kept = site.state().desk().sales_of(MeterIx(0)).any(|sale| sale.is_stock() && sale.tokens[0] == old);
        assert_eq!(kept, newer_max == 1_000);
        assert_eq!(site.meters[0].enter(&old.0), Err(Reason::Old), "so it must not be sold");
        assert!(stock(&site, 0) >= 5, "made anew");
    }
}

/// The bytes of a token's digits anywhere in what the journal would write.
fn on_disk(site: &Site, digits: &[u8; 20]) -> bool {
    let mut bytes = Vec::new();
    site.journal.iter().for_each(|record| encode(record, &mut bytes).unwrap());
    bytes.windows(20).any(|window| window == digits)
}

#[test]
fn a_sealed_stock_is_on_the_disk_as_noise_and_is_sold_as_digits() {
    for stock_key in [Some(KeyHandle::new(Key::Aes128([9; 16]))), None] {
        let sealed = stock_key.is_some();
        let mut site = sealed_site(30, stock_key);
        // What the module has made of each question, unsold so far.
        let made: Vec<[u8; 20]> = site.questions.iter().filter_map(|question| site.made(question)).collect();
        assert!(made.len() >= 10);
        // The sabotage beside it: without a key all of it can be read.
        assert_eq!(made.iter().filter(|digits| on_disk(&site, digits)).count(), if sealed { 0 } else { made.len() });
        site.module_up = false;
        site.pay("R1", 0, 135_000);
        site.run_for(10 * MINUTE);
        // Over a restart as well.
        site.cut();
        site.boot();
        site.pay("R2", 1, 22_000);
        site.run_for(10 * MINUTE);
        assert!(site.left().len() >= 3, "1,000 and 200, then 200; after a restart some are told again");
        site.answer_all();
        site.run_for(3 * HOUR);
        site.type_all();
        assert_eq!(site.meters[0].credited + site.due_u(0), 135_000 * U);
        assert_eq!(site.meters[1].credited + site.due_u(1), 22_000 * U);
        // Told again, typed again; nothing that opened to something else.
        let refused = site.meters.iter().flat_map(|meter| &meter.refused);
        assert!(refused.into_iter().all(|reason| matches!(reason, Reason::Used { .. })));
        assert_eq!(site.state(), &site.refold());
    }
}

#[test]
fn a_stock_that_the_key_does_not_open_is_thrown_away_and_the_money_waits() {
    let mut site = sealed_site(30, Some(KeyHandle::new(Key::Aes128([9; 16]))));
    site.module_up = false;
    site.config.vending.as_mut().unwrap().stock_key = Some(KeyHandle::new(Key::Aes128([10; 16])));
    site.cut();
    site.boot();
    site.pay("R1", 0, 135_000);
    site.run_for(10 * MINUTE);
    assert_eq!(site.left(), []);
    let void = |sale: &&Sale| sale.fate == Fate::Void { why: Void::StockSealed };
    assert_eq!(site.state().desk().sales_of(MeterIx(0)).filter(void).count(), 5);
    site.answer_all();
    site.run_for(3 * HOUR);
    site.type_all();
    assert_eq!(site.meters[0].credited + site.due_u(0), 135_000 * U);
    assert!(site.due_u(0) < 100 * U);
}
