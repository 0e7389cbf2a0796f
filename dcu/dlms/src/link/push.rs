//! Listens for what meters send of their own accord, many of them at once: over UDP, over TCP, in wrapper frames or in
//! HDLC UI frames.
//!
//! [`open_datagram`] takes one datagram and keeps nothing. A [`Listener`] keeps one reassembly per stream: feed
//! [`Listener::handle_receive`], then drain [`Listener::next_push`]. What comes out is still as the meter protected it;
//! its system title, where the protection names it, says whose keys open it.
//!
//! Memory is bounded: by the number of streams (the one silent for longest goes when a new one needs its place), and by
//! the longest message.

use std::collections::BTreeMap;

use super::hdlc::{Control, Decoder, FLAG, Frame, llc};
use super::wrapper::{self, Addresses, Reassembler};
use crate::error::DecodeError;
use crate::wire::Reader;

/// What a meter has sent of its own accord.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Push<'a> {
    /// The client that it addresses: 1 management, 16 public, 102 push in many networks.
    pub client: u16,
    /// The logical device that sent it.
    pub device: u16,
    /// The physical device, where an HDLC address names it.
    pub physical: Option<u16>,
    /// Which kind of message.
    pub kind: PushKind,
    /// The sender's system title, where the protection carries it in clear.
    pub system_title: Option<&'a [u8]>,
    /// The message as it came.
    pub message: &'a [u8],
}

/// Kind of a pushed message, by its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushKind {
    /// DataNotification.
    DataNotification,
    /// EventNotification by logical names.
    EventNotification,
    /// InformationReport by short names.
    InformationReport,
    /// One of these protected with global or dedicated keys, or generally ciphered or signed.
    Protected,
    /// A block of a general block transfer.
    Block,
}

/// Why something received is no push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PushFault {
    /// Not a frame.
    #[error("not a frame ({0})")]
    NotAFrame(#[from] DecodeError),
    /// Damaged, or an HDLC frame other than UI with a message.
    #[error("not a frame that carries a push")]
    NotUnnumbered,
    /// A message, but none that a meter sends of its own accord.
    #[error("not a push (tag {tag:#04x})")]
    NotAPush {
        /// First byte of the message; 0 when it is empty.
        tag: u8,
    },
}

/// Opens one datagram: a wrapper frame, or an HDLC frame.
///
/// # Errors
/// [`PushFault`].
pub fn open_datagram(datagram: &[u8]) -> Result<Push<'_>, PushFault> {
    if datagram.first() == Some(&FLAG) {
        return from_frame(&Frame::decode(datagram).map_err(|_| PushFault::NotUnnumbered)?);
    }
    let (addresses, message) = wrapper::open(datagram)?;
    from_wrapper(addresses, message)
}

fn from_wrapper(addresses: Addresses, message: &[u8]) -> Result<Push<'_>, PushFault> {
    push(addresses.destination, addresses.source, None, message)
}

fn from_frame<'a>(frame: &Frame<'a>) -> Result<Push<'a>, PushFault> {
    if frame.control != Control::UnnumberedInformation || frame.segmented {
        return Err(PushFault::NotUnnumbered);
    }
    let message = llc::open(frame.information).ok_or(PushFault::NotUnnumbered)?;
    push(frame.destination.upper(), frame.source.upper(), frame.source.lower(), message)
}

fn push(client: u16, device: u16, physical: Option<u16>, message: &[u8]) -> Result<Push<'_>, PushFault> {
    let tag = message.first().copied().unwrap_or(0);
    let kind = match tag {
        0x0F => PushKind::DataNotification,
        0xC2 => PushKind::EventNotification,
        0x18 => PushKind::InformationReport,
        // general-glo, -ded, -ciphering, -signing; glo- and ded-event-notification, glo- and ded-information-report.
        0xDB | 0xDC | 0xDD | 0xDF | 0xCA | 0xD2 | 0x38 | 0x58 => PushKind::Protected,
        0xE0 => PushKind::Block,
        tag => return Err(PushFault::NotAPush { tag }),
    };
    Ok(Push { client, device, physical, kind, system_title: system_title(tag, message), message })
}

/// The originator's system title of a general protection (Green Book 9.5, General-*).
fn system_title(tag: u8, message: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(message.get(1..)?);
    match tag {
        0xDB | 0xDC => {}
        // The transaction id stands first.
        0xDD | 0xDF => {
            reader.octets().ok()?;
        }
        _ => return None,
    }
    reader.octets().ok().filter(|title| title.len() == 8)
}

