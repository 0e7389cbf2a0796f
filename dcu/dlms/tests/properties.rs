//! Round trips, and what random bytes may do: nothing.

mod common;

use common::{Bench, ENERGY, LONG, NAME, RELAY, Told};
use proptest::prelude::*;
use taa_dlms::Value;
use taa_dlms::apdu::{
    AccessItem, AccessItemList, AccessOutcomeList, AccessRequest, AccessResponse, AccessResultList, ActionRequest,
    ActionResponse, ActionResult, Apdu, AttributeList, AttributeRef, Block, DataAccessResult, DataNotificationConfirm,
    EventNotification, GeneralBlock, GetRequest, GetResponse, InformationReport, InvokeId, LongInvokeId, MethodList,
    MethodRef, MethodResult, MethodResultList, ReadRequest, ReadResponse, Selection, SetRequest, SetResponse,
    ShortBlock, ValueList, Variable, VariableList, WriteRequest, WriteResponse, WriteResultList,
};
use taa_dlms::axdr::{BitString, Date, DateTime, Time, decode_all, encode, skip};
use taa_dlms::client::{Associated, Client, ClientConfig, ClientEvent, Output};
use taa_dlms::link::wrapper::{self, Addresses};
use taa_dlms::obis::Obis;
use taa_dlms::wire::{Reader, put_length};

fn date() -> impl Strategy<Value = Date> {
    (any::<u16>(), 1..=12_u8, 1..=31_u8, 1..=7_u8).prop_map(|(year, month, day_of_month, day_of_week)| Date {
        year,
        month,
        day_of_month,
        day_of_week,
    })
}

fn time() -> impl Strategy<Value = Time> {
    (0..24_u8, 0..60_u8, 0..60_u8, 0..100_u8).prop_map(|(hour, minute, second, hundredths)| Time {
        hour,
        minute,
        second,
        hundredths,
    })
}

fn simple() -> impl Strategy<Value = Value> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..200);
    prop_oneof![
        Just(Value::Null),
        Just(Value::DontCare),
        any::<bool>().prop_map(Value::Bool),
        any::<i8>().prop_map(Value::I8),
        any::<i16>().prop_map(Value::I16),
        any::<i32>().prop_map(Value::I32),
        any::<i64>().prop_map(Value::I64),
        any::<u8>().prop_map(Value::U8),
        any::<u16>().prop_map(Value::U16),
        any::<u32>().prop_map(Value::U32),
        any::<u64>().prop_map(Value::U64),
        any::<u8>().prop_map(Value::Enum),
        any::<u8>().prop_map(Value::Bcd),
        (-1e30_f32..1e30).prop_map(Value::F32),
        (-1e300_f64..1e300).prop_map(Value::F64),
        bytes().prop_map(|b| Value::OctetString(b.as_slice().into())),
        bytes().prop_map(|b| Value::VisibleString(b.as_slice().into())),
        bytes().prop_map(|b| Value::Utf8String(b.as_slice().into())),
        bytes().prop_map(|b| Value::BitString(
            BitString::new((b.len() * 8).saturating_sub(3), &b).unwrap_or_else(|| BitString::new(0, &[]).unwrap())
        )),
        any::<i8>().prop_map(Value::DeltaI8),
        any::<i16>().prop_map(Value::DeltaI16),
        any::<i32>().prop_map(Value::DeltaI32),
        any::<u8>().prop_map(Value::DeltaU8),
        any::<u16>().prop_map(Value::DeltaU16),
        any::<u32>().prop_map(Value::DeltaU32),
        date().prop_map(Value::Date),
        time().prop_map(Value::Time),
        (date(), time(), -840..=840_i16, any::<u8>()).prop_map(|(date, time, deviation_min, status)| Value::DateTime(
            DateTime { date, time, deviation_min, status }
        )),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    simple().prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::Structure),
            proptest::collection::vec(inner, 0..8).prop_map(Value::Array),
        ]
    })
}

fn bytes_of(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(value, &mut bytes);
    bytes
}

fn attribute() -> impl Strategy<Value = AttributeRef> {
    (any::<u16>(), any::<[u8; 6]>(), any::<i8>()).prop_map(|(class, obis, id)| AttributeRef::new(class, Obis(obis), id))
}

