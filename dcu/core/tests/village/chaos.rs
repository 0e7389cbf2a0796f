//! Chance writes the story, then everything heals, then money and light must agree.

use std::collections::BTreeMap;

use proptest::prelude::*;
use taa_dcu::{
    DcuEvent, MeterIx,
    config::{CreditAt, DcuConfig, OnLinkLoss},
};

use crate::village::{Chance, HOUR, S, Village, tariff, traits};

const METERS: u32 = 6;

/// Runs a chaotic half day; gives the village and what was paid per key.
fn chaos(credit_at: CreditAt, seed: u64) -> (Village, BTreeMap<String, (u32, i64)>) {
    let mut chance = Chance(seed ^ 0x5eed);
    let mut config = DcuConfig::new(traits(credit_at), tariff());
    config.stale_limit_s = 2 * 3600;
    config.uplink.keepalive_s = 1200;
    if chance.percent(50) {
        config.traits.on_link_loss = OnLinkLoss::Open;
    }
    let mut village = Village::with(config, METERS, 1_500, seed);
    village.meters.iter_mut().for_each(|m| m.boots_open = chance.percent(50));
    village.loss = chance.below(40);
    village.duplicates = chance.below(30);
    village.delay_max = (1 + chance.below(30)) * S;
    village.sync_max = chance.below(3) * S;
    let mut paid = BTreeMap::new();
    for n in 0..60 {
        village.run_for(chance.below(HOUR / 3));
        let meter = chance.below(u64::from(METERS)) as u32;
        match chance.below(10) {
            0 | 1 => village.link(!village.link_up),
            2 => village.power(meter, false),
            3 | 4 => {
                village.power(meter, true);
                village.heard(meter);
            }
            5 => {
                village.cut();
                village.run_for(chance.below(HOUR));
                village.boot();
            }
            6 => village.compact(),
            _ => {
                let key = format!("K{}", if chance.percent(30) { n / 2 } else { n });
                let &mut (meter, amount) = paid.entry(key.clone()).or_insert((meter, 100 + chance.below(3_000) as i64));
                if chance.percent(50) {
                    village.pay_agent(&key, meter, amount);
                } else {
                    village.pay_phone(&key, meter, amount);
                }
            }
        }
    }
    (village, paid)
}

/// Everything is mended, and there is time.
fn heal(village: &mut Village, paid: &BTreeMap<String, (u32, i64)>) {
    village.loss = 0;
    village.duplicates = 0;
    village.delay_max = S;
    village.sync_max = 0;
    if !village.link_up {
        village.link(true);
    }
    for meter in 0..METERS {
        village.power(meter, true);
        // Nobody uses anything any more, so that balances stand still while they are compared.
        village.meters[meter as usize].load_w = 0;
    }
    village.run_for(2 * 60 * S);
    // Whoever has no receipt asks again: agents and intake may repeat as they like.
    for (key, (meter, amount)) in paid {
        village.pay_agent(key, *meter, *amount);
        village.pay_phone(key, *meter, *amount);
    }
    // To a quiet moment: slots lie in the first half of an hour.
    village.run_until((village.now / HOUR + 4) * HOUR + HOUR * 11 / 12);
}

fn money_and_light_agree(village: &Village, credit_at: CreditAt, paid: &BTreeMap<String, (u32, i64)>) {
    let sum: i64 = paid.values().map(|(_, amount)| amount).sum();
    let book = if credit_at == CreditAt::Cloud { village.cloud.book() } else { village.state().book() };
    assert_eq!(book.totals().credited, i128::from(sum), "every payment once, none twice");
    for meter in 0..METERS {
        let unit = &village.meters[meter as usize];
        let mine: i64 = paid.values().filter(|(m, _)| *m == meter).map(|(_, amount)| amount).sum();
        assert_eq!(book.account(meter).unwrap().credited_minor(), 1_500 + mine);
        if credit_at == CreditAt::Meter {
            assert_eq!(unit.credit_total, 1_500 + mine, "meter {meter}");
            assert_eq!(unit.switched, 0);
            continue;
        }
        let account = book.account(meter).unwrap();
        assert_eq!(account.register_wh(), Some(unit.register_wh()), "meter {meter}: all energy is billed");
        assert_eq!(
            unit.closed,
            book.desired_relay(meter, None).relay.is_closed(),
            "meter {meter}, balance {}",
            account.balance_minor()
        );
        assert_eq!(village.cloud.order(MeterIx(meter)), None);
    }
    let dcu = village.dcu.as_ref().unwrap();
    assert_eq!((dcu.pending_orders(), dcu.outbox_len(), village.cloud.downlink_len()), (0, 0, 0));
    assert_eq!(&village.refold(), dcu.state());
    let accused = village.count(|event| matches!(event, DcuEvent::RolledBack { .. }));
    assert_eq!(accused, 0, "an honest disk is accused");
}

proptest! {
    #[test]
    fn credit_at_the_dcu(seed: u64) {
        let (mut village, paid) = chaos(CreditAt::Dcu, seed);
        heal(&mut village, &paid);
        money_and_light_agree(&village, CreditAt::Dcu, &paid);
        prop_assert!(village.receipts().values().all(|n| *n == 1), "one receipt each");
    }

    #[test]
    fn credit_in_the_cloud(seed: u64) {
        let (mut village, paid) = chaos(CreditAt::Cloud, seed);
        heal(&mut village, &paid);
        money_and_light_agree(&village, CreditAt::Cloud, &paid);
    }

    #[test]
    fn credit_in_the_meter(seed: u64) {
        let (mut village, paid) = chaos(CreditAt::Meter, seed);
        heal(&mut village, &paid);
        money_and_light_agree(&village, CreditAt::Meter, &paid);
    }
}

#[test]
fn the_same_seed_gives_the_same_story() {
    let run = || {
        let (village, _) = chaos(CreditAt::Dcu, 4711);
        (village.events, village.cloud_events, village.frames_to_meters)
    };
    assert_eq!(run(), run());
}

/// Sabotage: the comparison must turn red when a meter is switched behind everybody's back.
#[test]
#[should_panic(expected = "meter 3, balance")]
fn a_relay_switched_in_secret_is_noticed_by_this_test() {
    let (mut village, paid) = chaos(CreditAt::Dcu, 7);
    heal(&mut village, &paid);
    village.meters[3].closed = !village.meters[3].closed;
    money_and_light_agree(&village, CreditAt::Dcu, &paid);
}
