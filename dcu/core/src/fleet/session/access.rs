//! How a session proves itself: the client for each kind of access, and the gate that waits for randomness.
//!
//! A client with keys needs random challenges, so there is none before [`crate::Dcu::handle_entropy`]: until then the
//! session is *locked*, and no exchange is begun with it.

use taa_dlms::{
    Client, ClientConfig,
    client::Auth,
    security::{ClientSecurity, Form, Hls, Keys, Policy, Protection, Random, SendCounter, Suite, SystemTitle},
};
use taa_keys::{Drbg, KeyHandle};

use crate::{
    config::{DcuConfig, MeterAccess, MeterEntry},
    journal::{Floor, MeterState},
};

/// Which client we are: the management client.
pub(crate) const CLIENT_SAP: u16 = 1;
/// Length of our challenges, bytes (8 to 64 allowed).
const CHALLENGE_BYTES: usize = 16;
/// Seed of a session's own generator: entropy and nonce in one (SP 800-90A, 8.6.7).
const SEED_BYTES: usize = 48;

/// The client, or what it will be made of.
#[derive(Debug)]
pub(super) enum Gate {
    /// It may speak.
    Open(Box<Client>),
    /// It waits for randomness. `None` only while it is being turned into a client.
    Locked(Option<Box<Locked>>),
}

/// A client with keys that has no randomness yet.
#[derive(Debug)]
pub(super) struct Locked {
    config: ClientConfig,
    keys: Keys,
    counter: SendCounter,
    floor: Option<Floor>,
}

impl Gate {
    pub(super) fn new(config: &DcuConfig, entry: &MeterEntry, state: Option<&MeterState>) -> Self {
        let auth = match &entry.access {
            MeterAccess::Keys(_) => Auth::High(Hls::Gmac),
            MeterAccess::Password(password) => Auth::password(password.expose()),
            MeterAccess::Open => Auth::None,
        };
        let mut client = ClientConfig::new(auth);
        client.reply_timeout_ns = u64::from(config.reply_timeout_ms).saturating_mul(crate::dcu::NS_PER_MS);
        client.retries = config.reply_retries;
        client.utc_offset_s = config.utc_offset_s;
        client.client_sap = CLIENT_SAP;
        client.discovers = true;
        let MeterAccess::Keys(keys) = &entry.access else { return Self::Open(Box::new(Client::new(client))) };
        let keys = Keys {
            unicast: KeyHandle::new(keys.encryption.clone()).cipher(),
            authentication: Some(KeyHandle::new(keys.authentication.clone())),
            broadcast: None,
            parties: None,
        };
        // At the bound, not at the counter used last: that one is nowhere durable.
        let counter = SendCounter::resume(state.map_or(0, |state| state.counter_bound), config.counter_block);
        let floor = state.and_then(|state| state.floor);
        Self::Locked(Some(Box::new(Locked { config: client, keys, counter, floor })))
    }

    pub(super) const fn is_locked(&self) -> bool {
        matches!(self, Self::Locked(_))
    }

    /// Turns a locked client into one that may speak. A generator that gives no bytes leaves it locked.
    pub(super) fn unlock(&mut self, randomness: &mut Drbg, title: [u8; 8], name: &[u8]) {
        let Self::Locked(locked) = self else { return };
        let mut seed = zeroize::Zeroizing::new([0; SEED_BYTES]);
        if randomness.fill(seed.as_mut_slice()).is_err() {
            return;
        }
        let Some(locked) = locked.take() else { return };
        let Locked { config, keys, counter, floor } = *locked;
        let security = ClientSecurity {
            suite: Suite::Zero,
            title: SystemTitle(title),
            server_title: None,
            keys: Some(keys),
            policy: Policy::both(Protection::BOTH),
            form: Form::Service,
            dedicated: false,
            challenge_bytes: CHALLENGE_BYTES,
            counter,
            random: Random::generator(Drbg::new(seed.as_slice(), &[], name)),
        };
        let mut client = Client::secured(config, security);
        if let Some(Floor { title, counter }) = floor {
            client.resume_received(SystemTitle(title), counter);
        }
        *self = Self::Open(Box::new(client));
    }

    /// Messages of the meter before this are refused.
    pub(super) fn floor(&self) -> Option<Floor> {
        let Self::Open(client) = self else { return None };
        let (title, counter) = client.received_floor()?;
        // Beyond the last counter there is none to be taken, nor one to be refused that is not refused already.
        Some(Floor { title: title.0, counter: u32::try_from(counter).unwrap_or(u32::MAX) })
    }
}
