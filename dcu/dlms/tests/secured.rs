//! Our client against our server under security: every mechanism, suite and form; what is lost, repeated, changed on the
//! way, replayed, or done by an impostor.

mod common;

use std::collections::BTreeSet;

use common::{Bench, DISCONNECT, ENERGY, LONG, NAME, PASSWORD, RELAY, Told, values};
use taa_dlms::apdu::{Aare, Apdu, AssociationResult, Diagnostic, InitiateResponse};
use taa_dlms::client::{Associated, Auth, Client, ClientConfig, Output, Referencing};
use taa_dlms::cosem::Level;
use taa_dlms::error::{Refusal, SecurityFault, TransportFault};
use taa_dlms::link::wrapper::{self, HEADER_BYTES};
use taa_dlms::security::general::{Agreement, Ciphered, Signed};
use taa_dlms::security::layer::{Envelope, header};
use taa_dlms::security::{
    AssociationSecurity, ClientSecurity, Exchange, Form, Hls, KeySource, Keys, PartyKeys, Policy, Protection, Random,
    SendCounter, ServerSecurity, Suite, SystemTitle,
};
use taa_dlms::server::{Server, ServerConfig};
use taa_dlms::{AttributeRef, Error, Value};
use taa_keys::{Curve, Drbg, Key, KeyHandle, PrivateKey, Secret};

const CLIENT: SystemTitle = SystemTitle(*b"TAA\0\0\0\0\x01");
const METER: SystemTitle = SystemTitle(*b"SIM\0\0\0\0\x01");
const ALL: [AttributeRef; 3] = [ENERGY, RELAY, NAME];
const OPENED: Told = Told::Associated(Associated::Opened);

/// What both sides are set up with; tests change one side.
#[derive(Clone, Copy)]
struct Scene {
    suite: Suite,
    protection: Protection,
    form: Form,
    dedicated: bool,
    encryption: u8,
    authentication: u8,
    auth: fn(&Scene, bool) -> Option<Hls>,
    secret: &'static [u8],
    signing: [u8; 2],
    /// Keys for general-ciphering and general-signing.
    parties: bool,
    signed: bool,
    short: bool,
    counter: SendCounter,
}

impl Scene {
    fn new() -> Self {
        Self {
            suite: Suite::Zero,
            protection: Protection::BOTH,
            form: Form::Service,
            dedicated: false,
            encryption: 1,
            authentication: 2,
            auth: |_, _| Some(Hls::Gmac),
            secret: b"a secret of both",
            signing: [0x22, 0x11],
            parties: false,
            signed: false,
            short: false,
            counter: SendCounter::resume(100, 64),
        }
    }

    fn key(&self, byte: u8) -> KeyHandle {
        KeyHandle::new(Key::from_bytes(&vec![byte; self.suite.key_bits() / 8]).unwrap())
    }

    fn private(&self, byte: u8) -> PrivateKey {
        let curve = if self.suite == Suite::Two { Curve::P384 } else { Curve::P256 };
        PrivateKey::from_bytes(curve, &vec![byte; curve.bytes()]).unwrap()
    }

    fn policy(&self) -> Policy {
        Policy { signed_request: self.signed, signed_response: self.signed, ..Policy::both(self.protection) }
    }

    fn keys(&self, as_client: bool) -> Keys {
        let [client, server] = self.signing.map(|byte| self.private(byte));
        let (own, peer) = if as_client { (client, server) } else { (server, client) };
        let agree = [0x44, 0x55].map(|byte| self.private(byte));
        let [first, second] = if as_client { agree } else { [agree[1].clone(), agree[0].clone()] };
        let parties = PartyKeys {
            master: Some(self.key(7)),
            agreement: Some(Agreement { own: first, peer: second.public(), peer_signing: Some(peer.public()) }),
            signing: Some(own),
            peer_signing: Some(peer.public()),
        };
        Keys {
            unicast: self.key(self.encryption).cipher(),
            authentication: Some(self.key(self.authentication)),
            broadcast: None,
            parties: self.parties.then(|| Box::new(parties)),
        }
    }

