//! Stories about outages: sealed packets in, one notification out, and nothing closed before a meter has answered.

use taa_dcu::{
    DcuEvent, MeterIx,
    config::{CreditAt, DcuConfig, Device, DeviceKind, OutageConfig, OutageMeter},
    outage::{Ending, Heard, Place, Refused},
    uplink::AlarmCode,
};
use taa_gasp::{Guid, Header, Kind, Packet, Seal, meter_key};
use taa_keys::Key;

use crate::village::{HOUR, S, START_UNIX_S, Village, tariff, traits};

const MASTER: Key = Key::Aes128([9; 16]);
const METERS: u32 = 6;

fn guid(meter: u32) -> Guid {
    Guid::of_name(&format!("TAA{meter:013}"))
}

/// Meters 0 to 3 hang on one feeder, 4 and 5 on another.
fn config() -> DcuConfig {
    let device =
        |id: &str, kind, parent: Option<&str>| Device { id: id.to_owned(), kind, parent: parent.map(str::to_owned) };
    let outage = OutageConfig {
        devices: vec![
            device("inverter", DeviceKind::Inverter, None),
            device("f1", DeviceKind::Feeder, Some("inverter")),
            device("f2", DeviceKind::Feeder, Some("inverter")),
        ],
        meters: (0..METERS)
            .map(|meter| OutageMeter {
                guid: guid(meter),
                key: meter_key(&MASTER, guid(meter)).unwrap(),
                epoch: 1,
                parent: Some(if meter < 4 { "f1" } else { "f2" }.to_owned()),
            })
            .collect(),
        ..OutageConfig::new()
    };
    DcuConfig { outage: Some(outage), ..DcuConfig::new(traits(CreditAt::Dcu), tariff()) }
}

fn village() -> Village {
    let mut village = Village::with(config(), METERS, 1_000_000, 7);
    village.delay_max = S / 5;
    village.run_until(2 * HOUR + HOUR / 2);
    village
}

fn packet(village: &Village, meter: u32, kind: Kind, counter: u32) -> Vec<u8> {
    packet_with(village, meter, kind, counter, |packet| packet)
}

fn packet_with(
    village: &Village,
    meter: u32,
    kind: Kind,
    counter: u32,
    change: impl FnOnce(Packet) -> Packet,
) -> Vec<u8> {
    let packet = Packet {
        header: Header { kind, guid: guid(meter), epoch: 1, counter },
        event: 1,
        at_unix_us: START_UNIX_S as u64 * 1_000_000 + village.now / 1000,
        clock_set: true,
        capacitor_mv: 3100,
        rms_percent: 0,
        priority: 1,
        test: false,
    };
    Seal::new(guid(meter), &meter_key(&MASTER, guid(meter)).unwrap()).seal(&change(packet)).to_vec()
}

fn tell(village: &mut Village, bytes: &[u8]) -> Result<Heard, Refused> {
    let mut heard = None;
    village.with_dcu(|dcu, now| heard = Some(dcu.handle_outage_packet(now, bytes)));
    heard.unwrap()
}

fn go_dark(village: &mut Village, meters: std::ops::Range<u32>) {
    for meter in meters {
        village.power(meter, false);
        let bytes = packet(village, meter, Kind::PowerDown, 1);
        assert_eq!(tell(village, &bytes), Ok(Heard::Down));
    }
}

fn found(village: &Village) -> Vec<(Place, u32, u32)> {
    let found = village.events.iter().filter_map(|(_, event)| match event {
        DcuEvent::OutageFound { place, members, heard, .. } => Some((place.clone(), *members, *heard)),
        _ => None,
    });
    found.collect()
}

#[test]
fn a_feeder_goes_and_comes_back() {
    let mut village = village();
    go_dark(&mut village, 0..3);
    village.power(3, false);
    village.run_for(S);
    assert!(found(&village).is_empty(), "two seconds are waited for more");
    village.run_for(4 * S);
    assert_eq!(
        found(&village),
        [(Place::Device("f1".to_owned()), 4, 3)],
        "one notification, the unheard meter as well"
    );
    village.run_for(60 * S);
    let told = |village: &Village, wanted: AlarmCode| {
        let same = |event: &taa_dcu::cloud::CloudEvent| format!("{event:?}").contains(&format!("{wanted:?}"));
        village.cloud_events.iter().filter(|(_, event)| same(event)).count()
    };
    assert_eq!(told(&village, AlarmCode::OutageFound), 1);
    village.run_for(HOUR);
    (0..4).for_each(|meter| village.power(meter, true));
    let bytes = packet(&village, 0, Kind::PowerUp, 2);
    assert_eq!(tell(&mut village, &bytes), Ok(Heard::Up));
    assert_eq!(village.state().outages().open().len(), 1, "its word alone closes nothing");
    village.run_for(HOUR);
    assert!(village.state().outages().open().is_empty());
    let (_, ticket) = village.state().outages().closed().next().unwrap();
    assert_eq!((ticket.ending, ticket.members.len()), (Some(Ending::Restored), 4));
    assert_eq!(told(&village, AlarmCode::OutageOver), 1);
    assert_eq!(village.state().outages().indices().sustained, 4);
}

