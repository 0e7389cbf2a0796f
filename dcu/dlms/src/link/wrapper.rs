//! The wrapper (IEC 62056-47, Green Book 7.4): eight bytes before each message, over UDP, TCP, or the mesh.
//!
//! ```text
//! 00 01 | 00 10 | 00 01 | 00 1f | 60 1d …
//! version source destin. length  message
//! ```
//!
//! Over a stream a frame may arrive in any pieces, several at once, or with rubbish between. [`Reassembler`] gives the
//! same frames however the bytes were cut. A header that cannot be right (another version, a length beyond the limit)
//! is given up one byte at a time until a plausible one begins; what was passed over is counted. While searching, only
//! a header with the expected addresses counts as plausible: eight bytes of anything too often look like some header.

use crate::error::DecodeError;
use crate::wire::Reader;

/// Bytes of the header.
pub const HEADER_BYTES: usize = 8;
const VERSION: u16 = 1;

/// Who speaks to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Service access point of the sender.
    pub source: u16,
    /// Service access point of the receiver.
    pub destination: u16,
}

impl Addresses {
    /// The way back.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self { source: self.destination, destination: self.source }
    }
}

/// Clears the buffer and leaves room for the header; the message is appended after it.
#[inline]
pub fn begin(frame: &mut Vec<u8>) {
    frame.clear();
    frame.extend_from_slice(&[0; HEADER_BYTES]);
}

/// Fills in the header of a frame begun with [`begin`].
///
/// # Errors
/// [`DecodeError::OutOfRange`] when the message is longer than 65535 bytes.
#[inline]
pub fn finish(frame: &mut [u8], addresses: Addresses) -> Result<(), DecodeError> {
    let length = frame.len().checked_sub(HEADER_BYTES).and_then(|length| u16::try_from(length).ok());
    let (Some(length), Some(header)) = (length, frame.first_chunk_mut::<HEADER_BYTES>()) else {
        return Err(DecodeError::OutOfRange("message length"));
    };
    let [v1, v0] = VERSION.to_be_bytes();
    let [s1, s0] = addresses.source.to_be_bytes();
    let [d1, d0] = addresses.destination.to_be_bytes();
    let [l1, l0] = length.to_be_bytes();
    *header = [v1, v0, s1, s0, d1, d0, l1, l0];
    Ok(())
}

/// Opens a datagram that holds exactly one frame.
///
/// # Errors
/// [`DecodeError::WrapperVersion`], [`DecodeError::Truncated`], [`DecodeError::Trailing`].
#[inline]
pub fn open(datagram: &[u8]) -> Result<(Addresses, &[u8]), DecodeError> {
    let mut reader = Reader::new(datagram);
    let (addresses, length) = header(&mut reader)?;
    let message = reader.take(length)?;
    reader.finish()?;
    Ok((addresses, message))
}

fn header(reader: &mut Reader<'_>) -> Result<(Addresses, usize), DecodeError> {
    let version = reader.u16()?;
    if version != VERSION {
        return Err(DecodeError::WrapperVersion(version));
    }
    let addresses = Addresses { source: reader.u16()?, destination: reader.u16()? };
    Ok((addresses, usize::from(reader.u16()?)))
}

/// Finds frames in a stream.
///
/// Push bytes, then call [`Self::next_frame`] until it answers `None`; only then push again.
#[derive(Clone, Debug)]
pub struct Reassembler {
    buffer: Vec<u8>,
    /// Bytes at the front that have been handed out or passed over.
    used: usize,
    message_max: usize,
    expected: Option<Addresses>,
    /// The last frame ended where the next header is looked for.
    in_step: bool,
    skipped: u64,
}

impl Reassembler {
    /// Accepts messages up to that length; between `expected` when the step has been lost.
    #[must_use]
    pub const fn new(message_max: usize, expected: Option<Addresses>) -> Self {
        Self { buffer: Vec::new(), used: 0, message_max, expected, in_step: true, skipped: 0 }
    }

