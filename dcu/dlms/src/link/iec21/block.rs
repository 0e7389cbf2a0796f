//! Blocks with a check character (IEC 62056-21, 6.3 and annex A): data messages and programming commands.
//!
//! ```text
//! ␂ 1.8.0(000123.45*kWh)␍␊ … !␍␊ ␃ BCC          data
//! ␁ R1 ␂ 1.8.0() ␃ BCC                          command; a block that is continued ends in ␄
//! ```
//!
//! The check character is the exclusive or of all bytes after the first ␁ or ␂ up to and with ␃ or ␄.

/// Begins a command.
pub const SOH: u8 = 0x01;
/// Begins data.
pub const STX: u8 = 0x02;
/// Ends a block.
pub const ETX: u8 = 0x03;
/// Ends a block that another one continues.
pub const EOT: u8 = 0x04;

/// A block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// Command letter and type, as in `R1`; `None` for data alone.
    pub command: Option<[u8; 2]>,
    /// Data set.
    pub data: &'a [u8],
    /// Another block continues it.
    pub continued: bool,
}

/// What stands at the front of a stream that begins with SOH or STX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// A block of this many bytes.
    Whole(Block<'a>, usize),
    /// More bytes are needed.
    Partial,
    /// A block of this many bytes whose check character does not fit, or that is not of the form.
    Damaged(usize),
}

impl<'a> Block<'a> {
    /// Appends the block with its check character.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let begin = out.len().saturating_add(1);
        match self.command {
            Some([letter, kind]) => {
                out.extend_from_slice(&[SOH, letter, kind]);
                if !self.data.is_empty() {
                    out.push(STX);
                }
            }
            None => out.push(STX),
        }
        out.extend_from_slice(self.data);
        out.push(if self.continued { EOT } else { ETX });
        let check = check_character(out.get(begin..).unwrap_or(&[]));
        out.push(check);
    }

    /// Reads the block at the front. Data never holds ETX or EOT.
    #[must_use]
    pub fn find(stream: &'a [u8]) -> Found<'a> {
        let Some(end) = stream.iter().position(|byte| matches!(*byte, ETX | EOT)) else { return Found::Partial };
        let length = end.saturating_add(2);
        let Some(check) = stream.get(end.saturating_add(1)) else { return Found::Partial };
        let checked = stream.get(1..=end).unwrap_or(&[]);
        if check_character(checked) != *check {
            return Found::Damaged(length);
        }
        let continued = stream.get(end) == Some(&EOT);
        let content = stream.get(..end).unwrap_or(&[]);
        match content {
            [STX, data @ ..] => Found::Whole(Block { command: None, data, continued }, length),
            [SOH, letter, kind, STX, data @ ..] => {
                Found::Whole(Block { command: Some([*letter, *kind]), data, continued }, length)
            }
            [SOH, letter, kind] => {
                Found::Whole(Block { command: Some([*letter, *kind]), data: &[], continued }, length)
            }
            _ => Found::Damaged(length),
        }
    }
}

/// BCC over what follows the first SOH or STX. Parity bits do not count.
#[must_use]
pub fn check_character(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte) & 0x7F
}

/// Begins the break that ends a session: `␁B0␃q`.
pub const BREAK: [u8; 5] = [SOH, b'B', b'0', ETX, 0x71];

/// One data set of a readout: an address and its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataSet<'a> {
    /// As in `1.8.0` or `1-0:1.8.0*255`; may be empty when it continues the one before.
    pub address: &'a [u8],
    /// What stands in the parentheses, with them: one value or several.
    values: &'a [u8],
}

/// One value of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataValue<'a> {
    /// As sent.
    pub value: &'a [u8],
    /// Behind the asterisk, when there is one.
    pub unit: Option<&'a [u8]>,
}

