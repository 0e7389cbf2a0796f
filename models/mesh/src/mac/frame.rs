//! A MAC frame as bytes (IEEE 802.15.4-2020, 7.2 and 7.3), without the check sequence.
//!
//! ```text
//! frame control · sequence number · addresses · auxiliary security header · header IEs · payload IEs · payload · MIC
//! └────────────────────────── in clear, authenticated ──────────────────────────┘ └── private: enciphered ──┘
//! ```
//!
//! What the frame control says about lengths is derived from what is there, so a header that was read is written back to
//! the bit. Decoding allocates nothing: information elements stay slices, walked by [`super::ie`].

use super::Eui64;
use super::ie::{self, HeaderIes, PayloadIes};

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FrameType {
    /// A beacon. Wi-SUN sends none.
    Beacon,
    /// Data; Wi-SUN's discovery frames are data frames too.
    Data,
    /// An acknowledgement: immediate (2006) or enhanced (2015).
    Ack,
    /// A MAC command; its first octet of payload says which.
    Command,
}

/// Which edition's rules a frame follows (the frame version field).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 2003.
    V2003,
    /// 2006.
    V2006,
    /// 2015 and later: information elements, enhanced acknowledgements.
    V2015,
}

/// An address, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Address {
    /// The field is left out.
    #[default]
    Absent,
    /// Sixteen bits; 0xffff is broadcast.
    Short(u16),
    /// An EUI-64.
    Extended(Eui64),
}

impl Address {
    fn mode(self) -> u16 {
        match self {
            Self::Absent => 0,
            Self::Short(_) => 2,
            Self::Extended(_) => 3,
        }
    }
}

/// The auxiliary security header (9.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Security {
    /// The level: 5 and 6 encipher and authenticate with 4 and 8 octets; 1–3 authenticate only; 4 enciphers only.
    pub level: u8,
    /// The frame counter, unless it is left out.
    pub counter: Option<u32>,
    /// Whether the nonce is made of the absolute slot number (time-slotted networks only).
    pub slot_in_nonce: bool,
    /// Which key.
    pub key: KeyId,
}

/// How a frame names its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyId {
    /// Both ends know.
    Implicit,
    /// By index: Wi-SUN's GTKs are 1–4, its LGTKs 5–7.
    Index(u8),
    /// By four octets of source, and an index.
    Short([u8; 4], u8),
    /// By eight octets of source, and an index.
    Extended([u8; 8], u8),
}

impl Security {
    /// Octets of message integrity code at this level.
    #[must_use]
    pub fn mic_octets(&self) -> usize {
        [0, 4, 8, 16].get(usize::from(self.level & 3)).copied().unwrap_or(0)
    }

    /// Whether the private part is enciphered.
    #[must_use]
    pub fn enciphers(&self) -> bool {
        self.level & 4 != 0
    }
}

/// A frame's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What it is.
    pub frame_type: FrameType,
    /// Whether more is waiting for the receiver.
    pub pending: bool,
    /// Whether the receiver acknowledges.
    pub ack_request: bool,
    /// Whose rules.
    pub version: Version,
    /// The sequence number; broadcasts of Wi-SUN leave it out.
    pub sequence: Option<u8>,
    /// The receiver's PAN, where it is sent.
    pub to_pan: Option<u16>,
    /// The receiver.
    pub to: Address,
    /// The sender's PAN, where it is sent.
    pub from_pan: Option<u16>,
    /// The sender.
    pub from: Address,
    /// Security, when it is on.
    pub security: Option<Security>,
}

/// What is wrong with a frame: the sender's fault, or the channel's. Drop it and count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// It ends inside this field.
    #[error("the frame ends inside its {0}")]
    Short(&'static str),
    /// A kind that is not spoken here (multipurpose, fragment, extended, reserved).
    #[error("frame type {0} is not spoken here")]
    Type(u8),
    /// A reserved frame version.
    #[error("frame version 3 is reserved")]
    Version,
    /// A reserved addressing mode.
    #[error("addressing mode 1 is reserved")]
    AddressMode,
    /// These PAN identifiers cannot be said with these addresses (7.2.2.6, table 7-2).
    #[error("no frame control has these PAN identifiers with these addresses")]
    Pans,
    /// An information element's length or order is wrong.
    #[error("an information element is malformed")]
    Ie,
    /// The private part has more octets than a length can say.
    #[error("a field is longer than its length can say")]
    Long,
}

