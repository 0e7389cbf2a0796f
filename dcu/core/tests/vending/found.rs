//! A key that somebody has found out, and tokens that their meter has refused: replaced once, and never counted twice.

use taa_dcu::{
    DcuEvent, Delivery, MeterIx,
    config::{StsMeter, VendingConfig},
    gateway::TokenFate,
    journal::Entry,
    vending::{Ask, Fate, Note, Reference, Source, VendAsk, VendId, VendRefusal, Void},
};
use taa_tokens::sts::{BaseDate, meter::Reason};

use crate::site::{HOUR, Meter, START_MINUTE, Site, U, entry, key};

const M: MeterIx = MeterIx(0);

/// The site believes revision 2, the meter holds 1.
fn wrong_note() -> Site {
    let mut entries = vec![entry(0), entry(1)];
    let sts = entries[0].sts.as_mut().unwrap();
    let right = sts.clone();
    sts.key = key(2, 255, BaseDate::Y2014);
    let mut site = Site::with(VendingConfig::default(), entries);
    site.meters[0] = Meter::new(&StsMeter { key: key(1, 255, BaseDate::Y2014), ..right });
    site.lease(START_MINUTE, START_MINUTE + 180 * 1440, 2, 1);
    site
}

/// The customer types the token that was told last, and tells what the meter says.
fn types_and_calls(site: &mut Site) {
    let (id, _, _, token, _) = site.left().last().unwrap().clone();
    assert_eq!(site.meters[0].enter(&token.0), Err(Reason::Checksum));
    answered(site, id, TokenFate::NotGenuine);
}

fn answered(site: &mut Site, id: VendId, fate: TokenFate) {
    site.with_dcu(|dcu, now| dcu.handle_delivery(now, id, Delivery::Answered(fate)));
}

fn found(site: &mut Site, krn: u8) -> Result<(), VendRefusal> {
    site.with_dcu(|dcu, now| dcu.key_found(now, M, &key(krn, 255, BaseDate::Y2014))).unwrap()
}

fn replaced(site: &mut Site, id: u64) -> Result<(), VendRefusal> {
    site.with_dcu(|dcu, now| dcu.replace_refused(now, VendId(id))).unwrap()
}

fn not_replaced(answer: &Result<(), VendRefusal>) -> bool {
    matches!(answer, Err(VendRefusal::NotReplaced(_)))
}

#[test]
fn a_wrong_key_note_is_put_right_and_the_refused_token_is_sold_anew_once() {
    let mut site = wrong_note();
    site.pay("R1", 0, 10_000);
    types_and_calls(&mut site);
    assert_eq!(site.fate(1), Fate::Refused { status: TokenFate::NotGenuine });
    let early = replaced(&mut site, 1);
    assert!(not_replaced(&early), "the key on record is the one it was made under: {early:?}");
    assert!(matches!(found(&mut site, 2), Err(VendRefusal::KeyFound(_))), "that is on record");
    assert_eq!(found(&mut site, 1), Ok(()));
    assert_eq!(replaced(&mut site, 1), Ok(()));
    assert_eq!(site.fate(1), Fate::Void { why: Void::NotGenuine });
    let again = replaced(&mut site, 1);
    assert!(not_replaced(&again), "once: {again:?}");
    // It survives a restart, and the journal says both.
    site.cut();
    site.boot();
    assert!(not_replaced(&replaced(&mut site, 1)));
    site.type_all();
    assert_eq!(site.meters[0].credited + site.due_u(0), 10_000 * U);
    assert_eq!(site.meters[0].taken.len(), 1);
    let notes = |wanted: fn(&Note) -> bool| {
        let told = site.journal.iter().filter(|record| matches!(&record.entry, Entry::Vending(note) if wanted(note)));
        told.count()
    };
    assert_eq!(notes(|note| matches!(note, Note::KeyFound { .. })), 1);
    assert_eq!(notes(|note| matches!(note, Note::Voided { why: Void::NotGenuine, .. })), 1);
    assert_eq!(site.state(), &site.refold());
}

/// What was replaced opens under the key that it was made under: the meter must not get that one any more.
#[test]
fn no_key_revives_what_was_replaced() {
    let mut site = wrong_note();
    site.pay("R1", 0, 10_000);
    types_and_calls(&mut site);
    found(&mut site, 1).unwrap();
    replaced(&mut site, 1).unwrap();
    let change = |site: &mut Site, krn| {
        site.with_dcu(|dcu, now| dcu.key_change(now, M, &key(krn, 255, BaseDate::Y2014)).map(|_| ())).unwrap()
    };
    assert!(matches!(change(&mut site, 2), Err(VendRefusal::KeyChange(_))));
    assert!(matches!(found(&mut site, 2), Err(VendRefusal::KeyFound(_))));
    assert_eq!(change(&mut site, 3), Ok(()));
}

