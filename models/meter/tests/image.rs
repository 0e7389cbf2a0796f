//! A new image: block by block, through lost answers and a power cut, checked, started.

mod common;

use common::secured::*;
use common::*;
use taa_dlms::client::Client;
use taa_dlms::cosem::image::{ImageError, Options, Step, Transfer};
use taa_dlms::obis::alarm;
use taa_dlms::{AttributeRef, Value, obis};
use taa_meter::{Meter, MeterConfig, firmware_image};

const FIRMWARE: AttributeRef = AttributeRef::new(1, obis::ACTIVE_FIRMWARE, 2);
const VERSION: &[u8] = b"TAA-2.0.0";

fn payload() -> Vec<u8> {
    (0..10_000_u32).map(|at| (at * 31 % 251) as u8).collect()
}

/// Takes one step of the transfer; `false` when there is none left.
fn step(transfer: &mut Transfer, image: &[u8], client: &mut Client, meter: &mut Meter, now: u64) -> bool {
    match transfer.step(image) {
        Step::Read(attribute) => {
            let result = read(client, meter, now, &[attribute]).remove(0);
            transfer.handle_read(&result);
        }
        Step::Write(attribute, value) => {
            client.write(now, attribute, &value).unwrap();
            assert_eq!(run(client, meter, now).pop(), Some(Told::Done));
            transfer.handle_written(Ok(()));
        }
        Step::Call(call) => {
            client.invoke(now, call.method, Some(&call.parameter)).unwrap();
            transfer.handle_called(match run(client, meter, now).pop() {
                Some(Told::Done) => Ok(()),
                Some(Told::Failed(taa_dlms::Error::Refused(taa_dlms::error::Refusal::Action(why)))) => Err(why),
                other => panic!("{other:?}"),
            });
        }
        Step::Wait(_) => transfer.handle_waited(),
        Step::Done | Step::Failed(_) => return false,
    }
    true
}

#[test]
fn an_image_arrives_through_a_power_cut_and_runs_after_a_restart() {
    let image = firmware_image(VERSION, &payload());
    let mut meter = energised(MeterConfig { energised: true, ..keyed() });
    let mut client = client_with(&meter_keys(), 1);
    let size = image.len() as u32;
    let mut transfer = Transfer::new(obis::IMAGE_TRANSFER, VERSION, size, Options::default());
    while transfer.progress().0 < 7 {
        assert!(step(&mut transfer, &image, &mut client, &mut meter, S));
    }
    meter.handle_power(2 * S, false);
    meter.handle_power(3 * S, true);
    // Whoever takes over asks the meter how far it has come: seven blocks are not sent again.
    let mut client = client_with(&meter_keys(), 1000);
    let mut transfer = Transfer::resume(obis::IMAGE_TRANSFER, VERSION, size, Options::default());
    let mut steps = 0;
    while step(&mut transfer, &image, &mut client, &mut meter, 4 * S) {
        steps += 1;
    }
    assert_eq!(transfer.step(&image), Step::Done);
    let blocks = size.div_ceil(512);
    assert_eq!(transfer.progress(), (blocks, blocks));
    assert!(steps < blocks - 7 + 9, "{steps} steps for {blocks} blocks of which 7 were there");
    assert_eq!(meter.firmware(), VERSION);
    // Silent while it starts, then another association, and an alarm that says so.
    client.read(5 * S, &[FIRMWARE]).unwrap();
    assert!(matches!(run(&mut client, &mut meter, 5 * S)[..], [Told::Failed(_)]));
    assert_eq!(meter.next_deadline(), Some(24 * S));
    meter.handle_timeout(24 * S);
    assert_eq!(meter.alarms_pending() & alarm::IMAGE_ACTIVATED, alarm::IMAGE_ACTIVATED);
    assert!(meter.lit(), "a latching relay stays as it was");
    let got = read(&mut client, &mut meter, 30 * S, &[FIRMWARE]);
    assert_eq!(got, [Ok(Value::OctetString(VERSION.into()))]);
}

#[test]
fn a_damaged_image_is_not_started() {
    let mut image = firmware_image(VERSION, &payload());
    image[5000] ^= 1;
    let mut meter = energised(MeterConfig { energised: true, ..keyed() });
    let before = meter.firmware().to_vec();
    let mut client = client_with(&meter_keys(), 1);
    let mut transfer = Transfer::new(obis::IMAGE_TRANSFER, VERSION, image.len() as u32, Options::default());
    while step(&mut transfer, &image, &mut client, &mut meter, S) {}
    assert_eq!(transfer.step(&image), Step::Failed(ImageError::VerificationFailed));
    assert_eq!(meter.firmware(), before);
}
