//! What a cell does with an association: each service asserts what was read against what the server holds.

use libtest_mimic::Failed;
use serde_json::{Value as Json, json};
use taa_dlms::apdu::{DataAccessResult, DataNotification};
use taa_dlms::axdr::encode;
use taa_dlms::cosem::model::Effect;
use taa_dlms::security::{Channel, Form, How, Random, SendCounter};
use taa_dlms::{Obis, Value};

use crate::cell::{Cell, Talk};
use crate::meter::{self, CLOCK, ENERGY, IMAGE, NAME, NOTE, NOW, PROFILE, PUSH, RELAY, ROWS, STATUS, VOLTAGE};
use crate::process::Library;
use crate::security::{METER, Security};
use crate::station::Inside;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Service {
    Objects,
    Get,
    GetList,
    GetBlocks,
    Access,
    Refused,
    /// What the public client sees, and no more.
    Visit,
    Register,
    Set,
    SetBlocks,
    ProfileAll,
    ProfileRange,
    ProfileEntries,
    Relay,
    Clock,
    Image,
    Push,
    /// A push to somebody who only listens.
    PushAlone,
}

impl Service {
    pub(crate) const ALL: [Self; 18] = [
        Self::Objects,
        Self::Get,
        Self::GetList,
        Self::GetBlocks,
        Self::Access,
        Self::Refused,
        Self::Visit,
        Self::Register,
        Self::Set,
        Self::SetBlocks,
        Self::ProfileAll,
        Self::ProfileRange,
        Self::ProfileEntries,
        Self::Relay,
        Self::Clock,
        Self::Image,
        Self::Push,
        Self::PushAlone,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Objects => "object list",
            Self::Get => "get",
            Self::GetList => "get with list",
            Self::GetBlocks => "get in blocks",
            Self::Access => "access",
            Self::Refused => "refusals",
            Self::Visit => "public view",
            Self::Register => "register scaled",
            Self::Set => "set",
            Self::SetBlocks => "set in blocks",
            Self::ProfileAll => "profile, all",
            Self::ProfileRange => "profile, range",
            Self::ProfileEntries => "profile, entries",
            Self::Relay => "relay",
            Self::Clock => "clock",
            Self::Image => "image",
            Self::Push => "push",
            Self::PushAlone => "push, no association",
        }
    }

    /// Longest message that the client takes: short where blocks are the matter.
    pub(crate) const fn pdu_max(self) -> u16 {
        match self {
            Self::GetBlocks | Self::SetBlocks | Self::ProfileAll => 400,
            _ => 0,
        }
    }

    /// Does it, over a standing association.
    pub(crate) fn run(self, talk: &mut Talk, cell: &Cell) -> Result<(), Failed> {
        match self {
            Self::Objects => objects(talk),
            Self::Get => get(talk),
            Self::GetList => get_list(talk),
            Self::GetBlocks => get_blocks(talk),
            Self::Access => access(talk),
            Self::Refused => refused(talk, cell.library),
            Self::Visit => visit(talk, cell.library),
            Self::Register => register(talk),
            Self::Set => set(talk, 10),
            Self::SetBlocks => set(talk, 3000),
            Self::ProfileAll => profile(talk, &json!({}), 0..ROWS),
            Self::ProfileRange => profile(talk, &json!({"between": [meter::stamp(5) - 60, meter::stamp(17)]}), 5..18),
            Self::ProfileEntries => profile(talk, &json!({"entries": [3, 20]}), 2..22),
            Self::Relay => relay(talk),
            Self::Clock => clock(talk),
            Self::Image => image(talk),
            Self::Push | Self::PushAlone => push(talk, &cell.security),
        }
    }
}

pub(crate) fn expect(what: &str, got: &Json, wanted: &Json) -> Result<(), Failed> {
    if got == wanted { Ok(()) } else { Err(format!("{what}: {got}, the server holds {wanted}").into()) }
}

fn objects(talk: &mut Talk) -> Result<(), Failed> {
    let mut seen: Vec<Json> = talk.ask("objects", json!({}))?.as_array().cloned().unwrap_or_default();
    seen.sort_by_key(ToString::to_string);
    let held = meter::objects(&talk.station.inside()?.model);
    expect("objects", &json!(seen), &json!(held))
}

fn get(talk: &mut Talk) -> Result<(), Failed> {
    for (class, obis, attribute) in [(3, ENERGY, 2), (1, NAME, 2), (1, STATUS, 2), (70, RELAY, 4), (7, PROFILE, 4)] {
        let got = talk.ask("get", json!({"kind": class, "ln": meter::text(obis), "attribute": attribute}))?;
        expect("value", &got, &talk.held(class, obis, attribute)?)?;
    }
    Ok(())
}

