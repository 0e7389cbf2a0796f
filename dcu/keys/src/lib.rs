//! Keys of the data concentrator: where they live, how they are named, how a meter's own are derived, and the generator
//! of random bytes.
//!
//! - [`KeyStore`] holds keys in memory under a [`KeyId`]. A key that lives in an HSM will be asked for by the same id.
//! - [`MeterKeys`] derives everything one meter needs from a master key and the meter's name, so that nothing per meter
//!   has to be stored, and one leaked meter betrays no other.
//! - [`KeyHandle`] and [`CipherKey`] are what others work with: AES-GCM, key wrap. Bytes do not come out of them.
//! - [`PrivateKey`] and [`PublicKey`] sign, verify and agree on P-256 and P-384; [`hash`] has the digests.
//! - [`Ed25519Private`] and [`Ed25519Public`] sign and verify what outsiders check.
//! - [`Drbg`] turns the entropy that the shell hands in into random bytes; the logic itself never asks the system.
//!
//! No key byte appears in `Debug`, in an error or in a log, and all are wiped when dropped.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::arithmetic_side_effects
    )
)]

mod curve;
mod drbg;
mod ed25519;
mod gcm;
mod handle;
pub mod hash;
mod hmac;
mod kdf;
mod key;
mod meter;
mod secret;
mod store;

pub use curve::{Curve, CurveError, PrivateKey, PublicKey};
pub use drbg::{Drbg, DrbgError};
pub use ed25519::{Ed25519Private, Ed25519Public};
pub use gcm::{Aad, CipherKey, NONCE_BYTES, TAG_BYTES, TagMismatch};
pub use handle::{KeyHandle, UnwrapError};
pub use kdf::{KdfError, derive};
pub use key::Key;
pub use meter::MeterKeys;
pub use secret::Secret;
pub use store::{KeyError, KeyId, KeyStore, Usage};