/// A frame taken apart; slices of the bytes it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mpdu<'a> {
    /// The header.
    pub header: Header,
    /// The header information elements with their termination, as they came; empty when there are none.
    pub header_ies: &'a [u8],
    /// How the header information elements end.
    pub end: ie::End,
    /// Everything before the private part: what security authenticates in clear.
    pub clear: &'a [u8],
    /// Payload information elements and payload; enciphered when the header says so.
    pub private: &'a [u8],
    /// The message integrity code; empty without security.
    pub mic: &'a [u8],
}

impl<'a> Mpdu<'a> {
    /// Takes a frame apart. `bytes` come without the check sequence.
    ///
    /// # Errors
    /// Where the frame is malformed, or not spoken here.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, FrameError> {
        let mut rest = bytes;
        let control = u16::from_le_bytes(take(&mut rest, "frame control")?);
        let bit = |at: u16| control >> at & 1 == 1;
        let frame_type = match control & 7 {
            0 => FrameType::Beacon,
            1 => FrameType::Data,
            2 => FrameType::Ack,
            3 => FrameType::Command,
            other => return Err(FrameError::Type(other as u8)),
        };
        let version = match control >> 12 & 3 {
            0 => Version::V2003,
            1 => Version::V2006,
            2 => Version::V2015,
            _ => return Err(FrameError::Version),
        };
        let modern = version == Version::V2015;
        let sequence =
            if modern && bit(8) { None } else { Some(u8::from_le_bytes(take(&mut rest, "sequence number")?)) };
        let (to_mode, from_mode) = (control >> 10 & 3, control >> 14 & 3);
        let (to_has_pan, from_has_pan) = pans(version, to_mode, from_mode, bit(6))?;
        let to_pan = pan(&mut rest, to_has_pan)?;
        let to = address(&mut rest, to_mode)?;
        let from_pan = pan(&mut rest, from_has_pan)?;
        let from = address(&mut rest, from_mode)?;
        let security = if bit(3) { Some(security(&mut rest)?) } else { None };
        // First the code at the end: without payload no termination keeps it apart from the elements (7.4.1).
        let mic_octets = security.map_or(0, |security| security.mic_octets());
        let short = FrameError::Short("integrity code");
        let open = rest.len().checked_sub(mic_octets).ok_or(short)?;
        let (mut private, mic) = rest.split_at_checked(open).ok_or(short)?;
        let (header_ies, end) =
            if modern && bit(9) { HeaderIes::split(&mut private)? } else { (&[][..], ie::End::Nothing) };
        let clear = bytes.get(..bytes.len() - private.len() - mic.len()).ok_or(FrameError::Ie)?;
        let header = Header {
            frame_type,
            pending: bit(4),
            ack_request: bit(5),
            version,
            sequence,
            to_pan,
            to,
            from_pan,
            from,
            security,
        };
        Ok(Self { header, header_ies, end, clear, private, mic })
    }

    /// The header information elements, without their termination.
    #[must_use]
    pub fn header_ies(&self) -> HeaderIes<'a> {
        HeaderIes::new(self.header_ies)
    }

    /// The payload information elements of a private part in clear: this frame's own when it is not enciphered, or what
    /// [`super::security::open`] made of it.
    #[must_use]
    pub fn payload_ies<'b>(&self, private: &'b [u8]) -> PayloadIes<'b> {
        PayloadIes::new(if self.end == ie::End::PayloadIes { private } else { &[] })
    }
}

