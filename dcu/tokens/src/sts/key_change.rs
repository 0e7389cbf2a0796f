//! Key-change tokens (IEC 62055-41): a new decoder key in parts, and what belongs to it.
//!
//! ```text
//! first   3 | KEN upper 4 | KRN 4 | RO 1 | 3KCT 1 | KT 2 | key, upper 32 (NKHO)
//! second  4 | KEN lower 4 | TI 8                         | key, lower 32 (NKLO)
//! third   8 | SGC lower 12                               | key, second 32 from below (NKMO2)
//! fourth  9 | SGC upper 12                               | key, third 32 from below (NKMO1)
//! ```
//!
//! A key of 64 bits (EA07) is the upper part and the lower one: two tokens. A key of 128 bits (EA11) is
//! NKHO, NKMO2, NKMO1, NKLO in this order: four tokens. They may be entered in any order.
//!
//! RO is the rollover bit: the meter forgets the TIDs that it has seen, for they count from a new base date from now on.
//! What has been paid stays in the meter. 3KCT tells an EA07 meter to wait for a third token with the supply group; its
//! layout is in none of the sources at hand, so such a set is neither made nor followed, and said so
//! ([`super::meter::Reason::ThirdToken`]).

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

use super::{DecoderKey, KeyAttributes, KeyType, Krn, Sgc, TariffIndex};

/// One part of a new key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Subclass 3.
    First {
        /// Upper four bits of the expiry number.
        ken_upper: u8,
        /// Key revision.
        krn: u8,
        /// Forget the TIDs seen.
        rollover: bool,
        /// A third token with the supply group follows (EA07 only).
        third_follows: bool,
        /// Kind of key.
        key_type: KeyType,
        /// 32 bits of the key.
        key: u32,
    },
    /// Subclass 4.
    Second {
        /// Lower four bits of the expiry number.
        ken_lower: u8,
        /// Tariff index.
        ti: u8,
        /// 32 bits of the key.
        key: u32,
    },
    /// Subclass 8.
    Third {
        /// Lower twelve bits of the supply group code.
        sgc_lower: u16,
        /// 32 bits of the key.
        key: u32,
    },
    /// Subclass 9.
    Fourth {
        /// Upper twelve bits of the supply group code.
        sgc_upper: u16,
        /// 32 bits of the key.
        key: u32,
    },
}

impl Section {
    /// 1 to 4.
    #[must_use]
    pub const fn number(&self) -> u8 {
        match self {
            Self::First { .. } => 1,
            Self::Second { .. } => 2,
            Self::Third { .. } => 3,
            Self::Fourth { .. } => 4,
        }
    }

    fn wipe(&mut self) {
        match self {
            Self::First { key, .. } | Self::Second { key, .. } | Self::Third { key, .. } | Self::Fourth { key, .. } => {
                key.zeroize();
            }
        }
    }

    /// The block's upper 48 bits; the checksum's place is zero.
    pub(crate) fn data(&self) -> u64 {
        match *self {
            Self::First { ken_upper, krn, rollover, third_follows, key_type, key } => {
                let flags = u64::from(rollover) << 3 | u64::from(third_follows) << 2 | u64::from(key_type.number());
                3 << 60 | nibble(ken_upper) << 56 | nibble(krn) << 52 | flags << 48 | u64::from(key) << 16
            }
            Self::Second { ken_lower, ti, key } => {
                4 << 60 | nibble(ken_lower) << 56 | u64::from(ti) << 48 | u64::from(key) << 16
            }
            Self::Third { sgc_lower, key } => 8 << 60 | u64::from(sgc_lower & 0xFFF) << 48 | u64::from(key) << 16,
            Self::Fourth { sgc_upper, key } => 9 << 60 | u64::from(sgc_upper & 0xFFF) << 48 | u64::from(key) << 16,
        }
    }

    /// From a block of class 2; `None` for subclasses that are no key change.
    pub(crate) fn from_data(block: u64) -> Option<Self> {
        let key = (block >> 16 & 0xFFFF_FFFF) as u32;
        let four = (block >> 56 & 0x0F) as u8;
        let twelve = (block >> 48 & 0xFFF) as u16;
        Some(match block >> 60 {
            3 => Self::First {
                ken_upper: four,
                krn: (block >> 52 & 0x0F) as u8,
                rollover: block >> 51 & 1 == 1,
                third_follows: block >> 50 & 1 == 1,
                key_type: KeyType::from_bits((block >> 48) as u8),
                key,
            },
            4 => Self::Second { ken_lower: four, ti: (block >> 48 & 0xFF) as u8, key },
            8 => Self::Third { sgc_lower: twelve, key },
            9 => Self::Fourth { sgc_upper: twelve, key },
            _ => return None,
        })
    }
}

