//! Decoder keys from vending keys: the key generation algorithms DKGA02, DKGA03 and DKGA04 (IEC 62055-41).
//!
//! - DKGA02: a vending key of 64 bits, DES; decoder keys for EA07.
//! - DKGA03: two DES keys in one of 128 bits, triple DES; decoder keys for EA07. No outside result was at hand to compare
//!   this one with.
//! - DKGA04: a vending key of 160 bits, HMAC-SHA-256; decoder keys for EA07 and EA11.
//!
//! DKGA01 served meters whose numbers lie in a short list of old ranges; no source at hand states it, and it is not here.

use des::cipher::{Block, BlockCipherEncrypt, KeyInit};
use des::{Des, TdesEde2};
use taa_keys::{Secret, hash};
use zeroize::Zeroizing;

use super::{Algorithm, DecoderKey, KeyAttributes, KeyType, MeterPan, StaTables};

/// Which algorithm makes the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyGeneration {
    /// DES.
    Dkga02,
    /// Triple DES.
    Dkga03,
    /// HMAC-SHA-256.
    Dkga04,
}

/// Why no key can be derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeriveError {
    /// The vending key has another length.
    #[error("a vending key for {algorithm:?} has {expected} bytes, not {found}")]
    KeyLength {
        /// Of which algorithm.
        algorithm: KeyGeneration,
        /// Bytes needed.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// DKGA02 and DKGA03 make keys of 64 bits.
    #[error("{0:?} makes no keys for EA11")]
    NotForEa11(KeyGeneration),
    /// How DKGA04 writes the number of a meter with a common key is in no source at hand.
    #[error("DKGA04 for common keys is not known here")]
    CommonKey,
}

impl KeyGeneration {
    /// Bytes of its vending keys.
    #[must_use]
    pub const fn vending_key_bytes(self) -> usize {
        match self {
            Self::Dkga02 => 8,
            Self::Dkga03 => 16,
            Self::Dkga04 => 20,
        }
    }

    /// Derives the decoder key of a meter.
    ///
    /// # Errors
    /// [`DeriveError`].
    pub fn derive(
        self,
        vending_key: &Secret,
        meter: &MeterPan,
        key: &KeyAttributes,
        to: Algorithm,
        tables: &StaTables,
    ) -> Result<DecoderKey, DeriveError> {
        let expected = self.vending_key_bytes();
        let length = DeriveError::KeyLength { algorithm: self, expected, found: vending_key.expose().len() };
        let data = meter.pan_block(key.key_type) ^ control_block(key);
        match self {
            _ if vending_key.expose().len() != expected => Err(length),
            Self::Dkga02 | Self::Dkga03 if to == Algorithm::Ea11 => Err(DeriveError::NotForEa11(self)),
            Self::Dkga02 => {
                let vending: &[u8; 8] = vending_key.expose().try_into().map_err(|_| length)?;
                let encrypted = encrypt(&Des::new(vending.into()), data);
                let derived = Zeroizing::new((encrypted ^ data ^ u64::from_be_bytes(*vending)).to_be_bytes());
                Ok(DecoderKey::ea07(&derived, tables))
            }
            Self::Dkga03 => {
                let vending: &[u8; 16] = vending_key.expose().try_into().map_err(|_| length)?;
                let encrypted = encrypt(&TdesEde2::new(vending.into()), data);
                Ok(DecoderKey::ea07(&Zeroizing::new((encrypted ^ data).to_be_bytes()), tables))
            }
            Self::Dkga04 if key.key_type == KeyType::Common => Err(DeriveError::CommonKey),
            Self::Dkga04 => {
                let derived = Zeroizing::new(hash::hmac_sha256(vending_key, &[&data_block(meter, key, to)]));
                let bytes = derived.get(..to.key_bytes()).unwrap_or_default();
                DecoderKey::from_bytes(to, bytes, tables).ok_or(length)
            }
        }
    }
}

/// Kind of key, supply group, tariff and revision as decimal digits of four bits, filled up with ones.
fn control_block(key: &KeyAttributes) -> u64 {
    let mut block = u64::from(key.key_type.number());
    let sgc = key.sgc.to_string();
    for digit in sgc.bytes().chain(key.ti.digits()) {
        block = block << 4 | u64::from(digit & 0x0F);
    }
    (block << 4 | u64::from(key.krn.number())) << 24 | 0xFF_FFFF
}