    fn client(&self) -> Client {
        let auth = (self.auth)(self, true).map_or_else(|| Auth::password(PASSWORD), Auth::High);
        let referencing = if self.short { Referencing::ShortNames } else { Referencing::LogicalNames };
        let config = ClientConfig { retries: 3, referencing, ..ClientConfig::new(auth) };
        Client::secured(
            config,
            ClientSecurity {
                suite: self.suite,
                title: CLIENT,
                server_title: Some(METER),
                keys: Some(self.keys(true)),
                policy: self.policy(),
                form: self.form,
                dedicated: self.dedicated,
                challenge_bytes: 32,
                counter: self.counter,
                random: Random::generator(Drbg::new(&[3; 48], &[], b"client")),
            },
        )
    }

    fn server(&self) -> Server {
        Server::secured(
            ServerConfig {
                management_password: Some(Secret::new(PASSWORD)),
                short_names: self.short,
                ..ServerConfig::default()
            },
            ServerSecurity {
                title: METER,
                counter: SendCounter::volatile(7),
                random: Random::generator(Drbg::new(&[4; 48], &[], b"meter")),
                management: Some(AssociationSecurity {
                    suite: self.suite,
                    keys: Some(self.keys(false)),
                    policy: self.policy(),
                    hls: (self.auth)(self, false),
                    challenge_bytes: 32,
                    client_title: (!self.protection.is_none()).then_some(CLIENT),
                }),
                public: None,
            },
        )
    }

    fn bench(&self) -> Bench {
        let mut bench = Bench::new();
        bench.client = self.client();
        bench.server = self.server();
        bench
    }
}

fn ecdsa(scene: &Scene, as_client: bool) -> Option<Hls> {
    let curve = if scene.suite == Suite::Two { Curve::P384 } else { Curve::P256 };
    let key = |byte| PrivateKey::from_bytes(curve, &vec![byte; curve.bytes()]).unwrap();
    let [client, server] = scene.signing.map(key);
    let (own, peer) = if as_client { (client, server) } else { (server, client) };
    Some(Hls::Ecdsa { own, peer: peer.public() })
}

fn reversed(secret: &[u8], exchange: &Exchange<'_>) -> Vec<u8> {
    [secret, exchange.asked].concat().into_iter().rev().collect()
}

const MECHANISMS: [fn(&Scene, bool) -> Option<Hls>; 7] = [
    |_, _| None,
    |scene, _| Some(Hls::Manufacturer(Secret::new(scene.secret), reversed)),
    |scene, _| Some(Hls::Md5(Secret::new(scene.secret))),
    |scene, _| Some(Hls::Sha1(Secret::new(scene.secret))),
    |_, _| Some(Hls::Gmac),
    |scene, _| Some(Hls::Sha256(Secret::new(scene.secret))),
    ecdsa,
];

#[test]
fn every_mechanism_suite_protection_and_form_works() {
    let mut cells = 0;
    for auth in MECHANISMS {
        for suite in [Suite::Zero, Suite::One, Suite::Two] {
            for protection in [Protection::NONE, Protection::AUTHENTICATED, Protection::ENCRYPTED, Protection::BOTH] {
                for form in [Form::Service, Form::General] {
                    for dedicated in [false, true] {
                        if protection.is_none() && (dedicated || form == Form::General) {
                            continue;
                        }
                        let scene = Scene { auth, suite, protection, form, dedicated, ..Scene::new() };
                        let mut bench = scene.bench();
                        bench.client.read(0, &ALL).unwrap();
                        assert_eq!(bench.run(), [OPENED, values(123_456, true)]);
                        let note = Value::OctetString([7_u8; 3000].as_slice().into());
                        bench.client.write(0, LONG, &note).unwrap();
                        assert_eq!(bench.run(), [Told::Done]);
                        bench.client.read(0, &[LONG]).unwrap();
                        assert_eq!(bench.run(), [Told::Values(vec![Ok(note)])]);
                        bench.client.invoke(0, DISCONNECT, None).unwrap();
                        assert_eq!(bench.run(), [Told::Done]);
                        check_wire(&bench, &scene);
                        cells += 1;
                    }
                }
            }
        }
    }
    assert_eq!(cells, 7 * 3 * (1 + 3 * 4));
}

