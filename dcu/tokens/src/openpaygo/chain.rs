//! The chain of hashes that tokens are taken from, in its two lengths, and the two ways to write a token.
//!
//! A code has a lower part, the base, that carries the value (three digits, or six in the extended form), and an upper part
//! that proves it. The next code is a hash of the last one; what a customer gets is a code of the chain whose base has been
//! replaced.

use std::fmt;

use taa_keys::Secret;

use super::siphash::SipKey;

/// A device's key of 128 bits and the code that its chains start from. Wiped when dropped, hidden in `Debug`.
#[derive(Clone)]
pub struct DeviceKey {
    key: SipKey,
    start: u32,
}

/// How a token is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Form {
    /// Six digits of value and twelve of token instead of three and nine.
    pub extended: bool,
    /// Digits 1 to 4 only, for keypads with few keys: 15 or 20 of them.
    pub restricted: bool,
}

const NINE_DIGITS_MAX: u32 = 999_999_999;
const TWELVE_DIGITS_MAX: u64 = 999_999_999_999;

impl DeviceKey {
    /// From 16 bytes. Without a starting code (`None` or 0, as in the Python library) it follows from the key.
    #[must_use]
    pub fn new(key: &Secret, starting_code: Option<u32>) -> Option<Self> {
        let bytes: &[u8; 16] = key.expose().try_into().ok()?;
        let key = SipKey::new(bytes);
        let start = match starting_code.unwrap_or(0) {
            0 => short_code(key.hash(bytes)),
            code if code <= NINE_DIGITS_MAX => code,
            _ => return None,
        };
        Some(Self { key, start })
    }

    /// The starting code.
    #[must_use]
    pub const fn starting_code(&self) -> u32 {
        self.start
    }

    /// The base that carries a value.
    pub(super) const fn base_of(&self, form: Form, value: u32) -> u32 {
        let start = form.base(self.start as u64);
        form.base((value as u64).wrapping_add(start as u64))
    }

    /// The value that a base carries.
    pub(super) const fn value_of(&self, form: Form, base: u32) -> u32 {
        let start = form.base(self.start as u64);
        form.base((base as u64).wrapping_add(form.modulus() as u64).wrapping_sub(start as u64))
    }

    /// The codes of the chain for that base, from count 0 on, each with the base put in: tokens as numbers.
    pub(super) fn codes(&self, form: Form, base: u32) -> impl Iterator<Item = u64> + '_ {
        let put = move |code: u64| form.put(code, base);
        let next = move |code: &u64| Some(self.next(form, *code));
        // The base is put into the starting code; after that the chain goes on without it.
        std::iter::successors(Some(put(u64::from(self.start))), next).map(put)
    }

    /// The token of that count.
    pub(super) fn code(&self, form: Form, base: u32, count: u32) -> u64 {
        let start = form.put(u64::from(self.start), base);
        form.put((0..count).fold(start, |code, _| self.next(form, code)), base)
    }

    #[inline]
    fn next(&self, form: Form, code: u64) -> u64 {
        if form.extended {
            long_code(self.key.hash_word(code))
        } else {
            // Nine digits fit into 32 bits; they are hashed twice over.
            u64::from(short_code(self.key.hash_word(code << 32 | code)))
        }
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceKey(..)")
    }
}

/// Both halves of the hash together, their upper 30 bits, brought below ten digits.
fn short_code(hash: u64) -> u32 {
    let folded = ((hash >> 32) ^ hash) as u32;
    let code = folded >> 2;
    if code > NINE_DIGITS_MAX { code.wrapping_sub(73_741_825) } else { code }
}

/// The upper 40 bits of the hash, brought below thirteen digits.
fn long_code(hash: u64) -> u64 {
    let code = hash >> 24;
    if code > TWELVE_DIGITS_MAX { code.wrapping_sub(99_511_627_777) } else { code }
}

impl Form {
    /// Nine digits.
    pub const STANDARD: Self = Self { extended: false, restricted: false };

    /// One more than the largest base.
    const fn modulus(self) -> u32 {
        if self.extended { 1_000_000 } else { 1_000 }
    }

    /// The largest amount of time that a token can add or set. In the standard form, 996 to 999 mean something else.
    #[must_use]
    pub const fn value_max(self) -> u32 {
        if self.extended { 999_999 } else { 995 }
    }

    /// Digits of a token.
    #[must_use]
    pub const fn digits(self) -> usize {
        match (self.extended, self.restricted) {
            (false, false) => 9,
            (true, false) => 12,
            (false, true) => 15,
            (true, true) => 20,
        }
    }

    /// Tells the form by the number of digits, for a device whose keypad is known.
    pub(super) fn of_length(restricted: bool, digits: usize) -> Option<Self> {
        let form = |extended| Some(Self { extended, restricted });
        match (restricted, digits) {
            (false, 9) | (true, 15) => form(false),
            (false, 12) | (true, 20) => form(true),
            _ => None,
        }
    }

    /// Writes a token.
    pub(super) fn write(self, code: u64) -> String {
        if self.restricted {
            let pairs = (0..self.digits()).rev().map(|at| (code >> (at << 1) & 0b11) as u8);
            pairs.map(|pair| char::from(pair.wrapping_add(b'1'))).collect()
        } else {
            format!("{code:0width$}", width = self.digits())
        }
    }

    /// Reads a token; `None` for other characters. The length has been checked.
    pub(super) fn read(self, text: &str) -> Option<u64> {
        text.bytes().try_fold(0_u64, |code, byte| match byte {
            b'1'..=b'4' if self.restricted => Some(code << 2 | u64::from(byte.wrapping_sub(b'1'))),
            b'0'..=b'9' if !self.restricted => code.checked_mul(10)?.checked_add(u64::from(byte & 0x0F)),
            _ => None,
        })
    }

    /// The base that a token carries.
    pub(super) const fn base(self, code: u64) -> u32 {
        (if self.extended { code % 1_000_000 } else { code % 1_000 }) as u32
    }

    /// The code with another base.
    #[inline]
    const fn put(self, code: u64, base: u32) -> u64 {
        code.wrapping_sub(self.base(code) as u64).wrapping_add(base as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starting_codes() {
        let key = Secret::new(&0xe7ee_e761_5ef3_5f30_e49b_482e_15ca_e750_u128.to_be_bytes());
        assert_eq!(DeviceKey::new(&key, None).unwrap().starting_code(), 297_109_260);
        assert_eq!(DeviceKey::new(&key, Some(0)).unwrap().starting_code(), 297_109_260);
        assert_eq!(DeviceKey::new(&key, Some(7)).unwrap().starting_code(), 7);
        assert!(DeviceKey::new(&key, Some(1_000_000_000)).is_none());
        assert!(DeviceKey::new(&Secret::new(&[1; 15]), None).is_none());
        assert_eq!(format!("{:?}", DeviceKey::new(&key, None).unwrap()), "DeviceKey(..)");
    }
}
