//! Frame check sequences (IEEE 802.15.4-2020, 7.2.11).
//!
//! The short one is the ITU-T CRC of 16 bits, sent low byte first; the long one, which SUN PHYs use by default, is the
//! CRC-32 of Ethernet. A frame shorter than four octets is filled up with zeros before the long one is computed.

/// Which check sequence ends a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Fcs {
    /// Two octets.
    Short,
    /// Four octets.
    Long,
}

impl Fcs {
    /// How many octets it adds.
    #[must_use]
    pub fn octets(self) -> usize {
        match self {
            Self::Short => 2,
            Self::Long => 4,
        }
    }

    /// Appends the check sequence of what is in `frame`.
    pub fn append(self, frame: &mut Vec<u8>) {
        match self {
            Self::Short => frame.extend_from_slice(&crc16(frame).to_le_bytes()),
            Self::Long => frame.extend_from_slice(&crc32(frame).to_le_bytes()),
        }
    }

    /// What lies before a check sequence, when it is right.
    #[must_use]
    pub fn strip(self, psdu: &[u8]) -> Option<&[u8]> {
        let (frame, found) = psdu.split_at_checked(psdu.len().checked_sub(self.octets())?)?;
        let right = match self {
            Self::Short => found == crc16(frame).to_le_bytes(),
            Self::Long => found == crc32(frame).to_le_bytes(),
        };
        right.then_some(frame)
    }
}

/// The 16-bit CRC (x^16 + x^12 + x^5 + 1, reflected, from zero).
#[must_use]
pub fn crc16(frame: &[u8]) -> u16 {
    frame.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ u16::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0x8408 } else { crc >> 1 })
    })
}

/// The 32-bit CRC of IEEE 802.3; frames below four octets are filled up with zeros.
#[must_use]
pub fn crc32(frame: &[u8]) -> u32 {
    let fill = [0_u8; 4];
    let short = fill.get(frame.len()..).unwrap_or(&[]);
    !frame.iter().chain(short).fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The standard's own example of an acknowledgement (7.2.11: `02 00 6a e4 79`) and the usual check text.
    #[test]
    fn published_values() {
        assert_eq!(crc16(&[0x02, 0x00, 0x6a]).to_le_bytes(), [0xe4, 0x79]);
        assert_eq!((crc16(b"123456789"), crc32(b"123456789")), (0x2189, 0xcbf4_3926));
        assert_eq!(crc32(&[1, 2]), crc32(&[1, 2, 0, 0]));
    }

    #[test]
    fn a_flipped_bit_is_seen() {
        for fcs in [Fcs::Short, Fcs::Long] {
            let mut psdu = vec![0x41, 0x88, 7, 0, 1, 2, 3];
            fcs.append(&mut psdu);
            assert_eq!(fcs.strip(&psdu).map(<[u8]>::len), Some(7));
            for bit in 0..psdu.len() * 8 {
                let mut bad = psdu.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(fcs.strip(&bad), None, "{fcs:?}: bit {bit}");
            }
            assert_eq!(fcs.strip(&[1]), None);
        }
    }
}
