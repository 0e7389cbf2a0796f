//! Hashes of leaves and nodes (RFC 6962, 2.1): a leaf is hashed behind a zero byte and a node behind a one, so that
//! neither can be taken for the other.

use std::fmt;

use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};
use taa_keys::hash::sha256;

/// Bytes of a hash.
pub const HASH_BYTES: usize = 32;

/// A SHA-256 of a leaf, a node or a whole tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hash([u8; HASH_BYTES]);

impl Hash {
    /// The root of the tree without leaves: the hash of nothing.
    #[must_use]
    pub fn of_empty_tree() -> Self {
        Self(sha256(&[]))
    }

    /// The hash of a leaf with this content.
    #[must_use]
    pub fn of_leaf(entry: &[u8]) -> Self {
        Self(sha256(&[&[0], entry]))
    }

    /// The hash of the node above these two.
    #[must_use]
    pub fn of_node(left: &Self, right: &Self) -> Self {
        let mut bytes = [1; 1 + 2 * HASH_BYTES];
        let (_, below) = bytes.split_at_mut(1);
        let (first, second) = below.split_at_mut(HASH_BYTES);
        first.copy_from_slice(&left.0);
        second.copy_from_slice(&right.0);
        Self(sha256(&[&bytes]))
    }

    /// From 32 bytes; none for any other number.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; HASH_BYTES] {
        &self.0
    }

    /// As checkpoints write it (RFC 4648, section 4).
    #[must_use]
    pub fn to_base64(&self) -> String {
        Base64::encode_string(&self.0)
    }

    /// What [`Self::to_base64`] wrote; none for anything else, odd padding included.
    #[must_use]
    pub fn from_base64(text: &str) -> Option<Self> {
        let mut bytes = [0; HASH_BYTES];
        let decoded = Base64::decode(text, &mut bytes).ok()?;
        Self::from_slice(decoded)
    }

    /// 64 lower-case hexadecimal digits; none for anything else.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let lower = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        if text.len() != 2 * HASH_BYTES || !text.as_bytes().iter().all(lower) {
            return None;
        }
        let mut bytes = [0; HASH_BYTES];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

/// As 64 lower-case hexadecimal digits.
impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_go_both_ways_and_take_nothing_else() {
        let hash = Hash::of_leaf(b"a");
        assert_eq!(Hash::from_hex(&hash.to_string()), Some(hash));
        assert_eq!(Hash::from_base64(&hash.to_base64()), Some(hash));
        assert_eq!(Hash::from_hex(&hash.to_string().to_uppercase()), None);
        assert_eq!(Hash::from_hex(&hash.to_string()[2..]), None);
        assert_eq!(Hash::from_base64(hash.to_base64().trim_end_matches('=')), None);
        let mut unused_bits = hash.to_base64();
        let last = unused_bits.len() - 2;
        let next = char::from(unused_bits.as_bytes()[last] + 1).to_string();
        unused_bits.replace_range(last..=last, &next);
        assert_eq!(Hash::from_base64(&unused_bits), None, "bits that carry nothing are zero");
    }

    #[test]
    fn sabotage_without_the_leading_byte_a_node_would_pass_for_a_leaf() {
        let (left, right) = (Hash::of_leaf(b"l"), Hash::of_leaf(b"r"));
        let both = [left.as_bytes().as_slice(), right.as_bytes()].concat();
        assert_ne!(Hash::of_leaf(&both), Hash::of_node(&left, &right));
    }
}
