//! AES-GCM over a packet, under a key of one meter alone.

use taa_keys::{Aad, CipherKey, KdfError, Key, NONCE_BYTES, derive};

use crate::packet::{BODY_BYTES, HEADER_BYTES, fill};
use crate::{Guid, Header, PACKET_BYTES, Packet, PacketError};

/// Label of the derivation (NIST SP 800-108).
pub const LABEL: &[u8] = b"taa/outage/seal";

/// First bytes of every nonce: this key seals nothing else.
const NONCE_HEAD: [u8; 4] = *b"gasp";

/// The key that seals the packets of one meter, from a master key. Whoever reads one meter's out of its flash can speak for
/// that meter alone.
///
/// # Errors
/// None with this label; [`KdfError`] is passed on rather than hidden.
pub fn meter_key(master: &Key, guid: Guid) -> Result<Key, KdfError> {
    let mut key = [0; 16];
    derive(master, LABEL, &guid.0, &mut key)?;
    Ok(Key::Aes128(key))
}

/// A meter's key made ready. `Debug` shows no key.
#[derive(Clone, Debug)]
pub struct Seal {
    guid: Guid,
    cipher: CipherKey,
}

impl Seal {
    /// With the key of [`meter_key`].
    #[must_use]
    pub fn new(guid: Guid, key: &Key) -> Self {
        Self { guid, cipher: CipherKey::new(key) }
    }

    /// Whose packets it seals.
    #[must_use]
    pub const fn guid(&self) -> Guid {
        self.guid
    }

    /// The sealed packet; the header's GUID is this seal's, whatever the packet says. **A counter must never be used twice
    /// within an epoch.**
    #[must_use]
    pub fn seal(&self, packet: &Packet) -> [u8; PACKET_BYTES] {
        let header = Header { guid: self.guid, ..packet.header };
        let (head, mut body) = (header.bytes(), packet.body());
        let tag = self.cipher.seal(&nonce(&header), Aad { head: &head, ..Aad::EMPTY }, &mut body);
        let mut bytes = [0; PACKET_BYTES];
        fill(&mut bytes, &[&head, &body, &tag]);
        bytes
    }

    /// Reads a packet of this meter. Whether it is an old one sent again is for the caller to judge.
    ///
    /// # Errors
    /// [`PacketError`].
    pub fn open(&self, bytes: &[u8]) -> Result<Packet, PacketError> {
        let header = Header::read(bytes)?;
        if header.guid != self.guid {
            return Err(PacketError::WrongMeter);
        }
        let short = PacketError::Length(bytes.len());
        let (head, rest) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(short)?;
        let (body, tag) = rest.split_first_chunk::<BODY_BYTES>().ok_or(short)?;
        let mut body = *body;
        let aad = Aad { head, ..Aad::EMPTY };
        self.cipher.open(&nonce(&header), aad, &mut body, tag).map_err(|_| PacketError::Forged)?;
        Ok(Packet::from_body(header, body))
    }
}

fn nonce(header: &Header) -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    fill(&mut nonce, &[&NONCE_HEAD, &[0, 0], &header.epoch.to_be_bytes(), &header.counter.to_be_bytes()]);
    nonce
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Kind;

    fn seal(name: &str) -> Seal {
        let guid = Guid::of_name(name);
        Seal::new(guid, &meter_key(&Key::Aes128([7; 16]), guid).unwrap())
    }

    fn packet(name: &str, counter: u32) -> Packet {
        Packet {
            header: Header { kind: Kind::PowerDown, guid: Guid::of_name(name), epoch: 3, counter },
            event: 9,
            at_unix_us: 1_772_323_200_000_000,
            clock_set: true,
            capacitor_mv: 3412,
            rms_percent: 12,
            priority: 1,
            test: false,
        }
    }

    #[test]
    fn a_packet_survives_and_the_body_is_hidden() {
        let sealed = seal("m1").seal(&packet("m1", 5));
        assert_eq!(seal("m1").open(&sealed), Ok(packet("m1", 5)));
        let again = seal("m1").seal(&packet("m1", 6));
        assert_ne!(sealed[HEADER_BYTES..37], again[HEADER_BYTES..37], "another counter, other bytes throughout");
    }

    #[test]
    fn another_meters_key_opens_nothing() {
        let mut sealed = seal("m1").seal(&packet("m1", 5));
        assert_eq!(seal("m2").open(&sealed), Err(PacketError::WrongMeter));
        sealed[1..17].copy_from_slice(&Guid::of_name("m2").0);
        assert_eq!(seal("m2").open(&sealed), Err(PacketError::Forged), "a GUID is no secret, and no proof either");
        assert_eq!(format!("{:?}", seal("m1")).matches("AES-128").count(), 1);
    }

    /// The sabotage of the test below: under a seal that checks nothing a changed packet would pass.
    #[test]
    fn without_a_check_a_flipped_bit_would_pass() {
        let sealed = seal("m1").seal(&packet("m1", 5));
        let mut bytes = sealed;
        bytes[HEADER_BYTES] ^= 0x80;
        let header = Header::read(&bytes).unwrap();
        let mut body: [u8; BODY_BYTES] = bytes[HEADER_BYTES..HEADER_BYTES + BODY_BYTES].try_into().unwrap();
        seal("m1").cipher.stream(&nonce(&header), &mut body);
        assert_eq!(Packet::from_body(header, body).event, 9 ^ 0x8000_0000, "an attacker's choice of event");
        assert_eq!(seal("m1").open(&bytes), Err(PacketError::Forged));
    }

    proptest! {
        #[test]
        fn no_byte_can_be_changed(at in 0..PACKET_BYTES, with in 1_u8..) {
            let mut sealed = seal("m1").seal(&packet("m1", 5));
            sealed[at] ^= with;
            prop_assert!(seal("m1").open(&sealed).is_err());
        }

        #[test]
        fn whatever_comes_is_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            prop_assert!(seal("m1").open(&bytes).is_err());
        }

        #[test]
        fn bytes_that_begin_well_are_refused_too(rest in proptest::collection::vec(any::<u8>(), PACKET_BYTES - 17)) {
            let mut bytes = vec![0x11];
            bytes.extend_from_slice(&Guid::of_name("m1").0);
            bytes.extend_from_slice(&rest);
            prop_assert_eq!(seal("m1").open(&bytes), Err(PacketError::Forged));
        }

        #[test]
        fn every_packet_survives(
            event: u32, counter: u32, epoch: u16, seconds: u32, mv: u16, rms: u8, priority in 0_u8..16, test: bool,
        ) {
            let mut packet = packet("m1", counter);
            packet.header.epoch = epoch;
            let at_unix_us = u64::from(seconds) * 1_000_000;
            let packet = Packet { event, at_unix_us, capacitor_mv: mv, rms_percent: rms, priority, test, ..packet };
            prop_assert_eq!(seal("m1").open(&seal("m1").seal(&packet)), Ok(packet));
        }
    }
}
