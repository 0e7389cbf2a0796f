//! Services answered wrongly: another count, another block, another form, without end.

use taa_dlms::apdu::{
    Aare, Apdu, ApplicationContext, AssociationResult, Conformance, DataAccessResult, Diagnostic, InitiateResponse,
    VAA_NAME_LN, VAA_NAME_SN,
};
use taa_dlms::client::{Auth, Client, ClientConfig, ClientEvent, Item, Output, Referencing};
use taa_dlms::error::{DecodeError, PeerFault, Refusal, TransportFault};
use taa_dlms::link::wrapper::{self, Addresses};
use taa_dlms::{AttributeRef, Error, MethodRef, Obis, Value};

const REGISTER: AttributeRef = AttributeRef::new(3, Obis([1, 0, 1, 8, 0, 255]), 2);
const METHOD: MethodRef = MethodRef::new(70, Obis([0, 0, 96, 3, 10, 255]), 1);

fn config() -> ClientConfig {
    ClientConfig { retries: 0, answer_bytes_max: 400, ..ClientConfig::new(Auth::None) }
}

fn framed(message: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    wrapper::begin(&mut frame);
    frame.extend_from_slice(message);
    wrapper::finish(&mut frame, Addresses { source: 1, destination: 1 }).unwrap();
    frame
}

fn granted(short: bool, pdu_max: u16) -> Vec<u8> {
    let conformance = if short { Conformance::SUPPORTED_SN } else { Conformance::SUPPORTED };
    let vaa_name = if short { VAA_NAME_SN } else { VAA_NAME_LN };
    let mut initiate = Vec::new();
    InitiateResponse { quality_of_service: None, version: 6, conformance, pdu_max, vaa_name }.encode(&mut initiate);
    let mut aare = Aare::new(AssociationResult::Accepted, Diagnostic::NONE, Some(&initiate));
    aare.context = if short { ApplicationContext::Sn } else { ApplicationContext::Ln };
    let mut message = Vec::new();
    Apdu::Aare(aare).encode(&mut message);
    framed(&message)
}

/// Gives the command, grants the association, and answers every request in turn; `ii` in an answer is the invoke id.
fn meter_that_answers(
    config: ClientConfig,
    pdu_max: u16,
    command: impl FnOnce(&mut Client),
    mut answer: impl FnMut(usize) -> Option<Vec<u8>>,
) -> Result<Vec<Result<Value, DataAccessResult>>, Error> {
    let short = config.referencing == Referencing::ShortNames;
    let mut client = Client::new(config);
    command(&mut client);
    let mut asked = 0;
    loop {
        match client.poll_output() {
            Output::Transmit(frame) if frame[8] == 0x60 => client.handle_receive(0, &granted(short, pdu_max)),
            Output::Transmit(frame) => {
                let invoke = frame[10];
                asked += 1;
                assert!(asked < 1000, "it never ends");
                if let Some(mut message) = answer(asked - 1) {
                    if !short && message[0] != 0xE0 {
                        let at = if message[0] == 0xDA { 4 } else { 2 };
                        message[at] = if at == 4 { 1 } else { invoke };
                    }
                    client.handle_receive(0, &framed(&message));
                }
            }
            Output::Event(ClientEvent::Associated(_)) => {}
            Output::Event(ClientEvent::Values(values)) => return Ok(values.to_vec()),
            Output::Event(ClientEvent::Failed(error)) => return Err(error),
            Output::Event(event) => panic!("{event:?}"),
            Output::SetLine(line) => panic!("no line to set: {line:?}"),
            Output::Timeout(deadline) => client.handle_timeout(deadline.expect("something to wait for")),
        }
    }
}

/// The same answer to every request.
fn always(bytes: &[u8]) -> impl FnMut(usize) -> Option<Vec<u8>> + use<'_> {
    move |_| Some(bytes.to_vec())
}

fn write_two(client: &mut Client) {
    client.write_list(0, &[(REGISTER, &Value::U8(1)), (REGISTER, &Value::U8(2))]).unwrap();
}

