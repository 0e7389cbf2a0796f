//! Meters that answer in good form what cannot be: about images, rows, objects and their firmware.

use taa_dlms::Value;
use taa_dlms::axdr::encode;
use taa_dlms::client::ClientConfig;
use taa_dlms::cosem::ProfileRange;
use taa_dlms::cosem::image::{ImageError, Options};
use taa_dlms::error::{Error, PeerFault, Refusal};
use taa_dlms::obis;

use crate::image::{order, wire};
use crate::wire::{Told, config};

/// In place of this attribute of that class, whatever else the meter says.
fn instead(class: u8, attribute: u8, value: &Value) -> crate::wire::Lie {
    let mut encoded = Vec::new();
    encode(value, &mut encoded);
    Box::new(move |request| {
        let asked = request.starts_with(&[0xC0, 1]) && request[4] == class && request[11] == attribute;
        asked.then(|| [&[0xC4, 1, request[2], 0], encoded.as_slice()].concat())
    })
}

fn transfer(lie: crate::wire::Lie, options: Options) -> (Option<Told>, usize, u64) {
    let (mut wire, seen) = wire(config());
    wire.lie = Some(lie);
    wire.client.transfer_image(0, taa_dlms::client::ImageOrder { options, ..order() }).unwrap();
    let told = wire.run();
    assert!(seen.lock().unwrap().activated.is_empty() || told.last() == Some(&Told::Done));
    assert!(wire.client.is_idle());
    (told.last().cloned(), wire.frames, wire.now)
}

#[test]
fn an_image_is_given_up_when_its_meter_makes_no_sense() {
    let wrong = |what| Some(Told::Failed(PeerFault::WrongType { what }.into()));
    let options = Options::default();
    assert_eq!(transfer(instead(18, 2, &Value::U32(0)), options).0, wrong("image_block_size"));
    assert_eq!(transfer(instead(18, 2, &Value::Bool(true)), options).0, wrong("image_block_size"));
    assert_eq!(transfer(instead(18, 5, &Value::Null), options).0, wrong("image_transfer_enabled"));
    assert_eq!(transfer(instead(18, 3, &Value::Null), options).0, wrong("image_transferred_blocks_status"));
    assert_eq!(transfer(instead(18, 7, &Value::U8(1)), options).0, wrong("image_to_activate_info"));
    // Blocks larger than the image: one will do, and the meter that does not take it is believed.
    let (told, frames, _) = transfer(instead(18, 2, &Value::U32(u32::MAX)), options);
    assert!(matches!(told, Some(Told::Failed(Error::Refused(_)))), "{told:?}");
    assert!(frames < 100, "{frames}");
}

#[test]
fn a_meter_that_keeps_losing_blocks_or_time_is_given_up_within_bounds() {
    // It confirms every block and says that it has none.
    let none = Value::BitString(taa_dlms::axdr::BitString::new(25, &[0; 4]).unwrap());
    let options = Options { rounds_max: 3, ..Options::default() };
    let (told, frames, _) = transfer(instead(18, 3, &none), options);
    assert_eq!(told, Some(Told::Failed(Refusal::Image(ImageError::BlocksMissing(25)).into())));
    assert!(frames <= 4 * 26 + 10, "{frames} frames");
    // It never finishes verifying.
    let options = Options { polls_max: 5, poll_ns: 1_000_000_000, ..Options::default() };
    let busy: crate::wire::Lie = Box::new(|request| {
        let verifies = request.starts_with(&[0xC3, 1]) && request[4] == 18 && request[11] == 3;
        verifies.then(|| vec![0xC7, 1, request[2], 2, 0])
    });
    let (told, _, now) = transfer(busy, options);
    assert_eq!(told, Some(Told::Failed(Refusal::Image(ImageError::Busy).into())));
    assert!(now <= 10_000_000_000, "{now}");
    // Sabotage: one that says the truth is served.
    let truth: crate::wire::Lie = Box::new(|_| None);
    assert_eq!(transfer(truth, options).0, Some(Told::Done));
}

#[test]
fn rows_and_counts_that_cannot_be_are_refused() {
    let rows = |value: &Value, range| {
        let (mut wire, _) = wire(config());
        wire.lie = Some(instead(7, if matches!(range, ProfileRange::Last(_)) { 7 } else { 2 }, value));
        wire.client.read_profile(0, obis::LOAD_PROFILE, range).unwrap();
        wire.run().pop()
    };
    let wrong = |told: Option<Told>| matches!(told, Some(Told::Failed(Error::PeerMisbehaved(_))));
    assert!(wrong(rows(&Value::I8(-1), ProfileRange::Last(5))));
    assert!(wrong(rows(&Value::U64(1 << 40), ProfileRange::Last(5))));
    assert!(wrong(rows(&Value::U8(1), ProfileRange::All)));
    assert!(wrong(rows(&Value::Array(vec![Value::U8(1)]), ProfileRange::All)));
    // Sabotage: nothing at all is an honest answer.
    assert_eq!(rows(&Value::U8(0), ProfileRange::Last(5)), Some(Told::Rows(0)));
    assert_eq!(rows(&Value::Array(vec![]), ProfileRange::All), Some(Told::Rows(0)));
}

#[test]
fn a_list_that_is_none_is_told_and_the_command_goes_on() {
    let voltage = taa_dlms::AttributeRef::new(3, obis::VOLTAGE_L1, 2);
    for list in [Value::Null, Value::U8(1), Value::Array(vec![]), Value::Array(vec![Value::U8(1)])] {
        let (mut wire, _) = wire(ClientConfig { discovers: true, ..config() });
        wire.lie = Some(instead(15, 2, &list));
        wire.client.read(0, &[voltage]).unwrap();
        let told = wire.run();
        let fault = matches!(told.get(1), Some(Told::NotDiscovered(Error::PeerMisbehaved(_))));
        assert!(fault && matches!(told.last(), Some(Told::Values(_))), "{list:?}: {told:?}");
        assert!(wire.client.discovered().is_none());
        // The truth another time.
        wire.lie = None;
        wire.client.discover(0).unwrap();
        assert_eq!(wire.run().last(), Some(&Told::Done));
        assert!(wire.client.discovered().is_some());
    }
}