/// How a listener is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenerConfig {
    /// Most streams at once.
    pub streams_max: usize,
    /// Longest message taken, bytes.
    pub message_max: usize,
}

/// Listens on many streams. `Peer` names a connection: an address and port, or a number.
#[derive(Clone, Debug)]
pub struct Listener<Peer> {
    config: ListenerConfig,
    streams: BTreeMap<Peer, Stream>,
    /// Whose bytes came last.
    current: Option<Peer>,
    /// The message handed out last.
    message: Vec<u8>,
    refused: u64,
    evicted: u64,
}

#[derive(Clone, Debug)]
struct Stream {
    heard_at: u64,
    framing: Framing,
}

#[derive(Clone, Debug)]
enum Framing {
    Wrapper(Reassembler),
    Hdlc(Decoder),
}

impl<Peer: Copy + Ord> Listener<Peer> {
    /// No streams.
    #[must_use]
    pub const fn new(config: ListenerConfig) -> Self {
        Self { config, streams: BTreeMap::new(), current: None, message: Vec::new(), refused: 0, evicted: 0 }
    }

    /// Streams kept.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// Whole frames received that were no pushes.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// Streams that went to make room.
    #[must_use]
    pub const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Bytes of this stream arrived, cut anywhere. Its first byte tells the framing.
    pub fn handle_receive(&mut self, now: u64, peer: Peer, bytes: &[u8]) {
        let Some(first) = bytes.first() else { return };
        if !self.streams.contains_key(&peer) {
            self.make_room();
            let framing = match *first {
                FLAG => Framing::Hdlc(Decoder::new()),
                _ => Framing::Wrapper(Reassembler::new(self.config.message_max, None)),
            };
            self.streams.insert(peer, Stream { heard_at: now, framing });
        }
        self.current = Some(peer);
        if let Some(stream) = self.streams.get_mut(&peer) {
            stream.heard_at = now;
            match &mut stream.framing {
                Framing::Wrapper(reassembler) => reassembler.push(bytes),
                Framing::Hdlc(decoder) => decoder.push(bytes),
            }
        }
    }

    /// The connection was closed.
    pub fn handle_closed(&mut self, peer: Peer) {
        self.streams.remove(&peer);
        self.current = None;
    }

    /// The next push in what was received last, and from whom.
    pub fn next_push(&mut self) -> Option<(Peer, Push<'_>)> {
        let peer = self.current?;
        let stream = self.streams.get_mut(&peer)?;
        let (client, device, physical) = loop {
            let found = match &mut stream.framing {
                Framing::Wrapper(reassembler) => {
                    let (addresses, message) = reassembler.next_frame()?;
                    from_wrapper(addresses, message)
                }
                Framing::Hdlc(decoder) => from_frame(&decoder.next_frame()?),
            };
            match found {
                Ok(push) if push.message.len() <= self.config.message_max => {
                    self.message.clear();
                    self.message.extend_from_slice(push.message);
                    break (push.client, push.device, push.physical);
                }
                _ => self.refused = self.refused.saturating_add(1),
            }
        };
        push(client, device, physical, &self.message).ok().map(|push| (peer, push))
    }

