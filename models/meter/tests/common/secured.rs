//! A client with a meter's keys, and what goes over the air between them.

use std::collections::BTreeSet;

use taa_dlms::apdu::Apdu;
use taa_dlms::axdr::decode_all;
use taa_dlms::client::{Auth, Client, ClientConfig};
use taa_dlms::link::wrapper;
use taa_dlms::security::layer::Envelope;
use taa_dlms::security::{
    Channel, ClientSecurity, Form, Hls, Keys, Policy, Protection, Random, SendCounter, Suite, SystemTitle, layer,
};
use taa_dlms::server::PortOutput;
use taa_dlms::{Value, client::ClientEvent, client::Output};
use taa_keys::{Drbg, Key, KeyHandle, MeterKeys};
use taa_meter::{Meter, MeterAccess, MeterConfig};

use super::{START_UNIX_S, Told};

pub const NAME: &str = "TAA0000000000042";
pub const DCU: SystemTitle = SystemTitle(*b"TAADCU\0\x01");

pub fn site_master() -> Key {
    Key::Aes256([9; 32])
}

pub fn meter_keys() -> MeterKeys {
    MeterKeys::derive(&site_master(), NAME).unwrap()
}

pub fn keyed() -> MeterConfig {
    MeterConfig {
        logical_device_name: NAME.to_owned(),
        access: MeterAccess::derived(&site_master(), NAME).unwrap(),
        unix_s_at_zero: START_UNIX_S,
        push_spread_s: 0,
        push_repeat_s: 600,
        ..MeterConfig::default()
    }
}

pub fn keys_of(keys: &MeterKeys) -> Keys {
    Keys {
        unicast: KeyHandle::new(keys.encryption.clone()).cipher(),
        authentication: Some(KeyHandle::new(keys.authentication.clone())),
        broadcast: None,
        parties: None,
    }
}

pub fn client_with(keys: &MeterKeys, from: u32) -> Client {
    let config = ClientConfig { retries: 1, ..ClientConfig::new(Auth::High(Hls::Gmac)) };
    Client::secured(
        config,
        ClientSecurity {
            suite: Suite::Zero,
            title: DCU,
            server_title: None,
            keys: Some(keys_of(keys)),
            policy: Policy::both(Protection::BOTH),
            form: Form::Service,
            dedicated: false,
            challenge_bytes: 16,
            counter: SendCounter::volatile(from),
            random: Random::generator(Drbg::new(&[3; 48], &from.to_be_bytes(), b"client")),
        },
    )
}

/// What opens pushes.
pub fn listener(keys: &MeterKeys) -> Channel {
    Channel::new(Suite::Zero, DCU, Some(keys_of(keys)))
}

/// Frames that the meter has to send.
pub fn sent(meter: &mut Meter) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| meter.poll_output())
        .filter_map(|output| match output {
            PortOutput::Transmit(bytes) => Some(bytes),
            PortOutput::SetLine(_) => None,
        })
        .collect()
}

/// The values of a push, opened; `None` when the channel refuses it.
pub fn opened(channel: &mut Channel, frame: &[u8]) -> Option<Vec<Value>> {
    let (_, message) = wrapper::open(frame).unwrap();
    let mut scratch = Vec::new();
    channel.open(message, &mut scratch).ok()?;
    match Apdu::decode(&scratch).unwrap() {
        Apdu::DataNotification(push) => Some(decode_all(push.body).unwrap().elements().unwrap().to_vec()),
        other => panic!("{other:?}"),
    }
}

/// The counter of a protected message of the meter, if it is protected.
pub fn counter_of(frame: &[u8]) -> Option<u32> {
    let (_, message) = wrapper::open(frame).unwrap();
    let envelope = Envelope::parse(message).ok()?;
    layer::header(envelope.body).ok().map(|(_, counter)| counter)
}

/// As [`super::run`], noting the counters of the meter and handing its frames to `pass`, which may change them.
pub fn run_noting(client: &mut Client, meter: &mut Meter, now: u64, counters: &mut BTreeSet<u32>) -> (Vec<Told>, bool) {
    let (mut told, mut fresh) = (Vec::new(), true);
    loop {
        match client.poll_output() {
            Output::Transmit(frame) => {
                meter.handle_receive(now, frame);
                for reply in sent(meter) {
                    fresh &= counter_of(&reply).is_none_or(|counter| counters.insert(counter));
                    client.handle_receive(now, &reply);
                }
            }
            Output::Event(ClientEvent::Values(values)) => told.push(Told::Values(values.to_vec())),
            Output::Event(ClientEvent::Failed(error)) => told.push(Told::Failed(error)),
            Output::Event(ClientEvent::Done(_)) => told.push(Told::Done),
            Output::Event(_) | Output::SetLine(_) => {}
            Output::Timeout(None) => return (told, fresh),
            Output::Timeout(Some(deadline)) => client.handle_timeout(deadline),
        }
    }
}
