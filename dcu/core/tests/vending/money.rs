//! What is paid is what the meter credits, to the last hundred-thousandth.

use taa_dcu::{
    DcuEvent, Delivery, MeterIx,
    config::{By, VendingConfig, Way},
    gateway::TokenFate,
    vending::{Ask, Fate, KeyRefusal, Outside, Reference, Source, VendAsk, VendId, VendRefusal, Void},
};
use taa_keys::KeyStore;
use taa_tokens::sts::{BaseDate, StaTables, vend::SoftwareModule};

use crate::site::{MINUTE, START_MINUTE, Site, U, entry, key, module};

#[test]
fn a_payment_becomes_a_token_that_the_meter_takes_once() {
    let mut site = Site::new();
    site.pay("R1", 0, 500_000);
    let left = site.left();
    assert_eq!(left.len(), 1);
    let (id, meter, first, token, way) = left[0].clone();
    assert_eq!((id, meter, first.len(), way), (VendId(1), 0, 0, Way::Keypad { by: By::Text }));
    site.type_all();
    let paid = 500_000 * U;
    assert_eq!(site.meters[0].credited + site.due_u(0), paid);
    // A step of the field at this height is one unit of the currency.
    assert!((0..100 * U).contains(&site.due_u(0)), "{}", site.due_u(0));
    assert_eq!(site.meters[0].refused.len(), 1, "typed twice, credited once");
    // The neighbour's meter takes nothing of it.
    assert!(site.meters[1].enter(&token.0).is_err());
    // What was rounded off goes into the next one.
    let before = site.due_u(0);
    site.pay("R2", 0, 100);
    site.events.retain(|(_, event)| !matches!(event, DcuEvent::TokenIssued { id: VendId(1), .. }));
    site.type_all();
    assert_eq!(site.meters[0].credited + site.due_u(0), paid + 100 * U);
    assert!(before > 0 && site.due_u(0) < before + 100 * U);
    assert_eq!(site.state(), &site.refold());
}

#[test]
fn a_payment_told_twice_makes_one_token() {
    let mut site = Site::new();
    for _ in 0..3 {
        site.pay("R1", 0, 90_000);
    }
    assert_eq!(site.left().len(), 1);
    assert_eq!(site.questions.len(), 1);
}

#[test]
fn meters_that_count_energy_get_energy_and_the_rest_waits() {
    let mut entries = vec![entry(0)];
    entries[0].sts.as_mut().unwrap().in_money = false;
    let mut site = Site::with(VendingConfig::default(), entries);
    site.lease(START_MINUTE, START_MINUTE + 1440, 1, 0);
    // 0.1 kWh costs 1,000 minor units.
    site.pay("R1", 0, 2_999);
    site.type_all();
    assert_eq!(site.meters[0].credited, 2);
    assert_eq!(site.due_u(0), 999 * U);
    site.pay("R2", 0, 1);
    site.type_all();
    assert_eq!((site.meters[0].credited, site.due_u(0)), (3, 0));
    // Too little for a token: it stays, and nothing was used up.
    site.pay("R3", 0, 5);
    assert_eq!((site.left().len(), site.due_u(0)), (2, 5 * U));
}

#[test]
fn much_money_comes_in_several_tokens_of_different_minutes() {
    let vending = VendingConfig { token_max_minor: 100_000, ..VendingConfig::default() };
    let mut site = Site::with(vending, vec![entry(0)]);
    site.lease(START_MINUTE, START_MINUTE + 1440, 2, 0);
    site.pay("R1", 0, 250_000);
    assert_eq!(site.left().len(), 3);
    site.type_all();
    assert_eq!(site.meters[0].credited + site.due_u(0), 250_000 * U);
    assert_eq!(site.meters[0].taken.len(), 3);
}

#[test]
fn somebody_outside_gets_one_token_for_each_reference() {
    let mut site = Site::new();
    let ask = |reference: &str, amount_minor| VendAsk {
        meter: MeterIx(0),
        ask: Ask::Money { amount_minor },
        source: Source::Outside(Reference { by: "mpm".into(), reference: reference.into() }),
    };
    let mut vend = |ask: VendAsk| site.with_dcu(|dcu, now| dcu.handle_vend(now, ask)).unwrap();
    assert_eq!(vend(ask("t1", 400_000)), Ok(VendId(1)));
    assert_eq!(vend(ask("t1", 400_000)), Ok(VendId(1)), "asked again: the same sale");
    assert_eq!(vend(ask("t1", 500_000)), Err(VendRefusal::Conflict(VendId(1))));
    assert_eq!(vend(ask("t2", 400_000)), Ok(VendId(2)));
    assert_eq!(vend(ask("", 400_000)), Err(VendRefusal::Reference));
    assert!(matches!(vend(ask("t3", 0)), Err(VendRefusal::Amount { .. })));
    site.type_all();
    let outside = site.state().desk().outside();
    assert_eq!(outside.asked_u, i128::from(800_000 * U));
    assert_eq!(outside.sold_u, i128::from(site.meters[0].credited));
    assert_eq!(outside.asked_u - outside.sold_u, i128::from(site.state().desk().outside_due_u(MeterIx(0))));
    assert_eq!(site.due_u(0), 0, "the account has nothing to do with it");
    let account = VendAsk {
        meter: MeterIx(0),
        ask: Ask::Money { amount_minor: 7 },
        source: Source::Account { granted_minor: 0 },
    };
    let refused = site.with_dcu(|dcu, now| dcu.handle_vend(now, account)).unwrap();
    assert_eq!(refused, Err(VendRefusal::NotPaid { due_minor: 0 }));
}

