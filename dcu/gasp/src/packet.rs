//! What a packet says, and its plain bytes.

use crate::Guid;

/// Bytes of every packet.
///
/// It fits one frame of 127 bytes (the smallest that IEEE 802.15.4 knows; SUN FSK takes 2047): RFC 4944, 4 leaves 81
/// bytes after the longest MAC header and link security; of these a compressed IPv6 and UDP header with both addresses'
/// lower halves in line take 24 (RFC 6282: 2 + 1 + 1 + 8 + 8, 4), the RPL option behind its hop-by-hop header 8 (RFC 6553).
pub const PACKET_BYTES: usize = 49;
/// In clear.
pub(crate) const HEADER_BYTES: usize = 23;
/// Encrypted.
pub(crate) const BODY_BYTES: usize = 14;

const VERSION: u8 = 1;
const FLAG_TEST: u8 = 0x80;
const FLAG_CLOCK_SET: u8 = 0x40;
const PRIORITY_MASK: u8 = 0x0F;
const US_PER_S: u64 = 1_000_000;
/// Marks time in the place of a voltage: no capacitor here holds 32 V.
const BACK_FOR: u16 = 0x8000;
/// Seconds of one step.
const BACK_STEP_S: u32 = 2;

/// What has happened to the supply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It goes: a last gasp.
    PowerDown,
    /// It is back, and has settled.
    PowerUp,
}

impl Kind {
    const fn code(self) -> u8 {
        match self {
            Self::PowerDown => 1,
            Self::PowerUp => 2,
        }
    }
}

/// What stands in clear: whom to ask for the key, and what the nonce is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What has happened.
    pub kind: Kind,
    /// Whose packet.
    pub guid: Guid,
    /// Of this commissioning.
    pub epoch: u16,
    /// Never the same twice within an epoch.
    pub counter: u32,
}

/// A whole packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// What stands in clear.
    pub header: Header,
    /// Number of the outage, from 1 within the epoch; a Power Up bears that of the outage that is over.
    pub event: u32,
    /// By the meter's clock, Unix microseconds (to 15 µs; 1970 to 2106).
    pub at_unix_us: u64,
    /// Somebody has set that clock since the meter was made.
    pub clock_set: bool,
    /// On its capacitor when the packet was made, mV. A Power Up may tell in the same place how long the supply has been
    /// back: [`Packet::back_for_s`], [`back_for`].
    pub capacitor_mv: u16,
    /// On the line, percent of nominal.
    pub rms_percent: u8,
    /// 1 is the most urgent; 0 to 15.
    pub priority: u8,
    /// The logic is tried out: the supply has not gone.
    pub test: bool,
}

/// Why bytes are no packet of this meter. It is whoever sent them that is at fault: count them, and raise no alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    /// Not [`PACKET_BYTES`] of them.
    #[error("{0} bytes are no outage packet")]
    Length(usize),
    /// Of another version of the format, or of no known kind.
    #[error("outage packet begins with {0:#04x}")]
    Unknown(u8),
    /// It names another meter than the key's.
    #[error("outage packet of another meter")]
    WrongMeter,
    /// The seal does not fit: somebody without the key has made it, or something was changed on the way.
    #[error("the seal of an outage packet does not fit")]
    Forged,
}

impl Header {
    /// Reads what stands in clear: **nothing in it is to be believed** before [`crate::Seal::open`].
    ///
    /// # Errors
    /// [`PacketError::Length`], [`PacketError::Unknown`].
    pub fn read(bytes: &[u8]) -> Result<Self, PacketError> {
        if bytes.len() != PACKET_BYTES {
            return Err(PacketError::Length(bytes.len()));
        }
        let Some((header, _)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
            return Err(PacketError::Length(bytes.len()));
        };
        let [first, guid @ .., e0, e1, c0, c1, c2, c3] = *header;
        let kind = match first {
            n if n == (VERSION << 4) | Kind::PowerDown.code() => Kind::PowerDown,
            n if n == (VERSION << 4) | Kind::PowerUp.code() => Kind::PowerUp,
            other => return Err(PacketError::Unknown(other)),
        };
        let (epoch, counter) = (u16::from_be_bytes([e0, e1]), u32::from_be_bytes([c0, c1, c2, c3]));
        Ok(Self { kind, guid: Guid(guid), epoch, counter })
    }

    pub(crate) fn bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let parts: [&[u8]; 4] = [
            &[(VERSION << 4) | self.kind.code()],
            &self.guid.0,
            &self.epoch.to_be_bytes(),
            &self.counter.to_be_bytes(),
        ];
        fill(&mut bytes, &parts);
        bytes
    }
}

impl Packet {
    /// For how many seconds the supply had been back when a Power Up was made (to 2 s, never too many); nothing where it
    /// does not tell.
    #[must_use]
    pub fn back_for_s(&self) -> Option<u32> {
        let told = self.header.kind == Kind::PowerUp && self.capacitor_mv & BACK_FOR != 0;
        told.then(|| u32::from(self.capacitor_mv & !BACK_FOR).saturating_mul(BACK_STEP_S))
    }

