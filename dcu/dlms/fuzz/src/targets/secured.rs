//! The protected layer: anything fed to it plain, and a man in the middle who knows no key, and a peer who does.

use taa_dlms::apdu::is_protected;
use taa_dlms::client::{Auth, Client, ClientConfig, ClientEvent, Output};
use taa_dlms::cosem::Model;
use taa_dlms::link::wrapper::{self, HEADER_BYTES};
use taa_dlms::security::general::{Ciphered, Signed};
use taa_dlms::security::layer::{Envelope, header};
use taa_dlms::security::tags::travels_plain;
use taa_dlms::security::{
    AssociationSecurity, Channel, ClientSecurity, Form, Hls, How, Keys, PartyKeys, Policy, Protection, Random,
    SendCounter, ServerSecurity, Suite, SystemTitle,
};
use taa_dlms::server::{Server, ServerConfig};
use taa_dlms::{AttributeRef, Value};
use taa_keys::{Drbg, Key, KeyHandle};

use super::Plan;
use super::sessions::{NAME, VALUE, framed, small_meter};

const CLIENT: SystemTitle = SystemTitle(*b"TAA\0\0\0\0\x01");
const METER: SystemTitle = SystemTitle(*b"SIM\0\0\0\0\x01");

fn keys(parties: bool) -> Keys {
    let key = |byte| KeyHandle::new(Key::Aes128([byte; 16]));
    let party = PartyKeys { master: Some(key(3)), agreement: None, signing: None, peer_signing: None };
    Keys {
        unicast: key(1).cipher(),
        authentication: Some(key(2)),
        broadcast: Some(key(4).cipher()),
        parties: parties.then(|| Box::new(party)),
    }
}

/// Any bytes as a protected message: taken apart, and opened by a channel that knows keys. What is not genuine never
/// opens; what was sealed opens once.
pub fn protected(data: &[u8]) {
    let _ = Envelope::parse(data).map(|envelope| header(envelope.body).is_ok());
    let _ = Ciphered::parse(data).map(|ciphered| header(ciphered.body).is_ok());
    let _ = Signed::parse(data).map(|signed| signed.header);
    let mut scratch = Vec::new();
    for parties in [false, true] {
        let mut channel = Channel::new(Suite::Zero, METER, Some(keys(parties)));
        // Text that is encrypted only opens to something under any key.
        channel.demand(Protection::AUTHENTICATED);
        assert!(channel.open(data, &mut scratch).is_err(), "nobody knows the key");
        channel.set_peer(Some(CLIENT));
        assert!(channel.open(data, &mut scratch).is_err(), "nobody knows the key");
        // Sealed by who does know it, and then changed in one place.
        let sender = Channel::new(Suite::Zero, CLIENT, Some(keys(parties)));
        let mut counter = SendCounter::volatile(7);
        let mut random = Random::given(&[9; 64]);
        let mut plan = Plan::new(data);
        let protection = [Protection::BOTH, Protection::AUTHENTICATED, Protection::ENCRYPTED][plan.below(3)];
        let how = How {
            form: [Form::Service, Form::General][plan.below(2)],
            broadcast: plan.below(2) == 1,
            ..How::global(protection)
        };
        let (at, bit) = (plan.below(256), plan.below(8));
        let plain = plan.rest();
        let mut sealed = plain.to_vec();
        if sender.protect(&mut sealed, 0, how, &mut counter, &mut random, false).is_err() {
            return;
        }
        channel.demand(protection);
        let mut changed = sealed.clone();
        if let (true, Some(byte)) = (protection.authenticated, changed.get_mut(at)) {
            *byte ^= 1 << bit;
            assert!(channel.open(&changed, &mut scratch).is_err(), "changed at {at}");
        }
        if channel.open(&sealed, &mut scratch).is_ok() {
            assert_eq!(scratch, plain);
        } else {
            assert!(plain.is_empty(), "{plain:02x?} does not open");
        }
        assert!(channel.open(&sealed, &mut scratch).is_err(), "a replay");
    }
}

fn pair() -> (Client, Server) {
    let client = Client::secured(
        ClientConfig { retries: 1, ..ClientConfig::new(Auth::High(Hls::Gmac)) },
        ClientSecurity {
            suite: Suite::Zero,
            title: CLIENT,
            server_title: Some(METER),
            keys: Some(keys(false)),
            policy: Policy::both(Protection::BOTH),
            form: Form::Service,
            dedicated: false,
            challenge_bytes: 16,
            counter: SendCounter::volatile(0),
            random: Random::generator(Drbg::new(&[3; 48], &[], b"client")),
        },
    );
    let server = Server::secured(
        ServerConfig { pdu_max: 300, value_bytes_max: 4000, ..ServerConfig::default() },
        ServerSecurity {
            title: METER,
            counter: SendCounter::volatile(0),
            random: Random::generator(Drbg::new(&[4; 48], &[], b"meter")),
            management: Some(AssociationSecurity {
                suite: Suite::Zero,
                keys: Some(keys(false)),
                policy: Policy::both(Protection::BOTH),
                hls: Some(Hls::Gmac),
                challenge_bytes: 16,
                client_title: None,
            }),
            public: None,
        },
    );
    (client, server)
}

