//! From the first gasp to the last answer.

use super::*;
use crate::outage::{Ending, Place, Unplaced};

/// One meter is dark.
fn all_but(dark: u32) -> impl Fn(u64, MeterIx) -> bool {
    move |_, meter| meter != MeterIx(dark)
}

/// The documents' case: fifty meters behind one device within two seconds.
fn fifty() -> Rig {
    let mut config = village(1, 1);
    config.meters = (0..60).map(|at| meter(at, Some(if at < 50 { "a1.1" } else { "b1.1" }))).collect();
    let mut rig = Rig::new(config);
    for meter in 0..50 {
        rig.gasp(meter, 1).unwrap();
        rig.now += 39 * MS;
    }
    rig
}

#[test]
fn fifty_meters_are_one_notification() {
    let mut rig = fifty();
    let until = rig.now + 2 * S;
    rig.run(until, nobody);
    assert_eq!(rig.opened().len(), 1, "{:?}", rig.opened());
    let (number, ticket) = rig.outages.open().iter().next().unwrap();
    assert_eq!((ticket.members.len(), ticket.suppressed()), (50, 49));
    assert!(ticket.confidence_pm > 500, "{}", ticket.confidence_pm);
    assert!(rig.notes[0].1 <= 3 * S + 39 * MS, "told two seconds after the first: {}", rig.notes[0].1);
    assert_eq!(rig.outages.ticket_of(MeterIx(7)), Some(*number));
}

/// The sabotage: meters that nobody has brought together by a device are fifty notifications.
#[test]
fn without_a_common_device_there_would_be_fifty() {
    let mut config = village(1, 1);
    for at in 0..50 {
        let (id, kind) = (format!("s{at}"), DeviceKind::Section);
        config.devices.push(Device { id: id.clone(), kind, parent: None });
        config.meters.push(meter(config.meters.len(), Some(&id)));
    }
    let mut rig = Rig::new(config);
    for meter in 6..56 {
        rig.gasp(meter, 1).unwrap();
    }
    rig.run(5 * S, nobody);
    assert_eq!(rig.opened().len(), 50);
}

#[test]
fn restored_means_that_each_has_answered_and_pings_are_rationed() {
    let mut rig = fifty();
    rig.run(10 * S, |_, meter| meter.0 >= 50);
    rig.now = 400 * S;
    rig.power_up(3, 1).unwrap();
    assert_eq!(rig.outages.open().len(), 1, "its word alone closes nothing");
    assert!(rig.pings.len() <= rig.config.pings_max);
    // Meter 17 stays dark: its own fuse has gone as well.
    rig.run(1300 * S, |_, meter| meter != MeterIx(17));
    let ticket = rig.outages.open().values().next().expect("one is still dark");
    assert_eq!(ticket.place, Place::Service(MeterIx(17)), "what is left lies behind something smaller");
    assert_eq!(rig.outages.indices().sustained, 49);
    rig.run(3000 * S, everybody);
    assert!(rig.outages.open().is_empty());
    let (_, closed) = rig.outages.closed().last().unwrap();
    assert_eq!((closed.ending, rig.opened().len()), (Some(Ending::Restored), 1));
    let each = closed.members[&MeterIx(3)];
    assert_eq!(each.lit_ms, Some(unix_ms(400 * S)), "lit when it said so, not when the ping came back");
}

#[test]
fn a_reboot_loop_makes_no_second_ticket_and_survives_a_restart() {
    let mut rig = Rig::new(village(2, 4));
    for round in 0..20 {
        let heard = rig.gasp(3, 1);
        assert_eq!(heard, Ok(if round == 0 { Heard::Down } else { Heard::Repeated }));
        let until = rig.now + 4 * S;
        rig.run(until, all_but(3));
        if round == 10 {
            rig.restart();
        }
    }
    assert_eq!((rig.opened().len(), rig.outages.opened()), (1, 1));
    rig.power_up(3, 1).unwrap();
    let until = rig.now + 60 * S;
    rig.run(until, everybody);
    assert!(rig.outages.open().is_empty());
    assert_eq!(rig.gasp(3, 1), Ok(Heard::Repeated), "late");
    assert_eq!(rig.gasp(3, 2), Ok(Heard::Down), "another outage, another ticket");
    let until = rig.now + 60 * S;
    rig.run(until, all_but(3));
    assert_eq!(rig.opened().len(), 2);
}

