//! The messages of the opening (IEC 62056-21, 6.3): request, identification, acknowledgement with option select.
//!
//! ```text
//! client  /?12345678!␍␊            who is there? (at 300 baud, 7E1)
//! meter   /SIM5\2METER1␍␊          maker, speed offered, enhancements, type
//! client  ␆252␍␊                   protocol, speed, what next
//! ```

use crate::link::line::Baud;

/// ACK, before an option select or for a block taken.
pub const ACK: u8 = 0x06;
/// NAK: send again.
pub const NAK: u8 = 0x15;
/// Longest device address.
pub const ADDRESS_BYTES_MAX: usize = 32;
/// Longest identification line that is taken, with its end.
pub const IDENTIFICATION_BYTES_MAX: usize = 64;
/// Speed at which every opening begins.
pub const OPENING_BAUD: Baud = Baud(300);

/// A device address of a request: letters, digits, spaces. Empty addresses whoever is there.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct DeviceAddress {
    bytes: [u8; ADDRESS_BYTES_MAX],
    length: usize,
}

impl DeviceAddress {
    /// `None` when it is too long or holds other characters.
    #[must_use]
    pub fn new(text: &[u8]) -> Option<Self> {
        let fits = text.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b' ');
        let mut address = Self { bytes: [0; ADDRESS_BYTES_MAX], length: text.len() };
        address.bytes.get_mut(..text.len())?.copy_from_slice(text);
        fits.then_some(address)
    }

    /// The characters.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&[])
    }

    /// A request with `self` concerns the device with that number. Leading zeros do not count.
    #[must_use]
    pub fn reaches(&self, device: &[u8]) -> bool {
        fn bare(mut text: &[u8]) -> &[u8] {
            while let [b'0', rest @ ..] = text {
                text = rest;
            }
            text
        }
        self.length == 0 || bare(self.as_bytes()) == bare(device)
    }
}

impl std::fmt::Debug for DeviceAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DeviceAddress({})", self.as_bytes().escape_ascii())
    }
}

/// Appends the request message.
pub fn put_request(address: &DeviceAddress, out: &mut Vec<u8>) {
    out.extend_from_slice(b"/?");
    out.extend_from_slice(address.as_bytes());
    out.extend_from_slice(b"!\r\n");
}

/// The address in a request message; `None` when it is none.
#[must_use]
pub fn parse_request(line: &[u8]) -> Option<DeviceAddress> {
    DeviceAddress::new(line.strip_prefix(b"/?")?.strip_suffix(b"!\r\n")?)
}

/// How a meter goes on after its identification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Data at once, at the opening's speed.
    A,
    /// Data at once, at this speed.
    B(Baud),
    /// Waits for an option select; offers this speed.
    C(Baud),
    /// As C, and can change to HDLC.
    E(Baud),
}

/// An identification message, borrowed from the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identification<'a> {
    /// Maker's three letters (FLAG association).
    pub manufacturer: [u8; 3],
    /// Character of the speed offered.
    pub speed: u8,
    /// Pairs of a backslash and a character; `\2` offers HDLC.
    pub enhancements: &'a [u8],
    /// Type, at the maker's choice.
    pub device: &'a [u8],
}

impl<'a> Identification<'a> {
    /// Reads the line with its end; `None` when it is no identification.
    #[must_use]
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let text = line.strip_prefix(b"/")?.strip_suffix(b"\r\n")?;
        let (manufacturer, text) = text.split_first_chunk::<3>()?;
        let (speed, text) = text.split_first()?;
        if !manufacturer.iter().all(u8::is_ascii_alphabetic) || !speed.is_ascii_graphic() {
            return None;
        }
        let mut device = text;
        while let [b'\\', _, rest @ ..] = device {
            device = rest;
        }
        let enhancements = text.get(..text.len().saturating_sub(device.len()))?;
        let printable = |bytes: &[u8]| bytes.iter().all(|byte| (0x20..0x7F).contains(byte));
        (printable(enhancements) && printable(device) && !device.contains(&b'/') && !device.contains(&b'!'))
            .then_some(Self { manufacturer: *manufacturer, speed: *speed, enhancements, device })
    }

    /// Appends the line.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(b'/');
        out.extend_from_slice(&self.manufacturer);
        out.push(self.speed);
        out.extend_from_slice(self.enhancements);
        out.extend_from_slice(self.device);
        out.extend_from_slice(b"\r\n");
    }

    /// How the meter goes on.
    #[must_use]
    pub fn mode(&self) -> Mode {
        let hdlc = self.enhancements.chunks(2).any(|pair| pair == b"\\2");
        match (baud_of(self.speed), baud_of_mode_b(self.speed)) {
            (Some(baud), _) if hdlc => Mode::E(baud),
            (Some(baud), _) => Mode::C(baud),
            (None, Some(baud)) => Mode::B(baud),
            (None, None) => Mode::A,
        }
    }

    /// A lower-case third letter says that the meter needs 20 ms between two messages, not 200 ms.
    #[must_use]
    pub const fn reaction_ns(&self) -> u64 {
        let [_, _, third] = self.manufacturer;
        if third.is_ascii_lowercase() { 20_000_000 } else { 200_000_000 }
    }
}

