//! Kind `transcript` with high-level security: our client against the recorded meter and our server against the recorded
//! client, with the recorded challenges, keys and counters. Under the same invoke id every protected message must be
//! equal to the byte; signatures, which differ each time, are verified instead.
//!
//! The cases do not list their keys: they are the meter peer's defaults (its README), which a case may override.

use taa_dlms::apdu::{
    Aare, Aarq, ActionRequest, ActionResponse, Apdu, ApplicationContext, DataAccessResult, GetRequest, GetResponse,
    InitiateRequest, Mechanism, MethodRef, SetRequest,
};
use taa_dlms::axdr::{decode_all, encode};
use taa_dlms::client::{Auth, Client, ClientConfig, ClientEvent, Output};
use taa_dlms::cosem::{ObjectEntry, association};
use taa_dlms::link::wrapper::{self, HEADER_BYTES};
use taa_dlms::security::layer::{self, Envelope, LayerKeys, Seal};
use taa_dlms::security::{
    AssociationSecurity, ClientSecurity, Form, Hls, Keys, Policy, Protection, Random, SecurityControl, SendCounter,
    ServerSecurity, Suite, SystemTitle,
};
use taa_dlms::server::{Server, ServerConfig};
use taa_keys::{Curve, Key, KeyHandle, PrivateKey, Secret};
use taa_vectors::Failed;
use taa_vectors::Json;

use crate::messages::check;
use crate::protected::handle;
use crate::same;
use crate::transcript::{ATTRIBUTES, Exchange, METHODS, Recorded, exchanges};

/// The conversation is under high-level security or ciphered.
pub(crate) fn applies(case: &Json) -> bool {
    let first = || {
        let exchanges = exchanges(case).ok()?;
        let request = exchanges.into_iter().next()?.request;
        let (_, message) = wrapper::open(&request).ok()?;
        match Apdu::decode(message).ok()? {
            Apdu::Aarq(aarq) => {
                Some(aarq.mechanism.is_some_and(|m| m.number() > 1) || aarq.context == ApplicationContext::LnCiphered)
            }
            _ => None,
        }
    };
    first().unwrap_or(false)
}

/// What both sides know.
struct Scene {
    suite: Suite,
    unicast: KeyHandle,
    authentication: KeyHandle,
    dedicated: Vec<u8>,
    client: SystemTitle,
    server: SystemTitle,
    ctos: Vec<u8>,
    stoc: Vec<u8>,
    mechanism: Mechanism,
    password: Option<Secret>,
    protection: Protection,
    client_counter: u32,
    server_counter: u32,
    form: Form,
}

/// A message, opened if it was protected.
struct Opened {
    plain: Vec<u8>,
    cover: Option<(Form, bool, SecurityControl, u32)>,
}

pub(crate) fn run(case: &Json) -> Result<(), Failed> {
    let exchanges = exchanges(case)?;
    let scene = Scene::read(case, &exchanges)?;
    scene.as_client(&exchanges)?;
    scene.as_server(&exchanges)
}