fn nibble(value: u8) -> u64 {
    u64::from(value & 0x0F)
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.clear();
    }
}

impl fmt::Debug for Section {
    /// Without the part of the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Section({})", self.number())
    }
}

/// The parts of a set: two for a key of 64 bits, four for one of 128.
#[must_use]
pub fn sections(new_key: &DecoderKey, to: &KeyAttributes, rollover: bool) -> Vec<Section> {
    let part = |bytes: &[u8]| bytes.iter().fold(0, |part, byte| part << 8 | u32::from(*byte));
    let first = |key| Section::First {
        ken_upper: to.ken >> 4,
        krn: to.krn.number(),
        rollover,
        third_follows: false,
        key_type: to.key_type,
        key,
    };
    let second = |key| Section::Second { ken_lower: to.ken & 0x0F, ti: to.ti.number(), key };
    let bytes = new_key.expose();
    let parts: Zeroizing<Vec<u32>> = Zeroizing::new(bytes.chunks(4).map(part).collect());
    match parts.as_slice() {
        [upper, lower] => vec![first(*upper), second(*lower)],
        [upper, second_upper, second_lower, lower] => {
            let sgc = to.sgc.number();
            vec![
                first(*upper),
                second(*lower),
                Section::Third { sgc_lower: (sgc & 0xFFF) as u16, key: *second_upper },
                Section::Fourth { sgc_upper: (sgc >> 12 & 0xFFF) as u16, key: *second_lower },
            ]
        }
        _ => Vec::new(),
    }
}

/// A whole set, as a meter has put it together.
#[derive(Clone)]
pub struct NewKey {
    /// 8 or 16 bytes.
    pub(crate) key: Zeroizing<Vec<u8>>,
    /// Key revision, as received.
    pub krn: u8,
    /// Kind of key.
    pub key_type: KeyType,
    /// Tariff index, as received.
    pub ti: u8,
    /// Expiry number.
    pub ken: u8,
    /// Supply group code, as received; `None` in a set of two tokens, after which a meter shows 0.
    pub sgc: Option<u32>,
    /// Forget the TIDs seen.
    pub rollover: bool,
}

impl NewKey {
    /// Whether all numbers are within the standard's ranges.
    #[must_use]
    pub fn in_range(&self) -> bool {
        Krn::new(self.krn).is_ok()
            && TariffIndex::new(self.ti).is_ok()
            && self.sgc.is_none_or(|sgc| Sgc::new(sgc).is_ok())
    }
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewKey(KRN {}, KT {:?}, TI {}, KEN {}, ..)", self.krn, self.key_type, self.ti, self.ken)
    }
}

/// Collects the parts of one set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Collector {
    parts: [Option<Section>; 4],
}

impl Collector {
    /// Keeps a part; one of the same number that was there before is replaced.
    pub(crate) fn add(&mut self, section: Section) {
        let at = usize::from(section.number().saturating_sub(1));
        if let Some(place) = self.parts.get_mut(at) {
            *place = Some(section);
        }
    }

    /// Forgets all parts, and wipes them.
    pub(crate) fn clear(&mut self) {
        for part in self.parts.iter_mut().flatten() {
            part.wipe();
        }
        self.parts = [None; 4];
    }

    /// Numbers of the parts at hand.
    pub(crate) fn held(&self) -> impl Iterator<Item = u8> + '_ {
        self.parts.iter().flatten().map(Section::number)
    }

    /// The new key, once all of the `parts` (2 or 4) are there.
    pub(crate) fn whole(&self, parts: usize) -> Option<NewKey> {
        let [Some(Section::First { ken_upper, krn, rollover, key_type, key: upper, .. }), Some(second), third, fourth] =
            self.parts
        else {
            return None;
        };
        let Section::Second { ken_lower, ti, key: lower } = second else { return None };
        let mut key = Zeroizing::new(upper.to_be_bytes().to_vec());
        let mut sgc = None;
        if parts == 4 {
            let (
                Some(Section::Third { sgc_lower, key: second_upper }),
                Some(Section::Fourth { sgc_upper, key: second_lower }),
            ) = (third, fourth)
            else {
                return None;
            };
            key.extend_from_slice(&second_upper.to_be_bytes());
            key.extend_from_slice(&second_lower.to_be_bytes());
            sgc = Some(u32::from(sgc_upper) << 12 | u32::from(sgc_lower));
        }
        key.extend_from_slice(&lower.to_be_bytes());
        Some(NewKey { key, krn, key_type, ti, ken: ken_upper << 4 | ken_lower, sgc, rollover })
    }
}