proptest! {
    // A failing seed is printed; nothing is written beside the sources.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_survive(value in value()) {
        let bytes = bytes_of(&value);
        prop_assert_eq!(decode_all(&bytes), Ok(value));
        let mut reader = Reader::new(&bytes);
        prop_assert_eq!(skip(&mut reader), Ok(bytes.as_slice()));
        prop_assert!(reader.is_empty());
    }

    #[test]
    fn a_cut_value_is_an_error(value in value(), cut in 1_usize..50) {
        let bytes = bytes_of(&value);
        let cut = bytes.len().saturating_sub(cut);
        prop_assert!(decode_all(&bytes[..cut]).is_err());
    }

    #[test]
    fn messages_survive(
        attribute in attribute(),
        value in value(),
        selected in proptest::option::of((any::<u8>(), value())),
        invoke in any::<u8>().prop_map(InvokeId),
        number in any::<u32>(),
        last in any::<bool>(),
        code in any::<u8>(),
    ) {
        let value = bytes_of(&value);
        let parameters = selected.as_ref().map(|(_, value)| bytes_of(value)).unwrap_or_default();
        let selection = selected.as_ref().map(|(selector, _)| Selection { selector: *selector, parameters: &parameters });
        let result = DataAccessResult::from_code(code);
        let method = MethodRef::new(attribute.class, attribute.obis, attribute.attribute);
        let block = Block { last, number, raw: &value };
        for apdu in [
            Apdu::GetRequest(GetRequest::Normal { invoke, attribute, selection }),
            Apdu::GetRequest(GetRequest::Next { invoke, block: number }),
            Apdu::GetResponse(GetResponse::Normal { invoke, result: Ok(&value) }),
            Apdu::GetResponse(GetResponse::Normal { invoke, result: Err(result) }),
            Apdu::GetResponse(GetResponse::Block { invoke, last, number, result: Ok(&value) }),
            Apdu::SetRequest(SetRequest::Normal { invoke, attribute, selection, value: &value }),
            Apdu::SetRequest(SetRequest::FirstBlock { invoke, attribute, selection, block }),
            Apdu::SetRequest(SetRequest::NextBlock { invoke, block }),
            Apdu::SetResponse(SetResponse::Normal { invoke, result }),
            Apdu::SetResponse(SetResponse::Block { invoke, number }),
            Apdu::SetResponse(SetResponse::LastBlock { invoke, result, number }),
            Apdu::ActionRequest(ActionRequest::Normal { invoke, method, parameter: Some(&value) }),
            Apdu::ActionRequest(ActionRequest::Normal { invoke, method, parameter: None }),
        ] {
            let mut bytes = Vec::new();
            apdu.encode(&mut bytes);
            prop_assert_eq!(Apdu::decode(&bytes), Ok(apdu));
        }
    }

    #[test]
    fn messages_with_lists_survive(
        attributes in proptest::collection::vec((attribute(), proptest::option::of((any::<u8>(), value()))), 0..6),
        contents in proptest::collection::vec(value(), 0..6),
        codes in proptest::collection::vec(any::<u8>(), 0..140),
        invoke in any::<u8>().prop_map(InvokeId),
        number in any::<u32>(),
        last in any::<bool>(),
    ) {
        let raw: Vec<u8> = contents.iter().flat_map(bytes_of).collect();
        let block = Block { last, number, raw: &raw };
        let selected: Vec<_> = attributes
            .iter()
            .map(|(attribute, selection)| (*attribute, selection.as_ref().map(|(s, value)| (*s, bytes_of(value)))))
            .collect();
        let counted = |items: Vec<Vec<u8>>| {
            let mut bytes = Vec::new();
            put_length(&mut bytes, items.len());
            bytes.extend(items.concat());
            bytes
        };
        let attribute_bytes = counted(selected.iter().map(|(attribute, selection)| {
            let selection = selection.as_ref().map(|(s, p)| Selection { selector: *s, parameters: p });
            let mut whole = Vec::new();
            GetRequest::Normal { invoke, attribute: *attribute, selection }.encode(&mut whole);
            whole.split_off(3)
        }).collect());
        let attributes = AttributeList::over(&attribute_bytes).unwrap();
        let method_bytes = counted(selected.iter().map(|(a, _)| {
            let mut whole = Vec::new();
            let method = MethodRef::new(a.class, a.obis, a.attribute);
            ActionRequest::Normal { invoke, method, parameter: None }.encode(&mut whole);
            whole[3..12].to_vec()
        }).collect());
        let methods = MethodList::over(&method_bytes).unwrap();
        let value_bytes = counted(contents.iter().map(bytes_of).collect());
        let values = ValueList::over(&value_bytes).unwrap();
        let code_bytes = counted(codes.iter().map(|code| vec![*code]).collect());
        let codes = AccessResultList::over(&code_bytes).unwrap();
        let result_bytes = counted(contents.iter().map(|value| {
            let mut out = Vec::new();
            MethodResult { result: ActionResult::Success, returned: Some(Ok(&bytes_of(value))) }.encode(&mut out);
            out
        }).collect());
        let results = MethodResultList::over(&result_bytes).unwrap();
        let item_bytes = counted(selected.iter().map(|(attribute, selection)| {
            let mut out = Vec::new();
            match selection {
                None => AccessItem::Set(*attribute).encode(&mut out),
                Some((s, p)) => {
                    AccessItem::GetSelected(*attribute, Selection { selector: *s, parameters: p }).encode(&mut out);
                }
            }
            out
        }).collect());
        let items = AccessItemList::over(&item_bytes).unwrap();
        prop_assert_eq!(items.iter().count(), selected.len());
        let outcome_bytes = counted(contents.iter().map(|_| vec![3, 250]).collect());
        let outcomes = AccessOutcomeList::over(&outcome_bytes).unwrap();
        let variable_bytes = counted(selected.iter().map(|(attribute, selection)| {
            let mut out = Vec::new();
            match selection {
                None => Variable::Name(attribute.class).encode(&mut out),
                Some((s, p)) => {
                    Variable::Parameterized(attribute.class, Selection { selector: *s, parameters: p }).encode(&mut out);
                }
            }
            out
        }).collect());
        let variables = VariableList::over(&variable_bytes).unwrap();
        let short = number as u16;
        let long = LongInvokeId(number);
        let short_block = ShortBlock { last, number: short, raw: &raw };
        let piece = Variable::ReadBlock(short_block);
        let mut piece_bytes = vec![1];
        piece.encode(&mut piece_bytes);
        let pieces = VariableList::over(&piece_bytes).unwrap();
        let written_bytes = counted(vec![vec![0], vec![1, 3], vec![2, 0, 7]]);
        let written = WriteResultList::over(&written_bytes).unwrap();
        for apdu in [
            Apdu::GetRequest(GetRequest::WithList { invoke, list: attributes }),
            Apdu::SetRequest(SetRequest::WithList { invoke, attributes, values }),
            Apdu::SetRequest(SetRequest::ListFirstBlock { invoke, attributes, block }),
            Apdu::SetResponse(SetResponse::WithList { invoke, results: codes }),
            Apdu::SetResponse(SetResponse::ListLastBlock { invoke, results: codes, number }),
            Apdu::ActionRequest(ActionRequest::WithList { invoke, methods, parameters: values }),
            Apdu::ActionRequest(ActionRequest::ListFirstBlock { invoke, methods, block }),
            Apdu::ActionRequest(ActionRequest::Block { invoke, block }),
            Apdu::ActionRequest(ActionRequest::NextBlock { invoke, number }),
            Apdu::ActionResponse(ActionResponse::WithList { invoke, results }),
            Apdu::ActionResponse(ActionResponse::Block { invoke, block }),
            Apdu::ActionResponse(ActionResponse::NextBlock { invoke, number }),
            Apdu::AccessRequest(AccessRequest { invoke: long, date_time: &[], items, data: values }),
            Apdu::AccessResponse(AccessResponse { invoke: long, date_time: &[], items: None, data: values, outcomes }),
            Apdu::AccessResponse(AccessResponse {
                invoke: long, date_time: &[7; 12], items: Some(items), data: values, outcomes,
            }),
            Apdu::ReadRequest(ReadRequest { variables }),
            Apdu::ReadRequest(ReadRequest { variables: pieces }),
            Apdu::ReadResponse(ReadResponse::Block(short_block)),
            Apdu::ReadResponse(ReadResponse::NextBlock(short)),
            Apdu::WriteRequest(WriteRequest { variables, values }),
            Apdu::UnconfirmedWriteRequest(WriteRequest { variables, values }),
            Apdu::WriteResponse(WriteResponse { results: written }),
            Apdu::InformationReport(InformationReport { time: last.then_some(&raw), variables, values }),
            Apdu::GeneralBlock(GeneralBlock {
                last, streaming: !last, window: number as u8 & 63, number: short, acknowledged: !short, data: &raw,
            }),
            Apdu::DataNotificationConfirm(DataNotificationConfirm { long_invoke_id: number, date_time: None }),
            Apdu::EventNotification(EventNotification {
                time: last.then(|| DateTime::from_unix_s(i64::from(number), 0)),
                attribute: AttributeRef::new(3, Obis([1; 6]), 2),
                value: &[0x11, 7],
            }),
        ] {
            let mut bytes = Vec::new();
            apdu.encode(&mut bytes);
            prop_assert_eq!(Apdu::decode(&bytes), Ok(apdu));
            // Any of them cut short is an error, except where what is missing was not announced.
            for cut in [1, bytes.len() / 2] {
                if !matches!(apdu, Apdu::ReadResponse(_)) {
                    prop_assert!(Apdu::decode(&bytes[..bytes.len() - cut]).is_err());
                }
            }
        }
    }

    #[test]
    fn random_bytes_are_errors_at_worst(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Apdu::decode(&bytes);
        let _ = decode_all(&bytes);
        let _ = wrapper::open(&bytes);
        if let Ok(apdu) = Apdu::decode(&bytes) {
            let mut again = Vec::new();
            apdu.encode(&mut again);
            prop_assert!(Apdu::decode(&again).is_ok(), "what was decoded encodes to something decodable");
        }
    }

    /// Bytes that begin like a message reach further into the decoders than plain noise.
    #[test]
    fn random_messages_harm_neither_side(
        tag in prop_oneof![
            Just(0x60_u8), Just(0x61), Just(0x62), 0x0C_u8..=0x10, Just(0xD8), 0xC0_u8..=0xC7, 0xD8_u8..=0xE0,
            Just(5), Just(6), Just(0x16), Just(0x18), any::<u8>()
        ],
        choice in 0..7_u8,
        rest in proptest::collection::vec(any::<u8>(), 0..120),
        associated in any::<bool>(),
    ) {
        let mut bench = Bench::new();
        if associated {
            bench.client.associate(0).unwrap();
            bench.run();
        }
        let mut frame = Vec::new();
        wrapper::begin(&mut frame);
        frame.extend_from_slice(&[tag, choice]);
        frame.extend_from_slice(&rest);
        wrapper::finish(&mut frame, Addresses { source: 1, destination: 1 }).unwrap();
        let mut reply = Vec::new();
        bench.server.handle_receive(&mut bench.device, &frame, &mut reply);
        bench.client.read(0, &[ENERGY, RELAY]).unwrap();
        bench.client.handle_receive(0, &frame);
        let told = bench.run();
        prop_assert!(matches!(told.last(), Some(Told::Values(_) | Told::Failed(_))), "{:?}", told);
        prop_assert!(bench.client.is_idle());
    }

    /// Whatever is lost, and wherever the meter restarts: every command ends, values are right, and the next command
    /// over a sound channel succeeds.
    #[test]
    fn losses_and_restarts_never_lead_astray(
        lose_requests in proptest::collection::vec(0_usize..40, 0..12),
        lose_answers in proptest::collection::vec(0_usize..40, 0..12),
        duplicate in any::<bool>(),
        restarts in proptest::collection::vec(any::<bool>(), 8),
    ) {
        let mut bench = Bench::new();
        (bench.lose_requests, bench.lose_answers, bench.duplicate) = (lose_requests, lose_answers, duplicate);
        for (round, restart) in restarts.into_iter().enumerate() {
            if restart {
                bench.server.handle_power_lost();
            }
            bench.device.energy_wh += 1000;
            bench.client.read(bench.now, &[ENERGY, RELAY, NAME]).unwrap();
            match bench.run().last() {
                Some(told @ Told::Values(_)) => {
                    let expected = common::values(bench.device.energy_wh, true);
                    prop_assert_eq!(told, &expected);
                }
                Some(Told::Failed(_)) => {}
                other => prop_assert!(false, "{:?}", other),
            }
            let note = Value::U32(u32::try_from(round).unwrap());
            bench.client.write(bench.now, LONG, &note).unwrap();
            if bench.run().last() == Some(&Told::Done) {
                prop_assert_eq!(&bench.device.note, &note);
            }
        }
        bench.lose_requests.clear();
        bench.lose_answers.clear();
        bench.client.read(bench.now, &[ENERGY]).unwrap();
        let told = bench.run();
        prop_assert_eq!(told.last(), Some(&Told::Values(vec![Ok(Value::U64(bench.device.energy_wh))])));
    }
}

