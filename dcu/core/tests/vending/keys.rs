//! Key changes and the audit that says who needs one.

use taa_dcu::{
    DcuEvent, Delivery, MeterIx,
    config::VendingConfig,
    gateway::{TokenDigits, TokenFate},
    vending::{
        Fate, KeyRefusal, Seen, VendId, VendRefusal, Void,
        audit::{Ends, Verdict, after_rollover, fleet_audit},
    },
};
use taa_tokens::sts::{Algorithm, BaseDate, KeyType, Krn, meter::Reason};

use crate::site::{HOUR, START_MINUTE, Site, U, entry, key};

const M: MeterIx = MeterIx(0);

fn sets(site: &Site) -> Vec<Vec<TokenDigits>> {
    let sets = site.events.iter().filter_map(|(_, event)| match event {
        DcuEvent::KeyChangeIssued { tokens, .. } => Some(tokens.clone()),
        _ => None,
    });
    sets.collect()
}

#[test]
fn a_meter_is_brought_to_another_key_and_tokens_go_on() {
    for (algorithm, count) in [(Algorithm::Ea07, 2), (Algorithm::Ea11, 4)] {
        let mut entries = vec![entry(0)];
        entries[0].sts.as_mut().unwrap().algorithm = algorithm;
        let mut site = Site::with(VendingConfig::default(), entries);
        site.lease(START_MINUTE, START_MINUTE + 1440, 2, 1);
        site.pay("R1", 0, 10_000);
        let old = site.left()[0].3;
        let to = key(2, 200, BaseDate::Y2014);
        let id = site.with_dcu(|dcu, now| dcu.key_change(now, M, &to)).unwrap().unwrap();
        assert_eq!(sets(&site).iter().map(Vec::len).collect::<Vec<_>>(), [count]);
        let again = site.with_dcu(|dcu, now| dcu.key_change(now, M, &key(3, 255, BaseDate::Y2014))).unwrap();
        assert_eq!(again, Err(VendRefusal::KeyChangeUnderWay(id)));
        // Sold before anybody knows whether the set was entered: told together with it.
        site.pay("R2", 0, 20_000);
        let (_, _, first, token, _) = site.left()[1].clone();
        assert_eq!(first, sets(&site)[0]);
        assert_eq!(site.meters[0].enter(&token.0), Err(Reason::Checksum), "first things first");
        for digits in &first {
            site.meters[0].enter(&digits.0).unwrap();
        }
        site.meters[0].enter(&token.0).unwrap();
        // The phone by the meter tells of the token: then the set was entered too.
        site.with_dcu(|dcu, now| dcu.handle_delivery(now, VendId(3), Delivery::Answered(TokenFate::Accepted)));
        assert_eq!(site.fate(2), Fate::Entered { seen: Seen::LaterToken });
        let desk = site.state().desk().meter(M).unwrap();
        assert_eq!((desk.key().unwrap().krn, desk.changing()), (2, None));
        // What lay in the drawer is told, and sold anew once somebody has looked.
        let orphans =
            |event: &DcuEvent| matches!(event, DcuEvent::TokensOrphaned { ids, .. } if ids[..] == [VendId(1)]);
        assert_eq!(site.count(orphans), 1);
        assert_eq!(site.meters[0].enter(&old.0), Err(Reason::Checksum));
        assert_eq!(site.with_dcu(|dcu, now| dcu.replace_orphan(now, VendId(1))), Some(true));
        assert_eq!(site.with_dcu(|dcu, now| dcu.replace_orphan(now, VendId(1))), Some(false));
        let replaced = site.left().last().unwrap().clone();
        assert_eq!(replaced.2, [], "the set is in the meter");
        site.meters[0].enter(&replaced.3.0).unwrap();
        assert_eq!(site.meters[0].credited + site.due_u(0), 30_000 * U);
        assert_eq!(site.state(), &site.refold());
    }
}

#[test]
fn a_token_under_the_living_key_is_never_replaced() {
    let mut site = Site::new();
    site.pay("R1", 0, 10_000);
    assert_eq!(site.with_dcu(|dcu, now| dcu.replace_orphan(now, VendId(1))), Some(false));
    site.with_dcu(|dcu, now| dcu.key_change(now, M, &key(2, 255, BaseDate::Y2014)).unwrap());
    assert_eq!(
        site.with_dcu(|dcu, now| dcu.replace_orphan(now, VendId(1))),
        Some(false),
        "the set has left, but nobody knows that it was entered"
    );
}

