//! The checksum inside a token (IEC 62055-41): CRC-16 with the polynomial x¹⁶ + x¹⁵ + x² + 1, reflected, starting
//! from FFFF, its two bytes exchanged; taken over six zero bits, the class and the 48 bits of data.

use super::Class;

const POLYNOMIAL: u16 = 0xA001;

/// The effect of one byte.
#[allow(clippy::indexing_slicing, reason = "computed while compiling, from 0 to 255")]
const TABLE: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut rest = byte as u16;
        let mut bit = 0;
        while bit < 8 {
            rest = if rest & 1 == 1 { rest >> 1 ^ POLYNOMIAL } else { rest >> 1 };
            bit += 1;
        }
        table[byte] = rest;
        byte += 1;
    }
    table
};

/// What is appended before the checksum of a currency token is taken (CRC_C): subclasses 4 to 7 of class 0.
const CURRENCY_SUFFIX: u8 = 0x01;

/// The checksum of the upper 48 bits of a block.
#[must_use]
pub(crate) fn checksum(class: Class, block: u64) -> u16 {
    let [a, b, c, d, e, f, _, _] = block.to_be_bytes();
    let mut crc = [class.number(), a, b, c, d, e, f].into_iter().fold(0xFFFF, step);
    if class == Class::Credit && is_currency(block) {
        crc = step(crc, CURRENCY_SUFFIX);
    }
    crc.swap_bytes()
}

/// Subclasses 4 to 7: bits 63 and 62 are 01.
const fn is_currency(block: u64) -> bool {
    block >> 62 == 0b01
}

fn step(crc: u16, byte: u8) -> u16 {
    let [low, _] = crc.to_le_bytes();
    crc >> 8 ^ TABLE.get(usize::from(low ^ byte)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_checksums() {
        assert_eq!(checksum(Class::Credit, 0x004a_2d90_0ff2_0000), 0x0ffa);
        assert_eq!(checksum(Class::Credit, 0x0b19_eb23_0100_0000), 0xc207);
    }

    /// The sabotage: every single bit of the data and the class matters.
    #[test]
    fn every_bit_counts() {
        let block = 0x0b19_eb23_0100_0000;
        let good = checksum(Class::Credit, block);
        for bit in 16..64 {
            assert_ne!(checksum(Class::Credit, block ^ 1 << bit), good, "bit {bit}");
        }
        assert_ne!(checksum(Class::Manage, block), good);
    }
}
