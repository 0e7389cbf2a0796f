//! High-level security: both sides prove that they know a secret, by answering a challenge (Green Book 9.2.7.4).
//!
//! The client's AARQ carries CtoS, the server's AARE StoC. The client answers with f(StoC) as the parameter of
//! reply_to_HLS_authentication (method 1 of class 15, method 8 of class 12), the server with f(CtoS) as its result.
//!
//! | mechanism | proof by P to V |
//! |---|---|
//! | 2 manufacturer | a function of the manufacturer |
//! | 3 MD5, 4 SHA-1 | digest(challenge of V ‖ secret) |
//! | 5 GMAC | SC ‖ IC ‖ GMAC(key; title of P ‖ IC; SC ‖ AK ‖ challenge of V) |
//! | 6 SHA-256 | digest(secret ‖ title of P ‖ title of V ‖ challenge of V ‖ challenge of P) |
//! | 7 ECDSA | signature by P over title of P ‖ title of V ‖ challenge of V ‖ challenge of P |

use std::fmt;

use taa_keys::{Aad, NONCE_BYTES, PrivateKey, PublicKey, Secret, TAG_BYTES, hash};

use super::layer::{HEADER_BYTES, LayerKeys};
use super::suite::{Protection, SecurityControl, Suite, SystemTitle};
use crate::apdu::Mechanism;
use crate::error::{DecodeError, Error, SecurityFault};

/// Shortest and longest challenge (Green Book 9.2.2.2.2.4: "octet-strings of 8 to 64 bytes").
pub const CHALLENGE_BYTES: std::ops::RangeInclusive<usize> = 8..=64;

/// Which mechanism, with what it needs.
#[derive(Clone)]
pub enum Hls {
    /// 2: the manufacturer's own function of the secret and the exchange.
    Manufacturer(Secret, fn(&[u8], &Exchange<'_>) -> Vec<u8>),
    /// 3.
    Md5(Secret),
    /// 4.
    Sha1(Secret),
    /// 5: by the encryption and authentication keys of the association.
    Gmac,
    /// 6.
    Sha256(Secret),
    /// 7: by our private signing key and the peer's public one.
    Ecdsa {
        /// Ours.
        own: PrivateKey,
        /// The peer's, as trusted beforehand.
        peer: PublicKey,
    },
}

/// Who proves what to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange<'a> {
    /// Title of the side that proves; without a title in mechanisms 2 to 4.
    pub prover: Option<SystemTitle>,
    /// Title of the side that checks.
    pub verifier: Option<SystemTitle>,
    /// The challenge to be answered, from the side that checks.
    pub asked: &'a [u8],
    /// The challenge that the proving side sent itself.
    pub own: &'a [u8],
}

impl<'a> Exchange<'a> {
    /// The same in the other direction.
    #[must_use]
    pub const fn turned(self) -> Self {
        Self { prover: self.verifier, verifier: self.prover, asked: self.own, own: self.asked }
    }
}

impl Hls {
    /// The mechanism in the association request.
    #[must_use]
    pub const fn mechanism(&self) -> Mechanism {
        match self {
            Self::Manufacturer(..) => Mechanism::HighManufacturer,
            Self::Md5(_) => Mechanism::HighMd5,
            Self::Sha1(_) => Mechanism::HighSha1,
            Self::Gmac => Mechanism::HighGmac,
            Self::Sha256(_) => Mechanism::HighSha256,
            Self::Ecdsa { .. } => Mechanism::HighEcdsa,
        }
    }

    /// Both system titles are part of the proof.
    #[must_use]
    pub const fn needs_titles(&self) -> bool {
        matches!(self, Self::Gmac | Self::Sha256(_) | Self::Ecdsa { .. })
    }

    /// The proof. Mechanism 5 uses the keys and one invocation counter, the others neither.
    ///
    /// # Errors
    /// [`SecurityFault::WrongTitle`], [`SecurityFault::NoKey`].
    pub fn prove(
        &self,
        exchange: &Exchange<'_>,
        suite: Suite,
        keys: Option<LayerKeys<'_>>,
        invocation: impl FnOnce() -> Result<u32, SecurityFault>,
    ) -> Result<Vec<u8>, SecurityFault> {
        match self {
            Self::Gmac => gmac(exchange, suite, keys, invocation()?),
            Self::Ecdsa { own, .. } => Ok(own.sign(&titled(exchange)?)),
            _ => self.digest(exchange),
        }
    }

    /// Checks a proof of the peer. `exchange` has the peer as prover. The counter that a GMAC proof carries is returned,
    /// for the caller to refuse replays.
    ///
    /// # Errors
    /// [`SecurityFault::NotProven`], [`SecurityFault::WrongTitle`], [`SecurityFault::NoKey`]; [`DecodeError`].
    pub fn check(
        &self,
        exchange: &Exchange<'_>,
        suite: Suite,
        keys: Option<LayerKeys<'_>>,
        proof: &[u8],
    ) -> Result<Option<u32>, Error> {
        // Our own challenge sent back would let the peer mirror our own proof.
        if exchange.asked == exchange.own {
            return Err(SecurityFault::BadChallenge.into());
        }
        match self {
            Self::Gmac => {
                if proof.len() != HEADER_BYTES.saturating_add(TAG_BYTES) {
                    return Err(DecodeError::OutOfRange("length of the proof").into());
                }
                let (control, invocation) = super::layer::header(proof)?;
                if control != SecurityControl::new(suite, Protection::AUTHENTICATED) {
                    return Err(SecurityFault::WrongSuite.into());
                }
                let expected = Secret::new(&gmac(exchange, suite, keys, invocation)?);
                if !expected.matches(proof) {
                    return Err(SecurityFault::NotProven.into());
                }
                Ok(Some(invocation))
            }
            Self::Ecdsa { peer, .. } => match peer.verify(&titled(exchange)?, proof) {
                Ok(()) => Ok(None),
                Err(_) => Err(SecurityFault::NotProven.into()),
            },
            _ if Secret::new(&self.digest(exchange)?).matches(proof) => Ok(None),
            _ => Err(SecurityFault::NotProven.into()),
        }
    }

