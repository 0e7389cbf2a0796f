//! Digests that authentication by challenge needs. MD5 and SHA-1 are broken as such; meters of the field still ask for
//! them (HLS mechanisms 3 and 4), and nothing else here uses them.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384};

use crate::Secret;

fn digest<D: Digest>(parts: &[&[u8]]) -> sha2::digest::Output<D> {
    let mut hash = D::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize()
}

/// MD5 (RFC 1321) of the concatenated parts.
#[must_use]
pub fn md5(parts: &[&[u8]]) -> [u8; 16] {
    digest::<Md5>(parts).into()
}

/// SHA-1 (FIPS 180-4) of the concatenated parts.
#[must_use]
pub fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    digest::<Sha1>(parts).into()
}

/// SHA-256 (FIPS 180-4) of the concatenated parts.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    digest::<Sha256>(parts).into()
}

/// HMAC-SHA-256 (FIPS 198-1) of the concatenated parts under a secret of any length.
#[must_use]
pub fn hmac_sha256(key: &Secret, parts: &[&[u8]]) -> [u8; 32] {
    crate::hmac::hmac_sha256(key.expose(), parts)
}

/// SHA-384 (FIPS 180-4) of the concatenated parts.
#[must_use]
pub fn sha384(parts: &[&[u8]]) -> [u8; 48] {
    digest::<Sha384>(parts).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hmac::hex;

    /// RFC 1321 A.5 and the FIPS 180 examples, for "abc".
    #[test]
    fn abc() {
        let abc: &[&[u8]] = &[b"a", b"bc"];
        assert_eq!(md5(abc).to_vec(), hex("900150983cd24fb0d6963f7d28e17f72"));
        assert_eq!(sha1(abc).to_vec(), hex("a9993e364706816aba3e25717850c26c9cd0d89d"));
        assert_eq!(sha256(abc).to_vec(), hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
        assert_eq!(
            sha384(abc).to_vec(),
            hex("cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7")
        );
    }
}