    /// Adds bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.compact();
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame.
    pub fn next_frame(&mut self) -> Option<(Addresses, &[u8])> {
        let (addresses, from, to) = loop {
            let rest = self.buffer.get(self.used..)?;
            if !could_begin(rest) {
                self.pass_over();
                continue;
            }
            let mut reader = Reader::new(rest);
            // Too short for a header: wait.
            let (addresses, length) = header(&mut reader).ok()?;
            let strange = !self.in_step && self.expected.is_some_and(|expected| expected != addresses);
            if length > self.message_max || strange {
                self.pass_over();
                continue;
            }
            if reader.len() < length {
                return None;
            }
            let from = self.used.saturating_add(HEADER_BYTES);
            break (addresses, from, from.saturating_add(length));
        };
        self.used = to;
        self.in_step = true;
        self.buffer.get(from..to).map(|message| (addresses, message))
    }

    /// Forgets what has been received of the current frame (the connection was closed).
    pub fn clear(&mut self) {
        self.buffer = Vec::new();
        self.used = 0;
        self.in_step = true;
    }

    /// Bytes passed over because no frame could begin there.
    #[must_use]
    pub const fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Bytes of memory held beyond the struct itself.
    #[must_use]
    pub const fn heap_bytes(&self) -> usize {
        self.buffer.capacity()
    }

    const fn pass_over(&mut self) {
        self.used = self.used.saturating_add(1);
        self.skipped = self.skipped.saturating_add(1);
        self.in_step = false;
    }

    fn compact(&mut self) {
        self.buffer.drain(..self.used.min(self.buffer.len()));
        self.used = 0;
        if self.buffer.is_empty() && self.buffer.capacity() > 512 {
            self.buffer = Vec::new();
        }
    }
}

/// The bytes at hand do not contradict a version of 1.
fn could_begin(rest: &[u8]) -> bool {
    match rest {
        [] => true,
        [first] => *first == 0,
        [first, second, ..] => [*first, *second] == VERSION.to_be_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(message: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        begin(&mut frame);
        frame.extend_from_slice(message);
        finish(&mut frame, Addresses { source: 1, destination: 16 }).unwrap();
        frame
    }

    fn reassembler() -> Reassembler {
        Reassembler::new(64, Some(Addresses { source: 1, destination: 16 }))
    }

    fn collect(reassembler: &mut Reassembler, chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        for chunk in chunks {
            reassembler.push(chunk);
            while let Some((addresses, message)) = reassembler.next_frame() {
                assert_eq!(addresses, Addresses { source: 1, destination: 16 });
                frames.push(message.to_vec());
            }
        }
        frames
    }

    #[test]
    fn a_datagram_is_exactly_one_frame() {
        let good = frame(b"hello");
        assert_eq!(open(&good), Ok((Addresses { source: 1, destination: 16 }, &b"hello"[..])));
        assert_eq!(open(&good[..9]), Err(DecodeError::Truncated));
        assert_eq!(open(&[good.as_slice(), &[0]].concat()), Err(DecodeError::Trailing(1)));
        assert_eq!(open(&[0, 2, 0, 1, 0, 16, 0, 0]), Err(DecodeError::WrapperVersion(2)));
    }

    #[test]
    fn rubbish_before_a_frame_is_passed_over() {
        let bytes = [&[0xFF, 0x00, 0x02, 0x00][..], &frame(b"found"), &frame(b"again")].concat();
        let mut reassembler = self::reassembler();
        assert_eq!(collect(&mut reassembler, &[&bytes]), [b"found", b"again"]);
        assert_eq!(reassembler.skipped(), 4);
    }

    #[test]
    fn a_length_beyond_the_limit_is_not_waited_for() {
        let bytes = [&[0, 1, 0, 1, 0, 16, 0xFF, 0xFF][..], &frame(b"real")].concat();
        assert_eq!(collect(&mut reassembler(), &[&bytes]), [b"real"]);
    }

    proptest! {
        #[test]
        fn cutting_changes_nothing(
            messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..6),
            rubbish in proptest::collection::vec(2..=255_u8, 0..8),
            cuts in proptest::collection::vec(0_usize..300, 0..12),
        ) {
            let mut bytes = rubbish;
            for message in &messages {
                bytes.extend_from_slice(&frame(message));
            }
            let whole = collect(&mut reassembler(), &[&bytes]);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(&collect(&mut reassembler(), &chunks), &whole);
            prop_assert!(whole.ends_with(&messages));
        }
    }
}
