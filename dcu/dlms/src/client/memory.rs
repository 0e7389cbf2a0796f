//! What a client holds, and what it gives back when it falls idle: a fleet has thousands of them, nearly all idle.

use super::general::General;
use super::resume::HalfRead;
use super::{Client, ReadResult};
use crate::apdu::AttributeRef;
use crate::axdr::Value;
use crate::cosem::map::Discovered;
use crate::link::serial::Serial;
use crate::link::wrapper::Reassembler;

/// Buffers above this are given back when the client falls idle.
const IDLE_BUFFER_BYTES: usize = 256;

impl Client {
    /// Memory held, struct and buffers; the map of the meter's objects apart, which a fleet shares, and an image too.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            .saturating_add(
                self.serial.as_ref().map_or(0, |serial| size_of::<Serial>().saturating_add(serial.heap_bytes())),
            )
            .saturating_add(self.security_bytes())
            .saturating_add(self.frame.capacity())
            .saturating_add(self.transfer.bytes.capacity())
            .saturating_add(self.transfer.answer.capacity())
            .saturating_add(self.general.heap_bytes())
            .saturating_add(self.config.proof.heap_bytes())
            .saturating_add(self.known.as_ref().map_or(0, |_| size_of::<Discovered>()))
            .saturating_add(self.half.as_ref().map_or(0, |_| size_of::<HalfRead>()))
            .saturating_add(self.image.as_ref().map_or(0, |job| job.memory_bytes()))
            .saturating_add(self.notices.as_ref().map_or(0, |notices| notices.memory_bytes()))
            .saturating_add(self.attributes.capacity().saturating_mul(size_of::<AttributeRef>()))
            .saturating_add(self.results.capacity().saturating_mul(size_of::<ReadResult>()))
            .saturating_add(self.rows.heap_bytes())
            .saturating_add(
                self.reassembler.as_ref().map_or(0, |own| size_of::<Reassembler>().saturating_add(own.heap_bytes())),
            )
            .saturating_add(self.returned.as_ref().map_or(0, |_| size_of::<Value>()))
    }

    pub(super) fn give_back_buffers(&mut self) {
        self.give_back_security_buffers(IDLE_BUFFER_BYTES);
        if self.frame.capacity() > IDLE_BUFFER_BYTES {
            self.frame = Vec::new();
        }
        if self.transfer.bytes.capacity() > IDLE_BUFFER_BYTES {
            self.transfer.bytes = Vec::new();
        }
        if self.transfer.answer.capacity() > IDLE_BUFFER_BYTES {
            self.transfer.answer = Vec::new();
        }
        self.give_back_notices();
        self.general = General::default();
        self.selections = Box::default();
        if self.attributes.capacity() > 16 {
            self.attributes = Vec::new();
        }
        if self.results.capacity() > 8 {
            self.results = Vec::new();
        }
        if self.rows.heap_bytes() > 0 && self.half.is_none() {
            self.rows.shrink();
        }
    }
}