impl Header {
    /// Appends the header. `ies` says whether information elements follow it.
    ///
    /// # Errors
    /// When the edition knows no such combination of PAN identifiers, or information elements in an old frame.
    pub fn encode(&self, ies: bool, out: &mut Vec<u8>) -> Result<(), FrameError> {
        let modern = self.version == Version::V2015;
        if !modern && (ies || self.sequence.is_none()) {
            return Err(FrameError::Version);
        }
        let wanted = (self.to_pan.is_some(), self.from_pan.is_some());
        let (to_mode, from_mode) = (self.to.mode(), self.from.mode());
        let compressed = [false, true]
            .into_iter()
            .find(|&compressed| pans(self.version, to_mode, from_mode, compressed) == Ok(wanted))
            .ok_or(FrameError::Pans)?;
        let kind = match self.frame_type {
            FrameType::Beacon => 0,
            FrameType::Data => 1,
            FrameType::Ack => 2,
            FrameType::Command => 3_u16,
        };
        let version = match self.version {
            Version::V2003 => 0,
            Version::V2006 => 1,
            Version::V2015 => 2_u16,
        };
        let flags = [
            (self.security.is_some(), 3),
            (self.pending, 4),
            (self.ack_request, 5),
            (compressed, 6),
            (self.sequence.is_none(), 8),
            (ies, 9),
        ];
        let flags = flags.into_iter().fold(0_u16, |all, (is, at)| all | u16::from(is) << at);
        let control = kind | flags | to_mode << 10 | version << 12 | from_mode << 14;
        out.extend_from_slice(&control.to_le_bytes());
        out.extend(self.sequence);
        for (pan, address) in [(self.to_pan, self.to), (self.from_pan, self.from)] {
            out.extend(pan.into_iter().flat_map(u16::to_le_bytes));
            match address {
                Address::Absent => {}
                Address::Short(short) => out.extend_from_slice(&short.to_le_bytes()),
                Address::Extended(eui64) => out.extend_from_slice(&eui64.to_wire()),
            }
        }
        if let Some(security) = self.security {
            security.encode(out);
        }
        Ok(())
    }
}

impl Security {
    fn encode(&self, out: &mut Vec<u8>) {
        let mode = match self.key {
            KeyId::Implicit => 0,
            KeyId::Index(_) => 1,
            KeyId::Short(..) => 2,
            KeyId::Extended(..) => 3_u8,
        };
        let flags = u8::from(self.counter.is_none()) << 5 | u8::from(self.slot_in_nonce) << 6;
        out.push(self.level & 7 | mode << 3 | flags);
        out.extend(self.counter.into_iter().flat_map(u32::to_le_bytes));
        match self.key {
            KeyId::Implicit => {}
            KeyId::Index(index) => out.push(index),
            KeyId::Short(source, index) => {
                out.extend_from_slice(&source);
                out.push(index);
            }
            KeyId::Extended(source, index) => {
                out.extend_from_slice(&source);
                out.push(index);
            }
        }
    }
}

/// Which PAN identifiers are there (7.2.2.6): the receiver's and the sender's. Modes: 0 none, 2 short, 3 extended.
fn pans(version: Version, to: u16, from: u16, compressed: bool) -> Result<(bool, bool), FrameError> {
    if to == 1 || from == 1 {
        return Err(FrameError::AddressMode);
    }
    let (has_to, has_from) = (to != 0, from != 0);
    Ok(match (version, has_to, has_from) {
        (Version::V2015, false, false) => (compressed, false),
        (Version::V2015, true, false) => (!compressed, false),
        (Version::V2015, false, true) => (false, !compressed),
        (Version::V2015, true, true) if to == 3 && from == 3 => (!compressed, false),
        (_, true, true) => (true, !compressed),
        (_, to, from) => (to, from),
    })
}

/// Takes `N` octets off the front.
fn take<const N: usize>(rest: &mut &[u8], what: &'static str) -> Result<[u8; N], FrameError> {
    let (found, after) = rest.split_first_chunk::<N>().ok_or(FrameError::Short(what))?;
    *rest = after;
    Ok(*found)
}

fn pan(rest: &mut &[u8], is_there: bool) -> Result<Option<u16>, FrameError> {
    if is_there { Ok(Some(u16::from_le_bytes(take(rest, "PAN identifier")?))) } else { Ok(None) }
}

fn address(rest: &mut &[u8], mode: u16) -> Result<Address, FrameError> {
    Ok(match mode {
        0 => Address::Absent,
        2 => Address::Short(u16::from_le_bytes(take(rest, "short address")?)),
        3 => Address::Extended(Eui64::from_wire(take(rest, "extended address")?)),
        _ => return Err(FrameError::AddressMode),
    })
}

