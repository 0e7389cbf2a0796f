//! One frame of format type 3 (IEC 62056-46, 6.4.1).
//!
//! ```text
//! 7E | A0 1E | 03   | 03  | 73    | 40 CC | 81 80 12 … | 53 3B | 7E
//!      type,   dest.  src.  control  HCS    information    FCS
//!      segmentation, length between the flags
//! ```
//!
//! Without information there is no HCS: the FCS follows the control field. The flag is not escaped inside: the length
//! tells where a frame ends, so 7E may stand anywhere in it.

use super::address::Address;
use super::control::Control;
use super::fcs::check_sequence;
use crate::wire::Reader;

/// Begins and ends a frame.
pub const FLAG: u8 = 0x7E;
/// Largest length field.
pub const LENGTH_MAX: usize = 0x7FF;
/// Longest information field that IEC 62056-62 allows to be set (class 23).
pub const INFORMATION_BYTES_MAX: usize = 2030;
/// Shortest length field: format, two addresses, control, FCS.
const LENGTH_MIN: usize = 7;

/// A frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// To whom.
    pub destination: Address,
    /// From whom.
    pub source: Address,
    /// Kind and numbers.
    pub control: Control,
    /// Poll (from the primary) or final (from the secondary): the other side may speak now.
    pub poll: bool,
    /// More of the same message follows in the next frame.
    pub segmented: bool,
    /// What it carries; empty for none.
    pub information: &'a [u8],
}

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameFault {
    /// No flag where one must be.
    #[error("no flag where a frame begins or ends")]
    Flag,
    /// Not format type 3.
    #[error("format type {0:#x}")]
    Format(u8),
    /// The length field does not fit what it measures.
    #[error("length field {0}")]
    Length(usize),
    /// An address of three or more than four bytes.
    #[error("malformed address")]
    Address,
    /// The header does not fit its check sequence.
    #[error("header check sequence")]
    HeaderCheck,
    /// The frame does not fit its check sequence.
    #[error("frame check sequence")]
    FrameCheck,
}

impl<'a> Frame<'a> {
    /// Appends the frame with both flags.
    ///
    /// # Errors
    /// [`FrameFault::Length`] when the information is too long for the length field; nothing is appended then.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), FrameFault> {
        let begin = out.len();
        let header = 3_usize.saturating_add(self.destination.width()).saturating_add(self.source.width());
        let checks = if self.information.is_empty() { 2_usize } else { 4 };
        let length = header.saturating_add(checks).saturating_add(self.information.len());
        if length > LENGTH_MAX {
            return Err(FrameFault::Length(length));
        }
        let [_, _, high, low] = (length as u32).to_be_bytes();
        let segmented = if self.segmented { 0x08 } else { 0 };
        out.extend_from_slice(&[FLAG, 0xA0 | segmented | high, low]);
        self.destination.encode(out);
        self.source.encode(out);
        out.push(self.control.byte(self.poll));
        let put_check = |out: &mut Vec<u8>| {
            let check = check_sequence(out.get(begin.saturating_add(1)..).unwrap_or(&[]));
            out.extend_from_slice(&check.to_le_bytes());
        };
        put_check(out);
        if !self.information.is_empty() {
            out.extend_from_slice(self.information);
            put_check(out);
        }
        out.push(FLAG);
        Ok(())
    }

    /// Opens bytes that are exactly one frame with both flags.
    ///
    /// # Errors
    /// [`FrameFault`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, FrameFault> {
        match Self::find(bytes)? {
            Found::Whole(frame, length) if length.saturating_add(1) == bytes.len() => Ok(frame),
            Found::Whole(_, length) => Err(FrameFault::Length(length)),
            Found::Partial => Err(FrameFault::Length(bytes.len())),
        }
    }

    /// A frame at the front of a stream that begins with a flag, with the offset of its closing flag; or that more
    /// bytes are needed to tell. A header that cannot be right is found out as soon as its own bytes are there.
    pub(super) fn find(stream: &'a [u8]) -> Result<Found<'a>, FrameFault> {
        let [flag, format, low, rest @ ..] = stream else {
            return match stream {
                [] | [FLAG] => Ok(Found::Partial),
                [FLAG, format] if format & 0xF0 == 0xA0 => Ok(Found::Partial),
                [FLAG, format] => Err(FrameFault::Format(format >> 4)),
                _ => Err(FrameFault::Flag),
            };
        };
        if *flag != FLAG {
            return Err(FrameFault::Flag);
        }
        if format & 0xF0 != 0xA0 {
            return Err(FrameFault::Format(format >> 4));
        }
        let length = usize::from(u16::from_be_bytes([format & 7, *low]));
        if length < LENGTH_MIN {
            return Err(FrameFault::Length(length));
        }
        let mut reader = Reader::new(rest);
        let Some((destination, source, control)) = addresses(&mut reader)? else { return Ok(Found::Partial) };
        let header = 2_usize.saturating_add(rest.len().saturating_sub(reader.len()));
        let bare = header.saturating_add(2);
        let information = length.checked_sub(bare).ok_or(FrameFault::Length(length))?;
        if information > 0 {
            let information = information.checked_sub(2).ok_or(FrameFault::Length(length))?;
            let Some(checked) = stream.get(1..header.saturating_add(1)) else { return Ok(Found::Partial) };
            let Ok(check) = reader.array() else { return Ok(Found::Partial) };
            if check_sequence(checked) != u16::from_le_bytes(check) {
                return Err(FrameFault::HeaderCheck);
            }
            if reader.len() < information {
                return Ok(Found::Partial);
            }
        }
        let Some(closing) = stream.get(length.saturating_add(1)) else { return Ok(Found::Partial) };
        if *closing != FLAG {
            return Err(FrameFault::Flag);
        }
        let content = stream.get(1..length.saturating_add(1)).unwrap_or(&[]);
        let Some((content, check)) = content.split_last_chunk::<2>() else { return Err(FrameFault::Length(length)) };
        if check_sequence(content) != u16::from_le_bytes(*check) {
            return Err(FrameFault::FrameCheck);
        }
        let information = if information > 0 { content.get(bare..).unwrap_or(&[]) } else { &[] };
        let (control, poll) = Control::parse(control);
        let segmented = format & 0x08 != 0;
        let frame = Frame { destination, source, control, poll, segmented, information };
        Ok(Found::Whole(frame, length.saturating_add(1)))
    }
}

/// What stands at the front of a stream.
pub(super) enum Found<'a> {
    /// A frame, and where its closing flag stands.
    Whole(Frame<'a>, usize),
    /// What may become one.
    Partial,
}

/// Destination, source and control byte; `None` when they are not all there yet.
fn addresses(reader: &mut Reader<'_>) -> Result<Option<(Address, Address, u8)>, FrameFault> {
    let mut one = || {
        let before = *reader;
        match Address::decode(reader) {
            Some(address) => Ok(Some(address)),
            // Four bytes without an end cannot become an address any more; three with an end neither.
            None if before.rest().iter().take(4).any(|byte| byte & 1 == 1) || before.len() >= 4 => {
                Err(FrameFault::Address)
            }
            None => Ok(None),
        }
    };
    let Some(destination) = one()? else { return Ok(None) };
    let Some(source) = one()? else { return Ok(None) };
    Ok(reader.u8().ok().map(|control| (destination, source, control)))
}
