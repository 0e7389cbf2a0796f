//! Images of firmware: how this meter tells a whole one from a damaged one.
//!
//! Arbitrary, as every maker has a format of its own: the last 32 bytes are SHA-256 over the image's identifier, its
//! length and what stands before. It guards against damage on the way and against an image under another's name; it is no
//! signature, so whoever holds a meter's keys can load anything.

use taa_dlms::axdr::Octets;
use taa_dlms::cosem::model::{Hooks, Verdict};
use taa_keys::hash;

const DIGEST_BYTES: usize = 32;

/// An image of that payload, as [`crate::Meter`] takes it. It is 32 bytes longer.
#[must_use]
pub fn firmware_image(identifier: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut image = payload.to_vec();
    image.extend_from_slice(&digest(identifier, payload));
    image
}

fn digest(identifier: &[u8], payload: &[u8]) -> [u8; DIGEST_BYTES] {
    let lengths = [identifier.len() as u64, payload.len() as u64].map(u64::to_be_bytes);
    hash::sha256(&[&lengths[0], &lengths[1], identifier, payload])
}

/// What checks an image before it is started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bootloader;

impl Hooks for Bootloader {
    fn verify_image(&mut self, identifier: &[u8], image: &[u8]) -> Verdict {
        match image.split_last_chunk::<DIGEST_BYTES>() {
            Some((payload, found)) if *found == digest(identifier, payload) => {
                Verdict::Good(Octets::from(found.as_slice()))
            }
            _ => Verdict::Bad,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_good_under_its_own_name_alone_and_whole() {
        let image = firmware_image(b"TAA-2", &[7; 1000]);
        assert!(matches!(Bootloader.verify_image(b"TAA-2", &image), Verdict::Good(_)));
        assert_eq!(Bootloader.verify_image(b"TAA-3", &image), Verdict::Bad);
        for damaged in [0, 500, 999, 1031] {
            let mut bad = image.clone();
            bad[damaged] ^= 1;
            assert_eq!(Bootloader.verify_image(b"TAA-2", &bad), Verdict::Bad, "{damaged}");
        }
        assert_eq!(Bootloader.verify_image(b"TAA-2", &image[..image.len() - 1]), Verdict::Bad);
        assert_eq!(Bootloader.verify_image(b"TAA-2", &[]), Verdict::Bad);
    }
}