    fn digest(&self, exchange: &Exchange<'_>) -> Result<Vec<u8>, SecurityFault> {
        Ok(match self {
            Self::Manufacturer(secret, function) => function(secret.expose(), exchange),
            Self::Md5(secret) => hash::md5(&[exchange.asked, secret.expose()]).to_vec(),
            Self::Sha1(secret) => hash::sha1(&[exchange.asked, secret.expose()]).to_vec(),
            Self::Sha256(secret) => {
                let [prover, verifier, asked, own] = titled(exchange)?;
                hash::sha256(&[secret.expose(), prover, verifier, asked, own]).to_vec()
            }
            Self::Gmac | Self::Ecdsa { .. } => return Err(SecurityFault::NoKey("shared secret")),
        })
    }
}

fn titled<'a>(exchange: &'a Exchange<'a>) -> Result<[&'a [u8]; 4], SecurityFault> {
    match (&exchange.prover, &exchange.verifier) {
        (Some(prover), Some(verifier)) => Ok([&prover.0, &verifier.0, exchange.asked, exchange.own]),
        _ => Err(SecurityFault::WrongTitle),
    }
}

fn gmac(
    exchange: &Exchange<'_>,
    suite: Suite,
    keys: Option<LayerKeys<'_>>,
    invocation: u32,
) -> Result<Vec<u8>, SecurityFault> {
    let keys = keys.ok_or(SecurityFault::NoKey("encryption key"))?;
    if keys.cipher.bits() != suite.key_bits() {
        return Err(SecurityFault::WrongSuite);
    }
    let nonce: [u8; NONCE_BYTES] = exchange.prover.ok_or(SecurityFault::WrongTitle)?.nonce(invocation);
    let control = SecurityControl::new(suite, Protection::AUTHENTICATED).to_byte();
    let aad = Aad { head: &[control], key: keys.authentication, parts: &[exchange.asked] };
    let mut proof = vec![control];
    proof.extend_from_slice(&invocation.to_be_bytes());
    proof.extend_from_slice(&keys.cipher.seal(&nonce, aad, &mut []));
    Ok(proof)
}

impl fmt::Debug for Hls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hls({:?})", self.mechanism())
    }
}

#[cfg(test)]
mod tests {
    use taa_keys::{Curve, Key, KeyHandle};

    use super::*;

    const CLIENT: SystemTitle = SystemTitle(*b"CLI\0\0\0\0\x01");
    const SERVER: SystemTitle = SystemTitle(*b"SIM\0\0\0\0\x01");

    fn twice(secret: &[u8], exchange: &Exchange<'_>) -> Vec<u8> {
        [secret, exchange.asked, exchange.asked].concat()
    }

    #[test]
    fn each_mechanism_proves_and_only_what_was_asked() {
        let secret = || Secret::new(b"a secret");
        let key = |byte| PrivateKey::from_bytes(Curve::P256, &[byte; 32]).unwrap();
        let cipher = KeyHandle::new(Key::Aes128([1; 16])).cipher();
        let authentication = KeyHandle::new(Key::Aes128([2; 16]));
        let keys = Some(LayerKeys { cipher: &cipher, authentication: Some(&authentication) });
        let ecdsa = |own, peer: u8| Hls::Ecdsa { own: key(own), peer: key(peer).public() };
        for (client, server) in [
            (Hls::Manufacturer(secret(), twice), Hls::Manufacturer(secret(), twice)),
            (Hls::Md5(secret()), Hls::Md5(secret())),
            (Hls::Sha1(secret()), Hls::Sha1(secret())),
            (Hls::Gmac, Hls::Gmac),
            (Hls::Sha256(secret()), Hls::Sha256(secret())),
            (ecdsa(1, 2), ecdsa(2, 1)),
        ] {
            let exchange = Exchange {
                prover: Some(CLIENT),
                verifier: Some(SERVER),
                asked: b"a challenge by the server",
                own: b"a challenge by the client",
            };
            let proof = client.prove(&exchange, Suite::Zero, keys, || Ok(9)).unwrap();
            let counter = server.check(&exchange, Suite::Zero, keys, &proof).unwrap();
            assert_eq!(counter.is_some(), matches!(client, Hls::Gmac));
            // Another challenge, a changed proof, or the same proof in the other direction do not do.
            let other = Exchange { asked: b"another challenge", ..exchange };
            assert_eq!(
                server.check(&other, Suite::Zero, keys, &proof),
                Err(SecurityFault::NotProven.into()),
                "{client:?}"
            );
            assert!(server.check(&exchange.turned(), Suite::Zero, keys, &proof).is_err());
            let mut broken = proof.clone();
            *broken.last_mut().unwrap() ^= 1;
            assert!(server.check(&exchange, Suite::Zero, keys, &broken).is_err());
            assert!(server.check(&exchange, Suite::Zero, keys, &proof[1..]).is_err());
            let mirrored = Exchange { own: exchange.asked, ..exchange };
            assert_eq!(server.check(&mirrored, Suite::Zero, keys, &proof), Err(SecurityFault::BadChallenge.into()));
            let untitled = Exchange { prover: None, ..exchange };
            assert_eq!(client.prove(&untitled, Suite::Zero, keys, || Ok(9)).is_err(), client.needs_titles());
            assert!(!format!("{client:?}").contains("secret"));
        }
    }
}
