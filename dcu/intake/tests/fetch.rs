//! From the provider's callback to the accounts at the site, whatever is lost on the way.

mod world;

use proptest::prelude::*;
use taa_dcu::{
    DcuEvent,
    fetch::{Fate, FetchFault},
    journal::Entry,
};
use taa_intake::relay::{Event, HeldWhy};
use world::{S, World};

const MINUTE: u64 = 60 * S;

fn pay_somebody(world: &mut World) {
    let amount = 100 + world.chance.below(100_000) as i64;
    let account = match world.chance.below(8) {
        0 => "A77".to_owned(), // routed to the site, where nobody has that account
        1 => "B1".to_owned(),  // no site has it
        n => format!("A{}", n % 3),
    };
    world.pay(&account, amount);
}

/// Twenty minutes to an hour of trouble, then everything heals.
fn story(seed: u64, sabotage: impl FnOnce(&mut World)) -> World {
    let mut world = World::new(seed);
    world.loss = world.chance.below(50);
    world.doubles = world.chance.below(50);
    world.delay_max = 1 + world.chance.below(40) * S;
    world.sync_max = 1 + world.chance.below(4) * S;
    sabotage(&mut world);
    for _ in 0..world.chance.below(60) + 20 {
        let span = world.chance.below(40) * S;
        world.run_for(span);
        match world.chance.below(9) {
            0 => world.cut(0),
            1 if world.sites[0].dcu.is_none() => world.boot(0),
            2 => world.cut_relay(),
            3 if world.relay.is_none() => world.start_relay(),
            _ => pay_somebody(&mut world),
        }
        if world.sites[0].dcu.is_none() && world.chance.below(3) == 0 {
            world.boot(0);
        }
        if world.relay.is_none() && world.chance.below(3) == 0 {
            world.start_relay();
        }
    }
    world.heal();
    world.run_for(40 * MINUTE);
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn every_accepted_payment_arrives_once(seed in any::<u64>()) {
        let world = story(seed, |_| {});
        prop_assert_eq!(world.books_close(), Ok(()));
        let doubts = world.relay_events.iter().filter(|event| {
            matches!(event, Event::IdentityTwice { .. } | Event::RolledBack { .. } | Event::TakenOver { .. })
        });
        prop_assert_eq!(doubts.count(), 0, "a restart is never taken for a second DCU, nor for an old copy");
    }
}

/// How many of these stories end with money missing or doubled.
fn broken(sabotage: fn(&mut World)) -> usize {
    (0..40).filter(|seed| story(*seed, sabotage).books_close().is_err()).count()
}

#[test]
fn a_cursor_that_leaves_before_its_payments_are_durable_loses_money() {
    assert!(broken(|world| (world.dcu_disk_lies, world.delay_max, world.sync_max) = (true, S, 300 * S)) > 0);
}

#[test]
fn a_relay_that_answers_before_it_is_durable_loses_money() {
    assert!(broken(|world| (world.relay_disk_lies, world.delay_max, world.sync_max) = (true, S, 300 * S)) > 0);
}

#[test]
fn a_book_that_forgets_what_it_has_seen_doubles_money() {
    let mut world = World::new(5);
    world.pay("A1", 5_000);
    world.run_for(MINUTE);
    assert_eq!(world.sites[0].dcu.as_ref().unwrap().account_balance(taa_dcu::MeterIx(1)), 5_000);
    // The key is forgotten and so is the cursor; the relay is put back to before the acknowledgement.
    for record in &mut world.sites[0].journal {
        if let Entry::Payment { payment, .. } = &mut record.entry {
            payment.key = "another".into();
        }
    }
    world.relay_journal.retain(|record| !matches!(record.entry, taa_intake::relay::Entry::Acked { .. }));
    (1..).zip(&mut world.relay_journal).for_each(|(number, record)| record.number = number);
    world.sites[0].journal.retain(|record| !matches!(record.entry, Entry::FetchMoved { .. }));
    (1..).zip(&mut world.sites[0].journal).for_each(|(number, record)| record.number = number);
    world.cut(0);
    world.cut_relay();
    world.heal();
    world.run_for(10 * MINUTE);
    assert!(world.books_close().is_err());
}