impl Scene {
    fn read(case: &Json, exchanges: &[Exchange]) -> Result<Self, Failed> {
        let first = exchanges.first().ok_or("empty")?;
        let (aarq, aare) = (aarq(&first.request)?, aare(&first.response)?);
        let suite = Suite::from_number(case["suite"].as_u64().unwrap_or(0).try_into()?).ok_or("suite")?;
        let default = |from: u8| {
            let bytes: Vec<u8> = (from..).take(suite.key_bits() / 8).collect();
            Key::from_bytes(&bytes).map(KeyHandle::new).ok_or("key length")
        };
        let title = |bytes: Option<&[u8]>| bytes.and_then(SystemTitle::from_bytes).unwrap_or(SystemTitle([0; 8]));
        let information = aarq.user_information.ok_or("no user information")?;
        let mut scene = Self {
            suite,
            unicast: handle(case, "key")?.map_or_else(|| default(0x00), Ok)?,
            authentication: handle(case, "authentication_key")?.map_or_else(|| default(0xD0), Ok)?,
            dedicated: Vec::new(),
            client: title(aarq.calling_title),
            server: title(aare.responding_title),
            ctos: aarq.authentication_value.unwrap_or(&[]).to_vec(),
            stoc: aare.authentication_value.unwrap_or(&[]).to_vec(),
            mechanism: aarq.mechanism.unwrap_or(Mechanism::Lowest),
            password: None,
            protection: Protection::NONE,
            client_counter: 0,
            server_counter: 0,
            form: Form::Service,
        };
        if scene.mechanism == Mechanism::Low {
            scene.password = Some(Secret::new(&scene.ctos));
        }
        let initiate = scene.open(information, true)?;
        if let Some((_, _, control, counter)) = initiate.cover {
            scene.protection = control.protection;
            scene.client_counter = counter;
            let answer = Envelope::parse(aare.user_information.ok_or("no user information")?)?;
            scene.server_counter = layer::header(answer.body)?.1;
        }
        scene.dedicated = InitiateRequest::decode(&initiate.plain)?.dedicated_key.unwrap_or(&[]).to_vec();
        let general = exchanges.iter().any(|e| matches!(e.request.get(HEADER_BYTES), Some(0xDB | 0xDC)));
        if general {
            scene.form = Form::General;
        }
        if scene.mechanism == Mechanism::HighGmac && scene.protection.is_none() {
            // The counters are inside the proofs.
            for Exchange { request, response } in exchanges {
                if let Apdu::ActionRequest(action) = check(message(request)?)?
                    && let Some(proof) = decode_all(parameter_of(&action).unwrap_or(&[0]))?.as_bytes()
                    && is_proof(&action)
                {
                    scene.client_counter = layer::header(proof)?.1;
                    if let Apdu::ActionResponse(answer) = check(message(response)?)?
                        && let Some(Ok(returned)) = returned_of(&answer)
                        && let Some(proof) = decode_all(returned)?.as_bytes()
                    {
                        scene.server_counter = layer::header(proof)?.1;
                    }
                }
            }
        }
        Ok(scene)
    }

    fn hls(&self, as_client: bool) -> Result<Option<Hls>, Failed> {
        let secret = Secret::new(b"Gurux");
        Ok(Some(match self.mechanism {
            Mechanism::Lowest | Mechanism::Low => return Ok(None),
            Mechanism::HighMd5 => Hls::Md5(secret),
            Mechanism::HighSha1 => Hls::Sha1(secret),
            Mechanism::HighGmac => Hls::Gmac,
            Mechanism::HighSha256 => Hls::Sha256(secret),
            Mechanism::HighEcdsa => {
                let (client, server) = (self.signing(0x22)?, self.signing(0x11)?);
                let (own, peer) = if as_client { (client, server) } else { (server, client) };
                Hls::Ecdsa { own, peer: peer.public() }
            }
            other => return Err(format!("no keys for {other:?}").into()),
        }))
    }

    fn signing(&self, byte: u8) -> Result<PrivateKey, Failed> {
        let curve = if self.suite == Suite::Two { Curve::P384 } else { Curve::P256 };
        let mut scalar = vec![0; curve.bytes()];
        let at = curve.bytes() - 32;
        scalar[at..].fill(byte);
        Ok(PrivateKey::from_bytes(curve, &scalar)?)
    }

    fn keys(&self) -> Keys {
        Keys {
            unicast: self.unicast.cipher(),
            authentication: Some(self.authentication.clone()),
            broadcast: None,
            parties: None,
        }
    }

    fn open(&self, message: &[u8], by_client: bool) -> Result<Opened, Failed> {
        let Ok(envelope) = Envelope::parse(message) else {
            return Ok(Opened { plain: message.to_vec(), cover: None });
        };
        let (control, counter) = layer::header(envelope.body)?;
        let mut body = envelope.body.to_vec();
        let title = if by_client { self.client } else { self.server };
        let cipher = self.cipher(envelope.dedicated)?.cipher();
        let keys = LayerKeys { cipher: &cipher, authentication: Some(&self.authentication) };
        let plain = layer::open_body(&mut body, title, keys, &[])?.to_vec();
        Ok(Opened { plain, cover: Some((envelope.form, envelope.dedicated, control, counter)) })
    }

