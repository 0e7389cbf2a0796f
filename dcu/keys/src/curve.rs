//! Keys on the curves P-256 and P-384: signatures (ECDSA, FIPS 186-5) and key agreement (ECDH, NIST SP 800-56A).
//!
//! Signing is deterministic (RFC 6979): it asks for no randomness. A fresh key is made from random bytes of the caller.
//! Shared secrets never leave: what comes out of an agreement is a key derived from it.

use std::fmt;
use std::sync::Arc;

use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use sha2::{Digest, Sha256, Sha384};
use zeroize::Zeroizing;

use crate::hash::{sha256, sha384};
use crate::{Key, KeyHandle};

/// Which curve: security suite 1 has P-256, suite 2 has P-384.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// NIST P-256 with SHA-256 and AES-128.
    P256,
    /// NIST P-384 with SHA-384 and AES-256.
    P384,
}

impl Curve {
    /// Bytes of a private key, of each coordinate, and of each half of a signature.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }
}

/// What is wrong with a key or a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CurveError {
    /// The number is zero, too large, or of a wrong length.
    #[error("not a private key of this curve")]
    PrivateKey,
    /// The point is not on the curve, or of a wrong length.
    #[error("not a public key of this curve")]
    PublicKey,
    /// The two keys are on different curves.
    #[error("keys on different curves")]
    Mixed,
    /// The signature does not fit the message and key.
    #[error("signature does not fit")]
    Signature,
}

/// A handle to a private key. Copies share it; the last one wipes it.
#[derive(Clone)]
pub struct PrivateKey(Private);

#[derive(Clone)]
enum Private {
    P256(Arc<p256::SecretKey>),
    P384(Arc<p384::SecretKey>),
}

/// A public key, a point known to be on its curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(Public);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Public {
    P256(p256::PublicKey),
    P384(p384::PublicKey),
}

impl PrivateKey {
    /// From its number, big-endian. Random bytes of that length are a key with a probability next to one
    /// (all but 2⁻³²): on an error, come with others.
    ///
    /// # Errors
    /// [`CurveError::PrivateKey`].
    pub fn from_bytes(curve: Curve, number: &[u8]) -> Result<Self, CurveError> {
        if number.len() != curve.bytes() {
            return Err(CurveError::PrivateKey);
        }
        Ok(Self(match curve {
            Curve::P256 => {
                Private::P256(Arc::new(p256::SecretKey::from_slice(number).map_err(|_| CurveError::PrivateKey)?))
            }
            Curve::P384 => {
                Private::P384(Arc::new(p384::SecretKey::from_slice(number).map_err(|_| CurveError::PrivateKey)?))
            }
        }))
    }

    /// Its curve.
    #[must_use]
    pub const fn curve(&self) -> Curve {
        match self.0 {
            Private::P256(_) => Curve::P256,
            Private::P384(_) => Curve::P384,
        }
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(match &self.0 {
            Private::P256(key) => Public::P256(key.public_key()),
            Private::P384(key) => Public::P384(key.public_key()),
        })
    }

    /// Signs the concatenated parts: R ‖ S, each as long as [`Curve::bytes`].
    #[must_use]
    pub fn sign(&self, parts: &[&[u8]]) -> Vec<u8> {
        match &self.0 {
            Private::P256(key) => {
                let signed: Result<p256::ecdsa::Signature, _> =
                    p256::ecdsa::SigningKey::from(&**key).sign_prehash(&sha256(parts));
                // Signing fails only for a digest that is too short.
                signed.map(|signature| signature.to_bytes().to_vec()).unwrap_or_default()
            }
            Private::P384(key) => {
                let signed: Result<p384::ecdsa::Signature, _> =
                    p384::ecdsa::SigningKey::from(&**key).sign_prehash(&sha384(parts));
                signed.map(|signature| signature.to_bytes().to_vec()).unwrap_or_default()
            }
        }
    }

    /// Agrees on a key with the owner of `peer`: the shared secret goes through the concatenation KDF of SP 800-56A
    /// (5.8.1) with SHA-256 (P-256, giving AES-128) or SHA-384 (P-384, giving AES-256) and `other_info`.
    ///
    /// # Errors
    /// [`CurveError::Mixed`].
    pub fn agree(&self, peer: &PublicKey, other_info: &[&[u8]]) -> Result<KeyHandle, CurveError> {
        let key = match (&self.0, &peer.0) {
            (Private::P256(own), Public::P256(peer)) => {
                let secret = own.diffie_hellman(peer);
                let derived = Zeroizing::new(concat_kdf::<Sha256>(secret.raw_secret_bytes(), other_info));
                derived.get(..16).and_then(Key::from_bytes)
            }
            (Private::P384(own), Public::P384(peer)) => {
                let secret = own.diffie_hellman(peer);
                let derived = Zeroizing::new(concat_kdf::<Sha384>(secret.raw_secret_bytes(), other_info));
                derived.get(..32).and_then(Key::from_bytes)
            }
            _ => None,
        };
        key.map(KeyHandle::new).ok_or(CurveError::Mixed)
    }
}

/// One round of the KDF: more than one is never needed, for a digest is longer than the key of its suite.
fn concat_kdf<D: Digest>(secret: &[u8], other_info: &[&[u8]]) -> Vec<u8> {
    let mut hash = D::new();
    hash.update(1_u32.to_be_bytes());
    hash.update(secret);
    for part in other_info {
        hash.update(part);
    }
    hash.finalize().to_vec()
}