#[test]
fn nothing_is_told_before_the_record_is_durable_and_a_restart_forgets_nothing() {
    let mut village = village();
    village.sync_max = u64::MAX / 4;
    go_dark(&mut village, 0..4);
    village.run_for(60 * S);
    assert!(found(&village).is_empty(), "the disk has not answered");
    village.cut();
    village.sync_max = 0;
    village.boot();
    village.run_for(60 * S);
    assert!(village.state().outages().open().is_empty(), "lost with the power, and told to nobody");
    // The meters have died meanwhile, so nobody cries again; another outage of theirs does.
    (0..4).for_each(|meter| village.power(meter, true));
    village.run_for(HOUR);
    for meter in 0..4 {
        village.power(meter, false);
        let bytes = packet(&village, meter, Kind::PowerDown, 9);
        assert_eq!(tell(&mut village, &bytes), Ok(Heard::Down));
    }
    village.run_for(60 * S);
    assert_eq!(village.state().outages().open().len(), 1);
    village.cut();
    village.boot();
    village.run_for(60 * S);
    assert_eq!(village.state().outages().open().len(), 1, "it is in the journal");
    let bytes = packet(&village, 0, Kind::PowerDown, 10);
    assert_eq!(tell(&mut village, &bytes), Ok(Heard::Repeated), "the same outage, also after the restart");
}

/// The sabotage of the first story: packets that somebody else has sealed tell nothing, however many.
#[test]
fn forged_packets_are_counted_and_nobody_is_told() {
    let mut village = village();
    for meter in 0..4 {
        let mut bytes = packet(&village, meter, Kind::PowerDown, 1);
        bytes[40] ^= 1;
        assert_eq!(tell(&mut village, &bytes), Err(Refused::Forged));
    }
    village.run_for(60 * S);
    let mut forged = 0;
    village.with_dcu(|dcu, _| forged = dcu.outage_refusals().unwrap().forged);
    assert_eq!((forged, found(&village).len()), (4, 0));
    assert!(village.state().outages().open().is_empty());
}

/// A meter's logic is tried out; somebody records the packet and sends it again: at once, after a restart, a month later.
#[test]
fn a_test_that_was_recorded_is_refused_after_a_restart_as_well() {
    let mut village = village();
    let test = |village: &Village, counter, change: fn(Packet) -> Packet| {
        packet_with(village, 0, Kind::PowerDown, counter, |packet| change(Packet { event: 0, test: true, ..packet }))
    };
    let (recorded, kept_back) = (test(&village, 1, |packet| packet), test(&village, 4, |packet| packet));
    assert_eq!(tell(&mut village, &recorded), Ok(Heard::Test));
    assert_eq!(tell(&mut village, &recorded), Err(Refused::Replayed));
    let undated = test(&village, 2, |packet| Packet { clock_set: false, ..packet });
    assert_eq!(tell(&mut village, &undated), Err(Refused::Stale), "nothing says that it is new");
    village.run_for(HOUR);
    assert_eq!(tell(&mut village, &kept_back), Err(Refused::Stale), "never heard before, and an hour old");
    village.cut();
    village.boot();
    village.run_for(60 * S);
    assert_eq!(tell(&mut village, &recorded), Err(Refused::Replayed));
    village.run_for(30 * 24 * HOUR);
    assert_eq!(tell(&mut village, &recorded), Err(Refused::Replayed));
    let mut refusals = None;
    village.with_dcu(|dcu, _| refusals = dcu.outage_refusals());
    assert!(refusals.is_some_and(|refusals| (refusals.replayed, refusals.stale) == (2, 0)), "{refusals:?}");
    let tested = |village: &Village| village.count(|event| matches!(event, DcuEvent::OutageTested { .. }));
    assert_eq!((tested(&village), found(&village).len()), (1, 0));
    let fresh = test(&village, 3, |packet| packet);
    assert_eq!(tell(&mut village, &fresh), Ok(Heard::Test));
    assert_eq!(tested(&village), 2);
}

#[test]
fn an_operator_clears_a_ticket_once() {
    let mut village = village();
    go_dark(&mut village, 0..4);
    village.run_for(10 * S);
    let number = *village.state().outages().open().keys().next().unwrap();
    let mut cleared = Vec::new();
    village.with_dcu(|dcu, now| cleared.push(dcu.clear_outage(now, number)));
    village.with_dcu(|dcu, now| cleared.push(dcu.clear_outage(now, number)));
    assert_eq!(cleared, [true, false]);
    let closed = village.count(|event| matches!(event, DcuEvent::OutageClosed { how: Ending::Cleared, .. }));
    assert_eq!((closed, village.state().meter(MeterIx(0)).is_some()), (1, true));
}