fn run_two(client: &mut Client) {
    client.invoke_list(0, &[(METHOD, None), (METHOD, None)]).unwrap();
}

#[test]
fn counts_must_be_those_asked_for() {
    let wrong = |asked, got| Err(PeerFault::WrongCount { asked, got }.into());
    for results in [&[0xC5, 5, 0, 1, 0][..], &[0xC5, 4, 0, 1, 0, 0, 0, 0, 1]] {
        assert_eq!(meter_that_answers(config(), 1024, write_two, always(results)), wrong(2, 1));
    }
    assert_eq!(meter_that_answers(config(), 1024, write_two, always(&[0xC5, 5, 0, 3, 0, 0, 0])), wrong(2, 3));
    assert_eq!(meter_that_answers(config(), 1024, run_two, always(&[0xC7, 3, 0, 1, 0, 0])), wrong(2, 1));
    assert_eq!(meter_that_answers(config(), 1024, run_two, always(&[0xC7, 1, 0, 0, 0])), wrong(2, 1));
    let access = |client: &mut Client| client.access(0, &[Item::Read(REGISTER)]).unwrap();
    // No outcome; then a value too many.
    let nothing = [0xDA, 0x40, 0, 0, 1, 0, 0, 0, 0];
    assert_eq!(meter_that_answers(config(), 1024, access, always(&nothing)), wrong(1, 0));
    let uneven = [0xDA, 0x40, 0, 0, 1, 0, 0, 2, 0, 0, 1, 1, 0];
    assert_eq!(meter_that_answers(config(), 1024, access, always(&uneven)), wrong(1, 2));
    // Sabotage: the right count is believed.
    let right = [0xDA, 0x40, 0, 0, 1, 0, 0, 1, 0x11, 7, 1, 1, 0];
    assert_eq!(meter_that_answers(config(), 1024, access, always(&right)), Ok(vec![Ok(Value::U8(7))]));
    // A list refused as a whole is a refusal, not a fault.
    let refused = meter_that_answers(config(), 1024, write_two, always(&[0xC5, 1, 0, 3]));
    assert_eq!(refused, Err(Refusal::Access(DataAccessResult::ReadWriteDenied).into()));
}

#[test]
fn another_services_answer_is_no_answer() {
    let tag = |tag| Err(PeerFault::UnexpectedApdu { tag }.into());
    let read = |client: &mut Client| client.read(0, &[REGISTER]).unwrap();
    assert_eq!(meter_that_answers(config(), 1024, read, always(&[0xC5, 1, 0, 0])), tag(0xC5));
    assert_eq!(meter_that_answers(config(), 1024, read, always(&[0xC7, 1, 0, 0, 0])), tag(0xC7));
    assert_eq!(meter_that_answers(config(), 1024, write_two, always(&[0xC5, 1, 0, 0])), tag(0xC5));
    // An answer by short names to a client of logical names is not even of its kind.
    assert_eq!(meter_that_answers(config(), 1024, read, always(&[0x0C, 1, 0, 0x11, 7])), tag(0x0C));
}

#[test]
fn pieces_are_acknowledged_in_order_or_not_at_all() {
    let long = Value::OctetString([7_u8; 300].as_slice().into());
    let write = |client: &mut Client| client.write(0, REGISTER, &long).unwrap();
    let ahead = meter_that_answers(config(), 64, write, always(&[0xC5, 2, 0, 0, 0, 0, 9]));
    assert_eq!(ahead, Err(PeerFault::BlockOutOfOrder { expected: 1, got: 9 }.into()));
    // Block 0 was never sent: a late acknowledgement of something, and then silence.
    let behind = meter_that_answers(config(), 64, write, always(&[0xC5, 2, 0, 0, 0, 0, 0]));
    assert_eq!(behind, Err(TransportFault::Timeout.into()));
    // All are acknowledged, and the last one again instead of a result.
    let run = |client: &mut Client| client.invoke(0, METHOD, Some(&long)).unwrap();
    let mut number = 0;
    let endless = meter_that_answers(config(), 64, run, |_| {
        number += 1;
        Some(vec![0xC7, 4, 0, 0, 0, 0, number])
    });
    assert!(matches!(endless, Err(Error::PeerMisbehaved(PeerFault::BlockOutOfOrder { .. }))), "{endless:?}");
}