#[test]
fn what_is_forged_replayed_or_of_another_epoch_is_counted_and_never_told() {
    let mut rig = Rig::new(village(2, 4));
    let good = rig.packet(0, Kind::PowerDown, 1);
    let mut forged = good.clone();
    forged[30] ^= 1;
    assert_eq!(rig.hear(&forged), Err(Refused::Forged));
    assert_eq!(rig.hear(&good[..48]), Err(Refused::Malformed));
    let old = rig
        .packet_with(0, Kind::PowerDown, 9, |packet| Packet { header: Header { epoch: 7, ..packet.header }, ..packet });
    assert_eq!(rig.hear(&old), Err(Refused::Epoch));
    let kept = rig.packet_with(0, Kind::PowerDown, 1, |packet| Packet {
        at_unix_us: packet.at_unix_us - 3_600_000_000,
        ..packet
    });
    assert_eq!(rig.hear(&kept), Err(Refused::Stale));
    assert_eq!(rig.pings, [MeterIx(0)], "kept back for an hour, or a wrong clock: the meter is asked");
    let stranger = Seal::new(guid(777), &meter_key(&MASTER, guid(777)).unwrap());
    let header = Header { kind: Kind::PowerDown, guid: guid(777), epoch: 1, counter: 1 };
    let packet = Packet {
        header,
        event: 1,
        at_unix_us: 0,
        clock_set: false,
        capacitor_mv: 0,
        rms_percent: 0,
        priority: 1,
        test: false,
    };
    assert_eq!(rig.hear(&stranger.seal(&packet)), Err(Refused::Stranger));
    rig.run(10 * S, everybody);
    assert!(rig.opened().is_empty());

    // A true one, its outage over, recorded by somebody and sent again: after a restart as well.
    let true_one = rig.packet(1, Kind::PowerDown, 5);
    assert_eq!(rig.hear(&true_one), Ok(Heard::Down));
    rig.run(30 * S, all_but(1));
    rig.power_up(1, 5).unwrap();
    rig.run(60 * S, everybody);
    assert_eq!(rig.gasp(1, 6), Ok(Heard::Down));
    rig.run(90 * S, all_but(1));
    rig.restart();
    assert_eq!(rig.hear(&true_one), Err(Refused::Replayed));
    let refusals = *rig.engine.refusals();
    assert_eq!((refusals.replayed, rig.opened().len()), (1, 2));
}

/// The sabotage of the one before: with a window of days instead of minutes the packet that was kept back would be told.
#[test]
fn without_the_window_a_packet_kept_back_would_be_told() {
    let mut rig = Rig::new(OutageConfig { stale_s: 100_000, ..village(2, 4) });
    rig.counters[0] = 1;
    let kept = rig.packet_with(0, Kind::PowerDown, 1, |packet| Packet {
        at_unix_us: packet.at_unix_us - 3_600_000_000,
        ..packet
    });
    rig.hear(&kept).unwrap();
    rig.run(10 * S, nobody);
    assert_eq!(rig.opened().len(), 1);
}

#[test]
fn a_late_gasp_that_races_the_check_is_settled_by_a_ping() {
    for lit in [true, false] {
        let mut rig = Rig::new(village(2, 4));
        rig.answer(MeterIx(3));
        rig.now += S;
        assert_eq!(rig.gasp(3, 1), Ok(Heard::Down));
        assert_eq!(rig.pings, [MeterIx(3)]);
        let until = rig.now + 60 * S;
        rig.run(until, |_, meter| lit || meter != MeterIx(3));
        assert_eq!(rig.opened().len(), usize::from(!lit), "lit: {lit}");
    }
    // The other way round: an answer that was on its way when the supply went proves nothing.
    let mut rig = Rig::new(village(2, 4));
    rig.gasp(3, 1).unwrap();
    rig.now += S;
    rig.answer(MeterIx(3));
    let until = rig.now + 10 * S;
    rig.run(until, all_but(3));
    assert_eq!(rig.opened().len(), 1);
}

