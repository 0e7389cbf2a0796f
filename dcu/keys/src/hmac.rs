//! HMAC-SHA-256 (RFC 2104, FIPS 198-1), for the generator and for [`crate::hash::hmac_sha256`].

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const BLOCK: usize = 64;

/// The code of the concatenated parts. A key longer than a block is hashed first (RFC 2104, 2).
pub(crate) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    if key.len() > BLOCK {
        let short: Zeroizing<[u8; 32]> = Zeroizing::new(Sha256::digest(key).into());
        return hmac_sha256(short.as_slice(), parts);
    }
    let pad = |with: u8| {
        let mut block = Zeroizing::new([with; BLOCK]);
        for (byte, key) in block.iter_mut().zip(key) {
            *byte ^= key;
        }
        block
    };
    let mut inner = Sha256::new();
    inner.update(pad(0x36).as_slice());
    for part in parts {
        inner.update(part);
    }
    let mut outer = Sha256::new();
    outer.update(pad(0x5C).as_slice());
    outer.update(inner.finalize());
    outer.finalize().into()
}

#[cfg(test)]
pub(crate) fn hex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2; the key is shorter than a block and padded with zeros.
    #[test]
    fn rfc_4231_case_2() {
        assert_eq!(
            hmac_sha256(b"Jefe", &[b"what do ya want ", b"for nothing?"]).to_vec(),
            hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        );
    }

    /// RFC 4231, test case 6: a key of 131 bytes.
    #[test]
    fn rfc_4231_case_6() {
        assert_eq!(
            hmac_sha256(&[0xAA; 131], &[b"Test Using Larger Than Block-Size Key - Hash Key First"]).to_vec(),
            hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
        );
    }
}