fn security(rest: &mut &[u8]) -> Result<Security, FrameError> {
    const WHAT: &str = "auxiliary security header";
    let [control] = take(rest, WHAT)?;
    let counter = if control >> 5 & 1 == 1 { None } else { Some(u32::from_le_bytes(take(rest, WHAT)?)) };
    let key = match control >> 3 & 3 {
        0 => KeyId::Implicit,
        1 => KeyId::Index(u8::from_le_bytes(take(rest, WHAT)?)),
        2 => KeyId::Short(take(rest, WHAT)?, u8::from_le_bytes(take(rest, WHAT)?)),
        _ => KeyId::Extended(take(rest, WHAT)?, u8::from_le_bytes(take(rest, WHAT)?)),
    };
    Ok(Security { level: control & 7, counter, slot_in_nonce: control >> 6 & 1 == 1, key })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            frame_type: FrameType::Data,
            pending: false,
            ack_request: false,
            version: Version::V2015,
            sequence: None,
            to_pan: None,
            to: Address::Absent,
            from_pan: None,
            from: Address::Absent,
            security: None,
        }
    }

    /// Every combination of edition, addresses and PAN identifiers that can be written is read back as it was.
    #[test]
    fn what_can_be_written_is_read_back() {
        let addresses = [Address::Absent, Address::Short(0xfffe), Address::Extended(Eui64([1, 2, 3, 4, 5, 6, 7, 8]))];
        let mut written = 0;
        for version in [Version::V2003, Version::V2006, Version::V2015] {
            for to in addresses {
                for from in addresses {
                    for pans in 0..4_u8 {
                        let (to_pan, from_pan) = ((pans & 1 != 0).then_some(7), (pans & 2 != 0).then_some(9));
                        let sequence = Some(3);
                        let header = Header { version, sequence, to, from, to_pan, from_pan, ..header() };
                        let mut bytes = Vec::new();
                        match header.encode(false, &mut bytes) {
                            Ok(()) => {
                                written += 1;
                                assert_eq!(Mpdu::decode(&bytes).unwrap().header, header);
                            }
                            Err(error) => assert_eq!(error, FrameError::Pans),
                        }
                    }
                }
            }
        }
        assert_eq!(written, 13 + 13 + 18, "2015 has two ways for each pair of addresses, older ones fewer");
    }

    #[test]
    fn security_headers_come_back() {
        let keys = [KeyId::Implicit, KeyId::Index(5), KeyId::Short([1; 4], 2), KeyId::Extended([3; 8], 4)];
        for (key, level) in keys.into_iter().zip(1..) {
            for counter in [None, Some(0xdead_beef)] {
                let security = Security { level, counter, slot_in_nonce: counter.is_none(), key };
                let mut bytes = Vec::new();
                Header { security: Some(security), ..header() }.encode(false, &mut bytes).unwrap();
                bytes.resize(bytes.len() + security.mic_octets(), 0xaa);
                let mpdu = Mpdu::decode(&bytes).unwrap();
                assert_eq!((mpdu.header.security, mpdu.mic.len()), (Some(security), security.mic_octets()));
                assert!(mpdu.private.is_empty());
            }
        }
    }

    #[test]
    fn what_is_not_spoken_is_named() {
        assert_eq!(Mpdu::decode(&[1]), Err(FrameError::Short("frame control")));
        assert_eq!(Mpdu::decode(&[5, 0, 0]), Err(FrameError::Type(5)));
        assert_eq!(Mpdu::decode(&[1, 0x30, 0]), Err(FrameError::Version));
        assert_eq!(Mpdu::decode(&[1, 0x04, 0]), Err(FrameError::AddressMode));
        assert_eq!(Mpdu::decode(&[0x61, 0xee, 0, 1, 2]), Err(FrameError::Short("extended address")));
        let mut out = Vec::new();
        assert_eq!(Header { version: Version::V2006, ..header() }.encode(false, &mut out), Err(FrameError::Version));
    }
}