impl PublicKey {
    /// From both coordinates, with or without the leading 04 of an uncompressed point (SEC 1, 2.3.4).
    ///
    /// # Errors
    /// [`CurveError::PublicKey`], also for a point that is not on the curve.
    pub fn from_bytes(curve: Curve, bytes: &[u8]) -> Result<Self, CurveError> {
        let coordinates = curve.bytes().saturating_mul(2);
        let mut point = Vec::with_capacity(coordinates.saturating_add(1));
        if bytes.len() == coordinates {
            point.push(4);
        }
        if bytes.len() > coordinates.saturating_add(1) {
            return Err(CurveError::PublicKey);
        }
        point.extend_from_slice(bytes);
        if point.len() != coordinates.saturating_add(1) || point.first() != Some(&4) {
            return Err(CurveError::PublicKey);
        }
        Ok(Self(match curve {
            Curve::P256 => Public::P256(p256::PublicKey::from_sec1_bytes(&point).map_err(|_| CurveError::PublicKey)?),
            Curve::P384 => Public::P384(p384::PublicKey::from_sec1_bytes(&point).map_err(|_| CurveError::PublicKey)?),
        }))
    }

    /// Its curve.
    #[must_use]
    pub const fn curve(&self) -> Curve {
        match self.0 {
            Public::P256(_) => Curve::P256,
            Public::P384(_) => Curve::P384,
        }
    }

    /// Both coordinates, without a leading byte.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        use p256::elliptic_curve::sec1::ToSec1Point;
        let point = match &self.0 {
            Public::P256(key) => key.to_sec1_point(false).as_bytes().to_vec(),
            Public::P384(key) => key.to_sec1_point(false).as_bytes().to_vec(),
        };
        point.get(1..).unwrap_or(&[]).to_vec()
    }

    /// Checks a signature R ‖ S over the concatenated parts.
    ///
    /// # Errors
    /// [`CurveError::Signature`].
    pub fn verify(&self, parts: &[&[u8]], signature: &[u8]) -> Result<(), CurveError> {
        let wrong = CurveError::Signature;
        match &self.0 {
            Public::P256(key) => {
                let signature = p256::ecdsa::Signature::from_slice(signature).map_err(|_| wrong)?;
                let key = p256::ecdsa::VerifyingKey::from(key);
                key.verify_prehash(&sha256(parts), &signature).map_err(|_| wrong)
            }
            Public::P384(key) => {
                let signature = p384::ecdsa::Signature::from_slice(signature).map_err(|_| wrong)?;
                let key = p384::ecdsa::VerifyingKey::from(key);
                key.verify_prehash(&sha384(parts), &signature).map_err(|_| wrong)
            }
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({:?})", self.curve())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hmac::hex;

    /// RFC 6979 A.2.5 and A.2.6: message "sample", SHA-256 and SHA-384.
    #[test]
    fn published_signatures() {
        for (curve, private, signature) in [
            (
                Curve::P256,
                "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
                "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
                 f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
            ),
            (
                Curve::P384,
                "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5",
                "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46\
                 99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8",
            ),
        ] {
            let key = PrivateKey::from_bytes(curve, &hex(private)).unwrap();
            assert_eq!(key.sign(&[b"sam", b"ple"]), hex(signature));
            assert_eq!(key.public().verify(&[b"sample"], &hex(signature)), Ok(()));
            assert_eq!(key.public().verify(&[b"simple"], &hex(signature)), Err(CurveError::Signature));
            assert_eq!(key.public().verify(&[b"sample"], &hex(signature)[1..]), Err(CurveError::Signature));
            let bytes = key.public().to_bytes();
            assert_eq!(PublicKey::from_bytes(curve, &bytes), Ok(key.public()));
            assert_eq!(PublicKey::from_bytes(curve, &[&[4], bytes.as_slice()].concat()), Ok(key.public()));
            assert_eq!(PublicKey::from_bytes(curve, &bytes[1..]), Err(CurveError::PublicKey));
            let mut off_curve = bytes;
            off_curve[5] ^= 1;
            assert_eq!(PublicKey::from_bytes(curve, &off_curve), Err(CurveError::PublicKey));
            assert!(!format!("{key:?}").contains("201"));
        }
    }

    /// CAVP KAS_ECC_CDH_PrimitiveTest, P-256, COUNT 0: the secret itself, then put through the KDF by hand.
    #[test]
    fn both_sides_agree() {
        let own = "7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534";
        let peer = "700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287\
                    db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac";
        let secret = hex("46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b");
        let own = PrivateKey::from_bytes(Curve::P256, &hex(own)).unwrap();
        let peer = PublicKey::from_bytes(Curve::P256, &hex(peer)).unwrap();
        let expected = sha256(&[&[0, 0, 0, 1], &secret, b"info"]);
        let expected = KeyHandle::new(Key::from_bytes(&expected[..16]).unwrap());
        assert_eq!(own.agree(&peer, &[b"in", b"fo"]), Ok(expected));
        for curve in [Curve::P256, Curve::P384] {
            let one = PrivateKey::from_bytes(curve, &vec![1; curve.bytes()]).unwrap();
            let two = PrivateKey::from_bytes(curve, &vec![2; curve.bytes()]).unwrap();
            assert_eq!(one.agree(&two.public(), &[b"x"]), two.agree(&one.public(), &[b"x"]));
            assert_ne!(one.agree(&two.public(), &[b"x"]), one.agree(&two.public(), &[b"y"]));
        }
        let other = PrivateKey::from_bytes(Curve::P384, &[1; 48]).unwrap();
        assert_eq!(own.agree(&other.public(), &[]), Err(CurveError::Mixed));
        assert_eq!(PrivateKey::from_bytes(Curve::P256, &[0; 32]).unwrap_err(), CurveError::PrivateKey);
        assert_eq!(PrivateKey::from_bytes(Curve::P256, &[0xFF; 32]).unwrap_err(), CurveError::PrivateKey);
    }
}
