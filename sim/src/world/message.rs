//! Bytes under way, in reused buffers: events stay small and `Copy`, the bytes wait here.

/// Handle of a message under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MessageId(u32);

impl MessageId {
    /// For digests.
    pub(crate) fn number(self) -> u32 {
        self.0
    }
}

/// The messages under way.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    slots: Vec<Vec<u8>>,
    free: Vec<u32>,
}

impl Messages {
    /// Takes a copy of the bytes into a free buffer.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> MessageId {
        let id = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Vec::new());
            (self.slots.len() - 1) as u32
        });
        let slot = &mut self.slots[id as usize];
        slot.clear();
        slot.extend_from_slice(bytes);
        MessageId(id)
    }

    /// The bytes out of their slot; give the buffer back with [`Self::recycle`].
    pub(crate) fn take(&mut self, id: MessageId) -> Vec<u8> {
        std::mem::take(&mut self.slots[id.0 as usize])
    }

    /// Returns a buffer and frees its slot.
    pub(crate) fn recycle(&mut self, id: MessageId, buffer: Vec<u8>) {
        self.slots[id.0 as usize] = buffer;
        self.free.push(id.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_reused() {
        let mut messages = Messages::default();
        let first = messages.put(b"one");
        let buffer = messages.take(first);
        assert_eq!(buffer, b"one");
        messages.recycle(first, buffer);
        assert_eq!(messages.put(b"two"), first);
        assert_eq!(messages.slots.len(), 1);
    }
}
