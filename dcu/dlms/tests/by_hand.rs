//! Each side against a peer made by hand: one that offers little, forgets, gives up, or breaks the protocol.

mod common;

use common::{Bench, ENERGY, LONG, PASSWORD};
use taa_dlms::apdu::{
    Aare, Apdu, AssociationResult, Conformance, DataAccessResult, Diagnostic, ExceptionResponse, GetRequest,
    GetResponse, InitiateRequest, InitiateResponse, InvokeId,
};
use taa_dlms::axdr::put_u64;
use taa_dlms::client::{Auth, Client, ClientConfig, ClientEvent, Output};
use taa_dlms::error::{PeerFault, Refusal, SecurityFault, TransportFault};
use taa_dlms::link::wrapper::{self, Addresses};
use taa_dlms::{Error, Value};

#[test]
fn a_meter_that_forgets_at_once_is_given_up() {
    let mut client = Client::new(ClientConfig::new(Auth::None));
    client.read(0, &[ENERGY]).unwrap();
    let mut rounds = 0;
    loop {
        match client.poll_output() {
            Output::Transmit(frame) => {
                let asks = frame[8] == 0x60;
                let answer = if asks { aare(Conformance::SUPPORTED, 1024) } else { answer(&exception()) };
                rounds += 1;
                assert!(rounds < 20);
                client.handle_receive(0, &answer);
            }
            Output::Event(ClientEvent::Associated(_)) => {}
            Output::Event(event) => {
                assert_eq!(event, ClientEvent::Failed(PeerFault::AssociationNotKept.into()));
                return;
            }
            Output::SetLine(_) | Output::Timeout(_) => panic!("nothing to wait for"),
        }
    }
}

#[test]
fn a_transfer_that_the_meter_gave_up_is_begun_anew() {
    let mut client = Client::new(ClientConfig::new(Auth::None));
    client.read(0, &[ENERGY]).unwrap();
    let mut begun = 0;
    let value = [0x11, 7];
    loop {
        match client.poll_output() {
            Output::Transmit(frame) if frame[8] == 0x60 => client.handle_receive(0, &aare(Conformance::SUPPORTED, 64)),
            Output::Transmit(frame) => {
                let Ok(Apdu::GetRequest(request)) = Apdu::decode(&frame[8..]) else { panic!("no GET") };
                let response = match request {
                    GetRequest::Normal { invoke, .. } => {
                        begun += 1;
                        GetResponse::Block { invoke, last: false, number: 1, result: Ok(&value[..1]) }
                    }
                    GetRequest::Next { invoke, .. } if begun < 3 => {
                        let result = Err(DataAccessResult::DataBlockNumberInvalid);
                        GetResponse::Block { invoke, last: true, number: 2, result }
                    }
                    GetRequest::Next { invoke, .. } => {
                        GetResponse::Block { invoke, last: true, number: 2, result: Ok(&value[1..]) }
                    }
                    GetRequest::WithList { .. } => panic!("one attribute asked for"),
                };
                client.handle_receive(0, &answer(&Apdu::GetResponse(response)));
            }
            Output::Event(ClientEvent::Associated(_)) => {}
            Output::Event(event) => {
                assert_eq!(event, ClientEvent::Values(&[Ok(Value::U8(7))]));
                assert_eq!(begun, 3);
                return;
            }
            Output::SetLine(_) | Output::Timeout(_) => panic!("nothing to wait for"),
        }
    }
}

#[test]
fn without_multiple_references_attributes_are_read_one_by_one() {
    let mut client = Client::new(ClientConfig::new(Auth::None));
    client.read(0, &[ENERGY, ENERGY]).unwrap();
    let mut gets = 0;
    loop {
        match client.poll_output() {
            Output::Transmit(frame) if frame[8] == 0x60 => {
                client.handle_receive(0, &aare(Conformance::GET, 64));
            }
            Output::Transmit(frame) => {
                let Ok(Apdu::GetRequest(GetRequest::Normal { invoke, .. })) = Apdu::decode(&frame[8..]) else {
                    panic!("no normal GET")
                };
                gets += 1;
                let mut value = Vec::new();
                put_u64(&mut value, gets);
                let response = Apdu::GetResponse(GetResponse::Normal { invoke, result: Ok(&value) });
                client.handle_receive(0, &answer(&response));
            }
            Output::Event(ClientEvent::Values(values)) => {
                assert_eq!(values, [Ok(Value::U64(1)), Ok(Value::U64(2))]);
                break;
            }
            Output::Event(_) => {}
            Output::SetLine(_) | Output::Timeout(_) => panic!("nothing to wait for"),
        }
    }
    client.write(0, LONG, &Value::Null).unwrap();
    assert_eq!(client.poll_output(), Output::Event(ClientEvent::Failed(Refusal::NotOffered("set").into())));
}

