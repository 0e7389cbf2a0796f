//! The securities of the matrix, as our server and as the outside clients are told.

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use serde_json::{Value as Json, json};
use taa_dlms::security::{
    AssociationSecurity, Exchange, Hls, Keys, Policy, Protection, Random, SendCounter, ServerSecurity, Suite,
    SystemTitle,
};
use taa_dlms::server::{Server, ServerConfig};
use taa_keys::{Curve, Drbg, Key, KeyHandle, PrivateKey, Secret};

use crate::meter::hex;

pub(crate) const CLIENT: SystemTitle = SystemTitle(*b"OUT\0\0\0\0\x01");
pub(crate) const METER: SystemTitle = SystemTitle(*b"TAA\0\0\0\0\x01");
const SECRET: &[u8] = b"12345678";
/// Of HLS 2: a key of AES-128.
const HIGH_SECRET: &[u8; 16] = b"a secret of both";

/// How the client proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Auth {
    None,
    Low,
    /// HLS 2 as many makers have it, and both clients: the challenge under AES-128 in ECB.
    High,
    Md5,
    Sha1,
    Gmac,
    Sha256,
    Ecdsa,
}

/// One row of the matrix: mechanism, suite, and what is done to messages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Security {
    pub(crate) name: &'static str,
    pub(crate) auth: Auth,
    pub(crate) suite: Suite,
    pub(crate) protection: Protection,
    pub(crate) dedicated: bool,
    /// General form (general-glo, general-ded) instead of the service's own.
    pub(crate) general: bool,
    /// By short names.
    pub(crate) short: bool,
    /// The public client (16), while the management client has a password.
    pub(crate) public: bool,
}

const fn plain(name: &'static str, auth: Auth, suite: Suite) -> Security {
    Security {
        name,
        auth,
        suite,
        protection: Protection::NONE,
        dedicated: false,
        general: false,
        short: false,
        public: false,
    }
}

const fn ciphered(name: &'static str, auth: Auth, suite: Suite, protection: Protection) -> Security {
    Security { protection, ..plain(name, auth, suite) }
}

use Protection as P;
pub(crate) const NONE: Security = plain("NONE", Auth::None, Suite::Zero);
pub(crate) const PUBLIC: Security = Security { public: true, ..plain("public client", Auth::None, Suite::Zero) };
pub(crate) const LOW: Security = plain("LOW", Auth::Low, Suite::Zero);
pub(crate) const HIGH: Security = plain("HLS 2 (AES-ECB)", Auth::High, Suite::Zero);
pub(crate) const MD5: Security = plain("MD5", Auth::Md5, Suite::Zero);
pub(crate) const SHA1: Security = plain("SHA-1", Auth::Sha1, Suite::Zero);
pub(crate) const GMAC: Security = plain("GMAC", Auth::Gmac, Suite::Zero);
pub(crate) const SHA256: Security = plain("SHA-256", Auth::Sha256, Suite::Zero);
pub(crate) const ECDSA: Security = plain("ECDSA P-256", Auth::Ecdsa, Suite::One);
pub(crate) const ECDSA_384: Security = plain("ECDSA P-384", Auth::Ecdsa, Suite::Two);
pub(crate) const LOW_BOTH: Security = ciphered("LOW, suite 0, A+E", Auth::Low, Suite::Zero, P::BOTH);
pub(crate) const GMAC_AUTH: Security = ciphered("GMAC, suite 0, A", Auth::Gmac, Suite::Zero, P::AUTHENTICATED);
pub(crate) const GMAC_ENC: Security = ciphered("GMAC, suite 0, E", Auth::Gmac, Suite::Zero, P::ENCRYPTED);
pub(crate) const GMAC_BOTH: Security = ciphered("GMAC, suite 0, A+E", Auth::Gmac, Suite::Zero, P::BOTH);
pub(crate) const DEDICATED: Security =
    Security { dedicated: true, ..ciphered("GMAC, suite 0, A+E, dedicated", Auth::Gmac, Suite::Zero, P::BOTH) };
pub(crate) const GENERAL: Security =
    Security { general: true, ..ciphered("GMAC, suite 0, A+E, general-glo", Auth::Gmac, Suite::Zero, P::BOTH) };
pub(crate) const GENERAL_DEDICATED: Security = Security {
    dedicated: true,
    general: true,
    ..ciphered("GMAC, suite 0, A+E, general-ded", Auth::Gmac, Suite::Zero, P::BOTH)
};
pub(crate) const SUITE_1: Security = ciphered("GMAC, suite 1, A+E", Auth::Gmac, Suite::One, P::BOTH);
pub(crate) const SUITE_2: Security = ciphered("GMAC, suite 2, A+E", Auth::Gmac, Suite::Two, P::BOTH);
pub(crate) const GENERAL_1: Security =
    Security { general: true, ..ciphered("GMAC, suite 1, A+E, general-glo", Auth::Gmac, Suite::One, P::BOTH) };
pub(crate) const GENERAL_2: Security =
    Security { general: true, ..ciphered("GMAC, suite 2, A+E, general-glo", Auth::Gmac, Suite::Two, P::BOTH) };
pub(crate) const LOW_GENERAL: Security =
    Security { general: true, ..ciphered("LOW, suite 0, A+E, general-glo", Auth::Low, Suite::Zero, P::BOTH) };
