//! Settings of a serial line: speed, character format, and how long bytes take on it.

/// Bits per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Baud(pub u32);

/// Data bits, parity, stop bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CharFormat {
    /// 7 data bits, even parity, 1 stop bit: IEC 62056-21.
    SevenEvenOne,
    /// 8 data bits, no parity, 1 stop bit: HDLC.
    EightNoneOne,
}

/// What the port is to be set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineSettings {
    /// Speed.
    pub baud: Baud,
    /// Characters.
    pub format: CharFormat,
}

impl LineSettings {
    /// HDLC at this speed.
    #[must_use]
    pub const fn binary(baud: Baud) -> Self {
        Self { baud, format: CharFormat::EightNoneOne }
    }

    /// IEC 62056-21 at this speed.
    #[must_use]
    pub const fn text(baud: Baud) -> Self {
        Self { baud, format: CharFormat::SevenEvenOne }
    }
}

impl Baud {
    /// How long these bytes are on the line, ns: ten bits each, in either format.
    #[must_use]
    pub fn duration_ns(self, bytes: usize) -> u64 {
        let bits = (bytes as u64).saturating_mul(10);
        bits.saturating_mul(1_000_000_000).checked_div(u64::from(self.0)).unwrap_or(0)
    }
}

/// The same seven bits with even parity in the highest, for ports that cannot do 7E1 by themselves.
#[must_use]
pub const fn with_even_parity(byte: u8) -> u8 {
    let seven = byte & 0x7F;
    if seven.count_ones().is_multiple_of(2) { seven } else { seven | 0x80 }
}

/// The seven bits of a byte received with even parity by a port that cannot do 7E1 by itself; `None` when the parity
/// is wrong.
#[must_use]
pub const fn without_even_parity(byte: u8) -> Option<u8> {
    if byte.count_ones().is_multiple_of(2) { Some(byte & 0x7F) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_take_ten_bits_each() {
        assert_eq!(Baud(300).duration_ns(30), 1_000_000_000);
        assert_eq!(Baud(9600).duration_ns(960), 1_000_000_000);
        assert_eq!(Baud(0).duration_ns(960), 0);
    }

    #[test]
    fn parity_goes_both_ways_and_shows_damage() {
        assert_eq!(b"/?!\r\n".map(with_even_parity), [0xAF, 0x3F, 0x21, 0x8D, 0x0A]);
        for byte in 0..=0x7F {
            assert_eq!(without_even_parity(with_even_parity(byte)), Some(byte));
            assert_eq!(without_even_parity(with_even_parity(byte) ^ 1), None);
        }
    }
}