#[test]
fn every_mechanism_and_protection_works_by_short_names() {
    for auth in MECHANISMS {
        for suite in [Suite::Zero, Suite::One, Suite::Two] {
            for protection in [Protection::NONE, Protection::AUTHENTICATED, Protection::BOTH] {
                for form in [Form::Service, Form::General] {
                    let scene = Scene { auth, suite, protection, form, short: true, ..Scene::new() };
                    let mut bench = scene.bench();
                    bench.client.read(0, &ALL).unwrap();
                    assert_eq!(bench.run(), [OPENED, values(123_456, true)], "{suite:?} {protection:?} {form:?}");
                    let note = Value::OctetString([7_u8; 3000].as_slice().into());
                    bench.client.write(0, LONG, &note).unwrap();
                    assert_eq!(bench.run(), [Told::Done]);
                    bench.client.read(0, &[LONG]).unwrap();
                    assert_eq!(bench.run(), [Told::Values(vec![Ok(note)])]);
                    bench.client.invoke(0, DISCONNECT, None).unwrap();
                    assert_eq!(bench.run(), [Told::Done]);
                    assert_eq!(bench.device.actions, 1);
                    // Sabotage: another secret or another key opens nothing.
                    let wrong = Scene { secret: b"another secret..", signing: [0x23, 0x11], encryption: 9, ..scene };
                    bench.client = wrong.client();
                    bench.client.read(0, &ALL).unwrap();
                    let told = bench.run();
                    let none = (auth)(&scene, true).is_none() && protection.is_none();
                    assert_eq!(matches!(told.last(), Some(Told::Failed(Error::Security(_)))), !none, "{told:?}");
                }
            }
        }
    }
}

#[test]
fn keys_between_parties_and_signatures() {
    use KeySource::{Identified, OnePass, Static, Wrapped};
    let mut cells = 0;
    for suite in [Suite::Zero, Suite::One, Suite::Two] {
        for form in
            [Form::Service, Form::General].into_iter().chain([Identified, Wrapped, OnePass, Static].map(Form::Parties))
        {
            for protection in [Protection::AUTHENTICATED, Protection::BOTH] {
                for signed in [false, true] {
                    // Suite 0 has no curve.
                    let curve = signed || matches!(form, Form::Parties(OnePass | Static));
                    if curve && suite == Suite::Zero {
                        continue;
                    }
                    let scene = Scene { suite, form, protection, signed, parties: true, ..Scene::new() };
                    let mut bench = scene.bench();
                    bench.client.read(0, &ALL).unwrap();
                    assert_eq!(bench.run(), [OPENED, values(123_456, true)], "{suite:?} {form:?} {signed}");
                    let note = Value::OctetString([7_u8; 3000].as_slice().into());
                    bench.client.write(0, LONG, &note).unwrap();
                    assert_eq!(bench.run(), [Told::Done]);
                    bench.client.read(0, &[LONG]).unwrap();
                    assert_eq!(bench.run(), [Told::Values(vec![Ok(note)])]);
                    // Both ways as agreed.
                    for frame in [&bench.last_request, &bench.last_answer] {
                        assert!(frame.len() <= HEADER_BYTES + 1024);
                        let message = &frame[HEADER_BYTES..];
                        assert_eq!(Signed::parse(message).is_ok(), signed);
                        if !signed && let Form::Parties(_) = form {
                            assert!(Ciphered::parse(message).unwrap().header.recipient.is_some());
                        }
                    }
                    // Neither replays nor changes are taken.
                    let mut reply = Vec::new();
                    let request = bench.last_request.clone();
                    assert!(bench.server.handle_receive(&mut bench.device, &request, &mut reply));
                    assert_eq!(&reply[HEADER_BYTES..HEADER_BYTES + 3], &[0xD8, 1, 6]);
                    let mut broken = request;
                    *broken.last_mut().unwrap() ^= 1;
                    assert!(bench.server.handle_receive(&mut bench.device, &broken, &mut reply));
                    assert_eq!(reply[HEADER_BYTES], 0xD8);
                    cells += 1;
                }
            }
        }
    }
    assert_eq!(cells, 2 * (4 + 2 * 12));
    // Who does not sign is refused where signatures are demanded.
    let scene = Scene { suite: Suite::One, parties: true, signed: true, ..Scene::new() };
    let mut bench = scene.bench();
    bench.client = Scene { signed: false, ..scene }.client();
    bench.client.read(0, &[ENERGY]).unwrap();
    assert!(matches!(bench.run().last(), Some(Told::Failed(_))));
}

