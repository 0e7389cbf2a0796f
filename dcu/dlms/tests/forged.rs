//! What somebody without keys can send: text that is encrypted only, which opens to something under any key. It must not
//! be taken, and it must not move the counter beyond which the true peer is heard.

mod common;

use common::{Bench, ENERGY, Told};
use taa_dlms::Value;
use taa_dlms::client::Output;
use taa_dlms::link::wrapper::{self, Addresses, HEADER_BYTES};
use taa_dlms::security::{Channel, Keys, Protection, Suite, SystemTitle};
use taa_keys::{Key, KeyHandle};

const CLIENT: &[u8; 8] = b"TAA\0\0\0\0\x01";
const METER: &[u8; 8] = b"SIM\0\0\0\0\x01";

/// general-glo-ciphering from that title, encrypted only, under the highest counter but one.
fn forged(title: &[u8; 8]) -> Vec<u8> {
    [&[0xDB, 8], &title[..], &[14, 0x20, 0xFF, 0xFF, 0xFF, 0xFE], b"any text."].concat()
}

fn framed(message: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    wrapper::begin(&mut frame);
    frame.extend_from_slice(message);
    wrapper::finish(&mut frame, Addresses { source: 1, destination: 1 }).unwrap();
    frame
}

#[test]
fn a_forged_request_shuts_nobody_out() {
    let mut bench = Bench::secured();
    bench.client.read(0, &[ENERGY]).unwrap();
    bench.run();
    let mut reply = Vec::new();
    assert!(bench.server.handle_receive(&mut bench.device, &framed(&forged(CLIENT)), &mut reply));
    assert_eq!(reply[HEADER_BYTES], 0xD8, "refused");
    bench.client.read(0, &[ENERGY]).unwrap();
    assert_eq!(bench.run(), [Told::Values(vec![Ok(Value::U64(123_456))])]);
}

#[test]
fn a_forged_answer_shuts_nobody_out() {
    let mut bench = Bench::secured();
    bench.client.read(0, &[ENERGY]).unwrap();
    bench.run();
    bench.client.read(0, &[ENERGY]).unwrap();
    let Output::Transmit(request) = bench.client.poll_output() else { panic!("no request") };
    let request = request.to_vec();
    bench.client.handle_receive(0, &framed(&forged(METER)));
    let mut reply = Vec::new();
    assert!(bench.server.handle_receive(&mut bench.device, &request, &mut reply));
    bench.client.handle_receive(0, &reply);
    assert_eq!(bench.run(), [Told::Values(vec![Ok(Value::U64(123_456))])]);
}

/// The sabotage: where nothing is demanded, encrypted text is taken, and its counter with it.
#[test]
fn where_encryption_is_enough_it_is_taken() {
    let key = |byte| KeyHandle::new(Key::Aes128([byte; 16]));
    let keys = Keys { unicast: key(1).cipher(), authentication: Some(key(2)), broadcast: None, parties: None };
    let mut channel = Channel::new(Suite::Zero, SystemTitle(*METER), Some(keys));
    let mut scratch = Vec::new();
    channel.demand(Protection::AUTHENTICATED);
    assert!(channel.open(&forged(CLIENT), &mut scratch).is_err());
    assert_eq!(channel.floor(SystemTitle(*CLIENT)), 0);
    channel.demand(Protection::ENCRYPTED);
    assert!(channel.open(&forged(CLIENT), &mut scratch).is_ok());
    assert_eq!(channel.floor(SystemTitle(*CLIENT)), 0xFFFF_FFFF);
}