#[test]
fn a_payment_is_fetched_at_once_and_its_fate_is_told() {
    let mut world = World::new(1);
    world.run_for(MINUTE);
    world.pay("A1", 5_000);
    world.pay("A77", 100);
    world.pay("B1", 300);
    // Within the period, as nothing tells the DCU earlier.
    world.run_for(6 * MINUTE);
    assert_eq!(world.books_close(), Ok(()));
    let fates = world.relay_events.iter().filter(|event| matches!(event, Event::Fate { .. })).count();
    assert_eq!(fates, 2);
    let (_, held) = world.relay.as_ref().unwrap().held().next().unwrap();
    assert_eq!(held.why, HeldWhy::NoSuchAccount);
    let id = held.payment.id();
    world.with_relay(|relay, wall| assert!(relay.resolve(wall, &id, "jija", "A0")));
    world.run_for(6 * MINUTE);
    let dcu = world.sites[0].dcu.as_ref().unwrap();
    assert_eq!(dcu.account_balance(taa_dcu::MeterIx(0)), 300);
    assert_eq!(dcu.state().book().totals().received, 5_400);
}

#[test]
fn a_payment_that_arrives_late_bears_the_time_at_which_it_was_paid() {
    let mut world = World::new(2);
    world.cut(0);
    world.pay("A1", 5_000);
    world.run_for(600 * MINUTE);
    world.boot(0);
    world.run_for(MINUTE);
    let accepted = world.sites[0].journal.iter().find_map(|record| match &record.entry {
        Entry::Payment { payment, .. } => Some(payment.accepted_unix_ms),
        _ => None,
    });
    assert_eq!(accepted, Some(world::START_UNIX_MS), "TransTime, ten hours before it came");
}

#[test]
fn a_receipt_counts_up_to_the_limit_and_the_providers_word_takes_its_place() {
    let mut world = World::new(8);
    world.relay_config = world::with_receipts(world.relay_config.clone());
    world.cut_relay();
    world.start_relay();
    // One within the site's limit of 20.00, one above it.
    world.text("RTEXT00001", "A1", "15.00");
    world.text("RTEXT00002", "A2", "900.00");
    world.run_for(10 * MINUTE);
    let balance = |world: &World, n| world.sites[0].dcu.as_ref().unwrap().account_balance(taa_dcu::MeterIx(n));
    assert_eq!((balance(&world, 1), balance(&world, 2)), (1_500, 0));
    let fate = |world: &World, key: &str, fate: Fate| {
        let of = |event: &Event| matches!(event, Event::Fate { id, fate: told, .. } if id.key == key && *told == fate);
        world.relay_events.iter().any(of)
    };
    assert!(fate(&world, "RTEXT00001", Fate::Provisional) && fate(&world, "RTEXT00002", Fate::Unproven));
    assert_eq!(world.relay.as_ref().unwrap().held().count(), 0, "a receipt that is not believed is no money");
    for (key, account, amount) in [("RTEXT00001", "A1", 1_500), ("RTEXT00002", "A2", 90_000)] {
        world.confirm(key, account, amount);
    }
    world.run_for(10 * MINUTE);
    assert_eq!((balance(&world, 1), balance(&world, 2)), (1_500, 90_000), "once");
    assert!(fate(&world, "RTEXT00001", Fate::Credited) && fate(&world, "RTEXT00002", Fate::Credited));
    let totals = world.sites[0].dcu.as_ref().unwrap().state().book().totals();
    assert_eq!((totals.received, totals.provisional), (91_500, 0));
}

#[test]
fn a_long_queue_comes_in_parts_and_without_waiting_for_the_period() {
    let mut world = World::new(3);
    world.cut(0);
    (0..150).for_each(|_| world.pay("A2", 1_000));
    world.run_for(5 * MINUTE);
    world.boot(0);
    world.run_for(4 * MINUTE);
    assert_eq!(world.books_close(), Ok(()));
    assert!(
        world.sites[0].events.iter().filter(|event| matches!(event, DcuEvent::Fetched { more: true, .. })).count() > 5
    );
}