/// What the client sent is protected as agreed, under counters that never repeat.
fn check_wire(bench: &Bench, scene: &Scene) {
    let mut counters = BTreeSet::new();
    for frame in &bench.sent {
        assert!(frame.len() <= HEADER_BYTES + 1024, "the meter's limit counts the protection too");
        let message = &frame[HEADER_BYTES..];
        if let Ok(envelope) = Envelope::parse(message) {
            let (control, counter) = header(envelope.body).unwrap();
            assert_eq!((control.suite, control.protection), (scene.suite, scene.protection));
            assert!(counters.insert((envelope.dedicated, counter)), "counter {counter} used twice");
            if control.protection.encrypted {
                assert!(!message.windows(3).any(|bytes| bytes == [0xC0, 1, 0xC1]));
            }
        } else {
            assert!(scene.protection.is_none() || message[0] == 0x60, "{:#04x} went out plain", message[0]);
        }
    }
    assert_eq!(counters.is_empty(), scene.protection.is_none());
}

#[test]
fn lost_frames_are_repeated_under_fresh_counters() {
    for dedicated in [false, true] {
        for lost in 0..9 {
            let scene = Scene { dedicated, ..Scene::new() };
            let mut bench = scene.bench();
            bench.lose_requests = vec![lost];
            bench.lose_answers = vec![lost + 1, lost + 3];
            bench.client.read(0, &ALL).unwrap();
            let told = bench.run();
            assert_eq!(told.last(), Some(&values(123_456, true)), "{lost}: {told:?}");
            bench.client.write(bench.now, LONG, &Value::OctetString([7_u8; 3000].as_slice().into())).unwrap();
            assert_eq!(bench.run().last(), Some(&Told::Done), "{lost}");
            check_wire(&bench, &scene);
        }
    }
}

#[test]
fn a_frame_sent_twice_is_a_replay_and_carried_out_once() {
    let mut bench = Scene::new().bench();
    bench.client.invoke(0, DISCONNECT, None).unwrap();
    assert_eq!(bench.run(), [OPENED, Told::Done]);
    assert_eq!(bench.device.actions, 1);
    let mut reply = Vec::new();
    for frame in &bench.sent.clone() {
        if frame[HEADER_BYTES] == 0x60 {
            continue;
        }
        assert!(bench.server.handle_receive(&mut bench.device, frame, &mut reply));
        assert_eq!(&reply[HEADER_BYTES..HEADER_BYTES + 3], &[0xD8, 1, 6]);
    }
    assert_eq!(bench.device.actions, 1);
    // The recorded association request does not open one either.
    let aarq = bench.sent[0].clone();
    assert!(bench.server.handle_receive(&mut bench.device, &aarq, &mut reply));
    let Ok(Apdu::Aare(aare)) = Apdu::decode(&reply[HEADER_BYTES..]) else { panic!() };
    assert_eq!(aare.diagnostic, Diagnostic::AUTHENTICATION_FAILURE);
    // Nor after a power cut, with the floor kept.
    let floor = bench.server.received_floor(Level::Management, CLIENT);
    bench.server = Scene::new().server();
    bench.server.resume_received(Level::Management, CLIENT, u32::try_from(floor).unwrap());
    assert!(bench.server.handle_receive(&mut bench.device, &aarq, &mut reply));
    let Ok(Apdu::Aare(aare)) = Apdu::decode(&reply[HEADER_BYTES..]) else { panic!() };
    assert_eq!(aare.diagnostic, Diagnostic::AUTHENTICATION_FAILURE);
}

