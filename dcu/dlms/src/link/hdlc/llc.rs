//! The LLC header before each message (IEC 62056-46, 5.3.3): E6 E6 00 from the client, E6 E7 00 from the server.

/// Before a client's message.
pub const FROM_CLIENT: [u8; 3] = [0xE6, 0xE6, 0x00];
/// Before a server's message.
pub const FROM_SERVER: [u8; 3] = [0xE6, 0xE7, 0x00];

/// The message behind the header. Either direction's header is taken: meters of the field mix them up, and the frame's
/// addresses have said already who speaks. `None` when there is no such header.
#[must_use]
pub fn open(information: &[u8]) -> Option<&[u8]> {
    match information.split_first_chunk::<3>() {
        Some(([0xE6, 0xE6 | 0xE7, 0x00], message)) => Some(message),
        _ => None,
    }
}