    fn make_room(&mut self) {
        while self.streams.len() >= self.config.streams_max.max(1) {
            let oldest = self.streams.iter().min_by_key(|(_, stream)| stream.heard_at).map(|(peer, _)| *peer);
            if let Some(peer) = oldest {
                self.streams.remove(&peer);
                self.evicted = self.evicted.saturating_add(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::link::hdlc::Address;

    const NOTIFICATION: &[u8] = &[0x0F, 0, 0, 0, 1, 0, 0x11, 7];
    const CIPHERED: &[u8] = &[0xDB, 8, b'T', b'A', b'A', 0, 0, 0, 0, 1, 3, 0x30, 0, 0];

    fn wrapped(device: u16, message: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        wrapper::begin(&mut frame);
        frame.extend_from_slice(message);
        wrapper::finish(&mut frame, Addresses { source: device, destination: 16 }).unwrap();
        frame
    }

    fn framed(physical: u16, message: &[u8], control: Control) -> Vec<u8> {
        let mut frame = Vec::new();
        Frame {
            destination: Address::client(16).unwrap(),
            source: Address::server(1, Some(physical)).unwrap(),
            control,
            poll: true,
            segmented: false,
            information: &[llc::FROM_SERVER.as_slice(), message].concat(),
        }
        .encode(&mut frame)
        .unwrap();
        frame
    }

    fn listener() -> Listener<u32> {
        Listener::new(ListenerConfig { streams_max: 3, message_max: 1024 })
    }

    #[test]
    fn datagrams_are_opened_and_named() {
        let plain = wrapped(1, NOTIFICATION);
        let push = open_datagram(&plain).unwrap();
        assert_eq!((push.client, push.device, push.kind), (16, 1, PushKind::DataNotification));
        assert_eq!((push.system_title, push.message), (None, NOTIFICATION));
        let ciphered = framed(17, CIPHERED, Control::UnnumberedInformation);
        let push = open_datagram(&ciphered).unwrap();
        assert_eq!((push.kind, push.physical), (PushKind::Protected, Some(17)));
        assert_eq!(push.system_title, Some(&CIPHERED[2..10]));
        let general = [&[0xDD, 2, 1, 2, 8][..], &CIPHERED[2..10], &[0, 0]].concat();
        assert_eq!(open_datagram(&wrapped(1, &general)).unwrap().system_title, Some(&CIPHERED[2..10]));
    }

    #[test]
    fn what_is_no_push_is_refused_by_name() {
        assert_eq!(open_datagram(&wrapped(1, &[0xC4, 1])), Err(PushFault::NotAPush { tag: 0xC4 }));
        assert_eq!(open_datagram(&wrapped(1, &[])), Err(PushFault::NotAPush { tag: 0 }));
        assert_eq!(open_datagram(&[1, 2]), Err(PushFault::NotAFrame(DecodeError::WrapperVersion(0x0102))));
        let numbered = framed(17, NOTIFICATION, Control::Information { send: 0, receive: 0 });
        assert_eq!(open_datagram(&numbered), Err(PushFault::NotUnnumbered));
        assert_eq!(open_datagram(&[0x7E, 0xA0]), Err(PushFault::NotUnnumbered));
    }

    #[test]
    fn the_stream_silent_for_longest_makes_room() {
        let mut listener = listener();
        let frame = wrapped(1, NOTIFICATION);
        for peer in 0..3 {
            listener.handle_receive(u64::from(peer), peer, &frame[..5]);
        }
        listener.handle_receive(10, 0, &frame[5..6]);
        listener.handle_receive(11, 3, &frame);
        assert_eq!(listener.next_push().map(|(peer, _)| peer), Some(3));
        assert_eq!((listener.streams(), listener.evicted()), (3, 1));
        listener.handle_receive(12, 0, &frame[6..]);
        assert_eq!(listener.next_push().map(|(peer, _)| peer), Some(0), "the one heard lately was kept");
        listener.handle_closed(0);
        assert_eq!(listener.streams(), 2);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// However the streams of several meters are cut and mixed, each push comes out once, under its sender's name.
        #[test]
        fn streams_do_not_mix(
            counts in proptest::collection::vec(1_usize..5, 3),
            order in proptest::collection::vec((0_usize..3, 1_usize..40), 0..60),
        ) {
            let mut streams: Vec<Vec<u8>> = counts.iter().enumerate().map(|(peer, count)| {
                let message = |n: usize| [NOTIFICATION, &[0x7E, n as u8]].concat();
                (0..*count).flat_map(|n| match peer {
                    0 => framed(17, &message(n), Control::UnnumberedInformation),
                    peer => wrapped(peer as u16, &message(n)),
                }).collect()
            }).collect();
            let mut listener = listener();
            let mut heard = vec![Vec::new(); 3];
            let rest = [(0, usize::MAX), (1, usize::MAX), (2, usize::MAX)];
            for (peer, bytes) in order.into_iter().chain(rest) {
                let count = bytes.min(streams[peer].len());
                let bytes: Vec<u8> = streams[peer].drain(..count).collect();
                listener.handle_receive(0, peer as u32, &bytes);
                while let Some((from, push)) = listener.next_push() {
                    heard[from as usize].push(usize::from(*push.message.last().unwrap()));
                }
            }
            for (heard, count) in heard.into_iter().zip(counts) {
                prop_assert_eq!(heard, (0..count).collect::<Vec<_>>());
            }
        }

        #[test]
        fn random_bytes_are_errors_at_worst(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = open_datagram(&bytes);
            let mut listener = listener();
            listener.handle_receive(0, 1, &bytes);
            while listener.next_push().is_some() {}
        }
    }
}