#[test]
fn damaged_and_foreign_answers_change_nothing() {
    let mut world = World::new(4);
    world.pay("A1", 5_000);
    world.run_for(MINUTE);
    let before = world.sites[0].journal.len();
    for bytes in [vec![], vec![1, 2, 0, 0], vec![0xFF; 9000], b"HTTP/1.1 200 OK\r\n\r\n".to_vec()] {
        world.with_dcu(0, |dcu, now| dcu.handle_fetch_receive(now, &bytes));
    }
    assert_eq!(world.sites[0].journal.len(), before);
    let faults =
        world.sites[0].events.iter().filter(|event| matches!(event, DcuEvent::FetchFailed(FetchFault::Frame(_))));
    assert_eq!(faults.count(), 4);
    for bytes in [vec![], vec![0; 9000], b"GET / HTTP/1.1".to_vec()] {
        world.with_relay(|relay, wall| relay.handle_fetch(wall, 9_999, &bytes));
    }
    assert_eq!(world.relay_events.iter().filter(|event| matches!(event, Event::FetchRefused(_))).count(), 3);
    assert_eq!(world.books_close(), Ok(()));
}

#[test]
fn a_silent_relay_is_asked_ever_less_often() {
    let mut world = World::new(6);
    world.cut_relay();
    world.run_for(60 * MINUTE);
    let silent =
        world.sites[0].events.iter().filter(|event| **event == DcuEvent::FetchFailed(FetchFault::Silent)).count();
    assert!((20..45).contains(&silent), "{silent} questions in an hour");
}

#[test]
fn a_relay_that_counts_in_another_currency_hands_over_nothing() {
    let mut world = World::new(7);
    world.relay_config.sites[0].money.minor_per_unit = 1;
    world.cut_relay();
    world.start_relay();
    world.pay("A1", 5_000);
    world.run_for(10 * MINUTE);
    assert!(world.relay_events.contains(&Event::WrongMoney { site: "jija".into() }));
    assert!(world.sites[0].events.contains(&DcuEvent::FetchFailed(FetchFault::Currency)));
    assert_eq!(world.payments_recorded(0), 0);
}

mod identity {
    use super::*;

    /// A second DCU is made of a copy of the first one's disk.
    fn copied(world: &mut World) -> usize {
        world.run_for(MINUTE);
        let (journal, durable) = (world.sites[0].journal.clone(), world.sites[0].durable);
        let twin = world.add_site();
        world.cut(twin);
        world.sites[twin].journal = journal.into_iter().filter(|record| record.number <= durable).collect();
        world.sites[twin].durable = durable;
        twin
    }

    #[test]
    fn of_two_dcus_with_one_identity_one_is_served_and_both_ends_are_told() {
        let mut world = World::new(11);
        let twin = copied(&mut world);
        // The first restarts, so that it has said something that the copy does not know.
        world.cut(0);
        world.boot(0);
        world.run_for(MINUTE);
        world.boot(twin);
        for n in 0..20 {
            world.pay("A1", 1_000 + n);
            world.run_for(3 * MINUTE);
            if n % 7 == 3 {
                world.cut(twin);
                world.boot(twin);
            }
        }
        world.run_for(10 * MINUTE);
        assert_eq!(world.books_close(), Ok(()), "the first has everything once");
        assert_eq!(world.payments_recorded(twin), 0, "and the copy nothing");
        assert!(world.sites[twin].events.contains(&DcuEvent::FetchFailed(FetchFault::IdentityTwice)));
        assert!(!world.sites[0].events.contains(&DcuEvent::FetchFailed(FetchFault::IdentityTwice)));
        assert!(world.relay_events.iter().any(|event| matches!(event, Event::IdentityTwice { .. })));
    }