#[test]
fn an_answer_changed_anywhere_or_replayed_is_never_a_value() {
    let mut bench = Scene::new().bench();
    bench.client.read(0, &[ENERGY]).unwrap();
    bench.run();
    let old = bench.last_answer.clone();
    bench.device.energy_wh = 999;
    let mut reply = Vec::new();
    bench.client.read(0, &[ENERGY]).unwrap();
    let Output::Transmit(frame) = bench.client.poll_output() else { panic!() };
    assert!(bench.server.handle_receive(&mut bench.device, frame, &mut reply));
    for at in HEADER_BYTES..reply.len() {
        let mut broken = reply.clone();
        broken[at] ^= 1;
        bench.client.handle_receive(0, &broken);
        assert!(matches!(bench.client.poll_output(), Output::Timeout(Some(_))), "byte {at}");
    }
    bench.client.handle_receive(0, &old);
    assert!(matches!(bench.client.poll_output(), Output::Timeout(Some(_))));
    // The sabotage of this test: the true answer is taken, once.
    bench.client.handle_receive(0, &reply);
    assert_eq!(bench.run(), [Told::Values(vec![Ok(Value::U64(999))])]);
}

#[test]
fn wrong_keys_and_secrets_are_security_errors() {
    let scene = Scene::new();
    let refused = || vec![Told::Failed(SecurityFault::AuthenticationRefused.into())];
    for wrong in [
        Scene { encryption: 9, ..scene },
        Scene { authentication: 9, ..scene },
        Scene { suite: Suite::Two, ..scene },
        Scene { protection: Protection::ENCRYPTED, ..scene },
    ] {
        let mut bench = scene.bench();
        bench.client = wrong.client();
        bench.client.read(0, &ALL).unwrap();
        assert_eq!(bench.run(), refused());
        assert!(!bench.server.is_managed());
    }
    for auth in &MECHANISMS[1..] {
        for protection in [Protection::NONE, Protection::BOTH] {
            let scene = Scene { auth: *auth, protection, suite: Suite::One, ..Scene::new() };
            let keyed = (auth)(&scene, true).is_some_and(|hls| matches!(hls, Hls::Gmac));
            let wrong = if keyed {
                Scene { encryption: 9, ..scene }
            } else {
                Scene { secret: b"another secret", signing: [0x33, 0x11], ..scene }
            };
            let mut bench = scene.bench();
            bench.client = wrong.client();
            bench.client.read(0, &ALL).unwrap();
            assert_eq!(bench.run(), refused());
            assert!(!bench.server.is_managed());
        }
    }
}

