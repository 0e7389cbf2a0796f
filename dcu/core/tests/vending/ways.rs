//! The ways of a token: one after another as the policy says, always with the same digits.

use taa_dcu::{
    DcuEvent, Delivery, MeterIx,
    config::{By, DeliveryPolicy, Step, VendingConfig, Way},
    gateway::TokenFate,
    vending::{Fate, Seen, VendId},
};

use crate::site::{HOUR, MINUTE, START_MINUTE, Site, U, entry};

const TEXT: Way = Way::Keypad { by: By::Text };
const PAPER: Way = Way::Keypad { by: By::Paper };

/// The second customer has no phone, where paper can reach the meter instead.
fn site(steps: Vec<Step>) -> Site {
    let paper = steps.iter().any(|step| step.way == PAPER);
    let policy = DeliveryPolicy { steps, again_s: 3600 };
    let mut entries = vec![entry(0), entry(1)];
    entries[0].sts.as_mut().unwrap().ble = true;
    if paper {
        entries[1].sts.as_mut().unwrap().phone = None;
    }
    let mut site = Site::with(VendingConfig { policy, ..VendingConfig::default() }, entries);
    site.lease(START_MINUTE, START_MINUTE + 1440, 2, 1);
    site
}

fn ways(site: &Site) -> Vec<Way> {
    site.left().iter().map(|(.., way)| *way).collect()
}

#[test]
fn the_next_way_is_tried_with_the_same_digits_when_nothing_is_heard() {
    let mut site = site(vec![Step::new(TEXT, 600), Step::new(Way::Ble, 600), Step::new(PAPER, 600)]);
    site.pay("R1", 0, 50_000);
    assert_eq!(ways(&site), [TEXT]);
    site.run_for(20 * MINUTE);
    assert_eq!(ways(&site), [TEXT], "no phone near, no printer, and one text is enough");
    site.with_dcu(|dcu, now| dcu.handle_near(now, MeterIx(0), true));
    assert_eq!(ways(&site), [TEXT, Way::Ble]);
    site.with_dcu(|dcu, now| dcu.handle_printer(now, true));
    site.run_for(2 * HOUR);
    assert_eq!(ways(&site), [TEXT, Way::Ble, PAPER]);
    let digits: Vec<_> = site.left().iter().map(|(_, _, _, token, _)| *token).collect();
    assert!(digits.iter().all(|token| *token == digits[0]));
    site.type_all();
    assert_eq!(site.meters[0].taken.len(), 1);
    assert_eq!(site.questions.len(), 1, "one token was made");
}

#[test]
fn a_meter_without_a_phone_waits_for_the_printer() {
    let mut site = site(vec![Step::new(TEXT, 600), Step::new(PAPER, 600)]);
    site.pay("R1", 1, 50_000);
    assert_eq!(site.fate(1), Fate::Made);
    site.with_dcu(|dcu, now| dcu.handle_printer(now, true));
    assert_eq!(ways(&site), [PAPER]);
}

#[test]
fn a_way_that_fails_is_left_and_tried_again_later() {
    let mut site = site(vec![Step::new(TEXT, 6000), Step::new(PAPER, 6000)]);
    site.pay("R1", 0, 50_000);
    site.with_dcu(|dcu, now| dcu.handle_delivery(now, VendId(1), Delivery::Failed));
    assert_eq!(ways(&site), [TEXT], "there is no other way now");
    site.run_for(HOUR + MINUTE);
    assert_eq!(ways(&site), [TEXT, TEXT]);
    site.with_dcu(|dcu, now| dcu.handle_delivery(now, VendId(1), Delivery::Handed));
    site.cut();
    site.boot();
    assert_eq!(ways(&site), [TEXT, TEXT], "the network has it: no third message");
}

#[test]
fn what_may_not_have_left_is_told_again_after_a_restart() {
    let mut site = site(vec![Step::new(TEXT, 6000)]);
    site.pay("R1", 0, 50_000);
    site.cut();
    site.boot();
    assert_eq!(ways(&site), [TEXT, TEXT]);
    site.type_all();
    assert_eq!(site.meters[0].taken.len(), 1);
}

#[test]
fn large_amounts_can_be_kept_from_a_way() {
    let small = Step { amount_max_minor: Some(10_000), ..Step::new(TEXT, 600) };
    let mut site = site(vec![small, Step::new(PAPER, 600)]);
    site.with_dcu(|dcu, now| dcu.handle_printer(now, true));
    site.pay("R1", 0, 10_000);
    site.pay("R2", 0, 50_000);
    assert_eq!(ways(&site), [TEXT, PAPER]);
}

#[test]
fn a_lost_token_is_told_again_and_never_replaced_by_another() {
    let mut site = site(vec![Step::new(TEXT, 600)]);
    site.pay("R1", 0, 50_000);
    assert_eq!(site.with_dcu(|dcu, now| dcu.repeat_token(now, VendId(1), PAPER)), Some(true));
    let left = site.left();
    assert_eq!((left.len(), left[0].3 == left[1].3, left[1].4), (2, true, PAPER));
    site.type_all();
    assert_eq!(site.meters[0].taken.len(), 1);
    let told = Delivery::Answered(TokenFate::Accepted);
    site.with_dcu(|dcu, now| dcu.handle_delivery(now, VendId(1), told));
    assert_eq!(site.fate(1), Fate::Entered { seen: Seen::Told });
    assert_eq!(site.with_dcu(|dcu, now| dcu.repeat_token(now, VendId(1), TEXT)), Some(false), "it is in the meter");
}

#[test]
fn what_the_meter_refuses_for_good_is_told_and_not_sent_another_way() {
    let mut site = site(vec![Step::new(Way::Ble, 600), Step::new(TEXT, 600)]);
    site.with_dcu(|dcu, now| dcu.handle_near(now, MeterIx(0), true));
    site.pay("R1", 0, 50_000);
    site.pay("R2", 0, 10_000);
    let answer = |status| Delivery::Answered(status);
    site.with_dcu(|dcu, now| dcu.handle_delivery(now, VendId(1), answer(TokenFate::NotGenuine)));
    assert_eq!(site.fate(1), Fate::Refused { status: TokenFate::NotGenuine });
    // A full register is another matter: the customer may type it when there is room.
    site.with_dcu(|dcu, now| dcu.handle_delivery(now, VendId(2), answer(TokenFate::NotCarriedOut)));
    assert_eq!(ways(&site), [Way::Ble, Way::Ble, TEXT]);
    site.run_for(HOUR);
    assert_eq!(site.count(|event| matches!(event, DcuEvent::TokenSettled { .. })), 1);
    assert!(site.due_u(0) < U, "money that a meter refused is nobody's until somebody has looked");
}