/// Speed of a character of modes C and E.
#[must_use]
pub const fn baud_of(character: u8) -> Option<Baud> {
    Some(Baud(match character {
        b'0' => 300,
        b'1' => 600,
        b'2' => 1200,
        b'3' => 2400,
        b'4' => 4800,
        b'5' => 9600,
        b'6' => 19_200,
        _ => return None,
    }))
}

/// Speed of a character of mode B.
#[must_use]
pub const fn baud_of_mode_b(character: u8) -> Option<Baud> {
    match character {
        b'A'..=b'F' => baud_of(character.wrapping_sub(b'A').wrapping_add(b'1')),
        _ => None,
    }
}

/// What the client asks for in an option select.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionOption {
    /// The data set, all of it.
    Readout,
    /// Programming mode: single values read and written.
    Programming,
    /// HDLC.
    Hdlc,
    /// Something of the maker's, or reserved.
    Other {
        /// Protocol control character.
        protocol: u8,
        /// Mode control character.
        mode: u8,
    },
}

/// Acknowledgement with option select.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionSelect {
    /// What is wanted.
    pub option: SessionOption,
    /// Character of the speed to go on with.
    pub speed: u8,
}

impl OptionSelect {
    /// The six bytes.
    #[must_use]
    pub const fn encode(self) -> [u8; 6] {
        let (protocol, mode) = match self.option {
            SessionOption::Readout => (b'0', b'0'),
            SessionOption::Programming => (b'0', b'1'),
            SessionOption::Hdlc => (b'2', b'2'),
            SessionOption::Other { protocol, mode } => (protocol, mode),
        };
        [ACK, protocol, self.speed, mode, b'\r', b'\n']
    }

    /// Reads the six bytes; `None` when they are none.
    #[must_use]
    pub const fn parse(bytes: &[u8]) -> Option<Self> {
        let [ACK, protocol, speed, mode, b'\r', b'\n'] = bytes else { return None };
        let option = match (*protocol, *mode) {
            (b'0', b'0') => SessionOption::Readout,
            (b'0', b'1') => SessionOption::Programming,
            (b'2', b'2') => SessionOption::Hdlc,
            (protocol, mode) => SessionOption::Other { protocol, mode },
        };
        Some(Self { option, speed: *speed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_go_both_ways() {
        for address in [&b""[..], b"12345678", b"Meter 7"] {
            let address = DeviceAddress::new(address).unwrap();
            let mut line = Vec::new();
            put_request(&address, &mut line);
            assert_eq!(parse_request(&line), Some(address));
        }
        assert_eq!(DeviceAddress::new(&[b'1'; 33]), None);
        assert_eq!(DeviceAddress::new(b"1!"), None);
        assert!(DeviceAddress::new(b"0042").unwrap().reaches(b"42"));
        assert!(!DeviceAddress::new(b"43").unwrap().reaches(b"42"));
    }

    #[test]
    fn identifications_tell_the_mode() {
        for (line, mode) in [
            (&b"/SIM5\\2METER1\r\n"[..], Mode::E(Baud(9600))),
            (b"/LGZ5\\2ZMD3102407.B32\r\n", Mode::E(Baud(9600))),
            (b"/LGZ4ZMF100AC.M26\r\n", Mode::C(Baud(4800))),
            (b"/ABBCxyz\r\n", Mode::B(Baud(2400))),
            (b"/ABB type\r\n", Mode::A),
        ] {
            match Identification::parse(line) {
                Some(identification) => {
                    assert_eq!(identification.mode(), mode);
                    let mut again = Vec::new();
                    identification.encode(&mut again);
                    assert_eq!(again, line);
                }
                None => assert_eq!(line, b"/ABB type\r\n"),
            }
        }
        assert_eq!(Identification::parse(b"/ABB:type\r\n").unwrap().mode(), Mode::A);
        assert_eq!(Identification::parse(b"/SI5\r\n"), None);
        assert_eq!(Identification::parse(b"/?!\r\n"), None);
        assert_eq!(Identification::parse(b"/SIm5\r\n").unwrap().reaction_ns(), 20_000_000);
    }

    #[test]
    fn option_selects_go_both_ways() {
        assert_eq!(OptionSelect { option: SessionOption::Hdlc, speed: b'5' }.encode(), *b"\x06252\r\n");
        for protocol in b'0'..=b'9' {
            for mode in b'0'..=b'9' {
                let bytes = [ACK, protocol, b'4', mode, b'\r', b'\n'];
                assert_eq!(OptionSelect::parse(&bytes).unwrap().encode(), bytes);
            }
        }
        assert_eq!(OptionSelect::parse(b"\x06252\r"), None);
    }
}
