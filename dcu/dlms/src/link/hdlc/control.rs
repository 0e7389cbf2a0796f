//! The control field (IEC 62056-46, 6.4.3): which kind of frame, and its numbers modulo 8.

/// Kind of a frame. The poll/final bit stands beside it in [`super::Frame`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// I: a piece of a message.
    Information {
        /// N(S), number of this frame.
        send: u8,
        /// N(R), number of the frame expected next from the other side; acknowledges those before.
        receive: u8,
    },
    /// RR: ready to receive.
    ReceiveReady {
        /// N(R).
        receive: u8,
    },
    /// RNR: not ready to receive.
    ReceiveNotReady {
        /// N(R).
        receive: u8,
    },
    /// REJ: send again from there. Not among the frames of IEC 62056-46: taken, never sent.
    Reject {
        /// N(R).
        receive: u8,
    },
    /// SNRM: open the link, numbers from 0.
    SetNormalResponseMode,
    /// DISC: close the link.
    Disconnect,
    /// UA: done.
    UnnumberedAcknowledge,
    /// DM: there is no link.
    DisconnectedMode,
    /// FRMR: a frame broke the protocol.
    FrameReject,
    /// UI: a message outside of the numbering.
    UnnumberedInformation,
    /// None of the above; the byte without its poll/final bit.
    Unknown(u8),
}

const POLL: u8 = 0x10;

impl Control {
    /// The byte.
    #[must_use]
    pub const fn byte(self, poll: bool) -> u8 {
        let bits = match self {
            Self::Information { send, receive } => ((receive & 7) << 5) | ((send & 7) << 1),
            Self::ReceiveReady { receive } => ((receive & 7) << 5) | 0x01,
            Self::ReceiveNotReady { receive } => ((receive & 7) << 5) | 0x05,
            Self::Reject { receive } => ((receive & 7) << 5) | 0x09,
            Self::SetNormalResponseMode => 0x83,
            Self::Disconnect => 0x43,
            Self::UnnumberedAcknowledge => 0x63,
            Self::DisconnectedMode => 0x0F,
            Self::FrameReject => 0x87,
            Self::UnnumberedInformation => 0x03,
            Self::Unknown(bits) => bits & !POLL,
        };
        bits | if poll { POLL } else { 0 }
    }

    /// Kind, and whether the poll/final bit is set.
    #[must_use]
    pub const fn parse(byte: u8) -> (Self, bool) {
        let receive = byte >> 5;
        let control = match byte & !POLL {
            bits if bits & 1 == 0 => Self::Information { send: (byte >> 1) & 7, receive },
            bits if bits & 0x0F == 0x01 => Self::ReceiveReady { receive },
            bits if bits & 0x0F == 0x05 => Self::ReceiveNotReady { receive },
            bits if bits & 0x0F == 0x09 => Self::Reject { receive },
            0x83 => Self::SetNormalResponseMode,
            0x43 => Self::Disconnect,
            0x63 => Self::UnnumberedAcknowledge,
            0x0F => Self::DisconnectedMode,
            0x87 => Self::FrameReject,
            0x03 => Self::UnnumberedInformation,
            bits => Self::Unknown(bits),
        };
        (control, byte & POLL != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_goes_both_ways() {
        for byte in 0..=255 {
            let (control, poll) = Control::parse(byte);
            assert_eq!(control.byte(poll), byte);
        }
        assert_eq!(Control::parse(0x93), (Control::SetNormalResponseMode, true));
        assert_eq!(Control::parse(0x74), (Control::Information { send: 2, receive: 3 }, true));
        assert_eq!(Control::parse(0x51), (Control::ReceiveReady { receive: 2 }, true));
    }
}