#[test]
fn an_impostor_is_noticed() {
    // A meter that takes our signature and cannot make its own.
    let scene = Scene { auth: ecdsa, suite: Suite::One, protection: Protection::NONE, ..Scene::new() };
    let mut bench = scene.bench();
    bench.server = Scene { signing: [0x22, 0x77], ..scene }.server();
    bench.client.read(0, &ALL).unwrap();
    assert_eq!(bench.run(), [Told::Failed(SecurityFault::NotProven.into())]);
    assert!(!bench.client.is_associated());
    // One that grants without asking for anything, or sends our own challenge back.
    let mut information = Vec::new();
    let response = InitiateResponse {
        quality_of_service: None,
        version: 6,
        conformance: taa_dlms::apdu::Conformance::SUPPORTED,
        pdu_max: 500,
        vaa_name: 7,
    };
    response.encode(&mut information);
    let plain = Aare::new(AssociationResult::Accepted, Diagnostic::NONE, Some(&information));
    for (mirrors, expected) in [(false, SecurityFault::TermsChanged), (true, SecurityFault::BadChallenge)] {
        let mut client = scene.client();
        client.associate(0).unwrap();
        let mut request = Vec::new();
        loop {
            match client.poll_output() {
                Output::SetLine(line) => panic!("no line to set: {line:?}"),
                Output::Transmit(frame) => request = frame.to_vec(),
                Output::Event(_) => {}
                Output::Timeout(_) => break,
            }
        }
        answer(&mut client, &request, mirrors, &plain, expected);
    }
}

fn answer(client: &mut Client, request: &[u8], mirrors: bool, plain: &Aare<'_>, expected: SecurityFault) {
    let (addresses, message) = wrapper::open(request).unwrap();
    let Ok(Apdu::Aarq(aarq)) = Apdu::decode(message) else { panic!() };
    let mut aare = *plain;
    if mirrors {
        aare.mechanism = aarq.mechanism;
        aare.authentication_value = aarq.authentication_value;
        aare.responding_title = Some(&METER.0);
    }
    let mut frame = Vec::new();
    wrapper::begin(&mut frame);
    aare.encode(&mut frame);
    wrapper::finish(&mut frame, addresses.reversed()).unwrap();
    client.handle_receive(0, &frame);
    let mut told = None;
    loop {
        match client.poll_output() {
            Output::SetLine(line) => panic!("no line to set: {line:?}"),
            Output::Event(event) => told = Some(Told::from(event)),
            Output::Timeout(_) => break,
            Output::Transmit(_) => {}
        }
    }
    assert_eq!(told, Some(Told::Failed(expected.into())));
}

#[test]
fn plain_messages_are_refused_on_both_sides() {
    let scene = Scene::new();
    let mut bench = scene.bench();
    bench.client.read(0, &[ENERGY]).unwrap();
    bench.run();
    // A plain order to the meter.
    let plain = [0xC3, 1, 0xC1, 0, 70, 0, 0, 96, 3, 10, 255, 1, 0];
    let mut frame = Vec::new();
    wrapper::begin(&mut frame);
    frame.extend_from_slice(&plain);
    wrapper::finish(&mut frame, wrapper::Addresses { source: 1, destination: 1 }).unwrap();
    let mut reply = Vec::new();
    assert!(bench.server.handle_receive(&mut bench.device, &frame, &mut reply));
    assert_eq!(reply[HEADER_BYTES], 0xD8);
    assert_eq!(bench.device.actions, 0);
    // A plain answer to the client.
    bench.client.read(0, &[ENERGY]).unwrap();
    let Output::Transmit(_) = bench.client.poll_output() else { panic!() };
    let mut frame = Vec::new();
    wrapper::begin(&mut frame);
    for invoke in 0xC0..=0xCF {
        frame.truncate(HEADER_BYTES);
        frame.extend_from_slice(&[0xC4, 1, invoke, 0, 0x11, 9]);
        wrapper::finish(&mut frame, wrapper::Addresses { source: 1, destination: 1 }).unwrap();
        bench.client.handle_receive(0, &frame);
        assert!(matches!(bench.client.poll_output(), Output::Timeout(Some(_))));
    }
    let mut told = Vec::new();
    let mut now = 0;
    loop {
        match bench.client.poll_output() {
            Output::SetLine(line) => panic!("no line to set: {line:?}"),
            Output::Event(event) => told.push(Told::from(event)),
            Output::Transmit(_) => {}
            Output::Timeout(Some(at)) => {
                now = at;
                bench.client.handle_timeout(now);
            }
            Output::Timeout(None) => break,
        }
    }
    assert!(now > 0);
    assert_eq!(told, [Told::Failed(SecurityFault::Unprotected { tag: 0xC4 }.into())]);
    // Protected traffic to a client and a server without keys.
    let protected = bench.sent.last().unwrap().clone();
    let mut unkeyed = Bench::new();
    assert!(unkeyed.server.handle_receive(&mut unkeyed.device, &protected, &mut reply));
    assert_eq!(reply[HEADER_BYTES], 0xD8);
}

