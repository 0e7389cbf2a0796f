//! A capture file: each frame in a UDP datagram of its own to or from port 4059, IPv4 without link layer.

/// Who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    Client,
    Server,
}

const PORT: u16 = 4059;
const LINK_RAW_IP: u32 = 101;

/// The whole file. `dialogue` tells one conversation from another: it is the client's port.
pub fn file<'a>(frames: impl Iterator<Item = (u16, From, &'a [u8])>) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(0xA1B2_C3D4_u32.to_le_bytes());
    out.extend([2, 0, 4, 0]);
    for word in [0, 0, 65_535, LINK_RAW_IP] {
        out.extend(word.to_le_bytes());
    }
    for (second, (dialogue, from, bytes)) in (0_u32..).zip(frames) {
        let length = u16::try_from(28 + bytes.len()).unwrap();
        for word in [second, 0, length.into(), length.into()] {
            out.extend(word.to_le_bytes());
        }
        let client = 50_000 + dialogue;
        let (ports, hosts) = match from {
            From::Client => ([client, PORT], [1, 2]),
            From::Server => ([PORT, client], [2, 1]),
        };
        out.extend([0x45, 0]);
        out.extend(length.to_be_bytes());
        out.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, hosts[0], 10, 0, 0, hosts[1]]);
        for word in [ports[0], ports[1], length - 20, 0] {
            out.extend(word.to_be_bytes());
        }
        out.extend(bytes);
    }
    out
}
