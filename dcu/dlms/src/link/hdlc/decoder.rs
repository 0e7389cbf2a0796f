//! Finds frames in a stream of bytes, whatever stands between them.
//!
//! Push bytes, then call [`Decoder::next_frame`] until it answers `None`; only then push again. What cannot be a frame
//! is passed over up to the next flag, and searched again from there: a damaged frame hides none that follows. A frame
//! whose announced end never comes is given up by [`Decoder::give_up`], which the owner calls when the line has been
//! silent for the inter-octet timeout; what stands behind its first flag is then searched again as well.
//!
//! 7E inside a frame does no harm, because the length tells where the frame ends.

use super::frame::{FLAG, Found, Frame, FrameFault};

/// The decoder.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// Bytes at the front that have been handed out or passed over.
    used: usize,
    /// Where the frame handed out last begins; its closing flag stands at `used`.
    last_at: usize,
    /// No frame goes on beyond this offset: the line was silent there.
    silence_at: usize,
    damaged: u64,
    skipped: u64,
}

/// A buffer above this is given back when it is empty.
const IDLE_BYTES: usize = 128;

impl Decoder {
    /// Nothing received yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { buffer: Vec::new(), used: 0, last_at: 0, silence_at: 0, damaged: 0, skipped: 0 }
    }

    /// Adds bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.used.min(self.buffer.len()));
        self.silence_at = self.silence_at.saturating_sub(self.used);
        self.used = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame whose check sequences fit.
    pub fn next_frame(&mut self) -> Option<Frame<'_>> {
        loop {
            self.seek_flag();
            let before_silence = self.used < self.silence_at;
            let end = if before_silence { self.silence_at } else { self.buffer.len() };
            let rest = self.buffer.get(self.used..end)?;
            match Frame::find(rest) {
                Ok(Found::Whole(_, closing)) => {
                    // The closing flag stays: it may open the next frame.
                    self.last_at = self.used;
                    self.used = self.used.saturating_add(closing);
                    let whole = self.buffer.get(self.last_at..=self.used)?;
                    return match Frame::find(whole) {
                        Ok(Found::Whole(frame, _)) => Some(frame),
                        _ => None,
                    };
                }
                Ok(Found::Partial) if before_silence => self.pass_over(1),
                Ok(Found::Partial) => return None,
                Err(fault) => {
                    if matches!(fault, FrameFault::HeaderCheck | FrameFault::FrameCheck) {
                        self.damaged = self.damaged.saturating_add(1);
                    }
                    self.pass_over(1);
                }
            }
        }
    }

    /// Information field of the frame handed out last; valid until the next push.
    pub(super) fn last_information(&self) -> &[u8] {
        let whole = self.buffer.get(self.last_at..=self.used).unwrap_or(&[]);
        match Frame::find(whole) {
            Ok(Found::Whole(frame, _)) => frame.information,
            _ => &[],
        }
    }

    /// Nothing has come for longer than a frame may pause: what was begun will not be ended.
    pub fn give_up(&mut self) {
        self.silence_at = self.buffer.len();
    }

    /// Part of a frame has been received. A lone flag counts as none.
    #[must_use]
    pub fn in_progress(&self) -> bool {
        self.buffer.len().saturating_sub(self.used) > 1
    }

    /// Forgets what has been received (the connection was closed, or the speed changed).
    pub fn clear(&mut self) {
        self.buffer = Vec::new();
        self.used = 0;
        self.silence_at = 0;
    }

    /// Gives a large buffer back when no frame is in progress.
    pub(super) fn give_back(&mut self) {
        if !self.in_progress() && self.buffer.capacity() > IDLE_BYTES {
            // At most a flag is kept.
            self.buffer.drain(..self.used.min(self.buffer.len()));
            self.buffer.shrink_to(1);
            self.used = 0;
            self.silence_at = 0;
        }
    }

    /// Frames whose header or content did not fit its check sequence.
    #[must_use]
    pub const fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Bytes passed over because they belonged to no frame.
    #[must_use]
    pub const fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Bytes of memory held beyond the struct itself.
    #[must_use]
    pub const fn heap_bytes(&self) -> usize {
        self.buffer.capacity()
    }

    /// Leaves exactly one flag, if any, at the front.
    fn seek_flag(&mut self) {
        let rest = self.buffer.get(self.used..).unwrap_or(&[]);
        match rest.iter().position(|byte| *byte == FLAG) {
            None => self.pass_over(rest.len()),
            Some(at) => {
                let flags = rest.get(at..).unwrap_or(&[]).iter().take_while(|byte| **byte == FLAG).count();
                self.pass_over(at);
                // Flags between frames are no loss.
                self.used = self.used.saturating_add(flags.saturating_sub(1));
            }
        }
    }

    const fn pass_over(&mut self, bytes: usize) {
        self.used = self.used.saturating_add(bytes);
        self.skipped = self.skipped.saturating_add(bytes as u64);
    }
}