/// Sabotage of the property above: a stranger who knows the number waited for is believed, so it is the number alone
/// that keeps late answers out. One number off, the same answer is passed over.
#[test]
fn the_invoke_id_is_what_tells_answers_apart() {
    let mut client = Client::new(ClientConfig::new(taa_dlms::client::Auth::None));
    let mut bench = Bench::new();
    bench.client.associate(0).unwrap();
    assert_eq!(bench.run(), [Told::Associated(Associated::Opened), Told::Done]);
    client.associate(0).unwrap();
    assert!(matches!(client.poll_output(), Output::Transmit(_)));
    client.handle_receive(0, &bench.last_answer);
    while !matches!(client.poll_output(), Output::Timeout(_)) {}
    client.read(0, &[ENERGY]).unwrap();
    let Output::Transmit(request) = client.poll_output() else { panic!("no request") };
    let number = request[wrapper::HEADER_BYTES + 2];
    for (invoke, believed) in [(number ^ 1, false), (number, true)] {
        let mut frame = Vec::new();
        wrapper::begin(&mut frame);
        let response = GetResponse::Normal { invoke: InvokeId(invoke), result: Ok(&[0x11, 7]) };
        Apdu::GetResponse(response).encode(&mut frame);
        wrapper::finish(&mut frame, Addresses { source: 1, destination: 1 }).unwrap();
        client.handle_receive(0, &frame);
        let event = client.poll_output();
        assert_eq!(matches!(event, Output::Event(ClientEvent::Values(_))), believed, "{event:?}");
    }
}
