//! Kind `transcript`: a whole conversation. Our client holds the client's part against the recorded meter; our server
//! holds the meter's part against the recorded client.

use std::collections::BTreeMap;

use taa_dlms::apdu::{
    ActionRequest, ActionResponse, ActionResult, Apdu, DataAccessResult, GetRequest, GetResponse, MethodRef,
    ReadRequest, ReadResponse, Selection, SetRequest, Variable,
};
use taa_dlms::axdr::{decode, decode_all, encode};
use taa_dlms::client::{Auth, Client, ClientConfig, ClientEvent, Output, Referencing};
use taa_dlms::cosem::profile::{BUFFER, CLASS as PROFILE};
use taa_dlms::cosem::{AttributeAccess, MethodAccess, ObjectEntry, ObjectModel, ProfileRange};
use taa_dlms::link::wrapper;
use taa_dlms::names;
use taa_dlms::server::{Server, ServerConfig};
use taa_dlms::{AttributeRef, DateTime, Value};
use taa_keys::Secret;
use taa_vectors::Failed;
use taa_vectors::Json;

use crate::messages::check;
use crate::{hex, same};

pub(crate) struct Exchange {
    pub(crate) request: Vec<u8>,
    pub(crate) response: Vec<u8>,
}

pub(crate) fn run(case: &Json) -> Result<(), Failed> {
    let exchanges = exchanges(case)?;
    as_client(&exchanges)?;
    as_server(&exchanges)
}

pub(crate) fn exchanges(case: &Json) -> Result<Vec<Exchange>, Failed> {
    if case["transport"] == "hdlc" {
        let wrapped = crate::links::conversation(case)?;
        return Ok(wrapped.into_iter().map(|(request, response)| Exchange { request, response }).collect());
    }
    let messages = case["messages"].as_array().ok_or("no messages")?;
    let mut exchanges = Vec::new();
    for pair in messages.chunks(2) {
        let [client, server] = pair else { return Err("a question without an answer".into()) };
        if client[0] != "c" || server[0] != "s" {
            return Err("not question and answer in turn".into());
        }
        let bytes = |side: &Json| hex(side[1].as_str().unwrap_or("x"));
        exchanges.push(Exchange { request: bytes(client)?, response: bytes(server)? });
    }
    Ok(exchanges)
}