    fn close(&self, opened: &Opened, by_client: bool) -> Result<Vec<u8>, Failed> {
        let mut message = opened.plain.clone();
        if let Some((form, dedicated, control, counter)) = opened.cover {
            let title = if by_client { self.client } else { self.server };
            let cipher = self.cipher(dedicated)?.cipher();
            let keys = LayerKeys { cipher: &cipher, authentication: Some(&self.authentication) };
            let seal = Seal { control, title, invocation: counter, keys };
            layer::protect(&mut message, 0, form, dedicated, &seal)?;
        }
        Ok(message)
    }

    fn cipher(&self, dedicated: bool) -> Result<KeyHandle, Failed> {
        if !dedicated {
            return Ok(self.unicast.clone());
        }
        Ok(KeyHandle::new(Key::from_bytes(&self.dedicated).ok_or("no dedicated key")?))
    }

    fn as_client(&self, exchanges: &[Exchange]) -> Result<(), Failed> {
        let hls = self.hls(true)?;
        let auth = match (hls, &self.password) {
            (Some(hls), _) => Auth::High(hls),
            (None, Some(password)) => Auth::Lls(password.clone()),
            (None, None) => Auth::None,
        };
        let mut client = Client::secured(
            ClientConfig::new(auth),
            ClientSecurity {
                suite: self.suite,
                title: self.client,
                server_title: None,
                keys: Some(self.keys()),
                policy: Policy::both(self.protection),
                form: self.form,
                dedicated: !self.dedicated.is_empty(),
                challenge_bytes: self.ctos.len(),
                counter: SendCounter::volatile(self.client_counter),
                random: Random::given(&[self.dedicated.as_slice(), &self.ctos].concat()),
            },
        );
        for Exchange { request, response } in exchanges {
            let theirs = self.open(message(request)?, true)?;
            let answer = self.open(message(response)?, false)?;
            let apdu = check(&theirs.plain)?;
            let mut proof = false;
            match &apdu {
                Apdu::Aarq(_) => client.associate(0)?,
                Apdu::Rlrq(_) => client.release(0)?,
                Apdu::GetRequest(GetRequest::Normal { attribute, selection: None, .. }) => {
                    client.read(0, &[*attribute])?;
                }
                Apdu::SetRequest(SetRequest::Normal { attribute, value, .. }) => {
                    client.write(0, *attribute, &decode_all(value)?)?;
                }
                // The client proves itself unasked.
                Apdu::ActionRequest(action) if is_proof(action) => proof = true,
                Apdu::ActionRequest(action) => {
                    client.invoke(0, method_of(action), parameter_of(action).map(decode_all).transpose()?.as_ref())?;
                }
                other => return Err(format!("no command for {other:?}").into()),
            }
            let Output::Transmit(sent) = client.poll_output() else { return Err("nothing sent".into()) };
            let sent = sent.to_vec();
            let mut ours = self.open(message(&sent)?, true)?;
            let invoke = ours.plain.get(2).copied().unwrap_or(0);
            match &apdu {
                Apdu::Aarq(theirs) => self.same_aarq(&aarq(&sent)?, theirs)?,
                // Signatures differ each time: both must be good.
                Apdu::ActionRequest(action) if proof && self.mechanism == Mechanism::HighEcdsa => {
                    let Apdu::ActionRequest(own) = check(&ours.plain)? else { return Err("no proof".into()) };
                    for action in [&own, action] {
                        self.verify(parameter_of(action), true)?;
                    }
                }
                _ => {
                    if matches!(theirs.plain.first(), Some(0xC0 | 0xC1 | 0xC3)) {
                        ours.plain[2] = theirs.plain[2];
                    }
                    same("request", &self.close(&ours, true)?, message(request)?)?;
                }
            }
            let mut answer = answer;
            if matches!(answer.plain.first(), Some(0xC4 | 0xC5 | 0xC7)) {
                answer.plain[2] = invoke;
            }
            let mut frame = Vec::new();
            wrapper::begin(&mut frame);
            frame.extend_from_slice(&self.close(&answer, false)?);
            wrapper::finish(&mut frame, wrapper::open(response)?.0)?;
            client.handle_receive(1, &frame);
            if matches!(apdu, Apdu::Aarq(_)) && self.hls(true)?.is_some() {
                continue;
            }
            expect_end(&mut client, &answer.plain)?;
        }
        if client.is_associated() { Err("still associated after the release".into()) } else { Ok(()) }
    }