/// What DKGA04 takes the code of: four fields that say what for, a zero, four that say whose, each behind its
/// length and all in ASCII; then the length wanted, in bits.
fn data_block(meter: &MeterPan, key: &KeyAttributes, to: Algorithm) -> Vec<u8> {
    let algorithm = match to {
        Algorithm::Ea07 => b"07",
        Algorithm::Ea11 => b"11",
    };
    let sgc = key.sgc.to_string();
    let digit = |number: u8| [b'0' | number & 0x0F];
    let mut block = vec![4];
    let mut field = |bytes: &[u8]| {
        block.push(bytes.len() as u8);
        block.extend_from_slice(bytes);
    };
    field(b"04");
    field(&key.base_date.code());
    field(algorithm);
    field(&key.ti.digits());
    field(&[]);
    // The empty field is the zero between the two groups.
    block.push(4);
    let mut field = |bytes: &[u8]| {
        block.push(bytes.len() as u8);
        block.extend_from_slice(bytes);
    };
    field(sgc.as_bytes());
    field(&digit(key.key_type.number()));
    field(&digit(key.krn.number()));
    field(meter.digits());
    block.extend_from_slice(&(to.key_bytes() as u32).saturating_mul(8).to_be_bytes());
    block
}

fn encrypt<C: BlockCipherEncrypt<BlockSize = des::cipher::consts::U8>>(cipher: &C, data: u64) -> u64 {
    let mut block = Block::<C>::from(data.to_be_bytes());
    cipher.encrypt_block(&mut block);
    u64::from_be_bytes(block.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sts::{BaseDate, Krn, Sgc, TariffIndex};

    fn attributes(key_type: KeyType) -> KeyAttributes {
        KeyAttributes {
            sgc: Sgc::new(123_456).unwrap(),
            krn: Krn::new(1).unwrap(),
            key_type,
            ti: TariffIndex::new(1).unwrap(),
            ken: 255,
            base_date: BaseDate::Y1993,
        }
    }

    #[test]
    fn published_keys() {
        let tables = StaTables::sample();
        let meter = MeterPan::new("600727", "00000000000").unwrap();
        let key = attributes(KeyType::Unique);
        let derive = |generation: KeyGeneration, vending: &[u8], to| {
            generation.derive(&Secret::new(vending), &meter, &key, to, &tables)
        };
        let two = derive(KeyGeneration::Dkga02, &[0xAB; 8], Algorithm::Ea07).unwrap();
        assert_eq!(two.expose().as_slice(), 0xe653_341f_9d5b_f36f_u64.to_be_bytes());
        let mut vending = [0xAB; 20];
        vending[8..16].fill(0x94);
        vending[16..].copy_from_slice(&[0x01, 0x23, 0x45, 0x67]);
        let four = derive(KeyGeneration::Dkga04, &vending, Algorithm::Ea11).unwrap();
        assert_eq!(four.expose().as_slice(), 0x28fe_dcb8_8b21_5690_e98e_eaab_989e_1c45_u128.to_be_bytes());
    }

    /// With both halves equal, triple DES is DES: the third algorithm against the second.
    #[test]
    fn dkga03_with_equal_halves_is_des() {
        let tables = StaTables::sample();
        let meter = MeterPan::new("600727", "12345678903").unwrap();
        let key = attributes(KeyType::Unique);
        let derive = |generation: KeyGeneration, vending: &[u8]| {
            let derived = generation.derive(&Secret::new(vending), &meter, &key, Algorithm::Ea07, &tables).unwrap();
            u64::from_be_bytes(derived.expose().as_slice().try_into().unwrap())
        };
        let vending = 0x1357_9bdf_0246_8ace_u64;
        let double = [vending.to_be_bytes(), vending.to_be_bytes()].concat();
        assert_eq!(
            derive(KeyGeneration::Dkga03, &double) ^ vending,
            derive(KeyGeneration::Dkga02, &vending.to_be_bytes())
        );
    }

    #[test]
    fn what_cannot_be_derived_is_said() {
        let tables = StaTables::sample();
        let meter = MeterPan::new("600727", "00000000000").unwrap();
        let derive = |generation: KeyGeneration, bytes: usize, key_type, to| {
            let secret = Secret::new(&vec![1; bytes]);
            generation.derive(&secret, &meter, &attributes(key_type), to, &tables).err()
        };
        assert!(matches!(
            derive(KeyGeneration::Dkga04, 8, KeyType::Unique, Algorithm::Ea11),
            Some(DeriveError::KeyLength { expected: 20, found: 8, .. })
        ));
        assert_eq!(
            derive(KeyGeneration::Dkga02, 8, KeyType::Unique, Algorithm::Ea11),
            Some(DeriveError::NotForEa11(KeyGeneration::Dkga02))
        );
        assert_eq!(derive(KeyGeneration::Dkga04, 20, KeyType::Common, Algorithm::Ea11), Some(DeriveError::CommonKey));
    }
}
