//! Addresses (IEC 62056-46, 6.4.2): a client is one byte; a server one, two or four, the upper half naming the logical
//! device and the lower half the physical device on the line.
//!
//! The lowest bit of each byte says whether it is the last one; seven bits of each byte count.

use crate::wire::Reader;

/// Upper half of the management logical device.
pub const MANAGEMENT_DEVICE: u16 = 1;
/// "All stations" in a field of one byte.
pub const ALL_STATIONS: u16 = 0x7F;
/// "All stations" in a field of two bytes.
pub const ALL_STATIONS_WIDE: u16 = 0x3FFF;
/// The device that is calling, whatever its own number, in a field of one byte.
pub const CALLING_DEVICE: u16 = 0x7E;
/// The device that is calling, in a field of two bytes.
pub const CALLING_DEVICE_WIDE: u16 = 0x3FFE;

/// Longest address in bytes.
const ADDRESS_BYTES_MAX: usize = 4;

/// One station's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    upper: u16,
    lower: Option<u16>,
    width: Width,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Width {
    One,
    Two,
    Four,
}

impl Address {
    /// A client: 1 management, 16 public, 0x7F all. `None` beyond seven bits.
    #[must_use]
    pub const fn client(number: u16) -> Option<Self> {
        Self::server(number, None)
    }

    /// A server, in the shortest form that holds both halves. `None` beyond fourteen bits, or beyond seven when there
    /// is no lower half.
    #[must_use]
    pub const fn server(upper: u16, lower: Option<u16>) -> Option<Self> {
        match lower {
            None if upper <= 0x7F => Some(Self { upper, lower, width: Width::One }),
            Some(low) if upper <= 0x7F && low <= 0x7F => Some(Self { upper, lower, width: Width::Two }),
            Some(low) => Self::server_wide(upper, low),
            None => None,
        }
    }

    /// A server in four bytes, however small its numbers: some meters take no other form. `None` beyond fourteen bits.
    #[must_use]
    pub const fn server_wide(upper: u16, lower: u16) -> Option<Self> {
        if upper > 0x3FFF || lower > 0x3FFF {
            return None;
        }
        Some(Self { upper, lower: Some(lower), width: Width::Four })
    }

    /// The logical device, or the client's number.
    #[must_use]
    pub const fn upper(self) -> u16 {
        self.upper
    }

    /// The physical device, when the address has two halves.
    #[must_use]
    pub const fn lower(self) -> Option<u16> {
        self.lower
    }

    /// Bytes on the line: 1, 2 or 4.
    #[must_use]
    pub const fn width(self) -> usize {
        match self.width {
            Width::One => 1,
            Width::Two => 2,
            Width::Four => 4,
        }
    }

    /// Both name the same station, however wide the form. A missing lower half fits every physical device: there is
    /// only one on such a line.
    #[must_use]
    pub fn same_station(self, other: Self) -> bool {
        self.upper == other.upper
            && match (self.lower, other.lower) {
                (Some(a), Some(b)) => a == b,
                _ => true,
            }
    }

    /// A frame sent to `self` concerns the station `own`: by name, as one of all, or as the one calling.
    #[must_use]
    pub fn reaches(self, own: Self) -> bool {
        let (all, calling) = match self.width {
            Width::Four => (ALL_STATIONS_WIDE, CALLING_DEVICE_WIDE),
            Width::One | Width::Two => (ALL_STATIONS, CALLING_DEVICE),
        };
        let upper = self.upper == own.upper || self.upper == all;
        let lower = match (self.lower, own.lower) {
            (Some(low), Some(mine)) => low == mine || low == all || low == calling,
            _ => true,
        };
        upper && lower
    }

    /// More than one station may be meant.
    #[must_use]
    pub fn is_broadcast(self) -> bool {
        let all = if self.width == Width::Four { ALL_STATIONS_WIDE } else { ALL_STATIONS };
        self.upper == all || self.lower == Some(all)
    }

    /// Appends the bytes.
    pub fn encode(self, out: &mut Vec<u8>) {
        let seven = |bits: u16| bits.to_be_bytes()[1] & 0x7F;
        let lower = self.lower.unwrap_or(0);
        match self.width {
            Width::One => out.push((seven(self.upper) << 1) | 1),
            Width::Two => out.extend_from_slice(&[seven(self.upper) << 1, (seven(lower) << 1) | 1]),
            Width::Four => out.extend_from_slice(&[
                seven(self.upper >> 7) << 1,
                seven(self.upper) << 1,
                seven(lower >> 7) << 1,
                (seven(lower) << 1) | 1,
            ]),
        }
    }

    /// The next address; `None` when it is cut short or has three or more than four bytes.
    pub fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let mut parts = [0_u16; ADDRESS_BYTES_MAX];
        let mut width = 0_usize;
        for part in &mut parts {
            let byte = reader.u8().ok()?;
            *part = u16::from(byte >> 1);
            width = width.saturating_add(1);
            if byte & 1 == 1 {
                break;
            }
            if width == ADDRESS_BYTES_MAX {
                return None;
            }
        }
        let [a, b, c, d] = parts;
        match width {
            1 => Some(Self { upper: a, lower: None, width: Width::One }),
            2 => Some(Self { upper: a, lower: Some(b), width: Width::Two }),
            4 => Some(Self { upper: (a << 7) | b, lower: Some((c << 7) | d), width: Width::Four }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(address: Address) -> Vec<u8> {
        let mut out = Vec::new();
        address.encode(&mut out);
        assert_eq!(Address::decode(&mut Reader::new(&out)), Some(address));
        assert_eq!(out.len(), address.width());
        out
    }

    #[test]
    fn all_widths_go_both_ways() {
        assert_eq!(bytes(Address::client(16).unwrap()), [0x21]);
        assert_eq!(bytes(Address::server(1, None).unwrap()), [0x03]);
        assert_eq!(bytes(Address::server(1, Some(17)).unwrap()), [0x02, 0x23]);
        // The standard's own example: logical device 0x1234, physical device 0x3FFF.
        assert_eq!(bytes(Address::server(0x1234, Some(0x3FFF)).unwrap()), [0x48, 0x68, 0xFE, 0xFF]);
        assert_eq!(bytes(Address::server_wide(1, 17).unwrap()), [0x00, 0x02, 0x00, 0x23]);
        assert_eq!(Address::server(0x80, None), None);
        assert_eq!(Address::server(0x4000, Some(1)), None);
    }

    #[test]
    fn three_bytes_and_endless_ones_are_refused() {
        assert_eq!(Address::decode(&mut Reader::new(&[0x02, 0x02, 0x03])), None);
        assert_eq!(Address::decode(&mut Reader::new(&[2, 2, 2, 2, 3])), None);
        assert_eq!(Address::decode(&mut Reader::new(&[2])), None);
    }

    #[test]
    fn stations_are_told_apart() {
        let own = Address::server(1, Some(17)).unwrap();
        assert!(Address::server_wide(1, 17).unwrap().same_station(own));
        assert!(!Address::server(1, Some(18)).unwrap().same_station(own));
        assert!(Address::server(1, Some(ALL_STATIONS)).unwrap().reaches(own));
        assert!(Address::server(1, Some(CALLING_DEVICE)).unwrap().reaches(own));
        assert!(Address::server_wide(ALL_STATIONS_WIDE, 17).unwrap().reaches(own));
        assert!(!Address::server(2, Some(17)).unwrap().reaches(own));
        assert!(Address::server(1, Some(ALL_STATIONS)).unwrap().is_broadcast());
        assert!(!own.is_broadcast());
    }
}