    fn same_aarq(&self, ours: &Aarq<'_>, theirs: &Aarq<'_>) -> Result<(), Failed> {
        let fields = |m: &Aarq<'_>| {
            (
                m.context,
                m.authenticates,
                m.mechanism,
                m.authentication_value.map(<[u8]>::to_vec),
                m.calling_title.map(<[u8]>::to_vec),
            )
        };
        if fields(ours) != fields(theirs) {
            return Err(format!("AARQ {ours:?}, expected {theirs:?}").into());
        }
        let ours = self.open(ours.user_information.unwrap_or(&[]), true)?;
        let theirs = self.open(theirs.user_information.unwrap_or(&[]), true)?;
        let key = |opened: &Opened| {
            Ok::<_, Failed>(InitiateRequest::decode(&opened.plain)?.dedicated_key.map(<[u8]>::to_vec))
        };
        if ours.cover != theirs.cover || key(&ours)? != key(&theirs)? {
            return Err("the initiate request is protected otherwise".into());
        }
        Ok(())
    }

    fn verify(&self, parameter: Option<&[u8]>, by_client: bool) -> Result<(), Failed> {
        let value = decode_all(parameter.ok_or("no proof")?)?;
        let proof = value.as_bytes().ok_or("no octets")?;
        let (from, to, asked, own) = if by_client {
            (self.client, self.server, &self.stoc, &self.ctos)
        } else {
            (self.server, self.client, &self.ctos, &self.stoc)
        };
        let key = self.signing(if by_client { 0x22 } else { 0x11 })?.public();
        Ok(key.verify(&[&from.0, &to.0, asked, own], proof)?)
    }

    fn as_server(&self, exchanges: &[Exchange]) -> Result<(), Failed> {
        let mut model = Recorded::default();
        for Exchange { request, response } in exchanges {
            let (request, response) = (self.open(message(request)?, true)?, self.open(message(response)?, false)?);
            let (class, obis) = match (check(&request.plain)?, check(&response.plain)?) {
                (
                    Apdu::GetRequest(GetRequest::Normal { attribute, .. }),
                    Apdu::GetResponse(GetResponse::Normal { result: Ok(value), .. }),
                ) => {
                    model.values.insert((attribute, Vec::new()), value.to_vec());
                    (attribute.class, attribute.obis)
                }
                (Apdu::SetRequest(SetRequest::Normal { attribute, .. }), _) => (attribute.class, attribute.obis),
                (Apdu::ActionRequest(action), _) if !is_proof(&action) => {
                    (method_of(&action).class, method_of(&action).obis)
                }
                _ => continue,
            };
            model.objects.push(ObjectEntry { class, version: 0, obis, attributes: ATTRIBUTES, methods: METHODS });
        }
        let config = ServerConfig { management_password: self.password.clone(), ..ServerConfig::default() };
        let management = AssociationSecurity {
            suite: self.suite,
            keys: Some(self.keys()),
            policy: Policy::both(self.protection),
            hls: self.hls(false)?,
            challenge_bytes: self.stoc.len(),
            client_title: None,
        };
        let mut server = Server::secured(
            config,
            ServerSecurity {
                title: self.server,
                counter: SendCounter::volatile(self.server_counter),
                random: Random::given(&self.stoc),
                management: Some(management),
                public: None,
            },
        );
        let mut reply = Vec::new();
        for Exchange { request, response } in exchanges {
            if !server.handle_receive(&mut model, request, &mut reply) {
                return Err("no answer".into());
            }
            let theirs = self.open(message(response)?, false)?;
            match check(&theirs.plain)? {
                Apdu::Aare(theirs) => self.same_aare(&aare(&reply)?, &theirs)?,
                Apdu::ActionResponse(answer)
                    if returned_of(&answer).is_some() && self.mechanism == Mechanism::HighEcdsa =>
                {
                    let Apdu::ActionResponse(ours) = check(message(&reply)?)? else { return Err("no proof".into()) };
                    self.verify(returned_of(&answer).and_then(Result::ok), false)?;
                    self.verify(returned_of(&ours).and_then(Result::ok), false)?;
                }
                _ => same("answer", &reply, response)?,
            }
            // The same request once more is a replay.
            if self.open(message(request)?, true)?.cover.is_some() {
                let mut again = Vec::new();
                server.handle_receive(&mut model, request, &mut again);
                if !matches!(check(message(&again)?)?, Apdu::ExceptionResponse(_)) {
                    return Err("a replay was answered".into());
                }
            }
        }
        Ok(())
    }

    fn same_aare(&self, ours: &Aare<'_>, theirs: &Aare<'_>) -> Result<(), Failed> {
        let fields = |m: &Aare<'_>| {
            (
                m.context,
                m.result,
                m.diagnostic,
                m.mechanism,
                m.authentication_value.map(<[u8]>::to_vec),
                m.responding_title.map(<[u8]>::to_vec),
            )
        };
        if fields(ours) != fields(theirs) {
            return Err(format!("AARE {ours:?}, expected {theirs:?}").into());
        }
        let ours = self.open(ours.user_information.unwrap_or(&[]), false)?;
        let theirs = self.open(theirs.user_information.unwrap_or(&[]), false)?;
        if ours.cover != theirs.cover {
            return Err(format!("{:?}, expected {:?}", ours.cover, theirs.cover).into());
        }
        Ok(())
    }
}

