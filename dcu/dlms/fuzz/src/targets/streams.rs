//! Framing on streams: the same frames however the bytes were cut, nothing lost behind what is damaged.

use taa_dlms::link::hdlc::{Address, Decoder, Frame, check_sequence};
use taa_dlms::link::push::{Listener, ListenerConfig, open_datagram};
use taa_dlms::link::wrapper::{self, Addresses, Reassembler};

use super::Plan;

const MESSAGE_MAX: usize = 600;

/// Pieces of a stream: as they come, or made into whole wrapper frames.
pub fn wrapper_stream(data: &[u8]) {
    let mut plan = Plan::new(data);
    let expected = [None, Some(Addresses { source: 1, destination: 16 })][plan.below(2)];
    let cut = plan.below(64) + 1;
    let mut stream = Vec::new();
    while let Some(kind) = plan.byte() {
        if kind % 2 == 0 {
            stream.extend_from_slice(plan.piece());
            continue;
        }
        let mut frame = Vec::new();
        wrapper::begin(&mut frame);
        frame.extend_from_slice(plan.piece());
        let destination = if kind & 2 == 0 { 16 } else { u16::from(kind) };
        let addresses = Addresses { source: 1, destination };
        wrapper::finish(&mut frame, addresses).expect("a piece is short enough");
        assert_eq!(wrapper::open(&frame).map(|(a, m)| (a, m.len())), Ok((addresses, frame.len() - 8)));
        stream.extend_from_slice(&frame);
    }
    let _ = wrapper::open(&stream);
    let frames = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut reassembler = Reassembler::new(MESSAGE_MAX, expected);
        let mut frames = Vec::new();
        for piece in pieces {
            reassembler.push(piece);
            while let Some((addresses, message)) = reassembler.next_frame() {
                frames.push((addresses, message.to_vec()));
            }
        }
        (frames, reassembler.skipped())
    };
    let whole = frames(&mut std::iter::once(stream.as_slice()));
    assert_eq!(frames(&mut stream.chunks(cut)), whole, "cut every {cut}");
    assert!(whole.0.iter().all(|(_, message)| message.len() <= MESSAGE_MAX));
}

/// A frame with right check sequences and an address, control and format byte of the fuzzer's choice.
pub fn put_frame(out: &mut Vec<u8>, segmented: bool, addresses: &[&[u8]; 2], control: u8, information: &[u8]) {
    let information = &information[..information.len().min(2000)];
    let header = 3 + addresses[0].len() + addresses[1].len();
    let length = header + if information.is_empty() { 2 } else { 4 + information.len() };
    out.push(0x7E);
    let begin = out.len();
    let [high, low] = u16::try_from(length).expect("short enough").to_be_bytes();
    out.extend_from_slice(&[0xA0 | (u8::from(segmented) << 3) | high, low]);
    out.extend_from_slice(addresses[0]);
    out.extend_from_slice(addresses[1]);
    out.push(control);
    let check = check_sequence(&out[begin..]);
    out.extend_from_slice(&check.to_le_bytes());
    if !information.is_empty() {
        out.extend_from_slice(information);
        let check = check_sequence(&out[begin..]);
        out.extend_from_slice(&check.to_le_bytes());
    }
    out.push(0x7E);
}

/// Pieces of a line: as they come, or made into frames; whole frames between two flags are found wherever they stand.
pub fn hdlc_frames(data: &[u8]) {
    let mut plan = Plan::new(data);
    let cut = plan.below(64) + 1;
    let mut stream = Vec::new();
    while let Some(kind) = plan.byte() {
        if kind % 2 == 0 {
            stream.extend_from_slice(plan.piece());
            continue;
        }
        let addresses: [&[u8]; 2] = [&[0x03], [&[0x21][..], &[0x02, 0x23], &[0x00, 0x02, 0x00, 0x23]][plan.below(3)]];
        let control = plan.byte().unwrap_or(0x10);
        put_frame(&mut stream, kind & 2 != 0, &addresses, control, plan.piece());
    }
    let frames = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut decoder = Decoder::new();
        let mut frames = Vec::new();
        for piece in pieces {
            decoder.push(piece);
            while let Some(frame) = decoder.next_frame() {
                frames.push(again(&frame));
            }
        }
        (frames, decoder.skipped(), decoder.damaged())
    };
    let whole = frames(&mut std::iter::once(stream.as_slice()));
    assert_eq!(frames(&mut stream.chunks(cut)), whole, "cut every {cut}");
}

/// A frame that was understood encodes to one that is understood the same.
fn again(frame: &Frame<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes).expect("it came out of a frame");
    assert_eq!(Frame::decode(&bytes), Ok(*frame));
    let mut address = Vec::new();
    Address::encode(frame.source, &mut address);
    assert_eq!(address.len(), frame.source.width());
    bytes
}

/// Datagrams, and streams of several meters at once.
pub fn pushes(data: &[u8]) {
    let _ = open_datagram(data);
    let mut plan = Plan::new(data);
    let config = ListenerConfig { streams_max: 3, message_max: MESSAGE_MAX };
    let mut listener = Listener::new(config);
    let mut now = 0;
    while let Some(kind) = plan.byte() {
        now += plan.pause_ns();
        let peer = kind & 7;
        let piece = plan.piece();
        let mut frame = Vec::new();
        match kind >> 5 {
            0 => listener.handle_closed(peer),
            1 | 2 => frame.extend_from_slice(piece),
            3 | 4 => {
                let information = [&[0xE6, 0xE7, 0x00], piece].concat();
                put_frame(&mut frame, false, &[&[0x03], &[0x02, 0x23]], 0x13, &information);
            }
            _ => {
                wrapper::begin(&mut frame);
                frame.extend_from_slice(piece);
                wrapper::finish(&mut frame, Addresses { source: 1, destination: 1 }).expect("short enough");
            }
        }
        let _ = open_datagram(&frame);
        listener.handle_receive(now, peer, &frame);
        while let Some((from, push)) = listener.next_push() {
            assert!(from == peer && push.message.len() <= MESSAGE_MAX);
        }
        assert!(listener.streams() <= config.streams_max);
    }
}