#[test]
fn a_change_that_cannot_be_is_named() {
    let mut site = Site::new();
    let change = |site: &mut Site, to| site.with_dcu(|dcu, now| dcu.key_change(now, M, &to)).unwrap();
    assert!(matches!(change(&mut site, key(1, 255, BaseDate::Y2014)), Err(VendRefusal::KeyChange(_))));
    assert!(matches!(change(&mut site, key(2, 255, BaseDate::Y1993)), Err(VendRefusal::KeyChange(_))));
    // The module has no such key: void, and the old one goes on.
    let id = change(&mut site, key(9, 255, BaseDate::Y2014)).unwrap();
    assert_eq!(site.fate(id.0), Fate::Void { why: Void::Key(KeyRefusal::NoKey) });
    site.pay("R1", 0, 10_000);
    site.type_all();
    assert_eq!(site.meters[0].credited + site.due_u(0), 10_000 * U);
    // Called off before it has left.
    site.module_up = false;
    change(&mut site, key(2, 255, BaseDate::Y2014)).unwrap();
    site.pay("R2", 0, 10_000);
    assert_eq!(
        site.count(|e| matches!(e, DcuEvent::VendRefused { refusal: VendRefusal::KeyChangeUnderWay(_), .. })),
        1
    );
    assert_eq!(site.with_dcu(|dcu, now| dcu.cancel_key_change(now, M)), Some(true));
    site.answer_all();
    site.run_for(HOUR);
    site.type_all();
    assert_eq!(site.meters[0].credited + site.due_u(0), 20_000 * U);
}

/// A meter of base 1993 after 24 November 2024: found by the audit, sold nothing, carried over, served.
#[test]
fn a_forgotten_rollover_is_found_and_put_right() {
    let mut entries = vec![entry(0), entry(1), entry(2), entry(3)];
    for (at, attributes) in [(0, key(1, 255, BaseDate::Y1993)), (1, key(1, 97, BaseDate::Y2014))] {
        entries[at].sts.as_mut().unwrap().key = attributes;
    }
    let third = entries[2].sts.as_mut().unwrap();
    (third.keypad, third.key.key_type) = (false, KeyType::Default);
    entries[3].sts = None;
    let mut site = Site::with(VendingConfig::default(), entries.clone());
    // The first contradiction of the configuration: nobody can type into the third meter, and none is sold to.
    site.pay("R1", 0, 10_000);
    assert_eq!(site.count(|e| matches!(e, DcuEvent::VendRefused { .. })), 0, "nothing is sold, and the money stays");
    let rows = fleet_audit(&entries, site.state().desk(), START_MINUTE, 365);
    let verdicts: Vec<Verdict> = rows.iter().map(|row| row.verdict).collect();
    assert_eq!(verdicts, [Verdict::Passed, Verdict::ActBefore, Verdict::NotInService, Verdict::NoDecoder]);
    assert_eq!(rows[0].ends, Some((BaseDate::Y1993.last_unix_minute(), Ends::Rollover)));
    assert!(matches!(rows[1].ends, Some((_, Ends::Ken))));
    assert!(rows[2].unreachable && !rows[1].unreachable);

    entries.truncate(2);
    let mut site = Site::with(VendingConfig::default(), entries.clone());
    site.lease(START_MINUTE, START_MINUTE + 1440, 2, 1);
    site.pay("R1", 0, 10_000);
    assert_eq!(site.count(|e| matches!(e, DcuEvent::VendRefused { refusal: VendRefusal::Time(_), .. })), 1);
    let to = after_rollover(&key(1, 255, BaseDate::Y1993), Krn::new(2).unwrap()).unwrap();
    let id = site.with_dcu(|dcu, now| dcu.key_change(now, M, &to)).unwrap().unwrap();
    site.run_for(2 * HOUR);
    let rows = fleet_audit(&entries, site.state().desk(), START_MINUTE, 365);
    assert_eq!((rows[0].verdict, rows[0].outstanding), (Verdict::Changing(id), 2));
    site.type_all();
    assert_eq!(site.meters[0].credited + site.due_u(0), 10_000 * U, "what was paid meanwhile");
    site.with_dcu(|dcu, now| dcu.handle_delivery(now, id, Delivery::Answered(TokenFate::Accepted)));
    let rows = fleet_audit(&entries, site.state().desk(), START_MINUTE, 365);
    assert_eq!((rows[0].verdict, rows[0].key.unwrap().base_year), (Verdict::Fine, 2014));
}
