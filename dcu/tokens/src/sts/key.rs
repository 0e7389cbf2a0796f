//! A meter's decoder key: it encrypts and decrypts tokens and never shows itself.

use std::fmt;
use std::sync::OnceLock;

use zeroize::Zeroizing;

use super::misty1::Schedule;
use super::{Content, ContentError, StaTables, Token};

/// Rounds of the Standard Transfer Algorithm.
const ROUNDS: u32 = 16;

/// Encryption algorithm of a meter (IEC 62055-41, EA code).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// 07, Standard Transfer Algorithm: a key of 64 bits, three tables.
    Ea07,
    /// 11, MISTY1: a key of 128 bits.
    Ea11,
}

impl Algorithm {
    /// The code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Ea07 => 7,
            Self::Ea11 => 11,
        }
    }

    /// Bytes of its keys.
    #[must_use]
    pub const fn key_bytes(self) -> usize {
        match self {
            Self::Ea07 => 8,
            Self::Ea11 => 16,
        }
    }

    /// Tokens of a key change.
    #[must_use]
    pub const fn key_change_tokens(self) -> usize {
        match self {
            Self::Ea07 => 2,
            Self::Ea11 => 4,
        }
    }
}

/// A decoder key, made ready. Wiped when dropped; `Debug` shows the algorithm alone.
///
/// EA11 runs in constant time. EA07 looks tables up at places that depend on the key, so its time may tell a program on
/// the same processor something about it: one more reason why production keys stay in a secure module.
#[derive(Clone)]
pub struct DecoderKey(Inner);

#[derive(Clone)]
enum Inner {
    Ea07 {
        key: Zeroizing<u64>,
        tables: StaTables,
    },
    /// The schedule is made when it is first needed: a batch makes its own.
    Ea11 {
        key: Zeroizing<u128>,
        schedule: OnceLock<Schedule>,
    },
}

impl DecoderKey {
    /// A key of 64 bits, its most significant byte first.
    #[must_use]
    pub fn ea07(key: &[u8; 8], tables: &StaTables) -> Self {
        Self(Inner::Ea07 { key: Zeroizing::new(u64::from_be_bytes(*key)), tables: tables.clone() })
    }

    /// A key of 128 bits, its most significant byte first.
    #[must_use]
    pub fn ea11(key: &[u8; 16]) -> Self {
        Self(Inner::Ea11 { key: Zeroizing::new(u128::from_be_bytes(*key)), schedule: OnceLock::new() })
    }

    /// A key of that algorithm; `None` when its length is another.
    #[must_use]
    pub fn from_bytes(algorithm: Algorithm, key: &[u8], tables: &StaTables) -> Option<Self> {
        match algorithm {
            Algorithm::Ea07 => key.try_into().ok().map(|key| Self::ea07(key, tables)),
            Algorithm::Ea11 => key.try_into().ok().map(Self::ea11),
        }
    }

    /// The algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self.0 {
            Inner::Ea07 { .. } => Algorithm::Ea07,
            Inner::Ea11 { .. } => Algorithm::Ea11,
        }
    }

    /// Encrypts what is to be said and weaves it into a token. Tests (class 1) are not encrypted.
    #[must_use]
    pub fn seal(&self, content: &Content) -> Token {
        if let Content::Test(_) = content {
            return plain(content);
        }
        Token::weave(content.class(), self.encrypt_block(content.block()))
    }

    /// Decrypts a token.
    ///
    /// # Errors
    /// [`ContentError`].
    pub fn open(&self, token: Token) -> Result<Content, ContentError> {
        let (class, block) = token.unweave();
        match class {
            super::Class::Test => Content::from_block(class, block),
            _ => Content::from_block(class, self.decrypt_block(block)),
        }
    }

    /// The bytes, for the sections of a key change and for derivation's tests.
    pub(crate) fn expose(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match &self.0 {
            Inner::Ea07 { key, .. } => key.to_be_bytes().to_vec(),
            Inner::Ea11 { key, .. } => key.to_be_bytes().to_vec(),
        })
    }

    /// The EA11 key as a number, for a batch.
    pub(crate) fn ea11_number(&self) -> Option<Zeroizing<u128>> {
        match &self.0 {
            Inner::Ea07 { .. } => None,
            Inner::Ea11 { key, .. } => Some(key.clone()),
        }
    }

    /// Encrypts a bare block. Tokens are made by [`DecoderKey::seal`]; this is for comparing the cipher itself.
    #[must_use]
    pub fn encrypt_block(&self, block: u64) -> u64 {
        match &self.0 {
            Inner::Ea07 { key, tables } => sta_encrypt(**key, tables, block),
            Inner::Ea11 { key, schedule } => schedule.get_or_init(|| Schedule::new(**key)).encrypt(block),
        }
    }

    /// Decrypts a bare block, as [`DecoderKey::encrypt_block`] encrypts it.
    #[must_use]
    pub fn decrypt_block(&self, block: u64) -> u64 {
        match &self.0 {
            Inner::Ea07 { key, tables } => sta_decrypt(**key, tables, block),
            Inner::Ea11 { key, schedule } => schedule.get_or_init(|| Schedule::new(**key)).decrypt(block),
        }
    }
}

