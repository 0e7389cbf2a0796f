//! Who may talk to a meter, and what it keeps of that over a loss of power.
//!
//! A meter has keys of its own by default ([`MeterAccess::derived`]): suite 0, HLS 5 (GMAC), requests and answers
//! authenticated and encrypted. [`Memory`] stands for its non-volatile memory: the bound of the invocation counters, the
//! lowest counter that it takes of each client, and keys that a client has transferred. After a restart the counter goes
//! on at the bound, so none is ever used twice.

use taa_dlms::cosem::{Cosem, Hidden, KeyId, Level, SecuritySetup, SecuritySuite, WrappedKey};
use taa_dlms::security::{
    AssociationSecurity, Hls, Keys, Policy, Protection, Random, SendCounter, ServerSecurity, Suite, SystemTitle,
};
use taa_dlms::server::{Server, ServerConfig};
use taa_dlms::{Value, apdu::ActionResult};
use taa_keys::{Drbg, KdfError, Key, KeyHandle, MeterKeys, Secret, derive, hash};

use crate::MeterConfig;

/// Counters reserved at once: at some hundred messages a day a write to flash every other day.
const COUNTER_BLOCK: u32 = 256;
const CHALLENGE_BYTES: usize = 16;
const LABEL_MASTER: &[u8] = b"taa/dlms/kek";

/// How a client proves itself to the meter, and how what they say is protected.
#[derive(Clone, Debug)]
pub enum MeterAccess {
    /// Suite 0, HLS 5, everything authenticated and encrypted.
    Keys {
        /// Of this meter alone.
        keys: MeterKeys,
        /// The meter's system title.
        title: SystemTitle,
        /// Under which other keys are transferred (class 64, method 2); `None` takes none.
        master: Option<Key>,
    },
    /// Low-level security, in clear.
    Password(Secret),
    /// Nothing: test benches.
    Open,
}

impl MeterAccess {
    /// Keys, master key and title of the meter of that name, from a site's master key.
    ///
    /// # Errors
    /// None with these labels; [`KdfError`] is passed on rather than hidden.
    pub fn derived(site_master: &Key, name: &str) -> Result<Self, KdfError> {
        let mut master = [0; 16];
        derive(site_master, LABEL_MASTER, name.as_bytes(), &mut master)?;
        Ok(Self::Keys {
            keys: MeterKeys::derive(site_master, name)?,
            title: system_title(name),
            master: Some(Key::Aes128(master)),
        })
    }
}

/// The system title of the meter of that name: three letters of a maker and five bytes from the name.
///
/// Arbitrary: TAA is no registered FLAG id. Two names that met in the five bytes would do no harm, as each meter has keys
/// of its own.
#[must_use]
pub fn system_title(name: &str) -> SystemTitle {
    let mut title = *b"TAA\0\0\0\0\0";
    for (to, from) in title.iter_mut().skip(3).zip(hash::sha256(&[name.as_bytes()])) {
        *to = from;
    }
    SystemTitle(title)
}

/// What survives a loss of power.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    keys: Option<Held>,
    counter_bound: u32,
    floors: Vec<(SystemTitle, u64)>,
    boots: u32,
}

#[derive(Clone, Debug)]
struct Held {
    encryption: KeyHandle,
    authentication: KeyHandle,
    master: Option<KeyHandle>,
}

impl Held {
    fn keys(&self) -> Keys {
        Keys {
            unicast: self.encryption.cipher(),
            authentication: Some(self.authentication.clone()),
            broadcast: None,
            parties: None,
        }
    }
}

impl Memory {
    pub(crate) fn new(access: &MeterAccess) -> Self {
        let keys = match access {
            MeterAccess::Keys { keys, master, .. } => Some(Held {
                encryption: KeyHandle::new(keys.encryption.clone()),
                authentication: KeyHandle::new(keys.authentication.clone()),
                master: master.clone().map(KeyHandle::new),
            }),
            MeterAccess::Password(_) | MeterAccess::Open => None,
        };
        Self { keys, counter_bound: 0, floors: Vec::new(), boots: 0 }
    }