pub(crate) const SHA256_BOTH: Security = ciphered("SHA-256, suite 0, A+E", Auth::Sha256, Suite::Zero, P::BOTH);
pub(crate) const NONE_SHORT: Security = Security { short: true, ..plain("NONE, short names", Auth::None, Suite::Zero) };
pub(crate) const LOW_SHORT: Security = Security { short: true, ..plain("LOW, short names", Auth::Low, Suite::Zero) };
pub(crate) const ECDSA_BOTH: Security = ciphered("ECDSA, suite 1, A+E", Auth::Ecdsa, Suite::One, P::BOTH);

impl Security {
    fn bytes(&self, first: u8) -> Vec<u8> {
        (0..self.suite.key_bits() / 8).map(|at| first.wrapping_add(at as u8)).collect()
    }

    fn key(&self, first: u8) -> KeyHandle {
        Key::from_bytes(&self.bytes(first)).map(KeyHandle::new).expect("of the suite's length")
    }

    fn private(&self, byte: u8) -> PrivateKey {
        let curve = self.suite.curve().unwrap_or(Curve::P256);
        PrivateKey::from_bytes(curve, &vec![byte; curve.bytes()]).expect("a number below the order")
    }

    /// Global keys of the meter.
    pub(crate) fn keys(&self) -> Keys {
        Keys { unicast: self.key(0).cipher(), authentication: Some(self.key(0xD0)), broadcast: None, parties: None }
    }

    /// The key that the client makes for an association.
    pub(crate) fn dedicated_key(&self) -> Option<KeyHandle> {
        self.dedicated.then(|| self.key(0x60))
    }

    fn hls(&self) -> Option<Hls> {
        Some(match self.auth {
            Auth::None | Auth::Low => return None,
            Auth::High => Hls::Manufacturer(Secret::new(HIGH_SECRET), ecb),
            Auth::Md5 => Hls::Md5(Secret::new(SECRET)),
            Auth::Sha1 => Hls::Sha1(Secret::new(SECRET)),
            Auth::Gmac => Hls::Gmac,
            Auth::Sha256 => Hls::Sha256(Secret::new(SECRET)),
            Auth::Ecdsa => Hls::Ecdsa { own: self.private(0x11), peer: self.private(0x22).public() },
        })
    }

    /// Our server, which takes nothing less.
    pub(crate) fn server(&self, config: &ServerConfig) -> Server {
        let password = (self.auth == Auth::Low || self.public).then(|| Secret::new(SECRET));
        let config = ServerConfig { management_password: password, short_names: self.short, ..config.clone() };
        let keyed = self.auth == Auth::Gmac || !self.protection.is_none();
        Server::secured(
            config,
            ServerSecurity {
                title: METER,
                counter: SendCounter::volatile(100),
                random: Random::generator(Drbg::new(&[4; 48], &[], b"meter")),
                management: Some(AssociationSecurity {
                    suite: self.suite,
                    keys: keyed.then(|| self.keys()),
                    policy: Policy::both(self.protection),
                    hls: self.hls(),
                    challenge_bytes: 32,
                    client_title: None,
                }),
                public: None,
            },
        )
    }

    /// What the client is told.
    pub(crate) fn order(&self, pdu_max: u16) -> Json {
        let auth = match self.auth {
            Auth::None => "none",
            Auth::Low => "low",
            Auth::High => "high",
            Auth::Md5 => "md5",
            Auth::Sha1 => "sha1",
            Auth::Gmac => "gmac",
            Auth::Sha256 => "sha256",
            Auth::Ecdsa => "ecdsa",
        };
        let cipher = match (self.protection.authenticated, self.protection.encrypted) {
            (false, false) => "none",
            (true, false) => "auth",
            (false, true) => "enc",
            (true, true) => "both",
        };
        let curve = self.suite.curve().unwrap_or(Curve::P256);
        let public = self.private(0x11).public().to_bytes();
        json!({
            "auth": auth,
            "suite": self.suite.number(),
            "cipher": cipher,
            "secret": match self.auth {
                Auth::None => String::new(),
                Auth::High => hex(HIGH_SECRET),
                _ => hex(SECRET),
            },
            "title": hex(&CLIENT.0),
            "meter": hex(&METER.0),
            "ek": hex(&self.bytes(0)),
            "ak": hex(&self.bytes(0xD0)),
            "dedicated": if self.dedicated { hex(&self.bytes(0x60)) } else { String::new() },
            "general": self.general,
            "own": hex(&vec![0x22; curve.bytes()]),
            "peer": format!("04{}", hex(&public)),
            "challenge": hex(&[0x5A; 32]),
            "sap": if self.public { 16 } else { 1 },
            "short": self.short,
            "blocks": 0,
            "pdu": pdu_max,
            "as_it_comes": false,
            "associate": true,
        })
    }
}

/// Each block of the challenge under AES-128.
fn ecb(secret: &[u8], exchange: &Exchange<'_>) -> Vec<u8> {
    let Ok(cipher) = Aes128::new_from_slice(secret) else { return Vec::new() };
    let (blocks, rest) = exchange.asked.as_chunks::<16>();
    if !rest.is_empty() {
        return Vec::new();
    }
    blocks
        .iter()
        .flat_map(|block| {
            let mut block = (*block).into();
            cipher.encrypt_block(&mut block);
            block
        })
        .collect()
}