fn is_proof(action: &ActionRequest<'_>) -> bool {
    method_of(action).class == association::CLASS && method_of(action).method == association::REPLY_TO_HLS
}

fn message(frame: &[u8]) -> Result<&[u8], Failed> {
    Ok(wrapper::open(frame)?.1)
}

fn aarq(frame: &[u8]) -> Result<Aarq<'_>, Failed> {
    match check(message(frame)?)? {
        Apdu::Aarq(aarq) => Ok(aarq),
        other => Err(format!("no AARQ: {other:?}").into()),
    }
}

fn aare(frame: &[u8]) -> Result<Aare<'_>, Failed> {
    match check(message(frame)?)? {
        Apdu::Aare(aare) => Ok(aare),
        other => Err(format!("no AARE: {other:?}").into()),
    }
}

/// The command ends, with the value that the answer carries if it carries one.
fn expect_end(client: &mut Client, answer: &[u8]) -> Result<(), Failed> {
    let mut ends = 0;
    loop {
        match (client.poll_output(), check(answer)?) {
            (Output::Event(ClientEvent::Associated(_)), _) => {}
            (Output::Event(ClientEvent::Done(_)), _) => ends += 1,
            (
                Output::Event(ClientEvent::Values([Ok(value)])),
                Apdu::GetResponse(GetResponse::Normal { result: Ok(recorded), .. }),
            ) => {
                let mut encoded = Vec::new();
                encode(value, &mut encoded);
                same("value", &encoded, recorded)?;
                ends += 1;
            }
            (Output::Timeout(None), _) if ends == 1 => return Ok(()),
            (other, _) => return Err(format!("unexpected {other:?} (after {ends} ends)").into()),
        }
    }
}

fn method_of(action: &ActionRequest<'_>) -> MethodRef {
    match action {
        ActionRequest::Normal { method, .. } => *method,
        _ => MethodRef::new(0, taa_dlms::Obis([0; 6]), 0),
    }
}

fn parameter_of<'a>(action: &ActionRequest<'a>) -> Option<&'a [u8]> {
    match action {
        ActionRequest::Normal { parameter, .. } => *parameter,
        _ => None,
    }
}

fn returned_of<'a>(answer: &ActionResponse<'a>) -> Option<Result<&'a [u8], DataAccessResult>> {
    match answer {
        ActionResponse::Normal { result, .. } => result.returned,
        _ => None,
    }
}
