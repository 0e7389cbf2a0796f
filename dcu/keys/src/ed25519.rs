//! Ed25519 (RFC 8032), for what many outsiders verify: checkpoints of the ledger.
//!
//! Signing is deterministic and asks for no randomness. Verification is the strict kind: keys and signatures of small
//! order are refused, so that one signature fits one message and one key.

use std::fmt;
use std::sync::Arc;

use ed25519_dalek::Signer;
use zeroize::Zeroizing;

use crate::CurveError;

/// A handle to a private key. Copies share it; the last one wipes it.
#[derive(Clone)]
pub struct Ed25519Private(Arc<ed25519_dalek::SigningKey>);

/// A public key, a point known to be on the curve.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Ed25519Public(ed25519_dalek::VerifyingKey);

impl Ed25519Private {
    /// From its seed (RFC 8032, 5.1.5): any 32 random bytes. The caller wipes its own copy.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let seed = Zeroizing::new(*seed);
        Self(Arc::new(ed25519_dalek::SigningKey::from_bytes(&seed)))
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> Ed25519Public {
        Ed25519Public(self.0.verifying_key())
    }

    /// Signs a message: R ‖ S.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl Ed25519Public {
    /// From its encoding (RFC 8032, 5.1.2).
    ///
    /// # Errors
    /// [`CurveError::PublicKey`], also for a point of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, CurveError> {
        match ed25519_dalek::VerifyingKey::from_bytes(bytes) {
            Ok(key) if !key.is_weak() => Ok(Self(key)),
            _ => Err(CurveError::PublicKey),
        }
    }

    /// Its encoding.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Checks a signature R ‖ S.
    ///
    /// # Errors
    /// [`CurveError::Signature`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), CurveError> {
        let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| CurveError::Signature)?;
        self.0.verify_strict(message, &signature).map_err(|_| CurveError::Signature)
    }
}

impl fmt::Debug for Ed25519Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ed25519Private(..)")
    }
}

impl fmt::Debug for Ed25519Public {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ed25519Public(")?;
        self.to_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hmac::hex;

    /// RFC 8032, 7.1, tests 1 and 3.
    #[test]
    fn published_signatures() {
        for (seed, public, message, signature) in [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                "",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b\
                 d25bf5f0595bbe24655141438e7a100b",
            ),
            (
                "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
                "af82",
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659\
                 4a7c15e9716ed28dc027beceea1ec40a",
            ),
        ] {
            let key = Ed25519Private::from_seed(&hex(seed).try_into().unwrap());
            let signature = hex(signature);
            assert_eq!(key.public().to_bytes().to_vec(), hex(public));
            assert_eq!(key.sign(&hex(message)).to_vec(), signature);
            assert_eq!(key.public().verify(&hex(message), &signature), Ok(()));
            assert_eq!(key.public().verify(b"another", &signature), Err(CurveError::Signature));
            assert_eq!(key.public().verify(&hex(message), &signature[1..]), Err(CurveError::Signature));
            assert_eq!(Ed25519Public::from_bytes(&hex(public).try_into().unwrap()), Ok(key.public()));
            assert!(!format!("{key:?}").contains("9d"));
        }
        let mut neutral = [0; 32];
        neutral[0] = 1;
        assert_eq!(Ed25519Public::from_bytes(&neutral), Err(CurveError::PublicKey), "small order");
    }
}