fn get_list(talk: &mut Talk) -> Result<(), Failed> {
    let wanted = [(3, ENERGY, 2), (1, NAME, 2), (3, VOLTAGE, 2), (70, RELAY, 4), (1, STATUS, 2)];
    let order: Vec<Json> = wanted.iter().map(|(class, obis, id)| json!([class, meter::text(*obis), id])).collect();
    let got = talk.ask("get_list", json!({ "attributes": order }))?;
    let held: Vec<_> =
        wanted.iter().map(|(class, obis, id)| talk.held(*class, *obis, *id)).collect::<Result<_, _>>()?;
    expect("values", &got, &json!(held))
}

/// A long value that the server holds, in blocks and not in one message.
fn get_blocks(talk: &mut Talk) -> Result<(), Failed> {
    let text: Vec<u8> = (0..3000_u32).map(|at| (at % 251) as u8).collect();
    talk.station.inside()?.model.set(NOTE, 2, Value::OctetString(text.as_slice().into()));
    let got = talk.ask("get", json!({"kind": 1, "ln": meter::text(NOTE), "attribute": 2}))?;
    expect("value", &got, &json!({ "hex": meter::hex(&text) }))
}

fn access(talk: &mut Talk) -> Result<(), Failed> {
    let wanted = [(3, ENERGY, 2), (1, NAME, 2), (70, RELAY, 4), (3, Obis([9, 9, 9, 9, 9, 9]), 2)];
    let order: Vec<Json> = wanted.iter().map(|(class, obis, id)| json!([class, meter::text(*obis), id])).collect();
    let got = talk.ask("access", json!({ "attributes": order }))?;
    let mut held = Vec::new();
    for (class, obis, id) in &wanted[..3] {
        held.push(json!([talk.held(*class, *obis, *id)?, 0]));
    }
    held.push(json!([null, DataAccessResult::ObjectUndefined.code()]));
    expect("values", &got, &json!(held))
}

/// What may not be done is refused for the right reason, and the association goes on.
fn refused(talk: &mut Talk, library: Library) -> Result<(), Failed> {
    let energy = json!({"kind": 3, "ln": meter::text(ENERGY), "attribute": 2});
    let undefined = json!({"kind": 3, "ln": "9.9.9.9.9.9", "attribute": 2});
    let name = json!({"kind": 1, "ln": meter::text(NAME), "attribute": 2, "octets": "00"});
    let [unknown, denied] = reasons(library);
    refuses(talk, "get", undefined, unknown)?;
    refuses(talk, "set", name, denied)?;
    let held = talk.held(3, ENERGY, 2)?;
    expect("value", &talk.ask("get", energy)?, &held)
}

/// How a client tells an undefined object, and a denied access.
const fn reasons(library: Library) -> [&'static str; 2] {
    match library {
        Library::Gurux => ["undefined object", "Read-Write denied"],
        Library::Cosem => ["OBJECT_UNDEFINED", "READ_WRITE_DENIED"],
    }
}

fn refuses(talk: &mut Talk, op: &str, order: Json, reason: &str) -> Result<(), Failed> {
    match talk.try_ask(op, order)? {
        Err(fault) if fault.error.contains(reason) => Ok(()),
        other => Err(format!("{op}: {other:?}, {reason} expected").into()),
    }
}

/// The public client reads what identifies the meter; the rest is neither listed nor read nor written.
fn visit(talk: &mut Talk, library: Library) -> Result<(), Failed> {
    let name = json!({"kind": 1, "ln": meter::text(NAME), "attribute": 2});
    expect("name", &talk.ask("get", name.clone())?, &json!({ "hex": meter::hex(meter::DEVICE_NAME) }))?;
    expect("objects", &talk.ask("objects", json!({}))?, &json!([[1, 0, meter::text(NAME)]]))?;
    let [_, denied] = reasons(library);
    refuses(talk, "get", json!({"kind": 3, "ln": meter::text(ENERGY), "attribute": 2}), denied)?;
    let mut write = name;
    write["octets"] = json!("00");
    refuses(talk, "set", write, denied)
}

fn register(talk: &mut Talk) -> Result<(), Failed> {
    let got = talk.ask("register", json!({"kind": 3, "ln": meter::text(VOLTAGE)}))?;
    let volts = got[0].as_f64().unwrap_or(0.0);
    if (volts - 230.1).abs() < 1e-9 && got[1] == 35 { Ok(()) } else { Err(format!("230.1 V read as {got}").into()) }
}