#[test]
fn nothing_is_sent_beyond_the_durable_bound_and_a_restart_goes_on_there() {
    let scene = Scene { counter: SendCounter::resume(1000, 8), ..Scene::new() };
    let mut bench = scene.bench();
    bench.reserves = false;
    bench.client.read(0, &[ENERGY]).unwrap();
    assert_eq!(bench.run(), [Told::Reserve(1008)]);
    assert!(bench.sent.is_empty() && bench.client.deadline().is_none());
    bench.client.handle_counter_durable(0, 1008);
    let told = bench.run();
    assert!(told.contains(&OPENED));
    assert!(matches!(told.last(), Some(Told::Values(_))), "{told:?}");
    let mut reserve = told.iter().find_map(|t| if let Told::Reserve(bound) = t { Some(*bound) } else { None });
    // Without the next bound it falls silent at 1008 and not before.
    let mut reads = 0;
    loop {
        bench.client.read(0, &[ENERGY]).unwrap();
        let told = bench.run();
        reserve = told.iter().find_map(|t| if let Told::Reserve(b) = t { Some(*b) } else { None }).or(reserve);
        if !told.iter().any(|t| matches!(t, Told::Values(_))) {
            break;
        }
        reads += 1;
    }
    let highest = |bench: &Bench| {
        let counters = bench.sent.iter().filter_map(|frame| {
            header(Envelope::parse(&frame[HEADER_BYTES..]).ok()?.body).ok().map(|(_, counter)| counter)
        });
        counters.max().unwrap()
    };
    assert_eq!((highest(&bench), reserve, reads), (1007, Some(1016), 4));
    // The power goes before 1016 is durable: the next life begins at 1008 and asks for that bound again.
    bench.client = Scene { counter: SendCounter::resume(1008, 8), ..scene }.client();
    bench.sent.clear();
    bench.client.read(bench.now, &[ENERGY]).unwrap();
    assert_eq!(bench.run(), [Told::Reserve(1016)]);
    bench.client.handle_counter_durable(bench.now, 1016);
    assert!(bench.run().iter().any(|told| matches!(told, Told::Values(_))));
    assert!(
        bench
            .sent
            .iter()
            .skip(1)
            .all(|frame| { header(Envelope::parse(&frame[HEADER_BYTES..]).unwrap().body).unwrap().1 >= 1008 })
    );
}

#[test]
fn a_counter_that_was_lost_is_named() {
    let scene = Scene::new();
    let mut bench = scene.bench();
    bench.client.read(0, &[ENERGY]).unwrap();
    bench.run();
    // Our record of the counter is gone: the meter refuses the association.
    bench.client = Scene { counter: SendCounter::resume(0, 64), ..scene }.client();
    bench.client.read(0, &[ENERGY]).unwrap();
    assert_eq!(bench.run(), [Told::Failed(SecurityFault::AuthenticationRefused.into())]);
    // Within an association the meter names what it expects.
    bench.client = Scene { counter: SendCounter::resume(1000, 64), ..scene }.client();
    bench.client.read(0, &[ENERGY]).unwrap();
    assert!(matches!(bench.run().last(), Some(Told::Values(_))));
    bench.server.resume_received(Level::Management, CLIENT, 5000);
    bench.client.read(0, &[ENERGY]).unwrap();
    assert_eq!(bench.run(), [Told::Failed(SecurityFault::CounterTooLow { expected: 5000 }.into())]);
}

