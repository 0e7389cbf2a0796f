//! What SNRM proposes and UA settles (IEC 62056-46, 6.4.4.4.3): the longest information fields and the windows.
//!
//! ```text
//! 81 80 | 12 | 05 01 80 | 06 01 80 | 07 04 00 00 00 01 | 08 04 00 00 00 01
//! format  len  transmit   receive    window transmit     window receive     (as the sender sees them)
//! ```
//!
//! What is left out has its default: 128 bytes and a window of one.

use super::frame::INFORMATION_BYTES_MAX;
use crate::error::DecodeError;
use crate::wire::Reader;

const FORMAT: u8 = 0x81;
const GROUP: u8 = 0x80;
const TRANSMIT_BYTES: u8 = 5;
const RECEIVE_BYTES: u8 = 6;
const TRANSMIT_WINDOW: u8 = 7;
const RECEIVE_WINDOW: u8 = 8;

/// Limits of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Longest information field sent, bytes.
    pub transmit_bytes: u16,
    /// Longest information field taken, bytes.
    pub receive_bytes: u16,
    /// Frames sent before an acknowledgement is due, 1–7.
    pub transmit_window: u8,
    /// Frames taken before an acknowledgement is due, 1–7.
    pub receive_window: u8,
}

impl Default for Parameters {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Parameters {
    /// What holds when nothing is said.
    pub const DEFAULT: Self = Self { transmit_bytes: 128, receive_bytes: 128, transmit_window: 1, receive_window: 1 };

    /// The same limits both ways.
    #[must_use]
    pub const fn symmetric(information_bytes: u16, window: u8) -> Self {
        Self {
            transmit_bytes: information_bytes,
            receive_bytes: information_bytes,
            transmit_window: window,
            receive_window: window,
        }
    }

    /// What both sides can do: ours, cut to what the other side said of itself.
    #[must_use]
    pub fn agreed(self, theirs: Self) -> Self {
        Self {
            transmit_bytes: self.transmit_bytes.min(theirs.receive_bytes),
            receive_bytes: self.receive_bytes.min(theirs.transmit_bytes),
            transmit_window: self.transmit_window.min(theirs.receive_window),
            receive_window: self.receive_window.min(theirs.transmit_window),
        }
        .bounded()
    }

    /// Information field of a proposal: what differs from the defaults; empty when nothing does.
    pub fn encode_proposal(self, out: &mut Vec<u8>) {
        if self != Self::DEFAULT {
            self.put(out, |ours, default| ours != default);
        }
    }

    /// Information field of an answer: everything.
    pub fn encode_answer(self, out: &mut Vec<u8>) {
        self.put(out, |_, _| true);
    }

    fn put(self, out: &mut Vec<u8>, wanted: impl Fn(u16, u16) -> bool) {
        let begin = out.len();
        out.extend_from_slice(&[FORMAT, GROUP, 0]);
        let default = Self::DEFAULT;
        for (id, ours, default) in [
            (TRANSMIT_BYTES, self.transmit_bytes, default.transmit_bytes),
            (RECEIVE_BYTES, self.receive_bytes, default.receive_bytes),
        ] {
            match ours.to_be_bytes() {
                _ if !wanted(ours, default) => {}
                [0, low] => out.extend_from_slice(&[id, 1, low]),
                [high, low] => out.extend_from_slice(&[id, 2, high, low]),
            }
        }
        for (id, ours, default) in [
            (TRANSMIT_WINDOW, self.transmit_window, default.transmit_window),
            (RECEIVE_WINDOW, self.receive_window, default.receive_window),
        ] {
            if wanted(u16::from(ours), u16::from(default)) {
                out.extend_from_slice(&[id, 4, 0, 0, 0, ours]);
            }
        }
        let length = out.len().saturating_sub(begin).saturating_sub(3);
        if let Some(field) = out.get_mut(begin.saturating_add(2)) {
            // Four parameters take at most twenty bytes.
            *field = u8::try_from(length).unwrap_or(0);
        }
    }

