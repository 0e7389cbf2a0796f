//! Tokens made beforehand: stock until sold, sold when no module or no minute is there, thrown away in time.

use taa_dcu::{
    MeterIx,
    config::{CachePolicy, VendingConfig},
    vending::{Fate, Sale, Void},
};
use taa_tokens::sts::meter::Reason;

use crate::site::{DAY, HOUR, MINUTE, START_MINUTE, Site, U, entry};

fn site(newer_max: u32) -> Site {
    let denominations = vec![(100_000, 2), (20_000, 3)];
    let cache = CachePolicy { denominations, meter_max_minor: 300_000, newer_max };
    let mut site =
        Site::with(VendingConfig { cache: Some(cache), ..VendingConfig::default() }, vec![entry(0), entry(1)]);
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