#[test]
fn what_breaks_the_protocol_is_the_peers_fault() {
    let get =
        |result: &'static [u8]| Apdu::GetResponse(GetResponse::Normal { invoke: InvokeId(0xC1), result: Ok(result) });
    // An unknown data type: cannot even be passed over, so it is no answer, and the timeout tells why.
    assert!(matches!(
        fail_with(&answer_raw(&[0xC4, 1, 0xC1, 0, 0x63])),
        Error::PeerMisbehaved(PeerFault::Undecodable(_))
    ));
    let two = [0xC4, 3, 0xC1, 2, 1, 4, 1, 4];
    assert_eq!(fail_with(&answer_raw(&two)), PeerFault::WrongCount { asked: 1, got: 1 }.into());
    let block =
        Apdu::GetResponse(GetResponse::Block { invoke: InvokeId(0xC1), last: false, number: 2, result: Ok(&[]) });
    assert_eq!(fail_with(&answer(&block)), PeerFault::BlockOutOfOrder { expected: 1, got: 2 }.into());
    assert_eq!(
        fail_with(&answer(&Apdu::GetRequest(GetRequest::Next { invoke: InvokeId(0xC1), block: 1 }))),
        PeerFault::UnexpectedApdu { tag: 0xC0 }.into()
    );
    assert_eq!(fail_with(&answer_raw(&[0xCC, 1, 2, 3])), SecurityFault::UnexpectedProtection { tag: 0xCC }.into());
    // Another's answer is nobody's fault.
    let mut elsewhere = answer(&get(&[0x11, 1]));
    elsewhere[3] = 9;
    assert_eq!(fail_with(&elsewhere), TransportFault::Timeout.into());
}

/// Associates, asks for one attribute, answers with that frame and lets time pass.
fn fail_with(frame: &[u8]) -> Error {
    let mut client = Client::new(ClientConfig { retries: 0, ..ClientConfig::new(Auth::None) });
    client.read(0, &[ENERGY]).unwrap();
    loop {
        match client.poll_output() {
            Output::Transmit(sent) if sent[8] == 0x60 => client.handle_receive(0, &aare(Conformance::SUPPORTED, 1024)),
            Output::Transmit(_) => client.handle_receive(0, frame),
            Output::Event(ClientEvent::Failed(error)) => return error,
            Output::Event(ClientEvent::Associated(_)) => {}
            Output::Event(event) => panic!("{event:?}"),
            Output::SetLine(_) => {}
            Output::Timeout(deadline) => client.handle_timeout(deadline.unwrap()),
        }
    }
}

#[test]
fn the_server_refuses_what_cannot_be() {
    let mut bench = Bench::new();
    let mut reply = Vec::new();
    let mut ask = |bench: &mut Bench, message: &[u8]| {
        let frame = frame(message, Addresses { source: 1, destination: 1 });
        bench.server.handle_receive(&mut bench.device, &frame, &mut reply).then(|| reply[8..].to_vec())
    };
    // No association; an unknown service; a ciphered request; an answer; nothing at all.
    assert_eq!(ask(&mut bench, &[0xC0, 1, 0xC1, 0, 3, 1, 0, 1, 8, 0, 255, 2, 0]).unwrap(), [0xD8, 1, 1]);
    assert_eq!(ask(&mut bench, &[0xD9, 1]).unwrap(), [0xD8, 2, 2]);
    assert_eq!(ask(&mut bench, &[0xC8, 1]).unwrap(), [0xD8, 2, 2]);
    assert_eq!(ask(&mut bench, &[0xC4, 1, 0xC1, 0, 0x11, 1]), None);
    assert_eq!(ask(&mut bench, &[]), None);
    // Contexts and proposals that cannot be.
    let mut initiate = Vec::new();
    InitiateRequest { version: 5, ..InitiateRequest::new(Conformance::GET, 1024) }.encode(&mut initiate);
    let mut aarq = taa_dlms::apdu::Aarq::new(&initiate);
    aarq.authenticates = true;
    aarq.mechanism = Some(taa_dlms::apdu::Mechanism::Low);
    aarq.authentication_value = Some(PASSWORD);
    let mut message = Vec::new();
    aarq.encode(&mut message);
    let refused = ask(&mut bench, &message).unwrap();
    let Ok(Apdu::Aare(aare)) = Apdu::decode(&refused) else { panic!("{refused:02x?}") };
    assert_eq!(aare.result, AssociationResult::RejectedPermanent);
    assert_eq!(aare.user_information, Some(&[0x0E, 1, 6, 1][..]), "initiate error: version too low");
    aarq.context = taa_dlms::apdu::ApplicationContext::LnCiphered;
    message.clear();
    aarq.encode(&mut message);
    let refused = ask(&mut bench, &message).unwrap();
    let Ok(Apdu::Aare(aare)) = Apdu::decode(&refused) else { panic!("{refused:02x?}") };
    assert_eq!(aare.diagnostic, Diagnostic::CONTEXT_NOT_SUPPORTED);
}

fn frame(message: &[u8], addresses: Addresses) -> Vec<u8> {
    let mut frame = Vec::new();
    wrapper::begin(&mut frame);
    frame.extend_from_slice(message);
    wrapper::finish(&mut frame, addresses).unwrap();
    frame
}

fn answer_raw(message: &[u8]) -> Vec<u8> {
    frame(message, Addresses { source: 1, destination: 1 })
}

fn answer(apdu: &Apdu<'_>) -> Vec<u8> {
    let mut message = Vec::new();
    apdu.encode(&mut message);
    answer_raw(&message)
}

fn exception() -> Apdu<'static> {
    Apdu::ExceptionResponse(ExceptionResponse::NOT_ASSOCIATED)
}

fn aare(conformance: Conformance, pdu_max: u16) -> Vec<u8> {
    let mut initiate = Vec::new();
    InitiateResponse { quality_of_service: None, version: 6, conformance, pdu_max, vaa_name: 7 }.encode(&mut initiate);
    answer(&Apdu::Aare(Aare::new(AssociationResult::Accepted, Diagnostic::NONE, Some(&initiate))))
}
