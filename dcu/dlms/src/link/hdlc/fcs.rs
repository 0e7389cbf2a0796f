//! The check sequences HCS and FCS (IEC 62056-46, 6.4.1; ISO/IEC 13239 4.2.5.2): CRC-16 with the polynomial
//! x¹⁶ + x¹² + x⁵ + 1, bits mirrored, begun with ones and inverted at the end; sent low byte first.

/// The check sequence over these bytes.
#[must_use]
pub fn check_sequence(bytes: &[u8]) -> u16 {
    !bytes.iter().fold(0xFFFF_u16, |crc, byte| {
        let [low, high] = crc.to_le_bytes();
        let mixed = low ^ byte;
        // The polynomial's shape lets a byte be folded in without a table.
        let mixed = mixed ^ (mixed << 4);
        let wide = u16::from(mixed);
        ((wide << 8) | u16::from(high)) ^ (wide >> 4) ^ (wide << 3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bit by bit, as the definition says.
    fn slowly(bytes: &[u8]) -> u16 {
        let mut crc = 0xFFFF_u16;
        for byte in bytes {
            crc ^= u16::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ 0x8408 } else { crc >> 1 };
            }
        }
        !crc
    }

    #[test]
    fn equals_the_definition_and_the_published_check_value() {
        assert_eq!(check_sequence(b"123456789"), 0x906E);
        let bytes: Vec<u8> = (0..=255).collect();
        for length in 0..=bytes.len() {
            assert_eq!(check_sequence(&bytes[..length]), slowly(&bytes[..length]));
        }
    }
}