fn set(talk: &mut Talk, bytes: usize) -> Result<(), Failed> {
    // Bytes that HDLC uses for framing.
    let text = "7e7d".repeat(bytes / 2);
    let attribute = json!({"kind": 1, "ln": meter::text(NOTE), "attribute": 2});
    let mut write = attribute.clone();
    write["octets"] = json!(text);
    talk.ask("set", write)?;
    let held = talk.held(1, NOTE, 2)?;
    expect("what was written", &json!({ "hex": text }), &held)?;
    expect("what was read back", &talk.ask("get", attribute)?, &held)
}

fn profile(talk: &mut Talk, how: &Json, rows: std::ops::Range<i64>) -> Result<(), Failed> {
    let mut order = how.clone();
    order["ln"] = json!(meter::text(PROFILE));
    let got = talk.ask("profile", order)?;
    let held: Vec<_> = rows.map(meter::row).collect();
    expect("rows", &got, &json!(held))
}

fn relay(talk: &mut Talk) -> Result<(), Failed> {
    for close in [false, true, false] {
        let seen = talk.ask("relay", json!({"ln": meter::text(RELAY), "close": close}))?;
        expect("relay", &seen, &json!([close, u8::from(close), 4]))?;
        let mut inside = talk.station.inside()?;
        if inside.model.poll_effect() != Some(Effect::Relay(RELAY, close)) {
            return Err(format!("the relay did not move to {close}").into());
        }
    }
    Ok(())
}

fn clock(talk: &mut Talk) -> Result<(), Failed> {
    let ln = meter::text(CLOCK);
    expect("time", &talk.ask("clock", json!({ "ln": ln }))?, &json!(NOW))?;
    expect("time set", &talk.ask("clock", json!({"ln": ln, "to": NOW + 4000}))?, &json!(NOW + 4000))?;
    expect("time shifted", &talk.ask("clock", json!({"ln": ln, "by": -100}))?, &json!(NOW + 3900))?;
    let held = talk.station.inside()?.model.clock_unix_s();
    expect("the meter's clock", &json!(held), &json!(NOW + 3900))
}

fn image(talk: &mut Talk) -> Result<(), Failed> {
    let bytes: Vec<u8> = (0..500_u32).map(|at| (at * 7 + at / 256) as u8).collect();
    let order = json!({"ln": meter::text(IMAGE), "name": "TAA-2.0", "octets": meter::hex(&bytes)});
    let got = talk.ask("image", order)?;
    let blocks = bytes.len().div_ceil(64);
    expect("block size, first missing block, verified, activated", &got, &json!([64, blocks, 3, 6]))?;
    if *talk.station.flash.lock().map_err(|_| "the server has panicked")? != bytes {
        return Err("another image was activated".into());
    }
    let effect = talk.station.inside()?.model.poll_effect();
    if effect == Some(Effect::ImageActivated(b"TAA-2.0".to_vec())) { Ok(()) } else { Err(format!("{effect:?}").into()) }
}

/// The server pushes on the standing connection, as protected as its answers are.
fn push(talk: &mut Talk, security: &Security) -> Result<(), Failed> {
    let held = pushed(talk, security)?;
    expect("pushed values", &talk.ask("push", json!({}))?, &held)
}

/// Sends a notification with that protection; its values as a client must tell them.
pub(crate) fn pushed(talk: &Talk, security: &Security) -> Result<Json, Failed> {
    talk.station.await_line()?;
    let mut inside = talk.station.inside()?;
    let body = inside.model.push_body(PUSH).ok_or("no push")?;
    let mut encoded = Vec::new();
    encode(&body, &mut encoded);
    let mut message = Vec::new();
    let stamp = Some(inside.model.stamp());
    DataNotification { long_invoke_id: 1, date_time: stamp, body: &encoded }.encode(&mut message);
    if !security.protection.is_none() {
        let how = How { form: Form::General, dedicated: security.dedicated, ..How::global(security.protection) };
        // The server's own counter has not come that far: no nonce repeats.
        let mut counter = SendCounter::volatile(5000);
        let mut channel = Channel::new(security.suite, METER, Some(security.keys()));
        channel.set_dedicated(security.dedicated_key().map(|key| key.cipher()));
        channel.protect(&mut message, 0, how, &mut counter, &mut Random::given(&[]), false)?;
    }
    let Inside { port, server, .. } = &mut *inside;
    if !port.push(server, 1, &message) {
        return Err("the link does not carry the push".into());
    }
    inside.drain()?;
    Ok(meter::seen(&body))
}