#[test]
fn a_dip_that_is_over_at_once_is_momentary() {
    let mut rig = Rig::new(village(2, 4));
    rig.gasp(3, 1).unwrap();
    rig.now += S;
    rig.power_up(3, 1).unwrap();
    rig.run(30 * S, everybody);
    assert_eq!((rig.opened().len(), rig.outages.indices().momentary), (0, 1));
}

#[test]
fn who_has_no_parent_is_unknown_with_the_reason_and_told_once() {
    let mut config = village(2, 4);
    config.meters[0].parent = None;
    config.meters[1].parent = None;
    config.meters[2].parent = Some("gone".to_owned());
    let mut rig = Rig::new(config);
    for meter in 0..3 {
        rig.gasp(meter, 1).unwrap();
    }
    rig.run(10 * S, nobody);
    let places: Vec<Place> = rig.outages.open().values().map(|ticket| ticket.place.clone()).collect();
    assert_eq!(places, [Place::Unknown(Unplaced::NoParent), Place::Unknown(Unplaced::ParentMissing)]);
}

#[test]
fn late_comers_join_and_a_wider_fault_takes_in_the_narrow_one() {
    let mut rig = Rig::new(village(2, 4));
    for meter in 0..3 {
        rig.gasp(meter, 1).unwrap();
    }
    rig.run(5 * S, nobody);
    rig.pings.clear();
    assert_eq!(rig.outages.open().values().next().unwrap().place, Place::Device("a1.1".to_owned()));
    for meter in 8..20 {
        rig.gasp(meter, 1).unwrap();
    }
    let until = rig.now + 5 * S;
    rig.run(until, nobody);
    let open: Vec<&Place> = rig.outages.open().values().map(|ticket| &ticket.place).collect();
    assert_eq!(open, [&Place::Device("a".to_owned())]);
    assert_eq!(rig.opened().len(), 1, "moved, not told anew");
}

#[test]
fn an_operator_clears_and_a_clock_that_is_off_is_told() {
    let mut rig = Rig::new(village(2, 4));
    rig.counters[3] = 1;
    let ahead =
        rig.packet_with(3, Kind::PowerDown, 1, |packet| Packet { at_unix_us: packet.at_unix_us + 800_500, ..packet });
    assert_eq!(rig.hear(&ahead), Ok(Heard::Down), "a hint, and taken");
    assert_eq!(rig.clocks, [800]);
    rig.run(10 * S, nobody);
    let number = *rig.outages.open().keys().next().unwrap();
    assert!(rig.engine.clear(number, &rig.outages) && !rig.engine.clear(99, &rig.outages));
    rig.drain();
    rig.run(60 * S, everybody);
    assert!(rig.outages.open().is_empty());
    assert_eq!(rig.outages.closed().last().unwrap().1.ending, Some(Ending::Cleared));
    assert_eq!((rig.outages.indices().sustained, rig.outages.indices().momentary), (0, 0), "it counts for nothing");
}

/// Routes are gone for three of four meters behind a line, nobody has gasped: the fourth is asked, and not again and again.
#[test]
fn who_answers_beside_silent_meters_is_not_asked_for_ever() {
    let mut rig = Rig::new(village(2, 4));
    for _ in 0..2 {
        (0..3).for_each(|meter| rig.silence(MeterIx(meter)));
    }
    let asked = std::cell::Cell::new(0_u32);
    let until = rig.now + 3600 * S;
    rig.run(until, |_, meter| {
        asked.set(asked.get() + 1);
        meter.0 > 2
    });
    assert!(asked.get() < 60, "{} pings in an hour", asked.get());
    assert!(rig.notes.len() < 20, "{} notes", rig.notes.len());
    let ticket = rig.outages.open().values().next().expect("three silent meters are told of");
    assert_eq!(ticket.dark().collect::<Vec<_>>(), [MeterIx(0), MeterIx(1), MeterIx(2)]);
}