    pub(crate) fn body(&self) -> [u8; BODY_BYTES] {
        let seconds = u32::try_from(self.at_unix_us.div_euclid(US_PER_S)).unwrap_or(u32::MAX);
        let rest_us = self.at_unix_us.rem_euclid(US_PER_S);
        let fraction = u16::try_from((rest_us << 16).div_euclid(US_PER_S)).unwrap_or(u16::MAX);
        let flags = (self.priority & PRIORITY_MASK)
            | if self.test { FLAG_TEST } else { 0 }
            | if self.clock_set { FLAG_CLOCK_SET } else { 0 };
        let mut bytes = [0; BODY_BYTES];
        let parts: [&[u8]; 5] = [
            &self.event.to_be_bytes(),
            &seconds.to_be_bytes(),
            &fraction.to_be_bytes(),
            &self.capacitor_mv.to_be_bytes(),
            &[self.rms_percent, flags],
        ];
        fill(&mut bytes, &parts);
        bytes
    }

    pub(crate) fn from_body(header: Header, body: [u8; BODY_BYTES]) -> Self {
        let [e0, e1, e2, e3, s0, s1, s2, s3, f0, f1, v0, v1, rms_percent, flags] = body;
        let seconds = u64::from(u32::from_be_bytes([s0, s1, s2, s3]));
        let fraction_us = u64::from(u16::from_be_bytes([f0, f1])).saturating_mul(US_PER_S) >> 16;
        Self {
            header,
            event: u32::from_be_bytes([e0, e1, e2, e3]),
            at_unix_us: seconds.saturating_mul(US_PER_S).saturating_add(fraction_us),
            clock_set: flags & FLAG_CLOCK_SET != 0,
            capacitor_mv: u16::from_be_bytes([v0, v1]),
            rms_percent,
            priority: flags & PRIORITY_MASK,
            test: flags & FLAG_TEST != 0,
        }
    }
}

/// What stands for the capacitor's voltage in a Power Up of a meter whose supply has been back for so many seconds: it may
/// have taken minutes to find its way into the mesh. Nothing (0 mV) where that is longer than 18 hours.
#[must_use]
pub fn back_for(seconds: u64) -> u16 {
    let steps = u16::try_from(seconds.div_euclid(u64::from(BACK_STEP_S))).ok().filter(|steps| *steps < BACK_FOR);
    steps.map_or(0, |steps| BACK_FOR | steps)
}

/// Puts the parts one behind the other; all lengths are constants that add up.
pub(crate) fn fill(to: &mut [u8], parts: &[&[u8]]) {
    for (to, from) in to.iter_mut().zip(parts.iter().flat_map(|part| part.iter())) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fits_the_smallest_frame() {
        // RFC 4944, 4: 127 − 25 (MAC) − 21 (AES-CCM-128). RFC 6282 and RFC 6553 as the constant's doc says.
        let room = 127 - 25 - 21 - 24 - 8;
        assert!(PACKET_BYTES <= room, "{PACKET_BYTES} > {room}");
        assert_eq!(PACKET_BYTES, HEADER_BYTES + BODY_BYTES + taa_keys::TAG_BYTES);
    }

    #[test]
    fn time_keeps_to_16_microseconds() {
        let header = Header { kind: Kind::PowerUp, guid: Guid([3; 16]), epoch: 1, counter: 2 };
        for at_unix_us in [0, 1, 999_999, 1_772_323_200_123_456, u64::from(u32::MAX) * 1_000_000] {
            let packet = Packet {
                header,
                event: 1,
                at_unix_us,
                clock_set: true,
                capacitor_mv: 3600,
                rms_percent: 100,
                priority: 1,
                test: false,
            };
            let back = Packet::from_body(header, packet.body());
            assert!(at_unix_us - back.at_unix_us <= 16, "{at_unix_us} {}", back.at_unix_us);
            assert_eq!(Packet { at_unix_us: 0, ..back }, Packet { at_unix_us: 0, ..packet });
        }
    }

    #[test]
    fn how_long_the_supply_is_back() {
        let header = Header { kind: Kind::PowerUp, guid: Guid([3; 16]), epoch: 1, counter: 2 };
        let packet = |kind, capacitor_mv| {
            let body = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 100, 1];
            Packet { capacitor_mv, ..Packet::from_body(Header { kind, ..header }, body) }
        };
        for (seconds, told) in [(0, Some(0)), (1, Some(0)), (601, Some(600)), (65_535, Some(65_534)), (65_536, None)] {
            assert_eq!(packet(Kind::PowerUp, back_for(seconds)).back_for_s(), told, "{seconds}");
        }
        assert_eq!(packet(Kind::PowerUp, 3600).back_for_s(), None, "a voltage");
        assert_eq!(packet(Kind::PowerDown, back_for(60)).back_for_s(), None, "a gasp tells its voltage");
    }
}
