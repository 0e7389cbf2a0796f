//! A server that wants proof (HLS), and somebody who has none: whatever is sent, nothing is read, written or done.

use taa_dlms::apdu::{Aarq, Apdu, ApplicationContext, Conformance, InitiateRequest, Mechanism};
use taa_dlms::link::wrapper::HEADER_BYTES;
use taa_dlms::security::{
    AssociationSecurity, Hls, Keys, Policy, Random, SendCounter, ServerSecurity, Suite, SystemTitle,
};
use taa_dlms::server::{Server, ServerConfig};
use taa_dlms::{Value, obis};
use taa_keys::{Drbg, Key, KeyHandle, Secret};

use super::Plan;
use super::sessions::{VALUE, framed, small_meter};

const METER: SystemTitle = SystemTitle(*b"SIM\0\0\0\0\x01");

/// How the server wants to be convinced, by the first byte.
fn security(choice: u8) -> AssociationSecurity {
    let secret = || Secret::new(b"a secret of both");
    let key = |byte| KeyHandle::new(Key::Aes128([byte; 16]));
    let keys = Keys { unicast: key(1).cipher(), authentication: Some(key(2)), broadcast: None, parties: None };
    let (hls, keys) = match choice % 4 {
        0 => (Hls::Md5(secret()), None),
        1 => (Hls::Sha1(secret()), Some(keys)),
        2 => (Hls::Sha256(secret()), None),
        _ => (Hls::Gmac, Some(keys)),
    };
    AssociationSecurity {
        suite: Suite::Zero,
        keys,
        policy: Policy::NONE,
        hls: Some(hls),
        challenge_bytes: 16,
        client_title: None,
    }
}

/// A request for an association under that mechanism, so that the exchange of proofs begins.
fn request(mechanism: Mechanism, short: bool) -> Vec<u8> {
    let conformance = if short { Conformance::SUPPORTED_SN } else { Conformance::SUPPORTED };
    let mut information = Vec::new();
    let initiate = InitiateRequest {
        dedicated_key: None,
        response_allowed: true,
        quality_of_service: None,
        version: 6,
        conformance,
        pdu_max: 500,
    };
    initiate.encode(&mut information);
    let mut aarq = Aarq::new(&information);
    aarq.context = if short { ApplicationContext::Sn } else { ApplicationContext::Ln };
    aarq.calling_title = Some(b"TAA\0\0\0\0\x02");
    aarq.authenticates = true;
    aarq.mechanism = Some(mechanism);
    aarq.authentication_value = Some(b"a challenge of mine");
    let mut message = Vec::new();
    Apdu::Aarq(aarq).encode(&mut message);
    message
}

/// Messages of the plan's choice, with a true request for an association now and then.
pub fn stranger(data: &[u8]) {
    let mut plan = Plan::new(data);
    let choice = plan.byte().unwrap_or(0);
    let config = ServerConfig { short_names: true, public_sap: None, ..ServerConfig::default() };
    let mut server = Server::secured(
        config,
        ServerSecurity {
            title: METER,
            counter: SendCounter::volatile(0),
            random: Random::generator(Drbg::new(&[4; 48], &[], b"meter")),
            management: Some(security(choice)),
            public: None,
        },
    );
    let mechanism = Mechanism::from_number([3, 4, 6, 5][usize::from(choice % 4)]);
    let mut model = small_meter();
    let mut reply = Vec::new();
    while let Some(kind) = plan.byte() {
        let message = match kind % 4 {
            0 => request(mechanism, kind & 4 != 0),
            _ => plan.piece().to_vec(),
        };
        let mut answered = server.handle_receive(&mut model, &framed(1, 1, &message), &mut reply);
        while answered {
            let answer = reply.get(HEADER_BYTES..).unwrap_or(&[]);
            // Association, release, exception, service error; a refused proof, by logical or by short name.
            let harmless = match answer {
                [0x61 | 0x63 | 0xD8 | 0x0E, ..] => true,
                [0xC7, 1, _, result, ..] => *result != 0,
                [0x0C, 1, choice, ..] => *choice != 0,
                _ => false,
            };
            assert!(harmless, "{message:02x?} was answered by {answer:02x?}");
            answered = server.next_frame(&mut reply);
        }
    }
    assert_eq!(model.value(obis::ACTIVE_ENERGY_IMPORT, 2), Some(&Value::U32(VALUE)));
    assert_eq!(model.poll_effect(), None, "the relay would tell");
}
