//! Messages that overtake one another on the way: the meter refuses the older one for its counter, and that is no answer
//! to the newer one.

mod common;

use common::{Bench, ENERGY, NAME, RELAY, Told, values};
use taa_dlms::Error;
use taa_dlms::client::{ClientEvent, Output};
use taa_dlms::error::SecurityFault;
use taa_dlms::link::wrapper::{self, Addresses};

/// ExceptionResponse: operation not possible, invocation counter error, the lowest that would be taken.
fn refusal(expected: u32) -> Vec<u8> {
    let mut frame = Vec::new();
    wrapper::begin(&mut frame);
    frame.extend_from_slice(&[0xD8, 2, 6]);
    frame.extend_from_slice(&expected.to_be_bytes());
    wrapper::finish(&mut frame, Addresses { source: 1, destination: 1 }).unwrap();
    frame
}

/// A read under way on a standing association, its request taken out: the bench and the answer to it.
fn asked() -> (Bench, Vec<u8>) {
    let mut bench = Bench::secured();
    bench.client.associate(0).unwrap();
    assert!(bench.run().contains(&Told::Done));
    bench.client.read(0, &[ENERGY, RELAY, NAME]).unwrap();
    let Output::Transmit(frame) = bench.client.poll_output() else { panic!("a request") };
    let frame = frame.to_vec();
    let mut answer = Vec::new();
    assert!(bench.server.handle_receive(&mut bench.device, &frame, &mut answer));
    assert!(matches!(bench.client.poll_output(), Output::Timeout(Some(_))));
    (bench, answer)
}

/// Counters so far: the AARQ's, the proof's, that of the message around it, the read's. The next would be 4.
const NEXT: u32 = 4;

#[test]
fn the_refusal_of_an_overtaken_message_is_no_answer() {
    let (mut bench, answer) = asked();
    bench.client.handle_receive(0, &refusal(NEXT));
    assert!(matches!(bench.client.poll_output(), Output::Timeout(Some(_))), "it goes on waiting");
    bench.client.handle_receive(0, &answer);
    assert_eq!(bench.run(), [values(123_456, true)]);
}

#[test]
fn a_meter_that_expects_more_than_was_ever_sent_is_believed() {
    let (mut bench, _) = asked();
    let expected = NEXT + 1;
    bench.client.handle_receive(0, &refusal(expected));
    let error = Error::from(SecurityFault::CounterTooLow { expected });
    assert_eq!(bench.client.poll_output(), Output::Event(ClientEvent::Failed(error)));
}