    #[test]
    fn a_copy_that_comes_first_is_served_and_the_other_told() {
        let mut world = World::new(12);
        let twin = copied(&mut world);
        world.boot(twin);
        world.run_for(MINUTE);
        world.pay("A1", 1_000);
        world.run_for(12 * MINUTE);
        assert_eq!((world.payments_recorded(0), world.payments_recorded(twin)), (0, 1));
        assert!(world.sites[0].events.contains(&DcuEvent::FetchFailed(FetchFault::IdentityTwice)));
        // Somebody has looked, and says that the first one is right.
        world.cut(twin);
        world.with_relay(|relay, wall| relay.rebind(wall, "jija"));
        world.pay("A2", 2_000);
        world.run_for(12 * MINUTE);
        assert_eq!(world.payments_recorded(0), 1);
    }

    #[test]
    fn an_operator_names_the_one_that_is_served() {
        let mut world = World::new(15);
        let twin = copied(&mut world);
        world.boot(twin);
        world.run_for(12 * MINUTE);
        let refused = world.relay_events.iter().find_map(|event| match event {
            Event::IdentityTwice { refused, .. } => Some(*refused),
            _ => None,
        });
        // The copy goes on asking: that one of the two is right has to be said of it by name.
        world.with_relay(|relay, wall| assert!(relay.serve(wall, "jija", refused.expect("both are told"))));
        world.run_for(12 * MINUTE);
        for n in 0..5 {
            world.pay("A2", 2_000 + n);
            world.run_for(6 * MINUTE);
        }
        assert_eq!((world.payments_recorded(0), world.payments_recorded(twin)), (5, 0));
    }

    #[test]
    fn a_dcu_with_a_new_flash_waits_for_a_word_or_for_silence() {
        let mut world = World::new(13);
        world.pay("A1", 1_000);
        world.run_for(10 * MINUTE);
        world.cut(0);
        world.sites[0].journal.clear();
        world.sites[0].durable = 0;
        world.boot(0);
        world.pay("A2", 2_000);
        world.run_for(60 * MINUTE);
        assert_eq!(world.payments_recorded(0), 0);
        world.run_for(7 * 60 * MINUTE);
        assert_eq!(world.payments_recorded(0), 1, "after six hours of silence it takes the other's place");
        assert!(world.relay_events.contains(&Event::TakenOver { site: "jija".into() }));
        assert_eq!(world.sites[0].dcu.as_ref().unwrap().account_balance(taa_dcu::MeterIx(2)), 2_000);
    }

    #[test]
    fn what_was_offered_to_the_one_that_is_gone_is_held() {
        let mut world = World::new(14);
        world.run_for(MINUTE);
        // It is offered, and the acknowledgement never comes: perhaps it was credited there.
        world.sync_max = 3600 * S;
        world.pay("A1", 1_000);
        world.run_for(10 * MINUTE);
        world.sync_max = S;
        world.cut(0);
        world.sites[0].journal.clear();
        world.sites[0].durable = 0;
        world.boot(0);
        world.run_for(8 * 60 * MINUTE);
        let held: Vec<_> = world.relay.as_ref().unwrap().held().map(|(_, held)| held.why).collect();
        assert_eq!(held, [HeldWhy::OfferedBefore]);
        assert_eq!(world.payments_recorded(0), 0);
    }
}

#[test]
fn a_relay_put_back_to_an_old_copy_is_noticed_and_new_payments_pass() {
    let mut world = World::new(15);
    world.pay("A1", 1_000);
    world.run_for(10 * MINUTE);
    let (copy, durable) = (world.relay_journal.clone(), world.relay_durable);
    (0..5).for_each(|n| world.pay("A2", 2_000 + n));
    world.run_for(10 * MINUTE);
    assert_eq!(world.payments_recorded(0), 6);
    world.cut_relay();
    (world.relay_journal, world.relay_durable) = (copy, durable);
    world.start_relay();
    // More than were lost, so that numbers alone would look right.
    (0..9).for_each(|n| world.pay("A0", 3_000 + n));
    world.run_for(10 * MINUTE);
    assert!(world.relay_events.contains(&Event::RolledBack { site: "jija".into() }));
    assert_eq!(world.books_close(), Ok(()));
}