fn outside(reference: &str, amount_minor: i64) -> VendAsk {
    let source = Source::Outside(Reference { by: "stron".into(), reference: reference.into() });
    VendAsk { meter: MeterIx(0), ask: Ask::Money { amount_minor }, source }
}

/// Credit and dues of all that was asked for from outside are what was asked for and not refused.
fn outside_u(site: &Site) -> i64 {
    site.meters[0].credited + site.state().desk().outside_due_u(MeterIx(0))
}

/// Whoever was told "cannot vend now" has kept the money: the next purchase is worth its own amount, whoever makes it.
#[test]
fn what_the_module_refused_to_somebody_outside_is_owed_to_nobody() {
    let mut site = Site::new();
    let vend = |site: &mut Site, ask: VendAsk| site.with_dcu(|dcu, now| dcu.handle_vend(now, ask)).unwrap();
    site.module = SoftwareModule::new(KeyStore::new(), StaTables::sample());
    assert_eq!(vend(&mut site, outside("a", 500_000)), Ok(VendId(1)));
    assert_eq!(site.fate(1), Fate::Void { why: Void::Key(KeyRefusal::NoKey) });
    assert_eq!(site.state().desk().outside_due_u(MeterIx(0)), 0);
    assert_eq!(site.state().desk().outside(), Outside::default());
    // The key is loaded. Another purchase, then the one that was refused, under its own name: each what was paid for it.
    site.module = module();
    assert_eq!(vend(&mut site, outside("b", 300_000)), Ok(VendId(2)));
    site.type_all();
    assert_eq!(outside_u(&site), 300_000 * U);
    assert_eq!(vend(&mut site, outside("a", 500_000)), Ok(VendId(3)));
    site.type_all();
    assert_eq!(outside_u(&site), 800_000 * U);
    // Refused again in between, and what rounding has left over is not lost.
    site.module = SoftwareModule::new(KeyStore::new(), StaTables::sample());
    for _ in 0..3 {
        vend(&mut site, outside("c", 77_777)).unwrap();
        assert_eq!(outside_u(&site), 800_000 * U);
    }
    site.module = module();
    vend(&mut site, outside("c", 77_777)).unwrap();
    site.type_all();
    assert_eq!(outside_u(&site), 877_777 * U);
    assert_eq!(site.state().desk().outside().asked_u, i128::from(877_777 * U));
    assert_eq!(site.state(), &site.refold());
}

/// A token that had left was paid for. The key was changed before it was entered: it stays owed, also where the module
/// refuses to make it anew.
#[test]
fn what_was_sold_outside_and_can_no_longer_be_entered_is_still_owed() {
    let mut site = Site::new();
    let vend = |site: &mut Site, ask: VendAsk| site.with_dcu(|dcu, now| dcu.handle_vend(now, ask)).unwrap();
    assert_eq!(vend(&mut site, outside("a", 500_000)), Ok(VendId(1)));
    let to = key(2, 255, BaseDate::Y2014);
    let change = site.with_dcu(|dcu, now| dcu.key_change(now, MeterIx(0), &to)).unwrap().unwrap();
    let set = site.events.iter().find_map(|(_, event)| match event {
        DcuEvent::KeyChangeIssued { tokens, .. } => Some(tokens.clone()),
        _ => None,
    });
    for digits in set.unwrap() {
        site.meters[0].enter(&digits.0).unwrap();
    }
    site.with_dcu(|dcu, now| dcu.handle_delivery(now, change, Delivery::Answered(TokenFate::Accepted)));
    assert!(site.with_dcu(|dcu, now| dcu.replace_orphan(now, VendId(1))).unwrap());
    assert_eq!(site.state().desk().outside_due_u(MeterIx(0)), 500_000 * U);
    site.module = SoftwareModule::new(KeyStore::new(), StaTables::sample());
    let again = vend(&mut site, outside("a", 500_000)).unwrap();
    assert_eq!(site.fate(again.0), Fate::Void { why: Void::Key(KeyRefusal::NoKey) });
    assert_eq!(site.state().desk().outside_due_u(MeterIx(0)), 500_000 * U);
    site.module = module();
    vend(&mut site, outside("a", 500_000)).unwrap();
    site.events.retain(|(_, event)| !matches!(event, DcuEvent::TokenIssued { id: VendId(1), .. }));
    site.type_all();
    assert_eq!(outside_u(&site), 500_000 * U);
}

#[test]
fn a_module_that_does_not_answer_is_asked_for_the_same_content_again() {
    let mut site = Site::new();
    site.module_up = false;
    site.pay("R1", 0, 30_000);
    site.run_for(5 * MINUTE);
    assert!(site.questions.len() > 2);
    assert!(site.questions.iter().all(|question| *question == site.questions[0]));
    assert_eq!(site.left(), []);
    assert_eq!(site.fate(1), Fate::Asked);
    // All of its answers come at last: one token leaves.
    site.answer_all();
    assert_eq!(site.left().len(), 1);
    site.type_all();
    assert_eq!(site.meters[0].credited + site.due_u(0), 30_000 * U);
}