/// A client and a server under suite 0. Between them, somebody without keys drops, repeats, changes and invents; and now
/// and then the server is asked anything by somebody with the client's keys. No value that the client tells is wrong.
pub fn dialogue(data: &[u8]) {
    let mut plan = Plan::new(data);
    let (mut client, mut server) = pair();
    let mut model = small_meter();
    let mut insider = Insider::new();
    let mut between = Between::default();
    let mut now = 0;
    while let Some(kind) = plan.byte() {
        if kind & 0x80 != 0 {
            insider.ask(&mut server, &mut model, &mut plan);
            continue;
        }
        read(&mut client, &mut server, &mut model, &mut between, &mut now, &mut plan);
    }
    // Left alone they come to agree again: at the latest after an association opened afresh.
    between.honest = true;
    let mut agreed = false;
    for _ in 0..2 {
        agreed = read(&mut client, &mut server, &mut model, &mut between, &mut now, &mut plan);
    }
    // The insider has used up counters of the client's, which the server then refuses.
    assert!(agreed || insider.asked, "sound again");
}

/// Knows the keys, and goes on with the client's counters far above its own.
struct Insider {
    channel: Channel,
    counter: SendCounter,
    random: Random,
    asked: bool,
}

impl Insider {
    fn new() -> Self {
        let mut channel = Channel::new(Suite::Zero, CLIENT, Some(keys(false)));
        channel.set_peer(Some(METER));
        Self { channel, counter: SendCounter::volatile(1_000_000), random: Random::given(&[5; 64]), asked: false }
    }

    fn ask(&mut self, server: &mut Server, model: &mut Model, plan: &mut Plan<'_>) {
        self.asked = true;
        let mut message = plan.piece().to_vec();
        let how = How::global(Protection::BOTH);
        if self.channel.protect(&mut message, 0, how, &mut self.counter, &mut self.random, false).is_err() {
            return;
        }
        let mut reply = Vec::new();
        let mut answered = server.handle_receive(model, &framed(1, 1, &message), &mut reply);
        while answered {
            assert!(wrapper::open(&reply).is_ok());
            answered = server.next_frame(&mut reply);
        }
    }
}

/// Who stands between: keeps the frames that went by.
#[derive(Default)]
struct Between {
    honest: bool,
    seen: Vec<Vec<u8>>,
}

impl Between {
    /// What arrives in place of this frame.
    fn pass(&mut self, frame: &[u8], plan: &mut Plan<'_>) -> Vec<Vec<u8>> {
        if self.honest {
            return vec![frame.to_vec()];
        }
        if self.seen.len() < 16 {
            self.seen.push(frame.to_vec());
        }
        let mut changed = frame.to_vec();
        let old = self.seen.get(plan.below(self.seen.len())).cloned().unwrap_or_default();
        match plan.below(8) {
            0 => Vec::new(),
            1 => vec![changed.clone(), changed],
            2 => {
                let at = HEADER_BYTES + plan.below(changed.len().saturating_sub(HEADER_BYTES));
                if let Some(byte) = changed.get_mut(at) {
                    *byte ^= 1 << plan.below(8);
                }
                vec![changed]
            }
            3 => vec![old],
            4 => vec![old, changed],
            5 => vec![framed(1, 1, plan.piece())],
            6 => vec![framed(1, 1, plan.piece()), changed],
            _ => vec![changed],
        }
    }
}

/// One reading; whether it came to its value.
fn read(
    client: &mut Client,
    server: &mut Server,
    model: &mut Model,
    between: &mut Between,
    now: &mut u64,
    plan: &mut Plan<'_>,
) -> bool {
    const WANTED: [AttributeRef; 1] = [NAME];
    client.read(*now, &WANTED).expect("idle");
    let mut reply = Vec::new();
    let mut agreed = false;
    let mut bound = None;
    let mut steps = 0;
    loop {
        steps += 1;
        assert!(steps < 2000, "it never ends");
        match client.poll_output() {
            Output::Transmit(frame) => {
                let frame = frame.to_vec();
                let mut answers = Vec::new();
                for arrived in between.pass(&frame, plan) {
                    if server.handle_receive(model, &arrived, &mut reply) {
                        let tag = reply.get(HEADER_BYTES).copied().unwrap_or(0);
                        assert!(is_protected(tag) || travels_plain(tag), "an answer in clear: {reply:02x?}");
                        answers.push(reply.clone());
                    }
                }
                for answer in answers {
                    for arrived in between.pass(&answer, plan) {
                        client.handle_receive(*now, &arrived);
                    }
                }
            }
            Output::Event(ClientEvent::Values(values)) => {
                for value in values.iter().flatten() {
                    assert_eq!(value, &Value::U32(VALUE), "a wrong value was believed");
                }
                agreed = values.iter().all(Result::is_ok);
            }
            Output::Event(ClientEvent::ReserveCounter(wanted)) => bound = Some(wanted),
            Output::Event(_) | Output::SetLine(_) => {}
            Output::Timeout(_) if bound.is_some() => client.handle_counter_durable(*now, bound.take().unwrap_or(0)),
            Output::Timeout(None) => return agreed,
            Output::Timeout(Some(deadline)) => {
                *now = (*now).max(deadline);
                client.handle_timeout(*now);
            }
        }
    }
}