#[test]
fn a_restarted_meter_is_associated_again() {
    for dedicated in [false, true] {
        let mut bench = Scene { dedicated, ..Scene::new() }.bench();
        bench.client.read(0, &ALL).unwrap();
        bench.run();
        bench.server.handle_power_lost();
        bench.client.invoke(0, DISCONNECT, None).unwrap();
        assert_eq!(bench.run(), [Told::Associated(Associated::Reopened), Told::Done]);
        assert_eq!(bench.device.actions, 1);
        bench.client.release(0).unwrap();
        assert_eq!(bench.run(), [Told::Done]);
        assert!(!bench.server.is_managed());
    }
}

#[test]
fn before_the_proof_nothing_is_served() {
    let mut bench = Scene { protection: Protection::NONE, ..Scene::new() }.bench();
    // The proof is lost on the way; somebody else asks in its place.
    bench.lose_requests = vec![1, 3, 5, 7];
    bench.client.associate(0).unwrap();
    assert_eq!(bench.run(), [Told::Failed(TransportFault::Timeout.into())]);
    let plain = [0xC0, 1, 0xC1, 0, 3, 1, 0, 1, 8, 0, 255, 2, 0];
    let mut frame = Vec::new();
    wrapper::begin(&mut frame);
    frame.extend_from_slice(&plain);
    wrapper::finish(&mut frame, wrapper::Addresses { source: 1, destination: 1 }).unwrap();
    let mut reply = Vec::new();
    assert!(bench.server.handle_receive(&mut bench.device, &frame, &mut reply));
    assert_eq!(&reply[HEADER_BYTES..], &[0xD8, 1, 1]);
}

#[test]
fn another_meter_under_the_same_keys_is_refused() {
    let scene = Scene::new();
    let mut bench = scene.bench();
    let mut server = scene.server();
    std::mem::swap(&mut bench.server, &mut server);
    bench.client = Client::secured(
        ClientConfig::new(Auth::High(Hls::Gmac)),
        ClientSecurity {
            suite: Suite::Zero,
            title: CLIENT,
            server_title: Some(SystemTitle(*b"SIM\0\0\0\0\x02")),
            keys: Some(scene.keys(true)),
            policy: Policy::both(Protection::BOTH),
            form: Form::Service,
            dedicated: false,
            challenge_bytes: 16,
            counter: SendCounter::volatile(0),
            random: Random::given(&[5; 16]),
        },
    );
    bench.client.read(0, &[ENERGY]).unwrap();
    assert_eq!(bench.run(), [Told::Failed(SecurityFault::WrongTitle.into())]);
}

#[test]
fn secrets_are_not_shown() {
    let scene = Scene { auth: MECHANISMS[5], ..Scene::new() };
    let mut bench = scene.bench();
    bench.client.read(0, &[ENERGY]).unwrap();
    bench.run();
    let shown = format!("{:?} {:?} {:?}", bench.client, bench.server, (scene.auth)(&scene, true));
    assert!(!shown.contains("secret") && !shown.contains("1, 1, 1, 1") && !shown.contains("97, 32"));
    let error = Error::from(Refusal::Association(taa_dlms::apdu::AssociationRefusal {
        result: AssociationResult::RejectedPermanent,
        diagnostic: Diagnostic::CALLING_TITLE_NOT_RECOGNISED,
    }));
    assert!(error.to_string().contains("calling title"));
}

#[test]
fn an_idle_secured_client_is_small() {
    for dedicated in [false, true] {
        let mut bench = Scene { dedicated, ..Scene::new() }.bench();
        bench.client.read(0, &ALL).unwrap();
        bench.run();
        let idle = bench.client.memory_bytes();
        println!("idle client, dedicated {dedicated}: {idle} bytes");
        assert!(idle <= 2048, "{idle} bytes");
    }
}
