//! GeneralBlockTransfer: any message, also a protected one, cut into numbered blocks (Green Book 9.3.13, 9.4.4.9).
//! What to do with the blocks: [`crate::general_block`].

use super::tag;
use crate::error::DecodeError;
use crate::wire::{Reader, put_octets};

/// One block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeneralBlock<'a> {
    /// The sender has no more blocks after this one.
    pub last: bool,
    /// Another block follows without being asked for.
    pub streaming: bool,
    /// How many blocks the sender of this one takes in a row, 0–63; 0: the transfer is not acknowledged.
    pub window: u8,
    /// Number of this block, from 1.
    pub number: u16,
    /// Number of the last block received in order from the other side, 0 for none.
    pub acknowledged: u16,
    /// A piece of the message; empty in a bare acknowledgement.
    pub data: &'a [u8],
}

/// Bytes before the data of a block, without its length field.
pub(crate) const HEAD_BYTES: usize = 1 + 1 + 2 + 2;
/// Widest window that the field can carry.
pub const WINDOW_MAX: u8 = 0x3F;

const LAST: u8 = 0x80;
const STREAMING: u8 = 0x40;

impl<'a> GeneralBlock<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let control = reader.u8()?;
        Ok(Self {
            last: control & LAST != 0,
            streaming: control & STREAMING != 0,
            window: control & WINDOW_MAX,
            number: reader.u16()?,
            acknowledged: reader.u16()?,
            data: reader.octets()?,
        })
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let control = flag(self.last, LAST) | flag(self.streaming, STREAMING) | self.window.min(WINDOW_MAX);
        out.extend_from_slice(&[tag::GENERAL_BLOCK_TRANSFER, control]);
        out.extend_from_slice(&self.number.to_be_bytes());
        out.extend_from_slice(&self.acknowledged.to_be_bytes());
        put_octets(out, self.data);
    }
}