    /// The server as it comes up, with what memory holds.
    pub(crate) fn server(&mut self, config: &MeterConfig) -> Server {
        let management_password = match &config.access {
            MeterAccess::Password(password) => Some(password.clone()),
            MeterAccess::Keys { .. } | MeterAccess::Open => None,
        };
        let basic = ServerConfig {
            management_password,
            pdu_max: config.pdu_max,
            general_window: config.general_window,
            ..ServerConfig::default()
        };
        let (MeterAccess::Keys { title, .. }, Some(held)) = (&config.access, &self.keys) else {
            return Server::new(basic);
        };
        self.boots += 1;
        let boot = [title.0.as_slice(), &self.boots.to_be_bytes()].concat();
        let mut server = Server::secured(
            basic,
            ServerSecurity {
                title: *title,
                counter: SendCounter::resume(self.counter_bound, COUNTER_BLOCK),
                random: Random::generator(Drbg::new(&config.entropy, &boot, b"taa/meter")),
                management: Some(AssociationSecurity {
                    suite: Suite::Zero,
                    keys: Some(held.keys()),
                    policy: Policy::both(Protection::BOTH),
                    hls: Some(Hls::Gmac),
                    challenge_bytes: CHALLENGE_BYTES,
                    client_title: None,
                }),
                public: None,
            },
        );
        for (client, floor) in &self.floors {
            server.resume_received(Level::Management, *client, u32::try_from(*floor).unwrap_or(u32::MAX));
        }
        self.reserve(&mut server);
        server
    }

    /// Writes down the counters that the server asks for; from then on it may use them.
    pub(crate) fn reserve(&mut self, server: &mut Server) {
        while let Some(bound) = server.counter_wanted() {
            self.counter_bound = bound;
            server.handle_counter_durable(bound);
        }
    }

    /// The supply fails: what was received is written down with the last of the charge.
    pub(crate) fn note_floors(&mut self, server: &Server) {
        self.floors.clear();
        self.floors.extend(server.received_floors(Level::Management));
    }

    /// Opens transferred keys (Blue Book, class 64 method 2): all of them, or none is taken.
    pub(crate) fn take_keys(&mut self, parameter: &Value) -> Result<(), ActionResult> {
        let wrapped = Vec::<WrappedKey>::from_value(parameter).ok_or(ActionResult::TypeUnmatched)?;
        let held = self.keys.as_ref().ok_or(ActionResult::ObjectUnavailable)?;
        let master = held.master.as_ref().ok_or(ActionResult::ReadWriteDenied)?;
        let mut new = held.clone();
        for WrappedKey { key_id, key_wrapped: Hidden(bytes) } in &wrapped {
            let key = master.unwrap_key(bytes).map_err(|_| ActionResult::OtherReason)?;
            if key.bits() != Suite::Zero.key_bits() {
                return Err(ActionResult::OtherReason);
            }
            match key_id {
                KeyId::UnicastEncryption => new.encryption = key,
                KeyId::Authentication => new.authentication = key,
                KeyId::Master => new.master = Some(key),
                // There is no broadcast to this meter.
                _ => return Err(ActionResult::OtherReason),
            }
        }
        self.keys = Some(new);
        Ok(())
    }

    /// Keys for a server that answers under older ones.
    pub(crate) fn keys(&self) -> Option<Keys> {
        self.keys.as_ref().map(Held::keys)
    }
}

/// The security setup as it stands at the start.
pub(crate) fn security_setup(title: SystemTitle) -> SecuritySetup {
    // Bits 2, 3 of requests and 5, 6 of responses: authenticated and encrypted.
    const POLICY: u8 = 0b0110_1100;
    SecuritySetup {
        security_policy: Some(taa_dlms::cosem::Code(POLICY)),
        security_suite: Some(SecuritySuite::Suite0),
        client_system_title: Some(taa_dlms::axdr::Octets::default()),
        server_system_title: Some(taa_dlms::axdr::Octets::from(title.0.as_slice())),
        certificates: Some(Vec::new()),
    }
}