/// Issues the command behind each recorded request, compares the bytes sent, and feeds the recorded answer.
fn as_client(exchanges: &[Exchange]) -> Result<(), Failed> {
    let mut config = ClientConfig::new(password(exchanges)?.map_or(Auth::None, Auth::Lls));
    let names = short_names(exchanges)?;
    if names.is_some() {
        config.referencing = Referencing::ShortNames;
    }
    let mut client = Client::new(config);
    for Exchange { request, response } in exchanges {
        let (_, question) = wrapper::open(request)?;
        let (_, answer) = wrapper::open(response)?;
        let apdu = check(question)?;
        let mut from_to = None;
        match &apdu {
            Apdu::Aarq(_) => client.associate(0)?,
            Apdu::Rlrq(_) => client.release(0)?,
            Apdu::GetRequest(GetRequest::Normal { attribute, selection, .. }) => match selection {
                None => client.read(0, &[*attribute])?,
                Some(selection) if attribute.class == PROFILE && attribute.attribute == BUFFER => {
                    let range = range(*selection)?;
                    from_to = Some(range);
                    client.read_profile(0, attribute.obis, range)?;
                }
                Some(_) => return Err("selection on another class".into()),
            },
            Apdu::SetRequest(SetRequest::Normal { attribute, value, .. }) => {
                client.write(0, *attribute, &decode_all(value)?)?;
            }
            Apdu::SetRequest(SetRequest::WithList { attributes, values, .. }) => {
                let values = values.iter().map(decode_all).collect::<Result<Vec<_>, _>>()?;
                let list: Vec<_> = attributes.iter().map(|(attribute, _)| attribute).zip(&values).collect();
                client.write_list(0, &list)?;
            }
            Apdu::ActionRequest(ActionRequest::Normal { method, parameter, .. }) => {
                client.invoke(0, *method, parameter.map(decode_all).transpose()?.as_ref())?;
            }
            Apdu::GetRequest(GetRequest::WithList { list, .. }) => {
                let parameters = list
                    .iter()
                    .map(|(_, selection)| {
                        selection.map(|s| decode_all(s.parameters).map(|p| (s.selector, p))).transpose()
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                let list: Vec<_> = list
                    .iter()
                    .zip(&parameters)
                    .map(|((attribute, _), selected)| (attribute, selected.as_ref().map(|(s, p)| (*s, p))))
                    .collect();
                client.read_list(0, &list)?;
            }
            // The object list: our client asks for it by itself before the first read, and goes on with that.
            Apdu::ReadRequest(read) if reads_object_list(read) => client.read(0, &[FIRST_READ])?,
            Apdu::ReadRequest(read) => {
                let names = names.as_ref().ok_or("no object list")?;
                let attributes: Vec<AttributeRef> = read
                    .variables
                    .iter()
                    .map(|variable| match variable {
                        Variable::Name(name) => {
                            names.iter().find(|(n, _)| *n == name).map(|(_, a)| *a).ok_or("unnamed")
                        }
                        _ => Err("not a name"),
                    })
                    .collect::<Result<_, _>>()?;
                client.read(0, &attributes)?;
            }
            other => return Err(format!("no command for {other:?}").into()),
        }
        let sent = sent(&mut client)?;
        compare_request(&sent, request, from_to)?;
        let mut reply = response.clone();
        // The recorded client numbers every request 1; ours counts.
        if matches!(answer.first(), Some(0xC4 | 0xC5 | 0xC7)) {
            reply[wrapper::HEADER_BYTES + 2] = sent[wrapper::HEADER_BYTES + 2];
        }
        client.handle_receive(1, &reply);
        if matches!(&apdu, Apdu::ReadRequest(read) if reads_object_list(read)) {
            // Having the names it goes on with what it was asked for; the recorded client asked for something else.
            sent_is_a_read(&mut client)?;
            client.cancel();
            continue;
        }
        expect_event(&mut client, answer)?;
    }
    // Over HDLC the association may end with the link, without a release.
    let released = exchanges.iter().any(|exchange| exchange.request.get(wrapper::HEADER_BYTES) == Some(&0x62));
    if released && client.is_associated() { Err("still associated after the release".into()) } else { Ok(()) }
}

fn sent(client: &mut Client) -> Result<Vec<u8>, Failed> {
    match client.poll_output() {
        Output::Transmit(frame) => Ok(frame.to_vec()),
        other => Err(format!("expected a transmission, got {other:?}").into()),
    }
}

/// Asked for only to make the client read the object list; any object that a meter must have.
const FIRST_READ: AttributeRef = AttributeRef::new(1, taa_dlms::obis::LOGICAL_DEVICE_NAME, 2);

fn reads_object_list(read: &ReadRequest<'_>) -> bool {
    read.variables.len() == 1 && read.variables.iter().next() == Some(Variable::Name(names::OBJECT_LIST))
}

fn sent_is_a_read(client: &mut Client) -> Result<(), Failed> {
    let frame = sent(client)?;
    match check(wrapper::open(&frame)?.1)? {
        Apdu::ReadRequest(_) => Ok(()),
        other => Err(format!("expected a Read, got {other:?}").into()),
    }
}

/// Names of all attributes of the recorded object list; `None` for an association by logical names.
fn short_names(exchanges: &[Exchange]) -> Result<Option<Vec<(u16, AttributeRef)>>, Failed> {
    let Some(list) = object_list(exchanges)? else { return Ok(None) };
    let mut names = Vec::new();
    for (base, class, _, obis) in list {
        names.extend((1..20_u16).map(|n| (base + (n - 1) * 8, AttributeRef::new(class, obis, n as i8))));
    }
    Ok(Some(names))
}

type Listed = (u16, u16, u8, taa_dlms::Obis);

/// Base name, class, version and logical name of every object.
fn object_list(exchanges: &[Exchange]) -> Result<Option<Vec<Listed>>, Failed> {
    for Exchange { request, response } in exchanges {
        let Apdu::ReadRequest(read) = check(wrapper::open(request)?.1)? else { continue };
        if !reads_object_list(&read) {
            continue;
        }
        let list = recorded_value(response)?;
        let object = |entry: &Value| match entry.elements()? {
            [Value::I16(base), Value::U16(class), Value::U8(version), name] => {
                let obis = taa_dlms::Obis(name.as_bytes()?.try_into().ok()?);
                Some((base.cast_unsigned(), *class, *version, obis))
            }
            _ => None,
        };
        return Ok(Some(
            list.elements().ok_or("no list")?.iter().map(object).collect::<Option<_>>().ok_or("no object")?,
        ));
    }
    Ok(None)
}

/// The only value of a recorded answer to a Read.
fn recorded_value(response: &[u8]) -> Result<Value, Failed> {
    let Apdu::ReadResponse(ReadResponse::Results(results)) = check(wrapper::open(response)?.1)? else {
        return Err("no results".into());
    };
    let mut values = Vec::new();
    results.read_each(decode, |result| values.push(result))?;
    match values.pop() {
        Some(Ok(value)) => Ok(value),
        other => Err(format!("result {other:?}").into()),
    }
}

fn compare_request(sent: &[u8], recorded: &[u8], range: Option<ProfileRange>) -> Result<(), Failed> {
    let (_, question) = wrapper::open(recorded)?;
    match check(question)? {
        // All but the proposal itself: the recorded client offers services that ours has not yet.
        Apdu::Aarq(theirs) => {
            let Apdu::Aarq(ours) = check(wrapper::open(sent)?.1)? else { return Err("no AARQ".into()) };
            if (ours.context, ours.authenticates, ours.mechanism, ours.authentication_value)
                != (theirs.context, theirs.authenticates, theirs.mechanism, theirs.authentication_value)
            {
                return Err(format!("AARQ {ours:?}, expected {theirs:?}").into());
            }
            Ok(())
        }
        // Ours fills in the day of the week.
        Apdu::GetRequest(GetRequest::Normal { .. }) if matches!(range, Some(ProfileRange::Between(..))) => {
            let Apdu::GetRequest(GetRequest::Normal { selection: Some(ours), .. }) = check(wrapper::open(sent)?.1)?
            else {
                return Err("no selection".into());
            };
            if Some(self::range(ours)?) == range { Ok(()) } else { Err("another range".into()) }
        }
        _ => {
            let mut expected = recorded.to_vec();
            if matches!(question.first(), Some(0xC0 | 0xC1 | 0xC3)) {
                expected[wrapper::HEADER_BYTES + 2] = sent[wrapper::HEADER_BYTES + 2];
            }
            same("request", sent, &expected)
        }
    }
}

fn expect_event(client: &mut Client, answer: &[u8]) -> Result<(), Failed> {
    let mut ends = 0;
    loop {
        match (client.poll_output(), check(answer)?) {
            (Output::Event(ClientEvent::Associated(_)), Apdu::Aare(_)) => {}
            (Output::Event(ClientEvent::Done(_)), Apdu::Aare(_) | Apdu::Rlre(_) | Apdu::SetResponse(_)) => ends += 1,
            (Output::Event(ClientEvent::Done(returned)), Apdu::ActionResponse(response)) => {
                if returned.is_some()
                    != matches!(response, ActionResponse::Normal { result, .. } if result.returned.is_some())
                {
                    return Err(format!("returned {returned:?}").into());
                }
                ends += 1;
            }
            (
                Output::Event(ClientEvent::Values([Ok(value)])),
                Apdu::GetResponse(GetResponse::Normal { result: Ok(recorded), .. }),
            ) => {
                let mut encoded = Vec::new();
                encode(value, &mut encoded);
                same("value", &encoded, recorded)?;
                ends += 1;
            }
            (
                Output::Event(ClientEvent::Profile(rows)),
                Apdu::GetResponse(GetResponse::Normal { result: Ok(recorded), .. }),
            ) => {
                let recorded = decode_all(recorded)?;
                let recorded: Vec<&[Value]> =
                    recorded.elements().ok_or("no rows")?.iter().filter_map(Value::elements).collect();
                if rows.rows().collect::<Vec<_>>() != recorded {
                    return Err(format!("rows {rows:?}").into());
                }
                check_hours(rows)?;
                ends += 1;
            }
            (
                Output::Event(ClientEvent::Values(values)),
                Apdu::GetResponse(GetResponse::WithList { results, .. })
                | Apdu::ReadResponse(ReadResponse::Results(results)),
            ) => {
                let mut recorded = Vec::new();
                results.read_each(decode, |result| recorded.push(result))?;
                if values != recorded {
                    return Err(format!("values {values:?}").into());
                }
                ends += 1;
            }
            (Output::Event(ClientEvent::Values(_)), Apdu::SetResponse(_)) => ends += 1,
            (Output::Timeout(None), _) if ends == 1 => return Ok(()),
            (other, _) => return Err(format!("unexpected {other:?} (after {ends} ends)").into()),
        }
    }
}

/// The recorded meter captures hourly: with nulls expanded, every row is an hour after the one before.
fn check_hours(rows: &taa_dlms::cosem::ProfileRows) -> Result<(), Failed> {
    let mut rows = rows.clone();
    rows.expand_nulls(3600);
    let times: Vec<_> = rows.rows().map(|row| rows.unix_s(row)).collect();
    for pair in times.windows(2) {
        match pair {
            [Some(before), Some(after)] if after - before == 3600 => {}
            other => return Err(format!("rows at {other:?}").into()),
        }
    }
    Ok(())
}

fn range(selection: Selection<'_>) -> Result<ProfileRange, Failed> {
    let parameters = decode_all(selection.parameters)?;
    match (selection.selector, parameters.elements()) {
        (1, Some([_, from, to, _])) => {
            let at = |value: &Value| value.date_time().and_then(|stamp: DateTime| stamp.unix_s(0)).ok_or("no time");
            Ok(ProfileRange::Between(at(from)?, at(to)?))
        }
        (2, Some([Value::U32(from), Value::U32(to), ..])) => Ok(ProfileRange::Entries(*from, *to)),
        _ => Err("unknown selection".into()),
    }
}

fn password(exchanges: &[Exchange]) -> Result<Option<Secret>, Failed> {
    let first = exchanges.first().ok_or("empty transcript")?;
    match check(wrapper::open(&first.request)?.1)? {
        Apdu::Aarq(aarq) => Ok(aarq.authentication_value.map(Secret::new)),
        _ => Err("does not begin with an AARQ".into()),
    }
}

/// Answers as recorded, by what was asked for.
#[derive(Default)]
pub(crate) struct Recorded {
    pub(crate) objects: Vec<ObjectEntry>,
    pub(crate) values: BTreeMap<(AttributeRef, Vec<u8>), Vec<u8>>,
    written: BTreeMap<AttributeRef, Vec<u8>>,
    bases: Vec<u16>,
}

pub(crate) const ATTRIBUTES: &[AttributeAccess] =
    &[AttributeAccess::read_write(2), AttributeAccess::read_write(3), AttributeAccess::read_write(4)];
pub(crate) const METHODS: &[MethodAccess] = &[MethodAccess { id: 1 }, MethodAccess { id: 2 }];

impl ObjectModel for Recorded {
    fn objects(&self) -> &[ObjectEntry] {
        &self.objects
    }

    fn read(
        &mut self,
        attribute: AttributeRef,
        selection: Option<Selection<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        if let Some(written) = self.written.get(&attribute) {
            out.extend_from_slice(written);
            return Ok(());
        }
        let key = (attribute, selection.map_or(Vec::new(), |s| s.parameters.to_vec()));
        out.extend_from_slice(self.values.get(&key).ok_or(DataAccessResult::ObjectUndefined)?);
        Ok(())
    }

    fn write(&mut self, attribute: AttributeRef, value: &Value) -> Result<(), DataAccessResult> {
        let mut encoded = Vec::new();
        encode(value, &mut encoded);
        self.written.insert(attribute, encoded);
        Ok(())
    }

    fn invoke(&mut self, _: MethodRef, _: Option<&Value>) -> Result<(), ActionResult> {
        Ok(())
    }

    fn short_name(&self, index: usize) -> Option<u16> {
        self.bases.get(index).copied()
    }
}

/// Feeds the recorded requests to our server; every answer but the terms of the association must be equal to the byte.
fn as_server(exchanges: &[Exchange]) -> Result<(), Failed> {
    let mut model = Recorded::default();
    let listed = object_list(exchanges)?.unwrap_or_default();
    let names = short_names(exchanges)?.unwrap_or_default();
    for (base, class, version, obis) in &listed {
        model.bases.push(*base);
        model.objects.push(ObjectEntry {
            class: *class,
            version: *version,
            obis: *obis,
            attributes: ATTRIBUTES,
            methods: METHODS,
        });
    }
    for Exchange { request, response } in exchanges {
        let (class, obis) = match (check(wrapper::open(request)?.1)?, check(wrapper::open(response)?.1)?) {
            (
                Apdu::GetRequest(GetRequest::Normal { attribute, selection, .. }),
                Apdu::GetResponse(GetResponse::Normal { result: Ok(value), .. }),
            ) => {
                let key = (attribute, selection.map_or(Vec::new(), |s| s.parameters.to_vec()));
                model.values.insert(key, value.to_vec());
                (attribute.class, attribute.obis)
            }
            (Apdu::SetRequest(SetRequest::Normal { attribute, .. }), _) => (attribute.class, attribute.obis),
            (Apdu::ActionRequest(ActionRequest::Normal { method, .. }), _) => (method.class, method.obis),
            (Apdu::ReadRequest(read), _) if !reads_object_list(&read) => {
                if let (1, Some(Variable::Name(name))) = (read.variables.len(), read.variables.iter().next()) {
                    let attribute = names.iter().find(|(n, _)| *n == name).ok_or("unnamed")?.1;
                    let mut encoded = Vec::new();
                    encode(&recorded_value(response)?, &mut encoded);
                    model.values.insert((attribute, Vec::new()), encoded);
                }
                continue;
            }
            _ => continue,
        };
        model.objects.push(ObjectEntry { class, version: 0, obis, attributes: ATTRIBUTES, methods: METHODS });
    }
    let mut server = Server::new(ServerConfig {
        management_password: password(exchanges)?,
        short_names: true,
        ..ServerConfig::default()
    });
    let mut reply = Vec::new();
    for Exchange { request, response } in exchanges {
        if !server.handle_receive(&mut model, request, &mut reply) {
            return Err("no answer".into());
        }
        match check(wrapper::open(response)?.1)? {
            Apdu::Aare(theirs) => {
                let Apdu::Aare(ours) = check(wrapper::open(&reply)?.1)? else { return Err("no AARE".into()) };
                if (ours.context, ours.result, ours.diagnostic) != (theirs.context, theirs.result, theirs.diagnostic) {
                    return Err(format!("AARE {ours:?}, expected {theirs:?}").into());
                }
            }
            _ => same("answer", &reply, response)?,
        }
    }
    Ok(())
}
