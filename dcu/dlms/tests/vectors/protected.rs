//! Kinds `ciphered_apdu`, ciphered `data_notification`, `hls_*` and `ecdsa_verify`: one protected message or one proof.

use taa_dlms::link::wrapper;
use taa_dlms::security::layer::{self, Envelope, LayerKeys, Seal};
use taa_dlms::security::{Channel, Exchange, Hls, Keys, Suite, SystemTitle};
use taa_keys::{CipherKey, Curve, Key, KeyHandle, PublicKey, Secret};
use taa_vectors::Failed;
use taa_vectors::Json;

use crate::messages::check;
use crate::{field, hex, same};

/// A protected message: opened, compared, protected again to the same bytes. An invalid one must not open.
pub(crate) fn message(case: &Json) -> Result<(), Failed> {
    both_ways(case, &hex(field(case, "hex")?)?)
}

/// A wrapper frame around a protected notification.
pub(crate) fn notification(case: &Json) -> Result<(), Failed> {
    let bytes = hex(field(case, "hex")?)?;
    let (addresses, protected) = wrapper::open(&bytes)?;
    both_ways(case, protected)?;
    let mut frame = Vec::new();
    wrapper::begin(&mut frame);
    frame.extend_from_slice(protected);
    wrapper::finish(&mut frame, addresses)?;
    same("frame", &frame, &bytes)?;
    // As a push listener opens it: by the title in the message, and once.
    let cipher = handle(case, "key")?.ok_or("no key")?.cipher();
    let keys =
        Keys { unicast: cipher, authentication: handle(case, "authentication_key")?, broadcast: None, parties: None };
    let (control, _) = layer::header(Envelope::parse(protected)?.body)?;
    let mut channel = Channel::new(control.suite, SystemTitle([0; 8]), Some(keys));
    let mut text = Vec::new();
    channel.open(protected, &mut text)?;
    same("text", &text, &hex(field(case, "plaintext")?)?)?;
    if channel.open(protected, &mut text).is_ok() {
        return Err("taken twice".into());
    }
    check(&hex(field(case, "plaintext")?)?).map(|_| ())
}

fn both_ways(case: &Json, bytes: &[u8]) -> Result<(), Failed> {
    let cipher = handle(case, "key")?.ok_or("no key")?.cipher();
    let authentication = handle(case, "authentication_key")?;
    let keys = LayerKeys { cipher: &cipher, authentication: authentication.as_ref() };
    let title = title(case, "system_title")?.ok_or("no title")?;
    let envelope = Envelope::parse(bytes)?;
    let (control, counter) = layer::header(envelope.body)?;
    let listed = |name: &str| case[name].as_u64();
    if listed("security_control").is_some_and(|byte| byte != u64::from(control.to_byte()))
        || listed("invocation_counter").is_some_and(|listed| listed != u64::from(counter))
        || listed("suite").is_some_and(|suite| suite != u64::from(control.suite.number()))
        || envelope.title.is_some_and(|carried| carried != title)
    {
        return Err(format!("header {control:?} {counter} {:?}", envelope.title).into());
    }
    let mut body = envelope.body.to_vec();
    let opened = layer::open_body(&mut body, title, keys, &[]);
    if case["valid"] == false {
        return if opened.is_err() { Ok(()) } else { Err("a false message was taken".into()) };
    }
    let opened = opened?;
    let plain = hex(field(case, "plaintext")?)?;
    same("text", opened, &plain)?;
    if envelope.plain_tag.is_some_and(|tag| Some(&tag) != plain.first()) {
        return Err("tag of another service".into());
    }
    let mut sealed = plain;
    let seal = Seal { control, title, invocation: counter, keys };
    layer::protect(&mut sealed, 0, envelope.form, envelope.dedicated, &seal)?;
    same("protected again", &sealed, bytes)
}

/// A proof of high-level security, made and checked.
pub(crate) fn proof(case: &Json) -> Result<(), Failed> {
    let kind = field(case, "kind")?;
    let expected = hex(field(case, "hex")?)?;
    let bytes = |name: &str| case[name].as_str().map(hex).transpose();
    let ctos = bytes("ctos")?.unwrap_or_default();
    let stoc = bytes("stoc")?.unwrap_or_default();
    let (client, server) = (title(case, "client_title")?, title(case, "server_title")?);
    // Without a direction in its name a case is the client's answer, f(StoC).
    let exchange = if kind.ends_with("f_ctos") {
        Exchange { prover: server, verifier: client, asked: &ctos, own: &stoc }
    } else {
        Exchange { prover: client, verifier: server, asked: &stoc, own: &ctos }
    };
    let secret = || case["secret"].as_str().map(|text| Secret::new(text.as_bytes())).ok_or("no secret");
    let hls = match kind.strip_prefix("hls_").and_then(|rest| rest.split('_').next()) {
        Some("md5") => Hls::Md5(secret()?),
        Some("sha1") => Hls::Sha1(secret()?),
        Some("sha256") => Hls::Sha256(secret()?),
        Some("gmac") => Hls::Gmac,
        other => return Err(format!("no runner for mechanism {other:?}").into()),
    };
    let cipher = handle(case, "ek")?.map(|key| key.cipher());
    let authentication = handle(case, "ak")?;
    let keys = cipher.as_ref().map(|cipher| LayerKeys { cipher, authentication: authentication.as_ref() });
    let suite = match (case["suite"].as_u64(), cipher.as_ref().map(CipherKey::bits)) {
        (Some(number), _) => Suite::from_number(number.try_into()?).ok_or("suite")?,
        (None, Some(256)) => Suite::Two,
        (None, _) => Suite::Zero,
    };
    let counter = case["ic"].as_u64().unwrap_or(0).try_into()?;
    same("proof", &hls.prove(&exchange, suite, keys, || Ok(counter))?, &expected)?;
    hls.check(&exchange, suite, keys, &expected)?;
    for at in 0..expected.len() {
        let mut broken = expected.clone();
        broken[at] ^= 0x40;
        if hls.check(&exchange, suite, keys, &broken).is_ok() {
            return Err(format!("taken with byte {at} changed").into());
        }
    }
    Ok(())
}

/// A signature R ‖ S.
pub(crate) fn signature(case: &Json) -> Result<(), Failed> {
    let curve = if case["suite"] == 2 { Curve::P384 } else { Curve::P256 };
    let key = PublicKey::from_bytes(curve, &hex(field(case, "public_key")?)?)?;
    let taken = key.verify(&[&hex(field(case, "message")?)?], &hex(field(case, "hex")?)?).is_ok();
    let valid = case["valid"].as_bool().ok_or("no verdict")?;
    if taken == valid { Ok(()) } else { Err(format!("taken: {taken}, valid: {valid}").into()) }
}

pub(crate) fn handle(case: &Json, name: &str) -> Result<Option<KeyHandle>, Failed> {
    let Some(text) = case[name].as_str() else { return Ok(None) };
    Ok(Some(KeyHandle::new(Key::from_bytes(&hex(text)?).ok_or("key length")?)))
}

fn title(case: &Json, name: &str) -> Result<Option<SystemTitle>, Failed> {
    let Some(text) = case[name].as_str() else { return Ok(None) };
    Ok(Some(SystemTitle::from_bytes(&hex(text)?).ok_or("title length")?))
}