impl<'a> DataSet<'a> {
    /// Its values, in order.
    pub fn values(&self) -> impl Iterator<Item = DataValue<'a>> + use<'a> {
        self.values.split(|byte| *byte == b')').filter_map(|part| {
            let inner = part.strip_prefix(b"(")?;
            let mut halves = inner.splitn(2, |byte| *byte == b'*');
            Some(DataValue { value: halves.next()?, unit: halves.next() })
        })
    }

    /// Its first value.
    #[must_use]
    pub fn first(&self) -> Option<DataValue<'a>> {
        self.values().next()
    }
}

/// The data sets of a readout. Line ends and the exclamation mark at the end belong to none; what is not of the form is
/// passed over up to the next line.
pub fn data_sets(text: &[u8]) -> impl Iterator<Item = DataSet<'_>> {
    let text = text.split(|byte| *byte == b'!').next().unwrap_or(&[]);
    text.split(|byte| matches!(*byte, b'\r' | b'\n')).flat_map(|line| {
        let mut rest = line;
        std::iter::from_fn(move || {
            let open = rest.iter().position(|byte| *byte == b'(')?;
            let (address, values) = rest.split_at_checked(open)?;
            let mut end = 0_usize;
            // Values follow each other without anything between: (a)(b)
            while values.get(end) == Some(&b'(') {
                let close = values.get(end..)?.iter().position(|byte| *byte == b')')?;
                end = end.saturating_add(close).saturating_add(1);
            }
            let (values, after) = values.split_at_checked(end)?;
            rest = after;
            Some(DataSet { address, values })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_go_both_ways_and_damage_shows() {
        for (block, bytes) in [
            (Block { command: None, data: b"0.0.0(7)\r\n!\r\n", continued: false }, &b"\x020.0.0(7)\r\n!\r\n\x03"[..]),
            (Block { command: Some(*b"R1"), data: b"1.8.0()", continued: false }, b"\x01R1\x021.8.0()\x03"),
            (Block { command: Some(*b"B0"), data: b"", continued: false }, b"\x01B0\x03"),
            (Block { command: None, data: b"a(1)", continued: true }, b"\x02a(1)\x04"),
        ] {
            let mut out = Vec::new();
            block.encode(&mut out);
            assert_eq!(&out[..out.len() - 1], bytes);
            assert_eq!(Block::find(&out), Found::Whole(block, out.len()));
            for cut in 0..out.len() {
                assert_eq!(Block::find(&out[..cut]), Found::Partial);
            }
            let last = out.len() - 1;
            out[last] ^= 1;
            assert_eq!(Block::find(&out), Found::Damaged(out.len()));
        }
        let mut out = Vec::new();
        Block { command: Some(*b"B0"), data: b"", continued: false }.encode(&mut out);
        assert_eq!(out, BREAK);
    }

    #[test]
    fn data_sets_are_taken_apart() {
        let text = b"F.F(00000000)\r\n1-0:1.8.0*255(000123.45*kWh)\r\n1.6.1(1.23*kW)(26-03-01 10:15)\r\n\
            a(1)b(2)\r\nnonsense\r\n0.9.1(101500)\r\n!\r\nafter(9)";
        let sets: Vec<(String, Vec<String>)> = data_sets(text)
            .map(|set| {
                let show = |value: DataValue<'_>| {
                    let unit = value.unit.map(|unit| format!(" {}", unit.escape_ascii())).unwrap_or_default();
                    format!("{}{unit}", value.value.escape_ascii())
                };
                (set.address.escape_ascii().to_string(), set.values().map(show).collect())
            })
            .collect();
        let expected = [
            ("F.F", vec!["00000000"]),
            ("1-0:1.8.0*255", vec!["000123.45 kWh"]),
            ("1.6.1", vec!["1.23 kW", "26-03-01 10:15"]),
            ("a", vec!["1"]),
            ("b", vec!["2"]),
            ("0.9.1", vec!["101500"]),
        ];
        let expected: Vec<(String, Vec<String>)> =
            expected.into_iter().map(|(a, v)| (a.into(), v.into_iter().map(String::from).collect())).collect();
        assert_eq!(sets, expected);
    }
}