    /// Reads an information field of SNRM or UA. Parameters that we do not know are passed over; zeros and windows
    /// beyond 7 are brought into range.
    ///
    /// # Errors
    /// [`DecodeError`] when it is not of that form.
    pub fn decode(information: &[u8]) -> Result<Self, DecodeError> {
        let mut parameters = Self::DEFAULT;
        if information.is_empty() {
            return Ok(parameters);
        }
        let mut reader = Reader::new(information);
        let format = reader.u8()?;
        if format != FORMAT {
            return Err(DecodeError::UnknownTag { what: "HDLC parameter format", tag: format });
        }
        // Other groups (user data) may follow; they say nothing about limits.
        while !reader.is_empty() {
            let group = reader.u8()?;
            let length = usize::from(reader.u8()?);
            let mut list = Reader::new(reader.take(length)?);
            while group == GROUP && !list.is_empty() {
                let id = list.u8()?;
                let width = usize::from(list.u8()?);
                let bytes = list.take(width)?;
                let value = bytes.iter().fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
                let bytes_max = u16::try_from(value).unwrap_or(u16::MAX);
                let window = u8::try_from(value).unwrap_or(u8::MAX);
                match id {
                    TRANSMIT_BYTES => parameters.transmit_bytes = bytes_max,
                    RECEIVE_BYTES => parameters.receive_bytes = bytes_max,
                    TRANSMIT_WINDOW => parameters.transmit_window = window,
                    RECEIVE_WINDOW => parameters.receive_window = window,
                    _ => {}
                }
            }
        }
        Ok(parameters.bounded())
    }

    /// Within what frames and numbers modulo 8 can do.
    fn bounded(self) -> Self {
        let bytes_max = u16::try_from(INFORMATION_BYTES_MAX).unwrap_or(u16::MAX);
        Self {
            transmit_bytes: self.transmit_bytes.clamp(1, bytes_max),
            receive_bytes: self.receive_bytes.clamp(1, bytes_max),
            transmit_window: self.transmit_window.clamp(1, 7),
            receive_window: self.receive_window.clamp(1, 7),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proposals_leave_defaults_out_and_answers_say_everything() {
        let mut out = Vec::new();
        Parameters::DEFAULT.encode_proposal(&mut out);
        assert!(out.is_empty());
        Parameters::symmetric(64, 1).encode_proposal(&mut out);
        assert_eq!(out, [0x81, 0x80, 6, 5, 1, 64, 6, 1, 64]);
        out.clear();
        Parameters::symmetric(0x07EE, 7).encode_answer(&mut out);
        assert_eq!(out, [0x81, 0x80, 20, 5, 2, 7, 0xEE, 6, 2, 7, 0xEE, 7, 4, 0, 0, 0, 7, 8, 4, 0, 0, 0, 7]);
        assert_eq!(Parameters::decode(&out), Ok(Parameters::symmetric(0x07EE, 7)));
    }

    #[test]
    fn strange_values_are_brought_into_range_and_malformed_lists_refused() {
        let wide = [0x81, 0x80, 12, 5, 4, 0, 1, 0, 0, 7, 4, 0, 0, 0, 9];
        let read = Parameters::decode(&wide).unwrap();
        assert_eq!((read.transmit_bytes, read.transmit_window, read.receive_bytes), (2030, 7, 128));
        assert!(Parameters::decode(&[0x81, 0x80, 20, 5, 1]).is_err());
        assert!(Parameters::decode(&[0x80]).is_err());
        assert_eq!(Parameters::decode(&[0x81, 0xF0, 2, 1, 2]), Ok(Parameters::DEFAULT));
    }

    #[test]
    fn each_side_is_cut_to_what_the_other_takes() {
        let ours = Parameters { transmit_bytes: 512, receive_bytes: 256, transmit_window: 7, receive_window: 3 };
        let theirs = Parameters { transmit_bytes: 128, receive_bytes: 1024, transmit_window: 1, receive_window: 2 };
        let agreed = ours.agreed(theirs);
        assert_eq!(
            agreed,
            Parameters { transmit_bytes: 512, receive_bytes: 128, transmit_window: 2, receive_window: 1 }
        );
    }
}