/// A test or display token, which needs no key. Anything else comes out unencrypted, so this stays within the crate.
pub(crate) fn plain(content: &Content) -> Token {
    Token::weave(content.class(), content.block())
}

/// The key as the first round takes it: inverted, turned right by twelve.
fn sta_key(key: u64) -> u64 {
    (!key).rotate_right(12)
}

/// Sixteen rounds; after each the key turns left by one.
fn sta_encrypt(key: u64, tables: &StaTables, block: u64) -> u64 {
    let mut key = Zeroizing::new(sta_key(key));
    let mut block = block;
    for _ in 0..ROUNDS {
        block = tables.round(block, *key);
        *key = key.rotate_left(1);
    }
    block
}

/// The rounds from the last to the first.
fn sta_decrypt(key: u64, tables: &StaTables, block: u64) -> u64 {
    let mut key = Zeroizing::new(sta_key(key).rotate_left(ROUNDS.saturating_sub(1)));
    let mut block = block;
    for _ in 0..ROUNDS {
        block = tables.unround(block, *key);
        *key = key.rotate_right(1);
    }
    block
}

impl PartialEq for DecoderKey {
    /// In time that does not depend on the keys.
    fn eq(&self, other: &Self) -> bool {
        let (one, two) = (self.expose(), other.expose());
        one.len() == two.len() && one.iter().zip(two.iter()).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
    }
}

impl Eq for DecoderKey {}

impl fmt::Debug for DecoderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecoderKey({:?})", self.algorithm())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sts::{Amount, Random, Service, Tid};

    /// The standard's worked example with the sample tables.
    #[test]
    fn worked_example() {
        let key = DecoderKey::ea07(&0x0abc_12de_f345_6789_u64.to_be_bytes(), &StaTables::sample());
        let content = key.open("51043465443420856213".parse().unwrap()).unwrap();
        assert_eq!(content.block(), 0x0b19_eb23_0100_c207);
        assert_eq!(key.seal(&content).to_string(), "51043465443420856213");
        assert_eq!(
            content,
            Content::Credit {
                service: Service::Electricity,
                random: Random::new(0x0B),
                tid: Tid::from_field(0x19_eb23),
                amount: Amount::from_field(0x0100),
            }
        );
    }

    #[test]
    fn keys_are_not_shown() {
        let key = DecoderKey::ea11(&[0xAB; 16]);
        assert_eq!(format!("{key:?}"), "DecoderKey(Ea11)");
        assert_eq!(key, DecoderKey::ea11(&[0xAB; 16]));
        assert_ne!(key, DecoderKey::ea11(&[0xAC; 16]));
    }

    proptest! {
        #[test]
        fn sta_there_and_back(key: u64, block: u64) {
            let tables = StaTables::sample();
            prop_assert_eq!(sta_decrypt(key, &tables, sta_encrypt(key, &tables, block)), block);
        }

        /// No token makes a decoder panic, and what it accepts it would have made itself.
        #[test]
        fn any_number_is_opened_or_refused(number in 0..1_u128 << 66, seven: [u8; 8], eleven: [u8; 16]) {
            let token = Token::from_number(number).unwrap();
            for key in [DecoderKey::ea07(&seven, &StaTables::sample()), DecoderKey::ea11(&eleven)] {
                if let Ok(content) = key.open(token) {
                    prop_assert_eq!(key.seal(&content), token);
                }
            }
        }
    }
}