#[test]
fn only_what_the_meter_calls_not_genuine_is_known_not_to_count() {
    for status in [TokenFate::Old, TokenFate::KeyExpired, TokenFate::Invalid] {
        let mut site = wrong_note();
        site.pay("R1", 0, 10_000);
        answered(&mut site, VendId(1), status);
        found(&mut site, 1).unwrap();
        assert!(not_replaced(&replaced(&mut site, 1)), "{status:?} may have counted, or may count yet");
        assert_eq!(site.fate(1), Fate::Refused { status });
    }
    // Nor one that nobody has tried: who has it in hand may type it while somebody errs about the key.
    let mut site = Site::new();
    site.pay("R1", 0, 10_000);
    found(&mut site, 2).unwrap();
    assert!(not_replaced(&replaced(&mut site, 1)));
    assert_eq!(site.with_dcu(|dcu, now| dcu.replace_orphan(now, VendId(1))), Some(false));
    site.type_all();
    assert_eq!(site.meters[0].credited + site.due_u(0), 10_000 * U);
}

/// Typed in unseen, then the key was changed, then somebody tries it again: it is not genuine any more, and has counted.
#[test]
fn a_token_refused_after_a_key_change_may_have_counted_before() {
    let mut site = Site::new();
    site.pay("R1", 0, 10_000);
    site.type_all();
    let to = key(2, 255, BaseDate::Y2014);
    let id = site.with_dcu(|dcu, now| dcu.key_change(now, M, &to)).unwrap().unwrap();
    answered(&mut site, id, TokenFate::Accepted);
    answered(&mut site, VendId(1), TokenFate::NotGenuine);
    assert!(not_replaced(&replaced(&mut site, 1)));
    // Where somebody has asked the customer and it was not typed in, it is an orphan as any other.
    assert_eq!(site.with_dcu(|dcu, now| dcu.replace_orphan(now, VendId(1))), Some(true));
    assert_eq!(site.state(), &site.refold());
}

#[test]
fn what_nobody_holds_yet_is_made_under_the_key_that_was_found() {
    let mut site = wrong_note();
    site.module_up = false;
    site.pay("R1", 0, 10_000);
    found(&mut site, 1).unwrap();
    site.answer_all();
    site.run_for(HOUR);
    assert_eq!(site.left().len(), 1, "one token has left");
    site.type_all();
    assert_eq!(site.meters[0].credited + site.due_u(0), 10_000 * U);
    assert_eq!(site.state(), &site.refold());
}

/// Who keeps the money himself asks under the same reference and gets what replaced the refused one.
#[test]
fn a_token_for_somebody_outside_is_replaced_under_the_same_reference() {
    let mut site = wrong_note();
    let reference = || Source::Outside(Reference { by: "mpm".into(), reference: "7".into() });
    let ask = || VendAsk { meter: M, ask: Ask::Money { amount_minor: 10_000 }, source: reference() };
    assert_eq!(site.with_dcu(|dcu, now| dcu.handle_vend(now, ask())), Some(Ok(VendId(1))));
    types_and_calls(&mut site);
    found(&mut site, 1).unwrap();
    replaced(&mut site, 1).unwrap();
    let again = site.with_dcu(|dcu, now| dcu.handle_vend(now, ask())).unwrap();
    assert_eq!(again, Ok(VendId(2)));
    site.type_all();
    let desk = site.state().desk();
    assert_eq!(i128::from(site.meters[0].credited), desk.outside().sold_u);
    assert_eq!(desk.outside().asked_u, desk.outside().sold_u + i128::from(desk.outside_due_u(M)));
    assert_eq!(site.state(), &site.refold());
}

#[test]
fn a_key_is_not_found_while_a_change_of_it_is_under_way() {
    let mut site = Site::new();
    let to = key(2, 255, BaseDate::Y2014);
    let id = site.with_dcu(|dcu, now| dcu.key_change(now, M, &to)).unwrap().unwrap();
    assert_eq!(found(&mut site, 3), Err(VendRefusal::KeyChangeUnderWay(id)));
    let settled = |event: &DcuEvent| matches!(event, DcuEvent::TokenSettled { .. });
    assert_eq!(site.count(settled), 0);
}