#[test]
fn answers_without_end_are_cut_off() {
    let too_long = Err(PeerFault::TooLong { limit: 400 }.into());
    let read = |client: &mut Client| client.read(0, &[REGISTER]).unwrap();
    let mut get = vec![0xC4, 2, 0, 0, 0, 0, 0, 1, 0, 50];
    get.extend([9; 50]);
    let mut general = vec![0xE0, 0x01, 0, 1, 0, 0, 50];
    general.extend([9; 50]);
    for (message, number_at) in [(get, 7), (general, 3)] {
        let endless = meter_that_answers(config(), 1024, read, |asked| {
            let mut message = message.clone();
            message[number_at] = u8::try_from(asked + 1).unwrap();
            Some(message)
        });
        assert_eq!(endless, too_long);
    }
    let run = |client: &mut Client| client.invoke(0, METHOD, None).unwrap();
    let endless = meter_that_answers(config(), 1024, run, |asked| {
        let mut message = vec![0xC7, 2, 0, 0, 0, 0, 0, u8::try_from(asked + 1).unwrap(), 50];
        message.extend([9; 50]);
        Some(message)
    });
    assert_eq!(endless, too_long);
}

#[test]
fn general_blocks_that_make_no_message_end_in_a_timeout_with_its_reason() {
    let read = |client: &mut Client| client.read(0, &[REGISTER]).unwrap();
    // Whole, and rubbish.
    let rubbish = meter_that_answers(config(), 1024, read, always(&[0xE0, 0x81, 0, 1, 0, 0, 2, 0x70, 0x70]));
    assert_eq!(rubbish, Err(DecodeError::UnknownTag { what: "message", tag: 0x70 }.into()));
    // A general block within a general block.
    let nested = [0xE0, 0x81, 0, 1, 0, 0, 8, 0xE0, 0x81, 0, 1, 0, 0, 1, 0x63];
    let nested = meter_that_answers(config(), 1024, read, always(&nested));
    assert_eq!(nested, Err(PeerFault::UnexpectedApdu { tag: 0xE0 }.into()));
    // Only ever the second block: asked for the first again and again, until the time is up.
    let second =
        meter_that_answers(config(), 1024, read, |asked| (asked < 20).then(|| vec![0xE0, 0x01, 0, 2, 0, 0, 1, 9]));
    assert_eq!(second, Err(TransportFault::Timeout.into()));
}

#[test]
fn an_object_list_that_is_none_gives_no_names() {
    let config = ClientConfig { referencing: Referencing::ShortNames, ..config() };
    let read = |client: &mut Client| client.read(0, &[REGISTER]).unwrap();
    let wrong = Err(PeerFault::WrongType { what: "object list" }.into());
    for list in [&[0x0C, 1, 0, 0x11, 7][..], &[0x0C, 1, 0, 1, 1, 2, 1, 0x11, 7]] {
        assert_eq!(meter_that_answers(config.clone(), 1024, read, always(list)), wrong);
    }
    let two = meter_that_answers(config.clone(), 1024, read, always(&[0x0C, 2, 0, 0x11, 7, 0, 0x11, 7]));
    assert_eq!(two, Err(PeerFault::WrongCount { asked: 1, got: 2 }.into()));
    let refused = meter_that_answers(config.clone(), 1024, read, always(&[0x0C, 1, 1, 3]));
    assert_eq!(refused, Err(Refusal::Access(DataAccessResult::ReadWriteDenied).into()));
    let error = meter_that_answers(config, 1024, read, always(&[0x0E, 5, 0, 2]));
    assert!(matches!(error, Err(Error::Refused(Refusal::Service(_)))), "{error:?}");
}
